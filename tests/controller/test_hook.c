// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The program for thrashing: what it gets, what becomes of it, and that the loop
 * goes on meanwhile.
 */
#include "ctl_test.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/hook.h"
#include "daemon/journal.h"
#include "units.h"

#define MIB (UINT64_C(1) << 20)
#define HOUR_NS (UINT64_C(3600) * NS_PER_S)

/* Until the hook has begun in time, however slow the machine is. */
#define MAX_TIMEOUT_NS (UINT64_C(600) * NS_PER_S)

static char directory[] = "/tmp/kvm-aet-hook.XXXXXX";
static char path[64], mark[64];
static sd_event *event;
static struct hook *hook;

static int setup(void **state)
{
	sigset_t child;

	(void)state;
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/hook", directory);
	(void)snprintf(mark, sizeof(mark), "%s/mark", directory);
	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &child, NULL);
	/* What the hook leaves behind comes to us, to be asked after. */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	journal_set_level(JOURNAL_INFO);
	if (sd_event_new(&event) < 0)
		return -1;
	return hook_new(event, &hook);
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	hook_free(hook);
	hook = NULL;
	event = sd_event_unref(event);
	(void)snprintf(command, sizeof(command), "rm -r %s", directory);
	return system(command);
}

static void write_hook(const char *script)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fprintf(file, "#!/bin/sh\ncd %s\n%s\n", directory, script) >
		    0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, 0755), 0);
}

static struct vm_view vms[2] = {
	{ .uuid = "u-1", .name = "web1" },
	{ .uuid = "u-2", .name = "db1" },
};

static struct tick make_tick(ptrdiff_t candidate)
{
	return (struct tick){
		.vms = vms,
		.nr_vms = 2,
		.thrashing = { .is_thrashing = true,
			       .wss_bytes = 300 * MIB,
			       .budget_bytes = 200 * MIB,
			       .candidate = candidate },
	};
}

static unsigned int nr_beats;

static int again_soon(sd_event_source *source)
{
	int err = sd_event_source_set_time_relative(source, 1000);

	return err < 0 ? err :
			 sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* Something else that the loop does all the time. */
static int on_beat(sd_event_source *source, uint64_t usec, void *context)
{
	(void)usec;
	(void)context;
	nr_beats++;
	return again_soon(source);
}

static bool is_running(void)
{
	struct tick tick = make_tick(-1);
	int err = hook_run(hook, "/nonexistent/hook", HOUR_NS, &tick);

	assert_true(err == -EBUSY || err == -ENOENT);
	return err == -EBUSY;
}

/* Runs the loop until the hook has ended; what was logged, to be freed. */
static char *run_to_end(uint64_t timeout_ns, const struct tick *tick)
{
	sd_event_source *beat = NULL;
	struct capture capture;
	int err;

	capture_start(&capture, STDERR_FILENO);
	err = hook_run(hook, path, timeout_ns, tick);
	nr_beats = 0;
	if (err == 0)
		err = sd_event_add_time(event, &beat, CLOCK_MONOTONIC, 0, 1,
					on_beat, NULL);
	while (err >= 0 && is_running())
		err = sd_event_run(event, UINT64_MAX);
	sd_event_source_disable_unref(beat);
	if (err < 0)
		print_error("%s\n", strerror(-err));
	return capture_end(&capture);
}

static char *read_mark(void)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = fopen(mark, "r");

	if (!file)
		return NULL;
	if (getdelim(&text, &size, 0, file) < 0) {
		free(text);
		text = NULL;
	}
	(void)fclose(file);
	return text;
}

static void test_environment(void **state)
{
	struct tick tick = make_tick(1);
	char *said, *got;

	(void)state;
	setenv("SECRET", "of the daemon", 1);
	write_hook(
		"env | grep -v '^\\(PWD\\|OLDPWD\\|_\\|SHLVL\\)=' | sort >mark");
	said = run_to_end(HOUR_NS, &tick);
	got = read_mark();
	assert_non_null(got);
	assert_string_equal(
		got,
		"KVMAET_BUDGET_BYTES=209715200\n"
		"KVMAET_CANDIDATE_NAME=db1\n"
		"KVMAET_CANDIDATE_UUID=u-2\n"
		"KVMAET_EVENT=thrashing\n"
		"KVMAET_WSS_BYTES=314572800\n"
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n");
	assert_contains(said, "hook is done\n");
	free(got);
	free(said);
	/* The next one, of whom nobody's leaving would help. */
	tick = make_tick(-1);
	said = run_to_end(HOUR_NS, &tick);
	got = read_mark();
	assert_non_null(got);
	assert_null(strstr(got, "CANDIDATE"));
	free(got);
	free(said);
}

static void test_failures(void **state)
{
	struct tick tick = make_tick(0);
	char *said;

	(void)state;
	write_hook("exit 3");
	said = run_to_end(HOUR_NS, &tick);
	assert_contains(said, "hook failed: exit status 3\n");
	free(said);
	write_hook("kill -USR1 $$");
	said = run_to_end(HOUR_NS, &tick);
	assert_contains(said, "hook ended by signal 10\n");
	free(said);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(hook_run(hook, path, HOUR_NS, &tick), -EACCES);
	assert_false(is_running());
}

/* Waits for what had been started with that number: how it ended. */
static int signal_that_ended(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

/* Neither it nor what it started outlives its time, and the loop does not wait. */
static void test_timeout(void **state)
{
	struct tick tick = make_tick(0);
	uint64_t timeout_ns = NS_PER_S / 20;
	char *said, *got = NULL;
	int child = 0;

	(void)state;
	/* Deaf to what is asked for gently, and with a child likewise. */
	write_hook("trap '' TERM INT HUP\n"
		   "sleep 300 & echo $! >new; mv new mark\n"
		   "sleep 300; wait");
	do {
		(void)unlink(mark);
		said = run_to_end(timeout_ns, &tick);
		assert_contains(said, "hook took too long and was killed\n");
		assert_null(strstr(said, "is done"));
		assert_true(nr_beats > 0);
		free(said);
		got = read_mark();
		/* Killed before it had begun: that is no test of its child. */
		timeout_ns *= 2;
	} while (!got && timeout_ns < MAX_TIMEOUT_NS);
	assert_non_null(got);
	assert_int_equal(sscanf(got, "%d", &child), 1);
	free(got);
	assert_int_equal(signal_that_ended(child), SIGKILL);
	/* And then there can be another. */
	write_hook("exit 0");
	said = run_to_end(HOUR_NS, &tick);
	assert_contains(said, "hook is done\n");
	free(said);
}

static int on_mark(sd_event_source *source, uint64_t usec, void *context)
{
	(void)usec;
	if (access(mark, F_OK) == 0)
		return sd_event_exit(context, 0);
	return again_soon(source);
}

/* The daemon ends: so does the hook, with all that it started. */
static void test_ends_with_the_daemon(void **state)
{
	struct tick tick = make_tick(0);
	struct capture capture;
	int child = 0;
	char *got;

	(void)state;
	write_hook("sleep 300 & echo $! >new; mv new mark; wait");
	capture_start(&capture, STDERR_FILENO);
	assert_int_equal(hook_run(hook, path, HOUR_NS, &tick), 0);
	assert_true(is_running());
	assert_true(sd_event_add_time(event, NULL, CLOCK_MONOTONIC, 0, 1,
				      on_mark, event) >= 0);
	assert_int_equal(sd_event_loop(event), 0);
	hook_free(hook);
	hook = NULL;
	free(capture_end(&capture));
	got = read_mark();
	assert_non_null(got);
	assert_int_equal(sscanf(got, "%d", &child), 1);
	free(got);
	assert_int_equal(signal_that_ended(child), SIGKILL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_environment),
		TEST(test_failures),
		TEST(test_timeout),
		TEST(test_ends_with_the_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
