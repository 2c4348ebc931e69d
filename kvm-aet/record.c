// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stages 2 to 4: a page was accessed. Find its record, let it into the hot
 * set, count its reuse time.
 */
#include "aet.h"
#include "hist_bucket.h"
#include "sample.h"

int aet_record_init(struct aet_record *record, u32 hot_pages, u32 inverse_rate)
{
	spin_lock_init(&record->lock);
	xa_init(&record->chunks);
	/*
	 * A VM's owner may lay out memslots far larger than any memory. Only
	 * so many pages can be mapped as the host has; twice that allows for
	 * holes in the guest's address space.
	 */
	record->max_chunks =
		2 * totalram_pages() / inverse_rate / AET_CHUNK_GROUPS + 16;
	record->fifo.capacity = hot_pages;
	record->fifo.gfns = kvcalloc(hot_pages, sizeof(u64), GFP_KERNEL);
	record->buckets = kvcalloc(AET_NR_BUCKETS, sizeof(u64), GFP_KERNEL);
	return record->fifo.gfns && record->buckets ? 0 : -ENOMEM;
}

void aet_record_exit(struct aet_record *record)
{
	struct aet_chunk *chunk;
	unsigned long index;

	xa_for_each(&record->chunks, index, chunk)
		kfree(chunk);
	xa_destroy(&record->chunks);
	kvfree(record->fifo.gfns);
	kvfree(record->buckets);
}

int aet_record_reserve(struct aet_record *record, u64 first, u64 last)
{
	unsigned long index;

	for (index = first / AET_CHUNK_GROUPS; index <= last / AET_CHUNK_GROUPS;
	     index++) {
		struct aet_chunk *chunk;
		int err;

		if (xa_load(&record->chunks, index))
			continue;
		if (record->nr_chunks == record->max_chunks)
			return 0;
		chunk = kzalloc(sizeof(*chunk), GFP_KERNEL_ACCOUNT);
		if (!chunk)
			return -ENOMEM;
		err = xa_insert(&record->chunks, index, chunk, GFP_KERNEL);
		if (err) {
			kfree(chunk);
			return err;
		}
		record->nr_chunks++;
	}
	return 0;
}

static u64 *page_of_group(struct aet_record *record, u64 group)
{
	struct aet_chunk *chunk =
		xa_load(&record->chunks, group / AET_CHUNK_GROUPS);

	return chunk ? &chunk->pages[group % AET_CHUNK_GROUPS] : NULL;
}

bool aet_record_is_hot(struct aet_record *record, u64 group)
{
	u64 *page = page_of_group(record, group);

	/* May be stale at once; see record_and_rearm() for why that is fine. */
	return page && (READ_ONCE(*page) & AET_HOT);
}

/* Stage 4. A page not seen for longer than the clock's range counts as new. */
static void count_reuse(struct aet_record *record, u64 last_time)
{
	u64 reuse_time = record->accesses - last_time;

	if (!last_time || reuse_time > AET_MAX_REUSE_TIME)
		record->cold_accesses++;
	else
		record->buckets[aet_bucket_index(reuse_time)]++;
	if (last_time <= record->window_start)
		record->window_pages++;
}

bool aet_record_access(struct aet_vm *vm, gfn_t gfn, enum aet_access access,
		       gfn_t *ret_evicted_gfn)
{
	struct aet_record *record = &vm->record;
	u32 inverse_rate = vm->config.inverse_rate;
	bool is_evicted = false;
	u64 *page;

	spin_lock(&record->lock);
	if (access == AET_ACCESS_TRAP)
		record->traps++;
	page = page_of_group(record, aet_sample_group(gfn, inverse_rate));
	if (!page) {
		/* A memslot younger than the last pass, or absurdly large. */
		record->lost_records++;
		record->first_touches += access == AET_ACCESS_FIRST_TOUCH;
		goto unlock;
	}
	if (*page & AET_HOT) {
		record->alias_traps += access == AET_ACCESS_TRAP;
		goto unlock;
	}
	record->first_touches += access == AET_ACCESS_FIRST_TOUCH;

	record->accesses++;
	count_reuse(record, *page >> AET_TIME_SHIFT);
	*page = record->accesses << AET_TIME_SHIFT | AET_HOT;

	is_evicted = aet_fifo_push(&record->fifo, gfn, ret_evicted_gfn);
	if (is_evicted)
		*page_of_group(record, aet_sample_group(*ret_evicted_gfn,
							inverse_rate)) &=
			~AET_HOT;
unlock:
	spin_unlock(&record->lock);
	return is_evicted;
}
