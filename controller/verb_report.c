// SPDX-License-Identifier: GPL-2.0-or-later
/* report: pictures of a recording, as SVG in a directory or as text. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "chart.h"
#include "cleanup.h"
#include "fields.h"
#include "history.h"
#include "log.h"
#include "output_file.h"
#include "plot.h"
#include "recording.h"
#include "show.h"
#include "terminal.h"
#include "text.h"
#include "units.h"
#include "verbs.h"

/* Who sees them sees when guests used how much memory. */
#define REPORT_FILE_MODE 0600
#define REPORT_DIR_MODE 0700

/* More in one plot cannot be told apart. */
#define REPORT_MAX_CURVES 6

#define REPORT_NAME_COLUMNS 40

static const char *const age_labels[VIEW_NR_AGES] = {
	"< 2 s", "2 s",	  "4 s",   "8 s",   "16 s",   "32 s",
	"1 min", "2 min", "4 min", "8 min", "17 min", "34 min",
	"1.1 h", "2.3 h", "4.6 h", "> 9 h",
};

/* One of the pictures of a VM; @columns: width of text, 0: SVG. */
typedef int (*picture_fn)(FILE *out, const struct history *history,
			  const struct history_vm *vm, unsigned int columns);

static int report_title(const char *what, const struct history_vm *vm,
			char **ret_title)
{
	_cleanup_free_ char *name = text_cut(vm->name, REPORT_NAME_COLUMNS);

	if (!name || asprintf(ret_title, "%s of %s", what, name) < 0) {
		*ret_title = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int picture_wss(FILE *out, const struct history *history,
		       const struct history_vm *vm, unsigned int columns)
{
	const struct chart_line lines[] = {
		{ .label = "working set", .pages = vm->wss_pages },
		{ .label = "memory of the guest", .pages = vm->actual_pages },
	};
	_cleanup_free_ char *title = NULL;
	struct chart chart = {
		.subtitle = vm->uuid,
		.times_s = history->times_s,
		.nr_times = history->nr_times,
		.lines = lines,
		.nr_lines = 2,
	};
	int err = report_title("Memory", vm, &title);

	if (err < 0)
		return err;
	chart.title = title;
	return columns ? chart_text(out, &chart, columns) :
			 chart_svg(out, &chart);
}

static int picture_ages(FILE *out, const struct history *history,
			const struct history_vm *vm, unsigned int columns)
{
	_cleanup_free_ char *title = NULL;
	struct heat heat = {
		.subtitle = "how much memory was last used how long ago",
		.times_s = history->times_s,
		.nr_times = history->nr_times,
		.class_labels = age_labels,
		.nr_classes = VIEW_NR_AGES,
		.amounts = vm->age_bytes,
	};
	int err = report_title("Idle memory", vm, &title);

	if (err < 0)
		return err;
	heat.title = title;
	return columns ? heat_text(out, &heat, columns) : heat_svg(out, &heat);
}

struct family {
	struct plot_series series[REPORT_MAX_CURVES];
	char labels[REPORT_MAX_CURVES][SHOW_BYTES];
	size_t nr_series;
	double extent_pages;
};

static void cleanup_family(struct family *family)
{
	size_t i;

	for (i = 0; i < family->nr_series; i++)
		plot_series_done(&family->series[i]);
}

/* Spread over all that are kept, the first and the last among them. */
static int family_init(struct family *family, const struct history_vm *vm)
{
	size_t count = vm->nr_curves < REPORT_MAX_CURVES ? vm->nr_curves :
							   REPORT_MAX_CURVES;
	size_t i;

	family->extent_pages = 1;
	for (i = 0; i < count; i++) {
		size_t at = count > 1 ? i * (vm->nr_curves - 1) / (count - 1) :
					0;
		const struct mrc_curve *curve = vm->curves[at];
		int err = plot_series_init(curve, &family->series[i]);

		if (err < 0)
			return err;
		family->nr_series++;
		show_time((uint64_t)(vm->curve_times_s[at] * NS_PER_S),
			  family->labels[i]);
		family->series[i].label = family->labels[i];
		family->extent_pages =
			fmax(family->extent_pages, mrc_curve_max_pages(curve));
	}
	return 0;
}

static int picture_curves(FILE *out, const struct history *history,
			  const struct history_vm *vm, unsigned int columns)
{
	CLEANUP(cleanup_family) struct family family = { 0 };
	_cleanup_free_ char *title = NULL;
	struct plot plot = { .kind = AXIS_MEMORY };
	int err;

	(void)history;
	err = report_title("Miss-ratio curves", vm, &title);
	if (err == 0)
		err = family_init(&family, vm);
	if (err < 0)
		return err;
	plot.title = title;
	plot.extent_pages = family.extent_pages;
	plot.series = family.series;
	plot.nr_series = family.nr_series;
	if (family.nr_series == 0)
		plot.remark = "nothing was measured";
	if (!columns)
		return plot_svg(out, &plot, 1);
	(void)fprintf(out, "%s\n", title);
	if (family.nr_series == 0) {
		(void)fprintf(out, "nothing was measured\n");
		return 0;
	}
	return plot_text(out, &plot, columns, false);
}

static const struct {
	const char *name;
	picture_fn draw;
} pictures[] = {
	{ "memory", picture_wss },
	{ "curves", picture_curves },
	{ "ages", picture_ages },
};

#define NR_PICTURES (sizeof(pictures) / sizeof(pictures[0]))

static int report_print(const struct history *history)
{
	unsigned int columns = terminal_columns();
	size_t i, p;

	for (i = 0; i < history->nr_vms; i++) {
		for (p = 0; p < NR_PICTURES; p++) {
			int err = pictures[p].draw(stdout, history,
						   history->vms[i], columns);

			if (err < 0) {
				log_error("%s", strerror(-err));
				return err;
			}
			(void)fputc('\n', stdout);
		}
	}
	return verb_flush() ? 0 : -EIO;
}

/* Numbers, as names of domains are no names of files. */
static int report_path(const char *dir, size_t index, const char *name,
		       char **ret_path)
{
	if (asprintf(ret_path, "%s/%03zu-%s.svg", dir, index + 1, name) < 0) {
		*ret_path = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int report_write_picture(const char *dir, const struct history *history,
				size_t index, size_t picture)
{
	CLEANUP(output_file_done) struct output_file file = { 0 };
	_cleanup_free_ char *path = NULL;
	int err;

	err = report_path(dir, index, pictures[picture].name, &path);
	if (err == 0)
		err = output_file_open(path, REPORT_FILE_MODE, &file);
	if (err == 0)
		err = pictures[picture].draw(file.stream, history,
					     history->vms[index], 0);
	if (err == 0)
		err = output_file_commit(&file);
	if (err < 0)
		log_error("cannot write '%s': %s", path ? path : dir,
			  strerror(-err));
	return err;
}

static int report_write_html(FILE *out, const struct history *history)
{
	size_t i, p;

	(void)fprintf(
		out,
		"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
		"<title>kvm-aet report</title></head>\n"
		"<body style=\"font-family: sans-serif\">\n<h1>kvm-aet report</h1>\n");
	for (i = 0; i < history->nr_vms; i++) {
		_cleanup_free_ char *name = text_xml(history->vms[i]->name);
		_cleanup_free_ char *uuid = text_xml(history->vms[i]->uuid);

		if (!name || !uuid)
			return -ENOMEM;
		(void)fprintf(out, "<h2>%s</h2>\n<p>%s</p>\n", name, uuid);
		for (p = 0; p < NR_PICTURES; p++)
			(void)fprintf(
				out,
				"<p><img src=\"%03zu-%s.svg\" alt=\"%s of %s\"></p>\n",
				i + 1, pictures[p].name, pictures[p].name,
				name);
	}
	(void)fprintf(out, "</body></html>\n");
	return 0;
}

static int report_write_index(const char *dir, const struct history *history)
{
	CLEANUP(output_file_done) struct output_file file = { 0 };
	_cleanup_free_ char *path = NULL;
	int err = 0;

	if (asprintf(&path, "%s/index.html", dir) < 0) {
		path = NULL;
		err = -ENOMEM;
	}
	if (err == 0)
		err = output_file_open(path, REPORT_FILE_MODE, &file);
	if (err == 0)
		err = report_write_html(file.stream, history);
	if (err == 0)
		err = output_file_commit(&file);
	if (err < 0)
		log_error("cannot write '%s': %s", path ? path : dir,
			  strerror(-err));
	return err;
}

static int report_write(const char *dir, const struct history *history)
{
	size_t i, p;
	int err = 0;

	if (mkdir(dir, REPORT_DIR_MODE) < 0 && errno != EEXIST) {
		err = -errno;
		log_error("cannot make '%s': %s", dir, strerror(-err));
		return err;
	}
	for (i = 0; i < history->nr_vms; i++) {
		for (p = 0; p < NR_PICTURES && err == 0; p++)
			err = report_write_picture(dir, history, i, p);
	}
	return err < 0 ? err : report_write_index(dir, history);
}

/* {"min", "mean", "max"} of the values that are known; null if none is. */
static json_t *report_range(const double *pages, size_t nr_times)
{
	double min = INFINITY, max = 0, sum = 0;
	size_t i, count = 0;

	for (i = 0; i < nr_times; i++) {
		if (isnan(pages[i]))
			continue;
		min = fmin(min, pages[i]);
		max = fmax(max, pages[i]);
		sum += pages[i];
		count++;
	}
	if (count == 0)
		return json_null();
	return json_pack("{sIsIsI}", "min", (json_int_t)(min * VIEW_PAGE_BYTES),
			 "mean",
			 (json_int_t)(sum / (double)count * VIEW_PAGE_BYTES),
			 "max", (json_int_t)(max * VIEW_PAGE_BYTES));
}

static int report_print_json(const struct history *history)
{
	_cleanup_json_ json_t *json = show_json_new("report");
	_cleanup_json_ json_t *array = json_array();
	int err = json && array ? 0 : -1;
	size_t i;

	for (i = 0; i < history->nr_vms; i++) {
		const struct history_vm *vm = history->vms[i];
		_cleanup_json_ json_t *row = json_object();

		err |= fields_set(row, "uuid", fields_text(vm->uuid));
		err |= fields_set(row, "name", fields_text(vm->name));
		err |= fields_set(row, "ticks", fields_count(vm->nr_ticks));
		err |= fields_set(row, "wss_bytes",
				  report_range(vm->wss_pages,
					       history->nr_times));
		err |= fields_set(row, "actual_bytes",
				  report_range(vm->actual_pages,
					       history->nr_times));
		err |= fields_set(
			row, "misses_per_s",
			fields_real(vm->nr_misses ?
					    vm->misses / (double)vm->nr_misses :
					    NAN));
		err |= json_array_append(array, row);
	}
	err |= fields_set(json, "ticks", fields_count(history->nr_ticks));
	err |= fields_set(json, "start_unix_s",
			  fields_real(history->times_s[0]));
	err |= fields_set(json, "end_unix_s",
			  fields_real(history->times_s[history->nr_times - 1]));
	err |= json_object_set(json, "vms", array);
	err = err ? -ENOMEM : fields_write(stdout, json);
	if (err < 0) {
		log_error("%s", strerror(-err));
		return err;
	}
	return verb_flush() ? 0 : -EIO;
}

static int report_read(const char *path, struct history *history)
{
	CLEANUP(verb_cleanup_reader) struct recording_reader *reader = NULL;
	char error[RECORDING_ERROR_BYTES];
	struct tick tick;
	int got;

	got = recording_reader_open(path, &reader, error);
	while (got >= 0 && (got = recording_read(reader, &tick, error)) > 0) {
		int err = history_add(history, &tick);

		recording_tick_done(&tick);
		if (err < 0) {
			log_error("%s", strerror(-err));
			return err;
		}
	}
	if (got < 0)
		log_error("%s", error);
	else if (history->nr_times == 0)
		log_error("'%s' has no tick: nothing to show", path);
	return got < 0 ? got : history->nr_times ? 0 : -ENODATA;
}

static void cleanup_history(struct history **history)
{
	if (*history)
		history_done(*history);
	free(*history);
}

int verb_report(const struct options *options)
{
	CLEANUP(cleanup_history)
	struct history *history = calloc(1, sizeof(*history));
	int err;

	if (!history) {
		log_error("out of memory");
		return EXIT_STATUS_FAILED;
	}
	err = report_read(options->recording_path, history);
	if (err == 0 && options->output_path)
		err = report_write(options->output_path, history);
	if (err == 0 && options->output == OPTIONS_JSON)
		err = report_print_json(history);
	if (err == 0 && options->is_terminal)
		err = report_print(history);
	return err < 0 ? EXIT_STATUS_FAILED : EXIT_STATUS_OK;
}
