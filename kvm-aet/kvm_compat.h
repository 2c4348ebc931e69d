/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Everything that depends on the kernel's version. A new one: read DESIGN.md's
 * table against its KVM first, then add it here.
 */
#ifndef KVM_AET_KVM_COMPAT_H
#define KVM_AET_KVM_COMPAT_H

#include <linux/ftrace.h>
#include <linux/kvm_host.h>
#include <linux/version.h>

#define AET_IS_6_1                                        \
	(LINUX_VERSION_CODE >= KERNEL_VERSION(6, 1, 0) && \
	 LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0))
#define AET_IS_6_12                                        \
	(LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0) && \
	 LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0))

#if !AET_IS_6_1 && !AET_IS_6_12
#error "kvm-aet knows the KVM of Linux 6.1 and 6.12 only; see DESIGN.md before adding another"
#endif
#ifdef CONFIG_PREEMPT_RT
#error "kvm-aet takes spinlocks in a context that may not sleep; PREEMPT_RT is not supported"
#endif
#ifndef CONFIG_X86_64
#error "kvm-aet is for 64-bit hosts"
#endif
#ifndef CONFIG_DYNAMIC_FTRACE_WITH_ARGS
#error "kvm-aet needs a kernel with CONFIG_DYNAMIC_FTRACE_WITH_ARGS"
#endif

/* Arguments and instruction pointer; other registers are not saved. */
static __always_inline struct pt_regs *
aet_compat_regs(struct ftrace_regs *fregs)
{
#if AET_IS_6_12
	return &arch_ftrace_regs(fregs)->regs;
#else
	return &fregs->regs;
#endif
}

static inline bool aet_compat_has_private_memory(const struct kvm *kvm)
{
#if AET_IS_6_12
	return kvm->arch.vm_type != KVM_X86_DEFAULT_VM ||
	       kvm->arch.has_private_mem;
#else
	return false;
#endif
}

#endif
