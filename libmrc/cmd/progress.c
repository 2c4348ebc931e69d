// SPDX-License-Identifier: LGPL-2.1-or-later
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "interrupt.h"
#include "units.h"

#define PROGRESS_FIRST_NS ((uint64_t)NS_PER_S)
#define PROGRESS_INTERVAL_NS ((uint64_t)NS_PER_S / 5)
#define PROGRESS_BAR_COLUMNS 30

uint64_t progress_now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

struct progress progress_start(bool is_quiet)
{
	uint64_t now_ns = progress_now_ns();

	return (struct progress){
		.is_shown = !is_quiet && isatty(STDERR_FILENO),
		.start_ns = now_ns,
		.next_ns = now_ns + PROGRESS_FIRST_NS,
	};
}

static void progress_draw_share(double share, double seconds)
{
	char bar[PROGRESS_BAR_COLUMNS + 1];
	unsigned int filled;
	unsigned int left;

	if (share > 1)
		share = 1;
	filled = (unsigned int)(share * PROGRESS_BAR_COLUMNS);
	memset(bar, '.', PROGRESS_BAR_COLUMNS);
	memset(bar, '#', filled);
	bar[PROGRESS_BAR_COLUMNS] = '\0';
	(void)fprintf(stderr, "[%s] %3.0f %%", bar, 100 * share);
	/* Before that the estimate would be a guess. */
	if (share < 0.01)
		return;
	left = (unsigned int)(seconds * (1 - share) / share);
	(void)fprintf(stderr, ", %u:%02u left", left / 60, left % 60);
}

void progress_update(struct progress *progress, double share,
		     uint64_t nr_accesses)
{
	double seconds;
	uint64_t now_ns;

	if (!progress->is_shown)
		return;
	now_ns = progress_now_ns();
	if (now_ns < progress->next_ns)
		return;
	progress->next_ns = now_ns + PROGRESS_INTERVAL_NS;
	progress->is_drawn = true;
	interrupt_end_line(true);
	seconds = units_seconds(now_ns - progress->start_ns);
	(void)fputc('\r', stderr);
	if (share >= 0)
		progress_draw_share(share, seconds);
	(void)fprintf(stderr, "%s%.1f M accesses, %.1f M/s\033[K",
		      share >= 0 ? ", " : "", (double)nr_accesses / 1e6,
		      (double)nr_accesses / 1e6 / seconds);
	(void)fflush(stderr);
}

void progress_end(struct progress *progress)
{
	if (!progress->is_drawn)
		return;
	progress->is_drawn = false;
	interrupt_end_line(false);
	(void)fputs("\r\033[K", stderr);
	(void)fflush(stderr);
}
