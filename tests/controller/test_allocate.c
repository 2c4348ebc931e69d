// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl_test.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "policy/allocate.h"

#include "../../libmrc/src/random.h"

#define MAX_CHOICES 6
#define MAX_POINTS 12

struct problem {
	struct allocate_point points[MAX_CHOICES][MAX_POINTS];
	struct allocate_choice choices[MAX_CHOICES];
	size_t nr_choices;
	int64_t capacity;
};

/* Costs fall, in steps, slopes and cliffs; some rise again, as moving does. */
static void make_problem(struct mrc_random *random, struct problem *problem)
{
	size_t i, j;
	int64_t least = 0, most = 0;
	bool is_coarse = mrc_random_below(random, 2);

	problem->nr_choices = 1 + mrc_random_below(random, MAX_CHOICES);
	for (i = 0; i < problem->nr_choices; i++) {
		struct allocate_choice *choice = &problem->choices[i];
		int64_t units = (int64_t)mrc_random_below(random, 4);
		double cost = 100;

		choice->points = problem->points[i];
		choice->nr_points = 1 + mrc_random_below(random, MAX_POINTS);
		least += units;
		for (j = 0; j < choice->nr_points; j++) {
			problem->points[i][j] = (struct allocate_point){
				.units = units,
				.cost = cost,
			};
			units += 1 + (int64_t)mrc_random_below(random, 6);
			/* Coarse costs tie, which is what searches trip over. */
			if (is_coarse)
				cost -= (double)mrc_random_below(random, 3);
			else
				cost -= mrc_random_unit(random) * 8;
			if (mrc_random_below(random, 8) == 0)
				cost += 1;
		}
		most += problem->points[i][choice->nr_points - 1].units;
	}
	problem->capacity =
		least +
		(int64_t)mrc_random_below(random, (uint64_t)(most - least) + 3);
}

/* The least cost, by trying all that is left to each choice in turn. */
static double brute_force(const struct problem *problem)
{
	double best[512], next[512];
	int64_t used, units;
	size_t i;

	assert_true(problem->capacity < 512);
	for (used = 0; used <= problem->capacity; used++)
		best[used] = 0;
	for (i = 0; i < problem->nr_choices; i++) {
		const struct allocate_choice *choice = &problem->choices[i];

		for (used = 0; used <= problem->capacity; used++) {
			next[used] = INFINITY;
			for (units = choice->points[0].units;
			     units <=
			     choice->points[choice->nr_points - 1].units;
			     units++)
				if (units <= used)
					next[used] = fmin(
						next[used],
						best[used - units] +
							allocate_cost(choice,
								      units));
		}
		memcpy(best, next, sizeof(best));
	}
	return best[problem->capacity];
}

static double check_division(const struct problem *problem,
			     const int64_t *units)
{
	int64_t sum = 0;
	double cost = 0;
	size_t i;

	for (i = 0; i < problem->nr_choices; i++) {
		const struct allocate_choice *choice = &problem->choices[i];

		assert_true(units[i] >= choice->points[0].units);
		assert_true(units[i] <=
			    choice->points[choice->nr_points - 1].units);
		sum += units[i];
		cost += allocate_cost(choice, units[i]);
	}
	assert_true(sum <= problem->capacity);
	return cost;
}

static void test_brute_force(void **state)
{
	struct mrc_random random = { 20 };
	unsigned int round;

	(void)state;
	for (round = 0; round < 20000; round++) {
		struct problem problem;
		int64_t units[MAX_CHOICES], again[MAX_CHOICES];
		bool is_exact = false;
		double cost, least;

		make_problem(&random, &problem);
		assert_int_equal(
			allocate_units(problem.choices, problem.nr_choices,
				       problem.capacity, 0, units, &is_exact),
			0);
		assert_true(is_exact);
		cost = check_division(&problem, units);
		least = brute_force(&problem);
		if (cost > least + 1e-9 * fabs(least))
			fail_msg("round %u: %.12g instead of %.12g", round,
				 cost, least);
		assert_int_equal(
			allocate_units(problem.choices, problem.nr_choices,
				       problem.capacity, 0, again, &is_exact),
			0);
		assert_memory_equal(units, again,
				    problem.nr_choices * sizeof(*units));
	}
}

/* Cliffs of one size that do not fill the capacity: all divisions look alike. */
static void test_equal_cliffs(void **state)
{
	static const struct allocate_point points[] = { { 1, 100 },
							{ 100, 100 },
							{ 101, 10 },
							{ 300, 10 } };
	static struct allocate_choice choices[1000];
	static int64_t units[1000];
	bool is_exact = false;
	int64_t sum = 0;
	size_t i, nr_served = 0;

	(void)state;
	for (i = 0; i < 1000; i++)
		choices[i] = (struct allocate_choice){ points, 4 };
	assert_int_equal(allocate_units(choices, 1000, 1000 + 100 * 333 + 57, 0,
					units, &is_exact),
			 0);
	assert_true(is_exact);
	for (i = 0; i < 1000; i++) {
		sum += units[i];
		nr_served += units[i] >= 101;
	}
	assert_true(sum <= 1000 + 100 * 333 + 57);
	assert_int_equal(nr_served, 333);
}

static void test_limits(void **state)
{
	static const struct allocate_point points[] = { { 4, 3 }, { 8, 1 } };
	struct allocate_choice choices[2] = { { points, 2 }, { points, 1 } };
	int64_t units[2] = { -1, -1 };
	bool is_exact = false;

	(void)state;
	assert_int_equal(allocate_units(choices, 2, 7, 0, units, &is_exact),
			 -ERANGE);
	assert_int_equal(units[0], -1);
	assert_false(is_exact);
	assert_int_equal(allocate_units(choices, 2, 8, 0, units, &is_exact), 0);
	assert_int_equal(units[0], 4);
	assert_int_equal(units[1], 4);
	assert_int_equal(allocate_units(choices, 2, 11, 0, units, &is_exact),
			 0);
	assert_int_equal(units[0], 7);
	assert_int_equal(allocate_units(choices, 2, 100, 0, units, &is_exact),
			 0);
	assert_int_equal(units[0], 8);
	assert_int_equal(units[1], 4);
	assert_int_equal(allocate_units(choices, 0, 0, 0, units, &is_exact), 0);
}

/* What is not searched for is still not thrown away. */
static void test_negligible(void **state)
{
	static const struct allocate_point cliff[] = { { 1, 100 },
						       { 9, 100 },
						       { 10, 0 } };
	static const struct allocate_point idle[] = { { 2, 18e-6 }, { 20, 0 } };
	static const struct allocate_point far[] = { { 1, 50 },
						     { 30, 50 },
						     { 31, 0 } };
	const struct allocate_choice choices[] = { { cliff, 3 },
						   { idle, 2 },
						   { far, 3 } };
	int64_t units[3];
	bool is_exact = false;

	(void)state;
	assert_int_equal(allocate_units(choices, 3, 25, 1e-5, units, &is_exact),
			 0);
	assert_true(is_exact);
	assert_int_equal(units[0], 10);
	assert_int_equal(units[1], 14);
	assert_int_equal(units[2], 1);
}

/*
 * Subset sum, the hardest there is: every choice is worth what it takes, even
 * sizes, an odd capacity. The search may end early, but not with nonsense.
 */
static void test_subset_sum(void **state)
{
	static struct allocate_point points[200][3];
	static struct allocate_choice choices[200];
	static int64_t units[200];
	struct mrc_random random = { 7 };
	int64_t sum = 0, all = 0;
	double cost = 0;
	bool is_exact;
	size_t i;

	(void)state;
	for (i = 0; i < 200; i++) {
		int64_t size =
			2 * (1000 + (int64_t)mrc_random_below(&random, 9000));

		points[i][0] = (struct allocate_point){ 0, (double)size };
		points[i][1] =
			(struct allocate_point){ size - 1, (double)size };
		points[i][2] = (struct allocate_point){ size, 0 };
		choices[i] = (struct allocate_choice){ points[i], 3 };
		all += size;
	}
	assert_int_equal(allocate_units(choices, 200, all / 4 * 2 + 1, 0, units,
					&is_exact),
			 0);
	for (i = 0; i < 200; i++) {
		sum += units[i];
		cost += allocate_cost(&choices[i], units[i]);
	}
	assert_true(sum <= all / 4 * 2 + 1);
	/* At most by the size of one from all that the capacity could save. */
	assert_true(cost <= (double)(all - all / 4 * 2 + 20000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_brute_force),
		cmocka_unit_test(test_equal_cliffs),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_negligible),
		cmocka_unit_test(test_subset_sum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
