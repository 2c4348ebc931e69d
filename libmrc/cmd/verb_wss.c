// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>

#include "cleanup.h"
#include "measure.h"
#include "output.h"
#include "report.h"
#include "verbs.h"

/**
 * struct wss_run - where the verb is
 * @input: that is being read
 * @is_first: it is the first
 * @has_header: its header has been printed
 */
struct wss_run {
	const struct options *options;
	struct measure *measure;
	const char *input;
	bool is_first;
	bool has_header;
};

static int wss_access(void *context, const struct mrc_trace_batch *batch)
{
	struct wss_run *run = context;

	return measure_access(run->measure, batch);
}

static int wss_window_end(void *context, uint64_t first, uint64_t nr_accesses)
{
	CLEANUP(result_set_done) struct result_set set = { 0 };
	struct wss_run *run = context;
	bool has_header = run->has_header;
	int err;

	err = measure_take(run->measure, verb_title(run->input), first,
			   nr_accesses, &set);
	if (err < 0)
		return err;
	run->has_header = true;
	errno = 0;
	switch (run->options->form) {
	case OPTIONS_JSON:
		report_wss_json(stdout, run->options, &set);
		break;
	case OPTIONS_CSV:
		if (!has_header && run->is_first)
			report_wss_csv_header(stdout);
		report_wss_csv(stdout, run->options, &set);
		break;
	default:
		if (!has_header && !run->is_first)
			(void)fputc('\n', stdout);
		report_wss_table(stdout, run->options, &set, !has_header);
	}
	/* A window at once, as someone may watch. */
	return output_check_stdout();
}

int verb_wss(const struct options *options)
{
	struct wss_run run = { .options = options };
	struct stream_sink sink = {
		.context = &run,
		.access = wss_access,
		.window_end = wss_window_end,
	};
	size_t i;
	int err;

	err = measure_new(options, &run.measure);
	for (i = 0; i < options->nr_inputs && err == 0; i++) {
		run.input = options->inputs[i];
		run.is_first = i == 0;
		run.has_header = false;
		err = stream_run(run.input, &options->stream, &sink);
	}
	measure_free(run.measure);
	return verb_status(err);
}
