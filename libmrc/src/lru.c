// SPDX-License-Identifier: LGPL-2.1-or-later
#include <mrc/lru.h>

#include <errno.h>
#include <stdlib.h>

#include "curve_points.h"
#include "page_map.h"

#define SLOTS_PER_WORD 64
#define MIN_WORDS 16

/*
 * Every access takes the next slot of a time line and leaves the slot that its
 * page had. A page's depth is the number of live slots after its own. When the
 * line is full, the live slots move together to its front; it is kept at least
 * twice as long as there are pages, so each access pays O(1) for that.
 *
 * Counting live slots: a bit per slot, and a Fenwick tree over words of 64.
 */
struct mrc_lru {
	struct mrc_page_map slot_of; /* stamp: slot + 1 */

	size_t nr_words; /* a power of two, or 0 before the first access */
	size_t next_slot;
	uint64_t *live; /* @nr_words */
	uint64_t *tree; /* @nr_words + 1, element 0 unused */

	uint64_t nr_accesses;
	size_t max_depths; /* capacity of @depth_counts */
	uint64_t *depth_counts; /* accesses by depth, below nr_pages used */
};

/* The bits of a word below @slot's own. */
static uint64_t bits_below(size_t slot)
{
	return (UINT64_C(1) << slot % SLOTS_PER_WORD) - 1;
}

static unsigned int count_bits(uint64_t word)
{
	return (unsigned int)__builtin_popcountll(word);
}

/* Live slots before @slot. */
static uint64_t rank(const struct mrc_lru *lru, size_t slot)
{
	size_t word = slot / SLOTS_PER_WORD;
	uint64_t sum = count_bits(lru->live[word] & bits_below(slot));
	size_t i;

	for (i = word; i > 0; i &= i - 1)
		sum += lru->tree[i];
	return sum;
}

/* Flip @slot between free and live; @delta is what that adds, 1 or -1. */
static void flip(struct mrc_lru *lru, size_t slot, int delta)
{
	size_t word = slot / SLOTS_PER_WORD;
	size_t i;

	lru->live[word] ^= UINT64_C(1) << slot % SLOTS_PER_WORD;
	for (i = word + 1; i <= lru->nr_words; i += i & -i)
		lru->tree[i] += (uint64_t)delta;
}

/* Grow both arrays to @nr_words; what is added is not initialised. -ENOMEM. */
static int grow_line(struct mrc_lru *lru, size_t nr_words)
{
	uint64_t *live;
	uint64_t *tree;

	if (nr_words >= SIZE_MAX / sizeof(*tree) / SLOTS_PER_WORD)
		return -ENOMEM;
	live = realloc(lru->live, nr_words * sizeof(*live));
	if (live == NULL)
		return -ENOMEM;
	lru->live = live;
	tree = realloc(lru->tree, (nr_words + 1) * sizeof(*tree));
	if (tree == NULL)
		return -ENOMEM;
	lru->tree = tree;
	return 0;
}

/* Move the live slots to the front, in order, and make the line @nr_words. */
static void compact_line(struct mrc_lru *lru, size_t nr_words)
{
	struct mrc_page_map *map = &lru->slot_of;
	uint64_t sum = 0;
	size_t i;

	/* Prefix sums in place of the tree, which is rebuilt anyway. */
	for (i = 0; i < lru->nr_words; i++) {
		lru->tree[i] = sum;
		sum += count_bits(lru->live[i]);
	}
	for (i = 0; i < map->nr_slots; i++) {
		uint64_t slot = map->slots[i].stamp - 1;
		size_t word = slot / SLOTS_PER_WORD;

		if (map->slots[i].stamp == 0)
			continue;
		map->slots[i].stamp =
			lru->tree[word] +
			count_bits(lru->live[word] & bits_below(slot)) + 1;
	}

	lru->nr_words = nr_words;
	lru->next_slot = map->nr_pages;
	for (i = 0; i < nr_words; i++) {
		size_t first = i * SLOTS_PER_WORD;

		if (map->nr_pages >= first + SLOTS_PER_WORD)
			lru->live[i] = UINT64_MAX;
		else if (map->nr_pages > first)
			lru->live[i] = bits_below(map->nr_pages);
		else
			lru->live[i] = 0;
	}
	for (i = 1; i <= nr_words; i++)
		lru->tree[i] = count_bits(lru->live[i - 1]);
	for (i = 1; i <= nr_words; i++)
		if (i + (i & -i) <= nr_words)
			lru->tree[i + (i & -i)] += lru->tree[i];
}

/* Make room for one more access. -ENOMEM. */
static int reserve_slot(struct mrc_lru *lru)
{
	size_t nr_words = lru->nr_words;

	if (lru->next_slot < nr_words * SLOTS_PER_WORD)
		return 0;
	if (nr_words == 0)
		nr_words = MIN_WORDS;
	else if (lru->slot_of.nr_pages > nr_words * SLOTS_PER_WORD / 2)
		nr_words *= 2;
	if (nr_words > lru->nr_words) {
		int err = grow_line(lru, nr_words);

		if (err < 0)
			return err;
	}
	compact_line(lru, nr_words);
	return 0;
}

/* Make room for the depths that one more page makes possible. -ENOMEM. */
static int reserve_depth(struct mrc_lru *lru)
{
	size_t max_depths = lru->max_depths == 0 ? 64 : lru->max_depths * 2;
	uint64_t *depth_counts;
	size_t i;

	if (lru->slot_of.nr_pages < lru->max_depths)
		return 0;
	if (max_depths > SIZE_MAX / sizeof(*depth_counts))
		return -ENOMEM;
	depth_counts =
		realloc(lru->depth_counts, max_depths * sizeof(*depth_counts));
	if (depth_counts == NULL)
		return -ENOMEM;
	for (i = lru->max_depths; i < max_depths; i++)
		depth_counts[i] = 0;
	lru->depth_counts = depth_counts;
	lru->max_depths = max_depths;
	return 0;
}

int mrc_lru_new(struct mrc_lru **ret_lru)
{
	struct mrc_lru *lru = calloc(1, sizeof(*lru));

	if (lru == NULL)
		return -ENOMEM;
	*ret_lru = lru;
	return 0;
}

void mrc_lru_free(struct mrc_lru *lru)
{
	if (lru == NULL)
		return;
	mrc_page_map_exit(&lru->slot_of);
	free(lru->live);
	free(lru->tree);
	free(lru->depth_counts);
	free(lru);
}

int mrc_lru_access(struct mrc_lru *lru, uint64_t page,
		   struct mrc_lru_depth *ret_depth)
{
	struct mrc_lru_depth depth = { .is_cold = false };
	struct mrc_page_entry *entry;
	int err;

	/* All that can fail comes first. */
	err = reserve_slot(lru);
	if (err < 0)
		return err;
	entry = mrc_page_map_find(&lru->slot_of, page);
	if (entry == NULL) {
		err = mrc_page_map_reserve(&lru->slot_of);
		if (err < 0)
			return err;
		err = reserve_depth(lru);
		if (err < 0)
			return err;
	}

	if (entry != NULL) {
		size_t slot = entry->stamp - 1;

		depth.pages = lru->slot_of.nr_pages - rank(lru, slot) - 1;
		lru->depth_counts[depth.pages]++;
		flip(lru, slot, -1);
		entry->stamp = lru->next_slot + 1;
	} else {
		depth.is_cold = true;
		(void)mrc_page_map_insert(&lru->slot_of, page,
					  lru->next_slot + 1);
	}
	flip(lru, lru->next_slot++, 1);
	lru->nr_accesses++;
	if (ret_depth != NULL)
		*ret_depth = depth;
	return 0;
}

uint64_t mrc_lru_nr_accesses(const struct mrc_lru *lru)
{
	return lru->nr_accesses;
}

uint64_t mrc_lru_nr_pages(const struct mrc_lru *lru)
{
	return lru->slot_of.nr_pages;
}

int mrc_lru_curve(const struct mrc_lru *lru, struct mrc_curve **ret_curve)
{
	size_t nr_pages = lru->slot_of.nr_pages;
	uint64_t nr_misses = lru->nr_accesses;
	struct mrc_curve *curve;
	size_t nr_used = 0;
	size_t depth;

	if (lru->nr_accesses == 0)
		return -ENODATA;
	for (depth = 0; depth < nr_pages; depth++)
		nr_used += lru->depth_counts[depth] != 0;
	curve = mrc_curve_alloc(1 + 2 * nr_used);
	if (curve == NULL)
		return -ENOMEM;

	/* A drop at every depth that hits, flat lines between. */
	for (depth = 0; depth < nr_pages; depth++) {
		if (lru->depth_counts[depth] == 0)
			continue;
		mrc_curve_append(curve, (double)depth,
				 (double)nr_misses / (double)lru->nr_accesses);
		nr_misses -= lru->depth_counts[depth];
		mrc_curve_append(curve, (double)(depth + 1),
				 (double)nr_misses / (double)lru->nr_accesses);
	}
	*ret_curve = curve;
	return 0;
}
