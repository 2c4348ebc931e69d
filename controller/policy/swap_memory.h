/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the swapping of guests has shown so far: vain_growths and held_bytes of their
 * views. decide_tick() finds both for itself and shows them to its policy alone; this
 * finds the same for those who ask a policy about a tick afterwards.
 */
#ifndef POLICY_SWAP_MEMORY_H
#define POLICY_SWAP_MEMORY_H

#include "policy/decide.h"

/* Of all VMs, from tick to tick. */
struct swap_memory;

int swap_memory_new(struct swap_memory **ret_memory);
/* NULL is fine. */
void swap_memory_free(struct swap_memory *memory);

/*
 * A tick's views, before or after decide_tick(), which does not mind. Sets both
 * values in all of @vms; VMs that are not in it are forgotten. 0 or -ENOMEM.
 */
int swap_memory_observe(const struct policy_params *policy_params,
			const struct guard_params *guard_params,
			struct swap_memory *memory, struct vm_view *vms,
			size_t nr_vms);

#endif /* POLICY_SWAP_MEMORY_H */
