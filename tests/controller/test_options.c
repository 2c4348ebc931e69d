// SPDX-License-Identifier: GPL-2.0-or-later
/* Good command lines and defaults; the bad ones are in check-cli.sh. */
#include "ctl_test.h"

#include "options.h"

/* With room in front for the name of the command. */
#define ARGV(...) ((char *[]){ "kvm-aet", __VA_ARGS__, NULL } + 1)

static int parse_status(char **argv, struct options *ret_options)
{
	static const struct {
		const char *verb;
		int (*parse)(int argc, char **argv, struct options *options);
	} verbs[] = {
		{ "list", options_parse_list },
		{ "wss", options_parse_wss },
		{ "mrc", options_parse_mrc },
		{ "top", options_parse_top },
		{ "preview", options_parse_preview },
		{ "explain", options_parse_explain },
		{ "set", options_parse_set },
		{ "record", options_parse_record },
		{ "replay", options_parse_replay },
		{ "report", options_parse_report },
		{ "ctl", options_parse_ctl },
	};
	int argc = 0, first;
	size_t i;

	while (argv[argc])
		argc++;
	/* What comes before the verb is the command's; its name is missing. */
	first = options_parse_global(argc + 1, argv - 1, ret_options) - 1;
	assert_true(first >= 0 && first < argc);
	for (i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(argv[first], verbs[i].verb) == 0)
			return verbs[i].parse(argc - first, argv + first,
					      ret_options);
	}
	fail();
	return -1;
}

static struct options parse(char **argv)
{
	struct options options;

	assert_int_equal(parse_status(argv, &options), 0);
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

static void test_before_the_verb(void **state)
{
	struct options options;

	(void)state;
	options = parse(ARGV("top"));
	assert_null(options.uri);
	assert_string_equal(options.socket_path, "/run/kvm-aet/control");
	options = parse(ARGV("-c", "qemu:///system", "--socket", "/s", "top"));
	assert_string_equal(options.uri, "qemu:///system");
	assert_string_equal(options.socket_path, "/s");
	options = parse(ARGV("--connect=test:///default", "wss", "v"));
	assert_string_equal(options.uri, "test:///default");
	assert_string_equal(options.selector, "v");
}

static void test_options_of_the_daemon(void **state)
{
	struct options options;

	(void)state;
	options = parse(ARGV("top", "-b", "-n", "3", "--sort", "misses"));
	assert_true(options.is_batch);
	assert_int_equal(options.count, 3);
	assert_int_equal(options.sort, OPTIONS_SORT_MISSES);
	assert_true(parse(ARGV("top", "--json")).is_batch);
	assert_false(parse(ARGV("top")).is_batch);
	options = parse(ARGV("preview", "v", "--memory", "2GiB"));
	assert_true(options.memory_bytes == UINT64_C(2) << 30);
	/* Whole pages, rounded down. */
	assert_int_equal(
		parse(ARGV("preview", "v", "--memory", "8191")).memory_bytes,
		4096);
	options = parse(ARGV("preview", "v", "--memory", "1GiB", "--live",
			     "--period", "2"));
	assert_true(options.is_live);
	assert_int_equal(options.follow.nr_windows, 1);
	assert_int_equal(options.config.period_ms, 500);
	assert_int_equal(parse(ARGV("explain", "v")).count, 1);
	assert_int_equal(parse(ARGV("explain", "v", "-n", "9")).count, 9);
	options = parse(ARGV("set", "v", "--min", "1GiB", "--max=2GiB",
			     "--weight", "0.5", "--mode", "advise"));
	assert_true(options.policy.has_min && options.policy.has_max &&
		    options.policy.has_weight && options.policy.has_mode);
	assert_int_equal(options.policy.min_bytes, 1 << 30);
	assert_near(options.policy.weight, 0.5, 0);
	assert_int_equal(options.policy.mode, VM_MODE_ADVISE);
	assert_true(parse(ARGV("set", "v", "--clear")).is_clear);
	assert_true(parse(ARGV("set", "--host", "--mode", "act")).is_host);
	assert_int_equal(parse(ARGV("record", "-o", "f")).record,
			 OPTIONS_RECORD_HERE);
	assert_int_equal(parse(ARGV("record", "start", "-o", "f")).record,
			 OPTIONS_RECORD_START);
	assert_int_equal(parse(ARGV("record", "stop")).record,
			 OPTIONS_RECORD_STOP);
	assert_null(parse(ARGV("replay", "f", "--policy", "all")).policy_name);
	assert_string_equal(
		parse(ARGV("replay", "-", "--policy", "nash")).policy_name,
		"nash");
	assert_true(parse(ARGV("report", "f")).is_terminal);
	assert_false(parse(ARGV("report", "f", "-o", "d")).is_terminal);
	assert_false(parse(ARGV("report", "f", "--json")).is_terminal);
	options = parse(ARGV("ctl", "set-rate", "uuid=u", "--odd"));
	assert_int_equal(options.nr_words, 3);
	assert_string_equal(options.words[2], "--odd");
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
		cmocka_unit_test(test_before_the_verb),
		cmocka_unit_test(test_options_of_the_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
