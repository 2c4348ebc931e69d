/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's configuration: /etc/kvm-aet/kvm-aet.conf, then conf.d/NAME.conf in
 * the order of names; later values win. Validated as a whole before any of it
 * counts; kvm-aet.conf(5).
 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include "daemon/tracker.h"
#include "policy/decide.h"

#define CONFIG_FILE "/etc/kvm-aet/kvm-aet.conf"
#define CONFIG_ERROR_BYTES 512

/**
 * struct config - all settings, defaults filled in
 * @uri: of libvirt
 * @stats_period_s: how often guests' balloon drivers report
 * @busy_ns: a VM for which a libvirt call takes longer is not moved; nor is any VM
 *	if that holds for libvirt as a whole
 * @mode: of the host; no VM is in a higher one
 * @policy: whose wants
 * @policy_params: for it
 * @guard_params: for the guard
 * @tracker: for tracking; its period is that of decisions, too
 * @budget_bytes: of all VMs; 0: from what the host has
 * @reserve_bytes: left to the host
 * @default_min_bytes: of VMs that do not say; 0: @default_min_ratio decides
 * @default_min_ratio: of a VM's maximum
 * @metrics_address: loopback address; NULL: no metrics
 * @metrics_port: TCP port
 * @socket_path: of the control socket
 * @socket_group: who may use it besides root; NULL: nobody
 * @record_directory: of all recordings
 * @record_name: of a recording in there, from the start on; NULL: none
 * @record_max_bytes: then the file is begun anew, the old one kept as .1
 * @thrash_hook: program to call on thrashing; NULL: none
 * @thrash_hook_timeout_ns: then it is killed
 */
struct config {
	char *uri;
	unsigned int stats_period_s;
	uint64_t busy_ns;
	enum vm_mode mode;
	const struct policy *policy;
	struct policy_params policy_params;
	struct guard_params guard_params;
	struct tracker_params tracker;
	uint64_t budget_bytes;
	uint64_t reserve_bytes;
	uint64_t default_min_bytes;
	double default_min_ratio;
	char *metrics_address;
	uint16_t metrics_port;
	char *socket_path;
	char *socket_group;
	char *record_directory;
	char *record_name;
	uint64_t record_max_bytes;
	char *thrash_hook;
	uint64_t thrash_hook_timeout_ns;
};

/* All defaults, as without any file. -ENOMEM. */
int config_default(struct config *ret_config);

/*
 * @path: main file; absent: all defaults (but a conf.d beside it is read). A file
 * that others than its owner, root or the caller, may write is refused: -EPERM.
 * -EINVAL: @ret_error is "FILE:LINE: what is wrong and what is expected";
 * -errno of reading, with @ret_error likewise; -ENOMEM.
 */
int config_read(const char *path, struct config *ret_config,
		char ret_error[CONFIG_ERROR_BYTES]);

/* Frees what it owns and empties it; all-zero is fine. */
void config_done(struct config *config);

/* Names of keys as "section.key", for tests of what describes them; NULL: end. */
const char *config_key(size_t index);

/* The value of that key as it is written in a file, to be freed; NULL: -ENOMEM. */
char *config_value(const struct config *config, size_t index);

/* Whether a path may be the name of a recording: a file name and no more. */
bool config_is_file_name(const char *name);

#endif /* DAEMON_CONFIG_H */
