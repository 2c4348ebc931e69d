// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>

#include "report.h"
#include "units.h"

void report_csv_header(FILE *out)
{
	(void)fprintf(out, "time_unix_s,period_s,wss_pages,wss_above_pages,"
			   "miss_ratio,accesses,cold_accesses,distinct_pages,"
			   "traps_per_second,mapped_pages,sampled_pages\n");
}

void report_csv_row(FILE *out, const struct report_subject *subject,
		    const struct window *window)
{
	int64_t wall_ns = (int64_t)window->end_ns + subject->wall_offset_ns;

	(void)fprintf(out, "%.3f,%.3f,", (double)wall_ns / NS_PER_S,
		      window_seconds(window));
	/* An empty field is a missing value. */
	if (window->wss == WINDOW_WSS_KNOWN)
		(void)fprintf(out, "%" PRIu64, window->wss_pages);
	(void)fputc(',', out);
	if (window->wss == WINDOW_WSS_ABOVE)
		(void)fprintf(out, "%" PRIu64, window->wss_pages);
	(void)fprintf(out,
		      ",%.9g,%" PRIu64 ",%" PRIu64 ",%.0f,%.3f,%" PRIu64
		      ",%" PRIu64 "\n",
		      window->miss_ratio, window->accesses,
		      window->cold_accesses, window->distinct_pages,
		      window_trap_rate(window), window->mapped_pages,
		      window->sampled_pages);
}
