// SPDX-License-Identifier: GPL-2.0-or-later
/* vCPU threads of a made-up process, and of this one. */
#include "ctl_test.h"

#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/vcpu.h"

static char *proc;

static void make_dir(const char *path)
{
	char full[512];

	snprintf(full, sizeof(full), "%s/%s", proc, path);
	assert_int_equal(mkdir(full, 0700), 0);
}

static void make_file(const char *dir, const char *name, const char *text)
{
	char full[512];
	FILE *file;

	snprintf(full, sizeof(full), "%s/%s/%s", proc, dir, name);
	file = fopen(full, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int setup(void **state)
{
	static char path[] = "/tmp/kvm-aet-proc.XXXXXX";

	(void)state;
	strcpy(path + strlen(path) - 6, "XXXXXX");
	proc = mkdtemp(path);
	return proc ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *status, int type,
			struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	(void)state;
	return nftw(proc, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void make_thread(const char *dir, const char *name,
			const char *schedstat)
{
	make_dir(dir);
	make_file(dir, "comm", name);
	if (schedstat)
		make_file(dir, "schedstat", schedstat);
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
	assert_int_equal(vcpu_threads_read(proc, 70, &threads), -ESRCH);
	make_dir("70");
	make_dir("70/task");
	make_thread("70/task/70", "qemu-system-x86\n", "1000 0 0\n");
	make_thread("70/task/71", "IO mon_iothread\n", "20 0 0\n");
	/* It does not name them: the process counts. */
	assert_int_equal(vcpu_threads_read(proc, 70, &threads), 0);
	assert_int_equal(threads.nr_tids, 0);
	assert_int_equal(threads.time_ns, 1020);
	vcpu_threads_done(&threads);
	make_thread("70/task/90", "CPU 1/KVM\n", "300 0 0\n");
	make_thread("70/task/80", "CPU 0/KVM\n", "4000 0 0\n");
	/* Gone between two reads. */
	make_dir("70/task/81");
	assert_int_equal(vcpu_threads_read(proc, 70, &threads), 0);
	assert_int_equal(threads.nr_tids, 2);
	assert_int_equal(threads.tids[0], 80);
	assert_int_equal(threads.tids[1], 90);
	assert_int_equal(threads.time_ns, 4300);
	vcpu_threads_done(&threads);
	/* A kernel without schedstat. */
	make_thread("70/task/91", "CPU 2/KVM\n", NULL);
	make_file("70/task/91", "stat",
		  "91 (CPU 2/KVM) S 1 1 1 1 1 1 1 1 1 1 0 0 9 9\n");
	assert_int_equal(vcpu_threads_read(proc, 70, &threads), 0);
	assert_int_equal(threads.nr_tids, 3);
	assert_int_equal(threads.time_ns, 4300);
	vcpu_threads_done(&threads);
	make_file("70/task/91", "stat", "?");
	assert_int_equal(vcpu_threads_read(proc, 70, &threads), -EBADMSG);
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
#define PROC_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_parse),
		PROC_TEST(test_threads),
		cmocka_unit_test(test_this_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
