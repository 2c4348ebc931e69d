/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Counter Stacks: the LRU miss-ratio curve from counters of distinct pages.
 *
 * Every d accesses a counter begins to count the distinct pages from there on,
 * and all of them are read. An access of this interval that is new to the counter
 * that began at s, but not to the next older one, was last made between the two:
 * its stack depth lies between their counts. A counter whose count comes within a
 * share delta of an older one's has nothing to tell any more and is dropped, so
 * their number grows with the logarithm of the number of pages.
 *
 * The counters are HyperLogLogs of 2^p registers. They are not kept one by one:
 * for each register and value there is the number of the youngest counter that has
 * seen it, from which the registers of all follow. So an access costs the same
 * however many counters there are, and memory is fixed: about 2^p * 240 bytes
 * besides the counts and a histogram of 100 KiB.
 *
 * Errors: the standard error of a count is 1.04 / sqrt(2^p), 1.6 % for p = 12 and
 * 0.8 % for p = 14; that of all counters is nearly the same one, so sizes come out
 * scaled by it. Steps are smeared over d pages and a share delta of their size.
 *
 * Estimators of consecutive parts can be merged: with each register and value, the
 * interval is kept that was the first to see it, so counters of the first part can
 * go on over the second one. That is ours; the paper joins stacks over a common clock.
 *
 * Sources: Wires, Ingram, Drudi, Harvey, Warfield: "Characterizing Storage
 * Workloads with Counter Stacks", OSDI 2014; Flajolet, Fusy, Gandouet, Meunier:
 * "HyperLogLog", AofA 2007; Ertl: "New cardinality estimation algorithms for
 * HyperLogLog sketches", arXiv 1702.01284, 2017 (the estimate, good for small
 * and large counts); Chabchoub, Hebrail: "Sliding HyperLogLog", ICDM workshops
 * 2010 (registers of all beginnings at once).
 *
 *	struct mrc_counter_stacks *stacks;
 *	struct mrc_curve *curve;
 *	int err = mrc_counter_stacks_new(12, 10000, 0.02, 42, &stacks);
 *	while (err == 0 && (nr = next_pages(pages, 4096)) > 0)
 *		err = mrc_counter_stacks_access_n(stacks, pages, nr);
 *	if (err == 0)
 *		err = mrc_counter_stacks_curve(stacks, &curve);
 *	...
 *	mrc_curve_free(curve);
 *	mrc_counter_stacks_free(stacks);
 *
 * Ownership: the caller frees what a function returns through ret_*, with
 * mrc_counter_stacks_free() and mrc_curve_free().
 * Threads: no globals. Functions taking a const object may run in parallel on
 * one object; a function taking it non-const needs it alone.
 * Errors: 0 or -errno; a call that fails changes neither its object nor its
 * outputs, but for mrc_counter_stacks_access_n(). Passing NULL where only
 * mrc_counter_stacks_free() allows it is undefined.
 */
#ifndef MRC_COUNTER_STACKS_H
#define MRC_COUNTER_STACKS_H

#include <stddef.h>
#include <stdint.h>

#include <mrc/curve.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Ranges of what mrc_counter_stacks_new() takes. */
#define MRC_COUNTER_STACKS_MIN_PRECISION 4
#define MRC_COUNTER_STACKS_MAX_PRECISION 16
#define MRC_COUNTER_STACKS_MAX_INTERVAL (UINT64_C(1) << 40)
#define MRC_COUNTER_STACKS_MIN_PRUNE 0.001
#define MRC_COUNTER_STACKS_MAX_PRUNE 0.5

/* An estimator; opaque. */
struct mrc_counter_stacks;

/**
 * mrc_counter_stacks_new() - allocate an estimator that has seen nothing
 * @precision: p: 2^p registers per counter
 * @interval: d in accesses, 1 to MRC_COUNTER_STACKS_MAX_INTERVAL; each costs a
 *	walk over about 2^p * 20 values, so several thousand are sensible
 * @prune: delta, MRC_COUNTER_STACKS_MIN_PRUNE to MRC_COUNTER_STACKS_MAX_PRUNE;
 *	the paper uses 0.02 and 0.1
 * @seed: any; other seeds hash pages otherwise
 * @ret_stacks: the estimator, to be freed with mrc_counter_stacks_free()
 *
 * Returns 0; -EINVAL an argument is out of range; -ENOMEM.
 */
int mrc_counter_stacks_new(unsigned int precision, uint64_t interval,
			   double prune, uint64_t seed,
			   struct mrc_counter_stacks **ret_stacks);

/**
 * mrc_counter_stacks_free() - free an estimator
 * @stacks: estimator or NULL
 */
void mrc_counter_stacks_free(struct mrc_counter_stacks *stacks);

/**
 * mrc_counter_stacks_access() - count one access
 * @stacks: estimator
 * @page: page number, any value
 *
 * Returns 0; -ENOMEM. O(1), and O(2^p) once per interval.
 */
int mrc_counter_stacks_access(struct mrc_counter_stacks *stacks, uint64_t page);

/**
 * mrc_counter_stacks_access_n() - count many accesses, faster than one by one
 * @stacks: estimator
 * @pages: page numbers in the order of access
 * @nr_pages: any
 *
 * Returns 0; -ENOMEM: then the first k accesses were counted and the others not;
 * mrc_counter_stacks_nr_accesses() has grown by k.
 */
int mrc_counter_stacks_access_n(struct mrc_counter_stacks *stacks,
				const uint64_t *pages, size_t nr_pages);

/**
 * mrc_counter_stacks_nr_accesses() - number of accesses so far
 * @stacks: estimator
 */
uint64_t
mrc_counter_stacks_nr_accesses(const struct mrc_counter_stacks *stacks);

/**
 * mrc_counter_stacks_nr_counters() - number of counters that are kept, at most
 * 1 + ln(distinct pages) / delta and one begun
 * @stacks: estimator
 */
size_t mrc_counter_stacks_nr_counters(const struct mrc_counter_stacks *stacks);

/**
 * mrc_counter_stacks_curve() - the curve of the accesses so far, an interval
 * that has only begun included
 * @stacks: estimator with at least one access
 * @ret_curve: the curve, to be freed with mrc_curve_free()
 *
 * Returns 0; -ENODATA nothing was accessed; -ENOMEM. O(2^p + counters).
 */
int mrc_counter_stacks_curve(const struct mrc_counter_stacks *stacks,
			     struct mrc_curve **ret_curve);

/**
 * mrc_counter_stacks_merge() - append what another estimator saw later
 * @stacks: estimator that saw the first part of a stream
 * @later: estimator that saw the rest, made with the same arguments; not
 *	@stacks itself
 *
 * The counters are those that an estimator of the whole stream would have, where
 * the first part is a whole number of intervals; its last one ends with it otherwise.
 * They are dropped at other times, so the curve is not the same, but as near to the
 * exact one. @later ends with an interval that has only begun, if it does.
 *
 * Returns 0; -EINVAL the arguments of mrc_counter_stacks_new() differed;
 * -EOVERFLOW the accesses would not fit 64 bits, or the intervals 32; -ENOMEM.
 * O(2^p) for each interval of @later that saw something new.
 */
int mrc_counter_stacks_merge(struct mrc_counter_stacks *stacks,
			     const struct mrc_counter_stacks *later);

#ifdef __cplusplus
}
#endif

#endif /* MRC_COUNTER_STACKS_H */
