// SPDX-License-Identifier: GPL-2.0-or-later
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "args.h"
#include "log.h"
#include "units.h"

/* The setting of the thesis that AET tracking is known to be cheap with. */
#define OPTIONS_INVERSE_RATE 128
#define OPTIONS_HOT_PAGES 64
#define OPTIONS_PERIOD_NS (UINT64_C(5) * NS_PER_S)
#define OPTIONS_MISS_RATIO 0.05

/* Re-arms per TLB flush: a flush each would cost more than the traps. */
#define OPTIONS_FLUSH_BATCH 64

/* Rows that fit a screen; enough for a program to draw from. */
#define OPTIONS_TABLE_POINTS 21
#define OPTIONS_JSON_POINTS 201
#define OPTIONS_MAX_POINTS 100000

/*
 * The module arms new pages once per pass; a quarter of the period keeps what
 * a window misses of them small, at a cost that the period bounds.
 */
#define OPTIONS_PASSES_PER_PERIOD 4

enum options_id {
	OPTION_HELP = 1000,
	OPTION_RATE,
	OPTION_HOT,
	OPTION_PERIOD,
	OPTION_MISS_RATIO,
	OPTION_COUNT,
	OPTION_ONCE,
	OPTION_FOLLOW,
	OPTION_CUMULATIVE,
	OPTION_JSON,
	OPTION_CSV,
	OPTION_OUTPUT,
	OPTION_SVG,
	OPTION_POINTS,
	OPTION_FLUSH_BATCH,
	OPTION_HUGE,
	OPTION_RANGE,
	OPTION_SALT,
};

/* What was given on the line, for checks between options. */
struct options_seen {
	bool has_count, has_once, has_follow;
	bool has_json, has_csv, has_output, has_points;
};

static int options_reject(const char *option, const char *value,
			  const char *expected)
{
	log_error("--%s '%s': expected %s", option, value, expected);
	return -EINVAL;
}

static int options_parse_u32(const char *option, const char *value,
			     uint32_t min, uint32_t max, const char *expected,
			     uint32_t *ret_number)
{
	uint64_t number;

	if (args_number(value, min, max, &number) < 0)
		return options_reject(option, value, expected);
	*ret_number = (uint32_t)number;
	return 0;
}

static int options_parse_output(const char *value,
				enum options_output *ret_output)
{
	static const struct {
		const char *name;
		enum options_output output;
	} table[] = {
		{ "table", OPTIONS_TABLE },
		{ "plot", OPTIONS_PLOT },
		{ "json", OPTIONS_JSON },
		{ "svg", OPTIONS_SVG },
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strcmp(value, table[i].name) == 0) {
			*ret_output = table[i].output;
			return 0;
		}
	}
	return options_reject("output", value, "table, plot, json or svg");
}

static int options_parse_huge(const char *value, uint32_t *ret_huge_mode)
{
	if (strcmp(value, "split") == 0)
		*ret_huge_mode = KVM_AET_HUGE_SPLIT;
	else if (strcmp(value, "as-mapped") == 0)
		*ret_huge_mode = KVM_AET_HUGE_AS_MAPPED;
	else if (strcmp(value, "coarse") == 0)
		*ret_huge_mode = KVM_AET_HUGE_COARSE;
	else
		return options_reject("huge", value,
				      "split, as-mapped or coarse");
	return 0;
}

static int options_apply(int id, const char *value, struct options *options,
			 struct options_seen *seen)
{
	struct source_config *config = &options->config;
	struct follow_options *follow = &options->follow;

	switch (id) {
	case OPTION_HELP:
		options->is_help = true;
		return 0;
	case OPTION_RATE:
		if (args_rate(value, KVM_AET_MAX_INVERSE_RATE,
			      &config->inverse_rate) < 0)
			return options_reject(
				"rate", value,
				"1/N or N, one page in N, N from 1 to 65536");
		return 0;
	case OPTION_HOT:
		return options_parse_u32("hot", value, KVM_AET_MIN_HOT_PAGES,
					 KVM_AET_MAX_HOT_PAGES,
					 "a number of pages from 64 to 65536",
					 &config->hot_pages);
	case OPTION_PERIOD:
		if (args_period(value, &follow->period_ns) < 0)
			return options_reject(
				"period", value,
				"seconds from 0.01 to 86400, such as 5 or 0.5");
		return 0;
	case OPTION_MISS_RATIO:
		if (args_miss_ratio(value, &follow->miss_ratio) < 0)
			return options_reject(
				"miss-ratio", value,
				"a percentage such as 5% or a fraction such as "
				"0.05, from 0 to below 100%");
		return 0;
	case OPTION_COUNT:
		seen->has_count = true;
		if (args_number(value, 1, UINT32_MAX, &follow->nr_windows) < 0)
			return options_reject(
				"count", value,
				"a number of periods, at least 1");
		return 0;
	case OPTION_ONCE:
		seen->has_once = true;
		return 0;
	case OPTION_FOLLOW:
		seen->has_follow = true;
		return 0;
	case OPTION_CUMULATIVE:
		follow->is_cumulative = true;
		return 0;
	case OPTION_JSON:
		seen->has_json = true;
		options->output = OPTIONS_JSON;
		return 0;
	case OPTION_CSV:
		seen->has_csv = true;
		options->output = OPTIONS_CSV;
		return 0;
	case OPTION_OUTPUT:
		seen->has_output = true;
		return options_parse_output(value, &options->output);
	case OPTION_SVG:
		if (strcmp(value, "-") == 0)
			return options_reject(
				"svg", value,
				"a file; for standard output use --output svg");
		if (!*value)
			return options_reject("svg", value, "a file");
		options->svg_path = value;
		return 0;
	case OPTION_POINTS:
		seen->has_points = true;
		return options_parse_u32("points", value, 2, OPTIONS_MAX_POINTS,
					 "a number of points from 2 to 100000",
					 &options->nr_points);
	case OPTION_FLUSH_BATCH:
		return options_parse_u32("flush-batch", value, 1,
					 KVM_AET_MAX_FLUSH_BATCH,
					 "a number of pages from 1 to 65536",
					 &config->flush_batch);
	case OPTION_HUGE:
		return options_parse_huge(value, &config->huge_mode);
	case OPTION_RANGE:
		if (args_range(value, &config->gfn_start, &config->gfn_end) < 0)
			return options_reject(
				"range", value,
				"START-END in guest-physical bytes, multiples "
				"of 4096, such as 1MiB-64MiB");
		return 0;
	case OPTION_SALT:
		if (args_number(value, 1, UINT64_MAX, &config->salt) < 0)
			return options_reject("salt", value,
					      "a number, at least 1");
		return 0;
	default:
		return -EINVAL;
	}
}

/* Reports what getopt_long() did not like about argv[optind - 1]. */
static int options_reject_unknown(const char *verb, int result, char **argv)
{
	const char *word = argv[optind - 1];

	if (result == ':')
		log_error("%s needs a value: see 'kvm-aet %s --help'", word,
			  verb);
	else if (optopt > 0 && optopt < OPTION_HELP)
		log_error("unknown option '-%c': see 'kvm-aet %s --help'",
			  optopt, verb);
	else if (optopt)
		log_error("%s takes no value: see 'kvm-aet %s --help'", word,
			  verb);
	else
		log_error("unknown option '%s': see 'kvm-aet %s --help'", word,
			  verb);
	return -EINVAL;
}

static int options_read(int argc, char **argv, const struct option *table,
			struct options *options, struct options_seen *seen)
{
	/* 0 also forgets where an earlier call stood. */
	optind = 0;
	opterr = 0;
	for (;;) {
		int id, err;

		id = getopt_long(argc, argv, ":h", table, NULL);
		if (id < 0)
			return 0;
		if (id == '?' || id == ':')
			return options_reject_unknown(argv[0], id, argv);
		err = options_apply(id == 'h' ? OPTION_HELP : id, optarg,
				    options, seen);
		if (err < 0)
			return err;
		if (options->is_help)
			return 0;
	}
}

static int options_reject_extra(const char *verb, const char *word)
{
	log_error("unexpected argument '%s': see 'kvm-aet %s --help'", word,
		  verb);
	return -EINVAL;
}

/* Verbs about no VM in particular. */
static int options_parse_plain(int argc, char **argv,
			       struct options *ret_options)
{
	static const struct option table[] = {
		{ "help", no_argument, NULL, OPTION_HELP },
		{ "json", no_argument, NULL, OPTION_JSON },
		{ 0 },
	};
	struct options options = { .output = OPTIONS_TABLE };
	struct options_seen seen = { 0 };
	int err;

	err = options_read(argc, argv, table, &options, &seen);
	if (err < 0)
		return err;
	if (!options.is_help && optind < argc)
		return options_reject_extra(argv[0], argv[optind]);
	*ret_options = options;
	return 0;
}

int options_parse_list(int argc, char **argv, struct options *ret_options)
{
	return options_parse_plain(argc, argv, ret_options);
}

int options_parse_selftest(int argc, char **argv, struct options *ret_options)
{
	return options_parse_plain(argc, argv, ret_options);
}

/* The options that both verbs have. */
#define OPTIONS_TRACKING                                                      \
	{ "help", no_argument, NULL, OPTION_HELP },                           \
		{ "rate", required_argument, NULL, OPTION_RATE },             \
		{ "hot", required_argument, NULL, OPTION_HOT },               \
		{ "period", required_argument, NULL, OPTION_PERIOD },         \
		{ "miss-ratio", required_argument, NULL, OPTION_MISS_RATIO }, \
		{ "count", required_argument, NULL, OPTION_COUNT },           \
		{ "once", no_argument, NULL, OPTION_ONCE },                   \
		{ "follow", no_argument, NULL, OPTION_FOLLOW },               \
		{ "cumulative", no_argument, NULL, OPTION_CUMULATIVE },       \
		{ "json", no_argument, NULL, OPTION_JSON },                   \
		{ "flush-batch", required_argument, NULL,                     \
		  OPTION_FLUSH_BATCH },                                       \
		{ "huge", required_argument, NULL, OPTION_HUGE },             \
		{ "range", required_argument, NULL, OPTION_RANGE },           \
	{                                                                     \
		"salt", required_argument, NULL, OPTION_SALT                  \
	}

static const struct options options_defaults = {
	.config = {
		.inverse_rate = OPTIONS_INVERSE_RATE,
		.hot_pages = OPTIONS_HOT_PAGES,
		.flush_batch = OPTIONS_FLUSH_BATCH,
		.huge_mode = KVM_AET_HUGE_SPLIT,
	},
	.follow = {
		.period_ns = OPTIONS_PERIOD_NS,
		.miss_ratio = OPTIONS_MISS_RATIO,
	},
	.output = OPTIONS_TABLE,
};

static uint32_t options_pass_ms(uint64_t period_ns)
{
	uint64_t pass_ms = period_ns / NS_PER_MS / OPTIONS_PASSES_PER_PERIOD;

	if (pass_ms < KVM_AET_MIN_PERIOD_MS)
		return KVM_AET_MIN_PERIOD_MS;
	if (pass_ms > KVM_AET_MAX_PERIOD_MS)
		return KVM_AET_MAX_PERIOD_MS;
	return (uint32_t)pass_ms;
}

/* Checks between options; what the user left open is settled here. */
static int options_settle(struct options *options,
			  const struct options_seen *seen, bool is_once_default)
{
	if (seen->has_once && seen->has_follow) {
		log_error("--once and --follow exclude each other");
		return -EINVAL;
	}
	if (seen->has_once && seen->has_count) {
		log_error("--once and --count exclude each other");
		return -EINVAL;
	}
	if (seen->has_follow && seen->has_count) {
		log_error("--follow and --count exclude each other");
		return -EINVAL;
	}
	if (seen->has_json + seen->has_csv + seen->has_output > 1) {
		log_error("%s",
			  seen->has_output ?
				  "--json and --output exclude each other" :
				  "--json and --csv exclude each other");
		return -EINVAL;
	}
	if (seen->has_points && options->output != OPTIONS_TABLE &&
	    options->output != OPTIONS_JSON) {
		log_error(
			"--points needs --output table or json: a plot has its own");
		return -EINVAL;
	}
	if (seen->has_once ||
	    (is_once_default && !seen->has_follow && !seen->has_count))
		options->follow.nr_windows = 1;
	if (!seen->has_points)
		options->nr_points = options->output == OPTIONS_JSON ?
					     OPTIONS_JSON_POINTS :
					     OPTIONS_TABLE_POINTS;
	options->config.period_ms = options_pass_ms(options->follow.period_ns);
	return 0;
}

static int options_parse_tracking(int argc, char **argv,
				  const struct option *table,
				  bool is_once_default,
				  struct options *ret_options)
{
	struct options options = options_defaults;
	struct options_seen seen = { 0 };
	int err;

	err = options_read(argc, argv, table, &options, &seen);
	if (err < 0)
		return err;
	if (!options.is_help) {
		if (optind == argc || !*argv[optind]) {
			log_error(
				"which VM? name it by PID or name, see 'kvm-aet list'");
			return -EINVAL;
		}
		if (optind + 1 < argc)
			return options_reject_extra(argv[0], argv[optind + 1]);
		options.selector = argv[optind];
		err = options_settle(&options, &seen, is_once_default);
		if (err < 0)
			return err;
	}
	*ret_options = options;
	return 0;
}

int options_parse_wss(int argc, char **argv, struct options *ret_options)
{
	static const struct option table[] = {
		OPTIONS_TRACKING,
		{ "csv", no_argument, NULL, OPTION_CSV },
		{ 0 },
	};

	return options_parse_tracking(argc, argv, table, false, ret_options);
}

int options_parse_mrc(int argc, char **argv, struct options *ret_options)
{
	static const struct option table[] = {
		OPTIONS_TRACKING,
		{ "output", required_argument, NULL, OPTION_OUTPUT },
		{ "svg", required_argument, NULL, OPTION_SVG },
		{ "points", required_argument, NULL, OPTION_POINTS },
		{ 0 },
	};

	return options_parse_tracking(argc, argv, table, true, ret_options);
}
