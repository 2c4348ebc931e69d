// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <math.h>

#include "cleanup.h"
#include "plot.h"
#include "text.h"

#define SVG_HEIGHT 520
#define SVG_LEFT 84
#define SVG_TOP 92
#define SVG_BOTTOM 442

/* Width of a plot that is alone, of one among several, and between these. */
#define SVG_PLOT_WIDTH 742
#define SVG_SMALL_PLOT_WIDTH 360
#define SVG_GAP 62
#define SVG_MARGIN 34

/* Steps on the axis of the miss ratio: every 20 %. */
#define SVG_RATIO_STEPS 5

/* In points, below which two points of a curve look the same. */
#define SVG_RESOLUTION 0.25

/* Dark enough on white for print. */
#define SVG_MARK_COLOUR "#b3400f"

/* Characters that fit above a plot that is alone, and one among several. */
#define SVG_TITLE_COLUMNS 66
#define SVG_SMALL_TITLE_COLUMNS 38

/* Of a label in the legend: characters that fit, points for each, the sample. */
#define SVG_LABEL_COLUMNS 28
#define SVG_LABEL_POINTS 7.6
#define SVG_LEGEND_SAMPLE 30
#define SVG_LEGEND_STEP 22

/*
 * Told apart by colour-blind readers too; the numbers of colours and dashes
 * have no common factor, so 28 curves differ.
 */
static const char *const svg_colours[] = {
	"#1f5fa8", "#d55e00", "#009e73", "#cc79a7",
	"#e69f00", "#56b4e9", "#333333",
};

static const char *const svg_dashes[] = { "", "8 3", "2.5 2.5", "9 3 2.5 3" };

/* Where a plot is in the picture. */
struct svg_frame {
	int left;
	int right;
};

static const char *svg_colour(size_t index)
{
	return svg_colours[index %
			   (sizeof(svg_colours) / sizeof(svg_colours[0]))];
}

/* For XML, cut if it is too long; NULL without memory. */
static char *svg_text(const char *text, size_t columns)
{
	_cleanup_free_ char *cut = text_cut(text, columns);

	return cut ? text_xml(cut) : NULL;
}

static double svg_x(const struct svg_frame *frame, const struct axis *axis,
		    double pages)
{
	return frame->left +
	       (frame->right - frame->left) * axis_position(axis, pages);
}

static double svg_y(double miss_ratio)
{
	return SVG_BOTTOM - (SVG_BOTTOM - SVG_TOP) * miss_ratio;
}

static void svg_grid(FILE *out, const struct svg_frame *frame,
		     const struct axis *axis)
{
	unsigned int i;

	(void)fprintf(out, "<g stroke=\"#dfe3e8\" stroke-width=\"1\">\n");
	for (i = 0; i <= axis->nr_steps; i++) {
		double x = svg_x(frame, axis, axis_tick_pages(axis, i));

		(void)fprintf(
			out,
			"<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>\n",
			x, SVG_TOP, x, SVG_BOTTOM);
	}
	for (i = 0; i <= SVG_RATIO_STEPS; i++) {
		double y = svg_y((double)i / SVG_RATIO_STEPS);

		(void)fprintf(
			out,
			"<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\"/>\n",
			frame->left, y, frame->right, y);
	}
	(void)fprintf(out, "</g>\n");
}

static void svg_axes(FILE *out, const struct svg_frame *frame,
		     const struct axis *axis)
{
	char label[AXIS_LABEL_BYTES];
	unsigned int i;

	(void)fprintf(
		out,
		"<path d=\"M%d %dV%dH%d\" fill=\"none\" stroke=\"#3b4350\" stroke-width=\"1.2\"/>\n",
		frame->left, SVG_TOP, SVG_BOTTOM, frame->right);
	(void)fprintf(out, "<g font-size=\"12\" fill=\"#3b4350\">\n");
	for (i = 0; i <= axis->nr_steps; i++) {
		axis_tick_label(axis, i, label);
		(void)fprintf(
			out,
			"<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
			svg_x(frame, axis, axis_tick_pages(axis, i)),
			SVG_BOTTOM + 20, label);
	}
	for (i = 0; i <= SVG_RATIO_STEPS; i++)
		(void)fprintf(
			out,
			"<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%u %%</text>\n",
			frame->left - 10,
			svg_y((double)i / SVG_RATIO_STEPS) + 4,
			100 / SVG_RATIO_STEPS * i);
	(void)fprintf(out, "</g>\n");
	(void)fprintf(
		out,
		"<g font-size=\"14\" fill=\"#1d232b\" text-anchor=\"middle\">\n");
	(void)fprintf(out, "<text x=\"%d\" y=\"%d\">Memory (%s)</text>\n",
		      (frame->left + frame->right) / 2, SVG_BOTTOM + 46,
		      axis->unit);
	/* All plots of a picture have the same: once is enough. */
	if (frame->left == SVG_LEFT)
		(void)fprintf(
			out,
			"<text transform=\"translate(26 %d) rotate(-90)\">Miss ratio (%% of page accesses)</text>\n",
			(SVG_TOP + SVG_BOTTOM) / 2);
	(void)fprintf(out, "</g>\n");
}

/*
 * A logarithmic axis has no 0: points left of its start become one there.
 * Returns how many, and sets the ratio at the start if there are any.
 */
static size_t svg_clip(const struct axis *axis,
		       const struct plot_series *series, const double *ratios,
		       double *ret_ratio)
{
	double start = axis_tick_pages(axis, 0), share;
	const double *sizes = series->sizes_pages;
	size_t nr_left = 0;

	while (nr_left < series->nr_points && sizes[nr_left] < start)
		nr_left++;
	if (nr_left == 0)
		return 0;
	*ret_ratio = ratios[nr_left - 1];
	if (nr_left == series->nr_points)
		return nr_left;
	share = (start - sizes[nr_left - 1]) /
		(sizes[nr_left] - sizes[nr_left - 1]);
	*ret_ratio += share * (ratios[nr_left] - ratios[nr_left - 1]);
	return nr_left;
}

/*
 * The points' own places, so that a cliff stays where it is; those that could
 * not be told from the last one are left out. @step: 1 forward, -1 backward
 */
static void svg_line(FILE *out, const struct svg_frame *frame,
		     const struct axis *axis, const struct plot_series *series,
		     const double *ratios, int step)
{
	size_t nr_points = series->nr_points, nr_left, first, i;
	double last_x = 0, last_y = 0, ratio = 0;
	bool has_last = false;

	nr_left = svg_clip(axis, series, ratios, &ratio);
	first = nr_left > 0 ? nr_left - 1 : 0;
	for (i = first; i < nr_points; i++) {
		size_t index = step > 0 ? i : nr_points - 1 - (i - first);
		bool is_start = index + 1 == nr_left;
		double x = svg_x(frame, axis, series->sizes_pages[index]);
		double y = svg_y(is_start ? ratio : ratios[index]);

		if (has_last && i + 1 < nr_points &&
		    fabs(x - last_x) < SVG_RESOLUTION &&
		    fabs(y - last_y) < SVG_RESOLUTION)
			continue;
		(void)fprintf(out, "%c%.2f %.2f",
			      has_last || step < 0 ? 'L' : 'M', x, y);
		has_last = true;
		last_x = x;
		last_y = y;
	}
}

static void svg_band(FILE *out, const struct svg_frame *frame,
		     const struct axis *axis, const struct plot_series *series,
		     size_t index)
{
	if (!series->lower_ratios || !series->upper_ratios)
		return;
	(void)fprintf(out, "<path d=\"");
	svg_line(out, frame, axis, series, series->upper_ratios, 1);
	svg_line(out, frame, axis, series, series->lower_ratios, -1);
	(void)fprintf(out, "Z\" fill=\"%s\" fill-opacity=\"0.18\"/>\n",
		      svg_colour(index));
}

/* How the line of a curve looks, in the plot and in the legend. */
static void svg_stroke(FILE *out, size_t index)
{
	const char *dash =
		svg_dashes[index % (sizeof(svg_dashes) / sizeof(svg_dashes[0]))];

	(void)fprintf(
		out,
		"\" fill=\"none\" stroke=\"%s\" stroke-width=\"2.2\" stroke-linejoin=\"round\"",
		svg_colour(index));
	if (*dash)
		(void)fprintf(out, " stroke-dasharray=\"%s\"", dash);
	(void)fprintf(out, "/>\n");
}

static void svg_curve(FILE *out, const struct svg_frame *frame,
		      const struct axis *axis, const struct plot_series *series,
		      size_t index)
{
	(void)fprintf(out, "<path d=\"");
	svg_line(out, frame, axis, series, series->miss_ratios, 1);
	if (series->is_flat_behind)
		(void)fprintf(out, "H%d", frame->right);
	svg_stroke(out, index);
}

static int svg_mark(FILE *out, const struct svg_frame *frame,
		    const struct axis *axis, const struct plot *plot)
{
	_cleanup_free_ char *mark = text_xml(plot->mark);
	_cleanup_free_ char *detail =
		text_xml(plot->mark_detail ? plot->mark_detail : "");
	double x = svg_x(frame, axis, plot->mark_pages);
	double y = svg_y(plot->mark_ratio);
	/* The label goes where there is room for it. */
	int is_left = x > (frame->left + 2 * frame->right) / 3.0;

	if (!mark || !detail)
		return -ENOMEM;
	(void)fprintf(
		out,
		"<g stroke=\"" SVG_MARK_COLOUR
		"\" stroke-width=\"1.4\" stroke-dasharray=\"5 4\">\n"
		"<line x1=\"%.2f\" y1=\"%d\" x2=\"%.2f\" y2=\"%d\"/>\n"
		"<line x1=\"%d\" y1=\"%.2f\" x2=\"%.2f\" y2=\"%.2f\"/>\n</g>\n",
		x, SVG_TOP, x, SVG_BOTTOM, frame->left, y, x, y);
	(void)fprintf(
		out,
		"<circle cx=\"%.2f\" cy=\"%.2f\" r=\"4\" fill=\"" SVG_MARK_COLOUR
		"\"/>\n",
		x, y);
	(void)fprintf(
		out,
		"<g fill=\"" SVG_MARK_COLOUR
		"\" text-anchor=\"%s\" stroke=\"#ffffff\" stroke-width=\"4\" paint-order=\"stroke\">\n"
		"<text x=\"%.2f\" y=\"%d\" font-size=\"14\" font-weight=\"bold\">%s</text>\n"
		"<text x=\"%.2f\" y=\"%d\" font-size=\"12\">%s</text>\n</g>\n",
		is_left ? "end" : "start", is_left ? x - 10 : x + 10,
		SVG_TOP + 24, mark, is_left ? x - 10 : x + 10, SVG_TOP + 42,
		detail);
	return 0;
}

static int svg_remark(FILE *out, const struct svg_frame *frame,
		      const struct plot *plot)
{
	_cleanup_free_ char *remark = text_xml(plot->remark);
	/* Under the curve if there is room, else over it. */
	bool is_low = plot->nr_series == 0 ||
		      plot_series_at(&plot->series[0], plot->extent_pages) >
			      0.2;

	if (!remark)
		return -ENOMEM;
	(void)fprintf(
		out,
		"<text x=\"%d\" y=\"%d\" text-anchor=\"end\" "
		"font-size=\"14\" font-weight=\"bold\" fill=\"" SVG_MARK_COLOUR
		"\" stroke=\"#ffffff\" stroke-width=\"4\" paint-order=\"stroke\">%s</text>\n",
		frame->right - 12, is_low ? SVG_BOTTOM - 20 : SVG_TOP + 24,
		remark);
	return 0;
}

static int svg_plot(FILE *out, const struct svg_frame *frame, bool is_alone,
		    const struct plot *plot)
{
	_cleanup_free_ char *title =
		svg_text(plot->title, is_alone ? SVG_TITLE_COLUMNS :
						 SVG_SMALL_TITLE_COLUMNS);
	_cleanup_free_ char *subtitle =
		text_xml(plot->subtitle ? plot->subtitle : "");
	struct axis axis = axis_new(plot->kind, plot->is_log,
				    plot->smallest_pages, plot->extent_pages);
	int err = 0;
	size_t i;

	if (!title || !subtitle)
		return -ENOMEM;
	(void)fprintf(
		out,
		"<text x=\"%d\" y=\"38\" font-size=\"%d\" font-weight=\"bold\" "
		"fill=\"#1d232b\">%s</text>\n",
		frame->left, is_alone ? 19 : 15, title);
	if (*subtitle)
		(void)fprintf(
			out,
			"<text x=\"%d\" y=\"62\" font-size=\"12.5\" fill=\"#5a6472\">%s</text>\n",
			frame->left, subtitle);
	svg_grid(out, frame, &axis);
	for (i = 0; i < plot->nr_series; i++)
		svg_band(out, frame, &axis, &plot->series[i], i);
	for (i = 0; i < plot->nr_series; i++)
		svg_curve(out, frame, &axis, &plot->series[i], i);
	svg_axes(out, frame, &axis);
	if (plot->mark)
		err = svg_mark(out, frame, &axis, plot);
	if (err == 0 && plot->remark)
		err = svg_remark(out, frame, plot);
	return err;
}

/* The longest legend counts: all plots of a picture have the same curves. */
static const struct plot *svg_legend_of(const struct plot *plots,
					size_t nr_plots)
{
	const struct plot *longest = &plots[0];
	size_t i;

	for (i = 1; i < nr_plots; i++) {
		if (plots[i].nr_series > longest->nr_series)
			longest = &plots[i];
	}
	return longest;
}

static int svg_legend_width(const struct plot *plot)
{
	size_t columns = 0, i;

	for (i = 0; i < plot->nr_series; i++) {
		if (plot->series[i].label &&
		    text_columns(plot->series[i].label) > columns)
			columns = text_columns(plot->series[i].label);
	}
	if (columns == 0)
		return 0;
	if (columns > SVG_LABEL_COLUMNS)
		columns = SVG_LABEL_COLUMNS;
	return SVG_LEGEND_SAMPLE + (int)(SVG_LABEL_POINTS * (double)columns);
}

static int svg_legend(FILE *out, int left, const struct plot *plot)
{
	size_t i;

	for (i = 0; i < plot->nr_series; i++) {
		_cleanup_free_ char *label = NULL;
		int y = SVG_TOP + 12 + SVG_LEGEND_STEP * (int)i;

		if (!plot->series[i].label)
			continue;
		label = svg_text(plot->series[i].label, SVG_LABEL_COLUMNS);
		if (!label)
			return -ENOMEM;
		(void)fprintf(out, "<path d=\"M%d %dh%d", left, y - 4,
			      SVG_LEGEND_SAMPLE - 4);
		svg_stroke(out, i);
		(void)fprintf(
			out,
			"<text x=\"%d\" y=\"%d\" font-size=\"12.5\" fill=\"#1d232b\">%s</text>\n",
			left + SVG_LEGEND_SAMPLE + 2, y, label);
	}
	return 0;
}

/* A long legend makes the picture taller. */
static int svg_height(const struct plot *legend)
{
	int height = SVG_TOP + 24 + SVG_LEGEND_STEP * (int)legend->nr_series;

	return height > SVG_HEIGHT ? height : SVG_HEIGHT;
}

int plot_svg(FILE *out, const struct plot *plots, size_t nr_plots)
{
	const struct plot *legend = svg_legend_of(plots, nr_plots);
	int legend_width = svg_legend_width(legend);
	bool is_alone = nr_plots == 1;
	int plot_width = is_alone ? SVG_PLOT_WIDTH : SVG_SMALL_PLOT_WIDTH;
	int end = SVG_LEFT + (int)nr_plots * plot_width +
		  ((int)nr_plots - 1) * SVG_GAP;
	int width = end + SVG_MARGIN +
		    (legend_width ? legend_width + SVG_MARGIN / 2 : 0);
	int height = svg_height(legend), err = 0;
	_cleanup_free_ char *title =
		svg_text(plots[0].title, SVG_TITLE_COLUMNS);
	size_t i;

	if (!title)
		return -ENOMEM;
	(void)fprintf(
		out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
		"font-family=\"'DejaVu Sans', Verdana, Helvetica, Arial, sans-serif\" "
		"role=\"img\">\n",
		width, height, width, height);
	(void)fprintf(out, "<title>%s</title>\n", title);
	(void)fprintf(out,
		      "<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>\n",
		      width, height);
	for (i = 0; i < nr_plots && err == 0; i++) {
		int left = SVG_LEFT + (int)i * (plot_width + SVG_GAP);
		struct svg_frame frame = { left, left + plot_width };

		err = svg_plot(out, &frame, is_alone, &plots[i]);
	}
	if (err == 0 && legend_width)
		err = svg_legend(out, end + SVG_MARGIN / 2, legend);
	(void)fprintf(out, "</svg>\n");
	return err;
}
