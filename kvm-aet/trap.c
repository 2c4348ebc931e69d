// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stage 1: a guest memory fault arrives. Is it ours?
 *
 * Runs in the vCPU's thread before KVM sees the fault, for every VM on the
 * host: the untracked ones leave after one look-up. Nothing here sleeps,
 * allocates or prints.
 */
#include <asm/msr.h>
#include <linux/ktime.h>

#include "aet.h"
#include "aet_trace.h"
#include "kvm_hook.h"

/*
 * KVM is about to map a page of the guest's memory for the first time, or again
 * after it was zapped. It will be mapped without a trap: treat it as just
 * trapped, so that it is armed when it leaves the hot set. KVM may see the same
 * fault again (a retry); by then the page is hot and is not counted twice.
 */
static bool is_in_range(struct aet_vm *vm, gfn_t gfn)
{
	struct kvm_memory_slot *slot;

	if (gfn < vm->config.gfn_start || gfn >= vm->config.gfn_end)
		return false;
	slot = gfn_to_memslot(vm->kvm, gfn);
	return slot && aet_slot_is_ram(slot);
}

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
static void rearm(struct aet_vm *vm, struct aet_generation *generation,
		  struct kvm_vcpu *vcpu, const struct aet_recorded *recorded)
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

static void record(struct aet_vm *vm, struct aet_generation *generation,
		   struct kvm_vcpu *vcpu, gfn_t gfn, bool is_write,
		   bool is_first_touch)
{
	struct aet_counters __percpu *counters = generation->record->counters;
	struct aet_access access = {
		.unit = gfn >> vm->mmu.unit_shift,
		.now_ns = ktime_get_mono_fast_ns(),
		.is_write = is_write,
		.is_first_touch = is_first_touch,
	};
	struct aet_recorded recorded = {};

	aet_record_access(generation->record, &access, &recorded);
	switch (recorded.outcome) {
	case AET_RECORDED:
		if (is_first_touch)
			this_cpu_inc(counters->first_touches);
		break;
	case AET_ALREADY_HOT:
		if (!is_first_touch)
			this_cpu_inc(counters->alias_traps);
		break;
	case AET_NOT_SAMPLED:
		if (!is_first_touch)
			this_cpu_inc(counters->stale_traps);
		break;
	case AET_NO_ROOM:
		/* A memslot younger than the last pass, or absurdly large. */
		if (is_first_touch &&
		    !aet_record_would_sample(generation->record, access.unit))
			break;
		this_cpu_inc(counters->lost_records);
		if (is_first_touch)
			this_cpu_inc(counters->first_touches);
		break;
	}
	trace_kvm_aet_trap(vm->process_id, vcpu->vcpu_id, gfn, &access,
			   &recorded);
	if (recorded.outcome == AET_RECORDED &&
	    recorded.evicted_unit != AET_NO_UNIT)
		rearm(vm, generation, vcpu, &recorded);
}

static bool handle_fault(struct aet_vm *vm, struct kvm_vcpu *vcpu, u64 addr,
			 u64 error_code)
{
	struct aet_generation *generation = rcu_dereference(vm->generation);
	struct aet_counters __percpu *counters = generation->record->counters;
	/* An EPT misconfiguration does not tell, so count none of EPT's. */
	bool is_write = (error_code & PFERR_WRITE_MASK) &&
			vm->mmu.mode != KVM_AET_MMU_EPT;
	gfn_t gfn;

	switch (aet_port_trap(vcpu, &vm->mmu, addr, error_code, &gfn)) {
	case AET_TRAPPED:
		this_cpu_inc(counters->traps);
		if (READ_ONCE(vm->is_arming))
			record(vm, generation, vcpu, gfn, is_write, false);
		else
			/* A trap set before the session's end: only undone. */
			this_cpu_inc(counters->stale_traps);
		return true;
	case AET_SPURIOUS:
		this_cpu_inc(counters->spurious_traps);
		return true;
	case AET_UNMAPPED:
		if (READ_ONCE(vm->is_arming) && is_in_range(vm, gfn))
			record(vm, generation, vcpu, gfn, is_write, true);
		return false;
	case AET_NOT_OURS:
		break;
	}
	return false;
}

static bool handle_tracked(struct aet_vm *vm, struct kvm_vcpu *vcpu, u64 addr,
			   u64 error_code)
{
	struct aet_counters __percpu *counters;
	u64 start, end;
	bool is_handled;

	/* Pairs with the release in aet_pass_arm(). */
	if (!smp_load_acquire(&vm->is_mmu_known))
		return false;
	start = rdtsc();
	is_handled = handle_fault(vm, vcpu, addr, error_code);
	end = rdtsc();
	counters = rcu_dereference(vm->generation)->record->counters;
	/* The task may have moved to a CPU whose clock is behind. */
	if (end > start)
		this_cpu_add(counters->hook_cycles, end - start);
	return is_handled;
}

bool aet_trap(struct kvm_vcpu *vcpu, u64 addr, u64 error_code)
{
	bool is_handled = false;
	struct aet_vm *vm;

	rcu_read_lock();
	vm = aet_vm_find(vcpu->kvm);
	if (vm)
		is_handled = handle_tracked(vm, vcpu, addr, error_code);
	rcu_read_unlock();
	return is_handled;
}
