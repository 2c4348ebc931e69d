/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SHARDS: the LRU miss-ratio curve from a sample of the pages.
 *
 * A page is in the sample if its hash is below a threshold, so all its accesses
 * are seen or none. LRU stack depths are exact within the sample; with a share R
 * of the pages in it, sizes are 1 / R times as large. Two kinds:
 *
 * - fixed rate: R stays, memory grows with the number of sampled pages;
 * - fixed size: at most so many pages. When there is one more, the page with the
 *   largest hash leaves and the threshold falls to its hash. An access counts
 *   1 / R with the R of its time, which is the paper's rescaling of what was
 *   counted before, but for a common factor. Memory is taken once and stays.
 *
 * At rate 1 the curve is that of mrc_lru_curve(). Sampling scales sizes with a
 * relative standard error of about 1 / sqrt(sampled pages): that of 8192 pages
 * is 1.1 %.
 *
 * Source: Waldspurger, Park, Garthwaite, Ahmad: "Efficient MRC Construction with
 * SHARDS", FAST 2015. The correction MRC_SHARDS_REGRESSION is ours; it is the
 * regression estimator of survey sampling, see mrc_shards_curve_corrected().
 *
 *	struct mrc_shards *shards;
 *	struct mrc_curve *curve;
 *	int err = mrc_shards_new(0.01, 0, 42, &shards);
 *	while (err == 0 && (nr = next_pages(pages, 4096)) > 0)
 *		err = mrc_shards_access_n(shards, pages, nr);
 *	if (err == 0)
 *		err = mrc_shards_curve(shards, &curve);
 *	...
 *	mrc_curve_free(curve);
 *	mrc_shards_free(shards);
 *
 * Ownership: the caller frees what a function returns through ret_*, with
 * mrc_shards_free() and mrc_curve_free().
 * Threads: no globals. Functions taking a const object may run in parallel on
 * one object; a function taking it non-const needs it alone.
 * Errors: 0 or -errno; a call that fails changes neither its object nor its
 * outputs, but for mrc_shards_access_n(). Passing NULL where only
 * mrc_shards_free() allows it is undefined.
 */
#ifndef MRC_SHARDS_H
#define MRC_SHARDS_H

#include <stddef.h>
#include <stdint.h>

#include <mrc/curve.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Smallest rate to start with, and the most pages that a sample can hold. */
#define MRC_SHARDS_MIN_RATE 0x1p-32
#define MRC_SHARDS_MAX_PAGES (UINT32_C(1) << 28)

/**
 * enum mrc_shards_correction - how a curve accounts for the number of accesses
 *	that were sampled, which is not R times all of them
 * @MRC_SHARDS_PLAIN: divide by what was sampled
 * @MRC_SHARDS_ADJ: the paper's SHARDS-adj: what was expected and not sampled,
 *	or sampled and not expected, are accesses of depth 0
 * @MRC_SHARDS_REGRESSION: they are accesses of the depths at which the pages
 *	with many accesses have theirs, and sizes are scaled as far as they tell
 *	how many pages are in the sample
 */
enum mrc_shards_correction {
	MRC_SHARDS_PLAIN,
	MRC_SHARDS_ADJ,
	MRC_SHARDS_REGRESSION,
};

/* An estimator; opaque. */
struct mrc_shards;

/**
 * mrc_shards_new() - allocate an estimator that has seen nothing
 * @rate: share of the pages to sample (at first, if @max_pages is not 0), in
 *	[MRC_SHARDS_MIN_RATE, 1]
 * @max_pages: 0 for a fixed rate; else the largest number of pages in the
 *	sample, up to MRC_SHARDS_MAX_PAGES. 8192 take about 800 KiB in all.
 * @seed: any; other seeds choose other pages
 * @ret_shards: the estimator, to be freed with mrc_shards_free()
 *
 * Returns 0; -EINVAL @rate or @max_pages is out of range; -ENOMEM.
 */
int mrc_shards_new(double rate, size_t max_pages, uint64_t seed,
		   struct mrc_shards **ret_shards);

/**
 * mrc_shards_free() - free an estimator
 * @shards: estimator or NULL
 */
void mrc_shards_free(struct mrc_shards *shards);

/**
 * mrc_shards_access() - count one access
 * @shards: estimator
 * @page: page number, any value
 *
 * Returns 0; -ENOMEM, also for more than MRC_SHARDS_MAX_PAGES in the sample;
 * never fails with a fixed size. O(1) for a page that is not sampled, else
 * O(1 + sampled pages / 65536), and O(log @max_pages) for a page that leaves.
 */
int mrc_shards_access(struct mrc_shards *shards, uint64_t page);

/**
 * mrc_shards_access_n() - count many accesses, several times faster
 * @shards: estimator
 * @pages: page numbers in the order of access
 * @nr_pages: any; a few hundred or more are worth it
 *
 * Returns what mrc_shards_access() does. After -ENOMEM the first k accesses were
 * counted and the others not; mrc_shards_nr_accesses() has grown by k.
 */
int mrc_shards_access_n(struct mrc_shards *shards, const uint64_t *pages,
			size_t nr_pages);

/**
 * mrc_shards_nr_accesses() - number of accesses seen, sampled or not
 * @shards: estimator
 */
uint64_t mrc_shards_nr_accesses(const struct mrc_shards *shards);

/**
 * mrc_shards_nr_sampled() - number of pages in the sample; divided by
 * mrc_shards_rate() it estimates how many distinct pages were accessed
 * @shards: estimator
 */
size_t mrc_shards_nr_sampled(const struct mrc_shards *shards);

/**
 * mrc_shards_rate() - R, in (0, 1]: the share of all possible pages that the
 * sample takes; falls in time if the size is fixed
 * @shards: estimator
 */
double mrc_shards_rate(const struct mrc_shards *shards);

/**
 * mrc_shards_curve() - the curve of the accesses so far, corrected by
 * MRC_SHARDS_REGRESSION
 * @shards: estimator with at least one sampled access
 * @ret_curve: the curve, to be freed with mrc_curve_free()
 *
 * Returns what mrc_shards_curve_corrected() does.
 */
int mrc_shards_curve(const struct mrc_shards *shards,
		     struct mrc_curve **ret_curve);

/**
 * mrc_shards_curve_corrected() - the curve of the accesses so far
 * @shards: estimator with at least one sampled access
 * @correction: one of enum mrc_shards_correction
 * @ret_curve: the curve, to be freed with mrc_curve_free()
 *
 * At a fixed rate a sampled depth d stands for the sizes [d / R, (d + 1) / R),
 * over which its accesses are spread evenly. If the size is fixed, depths are
 * counted in the buckets of mrc_bucket_index() with 8 sub-bucket bits, so sizes
 * are off by less than 0.4 % besides.
 *
 * Which correction: ADJ is right where accesses are many or few because of a
 * page that is accessed all the time, since its depths are small. It is wrong
 * where they are because the sample has more or less pages than R promises: in a
 * loop or a scan every access is as deep as the loop is long. REGRESSION tells
 * the two apart by the sample itself. In the first case it does nearly what ADJ
 * does; in the second it also scales sizes by what the number of accesses says
 * of the number of pages.
 *
 * Returns 0; -EINVAL @correction is none; -ENODATA no sampled page was accessed;
 * -ENOMEM. O(distinct sampled pages), or O(1) if the size is fixed.
 */
int mrc_shards_curve_corrected(const struct mrc_shards *shards,
			       enum mrc_shards_correction correction,
			       struct mrc_curve **ret_curve);

/**
 * mrc_shards_merge() - append what another estimator saw later
 * @shards: estimator that saw the first part of a stream
 * @later: estimator that saw the rest, made with the same arguments; not
 *	@shards itself
 *
 * With a fixed rate @shards afterwards holds what it would had it seen the whole
 * stream: the same PLAIN and ADJ curves now and after any further access. Which
 * page was accessed at a depth is not known any more, so the weights by which
 * REGRESSION takes accesses from depths are those of the parts, scaled.
 *
 * With a fixed size the merged sample is that of the whole stream. Cold accesses
 * of the second part count at the depths, cold or not, that those of the pages
 * still in the sample have. This is an estimate like the fixed-size sample
 * itself, and a part that was seen at a higher rate keeps its precision.
 *
 * Returns 0; -EINVAL the arguments of mrc_shards_new() differed; -ENOMEM, also
 * for more than MRC_SHARDS_MAX_PAGES. O(sampled pages).
 */
int mrc_shards_merge(struct mrc_shards *shards, const struct mrc_shards *later);

#ifdef __cplusplus
}
#endif

#endif /* MRC_SHARDS_H */
