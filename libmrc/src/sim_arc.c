// SPDX-License-Identifier: LGPL-2.1-or-later
/* ARC, with the names of its paper: the target p is a real number there. */
#include "sim_lists.h"

enum list {
	T1, /* resident, seen once lately */
	T2, /* resident, seen at least twice lately */
	B1, /* ghosts of T1 */
	B2, /* ghosts of T2 */
};

static inline void replace(struct mrc_sim_lists *lists, bool is_in_b2)
{
	double nr_t1 = lists->nr[T1];

	if (nr_t1 >= 1 &&
	    (nr_t1 > lists->target || (is_in_b2 && nr_t1 == lists->target)))
		mrc_sim_list_evict(lists, mrc_sim_list_oldest(lists, T1), B1);
	else
		mrc_sim_list_evict(lists, mrc_sim_list_oldest(lists, T2), B2);
}

/* Room for a page that is in no list. */
static inline void make_room(struct mrc_sim_lists *lists)
{
	uint64_t nr_l1 = (uint64_t)lists->nr[T1] + lists->nr[B1];
	uint64_t nr_all = nr_l1 + lists->nr[T2] + lists->nr[B2];

	if (nr_l1 == lists->size) {
		if (lists->nr[T1] == lists->size) {
			mrc_sim_list_evict(lists,
					   mrc_sim_list_oldest(lists, T1),
					   MRC_SIM_NO_LIST);
			return;
		}
		mrc_sim_list_move(lists, mrc_sim_list_oldest(lists, B1),
				  MRC_SIM_NO_LIST);
		replace(lists, false);
	} else if (nr_all >= lists->size) {
		if (nr_all == 2 * (uint64_t)lists->size)
			mrc_sim_list_move(lists, mrc_sim_list_oldest(lists, B2),
					  MRC_SIM_NO_LIST);
		replace(lists, false);
	}
}

static inline void access_arc(struct mrc_sim_lists *lists, uint32_t node)
{
	double nr_b1 = lists->nr[B1];
	double nr_b2 = lists->nr[B2];

	switch (mrc_sim_list_of(lists, node)) {
	case T1:
	case T2:
		mrc_sim_list_move(lists, node, T2);
		return;
	case B1:
		lists->target += nr_b1 >= nr_b2 ? 1 : nr_b2 / nr_b1;
		if (lists->target > lists->size)
			lists->target = lists->size;
		replace(lists, false);
		mrc_sim_list_move(lists, node, T2);
		break;
	case B2:
		lists->target -= nr_b2 >= nr_b1 ? 1 : nr_b1 / nr_b2;
		if (lists->target < 0)
			lists->target = 0;
		replace(lists, true);
		mrc_sim_list_move(lists, node, T2);
		break;
	default:
		make_room(lists);
		mrc_sim_list_move(lists, node, T1);
		break;
	}
	lists->nr_misses++;
}

static void run_arc(struct mrc_sim_lane *lane, const struct mrc_sim_refs *refs)
{
	mrc_sim_lists_run(lane, refs, access_arc);
}

const struct mrc_sim_ops mrc_sim_arc_ops = {
	.max_sizes = UINT16_MAX,
	.new = mrc_sim_lists_new,
	.reserve = mrc_sim_lists_reserve,
	.run = run_arc,
	.count = mrc_sim_lists_count,
	.free = mrc_sim_lists_free,
};
