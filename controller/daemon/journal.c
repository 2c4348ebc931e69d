// SPDX-License-Identifier: GPL-2.0-or-later
#define SD_JOURNAL_SUPPRESS_LOCATION
#include "daemon/journal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <systemd/sd-journal.h>

#include "args.h"
#include "cleanup.h"
#include "log.h"
#include "text.h"

/* MESSAGE, PRIORITY and those of struct journal_about. */
#define JOURNAL_MAX_FIELDS 7

static bool journal_is_open;
static enum journal_level journal_max_level = JOURNAL_INFO;

bool journal_is_stream(const char *stream, int fd)
{
	_cleanup_free_ char *device = NULL;
	const char *colon = stream ? strchr(stream, ':') : NULL;
	uint64_t dev, ino;
	struct stat st;

	if (!colon)
		return false;
	device = strndup(stream, (size_t)(colon - stream));
	return device && args_number(device, 0, UINT64_MAX, &dev) == 0 &&
	       args_number(colon + 1, 0, UINT64_MAX, &ino) == 0 &&
	       fstat(fd, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

void journal_open(void)
{
	journal_is_open =
		journal_is_stream(getenv("JOURNAL_STREAM"), STDERR_FILENO);
}

void journal_set_level(enum journal_level level)
{
	journal_max_level = level;
}

enum journal_level journal_level(void)
{
	return journal_max_level;
}

/* A field that cannot be made is left out; the message is what counts. */
__attribute__((format(printf, 3, 4))) static void
journal_add(struct iovec *fields, int *nr_fields, const char *format, ...)
{
	char *text = NULL;
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0)
		return;
	fields[*nr_fields] = (struct iovec){ text, (size_t)length };
	(*nr_fields)++;
}

static bool journal_send(enum journal_level level,
			 const struct journal_about *about, const char *text)
{
	struct iovec fields[JOURNAL_MAX_FIELDS];
	int nr_fields = 0, i, err;

	journal_add(fields, &nr_fields, "MESSAGE=%s", text);
	journal_add(fields, &nr_fields, "PRIORITY=%d", (int)level);
	if (about->domain)
		journal_add(fields, &nr_fields, "KVMAET_DOMAIN=%s",
			    about->domain);
	if (about->uuid)
		journal_add(fields, &nr_fields, "KVMAET_UUID=%s", about->uuid);
	if (about->event)
		journal_add(fields, &nr_fields, "KVMAET_EVENT=%s",
			    about->event);
	if (about->is_move) {
		journal_add(fields, &nr_fields, "KVMAET_FROM_BYTES=%" PRIu64,
			    about->from_bytes);
		journal_add(fields, &nr_fields, "KVMAET_TO_BYTES=%" PRIu64,
			    about->to_bytes);
	}
	err = sd_journal_sendv(fields, nr_fields);
	for (i = 0; i < nr_fields; i++)
		free(fields[i].iov_base);
	return err >= 0;
}

void journal_log(enum journal_level level, const struct journal_about *about,
		 const char *format, ...)
{
	static const struct journal_about nothing;
	_cleanup_free_ char *text = NULL, *line = NULL, *printable = NULL;
	va_list args;
	int length;

	if (level > journal_max_level)
		return;
	if (!about)
		about = &nothing;
	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0) {
		text = NULL;
	} else if (asprintf(&line, "%s%s%s", about->domain ? about->domain : "",
			    about->domain ? ": " : "", text) < 0) {
		line = NULL;
	}
	if (line)
		printable = text_printable(line);
	if (!printable) {
		log_error("out of memory");
		return;
	}
	if (journal_is_open && journal_send(level, about, printable))
		return;
	log_error("%s%s",
		  level <= JOURNAL_ERROR   ? "" :
		  level == JOURNAL_WARNING ? "warning: " :
					     "",
		  printable);
}
