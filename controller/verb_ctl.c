// SPDX-License-Identifier: GPL-2.0-or-later
/* ctl: any command to the daemon, as control.h has them. */
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "daemon_link.h"
#include "fields.h"
#include "log.h"
#include "verbs.h"

/* "inverse-rate=64": the value is JSON, or else a string. */
static int ctl_add_pair(json_t *arguments, const char *word)
{
	const char *equals = strchr(word, '=');
	_cleanup_free_ char *key = NULL;
	json_t *value;

	if (!equals || equals == word) {
		log_error(
			"argument '%s': expected KEY=VALUE, or one JSON object such as '{\"level\": \"debug\"}'",
			word);
		return -EINVAL;
	}
	key = strndup(word, (size_t)(equals - word));
	value = json_loads(equals + 1, JSON_DECODE_ANY, NULL);
	if (!value)
		value = fields_text(equals + 1);
	if (!key || fields_set(arguments, key, value) < 0) {
		log_error(
			"argument '%s': its name is not UTF-8, or memory is out",
			word);
		return -EINVAL;
	}
	return 0;
}

static int ctl_arguments(const struct options *options, json_t **ret_arguments)
{
	_cleanup_json_ json_t *arguments = NULL;
	json_error_t error;
	int i;

	if (options->nr_words == 2 && options->words[1][0] == '{') {
		arguments = json_loads(options->words[1],
				       JSON_REJECT_DUPLICATES, &error);
		if (!arguments) {
			log_error("the arguments are not JSON: %s, column %d",
				  error.text, error.column);
			return -EINVAL;
		}
	} else {
		arguments = json_object();
		for (i = 1; i < options->nr_words; i++) {
			int err = ctl_add_pair(arguments, options->words[i]);

			if (err < 0)
				return err;
		}
	}
	*ret_arguments = TAKE_PTR(arguments);
	return 0;
}

/* What the user got wrong is usage; all else failed. */
static int ctl_status_of(const char *class)
{
	static const char *const usage[] = { "BadMessage", "BadArgument",
					     "CommandNotFound" };
	size_t i;

	for (i = 0; i < sizeof(usage) / sizeof(usage[0]); i++) {
		if (strcmp(class, usage[i]) == 0)
			return EXIT_STATUS_USAGE;
	}
	return EXIT_STATUS_FAILED;
}

static bool ctl_print(const json_t *json)
{
	_cleanup_free_ char *text = json_dumps(
		json, JSON_INDENT(2) | JSON_ENCODE_ANY |
			      JSON_REAL_PRECISION(FIELDS_REAL_DIGITS));

	if (!text) {
		log_error("out of memory");
		return false;
	}
	(void)printf("%s\n", text);
	return verb_flush();
}

/* After "subscribe": every tick, a line each, until interrupted. */
static int ctl_follow(struct client *client, int signal_fd)
{
	for (;;) {
		_cleanup_json_ json_t *json = NULL;
		struct client_error error;
		int got =
			client_wait_tick(client, signal_fd, -1, &json, &error);

		if (got == 0)
			return EXIT_STATUS_OK;
		if (got < 0) {
			log_error("%s", error.desc);
			return EXIT_STATUS_FAILED;
		}
		if (fields_write(stdout, json) < 0 || !verb_flush())
			return EXIT_STATUS_FAILED;
	}
}

int verb_ctl(const struct options *options)
{
	_cleanup_client_ struct client *client = NULL;
	_cleanup_json_ json_t *arguments = NULL, *result = NULL;
	_cleanup_close_ int signal_fd = -1;
	const char *command = options->words[0];
	struct client_error error;
	bool is_subscription = strcmp(command, "subscribe") == 0;
	int err;

	if (ctl_arguments(options, &arguments) < 0)
		return EXIT_STATUS_USAGE;
	if (is_subscription && verb_open_signals(&signal_fd) < 0) {
		log_error("cannot watch for signals");
		return EXIT_STATUS_FAILED;
	}
	if (link_open(options, &client) < 0)
		return EXIT_STATUS_FAILED;
	err = client_call(client, command, TAKE_PTR(arguments), &result,
			  &error);
	if (err < 0 && *error.class)
		log_error("%s: %s", error.class, error.desc);
	else if (err < 0)
		log_error("%s", error.desc);
	if (err < 0)
		return ctl_status_of(error.class);
	if (is_subscription)
		return fields_write(stdout, result) == 0 && verb_flush() ?
			       ctl_follow(client, signal_fd) :
			       EXIT_STATUS_FAILED;
	return ctl_print(result) ? EXIT_STATUS_OK : EXIT_STATUS_FAILED;
}
