/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A set of frames that finds its next member fast: a bit for each frame, above
 * it a bit for each word that is not 0, and so on up to a single word.
 */
#ifndef MRC_SRC_SIM_FRAME_SET_H
#define MRC_SRC_SIM_FRAME_SET_H

#include <stddef.h>
#include <stdint.h>

/* 64^6 is above the number of frames, which has 32 bits. */
#define MRC_SIM_SET_LEVELS 6

/* All zero is a valid empty set for no frame. */
struct mrc_sim_frame_set {
	uint64_t *levels[MRC_SIM_SET_LEVELS];
	size_t nr_frames; /* reserved */
};

/* For frames below @nr_frames. -ENOMEM, and the set is as before. */
int mrc_sim_frame_set_reserve(struct mrc_sim_frame_set *set, size_t nr_frames);

void mrc_sim_frame_set_add(struct mrc_sim_frame_set *set, uint32_t frame);
void mrc_sim_frame_set_remove(struct mrc_sim_frame_set *set, uint32_t frame);

/* The first member from @frame on, or SIZE_MAX. */
size_t mrc_sim_frame_set_next(const struct mrc_sim_frame_set *set,
			      uint32_t frame);

void mrc_sim_frame_set_exit(struct mrc_sim_frame_set *set);

#endif /* MRC_SRC_SIM_FRAME_SET_H */
