// SPDX-License-Identifier: GPL-2.0-or-later
/* vCPU threads of a made-up process, and of this one. */
#include "ctl_test.h"

#include <errno.h>
#include <unistd.h>

#include "daemon/vcpu.h"

static void make_thread(const char *dir, const char *name,
			const char *schedstat)
{
	char path[64];

	fake_proc_dir(dir);
	snprintf(path, sizeof(path), "%s/comm", dir);
	fake_proc_text(path, name);
	if (!schedstat)
		return;
	snprintf(path, sizeof(path), "%s/schedstat", dir);
	fake_proc_text(path, schedstat);
}

static void test_names(void **state)
{
	(void)state;
	assert_true(vcpu_is_thread_name("CPU 0/KVM\n"));
	assert_true(vcpu_is_thread_name("CPU 127/KVM"));
	assert_false(vcpu_is_thread_name("CPU /KVM"));
	assert_false(vcpu_is_thread_name("CPU 0/TCG"));
	assert_false(vcpu_is_thread_name("CPU 0/KVM2"));
	assert_false(vcpu_is_thread_name("CPU 0/KVM\nx"));
	assert_false(vcpu_is_thread_name("IO mon_iothread"));
	assert_false(vcpu_is_thread_name(""));
}

static void test_parse(void **state)
{
	static const char *const bad[] = {
		"",
		"(",
		"5 (x)",
		"5 (x) S",
		"5 (x) S 1 1 1 1 1 1 1 1 1 1 x 7 0",
		"5 (x) S 1 1 1 1 1 1 1 1 1 1 7",
		"5 (x) S 1 1 1 1 1 1 1 1 1 1 18446744073709551615 1 0",
		"5 (x) S 1 1 1 1 1 1 1 1 1 1 18446744073709551615 0 0",
	};
	uint64_t ns = 77;
	size_t i;

	(void)state;
	assert_true(vcpu_parse_schedstat("123456789012 55 6\n", &ns));
	assert_int_equal(ns, 123456789012);
	assert_false(vcpu_parse_schedstat("", &ns));
	assert_false(vcpu_parse_schedstat("-1 2 3", &ns));
	assert_false(vcpu_parse_schedstat("0x12 2 3", &ns));
	assert_true(vcpu_parse_stat(
		"5 (a) R) S 1 1 1 1 1 1 1 1 1 1 250 50 9 9\n", 100, &ns));
	assert_int_equal(ns, 3000000000);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(vcpu_parse_stat(bad[i], 100, &ns));
	assert_int_equal(ns, 3000000000);
}

static void test_threads(void **state)
{
	struct vcpu_threads threads = { 0 };

	(void)state;
	assert_int_equal(vcpu_threads_read(fake_proc, 70, &threads), -ESRCH);
	fake_proc_dir("70");
	fake_proc_dir("70/task");
	make_thread("70/task/70", "qemu-system-x86\n", "1000 0 0\n");
	make_thread("70/task/71", "IO mon_iothread\n", "20 0 0\n");
	/* It does not name them: the process counts. */
	assert_int_equal(vcpu_threads_read(fake_proc, 70, &threads), 0);
	assert_int_equal(threads.nr_tids, 0);
	assert_int_equal(threads.time_ns, 1020);
	vcpu_threads_done(&threads);
	make_thread("70/task/90", "CPU 1/KVM\n", "300 0 0\n");
	make_thread("70/task/80", "CPU 0/KVM\n", "4000 0 0\n");
	/* Gone between two reads. */
	fake_proc_dir("70/task/81");
	assert_int_equal(vcpu_threads_read(fake_proc, 70, &threads), 0);
	assert_int_equal(threads.nr_tids, 2);
	assert_int_equal(threads.tids[0], 80);
	assert_int_equal(threads.tids[1], 90);
	assert_int_equal(threads.time_ns, 4300);
	vcpu_threads_done(&threads);
	/* A kernel without schedstat. */
	make_thread("70/task/91", "CPU 2/KVM\n", NULL);
	fake_proc_text("70/task/91/stat",
		       "91 (CPU 2/KVM) S 1 1 1 1 1 1 1 1 1 1 0 0 9 9\n");
	assert_int_equal(vcpu_threads_read(fake_proc, 70, &threads), 0);
	assert_int_equal(threads.nr_tids, 3);
	assert_int_equal(threads.time_ns, 4300);
	vcpu_threads_done(&threads);
	fake_proc_text("70/task/91/stat", "?");
	assert_int_equal(vcpu_threads_read(fake_proc, 70, &threads), -EBADMSG);
	assert_null(threads.tids);
}

static void test_this_process(void **state)
{
	struct vcpu_threads threads = { 0 };

	(void)state;
	assert_int_equal(vcpu_threads_read("/proc", getpid(), &threads), 0);
	assert_int_equal(threads.nr_tids, 0);
	assert_true(threads.time_ns > 0);
	vcpu_threads_done(&threads);
}

int main(void)
{
#define PROC_TEST(test)                                        \
	cmocka_unit_test_setup_teardown(test, fake_proc_setup, \
					fake_proc_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_parse),
		PROC_TEST(test_threads),
		cmocka_unit_test(test_this_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
