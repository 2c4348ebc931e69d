// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl_test.h"

#include <math.h>

#include "policy/plan.h"
#include "policy/policy.h"
#include "sim_host.h"

#define UNIT (UINT64_C(64) * VIEW_PAGE_BYTES)
#define MAX_VMS 5
#define MAX_UNITS 24
/* What policy_mrc.c lets moving cost decides ties, and no more. */
#define TIE_COST (1e-6 * 8 * MAX_VMS * MAX_UNITS)

static struct policy_params small_params(void)
{
	struct policy_params params = policy_default_params;

	params.unit_bytes = UNIT;
	return params;
}

/**
 * struct fleet - some VMs and what they own
 */
struct fleet {
	struct host_view host;
	struct vm_view vms[MAX_VMS];
	struct mrc_curve *curves[MAX_VMS][3];
	size_t nr_vms;
};

static void fleet_done(struct fleet *fleet)
{
	size_t i, j;

	for (i = 0; i < MAX_VMS; i++)
		for (j = 0; j < 3; j++)
			mrc_curve_free(fleet->curves[i][j]);
}

enum fleet_kind {
	FLEET_EXACT, /* all movable, curves without a band, whole units */
	FLEET_BANDS, /* the same with bands */
	FLEET_SWAPPING, /* the same, some guests swap in more than expected */
	FLEET_ANY, /* anything goes */
};

static void make_vm(struct mrc_random *random, enum fleet_kind kind,
		    struct fleet *fleet, size_t i)
{
	uint64_t min = 1 + mrc_random_below(random, 5);
	uint64_t max = min + mrc_random_below(random, MAX_UNITS - min);
	uint64_t actual = min + mrc_random_below(random, max - min + 1);
	struct vm_view *vm = &fleet->vms[i];
	struct mrc_curve **curves = fleet->curves[i];

	*vm = sim_view((unsigned int)i, min * UNIT, max * UNIT, actual * UNIT);
	vm->limits.weight = 0.5 + 2 * mrc_random_unit(random);
	vm->accesses_per_s = 1000 * mrc_random_unit(random);
	curves[0] = sim_random_curve(random, 12, MAX_UNITS * UNIT);
	vm->curve = curves[0];
	if (kind == FLEET_BANDS || kind == FLEET_SWAPPING ||
	    (kind == FLEET_ANY && i % 2)) {
		double width = 0.1 * mrc_random_unit(random);

		curves[1] = sim_shift(curves[0], -width);
		curves[2] = sim_shift(curves[0], width);
		vm->lower = curves[1];
		vm->upper = curves[2];
	}
	if (kind == FLEET_SWAPPING && mrc_random_below(random, 2)) {
		vm->has_stats = true;
		vm->stats.swap_in_bytes_per_s =
			1500 * mrc_random_unit(random) * VIEW_PAGE_BYTES;
		vm->stats.swap_out_bytes_per_s =
			1500 * mrc_random_unit(random) * VIEW_PAGE_BYTES;
		vm->vain_growths = mrc_random_below(random, 4);
		vm->held_bytes = mrc_random_below(random, actual * UNIT);
	}
	if (kind != FLEET_ANY)
		return;
	vm->actual_bytes += VIEW_PAGE_BYTES * mrc_random_below(random, 64);
	vm->limits.min_bytes += VIEW_PAGE_BYTES * mrc_random_below(random, 9);
	vm->limits.max_bytes += VIEW_PAGE_BYTES * mrc_random_below(random, 99);
	if (vm->limits.max_bytes < vm->limits.min_bytes)
		vm->limits.max_bytes = vm->limits.min_bytes;
	vm->is_movable = mrc_random_below(random, 6);
	vm->is_paused = !mrc_random_below(random, 8);
	vm->is_starved = !mrc_random_below(random, 8);
	if (!mrc_random_below(random, 6))
		vm->curve = NULL;
	if (!mrc_random_below(random, 6))
		vm->measured_age_ns = UINT64_C(1) << 60;
	if (mrc_random_below(random, 2)) {
		vm->wss = VM_WSS_KNOWN;
		vm->wss_bytes = mrc_random_below(random, MAX_UNITS * UNIT);
	}
	if (mrc_random_below(random, 2)) {
		vm->has_stats = true;
		vm->stats.total_bytes = vm->actual_bytes;
		vm->stats.usable_bytes =
			mrc_random_below(random, vm->actual_bytes);
	}
}

static void make_fleet(struct mrc_random *random, enum fleet_kind kind,
		       struct fleet *fleet)
{
	uint64_t least = 0, most = 0;
	size_t i;

	*fleet = (struct fleet){ .nr_vms = 1 +
					   mrc_random_below(random, MAX_VMS) };
	for (i = 0; i < fleet->nr_vms; i++) {
		make_vm(random, kind, fleet, i);
		least += fleet->vms[i].limits.min_bytes / UNIT;
		most += fleet->vms[i].limits.max_bytes / UNIT;
	}
	if (kind == FLEET_ANY)
		least /= 2;
	fleet->host.budget_bytes =
		(least + mrc_random_below(random, most - least + 2)) * UNIT;
	if (kind == FLEET_ANY && mrc_random_below(random, 2)) {
		fleet->host.total_bytes = 2 * fleet->host.budget_bytes;
		fleet->host.available_bytes =
			mrc_random_below(random, fleet->host.total_bytes + 1);
	}
}

static double at(const struct mrc_curve *curve, const struct vm_view *vm,
		 uint64_t units)
{
	return policy_misses_per_s(vm, curve, units * UNIT);
}

/* What a size costs by the rules that policy_mrc.c and plan.h state. */
static double cost(const struct vm_view *vm, uint64_t units)
{
	const struct mrc_curve *lower = vm->lower ? vm->lower : vm->curve;
	const struct mrc_curve *upper = vm->upper ? vm->upper : vm->curve;
	uint64_t now = vm->actual_bytes / UNIT;
	double misses = at(vm->curve, vm, now), lacks = 0, near, reached;
	double expected =
		fmax(at(lower, vm, now) -
			     at(vm->curve, vm, vm->limits.max_bytes / UNIT),
		     0);
	double seen = fmax(vm->stats.swap_in_bytes_per_s,
			   vm->stats.swap_out_bytes_per_s) /
		      VIEW_PAGE_BYTES;
	struct policy_params params = small_params();
	uint64_t held = plan_demand(&params, vm).held_bytes;

	if (vm->has_stats && seen > 1.5 * expected)
		lacks = seen - expected;
	misses += lacks;
	if (units < now) {
		uint64_t kept = units * UNIT > held ? units * UNIT - held : 0;
		uint64_t full = now * UNIT > held ? now * UNIT - held : 0;
		double rise = policy_misses_per_s(vm, upper, kept) -
			      policy_misses_per_s(vm, upper, full);

		misses = fmax(misses, policy_misses_per_s(vm, vm->curve, kept));
		misses = fmax(misses,
			      policy_misses_per_s(vm, vm->curve, full) + rise);
	}
	if (units > now) {
		misses -=
			fmax(at(lower, vm, now) - at(vm->curve, vm, units), 0);
		near = ceil((double)now / 4);
		reached = (double)(units - now) / near;
		if (reached > 1)
			reached = 1 +
				  ((double)(units - now) - near) / (double)now;
		reached = fmin(reached, 2) / 2;
		misses -= lacks * reached / (1 << vm->vain_growths);
	}
	return vm->limits.weight * misses;
}

static double least_cost(const struct fleet *fleet)
{
	size_t budget = fleet->host.budget_bytes / UNIT, used, units, i;
	double best[MAX_VMS * MAX_UNITS + 8], next[MAX_VMS * MAX_UNITS + 8];

	assert_true(budget < ARRAY_SIZE(best));
	for (used = 0; used <= budget; used++)
		best[used] = 0;
	for (i = 0; i < fleet->nr_vms; i++) {
		const struct vm_limits *limits = &fleet->vms[i].limits;

		for (used = 0; used <= budget; used++) {
			next[used] = INFINITY;
			for (units = limits->min_bytes / UNIT;
			     units <= limits->max_bytes / UNIT && units <= used;
			     units++)
				next[used] = fmin(next[used],
						  best[used - units] +
							  cost(&fleet->vms[i],
							       units));
		}
		memcpy(best, next, sizeof(best));
	}
	return best[budget];
}

static void check_brute_force(enum fleet_kind kind, uint64_t seed)
{
	struct policy_params params = small_params();
	struct mrc_random random = { seed };
	unsigned int round;

	for (round = 0; round < 3000; round++) {
		struct policy_want wants[MAX_VMS];
		struct fleet fleet;
		double sum = 0, least;
		size_t i;

		make_fleet(&random, kind, &fleet);
		assert_int_equal(policy_mrc.plan(&params, &fleet.host,
						 fleet.vms, fleet.nr_vms,
						 wants),
				 0);
		for (i = 0; i < fleet.nr_vms; i++) {
			assert_int_equal(wants[i].target_bytes % UNIT, 0);
			sum += cost(&fleet.vms[i],
				    wants[i].target_bytes / UNIT);
		}
		least = least_cost(&fleet);
		if (!(sum <= least + TIE_COST))
			fail_msg("round %u: %.9g misses/s, not %.9g", round,
				 sum, least);
		fleet_done(&fleet);
	}
}

static void test_mrc_brute_force(void **state)
{
	(void)state;
	check_brute_force(FLEET_EXACT, 1);
}

static void test_mrc_brute_force_with_bands(void **state)
{
	(void)state;
	check_brute_force(FLEET_BANDS, 2);
}

static void test_mrc_brute_force_with_swapping(void **state)
{
	(void)state;
	check_brute_force(FLEET_SWAPPING, 6);
}

static struct plan_demand demand_of(const struct vm_view *vm)
{
	struct policy_params params = small_params();

	return plan_demand(&params, vm);
}

/* What a guest swaps in tells of what it lacks, and of what it only holds. */
static void test_demand(void **state)
{
	struct vm_view vm = sim_view(0, 4 * UNIT, 64 * UNIT, 32 * UNIT);
	struct mrc_curve *loop = sim_curve(SIM_LOOP, 20 * UNIT, 0);
	struct mrc_curve *uniform = sim_curve(SIM_UNIFORM, 64 * UNIT, 0);
	struct plan_demand demand;
	uint64_t near = 40 * UNIT, far = 72 * UNIT;

	(void)state;
	vm.has_stats = true;
	vm.wss = VM_WSS_KNOWN;
	vm.accesses_per_s = 1000;
	/* Its curve is of 20 units, and so it holds 12. */
	vm.curve = loop;
	vm.stats.swap_in_bytes_per_s = 500 * VIEW_PAGE_BYTES;
	demand = demand_of(&vm);
	assert_near(demand.misses_per_s, 500, 1e-9);
	assert_true(demand.is_swapping);
	assert_true(demand.held_bytes <= 12 * UNIT);
	assert_true(demand.held_bytes >= 12 * UNIT - 2 * VIEW_PAGE_BYTES);
	assert_near(plan_misses_per_s(&vm, &demand, 32 * UNIT), 500, 1e-9);
	assert_near(plan_misses_per_s(&vm, &demand, near), 250, 1e-9);
	assert_near(plan_misses_per_s(&vm, &demand, (near + far) / 2), 125,
		    1e-9);
	assert_near(plan_misses_per_s(&vm, &demand, far), 0, 1e-9);
	/* So that without the 12 it would miss everything. */
	assert_near(plan_misses_per_s(&vm, &demand, 30 * UNIT), 1000, 1e-9);
	/* With half the hope half of it stays. */
	vm.vain_growths = 1;
	demand = demand_of(&vm);
	assert_near(plan_misses_per_s(&vm, &demand, far), 250, 1e-9);
	vm.vain_growths = 0;
	/* What it has swapped out it will want, if it was not asked to. */
	vm.stats.swap_in_bytes_per_s = 0;
	vm.stats.swap_out_bytes_per_s = 500 * VIEW_PAGE_BYTES;
	assert_near(demand_of(&vm).misses_per_s, 500, 1e-9);
	vm.target_bytes = 30 * UNIT;
	assert_near(demand_of(&vm).misses_per_s, 0, 1e-9);
	vm.target_bytes = 32 * UNIT;
	/* One that only waits for its swap accesses nothing. */
	vm.stats.swap_in_bytes_per_s = 500 * VIEW_PAGE_BYTES;
	vm.accesses_per_s = 0;
	assert_near(demand_of(&vm).misses_per_s, 500, 1e-9);
	vm.accesses_per_s = 1000;
	/* What the curve expects is no news. */
	vm.curve = uniform;
	assert_near(demand_of(&vm).misses_per_s, 0, 1e-9);
	/* Nor is there any without a guest's words. */
	vm.curve = loop;
	vm.has_stats = false;
	assert_near(demand_of(&vm).misses_per_s, 0, 1e-9);
	mrc_curve_free(loop);
	mrc_curve_free(uniform);
}

/* What header and limits promise of every policy, whatever it is given. */
static void check_promises(const struct policy *policy,
			   const struct policy_params *params,
			   const struct fleet *fleet,
			   const struct policy_want *wants)
{
	bool is_minimum = true;
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < fleet->nr_vms; i++) {
		const struct vm_view *vm = &fleet->vms[i];
		uint64_t target = wants[i].target_bytes;

		sum += target;
		assert_non_null(wants[i].reason);
		if (wants[i].has_misses) {
			assert_true(wants[i].misses_now_per_s >= 0);
			assert_true(wants[i].misses_then_per_s >= 0);
			assert_true(wants[i].misses_then_upper_per_s >= 0);
		}
		if (!plan_is_movable(vm)) {
			assert_int_equal(target, vm->actual_bytes);
			continue;
		}
		assert_int_equal(target % VIEW_PAGE_BYTES, 0);
		assert_true(target >= vm->limits.min_bytes);
		assert_true(target <= vm->limits.max_bytes);
		if (target != vm->limits.min_bytes)
			is_minimum = false;
		if (policy != &policy_mrc || !plan_unknown_reason(params, vm))
			continue;
		/* Kept, and taken from only in need. */
		assert_true(target <= plan_clamp(vm, vm->actual_bytes));
	}
	if (sum > fleet->host.budget_bytes && !is_minimum)
		fail_msg("%s: %zu bytes of %zu", policy->name, (size_t)sum,
			 (size_t)fleet->host.budget_bytes);
}

static void test_promises(void **state)
{
	struct policy_params params = small_params();
	struct mrc_random random = { 3 };
	unsigned int round, i;

	(void)state;
	for (round = 0; round < 5000; round++) {
		struct policy_want wants[MAX_VMS], again[MAX_VMS];
		struct fleet fleet;

		make_fleet(&random, FLEET_ANY, &fleet);
		for (i = 0; policy_all[i]; i++) {
			const struct policy *policy = policy_all[i];
			size_t j;

			if (policy == &policy_static)
				continue;
			assert_int_equal(policy->plan(&params, &fleet.host,
						      fleet.vms, fleet.nr_vms,
						      wants),
					 0);
			check_promises(policy, &params, &fleet, wants);
			assert_int_equal(policy->plan(&params, &fleet.host,
						      fleet.vms, fleet.nr_vms,
						      again),
					 0);
			for (j = 0; j < fleet.nr_vms; j++)
				assert_int_equal(wants[j].target_bytes,
						 again[j].target_bytes);
		}
		fleet_done(&fleet);
	}
}

/* By the estimates alone. */
static double estimated(const struct fleet *fleet)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < fleet->nr_vms; i++)
		sum += fleet->vms[i].limits.weight *
		       policy_misses_per_s(&fleet->vms[i], fleet->vms[i].curve,
					   fleet->vms[i].actual_bytes);
	return sum;
}

/* Carries a plan out; returns whether anybody was moved. */
static bool carry_out(const struct policy_params *params, struct fleet *fleet)
{
	struct policy_want wants[MAX_VMS];
	bool is_moved = false;
	size_t i;

	assert_int_equal(policy_mrc.plan(params, &fleet->host, fleet->vms,
					 fleet->nr_vms, wants),
			 0);
	for (i = 0; i < fleet->nr_vms; i++) {
		is_moved |= fleet->vms[i].actual_bytes != wants[i].target_bytes;
		fleet->vms[i].actual_bytes = wants[i].target_bytes;
	}
	return is_moved;
}

/*
 * A plan carried out wants nothing more. With bands it may: who was shrunk knows better
 * than before what growing brings. But then all miss less for it by the estimates, so
 * nothing is ever undone, and it ends soon.
 */
static void test_mrc_fixed_point(void **state)
{
	struct policy_params params = small_params();
	struct mrc_random random = { 4 };
	unsigned int round, plans, nr_second = 0;

	(void)state;
	for (round = 0; round < 2000; round++) {
		bool has_bands = round % 2 == 0;
		struct fleet fleet;
		double before;

		make_fleet(&random, has_bands ? FLEET_BANDS : FLEET_EXACT,
			   &fleet);
		(void)carry_out(&params, &fleet);
		for (plans = 1;; plans++) {
			before = estimated(&fleet);
			if (!carry_out(&params, &fleet))
				break;
			assert_true(has_bands);
			assert_true(estimated(&fleet) < before);
		}
		nr_second += plans > 1;
		assert_true(plans <= 3);
		fleet_done(&fleet);
	}
	/* 1 of 1000 with bands when this was written. */
	assert_true(nr_second < 10);
}

/* Noise within the band never moves what is best already. */
static void test_mrc_noise(void **state)
{
	struct policy_params params = policy_default_params;
	struct mrc_random random = { 5 };
	struct mrc_curve *truth[3], *seen[3][3] = { 0 };
	struct policy_want wants[3];
	struct vm_view vms[3];
	struct host_view host = { .budget_bytes = 1500 * SIM_MIB };
	unsigned int round;
	size_t i, j;

	(void)state;
	for (i = 0; i < 3; i++) {
		truth[i] = sim_curve((enum sim_shape)i,
				     (400 + 200 * i) * SIM_MIB, 0.001);
		vms[i] = sim_view((unsigned int)i, 64 * SIM_MIB, 1024 * SIM_MIB,
				  500 * SIM_MIB);
		vms[i].curve = truth[i];
		vms[i].accesses_per_s = 10000;
	}
	assert_int_equal(policy_mrc.plan(&params, &host, vms, 3, wants), 0);
	for (i = 0; i < 3; i++)
		vms[i].actual_bytes = wants[i].target_bytes;
	for (round = 0; round < 300; round++) {
		for (i = 0; i < 3; i++) {
			seen[i][0] = sim_disturb(&random, truth[i], 0.01);
			seen[i][1] = sim_shift(seen[i][0], -0.02);
			seen[i][2] = sim_shift(seen[i][0], 0.02);
			vms[i].curve = seen[i][0];
			vms[i].lower = seen[i][1];
			vms[i].upper = seen[i][2];
		}
		assert_int_equal(policy_mrc.plan(&params, &host, vms, 3, wants),
				 0);
		for (i = 0; i < 3; i++) {
			uint64_t want = wants[i].target_bytes;
			uint64_t now = vms[i].actual_bytes;

			if ((want > now ? want - now : now - want) >=
			    guard_default_params.dead_band_bytes)
				fail_msg("round %u: %.0f MiB to %.0f", round,
					 (double)now / SIM_MIB,
					 (double)want / SIM_MIB);
			for (j = 0; j < 3; j++)
				mrc_curve_free(seen[i][j]);
		}
	}
	for (i = 0; i < 3; i++)
		mrc_curve_free(truth[i]);
}

/* Memory that nobody needs is given up evenly, not by the first. */
static void test_mrc_takes_evenly(void **state)
{
	struct mrc_curve *small = sim_curve(SIM_LOOP, 100 * SIM_MIB, 0);
	struct mrc_curve *large = sim_curve(SIM_LOOP, 900 * SIM_MIB, 0);
	struct host_view host = { .budget_bytes = 2048 * SIM_MIB };
	struct policy_want wants[3];
	struct vm_view vms[3];
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		vms[i] = sim_view((unsigned int)i, 64 * SIM_MIB, 1024 * SIM_MIB,
				  (i == 2 ? 448 : 800) * SIM_MIB);
		vms[i].curve = i == 2 ? large : small;
		vms[i].accesses_per_s = 1000;
	}
	assert_int_equal(policy_mrc.plan(&policy_default_params, &host, vms, 3,
					 wants),
			 0);
	assert_int_equal(wants[2].target_bytes, 900 * SIM_MIB);
	/* Within one eighth of the way down. */
	assert_near((double)wants[0].target_bytes / SIM_MIB, 574, 92 + 4);
	assert_near((double)wants[1].target_bytes / SIM_MIB, 574, 92 + 4);
	mrc_curve_free(small);
	mrc_curve_free(large);
}

/*
 * The band of idle memory is as wide where it is kept as where it is given: only what
 * it rises by is charged, here nothing until 200 MiB, and all misses below.
 */
static void test_mrc_idle_memory(void **state)
{
	struct mrc_curve *small = sim_curve(SIM_LOOP, 200 * SIM_MIB, 0);
	struct mrc_curve *upper = sim_shift(small, 0.1);
	struct mrc_curve *large = sim_curve(SIM_LOOP, 900 * SIM_MIB, 0);
	struct host_view host = { .budget_bytes = 1200 * SIM_MIB };
	struct policy_want wants[2];
	struct vm_view vms[2];
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++)
		vms[i] = sim_view((unsigned int)i, 64 * SIM_MIB, 1024 * SIM_MIB,
				  600 * SIM_MIB);
	vms[0].curve = small;
	vms[0].upper = upper;
	vms[1].curve = large;
	/* Busy: a tenth of its accesses is more than all of the other's. */
	vms[0].accesses_per_s = 100000;
	vms[1].accesses_per_s = 1000;
	assert_int_equal(policy_mrc.plan(&policy_default_params, &host, vms, 2,
					 wants),
			 0);
	assert_int_equal(wants[1].target_bytes, 900 * SIM_MIB);
	assert_int_equal(wants[0].target_bytes, 300 * SIM_MIB);
	host.budget_bytes = 1000 * SIM_MIB;
	vms[0].actual_bytes = 200 * SIM_MIB;
	vms[1].actual_bytes = 800 * SIM_MIB;
	assert_int_equal(policy_mrc.plan(&policy_default_params, &host, vms, 2,
					 wants),
			 0);
	assert_int_equal(wants[0].target_bytes, 200 * SIM_MIB);
	mrc_curve_free(small);
	mrc_curve_free(upper);
	mrc_curve_free(large);
}

/* A part of a unit below a cliff is below it. */
static void test_mrc_between_units(void **state)
{
	struct mrc_curve *curve = sim_curve(SIM_LOOP, 700 * SIM_MIB, 0);
	struct host_view host = { .budget_bytes = 1024 * SIM_MIB };
	struct vm_view vm =
		sim_view(0, 64 * SIM_MIB, 1024 * SIM_MIB, 697 * SIM_MIB);
	struct policy_want want;

	(void)state;
	vm.curve = curve;
	vm.accesses_per_s = 1000;
	assert_int_equal(policy_mrc.plan(&policy_default_params, &host, &vm, 1,
					 &want),
			 0);
	assert_int_equal(want.target_bytes, 700 * SIM_MIB);
	mrc_curve_free(curve);
}

static struct vm_view used_view(unsigned int number, uint64_t actual_mib,
				double use)
{
	struct vm_view vm = sim_view(number, 64 * SIM_MIB, 4096 * SIM_MIB,
				     actual_mib * SIM_MIB);

	vm.has_stats = true;
	vm.stats.total_bytes = vm.actual_bytes;
	vm.stats.usable_bytes = (uint64_t)((1 - use) * (double)vm.actual_bytes);
	return vm;
}

/* By hand: 1000 * (1 + 0.5 * (0.9^2 - 0.8^2)), 1000 * (1 + (0.4 - 0.8) / 20). */
static void test_feedback_formula(void **state)
{
	struct policy_params params = policy_default_params;
	struct host_view host = { .budget_bytes = 9000 * SIM_MIB };
	struct vm_view vms[3] = { used_view(0, 1000, 0.9),
				  used_view(1, 1000, 0.4),
				  used_view(2, 1000, 0.8) };
	struct policy_want wants[3];

	(void)state;
	params.unit_bytes = VIEW_PAGE_BYTES;
	assert_int_equal(policy_feedback.plan(&params, &host, vms, 3, wants),
			 0);
	assert_near((double)wants[0].target_bytes / SIM_MIB, 1085, 0.01);
	assert_near((double)wants[1].target_bytes / SIM_MIB, 980, 0.01);
	assert_near((double)wants[2].target_bytes / SIM_MIB, 1000, 0);
	/* The game is not entered while the host can serve everybody. */
	assert_int_equal(policy_nash.plan(&params, &host, vms, 3, wants), 0);
	assert_near((double)wants[0].target_bytes / SIM_MIB, 1085, 0.01);
}

/*
 * Equal m, n = 2, P = a = 1, c = 0.2: r* = (P - c) / (a b (n + 1)) with
 * b = 1/2, so 0.533. Both want used / r*, scaled to what there is: by use.
 */
static void test_nash_equilibrium(void **state)
{
	struct policy_params params = policy_default_params;
	struct host_view host = { .budget_bytes = 2000 * SIM_MIB };
	struct vm_view vms[2] = { used_view(0, 1000, 0.9),
				  used_view(1, 1000, 0.3) };
	struct policy_want wants[2];

	(void)state;
	params.unit_bytes = VIEW_PAGE_BYTES;
	/* Without the feedback's slow shrinking: it is the game that is seen. */
	params.shrink = 1000;
	assert_int_equal(policy_nash.plan(&params, &host, vms, 2, wants), 0);
	/* 900 / 0.5333 = 1687.5 and 300 / 0.5333 = 562.5, times 2000 / 2250. */
	assert_near((double)wants[0].target_bytes / SIM_MIB, 1500, 0.1);
	assert_near((double)wants[1].target_bytes / SIM_MIB, 500, 0.1);

	/* A weighty VM is to be short less: it gets more of it. */
	vms[1].limits.weight = 4;
	assert_int_equal(policy_nash.plan(&params, &host, vms, 2, wants), 0);
	assert_true(wants[1].target_bytes > 600 * SIM_MIB);
	assert_true(wants[0].target_bytes + wants[1].target_bytes <=
		    host.budget_bytes);
}

/* General m and w against the conditions themselves. */
static void test_nash_unequal(void **state)
{
	struct policy_params params = policy_default_params;
	struct host_view host = { .budget_bytes = 3000 * SIM_MIB };
	struct vm_view vms[3] = { used_view(0, 500, 0.99),
				  used_view(1, 1000, 0.9),
				  used_view(2, 1500, 0.9) };
	struct policy_want wants[3];
	double q, total = 3000, use[3];
	size_t i;

	(void)state;
	params.unit_bytes = VIEW_PAGE_BYTES;
	assert_int_equal(policy_nash.plan(&params, &host, vms, 3, wants), 0);
	/*
	 * m_i r_i is q for all: (n + 1) q = (P - c) M, q = 600. So r_0 would be
	 * 1.2: it plays 1, and for the others 3 q + 500 = 2400, q = 633.3.
	 */
	q = (0.8 * total - 500) / 3;
	use[0] = 1;
	use[1] = q / 1000;
	use[2] = q / 1500;
	for (i = 0; i < 3; i++) {
		double used = (double)(vms[i].actual_bytes -
				       vms[i].stats.usable_bytes);
		double other = (double)(vms[2].actual_bytes -
					vms[2].stats.usable_bytes);

		/* All are scaled alike. */
		assert_near((double)wants[i].target_bytes /
				    (double)wants[2].target_bytes,
			    used / use[i] / (other / use[2]), 1e-3);
	}
}

static void test_proportional_shares(void **state)
{
	struct policy_params params = policy_default_params;
	struct host_view host = { .budget_bytes = 2000 * SIM_MIB };
	struct vm_view vms[3];
	struct policy_want wants[3];
	size_t i;

	(void)state;
	params.unit_bytes = VIEW_PAGE_BYTES;
	for (i = 0; i < 3; i++)
		vms[i] = sim_view((unsigned int)i, 100 * SIM_MIB,
				  (i == 0 ? 300 : 4000) * SIM_MIB,
				  500 * SIM_MIB);
	vms[2].limits.weight = 3;
	assert_int_equal(
		policy_proportional.plan(&params, &host, vms, 3, wants), 0);
	/* The first is full at 300; of 1500 beyond two minima, 1 : 3. */
	assert_near((double)wants[0].target_bytes / SIM_MIB, 300, 0);
	assert_near((double)wants[1].target_bytes / SIM_MIB, 475, 0.1);
	assert_near((double)wants[2].target_bytes / SIM_MIB, 1225, 0.1);

	/* 3000 of 4000 used, 80 % is 3200: 200 more than the 1500 of all. */
	host.total_bytes = 4000 * SIM_MIB;
	host.available_bytes = 1000 * SIM_MIB;
	assert_int_equal(
		policy_proportional.plan(&params, &host, vms, 3, wants), 0);
	assert_near((double)(wants[0].target_bytes + wants[1].target_bytes +
			     wants[2].target_bytes) /
			    SIM_MIB,
		    1700, 0.1);
}

static void test_static(void **state)
{
	struct host_view host = { .budget_bytes = 1 };
	struct vm_view vm =
		sim_view(0, 100 * SIM_MIB, 200 * SIM_MIB, 300 * SIM_MIB);
	struct policy_want want;

	(void)state;
	assert_int_equal(policy_static.plan(&policy_default_params, &host, &vm,
					    1, &want),
			 0);
	assert_int_equal(want.target_bytes, vm.actual_bytes);
}

static void test_find(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; policy_all[i]; i++)
		assert_ptr_equal(policy_find(policy_all[i]->name),
				 policy_all[i]);
	assert_int_equal(i, 5);
	assert_null(policy_find("lru"));
	assert_null(policy_find(""));
}

static void test_no_vms(void **state)
{
	struct host_view host = { .budget_bytes = 1 };
	size_t i;

	(void)state;
	for (i = 0; policy_all[i]; i++)
		assert_int_equal(policy_all[i]->plan(&policy_default_params,
						     &host, NULL, 0, NULL),
				 0);
}

/* Counted, not timed: nobody misses less than mrc, but for a factor of @most. */
static void check_simulations(enum sim_sight sight, double most)
{
	size_t i, j;

	print_message("misses/s (moves)");
	for (j = 0; policy_all[j]; j++)
		print_message("  %16s", policy_all[j]->name);
	print_message("\n");
	for (i = 0; i < sim_nr_scenarios; i++) {
		struct sim_result results[5] = { 0 };

		print_message("%-16s", sim_scenarios[i].name);
		for (j = 0; policy_all[j]; j++) {
			assert_int_equal(sim_run(&sim_scenarios[i],
						 policy_all[j], sight,
						 &results[j]),
					 0);
			print_message("  %9.1f (%4u)", results[j].misses_per_s,
				      results[j].moves);
		}
		print_message("\n");
		for (j = 1; policy_all[j]; j++)
			assert_true(results[0].misses_per_s <=
				    results[j].misses_per_s * most);
	}
}

/* It knows the curves, and no policy is better. */
static void test_simulations(void **state)
{
	(void)state;
	check_simulations(SIM_NEED, 1.0001);
}

/*
 * It knows of what guests lack only how much they swap in, and tries more than they
 * need. Others go by what guests say that they can do without.
 */
static void test_simulations_of_swapping(void **state)
{
	(void)state;
	check_simulations(SIM_OWN, 1.1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mrc_brute_force),
		cmocka_unit_test(test_mrc_brute_force_with_bands),
		cmocka_unit_test(test_mrc_brute_force_with_swapping),
		cmocka_unit_test(test_demand),
		cmocka_unit_test(test_promises),
		cmocka_unit_test(test_mrc_fixed_point),
		cmocka_unit_test(test_mrc_noise),
		cmocka_unit_test(test_mrc_takes_evenly),
		cmocka_unit_test(test_mrc_idle_memory),
		cmocka_unit_test(test_mrc_between_units),
		cmocka_unit_test(test_feedback_formula),
		cmocka_unit_test(test_nash_equilibrium),
		cmocka_unit_test(test_nash_unequal),
		cmocka_unit_test(test_proportional_shares),
		cmocka_unit_test(test_static),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_no_vms),
		cmocka_unit_test(test_simulations),
		cmocka_unit_test(test_simulations_of_swapping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
