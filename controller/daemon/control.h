/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: JSON messages, one per line, in the manner of QMP.
 *
 *	server: {"kvm-aetd": {"version": "0.1.0", "schema": 1}}
 *	client: {"execute": "query-tick", "arguments": {...}, "id": any}
 *	server: {"return": {...}, "id": any}
 *	    or: {"error": {"class": "NotFound", "desc": "one line"}, "id": any}
 *
 * "arguments" and "id" may be left out; an unknown argument is an error.
 *
 * Commands:
 *	query-status	{"version", "schema", "pid", "uri", "mode", "policy",
 *			 "configured-mode": "observe|advise|act",
 *			 "started-unix-ns", "period-ns", "tick": number of the
 *			 last one, 0 before it, "is-connected": to libvirt,
 *			 "is-reloaded": not as at the start,
 *			 "record-path": string or null, "log-level",
 *			 "domains": number, "tracked": number of them,
 *			 "problems": [{"uuid", "name", "problem"}, ...]}
 *			uuid and name are null for the host's problems
 *	query-tick	the last tick, as recording_tick_to_json(), with params as
 *			recording_params_to_json()
 *	query-history	{"uuid"}: {"uuid", "name", "ticks": [...]}: the last
 *			CONTROL_HISTORY decisions about one VM, oldest first,
 *			each as recording_tick_to_json() of a tick of that VM
 *			alone, without curves
 *	subscribe	the same as query-tick, then {"event": "tick",
 *			"data": as query-tick} after each tick; a client slower
 *			than the ticks misses some
 *	set-mode	{"mode": "observe|advise|act"}: of the host, until
 *			the daemon ends or reloads
 *	set-policy	{"uuid", "min-bytes", "max-bytes", "weight", "mode"}:
 *			into the VM's metadata; null takes away, what is absent
 *			stays as it is. Answered when libvirt has
 *	set-rate	{"uuid", "inverse-rate"}: null: as configured
 *	reload		as SIGHUP: {"return": {}} or an error of the file
 *	record-start	{"path"}: a file name, without a directory, in the
 *			configured one: whoever may talk to the daemon shall not
 *			make root write elsewhere. {"path": of the file}
 *	record-stop	{}
 *	log-level	{"level": "info|debug"}
 *
 * Error classes:
 *	BadMessage	not JSON, too long, or not a message
 *	CommandNotFound	no such command
 *	BadArgument	an argument is missing, unknown or wrong
 *	NotFound	no such VM, or nothing to query yet
 *	Failed		the command was understood and could not be done
 *
 * Only who may open the socket may do any of it: mode 0660 and a group. Changes
 * are logged with who made them. Whoever does not read answers is not read from,
 * and cut off; none can make the daemon wait.
 */
#ifndef DAEMON_CONTROL_H
#define DAEMON_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <jansson.h>

#define CONTROL_SOCKET "/run/kvm-aet/control"
#define CONTROL_SCHEMA 1
#define CONTROL_MAX_MESSAGE_BYTES (1 << 16)
#define CONTROL_HISTORY 64

/* One more is told so and turned away. */
#define CONTROL_MAX_CLIENTS 32

/* A client that takes nothing of what is sent to it for so long is cut off. */
#define CONTROL_STALL_NS UINT64_C(10000000000)

#define CONTROL_ERROR_BYTES 640

/**
 * struct control_error - why a command was not done
 * @class: one of the above, static
 * @desc: one line for people
 */
struct control_error {
	const char *class;
	char desc[CONTROL_ERROR_BYTES];
};

__attribute__((format(printf, 3, 4))) void
control_error_set(struct control_error *error, const char *class,
		  const char *format, ...);

/**
 * struct control_request - a command to be done
 * @command: such as "query-tick"; a loan
 * @arguments: an object, empty if there were none; a loan
 * @uid: of the client
 * @gid: likewise
 * @pid: likewise, 0 if unknown
 * @ticket: for control_answer()
 */
struct control_request {
	const char *command;
	json_t *arguments;
	uid_t uid;
	gid_t gid;
	pid_t pid;
	uint64_t ticket;
};

enum control_verdict {
	CONTROL_DONE, /* *ret_result is the answer, NULL: an empty object */
	CONTROL_FAILED, /* *ret_error says why */
	CONTROL_LATER, /* control_answer() will be called with the ticket */
	CONTROL_SUBSCRIBED, /* as CONTROL_DONE, and events from now on */
};

/*
 * Does a command. Owns nothing of @request; the caller takes *ret_result.
 */
typedef enum control_verdict (*control_handler)(
	void *context, const struct control_request *request,
	json_t **ret_result, struct control_error *ret_error);

struct control;

/**
 * control_new() - listen
 * @path: of the socket; a stale one is replaced
 * @group: that may use it besides its owner, or NULL
 * @version: for the greeting; static
 * @handler: does the commands
 * @context: for @handler
 * @ret_control: to be freed with control_free()
 * @ret_error: one line for people
 *
 * The directory of @path stays locked until then: -EBUSY another daemon uses
 * it. -ESRCH no such @group; -EEXIST @path is something other than a socket;
 * -ENAMETOOLONG; -errno.
 */
int control_new(const char *path, const char *group, const char *version,
		control_handler handler, void *context,
		struct control **ret_control,
		char ret_error[CONTROL_ERROR_BYTES]);

/* Closes all connections and removes the socket; NULL is fine. */
void control_free(struct control *control);

/* A descriptor to poll for reading, and what to do then; never waits. */
int control_fd(const struct control *control);
void control_run(struct control *control, uint64_t now_ns);

/* Cuts off stalled clients; to be called now and then. */
void control_expire(struct control *control, uint64_t now_ns);

/*
 * The answer to a request that was CONTROL_LATER: @error, or if NULL @result
 * (taken; NULL: an empty object). The client may be gone: then nothing happens.
 */
void control_answer(struct control *control, uint64_t ticket, json_t *result,
		    const struct control_error *error);

/* Whether an event would reach anybody: else it need not be made. */
bool control_has_subscribers(const struct control *control);

/* Sends {"event": @name, "data": @data} to all subscribers that keep up. */
void control_send_event(struct control *control, const char *name,
			json_t *data);

/*
 * The pure part: a line, without its newline, as a message. Returns it, to be
 * released with json_decref(); it is an object with a string "execute" and
 * perhaps an object "arguments". Else NULL with @ret_error, and the "id" if one
 * was found, as a new reference.
 */
json_t *control_parse(const char *line, size_t length, json_t **ret_id,
		      struct control_error *ret_error);

#endif /* DAEMON_CONTROL_H */
