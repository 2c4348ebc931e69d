// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <time.h>

#include "axis.h"
#include "cleanup.h"
#include "report.h"
#include "text.h"
#include "units.h"

#define SVG_WIDTH 860
#define SVG_HEIGHT 520
#define SVG_LEFT 84
#define SVG_RIGHT 826
#define SVG_TOP 92
#define SVG_BOTTOM 442

/* Steps on the axis of the miss ratio: every 20 %. */
#define SVG_RATIO_STEPS 5

/* In points, below which two points of a curve look the same. */
#define SVG_RESOLUTION 0.25

/* Dark enough on white for print and for colour-blind readers. */
#define SVG_CURVE_COLOUR "#1f5fa8"
#define SVG_WSS_COLOUR "#b3400f"

/* Characters of a name that fit into the title. */
#define SVG_NAME_COLUMNS 40

/* The name for XML, cut if it is too long; NULL without memory. */
static char *svg_name(const char *name)
{
	_cleanup_free_ char *cut = text_cut(name, SVG_NAME_COLUMNS);

	return cut ? text_xml(cut) : NULL;
}

static double svg_x(double pages, double end_pages)
{
	return SVG_LEFT + (SVG_RIGHT - SVG_LEFT) * pages / end_pages;
}

static double svg_y(double miss_ratio)
{
	return SVG_BOTTOM - (SVG_BOTTOM - SVG_TOP) * miss_ratio;
}

static void svg_grid(FILE *out, const struct axis *axis)
{
	double end_pages = axis_end_pages(axis);
	unsigned int i;

	(void)fprintf(out, "<g stroke=\"#dfe3e8\" stroke-width=\"1\">\n");
	for (i = 0; i <= axis->nr_steps; i++) {
		double x =
			svg_x(axis->step * i * axis->pages_per_unit, end_pages);

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
			SVG_LEFT, y, SVG_RIGHT, y);
	}
	(void)fprintf(out, "</g>\n");
}

static void svg_axes(FILE *out, const struct axis *axis)
{
	double end_pages = axis_end_pages(axis);
	unsigned int i;

	(void)fprintf(
		out,
		"<path d=\"M%d %dV%dH%d\" fill=\"none\" stroke=\"#3b4350\" stroke-width=\"1.2\"/>\n",
		SVG_LEFT, SVG_TOP, SVG_BOTTOM, SVG_RIGHT);
	(void)fprintf(out, "<g font-size=\"12\" fill=\"#3b4350\">\n");
	for (i = 0; i <= axis->nr_steps; i++)
		(void)fprintf(
			out,
			"<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.6g</text>\n",
			svg_x(axis->step * i * axis->pages_per_unit, end_pages),
			SVG_BOTTOM + 20, axis->step * i);
	for (i = 0; i <= SVG_RATIO_STEPS; i++)
		(void)fprintf(
			out,
			"<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%u %%</text>\n",
			SVG_LEFT - 10, svg_y((double)i / SVG_RATIO_STEPS) + 4,
			100 / SVG_RATIO_STEPS * i);
	(void)fprintf(out, "</g>\n");
	(void)fprintf(
		out,
		"<g font-size=\"14\" fill=\"#1d232b\" text-anchor=\"middle\">\n");
	(void)fprintf(out, "<text x=\"%d\" y=\"%d\">Memory (%s)</text>\n",
		      (SVG_LEFT + SVG_RIGHT) / 2, SVG_BOTTOM + 46, axis->unit);
	(void)fprintf(
		out,
		"<text transform=\"translate(26 %d) rotate(-90)\">Miss ratio (%% of page accesses)</text>\n",
		(SVG_TOP + SVG_BOTTOM) / 2);
	(void)fprintf(out, "</g>\n");
}

/* The curve's own points, so that a cliff stays where it is. */
static void svg_curve(FILE *out, const struct window *window, double end_pages)
{
	size_t nr_points = mrc_curve_nr_points(window->curve), i;
	double last_x = SVG_LEFT, last_y = svg_y(1);

	(void)fprintf(out, "<path d=\"M%.2f %.2f", last_x, last_y);
	for (i = 1; i < nr_points; i++) {
		double pages, miss_ratio, x, y;

		if (mrc_curve_point(window->curve, i, &pages, &miss_ratio) < 0)
			break;
		x = svg_x(pages, end_pages);
		y = svg_y(miss_ratio);
		if (i + 1 < nr_points && x - last_x < SVG_RESOLUTION &&
		    y - last_y < SVG_RESOLUTION)
			continue;
		(void)fprintf(out, "L%.2f %.2f", x, y);
		last_x = x;
		last_y = y;
	}
	(void)fprintf(out,
		      "H%d\" fill=\"none\" stroke=\"" SVG_CURVE_COLOUR
		      "\" stroke-width=\"2.2\" stroke-linejoin=\"round\"/>\n",
		      SVG_RIGHT);
}

static void svg_wss(FILE *out, const struct window *window, double end_pages)
{
	double x = svg_x((double)window->wss_pages, end_pages);
	double y = svg_y(window->miss_ratio);
	/* The label goes where there is room for it. */
	int is_left = x > (SVG_LEFT + 2 * SVG_RIGHT) / 3.0;

	(void)fprintf(
		out,
		"<g stroke=\"" SVG_WSS_COLOUR
		"\" stroke-width=\"1.4\" stroke-dasharray=\"5 4\">\n"
		"<line x1=\"%.2f\" y1=\"%d\" x2=\"%.2f\" y2=\"%d\"/>\n"
		"<line x1=\"%d\" y1=\"%.2f\" x2=\"%.2f\" y2=\"%.2f\"/>\n</g>\n",
		x, SVG_TOP, x, SVG_BOTTOM, SVG_LEFT, y, x, y);
	(void)fprintf(
		out,
		"<circle cx=\"%.2f\" cy=\"%.2f\" r=\"4\" fill=\"" SVG_WSS_COLOUR
		"\"/>\n",
		x, y);
	(void)fprintf(
		out,
		"<g fill=\"" SVG_WSS_COLOUR
		"\" text-anchor=\"%s\" stroke=\"#ffffff\" stroke-width=\"4\" paint-order=\"stroke\">\n"
		"<text x=\"%.2f\" y=\"%d\" font-size=\"14\" font-weight=\"bold\">WSS %.1f MiB</text>\n"
		"<text x=\"%.2f\" y=\"%d\" font-size=\"12\">at a miss ratio of %.4g %%</text>\n</g>\n",
		is_left ? "end" : "start", is_left ? x - 10 : x + 10,
		SVG_TOP + 24, units_mib((double)window->wss_pages),
		is_left ? x - 10 : x + 10, SVG_TOP + 42,
		100 * window->miss_ratio);
}

static void svg_remark(FILE *out, const struct window *window)
{
	/* Under the curve if there is room, else over it. */
	bool is_low =
		window_miss_ratio_at(window, window_extent_pages(window)) > 0.2;

	(void)fprintf(
		out,
		"<text x=\"%d\" y=\"%d\" text-anchor=\"end\" "
		"font-size=\"14\" font-weight=\"bold\" fill=\"" SVG_WSS_COLOUR
		"\" stroke=\"#ffffff\" stroke-width=\"4\" paint-order=\"stroke\">",
		SVG_RIGHT - 12, is_low ? SVG_BOTTOM - 20 : SVG_TOP + 24);
	if (window->wss == WINDOW_WSS_ABOVE)
		(void)fprintf(
			out,
			"WSS &gt; %.1f MiB: never down to %.4g %% in this window",
			units_mib((double)window->wss_pages),
			100 * window->miss_ratio);
	else
		(void)fprintf(out, "WSS unknown: no access was recorded");
	(void)fprintf(out, "</text>\n");
}

int plot_svg_curve(FILE *out, const struct report_subject *subject,
		   const struct window *window)
{
	struct axis axis = axis_for(window_extent_pages(window));
	_cleanup_free_ char *name = svg_name(subject->name);
	time_t seconds =
		(time_t)(((int64_t)window->end_ns + subject->wall_offset_ns) /
			 NS_PER_S);
	char when[64] = "";
	struct tm local;

	if (!name)
		return -ENOMEM;
	if (localtime_r(&seconds, &local))
		(void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S %z",
			       &local);
	(void)fprintf(
		out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
		"font-family=\"'DejaVu Sans', Verdana, Helvetica, Arial, sans-serif\" "
		"role=\"img\">\n",
		SVG_WIDTH, SVG_HEIGHT, SVG_WIDTH, SVG_HEIGHT);
	(void)fprintf(out, "<title>Miss-ratio curve of %s</title>\n", name);
	(void)fprintf(out,
		      "<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>\n",
		      SVG_WIDTH, SVG_HEIGHT);
	(void)fprintf(
		out,
		"<text x=\"%d\" y=\"38\" font-size=\"19\" font-weight=\"bold\" "
		"fill=\"#1d232b\">Miss-ratio curve of %s</text>\n",
		SVG_LEFT, name);
	(void)fprintf(
		out,
		"<text x=\"%d\" y=\"62\" font-size=\"12.5\" fill=\"#5a6472\">PID %d, %s: %.4g s, %" PRIu64
		" accesses of 1/%" PRIu32
		" of the pages, %.1f %% cold</text>\n",
		SVG_LEFT, (int)subject->pid, when, window_seconds(window),
		window->accesses, window->inverse_rate,
		100 * window_cold_share(window));
	svg_grid(out, &axis);
	if (window->curve)
		svg_curve(out, window, axis_end_pages(&axis));
	svg_axes(out, &axis);
	if (window->wss == WINDOW_WSS_KNOWN)
		svg_wss(out, window, axis_end_pages(&axis));
	else
		svg_remark(out, window);
	(void)fprintf(out, "</svg>\n");
	return 0;
}
