// SPDX-License-Identifier: GPL-2.0-or-later
#include "recording.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <zstd.h>

#include "fields.h"

/* Cheap, and later ticks are short as they resemble former ones. */
#define RECORDING_ZSTD_LEVEL 3

/* What a hostile file may make a reader set aside: 8 MiB. */
#define RECORDING_WINDOW_LOG 23

#define RECORDING_MODE 0600

#define RECORDING_KEY "kvm_aet_recording"

struct recording_writer {
	char *path;
	int fd;
	uint64_t max_bytes;
	uint64_t written_bytes;
	int err;
	ZSTD_CCtx *zstd;
	char *buffer;
	size_t buffer_bytes;
};

static int write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t done = write(fd, data, size);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		data += done;
		size -= (size_t)done;
	}
	return 0;
}

/* Compresses and writes; with @end flushed that far. */
static int writer_put(struct recording_writer *writer, const char *data,
		      size_t size, ZSTD_EndDirective end)
{
	ZSTD_inBuffer in = { .src = data, .size = size };
	size_t left;

	do {
		ZSTD_outBuffer out = { .dst = writer->buffer,
				       .size = writer->buffer_bytes };
		int err;

		left = ZSTD_compressStream2(writer->zstd, &out, &in, end);
		if (ZSTD_isError(left))
			return -ENOMEM;
		err = write_all(writer->fd, writer->buffer, out.pos);
		if (err < 0)
			return err;
		writer->written_bytes += out.pos;
	} while (left > 0);
	return 0;
}

/* An existing file becomes PATH.1, and @ret_fd is a new one. */
static int writer_create(const char *path, int *ret_fd)
{
	_cleanup_free_ char *old_path = NULL;
	struct stat status;
	int fd;

	if (!*path)
		return -ENOENT;
	if (lstat(path, &status) == 0) {
		if (!S_ISREG(status.st_mode))
			return -EEXIST;
		if (asprintf(&old_path, "%s.1", path) < 0) {
			old_path = NULL;
			return -ENOMEM;
		}
		if (rename(path, old_path) < 0)
			return -errno;
	} else if (errno != ENOENT) {
		return -errno;
	}
	/* Nothing that somebody puts there meanwhile is written to. */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		  RECORDING_MODE);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static int writer_begin(struct recording_writer *writer)
{
	_cleanup_json_ json_t *header = json_object();
	_cleanup_free_ char *line = NULL, *text = NULL;
	int err;

	err = writer_create(writer->path, &writer->fd);
	if (err < 0)
		return err;
	writer->written_bytes = 0;
	if (fields_set(header, RECORDING_KEY, json_integer(RECORDING_VERSION)) <
	    0)
		return -ENOMEM;
	text = fields_dump(header);
	if (!text || asprintf(&line, "%s\n", text) < 0) {
		line = NULL;
		return -ENOMEM;
	}
	return writer_put(writer, line, strlen(line), ZSTD_e_flush);
}

/* Ends the file properly; what could not be written is lost. */
static int writer_end(struct recording_writer *writer)
{
	int err = writer->err < 0 ? 0 : writer_put(writer, "", 0, ZSTD_e_end);

	(void)close(TAKE_FD(writer->fd));
	(void)ZSTD_CCtx_reset(writer->zstd, ZSTD_reset_session_only);
	return err;
}

static void cleanup_writer(struct recording_writer **writer)
{
	recording_writer_close(*writer);
}

int recording_writer_open(const char *path, uint64_t max_bytes,
			  struct recording_writer **ret_writer)
{
	CLEANUP(cleanup_writer) struct recording_writer *writer = NULL;
	int err;

	writer = calloc(1, sizeof(*writer));
	if (!writer)
		return -ENOMEM;
	writer->fd = -1;
	writer->max_bytes = max_bytes;
	writer->path = strdup(path);
	writer->zstd = ZSTD_createCCtx();
	writer->buffer_bytes = ZSTD_CStreamOutSize();
	writer->buffer = malloc(writer->buffer_bytes);
	if (!writer->path || !writer->zstd || !writer->buffer ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(writer->zstd,
						ZSTD_c_compressionLevel,
						RECORDING_ZSTD_LEVEL)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(writer->zstd,
						ZSTD_c_checksumFlag, 1)))
		return -ENOMEM;
	err = writer_begin(writer);
	if (err < 0) {
		writer->err = err;
		return err;
	}
	*ret_writer = TAKE_PTR(writer);
	return 0;
}

static int writer_put_tick(struct recording_writer *writer,
			   const struct tick *tick,
			   const struct recording_params *params)
{
	_cleanup_json_ json_t *json = recording_tick_to_json(tick);
	_cleanup_free_ char *text = NULL;
	int err;

	if (!json || recording_params_to_json(params, json) < 0)
		return -ENOMEM;
	text = fields_dump(json);
	if (!text)
		return -ENOMEM;
	if (writer->max_bytes > 0 &&
	    writer->written_bytes >= writer->max_bytes) {
		err = writer_end(writer);
		if (err == 0)
			err = writer_begin(writer);
		if (err < 0)
			return err;
	}
	err = writer_put(writer, text, strlen(text), ZSTD_e_continue);
	if (err < 0)
		return err;
	return writer_put(writer, "\n", 1, ZSTD_e_flush);
}

int recording_write(struct recording_writer *writer, const struct tick *tick,
		    const struct recording_params *params)
{
	if (writer->err == 0)
		writer->err = writer_put_tick(writer, tick, params);
	return writer->err;
}

void recording_writer_close(struct recording_writer *writer)
{
	if (!writer)
		return;
	if (writer->fd >= 0)
		(void)writer_end(writer);
	(void)ZSTD_freeCCtx(writer->zstd);
	free(writer->buffer);
	free(writer->path);
	free(writer);
}

/**
 * struct recording_reader - a file being read
 * @path: for messages
 * @fd: descriptor
 * @is_plain: not compressed
 * @is_eof: nothing more is to be read from @fd
 * @line_number: of the line read last
 * @params: of the tick read last
 * @zstd: decompressor
 * @in: read and not yet decompressed: from @in_start to @in_end
 * @text: decompressed and not yet given out: from @text_start to @text_end
 * @text_searched: up to there it has no end of a line
 */
struct recording_reader {
	char *path;
	int fd;
	bool is_plain;
	bool is_eof;
	uint64_t line_number;
	struct recording_params params;
	ZSTD_DCtx *zstd;
	char *in;
	size_t in_bytes, in_start, in_end;
	char *text;
	size_t text_bytes, text_start, text_end, text_searched;
};

__attribute__((format(printf, 3, 4))) static int
reader_fail(const struct recording_reader *reader,
	    char ret_error[RECORDING_ERROR_BYTES], const char *format, ...)
{
	char what[RECORDING_ERROR_BYTES];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	/* A long path must not hide what is wrong. */
	(void)snprintf(ret_error, RECORDING_ERROR_BYTES,
		       "%.100s:%" PRIu64 ": %.120s", reader->path,
		       reader->line_number, what);
	return -EBADMSG;
}

static int reader_fill(struct recording_reader *reader)
{
	ssize_t got;

	if (reader->in_start < reader->in_end || reader->is_eof)
		return 0;
	do
		got = read(reader->fd, reader->in, reader->in_bytes);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	reader->is_eof = got == 0;
	reader->in_start = 0;
	reader->in_end = (size_t)got;
	return 0;
}

/* Room behind the text; first by moving it to the front. */
static int reader_make_room(struct recording_reader *reader)
{
	size_t size = reader->text_end - reader->text_start;
	size_t larger_bytes = 2 * reader->text_bytes;
	char *larger;

	if (reader->text_start > 0) {
		memmove(reader->text, reader->text + reader->text_start, size);
		reader->text_searched -= reader->text_start;
		reader->text_start = 0;
		reader->text_end = size;
	}
	if (size < reader->text_bytes)
		return 0;
	if (larger_bytes > RECORDING_MAX_LINE_BYTES)
		return -EMSGSIZE;
	larger = realloc(reader->text, larger_bytes);
	if (!larger)
		return -ENOMEM;
	reader->text = larger;
	reader->text_bytes = larger_bytes;
	return 0;
}

/* Turns some input into text. */
static int reader_decode(struct recording_reader *reader)
{
	ZSTD_outBuffer out = { .dst = reader->text,
			       .size = reader->text_bytes,
			       .pos = reader->text_end };
	ZSTD_inBuffer in = { .src = reader->in,
			     .size = reader->in_end,
			     .pos = reader->in_start };
	size_t result, size = reader->in_end - reader->in_start;

	if (reader->is_plain) {
		if (size > reader->text_bytes - reader->text_end)
			size = reader->text_bytes - reader->text_end;
		memcpy(reader->text + reader->text_end,
		       reader->in + reader->in_start, size);
		reader->text_end += size;
		reader->in_start += size;
		return 0;
	}
	result = ZSTD_decompressStream(reader->zstd, &out, &in);
	if (ZSTD_isError(result))
		return -EBADMSG;
	reader->text_end = out.pos;
	reader->in_start = in.pos;
	return 0;
}

/* As ZSTD_decompressStream() may hold back output, room is tried first. */
static int reader_more(struct recording_reader *reader, bool *ret_is_end)
{
	size_t before;
	int err;

	err = reader_make_room(reader);
	if (err < 0)
		return err;
	err = reader_fill(reader);
	if (err < 0)
		return err;
	before = reader->text_end;
	err = reader_decode(reader);
	*ret_is_end = reader->is_eof && reader->text_end == before;
	return err;
}

/* 1: a line, ended by 0 and valid until the next call; 0: the end. */
static int reader_line(struct recording_reader *reader, char **ret_line,
		       size_t *ret_size, char ret_error[RECORDING_ERROR_BYTES])
{
	reader->line_number++;
	for (;;) {
		char *end = memchr(reader->text + reader->text_searched, '\n',
				   reader->text_end - reader->text_searched);
		bool is_end = false;
		int err;

		if (end) {
			*end = '\0';
			*ret_line = reader->text + reader->text_start;
			*ret_size = (size_t)(end - *ret_line);
			reader->text_start += *ret_size + 1;
			reader->text_searched = reader->text_start;
			return 1;
		}
		reader->text_searched = reader->text_end;
		err = reader_more(reader, &is_end);
		if (err == -EBADMSG)
			return reader_fail(reader, ret_error,
					   "the compressed data are damaged");
		if (err == -EMSGSIZE)
			return reader_fail(reader, ret_error,
					   "longer than any line of ours");
		if (err < 0) {
			(void)reader_fail(reader, ret_error, "%s",
					  strerror(-err));
			return err;
		}
		/* Half a line is what was cut short: no error. */
		if (is_end)
			return 0;
	}
}

static int reader_line_json(struct recording_reader *reader, json_t **ret_json,
			    char ret_error[RECORDING_ERROR_BYTES])
{
	json_error_t error;
	char *line = NULL;
	size_t size = 0;
	int got;

	got = reader_line(reader, &line, &size, ret_error);
	if (got <= 0)
		return got;
	*ret_json = json_loadb(line, size, JSON_REJECT_DUPLICATES, &error);
	if (!*ret_json)
		return reader_fail(reader, ret_error, "not JSON: %s",
				   error.text);
	return 1;
}

static int reader_check_header(struct recording_reader *reader,
			       char ret_error[RECORDING_ERROR_BYTES])
{
	_cleanup_json_ json_t *json = NULL;
	const json_t *version;
	int got;

	got = reader_line_json(reader, &json, ret_error);
	version = json_object_get(json, RECORDING_KEY);
	if (got == 0 || (got > 0 && !json_is_integer(version)) ||
	    got == -EBADMSG)
		return reader_fail(reader, ret_error,
				   "not a recording of kvm-aet");
	if (got < 0)
		return got;
	if (json_integer_value(version) == RECORDING_VERSION)
		return 0;
	(void)reader_fail(
		reader, ret_error,
		"a recording of version %" JSON_INTEGER_FORMAT
		", and this kvm-aet reads version %d: use the kvm-aet that recorded it",
		json_integer_value(version), RECORDING_VERSION);
	return -EPROTO;
}

static void cleanup_reader(struct recording_reader **reader)
{
	recording_reader_close(*reader);
}

int recording_reader_open(const char *path,
			  struct recording_reader **ret_reader,
			  char ret_error[RECORDING_ERROR_BYTES])
{
	CLEANUP(cleanup_reader) struct recording_reader *reader = NULL;
	int err = 0;

	(void)snprintf(ret_error, RECORDING_ERROR_BYTES, "out of memory");
	reader = calloc(1, sizeof(*reader));
	if (!reader)
		return -ENOMEM;
	reader->fd = -1;
	recording_params_init(&reader->params);
	reader->path = strdup(path);
	reader->zstd = ZSTD_createDCtx();
	reader->in_bytes = ZSTD_DStreamInSize();
	reader->in = malloc(reader->in_bytes);
	reader->text_bytes = ZSTD_DStreamOutSize();
	reader->text = malloc(reader->text_bytes);
	if (!reader->path || !reader->zstd || !reader->in || !reader->text ||
	    ZSTD_isError(ZSTD_DCtx_setParameter(
		    reader->zstd, ZSTD_d_windowLogMax, RECORDING_WINDOW_LOG)))
		return -ENOMEM;
	if (strcmp(path, "-") == 0)
		reader->fd = dup(STDIN_FILENO);
	else
		reader->fd = open(path, O_RDONLY | O_CLOEXEC);
	err = reader->fd < 0 ? -errno : reader_fill(reader);
	if (err < 0) {
		(void)snprintf(ret_error, RECORDING_ERROR_BYTES, "%.150s: %s",
			       path, strerror(-err));
		return err;
	}
	reader->is_plain = reader->in_end > 0 && reader->in[0] == '{';
	err = reader_check_header(reader, ret_error);
	if (err < 0)
		return err;
	*ret_reader = TAKE_PTR(reader);
	return 0;
}

int recording_read(struct recording_reader *reader, struct tick *ret_tick,
		   char ret_error[RECORDING_ERROR_BYTES])
{
	_cleanup_json_ json_t *json = NULL;
	char what[RECORDING_ERROR_BYTES];
	int err;

	err = reader_line_json(reader, &json, ret_error);
	if (err <= 0)
		return err;
	err = recording_params_from_json(json, &reader->params, what);
	if (err == 0)
		err = recording_tick_from_json(json, ret_tick, what);
	if (err == -EBADMSG)
		return reader_fail(reader, ret_error, "%s", what);
	if (err < 0) {
		(void)reader_fail(reader, ret_error, "%s", strerror(-err));
		return err;
	}
	return 1;
}

const struct recording_params *
recording_read_params(const struct recording_reader *reader)
{
	return &reader->params;
}

void recording_reader_close(struct recording_reader *reader)
{
	if (!reader)
		return;
	if (reader->fd >= 0)
		(void)close(reader->fd);
	(void)ZSTD_freeDCtx(reader->zstd);
	free(reader->in);
	free(reader->text);
	free(reader->path);
	free(reader);
}
