/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What stack policies count: as a larger memory holds all that a smaller one
 * does, one number says where an access hits. Its level is the number of sizes
 * that miss, which are the first ones.
 *
 * A page that is written is dirty at all sizes; where it leaves it gets clean.
 * So the sizes that have it clean are the first ones, too. Thompson, Smith:
 * "Efficient (stack) algorithms for analysis of write-back and sector memories",
 * ACM TOCS 7(1), 1989.
 */
#ifndef MRC_SRC_SIM_LEVELS_H
#define MRC_SRC_SIM_LEVELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mrc_sim_levels {
	size_t nr_sizes;
	uint64_t *accesses; /* by level, 0 to @nr_sizes */
	/* Write-backs of a size less those of the size before, modulo 2^64. */
	uint64_t *write_backs;
	uint16_t *clean; /* of each page: sizes that have it clean; or NULL */
	size_t nr_pages; /* of @clean */
};

/* -ENOMEM; exit is due in any case. */
int mrc_sim_levels_init(struct mrc_sim_levels *levels, size_t nr_sizes);

/* Make room to keep track of dirty pages. -ENOMEM, and nothing has changed. */
int mrc_sim_levels_reserve(struct mrc_sim_levels *levels, size_t nr_pages,
			   bool has_writes);

/*
 * Misses and write-backs at each size. @level_of() says at how many sizes a page
 * of @owner is not resident, for ids below @nr_pages.
 */
void mrc_sim_levels_count(const struct mrc_sim_levels *levels,
			  size_t (*level_of)(const void *owner, size_t id),
			  const void *owner, size_t nr_pages,
			  uint64_t *ret_misses, uint64_t *ret_write_backs);

void mrc_sim_levels_exit(struct mrc_sim_levels *levels);

/* An access to the page of @id that misses at @level sizes, which it had left. */
static inline void mrc_sim_levels_access(struct mrc_sim_levels *levels,
					 size_t id, size_t level, bool is_write)
{
	levels->accesses[level]++;
	if (levels->clean == NULL)
		return;
	if (levels->clean[id] < level) {
		levels->write_backs[levels->clean[id]]++;
		levels->write_backs[level]--;
		levels->clean[id] = (uint16_t)level;
	}
	if (is_write)
		levels->clean[id] = 0;
}

#endif /* MRC_SRC_SIM_LEVELS_H */
