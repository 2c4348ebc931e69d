/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bucket of a reuse time. Pure; also built in user space, where a test
 * compares it with libmrc's at every edge.
 *
 * Values below 2^(b+1) have a bucket each. Above, every power of two is cut
 * into 2^b equal buckets, so a bucket is never wider than 2^-b of its values.
 */
#ifndef KVM_AET_HIST_BUCKET_H
#define KVM_AET_HIST_BUCKET_H

#ifdef __KERNEL__
#include <linux/bitops.h>
#include <linux/types.h>
#else
#include <linux/types.h>
#endif

#define AET_SUB_BUCKET_BITS 7
/* Reuse times are differences of a 40-bit clock: 10^6 traps/s for 12 days. */
#define AET_REUSE_TIME_BITS 40
#define AET_MAX_REUSE_TIME ((1ULL << AET_REUSE_TIME_BITS) - 1)
#define AET_NR_BUCKETS                                    \
	((AET_REUSE_TIME_BITS - AET_SUB_BUCKET_BITS + 1U) \
	 << AET_SUB_BUCKET_BITS)

/* value <= AET_MAX_REUSE_TIME */
static inline unsigned int aet_bucket_index(__u64 value)
{
	unsigned int shift;

	if (value >> (AET_SUB_BUCKET_BITS + 1) == 0)
		return value;
	shift = 63 - __builtin_clzll(value) - AET_SUB_BUCKET_BITS;
	return (shift << AET_SUB_BUCKET_BITS) + (unsigned int)(value >> shift);
}

/* Smallest value of a bucket; index < AET_NR_BUCKETS */
static inline __u64 aet_bucket_low(unsigned int index)
{
	unsigned int shift, sub;

	if (index >> (AET_SUB_BUCKET_BITS + 1) == 0)
		return index;
	shift = (index >> AET_SUB_BUCKET_BITS) - 1;
	sub = index & ((1U << AET_SUB_BUCKET_BITS) - 1);
	return (__u64)((1U << AET_SUB_BUCKET_BITS) + sub) << shift;
}

#endif
