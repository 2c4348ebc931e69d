/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much memory each VM should have. One policy per file policy_NAME.c, all
 * pure: the same views give the same wants.
 *
 * A policy says what would be best and nothing of how to get there: steps,
 * dead bands and refusals are guard.h's.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "view.h"

/**
 * struct policy_params - from the configuration
 * @unit_bytes: allocation unit, a multiple of a page; wants are multiples of it
 *	where limits allow
 * @max_curve_age_ns: an older curve counts as none
 * @desired_use: feedback, proportional: desired utilisation, in (0, 1)
 * @grow: feedback: lambda 1
 * @shrink: feedback: lambda 2
 * @game_price: nash: c, cost of a unit of utilisation
 * @game_performance: nash: P
 * @game_slope: nash: a
 */
struct policy_params {
	uint64_t unit_bytes;
	uint64_t max_curve_age_ns;
	double desired_use;
	double grow;
	double shrink;
	double game_price;
	double game_performance;
	double game_slope;
};

/* The values of the papers, and of those who ship the baseline. */
extern const struct policy_params policy_default_params;

/**
 * struct policy_want - what a policy wants for one VM
 * @target_bytes: within the VM's limits; @actual_bytes of the view for VMs that
 *	cannot be moved, or of which too little is known
 * @has_misses: the next three were predicted
 * @misses_now_per_s: with the memory that it has
 * @misses_then_per_s: with @target_bytes
 * @misses_then_upper_per_s: the upper end of the band there
 * @reason: for people, static; one clause, such as "worth more elsewhere"
 */
struct policy_want {
	uint64_t target_bytes;
	bool has_misses;
	double misses_now_per_s;
	double misses_then_per_s;
	double misses_then_upper_per_s;
	const char *reason;
};

/**
 * struct policy - a policy
 * @name: in the configuration
 * @summary: one line for people
 * @counts_misses: its wants are the outcome of predicted misses: it lets a VM
 *	miss, or takes its memory, knowing what that costs
 * @plan: fills @ret_wants, one for each of @nr_vms views. The sum of the
 *	targets is at most the host's budget, or else every movable VM's target
 *	is its minimum; but static wants what is there. Returns 0 or -ENOMEM.
 */
struct policy {
	const char *name;
	const char *summary;
	bool counts_misses;
	int (*plan)(const struct policy_params *params,
		    const struct host_view *host, const struct vm_view *vms,
		    size_t nr_vms, struct policy_want *ret_wants);
};

extern const struct policy policy_mrc;
extern const struct policy policy_feedback;
extern const struct policy policy_nash;
extern const struct policy policy_proportional;
extern const struct policy policy_static;

/* By name; NULL if there is none. policy_all ends with NULL. */
extern const struct policy *const policy_all[];
const struct policy *policy_find(const char *name);

/* Predicted misses per second of a VM with so much memory; NaN unless known. */
double policy_misses_per_s(const struct vm_view *vm,
			   const struct mrc_curve *curve, uint64_t bytes);

/* Misses per second that a guest with statistics has, by its own words. */
double policy_seen_misses_per_s(const struct vm_view *vm);

#endif /* POLICY_POLICY_H */
