// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/guard.h"

#include <math.h>
#include <string.h>

/* A guest misses by so much more than predicted before that is no prediction. */
#define PREDICTION_SLACK 1.5

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

double guard_seen_misses_per_s(const struct vm_view *vm)
{
	double swapped = vm->stats.swap_in_bytes_per_s / VIEW_PAGE_BYTES;

	/* Swap is read ahead: one miss brings several pages. */
	if (vm->stats.major_faults_per_s > 0)
		return fmin(swapped, vm->stats.major_faults_per_s);
	return swapped;
}

/*
 * What the curve expects to be swapped in. Not the misses that no memory avoids, of
 * pages that were not accessed before: a curve is of the memory that the VM has, and
 * of one that is too small for its guest it sees mostly these.
 */
static double predicted_swap_ins_per_s(const struct vm_view *vm)
{
	const struct mrc_curve *curve = vm->upper ? vm->upper : vm->curve;

	return policy_misses_per_s(vm, curve, vm->actual_bytes) -
	       policy_misses_per_s(vm, curve, UINT64_MAX);
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
		predicted = predicted_swap_ins_per_s(vm);
	most = PREDICTION_SLACK * predicted +
	       params->swap_in_bytes_per_s / VIEW_PAGE_BYTES;
	if (is_predicted && guard_seen_misses_per_s(vm) <= most)
		return false;
	if (memory->moved_tick && memory->is_moved_down &&
	    tick - memory->moved_tick <= 2 * params->settle_ticks &&
	    tick >= memory->floor_until) {
		memory->floor_ticks = longer_pause(params, memory->floor_ticks);
		memory->floor_until = tick + memory->floor_ticks;
		memory->floor_bytes = vm->actual_bytes;
	}
	return true;
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

void guard_retreat(const struct vm_view *vm, uint64_t tick,
		   struct guard_memory *memory)
{
	guard_ask(vm, vm->actual_bytes, tick, memory);
	memory->is_asked = false;
}

void guard_ask(const struct vm_view *vm, uint64_t bytes, uint64_t tick,
	       struct guard_memory *memory)
{
	size_t i;

	for (i = GUARD_NR_ASKED - 1; i > 0; i--)
		memory->asked_bytes[i] = memory->asked_bytes[i - 1];
	memory->asked_bytes[0] = bytes;
	memory->asked_tick = tick;
	memory->is_asked = true;
	memory->moved_tick = tick;
	memory->is_moved_down = bytes < vm->actual_bytes;
}
