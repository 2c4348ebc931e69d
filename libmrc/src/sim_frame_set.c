// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sim_frame_set.h"

#include <errno.h>
#include <stdlib.h>

#include "sim_lane.h"

#define BITS 64

static size_t nr_words(size_t nr_frames, size_t level)
{
	size_t i;

	for (i = 0; i <= level; i++)
		nr_frames = (nr_frames + BITS - 1) / BITS;
	return nr_frames;
}

int mrc_sim_frame_set_reserve(struct mrc_sim_frame_set *set, size_t nr_frames)
{
	size_t i;

	if (nr_frames <= set->nr_frames)
		return 0;
	for (i = 0; i < MRC_SIM_SET_LEVELS; i++) {
		uint64_t *words = mrc_sim_grow(set->levels[i],
					       nr_words(set->nr_frames, i),
					       nr_words(nr_frames, i),
					       sizeof(*words));

		if (words == NULL)
			return -ENOMEM;
		set->levels[i] = words;
	}
	set->nr_frames = nr_frames;
	return 0;
}

void mrc_sim_frame_set_add(struct mrc_sim_frame_set *set, uint32_t frame)
{
	size_t i;

	for (i = 0; i < MRC_SIM_SET_LEVELS; i++) {
		uint64_t *word = &set->levels[i][frame / BITS];
		uint64_t old = *word;

		*word |= UINT64_C(1) << frame % BITS;
		if (old != 0)
			return;
		frame /= BITS;
	}
}

void mrc_sim_frame_set_remove(struct mrc_sim_frame_set *set, uint32_t frame)
{
	size_t i;

	for (i = 0; i < MRC_SIM_SET_LEVELS; i++) {
		uint64_t *word = &set->levels[i][frame / BITS];

		*word &= ~(UINT64_C(1) << frame % BITS);
		if (*word != 0)
			return;
		frame /= BITS;
	}
}

size_t mrc_sim_frame_set_next(const struct mrc_sim_frame_set *set,
			      uint32_t frame)
{
	size_t at = frame;
	size_t i;

	/* Up until there is a member to the right, then down to the first. */
	for (i = 0; i < MRC_SIM_SET_LEVELS; i++) {
		uint64_t word;

		if (at / BITS >= nr_words(set->nr_frames, i))
			return SIZE_MAX;
		word = set->levels[i][at / BITS] & UINT64_MAX << at % BITS;
		if (word != 0) {
			at = at / BITS * BITS + (size_t)__builtin_ctzll(word);
			while (i-- > 0)
				at = at * BITS + (size_t)__builtin_ctzll(
							 set->levels[i][at]);
			return at;
		}
		at = at / BITS + 1;
	}
	return SIZE_MAX;
}

void mrc_sim_frame_set_exit(struct mrc_sim_frame_set *set)
{
	size_t i;

	for (i = 0; i < MRC_SIM_SET_LEVELS; i++)
		free(set->levels[i]);
}
