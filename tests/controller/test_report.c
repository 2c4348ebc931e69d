// SPDX-License-Identifier: GPL-2.0-or-later
/* The output formats on curves made by hand, well-behaved and degenerate. */
#include "ctl_test.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "axis.h"
#include "report.h"

/* 2026-01-02 03:04:05 UTC */
#define WALL_S INT64_C(1767323045)

static struct report_subject subject = {
	.pid = 4711,
	.fd = 12,
	.name = "web1",
};

struct shape {
	const char *what;
	double sizes[6];
	double ratios[6];
	size_t nr_points; /* 0 is no curve */
	enum window_wss wss;
	uint64_t wss_pages;
};

static const struct shape shapes[] = {
	{ "slope",
	  { 0, 25600, 51200 },
	  { 1, 0.5, 0 },
	  3,
	  WINDOW_WSS_KNOWN,
	  48640 },
	{ "cliff",
	  { 0, 131071, 131072 },
	  { 1, 1, 0.01 },
	  3,
	  WINDOW_WSS_KNOWN,
	  131072 },
	{ "early cliff", { 0, 1, 1e6 }, { 1, 0.02, 0 }, 3, WINDOW_WSS_KNOWN, 1 },
	{ "flat", { 0, 51200 }, { 1, 1 }, 2, WINDOW_WSS_ABOVE, 51200 },
	{ "one point", { 0 }, { 1 }, 1, WINDOW_WSS_ABOVE, 0 },
	{ "half a page", { 0, 0.5 }, { 1, 0 }, 2, WINDOW_WSS_KNOWN, 1 },
	{ "terabytes",
	  { 0, 1e9, 4e9 },
	  { 1, 0.9, 0.01 },
	  3,
	  WINDOW_WSS_KNOWN,
	  3865168540 },
	{ "nothing", { 0 }, { 0 }, 0, WINDOW_WSS_NO_ACCESS, 0 },
};

static struct window make_window(const struct shape *shape)
{
	struct window window = {
		.start_ns = UINT64_C(5000000000),
		.end_ns = UINT64_C(10000000000),
		.miss_ratio = 0.05,
		.inverse_rate = 128,
		.scale = 128,
		.accesses = shape->nr_points ? 12345 : 0,
		.cold_accesses = shape->nr_points ? 123 : 0,
		.hot_pages = 64,
		.hot_used = 64,
		.wss = shape->wss,
		.wss_pages = shape->wss_pages,
	};

	if (shape->nr_points)
		assert_int_equal(mrc_curve_new(shape->sizes, shape->ratios,
					       shape->nr_points, &window.curve),
				 0);
	return window;
}

/* Output of one format; the caller frees it. */
#define PRINTED(call)                                       \
	({                                                  \
		char *text_ = NULL;                         \
		size_t size_ = 0;                           \
		FILE *out = open_memstream(&text_, &size_); \
		assert_non_null(out);                       \
		call;                                       \
		fclose(out);                                \
		text_;                                      \
	})

static void test_table_row(void **state)
{
	struct window window = make_window(&shapes[1]);
	char *text;

	(void)state;
	window.mapped_pages = 7;
	window.sampled_pages = 9;
	window.traps = 5000;
	window.distinct_pages = 140000;
	text = PRINTED({
		table_wss_header(out);
		table_wss_row(out, &subject, &window);
	});
	assert_string_equal(
		text,
		"TIME                 WSS    WSS PAGES    MISS    ACCESSES    COLD     DISTINCT    TRAPS/S  MAPPED/SAMPLED\n"
		"03:04:05       512.0 MiB       131072      5%       12345    1.0%       140000     1000.0  7/9\n");
	free(text);
	window_done(&window);
}

static void test_json_of_every_shape(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct window window = make_window(&shapes[i]);
		char *text = PRINTED(assert_int_equal(
			report_json_curve(out, &subject, &window, 11), 0));
		json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
		bool is_known = window.wss == WINDOW_WSS_KNOWN;

		assert_non_null(root);
		assert_int_equal(count_of(text, "\n"), 1);
		assert_int_equal(
			json_array_size(json_object_get(root, "points")),
			window.curve ? 11 : 0);
		assert_int_equal(
			json_is_null(json_object_get(root, "wss_pages")),
			!is_known);
		assert_int_equal(
			json_is_null(json_object_get(root, "wss_reason")),
			is_known);
		if (is_known)
			assert_int_equal(json_integer_value(json_object_get(
						 root, "wss_bytes")),
					 window.wss_pages * 4096);
		assert_string_equal(
			json_string_value(json_object_get(root, "time")),
			"2026-01-02T03:04:05Z");
		json_decref(root);
		free(text);
		window_done(&window);
	}
}

static void test_json_of_hostile_names(void **state)
{
	static const char *const names[] = {
		"\"},{\"", "a\nb\x1b", "\xff\xfe", "gr\xc3\xbc\xc3\x9f",
		"\\u0000",
	};
	static const char *const expected[] = {
		"\"},{\"",
		"a\nb\x1b",
		"\xef\xbf\xbd\xef\xbf\xbd",
		"gr\xc3\xbc\xc3\x9f",
		"\\u0000",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		struct vm vm = { .pid = 1, .fd = 2, .name = (char *)names[i] };
		struct report_vm row = { .vm = &vm };
		char *text = PRINTED(
			assert_int_equal(report_json_vms(out, &row, 1), 0));
		json_t *root = json_loads(text, 0, NULL);
		json_t *first;

		assert_non_null(root);
		first = json_array_get(json_object_get(root, "vms"), 0);
		assert_string_equal(
			json_string_value(json_object_get(first, "name")),
			expected[i]);
		assert_true(
			json_is_null(json_object_get(first, "memory_bytes")));
		assert_true(json_is_null(json_object_get(first, "is_tracked")));
		assert_int_equal(count_of(text, "\n"), 1);
		json_decref(root);
		free(text);
	}
}

static void test_table_of_vms(void **state)
{
	struct vm vms[] = {
		{ .pid = 7,
		  .fd = 9,
		  .is_only = true,
		  .nr_vcpus = 2,
		  .has_resident = true,
		  .resident_bytes = 3 << 20,
		  .name = (char *)"web1" },
		{ .pid = 8, .fd = 9, .nr_vcpus = 3, .name = (char *)"\x1b[2J" },
		{ .pid = 8, .fd = 10, .name = (char *)"gr\xc3\xbc" },
	};
	struct report_vm rows[] = {
		{ .vm = &vms[0],
		  .has_info = true,
		  .info = { .nr_vcpus = 4, .memory_pages = 65536 } },
		{ .vm = &vms[1] },
		{ .vm = &vms[2] },
	};
	char *text =
		PRINTED(assert_int_equal(table_vms(out, rows, 3, false), 0));

	(void)state;
	assert_string_equal(
		text,
		"PID           NAME     VCPUS       MEMORY     RESIDENT\n"
		"7             web1         4    256.0 MiB      3.0 MiB\n"
		"8:9           \\x1b[2J      -            -            -\n"
		"8:10          gr\xc3\xbc          -            -            -\n");
	free(text);
}

/* While the daemon runs, with what it knows; it need not know all. */
static void test_table_of_vms_with_daemon(void **state)
{
	struct vm vms[] = {
		{ .pid = 7, .is_only = true, .name = (char *)"web1" },
		{ .pid = 8, .is_only = true, .name = (char *)"other" },
	};
	struct vm_view view = { .name = "web1",
				.actual_bytes = UINT64_C(2) << 30,
				.wss = VM_WSS_ABOVE,
				.wss_bytes = UINT64_C(512) << 20,
				.limits = { .mode = VM_MODE_ACT } };
	struct decision decision = { .step_bytes = UINT64_C(1536) << 20 };
	struct report_vm rows[] = {
		{ .vm = &vms[0], .view = &view, .decision = &decision },
		{ .vm = &vms[1] },
	};
	char *text =
		PRINTED(assert_int_equal(table_vms(out, rows, 2, true), 0));

	(void)state;
	assert_string_equal(
		text,
		"PID      NAME   VCPUS       MEMORY     RESIDENT           WSS      CURRENT       TARGET  MODE\n"
		"7        web1       0            -            -     > 512 MiB        2 GiB      1.5 GiB  act\n"
		"8        other      0            -            -             -            -            -  -\n");
	free(text);
}

/* Every line fits, every column of the plot has exactly one point. */
static void test_plot_of_every_shape(void **state)
{
	static const unsigned int widths[] = { 1, 40, 80, 133, 5000 };
	size_t i, w;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		for (w = 0; w < ARRAY_SIZE(widths); w++) {
			struct window window = make_window(&shapes[i]);
			char *text = PRINTED(assert_int_equal(
				plot_text_curve(out, &subject, &window,
						widths[w]),
				0));
			unsigned int width = widths[w] < 40 ? 40 : widths[w];
			char *line, *save = NULL;
			unsigned int points = 0, rows = 0;

			for (line = strtok_r(text, "\n", &save); line;
			     line = strtok_r(NULL, "\n", &save)) {
				/* Summary and working set may be longer. */
				if (strlen(line) < 6 ||
				    (line[5] != '|' && line[5] != '+'))
					continue;
				rows++;
				points += count_of(line + 6, "*");
				if (strlen(line) > width)
					print_error("%s, %u: %s\n",
						    shapes[i].what, width,
						    line);
				assert_true(strlen(line) <= width);
			}
			width -= 15;
			width = width > 1000 ? 1000 : width;
			assert_int_equal(rows, window.curve ? 21 : 0);
			assert_int_equal(points, window.curve ? width : 0);
			free(text);
			window_done(&window);
		}
	}
}

static void test_plot_golden(void **state)
{
	struct window window = make_window(&shapes[1]);
	char *text = PRINTED(assert_int_equal(
		plot_text_curve(out, &subject, &window, 48), 0));

	(void)state;
	assert_string_equal(
		text,
		"web1 (PID 4711): 5 s, 12345 accesses of 1/128 of the pages, 1.0% cold\n"
		"miss ratio\n"
		"100% +**************************:\n"
		"     |                          |\n"
		"     |                          |\n"
		"     |                          |\n"
		"     |                          |\n"
		" 75% +                          |\n"
		"     |                          |\n"
		"     |                          |\n"
		"     |                          |\n"
		"     |                          |\n"
		" 50% +                          |\n"
		"     |                          |\n"
		"     |                          |\n"
		"     |                          |\n"
		"     |                          |\n"
		" 25% +                          |\n"
		"     |                          |\n"
		"     |                          |\n"
		"     |                          |\n"
		"     |                          |\n"
		"  0% +                          *******\n"
		"      +-----+------+-----+------W-----+\n"
		"      0    128    256   384    512   640 MiB\n"
		"W marks the WSS: 512.0 MiB (131072 pages) at a miss ratio of 5%\n");
	free(text);
	window_done(&window);
}

/* xmllint as the judge of well-formedness, if it is there. */
static bool has_xmllint(void)
{
	return system("command -v xmllint >/dev/null 2>&1") == 0;
}

static void check_xml(const char *text)
{
	FILE *xmllint = popen("xmllint --noout --nonet -", "w");
	int status;

	assert_non_null(xmllint);
	assert_true(fputs(text, xmllint) >= 0);
	status = pclose(xmllint);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_svg_of_every_shape(void **state)
{
	size_t i;

	(void)state;
	if (!has_xmllint()) {
		print_message("skipped: no xmllint (package libxml2-utils)\n");
		skip();
	}
	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct window window = make_window(&shapes[i]);
		char *text = PRINTED(assert_int_equal(
			plot_svg_curve(out, &subject, &window), 0));

		check_xml(text);
		assert_int_equal(count_of(text, "nan"), 0);
		assert_int_equal(count_of(text, "inf"), 0);
		assert_int_equal(count_of(text, "<circle"),
				 window.wss == WINDOW_WSS_KNOWN);
		assert_contains(text, ">Memory (");
		assert_contains(text, "Miss ratio");
		/* Refers to nothing outside. */
		assert_int_equal(count_of(text, "http"), 1);
		assert_int_equal(count_of(text, "href"), 0);
		free(text);
		window_done(&window);
	}
}

static void test_svg_of_hostile_names(void **state)
{
	static const char *const names[] = {
		"</text><script>alert(1)</script>",
		"a&b;\"'",
		"\x01\x1b[2J\xff",
		"]]>",
		"\xef\xbf\xbe",
		"a-name-so-long-that-it-would-run-out-of-the-picture-on-the-right-and-be-cut-off-there",
	};
	struct window window = make_window(&shapes[0]);
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		struct report_subject hostile = subject;
		char *text;

		hostile.name = names[i];
		text = PRINTED(assert_int_equal(
			plot_svg_curve(out, &hostile, &window), 0));
		assert_int_equal(count_of(text, "<script"), 0);
		if (has_xmllint())
			check_xml(text);
		assert_int_equal(count_of(text, "cut-off-there"), 0);
		free(text);
	}
	window_done(&window);
}

/* Thousands of points must not make a file of megabytes. */
static void test_svg_size(void **state)
{
	enum {
		NR_POINTS = 200000
	};
	double *sizes = calloc(NR_POINTS, sizeof(*sizes));
	double *ratios = calloc(NR_POINTS, sizeof(*ratios));
	struct window window = make_window(&shapes[0]);
	char *text;
	size_t i;

	(void)state;
	assert_non_null(sizes);
	assert_non_null(ratios);
	for (i = 0; i < NR_POINTS; i++) {
		sizes[i] = (double)i;
		ratios[i] = 1 - (double)i / NR_POINTS;
	}
	mrc_curve_free(window.curve);
	assert_int_equal(mrc_curve_new(sizes, ratios, NR_POINTS, &window.curve),
			 0);
	text = PRINTED(
		assert_int_equal(plot_svg_curve(out, &subject, &window), 0));
	assert_true(strlen(text) < 100000);
	assert_true(count_of(text, "L") > 500);
	free(text);
	free(sizes);
	free(ratios);
	window_done(&window);
}

static void test_axis(void **state)
{
	static const double extents[] = {
		0.5,	1,   100,     256,     25600, 131072,
		262144, 1e6, 4194303, 4194304, 1e9,   1e15,
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(extents); i++) {
		struct axis axis = axis_for(extents[i]);

		assert_true(axis_end_pages(&axis) >= 1.02 * extents[i] * 0.999);
		assert_true(axis_end_pages(&axis) < 1.3 * extents[i]);
		assert_true(axis.nr_steps >= 4 && axis.nr_steps <= 8);
	}
	assert_string_equal(axis_for(4194303).unit, "MiB");
	assert_string_equal(axis_for(4194304).unit, "GiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_row),
		cmocka_unit_test(test_json_of_every_shape),
		cmocka_unit_test(test_json_of_hostile_names),
		cmocka_unit_test(test_table_of_vms),
		cmocka_unit_test(test_table_of_vms_with_daemon),
		cmocka_unit_test(test_plot_of_every_shape),
		cmocka_unit_test(test_plot_golden),
		cmocka_unit_test(test_svg_of_every_shape),
		cmocka_unit_test(test_svg_of_hostile_names),
		cmocka_unit_test(test_svg_size),
		cmocka_unit_test(test_axis),
	};

	setenv("TZ", "UTC", 1);
	subject.wall_offset_ns = (WALL_S - 10) * INT64_C(1000000000);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
