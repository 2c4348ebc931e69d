/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recording: one JSON object per line, zstd-compressed, mode 0600. The first
 * line tells the version, each further one a struct tick, with the parameters of its
 * decisions. `zstdcat | jq` reads it, too. Members that a reader does not know are
 * ignored, so they may be added without another version.
 *
 *	err = recording_reader_open(path, &reader, error);
 *	while ((got = recording_read(reader, &tick, error)) > 0) {
 *		...
 *		recording_tick_done(&tick);
 *	}
 *	recording_reader_close(reader);
 *
 * Whoever may read a recording sees when guests used how much memory.
 *
 * Threads: each writer and reader needs one at a time.
 */
#ifndef CONTROLLER_RECORDING_H
#define CONTROLLER_RECORDING_H

#include <jansson.h>

#include "policy/decide.h"

#define RECORDING_VERSION 1
#define RECORDING_ERROR_BYTES 256

/* Of a curve, so many are kept: none sees the difference. */
#define RECORDING_MAX_POINTS 64

/* No line is longer: over ten thousand VMs. */
#define RECORDING_MAX_LINE_BYTES (64U << 20)

/* Of growths in vain; by far fewer there is no hope left. */
#define RECORDING_MAX_VAIN_GROWTHS 1000

/* More memory than x86 can address; larger values are recorded as this. */
#define RECORDING_MAX_BYTES (UINT64_C(1) << 52)

/* What enumerators are called in recordings, on the control socket and in --json. */
const char *recording_mode_name(enum vm_mode mode);
const char *recording_wss_name(enum vm_wss wss);
const char *recording_verdict_name(enum verdict verdict);

/*
 * A tick as JSON, also what the control socket gives out; NULL: no memory.
 * Numbers that are not finite become null.
 */
json_t *recording_tick_to_json(const struct tick *tick);

/*
 * The reverse, for any JSON. What it accepts keeps the promises of view.h and
 * decide.h, but for page sizes. -EBADMSG with @ret_error; -ENOMEM. The tick owns
 * what it points to, to be freed with recording_tick_done().
 */
int recording_tick_from_json(const json_t *json, struct tick *ret_tick,
			     char ret_error[RECORDING_ERROR_BYTES]);

/* Frees what such a tick owns and empties it; an all-zero tick is fine. */
void recording_tick_done(struct tick *tick);

/**
 * struct recording_params - what a tick's decisions were made with, beside the tick
 * @is_known: from the configuration then; else these are the defaults
 * @policy: for decide_tick()
 * @guard: likewise
 */
struct recording_params {
	bool is_known;
	struct policy_params policy;
	struct guard_params guard;
};

/* The defaults. */
void recording_params_init(struct recording_params *params);

/* Adds them to a tick's JSON, if they are known. 0 or -ENOMEM. */
int recording_params_to_json(const struct recording_params *params,
			     json_t *tick);

/*
 * Those of a tick's JSON. A tick that has none is fine, and so is one that lacks
 * some: these are the defaults. What is accepted keeps the promises of policy.h and
 * decide.h. -EBADMSG with @ret_error; -ENOMEM.
 */
int recording_params_from_json(const json_t *tick,
			       struct recording_params *ret_params,
			       char ret_error[RECORDING_ERROR_BYTES]);

/*
 * The same curve in at most RECORDING_MAX_POINTS points of it, to be freed with
 * mrc_curve_free(): those that keep the greatest difference small. Sizes are
 * rounded to 0.01 pages, ratios to 0.000001. Returns 0 or -ENOMEM.
 */
int recording_thin_curve(const struct mrc_curve *curve,
			 struct mrc_curve **ret_curve);

struct recording_writer;

/*
 * Begins a new file; an existing one is kept as PATH.1. @max_bytes: once the file
 * is as large, the next tick begins a new one likewise; 0: never. -EEXIST: PATH is
 * not a regular file; -errno.
 */
int recording_writer_open(const char *path, uint64_t max_bytes,
			  struct recording_writer **ret_writer);

/*
 * Each tick is flushed as a block: a killed daemon loses at most the last one.
 * -errno: the file is good up to the tick before; then all further writes fail
 * likewise, and only a new writer begins a new file.
 */
int recording_write(struct recording_writer *writer, const struct tick *tick,
		    const struct recording_params *params);

/* NULL is fine. */
void recording_writer_close(struct recording_writer *writer);

struct recording_reader;

/*
 * @path: "-" is standard input; compressed or not. -EBADMSG, -EPROTO (another
 * version), -errno, all with @ret_error, one line that names @path.
 */
int recording_reader_open(const char *path,
			  struct recording_reader **ret_reader,
			  char ret_error[RECORDING_ERROR_BYTES]);

/*
 * 1: a tick, to be freed with recording_tick_done(); 0: the end, also of a
 * recording cut short; -EBADMSG, -errno with @ret_error, which names path and
 * line.
 */
int recording_read(struct recording_reader *reader, struct tick *ret_tick,
		   char ret_error[RECORDING_ERROR_BYTES]);

/* Of the tick that was read last; a loan. */
const struct recording_params *
recording_read_params(const struct recording_reader *reader);

/* NULL is fine. */
void recording_reader_close(struct recording_reader *reader);

#endif /* CONTROLLER_RECORDING_H */
