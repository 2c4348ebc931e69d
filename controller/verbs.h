/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each verb does. Each returns an exit status. */
#ifndef CONTROLLER_VERBS_H
#define CONTROLLER_VERBS_H

#include "options.h"
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
