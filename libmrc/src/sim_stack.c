// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * OPT and LFU at several sizes in one pass.
 *
 * Both are stack algorithms: the page that leaves is the one with the lowest
 * key, and keys do not depend on the size. So a larger memory holds all that a
 * smaller one does (Mattson et al., 1970), and it is enough to know of a page
 * the smallest size that holds it: its level. A miss takes a page out of level
 * 0, where the lowest key is; of this page and those in level 1 the lowest
 * goes on to level 2, and so on, until the level that the accessed page came
 * from, or one with a frame left. Keeping whole levels in heaps, rather than
 * a stack in order, is what makes a step cost O(log) and mostly O(1).
 *
 * A heap is not told when a page leaves its level or gets another key: an
 * entry that is no longer true is dropped when it comes to the top, or when
 * the heap is full, at most half of which is true.
 */
#include "sim_lane.h"

#include <errno.h>
#include <stdlib.h>

#include "sim_levels.h"

/* An LFU key: number of accesses, as far as it fits, above the last one's time. */
#define TIME_BITS 36
#define MAX_USES (UINT64_MAX >> TIME_BITS)

#define MIN_ENTRIES 64

struct entry {
	uint64_t key;
	uint32_t id;
};

struct level {
	struct entry *entries; /* a heap, lowest key first */
	size_t nr_entries;
	size_t max_entries;
	uint32_t nr_pages;
	uint32_t max_pages;
};

struct page {
	uint64_t key;
	uint32_t level; /* number of sizes if resident nowhere */
};

struct stack {
	size_t nr_sizes;
	struct level *level; /* of each size: what the size before lacks */
	struct mrc_sim_levels levels;
	size_t nr_pages; /* reserved */
	size_t nr_seen;
	struct page *pages;
	uint64_t time; /* accesses so far */
};

static void free_stack(struct mrc_sim_lane *lane)
{
	struct stack *stack = (struct stack *)lane;
	size_t i;

	if (stack == NULL)
		return;
	for (i = 0; stack->level != NULL && i < stack->nr_sizes; i++)
		free(stack->level[i].entries);
	free(stack->level);
	mrc_sim_levels_exit(&stack->levels);
	free(stack->pages);
	free(stack);
}

static struct mrc_sim_lane *new_stack(const uint32_t *sizes, size_t nr_sizes,
				      uint64_t seed)
{
	struct stack *stack = calloc(1, sizeof(*stack));
	size_t i;

	(void)seed;
	if (stack == NULL)
		return NULL;
	stack->nr_sizes = nr_sizes;
	stack->level = calloc(nr_sizes, sizeof(*stack->level));
	if (stack->level == NULL ||
	    mrc_sim_levels_init(&stack->levels, nr_sizes) < 0) {
		free_stack((struct mrc_sim_lane *)stack);
		return NULL;
	}
	for (i = 0; i < nr_sizes; i++)
		stack->level[i].max_pages = i == 0 ? sizes[0] :
						     sizes[i] - sizes[i - 1];
	return (struct mrc_sim_lane *)stack;
}

static int reserve_stack(struct mrc_sim_lane *lane, size_t nr_pages,
			 bool has_writes)
{
	struct stack *stack = (struct stack *)lane;
	size_t nr_left = nr_pages;
	struct page *pages;
	size_t i;
	int err;

	err = mrc_sim_levels_reserve(&stack->levels, nr_pages, has_writes);
	if (err < 0 || nr_pages <= stack->nr_pages)
		return err;
	for (i = 0; i < stack->nr_sizes && nr_left > 0; i++) {
		struct level *level = &stack->level[i];
		size_t nr = level->max_pages < nr_left ? level->max_pages :
							 nr_left;
		size_t max_entries = 2 * nr + MIN_ENTRIES;
		struct entry *entries;

		nr_left -= nr;
		if (max_entries <= level->max_entries)
			continue;
		entries = mrc_sim_grow(level->entries, level->max_entries,
				       max_entries, sizeof(*entries));
		if (entries == NULL)
			return -ENOMEM;
		level->entries = entries;
		level->max_entries = max_entries;
	}
	pages = mrc_sim_grow(stack->pages, stack->nr_pages, nr_pages,
			     sizeof(*pages));
	if (pages == NULL)
		return -ENOMEM;
	stack->pages = pages;
	stack->nr_pages = nr_pages;
	return 0;
}

/* Let @entry sink from a hole at @i. */
static void sift_down(struct level *level, size_t i, struct entry entry)
{
	struct entry *entries = level->entries;

	while (2 * i + 1 < level->nr_entries) {
		size_t child = 2 * i + 1;

		if (child + 1 < level->nr_entries &&
		    entries[child + 1].key < entries[child].key)
			child++;
		if (entries[child].key >= entry.key)
			break;
		entries[i] = entries[child];
		i = child;
	}
	entries[i] = entry;
}

static bool is_true(const struct stack *stack, const struct level *level,
		    const struct entry *entry)
{
	const struct page *page = &stack->pages[entry->id];

	return page->key == entry->key && &stack->level[page->level] == level;
}

/* Drop all entries that are not true. */
static void clean_heap(const struct stack *stack, struct level *level)
{
	size_t nr = 0;
	size_t i;

	for (i = 0; i < level->nr_entries; i++)
		if (is_true(stack, level, &level->entries[i]))
			level->entries[nr++] = level->entries[i];
	level->nr_entries = nr;
	for (i = nr / 2; i > 0; i--)
		sift_down(level, i - 1, level->entries[i - 1]);
}

/* The page's key and level are set already; the level counts it elsewhere. */
static inline void push(const struct stack *stack, struct level *level,
			uint32_t id)
{
	struct entry entry = { .key = stack->pages[id].key, .id = id };
	struct entry *entries = level->entries;
	size_t i;

	if (level->nr_entries == level->max_entries)
		clean_heap(stack, level);
	for (i = level->nr_entries++; i > 0; i = (i - 1) / 2) {
		if (entries[(i - 1) / 2].key <= entry.key)
			break;
		entries[i] = entries[(i - 1) / 2];
	}
	entries[i] = entry;
}

static void drop_top(struct level *level)
{
	level->nr_entries--;
	if (level->nr_entries > 0)
		sift_down(level, 0, level->entries[level->nr_entries]);
}

/* The lowest of the level, which has a page; it is true. */
static inline struct entry *find_lowest(const struct stack *stack,
					struct level *level)
{
	while (!is_true(stack, level, &level->entries[0]))
		drop_top(level);
	return &level->entries[0];
}

/* @page comes into level 0, as many others as must move on. */
static inline void load(struct stack *stack, uint32_t id, uint64_t key)
{
	struct level *level = &stack->level[0];
	struct page *pages = stack->pages;
	uint32_t carried;
	uint32_t i;

	pages[id].key = key;
	pages[id].level = 0;
	if (level->nr_pages < level->max_pages) {
		level->nr_pages++;
		push(stack, level, id);
		return;
	}
	/* The accessed page must stay, so its key is no candidate. */
	carried = find_lowest(stack, level)->id;
	drop_top(level);
	push(stack, level, id);
	for (i = 1; i < stack->nr_sizes; i++) {
		struct entry *lowest;
		uint32_t next;

		level = &stack->level[i];
		if (level->nr_pages < level->max_pages) {
			pages[carried].level = i;
			level->nr_pages++;
			push(stack, level, carried);
			return;
		}
		lowest = find_lowest(stack, level);
		if (pages[carried].key < lowest->key)
			continue;
		next = lowest->id;
		pages[carried].level = i;
		sift_down(level, 0,
			  (struct entry){ .key = pages[carried].key,
					  .id = carried });
		carried = next;
	}
	pages[carried].level = (uint32_t)stack->nr_sizes;
}

static inline void run(struct stack *stack, const struct mrc_sim_refs *refs,
		       bool is_opt)
{
	size_t i;

	for (i = 0; i < refs->nr_refs; i++) {
		uint32_t id = refs->ids[i];
		size_t level = stack->nr_sizes;
		uint64_t key;

		if (i + MRC_SIM_AHEAD < refs->nr_refs)
			__builtin_prefetch(
				&stack->pages[refs->ids[i + MRC_SIM_AHEAD]], 1);
		if (id < stack->nr_seen)
			level = stack->pages[id].level;
		else
			stack->nr_seen++;
		if (level < stack->nr_sizes)
			stack->level[level].nr_pages--;
		if (is_opt) {
			/* Pages never used again are behind all the others. */
			key = refs->next_uses[i];
			if (key == MRC_SIM_NEVER)
				key += 1 + (uint64_t)id;
			key = ~key;
		} else {
			uint64_t uses = stack->pages[id].key >> TIME_BITS;

			uses += uses < MAX_USES;
			key = uses << TIME_BITS | stack->time++;
		}
		load(stack, id, key);
		mrc_sim_levels_access(&stack->levels, id, level,
				      refs->are_writes != NULL &&
					      refs->are_writes[i]);
	}
}

static void run_opt(struct mrc_sim_lane *lane, const struct mrc_sim_refs *refs)
{
	run((struct stack *)lane, refs, true);
}

static void run_lfu(struct mrc_sim_lane *lane, const struct mrc_sim_refs *refs)
{
	run((struct stack *)lane, refs, false);
}

static size_t level_of(const void *owner, size_t id)
{
	return ((const struct stack *)owner)->pages[id].level;
}

static void count_stack(const struct mrc_sim_lane *lane, uint64_t *ret_misses,
			uint64_t *ret_write_backs)
{
	const struct stack *stack = (const struct stack *)lane;

	mrc_sim_levels_count(&stack->levels, level_of, stack, stack->nr_seen,
			     ret_misses, ret_write_backs);
}

const struct mrc_sim_ops mrc_sim_opt_ops = {
	.max_sizes = UINT16_MAX,
	.new = new_stack,
	.reserve = reserve_stack,
	.run = run_opt,
	.count = count_stack,
	.free = free_stack,
};

const struct mrc_sim_ops mrc_sim_lfu_ops = {
	.max_sizes = UINT16_MAX,
	.new = new_stack,
	.reserve = reserve_stack,
	.run = run_lfu,
	.count = count_stack,
	.free = free_stack,
};
