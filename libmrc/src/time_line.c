// SPDX-License-Identifier: LGPL-2.1-or-later
#include "time_line.h"

#include <errno.h>
#include <stdlib.h>

int mrc_time_line_init(struct mrc_time_line *line, size_t nr_slots)
{
	size_t nr_nodes = nr_slots / MRC_LINE_NODE_SLOTS +
			  (nr_slots % MRC_LINE_NODE_SLOTS != 0);
	/* Whole fans, since mrc_time_line_remove() corrects whole fans. */
	size_t nr_tops = nr_nodes / MRC_LINE_FANOUT + 1;
	struct mrc_time_line made = {
		.nr_slots = nr_nodes * MRC_LINE_NODE_SLOTS,
	};

	made.live = malloc(made.nr_slots / 8);
	made.words = calloc(nr_nodes * MRC_LINE_FANOUT, sizeof(*made.words));
	made.nodes = calloc(nr_tops * MRC_LINE_FANOUT, sizeof(*made.nodes));
	made.tops = malloc(nr_tops * sizeof(*made.tops));
	if (made.live == NULL || made.words == NULL || made.nodes == NULL ||
	    made.tops == NULL) {
		mrc_time_line_exit(&made);
		return -ENOMEM;
	}
	*line = made;
	return 0;
}

void mrc_time_line_reset(struct mrc_time_line *line, size_t nr_live)
{
	line->next_slot = 0;
	line->nr_live = 0;
	while (line->nr_live < nr_live)
		(void)mrc_time_line_push(line);
}

void mrc_time_line_exit(struct mrc_time_line *line)
{
	free(line->live);
	free(line->words);
	free(line->nodes);
	free(line->tops);
}

/*
 * Subtract 1 from the counters of a fan behind @index: all of them minus 0 or
 * 1, a fixed number of operations without a branch.
 */
static void lower_behind(uint16_t *restrict fan, size_t index)
{
	static const uint16_t steps[2 * MRC_LINE_FANOUT] = {
		[MRC_LINE_FANOUT] = 1,
		1,
		1,
		1,
		1,
		1,
		1,
		1,
		1,
		1,
		1,
		1,
		1,
		1,
		1,
		1,
		1,
		1,
		1,
		1,
		1,
		1,
		1,
		1,
		1,
		1,
		1,
		1,
		1,
		1,
		1,
		1,
	};
	const uint16_t *restrict step = &steps[MRC_LINE_FANOUT - 1 - index];
	size_t i;

	for (i = 0; i < MRC_LINE_FANOUT; i++)
		fan[i] = (uint16_t)(fan[i] - step[i]);
}

void mrc_time_line_remove(struct mrc_time_line *line, size_t slot)
{
	size_t word = slot / MRC_LINE_WORD_SLOTS;
	size_t node = slot / MRC_LINE_NODE_SLOTS;
	size_t top = slot / MRC_LINE_TOP_SLOTS;
	size_t last_top = (line->next_slot - 1) / MRC_LINE_TOP_SLOTS;

	line->live[word] ^= UINT64_C(1) << slot % MRC_LINE_WORD_SLOTS;
	line->nr_live--;
	lower_behind(&line->words[node * MRC_LINE_FANOUT],
		     word % MRC_LINE_FANOUT);
	lower_behind(&line->nodes[top * MRC_LINE_FANOUT],
		     node % MRC_LINE_FANOUT);
	while (top < last_top)
		line->tops[++top]--;
}
