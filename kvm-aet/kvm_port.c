// SPDX-License-Identifier: GPL-2.0-only
#include <asm/vmx.h>
#include <linux/kvm_host.h>
#include <linux/mmu_notifier.h>
#include <linux/version.h>
#include <uapi/linux/kvm_aet.h>

#include "kvm_port.h"
#include "kvm_layout.h" /* generated: offsets in KVM's private structures */

#if !(LINUX_VERSION_CODE >= KERNEL_VERSION(6, 1, 0) &&      \
      LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)) &&      \
	!(LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0) && \
	  LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0))
#error "kvm-aet knows the KVM of Linux 6.1 and 6.12 only; see DESIGN.md before adding another"
#endif

#ifdef CONFIG_PREEMPT_RT
#error "kvm-aet takes spinlocks in a context that may not sleep; PREEMPT_RT is not supported"
#endif
#ifndef CONFIG_X86_64
#error "kvm-aet is for 64-bit hosts"
#endif

/* KVM's struct kvm_mmu_page, by offsets. */
struct kvm_mmu_page;

#define SP_FIELD(sp, type, field) \
	((type *)((char *)(sp) + AET_KVM_MMU_PAGE_##field))

static u64 *sp_spt(struct kvm_mmu_page *sp)
{
	return READ_ONCE(*SP_FIELD(sp, u64 *, SPT));
}

static union kvm_mmu_page_role sp_role(struct kvm_mmu_page *sp)
{
	return *SP_FIELD(sp, union kvm_mmu_page_role, ROLE);
}

static bool sp_is_tdp_mmu(struct kvm_mmu_page *sp)
{
	return *SP_FIELD(sp, bool, TDP_MMU_PAGE);
}

/* The page table that an SPTE belongs to; NULL for roots without one. */
static struct kvm_mmu_page *table_sp(const void *table)
{
	return (struct kvm_mmu_page *)page_private(virt_to_page(table));
}

static gfn_t sp_gfn(struct kvm_mmu_page *sp, unsigned int index)
{
	union kvm_mmu_page_role role = sp_role(sp);
	u64 *translation = *SP_FIELD(sp, u64 *, SHADOWED_TRANSLATION);

	if (role.passthrough)
		return *SP_FIELD(sp, gfn_t, GFN);
	if (translation)
		return READ_ONCE(translation[index]) >> PAGE_SHIFT;
	return *SP_FIELD(sp, gfn_t, GFN) +
	       ((gfn_t)index << (9 * (role.level - 1)));
}

/*
 * Tables of nested guests and of system management mode stay free of traps:
 * the first translate another guest's addresses, the second another address
 * space, and both alias memory that is tracked where the guest itself uses it.
 */
static bool is_trackable(union kvm_mmu_page_role role)
{
	return !role.guest_mode && !role.smm;
}

static u64 *spte_child(u64 spte)
{
	return __va(spte & __PHYSICAL_MASK & PAGE_MASK);
}

static unsigned int table_index(u64 frame, int level)
{
	return (frame >> (9 * (level - 1))) & 511;
}

/* A leaf, or the entry where the walk ended: level 0. */
struct leaf {
	u64 *sptep;
	u64 spte;
	int level;
};

/*
 * Follow one address down from a table. @frame is the page number of the
 * address that the tables translate. The caller keeps the tables alive.
 */
static struct leaf find_leaf(u64 *table, int level, u64 frame)
{
	struct leaf leaf = {};

	for (; level >= 1; level--) {
		u64 *sptep = &table[table_index(frame, level)];
		u64 spte = READ_ONCE(*sptep);

		if (!aet_spte_is_mmu_present(spte)) {
			leaf.spte = spte;
			break;
		}
		if (aet_spte_is_leaf(spte, level)) {
			leaf = (struct leaf){ sptep, spte, level };
			break;
		}
		table = spte_child(spte);
	}
	return leaf;
}

/*
 * Tables of 4 levels end at 2^36 pages, also where a memslot lies beyond: such
 * a gfn would alias a lower one.
 */
static struct leaf find_gfn_leaf(u64 *table, int level, gfn_t gfn)
{
	if (gfn >> (9 * level))
		return (struct leaf){};
	return find_leaf(table, level, gfn);
}

/*
 * TDP is on exactly if the root is direct and deeper than PAE: KVM shadows a
 * guest without paging with direct PAE tables, and 64-bit hosts use 4 or 5
 * levels under TDP.
 */
#define PAE_LEVELS 3

static bool role_is_tdp(union kvm_mmu_page_role role)
{
	return role.direct && role.level > PAE_LEVELS;
}

static bool is_tdp_mmu_root(struct kvm_mmu *mmu)
{
	struct kvm_mmu_page *sp;

	if (!role_is_tdp(mmu->root_role) || !VALID_PAGE(mmu->root.hpa))
		return false;
	sp = (struct kvm_mmu_page *)page_private(
		pfn_to_page(mmu->root.hpa >> PAGE_SHIFT));
	return sp && sp_is_tdp_mmu(sp);
}

/*
 * Reading page tables without mmu_lock, by KVM's own rules. Tables of the TDP
 * MMU are freed after an RCU grace period, and the hook runs inside one. Other
 * tables are freed after kvm_flush_remote_tlbs(), which waits for every vCPU
 * whose mode is READING_SHADOW_PAGE_TABLES to take an interrupt.
 */
static void walk_begin(struct kvm_vcpu *vcpu, bool is_tdp_mmu)
{
	if (is_tdp_mmu)
		return;
	local_irq_disable();
	/*
	 * Orders the store of the mode before the reads of SPTEs; pairs with
	 * the barrier in kvm_make_all_cpus_request().
	 */
	smp_store_mb(vcpu->mode, READING_SHADOW_PAGE_TABLES);
}

static void walk_end(struct kvm_vcpu *vcpu, bool is_tdp_mmu)
{
	if (is_tdp_mmu)
		return;
	/* SPTE accesses stay before the store; pairs as in walk_begin(). */
	smp_store_release(&vcpu->mode, OUTSIDE_GUEST_MODE);
	local_irq_enable();
}

static struct leaf find_vcpu_leaf(struct kvm_mmu *mmu, u64 addr)
{
	int level = mmu->root_role.level;
	hpa_t root = mmu->root.hpa;

	if (!VALID_PAGE(root))
		return (struct leaf){};
	if (level == PAE_LEVELS) {
		u64 pdpte = READ_ONCE(mmu->pae_root[(addr >> 30) & 3]);

		if (!(pdpte & AET_SPTE_PRESENT))
			return (struct leaf){};
		return find_leaf(spte_child(pdpte), level - 1,
				 addr >> PAGE_SHIFT);
	}
	if (mmu->root_role.direct)
		return find_gfn_leaf(__va(root & PAGE_MASK), level,
				     addr >> PAGE_SHIFT);
	return find_leaf(__va(root & PAGE_MASK), level, addr >> PAGE_SHIFT);
}

/* The value by which KVM makes MMIO trap under EPT: write and execute only. */
static bool is_ept_mmio_spte(u64 spte)
{
	return (spte & VMX_EPT_RWX_MASK) == VMX_EPT_MISCONFIG_WX_VALUE;
}

enum aet_verdict aet_port_trap(struct kvm_vcpu *vcpu, const struct aet_mmu *mmu,
			       u64 addr, u64 error_code, gfn_t *ret_gfn)
{
	struct kvm_mmu *vmmu = vcpu->arch.mmu;
	bool is_tdp_mmu = is_tdp_mmu_root(vmmu);
	enum aet_verdict verdict = AET_NOT_OURS;
	struct leaf leaf;
	gfn_t gfn = 0;

	if (!is_trackable(vmmu->root_role))
		return AET_NOT_OURS;

	walk_begin(vcpu, is_tdp_mmu);
	leaf = find_vcpu_leaf(vmmu, addr);
	if (!leaf.level) {
		/*
		 * Under TDP the address is the page's; under shadow paging
		 * only the guest's tables, which KVM reads next, know it.
		 */
		if (vmmu->root_role.direct && !(error_code & PFERR_RSVD_MASK)) {
			gfn = addr >> PAGE_SHIFT;
			verdict = AET_UNMAPPED;
		}
		/*
		 * The armed leaf that trapped is gone already. If KVM looked
		 * now, the page might be back, and armed: a present SPTE with
		 * reserved bits, which it warns about and fails the vCPU.
		 */
		if (!is_ept_mmio_spte(leaf.spte))
			goto spurious;
		goto out;
	}
	if (leaf.level > 1) {
		/* Never armed, but it may have replaced an armed small leaf. */
		goto spurious;
	}
	while (aet_spte_is_armed(&mmu->encoding, leaf.spte)) {
		u64 old = leaf.spte;

		/*
		 * The gfn must be read before the leaf is free: a shadow page
		 * may be reused only after the leaf is zapped, which makes the
		 * exchange fail.
		 */
		gfn = vmmu->root_role.direct ?
			      addr >> PAGE_SHIFT :
			      sp_gfn(table_sp(leaf.sptep),
				     offset_in_page(leaf.sptep) / sizeof(u64));
		leaf.spte = cmpxchg64(leaf.sptep, old,
				      aet_spte_disarm(&mmu->encoding, old));
		if (leaf.spte == old) {
			verdict = AET_TRAPPED;
			goto out;
		}
	}
	/*
	 * A reserved-bit fault on a present leaf that is not armed: another
	 * vCPU was first. KVM would look for MMIO there; the guest only has to
	 * try again. If the leaf went away meanwhile, KVM's turn comes with
	 * the retry.
	 */
spurious:
	if (mmu->encoding.is_rsvd_fault && (error_code & PFERR_RSVD_MASK))
		verdict = AET_SPURIOUS; /* UNMAPPED excludes such a fault */
out:
	walk_end(vcpu, is_tdp_mmu);
	if (verdict == AET_TRAPPED || verdict == AET_UNMAPPED)
		*ret_gfn = gfn;
	return verdict;
}

static bool arm_leaf(const struct aet_encoding *enc, u64 *sptep, u64 spte)
{
	/*
	 * One attempt: whoever changed the SPTE meanwhile (KVM or the CPU
	 * setting A/D bits) is not to be outdone; the next pass arms it.
	 */
	return aet_spte_is_armable(enc, spte) &&
	       cmpxchg64(sptep, spte, aet_spte_arm(enc, spte)) == spte;
}

/*
 * The CPU may set A/D bits at any moment, so try until the leaf is disarmed or
 * gone. An armed leaf cannot gain bits for long: each retry means progress of
 * somebody who holds no lock, a CPU or a vCPU's hook, and both are bounded.
 */
static bool disarm_leaf(const struct aet_encoding *enc, u64 *sptep, u64 spte)
{
	while (aet_spte_is_armed(enc, spte)) {
		u64 old = spte;

		spte = cmpxchg64(sptep, old, aet_spte_disarm(enc, old));
		if (spte == old)
			return true;
	}
	return false;
}

static void visit_leaf(const struct aet_mmu *mmu, struct leaf leaf,
		       enum aet_visit_op op, struct aet_visit *visit)
{
	if (!leaf.level)
		return;
	if (leaf.level > 1) {
		visit->huge++;
		visit->huge_level = max(visit->huge_level, leaf.level);
		return;
	}
	visit->small++;
	if (op == AET_VISIT_ARM)
		visit->changed +=
			arm_leaf(&mmu->encoding, leaf.sptep, leaf.spte);
	else if (op == AET_VISIT_DISARM)
		visit->changed +=
			disarm_leaf(&mmu->encoding, leaf.sptep, leaf.spte);
}

/* struct pte_list_desc: several SPTEs that map one gfn, in linked chunks. */
#define DESC_FIELD(desc, type, field) \
	((type *)((char *)(desc) + AET_PTE_LIST_DESC_##field))

static void visit_rmap_spte(const struct aet_mmu *mmu, u64 *sptep,
			    enum aet_visit_op op, struct aet_visit *visit)
{
	union kvm_mmu_page_role role = sp_role(table_sp(sptep));

	if (!is_trackable(role))
		return;
	visit_leaf(mmu, (struct leaf){ sptep, READ_ONCE(*sptep), role.level },
		   op, visit);
}

static void visit_rmap(const struct aet_mmu *mmu, struct kvm_rmap_head *head,
		       enum aet_visit_op op, struct aet_visit *visit)
{
	unsigned long val = head->val;
	char *desc;

	if (!val)
		return;
	if (!(val & 1)) {
		visit_rmap_spte(mmu, (u64 *)val, op, visit);
		return;
	}
	for (desc = (char *)(val & ~1UL);
	     desc && (!visit->max_small || visit->small < visit->max_small);
	     desc = *DESC_FIELD(desc, char *, MORE)) {
		u32 i, count = *DESC_FIELD(desc, u32, SPTE_COUNT);

		for (i = 0; i < count; i++)
			visit_rmap_spte(mmu, DESC_FIELD(desc, u64 *, SPTES)[i],
					op, visit);
	}
}

/* KVM initialises the list only where the TDP MMU is in use. */
static struct list_head *first_tdp_root(struct kvm *kvm)
{
	struct list_head *roots = &kvm->arch.tdp_mmu_roots;

	return roots->next ? roots->next : roots;
}

static struct kvm_mmu_page *link_sp(struct list_head *link)
{
	return (struct kvm_mmu_page *)((char *)link - AET_KVM_MMU_PAGE_LINK);
}

#define for_each_tdp_root(kvm, pos)                                        \
	for (pos = first_tdp_root(kvm); pos != &(kvm)->arch.tdp_mmu_roots; \
	     pos = pos->next)                                              \
		if (is_trackable(sp_role(link_sp(pos))))

void aet_port_visit(struct kvm *kvm, const struct aet_mmu *mmu,
		    const struct kvm_memory_slot *slot, gfn_t gfn,
		    enum aet_visit_op op, struct aet_visit *visit)
{
	struct list_head *pos;
	int level;

	lockdep_assert_held_write(&kvm->mmu_lock);

	for_each_tdp_root(kvm, pos) {
		struct kvm_mmu_page *root = link_sp(pos);

		visit_leaf(mmu,
			   find_gfn_leaf(sp_spt(root), sp_role(root).level,
					 gfn),
			   op, visit);
	}

	for (level = 1; level <= KVM_NR_PAGE_SIZES; level++) {
		unsigned long index = (gfn >> (9 * (level - 1))) -
				      (slot->base_gfn >> (9 * (level - 1)));

		if (slot->arch.rmap[level - 1])
			visit_rmap(mmu, &slot->arch.rmap[level - 1][index], op,
				   visit);
	}
}

unsigned int aet_port_rearm(struct kvm_vcpu *vcpu, const struct aet_mmu *mmu,
			    gfn_t gfn)
{
	struct kvm_mmu *vmmu = vcpu->arch.mmu;
	/* A guest may alias a page without end; the pass finds the others. */
	struct aet_visit visit = { .max_small = 64 };
	struct kvm_memory_slot *slot;

	/*
	 * Under the TDP MMU without a lock: the table cannot be freed before
	 * the hook's RCU section ends. KVM overwrites every SPTE of a table
	 * that it has unlinked, so a leaf armed in one is not armed for long,
	 * and nobody translates through it.
	 */
	if (is_tdp_mmu_root(vmmu)) {
		if (is_trackable(vmmu->root_role))
			visit_leaf(
				mmu,
				find_gfn_leaf(__va(vmmu->root.hpa & PAGE_MASK),
					      vmmu->root_role.level, gfn),
				AET_VISIT_ARM, &visit);
		return visit.changed;
	}

	/*
	 * Elsewhere a page may be mapped at many virtual addresses, known only
	 * to the rmap, which mmu_lock protects. KVM takes the lock for write
	 * in each of its own shadow page faults, so this adds no new kind of
	 * wait. kvm->srcu, held around every exit, keeps the memslot.
	 */
	slot = gfn_to_memslot(vcpu->kvm, gfn);
	if (!slot)
		return 0;
	write_lock(&vcpu->kvm->mmu_lock);
	aet_port_visit(vcpu->kvm, mmu, slot, gfn, AET_VISIT_ARM, &visit);
	write_unlock(&vcpu->kvm->mmu_lock);
	return visit.changed;
}

/*
 * KVM counts in disallow_lpage why a region must not be mapped huge; any
 * nonzero value forbids it. Two high bits are ours. Counts stay far below
 * them, and KVM's own KVM_LPAGE_MIXED_FLAG is bit 31.
 */
#define LPAGE_FORBIDDEN BIT(27)
#define LPAGE_SPLIT BIT(28)

static int *lpage_word(struct kvm_memory_slot *slot, gfn_t gfn, int level)
{
	unsigned long index = (gfn >> (9 * (level - 1))) -
			      (slot->base_gfn >> (9 * (level - 1)));

	return &slot->arch.lpage_info[level - 2][index].disallow_lpage;
}

#define for_each_lpage(slot, start, end, level, gfn, word)                    \
	for (level = 2; level <= KVM_NR_PAGE_SIZES; level++)                  \
		for (gfn = (start);                                           \
		     gfn < (end) && (word = lpage_word(slot, gfn, level), 1); \
		     gfn = round_down(gfn, 1ULL << (9 * (level - 1))) +       \
			   (1ULL << (9 * (level - 1))))

void aet_port_forbid_huge(struct kvm_memory_slot *slot, gfn_t start, gfn_t end)
{
	gfn_t gfn;
	int *word;
	int level;

	for_each_lpage(slot, start, end, level, gfn, word) {
		*word |= LPAGE_FORBIDDEN;
	}
}

void aet_port_note_split(struct kvm_memory_slot *slot, gfn_t gfn, int level)
{
	gfn_t pages = 1ULL << (9 * (level - 1));
	gfn_t start = max(round_down(gfn, pages), slot->base_gfn);
	gfn_t end = min(round_down(gfn, pages) + pages,
			slot->base_gfn + slot->npages);

	for (; start < end; start = round_down(start, 512) + 512)
		*lpage_word(slot, start, 2) |= LPAGE_SPLIT;
}

bool aet_port_allow_huge(struct kvm_memory_slot *slot, gfn_t start, gfn_t end)
{
	bool was_split = false;
	gfn_t gfn;
	int *word;
	int level;

	for_each_lpage(slot, start, end, level, gfn, word) {
		was_split |= *word & LPAGE_SPLIT;
		*word &= ~(LPAGE_FORBIDDEN | LPAGE_SPLIT);
	}
	return was_split;
}

void aet_port_zap(struct kvm *kvm, const struct kvm_memory_slot *slot,
		  gfn_t start, gfn_t end)
{
	struct mmu_notifier *subscription = &kvm->mmu_notifier;
	struct mmu_notifier_range range = {
		.mm = kvm->mm,
		.start = slot->userspace_addr +
			 ((start - slot->base_gfn) << PAGE_SHIFT),
		.end = slot->userspace_addr +
		       ((end - slot->base_gfn) << PAGE_SHIFT),
		.flags = MMU_NOTIFIER_RANGE_BLOCKABLE,
	};

	/*
	 * The pair of calls that the host's mm makes when it changes these
	 * addresses: KVM zaps, flushes, and lets no fault that read the old
	 * state install it. kvm_zap_gfn_range() would do, but 6.1 does not
	 * export it.
	 */
	subscription->ops->invalidate_range_start(subscription, &range);
	subscription->ops->invalidate_range_end(subscription, &range);
}

static void count_leaf(const struct aet_mmu *mmu, u64 spte, int level,
		       struct aet_leaf_count *count)
{
	if (level > 1) {
		count->huge++;
		return;
	}
	count->small++;
	count->armed += aet_spte_is_armed(&mmu->encoding, spte);
}

/* Recursion depth is the number of levels: at most 5. */
static void count_table(const struct aet_mmu *mmu, u64 *table, int level,
			struct aet_leaf_count *count)
{
	int i;

	for (i = 0; i < 512; i++) {
		u64 spte = READ_ONCE(table[i]);

		if (!aet_spte_is_mmu_present(spte))
			continue;
		if (aet_spte_is_leaf(spte, level))
			count_leaf(mmu, spte, level, count);
		else
			count_table(mmu, spte_child(spte), level - 1, count);
	}
}

void aet_port_count(struct kvm *kvm, const struct aet_mmu *mmu,
		    struct aet_leaf_count *ret_count)
{
	struct aet_leaf_count count = {};
	struct list_head *pos;
	int i;

	/*
	 * Held for read: KVM changes the list of shadow pages under the write
	 * lock, and faults of the TDP MMU go on; RCU keeps what they unlink.
	 */
	read_lock(&kvm->mmu_lock);
	rcu_read_lock();
	for_each_tdp_root(kvm, pos)
		count_table(mmu, sp_spt(link_sp(pos)),
			    sp_role(link_sp(pos)).level, &count);
	list_for_each(pos, &kvm->arch.active_mmu_pages) {
		union kvm_mmu_page_role role = sp_role(link_sp(pos));
		u64 *table = sp_spt(link_sp(pos));

		if (!is_trackable(role))
			continue;
		for (i = 0; i < 512; i++) {
			u64 spte = READ_ONCE(table[i]);

			if (aet_spte_is_mmu_present(spte) &&
			    aet_spte_is_leaf(spte, role.level))
				count_leaf(mmu, spte, role.level, &count);
		}
	}
	rcu_read_unlock();
	read_unlock(&kvm->mmu_lock);
	*ret_count = count;
}

bool aet_port_detect(struct kvm *kvm, struct aet_mmu *ret_mmu)
{
	struct kvm_vcpu *vcpu = kvm_get_vcpu(kvm, 0);

	if (!vcpu)
		return false;
	if (!role_is_tdp(READ_ONCE(vcpu->arch.root_mmu.root_role)))
		*ret_mmu = (struct aet_mmu){
			.mode = KVM_AET_MMU_SHADOW,
			.encoding_id = KVM_AET_ENC_NOT_PRESENT,
			.encoding = AET_ENCODING_SHADOW,
		};
	else if (boot_cpu_has(X86_FEATURE_VMX))
		*ret_mmu = (struct aet_mmu){
			.mode = KVM_AET_MMU_EPT,
			.encoding_id = KVM_AET_ENC_EPT_MEMTYPE,
			.encoding = AET_ENCODING_EPT,
		};
	else
		*ret_mmu = (struct aet_mmu){
			.mode = KVM_AET_MMU_NPT,
			.encoding_id = KVM_AET_ENC_NPT_SUPERVISOR,
			.encoding = AET_ENCODING_NPT,
		};
	return true;
}

bool aet_port_is_protected(struct kvm *kvm)
{
	struct kvm_vcpu *vcpu;
	unsigned long i;

	/* Set when SEV is switched on, by whichever ioctl. */
	if (READ_ONCE(kvm->arch.apicv_inhibit_reasons) &
	    BIT(APICV_INHIBIT_REASON_SEV))
		return true;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	if (kvm->arch.vm_type != KVM_X86_DEFAULT_VM ||
	    kvm->arch.has_private_mem)
		return true;
#endif
	kvm_for_each_vcpu(i, vcpu, kvm)
		if (vcpu->arch.guest_state_protected)
			return true;
	return false;
}
