// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/plan.h"

#include <math.h>

#include "policy/loss.h"

bool plan_is_movable(const struct vm_view *vm)
{
	return vm->is_movable && !vm->is_paused;
}

const char *plan_unknown_reason(const struct policy_params *params,
				const struct vm_view *vm)
{
	if (vm->curve == NULL)
		return "not measured yet";
	if (vm->measured_age_ns > params->max_curve_age_ns)
		return "the measurement is too old";
	if (vm->is_starved)
		return "the measurement is starved: too few pages are sampled";
	if (!(vm->accesses_per_s >= 0 && isfinite(vm->accesses_per_s)))
		return "the rate of accesses is not known";
	return NULL;
}

uint64_t plan_clamp(const struct vm_view *vm, uint64_t bytes)
{
	if (bytes < vm->limits.min_bytes)
		return vm->limits.min_bytes;
	if (bytes > vm->limits.max_bytes)
		return vm->limits.max_bytes;
	return bytes;
}

uint64_t plan_round(const struct policy_params *params,
		    const struct vm_view *vm, uint64_t bytes)
{
	uint64_t unit = params->unit_bytes;
	uint64_t rounded;

	bytes = plan_clamp(vm, bytes);
	rounded = bytes / unit * unit;
	if (rounded < vm->limits.min_bytes)
		rounded += unit;
	if (rounded > vm->limits.max_bytes)
		rounded = plan_clamp(vm, bytes - bytes % VIEW_PAGE_BYTES);
	return rounded;
}

bool plan_used_bytes(const struct policy_params *params,
		     const struct vm_view *vm, uint64_t *ret_bytes)
{
	const struct vm_guest_stats *stats = &vm->stats;

	if (vm->has_stats && stats->usable_bytes <= stats->total_bytes) {
		/* What the guest's kernel keeps for itself is in use, too. */
		uint64_t free_bytes = stats->usable_bytes;

		*ret_bytes = vm->actual_bytes > free_bytes ?
				     vm->actual_bytes - free_bytes :
				     0;
		return true;
	}
	if (vm->wss == VM_WSS_UNKNOWN ||
	    vm->measured_age_ns > params->max_curve_age_ns || vm->is_starved)
		return false;
	*ret_bytes = vm->wss_bytes < vm->actual_bytes ? vm->wss_bytes :
							vm->actual_bytes;
	return true;
}

/* Pages per second; fewer may be anybody's. */
#define SWAPPING_PER_S 16

/* A curve that is flat there must have fallen, and not by its noise. */
#define HELD_SURE 0.9

/* So much of what a VM has is near. */
#define NEAR_SHARE 0.25

/*
 * What it has beyond the size at which its curve no longer misses so often. Returns
 * false if the curve does not tell: of a guest that only waits for its swap, or one
 * that mostly accesses what it has not before, as when its needs have just changed.
 */
static bool held(const struct vm_view *vm, double misses_per_s,
		 uint64_t *ret_bytes)
{
	double misses_surely = HELD_SURE * misses_per_s;
	uint64_t pages;

	if (vm->wss != VM_WSS_KNOWN || misses_surely >= vm->accesses_per_s ||
	    mrc_curve_wss_pages(vm->curve, misses_surely / vm->accesses_per_s,
				&pages) ||
	    pages >= vm->actual_bytes / VIEW_PAGE_BYTES)
		return false;
	*ret_bytes = vm->actual_bytes - pages * VIEW_PAGE_BYTES;
	return true;
}

/* By the guest's own words; 0 without. */
static double seen_misses_per_s(const struct vm_view *vm)
{
	double seen;

	if (!vm->has_stats)
		return 0;
	seen = policy_seen_misses_per_s(vm);
	/* What it has just swapped out, if not for its balloon, it will want back. */
	if (vm->target_bytes >= vm->actual_bytes)
		seen = fmax(seen,
			    vm->stats.swap_out_bytes_per_s / VIEW_PAGE_BYTES);
	return seen;
}

/* What no memory that the VM may have would avoid. */
static double unavoidable_misses_per_s(const struct vm_view *vm)
{
	return policy_misses_per_s(vm, vm->curve, vm->limits.max_bytes);
}

/* What it misses beyond what its curve, where it is sure, expects to be swapped in. */
static double unexpected_misses_per_s(const struct vm_view *vm)
{
	double seen = seen_misses_per_s(vm), expected = 0;

	if (!vm->curve)
		return 0;
	if (vm->actual_bytes < vm->limits.max_bytes)
		expected = fmax(policy_misses_per_s(
					vm, vm->lower ? vm->lower : vm->curve,
					vm->actual_bytes) -
					unavoidable_misses_per_s(vm),
				0);
	return seen > PLAN_PREDICTION_SLACK * expected ? seen - expected : 0;
}

double plan_misses_now_per_s(const struct vm_view *vm,
			     const struct mrc_curve *curve)
{
	return policy_misses_per_s(vm, curve, vm->actual_bytes) +
	       unexpected_misses_per_s(vm);
}

struct plan_demand plan_demand(const struct policy_params *params,
			       const struct vm_view *vm)
{
	uint64_t unit = params->unit_bytes, now = vm->actual_bytes;
	double near = ceil((double)now * NEAR_SHARE / (double)unit);
	struct plan_demand demand = {
		.hope = ldexp(1, -(int)vm->vain_growths),
		.from_bytes = now,
		.near_bytes = now + (uint64_t)near * unit,
		.far_bytes = now + ((uint64_t)near + now / unit) * unit,
		.misses_per_s = unexpected_misses_per_s(vm),
		.held_bytes = vm->held_bytes,
	};
	double seen = seen_misses_per_s(vm);

	if (vm->curve && seen > SWAPPING_PER_S) {
		demand.is_swapping = true;
		demand.tells_held = held(vm,
					 unavoidable_misses_per_s(vm) + seen,
					 &demand.held_bytes);
	}
	return demand;
}

double plan_demand_ended(const struct plan_demand *demand, uint64_t bytes)
{
	double from = (double)demand->from_bytes;
	double near = (double)demand->near_bytes;
	double far = (double)demand->far_bytes;
	double share;

	if (bytes <= demand->from_bytes)
		return 0;
	if (bytes <= demand->near_bytes)
		share = ((double)bytes - from) / (near - from) / 2;
	else
		share = 0.5 +
			fmin(((double)bytes - near) / (far - near), 1) / 2;
	return demand->hope * share;
}

double plan_curve_misses_per_s(const struct vm_view *vm,
			       const struct plan_demand *demand,
			       const struct mrc_curve *curve, uint64_t bytes)
{
	uint64_t used = bytes;
	double misses, now;

	if (bytes >= demand->from_bytes)
		return policy_misses_per_s(vm, curve, bytes) +
		       demand->misses_per_s *
			       (1 - plan_demand_ended(demand, bytes));
	used -= used < demand->held_bytes ? used : demand->held_bytes;
	misses = policy_misses_per_s(vm, curve, used);
	now = policy_misses_per_s(vm, curve, demand->from_bytes);
	return isnan(misses) ? misses :
			       fmax(misses, now + demand->misses_per_s);
}

double plan_misses_per_s(const struct vm_view *vm,
			 const struct plan_demand *demand, uint64_t bytes)
{
	if (bytes >= demand->from_bytes)
		return plan_curve_misses_per_s(vm, demand, vm->curve, bytes);
	return fmax(loss_misses_per_s(vm, demand, bytes),
		    plan_curve_misses_per_s(vm, demand, vm->curve,
					    demand->from_bytes));
}

void plan_keep(const struct vm_view *vms, size_t nr_vms, const char *reason,
	       struct policy_want *ret_wants)
{
	size_t i;

	for (i = 0; i < nr_vms; i++) {
		const struct vm_view *vm = &vms[i];

		ret_wants[i] = (struct policy_want){
			.target_bytes = vm->actual_bytes,
			.reason = reason,
		};
		if (!vm->is_movable)
			ret_wants[i].reason = "cannot be moved";
		else if (vm->is_paused)
			ret_wants[i].reason = "paused";
		else
			ret_wants[i].target_bytes =
				plan_clamp(vm, vm->actual_bytes);
	}
}

void plan_predict(const struct policy_params *params, const struct vm_view *vms,
		  size_t nr_vms, struct policy_want *wants)
{
	size_t i;

	for (i = 0; i < nr_vms; i++) {
		const struct vm_view *vm = &vms[i];
		struct policy_want *want = &wants[i];
		struct plan_demand demand = plan_demand(params, vm);

		want->has_misses = plan_unknown_reason(params, vm) == NULL;
		if (!want->has_misses)
			continue;
		want->misses_now_per_s =
			plan_misses_per_s(vm, &demand, vm->actual_bytes);
		want->misses_then_per_s =
			plan_misses_per_s(vm, &demand, want->target_bytes);
		want->misses_then_upper_per_s = fmax(
			want->misses_then_per_s,
			policy_misses_per_s(vm,
					    vm->upper ? vm->upper : vm->curve,
					    want->target_bytes));
	}
}

/* Keeps @share of what every movable VM wants beyond what @floor says. */
static void cut(const struct policy_params *params, const struct vm_view *vms,
		size_t nr_vms, bool is_growth, double share, const char *reason,
		struct policy_want *wants)
{
	size_t i;

	for (i = 0; i < nr_vms; i++) {
		const struct vm_view *vm = &vms[i];
		struct policy_want *want = &wants[i];
		uint64_t floor = is_growth ? plan_clamp(vm, vm->actual_bytes) :
					     vm->limits.min_bytes;
		uint64_t bytes;

		if (!plan_is_movable(vm) || want->target_bytes <= floor)
			continue;
		bytes = floor +
			(uint64_t)((double)(want->target_bytes - floor) *
				   share);
		/* Down, never up: the sum must not grow by rounding. */
		bytes -= bytes % params->unit_bytes;
		want->target_bytes = bytes > floor ? bytes : floor;
		want->reason = reason;
	}
}

static void sum_wants(const struct vm_view *vms, size_t nr_vms,
		      const struct policy_want *wants, double *ret_all,
		      double *ret_growth, double *ret_above_min)
{
	size_t i;

	*ret_all = *ret_growth = *ret_above_min = 0;
	for (i = 0; i < nr_vms; i++) {
		const struct vm_view *vm = &vms[i];
		uint64_t target = wants[i].target_bytes;
		uint64_t now = plan_clamp(vm, vm->actual_bytes);

		*ret_all += (double)target;
		if (!plan_is_movable(vm))
			continue;
		if (target > now)
			*ret_growth += (double)(target - now);
		*ret_above_min += (double)(target - vm->limits.min_bytes);
	}
}

void plan_fit(const struct policy_params *params, const struct host_view *host,
	      const struct vm_view *vms, size_t nr_vms,
	      struct policy_want *wants)
{
	double all, growth, above_min, excess;

	sum_wants(vms, nr_vms, wants, &all, &growth, &above_min);
	excess = all - (double)host->budget_bytes;
	if (excess > 0 && growth > 0) {
		cut(params, vms, nr_vms, true, fmax(1 - excess / growth, 0),
		    "wants more, but the host has no more", wants);
		sum_wants(vms, nr_vms, wants, &all, &growth, &above_min);
		excess = all - (double)host->budget_bytes;
	}
	if (excess > 0 && above_min > 0)
		cut(params, vms, nr_vms, false, fmax(1 - excess / above_min, 0),
		    "the host has less than all have together", wants);
}
