/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hash table from page number to a value of 32 bits that is never 0, made for
 * one cache miss per look-up.
 *
 * A slot takes 12 bytes and holds the whole page number, so there are no false
 * matches. Five slots fill a cache line; a page is in the line its hash names
 * or, if that is full, in the next that is not. The slots of a line are compared
 * without a branch: which one matches is as good as random, and a branch
 * predicted wrong costs more than four comparisons.
 *
 * Lines follow the order of the hashes, whatever their number, so the table
 * grows by half instead of doubling, in one sweep, and gives the old memory back
 * as it goes: at most 28 bytes per page, also while growing, beyond the first
 * megabytes.
 */
#ifndef MRC_SRC_PAGE_TABLE_H
#define MRC_SRC_PAGE_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "big_alloc.h"
#include "random.h"

#define MRC_PAGE_LINE_SLOTS 5

/*
 * Look-ups that are on their way at once. More than the memory system takes
 * (some 10 to 16 lines), so that it never runs dry.
 */
#define MRC_PAGE_BATCH 32

/* Filled from slot 0 on; a value of 0 is an empty slot. */
struct mrc_page_line {
	uint64_t pages[MRC_PAGE_LINE_SLOTS];
	uint32_t values[MRC_PAGE_LINE_SLOTS];
	uint32_t unused;
};

_Static_assert(sizeof(struct mrc_page_line) == MRC_CACHE_LINE_BYTES,
	       "a line is a cache line");

/* All zero is a valid empty table. */
struct mrc_page_table {
	struct mrc_page_line *lines;
	size_t nr_lines;
	size_t nr_pages;
	struct mrc_big memory;
};

/* Make room for @nr_pages more pages; pointers become invalid. -ENOMEM. */
int mrc_page_table_reserve(struct mrc_page_table *table, size_t nr_pages);

/*
 * The same, and at that occasion, if there is no room, remove the pages whose
 * value is @dropped: these are the only removals.
 */
int mrc_page_table_reserve_dropping(struct mrc_page_table *table,
				    size_t nr_pages, uint32_t dropped);

/*
 * The line where the search for @page begins. Below: only after a reserve has
 * succeeded.
 */
static inline struct mrc_page_line *
mrc_page_table_line(const struct mrc_page_table *table, uint64_t page)
{
	__extension__ typedef unsigned __int128 u128;

	return &table->lines[(size_t)((u128)mrc_mix64(page) * table->nr_lines >>
				      64)];
}

/* Have that line fetched while something else is done; returns it. */
static inline struct mrc_page_line *
mrc_page_table_prefetch(const struct mrc_page_table *table, uint64_t page)
{
	struct mrc_page_line *line = mrc_page_table_line(table, page);

	__builtin_prefetch(line, 1);
	return line;
}

/* The slot of @page in @line, or MRC_PAGE_LINE_SLOTS. */
static inline unsigned int mrc_page_line_slot(const struct mrc_page_line *line,
					      uint64_t page)
{
	unsigned int matches = 1U << MRC_PAGE_LINE_SLOTS;

	matches |= (unsigned int)(line->pages[0] == page);
	matches |= (unsigned int)(line->pages[1] == page) << 1;
	matches |= (unsigned int)(line->pages[2] == page) << 2;
	matches |= (unsigned int)(line->pages[3] == page) << 3;
	matches |= (unsigned int)(line->pages[4] == page) << 4;
	return (unsigned int)__builtin_ctz(matches);
}

/* What is behind @line if @page is not in it: the same as the next one. */
uint32_t *mrc_page_table_find_beyond(const struct mrc_page_table *table,
				     const struct mrc_page_line *line,
				     uint64_t page);

/*
 * The value of @page, whose line is @line, or NULL. Page 0 looks like an empty
 * slot, but comes before all empty ones.
 */
static inline uint32_t *mrc_page_table_find(const struct mrc_page_table *table,
					    struct mrc_page_line *line,
					    uint64_t page)
{
	unsigned int slot = mrc_page_line_slot(line, page);

	if (slot < MRC_PAGE_LINE_SLOTS && line->values[slot] != 0)
		return &line->values[slot];
	if (line->values[MRC_PAGE_LINE_SLOTS - 1] == 0)
		return NULL;
	return mrc_page_table_find_beyond(table, line, page);
}

/* Add @page, which must be absent; @line is its line. */
void mrc_page_table_insert(struct mrc_page_table *table,
			   struct mrc_page_line *line, uint64_t page,
			   uint32_t value);

/* Free what the table holds; it is then empty. */
void mrc_page_table_exit(struct mrc_page_table *table);

#endif /* MRC_SRC_PAGE_TABLE_H */
