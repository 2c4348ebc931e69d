/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pictures of what changes with time: sizes of memory as lines, and amounts by
 * class as a heat map.
 *
 * All functions write to a FILE and decide nothing else; whether the writing worked,
 * the caller learns from the FILE. They return 0 or -ENOMEM. Texts may be anyone's:
 * they are escaped. Times are of the clock, in seconds since 1970, shown in local
 * time.
 */
#ifndef CLI_CHART_H
#define CLI_CHART_H

#include <stddef.h>
#include <stdio.h>

/**
 * struct chart_line - one line
 * @label: for the legend
 * @pages: a size for each time; NaN: a gap
 */
struct chart_line {
	const char *label;
	const double *pages;
};

/**
 * struct chart - sizes over time
 * @title: above it
 * @subtitle: below the title, or NULL
 * @times_s: @nr_times times, increasing
 * @nr_times: at least 1
 * @lines: @nr_lines lines
 * @nr_lines: any
 */
struct chart {
	const char *title;
	const char *subtitle;
	const double *times_s;
	size_t nr_times;
	const struct chart_line *lines;
	size_t nr_lines;
};

/* A whole SVG document that refers to nothing outside it. */
int chart_svg(FILE *out, const struct chart *chart);

/* Text of at most @columns, which are at least CHART_MIN_COLUMNS. */
#define CHART_MIN_COLUMNS 40
int chart_text(FILE *out, const struct chart *chart, unsigned int columns);

/**
 * struct heat - amounts by time and class
 * @title: above it
 * @subtitle: below the title, or NULL
 * @times_s: @nr_times times, increasing
 * @nr_times: at least 1
 * @class_labels: @nr_classes labels, the first at the bottom
 * @nr_classes: at least 1
 * @amounts: of class c at time t at [t * @nr_classes + c], at least 0
 */
struct heat {
	const char *title;
	const char *subtitle;
	const double *times_s;
	size_t nr_times;
	const char *const *class_labels;
	size_t nr_classes;
	const double *amounts;
};

int heat_svg(FILE *out, const struct heat *heat);
int heat_text(FILE *out, const struct heat *heat, unsigned int columns);

/* Room for a label of the axis of times. */
#define CHART_LABEL_BYTES 32

/**
 * struct chart_clock - the axis of times
 * @start_s: where it begins
 * @end_s: where it ends; after @start_s
 * @first_s: of the first tick
 * @step_s: from one tick to the next, a round time
 */
struct chart_clock {
	double start_s;
	double end_s;
	double first_s;
	double step_s;
};

/* At most @max_ticks (at least 2) ticks. */
struct chart_clock chart_clock_for(const double *times_s, size_t nr_times,
				   unsigned int max_ticks);
void chart_clock_label(const struct chart_clock *clock, double time_s,
		       char label[CHART_LABEL_BYTES]);
/* 0 at the start, 1 at the end. */
double chart_clock_position(const struct chart_clock *clock, double time_s);

/* The largest size that any line has; at least a page. */
double chart_extent_pages(const struct chart *chart);

#endif /* CLI_CHART_H */
