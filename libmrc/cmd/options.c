// SPDX-License-Identifier: LGPL-2.1-or-later
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "log.h"
#include "units.h"
#include "words.h"

/* Rows that fit a screen; enough for a program to draw from, and to compare. */
#define OPTIONS_TABLE_POINTS 21
#define OPTIONS_CSV_POINTS 201
#define OPTIONS_COMPARE_POINTS 100

/* Almost as good as the exact one, and several times faster. */
#define OPTIONS_ALGORITHM "aet"
#define OPTIONS_MAX_POINTS 100000

#define OPTIONS_MISS_RATIO 0.05
#define OPTIONS_MAX_THREADS 1024
#define OPTIONS_MAX_NS 1e15

#define OPTIONS_READING                                                        \
	(VERB_CURVE | VERB_WSS | VERB_SIMULATE | VERB_COMPARE | VERB_CONVERT | \
	 VERB_PLOT)
#define OPTIONS_MEASURING \
	(VERB_CURVE | VERB_WSS | VERB_SIMULATE | VERB_COMPARE | VERB_PLOT)

enum option_id {
	OPTION_HELP = 1000,
	OPTION_FORMAT,
	OPTION_COLUMN,
	OPTION_WRITE_COLUMN,
	OPTION_SIZE_COLUMN,
	OPTION_SEPARATOR,
	OPTION_HEX,
	OPTION_HASH,
	OPTION_BYTES,
	OPTION_PAGE_SIZE,
	OPTION_SKIP_BAD,
	OPTION_FETCHES,
	OPTION_SKIP,
	OPTION_LIMIT,
	OPTION_WINDOW,
	OPTION_QUIET,
	OPTION_ALGORITHMS,
	OPTION_POLICIES,
	OPTION_SEED,
	OPTION_THREADS,
	OPTION_SIZES,
	OPTION_POINTS,
	OPTION_MISS_RATIO,
	OPTION_MEMORY_NS,
	OPTION_MISS_NS,
	OPTION_SHOW,
	OPTION_JSON,
	OPTION_CSV,
	OPTION_PLOT,
	OPTION_SVG,
	OPTION_OUTPUT,
	OPTION_TO,
	OPTION_REFERENCE,
	OPTION_LOG,
	OPTION_UNIT,
};

/* Every option, and the verbs that have it. */
static const struct {
	const char *name;
	enum option_id id;
	int has_value;
	unsigned int verbs;
} options_table[] = {
	{ "help", OPTION_HELP, no_argument, ~0u },
	{ "format", OPTION_FORMAT, required_argument, OPTIONS_READING },
	{ "column", OPTION_COLUMN, required_argument, OPTIONS_READING },
	{ "write-column", OPTION_WRITE_COLUMN, required_argument,
	  OPTIONS_READING },
	{ "size-column", OPTION_SIZE_COLUMN, required_argument,
	  OPTIONS_READING },
	{ "separator", OPTION_SEPARATOR, required_argument, OPTIONS_READING },
	{ "hex", OPTION_HEX, no_argument, OPTIONS_READING },
	{ "strings", OPTION_HASH, no_argument, OPTIONS_READING },
	{ "addresses", OPTION_BYTES, no_argument, OPTIONS_READING },
	{ "page-size", OPTION_PAGE_SIZE, required_argument, OPTIONS_READING },
	{ "skip-bad", OPTION_SKIP_BAD, no_argument, OPTIONS_READING },
	{ "fetches", OPTION_FETCHES, no_argument, OPTIONS_READING },
	{ "skip", OPTION_SKIP, required_argument,
	  OPTIONS_READING | VERB_GENERATE },
	{ "limit", OPTION_LIMIT, required_argument, OPTIONS_READING },
	{ "accesses", OPTION_LIMIT, required_argument, VERB_GENERATE },
	{ "window", OPTION_WINDOW, required_argument, VERB_CURVE | VERB_WSS },
	{ "quiet", OPTION_QUIET, no_argument, ~0u },
	{ "algorithms", OPTION_ALGORITHMS, required_argument,
	  VERB_CURVE | VERB_WSS | VERB_COMPARE | VERB_PLOT },
	{ "policies", OPTION_POLICIES, required_argument,
	  VERB_SIMULATE | VERB_PLOT },
	{ "seed", OPTION_SEED, required_argument,
	  OPTIONS_READING | VERB_GENERATE },
	{ "threads", OPTION_THREADS, required_argument,
	  VERB_SIMULATE | VERB_PLOT },
	{ "sizes", OPTION_SIZES, required_argument,
	  VERB_CURVE | VERB_SIMULATE | VERB_COMPARE | VERB_PLOT },
	{ "points", OPTION_POINTS, required_argument,
	  VERB_CURVE | VERB_COMPARE },
	{ "miss-ratio", OPTION_MISS_RATIO, required_argument, VERB_WSS },
	{ "memory-ns", OPTION_MEMORY_NS, required_argument, VERB_SIMULATE },
	{ "miss-ns", OPTION_MISS_NS, required_argument, VERB_SIMULATE },
	{ "show", OPTION_SHOW, required_argument, VERB_SIMULATE },
	{ "json", OPTION_JSON, no_argument, OPTIONS_MEASURING & ~VERB_PLOT },
	{ "csv", OPTION_CSV, no_argument, OPTIONS_MEASURING & ~VERB_PLOT },
	{ "plot", OPTION_PLOT, no_argument, VERB_CURVE | VERB_SIMULATE },
	{ "svg", OPTION_SVG, required_argument,
	  VERB_CURVE | VERB_SIMULATE | VERB_PLOT },
	{ "output", OPTION_OUTPUT, required_argument,
	  VERB_CURVE | VERB_GENERATE | VERB_CONVERT },
	{ "to", OPTION_TO, required_argument, VERB_GENERATE | VERB_CONVERT },
	{ "reference", OPTION_REFERENCE, required_argument, VERB_COMPARE },
	{ "log-x", OPTION_LOG, no_argument,
	  VERB_CURVE | VERB_SIMULATE | VERB_COMPARE | VERB_PLOT },
	{ "unit", OPTION_UNIT, required_argument, OPTIONS_MEASURING },
};

#define OPTIONS_NR (sizeof(options_table) / sizeof(options_table[0]))

static const struct {
	char letter;
	enum option_id id;
	unsigned int verbs;
} options_letters[] = {
	{ 'h', OPTION_HELP, ~0u },
	{ 'q', OPTION_QUIET, ~0u },
	{ 'a', OPTION_ALGORITHMS,
	  VERB_CURVE | VERB_WSS | VERB_COMPARE | VERB_PLOT },
	{ 'p', OPTION_POLICIES, VERB_SIMULATE | VERB_PLOT },
	{ 's', OPTION_SIZES,
	  VERB_CURVE | VERB_SIMULATE | VERB_COMPARE | VERB_PLOT },
	{ 'o', OPTION_OUTPUT, VERB_CURVE | VERB_GENERATE | VERB_CONVERT },
	{ 'n', OPTION_LIMIT, OPTIONS_READING | VERB_GENERATE },
};

#define OPTIONS_NR_LETTERS \
	(sizeof(options_letters) / sizeof(options_letters[0]))

static const char *const options_shows[] = {
	[OPTIONS_SHOW_MISS_RATIO] = "miss-ratio",
	[OPTIONS_SHOW_HIT_RATIO] = "hit-ratio",
	[OPTIONS_SHOW_WARM_HIT_RATIO] = "warm-hit-ratio",
	[OPTIONS_SHOW_HITS] = "hits",
	[OPTIONS_SHOW_MISSES] = "misses",
	[OPTIONS_SHOW_WRITE_BACKS] = "write-backs",
	[OPTIONS_SHOW_AMAT] = "amat",
};

/* What was given on the line, for checks between options. */
struct options_seen {
	const char *sizes;
	const char *page_size;
	unsigned int nr_forms;
	bool has_memory_ns, has_miss_ns;
};

const char *options_show_name(enum options_show show)
{
	return options_shows[show];
}

uint64_t options_page_bytes(const struct options *options)
{
	uint64_t bytes = options->stream.trace.page_bytes;

	return bytes ? bytes : PAGE_BYTES;
}

void options_done(struct options *options)
{
	free(options->sizes_pages);
	options->sizes_pages = NULL;
}

static int options_reject(const char *option, const char *value,
			  const char *expected)
{
	log_error("--%s '%s': expected %s", option, value, expected);
	return -EINVAL;
}

static int options_parse_count(const char *option, const char *value,
			       uint64_t min, uint64_t max, const char *expected,
			       uint64_t *ret_count)
{
	if (args_count(value, min, max, ret_count) < 0)
		return options_reject(option, value, expected);
	return 0;
}

/* A name, or the number of a field. */
static void options_parse_column(const char *value,
				 struct mrc_trace_column *ret_column)
{
	uint64_t number;

	if (args_number(value, 1, UINT32_MAX, &number) == 0)
		*ret_column = (struct mrc_trace_column){
			.number = (unsigned int)number,
		};
	else
		*ret_column = (struct mrc_trace_column){ .name = value };
}

static int options_parse_algorithms(const char *value, struct options *options)
{
	char word[WORD_BYTES];

	while (value) {
		if (options->nr_algorithms == OPTIONS_MAX_ALGORITHMS) {
			log_error("at most %d algorithms go in one run",
				  OPTIONS_MAX_ALGORITHMS);
			return -EINVAL;
		}
		if (words_next(&value, ',', word) < 0)
			return options_reject("algorithms", "",
					      "names with commas between them");
		if (algorithm_choose(
			    word,
			    &options->algorithms[options->nr_algorithms]) < 0)
			return -EINVAL;
		options->nr_algorithms++;
	}
	return 0;
}

static void options_add_all_policies(struct options *options)
{
	unsigned int policy;

	options->nr_policies = 0;
	for (policy = 0; policy < MRC_SIM_NR_POLICIES; policy++) {
		if (mrc_sim_policy_name((enum mrc_sim_policy)policy))
			options->policies[options->nr_policies++] =
				(enum mrc_sim_policy)policy;
	}
}

static int options_parse_policies(const char *value, struct options *options)
{
	char word[WORD_BYTES];

	if (strcmp(value, "all") == 0) {
		options_add_all_policies(options);
		return 0;
	}
	while (value) {
		enum mrc_sim_policy policy;

		if (words_next(&value, ',', word) < 0)
			return options_reject("policies", "",
					      "names with commas between them");
		if (mrc_sim_policy_from_name(word, &policy) < 0) {
			log_error(
				"unknown policy '%s': see 'mrc simulate --help'",
				word);
			return -EINVAL;
		}
		if (options->nr_policies == MRC_SIM_NR_POLICIES) {
			log_error("policies are named more than once");
			return -EINVAL;
		}
		options->policies[options->nr_policies++] = policy;
	}
	return 0;
}

static int options_parse_miss_ratios(const char *value, struct options *options)
{
	char word[WORD_BYTES];

	options->nr_miss_ratios = 0;
	while (value) {
		if (options->nr_miss_ratios == OPTIONS_MAX_RATIOS ||
		    words_next(&value, ',', word) < 0 ||
		    args_miss_ratio(
			    word,
			    &options->miss_ratios[options->nr_miss_ratios]) < 0)
			return options_reject(
				"miss-ratio", value ? value : word,
				"percentages such as 5% or fractions such as 0.05, from 0 to "
				"below 100%, with commas between them, at most 8");
		options->nr_miss_ratios++;
	}
	return 0;
}

static int options_parse_target(const char *value, struct options *options)
{
	options->has_to = true;
	options->target = OPTIONS_TO_TRACE;
	if (options->verb == VERB_CONVERT && strcmp(value, "json") == 0)
		options->target = OPTIONS_TO_CURVE_JSON;
	else if (options->verb == VERB_CONVERT && strcmp(value, "binary") == 0)
		options->target = OPTIONS_TO_CURVE_BINARY;
	else if (stream_format_from_name(value, &options->to) < 0 ||
		 options->to == MRC_TRACE_LACKEY ||
		 options->to == MRC_TRACE_PERF)
		return options_reject(
			"to", value,
			options->verb == VERB_CONVERT ?
				"text, u64, csv or oracle-general for a trace, json or binary "
				"for a curve" :
				"text, u64 or csv");
	return 0;
}

static int options_parse_show(const char *value, struct options *options)
{
	size_t i;

	for (i = 0; i < sizeof(options_shows) / sizeof(options_shows[0]); i++) {
		if (strcmp(value, options_shows[i]) == 0) {
			options->show = (enum options_show)i;
			options->has_show = true;
			return 0;
		}
	}
	return options_reject(
		"show", value,
		"miss-ratio, hit-ratio, warm-hit-ratio, hits, misses, write-backs or "
		"amat");
}

static int options_parse_ns(const char *option, const char *value,
			    double *ret_ns)
{
	double ns;

	if (args_decimal(value, &ns) < 0 || ns > OPTIONS_MAX_NS)
		return options_reject(option, value,
				      "nanoseconds, such as 100 or 0.5");
	*ret_ns = ns;
	return 0;
}

static int options_apply_reading(int id, const char *value,
				 struct stream_options *stream,
				 struct options_seen *seen)
{
	struct mrc_trace_options *trace = &stream->trace;

	switch (id) {
	case OPTION_FORMAT:
		stream->has_format = true;
		if (stream_format_from_name(value, &stream->format) < 0)
			return options_reject(
				"format", value,
				"text, u64, csv, oracle-general, lackey or perf");
		return 0;
	case OPTION_COLUMN:
		options_parse_column(value, &trace->page);
		return 0;
	case OPTION_WRITE_COLUMN:
		options_parse_column(value, &trace->write);
		return 0;
	case OPTION_SIZE_COLUMN:
		options_parse_column(value, &trace->size);
		return 0;
	case OPTION_SEPARATOR:
		if (strcmp(value, "\\t") == 0 || strcmp(value, "tab") == 0)
			value = "\t";
		if (strlen(value) != 1 || strchr("\"\r\n", *value))
			return options_reject(
				"separator", value,
				"one character, such as ';', or tab");
		trace->separator = *value;
		return 0;
	case OPTION_HEX:
		trace->is_hex = true;
		return 0;
	case OPTION_HASH:
		trace->hash_ids = true;
		return 0;
	case OPTION_BYTES:
		trace->unit = MRC_TRACE_BYTES;
		return 0;
	case OPTION_PAGE_SIZE:
		seen->page_size = value;
		if (args_size(value, &trace->page_bytes) < 0 ||
		    trace->page_bytes == 0 ||
		    (trace->page_bytes & (trace->page_bytes - 1)))
			return options_reject(
				"page-size", value,
				"a power of two in bytes, such as 4096 or 2MiB");
		return 0;
	case OPTION_SKIP_BAD:
		trace->skip_bad = true;
		return 0;
	case OPTION_FETCHES:
		trace->with_fetches = true;
		return 0;
	case OPTION_SKIP:
		return options_parse_count("skip", value, 0, UINT64_MAX / 2,
					   "a number of accesses, such as 1M",
					   &stream->skip);
	case OPTION_LIMIT:
		return options_parse_count("limit", value, 1, UINT64_MAX / 2,
					   "a number of accesses, such as 1M",
					   &stream->limit);
	case OPTION_WINDOW:
		return options_parse_count("window", value, 1, UINT64_MAX / 2,
					   "a number of accesses, such as 1M",
					   &stream->window);
	default:
		stream->is_quiet = true;
		return 0;
	}
}

static int options_apply_output(int id, const char *value,
				struct options *options,
				struct options_seen *seen)
{
	switch (id) {
	case OPTION_JSON:
		seen->nr_forms++;
		options->form = OPTIONS_JSON;
		return 0;
	case OPTION_CSV:
		seen->nr_forms++;
		options->form = OPTIONS_CSV;
		return 0;
	case OPTION_PLOT:
		seen->nr_forms++;
		options->form = OPTIONS_PLOT;
		return 0;
	case OPTION_SVG:
		if (!*value)
			return options_reject(
				"svg", value,
				"a file, or - for standard output");
		options->svg_path = value;
		return 0;
	case OPTION_OUTPUT:
		if (!*value)
			return options_reject("output", value, "a file");
		if (strcmp(value, "-") != 0)
			options->output_path = value;
		return 0;
	case OPTION_LOG:
		options->is_log = true;
		return 0;
	default:
		if (strcmp(value, "pages") != 0 && strcmp(value, "bytes") != 0)
			return options_reject("unit", value, "pages or bytes");
		options->is_bytes = strcmp(value, "bytes") == 0;
		return 0;
	}
}

static int options_apply(int id, const char *value, struct options *options,
			 struct options_seen *seen)
{
	uint64_t number;

	switch (id) {
	case OPTION_HELP:
		options->is_help = true;
		return 0;
	case OPTION_ALGORITHMS:
		return options_parse_algorithms(value, options);
	case OPTION_POLICIES:
		return options_parse_policies(value, options);
	case OPTION_SEED:
		if (args_number(value, 0, UINT64_MAX, &number) < 0)
			return options_reject("seed", value, "a number");
		options->stream.seed = number;
		options->simulation.seed = number;
		return 0;
	case OPTION_THREADS:
		if (args_number(value, 1, OPTIONS_MAX_THREADS, &number) < 0)
			return options_reject("threads", value,
					      "a number from 1 to 1024");
		options->simulation.nr_threads = (unsigned int)number;
		return 0;
	case OPTION_SIZES:
		seen->sizes = value;
		return 0;
	case OPTION_POINTS:
		options->has_points = true;
		if (args_number(value, 2, OPTIONS_MAX_POINTS, &number) < 0)
			return options_reject(
				"points", value,
				"a number of points from 2 to 100000");
		options->nr_points = (size_t)number;
		return 0;
	case OPTION_MISS_RATIO:
		return options_parse_miss_ratios(value, options);
	case OPTION_MEMORY_NS:
		seen->has_memory_ns = true;
		return options_parse_ns("memory-ns", value,
					&options->memory_ns);
	case OPTION_MISS_NS:
		seen->has_miss_ns = true;
		return options_parse_ns("miss-ns", value, &options->miss_ns);
	case OPTION_SHOW:
		return options_parse_show(value, options);
	case OPTION_TO:
		return options_parse_target(value, options);
	case OPTION_REFERENCE:
		options->reference = value;
		return 0;
	case OPTION_JSON:
	case OPTION_CSV:
	case OPTION_PLOT:
	case OPTION_SVG:
	case OPTION_OUTPUT:
	case OPTION_LOG:
	case OPTION_UNIT:
		return options_apply_output(id, value, options, seen);
	default:
		return options_apply_reading(id, value, &options->stream, seen);
	}
}

/* Reports what getopt_long() did not like about argv[optind - 1]. */
static int options_reject_unknown(const char *verb, int result, char **argv)
{
	const char *word = argv[optind - 1];

	if (result == ':')
		log_error("%s needs a value: see 'mrc %s --help'", word, verb);
	else if (optopt > 0 && optopt < OPTION_HELP)
		log_error("unknown option '-%c': see 'mrc %s --help'", optopt,
			  verb);
	else if (optopt)
		log_error("%s takes no value: see 'mrc %s --help'", word, verb);
	else
		log_error("unknown option '%s': see 'mrc %s --help'", word,
			  verb);
	return -EINVAL;
}

static int options_id_of_letter(int letter)
{
	size_t i;

	for (i = 0; i < OPTIONS_NR_LETTERS; i++) {
		if (options_letters[i].letter == letter)
			return (int)options_letters[i].id;
	}
	return letter;
}

/* What getopt_long() takes, for one verb. */
struct options_getopt {
	struct option table[OPTIONS_NR + 1];
	char letters[2 * OPTIONS_NR_LETTERS + 2];
};

static void options_prepare(enum verb_id verb, struct options_getopt *ret)
{
	size_t nr = 0, i, j;
	char *letter = ret->letters;

	*letter++ = ':';
	for (i = 0; i < OPTIONS_NR; i++) {
		if (!(options_table[i].verbs & verb))
			continue;
		ret->table[nr++] = (struct option){
			.name = options_table[i].name,
			.has_arg = options_table[i].has_value,
			.val = (int)options_table[i].id,
		};
		for (j = 0; j < OPTIONS_NR_LETTERS; j++) {
			if (options_letters[j].id != options_table[i].id ||
			    !(options_letters[j].verbs & verb))
				continue;
			*letter++ = options_letters[j].letter;
			if (options_table[i].has_value == required_argument)
				*letter++ = ':';
		}
	}
	ret->table[nr] = (struct option){ 0 };
	*letter = '\0';
}

static int options_read(int argc, char **argv, struct options *options,
			struct options_seen *seen)
{
	struct options_getopt getopt;

	options_prepare(options->verb, &getopt);
	/* 0 also forgets where an earlier call stood. */
	optind = 0;
	opterr = 0;
	for (;;) {
		int id, err;

		id = getopt_long(argc, argv, getopt.letters, getopt.table,
				 NULL);
		if (id < 0)
			return 0;
		if (id == '?' || id == ':')
			return options_reject_unknown(argv[0], id, argv);
		err = options_apply(options_id_of_letter(id), optarg, options,
				    seen);
		if (err < 0)
			return err;
		if (options->is_help)
			return 0;
	}
}

/* Pages, or with KiB, MiB, GiB, TiB memory. */
static int options_parse_size(const char *text, uint64_t page_bytes,
			      uint64_t *ret_pages)
{
	uint64_t bytes;
	int err;

	if (!strstr(text, "iB"))
		return args_count(text, 1, UINT64_C(1) << 53, ret_pages);
	err = args_size(text, &bytes);
	if (err < 0)
		return err;
	if (bytes < page_bytes || bytes % page_bytes)
		return -ERANGE;
	*ret_pages = bytes / page_bytes;
	return 0;
}

/* SIZE, FIRST-LAST or FIRST-LAST/STEP; adds to the sizes. */
static int options_add_sizes(char *word, uint64_t page_bytes,
			     struct options *options)
{
	char *step_text = words_split(word, '/');
	char *last_text = words_split(word, '-');
	uint64_t first, last, step = 1;

	if (step_text && !last_text)
		return -EINVAL;
	if (options_parse_size(word, page_bytes, &first) < 0)
		return -EINVAL;
	last = first;
	if (last_text &&
	    (options_parse_size(last_text, page_bytes, &last) < 0 ||
	     last < first))
		return -EINVAL;
	if (step_text && options_parse_size(step_text, page_bytes, &step) < 0)
		return -EINVAL;
	if (options->nr_sizes > 0 &&
	    first <= options->sizes_pages[options->nr_sizes - 1])
		return -EINVAL;
	if ((last - first) / step >= OPTIONS_MAX_SIZES - options->nr_sizes)
		return -E2BIG;
	for (; first <= last; first += step)
		options->sizes_pages[options->nr_sizes++] = first;
	return 0;
}

static int options_parse_sizes(const char *value, struct options *options)
{
	char word[WORD_BYTES];
	const char *list = value;
	int err = 0;

	options->sizes_pages =
		calloc(OPTIONS_MAX_SIZES, sizeof(*options->sizes_pages));
	if (!options->sizes_pages) {
		log_error("out of memory");
		return -ENOMEM;
	}
	while (err == 0 && list) {
		err = words_next(&list, ',', word);
		if (err == 0)
			err = options_add_sizes(
				word, options_page_bytes(options), options);
	}
	if (err == -E2BIG)
		return options_reject("sizes", value, "at most 65534 sizes");
	if (err < 0)
		return options_reject(
			"sizes", value,
			"rising sizes in pages or with KiB, MiB, GiB as memory, such as "
			"1-100, 1k-10k/500 or 64MiB,1GiB");
	return 0;
}

static int options_settle_inputs(int argc, char **argv, struct options *options)
{
	size_t i, nr_stdin = 0;

	options->inputs = argv + optind;
	options->nr_inputs = (size_t)(argc - optind);
	for (i = 0; i < options->nr_inputs; i++)
		nr_stdin += strcmp(options->inputs[i], "-") == 0;
	if (options->nr_inputs == 0) {
		log_error(
			options->verb == VERB_GENERATE ?
				"which workload? see 'mrc %s --help'" :
				"which input? a file, - for standard input, or "
				"gen:WORKLOAD: see 'mrc %s --help'",
			argv[0]);
		return -EINVAL;
	}
	if (nr_stdin > 1) {
		log_error("standard input can be read only once");
		return -EINVAL;
	}
	if (options->nr_inputs > 1 &&
	    (options->verb & (VERB_GENERATE | VERB_CONVERT))) {
		log_error("unexpected argument '%s': see 'mrc %s --help'",
			  options->inputs[1], argv[0]);
		return -EINVAL;
	}
	return 0;
}

static void options_default_algorithm(struct options *options)
{
	(void)algorithm_choose(OPTIONS_ALGORITHM,
			       &options->algorithms[options->nr_algorithms++]);
}

/* Checks between options; what the user left open is settled here. */
static int options_settle(struct options *options,
			  const struct options_seen *seen)
{
	size_t i;

	if (seen->nr_forms > 1) {
		log_error("--json, --csv and --plot exclude each other");
		return -EINVAL;
	}
	if (seen->sizes && options->has_points) {
		log_error("--sizes and --points exclude each other");
		return -EINVAL;
	}
	if (seen->sizes && options_parse_sizes(seen->sizes, options) < 0)
		return -EINVAL;
	if (seen->has_memory_ns != seen->has_miss_ns ||
	    (options->show == OPTIONS_SHOW_AMAT && !seen->has_miss_ns)) {
		log_error("AMAT needs both --memory-ns and --miss-ns");
		return -EINVAL;
	}
	options->has_amat = seen->has_miss_ns;
	if (options->verb == VERB_SIMULATE && options->nr_policies == 0)
		options_add_all_policies(options);
	if (options->nr_policies > 0 && options->nr_sizes == 0) {
		log_error(
			"which sizes? such as --sizes 1-100 or --sizes 64MiB,1GiB");
		return -EINVAL;
	}
	if (options->nr_algorithms == 0 && options->nr_policies == 0 &&
	    options->verb != VERB_COMPARE)
		options_default_algorithm(options);
	for (i = 0; i < options->nr_algorithms; i++)
		options->algorithms[i].seed = options->stream.seed;
	if (!options->has_points)
		options->nr_points =
			options->verb == VERB_COMPARE ? OPTIONS_COMPARE_POINTS :
			options->form == OPTIONS_TABLE ? OPTIONS_TABLE_POINTS :
							 OPTIONS_CSV_POINTS;
	return 0;
}

int options_parse(enum verb_id verb, int argc, char **argv,
		  struct options *ret_options)
{
	long nr_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct options options = {
		.verb = verb,
		.miss_ratios = { OPTIONS_MISS_RATIO },
		.nr_miss_ratios = 1,
		.form = verb == VERB_PLOT ? OPTIONS_PLOT : OPTIONS_TABLE,
		.simulation = {
			.nr_threads = nr_cpus > 0 && nr_cpus <= OPTIONS_MAX_THREADS ?
					      (unsigned int)nr_cpus : 1,
		},
	};
	struct options_seen seen = { 0 };
	int err;

	err = options_read(argc, argv, &options, &seen);
	if (err == 0 && !options.is_help)
		err = options_settle_inputs(argc, argv, &options);
	if (err == 0 && !options.is_help)
		err = options_settle(&options, &seen);
	if (err < 0) {
		options_done(&options);
		return err;
	}
	*ret_options = options;
	return 0;
}
