// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "curve_file.h"
#include "log.h"
#include "measure.h"
#include "output.h"
#include "report.h"
#include "verbs.h"

static const char compare_exact[] = "lru";

/**
 * struct compare_run - where the verb is
 * @options: with the exact algorithm as the first, if that is the reference
 * @references: one curve from a file, or none
 * @is_curve: of each input, and not a trace
 * @nr_shown: comparisons shown
 */
struct compare_run {
	struct options options;
	struct measure *measure;
	const char *input;
	struct result_set references;
	bool *is_curve;
	size_t nr_shown;
};

static void compare_run_done(struct compare_run *run)
{
	measure_free(run->measure);
	result_set_done(&run->references);
	free(run->is_curve);
}

/* @set without its first @nr_left_out results. */
static int compare_show(struct compare_run *run, const struct result_set *set,
			size_t nr_left_out, const struct result *reference)
{
	struct result_set shown = *set;
	bool is_first = run->nr_shown++ == 0;

	errno = 0;
	shown.results += nr_left_out;
	shown.nr_results -= nr_left_out;
	switch (run->options.form) {
	case OPTIONS_JSON:
		report_compare_json(stdout, &run->options, &shown, reference);
		break;
	case OPTIONS_CSV:
		if (is_first)
			report_compare_csv_header(stdout);
		report_compare_csv(stdout, &run->options, &shown, reference);
		break;
	default:
		if (!is_first)
			(void)fputc('\n', stdout);
		report_compare_table(stdout, &run->options, &shown, reference);
	}
	return output_check_stdout();
}

static int compare_window_end(void *context, uint64_t first,
			      uint64_t nr_accesses)
{
	CLEANUP(result_set_done) struct result_set set = { 0 };
	struct compare_run *run = context;
	int err;

	err = measure_take(run->measure, verb_title(run->input), first,
			   nr_accesses, &set);
	if (err < 0)
		return err;
	/* The exact curve is shown too: its speed and memory are of interest. */
	return compare_show(run, &set, 0,
			    run->references.nr_results > 0 ?
				    &run->references.results[0] :
				    &set.results[0]);
}

static int compare_access(void *context, const struct mrc_trace_batch *batch)
{
	struct compare_run *run = context;

	return measure_access(run->measure, batch);
}

static int compare_trace(struct compare_run *run, const char *input)
{
	struct stream_sink sink = {
		.context = run,
		.access = compare_access,
		.window_end = compare_window_end,
	};
	int err;

	run->input = input;
	if (!run->measure) {
		err = measure_new(&run->options, &run->measure);
		if (err < 0)
			return err;
	}
	return stream_run(input, &run->options.stream, &sink);
}

static int compare_curve_files(struct compare_run *run)
{
	const struct options *options = &run->options;
	CLEANUP(result_set_done)
	struct result_set set = {
		.title = strdup("curves from files"),
	};
	int err;

	if (!set.title) {
		log_error("out of memory");
		return -ENOMEM;
	}
	err = curve_file_add_all(options, run->is_curve, &set);
	if (err < 0 || set.nr_results == 0)
		return err;
	if (run->references.nr_results > 0)
		return compare_show(run, &set, 0, &run->references.results[0]);
	if (set.nr_results == 1) {
		log_error(
			"one curve alone cannot be compared: name another one, or --reference FILE");
		return -EINVAL;
	}
	/* The first is what the others are compared with. */
	return compare_show(run, &set, 1, &set.results[0]);
}

/* The reference, and if the user named no algorithm, all of them. */
static int compare_settle(struct compare_run *run)
{
	struct options *options = &run->options;
	bool has_all = options->nr_algorithms == 0;
	struct algorithm_choice chosen[OPTIONS_MAX_ALGORITHMS];
	size_t nr_chosen = options->nr_algorithms, i;

	memcpy(chosen, options->algorithms, sizeof(chosen));
	options->nr_algorithms = 0;
	if (options->reference) {
		run->references.title = strdup("");
		if (!run->references.title)
			return -ENOMEM;
		if (curve_file_add(options->reference, &run->references) < 0)
			return -EINVAL;
	} else {
		(void)algorithm_choose(
			compare_exact,
			&options->algorithms[options->nr_algorithms++]);
	}
	for (i = 0; has_all && i < nr_algorithms; i++) {
		if (strcmp(algorithms[i].name, compare_exact) != 0 ||
		    options->reference)
			(void)algorithm_choose(algorithms[i].name,
					       &chosen[nr_chosen++]);
	}
	for (i = 0; i < nr_chosen; i++) {
		if (options->nr_algorithms == OPTIONS_MAX_ALGORITHMS)
			break;
		if (!options->reference &&
		    strcmp(chosen[i].label, compare_exact) == 0)
			continue;
		chosen[i].seed = options->stream.seed;
		options->algorithms[options->nr_algorithms++] = chosen[i];
	}
	return 0;
}

int verb_compare(const struct options *options)
{
	CLEANUP(compare_run_done)
	struct compare_run run = {
		.options = *options,
	};
	size_t i;
	int err;

	err = compare_settle(&run);
	if (err == 0)
		err = curve_file_find(options, &run.is_curve);
	if (err == 0)
		err = compare_curve_files(&run);
	for (i = 0; i < options->nr_inputs && err == 0; i++) {
		if (!run.is_curve[i])
			err = compare_trace(&run, options->inputs[i]);
	}
	return verb_status(err);
}
