/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From views to decisions: the policy's wants, made safe by the guard, with a
 * reason for each. Pure but for the guard's memory of each VM, which the caller
 * keeps in a struct decide_memory and hands in; so a replay decides as the
 * daemon did.
 */
#ifndef POLICY_DECIDE_H
#define POLICY_DECIDE_H

#include "policy.h"

/**
 * struct guard_params - from the configuration
 * @max_step_bytes: at most so much up or down for a VM in a tick
 * @max_shrink_ratio: and at most this share of what it has, down, in (0, 1]
 * @dead_band_bytes: smaller changes are not worth a move
 * @dead_band_gain_per_s: nor those that save fewer predicted misses per second
 * @settle_ticks: ticks to wait for a guest to follow before it is said not to
 * @backoff_ticks: first pause after that; doubles up to @max_backoff_ticks
 * @max_backoff_ticks: see above
 * @foreign_hold_ticks: pause after somebody else moved the balloon
 * @swap_in_bytes_per_s: a guest that swaps in more is given memory at once
 *	if it misses more than was predicted, or the policy predicts nothing
 * @pressure_percent: and nobody grows while the host's PSI some is above
 * @usable_min_bytes: shrinking leaves a guest so much usable memory, if its
 *	statistics tell
 * @usable_min_ratio: or this share of what it has, if that is more
 * @squeeze_ratio: below that, a guest that is known to swap shrinks by at most
 *	this share of what it has in a tick; one that is not stays
 */
struct guard_params {
	uint64_t max_step_bytes;
	double max_shrink_ratio;
	uint64_t dead_band_bytes;
	double dead_band_gain_per_s;
	unsigned int settle_ticks;
	unsigned int backoff_ticks;
	unsigned int max_backoff_ticks;
	unsigned int foreign_hold_ticks;
	double swap_in_bytes_per_s;
	double pressure_percent;
	uint64_t usable_min_bytes;
	double usable_min_ratio;
	double squeeze_ratio;
};

extern const struct guard_params guard_default_params;

enum verdict {
	VERDICT_HOLD = 0, /* stays as it is; the reason says why */
	VERDICT_MOVE, /* to @step_bytes, now */
	VERDICT_GIVE_BACK, /* likewise, at once: the guest suffers */
	VERDICT_ADVISE, /* would be moved, but the mode forbids */
	VERDICT_REFUSE, /* cannot be moved */
};

#define DECISION_REASON_BYTES 160

/**
 * struct decision - about one VM in one tick
 * @verdict: what is done
 * @step_bytes: balloon target from now on; the VM's target if it is not moved
 * @want: what the policy wanted
 * @reason: for people, one line
 */
struct decision {
	enum verdict verdict;
	uint64_t step_bytes;
	struct policy_want want;
	char reason[DECISION_REASON_BYTES];
};

/**
 * struct thrashing - do the working sets fit?
 * @is_thrashing: their sum is over the budget
 * @wss_bytes: their sum, of the VMs of which it is known
 * @budget_bytes: of the host
 * @candidate: index of the VM whose leaving helps most, by its weight; -1: none
 */
struct thrashing {
	bool is_thrashing;
	uint64_t wss_bytes;
	uint64_t budget_bytes;
	ptrdiff_t candidate;
};

/**
 * struct tick - all about one tick; what is recorded, shown and exported
 * @number: from 1
 * @time_ns: CLOCK_MONOTONIC
 * @unix_ns: CLOCK_REALTIME
 * @policy: whose wants
 * @host: host
 * @vms: @nr_vms views
 * @decisions: one for each
 * @nr_vms: number
 * @thrashing: summary
 */
struct tick {
	uint64_t number;
	uint64_t time_ns;
	uint64_t unix_ns;
	const struct policy *policy;
	struct host_view host;
	struct vm_view *vms;
	struct decision *decisions;
	size_t nr_vms;
	struct thrashing thrashing;
};

/* What must be remembered of VMs from tick to tick. */
struct decide_memory;

int decide_memory_new(struct decide_memory **ret_memory);
void decide_memory_free(struct decide_memory *memory);

/*
 * The caller carried out a move (VERDICT_MOVE, VERDICT_GIVE_BACK), or could not:
 * @err is 0 or -errno. After a failure the VM is left alone for a while, longer
 * from time to time. A success need not be told: the next views show it. An
 * unknown VM is ignored.
 */
void decide_moved(struct decide_memory *memory, const char *uuid,
		  uint64_t target_bytes, int err);

/**
 * decide_tick() - decide about all VMs
 *
 * What it does, in this order, for each VM:
 *
 *  1. What cannot be moved is refused; what is paused, or only observed, stays.
 *  2. A balloon that somebody else moved is left to him for @foreign_hold_ticks.
 *  3. A guest that does not follow is asked for what it has, and left alone for
 *     @backoff_ticks, twice as long each time that happens again.
 *  4. A guest that swaps in is given memory, before all others.
 *  5. Else the policy decides, with all VMs that stay where they are fixed. Moves
 *     below the dead band, back and forth within @settle_ticks, for less than
 *     @dead_band_gain_per_s, or down when nobody gains, are not made. A policy
 *     that counts misses knows what a move is worth: its growth may be small,
 *     and may follow shrinking at once.
 *  6. Shrinking stops at the VM's minimum, at what keeps the guest's usable
 *     memory sane, and above where it lately began to swap.
 *  7. Growth gets only memory that is free: the budget, less what all VMs have
 *     or have been promised. What others are yet to give does not count. Who
 *     suffers comes first, then who gains most by the byte.
 *
 * So the sum of what all have and have been promised exceeds the budget only if
 * it did before. A VM in mode advise is decided about as if it could be moved,
 * but its memory is not counted upon for those that can.
 *
 * @policy_params: for the policy
 * @guard_params: for the guard
 * @memory: of former ticks; VMs that are not in this one are forgotten
 * @tick: in: all up to @nr_vms but @decisions, which has room for @nr_vms; out:
 *	@decisions, @thrashing, and vain_growths and held_bytes of @vms
 *
 * Returns 0 or -ENOMEM; then no decision is valid.
 */
int decide_tick(const struct policy_params *policy_params,
		const struct guard_params *guard_params,
		struct decide_memory *memory, struct tick *tick);

#endif /* POLICY_DECIDE_H */
