// SPDX-License-Identifier: GPL-2.0-or-later
/* A trace of one byte per access: depths equal the searched list's. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <mrc/lru.h>

#include "lru_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t pages[256];
	struct lru_list list = { .pages = pages };
	struct mrc_curve *curve = NULL;
	struct mrc_lru *lru = NULL;
	size_t nr_hits[256] = { 0 };
	size_t nr_misses = size;
	size_t i;

	if (mrc_lru_new(&lru) < 0)
		abort();
	for (i = 0; i < size; i++) {
		struct mrc_lru_depth depth = { false, 0 };
		size_t expected = 0;
		bool is_hit = lru_list_access(&list, data[i], &expected);

		if (mrc_lru_access(lru, data[i], &depth) < 0)
			abort();
		if (depth.is_cold == is_hit || depth.pages != expected)
			abort();
		if (is_hit)
			nr_hits[expected]++;
	}
	if ((mrc_lru_curve(lru, &curve) == 0) != (size > 0))
		abort();
	for (i = 0; size > 0 && i < 256; i++) {
		if (mrc_curve_at(curve, (double)i) !=
		    (double)nr_misses / (double)size)
			abort();
		nr_misses -= nr_hits[i];
	}
	mrc_curve_free(curve);
	mrc_lru_free(lru);
	return 0;
}
