/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bytes of a file or of standard input, decompressed if they are zstd's, in
 * constant memory.
 *
 * Functions that return int return 0 or -errno, and have logged why. A name is
 * a path, or "-" for standard input.
 */
#ifndef CMD_INPUT_H
#define CMD_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct input;

/* To be closed with input_close(). */
int input_open(const char *name, struct input **ret_input);

/*
 * The first bytes of what input_open() will give, decompressed; less only if
 * there are no more.
 */
#define INPUT_MAX_PEEK 64
int input_peek(const char *name, char bytes[INPUT_MAX_PEEK],
	       size_t *ret_nr_bytes);

/* Input or NULL. */
void input_close(struct input *input);

/*
 * Up to @max_bytes of what the input holds; less only where it ends, so 0 is
 * the end. Compressed data that end too early are an error, but what came
 * before has been handed out by then.
 */
int input_read(struct input *input, size_t max_bytes, void *bytes,
	       size_t *ret_nr_bytes);

/* For messages: the path, or "standard input". */
const char *input_name(const struct input *input);

/* Bytes of the file itself that were read, compressed or not. */
uint64_t input_position(const struct input *input);

/* How many there are; false if that is not known, as of a pipe. */
bool input_length(const struct input *input, uint64_t *ret_nr_bytes);

#endif /* CMD_INPUT_H */
