// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stage 1: a guest memory fault arrives. Is it ours?
 *
 * Runs in the vCPU's thread before KVM sees the fault, for every VM on the
 * host: the untracked ones leave after one look-up. Nothing here sleeps,
 * allocates or prints.
 */
#include "aet.h"
#include "sample.h"

/*
 * KVM is about to map a sampled page for the first time, or again after it
 * was zapped. It will be mapped without a trap: treat it as just trapped, so
 * that it is armed when it leaves the hot set. KVM may see the same fault
 * again (a retry); by then the page is hot and is not counted twice.
 */
static bool is_first_touch(struct aet_vm *vm, gfn_t gfn)
{
	const struct kvm_aet_attach *config = &vm->config;
	struct kvm_memory_slot *slot;

	if (gfn < config->gfn_start || gfn >= config->gfn_end ||
	    !aet_is_sampled(gfn, config->inverse_rate, config->salt))
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
 * though hot, and its next trap is an alias trap: disarmed, not recorded.
 */
static void record_and_rearm(struct aet_vm *vm, struct kvm_vcpu *vcpu,
			     gfn_t gfn, enum aet_access access)
{
	struct aet_record *record = &vm->record;
	unsigned int armed;
	bool must_flush;
	gfn_t evicted;

	if (!aet_record_access(vm, gfn, access, &evicted))
		return;
	armed = aet_port_rearm(vcpu, &vm->mmu, evicted);

	spin_lock(&record->lock);
	if (armed)
		record->rearms++;
	else
		record->rearm_misses++;
	record->pending_flush += armed;
	must_flush = record->pending_flush >= vm->config.flush_batch;
	spin_unlock(&record->lock);

	if (must_flush)
		aet_flush(vm);
}

static bool handle_fault(struct aet_vm *vm, struct kvm_vcpu *vcpu, u64 addr,
			 u64 error_code)
{
	gfn_t gfn;

	/* Pairs with the release in aet_pass_arm(). */
	if (!smp_load_acquire(&vm->is_mmu_known))
		return false;

	switch (aet_port_trap(vcpu, &vm->mmu, addr, error_code, &gfn)) {
	case AET_TRAPPED:
		if (READ_ONCE(vm->is_arming))
			record_and_rearm(vm, vcpu, gfn, AET_ACCESS_TRAP);
		return true;
	case AET_SPURIOUS:
		spin_lock(&vm->record.lock);
		vm->record.spurious_traps++;
		spin_unlock(&vm->record.lock);
		return true;
	case AET_UNMAPPED:
		if (READ_ONCE(vm->is_arming) && is_first_touch(vm, gfn))
			record_and_rearm(vm, vcpu, gfn, AET_ACCESS_FIRST_TOUCH);
		return false;
	case AET_NOT_OURS:
		break;
	}
	return false;
}

bool aet_trap(struct kvm_vcpu *vcpu, u64 addr, u64 error_code)
{
	bool is_handled = false;
	struct aet_vm *vm;

	rcu_read_lock();
	vm = aet_vm_find(vcpu->kvm);
	if (vm)
		is_handled = handle_fault(vm, vcpu, addr, error_code);
	rcu_read_unlock();
	return is_handled;
}
