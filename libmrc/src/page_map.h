/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hash table from page number to a stamp that is never 0.
 *
 * Open addressing with linear probing. Entries are never removed, so there are
 * no tombstones.
 */
#ifndef MRC_SRC_PAGE_MAP_H
#define MRC_SRC_PAGE_MAP_H

#include <stddef.h>
#include <stdint.h>

/* @stamp is 0 in an empty slot; any @page is valid. */
struct mrc_page_entry {
	uint64_t page;
	uint64_t stamp;
};

/* All zero is a valid empty map. */
struct mrc_page_map {
	struct mrc_page_entry *slots;
	size_t nr_slots; /* 0 or a power of two */
	size_t nr_pages;
};

/* The entry of @page, or NULL. */
struct mrc_page_entry *mrc_page_map_find(const struct mrc_page_map *map,
					 uint64_t page);

/* Make room for one more page; pointers to entries become invalid. -ENOMEM. */
int mrc_page_map_reserve(struct mrc_page_map *map);

/* Add @page, which must be absent, after a successful reserve. */
struct mrc_page_entry *mrc_page_map_insert(struct mrc_page_map *map,
					   uint64_t page, uint64_t stamp);

/* Free what the map holds. */
void mrc_page_map_exit(struct mrc_page_map *map);

#endif /* MRC_SRC_PAGE_MAP_H */
