// SPDX-License-Identifier: GPL-2.0-or-later
#include "lru_list.h"

bool lru_list_access(struct lru_list *list, uint64_t page, size_t *ret_depth)
{
	size_t depth;
	size_t i;
	bool is_hit;

	for (depth = 0; depth < list->nr_pages; depth++)
		if (list->pages[depth] == page)
			break;
	is_hit = depth < list->nr_pages;
	if (!is_hit)
		list->nr_pages++;
	for (i = depth; i > 0; i--)
		list->pages[i] = list->pages[i - 1];
	list->pages[0] = page;
	if (is_hit)
		*ret_depth = depth;
	return is_hit;
}
