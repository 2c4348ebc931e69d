/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a VM is taken to miss with less memory than it has. Pure.
 *
 * By the estimate of its curve, or, where that rises less on the way down, by as
 * much as the upper end of the band rises. Not by the upper end itself: its distance
 * from the estimate is there at the present size already, and to charge it for the
 * first page would make idle memory dear. Nor by the rise of the upper end alone: it
 * ends at 1 from where the estimate goes on rising, and memory would be taken that is
 * missed at once.
 */
#ifndef POLICY_LOSS_H
#define POLICY_LOSS_H

#include "policy/plan.h"

/**
 * loss_misses_per_s() - at one size
 * @vm: VM with a curve
 * @demand: its own
 * @bytes: below what it has
 */
double loss_misses_per_s(const struct vm_view *vm,
			 const struct plan_demand *demand, uint64_t bytes);

/**
 * loss_curve() - at all sizes up to the present one, but without what it misses
 * beyond its curve
 * @vm: VM with a curve
 * @demand: its own
 * @least_bytes: of no use below
 * @ret_curve: to be freed with mrc_curve_free(); of no use above the present size
 *
 * Returns 0 or -ENOMEM.
 */
int loss_curve(const struct vm_view *vm, const struct plan_demand *demand,
	       uint64_t least_bytes, struct mrc_curve **ret_curve);

#endif /* POLICY_LOSS_H */
