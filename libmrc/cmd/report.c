// SPDX-License-Identifier: LGPL-2.1-or-later
#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "json.h"
#include "text.h"
#include "units.h"

/* Widest number in a column, such as 100.00% or 18446744073709551615. */
#define REPORT_COLUMN 10

size_t report_nr_sizes(const struct options *options)
{
	return options->nr_sizes > 0 ? options->nr_sizes : options->nr_points;
}

double report_extent_pages(const struct result_set *set)
{
	double extent = 0;
	size_t i;

	for (i = 0; i < set->nr_results; i++) {
		const struct result *result = &set->results[i];
		double end =
			result->curve ? mrc_curve_max_pages(result->curve) : 0;

		if (result->nr_sizes > 0)
			end = (double)result->sizes[result->nr_sizes - 1]
				      .size_pages;
		if (end > extent)
			extent = end;
	}
	return extent > 0 ? extent : 1;
}

static double report_smallest_pages(const struct result_set *set)
{
	double smallest = INFINITY;
	size_t i;

	for (i = 0; i < set->nr_results; i++) {
		const struct result *result = &set->results[i];
		double pages = INFINITY, ratio;

		if (result->nr_sizes > 0)
			pages = (double)result->sizes[0].size_pages;
		else if (result->curve)
			(void)mrc_curve_point(result->curve, 1, &pages, &ratio);
		if (pages < smallest)
			smallest = pages;
	}
	return smallest < 1 || isinf(smallest) ? 1 : smallest;
}

double report_size_pages(const struct options *options,
			 const struct result_set *set, size_t index)
{
	double share = (double)index / (double)(options->nr_points - 1);
	double extent, smallest;

	if (options->nr_sizes > 0)
		return (double)options->sizes_pages[index];
	extent = report_extent_pages(set);
	if (!options->is_log)
		return extent * share;
	smallest = report_smallest_pages(set);
	return smallest * pow(extent / smallest, share);
}

double report_miss_ratio(const struct result *result, size_t index,
			 double pages)
{
	if (result->nr_sizes > 0)
		return 1 - mrc_sim_hit_ratio(&result->sizes[index]);
	return mrc_curve_at(result->curve, pages);
}

void report_csv_text(FILE *out, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		(void)fputs(text, out);
		return;
	}
	(void)fputc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			(void)fputc('"', out);
		(void)fputc(*text, out);
	}
	(void)fputc('"', out);
}

static void report_title(FILE *out, const struct result_set *set)
{
	_cleanup_free_ char *title = text_printable(set->title);

	(void)fputs(title ? title : "out of memory", out);
	if (set->nr_accesses > 0)
		(void)fprintf(out, ": accesses %" PRIu64 " to %" PRIu64,
			      set->first_access,
			      set->first_access + set->nr_accesses - 1);
	(void)fputc('\n', out);
}

static double report_amat_ns(const struct options *options,
			     const struct mrc_sim_result *size)
{
	return mrc_amat_ns(mrc_sim_hit_ratio(size), options->memory_ns,
			   options->miss_ns);
}

/* A time as people read it. */
static void report_ns(char *text, size_t size, double ns)
{
	static const struct {
		double ns;
		const char *unit;
	} units[] = {
		{ 1e9, "s" },
		{ 1e6, "ms" },
		{ 1e3, "us" },
		{ 0, "ns" },
	};
	size_t i = 0;

	while (ns < units[i].ns)
		i++;
	(void)snprintf(text, size, "%.4g %s",
		       units[i].ns > 0 ? ns / units[i].ns : ns, units[i].unit);
}

/* Of accesses that are all cold no hit ratio can be told. */
static void report_share(char *text, size_t size, double share)
{
	if (isnan(share))
		(void)snprintf(text, size, "-");
	else
		(void)snprintf(text, size, "%.2f%%", 100 * share);
}

static void report_cell(char *text, size_t size, const struct options *options,
			const struct result *result, size_t index, double pages)
{
	double miss_ratio = report_miss_ratio(result, index, pages);
	const struct mrc_sim_result *simulated =
		result->nr_sizes > 0 ? &result->sizes[index] : NULL;

	switch (options->show) {
	case OPTIONS_SHOW_MISS_RATIO:
		report_share(text, size, miss_ratio);
		break;
	case OPTIONS_SHOW_HIT_RATIO:
		report_share(text, size, 1 - miss_ratio);
		break;
	case OPTIONS_SHOW_WARM_HIT_RATIO:
		report_share(text, size, mrc_sim_hit_ratio_warm(simulated));
		break;
	case OPTIONS_SHOW_HITS:
		(void)snprintf(text, size, "%" PRIu64, simulated->nr_hits);
		break;
	case OPTIONS_SHOW_MISSES:
		(void)snprintf(text, size, "%" PRIu64, simulated->nr_misses);
		break;
	case OPTIONS_SHOW_WRITE_BACKS:
		(void)snprintf(text, size, "%" PRIu64,
			       simulated->nr_write_backs);
		break;
	case OPTIONS_SHOW_AMAT:
		report_ns(text, size, report_amat_ns(options, simulated));
		break;
	}
}

static int report_width(const struct result *result)
{
	int width = (int)text_columns(result->label);

	return width > REPORT_COLUMN ? width : REPORT_COLUMN;
}

static void report_size(FILE *out, const struct options *options, double pages)
{
	if (options->is_bytes)
		(void)fprintf(out, "%12.2f MiB",
			      units_mib(pages *
					(double)options_page_bytes(options) /
					PAGE_BYTES));
	else
		(void)fprintf(out, "%12.0f", pages);
}

/* One size: a row for each policy, with all there is to say. */
static void report_policies(FILE *out, const struct options *options,
			    const struct result_set *set)
{
	size_t i;

	(void)fprintf(out, "%-14s %12s %12s %9s %9s %12s%s\n", "POLICY", "HITS",
		      "MISSES", "HIT RATIO", "WARM", "WRITE-BACKS",
		      options->has_amat ? "         AMAT" : "");
	for (i = 0; i < set->nr_results; i++) {
		const struct mrc_sim_result *size = set->results[i].sizes;
		char ratio[16], warm[16], amat[32];

		report_share(ratio, sizeof(ratio), mrc_sim_hit_ratio(size));
		report_share(warm, sizeof(warm), mrc_sim_hit_ratio_warm(size));
		(void)fprintf(out,
			      "%-14s %12" PRIu64 " %12" PRIu64
			      " %9s %9s %12" PRIu64,
			      set->results[i].label, size->nr_hits,
			      size->nr_misses, ratio, warm,
			      size->nr_write_backs);
		if (options->has_amat) {
			report_ns(amat, sizeof(amat),
				  report_amat_ns(options, size));
			(void)fprintf(out, " %12s", amat);
		}
		(void)fputc('\n', out);
	}
}

void report_table(FILE *out, const struct options *options,
		  const struct result_set *set)
{
	size_t i, index;

	report_title(out, set);
	if (options->verb == VERB_SIMULATE && options->nr_sizes == 1 &&
	    !options->has_show) {
		(void)fprintf(out, "%" PRIu64 " pages of memory\n",
			      options->sizes_pages[0]);
		report_policies(out, options, set);
		return;
	}
	if (options->has_show)
		(void)fprintf(out, "%s\n", options_show_name(options->show));
	(void)fprintf(out, options->is_bytes ? "%16s" : "%12s",
		      options->is_bytes ? "MEMORY" : "PAGES");
	for (i = 0; i < set->nr_results; i++)
		(void)fprintf(out, "  %*s", report_width(&set->results[i]),
			      set->results[i].label);
	(void)fputc('\n', out);
	for (index = 0; index < report_nr_sizes(options); index++) {
		double pages = report_size_pages(options, set, index);

		report_size(out, options, pages);
		for (i = 0; i < set->nr_results; i++) {
			char cell[32];

			report_cell(cell, sizeof(cell), options,
				    &set->results[i], index, pages);
			(void)fprintf(out, "  %*s",
				      report_width(&set->results[i]), cell);
		}
		(void)fputc('\n', out);
	}
}

void report_csv_header(FILE *out, const struct options *options)
{
	(void)fprintf(out, "input,first_access,accesses,name,size_pages,"
			   "miss_ratio");
	if (options->nr_policies > 0)
		(void)fprintf(out, ",hits,misses,cold_misses,write_backs");
	if (options->has_amat)
		(void)fprintf(out, ",amat_ns");
	(void)fputc('\n', out);
}

void report_csv(FILE *out, const struct options *options,
		const struct result_set *set)
{
	size_t i, index;

	for (i = 0; i < set->nr_results; i++) {
		const struct result *result = &set->results[i];

		for (index = 0; index < report_nr_sizes(options); index++) {
			double pages = report_size_pages(options, set, index);

			report_csv_text(out, set->title);
			(void)fprintf(out,
				      ",%" PRIu64 ",%" PRIu64 ",%s,%.15g,%.9g",
				      set->first_access, set->nr_accesses,
				      result->label, pages,
				      report_miss_ratio(result, index, pages));
			if (result->nr_sizes > 0) {
				const struct mrc_sim_result *size =
					&result->sizes[index];

				(void)fprintf(out,
					      ",%" PRIu64 ",%" PRIu64
					      ",%" PRIu64 ",%" PRIu64,
					      size->nr_hits, size->nr_misses,
					      size->nr_cold,
					      size->nr_write_backs);
				if (options->has_amat)
					(void)fprintf(out, ",%.9g",
						      report_amat_ns(options,
								     size));
			}
			(void)fputc('\n', out);
		}
	}
}

static void report_json_size(struct json *json, const struct options *options,
			     const struct mrc_sim_result *size)
{
	json_count(json, "hits", size->nr_hits);
	json_count(json, "misses", size->nr_misses);
	json_count(json, "cold_misses", size->nr_cold);
	json_count(json, "write_backs", size->nr_write_backs);
	json_number(json, "warm_hit_ratio", mrc_sim_hit_ratio_warm(size), 9);
	if (options->has_amat)
		json_number(json, "amat_ns", report_amat_ns(options, size), 9);
}

struct json report_json_begin(FILE *out, const struct options *options,
			      const struct result_set *set)
{
	struct json json = json_start(out);

	json_object(&json, NULL);
	json_count(&json, "schema_version", REPORT_SCHEMA_VERSION);
	json_string(&json, "input", set->title);
	json_count(&json, "first_access", set->first_access);
	json_count(&json, "accesses", set->nr_accesses);
	json_count(&json, "page_bytes", options_page_bytes(options));
	json_array(&json, "results");
	return json;
}

void report_json(FILE *out, const struct options *options,
		 const struct result_set *set)
{
	struct json json = report_json_begin(out, options, set);
	size_t i, index;

	for (i = 0; i < set->nr_results; i++) {
		const struct result *result = &set->results[i];

		json_object(&json, NULL);
		json_string(&json, "name", result->label);
		json_array(&json, "points");
		for (index = 0; index < report_nr_sizes(options); index++) {
			double pages = report_size_pages(options, set, index);

			json_object(&json, NULL);
			json_number(&json, "size_pages", pages, 15);
			json_number(&json, "miss_ratio",
				    report_miss_ratio(result, index, pages), 9);
			if (result->nr_sizes > 0)
				report_json_size(&json, options,
						 &result->sizes[index]);
			json_end(&json);
		}
		json_end(&json);
		json_end(&json);
	}
	json_finish(&json);
}

/* One input as a plot, and what the plot refers to. */
struct report_plot {
	struct plot plot;
	struct plot_series *series;
	size_t nr_series;
	char *subtitle;
};

static void report_plot_done(struct report_plot *report)
{
	size_t i;

	for (i = 0; i < report->nr_series; i++)
		plot_series_done(&report->series[i]);
	free(report->series);
	free(report->subtitle);
}

static int report_series_of_sizes(const struct result *result,
				  struct plot_series *ret_series)
{
	CLEANUP(plot_series_done)
	struct plot_series series = {
		.nr_points = result->nr_sizes,
	};
	size_t i;

	series.sizes_pages = calloc(series.nr_points, sizeof(double));
	series.miss_ratios = calloc(series.nr_points, sizeof(double));
	if (!series.sizes_pages || !series.miss_ratios)
		return -ENOMEM;
	for (i = 0; i < series.nr_points; i++) {
		series.sizes_pages[i] = (double)result->sizes[i].size_pages;
		series.miss_ratios[i] = report_miss_ratio(result, i, 0);
	}
	*ret_series = series;
	series = (struct plot_series){ 0 };
	return 0;
}

/* The band, at the points of the curve. */
static int report_series_band(const struct result *result,
			      struct plot_series *series)
{
	size_t i;

	if (!result->lower || !result->upper)
		return 0;
	series->lower_ratios = calloc(series->nr_points, sizeof(double));
	series->upper_ratios = calloc(series->nr_points, sizeof(double));
	if (!series->lower_ratios || !series->upper_ratios)
		return -ENOMEM;
	for (i = 0; i < series->nr_points; i++) {
		double pages = series->sizes_pages[i];

		series->lower_ratios[i] = mrc_curve_at(result->lower, pages);
		series->upper_ratios[i] = mrc_curve_at(result->upper, pages);
	}
	return 0;
}

static int report_plot_series(struct report_plot *report, double scale,
			      const struct result *result)
{
	struct plot_series *series = &report->series[report->nr_series];
	size_t i;
	int err;

	if (result->nr_sizes > 0)
		err = report_series_of_sizes(result, series);
	else
		err = plot_series_init(result->curve, series);
	if (err < 0)
		return err;
	report->nr_series++;
	series->label = result->label;
	err = report_series_band(result, series);
	for (i = 0; i < series->nr_points; i++)
		series->sizes_pages[i] *= scale;
	return err;
}

static int report_plot_init(struct report_plot *report,
			    const struct options *options,
			    const struct result_set *set)
{
	/* The axis of memory takes pages to be of 4 KiB. */
	double scale = options->is_bytes ? (double)options_page_bytes(options) /
						   PAGE_BYTES :
					   1;
	double extent = report_extent_pages(set);
	size_t i;
	int err = 0;

	if (set->nr_accesses > 0 &&
	    asprintf(&report->subtitle, "%" PRIu64 " accesses",
		     set->nr_accesses) < 0) {
		report->subtitle = NULL;
		return -ENOMEM;
	}
	report->series = calloc(set->nr_results, sizeof(*report->series));
	if (!report->series)
		return -ENOMEM;
	for (i = 0; i < set->nr_results && err == 0; i++)
		err = report_plot_series(report, scale, &set->results[i]);
	if (options->nr_sizes > 0)
		extent = (double)options->sizes_pages[options->nr_sizes - 1];
	report->plot = (struct plot){
		.title = set->title,
		.subtitle = report->subtitle,
		.kind = options->is_bytes ? AXIS_MEMORY : AXIS_PAGES,
		.is_log = options->is_log,
		.extent_pages = scale * extent,
		.smallest_pages = scale * report_smallest_pages(set),
		.series = report->series,
		.nr_series = report->nr_series,
	};
	return err;
}

int report_plot_text(FILE *out, const struct options *options,
		     const struct result_set *set, unsigned int columns,
		     bool is_coloured)
{
	CLEANUP(report_plot_done) struct report_plot report = { 0 };
	int err;

	err = report_plot_init(&report, options, set);
	if (err < 0)
		return err;
	report_title(out, set);
	return plot_text(out, &report.plot, columns, is_coloured);
}

int report_plot_svg(FILE *out, const struct options *options,
		    const struct result_set *sets, size_t nr_sets)
{
	struct report_plot *reports = calloc(nr_sets, sizeof(*reports));
	struct plot *plots = calloc(nr_sets, sizeof(*plots));
	size_t i;
	int err = reports && plots ? 0 : -ENOMEM;

	for (i = 0; i < nr_sets && err == 0; i++) {
		err = report_plot_init(&reports[i], options, &sets[i]);
		plots[i] = reports[i].plot;
	}
	if (err == 0)
		err = plot_svg(out, plots, nr_sets);
	for (i = 0; i < nr_sets && reports; i++)
		report_plot_done(&reports[i]);
	free(reports);
	free(plots);
	return err;
}
