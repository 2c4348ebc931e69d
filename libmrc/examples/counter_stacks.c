// SPDX-License-Identifier: LGPL-2.1-or-later
/* Loop over 100 000 pages; find the loop's length without remembering any. */
#include <inttypes.h>
#include <stdio.h>

#include <mrc/counter_stacks.h>

int main(void)
{
	struct mrc_counter_stacks *stacks;
	struct mrc_curve *curve;
	uint64_t pages = 0;
	uint64_t i;
	int err;

	err = mrc_counter_stacks_new(12, 5000, 0.02, 42, &stacks);
	if (err < 0)
		return 1;
	for (i = 0; err == 0 && i < 3000000; i++)
		err = mrc_counter_stacks_access(stacks, i % 100000);
	if (err == 0)
		err = mrc_counter_stacks_curve(stacks, &curve);
	if (err == 0) {
		err = mrc_curve_wss_pages(curve, 0.06, &pages);
		mrc_curve_free(curve);
	}
	if (err == 0)
		printf("%zu counters, working set %" PRIu64 " pages\n",
		       mrc_counter_stacks_nr_counters(stacks), pages);
	mrc_counter_stacks_free(stacks);
	return err < 0;
}
