/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known of the host and of its VMs at one moment: the one input of all
 * decisions. Plain data: whoever fills it (daemon/tick.c from a live host,
 * recording.c from a file, a test by hand) owns what it points to.
 *
 * Memory is in bytes, multiples of VIEW_PAGE_BYTES; curves are in pages, as in
 * libmrc. Times are CLOCK_MONOTONIC.
 */
#ifndef POLICY_VIEW_H
#define POLICY_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mrc/curve.h>

#define VIEW_PAGE_BYTES 4096
#define VIEW_UUID_BYTES 37

/* Classes of idle age: class i holds pages unused for [2^i, 2^(i+1)) seconds,
 * the first also those used more recently, the last all older ones. */
#define VIEW_NR_AGES 16

/* What may be done to a VM: the lesser of the host's mode and its own. */
enum vm_mode {
	VM_MODE_OBSERVE = 0, /* measured and reported */
	VM_MODE_ADVISE = 1, /* decided and explained, not moved */
	VM_MODE_ACT = 2,
};

/**
 * struct vm_limits - what people demand for a VM, defaults filled in
 * @min_bytes: never below; at least one page
 * @max_bytes: never above; at least @min_bytes, at most what the domain can have
 * @weight: worth of one of its misses against another VM's; above 0
 * @mode: in force
 */
struct vm_limits {
	uint64_t min_bytes;
	uint64_t max_bytes;
	double weight;
	enum vm_mode mode;
};

/* How much the measurement tells. */
enum vm_wss {
	VM_WSS_UNKNOWN = 0, /* nothing measured */
	VM_WSS_KNOWN,
	VM_WSS_ABOVE, /* at least so much */
};

/**
 * struct vm_guest_stats - what the guest's balloon driver says
 * @total_bytes: that the guest's kernel manages
 * @usable_bytes: available without swapping, as its MemAvailable
 * @unused_bytes: free
 * @swap_in_bytes_per_s: since the values before
 * @swap_out_bytes_per_s: likewise
 * @major_faults_per_s: likewise
 */
struct vm_guest_stats {
	uint64_t total_bytes;
	uint64_t usable_bytes;
	uint64_t unused_bytes;
	double swap_in_bytes_per_s;
	double swap_out_bytes_per_s;
	double major_faults_per_s;
};

/**
 * struct vm_view - one VM
 * @uuid: of the domain, as libvirt writes it
 * @name: of the domain; untrusted bytes
 * @limits: in force
 * @actual_bytes: what the guest has, read back from its balloon
 * @target_bytes: what its balloon was last told, by whomever
 * @is_movable: it has a balloon that can move
 * @immovable_reason: else why not, for people; NULL if movable
 * @is_paused: its vCPUs do not run
 * @curve: miss ratio by size in pages, smoothed over windows; NULL: none yet
 * @lower: lower end of its 95 % band, or NULL
 * @upper: upper end, or NULL
 * @accesses_per_s: page accesses of the VM, scaled from the sample, of which
 *	@curve says the share that misses
 * @wss: what is known of the working set
 * @wss_bytes: its size at the configured miss ratio, or the bound
 * @measured_age_ns: since the end of the last window in @curve
 * @is_stable: the working set has not changed for a while; tracking may pause
 * @is_starved: the sample fits in the hot set: the measurement sees nothing
 * @inverse_rate: in force; 0: not tracked
 * @overhead_ratio: cycles of the module for this VM over its vCPU time
 * @has_stats: @stats is set and fresh
 * @stats: the guest's own words
 * @vain_growths: times in a row that it was given memory for what it swaps in, and
 *	did not swap in less; of the past, so decide_tick() sets it, for its policy and
 *	for who asks later; 0 before
 * @held_bytes: that it holds without using it, as far as its swapping has shown; as
 *	@vain_growths
 * @age_bytes: sampled memory by idle age, scaled to the VM
 */
struct vm_view {
	char uuid[VIEW_UUID_BYTES];
	const char *name;
	struct vm_limits limits;
	uint64_t actual_bytes;
	uint64_t target_bytes;
	bool is_movable;
	const char *immovable_reason;
	bool is_paused;
	const struct mrc_curve *curve;
	const struct mrc_curve *lower;
	const struct mrc_curve *upper;
	double accesses_per_s;
	enum vm_wss wss;
	uint64_t wss_bytes;
	uint64_t measured_age_ns;
	bool is_stable;
	bool is_starved;
	uint32_t inverse_rate;
	double overhead_ratio;
	bool has_stats;
	struct vm_guest_stats stats;
	unsigned int vain_growths;
	uint64_t held_bytes;
	uint64_t age_bytes[VIEW_NR_AGES];
};

/**
 * struct host_view - the host
 * @total_bytes: physical memory
 * @available_bytes: MemAvailable
 * @budget_bytes: that all VMs, movable or not, may have together
 * @has_pressure: the kernel has PSI
 * @memory_some_percent: PSI some avg10 of memory
 * @memory_full_percent: PSI full avg10 of memory
 * @swap_in_bytes_per_s: of the host itself
 */
struct host_view {
	uint64_t total_bytes;
	uint64_t available_bytes;
	uint64_t budget_bytes;
	bool has_pressure;
	double memory_some_percent;
	double memory_full_percent;
	double swap_in_bytes_per_s;
};

#endif /* POLICY_VIEW_H */
