// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One counter of two consecutive parts of a stream.
 *
 * What the later part could not know is how long ago its pages were accessed
 * before it began: it has censored each page's first access at its time. Here
 * they become what they are. With sampled references it is the other way round:
 * what waits at the end of the first part is not told by the later one, which
 * has only looked at what it sampled, and is censored there.
 */
#include "reuse.h"

#include <errno.h>
#include <stdlib.h>

struct merger {
	struct mrc_reuse *reuse;
	const struct mrc_reuse *later;
	uint64_t nr_accesses; /* of both */
	uint64_t window_length;
	size_t nr_windows;
	size_t nr_cells;
	struct mrc_hist *hist;
	struct mrc_hist *at_window;
	struct mrc_reuse_cell *cells;
	struct mrc_page_table table; /* of sampled references */
	uint64_t *words;
};

static bool is_same(const struct mrc_reuse_options *a,
		    const struct mrc_reuse_options *b)
{
	return a->sub_bucket_bits == b->sub_bucket_bits &&
	       a->sampling == b->sampling &&
	       (a->sampling == MRC_REUSE_ALL ||
		(a->inverse_rate == b->inverse_rate && a->seed == b->seed)) &&
	       a->window_accesses == b->window_accesses &&
	       a->is_cold_infinite == b->is_cold_infinite;
}

/* Cells are of windows, and of groups, unless the histogram is all there is. */
static bool has_cells(const struct mrc_reuse *reuse)
{
	return mrc_reuse_is_sampling(reuse) || reuse->window_length > 0;
}

static struct mrc_reuse_cell *cell_of(const struct merger *merger,
				      uint64_t time, size_t group)
{
	size_t w = 0;

	if (merger->window_length > 0)
		w = (size_t)(time / merger->window_length);
	return &merger->cells[w * merger->reuse->nr_groups + group];
}

/* -ENOMEM. */
static int add_counts(struct mrc_reuse_cell *cell,
		      const struct mrc_reuse_cell *more)
{
	size_t i;
	int err;

	if (more->nr_buckets == 0)
		return 0;
	err = mrc_reuse_reserve_bucket(cell, more->nr_buckets - 1);
	if (err < 0)
		return err;
	for (i = 0; i < more->nr_buckets; i++) {
		cell->events[i] += more->events[i];
		cell->censored[i] += more->censored[i];
		cell->lost[i] += more->lost[i];
	}
	cell->nr_observed += more->nr_observed;
	return 0;
}

/* The window that is not over is what the histogram has more than before it. */
static int add_open_window(const struct merger *merger,
			   const struct mrc_reuse *from, uint64_t begin)
{
	uint64_t now = begin + (from->nr_windows - 1) * from->window_length;
	struct mrc_reuse_cell open = { 0 };
	size_t nr = mrc_bucket_index(from->options.sub_bucket_bits,
				     from->nr_accesses) +
		    1;
	size_t i;
	int err;

	err = mrc_reuse_reserve_bucket(&open, nr - 1);
	if (err == 0) {
		for (i = 0; i < nr; i++) {
			open.events[i] = from->hist->counts[i] -
					 from->at_window->counts[i];
			open.censored[i] = from->hist->censored[i] -
					   from->at_window->censored[i];
		}
		open.nr_observed = from->hist->total - from->at_window->total;
		err = add_counts(cell_of(merger, now, 0), &open);
	}
	mrc_reuse_cell_done(&open);
	return err;
}

/* The cells of @from, which begins at @begin. -ENOMEM. */
static int add_cells(const struct merger *merger, const struct mrc_reuse *from,
		     uint64_t begin)
{
	size_t w;
	size_t g;
	int err = 0;

	if (!has_cells(from) || from->nr_accesses == 0)
		return 0;
	for (w = 0; err == 0 && w < from->nr_windows; w++)
		for (g = 0; err == 0 && g < from->nr_groups; g++) {
			const struct mrc_reuse_cell *cell =
				&from->cells[w * from->nr_groups + g];

			err = add_counts(
				cell_of(merger, begin + w * from->window_length,
					g),
				cell);
		}
	if (err == 0 && from->at_window != NULL)
		err = add_open_window(merger, from, begin);
	return err;
}

/* When @page was accessed last in the first part. */
static bool find_last(const struct mrc_reuse *reuse, uint64_t page,
		      uint64_t *ret_time)
{
	uint32_t *value;

	if (reuse->table.nr_lines == 0)
		return false;
	value = mrc_page_table_find(
		&reuse->table, mrc_page_table_line(&reuse->table, page), page);
	if (value == NULL)
		return false;
	*ret_time = mrc_reuse_time_of(reuse, page, *value);
	return true;
}

/* The first access of a page in the later part, at @now of the whole. -ENOMEM. */
static int move_first(const struct merger *merger,
		      const struct mrc_reuse_first *first)
{
	const struct mrc_reuse *reuse = merger->reuse;
	uint64_t now = reuse->nr_accesses + first->time;
	unsigned int b = reuse->options.sub_bucket_bits;
	size_t from = mrc_bucket_index(b, first->time);
	struct mrc_hist *hist = merger->hist;
	struct mrc_reuse_cell *cell;
	uint64_t last = 0;
	bool is_event = find_last(reuse, first->page, &last);
	size_t to = mrc_bucket_index(b, is_event ? now - last : now);
	int err;

	if (has_cells(reuse)) {
		cell = cell_of(merger, now,
			       mrc_reuse_group_of(reuse, first->page, now));
		err = mrc_reuse_reserve_bucket(cell, to);
		if (err < 0)
			return err;
		cell->censored[from]--;
		if (is_event)
			cell->events[to]++;
		else
			cell->censored[to]++;
	}
	if (reuse->options.is_cold_infinite) {
		hist->cold -= is_event;
		hist->counts[to] += is_event;
		return 0;
	}
	hist->censored[from]--;
	hist->nr_censored -= is_event;
	if (is_event)
		hist->counts[to]++;
	else
		hist->censored[to]++;
	return 0;
}

/* What waits in the first part has not been seen again when it ends. -ENOMEM. */
static int censor_waiting(const struct merger *merger)
{
	const struct mrc_reuse *reuse = merger->reuse;
	unsigned int b = reuse->options.sub_bucket_bits;
	struct mrc_hist *hist = merger->hist;
	unsigned int slot;
	size_t i;
	int err;

	for (i = 0; i < reuse->table.nr_lines; i++) {
		const struct mrc_page_line *line = &reuse->table.lines[i];

		for (slot = 0; slot < MRC_PAGE_LINE_SLOTS; slot++) {
			struct mrc_reuse_cell *cell;
			uint64_t begin;
			size_t bucket;

			if (line->values[slot] == MARK_EMPTY ||
			    line->values[slot] == MARK_CLOSED)
				continue;
			begin = mrc_reuse_time_of(reuse, line->pages[slot],
						  line->values[slot]);
			bucket = mrc_bucket_index(b, reuse->nr_accesses - 1 -
							     begin);
			cell = cell_of(merger, begin, 0);
			err = mrc_reuse_reserve_bucket(cell, bucket);
			if (err < 0)
				return err;
			cell->lost[bucket]++;
			cell->nr_observed++;
			hist->censored[bucket]++;
			hist->nr_censored++;
			hist->total++;
		}
	}
	return 0;
}

/* All windows but the last one, which goes on: it has no cell yet. */
static void close_windows(const struct merger *merger)
{
	struct mrc_hist *before = merger->at_window;
	struct mrc_reuse_cell *last = &merger->cells[merger->nr_windows - 1];
	size_t w;
	size_t i;

	for (w = 0; w + 1 < merger->nr_windows; w++) {
		const struct mrc_reuse_cell *cell = &merger->cells[w];

		for (i = 0; i < cell->nr_buckets && i < before->nr_buckets;
		     i++) {
			before->counts[i] += cell->events[i];
			before->censored[i] += cell->censored[i];
			before->nr_censored += cell->censored[i];
		}
		before->total += cell->nr_observed;
	}
	mrc_reuse_cell_done(last);
}

static int new_hists(struct merger *merger)
{
	const struct mrc_reuse *reuse = merger->reuse;
	unsigned int b = reuse->options.sub_bucket_bits;
	int err;

	err = mrc_hist_new(b, &merger->hist);
	if (err == 0 && !reuse->options.is_cold_infinite)
		err = mrc_hist_need_censored(merger->hist);
	if (err == 0)
		err = mrc_hist_merge(merger->hist, reuse->hist);
	if (err == 0)
		err = mrc_hist_merge(merger->hist, merger->later->hist);
	if (err == 0 && reuse->at_window != NULL) {
		err = mrc_hist_new(b, &merger->at_window);
		if (err == 0)
			err = mrc_hist_need_censored(merger->at_window);
	}
	return err;
}

static int count_both(struct merger *merger)
{
	const struct mrc_reuse *later = merger->later;
	size_t i;
	int err;

	err = new_hists(merger);
	if (err < 0)
		return err;
	merger->cells = calloc(merger->nr_cells, sizeof(*merger->cells));
	if (merger->cells == NULL)
		return -ENOMEM;
	err = add_cells(merger, merger->reuse, 0);
	if (err == 0)
		err = add_cells(merger, later, merger->reuse->nr_accesses);
	for (i = 0; err == 0 && i < later->nr_firsts; i++)
		err = move_first(merger, &later->firsts[i]);
	if (err == 0 && later->options.sampling == MRC_REUSE_REFERENCES)
		err = censor_waiting(merger);
	if (err == 0 && merger->at_window != NULL)
		close_windows(merger);
	return err;
}

/* Calls @fn for each page of @later and the time, in the whole, of its access. */
static int for_each_later(const struct merger *merger,
			  int (*fn)(const struct merger *merger, uint64_t page,
				    uint64_t time))
{
	const struct mrc_page_table *table = &merger->later->table;
	unsigned int slot;
	size_t i;

	for (i = 0; i < table->nr_lines; i++)
		for (slot = 0; slot < MRC_PAGE_LINE_SLOTS; slot++) {
			uint32_t value = table->lines[i].values[slot];
			uint64_t page = table->lines[i].pages[slot];
			uint64_t time = merger->reuse->nr_accesses;
			int err;

			if (value == MARK_EMPTY || value == MARK_CLOSED)
				continue;
			time += mrc_reuse_time_of(merger->later, page, value);
			err = fn(merger, page, time);
			if (err < 0)
				return err;
		}
	return 0;
}

/* There is an entry for a time that will not fit the table. -ENOMEM. */
static int reserve_old(const struct merger *merger, uint64_t page,
		       uint64_t time)
{
	struct mrc_reuse *reuse = merger->reuse;
	uint64_t base =
		reuse->base + mrc_reuse_base_shift(reuse, merger->nr_accesses);
	int err;

	if (time >= base)
		return 0;
	err = mrc_page_map_reserve(&reuse->old_times);
	if (err == 0 && mrc_page_map_find(&reuse->old_times, page) == NULL)
		(void)mrc_page_map_insert(&reuse->old_times, page, 1);
	return err;
}

/* After a successful reserve of all. */
static int put_last(const struct merger *merger, uint64_t page, uint64_t time)
{
	struct mrc_reuse *reuse = merger->reuse;
	struct mrc_page_line *line = mrc_page_table_line(&reuse->table, page);
	uint32_t *found = mrc_page_table_find(&reuse->table, line, page);
	uint32_t value = MARK_OLD;

	if (time >= reuse->base)
		value = (uint32_t)(time - reuse->base) + NR_MARKS;
	else
		mrc_page_map_find(&reuse->old_times, page)->stamp = time + 1;
	if (found != NULL)
		*found = value;
	else
		mrc_page_table_insert(&reuse->table, line, page, value);
	return 0;
}

/* All that may fail and shows nowhere; what fails here has changed nothing. */
static int reserve_all(struct merger *merger)
{
	const struct mrc_reuse *later = merger->later;
	struct mrc_reuse *reuse = merger->reuse;
	uint64_t shift = mrc_reuse_base_shift(reuse, merger->nr_accesses);
	int err;

	if (reuse->options.sampling == MRC_REUSE_REFERENCES) {
		size_t nr_words = (size_t)1 << (later->filter.log2_bits - 6);
		size_t i;

		err = mrc_page_table_reserve(&merger->table,
					     later->nr_open + 1);
		merger->words = malloc(nr_words * sizeof(*merger->words));
		if (err == 0 && merger->words == NULL)
			err = -ENOMEM;
		for (i = 0; err == 0 && i < nr_words; i++)
			merger->words[i] = later->filter.words[i];
	} else {
		err = mrc_page_table_reserve(&reuse->table,
					     later->table.nr_pages + 1);
	}
	if (err == 0 && mrc_reuse_keeps_firsts(reuse))
		err = mrc_reuse_reserve_firsts(reuse, later->nr_firsts);
	if (err == 0)
		err = for_each_later(merger, reserve_old);
	if (err == 0 && shift > 0)
		err = mrc_reuse_move_base(reuse, shift);
	return err;
}

static void add_firsts(const struct merger *merger)
{
	const struct mrc_reuse *later = merger->later;
	struct mrc_reuse *reuse = merger->reuse;
	uint64_t last;
	size_t i;

	if (!mrc_reuse_keeps_firsts(reuse))
		return;
	for (i = 0; i < later->nr_firsts; i++)
		if (!find_last(reuse, later->firsts[i].page, &last))
			reuse->firsts[reuse->nr_firsts++] =
				(struct mrc_reuse_first){
					.page = later->firsts[i].page,
					.time = reuse->nr_accesses +
						later->firsts[i].time,
				};
}

/* Nothing can fail any more. */
static void commit(struct merger *merger)
{
	const struct mrc_reuse *later = merger->later;
	struct mrc_reuse *reuse = merger->reuse;
	struct mrc_hist *hist = reuse->hist;
	struct mrc_hist *at_window = reuse->at_window;
	struct mrc_reuse_cell *cells = reuse->cells;

	add_firsts(merger);
	if (reuse->options.sampling == MRC_REUSE_REFERENCES) {
		struct mrc_page_table table = reuse->table;
		uint64_t *words = reuse->filter.words;

		reuse->table = merger->table;
		reuse->filter = later->filter;
		reuse->filter.words = merger->words;
		merger->table = table;
		merger->words = words;
		reuse->random = later->random;
		reuse->next_sample = reuse->nr_accesses + later->next_sample;
		reuse->nr_open = later->nr_open;
	}
	(void)for_each_later(merger, put_last);
	reuse->hist = merger->hist;
	reuse->at_window = merger->at_window;
	reuse->cells = merger->cells;
	reuse->window_length = merger->window_length;
	reuse->nr_windows = merger->nr_windows;
	reuse->nr_accesses = merger->nr_accesses;
	merger->hist = hist;
	merger->at_window = at_window;
	merger->cells = cells;
}

/* The windows of the whole; those of the parts must not straddle them. */
static int lay_out_windows(struct merger *merger)
{
	const struct mrc_reuse *reuse = merger->reuse;
	uint64_t length = reuse->window_length;

	merger->nr_windows = 1;
	if (length == 0)
		return 0;
	if (length < merger->later->window_length)
		length = merger->later->window_length;
	if (reuse->nr_accesses % length != 0)
		return -EINVAL;
	while ((merger->nr_accesses - 1) / length >= MRC_REUSE_MAX_WINDOWS)
		length *= 2;
	merger->window_length = length;
	merger->nr_windows = (size_t)((merger->nr_accesses - 1) / length) + 1;
	return 0;
}

int mrc_reuse_merge(struct mrc_reuse *reuse, const struct mrc_reuse *later)
{
	const uint64_t max_accesses = (UINT64_C(1) << MRC_HIST_VALUE_BITS) - 1;
	struct merger merger = {
		.reuse = reuse,
		.later = later,
		.nr_accesses = reuse->nr_accesses + later->nr_accesses,
		.nr_cells = MRC_REUSE_MAX_WINDOWS * reuse->nr_groups,
	};
	int err;

	if (!is_same(&reuse->options, &later->options))
		return -EINVAL;
	if (later->nr_accesses == 0)
		return 0;
	if (later->options.sampling != MRC_REUSE_REFERENCES &&
	    !later->options.is_mergeable)
		return -EINVAL;
	if (merger.nr_accesses > max_accesses)
		return -ERANGE;
	err = lay_out_windows(&merger);
	if (err == 0)
		err = count_both(&merger);
	if (err == 0)
		err = reserve_all(&merger);
	if (err == 0)
		commit(&merger);
	mrc_hist_free(merger.hist);
	mrc_hist_free(merger.at_window);
	mrc_reuse_free_cells(merger.cells, merger.nr_cells);
	mrc_page_table_exit(&merger.table);
	free(merger.words);
	return err;
}
