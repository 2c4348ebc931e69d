// SPDX-License-Identifier: LGPL-2.1-or-later
/* Writing traces: generate and convert. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "curve_file.h"
#include "log.h"
#include "output.h"
#include "verbs.h"

#define CONVERT_BUFFER_BYTES ((size_t)64 << 10)

/**
 * struct convert - a trace being written
 * @format: of it
 * @output: goes here
 * @has_header: its header was written
 * @bytes: CONVERT_BUFFER_BYTES
 */
struct convert {
	enum mrc_trace_format format;
	struct output output;
	bool has_header;
	char *bytes;
};

static void convert_done(struct convert *convert)
{
	output_done(&convert->output);
	free(convert->bytes);
}

static int convert_put(struct convert *convert, size_t nr_bytes)
{
	if (fwrite(convert->bytes, 1, nr_bytes, convert->output.stream) ==
	    nr_bytes)
		return 0;
	return output_check(&convert->output);
}

static int convert_log(const struct convert *convert,
		       const struct mrc_trace_batch *batch, int err)
{
	if (err == -EINVAL && convert->format == MRC_TRACE_ORACLE_GENERAL &&
	    !batch->nexts)
		log_error(
			"oracle-general needs the next access of each: it can be written only from the same format");
	else if (err == -ERANGE)
		log_error(
			"oracle-general has only 32 bits for a time and a size, and one is larger");
	else
		log_error("cannot write as '%s': %s",
			  stream_format_name(convert->format), strerror(-err));
	return err;
}

static int convert_header(struct convert *convert,
			  const struct mrc_trace_batch *batch)
{
	size_t nr_bytes;
	int err;

	convert->has_header = true;
	err = mrc_trace_write_header(convert->format, batch,
				     CONVERT_BUFFER_BYTES, convert->bytes,
				     &nr_bytes);
	if (err < 0)
		return convert_log(convert, batch, err);
	return convert_put(convert, nr_bytes);
}

static int convert_access(void *context, const struct mrc_trace_batch *batch)
{
	struct convert *convert = context;
	size_t first = 0;
	int err = 0;

	if (!convert->has_header)
		err = convert_header(convert, batch);
	while (err == 0 && first < batch->nr_accesses) {
		size_t nr_accesses, nr_bytes;

		err = mrc_trace_write(convert->format, batch, first,
				      CONVERT_BUFFER_BYTES, convert->bytes,
				      &nr_accesses, &nr_bytes);
		if (err < 0)
			return convert_log(convert, batch, err);
		first += nr_accesses;
		err = convert_put(convert, nr_bytes);
	}
	return err;
}

/* As gzip(1) does: bytes that are no text do a terminal no good. */
static int convert_check_terminal(const struct options *options, bool is_text)
{
	if (options->output_path || is_text || !isatty(STDOUT_FILENO))
		return 0;
	log_error(
		"this is not text: it is not written to a terminal; redirect it, or use --output FILE");
	return -EINVAL;
}

static int convert_trace(const struct options *options, const char *input)
{
	CLEANUP(convert_done)
	struct convert convert = {
		.format = options->has_to ? options->to : MRC_TRACE_TEXT,
	};
	struct stream_sink sink = {
		.context = &convert,
		.access = convert_access,
	};
	int err;

	err = convert_check_terminal(options,
				     convert.format == MRC_TRACE_TEXT ||
					     convert.format == MRC_TRACE_CSV);
	if (err < 0)
		return err;
	convert.bytes = malloc(CONVERT_BUFFER_BYTES);
	if (!convert.bytes) {
		log_error("out of memory");
		return -ENOMEM;
	}
	err = output_open(options->output_path, &convert.output);
	if (err == 0)
		err = stream_run(input, &options->stream, &sink);
	if (err == 0)
		err = output_finish(&convert.output);
	return err;
}

int verb_generate(const struct options *options)
{
	_cleanup_free_ char *input = NULL;

	if (stream_is_generator(options->inputs[0]))
		return verb_status(convert_trace(options, options->inputs[0]));
	if (asprintf(&input, "gen:%s", options->inputs[0]) < 0) {
		input = NULL;
		log_error("out of memory");
		return EXIT_STATUS_FAILED;
	}
	return verb_status(convert_trace(options, input));
}

static int convert_curve(const struct options *options)
{
	CLEANUP(result_set_done)
	struct result_set set = {
		.title = strdup(verb_title(options->inputs[0])),
	};
	CLEANUP(output_done) struct output output = { 0 };
	enum options_target target = options->has_to ? options->target :
						       OPTIONS_TO_CURVE_JSON;
	int err;

	if (target == OPTIONS_TO_TRACE) {
		log_error("'%s' is a curve: --to takes json or binary",
			  options->inputs[0]);
		return -EINVAL;
	}
	if (!set.title) {
		log_error("out of memory");
		return -ENOMEM;
	}
	err = convert_check_terminal(options, target == OPTIONS_TO_CURVE_JSON);
	if (err == 0)
		err = curve_file_add(options->inputs[0], &set);
	if (err == 0)
		err = output_open(options->output_path, &output);
	if (err == 0)
		err = curve_file_write(output.stream, options, &set, target);
	if (err == 0)
		err = output_finish(&output);
	return err;
}

int verb_convert(const struct options *options)
{
	bool is_curve;
	int err;

	err = curve_file_is(options->inputs[0], &is_curve);
	if (err < 0)
		return verb_status(err);
	if (is_curve)
		return verb_status(convert_curve(options));
	if (options->has_to && options->target != OPTIONS_TO_TRACE) {
		log_error(
			"'%s' is a trace: make a curve of it with 'mrc curve --output FILE'",
			verb_title(options->inputs[0]));
		return EXIT_STATUS_FAILED;
	}
	return verb_status(convert_trace(options, options->inputs[0]));
}
