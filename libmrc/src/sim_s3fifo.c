// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * S3-FIFO, with the names of its paper. Uses are counted up to 3, not counting
 * the access that loads the page, and forgotten on the way from S to M.
 */
#include "sim_lists.h"

#define MAX_USES 3

enum list {
	S, /* resident, small */
	M, /* resident, main */
	G, /* ghosts of S */
};

static uint32_t max_small(const struct mrc_sim_lists *lists)
{
	return lists->size < 10 ? 1 : lists->size / 10;
}

static uint32_t max_main(const struct mrc_sim_lists *lists)
{
	return lists->size - max_small(lists);
}

static inline void evict_main(struct mrc_sim_lists *lists)
{
	while (lists->nr[M] > 0) {
		uint32_t node = mrc_sim_list_oldest(lists, M);

		if (lists->states[node].nr_uses == 0) {
			mrc_sim_list_evict(lists, node, MRC_SIM_NO_LIST);
			return;
		}
		lists->states[node].nr_uses--;
		mrc_sim_list_move(lists, node, M);
	}
}

static inline void evict_small(struct mrc_sim_lists *lists)
{
	while (lists->nr[S] > 0) {
		uint32_t node = mrc_sim_list_oldest(lists, S);

		if (lists->states[node].nr_uses <= 1) {
			mrc_sim_list_evict(lists, node, G);
			if (lists->nr[G] > max_main(lists))
				mrc_sim_list_move(lists,
						  mrc_sim_list_oldest(lists, G),
						  MRC_SIM_NO_LIST);
			return;
		}
		lists->states[node].nr_uses = 0;
		mrc_sim_list_move(lists, node, M);
		if (lists->nr[M] > max_main(lists))
			evict_main(lists);
	}
}

static inline void access_s3fifo(struct mrc_sim_lists *lists, uint32_t node)
{
	unsigned int list = mrc_sim_list_of(lists, node);

	if (list == S || list == M) {
		if (lists->states[node].nr_uses < MAX_USES)
			lists->states[node].nr_uses++;
		return;
	}
	lists->nr_misses++;
	while ((uint64_t)lists->nr[S] + lists->nr[M] >= lists->size) {
		if (lists->nr[S] >= max_small(lists))
			evict_small(lists);
		else
			evict_main(lists);
	}
	/* Making room may have cost the page its place among the ghosts. */
	list = mrc_sim_list_of(lists, node) == G ? M : S;
	lists->states[node].nr_uses = 0;
	mrc_sim_list_move(lists, node, list);
}

static void run_s3fifo(struct mrc_sim_lane *lane,
		       const struct mrc_sim_refs *refs)
{
	mrc_sim_lists_run(lane, refs, access_s3fifo);
}

const struct mrc_sim_ops mrc_sim_s3fifo_ops = {
	.max_sizes = UINT16_MAX,
	.new = mrc_sim_lists_new,
	.reserve = mrc_sim_lists_reserve,
	.run = run_s3fifo,
	.count = mrc_sim_lists_count,
	.free = mrc_sim_lists_free,
};
