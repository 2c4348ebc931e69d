// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/vcpu.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "args.h"
#include "cleanup.h"
#include "proc_file.h"
#include "units.h"

/* utime and stime are fields 14 and 15; 3 is the first after the name. */
#define VCPU_UTIME_FIELD 14
#define VCPU_FIRST_FIELD 3

static void cleanup_closedir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

void vcpu_threads_done(struct vcpu_threads *threads)
{
	free(threads->tids);
	*threads = (struct vcpu_threads){ 0 };
}

bool vcpu_is_thread_name(const char *name)
{
	size_t digits;

	if (strncmp(name, "CPU ", 4) != 0)
		return false;
	name += 4;
	digits = strspn(name, "0123456789");
	name += digits;
	return digits > 0 &&
	       (strcmp(name, "/KVM") == 0 || strcmp(name, "/KVM\n") == 0);
}

/* The blank-separated number at *text, which is moved behind it. */
static bool vcpu_take_number(const char **text, uint64_t *ret_number)
{
	size_t length = strcspn(*text, " \n");
	char number[24];

	if (length >= sizeof(number) || strspn(*text, "0123456789") != length)
		return false;
	memcpy(number, *text, length);
	number[length] = '\0';
	*text += length;
	*text += strspn(*text, " ");
	return args_number(number, 0, UINT64_MAX, ret_number) == 0;
}

bool vcpu_parse_schedstat(const char *text, uint64_t *ret_ns)
{
	return vcpu_take_number(&text, ret_ns);
}

bool vcpu_parse_stat(const char *text, uint64_t ticks_per_s, uint64_t *ret_ns)
{
	/* A name may contain anything, also ") ". */
	const char *field = strrchr(text, ')');
	uint64_t utime, stime;
	unsigned int i;

	if (!field || field[1] != ' ')
		return false;
	field += 2;
	for (i = VCPU_FIRST_FIELD; i < VCPU_UTIME_FIELD; i++) {
		field = strchr(field, ' ');
		if (!field)
			return false;
		field++;
	}
	if (!vcpu_take_number(&field, &utime) ||
	    !vcpu_take_number(&field, &stime) || stime > UINT64_MAX - utime ||
	    utime + stime > UINT64_MAX / NS_PER_S)
		return false;
	*ret_ns = (utime + stime) * NS_PER_S / ticks_per_s;
	return true;
}

static int vcpu_read_time(int thread_fd, uint64_t *ret_ns)
{
	_cleanup_free_ char *text = NULL;
	int err;

	err = proc_file_read(thread_fd, "schedstat", 4096, &text, NULL);
	if (err == 0)
		return vcpu_parse_schedstat(text, ret_ns) ? 0 : -EBADMSG;
	if (err != -ENOENT)
		return err;
	err = proc_file_read(thread_fd, "stat", 4096, &text, NULL);
	if (err < 0)
		return err;
	return vcpu_parse_stat(text, (uint64_t)sysconf(_SC_CLK_TCK), ret_ns) ?
		       0 :
		       -EBADMSG;
}

static int vcpu_read_thread(int tasks_fd, const char *tid_text,
			    bool *ret_is_vcpu, uint64_t *ret_ns)
{
	_cleanup_free_ char *name = NULL;
	_cleanup_close_ int thread_fd = -1;
	int err;

	thread_fd =
		openat(tasks_fd, tid_text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (thread_fd < 0)
		return -errno;
	err = proc_file_read(thread_fd, "comm", 4096, &name, NULL);
	if (err < 0)
		return err;
	err = vcpu_read_time(thread_fd, ret_ns);
	if (err < 0)
		return err;
	*ret_is_vcpu = vcpu_is_thread_name(name);
	return 0;
}

static int vcpu_compare(const void *left, const void *right)
{
	pid_t a = *(const pid_t *)left, b = *(const pid_t *)right;

	return (a > b) - (a < b);
}

static int vcpu_add(struct vcpu_threads *threads, pid_t tid)
{
	pid_t *larger = reallocarray(threads->tids, threads->nr_tids + 1,
				     sizeof(*larger));

	if (!larger)
		return -ENOMEM;
	threads->tids = larger;
	threads->tids[threads->nr_tids++] = tid;
	return 0;
}

int vcpu_threads_read(const char *proc, pid_t pid,
		      struct vcpu_threads *ret_threads)
{
	CLEANUP(vcpu_threads_done) struct vcpu_threads threads = { 0 };
	CLEANUP(cleanup_closedir) DIR *tasks = NULL;
	_cleanup_free_ char *path = NULL;
	uint64_t all_ns = 0, vcpus_ns = 0;
	struct dirent *entry;

	if (asprintf(&path, "%s/%d/task", proc, (int)pid) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	tasks = opendir(path);
	if (!tasks)
		return errno == ENOENT ? -ESRCH : -errno;
	while ((entry = readdir(tasks))) {
		uint64_t tid, time_ns;
		bool is_vcpu = false;
		int err;

		if (args_number(entry->d_name, 1, INT_MAX, &tid) < 0)
			continue;
		err = vcpu_read_thread(dirfd(tasks), entry->d_name, &is_vcpu,
				       &time_ns);
		if (err == -ENOENT || err == -ESRCH)
			continue;
		if (err < 0)
			return err;
		all_ns += time_ns;
		if (!is_vcpu)
			continue;
		vcpus_ns += time_ns;
		err = vcpu_add(&threads, (pid_t)tid);
		if (err < 0)
			return err;
	}
	threads.time_ns = threads.nr_tids > 0 ? vcpus_ns : all_ns;
	if (threads.nr_tids > 0)
		qsort(threads.tids, threads.nr_tids, sizeof(*threads.tids),
		      vcpu_compare);
	*ret_threads = threads;
	threads = (struct vcpu_threads){ 0 };
	return 0;
}
