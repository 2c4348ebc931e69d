// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The least sum of weight * predicted misses per second, by the measured curves
 * of all VMs. Exact to the allocation unit: allocate.h.
 *
 * What a curve does not know does not move memory: what a VM loses by shrinking
 * is loss.h's, by its curve and by how much the upper end of the band rises; what it
 * gains by growing is judged by the lower end of what it misses now and the estimate
 * of what it will. So growth within the band ties with the present size, and what ties
 * stays where it is. No plan that was carried out is ever undone for the same curves:
 * what is gained by growing back is at most what was charged for shrinking.
 *
 * That takes a cost of moving, so small that it decides nothing but ties. It
 * rises by eighths of the way to the minimum, so that several VMs with memory
 * that they do not need give it up evenly, and no one is stripped first. Memory
 * that nobody gains from stays with the VM that has it, and memory that no VM
 * has stays with the host, whose page cache uses it: to move either would cost
 * and bring nothing.
 *
 * Should the search for the last bit become too long, as it may with many VMs
 * whose cliffs are all of the same worth by the unit, the best found is taken,
 * and the reasons say so.
 *
 * What a guest swaps in beyond what its curve expects, no curve of the memory that it
 * has can show: plan_demand(). It counts as misses that end a bit further up.
 *
 * A VM of which too little is known keeps what it has, unless what all others
 * need at least is more than is left.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "cleanup_curve.h"
#include "policy/allocate.h"
#include "policy/loss.h"
#include "policy/plan.h"

/* Weighted misses per second that moving one unit costs. */
#define COST_OF_MOVING 1e-6
#define NR_STEPS 8

/**
 * struct costs - the corners of all VMs' costs
 * @points: of all, one VM after the other
 */
struct costs {
	struct allocate_point *points;
	size_t nr_points;
	size_t max_points;
};

/**
 * struct sharer - a VM whose memory is up for division
 * @vm: index
 * @first: index of its first point
 * @now_units: its present size, within its limits, and rounded up: what is not
 *	a whole unit is wanted to become one, as a cliff may be in between
 */
struct sharer {
	size_t vm;
	size_t first;
	int64_t now_units;
};

/**
 * struct slope - a stretch of a VM's cost
 * @curve: that it follows
 * @per_ratio: weighted accesses per second
 * @pages_per_unit: allocation unit
 * @base: cost is @base + ratio * @per_ratio, but that at least @least and at
 *	most @most
 * @least: see above
 * @most: see above
 * @moving: plus this for each unit away from
 * @origin: here
 */
struct slope {
	const struct mrc_curve *curve;
	double per_ratio;
	double pages_per_unit;
	double base;
	double least;
	double most;
	double moving;
	int64_t origin;
};

static int add_point(struct costs *costs, size_t first, int64_t units,
		     double cost)
{
	size_t max_points = costs->max_points ? costs->max_points * 2 : 1024;
	struct allocate_point *points;

	if (costs->nr_points > first &&
	    costs->points[costs->nr_points - 1].units >= units)
		return 0;
	if (costs->nr_points == costs->max_points) {
		points = reallocarray(costs->points, max_points,
				      sizeof(*points));
		if (!points)
			return -ENOMEM;
		costs->points = points;
		costs->max_points = max_points;
	}
	costs->points[costs->nr_points++] = (struct allocate_point){
		.units = units,
		.cost = cost,
	};
	return 0;
}

static int add_slope_point(struct costs *costs, size_t first,
			   const struct slope *slope, int64_t units,
			   double ratio)
{
	double cost =
		slope->base +
		fmax(fmin(ratio * slope->per_ratio, slope->most), slope->least);

	cost += slope->moving * fabs((double)(units - slope->origin));
	return add_point(costs, first, units, cost);
}

/**
 * struct line - between two points of a curve, in units
 */
struct line {
	double from, to;
	double from_ratio, to_ratio;
};

static double line_ratio(const struct line *line, int64_t units)
{
	double share;

	if (isinf(line->to))
		return line->from_ratio;
	share = ((double)units - line->from) / (line->to - line->from);
	return fmax(line->from_ratio +
			    share * (line->to_ratio - line->from_ratio),
		    line->to_ratio);
}

/* Adds the corners on whole units about where a line comes to a ratio. */
static int add_crossing(struct costs *costs, size_t first,
			const struct slope *slope, const struct line *line,
			int64_t from, int64_t to, double ratio)
{
	double share = (line->from_ratio - ratio) /
		       (line->from_ratio - line->to_ratio);
	int64_t units =
		(int64_t)floor(line->from + share * (line->to - line->from));
	int err = 0;

	if (units > from && units < to)
		err = add_slope_point(costs, first, slope, units,
				      line_ratio(line, units));
	if (!err && units + 1 > from && units + 1 < to)
		err = add_slope_point(costs, first, slope, units + 1,
				      line_ratio(line, units + 1));
	return err;
}

/* Adds the corners that a line has on whole units in [from, to]. */
static int add_line(struct costs *costs, size_t first,
		    const struct slope *slope, const struct line *line,
		    int64_t from, int64_t to)
{
	double bounds[2] = { slope->most, slope->least };
	double high, low;
	size_t i;
	int err;

	if (line->from > (double)from)
		from = (int64_t)ceil(line->from);
	if (line->to < (double)to)
		to = (int64_t)floor(line->to);
	if (from > to)
		return 0;
	high = line_ratio(line, from);
	low = line_ratio(line, to);
	err = add_slope_point(costs, first, slope, from, high);
	/* Where the line meets what it may cost at most or least are corners. */
	for (i = 0; i < 2 && !err; i++)
		if (high * slope->per_ratio > bounds[i] &&
		    low * slope->per_ratio < bounds[i])
			err = add_crossing(costs, first, slope, line, from, to,
					   bounds[i] / slope->per_ratio);
	if (!err)
		err = add_slope_point(costs, first, slope, to, low);
	return err;
}

/* A point's size, where it lies. */
static double point_units(const struct slope *slope, size_t i,
			  double *ret_ratio)
{
	double size;

	(void)mrc_curve_point(slope->curve, i, &size, ret_ratio);
	return size / slope->pages_per_unit;
}

/* The first point of a curve behind so many units. */
static size_t point_behind(const struct slope *slope, int64_t units)
{
	size_t low = 0, high = mrc_curve_nr_points(slope->curve);
	double ratio;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (point_units(slope, middle, &ratio) > (double)units)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Adds the corners of a stretch of cost, in [from, to], these included. */
static int add_slope(struct costs *costs, size_t first,
		     const struct slope *slope, int64_t from, int64_t to)
{
	size_t i, nr_points = mrc_curve_nr_points(slope->curve);
	struct line line = { .to = (double)from, .to_ratio = 1 };
	int err;

	if (from > to)
		return 0;
	i = point_behind(slope, from);
	if (i > 0)
		line.to = point_units(slope, i - 1, &line.to_ratio);
	for (; i <= nr_points && line.to <= (double)to; i++) {
		line.from = line.to;
		line.from_ratio = line.to_ratio;
		if (i < nr_points)
			line.to = point_units(slope, i, &line.to_ratio);
		else
			line.to = INFINITY;
		err = add_line(costs, first, slope, &line, from, to);
		if (err)
			return err;
	}
	return 0;
}

/* Adds the corners of the cost of growth to (from, to] units. */
static int add_growth(const struct policy_params *params,
		      const struct vm_view *vm,
		      const struct plan_demand *demand, size_t first,
		      struct slope *slope, int64_t from, int64_t to,
		      struct costs *costs)
{
	double lacks = vm->limits.weight * demand->misses_per_s;
	const uint64_t ends[2] = { demand->near_bytes, demand->far_bytes };
	size_t i;

	for (i = 0; lacks > 0 && i < 2 && from < to; i++) {
		uint64_t begin = i ? ends[i - 1] : demand->from_bytes;
		int64_t units =
			(int64_t)((ends[i] - begin) / params->unit_bytes);
		double ends_here = lacks * (plan_demand_ended(demand, ends[i]) -
					    plan_demand_ended(demand, begin));
		int err;

		if (!units)
			continue;
		slope->moving = COST_OF_MOVING - ends_here / (double)units;
		slope->origin = from;
		err = add_slope(costs, first, slope, from + 1,
				from + units < to ? from + units : to);
		if (err)
			return err;
		slope->base += slope->moving * (double)units;
		from += units;
	}
	slope->moving = COST_OF_MOVING;
	slope->origin = from;
	return add_slope(costs, first, slope, from + 1, to);
}

/* Adds a VM's whole cost, by units in [least, most]. */
static int add_costs(const struct policy_params *params,
		     const struct vm_view *vm, int64_t least, int64_t most,
		     const struct sharer *sharer, struct costs *costs)
{
	const struct mrc_curve *lower = vm->lower ? vm->lower : vm->curve;
	_cleanup_curve_ struct mrc_curve *loss = NULL;
	struct slope slope = {
		.per_ratio = vm->accesses_per_s * vm->limits.weight,
		.pages_per_unit = (double)params->unit_bytes / VIEW_PAGE_BYTES,
		.most = INFINITY,
		.moving = COST_OF_MOVING,
		.origin = sharer->now_units,
	};
	int64_t now = sharer->now_units, way = now - least, from;
	double pages = (double)now * slope.pages_per_unit;
	struct plan_demand demand = plan_demand(params, vm);
	double cost_now = slope.per_ratio * mrc_curve_at(vm->curve, pages) +
			  vm->limits.weight * demand.misses_per_s;
	double least_now = slope.per_ratio * mrc_curve_at(lower, pages);
	double base[NR_STEPS + 1] = { 0 };
	int step, err;

	/* Shrinking: each step's costs begin where those of the one before end. */
	err = loss_curve(vm, &demand, (uint64_t)least * params->unit_bytes,
			 &loss);
	if (err)
		return err;
	slope.curve = loss;
	slope.least = cost_now;
	for (step = 1; step <= NR_STEPS; step++)
		base[step] = base[step - 1] +
			     step * COST_OF_MOVING *
				     (double)(way * step / NR_STEPS -
					      way * (step - 1) / NR_STEPS);
	for (step = NR_STEPS, from = least; step > 0; step--) {
		int64_t to = now - way * (step - 1) / NR_STEPS;

		slope.moving = step * COST_OF_MOVING;
		slope.origin = to;
		slope.base = base[step - 1];
		err = add_slope(costs, sharer->first, &slope, from,
				to < now ? to : now - 1);
		if (err)
			return err;
		from = to;
	}

	err = add_point(costs, sharer->first, now, cost_now);
	if (err)
		return err;

	/* Growing: counts below the least that it may miss now. */
	slope.curve = vm->curve;
	slope.base = cost_now - least_now;
	slope.least = 0;
	slope.most = least_now;
	return add_growth(params, vm, &demand, sharer->first, &slope, now, most,
			  costs);
}

static int64_t divide_up(uint64_t bytes, uint64_t unit)
{
	return (int64_t)(bytes / unit + (bytes % unit != 0));
}

/**
 * struct division - what is to be divided among whom
 * @sharers: @nr_sharers VMs
 * @kept_bytes: what all others keep
 * @least_bytes: what the sharers get at least, in whole units
 */
struct division {
	struct sharer *sharers;
	size_t nr_sharers;
	double kept_bytes;
	double least_bytes;
	struct costs costs;
};

static void division_done(struct division *division)
{
	free(division->sharers);
	free(division->costs.points);
}

static int division_init(const struct policy_params *params,
			 const struct vm_view *vms, size_t nr_vms,
			 struct policy_want *wants, struct division *division)
{
	uint64_t unit = params->unit_bytes;
	size_t i;
	int err;

	division->sharers = calloc(nr_vms + 1, sizeof(*division->sharers));
	if (!division->sharers)
		return -ENOMEM;
	for (i = 0; i < nr_vms; i++) {
		const struct vm_view *vm = &vms[i];
		struct sharer *sharer =
			&division->sharers[division->nr_sharers];
		int64_t least = divide_up(vm->limits.min_bytes, unit);
		int64_t most = (int64_t)(vm->limits.max_bytes / unit);
		int64_t now = divide_up(vm->actual_bytes, unit);
		const char *reason = plan_unknown_reason(params, vm);

		if (plan_is_movable(vm) && !reason && least > most) {
			wants[i].target_bytes = vm->limits.min_bytes;
			reason = "its limits leave no choice";
		}
		if (!plan_is_movable(vm) || reason) {
			if (plan_is_movable(vm))
				wants[i].reason = reason;
			division->kept_bytes += (double)wants[i].target_bytes;
			continue;
		}
		if (now < least)
			now = least;
		*sharer = (struct sharer){
			.vm = i,
			.first = division->costs.nr_points,
			.now_units = now < most ? now : most,
		};
		err = add_costs(params, vm, least, most, sharer,
				&division->costs);
		if (err)
			return err;
		division->nr_sharers++;
		division->least_bytes += (double)least * (double)unit;
	}
	return 0;
}

/* Takes from those who keep what they have, evenly, so much that it fits. */
static void squeeze_kept(const struct policy_params *params,
			 const struct vm_view *vms, size_t nr_vms,
			 double excess, struct division *division,
			 struct policy_want *wants)
{
	double spare = 0, share;
	size_t i;

	for (i = 0; i < nr_vms; i++)
		if (plan_is_movable(&vms[i]) &&
		    plan_unknown_reason(params, &vms[i]))
			spare += (double)(wants[i].target_bytes -
					  vms[i].limits.min_bytes);
	if (spare <= 0)
		return;
	share = fmin(excess / spare, 1);
	for (i = 0; i < nr_vms; i++) {
		uint64_t above =
			wants[i].target_bytes - vms[i].limits.min_bytes;
		uint64_t cut;

		if (!plan_is_movable(&vms[i]) ||
		    !plan_unknown_reason(params, &vms[i]) || !above)
			continue;
		cut = (uint64_t)ceil(share * (double)above);
		cut += VIEW_PAGE_BYTES - 1;
		cut -= cut % VIEW_PAGE_BYTES;
		if (cut > above)
			cut = above;
		wants[i].target_bytes -= cut;
		wants[i].reason = "not known, but the host has too little";
		division->kept_bytes -= (double)cut;
	}
}

static void all_to_minimum(const struct vm_view *vms, size_t nr_vms,
			   struct policy_want *wants)
{
	size_t i;

	for (i = 0; i < nr_vms; i++) {
		if (!plan_is_movable(&vms[i]))
			continue;
		wants[i].target_bytes = vms[i].limits.min_bytes;
		wants[i].reason = "the host has less than all minima together";
	}
}

static void set_want(const struct policy_params *params,
		     const struct sharer *sharer, int64_t units, bool is_exact,
		     struct policy_want *want)
{
	want->target_bytes = (uint64_t)units * params->unit_bytes;
	if (units > sharer->now_units) {
		want->reason = is_exact ? "worth more here" :
					  "worth more here, by a short search";
		return;
	}
	if (units < sharer->now_units) {
		want->reason =
			is_exact ? "worth more elsewhere" :
				   "worth more elsewhere, by a short search";
		return;
	}
	want->reason = "best as it is";
}

static int divide(const struct policy_params *params,
		  const struct division *division, double left_bytes,
		  struct policy_want *wants)
{
	_cleanup_free_ struct allocate_choice *choices =
		calloc(division->nr_sharers + 1, sizeof(*choices));
	_cleanup_free_ int64_t *units =
		calloc(division->nr_sharers + 1, sizeof(*units));
	int64_t capacity;
	bool is_exact;
	size_t i;
	int err;

	if (!choices || !units)
		return -ENOMEM;
	for (i = 0; i < division->nr_sharers; i++) {
		size_t first = division->sharers[i].first;
		size_t end = i + 1 < division->nr_sharers ?
				     division->sharers[i + 1].first :
				     division->costs.nr_points;

		choices[i].points = &division->costs.points[first];
		choices[i].nr_points = end - first;
	}
	capacity = (int64_t)floor(left_bytes / (double)params->unit_bytes);
	err = allocate_units(choices, division->nr_sharers, capacity,
			     NR_STEPS * COST_OF_MOVING, units, &is_exact);
	if (err)
		return err;
	for (i = 0; i < division->nr_sharers; i++) {
		const struct sharer *sharer = &division->sharers[i];

		set_want(params, sharer, units[i], is_exact,
			 &wants[sharer->vm]);
	}
	return 0;
}

static int mrc_plan(const struct policy_params *params,
		    const struct host_view *host, const struct vm_view *vms,
		    size_t nr_vms, struct policy_want *ret_wants)
{
	struct division division CLEANUP(division_done) = { 0 };
	double budget = (double)host->budget_bytes, excess;
	int err;

	plan_keep(vms, nr_vms, NULL, ret_wants);
	err = division_init(params, vms, nr_vms, ret_wants, &division);
	if (err)
		return err;
	excess = division.kept_bytes + division.least_bytes - budget;
	if (excess > 0)
		squeeze_kept(params, vms, nr_vms, excess, &division, ret_wants);
	if (division.kept_bytes + division.least_bytes > budget) {
		all_to_minimum(vms, nr_vms, ret_wants);
	} else {
		err = divide(params, &division, budget - division.kept_bytes,
			     ret_wants);
		if (err)
			return err;
	}
	plan_predict(params, vms, nr_vms, ret_wants);
	return 0;
}

const struct policy policy_mrc = {
	.name = "mrc",
	.summary = "fewest weighted misses by the measured curves",
	.counts_misses = true,
	.plan = mrc_plan,
};
