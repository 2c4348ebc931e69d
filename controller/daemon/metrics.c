// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/metrics.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cleanup.h"

/* Scrapers come one at a time; who idles is in others' way. */
#define MAX_CONNECTIONS 16u
#define IDLE_TIMEOUT_S 10u
#define CONNECTION_BYTES ((size_t)16384)

#define OPENMETRICS "application/openmetrics-text; version=1.0.0; charset=utf-8"

/**
 * struct metrics - the server
 * @answer: to GET /metrics; NULL: no tick yet
 */
struct metrics {
	struct MHD_Daemon *server;
	struct MHD_Response *answer;
	struct MHD_Response *none_yet;
	struct MHD_Response *not_here;
	struct MHD_Response *not_so;
	uint16_t port;
};

static enum MHD_Result handle(void *data, struct MHD_Connection *connection,
			      const char *url, const char *method,
			      const char *version, const char *upload,
			      size_t *upload_size, void **request)
{
	const struct metrics *metrics = data;

	(void)version;
	(void)upload;
	(void)upload_size;
	(void)request;
	/* Before any body is read: who sends one is cut off. */
	if (strcmp(method, MHD_HTTP_METHOD_GET) &&
	    strcmp(method, MHD_HTTP_METHOD_HEAD))
		return MHD_queue_response(connection,
					  MHD_HTTP_METHOD_NOT_ALLOWED,
					  metrics->not_so);
	if (strcmp(url, "/metrics"))
		return MHD_queue_response(connection, MHD_HTTP_NOT_FOUND,
					  metrics->not_here);
	if (!metrics->answer)
		return MHD_queue_response(connection,
					  MHD_HTTP_SERVICE_UNAVAILABLE,
					  metrics->none_yet);
	return MHD_queue_response(connection, MHD_HTTP_OK, metrics->answer);
}

/* @text: static. NULL: no memory. */
static struct MHD_Response *make_answer(const char *text, const char *header,
					const char *value)
{
	struct MHD_Response *answer = MHD_create_response_from_buffer(
		strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);

	if (!answer)
		return NULL;
	if (MHD_add_response_header(answer, header, value) == MHD_NO) {
		MHD_destroy_response(answer);
		return NULL;
	}
	return answer;
}

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* -EINVAL: no loopback address. */
static int parse_address(const char *text, uint16_t port,
			 union address *ret_address, socklen_t *ret_size)
{
	union address address;

	memset(&address, 0, sizeof(address));
	if (inet_pton(AF_INET, text, &address.v4.sin_addr) == 1) {
		if (ntohl(address.v4.sin_addr.s_addr) >> 24 != IN_LOOPBACKNET)
			return -EINVAL;
		address.v4.sin_family = AF_INET;
		address.v4.sin_port = htons(port);
		*ret_size = sizeof(address.v4);
	} else if (inet_pton(AF_INET6, text, &address.v6.sin6_addr) == 1) {
		if (!IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr))
			return -EINVAL;
		address.v6.sin6_family = AF_INET6;
		address.v6.sin6_port = htons(port);
		*ret_size = sizeof(address.v6);
	} else {
		return -EINVAL;
	}
	*ret_address = address;
	return 0;
}

/* Listens; libmicrohttpd would not say why it cannot. */
static int listen_at(const char *text, uint16_t port, int *ret_fd,
		     uint16_t *ret_port)
{
	_cleanup_close_ int fd = -1;
	union address address;
	socklen_t size;
	const int on = 1;
	int err;

	err = parse_address(text, port, &address, &size);
	if (err)
		return err;
	fd = socket(address.any.sa_family,
		    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* Else a restart has to wait for the connections of before to be over. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, &address.any, size) || listen(fd, MAX_CONNECTIONS) ||
	    getsockname(fd, &address.any, &size))
		return -errno;
	*ret_port = ntohs(address.any.sa_family == AF_INET ?
				  address.v4.sin_port :
				  address.v6.sin6_port);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

void metrics_free(struct metrics *metrics)
{
	if (!metrics)
		return;
	/* Closes its socket, too. */
	if (metrics->server)
		MHD_stop_daemon(metrics->server);
	if (metrics->answer)
		MHD_destroy_response(metrics->answer);
	if (metrics->none_yet)
		MHD_destroy_response(metrics->none_yet);
	if (metrics->not_here)
		MHD_destroy_response(metrics->not_here);
	if (metrics->not_so)
		MHD_destroy_response(metrics->not_so);
	free(metrics);
}

static void metrics_cleanup(struct metrics **metrics)
{
	metrics_free(*metrics);
}

int metrics_new(const char *address, uint16_t port,
		struct metrics **ret_metrics)
{
	struct metrics *metrics CLEANUP(metrics_cleanup) = NULL;
	_cleanup_close_ int fd = -1;
	int err;

	metrics = calloc(1, sizeof(*metrics));
	if (!metrics)
		return -ENOMEM;
	metrics->none_yet = make_answer(
		"no period is over yet: try again in some seconds\n",
		MHD_HTTP_HEADER_RETRY_AFTER, "5");
	metrics->not_here = make_answer("metrics are at /metrics\n",
					MHD_HTTP_HEADER_CONTENT_TYPE,
					"text/plain");
	metrics->not_so = make_answer("GET and HEAD only\n",
				      MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	if (!metrics->none_yet || !metrics->not_here || !metrics->not_so)
		return -ENOMEM;
	err = listen_at(address, port, &fd, &metrics->port);
	if (err)
		return err;
	errno = 0;
	metrics->server = MHD_start_daemon(
		MHD_USE_EPOLL, 0, NULL, NULL, handle, metrics,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
		MAX_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_TIMEOUT_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES,
		MHD_OPTION_END);
	if (!metrics->server)
		return errno ? -errno : -ENOMEM;
	TAKE_FD(fd);
	*ret_metrics = TAKE_PTR(metrics);
	return 0;
}

uint16_t metrics_port(const struct metrics *metrics)
{
	return metrics->port;
}

int metrics_fd(const struct metrics *metrics)
{
	return MHD_get_daemon_info(metrics->server, MHD_DAEMON_INFO_EPOLL_FD)
		->epoll_fd;
}

void metrics_run(struct metrics *metrics)
{
	(void)MHD_run(metrics->server);
}

int metrics_timeout_ms(const struct metrics *metrics)
{
	MHD_UNSIGNED_LONG_LONG timeout;

	if (MHD_get_timeout(metrics->server, &timeout) == MHD_NO)
		return -1;
	return timeout < IDLE_TIMEOUT_S * 1000 ? (int)timeout :
						 (int)IDLE_TIMEOUT_S * 1000;
}

int metrics_set(struct metrics *metrics, const struct tick *tick)
{
	_cleanup_free_ char *text = NULL;
	struct MHD_Response *answer;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int err;

	if (!out)
		return -ENOMEM;
	err = metrics_format(out, tick);
	if (fclose(out) && !err)
		err = -ENOMEM;
	if (err)
		return err;
	answer = MHD_create_response_from_buffer(size, text,
						 MHD_RESPMEM_MUST_FREE);
	if (!answer)
		return -ENOMEM;
	text = NULL;
	if (MHD_add_response_header(answer, MHD_HTTP_HEADER_CONTENT_TYPE,
				    OPENMETRICS) == MHD_NO) {
		MHD_destroy_response(answer);
		return -ENOMEM;
	}
	/* Who is still being sent the old one holds it. */
	if (metrics->answer)
		MHD_destroy_response(metrics->answer);
	metrics->answer = answer;
	return 0;
}
