// SPDX-License-Identifier: LGPL-2.1-or-later
/* Print the LRU stack depth of each access of a short trace. */
#include <inttypes.h>
#include <stdio.h>

#include <mrc/lru.h>

int main(void)
{
	const char trace[] = "abacbbca";
	struct mrc_lru *lru;
	struct mrc_lru_depth depth;
	int err;
	size_t i;

	err = mrc_lru_new(&lru);
	if (err < 0)
		return 1;
	for (i = 0; trace[i] != '\0'; i++) {
		err = mrc_lru_access(lru, (uint64_t)trace[i], &depth);
		if (err < 0)
			break;
		if (depth.is_cold)
			printf("%c cold\n", trace[i]);
		else
			printf("%c depth %" PRIu64 "\n", trace[i], depth.pages);
	}
	mrc_lru_free(lru);
	return err < 0;
}
