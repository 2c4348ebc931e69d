// SPDX-License-Identifier: GPL-2.0-or-later
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "daemon/control.h"
#include "fields.h"
#include "recording.h"

/* Room to begin with; grows up to RECORDING_MAX_LINE_BYTES. */
#define CLIENT_BUFFER_BYTES 65536

/**
 * struct client - a connection
 * @fd: socket
 * @buffer: received: from @start to @end
 * @searched: up to there it has no end of a line
 */
struct client {
	int fd;
	char *buffer;
	size_t size, start, end, searched;
};

__attribute__((format(printf, 3, 4))) static int
client_fail(int err, struct client_error *ret_error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	ret_error->class[0] = '\0';
	(void)vsnprintf(ret_error->desc, sizeof(ret_error->desc), format, args);
	va_end(args);
	return err;
}

static int client_fail_io(int err, struct client_error *ret_error)
{
	switch (-err) {
	case ETIMEDOUT:
		return client_fail(
			err, ret_error,
			"the daemon does not answer: see 'systemctl status kvm-aetd'");
	case ECONNRESET:
	case EPIPE:
		return client_fail(
			-ECONNRESET, ret_error,
			"the daemon ended the connection: see 'journalctl -u kvm-aetd'");
	case EPROTO:
	case EMSGSIZE:
		return client_fail(
			-EPROTO, ret_error,
			"what answers is not a kvm-aetd of this version: install both from one release, then 'systemctl restart kvm-aetd'");
	default:
		return client_fail(err, ret_error, "talking to the daemon: %s",
				   strerror(-err));
	}
}

static int client_fail_connect(int err, const char *path,
			       struct client_error *ret_error)
{
	switch (-err) {
	case ENOENT:
	case ECONNREFUSED:
		return client_fail(
			err, ret_error,
			"the daemon is not running (no answer at %s): start it: systemctl start kvm-aetd",
			path);
	case EACCES:
	case EPERM:
		return client_fail(
			err, ret_error,
			"no permission for %s: run as root, or as a member of its group",
			path);
	default:
		return client_fail(err, ret_error, "cannot connect to %s: %s",
				   path, strerror(-err));
	}
}

/*
 * 1: @fd is ready; 0: @wake_fd is, or the time is over, or there was a signal: one
 * who waits for keys, too, waits for changes of the window's size.
 */
static int client_poll(int fd, short events, int wake_fd, int timeout_ms)
{
	struct pollfd fds[] = {
		{ .fd = fd, .events = events },
		{ .fd = wake_fd, .events = POLLIN },
	};
	int count;

	do
		count = poll(fds, 2, timeout_ms);
	while (count < 0 && errno == EINTR && wake_fd < 0);
	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	return count > 0 && !fds[1].revents && fds[0].revents;
}

static int client_make_room(struct client *client)
{
	size_t used = client->end - client->start;
	char *larger;

	if (client->start > 0) {
		memmove(client->buffer, client->buffer + client->start, used);
		client->searched -= client->start;
		client->start = 0;
		client->end = used;
	}
	if (used < client->size)
		return 0;
	if (client->size >= RECORDING_MAX_LINE_BYTES)
		return -EMSGSIZE;
	larger = realloc(client->buffer, 2 * client->size);
	if (!larger)
		return -ENOMEM;
	client->buffer = larger;
	client->size *= 2;
	return 0;
}

/* 1: a message; 0: as client_poll(). */
static int client_receive(struct client *client, int wake_fd, int timeout_ms,
			  json_t **ret_message)
{
	for (;;) {
		char *line = client->buffer + client->start;
		char *end = memchr(client->buffer + client->searched, '\n',
				   client->end - client->searched);
		ssize_t got;
		int err;

		if (end) {
			json_t *message =
				json_loadb(line, (size_t)(end - line), 0, NULL);

			client->start = (size_t)(end + 1 - client->buffer);
			client->searched = client->start;
			if (!json_is_object(message)) {
				json_decref(message);
				return -EPROTO;
			}
			*ret_message = message;
			return 1;
		}
		client->searched = client->end;
		err = client_make_room(client);
		if (err < 0)
			return err;
		err = client_poll(client->fd, POLLIN, wake_fd, timeout_ms);
		if (err <= 0)
			return err;
		got = recv(client->fd, client->buffer + client->end,
			   client->size - client->end, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return -ECONNRESET;
		client->end += (size_t)got;
	}
}

static int client_send(struct client *client, const char *text, size_t size)
{
	while (size > 0) {
		ssize_t done = send(client->fd, text, size, MSG_NOSIGNAL);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		text += done;
		size -= (size_t)done;
	}
	return 0;
}

static int client_check_greeting(struct client *client)
{
	_cleanup_json_ json_t *greeting = NULL;
	const json_t *schema;
	int got;

	got = client_receive(client, -1, CLIENT_TIMEOUT_MS, &greeting);
	if (got <= 0)
		return got < 0 ? got : -ETIMEDOUT;
	schema = json_object_get(json_object_get(greeting, "kvm-aetd"),
				 "schema");
	return json_is_integer(schema) &&
			       json_integer_value(schema) == CONTROL_SCHEMA ?
		       0 :
		       -EPROTO;
}

static void cleanup_client(struct client **client)
{
	client_close(*client);
}

int client_open(const char *path, struct client **ret_client,
		struct client_error *ret_error)
{
	CLEANUP(cleanup_client) struct client *client = NULL;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	/* A full queue of connections must not hold us for ever. */
	struct timeval timeout = { .tv_sec = CLIENT_TIMEOUT_MS / 1000 };
	int err;

	if (strlen(path) >= sizeof(address.sun_path))
		return client_fail_connect(-ENAMETOOLONG, path, ret_error);
	strcpy(address.sun_path, path);
	client = calloc(1, sizeof(*client));
	if (client)
		client->fd = -1;
	if (client)
		client->buffer = malloc(CLIENT_BUFFER_BYTES);
	if (!client || !client->buffer)
		return client_fail(-ENOMEM, ret_error, "out of memory");
	client->size = CLIENT_BUFFER_BYTES;
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->fd < 0 ||
	    setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout,
		       sizeof(timeout)) < 0 ||
	    connect(client->fd, (struct sockaddr *)&address, sizeof(address)) <
		    0) {
		err = errno == EAGAIN ? -ETIMEDOUT : -errno;
		return client_fail_connect(err, path, ret_error);
	}
	err = client_check_greeting(client);
	if (err < 0)
		return client_fail_io(err, ret_error);
	*ret_client = TAKE_PTR(client);
	return 0;
}

void client_close(struct client *client)
{
	if (!client)
		return;
	if (client->fd >= 0)
		(void)close(client->fd);
	free(client->buffer);
	free(client);
}

/* Whether it is the answer and not an event. */
static bool client_is_answer(const json_t *message)
{
	return json_object_get(message, "return") ||
	       json_object_get(message, "error");
}

static int client_take_answer(const json_t *message, json_t **ret_result,
			      struct client_error *ret_error)
{
	json_t *result = json_object_get(message, "return");
	const json_t *error = json_object_get(message, "error");
	const char *class = json_string_value(json_object_get(error, "class"));
	const char *desc = json_string_value(json_object_get(error, "desc"));

	if (result) {
		if (ret_result)
			*ret_result = json_incref(result);
		return 0;
	}
	if (!class || !desc)
		return client_fail_io(-EPROTO, ret_error);
	(void)snprintf(ret_error->class, sizeof(ret_error->class), "%s", class);
	(void)snprintf(ret_error->desc, sizeof(ret_error->desc), "%s", desc);
	return -EREMOTEIO;
}

int client_call(struct client *client, const char *command, json_t *arguments,
		json_t **ret_result, struct client_error *ret_error)
{
	_cleanup_json_ json_t *taken = arguments, *request = json_object();
	_cleanup_free_ char *text = NULL;
	int err = 0;

	err |= fields_set(request, "execute", json_string(command));
	if (taken)
		err |= json_object_set(request, "arguments", taken);
	text = err ? NULL : fields_dump(request);
	if (!text)
		return client_fail(-ENOMEM, ret_error, "out of memory");
	err = client_send(client, text, strlen(text));
	if (err == 0)
		err = client_send(client, "\n", 1);
	if (err < 0)
		return client_fail_io(err, ret_error);
	for (;;) {
		_cleanup_json_ json_t *message = NULL;
		int got =
			client_receive(client, -1, CLIENT_TIMEOUT_MS, &message);

		if (got <= 0)
			return client_fail_io(got < 0 ? got : -ETIMEDOUT,
					      ret_error);
		if (client_is_answer(message))
			return client_take_answer(message, ret_result,
						  ret_error);
	}
}

int client_wait_tick(struct client *client, int wake_fd, int timeout_ms,
		     json_t **ret_data, struct client_error *ret_error)
{
	for (;;) {
		_cleanup_json_ json_t *message = NULL;
		const char *name;
		json_t *data;
		int got;

		got = client_receive(client, wake_fd, timeout_ms, &message);
		if (got < 0)
			return client_fail_io(got, ret_error);
		if (got == 0)
			return 0;
		name = json_string_value(json_object_get(message, "event"));
		data = json_object_get(message, "data");
		/* Events of other names are for later versions. */
		if (name && strcmp(name, "tick") == 0 && data) {
			*ret_data = json_incref(data);
			return 1;
		}
	}
}
