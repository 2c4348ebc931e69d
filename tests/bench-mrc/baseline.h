/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a careful programmer writes first: the right algorithm, a good hash, flat
 * arrays, and nothing beyond. The measure of what the library's effort is worth.
 */
#ifndef TESTS_BENCH_MRC_BASELINE_H
#define TESTS_BENCH_MRC_BASELINE_H

#include "traces.h"

/* Reuse times by open addressing, and the curve of AET. */
void baseline_aet(const struct trace *trace);

/* Stack depths by a Fenwick tree over last accesses, and the curve. */
void baseline_fenwick(const struct trace *trace);

#endif
