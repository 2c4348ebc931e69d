// SPDX-License-Identifier: GPL-2.0-or-later
#include "long_mode.h"

#include <errno.h>
#include <sys/ioctl.h>

#include <linux/kvm.h>

#include "cleanup.h"

#define IDENTITY_MAP_GPA 0xfeffc000UL
#define TSS_GPA 0xfeffd000UL

/* More entries than any KVM has. */
#define CPUID_ROOM 256

#define CR0_PG_ET_PE 0x80000011
#define CR4_PAE 0x20
#define EFER_LMA_LME 0x500

int long_mode_prepare_vm(int vm_fd)
{
	uint64_t identity_map = IDENTITY_MAP_GPA;

	if (ioctl(vm_fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map) < 0 ||
	    ioctl(vm_fd, KVM_SET_TSS_ADDR, TSS_GPA) < 0)
		return -errno;
	return 0;
}

/* Long mode has to be in CPUID before it can be entered. */
static int long_mode_set_cpuid(int kvm_fd, int vcpu_fd)
{
	_cleanup_free_ struct kvm_cpuid2 *cpuid = NULL;

	cpuid = calloc(1,
		       sizeof(*cpuid) + CPUID_ROOM * sizeof(cpuid->entries[0]));
	if (!cpuid)
		return -ENOMEM;
	cpuid->nent = CPUID_ROOM;
	if (ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid) < 0 ||
	    ioctl(vcpu_fd, KVM_SET_CPUID2, cpuid) < 0)
		return -errno;
	return 0;
}

int long_mode_enter(int kvm_fd, int vcpu_fd, uint64_t pml4_gpa)
{
	struct kvm_segment code = { .type = 11,
				    .present = 1,
				    .l = 1,
				    .s = 1,
				    .g = 1,
				    .limit = ~0U,
				    .selector = LONG_MODE_CODE_SELECTOR };
	struct kvm_segment data = { .type = 3,
				    .present = 1,
				    .db = 1,
				    .s = 1,
				    .g = 1,
				    .limit = ~0U,
				    .selector = LONG_MODE_DATA_SELECTOR };
	struct kvm_sregs sregs;
	int err;

	err = long_mode_set_cpuid(kvm_fd, vcpu_fd);
	if (err < 0)
		return err;
	if (ioctl(vcpu_fd, KVM_GET_SREGS, &sregs) < 0)
		return -errno;
	sregs.cr0 = CR0_PG_ET_PE;
	sregs.cr3 = pml4_gpa;
	sregs.cr4 = CR4_PAE;
	sregs.efer = EFER_LMA_LME;
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	return ioctl(vcpu_fd, KVM_SET_SREGS, &sregs) < 0 ? -errno : 0;
}
