// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/loss.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "cleanup.h"

/**
 * struct walk - along a curve, by rising sizes
 * @curve: that it is
 * @shift_pages: sizes are so much larger than the curve's
 * @drop: ratios are so much less
 * @next: the first point that has not been passed
 * @from_pages: the last that has
 * @from_ratio: likewise
 * @to_pages: @next; infinite behind the last
 * @to_ratio: likewise
 * @per_page: by how much the ratio rises from there to here
 */
struct walk {
	const struct mrc_curve *curve;
	double shift_pages;
	double drop;
	size_t next;
	double from_pages;
	double from_ratio;
	double to_pages;
	double to_ratio;
	double per_page;
};

static const struct mrc_curve *upper_end(const struct vm_view *vm)
{
	return vm->upper ? vm->upper : vm->curve;
}

static double held_pages(const struct plan_demand *demand)
{
	return (double)demand->held_bytes / VIEW_PAGE_BYTES;
}

/* The ratio at a size, of what is not only held. */
static double ratio_at(const struct mrc_curve *curve,
		       const struct plan_demand *demand, uint64_t bytes)
{
	double pages = (double)bytes / VIEW_PAGE_BYTES;

	return mrc_curve_at(curve, fmax(pages - held_pages(demand), 0));
}

/* By how much the upper end is above the estimate as it is. */
static double width_now(const struct vm_view *vm,
			const struct plan_demand *demand)
{
	return fmax(ratio_at(upper_end(vm), demand, demand->from_bytes) -
			    ratio_at(vm->curve, demand, demand->from_bytes),
		    0);
}

double loss_misses_per_s(const struct vm_view *vm,
			 const struct plan_demand *demand, uint64_t bytes)
{
	double ratio =
		ratio_at(upper_end(vm), demand, bytes) - width_now(vm, demand);

	ratio = fmax(ratio, ratio_at(vm->curve, demand, bytes));
	return ratio * vm->accesses_per_s;
}

static void walk_on(struct walk *walk)
{
	walk->from_pages = walk->to_pages;
	walk->from_ratio = walk->to_ratio;
	if (mrc_curve_point(walk->curve, walk->next++, &walk->to_pages,
			    &walk->to_ratio)) {
		walk->to_pages = INFINITY;
		walk->per_page = 0;
		return;
	}
	walk->to_pages += walk->shift_pages;
	walk->per_page = (walk->to_ratio - walk->from_ratio) /
			 (walk->to_pages - walk->from_pages);
}

/* Sizes must not fall from call to call. */
static double walk_at(struct walk *walk, double pages)
{
	while (walk->to_pages <= pages)
		walk_on(walk);
	return walk->from_ratio + (pages - walk->from_pages) * walk->per_page -
	       walk->drop;
}

/**
 * struct corners - of a curve in the making
 */
struct corners {
	double *pages;
	double *ratios;
	size_t nr;
};

static void corners_done(struct corners *corners)
{
	free(corners->pages);
	free(corners->ratios);
}

/* What rounding makes rise, or not go on, does not. */
static void add_corner(struct corners *corners, double pages, double ratio)
{
	size_t last = corners->nr - 1;

	if (corners->nr && pages <= corners->pages[last])
		return;
	if (corners->nr && ratio > corners->ratios[last])
		ratio = corners->ratios[last];
	corners->pages[corners->nr] = pages;
	corners->ratios[corners->nr] = ratio;
	corners->nr++;
}

/*
 * The higher of two at each size, from @begin up to the first corner that is not below
 * @end.
 */
static void add_higher(struct walk *one, struct walk *other, double begin,
		       double end, struct corners *corners)
{
	double pages = begin, before = 0, first_before = 0, apart_before = 0;

	for (;;) {
		double first = walk_at(one, pages);
		double apart = first - walk_at(other, pages);
		const struct walk *higher = apart < 0 ? other : one;

		if (apart * apart_before < 0) {
			double share = apart_before / (apart_before - apart);

			add_corner(corners, before + share * (pages - before),
				   first_before +
					   share * (first - first_before));
		}
		/* Corners of the lower one are none, but for where they meet. */
		if (pages == higher->from_pages || apart == 0 ||
		    pages == begin || pages >= end)
			add_corner(corners, pages,
				   apart < 0 ? first - apart : first);
		if (pages >= end)
			return;
		before = pages;
		first_before = first;
		apart_before = apart;
		pages = one->to_pages < other->to_pages ? one->to_pages :
							  other->to_pages;
		if (isinf(pages))
			return;
	}
}

int loss_curve(const struct vm_view *vm, const struct plan_demand *demand,
	       uint64_t least_bytes, struct mrc_curve **ret_curve)
{
	struct walk estimate = {
		.curve = vm->curve,
		.shift_pages = held_pages(demand),
		.to_ratio = 1,
	};
	struct walk upper = {
		.curve = upper_end(vm),
		.shift_pages = held_pages(demand),
		.drop = width_now(vm, demand),
		.to_ratio = 1,
	};
	/* Those of both and two more, and between any two at most one crossing. */
	size_t most = 2 * (mrc_curve_nr_points(estimate.curve) +
			   mrc_curve_nr_points(upper.curve) + 2);
	struct corners corners CLEANUP(corners_done) = {
		.pages = reallocarray(NULL, most, sizeof(double)),
		.ratios = reallocarray(NULL, most, sizeof(double)),
	};

	if (!corners.pages || !corners.ratios)
		return -ENOMEM;
	add_corner(&corners, 0, 1);
	add_higher(&estimate, &upper, (double)least_bytes / VIEW_PAGE_BYTES,
		   (double)demand->from_bytes / VIEW_PAGE_BYTES, &corners);
	return mrc_curve_new(corners.pages, corners.ratios, corners.nr,
			     ret_curve);
}
