// SPDX-License-Identifier: LGPL-2.1-or-later
/* Mix a skewed load with a scan and print how it begins. */
#include <inttypes.h>
#include <stdio.h>

#include <mrc/gen.h>

int main(void)
{
	struct mrc_gen_part parts[] = {
		{ .weight = 0.7 },
		{ .weight = 0.3, .first_page = 200000 },
	};
	struct mrc_gen *gen;
	uint64_t pages[10];
	bool is_write[10];
	size_t i;
	int err;

	err = mrc_gen_new_zipf(200000, 0.8, 1, &parts[0].gen);
	if (err == 0)
		err = mrc_gen_new_scan(&parts[1].gen);
	if (err == 0)
		err = mrc_gen_new_mix(parts, 2, 1, &gen);
	if (err < 0) {
		mrc_gen_free(parts[0].gen);
		mrc_gen_free(parts[1].gen);
		return 1;
	}
	(void)mrc_gen_set_writes(gen, 0.25, 1);
	mrc_gen_next(gen, 10, pages, is_write);
	for (i = 0; i < 10; i++)
		printf("%" PRIu64 " %c\n", pages[i], is_write[i] ? 'W' : 'R');
	mrc_gen_free(gen);
	return 0;
}
