/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What policies have in common. Pure. */
#ifndef POLICY_PLAN_H
#define POLICY_PLAN_H

#include "policy/policy.h"

/* Has it a balloon that can be moved now? */
bool plan_is_movable(const struct vm_view *vm);

/* Why its curve says nothing of now; NULL if it does. */
const char *plan_unknown_reason(const struct policy_params *params,
				const struct vm_view *vm);

/* The nearest size that its limits allow. */
uint64_t plan_clamp(const struct vm_view *vm, uint64_t bytes);

/* Likewise, and a whole number of units if there is one within the limits. */
uint64_t plan_round(const struct policy_params *params,
		    const struct vm_view *vm, uint64_t bytes);

/**
 * plan_used_bytes() - what a VM uses of what it has
 * @vm: VM
 * @ret_bytes: by the guest's own words, or else by its working set
 *
 * Returns false if neither is known.
 */
bool plan_used_bytes(const struct policy_params *params,
		     const struct vm_view *vm, uint64_t *ret_bytes);

/* Begins a plan: everybody keeps what it has, for the reason given. */
void plan_keep(const struct vm_view *vms, size_t nr_vms, const char *reason,
	       struct policy_want *ret_wants);

/* Ends a plan: fills the predicted misses of all wants. */
void plan_predict(const struct policy_params *params, const struct vm_view *vms,
		  size_t nr_vms, struct policy_want *wants);

/**
 * plan_fit() - make the wants fit into the budget
 *
 * If they do not, growth is cut in proportion; if that is not enough, all that
 * movable VMs want beyond their minimum is.
 */
void plan_fit(const struct policy_params *params, const struct host_view *host,
	      const struct vm_view *vms, size_t nr_vms,
	      struct policy_want *wants);

/*
 * The local scheduler of policy_feedback.c, without regard to the budget. True
 * if all that it wants is within the budget.
 */
bool plan_feedback(const struct policy_params *params,
		   const struct host_view *host, const struct vm_view *vms,
		   size_t nr_vms, struct policy_want *ret_wants);

#endif /* POLICY_PLAN_H */
