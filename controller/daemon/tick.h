/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's work in one straight line, once per period: read the host, put
 * together what is known of each VM, decide, act. What the loop has to do with
 * the result (record, metrics, clients) is not in here.
 *
 *	err = ticker_new(&config, "/proc", virt, &ticker);
 *	while (virt_take_news(virt, &news)) ticker_take_news(ticker, &news,
 *now); sleep until ticker_due_ns(ticker); err = ticker_run(ticker, now,
 *&has_ticked); if (has_ticked) ... ticker_last(ticker) ...
 *
 * VMs are measured at different times of a period, so that a thousand of them
 *do not come at once, and decided about together at its end.
 *
 * All in one thread. When it ends, sampled pages are disarmed and balloons stay
 * where they are: a guest runs as well with the memory it has now as a moment
 *ago, while giving all of them back what they had at first could need more
 *memory than the host has.
 */
#ifndef DAEMON_TICK_H
#define DAEMON_TICK_H

#include "daemon/guests.h"

struct ticker;

/*
 * @config and @virt must stay; @proc is the path of a proc file system.
 * -ENOMEM.
 */
int ticker_new(const struct config *config, const char *proc, struct virt *virt,
	       struct ticker **ret_ticker);
void ticker_free(struct ticker *ticker);

/* Another configuration, from now on; also ends what ticker_set_mode() did. */
void ticker_set_config(struct ticker *ticker, const struct config *config,
		       uint64_t now_ns);

/* The host's mode, whatever the configuration says. */
void ticker_set_mode(struct ticker *ticker, enum vm_mode mode);
enum vm_mode ticker_mode(const struct ticker *ticker);

/* The sampling rate of a VM; 0: as configured. -ENOENT: no such VM; -errno. */
int ticker_set_rate(struct ticker *ticker, const char *uuid,
		    uint32_t inverse_rate);

/* Something from libvirt. -ENOMEM: it was not understood. */
int ticker_take_news(struct ticker *ticker, const struct virt_news *news,
		     uint64_t now_ns);

/* When there is something to do next, CLOCK_MONOTONIC. */
uint64_t ticker_due_ns(const struct ticker *ticker);

/*
 * Does what is due. *ret_has_ticked: ticker_last() is a new one. -errno: this
 * period's decisions are left out, nothing was moved, and it was logged.
 */
int ticker_run(struct ticker *ticker, uint64_t now_ns, bool *ret_has_ticked);

/* The last tick, with all that it points to; NULL: none yet. */
const struct tick *ticker_last(const struct ticker *ticker);

const struct guests *ticker_guests(const struct ticker *ticker);

bool ticker_is_connected(const struct ticker *ticker);

/* VMs that are measured now, or need not be as they are stable. */
size_t ticker_nr_tracked(const struct ticker *ticker);

/* What keeps the daemon as such from its work; false: nothing. */
bool ticker_problem(const struct ticker *ticker,
		    char ret_problem[GUESTS_ERROR_BYTES]);

#endif /* DAEMON_TICK_H */
