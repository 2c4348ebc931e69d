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
 * @unit_shift: log2 of the 4 KiB pages in a unit: 0, or 9 for coarse tracking
 * @is_tdp_mmu: KVM's TDP MMU maps the guest's memory, not its shadow MMU. Where
 *	it is in use, every root that we look at (is_trackable()) is its own.
 * @write_mask: the error code's bit that says "write", or 0 if traps do not tell
 * @encoding: valid unless @mode is unknown
 */
struct aet_mmu {
	u32 mode;
	u32 encoding_id;
	u32 unit_shift;
	bool is_tdp_mmu;
	u64 write_mask;
	struct aet_encoding encoding;
};

/* Memory of the guest's own: no ROM, nothing that KVM mapped for itself. */
static inline bool aet_slot_is_ram(const struct kvm_memory_slot *slot)
{
	return slot->id < KVM_USER_MEM_SLOTS &&
	       !(slot->flags & (KVM_MEM_READONLY | KVM_MEMSLOT_INVALID));
}

/* Fill all but @unit_shift from any vCPU; false while there is none. */
bool aet_port_detect(struct kvm *kvm, struct aet_mmu *mmu);

/*
 * Do the VM's page tables look as the build expects? False: this KVM is not the
 * one that we were built for, whatever its version says, so hands off. True also
 * while there are none to look at.
 */
bool aet_port_layout_is_sane(struct kvm *kvm);

/*
 * By what the guest is protected from the host, for people; NULL: by nothing.
 * What the host may not see, neither may we.
 */
const char *aet_port_protection(struct kvm *kvm);

enum aet_verdict {
	AET_NOT_OURS, /* KVM's own business */
	AET_TRAPPED, /* was armed, is disarmed now */
	AET_SPURIOUS, /* another vCPU disarmed it first: just retry */
	AET_UNMAPPED, /* TDP, nothing maps the page yet; KVM will */
};

/* @gfn is set for AET_TRAPPED and AET_UNMAPPED. Fits in registers. */
struct aet_trapped {
	u64 verdict; /* enum aet_verdict */
	gfn_t gfn;
};

/*
 * Stage 1: find the leaf that translates @addr for @vcpu and disarm it if it
 * is armed.
 */
struct aet_trapped aet_port_trap(struct kvm_vcpu *vcpu,
				 const struct aet_mmu *mmu, u64 addr,
				 u64 error_code);

/*
 * Could an EPT misconfiguration at @gpa be a trap's, also of a session that has
 * ended since? False: it is MMIO's, or a nested guest's.
 */
bool aet_port_may_be_ept_trap(struct kvm_vcpu *vcpu, u64 gpa);

/*
 * Arm the leaves that map @unit, from the fault path of @vcpu: no sleeping, no
 * allocation. Returns how many were armed. The caller flushes.
 */
unsigned int aet_port_rearm(struct kvm_vcpu *vcpu, const struct aet_mmu *mmu,
			    u64 unit);

#define AET_BLOCK_PAGES 512U
#define AET_BLOCK_WORDS (AET_BLOCK_PAGES / 64)

/**
 * struct aet_visit - what to do in an aligned 2 MiB of guest frames
 * @gfn: its first frame number
 * @arm: pages whose leaves to arm; bit gfn & 511. Bit 0 is for a 2 MiB leaf,
 *	too, if units are that large.
 * @disarm: pages whose leaves to disarm; likewise
 * @look: pages of interest that stay as they are
 * @max_aliases: pass over what is mapped more than once after about so many
 *	leaves, for callers who must not take long; 0: no limit
 * @aliases: out: leaves of pages mapped more than once
 * @mapped: out: which of these pages have a leaf. All if it is a huge one that
 *	is a unit.
 * @armable: out: of those, which had a leaf that could be armed
 * @unarmable: out: which had one that is not, and never will be
 * @armed: out: leaves armed now
 * @huge: out: leaves larger than a unit, not touched
 * @huge_level: out: of the largest: 2 or 3
 */
struct aet_visit {
	gfn_t gfn;
	u64 arm[AET_BLOCK_WORDS];
	u64 disarm[AET_BLOCK_WORDS];
	u64 look[AET_BLOCK_WORDS];
	unsigned int max_aliases;
	unsigned int aliases;
	u64 mapped[AET_BLOCK_WORDS];
	u64 armable[AET_BLOCK_WORDS];
	u64 unarmable[AET_BLOCK_WORDS];
	unsigned int armed;
	unsigned int huge;
	int huge_level;
};

/* Visit the leaves of @slot's pages. Under kvm->mmu_lock for write. */
void aet_port_visit(struct kvm *kvm, const struct aet_mmu *mmu,
		    const struct kvm_memory_slot *slot,
		    struct aet_visit *visit);

/*
 * From @gfn on, where could the next leaf be? @gfn itself if its 2 MiB may have
 * some, else the end of the largest hole around it that one look at the tables
 * shows. Where there are reverse maps always @gfn: KVM has paid for each page
 * of such memslots with memory of its own. Takes mmu_lock.
 */
gfn_t aet_port_skip_hole(struct kvm *kvm, const struct aet_mmu *mmu, gfn_t gfn);

/*
 * Forbid KVM to map [start, end) of @slot with leaves of @min_level and larger,
 * or allow all up to @max_level again. Under kvm->mmu_lock for write. The mark
 * sits in the memslot itself, so it goes with the memslot and undoing is right
 * whatever happened in between. aet_port_note_split() remembers that the huge
 * leaf of @level around @gfn had to go; aet_port_allow_huge() returns the largest
 * level noted in its range, or 0: around it KVM must map anew.
 */
void aet_port_forbid_huge(struct kvm_memory_slot *slot, gfn_t start, gfn_t end,
			  int min_level);
void aet_port_note_split(struct kvm_memory_slot *slot, gfn_t gfn, int level);
int aet_port_allow_huge(struct kvm_memory_slot *slot, gfn_t start, gfn_t end,
			int max_level);

/*
 * Make KVM forget its mappings of [start, end) of @slot; the guest's next
 * access maps them anew. May sleep; takes mmu_lock itself.
 */
void aet_port_zap(struct kvm *kvm, const struct kvm_memory_slot *slot,
		  gfn_t start, gfn_t end);

/*
 * Count all leaves from the tables, not through reverse maps or memslots. May
 * take long, but lets others go on meanwhile: exact if no leaf changes.
 */
struct aet_leaf_count {
	u64 small;
	u64 huge;
	u64 armed;
};

void aet_port_count(struct kvm *kvm, const struct aet_mmu *mmu,
		    struct aet_leaf_count *ret_count);

#endif
