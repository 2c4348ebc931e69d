// SPDX-License-Identifier: LGPL-2.1-or-later
#include "algorithm.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <mrc/aet.h>
#include <mrc/counter_stacks.h>
#include <mrc/footprint.h>
#include <mrc/lru.h>
#include <mrc/shards.h>

#include "args.h"
#include "log.h"
#include "words.h"

/* As the kernel module: a reuse time is off by less than 1 %. */
#define ALGORITHM_SUB_BUCKET_BITS 7

/*
 * For AET finer buckets: a scan, or a loop whose length varies by less than 1 %,
 * needs them.
 */
#define ALGORITHM_FINE_SUB_BUCKET_BITS 10

/* As in the example of mrc/counter_stacks.h. */
#define ALGORITHM_COUNTER_PRECISION 12
#define ALGORITHM_COUNTER_INTERVAL 10000
#define ALGORITHM_COUNTER_PRUNING 0.02

#define ALGORITHM_DEFAULT_RATE 0.01
#define ALGORITHM_DEFAULT_SAMPLES 8192

/* The row's functions for an object of libmrc, which differ in type only. */
#define ALGORITHM_ADAPT(name, type)                                         \
	static int name##_access_n(void *object, const uint64_t *pages,     \
				   size_t nr_pages)                         \
	{                                                                   \
		return mrc_##type##_access_n(object, pages, nr_pages);      \
	}                                                                   \
	static int name##_curve(void *object, struct mrc_curve **ret_curve) \
	{                                                                   \
		return mrc_##type##_curve(object, ret_curve);               \
	}                                                                   \
	static void name##_destroy(void *object)                            \
	{                                                                   \
		mrc_##type##_free(object);                                  \
	}

#define ALGORITHM_ROW(name) \
	name##_create, name##_access_n, name##_curve, name##_destroy

static int aet_create(const struct algorithm_choice *choice, void **ret_object)
{
	const struct mrc_reuse_options options = {
		.sub_bucket_bits = ALGORITHM_FINE_SUB_BUCKET_BITS,
	};

	(void)choice;
	return mrc_reuse_new_with(&options, (struct mrc_reuse **)ret_object);
}

static int aet_sampled_create(const struct algorithm_choice *choice,
			      void **ret_object)
{
	const struct mrc_reuse_options options = {
		.sub_bucket_bits = ALGORITHM_FINE_SUB_BUCKET_BITS,
		.sampling = MRC_REUSE_REFERENCES,
		.inverse_rate = 1 / choice->rate,
		.seed = choice->seed,
	};

	return mrc_reuse_new_with(&options, (struct mrc_reuse **)ret_object);
}

static int aet_sampled_band(void *object, double level,
			    struct mrc_curve **ret_lower,
			    struct mrc_curve **ret_upper)
{
	return mrc_reuse_band(object, level, ret_lower, ret_upper);
}

static int counter_stacks_create(const struct algorithm_choice *choice,
				 void **ret_object)
{
	return mrc_counter_stacks_new(ALGORITHM_COUNTER_PRECISION,
				      ALGORITHM_COUNTER_INTERVAL,
				      ALGORITHM_COUNTER_PRUNING, choice->seed,
				      (struct mrc_counter_stacks **)ret_object);
}

static int footprint_create(const struct algorithm_choice *choice,
			    void **ret_object)
{
	(void)choice;
	return mrc_footprint_new(ALGORITHM_SUB_BUCKET_BITS,
				 (struct mrc_footprint **)ret_object);
}

static int lru_create(const struct algorithm_choice *choice, void **ret_object)
{
	(void)choice;
	return mrc_lru_new((struct mrc_lru **)ret_object);
}

static int shards_create(const struct algorithm_choice *choice,
			 void **ret_object)
{
	return mrc_shards_new(choice->rate, 0, choice->seed,
			      (struct mrc_shards **)ret_object);
}

static int shards_fixed_create(const struct algorithm_choice *choice,
			       void **ret_object)
{
	return mrc_shards_new(1, (size_t)choice->nr_samples, choice->seed,
			      (struct mrc_shards **)ret_object);
}

static int lru_access_n(void *object, const uint64_t *pages, size_t nr_pages)
{
	return mrc_lru_access_n(object, pages, nr_pages, NULL);
}

static int lru_curve(void *object, struct mrc_curve **ret_curve)
{
	return mrc_lru_curve(object, ret_curve);
}

static void lru_destroy(void *object)
{
	mrc_lru_free(object);
}

ALGORITHM_ADAPT(aet, reuse)
ALGORITHM_ADAPT(shards, shards)
ALGORITHM_ADAPT(counter_stacks, counter_stacks)
ALGORITHM_ADAPT(footprint, footprint)

#define aet_sampled_access_n aet_access_n
#define aet_sampled_curve aet_curve
#define aet_sampled_destroy aet_destroy

#define shards_fixed_access_n shards_access_n
#define shards_fixed_curve shards_curve
#define shards_fixed_destroy shards_destroy

const struct algorithm algorithms[] = {
	{ "aet", "average eviction time, from reuse times", ALGORITHM_PLAIN,
	  ALGORITHM_ROW(aet), NULL },
	{ "aet-sampled", "AET of a share of the accesses (0.01)",
	  ALGORITHM_RATE, ALGORITHM_ROW(aet_sampled), aet_sampled_band },
	{ "lru", "exact LRU stack distances", ALGORITHM_PLAIN,
	  ALGORITHM_ROW(lru), NULL },
	{ "shards", "SHARDS: a share of the pages (0.01)", ALGORITHM_RATE,
	  ALGORITHM_ROW(shards), NULL },
	{ "shards-fixed-size", "SHARDS: at most so many pages (8192)",
	  ALGORITHM_SAMPLES, ALGORITHM_ROW(shards_fixed), NULL },
	{ "counter-stacks", "Counter Stacks: from numbers of distinct pages",
	  ALGORITHM_PLAIN, ALGORITHM_ROW(counter_stacks), NULL },
	{ "footprint", "average footprint, from reuse times", ALGORITHM_PLAIN,
	  ALGORITHM_ROW(footprint), NULL },
};

const size_t nr_algorithms = sizeof(algorithms) / sizeof(algorithms[0]);

static const struct algorithm *algorithm_find(const char *name)
{
	size_t i;

	for (i = 0; i < nr_algorithms; i++) {
		if (strcmp(name, algorithms[i].name) == 0)
			return &algorithms[i];
	}
	return NULL;
}

static int algorithm_set(struct algorithm_choice *choice, const char *value)
{
	const char *name = choice->algorithm->name;

	switch (choice->algorithm->parameter) {
	case ALGORITHM_RATE:
		if (args_share(value, &choice->rate) == 0)
			return 0;
		log_error(
			"'%s@%s': expected a sampling rate above 0 and up to 1, such as 0.01 or 1/100",
			name, value);
		return -EINVAL;
	case ALGORITHM_SAMPLES:
		if (args_count(value, 1, UINT32_MAX, &choice->nr_samples) == 0)
			return 0;
		log_error("'%s@%s': expected a number of pages to sample", name,
			  value);
		return -EINVAL;
	default:
		log_error("'%s@%s': '%s' takes no parameter", name, value,
			  name);
		return -EINVAL;
	}
}

int algorithm_choose(const char *text, struct algorithm_choice *ret_choice)
{
	struct algorithm_choice choice = {
		.rate = ALGORITHM_DEFAULT_RATE,
		.nr_samples = ALGORITHM_DEFAULT_SAMPLES,
	};
	char name[ALGORITHM_LABEL_BYTES];
	char *value;

	if (strlen(text) >= sizeof(name)) {
		log_error("unknown algorithm '%s': see 'mrc curve --help'",
			  text);
		return -EINVAL;
	}
	strcpy(name, text);
	strcpy(choice.label, text);
	value = words_split(name, '@');
	choice.algorithm = algorithm_find(name);
	if (!choice.algorithm) {
		log_error("unknown algorithm '%s': see 'mrc curve --help'",
			  name);
		return -EINVAL;
	}
	if (value && algorithm_set(&choice, value) < 0)
		return -EINVAL;
	*ret_choice = choice;
	return 0;
}
