/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hot set: a ring of the pages trapped last, which run free of traps.
 * A page that enters a full ring pushes out the one that entered first. Pure;
 * also built in user space. The caller serialises and keeps pages unique.
 */
#ifndef KVM_AET_FIFO_H
#define KVM_AET_FIFO_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#include <linux/types.h>
#endif

struct aet_fifo {
	__u64 *gfns; /* the owner's, @capacity of them */
	__u32 capacity;
	__u32 used;
	__u32 oldest; /* where the next page goes once the ring is full */
};

/* True if a page was pushed out; only then is *ret_evicted set. */
static inline bool aet_fifo_push(struct aet_fifo *fifo, __u64 gfn,
				 __u64 *ret_evicted)
{
	if (fifo->used < fifo->capacity) {
		fifo->gfns[fifo->used++] = gfn;
		return false;
	}
	*ret_evicted = fifo->gfns[fifo->oldest];
	fifo->gfns[fifo->oldest] = gfn;
	if (++fifo->oldest == fifo->capacity)
		fifo->oldest = 0;
	return true;
}

#endif
