// SPDX-License-Identifier: GPL-2.0-only
#include <asm/vmx.h>
#include <linux/kvm_host.h>
#include <linux/mmu_notifier.h>
#include <uapi/linux/kvm_aet.h>

#include "kvm_compat.h"
#include "kvm_port.h"
#include "kvm_layout.h" /* generated: offsets in KVM's private structures */

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

/*
 * Two-dimensional paging and coarse units: the leaves beside a small one are
 * the rest of its unit. The caller keeps the table alive.
 */
static void disarm_table(const struct aet_mmu *mmu, struct leaf leaf)
{
	u64 *table = (u64 *)((unsigned long)leaf.sptep & PAGE_MASK);
	int i;

	if (leaf.level > 1)
		return;
	for (i = 0; i < 512; i++)
		disarm_leaf(&mmu->encoding, &table[i], READ_ONCE(table[i]));
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
			if (mmu->unit_shift && vmmu->root_role.direct)
				disarm_table(mmu, leaf);
			goto out;
		}
	}
	/*
	 * A reserved-bit fault on a present leaf that is not armed: another
	 * vCPU was first, or a huge leaf that is never armed has replaced the
	 * small one. KVM would look for MMIO there; the guest only has to
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

static bool has_page(const u64 *words, unsigned int i)
{
	return words[i / 64] >> (i % 64) & 1;
}

/* @i: the page's place in the block. */
static __always_inline void visit_leaf(const struct aet_mmu *mmu, u64 *sptep,
				       int level, unsigned int i,
				       struct aet_visit *visit)
{
	u64 spte = READ_ONCE(*sptep);

	if (!aet_spte_is_mmu_present(spte))
		return;
	if (level == 1) {
		visit->small++;
		visit->mapped[i / 64] |= 1ULL << (i % 64);
	} else if (level == 2 && mmu->unit_shift) {
		memset(visit->mapped, 0xff, sizeof(visit->mapped));
	} else {
		visit->huge++;
		visit->huge_level = max(visit->huge_level, level);
		return;
	}
	if (has_page(visit->arm, i))
		visit->armed += arm_leaf(&mmu->encoding, sptep, spte);
	else if (has_page(visit->disarm, i))
		disarm_leaf(&mmu->encoding, sptep, spte);
}

/* The block's pages that @visit wants to see, a word of them. */
static u64 wanted(const struct aet_visit *visit, unsigned int word)
{
	return visit->arm[word] | visit->disarm[word] | visit->look[word];
}

#define for_each_wanted(visit, i, word, bits)                  \
	for (word = 0; word < AET_BLOCK_WORDS; word++)         \
		for (bits = wanted(visit, word);               \
		     bits && (i = word * 64 + __ffs(bits), 1); \
		     bits &= bits - 1)

/*
 * The block's leaves below one root. One walk for all of them: they share a
 * table, or are one huge leaf.
 */
static void visit_root(const struct aet_mmu *mmu, u64 *table, int level,
		       struct aet_visit *visit)
{
	unsigned int i, word;
	u64 bits;

	if (visit->gfn >> (9 * level))
		return;
	for (; level > 1; level--) {
		u64 *sptep = &table[table_index(visit->gfn, level)];
		u64 spte = READ_ONCE(*sptep);

		if (!aet_spte_is_mmu_present(spte))
			return;
		if (aet_spte_is_leaf(spte, level)) {
			visit_leaf(mmu, sptep, level, 0, visit);
			return;
		}
		table = spte_child(spte);
	}
	for_each_wanted(visit, i, word, bits)
		visit_leaf(mmu, &table[i], 1, i, visit);
}

/* struct pte_list_desc: several SPTEs that map one gfn, in linked chunks. */
#define DESC_FIELD(desc, type, field) \
	((type *)((char *)(desc) + AET_PTE_LIST_DESC_##field))

static void visit_rmap_spte(const struct aet_mmu *mmu, u64 *sptep,
			    unsigned int i, struct aet_visit *visit)
{
	union kvm_mmu_page_role role = sp_role(table_sp(sptep));

	if (is_trackable(role))
		visit_leaf(mmu, sptep, role.level, i, visit);
}

static void visit_rmap(const struct aet_mmu *mmu, struct kvm_rmap_head *head,
		       unsigned int i, struct aet_visit *visit)
{
	unsigned long val = head->val;
	char *desc;

	if (!val)
		return;
	if (!(val & 1)) {
		visit_rmap_spte(mmu, (u64 *)val, i, visit);
		return;
	}
	for (desc = (char *)(val & ~1UL);
	     desc && (!visit->max_small || visit->small < visit->max_small);
	     desc = *DESC_FIELD(desc, char *, MORE)) {
		u32 j, count = *DESC_FIELD(desc, u32, SPTE_COUNT);

		for (j = 0; j < count; j++)
			visit_rmap_spte(mmu, DESC_FIELD(desc, u64 *, SPTES)[j],
					i, visit);
	}
}

static void visit_rmaps(const struct aet_mmu *mmu,
			const struct kvm_memory_slot *slot,
			struct aet_visit *visit)
{
	gfn_t base = slot->base_gfn;
	unsigned int i, word;
	int level;
	u64 bits;

	if (slot->arch.rmap[0])
		for_each_wanted(visit, i, word, bits)
			visit_rmap(mmu,
				   &slot->arch.rmap[0][visit->gfn + i - base],
				   i, visit);
	for (level = 2; level <= KVM_NR_PAGE_SIZES; level++) {
		/* The block may begin before the memslot. */
		unsigned long index = (visit->gfn >> (9 * (level - 1))) -
				      (base >> (9 * (level - 1)));

		if (slot->arch.rmap[level - 1])
			visit_rmap(mmu, &slot->arch.rmap[level - 1][index], 0,
				   visit);
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
		    const struct kvm_memory_slot *slot, struct aet_visit *visit)
{
	struct list_head *pos;

	lockdep_assert_held_write(&kvm->mmu_lock);

	for_each_tdp_root(kvm, pos)
		visit_root(mmu, sp_spt(link_sp(pos)),
			   sp_role(link_sp(pos)).level, visit);
	visit_rmaps(mmu, slot, visit);
}

/*
 * Under the TDP MMU without a lock: the tables cannot be freed before the
 * hook's RCU section ends. KVM overwrites every SPTE of a table that it has
 * unlinked, so a leaf armed in one is not armed for long, and nobody translates
 * through it.
 */
static unsigned int rearm_tdp_page(struct kvm_mmu *vmmu,
				   const struct aet_mmu *mmu, gfn_t gfn)
{
	struct leaf leaf = find_gfn_leaf(__va(vmmu->root.hpa & PAGE_MASK),
					 vmmu->root_role.level, gfn);

	return leaf.level == 1 &&
	       arm_leaf(&mmu->encoding, leaf.sptep, leaf.spte);
}

static bool slot_covers(const struct kvm_memory_slot *slot, gfn_t gfn,
			gfn_t pages)
{
	return gfn >= slot->base_gfn &&
	       gfn + pages <= slot->base_gfn + slot->npages;
}

static unsigned int rearm_slowly(struct kvm_vcpu *vcpu,
				 const struct aet_mmu *mmu, gfn_t gfn,
				 bool is_tdp_mmu)
{
	struct kvm_mmu *vmmu = vcpu->arch.mmu;
	struct kvm_memory_slot *slot;
	struct aet_visit visit = {
		.gfn = round_down(gfn, AET_BLOCK_PAGES),
	};

	/* kvm->srcu, held around every exit, keeps the memslot. */
	slot = gfn_to_memslot(vcpu->kvm, gfn);
	if (!slot)
		return 0;
	if (mmu->unit_shift) {
		/* What shares a unit with ROM is left to the next pass. */
		if (!aet_slot_is_ram(slot) ||
		    !slot_covers(slot, gfn, AET_BLOCK_PAGES))
			return 0;
		memset(visit.arm, 0xff, sizeof(visit.arm));
	} else {
		visit.arm[gfn % AET_BLOCK_PAGES / 64] = 1ULL << (gfn % 64);
		/* A guest may alias a page without end; passes do the rest. */
		visit.max_small = 64;
	}
	if (is_tdp_mmu) {
		visit_root(mmu, __va(vmmu->root.hpa & PAGE_MASK),
			   vmmu->root_role.level, &visit);
		return visit.armed;
	}
	/*
	 * A page may be mapped at many virtual addresses, known only to the
	 * rmap, which mmu_lock protects. KVM takes the lock for write in each of
	 * its own shadow page faults, so this adds no new kind of wait.
	 */
	write_lock(&vcpu->kvm->mmu_lock);
	aet_port_visit(vcpu->kvm, mmu, slot, &visit);
	write_unlock(&vcpu->kvm->mmu_lock);
	return visit.armed;
}

unsigned int aet_port_rearm(struct kvm_vcpu *vcpu, const struct aet_mmu *mmu,
			    u64 unit)
{
	struct kvm_mmu *vmmu = vcpu->arch.mmu;
	bool is_tdp_mmu = is_tdp_mmu_root(vmmu);

	if (is_tdp_mmu && !is_trackable(vmmu->root_role))
		return 0;
	if (is_tdp_mmu && !mmu->unit_shift)
		return rearm_tdp_page(vmmu, mmu, unit);
	return rearm_slowly(vcpu, mmu, unit << mmu->unit_shift, is_tdp_mmu);
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

void aet_port_forbid_huge(struct kvm_memory_slot *slot, gfn_t start, gfn_t end,
			  int min_level)
{
	gfn_t gfn;
	int *word;
	int level;

	for_each_lpage(slot, start, end, level, gfn, word) {
		if (level >= min_level)
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

bool aet_port_allow_huge(struct kvm_memory_slot *slot, gfn_t start, gfn_t end,
			 int max_level)
{
	bool was_split = false;
	gfn_t gfn;
	int *word;
	int level;

	for_each_lpage(slot, start, end, level, gfn, word) {
		if (level > max_level ||
		    !(*word & (LPAGE_FORBIDDEN | LPAGE_SPLIT)))
			continue;
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
	if (level > 1)
		count->huge++;
	else
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

bool aet_port_detect(struct kvm *kvm, struct aet_mmu *mmu)
{
	struct kvm_vcpu *vcpu = kvm_get_vcpu(kvm, 0);

	if (!vcpu)
		return false;
	if (!role_is_tdp(READ_ONCE(vcpu->arch.root_mmu.root_role))) {
		mmu->mode = KVM_AET_MMU_SHADOW;
		mmu->encoding_id = KVM_AET_ENC_NOT_PRESENT;
		mmu->encoding = (struct aet_encoding)AET_ENCODING_SHADOW;
	} else if (boot_cpu_has(X86_FEATURE_VMX)) {
		mmu->mode = KVM_AET_MMU_EPT;
		mmu->encoding_id = KVM_AET_ENC_EPT_MEMTYPE;
		mmu->encoding = (struct aet_encoding)AET_ENCODING_EPT;
	} else {
		mmu->mode = KVM_AET_MMU_NPT;
		mmu->encoding_id = KVM_AET_ENC_NPT_SUPERVISOR;
		mmu->encoding = (struct aet_encoding)AET_ENCODING_NPT;
	}
	return true;
}

/* Every field that this file reads through an offset, on a live object. */
static bool sp_is_sane(struct kvm_mmu_page *sp)
{
	u64 *table = sp_spt(sp);

	return virt_addr_valid(table) && PAGE_ALIGNED((unsigned long)table) &&
	       table_sp(table) == sp && sp_role(sp).level >= 1 &&
	       sp_role(sp).level <= PT64_ROOT_MAX_LEVEL;
}

bool aet_port_layout_is_sane(struct kvm *kvm)
{
	struct list_head *pages = &kvm->arch.active_mmu_pages;
	struct list_head *roots;
	bool is_sane = true;

	read_lock(&kvm->mmu_lock);
	roots = first_tdp_root(kvm);
	if (roots != &kvm->arch.tdp_mmu_roots)
		is_sane = sp_is_sane(link_sp(roots)) &&
			  sp_is_tdp_mmu(link_sp(roots));
	if (is_sane && !list_empty(pages))
		is_sane = sp_is_sane(link_sp(pages->next)) &&
			  !sp_is_tdp_mmu(link_sp(pages->next));
	read_unlock(&kvm->mmu_lock);
	return is_sane;
}

bool aet_port_is_protected(struct kvm *kvm)
{
	struct kvm_vcpu *vcpu;
	unsigned long i;

	/* Set when SEV is switched on, by whichever ioctl. */
	if (READ_ONCE(kvm->arch.apicv_inhibit_reasons) &
	    BIT(APICV_INHIBIT_REASON_SEV))
		return true;
	if (aet_compat_has_private_memory(kvm))
		return true;
	kvm_for_each_vcpu(i, vcpu, kvm)
		if (vcpu->arch.guest_state_protected)
			return true;
	return false;
}
