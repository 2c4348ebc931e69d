/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One page access travels through
 *
 *	kvm_hook.c -> trap.c -> kvm_port.c -> record.c -> ioctl.c
 *					(fifo.h, hist_bucket.h)
 *
 * and pass.c arms, in the background, what the fault path did not.
 *
 * Locks, outermost first:
 *	aet_vm.ctl		state changes of one session, passes, vm->kvm
 *	aet_vms_mutex		the table of sessions
 *	kvm->srcu		memslots
 *	kvm->mmu_lock		SPTEs outside the fault path
 * and in the fault path, never two at a time:
 *	RCU			keeps the session and the TDP MMU's tables
 *	aet_vm.record.lock	clock, hot set, histogram, counters
 *	kvm->mmu_lock		re-arming under shadow paging
 */
#ifndef KVM_AET_AET_H
#define KVM_AET_AET_H

#undef pr_fmt
#define pr_fmt(fmt) "kvm-aet: " fmt

#include <linux/kvm_host.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <uapi/linux/kvm_aet.h>

#include "fifo.h"
#include "kvm_port.h"

/*
 * What is known of each sampled page: one word, found by the number of its
 * group (sample.h). Logical time of its last recorded access above, AET_HOT
 * below; 0: never seen.
 */
#define AET_HOT 1ULL
#define AET_TIME_SHIFT 1

#define AET_CHUNK_GROUPS (PAGE_SIZE / sizeof(u64))

struct aet_chunk {
	u64 pages[AET_CHUNK_GROUPS];
};

/* Stages 2 to 4; all but @chunks' contents' address under @lock. */
struct aet_record {
	spinlock_t lock; /* short: the fault path takes it */
	struct xarray chunks; /* only grows while a session lives */
	u64 nr_chunks;
	u64 max_chunks;
	struct aet_fifo fifo;
	u64 *buckets; /* AET_NR_BUCKETS */
	u64 accesses; /* the logical clock, too */
	u64 cold_accesses;
	u64 window_start; /* clock when the window began */
	u64 window_pages;
	u64 traps;
	u64 first_touches;
	u64 alias_traps;
	u64 spurious_traps;
	u64 lost_records;
	u64 rearms;
	u64 rearm_misses;
	u32 pending_flush; /* re-arms since the last flush */
};

/* What the last full pass saw, and totals of all; under aet_vm.ctl. */
struct aet_pass_stats {
	u64 range_pages;
	u64 sampled_pages;
	u64 mapped_pages;
	u64 huge_leaves;
};

struct aet_vm {
	struct hlist_node node;
	/* With a reference; NULL after the VM's exit, never so in the hook. */
	struct kvm *kvm;
	struct kvm_aet_attach config;
	pid_t process_id; /* of the VM, as the initial namespace numbers it */

	/* Written once, before @is_mmu_known is released. */
	struct aet_mmu mmu;
	bool is_mmu_known;
	/* False: the hook still disarms, but neither records nor arms. */
	bool is_arming;

	struct aet_record record;
	atomic64_t flushes;

	struct mutex ctl; /* of state changes, passes and @kvm */
	u32 state; /* enum kvm_aet_state; written under ctl */
	struct aet_pass_stats stats;
	u64 arms;
	u64 passes;
	struct delayed_work pass_work;

	struct mmu_notifier notifier;
	struct mm_struct *mm; /* pinned by @notifier */
	struct work_struct exit_work;
	wait_queue_head_t wait;
	struct dentry *debugfs_dir;
};

/* Memory of the guest's own: no ROM, nothing that KVM mapped for itself. */
static inline bool aet_slot_is_ram(const struct kvm_memory_slot *slot)
{
	return slot->id < KVM_USER_MEM_SLOTS &&
	       !(slot->flags & (KVM_MEM_READONLY | KVM_MEMSLOT_INVALID));
}

/* trap.c: stage 1, the only code that runs in a guest's fault. */
bool aet_trap(struct kvm_vcpu *vcpu, u64 addr, u64 error_code);

/* record.c: stages 2 to 4. */
int aet_record_init(struct aet_record *record, u32 hot_pages, u32 inverse_rate);
void aet_record_exit(struct aet_record *record);
/*
 * Make room for the records of groups [first, last]; may sleep. Beyond what the
 * host's memory could back there is none, and accesses count as lost.
 */
int aet_record_reserve(struct aet_record *record, u64 first, u64 last);
bool aet_record_is_hot(struct aet_record *record, u64 group);

enum aet_access {
	AET_ACCESS_TRAP,
	AET_ACCESS_FIRST_TOUCH
};

/*
 * Record one access to a sampled page. True if a page left the hot set for it;
 * the caller then arms *ret_evicted_gfn.
 */
bool aet_record_access(struct aet_vm *vm, gfn_t gfn, enum aet_access access,
		       gfn_t *ret_evicted_gfn);

/* pass.c: the background pass. Both under vm->ctl. */
int aet_pass_arm(struct aet_vm *vm);
void aet_pass_disarm(struct aet_vm *vm);
void aet_flush(struct aet_vm *vm);

/* session.c: life of struct aet_vm. */
struct aet_vm *aet_vm_find(const struct kvm *kvm); /* under RCU */
/* Fills in config->salt. The session takes a reference to kvm of its own. */
int aet_vm_attach(struct kvm *kvm, struct kvm_aet_attach *config,
		  struct aet_vm **ret_vm);
void aet_vm_stop(struct aet_vm *vm);
void aet_vm_free(struct aet_vm *vm);

/* ioctl.c and debugfs.c: stage 5. */
int aet_ioctl_init(void);
void aet_ioctl_exit(void);
/* All fields but size, flags and the bucket array's address. */
void aet_vm_snapshot(struct aet_vm *vm, bool new_window,
		     struct kvm_aet_snapshot *snapshot, u64 *ret_buckets);
void aet_debugfs_init(void);
void aet_debugfs_exit(void);
void aet_debugfs_add(struct aet_vm *vm);

#endif
