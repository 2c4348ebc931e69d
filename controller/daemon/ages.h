/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long memory has been idle, from samples of the module. Pure.
 *
 * The module counts the age of a page in recorded accesses of all pages. When the
 * count stood where is remembered from sample to sample, more coarsely the longer
 * ago, and turns such an age into a time.
 *
 * A page not accessed since its generation began is at least as old as that. Which
 * of these pages they were before is not known, but how much memory had which age
 * is: the oldest are taken to be them, older by the time since then.
 */
#ifndef DAEMON_AGES_H
#define DAEMON_AGES_H

#include "policy/view.h"
#include "source.h"

#define AGES_NR_MARKS 64

/**
 * struct ages_mark - where the count of recorded accesses stood
 * @time_ns: CLOCK_MONOTONIC
 * @accesses: recorded until then in the generation
 */
struct ages_mark {
	uint64_t time_ns;
	uint64_t accesses;
};

/**
 * struct ages - of one VM; all-zero at the start
 * @bytes: sampled memory by age, scaled to the VM; classes are those of struct
 *	vm_view
 * @time_ns: when it was that
 * @generation: that @marks belong to
 * @start_ns: of that generation
 * @nr_marks: number, oldest first
 * @marks: never fewer than its start and the last sample
 * @before_bytes: @bytes at the end of the generation before
 * @before_ns: when that was; 0: there was none
 */
struct ages {
	uint64_t bytes[VIEW_NR_AGES];
	uint64_t time_ns;
	uint64_t generation;
	uint64_t start_ns;
	size_t nr_marks;
	struct ages_mark marks[AGES_NR_MARKS];
	uint64_t before_bytes[VIEW_NR_AGES];
	uint64_t before_ns;
};

/**
 * ages_update() - take in a sample
 * @ages: of the VM
 * @sample: later than those before
 * @scale: pages that one sampled page stands for
 *
 * A sample of another generation, or of another session (which begins at another
 * time), begins anew, with what is known as the ages before it.
 */
void ages_update(struct ages *ages, const struct sample *sample, double scale);

#endif /* DAEMON_AGES_H */
