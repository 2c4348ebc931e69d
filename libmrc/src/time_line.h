/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An LRU stack as a line of slots: every access takes the next slot and leaves
 * the one its page had, so a page's depth is the number of live slots behind
 * its own. Who uses it remembers the slot of each page.
 *
 * Live slots are bits; the number before a slot is the sum of one counter per
 * level (64 slots, 2048, 65536) and the bits of one word. A new slot is always
 * the last, before which nothing else changes, and counters are set when the
 * line reaches them: only leaving a slot has counters to correct, and those are
 * contiguous, which compilers turn into SIMD.
 */
#ifndef MRC_SRC_TIME_LINE_H
#define MRC_SRC_TIME_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MRC_LINE_WORD_SLOTS 64
#define MRC_LINE_NODE_SLOTS 2048
#define MRC_LINE_TOP_SLOTS 65536

/* The counters of a level that one of the level above spans: 2048 / 64, too. */
#define MRC_LINE_FANOUT 32

/* All zero is a line without slots, which is full. */
struct mrc_time_line {
	size_t nr_slots; /* a multiple of MRC_LINE_NODE_SLOTS */
	size_t next_slot;
	size_t nr_live;

	/* Slots from @next_slot on are undefined in all of these. */
	uint64_t *live; /* one bit per slot */
	uint16_t *words; /* live slots of the node before this word */
	uint16_t *nodes; /* live slots of the top before this node */
	uint32_t *tops; /* live slots before this top */
};

/* An empty line of at least @nr_slots, which are below 2^32. -ENOMEM. */
int mrc_time_line_init(struct mrc_time_line *line, size_t nr_slots);

/* Begin anew with @nr_live slots, all live, which must fit. */
void mrc_time_line_reset(struct mrc_time_line *line, size_t nr_live);

/* Free what the line holds. */
void mrc_time_line_exit(struct mrc_time_line *line);

static inline bool mrc_time_line_is_full(const struct mrc_time_line *line)
{
	return line->next_slot == line->nr_slots;
}

/* Without an instruction for it, as baseline x86-64 is, this beats a call. */
static inline unsigned int mrc_count_bits(uint64_t word)
{
#ifdef __POPCNT__
	return (unsigned int)__builtin_popcountll(word);
#else
	word -= word >> 1 & UINT64_C(0x5555555555555555);
	word = (word & UINT64_C(0x3333333333333333)) +
	       (word >> 2 & UINT64_C(0x3333333333333333));
	word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	return (unsigned int)(word * UINT64_C(0x0101010101010101) >> 56);
#endif
}

/* Live slots before @slot. */
static inline size_t mrc_time_line_rank(const struct mrc_time_line *line,
					size_t slot)
{
	size_t word = slot / MRC_LINE_WORD_SLOTS;
	uint64_t below = (UINT64_C(1) << slot % MRC_LINE_WORD_SLOTS) - 1;

	return (size_t)line->tops[slot / MRC_LINE_TOP_SLOTS] +
	       line->nodes[slot / MRC_LINE_NODE_SLOTS] + line->words[word] +
	       mrc_count_bits(line->live[word] & below);
}

/* Live slots behind @slot, which is live. */
static inline size_t mrc_time_line_depth(const struct mrc_time_line *line,
					 size_t slot)
{
	return line->nr_live - mrc_time_line_rank(line, slot) - 1;
}

/* Take the next slot; the line must not be full. */
static inline size_t mrc_time_line_push(struct mrc_time_line *line)
{
	size_t slot = line->next_slot++;
	size_t word = slot / MRC_LINE_WORD_SLOTS;

	if (slot % MRC_LINE_WORD_SLOTS == 0) {
		size_t top = slot / MRC_LINE_TOP_SLOTS;
		size_t node = slot / MRC_LINE_NODE_SLOTS;

		if (slot % MRC_LINE_TOP_SLOTS == 0)
			line->tops[top] = (uint32_t)line->nr_live;
		if (slot % MRC_LINE_NODE_SLOTS == 0)
			line->nodes[node] =
				(uint16_t)(line->nr_live - line->tops[top]);
		line->words[word] = (uint16_t)(line->nr_live - line->tops[top] -
					       line->nodes[node]);
		line->live[word] = 0;
	}
	line->live[word] |= UINT64_C(1) << slot % MRC_LINE_WORD_SLOTS;
	line->nr_live++;
	return slot;
}

/* Leave a live slot. */
void mrc_time_line_remove(struct mrc_time_line *line, size_t slot);

#endif /* MRC_SRC_TIME_LINE_H */
