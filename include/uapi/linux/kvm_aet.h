/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The contract between kvm-aet.ko and user space.
 *
 * /dev/kvm-aet (root only) takes a VM file descriptor and gives a *session*
 * descriptor. While the session descriptor is open, a sampled share of the
 * VM's pages traps on access; closing it (or the death of its owner) disarms
 * every page.
 *
 *	int dev = open("/dev/kvm-aet", O_RDWR | O_CLOEXEC);
 *	struct kvm_aet_attach a = {
 *		.size = sizeof(a), .vm_fd = vm_fd, .inverse_rate = 128,
 *		.hot_pages = 64, .period_ms = 5000, .flush_batch = 64,
 *	};
 *	int session = ioctl(dev, KVM_AET_ATTACH, &a);
 *	struct kvm_aet_snapshot s = { .size = sizeof(s) };
 *	struct kvm_aet_histogram *h = &s.histograms[KVM_AET_HIST_REUSE];
 *	ioctl(session, KVM_AET_GET_SNAPSHOT, &s);	// h->nr_buckets
 *	h->buckets = (__u64)(uintptr_t)calloc(h->nr_buckets, sizeof(__u64));
 *	ioctl(session, KVM_AET_GET_SNAPSHOT, &s);
 *	close(session);
 *
 * What is counted belongs to a *generation*: the time between two changes of
 * what the counts mean (rate, hot set, rotation). Within one, a snapshot is
 * cumulative and changes nothing, so readers subtract two snapshots to obtain a
 * window, and no count is lost in between. The next generation starts from 0;
 * the last values of the one before it stay readable
 * (KVM_AET_SNAPSHOT_PREVIOUS).
 *
 * A *unit* is what is sampled, trapped and recorded as one: a 4 KiB page, or in
 * KVM_AET_HUGE_COARSE a 2 MiB region. "Page" in names of counters means a unit.
 *
 * Every struct starts with its size as the caller knows it. A larger struct
 * than the module knows is accepted if the unknown tail is zero (else E2BIG);
 * a smaller one than the first version is refused (EINVAL). Reserved fields
 * and unknown flags must be zero (EINVAL).
 */
#ifndef _UAPI_LINUX_KVM_AET_H
#define _UAPI_LINUX_KVM_AET_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define KVM_AET_DEVICE "/dev/kvm-aet"

/* What KVM_AET_GET_ABI returns; another number is another contract. */
#define KVM_AET_ABI 2

/* Limits of struct kvm_aet_attach; outside them: EINVAL. */
#define KVM_AET_MAX_INVERSE_RATE 65536
/*
 * One instruction must find room in the hot set for all pages it needs at
 * once, or it would never finish: at most 6 of its own and 7 for delivering an
 * event, each with up to 5 page-table pages, most of them shared. With many
 * vCPUs the module enlarges the set further; the snapshot says to what.
 */
#define KVM_AET_MIN_HOT_PAGES 64
#define KVM_AET_MAX_HOT_PAGES 65536
#define KVM_AET_MIN_PERIOD_MS 10
#define KVM_AET_MAX_PERIOD_MS 3600000
#define KVM_AET_MAX_FLUSH_BATCH 65536
#define KVM_AET_MIN_ROTATE_PASSES 16
#define KVM_AET_MAX_ROTATE_PASSES 1048576

/* How the VM's guest-physical memory is translated, and by which tables. */
enum kvm_aet_mmu_mode {
	KVM_AET_MMU_UNKNOWN = 0, /* no vCPU has run yet */
	KVM_AET_MMU_NPT = 1,
	KVM_AET_MMU_EPT = 2,
	KVM_AET_MMU_SHADOW = 3,
};

/* What makes a leaf SPTE trap; see kvm-aet/spte.h. */
enum kvm_aet_encoding {
	KVM_AET_ENC_NONE = 0, /* not chosen yet: no vCPU has run */
	KVM_AET_ENC_EPT_MEMTYPE = 1, /* reserved EPT memory type 7 */
	KVM_AET_ENC_NPT_SUPERVISOR = 2, /* U/S cleared */
	KVM_AET_ENC_NOT_PRESENT = 3, /* P cleared, KVM's MMU-present bit kept */
};

/* What to do with leaves of 2 MiB and more. */
enum kvm_aet_huge_mode {
	/* Map sampled regions with 4 KiB leaves; undone on detach. */
	KVM_AET_HUGE_SPLIT = 0,
	/* Leave huge leaves as they are, untracked; snapshot counts them. */
	KVM_AET_HUGE_AS_MAPPED = 1,
	/*
	 * The unit is a 2 MiB region, trapped by its huge leaf where it has
	 * one. Only larger leaves are split. A region mapped with 4 KiB leaves
	 * is one unit, too, but costs a trap per leaf under shadow paging.
	 */
	KVM_AET_HUGE_COARSE = 2,
};

enum kvm_aet_state {
	KVM_AET_TRACKING = 1, /* leaves are armed, accesses recorded */
	KVM_AET_STOPPED = 2, /* KVM_AET_STOP: disarmed, still readable */
	KVM_AET_VM_EXITED = 3, /* the VM is gone; still readable */
};

/**
 * struct kvm_aet_attach - start tracking one VM (KVM_AET_ATTACH)
 * @size: sizeof(struct kvm_aet_attach)
 * @flags: must be 0
 * @vm_fd: descriptor of the VM, as KVM_CREATE_VM returned it
 * @inverse_rate: one unit in @inverse_rate is sampled, 1..65536; 1 is all
 * @hot_pages: capacity of the hot set in sampled units, 64..65536. A set as
 *	large as the sampled footprint sees each unit once and then nothing.
 * @period_ms: interval of the background pass that arms new leaves and
 *	flushes TLBs, 10..3600000 ms. Longer where passes would otherwise take
 *	more than a tenth of the time.
 * @flush_batch: flush the guest's TLBs about every so many re-arms, 1..65536;
 *	1 after each (exact, slow, for tests)
 * @huge_mode: enum kvm_aet_huge_mode
 * @gfn_start: first guest frame number to track; with KVM_AET_HUGE_COARSE a
 *	multiple of 512 (else EINVAL)
 * @gfn_end: one past the last, likewise, or 0 for no limit
 * @salt: chooses the sample; 0 lets the module draw one
 * @rotate_passes: 0: the sample stays as it is. Else every sampled unit is
 *	replaced by another of its group once in so many passes, a few units in
 *	each pass, 16..1048576. Units in the hot set keep their place until they
 *	leave it.
 * @pad: must be 0
 * @reserved: must be 0
 *
 * Returns a session descriptor (O_CLOEXEC). All leaves mapped at that moment
 * are armed and flushed before it returns. The session ends with the VM's
 * process; or, when that has closed all descriptors of the VM and its vCPUs, at
 * the next pass, which lets KVM destroy the VM; or when a pass finds the VM
 * protected. The kernel's log says why.
 *
 * Errors: EBADF @vm_fd is not open; ENXIO it is not a VM; EBUSY the VM is
 * tracked already; ESRCH its process is exiting; EOPNOTSUPP protected VM
 * (SEV, TDX, private memory), unknown SPTE layout, or EPT without the hook that
 * it needs: the kernel's log says which; EINVAL a field is out of range; EINTR a
 * signal came, try again; ENOMEM.
 */
struct kvm_aet_attach {
	__u32 size;
	__u32 flags;
	__s32 vm_fd;
	__u32 inverse_rate;
	__u32 hot_pages;
	__u32 period_ms;
	__u32 flush_batch;
	__u32 huge_mode;
	__u64 gfn_start;
	__u64 gfn_end;
	__u64 salt;
	__u32 rotate_passes;
	__u32 pad;
	__u64 reserved[7];
};

/* Bits of kvm_aet_config.fields. */
#define KVM_AET_SET_INVERSE_RATE (1U << 0)
#define KVM_AET_SET_HOT_PAGES (1U << 1)
#define KVM_AET_SET_PERIOD_MS (1U << 2)
#define KVM_AET_SET_FLUSH_BATCH (1U << 3)
#define KVM_AET_SET_ROTATE_PASSES (1U << 4)

/**
 * struct kvm_aet_config - change a session (KVM_AET_CONFIGURE)
 * @size: sizeof(struct kvm_aet_config)
 * @fields: KVM_AET_SET_*: which of the following to set; others are ignored
 * @inverse_rate: as in struct kvm_aet_attach, and so are the others
 * @hot_pages: capacity of the hot set
 * @period_ms: from now on: the next pass comes after it
 * @flush_batch: re-arms per flush
 * @rotate_passes: passes in which the sample changes once
 * @pad: must be 0
 * @generation: out: the generation in force
 * @reserved: must be 0
 *
 * If the rate, the hot set or the rotation changes, a new generation begins:
 * its counts start from 0, and units' last accesses are forgotten, since
 * intervals that span the change would mix two scales. The salt stays.
 *
 * Errors: EINVAL a field is out of range; ESHUTDOWN the session is no longer
 * tracking; ENOMEM, and then all is as before.
 */
struct kvm_aet_config {
	__u32 size;
	__u32 fields;
	__u32 inverse_rate;
	__u32 hot_pages;
	__u32 period_ms;
	__u32 flush_batch;
	__u32 rotate_passes;
	__u32 pad;
	__u64 generation;
	__u64 reserved[4];
};

/* The histograms of a snapshot. */
enum kvm_aet_histogram_kind {
	/* Accesses by reuse time, in recorded accesses of all units. */
	KVM_AET_HIST_REUSE = 0,
	/* The same accesses, by reuse time in nanoseconds. */
	KVM_AET_HIST_REUSE_NS = 1,
	/* Accesses that write, by recorded accesses since the last that did. */
	KVM_AET_HIST_WRITE_REUSE = 2,
	/*
	 * Units that left the sample by rotation, by recorded accesses since
	 * their last one: reuse times known to be longer (right-censored). In
	 * the previous generation also all units in the sample at its end.
	 */
	KVM_AET_HIST_ENDED = 3,
	/*
	 * Units in the sample now, by recorded accesses since their last one:
	 * right-censored, too, but not cumulative. Units never accessed are not
	 * in it: sampled_pages less its sum. Read from all records.
	 */
	KVM_AET_HIST_OPEN = 4,
};

#define KVM_AET_NR_HISTOGRAMS 5

enum kvm_aet_unit {
	KVM_AET_UNIT_ACCESSES = 1, /* recorded accesses */
	KVM_AET_UNIT_NS = 2,
};

/**
 * struct kvm_aet_histogram - one log-linear histogram in a snapshot
 * @buckets: in: user address of @nr_buckets __u64 counters, or 0
 * @nr_buckets: in: room at @buckets in counters; out: counters in the layout
 * @sub_bucket_bits: out: layout: values below 2^(b+1) have a bucket each;
 *	above, every power of two has 2^b buckets. A bucket is never wider than
 *	2^-b of its smallest value (see mrc/hist.h for the arithmetic).
 * @unit: out: enum kvm_aet_unit of the values
 * @pad: 0
 * @over_range: out: values beyond the last bucket
 * @reserved: must be 0
 */
struct kvm_aet_histogram {
	__u64 buckets;
	__u32 nr_buckets;
	__u32 sub_bucket_bits;
	__u32 unit;
	__u32 pad;
	__u64 over_range;
	__u64 reserved;
};

/* Begin a new window after this snapshot: @window_pages restarts from 0. */
#define KVM_AET_SNAPSHOT_NEW_WINDOW (1U << 0)
/*
 * The last values of the generation before this one; excludes NEW_WINDOW.
 * ENODATA if there is none.
 */
#define KVM_AET_SNAPSHOT_PREVIOUS (1U << 1)

/* Bits of kvm_aet_snapshot.notes. */
/*
 * No unit left the hot set between the last two passes: either the guest was
 * idle, or what it uses of the sample fits in the hot set and is not seen.
 */
#define KVM_AET_NOTE_STARVED (1U << 0)
/* Writes are not told from reads: an EPT trap does not say which it was. */
#define KVM_AET_NOTE_WRITES_UNKNOWN (1U << 1)

/**
 * struct kvm_aet_snapshot - read a session (KVM_AET_GET_SNAPSHOT)
 * @size: in: sizeof(struct kvm_aet_snapshot)
 * @flags: in: KVM_AET_SNAPSHOT_*
 * @generation: which one the counts belong to, from 1
 * @histograms: by enum kvm_aet_histogram_kind; those with an address are
 *	filled. With too little room in any: ENOSPC, and every @nr_buckets is
 *	set; nothing else is written, no window begun.
 * @state: enum kvm_aet_state
 * @mmu_mode: enum kvm_aet_mmu_mode
 * @encoding: enum kvm_aet_encoding
 * @huge_mode: as attached
 * @inverse_rate: as configured
 * @hot_pages: capacity of the hot set: as configured, or 32 units per vCPU over
 *	@inverse_rate if that is more
 * @period_ms: as configured
 * @flush_batch: as configured
 * @rotate_passes: as configured
 * @hot_used: units in the hot set now
 * @unit_pages: 4 KiB pages in a unit: 1 or 512
 * @notes: KVM_AET_NOTE_*
 * @tsc_khz: 1000 cycles per second, of @hook_cycles and @pass_cycles
 * @pad: 0
 * @salt: the salt in force
 * @gfn_start: as attached
 * @gfn_end: as attached
 * @time_ns: CLOCK_MONOTONIC of this snapshot
 * @start_ns: CLOCK_MONOTONIC of the generation's start
 * @dropped_generations: generations that nobody read before the next but one
 *	began: their last values are gone
 * @range_pages: guest pages of 4 KiB in memslots and in range, at the last full
 *	pass
 * @sampled_pages: how many of the units in there the sample selects. The rate
 *	in fact is @sampled_pages times @unit_pages over @range_pages.
 * @mapped_pages: of those, how many had a leaf at the last full pass
 * @huge_leaves: leaves of 2 MiB and more in range, untracked, at the last full
 *	pass
 * @accesses: recorded accesses; also the logical clock. It is @cold_accesses +
 *	@entry_accesses + the sum of KVM_AET_HIST_REUSE and its over_range. When
 *	no vCPU runs it is also @traps + @first_touches - @alias_traps -
 *	@stale_traps - @lost_records.
 * @write_accesses: of those, how many were writes: @cold_writes + the sum of
 *	KVM_AET_HIST_WRITE_REUSE and its over_range. A write that follows a read
 *	of a unit in the hot set is not seen.
 * @cold_accesses: accesses to a unit that nothing mapped, nor had been seen
 * @entry_accesses: first accesses to a unit that was mapped when it entered the
 *	sample: the time since the access before is unknown
 * @cold_writes: first writes to their unit
 * @window_pages: distinct units recorded in the current window
 * @traps: faults on an armed leaf
 * @first_touches: faults on an unmapped sampled page outside the hot set; under
 *	two-dimensional paging only, or if the guest does not page. Where KVM maps
 *	up to 7 neighbours along (all but its TDP MMU does), theirs are not seen,
 *	nor any access to them before the next pass.
 * @alias_traps: traps on another leaf of a unit in the hot set; not recorded
 * @stale_traps: traps on a unit that had left the sample; not recorded
 * @spurious_traps: faults on a leaf that another vCPU had just disarmed
 * @lost_records: traps and first touches not recorded because no pass had made
 *	room for the unit yet, or there is more memory than the host could back
 * @arms: leaves armed by background passes
 * @rearms: leaves armed when their unit left the hot set
 * @rearm_misses: units that left the hot set with no leaf to arm
 * @flushes: TLB flushes of all vCPUs
 * @splits: regions whose huge leaf was split
 * @passes: full background passes
 * @starved_passes: of those, at how many KVM_AET_NOTE_STARVED held
 * @rotations: units replaced by rotation
 * @hook_cycles: TSC cycles spent in the fault hook for this VM, re-arming
 *	included; exit and entry of the guest excluded
 * @pass_cycles: TSC cycles spent in background passes
 * @memory_bytes: kernel memory that the session holds
 * @unarmable_pages: of @mapped_pages, how many have a leaf that cannot trap, so
 *	that their accesses are not seen: under EPT, one whose memory type is not
 *	write-back, as for a device's memory that the guest may access
 * @reserved: 0
 *
 * Only success marks anything as read: after an error no window has begun, the
 * previous generation counts as unread, and poll() reports what it did before.
 *
 * Errors: EINVAL; EFAULT; ENOSPC; ENODATA; EINTR the caller is being killed;
 * ENOMEM.
 */
struct kvm_aet_snapshot {
	__u32 size;
	__u32 flags;
	__u64 generation;
	struct kvm_aet_histogram histograms[KVM_AET_NR_HISTOGRAMS];
	__u32 state;
	__u32 mmu_mode;
	__u32 encoding;
	__u32 huge_mode;
	__u32 inverse_rate;
	__u32 hot_pages;
	__u32 period_ms;
	__u32 flush_batch;
	__u32 rotate_passes;
	__u32 hot_used;
	__u32 unit_pages;
	__u32 notes;
	__u32 tsc_khz;
	__u32 pad;
	__u64 salt;
	__u64 gfn_start;
	__u64 gfn_end;
	__u64 time_ns;
	__u64 start_ns;
	__u64 dropped_generations;
	__u64 range_pages;
	__u64 sampled_pages;
	__u64 mapped_pages;
	__u64 huge_leaves;
	__u64 accesses;
	__u64 write_accesses;
	__u64 cold_accesses;
	__u64 entry_accesses;
	__u64 cold_writes;
	__u64 window_pages;
	__u64 traps;
	__u64 first_touches;
	__u64 alias_traps;
	__u64 stale_traps;
	__u64 spurious_traps;
	__u64 lost_records;
	__u64 arms;
	__u64 rearms;
	__u64 rearm_misses;
	__u64 flushes;
	__u64 splits;
	__u64 passes;
	__u64 starved_passes;
	__u64 rotations;
	__u64 hook_cycles;
	__u64 pass_cycles;
	__u64 memory_bytes;
	__u64 unarmable_pages;
	__u64 reserved[8];
};

/**
 * struct kvm_aet_region - what is known of one 2 MiB region
 * @gfn: its first guest frame number, a multiple of 512
 * @accesses: recorded accesses to the units that are in the sample now, since
 *	they entered it
 * @sampled: a bit per page, from bit 0 of the first word: in the sample. With
 *	KVM_AET_HUGE_COARSE only bit 0, for the whole region.
 * @seen: of those, accessed: since they entered the sample, or with
 *	KVM_AET_REGIONS_WINDOW in the current window
 */
struct kvm_aet_region {
	__u64 gfn;
	__u64 accesses;
	__u64 sampled[8];
	__u64 seen[8];
};

/* @seen in struct kvm_aet_region covers the current window only. */
#define KVM_AET_REGIONS_WINDOW (1U << 0)

/**
 * struct kvm_aet_regions - read regions, in ascending order
 *	(KVM_AET_GET_REGIONS)
 * @size: sizeof(struct kvm_aet_regions)
 * @flags: KVM_AET_REGIONS_*
 * @gfn: in: the first frame number of interest; out: where to go on, or ~0 if
 *	there is no more
 * @regions: user address of @nr_regions struct kvm_aet_region
 * @nr_regions: in: room, 1..; out: how many were written. Regions without a
 *	sampled unit are left out.
 * @pad: must be 0
 * @reserved: must be 0
 *
 * A signal ends the call early, with success and what was read so far, which may
 * be nothing.
 *
 * Errors: EINVAL; EFAULT; ENOMEM; ESHUTDOWN the VM is gone.
 */
struct kvm_aet_regions {
	__u32 size;
	__u32 flags;
	__u64 gfn;
	__u64 regions;
	__u32 nr_regions;
	__u32 pad;
	__u64 reserved[4];
};

/* Walk all of the VM's page tables and count leaves: slow on a large VM. */
#define KVM_AET_VM_INFO_COUNT_LEAVES (1U << 0)

/**
 * struct kvm_aet_vm_info - look at a VM without tracking it (KVM_AET_VM_INFO)
 * @size: sizeof(struct kvm_aet_vm_info)
 * @flags: KVM_AET_VM_INFO_*
 * @vm_fd: descriptor of the VM
 * @mmu_mode: enum kvm_aet_mmu_mode
 * @nr_vcpus: vCPUs created
 * @is_tracked: 1 if a session tracks it
 * @memslot_pages: guest pages in memslots, 4 KiB each; read-only memory and
 *	address spaces other than 0 do not count
 * @small_leaves: 4 KiB leaves mapped (with COUNT_LEAVES, else 0)
 * @huge_leaves: larger ones (likewise)
 * @armed_leaves: leaves that carry a trap now (likewise). After detach it is 0;
 *	it is counted from the tables themselves, not from a session's books.
 * @reserved: must be 0
 *
 * Errors: as KVM_AET_ATTACH; a tracked VM is no error.
 */
struct kvm_aet_vm_info {
	__u32 size;
	__u32 flags;
	__s32 vm_fd;
	__u32 mmu_mode;
	__u32 nr_vcpus;
	__u32 is_tracked;
	__u64 memslot_pages;
	__u64 small_leaves;
	__u64 huge_leaves;
	__u64 armed_leaves;
	__u64 reserved[8];
};

#define KVM_AET_IOC_MAGIC 0xBA

/* On /dev/kvm-aet: */
#define KVM_AET_ATTACH _IOW(KVM_AET_IOC_MAGIC, 0x00, struct kvm_aet_attach)
#define KVM_AET_VM_INFO _IOWR(KVM_AET_IOC_MAGIC, 0x01, struct kvm_aet_vm_info)
/* Returns KVM_AET_ABI; no argument. */
#define KVM_AET_GET_ABI _IO(KVM_AET_IOC_MAGIC, 0x02)
/*
 * On a session. poll() reports EPOLLIN when a background pass has ended since
 * the last snapshot, and EPOLLHUP once the session is no longer tracking.
 */
#define KVM_AET_GET_SNAPSHOT \
	_IOWR(KVM_AET_IOC_MAGIC, 0x10, struct kvm_aet_snapshot)
/* Disarm and flush now, keep the session readable; no argument. Idempotent. */
#define KVM_AET_STOP _IO(KVM_AET_IOC_MAGIC, 0x11)
#define KVM_AET_CONFIGURE _IOWR(KVM_AET_IOC_MAGIC, 0x12, struct kvm_aet_config)
#define KVM_AET_GET_REGIONS \
	_IOWR(KVM_AET_IOC_MAGIC, 0x13, struct kvm_aet_regions)

#endif /* _UAPI_LINUX_KVM_AET_H */
