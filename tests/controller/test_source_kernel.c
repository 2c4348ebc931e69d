// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel source against a stand-in for the module: ioctl() is replaced by
 * the linker, so that what is asked for, and what is made of each answer, can
 * be seen without a kernel.
 */
#include "ctl_test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define DEVICE_FD 1000
#define VM_FD 1001

int __wrap_ioctl(int fd, unsigned long request, void *argument);

static struct {
	int session_fd;
	int attach_error;
	int snapshot_error;
	int nr_interrupts;
	uint32_t nr_buckets;
	uint32_t nr_idle_buckets;
	uint32_t nr_ended_buckets; /* 0: as many as nr_idle_buckets */
	uint32_t ended_bits; /* 0: as many as of those */
	bool is_lying;
	uint32_t last_flags;
	uint32_t vm_info_flags;
	unsigned int nr_snapshots;
	struct kvm_aet_attach attach;
	struct kvm_aet_config config;
	int configure_error;
} module;

static int module_fail(int error)
{
	errno = error;
	return -1;
}

/* Fills what was asked for with @first and up; false if there is no room. */
static bool module_fill(struct kvm_aet_histogram *histogram,
			uint32_t nr_buckets, uint32_t bits, uint64_t first)
{
	uint64_t *buckets = (uint64_t *)(uintptr_t)histogram->buckets;
	uint32_t room = histogram->nr_buckets, i;

	histogram->nr_buckets = nr_buckets;
	histogram->sub_bucket_bits = bits;
	if (!buckets)
		return true;
	for (i = 0; i < nr_buckets && i < room; i++)
		buckets[i] = first + i;
	return room >= nr_buckets || module.is_lying;
}

static int module_snapshot(struct kvm_aet_snapshot *snapshot)
{
	struct kvm_aet_histogram *histograms = snapshot->histograms;
	bool has_room;

	module.nr_snapshots++;
	assert_int_equal(snapshot->size, sizeof(*snapshot));
	if (module.nr_interrupts > 0) {
		module.nr_interrupts--;
		return module_fail(EINTR);
	}
	if (module.snapshot_error)
		return module_fail(module.snapshot_error);
	module.last_flags = snapshot->flags;
	has_room = module_fill(&histograms[KVM_AET_HIST_REUSE],
			       module.nr_buckets, 7, 100);
	has_room &= module_fill(&histograms[KVM_AET_HIST_OPEN],
				module.nr_idle_buckets, 5, 200);
	has_room &= module_fill(&histograms[KVM_AET_HIST_ENDED],
				module.nr_ended_buckets ?
					module.nr_ended_buckets :
					module.nr_idle_buckets,
				module.ended_bits ? module.ended_bits : 5, 300);
	if (!has_room)
		return module_fail(ENOSPC);
	histograms[KVM_AET_HIST_REUSE].over_range = 3;
	histograms[KVM_AET_HIST_OPEN].over_range = 1000;
	histograms[KVM_AET_HIST_ENDED].over_range = 2000;
	snapshot->state = KVM_AET_TRACKING;
	snapshot->mmu_mode = 11;
	snapshot->encoding = 12;
	snapshot->huge_mode = 13;
	snapshot->inverse_rate = 14;
	snapshot->hot_pages = 15;
	snapshot->hot_used = 16;
	snapshot->salt = 17;
	snapshot->time_ns = 18;
	snapshot->range_pages = 19;
	snapshot->sampled_pages = 20;
	snapshot->mapped_pages = 21;
	snapshot->huge_leaves = 22;
	snapshot->accesses = 23;
	snapshot->cold_accesses = 20;
	snapshot->entry_accesses = 1;
	snapshot->window_pages = 25;
	snapshot->traps = 26;
	snapshot->first_touches = 27;
	snapshot->alias_traps = 28;
	snapshot->spurious_traps = 29;
	snapshot->lost_records = 30;
	snapshot->arms = 31;
	snapshot->rearms = 32;
	snapshot->rearm_misses = 33;
	snapshot->flushes = 34;
	snapshot->passes = 35;
	snapshot->generation = 36;
	snapshot->start_ns = 37;
	snapshot->hook_cycles = 38;
	snapshot->pass_cycles = 39;
	snapshot->tsc_khz = 40;
	return 0;
}

int __wrap_ioctl(int fd, unsigned long request, void *argument)
{
	if (request == KVM_AET_ATTACH) {
		assert_int_equal(fd, DEVICE_FD);
		module.attach = *(struct kvm_aet_attach *)argument;
		if (module.attach_error)
			return module_fail(module.attach_error);
		/* Closed by whoever owns the session. */
		return dup(module.session_fd);
	}
	if (request == KVM_AET_VM_INFO) {
		struct kvm_aet_vm_info *info = argument;

		assert_int_equal(fd, DEVICE_FD);
		assert_int_equal(info->size, sizeof(*info));
		module.vm_info_flags = info->flags;
		if (info->vm_fd != VM_FD)
			return module_fail(ENXIO);
		info->mmu_mode = KVM_AET_MMU_EPT;
		info->nr_vcpus = 3;
		info->is_tracked = 1;
		info->memslot_pages = 65536;
		info->small_leaves = 4;
		info->huge_leaves = 5;
		info->armed_leaves = 6;
		return 0;
	}
	if (request == KVM_AET_GET_SNAPSHOT)
		return module_snapshot(argument);
	if (request == KVM_AET_CONFIGURE) {
		module.config = *(struct kvm_aet_config *)argument;
		if (module.nr_interrupts > 0) {
			module.nr_interrupts--;
			return module_fail(EINTR);
		}
		return module.configure_error ?
			       module_fail(module.configure_error) :
			       0;
	}
	return module_fail(ENOTTY);
}

static int interrupt_fd, process_fd;

static int setup(void **state)
{
	(void)state;
	memset(&module, 0, sizeof(module));
	module.session_fd = eventfd(0, EFD_CLOEXEC);
	module.nr_buckets = 100;
	module.nr_idle_buckets = 50;
	interrupt_fd = eventfd(0, EFD_CLOEXEC);
	process_fd = eventfd(0, EFD_CLOEXEC);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(module.session_fd);
	close(interrupt_fd);
	close(process_fd);
	return 0;
}

static const struct source_config config = {
	.inverse_rate = 128,
	.hot_pages = 65,
	.period_ms = 1250,
	.flush_batch = 66,
	.huge_mode = KVM_AET_HUGE_AS_MAPPED,
	.gfn_start = 67,
	.gfn_end = 68,
	.salt = 69,
	.rotate_passes = 70,
};

static struct source *must_open(void)
{
	struct source *source = NULL;

	assert_int_equal(source_open(DEVICE_FD, VM_FD, process_fd, interrupt_fd,
				     &config, &source),
			 0);
	assert_non_null(source);
	return source;
}

static void test_attach_says_what_was_asked(void **state)
{
	struct source *source = must_open();

	(void)state;
	assert_int_equal(module.attach.size, sizeof(module.attach));
	assert_int_equal(module.attach.flags, 0);
	assert_int_equal(module.attach.vm_fd, VM_FD);
	assert_int_equal(module.attach.inverse_rate, 128);
	assert_int_equal(module.attach.hot_pages, 65);
	assert_int_equal(module.attach.period_ms, 1250);
	assert_int_equal(module.attach.flush_batch, 66);
	assert_int_equal(module.attach.huge_mode, KVM_AET_HUGE_AS_MAPPED);
	assert_int_equal(module.attach.gfn_start, 67);
	assert_int_equal(module.attach.gfn_end, 68);
	assert_int_equal(module.attach.salt, 69);
	assert_int_equal(module.attach.rotate_passes, 70);
	source_close(source);
}

static void test_attach_errors(void **state)
{
	static const int errors[] = { EBADF,	  ENXIO,  EBUSY, ESRCH,
				      EOPNOTSUPP, EINVAL, ENOMEM };
	struct source *source = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		module.attach_error = errors[i];
		assert_int_equal(source_open(DEVICE_FD, VM_FD, process_fd,
					     interrupt_fd, &config, &source),
				 -errors[i]);
		assert_null(source);
	}
}

/* A session that cannot be read is closed, which disarms the VM. */
static void test_open_failure_closes_the_session(void **state)
{
	struct source *source = NULL;
	int before = dup(0), after;

	(void)state;
	close(before);
	module.snapshot_error = EIO;
	assert_int_equal(source_open(DEVICE_FD, VM_FD, process_fd, interrupt_fd,
				     &config, &source),
			 -EIO);
	assert_null(source);
	after = dup(0);
	close(after);
	assert_int_equal(after, before);
}

static void test_read_copies_every_field(void **state)
{
	struct source *source = must_open();
	struct sample sample = { 0 };
	uint32_t i;

	(void)state;
	assert_int_equal(source_read(source, false, &sample), 0);
	assert_int_equal(module.last_flags, 0);
	assert_int_equal(sample.state, KVM_AET_TRACKING);
	assert_int_equal(sample.sub_bucket_bits, 7);
	assert_int_equal(sample.mmu_mode, 11);
	assert_int_equal(sample.encoding, 12);
	assert_int_equal(sample.huge_mode, 13);
	assert_int_equal(sample.inverse_rate, 14);
	assert_int_equal(sample.hot_pages, 15);
	assert_int_equal(sample.hot_used, 16);
	assert_int_equal(sample.salt, 17);
	assert_int_equal(sample.time_ns, 18);
	assert_int_equal(sample.range_pages, 19);
	assert_int_equal(sample.sampled_pages, 20);
	assert_int_equal(sample.mapped_pages, 21);
	assert_int_equal(sample.huge_leaves, 22);
	assert_int_equal(sample.accesses, 23);
	assert_int_equal(sample.cold_accesses, 24);
	assert_int_equal(sample.entry_accesses, 1);
	assert_int_equal(sample.over_range, 3);
	assert_int_equal(sample.window_pages, 25);
	assert_int_equal(sample.traps, 26);
	assert_int_equal(sample.first_touches, 27);
	assert_int_equal(sample.alias_traps, 28);
	assert_int_equal(sample.spurious_traps, 29);
	assert_int_equal(sample.lost_records, 30);
	assert_int_equal(sample.arms, 31);
	assert_int_equal(sample.rearms, 32);
	assert_int_equal(sample.rearm_misses, 33);
	assert_int_equal(sample.flushes, 34);
	assert_int_equal(sample.passes, 35);
	assert_int_equal(sample.generation, 36);
	assert_int_equal(sample.start_ns, 37);
	assert_int_equal(sample.nr_buckets, 100);
	for (i = 0; i < 100; i++)
		assert_int_equal(sample.buckets[i], 100 + i);
	assert_int_equal(sample.hook_cycles, 38);
	assert_int_equal(sample.pass_cycles, 39);
	assert_int_equal(sample.tsc_khz, 40);
	assert_int_equal(sample.idle_sub_bucket_bits, 5);
	assert_int_equal(sample.nr_idle_buckets, 50);
	/* What is beyond the last bucket is in the last one. */
	for (i = 0; i < 50; i++) {
		assert_int_equal(sample.open[i],
				 200 + i + (i == 49 ? 1000 : 0));
		assert_int_equal(sample.ended[i],
				 300 + i + (i == 49 ? 2000 : 0));
	}
	sample_done(&sample);
	assert_null(sample.open);
	assert_null(sample.ended);
	assert_int_equal(source_read(source, true, &sample), 0);
	assert_int_equal(module.last_flags, KVM_AET_SNAPSHOT_NEW_WINDOW);
	sample_done(&sample);
	source_close(source);
}

static void test_layout_may_grow(void **state)
{
	struct source *source = must_open();
	struct sample sample = { 0 };

	(void)state;
	module.nr_buckets = 5000;
	module.nr_interrupts = 2;
	assert_int_equal(source_read(source, true, &sample), 0);
	assert_int_equal(sample.nr_buckets, 5000);
	assert_int_equal(sample.buckets[4999], 5099);
	sample_done(&sample);
	module.nr_idle_buckets = 700;
	assert_int_equal(source_read(source, true, &sample), 0);
	assert_int_equal(sample.nr_buckets, 5000);
	assert_int_equal(sample.nr_idle_buckets, 700);
	assert_int_equal(sample.open[698], 898);
	sample_done(&sample);
	/* Idle pages in two layouts. */
	module.nr_ended_buckets = 699;
	assert_int_equal(source_read(source, true, &sample), -EPROTO);
	module.nr_ended_buckets = 0;
	module.ended_bits = 6;
	assert_int_equal(source_read(source, true, &sample), -EPROTO);
	module.ended_bits = 0;
	/* Claims more than there was room for: nothing beyond is read. */
	module.nr_buckets = 6000;
	module.is_lying = true;
	assert_int_equal(source_read(source, true, &sample), -EPROTO);
	assert_null(sample.buckets);
	/* Always too little room: no endless loop. */
	module.snapshot_error = ENOSPC;
	assert_int_equal(source_read(source, true, &sample), -ENOSPC);
	source_close(source);
}

static void test_configure(void **state)
{
	static const struct source_change change = {
		.inverse_rate = 256,
		.hot_pages = 128,
		.period_ms = 500,
		.rotate_passes = 64,
	};
	struct source *source = must_open();

	(void)state;
	module.nr_interrupts = 1;
	assert_int_equal(source_configure(source, &change), 0);
	assert_int_equal(module.config.size, sizeof(module.config));
	assert_int_equal(module.config.fields,
			 KVM_AET_SET_INVERSE_RATE | KVM_AET_SET_HOT_PAGES |
				 KVM_AET_SET_PERIOD_MS |
				 KVM_AET_SET_ROTATE_PASSES);
	assert_int_equal(module.config.inverse_rate, 256);
	assert_int_equal(module.config.hot_pages, 128);
	assert_int_equal(module.config.period_ms, 500);
	assert_int_equal(module.config.rotate_passes, 64);
	module.configure_error = ESHUTDOWN;
	assert_int_equal(source_configure(source, &change), -ESHUTDOWN);
	source_close(source);
}

static void test_configure_what_cannot_be(void **state)
{
	static const struct source_ops ops = { 0 };
	static const struct source_change change = { 0 };
	struct source source = { .ops = &ops };

	(void)state;
	assert_int_equal(source_configure(&source, &change), -EOPNOTSUPP);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void test_wait(void **state)
{
	struct source *source = must_open();
	enum source_event event = SOURCE_ENDED;
	uint64_t start = now_ns(), one = 1;

	(void)state;
	assert_int_equal(source_wait(source, start + 20000000, &event), 0);
	assert_int_equal(event, SOURCE_DEADLINE);
	assert_true(now_ns() >= start + 20000000);
	/* A deadline in the past does not wait. */
	assert_int_equal(source_wait(source, 1, &event), 0);
	assert_int_equal(event, SOURCE_DEADLINE);
	assert_int_equal(write(process_fd, &one, sizeof(one)), sizeof(one));
	assert_int_equal(source_wait(source, UINT64_MAX / 2, &event), 0);
	assert_int_equal(event, SOURCE_ENDED);
	/* The user first: the VM's end is not to hide it. */
	assert_int_equal(write(interrupt_fd, &one, sizeof(one)), sizeof(one));
	assert_int_equal(source_wait(source, UINT64_MAX / 2, &event), 0);
	assert_int_equal(event, SOURCE_INTERRUPTED);
	source_close(source);
}

static void test_hangup_ends(void **state)
{
	enum source_event event = SOURCE_DEADLINE;
	struct source *source;
	int fds[2];

	(void)state;
	/* A pipe without a writer hangs up, as an ended session does. */
	assert_int_equal(pipe(fds), 0);
	close(module.session_fd);
	module.session_fd = fds[0];
	source = must_open();
	assert_int_equal(source_wait(source, 1, &event), 0);
	assert_int_equal(event, SOURCE_DEADLINE);
	close(fds[1]);
	assert_int_equal(source_wait(source, UINT64_MAX / 2, &event), 0);
	assert_int_equal(event, SOURCE_ENDED);
	source_close(source);
}

static void test_vm_info(void **state)
{
	struct source_vm_info info = { .nr_vcpus = 77 };

	(void)state;
	assert_int_equal(source_vm_info(DEVICE_FD, VM_FD + 1, false, &info),
			 -ENXIO);
	assert_int_equal(info.nr_vcpus, 77);
	assert_int_equal(source_vm_info(DEVICE_FD, VM_FD, false, &info), 0);
	assert_int_equal(module.vm_info_flags, 0);
	assert_int_equal(info.nr_vcpus, 3);
	assert_int_equal(info.mmu_mode, KVM_AET_MMU_EPT);
	assert_true(info.is_tracked);
	assert_int_equal(info.memory_pages, 65536);
	assert_int_equal(source_vm_info(DEVICE_FD, VM_FD, true, &info), 0);
	assert_int_equal(module.vm_info_flags, KVM_AET_VM_INFO_COUNT_LEAVES);
	assert_int_equal(info.small_leaves, 4);
	assert_int_equal(info.huge_leaves, 5);
	assert_int_equal(info.armed_leaves, 6);
}

int main(void)
{
#define KERNEL_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		KERNEL_TEST(test_attach_says_what_was_asked),
		KERNEL_TEST(test_attach_errors),
		KERNEL_TEST(test_open_failure_closes_the_session),
		KERNEL_TEST(test_read_copies_every_field),
		KERNEL_TEST(test_layout_may_grow),
		KERNEL_TEST(test_configure),
		cmocka_unit_test(test_configure_what_cannot_be),
		KERNEL_TEST(test_wait),
		KERNEL_TEST(test_hangup_ends),
		KERNEL_TEST(test_vm_info),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
