/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Miss-ratio curves from reuse times and from traces: all of libmrc.
 *
 * A miss-ratio curve says, for every memory size, which share of the page
 * accesses would miss. This header includes the others; each of them also
 * stands by itself:
 *
 *	hist.h		histograms of reuse times
 *	aet.h		curves from reuse times, in O(1) per access
 *	lru.h		exact stack depths and curves of LRU
 *	shards.h	curves of a sample of the pages
 *	counter_stacks.h	curves from counters of distinct pages
 *	footprint.h	distinct pages in windows, and the curve from that
 *	sim.h		replacement policies at many sizes
 *	curve.h		what all of them make: read, compare, combine curves
 *	curve_io.h	curves as JSON and in binary
 *	trace.h		accesses from traces in many formats
 *	gen.h		accesses from seeded generators
 *
 * The path of an access: a trace's parser or a generator makes page numbers, an
 * estimator counts them, and says at any time what the curve is.
 *
 *	struct mrc_lru *lru;
 *	struct mrc_curve *curve;
 *	int err = mrc_lru_new(&lru);
 *	for (i = 0; err == 0 && i < nr_pages; i++)
 *		err = mrc_lru_access(lru, pages[i], NULL);
 *	if (err == 0)
 *		err = mrc_lru_curve(lru, &curve);
 *
 * Link with -lmrc, or with what "pkg-config --libs libmrc" says.
 *
 * Ownership: the caller frees what a function returns through ret_*, unless it
 * is said to be a loan.
 * Threads: no globals. Each header says what threads may share.
 * Errors: 0 or -errno. Nothing is printed, no environment is read.
 */
#ifndef MRC_MRC_H
#define MRC_MRC_H

#include <mrc/aet.h>
#include <mrc/counter_stacks.h>
#include <mrc/curve.h>
#include <mrc/curve_io.h>
#include <mrc/footprint.h>
#include <mrc/gen.h>
#include <mrc/hist.h>
#include <mrc/lru.h>
#include <mrc/shards.h>
#include <mrc/sim.h>
#include <mrc/trace.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of these headers. */
#define MRC_VERSION_MAJOR 0
#define MRC_VERSION_MINOR 2
#define MRC_VERSION_PATCH 0
#define MRC_VERSION_STRING "0.2.0"

/* A version as one number that grows with it. */
#define MRC_VERSION_NUMBER(major, minor, patch) \
	((major) << 16 | (minor) << 8 | (patch))

/**
 * mrc_version() - the version of the library that runs
 *
 * May differ from MRC_VERSION_STRING where the library is shared.
 *
 * Returns "MAJOR.MINOR.PATCH", valid for ever.
 */
const char *mrc_version(void);

/**
 * mrc_version_number() - the same as a number
 *
 * Returns MRC_VERSION_NUMBER() of the library that runs.
 */
unsigned int mrc_version_number(void);

#ifdef __cplusplus
}
#endif

#endif /* MRC_MRC_H */
