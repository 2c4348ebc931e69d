// SPDX-License-Identifier: LGPL-2.1-or-later
/* Loop over 100 000 pages; find the loop's length from 1 % of them. */
#include <inttypes.h>
#include <stdio.h>

#include <mrc/shards.h>

int main(void)
{
	struct mrc_shards *shards;
	struct mrc_curve *curve;
	uint64_t pages = 0;
	uint64_t i;
	int err;

	err = mrc_shards_new(0.01, 0, 42, &shards);
	if (err < 0)
		return 1;
	for (i = 0; err == 0 && i < 3000000; i++)
		err = mrc_shards_access(shards, i % 100000);
	if (err == 0)
		err = mrc_shards_curve(shards, &curve);
	if (err == 0) {
		err = mrc_curve_wss_pages(curve, 0.05, &pages);
		mrc_curve_free(curve);
	}
	if (err == 0)
		printf("%zu pages sampled, working set %" PRIu64 " pages\n",
		       mrc_shards_nr_sampled(shards), pages);
	mrc_shards_free(shards);
	return err < 0;
}
