/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a counter of reuse times consists of. */
#ifndef MRC_SRC_REUSE_H
#define MRC_SRC_REUSE_H

#include <stdbool.h>

#include <mrc/aet.h>

#include "hist_counts.h"
#include "page_map.h"
#include "page_table.h"
#include "random.h"

/*
 * What the table holds of a page: the time of its last access that counts, less
 * @base, plus NR_MARKS; or one of these.
 */
enum mrc_reuse_mark {
	MARK_EMPTY = 0,
	MARK_OLD, /* its time is in @old_times */
	MARK_CLOSED, /* no access is waiting for its reuse */
	NR_MARKS
};

/* Windows that are kept; then pairs of them become one. */
#define MRC_REUSE_MAX_WINDOWS 64
/* Groups of the sample that take turns at being left out, for the bands. */
#define MRC_REUSE_NR_GROUPS 20

/* Intervals of one window and group, by bucket; the arrays grow with time. */
struct mrc_reuse_cell {
	size_t nr_buckets;
	uint64_t *events;
	uint64_t *censored; /* by the beginning or the end of the stream */
	uint64_t *lost; /* censored between two parts of it */
	uint64_t nr_observed;
};

/*
 * One bit for each hash of some pages, and of others by chance: what is not in
 * it need not be looked up. Bits are not cleared one by one, so it is made anew
 * from time to time.
 */
struct mrc_reuse_filter {
	uint64_t *words;
	unsigned int log2_bits;
	size_t nr_set; /* bits set since then, at most */
};

/* The first access of a page, in accesses from 0. */
struct mrc_reuse_first {
	uint64_t page;
	uint64_t time;
};

struct mrc_reuse {
	struct mrc_reuse_options options;
	struct mrc_hist *hist;

	struct mrc_page_table table;
	struct mrc_page_map old_times; /* plus 1, as stamps are never 0 */
	uint64_t nr_accesses;
	uint64_t base;

	uint64_t threshold; /* of the hashes of sampled pages */
	uint64_t salt;
	struct mrc_random random;
	uint64_t next_sample; /* accesses before it */
	struct mrc_reuse_filter filter;
	size_t nr_open; /* pages with a waiting access */

	uint64_t window_length; /* 0: a single one */
	size_t nr_windows;
	size_t nr_groups;
	struct mrc_reuse_cell *cells; /* [window * nr_groups + group] */
	struct mrc_hist *at_window; /* as it was when the window began */

	/* Only of who can be merged as the later part. */
	struct mrc_reuse_first *firsts;
	size_t nr_firsts;
	size_t max_firsts;
};

static inline bool mrc_reuse_is_sampling(const struct mrc_reuse *reuse)
{
	return reuse->options.sampling != MRC_REUSE_ALL;
}

/*
 * The time of the access of @page, in accesses from 0, that @value in the table
 * stands for; not of MARK_CLOSED.
 */
uint64_t mrc_reuse_time_of(const struct mrc_reuse *reuse, uint64_t page,
			   uint32_t value);

/* Whether @firsts is kept. */
static inline bool mrc_reuse_keeps_firsts(const struct mrc_reuse *reuse)
{
	return reuse->options.is_mergeable &&
	       reuse->options.sampling != MRC_REUSE_REFERENCES;
}

/* Room for @nr more in @firsts. -ENOMEM. */
int mrc_reuse_reserve_firsts(struct mrc_reuse *reuse, size_t nr);

/* Room in @cell for @bucket. -ENOMEM. */
int mrc_reuse_reserve_bucket(struct mrc_reuse_cell *cell, size_t bucket);

/* Frees what a cell owns and empties it; an all-zero cell is fine. */
void mrc_reuse_cell_done(struct mrc_reuse_cell *cell);

/* Free the counts of @nr cells and the cells; NULL is fine. */
void mrc_reuse_free_cells(struct mrc_reuse_cell *cells, size_t nr);

/*
 * By how much @base must go up, so that @time fits the table with some room; 0 if it
 * does. And go: -ENOMEM, then nothing has changed but times that nobody asks for.
 */
uint64_t mrc_reuse_base_shift(const struct mrc_reuse *reuse, uint64_t time);
int mrc_reuse_move_base(struct mrc_reuse *reuse, uint64_t shift);

/* The number of the window that @time is in. */
static inline size_t mrc_reuse_window_at(const struct mrc_reuse *reuse,
					 uint64_t time)
{
	if (reuse->window_length == 0)
		return 0;
	return (size_t)(time / reuse->window_length);
}

/* The group of an interval that is seen from @time. */
size_t mrc_reuse_group_of(const struct mrc_reuse *reuse, uint64_t page,
			  uint64_t time);

#endif /* MRC_SRC_REUSE_H */
