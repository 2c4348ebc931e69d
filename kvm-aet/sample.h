/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which guest pages are sampled. Pure; also built in user space.
 *
 * Guest memory is cut into groups of inverse_rate consecutive pages, and a
 * salted hash of the group's number picks one page of each. A page is still
 * sampled with probability 1/inverse_rate whatever the access pattern's
 * stride, but a contiguous run of N pages holds N/inverse_rate samples give or
 * take less than 2, where independent draws would vary by sqrt(N/inverse_rate).
 * It also makes the group's number a dense index for per-page records.
 */
#ifndef KVM_AET_SAMPLE_H
#define KVM_AET_SAMPLE_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#include <linux/types.h>
#endif

/* Finalizer of splitmix64 (Steele, Lea and Flood, OOPSLA'14). */
static inline __u64 aet_mix64(__u64 x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static inline __u64 aet_sample_group(__u64 gfn, __u32 inverse_rate)
{
	return gfn / inverse_rate;
}

/* The sampled page of a group. */
static inline __u64 aet_sample_gfn(__u64 group, __u32 inverse_rate, __u64 salt)
{
	/* High half times rate, high half: unbiased enough, no division. */
	__u64 hash = aet_mix64(group ^ salt) >> 32;

	return group * inverse_rate + ((hash * inverse_rate) >> 32);
}

static inline bool aet_is_sampled(__u64 gfn, __u32 inverse_rate, __u64 salt)
{
	__u64 group = aet_sample_group(gfn, inverse_rate);

	return aet_sample_gfn(group, inverse_rate, salt) == gfn;
}

#endif
