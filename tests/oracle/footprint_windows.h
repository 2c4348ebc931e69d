/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The average footprint by looking into every window. */
#ifndef TESTS_ORACLE_FOOTPRINT_WINDOWS_H
#define TESTS_ORACLE_FOOTPRINT_WINDOWS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Distinct pages per window of @window accesses, on average; @window is at most
 * @nr_accesses.
 */
double footprint_windows_average(const uint64_t *trace, size_t nr_accesses,
				 size_t window);

#endif
