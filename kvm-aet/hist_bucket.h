/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bucket of a value. Pure; also built in user space, where a test compares
 * it with libmrc's at every edge.
 *
 * Values below 2^(b+1) have a bucket each. Above, every power of two is cut
 * into 2^b equal buckets, so a bucket is never wider than 2^-b of its values.
 */
#ifndef KVM_AET_HIST_BUCKET_H
#define KVM_AET_HIST_BUCKET_H

#include <linux/types.h>

/* Buckets of a layout that holds values below 2^@value_bits. */
#define AET_BUCKETS(sub_bits, value_bits) \
	(((value_bits) - (sub_bits) + 1U) << (sub_bits))

/* Curves come from this one: 2^-7 is finer than a sample can tell. */
#define AET_SUB_BUCKET_BITS 7
/* Reuse times are differences of the logical clock: 10^6 traps/s, 12 days. */
#define AET_REUSE_TIME_BITS 40
#define AET_MAX_REUSE_TIME ((1ULL << AET_REUSE_TIME_BITS) - 1)
#define AET_NR_BUCKETS AET_BUCKETS(AET_SUB_BUCKET_BITS, AET_REUSE_TIME_BITS)

/* Where 2^-5 does: times in ns up to 78 hours, and open intervals. */
#define AET_COARSE_SUB_BUCKET_BITS 5
#define AET_REUSE_NS_BITS 48

static inline unsigned int aet_bucket_index(unsigned int sub_bits, __u64 value)
{
	unsigned int shift;

	if (value >> (sub_bits + 1) == 0)
		return value;
	shift = 63 - __builtin_clzll(value) - sub_bits;
	return (shift << sub_bits) + (unsigned int)(value >> shift);
}

/* Smallest value of a bucket; index < AET_BUCKETS() */
static inline __u64 aet_bucket_low(unsigned int sub_bits, unsigned int index)
{
	unsigned int shift, sub;

	if (index >> (sub_bits + 1) == 0)
		return index;
	shift = (index >> sub_bits) - 1;
	sub = index & ((1U << sub_bits) - 1);
	return (__u64)((1U << sub_bits) + sub) << shift;
}

#endif
