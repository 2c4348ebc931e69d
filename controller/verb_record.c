// SPDX-License-Identifier: GPL-2.0-or-later
/* record: follow the daemon and write, or have it do so. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cleanup.h"
#include "daemon_link.h"
#include "fields.h"
#include "log.h"
#include "recording.h"
#include "show.h"
#include "verbs.h"

static void cleanup_writer(struct recording_writer **writer)
{
	recording_writer_close(*writer);
}

static int record_report(const struct options *options, const char *path,
			 uint64_t nr_ticks, bool is_here)
{
	_cleanup_json_ json_t *json = NULL;
	int err = 0;

	if (options->output == OPTIONS_JSON) {
		json = show_json_new("record");
		err |= fields_set(json, "path", fields_text(path));
		err |= fields_set(json, "ticks",
				  fields_optional(is_here, nr_ticks));
		err = err ? -ENOMEM : fields_write(stdout, json);
	} else if (is_here) {
		(void)printf("%" PRIu64 " ticks in %s\n", nr_ticks, path);
	} else if (path) {
		(void)printf("the daemon records to %s\n", path);
	} else {
		(void)printf("the daemon's recording has ended\n");
	}
	if (err < 0) {
		log_error("%s", strerror(-err));
		return EXIT_STATUS_FAILED;
	}
	return verb_flush() ? EXIT_STATUS_OK : EXIT_STATUS_FAILED;
}

static int record_tick(struct recording_writer *writer, const json_t *json,
		       const char *path, uint64_t *nr_ticks)
{
	CLEANUP(recording_tick_done) struct tick tick = { 0 };
	struct recording_params params;
	struct client_error error;
	int err;

	err = link_params_of(json, &params, &error);
	if (err == 0)
		err = link_tick_of(json, &tick, &error);
	if (err < 0) {
		log_error("%s", error.desc);
		return err;
	}
	err = recording_write(writer, &tick, &params);
	if (err < 0) {
		log_error("cannot write '%s': %s", path, strerror(-err));
		return err;
	}
	(*nr_ticks)++;
	return 0;
}

static int record_follow(const struct options *options, struct client *client,
			 struct recording_writer *writer, int signal_fd,
			 uint64_t *nr_ticks)
{
	int err = 0;

	while (err == 0 && (!options->count || *nr_ticks < options->count)) {
		_cleanup_json_ json_t *json = NULL;
		struct client_error error;
		int got =
			client_wait_tick(client, signal_fd, -1, &json, &error);

		if (got == 0)
			return 0;
		if (got < 0) {
			log_error("%s", error.desc);
			return got;
		}
		err = record_tick(writer, json, options->output_path, nr_ticks);
	}
	return err;
}

/* A recording of one's own, from the next tick on, until interrupted. */
static int record_here(const struct options *options, struct client *client)
{
	CLEANUP(cleanup_writer) struct recording_writer *writer = NULL;
	_cleanup_close_ int signal_fd = -1;
	uint64_t nr_ticks = 0;
	int err;

	err = verb_open_signals(&signal_fd);
	if (err < 0) {
		log_error("cannot watch for signals: %s", strerror(-err));
		return EXIT_STATUS_FAILED;
	}
	if (link_call(client, "subscribe", NULL, NULL) < 0)
		return EXIT_STATUS_FAILED;
	err = recording_writer_open(options->output_path, 0, &writer);
	if (err == -EEXIST)
		log_error(
			"cannot write '%s': it exists and is not a regular file",
			options->output_path);
	else if (err < 0)
		log_error("cannot write '%s': %s", options->output_path,
			  strerror(-err));
	if (err < 0)
		return EXIT_STATUS_FAILED;
	err = record_follow(options, client, writer, signal_fd, &nr_ticks);
	if (err < 0)
		return EXIT_STATUS_FAILED;
	recording_writer_close(TAKE_PTR(writer));
	return record_report(options, options->output_path, nr_ticks, true);
}

static int record_start(const struct options *options, struct client *client)
{
	_cleanup_json_ json_t *json = NULL, *arguments = json_object();

	if (!arguments || fields_set(arguments, "path",
				     fields_text(options->output_path)) < 0) {
		log_error("out of memory");
		return EXIT_STATUS_FAILED;
	}
	if (link_call(client, "record-start", TAKE_PTR(arguments), &json) < 0)
		return EXIT_STATUS_FAILED;
	return record_report(options,
			     json_string_value(json_object_get(json, "path")),
			     0, false);
}

int verb_record(const struct options *options)
{
	_cleanup_client_ struct client *client = NULL;

	if (link_open(options, &client) < 0)
		return EXIT_STATUS_FAILED;
	switch (options->record) {
	case OPTIONS_RECORD_START:
		return record_start(options, client);
	case OPTIONS_RECORD_STOP:
		if (link_call(client, "record-stop", NULL, NULL) < 0)
			return EXIT_STATUS_FAILED;
		return record_report(options, NULL, 0, false);
	default:
		return record_here(options, client);
	}
}
