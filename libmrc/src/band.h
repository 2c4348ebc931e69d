/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pointwise confidence bands of a curve that was estimated from a sample.
 *
 * The estimate is made again from changed samples, replicates, and how much it
 * differs among them at a size is its variance there. That is all of the error of a
 * sample, through P as well as through the sizes. Where observations are
 * independent, each gets a weight drawn from the Poisson distribution of mean 1.
 * What replicates cannot show is what no observation has: a band is never narrower
 * than the score interval of a share among as many observations, which reaches
 * beyond 0 or 1 per cent where 0 or 100 per cent were seen.
 *
 * Sources: Efron: "Bootstrap methods: another look at the jackknife", Annals of
 * Statistics 7(1), 1979; Wilson: "Probable inference, the law of succession, and
 * statistical inference", JASA 22, 1927.
 */
#ifndef MRC_SRC_BAND_H
#define MRC_SRC_BAND_H

#include <stdbool.h>
#include <stddef.h>

#include <mrc/curve.h>

#include "random.h"

/* Replicates by weights. */
#define MRC_BAND_NR_REPLICATES 40

struct mrc_band {
	const double *sizes; /* increasing, from 0 */
	size_t nr_sizes;
	double *sums; /* over the replicates, of the ratio at each size */
	double *squares;
	size_t nr_replicates;
	size_t nr_free; /* degrees of freedom that the variances have */
};

/* Written so that a NaN fails. */
static inline bool mrc_band_is_level(double level)
{
	return level > 0 && level < 1;
}

/* -ENOMEM. */
int mrc_band_init(struct mrc_band *band, const double *sizes, size_t nr_sizes);
void mrc_band_exit(struct mrc_band *band);

/* Add a replicate's ratios at all sizes. */
void mrc_band_add(struct mrc_band *band, const double *ratios);

/*
 * The two ends around @estimate.
 *
 * @level: probability of each size's interval
 * @spread: what the variance among replicates is times, to be that of an estimate
 * @nr_observed: observations, infinite if there is no error of sampling
 * @nr_exact: so many of the first sizes are known exactly; behind them, sizes are
 *	off by the distance of two
 *
 * -ENOMEM.
 */
int mrc_band_curves(const struct mrc_band *band,
		    const struct mrc_curve *estimate, double level,
		    double spread, double nr_observed, size_t nr_exact,
		    struct mrc_curve **ret_low, struct mrc_curve **ret_high);

/*
 * What lies within [-x, x] of Student's t with @nr_free degrees of freedom, odd, is
 * @level.
 */
double mrc_student_quantile(size_t nr_free, double level);

/* The sum of @count weights; @count is a whole number. */
double mrc_band_weigh(struct mrc_random *random, double count);

/*
 * How many of @nr_at_risk have an event, if @count of them had: a draw that has at
 * least the binomial distribution's variance, up to twice that near 1/2.
 */
double mrc_band_redraw(struct mrc_random *random, double count,
		       double nr_at_risk);

/* From the standard normal distribution. */
double mrc_random_normal(struct mrc_random *random);

#endif /* MRC_SRC_BAND_H */
