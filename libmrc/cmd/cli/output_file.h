/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file that is replaced as a whole or not at all.
 *
 *	struct output_file file;
 *	err = output_file_open("curve.svg", 0666, &file);
 *	fprintf(file.stream, ...);
 *	err = output_file_commit(&file);
 *	output_file_done(&file);	// also without commit: nothing is left
 */
#ifndef CLI_OUTPUT_FILE_H
#define CLI_OUTPUT_FILE_H

#include <stdio.h>
#include <sys/types.h>

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
 * @mode is what open() takes: the umask narrows it. Returns 0; -EISDIR or
 * -EEXIST if @path is something that must not be replaced: a directory, or not
 * a regular file (device, pipe, symbolic link); -errno of creating a file
 * beside it; -ENOMEM.
 */
int output_file_open(const char *path, mode_t mode,
		     struct output_file *ret_file);

/* Puts the file in place. -errno: nothing changed. */
int output_file_commit(struct output_file *file);

/* Frees all and removes what was not committed; all-zero is fine. */
void output_file_done(struct output_file *file);

#endif /* CLI_OUTPUT_FILE_H */
