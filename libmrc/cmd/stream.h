/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The page accesses of an argument: of a trace file, of standard input ("-"),
 * or of a generator ("gen:WORKLOAD").
 */
#ifndef CMD_STREAM_H
#define CMD_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include <mrc/trace.h>

/* What a generator makes if nothing limits it. */
#define STREAM_DEFAULT_LIMIT UINT64_C(1000000)

/**
 * struct stream_options - how to read
 * @has_format: @format is what the user says; else it is guessed
 * @format: of a trace
 * @trace: how to read a trace
 * @skip: leave out so many accesses at first
 * @limit: then take so many at most; 0 is all
 * @window: end a window after each so many; 0 is never
 * @seed: of generators
 * @is_quiet: show no progress
 */
struct stream_options {
	bool has_format;
	enum mrc_trace_format format;
	struct mrc_trace_options trace;
	uint64_t skip;
	uint64_t limit;
	uint64_t window;
	uint64_t seed;
	bool is_quiet;
};

/**
 * struct stream_sink - takes what is read; each returns 0 to go on, or -errno
 *	after logging why
 * @context: for the functions
 * @access: some accesses, in their order
 * @window_end: a window, and so also the last one, is full or all there is;
 *	@first: number of its first access, from 1 on. May be NULL.
 */
struct stream_sink {
	void *context;
	int (*access)(void *context, const struct mrc_trace_batch *batch);
	int (*window_end)(void *context, uint64_t first, uint64_t nr_accesses);
};

/*
 * Reads all of it. Returns 0; -errno, logged. An input without any access is an
 * error. What was handed to the sink before an error is no result.
 */
int stream_run(const char *name, const struct stream_options *options,
	       const struct stream_sink *sink);

/* Whether @name says generator, and not a file. */
bool stream_is_generator(const char *name);

/* The name of a format, and the format of a name. */
const char *stream_format_name(enum mrc_trace_format format);
int stream_format_from_name(const char *name,
			    enum mrc_trace_format *ret_format);

#endif /* CMD_STREAM_H */
