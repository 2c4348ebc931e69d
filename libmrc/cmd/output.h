/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Standard output, or a file that is replaced as a whole or not at all.
 *
 * Functions that return int return 0 or -errno and have logged why; but -EPIPE
 * is not logged: whoever read the pipe has had enough.
 */
#ifndef CMD_OUTPUT_H
#define CMD_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "output_file.h"

/**
 * struct output - where something is written
 * @stream: write here
 * @path: of the file, or NULL
 * @file: if there is a @path
 */
struct output {
	FILE *stream;
	const char *path;
	struct output_file file;
};

/* @path: NULL is standard output; a loan. To be freed with output_done(). */
int output_open(const char *path, struct output *ret_output);

/*
 * Whether all that was written so far could be. Why not, errno tells, if it was
 * 0 before.
 */
int output_check(const struct output *output);

/* Nothing more is written: puts a file in place. */
int output_finish(struct output *output);

/* Also without output_finish(): nothing is left then. All-zero is fine. */
void output_done(struct output *output);

/* The same as output_check() for what went to stdout by itself. */
int output_check_stdout(void);

#endif /* CMD_OUTPUT_H */
