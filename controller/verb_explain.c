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
 * struct explained - a decision about the VM
 * @tick: of it
 * @index: of the VM there
 * @params: it was made with
 * @is_full: @tick has all VMs and their curves, so that other policies can be asked
 */
struct explained {
	struct tick tick;
	size_t index;
	struct recording_params params;
	bool is_full;
};

/**
 * struct explain - decisions about one VM, oldest first
 * @list: @nr of them, with room for @max
 * @nr: number
 * @max: then the oldest makes room
 */
struct explain {
	struct explained *list;
	size_t nr;
	size_t max;
};

static void cleanup_explain(struct explain *explain)
{
	size_t i;

	for (i = 0; i < explain->nr; i++)
		recording_tick_done(&explain->list[i].tick);
	free(explain->list);
}

static int explain_reserve(struct explain *explain, size_t max)
{
	explain->list = calloc(max, sizeof(*explain->list));
	explain->max = max;
	if (explain->list)
		return 0;
	log_error("out of memory");
	return -ENOMEM;
}

/* Takes @tick. @params: NULL: only that VM is in it, without curves. */
static void explain_add(struct explain *explain, struct tick *tick,
			size_t index, const struct recording_params *params)
{
	struct explained *added;

	if (explain->nr == explain->max) {
		recording_tick_done(&explain->list[0].tick);
		explain->nr--;
		memmove(explain->list, explain->list + 1,
			explain->nr * sizeof(*explain->list));
	}
	added = &explain->list[explain->nr++];
	*added = (struct explained){
		.tick = *tick,
		.index = index,
		.is_full = params,
	};
	if (params)
		added->params = *params;
	*tick = (struct tick){ 0 };
}

/* What every policy wants for the VM, with the host's parameters. */
static int explain_alternatives(const struct explained *explained,
				struct show_alternative *list,
				struct show_alternatives *ret_alternatives)
{
	const struct tick *tick = &explained->tick;
	_cleanup_free_ struct policy_want *wants =
		calloc(tick->nr_vms + 1, sizeof(*wants));
	size_t nr = 0;

	if (!wants)
		return -ENOMEM;
	if (!explained->is_full) {
		*ret_alternatives = (struct show_alternatives){
			.note = "what others would want is not known, as the daemon keeps curves of its last tick only: a --recording has all",
		};
		return 0;
	}
	for (; nr < EXPLAIN_MAX_POLICIES && policy_all[nr]; nr++) {
		const struct policy *policy = policy_all[nr];
		int err = policy->plan(&explained->params.policy, &tick->host,
				       tick->vms, tick->nr_vms, wants);

		if (err < 0)
			return err;
		list[nr] = (struct show_alternative){ policy,
						      wants[explained->index] };
	}
	*ret_alternatives = (struct show_alternatives){
		.list = list,
		.nr = nr,
		.note = explained->params.is_known ?
				NULL :
				"with default parameters, as the host's are not recorded",
	};
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

	for (i = 0; i < explain->nr && err == 0; i++) {
		struct show_alternative list[EXPLAIN_MAX_POLICIES];
		const struct explained *one = &explain->list[i];
		struct show_alternatives alternatives;

		err = explain_alternatives(one, list, &alternatives);
		if (err < 0)
			break;
		if (is_json) {
			if (json_array_append_new(
				    decisions,
				    show_decision_json(&one->tick, one->index,
						       &alternatives)) < 0)
				err = -ENOMEM;
			continue;
		}
		if (i > 0)
			(void)fputc('\n', stdout);
		err = show_decision(stdout, &one->tick, one->index,
				    &alternatives);
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
			explain_add(explain, &tick, 0, NULL);
		recording_tick_done(&tick);
	}
	return 0;
}

static int explain_from_daemon(const struct options *options)
{
	CLEANUP(cleanup_explain) struct explain explain = { 0 };
	CLEANUP(recording_tick_done) struct tick last = { 0 };
	_cleanup_client_ struct client *client = NULL;
	struct recording_params params;
	size_t index;

	if (explain_reserve(&explain, options->count) < 0 ||
	    link_open(options, &client) < 0 ||
	    link_query_tick(client, &last, &params) < 0 ||
	    link_find(&last, options->selector, &index) < 0)
		return EXIT_STATUS_FAILED;
	if (options->count > 1 && explain_add_history(&explain, client, &last,
						      last.vms[index].uuid) < 0)
		return EXIT_STATUS_FAILED;
	explain_add(&explain, &last, index, &params);
	return explain_print(options, &explain);
}

static int explain_from_recording(const struct options *options)
{
	CLEANUP(cleanup_explain) struct explain explain = { 0 };
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
			explain_add(&explain, &tick, i,
				    recording_read_params(reader));
		recording_tick_done(&tick);
	}
	if (got < 0) {
		log_error("%s", error);
		return EXIT_STATUS_FAILED;
	}
	if (explain.nr == 0) {
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
