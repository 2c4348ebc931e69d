// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <inttypes.h>
#include <math.h>

#include "cleanup.h"
#include "json.h"
#include "report.h"
#include "text.h"
#include "units.h"

/* What is known of a working set: its size, or only that it is above one. */
struct report_wss {
	bool is_known;
	uint64_t pages;
};

static struct report_wss report_wss_of(const struct result *result,
				       double miss_ratio)
{
	struct report_wss wss = { 0 };

	wss.is_known =
		mrc_curve_wss_pages(result->curve, miss_ratio, &wss.pages) == 0;
	if (!wss.is_known)
		wss.pages = (uint64_t)floor(mrc_curve_max_pages(result->curve));
	return wss;
}

static double report_wss_mib(const struct options *options, uint64_t pages)
{
	return (double)pages * (double)options_page_bytes(options) / 1048576;
}

void report_wss_table(FILE *out, const struct options *options,
		      const struct result_set *set, bool has_header)
{
	_cleanup_free_ char *title = text_printable(set->title);
	size_t i, r;

	if (has_header)
		(void)fprintf(out, "%s\n%14s %12s  %-18s %6s %14s %16s\n",
			      title ? title : "out of memory", "FIRST ACCESS",
			      "ACCESSES", "ALGORITHM", "MISS", "WSS PAGES",
			      "WSS");
	for (i = 0; i < set->nr_results; i++) {
		for (r = 0; r < options->nr_miss_ratios; r++) {
			struct report_wss wss = report_wss_of(
				&set->results[i], options->miss_ratios[r]);
			char pages[32], mib[40];

			(void)snprintf(pages, sizeof(pages), "%s%" PRIu64,
				       wss.is_known ? "" : "> ", wss.pages);
			(void)snprintf(mib, sizeof(mib), "%s%.1f MiB",
				       wss.is_known ? "" : "> ",
				       report_wss_mib(options, wss.pages));
			(void)fprintf(out,
				      "%14" PRIu64 " %12" PRIu64
				      "  %-18s %5.4g%% %14s %16s\n",
				      set->first_access, set->nr_accesses,
				      set->results[i].label,
				      100 * options->miss_ratios[r], pages,
				      mib);
		}
	}
}

void report_wss_csv_header(FILE *out)
{
	(void)fprintf(out, "input,first_access,accesses,name,miss_ratio,"
			   "wss_pages,wss_above_pages\n");
}

void report_wss_csv(FILE *out, const struct options *options,
		    const struct result_set *set)
{
	size_t i, r;

	for (i = 0; i < set->nr_results; i++) {
		for (r = 0; r < options->nr_miss_ratios; r++) {
			struct report_wss wss = report_wss_of(
				&set->results[i], options->miss_ratios[r]);

			report_csv_text(out, set->title);
			/* An empty field is a missing value. */
			(void)fprintf(out,
				      ",%" PRIu64 ",%" PRIu64
				      ",%s,%.9g,%s%" PRIu64 "%s\n",
				      set->first_access, set->nr_accesses,
				      set->results[i].label,
				      options->miss_ratios[r],
				      wss.is_known ? "" : ",", wss.pages,
				      wss.is_known ? "," : "");
		}
	}
}

void report_wss_json(FILE *out, const struct options *options,
		     const struct result_set *set)
{
	struct json json = report_json_begin(out, options, set);
	size_t i, r;

	for (i = 0; i < set->nr_results; i++) {
		for (r = 0; r < options->nr_miss_ratios; r++) {
			struct report_wss wss = report_wss_of(
				&set->results[i], options->miss_ratios[r]);

			json_object(&json, NULL);
			json_string(&json, "name", set->results[i].label);
			json_number(&json, "miss_ratio",
				    options->miss_ratios[r], 9);
			json_count(&json,
				   wss.is_known ? "wss_pages" :
						  "wss_above_pages",
				   wss.pages);
			json_end(&json);
		}
	}
	json_finish(&json);
}
