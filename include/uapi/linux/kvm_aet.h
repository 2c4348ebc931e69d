/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The contract between kvm-aet.ko and user space.
 *
 * /dev/kvm-aet (root only) takes a VM file descriptor and gives a *session*
 * descriptor. While the session descriptor is open, a sampled share of the
 * VM's pages traps on access; closing it (or the death of its owner) disarms
 * every page. A snapshot is cumulative since attach and changes nothing, so
 * readers subtract two snapshots to obtain a window and no count is lost in
 * between.
 *
 *	int dev = open("/dev/kvm-aet", O_RDWR | O_CLOEXEC);
 *	struct kvm_aet_attach a = {
 *		.size = sizeof(a), .vm_fd = vm_fd, .inverse_rate = 128,
 *		.hot_pages = 64, .period_ms = 5000, .flush_batch = 64,
 *	};
 *	int session = ioctl(dev, KVM_AET_ATTACH, &a);
 *	struct kvm_aet_snapshot s = { .size = sizeof(s) };
 *	ioctl(session, KVM_AET_GET_SNAPSHOT, &s);	// s.nr_buckets
 *	s.buckets = (__u64)(uintptr_t)calloc(s.nr_buckets, sizeof(__u64));
 *	ioctl(session, KVM_AET_GET_SNAPSHOT, &s);
 *	close(session);
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
	/* Map tracked memory with 4 KiB leaves; undone on detach. */
	KVM_AET_HUGE_SPLIT = 0,
	/* Leave huge leaves as they are, untracked; snapshot counts them. */
	KVM_AET_HUGE_IGNORE = 1,
};

enum kvm_aet_state {
	KVM_AET_TRACKING = 1, /* leaves are armed, accesses recorded */
	KVM_AET_STOPPED = 2, /* KVM_AET_STOP: disarmed, still readable */
	KVM_AET_VM_EXITED = 3, /* the VM's process is gone; still readable */
};

/**
 * struct kvm_aet_attach - start tracking one VM (KVM_AET_ATTACH)
 * @size: sizeof(struct kvm_aet_attach)
 * @flags: must be 0
 * @vm_fd: descriptor of the VM, as KVM_CREATE_VM returned it
 * @inverse_rate: one page in @inverse_rate is sampled, 1..65536; 1 is all
 * @hot_pages: capacity of the hot set in sampled pages, 64..65536. A set as
 *	large as the sampled footprint sees each page once and then nothing.
 * @period_ms: interval of the background pass that arms new leaves and
 *	flushes TLBs, 10..3600000 ms
 * @flush_batch: flush the guest's TLBs once that many pages were re-armed,
 *	1..65536; 1 after each (exact, slow, for tests)
 * @huge_mode: enum kvm_aet_huge_mode
 * @gfn_start: first guest frame number to track
 * @gfn_end: one past the last, or 0 for no limit
 * @salt: chooses the sample; 0 lets the module draw one
 * @reserved: must be 0
 *
 * Returns a session descriptor (O_CLOEXEC). All leaves mapped at that moment
 * are armed and flushed before it returns.
 *
 * Errors: EBADF @vm_fd is not open; ENXIO it is not a VM; EBUSY the VM is
 * tracked already; ESRCH its process is exiting; EOPNOTSUPP protected VM
 * (SEV-ES/SNP, TDX, private memory) or unknown SPTE layout; EINVAL a field is
 * out of range; ENOMEM.
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
	__u64 reserved[8];
};

/* Begin a new window after this snapshot: @window_pages restarts from 0. */
#define KVM_AET_SNAPSHOT_NEW_WINDOW (1U << 0)

/**
 * struct kvm_aet_snapshot - read a session (KVM_AET_GET_SNAPSHOT)
 * @size: in: sizeof(struct kvm_aet_snapshot)
 * @flags: in: KVM_AET_SNAPSHOT_*
 * @buckets: in: user address of @nr_buckets __u64 counters, or 0
 * @nr_buckets: in: room at @buckets in counters; out: counters in the layout.
 *	With @buckets set and too little room: ENOSPC, @nr_buckets is set.
 * @sub_bucket_bits: layout: reuse times below 2^(b+1) have a bucket each; above,
 *	every power of two has 2^b buckets (see mrc/hist.h for the arithmetic)
 * @state: enum kvm_aet_state
 * @mmu_mode: enum kvm_aet_mmu_mode
 * @encoding: enum kvm_aet_encoding
 * @huge_mode: as attached
 * @inverse_rate: as attached
 * @hot_pages: capacity of the hot set: as attached, or 32 pages per vCPU over
 *	@inverse_rate if that is more
 * @period_ms: as attached
 * @flush_batch: as attached
 * @hot_used: pages in the hot set now
 * @salt: the salt in force
 * @gfn_start: as attached
 * @gfn_end: as attached
 * @time_ns: CLOCK_MONOTONIC of this snapshot
 * @range_pages: guest pages in memslots and in range, at the last full pass
 * @sampled_pages: of those, how many the sample selects
 * @mapped_pages: of those, how many had a leaf at the last full pass
 * @huge_leaves: leaves of 2 MiB and more in range at the last full pass
 * @accesses: recorded accesses; also the logical clock, in sampled accesses.
 *	It is @traps + @first_touches - @alias_traps - @lost_records.
 * @cold_accesses: of those, the first of their page; @accesses is
 *	@cold_accesses plus the sum of all buckets
 * @window_pages: distinct pages recorded in the current window
 * @traps: faults on an armed leaf
 * @first_touches: faults on an unmapped sampled page outside the hot set; under
 *	two-dimensional paging only
 * @alias_traps: traps on another leaf of a page in the hot set; not recorded
 * @spurious_traps: faults on a leaf that another vCPU had just disarmed
 * @lost_records: traps and first touches not recorded because no pass had made
 *	room for the page yet, or there is more memory than the host could back
 * @arms: leaves armed by background passes
 * @rearms: leaves armed when their page left the hot set
 * @rearm_misses: pages that left the hot set with no leaf to arm
 * @flushes: TLB flushes of all vCPUs
 * @passes: full background passes since attach
 * @reserved: 0
 */
struct kvm_aet_snapshot {
	__u32 size;
	__u32 flags;
	__u64 buckets;
	__u32 nr_buckets;
	__u32 sub_bucket_bits;
	__u32 state;
	__u32 mmu_mode;
	__u32 encoding;
	__u32 huge_mode;
	__u32 inverse_rate;
	__u32 hot_pages;
	__u32 period_ms;
	__u32 flush_batch;
	__u32 hot_used;
	__u32 pad;
	__u64 salt;
	__u64 gfn_start;
	__u64 gfn_end;
	__u64 time_ns;
	__u64 range_pages;
	__u64 sampled_pages;
	__u64 mapped_pages;
	__u64 huge_leaves;
	__u64 accesses;
	__u64 cold_accesses;
	__u64 window_pages;
	__u64 traps;
	__u64 first_touches;
	__u64 alias_traps;
	__u64 spurious_traps;
	__u64 lost_records;
	__u64 arms;
	__u64 rearms;
	__u64 rearm_misses;
	__u64 flushes;
	__u64 passes;
	__u64 reserved[12];
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
/* On a session; poll() reports EPOLLHUP once it is no longer tracking. */
#define KVM_AET_GET_SNAPSHOT \
	_IOWR(KVM_AET_IOC_MAGIC, 0x10, struct kvm_aet_snapshot)
/* Disarm and flush now, keep the session readable; no argument. Idempotent. */
#define KVM_AET_STOP _IO(KVM_AET_IOC_MAGIC, 0x11)

#endif /* _UAPI_LINUX_KVM_AET_H */
