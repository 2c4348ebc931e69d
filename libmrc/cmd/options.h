/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line of a verb, as values. Touches nothing but stderr. */
#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mrc/sim.h>

#include "algorithm.h"
#include "stream.h"

#define OPTIONS_MAX_ALGORITHMS 28
#define OPTIONS_MAX_RATIOS 8

/* As many as mrc_sim_new() takes. */
#define OPTIONS_MAX_SIZES 65534

enum verb_id {
	VERB_CURVE = 1 << 0,
	VERB_WSS = 1 << 1,
	VERB_SIMULATE = 1 << 2,
	VERB_COMPARE = 1 << 3,
	VERB_GENERATE = 1 << 4,
	VERB_CONVERT = 1 << 5,
	VERB_PLOT = 1 << 6,
};

enum options_form {
	OPTIONS_TABLE,
	OPTIONS_PLOT,
	OPTIONS_JSON,
	OPTIONS_CSV,
};

/* What a table of simulations shows of each size. */
enum options_show {
	OPTIONS_SHOW_MISS_RATIO,
	OPTIONS_SHOW_HIT_RATIO,
	OPTIONS_SHOW_WARM_HIT_RATIO,
	OPTIONS_SHOW_HITS,
	OPTIONS_SHOW_MISSES,
	OPTIONS_SHOW_WRITE_BACKS,
	OPTIONS_SHOW_AMAT,
};

/* What --to names besides formats of traces. */
enum options_target {
	OPTIONS_TO_TRACE,
	OPTIONS_TO_CURVE_JSON,
	OPTIONS_TO_CURVE_BINARY,
};

/**
 * struct options - what a verb was asked for
 * @verb: which
 * @is_help: print its help and do nothing else
 * @inputs: @nr_inputs names; a loan from argv
 * @stream: how to read traces
 * @algorithms: @nr_algorithms of them
 * @policies: @nr_policies of them
 * @simulation: seed and threads
 * @sizes_pages: @nr_sizes sizes, increasing; NULL if none were asked for
 * @nr_points: else this many
 * @has_points: the user said how many
 * @miss_ratios: @nr_miss_ratios tolerated ones
 * @memory_ns: time of a hit
 * @miss_ns: time of a miss
 * @has_amat: both are given
 * @show: for tables of simulations
 * @has_show: the user said so
 * @form: of standard output
 * @svg_path: SVG goes here; NULL is nowhere, "-" instead of @form
 * @output_path: NULL is standard output
 * @reference: curve to compare with; NULL is the exact one of the trace
 * @target: what to write
 * @to: format of a trace to write
 * @has_to: @target was given
 * @is_log: logarithmic axis of sizes
 * @is_bytes: show sizes as memory and not in pages
 */
struct options {
	enum verb_id verb;
	bool is_help;
	char *const *inputs;
	size_t nr_inputs;
	struct stream_options stream;
	struct algorithm_choice algorithms[OPTIONS_MAX_ALGORITHMS];
	size_t nr_algorithms;
	enum mrc_sim_policy policies[MRC_SIM_NR_POLICIES];
	size_t nr_policies;
	struct mrc_sim_options simulation;
	uint64_t *sizes_pages;
	size_t nr_sizes;
	size_t nr_points;
	bool has_points;
	double miss_ratios[OPTIONS_MAX_RATIOS];
	size_t nr_miss_ratios;
	double memory_ns;
	double miss_ns;
	bool has_amat;
	enum options_show show;
	bool has_show;
	enum options_form form;
	const char *svg_path;
	const char *output_path;
	const char *reference;
	enum options_target target;
	enum mrc_trace_format to;
	bool has_to;
	bool is_log;
	bool is_bytes;
};

/*
 * Reads argv[1..] of one verb (argv[0] is its name). -EINVAL the line is wrong,
 * or -ENOMEM, and the reason was logged. To be freed with options_done().
 */
int options_parse(enum verb_id verb, int argc, char **argv,
		  struct options *ret_options);
void options_done(struct options *options);

/* Name of what is shown, as the user writes it. */
const char *options_show_name(enum options_show show);

/* Bytes of a page, as the user says. */
uint64_t options_page_bytes(const struct options *options);

#endif /* CMD_OPTIONS_H */
