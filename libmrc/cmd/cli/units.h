/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pages inside, MiB for people: the one place that converts. */
#ifndef CLI_UNITS_H
#define CLI_UNITS_H

#include <stdint.h>

/* On every host that the module supports (x86); for traces it is the default. */
#define PAGE_BYTES 4096

#define PAGES_PER_MIB 256
#define NS_PER_S 1000000000
#define NS_PER_MS 1000000

static inline double units_mib(double pages)
{
	return pages / PAGES_PER_MIB;
}

static inline double units_seconds(uint64_t ns)
{
	return (double)ns / NS_PER_S;
}

#endif /* CLI_UNITS_H */
