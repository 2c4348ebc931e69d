// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "record_access.h"

static_assert(KVM_AET_MAX_INVERSE_RATE - 1 <= U16_MAX);
/*
 * An interval that the clock's low bits cannot tell from a shorter one has seen
 * 2^45 accesses of other units: a year at 10^6 traps/s.
 */
static_assert(AET_TIME_BITS - 1 > AET_REUSE_TIME_BITS);
static_assert(sizeof(struct aet_page) == 32);
static_assert(sizeof(struct aet_chunk) +
		      AET_CHUNK_PAGES * sizeof(struct aet_page) <=
	      SZ_4K);

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
	record->buckets = kvcalloc(aet_first_bucket[AET_NR_KEPT],
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

static void free_table(struct aet_record *record)
{
	struct aet_table_root *root = record->root;
	u64 i;
	size_t j;

	for (i = 0; root && i < root->nr_leaves; i++) {
		struct aet_table_leaf *leaf = root->leaves[i];

		for (j = 0; leaf && j < AET_LEAF_CHUNKS; j++)
			free_page((unsigned long)leaf->chunks[j]);
		free_page((unsigned long)leaf);
	}
	kvfree(root);
	record->root = NULL;
	record->nr_chunks = 0;
}

void aet_record_free(struct aet_record *record)
{
	if (!record)
		return;
	free_table(record);
	kvfree(record->buckets);
	kvfree(record->ring);
	free_percpu(record->counters);
	kfree(record);
}

/*
 * At rate 1 a leaf covers 254 MiB of guest memory, so this bound covers 48 bits
 * of guest-physical address. Beyond it accesses are lost, as beyond max_units.
 */
#define AET_MAX_LEAVES BIT_ULL(20)

static int grow_root(struct aet_record *record, u64 nr_leaves)
{
	struct aet_table_root *old = record->root, *new;

	new = kvzalloc(struct_size(new, leaves, nr_leaves), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	new->nr_leaves = nr_leaves;
	if (old)
		memcpy(new->leaves, old->leaves,
		       old->nr_leaves * sizeof(*old->leaves));
	/* Its leaves come first; pairs with aet_find_chunk(). */
	smp_store_release(&record->root, new);
	if (old) {
		synchronize_rcu();
		kvfree(old);
	}
	return 0;
}

/* The place of a chunk; NULL if it is out of bounds or without memory. */
static struct aet_chunk **make_slot(struct aet_record *record, u64 index,
				    int *ret_err)
{
	u64 leaf_index = index / AET_LEAF_CHUNKS;
	struct aet_table_leaf *leaf;

	*ret_err = 0;
	if (leaf_index >= AET_MAX_LEAVES)
		return NULL;
	if (!record->root || leaf_index >= record->root->nr_leaves)
		*ret_err =
			grow_root(record, roundup_pow_of_two(leaf_index + 1));
	if (*ret_err)
		return NULL;
	leaf = record->root->leaves[leaf_index];
	if (!leaf) {
		leaf = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
		if (!leaf) {
			*ret_err = -ENOMEM;
			return NULL;
		}
		/* Zeroed first; pairs with aet_find_chunk(). */
		smp_store_release(&record->root->leaves[leaf_index], leaf);
	}
	return &leaf->chunks[index % AET_LEAF_CHUNKS];
}

/* Which unit of its group should be sampled now. */
static u32 wanted_offset(const struct aet_record *record, u64 group)
{
	const struct aet_record_config *config = &record->config;
	u64 epoch = aet_sample_epoch(group, READ_ONCE(record->rotation),
				     config->rotate_passes, config->salt);

	return aet_sample_offset(group, epoch, config->inverse_rate,
				 config->salt);
}

static struct aet_chunk *new_chunk(const struct aet_record *record, u64 index)
{
	struct aet_chunk *chunk = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	u64 i;

	if (!chunk)
		return NULL;
	chunk->first_group = index * AET_CHUNK_PAGES;
	for (i = 0; i < AET_CHUNK_PAGES; i++)
		atomic64_set(&chunk->pages[i].state,
			     (u64)wanted_offset(record, chunk->first_group + i)
				     << AET_OFFSET_SHIFT);
	return chunk;
}

int aet_record_reserve(struct aet_record *record, u64 first, u64 end)
{
	const struct aet_record_config *config = &record->config;
	u64 index =
		aet_sample_group(first, config->inverse_rate) / AET_CHUNK_PAGES;
	u64 last = aet_sample_group(end - 1, config->inverse_rate) /
		   AET_CHUNK_PAGES;
	/* Partly used chunks at the ends of memslots: some more. */
	u64 max_chunks =
		16 + config->max_units / config->inverse_rate / AET_CHUNK_PAGES;

	for (; index <= last; index++) {
		struct aet_chunk **slot, *chunk;
		int err;

		if (aet_find_chunk(record, index))
			continue;
		if (record->nr_chunks >= max_chunks)
			return 0;
		slot = make_slot(record, index, &err);
		if (!slot)
			return err;
		chunk = new_chunk(record, index);
		if (!chunk)
			return -ENOMEM;
		/* Its units are drawn first; pairs with aet_find_chunk(). */
		smp_store_release(slot, chunk);
		record->nr_chunks++;
	}
	return 0;
}

bool aet_record_would_sample(const struct aet_record *record, u64 unit)
{
	u32 inverse_rate = record->config.inverse_rate;
	u64 group = aet_sample_group(unit, inverse_rate);

	return unit - group * inverse_rate == wanted_offset(record, group);
}

bool aet_record_is_hot(const struct aet_record *record, u64 unit)
{
	u32 inverse_rate = record->config.inverse_rate;
	struct aet_page *page =
		aet_find_page(record, aet_sample_group(unit, inverse_rate));

	return page && (atomic64_read(&page->state) & AET_HOT);
}

static void set_unit(u64 *words, u64 unit)
{
	words[unit % AET_BLOCK_UNITS / 64] |= 1ULL << (unit % 64);
}

/*
 * Give the group its unit of the current rotation. Claimed like an access, so
 * that no vCPU is counting meanwhile; a hot one stays until another pass.
 * Returns the state in force.
 */
static u64 rotate(struct aet_record *record, struct aet_page *page, u64 group,
		  u64 old, struct aet_selection *selection)
{
	u32 offset = wanted_offset(record, group);
	u64 state = (u64)offset << AET_OFFSET_SHIFT;

	if (offset == aet_state_offset(old) || (old & AET_HOT) ||
	    atomic64_cmpxchg(&page->state, old, old | AET_HOT) != old)
		return old;
	if (old & AET_SEEN)
		aet_count(record, KVM_AET_HIST_ENDED,
			  aet_since(old, atomic64_read(&record->clock)));
	page->write_time = 0;
	page->accesses = 0;
	atomic64_set_release(&page->state, state);
	record->rotations++;
	set_unit(selection->left,
		 group * record->config.inverse_rate + aet_state_offset(old));
	return state;
}

/* Groups [group, end) of one chunk; units outside [first, last] are left out. */
static void select_groups(struct aet_record *record, struct aet_chunk *chunk,
			  u64 group, u64 end, u64 first, u64 last,
			  struct aet_selection *ret)
{
	u32 inverse_rate = record->config.inverse_rate;
	/* With a single unit in each group there is nothing to choose. */
	bool is_rotating = record->config.rotate_passes && inverse_rate > 1;
	struct aet_page *page = &chunk->pages[group - chunk->first_group];

	for (; group < end; group++, page++) {
		u64 state = atomic64_read(&page->state);
		u64 unit = group * inverse_rate + aet_state_offset(state);

		/*
		 * A group may lie across two blocks. It is rotated with the
		 * block of the unit that leaves, where that is disarmed.
		 */
		if (is_rotating && unit >= first && unit <= last) {
			state = rotate(record, page, group, state, ret);
			unit = group * inverse_rate + aet_state_offset(state);
		}
		if (unit >= first && unit <= last)
			set_unit(ret->sampled, unit);
	}
}

void aet_record_select(struct aet_record *record, u64 first, u64 end,
		       struct aet_selection *ret)
{
	u32 inverse_rate = record->config.inverse_rate;
	u64 group = aet_sample_group(first, inverse_rate);
	u64 end_group = aet_sample_group(end - 1, inverse_rate) + 1;
	u64 unit;

	*ret = (struct aet_selection){};
	while (group < end_group) {
		u64 index = group / AET_CHUNK_PAGES;
		u64 next = min(end_group, (index + 1) * AET_CHUNK_PAGES);
		struct aet_chunk *chunk = aet_find_chunk(record, index);

		if (chunk && inverse_rate > 1)
			select_groups(record, chunk, group, next, first,
				      end - 1, ret);
		else if (chunk)
			/* Every unit: no need to read the records. */
			for (unit = group; unit < next;) {
				u64 stop = min(next, (unit | 63) + 1);

				ret->sampled[unit % AET_BLOCK_UNITS / 64] |=
					GENMASK_ULL((stop - 1) % 64, unit % 64);
				unit = stop;
			}
		group = next;
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
typedef void (*seen_t)(struct aet_page *page, u64 state, void *arg);

/* Calls @f for each record whose unit was accessed; may sleep. */
static void visit_seen(const struct aet_record *record, seen_t f, void *arg)
{
	u64 nr_leaves = record->root ? record->root->nr_leaves : 0;
	u64 index;
	size_t i;

	for (index = 0; index < nr_leaves * AET_LEAF_CHUNKS; index++) {
		struct aet_chunk *chunk = aet_find_chunk(record, index);

		if (!chunk) {
			/* Nothing in a leaf that is not there. */
			if (!record->root->leaves[index / AET_LEAF_CHUNKS])
				index |= AET_LEAF_CHUNKS - 1;
			continue;
		}
		for (i = 0; i < AET_CHUNK_PAGES; i++) {
			u64 state = atomic64_read(&chunk->pages[i].state);

			if (state & AET_SEEN)
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
};

static void add_open(struct aet_page *page, u64 state, void *arg)
{
	const struct aet_layout *layout = &aet_layouts[KVM_AET_HIST_OPEN];
	struct open_intervals *open = arg;
	u64 interval = aet_since(state, open->time);

	if (interval >> layout->value_bits) {
		open->over_range++;
		return;
	}
	open->sum++;
	if (open->buckets)
		open->buckets[aet_bucket_index(layout->sub_bits, interval)]++;
}

u64 aet_record_histogram(const struct aet_record *record,
			 enum kvm_aet_histogram_kind kind, u64 *ret_buckets,
			 u64 *ret_over_range)
{
	u64 sum = 0;
	u32 i;

	if (kind == KVM_AET_HIST_OPEN) {
		struct open_intervals open = {
			.time = atomic64_read(&record->clock),
			.buckets = ret_buckets,
		};

		visit_seen(record, add_open, &open);
		*ret_over_range = open.over_range;
		return open.sum;
	}
	for (i = aet_first_bucket[kind]; i < aet_first_bucket[kind + 1]; i++) {
		u64 value = atomic64_read(&record->buckets[i]);

		sum += value;
		if (ret_buckets)
			ret_buckets[i - aet_first_bucket[kind]] = value;
	}
	return sum;
}

static void close_page(struct aet_page *page, u64 state, void *arg)
{
	struct aet_record *record = arg;

	aet_count(record, KVM_AET_HIST_ENDED,
		  aet_since(state, atomic64_read(&record->clock)));
}

void aet_record_close(struct aet_record *record)
{
	visit_seen(record, close_page, record);
	/* The ring points into the chunks. */
	kvfree(record->ring);
	record->ring = NULL;
	free_table(record);
}

void aet_record_begin_window(struct aet_record *record, u64 window_base)
{
	if (window_base < record->window_base)
		return;
	record->window_base = window_base;
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
			ret_units[nr++] = aet_page_unit(
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
		struct aet_page *page = aet_find_page(record, group);
		u64 state, unit;

		if (!page)
			continue;
		state = atomic64_read(&page->state);
		unit = group * inverse_rate + aet_state_offset(state);
		if (unit < first || unit >= end)
			continue;
		is_sampled = true;
		set_unit(ret->sampled, unit);
		ret->accesses += READ_ONCE(page->accesses);
		if ((state & AET_SEEN) &&
		    (!window_only || aet_since(state, now) < window))
			set_unit(ret->seen, unit);
	}
	return is_sampled;
}

u64 aet_record_bytes(const struct aet_record *record)
{
	u64 bytes = sizeof(*record) +
		    aet_first_bucket[AET_NR_KEPT] * sizeof(*record->buckets) +
		    (u64)num_possible_cpus() * sizeof(*record->counters) +
		    record->nr_chunks * PAGE_SIZE;
	u64 i;

	for (i = 0; record->root && i < record->root->nr_leaves; i++)
		bytes += sizeof(struct aet_table_leaf *) +
			 (record->root->leaves[i] ? PAGE_SIZE : 0);

	if (record->ring)
		bytes += (u64)record->config.hot_pages * sizeof(*record->ring);
	return bytes;
}
