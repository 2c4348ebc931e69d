/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each verb does. Each returns an exit status. */
#ifndef CONTROLLER_VERBS_H
#define CONTROLLER_VERBS_H

#include "options.h"
#include "policy/view.h"
#include "recording.h"
#include "report.h"
#include "selftest.h"

enum exit_status {
	EXIT_STATUS_OK = 0,
	EXIT_STATUS_FAILED = 1,
	EXIT_STATUS_USAGE = 2,
};

int verb_list(const struct options *options);
int verb_wss(const struct options *options);
int verb_mrc(const struct options *options);
int verb_selftest(const struct options *options);
int verb_top(const struct options *options);
int verb_preview(const struct options *options);
int verb_explain(const struct options *options);
int verb_set(const struct options *options);
int verb_record(const struct options *options);
int verb_replay(const struct options *options);
int verb_report(const struct options *options);
int verb_ctl(const struct options *options);

/**
 * struct verb_attached - a VM being tracked by this process
 * @list: of VMs; @subject's name is a loan from it
 * @device_fd: the module
 * @signal_fd: readable when the user wants to stop
 * @pid_fd: the VM's process
 * @source: its accesses
 * @subject: the VM
 * @memory_bytes: of the VM, 0 if unknown
 */
struct verb_attached {
	struct vm_list list;
	int device_fd;
	int signal_fd;
	int pid_fd;
	struct source *source;
	struct report_subject subject;
	uint64_t memory_bytes;
};

#define VERB_ATTACHED_NONE                                     \
	{                                                      \
		.device_fd = -1, .signal_fd = -1, .pid_fd = -1 \
	}

/* Finds the VM that @options select and starts tracking it; logs why not. */
int verb_attach(const struct options *options,
		struct verb_attached *ret_attached);
/* Ends that; VERB_ATTACHED_NONE is fine. */
void verb_attached_done(struct verb_attached *attached);

/* Blocks SIGINT, SIGTERM and SIGHUP; the descriptor is readable once one came. */
int verb_open_signals(int *ret_fd);

/*
 * What the daemon knows of the VM that wss or mrc were asked about, if it tracks
 * it: then it is shown, as the module takes one tracker of a VM only.
 *
 * Returns whether it was; then @ret_status is set.
 */
bool verb_track_daemon(const struct options *options, bool is_mrc,
		       int *ret_status);

/*
 * The measured part of a view, from a window. What was there is freed. Returns 0 or
 * -errno as mrc_aet_band().
 */
int verb_view_window(const struct window *window, struct vm_view *view);

static inline void verb_cleanup_reader(struct recording_reader **reader)
{
	recording_reader_close(*reader);
}

/* Fails now rather than after a period of waiting; logs. */
int verb_check_svg(const char *path);

/*
 * The part of verb_wss() and verb_mrc() behind the module: follows a source
 * and reports it as @options say.
 */
int verb_track_source(struct source *source, const struct options *options,
		      bool is_mrc, const struct report_subject *subject);

/*
 * The part of verb_selftest() behind the module and the VM: says what was found.
 */
int verb_report_selftest(const struct options *options,
			 const struct selftest *selftest, bool is_virtual_host);

/* As source_open_device(), and logs why it failed. */
int verb_open_device(int *ret_device_fd);

/* Whether all output reached stdout; logs if it did not. */
bool verb_flush(void);

#endif /* CONTROLLER_VERBS_H */
