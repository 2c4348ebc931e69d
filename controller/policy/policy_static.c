// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The measure of all others: nothing moves, whatever it costs, not even into
 * limits or the budget.
 */
#include "policy/plan.h"

static int static_plan(const struct policy_params *params,
		       const struct host_view *host, const struct vm_view *vms,
		       size_t nr_vms, struct policy_want *ret_wants)
{
	size_t i;

	(void)host;
	plan_keep(vms, nr_vms, "the policy is static", ret_wants);
	for (i = 0; i < nr_vms; i++)
		ret_wants[i].target_bytes = vms[i].actual_bytes;
	plan_predict(params, vms, nr_vms, ret_wants);
	return 0;
}

const struct policy policy_static = {
	.name = "static",
	.summary = "moves nothing",
	.plan = static_plan,
};
