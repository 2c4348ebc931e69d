// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * MRU: the page that leaves is that of the access before, which is resident at
 * every size. So nothing need be known of frames, but how many are in use.
 */
#include "sim_bits.h"

static struct mrc_sim_lane *new_mru(const uint32_t *sizes, size_t nr_sizes,
				    uint64_t seed)
{
	return mrc_sim_bits_new(sizes, nr_sizes, seed, 1, 0);
}

static void run_mru(struct mrc_sim_lane *lane, const struct mrc_sim_refs *refs)
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
			uint64_t bit;

			frames =
				&bits->frames[mrc_sim_next_size(&missing, &bit)];
			frames->nr_misses++;
			if (frames->nr_used < frames->size)
				frames->nr_used++;
			else
				mrc_sim_bits_evict(bits, frames,
						   bits->last_page, bit, 1);
		}
		mrc_sim_bits_write(bits, refs, i);
		bits->last_page = page;
	}
}

const struct mrc_sim_ops mrc_sim_mru_ops = {
	.max_sizes = MRC_SIM_MAX_BITS,
	.new = new_mru,
	.reserve = mrc_sim_bits_reserve,
	.run = run_mru,
	.count = mrc_sim_bits_count,
	.free = mrc_sim_bits_free,
};
