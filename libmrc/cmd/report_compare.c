// SPDX-License-Identifier: LGPL-2.1-or-later
#include <inttypes.h>
#include <math.h>

#include "cleanup.h"
#include "json.h"
#include "report.h"
#include "text.h"

/* From above 0 on, where all curves are 1. */
static double report_compare_pages(const struct options *options,
				   const struct result_set *set, size_t index)
{
	if (options->nr_sizes > 0 || options->is_log)
		return report_size_pages(options, set, index);
	return report_extent_pages(set) * (double)(index + 1) /
	       (double)options->nr_points;
}

/* How far a curve is from the reference. */
struct report_error {
	double mean;
	double max;
	double max_at_pages;
};

/* Over sizes spread over the reference alone, whatever the others say. */
static struct report_error report_error_of(const struct options *options,
					   const struct result *result,
					   const struct result *reference)
{
	const struct result_set alone = {
		.results = (struct result *)reference,
		.nr_results = 1,
	};
	struct report_error error = { 0 };
	size_t nr_sizes = report_nr_sizes(options), i;

	for (i = 0; i < nr_sizes; i++) {
		double pages = report_compare_pages(options, &alone, i);
		double off = fabs(mrc_curve_at(result->curve, pages) -
				  mrc_curve_at(reference->curve, pages));

		error.mean += off / (double)nr_sizes;
		if (off > error.max) {
			error.max = off;
			error.max_at_pages = pages;
		}
	}
	return error;
}

/* Of curves from files nothing was measured. */
static double report_speed(const struct result_set *set,
			   const struct result *result)
{
	return result->seconds > 0 ?
		       (double)set->nr_accesses / result->seconds :
		       NAN;
}

static double report_memory_bytes(const struct result *result)
{
	return result->seconds > 0 ? (double)result->peak_bytes : NAN;
}

/* A number, or - if there is none. */
static void report_number(FILE *out, int width, int decimals, double number)
{
	if (isnan(number))
		(void)fprintf(out, "%*s", width, "-");
	else
		(void)fprintf(out, "%*.*f", width, decimals, number);
}

void report_compare_table(FILE *out, const struct options *options,
			  const struct result_set *set,
			  const struct result *reference)
{
	_cleanup_free_ char *title = text_printable(set->title);
	_cleanup_free_ char *name = text_printable(reference->label);
	size_t i;

	(void)fprintf(out, "%s", title ? title : "out of memory");
	if (set->nr_accesses > 0)
		(void)fprintf(out, ": %" PRIu64 " accesses", set->nr_accesses);
	(void)fprintf(
		out, "; errors against %s at %zu sizes up to %.0f pages\n",
		name ? name : "out of memory", report_nr_sizes(options),
		options->nr_sizes > 0 ?
			(double)options->sizes_pages[options->nr_sizes - 1] :
			mrc_curve_max_pages(reference->curve));
	(void)fprintf(out, "%-24s %11s %11s %12s %10s %12s\n", "CURVE",
		      "MEAN ERROR", "MAX ERROR", "AT PAGES", "M REFS/S",
		      "MEMORY MiB");
	for (i = 0; i < set->nr_results; i++) {
		const struct result *result = &set->results[i];
		_cleanup_free_ char *label = text_cut(result->label, 24);
		struct report_error error =
			report_error_of(options, result, reference);

		(void)fprintf(out, "%-24s %11.6f %11.6f %12.0f ",
			      label ? label : "out of memory", error.mean,
			      error.max, error.max_at_pages);
		report_number(out, 10, 1, report_speed(set, result) / 1e6);
		report_number(out, 13, 1,
			      report_memory_bytes(result) / 1048576);
		(void)fputc('\n', out);
	}
}

void report_compare_csv_header(FILE *out)
{
	(void)fprintf(out, "input,accesses,name,mean_error,max_error,"
			   "max_error_at_pages,accesses_per_second,"
			   "memory_bytes\n");
}

void report_compare_csv(FILE *out, const struct options *options,
			const struct result_set *set,
			const struct result *reference)
{
	size_t i;

	for (i = 0; i < set->nr_results; i++) {
		const struct result *result = &set->results[i];
		struct report_error error =
			report_error_of(options, result, reference);

		report_csv_text(out, set->title);
		(void)fprintf(out, ",%" PRIu64 ",", set->nr_accesses);
		report_csv_text(out, result->label);
		(void)fprintf(out, ",%.9g,%.9g,%.15g,", error.mean, error.max,
			      error.max_at_pages);
		/* An empty field is a missing value. */
		if (result->seconds > 0)
			(void)fprintf(out, "%.0f,%zu",
				      report_speed(set, result),
				      result->peak_bytes);
		else
			(void)fputc(',', out);
		(void)fputc('\n', out);
	}
}

void report_compare_json(FILE *out, const struct options *options,
			 const struct result_set *set,
			 const struct result *reference)
{
	struct json json = json_start(out);
	size_t i;

	json_object(&json, NULL);
	json_count(&json, "schema_version", REPORT_SCHEMA_VERSION);
	json_string(&json, "input", set->title);
	json_count(&json, "accesses", set->nr_accesses);
	json_string(&json, "reference", reference->label);
	json_array(&json, "results");
	for (i = 0; i < set->nr_results; i++) {
		const struct result *result = &set->results[i];
		struct report_error error =
			report_error_of(options, result, reference);

		json_object(&json, NULL);
		json_string(&json, "name", result->label);
		json_number(&json, "mean_error", error.mean, 9);
		json_number(&json, "max_error", error.max, 9);
		json_number(&json, "max_error_at_pages", error.max_at_pages,
			    15);
		json_number(&json, "accesses_per_second",
			    report_speed(set, result), 6);
		json_number(&json, "memory_bytes", report_memory_bytes(result),
			    15);
		json_end(&json);
	}
	json_finish(&json);
}
