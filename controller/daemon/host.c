// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/host.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "args.h"
#include "cleanup.h"
#include "proc_file.h"
#include "units.h"

/* /proc/vmstat grows with the kernel; it is 4 KiB today. */
#define HOST_MAX_FILE_BYTES (256 * 1024)

bool host_parse_meminfo(const char *text, struct host_view *view)
{
	uint64_t total_kib, available_kib;

	if (!proc_file_number(text, "MemTotal:", &total_kib) ||
	    !proc_file_number(text, "MemAvailable:", &available_kib) ||
	    !total_kib || total_kib > UINT64_MAX / 1024 ||
	    available_kib > total_kib)
		return false;
	view->total_bytes = total_kib * 1024;
	view->available_bytes = available_kib * 1024;
	return true;
}

/* @line begins a line: "some avg10=0.12 avg60=..." */
static bool host_parse_average(const char *text, const char *line,
			       double *ret_percent)
{
	const char *found = strstr(text, line);
	char number[16];
	size_t length;
	double percent;

	if (!found || (found > text && found[-1] != '\n'))
		return false;
	found += strlen(line);
	length = strcspn(found, " \n");
	if (!length || length >= sizeof(number))
		return false;
	memcpy(number, found, length);
	number[length] = '\0';
	if (args_decimal(number, &percent) < 0 || !(percent <= 100))
		return false;
	*ret_percent = percent;
	return true;
}

bool host_parse_pressure(const char *text, struct host_view *view)
{
	double some, full;

	if (!host_parse_average(text, "some avg10=", &some) ||
	    !host_parse_average(text, "full avg10=", &full))
		return false;
	view->has_pressure = true;
	view->memory_some_percent = some;
	view->memory_full_percent = full;
	return true;
}

bool host_parse_vmstat(const char *text, uint64_t *ret_swap_in_pages)
{
	uint64_t pages = 0;

	/* It is in all of them, so this is the file that it should be. */
	if (!strstr(text, "nr_free_pages "))
		return false;
	/* A kernel without swap has no such line. */
	if (strstr(text, "pswpin ") &&
	    !proc_file_number(text, "pswpin ", &pages))
		return false;
	*ret_swap_in_pages = pages;
	return true;
}

/* -ENOENT, -EOPNOTSUPP: this kernel keeps none. */
static int host_read_pressure(int proc_fd, struct host_view *view)
{
	_cleanup_free_ char *text = NULL;
	int err;

	err = proc_file_read(proc_fd, "pressure/memory", HOST_MAX_FILE_BYTES,
			     &text, NULL);
	if (err == -ENOENT || err == -EOPNOTSUPP)
		return 0;
	if (err < 0)
		return err;
	return host_parse_pressure(text, view) ? 0 : -EBADMSG;
}

int host_read(const char *proc, const struct host_reading *before,
	      struct host_reading *ret_reading)
{
	_cleanup_free_ char *meminfo = NULL, *vmstat = NULL;
	_cleanup_close_ int proc_fd = -1;
	struct host_reading reading = { 0 };
	struct timespec now;
	int err;

	proc_fd = open(proc, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc_fd < 0)
		return -errno;
	err = proc_file_read(proc_fd, "meminfo", HOST_MAX_FILE_BYTES, &meminfo,
			     NULL);
	if (err == 0)
		err = proc_file_read(proc_fd, "vmstat", HOST_MAX_FILE_BYTES,
				     &vmstat, NULL);
	if (err == 0)
		err = host_read_pressure(proc_fd, &reading.view);
	if (err < 0)
		return err;
	if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
		return -errno;
	reading.time_ns =
		(uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
	if (!host_parse_meminfo(meminfo, &reading.view) ||
	    !host_parse_vmstat(vmstat, &reading.swap_in_pages))
		return -EBADMSG;
	if (before && reading.time_ns > before->time_ns &&
	    reading.swap_in_pages >= before->swap_in_pages)
		reading.view.swap_in_bytes_per_s =
			(double)(reading.swap_in_pages -
				 before->swap_in_pages) *
			VIEW_PAGE_BYTES /
			units_seconds(reading.time_ns - before->time_ns);
	*ret_reading = reading;
	return 0;
}

static uint64_t host_less(uint64_t bytes, uint64_t less)
{
	return bytes > less ? bytes - less : 0;
}

uint64_t host_budget_bytes(const struct host_view *host,
			   uint64_t configured_bytes, uint64_t reserve_bytes,
			   uint64_t vms_bytes)
{
	uint64_t most = host_less(host->total_bytes, reserve_bytes);
	uint64_t budget = configured_bytes;

	if (!configured_bytes) {
		/* Below its reserve, the host takes back from the VMs. */
		budget = vms_bytes > UINT64_MAX - host->available_bytes ?
				 UINT64_MAX :
				 vms_bytes + host->available_bytes;
		budget = host_less(budget, reserve_bytes);
		if (budget > most)
			budget = most;
	}
	return budget / VIEW_PAGE_BYTES * VIEW_PAGE_BYTES;
}
