/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file that is replaced as a whole or not at all, and that only its owner
 * may read: when a guest touches which page is a secret of the guest.
 *
 *	struct output_file file;
 *	err = output_file_open("curve.svg", &file);
 *	fprintf(file.stream, ...);
 *	err = output_file_commit(&file);
 *	output_file_done(&file);	// also without commit: nothing is left
 */
#ifndef CONTROLLER_OUTPUT_FILE_H
#define CONTROLLER_OUTPUT_FILE_H

#include <stdio.h>

/**
 * struct output_file - a file being written
 * @stream: write here
 * @path: where it will be
 * @temporary_path: where it is until then, in the same directory
 */
struct output_file {
	FILE *stream;
	char *path;
	char *temporary_path;
};

/*
 * Returns 0; -EISDIR or -EEXIST if @path is something that must not be
 * replaced: a directory, or not a regular file (device, pipe, symbolic link);
 * -errno of creating a file beside it; -ENOMEM.
 */
int output_file_open(const char *path, struct output_file *ret_file);

/* Puts the file in place. -errno: nothing changed. */
int output_file_commit(struct output_file *file);

/* Frees all and removes what was not committed; all-zero is fine. */
void output_file_done(struct output_file *file);

#endif /* CONTROLLER_OUTPUT_FILE_H */
