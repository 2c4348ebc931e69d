// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * SIEVE: a queue from the page loaded first to the one loaded last, over which
 * a hand moves as in Clock; pages it passes keep their place, and the new page
 * goes to the end of the queue, not where the hand is. A page's second word
 * holds its visited bits.
 *
 * A frame is two entries: its page, and the frame of the page loaded next, 0
 * behind the last. Frame 0 is none: the first page follows it.
 */
#include "sim_bits.h"

#define NR_WORDS 2

static struct mrc_sim_lane *new_sieve(const uint32_t *sizes, size_t nr_sizes,
				      uint64_t seed)
{
	return mrc_sim_bits_new(sizes, nr_sizes, seed, NR_WORDS, 2);
}

static uint32_t *page_of(const struct mrc_sim_frames *frames, uint32_t frame)
{
	return &frames->pages[(size_t)frame * 2];
}

static uint32_t *next_of(const struct mrc_sim_frames *frames, uint32_t frame)
{
	return &frames->pages[(size_t)frame * 2 + 1];
}

/* Evict a page; its frame, which is in no queue then. */
static inline uint32_t evict(struct mrc_sim_bits *bits,
			     struct mrc_sim_frames *frames, uint64_t bit)
{
	uint32_t frame = frames->hand;
	uint64_t *visited;

	while (true) {
		if (frame == 0) {
			frames->before_hand = 0;
			frame = *next_of(frames, 0);
		}
		__builtin_prefetch(
			&bits->words[(size_t)*page_of(frames,
						      *next_of(frames, frame)) *
				     NR_WORDS],
			1);
		visited =
			&bits->words[(size_t)*page_of(frames, frame) * NR_WORDS +
				     1];
		if (!(*visited & bit))
			break;
		*visited &= ~bit;
		frames->before_hand = frame;
		frame = *next_of(frames, frame);
	}
	frames->hand = *next_of(frames, frame);
	*next_of(frames, frames->before_hand) = frames->hand;
	if (frames->last == frame)
		frames->last = frames->before_hand;
	mrc_sim_bits_evict(bits, frames, *page_of(frames, frame), bit,
			   NR_WORDS);
	return frame;
}

static void run_sieve(struct mrc_sim_lane *lane,
		      const struct mrc_sim_refs *refs)
{
	struct mrc_sim_bits *bits = mrc_sim_bits(lane);
	size_t i;

	for (i = 0; i < refs->nr_refs; i++) {
		uint32_t page = refs->ids[i] + 1;
		uint64_t *words = &bits->words[(size_t)page * NR_WORDS];
		uint64_t missing = bits->all & ~words[0];

		mrc_sim_bits_prefetch(bits, refs, i, NR_WORDS);
		words[0] = bits->all;
		words[1] = bits->all & ~missing;
		while (missing != 0) {
			struct mrc_sim_frames *frames;
			uint32_t frame;
			uint64_t bit;

			frames =
				&bits->frames[mrc_sim_next_size(&missing, &bit)];
			frames->nr_misses++;
			frame = frames->nr_used < frames->size ?
					++frames->nr_used :
					evict(bits, frames, bit);
			*page_of(frames, frame) = page;
			*next_of(frames, frame) = 0;
			*next_of(frames, frames->last) = frame;
			frames->last = frame;
		}
		mrc_sim_bits_write(bits, refs, i);
	}
}

const struct mrc_sim_ops mrc_sim_sieve_ops = {
	.max_sizes = MRC_SIM_MAX_BITS,
	.new = new_sieve,
	.reserve = mrc_sim_bits_reserve,
	.run = run_sieve,
	.count = mrc_sim_bits_count,
	.free = mrc_sim_bits_free,
};
