// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fakebench: a load whose working set is known.
 *
 * Allocates memory for the largest size once, then scans the first pages of it
 * for each size of a list, touching a page once per visit. The working set of
 * a step is its size, plus the few pages of code and stack.
 *
 * A pass over N pages is N accesses: each page once in order, or N times a
 * page drawn uniformly at random (so a random pass leaves out about 37 % of
 * the pages and its miss ratio at c pages is 1 - c / N).
 *
 * Every event is one line, written at once so that a console shows it even if
 * the machine dies next; t is CLOCK_MONOTONIC in seconds:
 *
 *	fakebench: t=2.104 ready pages=20480 page_bytes=4096 order=sequential
 *		access=load seed=1		(on one line)
 *	fakebench: t=12.345 step=2 size_pages=12288 begin
 *	fakebench: t=22.401 step=2 size_pages=12288 end passes=31 accesses=380928
 *	fakebench: t=30.002 done steps=3 checked_pages=20480
 *
 * Each page holds a word derived from its number. Loads compare it, stores
 * count in the word behind it, and at the end all pages are compared and the
 * counts summed: a guest whose memory was lost or mixed up ends with "corrupt"
 * instead of "done".
 *
 * Exit status: 0 done, 1 corrupt memory or a failed system call, 2 usage.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MAX_STEPS 256
#define BYTES_PER_MIB (UINT64_C(1) << 20)
/* 64 TiB: far above any guest, far below what overflows. */
#define MAX_PAGES (UINT64_C(1) << 34)
#define MAX_SECONDS 1000000
/* Accesses between two looks at the clock. */
#define RANDOM_AT_ONCE 64

enum exit_status {
	EXIT_OK,
	EXIT_FAILED,
	EXIT_USAGE
};

struct options {
	uint64_t sizes_pages[MAX_STEPS];
	size_t nr_steps;
	uint64_t max_pages;
	uint64_t passes; /* 0: run each step for @seconds */
	uint64_t seconds;
	uint64_t idle_seconds;
	uint64_t seed;
	bool is_random;
	bool is_write;
	bool is_started_by_line;
	bool is_freeing;
};

/* What every page begins with. */
struct page {
	volatile uint64_t pattern;
	volatile uint64_t nr_stores;
};

struct memory {
	char *base;
	uint64_t nr_pages; /* that are filled */
	uint64_t page_bytes;
	uint64_t nr_stores;
	uint64_t nr_corrupt; /* loads that saw a wrong pattern */
};

static const char usage[] =
	"usage: fakebench --list SIZE[,SIZE...] (--passes N | --seconds N)\n"
	"                 [--unit MiB|pages] [--max SIZE] [--random] [--seed N]\n"
	"                 [--write] [--idle SECONDS] [--wait] [--free]\n"
	"\n"
	"  --list      sizes to scan, one step each\n"
	"  --passes    passes over each size\n"
	"  --seconds   time per step; a pass under way is completed, unless --random\n"
	"  --unit      unit of SIZE: MiB (default), or pages\n"
	"  --max       memory to allocate, if more than the largest size\n"
	"  --random    random pages instead of one after the other\n"
	"  --seed      of the random pages and of the contents (default 1)\n"
	"  --write     store into each page visited, not only load\n"
	"  --idle      wait between allocating and the first step (default 0)\n"
	"  --wait      begin the first step when standard input has a line, so that\n"
	"              several guests can be started at once\n"
	"  --free      give back the pages that a step does not scan, and fill them\n"
	"              anew for the next one that does; not with --write\n"
	"\n"
	"  fakebench --list 16,48,80,48,16 --seconds 10\n"
	"  fakebench --list 1000 --unit pages --passes 100 --random --seed 7\n";

static void __attribute__((noreturn, format(printf, 2, 3)))
die(enum exit_status status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("fakebench: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(status);
}

static double now_seconds(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
		die(EXIT_FAILED, "clock_gettime: %s", strerror(errno));
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Print one line with the time in front, past all buffers of ours. */
static void __attribute__((format(printf, 1, 2)))
report(const char *format, ...)
{
	char line[256];
	va_list args;
	size_t length;
	size_t done = 0;

	length = (size_t)snprintf(line, sizeof(line), "fakebench: t=%.3f ",
				  now_seconds());
	va_start(args, format);
	length += (size_t)vsnprintf(line + length, sizeof(line) - length - 1,
				    format, args);
	va_end(args);
	if (length > sizeof(line) - 2)
		length = sizeof(line) - 2;
	line[length++] = '\n';

	while (done < length) {
		ssize_t written =
			write(STDOUT_FILENO, line + done, length - done);

		if (written < 0 && errno != EINTR)
			die(EXIT_FAILED, "cannot write: %s", strerror(errno));
		if (written > 0)
			done += (size_t)written;
	}
}

/*
 * Parse a whole number in [@min, @max]. With @ret_end, a comma may end it, as in
 * a list; without, only the end of @text.
 */
static uint64_t parse_number(const char *option, const char *text,
			     const char **ret_end, uint64_t min, uint64_t max)
{
	uint64_t value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	/* strtoull() takes blanks and a minus sign, which wraps around. */
	if (text[0] < '0' || text[0] > '9' || errno != 0 || value < min ||
	    value > max || (*end != '\0' && (ret_end == NULL || *end != ',')))
		die(EXIT_USAGE,
		    "--%s: not a whole number from %" PRIu64 " to %" PRIu64
		    ": %s",
		    option, min, max, text);
	if (ret_end != NULL)
		*ret_end = end;
	return value;
}

static void parse_list(const char *text, uint64_t pages_per_unit,
		       struct options *options)
{
	while (true) {
		if (options->nr_steps == MAX_STEPS)
			die(EXIT_USAGE, "--list: more than %d sizes",
			    MAX_STEPS);
		options->sizes_pages[options->nr_steps++] =
			pages_per_unit *
			parse_number("list", text, &text, 1,
				     MAX_PAGES / pages_per_unit);
		if (*text == '\0')
			return;
		text++;
	}
}

static struct options parse_options(int argc, char **argv, uint64_t page_bytes)
{
	static const struct option long_options[] = {
		{ "list", required_argument, NULL, 'l' },
		{ "unit", required_argument, NULL, 'u' },
		{ "passes", required_argument, NULL, 'p' },
		{ "seconds", required_argument, NULL, 's' },
		{ "max", required_argument, NULL, 'm' },
		{ "random", no_argument, NULL, 'r' },
		{ "seed", required_argument, NULL, 'e' },
		{ "write", no_argument, NULL, 'w' },
		{ "idle", required_argument, NULL, 'i' },
		{ "wait", no_argument, NULL, 'W' },
		{ "free", no_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct options options = { .seed = 1 };
	uint64_t pages_per_unit = BYTES_PER_MIB / page_bytes;
	const char *list = NULL;
	const char *max = NULL;
	int option;
	size_t i;

	/* The colon asks for ':' where a value is missing; one line is ours. */
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", long_options, NULL)) >=
	       0) {
		switch (option) {
		case 'l':
			list = optarg;
			break;
		case 'u':
			if (strcmp(optarg, "pages") == 0)
				pages_per_unit = 1;
			else if (strcmp(optarg, "MiB") == 0)
				pages_per_unit = BYTES_PER_MIB / page_bytes;
			else
				die(EXIT_USAGE,
				    "--unit: neither MiB nor pages: %s",
				    optarg);
			break;
		case 'p':
			options.passes = parse_number("passes", optarg, NULL, 1,
						      UINT64_MAX);
			break;
		case 's':
			options.seconds = parse_number("seconds", optarg, NULL,
						       1, MAX_SECONDS);
			break;
		case 'm':
			max = optarg;
			break;
		case 'r':
			options.is_random = true;
			break;
		case 'e':
			options.seed = parse_number("seed", optarg, NULL, 0,
						    UINT64_MAX);
			break;
		case 'w':
			options.is_write = true;
			break;
		case 'i':
			options.idle_seconds = parse_number(
				"idle", optarg, NULL, 0, MAX_SECONDS);
			break;
		case 'W':
			options.is_started_by_line = true;
			break;
		case 'f':
			options.is_freeing = true;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(EXIT_OK);
		case ':':
			die(EXIT_USAGE, "%s needs a value; see --help",
			    argv[optind - 1]);
		default:
			die(EXIT_USAGE, "cannot understand %s; see --help",
			    argv[optind - 1]);
		}
	}
	if (optind < argc)
		die(EXIT_USAGE, "unexpected argument: %s", argv[optind]);
	if (list == NULL)
		die(EXIT_USAGE, "no --list of sizes; see --help");
	if ((options.passes == 0) == (options.seconds == 0))
		die(EXIT_USAGE, "give either --passes or --seconds");
	if (options.is_freeing && options.is_write)
		die(EXIT_USAGE,
		    "--free: not with --write, whose stores it would lose");

	/* The unit may come behind the sizes. */
	parse_list(list, pages_per_unit, &options);
	for (i = 0; i < options.nr_steps; i++)
		if (options.sizes_pages[i] > options.max_pages)
			options.max_pages = options.sizes_pages[i];
	if (max != NULL) {
		uint64_t max_pages = pages_per_unit *
				     parse_number("max", max, NULL, 1,
						  MAX_PAGES / pages_per_unit);

		if (max_pages < options.max_pages)
			die(EXIT_USAGE, "--max: less than the largest size: %s",
			    max);
		options.max_pages = max_pages;
	}
	return options;
}

/* Finalizer of splitmix64 (Steele, Lea and Flood, OOPSLA'14). */
static uint64_t mix64(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static uint64_t next_random(uint64_t *state)
{
	return mix64(*state += UINT64_C(0x9e3779b97f4a7c15));
}

/* Different in every page, so that nothing can be merged or confused. */
static uint64_t pattern_of(uint64_t page, uint64_t seed)
{
	return mix64(page + 1) ^ seed;
}

static struct page *page_at(const struct memory *memory, uint64_t page)
{
	return (struct page *)(memory->base + page * memory->page_bytes);
}

/* Have @nr_pages filled, and no more. */
static void resize(struct memory *memory, uint64_t nr_pages, uint64_t seed)
{
	uint64_t page;

	if (nr_pages < memory->nr_pages &&
	    madvise(page_at(memory, nr_pages),
		    (memory->nr_pages - nr_pages) * memory->page_bytes,
		    MADV_DONTNEED) < 0)
		die(EXIT_FAILED, "madvise: %s", strerror(errno));
	for (page = memory->nr_pages; page < nr_pages; page++)
		page_at(memory, page)->pattern = pattern_of(page, seed);
	memory->nr_pages = nr_pages;
}

static struct memory allocate(const struct options *options,
			      uint64_t page_bytes)
{
	struct memory memory = { .page_bytes = page_bytes };
	uint64_t max_pages = options->max_pages;

	if (max_pages > SIZE_MAX / page_bytes)
		die(EXIT_FAILED, "cannot allocate %" PRIu64 " pages: %s",
		    max_pages, strerror(ENOMEM));
	memory.base = mmap(NULL, max_pages * page_bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory.base == MAP_FAILED)
		die(EXIT_FAILED, "cannot allocate %" PRIu64 " pages: %s",
		    max_pages, strerror(errno));
	/* EINVAL: a kernel without huge pages, which is as good. */
	if (madvise(memory.base, max_pages * page_bytes, MADV_NOHUGEPAGE) < 0 &&
	    errno != EINVAL)
		die(EXIT_FAILED, "madvise: %s", strerror(errno));
	resize(&memory,
	       options->is_freeing ? options->sizes_pages[0] : max_pages,
	       options->seed);
	return memory;
}

static void visit(struct memory *memory, const struct options *options,
		  uint64_t page)
{
	struct page *content = page_at(memory, page);

	if (options->is_write) {
		content->nr_stores++;
		memory->nr_stores++;
	} else if (content->pattern != pattern_of(page, options->seed)) {
		memory->nr_corrupt++;
	}
}

static void run_pass(struct memory *memory, const struct options *options,
		     uint64_t size_pages)
{
	uint64_t i;

	for (i = 0; i < size_pages; i++)
		visit(memory, options, i);
}

static void visit_random(struct memory *memory, const struct options *options,
			 uint64_t size_pages, uint64_t nr_visits,
			 uint64_t *random_state)
{
	uint64_t i;

	for (i = 0; i < nr_visits; i++)
		visit(memory, options, next_random(random_state) % size_pages);
}

static void run_step(struct memory *memory, const struct options *options,
		     size_t step, uint64_t *random_state)
{
	uint64_t size_pages = options->sizes_pages[step];
	/* A guest that swaps takes long for a pass at random, which has no end. */
	uint64_t at_once = options->is_random && options->passes == 0 &&
					   size_pages > RANDOM_AT_ONCE ?
				   RANDOM_AT_ONCE :
				   size_pages;
	double end_seconds;
	uint64_t accesses = 0;

	report("step=%zu size_pages=%" PRIu64 " begin", step + 1, size_pages);
	if (options->is_freeing)
		resize(memory, size_pages, options->seed);
	end_seconds = now_seconds() + (double)options->seconds;
	do {
		if (options->is_random)
			visit_random(memory, options, size_pages, at_once,
				     random_state);
		else
			run_pass(memory, options, size_pages);
		accesses += at_once;
	} while (options->passes != 0 ?
			 accesses / size_pages < options->passes :
			 now_seconds() < end_seconds);
	report("step=%zu size_pages=%" PRIu64 " end passes=%" PRIu64
	       " accesses=%" PRIu64,
	       step + 1, size_pages, accesses / size_pages, accesses);
}

static enum exit_status check(const struct memory *memory,
			      const struct options *options)
{
	uint64_t nr_corrupt = 0;
	uint64_t nr_stores = 0;
	uint64_t page;

	for (page = 0; page < memory->nr_pages; page++) {
		const struct page *content = page_at(memory, page);

		nr_corrupt += content->pattern !=
			      pattern_of(page, options->seed);
		nr_stores += content->nr_stores;
	}
	if (nr_corrupt != 0 || memory->nr_corrupt != 0 ||
	    nr_stores != memory->nr_stores) {
		report("corrupt pages=%" PRIu64 " loads=%" PRIu64
		       " stores_found=%" PRIu64 " stores_done=%" PRIu64,
		       nr_corrupt, memory->nr_corrupt, nr_stores,
		       memory->nr_stores);
		return EXIT_FAILED;
	}
	report("done steps=%zu checked_pages=%" PRIu64, options->nr_steps,
	       memory->nr_pages);
	return EXIT_OK;
}

static void sleep_seconds(uint64_t seconds)
{
	struct timespec left = { .tv_sec = (time_t)seconds };

	while (nanosleep(&left, &left) < 0)
		if (errno != EINTR)
			die(EXIT_FAILED, "nanosleep: %s", strerror(errno));
}

static void wait_for_line(void)
{
	char c;
	ssize_t nr_read;

	do {
		nr_read = read(STDIN_FILENO, &c, 1);
		if (nr_read < 0 && errno != EINTR)
			die(EXIT_FAILED, "cannot read standard input: %s",
			    strerror(errno));
		if (nr_read == 0)
			die(EXIT_FAILED, "--wait: no line on standard input");
	} while (nr_read < 0 || c != '\n');
}

int main(int argc, char **argv)
{
	uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	struct options options = parse_options(argc, argv, page_bytes);
	struct memory memory = allocate(&options, page_bytes);
	uint64_t random_state = options.seed;
	size_t step;

	report("ready pages=%" PRIu64 " page_bytes=%" PRIu64
	       " order=%s access=%s seed=%" PRIu64,
	       memory.nr_pages, memory.page_bytes,
	       options.is_random ? "random" : "sequential",
	       options.is_write ? "store" : "load", options.seed);
	if (options.is_started_by_line)
		wait_for_line();
	sleep_seconds(options.idle_seconds);
	for (step = 0; step < options.nr_steps; step++)
		run_step(&memory, &options, step, &random_state);
	return check(&memory, &options);
}
