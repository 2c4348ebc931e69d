// SPDX-License-Identifier: GPL-2.0-or-later
#include "mrc_test.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* The linker sends every call of malloc() to __wrap_malloc(), and so on. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t nr, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t nr, size_t size);
void *__wrap_realloc(void *old, size_t size);

static bool is_failing;
static unsigned int nr_good_left;
static unsigned long nr_asked;

void fail_alloc_after(unsigned int nr_good)
{
	is_failing = true;
	nr_good_left = nr_good;
}

void fail_alloc_off(void)
{
	is_failing = false;
}

unsigned long nr_allocs(void)
{
	return nr_asked;
}

static bool may_alloc(void)
{
	nr_asked++;
	if (!is_failing)
		return true;
	if (nr_good_left == 0)
		return false;
	nr_good_left--;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return may_alloc() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t nr, size_t size)
{
	return may_alloc() ? __real_calloc(nr, size) : NULL;
}

void *__wrap_realloc(void *old, size_t size)
{
	return may_alloc() ? __real_realloc(old, size) : NULL;
}

uint64_t test_seed(void)
{
	const char *text = getenv("MRC_SEED");
	uint64_t seed = 20160622;
	char *end;

	if (text != NULL) {
		errno = 0;
		seed = strtoull(text, &end, 0);
		if (errno != 0 || end == text || *end != '\0')
			fail_msg("MRC_SEED is not a number: %s", text);
	}
	print_message("MRC_SEED=%" PRIu64 "\n", seed);
	return seed;
}
