// SPDX-License-Identifier: GPL-2.0-or-later
/* wss and mrc of a VM that the daemon tracks: its data, each tick. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "cleanup.h"
#include "daemon_link.h"
#include "fields.h"
#include "log.h"
#include "output_file.h"
#include "plot.h"
#include "show.h"
#include "terminal.h"
#include "text.h"
#include "units.h"
#include "verbs.h"

#define TRACKED_SVG_MODE 0600

/**
 * struct tracked - one run
 * @options: of the user
 * @is_mrc: curves, else working sets
 * @uuid: of the domain
 * @nr_shown: ticks
 */
struct tracked {
	const struct options *options;
	bool is_mrc;
	char uuid[VIEW_UUID_BYTES];
	uint64_t nr_shown;
};

/* The size up to which the curve is worth showing, in pages. */
static double tracked_extent(const struct vm_view *vm)
{
	double extent = mrc_curve_max_pages(vm->curve);

	return extent > 0 ? extent :
			    (double)vm->actual_bytes / VIEW_PAGE_BYTES + 1;
}

static json_t *tracked_points(const struct tracked *tracked,
			      const struct vm_view *vm)
{
	_cleanup_json_ json_t *points = json_array();
	unsigned int i, nr_points = tracked->options->nr_points;
	int err = points ? 0 : -1;

	for (i = 0; vm->curve && i < nr_points && err == 0; i++) {
		double pages = tracked_extent(vm) * i / (nr_points - 1);
		_cleanup_json_ json_t *point = json_object();

		err |= fields_set(point, "pages", fields_real(pages));
		err |= fields_set(point, "miss_ratio",
				  fields_real(mrc_curve_at(vm->curve, pages)));
		err |= fields_set(
			point, "miss_ratio_lower",
			fields_real(vm->lower ? mrc_curve_at(vm->lower, pages) :
						NAN));
		err |= fields_set(
			point, "miss_ratio_upper",
			fields_real(vm->upper ? mrc_curve_at(vm->upper, pages) :
						NAN));
		err |= json_array_append(points, point);
	}
	return err ? NULL : TAKE_PTR(points);
}

/* The names that windows of our own have, as far as they mean the same. */
static int tracked_print_json(const struct tracked *tracked,
			      const struct tick *tick, const struct vm_view *vm)
{
	_cleanup_json_ json_t *json =
		show_json_new(tracked->is_mrc ? "mrc" : "wss");
	_cleanup_json_ json_t *inner = json_object();
	bool is_known = vm->wss == VM_WSS_KNOWN;
	int err = json && inner ? 0 : -1;

	err |= fields_set(inner, "name", fields_text(vm->name));
	err |= fields_set(inner, "uuid", fields_text(vm->uuid));
	err |= json_object_set(json, "vm", inner);
	err |= fields_set(json, "source", json_string("kvm-aetd"));
	err |= fields_set(json, "time_unix_s",
			  fields_real(units_seconds(tick->unix_ns)));
	err |= fields_set(json, "wss_pages",
			  fields_optional(is_known,
					  vm->wss_bytes / VIEW_PAGE_BYTES));
	err |= fields_set(json, "wss_bytes",
			  fields_optional(is_known, vm->wss_bytes));
	err |= fields_set(json, "wss_above_pages",
			  fields_optional(vm->wss == VM_WSS_ABOVE,
					  vm->wss_bytes / VIEW_PAGE_BYTES));
	err |= fields_set(json, "measured_age_s",
			  fields_real(units_seconds(vm->measured_age_ns)));
	err |= fields_set(json, "accesses_per_second",
			  fields_real(vm->accesses_per_s));
	err |= fields_set(json, "inverse_rate", json_integer(vm->inverse_rate));
	err |= fields_set(json, "overhead_ratio",
			  fields_real(vm->overhead_ratio));
	err |= fields_set(json, "is_starved", json_boolean(vm->is_starved));
	err |= fields_set(json, "state", json_string(show_state(vm)));
	if (tracked->is_mrc)
		err |= fields_set(json, "points", tracked_points(tracked, vm));
	return err ? -ENOMEM : fields_write(stdout, json);
}

static void tracked_print_csv(const struct tracked *tracked,
			      const struct tick *tick, const struct vm_view *vm)
{
	if (tracked->nr_shown == 0)
		(void)printf(
			"time_unix_s,wss_bytes,wss_is_lower_bound,accesses_per_second,inverse_rate,overhead_ratio\n");
	(void)printf("%.3f,", units_seconds(tick->unix_ns));
	if (vm->wss != VM_WSS_UNKNOWN)
		(void)printf("%" PRIu64, vm->wss_bytes);
	(void)printf(",%d,", vm->wss == VM_WSS_ABOVE);
	if (isfinite(vm->accesses_per_s))
		(void)printf("%.9g", vm->accesses_per_s);
	(void)printf(",%" PRIu32 ",", vm->inverse_rate);
	if (vm->overhead_ratio >= 0)
		(void)printf("%.9g", vm->overhead_ratio);
	(void)printf("\n");
}

static void tracked_print_wss(const struct tracked *tracked,
			      const struct tick *tick, const struct vm_view *vm)
{
	char time[SHOW_BYTES], wss[SHOW_BYTES], band[SHOW_BYTES],
		misses[AMOUNT_BYTES], overhead[AMOUNT_BYTES];

	if (tracked->nr_shown == 0)
		(void)printf("%-25s  %12s  %24s  %9s  %8s  %s\n", "TIME", "WSS",
			     "95% BAND", "MISSES/S", "OVERHEAD", "STATE");
	show_time(tick->unix_ns, time);
	show_wss(vm, wss);
	show_wss_band(vm, band);
	amount_format_rate(show_misses_per_s(vm), misses);
	amount_format_percent(vm->overhead_ratio, overhead);
	(void)printf("%-25s  %12s  %24s  %9s  %8s  %s\n", time, wss, band,
		     misses, overhead, show_state(vm));
}

static int tracked_title(const struct tick *tick, const struct vm_view *vm,
			 char **ret_title)
{
	_cleanup_free_ char *name = text_cut(vm->name, 40);
	char time[SHOW_BYTES];

	show_time(tick->unix_ns, time);
	if (!name ||
	    asprintf(ret_title, "Miss-ratio curve of %s, %s", name, time) < 0) {
		*ret_title = NULL;
		return -ENOMEM;
	}
	return 0;
}

static void cleanup_series(struct plot_series *series)
{
	plot_series_done(series);
}

/* @columns: width of text; 0: SVG. */
static int tracked_plot(FILE *out, const struct tick *tick,
			const struct vm_view *vm, unsigned int columns)
{
	CLEANUP(cleanup_series) struct plot_series series = { 0 };
	_cleanup_free_ char *title = NULL;
	bool is_known = vm->wss == VM_WSS_KNOWN;
	char wss[SHOW_BYTES], mark[SHOW_BYTES + 8];
	struct plot plot;
	int err;

	show_wss(vm, wss);
	(void)snprintf(mark, sizeof(mark), "WSS %s", wss);
	err = tracked_title(tick, vm, &title);
	if (err == 0)
		err = plot_series_init(vm->curve, &series);
	if (err < 0)
		return err;
	plot = (struct plot){
		.title = title,
		.kind = AXIS_MEMORY,
		.extent_pages = tracked_extent(vm),
		.series = &series,
		.nr_series = 1,
		.mark = is_known ? mark : NULL,
		.mark_pages = (double)vm->wss_bytes / VIEW_PAGE_BYTES,
		.mark_ratio = mrc_curve_at(vm->curve, (double)vm->wss_bytes /
							      VIEW_PAGE_BYTES),
		.remark = is_known ? NULL : mark,
	};
	if (columns == 0)
		return plot_svg(out, &plot, 1);
	(void)fprintf(out, "%s\n", title);
	err = plot_text(out, &plot, columns, false);
	(void)fprintf(out, "%s%s\n", is_known ? "W marks the " : "", mark);
	return err;
}

static void tracked_print_table(const struct tracked *tracked,
				const struct vm_view *vm)
{
	unsigned int i, nr_points = tracked->options->nr_points;
	char wss[SHOW_BYTES], band[SHOW_BYTES];

	(void)printf("%14s  %12s  %10s  %s\n", "MEMORY", "PAGES", "MISS RATIO",
		     vm->lower && vm->upper ? "95% BAND" : "");
	for (i = 0; i < nr_points; i++) {
		double pages = tracked_extent(vm) * i / (nr_points - 1);

		(void)printf("%10.1f MiB  %12.0f  %9.2f%%", units_mib(pages),
			     pages, 100 * mrc_curve_at(vm->curve, pages));
		if (vm->lower && vm->upper)
			(void)printf("  %.2f%% to %.2f%%",
				     100 * mrc_curve_at(vm->lower, pages),
				     100 * mrc_curve_at(vm->upper, pages));
		(void)printf("\n");
	}
	show_wss(vm, wss);
	show_wss_band(vm, band);
	(void)printf("WSS: %s (%s)\n", wss, band);
}

static int tracked_print_mrc(const struct tracked *tracked,
			     const struct tick *tick, const struct vm_view *vm)
{
	const struct options *options = tracked->options;
	_cleanup_free_ char *name = NULL;

	if (!vm->curve) {
		name = text_printable(vm->name);
		(void)printf("%s: nothing measured yet\n", name ? name : "");
		return 0;
	}
	switch (options->output) {
	case OPTIONS_SVG:
		return options->svg_path ? 0 :
					   tracked_plot(stdout, tick, vm, 0);
	case OPTIONS_PLOT:
		return tracked_plot(stdout, tick, vm, terminal_columns());
	default:
		tracked_print_table(tracked, vm);
		return 0;
	}
}

static int tracked_write_svg(const char *path, const struct tick *tick,
			     const struct vm_view *vm)
{
	CLEANUP(output_file_done) struct output_file file = { 0 };
	int err;

	err = output_file_open(path, TRACKED_SVG_MODE, &file);
	if (err == 0)
		err = tracked_plot(file.stream, tick, vm, 0);
	if (err == 0)
		err = output_file_commit(&file);
	if (err < 0)
		log_error("cannot write '%s': %s", path, strerror(-err));
	return err;
}

static int tracked_show(struct tracked *tracked, const struct tick *tick,
			const struct vm_view *vm)
{
	const struct options *options = tracked->options;
	int err = 0;

	if (options->output == OPTIONS_JSON)
		err = tracked_print_json(tracked, tick, vm);
	else if (options->output == OPTIONS_CSV)
		tracked_print_csv(tracked, tick, vm);
	else if (tracked->is_mrc)
		err = tracked_print_mrc(tracked, tick, vm);
	else
		tracked_print_wss(tracked, tick, vm);
	if (err < 0) {
		log_error("%s", strerror(-err));
		return err;
	}
	if (!verb_flush())
		return -EIO;
	tracked->nr_shown++;
	return options->svg_path && vm->curve ?
		       tracked_write_svg(options->svg_path, tick, vm) :
		       0;
}

/* -ESRCH: the domain is gone. */
static int tracked_take(struct tracked *tracked, const struct tick *tick)
{
	size_t i;

	for (i = 0; i < tick->nr_vms; i++) {
		if (strcmp(tick->vms[i].uuid, tracked->uuid) == 0)
			return tracked_show(tracked, tick, &tick->vms[i]);
	}
	log_error("domain '%s' has ended", tracked->options->selector);
	return -ESRCH;
}

static int tracked_run(struct tracked *tracked, struct client *client,
		       const struct tick *first)
{
	uint64_t nr_windows = tracked->options->follow.nr_windows;
	_cleanup_close_ int signal_fd = -1;
	int err;

	err = verb_open_signals(&signal_fd);
	if (err < 0) {
		log_error("cannot watch for signals: %s", strerror(-err));
		return err;
	}
	err = tracked_take(tracked, first);
	if (err == 0 && tracked->nr_shown != nr_windows)
		err = link_call(client, "subscribe", NULL, NULL);
	while (err == 0 && tracked->nr_shown != nr_windows) {
		CLEANUP(recording_tick_done) struct tick tick = { 0 };
		_cleanup_json_ json_t *json = NULL;
		struct client_error error;
		int got =
			client_wait_tick(client, signal_fd, -1, &json, &error);

		if (got == 0)
			return 0;
		err = got < 0 ? got : link_tick_of(json, &tick, &error);
		if (err < 0)
			log_error("%s", error.desc);
		else
			err = tracked_take(tracked, &tick);
	}
	return err;
}

/* Silent: without the daemon, the VM can be tracked from here. */
static int tracked_query(const struct options *options,
			 struct client **ret_client, struct tick *ret_tick,
			 size_t *ret_index)
{
	_cleanup_client_ struct client *client = NULL;
	CLEANUP(recording_tick_done) struct tick tick = { 0 };
	_cleanup_json_ json_t *json = NULL;
	struct client_error error;
	size_t i;
	int err;

	err = link_try(options, &client, &error);
	if (err == 0)
		err = client_call(client, "query-tick", NULL, &json, &error);
	if (err == 0)
		err = link_tick_of(json, &tick, &error);
	if (err < 0)
		return err;
	for (i = 0; i < tick.nr_vms; i++) {
		const struct vm_view *vm = &tick.vms[i];

		if ((strcmp(vm->name, options->selector) == 0 ||
		     strcmp(vm->uuid, options->selector) == 0) &&
		    (vm->inverse_rate > 0 || vm->curve)) {
			*ret_client = TAKE_PTR(client);
			*ret_tick = tick;
			tick = (struct tick){ 0 };
			*ret_index = i;
			return 0;
		}
	}
	return -ENOENT;
}

bool verb_track_daemon(const struct options *options, bool is_mrc,
		       int *ret_status)
{
	_cleanup_client_ struct client *client = NULL;
	CLEANUP(recording_tick_done) struct tick tick = { 0 };
	struct tracked tracked = { .options = options, .is_mrc = is_mrc };
	size_t index = 0;

	if (tracked_query(options, &client, &tick, &index) < 0)
		return false;
	log_note(
		"kvm-aetd tracks '%s': these are its data, at its settings and periods",
		options->selector);
	memcpy(tracked.uuid, tick.vms[index].uuid, sizeof(tracked.uuid));
	*ret_status = tracked_run(&tracked, client, &tick) < 0 ?
			      EXIT_STATUS_FAILED :
			      EXIT_STATUS_OK;
	return true;
}
