/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hashing of page numbers, and seeded random numbers.
 *
 * The generator is SplitMix64: Steele, Lea, Flood: "Fast Splittable
 * Pseudorandom Number Generators", OOPSLA 2014. It passes BigCrush, its state
 * is one word, and any seed will do.
 */
#ifndef MRC_SRC_RANDOM_H
#define MRC_SRC_RANDOM_H

#include <stdint.h>

/*
 * A bijection in which every input bit reaches every output bit: page numbers
 * are dense ranges with strides and high bits that never change, and an XOR or
 * a multiplication alone would keep their pattern. The finaliser of
 * MurmurHash3 (Appleby, 2011).
 */
static inline uint64_t mrc_mix64(uint64_t x)
{
	x ^= x >> 33;
	x *= UINT64_C(0xff51afd7ed558ccd);
	x ^= x >> 33;
	x *= UINT64_C(0xc4ceb9fe1a85ec53);
	x ^= x >> 33;
	return x;
}

/* The state is the seed, whatever it is. */
struct mrc_random {
	uint64_t state;
};

/* Any of the 2^64 numbers, all as likely. */
static inline uint64_t mrc_random_next(struct mrc_random *random)
{
	random->state += UINT64_C(0x9e3779b97f4a7c15);
	return mrc_mix64(random->state);
}

/* In [0, @bound), @bound above 0; the bias is below @bound / 2^64. */
static inline uint64_t mrc_random_below(struct mrc_random *random,
					uint64_t bound)
{
	__extension__ typedef unsigned __int128 u128;

	return (uint64_t)((u128)mrc_random_next(random) * bound >> 64);
}

/* In [0, 1), a multiple of 2^-53. */
static inline double mrc_random_unit(struct mrc_random *random)
{
	return (double)(mrc_random_next(random) >> 11) * 0x1p-53;
}

#endif /* MRC_SRC_RANDOM_H */
