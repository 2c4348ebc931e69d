// SPDX-License-Identifier: GPL-2.0-or-later
#include "replay.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "cleanup.h"
#include "policy/plan.h"
#include "units.h"

/* Between two ticks of one run; what is longer is a gap in the recording. */
#define REPLAY_MAX_GAP_S 600

/**
 * struct replay_vm - a VM as the policy has left it
 * @uuid: of the VM
 * @actual_bytes: what it has
 * @misses_per_s: since the last tick
 * @weight: of each of these
 * @is_below_min: likewise
 * @is_seen: in this tick
 */
struct replay_vm {
	char uuid[VIEW_UUID_BYTES];
	uint64_t actual_bytes;
	double misses_per_s;
	double weight;
	bool is_below_min;
	bool is_seen;
};

struct replay {
	const struct policy *policy;
	struct decide_memory *memory;
	struct replay_vm *vms;
	size_t nr_vms;
	struct decision *decisions;
	uint64_t last_ns;
	bool is_over_budget;
	struct replay_totals totals;
};

static void cleanup_replay(struct replay **replay)
{
	replay_free(*replay);
}

int replay_new(const struct policy *policy, struct replay **ret_replay)
{
	CLEANUP(cleanup_replay) struct replay *replay = NULL;
	int err;

	replay = calloc(1, sizeof(*replay));
	if (!replay)
		return -ENOMEM;
	replay->policy = policy;
	err = decide_memory_new(&replay->memory);
	if (err < 0)
		return err;
	*ret_replay = TAKE_PTR(replay);
	return 0;
}

void replay_free(struct replay *replay)
{
	if (!replay)
		return;
	decide_memory_free(replay->memory);
	free(replay->vms);
	free(replay->decisions);
	free(replay);
}

/* VMs mostly keep their places: @hint is where to look first. */
static struct replay_vm *replay_find(struct replay *replay, const char *uuid,
				     size_t hint)
{
	size_t i;

	if (hint < replay->nr_vms && strcmp(replay->vms[hint].uuid, uuid) == 0)
		return &replay->vms[hint];
	for (i = 0; i < replay->nr_vms; i++) {
		if (strcmp(replay->vms[i].uuid, uuid) == 0)
			return &replay->vms[i];
	}
	return NULL;
}

/* A new VM begins with what it was recorded with. */
static int replay_add(struct replay *replay, const struct vm_view *vm)
{
	struct replay_vm *larger;

	larger = reallocarray(replay->vms, replay->nr_vms + 1, sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	replay->vms = larger;
	larger[replay->nr_vms] =
		(struct replay_vm){ .actual_bytes = vm->actual_bytes };
	memcpy(larger[replay->nr_vms].uuid, vm->uuid, sizeof(vm->uuid));
	replay->nr_vms++;
	return 0;
}

/* VMs that are gone are forgotten; should they come back, they begin anew. */
static int replay_match(struct replay *replay, const struct tick *tick)
{
	size_t i, kept = 0;

	for (i = 0; i < replay->nr_vms; i++)
		replay->vms[i].is_seen = false;
	for (i = 0; i < tick->nr_vms; i++) {
		const char *uuid = tick->vms[i].uuid;
		int err = replay_find(replay, uuid, i) ?
				  0 :
				  replay_add(replay, &tick->vms[i]);

		if (err < 0)
			return err;
		replay_find(replay, uuid, i)->is_seen = true;
	}
	for (i = 0; i < replay->nr_vms; i++) {
		if (replay->vms[i].is_seen)
			replay->vms[kept++] = replay->vms[i];
	}
	replay->nr_vms = kept;
	return 0;
}

/* What went on since the last tick is counted with what VMs had then. */
static void replay_count(struct replay *replay, uint64_t now_ns)
{
	struct replay_totals *totals = &replay->totals;
	double seconds;
	size_t i;

	if (now_ns <= replay->last_ns || totals->nr_ticks == 0)
		return;
	seconds = units_seconds(now_ns - replay->last_ns);
	if (seconds > REPLAY_MAX_GAP_S)
		return;
	totals->seconds += seconds;
	for (i = 0; i < replay->nr_vms; i++) {
		const struct replay_vm *vm = &replay->vms[i];

		totals->misses += seconds * vm->misses_per_s;
		totals->weighted_misses +=
			seconds * vm->misses_per_s * vm->weight;
		if (vm->is_below_min)
			totals->below_min_seconds += seconds;
	}
	if (replay->is_over_budget)
		totals->over_budget_seconds += seconds;
}

/* The guest goes on using what it used; what it has free is what changes. */
static void replay_adapt_stats(struct vm_view *vm, uint64_t recorded_bytes)
{
	struct vm_guest_stats *stats = &vm->stats;
	uint64_t less;

	if (!vm->has_stats || vm->actual_bytes == recorded_bytes)
		return;
	/* Whether it would swap is not known. */
	stats->swap_in_bytes_per_s = 0;
	stats->swap_out_bytes_per_s = 0;
	stats->major_faults_per_s = 0;
	if (vm->actual_bytes > recorded_bytes) {
		uint64_t more = vm->actual_bytes - recorded_bytes;

		stats->total_bytes += more;
		stats->usable_bytes += more;
		stats->unused_bytes += more;
		return;
	}
	less = recorded_bytes - vm->actual_bytes;
	stats->total_bytes -= less < stats->total_bytes ? less :
							  stats->total_bytes;
	stats->usable_bytes -= less < stats->usable_bytes ? less :
							    stats->usable_bytes;
	stats->unused_bytes -= less < stats->unused_bytes ? less :
							    stats->unused_bytes;
}

/* The VMs as they would be; what they point to stays the recorded tick's. */
static struct vm_view *replay_views(struct replay *replay,
				    const struct tick *tick)
{
	struct vm_view *vms = calloc(tick->nr_vms + 1, sizeof(*vms));
	size_t i;

	for (i = 0; vms && i < tick->nr_vms; i++) {
		const struct replay_vm *vm =
			replay_find(replay, tick->vms[i].uuid, i);

		vms[i] = tick->vms[i];
		vms[i].actual_bytes = vm->actual_bytes;
		vms[i].target_bytes = vm->actual_bytes;
		vms[i].limits.mode = VM_MODE_ACT;
		replay_adapt_stats(&vms[i], tick->vms[i].actual_bytes);
	}
	return vms;
}

static void replay_move(struct replay *replay, const struct tick *tick)
{
	size_t i;

	for (i = 0; i < tick->nr_vms; i++) {
		struct replay_vm *vm =
			replay_find(replay, tick->vms[i].uuid, i);
		const struct decision *decision = &tick->decisions[i];
		uint64_t from = vm->actual_bytes, to = decision->step_bytes;

		if ((decision->verdict != VERDICT_MOVE &&
		     decision->verdict != VERDICT_GIVE_BACK) ||
		    from == to)
			continue;
		vm->actual_bytes = to;
		replay->totals.nr_moves++;
		replay->totals.moved_bytes += to > from ? to - from : from - to;
	}
}

static int replay_decide(struct replay *replay, const struct tick *tick,
			 const struct recording_params *params)
{
	_cleanup_free_ struct vm_view *vms = replay_views(replay, tick);
	struct tick decided = *tick;
	int err;

	free(replay->decisions);
	replay->decisions =
		calloc(tick->nr_vms + 1, sizeof(*replay->decisions));
	if (!vms || !replay->decisions)
		return -ENOMEM;
	decided.policy = replay->policy;
	decided.vms = vms;
	decided.decisions = replay->decisions;
	err = decide_tick(&params->policy, &params->guard, replay->memory,
			  &decided);
	if (err < 0)
		return err;
	replay_move(replay, &decided);
	return 0;
}

/* What was recorded is what VMs have now, by whomever. */
static void replay_follow(struct replay *replay, const struct tick *tick)
{
	size_t i;

	for (i = 0; i < tick->nr_vms; i++) {
		struct replay_vm *vm =
			replay_find(replay, tick->vms[i].uuid, i);
		uint64_t from = vm->actual_bytes,
			 to = tick->vms[i].actual_bytes;

		if (from == to)
			continue;
		vm->actual_bytes = to;
		replay->totals.nr_moves++;
		replay->totals.moved_bytes += to > from ? to - from : from - to;
	}
}

/* How the VMs fare until the next tick. */
static void replay_assess(struct replay *replay, const struct tick *tick,
			  const struct recording_params *params)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < tick->nr_vms; i++) {
		const struct vm_view *view = &tick->vms[i];
		struct replay_vm *vm = replay_find(replay, view->uuid, i);
		struct plan_demand demand = plan_demand(&params->policy, view);
		double misses = plan_curve_misses_per_s(
			view, &demand, view->curve, vm->actual_bytes);

		vm->misses_per_s = isnan(misses) ? 0 : misses;
		vm->weight = view->limits.weight;
		vm->is_below_min = vm->actual_bytes < view->limits.min_bytes;
		sum += vm->actual_bytes;
	}
	replay->is_over_budget = sum > tick->host.budget_bytes;
}

int replay_tick(struct replay *replay, const struct tick *tick,
		const struct recording_params *params)
{
	int err;

	replay_count(replay, tick->time_ns);
	err = replay_match(replay, tick);
	if (err < 0)
		return err;
	if (replay->policy)
		err = replay_decide(replay, tick, params);
	else
		replay_follow(replay, tick);
	if (err < 0)
		return err;
	replay_assess(replay, tick, params);
	replay->last_ns = tick->time_ns;
	replay->totals.nr_ticks++;
	return 0;
}

const struct decision *replay_decisions(const struct replay *replay)
{
	return replay->decisions;
}

const struct replay_totals *replay_totals(const struct replay *replay)
{
	return &replay->totals;
}
