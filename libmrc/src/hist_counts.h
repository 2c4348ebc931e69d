/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a histogram holds, for those who count one access at a time. */
#ifndef MRC_SRC_HIST_COUNTS_H
#define MRC_SRC_HIST_COUNTS_H

#include <mrc/hist.h>

/*
 * @total is @cold plus all of @counts and @censored. It fits 64 bits, so no
 * counter can overflow on its own and only the total needs a check. @entered says
 * of accesses counted there since when they were watched, and has a sum of its own.
 */
struct mrc_hist {
	unsigned int sub_bucket_bits;
	size_t nr_buckets;
	uint64_t total;
	uint64_t cold;
	uint64_t nr_censored;
	uint64_t *censored; /* @nr_buckets; NULL as long as there are none */
	uint64_t nr_entered;
	uint64_t *entered; /* likewise */
	uint64_t counts[];
};

/* Make @censored non-NULL. -ENOMEM. */
int mrc_hist_need_censored(struct mrc_hist *hist);

/* Make @entered non-NULL. -ENOMEM. */
int mrc_hist_need_entered(struct mrc_hist *hist);

#endif /* MRC_SRC_HIST_COUNTS_H */
