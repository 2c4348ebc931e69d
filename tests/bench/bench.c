// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the module costs, in instructions. Run it with scripts/bench ("make
 * bench"): it needs a host whose emulator counts instructions and shows their
 * number as the time stamp counter (QEMU's -icount), and it checks that first.
 *
 *	bench MODULE.ko [--profile]
 *
 * The guest reads the counter before and after each single access, so what an
 * access cost is exact and includes the exit, the hook, KVM, and the entry. An
 * access that does not exit is 3 in that measure. What happens beside it (the
 * host's timer ticks) shows in the mean, not in the median. The results:
 *
 *  - untracked: how much longer a fault takes of a VM that nobody tracks, with
 *    the module loaded, and with another VM tracked. The fault is a first touch
 *    of memory that the host has, compared one by one; the median of 16384.
 *    Under shadow paging KVM maps neighbours along: only accesses that exit
 *    count.
 *  - trap: an access to an armed page until it is done, in a loop over more
 *    pages than the hot set, so that each traps, is recorded, pushes another
 *    page out, and that is armed again; the TLB is flushed every 64 re-arms.
 *    With a hot set that never fills there is no re-arm: the difference.
 *  - scan: background passes over VMs of several sizes; what a pass costs more
 *    in the larger one, per leaf. It must be the same from 1024 to 4096 pages
 *    as from 4096 to 16384, or nothing is reported. The passes are seen from
 *    outside, as the time that a busy loop in user space does not get, less the
 *    same without passes. A leaf in the hot set costs more: here all are, but
 *    otherwise no more than the set holds.
 *  - arming: what attaching takes longer when the memory is mapped than when it
 *    is not, per leaf: allocating the records is the same in both.
 *  - memory: free pages of the host before and after attaching.
 *
 * Each result is a line: key, value, target or "-", text. With --profile the
 * emulator stops at the begin and end of a few steps (pvpanic), for scripts/
 * bench to switch its log of instructions on and off; no result is printed.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "../system/client.h"

#define NR_PAGES 4096U
#define NR_ROUNDS 16U
#define FAULT_ROUNDS 4U
#define NR_FAULTS (FAULT_ROUNDS * NR_PAGES)
#define FLUSH_BATCH 64U
/* An access takes 3, and one that exits more than this. */
#define EXIT_TICKS 100U
#define PVPANIC_PORT 0x505

/* The targets: instructions and bytes. */
#define TARGET_UNTRACKED 120
#define TARGET_TRAP 1450
#define TARGET_SCAN 25
#define TARGET_PAGE_BYTES 64
#define TARGET_SESSION_BYTES (256 << 10)
#define NO_TARGET 0

#define die(...)                              \
	do {                                  \
		fprintf(stderr, "bench: ");   \
		fprintf(stderr, __VA_ARGS__); \
		fputc('\n', stderr);          \
		exit(1);                      \
	} while (0)

static const char *module_path;
static uint32_t sequence[NR_PAGES * NR_ROUNDS];
static uint32_t ticks[NR_PAGES * NR_ROUNDS];

static void report(const char *key, double value, long target, const char *text)
{
	printf("%s\t%.1f\t", key, value);
	if (target == NO_TARGET)
		printf("-\t%s\n", text);
	else
		printf("%ld\t%s\n", target, text);
	fflush(stdout);
}

static void check_counter(void)
{
	const uint64_t nr = 1000;
	uint64_t shortest = UINT64_MAX;
	int i;

	/* Some try is not interrupted. */
	for (i = 0; i < 10; i++) {
		uint64_t left = nr, start = __rdtsc(), taken;

		__asm__ volatile("1: decq %0\n"
				 "	jnz 1b\n"
				 : "+r"(left));
		taken = __rdtsc() - start;
		if (taken < shortest)
			shortest = taken;
	}
	if (shortest < 2 * nr || shortest > 2 * nr + 10)
		die("%llu instructions took %llu ticks: the counter does not count instructions, use scripts/bench",
		    2 * (unsigned long long)nr, (unsigned long long)shortest);
}

static void load_module(void)
{
	int fd = open(module_path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
		die("cannot load %s: %s", module_path, strerror(errno));
	close(fd);
}

static void unload_module(void)
{
	if (syscall(SYS_delete_module, "kvm_aet", O_NONBLOCK))
		die("cannot unload the module: %s", strerror(errno));
}

struct summary {
	uint32_t nr;
	uint32_t median;
	uint32_t percentile_99;
	double mean;
};

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Of those accesses that exited; sorts ticks[]. */
static struct summary summarise_exits(uint32_t nr)
{
	struct summary ret = {};
	uint64_t sum = 0;
	uint32_t first, i;

	qsort(ticks, nr, sizeof(*ticks), compare);
	for (first = 0; first < nr && ticks[first] < EXIT_TICKS; first++)
		;
	ret.nr = nr - first;
	if (!ret.nr)
		die("no access left the guest");
	for (i = first; i < nr; i++)
		sum += ticks[i];
	ret.median = ticks[first + ret.nr / 2];
	ret.percentile_99 = ticks[first + ret.nr / 100 * 99];
	ret.mean = (double)sum / ret.nr;
	return ret;
}

/* @nr accesses to a VM's pages one after the other, round and round. */
static void make_loop(uint32_t nr, uint32_t nr_pages, uint32_t flags)
{
	uint32_t i;

	for (i = 0; i < nr; i++)
		sequence[i] = i % nr_pages | flags;
}

/* The VM's data pages in the host's memory, and mapped. */
static void populate(struct vmm *vmm)
{
	make_loop(vmm->nr_pages, vmm->nr_pages, VMM_WRITE);
	vmm_run(vmm, 0, sequence, vmm->nr_pages);
}

static int attach(const struct kvm_aet_attach *config)
{
	int session = client_attach(config);

	if (session < 0)
		die("cannot attach: %s", strerror(-session));
	return session;
}

static struct kvm_aet_snapshot counters(int session)
{
	struct kvm_aet_snapshot snapshot = { .size = sizeof(snapshot) };

	if (ioctl(session, KVM_AET_GET_SNAPSHOT, &snapshot))
		die("KVM_AET_GET_SNAPSHOT: %s", strerror(errno));
	return snapshot;
}

/* Of each access, in the same order every time. */
static void measure_faults(struct vmm *vmm, uint32_t *ret_ticks)
{
	uint32_t round;

	make_loop(NR_PAGES, NR_PAGES, VMM_WRITE);
	for (round = 0; round < FAULT_ROUNDS; round++) {
		vmm_remove_data_slot(vmm);
		vmm_add_data_slot(vmm, 0);
		vmm_run_timed(vmm, 0, sequence, NR_PAGES,
			      ret_ticks + round * NR_PAGES);
	}
}

static int compare_signed(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* What the same fault takes longer. */
static double median_added(const uint32_t *before, const uint32_t *after)
{
	static int64_t added[NR_FAULTS];
	uint32_t i, nr = 0;

	for (i = 0; i < NR_FAULTS; i++)
		if (before[i] > EXIT_TICKS && after[i] > EXIT_TICKS)
			added[nr++] = (int64_t)after[i] - before[i];
	if (!nr)
		die("no access faulted");
	qsort(added, nr, sizeof(*added), compare_signed);
	return added[nr / 2];
}

/* Loads the module. */
static void bench_faults(struct vmm *vmm, struct vmm *other)
{
	static uint32_t without[NR_FAULTS], loaded[NR_FAULTS],
		beside[NR_FAULTS], unsampled[NR_FAULTS];
	struct kvm_aet_attach config = client_config(other);
	int session;

	/* The first time KVM also fills its caches. */
	measure_faults(vmm, without);
	measure_faults(vmm, without);
	load_module();
	measure_faults(vmm, loaded);
	session = attach(&config);
	measure_faults(vmm, beside);
	close(session);

	config = client_config(vmm);
	config.inverse_rate = KVM_AET_MAX_INVERSE_RATE;
	session = attach(&config);
	measure_faults(vmm, unsampled);
	close(session);

	report("untracked_loaded", median_added(without, loaded),
	       TARGET_UNTRACKED, "added: module loaded, no VM tracked");
	report("untracked_other", median_added(without, beside),
	       TARGET_UNTRACKED, "added: another VM tracked");
	report("tracked_unsampled", median_added(without, unsampled), NO_TARGET,
	       "added: this VM tracked, another page sampled");
	memcpy(ticks, without, sizeof(without));
	report("fault", summarise_exits(NR_FAULTS).median, NO_TARGET,
	       "the fault itself: first touch of a page, module not loaded");
}

/* Traps of a loop over @vmm's pages in which every sampled access traps. */
static struct summary measure_traps(struct vmm *vmm, uint32_t inverse_rate,
				    uint32_t hot_pages, uint32_t flags)
{
	struct kvm_aet_attach config = client_config(vmm);
	bool is_refilling = hot_pages < vmm->nr_pages / inverse_rate;
	uint32_t nr = vmm->nr_pages;
	struct kvm_aet_snapshot before, after;
	struct summary ret;
	int session;

	config.inverse_rate = inverse_rate;
	config.hot_pages = hot_pages;
	config.flush_batch = FLUSH_BATCH;
	session = attach(&config);
	if (is_refilling) {
		nr = NR_PAGES * NR_ROUNDS;
		make_loop(nr, vmm->nr_pages, flags);
		/* Fill the hot set, and let each page be seen once. */
		vmm_run(vmm, 0, sequence, vmm->nr_pages);
	} else {
		make_loop(nr, vmm->nr_pages, flags);
	}
	before = counters(session);
	vmm_run_timed(vmm, 0, sequence, nr, ticks);
	after = counters(session);
	close(session);

	ret = summarise_exits(nr);
	if (ret.nr != nr / inverse_rate ||
	    after.traps - before.traps != ret.nr ||
	    after.rearms - before.rearms != (is_refilling ? ret.nr : 0))
		die("%u accesses, 1/%u sampled: %u exits, %llu traps, %llu re-arms",
		    nr, inverse_rate, ret.nr,
		    (unsigned long long)(after.traps - before.traps),
		    (unsigned long long)(after.rearms - before.rearms));
	return ret;
}

static void bench_traps(struct vmm *vmm)
{
	const uint32_t hot = KVM_AET_MIN_HOT_PAGES;
	struct summary load = measure_traps(vmm, 1, hot, 0);
	struct summary store = measure_traps(vmm, 1, hot, VMM_WRITE);
	struct summary sampled = measure_traps(vmm, 16, hot, 0);
	struct summary filling =
		measure_traps(vmm, 1, KVM_AET_MAX_HOT_PAGES, 0);

	report("trap", load.mean, TARGET_TRAP,
	       "trap, load: exit, record, re-arm, entry, 1/64 flush (mean)");
	report("trap_store", store.mean, TARGET_TRAP, "the same, store (mean)");
	report("trap_sampled", sampled.mean, TARGET_TRAP,
	       "the same, load, 1 page in 16 sampled (mean)");
	report("trap_median", load.median, NO_TARGET,
	       "trap, load, one that does not flush (median)");
	report("trap_flush", (double)load.percentile_99 - load.median,
	       NO_TARGET, "added: one that flushes");
	report("trap_filling", filling.median, NO_TARGET,
	       "trap, load, hot set not full: no re-arm (median)");
	report("rearm", (double)load.median - filling.median, NO_TARGET,
	       "so one re-arm");
}

/*
 * Time that a busy loop did not get: the rest of the machine's. Less what it
 * takes to ask for the number of passes, which is asked once a step.
 */
struct spin {
	uint64_t elapsed;
	uint64_t lost;
	uint64_t passes;
};

#define SPIN_STEP 1000000U
#define SPIN_GAP 100U

static uint64_t ask_ticks;

static uint64_t count_passes(int session)
{
	return session < 0 ? 0 : counters(session).passes;
}

static void calibrate_ask(int session)
{
	uint32_t nr = 101, i;

	for (i = 0; i < nr; i++) {
		uint64_t start = __rdtsc();

		count_passes(session);
		ticks[i] = __rdtsc() - start;
	}
	qsort(ticks, nr, sizeof(*ticks), compare);
	ask_ticks = ticks[nr / 2];
}

static void spin_step(int session, struct spin *spin)
{
	uint64_t start = __rdtsc(), last = start, lost = 0;

	while (last - start < SPIN_STEP) {
		uint64_t now = __rdtsc();

		if (now - last > SPIN_GAP)
			lost += now - last;
		last = now;
	}
	spin->passes = count_passes(session);
	/* The session may have been busy with a pass just then. */
	lost += __rdtsc() - last - ask_ticks;
	spin->lost += lost;
	spin->elapsed += __rdtsc() - start;
}

/* From the end of one pass to the end of the @nr_passes-th after it. */
static struct spin spin_passes(int session, uint64_t nr_passes)
{
	struct spin spin = {};
	uint64_t first = count_passes(session);

	do
		spin_step(session, &spin);
	while (spin.passes == first);
	first = spin.passes;
	spin = (struct spin){};
	do
		spin_step(session, &spin);
	while (spin.passes < first + nr_passes);
	spin.passes -= first;
	return spin;
}

/* The same while no pass runs: ticks lost per tick. */
static double measure_background(int session)
{
	struct spin spin = {};
	int i;

	for (i = 0; i < 100; i++)
		spin_step(session, &spin);
	return (double)spin.lost / spin.elapsed;
}

static const uint32_t scan_pages[] = { 1024, 4096, 16384 };
#define NR_SCANS 3

struct scan_costs {
	double attach_mapped[NR_SCANS];
	double attach_unmapped[NR_SCANS];
	double pass[NR_SCANS]; /* all leaves armed */
	double pass_hot[NR_SCANS]; /* all pages in the hot set */
	double pass_sampled[NR_SCANS]; /* 1 page in 128 sampled */
};

static double measure_pass(struct vmm *vmm, uint32_t inverse_rate, bool is_hot)
{
	struct kvm_aet_attach config = client_config(vmm);
	double background;
	struct spin spin;
	int session;

	config.inverse_rate = inverse_rate;
	if (is_hot)
		config.hot_pages = KVM_AET_MAX_HOT_PAGES;
	session = attach(&config);
	calibrate_ask(session);
	background = measure_background(session);
	close(session);

	config.period_ms = KVM_AET_MIN_PERIOD_MS;
	session = attach(&config);
	if (is_hot) {
		make_loop(vmm->nr_pages, vmm->nr_pages, 0);
		vmm_run(vmm, 0, sequence, vmm->nr_pages);
	}
	spin = spin_passes(session, 10);
	if (is_hot != (counters(session).hot_used == vmm->nr_pages))
		die("%u of %u pages are hot", counters(session).hot_used,
		    vmm->nr_pages);
	close(session);
	return (spin.lost - background * spin.elapsed) / spin.passes;
}

/* The least of a few: the others were interrupted. */
static double measure_attach(const struct vmm *vmm)
{
	struct kvm_aet_attach config = client_config(vmm);
	uint64_t shortest = UINT64_MAX;
	int i;

	for (i = 0; i < 5; i++) {
		uint64_t start = __rdtsc(), taken;
		int session = attach(&config);

		taken = __rdtsc() - start;
		if (taken < shortest)
			shortest = taken;
		close(session);
	}
	return shortest;
}

static double slope(const double *costs)
{
	return (costs[2] - costs[0]) / (scan_pages[2] - scan_pages[0]);
}

/* Slope over the whole range, if it is one. */
static double per_leaf(const char *what, const double *costs)
{
	double low = (costs[1] - costs[0]) / (scan_pages[1] - scan_pages[0]);
	double high = (costs[2] - costs[1]) / (scan_pages[2] - scan_pages[1]);

	/* One instruction per leaf, or 5 %. */
	if (high - low > 1 + low / 20 || low - high > 1 + low / 20)
		die("%s: not linear: %.1f per leaf up to %u leaves, %.1f up to %u",
		    what, low, scan_pages[1], high, scan_pages[2]);
	return slope(costs);
}

static void bench_scans(void)
{
	struct scan_costs costs;
	double mapped, unmapped;
	int i;

	for (i = 0; i < NR_SCANS; i++) {
		struct vmm vmm;

		vmm_init(&vmm, scan_pages[i], 1);
		populate(&vmm);
		costs.attach_mapped[i] = measure_attach(&vmm);
		costs.pass[i] = measure_pass(&vmm, 1, false);
		costs.pass_hot[i] = measure_pass(&vmm, 1, true);
		costs.pass_sampled[i] = measure_pass(&vmm, 128, false);
		vmm_remove_data_slot(&vmm);
		vmm_add_data_slot(&vmm, 0);
		costs.attach_unmapped[i] = measure_attach(&vmm);
		vmm_exit(&vmm);
	}
	mapped = per_leaf("attach, mapped", costs.attach_mapped);
	unmapped = per_leaf("attach, unmapped", costs.attach_unmapped);
	report("scan", per_leaf("scan", costs.pass), TARGET_SCAN,
	       "background pass, per leaf that is armed already");
	report("scan_hot", per_leaf("scan, hot", costs.pass_hot), TARGET_SCAN,
	       "the same, per leaf in the hot set (if all are)");
	/* Too little for a look at its linearity: few leaves are looked at. */
	report("scan_sampled", slope(costs.pass_sampled), NO_TARGET,
	       "the same, per leaf, whether sampled or not, 1 in 128 is");
	report("scan_fixed", costs.pass[0] - scan_pages[0] * slope(costs.pass),
	       NO_TARGET, "the pass itself: timer, worker, task switches");
	report("arm", mapped - unmapped, NO_TARGET,
	       "attaching, per leaf that is armed, record allocated before");
	report("reserve", unmapped, NO_TARGET,
	       "attaching, per page: allocate its record, find no leaf");
}

/* Free pages of the host, those in the caches of its CPUs included. */
static uint64_t count_free_pages(void)
{
	FILE *file = fopen("/proc/sys/vm/stat_refresh", "w");
	unsigned long long free_pages = 0, value;
	char line[256];

	/* Counters of the CPUs are added up by any access. */
	if (!file || fputs("1", file) < 0 || fclose(file))
		die("/proc/sys/vm/stat_refresh: %s", strerror(errno));
	file = fopen("/proc/zoneinfo", "r");
	if (!file)
		die("/proc/zoneinfo: %s", strerror(errno));
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, " pages free %llu", &value) == 1 ||
		    sscanf(line, " count: %llu", &value) == 1)
			free_pages += value;
	fclose(file);
	return free_pages;
}

/* Slabs without an object would hide what is allocated next. */
static void shrink_slabs(void)
{
	glob_t slabs;
	size_t i;

	if (glob("/sys/kernel/slab/*/shrink", 0, NULL, &slabs))
		die("no /sys/kernel/slab");
	for (i = 0; i < slabs.gl_pathc; i++) {
		FILE *file = fopen(slabs.gl_pathv[i], "w");

		if (!file || fputs("1", file) < 0 || fclose(file))
			die("%s: %s", slabs.gl_pathv[i], strerror(errno));
	}
	globfree(&slabs);
}

/* Bytes per session, of one session on each of the VMs. */
static double measure_memory(struct vmm *vmms, int nr, uint32_t inverse_rate)
{
	int sessions[16];
	uint64_t before, after;
	int i;

	/* What ended before is freed after a while. */
	sleep(1);
	shrink_slabs();
	before = count_free_pages();
	for (i = 0; i < nr; i++) {
		struct kvm_aet_attach config = client_config(&vmms[i]);

		config.inverse_rate = inverse_rate;
		sessions[i] = attach(&config);
	}
	after = count_free_pages();
	for (i = 0; i < nr; i++)
		close(sessions[i]);
	return ((double)before - after) * VMM_PAGE_SIZE / nr;
}

static void bench_memory(void)
{
	const uint32_t large = 65536;
	struct vmm vmms[16];
	double fixed, all, few;
	uint32_t page;
	int i;

	for (i = 0; i < 16; i++)
		vmm_init(&vmms[i], 1, 1);
	fixed = measure_memory(vmms, 16, 1);
	for (i = 0; i < 16; i++)
		vmm_exit(&vmms[i]);

	/* Reads, so the host's page of zeros is all that gets mapped. */
	for (page = 0; page < large; page++)
		sequence[page] = page;
	for (i = 0; i < 2; i++) {
		vmm_init(&vmms[i], large, 1);
		vmm_run(&vmms[i], 0, sequence, large);
	}
	all = measure_memory(vmms, 2, 1);
	few = measure_memory(vmms, 2, 128);
	for (i = 0; i < 2; i++)
		vmm_exit(&vmms[i]);

	report("session_bytes", fixed, TARGET_SESSION_BYTES,
	       "memory of a session with 1 page, in bytes");
	report("page_bytes", (all - fixed) / large, TARGET_PAGE_BYTES,
	       "memory per sampled page, in bytes");
	report("session_128_bytes", few,
	       TARGET_SESSION_BYTES + large / 128 * TARGET_PAGE_BYTES,
	       "memory of a session with 65536 pages, 1 in 128, in bytes");
}

/* The emulator stops here until scripts/bench lets it go on. */
static void stop_emulator(void)
{
	outb(1, PVPANIC_PORT);
}

/* Says what comes, and by what number its instructions are to be divided. */
static void begin_step(const char *name, uint32_t nr)
{
	printf("step\t%s\t%u\n", name, nr);
	fflush(stdout);
	/* The serial port is done by then; asleep, the host executes nothing. */
	sleep(1);
	stop_emulator();
}

static void profile(struct vmm *vmm)
{
	const uint32_t nr = 2 * FLUSH_BATCH;
	struct kvm_aet_attach config = client_config(vmm);
	int session;

	if (iopl(3))
		die("iopl: %s", strerror(errno));
	load_module();
	make_loop(NR_PAGES, NR_PAGES, 0);
	vmm_remove_data_slot(vmm);
	vmm_add_data_slot(vmm, 0);
	/* Map the code and the sequence's first page. */
	vmm_run(vmm, 0, sequence, 8);
	begin_step("untracked-fault", nr);
	vmm_run(vmm, 0, sequence + 8, nr);
	stop_emulator();

	populate(vmm);
	make_loop(NR_PAGES, NR_PAGES, 0);
	config.flush_batch = FLUSH_BATCH;
	begin_step("attach", NR_PAGES);
	session = attach(&config);
	stop_emulator();
	vmm_run(vmm, 0, sequence, NR_PAGES);
	begin_step("trap", nr);
	vmm_run(vmm, 0, sequence, nr);
	stop_emulator();
	close(session);

	/* One pass in between: begin_step() takes a second, too. */
	config.period_ms = 1500;
	session = attach(&config);
	begin_step("pass", NR_PAGES);
	sleep(1);
	stop_emulator();
	close(session);
}

int main(int argc, char **argv)
{
	struct vmm vmm, other, idle;
	bool is_profile = argc == 3 && !strcmp(argv[2], "--profile");

	if (argc != 2 && !is_profile)
		die("usage: bench MODULE.ko [--profile]");
	module_path = argv[1];
	check_counter();
	/* KVM patches the kernel when the first VM comes and the last goes. */
	vmm_init(&idle, 1, 1);
	vmm_init(&vmm, NR_PAGES, 1);
	populate(&vmm);
	if (is_profile) {
		profile(&vmm);
	} else {
		vmm_init(&other, NR_PAGES, 1);
		populate(&other);
		bench_faults(&vmm, &other);
		bench_traps(&vmm);
		bench_scans();
		bench_memory();
		vmm_exit(&other);
	}
	if (vmm_count_wrong_pages(&vmm))
		die("the guest's memory is not what it wrote");
	vmm_exit(&vmm);
	vmm_exit(&idle);
	/* Its symbols are read after the profile. */
	if (!is_profile)
		unload_module();
	return 0;
}
