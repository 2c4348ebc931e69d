// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The baseline that virtualization hosts ship: use a share of the host, and
 * divide that among the VMs by their weights, between minimum and maximum. It
 * does not know who needs memory.
 */
#include <math.h>

#include "policy/plan.h"

/* What all VMs may have for the host to be in use by the desired share. */
static double pool_bytes(const struct policy_params *params,
			 const struct host_view *host,
			 const struct vm_view *vms, size_t nr_vms)
{
	double pool = 0;
	size_t i;

	if (host->total_bytes == 0)
		return (double)host->budget_bytes;
	for (i = 0; i < nr_vms; i++)
		pool += (double)vms[i].actual_bytes;
	pool += (double)host->available_bytes -
		(1 - params->desired_use) * (double)host->total_bytes;
	return fmin(pool, (double)host->budget_bytes);
}

/* What a VM has at a level: its minimum, and @level for each unit of weight. */
static double share_bytes(const struct vm_view *vm, double level)
{
	return fmin((double)vm->limits.min_bytes + vm->limits.weight * level,
		    (double)vm->limits.max_bytes);
}

static double sum_bytes(const struct vm_view *vms, size_t nr_vms, double level)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < nr_vms; i++)
		sum += plan_is_movable(&vms[i]) ? share_bytes(&vms[i], level) :
						  (double)vms[i].actual_bytes;
	return sum;
}

static int proportional_plan(const struct policy_params *params,
			     const struct host_view *host,
			     const struct vm_view *vms, size_t nr_vms,
			     struct policy_want *ret_wants)
{
	double pool = pool_bytes(params, host, vms, nr_vms);
	double low = 0, high = 0;
	size_t i;
	int step;

	plan_keep(vms, nr_vms, "its share by weight", ret_wants);
	for (i = 0; i < nr_vms; i++)
		high = fmax(high, (double)vms[i].limits.max_bytes /
					  vms[i].limits.weight);
	/* To less than a page of the whole; the level that fits is @low. */
	if (sum_bytes(vms, nr_vms, high) <= pool)
		low = high;
	for (step = 0; step < 100 && low < high; step++) {
		double middle = low + (high - low) / 2;

		if (sum_bytes(vms, nr_vms, middle) <= pool)
			low = middle;
		else
			high = middle;
	}
	for (i = 0; i < nr_vms; i++)
		if (plan_is_movable(&vms[i]))
			ret_wants[i].target_bytes =
				plan_round(params, &vms[i],
					   (uint64_t)share_bytes(&vms[i], low));
	plan_fit(params, host, vms, nr_vms, ret_wants);
	plan_predict(params, vms, nr_vms, ret_wants);
	return 0;
}

const struct policy policy_proportional = {
	.name = "proportional",
	.summary = "a share of the host, divided by weight",
	.plan = proportional_plan,
};
