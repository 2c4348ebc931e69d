/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The curve of a trace in several parts with reuse times of their own.
 *
 * AET takes the past of an access to be like the access: it integrates the
 * survival function of the present over ages. Where the trace changes, that is
 * wrong, and the pages in memory are those of the past. The number of distinct
 * pages among the last t accesses before time i is
 *
 *	D(i, t) = sum over s in [0, t) of S(s, at time i - t + s)
 *
 * where S(s, at time j) is the probability that the page accessed at j was not
 * accessed in the s accesses before. (Those are the first accesses within the
 * stretch, each page once.) With one S for all times this is AET. Here every part
 * has its S, the product-limit estimate from its reuse times; accesses are then
 * misses at size c if their reuse time is longer than the t with D(i, t) = c.
 *
 * In a sample of pages, the number of accesses observed is itself random, and a
 * page with many accesses that is in it, or is not, shifts every share. But how
 * many there should be is known. The regression estimate of a share X / N is
 *
 *	X T / N - slope * (n T / N - 1)
 *
 * with n observed at inverse rate T, and the slope of X over n among the groups of
 * the sample: 0 when the surplus is that of hot pages, whose reuse times are
 * short, and 1 when it is that of a loop, all of whose reuse times are longer.
 *
 * Sources: Cochran: "Sampling Techniques", 1977, ch. 7 (regression estimate);
 * Hu et al., ATC 2016 (AET); Xiang, Ding, Luo, Bao: "HOTL: a higher
 * order theory of locality", ASPLOS 2013 (footprint); Kaplan, Meier:
 * "Nonparametric estimation from incomplete observations", JASA 53, 1958.
 * That the past has its own survival function is ours.
 */
#ifndef MRC_SRC_AET_PARTS_H
#define MRC_SRC_AET_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include <mrc/hist.h>

/*
 * Observed accesses of one part by bucket of their reuse time. An access is
 * expected to be seen in a part of either its beginning or its end: a trace read
 * backwards has the same stack distances.
 */
struct mrc_part {
	double length; /* in accesses, sampled or not */
	double nr_observed;
	const double *events; /* reused after so long */
	const double *censored; /* not reused within so long */
	/*
	 * Likewise, but the trace went on: whether those are misses is not known.
	 * They are taken to be like others that were not reused for as long.
	 */
	const double *lost;
};

struct mrc_parts {
	unsigned int sub_bucket_bits;
	size_t nr_buckets; /* of each array */
	size_t nr_parts; /* in the order of time */
	struct mrc_part *parts;
	/*
	 * Of a sample of pages, else 0 and NULL: accesses that one observed is
	 * expected to stand for, and by bucket, how much the number of accesses
	 * with a longer reuse time grows with the number observed.
	 */
	double inverse_rate;
	const double *slopes;
};

/*
 * The miss ratio at @nr_sizes sizes in pages, increasing from 0: what an LRU
 * memory that starts empty has, first accesses included. -ENOMEM.
 */
int mrc_parts_ratios(const struct mrc_parts *parts, const double *sizes,
		     size_t nr_sizes, double *ret_ratios);

#endif /* MRC_SRC_AET_PARTS_H */
