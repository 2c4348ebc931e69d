// SPDX-License-Identifier: LGPL-2.1-or-later
#include "log.h"

#include <stdarg.h>
#include <stdio.h>

#include "cleanup.h"
#include "text.h"

__attribute__((format(printf, 2, 0))) static void
log_line(const char *prefix, const char *format, va_list args)
{
	_cleanup_free_ char *message = NULL, *printable = NULL;

	if (vasprintf(&message, format, args) < 0) {
		message = NULL;
		(void)fprintf(stderr, "%s: out of memory\n", log_program);
		return;
	}
	printable = text_printable(message);
	(void)fprintf(stderr, "%s: %s%s\n", log_program, prefix,
		      printable ? printable : "out of memory");
}

void log_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line("", format, args);
	va_end(args);
}

void log_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line("note: ", format, args);
	va_end(args);
}
