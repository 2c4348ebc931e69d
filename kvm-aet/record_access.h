/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stages 2 to 4 of a page access, as far as they run in the guest's fault.
 * Inline, since there is one caller, and a call with its arguments and results
 * in memory would be a tenth of it. Record.c shares the smaller parts.
 */
#ifndef KVM_AET_RECORD_ACCESS_H
#define KVM_AET_RECORD_ACCESS_H

#include <linux/mm.h>

#include "hist_bucket.h"
#include "record.h"
#include "sample.h"

#define AET_HOT BIT_ULL(0)
#define AET_SEEN BIT_ULL(1)
#define AET_OFFSET_SHIFT 2
#define AET_OFFSET_MASK ((u64)U16_MAX << AET_OFFSET_SHIFT)
#define AET_TIME_SHIFT 18
#define AET_TIME_BITS (64 - AET_TIME_SHIFT)

static const struct aet_layout aet_layouts[KVM_AET_NR_HISTOGRAMS] = {
	[KVM_AET_HIST_REUSE] = { AET_SUB_BUCKET_BITS, AET_REUSE_TIME_BITS,
				 KVM_AET_UNIT_ACCESSES },
	[KVM_AET_HIST_REUSE_NS] = { AET_COARSE_SUB_BUCKET_BITS,
				    AET_REUSE_NS_BITS, KVM_AET_UNIT_NS },
	[KVM_AET_HIST_WRITE_REUSE] = { AET_SUB_BUCKET_BITS, AET_REUSE_TIME_BITS,
				       KVM_AET_UNIT_ACCESSES },
	[KVM_AET_HIST_ENDED] = { AET_COARSE_SUB_BUCKET_BITS,
				 AET_REUSE_TIME_BITS, KVM_AET_UNIT_ACCESSES },
	[KVM_AET_HIST_OPEN] = { AET_COARSE_SUB_BUCKET_BITS, AET_REUSE_TIME_BITS,
				KVM_AET_UNIT_ACCESSES },
};

/* Where each kept histogram begins in the array; the last entry: its end. */
static const u32 aet_first_bucket[AET_NR_KEPT + 1] = {
	[KVM_AET_HIST_REUSE] = 0,
	[KVM_AET_HIST_REUSE_NS] = AET_NR_BUCKETS,
	[KVM_AET_HIST_WRITE_REUSE] =
		AET_NR_BUCKETS +
		AET_BUCKETS(AET_COARSE_SUB_BUCKET_BITS, AET_REUSE_NS_BITS),
	[KVM_AET_HIST_ENDED] =
		2 * AET_NR_BUCKETS +
		AET_BUCKETS(AET_COARSE_SUB_BUCKET_BITS, AET_REUSE_NS_BITS),
	[AET_NR_KEPT] =
		2 * AET_NR_BUCKETS +
		AET_BUCKETS(AET_COARSE_SUB_BUCKET_BITS, AET_REUSE_NS_BITS) +
		AET_BUCKETS(AET_COARSE_SUB_BUCKET_BITS, AET_REUSE_TIME_BITS),
};

static inline struct aet_chunk *aet_find_chunk(const struct aet_record *record,
					       u64 index)
{
	/* Each pairs, by its address dependency, with the store's release. */
	struct aet_table_root *root = READ_ONCE(record->root);
	struct aet_table_leaf *leaf;

	if (!root || index / AET_LEAF_CHUNKS >= root->nr_leaves)
		return NULL;
	leaf = READ_ONCE(root->leaves[index / AET_LEAF_CHUNKS]);
	return leaf ? READ_ONCE(leaf->chunks[index % AET_LEAF_CHUNKS]) : NULL;
}

static inline struct aet_page *aet_find_page(const struct aet_record *record,
					     u64 group)
{
	u64 index = group / AET_CHUNK_PAGES;
	struct aet_chunk *chunk = aet_find_chunk(record, index);

	return chunk ? &chunk->pages[group - index * AET_CHUNK_PAGES] : NULL;
}

static inline u32 aet_state_offset(u64 state)
{
	return (state & AET_OFFSET_MASK) >> AET_OFFSET_SHIFT;
}

/* Recorded accesses since the one in @state, which is not after @time. */
static inline u64 aet_elapsed(u64 state, u64 time)
{
	return (time - (state >> AET_TIME_SHIFT)) & (~0ULL >> AET_TIME_SHIFT);
}

/*
 * The same for who only looks: reads the clock first, and the page may be
 * accessed meanwhile. Then 0.
 */
static inline u64 aet_since(u64 state, u64 time)
{
	u64 interval = aet_elapsed(state, time);

	return interval >> (AET_TIME_BITS - 1) ? 0 : interval;
}

static inline u64 aet_page_group(const struct aet_page *page)
{
	struct aet_chunk *chunk =
		(struct aet_chunk *)((unsigned long)page & PAGE_MASK);

	return chunk->first_group + (page - chunk->pages);
}

static inline u64 aet_page_unit(const struct aet_record *record,
				const struct aet_page *page, u64 state)
{
	return aet_page_group(page) * record->config.inverse_rate +
	       aet_state_offset(state);
}

static __always_inline void aet_count(struct aet_record *record,
				      enum kvm_aet_histogram_kind kind,
				      u64 value)
{
	const struct aet_layout *layout = &aet_layouts[kind];

	if (unlikely(value >> layout->value_bits)) {
		this_cpu_inc(record->counters->over_range[kind]);
		return;
	}
	atomic64_inc(
		&record->buckets[aet_first_bucket[kind] +
				 aet_bucket_index(layout->sub_bits, value)]);
}

/* Stage 4. The caller has claimed the page; @old is its state before. */
static __always_inline u64 aet_count_access(struct aet_record *record,
					    struct aet_page *page,
					    const struct aet_access *access,
					    u64 old, u64 time)
{
	struct aet_counters __percpu *counters = record->counters;
	u64 reuse_time = 0;

	if (old & AET_SEEN) {
		/* The clock cannot be behind a page that nobody else has. */
		reuse_time = aet_elapsed(old, time);
		aet_count(record, KVM_AET_HIST_REUSE, reuse_time);
		/* Clocks of two CPUs may differ by a little. */
		aet_count(record, KVM_AET_HIST_REUSE_NS,
			  access->now_ns > page->time_ns ?
				  access->now_ns - page->time_ns :
				  0);
	} else if (access->is_first_touch) {
		this_cpu_inc(counters->cold_accesses);
	} else {
		this_cpu_inc(counters->entry_accesses);
	}
	if (!(old & AET_SEEN) ||
	    time - reuse_time <= READ_ONCE(record->window_time))
		this_cpu_inc(counters->window_pages);

	if (access->is_write) {
		if (page->write_time)
			aet_count(record, KVM_AET_HIST_WRITE_REUSE,
				  time - page->write_time);
		else
			this_cpu_inc(counters->cold_writes);
		page->write_time = time;
	}
	page->time_ns = access->now_ns;
	page->accesses++;
	return reuse_time;
}

/* Stage 3: into the ring at @time, and who is there leaves the hot set. */
static __always_inline u64 aet_push(struct aet_record *record,
				    struct aet_page *page, u64 time)
{
	struct aet_page **slot =
		&record->ring[(time - 1) % record->config.hot_pages];
	/* Publishes the record; pairs with the exchange that pushes it out. */
	struct aet_page *evicted = xchg(slot, page);
	u64 unit;

	if (!evicted)
		return AET_NO_UNIT;
	unit = aet_page_unit(record, evicted, atomic64_read(&evicted->state));
	/* Gives up the record: all that its owner wrote comes before. */
	smp_mb__before_atomic();
	atomic64_andnot(AET_HOT, &evicted->state);
	return unit;
}

/* Under RCU, in any context, any number at once. */
static __always_inline void aet_record_access(struct aet_record *record,
					      const struct aet_access *access,
					      struct aet_recorded *ret)
{
	u32 inverse_rate = record->config.inverse_rate;
	u64 group = aet_sample_group(access->unit, inverse_rate);
	u64 offset = (access->unit - group * inverse_rate) << AET_OFFSET_SHIFT;
	struct aet_page *page = aet_find_page(record, group);
	s64 old;

	if (!page) {
		ret->outcome = AET_NO_ROOM;
		return;
	}
	old = atomic64_read(&page->state);
	do {
		if ((old & AET_OFFSET_MASK) != offset) {
			ret->outcome = AET_NOT_SAMPLED;
			return;
		}
		if (old & AET_HOT) {
			ret->outcome = AET_ALREADY_HOT;
			return;
		}
	} while (!atomic64_try_cmpxchg(&page->state, &old, old | AET_HOT));

	ret->outcome = AET_RECORDED;
	ret->time = atomic64_inc_return(&record->clock);
	ret->reuse_time =
		aet_count_access(record, page, access, old, ret->time);
	atomic64_set(&page->state,
		     offset | AET_HOT | AET_SEEN | ret->time << AET_TIME_SHIFT);
	ret->evicted_unit = aet_push(record, page, ret->time);
}

#endif
