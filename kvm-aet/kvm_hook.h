/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the module gets between a guest's memory fault and KVM.
 */
#ifndef KVM_AET_KVM_HOOK_H
#define KVM_AET_KVM_HOOK_H

#include <linux/kvm_host.h>

/**
 * aet_trap - look at a guest memory fault before KVM does (trap.c)
 * @vcpu: the faulting vCPU, running in its own thread
 * @addr: guest-physical address under TDP, guest-virtual under shadow paging
 * @error_code: PFERR_*
 *
 * Runs under kvm->srcu, as every exit handler, and must not sleep. Returns true
 * to resume the guest at once, false to let KVM handle the fault.
 */
bool aet_trap(struct kvm_vcpu *vcpu, u64 addr, u64 error_code);

int aet_hook_init(void);
void aet_hook_exit(void);

/* False: EPT traps would kill the VM, so none may be set (see kvm_hook.c). */
bool aet_hook_covers_ept(void);

#endif
