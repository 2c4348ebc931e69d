// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * LRU at several sizes in one pass.
 *
 * As in lru.c, every access takes the next slot of a time line, and a bit says
 * whether the slot is the latest of its page. A full memory of c pages holds the
 * pages of the last c such live slots, and is known by an edge: a slot from
 * which on there are exactly these c. A page is resident where the edge is not
 * behind its slot. So the sizes that miss are the first ones, and each moves
 * its edge past the next live slot. Live slots are looked for, never counted.
 */
#include "sim_lane.h"

#include <errno.h>
#include <stdlib.h>

#include "sim_levels.h"

#define SLOTS_PER_WORD 64

/* Slots per page: the more, the seldomer they are compacted. */
#define SLOTS_PER_PAGE 4

struct lru {
	size_t nr_sizes;
	size_t nr_full; /* sizes with no frame left */
	uint32_t *sizes;
	uint32_t *edges; /* of each size, never increasing; then a 0 */
	struct mrc_sim_levels levels;

	size_t nr_pages; /* reserved */
	size_t nr_seen;
	uint32_t *slots; /* the latest of each page, for ids below @nr_seen */

	size_t next_slot;
	size_t nr_words;
	uint64_t *live; /* a bit for each slot */
	uint32_t *ranks; /* scratch: live slots before each word */
};

static void free_lru(struct mrc_sim_lane *lane)
{
	struct lru *lru = (struct lru *)lane;

	if (lru == NULL)
		return;
	mrc_sim_levels_exit(&lru->levels);
	free(lru->sizes);
	free(lru->edges);
	free(lru->slots);
	free(lru->live);
	free(lru->ranks);
	free(lru);
}

static struct mrc_sim_lane *new_lru(const uint32_t *sizes, size_t nr_sizes,
				    uint64_t seed)
{
	struct lru *lru = calloc(1, sizeof(*lru));
	size_t i;

	(void)seed;
	if (lru == NULL)
		return NULL;
	lru->nr_sizes = nr_sizes;
	lru->sizes = malloc(nr_sizes * sizeof(*lru->sizes));
	lru->edges = calloc(nr_sizes + 1, sizeof(*lru->edges));
	if (lru->sizes == NULL || lru->edges == NULL ||
	    mrc_sim_levels_init(&lru->levels, nr_sizes) < 0) {
		free_lru((struct mrc_sim_lane *)lru);
		return NULL;
	}
	for (i = 0; i < nr_sizes; i++)
		lru->sizes[i] = sizes[i];
	return (struct mrc_sim_lane *)lru;
}

static int reserve_lru(struct mrc_sim_lane *lane, size_t nr_pages,
		       bool has_writes)
{
	struct lru *lru = (struct lru *)lane;
	size_t nr_words = nr_pages / (SLOTS_PER_WORD / SLOTS_PER_PAGE) + 1;
	uint32_t *slots;
	uint64_t *live;
	uint32_t *ranks;
	int err;

	/* A slot has 32 bits. */
	if (nr_pages >= UINT32_MAX / SLOTS_PER_PAGE - SLOTS_PER_WORD)
		return -EOVERFLOW;
	err = mrc_sim_levels_reserve(&lru->levels, nr_pages, has_writes);
	if (err < 0 || nr_pages <= lru->nr_pages)
		return err;
	slots = mrc_sim_grow(lru->slots, lru->nr_pages, nr_pages,
			     sizeof(*slots));
	if (slots == NULL)
		return -ENOMEM;
	lru->slots = slots;
	ranks = mrc_sim_grow(lru->ranks, 0, nr_words, sizeof(*ranks));
	if (ranks == NULL)
		return -ENOMEM;
	lru->ranks = ranks;
	live = mrc_sim_grow(lru->live, lru->nr_words, nr_words, sizeof(*live));
	if (live == NULL)
		return -ENOMEM;
	lru->live = live;
	lru->nr_words = nr_words;
	lru->nr_pages = nr_pages;
	return 0;
}

static uint64_t bits_below(uint32_t slot)
{
	return (UINT64_C(1) << slot % SLOTS_PER_WORD) - 1;
}

/* The first live slot from @slot on; there is one. */
static inline uint32_t next_live(const struct lru *lru, uint32_t slot)
{
	size_t word = slot / SLOTS_PER_WORD;
	uint64_t live = lru->live[word] & ~bits_below(slot);

	while (live == 0)
		live = lru->live[++word];
	return (uint32_t)(word * SLOTS_PER_WORD) +
	       (uint32_t)__builtin_ctzll(live);
}

/* Live slots before @slot, once @ranks is up to date. */
static uint32_t rank(const struct lru *lru, uint32_t slot)
{
	size_t word = slot / SLOTS_PER_WORD;

	return lru->ranks[word] + (uint32_t)__builtin_popcountll(
					  lru->live[word] & bits_below(slot));
}

/* Move the live slots to the front, in their order. */
static void compact_line(struct lru *lru)
{
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i < lru->nr_words; i++) {
		lru->ranks[i] = sum;
		sum += (uint32_t)__builtin_popcountll(lru->live[i]);
	}
	for (i = 0; i < lru->nr_seen; i++)
		lru->slots[i] = rank(lru, lru->slots[i]);
	for (i = 0; i < lru->nr_full; i++)
		lru->edges[i] = rank(lru, lru->edges[i]);
	for (i = 0; i < lru->nr_words; i++) {
		size_t first = i * SLOTS_PER_WORD;

		if (sum >= first + SLOTS_PER_WORD)
			lru->live[i] = UINT64_MAX;
		else
			lru->live[i] = sum > first ? bits_below(sum) : 0;
	}
	lru->next_slot = sum;
}

static void run_lru(struct mrc_sim_lane *lane, const struct mrc_sim_refs *refs)
{
	struct lru *lru = (struct lru *)lane;
	size_t i;

	for (i = 0; i < refs->nr_refs; i++) {
		uint32_t id = refs->ids[i];
		size_t level = 0;
		uint32_t slot;
		uint32_t old;

		if (i + MRC_SIM_AHEAD < refs->nr_refs)
			__builtin_prefetch(
				&lru->slots[refs->ids[i + MRC_SIM_AHEAD]], 1);
		if (lru->next_slot == lru->nr_words * SLOTS_PER_WORD)
			compact_line(lru);
		slot = (uint32_t)lru->next_slot++;
		lru->live[slot / SLOTS_PER_WORD] |= UINT64_C(1)
						    << slot % SLOTS_PER_WORD;
		old = lru->slots[id];
		lru->slots[id] = slot;
		if (id < lru->nr_seen) {
			lru->live[old / SLOTS_PER_WORD] ^=
				UINT64_C(1) << old % SLOTS_PER_WORD;
			for (; lru->edges[level] > old; level++)
				lru->edges[level] =
					next_live(lru, lru->edges[level]) + 1;
		} else {
			for (; level < lru->nr_full; level++)
				lru->edges[level] =
					next_live(lru, lru->edges[level]) + 1;
			level = lru->nr_sizes;
			lru->nr_seen++;
			while (lru->nr_full < lru->nr_sizes &&
			       lru->sizes[lru->nr_full] <= lru->nr_seen)
				lru->nr_full++;
		}
		mrc_sim_levels_access(&lru->levels, id, level,
				      refs->are_writes != NULL &&
					      refs->are_writes[i]);
	}
}

static size_t level_of(const void *owner, size_t id)
{
	const struct lru *lru = owner;
	size_t level = 0;

	while (lru->edges[level] > lru->slots[id])
		level++;
	return level;
}

static void count_lru(const struct mrc_sim_lane *lane, uint64_t *ret_misses,
		      uint64_t *ret_write_backs)
{
	const struct lru *lru = (const struct lru *)lane;

	mrc_sim_levels_count(&lru->levels, level_of, lru, lru->nr_seen,
			     ret_misses, ret_write_backs);
}

const struct mrc_sim_ops mrc_sim_lru_ops = {
	.max_sizes = UINT16_MAX,
	.new = new_lru,
	.reserve = reserve_lru,
	.run = run_lru,
	.count = count_lru,
	.free = free_lru,
};
