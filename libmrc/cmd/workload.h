/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Generators as the user writes them: KIND[:KEY=VALUE[,KEY=VALUE]...], several
 * joined by + (a mixture) or by / (one after the other).
 */
#ifndef CMD_WORKLOAD_H
#define CMD_WORKLOAD_H

#include <stdint.h>

#include <mrc/gen.h>

/* For the help; lines of at most 80 columns. */
extern const char workload_help[];

/*
 * @seed: for generators that are given none. The generator is to be freed with
 * mrc_gen_free(). -EINVAL or -ENOMEM, and the reason was logged.
 */
int workload_new(const char *text, uint64_t seed, struct mrc_gen **ret_gen);

#endif /* CMD_WORKLOAD_H */
