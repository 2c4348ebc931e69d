/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Small dense numbers for pages: the first page seen is 0, the next one 1, and
 * so on. What is known of a page then lives in plain arrays, and the one look-up
 * by hash is shared by all that ask about an access. At most 28 bytes per page.
 */
#ifndef MRC_SRC_PAGE_IDS_H
#define MRC_SRC_PAGE_IDS_H

#include "page_table.h"

/* All zero is a valid empty table. */
struct mrc_page_ids {
	struct mrc_page_table table; /* value: id + 1 */
};

/*
 * The ids of @nr_pages pages, new ones where a page was never seen; may be the
 * same page several times. Several times faster for many pages than one by one.
 * -ENOMEM, or -EOVERFLOW for more than UINT32_MAX - MRC_PAGE_BATCH pages: then
 * @ret_ids is undefined, and some of the pages may be known.
 */
int mrc_page_ids_get(struct mrc_page_ids *ids, const uint64_t *pages,
		     size_t nr_pages, uint32_t *ret_ids);

/* Distinct pages seen: all ids are below. */
static inline size_t mrc_page_ids_nr_pages(const struct mrc_page_ids *ids)
{
	return ids->table.nr_pages;
}

/* The page of every id: @ret_pages has room for all. O(pages). */
void mrc_page_ids_pages(const struct mrc_page_ids *ids, uint64_t *ret_pages);

/* Free what the table holds. */
void mrc_page_ids_exit(struct mrc_page_ids *ids);

#endif /* MRC_SRC_PAGE_IDS_H */
