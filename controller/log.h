/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one way to stderr: a single line "kvm-aet: ...".
 *
 * Only the stage that stops because of an error logs it; everything below
 * returns -errno. Control characters in the message are escaped, because
 * names of VMs and arguments are not ours.
 */
#ifndef CONTROLLER_LOG_H
#define CONTROLLER_LOG_H

__attribute__((format(printf, 1, 2))) void log_error(const char *format, ...);

/* A message about something that does not stop us. */
__attribute__((format(printf, 1, 2))) void log_note(const char *format, ...);

#endif /* CONTROLLER_LOG_H */
