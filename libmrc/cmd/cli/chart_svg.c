// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <math.h>

#include "axis.h"
#include "chart.h"
#include "cleanup.h"
#include "text.h"

#define SVG_WIDTH 900
#define SVG_HEIGHT 460
#define SVG_LEFT 96
#define SVG_RIGHT 866
#define SVG_TOP 84
#define SVG_BOTTOM 372

#define SVG_MAX_TICKS 8
#define SVG_TITLE_COLUMNS 70
#define SVG_LABEL_COLUMNS 30

static const char *const svg_colours[] = {
	"#1f5fa8", "#d55e00", "#009e73", "#cc79a7",
	"#e69f00", "#56b4e9", "#333333",
};

static const char *svg_colour(size_t index)
{
	return svg_colours[index %
			   (sizeof(svg_colours) / sizeof(svg_colours[0]))];
}

static int svg_begin(FILE *out, const char *title, const char *subtitle)
{
	_cleanup_free_ char *cut = text_cut(title, SVG_TITLE_COLUMNS);
	_cleanup_free_ char *name = cut ? text_xml(cut) : NULL;
	_cleanup_free_ char *below = text_xml(subtitle ? subtitle : "");

	if (!name || !below)
		return -ENOMEM;
	(void)fprintf(
		out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
		"font-family=\"'DejaVu Sans', Verdana, Helvetica, Arial, sans-serif\" "
		"role=\"img\">\n<title>%s</title>\n"
		"<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>\n"
		"<text x=\"%d\" y=\"36\" font-size=\"19\" font-weight=\"bold\" fill=\"#1d232b\">%s</text>\n"
		"<text x=\"%d\" y=\"60\" font-size=\"12.5\" fill=\"#5a6472\">%s</text>\n",
		SVG_WIDTH, SVG_HEIGHT, SVG_WIDTH, SVG_HEIGHT, name, SVG_WIDTH,
		SVG_HEIGHT, SVG_LEFT, name, SVG_LEFT, below);
	return 0;
}

static double svg_x(const struct chart_clock *clock, double time_s)
{
	return SVG_LEFT +
	       (SVG_RIGHT - SVG_LEFT) * chart_clock_position(clock, time_s);
}

static void svg_times(FILE *out, const struct chart_clock *clock)
{
	char label[CHART_LABEL_BYTES];
	double time_s;

	(void)fprintf(
		out,
		"<g font-size=\"12\" fill=\"#3b4350\" text-anchor=\"middle\">\n");
	for (time_s = clock->first_s; time_s <= clock->end_s;
	     time_s += clock->step_s) {
		chart_clock_label(clock, time_s, label);
		(void)fprintf(
			out,
			"<path d=\"M%.1f %dv5\" stroke=\"#3b4350\"/><text x=\"%.1f\" y=\"%d\">%s</text>\n",
			svg_x(clock, time_s), SVG_BOTTOM, svg_x(clock, time_s),
			SVG_BOTTOM + 21, label);
	}
	(void)fprintf(
		out,
		"</g>\n<path d=\"M%d %dV%dH%d\" fill=\"none\" stroke=\"#3b4350\" stroke-width=\"1.2\"/>\n",
		SVG_LEFT, SVG_TOP, SVG_BOTTOM, SVG_RIGHT);
}

static double svg_y(const struct axis *axis, double pages)
{
	return SVG_BOTTOM - (SVG_BOTTOM - SVG_TOP) * axis_position(axis, pages);
}

static void svg_sizes(FILE *out, const struct axis *axis)
{
	unsigned int i;

	for (i = 0; i <= axis->nr_steps; i++) {
		double y = svg_y(axis, axis_tick_pages(axis, i));
		char label[AXIS_LABEL_BYTES];

		axis_tick_label(axis, i, label);
		(void)fprintf(
			out,
			"<path d=\"M%d %.1fH%d\" stroke=\"#dfe3e8\"/><text x=\"%d\" y=\"%.1f\" font-size=\"12\" fill=\"#3b4350\" text-anchor=\"end\">%s %s</text>\n",
			SVG_LEFT, y, SVG_RIGHT, SVG_LEFT - 8, y + 4, label,
			axis->unit);
	}
}

/* A gap ends a stretch; one moment alone is a dot, by the round caps. */
static void svg_line(FILE *out, const struct chart *chart,
		     const struct chart_clock *clock, const struct axis *axis,
		     size_t index)
{
	const struct chart_line *line = &chart->lines[index];
	bool is_open = false;
	size_t t;

	(void)fprintf(
		out,
		"<path fill=\"none\" stroke=\"%s\" stroke-width=\"2\" stroke-linecap=\"round\" stroke-linejoin=\"round\" d=\"",
		svg_colour(index));
	for (t = 0; t < chart->nr_times; t++) {
		double x = svg_x(clock, chart->times_s[t]);

		if (isnan(line->pages[t])) {
			is_open = false;
			continue;
		}
		(void)fprintf(out, "%s%.1f %.1f", is_open ? "L" : "M", x,
			      svg_y(axis, line->pages[t]));
		if (!is_open)
			(void)fprintf(out, "h0");
		is_open = true;
	}
	(void)fprintf(out, "\"/>\n");
}

static int svg_legend(FILE *out, const struct chart *chart)
{
	double x = SVG_LEFT;
	size_t i;

	for (i = 0; i < chart->nr_lines; i++) {
		_cleanup_free_ char *cut =
			text_cut(chart->lines[i].label, SVG_LABEL_COLUMNS);
		_cleanup_free_ char *label = cut ? text_xml(cut) : NULL;

		if (!label)
			return -ENOMEM;
		(void)fprintf(
			out,
			"<path d=\"M%.1f %dh22\" stroke=\"%s\" stroke-width=\"3\"/><text x=\"%.1f\" y=\"%d\" font-size=\"12.5\" fill=\"#1d232b\">%s</text>\n",
			x, SVG_BOTTOM + 48, svg_colour(i), x + 28,
			SVG_BOTTOM + 52, label);
		x += 46 + 7.8 * (double)text_columns(cut);
	}
	return 0;
}

int chart_svg(FILE *out, const struct chart *chart)
{
	struct chart_clock clock =
		chart_clock_for(chart->times_s, chart->nr_times, SVG_MAX_TICKS);
	struct axis axis = axis_for(chart_extent_pages(chart));
	size_t i;
	int err;

	err = svg_begin(out, chart->title, chart->subtitle);
	if (err < 0)
		return err;
	svg_sizes(out, &axis);
	for (i = chart->nr_lines; i > 0; i--)
		svg_line(out, chart, &clock, &axis, i - 1);
	svg_times(out, &clock);
	err = svg_legend(out, chart);
	(void)fprintf(out, "</svg>\n");
	return err;
}

/* From white over blue to black, even in print. */
static void svg_heat_colour(FILE *out, double share)
{
	int red = (int)lround(255 * (1 - fmin(1, 1.5 * share)));
	int green = (int)lround(255 * (1 - fmin(1, 1.1 * share)));
	int blue = (int)lround(255 * (1 - 0.6 * share));

	(void)fprintf(out, "#%02x%02x%02x", red, green, blue);
}

static double heat_max(const struct heat *heat)
{
	double max = 0;
	size_t i;

	for (i = 0; i < heat->nr_times * heat->nr_classes; i++)
		max = fmax(max, heat->amounts[i]);
	return max > 0 ? max : 1;
}

static void svg_cells(FILE *out, const struct heat *heat,
		      const struct chart_clock *clock)
{
	double height =
		(double)(SVG_BOTTOM - SVG_TOP) / (double)heat->nr_classes;
	double max = heat_max(heat);
	size_t t, c;

	for (t = 0; t < heat->nr_times; t++) {
		double x = svg_x(clock, heat->times_s[t]);
		double end = t + 1 < heat->nr_times ?
				     svg_x(clock, heat->times_s[t + 1]) :
				     SVG_RIGHT;

		for (c = 0; c < heat->nr_classes; c++) {
			double amount = heat->amounts[t * heat->nr_classes + c];

			if (!(amount > 0))
				continue;
			(void)fprintf(
				out,
				"<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"",
				x, SVG_BOTTOM - height * (double)(c + 1),
				fmax(end - x, 0.5), height);
			/* Else only the largest would be seen. */
			svg_heat_colour(out, sqrt(amount / max));
			(void)fprintf(out, "\"/>\n");
		}
	}
}

int heat_svg(FILE *out, const struct heat *heat)
{
	struct chart_clock clock =
		chart_clock_for(heat->times_s, heat->nr_times, SVG_MAX_TICKS);
	double height =
		(double)(SVG_BOTTOM - SVG_TOP) / (double)heat->nr_classes;
	size_t c;
	int err;

	err = svg_begin(out, heat->title, heat->subtitle);
	if (err < 0)
		return err;
	svg_cells(out, heat, &clock);
	for (c = 0; c < heat->nr_classes; c++) {
		_cleanup_free_ char *label = text_xml(heat->class_labels[c]);

		if (!label)
			return -ENOMEM;
		(void)fprintf(
			out,
			"<text x=\"%d\" y=\"%.1f\" font-size=\"12\" fill=\"#3b4350\" text-anchor=\"end\">%s</text>\n",
			SVG_LEFT - 8,
			SVG_BOTTOM - height * ((double)c + 0.5) + 4, label);
	}
	svg_times(out, &clock);
	(void)fprintf(out, "</svg>\n");
	return 0;
}
