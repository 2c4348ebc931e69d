/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a leaf SPTE is made to trap, per page-table format. Bits only, no KVM
 * calls; DESIGN.md argues why each survives what KVM does to an SPTE.
 *
 * An encoding is one bit field: a leaf can be armed when the field has the
 * value @free, and traps when it has the value @armed. Nothing else of the
 * SPTE changes, so KVM may write-protect, age, or zap an armed leaf unaware.
 */
#ifndef KVM_AET_SPTE_H
#define KVM_AET_SPTE_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/types.h>

/* Intel SDM 3C, table 29-6 and AMD APM 2, 5.3; KVM's own software bit 11. */
#define AET_SPTE_PRESENT BIT_ULL(0) /* EPT: read */
#define AET_SPTE_USER BIT_ULL(2) /* EPT: execute */
#define AET_SPTE_EPT_MEMTYPE GENMASK_ULL(5, 3)
#define AET_SPTE_HUGE BIT_ULL(7)
#define AET_SPTE_MMU_PRESENT BIT_ULL(11)

#define AET_EPT_MEMTYPE_WB (6ULL << 3)
#define AET_EPT_MEMTYPE_RESERVED (7ULL << 3)

static_assert((AET_EPT_MEMTYPE_WB & ~AET_SPTE_EPT_MEMTYPE) == 0);
static_assert((AET_EPT_MEMTYPE_RESERVED & ~AET_SPTE_EPT_MEMTYPE) == 0);
static_assert(!(AET_SPTE_MMU_PRESENT & AET_SPTE_EPT_MEMTYPE));

struct aet_encoding {
	u64 field;
	u64 free;
	u64 armed;
	/*
	 * The fault carries a reserved-bit error code, which KVM takes for
	 * emulated MMIO: then not even a trap that lost its race may reach it.
	 */
	bool is_rsvd_fault;
};

#define AET_ENCODING_EPT                                                   \
	{                                                                  \
		.field = AET_SPTE_EPT_MEMTYPE, .free = AET_EPT_MEMTYPE_WB, \
		.armed = AET_EPT_MEMTYPE_RESERVED, .is_rsvd_fault = true,  \
	}
#define AET_ENCODING_NPT                                                   \
	{                                                                  \
		.field = AET_SPTE_USER, .free = AET_SPTE_USER, .armed = 0, \
	}
#define AET_ENCODING_SHADOW                                          \
	{                                                            \
		.field = AET_SPTE_PRESENT, .free = AET_SPTE_PRESENT, \
		.armed = 0,                                          \
	}

static inline bool aet_spte_is_mmu_present(u64 spte)
{
	return spte & AET_SPTE_MMU_PRESENT;
}

static inline bool aet_spte_is_leaf(u64 spte, int level)
{
	return level == 1 || (spte & AET_SPTE_HUGE);
}

/* For leaves only: the field means something else in upper-level entries. */
static inline bool aet_spte_is_armed(const struct aet_encoding *enc, u64 spte)
{
	return aet_spte_is_mmu_present(spte) &&
	       (spte & enc->field) == enc->armed;
}

static inline bool aet_spte_is_armable(const struct aet_encoding *enc, u64 spte)
{
	return aet_spte_is_mmu_present(spte) &&
	       (spte & enc->field) == enc->free;
}

/* Of two values of the field that may be all. EPT has more: device memory. */
static inline bool aet_spte_is_unarmable(const struct aet_encoding *enc,
					 u64 spte)
{
	return aet_spte_is_mmu_present(spte) &&
	       (spte & enc->field) != enc->free &&
	       (spte & enc->field) != enc->armed;
}

static inline u64 aet_spte_arm(const struct aet_encoding *enc, u64 spte)
{
	return (spte & ~enc->field) | enc->armed;
}

static inline u64 aet_spte_disarm(const struct aet_encoding *enc, u64 spte)
{
	return (spte & ~enc->field) | enc->free;
}

#endif
