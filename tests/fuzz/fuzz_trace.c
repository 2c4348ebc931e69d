// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as a trace of any format, with any options: whole and in pieces they
 * give the same accesses and the same error; and what is written of them is read
 * as the same again. The first bytes choose options and pieces.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <mrc/trace.h>

#define MAX_ACCESSES 3000
#define OPTION_BYTES 8

struct seen {
	size_t nr_accesses;
	bool has_times;
	bool has_sizes;
	bool has_nexts;
	int err;
	uint64_t nr_skipped;
	uint64_t error_record;
	const char *error;
	uint64_t pages[MAX_ACCESSES];
	uint64_t times[MAX_ACCESSES];
	uint64_t sizes[MAX_ACCESSES];
	int64_t nexts[MAX_ACCESSES];
	bool is_write[MAX_ACCESSES];
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A split access may be of a million pages: enough is enough. */
static int take(void *context, const struct mrc_trace_batch *batch)
{
	struct seen *seen = context;
	size_t i;

	if (batch->nr_accesses == 0)
		abort();
	for (i = 0; i < batch->nr_accesses; i++) {
		size_t n = seen->nr_accesses;

		if (n == MAX_ACCESSES)
			return -ECANCELED;
		seen->nr_accesses++;
		seen->pages[n] = batch->pages[i];
		seen->is_write[n] = batch->is_write[i];
		seen->has_times = batch->times != NULL;
		seen->has_sizes = batch->sizes_bytes != NULL;
		seen->has_nexts = batch->nexts != NULL;
		seen->times[n] = seen->has_times ? batch->times[i] : 0;
		seen->sizes[n] = seen->has_sizes ? batch->sizes_bytes[i] : 0;
		seen->nexts[n] = seen->has_nexts ? batch->nexts[i] : 0;
	}
	return 0;
}

/* Pieces of 0 to @max_piece bytes; false if the options do not go together. */
static bool parse(enum mrc_trace_format format,
		  const struct mrc_trace_options *options, const uint8_t *bytes,
		  size_t nr_bytes, size_t max_piece, struct seen *seen)
{
	struct mrc_trace_parser *parser;
	size_t nr_piece = 0;

	memset(seen, 0, sizeof(*seen));
	if (mrc_trace_parser_new(format, options, take, seen, &parser) < 0)
		return false;
	while (seen->err == 0 && nr_bytes > 0) {
		size_t nr = nr_piece < nr_bytes ? nr_piece : nr_bytes;
		/* As large as it is, for the sanitiser to see. */
		uint8_t *piece = malloc(nr);

		if (piece == NULL && nr > 0)
			abort();
		if (nr > 0)
			memcpy(piece, bytes, nr);
		seen->err = mrc_trace_parser_feed(parser, piece, nr);
		free(piece);
		bytes += nr;
		nr_bytes -= nr;
		nr_piece = nr_piece >= max_piece ? 1 : nr_piece + 1;
		if (max_piece == SIZE_MAX)
			nr_piece = SIZE_MAX;
	}
	if (seen->err == 0)
		seen->err = mrc_trace_parser_finish(parser);
	seen->nr_skipped = mrc_trace_parser_nr_skipped(parser);
	seen->error = mrc_trace_parser_error(parser, &seen->error_record);
	mrc_trace_parser_free(parser);
	return true;
}

static void write_and_read(const struct seen *seen,
			   enum mrc_trace_format format)
{
	static uint8_t bytes[(MAX_ACCESSES + 1) * MRC_TRACE_MAX_WRITTEN_BYTES];
	const struct mrc_trace_options columns = {
		.page = { .name = "page" },
		.write = { .name = "write" },
	};
	const struct mrc_trace_batch batch = {
		.nr_accesses = seen->nr_accesses,
		.pages = seen->pages,
		.is_write = seen->is_write,
		.times = seen->has_times ? seen->times : NULL,
		.sizes_bytes = seen->has_sizes ? seen->sizes : NULL,
	};
	static struct seen again;
	size_t nr_header = 0;
	size_t nr_bytes = 0;
	size_t nr = 0;

	if (mrc_trace_write_header(format, &batch, sizeof(bytes), bytes,
				   &nr_header) < 0)
		abort();
	if (mrc_trace_write(format, &batch, 0, sizeof(bytes) - nr_header,
			    bytes + nr_header, &nr, &nr_bytes) < 0)
		abort();
	if (nr != seen->nr_accesses ||
	    !parse(format, &columns, bytes, nr_header + nr_bytes, SIZE_MAX,
		   &again))
		abort();
	if (again.err != 0 || again.nr_accesses != nr ||
	    memcmp(again.pages, seen->pages, sizeof(seen->pages)) != 0)
		abort();
	if (format != MRC_TRACE_U64 &&
	    memcmp(again.is_write, seen->is_write, sizeof(seen->is_write)) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { NULL, NULL, "page", "a" };
	static const char separators[] = { 0, ';', '\t', 'x' };
	static struct seen whole;
	static struct seen pieces;
	struct mrc_trace_options options;
	enum mrc_trace_format format;
	enum mrc_trace_format guess;

	if (size < OPTION_BYTES)
		return 0;
	format = (enum mrc_trace_format)(data[0] % 6);
	options = (struct mrc_trace_options){
		.unit = (enum mrc_trace_unit)(data[1] % 3),
		.page_bytes = data[2] > 64 ? 0 : UINT64_C(1) << data[2] % 64,
		.is_hex = data[3] & 1,
		.hash_ids = data[3] & 2,
		.no_split = data[3] & 4,
		.with_fetches = data[3] & 8,
		.skip_bad = data[3] & 16,
		.has_header = data[3] & 32,
		.separator = separators[data[3] >> 6],
		.page = { names[data[4] % 4], data[4] / 4 % 4 },
		.write = { names[data[5] % 4], data[5] / 4 % 4 },
		.time = { names[data[6] % 4], data[6] / 4 % 4 },
		.size = { names[data[7] % 4], data[7] / 4 % 4 },
	};
	data += OPTION_BYTES;
	size -= OPTION_BYTES;
	if ((mrc_trace_detect(data, size, &guess) == 0) != (size > 0))
		abort();
	if (!parse(format, &options, data, size, SIZE_MAX, &whole))
		return 0;
	if (!parse(format, &options, data, size, 13, &pieces))
		abort();
	if (whole.nr_accesses == MAX_ACCESSES) {
		/* The parser was stopped, sooner or later. */
		if (pieces.nr_accesses != MAX_ACCESSES ||
		    memcmp(whole.pages, pieces.pages, sizeof(whole.pages)) != 0)
			abort();
		return 0;
	}
	if (memcmp(&whole, &pieces, sizeof(whole)) != 0)
		abort();
	if (whole.err == -EBADMSG && whole.error == NULL)
		abort();
	write_and_read(&whole, MRC_TRACE_TEXT);
	write_and_read(&whole, MRC_TRACE_U64);
	write_and_read(&whole, MRC_TRACE_CSV);
	return 0;
}
