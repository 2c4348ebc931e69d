/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A lane that simulates up to 64 sizes at once, a bit for each: a word per page
 * says in which sizes it is resident, another in which it has its use bit, and
 * so on. One look tells at which sizes an access hits, and only a miss costs
 * work for a size of its own.
 *
 * Pages are numbered from 1 here. 0 is what an empty frame holds: it is never
 * accessed, so it never has a use bit, and evicting it does no harm.
 */
#ifndef MRC_SRC_SIM_BITS_H
#define MRC_SRC_SIM_BITS_H

#include "random.h"
#include "sim_lane.h"

#define MRC_SIM_MAX_BITS 64

/* So many entries behind the frames in use may be read. */
#define MRC_SIM_FRAMES_AHEAD 6

/* One size: its frames, and what it came to. */
struct mrc_sim_frames {
	uint32_t *pages; /* by frame, as far as frames were ever used */
	uint32_t size;
	uint32_t hand; /* the frame to look at next */
	uint64_t nr_misses;
	uint64_t nr_write_backs;
	struct mrc_random random;
	uint32_t nr_used; /* where the hand does not tell */
	uint32_t after_hand; /* the frame to look at then, if drawn at random */
	uint32_t before_hand; /* SIEVE */
	uint32_t last; /* SIEVE */
};

struct mrc_sim_bits {
	size_t nr_sizes;
	uint64_t all; /* a bit for each size */
	size_t nr_words; /* per page; the first says where it is resident */
	size_t frame_size; /* entries of @pages per frame */
	size_t nr_pages; /* reserved, with page 0 */
	uint32_t last_page; /* MRU: that of the access before */
	uint64_t *words; /* @nr_words for each page, that of page 0 first */
	uint64_t *dirty; /* one for each page, or NULL before the first write */
	struct mrc_sim_frame_set *sets; /* Clock that prefers clean pages */
	struct mrc_sim_frames frames[MRC_SIM_MAX_BITS];
};

struct mrc_sim_lane *mrc_sim_bits_new(const uint32_t *sizes, size_t nr_sizes,
				      uint64_t seed, size_t nr_words,
				      size_t frame_size);
int mrc_sim_bits_reserve(struct mrc_sim_lane *lane, size_t nr_pages,
			 bool has_writes);
void mrc_sim_bits_count(const struct mrc_sim_lane *lane, uint64_t *ret_misses,
			uint64_t *ret_write_backs);
void mrc_sim_bits_free(struct mrc_sim_lane *lane);

static inline struct mrc_sim_bits *mrc_sim_bits(struct mrc_sim_lane *lane)
{
	return (struct mrc_sim_bits *)lane;
}

/* Take the lowest of @sizes, which must not be 0; its number. */
static inline unsigned int mrc_sim_next_size(uint64_t *sizes, uint64_t *ret_bit)
{
	*ret_bit = *sizes & -*sizes;
	*sizes ^= *ret_bit;
	return (unsigned int)__builtin_ctzll(*ret_bit);
}

/* Ask for the state of the page to be accessed some references on. */
static inline void mrc_sim_bits_prefetch(const struct mrc_sim_bits *bits,
					 const struct mrc_sim_refs *refs,
					 size_t i, size_t nr_words)
{
	if (i + MRC_SIM_AHEAD < refs->nr_refs)
		__builtin_prefetch(
			&bits->words[((size_t)refs->ids[i + MRC_SIM_AHEAD] + 1) *
				     nr_words],
			1);
}

/* What a write adds, once the page is resident everywhere. */
static inline void mrc_sim_bits_write(struct mrc_sim_bits *bits,
				      const struct mrc_sim_refs *refs, size_t i)
{
	if (bits->dirty != NULL && refs->are_writes[i])
		bits->dirty[refs->ids[i] + 1] = bits->all;
}

/* The page leaves the size of @bit. */
static inline void mrc_sim_bits_evict(struct mrc_sim_bits *bits,
				      struct mrc_sim_frames *frames,
				      uint32_t page, uint64_t bit,
				      size_t nr_words)
{
	bits->words[page * nr_words] &= ~bit;
	if (bits->dirty != NULL && (bits->dirty[page] & bit)) {
		bits->dirty[page] &= ~bit;
		frames->nr_write_backs++;
	}
}

/* The next frame at random, of a full memory; ask for those to come. */
static inline uint32_t *mrc_sim_draw_frame(const struct mrc_sim_bits *bits,
					   struct mrc_sim_frames *frames,
					   size_t nr_words)
{
	uint32_t *frame = &frames->pages[frames->hand];

	frames->hand = frames->after_hand;
	frames->after_hand =
		(uint32_t)mrc_random_below(&frames->random, frames->size);
	__builtin_prefetch(&frames->pages[frames->after_hand], 1);
	__builtin_prefetch(&bits->words[frames->pages[frames->hand] * nr_words],
			   1);
	return frame;
}

/* An empty frame, which there must be. */
static inline uint32_t *mrc_sim_use_frame(struct mrc_sim_frames *frames)
{
	uint32_t *frame = &frames->pages[frames->nr_used++];

	if (frames->nr_used == frames->size) {
		frames->hand = (uint32_t)mrc_random_below(&frames->random,
							  frames->size);
		frames->after_hand = (uint32_t)mrc_random_below(&frames->random,
								frames->size);
	}
	return frame;
}

#endif /* MRC_SRC_SIM_BITS_H */
