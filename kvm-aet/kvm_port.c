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
static __always_inline struct leaf find_leaf(u64 *table, int level, u64 frame)
{
	unsigned int shift = 9 * (level - 1);

	for (;; shift -= 9) {
		u64 *sptep = &table[(frame >> shift) & 511];
		u64 spte = READ_ONCE(*sptep);

		if (!aet_spte_is_mmu_present(spte))
			return (struct leaf){ .spte = spte };
		if (!shift || (spte & AET_SPTE_HUGE))
			return (struct leaf){ sptep, spte, shift / 9 + 1 };
		table = spte_child(spte);
	}
}

/*
 * Tables of 4 levels end at 2^36 pages, also where a memslot lies beyond: such
 * a gfn would alias a lower one.
 */
static __always_inline struct leaf find_gfn_leaf(u64 *table, int level,
						 gfn_t gfn)
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

static __always_inline struct leaf find_vcpu_leaf(struct kvm_mmu *mmu, u64 addr)
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
 * The 4 KiB leaf of @gfn below @vmmu's root in the TDP MMU, or NULL. What
 * find_leaf() does, for the way that nearly every trap goes, with nothing left
 * to decide at run time. Under RCU.
 */
static __always_inline u64 *find_tdp_page(const struct kvm_mmu *vmmu, gfn_t gfn,
					  u64 *ret_spte)
{
	const u64 branch = AET_SPTE_MMU_PRESENT | AET_SPTE_HUGE;
	/* A variable; otherwise both masks would be applied at each level. */
	const u64 frame_mask = __PHYSICAL_MASK & PAGE_MASK;
	unsigned int level = vmmu->root_role.level;
	u64 *table, spte;
	int shift;

	if (!VALID_PAGE(vmmu->root.hpa) || gfn >> (9 * level))
		return NULL;
	table = __va(vmmu->root.hpa & PAGE_MASK);
	if (level == PT64_ROOT_MAX_LEVEL) {
		spte = READ_ONCE(table[gfn >> 36]);
		if ((spte & branch) != AET_SPTE_MMU_PRESENT)
			return NULL;
		table = __va(spte & frame_mask);
	}
#pragma GCC unroll 3
	for (shift = 27; shift > 0; shift -= 9) {
		spte = READ_ONCE(table[(gfn >> shift) & 511]);
		if ((spte & branch) != AET_SPTE_MMU_PRESENT)
			return NULL;
		table = __va(spte & frame_mask);
	}
	table += gfn & 511;
	*ret_spte = READ_ONCE(*table);
	return table;
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

static noinline struct aet_trapped trap_slowly(struct kvm_vcpu *vcpu,
					       const struct aet_mmu *mmu,
					       u64 addr, u64 error_code)
{
	struct kvm_mmu *vmmu = vcpu->arch.mmu;
	bool is_tdp_mmu = mmu->is_tdp_mmu;
	enum aet_verdict verdict = AET_NOT_OURS;
	struct leaf leaf;
	gfn_t gfn = 0;

	walk_begin(vcpu, is_tdp_mmu);
	leaf = find_vcpu_leaf(vmmu, addr);
	if (!leaf.level) {
		/*
		 * Under TDP the address is the page's; under shadow paging
		 * only the guest's tables, which KVM reads next, know it. An
		 * MMIO SPTE may be a stale one, where there is memory now.
		 */
		if (vmmu->root_role.direct) {
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
		verdict = AET_SPURIOUS;
out:
	walk_end(vcpu, is_tdp_mmu);
	return (struct aet_trapped){ verdict, gfn };
}

struct aet_trapped aet_port_trap(struct kvm_vcpu *vcpu,
				 const struct aet_mmu *mmu, u64 addr,
				 u64 error_code)
{
	const struct kvm_mmu *vmmu = vcpu->arch.mmu;
	gfn_t gfn = addr >> PAGE_SHIFT;
	u64 *sptep, spte;

	if (!is_trackable(vmmu->root_role))
		return (struct aet_trapped){ AET_NOT_OURS };
	if (mmu->is_tdp_mmu && !mmu->unit_shift) {
		sptep = find_tdp_page(vmmu, gfn, &spte);
		if (sptep && aet_spte_is_armed(&mmu->encoding, spte) &&
		    try_cmpxchg64(sptep, &spte,
				  aet_spte_disarm(&mmu->encoding, spte)))
			return (struct aet_trapped){ AET_TRAPPED, gfn };
	}
	return trap_slowly(vcpu, mmu, addr, error_code);
}

bool aet_port_may_be_ept_trap(struct kvm_vcpu *vcpu, u64 gpa)
{
	struct leaf leaf;

	if (!is_trackable(vcpu->arch.mmu->root_role))
		return false;
	/* By the rules of both MMUs: without a session, which one is unknown. */
	rcu_read_lock();
	walk_begin(vcpu, false);
	leaf = find_vcpu_leaf(vcpu->arch.mmu, gpa);
	walk_end(vcpu, false);
	rcu_read_unlock();
	return leaf.level || !is_ept_mmio_spte(leaf.spte);
}

/* The leaf at @sptep maps the page of @bit in @word, or the block. */
static __always_inline void note_leaf(const struct aet_mmu *mmu, u64 spte,
				      u64 bit, u64 *mapped, u64 *armable,
				      u64 *unarmable)
{
	*mapped |= bit;
	if (aet_spte_is_armable(&mmu->encoding, spte))
		*armable |= bit;
	else if (unlikely(aet_spte_is_unarmable(&mmu->encoding, spte)))
		*unarmable |= bit;
}

/*
 * Do with the leaf what is wanted of it. @spte is what it was seen to be: where
 * there was a huge leaf, KVM may put a table meanwhile, and that is never armed.
 */
static void change_leaf(const struct aet_mmu *mmu, u64 *sptep, u64 spte,
			unsigned int word, u64 bit, struct aet_visit *visit)
{
	if (visit->arm[word] & bit)
		visit->armed += arm_leaf(&mmu->encoding, sptep, spte);
	else if (visit->disarm[word] & bit)
		disarm_leaf(&mmu->encoding, sptep, spte);
}

static __always_inline void visit_unit(const struct aet_mmu *mmu, u64 *sptep,
				       u64 spte, unsigned int i,
				       struct aet_visit *visit)
{
	unsigned int word = i / 64;
	u64 bit = 1ULL << (i % 64);

	note_leaf(mmu, spte, bit, &visit->mapped[word], &visit->armable[word],
		  &visit->unarmable[word]);
	if (unlikely((visit->arm[word] | visit->disarm[word]) & bit))
		change_leaf(mmu, sptep, spte, word, bit, visit);
}

static void visit_huge(const struct aet_mmu *mmu, u64 *sptep, u64 spte,
		       int level, struct aet_visit *visit)
{
	if (level == 2 && mmu->unit_shift) {
		visit_unit(mmu, sptep, spte, 0, visit);
		memset(visit->mapped, 0xff, sizeof(visit->mapped));
		return;
	}
	visit->huge++;
	visit->huge_level = max(visit->huge_level, level);
}

/* The block's pages that @visit wants to see, a word of them. */
static u64 wanted(const struct aet_visit *visit, unsigned int word)
{
	return visit->arm[word] | visit->disarm[word] | visit->look[word];
}

/* 64 small leaves. Most passes change none, so look at all before. */
static void visit_word(const struct aet_mmu *mmu, u64 *table, unsigned int word,
		       struct aet_visit *visit)
{
	u64 mapped = 0, armable = 0, unarmable = 0, bits;

	for (bits = wanted(visit, word); bits; bits &= bits - 1) {
		u64 spte = READ_ONCE(table[__ffs(bits)]);

		if (aet_spte_is_mmu_present(spte))
			note_leaf(mmu, spte, bits & -bits, &mapped, &armable,
				  &unarmable);
	}
	visit->mapped[word] |= mapped;
	visit->armable[word] |= armable;
	visit->unarmable[word] |= unarmable;
	bits = (visit->arm[word] & armable) | (visit->disarm[word] & mapped);
	for (; bits; bits &= bits - 1) {
		u64 *sptep = &table[__ffs(bits)];

		change_leaf(mmu, sptep, READ_ONCE(*sptep), word, bits & -bits,
			    visit);
	}
}

/*
 * The block's leaves below one root. One walk for all of them: they share a
 * table, or are one huge leaf.
 */
static void visit_root(const struct aet_mmu *mmu, u64 *table, int level,
		       struct aet_visit *visit)
{
	unsigned int word;
	u64 spte;

	if (visit->gfn >> (9 * level))
		return;
	for (; level > 1; level--) {
		u64 *sptep = &table[table_index(visit->gfn, level)];

		spte = READ_ONCE(*sptep);
		if (!aet_spte_is_mmu_present(spte))
			return;
		if (aet_spte_is_leaf(spte, level)) {
			visit_huge(mmu, sptep, spte, level, visit);
			return;
		}
		table = spte_child(spte);
	}
	for (word = 0; word < AET_BLOCK_WORDS; word++)
		visit_word(mmu, &table[word * 64], word, visit);
}

/* struct pte_list_desc: several SPTEs that map one gfn, in linked chunks. */
#define DESC_FIELD(desc, type, field) \
	((type *)((char *)(desc) + AET_PTE_LIST_DESC_##field))

static __always_inline void visit_rmap_spte(const struct aet_mmu *mmu,
					    u64 *sptep, unsigned int i,
					    struct aet_visit *visit)
{
	union kvm_mmu_page_role role = sp_role(table_sp(sptep));
	u64 spte = READ_ONCE(*sptep);

	if (!is_trackable(role) || !aet_spte_is_mmu_present(spte))
		return;
	if (role.level > 1)
		visit_huge(mmu, sptep, spte, role.level, visit);
	else
		visit_unit(mmu, sptep, spte, i, visit);
}

static __always_inline void visit_rmap(const struct aet_mmu *mmu,
				       struct kvm_rmap_head *head,
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
	     desc &&
	     (!visit->max_aliases || visit->aliases < visit->max_aliases);
	     desc = *DESC_FIELD(desc, char *, MORE)) {
		u32 j, count = *DESC_FIELD(desc, u32, SPTE_COUNT);

		visit->aliases += count;
		for (j = 0; j < count; j++)
			visit_rmap_spte(mmu, DESC_FIELD(desc, u64 *, SPTES)[j],
					i, visit);
	}
}

/*
 * visit_word() for the shadow MMU, where the leaves of neighbouring pages mostly
 * are neighbours in one table. @heads: of the word's pages, some of which may
 * lie outside the memslot, but none that @visit wants.
 */
static void visit_rmap_word(const struct aet_mmu *mmu,
			    struct kvm_rmap_head *heads, unsigned int word,
			    struct aet_visit *visit)
{
	/* The last trackable table; none to begin with. */
	unsigned long table = 1;
	u64 mapped = 0, armable = 0, unarmable = 0, bits;

	for (bits = wanted(visit, word); bits; bits &= bits - 1) {
		unsigned int i = __ffs(bits);
		unsigned long val = heads[i].val;
		u64 spte;

		/* Bit 0 says that there is a list, which is no table's. */
		if (unlikely((val & (PAGE_MASK | 1)) != table)) {
			if (!val)
				continue;
			if (val & 1) {
				visit_rmap(mmu, &heads[i], word * 64 + i,
					   visit);
				continue;
			}
			if (!is_trackable(sp_role(table_sp((void *)val))))
				continue;
			table = val & PAGE_MASK;
		}
		spte = READ_ONCE(*(u64 *)val);
		if (aet_spte_is_mmu_present(spte))
			note_leaf(mmu, spte, bits & -bits, &mapped, &armable,
				  &unarmable);
	}
	visit->mapped[word] |= mapped;
	visit->armable[word] |= armable;
	visit->unarmable[word] |= unarmable;
	bits = (visit->arm[word] & armable) | (visit->disarm[word] & mapped);
	for (; bits; bits &= bits - 1) {
		u64 *sptep = (u64 *)heads[__ffs(bits)].val;

		change_leaf(mmu, sptep, READ_ONCE(*sptep), word, bits & -bits,
			    visit);
	}
}

static void visit_rmaps(const struct aet_mmu *mmu,
			const struct kvm_memory_slot *slot,
			struct aet_visit *visit)
{
	gfn_t base = slot->base_gfn;
	unsigned int word;
	int level;

	for (word = 0; slot->arch.rmap[0] && word < AET_BLOCK_WORDS; word++)
		visit_rmap_word(mmu,
				slot->arch.rmap[0] +
					(s64)(visit->gfn + word * 64 - base),
				word, visit);
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
	/* Beside the TDP MMU, KVM shadows nested guests only: not trackable. */
	if (!mmu->is_tdp_mmu)
		visit_rmaps(mmu, slot, visit);
}

/* As far as one root is concerned. */
static gfn_t skip_root(u64 *table, int level, gfn_t gfn)
{
	u64 spte;

	if (gfn >> (9 * level))
		return ~0ULL;
	for (; level > 1; level--) {
		spte = READ_ONCE(table[table_index(gfn, level)]);
		if (!aet_spte_is_mmu_present(spte))
			return (gfn | ((1ULL << (9 * (level - 1))) - 1)) + 1;
		if (aet_spte_is_leaf(spte, level))
			break;
		table = spte_child(spte);
	}
	return gfn;
}

gfn_t aet_port_skip_hole(struct kvm *kvm, const struct aet_mmu *mmu, gfn_t gfn)
{
	struct list_head *pos;
	gfn_t ret = ~0ULL;

	if (!mmu->is_tdp_mmu)
		return gfn;
	read_lock(&kvm->mmu_lock);
	/* Faults go on under this lock, and may free tables. */
	rcu_read_lock();
	for_each_tdp_root(kvm, pos)
		ret = min(ret, skip_root(sp_spt(link_sp(pos)),
					 sp_role(link_sp(pos)).level, gfn));
	rcu_read_unlock();
	read_unlock(&kvm->mmu_lock);
	return ret;
}

/*
 * Under the TDP MMU without a lock: the tables cannot be freed before the
 * hook's RCU section ends. KVM overwrites every SPTE of a table that it has
 * unlinked, so a leaf armed in one is not armed for long, and nobody translates
 * through it.
 */
static unsigned int rearm_tdp_page(const struct kvm_mmu *vmmu,
				   const struct aet_mmu *mmu, gfn_t gfn)
{
	u64 spte, *sptep = find_tdp_page(vmmu, gfn, &spte);

	return sptep && arm_leaf(&mmu->encoding, sptep, spte);
}

/* A guest may alias a page without end; passes arm the rest. */
#define MAX_REARMED_ALIASES 64

static bool arm_rmap_spte(const struct aet_mmu *mmu, u64 *sptep)
{
	return is_trackable(sp_role(table_sp(sptep))) &&
	       arm_leaf(&mmu->encoding, sptep, READ_ONCE(*sptep));
}

/*
 * A page may be mapped at many virtual addresses, known only to the rmap, which
 * mmu_lock protects. KVM takes the lock for write in each of its own shadow page
 * faults, so this adds no new kind of wait.
 */
static unsigned int rearm_rmap_page(struct kvm *kvm, const struct aet_mmu *mmu,
				    const struct kvm_memory_slot *slot,
				    gfn_t gfn)
{
	unsigned int armed = 0, visited = 0;
	unsigned long val;
	char *desc = NULL;

	if (!slot->arch.rmap[0])
		return 0;
	write_lock(&kvm->mmu_lock);
	val = slot->arch.rmap[0][gfn - slot->base_gfn].val;
	if (val & 1)
		desc = (char *)(val & ~1UL);
	else if (val)
		armed = arm_rmap_spte(mmu, (u64 *)val);
	for (; desc && visited < MAX_REARMED_ALIASES;
	     desc = *DESC_FIELD(desc, char *, MORE)) {
		u32 i, count = *DESC_FIELD(desc, u32, SPTE_COUNT);

		visited += count;
		for (i = 0; i < count; i++)
			armed += arm_rmap_spte(mmu, DESC_FIELD(desc, u64 *,
							       SPTES)[i]);
	}
	write_unlock(&kvm->mmu_lock);
	return armed;
}

static bool slot_covers(const struct kvm_memory_slot *slot, gfn_t gfn,
			gfn_t pages)
{
	return gfn >= slot->base_gfn &&
	       gfn + pages <= slot->base_gfn + slot->npages;
}

/* All leaves of a coarse unit. */
static noinline unsigned int rearm_block(struct kvm_vcpu *vcpu,
					 const struct aet_mmu *mmu,
					 const struct kvm_memory_slot *slot,
					 gfn_t gfn)
{
	struct kvm_mmu *vmmu = vcpu->arch.mmu;
	struct aet_visit visit = {
		.gfn = gfn,
		.max_aliases = AET_BLOCK_PAGES * 2,
	};

	/* What shares a unit with ROM is left to the next pass. */
	if (!aet_slot_is_ram(slot) || !slot_covers(slot, gfn, AET_BLOCK_PAGES))
		return 0;
	memset(visit.arm, 0xff, sizeof(visit.arm));
	if (!mmu->is_tdp_mmu) {
		write_lock(&vcpu->kvm->mmu_lock);
		aet_port_visit(vcpu->kvm, mmu, slot, &visit);
		write_unlock(&vcpu->kvm->mmu_lock);
	} else if (VALID_PAGE(vmmu->root.hpa)) {
		visit_root(mmu, __va(vmmu->root.hpa & PAGE_MASK),
			   vmmu->root_role.level, &visit);
	}
	return visit.armed;
}

static noinline unsigned int rearm_slowly(struct kvm_vcpu *vcpu,
					  const struct aet_mmu *mmu, gfn_t gfn)
{
	/* kvm->srcu, held around every exit, keeps the memslot. */
	struct kvm_memory_slot *slot = gfn_to_memslot(vcpu->kvm, gfn);

	if (!slot)
		return 0;
	if (mmu->unit_shift)
		return rearm_block(vcpu, mmu, slot, gfn);
	return rearm_rmap_page(vcpu->kvm, mmu, slot, gfn);
}

unsigned int aet_port_rearm(struct kvm_vcpu *vcpu, const struct aet_mmu *mmu,
			    u64 unit)
{
	const struct kvm_mmu *vmmu = vcpu->arch.mmu;

	if (!mmu->is_tdp_mmu || mmu->unit_shift)
		return rearm_slowly(vcpu, mmu, unit << mmu->unit_shift);
	/* The vCPU has just trapped, so it is not in a nested guest. */
	return rearm_tdp_page(vmmu, mmu, unit);
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
	*lpage_word(slot, gfn, level) |= LPAGE_SPLIT;
}

int aet_port_allow_huge(struct kvm_memory_slot *slot, gfn_t start, gfn_t end,
			int max_level)
{
	int split_level = 0;
	gfn_t gfn;
	int *word;
	int level;

	for_each_lpage(slot, start, end, level, gfn, word) {
		if (level > max_level ||
		    !(*word & (LPAGE_FORBIDDEN | LPAGE_SPLIT)))
			continue;
		if (*word & LPAGE_SPLIT)
			split_level = level;
		*word &= ~(LPAGE_FORBIDDEN | LPAGE_SPLIT);
	}
	return split_level;
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

/* @table's leaves of [gfn, end); @start: the first gfn that it covers. */
static void count_table(const struct aet_mmu *mmu, u64 *table, int level,
			gfn_t start, gfn_t gfn, gfn_t end,
			struct aet_leaf_count *count)
{
	gfn_t pages = 1ULL << (9 * (level - 1));
	int i;

	/* Recursion depth is the number of levels: at most 5. */
	for (i = 0; i < 512; i++, start += pages) {
		u64 spte;

		if (start + pages <= gfn || start >= end)
			continue;
		spte = READ_ONCE(table[i]);
		if (!aet_spte_is_mmu_present(spte))
			continue;
		if (!aet_spte_is_leaf(spte, level))
			count_table(mmu, spte_child(spte), level - 1, start,
				    gfn, end, count);
		else if (start >= gfn)
			count_leaf(mmu, spte, level, count);
	}
}

/* So much of the guest's memory is counted without letting others go on. */
#define COUNT_PAGES BIT_ULL(18)

static void count_tdp_mmu(struct kvm *kvm, const struct aet_mmu *mmu,
			  struct aet_leaf_count *count)
{
	gfn_t gfn = 0, end, limit = 1ULL << (9 * PT64_ROOT_MAX_LEVEL);
	struct list_head *pos;

	for (; gfn < limit; gfn = end) {
		end = max(aet_port_skip_hole(kvm, mmu, gfn),
			  round_down(gfn, COUNT_PAGES) + COUNT_PAGES);
		/* Faults go on under this lock; RCU keeps what they unlink. */
		read_lock(&kvm->mmu_lock);
		rcu_read_lock();
		for_each_tdp_root(kvm, pos)
			count_table(mmu, sp_spt(link_sp(pos)),
				    sp_role(link_sp(pos)).level, 0, gfn,
				    min(end, limit), count);
		rcu_read_unlock();
		read_unlock(&kvm->mmu_lock);
		cond_resched();
	}
}

static struct kvm_mmu_page *hash_sp(struct hlist_node *node)
{
	return (struct kvm_mmu_page *)((char *)node -
				       AET_KVM_MMU_PAGE_HASH_LINK);
}

static void count_sp(const struct aet_mmu *mmu, struct kvm_mmu_page *sp,
		     struct aet_leaf_count *count)
{
	union kvm_mmu_page_role role = sp_role(sp);
	u64 *table = sp_spt(sp);
	int i;

	if (!is_trackable(role))
		return;
	for (i = 0; i < 512; i++) {
		u64 spte = READ_ONCE(table[i]);

		if (aet_spte_is_mmu_present(spte) &&
		    aet_spte_is_leaf(spte, role.level))
			count_leaf(mmu, spte, role.level, count);
	}
}

/*
 * By hash buckets and not by KVM's list, in which there is no place to go on
 * from once others had their turn. A shadow page stays in its bucket.
 */
static void count_shadow_mmu(struct kvm *kvm, const struct aet_mmu *mmu,
			     struct aet_leaf_count *count)
{
	/* An array, or allocated once; NULL then until KVM shadows anything. */
	struct hlist_head *buckets = kvm->arch.mmu_page_hash;
	struct hlist_node *node;
	unsigned int i;

	for (i = 0; buckets && i < KVM_NUM_MMU_PAGES; i++) {
		if (hlist_empty(&buckets[i]))
			continue;
		/* KVM changes the buckets under the write lock. */
		read_lock(&kvm->mmu_lock);
		hlist_for_each(node, &buckets[i])
			count_sp(mmu, hash_sp(node), count);
		read_unlock(&kvm->mmu_lock);
		cond_resched();
	}
}

void aet_port_count(struct kvm *kvm, const struct aet_mmu *mmu,
		    struct aet_leaf_count *ret_count)
{
	*ret_count = (struct aet_leaf_count){};
	if (mmu->is_tdp_mmu)
		count_tdp_mmu(kvm, mmu, ret_count);
	count_shadow_mmu(kvm, mmu, ret_count);
}

bool aet_port_detect(struct kvm *kvm, struct aet_mmu *mmu)
{
	struct kvm_vcpu *vcpu = kvm_get_vcpu(kvm, 0);

	if (!vcpu)
		return false;
	/* KVM initialises the list only where the TDP MMU is in use. */
	mmu->is_tdp_mmu = kvm->arch.tdp_mmu_roots.next;
	if (!role_is_tdp(READ_ONCE(vcpu->arch.root_mmu.root_role))) {
		mmu->mode = KVM_AET_MMU_SHADOW;
		mmu->encoding_id = KVM_AET_ENC_NOT_PRESENT;
		mmu->encoding = (struct aet_encoding)AET_ENCODING_SHADOW;
		mmu->write_mask = PFERR_WRITE_MASK;
	} else if (boot_cpu_has(X86_FEATURE_VMX)) {
		mmu->mode = KVM_AET_MMU_EPT;
		mmu->encoding_id = KVM_AET_ENC_EPT_MEMTYPE;
		mmu->encoding = (struct aet_encoding)AET_ENCODING_EPT;
		/* An EPT misconfiguration does not tell. */
		mmu->write_mask = 0;
	} else {
		mmu->mode = KVM_AET_MMU_NPT;
		mmu->encoding_id = KVM_AET_ENC_NPT_SUPERVISOR;
		mmu->encoding = (struct aet_encoding)AET_ENCODING_NPT;
		mmu->write_mask = PFERR_WRITE_MASK;
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

/* A kvm is where its kvm_svm begins. */
static_assert(AET_KVM_SVM_KVM == 0);

/*
 * Plain SEV, which nothing else tells: 6.12 gives the VM a type of its own only
 * if it is made by KVM_SEV_INIT2, and KVM notes why there is no AVIC only where
 * it would use AVIC.
 */
static bool is_sev(struct kvm *kvm)
{
	return boot_cpu_has(X86_FEATURE_SVM) &&
	       READ_ONCE(*((bool *)kvm + AET_KVM_SVM_SEV_INFO +
			   AET_KVM_SEV_INFO_ACTIVE));
}

const char *aet_port_protection(struct kvm *kvm)
{
	struct kvm_vcpu *vcpu;
	unsigned long i;

	if (is_sev(kvm))
		return "protected VM: SEV";
	if (aet_compat_has_private_memory(kvm))
		return "protected VM: private memory";
	kvm_for_each_vcpu(i, vcpu, kvm)
		if (vcpu->arch.guest_state_protected)
			return "protected VM: encrypted vCPU state";
	return NULL;
}
