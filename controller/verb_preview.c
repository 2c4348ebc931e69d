// SPDX-License-Identifier: GPL-2.0-or-later
/* preview: from the daemon, a recording, or by measuring now. */
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "daemon_link.h"
#include "fields.h"
#include "log.h"
#include "preview.h"
#include "recording.h"
#include "verbs.h"

static int preview_show(const struct options *options,
			const struct policy_params *params,
			const struct vm_view *vm)
{
	_cleanup_json_ json_t *json = NULL;
	struct preview preview;
	int err;

	if (preview_init(params, vm, options->memory_bytes, &preview) < 0) {
		log_error(
			"nothing is known of '%s' yet%s: try again in a few periods",
			vm->name,
			vm->inverse_rate ?
				"" :
				", as it is not tracked (see 'kvm-aet ctl query-status')");
		return EXIT_STATUS_FAILED;
	}
	if (options->output == OPTIONS_JSON) {
		json = preview_to_json(&preview);
		err = json ? fields_write(stdout, json) : -ENOMEM;
	} else {
		err = preview_print(stdout, &preview);
	}
	if (err < 0) {
		log_error("%s", strerror(-err));
		return EXIT_STATUS_FAILED;
	}
	return verb_flush() ? EXIT_STATUS_OK : EXIT_STATUS_FAILED;
}

static int preview_from_daemon(const struct options *options)
{
	CLEANUP(recording_tick_done) struct tick tick = { 0 };
	_cleanup_client_ struct client *client = NULL;
	struct client_error error;
	struct recording_params params;
	size_t index;
	int err;

	err = link_try(options, &client, &error);
	if (link_is_absent(err))
		log_error(
			"the daemon is not running: start it (systemctl start kvm-aetd), or measure with --live, or name a --recording");
	else if (err < 0)
		log_error("%s", error.desc);
	if (err < 0 || link_query_tick(client, &tick, &params) < 0 ||
	    link_find(&tick, options->selector, &index) < 0)
		return EXIT_STATUS_FAILED;
	return preview_show(options, &params.policy, &tick.vms[index]);
}

/* The last tick that knows the VM and has a curve of it. */
static int preview_from_recording(const struct options *options)
{
	CLEANUP(recording_tick_done) struct tick last = { 0 };
	CLEANUP(verb_cleanup_reader) struct recording_reader *reader = NULL;
	char error[RECORDING_ERROR_BYTES];
	struct recording_params params = { 0 };
	size_t last_index = 0, i;
	struct tick tick;
	int got;

	got = recording_reader_open(options->recording_path, &reader, error);
	while (got >= 0 && (got = recording_read(reader, &tick, error)) > 0) {
		for (i = 0; i < tick.nr_vms; i++) {
			if (tick.vms[i].curve &&
			    (strcmp(tick.vms[i].name, options->selector) == 0 ||
			     strcmp(tick.vms[i].uuid, options->selector) == 0))
				break;
		}
		if (i < tick.nr_vms) {
			recording_tick_done(&last);
			last = tick;
			params = *recording_read_params(reader);
			last_index = i;
		} else {
			recording_tick_done(&tick);
		}
	}
	if (got < 0) {
		log_error("%s", error);
		return EXIT_STATUS_FAILED;
	}
	if (!last.vms) {
		log_error("no domain '%s' was measured in '%s'",
			  options->selector, options->recording_path);
		return EXIT_STATUS_FAILED;
	}
	return preview_show(options, &params.policy, &last.vms[last_index]);
}

/* One window, with a band, as a view. */
static int preview_emit(void *context, const struct window *window)
{
	struct vm_view *vm = context;

	return verb_view_window(window, vm);
}

static void cleanup_view(struct vm_view *vm)
{
	mrc_curve_free((struct mrc_curve *)vm->curve);
	mrc_curve_free((struct mrc_curve *)vm->lower);
	mrc_curve_free((struct mrc_curve *)vm->upper);
}

static int preview_live(const struct options *options)
{
	CLEANUP(verb_attached_done)
	struct verb_attached attached = VERB_ATTACHED_NONE;
	CLEANUP(cleanup_view) struct vm_view vm = { 0 };
	enum follow_end end;
	int err;

	if (verb_attach(options, &attached) < 0)
		return EXIT_STATUS_FAILED;
	vm.name = attached.subject.name;
	vm.is_movable = true;
	vm.actual_bytes = attached.memory_bytes;
	vm.limits = (struct vm_limits){ .min_bytes = VIEW_PAGE_BYTES,
					.max_bytes = attached.memory_bytes,
					.weight = 1 };
	err = follow_run(attached.source, &options->follow, preview_emit, &vm,
			 &end);
	if (err < 0) {
		log_error("tracking '%s': %s", vm.name, strerror(-err));
		return EXIT_STATUS_FAILED;
	}
	if (!vm.curve) {
		log_error(
			"no access was seen: sample more with --rate, or longer with --period");
		return EXIT_STATUS_FAILED;
	}
	/* Without the guest's statistics there is only the curve. */
	return preview_show(options, &policy_default_params, &vm);
}

int verb_preview(const struct options *options)
{
	if (options->is_live)
		return preview_live(options);
	if (options->recording_path)
		return preview_from_recording(options);
	return preview_from_daemon(options);
}
