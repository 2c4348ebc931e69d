// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "hist_bucket.h"
#include "record.h"
#include "sample.h"

#define AET_HOT BIT_ULL(0)
#define AET_DRAWN BIT_ULL(1)
#define AET_SEEN BIT_ULL(2)
#define AET_OFFSET_SHIFT 3
#define AET_OFFSET_MASK ((u64)U16_MAX << AET_OFFSET_SHIFT)
#define AET_TIME_SHIFT 19
#define AET_TIME_BITS (64 - AET_TIME_SHIFT)

static_assert(KVM_AET_MAX_INVERSE_RATE - 1 <= U16_MAX);
/*
 * An interval that the clock's low bits cannot tell from a shorter one has seen
 * 2^44 accesses of other units: half a year at 10^6 traps/s.
 */
static_assert(AET_TIME_BITS - 1 > AET_REUSE_TIME_BITS);
static_assert(sizeof(struct aet_page) == 32);
static_assert(sizeof(struct aet_chunk) +
		      AET_CHUNK_PAGES * sizeof(struct aet_page) <=
	      SZ_4K);

const struct aet_layout aet_layouts[KVM_AET_NR_HISTOGRAMS] = {
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
static const u32 first_bucket[AET_NR_KEPT + 1] = {
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

u32 aet_layout_buckets(enum kvm_aet_histogram_kind kind)
{
	return AET_BUCKETS(aet_layouts[kind].sub_bits,
			   aet_layouts[kind].value_bits);
}

struct aet_record *aet_record_new(const struct aet_record_config *config,
				  u64 now_ns)
{
	struct aet_record *record = kzalloc(sizeof(*record), GFP_KERNEL);

	if (!record)
		return NULL;
	record->config = *config;
	record->start_ns = now_ns;
	xa_init(&record->chunks);
	record->buckets = kvcalloc(first_bucket[AET_NR_KEPT],
				   sizeof(*record->buckets),
				   GFP_KERNEL_ACCOUNT);
	record->ring = kvcalloc(config->hot_pages, sizeof(*record->ring),
				GFP_KERNEL_ACCOUNT);
	record->counters = alloc_percpu(struct aet_counters);
	if (record->buckets && record->ring && record->counters)
		return record;
	aet_record_free(record);
	return NULL;
}

static void free_chunks(struct aet_record *record)
{
	struct aet_chunk *chunk;
	unsigned long index;

	xa_for_each(&record->chunks, index, chunk)
		free_page((unsigned long)chunk);
	xa_destroy(&record->chunks);
	record->nr_chunks = 0;
}

void aet_record_free(struct aet_record *record)
{
	if (!record)
		return;
	free_chunks(record);
	kvfree(record->buckets);
	kvfree(record->ring);
	free_percpu(record->counters);
	kfree(record);
}

int aet_record_reserve(struct aet_record *record, u64 first, u64 end)
{
	const struct aet_record_config *config = &record->config;
	unsigned long index, last;

	index = aet_sample_group(first, config->inverse_rate) / AET_CHUNK_PAGES;
	last = aet_sample_group(end - 1, config->inverse_rate) /
	       AET_CHUNK_PAGES;
	for (; index <= last; index++) {
		struct aet_chunk *chunk;
		int err;

		if (xa_load(&record->chunks, index))
			continue;
		/* Partly used chunks at the ends of memslots: some more. */
		if (record->nr_chunks >= 16 + config->max_units /
							 config->inverse_rate /
							 AET_CHUNK_PAGES)
			return 0;
		chunk = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
		if (!chunk)
			return -ENOMEM;
		chunk->first_group = (u64)index * AET_CHUNK_PAGES;
		err = xa_insert(&record->chunks, index, chunk,
				GFP_KERNEL_ACCOUNT);
		if (err) {
			free_page((unsigned long)chunk);
			return err;
		}
		record->nr_chunks++;
	}
	return 0;
}

static struct aet_page *find_page(const struct aet_record *record, u64 group)
{
	u64 index = group / AET_CHUNK_PAGES;
	struct aet_chunk *chunk =
		xa_load((struct xarray *)&record->chunks, index);

	return chunk ? &chunk->pages[group - index * AET_CHUNK_PAGES] : NULL;
}

static u32 state_offset(u64 state)
{
	return (state & AET_OFFSET_MASK) >> AET_OFFSET_SHIFT;
}

static u64 drawn_state(u32 offset)
{
	return AET_DRAWN | (u64)offset << AET_OFFSET_SHIFT;
}

/*
 * Recorded accesses since the one in @state. 0 if that came after @time: who
 * only looks reads the clock first, and the page may be accessed meanwhile.
 */
static u64 since(u64 state, u64 time)
{
	u64 interval = (time - (state >> AET_TIME_SHIFT)) &
		       (~0ULL >> AET_TIME_SHIFT);

	return interval >> (AET_TIME_BITS - 1) ? 0 : interval;
}

static u64 page_group(const struct aet_page *page)
{
	struct aet_chunk *chunk =
		(struct aet_chunk *)((unsigned long)page & PAGE_MASK);

	return chunk->first_group + (page - chunk->pages);
}

static u64 page_unit(const struct aet_record *record,
		     const struct aet_page *page, u64 state)
{
	return page_group(page) * record->config.inverse_rate +
	       state_offset(state);
}

static void count(struct aet_record *record, enum kvm_aet_histogram_kind kind,
		  u64 value)
{
	const struct aet_layout *layout = &aet_layouts[kind];

	if (unlikely(value >> layout->value_bits)) {
		this_cpu_inc(record->counters->over_range[kind]);
		return;
	}
	atomic64_inc(
		&record->buckets[first_bucket[kind] +
				 aet_bucket_index(layout->sub_bits, value)]);
}

/* Stage 4. The caller has claimed the page; @old is its state before. */
static u64 count_access(struct aet_record *record, struct aet_page *page,
			const struct aet_access *access, u64 old, u64 time)
{
	struct aet_counters __percpu *counters = record->counters;
	u64 reuse_time = 0;

	if (old & AET_SEEN) {
		reuse_time = since(old, time);
		count(record, KVM_AET_HIST_REUSE, reuse_time);
		/* Clocks of two CPUs may differ by a little. */
		count(record, KVM_AET_HIST_REUSE_NS,
		      access->now_ns > page->time_ns ?
			      access->now_ns - page->time_ns :
			      0);
	} else if (access->is_first_touch) {
		this_cpu_inc(counters->cold_accesses);
	} else {
		this_cpu_inc(counters->entry_accesses);
	}
	if (!(old & AET_SEEN) ||
	    reuse_time >= time - READ_ONCE(record->window_time))
		this_cpu_inc(counters->window_pages);

	if (access->is_write) {
		if (page->write_time)
			count(record, KVM_AET_HIST_WRITE_REUSE,
			      time - page->write_time);
		else
			this_cpu_inc(counters->cold_writes);
		page->write_time = time;
	}
	page->time_ns = access->now_ns;
	if (page->accesses != U32_MAX)
		page->accesses++;
	return reuse_time;
}

/* Stage 3: into the ring at @time, and who is there leaves the hot set. */
static u64 push(struct aet_record *record, struct aet_page *page, u64 time)
{
	struct aet_page **slot =
		&record->ring[(time - 1) % record->config.hot_pages];
	/* Publishes the record; pairs with the exchange that pushes it out. */
	struct aet_page *evicted = xchg(slot, page);
	u64 unit;

	if (!evicted)
		return AET_NO_UNIT;
	unit = page_unit(record, evicted, atomic64_read(&evicted->state));
	/* Gives up the record: all that its owner wrote comes before. */
	smp_mb__before_atomic();
	atomic64_andnot(AET_HOT, &evicted->state);
	return unit;
}

void aet_record_access(struct aet_record *record,
		       const struct aet_access *access,
		       struct aet_recorded *ret)
{
	u32 inverse_rate = record->config.inverse_rate;
	u64 group = aet_sample_group(access->unit, inverse_rate);
	u64 drawn = drawn_state(access->unit - group * inverse_rate);
	struct aet_page *page = find_page(record, group);
	u64 old;

	if (!page) {
		ret->outcome = AET_NO_ROOM;
		return;
	}
	old = atomic64_read(&page->state);
	do {
		if ((old & (AET_DRAWN | AET_OFFSET_MASK)) != drawn) {
			ret->outcome = AET_NOT_SAMPLED;
			return;
		}
		if (old & AET_HOT) {
			ret->outcome = AET_ALREADY_HOT;
			return;
		}
	} while (!atomic64_try_cmpxchg(&page->state, (s64 *)&old,
				       old | AET_HOT));

	ret->outcome = AET_RECORDED;
	ret->time = atomic64_inc_return(&record->clock);
	ret->reuse_time = count_access(record, page, access, old, ret->time);
	atomic64_set(&page->state,
		     drawn | AET_HOT | AET_SEEN | ret->time << AET_TIME_SHIFT);
	ret->evicted_unit = push(record, page, ret->time);
}

bool aet_record_would_sample(const struct aet_record *record, u64 unit)
{
	const struct aet_record_config *config = &record->config;
	u64 group = aet_sample_group(unit, config->inverse_rate);
	u64 epoch = aet_sample_epoch(group, record->rotation,
				     config->rotate_passes, config->salt);

	return unit - group * config->inverse_rate ==
	       aet_sample_offset(group, epoch, config->inverse_rate,
				 config->salt);
}

/*
 * Replace the group's unit. Claimed like an access, so that no vCPU is counting
 * meanwhile. False if it is hot: another pass will do it.
 */
static bool rotate(struct aet_record *record, struct aet_page *page, u64 old,
		   u32 offset)
{
	if (!atomic64_try_cmpxchg(&page->state, (s64 *)&old, old | AET_HOT))
		return false;
	if (old & AET_SEEN)
		count(record, KVM_AET_HIST_ENDED,
		      since(old, atomic64_read(&record->clock)));
	page->write_time = 0;
	page->accesses = 0;
	atomic64_set_release(&page->state, drawn_state(offset));
	record->rotations++;
	return true;
}

/* The group's state in the current rotation; sets *ret_left if it changed. */
static u64 draw(struct aet_record *record, struct aet_page *page, u64 group,
		u64 *ret_left)
{
	const struct aet_record_config *config = &record->config;
	u64 state = atomic64_read(&page->state);
	u64 epoch;
	u32 offset;

	/* With a single unit in each group there is nothing to choose. */
	if ((state & AET_DRAWN) &&
	    (!config->rotate_passes || config->inverse_rate == 1))
		return state;
	epoch = aet_sample_epoch(group, record->rotation, config->rotate_passes,
				 config->salt);
	offset = aet_sample_offset(group, epoch, config->inverse_rate,
				   config->salt);
	if (!(state & AET_DRAWN)) {
		atomic64_set(&page->state, drawn_state(offset));
		return drawn_state(offset);
	}
	if (state_offset(state) == offset || (state & AET_HOT) ||
	    !rotate(record, page, state, offset))
		return atomic64_read(&page->state);
	*ret_left = group * config->inverse_rate + state_offset(state);
	return drawn_state(offset);
}

static void set_unit(u64 *words, u64 unit)
{
	words[unit % AET_BLOCK_UNITS / 64] |= 1ULL << (unit % 64);
}

void aet_record_select(struct aet_record *record, u64 first, u64 end,
		       struct aet_selection *ret)
{
	u32 inverse_rate = record->config.inverse_rate;
	u64 group = aet_sample_group(first, inverse_rate);
	u64 last = aet_sample_group(end - 1, inverse_rate);
	struct aet_page *page = NULL;

	*ret = (struct aet_selection){};
	for (; group <= last; group++) {
		u64 left = AET_NO_UNIT, state, unit;

		/* The records of a chunk lie side by side. */
		if (!page || group % AET_CHUNK_PAGES == 0)
			page = find_page(record, group);
		else
			page++;
		if (!page)
			continue;
		state = atomic64_read(&page->state);
		unit = group * inverse_rate + state_offset(state);
		/*
		 * A group may lie across two blocks. It is rotated with the
		 * block of the unit that leaves, where that is disarmed.
		 */
		if (!(state & AET_DRAWN) || (unit >= first && unit < end)) {
			state = draw(record, page, group, &left);
			unit = group * inverse_rate + state_offset(state);
		}
		if (left != AET_NO_UNIT)
			set_unit(ret->left, left);
		if (unit < first || unit >= end)
			continue;
		set_unit(ret->sampled, unit);
		ret->nr_sampled++;
		if (state & AET_HOT)
			set_unit(ret->hot, unit);
	}
}

void aet_record_sum(const struct aet_record *record, struct aet_counters *ret)
{
	u64 *sum = (u64 *)ret;
	int cpu;
	size_t i;

	*ret = (struct aet_counters){};
	for_each_possible_cpu(cpu) {
		const u64 *counters =
			(const u64 *)per_cpu_ptr(record->counters, cpu);

		for (i = 0; i < sizeof(*ret) / sizeof(*sum); i++)
			sum[i] += READ_ONCE(counters[i]);
	}
}

/* @state: the record's, at one moment. */
typedef void (*drawn_t)(struct aet_page *page, u64 state, void *arg);

/* Calls @f for each record whose unit is drawn; may sleep. */
static void visit_drawn(const struct aet_record *record, drawn_t f,
			   void *arg)
{
	struct aet_chunk *chunk;
	unsigned long index;
	unsigned int i;

	xa_for_each((struct xarray *)&record->chunks, index, chunk) {
		for (i = 0; i < AET_CHUNK_PAGES; i++) {
			u64 state = atomic64_read(&chunk->pages[i].state);

			if (state & AET_DRAWN)
				f(&chunk->pages[i], state, arg);
		}
		cond_resched();
	}
}

struct open_intervals {
	u64 time;
	u64 *buckets;
	u64 sum;
	u64 over_range;
	u64 unseen;
};

static void add_open(struct aet_page *page, u64 state, void *arg)
{
	const struct aet_layout *layout = &aet_layouts[KVM_AET_HIST_OPEN];
	struct open_intervals *open = arg;
	u64 interval = since(state, open->time);

	if (!(state & AET_SEEN)) {
		open->unseen++;
	} else if (interval >> layout->value_bits) {
		open->over_range++;
	} else {
		open->sum++;
		if (open->buckets)
			open->buckets[aet_bucket_index(layout->sub_bits,
						       interval)]++;
	}
}

u64 aet_record_histogram(const struct aet_record *record,
			 enum kvm_aet_histogram_kind kind, u64 *ret_buckets,
			 u64 *ret_over_range, u64 *ret_unseen)
{
	u64 sum = 0;
	u32 i;

	if (kind == KVM_AET_HIST_OPEN) {
		struct open_intervals open = {
			.time = atomic64_read(&record->clock),
			.buckets = ret_buckets,
		};

		visit_drawn(record, add_open, &open);
		*ret_over_range = open.over_range;
		*ret_unseen = open.unseen;
		return open.sum;
	}
	for (i = first_bucket[kind]; i < first_bucket[kind + 1]; i++) {
		u64 value = atomic64_read(&record->buckets[i]);

		sum += value;
		if (ret_buckets)
			ret_buckets[i - first_bucket[kind]] = value;
	}
	return sum;
}

static void close_page(struct aet_page *page, u64 state, void *arg)
{
	struct aet_record *record = arg;

	if (state & AET_SEEN)
		count(record, KVM_AET_HIST_ENDED,
		      since(state, atomic64_read(&record->clock)));
}

void aet_record_close(struct aet_record *record)
{
	visit_drawn(record, close_page, record);
	/* The ring points into the chunks. */
	kvfree(record->ring);
	record->ring = NULL;
	free_chunks(record);
}

void aet_record_begin_window(struct aet_record *record)
{
	struct aet_counters sum;

	aet_record_sum(record, &sum);
	record->window_base = sum.window_pages;
	WRITE_ONCE(record->window_time, atomic64_read(&record->clock));
}

u64 aet_record_hot_used(const struct aet_record *record)
{
	if (!record->ring)
		return 0;
	return min_t(u64, atomic64_read(&record->clock),
		     record->config.hot_pages);
}

u32 aet_record_hot_units(const struct aet_record *record, u64 *ret_units,
			 u32 room)
{
	u32 i, nr = 0;

	if (!record->ring)
		return 0;
	for (i = 0; i < record->config.hot_pages && nr < room; i++) {
		struct aet_page *page = READ_ONCE(record->ring[i]);

		if (page)
			ret_units[nr++] = page_unit(
				record, page, atomic64_read(&page->state));
	}
	return nr;
}

bool aet_record_region(const struct aet_record *record, u64 first, u64 end,
		       bool window_only, struct kvm_aet_region *ret)
{
	u32 inverse_rate = record->config.inverse_rate;
	u64 group = aet_sample_group(first, inverse_rate);
	u64 last = aet_sample_group(end - 1, inverse_rate);
	u64 now = atomic64_read(&record->clock);
	u64 window = now - READ_ONCE(record->window_time);
	bool is_sampled = false;

	*ret = (struct kvm_aet_region){};
	for (; group <= last; group++) {
		struct aet_page *page = find_page(record, group);
		u64 state, unit;

		if (!page)
			continue;
		state = atomic64_read(&page->state);
		unit = group * inverse_rate + state_offset(state);
		if (!(state & AET_DRAWN) || unit < first || unit >= end)
			continue;
		is_sampled = true;
		set_unit(ret->sampled, unit);
		ret->accesses += READ_ONCE(page->accesses);
		if ((state & AET_SEEN) &&
		    (!window_only || since(state, now) < window))
			set_unit(ret->seen, unit);
	}
	return is_sampled;
}

u64 aet_record_bytes(const struct aet_record *record)
{
	u64 bytes = sizeof(*record) +
		    first_bucket[AET_NR_KEPT] * sizeof(*record->buckets) +
		    (u64)num_possible_cpus() * sizeof(*record->counters) +
		    record->nr_chunks * PAGE_SIZE;

	if (record->ring)
		bytes += (u64)record->config.hot_pages * sizeof(*record->ring);
	return bytes;
}
