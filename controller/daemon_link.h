/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How verbs talk to the daemon: connect, get a tick, find a domain in it. Each logs
 * why it failed, in one line, and returns -errno.
 */
#ifndef CONTROLLER_DAEMON_LINK_H
#define CONTROLLER_DAEMON_LINK_H

#include <stdbool.h>

#include "cleanup.h"
#include "client.h"
#include "options.h"
#include "policy/decide.h"
#include "recording.h"

static inline void cleanup_client_link(struct client **client)
{
	client_close(*client);
}

#define _cleanup_client_ CLEANUP(cleanup_client_link)

/* To the daemon at @options' socket, which must be connected to their URI. */
int link_open(const struct options *options, struct client **ret_client);

/* Likewise, but silent: @ret_error says why not. */
int link_try(const struct options *options, struct client **ret_client,
	     struct client_error *ret_error);

/* Whether that failed as no daemon runs. */
bool link_is_absent(int err);

/* As client_call(); logs. */
int link_call(struct client *client, const char *command, json_t *arguments,
	      json_t **ret_result);

/*
 * A tick from what the daemon sent, to be freed with recording_tick_done(). Does
 * not log, but sets @ret_error.
 */
int link_tick_of(const json_t *json, struct tick *ret_tick,
		 struct client_error *ret_error);

/* The parameters of its decisions, from the same; likewise. */
int link_params_of(const json_t *json, struct recording_params *ret_params,
		   struct client_error *ret_error);

/*
 * The last tick, and unless that is NULL its parameters. -ENODATA: logged that
 * there is none yet.
 */
int link_query_tick(struct client *client, struct tick *ret_tick,
		    struct recording_params *ret_params);

/* By UUID or name; -ENOENT, -ENOTUNIQ are logged. */
int link_find(const struct tick *tick, const char *selector, size_t *ret_index);

#endif /* CONTROLLER_DAEMON_LINK_H */
