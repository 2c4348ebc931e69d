// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What libmrc costs, as ratios to straightforward programs for the same thing.
 *
 * In a group all rows run in turn on one trace, several times, each in a process
 * of its own; what counts is the median of the CPU times, so that a noisy
 * machine hits all alike. Memory is the largest resident set beyond what was
 * there before. The report is Markdown, and ends with what each target came to.
 */
#include "bench_mrc.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_RUNS 64
#define MAX_ROWS 16

/* Accesses of the run before the one that is measured: some are in a sample. */
#define NR_WARM_UP 50000

static const struct group *const groups[] = {
	&group_aet, &group_lru, &group_shards, &group_sim, &group_sim_more,
};

#define NR_GROUPS (sizeof(groups) / sizeof(groups[0]))

struct cost {
	double seconds;
	double kib;
};

/* Medians, by row and trace. */
struct result {
	struct cost costs[MAX_ROWS][NR_TRACES];
};

/* What a target came to. */
struct verdict {
	const struct group *group;
	const struct row *row;
	char measured[48];
	char target[48];
	bool is_met;
};

static struct verdict verdicts[64];
static size_t nr_verdicts;

static size_t nr_runs = 6;
static size_t nr_accesses = 20000000;

void must(int is_true, const char *what)
{
	if (is_true)
		return;
	fprintf(stderr, "bench_mrc: failed: %s\n", what);
	exit(1);
}

/* A line "key: n kB" of /proc/self/status. */
static double status_kib(const char *key)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[256];
	double kib = 0;

	MUST(file != NULL);
	while (fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, key, strlen(key)) == 0)
			kib = strtod(line + strlen(key) + 1, NULL);
	(void)fclose(file);
	return kib;
}

/* Makes VmHWM the present VmRSS. */
static void reset_peak(void)
{
	FILE *file = fopen("/proc/self/clear_refs", "w");

	MUST(file != NULL && fputs("5", file) >= 0 && fclose(file) == 0);
}

static double cpu_seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static struct cost measure_here(const struct row *row,
				const struct trace *trace)
{
	struct trace start = *trace;
	volatile uint64_t sum = 0;
	struct cost cost;
	double before;
	size_t i;

	/*
	 * A child has yet to map what it shares with its parent: the trace, and
	 * by a short run the code.
	 */
	for (i = 0; i < trace->nr_accesses; i += 256)
		sum += trace->pages[i];
	if (start.nr_accesses > NR_WARM_UP)
		start.nr_accesses = NR_WARM_UP;
	row->run(&start);
	reset_peak();
	before = status_kib("VmRSS");
	cost.seconds = cpu_seconds();
	row->run(trace);
	cost.seconds = cpu_seconds() - cost.seconds;
	cost.kib = status_kib("VmHWM") - before;
	return cost;
}

static struct cost measure(const struct row *row, const struct trace *trace)
{
	struct cost cost = { 0 };
	int status = 0;
	int fds[2];
	pid_t child;

	MUST(pipe(fds) == 0);
	(void)fflush(stdout);
	child = fork();
	MUST(child >= 0);
	if (child == 0) {
		cost = measure_here(row, trace);
		MUST(write(fds[1], &cost, sizeof(cost)) == sizeof(cost));
		_exit(0);
	}
	(void)close(fds[1]);
	MUST(read(fds[0], &cost, sizeof(cost)) == sizeof(cost));
	(void)close(fds[0]);
	MUST(waitpid(child, &status, 0) == child && status == 0);
	return cost;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t nr)
{
	qsort(values, nr, sizeof(*values), compare_doubles);
	return (values[nr / 2] + values[(nr - 1) / 2]) / 2;
}

static void measure_trace(const struct group *group, char name,
			  struct cost (*ret_costs)[NR_TRACES])
{
	static double seconds[MAX_ROWS][MAX_RUNS];
	static double kib[MAX_ROWS][MAX_RUNS];
	struct trace trace = trace_new(name, nr_accesses, 1);
	size_t nr = nr_runs;
	size_t run;
	size_t r;

	if (group->max_runs > 0 && group->max_runs < nr)
		nr = group->max_runs;
	for (run = 0; run < nr; run++)
		for (r = 0; r < group->nr_rows; r++) {
			struct cost cost = measure(&group->rows[r], &trace);

			seconds[r][run] = cost.seconds;
			kib[r][run] = cost.kib;
		}
	for (r = 0; r < group->nr_rows; r++)
		ret_costs[r][name - 'a'] = (struct cost){
			.seconds = median(seconds[r], nr),
			.kib = median(kib[r], nr),
		};
	trace_free(&trace);
}

static double mega_refs(const struct cost *cost)
{
	return (double)nr_accesses / cost->seconds * 1e-6;
}

/* Geometric mean over the traces of how much faster @row is than row 0. */
static double mean_ratio(const struct group *group, const struct result *result,
			 size_t row)
{
	const char *name;
	double sum = 0;

	for (name = group->traces; *name != '\0'; name++)
		sum += log(result->costs[0][*name - 'a'].seconds /
			   result->costs[row][*name - 'a'].seconds);
	return exp(sum / (double)strlen(group->traces));
}

/* Pages that a trace of this length has on average are not worth counting. */
static double bytes_per_page(const struct cost *cost, char name)
{
	static const double nr_pages[NR_TRACES] = { 1e6,   3e5, 5e5,
						    1.2e6, 1e6, 8e5 };

	return cost->kib * 1024 / nr_pages[name - 'a'];
}

/* @is_least: @target is the least that is good, not the most. */
static void judge(const struct group *group, const struct row *row,
		  double measured, bool is_least, double target,
		  const char *unit)
{
	struct verdict *verdict = &verdicts[nr_verdicts];

	if (target == 0)
		return;
	MUST(nr_verdicts < sizeof(verdicts) / sizeof(verdicts[0]));
	nr_verdicts++;
	verdict->group = group;
	verdict->row = row;
	(void)snprintf(verdict->measured, sizeof(verdict->measured), "%.3g%s",
		       measured, unit);
	(void)snprintf(verdict->target, sizeof(verdict->target), "%s %.3g%s",
		       is_least ? ">=" : "<=", target, unit);
	verdict->is_met = is_least ? measured >= target : measured <= target;
}

static void judge_row(const struct group *group, const struct result *result,
		      size_t r)
{
	const struct row *row = &group->rows[r];
	double ratio = mean_ratio(group, result, r);
	double slowest = INFINITY;
	double longest = 0;
	double most_bytes = 0;
	double most_kib = 0;
	const char *name;

	for (name = group->traces; *name != '\0'; name++) {
		const struct cost *cost = &result->costs[r][*name - 'a'];

		slowest = fmin(slowest, mega_refs(cost));
		longest = fmax(longest, cost->seconds);
		most_bytes = fmax(most_bytes, bytes_per_page(cost, *name));
		most_kib = fmax(most_kib, cost->kib);
	}
	judge(group, row, ratio, true, row->min_ratio, "x");
	if (row->max_loss > 0)
		judge(group, row,
		      100 - 100 * ratio / mean_ratio(group, result, r - 1),
		      false, 100 * row->max_loss, " % slower");
	judge(group, row, slowest, true, row->min_mega_refs, " M/s");
	judge(group, row, longest, false, row->max_seconds, " s");
	judge(group, row, most_bytes, false, row->max_bytes_per_page,
	      " bytes/page");
	judge(group, row, most_kib / 1024, false, row->max_mebibytes, " MiB");
}

static void print_verdicts(void)
{
	size_t i;

	if (nr_verdicts == 0)
		return;
	printf("\n## Targets\n\n| group | row | measured | target | |\n"
	       "|---|---|---|---|---|\n");
	for (i = 0; i < nr_verdicts; i++)
		printf("| %s | %s | %s | %s | %s |\n", verdicts[i].group->name,
		       verdicts[i].row->name, verdicts[i].measured,
		       verdicts[i].target,
		       verdicts[i].is_met ? "met" : "**missed**");
}

static void print_group(const struct group *group, const struct result *result)
{
	const char *name;
	size_t r;

	printf("\n## %s\n\n| M references/s |", group->title);
	for (name = group->traces; *name != '\0'; name++)
		printf(" %c |", *name);
	printf(" ratio | peak MiB | bytes/page |\n|---|");
	for (name = group->traces; *name != '\0'; name++)
		printf("---|");
	printf("---|---|---|\n");
	for (r = 0; r < group->nr_rows; r++) {
		double kib = 0;
		double bytes = 0;

		printf("| %s |", group->rows[r].name);
		for (name = group->traces; *name != '\0'; name++) {
			const struct cost *cost =
				&result->costs[r][*name - 'a'];

			printf(" %.1f |", mega_refs(cost));
			kib = fmax(kib, cost->kib);
			bytes = fmax(bytes, bytes_per_page(cost, *name));
		}
		printf(" %.2f | %.1f | %.1f |\n", mean_ratio(group, result, r),
		       kib / 1024, bytes);
		judge_row(group, result, r);
	}
	(void)fflush(stdout);
}

static void run_group(const struct group *group)
{
	static struct result result;
	const char *name;

	MUST(group->nr_rows <= MAX_ROWS);
	for (name = group->traces; *name != '\0'; name++)
		measure_trace(group, *name, result.costs);
	print_group(group, &result);
}

static void usage(FILE *to)
{
	size_t g;

	fprintf(to, "usage: bench_mrc [-n RUNS] [-r REFERENCES] [GROUP...]\n"
		    "groups:");
	for (g = 0; g < NR_GROUPS; g++)
		fprintf(to, " %s", groups[g]->name);
	fputc('\n', to);
}

static size_t parse_count(const char *text, size_t max)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || value == 0 ||
	    value > max) {
		usage(stderr);
		exit(2);
	}
	return value;
}

static bool is_asked_for(const struct group *group, char **asked, int nr_asked)
{
	int i;

	for (i = 0; i < nr_asked; i++)
		if (strcmp(asked[i], group->name) == 0)
			return true;
	return nr_asked == 0 && !group->is_extra;
}

int main(int argc, char **argv)
{
	size_t g;
	int option;

	while ((option = getopt(argc, argv, "n:r:h")) != -1) {
		switch (option) {
		case 'n':
			nr_runs = parse_count(optarg, MAX_RUNS);
			break;
		case 'r':
			nr_accesses = parse_count(optarg, 1000000000);
			break;
		default:
			usage(option == 'h' ? stdout : stderr);
			return option == 'h' ? 0 : 2;
		}
	}
	printf("# libmrc: speed and memory\n\n"
	       "%zu references per trace, medians of %zu runs in turn. \"ratio\" "
	       "is the geometric mean\nof the speeds over the traces, relative "
	       "to the first row; memory is the largest of\nall traces. Whole curves of "
	       "simulators run once.\n",
	       nr_accesses, nr_runs);
	for (g = 0; g < NR_GROUPS; g++)
		if (is_asked_for(groups[g], argv + optind, argc - optind))
			run_group(groups[g]);
	print_verdicts();
	return 0;
}
