// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Clock, looking at frames in a circle or at random. A page's second word holds
 * its use bits.
 */
#include "sim_bits.h"

#define NR_WORDS 2

static struct mrc_sim_lane *new_clock(const uint32_t *sizes, size_t nr_sizes,
				      uint64_t seed)
{
	return mrc_sim_bits_new(sizes, nr_sizes, seed, NR_WORDS, 1);
}

/*
 * The frame for a page to load, found in the circle. While frames are empty the
 * hand stands at the first of them: page 0 is never used.
 */
static inline uint32_t *find_frame(const struct mrc_sim_bits *bits,
				   struct mrc_sim_frames *frames, uint64_t bit)
{
	while (true) {
		uint32_t *frame = &frames->pages[frames->hand];

		__builtin_prefetch(
			&bits->words[(size_t)frame[MRC_SIM_FRAMES_AHEAD] *
				     NR_WORDS],
			1);
		if (++frames->hand == frames->size)
			frames->hand = 0;
		if (!(bits->words[(size_t)*frame * NR_WORDS + 1] & bit))
			return frame;
		bits->words[(size_t)*frame * NR_WORDS + 1] &= ~bit;
	}
}

static inline uint32_t *find_random_frame(const struct mrc_sim_bits *bits,
					  struct mrc_sim_frames *frames,
					  uint64_t bit)
{
	if (frames->nr_used < frames->size)
		return mrc_sim_use_frame(frames);
	while (true) {
		uint32_t *frame = mrc_sim_draw_frame(bits, frames, NR_WORDS);

		if (!(bits->words[(size_t)*frame * NR_WORDS + 1] & bit))
			return frame;
		bits->words[(size_t)*frame * NR_WORDS + 1] &= ~bit;
	}
}

static inline void run(struct mrc_sim_bits *bits,
		       const struct mrc_sim_refs *refs, bool is_random)
{
	size_t i;

	for (i = 0; i < refs->nr_refs; i++) {
		uint32_t page = refs->ids[i] + 1;
		uint64_t *words = &bits->words[(size_t)page * NR_WORDS];
		uint64_t missing = bits->all & ~words[0];

		mrc_sim_bits_prefetch(bits, refs, i, NR_WORDS);
		words[0] = bits->all;
		words[1] = bits->all;
		while (missing != 0) {
			struct mrc_sim_frames *frames;
			uint32_t *frame;
			uint64_t bit;

			frames =
				&bits->frames[mrc_sim_next_size(&missing, &bit)];
			frames->nr_misses++;
			frame = is_random ?
					find_random_frame(bits, frames, bit) :
					find_frame(bits, frames, bit);
			mrc_sim_bits_evict(bits, frames, *frame, bit, NR_WORDS);
			*frame = page;
		}
		mrc_sim_bits_write(bits, refs, i);
	}
}

static void run_clock(struct mrc_sim_lane *lane,
		      const struct mrc_sim_refs *refs)
{
	run(mrc_sim_bits(lane), refs, false);
}

static void run_clock_random(struct mrc_sim_lane *lane,
			     const struct mrc_sim_refs *refs)
{
	run(mrc_sim_bits(lane), refs, true);
}

const struct mrc_sim_ops mrc_sim_clock_ops = {
	.max_sizes = MRC_SIM_MAX_BITS,
	.new = new_clock,
	.reserve = mrc_sim_bits_reserve,
	.run = run_clock,
	.count = mrc_sim_bits_count,
	.free = mrc_sim_bits_free,
};

const struct mrc_sim_ops mrc_sim_clock_random_ops = {
	.max_sizes = MRC_SIM_MAX_BITS,
	.new = new_clock,
	.reserve = mrc_sim_bits_reserve,
	.run = run_clock_random,
	.count = mrc_sim_bits_count,
	.free = mrc_sim_bits_free,
};
