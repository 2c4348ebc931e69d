/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What it takes to run 64-bit code in a VM without firmware. */
#ifndef CONTROLLER_LONG_MODE_H
#define CONTROLLER_LONG_MODE_H

#include <stdint.h>

/* Selectors that GDT entries, if there are any, have to agree with. */
#define LONG_MODE_CODE_SELECTOR 8
#define LONG_MODE_DATA_SELECTOR 16

/* Present, writable, user, accessed, dirty: KVM has nothing left to set. */
#define LONG_MODE_PTE_FLAGS 0x67UL
#define LONG_MODE_PTE_HUGE 0x80UL

/*
 * Gives a VM what Intel's CPUs need before a vCPU runs, below 4 GiB and above
 * all memory that such a guest uses. 0 or -errno.
 */
int long_mode_prepare_vm(int vm_fd);

/*
 * Puts a new vCPU into long mode at privilege level 0: all CPUID features of
 * the host, flat segments, @pml4_gpa as the page tables' root, no interrupts. 0
 * or -errno.
 */
int long_mode_enter(int kvm_fd, int vcpu_fd, uint64_t pml4_gpa);

#endif /* CONTROLLER_LONG_MODE_H */
