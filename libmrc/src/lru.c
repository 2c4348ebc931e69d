// SPDX-License-Identifier: LGPL-2.1-or-later
#include <mrc/lru.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "big_alloc.h"
#include "curve_points.h"
#include "lru_portable.h"
#include "page_table.h"

/*
 * Every access takes the next slot of a time line and leaves the slot that its
 * page had. A page's depth is the number of live slots after its own. When the
 * line is full, the live slots move together to its front; it is kept at least
 * three times as long as there are pages, so each access pays O(1) for that.
 *
 * Counting live slots: a leaf is a cache line, a bit per slot in seven words and
 * in the eighth the sums of the bits up to the end of each word, which take one
 * subtraction to update. Above are four levels of sums of all that is before an
 * entry in its node: asking is one addition per level, and a slot that is left
 * changes the entries behind its own, whole registers without a branch. Entries
 * behind the slot that is next are never asked for, so a slot that is taken
 * changes its leaf only, and entries are set when the line gets there.
 */
#define WORD_BITS 64
#define LEAF_WORDS 7
#define LEAF_SLOTS (LEAF_WORDS * WORD_BITS)
#define SUM_BITS 9

/*
 * A slot's number is that of its leaf times this and its bit in there, so that
 * no division is needed; numbers that would be in the eighth word are not used.
 */
#define LEAF_NUMBERS 512

/* Entries of a node, by level; the last level is a single node. */
#define NEAR_ENTRIES 32
#define MID_ENTRIES 16
#define FAR_ENTRIES 16
#define MID_LEAVES NEAR_ENTRIES /* leaves of an entry of this level */
#define FAR_LEAVES (MID_LEAVES * MID_ENTRIES)
#define TOP_LEAVES (FAR_LEAVES * FAR_ENTRIES)

/* What a page has in the table, a slot's number and 1, is a uint32_t. */
#define MAX_LEAVES (UINT32_MAX / LEAF_NUMBERS)
#define MAX_PAGES (UINT32_MAX / 2)
#define MIN_LEAVES 8
#define NO_SLOT UINT32_MAX

/* The line's length in slots per page: what it has at least, and when made. */
#define MIN_SLOTS_PER_PAGE 3
#define NEW_SLOTS_PER_PAGE 6

/*
 * An access asks for a line of the hash table, then for a leaf, then for a count.
 * So that memory is never idle, some accesses are on their way to each of them
 * at once: so many to the table, so many to each of the others.
 */
#define AHEAD 32
#define BEHIND 16
/* Accesses between two looks at what there is room for. */
#define CHUNK 256

/* GNU C: an AVX2 register, two of SSE2, or whatever there is. */
typedef uint16_t near_lanes
	__attribute__((vector_size(32), aligned(2), may_alias));
typedef uint32_t far_lanes
	__attribute__((vector_size(32), aligned(4), may_alias));
#define FAR_LANES 8

struct leaf {
	uint64_t words[LEAF_WORDS];
	uint64_t sums; /* 9 bits each, of the words up to 0, 1, .. 6 */
};

_Static_assert(sizeof(struct leaf) == MRC_CACHE_LINE_BYTES,
	       "a leaf is a cache line");

struct tree {
	size_t nr_leaves;
	struct leaf *leaves;
	uint16_t *near; /* by leaf */
	uint32_t *mid; /* by MID_LEAVES */
	uint32_t *far; /* by FAR_LEAVES */
	uint32_t *top; /* by TOP_LEAVES */
	size_t nr_tops; /* that begin with a slot that was taken */
	struct mrc_big memory;
};

struct mrc_lru {
	struct mrc_page_table table; /* value: slot + 1 */
	struct tree tree;
	uint32_t next_slot;
	size_t nr_free_slots; /* from there on */
	bool has_popcnt; /* and AVX2 */

	uint64_t nr_accesses;
	size_t max_pages; /* capacity of the following */
	uint64_t *depth_counts; /* accesses by depth, below nr_pages used */
	uint64_t *first_pages; /* all, in the order of their first access */
	struct mrc_big depth_memory;
	struct mrc_big first_memory;
};

/* 1 in the sums of @word and those behind it. */
static inline uint64_t sums_from(unsigned int word)
{
	const uint64_t all = UINT64_C(0x0040201008040201);

	return all >> SUM_BITS * word << SUM_BITS * word;
}

static inline uint32_t leaf_total(const struct leaf *leaf)
{
	return (uint32_t)(leaf->sums >> SUM_BITS * (LEAF_WORDS - 1));
}

/* Live slots before @slot, which has been taken. */
static inline __attribute__((always_inline)) uint32_t
rank(const struct tree *tree, uint32_t slot)
{
	size_t index = slot / LEAF_NUMBERS;
	const struct leaf *leaf = &tree->leaves[index];
	unsigned int word = slot % LEAF_NUMBERS / WORD_BITS;
	uint64_t before = (UINT64_C(1) << slot % WORD_BITS) - 1;

	/* Shifted, the first sum is that before word 0. */
	return (uint32_t)__builtin_popcountll(leaf->words[word] & before) +
	       (uint32_t)(leaf->sums << SUM_BITS >> SUM_BITS * word &
			  ((1U << SUM_BITS) - 1)) +
	       tree->near[index] + tree->mid[index / MID_LEAVES] +
	       tree->far[index / FAR_LEAVES] + tree->top[index / TOP_LEAVES];
}

/* As many zeros as a node has entries, then as many ones. */
#define ONES_8 1, 1, 1, 1, 1, 1, 1, 1
static const uint16_t near_steps[2 * NEAR_ENTRIES] = {
	[NEAR_ENTRIES] = ONES_8,
	ONES_8,
	ONES_8,
	ONES_8,
};
static const uint32_t far_steps[2 * FAR_ENTRIES] = {
	[FAR_ENTRIES] = ONES_8,
	ONES_8,
};

static inline __attribute__((always_inline)) void lower_near(uint16_t *entries,
							     size_t index)
{
	size_t entry = index % NEAR_ENTRIES;
	near_lanes *node = (near_lanes *)&entries[index - entry];
	const near_lanes *steps =
		(const near_lanes *)&near_steps[NEAR_ENTRIES - 1 - entry];

	node[0] -= steps[0];
	node[1] -= steps[1];
}

static inline __attribute__((always_inline)) void lower_far(uint32_t *entries,
							    size_t index)
{
	size_t entry = index % FAR_ENTRIES;
	far_lanes *node = (far_lanes *)&entries[index - entry];
	const far_lanes *steps =
		(const far_lanes *)&far_steps[FAR_ENTRIES - 1 - entry];

	node[0] -= steps[0];
	node[1] -= steps[1];
}

static inline __attribute__((always_inline)) void lower_top(struct tree *tree,
							    size_t index)
{
	size_t entry = index % FAR_LANES;
	size_t i = index - entry;
	const far_lanes *steps =
		(const far_lanes *)&far_steps[FAR_ENTRIES - 1 - entry];

	*(far_lanes *)&tree->top[i] -= *steps;
	for (i += FAR_LANES; i < tree->nr_tops; i += FAR_LANES)
		*(far_lanes *)&tree->top[i] -= 1;
}

/* @slot is not live any more. */
static inline __attribute__((always_inline)) void leave(struct tree *tree,
							uint32_t slot)
{
	size_t index = slot / LEAF_NUMBERS;
	struct leaf *leaf = &tree->leaves[index];
	unsigned int word = slot % LEAF_NUMBERS / WORD_BITS;

	leaf->words[word] ^= UINT64_C(1) << slot % WORD_BITS;
	leaf->sums -= sums_from(word);
	lower_near(tree->near, index);
	lower_far(tree->mid, index / MID_LEAVES);
	lower_far(tree->far, index / FAR_LEAVES);
	lower_top(tree, index / TOP_LEAVES);
}

/* All before leaf @index has been taken: set the entries that begin with it. */
static void enter_leaf(struct tree *tree, size_t index)
{
	uint32_t sum;

	if (index == 0) {
		tree->nr_tops = 1;
		return;
	}
	sum = leaf_total(&tree->leaves[index - 1]) + tree->near[index - 1];
	tree->near[index] = (uint16_t)sum;
	if (index % MID_LEAVES != 0)
		return;
	tree->near[index] = 0;
	index /= MID_LEAVES;
	sum += tree->mid[index - 1];
	tree->mid[index] = sum;
	if (index % MID_ENTRIES != 0)
		return;
	tree->mid[index] = 0;
	index /= MID_ENTRIES;
	sum += tree->far[index - 1];
	tree->far[index] = sum;
	if (index % FAR_ENTRIES != 0)
		return;
	tree->far[index] = 0;
	index /= FAR_ENTRIES;
	tree->top[index] = sum + tree->top[index - 1];
	tree->nr_tops = index + 1;
}

/* Take @nr slots from @slot on, all before which have been. Returns the next. */
static uint32_t take(struct tree *tree, uint32_t slot, size_t nr)
{
	while (nr > 0) {
		struct leaf *leaf = &tree->leaves[slot / LEAF_NUMBERS];
		unsigned int word = slot % LEAF_NUMBERS / WORD_BITS;
		size_t nr_here = WORD_BITS - slot % WORD_BITS;

		if (slot % LEAF_NUMBERS == 0)
			enter_leaf(tree, slot / LEAF_NUMBERS);
		if (nr_here > nr)
			nr_here = nr;
		leaf->words[word] |= ~UINT64_C(0) >>
				     (WORD_BITS - nr_here) << slot % WORD_BITS;
		leaf->sums += nr_here * sums_from(word);
		nr -= nr_here;
		slot += (uint32_t)nr_here;
		if (slot % LEAF_NUMBERS == LEAF_SLOTS)
			slot += LEAF_NUMBERS - LEAF_SLOTS;
	}
	return slot;
}

static inline uint32_t slot_after(uint32_t slot)
{
	slot++;
	if (slot % LEAF_NUMBERS == LEAF_SLOTS)
		slot += LEAF_NUMBERS - LEAF_SLOTS;
	return slot;
}

/* Bytes of entries for every @nr_each leaves, in whole nodes. */
static size_t level_bytes(size_t nr_leaves, size_t nr_each, size_t nr_bytes)
{
	size_t nr = nr_leaves / nr_each + 1;

	return (nr * nr_bytes + MRC_CACHE_LINE_BYTES - 1) /
	       MRC_CACHE_LINE_BYTES * MRC_CACHE_LINE_BYTES;
}

/* An empty tree of @nr_leaves. -ENOMEM. */
static int tree_init(struct tree *tree, size_t nr_leaves)
{
	struct tree fresh = { .nr_leaves = nr_leaves };
	size_t near = nr_leaves * sizeof(*fresh.leaves);
	size_t mid = near + level_bytes(nr_leaves, 1, sizeof(*fresh.near));
	size_t far =
		mid + level_bytes(nr_leaves, MID_LEAVES, sizeof(*fresh.mid));
	size_t top =
		far + level_bytes(nr_leaves, FAR_LEAVES, sizeof(*fresh.far));
	size_t end =
		top + level_bytes(nr_leaves, TOP_LEAVES, sizeof(*fresh.top));
	char *start;
	int err;

	err = mrc_big_alloc(end, &fresh.memory);
	if (err < 0)
		return err;
	start = fresh.memory.data;
	fresh.leaves = (struct leaf *)(void *)start;
	fresh.near = (uint16_t *)(void *)(start + near);
	fresh.mid = (uint32_t *)(void *)(start + mid);
	fresh.far = (uint32_t *)(void *)(start + far);
	fresh.top = (uint32_t *)(void *)(start + top);
	*tree = fresh;
	return 0;
}

/* Make an empty tree of one in which nothing behind @next_slot was taken. */
static void tree_clear(struct tree *tree, uint32_t next_slot)
{
	memset(tree->leaves, 0,
	       (next_slot + LEAF_NUMBERS - 1) / LEAF_NUMBERS *
		       sizeof(*tree->leaves));
	/* The first entries are never set; all others are before they count. */
	tree->near[0] = 0;
	tree->mid[0] = 0;
	tree->far[0] = 0;
	tree->top[0] = 0;
}

static inline __attribute__((always_inline)) void
move_slots(struct mrc_page_table *table, const struct tree *tree)
{
	unsigned int slot;
	size_t i;

	for (i = 0; i < table->nr_lines; i++) {
		uint32_t *values = table->lines[i].values;

		for (slot = 0; slot < MRC_PAGE_LINE_SLOTS; slot++)
			if (values[slot] != 0) {
				uint32_t nr = rank(tree, values[slot] - 1);

				values[slot] = nr / LEAF_SLOTS * LEAF_NUMBERS +
					       nr % LEAF_SLOTS + 1;
			}
	}
}

#ifdef __x86_64__
__attribute__((target("popcnt,avx2"))) static void
move_slots_popcnt(struct mrc_page_table *table, const struct tree *tree)
{
	move_slots(table, tree);
}
#endif

static void move_slots_any(struct mrc_lru *lru)
{
#ifdef __x86_64__
	if (lru->has_popcnt) {
		move_slots_popcnt(&lru->table, &lru->tree);
		return;
	}
#endif
	move_slots(&lru->table, &lru->tree);
}

/* Move the live slots to the front, in order, and make the line @nr_leaves. */
static int compact_line(struct mrc_lru *lru, size_t nr_leaves)
{
	struct tree fresh = lru->tree;

	if (nr_leaves > lru->tree.nr_leaves) {
		int err = tree_init(&fresh, nr_leaves);

		if (err < 0)
			return err;
	}
	move_slots_any(lru);
	if (nr_leaves > lru->tree.nr_leaves)
		mrc_big_free(&lru->tree.memory);
	else
		tree_clear(&fresh, lru->next_slot);
	lru->next_slot = take(&fresh, 0, lru->table.nr_pages);
	lru->tree = fresh;
	lru->nr_free_slots = nr_leaves * LEAF_SLOTS - lru->table.nr_pages;
	return 0;
}

/* Make room for @nr more accesses. -ENOMEM, -EOVERFLOW. */
static int reserve_slots(struct mrc_lru *lru, size_t nr)
{
	size_t nr_leaves = lru->tree.nr_leaves;
	uint64_t nr_used = lru->table.nr_pages + (uint64_t)nr;

	if (nr <= lru->nr_free_slots)
		return 0;
	if (nr_used > MAX_PAGES)
		return -EOVERFLOW;
	if (nr_leaves < MIN_LEAVES)
		nr_leaves = MIN_LEAVES;
	if (nr_leaves < MIN_SLOTS_PER_PAGE * nr_used / LEAF_SLOTS)
		nr_leaves = (size_t)(NEW_SLOTS_PER_PAGE * nr_used / LEAF_SLOTS);
	if (nr_leaves > MAX_LEAVES)
		nr_leaves = MAX_LEAVES;
	return compact_line(lru, nr_leaves);
}

/*
 * A larger copy of the @nr_bytes in @big, which are given back as it goes.
 * -ENOMEM.
 */
static int grow_big(struct mrc_big *big, size_t nr_bytes, size_t new_bytes)
{
	const size_t max_step = (size_t)1 << 20;
	struct mrc_big fresh;
	size_t done = 0;
	int err = mrc_big_alloc(new_bytes, &fresh);

	if (err < 0)
		return err;
	while (done < nr_bytes) {
		size_t step = nr_bytes - done;

		if (step > max_step)
			step = max_step;
		memcpy((char *)fresh.data + done, (char *)big->data + done,
		       step);
		done += step;
		mrc_big_drop_front(big, done);
	}
	mrc_big_free(big);
	*big = fresh;
	return 0;
}

/* Make room for @nr more pages. -ENOMEM. */
static int reserve_pages(struct mrc_lru *lru, size_t nr)
{
	size_t max_pages = lru->max_pages;
	int err;

	err = mrc_page_table_reserve(&lru->table, nr);
	if (err < 0)
		return err;
	nr += lru->table.nr_pages;
	if (nr <= max_pages)
		return 0;
	while (max_pages < nr)
		max_pages += max_pages / 2 + 64;
	/* The first one may grow alone: it just has more room than is used. */
	err = grow_big(&lru->first_memory,
		       lru->max_pages * sizeof(*lru->first_pages),
		       max_pages * sizeof(*lru->first_pages));
	if (err < 0)
		return err;
	lru->first_pages = lru->first_memory.data;
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
	mrc_page_table_exit(&lru->table);
	mrc_big_free(&lru->tree.memory);
	mrc_big_free(&lru->depth_memory);
	mrc_big_free(&lru->first_memory);
	free(lru);
}

/* Give @page, whose line is @line, @slot. Returns its old one, or NO_SLOT. */
static inline __attribute__((always_inline)) uint32_t
swap_slot(struct mrc_lru *lru, struct mrc_page_line *line, uint64_t page,
	  uint32_t slot)
{
	uint32_t *value = mrc_page_table_find(&lru->table, line, page);
	uint32_t old_slot;

	if (value == NULL) {
		lru->first_pages[lru->table.nr_pages] = page;
		mrc_page_table_insert(&lru->table, line, page, slot + 1);
		return NO_SLOT;
	}
	old_slot = *value - 1;
	*value = slot + 1;
	return old_slot;
}

/*
 * Move at most CHUNK pages to the top, one after the other; behind them are
 * @nr_next that come next. @counted: 1 or 0, what that adds to the counts of
 * depths. There is room for all.
 *
 * The slots are taken before any is left: what is behind a slot does not change
 * what is before it.
 */
static inline __attribute__((always_inline)) void
touch(struct mrc_lru *lru, const uint64_t *pages, size_t nr, size_t nr_next,
      uint64_t counted, struct mrc_lru_depth *ret_depths)
{
	uint32_t nr_live = (uint32_t)lru->table.nr_pages;
	size_t lag = nr < BEHIND ? nr : BEHIND;
	struct mrc_page_line *lines[AHEAD];
	uint32_t slot = lru->next_slot;
	uint32_t old_slots[CHUNK];
	uint32_t depths[CHUNK];
	size_t i;

	lru->next_slot = take(&lru->tree, slot, nr);
	lru->nr_free_slots -= nr;
	for (i = 0; i < AHEAD && i < nr; i++)
		lines[i] = mrc_page_table_prefetch(&lru->table, pages[i]);
	for (i = 0; i < nr + 2 * lag; i++) {
		if (i < nr) {
			uint32_t old_slot = swap_slot(lru, lines[i % AHEAD],
						      pages[i], slot);

			old_slots[i] = old_slot;
			slot = slot_after(slot);
			if (old_slot != NO_SLOT)
				__builtin_prefetch(
					&lru->tree.leaves[old_slot /
							  LEAF_NUMBERS],
					1);
			if (i + AHEAD < nr + nr_next)
				lines[i % AHEAD] = mrc_page_table_prefetch(
					&lru->table, pages[i + AHEAD]);
		}
		if (i >= lag && i - lag < nr) {
			uint32_t old_slot = old_slots[i - lag];
			uint32_t depth = NO_SLOT;

			if (old_slot != NO_SLOT) {
				depth = nr_live - 1 -
					rank(&lru->tree, old_slot);
				leave(&lru->tree, old_slot);
				__builtin_prefetch(&lru->depth_counts[depth],
						   1);
			} else {
				nr_live++;
			}
			depths[i - lag] = depth;
		}
		if (i >= 2 * lag) {
			uint32_t depth = depths[i - 2 * lag];

			if (depth != NO_SLOT)
				lru->depth_counts[depth] += counted;
			if (ret_depths != NULL)
				*ret_depths++ = (struct mrc_lru_depth){
					.is_cold = depth == NO_SLOT,
					.pages = depth != NO_SLOT ? depth : 0,
				};
		}
	}
}

#ifdef __x86_64__
__attribute__((target("popcnt,avx2"))) static void
touch_popcnt(struct mrc_lru *lru, const uint64_t *pages, size_t nr,
	     size_t nr_next, uint64_t counted, struct mrc_lru_depth *ret_depths)
{
	touch(lru, pages, nr, nr_next, counted, ret_depths);
}
#endif

/* As touch(), making room first: all of the accesses or none. */
static int access_chunk(struct mrc_lru *lru, const uint64_t *pages, size_t nr,
			size_t nr_next, uint64_t counted,
			struct mrc_lru_depth *ret_depths)
{
	int err;

	/* All that can fail comes first. */
	err = reserve_slots(lru, nr);
	if (err == 0)
		err = reserve_pages(lru, nr);
	if (err < 0)
		return err;
#ifdef __x86_64__
	if (lru->has_popcnt) {
		touch_popcnt(lru, pages, nr, nr_next, counted, ret_depths);
		return 0;
	}
#endif
	touch(lru, pages, nr, nr_next, counted, ret_depths);
	return 0;
}

/* Any number of accesses, in batches. */
static int access_all(struct mrc_lru *lru, const uint64_t *pages,
		      size_t nr_pages, uint64_t counted,
		      struct mrc_lru_depth *ret_depths)
{
	while (nr_pages > 0) {
		size_t nr = nr_pages < CHUNK ? nr_pages : CHUNK;
		int err;

		nr_pages -= nr;
		err = access_chunk(lru, pages, nr, nr_pages, counted,
				   ret_depths);
		if (err < 0)
			return err;
		lru->nr_accesses += nr;
		pages += nr;
		if (ret_depths != NULL)
			ret_depths += nr;
	}
	return 0;
}

int mrc_lru_access(struct mrc_lru *lru, uint64_t page,
		   struct mrc_lru_depth *ret_depth)
{
	return access_all(lru, &page, 1, 1, ret_depth);
}

int mrc_lru_access_n(struct mrc_lru *lru, const uint64_t *pages,
		     size_t nr_pages, struct mrc_lru_depth *ret_depths)
{
	return access_all(lru, pages, nr_pages, 1, ret_depths);
}

/* The pages of @lru in the order of their last access, oldest first. */
static void sort_by_slot(const struct mrc_lru *lru, uint64_t *ret_pages)
{
	unsigned int slot;
	size_t i;

	for (i = 0; i < lru->table.nr_lines; i++) {
		const struct mrc_page_line *line = &lru->table.lines[i];

		for (slot = 0; slot < MRC_PAGE_LINE_SLOTS; slot++)
			if (line->values[slot] != 0)
				ret_pages[rank(&lru->tree,
					       line->values[slot] - 1)] =
					line->pages[slot];
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
	size_t nr_pages = later->table.nr_pages;
	uint64_t *by_slot;
	size_t i;
	int err;

	if (nr_pages == 0)
		return 0;
	by_slot = malloc(nr_pages * sizeof(*by_slot));
	if (by_slot == NULL)
		return -ENOMEM;
	sort_by_slot(later, by_slot);
	/* Room for all, and then nothing fails. */
	err = reserve_slots(lru, 2 * nr_pages);
	if (err == 0)
		err = reserve_pages(lru, nr_pages + CHUNK);
	if (err == 0) {
		uint64_t nr_accesses = lru->nr_accesses + later->nr_accesses;

		(void)access_all(lru, later->first_pages, nr_pages, 1, NULL);
		for (i = 0; i < nr_pages; i++)
			lru->depth_counts[i] += later->depth_counts[i];
		(void)access_all(lru, by_slot, nr_pages, 0, NULL);
		lru->nr_accesses = nr_accesses;
	}
	free(by_slot);
	return err;
}

uint64_t mrc_lru_nr_accesses(const struct mrc_lru *lru)
{
	return lru->nr_accesses;
}

uint64_t mrc_lru_nr_pages(const struct mrc_lru *lru)
{
	return lru->table.nr_pages;
}

int mrc_lru_curve(const struct mrc_lru *lru, struct mrc_curve **ret_curve)
{
	size_t nr_pages = lru->table.nr_pages;
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
