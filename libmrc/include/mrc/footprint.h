/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Average footprint: how many distinct pages a window of w accesses has, on
 * average over all windows of a trace, and the miss-ratio curve from that.
 *
 * In a trace of n accesses to m pages, number the accesses from 1. The gaps of a
 * page are: from 0 to its first access, from each access to the next (its reuse
 * time), from its last access to n + 1. A window of w accesses misses the page
 * if and only if it lies between the ends of one of them, and a gap of length L
 * has room for L - w such windows. Of the n - w + 1 windows of the trace the
 * average is therefore
 *
 *	fp(w) = m - (sum over all gaps with L > w of (L - w)) / (n - w + 1)
 *
 * which needs the numbers of gaps by length only: linear time, all windows.
 * Where an average window fills a memory, the next access misses with the
 * probability that it makes the footprint larger:
 *
 *	MRC(fp(w)) = fp(w + 1) - fp(w)
 *
 * The footprint is exact; the curve supposes that windows are like the average
 * one. Only gaps between the same page's accesses count as reuse: as w comes
 * near n, all pages are in the window and the curve falls to 0, while the curves
 * of mrc_lru_curve() and mrc_aet_curve() end at the share of cold accesses.
 *
 * Sources: Xiang, Bao, Ding, Gao: "Linear-time Modeling of Program Working Set
 * in Shared Cache", PACT 2011 (the formula); Xiang, Ding, Luo, Bao: "HOTL: a
 * Higher Order Theory of Locality", ASPLOS 2013 (the miss ratio).
 *
 *	struct mrc_footprint *footprint;
 *	double pages;
 *	int err = mrc_footprint_new(7, &footprint);
 *	while (err == 0 && (nr = next_pages(batch, 4096)) > 0)
 *		err = mrc_footprint_access_n(footprint, batch, nr);
 *	if (err == 0)
 *		err = mrc_footprint_at(footprint, 1000000, &pages);
 *	...
 *	mrc_footprint_free(footprint);
 *
 * Ownership: the caller frees what a function returns through ret_*, with
 * mrc_footprint_free() and mrc_curve_free().
 * Threads: no globals. Functions taking a const object may run in parallel on
 * one object; a function taking it non-const needs it alone.
 * Errors: 0 or -errno; a call that fails changes neither its object nor its
 * outputs, but for mrc_footprint_access_n(). Passing NULL where only
 * mrc_footprint_free() allows it is undefined.
 */
#ifndef MRC_FOOTPRINT_H
#define MRC_FOOTPRINT_H

#include <stddef.h>
#include <stdint.h>

#include <mrc/curve.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A streaming counter of gaps; opaque. Takes at most 60 bytes per distinct page,
 * while its arrays grow, besides the buckets of gap lengths.
 */
struct mrc_footprint;

/**
 * mrc_footprint_new() - allocate a counter that has seen nothing
 * @sub_bucket_bits: b of the buckets of gap lengths, as in mrc_hist_new(), 0 to
 *	MRC_HIST_MAX_SUB_BUCKET_BITS; takes twice the memory
 * @ret_footprint: the counter, to be freed with mrc_footprint_free()
 *
 * Returns 0; -EINVAL @sub_bucket_bits is out of range; -ENOMEM.
 */
int mrc_footprint_new(unsigned int sub_bucket_bits,
		      struct mrc_footprint **ret_footprint);

/**
 * mrc_footprint_free() - free a counter
 * @footprint: counter or NULL
 */
void mrc_footprint_free(struct mrc_footprint *footprint);

/**
 * mrc_footprint_access() - count one access
 * @footprint: counter
 * @page: page number, any value
 *
 * Returns 0; -ENOMEM; -EOVERFLOW there would be more than about 2^32 pages, or
 * more than 2^MRC_HIST_VALUE_BITS - 2 accesses. O(1) on average.
 */
int mrc_footprint_access(struct mrc_footprint *footprint, uint64_t page);

/**
 * mrc_footprint_access_n() - count many accesses, faster than one by one
 * @footprint: counter
 * @pages: page numbers in the order of access
 * @nr_pages: any
 *
 * Returns what mrc_footprint_access() does. After an error the first k accesses
 * were counted and the others not; mrc_footprint_nr_accesses() has grown by k.
 */
int mrc_footprint_access_n(struct mrc_footprint *footprint,
			   const uint64_t *pages, size_t nr_pages);

/**
 * mrc_footprint_nr_accesses() - n, the number of accesses so far
 * @footprint: counter
 */
uint64_t mrc_footprint_nr_accesses(const struct mrc_footprint *footprint);

/**
 * mrc_footprint_nr_pages() - m, the number of distinct pages so far
 * @footprint: counter
 */
uint64_t mrc_footprint_nr_pages(const struct mrc_footprint *footprint);

/**
 * mrc_footprint_at() - fp(w), the average footprint
 * @footprint: counter
 * @window: w in accesses, 0..mrc_footprint_nr_accesses()
 * @ret_pages: the average number of distinct pages in a window
 *
 * Exact, but for the rounding of a double, if w + 1 begins a bucket of gap
 * lengths, as all up to 2^(b + 1) do. Between, the gaps in the bucket are taken
 * to be spread evenly.
 *
 * Returns 0; -ERANGE there is no window so long; -ENOMEM. O(pages + buckets).
 */
int mrc_footprint_at(const struct mrc_footprint *footprint, uint64_t window,
		     double *ret_pages);

/**
 * mrc_footprint_curve() - the miss-ratio curve by HOTL
 * @footprint: counter with at least one access
 * @ret_curve: the curve, to be freed with mrc_curve_free()
 *
 * Has a point (fp(w), fp(w + 1) - fp(w)) on both sides of each bucket in use.
 * Where the average over a finite trace makes the ratio rise with the size, as it
 * can for windows nearly as long as the trace, the last one stays.
 *
 * Returns 0; -ENODATA nothing was accessed; -ENOMEM. O(pages + buckets).
 */
int mrc_footprint_curve(const struct mrc_footprint *footprint,
			struct mrc_curve **ret_curve);

/**
 * mrc_footprint_merge() - append what another counter saw later
 * @footprint: counter that saw the first part of a stream
 * @later: counter that saw the rest; not @footprint itself
 *
 * Afterwards @footprint is as if it had seen the whole stream: exact.
 *
 * Returns 0; -EINVAL their sub_bucket_bits differ; -ENOMEM or -EOVERFLOW as
 * mrc_footprint_access(). O(pages + buckets).
 */
int mrc_footprint_merge(struct mrc_footprint *footprint,
			const struct mrc_footprint *later);

#ifdef __cplusplus
}
#endif

#endif /* MRC_FOOTPRINT_H */
