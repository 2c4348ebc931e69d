/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What another size of memory would cost a VM. Pure but for the printing. */
#ifndef CONTROLLER_PREVIEW_H
#define CONTROLLER_PREVIEW_H

#include <stdio.h>

#include <jansson.h>

#include "policy/plan.h"

/* Misses per second, with the ends of the 95 % band; NaN: unknown. */
struct preview_misses {
	double per_s;
	double lower_per_s;
	double upper_per_s;
};

/**
 * struct preview - what is expected of a VM with another size of memory
 * @vm: the VM as it is; a loan
 * @bytes: what it would have
 * @demand: what it swaps in beyond its curve, as policies reckon with it
 * @now: with what it has
 * @then: with @bytes
 */
struct preview {
	const struct vm_view *vm;
	uint64_t bytes;
	struct plan_demand demand;
	struct preview_misses now;
	struct preview_misses then;
};

/* -ENODATA: no curve of it is known. */
int preview_init(const struct policy_params *params, const struct vm_view *vm,
		 uint64_t bytes, struct preview *ret_preview);

/* Numbers, and a plain sentence. 0 or -ENOMEM. */
int preview_print(FILE *out, const struct preview *preview);

/* NULL: no memory. */
json_t *preview_to_json(const struct preview *preview);

#endif /* CONTROLLER_PREVIEW_H */
