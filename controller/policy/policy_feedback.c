// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every VM alone, by feedback on its utilisation r = used / actual:
 *
 *	r above the desired one:	actual * (1 + grow * (r^2 - desired^2))
 *	below:				actual * (1 + (r - desired) / shrink)
 *
 * so a VM that is short grows fast, and one with a surplus gives it up slowly.
 * The host's free memory is nobody's concern in that; if it does not suffice,
 * growth is cut in proportion.
 */
#include <math.h>

#include "policy/plan.h"

/* So small a deviation is the desired utilisation. */
#define USE_TOLERANCE 0.005

static void feedback_want(const struct policy_params *params,
			  const struct vm_view *vm, struct policy_want *want)
{
	double desired = params->desired_use;
	double actual = (double)vm->actual_bytes;
	uint64_t used_bytes;
	double use, then;

	if (!plan_used_bytes(params, vm, &used_bytes)) {
		want->reason = "neither guest statistics nor a working set yet";
		return;
	}
	use = actual > 0 ? (double)used_bytes / actual : 1;
	/* A guest that lacks memory cannot use it: that it misses shows. */
	if (use > desired + USE_TOLERANCE) {
		then = actual *
		       (1 + params->grow * (use * use - desired * desired));
		want->reason = "uses more than the desired share of its memory";
	} else if (use < desired - USE_TOLERANCE) {
		then = actual * (1 + (use - desired) / params->shrink);
		want->reason = "uses less than the desired share of its memory";
	} else {
		want->reason = "uses the desired share of its memory";
		return;
	}
	want->target_bytes =
		plan_round(params, vm, (uint64_t)fmin(fmax(then, 0), 0x1p62));
}

bool plan_feedback(const struct policy_params *params,
		   const struct host_view *host, const struct vm_view *vms,
		   size_t nr_vms, struct policy_want *ret_wants)
{
	double sum = 0;
	size_t i;

	plan_keep(vms, nr_vms, NULL, ret_wants);
	for (i = 0; i < nr_vms; i++) {
		if (plan_is_movable(&vms[i]))
			feedback_want(params, &vms[i], &ret_wants[i]);
		sum += (double)ret_wants[i].target_bytes;
	}
	return sum <= (double)host->budget_bytes;
}

static int feedback_plan(const struct policy_params *params,
			 const struct host_view *host,
			 const struct vm_view *vms, size_t nr_vms,
			 struct policy_want *ret_wants)
{
	if (!plan_feedback(params, host, vms, nr_vms, ret_wants))
		plan_fit(params, host, vms, nr_vms, ret_wants);
	plan_predict(params, vms, nr_vms, ret_wants);
	return 0;
}

const struct policy policy_feedback = {
	.name = "feedback",
	.summary = "each VM alone towards a desired utilisation",
	.plan = feedback_plan,
};
