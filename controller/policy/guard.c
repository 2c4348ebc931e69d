// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/guard.h"

#include <math.h>
#include <string.h>

/* Growth is judged when so much should have ended: less is within the noise. */
#define DEMAND_JUDGED 0.25

/* A greater bound of what a guest holds counts by such a part per tick. */
#define HELD_RISES_TICKS 8

/* And what it may hold less by such a part, while nothing speaks for it. */
#define HELD_FADES_TICKS 64

/* By then there is no hope left. */
#define MAX_VAIN_GROWTHS 10

bool guard_is_near(uint64_t bytes, uint64_t other_bytes)
{
	uint64_t difference = bytes > other_bytes ? bytes - other_bytes :
						    other_bytes - bytes;

	return difference < GUARD_NEAR_BYTES;
}

static void forget_asked(struct guard_memory *memory, uint64_t target_bytes)
{
	size_t i;

	for (i = 0; i < GUARD_NR_ASKED; i++)
		memory->asked_bytes[i] = target_bytes;
}

void guard_init(struct guard_memory *memory, const struct vm_view *vm)
{
	*memory = (struct guard_memory){ .actual_bytes = vm->actual_bytes };
	memcpy(memory->uuid, vm->uuid, sizeof(memory->uuid));
	forget_asked(memory, vm->target_bytes);
}

/* Twice the pause before, within the limits. */
static unsigned int longer_pause(const struct guard_params *params,
				 unsigned int ticks)
{
	unsigned int next = params->backoff_ticks;

	if (ticks)
		next = ticks < params->max_backoff_ticks / 2 ?
			       ticks * 2 :
			       params->max_backoff_ticks;
	return next < params->max_backoff_ticks ? next :
						  params->max_backoff_ticks;
}

static void guard_back_off(const struct guard_params *params, uint64_t tick,
			   struct guard_memory *memory)
{
	memory->backoff_ticks = longer_pause(params, memory->backoff_ticks);
	memory->hold_until = tick + memory->backoff_ticks;
	memory->idle_ticks = 0;
}

/* Is the target that is seen one that we know of? */
static bool observe_target(const struct guard_params *params,
			   const struct vm_view *vm, uint64_t tick,
			   struct guard_memory *memory)
{
	size_t i;

	for (i = 0; i < GUARD_NR_ASKED; i++)
		if (guard_is_near(vm->target_bytes, memory->asked_bytes[i]))
			break;
	if (i == 0) {
		forget_asked(memory, vm->target_bytes);
		return true;
	}
	/* One from before is late news, but not for ever. */
	if (i < GUARD_NR_ASKED &&
	    tick - memory->asked_tick <= params->settle_ticks)
		return true;
	forget_asked(memory, vm->target_bytes);
	memory->is_asked = false;
	memory->foreign_until = tick + params->foreign_hold_ticks;
	memory->idle_ticks = 0;
	return false;
}

/* Does the guest get nearer to its target? */
static void observe_actual(const struct vm_view *vm,
			   struct guard_memory *memory)
{
	uint64_t before = memory->actual_bytes, now = vm->actual_bytes;
	bool is_nearer = vm->target_bytes < before ?
				 now + GUARD_NEAR_BYTES <= before :
				 now >= before + GUARD_NEAR_BYTES;

	memory->actual_bytes = now;
	if (guard_is_near(now, vm->target_bytes)) {
		memory->idle_ticks = 0;
		/* It followed a move of ours: it may be trusted again. */
		if (memory->is_asked &&
		    guard_is_near(now, memory->asked_bytes[0]))
			memory->backoff_ticks = 0;
	} else if (is_nearer) {
		memory->idle_ticks = 0;
	} else {
		memory->idle_ticks++;
	}
}

enum guard_state guard_observe(const struct guard_params *params,
			       const struct vm_view *vm, uint64_t tick,
			       struct guard_memory *memory)
{
	bool is_known = observe_target(params, vm, tick, memory);

	observe_actual(vm, memory);
	if (vm->has_stats && (vm->stats.swap_in_bytes_per_s > 0 ||
			      vm->stats.swap_out_bytes_per_s > 0))
		memory->has_swap = true;
	if (!vm->is_movable)
		return GUARD_IMMOVABLE;
	if (vm->is_paused) {
		/* It cannot follow, and that is not its fault. */
		memory->idle_ticks = 0;
		return GUARD_PAUSED;
	}
	if (!is_known || tick < memory->foreign_until)
		return GUARD_FOREIGN;
	if (tick < memory->hold_until)
		return GUARD_BACKOFF;
	if (!guard_is_near(memory->asked_bytes[0], vm->target_bytes))
		return GUARD_UNCONFIRMED;
	if (memory->idle_ticks == 0)
		return GUARD_FREE;
	if (memory->idle_ticks < params->settle_ticks)
		return GUARD_SLOW;
	guard_back_off(params, tick, memory);
	/* A target of somebody else's is not ours to take back. */
	return memory->is_asked ? GUARD_STUCK : GUARD_BACKOFF;
}

/*
 * What the curve expects to be swapped in: that all the memory which the VM may have
 * avoids. What a curve says of more than that is the model's guess: there are no such
 * pages.
 */
static double avoidable_misses_per_s(const struct vm_view *vm)
{
	const struct mrc_curve *curve = vm->upper ? vm->upper : vm->curve;

	if (vm->actual_bytes >= vm->limits.max_bytes)
		return 0;
	return policy_misses_per_s(vm, curve, vm->actual_bytes) -
	       policy_misses_per_s(vm, curve, vm->limits.max_bytes);
}

/*
 * Halfway back from what is too small to what was not; at once again if that is not
 * enough, and for longer if it comes to that again later.
 */
static void raise_floor(const struct guard_params *params,
			const struct vm_view *vm, uint64_t tick,
			struct guard_memory *memory)
{
	uint64_t back = memory->shrunk_from_bytes - vm->actual_bytes;
	uint64_t floor = vm->actual_bytes + (back + 1) / 2;

	if (tick >= memory->floor_until) {
		memory->floor_ticks = longer_pause(params, memory->floor_ticks);
		memory->floor_until = tick + memory->floor_ticks;
	} else if (vm->actual_bytes < memory->floor_bytes) {
		/* Given back already, and on its way. */
		return;
	}
	floor += VIEW_PAGE_BYTES - 1;
	memory->floor_bytes = floor - floor % VIEW_PAGE_BYTES;
}

bool guard_is_suffering(const struct guard_params *params,
			const struct vm_view *vm, bool is_predicted,
			uint64_t tick, struct guard_memory *memory)
{
	double predicted = 0, most;

	if (!vm->has_stats ||
	    !(vm->stats.swap_in_bytes_per_s > params->swap_in_bytes_per_s))
		return false;
	if (is_predicted)
		predicted = fmax(avoidable_misses_per_s(vm),
				 memory->expected_misses_per_s);
	most = PLAN_PREDICTION_SLACK * predicted +
	       params->swap_in_bytes_per_s / VIEW_PAGE_BYTES;
	if (is_predicted && policy_seen_misses_per_s(vm) <= most)
		return false;
	if (memory->shrunk_tick &&
	    tick - memory->shrunk_tick <= 2 * params->settle_ticks &&
	    vm->actual_bytes < memory->shrunk_from_bytes)
		raise_floor(params, vm, tick, memory);
	return !is_predicted || tick < memory->floor_until;
}

uint64_t guard_relief(const struct guard_params *params,
		      const struct vm_view *vm, bool is_predicted,
		      const struct guard_memory *memory)
{
	if (!is_predicted)
		return plan_clamp(vm,
				  vm->actual_bytes + params->max_step_bytes);
	return plan_clamp(vm, memory->floor_bytes > vm->actual_bytes ?
				      memory->floor_bytes :
				      vm->actual_bytes);
}

/*
 * That a guest swaps with more memory than its curve is of bounds what it holds, from
 * above: windows of a guest that swaps see too little reuse rather than too much, and
 * one whose needs have just changed swaps in what it has room for. So only what it does
 * for longer than a tick counts, less at once, and more only slowly. When it swaps no
 * more, it counts ever less, and should that be too little, the guest will swap again.
 */
static void observe_held(const struct plan_demand *now,
			 struct guard_memory *memory)
{
	bool was_swapping = memory->is_swapping;

	memory->is_swapping = now->is_swapping;
	if (!now->is_swapping) {
		memory->held_bytes -= memory->held_bytes / HELD_FADES_TICKS;
		return;
	}
	if (now->tells_held && was_swapping) {
		if (!memory->has_held ||
		    now->held_bytes < memory->most_held_bytes)
			memory->most_held_bytes = now->held_bytes;
		memory->most_held_bytes +=
			(now->held_bytes - memory->most_held_bytes) /
			HELD_RISES_TICKS;
		memory->has_held = true;
	}
	memory->held_bytes = memory->most_held_bytes;
}

void guard_observe_demand(const struct policy_params *policy_params,
			  const struct guard_params *params,
			  const struct vm_view *vm, uint64_t tick,
			  struct guard_memory *memory)
{
	struct plan_demand *before = &memory->demand, now;
	double ended;

	if (memory->vain_growths &&
	    tick - memory->vain_tick > params->max_backoff_ticks)
		memory->vain_growths = 0;
	if (!vm->has_stats)
		return;
	now = plan_demand(policy_params, vm);
	observe_held(&now, memory);
	now.hope = 1;
	now.misses_per_s = policy_seen_misses_per_s(vm);
	if (now.misses_per_s * VIEW_PAGE_BYTES <= params->swap_in_bytes_per_s) {
		now.misses_per_s = 0;
		memory->vain_growths = 0;
	} else if (before->misses_per_s > 0 &&
		   vm->actual_bytes >= before->from_bytes) {
		ended = plan_demand_ended(before, vm->actual_bytes);
		if (ended < DEMAND_JUDGED)
			return;
		if (before->misses_per_s - now.misses_per_s >=
		    before->misses_per_s * ended / 2) {
			memory->vain_growths = 0;
		} else {
			if (memory->vain_growths < MAX_VAIN_GROWTHS)
				memory->vain_growths++;
			memory->vain_tick = tick;
		}
	}
	*before = now;
}

/* What may be taken of the guest's usable memory. */
static uint64_t spare_bytes(const struct guard_params *params,
			    const struct vm_view *vm)
{
	uint64_t least =
		(uint64_t)((double)vm->actual_bytes * params->usable_min_ratio);

	if (least < params->usable_min_bytes)
		least = params->usable_min_bytes;
	return vm->stats.usable_bytes > least ? vm->stats.usable_bytes - least :
						0;
}

uint64_t guard_floor(const struct guard_params *params,
		     const struct vm_view *vm, uint64_t tick,
		     const struct guard_memory *memory)
{
	uint64_t floor = vm->limits.min_bytes;
	uint64_t spare;

	if (tick < memory->floor_until && floor < memory->floor_bytes)
		floor = memory->floor_bytes;
	if (vm->has_stats && !memory->has_swap) {
		spare = spare_bytes(params, vm);
		if (spare < vm->actual_bytes &&
		    floor < vm->actual_bytes - spare)
			floor = vm->actual_bytes - spare;
	}
	return floor < vm->limits.max_bytes ? floor : vm->limits.max_bytes;
}

uint64_t guard_least(const struct guard_params *params,
		     const struct vm_view *vm, uint64_t tick,
		     const struct guard_memory *memory)
{
	double actual = (double)vm->actual_bytes;
	double most = fmin((double)params->max_step_bytes,
			   actual * params->max_shrink_ratio);
	uint64_t floor = guard_floor(params, vm, tick, memory);
	uint64_t least;

	if (vm->has_stats) {
		double spare = (double)spare_bytes(params, vm);

		if (memory->has_swap)
			spare = fmax(spare, actual * params->squeeze_ratio);
		most = fmin(most, spare);
	}
	least = vm->actual_bytes - (uint64_t)most;
	least += VIEW_PAGE_BYTES - 1;
	least -= least % VIEW_PAGE_BYTES;
	if (least < floor)
		least = floor;
	return least < vm->actual_bytes ? least : vm->actual_bytes;
}

void guard_fail(const struct guard_params *params, uint64_t tick,
		struct guard_memory *memory)
{
	size_t i;

	for (i = 1; i < GUARD_NR_ASKED; i++)
		memory->asked_bytes[i - 1] = memory->asked_bytes[i];
	memory->is_asked = false;
	guard_back_off(params, tick, memory);
}

void guard_retreat(const struct guard_params *params, const struct vm_view *vm,
		   uint64_t tick, struct guard_memory *memory)
{
	guard_ask(params, vm, vm->actual_bytes, memory->expected_misses_per_s,
		  tick, memory);
	memory->is_asked = false;
}

void guard_ask(const struct guard_params *params, const struct vm_view *vm,
	       uint64_t bytes, double expected_misses_per_s, uint64_t tick,
	       struct guard_memory *memory)
{
	size_t i;

	for (i = GUARD_NR_ASKED - 1; i > 0; i--)
		memory->asked_bytes[i] = memory->asked_bytes[i - 1];
	memory->asked_bytes[0] = bytes;
	memory->asked_tick = tick;
	memory->is_asked = true;
	if (bytes < vm->actual_bytes) {
		/* What it has had for long enough to suffer was not too small. */
		if (!memory->shrunk_tick ||
		    tick - memory->shrunk_tick > params->settle_ticks)
			memory->shrunk_from_bytes = vm->actual_bytes;
		memory->shrunk_tick = tick;
	}
	memory->moved_tick = tick;
	memory->is_moved_down = bytes < vm->actual_bytes;
	memory->expected_misses_per_s = expected_misses_per_s;
}
