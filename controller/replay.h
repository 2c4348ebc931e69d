/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a policy would have done: recorded ticks decided about anew, with balloons
 * that follow at once. The VMs' needs are as recorded, whatever they get.
 *
 *	err = replay_new(&policy_mrc, &replay);
 *	while (recording_read(...) > 0)
 *		err = replay_tick(replay, &tick, recording_read_params(...));
 *	totals = *replay_totals(replay);
 *	replay_free(replay);
 *
 * It cannot know what a guest would have done in other circumstances: one that
 * misses less goes on sooner. It compares policies on the same needs.
 *
 * The policy that was in force, with its parameters, decides what it decided then if
 * the recording begins where the daemon did, all VMs were in mode act, and their
 * balloons did follow at once; but for curves of more than RECORDING_MAX_POINTS.
 */
#ifndef CONTROLLER_REPLAY_H
#define CONTROLLER_REPLAY_H

#include "policy/decide.h"
#include "recording.h"

/**
 * struct replay_totals - over all ticks so far
 * @nr_ticks: decided about
 * @seconds: between the first and the last
 * @misses: predicted, of all VMs
 * @weighted_misses: each times the VM's weight
 * @nr_moves: balloon targets changed
 * @moved_bytes: up and down together
 * @below_min_seconds: of VMs below their minimum
 * @over_budget_seconds: with more memory in VMs than the host's budget
 */
struct replay_totals {
	uint64_t nr_ticks;
	double seconds;
	double misses;
	double weighted_misses;
	uint64_t nr_moves;
	uint64_t moved_bytes;
	double below_min_seconds;
	double over_budget_seconds;
};

struct replay;

/* @policy: NULL: nothing is decided, what was recorded is counted. -ENOMEM. */
int replay_new(const struct policy *policy, struct replay **ret_replay);
/* NULL is fine. */
void replay_free(struct replay *replay);

/*
 * The next tick; untouched. It is decided about with @params. Memory is moved at its end, so its effect is seen until
 * the next. A recording that goes back in time begins anew there. -ENOMEM.
 */
int replay_tick(struct replay *replay, const struct tick *tick,
		const struct recording_params *params);

/* About that tick's VMs, until the next; NULL: nothing is decided. */
const struct decision *replay_decisions(const struct replay *replay);

const struct replay_totals *replay_totals(const struct replay *replay);

#endif /* CONTROLLER_REPLAY_H */
