// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What deciding costs: many VMs with curves as rough as measured ones, whose
 * needs change all the time, through decide_tick() with each policy; and how
 * the policies fare on the simulated hosts of tests/controller. Prints tables
 * in Markdown.
 *
 * Times are of the CPU, so that others on the machine do not count.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "cleanup.h"
#include "policy/allocate.h"
#include "sim_host.h"

#define DEFAULT_VMS 1000
#define DEFAULT_TICKS 40
#define MAX_TICKS 10000

/* Curves that VMs take turns with: all would be more than a host's. */
#define NR_CURVES 300
#define NR_POINTS 400
#define NR_LOADS 4
#define MAX_WSS_MIB 3000

/**
 * struct measured - a curve with its band
 */
struct measured {
	struct mrc_curve *curve, *lower, *upper;
	uint64_t wss_bytes;
};

/**
 * struct bench - the VMs
 */
struct bench {
	struct measured measured[NR_CURVES];
	struct vm_view *vms;
	struct decision *decisions;
	size_t nr_vms;
	unsigned int nr_ticks;
	double *ms;
};

/* A mixture of loops and of random accesses, estimated with noise. */
static struct mrc_curve *make_curve(struct mrc_random *random, double shift,
				    uint64_t *ret_wss_bytes)
{
	double sizes[NR_POINTS] = { 0 }, ratios[NR_POINTS] = { 1 };
	double wss[NR_LOADS], share[NR_LOADS], sum = 0, most = 0;
	struct mrc_curve *curve = NULL;
	size_t i, j;

	for (j = 0; j < NR_LOADS; j++) {
		wss[j] = SIM_MIB / VIEW_PAGE_BYTES *
			 (16 + MAX_WSS_MIB * pow(mrc_random_unit(random), 3));
		share[j] = mrc_random_unit(random);
		sum += share[j];
		most = fmax(most, wss[j]);
	}
	for (i = 1; i < NR_POINTS; i++) {
		double noise = mrc_random_unit(random) * 0.002 + shift;

		/* As buckets of reuse times are: denser where it is small. */
		sizes[i] = most * 1.05 * pow((double)i / (NR_POINTS - 1), 2);
		ratios[i] = 0.0005 + noise;
		for (j = 0; j < NR_LOADS; j++)
			if (sizes[i] < wss[j])
				ratios[i] +=
					share[j] / sum *
					(j % 2 ? 1 : 1 - sizes[i] / wss[j]);
		ratios[i] = fmin(fmax(ratios[i], 0), ratios[i - 1]);
	}
	if (mrc_curve_new(sizes, ratios, NR_POINTS, &curve))
		return NULL;
	*ret_wss_bytes = (uint64_t)most * VIEW_PAGE_BYTES;
	return curve;
}

static int make_measured(struct mrc_random *random, struct measured *measured)
{
	struct mrc_random same = *random, also_same = *random;

	measured->curve = make_curve(random, 0, &measured->wss_bytes);
	measured->lower = make_curve(&same, -0.005, &measured->wss_bytes);
	measured->upper = make_curve(&also_same, 0.005, &measured->wss_bytes);
	if (!measured->curve || !measured->lower || !measured->upper)
		return -ENOMEM;
	return 0;
}

static void bench_done(struct bench *bench)
{
	size_t i;

	for (i = 0; i < NR_CURVES; i++) {
		mrc_curve_free(bench->measured[i].curve);
		mrc_curve_free(bench->measured[i].lower);
		mrc_curve_free(bench->measured[i].upper);
	}
	free(bench->vms);
	free(bench->decisions);
	free(bench->ms);
}

static int bench_init(struct bench *bench, size_t nr_vms, unsigned int nr_ticks)
{
	struct mrc_random random = { 1 };
	size_t i;
	int err;

	bench->nr_vms = nr_vms;
	bench->nr_ticks = nr_ticks;
	bench->vms = calloc(nr_vms, sizeof(*bench->vms));
	bench->decisions = calloc(nr_vms, sizeof(*bench->decisions));
	bench->ms = calloc(nr_ticks, sizeof(*bench->ms));
	if (!bench->vms || !bench->decisions || !bench->ms)
		return -ENOMEM;
	for (i = 0; i < NR_CURVES; i++) {
		err = make_measured(&random, &bench->measured[i]);
		if (err)
			return err;
	}
	return 0;
}

/* All as at the start. */
static void reset_vms(struct bench *bench)
{
	struct mrc_random random = { 2 };
	size_t i;

	for (i = 0; i < bench->nr_vms; i++) {
		uint64_t max = 1024 + 512 * mrc_random_below(&random, 7);

		bench->vms[i] = sim_view((unsigned int)i, 256 * SIM_MIB,
					 max * SIM_MIB, max / 2 * SIM_MIB);
		bench->vms[i].limits.weight =
			1 + (double)mrc_random_below(&random, 3);
		bench->vms[i].accesses_per_s =
			exp(6 + 6 * mrc_random_unit(&random));
	}
}

/* A tick passes: balloons follow, and one VM of eight does something else. */
static void change_vms(struct bench *bench, unsigned int tick)
{
	size_t i;

	for (i = 0; i < bench->nr_vms; i++) {
		const struct measured *measured =
			&bench->measured[(i + (tick + i) / 8 * 37) % NR_CURVES];
		struct vm_view *vm = &bench->vms[i];

		vm->actual_bytes = vm->target_bytes;
		vm->curve = measured->curve;
		vm->lower = measured->lower;
		vm->upper = measured->upper;
		vm->wss = VM_WSS_KNOWN;
		vm->wss_bytes = measured->wss_bytes;
		vm->has_stats = true;
		vm->stats.total_bytes = vm->actual_bytes;
		vm->stats.usable_bytes =
			vm->actual_bytes -
			(uint64_t)fmin((double)vm->actual_bytes * 0.95,
				       (double)measured->wss_bytes);
		vm->stats.swap_out_bytes_per_s = 1;
	}
}

static double cpu_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int compare_doubles(const void *one, const void *other)
{
	double a = *(const double *)one, b = *(const double *)other;

	return a < b ? -1 : a > b;
}

static long peak_kib(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_SELF, &usage) ? 0 : usage.ru_maxrss;
}

static int run_policy(struct bench *bench, const struct policy *policy)
{
	struct decide_memory *memory;
	uint64_t budget_bytes = 0;
	unsigned int tick;
	size_t i, nr_moves = 0, nr_short = 0;
	int err;

	err = decide_memory_new(&memory);
	if (err)
		return err;
	reset_vms(bench);
	for (i = 0; i < bench->nr_vms; i++)
		budget_bytes += bench->vms[i].actual_bytes;
	for (tick = 0; tick < bench->nr_ticks && !err; tick++) {
		struct tick input = {
			.policy = policy,
			.host.budget_bytes = budget_bytes,
			.vms = bench->vms,
			.decisions = bench->decisions,
			.nr_vms = bench->nr_vms,
		};
		double start;

		change_vms(bench, tick);
		start = cpu_ms();
		err = decide_tick(&policy_default_params, &guard_default_params,
				  memory, &input);
		bench->ms[tick] = cpu_ms() - start;
		for (i = 0; i < bench->nr_vms && !err; i++) {
			const struct decision *decision = &bench->decisions[i];

			bench->vms[i].target_bytes = decision->step_bytes;
			nr_moves += decision->verdict == VERDICT_MOVE ||
				    decision->verdict == VERDICT_GIVE_BACK;
			nr_short += strstr(decision->want.reason,
					   "short search") != NULL;
		}
	}
	decide_memory_free(memory);
	if (err)
		return err;
	qsort(bench->ms, bench->nr_ticks, sizeof(*bench->ms), compare_doubles);
	printf("| %s | %.1f | %.1f | %.1f | %zu | %.1f |\n", policy->name,
	       bench->ms[bench->nr_ticks / 2], bench->ms[bench->nr_ticks - 1],
	       (double)nr_moves / bench->nr_ticks, nr_short,
	       (double)peak_kib() / 1024);
	return 0;
}

static int run_simulations(enum sim_sight sight, const char *what)
{
	size_t i, j;
	int err;

	printf("\nMisses per second on simulated hosts (balloon targets set), %s\n\n",
	       what);
	printf("| host |");
	for (j = 0; policy_all[j]; j++)
		printf(" %s |", policy_all[j]->name);
	printf("\n|---|");
	for (j = 0; policy_all[j]; j++)
		printf("---|");
	for (i = 0; i < sim_nr_scenarios; i++) {
		printf("\n| %s |", sim_scenarios[i].name);
		for (j = 0; policy_all[j]; j++) {
			struct sim_result result;

			err = sim_run(&sim_scenarios[i], policy_all[j], sight,
				      &result);
			if (err)
				return err;
			printf(" %.0f (%u) |", result.misses_per_s,
			       result.moves);
		}
	}
	printf("\n");
	return 0;
}

static int run(size_t nr_vms, unsigned int nr_ticks)
{
	struct bench bench CLEANUP(bench_done) = { 0 };
	size_t j;
	int err;

	err = bench_init(&bench, nr_vms, nr_ticks);
	if (err)
		return err;
	printf("decide_tick(), %zu VMs, %u ticks, curves of %d points with bands; before: %.1f MiB\n\n",
	       nr_vms, nr_ticks, NR_POINTS, (double)peak_kib() / 1024);
	printf("| policy | median ms | max ms | moves per tick | not exact | peak RSS MiB |\n");
	printf("|---|---|---|---|---|---|\n");
	for (j = 0; policy_all[j]; j++) {
		err = run_policy(&bench, policy_all[j]);
		if (err)
			return err;
	}
	err = run_simulations(SIM_NEED, "curves of what guests need");
	if (!err)
		err = run_simulations(SIM_OWN, "curves of what VMs have");
	return err;
}

static bool parse(const char *text, unsigned long max,
		  unsigned long *ret_number)
{
	char *end;

	errno = 0;
	*ret_number = strtoul(text, &end, 10);
	return !errno && *end == '\0' && *ret_number > 0 && *ret_number <= max;
}

int main(int argc, char **argv)
{
	unsigned long nr_vms = DEFAULT_VMS, nr_ticks = DEFAULT_TICKS;
	int err;

	if (argc > 3 || (argc > 1 && !parse(argv[1], 1000000, &nr_vms)) ||
	    (argc > 2 && !parse(argv[2], MAX_TICKS, &nr_ticks))) {
		fprintf(stderr, "usage: bench_controller [VMS [TICKS]]\n");
		return 2;
	}
	err = run(nr_vms, (unsigned int)nr_ticks);
	if (err)
		fprintf(stderr, "bench_controller: %s\n", strerror(-err));
	return err != 0;
}
