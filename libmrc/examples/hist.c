// SPDX-License-Identifier: LGPL-2.1-or-later
/* Count reuse times and print the buckets in use. */
#include <inttypes.h>
#include <stdio.h>

#include <mrc/hist.h>

int main(void)
{
	const uint64_t reuse_times[] = { 1, 3, 3, 200, 511 };
	struct mrc_hist *hist;
	int err;
	size_t i;

	err = mrc_hist_new(7, &hist);
	if (err < 0)
		return 1;
	for (i = 0; err == 0 && i < 5; i++)
		err = mrc_hist_add(hist, reuse_times[i], 1);
	if (err == 0)
		err = mrc_hist_add_cold(hist, 4);

	for (i = 0; err == 0 && i < mrc_hist_nr_buckets(hist); i++) {
		uint64_t low = mrc_bucket_low(7, i);
		uint64_t count;

		err = mrc_hist_bucket(hist, i, &count);
		if (err == 0 && count > 0)
			printf("[%" PRIu64 ", %" PRIu64 ") %" PRIu64 "\n", low,
			       low + mrc_bucket_width(7, i), count);
	}
	printf("cold %" PRIu64 " of %" PRIu64 "\n", mrc_hist_cold(hist),
	       mrc_hist_total(hist));
	mrc_hist_free(hist);
	return err < 0;
}
