// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/control.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "cleanup.h"
#include "text.h"

/* Answers, and one event, that wait for a client; more are not made. */
#define CONTROL_MAX_QUEUED 4

/* Requests of a client that are CONTROL_LATER at once. */
#define CONTROL_MAX_LATER 8

/* Requests of a client before others have their turn. */
#define CONTROL_MAX_BATCH 16

#define CONTROL_BACKLOG 16

/* Room for a group with many members. */
#define CONTROL_GROUP_BYTES (1 << 16)

/* A line on its way, perhaps to several clients. */
struct control_line {
	unsigned int nr_users;
	size_t length;
	char bytes[];
};

/* A request whose answer is to come. */
struct control_later {
	uint64_t ticket;
	json_t *id;
};

/**
 * struct control_client - a connection
 * @next: in the control's list
 * @fd: its socket; -1: closed, and freed when nobody refers to it
 * @creds: of who connected
 * @in: CONTROL_MAX_MESSAGE_BYTES, of which @in_length are filled
 * @in_length: see above
 * @queue: lines to send, of which @nr_queued are there
 * @nr_queued: see above
 * @sent: bytes of the first that are sent
 * @progress_ns: when it last took something, or had nothing to take
 * @later: answers to come; those with ticket 0 are free
 * @events: what epoll watches for
 * @is_subscribed: gets events
 * @is_ended: nothing more comes from it; closed once all is sent
 */
struct control_client {
	struct control_client *next;
	int fd;
	struct ucred creds;
	char *in;
	size_t in_length;
	struct control_line *queue[CONTROL_MAX_QUEUED];
	unsigned int nr_queued;
	size_t sent;
	uint64_t progress_ns;
	struct control_later later[CONTROL_MAX_LATER];
	uint32_t events;
	bool is_subscribed;
	bool is_ended;
};

struct control {
	char *path;
	char *name; /* of the socket in the directory; in @path */
	int directory_fd;
	int listen_fd;
	int epoll_fd;
	int again_fd; /* readable: a client has requests left to be done */
	const char *version;
	control_handler handler;
	void *context;
	struct control_client *clients;
	unsigned int nr_clients;
	uint64_t last_ticket;
	uint64_t now_ns;
	bool is_accepting;
};

void control_error_set(struct control_error *error, const char *class,
		       const char *format, ...)
{
	va_list args;

	error->class = class;
	va_start(args, format);
	(void)vsnprintf(error->desc, sizeof(error->desc), format, args);
	va_end(args);
}

static bool control_check_message(json_t *message,
				  struct control_error *ret_error)
{
	const char *key;
	json_t *value;

	json_object_foreach(message, key, value)
	{
		if (strcmp(key, "execute") != 0 &&
		    strcmp(key, "arguments") != 0 && strcmp(key, "id") != 0) {
			control_error_set(
				ret_error, "BadMessage",
				"unknown member '%.64s': expected execute, arguments and id",
				key);
			return false;
		}
	}
	if (!json_is_string(json_object_get(message, "execute"))) {
		control_error_set(
			ret_error, "BadMessage",
			"no command: expected a string as member 'execute'");
		return false;
	}
	value = json_object_get(message, "arguments");
	if (value && !json_is_object(value)) {
		control_error_set(ret_error, "BadMessage",
				  "'arguments' is not an object");
		return false;
	}
	return true;
}

json_t *control_parse(const char *line, size_t length, json_t **ret_id,
		      struct control_error *ret_error)
{
	json_error_t error;
	json_t *message;

	*ret_id = NULL;
	message = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);
	if (!message) {
		control_error_set(ret_error, "BadMessage",
				  "not JSON: %s at byte %d", error.text,
				  error.position);
		return NULL;
	}
	if (!json_is_object(message)) {
		control_error_set(
			ret_error, "BadMessage",
			"not a JSON object, such as {\"execute\": \"query-status\"}");
		json_decref(message);
		return NULL;
	}
	*ret_id = json_incref(json_object_get(message, "id"));
	if (!control_check_message(message, ret_error)) {
		json_decref(message);
		return NULL;
	}
	return message;
}

static void control_line_put(struct control_line *line)
{
	if (--line->nr_users == 0)
		free(line);
}

/* NULL: out of memory. Takes @message. */
static struct control_line *control_line_new(json_t *message)
{
	struct control_line *line = NULL;
	size_t length = 0;

	if (message)
		length = json_dumpb(message, NULL, 0, JSON_COMPACT);
	if (length > 0)
		line = malloc(sizeof(*line) + length + 1);
	if (line) {
		line->nr_users = 1;
		line->length = length + 1;
		(void)json_dumpb(message, line->bytes, length, JSON_COMPACT);
		line->bytes[length] = '\n';
	}
	json_decref(message);
	return line;
}

/* Its struct stays until control_sweep(): events may still refer to it. */
static void control_close(struct control *control,
			  struct control_client *client)
{
	unsigned int i;

	if (client->fd < 0)
		return;
	(void)close(client->fd);
	client->fd = -1;
	for (i = 0; i < client->nr_queued; i++)
		control_line_put(client->queue[i]);
	client->nr_queued = 0;
	for (i = 0; i < CONTROL_MAX_LATER; i++) {
		json_decref(client->later[i].id);
		client->later[i] = (struct control_later){ 0 };
	}
	client->is_subscribed = false;
	control->nr_clients--;
}

static void control_sweep(struct control *control)
{
	struct control_client **link = &control->clients;

	while (*link) {
		struct control_client *client = *link;

		if (client->fd >= 0) {
			link = &client->next;
			continue;
		}
		*link = client->next;
		free(client->in);
		free(client);
	}
}

static bool control_has_later(const struct control_client *client)
{
	unsigned int i;

	for (i = 0; i < CONTROL_MAX_LATER; i++) {
		if (client->later[i].ticket)
			return true;
	}
	return false;
}

static bool control_has_line(const struct control_client *client)
{
	return memchr(client->in, '\n', client->in_length);
}

/*
 * Reads from a client only while it takes what is sent to it: so it can make
 * us keep no more than its own last answers.
 */
static void control_watch(struct control *control,
			  struct control_client *client)
{
	struct epoll_event event = { .data.ptr = client };

	if (client->fd < 0)
		return;
	if (client->is_ended && client->nr_queued == 0 &&
	    !control_has_later(client) && !control_has_line(client)) {
		control_close(control, client);
		return;
	}
	if (client->nr_queued > 0)
		event.events = EPOLLOUT;
	else if (!client->is_ended)
		event.events = EPOLLIN;
	if (event.events == client->events)
		return;
	client->events = event.events;
	if (epoll_ctl(control->epoll_fd, EPOLL_CTL_MOD, client->fd, &event) < 0)
		control_close(control, client);
}

/* Sends what it takes. */
static void control_flush(struct control *control,
			  struct control_client *client)
{
	while (client->nr_queued > 0) {
		struct control_line *line = client->queue[0];
		ssize_t sent;

		sent = send(client->fd, line->bytes + client->sent,
			    line->length - client->sent,
			    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (sent < 0) {
			control_close(control, client);
			return;
		}
		client->progress_ns = control->now_ns;
		client->sent += (size_t)sent;
		if (client->sent < line->length)
			continue;
		client->sent = 0;
		client->nr_queued--;
		memmove(client->queue, client->queue + 1,
			client->nr_queued * sizeof(client->queue[0]));
		control_line_put(line);
	}
}

/* Takes a reference of @line, which may be NULL: no memory for an answer. */
static void control_send(struct control *control, struct control_client *client,
			 struct control_line *line)
{
	if (client->fd < 0 || !line ||
	    client->nr_queued == CONTROL_MAX_QUEUED) {
		if (line)
			control_line_put(line);
		/* Without an answer it would wait for ever. */
		control_close(control, client);
		return;
	}
	if (client->nr_queued == 0)
		client->progress_ns = control->now_ns;
	client->queue[client->nr_queued++] = line;
	control_flush(control, client);
}

/* Takes @result and @id; NULL @id: none. */
static struct control_line *
control_answer_line(json_t *result, const struct control_error *error,
		    json_t *id)
{
	json_t *message = json_object();
	int err = message ? 0 : -1;

	if (error) {
		/* It may quote anything, and have been cut anywhere. */
		_cleanup_free_ char *desc = text_utf8(error->desc);

		json_decref(result);
		if (err == 0)
			err = json_object_set_new(
				message, "error",
				json_pack("{s:s, s:s}", "class", error->class,
					  "desc", desc ? desc : ""));
	} else if (err == 0) {
		err = json_object_set_new(message, "return",
					  result ? result : json_object());
	} else {
		json_decref(result);
	}
	if (err == 0 && id)
		err = json_object_set(message, "id", id);
	json_decref(id);
	if (err < 0) {
		json_decref(message);
		message = NULL;
	}
	return control_line_new(message);
}

static struct control_later *control_find_later(struct control_client *client,
						uint64_t ticket)
{
	unsigned int i;

	for (i = 0; i < CONTROL_MAX_LATER; i++) {
		if (client->later[i].ticket == ticket)
			return &client->later[i];
	}
	return NULL;
}

/* Does one command; takes @id. */
static void control_execute(struct control *control,
			    struct control_client *client, json_t *message,
			    json_t *id)
{
	_cleanup_free_ struct control_error *error = NULL;
	struct control_later *later = control_find_later(client, 0);
	json_t *arguments = json_incref(json_object_get(message, "arguments"));
	struct control_request request = {
		.command =
			json_string_value(json_object_get(message, "execute")),
		.uid = client->creds.uid,
		.gid = client->creds.gid,
		.pid = client->creds.pid,
		.ticket = control->last_ticket + 1,
	};
	enum control_verdict verdict = CONTROL_FAILED;
	json_t *result = NULL;

	if (!arguments)
		arguments = json_object();
	request.arguments = arguments;
	error = calloc(1, sizeof(*error));
	if (!error || !arguments) {
		json_decref(arguments);
		json_decref(id);
		control_close(control, client);
		return;
	}
	if (!later) {
		control_error_set(error, "Failed",
				  "%d requests wait for an answer already",
				  CONTROL_MAX_LATER);
	} else {
		control->last_ticket++;
		verdict = control->handler(control->context, &request, &result,
					   error);
	}
	json_decref(arguments);
	if (verdict == CONTROL_LATER) {
		later->ticket = request.ticket;
		later->id = id;
		return;
	}
	control_send(control, client,
		     control_answer_line(
			     result, verdict == CONTROL_FAILED ? error : NULL,
			     id));
	if (verdict == CONTROL_SUBSCRIBED && client->fd >= 0)
		client->is_subscribed = true;
}

static bool control_is_blank(const char *line, size_t length)
{
	while (length > 0 && strchr(" \t\r", *line)) {
		if (!*line)
			return false;
		line++;
		length--;
	}
	return length == 0;
}

static void control_do_line(struct control *control,
			    struct control_client *client, const char *line,
			    size_t length)
{
	_cleanup_free_ struct control_error *error = NULL;
	json_t *message, *id;

	if (control_is_blank(line, length))
		return;
	error = calloc(1, sizeof(*error));
	if (!error) {
		control_close(control, client);
		return;
	}
	message = control_parse(line, length, &id, error);
	if (message)
		control_execute(control, client, message, id);
	else
		control_send(control, client,
			     control_answer_line(NULL, error, id));
	json_decref(message);
}

static void control_reject_long(struct control *control,
				struct control_client *client)
{
	struct control_error error = { 0 };

	control_error_set(&error, "BadMessage",
			  "the message is longer than %d bytes",
			  CONTROL_MAX_MESSAGE_BYTES - 1);
	client->is_ended = true;
	client->in_length = 0;
	control_send(control, client, control_answer_line(NULL, &error, NULL));
}

/*
 * Does what has been read. One request at a time: the next one waits until the
 * answer is on its way.
 */
static void control_do_lines(struct control *control,
			     struct control_client *client)
{
	unsigned int nr_done = 0;
	size_t done = 0;

	while (client->fd >= 0 && client->nr_queued == 0) {
		char *start = client->in + done, *end;

		end = memchr(start, '\n', client->in_length - done);
		if (!end)
			break;
		if (nr_done++ == CONTROL_MAX_BATCH) {
			/* What has been read epoll does not know of. */
			(void)eventfd_write(control->again_fd, 1);
			break;
		}
		done += (size_t)(end + 1 - start);
		control_do_line(control, client, start, (size_t)(end - start));
	}
	client->in_length -= done;
	memmove(client->in, client->in + done, client->in_length);
	if (client->fd >= 0 && client->in_length == CONTROL_MAX_MESSAGE_BYTES &&
	    !control_has_line(client))
		control_reject_long(control, client);
}

static void control_read(struct control *control, struct control_client *client)
{
	ssize_t got;

	if (client->in_length < CONTROL_MAX_MESSAGE_BYTES) {
		got = recv(client->fd, client->in + client->in_length,
			   CONTROL_MAX_MESSAGE_BYTES - client->in_length,
			   MSG_DONTWAIT);
		if (got < 0) {
			if (errno != EAGAIN && errno != EINTR)
				control_close(control, client);
			return;
		}
		if (got == 0)
			client->is_ended = true;
		client->in_length += (size_t)got;
	}
	control_do_lines(control, client);
}

static void control_on_client(struct control *control,
			      struct control_client *client, uint32_t events)
{
	if (client->fd < 0)
		return;
	if (events & EPOLLOUT) {
		control_flush(control, client);
		if (client->fd >= 0 && client->nr_queued == 0)
			control_do_lines(control, client);
	} else if (events & EPOLLIN) {
		control_read(control, client);
	} else if (events & (EPOLLHUP | EPOLLERR)) {
		control_close(control, client);
	}
	control_watch(control, client);
}

static void control_set_accepting(struct control *control, bool is_accepting)
{
	struct epoll_event event = {
		.events = is_accepting ? EPOLLIN : 0,
		.data.ptr = &control->listen_fd,
	};

	if (is_accepting != control->is_accepting &&
	    epoll_ctl(control->epoll_fd, EPOLL_CTL_MOD, control->listen_fd,
		      &event) == 0)
		control->is_accepting = is_accepting;
}

/* Takes @fd. */
static int control_add_client(struct control *control, int fd_taken)
{
	_cleanup_close_ int fd = fd_taken;
	_cleanup_free_ struct control_client *client = NULL;
	struct epoll_event event = { .events = EPOLLIN };
	socklen_t length = sizeof(client->creds);

	client = calloc(1, sizeof(*client));
	if (!client)
		return -ENOMEM;
	client->in = malloc(CONTROL_MAX_MESSAGE_BYTES);
	if (!client->in)
		return -ENOMEM;
	event.data.ptr = client;
	client->events = event.events;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &client->creds, &length) <
		    0 ||
	    epoll_ctl(control->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
		free(client->in);
		return -errno;
	}
	client->fd = TAKE_FD(fd);
	client->next = control->clients;
	control->clients = TAKE_PTR(client);
	control->nr_clients++;
	control_send(control, control->clients,
		     control_line_new(json_pack("{s:{s:s, s:i}}", "kvm-aetd",
						"version", control->version,
						"schema", CONTROL_SCHEMA)));
	control_watch(control, control->clients);
	return 0;
}

static void control_turn_away(int fd)
{
	struct control_error error = { 0 };
	struct control_line *line;

	control_error_set(&error, "Failed",
			  "%d clients are connected already: try again later",
			  CONTROL_MAX_CLIENTS);
	line = control_answer_line(NULL, &error, NULL);
	if (!line)
		return;
	(void)send(fd, line->bytes, line->length, MSG_DONTWAIT | MSG_NOSIGNAL);
	control_line_put(line);
}

static void control_accept(struct control *control)
{
	struct sockaddr_un address;
	socklen_t length = sizeof(address);
	int fd;

	fd = accept4(control->listen_fd, (struct sockaddr *)&address, &length,
		     SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		/* It would stay readable; control_expire() tries again. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
		    errno == ENOBUFS)
			control_set_accepting(control, false);
		return;
	}
	if (control->nr_clients >= CONTROL_MAX_CLIENTS) {
		control_turn_away(fd);
		(void)close(fd);
		return;
	}
	(void)control_add_client(control, fd);
}

static void control_do_again(struct control *control)
{
	struct control_client *client;
	eventfd_t count;

	(void)eventfd_read(control->again_fd, &count);
	for (client = control->clients; client; client = client->next) {
		if (client->fd < 0 || client->nr_queued > 0)
			continue;
		control_do_lines(control, client);
		control_watch(control, client);
	}
}

void control_run(struct control *control, uint64_t now_ns)
{
	struct epoll_event events[16];
	int nr_events, i;

	control->now_ns = now_ns;
	nr_events = epoll_wait(control->epoll_fd, events, 16, 0);
	for (i = 0; i < nr_events; i++) {
		if (events[i].data.ptr == &control->listen_fd)
			control_accept(control);
		else if (events[i].data.ptr == &control->again_fd)
			control_do_again(control);
		else
			control_on_client(control, events[i].data.ptr,
					  events[i].events);
	}
	control_sweep(control);
}

void control_expire(struct control *control, uint64_t now_ns)
{
	struct control_client *client;

	control->now_ns = now_ns;
	for (client = control->clients; client; client = client->next) {
		if (client->nr_queued > 0 &&
		    now_ns - client->progress_ns >= CONTROL_STALL_NS)
			control_close(control, client);
	}
	control_sweep(control);
	control_set_accepting(control, true);
}

void control_answer(struct control *control, uint64_t ticket, json_t *result,
		    const struct control_error *error)
{
	struct control_client *client;
	struct control_later *later = NULL;
	json_t *id;

	for (client = control->clients; client && ticket;
	     client = client->next) {
		later = control_find_later(client, ticket);
		if (later)
			break;
	}
	if (!later) {
		json_decref(result);
		return;
	}
	id = later->id;
	*later = (struct control_later){ 0 };
	control_send(control, client, control_answer_line(result, error, id));
	control_watch(control, client);
}

bool control_has_subscribers(const struct control *control)
{
	const struct control_client *client;

	for (client = control->clients; client; client = client->next) {
		if (client->is_subscribed && client->nr_queued == 0)
			return true;
	}
	return false;
}

void control_send_event(struct control *control, const char *name, json_t *data)
{
	struct control_client *client;
	struct control_line *line;

	line = control_line_new(
		json_pack("{s:s, s:O}", "event", name, "data", data));
	if (!line)
		return;
	for (client = control->clients; client; client = client->next) {
		/* Who has not taken the last one misses this one. */
		if (!client->is_subscribed || client->nr_queued > 0)
			continue;
		line->nr_users++;
		control_send(control, client, line);
		control_watch(control, client);
	}
	control_line_put(line);
}

int control_fd(const struct control *control)
{
	return control->epoll_fd;
}

__attribute__((format(printf, 3, 4))) static int
control_fail(char ret_error[CONTROL_ERROR_BYTES], int err, const char *format,
	     ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(ret_error, CONTROL_ERROR_BYTES, format, args);
	va_end(args);
	return err;
}

static int control_lock(struct control *control,
			char ret_error[CONTROL_ERROR_BYTES])
{
	_cleanup_free_ char *directory = NULL;
	int err;

	/* "/socket" is in "/". */
	directory = strndup(control->path, control->name - 1 == control->path ?
						   1 :
						   (size_t)(control->name - 1 -
							    control->path));
	if (!directory)
		return control_fail(ret_error, -ENOMEM, "out of memory");
	control->directory_fd =
		open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (control->directory_fd < 0) {
		err = -errno;
		return control_fail(
			ret_error, err,
			"%s: %s: the directory of the control socket must exist",
			directory, strerror(-err));
	}
	if (flock(control->directory_fd, LOCK_EX | LOCK_NB) < 0) {
		err = errno == EWOULDBLOCK ? -EBUSY : -errno;
		return control_fail(
			ret_error, err, "%s: %s", directory,
			err == -EBUSY ? "another kvm-aetd has its control "
					"socket there: stop that one first" :
					strerror(-err));
	}
	return 0;
}

static int control_find_group(const char *group, gid_t *ret_gid,
			      char ret_error[CONTROL_ERROR_BYTES])
{
	_cleanup_free_ char *buffer = malloc(CONTROL_GROUP_BYTES);
	struct group entry, *found = NULL;

	if (!buffer)
		return control_fail(ret_error, -ENOMEM, "out of memory");
	if (getgrnam_r(group, &entry, buffer, CONTROL_GROUP_BYTES, &found) !=
		    0 ||
	    !found)
		return control_fail(
			ret_error, -ESRCH,
			"there is no group '%s' for the control socket: create it with 'groupadd --system %s'",
			group, group);
	*ret_gid = found->gr_gid;
	return 0;
}

static int control_remove_stale(struct control *control,
				char ret_error[CONTROL_ERROR_BYTES])
{
	struct stat st;

	if (fstatat(control->directory_fd, control->name, &st,
		    AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return control_fail(
			ret_error, -EEXIST,
			"%s exists and is not a socket: remove it, or choose "
			"another [control] socket",
			control->path);
	/* Nobody serves it: who did had the lock of the directory. */
	if (unlinkat(control->directory_fd, control->name, 0) < 0)
		return control_fail(ret_error, -errno, "%s: cannot remove it",
				    control->path);
	return 0;
}

static int control_listen(struct control *control, const char *group,
			  char ret_error[CONTROL_ERROR_BYTES])
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	gid_t gid = (gid_t)-1;
	mode_t umask_before;
	int err;

	if (group) {
		err = control_find_group(group, &gid, ret_error);
		if (err < 0)
			return err;
	}
	err = control_remove_stale(control, ret_error);
	if (err < 0)
		return err;
	(void)strcpy(address.sun_path, control->path);
	control->listen_fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (control->listen_fd < 0)
		return control_fail(ret_error, -errno, "socket: %s",
				    strerror(errno));
	/* Its mode is right from its first moment on. */
	umask_before = umask(0177);
	err = bind(control->listen_fd, (struct sockaddr *)&address,
		   sizeof(address)) < 0 ?
		      -errno :
		      0;
	(void)umask(umask_before);
	if (err < 0)
		return control_fail(ret_error, err, "%s: %s", control->path,
				    strerror(-err));
	if ((group &&
	     (fchownat(control->directory_fd, control->name, (uid_t)-1, gid,
		       AT_SYMLINK_NOFOLLOW) < 0 ||
	      fchmodat(control->directory_fd, control->name, 0660, 0) < 0)) ||
	    listen(control->listen_fd, CONTROL_BACKLOG) < 0) {
		err = -errno;
		(void)unlinkat(control->directory_fd, control->name, 0);
		return control_fail(ret_error, err, "%s: %s", control->path,
				    strerror(-err));
	}
	return 0;
}

static int control_add_fd(struct control *control, int *fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = fd };

	return *fd < 0 || epoll_ctl(control->epoll_fd, EPOLL_CTL_ADD, *fd,
				    &event) < 0 ?
		       -errno :
		       0;
}

static int control_prepare(struct control *control)
{
	int err;

	control->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (control->epoll_fd < 0)
		return -errno;
	control->again_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	err = control_add_fd(control, &control->again_fd);
	if (err < 0)
		return err;
	control->is_accepting = true;
	return control_add_fd(control, &control->listen_fd);
}

static void control_close_all(struct control *control)
{
	int *fds[] = { &control->listen_fd, &control->epoll_fd,
		       &control->again_fd, &control->directory_fd };
	size_t i;

	for (i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (*fds[i] >= 0)
			(void)close(*fds[i]);
	}
	free(control->path);
	free(control);
}

int control_new(const char *path, const char *group, const char *version,
		control_handler handler, void *context,
		struct control **ret_control,
		char ret_error[CONTROL_ERROR_BYTES])
{
	struct control *control;
	int err;

	if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path) ||
	    !strchr(path, '/'))
		return control_fail(
			ret_error, -ENAMETOOLONG,
			"%s: expected an absolute path of at most %zu bytes",
			path, sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
	control = calloc(1, sizeof(*control));
	if (!control)
		return control_fail(ret_error, -ENOMEM, "out of memory");
	control->listen_fd = control->epoll_fd = -1;
	control->again_fd = control->directory_fd = -1;
	control->version = version;
	control->handler = handler;
	control->context = context;
	control->path = strdup(path);
	if (!control->path) {
		control_close_all(control);
		return control_fail(ret_error, -ENOMEM, "out of memory");
	}
	control->name = strrchr(control->path, '/') + 1;
	err = control_lock(control, ret_error);
	if (err == 0)
		err = control_listen(control, group, ret_error);
	if (err < 0) {
		control_close_all(control);
		return err;
	}
	err = control_prepare(control);
	if (err < 0) {
		control_free(control);
		return control_fail(ret_error, err, "epoll: %s",
				    strerror(-err));
	}
	*ret_control = control;
	return 0;
}

void control_free(struct control *control)
{
	struct control_client *client;

	if (!control)
		return;
	for (client = control->clients; client; client = client->next)
		control_close(control, client);
	control_sweep(control);
	(void)unlinkat(control->directory_fd, control->name, 0);
	control_close_all(control);
}
