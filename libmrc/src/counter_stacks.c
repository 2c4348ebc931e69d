// SPDX-License-Identifier: LGPL-2.1-or-later
#include <mrc/counter_stacks.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <mrc/hist.h>

#include "curve_points.h"
#include "random.h"

/* Register values 1..40: enough for 2^(40 + p) distinct pages. */
#define NR_VALUES 40
#define MIN_COUNTERS 64

/* ISO C has no name for it. */
#define LN_2 0.69314718055994530942

/* Of the depths: 0.8 %, finer than the counters are. */
#define SUB_BUCKET_BITS 7
#define MAX_VALUE_BITS (NR_VALUES + MRC_COUNTER_STACKS_MAX_PRECISION + 1)

/* By counter, the oldest first. */
struct reading {
	double count; /* distinct pages */
	/* On the way to it: registers above 0, and the sum of their 2^-value. */
	uint64_t nr_set;
	uint64_t sum; /* in 2^-NR_VALUES */
};

struct mrc_counter_stacks {
	unsigned int precision;
	uint64_t interval;
	double prune;
	uint64_t salt;

	uint64_t nr_accesses;
	uint64_t nr_in_interval;

	/*
	 * By register and value - 1: the number, from 1, of the youngest counter
	 * that saw it; 0 if none did. All older ones saw it, too. At most
	 * 1 + ln(2^64) / MIN_PRUNE = 44 363 counters, and one begun.
	 */
	uint16_t *youngest;
	unsigned int max_value; /* largest so far */
	/*
	 * By register and value - 1: the number, from 1, of the interval that was
	 * the first to see it; 0 if none has ended that did. What an estimator of
	 * what came before would have counted follows from it.
	 */
	uint32_t *first;
	uint64_t nr_intervals; /* that have ended */

	size_t nr_counters; /* the last one began with the interval */
	size_t max_counters;
	double *counts; /* at the end of the last interval, 0 for the last one */
	struct reading *readings; /* what the next end needs: nr_counters + 2 */
	uint16_t *moved; /* new numbers of counters, and 0 for 0 */

	double *depths; /* accesses by bucket; below 0 by noise; no cold ones */
};

static size_t nr_registers(const struct mrc_counter_stacks *stacks)
{
	return (size_t)1 << stacks->precision;
}

static size_t nr_buckets(void)
{
	return mrc_bucket_count(SUB_BUCKET_BITS, MAX_VALUE_BITS);
}

int mrc_counter_stacks_new(unsigned int precision, uint64_t interval,
			   double prune, uint64_t seed,
			   struct mrc_counter_stacks **ret_stacks)
{
	struct mrc_counter_stacks *stacks;

	/* Written so that a NaN fails. */
	if (precision < MRC_COUNTER_STACKS_MIN_PRECISION ||
	    precision > MRC_COUNTER_STACKS_MAX_PRECISION || interval == 0 ||
	    interval > MRC_COUNTER_STACKS_MAX_INTERVAL ||
	    !(prune >= MRC_COUNTER_STACKS_MIN_PRUNE &&
	      prune <= MRC_COUNTER_STACKS_MAX_PRUNE))
		return -EINVAL;
	stacks = calloc(1, sizeof(*stacks));
	if (stacks == NULL)
		return -ENOMEM;
	stacks->precision = precision;
	stacks->interval = interval;
	stacks->prune = prune;
	stacks->salt = mrc_mix64(seed + UINT64_C(0x9e3779b97f4a7c15));
	stacks->youngest = calloc(nr_registers(stacks) * NR_VALUES,
				  sizeof(*stacks->youngest));
	stacks->first = calloc(nr_registers(stacks) * NR_VALUES,
			       sizeof(*stacks->first));
	stacks->depths = calloc(nr_buckets(), sizeof(*stacks->depths));
	if (stacks->youngest == NULL || stacks->first == NULL ||
	    stacks->depths == NULL) {
		mrc_counter_stacks_free(stacks);
		return -ENOMEM;
	}
	*ret_stacks = stacks;
	return 0;
}

void mrc_counter_stacks_free(struct mrc_counter_stacks *stacks)
{
	if (stacks == NULL)
		return;
	free(stacks->youngest);
	free(stacks->first);
	free(stacks->counts);
	free(stacks->readings);
	free(stacks->moved);
	free(stacks->depths);
	free(stacks);
}

/* Begin a counter, with room for all that the end of its interval needs. */
static int begin_counter(struct mrc_counter_stacks *stacks)
{
	if (stacks->nr_counters == stacks->max_counters) {
		size_t nr = stacks->max_counters + MIN_COUNTERS +
			    stacks->max_counters / 2;
		double *counts;
		struct reading *readings;
		uint16_t *moved;

		counts = realloc(stacks->counts, nr * sizeof(*counts));
		if (counts == NULL)
			return -ENOMEM;
		stacks->counts = counts;
		readings =
			realloc(stacks->readings, (nr + 2) * sizeof(*readings));
		if (readings == NULL)
			return -ENOMEM;
		stacks->readings = readings;
		moved = realloc(stacks->moved, (nr + 1) * sizeof(*moved));
		if (moved == NULL)
			return -ENOMEM;
		stacks->moved = moved;
		stacks->max_counters = nr;
	}
	stacks->counts[stacks->nr_counters++] = 0;
	return 0;
}

/* Ertl's sigma: what registers that are still 0 add, for their share. */
static double sigma(double share)
{
	double sum = share;
	double factor = 1;
	double last;

	if (share == 1)
		return INFINITY;
	do {
		last = sum;
		share *= share;
		sum += share * factor;
		factor *= 2;
	} while (sum != last);
	return sum;
}

/* What all counters count now; @readings has two more elements than counters. */
static void read_counters(const struct mrc_counter_stacks *stacks,
			  struct reading *readings)
{
	double m = (double)nr_registers(stacks);
	uint64_t nr_set = 0;
	uint64_t sum = 0;
	size_t i;

	/* By number, from 1: first the differences to the next older one. */
	memset(readings, 0, (stacks->nr_counters + 2) * sizeof(*readings));
	for (i = 0; i < nr_registers(stacks); i++) {
		const uint16_t *youngest = &stacks->youngest[i * NR_VALUES];
		unsigned int value;
		size_t done = 0;

		/* Those up to @done have a larger value here. */
		for (value = stacks->max_value; value > 0; value--) {
			uint64_t unit = UINT64_C(1) << (NR_VALUES - value);
			size_t number = youngest[value - 1];

			if (number <= done)
				continue;
			readings[done + 1].sum += unit;
			readings[number + 1].sum -= unit;
			done = number;
		}
		readings[1].nr_set++;
		readings[done + 1].nr_set--;
	}
	for (i = 0; i < stacks->nr_counters; i++) {
		double z;

		nr_set += readings[i + 1].nr_set;
		sum += readings[i + 1].sum;
		z = ldexp((double)sum, -NR_VALUES) +
		    m * sigma((m - (double)nr_set) / m);
		readings[i].count = m * m / (2 * LN_2 * z);
	}
}

/* Count @nr accesses at the depths [@low, @high), spread evenly. */
static void add_depths(double *depths, double low, double high, double nr)
{
	size_t i = mrc_bucket_index(SUB_BUCKET_BITS, (uint64_t)low);
	double width = high - low;
	double from = low;

	while (width >= 1) {
		double end = (double)(mrc_bucket_low(SUB_BUCKET_BITS, i) +
				      mrc_bucket_width(SUB_BUCKET_BITS, i));

		if (end >= high)
			break;
		depths[i++] += nr * (end - from) / width;
		from = end;
	}
	depths[i] += width >= 1 ? nr * (high - from) / width : nr;
}

/*
 * Count accesses of an interval by depth: those new to counter i and not to the one
 * before it lie between their counts, on average over the interval. @fresh are new
 * to all but the oldest @nr_counters counters, and below @low. Differences below 0
 * are noise of the counters like those above; the sum of all and the cold ones is
 * what was accessed, so they are kept.
 */
static void add_fresh(const double *counts, const struct reading *readings,
		      size_t nr_counters, double fresh, double low,
		      double *depths)
{
	size_t i;

	for (i = nr_counters; i-- > 0;) {
		double is_new = readings[i].count - counts[i];
		double high = (readings[i].count + counts[i]) / 2;

		add_depths(depths, low, fmax(high, low), fresh - is_new);
		fresh = is_new;
		low = high;
	}
}

/* Within the interval that began with it, the youngest counter counts from 0 on. */
static void add_interval(const struct mrc_counter_stacks *stacks,
			 const struct reading *readings, double *depths)
{
	size_t last = stacks->nr_counters - 1;
	double count = readings[last].count;

	add_depths(depths, 0, count, (double)stacks->nr_in_interval - count);
	add_fresh(stacks->counts, readings, last, count, count / 2, depths);
}

/* Drop counters that are close to the next older one, and renumber the rest. */
static void prune_counters(struct mrc_counter_stacks *stacks)
{
	size_t nr_kept = 0;
	size_t i;

	stacks->moved[0] = 0;
	for (i = 0; i < stacks->nr_counters; i++) {
		double count = stacks->readings[i].count;

		if (nr_kept == 0 ||
		    count < (1 - stacks->prune) * stacks->counts[nr_kept - 1])
			stacks->counts[nr_kept++] = count;
		/* What a dropped one saw is now the next older one's. */
		stacks->moved[i + 1] = (uint16_t)nr_kept;
	}
	if (nr_kept == stacks->nr_counters)
		return;
	stacks->nr_counters = nr_kept;
	for (i = 0; i < nr_registers(stacks); i++) {
		uint16_t *youngest = &stacks->youngest[i * NR_VALUES];
		unsigned int value;

		for (value = 0; value < stacks->max_value; value++)
			youngest[value] = stacks->moved[youngest[value]];
	}
}

/* What the interval that ends was the first to see. */
static void note_firsts(struct mrc_counter_stacks *stacks)
{
	size_t number = stacks->nr_counters;
	size_t i;

	for (i = 0; i < nr_registers(stacks); i++) {
		const uint16_t *youngest = &stacks->youngest[i * NR_VALUES];
		uint32_t *first = &stacks->first[i * NR_VALUES];
		unsigned int value;

		for (value = 0; value < stacks->max_value; value++)
			if (youngest[value] == number && first[value] == 0)
				first[value] = (uint32_t)stacks->nr_intervals;
	}
}

static void end_interval(struct mrc_counter_stacks *stacks)
{
	/* Beyond 2^32 intervals there is nothing new to be seen first. */
	if (stacks->nr_intervals < UINT32_MAX)
		stacks->nr_intervals++;
	note_firsts(stacks);
	read_counters(stacks, stacks->readings);
	add_interval(stacks, stacks->readings, stacks->depths);
	prune_counters(stacks);
	stacks->nr_in_interval = 0;
}

/* Count at most what the interval has room for; a counter has begun. */
static void access_interval(struct mrc_counter_stacks *stacks,
			    const uint64_t *pages, size_t nr_pages)
{
	uint16_t number = (uint16_t)stacks->nr_counters;
	uint64_t guard = UINT64_C(1) << (NR_VALUES - 1);
	unsigned int max_value = stacks->max_value;
	size_t i;

	for (i = 0; i < nr_pages; i++) {
		uint64_t hash = mrc_mix64(pages[i] + stacks->salt);
		size_t reg = (size_t)(hash >> (64 - stacks->precision));
		/* The position of the lowest bit that is set, from 1. */
		unsigned int value =
			(unsigned int)__builtin_ctzll(hash | guard) + 1;

		stacks->youngest[reg * NR_VALUES + value - 1] = number;
		max_value = max_value < value ? value : max_value;
	}
	stacks->max_value = max_value;
	stacks->nr_accesses += nr_pages;
	stacks->nr_in_interval += nr_pages;
}

int mrc_counter_stacks_access_n(struct mrc_counter_stacks *stacks,
				const uint64_t *pages, size_t nr_pages)
{
	while (nr_pages > 0) {
		uint64_t left = stacks->interval - stacks->nr_in_interval;
		size_t nr = nr_pages < left ? nr_pages : (size_t)left;

		if (stacks->nr_in_interval == 0) {
			int err = begin_counter(stacks);

			if (err < 0)
				return err;
		}
		access_interval(stacks, pages, nr);
		if (stacks->nr_in_interval == stacks->interval)
			end_interval(stacks);
		pages += nr;
		nr_pages -= nr;
	}
	return 0;
}

int mrc_counter_stacks_access(struct mrc_counter_stacks *stacks, uint64_t page)
{
	return mrc_counter_stacks_access_n(stacks, &page, 1);
}

uint64_t mrc_counter_stacks_nr_accesses(const struct mrc_counter_stacks *stacks)
{
	return stacks->nr_accesses;
}

size_t mrc_counter_stacks_nr_counters(const struct mrc_counter_stacks *stacks)
{
	return stacks->nr_counters;
}

/* The curve of @depths; all other accesses are cold. */
static struct mrc_curve *make_curve(const struct mrc_counter_stacks *stacks,
				    const double *depths)
{
	double total = (double)stacks->nr_accesses;
	struct mrc_curve *curve;
	double nr_misses = total;
	double ratio = 1;
	size_t nr_used = 0;
	size_t i;

	for (i = 0; i < nr_buckets(); i++)
		nr_used += depths[i] != 0;
	curve = mrc_curve_alloc(1 + 2 * nr_used);
	if (curve == NULL)
		return NULL;
	for (i = 0; i < nr_buckets(); i++) {
		double low = (double)mrc_bucket_low(SUB_BUCKET_BITS, i);

		if (depths[i] == 0)
			continue;
		mrc_curve_append(curve, low, ratio);
		nr_misses -= depths[i];
		ratio = fmin(ratio, fmax(nr_misses, 0) / total);
		mrc_curve_append(curve,
				 low + (double)mrc_bucket_width(SUB_BUCKET_BITS,
								i),
				 ratio);
	}
	return curve;
}

int mrc_counter_stacks_curve(const struct mrc_counter_stacks *stacks,
			     struct mrc_curve **ret_curve)
{
	struct reading *readings;
	struct mrc_curve *curve = NULL;
	double *depths;

	if (stacks->nr_accesses == 0)
		return -ENODATA;
	readings = malloc((stacks->nr_counters + 2) * sizeof(*readings));
	depths = malloc(nr_buckets() * sizeof(*depths));
	if (readings != NULL && depths != NULL) {
		memcpy(depths, stacks->depths, nr_buckets() * sizeof(*depths));
		if (stacks->nr_in_interval > 0) {
			read_counters(stacks, readings);
			add_interval(stacks, readings, depths);
		}
		curve = make_curve(stacks, depths);
	}
	free(depths);
	free(readings);
	if (curve == NULL)
		return -ENOMEM;
	*ret_curve = curve;
	return 0;
}

/* With room for one counter more than are there. NULL without memory. */
static struct mrc_counter_stacks *copy(const struct mrc_counter_stacks *stacks)
{
	size_t nr_values = nr_registers(stacks) * NR_VALUES;
	size_t nr = stacks->nr_counters + 1;
	struct mrc_counter_stacks *copy = malloc(sizeof(*copy));

	if (copy == NULL)
		return NULL;
	*copy = *stacks;
	copy->max_counters = nr;
	copy->youngest = malloc(nr_values * sizeof(*copy->youngest));
	copy->first = malloc(nr_values * sizeof(*copy->first));
	copy->counts = malloc(nr * sizeof(*copy->counts));
	copy->readings = malloc((nr + 2) * sizeof(*copy->readings));
	copy->moved = malloc((nr + 1) * sizeof(*copy->moved));
	copy->depths = malloc(nr_buckets() * sizeof(*copy->depths));
	if (copy->youngest == NULL || copy->first == NULL ||
	    copy->counts == NULL || copy->readings == NULL ||
	    copy->moved == NULL || copy->depths == NULL) {
		mrc_counter_stacks_free(copy);
		return NULL;
	}
	memcpy(copy->youngest, stacks->youngest,
	       nr_values * sizeof(*copy->youngest));
	memcpy(copy->first, stacks->first, nr_values * sizeof(*copy->first));
	memcpy(copy->depths, stacks->depths,
	       nr_buckets() * sizeof(*copy->depths));
	if (stacks->nr_counters > 0)
		memcpy(copy->counts, stacks->counts,
		       stacks->nr_counters * sizeof(*copy->counts));
	return copy;
}

/* A register's value, and the interval that saw it first. */
struct sight {
	uint32_t interval;
	uint32_t index; /* of youngest[] and first[] */
};

static int compare_sights(const void *left, const void *right)
{
	const struct sight *a = left;
	const struct sight *b = right;

	return (a->interval > b->interval) - (a->interval < b->interval);
}

/* What @later saw in intervals that have ended, by the first that did. -ENOMEM. */
static int list_sights(const struct mrc_counter_stacks *later,
		       struct sight **ret_sights, size_t *ret_nr)
{
	size_t nr_values = nr_registers(later) * NR_VALUES;
	struct sight *sights;
	size_t nr = 0;
	size_t i;

	for (i = 0; i < nr_values; i++)
		nr += later->first[i] != 0;
	sights = malloc((nr + 1) * sizeof(*sights));
	if (sights == NULL)
		return -ENOMEM;
	nr = 0;
	for (i = 0; i < nr_values; i++)
		if (later->first[i] != 0)
			sights[nr++] = (struct sight){
				.interval = later->first[i],
				.index = (uint32_t)i,
			};
	qsort(sights, nr, sizeof(*sights), compare_sights);
	*ret_sights = sights;
	*ret_nr = nr;
	return 0;
}

/*
 * Let the counters of @stacks go on over what @later saw. Accesses that were new to
 * the oldest counter there lie between its count and theirs. As registers only keep
 * what is largest, what was seen again does not matter, and intervals without a
 * first sight change nothing. @stacks has begun a counter that stands for the oldest
 * one of @later.
 */
static void replay(struct mrc_counter_stacks *stacks,
		   const struct sight *sights, size_t nr_sights)
{
	size_t last = stacks->nr_counters - 1;
	struct reading *readings = stacks->readings;
	double *counts = stacks->counts;
	size_t s = 0;
	size_t i;

	while (s < nr_sights) {
		uint32_t interval = sights[s].interval;
		double fresh;

		for (; s < nr_sights && sights[s].interval == interval; s++)
			stacks->youngest[sights[s].index] =
				(uint16_t)(last + 1);
		read_counters(stacks, readings);
		fresh = readings[last].count - counts[last];
		add_fresh(counts, readings, last, fresh,
			  (readings[last].count + counts[last]) / 2,
			  stacks->depths);
		for (i = 0; i <= last; i++)
			counts[i] = readings[i].count;
	}
}

/*
 * Put the counters of @later behind the @nr_before of @stacks, which are older, and
 * drop those that are close to the next older one. -ENOMEM.
 */
static int append_counters(struct mrc_counter_stacks *stacks, size_t nr_before,
			   const struct mrc_counter_stacks *later)
{
	size_t nr = nr_before + later->nr_counters;
	double *counts = malloc((nr + 1) * sizeof(*counts));
	struct reading *readings = malloc((nr + 3) * sizeof(*readings));
	uint16_t *moved = malloc((nr + 2) * sizeof(*moved));
	size_t nr_kept = 0;
	size_t i;

	if (counts == NULL || readings == NULL || moved == NULL) {
		free(counts);
		free(readings);
		free(moved);
		return -ENOMEM;
	}
	moved[0] = 0;
	for (i = 0; i < nr; i++) {
		double count = i < nr_before ? stacks->counts[i] :
					       later->counts[i - nr_before];

		/* One that has begun counts nothing yet, and is kept. */
		if (nr_kept == 0 ||
		    count < (1 - stacks->prune) * counts[nr_kept - 1])
			counts[nr_kept++] = count;
		moved[i + 1] = (uint16_t)nr_kept;
	}
	for (i = 0; i < nr_registers(stacks) * NR_VALUES; i++) {
		size_t number = stacks->youngest[i];

		if (later->youngest[i] > 0)
			number = nr_before + later->youngest[i];
		stacks->youngest[i] = moved[number];
		if (stacks->first[i] == 0 && later->first[i] != 0)
			stacks->first[i] = later->first[i] +
					   (uint32_t)stacks->nr_intervals;
	}
	free(stacks->counts);
	free(stacks->readings);
	free(stacks->moved);
	stacks->counts = counts;
	stacks->readings = readings;
	stacks->moved = moved;
	stacks->nr_counters = nr_kept;
	stacks->max_counters = nr + 1;
	return 0;
}

/* -ENOMEM, and then @stacks may be in any state. */
static int append(struct mrc_counter_stacks *stacks,
		  const struct mrc_counter_stacks *later)
{
	struct sight *sights;
	size_t nr_sights;
	size_t nr_before;
	size_t i;
	int err;

	if (stacks->nr_in_interval > 0)
		end_interval(stacks);
	err = list_sights(later, &sights, &nr_sights);
	if (err < 0)
		return err;
	nr_before = stacks->nr_counters;
	if (stacks->max_value < later->max_value)
		stacks->max_value = later->max_value;
	err = begin_counter(stacks);
	if (err == 0) {
		replay(stacks, sights, nr_sights);
		err = append_counters(stacks, nr_before, later);
	}
	free(sights);
	if (err < 0)
		return err;
	for (i = 0; i < nr_buckets(); i++)
		stacks->depths[i] += later->depths[i];
	stacks->nr_accesses += later->nr_accesses;
	stacks->nr_intervals += later->nr_intervals;
	stacks->nr_in_interval = later->nr_in_interval;
	return 0;
}

int mrc_counter_stacks_merge(struct mrc_counter_stacks *stacks,
			     const struct mrc_counter_stacks *later)
{
	struct mrc_counter_stacks *merged;
	struct mrc_counter_stacks before;
	int err;

	if (stacks->precision != later->precision ||
	    stacks->interval != later->interval ||
	    stacks->prune != later->prune || stacks->salt != later->salt)
		return -EINVAL;
	if (later->nr_accesses > UINT64_MAX - stacks->nr_accesses ||
	    later->nr_intervals >= UINT32_MAX - stacks->nr_intervals)
		return -EOVERFLOW;
	if (later->nr_accesses == 0)
		return 0;
	merged = copy(stacks);
	if (merged == NULL)
		return -ENOMEM;
	err = append(merged, later);
	if (err == 0) {
		before = *stacks;
		*stacks = *merged;
		*merged = before;
	}
	mrc_counter_stacks_free(merged);
	return err;
}
