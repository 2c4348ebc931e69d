/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What each verb does. Each returns an exit status. */
#ifndef CMD_VERBS_H
#define CMD_VERBS_H

#include "options.h"

enum exit_status {
	EXIT_STATUS_OK = 0,
	EXIT_STATUS_FAILED = 1,
	EXIT_STATUS_USAGE = 2,
	/* As a shell sees a program that SIGPIPE ended. */
	EXIT_STATUS_PIPE = 141,
};

/* curve, simulate, plot */
int verb_measure(const struct options *options);
int verb_wss(const struct options *options);
int verb_compare(const struct options *options);
int verb_generate(const struct options *options);
int verb_convert(const struct options *options);

/* What a result of 0 or -errno, logged but for -EPIPE, means to the shell. */
int verb_status(int err);

/* An input as people want to see it. A loan. */
const char *verb_title(const char *input);

/* Whether standard output is a terminal that wants colours. */
bool verb_is_coloured(void);

#endif /* CMD_VERBS_H */
