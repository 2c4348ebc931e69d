/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory for tables that are accessed at random: zeroed, aligned to a cache
 * line, and on huge pages where it is large, because every access to a table of
 * 4 KiB pages misses the TLB as well.
 */
#ifndef MRC_SRC_BIG_ALLOC_H
#define MRC_SRC_BIG_ALLOC_H

#include <stddef.h>

#define MRC_CACHE_LINE_BYTES 64

/* All zero is a valid empty one. */
struct mrc_big {
	void *data; /* what the user sees */
	void *start; /* what was allocated: a mapping if @mapped_bytes > 0 */
	size_t mapped_bytes;
};

/* Allocate @nr_bytes. -ENOMEM: *@ret_big is untouched. */
int mrc_big_alloc(size_t nr_bytes, struct mrc_big *ret_big);

/*
 * Give back what lies before @nr_bytes, which is never touched again, so that
 * copying a table into a larger one does not need room for both. Whole pages
 * only, and only in large memory; call it often.
 */
void mrc_big_drop_front(struct mrc_big *big, size_t nr_bytes);

/* Free it; becomes an empty one. */
void mrc_big_free(struct mrc_big *big);

#endif /* MRC_SRC_BIG_ALLOC_H */
