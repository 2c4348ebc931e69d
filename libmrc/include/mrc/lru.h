/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Exact LRU stack depths and the exact LRU miss-ratio curve of a trace.
 *
 * The LRU stack holds all pages seen, most recently used on top. The depth of
 * an access is the position of its page before the access, 0 at the top: it
 * hits in a memory of c pages if and only if depth < c. In the trace
 * a b a c b b c a the depths are - - 1 - 2 0 1 2, where - is cold: the page
 * was never seen before.
 *
 * Sources: Mattson, Gecsei, Slutz, Traiger: "Evaluation techniques for storage
 * hierarchies", IBM Systems Journal 9(2), 1970 (stack distances); Bennett,
 * Kruskal: "LRU stack processing", IBM Journal of R&D 19(4), 1975, and Olken:
 * "Efficient methods for calculating the success function of fixed space
 * replacement policies", LBL-12370, 1981 (counting in a tree over last access
 * times, compacted when it is full).
 *
 *	struct mrc_lru *lru;
 *	struct mrc_curve *curve;
 *	int err = mrc_lru_new(&lru);
 *	while (err == 0 && next_page(&page))
 *		err = mrc_lru_access(lru, page, NULL);
 *	if (err == 0)
 *		err = mrc_lru_curve(lru, &curve);
 *	...
 *	mrc_curve_free(curve);
 *	mrc_lru_free(lru);
 *
 * Ownership: the caller frees what a function returns through ret_*, with
 * mrc_lru_free() and mrc_curve_free().
 * Threads: no globals. Functions taking a const stack may run in parallel on
 * one stack; a function taking it non-const needs it alone.
 * Errors: 0 or -errno; a call that fails changes neither the stack nor its
 * outputs. Passing NULL where only mrc_lru_free() and @ret_depth allow it is
 * undefined.
 */
#ifndef MRC_LRU_H
#define MRC_LRU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mrc/curve.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * An LRU stack; opaque. Memory is bounded by the number of distinct pages, not
 * by the length of the trace: at most 28 bytes per page for the table, 16 for the
 * arrays, and 2 for the tree, beyond the first megabytes. A curve takes up to 32 per
 * page while there is one.
 */
struct mrc_lru;

/**
 * struct mrc_lru_depth - where an access found its page
 * @is_cold: the page was never seen before; then @pages is 0
 * @pages: pages above it in the stack
 */
struct mrc_lru_depth {
	bool is_cold;
	uint64_t pages;
};

/**
 * mrc_lru_new() - allocate an empty stack
 * @ret_lru: the stack, to be freed with mrc_lru_free()
 *
 * Returns 0; -ENOMEM.
 */
int mrc_lru_new(struct mrc_lru **ret_lru);

/**
 * mrc_lru_free() - free a stack
 * @lru: stack or NULL
 */
void mrc_lru_free(struct mrc_lru *lru);

/**
 * mrc_lru_access() - count one access
 * @lru: stack
 * @page: page number, any value
 * @ret_depth: where the page was; may be NULL
 *
 * Returns 0; -ENOMEM; -EOVERFLOW there might be 2^31 or more distinct pages.
 * O(log distinct pages), amortised.
 */
int mrc_lru_access(struct mrc_lru *lru, uint64_t page,
		   struct mrc_lru_depth *ret_depth);

/**
 * mrc_lru_access_n() - count accesses in their order
 * @lru: stack
 * @pages: @nr_pages page numbers
 * @nr_pages: any; several times faster than one by one from 256 on
 * @ret_depths: @nr_pages results, or NULL
 *
 * Returns 0; -ENOMEM or -EOVERFLOW as mrc_lru_access(): then the first ones have
 * been counted, as many as mrc_lru_nr_accesses() has grown by, and only their
 * depths are set.
 */
int mrc_lru_access_n(struct mrc_lru *lru, const uint64_t *pages,
		     size_t nr_pages, struct mrc_lru_depth *ret_depths);

/**
 * mrc_lru_merge() - join two parts of a trace
 * @lru: stack of the first part; becomes that of both, exactly
 * @later: another stack, of what followed; stays as it is
 *
 * Returns 0; -ENOMEM; -EOVERFLOW as mrc_lru_access(). Costs as much as two
 * accesses to each page of @later.
 */
int mrc_lru_merge(struct mrc_lru *lru, const struct mrc_lru *later);

/**
 * mrc_lru_nr_accesses() - number of accesses counted, cold ones included
 * @lru: stack
 */
uint64_t mrc_lru_nr_accesses(const struct mrc_lru *lru);

/**
 * mrc_lru_nr_pages() - number of distinct pages, which is that of cold accesses
 * @lru: stack
 */
uint64_t mrc_lru_nr_pages(const struct mrc_lru *lru);

/**
 * mrc_lru_curve() - the exact LRU miss-ratio curve of the accesses so far
 * @lru: stack with at least one access
 * @ret_curve: the curve, to be freed with mrc_curve_free(); exact at every
 *	whole number of pages
 *
 * Cold accesses are misses at every size.
 *
 * Returns 0; -ENODATA nothing was accessed; -ENOMEM. O(distinct pages).
 */
int mrc_lru_curve(const struct mrc_lru *lru, struct mrc_curve **ret_curve);

#ifdef __cplusplus
}
#endif

#endif /* MRC_LRU_H */
