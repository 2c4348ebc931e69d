/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon says: to the journal with fields that can be searched for,
 *
 *	journalctl -u kvm-aetd KVMAET_DOMAIN=web1
 *
 * if standard error is the journal's, else as lines on standard error.
 *
 * KVMAET_DOMAIN, KVMAET_UUID	which VM it is about
 * KVMAET_EVENT			what kind of message, such as "move" or
 *"thrashing" KVMAET_FROM_BYTES, KVMAET_TO_BYTES	of a move
 *
 * Names and texts may be anyone's: control characters are escaped.
 */
#ifndef DAEMON_JOURNAL_H
#define DAEMON_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

enum journal_level {
	JOURNAL_ERROR = 3, /* as in syslog(3) */
	JOURNAL_WARNING = 4,
	JOURNAL_NOTICE = 5,
	JOURNAL_INFO = 6,
	JOURNAL_DEBUG = 7,
};

/**
 * struct journal_about - what a message is about; all may be left out
 * @domain: name of a VM, or NULL; stands before the text
 * @uuid: of it, or NULL
 * @event: kind of message, or NULL
 * @is_move: the next two count
 * @from_bytes: balloon target before
 * @to_bytes: and after
 */
struct journal_about {
	const char *domain;
	const char *uuid;
	const char *event;
	bool is_move;
	uint64_t from_bytes;
	uint64_t to_bytes;
};

/* Finds out where standard error goes. Before: lines. */
void journal_open(void);

/* Messages above are dropped; JOURNAL_INFO at first. */
void journal_set_level(enum journal_level level);
enum journal_level journal_level(void);

/* @about: or NULL. */
__attribute__((format(printf, 3, 4))) void
journal_log(enum journal_level level, const struct journal_about *about,
	    const char *format, ...);

/* Whether $JOURNAL_STREAM, or NULL, says that a descriptor is the journal's. */
bool journal_is_stream(const char *stream, int fd);

#endif /* DAEMON_JOURNAL_H */
