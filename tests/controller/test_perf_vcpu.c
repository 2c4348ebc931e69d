// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Counters of threads: the plumbing with what the kernel counts by itself, on this
 * very thread, and what is said where there are none.
 */
#include "ctl_test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/perf_event.h>

#include "daemon/perf_vcpu.h"

static void test_without_libperf(void **state)
{
	struct perf_vcpu *perf = NULL;
	pid_t tid = gettid();

	(void)state;
	perf_vcpu_close(NULL);
	if (perf_vcpu_is_built())
		skip();
	assert_int_equal(perf_vcpu_open(&tid, 1, &perf), -ENOSYS);
	assert_null(perf);
}

/* Page faults of this thread. -EACCES where only root may. */
static void test_counts(void **state)
{
	static const struct perf_vcpu_event events[] = {
		{ PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MIN, false },
		{ PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MAJ, false },
	};
	const size_t nr_pages = 200;
	struct perf_vcpu *perf = NULL;
	uint64_t before = 0, after = 0;
	pid_t tid = gettid();
	char *memory;
	size_t i;
	int err, fd, next_fd;

	(void)state;
	if (!perf_vcpu_is_built())
		skip();
	fd = dup(0);
	close(fd);
	err = perf_vcpu_open_events(events, 2, &tid, 1, &perf);
	if (err == -EACCES || err == -ENOENT) {
		print_message("no events here: %s\n", strerror(-err));
		skip();
	}
	assert_int_equal(err, 0);
	/* A program that is started does not inherit them. */
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(perf_vcpu_read(perf, &before), 0);
	memory = mmap(NULL, nr_pages * 4096, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	assert_int_equal(madvise(memory, nr_pages * 4096, MADV_NOHUGEPAGE), 0);
	for (i = 0; i < nr_pages; i++)
		memory[i * 4096] = 1;
	assert_int_equal(perf_vcpu_read(perf, &after), 0);
	assert_true(after >= before + nr_pages);
	munmap(memory, nr_pages * 4096);
	perf_vcpu_close(perf);
	next_fd = dup(0);
	close(next_fd);
	assert_int_equal(next_fd, fd);
}

static void test_errors(void **state)
{
	static const struct perf_vcpu_event unknown = { PERF_TYPE_SOFTWARE,
							12345, false };
	struct perf_vcpu *perf = NULL;
	pid_t tids[] = { gettid(), 4194305 };
	uint64_t references;
	int err;

	(void)state;
	if (!perf_vcpu_is_built())
		skip();
	err = perf_vcpu_open_events(&unknown, 1, tids, 1, &perf);
	assert_true(err == -ENOENT || err == -EACCES);
	assert_int_equal(perf_vcpu_open_events(&unknown, 0, tids, 1, &perf),
			 -EINVAL);
	assert_int_equal(perf_vcpu_open(tids, 0, &perf), -EINVAL);
	/* Nobody has that number: either is said, whichever comes first. */
	err = perf_vcpu_open(tids, 2, &perf);
	assert_true(err == -ESRCH || err == -ENOENT || err == -EACCES);
	assert_null(perf);
	/* A machine with a PMU counts; others say that there is none. */
	err = perf_vcpu_open(tids, 1, &perf);
	print_message("counters of the guest only: %s\n",
		      err < 0 ? strerror(-err) : "yes");
	if (err == 0)
		assert_int_equal(perf_vcpu_read(perf, &references), 0);
	else
		assert_true(err == -ENOENT || err == -EACCES);
	perf_vcpu_close(perf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_libperf),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
