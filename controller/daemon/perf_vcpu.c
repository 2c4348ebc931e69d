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

#else /* HAVE_LIBPERF */

#include <stdlib.h>
#include <string.h>

#include <linux/perf_event.h>
#include <perf/cpumap.h>
#include <perf/evsel.h>
#include <perf/threadmap.h>

#include "cleanup.h"

#define PERF_VCPU_MAX_EVENTS 2

/**
 * struct perf_vcpu - counters of the threads of one VM
 * @threads: map of @nr_threads
 * @evsels: @nr_evsels events, each on all threads
 * @references: last sum
 */
struct perf_vcpu {
	struct perf_cpu_map *any_cpu;
	struct perf_thread_map *threads;
	int nr_threads;
	struct perf_evsel *evsels[PERF_VCPU_MAX_EVENTS];
	size_t nr_evsels;
	uint64_t references;
};

bool perf_vcpu_is_built(void)
{
	return true;
}

static uint64_t perf_vcpu_cache_event(uint64_t cache, uint64_t operation)
{
	return cache | operation << 8 |
	       (uint64_t)PERF_COUNT_HW_CACHE_RESULT_ACCESS << 16;
}

/* What says that a counter, or one of the guest only, is not there. */
static int perf_vcpu_error(int err)
{
	switch (err) {
	case -ENODEV:
	case -ENXIO:
	case -EINVAL:
	case -EOPNOTSUPP:
		return -ENOENT;
	case -EPERM:
		return -EACCES;
	default:
		return err;
	}
}

int perf_vcpu_open(const pid_t *tids, size_t nr_tids,
		   struct perf_vcpu **ret_perf)
{
	const struct perf_vcpu_event loads_and_stores[] = {
		{
			.type = PERF_TYPE_HW_CACHE,
			.config = perf_vcpu_cache_event(
				PERF_COUNT_HW_CACHE_L1D,
				PERF_COUNT_HW_CACHE_OP_READ),
			.exclude_host = true,
		},
		{
			.type = PERF_TYPE_HW_CACHE,
			.config = perf_vcpu_cache_event(
				PERF_COUNT_HW_CACHE_L1D,
				PERF_COUNT_HW_CACHE_OP_WRITE),
			.exclude_host = true,
		},
	};
	const struct perf_vcpu_event references = {
		.type = PERF_TYPE_HARDWARE,
		.config = PERF_COUNT_HW_CACHE_REFERENCES,
		.exclude_host = true,
	};
	int err;

	err = perf_vcpu_open_events(loads_and_stores, 2, tids, nr_tids,
				    ret_perf);
	if (err == -ENOENT)
		err = perf_vcpu_open_events(&references, 1, tids, nr_tids,
					    ret_perf);
	return err;
}

static void cleanup_perf(struct perf_vcpu **perf)
{
	perf_vcpu_close(*perf);
}

static int perf_vcpu_add(struct perf_vcpu *perf,
			 const struct perf_vcpu_event *event)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = event->type,
		.config = event->config,
		.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED |
			       PERF_FORMAT_TOTAL_TIME_RUNNING,
		.exclude_host = event->exclude_host,
	};
	struct perf_evsel *evsel = perf_evsel__new(&attr);

	if (!evsel)
		return -ENOMEM;
	perf->evsels[perf->nr_evsels++] = evsel;
	return perf_evsel__open(evsel, perf->any_cpu, perf->threads);
}

int perf_vcpu_open_events(const struct perf_vcpu_event *events,
			  size_t nr_events, const pid_t *tids, size_t nr_tids,
			  struct perf_vcpu **ret_perf)
{
	CLEANUP(cleanup_perf) struct perf_vcpu *perf = NULL;
	_cleanup_free_ pid_t *copy = NULL;
	size_t i;
	int err;

	if (!nr_events || nr_events > PERF_VCPU_MAX_EVENTS || !nr_tids ||
	    nr_tids > 65536)
		return -EINVAL;
	perf = calloc(1, sizeof(*perf));
	/* libperf's array is not const. */
	copy = calloc(nr_tids, sizeof(*copy));
	if (!perf || !copy)
		return -ENOMEM;
	memcpy(copy, tids, nr_tids * sizeof(*copy));
	perf->nr_threads = (int)nr_tids;
	perf->threads = perf_thread_map__new_array(perf->nr_threads, copy);
	perf->any_cpu = perf_cpu_map__new_any_cpu();
	if (!perf->threads || !perf->any_cpu)
		return -ENOMEM;
	for (i = 0; i < nr_events; i++) {
		err = perf_vcpu_add(perf, &events[i]);
		if (err < 0)
			return perf_vcpu_error(err);
	}
	*ret_perf = TAKE_PTR(perf);
	return 0;
}

int perf_vcpu_read(struct perf_vcpu *perf, uint64_t *ret_references)
{
	uint64_t references = 0;
	size_t i;
	int thread;

	for (i = 0; i < perf->nr_evsels; i++) {
		for (thread = 0; thread < perf->nr_threads; thread++) {
			struct perf_counts_values counts = { 0 };
			int err = perf_evsel__read(perf->evsels[i], 0, thread,
						   &counts);

			if (err < 0)
				return err;
			perf_counts_values__scale(&counts, true, NULL);
			references += counts.val;
		}
	}
	/* A count scaled up from little time may be smaller than one before. */
	if (references > perf->references)
		perf->references = references;
	*ret_references = perf->references;
	return 0;
}

void perf_vcpu_close(struct perf_vcpu *perf)
{
	size_t i;

	if (!perf)
		return;
	for (i = 0; i < perf->nr_evsels; i++) {
		perf_evsel__close(perf->evsels[i]);
		perf_evsel__delete(perf->evsels[i]);
	}
	perf_thread_map__put(perf->threads);
	perf_cpu_map__put(perf->any_cpu);
	free(perf);
}

#endif /* HAVE_LIBPERF */
