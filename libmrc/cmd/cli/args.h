/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Strict parsing of numbers on the command line. Pure.
 *
 * The whole string must be the number: no sign, no white space, nothing left
 * over, independent of the locale. Returns 0; -EINVAL it is no such number;
 * -ERANGE it is one, outside the stated range. Outputs are untouched on
 * failure.
 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <stdint.h>

/* Decimal, or hexadecimal after 0x, in [min, max]. */
int args_number(const char *text, uint64_t min, uint64_t max,
		uint64_t *ret_number);

/* Likewise with an optional suffix k, M, G or T in powers of 1000. */
int args_count(const char *text, uint64_t min, uint64_t max,
	       uint64_t *ret_count);

/* A share in (0, 1]: 0.01, 1/100 or 1. */
int args_share(const char *text, double *ret_share);

/* A decimal number such as 2, 0.25 or .5, of at most nine decimals. */
int args_decimal(const char *text, double *ret_number);

/*
 * Bytes: a number with an optional suffix KiB, MiB, GiB, TiB (or k, K, M, G, T)
 * in powers of 1024.
 */
int args_size(const char *text, uint64_t *ret_bytes);

/* START-END of guest-physical addresses, page-aligned sizes, START < END. */
int args_range(const char *text, uint64_t *ret_start_pages,
	       uint64_t *ret_end_pages);

/* A sampling rate 1/N, or just N: N in [1, max]. */
int args_rate(const char *text, uint32_t max, uint32_t *ret_inverse_rate);

/* Seconds with up to nine decimals, in [0.01, 86400]. */
int args_period(const char *text, uint64_t *ret_period_ns);

/*
 * A miss ratio in [0, 1): percent ("5%", "2.5%") or a fraction ("0.05"). A bare
 * 1 or more is -ERANGE: it might be meant either way.
 */
int args_miss_ratio(const char *text, double *ret_miss_ratio);

#define ARGS_PERIOD_MIN_NS UINT64_C(10000000)
#define ARGS_PERIOD_MAX_NS UINT64_C(86400000000000)

#endif /* CLI_ARGS_H */
