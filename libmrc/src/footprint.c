// SPDX-License-Identifier: LGPL-2.1-or-later
#include <mrc/footprint.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <mrc/hist.h>

#include "curve_points.h"
#include "page_ids.h"

#define CHUNK 256
#define MIN_PAGES 64

/* The longest gap, n + 1, has a bucket. */
#define MAX_ACCESSES ((UINT64_C(1) << MRC_HIST_VALUE_BITS) - 2)

/* Sums as double: exact below 2^53. */
struct gaps {
	double count;
	double sum; /* of their lengths */
};

/* Numbers of accesses, from 1. */
struct page {
	uint64_t first; /* 0: known by id, but not yet accessed */
	uint64_t last;
};

struct mrc_footprint {
	unsigned int sub_bucket_bits;
	size_t nr_buckets;
	uint64_t nr_accesses;
	uint64_t nr_pages;

	struct mrc_page_ids ids;
	struct page *pages; /* by id */
	size_t max_pages;

	struct gaps gaps[]; /* between accesses; by bucket */
};

int mrc_footprint_new(unsigned int sub_bucket_bits,
		      struct mrc_footprint **ret_footprint)
{
	struct mrc_footprint *footprint;
	size_t nr_buckets;

	if (sub_bucket_bits > MRC_HIST_MAX_SUB_BUCKET_BITS)
		return -EINVAL;
	nr_buckets = mrc_bucket_count(sub_bucket_bits, MRC_HIST_VALUE_BITS);
	footprint = calloc(1, sizeof(*footprint) +
				      nr_buckets * sizeof(footprint->gaps[0]));
	if (footprint == NULL)
		return -ENOMEM;
	footprint->sub_bucket_bits = sub_bucket_bits;
	footprint->nr_buckets = nr_buckets;
	*ret_footprint = footprint;
	return 0;
}

void mrc_footprint_free(struct mrc_footprint *footprint)
{
	if (footprint == NULL)
		return;
	mrc_page_ids_exit(&footprint->ids);
	free(footprint->pages);
	free(footprint);
}

static void add_gap(const struct mrc_footprint *footprint, struct gaps *gaps,
		    uint64_t length)
{
	size_t i = mrc_bucket_index(footprint->sub_bucket_bits, length);

	gaps[i].count++;
	gaps[i].sum += (double)length;
}

/* Ids of at most CHUNK pages, and room for what is known of them. */
static int get_ids(struct mrc_footprint *footprint, const uint64_t *pages,
		   size_t nr_pages, uint32_t *ret_ids)
{
	struct page *grown;
	size_t max_pages = footprint->max_pages;
	size_t nr_known;
	int err;

	err = mrc_page_ids_get(&footprint->ids, pages, nr_pages, ret_ids);
	if (err < 0)
		return err;
	nr_known = mrc_page_ids_nr_pages(&footprint->ids);
	if (nr_known <= max_pages)
		return 0;
	if (max_pages < MIN_PAGES)
		max_pages = MIN_PAGES;
	while (max_pages < nr_known)
		max_pages += max_pages / 2;
	grown = realloc(footprint->pages, max_pages * sizeof(*grown));
	if (grown == NULL)
		return -ENOMEM;
	memset(grown + footprint->max_pages, 0,
	       (max_pages - footprint->max_pages) * sizeof(*grown));
	footprint->pages = grown;
	footprint->max_pages = max_pages;
	return 0;
}

static int access_chunk(struct mrc_footprint *footprint, const uint64_t *pages,
			size_t nr_pages)
{
	uint32_t ids[CHUNK];
	size_t i;
	int err;

	if (nr_pages > MAX_ACCESSES - footprint->nr_accesses)
		return -EOVERFLOW;
	err = get_ids(footprint, pages, nr_pages, ids);
	if (err < 0)
		return err;
	for (i = 0; i < nr_pages; i++)
		__builtin_prefetch(&footprint->pages[ids[i]], 1);
	for (i = 0; i < nr_pages; i++) {
		struct page *page = &footprint->pages[ids[i]];
		uint64_t now = ++footprint->nr_accesses;

		if (page->first == 0) {
			page->first = now;
			footprint->nr_pages++;
		} else {
			add_gap(footprint, footprint->gaps, now - page->last);
		}
		page->last = now;
	}
	return 0;
}

int mrc_footprint_access_n(struct mrc_footprint *footprint,
			   const uint64_t *pages, size_t nr_pages)
{
	while (nr_pages > 0) {
		size_t nr = nr_pages < CHUNK ? nr_pages : CHUNK;
		int err = access_chunk(footprint, pages, nr);

		if (err < 0)
			return err;
		pages += nr;
		nr_pages -= nr;
	}
	return 0;
}

int mrc_footprint_access(struct mrc_footprint *footprint, uint64_t page)
{
	return access_chunk(footprint, &page, 1);
}

uint64_t mrc_footprint_nr_accesses(const struct mrc_footprint *footprint)
{
	return footprint->nr_accesses;
}

uint64_t mrc_footprint_nr_pages(const struct mrc_footprint *footprint)
{
	return footprint->nr_pages;
}

/* The gaps of all kinds by bucket, to be freed; NULL without memory. */
static struct gaps *all_gaps(const struct mrc_footprint *footprint)
{
	struct gaps *gaps = malloc(footprint->nr_buckets * sizeof(*gaps));
	size_t i;

	if (gaps == NULL)
		return NULL;
	memcpy(gaps, footprint->gaps, footprint->nr_buckets * sizeof(*gaps));
	for (i = 0; i < mrc_page_ids_nr_pages(&footprint->ids) &&
		    i < footprint->max_pages;
	     i++) {
		const struct page *page = &footprint->pages[i];

		if (page->first == 0)
			continue;
		add_gap(footprint, gaps, page->first);
		add_gap(footprint, gaps,
			footprint->nr_accesses + 1 - page->last);
	}
	return gaps;
}

/* The largest value of a bucket. */
static uint64_t bucket_last(const struct mrc_footprint *footprint, size_t i)
{
	return mrc_bucket_low(footprint->sub_bucket_bits, i) +
	       mrc_bucket_width(footprint->sub_bucket_bits, i) - 1;
}

int mrc_footprint_at(const struct mrc_footprint *footprint, uint64_t window,
		     double *ret_pages)
{
	unsigned int b = footprint->sub_bucket_bits;
	double nr_windows = (double)(footprint->nr_accesses - window) + 1;
	double w = (double)window;
	double missed = 0;
	struct gaps *gaps;
	size_t i;

	if (window > footprint->nr_accesses)
		return -ERANGE;
	gaps = all_gaps(footprint);
	if (gaps == NULL)
		return -ENOMEM;
	for (i = footprint->nr_buckets; i-- > 0;) {
		double width = (double)mrc_bucket_width(b, i);
		double low = (double)mrc_bucket_low(b, i);
		double above = low + width - 1 - w; /* lengths above w */

		if (above <= 0)
			break;
		if (gaps[i].count == 0)
			continue;
		if (above >= width)
			missed += gaps[i].sum - gaps[i].count * w;
		else
			/* 1 at the lower edge, where the sum is exact. */
			missed += (gaps[i].sum - gaps[i].count * (low - 1)) *
				  above * (above + 1) / (width * (width + 1));
	}
	free(gaps);
	*ret_pages = (double)footprint->nr_pages - missed / nr_windows;
	return 0;
}

/*
 * A point at window @w, which @count gaps of together @sum are longer than:
 *
 *	fp(w) = m - (sum - count w) / (n - w + 1)
 *	fp(w + 1) - fp(w) = (count - (m - fp(w))) / (n - w)
 *
 * the latter so that no two large numbers of nearly the same size are subtracted.
 */
static void append_point(const struct mrc_footprint *footprint, uint64_t window,
			 double count, double sum, struct mrc_curve *curve,
			 double *last_size, double *last_ratio)
{
	double w = (double)window;
	double n = (double)footprint->nr_accesses;
	double missing;
	double ratio;

	if (window >= footprint->nr_accesses)
		return;
	missing = (sum - count * w) / (n - w + 1);
	ratio = fmax((count - missing) / (n - w), 0);
	*last_size = fmax(*last_size, (double)footprint->nr_pages - missing);
	*last_ratio = fmin(*last_ratio, ratio);
	mrc_curve_append(curve, *last_size, *last_ratio);
}

int mrc_footprint_curve(const struct mrc_footprint *footprint,
			struct mrc_curve **ret_curve)
{
	struct mrc_curve *curve;
	struct gaps *gaps;
	double last_ratio = 1;
	double last_size = 0;
	double count;
	double sum;
	size_t nr_used = 0;
	size_t i;

	if (footprint->nr_accesses == 0)
		return -ENODATA;
	gaps = all_gaps(footprint);
	if (gaps == NULL)
		return -ENOMEM;
	for (i = 0; i < footprint->nr_buckets; i++)
		nr_used += gaps[i].count != 0;
	curve = mrc_curve_alloc(2 + 2 * nr_used);
	if (curve == NULL) {
		free(gaps);
		return -ENOMEM;
	}

	/* Each page's gaps fill the trace. */
	count = (double)(footprint->nr_accesses + footprint->nr_pages);
	sum = (double)footprint->nr_pages *
	      (double)(footprint->nr_accesses + 1);
	for (i = 0; i < footprint->nr_buckets; i++) {
		if (gaps[i].count == 0)
			continue;
		append_point(footprint,
			     mrc_bucket_low(footprint->sub_bucket_bits, i) - 1,
			     count, sum, curve, &last_size, &last_ratio);
		count -= gaps[i].count;
		sum -= gaps[i].sum;
		append_point(footprint, bucket_last(footprint, i), count, sum,
			     curve, &last_size, &last_ratio);
	}
	mrc_curve_append(curve, fmax(last_size, (double)footprint->nr_pages),
			 last_ratio);
	free(gaps);
	*ret_curve = curve;
	return 0;
}

/* The page numbers of all that @footprint knows, to be freed; never NULL. */
static int copy_pages(const struct mrc_footprint *footprint,
		      uint64_t **ret_pages)
{
	size_t nr_pages = mrc_page_ids_nr_pages(&footprint->ids);
	uint64_t *pages = malloc((nr_pages + 1) * sizeof(*pages));

	if (pages == NULL)
		return -ENOMEM;
	mrc_page_ids_pages(&footprint->ids, pages);
	*ret_pages = pages;
	return 0;
}

int mrc_footprint_merge(struct mrc_footprint *footprint,
			const struct mrc_footprint *later)
{
	size_t nr_later = mrc_page_ids_nr_pages(&later->ids);
	uint64_t before = footprint->nr_accesses;
	uint64_t *pages;
	uint32_t *ids;
	size_t i;
	int err;

	if (footprint->sub_bucket_bits != later->sub_bucket_bits)
		return -EINVAL;
	if (later->nr_accesses > MAX_ACCESSES - before)
		return -EOVERFLOW;
	err = copy_pages(later, &pages);
	if (err < 0)
		return err;
	ids = malloc((nr_later + 1) * sizeof(*ids));
	err = ids == NULL ? -ENOMEM : get_ids(footprint, pages, nr_later, ids);
	if (err < 0)
		goto out;

	for (i = 0; i < footprint->nr_buckets; i++) {
		footprint->gaps[i].count += later->gaps[i].count;
		footprint->gaps[i].sum += later->gaps[i].sum;
	}
	for (i = 0; i < nr_later && i < later->max_pages; i++) {
		const struct page *page = &later->pages[i];
		struct page *merged = &footprint->pages[ids[i]];

		if (page->first == 0)
			continue;
		if (merged->first == 0) {
			merged->first = before + page->first;
			footprint->nr_pages++;
		} else {
			add_gap(footprint, footprint->gaps,
				before + page->first - merged->last);
		}
		merged->last = before + page->last;
	}
	footprint->nr_accesses += later->nr_accesses;
out:
	free(ids);
	free(pages);
	return err;
}
