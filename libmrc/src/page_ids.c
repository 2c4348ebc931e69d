// SPDX-License-Identifier: LGPL-2.1-or-later
#include "page_ids.h"

#include <errno.h>

/* At most MRC_PAGE_BATCH pages. */
static int get_batch(struct mrc_page_table *table, const uint64_t *pages,
		     size_t nr_pages, uint32_t *ret_ids)
{
	struct mrc_page_line *lines[MRC_PAGE_BATCH];
	size_t i;
	int err;

	if (table->nr_pages > UINT32_MAX - MRC_PAGE_BATCH)
		return -EOVERFLOW;
	err = mrc_page_table_reserve(table, nr_pages);
	if (err < 0)
		return err;
	for (i = 0; i < nr_pages; i++)
		lines[i] = mrc_page_table_prefetch(table, pages[i]);
	for (i = 0; i < nr_pages; i++) {
		const uint32_t *value =
			mrc_page_table_find(table, lines[i], pages[i]);

		if (value != NULL) {
			ret_ids[i] = *value - 1;
		} else {
			ret_ids[i] = (uint32_t)table->nr_pages;
			mrc_page_table_insert(table, lines[i], pages[i],
					      ret_ids[i] + 1);
		}
	}
	return 0;
}

int mrc_page_ids_get(struct mrc_page_ids *ids, const uint64_t *pages,
		     size_t nr_pages, uint32_t *ret_ids)
{
	while (nr_pages > 0) {
		size_t nr = nr_pages < MRC_PAGE_BATCH ? nr_pages :
							MRC_PAGE_BATCH;
		int err = get_batch(&ids->table, pages, nr, ret_ids);

		if (err < 0)
			return err;
		pages += nr;
		ret_ids += nr;
		nr_pages -= nr;
	}
	return 0;
}

void mrc_page_ids_pages(const struct mrc_page_ids *ids, uint64_t *ret_pages)
{
	unsigned int slot;
	size_t i;

	for (i = 0; i < ids->table.nr_lines; i++) {
		const struct mrc_page_line *line = &ids->table.lines[i];

		for (slot = 0; slot < MRC_PAGE_LINE_SLOTS; slot++)
			if (line->values[slot] != 0)
				ret_pages[line->values[slot] - 1] =
					line->pages[slot];
	}
}

void mrc_page_ids_exit(struct mrc_page_ids *ids)
{
	mrc_page_table_exit(&ids->table);
}
