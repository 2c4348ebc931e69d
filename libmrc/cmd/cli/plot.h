/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Miss-ratio curves as pictures: one or several in a plot, one or several plots
 * in a picture.
 *
 * Both functions write to a FILE and decide nothing else; whether the writing
 * worked, the caller learns from the FILE. They return 0 or -ENOMEM. Texts may
 * be anyone's: they are escaped.
 */
#ifndef CLI_PLOT_H
#define CLI_PLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <mrc/curve.h>

#include "axis.h"

/**
 * struct plot_series - one curve
 * @label: for the legend; NULL: no legend
 * @sizes_pages: @nr_points sizes, increasing
 * @miss_ratios: @nr_points ratios in [0, 1], between which it is linear
 * @lower_ratios: NULL, or the lower end of a band at each size
 * @upper_ratios: likewise its upper end
 * @nr_points: at least 1
 * @is_flat_behind: behind the last point it stays at its ratio; else it ends
 */
struct plot_series {
	const char *label;
	double *sizes_pages;
	double *miss_ratios;
	double *lower_ratios;
	double *upper_ratios;
	size_t nr_points;
	bool is_flat_behind;
};

/**
 * struct plot - a coordinate system with curves
 * @title: above it
 * @subtitle: below the title, or NULL
 * @kind: what the axis of sizes shows
 * @is_log: it is logarithmic
 * @extent_pages: the size up to which the curves are worth showing; above 0
 * @smallest_pages: if @is_log, the size from which on; above 0
 * @series: @nr_series curves; 0 is a plot without one
 * @nr_series: any
 * @mark: a line of this text at @mark_pages and @mark_ratio, or NULL
 * @mark_detail: a second line
 * @remark: a text in the corner, or NULL
 */
struct plot {
	const char *title;
	const char *subtitle;
	enum axis_kind kind;
	bool is_log;
	double extent_pages;
	double smallest_pages;
	const struct plot_series *series;
	size_t nr_series;
	const char *mark;
	const char *mark_detail;
	double mark_pages;
	double mark_ratio;
	const char *remark;
};

/* Points of a curve as a series without a label, to be freed. */
int plot_series_init(const struct mrc_curve *curve,
		     struct plot_series *ret_series);
void plot_series_done(struct plot_series *series);

/* Whether the curve says anything about a size. */
bool plot_series_covers(const struct plot_series *series, double size_pages);

/* The miss ratio there; before the first point and behind the last theirs. */
double plot_series_at(const struct plot_series *series, double size_pages);

/* A whole SVG document that refers to nothing outside it. */
int plot_svg(FILE *out, const struct plot *plots, size_t nr_plots);

/*
 * Text of at most @columns, which are at least PLOT_TEXT_MIN_COLUMNS. Titles are
 * the caller's business.
 */
#define PLOT_TEXT_MIN_COLUMNS 40
int plot_text(FILE *out, const struct plot *plot, unsigned int columns,
	      bool is_coloured);

#endif /* CLI_PLOT_H */
