/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Little-endian numbers in bytes, whatever the machine's order. */
#ifndef MRC_SRC_LITTLE_ENDIAN_H
#define MRC_SRC_LITTLE_ENDIAN_H

#include <stddef.h>
#include <stdint.h>

/* The number in @nr_bytes bytes, at most 8. */
static inline uint64_t mrc_le_get(const unsigned char *bytes, size_t nr_bytes)
{
	uint64_t number = 0;

	while (nr_bytes > 0)
		number = number << 8 | bytes[--nr_bytes];
	return number;
}

/* The low @nr_bytes bytes of @number. */
static inline void mrc_le_put(unsigned char *bytes, size_t nr_bytes,
			      uint64_t number)
{
	size_t i;

	for (i = 0; i < nr_bytes; i++)
		bytes[i] = (unsigned char)(number >> (8 * i) & 0xff);
}

#endif /* MRC_SRC_LITTLE_ENDIAN_H */
