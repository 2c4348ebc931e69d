// SPDX-License-Identifier: LGPL-2.1-or-later
#include <mrc/lru.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "big_alloc.h"
#include "curve_points.h"
#include "lru_portable.h"
#include "page_ids.h"

/*
 * Every access takes the next slot of a time line and leaves the slot that its
 * page had. A page's depth is the number of live slots after its own. When the
 * line is full, the live slots move together to its front; it is kept at least
 * twice as long as there are pages, so each access pays O(1) for that.
 *
 * Counting live slots: a bit per slot, in leaves of a cache line, and a tree of
 * counters over them with nodes of a cache line: a sum over the counters before
 * one is as cheap as one step of a binary tree, and there are few levels.
 */
#define WORD_BITS 64
#define LEAF_WORDS 8
#define LEAF_SLOTS (LEAF_WORDS * WORD_BITS)
#define NODE_COUNTERS 16
#define MAX_LEVELS 6 /* 512 * 16^6 slots are more than 2^31 */

/* Slots are not negative, in 32 bits. */
#define MAX_SLOTS (UINT64_C(1) << 31)
#define MIN_SLOTS 4096

/* GNU C: an AVX2 register, two of SSE2, or whatever there is. */
#define LANES 8
typedef int32_t lanes
	__attribute__((vector_size(4 * LANES), aligned(4), may_alias));

struct tree {
	size_t nr_slots; /* a multiple of LEAF_SLOTS */
	unsigned int nr_levels;
	uint64_t *live;
	int32_t *levels[MAX_LEVELS]; /* the lowest one counts leaves */
	struct mrc_big memory;
};

struct mrc_lru {
	struct mrc_page_ids ids;
	struct tree tree;
	size_t next_slot;
	bool has_popcnt; /* and AVX2 */

	uint64_t nr_accesses;
	size_t max_pages; /* capacity of the two */
	uint32_t *slots; /* by id */
	uint64_t *depth_counts; /* accesses by depth, below nr_pages used */
	struct mrc_big slots_memory;
	struct mrc_big depth_memory;
};

/* All ones before the index that is asked for, then zeros. */
#define ONES_8 -1, -1, -1, -1, -1, -1, -1, -1
static const int32_t masks_32[2 * MRC_PAGE_BATCH] = {
	ONES_8,
	ONES_8,
	ONES_8,
	ONES_8,
};
static const uint64_t word_masks[2 * LEAF_WORDS] = {
	~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0),
	~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0),
};

static inline unsigned int count_bits(uint64_t word)
{
	return (unsigned int)__builtin_popcountll(word);
}

/* The bits of a word below @slot's own. */
static inline uint64_t bits_below(size_t slot)
{
	return (UINT64_C(1) << slot % WORD_BITS) - 1;
}

/* Live slots of @slot's leaf before it. */
static inline __attribute__((always_inline)) uint32_t
rank_in_leaf(const struct tree *tree, size_t slot)
{
	const uint64_t *words = &tree->live[slot / LEAF_SLOTS * LEAF_WORDS];
	size_t word = slot / WORD_BITS % LEAF_WORDS;
	const uint64_t *masks = &word_masks[LEAF_WORDS - word];
	uint32_t sum = count_bits(words[word] & bits_below(slot));
	size_t i;

	/* All of them: where to stop could not be predicted. */
	for (i = 0; i < LEAF_WORDS; i++)
		sum += count_bits(words[i] & masks[i]);
	return sum;
}

/* By pointer: how a vector is passed depends on what the compiler may use. */
static inline __attribute__((always_inline)) uint32_t
sum_lanes(const lanes *sums)
{
	const lanes s = *sums;

	return (uint32_t)(s[0] + s[1] + s[2] + s[3] + s[4] + s[5] + s[6] +
			  s[7]);
}

/* Live slots before @slot. */
static inline __attribute__((always_inline)) uint32_t
rank(const struct tree *tree, size_t slot)
{
	size_t index = slot / LEAF_SLOTS;
	lanes sums = { 0 };
	unsigned int level;

	for (level = 0; level < tree->nr_levels; level++) {
		size_t first = index / NODE_COUNTERS * NODE_COUNTERS;
		const lanes *node = (const lanes *)&tree->levels[level][first];
		const lanes *masks =
			(const lanes *)&masks_32[MRC_PAGE_BATCH -
						 index % NODE_COUNTERS];

		sums += (node[0] & masks[0]) + (node[1] & masks[1]);
		index /= NODE_COUNTERS;
	}
	return sum_lanes(&sums) + rank_in_leaf(tree, slot);
}

/* Flip @slot between free and live; @delta is what that adds, 1 or -1. */
static inline __attribute__((always_inline)) void
flip(struct tree *tree, size_t slot, int32_t delta)
{
	size_t index = slot / LEAF_SLOTS;
	unsigned int level;

	tree->live[slot / WORD_BITS] ^= UINT64_C(1) << slot % WORD_BITS;
	for (level = 0; level < tree->nr_levels; level++) {
		tree->levels[level][index] += delta;
		index /= NODE_COUNTERS;
	}
}

/* Nodes over @nr things. */
static size_t nodes_over(size_t nr)
{
	return (nr + NODE_COUNTERS - 1) / NODE_COUNTERS;
}

/* Leaves, and nodes on all levels, up to a single one. */
static size_t tree_bytes(size_t nr_slots)
{
	size_t nr = nr_slots / LEAF_SLOTS;
	size_t nr_lines = nr;

	do {
		nr = nodes_over(nr);
		nr_lines += nr;
	} while (nr > 1);
	return nr_lines * MRC_CACHE_LINE_BYTES;
}

/* An empty tree of @nr_slots, a multiple of LEAF_SLOTS. -ENOMEM. */
static int tree_init(struct tree *tree, size_t nr_slots)
{
	struct tree fresh = { .nr_slots = nr_slots };
	size_t nr = nr_slots / LEAF_SLOTS;
	char *next;
	int err;

	err = mrc_big_alloc(tree_bytes(nr_slots), &fresh.memory);
	if (err < 0)
		return err;
	next = fresh.memory.data;
	fresh.live = (uint64_t *)(void *)next;
	do {
		next += nr * MRC_CACHE_LINE_BYTES;
		nr = nodes_over(nr);
		fresh.levels[fresh.nr_levels++] = (int32_t *)(void *)next;
	} while (nr > 1);
	*tree = fresh;
	return 0;
}

/* Make the first @nr slots of an empty tree live. */
static void tree_fill(struct tree *tree, size_t nr)
{
	size_t leaf;
	size_t slot;

	for (slot = 0; slot < nr; slot += WORD_BITS)
		tree->live[slot / WORD_BITS] =
			nr - slot >= WORD_BITS ? ~UINT64_C(0) : bits_below(nr);
	for (leaf = 0; leaf * LEAF_SLOTS < nr; leaf++) {
		size_t left = nr - leaf * LEAF_SLOTS;
		size_t index = leaf;
		unsigned int level;

		for (level = 0; level < tree->nr_levels; level++) {
			tree->levels[level][index] +=
				(int32_t)(left < LEAF_SLOTS ? left :
							      LEAF_SLOTS);
			index /= NODE_COUNTERS;
		}
	}
}

/*
 * Move the live slots to the front, in order, and make the line @nr_slots. For
 * that every page's rank is asked for, which costs less than an access.
 */
static int compact_line(struct mrc_lru *lru, size_t nr_slots)
{
	size_t nr_pages = mrc_page_ids_nr_pages(&lru->ids);
	struct tree fresh = lru->tree;
	size_t id;

	if (nr_slots > lru->tree.nr_slots) {
		int err = tree_init(&fresh, nr_slots);

		if (err < 0)
			return err;
	}
	for (id = 0; id < nr_pages; id++)
		lru->slots[id] = rank(&lru->tree, lru->slots[id]);
	if (nr_slots > lru->tree.nr_slots)
		mrc_big_free(&lru->tree.memory);
	else
		memset(fresh.live, 0, tree_bytes(nr_slots));
	tree_fill(&fresh, nr_pages);
	lru->tree = fresh;
	lru->next_slot = nr_pages;
	return 0;
}

/* Make room for @nr more accesses. -ENOMEM, -EOVERFLOW. */
static int reserve_slots(struct mrc_lru *lru, size_t nr)
{
	uint64_t nr_slots = lru->tree.nr_slots;
	size_t nr_pages = mrc_page_ids_nr_pages(&lru->ids);

	if (lru->next_slot + nr <= nr_slots)
		return 0;
	if (nr_slots == 0)
		nr_slots = MIN_SLOTS;
	while (nr_slots / 4 < nr_pages + nr && nr_slots < MAX_SLOTS)
		nr_slots *= 2;
	if (nr_pages + nr > nr_slots || nr_slots > SIZE_MAX / 2)
		return -EOVERFLOW;
	return compact_line(lru, (size_t)nr_slots);
}

/* A larger copy of the @nr_bytes in @big. -ENOMEM. */
static int grow_big(struct mrc_big *big, size_t nr_bytes, size_t new_bytes)
{
	struct mrc_big fresh;
	int err = mrc_big_alloc(new_bytes, &fresh);

	if (err < 0)
		return err;
	if (nr_bytes > 0)
		memcpy(fresh.data, big->data, nr_bytes);
	mrc_big_free(big);
	*big = fresh;
	return 0;
}

/* Make room for @nr more pages. -ENOMEM. */
static int reserve_pages(struct mrc_lru *lru, size_t nr)
{
	size_t max_pages = lru->max_pages;
	int err;

	nr += mrc_page_ids_nr_pages(&lru->ids);
	if (nr <= max_pages)
		return 0;
	while (max_pages < nr)
		max_pages += max_pages / 2 + 64;
	/* The first one may grow alone: it just has more room than is used. */
	err = grow_big(&lru->slots_memory, lru->max_pages * sizeof(*lru->slots),
		       max_pages * sizeof(*lru->slots));
	if (err < 0)
		return err;
	lru->slots = lru->slots_memory.data;
	err = grow_big(&lru->depth_memory,
		       lru->max_pages * sizeof(*lru->depth_counts),
		       max_pages * sizeof(*lru->depth_counts));
	if (err < 0)
		return err;
	lru->depth_counts = lru->depth_memory.data;
	lru->max_pages = max_pages;
	return 0;
}

void mrc_lru_forget_cpu(struct mrc_lru *lru)
{
	lru->has_popcnt = false;
}

int mrc_lru_new(struct mrc_lru **ret_lru)
{
	struct mrc_lru *lru = calloc(1, sizeof(*lru));

	if (lru == NULL)
		return -ENOMEM;
#ifdef __x86_64__
	lru->has_popcnt = __builtin_cpu_supports("popcnt") &&
			  __builtin_cpu_supports("avx2");
#endif
	*ret_lru = lru;
	return 0;
}

void mrc_lru_free(struct mrc_lru *lru)
{
	if (lru == NULL)
		return;
	mrc_page_ids_exit(&lru->ids);
	mrc_big_free(&lru->tree.memory);
	mrc_big_free(&lru->slots_memory);
	mrc_big_free(&lru->depth_memory);
	free(lru);
}

/* How many of the first @nr of @slots are above @slot. */
static inline __attribute__((always_inline)) uint32_t
count_above(const int32_t *slots, size_t nr, int32_t slot)
{
	const lanes *masks = (const lanes *)&masks_32[MRC_PAGE_BATCH - nr];
	const lanes *groups = (const lanes *)slots;
	lanes sums = { 0 };
	size_t i;

	for (i = 0; i < MRC_PAGE_BATCH / LANES; i++)
		sums += (groups[i] > slot) & masks[i];
	return -sum_lanes(&sums);
}

/*
 * Move the pages @ids to the top, one after the other. @first_new: the first id
 * that is new, all above follow it in order. @counted: 1 or 0, what that adds to
 * the counts of depths. There is room for all.
 *
 * The tree changes after the last of them only: a sum over counters one of which
 * was just written has to wait for that, and the upper ones always were. So what
 * the batch itself did so far is counted apart: above a slot, each access before
 * has added one, if its own is above, and removed one, if its old one was.
 */
static inline __attribute__((always_inline)) void
touch(struct mrc_lru *lru, const uint32_t *ids, size_t nr, size_t first_new,
      uint64_t counted, struct mrc_lru_depth *ret_depths)
{
	int32_t first_slot = (int32_t)lru->next_slot;
	int32_t slots[MRC_PAGE_BATCH] = { 0 };
	size_t nr_pages = first_new;
	size_t i;

	for (i = 0; i < nr; i++)
		__builtin_prefetch(&lru->slots[ids[i]], 1);
	for (i = 0; i < nr; i++) {
		slots[i] = -1;
		if (ids[i] == nr_pages)
			nr_pages++;
		else
			slots[i] = (int32_t)lru->slots[ids[i]];
		lru->slots[ids[i]] = (uint32_t)first_slot + (uint32_t)i;
	}
	for (i = 0; i < nr; i++) {
		struct mrc_lru_depth depth = { .is_cold = slots[i] < 0 };

		if (!depth.is_cold) {
			uint32_t above = (uint32_t)i;

			if (slots[i] < first_slot)
				above += (uint32_t)first_new -
					 rank(&lru->tree, (size_t)slots[i]) - 1;
			else
				above -= (uint32_t)(slots[i] - first_slot) + 1;
			depth.pages = above - count_above(slots, i, slots[i]);
			lru->depth_counts[depth.pages] += counted;
		}
		if (ret_depths != NULL)
			ret_depths[i] = depth;
	}
	for (i = 0; i < nr; i++) {
		flip(&lru->tree, lru->next_slot++, 1);
		if (slots[i] >= 0)
			flip(&lru->tree, (size_t)slots[i], -1);
	}
}

#ifdef __x86_64__
__attribute__((target("popcnt,avx2"))) static void
touch_popcnt(struct mrc_lru *lru, const uint32_t *ids, size_t nr,
	     size_t first_new, uint64_t counted,
	     struct mrc_lru_depth *ret_depths)
{
	touch(lru, ids, nr, first_new, counted, ret_depths);
}
#endif

static void touch_any(struct mrc_lru *lru, const uint32_t *ids, size_t nr,
		      size_t first_new, uint64_t counted,
		      struct mrc_lru_depth *ret_depths)
{
#ifdef __x86_64__
	if (lru->has_popcnt) {
		touch_popcnt(lru, ids, nr, first_new, counted, ret_depths);
		return;
	}
#endif
	touch(lru, ids, nr, first_new, counted, ret_depths);
}

/* At most MRC_PAGE_BATCH accesses: all of them or none. */
static int access_batch(struct mrc_lru *lru, const uint64_t *pages, size_t nr,
			uint64_t counted, struct mrc_lru_depth *ret_depths)
{
	size_t first_new = mrc_page_ids_nr_pages(&lru->ids);
	uint32_t ids[MRC_PAGE_BATCH];
	int err;

	/* All that can fail comes first. */
	err = reserve_slots(lru, nr);
	if (err == 0)
		err = reserve_pages(lru, nr);
	if (err == 0)
		err = mrc_page_ids_get(&lru->ids, pages, nr, ids);
	if (err < 0)
		return err;
	touch_any(lru, ids, nr, first_new, counted, ret_depths);
	return 0;
}

int mrc_lru_access(struct mrc_lru *lru, uint64_t page,
		   struct mrc_lru_depth *ret_depth)
{
	int err = access_batch(lru, &page, 1, 1, ret_depth);

	if (err == 0)
		lru->nr_accesses++;
	return err;
}

int mrc_lru_access_n(struct mrc_lru *lru, const uint64_t *pages,
		     size_t nr_pages, struct mrc_lru_depth *ret_depths)
{
	while (nr_pages > 0) {
		size_t nr = nr_pages < MRC_PAGE_BATCH ? nr_pages :
							MRC_PAGE_BATCH;
		int err = access_batch(lru, pages, nr, 1, ret_depths);

		if (err < 0)
			return err;
		lru->nr_accesses += nr;
		pages += nr;
		nr_pages -= nr;
		if (ret_depths != NULL)
			ret_depths += nr;
	}
	return 0;
}

/* The pages of @lru in the order of their last access, oldest first. */
static void sort_by_slot(const struct mrc_lru *lru, const uint64_t *by_id,
			 uint64_t *ret_by_slot)
{
	size_t nr_pages = mrc_page_ids_nr_pages(&lru->ids);
	size_t id;

	for (id = 0; id < nr_pages; id++)
		ret_by_slot[rank(&lru->tree, lru->slots[id])] = by_id[id];
}

/* Access @pages, with room for all of them, counting depths or not. */
static void replay(struct mrc_lru *lru, const uint64_t *pages, size_t nr_pages,
		   uint64_t counted)
{
	size_t i;

	for (i = 0; i < nr_pages; i += MRC_PAGE_BATCH) {
		size_t nr = nr_pages - i < MRC_PAGE_BATCH ? nr_pages - i :
							    MRC_PAGE_BATCH;

		(void)access_batch(lru, pages + i, nr, counted, NULL);
	}
}

/*
 * The first access in @later to a page finds it below the pages that were
 * accessed before in @later, and those above it in @lru: as if each page were
 * accessed once, in that order. All further depths are those of @later. In the
 * end the pages lie as @later left them.
 */
int mrc_lru_merge(struct mrc_lru *lru, const struct mrc_lru *later)
{
	size_t nr_pages = mrc_page_ids_nr_pages(&later->ids);
	uint64_t *pages;
	size_t i;
	int err;

	if (nr_pages == 0)
		return 0;
	pages = malloc(2 * nr_pages * sizeof(*pages));
	if (pages == NULL)
		return -ENOMEM;
	mrc_page_ids_pages(&later->ids, pages);
	sort_by_slot(later, pages, pages + nr_pages);
	/* Room for all, and then nothing fails. */
	err = reserve_slots(lru, 2 * nr_pages);
	if (err == 0)
		err = reserve_pages(lru, nr_pages + MRC_PAGE_BATCH);
	if (err == 0)
		err = mrc_page_table_reserve(&lru->ids.table,
					     nr_pages + MRC_PAGE_BATCH);
	if (err == 0 && mrc_page_ids_nr_pages(&lru->ids) + nr_pages >
				UINT32_MAX - 2 * MRC_PAGE_BATCH)
		err = -EOVERFLOW;
	if (err == 0) {
		uint64_t nr_accesses = lru->nr_accesses + later->nr_accesses;

		replay(lru, pages, nr_pages, 1);
		for (i = 0; i < nr_pages; i++)
			lru->depth_counts[i] += later->depth_counts[i];
		replay(lru, pages + nr_pages, nr_pages, 0);
		lru->nr_accesses = nr_accesses;
	}
	free(pages);
	return err;
}

uint64_t mrc_lru_nr_accesses(const struct mrc_lru *lru)
{
	return lru->nr_accesses;
}

uint64_t mrc_lru_nr_pages(const struct mrc_lru *lru)
{
	return mrc_page_ids_nr_pages(&lru->ids);
}

int mrc_lru_curve(const struct mrc_lru *lru, struct mrc_curve **ret_curve)
{
	size_t nr_pages = mrc_page_ids_nr_pages(&lru->ids);
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
