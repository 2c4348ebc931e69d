/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages inside, MiB for people: the one place that converts. */
#ifndef CONTROLLER_UNITS_H
#define CONTROLLER_UNITS_H

#include <stdint.h>

/* The module counts pages of this size on every host it supports (x86). */
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

#endif /* CONTROLLER_UNITS_H */
