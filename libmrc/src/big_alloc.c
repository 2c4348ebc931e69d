// SPDX-License-Identifier: LGPL-2.1-or-later
/* For MAP_ANONYMOUS and madvise(), which are not in POSIX. */
#define _DEFAULT_SOURCE

#include "big_alloc.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

/* The huge page of x86-64, and of arm64 with pages of 4 KiB. */
#define HUGE_BYTES ((size_t)2 << 20)

static int alloc_small(size_t nr_bytes, struct mrc_big *ret_big)
{
	void *start = calloc(1, nr_bytes + MRC_CACHE_LINE_BYTES);
	uintptr_t data = (uintptr_t)start;

	if (start == NULL)
		return -ENOMEM;
	data += -data % MRC_CACHE_LINE_BYTES;
	*ret_big = (struct mrc_big){ .data = (void *)data, .start = start };
	return 0;
}

int mrc_big_alloc(size_t nr_bytes, struct mrc_big *ret_big)
{
	size_t skipped;
	char *start;

	if (nr_bytes < HUGE_BYTES)
		return alloc_small(nr_bytes, ret_big);
	if (nr_bytes > SIZE_MAX / 2)
		return -ENOMEM;
	start = mmap(NULL, nr_bytes + HUGE_BYTES, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (start == MAP_FAILED)
		return -ENOMEM;
	skipped = -(uintptr_t)start % HUGE_BYTES;
#ifdef MADV_HUGEPAGE
	/* A wish: without it the memory is slower, not wrong. */
	(void)madvise(start + skipped, nr_bytes, MADV_HUGEPAGE);
#endif
	*ret_big = (struct mrc_big){
		.data = start + skipped,
		.start = start,
		.mapped_bytes = nr_bytes + HUGE_BYTES,
	};
	return 0;
}

void mrc_big_drop_front(struct mrc_big *big, size_t nr_bytes)
{
	size_t nr_whole = nr_bytes / HUGE_BYTES * HUGE_BYTES;
	char *end = (char *)big->data + nr_whole;
	char *start = big->start;

	if (big->mapped_bytes == 0 || nr_whole == 0 || end == start)
		return;
	(void)munmap(start, (size_t)(end - start));
	big->start = end;
	big->mapped_bytes -= (size_t)(end - start);
}

void mrc_big_free(struct mrc_big *big)
{
	if (big->mapped_bytes > 0)
		(void)munmap(big->start, big->mapped_bytes);
	else
		free(big->start);
	*big = (struct mrc_big){ 0 };
}
