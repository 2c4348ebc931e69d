// SPDX-License-Identifier: LGPL-2.1-or-later
#include "page_table.h"

#include <errno.h>

#define MIN_LINES 16

/*
 * Pages that @nr_lines lines may hold: 3.5 of 5 slots are used. Then a page is
 * beyond its line in one of 16 cases.
 */
static size_t max_pages(size_t nr_lines)
{
	return nr_lines * 7 / 2;
}

static struct mrc_page_line *next_line(const struct mrc_page_table *table,
				       const struct mrc_page_line *line)
{
	size_t i = (size_t)(line - table->lines) + 1;

	return &table->lines[i < table->nr_lines ? i : 0];
}

uint32_t *mrc_page_table_find_beyond(const struct mrc_page_table *table,
				     const struct mrc_page_line *line,
				     uint64_t page)
{
	/* Ends: there are lines that are not full. */
	while (line->values[MRC_PAGE_LINE_SLOTS - 1] != 0) {
		struct mrc_page_line *next = next_line(table, line);
		unsigned int slot = mrc_page_line_slot(next, page);

		if (slot < MRC_PAGE_LINE_SLOTS && next->values[slot] != 0)
			return &next->values[slot];
		line = next;
	}
	return NULL;
}

void mrc_page_table_insert(struct mrc_page_table *table,
			   struct mrc_page_line *line, uint64_t page,
			   uint32_t value)
{
	unsigned int slot = 0;

	while (line->values[MRC_PAGE_LINE_SLOTS - 1] != 0)
		line = next_line(table, line);
	while (line->values[slot] != 0)
		slot++;
	line->pages[slot] = page;
	line->values[slot] = value;
	table->nr_pages++;
}

/* Move all entries of @from to @to, which is empty, and free @from. */
static void move_entries(struct mrc_page_table *from, struct mrc_page_table *to,
			 uint32_t dropped)
{
	unsigned int slot;
	size_t i;

	for (i = 0; i < from->nr_lines; i++) {
		const struct mrc_page_line *line = &from->lines[i];

		for (slot = 0; slot < MRC_PAGE_LINE_SLOTS; slot++) {
			uint64_t page = line->pages[slot];

			if (line->values[slot] == 0)
				break;
			if (line->values[slot] == dropped)
				continue;
			mrc_page_table_insert(to, mrc_page_table_line(to, page),
					      page, line->values[slot]);
		}
		mrc_big_drop_front(&from->memory, (i + 1) * sizeof(*line));
	}
	mrc_page_table_exit(from);
}

static size_t count_value(const struct mrc_page_table *table, uint32_t value)
{
	size_t nr = 0;
	unsigned int slot;
	size_t i;

	for (i = 0; i < table->nr_lines; i++)
		for (slot = 0; slot < MRC_PAGE_LINE_SLOTS; slot++)
			nr += table->lines[i].values[slot] == value;
	return nr;
}

int mrc_page_table_reserve_dropping(struct mrc_page_table *table,
				    size_t nr_pages, uint32_t dropped)
{
	struct mrc_page_table bigger = { .nr_lines = MIN_LINES };
	size_t nr_kept = table->nr_pages;
	int err;

	if (nr_pages <= max_pages(table->nr_lines) - table->nr_pages)
		return 0;
	/* Far from overflow: 2^56 pages are more than memory has. */
	if (nr_pages > SIZE_MAX / 256 || table->nr_lines > SIZE_MAX / 256)
		return -ENOMEM;
	if (dropped != 0)
		nr_kept -= count_value(table, dropped);
	/* The next size; after removals, one with a fifth to go at least. */
	while (max_pages(bigger.nr_lines) < nr_kept + nr_kept / 4 + nr_pages)
		bigger.nr_lines += bigger.nr_lines / 2;
	err = mrc_big_alloc(bigger.nr_lines * sizeof(*bigger.lines),
			    &bigger.memory);
	if (err < 0)
		return err;
	bigger.lines = bigger.memory.data;
	move_entries(table, &bigger, dropped);
	*table = bigger;
	return 0;
}

int mrc_page_table_reserve(struct mrc_page_table *table, size_t nr_pages)
{
	return mrc_page_table_reserve_dropping(table, nr_pages, 0);
}

void mrc_page_table_exit(struct mrc_page_table *table)
{
	mrc_big_free(&table->memory);
	*table = (struct mrc_page_table){ 0 };
}
