// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reuse.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* Accesses that are looked at together, where few of them matter. */
#define SIEVE_LENGTH 128

static bool is_valid(const struct mrc_reuse_options *options)
{
	if (options->sub_bucket_bits > MRC_HIST_MAX_SUB_BUCKET_BITS)
		return false;
	/* 64 windows must not overflow. */
	if (options->window_accesses >> MRC_HIST_VALUE_BITS != 0)
		return false;
	if (options->sampling == MRC_REUSE_ALL)
		return !options->is_cold_infinite ||
		       options->window_accesses == 0;
	if (options->sampling != MRC_REUSE_REFERENCES &&
	    options->sampling != MRC_REUSE_PAGES)
		return false;
	/* Written so that a NaN fails. */
	return options->inverse_rate >= 1 &&
	       options->inverse_rate <= MRC_AET_MAX_INVERSE_RATE &&
	       !options->is_cold_infinite;
}

/* Accesses until the next sampled one: each is with probability 1 / T. */
static uint64_t draw_gap(struct mrc_reuse *reuse)
{
	double unit = 1 - mrc_random_unit(&reuse->random);
	double gap = floor(log(unit) / log1p(-1 / reuse->options.inverse_rate));

	/* More than 2^48 accesses there are not. */
	return gap < 0x1p62 ? (uint64_t)gap : UINT64_C(1) << 62;
}

static int new_arrays(struct mrc_reuse *reuse)
{
	const struct mrc_reuse_options *options = &reuse->options;
	int err;

	err = mrc_hist_new(options->sub_bucket_bits, &reuse->hist);
	if (err == 0 && !options->is_cold_infinite)
		err = mrc_hist_need_censored(reuse->hist);
	if (err == 0 && options->window_accesses > 0 &&
	    !mrc_reuse_is_sampling(reuse)) {
		err = mrc_hist_new(options->sub_bucket_bits, &reuse->at_window);
		if (err == 0)
			err = mrc_hist_need_censored(reuse->at_window);
	}
	if (err < 0)
		return err;
	if (options->sampling == MRC_REUSE_REFERENCES) {
		reuse->filter.log2_bits = 15;
		reuse->filter.words = calloc((size_t)1 << 9, sizeof(uint64_t));
		if (reuse->filter.words == NULL)
			return -ENOMEM;
	}
	reuse->cells = calloc(MRC_REUSE_MAX_WINDOWS * reuse->nr_groups,
			      sizeof(*reuse->cells));
	return reuse->cells != NULL ? 0 : -ENOMEM;
}

int mrc_reuse_new_with(const struct mrc_reuse_options *options,
		       struct mrc_reuse **ret_reuse)
{
	struct mrc_reuse *reuse;
	int err;

	if (!is_valid(options))
		return -EINVAL;
	reuse = calloc(1, sizeof(*reuse));
	if (reuse == NULL)
		return -ENOMEM;
	reuse->options = *options;
	if (options->sampling != MRC_REUSE_ALL && options->inverse_rate == 1)
		reuse->options.sampling = MRC_REUSE_ALL;
	reuse->nr_windows = 1;
	reuse->window_length = options->window_accesses;
	reuse->nr_groups = 1;
	if (reuse->options.sampling == MRC_REUSE_PAGES)
		reuse->nr_groups = MRC_REUSE_NR_GROUPS;
	reuse->random.state = options->seed;
	reuse->salt = mrc_random_next(&reuse->random);
	if (mrc_reuse_is_sampling(reuse)) {
		/* Below 2^64, because the rate is at least the next one to 1. */
		reuse->threshold = (uint64_t)(0x1p64 / options->inverse_rate);
		reuse->next_sample = draw_gap(reuse);
	}
	err = new_arrays(reuse);
	if (err < 0) {
		mrc_reuse_free(reuse);
		return err;
	}
	*ret_reuse = reuse;
	return 0;
}

int mrc_reuse_new(unsigned int sub_bucket_bits, struct mrc_reuse **ret_reuse)
{
	const struct mrc_reuse_options options = {
		.sub_bucket_bits = sub_bucket_bits,
		.is_cold_infinite = true,
	};

	return mrc_reuse_new_with(&options, ret_reuse);
}

void mrc_reuse_cell_done(struct mrc_reuse_cell *cell)
{
	free(cell->events);
	free(cell->censored);
	free(cell->lost);
	*cell = (struct mrc_reuse_cell){ 0 };
}

void mrc_reuse_free_cells(struct mrc_reuse_cell *cells, size_t nr)
{
	size_t i;

	if (cells == NULL)
		return;
	for (i = 0; i < nr; i++)
		mrc_reuse_cell_done(&cells[i]);
	free(cells);
}

void mrc_reuse_free(struct mrc_reuse *reuse)
{
	if (reuse == NULL)
		return;
	mrc_reuse_free_cells(reuse->cells,
			     MRC_REUSE_MAX_WINDOWS * reuse->nr_groups);
	free(reuse->firsts);
	free(reuse->filter.words);
	mrc_page_table_exit(&reuse->table);
	mrc_page_map_exit(&reuse->old_times);
	mrc_hist_free(reuse->hist);
	mrc_hist_free(reuse->at_window);
	free(reuse);
}

static uint32_t value_of(const struct mrc_reuse *reuse, uint64_t time)
{
	return (uint32_t)(time - reuse->base) + NR_MARKS;
}

uint64_t mrc_reuse_time_of(const struct mrc_reuse *reuse, uint64_t page,
			   uint32_t value)
{
	if (value == MARK_OLD)
		return mrc_page_map_find(&reuse->old_times, page)->stamp - 1;
	return value - NR_MARKS + reuse->base;
}

/* The largest time in the table that leaves room for a batch. */
#define MAX_TIME (UINT32_MAX - NR_MARKS - SIEVE_LENGTH)

uint64_t mrc_reuse_base_shift(const struct mrc_reuse *reuse, uint64_t time)
{
	if (time - reuse->base < MAX_TIME)
		return 0;
	return time - reuse->base - MAX_TIME / 2;
}

/* And the times before it out of the table. */
int mrc_reuse_move_base(struct mrc_reuse *reuse, uint64_t shift)
{
	struct mrc_page_table *table = &reuse->table;
	unsigned int slot;
	size_t i;

	for (i = 0; i < table->nr_lines; i++)
		for (slot = 0; slot < MRC_PAGE_LINE_SLOTS; slot++) {
			uint32_t value = table->lines[i].values[slot];
			uint64_t page = table->lines[i].pages[slot];
			struct mrc_page_entry *old;
			int err;

			if (value < NR_MARKS || value - NR_MARKS >= shift)
				continue;
			err = mrc_page_map_reserve(&reuse->old_times);
			if (err < 0)
				return err;
			old = mrc_page_map_find(&reuse->old_times, page);
			if (old == NULL)
				old = mrc_page_map_insert(&reuse->old_times,
							  page, 1);
			old->stamp = value - NR_MARKS + reuse->base + 1;
		}
	for (i = 0; i < table->nr_lines; i++)
		for (slot = 0; slot < MRC_PAGE_LINE_SLOTS; slot++) {
			uint32_t *value = &table->lines[i].values[slot];

			if (*value < NR_MARKS)
				continue;
			if (*value - NR_MARKS < shift)
				*value = MARK_OLD;
			else
				*value -= (uint32_t)shift;
		}
	reuse->base += shift;
	return 0;
}

int mrc_reuse_reserve_bucket(struct mrc_reuse_cell *cell, size_t bucket)
{
	size_t nr_buckets = 256;
	uint64_t *counts;
	size_t i;

	if (bucket < cell->nr_buckets)
		return 0;
	while (nr_buckets <= bucket)
		nr_buckets += nr_buckets / 4;
	counts = realloc(cell->events, nr_buckets * sizeof(*counts));
	if (counts == NULL)
		return -ENOMEM;
	cell->events = counts;
	counts = realloc(cell->censored, nr_buckets * sizeof(*counts));
	if (counts == NULL)
		return -ENOMEM;
	cell->censored = counts;
	counts = realloc(cell->lost, nr_buckets * sizeof(*counts));
	if (counts == NULL)
		return -ENOMEM;
	cell->lost = counts;
	for (i = cell->nr_buckets; i < nr_buckets; i++)
		cell->events[i] = cell->censored[i] = cell->lost[i] = 0;
	cell->nr_buckets = nr_buckets;
	return 0;
}

/* Add @from to @to, and empty it; the larger arrays survive. */
static void merge_cells(struct mrc_reuse_cell *to, struct mrc_reuse_cell *from)
{
	size_t i;

	if (to->nr_buckets < from->nr_buckets) {
		struct mrc_reuse_cell smaller = *to;

		*to = *from;
		*from = smaller;
	}
	for (i = 0; i < from->nr_buckets; i++) {
		to->events[i] += from->events[i];
		to->censored[i] += from->censored[i];
		to->lost[i] += from->lost[i];
	}
	to->nr_observed += from->nr_observed;
	mrc_reuse_cell_done(from);
}

/* The histogram's growth since the window began, as the cell of that window. */
static int close_window(struct mrc_reuse *reuse)
{
	const struct mrc_hist *hist = reuse->hist;
	const struct mrc_hist *before = reuse->at_window;
	struct mrc_reuse_cell *cell = &reuse->cells[reuse->nr_windows - 1];
	size_t nr_used =
		mrc_bucket_index(hist->sub_bucket_bits, reuse->nr_accesses);
	size_t i;
	int err;

	err = mrc_reuse_reserve_bucket(cell, nr_used);
	if (err < 0)
		return err;
	for (i = 0; i <= nr_used; i++) {
		cell->events[i] = hist->counts[i] - before->counts[i];
		cell->censored[i] = hist->censored[i] - before->censored[i];
	}
	cell->nr_observed = hist->total - before->total;
	return 0;
}

static void halve_windows(struct mrc_reuse *reuse)
{
	size_t nr_groups = reuse->nr_groups;
	size_t w;
	size_t g;

	for (w = 0; w < MRC_REUSE_MAX_WINDOWS; w++)
		for (g = 0; g < nr_groups; g++)
			if (w > 0)
				merge_cells(
					&reuse->cells[w / 2 * nr_groups + g],
					&reuse->cells[w * nr_groups + g]);
	reuse->nr_windows = MRC_REUSE_MAX_WINDOWS / 2;
	reuse->window_length *= 2;
}

static uint64_t window_end(const struct mrc_reuse *reuse)
{
	if (reuse->window_length == 0)
		return UINT64_MAX;
	return reuse->window_length * reuse->nr_windows;
}

/* The next access is the first one of a window. */
static int begin_window(struct mrc_reuse *reuse)
{
	int err;

	if (!mrc_reuse_is_sampling(reuse)) {
		err = close_window(reuse);
		if (err < 0)
			return err;
		mrc_hist_clear(reuse->at_window);
		/* Same layout, and a smaller total: cannot fail. */
		(void)mrc_hist_merge(reuse->at_window, reuse->hist);
	}
	if (reuse->nr_windows == MRC_REUSE_MAX_WINDOWS)
		halve_windows(reuse);
	reuse->nr_windows++;
	return 0;
}

/* The cell of an interval that is seen from @time, in the sample's group @g. */
static struct mrc_reuse_cell *cell_at(const struct mrc_reuse *reuse,
				      uint64_t time, size_t g)
{
	return &reuse->cells[mrc_reuse_window_at(reuse, time) * reuse->nr_groups +
			     g];
}

/* A sampled reference's group is drawn by its time, a page's by its hash. */
size_t mrc_reuse_group_of(const struct mrc_reuse *reuse, uint64_t page,
			  uint64_t time)
{
	struct mrc_random random = {
		.state = reuse->options.sampling == MRC_REUSE_PAGES ? page :
								      time,
	};

	if (reuse->nr_groups == 1)
		return 0;
	random.state ^= reuse->salt;
	return (size_t)mrc_random_below(&random, reuse->nr_groups);
}

/* One of a sample: @is_event or censored at @reuse_time. -ENOMEM. */
static int add_interval(struct mrc_reuse *reuse, struct mrc_reuse_cell *cell,
			uint64_t reuse_time, bool is_event)
{
	struct mrc_hist *hist = reuse->hist;
	size_t bucket = mrc_bucket_index(hist->sub_bucket_bits, reuse_time);
	int err;

	err = mrc_reuse_reserve_bucket(cell, bucket);
	if (err < 0)
		return err;
	cell->nr_observed++;
	hist->total++;
	if (is_event) {
		cell->events[bucket]++;
		hist->counts[bucket]++;
	} else {
		cell->censored[bucket]++;
		hist->censored[bucket]++;
		hist->nr_censored++;
	}
	return 0;
}

int mrc_reuse_reserve_firsts(struct mrc_reuse *reuse, size_t nr)
{
	struct mrc_reuse_first *firsts;
	size_t max;

	if (nr <= reuse->max_firsts - reuse->nr_firsts)
		return 0;
	max = reuse->nr_firsts + reuse->nr_firsts / 2 + nr;
	if (max > SIZE_MAX / sizeof(*firsts))
		return -ENOMEM;
	firsts = realloc(reuse->firsts, max * sizeof(*firsts));
	if (firsts == NULL)
		return -ENOMEM;
	reuse->firsts = firsts;
	reuse->max_firsts = max;
	return 0;
}

/* After a successful reserve. */
static void note_first(struct mrc_reuse *reuse, uint64_t page, uint64_t now)
{
	if (mrc_reuse_keeps_firsts(reuse))
		reuse->firsts[reuse->nr_firsts++] = (struct mrc_reuse_first){
			.page = page,
			.time = now,
		};
}

static void count_cold(struct mrc_reuse *reuse, uint64_t page, uint64_t now)
{
	struct mrc_hist *hist = reuse->hist;

	note_first(reuse, page, now);

	if (reuse->options.is_cold_infinite) {
		hist->cold++;
		return;
	}
	hist->censored[mrc_bucket_index(hist->sub_bucket_bits, now)]++;
	hist->nr_censored++;
}

/* All of at most MRC_PAGE_BATCH pages. */
static int count_all(struct mrc_reuse *reuse, const uint64_t *pages,
		     size_t nr_pages)
{
	unsigned int b = reuse->options.sub_bucket_bits;
	struct mrc_page_table *table = &reuse->table;
	struct mrc_page_line *lines[MRC_PAGE_BATCH];
	uint64_t *counts = reuse->hist->counts;
	uint64_t now = reuse->nr_accesses;
	size_t i;
	int err;

	err = mrc_page_table_reserve(table, nr_pages);
	if (err == 0 && mrc_reuse_keeps_firsts(reuse))
		err = mrc_reuse_reserve_firsts(reuse, nr_pages);
	if (err < 0)
		return err;
	for (i = 0; i < nr_pages; i++)
		lines[i] = mrc_page_table_prefetch(table, pages[i]);
	for (i = 0; i < nr_pages; i++, now++) {
		uint32_t *value =
			mrc_page_table_find(table, lines[i], pages[i]);

		if (value == NULL) {
			mrc_page_table_insert(table, lines[i], pages[i],
					      value_of(reuse, now));
			count_cold(reuse, pages[i], now);
			continue;
		}
		counts[mrc_bucket_index(
			b, now - mrc_reuse_time_of(reuse, pages[i], *value))]++;
		*value = value_of(reuse, now);
	}
	reuse->hist->total += nr_pages;
	reuse->nr_accesses = now;
	return 0;
}

/* One access of a sampled page. */
static int count_sampled_page(struct mrc_reuse *reuse, uint64_t page)
{
	uint64_t now = reuse->nr_accesses;
	struct mrc_page_line *line;
	uint64_t reuse_time = now;
	uint32_t *value;
	int err;

	err = mrc_page_table_reserve(&reuse->table, 1);
	if (err == 0 && mrc_reuse_keeps_firsts(reuse))
		err = mrc_reuse_reserve_firsts(reuse, 1);
	if (err < 0)
		return err;
	line = mrc_page_table_line(&reuse->table, page);
	value = mrc_page_table_find(&reuse->table, line, page);
	if (value != NULL)
		reuse_time = now - mrc_reuse_time_of(reuse, page, *value);
	err = add_interval(reuse,
			   cell_at(reuse, now,
				   mrc_reuse_group_of(reuse, page, now)),
			   reuse_time, value != NULL);
	if (err < 0)
		return err;
	if (value != NULL) {
		*value = value_of(reuse, now);
		return 0;
	}
	note_first(reuse, page, now);
	mrc_page_table_insert(&reuse->table, line, page, value_of(reuse, now));
	return 0;
}

static size_t filter_bit(const struct mrc_reuse_filter *filter, uint64_t page)
{
	return (size_t)(mrc_mix64(page) >> (64 - filter->log2_bits));
}

static bool filter_has(const struct mrc_reuse_filter *filter, uint64_t page)
{
	size_t bit = filter_bit(filter, page);

	return (filter->words[bit / 64] >> bit % 64 & 1) != 0;
}

static void filter_add(struct mrc_reuse_filter *filter, uint64_t page)
{
	size_t bit = filter_bit(filter, page);

	filter->words[bit / 64] |= UINT64_C(1) << bit % 64;
	filter->nr_set++;
}

/*
 * Room for one more page in the filter: at most an eighth of the bits is set,
 * and half of that after it was made anew.
 */
static int reserve_filter(struct mrc_reuse *reuse)
{
	struct mrc_reuse_filter *filter = &reuse->filter;
	struct mrc_reuse_filter fresh = { .log2_bits = filter->log2_bits };
	unsigned int slot;
	size_t i;

	if (filter->nr_set < (size_t)1 << (filter->log2_bits - 3))
		return 0;
	while (reuse->nr_open >= (size_t)1 << (fresh.log2_bits - 4))
		fresh.log2_bits++;
	fresh.words = calloc((size_t)1 << (fresh.log2_bits - 6),
			     sizeof(*fresh.words));
	if (fresh.words == NULL)
		return -ENOMEM;
	for (i = 0; i < reuse->table.nr_lines; i++) {
		const struct mrc_page_line *line = &reuse->table.lines[i];

		for (slot = 0; slot < MRC_PAGE_LINE_SLOTS; slot++)
			if (line->values[slot] != MARK_EMPTY &&
			    line->values[slot] != MARK_CLOSED)
				filter_add(&fresh, line->pages[slot]);
	}
	free(filter->words);
	*filter = fresh;
	return 0;
}

/* The page of a waiting access, if there is one, is accessed at @now. */
static int end_wait(struct mrc_reuse *reuse, uint64_t page, uint64_t now)
{
	struct mrc_page_line *line = mrc_page_table_line(&reuse->table, page);
	uint32_t *value = mrc_page_table_find(&reuse->table, line, page);
	uint64_t begin;
	int err;

	if (value == NULL || *value == MARK_CLOSED)
		return 0;
	begin = mrc_reuse_time_of(reuse, page, *value);
	err = add_interval(reuse,
			   cell_at(reuse, begin,
				   mrc_reuse_group_of(reuse, page, begin)),
			   now - begin, true);
	if (err < 0)
		return err;
	*value = MARK_CLOSED;
	reuse->nr_open--;
	return 0;
}

/* The access to come, to @page, is in the sample. */
static int begin_wait(struct mrc_reuse *reuse, uint64_t page)
{
	struct mrc_page_line *line;
	uint32_t *value;
	int err;

	err = mrc_page_table_reserve_dropping(&reuse->table, 1, MARK_CLOSED);
	if (err == 0)
		err = reserve_filter(reuse);
	if (err == 0)
		err = end_wait(reuse, page, reuse->nr_accesses);
	if (err < 0)
		return err;
	line = mrc_page_table_line(&reuse->table, page);
	value = mrc_page_table_find(&reuse->table, line, page);
	if (value != NULL)
		*value = value_of(reuse, reuse->nr_accesses);
	else
		mrc_page_table_insert(&reuse->table, line, page,
				      value_of(reuse, reuse->nr_accesses));
	filter_add(&reuse->filter, page);
	reuse->nr_open++;
	reuse->next_sample += 1 + draw_gap(reuse);
	return 0;
}

/* Of at most SIEVE_LENGTH pages those that may matter; returns their number. */
static size_t sieve(const struct mrc_reuse *reuse, const uint64_t *pages,
		    size_t nr_pages, uint8_t *ret_indices)
{
	size_t nr = 0;
	size_t i;

	/* Without a branch: it would be predicted wrong for each that passes. */
	if (reuse->options.sampling == MRC_REUSE_PAGES)
		for (i = 0; i < nr_pages; i++) {
			ret_indices[nr] = (uint8_t)i;
			nr += mrc_mix64(pages[i] + reuse->salt) <
			      reuse->threshold;
		}
	else
		for (i = 0; i < nr_pages; i++) {
			ret_indices[nr] = (uint8_t)i;
			nr += filter_has(&reuse->filter, pages[i]);
		}
	return nr;
}

/*
 * All of at most SIEVE_LENGTH accesses, none of which begins to wait. With
 * sampled references the table has entries, because one has begun before; or
 * nothing passes.
 */
static int count_sample(struct mrc_reuse *reuse, const uint64_t *pages,
			size_t nr_pages)
{
	uint8_t indices[SIEVE_LENGTH + 1];
	uint64_t begin = reuse->nr_accesses;
	size_t nr = sieve(reuse, pages, nr_pages, indices);
	size_t i;
	int err = 0;

	for (i = 0; i < nr && reuse->table.nr_lines > 0; i++)
		(void)mrc_page_table_prefetch(&reuse->table, pages[indices[i]]);
	for (i = 0; i < nr; i++) {
		uint64_t page = pages[indices[i]];

		reuse->nr_accesses = begin + indices[i];
		if (reuse->options.sampling == MRC_REUSE_PAGES)
			err = count_sampled_page(reuse, page);
		else
			err = end_wait(reuse, page, reuse->nr_accesses);
		if (err < 0)
			return err;
	}
	reuse->nr_accesses = begin + nr_pages;
	return 0;
}

/* How many of @nr_pages accesses can be counted by one of the above. */
static size_t limit_batch(const struct mrc_reuse *reuse, size_t nr_pages,
			  uint64_t end)
{
	size_t max = mrc_reuse_is_sampling(reuse) ? SIEVE_LENGTH :
						    MRC_PAGE_BATCH;
	uint64_t nr_left = end - reuse->nr_accesses;

	if (reuse->options.sampling == MRC_REUSE_REFERENCES &&
	    reuse->next_sample - reuse->nr_accesses < nr_left)
		nr_left = reuse->next_sample - reuse->nr_accesses;
	if (nr_left < max)
		max = (size_t)nr_left;
	return nr_pages < max ? nr_pages : max;
}

/* The times of the next batch fit the table. */
static int reserve_times(struct mrc_reuse *reuse)
{
	uint64_t shift = mrc_reuse_base_shift(reuse, reuse->nr_accesses);

	return shift > 0 ? mrc_reuse_move_base(reuse, shift) : 0;
}

int mrc_reuse_access_n(struct mrc_reuse *reuse, const uint64_t *pages,
		       size_t nr_pages)
{
	const uint64_t max_accesses = (UINT64_C(1) << MRC_HIST_VALUE_BITS) - 1;
	int err;

	while (nr_pages > 0) {
		size_t nr;

		if (reuse->nr_accesses == max_accesses)
			return -ERANGE;
		if (reuse->nr_accesses == window_end(reuse)) {
			err = begin_window(reuse);
			if (err < 0)
				return err;
		}
		err = reserve_times(reuse);
		if (err < 0)
			return err;
		nr = limit_batch(reuse, nr_pages,
				 window_end(reuse) < max_accesses ?
					 window_end(reuse) :
					 max_accesses);
		if (nr == 0) {
			err = begin_wait(reuse, *pages);
			nr = 1;
			if (err == 0)
				reuse->nr_accesses++;
		} else if (mrc_reuse_is_sampling(reuse)) {
			err = count_sample(reuse, pages, nr);
		} else {
			err = count_all(reuse, pages, nr);
		}
		if (err < 0)
			return err;
		pages += nr;
		nr_pages -= nr;
	}
	return 0;
}

int mrc_reuse_access(struct mrc_reuse *reuse, uint64_t page)
{
	return mrc_reuse_access_n(reuse, &page, 1);
}

uint64_t mrc_reuse_nr_accesses(const struct mrc_reuse *reuse)
{
	return reuse->nr_accesses;
}

const struct mrc_hist *mrc_reuse_hist(const struct mrc_reuse *reuse)
{
	return reuse->hist;
}

size_t mrc_reuse_nr_windows(const struct mrc_reuse *reuse)
{
	return reuse->nr_windows;
}
