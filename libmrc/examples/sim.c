// SPDX-License-Identifier: LGPL-2.1-or-later
/* Belady's anomaly: with more memory, FIFO misses more. */
#include <inttypes.h>
#include <stdio.h>

#include <mrc/sim.h>

int main(void)
{
	const uint64_t trace[] = { 1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5 };
	const uint64_t sizes_pages[] = { 3, 4 };
	struct mrc_sim_result results[2];
	struct mrc_sim *sim = NULL;
	int err;
	int i;

	err = mrc_sim_new(MRC_SIM_FIFO, sizes_pages, 2, NULL, &sim);
	if (err == 0)
		err = mrc_sim_access_n(sim, trace, 12);
	if (err == 0)
		err = mrc_sim_results(sim, results);
	for (i = 0; err == 0 && i < 2; i++)
		printf("%" PRIu64 " pages: %" PRIu64 " misses\n",
		       results[i].size_pages, results[i].nr_misses);
	mrc_sim_free(sim);
	return err < 0;
}
