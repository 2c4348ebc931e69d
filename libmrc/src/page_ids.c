// SPDX-License-Identifier: LGPL-2.1-or-later
#include "page_ids.h"

#include <errno.h>

int mrc_page_ids_get(struct mrc_page_ids *ids, const uint64_t *pages,
		     size_t nr_pages, uint32_t *ret_ids)
{
	struct mrc_page_entry *entry;
	size_t i;
	int err;

	for (i = 0; i < nr_pages; i++) {
		entry = mrc_page_map_find(&ids->map, pages[i]);
		if (entry == NULL) {
			if (ids->map.nr_pages >= UINT32_MAX)
				return -EOVERFLOW;
			err = mrc_page_map_reserve(&ids->map);
			if (err < 0)
				return err;
			entry = mrc_page_map_insert(&ids->map, pages[i],
						    ids->map.nr_pages + 1);
		}
		ret_ids[i] = (uint32_t)(entry->stamp - 1);
	}
	return 0;
}

void mrc_page_ids_exit(struct mrc_page_ids *ids)
{
	mrc_page_map_exit(&ids->map);
}
