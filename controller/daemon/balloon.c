// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/balloon.h"

#include <string.h>

#include "units.h"

static uint64_t balloon_distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

void balloon_ordered(struct balloon *balloon, uint64_t target_bytes,
		     uint64_t now_ns)
{
	balloon->older_target_bytes = balloon->target_bytes;
	balloon->target_bytes = target_bytes;
	balloon->ordered_ns = now_ns;
}

void balloon_reset(struct balloon *balloon)
{
	/* One that is empty has nothing to come back from. */
	balloon->is_resetting = balloon->actual_bytes > 0;
}

static bool balloon_is_between(const struct balloon *balloon, uint64_t bytes)
{
	uint64_t a = balloon->older_target_bytes, b = balloon->target_bytes;

	return a < b ? bytes >= a && bytes <= b : bytes >= b && bytes <= a;
}

void balloon_sized(struct balloon *balloon, uint64_t actual_bytes,
		   uint64_t now_ns)
{
	uint64_t before = balloon->actual_bytes;
	uint64_t target = balloon->target_bytes;

	balloon->actual_bytes = actual_bytes;
	if (before == 0) {
		/* The first that is known. */
		if (balloon->ordered_ns == 0)
			balloon->target_bytes = actual_bytes;
		return;
	}
	if (actual_bytes == target) {
		/* Read before the guest let go, it is no news of its driver. */
		if (before != target)
			balloon->is_resetting = false;
		balloon->older_target_bytes = target;
		return;
	}
	if (balloon->is_resetting)
		return;
	/* From where it turns to the target, it does what it was told last. */
	if (balloon_distance(actual_bytes, target) <
	    balloon_distance(before, target)) {
		balloon->older_target_bytes = target;
		return;
	}
	/* It may still be on its way to an older target. */
	if (balloon->ordered_ns > 0 &&
	    now_ns - balloon->ordered_ns <
		    (balloon_is_between(balloon, actual_bytes) ?
			     BALLOON_LATE_NS :
			     BALLOON_SETTLE_NS))
		return;
	if (balloon_distance(actual_bytes, target) >
	    balloon_distance(before, target))
		balloon->target_bytes = actual_bytes;
}

static const char *balloon_judge_values(const struct balloon_sample *sample)
{
	const uint64_t *values = sample->values;

	if (!sample->has_update || sample->update_s == 0)
		return "the guest's balloon driver sends no statistics";
	if (!sample->has_value[BALLOON_TOTAL_BYTES] ||
	    !sample->has_value[BALLOON_UNUSED_BYTES])
		return "the guest's balloon driver does not tell its memory";
	if (!sample->has_value[BALLOON_USABLE_BYTES])
		return "the guest's balloon driver is too old to tell what memory is usable";
	if (!sample->has_value[BALLOON_SWAP_IN_BYTES] ||
	    !sample->has_value[BALLOON_SWAP_OUT_BYTES] ||
	    !sample->has_value[BALLOON_MAJOR_FAULTS])
		return "the guest's balloon driver does not tell its swapping and major faults";
	if (values[BALLOON_TOTAL_BYTES] == 0 ||
	    values[BALLOON_USABLE_BYTES] > values[BALLOON_TOTAL_BYTES] ||
	    values[BALLOON_UNUSED_BYTES] > values[BALLOON_TOTAL_BYTES])
		return "the guest's statistics contradict each other";
	if (values[BALLOON_TOTAL_BYTES] > sample->max_bytes)
		return "the guest claims more memory than it can have";
	return NULL;
}

static uint64_t balloon_stale_s(unsigned int period_s)
{
	return UINT64_C(1) * BALLOON_STALE_PERIODS * period_s +
	       BALLOON_STALE_GRACE_S;
}

static const char *balloon_stale_problem(void)
{
	return "the guest's statistics are stale: it does not answer the balloon";
}

static bool balloon_same_values(const struct balloon_sample *a,
				const struct balloon_sample *b)
{
	return memcmp(a->values, b->values, sizeof(a->values)) == 0;
}

static bool balloon_went_back(const struct balloon_sample *before,
			      const struct balloon_sample *now)
{
	int i;

	for (i = BALLOON_SWAP_IN_BYTES; i < BALLOON_NR_VALUES; i++) {
		if (now->values[i] < before->values[i])
			return true;
	}
	return false;
}

/*
 * Seconds from one update to the next. The guest's times are of a wall clock,
 * which may be set: then those of our readings are nearer the truth.
 */
static double balloon_seconds_between(const struct balloon_sample *before,
				      const struct balloon_sample *now,
				      unsigned int period_s)
{
	double read_s = units_seconds(now->read_ns - before->read_ns);
	double update_s = (double)now->update_s - (double)before->update_s;
	double slack_s = (double)balloon_stale_s(period_s);

	if (update_s > 0 && update_s > read_s - slack_s &&
	    update_s < read_s + slack_s)
		return update_s;
	return read_s > 0 ? read_s : period_s;
}

static struct vm_guest_stats balloon_stats(const struct balloon_sample *before,
					   const struct balloon_sample *now,
					   unsigned int period_s)
{
	double seconds = balloon_seconds_between(before, now, period_s);
	double rates[BALLOON_NR_VALUES];
	int i;

	for (i = BALLOON_SWAP_IN_BYTES; i < BALLOON_NR_VALUES; i++)
		rates[i] =
			(double)(now->values[i] - before->values[i]) / seconds;
	return (struct vm_guest_stats){
		.total_bytes = now->values[BALLOON_TOTAL_BYTES],
		.usable_bytes = now->values[BALLOON_USABLE_BYTES],
		.unused_bytes = now->values[BALLOON_UNUSED_BYTES],
		.swap_in_bytes_per_s = rates[BALLOON_SWAP_IN_BYTES],
		.swap_out_bytes_per_s = rates[BALLOON_SWAP_OUT_BYTES],
		.major_faults_per_s = rates[BALLOON_MAJOR_FAULTS],
	};
}

static void balloon_begin(struct balloon_history *history,
			  const struct balloon_sample *sample)
{
	*history = (struct balloon_history){
		.has_last = true,
		.last = *sample,
		.fresh_ns = sample->read_ns,
		.changed_actual_bytes = sample->actual_bytes,
	};
}

/* An update that follows on one before. */
static void balloon_continue(struct balloon_history *history,
			     const struct balloon_sample *sample,
			     unsigned int period_s)
{
	if (balloon_same_values(&history->last, sample)) {
		history->nr_unchanged++;
	} else {
		history->nr_unchanged = 0;
		history->changed_actual_bytes = sample->actual_bytes;
	}
	history->stats = balloon_stats(&history->last, sample, period_s);
	history->has_rates = true;
	history->last = *sample;
	history->fresh_ns = sample->read_ns;
}

const char *balloon_judge(struct balloon_history *history,
			  const struct balloon_sample *sample,
			  unsigned int period_s,
			  struct vm_guest_stats *ret_stats)
{
	uint64_t stale_s = balloon_stale_s(period_s);
	const char *problem = balloon_judge_values(sample);

	if (problem) {
		*history = (struct balloon_history){ 0 };
		return problem;
	}
	if (!history->has_last) {
		/* How old it is only the wall clock tells yet. */
		if (sample->unix_s > sample->update_s &&
		    sample->unix_s - sample->update_s > stale_s)
			return balloon_stale_problem();
		balloon_begin(history, sample);
		return "the guest's statistics have just begun: no rates yet";
	}
	if (sample->update_s == history->last.update_s) {
		if (sample->read_ns - history->fresh_ns > stale_s * NS_PER_S)
			return balloon_stale_problem();
	} else if (balloon_went_back(&history->last, sample)) {
		balloon_begin(history, sample);
		return "the guest was restarted: its counters began anew";
	} else {
		balloon_continue(history, sample, period_s);
	}
	if (history->nr_unchanged >= BALLOON_FROZEN_UPDATES &&
	    balloon_distance(history->changed_actual_bytes,
			     sample->actual_bytes) >= BALLOON_FROZEN_BYTES)
		return "the guest's statistics are frozen: the balloon moved and no value did";
	if (!history->has_rates)
		return "the guest's statistics have just begun: no rates yet";
	*ret_stats = history->stats;
	return NULL;
}
