// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/perf_vcpu.h"

#include <errno.h>

#ifndef HAVE_LIBPERF

bool perf_vcpu_is_built(void)
{
	return false;
}

int perf_vcpu_open(const pid_t *tids, size_t nr_tids,
		   struct perf_vcpu **ret_perf)
{
	return perf_vcpu_open_events(NULL, 0, tids, nr_tids, ret_perf);
}

int perf_vcpu_open_events(const struct perf_vcpu_event *events,
			  size_t nr_events, const pid_t *tids, size_t nr_tids,
			  struct perf_vcpu **ret_perf)
{
	(void)events;
	(void)nr_events;
	(void)tids;
	(void)nr_tids;
	(void)ret_perf;
	return -ENOSYS;
}

int perf_vcpu_read(struct perf_vcpu *perf, uint64_t *ret_references)
{
	(void)perf;
	(void)ret_references;
	return -ENOSYS;
}

void perf_vcpu_close(struct perf_vcpu *perf)
{
	(void)perf;
}

#endif /* HAVE_LIBPERF */
