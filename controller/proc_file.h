/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of a proc file system, and lines of numbers in them.
 *
 * Errors: 0 or -errno; outputs are untouched on failure.
 */
#ifndef CONTROLLER_PROC_FILE_H
#define CONTROLLER_PROC_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads a file below an open directory, or AT_FDCWD, as a string; what is beyond
 * @max_bytes, rounded up to a power of 2, is cut. Links are not followed.
 * @ret_text is to be freed; @ret_size may be NULL.
 */
int proc_file_read(int dir_fd, const char *path, size_t max_bytes,
		   char **ret_text, size_t *ret_size);

/*
 * The number that follows @key at the beginning of a line of @text, after blanks
 * and up to a blank or the end of the line: "MemTotal:" of /proc/meminfo, or
 * "pswpin " of /proc/vmstat. False if there is no such line, or no such number.
 * Pure.
 */
bool proc_file_number(const char *text, const char *key, uint64_t *ret_number);

#endif /* CONTROLLER_PROC_FILE_H */
