// SPDX-License-Identifier: LGPL-2.1-or-later
/* Random replacement. */
#include "sim_bits.h"

static struct mrc_sim_lane *new_random(const uint32_t *sizes, size_t nr_sizes,
				       uint64_t seed)
{
	return mrc_sim_bits_new(sizes, nr_sizes, seed, 1, 1);
}

static void run_random(struct mrc_sim_lane *lane,
		       const struct mrc_sim_refs *refs)
{
	struct mrc_sim_bits *bits = mrc_sim_bits(lane);
	size_t i;

	for (i = 0; i < refs->nr_refs; i++) {
		uint32_t page = refs->ids[i] + 1;
		uint64_t missing = bits->all & ~bits->words[page];

		mrc_sim_bits_prefetch(bits, refs, i, 1);
		bits->words[page] = bits->all;
		while (missing != 0) {
			struct mrc_sim_frames *frames;
			uint32_t *frame;
			uint64_t bit;

			frames =
				&bits->frames[mrc_sim_next_size(&missing, &bit)];
			frames->nr_misses++;
			if (frames->nr_used < frames->size) {
				*mrc_sim_use_frame(frames) = page;
				continue;
			}
			frame = mrc_sim_draw_frame(bits, frames, 1);
			mrc_sim_bits_evict(bits, frames, *frame, bit, 1);
			*frame = page;
		}
		mrc_sim_bits_write(bits, refs, i);
	}
}

const struct mrc_sim_ops mrc_sim_random_ops = {
	.max_sizes = MRC_SIM_MAX_BITS,
	.new = new_random,
	.reserve = mrc_sim_bits_reserve,
	.run = run_random,
	.count = mrc_sim_bits_count,
	.free = mrc_sim_bits_free,
};
