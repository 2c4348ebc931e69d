/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One page access travels through
 *
 *	kvm_hook.c -> trap.c -> kvm_port.c -> record.c -> snapshot.c -> ioctl.c
 *					(sample.h, hist_bucket.h)
 *
 * and pass.c arms, in the background, what the fault path did not.
 *
 * Locks, outermost first:
 *	aet_vm.ctl		state changes of one session, passes, vm->kvm
 *	aet_vms_mutex		the table of sessions
 *	kvm->srcu		memslots
 *	kvm->mmu_lock		SPTEs outside the fault path
 * and in the fault path:
 *	RCU			keeps the session, its generation and the TDP
 *				MMU's tables
 *	kvm->mmu_lock		re-arming under shadow paging
 */
#ifndef KVM_AET_AET_H
#define KVM_AET_AET_H

#undef pr_fmt
#define pr_fmt(fmt) "kvm-aet: " fmt

#include <linux/hash.h>
#include <linux/kvm_host.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <uapi/linux/kvm_aet.h>

#include "kvm_port.h"
#include "record.h"

/* What the last full pass saw; under aet_vm.ctl. */
struct aet_pass_stats {
	u64 range_pages;
	u64 sampled_pages;
	u64 mapped_pages;
	u64 unarmable_pages;
	u64 huge_leaves;
	bool is_starved;
};

/* What passes did in one generation; under aet_vm.ctl, but for flushes. */
struct aet_pass_totals {
	u64 arms;
	u64 splits;
	u64 passes;
	u64 starved_passes;
	u64 cycles;
	atomic64_t flushes;
};

/* One generation: what the hook records into, and what passes did for it. */
struct aet_generation {
	u64 number; /* from 1 */
	struct aet_record *record;
	struct aet_pass_totals totals;
	struct aet_pass_stats stats;
	u64 evictions_seen; /* at the last pass */
	u64 rearms_flushed; /* at the last pass's flush */
};

struct aet_vm {
	struct hlist_node node;
	/* With a reference; NULL after the VM's exit, never so in the hook. */
	struct kvm *kvm;
	/* Its salt, range and huge mode stay; the rest is under ctl. */
	struct kvm_aet_attach config;
	pid_t process_id; /* of the VM, as the initial namespace numbers it */

	/* Written once, before @is_mmu_known is released. */
	struct aet_mmu mmu;
	bool is_mmu_known;
	/* False: the hook still disarms, but neither records nor arms. */
	bool is_arming;
	/* Somebody waits for ctl to end the session: no long pass now. */
	bool is_stopping;

	/* The hook reads it under RCU; replaced under ctl. */
	struct aet_generation __rcu *generation;
	struct aet_generation *previous; /* closed; under ctl */
	bool is_previous_read;
	u64 dropped_generations;

	struct mutex ctl; /* of state changes, passes, @kvm and @config */
	u32 state; /* enum kvm_aet_state; written under ctl */
	u64 passes; /* that have ended, of all generations */
	u64 passes_read; /* of those, when the last snapshot was taken */
	struct delayed_work pass_work;

	struct mmu_notifier notifier;
	struct mm_struct *mm; /* pinned by @notifier */
	struct work_struct exit_work;
	wait_queue_head_t wait;
	struct dentry *debugfs_dir;
};

/* Under ctl. */
static inline struct aet_generation *aet_vm_generation(struct aet_vm *vm)
{
	return rcu_dereference_protected(vm->generation,
					 lockdep_is_held(&vm->ctl));
}

/* trap.c; before the hook is installed. */
void aet_trap_init(void);

/* pass.c: the background pass. All under vm->ctl. */
/*
 * Why the VM cannot be tracked, for people, or NULL. Before each pass: it finds
 * out what the page tables are, and a VM may become protected late.
 */
const char *aet_pass_obstacle(struct aet_vm *vm);
int aet_pass_arm(struct aet_vm *vm);
/*
 * Disarm every leaf in range, whoever armed it, and flush. If the session ends,
 * let KVM map huge leaves again, too.
 */
void aet_pass_disarm(struct aet_vm *vm, bool is_end);

/* Flush the TLBs of all vCPUs, for the sake of @generation. */
void aet_flush(struct aet_vm *vm, struct aet_generation *generation);

/* session.c: life of struct aet_vm. */
#define AET_VM_BUCKETS_SHIFT 6
#define AET_NR_VM_BUCKETS BIT(AET_VM_BUCKETS_SHIFT)
extern struct hlist_head aet_vms[AET_NR_VM_BUCKETS];

/*
 * Where the VM's session is if it has one. Empty for nearly every VM without:
 * then that is all that its faults cost.
 */
static inline struct hlist_head *aet_vm_bucket(const struct kvm *kvm)
{
	return &aet_vms[hash_long((unsigned long)kvm, AET_VM_BUCKETS_SHIFT)];
}

/* Under RCU, or without preemption. */
static inline struct aet_vm *aet_vm_find(const struct hlist_head *bucket,
					 const struct kvm *kvm)
{
	struct aet_vm *vm;

	hlist_for_each_entry_rcu(vm, bucket, node)
		if (vm->kvm == kvm)
			return vm;
	return NULL;
}

/* Fills in config->salt. The session takes a reference to kvm of its own. */
int aet_vm_attach(struct kvm *kvm, struct kvm_aet_attach *config,
		  struct aet_vm **ret_vm);
int aet_vm_configure(struct aet_vm *vm, struct kvm_aet_config *config);
void aet_vm_stop(struct aet_vm *vm);
void aet_vm_free(struct aet_vm *vm);

/*
 * How far a snapshot has read. What it marks as read, it does not mark before
 * the reader has it.
 */
struct aet_taken {
	u64 generation;
	u64 passes;
	u64 window_base; /* of the window after it */
};

/*
 * The current generation, or the one before it (-ENODATA: there is none): all
 * of @snapshot but size, flags and the buckets' addresses. Buckets go to the
 * arrays in @buckets; NULL leaves one out. Changes nothing.
 */
int aet_vm_snapshot(struct aet_vm *vm, u32 flags,
		    struct kvm_aet_snapshot *snapshot, u64 **buckets,
		    struct aet_taken *ret_taken);
/* The reader has it: begin the window, if so wanted, and wait for news. */
int aet_vm_note_read(struct aet_vm *vm, u32 flags,
		     const struct aet_taken *taken);
/*
 * The first region at or after *gfn with a sampled unit. 1: found; 0: there is
 * none; -EINTR: a signal came, after at least one region. But for 0, *gfn is
 * where to go on. Under ctl.
 */
int aet_vm_next_region(struct aet_vm *vm, u64 *gfn, bool window_only,
		       struct kvm_aet_region *ret);

/* ioctl.c and debugfs.c: stage 5. */
int aet_config_check(const struct kvm_aet_config *config);
int aet_ioctl_init(void);
void aet_ioctl_exit(void);
void aet_debugfs_init(void);
void aet_debugfs_exit(void);
void aet_debugfs_add(struct aet_vm *vm);

#endif
