// SPDX-License-Identifier: LGPL-2.1-or-later
#include "terminal.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "args.h"

#define TERMINAL_DEFAULT_COLUMNS 80
#define TERMINAL_MAX_COLUMNS 1000

unsigned int terminal_columns(void)
{
	const char *text = getenv("COLUMNS");
	struct winsize size = { 0 };
	uint64_t columns;

	/* The one request that is not the module's: libc has no call for it. */
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	if (text && args_number(text, 1, TERMINAL_MAX_COLUMNS, &columns) == 0)
		return (unsigned int)columns;
	return TERMINAL_DEFAULT_COLUMNS;
}
