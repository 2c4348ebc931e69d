// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stage 1: a guest memory fault arrives. Is it ours?
 *
 * Runs in the vCPU's thread before KVM sees the fault, for every VM on the
 * host: the untracked ones leave after one look-up. Nothing here sleeps,
 * allocates or prints.
 */
#include <asm/msr.h>
#include <asm/tsc.h>

#include "aet.h"
#include "aet_trace.h"
#include "kvm_hook.h"
#include "record_access.h"

/* Not first: in 6.1 it lacks includes of its own. */
#include <asm/pvclock.h>

/*
 * Two vCPUs can be here for one page. The exchange in aet_port_trap() lets one
 * of them see AET_TRAPPED; the other sees a free leaf and only retries. If the
 * page is armed again in between, both accesses are real and both count.
 *
 * A page that leaves the hot set is free of traps until aet_port_rearm() is
 * done: accesses in that gap go unseen, as they do through a stale TLB entry
 * until the next flush. If the page becomes hot again in the gap, it is armed
 * though hot, and its next trap is an alias trap: disarmed, not recorded. If a
 * pass takes it out of the sample in the gap, its next trap is a stale one.
 */
static __always_inline void rearm(struct aet_vm *vm,
				  struct aet_generation *generation,
				  struct kvm_vcpu *vcpu,
				  const struct aet_recorded *recorded)
{
	struct aet_counters __percpu *counters = generation->record->counters;

	if (aet_port_rearm(vcpu, &vm->mmu, recorded->evicted_unit))
		this_cpu_inc(counters->rearms);
	else
		this_cpu_inc(counters->rearm_misses);
	/*
	 * At most one re-arm per access, so the clock counts them well enough;
	 * a counter of its own would be one more line for all CPUs to share.
	 */
	if (recorded->time % READ_ONCE(vm->config.flush_batch) == 0)
		aet_flush(vm, generation);
}

/* 2^31 ns per TSC cycle, for a TSC of 500 MHz or more; set before the hook. */
static u32 ns_per_cycle_shifted;

void aet_trap_init(void)
{
	ns_per_cycle_shifted =
		min_t(u64, U32_MAX, ((u64)NSEC_PER_MSEC << 31) / tsc_khz);
}

/*
 * Time for reuse times: the TSC, which is read anyway. KVM hosts have one that
 * is constant and alike on all CPUs; elsewhere these times are as bad as it.
 */
static u64 aet_cycles_to_ns(u64 cycles)
{
	/* The kernel's only scaling that does not make the stack realign. */
	return pvclock_scale_delta(cycles, ns_per_cycle_shifted, 1);
}

static noinline void count_unrecorded(const struct aet_record *record, u64 unit,
				      enum aet_outcome outcome,
				      bool is_first_touch)
{
	struct aet_counters __percpu *counters = record->counters;

	if (is_first_touch) {
		/* A fault on any page comes here; sampled ones are lost. */
		if (outcome != AET_NO_ROOM ||
		    !aet_record_would_sample(record, unit))
			return;
		this_cpu_inc(counters->first_touches);
	}
	switch (outcome) {
	case AET_ALREADY_HOT:
		this_cpu_inc(counters->alias_traps);
		break;
	case AET_NOT_SAMPLED:
		this_cpu_inc(counters->stale_traps);
		break;
	case AET_NO_ROOM:
		/* A memslot younger than the last pass, or absurdly large. */
		this_cpu_inc(counters->lost_records);
		break;
	case AET_RECORDED:
		break;
	}
}

/*
 * Kernels that zero automatic variables would keep these two in memory, where
 * they are not needed: all is inline. Nothing unset is read.
 */
#define AET_UNINITIALIZED __attribute__((__uninitialized__))

static __always_inline void record(struct aet_vm *vm,
				   struct aet_generation *generation,
				   struct kvm_vcpu *vcpu, gfn_t gfn, u64 cycles,
				   bool is_write, bool is_first_touch)
{
	struct aet_access access AET_UNINITIALIZED = {
		.unit = gfn >> vm->mmu.unit_shift,
		.now_ns = aet_cycles_to_ns(cycles),
		.is_write = is_write,
		.is_first_touch = is_first_touch,
	};
	struct aet_recorded recorded AET_UNINITIALIZED;

	aet_record_access(generation->record, &access, &recorded);
	if (unlikely(recorded.outcome != AET_RECORDED))
		count_unrecorded(generation->record, access.unit,
				 recorded.outcome, is_first_touch);
	else if (is_first_touch)
		this_cpu_inc(generation->record->counters->first_touches);
	trace_kvm_aet_trap(
		vm->process_id, vcpu->vcpu_id, gfn, recorded.outcome,
		recorded.outcome == AET_RECORDED ? recorded.time : 0,
		recorded.outcome == AET_RECORDED ? recorded.reuse_time : 0,
		is_write, is_first_touch);
	if (likely(recorded.outcome == AET_RECORDED) &&
	    recorded.evicted_unit != AET_NO_UNIT)
		rearm(vm, generation, vcpu, &recorded);
}

/*
 * KVM is about to map a page of the guest's memory for the first time, or again
 * after it was zapped. It will be mapped without a trap: treat it as just
 * trapped, so that it is armed when it leaves the hot set. KVM may see the same
 * fault again (a retry); by then the page is hot and is not counted twice.
 */
static noinline void record_first_touch(struct aet_vm *vm,
					struct aet_generation *generation,
					struct kvm_vcpu *vcpu, gfn_t gfn,
					u64 cycles, bool is_write)
{
	struct kvm_memory_slot *slot;

	if (gfn < vm->config.gfn_start || gfn >= vm->config.gfn_end)
		return;
	slot = gfn_to_memslot(vm->kvm, gfn);
	if (slot && aet_slot_is_ram(slot))
		record(vm, generation, vcpu, gfn, cycles, is_write, true);
}

static __always_inline bool handle_fault(struct aet_vm *vm,
					 struct aet_generation *generation,
					 struct kvm_vcpu *vcpu, u64 addr,
					 u64 error_code, u64 cycles)
{
	struct aet_counters __percpu *counters = generation->record->counters;
	bool is_write = error_code & vm->mmu.write_mask;
	struct aet_trapped trapped =
		aet_port_trap(vcpu, &vm->mmu, addr, error_code);

	switch (trapped.verdict) {
	case AET_TRAPPED:
		this_cpu_inc(counters->traps);
		if (READ_ONCE(vm->is_arming))
			record(vm, generation, vcpu, trapped.gfn, cycles,
			       is_write, false);
		else
			/* A trap set before the session's end: only undone. */
			this_cpu_inc(counters->stale_traps);
		return true;
	case AET_SPURIOUS:
		this_cpu_inc(counters->spurious_traps);
		return true;
	case AET_UNMAPPED:
		if (READ_ONCE(vm->is_arming))
			record_first_touch(vm, generation, vcpu, trapped.gfn,
					   cycles, is_write);
		return false;
	case AET_NOT_OURS:
		break;
	}
	return false;
}

static __always_inline bool handle_tracked(struct aet_vm *vm,
					   struct kvm_vcpu *vcpu, u64 addr,
					   u64 error_code)
{
	struct aet_generation *generation;
	u64 start, end;
	bool is_handled;

	/* Pairs with the release in aet_pass_arm(). */
	if (!smp_load_acquire(&vm->is_mmu_known))
		return false;
	start = rdtsc();
	generation = rcu_dereference_sched(vm->generation);
	is_handled =
		handle_fault(vm, generation, vcpu, addr, error_code, start);
	end = rdtsc();
	/* The task may have moved to a CPU whose clock is behind. */
	if (end > start)
		this_cpu_add(generation->record->counters->hook_cycles,
			     end - start);
	return is_handled;
}

bool aet_trap(struct kvm_vcpu *vcpu, u64 addr, u64 error_code)
{
	struct hlist_head *bucket = aet_vm_bucket(vcpu->kvm);
	bool is_handled = false;
	struct aet_vm *vm;

	/*
	 * A session that ends now may be missed, and its traps with it: then
	 * the leaf is free already, as in end_tracking()'s last step. One that
	 * begins has armed nothing yet.
	 */
	if (hlist_empty(bucket))
		return false;
	/* What synchronize_rcu() waits for, too, at less than half the cost. */
	rcu_read_lock_sched();
	vm = aet_vm_find(bucket, vcpu->kvm);
	if (vm)
		is_handled = handle_tracked(vm, vcpu, addr, error_code);
	rcu_read_unlock_sched();
	return is_handled;
}
