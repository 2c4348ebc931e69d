// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "axis.h"
#include "chart.h"
#include "cleanup.h"
#include "text.h"

#define TEXT_ROWS 17
#define TEXT_MARGIN 12
#define TEXT_MAX_WIDTH 1000

static const char text_symbols[] = "*+xo#@%&=~";
static const char text_shades[] = " .:-=+*#%@";

static unsigned int text_width(unsigned int columns)
{
	if (columns < CHART_MIN_COLUMNS)
		columns = CHART_MIN_COLUMNS;
	columns -= TEXT_MARGIN + 1;
	return columns < TEXT_MAX_WIDTH ? columns : TEXT_MAX_WIDTH;
}

static unsigned int text_column(const struct chart_clock *clock, double time_s,
				unsigned int width)
{
	return (unsigned int)lround(chart_clock_position(clock, time_s) *
				    (width - 1));
}

static void text_times(FILE *out, const struct chart_clock *clock,
		       unsigned int width)
{
	char line[TEXT_MAX_WIDTH + 1],
		labels[TEXT_MAX_WIDTH + CHART_LABEL_BYTES + 1];
	size_t free_from = 0;
	double time_s;

	memset(line, '-', width);
	line[width] = '\0';
	memset(labels, ' ', sizeof(labels));
	for (time_s = clock->first_s; time_s <= clock->end_s;
	     time_s += clock->step_s) {
		size_t column = text_column(clock, time_s, width), length;
		char label[CHART_LABEL_BYTES];

		chart_clock_label(clock, time_s, label);
		length = strlen(label);
		line[column] = '+';
		if (column < free_from || column + length > width)
			continue;
		memcpy(labels + column, label, length);
		free_from = column + length + 1;
	}
	labels[free_from ? free_from - 1 : 0] = '\0';
	(void)fprintf(out, "%*s+%s\n%*s %s\n", TEXT_MARGIN - 1, "", line,
		      TEXT_MARGIN - 1, "", labels);
}

static void text_print_row(FILE *out, const char *label, const char *cells,
			   unsigned int width)
{
	while (width > 0 && cells[width - 1] == ' ')
		width--;
	(void)fprintf(out, "%*s |%.*s\n", TEXT_MARGIN - 2, label, (int)width,
		      cells);
}

/* The last value of a column counts. */
static void text_draw(char (*cells)[TEXT_MAX_WIDTH], const struct chart *chart,
		      size_t index, const struct chart_clock *clock,
		      const struct axis *axis, unsigned int width)
{
	char symbol = text_symbols[index % (sizeof(text_symbols) - 1)];
	unsigned int columns_done = 0;
	double last = NAN;
	size_t t;

	for (t = 0; t < chart->nr_times; t++) {
		unsigned int column =
			text_column(clock, chart->times_s[t], width);

		/* What was there holds until there is something new. */
		for (; columns_done < column; columns_done++) {
			if (!isnan(last))
				cells[lround(axis_position(axis, last) *
					     (TEXT_ROWS - 1))][columns_done] =
					symbol;
		}
		last = chart->lines[index].pages[t];
	}
	for (; columns_done < width && !isnan(last); columns_done++)
		cells[lround(axis_position(axis, last) * (TEXT_ROWS - 1))]
		     [columns_done] = symbol;
}

static int text_legend(FILE *out, const struct chart *chart)
{
	size_t i;

	for (i = 0; i < chart->nr_lines; i++) {
		_cleanup_free_ char *label =
			text_printable(chart->lines[i].label);

		if (!label)
			return -ENOMEM;
		(void)fprintf(out, "%*s %c %s\n", TEXT_MARGIN - 1, "",
			      text_symbols[i % (sizeof(text_symbols) - 1)],
			      label);
	}
	return 0;
}

static int text_title(FILE *out, const char *title)
{
	_cleanup_free_ char *printable = text_printable(title);

	if (!printable)
		return -ENOMEM;
	(void)fprintf(out, "%s\n", printable);
	return 0;
}

int chart_text(FILE *out, const struct chart *chart, unsigned int columns)
{
	unsigned int width = text_width(columns), row, tick = 0;
	struct chart_clock clock = chart_clock_for(
		chart->times_s, chart->nr_times, 2 + width / 16);
	struct axis axis = axis_for(chart_extent_pages(chart));
	_cleanup_free_ char(*cells)[TEXT_MAX_WIDTH] = NULL;
	size_t i;
	int err;

	cells = malloc(sizeof(*cells) * TEXT_ROWS);
	if (!cells)
		return -ENOMEM;
	memset(cells, ' ', sizeof(*cells) * TEXT_ROWS);
	/* The first is on top. */
	for (i = chart->nr_lines; i > 0; i--)
		text_draw(cells, chart, i - 1, &clock, &axis, width);
	err = text_title(out, chart->title);
	if (err < 0)
		return err;
	for (row = TEXT_ROWS; row > 0; row--) {
		char label[AXIS_LABEL_BYTES + 16] = "";

		/* The row that is nearest to a tick of the axis has its label. */
		for (tick = 0; tick <= axis.nr_steps; tick++) {
			char number[AXIS_LABEL_BYTES];

			if ((unsigned int)lround((double)tick *
						 (TEXT_ROWS - 1) /
						 axis.nr_steps) != row - 1)
				continue;
			axis_tick_label(&axis, tick, number);
			(void)snprintf(label, sizeof(label), "%s %s", number,
				       axis.unit);
		}
		text_print_row(out, label, cells[row - 1], width);
	}
	text_times(out, &clock, width);
	return text_legend(out, chart);
}

int heat_text(FILE *out, const struct heat *heat, unsigned int columns)
{
	unsigned int width = text_width(columns);
	struct chart_clock clock =
		chart_clock_for(heat->times_s, heat->nr_times, 2 + width / 16);
	double max = 0;
	size_t row, t, i;
	int err;

	for (i = 0; i < heat->nr_times * heat->nr_classes; i++)
		max = fmax(max, heat->amounts[i]);
	err = text_title(out, heat->title);
	if (err < 0)
		return err;
	for (row = heat->nr_classes; row > 0; row--) {
		char cells[TEXT_MAX_WIDTH];
		_cleanup_free_ char *label =
			text_cut(heat->class_labels[row - 1], TEXT_MARGIN - 2);

		if (!label)
			return -ENOMEM;
		memset(cells, ' ', sizeof(cells));
		for (t = 0; t < heat->nr_times; t++) {
			unsigned int column =
				text_column(&clock, heat->times_s[t], width);
			unsigned int end =
				t + 1 < heat->nr_times ?
					text_column(&clock,
						    heat->times_s[t + 1],
						    width) :
					width;
			double amount =
				heat->amounts[t * heat->nr_classes + row - 1];
			double share = max > 0 ? sqrt(amount / max) : 0;
			/* Anything is more than nothing. */
			char shade = text_shades[(size_t)ceil(
				share * (sizeof(text_shades) - 2))];

			if (end == column)
				end = column + 1;
			memset(cells + column, shade, end - column);
		}
		text_print_row(out, label, cells, width);
	}
	text_times(out, &clock, width);
	return 0;
}
