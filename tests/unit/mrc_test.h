/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the unit tests share: cmocka, random numbers, failing allocations. */
#ifndef TESTS_UNIT_MRC_TEST_H
#define TESTS_UNIT_MRC_TEST_H

/* cmocka.h needs these four before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* A pointer that a failing call must leave alone; never followed. */
#define UNTOUCHED ((void *)(uintptr_t)0x5a5a)

#define assert_near(actual, expected, tolerance)                             \
	assert_near_at((actual), (expected), (tolerance), #actual, __FILE__, \
		       __LINE__)

static inline void assert_near_at(double actual, double expected,
				  double tolerance, const char *what,
				  const char *file, int line)
{
	/* Written so that a NaN fails. */
	if (actual >= expected - tolerance && actual <= expected + tolerance)
		return;
	print_error("%s is %.17g, not %.17g +- %g\n", what, actual, expected,
		    tolerance);
	_fail(file, line);
}

/* splitmix64: Steele, Lea, Flood, OOPSLA 2014. */
static inline uint64_t test_random(uint64_t *state)
{
	uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/* The seed of this run, printed: MRC_SEED from the environment, else fixed. */
uint64_t test_seed(void);

/* Let @nr_good allocations succeed, then fail until fail_alloc_off(). */
void fail_alloc_after(unsigned int nr_good);
void fail_alloc_off(void);

/* Allocations asked for so far. */
unsigned long nr_allocs(void);

#endif
