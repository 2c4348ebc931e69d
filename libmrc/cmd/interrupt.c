// SPDX-License-Identifier: LGPL-2.1-or-later
#include "interrupt.h"

#include <signal.h>
#include <stddef.h>
#include <stdatomic.h>
#include <unistd.h>

static const int interrupt_signals[] = { SIGINT, SIGTERM, SIGHUP };

static _Atomic(const char *) interrupt_path;
static atomic_bool interrupt_has_line;

/* Only what signal-safety(7) allows. */
static void interrupt_handle(int number)
{
	const char *path = atomic_load(&interrupt_path);

	if (path)
		(void)unlink(path);
	if (atomic_load(&interrupt_has_line) &&
	    write(STDERR_FILENO, "\n", 1) < 0)
		(void)0;
	/* SA_RESETHAND has made this deadly. */
	(void)raise(number);
}

void interrupt_start(void)
{
	struct sigaction action = {
		.sa_handler = interrupt_handle,
		.sa_flags = (int)SA_RESETHAND,
	}, before;
	size_t i;

	(void)sigemptyset(&action.sa_mask);
	for (i = 0; i < sizeof(interrupt_signals) / sizeof(int); i++) {
		/* Under nohup(1) it stays ignored. */
		if (sigaction(interrupt_signals[i], NULL, &before) == 0 &&
		    before.sa_handler != SIG_IGN)
			(void)sigaction(interrupt_signals[i], &action, NULL);
	}
}

void interrupt_remove(const char *path)
{
	atomic_store(&interrupt_path, path);
}

void interrupt_end_line(bool has_line)
{
	atomic_store(&interrupt_has_line, has_line);
}
