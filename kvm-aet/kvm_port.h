/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Everything that depends on KVM's insides: private structures (their layout
 * comes from the BTF of the kvm.ko we build for), version differences, and the
 * rules by which KVM lets others read its page tables. No other file includes
 * KVM's private knowledge.
 */
#ifndef KVM_AET_KVM_PORT_H
#define KVM_AET_KVM_PORT_H

#include <linux/kvm_host.h>

#include "spte.h"

/**
 * struct aet_mmu - what a VM's page tables look like
 * @mode: enum kvm_aet_mmu_mode; KVM_AET_MMU_UNKNOWN: no vCPU yet
 * @encoding_id: enum kvm_aet_encoding
 * @encoding: valid unless @mode is unknown
 */
struct aet_mmu {
	u32 mode;
	u32 encoding_id;
	struct aet_encoding encoding;
};

/* Fill @ret_mmu from any vCPU of the VM; false while there is none. */
bool aet_port_detect(struct kvm *kvm, struct aet_mmu *ret_mmu);

/* True if the host cannot see the guest's memory, so neither may we. */
bool aet_port_is_protected(struct kvm *kvm);

enum aet_verdict {
	AET_NOT_OURS, /* KVM's own business */
	AET_TRAPPED, /* was armed, is disarmed now */
	AET_SPURIOUS, /* another vCPU disarmed it first: just retry */
	AET_UNMAPPED, /* TDP, nothing maps the page yet; KVM will */
};

/*
 * Stage 1: find the leaf that translates @addr for @vcpu and disarm it if it
 * is armed. *ret_gfn is set for AET_TRAPPED and AET_UNMAPPED.
 */
enum aet_verdict aet_port_trap(struct kvm_vcpu *vcpu, const struct aet_mmu *mmu,
			       u64 addr, u64 error_code, gfn_t *ret_gfn);

/*
 * Arm the leaves that map @gfn, from the fault path of @vcpu: no sleeping, no
 * allocation. Returns how many were armed. The caller flushes.
 */
unsigned int aet_port_rearm(struct kvm_vcpu *vcpu, const struct aet_mmu *mmu,
			    gfn_t gfn);

/* What aet_port_visit() met. */
struct aet_visit {
	unsigned int small; /* 4 KiB leaves */
	unsigned int changed; /* of those, armed or disarmed now */
	unsigned int huge; /* larger leaves, not touched */
	int huge_level; /* of the largest: 2 or 3 */
	unsigned int max_small; /* in: stop after about so many; 0: no limit */
};

enum aet_visit_op {
	AET_VISIT_COUNT,
	AET_VISIT_ARM,
	AET_VISIT_DISARM
};

/* Visit every leaf that maps @gfn of @slot. Under kvm->mmu_lock for write. */
void aet_port_visit(struct kvm *kvm, const struct aet_mmu *mmu,
		    const struct kvm_memory_slot *slot, gfn_t gfn,
		    enum aet_visit_op op, struct aet_visit *visit);

/*
 * Forbid KVM to map [start, end) of @slot with huge leaves, or allow it again.
 * Under kvm->mmu_lock for write. The mark sits in the memslot itself, so it
 * goes with the memslot and undoing is right whatever happened in between.
 * aet_port_note_split() remembers that the huge leaf of @level around @gfn had
 * to go; aet_port_allow_huge() returns true if a noted region is in its range.
 */
void aet_port_forbid_huge(struct kvm_memory_slot *slot, gfn_t start, gfn_t end);
void aet_port_note_split(struct kvm_memory_slot *slot, gfn_t gfn, int level);
bool aet_port_allow_huge(struct kvm_memory_slot *slot, gfn_t start, gfn_t end);

/*
 * Make KVM forget its mappings of [start, end) of @slot; the guest's next
 * access maps them anew. May sleep; takes mmu_lock itself.
 */
void aet_port_zap(struct kvm *kvm, const struct kvm_memory_slot *slot,
		  gfn_t start, gfn_t end);

/* Count all leaves from the tables' roots, not through gfns. May take long. */
struct aet_leaf_count {
	u64 small;
	u64 huge;
	u64 armed;
};

void aet_port_count(struct kvm *kvm, const struct aet_mmu *mmu,
		    struct aet_leaf_count *ret_count);

#endif
