// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sim_levels.h"

#include <errno.h>
#include <stdlib.h>

int mrc_sim_levels_init(struct mrc_sim_levels *levels, size_t nr_sizes)
{
	levels->nr_sizes = nr_sizes;
	levels->accesses = calloc(nr_sizes + 1, sizeof(*levels->accesses));
	levels->write_backs =
		calloc(nr_sizes + 1, sizeof(*levels->write_backs));
	if (levels->accesses == NULL || levels->write_backs == NULL)
		return -ENOMEM;
	return 0;
}

int mrc_sim_levels_reserve(struct mrc_sim_levels *levels, size_t nr_pages,
			   bool has_writes)
{
	uint16_t *clean;

	if (!has_writes || nr_pages <= levels->nr_pages)
		return 0;
	if (nr_pages > SIZE_MAX / sizeof(*clean))
		return -ENOMEM;
	clean = realloc(levels->clean, nr_pages * sizeof(*clean));
	if (clean == NULL)
		return -ENOMEM;
	levels->clean = clean;
	while (levels->nr_pages < nr_pages)
		clean[levels->nr_pages++] = (uint16_t)levels->nr_sizes;
	return 0;
}

void mrc_sim_levels_count(const struct mrc_sim_levels *levels,
			  size_t (*level_of)(const void *owner, size_t id),
			  const void *owner, size_t nr_pages,
			  uint64_t *ret_misses, uint64_t *ret_write_backs)
{
	uint64_t sum = 0;
	size_t i;

	for (i = levels->nr_sizes; i > 0; i--) {
		sum += levels->accesses[i];
		ret_misses[i - 1] = sum;
		ret_write_backs[i - 1] = levels->write_backs[i - 1];
	}
	for (i = 0; levels->clean != NULL && i < nr_pages; i++) {
		size_t level = level_of(owner, i);

		if (levels->clean[i] >= level)
			continue;
		ret_write_backs[levels->clean[i]]++;
		if (level < levels->nr_sizes)
			ret_write_backs[level]--;
	}
	for (i = 1; i < levels->nr_sizes; i++)
		ret_write_backs[i] += ret_write_backs[i - 1];
}

void mrc_sim_levels_exit(struct mrc_sim_levels *levels)
{
	free(levels->accesses);
	free(levels->write_backs);
	free(levels->clean);
}
