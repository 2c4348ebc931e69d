// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Is everything that a session tells right? Each test touches pages in loops
 * larger than the hot set, so that every access is recorded, and what must come
 * out follows by hand.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../kvm-aet/hist_bucket.h"
#include "../../kvm-aet/sample.h"
#include "client.h"

#define NR_PAGES 1024U
#define NR_ROUNDS 6U
#define DEBUGFS_ROOT "/sys/kernel/debug"
#define DEBUGFS DEBUGFS_ROOT "/kvm-aet"
#define TRACEFS DEBUGFS_ROOT "/tracing"

static void loop(struct vmm *vmm, uint32_t nr, uint32_t flags)
{
	uint32_t *sequence = calloc(nr, sizeof(*sequence));
	uint32_t i;

	assert_non_null(sequence);
	for (i = 0; i < nr; i++)
		sequence[i] = i % vmm->nr_pages | flags;
	vmm_run(vmm, 0, sequence, nr);
	free(sequence);
}

/* A VM whose data pages are all mapped, writable. */
static void init_vm(struct vmm *vmm, uint32_t nr_pages)
{
	vmm_init(vmm, nr_pages, 1);
	loop(vmm, nr_pages, VMM_WRITE);
}

static void exit_vm(struct vmm *vmm)
{
	assert_int_equal(client_vm_info(vmm->vm_fd).armed_leaves, 0);
	assert_int_equal(vmm_count_wrong_pages(vmm), 0);
	vmm_exit(vmm);
}

static int attach(const struct kvm_aet_attach *config)
{
	int session = client_attach(config);

	assert_return_code(session, -session);
	return session;
}

/* All of a histogram is in one bucket, that of @value. */
static void assert_single_value(const struct client_snapshot *snapshot,
				int kind, uint64_t value, uint64_t count)
{
	const struct kvm_aet_histogram *histogram =
		&snapshot->s.histograms[kind];
	uint32_t index = aet_bucket_index(histogram->sub_bucket_bits, value);
	uint32_t i;

	for (i = 0; i < histogram->nr_buckets; i++)
		assert_int_equal(snapshot->buckets[kind][i],
				 i == index ? count : 0);
	assert_int_equal(histogram->over_range, 0);
}

static void layouts_describe_themselves(void **state)
{
	struct client_snapshot snapshot;
	struct kvm_aet_attach config;
	struct vmm vmm;
	int session, kind;

	(void)state;
	init_vm(&vmm, NR_PAGES);
	config = client_config(&vmm);
	session = attach(&config);
	snapshot = client_snapshot(session);
	for (kind = 0; kind < KVM_AET_NR_HISTOGRAMS; kind++) {
		const struct kvm_aet_histogram *histogram =
			&snapshot.s.histograms[kind];

		/* Relative error of a bucket: at most 1/32. */
		assert_in_range(histogram->sub_bucket_bits, 5, 10);
		assert_int_equal(histogram->nr_buckets %
					 (1U << histogram->sub_bucket_bits),
				 0);
		assert_int_equal(histogram->unit,
				 kind == KVM_AET_HIST_REUSE_NS ?
					 KVM_AET_UNIT_NS :
					 KVM_AET_UNIT_ACCESSES);
	}
	assert_int_equal(snapshot.s.generation, 1);
	assert_int_equal(snapshot.s.unit_pages, 1);
	assert_true(snapshot.s.tsc_khz > 0);
	assert_true(snapshot.s.start_ns <= snapshot.s.time_ns);
	client_snapshot_free(&snapshot);
	close(session);
	exit_vm(&vmm);
}

/* In every third round a page is written; the time between is three rounds. */
static void writes_have_their_own_reuse_times(void **state)
{
	uint32_t *sequence = calloc(NR_ROUNDS * NR_PAGES, sizeof(*sequence));
	struct client_snapshot snapshot;
	struct kvm_aet_attach config;
	uint32_t round, page, nr = 0;
	uint64_t nr_writes = 0;
	struct vmm vmm;
	int session;

	(void)state;
	assert_non_null(sequence);
	init_vm(&vmm, NR_PAGES);
	for (round = 0; round < NR_ROUNDS; round++)
		for (page = 0; page < NR_PAGES; page++) {
			bool is_write = (page + round) % 3 == 0;

			sequence[nr++] = page | (is_write ? VMM_WRITE : 0);
			nr_writes += is_write;
		}
	config = client_config(&vmm);
	session = attach(&config);
	vmm_run(&vmm, 0, sequence, nr);
	snapshot = client_snapshot(session);
	assert_int_equal(snapshot.s.accesses, nr);
	assert_int_equal(snapshot.s.entry_accesses, NR_PAGES);
	assert_int_equal(snapshot.s.cold_accesses, 0);
	assert_single_value(&snapshot, KVM_AET_HIST_REUSE, NR_PAGES,
			    nr - NR_PAGES);
	if (snapshot.s.mmu_mode == KVM_AET_MMU_EPT) {
		assert_true(snapshot.s.notes & KVM_AET_NOTE_WRITES_UNKNOWN);
		assert_int_equal(snapshot.s.write_accesses, 0);
	} else {
		assert_false(snapshot.s.notes & KVM_AET_NOTE_WRITES_UNKNOWN);
		assert_int_equal(snapshot.s.write_accesses, nr_writes);
		assert_int_equal(snapshot.s.cold_writes, NR_PAGES);
		assert_single_value(&snapshot, KVM_AET_HIST_WRITE_REUSE,
				    3 * NR_PAGES, nr_writes - NR_PAGES);
	}
	client_snapshot_free(&snapshot);
	close(session);
	exit_vm(&vmm);
	free(sequence);
}

/*
 * A page's reuse times add up to the time between its first and last access,
 * which the session's length bounds. And none is shorter than nothing.
 */
static void times_fit_into_the_session(void **state)
{
	struct client_snapshot before, after;
	struct kvm_aet_attach config;
	uint64_t sum_ns = 0;
	struct vmm vmm;
	int session;
	uint32_t i;

	(void)state;
	init_vm(&vmm, NR_PAGES);
	config = client_config(&vmm);
	session = attach(&config);
	before = client_snapshot(session);
	loop(&vmm, NR_ROUNDS * NR_PAGES, 0);
	after = client_snapshot(session);
	for (i = 0; i < after.s.histograms[KVM_AET_HIST_REUSE_NS].nr_buckets;
	     i++)
		sum_ns +=
			after.buckets[KVM_AET_HIST_REUSE_NS][i] *
			aet_bucket_low(after.s.histograms[KVM_AET_HIST_REUSE_NS]
					       .sub_bucket_bits,
				       i);
	assert_true(sum_ns > 0);
	/* The TSC's frequency is known to a little less than 1 %. */
	assert_true(sum_ns <= NR_PAGES * (after.s.time_ns - before.s.time_ns) /
				      100 * 101);
	assert_int_equal(after.buckets[KVM_AET_HIST_REUSE_NS][0], 0);
	assert_true(after.s.hook_cycles > before.s.hook_cycles);
	assert_true(after.s.pass_cycles > 0);
	client_snapshot_free(&before);
	client_snapshot_free(&after);
	close(session);
	exit_vm(&vmm);
}

/* After one round, page i was accessed NR_PAGES - 1 - i accesses ago. */
static void expect_one_round(uint64_t *counts, uint32_t sub_bucket_bits)
{
	uint32_t i;

	for (i = 0; i < NR_PAGES; i++)
		counts[aet_bucket_index(sub_bucket_bits, i)]++;
}

static void open_intervals_end_with_the_generation(void **state)
{
	uint64_t expected[AET_NR_BUCKETS] = { 0 };
	struct client_snapshot open, ended;
	struct kvm_aet_config change = {
		.fields = KVM_AET_SET_HOT_PAGES,
		.hot_pages = 128,
	};
	struct kvm_aet_attach config;
	struct vmm vmm;
	int session;
	uint32_t i;

	(void)state;
	init_vm(&vmm, NR_PAGES);
	config = client_config(&vmm);
	session = attach(&config);
	loop(&vmm, NR_PAGES, 0);
	open = client_snapshot(session);
	expect_one_round(expected,
			 open.s.histograms[KVM_AET_HIST_OPEN].sub_bucket_bits);
	assert_int_equal(client_configure(session, &change), 0);
	ended = client_read(session, KVM_AET_SNAPSHOT_PREVIOUS);
	assert_int_equal(open.s.histograms[KVM_AET_HIST_OPEN].nr_buckets,
			 ended.s.histograms[KVM_AET_HIST_ENDED].nr_buckets);
	for (i = 0; i < open.s.histograms[KVM_AET_HIST_OPEN].nr_buckets; i++) {
		assert_int_equal(open.buckets[KVM_AET_HIST_OPEN][i],
				 expected[i]);
		assert_int_equal(open.buckets[KVM_AET_HIST_ENDED][i], 0);
		assert_int_equal(ended.buckets[KVM_AET_HIST_ENDED][i],
				 expected[i]);
		assert_int_equal(ended.buckets[KVM_AET_HIST_OPEN][i], 0);
	}
	client_snapshot_free(&open);
	client_snapshot_free(&ended);
	close(session);
	exit_vm(&vmm);
}

static void assert_same_counts(const struct client_snapshot *a,
			       const struct client_snapshot *b)
{
	uint32_t i;

	assert_int_equal(a->s.generation, b->s.generation);
	assert_int_equal(a->s.inverse_rate, b->s.inverse_rate);
	assert_int_equal(a->s.accesses, b->s.accesses);
	assert_int_equal(a->s.entry_accesses, b->s.entry_accesses);
	assert_int_equal(a->s.traps, b->s.traps);
	for (i = 0; i < a->s.histograms[KVM_AET_HIST_REUSE].nr_buckets; i++)
		assert_int_equal(a->buckets[KVM_AET_HIST_REUSE][i],
				 b->buckets[KVM_AET_HIST_REUSE][i]);
}

/* Nothing of a generation is lost, and nothing gets into the next. */
static void a_new_rate_begins_a_generation(void **state)
{
	struct kvm_aet_config change = {
		.fields = KVM_AET_SET_INVERSE_RATE,
		.inverse_rate = 4,
	};
	struct client_snapshot old, previous, new;
	struct kvm_aet_attach config;
	struct vmm vmm;
	int session;

	(void)state;
	init_vm(&vmm, NR_PAGES);
	config = client_config(&vmm);
	session = attach(&config);
	loop(&vmm, NR_ROUNDS * NR_PAGES, 0);
	old = client_snapshot(session);
	assert_int_equal(client_configure(session, &change), 0);
	assert_int_equal(change.generation, 2);

	/* All traps of the old sample are gone, all of the new one are set. */
	new = client_snapshot(session);
	assert_int_equal(new.s.generation, 2);
	assert_int_equal(new.s.inverse_rate, 4);
	assert_int_equal(new.s.accesses, 0);
	assert_int_equal(new.s.sampled_pages, NR_PAGES / 4);
	assert_int_equal(client_vm_info(vmm.vm_fd).armed_leaves, NR_PAGES / 4);
	client_snapshot_free(&new);

	loop(&vmm, NR_ROUNDS * NR_PAGES, 0);
	new = client_snapshot(session);
	assert_single_value(&new, KVM_AET_HIST_REUSE, NR_PAGES / 4,
			    (NR_ROUNDS - 1) * NR_PAGES / 4);
	assert_int_equal(new.s.entry_accesses, NR_PAGES / 4);
	assert_int_equal(new.s.stale_traps, 0);
	client_snapshot_free(&new);

	previous = client_read(session, KVM_AET_SNAPSHOT_PREVIOUS);
	assert_same_counts(&old, &previous);
	client_snapshot_free(&old);
	client_snapshot_free(&previous);

	/* What does not change the counts' meaning begins no generation. */
	change = (struct kvm_aet_config){
		.fields = KVM_AET_SET_PERIOD_MS | KVM_AET_SET_FLUSH_BATCH |
			  KVM_AET_SET_INVERSE_RATE,
		.period_ms = 5000,
		.flush_batch = 7,
		.inverse_rate = 4,
	};
	assert_int_equal(client_configure(session, &change), 0);
	assert_int_equal(change.generation, 2);
	new = client_snapshot(session);
	assert_int_equal(new.s.period_ms, 5000);
	assert_int_equal(new.s.flush_batch, 7);
	assert_int_equal(new.s.dropped_generations, 0);
	client_snapshot_free(&new);

	/* Generation 2 is read by nobody before 4 begins. */
	change.inverse_rate = 8;
	assert_int_equal(client_configure(session, &change), 0);
	change.inverse_rate = 16;
	assert_int_equal(client_configure(session, &change), 0);
	assert_int_equal(change.generation, 4);
	new = client_snapshot(session);
	assert_int_equal(new.s.dropped_generations, 1);
	client_snapshot_free(&new);
	close(session);
	exit_vm(&vmm);
}

static void bad_changes_are_refused(void **state)
{
	struct kvm_aet_config change;
	struct kvm_aet_attach config;
	struct vmm vmm;
	int session;

	(void)state;
	init_vm(&vmm, NR_PAGES);
	config = client_config(&vmm);
	session = attach(&config);
#define REFUSED(...)                                                           \
	do {                                                                   \
		change = (struct kvm_aet_config){ __VA_ARGS__ };               \
		assert_int_equal(client_configure(session, &change), -EINVAL); \
	} while (0)
	REFUSED(.fields = 1U << 5);
	REFUSED(.fields = KVM_AET_SET_INVERSE_RATE);
	REFUSED(.fields = KVM_AET_SET_INVERSE_RATE,
		.inverse_rate = KVM_AET_MAX_INVERSE_RATE + 1);
	REFUSED(.fields = KVM_AET_SET_HOT_PAGES,
		.hot_pages = KVM_AET_MIN_HOT_PAGES - 1);
	REFUSED(.fields = KVM_AET_SET_PERIOD_MS, .period_ms = 1);
	REFUSED(.fields = KVM_AET_SET_FLUSH_BATCH);
	REFUSED(.fields = KVM_AET_SET_ROTATE_PASSES, .rotate_passes = 15);
	REFUSED(.pad = 1);
	REFUSED(.reserved = { 0, 0, 0, 1 });
#undef REFUSED
	assert_return_code(ioctl(session, KVM_AET_STOP, 0), errno);
	change = (struct kvm_aet_config){ .fields = KVM_AET_SET_PERIOD_MS,
					  .period_ms = 5000 };
	assert_int_equal(client_configure(session, &change), -ESHUTDOWN);
	close(session);
	exit_vm(&vmm);
}

static struct client_snapshot wait_for_passes(int session, uint64_t passes)
{
	struct client_snapshot snapshot;

	for (;;) {
		struct pollfd pollfd = { .fd = session, .events = POLLIN };

		snapshot = client_read(session, 0);
		if (snapshot.s.passes >= passes)
			return snapshot;
		client_snapshot_free(&snapshot);
		/* A minute is far more than a pass takes. */
		assert_int_equal(poll(&pollfd, 1, 60000), 1);
		assert_int_equal(pollfd.revents, POLLIN);
	}
}

/* The sample's changes are exactly those that sample.h says, pass by pass. */
static void the_sample_rotates_as_it_should(void **state)
{
	const uint32_t inverse_rate = 8, rotate_passes = 16;
	uint64_t first_group = aet_sample_group(VMM_DATA_GFN, inverse_rate);
	uint64_t group, pass, expected = 0;
	struct client_snapshot snapshot;
	struct kvm_aet_attach config;
	struct vmm vmm;
	int session;

	(void)state;
	init_vm(&vmm, NR_PAGES);
	config = client_config(&vmm);
	config.inverse_rate = inverse_rate;
	config.rotate_passes = rotate_passes;
	config.period_ms = KVM_AET_MIN_PERIOD_MS;
	session = attach(&config);
	snapshot = wait_for_passes(session, 3 * rotate_passes);
	client_snapshot_free(&snapshot);
	/* What has left the sample is free, what came is armed. */
	assert_int_equal(client_vm_info(vmm.vm_fd).armed_leaves,
			 NR_PAGES / inverse_rate);
	assert_return_code(ioctl(session, KVM_AET_STOP, 0), errno);
	snapshot = client_snapshot(session);
	for (group = first_group; group < first_group + NR_PAGES / inverse_rate;
	     group++)
		/* The pass at attach rotates nothing. */
		for (pass = 1; pass < snapshot.s.passes; pass++)
			expected += aet_sample_offset(
					    group,
					    aet_sample_epoch(group, pass,
							     rotate_passes,
							     config.salt),
					    inverse_rate, config.salt) !=
				    aet_sample_offset(
					    group,
					    aet_sample_epoch(group, pass - 1,
							     rotate_passes,
							     config.salt),
					    inverse_rate, config.salt);
	assert_true(expected >= NR_PAGES / inverse_rate);
	assert_int_equal(snapshot.s.rotations, expected);
	client_snapshot_free(&snapshot);
	close(session);
	exit_vm(&vmm);
}

/* Rotation under a running guest: units come and go, and all adds up. */
static void rotation_loses_nothing(void **state)
{
	struct client_snapshot snapshot;
	struct kvm_aet_attach config;
	struct vmm vmm;
	int session;

	(void)state;
	init_vm(&vmm, NR_PAGES);
	config = client_config(&vmm);
	config.inverse_rate = 4;
	config.rotate_passes = KVM_AET_MIN_ROTATE_PASSES;
	config.period_ms = KVM_AET_MIN_PERIOD_MS;
	session = attach(&config);
	do {
		loop(&vmm, NR_ROUNDS * NR_PAGES, VMM_WRITE);
		snapshot = client_snapshot(session);
		client_snapshot_free(&snapshot);
	} while (snapshot.s.passes < 2 * config.rotate_passes);
	assert_int_equal(snapshot.s.sampled_pages, NR_PAGES / 4);
	assert_true(snapshot.s.rotations > NR_PAGES / 4);
	assert_true(snapshot.s.entry_accesses > NR_PAGES / 4);
	close(session);
	exit_vm(&vmm);
}

static void poll_tells_of_passes_and_the_end(void **state)
{
	struct pollfd pollfd = { .events = POLLIN };
	struct client_snapshot snapshot;
	struct kvm_aet_config change = { .fields = KVM_AET_SET_PERIOD_MS,
					 .period_ms = KVM_AET_MAX_PERIOD_MS };
	struct kvm_aet_attach config;
	unsigned int late;
	struct vmm vmm;

	(void)state;
	init_vm(&vmm, NR_PAGES);
	config = client_config(&vmm);
	config.period_ms = KVM_AET_MIN_PERIOD_MS;
	pollfd.fd = attach(&config);
	snapshot = wait_for_passes(pollfd.fd, 5);
	client_snapshot_free(&snapshot);
	assert_int_equal(client_configure(pollfd.fd, &change), 0);
	/* What is new already, and a pass of the old period, then no more. */
	for (late = 0; poll(&pollfd, 1, 100) == 1; late++) {
		assert_true(late < 2);
		snapshot = client_snapshot(pollfd.fd);
		client_snapshot_free(&snapshot);
	}
	assert_return_code(ioctl(pollfd.fd, KVM_AET_STOP, 0), errno);
	assert_int_equal(poll(&pollfd, 1, 0), 1);
	assert_int_equal(pollfd.revents, POLLHUP);
	close(pollfd.fd);
	exit_vm(&vmm);
}

static void a_sample_in_the_hot_set_is_noted(void **state)
{
	struct client_snapshot snapshot;
	struct kvm_aet_attach config;
	struct vmm vmm;
	int session;

	(void)state;
	init_vm(&vmm, NR_PAGES);
	config = client_config(&vmm);
	config.hot_pages = 2 * NR_PAGES;
	config.period_ms = KVM_AET_MIN_PERIOD_MS;
	session = attach(&config);
	loop(&vmm, NR_ROUNDS * NR_PAGES, 0);
	snapshot = wait_for_passes(session, 3);
	assert_true(snapshot.s.notes & KVM_AET_NOTE_STARVED);
	assert_true(snapshot.s.starved_passes > 0);
	client_snapshot_free(&snapshot);
	close(session);

	config.hot_pages = KVM_AET_MIN_HOT_PAGES;
	config.period_ms = KVM_AET_MAX_PERIOD_MS;
	session = attach(&config);
	loop(&vmm, NR_ROUNDS * NR_PAGES, 0);
	snapshot = client_snapshot(session);
	assert_false(snapshot.s.notes & KVM_AET_NOTE_STARVED);
	client_snapshot_free(&snapshot);
	close(session);
	exit_vm(&vmm);
}

static uint32_t read_regions(int session, uint32_t flags, uint64_t *gfn,
			     struct kvm_aet_region *ret, uint32_t room)
{
	struct kvm_aet_regions regions = {
		.size = sizeof(regions),
		.flags = flags,
		.gfn = *gfn,
		.regions = (uintptr_t)ret,
		.nr_regions = room,
	};

	assert_return_code(ioctl(session, KVM_AET_GET_REGIONS, &regions),
			   errno);
	*gfn = regions.gfn;
	return regions.nr_regions;
}

/* Every other page of the first region, all of the second, once each. */
static void regions_show_what_is_used(void **state)
{
	const uint32_t nr = 256 + 512;
	struct kvm_aet_region regions[4];
	uint32_t sequence[256 + 512], i;
	struct client_snapshot snapshot;
	struct kvm_aet_attach config;
	uint64_t gfn = 0;
	struct vmm vmm;
	int session;

	(void)state;
	init_vm(&vmm, NR_PAGES);
	config = client_config(&vmm);
	session = attach(&config);
	for (i = 0; i < nr; i++)
		sequence[i] = i < 256 ? 2 * i : 256 + i;
	vmm_run(&vmm, 0, sequence, nr);

	assert_int_equal(read_regions(session, 0, &gfn, regions, 4), 2);
	assert_int_equal(gfn, ~0ULL);
	for (i = 0; i < 8; i++) {
		assert_int_equal(regions[0].sampled[i], ~0ULL);
		assert_int_equal(regions[0].seen[i], 0x5555555555555555ULL);
		assert_int_equal(regions[1].seen[i], ~0ULL);
	}
	assert_int_equal(regions[0].gfn, VMM_DATA_GFN);
	assert_int_equal(regions[1].gfn, VMM_DATA_GFN + 512);
	assert_int_equal(regions[0].accesses, 256);
	assert_int_equal(regions[1].accesses, 512);

	/* One at a time, and in a window in which nothing happened. */
	snapshot = client_read(session, KVM_AET_SNAPSHOT_NEW_WINDOW);
	assert_int_equal(snapshot.s.window_pages, nr);
	client_snapshot_free(&snapshot);
	gfn = 0;
	assert_int_equal(read_regions(session, KVM_AET_REGIONS_WINDOW, &gfn,
				      regions, 1),
			 1);
	assert_int_equal(gfn, VMM_DATA_GFN + 512);
	assert_int_equal(regions[0].seen[0], 0);
	assert_int_equal(read_regions(session, KVM_AET_REGIONS_WINDOW, &gfn,
				      regions, 1),
			 1);
	assert_int_equal(regions[0].gfn, VMM_DATA_GFN + 512);
	sequence[0] = 65;
	vmm_run(&vmm, 0, sequence, 1);
	gfn = 0;
	assert_int_equal(read_regions(session, KVM_AET_REGIONS_WINDOW, &gfn,
				      regions, 4),
			 2);
	assert_int_equal(regions[0].seen[1], 2);
	snapshot = client_snapshot(session);
	assert_int_equal(snapshot.s.window_pages, 1);
	client_snapshot_free(&snapshot);
	close(session);
	exit_vm(&vmm);
}

/*
 * 96 regions of 2 MiB in turns, each through another of its pages every time:
 * one access is recorded per visit, whether the region is one huge leaf or
 * many small ones.
 */
static void coarse_units_are_regions(void **state)
{
	const uint32_t nr_regions = 96, nr_rounds = 5;
	const uint32_t nr = nr_regions * nr_rounds;
	uint32_t sequence[96 * 5], i;
	struct kvm_aet_vm_info before, info;
	struct client_snapshot snapshot;
	struct kvm_aet_region region;
	struct kvm_aet_attach config;
	uint64_t gfn = 0;
	struct vmm vmm;
	int session;

	(void)state;
	vmm_init(&vmm, nr_regions * 512, 1);
	vmm_advise(&vmm, MADV_HUGEPAGE);
	for (i = 0; i < nr; i++)
		sequence[i] = (i % nr_regions * 512 + i / nr_regions * 101) |
			      VMM_WRITE;
	vmm_run(&vmm, 0, sequence, nr);
	before = client_vm_info(vmm.vm_fd);

	config = client_config(&vmm);
	config.huge_mode = KVM_AET_HUGE_COARSE;
	config.gfn_start++;
	assert_int_equal(client_attach(&config), -EINVAL);
	config.gfn_start--;
	session = attach(&config);
	assert_true(client_vm_info(vmm.vm_fd).armed_leaves >= nr_regions);
	vmm_run(&vmm, 0, sequence, nr);
	snapshot = client_snapshot(session);
	assert_int_equal(snapshot.s.unit_pages, 512);
	assert_int_equal(snapshot.s.sampled_pages, nr_regions);
	assert_int_equal(snapshot.s.mapped_pages, nr_regions);
	assert_int_equal(snapshot.s.huge_leaves, 0);
	assert_int_equal(snapshot.s.accesses, nr);
	assert_single_value(&snapshot, KVM_AET_HIST_REUSE, nr_regions,
			    nr - nr_regions);
	/* Under shadow paging the unit's other leaves trap, too. */
	if (snapshot.s.mmu_mode != KVM_AET_MMU_SHADOW)
		assert_int_equal(snapshot.s.traps, nr);
	assert_int_equal(read_regions(session, 0, &gfn, &region, 1), 1);
	assert_int_equal(region.sampled[0], 1);
	assert_int_equal(region.seen[0], 1);
	assert_int_equal(region.accesses, nr_rounds);
	client_snapshot_free(&snapshot);
	/* Nothing was split. */
	info = client_vm_info(vmm.vm_fd);
	assert_int_equal(info.huge_leaves, before.huge_leaves);
	close(session);
	exit_vm(&vmm);
}

/* The session's folder: the only one, or the test does not know which. */
static void find_debugfs(char *ret_path, size_t size)
{
	struct dirent *entry;
	DIR *dir = opendir(DEBUGFS);
	int nr = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.') {
			snprintf(ret_path, size, DEBUGFS "/%s", entry->d_name);
			nr++;
		}
	closedir(dir);
	assert_int_equal(nr, 1);
}

static int write_file(const char *dir, const char *name, const char *text)
{
	char path[600];
	ssize_t written;
	int fd, err;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	written = write(fd, text, strlen(text));
	err = written < 0 ? -errno : 0;
	close(fd);
	return err;
}

static void read_file(const char *dir, const char *name, char *ret, size_t size)
{
	char path[600];
	size_t used = 0;
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	while ((got = read(fd, ret + used, size - 1 - used)) > 0)
		used += (size_t)got;
	assert_int_equal(got, 0);
	ret[used] = '\0';
	close(fd);
}

static void debugfs_shows_and_configures(void **state)
{
	static const struct {
		const char *name;
		unsigned int mode;
		const char *expected;
	} files[] = {
		{ "config", 0600, "inverse_rate 1\nhot_pages 64\n" },
		{ "status", 0400, "state tracking\n" },
		{ "counters", 0400, "accesses 6144\n" },
		{ "histogram", 0400, "1024 5120\n" },
		{ "hot_set", 0400, "0x103ff\n" },
		{ "regions", 0400, "0x10000 3072 512 512\n" },
	};
	static const char *const bad[] = {
		"",
		"\n",
		"inverse_rate",
		"inverse_rate 0",
		"inverse_rate x",
		"inverse_rate -1",
		"inverse_rate 4294967297",
		"rate 4",
		"hot_pages 64 hot_pages 128",
		"hot_pages 64 rate",
		"period_ms 1",
	};
	char dir[300], path[600], long_text[400], *text = malloc(1 << 20);
	struct client_snapshot snapshot;
	struct kvm_aet_attach config;
	struct vmm vmm;
	struct stat st;
	int session;
	size_t i;

	(void)state;
	assert_non_null(text);
	init_vm(&vmm, NR_PAGES);
	config = client_config(&vmm);
	session = attach(&config);
	loop(&vmm, NR_ROUNDS * NR_PAGES, 0);
	find_debugfs(dir, sizeof(dir));
	for (i = 0; i < sizeof(files) / sizeof(*files); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i].name);
		assert_return_code(stat(path, &st), errno);
		assert_int_equal(st.st_mode & 07777, files[i].mode);
		assert_int_equal(st.st_uid, 0);
		read_file(dir, files[i].name, text, 1 << 20);
		if (!strstr(text, files[i].expected))
			fail_msg("no '%s' in %s:\n%s", files[i].expected,
				 files[i].name, text);
	}
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		/* Nothing to write is no write at all. */
		if (write_file(dir, "config", bad[i]) == 0 && *bad[i])
			fail_msg("'%s' was taken", bad[i]);
	memset(long_text, ' ', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	assert_int_equal(write_file(dir, "config", long_text), -EINVAL);
	snapshot = client_snapshot(session);
	assert_int_equal(snapshot.s.generation, 1);
	client_snapshot_free(&snapshot);

	assert_int_equal(write_file(dir, "config",
				    "inverse_rate 4\n hot_pages\t128\n"),
			 0);
	snapshot = client_snapshot(session);
	assert_int_equal(snapshot.s.generation, 2);
	assert_int_equal(snapshot.s.inverse_rate, 4);
	assert_int_equal(snapshot.s.hot_pages, 128);
	client_snapshot_free(&snapshot);
	assert_return_code(ioctl(session, KVM_AET_STOP, 0), errno);
	assert_int_equal(write_file(dir, "config", "hot_pages 64"), -ESHUTDOWN);
	close(session);
	assert_int_equal(access(dir, F_OK), -1);
	exit_vm(&vmm);
	free(text);
}

static void start_trace(const char *events)
{
	assert_int_equal(write_file(TRACEFS, "trace", " "), 0);
	assert_int_equal(write_file(TRACEFS, events, "1"), 0);
}

static void stop_trace(const char *events, char *ret, size_t size)
{
	assert_int_equal(write_file(TRACEFS, events, "0"), 0);
	read_file(TRACEFS, "trace", ret, size);
}

static uint32_t count_lines(const char *text, const char *word)
{
	uint32_t nr = 0;

	while ((text = strstr(text, word))) {
		nr++;
		text += strlen(word);
	}
	return nr;
}

static void tracepoints_tell_the_same(void **state)
{
	struct kvm_aet_config change = { .fields = KVM_AET_SET_HOT_PAGES,
					 .hot_pages = 128 };
	struct client_snapshot snapshot;
	struct kvm_aet_attach config;
	char *text = malloc(1 << 20);
	struct vmm vmm;
	int session;

	(void)state;
	assert_non_null(text);
	init_vm(&vmm, NR_PAGES);
	start_trace("events/kvm_aet/enable");
	config = client_config(&vmm);
	session = attach(&config);
	loop(&vmm, 200, VMM_WRITE);
	snapshot = client_snapshot(session);
	assert_int_equal(client_configure(session, &change), 0);
	close(session);
	stop_trace("events/kvm_aet/enable", text, 1 << 20);
	assert_int_equal(count_lines(text, "kvm_aet_trap: "), 200);
	assert_int_equal(count_lines(text, " recorded "), 200);
	assert_int_equal(count_lines(text, " write"),
			 snapshot.s.write_accesses);
	assert_int_equal(count_lines(text, "kvm_aet_generation: "), 1);
	assert_int_equal(count_lines(text, "kvm_aet_pass: "), 2);
	/* Each pass of the two armed the two regions. */
	assert_int_equal(count_lines(text, "kvm_aet_arm: "), 4);
	/* Reading the layout, and the values. */
	assert_int_equal(count_lines(text, "kvm_aet_snapshot: "), 2);
	client_snapshot_free(&snapshot);
	exit_vm(&vmm);
	free(text);
}

/* The numbers that follow @word in the text, from one place on. */
static bool next_number(const char **text, const char *word, uint64_t *ret)
{
	const char *found = strstr(*text, word);

	if (!found)
		return false;
	*text = found + strlen(word);
	*ret = strtoull(*text, NULL, 0);
	return true;
}

static void the_rotate_tracepoint_tells_the_same(void **state)
{
	const char events[] = "events/kvm_aet/kvm_aet_rotate/enable";
	char *text = malloc(1 << 20);
	const char *rest = text;
	struct client_snapshot snapshot;
	struct kvm_aet_attach config;
	uint64_t units, sum = 0;
	struct vmm vmm;
	int session;

	(void)state;
	assert_non_null(text);
	init_vm(&vmm, NR_PAGES);
	config = client_config(&vmm);
	config.inverse_rate = 8;
	config.rotate_passes = KVM_AET_MIN_ROTATE_PASSES;
	config.period_ms = KVM_AET_MIN_PERIOD_MS;
	start_trace(events);
	session = attach(&config);
	snapshot = wait_for_passes(session, config.rotate_passes);
	client_snapshot_free(&snapshot);
	assert_return_code(ioctl(session, KVM_AET_STOP, 0), errno);
	stop_trace(events, text, 1 << 20);
	snapshot = client_snapshot(session);
	while (next_number(&rest, " units=", &units))
		sum += units;
	assert_true(sum > 0);
	assert_int_equal(sum, snapshot.s.rotations);
	client_snapshot_free(&snapshot);
	close(session);
	exit_vm(&vmm);
	free(text);
}

struct filler {
	const struct vmm *vmm;
	int uffd;
};

/* Brings each page that is waited for, until the descriptor is unregistered. */
static void *fill_pages(void *arg)
{
	const struct filler *filler = arg;
	uint32_t left = filler->vmm->nr_pages;
	struct uffd_msg message;

	while (left && read(filler->uffd, &message, sizeof(message)) ==
			       sizeof(message)) {
		struct uffdio_zeropage page = {
			.range.start = message.arg.pagefault.address &
				       ~(VMM_PAGE_SIZE - 1),
			.range.len = VMM_PAGE_SIZE,
		};

		if (!ioctl(filler->uffd, UFFDIO_ZEROPAGE, &page))
			left--;
	}
	return NULL;
}

/*
 * The host brings a page while the vCPU sleeps, and KVM maps it on its own: it
 * has been recorded as a first touch, and is armed when it leaves the hot set.
 */
static void asynchronous_faults_are_first_touches(void **state)
{
	const char events[] = "events/kvm/kvm_async_pf_completed/enable";
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct client_snapshot snapshot;
	struct kvm_aet_attach config;
	char *text = malloc(1 << 20);
	struct filler filler;
	pthread_t thread;
	struct vmm vmm;
	int session;

	(void)state;
	assert_non_null(text);
	vmm_init_irqchip(&vmm, NR_PAGES, 1);
	loop(&vmm, NR_PAGES, VMM_WRITE);
	config = client_config(&vmm);
	session = attach(&config);
	vmm_advise(&vmm, MADV_DONTNEED);
	filler = (struct filler){ &vmm, syscall(SYS_userfaultfd, O_CLOEXEC) };
	range.range.start = (uintptr_t)vmm.data;
	range.range.len = vmm.data_size;
	assert_true(filler.uffd >= 0);
	assert_return_code(ioctl(filler.uffd, UFFDIO_API, &api), errno);
	assert_return_code(ioctl(filler.uffd, UFFDIO_REGISTER, &range), errno);
	start_trace(events);
	assert_int_equal(pthread_create(&thread, NULL, fill_pages, &filler), 0);
	loop(&vmm, NR_ROUNDS * NR_PAGES, VMM_WRITE);
	pthread_join(thread, NULL);
	stop_trace(events, text, 1 << 20);
	snapshot = client_snapshot(session);
	print_message("%u asynchronous page faults\n",
		      count_lines(text, "kvm_async_pf_completed: "));
	assert_true(count_lines(text, "kvm_async_pf_completed: ") >
		    NR_PAGES / 2);
	/* Elsewhere the first touches are not all seen. */
	if (client_first_touch_pages(&snapshot) == 1) {
		assert_int_equal(snapshot.s.first_touches, NR_PAGES);
		assert_int_equal(snapshot.s.accesses, NR_ROUNDS * NR_PAGES);
	}
	client_snapshot_free(&snapshot);
	close(session);
	close(filler.uffd);
	exit_vm(&vmm);
	free(text);
}

/*
 * Does a run test the depth that the lab was asked for? KVM's own tracepoints
 * tell. NPT is as deep as the host's tables; else it depends on the guest, which
 * has 4 levels.
 */
static void page_tables_have_the_depth_to_be_tested(void **state)
{
	const char *levels = getenv("LAB_LEVELS");
	char *text = malloc(1 << 22);
	const char *events[] = { "events/kvmmmu/kvm_tdp_mmu_spte_changed/enable",
				 "events/kvmmmu/kvm_mmu_get_page/enable" };
	/* Of the TDP MMU, and of the other. */
	const char *words[] = { " level ", " l" };
	uint64_t level, deepest = 0, expected = 4;
	const char *rest;
	struct vmm vmm;
	size_t i;

	(void)state;
	assert_non_null(text);
	init_vm(&vmm, NR_PAGES);
	if (client_vm_info(vmm.vm_fd).mmu_mode == KVM_AET_MMU_NPT && levels)
		expected = strtoull(levels, NULL, 10);
	exit_vm(&vmm);

	for (i = 0; i < 2; i++) {
		start_trace(events[i]);
		init_vm(&vmm, NR_PAGES);
		stop_trace(events[i], text, 1 << 22);
		exit_vm(&vmm);
		for (rest = text; next_number(&rest, words[i], &level);)
			if (level <= 5 && level > deepest)
				deepest = level;
	}
	print_message("page tables of %llu levels\n",
		      (unsigned long long)deepest);
	assert_int_equal(deepest, expected);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layouts_describe_themselves),
		cmocka_unit_test(writes_have_their_own_reuse_times),
		cmocka_unit_test(times_fit_into_the_session),
		cmocka_unit_test(open_intervals_end_with_the_generation),
		cmocka_unit_test(a_new_rate_begins_a_generation),
		cmocka_unit_test(bad_changes_are_refused),
		cmocka_unit_test(the_sample_rotates_as_it_should),
		cmocka_unit_test(rotation_loses_nothing),
		cmocka_unit_test(poll_tells_of_passes_and_the_end),
		cmocka_unit_test(a_sample_in_the_hot_set_is_noted),
		cmocka_unit_test(regions_show_what_is_used),
		cmocka_unit_test(coarse_units_are_regions),
		cmocka_unit_test(debugfs_shows_and_configures),
		cmocka_unit_test(tracepoints_tell_the_same),
		cmocka_unit_test(the_rotate_tracepoint_tells_the_same),
		cmocka_unit_test(asynchronous_faults_are_first_touches),
		cmocka_unit_test(page_tables_have_the_depth_to_be_tested),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
