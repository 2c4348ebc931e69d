// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/swap_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "policy/guard.h"

/**
 * struct swap_memory - of all VMs
 * @vms: @nr_vms entries, in the order of the last views
 * @tick: number of ticks so far
 */
struct swap_memory {
	struct guard_memory *vms;
	size_t nr_vms;
	uint64_t tick;
};

int swap_memory_new(struct swap_memory **ret_memory)
{
	struct swap_memory *memory = calloc(1, sizeof(*memory));

	if (!memory)
		return -ENOMEM;
	*ret_memory = memory;
	return 0;
}

void swap_memory_free(struct swap_memory *memory)
{
	if (!memory)
		return;
	free(memory->vms);
	free(memory);
}

/* VMs mostly keep their places: @hint is where to look first. */
static const struct guard_memory *
swap_memory_find(const struct swap_memory *memory, const char *uuid,
		 size_t hint)
{
	size_t i;

	if (hint < memory->nr_vms && !strcmp(memory->vms[hint].uuid, uuid))
		return &memory->vms[hint];
	for (i = 0; i < memory->nr_vms; i++)
		if (!strcmp(memory->vms[i].uuid, uuid))
			return &memory->vms[i];
	return NULL;
}

int swap_memory_observe(const struct policy_params *policy_params,
			const struct guard_params *guard_params,
			struct swap_memory *memory, struct vm_view *vms,
			size_t nr_vms)
{
	_cleanup_free_ struct guard_memory *now =
		calloc(nr_vms + 1, sizeof(*now));
	size_t i;

	if (!now)
		return -ENOMEM;
	memory->tick++;
	for (i = 0; i < nr_vms; i++) {
		const struct guard_memory *before =
			swap_memory_find(memory, vms[i].uuid, i);

		if (before)
			now[i] = *before;
		else
			guard_init(&now[i], &vms[i]);
		guard_observe_demand(policy_params, guard_params, &vms[i],
				     memory->tick, &now[i]);
		vms[i].vain_growths = now[i].vain_growths;
		vms[i].held_bytes = now[i].held_bytes;
	}
	free(memory->vms);
	memory->vms = TAKE_PTR(now);
	memory->nr_vms = nr_vms;
	return 0;
}
