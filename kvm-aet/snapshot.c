// SPDX-License-Identifier: GPL-2.0-only
#include "record_access.h"
#include "snapshot.h"

void aet_snapshot_record(const struct aet_record *record,
			 struct kvm_aet_snapshot *snapshot, u64 **buckets)
{
	u64 sums[AET_NR_KEPT], over_range = 0;
	struct aet_counters counters;
	int kind;

	aet_record_sum(record, &counters);
	for (kind = 0; kind < KVM_AET_NR_HISTOGRAMS; kind++) {
		struct kvm_aet_histogram *histogram =
			&snapshot->histograms[kind];

		histogram->nr_buckets = aet_layout_buckets(kind);
		histogram->sub_bucket_bits = aet_layouts[kind].sub_bits;
		histogram->unit = aet_layouts[kind].unit;
		if (kind < AET_NR_KEPT) {
			sums[kind] = aet_record_histogram(record, kind,
							  buckets[kind], NULL);
			histogram->over_range = counters.over_range[kind];
		} else if (buckets[kind]) {
			/* Reads every record, so only if it is wanted. */
			aet_record_histogram(record, kind, buckets[kind],
					     &over_range);
			histogram->over_range = over_range;
		}
	}

	snapshot->inverse_rate = record->config.inverse_rate;
	snapshot->hot_pages = record->config.hot_pages;
	snapshot->rotate_passes = record->config.rotate_passes;
	snapshot->salt = record->config.salt;
	snapshot->start_ns = record->start_ns;
	snapshot->hot_used = aet_record_hot_used(record);
	snapshot->rotations = record->rotations;
	snapshot->memory_bytes = aet_record_bytes(record);

	snapshot->cold_accesses = counters.cold_accesses;
	snapshot->entry_accesses = counters.entry_accesses;
	snapshot->cold_writes = counters.cold_writes;
	snapshot->accesses = counters.cold_accesses + counters.entry_accesses +
			     sums[KVM_AET_HIST_REUSE] +
			     counters.over_range[KVM_AET_HIST_REUSE];
	snapshot->write_accesses =
		counters.cold_writes + sums[KVM_AET_HIST_WRITE_REUSE] +
		counters.over_range[KVM_AET_HIST_WRITE_REUSE];
	snapshot->window_pages = counters.window_pages - record->window_base;
	snapshot->traps = counters.traps;
	snapshot->first_touches = counters.first_touches;
	snapshot->alias_traps = counters.alias_traps;
	snapshot->stale_traps = counters.stale_traps;
	snapshot->spurious_traps = counters.spurious_traps;
	snapshot->lost_records = counters.lost_records;
	snapshot->rearms = counters.rearms;
	snapshot->rearm_misses = counters.rearm_misses;
	snapshot->hook_cycles = counters.hook_cycles;
}
