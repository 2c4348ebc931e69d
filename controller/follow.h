/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Read a source period after period and hand each window on.
 */
#ifndef CONTROLLER_FOLLOW_H
#define CONTROLLER_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "source.h"
#include "window.h"

/**
 * struct follow_options - what to follow
 * @period_ns: length of a window, above 0
 * @nr_windows: stop after so many; 0 is never
 * @is_cumulative: every window starts at attach
 * @miss_ratio: tolerated, see window_init()
 */
struct follow_options {
	uint64_t period_ns;
	uint64_t nr_windows;
	bool is_cumulative;
	double miss_ratio;
};

enum follow_end {
	FOLLOW_COUNTED, /* all windows asked for */
	FOLLOW_INTERRUPTED, /* by the user */
	FOLLOW_STOPPED, /* the session was stopped */
	FOLLOW_VM_EXITED,
};

/* Takes a window, which it must not free; -errno ends the run. */
typedef int (*follow_emit_fn)(void *context, const struct window *window);

/**
 * follow_run() - run until an end
 * @source: source
 * @options: options
 * @emit: receives every window, the last one even if it is cut short, unless it
 *	is too short to mean anything beside those before it
 * @context: for @emit
 * @ret_end: how it ended
 *
 * Returns 0; what @emit, the source or window_init() returned.
 */
int follow_run(struct source *source, const struct follow_options *options,
	       follow_emit_fn emit, void *context, enum follow_end *ret_end);

#endif /* CONTROLLER_FOLLOW_H */
