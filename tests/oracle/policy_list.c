// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy_list.h"

#include <stdbool.h>
#include <stdlib.h>

struct frame {
	uint64_t page;
	size_t loaded_at;
	size_t last_use;
	bool is_used;
	bool is_dirty;
};

struct memory {
	const struct policy_trace *trace;
	struct frame *frames;
	size_t nr_frames; /* in use */
	size_t hand;
};

static size_t next_use(const struct memory *memory, size_t now, uint64_t page)
{
	size_t i;

	for (i = now + 1; i < memory->trace->nr_pages; i++)
		if (memory->trace->pages[i] == page)
			return i;
	return SIZE_MAX;
}

static size_t first_use(const struct memory *memory, uint64_t page)
{
	size_t i;

	for (i = 0; memory->trace->pages[i] != page; i++)
		;
	return i;
}

static size_t nr_uses(const struct memory *memory, size_t now, uint64_t page)
{
	size_t nr = 0;
	size_t i;

	for (i = 0; i < now; i++)
		nr += memory->trace->pages[i] == page;
	return nr;
}

/* Whether @a rather than @b leaves at @now. */
static bool is_worse(enum list_policy policy, const struct memory *memory,
		     size_t now, const struct frame *a, const struct frame *b)
{
	size_t x;
	size_t y;

	switch (policy) {
	case LIST_OPT:
		x = next_use(memory, now, a->page);
		y = next_use(memory, now, b->page);
		if (x == y)
			return first_use(memory, a->page) >
			       first_use(memory, b->page);
		return x > y;
	case LIST_FIFO:
		return a->loaded_at < b->loaded_at;
	case LIST_LFU:
		x = nr_uses(memory, now, a->page);
		y = nr_uses(memory, now, b->page);
		if (x == y)
			return a->last_use < b->last_use;
		return x < y;
	case LIST_MRU:
		return a->last_use > b->last_use;
	default:
		return a->last_use < b->last_use;
	}
}

static size_t find_worst(enum list_policy policy, const struct memory *memory,
			 size_t now)
{
	size_t worst = 0;
	size_t i;

	for (i = 1; i < memory->nr_frames; i++)
		if (is_worse(policy, memory, now, &memory->frames[i],
			     &memory->frames[worst]))
			worst = i;
	return worst;
}

/* Look at every frame once, from the hand on. True: the hand stands at it. */
static bool go_round(struct memory *memory, bool is_dirty, bool clears)
{
	size_t i;

	for (i = 0; i < memory->nr_frames; i++) {
		struct frame *frame = &memory->frames[memory->hand];

		if (!frame->is_used && frame->is_dirty == is_dirty)
			return true;
		if (clears)
			frame->is_used = false;
		memory->hand = (memory->hand + 1) % memory->nr_frames;
	}
	return false;
}

static size_t find_by_hand(enum list_policy policy, struct memory *memory)
{
	size_t victim;

	if (policy == LIST_CLOCK_CLEAN) {
		while (!go_round(memory, false, false) &&
		       !go_round(memory, true, true))
			;
	} else {
		while (memory->frames[memory->hand].is_used) {
			memory->frames[memory->hand].is_used = false;
			memory->hand = (memory->hand + 1) % memory->nr_frames;
		}
	}
	victim = memory->hand;
	memory->hand = (memory->hand + 1) % memory->nr_frames;
	return victim;
}

void policy_list_run(enum list_policy policy, const struct policy_trace *trace,
		     size_t size_pages, struct policy_counts *ret_counts)
{
	struct memory memory = {
		.trace = trace,
		.frames = calloc(size_pages, sizeof(struct frame)),
	};
	struct policy_counts counts = { .nr_hits = 0 };
	size_t now;

	if (memory.frames == NULL)
		abort();
	for (now = 0; now < trace->nr_pages; now++) {
		struct frame *frame;
		size_t i;

		for (i = 0; i < memory.nr_frames; i++)
			if (memory.frames[i].page == trace->pages[now])
				break;
		if (i < memory.nr_frames) {
			counts.nr_hits++;
		} else {
			counts.nr_misses++;
			if (memory.nr_frames < size_pages)
				i = memory.nr_frames++;
			else if (policy == LIST_CLOCK ||
				 policy == LIST_CLOCK_CLEAN)
				i = find_by_hand(policy, &memory);
			else
				i = find_worst(policy, &memory, now);
			counts.nr_write_backs += memory.frames[i].is_dirty;
			memory.frames[i] = (struct frame){
				.page = trace->pages[now],
				.loaded_at = now,
			};
		}
		frame = &memory.frames[i];
		frame->last_use = now;
		frame->is_used = true;
		if (trace->are_writes != NULL && trace->are_writes[now])
			frame->is_dirty = true;
	}
	free(memory.frames);
	*ret_counts = counts;
}
