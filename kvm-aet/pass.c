// SPDX-License-Identifier: GPL-2.0-only
/*
 * The background pass: visit all memory, 2 MiB at a time, arm the sampled
 * units that are mapped and not hot, and keep huge leaves away where the
 * session wants to see small pages. The same walk backwards disarms.
 */
#include <asm/msr.h>
#include <linux/sched/signal.h>

#include "aet.h"
#include "aet_trace.h"
#include "kvm_hook.h"

static_assert(AET_BLOCK_PAGES == AET_BLOCK_UNITS);

void aet_flush(struct aet_vm *vm, struct aet_generation *generation)
{
	atomic64_inc(&generation->totals.flushes);
	kvm_flush_remote_tlbs(vm->kvm);
}

/* Part of an aligned 2 MiB inside one memslot and the tracked range. */
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
		ret->end = min3(round_down(ret->start, AET_BLOCK_PAGES) +
					AET_BLOCK_PAGES,
				(u64)(slot->base_gfn + slot->npages),
				(u64)vm->config.gfn_end);
		return true;
	}
	return false;
}

/* A bit for each of the region's pages. */
static void set_region(const struct region *region, u64 *words)
{
	gfn_t gfn;

	if (region->end - region->start == AET_BLOCK_PAGES) {
		memset(words, 0xff, AET_BLOCK_WORDS * sizeof(*words));
		return;
	}
	for (gfn = region->start; gfn < region->end; gfn++)
		words[gfn % AET_BLOCK_PAGES / 64] |= 1ULL << (gfn % 64);
}

static u32 weigh(const u64 *words)
{
	u32 weight = 0;
	unsigned int i;

	for (i = 0; i < AET_BLOCK_WORDS; i++)
		weight += hweight64(words[i]);
	return weight;
}

/*
 * How many sampled units are among these pages. All of the region's are one if
 * that is coarse.
 */
static u32 count_units(const struct aet_visit *visit, const u64 *pages,
		       bool is_coarse)
{
	u64 sampled[AET_BLOCK_WORDS];
	unsigned int i;

	for (i = 0; i < AET_BLOCK_WORDS; i++)
		sampled[i] = pages[i] & (visit->arm[i] | visit->look[i]);
	return is_coarse ? weigh(sampled) > 0 : weigh(sampled);
}

/* The region's sampled pages, one by one. They are armed later. */
static void plan_pages(struct aet_record *record, const struct region *region,
		       struct aet_visit *visit)
{
	struct aet_selection selection;

	aet_record_select(record, region->start, region->end, &selection);
	memcpy(visit->look, selection.sampled, sizeof(visit->look));
	memcpy(visit->disarm, selection.left, sizeof(visit->disarm));
}

/*
 * Most leaves are armed already, so the records of the others alone are asked
 * whether they are hot. One that gets hot right now is armed though hot: an
 * alias trap more (see trap.c).
 */
static void arm_cold_pages(struct aet_vm *vm, struct aet_record *record,
			   const struct region *region,
			   const struct aet_visit *found,
			   struct aet_visit *ret_arming)
{
	unsigned int word;
	u64 any = 0, bits;

	*ret_arming = (struct aet_visit){ .gfn = found->gfn };
	for (word = 0; word < AET_BLOCK_WORDS; word++) {
		bits = found->armable[word] & found->look[word];
		for (; bits; bits &= bits - 1) {
			unsigned int i = word * 64 + __ffs(bits);

			if (!aet_record_is_hot(record, found->gfn + i))
				ret_arming->arm[word] |= 1ULL << (i % 64);
		}
		any |= ret_arming->arm[word];
	}
	if (any)
		aet_port_visit(vm->kvm, &vm->mmu, region->slot, ret_arming);
}

/* The same where the region is one unit: all of its leaves, or none. */
static void plan_unit(struct aet_record *record, const struct region *region,
		      struct aet_visit *visit)
{
	u64 unit = region->start / AET_BLOCK_PAGES;
	unsigned int word = unit % AET_BLOCK_UNITS / 64;
	u64 bit = 1ULL << (unit % 64);
	struct aet_selection selection;

	aet_record_select(record, unit, unit + 1, &selection);
	if (selection.left[word] & bit)
		set_region(region, visit->disarm);
	if (!(selection.sampled[word] & bit))
		return;
	if (aet_record_is_hot(record, unit))
		set_region(region, visit->look);
	else
		set_region(region, visit->arm);
}

/* The smallest leaves that hide units, or 0 if they may. */
static int min_huge_level(const struct aet_vm *vm)
{
	switch (vm->config.huge_mode) {
	case KVM_AET_HUGE_SPLIT:
		return 2;
	case KVM_AET_HUGE_COARSE:
		return 3;
	}
	return 0;
}

/* Adds to @stats and to the generation; 0 or -ENOMEM. */
static int arm_region(struct aet_vm *vm, struct aet_generation *generation,
		      const struct region *region, struct aet_pass_stats *stats)
{
	bool is_coarse = vm->mmu.unit_shift;
	int huge_level = min_huge_level(vm);
	u64 unit = region->start >> vm->mmu.unit_shift;
	struct aet_visit visit = {
		.gfn = round_down(region->start, AET_BLOCK_PAGES),
	};
	struct aet_visit arming = {};
	bool must_zap = false;
	u32 sampled, armed;
	int err;

	stats->range_pages += region->end - region->start;
	err = aet_record_reserve(generation->record, unit,
				 is_coarse ? unit + 1 : region->end);
	if (err)
		return err;

	write_lock(&vm->kvm->mmu_lock);
	if (is_coarse)
		plan_unit(generation->record, region, &visit);
	else
		plan_pages(generation->record, region, &visit);
	sampled = weigh(visit.look) | weigh(visit.arm);
	if (huge_level && sampled)
		aet_port_forbid_huge(region->slot, region->start, region->end,
				     huge_level);
	else if (huge_level == 2)
		/* The sample may have been here before. */
		must_zap = aet_port_allow_huge(region->slot, region->start,
					       region->end, 2);
	if (vm->is_mmu_known)
		aet_port_visit(vm->kvm, &vm->mmu, region->slot, &visit);
	if (vm->is_mmu_known && !is_coarse)
		arm_cold_pages(vm, generation->record, region, &visit, &arming);
	if (huge_level && sampled && visit.huge) {
		aet_port_note_split(region->slot, region->start,
				    visit.huge_level);
		generation->totals.splits++;
		must_zap = true;
	}
	write_unlock(&vm->kvm->mmu_lock);

	armed = visit.armed + arming.armed;
	stats->sampled_pages += is_coarse ? sampled > 0 : sampled;
	stats->mapped_pages += count_units(&visit, visit.mapped, is_coarse);
	stats->unarmable_pages +=
		count_units(&visit, visit.unarmable, is_coarse);
	stats->huge_leaves += visit.huge;
	generation->totals.arms += armed;
	if (armed)
		trace_kvm_aet_arm(vm->process_id, region->start, region->end,
				  armed);
	if (weigh(visit.disarm))
		trace_kvm_aet_rotate(vm->process_id, visit.gfn,
				     is_coarse ? 1 : weigh(visit.disarm));
	/* The guest's next access maps the region anew. */
	if (must_zap)
		aet_port_zap(vm->kvm, region->slot, region->start, region->end);
	return 0;
}

static void note_evictions(struct aet_generation *generation,
			   const struct aet_counters *counters,
			   struct aet_pass_stats *stats)
{
	u64 evictions = counters->rearms + counters->rearm_misses;

	stats->is_starved = generation->totals.passes > 0 &&
			    evictions == generation->evictions_seen;
	generation->evictions_seen = evictions;
	generation->totals.starved_passes += stats->is_starved;
}

static int arm_all(struct aet_vm *vm, struct aet_generation *generation,
		   struct aet_pass_stats *stats)
{
	gfn_t gfn = vm->config.gfn_start;
	struct region region = {};
	bool is_end;
	int err = 0;

	do {
		int idx = srcu_read_lock(&vm->kvm->srcu);

		is_end = !next_region(vm, gfn, &region);
		if (!is_end && aet_slot_is_ram(region.slot))
			err = arm_region(vm, generation, &region, stats);
		srcu_read_unlock(&vm->kvm->srcu, idx);
		/* A pass over much memory must not outlive whoever asked. */
		if (!is_end && (fatal_signal_pending(current) ||
				READ_ONCE(vm->is_stopping)))
			err = -EINTR;
		gfn = region.end;
		cond_resched();
	} while (!is_end && !err);
	return err;
}

const char *aet_pass_obstacle(struct aet_vm *vm)
{
	const char *protection = aet_port_protection(vm->kvm);

	lockdep_assert_held(&vm->ctl);

	if (protection)
		return protection;
	if (!aet_port_layout_is_sane(vm->kvm))
		return "KVM's page tables are not those this module was built for";
	if (!vm->is_mmu_known && aet_port_detect(vm->kvm, &vm->mmu)) {
		if (vm->mmu.mode == KVM_AET_MMU_EPT && !aet_hook_covers_ept())
			return "EPT without a hook on vmx_handle_exit()";
		/* The hook reads vm->mmu after this flag. */
		smp_store_release(&vm->is_mmu_known, true);
	}
	return NULL;
}

int aet_pass_arm(struct aet_vm *vm)
{
	struct aet_generation *generation = aet_vm_generation(vm);
	u64 arms = generation->totals.arms, start = rdtsc(), end;
	struct aet_pass_stats stats = {};
	struct aet_counters counters;
	int err;

	lockdep_assert_held(&vm->ctl);

	err = arm_all(vm, generation, &stats);
	aet_record_sum(generation->record, &counters);
	if (!err) {
		note_evictions(generation, &counters, &stats);
		generation->stats = stats;
		generation->totals.passes++;
	}
	if (generation->totals.arms != arms ||
	    counters.rearms != generation->rearms_flushed)
		aet_flush(vm, generation);
	generation->rearms_flushed = counters.rearms;
	end = rdtsc();
	if (end > start)
		generation->totals.cycles += end - start;
	trace_kvm_aet_pass(vm->process_id, generation->number, &stats, err);
	return err;
}

/* What KVM mapped in smaller leaves because of the region. */
static void zap_split(struct aet_vm *vm, const struct region *region, int level)
{
	struct kvm_memory_slot *slot = region->slot;
	gfn_t pages = 1ULL << (9 * (level - 1));
	gfn_t start = round_down(region->start, pages);
	gfn_t end = round_up(region->end, pages);

	aet_port_zap(vm->kvm, slot, max(start, slot->base_gfn),
		     min_t(gfn_t, end, slot->base_gfn + slot->npages));
}

/* So much of a hole at a time is one short look at the memslot. */
#define HOLE_PAGES BIT_ULL(24)

/*
 * A memslot may be far larger than what is mapped in it. Nothing is to be
 * disarmed then, but huge leaves may be forbidden. True if @region, which
 * becomes larger, is such a hole.
 */
static bool extend_hole(struct aet_vm *vm, struct region *region, bool is_sane)
{
	gfn_t next = ~0ULL;

	if (is_sane)
		next = aet_port_skip_hole(vm->kvm, &vm->mmu, region->start);
	if (next < region->end)
		return false;
	region->end =
		min3(next, region->start + HOLE_PAGES,
		     min_t(u64, region->slot->base_gfn + region->slot->npages,
			   vm->config.gfn_end));
	return true;
}

static void disarm_region(struct aet_vm *vm, const struct region *region,
			  bool is_hole, bool is_end)
{
	int split_level = 0;
	struct aet_visit visit = {
		.gfn = round_down(region->start, AET_BLOCK_PAGES),
	};

	if (!is_hole)
		set_region(region, visit.disarm);
	write_lock(&vm->kvm->mmu_lock);
	if (!is_hole)
		aet_port_visit(vm->kvm, &vm->mmu, region->slot, &visit);
	if (is_end)
		split_level = aet_port_allow_huge(region->slot, region->start,
						  region->end,
						  KVM_NR_PAGE_SIZES);
	write_unlock(&vm->kvm->mmu_lock);

	/* The guest's next access maps the region huge again. */
	if (split_level)
		zap_split(vm, region, split_level);
}

/*
 * Nobody arms any more when this runs. A leaf maps the same gfn for as long as
 * it is MMU-present, and leaves exist only for gfns of memslots; so every leaf
 * that a session armed is found again through its gfn, or KVM zapped it. All
 * gfns are visited, not the sampled ones: rotation and races (trap.c) may have
 * left a trap on a page that is no longer in the sample.
 */
void aet_pass_disarm(struct aet_vm *vm, bool is_end)
{
	struct aet_generation *generation = aet_vm_generation(vm);
	/* If not, nothing was ever armed, and nothing is to be touched. */
	bool is_sane = vm->is_mmu_known && aet_port_layout_is_sane(vm->kvm);
	gfn_t gfn = vm->config.gfn_start;
	struct region region;
	bool is_done;

	lockdep_assert_held(&vm->ctl);

	do {
		int idx = srcu_read_lock(&vm->kvm->srcu);

		is_done = !next_region(vm, gfn, &region);
		if (!is_done) {
			bool is_hole = extend_hole(vm, &region, is_sane);

			disarm_region(vm, &region, is_hole, is_end);
			gfn = region.end;
		}
		srcu_read_unlock(&vm->kvm->srcu, idx);
		cond_resched();
	} while (!is_done);
	aet_flush(vm, generation);
}

/* Bit 0 stands for the whole region. */
static void set_single_unit(struct kvm_aet_region *region, u64 unit)
{
	unsigned int word = unit % AET_BLOCK_UNITS / 64;
	bool is_seen = region->seen[word] >> (unit % 64) & 1;

	memset(region->sampled, 0, sizeof(region->sampled));
	memset(region->seen, 0, sizeof(region->seen));
	region->sampled[0] = 1;
	region->seen[0] = is_seen;
}

int aet_vm_next_region(struct aet_vm *vm, u64 *gfn, bool window_only,
		       struct kvm_aet_region *ret)
{
	struct aet_record *record = aet_vm_generation(vm)->record;
	struct region region;

	lockdep_assert_held(&vm->ctl);

	for (;;) {
		int idx;
		bool is_found;
		u64 first, end;

		/* A whole region even if memslots meet in it. */
		*gfn = round_down(*gfn, AET_BLOCK_PAGES);
		idx = srcu_read_lock(&vm->kvm->srcu);
		is_found = next_region(vm, max(*gfn, vm->config.gfn_start),
				       &region);
		srcu_read_unlock(&vm->kvm->srcu, idx);
		if (!is_found)
			return 0;
		first = round_down(region.start, AET_BLOCK_PAGES);
		*gfn = first + AET_BLOCK_PAGES;
		end = min(*gfn, vm->config.gfn_end);
		first = max(first, vm->config.gfn_start);
		if (vm->mmu.unit_shift) {
			first >>= vm->mmu.unit_shift;
			end = first + 1;
		}
		if (aet_record_region(record, first, end, window_only, ret)) {
			if (vm->mmu.unit_shift)
				set_single_unit(ret, first);
			ret->gfn = *gfn - AET_BLOCK_PAGES;
			return 1;
		}
		/* Memslots may be absurdly large. */
		if (signal_pending(current))
			return -EINTR;
		cond_resched();
	}
}
