/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stages 2 to 4 of a page access, for one generation: find the unit's record,
 * let it into the hot set, count its reuse time. Knows nothing of KVM.
 *
 * No lock. A record's state is one word, and whoever sets AET_HOT in it by an
 * exchange owns the rest of the record until the hot set gives it up:
 *
 *	fault path: cold -> HOT (claims), counts, enters the ring
 *	fault path: the unit that it pushes out of the ring: HOT -> cold
 *	pass:       cold -> HOT -> cold with another unit (rotation)
 *
 * So a unit is in the ring at most once, and the pass leaves hot ones alone.
 * The clock is one atomic counter; its value also is the access's place in the
 * ring. Two vCPUs that are a whole ring apart may exchange their turns at one
 * place; then one unit stays hot a little longer and the other less.
 */
#ifndef KVM_AET_RECORD_H
#define KVM_AET_RECORD_H

#include <linux/atomic.h>
#include <linux/percpu.h>
#include <linux/sizes.h>
#include <linux/types.h>
#include <uapi/linux/kvm_aet.h>

/* Histograms that are kept; KVM_AET_HIST_OPEN is made when it is asked for. */
#define AET_NR_KEPT KVM_AET_HIST_OPEN

/* Units per 2 MiB of pages, and of everything that is done in one go. */
#define AET_BLOCK_UNITS 512U
#define AET_UNIT_WORDS (AET_BLOCK_UNITS / 64)

#define AET_NO_UNIT (~0ULL)

struct aet_page {
	/*
	 * AET_HOT; AET_SEEN: it was accessed; offset of the sampled unit in its
	 * group; logical time of its last recorded access, modulo
	 * 2^AET_TIME_BITS.
	 */
	atomic64_t state;
	u64 time_ns; /* of the last access */
	u64 write_time; /* logical, of the last write; 0: none */
	u64 accesses; /* since it entered the sample */
};

/* One page of memory; its units are drawn before anybody can find it. */
struct aet_chunk {
	u64 first_group;
	struct aet_page pages[];
};

#define AET_CHUNK_PAGES \
	((SZ_4K - sizeof(struct aet_chunk)) / sizeof(struct aet_page))

/*
 * Chunks by the number of their first group: two levels, no lock. An xarray's
 * look-up would be a tenth of a trap's instructions. Levels are only added, and
 * a root that became too small goes after a grace period.
 */
#define AET_LEAF_CHUNKS (SZ_4K / sizeof(struct aet_chunk *))

struct aet_table_leaf {
	struct aet_chunk *chunks[AET_LEAF_CHUNKS];
};

struct aet_table_root {
	u64 nr_leaves;
	struct aet_table_leaf *leaves[];
};

/* Events counted where they happen, without sharing cache lines. */
struct aet_counters {
	u64 traps;
	u64 first_touches;
	u64 alias_traps;
	u64 stale_traps;
	u64 spurious_traps;
	u64 lost_records;
	u64 cold_accesses;
	u64 entry_accesses;
	u64 cold_writes;
	u64 window_pages;
	u64 rearms;
	u64 rearm_misses;
	u64 over_range[AET_NR_KEPT];
	u64 hook_cycles;
};

/**
 * struct aet_record_config - what a generation's counts mean
 * @inverse_rate: one unit in so many is sampled
 * @hot_pages: capacity of the hot set in units
 * @rotate_passes: passes per change of the whole sample, or 0
 * @salt: of the sample
 * @max_units: units beyond this number need no records: the host has not got
 *	the memory
 */
struct aet_record_config {
	u32 inverse_rate;
	u32 hot_pages;
	u32 rotate_passes;
	u64 salt;
	u64 max_units;
};

struct aet_record {
	struct aet_record_config config;
	atomic64_t clock; /* recorded accesses */
	atomic64_t *buckets; /* of all kept histograms, one after the other */
	struct aet_page **ring; /* config.hot_pages of them */
	struct aet_counters __percpu *counters;
	struct aet_table_root *root; /* only grows, until aet_record_close() */
	u64 nr_chunks;
	u64 window_time; /* clock when the window began */
	u64 window_base; /* counters.window_pages then */
	u64 rotation; /* passes so far, for rotation */
	u64 rotations; /* units replaced */
	u64 start_ns;
};

/* Layout of a histogram. */
struct aet_layout {
	u32 sub_bits;
	u32 value_bits;
	u32 unit; /* enum kvm_aet_unit */
};

u32 aet_layout_buckets(enum kvm_aet_histogram_kind kind);

/*
 * A new, empty generation, or NULL without memory. All functions but
 * aet_record_access() (record_access.h) may sleep or must be serialised by the
 * caller.
 */
struct aet_record *aet_record_new(const struct aet_record_config *config,
				  u64 now_ns);
/*
 * Nobody accesses it any more: close all intervals (KVM_AET_HIST_ENDED) and
 * free the records. Counts stay readable.
 */
void aet_record_close(struct aet_record *record);
void aet_record_free(struct aet_record *record); /* NULL is fine */

/*
 * Make room for the records of units [first, end). 0, or -ENOMEM; success, too,
 * if the host's memory could not back so many: accesses to those are lost.
 */
int aet_record_reserve(struct aet_record *record, u64 first, u64 end);

/* Bit u & 511 for unit u. */
struct aet_selection {
	u64 sampled[AET_UNIT_WORDS];
	u64 left[AET_UNIT_WORDS]; /* has just left the sample by rotation */
};

/*
 * Which of the units [first, end) of one aligned block of 512 are sampled, in
 * the current rotation; carries out the rotation's changes among them.
 */
void aet_record_select(struct aet_record *record, u64 first, u64 end,
		       struct aet_selection *ret);
/* May be no longer true when it returns; see trap.c for why that is fine. */
bool aet_record_is_hot(const struct aet_record *record, u64 unit);

enum aet_outcome {
	AET_RECORDED,
	AET_ALREADY_HOT, /* not recorded: its unit is in the hot set */
	AET_NOT_SAMPLED, /* not recorded */
	AET_NO_ROOM, /* not recorded: no record; perhaps not sampled */
};

/**
 * struct aet_access - one access to one unit
 * @unit: its number
 * @now_ns: of any clock that runs alike on all CPUs
 * @is_write: it writes
 * @is_first_touch: nothing mapped the unit
 */
struct aet_access {
	u64 unit;
	u64 now_ns;
	bool is_write;
	bool is_first_touch;
};

/**
 * struct aet_recorded - what became of it
 * @outcome: the others are set for AET_RECORDED only
 * @time: its logical time, from 1
 * @reuse_time: recorded accesses since the unit's last; 0: there was none
 * @evicted_unit: the unit that left the hot set for it, or AET_NO_UNIT. It must
 *	be armed.
 */
struct aet_recorded {
	enum aet_outcome outcome;
	u64 time;
	u64 reuse_time;
	u64 evicted_unit;
};

/* Would it be sampled if there were a record? */
bool aet_record_would_sample(const struct aet_record *record, u64 unit);

/* Sums over all CPUs; agrees with the buckets when nothing is recorded. */
void aet_record_sum(const struct aet_record *record, struct aet_counters *ret);

/*
 * Copy a histogram to @ret_buckets (aet_layout_buckets() of them), or only
 * compute the sum of the buckets with NULL. For KVM_AET_HIST_OPEN, @ret_buckets
 * must be zeroed, and *ret_over_range counts what is beyond it; others leave it
 * alone. Returns the sum.
 */
u64 aet_record_histogram(const struct aet_record *record,
			 enum kvm_aet_histogram_kind kind, u64 *ret_buckets,
			 u64 *ret_over_range);

/*
 * Begin a window. @window_base is counters.window_pages as the snapshot before it
 * has read it: what vCPUs have counted since belongs to the new one. Nothing to
 * do if another has begun later.
 */
void aet_record_begin_window(struct aet_record *record, u64 window_base);

u64 aet_record_hot_used(const struct aet_record *record);
/* The units in the hot set: at most @room of them. Returns how many. */
u32 aet_record_hot_units(const struct aet_record *record, u64 *ret_units,
			 u32 room);

/*
 * Sampled and seen units of one aligned block of 512, from unit @first on, and
 * their accesses. False if none is sampled.
 */
bool aet_record_region(const struct aet_record *record, u64 first, u64 end,
		       bool window_only, struct kvm_aet_region *ret);

u64 aet_record_bytes(const struct aet_record *record);

#endif
