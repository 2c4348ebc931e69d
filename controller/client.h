/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The other end of the control socket (daemon/control.h): a connection to the
 * daemon that asks one thing at a time, or listens to events.
 *
 *	err = client_open(CONTROL_SOCKET, &client, &error);
 *	err = client_call(client, "query-tick", NULL, &result, &error);
 *	client_close(client);
 *
 * What the daemon says is bounded and checked, but its texts are not made
 * printable. Nothing waits longer than CLIENT_TIMEOUT_MS for a silent daemon.
 */
#ifndef CONTROLLER_CLIENT_H
#define CONTROLLER_CLIENT_H

#include <jansson.h>

#define CLIENT_TIMEOUT_MS 10000
#define CLIENT_CLASS_BYTES 32
#define CLIENT_ERROR_BYTES 640

/**
 * struct client_error - why something did not work
 * @class: the daemon's class of error; empty if it is not the daemon's answer
 * @desc: one line for people, that says what to do
 */
struct client_error {
	char class[CLIENT_CLASS_BYTES];
	char desc[CLIENT_ERROR_BYTES];
};

struct client;

/**
 * client_open() - connect and check the greeting
 * @path: of the socket
 * @ret_client: to be closed with client_close()
 * @ret_error: set on failure
 *
 * -ECONNREFUSED, -ENOENT: no daemon runs there; -EACCES: not allowed; -EPROTO:
 * something else than a daemon of this schema answers; -ETIMEDOUT; -errno.
 */
int client_open(const char *path, struct client **ret_client,
		struct client_error *ret_error);
/* NULL is fine. */
void client_close(struct client *client);

/**
 * client_call() - have a command done
 * @client: connection
 * @command: such as "query-tick"
 * @arguments: object, taken; NULL: none
 * @ret_result: what it returned, to be released with json_decref(); NULL: of no
 *	interest
 * @ret_error: set on failure
 *
 * Events that come before the answer are dropped. -EREMOTEIO: the daemon says
 * that it failed, with a class; -ECONNRESET: it ended; -EPROTO, -ETIMEDOUT,
 * -ENOMEM, -errno.
 */
int client_call(struct client *client, const char *command, json_t *arguments,
		json_t **ret_result, struct client_error *ret_error);

/**
 * client_wait_tick() - wait for the next tick after "subscribe"
 * @client: connection
 * @wake_fd: also returns when this is readable, or at a signal; -1: at neither
 * @timeout_ms: or after so long; -1: never
 * @ret_data: the event's data, to be released with json_decref()
 * @ret_error: set on failure
 *
 * 1: a tick; 0: it was woken or the time is over; -errno as client_call().
 */
int client_wait_tick(struct client *client, int wake_fd, int timeout_ms,
		     json_t **ret_data, struct client_error *ret_error);

#endif /* CONTROLLER_CLIENT_H */
