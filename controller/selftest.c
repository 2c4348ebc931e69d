// SPDX-License-Identifier: GPL-2.0-or-later
#include "selftest.h"

#include <errno.h>
#include <inttypes.h>

#include <mrc/hist.h>

#include "cleanup.h"

/* Far more pages than the hot set, so that every access of a loop traps. */
#define LOOP_PAGES 1024
#define LOOP_ROUNDS 4
#define HOT_PAGES KVM_AET_MIN_HOT_PAGES
#define HOT_ROUNDS 100
#define SAMPLE_INVERSE_RATE 4
#define REPETITIONS 9
#define FLUSH_BATCH 64

struct run {
	struct selftest_host *host;
	struct selftest *selftest;
	/* What sessions left behind, in all. */
	uint64_t armed_left;
	unsigned int nr_still_tracked;
	unsigned int nr_sessions;
};

/* Without background passes, and with every re-armed page flushed at once. */
static const struct source_config exact_config = {
	.inverse_rate = 1,
	.hot_pages = HOT_PAGES,
	.period_ms = KVM_AET_MAX_PERIOD_MS,
	.flush_batch = 1,
	.huge_mode = KVM_AET_HUGE_SPLIT,
	.salt = 1,
};

static void cleanup_source(struct source **source)
{
	source_close(*source);
}

#define _cleanup_source_ CLEANUP(cleanup_source)
#define _cleanup_sample_ CLEANUP(sample_done)

/* A check that is not filled in by its caller has failed. */
static struct selftest_check *selftest_add_check(struct run *run,
						 const char *name)
{
	struct selftest *selftest = run->selftest;
	struct selftest_check *check = &selftest->checks[selftest->nr_checks++];

	check->name = name;
	check->result = SELFTEST_FAILED;
	return check;
}

#define selftest_set_text(check, ...) \
	((void)snprintf((check)->text, sizeof((check)->text), __VA_ARGS__))

static int selftest_attach(struct run *run, const struct source_config *config,
			   struct source **ret_source)
{
	struct source_config copy = *config;

	run->nr_sessions++;
	return run->host->attach(run->host, &copy, ret_source);
}

static int selftest_detach(struct run *run, struct source *source)
{
	struct source_vm_info info;
	int err;

	source_close(source);
	err = run->host->count_leaves(run->host, &info);
	if (err < 0)
		return err;
	run->armed_left += info.armed_leaves;
	run->nr_still_tracked += info.is_tracked;
	return 0;
}

static int selftest_touch(struct run *run, uint32_t nr_pages,
			  uint32_t nr_rounds)
{
	uint64_t ns;

	return run->host->touch(run->host, nr_pages, nr_rounds, &ns);
}

/*
 * Whether @nr_rounds over @nr_pages sampled pages were recorded as such: the
 * first access to each page is cold, all others come after as many accesses as
 * there are pages. If the hot set holds all pages, only the first are recorded.
 */
static void selftest_judge(struct selftest_check *check,
			   const struct sample *sample, uint64_t nr_pages,
			   uint64_t nr_rounds)
{
	uint64_t accesses = nr_pages <= HOT_PAGES ? nr_pages :
						    nr_pages * nr_rounds;
	uint64_t reused = accesses - nr_pages;
	size_t index = mrc_bucket_index(sample->sub_bucket_bits, nr_pages);
	uint64_t counted = index < sample->nr_buckets ? sample->buckets[index] :
							0;

	if (sample->accesses == accesses && sample->cold_accesses == nr_pages &&
	    counted == reused) {
		check->result = SELFTEST_PASSED;
		selftest_set_text(check,
				  "%" PRIu64 " accesses recorded, %" PRIu64
				  " of them with reuse time %" PRIu64,
				  accesses, reused, nr_pages);
		return;
	}
	selftest_set_text(check,
			  "accesses recorded: %" PRIu64 " instead of %" PRIu64
			  "; first ones: %" PRIu64 " instead of %" PRIu64
			  "; with reuse time %" PRIu64 ": %" PRIu64
			  " instead of %" PRIu64 "; lost: %" PRIu64,
			  sample->accesses, accesses, sample->cold_accesses,
			  nr_pages, nr_pages, counted, reused,
			  sample->lost_records);
}

/* Tracks @nr_rounds over the first @nr_pages; all are mapped. */
static int selftest_track(struct run *run, const struct source_config *config,
			  uint32_t nr_pages, uint32_t nr_rounds,
			  struct sample *ret_sample)
{
	_cleanup_source_ struct source *source = NULL;
	int err;

	err = selftest_attach(run, config, &source);
	if (err < 0)
		return err;
	err = selftest_touch(run, nr_pages, nr_rounds);
	if (err < 0)
		return err;
	err = source_read(source, false, ret_sample);
	if (err < 0)
		return err;
	return selftest_detach(run, TAKE_PTR(source));
}

static int selftest_check_loop(struct run *run)
{
	_cleanup_sample_ struct sample sample = { 0 };
	int err;

	err = selftest_track(run, &exact_config, LOOP_PAGES, LOOP_ROUNDS,
			     &sample);
	if (err < 0)
		return err;
	run->selftest->mmu_mode = sample.mmu_mode;
	selftest_judge(selftest_add_check(run, "loop"), &sample, LOOP_PAGES,
		       LOOP_ROUNDS);
	return 0;
}

static int selftest_check_sample(struct run *run)
{
	_cleanup_sample_ struct sample sample = { 0 };
	struct source_config config = exact_config;
	struct selftest_check *check;
	const uint64_t sampled = SELFTEST_PAGES / SAMPLE_INVERSE_RATE;
	int err;

	config.inverse_rate = SAMPLE_INVERSE_RATE;
	err = selftest_track(run, &config, SELFTEST_PAGES, LOOP_ROUNDS,
			     &sample);
	if (err < 0)
		return err;
	check = selftest_add_check(run, "sample");
	if (sample.sampled_pages == sampled)
		selftest_judge(check, &sample, sampled, LOOP_ROUNDS);
	else
		selftest_set_text(check,
				  "pages sampled: %" PRIu64
				  " instead of %" PRIu64,
				  sample.sampled_pages, sampled);
	return 0;
}

static int selftest_check_hot_set(struct run *run)
{
	_cleanup_sample_ struct sample sample = { 0 };
	int err;

	err = selftest_track(run, &exact_config, HOT_PAGES, HOT_ROUNDS,
			     &sample);
	if (err < 0)
		return err;
	selftest_judge(selftest_add_check(run, "hot-set"), &sample, HOT_PAGES,
		       HOT_ROUNDS);
	return 0;
}

/* Huge mappings before, while and after the VM is tracked. */
struct huge_counts {
	uint64_t before;
	uint64_t tracked;
	uint64_t after;
};

static int selftest_count_huge(struct run *run, uint64_t *ret_nr)
{
	struct source_vm_info info;
	int err;

	err = selftest_touch(run, SELFTEST_PAGES, 1);
	if (err < 0)
		return err;
	err = run->host->count_leaves(run->host, &info);
	if (err < 0)
		return err;
	*ret_nr = info.huge_leaves;
	return 0;
}

static int selftest_split_huge(struct run *run, struct huge_counts *counts,
			       struct sample *ret_sample)
{
	_cleanup_source_ struct source *source = NULL;
	int err;

	err = selftest_attach(run, &exact_config, &source);
	if (err < 0)
		return err;
	err = selftest_touch(run, LOOP_PAGES, LOOP_ROUNDS);
	if (err < 0)
		return err;
	err = source_read(source, false, ret_sample);
	if (err < 0)
		return err;
	err = selftest_count_huge(run, &counts->tracked);
	if (err < 0)
		return err;
	err = selftest_detach(run, TAKE_PTR(source));
	if (err < 0)
		return err;
	return selftest_count_huge(run, &counts->after);
}

static int selftest_check_huge(struct run *run)
{
	_cleanup_sample_ struct sample sample = { 0 };
	struct huge_counts counts = { 0 };
	struct selftest_check *check;
	int err;

	err = run->host->make_huge(run->host);
	if (err < 0)
		return err;
	err = selftest_count_huge(run, &counts.before);
	if (err < 0)
		return err;
	check = selftest_add_check(run, "huge");
	if (!counts.before) {
		check->result = SELFTEST_SKIPPED;
		selftest_set_text(
			check,
			"KVM made no huge mapping: no transparent huge pages here, or none free");
		return 0;
	}
	err = selftest_split_huge(run, &counts, &sample);
	if (err < 0)
		return err;
	if (counts.tracked != 0 || counts.after != counts.before) {
		selftest_set_text(check,
				  "%" PRIu64 " huge mappings; %" PRIu64
				  " while tracked instead of 0, %" PRIu64
				  " afterwards instead of %" PRIu64,
				  counts.before, counts.tracked, counts.after,
				  counts.before);
		return 0;
	}
	/*
	 * Splitting unmaps. Under shadow paging, accesses to unmapped pages are
	 * not seen before the next background pass, and there is none.
	 */
	if (sample.mmu_mode != KVM_AET_MMU_SHADOW) {
		selftest_judge(check, &sample, LOOP_PAGES, LOOP_ROUNDS);
		if (check->result != SELFTEST_PASSED)
			return 0;
	}
	check->result = SELFTEST_PASSED;
	selftest_set_text(check,
			  "%" PRIu64
			  " huge mappings, split while tracked, whole again",
			  counts.before);
	return 0;
}

static void selftest_check_detach(struct run *run)
{
	struct selftest_check *check = selftest_add_check(run, "detach");

	if (run->armed_left || run->nr_still_tracked) {
		selftest_set_text(
			check,
			"%" PRIu64
			" pages still trap, and %u of %u sessions have not ended",
			run->armed_left, run->nr_still_tracked,
			run->nr_sessions);
		return;
	}
	check->result = SELFTEST_PASSED;
	selftest_set_text(check, "no page traps after any of %u sessions",
			  run->nr_sessions);
}

static void selftest_check_memory(struct run *run, const char *name)
{
	struct selftest_check *check = selftest_add_check(run, name);
	uint32_t nr_wrong = run->host->count_wrong(run->host);

	if (nr_wrong) {
		selftest_set_text(
			check,
			"%" PRIu32
			" of %d pages do not hold what the guest wrote",
			nr_wrong, SELFTEST_PAGES);
		return;
	}
	check->result = SELFTEST_PASSED;
	selftest_set_text(check, "all %d pages hold what the guest wrote",
			  SELFTEST_PAGES);
}

static int selftest_compare_ns(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static uint64_t selftest_median(uint64_t *values)
{
	qsort(values, REPETITIONS, sizeof(*values), selftest_compare_ns);
	return values[REPETITIONS / 2];
}

/* What each of @count events added to a run that takes @plain_ns without. */
static uint64_t selftest_ns_each(uint64_t ns, uint64_t plain_ns, uint64_t count)
{
	return ns > plain_ns && count ? (ns - plain_ns) / count : 0;
}

static int selftest_time_faults(struct run *run)
{
	struct selftest_host *host = run->host;
	uint64_t each_ns[REPETITIONS];
	size_t i;

	for (i = 0; i < REPETITIONS; i++) {
		uint64_t ns, plain_ns;
		int err;

		err = host->unmap(host);
		if (err < 0)
			return err;
		err = host->touch(host, SELFTEST_PAGES, 1, &ns);
		if (err < 0)
			return err;
		err = host->touch(host, SELFTEST_PAGES, 1, &plain_ns);
		if (err < 0)
			return err;
		each_ns[i] = selftest_ns_each(ns, plain_ns, SELFTEST_PAGES);
		run->selftest->nr_faults += SELFTEST_PAGES;
	}
	run->selftest->fault_ns = selftest_median(each_ns);
	return 0;
}

static int selftest_read_traps(struct source *source, uint64_t *ret_traps)
{
	_cleanup_sample_ struct sample sample = { 0 };
	int err;

	err = source_read(source, false, &sample);
	if (err < 0)
		return err;
	*ret_traps = sample.traps;
	return 0;
}

static int selftest_time_traps(struct run *run)
{
	_cleanup_source_ struct source *source = NULL;
	struct selftest_host *host = run->host;
	struct source_config config = exact_config;
	uint64_t each_ns[REPETITIONS], tracked_ns[REPETITIONS];
	uint64_t traps[REPETITIONS + 1], plain_ns;
	size_t i;
	int err;

	config.flush_batch = FLUSH_BATCH;
	err = selftest_attach(run, &config, &source);
	if (err < 0)
		return err;
	err = selftest_read_traps(source, &traps[0]);
	for (i = 0; i < REPETITIONS && err == 0; i++) {
		err = host->touch(host, LOOP_PAGES, LOOP_ROUNDS,
				  &tracked_ns[i]);
		if (err == 0)
			err = selftest_read_traps(source, &traps[i + 1]);
	}
	if (err < 0)
		return err;
	err = selftest_detach(run, TAKE_PTR(source));
	for (i = 0; i < REPETITIONS && err == 0; i++) {
		err = host->touch(host, LOOP_PAGES, LOOP_ROUNDS, &plain_ns);
		each_ns[i] = selftest_ns_each(tracked_ns[i], plain_ns,
					      traps[i + 1] - traps[i]);
	}
	if (err < 0)
		return err;
	run->selftest->trap_ns = selftest_median(each_ns);
	run->selftest->nr_traps = traps[REPETITIONS] - traps[0];
	run->selftest->nr_repetitions = REPETITIONS;
	return 0;
}

int selftest_run(struct selftest_host *host, struct selftest *ret_selftest)
{
	static int (*const steps[])(struct run * run) = {
		selftest_check_loop,	selftest_check_sample,
		selftest_check_hot_set, selftest_time_faults,
		selftest_time_traps,
	};
	struct selftest selftest = { 0 };
	struct run run = { .host = host, .selftest = &selftest };
	size_t i;
	int err;

	/* Under TDP and shadow paging alike: tracked pages are mapped. */
	err = selftest_touch(&run, SELFTEST_PAGES, 1);
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]) && err == 0; i++)
		err = steps[i](&run);
	if (err < 0)
		return err;
	selftest_check_memory(&run, "memory");
	/* It begins with new memory. */
	err = selftest_check_huge(&run);
	if (err < 0)
		return err;
	selftest_check_memory(&run, "memory-huge");
	selftest_check_detach(&run);
	*ret_selftest = selftest;
	return 0;
}

bool selftest_has_passed(const struct selftest *selftest)
{
	size_t i;

	for (i = 0; i < selftest->nr_checks; i++) {
		if (selftest->checks[i].result == SELFTEST_FAILED)
			return false;
	}
	return selftest->nr_checks > 0;
}

void selftest_write_text(FILE *out, const struct selftest *selftest)
{
	static const char *const words[] = {
		[SELFTEST_PASSED] = "ok",
		[SELFTEST_FAILED] = "FAILED",
		[SELFTEST_SKIPPED] = "skipped",
	};
	size_t i;

	for (i = 0; i < selftest->nr_checks; i++) {
		const struct selftest_check *check = &selftest->checks[i];

		(void)fprintf(out, "%-8s %-12s %s\n", words[check->result],
			      check->name, check->text);
	}
	(void)fprintf(out,
		      "a trap takes %" PRIu64
		      " ns, a fault while not tracked %" PRIu64
		      " ns (medians of %u runs; %" PRIu64 " traps, %" PRIu64
		      " faults)\n",
		      selftest->trap_ns, selftest->fault_ns,
		      selftest->nr_repetitions, selftest->nr_traps,
		      selftest->nr_faults);
}
