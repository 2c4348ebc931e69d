/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The LRU stack as an array that is searched and shifted: O(pages), obvious. */
#ifndef TESTS_ORACLE_LRU_LIST_H
#define TESTS_ORACLE_LRU_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* @pages is the caller's, with room for every distinct page. */
struct lru_list {
	uint64_t *pages; /* most recent first */
	size_t nr_pages;
};

/* True if the page was in the list; only then is *ret_depth set. */
bool lru_list_access(struct lru_list *list, uint64_t page, size_t *ret_depth);

#endif
