/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What SIGINT, SIGTERM and SIGHUP leave behind: nothing. The command still dies
 * of them, so that a shell knows.
 */
#ifndef CMD_INTERRUPT_H
#define CMD_INTERRUPT_H

#include <stdbool.h>

/* Once, at the start. */
void interrupt_start(void);

/* Remove this file then; NULL for none. A loan. */
void interrupt_remove(const char *path);

/* End the line on stderr then, as there is a progress bar on it. */
void interrupt_end_line(bool has_line);

#endif /* CMD_INTERRUPT_H */
