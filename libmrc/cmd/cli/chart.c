// SPDX-License-Identifier: LGPL-2.1-or-later
#include "chart.h"

#include <math.h>
#include <time.h>

#define DAY_S 86400.0

/* Seconds that people count in. */
static const double chart_steps_s[] = {
	1,	   2,	      5,	  10,	      15,	   30,
	60,	   120,	      300,	  600,	      900,	   1800,
	3600,	   7200,      10800,	  21600,      43200,	   DAY_S,
	2 * DAY_S, 7 * DAY_S, 30 * DAY_S, 90 * DAY_S, 365 * DAY_S,
};

static double chart_utc_offset_s(double time_s)
{
	time_t seconds = (time_t)time_s;
	struct tm local;

	return localtime_r(&seconds, &local) ? (double)local.tm_gmtoff : 0;
}

struct chart_clock chart_clock_for(const double *times_s, size_t nr_times,
				   unsigned int max_ticks)
{
	struct chart_clock clock = { .start_s = times_s[0],
				     .end_s = times_s[nr_times - 1] };
	double offset_s = chart_utc_offset_s(clock.start_s);
	size_t i = 0, last = sizeof(chart_steps_s) / sizeof(chart_steps_s[0]);

	/* A single moment still has a width. */
	if (clock.end_s < clock.start_s + 1)
		clock.end_s = clock.start_s + 1;
	while (i + 1 < last &&
	       (clock.end_s - clock.start_s) / chart_steps_s[i] > max_ticks - 1)
		i++;
	clock.step_s = chart_steps_s[i];
	/* Ten years and more: no round step, but no more ticks either. */
	if ((clock.end_s - clock.start_s) / clock.step_s > max_ticks - 1)
		clock.step_s = (clock.end_s - clock.start_s) / (max_ticks - 1);
	clock.first_s =
		ceil((clock.start_s + offset_s) / clock.step_s) * clock.step_s -
		offset_s;
	return clock;
}

void chart_clock_label(const struct chart_clock *clock, double time_s,
		       char label[CHART_LABEL_BYTES])
{
	time_t seconds = (time_t)time_s;
	struct tm local;
	size_t length;

	if (!localtime_r(&seconds, &local))
		length = 0;
	else if (clock->step_s < 60)
		length = strftime(label, CHART_LABEL_BYTES, "%H:%M:%S", &local);
	else if (clock->step_s < DAY_S)
		length = strftime(label, CHART_LABEL_BYTES, "%H:%M", &local);
	else
		length = strftime(label, CHART_LABEL_BYTES, "%Y-%m-%d", &local);
	if (length == 0)
		label[0] = '\0';
}

double chart_clock_position(const struct chart_clock *clock, double time_s)
{
	return (time_s - clock->start_s) / (clock->end_s - clock->start_s);
}

double chart_extent_pages(const struct chart *chart)
{
	double extent = 1;
	size_t i, t;

	for (i = 0; i < chart->nr_lines; i++) {
		for (t = 0; t < chart->nr_times; t++) {
			if (chart->lines[i].pages[t] > extent)
				extent = chart->lines[i].pages[t];
		}
	}
	return extent;
}
