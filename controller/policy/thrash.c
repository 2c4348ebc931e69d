// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/thrash.h"

#include <math.h>

static bool has_wss(const struct vm_view *vm)
{
	return vm->wss != VM_WSS_UNKNOWN && !vm->is_paused;
}

struct thrashing thrash_detect(const struct host_view *host,
			       const struct vm_view *vms, size_t nr_vms)
{
	struct thrashing thrashing = {
		.budget_bytes = host->budget_bytes,
		.candidate = -1,
	};
	double excess, most = 0;
	size_t i;

	for (i = 0; i < nr_vms; i++)
		if (has_wss(&vms[i]))
			thrashing.wss_bytes += vms[i].wss_bytes;
	thrashing.is_thrashing = thrashing.wss_bytes > host->budget_bytes;
	if (!thrashing.is_thrashing)
		return thrashing;

	/*
	 * Whoever frees most of the excess for each unit of weight. More than
	 * the excess helps no more; of equals the smallest is moved soonest.
	 */
	excess = (double)(thrashing.wss_bytes - host->budget_bytes);
	for (i = 0; i < nr_vms; i++) {
		double relief;

		if (!has_wss(&vms[i]))
			continue;
		relief = fmin((double)vms[i].wss_bytes, excess) /
			 vms[i].limits.weight;
		if (thrashing.candidate >= 0 &&
		    (relief < most ||
		     (relief == most &&
		      vms[i].wss_bytes >= vms[thrashing.candidate].wss_bytes)))
			continue;
		most = relief;
		thrashing.candidate = (ptrdiff_t)i;
	}
	return thrashing;
}
