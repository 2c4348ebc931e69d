/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The 64-bit FNV-1a hash: Fowler, Noll, Vo, RFC 9923. */
#ifndef MRC_SRC_FNV_H
#define MRC_SRC_FNV_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t mrc_fnv1a(const void *bytes, size_t nr_bytes)
{
	const unsigned char *byte = bytes;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	size_t i;

	for (i = 0; i < nr_bytes; i++)
		hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
	return hash;
}

#endif /* MRC_SRC_FNV_H */
