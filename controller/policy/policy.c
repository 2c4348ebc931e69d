// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/policy.h"

#include <math.h>
#include <string.h>

/*
 * A unit is what is worth a message to a balloon. Curves older than a minute
 * are from another time of the guest's. Desired utilisation 0.8, lambda 0.5 and
 * 20 are those that the thesis on feedback scheduling found best; 0.8 is also
 * what virtualization hosts that balance by shares aim at. The game's numbers
 * make its equilibrium tend to the same 0.8, by (P - c) / a, as VMs grow many.
 */
const struct policy_params policy_default_params = {
	.unit_bytes = UINT64_C(4) << 20,
	.max_curve_age_ns = UINT64_C(60000000000),
	.desired_use = 0.8,
	.grow = 0.5,
	.shrink = 20,
	.game_price = 0.2,
	.game_performance = 1,
	.game_slope = 1,
};

const struct policy *const policy_all[] = {
	&policy_mrc,	      &policy_feedback, &policy_nash,
	&policy_proportional, &policy_static,	NULL,
};

const struct policy *policy_find(const char *name)
{
	const struct policy *const *policy;

	for (policy = policy_all; *policy; policy++)
		if (!strcmp((*policy)->name, name))
			return *policy;
	return NULL;
}

double policy_misses_per_s(const struct vm_view *vm,
			   const struct mrc_curve *curve, uint64_t bytes)
{
	if (curve == NULL)
		return NAN;
	return mrc_curve_misses_per_s(curve, (double)bytes / VIEW_PAGE_BYTES,
				      vm->accesses_per_s);
}

double policy_seen_misses_per_s(const struct vm_view *vm)
{
	double swapped = vm->stats.swap_in_bytes_per_s / VIEW_PAGE_BYTES;

	/* Swap is read ahead: one miss brings several pages. */
	if (vm->stats.major_faults_per_s > 0)
		return fmin(swapped, vm->stats.major_faults_per_s);
	return swapped;
}
