// SPDX-License-Identifier: GPL-2.0-or-later
/* What reaches the journal: fields that can be searched for, byte by byte. */
#include "ctl_test.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "daemon/journal.h"

#define MAX_FIELDS 16

/* What sd_journal_sendv() got last. */
static char *fields[MAX_FIELDS];
static int nr_fields;
static int nr_sent;
static int send_error;

int __wrap_sd_journal_sendv(const struct iovec *iov, int n);

int __wrap_sd_journal_sendv(const struct iovec *iov, int n)
{
	int i;

	assert_true(n > 0 && n <= MAX_FIELDS);
	for (i = 0; i < nr_fields; i++)
		free(fields[i]);
	for (i = 0; i < n; i++) {
		/* A 0 in there would cut what is compared. */
		assert_null(memchr(iov[i].iov_base, 0, iov[i].iov_len));
		fields[i] = strndup(iov[i].iov_base, iov[i].iov_len);
		assert_non_null(fields[i]);
	}
	nr_fields = n;
	nr_sent++;
	return send_error;
}

#define assert_sent(...) \
	assert_fields((const char *const[]){ __VA_ARGS__, NULL }, __LINE__)

static void assert_fields(const char *const *expected, int line)
{
	int i;

	for (i = 0; i < nr_fields && expected[i]; i++) {
		if (strcmp(fields[i], expected[i]) != 0)
			break;
	}
	if (i == nr_fields && !expected[i])
		return;
	print_error("field %d is '%s', not '%s'\n", i,
		    i < nr_fields ? fields[i] : "(none)",
		    expected[i] ? expected[i] : "(none)");
	_fail(__FILE__, line);
}

/* Makes standard error the journal's, as systemd does. */
static int open_journal(void **state)
{
	char stream[64];
	struct stat st;

	(void)state;
	if (fstat(STDERR_FILENO, &st) < 0)
		return -1;
	(void)snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
		       (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	journal_open();
	journal_set_level(JOURNAL_INFO);
	nr_sent = 0;
	send_error = 0;
	return 0;
}

static int close_journal(void **state)
{
	(void)state;
	for (; nr_fields > 0; nr_fields--)
		free(fields[nr_fields - 1]);
	unsetenv("JOURNAL_STREAM");
	journal_open();
	return 0;
}

static void test_fields(void **state)
{
	const struct journal_about move = {
		.domain = "web1",
		.uuid = "11111111-2222-3333-4444-000000000001",
		.event = "give-back",
		.is_move = true,
		.from_bytes = 1 << 30,
		.to_bytes = UINT64_C(3) << 30,
	};
	const struct journal_about event = { .event = "thrashing" };

	(void)state;
	journal_log(JOURNAL_INFO, &move, "%d MiB -> %d MiB", 1024, 3072);
	assert_sent("MESSAGE=web1: 1024 MiB -> 3072 MiB", "PRIORITY=6",
		    "KVMAET_DOMAIN=web1",
		    "KVMAET_UUID=11111111-2222-3333-4444-000000000001",
		    "KVMAET_EVENT=give-back", "KVMAET_FROM_BYTES=1073741824",
		    "KVMAET_TO_BYTES=3221225472");
	journal_log(JOURNAL_WARNING, &event, "too much");
	assert_sent("MESSAGE=too much", "PRIORITY=4", "KVMAET_EVENT=thrashing");
	journal_log(JOURNAL_ERROR, NULL, "no");
	assert_sent("MESSAGE=no", "PRIORITY=3");
	assert_int_equal(nr_sent, 3);
}

/* A guest's name is anyone's: it makes no lines, and no fields, of its own. */
static void test_hostile_names(void **state)
{
	const struct journal_about about = {
		.domain = "a\nKVMAET_EVENT=move\x1b[2J",
		.event = "metadata",
	};

	(void)state;
	journal_log(JOURNAL_NOTICE, &about, "is odd");
	assert_int_equal(nr_fields, 4);
	assert_string_equal(fields[0],
			    "MESSAGE=a\\x0aKVMAET_EVENT=move\\x1b[2J: is odd");
	/* To be found by its very name; the journal takes any bytes there. */
	assert_string_equal(fields[2],
			    "KVMAET_DOMAIN=a\nKVMAET_EVENT=move\x1b[2J");
	assert_string_equal(fields[3], "KVMAET_EVENT=metadata");
}

static void test_levels(void **state)
{
	(void)state;
	journal_log(JOURNAL_DEBUG, NULL, "small talk");
	assert_int_equal(nr_sent, 0);
	journal_set_level(JOURNAL_DEBUG);
	journal_log(JOURNAL_DEBUG, NULL, "small talk");
	assert_sent("MESSAGE=small talk", "PRIORITY=7");
}

/* Without a journal, and with one that does not listen: lines. */
static void test_lines_instead(void **state)
{
	const struct journal_about about = { .domain = "web\n1" };
	struct capture capture;
	char *text;

	(void)state;
	send_error = -ENOBUFS;
	capture_start(&capture, STDERR_FILENO);
	journal_log(JOURNAL_INFO, &about, "is tracked");
	text = capture_end(&capture);
	assert_int_equal(nr_sent, 1);
	assert_contains(text, ": web\\x0a1: is tracked\n");
	free(text);
	/* Not the descriptor that systemd named any more. */
	setenv("JOURNAL_STREAM", "1:1", 1);
	journal_open();
	capture_start(&capture, STDERR_FILENO);
	journal_log(JOURNAL_WARNING, &about, "is odd");
	text = capture_end(&capture);
	assert_int_equal(nr_sent, 1);
	assert_contains(text, ": warning: web\\x0a1: is odd\n");
	free(text);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, open_journal, close_journal)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_fields),
		TEST(test_hostile_names),
		TEST(test_levels),
		TEST(test_lines_instead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
