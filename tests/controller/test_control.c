// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl_test.h"

#include <errno.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/control.h"

/* Steps of the server that are more than enough for anything small. */
#define STEPS 20

static char dir[] = "/tmp/kvm-aet-control.XXXXXX";
static char path[64];
static char reason[CONTROL_ERROR_BYTES];
static struct control *control;
static uint64_t now_ns;

/* What the handler was asked for. */
static unsigned int nr_calls;
static uint64_t later_ticket;
static uid_t last_uid;

static enum control_verdict handle(void *context,
				   const struct control_request *request,
				   json_t **ret_result,
				   struct control_error *ret_error)
{
	assert_ptr_equal(context, &nr_calls);
	assert_true(json_is_object(request->arguments));
	nr_calls++;
	last_uid = request->uid;
	if (strcmp(request->command, "echo") == 0) {
		*ret_result = json_incref(request->arguments);
		return CONTROL_DONE;
	}
	if (strcmp(request->command, "nothing") == 0)
		return CONTROL_DONE;
	if (strcmp(request->command, "much") == 0) {
		char *text = malloc(1 << 20);

		assert_non_null(text);
		memset(text, 'x', 1 << 20);
		*ret_result =
			json_pack("{s:s%}", "text", text, (size_t)(1 << 20));
		free(text);
		return CONTROL_DONE;
	}
	if (strcmp(request->command, "subscribe") == 0) {
		*ret_result = json_pack("{s:i}", "tick", 1);
		return CONTROL_SUBSCRIBED;
	}
	if (strcmp(request->command, "later") == 0) {
		later_ticket = request->ticket;
		return CONTROL_LATER;
	}
	control_error_set(ret_error, "CommandNotFound", "no command '%s\xff'",
			  request->command);
	return CONTROL_FAILED;
}

static int new_control(const char *group)
{
	return control_new(path, group, "9.9", handle, &nr_calls, &control,
			   reason);
}

static int setup(void **state)
{
	(void)state;
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/control", dir);
	nr_calls = 0;
	later_ticket = 0;
	now_ns = 1;
	return new_control(NULL);
}

static int teardown(void **state)
{
	(void)state;
	control_free(control);
	control = NULL;
	/* Only an empty directory goes: nothing is left behind. */
	return rmdir(dir);
}

static void run(unsigned int nr_steps)
{
	while (nr_steps-- > 0)
		control_run(control, now_ns);
}

static int connect_raw(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	strcpy(address.sun_path, path);
	assert_int_equal(
		connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* Reads what is there now; false: the other end is closed, too. */
static bool read_some(int fd, char *text, size_t size)
{
	size_t length = strlen(text);
	ssize_t got;

	for (;;) {
		got = read(fd, text + length, size - 1 - length);
		if (got <= 0)
			break;
		length += (size_t)got;
		text[length] = '\0';
	}
	return got < 0 && errno == EAGAIN;
}

static int connect_client(void)
{
	char text[256] = "";
	int fd = connect_raw();

	run(STEPS);
	assert_true(read_some(fd, text, sizeof(text)));
	assert_string_equal(
		text, "{\"kvm-aetd\":{\"version\":\"9.9\",\"schema\":1}}\n");
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	run(STEPS);
}

#define assert_hears(fd, expected) assert_hears_at((fd), (expected), __LINE__)

static void assert_hears_at(int fd, const char *expected, int line)
{
	char text[8192] = "";

	if (!read_some(fd, text, sizeof(text)) || strcmp(text, expected) != 0) {
		print_error("heard: %s\n", text);
		_fail(__FILE__, line);
	}
}

static void assert_closed(int fd)
{
	char text[8192] = "";

	run(STEPS);
	assert_false(read_some(fd, text, sizeof(text)));
	close(fd);
}

static void test_answer(void **state)
{
	int fd = connect_client();

	(void)state;
	say(fd,
	    "{\"execute\":\"echo\",\"arguments\":{\"a\":[1,null]},\"id\":7}\n");
	assert_hears(fd, "{\"return\":{\"a\":[1,null]},\"id\":7}\n");
	assert_int_equal(last_uid, getuid());
	say(fd, "{\"execute\":\"nothing\"}\r\n");
	assert_hears(fd, "{\"return\":{}}\n");
	say(fd, "\n \t\r\n");
	assert_hears(fd, "");
	assert_int_equal(nr_calls, 2);
	close(fd);
}

static void test_error_of_handler(void **state)
{
	int fd = connect_client();

	(void)state;
	say(fd, "{\"execute\":\"frob\",\"id\":{\"x\":\"y\"}}\n");
	/* Bytes that are no text do not break the answer. */
	assert_hears(fd,
		     "{\"error\":{\"class\":\"CommandNotFound\",\"desc\":\"no "
		     "command 'frob\xef\xbf\xbd'\"},\"id\":{\"x\":\"y\"}}\n");
	close(fd);
}

static void test_bad_messages(void **state)
{
	static const struct {
		const char *line;
		const char *answer;
	} cases[] = {
		{ "frob\n", "not JSON: " },
		{ "{\"execute\":\"echo\"\n", "not JSON: " },
		{ "{\"execute\":\"echo\"} x\n", "not JSON: " },
		{ "{\"execute\":\"echo\",\"execute\":\"frob\"}\n",
		  "not JSON: " },
		{ "{\"execute\":\"\\u0000\"}\n", "not JSON: " },
		{ "\xff\n", "not JSON: " },
		{ "[1]\n", "not a JSON object, such as " },
		{ "{}\n", "no command: expected a string" },
		{ "{\"execute\":7}\n", "no command: expected a string" },
		{ "{\"execute\":\"echo\",\"arguments\":[]}\n",
		  "'arguments' is not an object" },
		{ "{\"execute\":\"echo\",\"argument\":{}}\n",
		  "unknown member 'argument': expected execute, arguments and id" },
	};
	int fd = connect_client();
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[1024] = "";

		say(fd, cases[i].line);
		assert_true(read_some(fd, text, sizeof(text)));
		assert_contains(text, "{\"error\":{\"class\":\"BadMessage\"");
		assert_contains(text, cases[i].answer);
		assert_int_equal(count_of(text, "\n"), 1);
	}
	assert_int_equal(nr_calls, 0);
	/* The id comes back wherever it could be read. */
	say(fd, "{\"id\":3}\n");
	assert_hears(
		fd,
		"{\"error\":{\"class\":\"BadMessage\",\"desc\":\"no command: "
		"expected a string as member 'execute'\"},\"id\":3}\n");
	close(fd);
}

static void test_deep_message(void **state)
{
	char line[40000], text[1024] = "";
	int fd = connect_client();

	(void)state;
	memset(line, '[', sizeof(line));
	line[sizeof(line) - 2] = '\n';
	line[sizeof(line) - 1] = '\0';
	say(fd, line);
	assert_true(read_some(fd, text, sizeof(text)));
	assert_contains(text, "not JSON: ");
	close(fd);
}

static void test_parts_of_lines(void **state)
{
	static const char line[] = "{\"execute\":\"nothing\",\"id\":1}\n";
	int fd = connect_client();
	size_t i;

	(void)state;
	for (i = 0; i + 1 < strlen(line); i++) {
		char byte[2] = { line[i], '\0' };

		say(fd, byte);
		assert_hears(fd, "");
	}
	say(fd, "\n{\"exec");
	assert_hears(fd, "{\"return\":{},\"id\":1}\n");
	say(fd, "ute\":\"nothing\",\"id\":2}\n");
	assert_hears(fd, "{\"return\":{},\"id\":2}\n");
	close(fd);
}

static void test_many_at_once(void **state)
{
	static const char line[] = "{\"execute\":\"nothing\"}\n";
	char lines[100 * sizeof(line)] = "", text[8192] = "";
	int fd = connect_client();
	unsigned int i;

	(void)state;
	for (i = 0; i < 100; i++)
		strcat(lines, line);
	say(fd, lines);
	assert_true(read_some(fd, text, sizeof(text)));
	assert_int_equal(count_of(text, "{\"return\":{}}\n"), 100);
	close(fd);
}

/* A flood gets its turn, not all turns. */
static void test_flood_and_other_client(void **state)
{
	static const char line[] = "{\"execute\":\"nothing\"}\n";
	char lines[100 * sizeof(line)] = "";
	int flood = connect_client(), other = connect_client();
	unsigned int i;

	(void)state;
	for (i = 0; i < 100; i++)
		strcat(lines, line);
	assert_int_equal(write(flood, lines, strlen(lines)), strlen(lines));
	assert_int_equal(write(other, line, strlen(line)), strlen(line));
	run(1);
	assert_hears(other, "{\"return\":{}}\n");
	assert_true(nr_calls < 100);
	close(flood);
	close(other);
	run(STEPS);
}

/* As of: echo MESSAGE | socat - UNIX:PATH */
static void test_half_closed(void **state)
{
	char text[8192] = "";
	int fd = connect_client();
	unsigned int i;

	(void)state;
	for (i = 0; i < 30; i++)
		assert_int_equal(write(fd, "{\"execute\":\"nothing\"}\n", 22),
				 22);
	shutdown(fd, SHUT_WR);
	run(STEPS);
	assert_false(read_some(fd, text, sizeof(text)));
	assert_int_equal(count_of(text, "{\"return\":{}}\n"), 30);
	close(fd);
}

static void test_too_long(void **state)
{
	char *line = malloc(CONTROL_MAX_MESSAGE_BYTES + 1), text[1024] = "";
	int fd = connect_client();
	size_t sent;

	(void)state;
	assert_non_null(line);
	memset(line, ' ', CONTROL_MAX_MESSAGE_BYTES);
	for (sent = 0; sent < CONTROL_MAX_MESSAGE_BYTES;) {
		ssize_t now = write(fd, line + sent,
				    CONTROL_MAX_MESSAGE_BYTES - sent);

		if (now > 0)
			sent += (size_t)now;
		run(1);
	}
	run(STEPS);
	assert_false(read_some(fd, text, sizeof(text)));
	assert_contains(text, "the message is longer than 65535 bytes");
	close(fd);

	/* One byte less is a message. */
	fd = connect_client();
	line[CONTROL_MAX_MESSAGE_BYTES - 1] = '\n';
	memcpy(line, "{\"execute\":\"nothing\"}", 21);
	for (sent = 0; sent < CONTROL_MAX_MESSAGE_BYTES;) {
		ssize_t now = write(fd, line + sent,
				    CONTROL_MAX_MESSAGE_BYTES - sent);

		if (now > 0)
			sent += (size_t)now;
		run(1);
	}
	run(STEPS);
	assert_hears(fd, "{\"return\":{}}\n");
	close(fd);
	free(line);
}

/* It is not read from until it reads, and cut off if it does not. */
static void test_slow_reader(void **state)
{
	int fd = connect_client(), other = connect_client();

	(void)state;
	say(fd, "{\"execute\":\"much\"}\n{\"execute\":\"much\"}\n");
	say(fd, "{\"execute\":\"nothing\"}\n");
	assert_int_equal(nr_calls, 1);
	say(other, "{\"execute\":\"nothing\"}\n");
	assert_hears(other, "{\"return\":{}}\n");
	now_ns += CONTROL_STALL_NS - 1;
	control_expire(control, now_ns);
	say(other, "{\"execute\":\"nothing\"}\n");
	now_ns++;
	control_expire(control, now_ns);
	/* That one had nothing to take. */
	say(other, "{\"execute\":\"nothing\"}\n");
	assert_hears(other, "{\"return\":{}}\n{\"return\":{}}\n");
	assert_int_equal(nr_calls, 4);
	close(other);
	{
		char *text = calloc(1, 4 << 20);

		assert_non_null(text);
		assert_false(read_some(fd, text, 4 << 20));
		assert_true(strlen(text) < 1 << 20);
		free(text);
	}
	close(fd);
}

/* What is slow, but reads, gets all. */
static void test_large_answer(void **state)
{
	char *text = calloc(1, 4 << 20);
	int fd = connect_client();
	unsigned int i;

	(void)state;
	assert_non_null(text);
	say(fd, "{\"execute\":\"much\"}\n{\"execute\":\"nothing\"}\n");
	for (i = 0; i < 1000 && !strstr(text, "}\n{\"return\":{}}\n"); i++) {
		assert_true(read_some(fd, text, 4 << 20));
		now_ns += CONTROL_STALL_NS / 2;
		control_run(control, now_ns);
		control_expire(control, now_ns);
	}
	assert_contains(text, "}\n{\"return\":{}}\n");
	close(fd);
	free(text);
}

static void test_subscribe(void **state)
{
	json_t *data = json_pack("{s:i}", "tick", 2);
	int fd = connect_client(), other = connect_client();

	(void)state;
	assert_false(control_has_subscribers(control));
	say(fd, "{\"execute\":\"subscribe\"}\n");
	assert_hears(fd, "{\"return\":{\"tick\":1}}\n");
	assert_true(control_has_subscribers(control));
	control_send_event(control, "tick", data);
	assert_hears(fd, "{\"event\":\"tick\",\"data\":{\"tick\":2}}\n");
	assert_hears(other, "");
	/* And it may go on asking. */
	say(fd, "{\"execute\":\"nothing\"}\n");
	assert_hears(fd, "{\"return\":{}}\n");
	close(fd);
	run(STEPS);
	assert_false(control_has_subscribers(control));
	control_send_event(control, "tick", data);
	close(other);
	json_decref(data);
}

/* A subscriber that lags loses events, not the connection, and holds no more
 * than one of them. */
static void test_slow_subscriber(void **state)
{
	char *large = malloc(1 << 20), *text = calloc(1, 4 << 20);
	int fd = connect_client();
	unsigned int i;
	json_t *data;

	(void)state;
	assert_non_null(large);
	assert_non_null(text);
	memset(large, 'y', 1 << 20);
	data = json_pack("{s:s%}", "text", large, (size_t)(1 << 20));
	say(fd, "{\"execute\":\"subscribe\"}\n");
	for (i = 0; i < 10; i++)
		control_send_event(control, "tick", data);
	assert_false(control_has_subscribers(control));
	for (i = 0; i < 1000; i++) {
		assert_true(read_some(fd, text, 4 << 20));
		run(1);
	}
	assert_int_equal(count_of(text, "\"event\""), 1);
	assert_true(control_has_subscribers(control));
	close(fd);
	json_decref(data);
	free(large);
	free(text);
}

static void test_later(void **state)
{
	struct control_error error;
	int fd = connect_client();
	uint64_t first;

	(void)state;
	say(fd, "{\"execute\":\"later\",\"id\":\"a\"}\n");
	first = later_ticket;
	say(fd, "{\"execute\":\"later\",\"id\":\"b\"}\n");
	assert_true(first != later_ticket);
	assert_hears(fd, "");
	say(fd, "{\"execute\":\"nothing\"}\n");
	assert_hears(fd, "{\"return\":{}}\n");
	control_answer(control, later_ticket, json_pack("{s:i}", "x", 1), NULL);
	assert_hears(fd, "{\"return\":{\"x\":1},\"id\":\"b\"}\n");
	control_error_set(&error, "Failed", "no");
	control_answer(control, first, NULL, &error);
	assert_hears(
		fd,
		"{\"error\":{\"class\":\"Failed\",\"desc\":\"no\"},\"id\":\"a\"}\n");
	/* Each ticket counts once; and unknown ones never. */
	control_answer(control, first, json_object(), NULL);
	control_answer(control, 0, NULL, NULL);
	control_answer(control, 999, NULL, &error);
	assert_hears(fd, "");
	close(fd);
}

static void test_later_and_gone(void **state)
{
	int fd = connect_client();

	(void)state;
	say(fd, "{\"execute\":\"later\",\"id\":\"a\"}\n");
	close(fd);
	run(STEPS);
	control_answer(control, later_ticket, json_object(), NULL);
}

static void test_later_and_half_closed(void **state)
{
	char text[256] = "";
	int fd = connect_client();

	(void)state;
	say(fd, "{\"execute\":\"later\"}\n");
	shutdown(fd, SHUT_WR);
	run(STEPS);
	assert_hears(fd, "");
	control_answer(control, later_ticket, NULL, NULL);
	assert_false(read_some(fd, text, sizeof(text)));
	assert_string_equal(text, "{\"return\":{}}\n");
	close(fd);
}

static void test_too_many_later(void **state)
{
	char text[4096] = "";
	int fd = connect_client();
	unsigned int i;

	(void)state;
	for (i = 0; i < 8; i++)
		say(fd, "{\"execute\":\"later\"}\n");
	assert_hears(fd, "");
	say(fd, "{\"execute\":\"nothing\"}\n");
	assert_true(read_some(fd, text, sizeof(text)));
	assert_contains(text, "8 requests wait for an answer already");
	close(fd);
}

static void test_many_clients(void **state)
{
	int fds[CONTROL_MAX_CLIENTS], more;
	char text[1024] = "";
	unsigned int i;

	(void)state;
	for (i = 0; i < CONTROL_MAX_CLIENTS; i++)
		fds[i] = connect_client();
	more = connect_raw();
	run(STEPS);
	assert_false(read_some(more, text, sizeof(text)));
	assert_contains(text, "32 clients are connected already");
	close(more);
	for (i = 0; i < CONTROL_MAX_CLIENTS; i++) {
		say(fds[i], "{\"execute\":\"nothing\"}\n");
		assert_hears(fds[i], "{\"return\":{}}\n");
	}
	close(fds[0]);
	run(STEPS);
	fds[0] = connect_client();
	for (i = 0; i < CONTROL_MAX_CLIENTS; i++)
		close(fds[i]);
}

static void test_mode_and_group(void **state)
{
	struct group entry, *group;
	char buffer[1 << 16];
	struct stat st;

	(void)state;
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	control_free(control);
	control = NULL;
	assert_int_equal(access(path, F_OK), -1);

	assert_int_equal(getgrgid_r(getegid(), &entry, buffer, sizeof(buffer),
				    &group),
			 0);
	assert_non_null(group);
	assert_int_equal(new_control(group->gr_name), 0);
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_int_equal(st.st_gid, getegid());
	control_free(control);
	control = NULL;

	assert_int_equal(new_control("no-such-group"), -ESRCH);
	assert_string_equal(
		reason,
		"there is no group 'no-such-group' for the control socket: "
		"create it with 'groupadd --system no-such-group'");
	assert_null(control);
	assert_int_equal(access(path, F_OK), -1);
}

static void test_one_daemon(void **state)
{
	struct control *second = NULL;

	(void)state;
	assert_int_equal(control_new(path, NULL, "9.9", handle, &nr_calls,
				     &second, reason),
			 -EBUSY);
	assert_null(second);
	assert_contains(reason,
			"another kvm-aetd has its control socket there");
	/* And the first one still serves. */
	close(connect_client());
}

static void test_stale_socket(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	control_free(control);
	control = NULL;
	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)),
			 0);
	close(fd);
	assert_int_equal(new_control(NULL), 0);
	close(connect_client());
}

static void test_not_a_socket(void **state)
{
	FILE *file;

	(void)state;
	control_free(control);
	control = NULL;
	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(new_control(NULL), -EEXIST);
	assert_contains(reason, "exists and is not a socket");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(new_control(NULL), -EEXIST);
	assert_int_equal(unlink(path), 0);
}

static void test_bad_paths(void **state)
{
	struct control *none = NULL;
	char text[200];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[0] = '/';
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(control_new(text, NULL, "9", handle, NULL, &none,
				     reason),
			 -ENAMETOOLONG);
	assert_int_equal(control_new("control", NULL, "9", handle, NULL, &none,
				     reason),
			 -ENAMETOOLONG);
	assert_int_equal(control_new("/nonexistent/control", NULL, "9", handle,
				     NULL, &none, reason),
			 -ENOENT);
	assert_contains(reason, "/nonexistent: No such file or directory");
	assert_null(none);
}

static void test_end_closes_clients(void **state)
{
	int fd = connect_client();

	(void)state;
	say(fd, "{\"execute\":\"later\"}\n");
	control_free(control);
	control = NULL;
	{
		char text[16] = "";

		assert_false(read_some(fd, text, sizeof(text)));
	}
	close(fd);
	assert_int_equal(new_control(NULL), 0);
	fd = connect_client();
	say(fd, "x\n");
	assert_int_equal(shutdown(fd, SHUT_RDWR), 0);
	assert_closed(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_answer),
		TEST(test_error_of_handler),
		TEST(test_bad_messages),
		TEST(test_deep_message),
		TEST(test_parts_of_lines),
		TEST(test_many_at_once),
		TEST(test_flood_and_other_client),
		TEST(test_half_closed),
		TEST(test_too_long),
		TEST(test_slow_reader),
		TEST(test_large_answer),
		TEST(test_subscribe),
		TEST(test_slow_subscriber),
		TEST(test_later),
		TEST(test_later_and_gone),
		TEST(test_later_and_half_closed),
		TEST(test_too_many_later),
		TEST(test_many_clients),
		TEST(test_mode_and_group),
		TEST(test_one_daemon),
		TEST(test_stale_socket),
		TEST(test_not_a_socket),
		TEST(test_bad_paths),
		TEST(test_end_closes_clients),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
