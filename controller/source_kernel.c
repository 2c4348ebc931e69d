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

/* What samples hold, of enum kvm_aet_histogram_kind. */
enum {
	KIND_REUSE,
	KIND_ENDED,
	KIND_OPEN,
	NR_KINDS
};

static const enum kvm_aet_histogram_kind kinds[NR_KINDS] = {
	[KIND_REUSE] = KVM_AET_HIST_REUSE,
	[KIND_ENDED] = KVM_AET_HIST_ENDED,
	[KIND_OPEN] = KVM_AET_HIST_OPEN,
};

struct source_kernel {
	struct source source;
	int session_fd;
	int process_fd;
	int interrupt_fd;
	/* What the layout needed last time; it may grow from read to read. */
	uint32_t nr_buckets[NR_KINDS];
};

static void cleanup_kinds(uint64_t *(*buckets)[NR_KINDS])
{
	size_t i;

	for (i = 0; i < NR_KINDS; i++)
		free((*buckets)[i]);
}

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

/* With arrays to be filled, one per kind that samples hold. -ENOMEM. */
static int source_kernel_ask(const struct source_kernel *kernel,
			     struct kvm_aet_snapshot *snapshot,
			     uint64_t *buckets[NR_KINDS])
{
	size_t i;

	for (i = 0; i < NR_KINDS; i++) {
		/* One spare, as an array of 0 counters asks for the layout. */
		buckets[i] = calloc((size_t)kernel->nr_buckets[i] + 1,
				    sizeof(*buckets[i]));
		if (!buckets[i])
			return -ENOMEM;
		snapshot->histograms[kinds[i]].buckets = (uintptr_t)buckets[i];
		snapshot->histograms[kinds[i]].nr_buckets =
			kernel->nr_buckets[i];
	}
	return 0;
}

static bool source_kernel_fits(const struct source_kernel *kernel,
			       const struct kvm_aet_snapshot *snapshot)
{
	size_t i;

	for (i = 0; i < NR_KINDS; i++)
		if (snapshot->histograms[kinds[i]].nr_buckets >
		    kernel->nr_buckets[i])
			return false;
	return true;
}

static void source_kernel_learn_layout(struct source_kernel *kernel,
				       const struct kvm_aet_snapshot *snapshot)
{
	size_t i;

	for (i = 0; i < NR_KINDS; i++)
		kernel->nr_buckets[i] =
			snapshot->histograms[kinds[i]].nr_buckets;
}

/* Idle for longer than the last bucket is idle for as long as that at least. */
static void source_kernel_cap(const struct kvm_aet_histogram *histogram,
			      uint64_t *buckets)
{
	if (histogram->nr_buckets > 0)
		buckets[histogram->nr_buckets - 1] += histogram->over_range;
}

/* Takes @buckets. */
static void source_kernel_fill(const struct kvm_aet_snapshot *snapshot,
			       uint64_t *buckets[NR_KINDS],
			       struct sample *ret_sample)
{
	const struct kvm_aet_histogram *reuse =
		&snapshot->histograms[KVM_AET_HIST_REUSE];
	const struct kvm_aet_histogram *open =
		&snapshot->histograms[KVM_AET_HIST_OPEN];

	*ret_sample = (struct sample){
		.generation = snapshot->generation,
		.time_ns = snapshot->time_ns,
		.start_ns = snapshot->start_ns,
		.state = snapshot->state,
		.mmu_mode = snapshot->mmu_mode,
		.encoding = snapshot->encoding,
		.huge_mode = snapshot->huge_mode,
		.inverse_rate = snapshot->inverse_rate,
		.hot_pages = snapshot->hot_pages,
		.hot_used = snapshot->hot_used,
		.salt = snapshot->salt,
		.range_pages = snapshot->range_pages,
		.sampled_pages = snapshot->sampled_pages,
		.mapped_pages = snapshot->mapped_pages,
		.huge_leaves = snapshot->huge_leaves,
		.accesses = snapshot->accesses,
		.cold_accesses = snapshot->cold_accesses +
				 snapshot->entry_accesses + reuse->over_range,
		.entry_accesses = snapshot->entry_accesses,
		.over_range = reuse->over_range,
		.window_pages = snapshot->window_pages,
		.traps = snapshot->traps,
		.first_touches = snapshot->first_touches,
		.alias_traps = snapshot->alias_traps,
		.spurious_traps = snapshot->spurious_traps,
		.lost_records = snapshot->lost_records,
		.arms = snapshot->arms,
		.rearms = snapshot->rearms,
		.rearm_misses = snapshot->rearm_misses,
		.flushes = snapshot->flushes,
		.passes = snapshot->passes,
		.sub_bucket_bits = reuse->sub_bucket_bits,
		.nr_buckets = reuse->nr_buckets,
		.buckets = TAKE_PTR(buckets[KIND_REUSE]),
		.hook_cycles = snapshot->hook_cycles,
		.pass_cycles = snapshot->pass_cycles,
		.tsc_khz = snapshot->tsc_khz,
		.idle_sub_bucket_bits = open->sub_bucket_bits,
		.nr_idle_buckets = open->nr_buckets,
		.open = TAKE_PTR(buckets[KIND_OPEN]),
		.ended = TAKE_PTR(buckets[KIND_ENDED]),
	};
}

static int source_kernel_read(struct source *source, bool new_window,
			      struct sample *ret_sample)
{
	struct source_kernel *kernel = source_kernel_of(source);

	for (;;) {
		CLEANUP(cleanup_kinds) uint64_t *buckets[NR_KINDS] = { NULL };
		struct kvm_aet_snapshot snapshot = {
			.size = sizeof(snapshot),
			.flags = new_window ? KVM_AET_SNAPSHOT_NEW_WINDOW : 0,
		};
		const struct kvm_aet_histogram *open =
			&snapshot.histograms[KVM_AET_HIST_OPEN];
		const struct kvm_aet_histogram *ended =
			&snapshot.histograms[KVM_AET_HIST_ENDED];
		int err;

		err = source_kernel_ask(kernel, &snapshot, buckets);
		if (err < 0)
			return err;
		err = kernel_ioctl(kernel->session_fd, KVM_AET_GET_SNAPSHOT,
				   &snapshot);
		if (err == -EINTR)
			continue;
		if (err == -ENOSPC && !source_kernel_fits(kernel, &snapshot)) {
			source_kernel_learn_layout(kernel, &snapshot);
			continue;
		}
		if (err < 0)
			return err;
		/* More counters than there was room for were not written. */
		if (!source_kernel_fits(kernel, &snapshot) ||
		    open->nr_buckets != ended->nr_buckets ||
		    open->sub_bucket_bits != ended->sub_bucket_bits)
			return -EPROTO;
		source_kernel_cap(open, buckets[KIND_OPEN]);
		source_kernel_cap(ended, buckets[KIND_ENDED]);
		source_kernel_fill(&snapshot, buckets, ret_sample);
		return 0;
	}
}

static int source_kernel_configure(struct source *source,
				   const struct source_change *change)
{
	struct source_kernel *kernel = source_kernel_of(source);
	int err;

	do {
		struct kvm_aet_config config = {
			.size = sizeof(config),
			.fields = KVM_AET_SET_INVERSE_RATE |
				  KVM_AET_SET_HOT_PAGES |
				  KVM_AET_SET_PERIOD_MS |
				  KVM_AET_SET_ROTATE_PASSES,
			.inverse_rate = change->inverse_rate,
			.hot_pages = change->hot_pages,
			.period_ms = change->period_ms,
			.rotate_passes = change->rotate_passes,
		};

		err = kernel_ioctl(kernel->session_fd, KVM_AET_CONFIGURE,
				   &config);
	} while (err == -EINTR);
	return err;
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
		.configure = source_kernel_configure,
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
		.rotate_passes = config->rotate_passes,
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
	source_kernel_learn_layout(kernel, &layout);
	*ret_source = &kernel->source;
	kernel = NULL;
	return 0;
}
