// SPDX-License-Identifier: GPL-2.0-or-later
/* The commands of control.h. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <linux/kvm_aet.h>

#include "daemon/daemon.h"
#include "daemon/journal.h"
#include "text.h"
#include "units.h"

/* libvirt has so long to confirm what it was told. */
#define COMMAND_TIMEOUT_NS (UINT64_C(30) * NS_PER_S)

/* 2^53: numbers beyond are not exact in everybody's JSON. */
#define COMMAND_MAX_BYTES (INT64_C(1) << 53)

/**
 * struct command - being done
 * @daemon: by whom
 * @request: as it came
 * @arguments: of it
 * @result: for the answer, or NULL
 * @error: for it, if it fails
 */
struct command {
	struct daemon *daemon;
	const struct control_request *request;
	json_t *arguments;
	json_t *result;
	struct control_error *error;
};

/* Changes are logged with who made them. */
static void command_log(const struct command *command, const char *text)
{
	static const struct journal_about about = { .event = "control" };
	char who[64];

	(void)snprintf(who, sizeof(who), "user %u (PID %d)",
		       (unsigned int)command->request->uid,
		       (int)command->request->pid);
	journal_log(JOURNAL_NOTICE, &about, "%s: %s%s%s", who,
		    command->request->command, *text ? " " : "", text);
}

/* Every argument is one of @names, which ends with NULL. */
static bool command_knows(const struct command *command,
			  const char *const *names)
{
	const char *key;
	json_t *value;
	size_t i;

	json_object_foreach(command->arguments, key, value)
	{
		for (i = 0; names[i] && strcmp(names[i], key) != 0; i++)
			;
		if (names[i])
			continue;
		control_error_set(command->error, "BadArgument",
				  "%s has no argument '%.64s'",
				  command->request->command, key);
		return false;
	}
	return true;
}

static bool command_get_string(const struct command *command, const char *name,
			       const char *expected, const char **ret_text)
{
	const char *text =
		json_string_value(json_object_get(command->arguments, name));

	if (!text) {
		control_error_set(command->error, "BadArgument",
				  "argument '%s': expected %s", name, expected);
		return false;
	}
	*ret_text = text;
	return true;
}

static bool command_get_mode(const struct command *command,
			     enum vm_mode *ret_mode)
{
	const char *expected = "observe, advise or act", *text;
	enum vm_mode mode;

	if (!command_get_string(command, "mode", expected, &text))
		return false;
	for (mode = VM_MODE_OBSERVE; mode <= VM_MODE_ACT; mode++) {
		if (strcmp(recording_mode_name(mode), text) == 0) {
			*ret_mode = mode;
			return true;
		}
	}
	control_error_set(command->error, "BadArgument",
			  "mode '%.32s': expected %s", text, expected);
	return false;
}

static bool command_get_guest(const struct command *command,
			      const struct guest **ret_guest)
{
	const char *uuid;

	if (!command_get_string(command, "uuid", "the UUID of a running domain",
				&uuid))
		return false;
	*ret_guest = guests_find(ticker_guests(command->daemon->ticker), uuid);
	if (!*ret_guest)
		control_error_set(command->error, "NotFound",
				  "no domain with UUID '%.40s' runs", uuid);
	return *ret_guest;
}

/* Takes @value. */
static int command_append_problem(json_t *problems, const struct guest *guest,
				  const char *problem)
{
	char *name = NULL;
	json_t *entry;

	if (guest) {
		name = text_utf8(guest->name ? guest->name : "");
		if (!name)
			return -ENOMEM;
	}
	entry = json_pack("{s:s?, s:s?, s:s}", "uuid",
			  guest ? guest->uuid : NULL, "name", name, "problem",
			  problem);
	free(name);
	return json_array_append_new(problems, entry) < 0 ? -ENOMEM : 0;
}

static int command_add_utf8(json_t *problems, const struct guest *guest,
			    const char *problem)
{
	char *text = text_utf8(problem);
	int err;

	if (!text)
		return -ENOMEM;
	err = command_append_problem(problems, guest, text);
	free(text);
	return err;
}

static json_t *command_problems(struct daemon *daemon)
{
	const struct guests *guests = ticker_guests(daemon->ticker);
	json_t *problems = json_array();
	char problem[GUESTS_ERROR_BYTES];
	int err = problems ? 0 : -ENOMEM;
	size_t i;

	if (err == 0 && ticker_problem(daemon->ticker, problem))
		err = command_add_utf8(problems, NULL, problem);
	if (err == 0 && *daemon->metrics_problem)
		err = command_add_utf8(problems, NULL, daemon->metrics_problem);
	if (err == 0 && *daemon->record_problem)
		err = command_add_utf8(problems, NULL, daemon->record_problem);
	for (i = 0; i < guests->nr && err == 0; i++) {
		if (guest_problem(guests->list[i], problem))
			err = command_add_utf8(problems, guests->list[i],
					       problem);
	}
	if (err < 0) {
		json_decref(problems);
		return NULL;
	}
	return problems;
}

static enum control_verdict command_no_memory(const struct command *command)
{
	control_error_set(command->error, "Failed", "out of memory");
	return CONTROL_FAILED;
}

static enum control_verdict command_done(struct command *command,
					 json_t *result)
{
	if (!result)
		return command_no_memory(command);
	command->result = result;
	return CONTROL_DONE;
}

static enum control_verdict command_query_status(struct command *command)
{
	struct daemon *daemon = command->daemon;
	const struct tick *tick = ticker_last(daemon->ticker);
	const struct config *config = &daemon->config;

	return command_done(
		command,
		json_pack(
			"{s:s, s:i, s:i, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:b, s:b, s:s?, s:s, s:I, s:I, s:o}",
			"version", KVM_AET_VERSION, "schema", CONTROL_SCHEMA,
			"pid", (int)getpid(), "uri", config->uri, "mode",
			recording_mode_name(ticker_mode(daemon->ticker)),
			"configured-mode", recording_mode_name(config->mode),
			"policy", config->policy->name, "started-unix-ns",
			(json_int_t)daemon->started_unix_ns, "period-ns",
			(json_int_t)config->tracker.period_ns, "tick",
			(json_int_t)(tick ? tick->number : 0), "is-connected",
			ticker_is_connected(daemon->ticker), "is-reloaded",
			daemon->is_reloaded, "record-path", daemon->record_path,
			"log-level",
			journal_level() == JOURNAL_DEBUG ? "debug" : "info",
			"domains",
			(json_int_t)ticker_guests(daemon->ticker)->nr,
			"tracked",
			(json_int_t)ticker_nr_tracked(daemon->ticker),
			"problems", command_problems(daemon)));
}

static enum control_verdict command_query_tick(struct command *command)
{
	json_t *tick = daemon_tick_json(command->daemon);

	if (!tick && !ticker_last(command->daemon->ticker)) {
		control_error_set(
			command->error, "NotFound",
			"there has been no tick yet: wait for a period, %.9g s",
			units_seconds(
				command->daemon->config.tracker.period_ns));
		return CONTROL_FAILED;
	}
	return command_done(command, json_incref(tick));
}

static enum control_verdict command_subscribe(struct command *command)
{
	enum control_verdict verdict;

	/* Before the first tick there is nothing to show, but more to come. */
	if (!ticker_last(command->daemon->ticker))
		return CONTROL_SUBSCRIBED;
	verdict = command_query_tick(command);
	return verdict == CONTROL_DONE ? CONTROL_SUBSCRIBED : verdict;
}

static enum control_verdict command_query_history(struct command *command)
{
	json_t *ticks = json_array();
	const struct guest *guest;
	struct decision decision;
	struct vm_view view;
	struct tick tick;
	char *name;
	size_t i;

	if (!command_get_guest(command, &guest)) {
		json_decref(ticks);
		return CONTROL_FAILED;
	}
	for (i = 0; guest_moment(guest, i, &view, &decision, &tick); i++) {
		if (json_array_append_new(ticks,
					  recording_tick_to_json(&tick)) < 0) {
			json_decref(ticks);
			return command_no_memory(command);
		}
	}
	name = text_utf8(guest->name ? guest->name : "");
	command->result = json_pack("{s:s, s:s, s:o}", "uuid", guest->uuid,
				    "name", name ? name : "", "ticks", ticks);
	free(name);
	return command_done(command, command->result);
}

static enum control_verdict command_set_mode(struct command *command)
{
	enum vm_mode mode;

	if (!command_get_mode(command, &mode))
		return CONTROL_FAILED;
	command_log(command, recording_mode_name(mode));
	ticker_set_mode(command->daemon->ticker, mode);
	command->daemon->is_reloaded = true;
	return CONTROL_DONE;
}

/* Absent: as it is. False: @ret_is_set and @ret_bytes are untouched. */
static bool command_get_bytes(const struct command *command, const char *name,
			      bool *ret_is_set, uint64_t *ret_bytes)
{
	json_t *value = json_object_get(command->arguments, name);

	if (!value)
		return true;
	if (json_is_null(value)) {
		*ret_is_set = false;
		*ret_bytes = 0;
		return true;
	}
	if (!json_is_integer(value) ||
	    json_integer_value(value) < VIEW_PAGE_BYTES ||
	    json_integer_value(value) > COMMAND_MAX_BYTES) {
		control_error_set(
			command->error, "BadArgument",
			"argument '%s': expected bytes, at least %d, or null",
			name, VIEW_PAGE_BYTES);
		return false;
	}
	*ret_is_set = true;
	*ret_bytes = (uint64_t)json_integer_value(value);
	return true;
}

static bool command_get_weight(const struct command *command,
			       struct domain_policy *policy)
{
	json_t *value = json_object_get(command->arguments, "weight");

	if (!value)
		return true;
	if (json_is_null(value)) {
		policy->has_weight = false;
		policy->weight = 0;
		return true;
	}
	if (!json_is_number(value)) {
		control_error_set(
			command->error, "BadArgument",
			"argument 'weight': expected a number or null");
		return false;
	}
	policy->has_weight = true;
	policy->weight = json_number_value(value);
	return true;
}

static bool command_get_policy(const struct command *command,
			       struct domain_policy *policy)
{
	json_t *mode = json_object_get(command->arguments, "mode");
	char reason[DOMAIN_XML_ERROR_BYTES];

	if (!command_get_bytes(command, "min-bytes", &policy->has_min,
			       &policy->min_bytes) ||
	    !command_get_bytes(command, "max-bytes", &policy->has_max,
			       &policy->max_bytes) ||
	    !command_get_weight(command, policy))
		return false;
	if (json_is_null(mode)) {
		policy->has_mode = false;
		policy->mode = VM_MODE_OBSERVE;
	} else if (mode) {
		if (!command_get_mode(command, &policy->mode))
			return false;
		policy->has_mode = true;
	}
	if (domain_policy_check(policy, reason) < 0) {
		control_error_set(command->error, "BadArgument", "%s", reason);
		return false;
	}
	return true;
}

static struct daemon_owed *command_find_owed(struct daemon *daemon)
{
	size_t i;

	for (i = 0; i < DAEMON_MAX_OWED; i++) {
		if (!daemon->owed[i].ticket)
			return &daemon->owed[i];
	}
	return NULL;
}

static enum control_verdict command_set_policy(struct command *command)
{
	struct daemon *daemon = command->daemon;
	struct daemon_owed *owed = command_find_owed(daemon);
	const struct guest *guest;
	struct domain_policy policy;
	int err;

	if (!command_get_guest(command, &guest))
		return CONTROL_FAILED;
	policy = guest->policy;
	if (!command_get_policy(command, &policy))
		return CONTROL_FAILED;
	if (!owed) {
		control_error_set(
			command->error, "Failed",
			"libvirt still has %d policies to set: try again later",
			DAEMON_MAX_OWED);
		return CONTROL_FAILED;
	}
	command_log(command, guest->name ? guest->name : guest->uuid);
	err = virt_set_policy(daemon->virt, guest->uuid, &policy);
	if (err < 0) {
		control_error_set(
			command->error, "Failed", "%s",
			err == -EAGAIN ?
				"libvirt is not connected: try again later" :
				strerror(-err));
		return CONTROL_FAILED;
	}
	*owed = (struct daemon_owed){
		.ticket = command->request->ticket,
		.deadline_ns = daemon_now_ns() + COMMAND_TIMEOUT_NS,
	};
	memcpy(owed->uuid, guest->uuid, sizeof(owed->uuid));
	return CONTROL_LATER;
}

static enum control_verdict command_set_rate(struct command *command)
{
	json_t *value = json_object_get(command->arguments, "inverse-rate");
	const struct guest *guest;
	json_int_t rate = 0;
	char text[96];
	int err;

	if (!command_get_guest(command, &guest))
		return CONTROL_FAILED;
	if (!json_is_null(value)) {
		rate = json_integer_value(value);
		if (!json_is_integer(value) || rate < 1 ||
		    rate > KVM_AET_MAX_INVERSE_RATE) {
			control_error_set(
				command->error, "BadArgument",
				"argument 'inverse-rate': expected a number from 1 to %d, or null",
				KVM_AET_MAX_INVERSE_RATE);
			return CONTROL_FAILED;
		}
	}
	(void)snprintf(text, sizeof(text), "%s to 1/%d", guest->uuid,
		       (int)rate);
	command_log(command, rate ? text : guest->uuid);
	err = ticker_set_rate(command->daemon->ticker, guest->uuid,
			      (uint32_t)rate);
	if (err < 0) {
		control_error_set(command->error, "Failed", "%s",
				  strerror(-err));
		return CONTROL_FAILED;
	}
	return CONTROL_DONE;
}

static enum control_verdict command_reload(struct command *command)
{
	char reason[CONFIG_ERROR_BYTES];

	command_log(command, "");
	if (daemon_reload(command->daemon, reason) < 0) {
		control_error_set(command->error, "Failed", "%s", reason);
		return CONTROL_FAILED;
	}
	return CONTROL_DONE;
}

static enum control_verdict command_record_start(struct command *command)
{
	const char *expected = "a file name without a directory", *name;
	char reason[CONFIG_ERROR_BYTES];

	if (!command_get_string(command, "path", expected, &name))
		return CONTROL_FAILED;
	if (!config_is_file_name(name)) {
		control_error_set(command->error, "BadArgument",
				  "'%.64s': expected %s: recordings go to %s",
				  name, expected,
				  command->daemon->config.record_directory);
		return CONTROL_FAILED;
	}
	command_log(command, name);
	if (daemon_record_start(command->daemon, name, reason) < 0) {
		control_error_set(command->error, "Failed", "%s", reason);
		return CONTROL_FAILED;
	}
	return command_done(command, json_pack("{s:s}", "path",
					       command->daemon->record_path));
}

static enum control_verdict command_record_stop(struct command *command)
{
	command_log(command, "");
	if (!command->daemon->writer) {
		control_error_set(command->error, "NotFound",
				  "nothing is being recorded");
		return CONTROL_FAILED;
	}
	daemon_record_stop(command->daemon);
	return CONTROL_DONE;
}

static enum control_verdict command_log_level(struct command *command)
{
	const char *text;

	if (!command_get_string(command, "level", "info or debug", &text))
		return CONTROL_FAILED;
	if (strcmp(text, "info") != 0 && strcmp(text, "debug") != 0) {
		control_error_set(command->error, "BadArgument",
				  "level '%.32s': expected info or debug",
				  text);
		return CONTROL_FAILED;
	}
	command_log(command, text);
	journal_set_level(strcmp(text, "debug") == 0 ? JOURNAL_DEBUG :
						       JOURNAL_INFO);
	return CONTROL_DONE;
}

#define ARGUMENTS(...) ((const char *const[]){ __VA_ARGS__ })

static const struct {
	const char *name;
	const char *const *arguments;
	enum control_verdict (*run)(struct command *command);
} commands[] = {
	{ "query-status", ARGUMENTS(NULL), command_query_status },
	{ "query-tick", ARGUMENTS(NULL), command_query_tick },
	{ "query-history", ARGUMENTS("uuid", NULL), command_query_history },
	{ "subscribe", ARGUMENTS(NULL), command_subscribe },
	{ "set-mode", ARGUMENTS("mode", NULL), command_set_mode },
	{ "set-policy",
	  ARGUMENTS("uuid", "min-bytes", "max-bytes", "weight", "mode", NULL),
	  command_set_policy },
	{ "set-rate", ARGUMENTS("uuid", "inverse-rate", NULL),
	  command_set_rate },
	{ "reload", ARGUMENTS(NULL), command_reload },
	{ "record-start", ARGUMENTS("path", NULL), command_record_start },
	{ "record-stop", ARGUMENTS(NULL), command_record_stop },
	{ "log-level", ARGUMENTS("level", NULL), command_log_level },
};

enum control_verdict command_handle(void *context,
				    const struct control_request *request,
				    json_t **ret_result,
				    struct control_error *ret_error)
{
	struct command command = {
		.daemon = context,
		.request = request,
		.arguments = request->arguments,
		.error = ret_error,
	};
	enum control_verdict verdict;
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, request->command) != 0)
			continue;
		if (!command_knows(&command, commands[i].arguments))
			return CONTROL_FAILED;
		verdict = commands[i].run(&command);
		*ret_result = command.result;
		return verdict;
	}
	control_error_set(ret_error, "CommandNotFound", "no command '%.64s'",
			  request->command);
	return CONTROL_FAILED;
}

static void command_settle(struct daemon *daemon, struct daemon_owed *owed,
			   const char *problem)
{
	struct control_error error = { 0 };
	uint64_t ticket = owed->ticket;

	*owed = (struct daemon_owed){ 0 };
	if (problem)
		control_error_set(&error, "Failed", "%s", problem);
	control_answer(daemon->control, ticket, NULL, problem ? &error : NULL);
}

static void command_take_one(struct daemon *daemon, struct daemon_owed *owed,
			     const struct virt_news *news)
{
	switch (news->kind) {
	case VIRT_DISCONNECTED:
		command_settle(daemon, owed, "libvirt is gone");
		return;
	case VIRT_DOMAIN_GONE:
		command_settle(daemon, owed, "the domain is gone");
		return;
	case VIRT_POLICY_SET:
		command_settle(daemon, owed,
			       news->err == 0 ? NULL :
			       news->error    ? news->error :
						strerror(-news->err));
		return;
	default:
		return;
	}
}

void command_take_news(struct daemon *daemon, const struct virt_news *news)
{
	size_t i;

	for (i = 0; i < DAEMON_MAX_OWED; i++) {
		struct daemon_owed *owed = &daemon->owed[i];

		if (owed->ticket && (news->kind == VIRT_DISCONNECTED ||
				     strcmp(owed->uuid, news->uuid) == 0))
			command_take_one(daemon, owed, news);
	}
}

void command_expire(struct daemon *daemon, uint64_t now_ns)
{
	size_t i;

	for (i = 0; i < DAEMON_MAX_OWED; i++) {
		if (daemon->owed[i].ticket &&
		    now_ns >= daemon->owed[i].deadline_ns)
			command_settle(
				daemon, &daemon->owed[i],
				"libvirt has not confirmed it: see 'kvm-aet ctl query-status'");
	}
}
