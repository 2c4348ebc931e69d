// SPDX-License-Identifier: LGPL-2.1-or-later
/* How many distinct pages do windows of some lengths touch? */
#include <inttypes.h>
#include <stdio.h>

#include <mrc/footprint.h>

int main(void)
{
	const char trace[] = "abacbbcaddabcdeaabbccddee";
	struct mrc_footprint *footprint;
	uint64_t window;
	size_t i;
	int err;

	err = mrc_footprint_new(7, &footprint);
	if (err < 0)
		return 1;
	for (i = 0; err == 0 && trace[i] != '\0'; i++)
		err = mrc_footprint_access(footprint, (uint64_t)trace[i]);
	for (window = 1; err == 0 && window <= 16; window *= 2) {
		double pages;

		err = mrc_footprint_at(footprint, window, &pages);
		if (err == 0)
			printf("%2" PRIu64 " accesses: %.2f pages\n", window,
			       pages);
	}
	mrc_footprint_free(footprint);
	return err < 0;
}
