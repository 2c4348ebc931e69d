/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Do the working sets fit? If not, no division of memory helps, and VMs must
 * leave. Said, never acted on. Pure.
 */
#ifndef POLICY_THRASH_H
#define POLICY_THRASH_H

#include "policy/decide.h"

struct thrashing thrash_detect(const struct host_view *host,
			       const struct vm_view *vms, size_t nr_vms);

#endif /* POLICY_THRASH_H */
