/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How far a long run is, on stderr, if that is a terminal; and only once it has
 * taken a second. With a length there is a bar and an estimate of what is left.
 */
#ifndef CMD_PROGRESS_H
#define CMD_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct progress - one run
 * @is_shown: stderr is a terminal, and the user has nothing against it
 * @is_drawn: there is a line to wipe
 * @start_ns: CLOCK_MONOTONIC
 * @next_ns: not drawn again before
 */
struct progress {
	bool is_shown;
	bool is_drawn;
	uint64_t start_ns;
	uint64_t next_ns;
};

struct progress progress_start(bool is_quiet);

/* @share: done, in [0, 1]; below 0 if not known */
void progress_update(struct progress *progress, double share,
		     uint64_t nr_accesses);

/* Wipes the line, so that a result or a message has it. */
void progress_end(struct progress *progress);

/* CLOCK_MONOTONIC. */
uint64_t progress_now_ns(void);

#endif /* CMD_PROGRESS_H */
