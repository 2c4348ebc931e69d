// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "cleanup.h"
#include "plot.h"
#include "text.h"

/* 20 steps of 5 %, the usual tolerated ratio: it has a row of its own. */
#define PLOT_ROWS 21

/* "100% |" */
#define PLOT_MARGIN 6

/* Beyond this no screen is; bounds the memory. */
#define PLOT_MAX_WIDTH 1000

/* One per curve, then again; also in colours, where these are wanted. */
static const char plot_symbols[] = "*+xo#@%&=~";
static const char *const plot_colours[] = { "34", "31", "32", "35", "33", "36" };

/* @series: 1 + number of the curve it belongs to, or 0 */
struct plot_cell {
	char symbol;
	unsigned char series;
};

struct plot_canvas {
	struct plot_cell (*cells)[PLOT_MAX_WIDTH];
	unsigned int width;
};

static unsigned int plot_row(double miss_ratio)
{
	return (unsigned int)lround((1 - miss_ratio) * (PLOT_ROWS - 1));
}

static char plot_symbol(size_t index)
{
	return plot_symbols[index % (sizeof(plot_symbols) - 1)];
}

static void plot_draw_curve(const struct plot_canvas *canvas,
			    const struct axis *axis,
			    const struct plot_series *series, size_t index)
{
	unsigned int column, row, last = 0;
	unsigned char number = (unsigned char)(1 + index % (UCHAR_MAX - 1));
	bool has_last = false;

	for (column = 0; column < canvas->width; column++) {
		double pages =
			axis_pages(axis, (double)column / (canvas->width - 1));
		unsigned int here;

		if (!plot_series_covers(series, pages))
			continue;
		here = plot_row(plot_series_at(series, pages));
		/* The rows that a steep fall or rise would jump over. */
		for (row = (last < here ? last : here) + 1;
		     has_last && row < (last < here ? here : last); row++)
			canvas->cells[row][column] =
				(struct plot_cell){ '|', number };
		canvas->cells[here][column] =
			(struct plot_cell){ plot_symbol(index), number };
		last = here;
		has_last = true;
	}
}

static void plot_draw_mark(const struct plot_canvas *canvas,
			   unsigned int column)
{
	unsigned int row;

	for (row = 0; row < PLOT_ROWS; row++) {
		if (canvas->cells[row][column].symbol == ' ')
			canvas->cells[row][column].symbol = ':';
	}
}

static void plot_print_symbol(FILE *out, struct plot_cell cell,
			      bool is_coloured)
{
	if (is_coloured && cell.series > 0)
		(void)fprintf(out, "\033[%sm%c\033[0m",
			      plot_colours[(cell.series - 1u) %
					   (sizeof(plot_colours) /
					    sizeof(plot_colours[0]))],
			      cell.symbol);
	else
		(void)fputc(cell.symbol, out);
}

static void plot_print_rows(FILE *out, const struct plot_canvas *canvas,
			    bool is_coloured)
{
	unsigned int row, column;

	for (row = 0; row < PLOT_ROWS; row++) {
		const struct plot_cell *cells = canvas->cells[row];
		unsigned int length = canvas->width;

		while (length > 0 && cells[length - 1].symbol == ' ')
			length--;
		if (row % 5 == 0)
			(void)fprintf(out, "%3u%% +", 100 - 5 * row);
		else
			(void)fprintf(out, "     |");
		for (column = 0; column < length; column++)
			plot_print_symbol(out, cells[column], is_coloured);
		(void)fputc('\n', out);
	}
}

/* @mark_column is marked, unless it is not on the axis. */
static void plot_print_axis(FILE *out, const struct axis *axis,
			    unsigned int width, unsigned int mark_column)
{
	char line[PLOT_MAX_WIDTH + 1], labels[PLOT_MAX_WIDTH + 64];
	unsigned int i, free_from = 0;

	memset(line, '-', width);
	line[width] = '\0';
	memset(labels, ' ', sizeof(labels));
	for (i = 0; i <= axis->nr_steps; i++) {
		unsigned int column = (unsigned int)lround(
			(double)i * (width - 1) / axis->nr_steps);
		char label[AXIS_LABEL_BYTES];
		unsigned int length, start;

		axis_tick_label(axis, i, label);
		length = (unsigned int)strlen(label);
		line[column] = '+';
		start = column < length / 2 ? 0 : column - length / 2;
		if (start < free_from)
			continue;
		memcpy(labels + start, label, length);
		free_from = start + length + 1;
	}
	if (mark_column < width)
		line[mark_column] = 'W';
	labels[free_from ? free_from - 1 : 0] = '\0';
	(void)fprintf(out, "%*s%s\n", PLOT_MARGIN, "", line);
	(void)fprintf(out, "%*s%s %s\n", PLOT_MARGIN, "", labels, axis->unit);
}

static int plot_print_legend(FILE *out, const struct plot *plot,
			     unsigned int columns, bool is_coloured)
{
	size_t i;

	for (i = 0; i < plot->nr_series; i++) {
		struct plot_cell cell = { plot_symbol(i),
					  (unsigned char)(1 + i % UCHAR_MAX) };
		_cleanup_free_ char *label = NULL;

		if (!plot->series[i].label)
			continue;
		label = text_cut(plot->series[i].label,
				 columns - PLOT_MARGIN - 2);
		if (!label)
			return -ENOMEM;
		(void)fprintf(out, "%*s", PLOT_MARGIN, "");
		plot_print_symbol(out, cell, is_coloured);
		(void)fprintf(out, " %s\n", label);
	}
	return 0;
}

int plot_text(FILE *out, const struct plot *plot, unsigned int columns,
	      bool is_coloured)
{
	/* On the right the last label reaches over the end of the axis. */
	const unsigned int margins = PLOT_MARGIN + 9;
	struct axis axis = axis_new(plot->kind, plot->is_log,
				    plot->smallest_pages, plot->extent_pages);
	_cleanup_free_ struct plot_cell(*cells)[PLOT_MAX_WIDTH] = NULL;
	struct plot_canvas canvas;
	unsigned int row, column, mark_column = UINT_MAX;
	size_t i;

	if (columns < PLOT_TEXT_MIN_COLUMNS)
		columns = PLOT_TEXT_MIN_COLUMNS;
	canvas.width = columns - margins;
	if (canvas.width > PLOT_MAX_WIDTH)
		canvas.width = PLOT_MAX_WIDTH;
	cells = malloc(sizeof(*cells) * PLOT_ROWS);
	if (!cells)
		return -ENOMEM;
	for (row = 0; row < PLOT_ROWS; row++) {
		for (column = 0; column < PLOT_MAX_WIDTH; column++)
			cells[row][column] = (struct plot_cell){ ' ', 0 };
	}
	canvas.cells = cells;
	/* The first is on top. */
	for (i = plot->nr_series; i > 0; i--)
		plot_draw_curve(&canvas, &axis, &plot->series[i - 1], i - 1);
	if (plot->mark) {
		mark_column = (unsigned int)lround(
			axis_position(&axis, plot->mark_pages) *
			(canvas.width - 1));
		if (mark_column < canvas.width)
			plot_draw_mark(&canvas, mark_column);
	}
	(void)fprintf(out, "miss ratio\n");
	plot_print_rows(out, &canvas, is_coloured);
	plot_print_axis(out, &axis, canvas.width, mark_column);
	return plot_print_legend(out, plot, columns, is_coloured);
}
