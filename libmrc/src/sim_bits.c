// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sim_bits.h"

#include <errno.h>
#include <stdlib.h>

struct mrc_sim_lane *mrc_sim_bits_new(const uint32_t *sizes, size_t nr_sizes,
				      uint64_t seed, size_t nr_words,
				      size_t frame_size)
{
	struct mrc_sim_bits *bits = calloc(1, sizeof(*bits));
	size_t i;

	if (bits == NULL)
		return NULL;
	bits->nr_sizes = nr_sizes;
	bits->all = UINT64_MAX >> (MRC_SIM_MAX_BITS - nr_sizes);
	bits->nr_words = nr_words;
	bits->frame_size = frame_size;
	for (i = 0; i < nr_sizes; i++) {
		bits->frames[i].size = sizes[i];
		bits->frames[i].random.state =
			mrc_mix64(seed ^ mrc_mix64(sizes[i]));
	}
	return (struct mrc_sim_lane *)bits;
}

/* Frames that can be in use with @nr_pages, and those behind. */
static size_t nr_frames(const struct mrc_sim_frames *frames, size_t nr_pages)
{
	return (frames->size < nr_pages ? frames->size : nr_pages) +
	       MRC_SIM_FRAMES_AHEAD + 1;
}

int mrc_sim_bits_reserve(struct mrc_sim_lane *lane, size_t nr_pages,
			 bool has_writes)
{
	struct mrc_sim_bits *bits = mrc_sim_bits(lane);
	uint64_t *words;
	size_t i;

	nr_pages++; /* page 0 */
	if (has_writes && bits->dirty == NULL) {
		bits->dirty = calloc(nr_pages, sizeof(*bits->dirty));
		if (bits->dirty == NULL)
			return -ENOMEM;
	} else if (has_writes && nr_pages > bits->nr_pages) {
		words = mrc_sim_grow(bits->dirty, bits->nr_pages, nr_pages,
				     sizeof(*words));
		if (words == NULL)
			return -ENOMEM;
		bits->dirty = words;
	}
	if (nr_pages <= bits->nr_pages)
		return 0;
	words = mrc_sim_grow(bits->words, bits->nr_pages, nr_pages,
			     bits->nr_words * sizeof(*words));
	if (words == NULL)
		return -ENOMEM;
	bits->words = words;
	for (i = 0; i < bits->nr_sizes; i++) {
		struct mrc_sim_frames *frames = &bits->frames[i];
		size_t old_nr = frames->pages == NULL ?
					0 :
					nr_frames(frames, bits->nr_pages);
		size_t nr = nr_frames(frames, nr_pages);
		uint32_t *pages;

		if (nr <= old_nr || bits->frame_size == 0)
			continue;
		pages = mrc_sim_grow(frames->pages, old_nr, nr,
				     bits->frame_size * sizeof(*pages));
		if (pages == NULL)
			return -ENOMEM;
		frames->pages = pages;
	}
	bits->nr_pages = nr_pages;
	return 0;
}

void mrc_sim_bits_count(const struct mrc_sim_lane *lane, uint64_t *ret_misses,
			uint64_t *ret_write_backs)
{
	const struct mrc_sim_bits *bits = (const struct mrc_sim_bits *)lane;
	size_t i;

	for (i = 0; i < bits->nr_sizes; i++) {
		ret_misses[i] = bits->frames[i].nr_misses;
		ret_write_backs[i] = bits->frames[i].nr_write_backs;
	}
}

void mrc_sim_bits_free(struct mrc_sim_lane *lane)
{
	struct mrc_sim_bits *bits = mrc_sim_bits(lane);
	size_t i;

	if (bits == NULL)
		return;
	for (i = 0; i < bits->nr_sizes; i++)
		free(bits->frames[i].pages);
	free(bits->words);
	free(bits->dirty);
	free(bits);
}
