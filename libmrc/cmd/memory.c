// SPDX-License-Identifier: LGPL-2.1-or-later
#include "memory.h"

#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>

static _Thread_local struct memory_account *memory_current;

void memory_open(struct memory_account *account)
{
	memory_current = account;
}

static void memory_book(size_t taken, size_t given_back)
{
	struct memory_account *account = memory_current;

	if (!account)
		return;
	account->now += taken;
	/* It may have been taken before the account was opened. */
	account->now -= given_back < account->now ? given_back : account->now;
	if (account->now > account->peak)
		account->peak = account->now;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *pointer, size_t size);
void __real_free(void *pointer);
void *__real_mmap(void *start, size_t length, int protection, int flags, int fd,
		  off_t offset);
int __real_munmap(void *start, size_t length);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *pointer, size_t size);
void __wrap_free(void *pointer);
void *__wrap_mmap(void *start, size_t length, int protection, int flags, int fd,
		  off_t offset);
int __wrap_munmap(void *start, size_t length);

void *__wrap_malloc(size_t size)
{
	void *pointer = __real_malloc(size);

	memory_book(malloc_usable_size(pointer), 0);
	return pointer;
}

void *__wrap_calloc(size_t count, size_t size)
{
	void *pointer = __real_calloc(count, size);

	memory_book(malloc_usable_size(pointer), 0);
	return pointer;
}

void *__wrap_realloc(void *pointer, size_t size)
{
	size_t before = malloc_usable_size(pointer);
	void *moved = __real_realloc(pointer, size);

	if (moved)
		memory_book(malloc_usable_size(moved), before);
	return moved;
}

void __wrap_free(void *pointer)
{
	memory_book(0, malloc_usable_size(pointer));
	__real_free(pointer);
}

void *__wrap_mmap(void *start, size_t length, int protection, int flags, int fd,
		  off_t offset)
{
	void *mapped =
		__real_mmap(start, length, protection, flags, fd, offset);

	if (mapped != MAP_FAILED)
		memory_book(length, 0);
	return mapped;
}

int __wrap_munmap(void *start, size_t length)
{
	int result = __real_munmap(start, length);

	if (result == 0)
		memory_book(0, length);
	return result;
}
