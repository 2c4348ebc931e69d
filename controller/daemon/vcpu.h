/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The vCPUs of a VM as threads of its process: QEMU names them "CPU N/KVM", if
 * told to name threads (-name ...,debug-threads=on), as libvirt tells it.
 *
 * Errors: 0 or -errno; outputs are untouched on failure.
 */
#ifndef DAEMON_VCPU_H
#define DAEMON_VCPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct vcpu_threads - the vCPU threads of one process
 * @tids: @nr_tids of them, ascending
 * @nr_tids: 0 if the process does not name its threads
 * @time_ns: CPU time that they have had: that in the guest, and that in the kernel
 *	for it, as for handling its faults. Of all threads of the process, if it
 *	does not name them. It falls when a vCPU is taken away.
 */
struct vcpu_threads {
	pid_t *tids;
	size_t nr_tids;
	uint64_t time_ns;
};

/* Frees what it owns and empties it; all-zero is fine. */
void vcpu_threads_done(struct vcpu_threads *threads);

/*
 * @proc: path of a proc file system. Threads that end meanwhile are left out.
 *
 * Returns 0; -ESRCH the process is gone; -EBADMSG a file is not as expected;
 * -ENOMEM; -errno of reading.
 */
int vcpu_threads_read(const char *proc, pid_t pid,
		      struct vcpu_threads *ret_threads);

/* Is that, with or without a newline, the name of a vCPU thread? Pure. */
bool vcpu_is_thread_name(const char *name);

/*
 * CPU time of a thread from its schedstat, or where the kernel has none from its
 * stat, in ticks of which there are @ticks_per_s. False if the text is not as
 * expected. Pure.
 */
bool vcpu_parse_schedstat(const char *text, uint64_t *ret_ns);
bool vcpu_parse_stat(const char *text, uint64_t ticks_per_s, uint64_t *ret_ns);

#endif /* DAEMON_VCPU_H */
