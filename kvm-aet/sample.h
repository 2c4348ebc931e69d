/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which units (pages, or 2 MiB regions) are sampled. Pure; also built in user
 * space.
 *
 * Guest memory is cut into groups of inverse_rate consecutive units, and a
 * salted hash of the group's number picks one unit of each. A unit is still
 * sampled with probability 1/inverse_rate whatever the access pattern's
 * stride, but a contiguous run of N units holds N/inverse_rate samples give or
 * take less than 2, where independent draws would vary by sqrt(N/inverse_rate).
 * It also makes the group's number a dense index for records.
 *
 * Rotation draws again, one group after the other: the groups' turns are spread
 * by a hash over rotate_passes passes, and each pass adds 1 to the epoch of the
 * groups whose turn it is. What a group's sampled unit should be follows from
 * the number of the pass alone; nothing needs to be stored.
 */
#ifndef KVM_AET_SAMPLE_H
#define KVM_AET_SAMPLE_H

#include <linux/types.h>

/* Finalizer of splitmix64 (Steele, Lea and Flood, OOPSLA'14). */
static inline __u64 aet_mix64(__u64 x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static inline __u64 aet_sample_group(__u64 unit, __u32 inverse_rate)
{
	return unit / inverse_rate;
}

/* Which unit of the group, 0..inverse_rate - 1, is sampled in an epoch. */
static inline __u32 aet_sample_offset(__u64 group, __u64 epoch,
				      __u32 inverse_rate, __u64 salt)
{
	/* Epoch 0 costs no second hash. */
	__u64 key = epoch ? salt ^ aet_mix64(epoch) : salt;
	/* High half times rate, high half: unbiased enough, no division. */
	__u64 hash = aet_mix64(group ^ key) >> 32;

	return (hash * inverse_rate) >> 32;
}

/* The epoch of a group in a pass; @rotate_passes 0: no rotation. */
static inline __u64 aet_sample_epoch(__u64 group, __u64 pass,
				     __u32 rotate_passes, __u64 salt)
{
	__u64 turn;

	if (!rotate_passes)
		return 0;
	/* Of another bit mix than the offset's, to be independent of it. */
	turn = aet_mix64(~(group ^ salt)) >> 32;
	return (pass + ((turn * rotate_passes) >> 32)) / rotate_passes;
}

#endif
