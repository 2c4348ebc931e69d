// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Clock that prefers clean pages. A page's second word holds its use bits.
 *
 * The first look at the circle changes nothing, so going over it frame by
 * frame would cost the whole circle for one page, again and again. Frames whose
 * page may be neither used nor dirty are in a set instead. A page gets so only
 * where the hand clears its use bit; a use does not take it out, the look does.
 */
#include "sim_bits.h"

#include <errno.h>
#include <stdlib.h>

#include "sim_frame_set.h"

#define NR_WORDS 2

static void free_clean(struct mrc_sim_lane *lane)
{
	struct mrc_sim_bits *bits = mrc_sim_bits(lane);
	size_t i;

	if (bits != NULL && bits->sets != NULL) {
		for (i = 0; i < bits->nr_sizes; i++)
			mrc_sim_frame_set_exit(&bits->sets[i]);
		free(bits->sets);
	}
	mrc_sim_bits_free(lane);
}

static struct mrc_sim_lane *new_clean(const uint32_t *sizes, size_t nr_sizes,
				      uint64_t seed)
{
	struct mrc_sim_lane *lane =
		mrc_sim_bits_new(sizes, nr_sizes, seed, NR_WORDS, 1);
	struct mrc_sim_bits *bits = mrc_sim_bits(lane);

	if (bits == NULL)
		return NULL;
	bits->sets = calloc(nr_sizes, sizeof(*bits->sets));
	if (bits->sets == NULL) {
		free_clean(lane);
		return NULL;
	}
	return lane;
}

static int reserve_clean(struct mrc_sim_lane *lane, size_t nr_pages,
			 bool has_writes)
{
	struct mrc_sim_bits *bits = mrc_sim_bits(lane);
	size_t i;

	for (i = 0; i < bits->nr_sizes; i++) {
		size_t size = bits->frames[i].size;
		int err = mrc_sim_frame_set_reserve(
			&bits->sets[i], size < nr_pages ? size : nr_pages);

		if (err < 0)
			return err;
	}
	return mrc_sim_bits_reserve(lane, nr_pages, has_writes);
}

struct circle {
	struct mrc_sim_bits *bits;
	struct mrc_sim_frames *frames;
	struct mrc_sim_frame_set *unused; /* frames to look at first */
	uint64_t bit;
};

static bool is_used(const struct circle *circle, uint32_t page)
{
	return circle->bits->words[(size_t)page * NR_WORDS + 1] & circle->bit;
}

static bool is_dirty(const struct circle *circle, uint32_t page)
{
	return circle->bits->dirty != NULL &&
	       circle->bits->dirty[page] & circle->bit;
}

/* Move the hand to the next page neither used nor dirty, if there is one. */
static bool find_clean(struct circle *circle)
{
	struct mrc_sim_frames *frames = circle->frames;

	while (true) {
		size_t next =
			mrc_sim_frame_set_next(circle->unused, frames->hand);
		uint32_t page;

		if (next == SIZE_MAX)
			next = mrc_sim_frame_set_next(circle->unused, 0);
		if (next == SIZE_MAX)
			return false;
		page = frames->pages[next];
		if (!is_used(circle, page) && !is_dirty(circle, page)) {
			frames->hand = (uint32_t)next;
			return true;
		}
		mrc_sim_frame_set_remove(circle->unused, (uint32_t)next);
	}
}

/* Go round from page to page until one is dirty but not used, if there is one. */
static bool find_dirty(struct circle *circle)
{
	struct mrc_sim_frames *frames = circle->frames;
	uint32_t i;

	for (i = 0; i < frames->size; i++) {
		uint32_t page = frames->pages[frames->hand];

		if (!is_used(circle, page))
			return true;
		circle->bits->words[(size_t)page * NR_WORDS + 1] &=
			~circle->bit;
		if (!is_dirty(circle, page))
			mrc_sim_frame_set_add(circle->unused, frames->hand);
		if (++frames->hand == frames->size)
			frames->hand = 0;
	}
	return false;
}

static void run_clean(struct mrc_sim_lane *lane,
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
		words[1] = bits->all;
		while (missing != 0) {
			struct circle circle = { .bits = bits };
			struct mrc_sim_frames *frames;
			unsigned int size;

			size = mrc_sim_next_size(&missing, &circle.bit);
			frames = &bits->frames[size];
			frames->nr_misses++;
			if (frames->nr_used < frames->size) {
				frames->pages[frames->nr_used++] = page;
				continue;
			}
			circle.frames = frames;
			circle.unused = &bits->sets[size];
			while (!find_clean(&circle) && !find_dirty(&circle))
				;
			mrc_sim_frame_set_remove(circle.unused, frames->hand);
			mrc_sim_bits_evict(bits, frames,
					   frames->pages[frames->hand],
					   circle.bit, NR_WORDS);
			frames->pages[frames->hand] = page;
			if (++frames->hand == frames->size)
				frames->hand = 0;
		}
		mrc_sim_bits_write(bits, refs, i);
	}
}

const struct mrc_sim_ops mrc_sim_clock_clean_ops = {
	.max_sizes = MRC_SIM_MAX_BITS,
	.new = new_clean,
	.reserve = reserve_clean,
	.run = run_clean,
	.count = mrc_sim_bits_count,
	.free = free_clean,
};
