/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the controller's tests share: cmocka, captured output, a fake source. */
#ifndef TESTS_CONTROLLER_CTL_TEST_H
#define TESTS_CONTROLLER_CTL_TEST_H

/* cmocka.h needs these four before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define assert_near(actual, expected, tolerance)                             \
	assert_near_at((actual), (expected), (tolerance), #actual, __FILE__, \
		       __LINE__)

static inline void assert_near_at(double actual, double expected,
				  double tolerance, const char *what,
				  const char *file, int line)
{
	/* Written so that a NaN fails. */
	if (actual >= expected - tolerance && actual <= expected + tolerance)
		return;
	print_error("%s is %.17g, not %.17g +- %g\n", what, actual, expected,
		    tolerance);
	_fail(file, line);
}

/* Fails showing @text if @part is not in it. */
#define assert_contains(text, part) \
	assert_contains_at((text), (part), __FILE__, __LINE__)

static inline void assert_contains_at(const char *text, const char *part,
				      const char *file, int line)
{
	if (strstr(text, part))
		return;
	print_error("no \"%s\" in:\n%s\n", part, text);
	_fail(file, line);
}

static inline unsigned int count_of(const char *text, const char *part)
{
	unsigned int count = 0;

	while ((text = strstr(text, part))) {
		count++;
		text += strlen(part);
	}
	return count;
}

/*
 * Everything written to a descriptor between capture_start() and
 * capture_end(), which returns it as an allocated string.
 */
struct capture {
	int fd;
	int saved_fd;
	FILE *file;
};

void capture_start(struct capture *capture, int fd);
char *capture_end(struct capture *capture);

/**
 * struct fake_step - what the VM does until the next wake-up
 * @first_page: it scans [@first_page, @first_page + @nr_pages) in order
 * @nr_pages: likewise; 0 is no access
 * @nr_passes: so many times
 * @event: then it wakes the reader, unless that is the deadline half-way to it
 * @state: state of the session then, 0 for tracking
 * @read_error: what reading it fails with, or 0
 * @at_attach: the accesses fall between attach and the first read; only for the
 *	first step, which wakes nobody
 * @lost_records: accesses not recorded until then, in all
 * @huge_leaves: huge mappings then
 * @huge_mode: enum kvm_aet_huge_mode
 */
struct fake_step {
	uint64_t first_page;
	uint64_t nr_pages;
	uint64_t nr_passes;
	enum source_event event;
	uint32_t state;
	int read_error;
	bool at_attach;
	uint64_t lost_records;
	uint64_t huge_leaves;
	uint32_t huge_mode;
};

/* Sampled share of the fake VM's pages, to see that sizes are scaled by it. */
#define FAKE_INVERSE_RATE 4

/* Counts closed fake sources. */
extern unsigned int fake_nr_closed;

/*
 * A source that replays @steps, with counters computed by libmrc from the very
 * accesses. Waiting takes no time.
 */
struct source *fake_source_new(const struct fake_step *steps, size_t nr_steps);

/*
 * A made-up proc file system, empty at the start of each test that has these two;
 * paths are below it. Writing a file that exists replaces it.
 */
extern char *fake_proc;

int fake_proc_setup(void **state);
int fake_proc_teardown(void **state);
void fake_proc_dir(const char *path);
void fake_proc_link(const char *path, const char *target);
void fake_proc_file(const char *path, const char *content, size_t size);
void fake_proc_text(const char *path, const char *text);

#endif /* TESTS_CONTROLLER_CTL_TEST_H */
