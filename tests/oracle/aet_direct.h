/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AET straight from its definition, on a whole trace in memory: P(t) by
 * counting, the integral second by second, AET(c) by walking until it is c.
 */
#ifndef TESTS_ORACLE_AET_DIRECT_H
#define TESTS_ORACLE_AET_DIRECT_H

#include <stddef.h>
#include <stdint.h>

/* Reuse time of access @i by looking back; 0 if it is cold. */
size_t aet_direct_reuse_time(const uint64_t *trace, size_t i);

/*
 * MRC(@size_pages), linear between the whole values of t. @reuse_times holds
 * one per access, 0 for cold.
 */
double aet_direct_miss_ratio(const size_t *reuse_times, size_t nr_accesses,
			     double size_pages);

#endif
