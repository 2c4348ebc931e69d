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
#include "terminal.h"
#include "verbs.h"

/**
 * struct measure_run - what a verb has found so far
 * @measure: the algorithms at work, or NULL
 * @input: that is being read
 * @sets: @nr_sets, kept for an SVG
 * @nr_shown: sets shown on standard output
 * @output: file for curves, if there is a path
 * @is_curve: of each input, and not a trace; NULL if all are traces
 */
struct measure_run {
	const struct options *options;
	struct measure *measure;
	const char *input;
	struct result_set *sets;
	size_t nr_sets;
	size_t nr_shown;
	bool *is_curve;
	struct output output;
};

static void measure_run_done(struct measure_run *run)
{
	size_t i;

	measure_free(run->measure);
	output_done(&run->output);
	free(run->is_curve);
	for (i = 0; i < run->nr_sets; i++)
		result_set_done(&run->sets[i]);
	free(run->sets);
}

/* What 'mrc plot' and 'mrc convert' read again. */
static int measure_show_curves(const struct options *options,
			       const struct result_set *set)
{
	int err = curve_file_write(stdout, options, set, OPTIONS_TO_CURVE_JSON);

	return err < 0 ? err : output_check_stdout();
}

static int measure_show(struct measure_run *run, const struct result_set *set)
{
	const struct options *options = run->options;
	bool is_first = run->nr_shown++ == 0;
	int err = 0;

	errno = 0;
	switch (options->form) {
	case OPTIONS_JSON:
		if (options->verb == VERB_CURVE)
			return measure_show_curves(options, set);
		report_json(stdout, options, set);
		break;
	case OPTIONS_CSV:
		if (is_first)
			report_csv_header(stdout, options);
		report_csv(stdout, options, set);
		break;
	case OPTIONS_PLOT:
		if (!is_first)
			(void)fputc('\n', stdout);
		err = report_plot_text(stdout, options, set, terminal_columns(),
				       verb_is_coloured());
		break;
	default:
		if (!is_first)
			(void)fputc('\n', stdout);
		report_table(stdout, options, set);
	}
	if (err == -ENOMEM)
		log_error("out of memory");
	return err < 0 ? err : output_check_stdout();
}

/* Whether standard output gets more than an SVG. */
static bool measure_is_shown(const struct options *options)
{
	if (!options->svg_path)
		return true;
	return options->verb != VERB_PLOT &&
	       strcmp(options->svg_path, "-") != 0;
}

/* Takes over @set, in any case. */
static int measure_add(struct measure_run *run, struct result_set *set)
{
	struct result_set *grown;
	int err = 0;

	if (measure_is_shown(run->options))
		err = measure_show(run, set);
	if (err == 0 && run->output.path)
		err = curve_file_write(run->output.stream, run->options, set,
				       OPTIONS_TO_CURVE_JSON);
	if (err < 0 || !run->options->svg_path) {
		result_set_done(set);
		return err;
	}
	grown = reallocarray(run->sets, run->nr_sets + 1, sizeof(*grown));
	if (!grown) {
		result_set_done(set);
		log_error("out of memory");
		return -ENOMEM;
	}
	run->sets = grown;
	run->sets[run->nr_sets++] = *set;
	return 0;
}

static int measure_window_end(void *context, uint64_t first,
			      uint64_t nr_accesses)
{
	struct measure_run *run = context;
	struct result_set set;
	int err;

	err = measure_take(run->measure, verb_title(run->input), first,
			   nr_accesses, &set);
	return err < 0 ? err : measure_add(run, &set);
}

static int measure_run_access(void *context,
			      const struct mrc_trace_batch *batch)
{
	struct measure_run *run = context;

	return measure_access(run->measure, batch);
}

static int measure_trace(struct measure_run *run, const char *input)
{
	struct stream_sink sink = {
		.context = run,
		.access = measure_run_access,
		.window_end = measure_window_end,
	};
	int err;

	run->input = input;
	if (!run->measure) {
		err = measure_new(run->options, &run->measure);
		if (err < 0)
			return err;
	}
	return stream_run(input, &run->options->stream, &sink);
}

static int measure_write_svg(const struct measure_run *run)
{
	CLEANUP(output_done) struct output output = { 0 };
	const char *path = run->options->svg_path;
	int err;

	err = output_open(strcmp(path, "-") == 0 ? NULL : path, &output);
	if (err < 0)
		return err;
	err = report_plot_svg(output.stream, run->options, run->sets,
			      run->nr_sets);
	if (err < 0) {
		log_error("out of memory");
		return err;
	}
	return output_finish(&output);
}

/* All curve files of a line make one picture; each trace makes its own. */
static int measure_curve_files(struct measure_run *run)
{
	const struct options *options = run->options;
	CLEANUP(result_set_done)
	struct result_set set = {
		.title = strdup("Miss-ratio curves"),
	};
	int err;

	if (!set.title) {
		log_error("out of memory");
		return -ENOMEM;
	}
	err = curve_file_add_all(options, run->is_curve, &set);
	if (err == 0 && set.nr_results > 0) {
		err = measure_add(run, &set);
		set = (struct result_set){ 0 };
	}
	return err;
}

/* Fails now rather than after a long run. */
static int measure_check_path(const char *path)
{
	CLEANUP(output_done) struct output output = { 0 };

	if (!path || strcmp(path, "-") == 0)
		return 0;
	return output_open(path, &output);
}

int verb_measure(const struct options *options)
{
	CLEANUP(measure_run_done)
	struct measure_run run = {
		.options = options,
	};
	size_t i;
	int err;

	err = measure_check_path(options->svg_path);
	if (err == 0 && options->output_path)
		err = output_open(options->output_path, &run.output);
	if (err == 0 && options->verb == VERB_PLOT)
		err = curve_file_find(options, &run.is_curve);
	if (err == 0 && run.is_curve)
		err = measure_curve_files(&run);
	for (i = 0; i < options->nr_inputs && err == 0; i++) {
		if (!run.is_curve || !run.is_curve[i])
			err = measure_trace(&run, options->inputs[i]);
	}
	if (err == 0 && options->svg_path)
		err = measure_write_svg(&run);
	if (err == 0 && run.output.path)
		err = output_finish(&run.output);
	return verb_status(err);
}
