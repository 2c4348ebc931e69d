// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl_test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"
#include "daemon/metrics.h"
#include "sim_host.h"

#define MIB SIM_MIB

/**
 * struct rig - a tick about two VMs
 */
struct rig {
	struct mrc_curve *curve;
	struct vm_view vms[2];
	struct decision decisions[2];
	struct tick tick;
};

static void rig_init(struct rig *rig)
{
	*rig = (struct rig){
		.curve = sim_curve(SIM_UNIFORM, 1000 * MIB, 0),
		.tick = {
			.number = 7,
			.unix_ns = UINT64_C(1700000000500000000),
			.policy = &policy_mrc,
			.host = {
				.total_bytes = 4096 * MIB,
				.available_bytes = 1024 * MIB,
				.budget_bytes = 3000 * MIB,
				.has_pressure = true,
				.memory_some_percent = 12.5,
			},
			.vms = rig->vms,
			.decisions = rig->decisions,
			.nr_vms = 2,
			.thrashing = {
				.is_thrashing = true,
				.wss_bytes = 3100 * MIB,
				.candidate = 1,
			},
		},
	};
	rig->vms[0] = sim_view(1, 100 * MIB, 2000 * MIB, 500 * MIB);
	rig->vms[0].name = "web1";
	rig->vms[0].curve = rig->curve;
	rig->vms[0].accesses_per_s = 1000;
	rig->vms[0].wss = VM_WSS_ABOVE;
	rig->vms[0].wss_bytes = 900 * MIB;
	rig->vms[0].age_bytes[0] = 100;
	rig->vms[0].age_bytes[3] = 20;
	rig->vms[0].age_bytes[15] = 3;
	rig->vms[1] = sim_view(2, 100 * MIB, 2000 * MIB, 700 * MIB);
	rig->vms[1].name = "a \"b\" \\ c\nd\xff";
	rig->vms[1].inverse_rate = 0;
	rig->decisions[0].verdict = VERDICT_MOVE;
	rig->decisions[0].want.target_bytes = 800 * MIB;
	rig->decisions[0].want.has_misses = true;
	rig->decisions[0].want.misses_then_per_s = NAN;
}

static void rig_done(struct rig *rig)
{
	mrc_curve_free(rig->curve);
}

static char *format(const struct tick *tick)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(metrics_format(out, tick), 0);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void test_values(void **state)
{
	static const char *const lines[] = {
		"kvmaet_tick_number 7\n",
		"kvmaet_tick_timestamp_seconds 1700000000.5\n",
		"kvmaet_policy_info{policy=\"mrc\"} 1\n",
		"kvmaet_host_budget_bytes 3145728000\n",
		"kvmaet_host_pressure_some_ratio 0.125\n",
		"kvmaet_thrashing 1\n",
		"kvmaet_vm_actual_bytes{domain=\"web1\",uuid=\"00000001-0000-4000-8000-000000000000\"} 524288000\n",
		"kvmaet_vm_miss_ratio{domain=\"web1\",uuid=\"00000001-0000-4000-8000-000000000000\"} 0.5\n",
		"kvmaet_vm_misses_per_second{domain=\"web1\",uuid=\"00000001-0000-4000-8000-000000000000\"} 500\n",
		"kvmaet_vm_working_set_is_bound{domain=\"web1\",uuid=\"00000001-0000-4000-8000-000000000000\"} 1\n",
		"uuid=\"00000001-0000-4000-8000-000000000000\",size_ratio=\"1.5\"} 250\n",
		"uuid=\"00000001-0000-4000-8000-000000000000\",idle_seconds=\"0\"} 123\n",
		"uuid=\"00000001-0000-4000-8000-000000000000\",idle_seconds=\"8\"} 23\n",
		"uuid=\"00000001-0000-4000-8000-000000000000\",verdict=\"move\"} 1\n",
		"uuid=\"00000001-0000-4000-8000-000000000000\",mode=\"act\"} 1\n",
		"kvmaet_vm_sampling_ratio{domain=\"a \\\"b\\\" \\\\ c\\nd\xef\xbf\xbd\",",
		"kvmaet_thrashing_candidate_info{domain=\"a ",
	};
	struct rig rig CLEANUP(rig_done);
	_cleanup_free_ char *text = NULL;
	size_t i;

	(void)state;
	rig_init(&rig);
	text = format(&rig.tick);
	for (i = 0; i < ARRAY_SIZE(lines); i++)
		assert_contains(text, lines[i]);
	/* What is not known is no sample. */
	assert_null(strstr(text, "nan"));
	assert_null(strstr(text, "kvmaet_vm_wanted_misses_per_second{"));
	assert_null(strstr(text, "kvmaet_vm_guest_total_bytes{"));
	assert_int_equal(count_of(text, "kvmaet_vm_miss_ratio{"), 1);
	assert_int_equal(count_of(text, "kvmaet_vm_overhead_ratio{"), 1);
}

static bool is_name(const char *from, size_t length)
{
	return strspn(from, "abcdefghijklmnopqrstuvwxyz_") >= length;
}

/* Behind a label's value, which begins at @at behind its quote; NULL: no end. */
static const char *skip_value(const char *at)
{
	for (; *at != '"'; at++) {
		if (*at == '\0' || *at == '\n')
			return NULL;
		if (*at == '\\' && !strchr("\\\"n", *++at))
			return NULL;
	}
	return at + 1;
}

/* A sample of OpenMetrics: name, labels, number. The text behind its line. */
static const char *check_sample(const char *at, const char *family)
{
	size_t length = strcspn(at, "{ ");
	char *end;

	assert_true(is_name(at, length));
	assert_int_equal(length, strlen(family));
	assert_memory_equal(at, family, length);
	at += length;
	if (*at == '{') {
		do {
			at++;
			length = strcspn(at, "=");
			assert_true(length > 0 && is_name(at, length));
			assert_memory_equal(at + length, "=\"", 2);
			at = skip_value(at + length + 2);
			assert_non_null(at);
		} while (*at == ',');
		assert_int_equal(*at++, '}');
	}
	assert_int_equal(*at++, ' ');
	assert_true(isfinite(strtod(at, &end)));
	assert_ptr_not_equal(at, end);
	assert_int_equal(*end, '\n');
	return end + 1;
}

/* The grammar: families that do not come twice, samples below theirs, an end. */
static void check_grammar(const char *text)
{
	char family[128] = "", name[128], seen[16384] = " ";
	int length;

	while (strcmp(text, "# EOF\n") != 0) {
		assert_true(*text != '\0');
		if (*text != '#') {
			text = check_sample(text, family);
			continue;
		}
		assert_int_equal(sscanf(text, "# TYPE %127s gauge\n%n", family,
					&length),
				 1);
		text += length;
		assert_true(is_name(family, strlen(family)));
		(void)snprintf(name, sizeof(name), " %.120s ", family);
		assert_null(strstr(seen, name));
		strcat(seen, family);
		strcat(seen, " ");
		assert_int_equal(sscanf(text, "# HELP %127s %n", name, &length),
				 1);
		assert_string_equal(name, family);
		assert_true(text[length] > ' ');
		text = strchr(text, '\n') + 1;
		assert_int_equal(text[-2], '.');
	}
}

static void test_grammar(void **state)
{
	struct rig rig CLEANUP(rig_done);
	_cleanup_free_ char *text = NULL;

	(void)state;
	rig_init(&rig);
	text = format(&rig.tick);
	check_grammar(text);
	free(text);
	rig.tick.nr_vms = 0;
	rig.tick.policy = NULL;
	text = format(&rig.tick);
	check_grammar(text);
}

/* By Prometheus's own reader and taste, where it is installed. */
static void test_promtool(void **state)
{
	struct rig rig CLEANUP(rig_done);
	_cleanup_free_ char *text = NULL;
	FILE *pipe;

	(void)state;
	if (system("command -v promtool >/dev/null")) {
		print_message(
			"promtool is not installed (package prometheus)\n");
		skip();
	}
	rig_init(&rig);
	text = format(&rig.tick);
	pipe = popen("promtool check metrics", "w");
	assert_non_null(pipe);
	assert_true(fputs(text, pipe) >= 0);
	assert_int_equal(pclose(pipe), 0);
}

/* A file that is installed with the daemon. To be freed. */
static char *read_dist(const char *name)
{
	char path[4096], *text;
	size_t size;
	FILE *file;

	assert_non_null(strrchr(__FILE__, '/'));
	(void)snprintf(path, sizeof(path), "%.*s/../../controller/dist/%s",
		       (int)(strrchr(__FILE__, '/') - __FILE__), __FILE__,
		       name);
	file = fopen(path, "re");
	assert_non_null(file);
	text = calloc(1, 1 << 20);
	assert_non_null(text);
	size = fread(text, 1, (1 << 20) - 1, file);
	assert_true(size > 0);
	(void)fclose(file);
	return text;
}

/* Whatever a file asks for, the daemon must give. */
static void check_names(const char *file, const char *text)
{
	_cleanup_free_ char *asked = read_dist(file);
	unsigned int nr_names = 0;
	const char *at;

	for (at = asked; (at = strstr(at, "kvmaet_")); nr_names++) {
		size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyz_");
		char line[128];

		(void)snprintf(line, sizeof(line), "# TYPE %.*s gauge\n",
			       (int)length, at);
		assert_contains(text, line);
		at += length;
	}
	assert_true(nr_names > 5);
}

static void test_dist(void **state)
{
	struct rig rig CLEANUP(rig_done);
	_cleanup_free_ char *text = NULL, *dashboard = NULL, *rules = NULL;
	json_t *json;
	FILE *pipe;

	(void)state;
	rig_init(&rig);
	text = format(&rig.tick);
	check_names("alerts.yml", text);
	check_names("grafana-dashboard.json", text);
	dashboard = read_dist("grafana-dashboard.json");
	json = json_loads(dashboard, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(json);
	json_decref(json);
	if (system("command -v promtool >/dev/null"))
		return;
	rules = read_dist("alerts.yml");
	pipe = popen("promtool check rules /dev/stdin", "w");
	assert_non_null(pipe);
	assert_true(fputs(rules, pipe) >= 0);
	assert_int_equal(pclose(pipe), 0);
}

/* What the server answers, all of it. To be freed. */
static char *request(struct metrics *metrics, const char *text)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(metrics_port(metrics)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t size = 0;
	char *answer;

	assert_true(fd >= 0);
	assert_int_equal(
		connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	answer = calloc(1, 1 << 20);
	assert_non_null(answer);
	for (;;) {
		struct pollfd polls[] = {
			{ .fd = metrics_fd(metrics), .events = POLLIN },
			{ .fd = fd, .events = POLLIN },
		};
		ssize_t got;

		assert_true(poll(polls, 2, metrics_timeout_ms(metrics)) >= 0);
		metrics_run(metrics);
		if (!polls[1].revents)
			continue;
		got = read(fd, answer + size, (1 << 20) - 1 - size);
		/* Cut off with data unread, a peer sees a reset. */
		if (got <= 0)
			break;
		size += (size_t)got;
	}
	close(fd);
	return answer;
}

static void test_http(void **state)
{
	static const char get[] =
		"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
	struct rig rig CLEANUP(rig_done);
	struct metrics *metrics = NULL;
	char *answer, *body;

	(void)state;
	rig_init(&rig);
	assert_int_equal(metrics_new("127.0.0.1", 0, &metrics), 0);
	assert_true(metrics_port(metrics) > 0);

	answer = request(metrics, get);
	assert_contains(answer, "HTTP/1.1 503 ");
	assert_contains(answer, "Retry-After: 5\r\n");
	free(answer);

	assert_int_equal(metrics_set(metrics, &rig.tick), 0);
	answer = request(metrics, get);
	assert_contains(answer, "HTTP/1.1 200 ");
	assert_contains(
		answer,
		"Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n");
	body = strstr(answer, "\r\n\r\n");
	assert_non_null(body);
	check_grammar(body + 4);
	assert_contains(body, "kvmaet_tick_number 7\n");
	free(answer);

	rig.tick.number = 8;
	assert_int_equal(metrics_set(metrics, &rig.tick), 0);
	answer = request(
		metrics,
		"HEAD /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
	assert_contains(answer, "HTTP/1.1 200 ");
	body = strstr(answer, "\r\n\r\n");
	assert_non_null(body);
	assert_string_equal(body, "\r\n\r\n");
	free(answer);

	answer = request(metrics, "GET / HTTP/1.0\r\n\r\n");
	assert_contains(answer, " 404 ");
	assert_contains(answer, "/metrics");
	free(answer);

	answer = request(
		metrics,
		"POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc");
	assert_contains(answer, " 405 ");
	assert_contains(answer, "Allow: GET, HEAD\r\n");
	free(answer);

	answer = request(metrics, "nonsense\r\n\r\n");
	assert_true(strlen(answer) == 0 || strstr(answer, " 400 "));
	free(answer);

	metrics_free(metrics);
	metrics_free(NULL);
}

/* Who hangs up in the middle, or says nothing, harms nobody. */
static void test_rude_clients(void **state)
{
	struct rig rig CLEANUP(rig_done);
	struct metrics *metrics = NULL;
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fds[8];
	char *answer;
	size_t i;

	(void)state;
	rig_init(&rig);
	assert_int_equal(metrics_new("127.0.0.1", 0, &metrics), 0);
	assert_int_equal(metrics_set(metrics, &rig.tick), 0);
	address.sin_port = htons(metrics_port(metrics));
	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(fds[i], (struct sockaddr *)&address,
					 sizeof(address)),
				 0);
		if (i % 2)
			assert_int_equal(write(fds[i], "GET /me", 7), 7);
		metrics_run(metrics);
		if (i % 4 == 3)
			close(fds[i]);
	}
	answer = request(metrics, "GET /metrics HTTP/1.0\r\n\r\n");
	assert_contains(answer, " 200 ");
	free(answer);
	for (i = 0; i < ARRAY_SIZE(fds); i++)
		if (i % 4 != 3)
			close(fds[i]);
	metrics_free(metrics);
}

static void test_addresses(void **state)
{
	static const char *const wrong[] = { "0.0.0.0",	   "192.168.0.1",
					     "::",	   "localhost",
					     "",	   "127.0.0.1:80",
					     "2001:db8::1" };
	struct metrics *metrics = NULL, *second = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(metrics_new(wrong[i], 0, &metrics), -EINVAL);
	assert_null(metrics);
	assert_int_equal(metrics_new("127.0.0.2", 0, &metrics), 0);
	assert_int_equal(metrics_new("127.0.0.2", metrics_port(metrics),
				     &second),
			 -EADDRINUSE);
	assert_null(second);
	metrics_free(metrics);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_grammar),
		cmocka_unit_test(test_promtool),
		cmocka_unit_test(test_dist),
		cmocka_unit_test(test_http),
		cmocka_unit_test(test_rude_clients),
		cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
