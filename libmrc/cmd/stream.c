// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "input.h"
#include "log.h"
#include "progress.h"
#include "workload.h"

#define STREAM_BUFFER_BYTES ((size_t)256 << 10)
#define STREAM_GENERATED 4096

/* What the sink of a parser returns when the limit is reached: no -errno. */
#define STREAM_STOP 1

static const char stream_generator_prefix[] = "gen:";

static const char *const stream_formats[] = {
	[MRC_TRACE_TEXT] = "text",
	[MRC_TRACE_U64] = "u64",
	[MRC_TRACE_CSV] = "csv",
	[MRC_TRACE_ORACLE_GENERAL] = "oracle-general",
	[MRC_TRACE_LACKEY] = "lackey",
	[MRC_TRACE_PERF] = "perf",
};

#define STREAM_NR_FORMATS (sizeof(stream_formats) / sizeof(stream_formats[0]))

/**
 * struct stream - one run
 * @nr_seen: accesses so far, those skipped included
 * @nr_taken: accesses handed to the sink
 * @window_start: value of @nr_taken when the window began
 * @sink_error: what the sink returned
 */
struct stream {
	const struct stream_options *options;
	const struct stream_sink *sink;
	struct progress progress;
	uint64_t nr_seen;
	uint64_t nr_taken;
	uint64_t window_start;
	int sink_error;
};

const char *stream_format_name(enum mrc_trace_format format)
{
	return stream_formats[format];
}

int stream_format_from_name(const char *name, enum mrc_trace_format *ret_format)
{
	size_t i;

	for (i = 0; i < STREAM_NR_FORMATS; i++) {
		if (strcmp(name, stream_formats[i]) == 0) {
			*ret_format = (enum mrc_trace_format)i;
			return 0;
		}
	}
	return -EINVAL;
}

bool stream_is_generator(const char *name)
{
	return strncmp(name, stream_generator_prefix,
		       strlen(stream_generator_prefix)) == 0;
}

/* The accesses [first, first + nr_accesses) of a batch. */
static struct mrc_trace_batch stream_part(const struct mrc_trace_batch *batch,
					  size_t first, size_t nr_accesses)
{
	struct mrc_trace_batch part = *batch;

	part.nr_accesses = nr_accesses;
	part.pages += first;
	part.is_write += first;
	if (part.times)
		part.times += first;
	if (part.sizes_bytes)
		part.sizes_bytes += first;
	if (part.nexts)
		part.nexts += first;
	return part;
}

static int stream_end_window(struct stream *stream)
{
	uint64_t first = stream->window_start;

	if (stream->nr_taken == first)
		return 0;
	stream->window_start = stream->nr_taken;
	if (!stream->sink->window_end)
		return 0;
	return stream->sink->window_end(stream->sink->context,
					stream->options->skip + first + 1,
					stream->nr_taken - first);
}

/* Hands on what is neither skipped nor behind the limit, window by window. */
static int stream_take(struct stream *stream,
		       const struct mrc_trace_batch *batch)
{
	const struct stream_options *options = stream->options;
	size_t first = 0;

	if (stream->nr_seen < options->skip) {
		uint64_t left = options->skip - stream->nr_seen;

		first = left < batch->nr_accesses ? (size_t)left :
						    batch->nr_accesses;
	}
	stream->nr_seen += first;
	while (first < batch->nr_accesses) {
		uint64_t room = batch->nr_accesses - first;
		struct mrc_trace_batch part;
		int err;

		if (options->limit && room > options->limit - stream->nr_taken)
			room = options->limit - stream->nr_taken;
		if (room == 0)
			return STREAM_STOP;
		if (options->window &&
		    room > options->window -
				    (stream->nr_taken - stream->window_start))
			room = options->window -
			       (stream->nr_taken - stream->window_start);
		part = stream_part(batch, first, (size_t)room);
		err = stream->sink->access(stream->sink->context, &part);
		if (err < 0)
			return err;
		first += (size_t)room;
		stream->nr_seen += room;
		stream->nr_taken += room;
		if (options->window &&
		    stream->nr_taken - stream->window_start ==
			    options->window) {
			err = stream_end_window(stream);
			if (err < 0)
				return err;
		}
	}
	/* Without waiting for the input to say more. */
	return options->limit && stream->nr_taken == options->limit ?
		       STREAM_STOP :
		       0;
}

static int stream_sink(void *context, const struct mrc_trace_batch *batch)
{
	struct stream *stream = context;

	stream->sink_error = stream_take(stream, batch);
	return stream->sink_error;
}

/* Returns 0; STREAM_STOP; -errno, logged. */
static int stream_judge(struct stream *stream, const struct input *input,
			const struct mrc_trace_parser *parser,
			const char *format, int err)
{
	const char *problem;
	uint64_t record;

	if (err == 0 || stream->sink_error != 0)
		return err;
	progress_end(&stream->progress);
	problem = mrc_trace_parser_error(parser, &record);
	if (err == -EBADMSG && problem)
		log_error("'%s', %s %" PRIu64
			  ": %s; it is read as '%s', see --format",
			  input_name(input),
			  strcmp(format, "u64") == 0 ||
					  strcmp(format, "oracle-general") ==
						  0 ?
				  "record" :
				  "line",
			  record, problem, format);
	else
		log_error("cannot read '%s': %s", input_name(input),
			  strerror(-err));
	return err;
}

static int stream_parse(struct stream *stream, struct input *input,
			struct mrc_trace_parser *parser, const char *format,
			char *bytes, size_t nr_bytes)
{
	uint64_t length = 0;
	int err;

	for (;;) {
		if (nr_bytes == 0)
			return stream_judge(stream, input, parser, format,
					    mrc_trace_parser_finish(parser));
		err = stream_judge(stream, input, parser, format,
				   mrc_trace_parser_feed(parser, bytes,
							 nr_bytes));
		if (err != 0)
			return err;
		progress_update(&stream->progress,
				input_length(input, &length) && length > 0 ?
					(double)input_position(input) /
						(double)length :
					-1,
				stream->nr_seen);
		err = input_read(input, STREAM_BUFFER_BYTES, bytes, &nr_bytes);
		if (err < 0)
			return err;
	}
}

static int stream_run_input(struct stream *stream, struct input *input)
{
	const struct stream_options *options = stream->options;
	enum mrc_trace_format format = options->format;
	_cleanup_free_ char *bytes = malloc(STREAM_BUFFER_BYTES);
	struct mrc_trace_parser *parser;
	size_t nr_bytes = 0;
	uint64_t nr_skipped;
	int err;

	if (!bytes) {
		log_error("out of memory");
		return -ENOMEM;
	}
	err = input_read(input, STREAM_BUFFER_BYTES, bytes, &nr_bytes);
	if (err < 0)
		return err;
	if (nr_bytes == 0) {
		log_error("'%s' is empty", input_name(input));
		return -ENODATA;
	}
	if (!options->has_format)
		(void)mrc_trace_detect(bytes, nr_bytes, &format);
	err = mrc_trace_parser_new(format, &options->trace, stream_sink, stream,
				   &parser);
	if (err < 0) {
		log_error("cannot read '%s' as '%s': %s", input_name(input),
			  stream_formats[format],
			  err == -EINVAL ?
				  "these options do not go with that format" :
				  strerror(-err));
		return err;
	}
	err = stream_parse(stream, input, parser, stream_formats[format], bytes,
			   nr_bytes);
	progress_end(&stream->progress);
	nr_skipped = mrc_trace_parser_nr_skipped(parser);
	if (err >= 0 && nr_skipped > 0)
		log_note("'%s': %" PRIu64 " bad records left out",
			 input_name(input), nr_skipped);
	mrc_trace_parser_free(parser);
	return err;
}

static int stream_run_file(struct stream *stream, const char *name)
{
	struct input *input;
	int err;

	err = input_open(name, &input);
	if (err < 0)
		return err;
	err = stream_run_input(stream, input);
	if (err >= 0 && stream->nr_taken == 0) {
		log_error(stream->nr_seen > 0 ?
				  "'%s' has no more accesses than --skip" :
				  "'%s' has no accesses",
			  input_name(input));
		err = -ENODATA;
	}
	input_close(input);
	return err;
}

static int stream_run_generator(struct stream *stream, const char *workload)
{
	const struct stream_options *options = stream->options;
	uint64_t total = options->skip + options->limit;
	struct mrc_gen *gen;
	int err;

	err = workload_new(workload, options->seed, &gen);
	if (err < 0)
		return err;
	while (err == 0) {
		uint64_t pages[STREAM_GENERATED];
		bool is_write[STREAM_GENERATED];
		struct mrc_trace_batch batch = {
			.nr_accesses = STREAM_GENERATED,
			.pages = pages,
			.is_write = is_write,
		};

		mrc_gen_next(gen, STREAM_GENERATED, pages, is_write);
		err = stream_take(stream, &batch);
		progress_update(&stream->progress,
				(double)stream->nr_seen / (double)total,
				stream->nr_seen);
	}
	progress_end(&stream->progress);
	mrc_gen_free(gen);
	return err;
}

int stream_run(const char *name, const struct stream_options *options,
	       const struct stream_sink *sink)
{
	struct stream_options settled = *options;
	struct stream stream = {
		.options = &settled,
		.sink = sink,
		.progress = progress_start(options->is_quiet),
	};
	int err;

	if (stream_is_generator(name)) {
		if (settled.limit == 0)
			settled.limit = STREAM_DEFAULT_LIMIT;
		err = stream_run_generator(
			&stream, name + strlen(stream_generator_prefix));
	} else {
		err = stream_run_file(&stream, name);
	}
	if (err < 0)
		return err;
	return stream_end_window(&stream);
}
