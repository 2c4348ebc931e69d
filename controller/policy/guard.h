/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What keeps one VM from harm: what its balloon did since the last tick, and
 * how far it may be moved now. What concerns several VMs is decide.c's.
 */
#ifndef POLICY_GUARD_H
#define POLICY_GUARD_H

#include "policy/decide.h"
#include "policy/plan.h"

/* Targets this near are the same: balloons count in pages, people in MiB. */
#define GUARD_NEAR_BYTES (UINT64_C(1) << 20)

#define GUARD_NR_ASKED 3

/**
 * struct guard_memory - what is remembered of a VM; times are numbers of ticks
 * @uuid: of the VM
 * @asked_bytes: balloon targets that may be in force: the last one asked for,
 *	then those before it whose successor has not been seen yet
 * @asked_tick: when the first of them was
 * @is_asked: it was by us, for a change
 * @actual_bytes: what the guest had
 * @idle_ticks: since when it has not got nearer to its target
 * @hold_until: left alone until then
 * @backoff_ticks: how long that was
 * @foreign_until: left to somebody else until then
 * @moved_tick: of our last move; 0: none
 * @is_moved_down: it was one down
 * @shrunk_tick: of the last one down; 0: none
 * @shrunk_from_bytes: what it had before that, and those that it followed soon
 * @expected_misses_per_s: with it, as the policy predicted; 0 unless it counts misses
 * @floor_bytes: half of the way back from where the guest began to swap
 * @floor_until: that counts until then
 * @floor_ticks: how long that was
 * @has_swap: the guest has been seen to swap
 * @demand: what it swapped in since when its growth is judged; none: 0
 * @vain_growths: of the view
 * @vain_tick: of the last of them
 * @is_swapping: it did in the last tick
 * @has_held: it has swapped, so that the next is known
 * @most_held_bytes: bound of what it only holds
 * @held_bytes: of the view: that, and ever less while it does not swap
 */
struct guard_memory {
	char uuid[VIEW_UUID_BYTES];
	uint64_t asked_bytes[GUARD_NR_ASKED];
	uint64_t asked_tick;
	bool is_asked;
	uint64_t actual_bytes;
	unsigned int idle_ticks;
	uint64_t hold_until;
	unsigned int backoff_ticks;
	uint64_t foreign_until;
	uint64_t moved_tick;
	bool is_moved_down;
	uint64_t shrunk_tick;
	uint64_t shrunk_from_bytes;
	double expected_misses_per_s;
	uint64_t floor_bytes;
	uint64_t floor_until;
	unsigned int floor_ticks;
	bool has_swap;
	struct plan_demand demand;
	unsigned int vain_growths;
	uint64_t vain_tick;
	bool is_swapping;
	bool has_held;
	uint64_t most_held_bytes;
	uint64_t held_bytes;
};

enum guard_state {
	GUARD_FREE = 0, /* may be moved */
	GUARD_IMMOVABLE,
	GUARD_PAUSED,
	GUARD_FOREIGN, /* somebody else moved its balloon */
	GUARD_UNCONFIRMED, /* asked, and not seen yet that it was */
	GUARD_SLOW, /* does not follow, but still may */
	GUARD_STUCK, /* found just now not to follow */
	GUARD_BACKOFF, /* left alone after that, or after a failure */
};

/* All is as it is seen first. */
void guard_init(struct guard_memory *memory, const struct vm_view *vm);

/* What happened since the last tick. */
enum guard_state guard_observe(const struct guard_params *params,
			       const struct vm_view *vm, uint64_t tick,
			       struct guard_memory *memory);

/*
 * Does the guest swap in more than it should? Remembers at what size, if that
 * is our doing. @is_predicted: the policy counts its misses, also those that it
 * did not expect: then only what our moves cost beyond their prediction is not left
 * to it.
 */
bool guard_is_suffering(const struct guard_params *params,
			const struct vm_view *vm, bool is_predicted,
			uint64_t tick, struct guard_memory *memory);

/* Did it swap in less with more memory? Sets vain_growths of @memory. */
void guard_observe_demand(const struct policy_params *policy_params,
			  const struct guard_params *params,
			  const struct vm_view *vm, uint64_t tick,
			  struct guard_memory *memory);

/* The least that the VM may ever have, as far as is known now. */
uint64_t guard_floor(const struct guard_params *params,
		     const struct vm_view *vm, uint64_t tick,
		     const struct guard_memory *memory);

/* The least that the VM may have after this tick; at most what it has. */
uint64_t guard_least(const struct guard_params *params,
		     const struct vm_view *vm, uint64_t tick,
		     const struct guard_memory *memory);

/* What a suffering VM should have. */
uint64_t guard_relief(const struct guard_params *params,
		      const struct vm_view *vm, bool is_predicted,
		      const struct guard_memory *memory);

/*
 * The VM is asked to have so much. @expected_misses_per_s: by the prediction that
 * speaks for it; 0: there is none.
 */
void guard_ask(const struct guard_params *params, const struct vm_view *vm,
	       uint64_t bytes, double expected_misses_per_s, uint64_t tick,
	       struct guard_memory *memory);

/* It is asked for what it has, as it does not follow: GUARD_STUCK. */
void guard_retreat(const struct guard_params *params, const struct vm_view *vm,
		   uint64_t tick, struct guard_memory *memory);

/* The last request could not be made. */
void guard_fail(const struct guard_params *params, uint64_t tick,
		struct guard_memory *memory);

bool guard_is_near(uint64_t bytes, uint64_t other_bytes);

#endif /* POLICY_GUARD_H */
