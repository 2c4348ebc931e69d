/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Logarithm and exponential from additions, multiplications and divisions
 * alone. These IEEE 754 defines to the last bit; libm's functions differ from
 * one version to the next, and with them a trace made from a seed.
 *
 * All are within 8 units in the last place.
 */
#ifndef MRC_SRC_PORTABLE_MATH_H
#define MRC_SRC_PORTABLE_MATH_H

#include <stdint.h>
#include <string.h>

/* A fused multiply-add would round once where this counts on twice. */
#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

/* ln 2 in two parts: the first times any exponent is exact. */
#define MRC_LN2_HIGH 0x1.62e42fefap-1
#define MRC_LN2_LOW 0x1.cf79abc9e3b3ap-40

/* ln((1 + f) / (1 - f)) / f for |f| <= 0.1716, by its series in f^2. */
static inline double mrc_log_series(double f)
{
	double z = f * f;
	double sum = 2.0 / 23;
	int i;

	for (i = 21; i >= 1; i -= 2)
		sum = sum * z + 2.0 / i;
	return sum;
}

/* ln @x; finite @x >= 2^-1022. */
static inline double mrc_log(double x)
{
	uint64_t bits;
	int exponent;
	double f;

	memcpy(&bits, &x, sizeof(bits));
	exponent = (int)(bits >> 52) - 1023;
	bits = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1023) << 52;
	memcpy(&x, &bits, sizeof(x));
	if (x > 1.4142135623730951) {
		x *= 0.5;
		exponent++;
	}
	f = (x - 1) / (x + 1);
	return exponent * MRC_LN2_HIGH +
	       (f * mrc_log_series(f) + exponent * MRC_LN2_LOW);
}

/* ln(1 + @x) / @x, 1 for 0; @x > -1. */
static inline double mrc_log1p_ratio(double x)
{
	if (x > 0.41 || x < -0.29)
		return mrc_log(1 + x) / x;
	return mrc_log_series(x / (2 + x)) / (2 + x);
}

/* (e^@x - 1) / @x, 1 for 0, by its series; |@x| <= 0.35. */
static inline double mrc_expm1_series(double x)
{
	double sum = 1;
	int i;

	for (i = 15; i >= 2; i--)
		sum = sum * x / i + 1;
	return sum;
}

/* e^@x for @x <= 709; 0 below -708. */
static inline double mrc_exp(double x)
{
	uint64_t bits;
	int exponent;
	double power;
	double rest;

	if (x < -708)
		return 0;
	exponent = (int)(x * 1.4426950408889634 + (x < 0 ? -0.5 : 0.5));
	rest = x - exponent * MRC_LN2_HIGH - exponent * MRC_LN2_LOW;
	bits = (uint64_t)(exponent + 1023) << 52;
	memcpy(&power, &bits, sizeof(power));
	return power * (rest * mrc_expm1_series(rest) + 1);
}

/* (e^@x - 1) / @x, 1 for 0; @x <= 709. */
static inline double mrc_expm1_ratio(double x)
{
	if (x > 0.35 || x < -0.35)
		return (mrc_exp(x) - 1) / x;
	return mrc_expm1_series(x);
}

#endif /* MRC_SRC_PORTABLE_MATH_H */
