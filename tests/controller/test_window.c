// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl_test.h"

#include <errno.h>

#include <mrc/hist.h>

#include "window.h"

#define BITS 2
#define NR_BUCKETS 24

/* Samples over static buckets: sample_done() must not see them. */
static struct sample make_sample(uint64_t time_s, uint64_t *buckets)
{
	return (struct sample){
		.time_ns = time_s * UINT64_C(1000000000),
		.state = KVM_AET_TRACKING,
		.inverse_rate = 1,
		.hot_pages = 64,
		.hot_used = 64,
		.salt = 1,
		.sub_bucket_bits = BITS,
		.nr_buckets = NR_BUCKETS,
		.buckets = buckets,
	};
}

/* Two passes over 4 pages: 4 cold accesses, 4 of reuse time 4. */
static void test_loop(void **state)
{
	uint64_t before[NR_BUCKETS] = { 0 }, after[NR_BUCKETS] = { [4] = 96 };
	struct sample from = make_sample(1, before);
	struct sample to = make_sample(3, after);
	struct window window;

	(void)state;
	to.accesses = 100;
	to.cold_accesses = 4;
	to.traps = 90;
	to.window_pages = 4;
	assert_int_equal(window_init(&from, &to, 0.05, &window), 0);
	assert_int_equal(window.wss, WINDOW_WSS_KNOWN);
	assert_int_equal(window.wss_pages, 4);
	assert_int_equal(window.accesses, 100);
	assert_int_equal(window.cold_accesses, 4);
	assert_near(window_cold_share(&window), 0.04, 1e-12);
	assert_near(window_seconds(&window), 2, 1e-12);
	assert_near(window_trap_rate(&window), 45, 1e-9);
	assert_near(window.scale, 1, 0);
	assert_near(window.distinct_pages, 4, 0);
	assert_near(window_miss_ratio_at(&window, 0), 1, 0);
	assert_near(window_miss_ratio_at(&window, 3), 1, 1e-12);
	assert_near(window_miss_ratio_at(&window, 4), 0.04, 1e-12);
	assert_near(window_miss_ratio_at(&window, 1e9), 0.04, 1e-12);
	window_done(&window);
	assert_null(window.curve);
}

/* What an earlier window saw does not count again. */
static void test_difference(void **state)
{
	uint64_t before[NR_BUCKETS] = { [2] = 1000, [4] = 50 };
	uint64_t after[NR_BUCKETS] = { [2] = 1000, [4] = 150 };
	struct sample from = make_sample(1, before);
	struct sample to = make_sample(2, after);
	struct window window;

	(void)state;
	from.accesses = 1060;
	from.cold_accesses = 10;
	to.accesses = 1160;
	to.cold_accesses = 10;
	assert_int_equal(window_init(&from, &to, 0.05, &window), 0);
	assert_int_equal(window.accesses, 100);
	assert_int_equal(window.cold_accesses, 0);
	assert_int_equal(window.wss_pages, 4);
	window_done(&window);
}

/* Another rate: what the old generation counted is not subtracted. */
static void test_generation_begins_anew(void **state)
{
	uint64_t before[NR_BUCKETS] = { [2] = 1000 };
	uint64_t after[NR_BUCKETS] = { [4] = 96 };
	struct sample from = make_sample(1, before);
	struct sample to = make_sample(5, after);
	struct window window;

	(void)state;
	from.generation = 1;
	from.inverse_rate = 128;
	from.accesses = 1010;
	from.cold_accesses = 10;
	to.generation = 2;
	to.start_ns = UINT64_C(3000000000);
	to.accesses = 100;
	to.cold_accesses = 4;
	assert_int_equal(window_init(&from, &to, 0.05, &window), 0);
	assert_int_equal(window.accesses, 100);
	assert_int_equal(window.cold_accesses, 4);
	assert_int_equal(window.inverse_rate, 1);
	assert_near(window_seconds(&window), 2, 1e-12);
	assert_int_equal(window.wss_pages, 4);
	window_done(&window);
}

static void test_counted_share_before_nominal(void **state)
{
	uint64_t before[NR_BUCKETS] = { 0 }, after[NR_BUCKETS] = { [4] = 100 };
	struct sample from = make_sample(1, before);
	struct sample to = make_sample(2, after);
	struct window window;

	(void)state;
	from.inverse_rate = 128;
	to.inverse_rate = 128;
	to.accesses = 100;
	to.window_pages = 4;
	to.range_pages = 1000;
	to.sampled_pages = 10;
	assert_int_equal(window_init(&from, &to, 0.05, &window), 0);
	assert_near(window.scale, 100, 0);
	/* From 1 at 300 to 0 at 400 pages, so 5 % at 395. */
	assert_near((double)window.wss_pages, 395.5, 0.5);
	assert_near(window.distinct_pages, 400, 0);
	window_done(&window);
	/* Not known, or not possible: the nominal one. */
	to.sampled_pages = 0;
	assert_int_equal(window_init(&from, &to, 0.05, &window), 0);
	assert_near(window.scale, 128, 0);
	/* Likewise between 384 and 512. */
	assert_int_equal(window.wss_pages, 506);
	window_done(&window);
	to.sampled_pages = 10;
	to.range_pages = 0;
	assert_int_equal(window_init(&from, &to, 0.05, &window), 0);
	assert_near(window.scale, 128, 0);
	window_done(&window);
	to.range_pages = 5;
	assert_int_equal(window_init(&from, &to, 0.05, &window), 0);
	assert_near(window.scale, 128, 0);
	window_done(&window);
}

static void test_no_access(void **state)
{
	uint64_t before[NR_BUCKETS] = { [3] = 7 };
	uint64_t after[NR_BUCKETS] = { [3] = 7 };
	struct sample from = make_sample(1, before);
	struct sample to = make_sample(2, after);
	struct window window;

	(void)state;
	from.accesses = 7;
	to.accesses = 7;
	assert_int_equal(window_init(&from, &to, 0.05, &window), 0);
	assert_int_equal(window.wss, WINDOW_WSS_NO_ACCESS);
	assert_null(window.curve);
	assert_near(window_cold_share(&window), 0, 0);
	assert_near(window_miss_ratio_at(&window, 1e9), 1, 0);
	assert_true(window_extent_pages(&window) > 0);
	assert_true(window_is_starved(&window));
	window_done(&window);
}

static void test_cold_only(void **state)
{
	uint64_t before[NR_BUCKETS] = { 0 }, after[NR_BUCKETS] = { 0 };
	struct sample from = make_sample(1, before);
	struct sample to = make_sample(2, after);
	struct window window;

	(void)state;
	to.accesses = 500;
	to.cold_accesses = 500;
	to.window_pages = 500;
	to.range_pages = 2000;
	to.sampled_pages = 1000;
	assert_int_equal(window_init(&from, &to, 0.05, &window), 0);
	assert_int_equal(window.wss, WINDOW_WSS_ABOVE);
	/* No more is claimed than was touched: 500 sampled pages, 2 each. */
	assert_int_equal(window.wss_pages, 1000);
	assert_near(window_cold_share(&window), 1, 0);
	assert_near(window_miss_ratio_at(&window, 1e9), 1, 0);
	assert_near(window_extent_pages(&window), 1000, 0);
	assert_false(window_is_starved(&window));
	window_done(&window);
}

/* Of a VM of 600 pages, 500 sampled ones stand for 600 and not for 1000. */
static void test_no_more_than_the_vm_has(void **state)
{
	uint64_t before[NR_BUCKETS] = { 0 }, after[NR_BUCKETS] = { 0 };
	struct sample from = make_sample(1, before);
	struct sample to = make_sample(2, after);
	struct window window;

	(void)state;
	to.accesses = 500;
	to.cold_accesses = 500;
	to.window_pages = 500;
	to.range_pages = 600;
	to.sampled_pages = 300;
	assert_int_equal(window_init(&from, &to, 0.05, &window), 0);
	assert_int_equal(window.wss, WINDOW_WSS_ABOVE);
	assert_int_equal(window.wss_pages, 600);
	window_done(&window);
}

/* 6 % cold: no memory gets below that. */
static void test_never_that_low(void **state)
{
	uint64_t before[NR_BUCKETS] = { 0 }, after[NR_BUCKETS] = { [4] = 94 };
	struct sample from = make_sample(1, before);
	struct sample to = make_sample(2, after);
	struct window window;

	(void)state;
	to.accesses = 100;
	to.cold_accesses = 6;
	to.window_pages = 2;
	assert_int_equal(window_init(&from, &to, 0.05, &window), 0);
	assert_int_equal(window.wss, WINDOW_WSS_ABOVE);
	assert_int_equal(window.wss_pages, 4);
	window_done(&window);
	assert_int_equal(window_init(&from, &to, 0.06, &window), 0);
	assert_int_equal(window.wss, WINDOW_WSS_KNOWN);
	assert_int_equal(window.wss_pages, 4);
	window_done(&window);
}

static void test_refuses_contradictions(void **state)
{
	uint64_t before[NR_BUCKETS] = { [4] = 10, [5] = 10 };
	uint64_t after[NR_BUCKETS] = { [4] = 20, [5] = 20 };
	const struct sample from = make_sample(1, before);
	struct sample good_from = from, good_to = make_sample(2, after);
	struct window window = { .accesses = 0x5a };
	struct sample bad;

	(void)state;
	good_from.accesses = 22;
	good_from.cold_accesses = 2;
	good_from.traps = 5;
	good_from.first_touches = 5;
	good_from.lost_records = 5;
	good_to.accesses = 43;
	good_to.cold_accesses = 3;
	good_to.traps = 5;
	good_to.first_touches = 5;
	good_to.lost_records = 5;
	assert_int_equal(window_init(&good_from, &good_to, 0.05, &window), 0);
	window_done(&window);
	window.accesses = 0x5a;

#define REFUSES(field, value, err)                                             \
	do {                                                                   \
		bad = good_to;                                                 \
		bad.field = (value);                                           \
		assert_int_equal(window_init(&good_from, &bad, 0.05, &window), \
				 err);                                         \
		assert_int_equal(window.accesses, 0x5a);                       \
	} while (0)
	/* Backwards. */
	REFUSES(time_ns, good_from.time_ns - 1, -EBADMSG);
	REFUSES(accesses, 21, -EBADMSG);
	REFUSES(cold_accesses, 1, -EBADMSG);
	REFUSES(traps, 4, -EBADMSG);
	REFUSES(first_touches, 4, -EBADMSG);
	REFUSES(lost_records, 4, -EBADMSG);
	REFUSES(nr_buckets, NR_BUCKETS - 1, -EBADMSG);
	/* The sum does not hold. */
	REFUSES(accesses, 44, -EBADMSG);
	REFUSES(cold_accesses, 4, -EBADMSG);
	/* Another session. */
	REFUSES(inverse_rate, 2, -EINVAL);
	REFUSES(inverse_rate, 0, -EINVAL);
	REFUSES(salt, 2, -EINVAL);
	REFUSES(sub_bucket_bits, 3, -EINVAL);
	after[4] = 9;
	after[5] = 31;
	assert_int_equal(window_init(&good_from, &good_to, 0.05, &window),
			 -EBADMSG);
	/* Reuse time 0 does not exist. */
	after[4] = 10;
	after[5] = 29;
	after[0] = 1;
	assert_int_equal(window_init(&good_from, &good_to, 0.05, &window),
			 -EBADMSG);
	after[0] = 0;
	after[5] = 30;
	assert_int_equal(window_init(&good_from, &good_to, 0.05, &window), 0);
	window_done(&window);
	assert_int_equal(window_init(&good_from, &good_to, -0.1, &window),
			 -EINVAL);
	assert_int_equal(window_init(&good_from, &good_to, 1.1, &window),
			 -EINVAL);
	/* A layout that there is not. */
	good_from.sub_bucket_bits = 40;
	good_to.sub_bucket_bits = 40;
	assert_int_equal(window_init(&good_from, &good_to, 0.05, &window),
			 -EBADMSG);
}

/* Wrapped sums must not pass for small ones. */
static void test_huge_counters(void **state)
{
	uint64_t before[NR_BUCKETS] = { 0 };
	uint64_t after[NR_BUCKETS] = { [4] = UINT64_MAX, [5] = 2 };
	struct sample from = make_sample(1, before);
	struct sample to = make_sample(2, after);
	struct window window;

	(void)state;
	to.accesses = 1;
	assert_int_equal(window_init(&from, &to, 0.05, &window), -EBADMSG);
}

static void test_origin_counts_from_attach(void **state)
{
	uint64_t first[NR_BUCKETS] = { [4] = 30 },
		 after[NR_BUCKETS] = { [4] = 95 };
	struct sample read = make_sample(1, first);
	struct sample to = make_sample(2, after), from;
	struct window window;

	(void)state;
	read.accesses = 35;
	read.cold_accesses = 5;
	to.accesses = 100;
	to.cold_accesses = 5;
	from = window_origin(&read);
	assert_null(from.buckets);
	assert_int_equal(window_init(&from, &to, 0.05, &window), 0);
	assert_int_equal(window.accesses, 100);
	assert_near(window_seconds(&window), 1, 1e-12);
	window_done(&window);
}

static void test_starved(void **state)
{
	struct window window = {
		.hot_pages = 64,
		.hot_used = 64,
		.accesses = 64,
	};

	(void)state;
	assert_false(window_is_starved(&window));
	window.hot_used = 63;
	assert_true(window_is_starved(&window));
	window.hot_used = 64;
	window.accesses = 63;
	assert_true(window_is_starved(&window));
}

static void test_zero_length(void **state)
{
	uint64_t before[NR_BUCKETS] = { 0 }, after[NR_BUCKETS] = { [4] = 1 };
	struct sample from = make_sample(1, before);
	struct sample to = make_sample(1, after);
	struct window window;

	(void)state;
	to.accesses = 1;
	to.traps = 1;
	assert_int_equal(window_init(&from, &to, 0.05, &window), 0);
	assert_near(window_trap_rate(&window), 0, 0);
	window_done(&window);
}

#define MODEL_PAGES 16384
#define MODEL_BITS 7
#define MODEL_IDLE_BITS 5

/* What the module records, page by page. */
struct model {
	uint64_t clock;
	uint64_t last[MODEL_PAGES]; /* clock after the last access, or 0 */
	bool is_mapped[MODEL_PAGES];
	bool is_in_window[MODEL_PAGES];
	uint64_t buckets[MODEL_PAGES];
	uint64_t ended[MODEL_PAGES];
	uint64_t cold_accesses;
	uint64_t entry_accesses;
	uint64_t window_pages;
	uint32_t inverse_rate; /* 0 is 1 */
};

static struct model *new_model(void)
{
	struct model *model = calloc(1, sizeof(*model));

	assert_non_null(model);
	return model;
}

static void model_access(struct model *model, size_t page)
{
	uint64_t age = ++model->clock - model->last[page];

	if (model->last[page])
		model->buckets[mrc_bucket_index(MODEL_BITS, age)]++;
	else if (model->is_mapped[page])
		model->entry_accesses++;
	else
		model->cold_accesses++;
	model->window_pages += !model->is_in_window[page];
	model->is_in_window[page] = true;
	model->is_mapped[page] = true;
	model->last[page] = model->clock;
}

static void model_loop(struct model *model, size_t first, size_t nr_pages,
		       size_t nr_accesses)
{
	size_t i;

	for (i = 0; i < nr_accesses; i++)
		model_access(model, first + i % nr_pages);
}

/* Out of the sample goes who is in @page's place, and in comes another. */
static void model_rotate(struct model *model, size_t page)
{
	if (model->last[page])
		model->ended[mrc_bucket_index(
			MODEL_IDLE_BITS, model->clock - model->last[page])]++;
	model->last[page] = 0;
}

static struct sample model_read(struct model *model, uint64_t time_s)
{
	struct sample sample = make_sample(time_s, NULL);
	size_t i;

	sample.sub_bucket_bits = MODEL_BITS;
	sample.idle_sub_bucket_bits = MODEL_IDLE_BITS;
	sample.nr_buckets = (uint32_t)mrc_bucket_count(MODEL_BITS, 40);
	sample.nr_idle_buckets =
		(uint32_t)mrc_bucket_count(MODEL_IDLE_BITS, 40);
	sample.buckets = calloc(sample.nr_buckets, sizeof(uint64_t));
	sample.open = calloc(sample.nr_idle_buckets, sizeof(uint64_t));
	sample.ended = calloc(sample.nr_idle_buckets, sizeof(uint64_t));
	assert_true(sample.buckets && sample.open && sample.ended);
	memcpy(sample.buckets, model->buckets,
	       sample.nr_buckets * sizeof(uint64_t));
	memcpy(sample.ended, model->ended,
	       sample.nr_idle_buckets * sizeof(uint64_t));
	for (i = 0; i < MODEL_PAGES; i++)
		if (model->last[i])
			sample.open[mrc_bucket_index(MODEL_IDLE_BITS,
						     model->clock -
							     model->last[i])]++;
	if (model->inverse_rate)
		sample.inverse_rate = model->inverse_rate;
	sample.accesses = model->clock;
	sample.cold_accesses = model->cold_accesses + model->entry_accesses;
	sample.entry_accesses = model->entry_accesses;
	sample.window_pages = model->window_pages;
	memset(model->is_in_window, 0, sizeof(model->is_in_window));
	model->window_pages = 0;
	return sample;
}

/* The window since @from, which becomes its end. */
static struct window model_window(struct model *model, struct sample *from)
{
	struct sample to =
		model_read(model, from->time_ns / UINT64_C(1000000000) + 1);
	struct window window;

	assert_int_equal(window_init(from, &to, 0.05, &window), 0);
	sample_done(from);
	*from = to;
	return window;
}

static struct sample model_origin(struct model *model)
{
	struct sample first = model_read(model, 1);
	struct sample origin = window_origin(&first);

	sample_done(&first);
	return origin;
}

static void assert_wss(const struct window *window, double pages,
		       double tolerance)
{
	assert_int_equal(window->wss, WINDOW_WSS_KNOWN);
	assert_near((double)window->wss_pages, pages, pages * tolerance);
}

/* Pages that were there before anybody looked are none that are never reused. */
static void test_first_accesses_are_not_cold(void **state)
{
	struct model *model = new_model();
	struct sample from = model_origin(model);
	struct window window;

	(void)state;
	memset(model->is_mapped, true, sizeof(model->is_mapped));
	model_loop(model, 0, 1000, 1000);
	window = model_window(model, &from);
	/* Nobody has seen a page twice yet. */
	assert_int_equal(window.wss, WINDOW_WSS_ABOVE);
	assert_int_equal(window.wss_pages, 1000);
	window_done(&window);
	sample_done(&from);

	from = model_origin(model);
	model_loop(model, 0, 1000, 1000);
	window = model_window(model, &from);
	/* Half of the accesses have no reuse time. */
	assert_int_equal(window.entry_accesses, 1000);
	assert_int_equal(window.cold_accesses, 1000);
	assert_near(window_cold_share(&window), 0.5, 0);
	assert_wss(&window, 1000, 0.01);
	assert_near(window_miss_ratio_at(&window, 1010), 0, 0.01);
	window_done(&window);
	sample_done(&from);
	free(model);
}

/* Shorter than a pass: what is open at its beginning is what it is seen by. */
static void test_windows_shorter_than_a_pass(void **state)
{
	struct model *model = new_model();
	struct sample from;
	size_t i;

	(void)state;
	/* Idle since, and for ever. */
	model_loop(model, 4000, 3000, 6000);
	model_loop(model, 0, 1000, 4000);
	from = model_read(model, 1);
	for (i = 0; i < 10; i++) {
		struct window window;
		size_t j;

		for (j = 0; j < 300; j++)
			model_access(model, (i * 300 + j) % 1000);
		window = model_window(model, &from);
		assert_wss(&window, 1000, 0.01);
		window_done(&window);
	}
	sample_done(&from);
	free(model);
}

/* New memory is a working set as soon as, and no sooner than, it is used again. */
static void test_new_memory(void **state)
{
	struct model *model = new_model();
	struct sample from;
	struct window window;
	size_t i;

	(void)state;
	model_loop(model, 0, 256, 2560);
	from = model_read(model, 1);
	/* Gone over once. */
	model_loop(model, 1000, 12288, 12288);
	window = model_window(model, &from);
	assert_int_equal(window.cold_accesses, 12288);
	assert_int_equal(window.entry_accesses, 0);
	assert_int_equal(window.wss, WINDOW_WSS_ABOVE);
	assert_int_equal(window.wss_pages, 12288);
	assert_near(window_miss_ratio_at(&window, 1e9), 1, 0);
	window_done(&window);
	/* A second time. */
	model_loop(model, 1000, 12288, 12288);
	window = model_window(model, &from);
	assert_int_equal(window.cold_accesses, 0);
	assert_wss(&window, 12288, 0.01);
	window_done(&window);
	sample_done(&from);

	/* Once, while a small loop goes on. */
	memset(model, 0, sizeof(*model));
	model_loop(model, 0, 256, 2560);
	from = model_read(model, 1);
	for (i = 0; i < 12288; i++) {
		model_access(model, i % 256);
		model_access(model, 1000 + i);
	}
	window = model_window(model, &from);
	assert_int_equal(window.wss, WINDOW_WSS_ABOVE);
	assert_int_equal(window.wss_pages, 12288 + 256);
	assert_near(window_miss_ratio_at(&window, 1e9), 0.5, 0.02);
	window_done(&window);
	sample_done(&from);

	/* Three times, in one window. */
	memset(model, 0, sizeof(*model));
	from = model_origin(model);
	model_loop(model, 1000, 4096, 3 * 4096);
	window = model_window(model, &from);
	assert_wss(&window, 4096, 0.01);
	window_done(&window);
	sample_done(&from);
	free(model);
}

/* Less is used: the rest is no part of windows that begin afterwards. */
static void test_shrinks(void **state)
{
	struct model *model = new_model();
	struct sample from;
	struct window window;

	(void)state;
	model_loop(model, 0, 3000, 9000);
	model_loop(model, 0, 1000, 1500);
	from = model_read(model, 1);
	model_loop(model, 500, 500, 500);
	model_loop(model, 0, 1000, 3000);
	window = model_window(model, &from);
	assert_wss(&window, 1000, 0.01);
	window_done(&window);
	sample_done(&from);
	free(model);
}

#define UNIFORM_PAGES 1000
#define UNIFORM_WINDOWS 200

/*
 * Independent accesses to all pages alike, in windows of half as many: the miss
 * ratio is 1 - c / N. The mean over the windows shows what is left of bias; a
 * window's deviation is below 0.5 / sqrt(500) at each size, and five of the mean's
 * are 0.008. With @rotate, a page in the sample is replaced at every fourth access.
 * The band must hold it at nine sizes in ten at least; it is as wide as 500 accesses
 * and 1000 pages make it, 4 * 0.5 / sqrt(500) and the same of sizes at the most.
 */
static void check_uniform(bool rotate)
{
	struct model *model = new_model();
	double sums[10] = { 0 }, width = 0;
	size_t nr_inside = 0;
	uint32_t random = 1;
	struct sample from;
	size_t i, c;

	model_loop(model, 0, UNIFORM_PAGES, UNIFORM_PAGES);
	model->inverse_rate = 100;
	from = model_read(model, 1);
	for (i = 0; i < UNIFORM_WINDOWS; i++) {
		struct window window;
		size_t j;

		for (j = 0; j < UNIFORM_PAGES / 2; j++) {
			random = random * 1664525 + 1013904223;
			model_access(model, (random >> 8) % UNIFORM_PAGES);
			random = random * 1664525 + 1013904223;
			if (rotate && j % 4 == 0)
				model_rotate(model,
					     (random >> 8) % UNIFORM_PAGES);
		}
		window = model_window(model, &from);
		for (c = 0; c < 10; c++) {
			double size = (double)c * UNIFORM_PAGES * 10;
			double low = mrc_curve_at(window.lower, size);
			double high = mrc_curve_at(window.upper, size);

			sums[c] += window_miss_ratio_at(&window, size);
			width += (high - low) / (10 * UNIFORM_WINDOWS);
			nr_inside += low <= 1 - (double)c / 10 &&
				     high >= 1 - (double)c / 10;
		}
		window_done(&window);
	}
	print_message("%.1f %% within bands of %.3f\n",
		      (double)nr_inside / (0.1 * UNIFORM_WINDOWS), width);
	assert_true(nr_inside >= 9 * UNIFORM_WINDOWS);
	assert_true(width < 0.2);
	for (c = 0; c < 9; c++)
		assert_near(sums[c] / UNIFORM_WINDOWS, 1 - (double)c / 10,
			    0.012);
	sample_done(&from);
	free(model);
}

static void test_uniform(void **state)
{
	(void)state;
	check_uniform(false);
}

static void test_pages_that_leave_the_sample(void **state)
{
	(void)state;
	check_uniform(true);
}

static void test_band(void **state)
{
	struct model *model = new_model();
	struct sample from = model_origin(model);
	struct window window;
	uint32_t random = 1;
	double width = 0;
	size_t i;

	(void)state;
	for (i = 0; i < 20000; i++) {
		random = random * 1664525 + 1013904223;
		model_access(model, (random >> 8) % UNIFORM_PAGES);
	}
	model->inverse_rate = 100;
	from.inverse_rate = 100;
	from.time_ns /= 2;
	window = model_window(model, &from);
	for (i = 0; i < 10; i++) {
		double size = (double)i * UNIFORM_PAGES * 10;
		double low = mrc_curve_at(window.lower, size);
		double high = mrc_curve_at(window.upper, size);

		assert_true(low <= 1 - (double)i / 10 + 1e-9);
		assert_true(high >= 1 - (double)i / 10 - 1e-9);
		width += (high - low) / 10;
	}
	/* A sample of 1000 pages is one of 1000 +- 32, and has 20 000 accesses. */
	assert_true(width > 0.01 && width < 0.1);
	/* In half a second, each for 100. */
	assert_near(window.accesses_per_s, 4e6, 1e-3);
	window_done(&window);
	assert_null(window.lower);
	assert_null(window.upper);
	sample_done(&from);
	free(model);
}

static void test_costs(void **state)
{
	uint64_t before[NR_BUCKETS] = { 0 }, after[NR_BUCKETS] = { 0 };
	struct sample from = make_sample(1, before);
	struct sample to = make_sample(2, after);
	struct window window;

	(void)state;
	from.hook_cycles = 1000;
	from.pass_cycles = 10;
	to.hook_cycles = 4000;
	to.pass_cycles = 70;
	to.tsc_khz = 2000000;
	assert_int_equal(window_init(&from, &to, 0.05, &window), 0);
	assert_int_equal(window.hook_cycles, 3000);
	assert_int_equal(window.pass_cycles, 60);
	assert_int_equal(window.tsc_khz, 2000000);
	assert_near(window.accesses_per_s, 0, 0);
	assert_null(window.lower);
	window_done(&window);
	to.hook_cycles = 999;
	assert_int_equal(window_init(&from, &to, 0.05, &window), -EBADMSG);
	to.hook_cycles = 4000;
	to.pass_cycles = 9;
	assert_int_equal(window_init(&from, &to, 0.05, &window), -EBADMSG);
}

static void test_refuses_idle_contradictions(void **state)
{
	struct model *model = new_model();
	struct sample from, good, bad;
	struct window window = { .accesses = 0x5a };

	(void)state;
	model_loop(model, 0, 100, 300);
	model_rotate(model, 3);
	from = model_read(model, 1);
	model_loop(model, 0, 100, 300);
	good = model_read(model, 2);
	assert_int_equal(window_init(&from, &good, 0.05, &window), 0);
	window_done(&window);
	window.accesses = 0x5a;

#define REFUSES_IDLE(change, err)                                         \
	do {                                                              \
		bad = good;                                               \
		change;                                                   \
		assert_int_equal(window_init(&from, &bad, 0.05, &window), \
				 err);                                    \
		if (err)                                                  \
			assert_int_equal(window.accesses, 0x5a);          \
	} while (0)
	REFUSES_IDLE(bad.idle_sub_bucket_bits = 4, -EINVAL);
	REFUSES_IDLE(bad.nr_idle_buckets--, -EBADMSG);
	{
		uint64_t none[2000] = { 0 };

		REFUSES_IDLE(bad.ended = none, -EBADMSG);
	}
	/* One access is without a reuse time, to the page that came in. */
	REFUSES_IDLE(bad.entry_accesses++, -EBADMSG);
	REFUSES_IDLE(bad.over_range++, -EBADMSG);
	REFUSES_IDLE((bad.entry_accesses--, bad.over_range += 2), -EBADMSG);
	REFUSES_IDLE((bad.entry_accesses--, bad.over_range++), 0);
	window_done(&window);
	window.accesses = 0x5a;
	/* Finer than the reuse times. */
	from.idle_sub_bucket_bits = MODEL_BITS + 1;
	REFUSES_IDLE(bad.idle_sub_bucket_bits = MODEL_BITS + 1, -EBADMSG);
	from.idle_sub_bucket_bits = MODEL_IDLE_BITS;
	/* Idle for longer than anything can be. */
	{
		uint64_t idle[2000] = { [1999] = 1 }, ended[2000] = { 0 };

		memcpy(ended, good.ended, good.nr_idle_buckets * 8);
		REFUSES_IDLE((bad.open = idle, bad.nr_idle_buckets = 2000,
			      bad.ended = ended),
			     -EBADMSG);
		idle[1999] = 0;
		REFUSES_IDLE((bad.open = idle, bad.nr_idle_buckets = 2000,
			      bad.ended = ended),
			     0);
		window_done(&window);
	}
	sample_done(&from);
	sample_done(&good);
	free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_difference),
		cmocka_unit_test(test_generation_begins_anew),
		cmocka_unit_test(test_counted_share_before_nominal),
		cmocka_unit_test(test_no_access),
		cmocka_unit_test(test_cold_only),
		cmocka_unit_test(test_no_more_than_the_vm_has),
		cmocka_unit_test(test_never_that_low),
		cmocka_unit_test(test_refuses_contradictions),
		cmocka_unit_test(test_huge_counters),
		cmocka_unit_test(test_origin_counts_from_attach),
		cmocka_unit_test(test_starved),
		cmocka_unit_test(test_zero_length),
		cmocka_unit_test(test_first_accesses_are_not_cold),
		cmocka_unit_test(test_windows_shorter_than_a_pass),
		cmocka_unit_test(test_new_memory),
		cmocka_unit_test(test_shrinks),
		cmocka_unit_test(test_uniform),
		cmocka_unit_test(test_pages_that_leave_the_sample),
		cmocka_unit_test(test_band),
		cmocka_unit_test(test_costs),
		cmocka_unit_test(test_refuses_idle_contradictions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
