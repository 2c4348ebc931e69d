/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recording: one JSON object per line, zstd-compressed, mode 0600. The first
 * line tells the version, each further one a struct tick. `zstdcat | jq` reads
 * it, too.
 *
 * Whoever may read a recording sees when guests used how much memory.
 */
#ifndef CONTROLLER_RECORDING_H
#define CONTROLLER_RECORDING_H

#include <jansson.h>

#include "policy/decide.h"

#define RECORDING_VERSION 1
#define RECORDING_ERROR_BYTES 256

/* A tick as JSON, also what the control socket gives out; NULL: no memory. */
json_t *recording_tick_to_json(const struct tick *tick);

/*
 * The reverse. -EBADMSG with @ret_error. The tick owns what it points to, to be
 * freed with recording_tick_done().
 */
int recording_tick_from_json(const json_t *json, struct tick *ret_tick,
			     char ret_error[RECORDING_ERROR_BYTES]);
void recording_tick_done(struct tick *tick);

struct recording_writer;

/*
 * Begins a new file; an existing one is kept as PATH.1. -EEXIST: PATH is not a
 * regular file; -errno.
 */
int recording_writer_open(const char *path, uint64_t max_bytes,
			  struct recording_writer **ret_writer);
/* Each tick is flushed as a block: a killed daemon loses at most the last one. */
int recording_write(struct recording_writer *writer, const struct tick *tick);
void recording_writer_close(struct recording_writer *writer);

struct recording_reader;

/* @path "-": standard input. -EBADMSG, -EPROTO (another version) with @ret_error. */
int recording_reader_open(const char *path,
			  struct recording_reader **ret_reader,
			  char ret_error[RECORDING_ERROR_BYTES]);
/* 1: a tick; 0: the end, also of a recording cut short; -errno with @ret_error. */
int recording_read(struct recording_reader *reader, struct tick *ret_tick,
		   char ret_error[RECORDING_ERROR_BYTES]);
void recording_reader_close(struct recording_reader *reader);

#endif /* CONTROLLER_RECORDING_H */
