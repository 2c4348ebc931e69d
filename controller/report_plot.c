// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <time.h>

#include "cleanup.h"
#include "plot.h"
#include "report.h"
#include "text.h"
#include "units.h"

/* Characters of a name that fit into the title. */
#define REPORT_NAME_COLUMNS 40

/* A window as a plot, and the texts that the plot refers to. */
struct report_plot {
	struct plot plot;
	struct plot_series series;
	char *title;
	char *subtitle;
	char *mark;
	char *mark_detail;
	char *remark;
};

static void report_plot_done(struct report_plot *report)
{
	plot_series_done(&report->series);
	free(report->title);
	free(report->subtitle);
	free(report->mark);
	free(report->mark_detail);
	free(report->remark);
}

/* As asprintf(), which leaves its output undefined if it fails. */
__attribute__((format(printf, 2, 3))) static int
report_format(char **ret_text, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(ret_text, format, args);
	va_end(args);
	if (length < 0) {
		*ret_text = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int report_plot_title(struct report_plot *report,
			     const struct report_subject *subject,
			     const struct window *window)
{
	_cleanup_free_ char *name =
		text_cut(subject->name, REPORT_NAME_COLUMNS);
	time_t seconds =
		(time_t)(((int64_t)window->end_ns + subject->wall_offset_ns) /
			 NS_PER_S);
	char when[64] = "";
	struct tm local;
	int err;

	if (!name)
		return -ENOMEM;
	if (localtime_r(&seconds, &local))
		(void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S %z",
			       &local);
	err = report_format(&report->title, "Miss-ratio curve of %s", name);
	if (err < 0)
		return err;
	return report_format(&report->subtitle,
			     "PID %d, %s: %.4g s, %" PRIu64
			     " accesses of 1/%" PRIu32
			     " of the pages, %.1f %% cold",
			     (int)subject->pid, when, window_seconds(window),
			     window->accesses, window->inverse_rate,
			     100 * window_cold_share(window));
}

static int report_plot_wss(struct report_plot *report,
			   const struct window *window)
{
	double mib = units_mib((double)window->wss_pages);
	double percent = 100 * window->miss_ratio;
	int err;

	switch (window->wss) {
	case WINDOW_WSS_KNOWN:
		err = report_format(&report->mark, "WSS %.1f MiB", mib);
		if (err < 0)
			return err;
		return report_format(&report->mark_detail,
				     "at a miss ratio of %.4g %%", percent);
	case WINDOW_WSS_ABOVE:
		return report_format(
			&report->remark,
			"WSS > %.1f MiB: never down to %.4g %% in this window",
			mib, percent);
	default:
		return report_format(&report->remark,
				     "WSS unknown: no access was recorded");
	}
}

static int report_plot_init(struct report_plot *report,
			    const struct report_subject *subject,
			    const struct window *window)
{
	int err;

	err = report_plot_title(report, subject, window);
	if (err == 0)
		err = report_plot_wss(report, window);
	if (err == 0 && window->curve)
		err = plot_series_init(window->curve, &report->series);
	if (err < 0)
		return err;
	report->plot = (struct plot){
		.title = report->title,
		.subtitle = report->subtitle,
		.kind = AXIS_MEMORY,
		.extent_pages = window_extent_pages(window),
		.series = &report->series,
		.nr_series = window->curve ? 1 : 0,
		.mark = report->mark,
		.mark_detail = report->mark_detail,
		.mark_pages = (double)window->wss_pages,
		.mark_ratio = window->miss_ratio,
		.remark = report->remark,
	};
	return 0;
}

int plot_text_curve(FILE *out, const struct report_subject *subject,
		    const struct window *window, unsigned int columns)
{
	CLEANUP(report_plot_done) struct report_plot report = { 0 };
	int err;

	err = report_plot_init(&report, subject, window);
	if (err == 0)
		err = table_summary(out, subject, window);
	if (err == 0 && window->curve)
		err = plot_text(out, &report.plot, columns, false);
	if (err < 0)
		return err;
	if (window->wss == WINDOW_WSS_KNOWN)
		(void)fprintf(out, "W marks the ");
	table_wss_line(out, window);
	return 0;
}

int plot_svg_curve(FILE *out, const struct report_subject *subject,
		   const struct window *window)
{
	CLEANUP(report_plot_done) struct report_plot report = { 0 };
	int err;

	err = report_plot_init(&report, subject, window);
	if (err < 0)
		return err;
	return plot_svg(out, &report.plot, 1);
}
