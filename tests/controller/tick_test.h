/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixed ticks, for tests of all that takes or shows them. */
#ifndef TESTS_CONTROLLER_TICK_TEST_H
#define TESTS_CONTROLLER_TICK_TEST_H

#include "policy/decide.h"

#define TICK_TEST_NR_VMS 4

/*
 * Two VMs with curves (a web server that is grown, a database that is shrunk),
 * one that cannot be moved, one of which nothing is known and whose name is
 * hostile. @number tells the time, 10 s each from 2026-01-02 03:04:05 UTC, and
 * shifts the working set of the first by 64 MiB each. To be freed with
 * recording_tick_done().
 */
struct tick tick_test_new(uint64_t number);

/* Their UUIDs and names. */
extern const char *const tick_test_uuids[TICK_TEST_NR_VMS];
extern const char *const tick_test_names[TICK_TEST_NR_VMS];

/* A curve of points, to be freed with mrc_curve_free(). */
struct mrc_curve *tick_test_curve(const double (*points)[2], size_t nr_points);

#endif /* TESTS_CONTROLLER_TICK_TEST_H */
