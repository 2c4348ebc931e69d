// SPDX-License-Identifier: LGPL-2.1-or-later
/* From a generator through an estimator to a working-set size. */
#include <inttypes.h>
#include <stdio.h>

#include <mrc/mrc.h>

int main(void)
{
	struct mrc_curve *curve = NULL;
	struct mrc_gen *gen = NULL;
	struct mrc_lru *lru = NULL;
	uint64_t working_set;
	uint64_t pages[1000];
	size_t i;
	int err;

	printf("libmrc %s\n", mrc_version());
	err = mrc_gen_new_hot(500, 100, 0.98, 1, &gen);
	if (err == 0)
		err = mrc_lru_new(&lru);
	if (err == 0)
		mrc_gen_next(gen, 1000, pages, NULL);
	for (i = 0; err == 0 && i < 1000; i++)
		err = mrc_lru_access(lru, pages[i], NULL);
	if (err == 0)
		err = mrc_lru_curve(lru, &curve);
	if (err == 0)
		err = mrc_curve_wss_pages(curve, 0.2, &working_set);
	if (err == 0)
		printf("at most 20 %% misses: %" PRIu64 " pages\n",
		       working_set);
	mrc_curve_free(curve);
	mrc_lru_free(lru);
	mrc_gen_free(gen);
	return err < 0;
}
