// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sim_lists.h"

#include <errno.h>
#include <stdlib.h>

struct mrc_sim_lane *mrc_sim_lists_new(const uint32_t *sizes, size_t nr_sizes,
				       uint64_t seed)
{
	struct mrc_sim_lists_lane *lane;
	size_t i;

	(void)seed;
	lane = calloc(1, sizeof(*lane) + nr_sizes * sizeof(lane->sizes[0]));
	if (lane == NULL)
		return NULL;
	lane->nr_sizes = nr_sizes;
	for (i = 0; i < nr_sizes; i++)
		lane->sizes[i].size = sizes[i];
	return (struct mrc_sim_lane *)lane;
}

/* -ENOMEM; then @lists is as before, though it may own more memory. */
static int grow_lists(struct mrc_sim_lists *lists, size_t old_nr, size_t nr)
{
	struct mrc_sim_node_state *states;
	struct mrc_sim_node *nodes;
	uint32_t i;

	nodes = mrc_sim_grow(lists->nodes, old_nr, nr, sizeof(*nodes));
	if (nodes == NULL)
		return -ENOMEM;
	lists->nodes = nodes;
	states = mrc_sim_grow(lists->states, old_nr, nr, sizeof(*states));
	if (states == NULL)
		return -ENOMEM;
	lists->states = states;
	for (i = 0; old_nr == 0 && i < MRC_SIM_NR_LISTS; i++)
		nodes[i] = (struct mrc_sim_node){ .older = i, .newer = i };
	for (; old_nr < nr; old_nr++)
		states[old_nr].list = MRC_SIM_NO_LIST;
	return 0;
}

int mrc_sim_lists_reserve(struct mrc_sim_lane *lane, size_t nr_pages,
			  bool has_writes)
{
	struct mrc_sim_lists_lane *lists = (struct mrc_sim_lists_lane *)lane;
	size_t nr_nodes = nr_pages + MRC_SIM_NR_LISTS;
	size_t i;

	(void)has_writes;
	if (nr_pages > UINT32_MAX - MRC_SIM_NR_LISTS)
		return -EOVERFLOW;
	if (nr_nodes <= lists->nr_nodes)
		return 0;
	for (i = 0; i < lists->nr_sizes; i++) {
		int err =
			grow_lists(&lists->sizes[i], lists->nr_nodes, nr_nodes);

		if (err < 0)
			return err;
	}
	lists->nr_nodes = nr_nodes;
	return 0;
}

void mrc_sim_lists_count(const struct mrc_sim_lane *lane, uint64_t *ret_misses,
			 uint64_t *ret_write_backs)
{
	const struct mrc_sim_lists_lane *lists =
		(const struct mrc_sim_lists_lane *)lane;
	size_t i;

	for (i = 0; i < lists->nr_sizes; i++) {
		ret_misses[i] = lists->sizes[i].nr_misses;
		ret_write_backs[i] = lists->sizes[i].nr_write_backs;
	}
}

void mrc_sim_lists_free(struct mrc_sim_lane *lane)
{
	struct mrc_sim_lists_lane *lists = (struct mrc_sim_lists_lane *)lane;
	size_t i;

	if (lists == NULL)
		return;
	for (i = 0; i < lists->nr_sizes; i++) {
		free(lists->sizes[i].nodes);
		free(lists->sizes[i].states);
	}
	free(lists);
}
