/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory references of a VM, by the performance counters of its vCPU threads,
 * counted while they run the guest only. Through libperf of the kernel's source
 * (scripts/libperf), which is optional: see perf_vcpu_is_built().
 *
 * Counted are loads and stores that look up the first-level data cache; on a CPU
 * that does not count both, references to the last-level cache, which are fewer.
 */
#ifndef DAEMON_PERF_VCPU_H
#define DAEMON_PERF_VCPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct perf_vcpu;

/* Was the daemon built with libperf? Else perf_vcpu_open() is -ENOSYS. */
bool perf_vcpu_is_built(void);

/**
 * perf_vcpu_open() - start counting
 * @tids: @nr_tids threads
 * @nr_tids: at least 1
 * @ret_perf: to be closed with perf_vcpu_close()
 *
 * Returns 0; -ENOSYS built without libperf; -ENOENT there are no counters here, or
 * they cannot tell the guest from the host, as in a VM without a virtual PMU;
 * -EACCES not allowed (CAP_PERFMON); -ESRCH a thread ended; -EMFILE; -EINVAL too
 * many; -ENOMEM.
 */
int perf_vcpu_open(const pid_t *tids, size_t nr_tids,
		   struct perf_vcpu **ret_perf);

/*
 * References since perf_vcpu_open(), of all threads; where counters were shared,
 * scaled to the whole time. -errno of reading.
 */
int perf_vcpu_read(struct perf_vcpu *perf, uint64_t *ret_references);

/* NULL is fine. */
void perf_vcpu_close(struct perf_vcpu *perf);

/**
 * struct perf_vcpu_event - what is counted; for the test of the plumbing
 * @type: of struct perf_event_attr, like the others
 * @config: event
 * @exclude_host: count in the guest only
 */
struct perf_vcpu_event {
	uint32_t type;
	uint64_t config;
	bool exclude_host;
};

/* The same for the sum of @nr_events events, 1 or 2. */
int perf_vcpu_open_events(const struct perf_vcpu_event *events,
			  size_t nr_events, const pid_t *tids, size_t nr_tids,
			  struct perf_vcpu **ret_perf);

#endif /* DAEMON_PERF_VCPU_H */
