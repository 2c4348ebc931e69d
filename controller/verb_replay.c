// SPDX-License-Identifier: GPL-2.0-or-later
/* replay: policies side by side on what was recorded. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cleanup.h"
#include "columns.h"
#include "fields.h"
#include "log.h"
#include "recording.h"
#include "replay.h"
#include "show.h"
#include "verbs.h"

#define REPLAY_MAX_RUNS 16

/* What happened, beside what policies would have done. */
#define REPLAY_RECORDED "(recorded)"

/**
 * struct replays - policies side by side
 * @runs: @nr_runs of them; the first is what was recorded
 * @names: of each
 * @nr_runs: number
 * @nr_defaults: ticks of which the parameters are not known
 */
struct replays {
	struct replay *runs[REPLAY_MAX_RUNS];
	const char *names[REPLAY_MAX_RUNS];
	size_t nr_runs;
	uint64_t nr_defaults;
};

static void cleanup_replays(struct replays *replays)
{
	size_t i;

	for (i = 0; i < replays->nr_runs; i++)
		replay_free(replays->runs[i]);
}

static int replays_add(struct replays *replays, const struct policy *policy)
{
	int err = replay_new(policy, &replays->runs[replays->nr_runs]);

	if (err == 0)
		replays->names[replays->nr_runs++] = policy ? policy->name :
							      REPLAY_RECORDED;
	return err;
}

static int replays_init(struct replays *replays, const char *policy_name)
{
	int err = replays_add(replays, NULL);
	size_t i;

	for (i = 0; err == 0 && i + 1 < REPLAY_MAX_RUNS && policy_all[i]; i++) {
		if (!policy_name ||
		    strcmp(policy_all[i]->name, policy_name) == 0)
			err = replays_add(replays, policy_all[i]);
	}
	return err;
}

static int replays_read(struct replays *replays, const char *path)
{
	CLEANUP(verb_cleanup_reader) struct recording_reader *reader = NULL;
	char error[RECORDING_ERROR_BYTES];
	struct tick tick;
	size_t i;
	int got;

	got = recording_reader_open(path, &reader, error);
	while (got >= 0 && (got = recording_read(reader, &tick, error)) > 0) {
		const struct recording_params *params =
			recording_read_params(reader);
		int err = 0;

		if (!params->is_known)
			replays->nr_defaults++;
		for (i = 0; i < replays->nr_runs && err == 0; i++)
			err = replay_tick(replays->runs[i], &tick, params);
		recording_tick_done(&tick);
		if (err < 0) {
			log_error("%s", strerror(-err));
			return err;
		}
	}
	if (got < 0)
		log_error("%s", error);
	else if (replay_totals(replays->runs[0])->nr_ticks < 2)
		log_error("'%s' has less than two ticks: nothing to compare",
			  path);
	else
		return 0;
	return got < 0 ? got : -ENODATA;
}

static int replays_print(FILE *out, const struct replays *replays)
{
	static const struct column heads[] = {
		{ "POLICY", false },	 { "MISSES/S", true },
		{ "VS RECORDED", true }, { "WEIGHTED/S", true },
		{ "MOVED", true },	 { "MOVES", true },
		{ "BELOW MIN", true },	 { "OVER BUDGET", true },
	};
	const struct replay_totals *recorded = replay_totals(replays->runs[0]);
	struct columns *columns;
	size_t i;
	int err;

	err = columns_new(heads, sizeof(heads) / sizeof(heads[0]), &columns);
	if (err < 0)
		return err;
	(void)fprintf(out,
		      "%" PRIu64
		      " ticks in %.4g s; predicted by the recorded curves\n",
		      recorded->nr_ticks, recorded->seconds);
	if (replays->nr_defaults > 0)
		(void)fprintf(out,
			      "with default parameters for %" PRIu64
			      " of them, as the host's are not recorded\n",
			      replays->nr_defaults);
	for (i = 0; i < replays->nr_runs; i++) {
		const struct replay_totals *totals =
			replay_totals(replays->runs[i]);
		double seconds = totals->seconds > 0 ? totals->seconds : 1;
		char text[SHOW_BYTES];

		columns_cell(columns, replays->names[i]);
		amount_format_rate(totals->misses / seconds, text);
		columns_cell(columns, text);
		if (recorded->misses > 0)
			amount_format_percent(totals->misses / recorded->misses,
					      text);
		else
			(void)snprintf(text, sizeof(text), "-");
		columns_cell(columns, text);
		amount_format_rate(totals->weighted_misses / seconds, text);
		columns_cell(columns, text);
		amount_format_size(totals->moved_bytes, text);
		columns_cell(columns, text);
		(void)snprintf(text, sizeof(text), "%" PRIu64,
			       totals->nr_moves);
		columns_cell(columns, text);
		(void)snprintf(text, sizeof(text), "%.4g s",
			       totals->below_min_seconds);
		columns_cell(columns, text);
		(void)snprintf(text, sizeof(text), "%.4g s",
			       totals->over_budget_seconds);
		columns_cell(columns, text);
	}
	err = columns_print(columns, out);
	columns_free(columns);
	return err;
}

static int replays_print_json(FILE *out, const struct replays *replays)
{
	_cleanup_json_ json_t *json = show_json_new("replay");
	_cleanup_json_ json_t *array = json_array();
	const struct replay_totals *recorded = replay_totals(replays->runs[0]);
	size_t i;
	int err = 0;

	for (i = 0; i < replays->nr_runs; i++) {
		const struct replay_totals *totals =
			replay_totals(replays->runs[i]);
		_cleanup_json_ json_t *row = json_object();

		err |= fields_set(row, "policy",
				  i == 0 ? json_null() :
					   json_string(replays->names[i]));
		err |= fields_set(row, "misses", fields_real(totals->misses));
		err |= fields_set(row, "weighted_misses",
				  fields_real(totals->weighted_misses));
		err |= fields_set(row, "moved_bytes",
				  fields_count(totals->moved_bytes));
		err |= fields_set(row, "moves", fields_count(totals->nr_moves));
		err |= fields_set(row, "below_min_seconds",
				  fields_real(totals->below_min_seconds));
		err |= fields_set(row, "over_budget_seconds",
				  fields_real(totals->over_budget_seconds));
		err |= json_array_append(array, row);
	}
	err |= fields_set(json, "ticks", fields_count(recorded->nr_ticks));
	err |= fields_set(json, "ticks_with_default_params",
			  fields_count(replays->nr_defaults));
	err |= fields_set(json, "seconds", fields_real(recorded->seconds));
	err |= json_object_set(json, "runs", array);
	return err ? -ENOMEM : fields_write(out, json);
}

int verb_replay(const struct options *options)
{
	CLEANUP(cleanup_replays) struct replays replays = { 0 };
	int err;

	err = replays_init(&replays, options->policy_name);
	if (err < 0) {
		log_error("%s", strerror(-err));
		return EXIT_STATUS_FAILED;
	}
	if (replays_read(&replays, options->recording_path) < 0)
		return EXIT_STATUS_FAILED;
	err = options->output == OPTIONS_JSON ?
		      replays_print_json(stdout, &replays) :
		      replays_print(stdout, &replays);
	if (err < 0) {
		log_error("%s", strerror(-err));
		return EXIT_STATUS_FAILED;
	}
	return verb_flush() ? EXIT_STATUS_OK : EXIT_STATUS_FAILED;
}
