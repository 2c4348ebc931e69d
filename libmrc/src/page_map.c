// SPDX-License-Identifier: LGPL-2.1-or-later
#include "page_map.h"

#include <errno.h>
#include <stdlib.h>

#include "random.h"

#define MIN_SLOTS 64

/* The slot of @page, or the empty one where it belongs. */
static struct mrc_page_entry *probe(const struct mrc_page_map *map,
				    uint64_t page)
{
	size_t mask = map->nr_slots - 1;
	size_t i = (size_t)mrc_mix64(page) & mask;

	/* Ends: reserve keeps a quarter of the slots empty. */
	while (map->slots[i].stamp != 0 && map->slots[i].page != page)
		i = (i + 1) & mask;
	return &map->slots[i];
}

struct mrc_page_entry *mrc_page_map_find(const struct mrc_page_map *map,
					 uint64_t page)
{
	struct mrc_page_entry *entry;

	if (map->nr_slots == 0)
		return NULL;
	entry = probe(map, page);
	return entry->stamp != 0 ? entry : NULL;
}

int mrc_page_map_reserve(struct mrc_page_map *map)
{
	struct mrc_page_map bigger = { .nr_pages = map->nr_pages };
	size_t i;

	if (map->nr_pages < map->nr_slots / 4 * 3)
		return 0;
	if (map->nr_slots > SIZE_MAX / 2)
		return -ENOMEM;
	bigger.nr_slots = map->nr_slots == 0 ? MIN_SLOTS : map->nr_slots * 2;
	bigger.slots = calloc(bigger.nr_slots, sizeof(*bigger.slots));
	if (bigger.slots == NULL)
		return -ENOMEM;

	for (i = 0; i < map->nr_slots; i++)
		if (map->slots[i].stamp != 0)
			*probe(&bigger, map->slots[i].page) = map->slots[i];
	free(map->slots);
	*map = bigger;
	return 0;
}

struct mrc_page_entry *mrc_page_map_insert(struct mrc_page_map *map,
					   uint64_t page, uint64_t stamp)
{
	struct mrc_page_entry *entry = probe(map, page);

	entry->page = page;
	entry->stamp = stamp;
	map->nr_pages++;
	return entry;
}

void mrc_page_map_exit(struct mrc_page_map *map)
{
	free(map->slots);
}
