// SPDX-License-Identifier: LGPL-2.1-or-later
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zstd.h>

#include "cleanup.h"
#include "log.h"

/* Enough for the disk to stream, small enough for the cache. */
#define INPUT_BUFFER_BYTES ((size_t)256 << 10)

/* What "zstd --long=31" makes: the buffer grows only for such files. */
#define INPUT_WINDOW_LOG_MAX 31

/**
 * struct input - an open input
 * @name: for messages; a loan
 * @fd: the file; -1 for none
 * @position: bytes read from it
 * @length: its size, or 0
 * @has_length: it is a regular file
 * @buffer: INPUT_BUFFER_BYTES
 * @in: what is in it, and how far it was used
 * @is_end: the file has no more
 * @zstd: NULL if it is not compressed
 * @is_in_frame: a frame has begun and not ended
 * @peeked: bytes [@peeked_from, @nr_peeked) were looked at, and come first
 */
struct input {
	const char *name;
	int fd;
	uint64_t position;
	uint64_t length;
	bool has_length;
	char *buffer;
	ZSTD_inBuffer in;
	bool is_end;
	ZSTD_DStream *zstd;
	bool is_in_frame;
	char peeked[INPUT_MAX_PEEK];
	size_t nr_peeked;
	size_t peeked_from;
};

/* Standard input cannot be opened again: it is kept when it was looked at. */
static struct input *input_kept;

/* Adds to the buffer behind what is in it, at least a byte unless at the end. */
static int input_fill(struct input *input)
{
	ssize_t nr_bytes;

	do
		nr_bytes = read(input->fd, input->buffer + input->in.size,
				INPUT_BUFFER_BYTES - input->in.size);
	while (nr_bytes < 0 && errno == EINTR);
	if (nr_bytes < 0) {
		int err = -errno;

		log_error("cannot read '%s': %s", input->name, strerror(-err));
		return err;
	}
	input->in.size += (size_t)nr_bytes;
	input->position += (uint64_t)nr_bytes;
	input->is_end = nr_bytes == 0;
	return 0;
}

/* Makes bytes available in the buffer, unless at the end. */
static int input_refill(struct input *input)
{
	if (input->in.pos < input->in.size || input->is_end)
		return 0;
	input->in.pos = 0;
	input->in.size = 0;
	return input_fill(input);
}

static bool input_is_zstd(const struct input *input)
{
	static const unsigned char magic[] = { 0x28, 0xb5, 0x2f, 0xfd };

	return input->in.size >= sizeof(magic) &&
	       memcmp(input->buffer, magic, sizeof(magic)) == 0;
}

static int input_start(struct input *input)
{
	int err = 0;

	/* A pipe may hand out the magic number in pieces. */
	while (err == 0 && !input->is_end && input->in.size < 4)
		err = input_fill(input);
	if (err < 0)
		return err;
	if (!input_is_zstd(input))
		return 0;
	input->zstd = ZSTD_createDStream();
	if (!input->zstd ||
	    ZSTD_isError(ZSTD_DCtx_setParameter(
		    input->zstd, ZSTD_d_windowLogMax, INPUT_WINDOW_LOG_MAX))) {
		log_error("out of memory");
		return -ENOMEM;
	}
	return 0;
}

static int input_open_file(struct input *input, const char *name)
{
	struct stat status;

	if (strcmp(name, "-") == 0) {
		input->name = "standard input";
		/* A copy, so that closing is the same for all. */
		input->fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	} else {
		input->name = name;
		input->fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	}
	if (input->fd < 0 || fstat(input->fd, &status) < 0) {
		int err = -errno;

		log_error("cannot open '%s': %s", input->name, strerror(-err));
		return err;
	}
	if (S_ISDIR(status.st_mode)) {
		log_error("cannot read '%s': %s", input->name,
			  strerror(EISDIR));
		return -EISDIR;
	}
	input->has_length = S_ISREG(status.st_mode);
	if (input->has_length)
		input->length = (uint64_t)status.st_size;
	return 0;
}

int input_open(const char *name, struct input **ret_input)
{
	struct input *input;
	int err;

	if (input_kept && strcmp(name, "-") == 0) {
		*ret_input = TAKE_PTR(input_kept);
		return 0;
	}
	input = calloc(1, sizeof(*input));
	if (!input) {
		log_error("out of memory");
		return -ENOMEM;
	}
	input->fd = -1;
	input->buffer = malloc(INPUT_BUFFER_BYTES);
	input->in.src = input->buffer;
	if (!input->buffer) {
		log_error("out of memory");
		err = -ENOMEM;
	} else {
		err = input_open_file(input, name);
	}
	if (err == 0)
		err = input_start(input);
	if (err < 0) {
		input_close(input);
		return err;
	}
	*ret_input = input;
	return 0;
}

void input_close(struct input *input)
{
	if (!input)
		return;
	(void)ZSTD_freeDStream(input->zstd);
	if (input->fd >= 0)
		(void)close(input->fd);
	free(input->buffer);
	free(input);
}

static void input_copy(struct input *input, ZSTD_outBuffer *out)
{
	size_t nr_bytes = input->in.size - input->in.pos;

	if (nr_bytes > out->size - out->pos)
		nr_bytes = out->size - out->pos;
	memcpy((char *)out->dst + out->pos, input->buffer + input->in.pos,
	       nr_bytes);
	input->in.pos += nr_bytes;
	out->pos += nr_bytes;
}

static int input_decompress(struct input *input, ZSTD_outBuffer *out)
{
	size_t left = ZSTD_decompressStream(input->zstd, out, &input->in);

	if (ZSTD_isError(left)) {
		log_error("'%s' is damaged: zstd says: %s", input->name,
			  ZSTD_getErrorName(left));
		return -EBADMSG;
	}
	input->is_in_frame = left != 0;
	return 0;
}

int input_peek(const char *name, char bytes[INPUT_MAX_PEEK],
	       size_t *ret_nr_bytes)
{
	struct input *input;
	int err;

	err = input_open(name, &input);
	if (err < 0)
		return err;
	err = input_read(input, INPUT_MAX_PEEK, input->peeked,
			 &input->nr_peeked);
	if (err == 0) {
		*ret_nr_bytes = input->nr_peeked;
		memcpy(bytes, input->peeked, input->nr_peeked);
	}
	if (err == 0 && strcmp(name, "-") == 0)
		input_kept = input;
	else
		input_close(input);
	return err;
}

int input_read(struct input *input, size_t max_bytes, void *bytes,
	       size_t *ret_nr_bytes)
{
	ZSTD_outBuffer out = { .dst = bytes, .size = max_bytes };
	int err = 0;

	for (; input->peeked_from < input->nr_peeked && out.pos < out.size;
	     out.pos++)
		((char *)bytes)[out.pos] = input->peeked[input->peeked_from++];
	while (err == 0 && out.pos < out.size) {
		size_t before = out.pos;

		err = input_refill(input);
		if (err < 0)
			break;
		if (!input->zstd)
			input_copy(input, &out);
		else if (input->in.pos < input->in.size || input->is_in_frame)
			err = input_decompress(input, &out);
		/* Nothing more comes out of what there is, and no more is. */
		if (input->is_end && out.pos == before)
			break;
	}
	/* What came before the end is handed out first. */
	if (out.pos == 0 && err == 0 && input->is_in_frame) {
		log_error("'%s' is cut off: its zstd data end too early",
			  input->name);
		err = -EBADMSG;
	}
	if (err < 0)
		return err;
	*ret_nr_bytes = out.pos;
	return 0;
}

const char *input_name(const struct input *input)
{
	return input->name;
}

uint64_t input_position(const struct input *input)
{
	return input->position;
}

bool input_length(const struct input *input, uint64_t *ret_nr_bytes)
{
	if (input->has_length)
		*ret_nr_bytes = input->length;
	return input->has_length;
}
