// SPDX-License-Identifier: LGPL-2.1-or-later
/* The command mrc: a table of verbs. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mrc/mrc.h>

#include "interrupt.h"
#include "log.h"
#include "output.h"
#include "verbs.h"
#include "workload.h"

const char log_program[] = "mrc";

#define INPUT_HELP                                                                      \
	"INPUT is a file, - for standard input, or gen:WORKLOAD for a generator (see\n" \
	"'mrc generate --help'); zstd-compressed or not.\n"

#define READING_HELP                                                                     \
	"\n"                                                                             \
	"Reading traces:\n"                                                              \
	"  --format F        text, u64, csv, oracle-general, lackey or perf (default:\n" \
	"                    guessed)\n"                                                 \
	"  --column C        of CSV: field with the page, by number or name (1)\n"       \
	"  --write-column C, --size-column C  of CSV: is it a write; bytes accessed\n"   \
	"  --separator C     of CSV (,)\n"                                               \
	"  --addresses       the numbers are addresses in bytes, not pages\n"            \
	"  --page-size SIZE  power of two (4096)\n"                                      \
	"  --hex             hexadecimal without 0x\n"                                   \
	"  --strings         pages are named by any text\n"                              \
	"  --fetches         of lackey: count instruction fetches too\n"                 \
	"  --skip-bad        leave bad records out instead of stopping\n"                \
	"  --skip N          leave out the first N accesses, to warm up\n"               \
	"  -n, --limit N     then stop after N; a generator makes 1M by itself\n"        \
	"  --seed N          of generators, samples and policies (0)\n"                  \
	"  -q, --quiet       no progress on the terminal\n"

#define ALGORITHM_HELP \
	"  -a, --algorithms LIST  NAME or NAME@PARAMETER, commas between them:\n"

#define SIZES_HELP                                                                   \
	"  -s, --sizes LIST  sizes in pages, or memory with KiB, MiB, GiB: 1-100,\n" \
	"                    1k-10k/500 (in steps of 500), 64MiB,1GiB\n"

static const char curve_help[] =
	"Usage: mrc curve INPUT... [options]\n"
	"\n"
	"Show the miss-ratio curve of a trace under LRU: which share of the accesses\n"
	"misses, by size of memory. Several algorithms go over it in one pass.\n"
	"\n" INPUT_HELP "\n"
	"Options:\n" ALGORITHM_HELP "%algorithms%" SIZES_HELP
	"  --points N        else so many sizes, evenly spread (21)\n"
	"  --window N        a curve for each N accesses\n"
	"  --unit U          show sizes in pages (default) or bytes\n"
	"  --json            all points, one object a curve; 'mrc plot' reads it\n"
	"  --csv             comma-separated values\n"
	"  --plot            plot in the terminal\n"
	"  --svg FILE        also write a picture; - for standard output alone\n"
	"  -o, --output FILE also write the curves, as --json does\n"
	"  --log-x           logarithmic axis and sizes\n" READING_HELP "\n"
	"Examples:\n"
	"  mrc curve gen:zipf:pages=10k -a aet,lru\n"
	"  mrc generate zipf:pages=10k | mrc curve - --plot\n"
	"  mrc curve gen:zipf:pages=10k --svg zipf.svg --log-x\n"
	"  mrc curve gen:loop:pages=1k --json >loop.json\n";

static const char wss_help[] =
	"Usage: mrc wss INPUT... [options]\n"
	"\n"
	"Show the working-set size of a trace: the smallest LRU memory with a tolerable\n"
	"miss ratio.\n"
	"\n" INPUT_HELP "\n"
	"Options:\n"
	"  --miss-ratio LIST tolerated miss ratios, 5% or 0.05 (5%)\n"
	"  --window N        one for each N accesses: working sets over time\n" ALGORITHM_HELP
	"%algorithms%"
	"  --json            one object per line and window\n"
	"  --csv             comma-separated values\n" READING_HELP "\n"
	"Examples:\n"
	"  mrc wss gen:zipf:pages=10k --miss-ratio 20%,10%,5%\n"
	"  mrc wss gen:phases:sizes=1k-5k-2k --window 4k\n";

static const char simulate_help[] =
	"Usage: mrc simulate INPUT... --sizes LIST [options]\n"
	"\n"
	"Simulate page-replacement policies. With one size: hits with cold misses and\n"
	"(WARM) without, write-backs and access times. With several: a table.\n"
	"\n" INPUT_HELP "\n"
	"Options:\n" SIZES_HELP
	"  -p, --policies LIST  of these, or all (default); commas between them:\n"
	"%policies%"
	"  --show WHAT       of several sizes: miss-ratio (default), hit-ratio,\n"
	"                    warm-hit-ratio, hits, misses, write-backs or amat\n"
	"  --memory-ns T     time of a hit in nanoseconds, for amat\n"
	"  --miss-ns T       time of a miss\n"
	"  --threads N       threads (number of CPUs)\n"
	"  --unit U          show sizes in pages (default) or bytes\n"
	"  --json, --csv     for programs: all that is known\n"
	"  --plot            plot in the terminal\n"
	"  --svg FILE        also write a picture; - for standard output alone\n"
	"  --log-x           logarithmic axis\n" READING_HELP "\n"
	"Examples:\n"
	"  mrc simulate gen:80-20:pages=100 -n 10k -s 20 --memory-ns 100 --miss-ns 10000000\n"
	"  mrc simulate gen:loop:pages=50 -n 10k -s 45-55 -p lru,random,opt --show hit-ratio\n"
	"  printf '0 1 2 0 1 3 0 3 1 2 1' | tr ' ' '\\n' | mrc simulate - -s 3\n";

static const char compare_help[] =
	"Usage: mrc compare INPUT... [options]\n"
	"\n"
	"Compare algorithms with the exact curve of a trace: mean and maximum of the\n"
	"absolute error, speed, and memory allocated at peak. Or compare curves from\n"
	"files: the first one with the others.\n"
	"\n" INPUT_HELP "\n"
	"Options:\n" ALGORITHM_HELP "%algorithms%"
	"                    (default: all)\n"
	"  --reference FILE  a curve instead of the exact one\n" SIZES_HELP
	"  --points N        else so many sizes, evenly spread (100)\n"
	"  --log-x           spread them logarithmically\n"
	"  --json            one object per line and input\n"
	"  --csv             comma-separated values\n" READING_HELP "\n"
	"Examples:\n"
	"  mrc compare gen:zipf:pages=100k,scatter=1\n"
	"  mrc compare gen:zipf:pages=100k -a aet --csv\n";

static const char generate_help[] =
	"Usage: mrc generate WORKLOAD [options]\n"
	"\n"
	"Write the trace of a synthetic workload.\n"
	"\n"
	"%workloads%"
	"\n"
	"Options:\n"
	"  -n, --accesses N  so many (1M)\n"
	"  --skip N          leave out the first N\n"
	"  --seed N          other random numbers (0)\n"
	"  --to FORMAT       text (default), u64 or csv\n"
	"  -o, --output FILE instead of standard output; replaced only when complete\n"
	"  -q, --quiet       no progress on the terminal\n"
	"\n"
	"Examples:\n"
	"  mrc generate zipf:pages=1M,alpha=0.8 -n 20k | mrc curve -\n"
	"  mrc generate zipf:pages=200k,weight=0.7+scan:first=1M,weight=0.3 --to u64 -o mix.u64\n"
	"  mrc generate loop:pages=10,accesses=100/uniform:pages=50,accesses=200,writes=0.5 -n 300\n";

static const char convert_help[] =
	"Usage: mrc convert INPUT [options]\n"
	"\n"
	"Write a trace in another format, or a curve in its other one.\n"
	"\n" INPUT_HELP "\n"
	"Options:\n"
	"  --to FORMAT       trace: text (default), u64, csv, oracle-general (only from\n"
	"                    itself); curve: json (default), binary\n"
	"  -o, --output FILE instead of standard output; replaced only when complete\n" READING_HELP
	"\n"
	"Examples:\n"
	"  mrc convert gen:zipf:pages=1k --to u64 -n 5k -o zipf.u64\n"
	"  mrc curve gen:zipf:pages=1k --json | mrc convert - --to binary -o zipf.mrc\n";

static const char plot_help[] =
	"Usage: mrc plot INPUT... [options]\n"
	"\n"
	"Plot curves. All curve files of a line go into one picture; each trace makes a\n"
	"plot of its own beside it, with a curve for each algorithm and policy.\n"
	"\n" INPUT_HELP "\n"
	"Options:\n"
	"  --svg FILE        write a picture instead of plotting in the terminal; - for\n"
	"                    standard output\n" ALGORITHM_HELP "%algorithms%"
	"  -p, --policies LIST  or all; see 'mrc simulate --help'; they need --sizes\n" SIZES_HELP
	"  --threads N       threads for policies (number of CPUs)\n"
	"  --unit U          show sizes in pages (default) or bytes\n"
	"  --log-x           logarithmic axis\n" READING_HELP "\n"
	"Examples:\n"
	"  mrc curve gen:loop:pages=1k --json >loop.json\n"
	"  mrc plot loop.json\n"
	"  mrc plot loop.json --svg - --unit bytes >loop.svg\n"
	"The workloads of 'Operating Systems: Three Easy Pieces', under all policies:\n"
	"  mrc plot -p all -s 1-100 -n 10k gen:uniform:pages=100 gen:80-20:pages=100 "
	"gen:loop:pages=50 --svg ostep.svg\n";

static const char main_help[] =
	"Usage: mrc VERB INPUT... [options]\n"
	"\n"
	"How much memory does it take? Miss-ratio curves of page-access traces.\n"
	"\n"
	"Verbs:\n"
	"  curve      miss-ratio curve of a trace, by several algorithms\n"
	"  wss        working-set size, also over time\n"
	"  simulate   page-replacement policies: hits, misses, access times\n"
	"  compare    algorithms against the exact curve: error, speed, memory\n"
	"  generate   synthetic traces\n"
	"  convert    traces and curves between formats\n"
	"  plot       curves as SVG or in the terminal\n"
	"\n"
	"Options:\n"
	"  --help     this text; 'mrc VERB --help' for a verb\n"
	"  --version  the version\n"
	"\n"
	"Examples:\n"
	"  mrc curve gen:zipf:pages=10k --plot\n"
	"  mrc wss gen:zipf:pages=10k --miss-ratio 20%,10%\n"
	"  mrc simulate gen:80-20:pages=100 -n 10k -s 20\n";

struct verb {
	const char *name;
	enum verb_id id;
	const char *help;
	int (*run)(const struct options *options);
};

static const struct verb verbs[] = {
	{ "curve", VERB_CURVE, curve_help, verb_measure },
	{ "wss", VERB_WSS, wss_help, verb_wss },
	{ "simulate", VERB_SIMULATE, simulate_help, verb_measure },
	{ "compare", VERB_COMPARE, compare_help, verb_compare },
	{ "generate", VERB_GENERATE, generate_help, verb_generate },
	{ "convert", VERB_CONVERT, convert_help, verb_convert },
	{ "plot", VERB_PLOT, plot_help, verb_measure },
};

int verb_status(int err)
{
	if (err >= 0)
		return EXIT_STATUS_OK;
	return err == -EPIPE ? EXIT_STATUS_PIPE : EXIT_STATUS_FAILED;
}

const char *verb_title(const char *input)
{
	if (strcmp(input, "-") == 0)
		return "standard input";
	return stream_is_generator(input) ? strchr(input, ':') + 1 : input;
}

/* https://no-color.org: any value but the empty one. */
bool verb_is_coloured(void)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_color && *no_color) &&
	       !(term && strcmp(term, "dumb") == 0);
}

static void print_algorithms(void)
{
	static const char *const parameters[] = {
		[ALGORITHM_PLAIN] = "",
		[ALGORITHM_RATE] = "@RATE",
		[ALGORITHM_SAMPLES] = "@PAGES",
	};
	size_t i;

	for (i = 0; i < nr_algorithms; i++)
		(void)printf("      %s%-*s %s\n", algorithms[i].name,
			     24 - (int)strlen(algorithms[i].name),
			     parameters[algorithms[i].parameter],
			     algorithms[i].description);
}

static void print_policies(void)
{
	size_t i;

	for (i = 0; i < MRC_SIM_NR_POLICIES; i++) {
		const struct mrc_sim_policy_info *info =
			mrc_sim_policy_info((enum mrc_sim_policy)i);

		if (info)
			(void)printf("      %-14s %s\n", info->name,
				     info->description);
	}
}

static void print_workloads(void)
{
	(void)fputs(workload_help, stdout);
}

/* What a table elsewhere says is put in here. */
static int print_help(const char *help)
{
	static const struct {
		const char *mark;
		void (*print)(void);
	} inserts[] = {
		{ "%algorithms%", print_algorithms },
		{ "%policies%", print_policies },
		{ "%workloads%", print_workloads },
	};
	const char *mark;

	errno = 0;
	while ((mark = strchr(help, '%'))) {
		size_t i;

		(void)fwrite(help, 1, (size_t)(mark - help), stdout);
		help = mark;
		for (i = 0; i < sizeof(inserts) / sizeof(inserts[0]); i++) {
			size_t length = strlen(inserts[i].mark);

			if (strncmp(mark, inserts[i].mark, length) != 0)
				continue;
			inserts[i].print();
			help = mark + length;
		}
		if (help == mark)
			(void)fputc(*help++, stdout);
	}
	(void)fputs(help, stdout);
	return verb_status(output_check_stdout());
}

static int run_verb(const struct verb *verb, int argc, char **argv)
{
	struct options options;
	int status;

	if (options_parse(verb->id, argc, argv, &options) < 0)
		return EXIT_STATUS_USAGE;
	status = options.is_help ? print_help(verb->help) : verb->run(&options);
	options_done(&options);
	return status;
}

int main(int argc, char **argv)
{
	size_t i;

	/* A closed pipe is noticed by the write that fails. */
	(void)signal(SIGPIPE, SIG_IGN);
	interrupt_start();
	if (argc < 2) {
		log_error(
			"which verb? curve, wss, simulate, compare, generate, "
			"convert or plot: see 'mrc --help'");
		return EXIT_STATUS_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    (strcmp(argv[1], "help") == 0 && argc == 2))
		return print_help(main_help);
	if (strcmp(argv[1], "--version") == 0)
		return print_help("mrc " MRC_VERSION_STRING "\n");
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(argv[1], verbs[i].name) == 0)
			return run_verb(&verbs[i], argc - 1, argv + 1);
	}
	log_error("unknown verb '%s': see 'mrc --help'", argv[1]);
	return EXIT_STATUS_USAGE;
}
