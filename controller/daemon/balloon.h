/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What there is to know of a VM's balloon and of its guest's statistics, from
 * what libvirt says now and then. Pure; in bytes.
 *
 * Nobody remembers what a balloon was told: QEMU and libvirt only say how large
 * the guest is. So the target is what we asked for, until the guest's size moves
 * away from it: then somebody else has asked for something, a person or the
 * guest itself (deflate-on-oom), and where it is now is all that is known.
 *
 * Statistics come from the guest's driver, which may be absent, stopped, of
 * another system, or lie: what cannot be true now is no statistics.
 */
#ifndef DAEMON_BALLOON_H
#define DAEMON_BALLOON_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/view.h"

/* QEMU tells of a changed size at most once a second, and late. */
#define BALLOON_SETTLE_NS UINT64_C(3000000000)

/* A guest that swaps for it may be so long at the target before. */
#define BALLOON_LATE_NS UINT64_C(30000000000)

/**
 * struct balloon - how large, and what it was told
 * @actual_bytes: the guest's size, last read; 0: not yet
 * @target_bytes: what it was last told, as far as known
 * @older_target_bytes: before our last order, until the guest follows that
 * @ordered_ns: CLOCK_MONOTONIC of our last order; 0: none
 * @is_resetting: the guest boots: its size jumps to all, and back to the target
 *	once its driver runs
 */
struct balloon {
	uint64_t actual_bytes;
	uint64_t target_bytes;
	uint64_t older_target_bytes;
	uint64_t ordered_ns;
	bool is_resetting;
};

/* We told it, successfully. */
void balloon_ordered(struct balloon *balloon, uint64_t target_bytes,
		     uint64_t now_ns);

/* The guest was reset. */
void balloon_reset(struct balloon *balloon);

/* Its size was read, or told of by an event. */
void balloon_sized(struct balloon *balloon, uint64_t actual_bytes,
		   uint64_t now_ns);

enum balloon_value {
	BALLOON_TOTAL_BYTES = 0,
	BALLOON_USABLE_BYTES,
	BALLOON_UNUSED_BYTES,
	/* Counters since the guest booted. */
	BALLOON_SWAP_IN_BYTES,
	BALLOON_SWAP_OUT_BYTES,
	BALLOON_MAJOR_FAULTS,
	BALLOON_NR_VALUES,
};

/**
 * struct balloon_sample - the guest's values, as read once
 * @has_value: which of @values are there
 * @values: by enum balloon_value
 * @has_update: @update_s is there
 * @update_s: when the host received the values, by its wall clock; 0: never
 * @unix_s: that clock now
 * @read_ns: CLOCK_MONOTONIC now
 * @actual_bytes: the guest's size now
 * @max_bytes: that it can have at most
 */
struct balloon_sample {
	bool has_value[BALLOON_NR_VALUES];
	uint64_t values[BALLOON_NR_VALUES];
	bool has_update;
	uint64_t update_s;
	uint64_t unix_s;
	uint64_t read_ns;
	uint64_t actual_bytes;
	uint64_t max_bytes;
};

/**
 * struct balloon_history - of the samples before; all-zero at the start, and
 *	after the guest was restarted
 * @has_last: @last is a sample with all values, which made sense
 * @last: the newest with another update than the one before
 * @fresh_ns: when that was first seen
 * @changed_actual_bytes: the guest's size when its values last changed
 * @nr_unchanged: updates since then
 * @has_rates: @stats is set: there were two samples
 * @stats: of @last
 */
struct balloon_history {
	bool has_last;
	struct balloon_sample last;
	uint64_t fresh_ns;
	uint64_t changed_actual_bytes;
	unsigned int nr_unchanged;
	bool has_rates;
	struct vm_guest_stats stats;
};

/* Values are stale after so many periods without a new update, and a bit. */
#define BALLOON_STALE_PERIODS 3
#define BALLOON_STALE_GRACE_S 2

/*
 * Frozen: the guest's size has changed by so much, and in so many updates none
 * of the guest's values has.
 */
#define BALLOON_FROZEN_BYTES (UINT64_C(16) << 20)
#define BALLOON_FROZEN_UPDATES 3

/*
 * Judges a sample. @period_s: how often the guest is asked, above 0. Returns
 * NULL and *@ret_stats; or, for people and static, why there are none: then
 * *@ret_stats is untouched.
 */
const char *balloon_judge(struct balloon_history *history,
			  const struct balloon_sample *sample,
			  unsigned int period_s,
			  struct vm_guest_stats *ret_stats);

#endif /* DAEMON_BALLOON_H */
