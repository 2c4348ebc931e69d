/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cheapest way to divide a capacity among several who each have a cost by
 * what they get, of any shape: a multiple-choice knapsack. Pure.
 *
 *	struct allocate_point points[] = { { 1, 90 }, { 8, 90 }, { 9, 10 } };
 *	struct allocate_choice choices[] = { { points, 3 }, ... };
 *	err = allocate_units(choices, nr, capacity, 0, units, &is_exact);
 *
 * Method: the convex hulls of all costs give one price per unit (the Lagrange
 * multiplier) and a division that is optimal for the hulls; at most one choice
 * then lies where its hull is below its cost, and by so much, the gap, is the
 * optimum cheaper at best. If there is a gap, dynamic programming tries only
 * those units whose cost at that price is within it, nearest to the price
 * first, and drops states that a bound or another state beats. After Pisinger:
 * "A minimal algorithm for the multiple-choice knapsack problem", European
 * Journal of Operational Research 83(2), 1995.
 */
#ifndef POLICY_ALLOCATE_H
#define POLICY_ALLOCATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct allocate_point - a corner of a cost
 * @units: at least 0
 * @cost: finite
 */
struct allocate_point {
	int64_t units;
	double cost;
};

/**
 * struct allocate_choice - one that gets something
 * @points: its cost by units, linear between these; units strictly increasing.
 *	It gets at least those of the first, at most those of the last
 * @nr_points: at least 1
 */
struct allocate_choice {
	const struct allocate_point *points;
	size_t nr_points;
};

/**
 * allocate_units() - divide
 * @choices: @nr_choices choices
 * @nr_choices: number
 * @capacity_units: to divide
 * @negligible: a difference of costs per unit that is not searched for; at least
 *	0
 * @ret_units: what each gets, together at most @capacity_units, at the least
 *	possible sum of costs, to @negligible for each unit, and 1e-12 of the
 *	sum for rounding
 * @ret_is_exact: false: the search became too long and ended early; the sum is
 *	then at most by the gap from the least
 *
 * Returns 0; -ERANGE not even the least units fit; -ENOMEM.
 */
int allocate_units(const struct allocate_choice *choices, size_t nr_choices,
		   int64_t capacity_units, double negligible,
		   int64_t *ret_units, bool *ret_is_exact);

/* Cost of a choice at so many units, which are in its range. O(log points). */
double allocate_cost(const struct allocate_choice *choice, int64_t units);

#endif /* POLICY_ALLOCATE_H */
