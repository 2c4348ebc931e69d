// SPDX-License-Identifier: GPL-2.0-or-later
/* Good command lines and defaults; the bad ones are in check-cli.sh. */
#include "ctl_test.h"

#include "options.h"

#define ARGV(...) ((char *[]){ __VA_ARGS__, NULL })

static struct options parse(char **argv)
{
	struct options options;
	int argc = 0, err;

	while (argv[argc])
		argc++;
	if (strcmp(argv[0], "list") == 0)
		err = options_parse_list(argc, argv, &options);
	else if (strcmp(argv[0], "wss") == 0)
		err = options_parse_wss(argc, argv, &options);
	else
		err = options_parse_mrc(argc, argv, &options);
	assert_int_equal(err, 0);
	return options;
}

static void test_defaults(void **state)
{
	struct options options = parse(ARGV("wss", "web1"));

	(void)state;
	assert_false(options.is_help);
	assert_string_equal(options.selector, "web1");
	assert_int_equal(options.config.inverse_rate, 128);
	assert_int_equal(options.config.hot_pages, 64);
	assert_int_equal(options.config.flush_batch, 64);
	assert_int_equal(options.config.huge_mode, KVM_AET_HUGE_SPLIT);
	assert_int_equal(options.config.period_ms, 1250);
	assert_int_equal(options.config.gfn_start, 0);
	assert_int_equal(options.config.gfn_end, 0);
	assert_int_equal(options.config.salt, 0);
	assert_int_equal(options.follow.period_ns, 5000000000);
	assert_near(options.follow.miss_ratio, 0.05, 1e-15);
	assert_false(options.follow.is_cumulative);
	assert_int_equal(options.output, OPTIONS_TABLE);
	assert_null(options.svg_path);
}

static void test_number_of_windows(void **state)
{
	(void)state;
	assert_int_equal(parse(ARGV("wss", "v")).follow.nr_windows, 0);
	assert_int_equal(parse(ARGV("wss", "v", "--once")).follow.nr_windows,
			 1);
	assert_int_equal(parse(ARGV("wss", "v", "--follow")).follow.nr_windows,
			 0);
	assert_int_equal(
		parse(ARGV("wss", "v", "--count", "7")).follow.nr_windows, 7);
	assert_int_equal(parse(ARGV("mrc", "v")).follow.nr_windows, 1);
	assert_int_equal(parse(ARGV("mrc", "v", "--follow")).follow.nr_windows,
			 0);
	assert_int_equal(
		parse(ARGV("mrc", "v", "--count", "7")).follow.nr_windows, 7);
}

/* A quarter of the period, within what the module takes. */
static void test_background_pass(void **state)
{
	static const struct {
		const char *period;
		uint32_t pass_ms;
	} cases[] = {
		{ "0.01", 10 },	      { "0.04", 10 },
		{ "0.05", 12 },	      { "1", 250 },
		{ "14400", 3600000 }, { "14404", 3600000 },
		{ "86400", 3600000 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(parse(ARGV("wss", "v", "--period",
					    (char *)cases[i].period))
					 .config.period_ms,
				 cases[i].pass_ms);
}

static void test_every_option(void **state)
{
	struct options options = parse(
		ARGV("mrc", "--rate", "1/16", "--hot=100", "--period", "0.5",
		     "--miss-ratio", "1%", "web1", "--cumulative", "--output",
		     "plot", "--svg", "x.svg", "--huge", "as-mapped", "--range",
		     "1MiB-2MiB", "--flush-batch", "1", "--salt", "0xff"));

	(void)state;
	assert_string_equal(options.selector, "web1");
	assert_int_equal(options.config.inverse_rate, 16);
	assert_int_equal(options.config.hot_pages, 100);
	assert_int_equal(options.config.flush_batch, 1);
	assert_int_equal(options.config.huge_mode, KVM_AET_HUGE_AS_MAPPED);
	assert_int_equal(options.config.gfn_start, 256);
	assert_int_equal(options.config.gfn_end, 512);
	assert_int_equal(options.config.salt, 255);
	assert_int_equal(options.follow.period_ns, 500000000);
	assert_near(options.follow.miss_ratio, 0.01, 1e-15);
	assert_true(options.follow.is_cumulative);
	assert_int_equal(options.output, OPTIONS_PLOT);
	assert_string_equal(options.svg_path, "x.svg");
}

static void test_outputs(void **state)
{
	(void)state;
	assert_int_equal(parse(ARGV("list", "--json")).output, OPTIONS_JSON);
	assert_int_equal(parse(ARGV("wss", "v", "--json")).output,
			 OPTIONS_JSON);
	assert_int_equal(parse(ARGV("wss", "v", "--csv")).output, OPTIONS_CSV);
	assert_int_equal(parse(ARGV("mrc", "v", "--json")).nr_points, 201);
	assert_int_equal(parse(ARGV("mrc", "v")).nr_points, 21);
	assert_int_equal(
		parse(ARGV("mrc", "v", "--json", "--points", "2")).nr_points,
		2);
	assert_int_equal(parse(ARGV("mrc", "v", "--output", "svg")).output,
			 OPTIONS_SVG);
	assert_int_equal(parse(ARGV("mrc", "v", "--output", "json")).output,
			 OPTIONS_JSON);
}

/* A VM may be called like an option. */
static void test_end_of_options(void **state)
{
	(void)state;
	assert_string_equal(
		parse(ARGV("wss", "--once", "--", "--json")).selector,
		"--json");
	assert_true(parse(ARGV("wss", "--help")).is_help);
	assert_true(parse(ARGV("mrc", "a", "b", "-h")).is_help);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_number_of_windows),
		cmocka_unit_test(test_background_pass),
		cmocka_unit_test(test_every_option),
		cmocka_unit_test(test_outputs),
		cmocka_unit_test(test_end_of_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
