// SPDX-License-Identifier: LGPL-2.1-or-later
#include "measure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "log.h"
#include "memory.h"
#include "progress.h"
#include "units.h"

/*
 * Accesses are handed on in lots: large enough that clocks and threads cost
 * nothing, small enough for the cache where there are no threads to start.
 */
#define MEASURE_LOT ((size_t)1 << 13)
#define MEASURE_LOT_OF_THREADS ((size_t)1 << 20)

/* Of the bands, at each size. */
#define MEASURE_CONFIDENCE 0.95

/**
 * struct measure_column - an algorithm or a policy at work
 * @choice: the algorithm, or NULL
 * @policy: the policy, if there is no algorithm
 * @object: of the algorithm
 * @sim: of the policy
 */
struct measure_column {
	const struct algorithm_choice *choice;
	enum mrc_sim_policy policy;
	void *object;
	struct mrc_sim *sim;
	uint64_t ns;
	struct memory_account memory;
};

/**
 * struct measure - a run
 * @pages: @nr_pages accesses of the lot that is not full yet
 * @are_writes: likewise
 * @any_write: any of them writes
 * @lot: room for so many
 */
struct measure {
	const struct options *options;
	struct measure_column *columns;
	size_t nr_columns;
	uint64_t *pages;
	uint8_t *are_writes;
	bool any_write;
	size_t nr_pages;
	size_t lot;
};

struct result *result_set_add(struct result_set *set, const char *label)
{
	struct result *grown =
		reallocarray(set->results, set->nr_results + 1, sizeof(*grown));
	struct result *result;

	if (!grown)
		return NULL;
	set->results = grown;
	result = &grown[set->nr_results];
	*result = (struct result){ .label = strdup(label) };
	if (!result->label)
		return NULL;
	set->nr_results++;
	return result;
}

void result_set_done(struct result_set *set)
{
	size_t i;

	for (i = 0; i < set->nr_results; i++) {
		free(set->results[i].label);
		free(set->results[i].origin);
		free(set->results[i].sizes);
		mrc_curve_free(set->results[i].curve);
		mrc_curve_free(set->results[i].lower);
		mrc_curve_free(set->results[i].upper);
	}
	free(set->results);
	free(set->title);
	*set = (struct result_set){ 0 };
}

static const char *measure_label(const struct measure_column *column)
{
	return column->choice ? column->choice->label :
				mrc_sim_policy_name(column->policy);
}

static int measure_log(const struct measure_column *column, int err)
{
	log_error("%s: %s", measure_label(column),
		  err == -ENODATA   ? "no access was sampled: raise the rate" :
		  err == -EOVERFLOW ? "too many accesses or pages for it" :
		  err == -ERANGE    ? "the trace is too long for it" :
				      strerror(-err));
	return err;
}

static int measure_start(const struct measure *measure,
			 struct measure_column *column)
{
	const struct options *options = measure->options;
	int err;

	column->ns = 0;
	column->memory = (struct memory_account){ 0 };
	memory_open(&column->memory);
	if (column->choice)
		err = column->choice->algorithm->create(column->choice,
							&column->object);
	else
		err = mrc_sim_new(column->policy, options->sizes_pages,
				  options->nr_sizes, &options->simulation,
				  &column->sim);
	memory_open(NULL);
	return err < 0 ? measure_log(column, err) : 0;
}

static void measure_stop(struct measure_column *column)
{
	if (column->choice)
		column->choice->algorithm->destroy(column->object);
	column->object = NULL;
	mrc_sim_free(column->sim);
	column->sim = NULL;
}

static int measure_start_all(struct measure *measure)
{
	size_t i;
	int err = 0;

	for (i = 0; i < measure->nr_columns && err == 0; i++)
		err = measure_start(measure, &measure->columns[i]);
	return err;
}

int measure_new(const struct options *options, struct measure **ret_measure)
{
	struct measure *measure = calloc(1, sizeof(*measure));
	size_t i;
	int err = -ENOMEM;

	if (!measure)
		goto out;
	measure->options = options;
	measure->lot = options->nr_policies > 0 &&
				       options->simulation.nr_threads > 1 ?
			       MEASURE_LOT_OF_THREADS :
			       MEASURE_LOT;
	measure->columns = calloc(options->nr_algorithms + options->nr_policies,
				  sizeof(*measure->columns));
	measure->pages = calloc(measure->lot, sizeof(*measure->pages));
	measure->are_writes = calloc(measure->lot, sizeof(bool));
	if (!measure->columns || !measure->pages || !measure->are_writes)
		goto out;
	for (i = 0; i < options->nr_algorithms; i++)
		measure->columns[measure->nr_columns++].choice =
			&options->algorithms[i];
	for (i = 0; i < options->nr_policies; i++)
		measure->columns[measure->nr_columns++].policy =
			options->policies[i];
	err = measure_start_all(measure);
	if (err < 0) {
		measure_free(measure);
		return err;
	}
	*ret_measure = measure;
	return 0;
out:
	measure_free(measure);
	log_error("out of memory");
	return err;
}

void measure_free(struct measure *measure)
{
	size_t i;

	if (!measure)
		return;
	for (i = 0; i < measure->nr_columns; i++)
		measure_stop(&measure->columns[i]);
	free(measure->columns);
	free(measure->pages);
	free(measure->are_writes);
	free(measure);
}

static int measure_hand_on(const struct measure *measure,
			   struct measure_column *column)
{
	uint64_t start_ns = progress_now_ns();
	int err;

	memory_open(&column->memory);
	if (column->choice)
		err = column->choice->algorithm->access_n(
			column->object, measure->pages, measure->nr_pages);
	else if (measure->any_write)
		err = mrc_sim_access_writes_n(column->sim, measure->pages,
					      measure->are_writes,
					      measure->nr_pages);
	else
		err = mrc_sim_access_n(column->sim, measure->pages,
				       measure->nr_pages);
	memory_open(NULL);
	column->ns += progress_now_ns() - start_ns;
	return err < 0 ? measure_log(column, err) : 0;
}

static int measure_flush(struct measure *measure)
{
	size_t i;
	int err = 0;

	for (i = 0; i < measure->nr_columns && err == 0; i++)
		err = measure_hand_on(measure, &measure->columns[i]);
	measure->nr_pages = 0;
	measure->any_write = false;
	return err;
}

int measure_access(void *context, const struct mrc_trace_batch *batch)
{
	struct measure *measure = context;
	size_t i;
	int err = 0;

	for (i = 0; i < batch->nr_accesses && err == 0; i++) {
		bool is_write = batch->is_write[i];

		measure->pages[measure->nr_pages] = batch->pages[i];
		measure->are_writes[measure->nr_pages] = is_write;
		measure->any_write |= is_write;
		if (++measure->nr_pages == measure->lot)
			err = measure_flush(measure);
	}
	return err;
}

/* Of a sample that is not all; the time it takes is not the algorithm's. */
static int measure_take_band(const struct measure_column *column,
			     struct result *result)
{
	const struct algorithm *algorithm = column->choice->algorithm;
	int err;

	if (!algorithm->band || column->choice->rate == 1)
		return 0;
	err = algorithm->band(column->object, MEASURE_CONFIDENCE,
			      &result->lower, &result->upper);
	if (err == 0)
		result->confidence = MEASURE_CONFIDENCE;
	return err;
}

static int measure_take_column(struct measure_column *column,
			       struct result *result)
{
	uint64_t start_ns = progress_now_ns();
	int err;

	memory_open(&column->memory);
	if (column->choice) {
		err = column->choice->algorithm->curve(column->object,
						       &result->curve);
	} else {
		result->nr_sizes = mrc_sim_nr_sizes(column->sim);
		result->sizes =
			calloc(result->nr_sizes, sizeof(*result->sizes));
		err = result->sizes ?
			      mrc_sim_results(column->sim, result->sizes) :
			      -ENOMEM;
	}
	memory_open(NULL);
	column->ns += progress_now_ns() - start_ns;
	if (err == 0 && column->choice)
		err = measure_take_band(column, result);
	if (err < 0)
		return measure_log(column, err);
	if (column->choice &&
	    column->choice->algorithm->parameter == ALGORITHM_RATE)
		result->sampling_rate = column->choice->rate;
	result->seconds = units_seconds(column->ns);
	result->peak_bytes = column->memory.peak;
	return 0;
}

int measure_take(struct measure *measure, const char *title,
		 uint64_t first_access, uint64_t nr_accesses,
		 struct result_set *ret_set)
{
	CLEANUP(result_set_done)
	struct result_set set = {
		.title = strdup(title),
		.first_access = first_access,
		.nr_accesses = nr_accesses,
	};
	size_t i;
	int err;

	if (!set.title) {
		log_error("out of memory");
		return -ENOMEM;
	}
	err = measure_flush(measure);
	for (i = 0; i < measure->nr_columns && err == 0; i++) {
		struct measure_column *column = &measure->columns[i];
		struct result *result =
			result_set_add(&set, measure_label(column));

		if (!result) {
			log_error("out of memory");
			return -ENOMEM;
		}
		err = measure_take_column(column, result);
		measure_stop(column);
	}
	if (err == 0)
		err = measure_start_all(measure);
	if (err < 0)
		return err;
	*ret_set = set;
	set = (struct result_set){ 0 };
	return 0;
}
