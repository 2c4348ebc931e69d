// SPDX-License-Identifier: GPL-2.0-or-later
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "args.h"
#include "daemon/control.h"
#include "log.h"
#include "policy/policy.h"
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

/* More than x86 can address. */
#define OPTIONS_MAX_MEMORY_BYTES (UINT64_C(1) << 52)

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
	OPTION_URI,
	OPTION_SOCKET,
	OPTION_MEMORY,
	OPTION_RECORDING,
	OPTION_LIVE,
	OPTION_NUMBER,
	OPTION_MIN,
	OPTION_MAX,
	OPTION_WEIGHT,
	OPTION_MODE,
	OPTION_HOST,
	OPTION_CLEAR,
	OPTION_OUT,
	OPTION_POLICY,
	OPTION_TERMINAL,
	OPTION_BATCH,
	OPTION_SORT,
};

/* What was given on the line, for checks between options. */
struct options_seen {
	bool has_count, has_once, has_follow;
	bool has_json, has_csv, has_output, has_points;
	bool has_tracking;
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

/* Bytes of memory that a VM may have. */
static int options_parse_memory(const char *option, const char *value,
				uint64_t *ret_bytes)
{
	uint64_t bytes;

	if (args_size(value, &bytes) < 0 || bytes < VIEW_PAGE_BYTES ||
	    bytes > OPTIONS_MAX_MEMORY_BYTES)
		return options_reject(
			option, value,
			"a size of at least 4KiB, such as 512MiB or 2GiB");
	/* Whole pages, as a balloon has; never more than was asked for. */
	*ret_bytes = bytes / VIEW_PAGE_BYTES * VIEW_PAGE_BYTES;
	return 0;
}

static int options_parse_weight(const char *value, double *ret_weight)
{
	double weight;

	if (args_decimal(value, &weight) < 0 || weight <= 0)
		return options_reject("weight", value,
				      "a number above 0, such as 2 or 0.5");
	*ret_weight = weight;
	return 0;
}

static int options_parse_mode(const char *value, enum vm_mode *ret_mode)
{
	if (strcmp(value, "observe") == 0)
		*ret_mode = VM_MODE_OBSERVE;
	else if (strcmp(value, "advise") == 0)
		*ret_mode = VM_MODE_ADVISE;
	else if (strcmp(value, "act") == 0)
		*ret_mode = VM_MODE_ACT;
	else
		return options_reject("mode", value, "observe, advise or act");
	return 0;
}

static int options_parse_sort(const char *value, enum options_sort *ret_sort)
{
	static const char *const names[OPTIONS_NR_SORTS] = {
		[OPTIONS_SORT_NAME] = "name",
		[OPTIONS_SORT_WSS] = "wss",
		[OPTIONS_SORT_CURRENT] = "current",
		[OPTIONS_SORT_MISSES] = "misses",
		[OPTIONS_SORT_OVERHEAD] = "overhead",
	};
	unsigned int i;

	for (i = 0; i < OPTIONS_NR_SORTS; i++) {
		if (strcmp(value, names[i]) == 0) {
			*ret_sort = (enum options_sort)i;
			return 0;
		}
	}
	return options_reject("sort", value,
			      "name, wss, current, misses or overhead");
}

static int options_parse_path(const char *option, const char *value,
			      const char **ret_path)
{
	if (!*value)
		return options_reject(option, value, "a file");
	*ret_path = value;
	return 0;
}

static int options_apply_daemon(int id, const char *value,
				struct options *options)
{
	struct domain_policy *policy = &options->policy;

	switch (id) {
	case OPTION_URI:
		return options_parse_path("connect", value, &options->uri);
	case OPTION_SOCKET:
		return options_parse_path("socket", value,
					  &options->socket_path);
	case OPTION_MEMORY:
		options->has_memory = true;
		return options_parse_memory("memory", value,
					    &options->memory_bytes);
	case OPTION_RECORDING:
		return options_parse_path("recording", value,
					  &options->recording_path);
	case OPTION_LIVE:
		options->is_live = true;
		return 0;
	case OPTION_NUMBER:
		if (args_number(value, 1, UINT32_MAX, &options->count) < 0)
			return options_reject("number", value,
					      "a number, at least 1");
		return 0;
	case OPTION_MIN:
		policy->has_min = true;
		return options_parse_memory("min", value, &policy->min_bytes);
	case OPTION_MAX:
		policy->has_max = true;
		return options_parse_memory("max", value, &policy->max_bytes);
	case OPTION_WEIGHT:
		policy->has_weight = true;
		return options_parse_weight(value, &policy->weight);
	case OPTION_MODE:
		policy->has_mode = true;
		return options_parse_mode(value, &policy->mode);
	case OPTION_HOST:
		options->is_host = true;
		return 0;
	case OPTION_CLEAR:
		options->is_clear = true;
		return 0;
	case OPTION_OUT:
		return options_parse_path("output", value,
					  &options->output_path);
	case OPTION_POLICY:
		if (strcmp(value, "all") != 0 && !policy_find(value))
			return options_reject(
				"policy", value,
				"mrc, feedback, nash, proportional, static or all");
		options->policy_name = strcmp(value, "all") == 0 ? NULL : value;
		return 0;
	case OPTION_TERMINAL:
		options->is_terminal = true;
		return 0;
	case OPTION_BATCH:
		options->is_batch = true;
		return 0;
	case OPTION_SORT:
		return options_parse_sort(value, &options->sort);
	default:
		return -EINVAL;
	}
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
		seen->has_tracking = true;
		if (args_rate(value, KVM_AET_MAX_INVERSE_RATE,
			      &config->inverse_rate) < 0)
			return options_reject(
				"rate", value,
				"1/N or N, one page in N, N from 1 to 65536");
		return 0;
	case OPTION_HOT:
		seen->has_tracking = true;
		return options_parse_u32("hot", value, KVM_AET_MIN_HOT_PAGES,
					 KVM_AET_MAX_HOT_PAGES,
					 "a number of pages from 64 to 65536",
					 &config->hot_pages);
	case OPTION_PERIOD:
		seen->has_tracking = true;
		if (args_period(value, &follow->period_ns) < 0)
			return options_reject(
				"period", value,
				"seconds from 0.01 to 86400, such as 5 or 0.5");
		return 0;
	case OPTION_MISS_RATIO:
		seen->has_tracking = true;
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
		return options_apply_daemon(id, value, options);
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

/* A letter stands for a long option. */
static int options_id_of(int id)
{
	switch (id) {
	case 'h':
		return OPTION_HELP;
	case 'n':
		return OPTION_NUMBER;
	case 'o':
		return OPTION_OUT;
	case 'b':
		return OPTION_BATCH;
	case 'c':
		return OPTION_URI;
	default:
		return id;
	}
}

/* @letters: as for getopt(), beginning with ":" */
static int options_read(int argc, char **argv, const char *letters,
			const struct option *table, struct options *options,
			struct options_seen *seen)
{
	/* 0 also forgets where an earlier call stood. */
	optind = 0;
	opterr = 0;
	for (;;) {
		int id, err;

		id = getopt_long(argc, argv, letters, table, NULL);
		if (id < 0)
			return 0;
		if (id == '?' || id == ':')
			return options_reject_unknown(argv[0], id, argv);
		err = options_apply(options_id_of(id), optarg, options, seen);
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

/* What every verb has. */
#define OPTIONS_COMMON                                 \
	{                                              \
		"help", no_argument, NULL, OPTION_HELP \
	}

#define OPTIONS_WITH_JSON                              \
	OPTIONS_COMMON,                                \
	{                                              \
		"json", no_argument, NULL, OPTION_JSON \
	}

static const struct options options_defaults = {
	.socket_path = CONTROL_SOCKET,
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

int options_parse_global(int argc, char **argv, struct options *ret_options)
{
	static const struct option table[] = {
		{ "connect", required_argument, NULL, OPTION_URI },
		{ "socket", required_argument, NULL, OPTION_SOCKET },
		{ 0 },
	};
	struct options options = options_defaults;
	int index = 1;

	while (index < argc && argv[index][0] == '-') {
		struct options_seen seen = { 0 };
		const char *word = argv[index];
		int id;

		if (strncmp(word, "-c", 2) != 0 &&
		    strncmp(word, "--c", 3) != 0 &&
		    strncmp(word, "--so", 4) != 0)
			break;
		optind = index == 1 ? 0 : index;
		opterr = 0;
		/* "+": not beyond the verb, whose options are its own. */
		id = getopt_long(argc, argv, "+:c:", table, NULL);
		if (id == ':') {
			log_error("%s needs a value: see 'kvm-aet --help'",
				  argv[optind - 1]);
			return -EINVAL;
		}
		if (id == '?') {
			log_error("unknown option '%s': see 'kvm-aet --help'",
				  word);
			return -EINVAL;
		}
		if (options_apply(options_id_of(id), optarg, &options, &seen) <
		    0)
			return -EINVAL;
		index = optind;
	}
	*ret_options = options;
	return index;
}

/* Verbs about no VM in particular. */
static int options_parse_plain(int argc, char **argv, const char *letters,
			       const struct option *table,
			       struct options *options)
{
	struct options_seen seen = { 0 };
	int err;

	err = options_read(argc, argv, letters, table, options, &seen);
	if (err < 0)
		return err;
	if (!options->is_help && optind < argc)
		return options_reject_extra(argv[0], argv[optind]);
	return 0;
}

int options_parse_list(int argc, char **argv, struct options *options)
{
	static const struct option table[] = { OPTIONS_WITH_JSON, { 0 } };

	return options_parse_plain(argc, argv, ":h", table, options);
}

int options_parse_selftest(int argc, char **argv, struct options *options)
{
	static const struct option table[] = { OPTIONS_WITH_JSON, { 0 } };

	return options_parse_plain(argc, argv, ":h", table, options);
}

int options_parse_top(int argc, char **argv, struct options *options)
{
	static const struct option table[] = {
		OPTIONS_WITH_JSON,
		{ "batch", no_argument, NULL, OPTION_BATCH },
		{ "number", required_argument, NULL, OPTION_NUMBER },
		{ "sort", required_argument, NULL, OPTION_SORT },
		{ 0 },
	};
	int err;

	err = options_parse_plain(argc, argv, ":hbn:", table, options);
	/* Nobody looks at JSON on a screen. */
	if (err == 0 && options->output == OPTIONS_JSON)
		options->is_batch = true;
	return err;
}

/*
 * Verbs with exactly one word besides options, which becomes @ret_word. @what
 * asks for it.
 */
static int options_parse_word(int argc, char **argv, const char *letters,
			      const struct option *table, const char *what,
			      struct options *options,
			      struct options_seen *seen, const char **ret_word)
{
	int err;

	err = options_read(argc, argv, letters, table, options, seen);
	if (err < 0 || options->is_help)
		return err;
	if (optind == argc || !*argv[optind]) {
		log_error("%s", what);
		return -EINVAL;
	}
	if (optind + 1 < argc)
		return options_reject_extra(argv[0], argv[optind + 1]);
	*ret_word = argv[optind];
	return 0;
}

#define OPTIONS_WHICH_DOMAIN \
	"which domain? name it by its name or UUID, see 'kvm-aet list'"
#define OPTIONS_WHICH_RECORDING \
	"which recording? name its file, or - for standard input"

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
				  bool is_once_default, struct options *options)
{
	struct options_seen seen = { 0 };
	int err;

	err = options_parse_word(
		argc, argv, ":h", table,
		"which VM? name it by PID or name, see 'kvm-aet list'", options,
		&seen, &options->selector);
	if (err < 0 || options->is_help)
		return err;
	return options_settle(options, &seen, is_once_default);
}

int options_parse_wss(int argc, char **argv, struct options *options)
{
	static const struct option table[] = {
		OPTIONS_TRACKING,
		{ "csv", no_argument, NULL, OPTION_CSV },
		{ 0 },
	};

	return options_parse_tracking(argc, argv, table, false, options);
}

int options_parse_mrc(int argc, char **argv, struct options *options)
{
	static const struct option table[] = {
		OPTIONS_TRACKING,
		{ "output", required_argument, NULL, OPTION_OUTPUT },
		{ "svg", required_argument, NULL, OPTION_SVG },
		{ "points", required_argument, NULL, OPTION_POINTS },
		{ 0 },
	};

	return options_parse_tracking(argc, argv, table, true, options);
}

int options_parse_preview(int argc, char **argv, struct options *options)
{
	static const struct option table[] = {
		OPTIONS_WITH_JSON,
		{ "memory", required_argument, NULL, OPTION_MEMORY },
		{ "recording", required_argument, NULL, OPTION_RECORDING },
		{ "live", no_argument, NULL, OPTION_LIVE },
		{ "rate", required_argument, NULL, OPTION_RATE },
		{ "hot", required_argument, NULL, OPTION_HOT },
		{ "period", required_argument, NULL, OPTION_PERIOD },
		{ "miss-ratio", required_argument, NULL, OPTION_MISS_RATIO },
		{ 0 },
	};
	struct options_seen seen = { 0 };
	int err;

	err = options_parse_word(argc, argv, ":h", table, OPTIONS_WHICH_DOMAIN,
				 options, &seen, &options->selector);
	if (err < 0 || options->is_help)
		return err;
	if (!options->has_memory) {
		log_error(
			"how much memory would it have? say --memory, such as --memory 2GiB");
		return -EINVAL;
	}
	if (options->is_live && options->recording_path) {
		log_error("--live and --recording exclude each other");
		return -EINVAL;
	}
	if (seen.has_tracking && !options->is_live) {
		log_error(
			"--rate, --hot, --period and --miss-ratio are for --live: else nothing is measured");
		return -EINVAL;
	}
	options->follow.nr_windows = 1;
	options->config.period_ms = options_pass_ms(options->follow.period_ns);
	return 0;
}

int options_parse_explain(int argc, char **argv, struct options *options)
{
	static const struct option table[] = {
		OPTIONS_WITH_JSON,
		{ "number", required_argument, NULL, OPTION_NUMBER },
		{ "recording", required_argument, NULL, OPTION_RECORDING },
		{ 0 },
	};
	struct options_seen seen = { 0 };

	options->count = 1;
	return options_parse_word(argc, argv, ":hn:", table,
				  OPTIONS_WHICH_DOMAIN, options, &seen,
				  &options->selector);
}

static int options_settle_set(const struct options *options)
{
	const struct domain_policy *policy = &options->policy;
	bool has_limit = policy->has_min || policy->has_max ||
			 policy->has_weight;

	if (options->is_host && (options->selector || has_limit ||
				 options->is_clear || !policy->has_mode)) {
		log_error(
			"--host takes --mode and nothing else: the rest of the host's settings are in /etc/kvm-aet/kvm-aet.conf");
		return -EINVAL;
	}
	if (options->is_clear && (has_limit || policy->has_mode)) {
		log_error("--clear takes all settings away, and sets none");
		return -EINVAL;
	}
	if (!options->is_clear && !has_limit && !policy->has_mode) {
		log_error(
			"what is to be set? say --min, --max, --weight or --mode, or --clear");
		return -EINVAL;
	}
	if (policy->has_min && policy->has_max &&
	    policy->min_bytes > policy->max_bytes) {
		log_error("--min is above --max");
		return -EINVAL;
	}
	return 0;
}

int options_parse_set(int argc, char **argv, struct options *options)
{
	static const struct option table[] = {
		OPTIONS_WITH_JSON,
		{ "min", required_argument, NULL, OPTION_MIN },
		{ "max", required_argument, NULL, OPTION_MAX },
		{ "weight", required_argument, NULL, OPTION_WEIGHT },
		{ "mode", required_argument, NULL, OPTION_MODE },
		{ "host", no_argument, NULL, OPTION_HOST },
		{ "clear", no_argument, NULL, OPTION_CLEAR },
		{ 0 },
	};
	struct options_seen seen = { 0 };
	int err;

	err = options_read(argc, argv, ":h", table, options, &seen);
	if (err < 0 || options->is_help)
		return err;
	if (optind < argc && *argv[optind])
		options->selector = argv[optind++];
	if (optind < argc)
		return options_reject_extra(argv[0], argv[optind]);
	if (!options->selector && !options->is_host) {
		log_error(OPTIONS_WHICH_DOMAIN);
		return -EINVAL;
	}
	return options_settle_set(options);
}

int options_parse_record(int argc, char **argv, struct options *options)
{
	static const struct option table[] = {
		OPTIONS_WITH_JSON,
		{ "output", required_argument, NULL, OPTION_OUT },
		{ "number", required_argument, NULL, OPTION_NUMBER },
		{ 0 },
	};
	struct options_seen seen = { 0 };
	bool is_here;
	int err;

	err = options_read(argc, argv, ":ho:n:", table, options, &seen);
	if (err < 0 || options->is_help)
		return err;
	is_here = optind == argc;
	if (!is_here && strcmp(argv[optind], "start") == 0) {
		options->record = OPTIONS_RECORD_START;
	} else if (!is_here && strcmp(argv[optind], "stop") == 0) {
		options->record = OPTIONS_RECORD_STOP;
	} else if (!is_here) {
		return options_reject_extra(argv[0], argv[optind]);
	}
	if (optind + 1 < argc)
		return options_reject_extra(argv[0], argv[optind + 1]);
	if (is_here != (options->output_path != NULL) &&
	    options->record != OPTIONS_RECORD_START) {
		log_error(
			is_here ?
				"where to? say -o FILE, or start or stop for the daemon's own recording" :
				"record stop takes no -o");
		return -EINVAL;
	}
	if (options->record == OPTIONS_RECORD_START && !options->output_path) {
		log_error(
			"by what name? say record start -o NAME: a file in the daemon's directory");
		return -EINVAL;
	}
	if (!is_here && options->count) {
		log_error("-n is for recordings of one's own, with -o");
		return -EINVAL;
	}
	if (options->output_path && strcmp(options->output_path, "-") == 0)
		return options_reject("output", "-", "a file");
	return 0;
}

int options_parse_replay(int argc, char **argv, struct options *options)
{
	static const struct option table[] = {
		OPTIONS_WITH_JSON,
		{ "policy", required_argument, NULL, OPTION_POLICY },
		{ 0 },
	};
	struct options_seen seen = { 0 };

	return options_parse_word(argc, argv, ":h", table,
				  OPTIONS_WHICH_RECORDING, options, &seen,
				  &options->recording_path);
}

int options_parse_report(int argc, char **argv, struct options *options)
{
	static const struct option table[] = {
		OPTIONS_WITH_JSON,
		{ "output", required_argument, NULL, OPTION_OUT },
		{ "terminal", no_argument, NULL, OPTION_TERMINAL },
		{ 0 },
	};
	struct options_seen seen = { 0 };
	int err;

	err = options_parse_word(argc, argv, ":ho:", table,
				 OPTIONS_WHICH_RECORDING, options, &seen,
				 &options->recording_path);
	if (err < 0 || options->is_help)
		return err;
	if (seen.has_json && options->is_terminal) {
		log_error("--json and --terminal exclude each other");
		return -EINVAL;
	}
	/* Something is to come out. */
	if (!options->output_path && !seen.has_json)
		options->is_terminal = true;
	return 0;
}

int options_parse_ctl(int argc, char **argv, struct options *options)
{
	static const struct option table[] = { OPTIONS_COMMON, { 0 } };
	struct options_seen seen = { 0 };
	int err;

	/* "+": what follows the command is JSON, not options. */
	err = options_read(argc, argv, "+:h", table, options, &seen);
	if (err < 0 || options->is_help)
		return err;
	if (optind == argc || !*argv[optind]) {
		log_error(
			"which command? such as 'kvm-aet ctl query-status': see 'kvm-aet ctl --help'");
		return -EINVAL;
	}
	options->words = argv + optind;
	options->nr_words = argc - optind;
	return 0;
}
