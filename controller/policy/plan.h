/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What policies have in common. Pure. */
#ifndef POLICY_PLAN_H
#define POLICY_PLAN_H

#include "policy/policy.h"

/* A guest misses by so much more than predicted before that is no prediction. */
#define PLAN_PREDICTION_SLACK 1.5

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

/**
 * struct plan_demand - what a guest misses beyond what its curve expects
 * @misses_per_s: at its present size
 * @hope: share of it that is taken to end
 * @from_bytes: its present size
 * @near_bytes: half of that has ended by then, and falls evenly before
 * @far_bytes: all of it has, likewise; both are whole units above @from_bytes
 * @held_bytes: held and not used, as what a kernel cannot swap out: when a guest swaps,
 *	the rest is what its curve is of
 * @is_swapping: it swaps now
 * @tells_held: which told @held_bytes
 */
struct plan_demand {
	double misses_per_s;
	double hope;
	uint64_t from_bytes;
	uint64_t near_bytes;
	uint64_t far_bytes;
	uint64_t held_bytes;
	bool is_swapping;
	bool tells_held;
};

/**
 * plan_demand() - what the guest's own words add to its curve
 *
 * A curve is of host pages that the VM has. A guest that swaps reuses these for
 * ever other content, and for what it lacks has no pages: there, its curve sees
 * only pages that are accessed all the time. What it lacks is told by how much it
 * swaps in, and not how far it reaches. The first quarter of what it has already is
 * taken to be worth as much as the three that follow, and if all that was not enough,
 * its demand is seen again; with half the hope after each time in vain, or a guest
 * that goes through more than any host has would take all.
 */
struct plan_demand plan_demand(const struct policy_params *params,
			       const struct vm_view *vm);

/* The share of a demand that is hoped to have ended with so much memory. */
double plan_demand_ended(const struct plan_demand *demand, uint64_t bytes);

/*
 * Misses per second of a VM with what it has, by its curve or another of its band, and
 * what it swaps in beyond that. NaN without a curve.
 */
double plan_misses_now_per_s(const struct vm_view *vm,
			     const struct mrc_curve *curve);

/*
 * Likewise with so much memory. Pages that are swapped in are accessed, in the
 * curve, after as many others as the guest keeps: with less memory they are in it
 * already. NaN without a curve.
 */
double plan_curve_misses_per_s(const struct vm_view *vm,
			       const struct plan_demand *demand,
			       const struct mrc_curve *curve, uint64_t bytes);

/* Likewise, as policies reckon: with less memory also by loss.h. */
double plan_misses_per_s(const struct vm_view *vm,
			 const struct plan_demand *demand, uint64_t bytes);

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
