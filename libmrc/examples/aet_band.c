// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Print between which miss ratios a memory of half of the pages is, at 95 %
 * confidence, from one access in 100 of a skewed load.
 */
#include <stdio.h>

#include <mrc/aet.h>
#include <mrc/gen.h>

#define NR_ACCESSES 1000000

static int count(struct mrc_gen *gen, struct mrc_reuse *reuse)
{
	uint64_t pages[100];
	int err = 0;
	int i;

	for (i = 0; err == 0 && i < NR_ACCESSES / 100; i++) {
		mrc_gen_next(gen, 100, pages, NULL);
		err = mrc_reuse_access_n(reuse, pages, 100);
	}
	return err;
}

int main(void)
{
	const struct mrc_reuse_options options = {
		.sub_bucket_bits = 10,
		.sampling = MRC_REUSE_REFERENCES,
		.inverse_rate = 100,
	};
	struct mrc_reuse *reuse = NULL;
	struct mrc_curve *high;
	struct mrc_curve *low;
	struct mrc_gen *gen;
	int err;

	if (mrc_gen_new_zipf(10000, 0.8, 1, &gen) < 0)
		return 1;
	err = mrc_reuse_new_with(&options, &reuse);
	if (err == 0)
		err = count(gen, reuse);
	if (err == 0)
		err = mrc_reuse_band(reuse, 0.95, &low, &high);
	mrc_reuse_free(reuse);
	mrc_gen_free(gen);
	if (err < 0)
		return 1;
	printf("%.3f to %.3f\n", mrc_curve_at(low, 5000),
	       mrc_curve_at(high, 5000));
	mrc_curve_free(low);
	mrc_curve_free(high);
	return 0;
}
