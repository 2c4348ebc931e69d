/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What policies with several queues of pages share: ARC, 2Q and S3-FIFO. Of
 * each size, every page is in one of a few lists, or in none. Lists may hold
 * pages that are not resident, whose past is remembered: ghosts.
 */
#ifndef MRC_SRC_SIM_LISTS_H
#define MRC_SRC_SIM_LISTS_H

#include "sim_lane.h"

#define MRC_SIM_NR_LISTS 4
#define MRC_SIM_NO_LIST MRC_SIM_NR_LISTS

/* Nodes: first each list's own, then the pages. */
struct mrc_sim_node {
	uint32_t older;
	uint32_t newer;
};

struct mrc_sim_node_state {
	uint8_t list : 3;
	uint8_t nr_uses : 2; /* S3-FIFO */
	uint8_t is_dirty : 1;
};

/* One size. */
struct mrc_sim_lists {
	uint32_t size;
	uint32_t nr[MRC_SIM_NR_LISTS + 1]; /* the last one is not kept */
	struct mrc_sim_node *nodes;
	struct mrc_sim_node_state *states;
	double target; /* ARC */
	uint64_t nr_misses;
	uint64_t nr_write_backs;
};

struct mrc_sim_lists_lane {
	size_t nr_sizes;
	size_t nr_nodes; /* reserved */
	struct mrc_sim_lists sizes[];
};

/* An access to the page of @node by one policy at one size. */
typedef void mrc_sim_lists_access(struct mrc_sim_lists *lists, uint32_t node);

struct mrc_sim_lane *mrc_sim_lists_new(const uint32_t *sizes, size_t nr_sizes,
				       uint64_t seed);
int mrc_sim_lists_reserve(struct mrc_sim_lane *lane, size_t nr_pages,
			  bool has_writes);
void mrc_sim_lists_count(const struct mrc_sim_lane *lane, uint64_t *ret_misses,
			 uint64_t *ret_write_backs);
void mrc_sim_lists_free(struct mrc_sim_lane *lane);

/* To be inlined with a constant @access. */
static inline void mrc_sim_lists_run(struct mrc_sim_lane *lane,
				     const struct mrc_sim_refs *refs,
				     mrc_sim_lists_access *access)
{
	struct mrc_sim_lists_lane *lists = (struct mrc_sim_lists_lane *)lane;
	size_t size;
	size_t i;

	for (size = 0; size < lists->nr_sizes; size++) {
		struct mrc_sim_lists *one = &lists->sizes[size];

		for (i = 0; i < refs->nr_refs; i++) {
			uint32_t node = refs->ids[i] + MRC_SIM_NR_LISTS;

			if (i + MRC_SIM_AHEAD < refs->nr_refs) {
				uint32_t ahead = refs->ids[i + MRC_SIM_AHEAD] +
						 MRC_SIM_NR_LISTS;

				__builtin_prefetch(&one->nodes[ahead], 1);
				__builtin_prefetch(&one->states[ahead], 1);
			}
			access(one, node);
			if (refs->are_writes != NULL && refs->are_writes[i])
				one->states[node].is_dirty = true;
		}
	}
}

static inline unsigned int mrc_sim_list_of(const struct mrc_sim_lists *lists,
					   uint32_t node)
{
	return lists->states[node].list;
}

/* Take @node out of its list, and put it into @list as the newest. */
static inline void mrc_sim_list_move(struct mrc_sim_lists *lists, uint32_t node,
				     unsigned int list)
{
	struct mrc_sim_node *nodes = lists->nodes;
	unsigned int old = lists->states[node].list;

	if (old != MRC_SIM_NO_LIST) {
		nodes[nodes[node].older].newer = nodes[node].newer;
		nodes[nodes[node].newer].older = nodes[node].older;
		lists->nr[old]--;
	}
	lists->states[node].list = list & 7;
	if (list != MRC_SIM_NO_LIST) {
		nodes[node].older = nodes[list].older;
		nodes[node].newer = list;
		nodes[nodes[node].older].newer = node;
		nodes[list].older = node;
		lists->nr[list]++;
	}
}

/* The oldest of a list that is not empty. */
static inline uint32_t mrc_sim_list_oldest(const struct mrc_sim_lists *lists,
					   unsigned int list)
{
	return lists->nodes[list].newer;
}

/* The page of @node is no longer resident, and goes to a list of ghosts or none. */
static inline void mrc_sim_list_evict(struct mrc_sim_lists *lists,
				      uint32_t node, unsigned int ghosts)
{
	lists->nr_write_backs += lists->states[node].is_dirty;
	lists->states[node].is_dirty = false;
	mrc_sim_list_move(lists, node, ghosts);
}

#endif /* MRC_SRC_SIM_LISTS_H */
