/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MRC_SRC_LRU_PORTABLE_H
#define MRC_SRC_LRU_PORTABLE_H

#include <mrc/lru.h>

/* For tests: use no instruction that not every CPU has. */
void mrc_lru_forget_cpu(struct mrc_lru *lru);

#endif /* MRC_SRC_LRU_PORTABLE_H */
