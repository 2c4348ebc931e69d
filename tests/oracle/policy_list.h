/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Replacement policies that choose among the resident pages by what is known of
 * each: all of them are looked at for every victim. One size, a trace in memory.
 */
#ifndef TESTS_ORACLE_POLICY_LIST_H
#define TESTS_ORACLE_POLICY_LIST_H

#include <stddef.h>
#include <stdint.h>

enum list_policy {
	LIST_OPT,
	LIST_FIFO,
	LIST_LRU,
	LIST_LFU,
	LIST_MRU,
	LIST_CLOCK,
	LIST_CLOCK_CLEAN,
};

struct policy_trace {
	const uint64_t *pages;
	const uint8_t *are_writes; /* or NULL */
	size_t nr_pages;
};

struct policy_counts {
	size_t nr_hits;
	size_t nr_misses;
	size_t nr_write_backs;
};

void policy_list_run(enum list_policy policy, const struct policy_trace *trace,
		     size_t size_pages, struct policy_counts *ret_counts);

#endif
