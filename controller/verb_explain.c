// SPDX-License-Identifier: GPL-2.0-or-later
/* explain: why a VM has the memory that it has. */
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "daemon_link.h"
#include "fields.h"
#include "log.h"
#include "recording.h"
#include "show.h"
#include "verbs.h"

/* There are five. */
#define EXPLAIN_MAX_POLICIES 16

/* Each is a whole tick in memory. */
#define EXPLAIN_MAX_DECISIONS 1000

/**
 * struct explain - decisions about one VM, oldest first
 * @ticks: @nr_ticks; the VM is at @indices in each
 * @indices: likewise
 * @nr_ticks: number
 * @is_full: the last tick has all VMs and their curves, so that other policies can
 *	be asked
 */
struct explain {
	struct tick *ticks;
	size_t *indices;
	size_t nr_ticks;
	bool is_full;
};

static void cleanup_explain(struct explain *explain)
{
	size_t i;

	for (i = 0; i < explain->nr_ticks; i++)
		recording_tick_done(&explain->ticks[i]);
	free(explain->ticks);
	free(explain->indices);
}

static int explain_reserve(struct explain *explain, size_t max_ticks)
{
	explain->ticks = calloc(max_ticks, sizeof(*explain->ticks));
	explain->indices = calloc(max_ticks, sizeof(*explain->indices));
	if (explain->ticks && explain->indices)
		return 0;
	log_error("out of memory");
	return -ENOMEM;
}

/* Takes @tick; the oldest makes room. */
static void explain_add(struct explain *explain, size_t max_ticks,
			struct tick *tick, size_t index)
{
	if (explain->nr_ticks == max_ticks) {
		recording_tick_done(&explain->ticks[0]);
		explain->nr_ticks--;
		memmove(explain->ticks, explain->ticks + 1,
			explain->nr_ticks * sizeof(*explain->ticks));
		memmove(explain->indices, explain->indices + 1,
			explain->nr_ticks * sizeof(*explain->indices));
	}
	explain->ticks[explain->nr_ticks] = *tick;
	explain->indices[explain->nr_ticks] = index;
	explain->nr_ticks++;
	*tick = (struct tick){ 0 };
}

/* What every policy wants for the VM, with the parameters of the literature. */
static int explain_alternatives(const struct tick *tick, size_t index,
				struct show_alternative *alternatives,
				size_t *ret_count)
{
	_cleanup_free_ struct policy_want *wants =
		calloc(tick->nr_vms + 1, sizeof(*wants));
	size_t count = 0;

	if (!wants)
		return -ENOMEM;
	for (; count < EXPLAIN_MAX_POLICIES && policy_all[count]; count++) {
		const struct policy *policy = policy_all[count];
		int err = policy->plan(&policy_default_params, &tick->host,
				       tick->vms, tick->nr_vms, wants);

		if (err < 0)
			return err;
		alternatives[count] =
			(struct show_alternative){ policy, wants[index] };
	}
	*ret_count = count;
	return 0;
}

static int explain_print(const struct options *options,
			 const struct explain *explain)
{
	_cleanup_json_ json_t *json = show_json_new("explain");
	_cleanup_json_ json_t *decisions = json_array();
	bool is_json = options->output == OPTIONS_JSON;
	int err = json && decisions ? 0 : -ENOMEM;
	size_t i;

	for (i = 0; i < explain->nr_ticks && err == 0; i++) {
		struct show_alternative alternatives[EXPLAIN_MAX_POLICIES];
		const struct tick *tick = &explain->ticks[i];
		size_t index = explain->indices[i], nr_alternatives = 0;

		if (explain->is_full && i + 1 == explain->nr_ticks)
			err = explain_alternatives(tick, index, alternatives,
						   &nr_alternatives);
		if (err < 0)
			break;
		if (is_json) {
			if (json_array_append_new(
				    decisions,
				    show_decision_json(tick, index,
						       alternatives,
						       nr_alternatives)) < 0)
				err = -ENOMEM;
			continue;
		}
		if (i > 0)
			(void)fputc('\n', stdout);
		err = show_decision(stdout, tick, index, alternatives,
				    nr_alternatives);
	}
	if (err == 0 && is_json)
		err = json_object_set(json, "decisions", decisions) < 0 ?
			      -ENOMEM :
			      fields_write(stdout, json);
	if (err < 0) {
		log_error("%s", strerror(-err));
		return EXIT_STATUS_FAILED;
	}
	return verb_flush() ? EXIT_STATUS_OK : EXIT_STATUS_FAILED;
}

/* What the daemon remembers of the VM before @last, which is newer. */
static int explain_add_history(struct explain *explain, struct client *client,
			       const struct options *options,
			       const struct tick *last, const char *uuid)
{
	_cleanup_json_ json_t *json = NULL;
	const json_t *ticks;
	size_t i;
	int err;

	err = link_call(client, "query-history",
			json_pack("{ss}", "uuid", uuid), &json);
	if (err < 0)
		return err;
	ticks = json_object_get(json, "ticks");
	for (i = 0; i < json_array_size(ticks); i++) {
		struct client_error error;
		struct tick tick;

		err = link_tick_of(json_array_get(ticks, i), &tick, &error);
		if (err < 0) {
			log_error("%s", error.desc);
			return err;
		}
		if (tick.nr_vms == 1 && tick.number < last->number)
			explain_add(explain, options->count - 1, &tick, 0);
		recording_tick_done(&tick);
	}
	return 0;
}

static int explain_from_daemon(const struct options *options)
{
	CLEANUP(cleanup_explain) struct explain explain = { .is_full = true };
	CLEANUP(recording_tick_done) struct tick last = { 0 };
	_cleanup_client_ struct client *client = NULL;
	size_t index;

	if (explain_reserve(&explain, options->count) < 0 ||
	    link_open(options, &client) < 0 ||
	    link_query_tick(client, &last) < 0 ||
	    link_find(&last, options->selector, &index) < 0)
		return EXIT_STATUS_FAILED;
	if (options->count > 1 &&
	    explain_add_history(&explain, client, options, &last,
				last.vms[index].uuid) < 0)
		return EXIT_STATUS_FAILED;
	explain_add(&explain, options->count, &last, index);
	return explain_print(options, &explain);
}

static int explain_from_recording(const struct options *options)
{
	CLEANUP(cleanup_explain) struct explain explain = { .is_full = true };
	CLEANUP(verb_cleanup_reader) struct recording_reader *reader = NULL;
	char error[RECORDING_ERROR_BYTES];
	struct tick tick;
	int got;

	if (explain_reserve(&explain, options->count) < 0)
		return EXIT_STATUS_FAILED;
	got = recording_reader_open(options->recording_path, &reader, error);
	while (got >= 0 && (got = recording_read(reader, &tick, error)) > 0) {
		size_t i;

		for (i = 0; i < tick.nr_vms; i++) {
			if (strcmp(tick.vms[i].name, options->selector) == 0 ||
			    strcmp(tick.vms[i].uuid, options->selector) == 0)
				break;
		}
		if (i < tick.nr_vms)
			explain_add(&explain, options->count, &tick, i);
		recording_tick_done(&tick);
	}
	if (got < 0) {
		log_error("%s", error);
		return EXIT_STATUS_FAILED;
	}
	if (explain.nr_ticks == 0) {
		log_error("no domain '%s' in '%s'", options->selector,
			  options->recording_path);
		return EXIT_STATUS_FAILED;
	}
	return explain_print(options, &explain);
}

int verb_explain(const struct options *options)
{
	struct options bounded = *options;

	/* The daemon remembers fewer; a recording may hold any number. */
	if (bounded.count > EXPLAIN_MAX_DECISIONS)
		bounded.count = EXPLAIN_MAX_DECISIONS;
	return options->recording_path ? explain_from_recording(&bounded) :
					 explain_from_daemon(&bounded);
}
