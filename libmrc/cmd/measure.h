/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Algorithms and policies side by side, in one pass over the accesses.
 */
#ifndef CMD_MEASURE_H
#define CMD_MEASURE_H

#include <stdint.h>

#include <mrc/curve.h>
#include <mrc/sim.h>
#include <mrc/trace.h>

#include "options.h"
#include "plot.h"

/**
 * struct result - what one algorithm or policy came to
 * @label: its name; owned
 * @origin: of a curve from a file: what it is of; else NULL; owned
 * @curve: its curve, or NULL of a policy or if nothing was sampled
 * @lower: lower end of a band around it, or NULL
 * @upper: likewise its upper end
 * @confidence: probability that the band holds at a size; 0 without a band
 * @sampling_rate: share of pages or accesses sampled; 0 for unknown
 * @page_bytes: of a curve from a file, if known; else 0
 * @nr_accesses: likewise
 * @sizes: what was simulated at @nr_sizes sizes, or NULL
 * @nr_sizes: 0 of an algorithm
 * @seconds: time it took
 * @peak_bytes: most memory it took
 */
struct result {
	char *label;
	char *origin;
	struct mrc_curve *curve;
	struct mrc_curve *lower;
	struct mrc_curve *upper;
	double confidence;
	double sampling_rate;
	uint64_t page_bytes;
	uint64_t nr_accesses;
	struct mrc_sim_result *sizes;
	size_t nr_sizes;
	double seconds;
	size_t peak_bytes;
};

/**
 * struct result_set - what is shown together
 * @title: where the accesses are from; owned
 * @first_access: number of the first one
 * @nr_accesses: how many; 0 if not known, of curves from files
 * @results: @nr_results
 */
struct result_set {
	char *title;
	uint64_t first_access;
	uint64_t nr_accesses;
	struct result *results;
	size_t nr_results;
};

/* Adds an empty result; NULL without memory. */
struct result *result_set_add(struct result_set *set, const char *label);
void result_set_done(struct result_set *set);

struct measure;

/* Starts what @options ask for. -ENOMEM or another -errno, logged. */
int measure_new(const struct options *options, struct measure **ret_measure);
void measure_free(struct measure *measure);

/* Counts accesses; for struct stream_sink. */
int measure_access(void *measure, const struct mrc_trace_batch *batch);

/*
 * The results so far, which become the caller's, and starts again with nothing
 * seen. -errno, logged.
 */
int measure_take(struct measure *measure, const char *title,
		 uint64_t first_access, uint64_t nr_accesses,
		 struct result_set *ret_set);

#endif /* CMD_MEASURE_H */
