// SPDX-License-Identifier: GPL-2.0-or-later
/* Axes and pictures of several curves, and the parsing that only mrc needs. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "args.h"
#include "log.h"
#include "plot.h"
#include "words.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

const char log_program[] = "test";

static void test_axes_show_all(void **state)
{
	static const double extents[] = { 1, 2, 7, 100, 101, 1e5, 3e9, 1e15 };
	size_t i;
	int kind, is_log;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(extents) * 4; i++) {
		double extent = extents[i / 4], position;
		struct axis axis;

		kind = i % 2 ? AXIS_PAGES : AXIS_MEMORY;
		is_log = i / 2 % 2;
		axis = axis_new((enum axis_kind)kind, is_log, 1, extent);
		assert_true(axis.nr_steps >= 1 && axis.nr_steps <= 9);
		/* But for a hundredth of a step. */
		assert_true(axis_end_pages(&axis) >= 0.99 * extent);
		assert_true(is_log || axis_end_pages(&axis) <= 2 * extent);
		for (position = 0; position <= 1; position += 0.125)
			assert_true(fabs(axis_position(&axis,
						       axis_pages(&axis,
								  position)) -
					 position) < 1e-9);
	}
}

static void check_label(enum axis_kind kind, bool is_log, double extent,
			unsigned int tick, const char *expected)
{
	struct axis axis = axis_new(kind, is_log, 1, extent);
	char label[AXIS_LABEL_BYTES];

	axis_tick_label(&axis, tick, label);
	assert_string_equal(label, expected);
}

static void test_labels(void **state)
{
	(void)state;
	check_label(AXIS_PAGES, false, 100, 5, "100");
	check_label(AXIS_PAGES, false, 16400, 1, "5000");
	check_label(AXIS_PAGES, false, 1e6, 5, "1M");
	check_label(AXIS_PAGES, true, 1e6, 4, "10k");
	check_label(AXIS_MEMORY, true, 256, 0, "4K");
	check_label(AXIS_MEMORY, false, 25600, 0, "0");
}

static double sizes[] = { 1, 10, 100 };
static double falling[] = { 1, 0.5, 0 };
static double rising[] = { 0.25, 0.5, 0.75 };

static const struct plot_series series[] = {
	{ .label = "a<b",
	  .sizes_pages = sizes,
	  .miss_ratios = falling,
	  .lower_ratios = falling,
	  .upper_ratios = rising,
	  .nr_points = 3 },
	{ .label = "rises",
	  .sizes_pages = sizes,
	  .miss_ratios = rising,
	  .nr_points = 3 },
};

static const struct plot plot = {
	.title = "title",
	.kind = AXIS_PAGES,
	.extent_pages = 100,
	.smallest_pages = 1,
	.series = series,
	.nr_series = 2,
};

static void test_series_is_linear(void **state)
{
	(void)state;
	assert_true(plot_series_at(&series[0], 0) == 1);
	assert_true(plot_series_at(&series[0], 5.5) == 0.75);
	assert_true(plot_series_at(&series[0], 10) == 0.5);
	assert_true(plot_series_at(&series[0], 55) == 0.25);
	assert_true(plot_series_at(&series[0], 1e9) == 0);
	assert_false(plot_series_covers(&series[0], 0.5));
	assert_false(plot_series_covers(&series[0], 101));
	assert_true(plot_series_covers(&series[0], 100));
}

/*
 * By hand: 25 columns from 0 to 100, 20 rows from 1 to 0. In column 0 both
 * curves have not begun; in column 3, 12.5 pages, both are in the row of 50 %,
 * and the first is on top; before that they cross a steep fall and rise.
 */
static void test_text_of_two(void **state)
{
	static const struct {
		unsigned int line;
		const char *text;
	} expected[] = {
		{ 0, "miss ratio" },
		{ 1, "100% +" },
		{ 5, "     | *" },
		{ 6, " 75% +  |                   +++" },
		{ 11, " 50% +   *+" },
		{ 14, "     | +      **" },
		{ 21, "  0% +                       **" },
		{ 22, "      +----+----+---+----+----+" },
		{ 23, "      0   20   40  60   80   100 pages" },
		{ 24, "      * a<b" },
		{ 25, "      + rises" },
	};
	char *text = NULL, *line, *save = NULL;
	unsigned int number = 0;
	size_t size, found = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_int_equal(plot_text(out, &plot, 40, false), 0);
	assert_int_equal(fclose(out), 0);
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (found < ARRAY_SIZE(expected) &&
		    expected[found].line == number)
			assert_string_equal(line, expected[found++].text);
		number++;
	}
	assert_int_equal(found, ARRAY_SIZE(expected));
	assert_int_equal(number, 26);
	free(text);
}

static unsigned int count_of(const char *text, const char *part)
{
	unsigned int count = 0;

	for (; (text = strstr(text, part)); text += strlen(part))
		count++;
	return count;
}

/* Axes, a band, two curves; in the legend two samples. */
static void test_svg_of_two(void **state)
{
	struct plot both[] = { plot, plot };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	both[1].is_log = true;
	assert_int_equal(plot_svg(out, both, 2), 0);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(count_of(text, "<path"), 2 * 4 + 2);
	assert_int_equal(count_of(text, "fill-opacity"), 2);
	assert_int_equal(count_of(text, ">a&lt;b<"), 1);
	assert_int_equal(count_of(text, "Miss ratio ("), 1);
	assert_int_equal(count_of(text, ">Memory (pages)<"), 2);
	assert_int_equal(count_of(text, "nan") + count_of(text, "inf"), 0);
	/* The middle of the logarithmic one: of two curves and a band's ends. */
	assert_int_equal(count_of(text, "L686.00 267.00"), 4);
	free(text);
}

static void test_counts(void **state)
{
	static const struct {
		const char *text;
		int err;
		uint64_t count;
	} cases[] = {
		{ "0", -ERANGE, 0 },   { "1", 0, 1 },
		{ "20k", 0, 20000 },   { "3M", 0, 3000000 },
		{ "0x10", 0, 16 },     { "1T", 0, UINT64_C(1000000000000) },
		{ "1kk", -EINVAL, 0 }, { "k", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },  { "1.5M", -EINVAL, 0 },
		{ "1 k", -EINVAL, 0 }, { "99999999999999999999", -ERANGE, 0 },
		{ "1K", -EINVAL, 0 },  { "18446744073709552T", -ERANGE, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t count = 7;

		assert_int_equal(args_count(cases[i].text, 1, UINT64_MAX,
					    &count),
				 cases[i].err);
		assert_int_equal(count, cases[i].err ? 7 : cases[i].count);
	}
}

static void test_shares(void **state)
{
	double share = 7;

	(void)state;
	assert_int_equal(args_share("1/4", &share), 0);
	assert_true(share == 0.25);
	assert_int_equal(args_share("0.5", &share), 0);
	assert_true(share == 0.5);
	assert_int_equal(args_share("1", &share), 0);
	assert_true(share == 1);
	assert_int_equal(args_share("0", &share), -ERANGE);
	assert_int_equal(args_share("1.01", &share), -ERANGE);
	assert_int_equal(args_share("1/0", &share), -ERANGE);
	assert_int_equal(args_share("2/4", &share), -EINVAL);
	assert_int_equal(args_share("nan", &share), -EINVAL);
	assert_true(share == 1);
}

static void test_words(void **state)
{
	char word[WORD_BYTES], longest[WORD_BYTES + 1];
	const char *list = "a,b=c";

	(void)state;
	assert_int_equal(words_next(&list, ',', word), 0);
	assert_string_equal(word, "a");
	assert_null(words_split(word, '='));
	assert_int_equal(words_next(&list, ',', word), 0);
	assert_string_equal(words_split(word, '='), "c");
	assert_string_equal(word, "b");
	assert_null(list);
	list = ",x";
	assert_int_equal(words_next(&list, ',', word), -EINVAL);
	memset(longest, 'x', WORD_BYTES);
	longest[WORD_BYTES] = '\0';
	list = longest;
	assert_int_equal(words_next(&list, ',', word), -EINVAL);
	list = longest + 1;
	assert_int_equal(words_next(&list, ',', word), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_axes_show_all),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_series_is_linear),
		cmocka_unit_test(test_text_of_two),
		cmocka_unit_test(test_svg_of_two),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
