// SPDX-License-Identifier: GPL-2.0-only
/*
 * The background pass: visit all sampled pages, a 2 MiB region at a time, arm
 * those that are mapped and not hot, and keep huge leaves away where the
 * session wants to see small pages. The same walk backwards disarms.
 */
#include <linux/sched/signal.h>

#include "aet.h"
#include "kvm_hook.h"
#include "sample.h"

#define REGION_PAGES 512ULL

void aet_flush(struct aet_vm *vm)
{
	/*
	 * Cleared before the flush: a re-arm that comes between the two is
	 * counted for the next flush though this one may cover it, never the
	 * other way round.
	 */
	spin_lock(&vm->record.lock);
	vm->record.pending_flush = 0;
	spin_unlock(&vm->record.lock);
	atomic64_inc(&vm->flushes);
	kvm_flush_remote_tlbs(vm->kvm);
}

/* Part of a 2 MiB region inside one memslot and the tracked range. */
struct region {
	struct kvm_memory_slot *slot;
	gfn_t start;
	gfn_t end;
};

/*
 * The first region at or after @gfn. Memslots may change between two calls;
 * kvm->srcu, held by the caller, keeps what one call returned.
 */
static bool next_region(struct aet_vm *vm, gfn_t gfn, struct region *ret)
{
	struct kvm_memslots *slots = kvm_memslots(vm->kvm);
	struct kvm_memslot_iter iter;

	if (gfn >= vm->config.gfn_end)
		return false;
	kvm_for_each_memslot_in_gfn_range(&iter, slots, gfn,
					  vm->config.gfn_end) {
		struct kvm_memory_slot *slot = iter.slot;

		ret->slot = slot;
		ret->start = max(gfn, slot->base_gfn);
		ret->end = min3(round_down(ret->start, REGION_PAGES) +
					REGION_PAGES,
				(u64)(slot->base_gfn + slot->npages),
				(u64)vm->config.gfn_end);
		return true;
	}
	return false;
}

/* The first group whose sampled page is at or after @gfn. */
static u64 first_group(const struct kvm_aet_attach *config, gfn_t gfn)
{
	u64 group = aet_sample_group(gfn, config->inverse_rate);

	if (aet_sample_gfn(group, config->inverse_rate, config->salt) < gfn)
		group++;
	return group;
}

#define for_each_sampled_gfn(config, start, end, group, gfn)     \
	for (group = first_group(config, start);                 \
	     gfn = aet_sample_gfn(group, (config)->inverse_rate, \
				  (config)->salt),               \
	    gfn < (end);                                         \
	     group++)

/* Adds to @stats; returns leaves armed, or -ENOMEM. */
static int arm_region(struct aet_vm *vm, const struct region *region,
		      struct aet_pass_stats *stats)
{
	const struct kvm_aet_attach *config = &vm->config;
	bool is_splitting = config->huge_mode == KVM_AET_HUGE_SPLIT;
	struct aet_visit total = {};
	u64 group, sampled = 0;
	gfn_t gfn;
	int err;

	stats->range_pages += region->end - region->start;
	err = aet_record_reserve(
		&vm->record,
		aet_sample_group(region->start, config->inverse_rate),
		aet_sample_group(region->end - 1, config->inverse_rate));
	if (err)
		return err;

	write_lock(&vm->kvm->mmu_lock);
	for_each_sampled_gfn(config, region->start, region->end, group, gfn) {
		bool is_hot = aet_record_is_hot(&vm->record, group);
		struct aet_visit visit = {};

		/* Only regions with a sampled page need small leaves. */
		if (is_splitting && !sampled++)
			aet_port_forbid_huge(region->slot, region->start,
					     region->end);
		if (!vm->is_mmu_known)
			continue;
		aet_port_visit(vm->kvm, &vm->mmu, region->slot, gfn,
			       is_hot ? AET_VISIT_COUNT : AET_VISIT_ARM,
			       &visit);
		stats->sampled_pages++;
		stats->mapped_pages += visit.small > 0;
		total.changed += visit.changed;
		total.huge = max(total.huge, visit.huge);
		total.huge_level = max(total.huge_level, visit.huge_level);
	}
	stats->huge_leaves += total.huge;
	if (is_splitting && total.huge)
		aet_port_note_split(region->slot, region->start,
				    total.huge_level);
	write_unlock(&vm->kvm->mmu_lock);

	if (is_splitting && total.huge)
		aet_port_zap(vm->kvm, region->slot, region->start, region->end);
	return total.changed;
}

int aet_pass_arm(struct aet_vm *vm)
{
	struct aet_pass_stats stats = {};
	gfn_t gfn = vm->config.gfn_start;
	struct region region;
	bool must_flush;
	u64 armed = 0;
	int ret;

	lockdep_assert_held(&vm->ctl);

	if (!vm->is_mmu_known && aet_port_detect(vm->kvm, &vm->mmu)) {
		if (vm->mmu.mode == KVM_AET_MMU_EPT && !aet_hook_covers_ept())
			return -EOPNOTSUPP;
		/* The hook reads vm->mmu after this flag. */
		smp_store_release(&vm->is_mmu_known, true);
	}

	for (;;) {
		int idx = srcu_read_lock(&vm->kvm->srcu);
		bool is_end = !next_region(vm, gfn, &region);

		ret = 0;
		if (!is_end && aet_slot_is_ram(region.slot))
			ret = arm_region(vm, &region, &stats);
		srcu_read_unlock(&vm->kvm->srcu, idx);
		/* A pass over much memory must not outlive whoever asked. */
		if (!is_end && (fatal_signal_pending(current) ||
				!READ_ONCE(vm->is_arming)))
			ret = -EINTR;
		if (is_end || ret < 0)
			break;
		armed += ret;
		gfn = region.end;
		cond_resched();
	}
	if (ret >= 0) {
		vm->stats = stats;
		vm->passes++;
	}
	vm->arms += armed;

	spin_lock(&vm->record.lock);
	must_flush = armed || vm->record.pending_flush;
	spin_unlock(&vm->record.lock);
	if (must_flush)
		aet_flush(vm);
	return ret < 0 ? ret : 0;
}

static void disarm_region(struct aet_vm *vm, const struct region *region)
{
	const struct kvm_aet_attach *config = &vm->config;
	struct aet_visit visit = {};
	bool was_split;
	u64 group;
	gfn_t gfn;

	write_lock(&vm->kvm->mmu_lock);
	if (vm->is_mmu_known)
		for_each_sampled_gfn(config, region->start, region->end, group,
				     gfn)
			aet_port_visit(vm->kvm, &vm->mmu, region->slot, gfn,
				       AET_VISIT_DISARM, &visit);
	was_split =
		aet_port_allow_huge(region->slot, region->start, region->end);
	write_unlock(&vm->kvm->mmu_lock);

	/* The guest's next access maps the region huge again. */
	if (was_split)
		aet_port_zap(vm->kvm, region->slot, region->start, region->end);
}

/*
 * Nobody arms any more when this runs. A leaf maps the same gfn for as long as
 * it is MMU-present, and leaves exist only for gfns of memslots; so every leaf
 * that a session armed is found again through its gfn, or KVM zapped it.
 */
void aet_pass_disarm(struct aet_vm *vm)
{
	gfn_t gfn = vm->config.gfn_start;
	struct region region;
	bool is_end;

	lockdep_assert_held(&vm->ctl);

	do {
		int idx = srcu_read_lock(&vm->kvm->srcu);

		is_end = !next_region(vm, gfn, &region);
		if (!is_end) {
			disarm_region(vm, &region);
			gfn = region.end;
		}
		srcu_read_unlock(&vm->kvm->srcu, idx);
		cond_resched();
	} while (!is_end);
	aet_flush(vm);
}
