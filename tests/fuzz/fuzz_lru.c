// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A trace of one byte per access, counted one by one, in batches, and in two
 * parts that are merged: depths equal the searched list's, and so do the curves.
 * The first byte says how long batches are and where the parts meet.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <mrc/lru.h>

#include "lru_list.h"

#define MAX_ACCESSES 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_true)
{
	if (!is_true)
		abort();
}

static struct mrc_lru *new_lru(void)
{
	struct mrc_lru *lru = NULL;

	must(mrc_lru_new(&lru) == 0);
	return lru;
}

static void check_depth(const struct mrc_lru_depth *depth, bool is_hit,
			size_t expected)
{
	must(depth->is_cold != is_hit);
	must(depth->pages == (is_hit ? expected : 0));
}

/* Free @lru, of @nr accesses, whose depths are in @nr_hits. */
static void check_curve(struct mrc_lru *lru, size_t nr, const size_t *nr_hits)
{
	struct mrc_curve *curve = NULL;
	size_t nr_misses = nr;
	size_t i;

	must((mrc_lru_curve(lru, &curve) == 0) == (nr > 0));
	for (i = 0; nr > 0 && i < 256; i++) {
		must(mrc_curve_at(curve, (double)i) ==
		     (double)nr_misses / (double)nr);
		nr_misses -= nr_hits[i];
	}
	mrc_curve_free(curve);
	mrc_lru_free(lru);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct mrc_lru_depth depths[MAX_ACCESSES];
	static uint64_t trace[MAX_ACCESSES];
	struct mrc_lru *one_by_one = new_lru();
	struct mrc_lru *batches = new_lru();
	struct mrc_lru *later = new_lru();
	struct mrc_lru *parts = new_lru();
	uint64_t pages[256];
	struct lru_list list = { .pages = pages };
	size_t nr_hits[256] = { 0 };
	size_t batch = size > 0 ? 1U + 4U * data[0] : 1;
	size_t nr = size < MAX_ACCESSES ? size : MAX_ACCESSES;
	size_t split = size > 0 ? nr * data[0] / 256 : 0;
	size_t i;

	for (i = 0; i < nr; i++)
		trace[i] = data[i];
	for (i = 0; i < nr; i += batch)
		must(mrc_lru_access_n(batches, trace + i,
				      nr - i < batch ? nr - i : batch,
				      depths + i) == 0);
	for (i = 0; i < nr; i++) {
		struct mrc_lru_depth depth = { false, 0 };
		size_t expected = 0;
		bool is_hit = lru_list_access(&list, trace[i], &expected);

		must(mrc_lru_access(one_by_one, trace[i], &depth) == 0);
		check_depth(&depth, is_hit, expected);
		check_depth(&depths[i], is_hit, expected);
		if (is_hit)
			nr_hits[expected]++;
	}
	must(mrc_lru_access_n(parts, trace, split, NULL) == 0);
	must(mrc_lru_access_n(later, trace + split, nr - split, NULL) == 0);
	must(mrc_lru_merge(parts, later) == 0);
	mrc_lru_free(later);
	check_curve(one_by_one, nr, nr_hits);
	check_curve(batches, nr, nr_hits);
	check_curve(parts, nr, nr_hits);
	return 0;
}
