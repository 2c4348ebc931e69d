/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files of curves in the forms of mrc/curve_io.h; of JSON, one object after
 * another.
 *
 * Functions that return int return 0 or -errno, and have logged why; but -EPIPE
 * is not logged.
 */
#ifndef CMD_CURVE_FILE_H
#define CMD_CURVE_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include "measure.h"
#include "options.h"

/* Whether an input begins like a curve. */
int curve_file_is(const char *name, bool *ret_is_curve);

/* Adds all curves of an input. */
int curve_file_add(const char *name, struct result_set *set);

/* Which of the inputs are curves; to be freed with free(). */
int curve_file_find(const struct options *options, bool **ret_is_curve);

/*
 * Adds all curves of all inputs that are curves, labels them by what tells them
 * apart, and takes for a title what they have in common.
 */
int curve_file_add_all(const struct options *options, const bool *is_curve,
		       struct result_set *set);

/* All curves of a set as JSON, or the only one in the compact form. */
int curve_file_write(FILE *out, const struct options *options,
		     const struct result_set *set, enum options_target target);

#endif /* CMD_CURVE_FILE_H */
