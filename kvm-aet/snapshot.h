/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stage 5: what a generation has recorded, as the uapi puts it. Knows nothing
 * of KVM.
 */
#ifndef KVM_AET_SNAPSHOT_H
#define KVM_AET_SNAPSHOT_H

#include "record.h"

/*
 * Fill what @record knows of @snapshot. @buckets has an entry for each
 * histogram: an array of aet_layout_buckets() zeroes to be filled, or NULL.
 * vCPUs may record meanwhile: then counters are those of slightly different
 * moments, except that @accesses is always the sum that it is said to be.
 */
void aet_snapshot_record(const struct aet_record *record,
			 struct kvm_aet_snapshot *snapshot, u64 **buckets);

#endif
