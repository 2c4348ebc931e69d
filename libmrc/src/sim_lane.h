/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A lane: some of the sizes of a simulation, run by one thread at a time.
 *
 * References are dense page ids. Before a run all memory that it may need is
 * reserved, so that a run cannot fail half-way.
 */
#ifndef MRC_SRC_SIM_LANE_H
#define MRC_SRC_SIM_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many references ahead a loop asks for its page's state. */
#define MRC_SIM_AHEAD 12

#define MRC_SIM_NEVER UINT32_MAX

/* What is to be simulated, @nr_refs of each. */
struct mrc_sim_refs {
	const uint32_t *ids;
	const uint8_t *are_writes; /* or NULL: all are reads */
	/* Where the future is needed: index of the page's next one, or NEVER. */
	const uint32_t *next_uses;
	size_t nr_refs;
};

struct mrc_sim_lane;

struct mrc_sim_ops {
	size_t max_sizes; /* of a lane; the fewer lanes, the faster */

	/* NULL without memory. Sizes are in increasing order. */
	struct mrc_sim_lane *(*new)(const uint32_t *sizes, size_t nr_sizes,
				    uint64_t seed);
	/* For ids below @nr_pages. -ENOMEM, and what there was still stands. */
	int (*reserve)(struct mrc_sim_lane *lane, size_t nr_pages,
		       bool has_writes);
	void (*run)(struct mrc_sim_lane *lane, const struct mrc_sim_refs *refs);
	/* Misses and write-backs so far, of each size. */
	void (*count)(const struct mrc_sim_lane *lane, uint64_t *ret_misses,
		      uint64_t *ret_write_backs);
	/* NULL and half-built lanes are welcome. */
	void (*free)(struct mrc_sim_lane *lane);
};

extern const struct mrc_sim_ops mrc_sim_opt_ops;
extern const struct mrc_sim_ops mrc_sim_fifo_ops;
extern const struct mrc_sim_ops mrc_sim_random_ops;
extern const struct mrc_sim_ops mrc_sim_lru_ops;
extern const struct mrc_sim_ops mrc_sim_lfu_ops;
extern const struct mrc_sim_ops mrc_sim_mru_ops;
extern const struct mrc_sim_ops mrc_sim_clock_ops;
extern const struct mrc_sim_ops mrc_sim_clock_clean_ops;
extern const struct mrc_sim_ops mrc_sim_clock_random_ops;
extern const struct mrc_sim_ops mrc_sim_arc_ops;
extern const struct mrc_sim_ops mrc_sim_2q_ops;
extern const struct mrc_sim_ops mrc_sim_s3fifo_ops;
extern const struct mrc_sim_ops mrc_sim_sieve_ops;

/*
 * @array, of @old_nr elements of @size bytes, made @nr long, with zeros behind
 * the old ones. NULL without memory: then @array still stands.
 */
void *mrc_sim_grow(void *array, size_t old_nr, size_t nr, size_t size);

#endif /* MRC_SRC_SIM_LANE_H */
