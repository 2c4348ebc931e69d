// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "axis.h"
#include "cleanup.h"
#include "report.h"
#include "units.h"

/* 20 steps of 5 %, the usual tolerated ratio: it has a row of its own. */
#define PLOT_ROWS 21

/* "100% |" */
#define PLOT_MARGIN 6

/* Beyond this no screen is; bounds the memory. */
#define PLOT_MAX_WIDTH 1000

static unsigned int plot_row(double miss_ratio)
{
	return (unsigned int)lround((1 - miss_ratio) * (PLOT_ROWS - 1));
}

static void plot_draw_curve(char (*cells)[PLOT_MAX_WIDTH], unsigned int width,
			    double end_pages, const struct window *window)
{
	unsigned int column, row, last = 0;

	for (column = 0; column < width; column++) {
		double pages = end_pages * column / (width - 1);
		unsigned int here =
			plot_row(window_miss_ratio_at(window, pages));

		/* The rows that a steep fall would jump over. */
		for (row = last + 1; column > 0 && row < here; row++)
			cells[row][column] = '|';
		cells[here][column] = '*';
		last = here;
	}
}

static void plot_draw_wss(char (*cells)[PLOT_MAX_WIDTH], unsigned int column)
{
	unsigned int row;

	for (row = 0; row < PLOT_ROWS; row++) {
		if (cells[row][column] == ' ')
			cells[row][column] = ':';
	}
}

/* @wss_column is marked, unless it is not on the axis. */
static void plot_print_axis(FILE *out, const struct axis *axis,
			    unsigned int width, unsigned int wss_column)
{
	char line[PLOT_MAX_WIDTH + 1], labels[PLOT_MAX_WIDTH + 64];
	unsigned int i, free_from = 0;

	memset(line, '-', width);
	line[width] = '\0';
	memset(labels, ' ', sizeof(labels));
	for (i = 0; i <= axis->nr_steps; i++) {
		unsigned int column = (unsigned int)lround(
			(double)i * (width - 1) / axis->nr_steps);
		char label[32];
		unsigned int length, start;

		length = (unsigned int)snprintf(label, sizeof(label), "%.6g",
						axis->step * i);
		line[column] = '+';
		start = column < length / 2 ? 0 : column - length / 2;
		if (start < free_from)
			continue;
		memcpy(labels + start, label, length);
		free_from = start + length + 1;
	}
	if (wss_column < width)
		line[wss_column] = 'W';
	labels[free_from ? free_from - 1 : 0] = '\0';
	(void)fprintf(out, "%*s%s\n", PLOT_MARGIN, "", line);
	(void)fprintf(out, "%*s%s %s\n", PLOT_MARGIN, "", labels, axis->unit);
}

int plot_text_curve(FILE *out, const struct report_subject *subject,
		    const struct window *window, unsigned int columns)
{
	/* On the right the last label reaches over the end of the axis. */
	const unsigned int margins = PLOT_MARGIN + 9;
	struct axis axis = axis_for(window_extent_pages(window));
	double end_pages = axis_end_pages(&axis);
	unsigned int width, row, wss_column = UINT_MAX;
	_cleanup_free_ char(*cells)[PLOT_MAX_WIDTH] = NULL;
	int err;

	if (columns < PLOT_TEXT_MIN_COLUMNS)
		columns = PLOT_TEXT_MIN_COLUMNS;
	width = columns - margins;
	if (width > PLOT_MAX_WIDTH)
		width = PLOT_MAX_WIDTH;
	err = table_summary(out, subject, window);
	if (err < 0)
		return err;
	if (!window->curve) {
		table_wss_line(out, window);
		return 0;
	}
	cells = malloc(sizeof(*cells) * PLOT_ROWS);
	if (!cells)
		return -ENOMEM;
	memset(cells, ' ', sizeof(*cells) * PLOT_ROWS);
	plot_draw_curve(cells, width, end_pages, window);
	if (window->wss == WINDOW_WSS_KNOWN) {
		wss_column = (unsigned int)lround((double)window->wss_pages *
						  (width - 1) / end_pages);
		plot_draw_wss(cells, wss_column);
	}
	(void)fprintf(out, "miss ratio\n");
	for (row = 0; row < PLOT_ROWS; row++) {
		unsigned int length = width;

		while (length > 0 && cells[row][length - 1] == ' ')
			length--;
		if (row % 5 == 0)
			(void)fprintf(out, "%3u%% +", 100 - 5 * row);
		else
			(void)fprintf(out, "     |");
		(void)fprintf(out, "%.*s\n", (int)length, cells[row]);
	}
	plot_print_axis(out, &axis, width, wss_column);
	if (window->wss == WINDOW_WSS_KNOWN)
		(void)fprintf(out, "W marks the ");
	table_wss_line(out, window);
	return 0;
}
