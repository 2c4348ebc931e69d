// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where KVM's private structures keep what kvm_port.c and kvm_hook.c read, for
 * builds in a kernel tree: Kbuild compiles this and makes kvm_layout.h of the
 * assembly. Out of tree, where KVM's sources are missing, kvm-layout.sh makes
 * the same header of kvm.ko's BTF.
 */
#define COMPILE_OFFSETS

#include <linux/kbuild.h>

/* Not only a header: struct pte_list_desc is in none. */
#include "mmu/mmu.c"
#include "svm/svm.h"
#include "vmx/vmx.h"

static void __used kvm_layout(void)
{
	OFFSET(AET_KVM_MMU_PAGE_LINK, kvm_mmu_page, link);
	OFFSET(AET_KVM_MMU_PAGE_HASH_LINK, kvm_mmu_page, hash_link);
	OFFSET(AET_KVM_MMU_PAGE_TDP_MMU_PAGE, kvm_mmu_page, tdp_mmu_page);
	OFFSET(AET_KVM_MMU_PAGE_ROLE, kvm_mmu_page, role);
	OFFSET(AET_KVM_MMU_PAGE_GFN, kvm_mmu_page, gfn);
	OFFSET(AET_KVM_MMU_PAGE_SPT, kvm_mmu_page, spt);
	OFFSET(AET_KVM_MMU_PAGE_SHADOWED_TRANSLATION, kvm_mmu_page,
	       shadowed_translation);

	OFFSET(AET_PTE_LIST_DESC_MORE, pte_list_desc, more);
	OFFSET(AET_PTE_LIST_DESC_SPTE_COUNT, pte_list_desc, spte_count);
	OFFSET(AET_PTE_LIST_DESC_SPTES, pte_list_desc, sptes);

	OFFSET(AET_VCPU_VMX_VCPU, vcpu_vmx, vcpu);
	OFFSET(AET_VCPU_VMX_IDT_VECTORING_INFO, vcpu_vmx, idt_vectoring_info);
	OFFSET(AET_VCPU_VMX_EXIT_REASON, vcpu_vmx, exit_reason);

	OFFSET(AET_KVM_SVM_KVM, kvm_svm, kvm);
	OFFSET(AET_KVM_SVM_SEV_INFO, kvm_svm, sev_info);
	OFFSET(AET_KVM_SEV_INFO_ACTIVE, kvm_sev_info, active);
}
