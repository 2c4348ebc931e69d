// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy_queues.h"

#include <stdlib.h>
#include <string.h>

struct item {
	uint64_t page;
	unsigned int freq;
	bool is_dirty;
};

/* items[0] is the tail, where pages leave; the head is at the other end. */
struct queue {
	struct item *items;
	size_t nr;
};

struct cache {
	size_t size;
	struct policy_counts counts;
	struct queue queues[4];
	double p;
	size_t hand; /* SIEVE */
};

static size_t find(const struct queue *queue, uint64_t page)
{
	size_t i;

	for (i = 0; i < queue->nr; i++)
		if (queue->items[i].page == page)
			return i;
	return SIZE_MAX;
}

static struct item take(struct queue *queue, size_t i)
{
	struct item item = queue->items[i];

	queue->nr--;
	memmove(&queue->items[i], &queue->items[i + 1],
		(queue->nr - i) * sizeof(item));
	return item;
}

static void put(struct queue *queue, struct item item)
{
	queue->items[queue->nr++] = item;
}

/* From the tail of a queue of resident pages to one of ghosts. */
static void evict(struct cache *cache, struct queue *from, struct queue *ghosts)
{
	struct item item = take(from, 0);

	cache->counts.nr_write_backs += item.is_dirty;
	item.is_dirty = false;
	if (ghosts != NULL)
		put(ghosts, item);
}

/* The page is found in @from: move it to the head of @to. */
static void move(struct queue *from, uint64_t page, struct queue *to)
{
	put(to, take(from, find(from, page)));
}

static void arc_replace(struct cache *cache, bool is_in_b2)
{
	struct queue *t1 = &cache->queues[0];
	struct queue *t2 = &cache->queues[1];
	double nr = (double)t1->nr;

	if (t1->nr >= 1 && ((is_in_b2 && nr == cache->p) || nr > cache->p))
		evict(cache, t1, &cache->queues[2]);
	else
		evict(cache, t2, &cache->queues[3]);
}

/* Fig. 4 of the paper, case by case. */
static bool arc_access(struct cache *cache, uint64_t page)
{
	struct queue *t1 = &cache->queues[0];
	struct queue *t2 = &cache->queues[1];
	struct queue *b1 = &cache->queues[2];
	struct queue *b2 = &cache->queues[3];
	double c = (double)cache->size;
	double delta;

	if (find(t1, page) != SIZE_MAX) {
		move(t1, page, t2);
		return true;
	}
	if (find(t2, page) != SIZE_MAX) {
		move(t2, page, t2);
		return true;
	}
	if (find(b1, page) != SIZE_MAX) {
		delta = b1->nr >= b2->nr ? 1 : (double)b2->nr / (double)b1->nr;
		cache->p = cache->p + delta < c ? cache->p + delta : c;
		arc_replace(cache, false);
		move(b1, page, t2);
		return false;
	}
	if (find(b2, page) != SIZE_MAX) {
		delta = b2->nr >= b1->nr ? 1 : (double)b1->nr / (double)b2->nr;
		cache->p = cache->p - delta > 0 ? cache->p - delta : 0;
		arc_replace(cache, true);
		move(b2, page, t2);
		return false;
	}
	if (t1->nr + b1->nr == cache->size) {
		if (t1->nr < cache->size) {
			(void)take(b1, 0);
			arc_replace(cache, false);
		} else {
			evict(cache, t1, NULL);
		}
	} else if (t1->nr + t2->nr + b1->nr + b2->nr >= cache->size) {
		if (t1->nr + t2->nr + b1->nr + b2->nr == 2 * cache->size)
			(void)take(b2, 0);
		arc_replace(cache, false);
	}
	put(t1, (struct item){ .page = page });
	return false;
}

static void twoq_reclaim(struct cache *cache)
{
	struct queue *a1in = &cache->queues[0];
	struct queue *am = &cache->queues[1];
	struct queue *a1out = &cache->queues[2];
	size_t kin = cache->size / 4;
	size_t kout = cache->size / 2;

	if (a1in->nr + am->nr < cache->size)
		return;
	if (a1in->nr > kin) {
		evict(cache, a1in, a1out);
		if (a1out->nr > kout)
			(void)take(a1out, 0);
	} else {
		evict(cache, am, NULL);
	}
}

static bool twoq_access(struct cache *cache, uint64_t page)
{
	struct queue *a1in = &cache->queues[0];
	struct queue *am = &cache->queues[1];
	struct queue *a1out = &cache->queues[2];

	if (find(am, page) != SIZE_MAX) {
		move(am, page, am);
		return true;
	}
	if (find(a1in, page) != SIZE_MAX)
		return true;
	if (find(a1out, page) != SIZE_MAX) {
		(void)take(a1out, find(a1out, page));
		twoq_reclaim(cache);
		put(am, (struct item){ .page = page });
		return false;
	}
	twoq_reclaim(cache);
	put(a1in, (struct item){ .page = page });
	return false;
}

static size_t s3_small_size(const struct cache *cache)
{
	return cache->size / 10 > 0 ? cache->size / 10 : 1;
}

static void s3_evict_main(struct cache *cache)
{
	struct queue *m = &cache->queues[1];
	bool is_evicted = false;

	while (!is_evicted && m->nr > 0) {
		if (m->items[0].freq > 0) {
			struct item item = take(m, 0);

			item.freq--;
			put(m, item);
		} else {
			evict(cache, m, NULL);
			is_evicted = true;
		}
	}
}

static void s3_evict_small(struct cache *cache)
{
	struct queue *s = &cache->queues[0];
	struct queue *m = &cache->queues[1];
	struct queue *g = &cache->queues[2];
	size_t main_size = cache->size - s3_small_size(cache);
	bool is_evicted = false;

	while (!is_evicted && s->nr > 0) {
		if (s->items[0].freq > 1) {
			struct item item = take(s, 0);

			item.freq = 0;
			put(m, item);
			if (m->nr > main_size)
				s3_evict_main(cache);
		} else {
			evict(cache, s, g);
			if (g->nr > main_size)
				(void)take(g, 0);
			is_evicted = true;
		}
	}
}

/* Algorithm 1 of the paper. */
static bool s3_access(struct cache *cache, uint64_t page)
{
	struct queue *s = &cache->queues[0];
	struct queue *m = &cache->queues[1];
	struct queue *g = &cache->queues[2];
	struct queue *found = find(s, page) != SIZE_MAX ? s : m;
	size_t i = find(found, page);

	if (i != SIZE_MAX) {
		found->items[i].freq += found->items[i].freq < 3;
		return true;
	}
	while (s->nr + m->nr == cache->size) {
		if (s->nr >= s3_small_size(cache))
			s3_evict_small(cache);
		else
			s3_evict_main(cache);
	}
	i = find(g, page);
	if (i != SIZE_MAX) {
		(void)take(g, i);
		put(m, (struct item){ .page = page });
	} else {
		put(s, (struct item){ .page = page });
	}
	return false;
}

/* Algorithm 1 of the paper; the freq is the visited bit. */
static bool sieve_access(struct cache *cache, uint64_t page)
{
	struct queue *queue = &cache->queues[0];
	size_t i = find(queue, page);

	if (i != SIZE_MAX) {
		queue->items[i].freq = 1;
		return true;
	}
	if (queue->nr == cache->size) {
		while (queue->items[cache->hand].freq > 0) {
			queue->items[cache->hand].freq = 0;
			cache->hand = (cache->hand + 1) % queue->nr;
		}
		cache->counts.nr_write_backs +=
			queue->items[cache->hand].is_dirty;
		(void)take(queue, cache->hand);
		/* A hand behind the head starts at the tail, not at the page. */
		if (cache->hand == queue->nr)
			cache->hand = 0;
	}
	put(queue, (struct item){ .page = page });
	return false;
}

static bool do_access(enum queue_policy policy, struct cache *cache,
		      uint64_t page)
{
	switch (policy) {
	case QUEUE_ARC:
		return arc_access(cache, page);
	case QUEUE_2Q:
		return twoq_access(cache, page);
	case QUEUE_S3FIFO:
		return s3_access(cache, page);
	default:
		return sieve_access(cache, page);
	}
}

void policy_queues_run(enum queue_policy policy,
		       const struct policy_trace *trace, size_t size_pages,
		       struct policy_counts *ret_counts)
{
	struct cache cache = { .size = size_pages };
	size_t i;
	size_t j;

	for (i = 0; i < 4; i++) {
		cache.queues[i].items =
			calloc(2 * size_pages + 2, sizeof(struct item));
		if (cache.queues[i].items == NULL)
			abort();
	}
	for (i = 0; i < trace->nr_pages; i++) {
		uint64_t page = trace->pages[i];

		if (do_access(policy, &cache, page))
			cache.counts.nr_hits++;
		else
			cache.counts.nr_misses++;
		if (trace->are_writes == NULL || !trace->are_writes[i])
			continue;
		/* Resident pages are in the first two queues. */
		for (j = 0; j < 2; j++) {
			struct queue *queue = &cache.queues[j];

			if (find(queue, page) != SIZE_MAX)
				queue->items[find(queue, page)].is_dirty = true;
		}
	}
	for (i = 0; i < 4; i++)
		free(cache.queues[i].items);
	*ret_counts = cache.counts;
}

struct draw_frame {
	uint64_t page;
	bool is_used;
};

struct draws {
	bool has_use_bits;
	const struct policy_trace *trace;
	size_t size;
};

static double expect_from(const struct draws *draws,
			  const struct draw_frame *frames, size_t nr_frames,
			  size_t now);

/* Misses from @now on, if a page must leave for that of @now. */
static double expect_draws(const struct draws *draws,
			   const struct draw_frame *frames, size_t now)
{
	struct draw_frame next[8];
	double sum = 0;
	size_t i;

	/* A frame with its use bit set loses it, and another one is drawn. */
	for (i = 0; i < draws->size; i++) {
		memcpy(next, frames, draws->size * sizeof(next[0]));
		if (draws->has_use_bits && frames[i].is_used) {
			next[i].is_used = false;
			sum += expect_draws(draws, next, now);
		} else {
			next[i] = (struct draw_frame){
				.page = draws->trace->pages[now],
				.is_used = true,
			};
			sum += expect_from(draws, next, draws->size, now + 1);
		}
	}
	return sum / (double)draws->size;
}

static double expect_from(const struct draws *draws,
			  const struct draw_frame *frames, size_t nr_frames,
			  size_t now)
{
	struct draw_frame next[8];
	size_t i;

	if (now == draws->trace->nr_pages)
		return 0;
	memcpy(next, frames, nr_frames * sizeof(next[0]));
	for (i = 0; i < nr_frames; i++) {
		if (frames[i].page != draws->trace->pages[now])
			continue;
		next[i].is_used = true;
		return expect_from(draws, next, nr_frames, now + 1);
	}
	if (nr_frames == draws->size)
		return 1 + expect_draws(draws, frames, now);
	next[nr_frames] = (struct draw_frame){
		.page = draws->trace->pages[now],
		.is_used = true,
	};
	return 1 + expect_from(draws, next, nr_frames + 1, now + 1);
}

double policy_random_misses(bool has_use_bits, const struct policy_trace *trace,
			    size_t size_pages)
{
	const struct draws draws = {
		.has_use_bits = has_use_bits,
		.trace = trace,
		.size = size_pages,
	};
	struct draw_frame frames[8];

	if (size_pages > 8)
		abort();
	memset(frames, 0, sizeof(frames));
	return expect_from(&draws, frames, 0, 0);
}
