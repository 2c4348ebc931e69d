/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where samples of a VM's page accesses come from.
 *
 * A source is the kernel module (source_kernel.c) or anything else that
 * implements struct source_ops, such as a recorded sequence in a test. Nothing
 * behind this header knows which.
 *
 *	struct source *source;
 *	struct sample sample = { 0 };
 *	enum source_event event;
 *	err = source_open(device_fd, vm_fd, process_fd, interrupt_fd, &config, &source);
 *	err = source_wait(source, deadline_ns, &event);
 *	err = source_read(source, true, &sample);
 *	sample_done(&sample);
 *	source_close(source);
 *
 * Errors: 0 or -errno; outputs are untouched on failure.
 */
#ifndef CONTROLLER_SOURCE_H
#define CONTROLLER_SOURCE_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <linux/kvm_aet.h>

/**
 * struct sample - the counters of one VM at one moment, cumulative in their
 *	generation
 * @generation: its number; counters of two generations must not be subtracted
 * @time_ns: CLOCK_MONOTONIC
 * @start_ns: CLOCK_MONOTONIC of the generation's start
 * @state: enum kvm_aet_state
 * @mmu_mode: enum kvm_aet_mmu_mode
 * @encoding: enum kvm_aet_encoding
 * @huge_mode: enum kvm_aet_huge_mode
 * @inverse_rate: nominal, one page in so many is sampled
 * @sub_bucket_bits: layout of @buckets, see mrc/hist.h
 * @nr_buckets: counters at @buckets
 * @cold_accesses: accesses without a known reuse time: first ones of their
 *	page, and those beyond the last bucket
 * @entry_accesses: of those, first ones of pages that were mapped, and so perhaps
 *	accessed, before they came into the sample
 * @over_range: of those, ones beyond the last bucket
 * @buckets: accesses by reuse time; owned by the sample
 * @hook_cycles: TSC cycles spent on this VM's faults
 * @pass_cycles: TSC cycles spent in background passes
 * @tsc_khz: 1000 cycles per second, of these
 * @idle_sub_bucket_bits: layout of @open and @ended, at most @sub_bucket_bits
 * @nr_idle_buckets: counters at each of them, or 0 if the source does not tell
 * @open: pages by accesses since their last one. Not cumulative: as it is now.
 *	Pages never accessed are not in it. Owned by the sample.
 * @ended: pages that left the sample, by accesses since their last one; owned
 *	by the sample
 *
 * The other fields are those of struct kvm_aet_snapshot.
 */
struct sample {
	uint64_t generation;
	uint64_t time_ns;
	uint64_t start_ns;
	uint32_t state;
	uint32_t mmu_mode;
	uint32_t encoding;
	uint32_t huge_mode;
	uint32_t inverse_rate;
	uint32_t hot_pages;
	uint32_t hot_used;
	uint64_t salt;
	uint64_t range_pages;
	uint64_t sampled_pages;
	uint64_t mapped_pages;
	uint64_t huge_leaves;
	uint64_t accesses;
	uint64_t cold_accesses;
	uint64_t entry_accesses;
	uint64_t over_range;
	uint64_t window_pages;
	uint64_t traps;
	uint64_t first_touches;
	uint64_t alias_traps;
	uint64_t spurious_traps;
	uint64_t lost_records;
	uint64_t arms;
	uint64_t rearms;
	uint64_t rearm_misses;
	uint64_t flushes;
	uint64_t passes;
	uint32_t sub_bucket_bits;
	uint32_t nr_buckets;
	uint64_t *buckets;
	uint64_t hook_cycles;
	uint64_t pass_cycles;
	uint32_t tsc_khz;
	uint32_t idle_sub_bucket_bits;
	uint32_t nr_idle_buckets;
	uint64_t *open;
	uint64_t *ended;
};

/* Frees what a sample owns and empties it; an all-zero sample is fine. */
static inline void sample_done(struct sample *sample)
{
	free(sample->buckets);
	free(sample->open);
	free(sample->ended);
	*sample = (struct sample){ 0 };
}

enum source_event {
	SOURCE_DEADLINE, /* the deadline has passed */
	SOURCE_ENDED, /* no more accesses will be recorded; still readable */
	SOURCE_INTERRUPTED, /* the user wants to stop */
};

struct source;

/**
 * struct source_change - what can be changed while tracking; fields as in struct
 *	kvm_aet_attach
 */
struct source_change {
	uint32_t inverse_rate;
	uint32_t hot_pages;
	uint32_t period_ms;
	uint32_t rotate_passes;
};

struct source_ops {
	int (*read)(struct source *source, bool new_window,
		    struct sample *ret_sample);
	/* NULL: what is tracked cannot be changed. */
	int (*configure)(struct source *source,
			 const struct source_change *change);
	int (*wait)(struct source *source, uint64_t deadline_ns,
		    enum source_event *ret_event);
	void (*close)(struct source *source);
};

/* Embedded first in every implementation. */
struct source {
	const struct source_ops *ops;
};

/**
 * source_read() - take a sample
 * @source: source
 * @new_window: let @window_pages restart from 0 after this sample
 * @ret_sample: the sample, to be freed with sample_done()
 */
static inline int source_read(struct source *source, bool new_window,
			      struct sample *ret_sample)
{
	return source->ops->read(source, new_window, ret_sample);
}

/**
 * source_configure() - change how a VM is tracked
 * @source: source
 * @change: all of it; what is as before changes nothing
 *
 * If the rate, the hot set or the rotation changes, a new generation begins. What
 * the old one counted since the last sample is not in the next.
 *
 * Returns 0; -EOPNOTSUPP the source cannot; others as for KVM_AET_CONFIGURE, and
 * then all is as before.
 */
static inline int source_configure(struct source *source,
				   const struct source_change *change)
{
	if (!source->ops->configure)
		return -EOPNOTSUPP;
	return source->ops->configure(source, change);
}

/**
 * source_wait() - sleep until something is to be done
 * @source: source
 * @deadline_ns: CLOCK_MONOTONIC
 * @ret_event: why it woke
 */
static inline int source_wait(struct source *source, uint64_t deadline_ns,
			      enum source_event *ret_event)
{
	return source->ops->wait(source, deadline_ns, ret_event);
}

/* Ends tracking and frees the source; NULL is fine. */
static inline void source_close(struct source *source)
{
	if (source)
		source->ops->close(source);
}

/**
 * struct source_config - how to track; fields as in struct kvm_aet_attach
 */
struct source_config {
	uint32_t inverse_rate;
	uint32_t hot_pages;
	uint32_t period_ms;
	uint32_t flush_batch;
	uint32_t huge_mode;
	uint64_t gfn_start;
	uint64_t gfn_end;
	uint64_t salt;
	uint32_t rotate_passes;
};

/* What the module tells of a VM without tracking it; as kvm_aet_vm_info. */
struct source_vm_info {
	uint32_t mmu_mode;
	uint32_t nr_vcpus;
	bool is_tracked;
	uint64_t memory_pages;
	uint64_t small_leaves;
	uint64_t huge_leaves;
	uint64_t armed_leaves;
};

/*
 * Opens the module's device. -ENOENT the module is not loaded; -EACCES the
 * caller is not root; -EPROTO the module has another ABI.
 */
int source_open_device(int *ret_device_fd);

/*
 * @count_leaves: walk the VM's page tables for the *_leaves, else 0. -ENXIO
 * @vm_fd is not a VM; others as for KVM_AET_VM_INFO.
 */
int source_vm_info(int device_fd, int vm_fd, bool count_leaves,
		   struct source_vm_info *ret_info);

/**
 * source_open() - start tracking a VM
 * @device_fd: from source_open_device()
 * @vm_fd: descriptor of the VM; not needed afterwards
 * @process_fd: pidfd of the VM's process, watched for its end, or -1; must stay
 *	open
 * @interrupt_fd: readable when the user wants to stop, or -1; must stay open
 * @config: settings
 * @ret_source: the source, to be closed with source_close()
 *
 * Errors as for KVM_AET_ATTACH.
 */
int source_open(int device_fd, int vm_fd, int process_fd, int interrupt_fd,
		const struct source_config *config, struct source **ret_source);

#endif /* CONTROLLER_SOURCE_H */
