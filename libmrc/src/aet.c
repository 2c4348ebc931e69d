// SPDX-License-Identifier: LGPL-2.1-or-later
#include <mrc/aet.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "band.h"
#include "curve_points.h"
#include "hist_counts.h"

__extension__ typedef unsigned __int128 mrc_u128;

/*
 * The integral of P from 0 to @time, walked from bucket to bucket.
 *
 * P is a step function that changes at whole reuse times only, so the integral
 * is a sum of P(t) over t < @time. It is kept as an integer, times twice the
 * total, and stays exact: the loop over N pages must fall at N, not at N plus
 * what rounding left behind. At most 2^(1 + VALUE_BITS + 64) < 2^128.
 */
struct integral {
	uint64_t total;
	uint64_t time;
	uint64_t nr_longer; /* accesses with a longer reuse time than @time */
	mrc_u128 twice_sum;
};

/* On to @time over reuse times that nothing has. */
static void skip_to(struct integral *integral, uint64_t time)
{
	integral->twice_sum +=
		(mrc_u128)2 * integral->nr_longer * (time - integral->time);
	integral->time = time;
}

/*
 * On over the next @width reuse times, which @count accesses share evenly:
 * the sum of (nr_longer - j * count / width) for j in [0, width).
 */
static void cross_bucket(struct integral *integral, uint64_t width,
			 uint64_t count)
{
	integral->twice_sum += (mrc_u128)2 * integral->nr_longer * width -
			       (mrc_u128)count * (width - 1);
	integral->time += width;
	integral->nr_longer -= count;
}

static void append_point(struct mrc_curve *curve,
			 const struct integral *integral, double inverse_rate)
{
	mrc_u128 twice_total = (mrc_u128)2 * integral->total;
	uint64_t whole = (uint64_t)(integral->twice_sum / twice_total);
	mrc_u128 rest = integral->twice_sum % twice_total;

	mrc_curve_append(curve,
			 ((double)whole + (double)rest / (double)twice_total) *
				 inverse_rate,
			 (double)integral->nr_longer / (double)integral->total);
}

/*
 * The product-limit estimate of P, walked from bucket to bucket. In double
 * precision, because it is a product of as many ratios as there are buckets.
 */
struct survival {
	const struct mrc_hist *hist;
	struct mrc_random *random; /* draws the events anew, if not NULL */
	double at_risk;
	double value;
};

static struct survival survival_of(const struct mrc_hist *hist)
{
	return (struct survival){
		.hist = hist,
		.at_risk = (double)hist->total - (double)hist->nr_entered,
		.value = 1,
	};
}

/*
 * On over bucket @i. Those that are censored or enter in it are at risk for half of
 * it, where it holds more than one reuse time. Where it holds one, the former are, as
 * they got that far, and the latter are not. Returns by how much the value falls.
 */
static double cross(struct survival *survival, size_t i)
{
	const struct mrc_hist *hist = survival->hist;
	double events = (double)hist->counts[i];
	double censored = hist->censored != NULL ? (double)hist->censored[i] :
						   0;
	double entered = hist->entered != NULL ? (double)hist->entered[i] : 0;
	double exposed = survival->at_risk;
	double drop = 0;

	if (mrc_bucket_width(hist->sub_bucket_bits, i) > 1)
		exposed += (entered - censored) / 2;
	survival->at_risk += entered - events - censored;
	if (survival->random != NULL)
		events = mrc_band_redraw(survival->random, events, exposed);
	/* Also where counts contradict each other, as those read at once may. */
	if (events > 0)
		drop = survival->value *
		       (events < exposed ? events / exposed : 1);
	survival->value -= drop;
	return drop;
}

/*
 * The same as in mrc_aet_curve() where some accesses are censored. With events drawn
 * by @random, if that is not NULL.
 */
static void append_survival(struct mrc_curve *curve,
			    const struct mrc_hist *hist,
			    struct mrc_random *random, double inverse_rate)
{
	struct survival survival = survival_of(hist);
	unsigned int b = hist->sub_bucket_bits;
	double sum = 0;
	double time = 0;
	size_t i;

	survival.random = random;
	for (i = 0; i < hist->nr_buckets; i++) {
		double low = (double)mrc_bucket_low(b, i);
		double width = (double)mrc_bucket_width(b, i);
		double before = survival.value;
		double drop = cross(&survival, i);

		if (hist->counts[i] == 0)
			continue;
		sum += before * (low - 1 - time);
		mrc_curve_append(curve, sum * inverse_rate, before);
		sum += width * before - drop * (width - 1) / 2;
		time = low + width - 1;
		mrc_curve_append(curve, sum * inverse_rate, survival.value);
	}
}

static size_t count_used_buckets(const struct mrc_hist *hist)
{
	size_t nr_buckets = mrc_hist_nr_buckets(hist);
	size_t nr_used = 0;
	size_t i;

	for (i = 0; i < nr_buckets; i++) {
		uint64_t count = 0;

		(void)mrc_hist_bucket(hist, i, &count);
		nr_used += count != 0;
	}
	return nr_used;
}

int mrc_aet_curve(const struct mrc_hist *hist, double inverse_rate,
		  struct mrc_curve **ret_curve)
{
	struct integral integral = {
		.total = mrc_hist_total(hist),
		.nr_longer = mrc_hist_total(hist),
	};
	size_t nr_buckets = mrc_hist_nr_buckets(hist);
	unsigned int b = mrc_hist_sub_bucket_bits(hist);
	struct mrc_curve *curve;
	size_t i;

	/* Written so that a NaN fails. */
	if (!(inverse_rate >= 1 && inverse_rate <= MRC_AET_MAX_INVERSE_RATE))
		return -EINVAL;
	if (integral.total == 0)
		return -ENODATA;
	curve = mrc_curve_alloc(1 + 2 * count_used_buckets(hist));
	if (curve == NULL)
		return -ENOMEM;

	if (hist->nr_censored > 0 || hist->nr_entered > 0) {
		append_survival(curve, hist, NULL, inverse_rate);
		*ret_curve = curve;
		return 0;
	}
	for (i = 0; i < nr_buckets; i++) {
		uint64_t count = 0;

		(void)mrc_hist_bucket(hist, i, &count);
		if (count == 0)
			continue;
		skip_to(&integral, mrc_bucket_low(b, i) - 1);
		append_point(curve, &integral, inverse_rate);
		cross_bucket(&integral, mrc_bucket_width(b, i), count);
		append_point(curve, &integral, inverse_rate);
	}
	*ret_curve = curve;
	return 0;
}

int mrc_aet_writeback_curve(const struct mrc_hist *hist,
			    const struct mrc_hist *writes, double inverse_rate,
			    struct mrc_curve **ret_curve)
{
	unsigned int b = hist->sub_bucket_bits;
	struct survival accessed = survival_of(hist);
	struct survival written = survival_of(writes);
	double share_written = written.at_risk / accessed.at_risk;
	struct mrc_curve *curve;
	double sum = 0;
	double time = 0;
	size_t i;

	if (writes->sub_bucket_bits != b || writes->total > hist->total)
		return -EINVAL;
	if (!(inverse_rate >= 1 && inverse_rate <= MRC_AET_MAX_INVERSE_RATE))
		return -EINVAL;
	if (writes->total == 0)
		return -ENODATA;
	curve = mrc_curve_alloc(1 + 2 * (count_used_buckets(hist) +
					 count_used_buckets(writes)));
	if (curve == NULL)
		return -ENOMEM;
	for (i = 0; i < hist->nr_buckets; i++) {
		double low = (double)mrc_bucket_low(b, i);
		double width = (double)mrc_bucket_width(b, i);
		double before = accessed.value;
		double ratio = fmin(written.value, before / share_written);
		double drop = cross(&accessed, i);

		(void)cross(&written, i);
		if (hist->counts[i] == 0 && writes->counts[i] == 0)
			continue;
		sum += before * (low - 1 - time);
		mrc_curve_append(curve, sum * inverse_rate, ratio);
		sum += width * before - drop * (width - 1) / 2;
		time = low + width - 1;
		mrc_curve_append(curve, sum * inverse_rate,
				 fmin(written.value,
				      accessed.value / share_written));
	}
	*ret_curve = curve;
	return 0;
}

/* Counts are divided by 2^@shift, so that a total of weights fits 64 bits. */
static unsigned int shift_of(const struct mrc_hist *hist)
{
	unsigned int log2 = 63 - (unsigned int)__builtin_clzll(hist->total);

	return log2 > 52 ? log2 - 52 : 0;
}

/* The histogram of the same observations, each with a weight drawn anew. */
static void weigh(const struct mrc_hist *hist, struct mrc_random *random,
		  struct mrc_hist *weighed)
{
	unsigned int shift = shift_of(hist);
	size_t i;

	mrc_hist_clear(weighed);
	weighed->cold =
		(uint64_t)mrc_band_weigh(random, (double)(hist->cold >> shift));
	weighed->total = weighed->cold;
	for (i = 0; i < hist->nr_buckets; i++) {
		weighed->counts[i] = (uint64_t)mrc_band_weigh(
			random, (double)(hist->counts[i] >> shift));
		weighed->total += weighed->counts[i];
		if (hist->nr_censored == 0)
			continue;
		weighed->censored[i] = (uint64_t)mrc_band_weigh(
			random, (double)(hist->censored[i] >> shift));
		weighed->nr_censored += weighed->censored[i];
		weighed->total += weighed->censored[i];
	}
}

/*
 * The curve of other events among the same accesses at risk: the weights of what
 * enters and of what leaves are those of the same accesses, which a histogram does
 * not tell, so weights of their own would be noise that there is not. ("Weird
 * bootstrap": Andersen, Borgan, Gill, Keiding: "Statistical Models Based on Counting
 * Processes", IV.1.4.)
 */
static int redraw(const struct mrc_hist *hist, struct mrc_random *random,
		  double inverse_rate, struct mrc_curve **ret_curve)
{
	struct mrc_curve *curve =
		mrc_curve_alloc(1 + 2 * count_used_buckets(hist));

	if (curve == NULL)
		return -ENOMEM;
	append_survival(curve, hist, random, inverse_rate);
	*ret_curve = curve;
	return 0;
}

/*
 * One in T pages is sampled. Of c pages, that is a number with the variance
 * c / T * (1 - 1 / T), so the size that is taken for c has c * (T - 1). The
 * factor 1 - 1 / T is left to @spread of mrc_band_curves(). -ENOMEM.
 */
static int add_replicates(const struct mrc_hist *hist, double inverse_rate,
			  double *ratios, struct mrc_band *band)
{
	struct mrc_random random = { .state = hist->total };
	struct mrc_hist *weighed;
	int err;

	err = mrc_hist_new(hist->sub_bucket_bits, &weighed);
	if (err < 0)
		return err;
	if (hist->nr_censored > 0)
		err = mrc_hist_need_censored(weighed);
	while (err == 0 && band->nr_replicates < MRC_BAND_NR_REPLICATES) {
		double shift = mrc_random_normal(&random);
		struct mrc_curve *curve;
		size_t i;

		if (hist->nr_entered > 0) {
			err = redraw(hist, &random, inverse_rate, &curve);
		} else {
			weigh(hist, &random, weighed);
			err = mrc_aet_curve(weighed, inverse_rate, &curve);
		}
		/* Few observations may all have gone. */
		if (err == -ENODATA)
			err = mrc_curve_new(&(double){ 0 }, &(double){ 1 }, 1,
					    &curve);
		if (err < 0)
			break;
		for (i = 0; i < band->nr_sizes; i++) {
			double size = band->sizes[i];

			size += shift * sqrt(size * inverse_rate);
			ratios[i] = mrc_curve_at(curve, fmax(size, 0));
		}
		mrc_band_add(band, ratios);
		mrc_curve_free(curve);
	}
	mrc_hist_free(weighed);
	return err;
}

/* Some deviations behind the curve's end, the band ends, too. */
static double *new_sizes(const struct mrc_hist *hist, double inverse_rate,
			 const struct mrc_curve *curve, size_t *ret_nr)
{
	double max = mrc_curve_max_pages(curve) / inverse_rate;
	unsigned int b = hist->sub_bucket_bits;
	size_t nr = 2 + mrc_bucket_index(b, (uint64_t)(max + 6 * sqrt(max)));
	double *sizes = malloc(nr * sizeof(*sizes));
	size_t i;

	for (i = 0; sizes != NULL && i < nr; i++)
		sizes[i] = (double)mrc_bucket_low(b, i) * inverse_rate;
	*ret_nr = nr;
	return sizes;
}

/* @curve is the estimate. -ENOMEM. */
static int band_around(const struct mrc_hist *hist, double inverse_rate,
		       const struct mrc_curve *curve, double level,
		       struct mrc_curve **ret_low, struct mrc_curve **ret_high)
{
	double share_unseen = 1 - 1 / inverse_rate;
	double nr_observed = (double)hist->total;
	struct mrc_band band = { 0 };
	double *ratios = NULL;
	double *sizes;
	size_t nr;
	int err = -ENOMEM;

	sizes = new_sizes(hist, inverse_rate, curve, &nr);
	if (sizes != NULL)
		err = mrc_band_init(&band, sizes, nr);
	if (err == 0) {
		ratios = malloc(nr * sizeof(*ratios));
		err = ratios == NULL ? -ENOMEM : 0;
	}
	/* Most of what enters and is censored again was hardly watched. */
	if (hist->nr_entered > 0)
		nr_observed = fmax(nr_observed - (double)hist->nr_censored, 1);
	band.nr_free = MRC_BAND_NR_REPLICATES - 1;
	if (err == 0 && share_unseen > 0)
		err = add_replicates(hist, inverse_rate, ratios, &band);
	if (err == 0)
		err = mrc_band_curves(&band, curve, level, share_unseen,
				      share_unseen > 0 ?
					      nr_observed / share_unseen :
					      INFINITY,
				      0, ret_low, ret_high);
	mrc_band_exit(&band);
	free(ratios);
	free(sizes);
	return err;
}

int mrc_aet_band(const struct mrc_hist *hist, double inverse_rate, double level,
		 struct mrc_curve **ret_low, struct mrc_curve **ret_high)
{
	struct mrc_curve *curve;
	int err;

	if (!mrc_band_is_level(level))
		return -EINVAL;
	err = mrc_aet_curve(hist, inverse_rate, &curve);
	if (err < 0)
		return err;
	err = band_around(hist, inverse_rate, curve, level, ret_low, ret_high);
	mrc_curve_free(curve);
	return err;
}
