/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where every field of the uapi lies, written down a second time. The module and
 * the programs that test it are both built with this, so that no field moves
 * unnoticed, nor does a compiler pad on one side only.
 */
#ifndef KVM_AET_ABI_LAYOUT_H
#define KVM_AET_ABI_LAYOUT_H

#ifdef __KERNEL__
#include <uapi/linux/kvm_aet.h>
#else
#include <linux/kvm_aet.h>
#endif

#define AET_ABI_FIELD(object, field, offset) \
	static_assert(offsetof(struct object, field) == (offset), "ABI")
#define AET_ABI_SIZE(object, size) \
	static_assert(sizeof(struct object) == (size), "ABI")

AET_ABI_FIELD(kvm_aet_attach, size, 0);
AET_ABI_FIELD(kvm_aet_attach, flags, 4);
AET_ABI_FIELD(kvm_aet_attach, vm_fd, 8);
AET_ABI_FIELD(kvm_aet_attach, inverse_rate, 12);
AET_ABI_FIELD(kvm_aet_attach, hot_pages, 16);
AET_ABI_FIELD(kvm_aet_attach, period_ms, 20);
AET_ABI_FIELD(kvm_aet_attach, flush_batch, 24);
AET_ABI_FIELD(kvm_aet_attach, huge_mode, 28);
AET_ABI_FIELD(kvm_aet_attach, gfn_start, 32);
AET_ABI_FIELD(kvm_aet_attach, gfn_end, 40);
AET_ABI_FIELD(kvm_aet_attach, salt, 48);
AET_ABI_FIELD(kvm_aet_attach, rotate_passes, 56);
AET_ABI_FIELD(kvm_aet_attach, pad, 60);
AET_ABI_FIELD(kvm_aet_attach, reserved, 64);
AET_ABI_SIZE(kvm_aet_attach, 120);

AET_ABI_FIELD(kvm_aet_config, size, 0);
AET_ABI_FIELD(kvm_aet_config, fields, 4);
AET_ABI_FIELD(kvm_aet_config, inverse_rate, 8);
AET_ABI_FIELD(kvm_aet_config, hot_pages, 12);
AET_ABI_FIELD(kvm_aet_config, period_ms, 16);
AET_ABI_FIELD(kvm_aet_config, flush_batch, 20);
AET_ABI_FIELD(kvm_aet_config, rotate_passes, 24);
AET_ABI_FIELD(kvm_aet_config, pad, 28);
AET_ABI_FIELD(kvm_aet_config, generation, 32);
AET_ABI_FIELD(kvm_aet_config, reserved, 40);
AET_ABI_SIZE(kvm_aet_config, 72);

AET_ABI_FIELD(kvm_aet_histogram, buckets, 0);
AET_ABI_FIELD(kvm_aet_histogram, nr_buckets, 8);
AET_ABI_FIELD(kvm_aet_histogram, sub_bucket_bits, 12);
AET_ABI_FIELD(kvm_aet_histogram, unit, 16);
AET_ABI_FIELD(kvm_aet_histogram, pad, 20);
AET_ABI_FIELD(kvm_aet_histogram, over_range, 24);
AET_ABI_FIELD(kvm_aet_histogram, reserved, 32);
AET_ABI_SIZE(kvm_aet_histogram, 40);

AET_ABI_FIELD(kvm_aet_snapshot, size, 0);
AET_ABI_FIELD(kvm_aet_snapshot, flags, 4);
AET_ABI_FIELD(kvm_aet_snapshot, generation, 8);
AET_ABI_FIELD(kvm_aet_snapshot, histograms, 16);
AET_ABI_FIELD(kvm_aet_snapshot, state, 216);
AET_ABI_FIELD(kvm_aet_snapshot, mmu_mode, 220);
AET_ABI_FIELD(kvm_aet_snapshot, encoding, 224);
AET_ABI_FIELD(kvm_aet_snapshot, huge_mode, 228);
AET_ABI_FIELD(kvm_aet_snapshot, inverse_rate, 232);
AET_ABI_FIELD(kvm_aet_snapshot, hot_pages, 236);
AET_ABI_FIELD(kvm_aet_snapshot, period_ms, 240);
AET_ABI_FIELD(kvm_aet_snapshot, flush_batch, 244);
AET_ABI_FIELD(kvm_aet_snapshot, rotate_passes, 248);
AET_ABI_FIELD(kvm_aet_snapshot, hot_used, 252);
AET_ABI_FIELD(kvm_aet_snapshot, unit_pages, 256);
AET_ABI_FIELD(kvm_aet_snapshot, notes, 260);
AET_ABI_FIELD(kvm_aet_snapshot, tsc_khz, 264);
AET_ABI_FIELD(kvm_aet_snapshot, pad, 268);
AET_ABI_FIELD(kvm_aet_snapshot, salt, 272);
AET_ABI_FIELD(kvm_aet_snapshot, gfn_start, 280);
AET_ABI_FIELD(kvm_aet_snapshot, gfn_end, 288);
AET_ABI_FIELD(kvm_aet_snapshot, time_ns, 296);
AET_ABI_FIELD(kvm_aet_snapshot, start_ns, 304);
AET_ABI_FIELD(kvm_aet_snapshot, dropped_generations, 312);
AET_ABI_FIELD(kvm_aet_snapshot, range_pages, 320);
AET_ABI_FIELD(kvm_aet_snapshot, sampled_pages, 328);
AET_ABI_FIELD(kvm_aet_snapshot, mapped_pages, 336);
AET_ABI_FIELD(kvm_aet_snapshot, huge_leaves, 344);
AET_ABI_FIELD(kvm_aet_snapshot, accesses, 352);
AET_ABI_FIELD(kvm_aet_snapshot, write_accesses, 360);
AET_ABI_FIELD(kvm_aet_snapshot, cold_accesses, 368);
AET_ABI_FIELD(kvm_aet_snapshot, entry_accesses, 376);
AET_ABI_FIELD(kvm_aet_snapshot, cold_writes, 384);
AET_ABI_FIELD(kvm_aet_snapshot, window_pages, 392);
AET_ABI_FIELD(kvm_aet_snapshot, traps, 400);
AET_ABI_FIELD(kvm_aet_snapshot, first_touches, 408);
AET_ABI_FIELD(kvm_aet_snapshot, alias_traps, 416);
AET_ABI_FIELD(kvm_aet_snapshot, stale_traps, 424);
AET_ABI_FIELD(kvm_aet_snapshot, spurious_traps, 432);
AET_ABI_FIELD(kvm_aet_snapshot, lost_records, 440);
AET_ABI_FIELD(kvm_aet_snapshot, arms, 448);
AET_ABI_FIELD(kvm_aet_snapshot, rearms, 456);
AET_ABI_FIELD(kvm_aet_snapshot, rearm_misses, 464);
AET_ABI_FIELD(kvm_aet_snapshot, flushes, 472);
AET_ABI_FIELD(kvm_aet_snapshot, splits, 480);
AET_ABI_FIELD(kvm_aet_snapshot, passes, 488);
AET_ABI_FIELD(kvm_aet_snapshot, starved_passes, 496);
AET_ABI_FIELD(kvm_aet_snapshot, rotations, 504);
AET_ABI_FIELD(kvm_aet_snapshot, hook_cycles, 512);
AET_ABI_FIELD(kvm_aet_snapshot, pass_cycles, 520);
AET_ABI_FIELD(kvm_aet_snapshot, memory_bytes, 528);
AET_ABI_FIELD(kvm_aet_snapshot, unarmable_pages, 536);
AET_ABI_FIELD(kvm_aet_snapshot, reserved, 544);
AET_ABI_SIZE(kvm_aet_snapshot, 608);

AET_ABI_FIELD(kvm_aet_region, gfn, 0);
AET_ABI_FIELD(kvm_aet_region, accesses, 8);
AET_ABI_FIELD(kvm_aet_region, sampled, 16);
AET_ABI_FIELD(kvm_aet_region, seen, 80);
AET_ABI_SIZE(kvm_aet_region, 144);

AET_ABI_FIELD(kvm_aet_regions, size, 0);
AET_ABI_FIELD(kvm_aet_regions, flags, 4);
AET_ABI_FIELD(kvm_aet_regions, gfn, 8);
AET_ABI_FIELD(kvm_aet_regions, regions, 16);
AET_ABI_FIELD(kvm_aet_regions, nr_regions, 24);
AET_ABI_FIELD(kvm_aet_regions, pad, 28);
AET_ABI_FIELD(kvm_aet_regions, reserved, 32);
AET_ABI_SIZE(kvm_aet_regions, 64);

AET_ABI_FIELD(kvm_aet_vm_info, size, 0);
AET_ABI_FIELD(kvm_aet_vm_info, flags, 4);
AET_ABI_FIELD(kvm_aet_vm_info, vm_fd, 8);
AET_ABI_FIELD(kvm_aet_vm_info, mmu_mode, 12);
AET_ABI_FIELD(kvm_aet_vm_info, nr_vcpus, 16);
AET_ABI_FIELD(kvm_aet_vm_info, is_tracked, 20);
AET_ABI_FIELD(kvm_aet_vm_info, memslot_pages, 24);
AET_ABI_FIELD(kvm_aet_vm_info, small_leaves, 32);
AET_ABI_FIELD(kvm_aet_vm_info, huge_leaves, 40);
AET_ABI_FIELD(kvm_aet_vm_info, armed_leaves, 48);
AET_ABI_FIELD(kvm_aet_vm_info, reserved, 56);
AET_ABI_SIZE(kvm_aet_vm_info, 120);

static_assert(KVM_AET_ATTACH == 0x4078ba00, "ABI");
static_assert(KVM_AET_VM_INFO == 0xc078ba01, "ABI");
static_assert(KVM_AET_GET_ABI == 0xba02, "ABI");
static_assert(KVM_AET_GET_SNAPSHOT == 0xc260ba10, "ABI");
static_assert(KVM_AET_STOP == 0xba11, "ABI");
static_assert(KVM_AET_CONFIGURE == 0xc048ba12, "ABI");
static_assert(KVM_AET_GET_REGIONS == 0xc040ba13, "ABI");

#endif
