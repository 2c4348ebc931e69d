// SPDX-License-Identifier: GPL-2.0-or-later
#include "sim_host.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cleanup.h"

#define MAX_CURVE_POINTS 64

static struct mrc_curve *make_curve(const double *sizes, const double *ratios,
				    size_t nr_points)
{
	struct mrc_curve *curve = NULL;

	if (mrc_curve_new(sizes, ratios, nr_points, &curve))
		abort();
	return curve;
}

struct mrc_curve *sim_curve(enum sim_shape shape, uint64_t wss_bytes,
			    double cold)
{
	double wss = (double)wss_bytes / VIEW_PAGE_BYTES;
	double sizes[MAX_CURVE_POINTS] = { 0 };
	double ratios[MAX_CURVE_POINTS] = { 1 };
	size_t i, nr = 1;

	switch (shape) {
	case SIM_LOOP:
		sizes[1] = wss - 1;
		ratios[1] = 1;
		sizes[2] = wss;
		ratios[2] = cold;
		nr = 3;
		break;
	case SIM_UNIFORM:
		sizes[1] = wss;
		ratios[1] = cold;
		nr = 2;
		break;
	case SIM_SKEWED:
		for (nr = 1; nr <= 40; nr++) {
			double share = (double)nr / 40;

			sizes[nr] = wss * share;
			ratios[nr] = cold +
				     (1 - cold) * (exp(-6 * share) - exp(-6)) /
					     (1 - exp(-6));
		}
		break;
	}
	for (i = 1; i < nr; i++)
		ratios[i] = fmax(fmin(ratios[i], ratios[i - 1]), 0);
	return make_curve(sizes, ratios, nr);
}

struct mrc_curve *sim_random_curve(struct mrc_random *random, size_t max_points,
				   uint64_t max_bytes)
{
	size_t i, nr = 2 + mrc_random_below(random, max_points - 1);
	double mean = (double)max_bytes / VIEW_PAGE_BYTES / (double)nr;
	double sizes[MAX_CURVE_POINTS] = { 0 };
	double ratios[MAX_CURVE_POINTS] = { 1 };

	for (i = 1; i < nr; i++) {
		sizes[i] =
			sizes[i - 1] + 1 + mean * 2 * mrc_random_unit(random);
		ratios[i] = ratios[i - 1];
		/* Plateaus and cliffs, or a slope. */
		if (mrc_random_below(random, 3))
			ratios[i] *= mrc_random_unit(random);
	}
	return make_curve(sizes, ratios, nr);
}

static struct mrc_curve *change(struct mrc_random *random,
				const struct mrc_curve *curve, double width)
{
	size_t i, nr = mrc_curve_nr_points(curve);
	double sizes[MAX_CURVE_POINTS] = { 0 };
	double ratios[MAX_CURVE_POINTS] = { 1 };

	for (i = 1; i < nr; i++) {
		double by = random ? mrc_random_unit(random) * 2 - 1 : 1;

		(void)mrc_curve_point(curve, i, &sizes[i], &ratios[i]);
		ratios[i] =
			fmin(fmax(ratios[i] + by * width, 0), ratios[i - 1]);
	}
	return make_curve(sizes, ratios, nr);
}

struct mrc_curve *sim_disturb(struct mrc_random *random,
			      const struct mrc_curve *curve, double width)
{
	return change(random, curve, width);
}

struct mrc_curve *sim_shift(const struct mrc_curve *curve, double width)
{
	return change(NULL, curve, width);
}

struct vm_view sim_view(unsigned int number, uint64_t min_bytes,
			uint64_t max_bytes, uint64_t actual_bytes)
{
	struct vm_view vm = {
		.name = "vm",
		.limits = {
			.min_bytes = min_bytes,
			.max_bytes = max_bytes,
			.weight = 1,
			.mode = VM_MODE_ACT,
		},
		.actual_bytes = actual_bytes,
		.target_bytes = actual_bytes,
		.is_movable = true,
		.inverse_rate = 128,
	};

	(void)snprintf(vm.uuid, sizeof(vm.uuid),
		       "%08x-0000-4000-8000-000000000000", number);
	return vm;
}

#define MIB(n) ((n)*SIM_MIB)

/* Two that need memory in turn, and one that never needs what it has. */
static const struct sim_vm turns[] = {
	{ MIB(128),
	  MIB(1024),
	  MIB(512),
	  { { 30, SIM_LOOP, MIB(800), 20000 },
	    { 30, SIM_LOOP, MIB(150), 20000 } },
	  2 },
	{ MIB(128),
	  MIB(1024),
	  MIB(512),
	  { { 30, SIM_LOOP, MIB(150), 20000 },
	    { 30, SIM_LOOP, MIB(800), 20000 } },
	  2 },
	{ MIB(128),
	  MIB(1024),
	  MIB(512),
	  { { 60, SIM_SKEWED, MIB(200), 5000 } },
	  1 },
};

/* Slopes and skews of many sizes and speeds, out of step. */
static const struct sim_vm mixed[] = {
	{ MIB(128),
	  MIB(2048),
	  MIB(512),
	  { { 25, SIM_UNIFORM, MIB(900), 30000 },
	    { 35, SIM_UNIFORM, MIB(200), 8000 } },
	  2 },
	{ MIB(128),
	  MIB(2048),
	  MIB(512),
	  { { 40, SIM_SKEWED, MIB(1200), 50000 },
	    { 20, SIM_SKEWED, MIB(300), 50000 } },
	  2 },
	{ MIB(128),
	  MIB(2048),
	  MIB(512),
	  { { 15, SIM_LOOP, MIB(300), 10000 },
	    { 45, SIM_LOOP, MIB(700), 10000 } },
	  2 },
	{ MIB(128),
	  MIB(2048),
	  MIB(512),
	  { { 60, SIM_UNIFORM, MIB(1500), 1000 } },
	  1 },
};

/* More is needed than there is: somebody must go without. */
static const struct sim_vm crowded[] = {
	{ MIB(128),
	  MIB(1024),
	  MIB(400),
	  { { 60, SIM_LOOP, MIB(700), 40000 } },
	  1 },
	{ MIB(128),
	  MIB(1024),
	  MIB(400),
	  { { 60, SIM_LOOP, MIB(700), 4000 } },
	  1 },
	{ MIB(128),
	  MIB(1024),
	  MIB(400),
	  { { 30, SIM_UNIFORM, MIB(700), 20000 },
	    { 30, SIM_UNIFORM, MIB(300), 20000 } },
	  2 },
};

/* Nobody is short. */
static const struct sim_vm roomy[] = {
	{ MIB(128),
	  MIB(1024),
	  MIB(700),
	  { { 60, SIM_LOOP, MIB(500), 40000 } },
	  1 },
	{ MIB(128),
	  MIB(1024),
	  MIB(700),
	  { { 60, SIM_SKEWED, MIB(400), 40000 } },
	  1 },
};

/* A small busy VM beside a large one that reads much and reuses little. */
static const struct sim_vm scanner[] = {
	{ MIB(128),
	  MIB(2048),
	  MIB(1400),
	  { { 60, SIM_LOOP, MIB(8000), 20000 } },
	  1 },
	{ MIB(128),
	  MIB(1024),
	  MIB(300),
	  { { 20, SIM_SKEWED, MIB(900), 15000 },
	    { 20, SIM_SKEWED, MIB(200), 15000 } },
	  2 },
};

#define SCENARIO(vms_, budget, follow)                                         \
	{                                                                      \
#vms_, vms_, sizeof(vms_) / sizeof((vms_)[0]), budget, follow, \
			240                                                    \
	}

const struct sim_scenario sim_scenarios[] = {
	SCENARIO(turns, MIB(1536), MIB(256)),
	SCENARIO(mixed, MIB(2048), MIB(256)),
	SCENARIO(crowded, MIB(1200), MIB(256)),
	SCENARIO(roomy, MIB(1600), MIB(256)),
	SCENARIO(scanner, MIB(1700), MIB(128)),
};
const size_t sim_nr_scenarios =
	sizeof(sim_scenarios) / sizeof(sim_scenarios[0]);

/* Misses for ever, of what is new. */
#define SIM_COLD 0.0005

static const struct sim_phase *phase_at(const struct sim_vm *vm,
					unsigned int tick)
{
	unsigned int length = 0;
	size_t i;

	for (i = 0; i < vm->nr_phases; i++)
		length += vm->phases[i].ticks;
	tick %= length ? length : 1;
	for (i = 0; tick >= vm->phases[i].ticks; i++)
		tick -= vm->phases[i].ticks;
	return &vm->phases[i];
}

struct sim_state {
	struct vm_view *views;
	struct decision *decisions;
	struct mrc_curve **curves;
	struct decide_memory *memory;
	size_t nr_vms;
};

static void state_done(struct sim_state *state)
{
	size_t i;

	for (i = 0; state->curves && i < state->nr_vms; i++)
		mrc_curve_free(state->curves[i]);
	free(state->views);
	free(state->decisions);
	free(state->curves);
	decide_memory_free(state->memory);
}

/*
 * What a host sees of it: the guest swaps into pages that it has, so that no page is
 * missed after so many others.
 */
static struct mrc_curve *cut_curve(const struct mrc_curve *curve,
				   uint64_t actual_bytes)
{
	double actual = (double)actual_bytes / VIEW_PAGE_BYTES;
	double cold = mrc_curve_at(curve, INFINITY);
	double sizes[MAX_CURVE_POINTS + 2] = { 0 };
	double ratios[MAX_CURVE_POINTS + 2] = { 1 };
	size_t i, nr = mrc_curve_nr_points(curve);

	for (i = 1; i < nr; i++) {
		(void)mrc_curve_point(curve, i, &sizes[i], &ratios[i]);
		if (sizes[i] > actual - 1)
			break;
	}
	sizes[i] = actual - 1;
	ratios[i] = mrc_curve_at(curve, actual - 1);
	sizes[i + 1] = actual;
	ratios[i + 1] = cold;
	return make_curve(sizes, ratios, i + 2);
}

/* A tick passes in a guest; what was measured of it is seen in the next one. */
static double vm_tick(const struct sim_scenario *scenario, size_t i,
		      unsigned int tick, enum sim_sight sight,
		      struct sim_state *state, uint64_t *moved_bytes)
{
	const struct sim_phase *phase = phase_at(&scenario->vms[i], tick);
	struct vm_view *view = &state->views[i];
	uint64_t before = view->actual_bytes;
	double misses;

	if (view->target_bytes > before)
		view->actual_bytes +=
			(uint64_t)fmin((double)scenario->follow_bytes,
				       (double)(view->target_bytes - before));
	else
		view->actual_bytes -=
			(uint64_t)fmin((double)scenario->follow_bytes,
				       (double)(before - view->target_bytes));
	*moved_bytes += view->actual_bytes > before ?
				view->actual_bytes - before :
				before - view->actual_bytes;

	mrc_curve_free(state->curves[i]);
	state->curves[i] = sim_curve(phase->shape, phase->wss_bytes, SIM_COLD);
	view->curve = state->curves[i];
	view->accesses_per_s = phase->accesses_per_s;
	view->wss = VM_WSS_KNOWN;
	view->wss_bytes = phase->wss_bytes;
	misses = policy_misses_per_s(view, view->curve, view->actual_bytes);
	if (sight == SIM_OWN && view->actual_bytes < phase->wss_bytes) {
		struct mrc_curve *cut =
			cut_curve(view->curve, view->actual_bytes);

		mrc_curve_free(state->curves[i]);
		view->curve = state->curves[i] = cut;
	}
	view->has_stats = true;
	view->stats = (struct vm_guest_stats){
		.total_bytes = view->actual_bytes,
		.usable_bytes = view->actual_bytes > phase->wss_bytes ?
					view->actual_bytes - phase->wss_bytes :
					0,
		.swap_in_bytes_per_s = view->actual_bytes < phase->wss_bytes ?
					       misses * VIEW_PAGE_BYTES :
					       0,
		.swap_out_bytes_per_s =
			view->actual_bytes < phase->wss_bytes ? 1 : 0,
	};
	return misses;
}

static int apply(struct sim_state *state, struct sim_result *result)
{
	size_t i;

	for (i = 0; i < state->nr_vms; i++) {
		const struct decision *decision = &state->decisions[i];

		if (decision->verdict != VERDICT_MOVE &&
		    decision->verdict != VERDICT_GIVE_BACK)
			continue;
		state->views[i].target_bytes = decision->step_bytes;
		result->moves++;
	}
	return 0;
}

static int check_budget(const struct sim_scenario *scenario,
			const struct sim_state *state)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < state->nr_vms; i++) {
		const struct vm_view *view = &state->views[i];

		sum += view->actual_bytes > view->target_bytes ?
			       view->actual_bytes :
			       view->target_bytes;
	}
	return sum <= scenario->budget_bytes ? 0 : -EPROTO;
}

int sim_run(const struct sim_scenario *scenario, const struct policy *policy,
	    enum sim_sight sight, struct sim_result *ret_result)
{
	struct sim_state state CLEANUP(state_done) = {
		.views = calloc(scenario->nr_vms, sizeof(struct vm_view)),
		.decisions = calloc(scenario->nr_vms, sizeof(struct decision)),
		.curves = calloc(scenario->nr_vms, sizeof(struct mrc_curve *)),
		.nr_vms = scenario->nr_vms,
	};
	struct sim_result result = { 0 };
	unsigned int tick;
	size_t i;
	int err;

	if (!state.views || !state.decisions || !state.curves)
		return -ENOMEM;
	err = decide_memory_new(&state.memory);
	if (err)
		return err;
	for (i = 0; i < state.nr_vms; i++)
		state.views[i] = sim_view((unsigned int)i,
					  scenario->vms[i].min_bytes,
					  scenario->vms[i].max_bytes,
					  scenario->vms[i].actual_bytes);
	for (tick = 0; tick < scenario->ticks; tick++) {
		struct tick input = {
			.number = tick + 1,
			.policy = policy,
			.host.budget_bytes = scenario->budget_bytes,
			.vms = state.views,
			.decisions = state.decisions,
			.nr_vms = state.nr_vms,
		};

		for (i = 0; i < state.nr_vms; i++)
			result.misses_per_s += vm_tick(scenario, i, tick, sight,
						       &state,
						       &result.moved_bytes);
		err = decide_tick(&policy_default_params, &guard_default_params,
				  state.memory, &input);
		if (!err)
			err = apply(&state, &result);
		if (!err)
			err = check_budget(scenario, &state);
		if (err)
			return err;
	}
	result.misses_per_s /= scenario->ticks;
	*ret_result = result;
	return 0;
}
