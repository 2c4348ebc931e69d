// SPDX-License-Identifier: LGPL-2.1-or-later
/* 2Q, the full version, with the names of its paper. */
#include "sim_lists.h"

enum list {
	A1IN, /* resident, first in first out */
	AM, /* resident, least recently used goes first */
	A1OUT, /* ghosts of A1in */
};

static inline void reclaim(struct mrc_sim_lists *lists)
{
	if ((uint64_t)lists->nr[A1IN] + lists->nr[AM] < lists->size)
		return;
	/* With an empty Am all frames are in A1in: more than a quarter. */
	if (lists->nr[A1IN] > lists->size / 4) {
		mrc_sim_list_evict(lists, mrc_sim_list_oldest(lists, A1IN),
				   A1OUT);
		if (lists->nr[A1OUT] > lists->size / 2)
			mrc_sim_list_move(lists,
					  mrc_sim_list_oldest(lists, A1OUT),
					  MRC_SIM_NO_LIST);
	} else {
		mrc_sim_list_evict(lists, mrc_sim_list_oldest(lists, AM),
				   MRC_SIM_NO_LIST);
	}
}

static inline void access_2q(struct mrc_sim_lists *lists, uint32_t node)
{
	switch (mrc_sim_list_of(lists, node)) {
	case A1IN:
		return;
	case AM:
		mrc_sim_list_move(lists, node, AM);
		return;
	case A1OUT:
		/* It leaves A1out first: its place there is free. */
		mrc_sim_list_move(lists, node, MRC_SIM_NO_LIST);
		reclaim(lists);
		mrc_sim_list_move(lists, node, AM);
		break;
	default:
		reclaim(lists);
		mrc_sim_list_move(lists, node, A1IN);
		break;
	}
	lists->nr_misses++;
}

static void run_2q(struct mrc_sim_lane *lane, const struct mrc_sim_refs *refs)
{
	mrc_sim_lists_run(lane, refs, access_2q);
}

const struct mrc_sim_ops mrc_sim_2q_ops = {
	.max_sizes = UINT16_MAX,
	.new = mrc_sim_lists_new,
	.reserve = mrc_sim_lists_reserve,
	.run = run_2q,
	.count = mrc_sim_lists_count,
	.free = mrc_sim_lists_free,
};
