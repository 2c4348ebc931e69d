// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/decide.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "policy/guard.h"
#include "policy/plan.h"
#include "policy/thrash.h"

/* Names in reasons are cut, so that the numbers have room. */
#define NAME_CHARS 24

/*
 * Half a GiB is what a guest can inflate or deflate in a tick of some seconds
 * without stalling; swapping is felt from some 16 pages per second on. A miss
 * costs about 10 ms, so 5 per second are 5 % of a vCPU.
 */
const struct guard_params guard_default_params = {
	.max_step_bytes = UINT64_C(512) << 20,
	.max_shrink_ratio = 0.3,
	.dead_band_bytes = UINT64_C(16) << 20,
	.dead_band_gain_per_s = 5,
	.settle_ticks = 3,
	.backoff_ticks = 6,
	.max_backoff_ticks = 192,
	.foreign_hold_ticks = 60,
	.swap_in_bytes_per_s = 65536,
	.pressure_percent = 10,
	.usable_min_bytes = UINT64_C(16) << 20,
	.usable_min_ratio = 1.0 / 64,
	.squeeze_ratio = 0.2,
};

/**
 * struct decide_memory - of all VMs
 * @vms: @nr_vms entries in order of uuid
 * @tick: number of ticks so far
 * @params: of the last one
 */
struct decide_memory {
	struct guard_memory *vms;
	size_t nr_vms;
	uint64_t tick;
	struct guard_params params;
};

enum direction {
	STAY = 0,
	SHRINK,
	GROW,
	GIVE_BACK,
	RETREAT,
};

/**
 * struct course - a VM in the making of a tick's decisions
 * @memory: of it
 * @state: as observed
 * @is_predicted: the policy counts its misses
 * @is_suffering: it swaps in more than it should
 * @is_small: the change is within the dead band
 * @direction: where it goes
 * @goal_bytes: at last
 * @step_bytes: in this tick, if memory is free
 * @growth_bytes: that it would have more at last
 * @gain_per_s: weighted misses that it would save; negative: that it costs
 * @hold_reason: why it stays, for people; NULL: the policy's reason
 */
struct course {
	struct guard_memory memory;
	enum guard_state state;
	bool is_predicted;
	bool is_suffering;
	bool is_small;
	enum direction direction;
	uint64_t goal_bytes;
	uint64_t step_bytes;
	uint64_t growth_bytes;
	double gain_per_s;
	const char *hold_reason;
};

/**
 * struct deciding - a tick in the making
 * @courses: one for each VM
 * @plan_vms: views as the policy sees them
 * @wants: of the plan among all VMs, or of that among those that can act
 * @order: of those who grow
 */
struct deciding {
	const struct policy_params *policy_params;
	const struct guard_params *params;
	const struct policy *policy;
	const struct host_view *host;
	const struct vm_view *vms;
	struct decision *decisions;
	size_t nr_vms;
	uint64_t tick;
	struct course *courses;
	struct vm_view *plan_vms;
	struct policy_want *wants;
	struct course **order;
	struct guard_memory *new_memory;
};

int decide_memory_new(struct decide_memory **ret_memory)
{
	struct decide_memory *memory = calloc(1, sizeof(*memory));

	if (!memory)
		return -ENOMEM;
	*ret_memory = memory;
	return 0;
}

void decide_memory_free(struct decide_memory *memory)
{
	if (!memory)
		return;
	free(memory->vms);
	free(memory);
}

static int compare_memories(const void *one, const void *other)
{
	const struct guard_memory *a = one, *b = other;

	return strncmp(a->uuid, b->uuid, sizeof(a->uuid));
}

static struct guard_memory *find_memory(const struct decide_memory *memory,
					const char *uuid)
{
	struct guard_memory key = { 0 };

	if (!memory->nr_vms)
		return NULL;
	(void)snprintf(key.uuid, sizeof(key.uuid), "%s", uuid);
	return bsearch(&key, memory->vms, memory->nr_vms, sizeof(key),
		       compare_memories);
}

void decide_moved(struct decide_memory *memory, const char *uuid,
		  uint64_t target_bytes, int err)
{
	struct guard_memory *vm = find_memory(memory, uuid);

	/* News of a request before the last one is old. */
	if (err && vm && vm->asked_bytes[0] == target_bytes)
		guard_fail(&memory->params, memory->tick, vm);
}

static double mib(double bytes)
{
	return bytes / 1048576;
}

/* Decimals that a number is worth to people. */
static int decimals(double number)
{
	return fabs(number) < 10;
}

/* Appends to a reason; what does not fit is cut. */
__attribute__((format(printf, 2, 3))) static void
reason_add(struct decision *decision, const char *format, ...)
{
	size_t length = strlen(decision->reason);
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(decision->reason + length,
			sizeof(decision->reason) - length, format, arguments);
	va_end(arguments);
}

/* A domain's name is anybody's: plain characters only, and few. */
static void reason_add_name(struct decision *decision, const char *name)
{
	char plain[NAME_CHARS + 1];
	size_t i;

	for (i = 0; name && name[i] && i < NAME_CHARS; i++)
		plain[i] = name[i] > ' ' && name[i] < 0x7f ? name[i] : '?';
	plain[i] = '\0';
	reason_add(decision, "%s", plain);
}

static bool can_act(const struct deciding *deciding, size_t i)
{
	return deciding->vms[i].limits.mode == VM_MODE_ACT;
}

/* What it has or has been promised. */
static uint64_t committed_bytes(const struct vm_view *vm)
{
	return vm->target_bytes > vm->actual_bytes && vm->is_movable ?
		       vm->target_bytes :
		       vm->actual_bytes;
}

static void observe(struct deciding *deciding,
		    const struct decide_memory *memory)
{
	size_t i;

	for (i = 0; i < deciding->nr_vms; i++) {
		const struct vm_view *vm = &deciding->vms[i];
		struct course *course = &deciding->courses[i];
		const struct guard_memory *known =
			find_memory(memory, vm->uuid);

		course->is_predicted =
			deciding->policy->counts_misses &&
			!plan_unknown_reason(deciding->policy_params, vm);
		if (known)
			course->memory = *known;
		else
			guard_init(&course->memory, vm);
		course->state = guard_observe(deciding->params, vm,
					      deciding->tick, &course->memory);
		course->is_suffering = guard_is_suffering(deciding->params, vm,
							  course->is_predicted,
							  deciding->tick,
							  &course->memory);
		guard_observe_demand(deciding->policy_params, deciding->params,
				     vm, deciding->tick, &course->memory);
	}
}

static bool is_fixed(enum guard_state state)
{
	return state != GUARD_FREE && state != GUARD_SLOW &&
	       state != GUARD_UNCONFIRMED;
}

/* How strictly the plan keeps to what is known beyond people's limits. */
enum strictness {
	LIMITS_ONLY,
	WITH_FLOORS,
	WITH_SUFFERING,
};

/* What the VM gets at least, as the policy is told. */
static uint64_t plan_minimum(const struct deciding *deciding, size_t i,
			     enum strictness strictness)
{
	const struct vm_view *vm = &deciding->vms[i];
	const struct course *course = &deciding->courses[i];
	uint64_t minimum = vm->limits.min_bytes, relief;

	if (strictness >= WITH_FLOORS)
		minimum = guard_floor(deciding->params, vm, deciding->tick,
				      &course->memory);
	if (strictness >= WITH_SUFFERING && course->is_suffering) {
		relief = guard_relief(deciding->params, vm,
				      course->is_predicted, &course->memory);
		if (minimum < relief)
			minimum = relief;
	}
	return minimum;
}

/*
 * Shows the policy VMs that it should not reckon with as immovable, and raised
 * minima, as far as the budget allows.
 */
static void make_plan_vms(struct deciding *deciding, bool is_for_acting)
{
	enum strictness strictness = WITH_SUFFERING;
	double sum;
	size_t i;

	memcpy(deciding->plan_vms, deciding->vms,
	       deciding->nr_vms * sizeof(*deciding->vms));
	for (i = 0; i < deciding->nr_vms; i++) {
		const struct guard_memory *memory =
			&deciding->courses[i].memory;

		deciding->plan_vms[i].vain_growths = memory->vain_growths;
		deciding->plan_vms[i].held_bytes = memory->held_bytes;
		if (is_fixed(deciding->courses[i].state) ||
		    (is_for_acting && !can_act(deciding, i)))
			deciding->plan_vms[i].is_movable = false;
	}
	for (;; strictness--) {
		for (i = 0, sum = 0; i < deciding->nr_vms; i++) {
			struct vm_view *vm = &deciding->plan_vms[i];

			vm->limits.min_bytes =
				plan_minimum(deciding, i, strictness);
			sum += vm->is_movable ? (double)vm->limits.min_bytes :
						(double)vm->actual_bytes;
		}
		if (strictness == LIMITS_ONLY ||
		    sum <= (double)deciding->host->budget_bytes)
			break;
	}
}

/*
 * The policy's wants: for those that can act, with all others fixed; for those
 * that are advised about, as if all could act.
 */
static int plan(struct deciding *deciding)
{
	size_t i, nr_act = 0, nr_other = 0;
	int err;

	for (i = 0; i < deciding->nr_vms; i++) {
		if (is_fixed(deciding->courses[i].state))
			continue;
		if (can_act(deciding, i))
			nr_act++;
		else
			nr_other++;
	}
	make_plan_vms(deciding, false);
	err = deciding->policy->plan(deciding->policy_params, deciding->host,
				     deciding->plan_vms, deciding->nr_vms,
				     deciding->wants);
	if (err)
		return err;
	for (i = 0; i < deciding->nr_vms; i++)
		deciding->decisions[i].want = deciding->wants[i];
	if (!nr_act || !nr_other)
		return 0;
	make_plan_vms(deciding, true);
	err = deciding->policy->plan(deciding->policy_params, deciding->host,
				     deciding->plan_vms, deciding->nr_vms,
				     deciding->wants);
	if (err)
		return err;
	for (i = 0; i < deciding->nr_vms; i++)
		if (can_act(deciding, i))
			deciding->decisions[i].want = deciding->wants[i];
	return 0;
}

static bool is_outside_limits(const struct vm_view *vm)
{
	return vm->target_bytes < vm->limits.min_bytes ||
	       vm->target_bytes > vm->limits.max_bytes;
}

static void set_course_of_sufferer(const struct guard_params *params,
				   const struct vm_view *vm,
				   struct course *course)
{
	uint64_t most = vm->actual_bytes + params->max_step_bytes;
	uint64_t goal =
		guard_relief(params, vm, course->is_predicted, &course->memory);

	if (course->goal_bytes < goal)
		course->goal_bytes = goal;
	course->step_bytes = course->goal_bytes < most ? course->goal_bytes :
							 most;
	if (vm->target_bytes >= vm->limits.max_bytes) {
		course->hold_reason = "it has its maximum and swaps in";
	} else if (course->step_bytes <= vm->target_bytes) {
		course->hold_reason = "more memory is on its way to it";
	} else {
		course->direction = GIVE_BACK;
		course->growth_bytes = course->goal_bytes - vm->target_bytes;
	}
}

/* Where a VM goes, and how far in this tick; what others do does not matter. */
static void set_course(const struct deciding *deciding, size_t i,
		       bool is_over_budget)
{
	const struct guard_params *params = deciding->params;
	const struct vm_view *vm = &deciding->vms[i];
	const struct policy_want *want = &deciding->decisions[i].want;
	struct course *course = &deciding->courses[i];
	uint64_t least, most, difference;

	course->goal_bytes = want->target_bytes;
	course->step_bytes = vm->target_bytes;
	if (want->has_misses)
		course->gain_per_s =
			vm->limits.weight *
			(want->misses_now_per_s - want->misses_then_per_s);
	if (course->state == GUARD_STUCK) {
		course->direction = RETREAT;
		course->step_bytes = vm->actual_bytes;
		return;
	}
	if (course->is_suffering &&
	    (!is_fixed(course->state) ||
	     (course->state == GUARD_BACKOFF &&
	      deciding->tick - course->memory.asked_tick >
		      params->settle_ticks))) {
		set_course_of_sufferer(params, vm, course);
		return;
	}
	if (is_fixed(course->state))
		return;
	if (course->state == GUARD_UNCONFIRMED) {
		course->hold_reason = "its balloon was asked, no answer yet";
		return;
	}

	difference = want->target_bytes > vm->target_bytes ?
			     want->target_bytes - vm->target_bytes :
			     vm->target_bytes - want->target_bytes;
	if (difference == 0) {
		if (!guard_is_near(vm->actual_bytes, vm->target_bytes))
			course->hold_reason = "its balloon is on its way";
		return;
	}
	course->is_small =
		difference < params->dead_band_bytes &&
		!is_outside_limits(vm) &&
		!(is_over_budget && want->target_bytes < vm->target_bytes);
	/* A policy that counts misses says what even a small change is worth. */
	if (course->is_small && !deciding->policy->counts_misses) {
		course->hold_reason = "too small a change";
		return;
	}
	if (course->state == GUARD_SLOW) {
		course->hold_reason = "it has not followed the last move yet";
		return;
	}
	/* What misses say is taken at its word, but for taking back at once. */
	if (course->memory.moved_tick &&
	    !(deciding->policy->counts_misses &&
	      want->target_bytes > vm->target_bytes) &&
	    course->memory.is_moved_down !=
		    (want->target_bytes < vm->target_bytes) &&
	    deciding->tick - course->memory.moved_tick <=
		    params->settle_ticks &&
	    !is_outside_limits(vm)) {
		course->hold_reason = "it was moved the other way just now";
		return;
	}

	if (want->target_bytes > vm->target_bytes) {
		course->direction = GROW;
		course->growth_bytes = want->target_bytes - vm->target_bytes;
		most = vm->actual_bytes + params->max_step_bytes;
		course->step_bytes =
			want->target_bytes < most ? want->target_bytes : most;
		if (course->step_bytes <= vm->target_bytes) {
			course->direction = STAY;
			course->hold_reason = "memory is on its way to it";
		}
		return;
	}
	least = guard_least(params, vm, deciding->tick, &course->memory);
	course->direction = SHRINK;
	course->step_bytes = want->target_bytes > least ? want->target_bytes :
							  least;
	if (course->step_bytes >= vm->target_bytes) {
		course->direction = STAY;
		course->hold_reason =
			least >= vm->actual_bytes ?
				"its guest has no memory to spare" :
				"it is giving memory up already";
	}
}

/*
 * Memory that nobody gains from stays where it is, and small changes are made
 * only if the larger ones do not yield @needed_bytes.
 */
static void drop_shrinking(const struct deciding *deciding, enum vm_mode mode,
			   double needed_bytes)
{
	double left = needed_bytes;
	size_t i;

	for (i = 0; i < deciding->nr_vms; i++) {
		const struct course *course = &deciding->courses[i];

		if (deciding->vms[i].limits.mode == mode &&
		    course->direction == SHRINK && !course->is_small)
			left -= (double)(deciding->vms[i].target_bytes -
					 course->goal_bytes);
	}
	for (i = 0; i < deciding->nr_vms; i++) {
		struct course *course = &deciding->courses[i];

		if (deciding->vms[i].limits.mode != mode ||
		    course->direction != SHRINK ||
		    is_outside_limits(&deciding->vms[i]) ||
		    (course->is_small ? left : needed_bytes) > 0)
			continue;
		course->direction = STAY;
		course->hold_reason =
			needed_bytes > 0 ?
				"too small a change" :
				"nobody gains enough from its memory";
	}
}

/* Moves that only few misses speak for are not worth the guests' trouble. */
static void drop_small_gains(const struct deciding *deciding, enum vm_mode mode)
{
	double least = deciding->params->dead_band_gain_per_s, gain = 0;
	double free_bytes = (double)deciding->host->budget_bytes;
	bool is_all;
	size_t i;

	for (i = 0; i < deciding->nr_vms; i++) {
		const struct course *course = &deciding->courses[i];

		free_bytes -= (double)committed_bytes(&deciding->vms[i]);
		if (deciding->vms[i].limits.mode == mode &&
		    (course->direction == SHRINK || course->direction == GROW))
			gain += course->gain_per_s;
	}
	is_all = gain < least;
	for (i = 0; i < deciding->nr_vms; i++) {
		struct course *course = &deciding->courses[i];

		if (deciding->vms[i].limits.mode != mode)
			continue;
		if (course->direction == GIVE_BACK)
			free_bytes -= (double)course->growth_bytes;
		if (course->direction != GROW)
			continue;
		if (deciding->decisions[i].want.has_misses &&
		    !is_outside_limits(&deciding->vms[i]) &&
		    (is_all || course->gain_per_s < least)) {
			course->direction = STAY;
			course->hold_reason = "too few misses saved";
			continue;
		}
		free_bytes -= (double)course->growth_bytes;
	}
	drop_shrinking(deciding, mode, -free_bytes);
}

/* Who suffers, then who saves most misses by the byte, then as they come. */
static int compare_growth(const void *one, const void *other)
{
	const struct course *a = *(struct course *const *)one;
	const struct course *b = *(struct course *const *)other;
	double x, y;

	if ((a->direction == GIVE_BACK) != (b->direction == GIVE_BACK))
		return a->direction == GIVE_BACK ? -1 : 1;
	x = a->gain_per_s / (double)a->growth_bytes;
	y = b->gain_per_s / (double)b->growth_bytes;
	if (x != y)
		return x > y ? -1 : 1;
	return a < b ? -1 : a > b;
}

/* Grants growth, as far as memory is free now. Returns what is left free. */
static double grant_growth(struct deciding *deciding)
{
	double free_bytes = (double)deciding->host->budget_bytes;
	bool is_pressed = deciding->host->has_pressure &&
			  deciding->host->memory_some_percent >
				  deciding->params->pressure_percent;
	size_t i, j, nr = 0;

	for (i = 0; i < deciding->nr_vms; i++) {
		const struct course *course = &deciding->courses[i];

		free_bytes -= (double)committed_bytes(&deciding->vms[i]);
		if (can_act(deciding, i) && (course->direction == GROW ||
					     course->direction == GIVE_BACK))
			deciding->order[nr++] = &deciding->courses[i];
	}
	qsort(deciding->order, nr, sizeof(*deciding->order), compare_growth);
	for (j = 0; j < nr; j++) {
		struct course *course = deciding->order[j];
		const struct vm_view *vm =
			&deciding->vms[course - deciding->courses];
		uint64_t had = committed_bytes(vm);
		double more = course->step_bytes > had ?
				      (double)(course->step_bytes - had) :
				      0;

		if (is_pressed) {
			course->direction = STAY;
			course->hold_reason =
				"the host itself is under memory pressure";
			continue;
		}
		if (more > free_bytes) {
			uint64_t part = free_bytes > 0 ? (uint64_t)free_bytes :
							 0;

			part -= part % VIEW_PAGE_BYTES;
			if (part < deciding->params->dead_band_bytes ||
			    part == 0) {
				course->direction = STAY;
				course->hold_reason =
					"no memory is free for it yet";
				continue;
			}
			course->step_bytes = had + part;
			more = (double)part;
		}
		free_bytes -= more;
	}
	return free_bytes;
}

/* The VM that moves furthest the other way. */
static const struct vm_view *find_partner(const struct deciding *deciding,
					  size_t index, double *ret_gain_per_s)
{
	bool is_down = deciding->courses[index].direction == SHRINK;
	const struct vm_view *partner = NULL;
	uint64_t furthest = 0;
	size_t i;

	for (i = 0; i < deciding->nr_vms; i++) {
		const struct vm_view *vm = &deciding->vms[i];
		const struct course *course = &deciding->courses[i];
		uint64_t want = deciding->decisions[i].want.target_bytes;
		uint64_t way;

		if (i == index || !deciding->decisions[i].want.has_misses ||
		    vm->limits.mode != deciding->vms[index].limits.mode)
			continue;
		way = is_down ? (want > vm->actual_bytes ?
					 want - vm->actual_bytes :
					 0) :
				(want < vm->actual_bytes ?
					 vm->actual_bytes - want :
					 0);
		if (way <= furthest)
			continue;
		furthest = way;
		partner = vm;
		*ret_gain_per_s = course->gain_per_s / vm->limits.weight;
	}
	return partner;
}

/* "saves 310", "costs 12" or "costs nothing", with other words for costs. */
static void reason_add_gain(struct decision *decision, const char *costs,
			    double gain_per_s, const char *unit)
{
	if (fabs(gain_per_s) < 0.05)
		reason_add(decision, " %s nothing", costs);
	else
		reason_add(decision, " %s %.*f%s",
			   gain_per_s < 0 ? costs : "saves",
			   decimals(gain_per_s), fabs(gain_per_s), unit);
}

static void add_gain(const struct deciding *deciding, size_t index,
		     const struct vm_view *partner, double partner_gain_per_s)
{
	struct decision *decision = &deciding->decisions[index];
	double weight = deciding->vms[index].limits.weight;

	reason_add(decision, ":");
	if (!decision->want.has_misses) {
		reason_add(decision, " %s", decision->want.reason);
		return;
	}
	reason_add_gain(decision, "costs",
			deciding->courses[index].gain_per_s / weight,
			" misses/s");
	if (!partner)
		return;
	reason_add(decision, "; ");
	reason_add_name(decision, partner->name);
	reason_add_gain(decision, "loses", partner_gain_per_s, "");
}

static void explain_move(const struct deciding *deciding, size_t index,
			 const struct vm_view *partner,
			 double partner_gain_per_s)
{
	const struct vm_view *vm = &deciding->vms[index];
	const struct course *course = &deciding->courses[index];
	struct decision *decision = &deciding->decisions[index];
	uint64_t goal = course->goal_bytes;

	if (course->direction == RETREAT) {
		reason_add(
			decision,
			"stays at %.0f MiB: was asked for %.0f and has not moved; next try in %u ticks",
			mib((double)vm->actual_bytes),
			mib((double)vm->target_bytes),
			course->memory.backoff_ticks);
		return;
	}
	if (decision->verdict == VERDICT_ADVISE)
		reason_add(decision, "would move ");
	reason_add(decision, "to %.0f MiB from %.0f",
		   mib((double)(decision->verdict == VERDICT_ADVISE ?
					goal :
					course->step_bytes)),
		   mib((double)vm->actual_bytes));
	if (decision->verdict != VERDICT_ADVISE && goal != course->step_bytes)
		reason_add(decision, " (%.0f in the end)", mib((double)goal));
	if (course->direction == GIVE_BACK)
		reason_add(decision, ": swaps in %.1f MiB/s",
			   mib(vm->stats.swap_in_bytes_per_s));
	else
		add_gain(deciding, index, partner, partner_gain_per_s);
}

static void explain_hold(const struct deciding *deciding, size_t index,
			 double free_bytes)
{
	const struct vm_view *vm = &deciding->vms[index];
	const struct course *course = &deciding->courses[index];
	struct decision *decision = &deciding->decisions[index];
	const struct policy_want *want = &decision->want;
	const struct guard_memory *memory = &course->memory;

	switch (course->state) {
	case GUARD_PAUSED:
		reason_add(decision, "paused at %.0f MiB",
			   mib((double)vm->actual_bytes));
		return;
	case GUARD_FOREIGN:
		reason_add(
			decision,
			"somebody else set its balloon to %.0f MiB: left alone for %llu ticks",
			mib((double)vm->target_bytes),
			(unsigned long long)(memory->foreign_until -
					     deciding->tick));
		return;
	case GUARD_BACKOFF:
		reason_add(
			decision,
			"did not follow its balloon: left alone at %.0f MiB for %llu ticks",
			mib((double)vm->actual_bytes),
			(unsigned long long)(memory->hold_until -
					     deciding->tick));
		return;
	default:
		break;
	}
	if (vm->limits.mode == VM_MODE_OBSERVE)
		reason_add(decision, "only observed; ");
	reason_add(decision, "stays at %.0f MiB: %s",
		   mib((double)vm->target_bytes),
		   course->hold_reason ? course->hold_reason : want->reason);
	if (want->target_bytes != vm->target_bytes)
		reason_add(decision, "; %s wants %.0f MiB",
			   deciding->policy->name,
			   mib((double)want->target_bytes));
	if (course->hold_reason && want->has_misses && course->gain_per_s > 0)
		reason_add(decision, ", saving %.*f misses/s",
			   decimals(course->gain_per_s / vm->limits.weight),
			   course->gain_per_s / vm->limits.weight);
	else if (!course->hold_reason && want->has_misses)
		reason_add(decision, ", %.*f misses/s",
			   decimals(want->misses_now_per_s),
			   want->misses_now_per_s);
	if (course->is_suffering)
		reason_add(decision, "; swaps in %.1f MiB/s, %.0f MiB free",
			   mib(vm->stats.swap_in_bytes_per_s),
			   mib(fmax(free_bytes, 0)));
}

static void conclude(struct deciding *deciding, double free_bytes)
{
	const struct vm_view *partner[VM_MODE_ACT + 1][2] = { 0 };
	double gain[VM_MODE_ACT + 1][2] = { 0 };
	bool is_found[VM_MODE_ACT + 1][2] = { 0 };
	size_t i;

	for (i = 0; i < deciding->nr_vms; i++) {
		const struct vm_view *vm = &deciding->vms[i];
		struct course *course = &deciding->courses[i];
		struct decision *decision = &deciding->decisions[i];
		enum vm_mode mode = vm->limits.mode;
		bool is_down = course->direction == SHRINK;

		decision->reason[0] = '\0';
		decision->step_bytes = vm->target_bytes;
		if (course->state == GUARD_IMMOVABLE) {
			decision->verdict = VERDICT_REFUSE;
			reason_add(decision, "cannot be moved: %s",
				   vm->immovable_reason ?
					   vm->immovable_reason :
					   "no balloon that works");
			continue;
		}
		if (course->direction == STAY || mode == VM_MODE_OBSERVE ||
		    (course->direction == RETREAT && mode != VM_MODE_ACT)) {
			decision->verdict = VERDICT_HOLD;
			explain_hold(deciding, i, free_bytes);
			continue;
		}
		if (mode == VM_MODE_ADVISE) {
			decision->verdict = VERDICT_ADVISE;
		} else {
			decision->verdict = course->direction == GIVE_BACK ?
						    VERDICT_GIVE_BACK :
						    VERDICT_MOVE;
			decision->step_bytes = course->step_bytes;
			if (course->direction == RETREAT)
				guard_retreat(deciding->params, vm,
					      deciding->tick, &course->memory);
			else
				guard_ask(
					deciding->params, vm,
					course->step_bytes,
					course->is_predicted ?
						decision->want
							.misses_then_upper_per_s :
						0,
					deciding->tick, &course->memory);
		}
		/* The same for all who move one way: nobody is his own. */
		if (!is_found[mode][is_down]) {
			partner[mode][is_down] =
				find_partner(deciding, i, &gain[mode][is_down]);
			is_found[mode][is_down] = true;
		}
		explain_move(deciding, i, partner[mode][is_down],
			     gain[mode][is_down]);
	}
}

static int deciding_init(struct deciding *deciding, const struct tick *tick)
{
	size_t nr = tick->nr_vms + 1;

	deciding->policy = tick->policy;
	deciding->host = &tick->host;
	deciding->vms = tick->vms;
	deciding->decisions = tick->decisions;
	deciding->nr_vms = tick->nr_vms;
	deciding->courses = calloc(nr, sizeof(*deciding->courses));
	deciding->plan_vms = calloc(nr, sizeof(*deciding->plan_vms));
	deciding->wants = calloc(nr, sizeof(*deciding->wants));
	deciding->order = calloc(nr, sizeof(*deciding->order));
	deciding->new_memory = calloc(nr, sizeof(*deciding->new_memory));
	if (!deciding->courses || !deciding->plan_vms || !deciding->wants ||
	    !deciding->order || !deciding->new_memory)
		return -ENOMEM;
	return 0;
}

static void deciding_done(struct deciding *deciding)
{
	free(deciding->courses);
	free(deciding->plan_vms);
	free(deciding->wants);
	free(deciding->order);
	free(deciding->new_memory);
}

static void remember(struct deciding *deciding, struct decide_memory *memory)
{
	size_t i;

	for (i = 0; i < deciding->nr_vms; i++)
		deciding->new_memory[i] = deciding->courses[i].memory;
	qsort(deciding->new_memory, deciding->nr_vms,
	      sizeof(*deciding->new_memory), compare_memories);
	free(memory->vms);
	memory->vms = TAKE_PTR(deciding->new_memory);
	memory->nr_vms = deciding->nr_vms;
	memory->tick = deciding->tick;
	memory->params = *deciding->params;
}

/* To whoever asks a policy about this tick afterwards. */
static void tell_demand(const struct deciding *deciding, struct vm_view *vms)
{
	size_t i;

	for (i = 0; i < deciding->nr_vms; i++) {
		const struct guard_memory *memory =
			&deciding->courses[i].memory;

		vms[i].vain_growths = memory->vain_growths;
		vms[i].held_bytes = memory->held_bytes;
	}
}

int decide_tick(const struct policy_params *policy_params,
		const struct guard_params *guard_params,
		struct decide_memory *memory, struct tick *tick)
{
	struct deciding deciding CLEANUP(deciding_done) = {
		.policy_params = policy_params,
		.params = guard_params,
		.tick = memory->tick + 1,
	};
	double committed = 0;
	bool is_over_budget;
	size_t i;
	int err;

	err = deciding_init(&deciding, tick);
	if (err)
		return err;
	observe(&deciding, memory);
	err = plan(&deciding);
	if (err)
		return err;
	for (i = 0; i < tick->nr_vms; i++)
		committed += (double)committed_bytes(&tick->vms[i]);
	is_over_budget = committed > (double)tick->host.budget_bytes;
	for (i = 0; i < tick->nr_vms; i++)
		set_course(&deciding, i, is_over_budget);
	if (tick->policy->counts_misses) {
		drop_small_gains(&deciding, VM_MODE_ACT);
		drop_small_gains(&deciding, VM_MODE_ADVISE);
	}
	conclude(&deciding, grant_growth(&deciding));
	tick->thrashing = thrash_detect(&tick->host, tick->vms, tick->nr_vms);
	tell_demand(&deciding, tick->vms);
	remember(&deciding, memory);
	return 0;
}
