// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel module as a source: the only file that calls ioctl(). */
#include "source.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <time.h>

#include "cleanup.h"
#include "units.h"

static_assert(sizeof(struct kvm_aet_attach) == 120, "ABI");
static_assert(sizeof(struct kvm_aet_config) == 72, "ABI");
static_assert(sizeof(struct kvm_aet_histogram) == 40, "ABI");
static_assert(sizeof(struct kvm_aet_snapshot) == 608, "ABI");
static_assert(sizeof(struct kvm_aet_region) == 144, "ABI");
static_assert(sizeof(struct kvm_aet_regions) == 64, "ABI");
static_assert(sizeof(struct kvm_aet_vm_info) == 120, "ABI");

/* A struct that does not belong to the request does not build. */
#define kernel_ioctl(fd, request, argument)                              \
	({                                                               \
		static_assert(sizeof(*(argument)) == _IOC_SIZE(request), \
			      "argument does not belong to request");    \
		ioctl(fd, request, argument) < 0 ? -errno : 0;           \
	})

struct source_kernel {
	struct source source;
	int session_fd;
	int process_fd;
	int interrupt_fd;
	/* What the layout needed last time; it may grow from read to read. */
	uint32_t nr_buckets;
};

static struct source_kernel *source_kernel_of(struct source *source)
{
	return (struct source_kernel *)((char *)source -
					offsetof(struct source_kernel, source));
}

int source_open_device(int *ret_device_fd)
{
	_cleanup_close_ int fd = open(KVM_AET_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	/* A module that does not know the question is another one, too. */
	if (ioctl(fd, KVM_AET_GET_ABI, 0) != KVM_AET_ABI)
		return -EPROTO;
	*ret_device_fd = TAKE_FD(fd);
	return 0;
}

int source_vm_info(int device_fd, int vm_fd, bool count_leaves,
		   struct source_vm_info *ret_info)
{
	struct kvm_aet_vm_info info = {
		.size = sizeof(info),
		.flags = count_leaves ? KVM_AET_VM_INFO_COUNT_LEAVES : 0,
		.vm_fd = vm_fd,
	};
	int err;

	err = kernel_ioctl(device_fd, KVM_AET_VM_INFO, &info);
	if (err < 0)
		return err;
	*ret_info = (struct source_vm_info){
		.mmu_mode = info.mmu_mode,
		.nr_vcpus = info.nr_vcpus,
		.is_tracked = info.is_tracked != 0,
		.memory_pages = info.memslot_pages,
		.small_leaves = info.small_leaves,
		.huge_leaves = info.huge_leaves,
		.armed_leaves = info.armed_leaves,
	};
	return 0;
}

static int source_kernel_read(struct source *source, bool new_window,
			      struct sample *ret_sample)
{
	struct source_kernel *kernel = source_kernel_of(source);
	struct kvm_aet_snapshot snapshot;
	struct kvm_aet_histogram *reuse =
		&snapshot.histograms[KVM_AET_HIST_REUSE];
	int err;

	for (;;) {
		_cleanup_free_ uint64_t *buckets = NULL;

		/* One spare, as an array of 0 counters asks for the layout. */
		buckets = calloc((size_t)kernel->nr_buckets + 1,
				 sizeof(*buckets));
		if (!buckets)
			return -ENOMEM;
		snapshot = (struct kvm_aet_snapshot){
			.size = sizeof(snapshot),
			.flags = new_window ? KVM_AET_SNAPSHOT_NEW_WINDOW : 0,
			.histograms[KVM_AET_HIST_REUSE] = {
				.buckets = (uintptr_t)buckets,
				.nr_buckets = kernel->nr_buckets,
			},
		};
		err = kernel_ioctl(kernel->session_fd, KVM_AET_GET_SNAPSHOT,
				   &snapshot);
		if (err == -EINTR)
			continue;
		if (err == -ENOSPC && reuse->nr_buckets > kernel->nr_buckets) {
			kernel->nr_buckets = reuse->nr_buckets;
			continue;
		}
		if (err < 0)
			return err;
		/* More counters than there was room for were not written. */
		if (reuse->nr_buckets > kernel->nr_buckets)
			return -EPROTO;
		*ret_sample = (struct sample){
			.generation = snapshot.generation,
			.time_ns = snapshot.time_ns,
			.start_ns = snapshot.start_ns,
			.state = snapshot.state,
			.mmu_mode = snapshot.mmu_mode,
			.encoding = snapshot.encoding,
			.huge_mode = snapshot.huge_mode,
			.inverse_rate = snapshot.inverse_rate,
			.hot_pages = snapshot.hot_pages,
			.hot_used = snapshot.hot_used,
			.salt = snapshot.salt,
			.range_pages = snapshot.range_pages,
			.sampled_pages = snapshot.sampled_pages,
			.mapped_pages = snapshot.mapped_pages,
			.huge_leaves = snapshot.huge_leaves,
			.accesses = snapshot.accesses,
			.cold_accesses = snapshot.cold_accesses +
					 snapshot.entry_accesses +
					 reuse->over_range,
			.window_pages = snapshot.window_pages,
			.traps = snapshot.traps,
			.first_touches = snapshot.first_touches,
			.alias_traps = snapshot.alias_traps,
			.spurious_traps = snapshot.spurious_traps,
			.lost_records = snapshot.lost_records,
			.arms = snapshot.arms,
			.rearms = snapshot.rearms,
			.rearm_misses = snapshot.rearm_misses,
			.flushes = snapshot.flushes,
			.passes = snapshot.passes,
			.sub_bucket_bits = reuse->sub_bucket_bits,
			.nr_buckets = reuse->nr_buckets,
			.buckets = TAKE_PTR(buckets),
		};
		return 0;
	}
}

static int source_kernel_wait(struct source *source, uint64_t deadline_ns,
			      enum source_event *ret_event)
{
	struct source_kernel *kernel = source_kernel_of(source);

	for (;;) {
		struct pollfd fds[] = {
			{ .fd = kernel->interrupt_fd, .events = POLLIN },
			{ .fd = kernel->session_fd },
			{ .fd = kernel->process_fd, .events = POLLIN },
		};
		struct timespec now, timeout;
		uint64_t now_ns, left_ns;
		int ready;

		if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
			return -errno;
		now_ns =
			(uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
		left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
		timeout.tv_sec = (time_t)(left_ns / NS_PER_S);
		timeout.tv_nsec = (long)(left_ns % NS_PER_S);
		ready = ppoll(fds, sizeof(fds) / sizeof(fds[0]), &timeout,
			      NULL);
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready < 0)
			return -errno;
		if (fds[0].revents)
			*ret_event = SOURCE_INTERRUPTED;
		else if (fds[1].revents || fds[2].revents)
			*ret_event = SOURCE_ENDED;
		else
			*ret_event = SOURCE_DEADLINE;
		return 0;
	}
}

static void source_kernel_close(struct source *source)
{
	struct source_kernel *kernel = source_kernel_of(source);

	(void)close(kernel->session_fd);
	free(kernel);
}

int source_open(int device_fd, int vm_fd, int process_fd, int interrupt_fd,
		const struct source_config *config, struct source **ret_source)
{
	static const struct source_ops ops = {
		.read = source_kernel_read,
		.wait = source_kernel_wait,
		.close = source_kernel_close,
	};
	struct kvm_aet_attach attach = {
		.size = sizeof(attach),
		.vm_fd = vm_fd,
		.inverse_rate = config->inverse_rate,
		.hot_pages = config->hot_pages,
		.period_ms = config->period_ms,
		.flush_batch = config->flush_batch,
		.huge_mode = config->huge_mode,
		.gfn_start = config->gfn_start,
		.gfn_end = config->gfn_end,
		.salt = config->salt,
	};
	struct kvm_aet_snapshot layout = { .size = sizeof(layout) };
	_cleanup_free_ struct source_kernel *kernel = NULL;
	_cleanup_close_ int session_fd = -1;
	int err;

	kernel = calloc(1, sizeof(*kernel));
	if (!kernel)
		return -ENOMEM;
	/* This one returns a descriptor, so 0 is not its only success. */
	session_fd = ioctl(device_fd, KVM_AET_ATTACH, &attach);
	if (session_fd < 0)
		return -errno;
	err = kernel_ioctl(session_fd, KVM_AET_GET_SNAPSHOT, &layout);
	if (err < 0)
		return err;
	kernel->source.ops = &ops;
	kernel->session_fd = TAKE_FD(session_fd);
	kernel->process_fd = process_fd;
	kernel->interrupt_fd = interrupt_fd;
	kernel->nr_buckets = layout.histograms[KVM_AET_HIST_REUSE].nr_buckets;
	*ret_source = &kernel->source;
	kernel = NULL;
	return 0;
}
