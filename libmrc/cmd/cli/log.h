/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one way to stderr: a single line "PROGRAM: ...".
 *
 * Only the stage that stops because of an error logs it; everything below
 * returns -errno. Control characters in the message are escaped, because
 * arguments and names are not ours.
 */
#ifndef CLI_LOG_H
#define CLI_LOG_H

/* Name of the command; each command has one. */
extern const char log_program[];

__attribute__((format(printf, 1, 2))) void log_error(const char *format, ...);

/* A message about something that does not stop us. */
__attribute__((format(printf, 1, 2))) void log_note(const char *format, ...);

#endif /* CLI_LOG_H */
