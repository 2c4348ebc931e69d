/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How much memory an algorithm takes: what this thread allocates and maps while
 * an account is open is booked to it. Works by wrapping the allocator, see the
 * Makefile.
 */
#ifndef CMD_MEMORY_H
#define CMD_MEMORY_H

#include <stddef.h>

/**
 * struct memory_account - bytes; all zero at first
 * @now: allocated and not freed
 * @peak: the most there ever was
 */
struct memory_account {
	size_t now;
	size_t peak;
};

/* Books to @account from now on, or nowhere if NULL. */
void memory_open(struct memory_account *account);

#endif /* CMD_MEMORY_H */
