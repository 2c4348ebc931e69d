/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ARC, 2Q, S3-FIFO and SIEVE, read off their papers: queues are arrays that are
 * searched and shifted. And what policies that draw lots come to on average, by
 * going through all draws. One size, a trace in memory.
 */
#ifndef TESTS_ORACLE_POLICY_QUEUES_H
#define TESTS_ORACLE_POLICY_QUEUES_H

#include <stdbool.h>

#include "policy_list.h"

enum queue_policy {
	QUEUE_ARC,
	QUEUE_2Q,
	QUEUE_S3FIFO,
	QUEUE_SIEVE,
};

void policy_queues_run(enum queue_policy policy,
		       const struct policy_trace *trace, size_t size_pages,
		       struct policy_counts *ret_counts);

/*
 * Misses to expect from random replacement, with use bits or without. Its time
 * is exponential in the number of misses; @size_pages is at most 8.
 */
double policy_random_misses(bool has_use_bits, const struct policy_trace *trace,
			    size_t size_pages);

#endif
