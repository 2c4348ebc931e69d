/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers for people, in their units. Pure. */
#ifndef CONTROLLER_AMOUNT_H
#define CONTROLLER_AMOUNT_H

#include <stdint.h>

#define AMOUNT_BYTES 32

/* "512 MiB", "1.5 GiB": up to four digits, rounded. */
void amount_format_size(uint64_t bytes, char text[AMOUNT_BYTES]);

/* Likewise with its sign: "+512 MiB", "-1.5 GiB", "0". */
void amount_format_change(uint64_t from_bytes, uint64_t to_bytes,
			  char text[AMOUNT_BYTES]);

/* Per second: "0", "0.25", "12.5", "1234", "5.2M"; "-" if NaN. */
void amount_format_rate(double per_s, char text[AMOUNT_BYTES]);

/* A ratio in percent: "0.75%"; "-" if it is negative or NaN. */
void amount_format_percent(double ratio, char text[AMOUNT_BYTES]);

#endif /* CONTROLLER_AMOUNT_H */
