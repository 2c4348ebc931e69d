// SPDX-License-Identifier: GPL-2.0-or-later
#include "mrc_test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <mrc/hist.h>

#define TOO_LONG (UINT64_C(1) << MRC_HIST_VALUE_BITS)

static struct mrc_hist *new_hist(unsigned int b)
{
	struct mrc_hist *hist = NULL;

	assert_int_equal(mrc_hist_new(b, &hist), 0);
	assert_non_null(hist);
	return hist;
}

static uint64_t bucket_of(const struct mrc_hist *hist, uint64_t reuse_time)
{
	size_t index =
		mrc_bucket_index(mrc_hist_sub_bucket_bits(hist), reuse_time);
	uint64_t count = 0;

	assert_int_equal(mrc_hist_bucket(hist, index, &count), 0);
	return count;
}

static void assert_hist_equal(const struct mrc_hist *a,
			      const struct mrc_hist *b)
{
	size_t i;

	assert_int_equal(mrc_hist_total(a), mrc_hist_total(b));
	assert_int_equal(mrc_hist_cold(a), mrc_hist_cold(b));
	assert_int_equal(mrc_hist_nr_buckets(a), mrc_hist_nr_buckets(b));
	for (i = 0; i < mrc_hist_nr_buckets(a); i++) {
		uint64_t count_a = 1;
		uint64_t count_b = 2;

		assert_int_equal(mrc_hist_bucket(a, i, &count_a), 0);
		assert_int_equal(mrc_hist_bucket(b, i, &count_b), 0);
		assert_int_equal(count_a, count_b);
		assert_int_equal(mrc_hist_censored_bucket(a, i, &count_a), 0);
		assert_int_equal(mrc_hist_censored_bucket(b, i, &count_b), 0);
		assert_int_equal(count_a, count_b);
		assert_int_equal(mrc_hist_entered_bucket(a, i, &count_a), 0);
		assert_int_equal(mrc_hist_entered_bucket(b, i, &count_b), 0);
		assert_int_equal(count_a, count_b);
	}
	assert_int_equal(mrc_hist_censored(a), mrc_hist_censored(b));
	assert_int_equal(mrc_hist_entered(a), mrc_hist_entered(b));
}

/* Worked by hand from the sentence in hist.h. */
static void test_layout_by_hand(void **state)
{
	static const struct {
		uint64_t low;
		uint64_t width;
	} buckets[] = {
		{ 0, 1 },  { 1, 1 },  { 2, 1 },	 { 3, 1 },  { 4, 1 },
		{ 5, 1 },  { 6, 1 },  { 7, 1 },	 { 8, 2 },  { 10, 2 },
		{ 12, 2 }, { 14, 2 }, { 16, 4 }, { 20, 4 }, { 24, 4 },
		{ 28, 4 }, { 32, 8 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(buckets); i++) {
		assert_int_equal(mrc_bucket_low(2, i), buckets[i].low);
		assert_int_equal(mrc_bucket_width(2, i), buckets[i].width);
		assert_int_equal(mrc_bucket_index(2, buckets[i].low), i);
	}
	assert_int_equal(mrc_bucket_index(2, 31), 15);
	assert_int_equal(mrc_bucket_count(2, 0), 1);
	assert_int_equal(mrc_bucket_count(2, 2), 4);
	assert_int_equal(mrc_bucket_count(2, 3), 8);
	assert_int_equal(mrc_bucket_count(2, 4), 12);
	assert_int_equal(mrc_bucket_count(2, 5), 16);
	assert_int_equal(mrc_bucket_count(7, 40), 4352);
}

/* For every b: the buckets follow each other and cover all 64 bits. */
static void test_layout_has_no_gaps(void **state)
{
	unsigned int b;

	(void)state;
	for (b = 0; b <= MRC_HIST_MAX_SUB_BUCKET_BITS; b++) {
		size_t nr_buckets = mrc_bucket_count(b, 64);
		uint64_t next = 0;
		unsigned int bits;
		size_t i;

		for (i = 0; i < nr_buckets; i++) {
			uint64_t low = mrc_bucket_low(b, i);
			uint64_t width = mrc_bucket_width(b, i);

			assert_true(low == next);
			assert_true(mrc_bucket_index(b, low) == i);
			assert_true(mrc_bucket_index(b, low + width - 1) == i);
			assert_true(width == 1 || width <= low >> b);
			next = low + width;
		}
		/* The last bucket ends at 2^64. */
		assert_true(next == 0);
		for (bits = 0; bits < 64; bits++)
			assert_int_equal(
				mrc_bucket_index(b, (UINT64_C(1) << bits) - 1) +
					1,
				mrc_bucket_count(b, bits));
	}
}

static void test_new_is_empty(void **state)
{
	struct mrc_hist *hist = new_hist(7);
	size_t i;

	(void)state;
	assert_int_equal(mrc_hist_total(hist), 0);
	assert_int_equal(mrc_hist_cold(hist), 0);
	assert_int_equal(mrc_hist_sub_bucket_bits(hist), 7);
	assert_int_equal(mrc_hist_nr_buckets(hist),
			 mrc_bucket_count(7, MRC_HIST_VALUE_BITS));
	for (i = 0; i < mrc_hist_nr_buckets(hist); i++) {
		uint64_t count = 1;

		assert_int_equal(mrc_hist_bucket(hist, i, &count), 0);
		assert_int_equal(count, 0);
	}
	mrc_hist_free(hist);
}

static void test_new_refuses_bits_out_of_range(void **state)
{
	struct mrc_hist *hist = UNTOUCHED;

	(void)state;
	assert_int_equal(mrc_hist_new(MRC_HIST_MAX_SUB_BUCKET_BITS + 1, &hist),
			 -EINVAL);
	assert_int_equal(mrc_hist_new(UINT32_MAX, &hist), -EINVAL);
	assert_ptr_equal(hist, UNTOUCHED);
	hist = new_hist(MRC_HIST_MAX_SUB_BUCKET_BITS);
	mrc_hist_free(hist);
	hist = new_hist(0);
	mrc_hist_free(hist);
}

static void test_free_takes_null(void **state)
{
	(void)state;
	mrc_hist_free(NULL);
}

static void test_add_counts(void **state)
{
	struct mrc_hist *hist = new_hist(7);

	(void)state;
	assert_int_equal(mrc_hist_add(hist, 1, 2), 0);
	assert_int_equal(mrc_hist_add(hist, 1, 3), 0);
	assert_int_equal(mrc_hist_add(hist, 255, 1), 0);
	assert_int_equal(mrc_hist_add(hist, 256, 1), 0);
	assert_int_equal(mrc_hist_add(hist, 257, 1), 0);
	assert_int_equal(mrc_hist_add(hist, TOO_LONG - 1, 10), 0);
	assert_int_equal(mrc_hist_add(hist, 3, 0), 0);
	assert_int_equal(mrc_hist_add_cold(hist, 4), 0);
	assert_int_equal(bucket_of(hist, 1), 5);
	assert_int_equal(bucket_of(hist, 2), 0);
	assert_int_equal(bucket_of(hist, 3), 0);
	assert_int_equal(bucket_of(hist, 255), 1);
	/* 256 and 257 share the first bucket of width 2. */
	assert_int_equal(bucket_of(hist, 256), 2);
	assert_int_equal(bucket_of(hist, TOO_LONG - 1), 10);
	assert_int_equal(mrc_hist_cold(hist), 4);
	assert_int_equal(mrc_hist_total(hist), 22);

	mrc_hist_clear(hist);
	assert_int_equal(mrc_hist_total(hist), 0);
	assert_int_equal(mrc_hist_cold(hist), 0);
	assert_int_equal(bucket_of(hist, 1), 0);
	assert_int_equal(bucket_of(hist, TOO_LONG - 1), 0);
	assert_int_equal(mrc_hist_sub_bucket_bits(hist), 7);
	mrc_hist_free(hist);
}

static void test_add_refuses_what_it_cannot_hold(void **state)
{
	struct mrc_hist *hist = new_hist(7);

	(void)state;
	assert_int_equal(mrc_hist_add(hist, 0, 1), -ERANGE);
	assert_int_equal(mrc_hist_add(hist, 0, 0), -ERANGE);
	assert_int_equal(mrc_hist_add(hist, TOO_LONG, 1), -ERANGE);
	assert_int_equal(mrc_hist_add(hist, UINT64_MAX, 1), -ERANGE);
	assert_int_equal(mrc_hist_total(hist), 0);

	assert_int_equal(mrc_hist_add(hist, 5, UINT64_MAX - 1), 0);
	assert_int_equal(mrc_hist_add(hist, 6, 2), -EOVERFLOW);
	assert_int_equal(mrc_hist_add_cold(hist, 2), -EOVERFLOW);
	assert_true(mrc_hist_total(hist) == UINT64_MAX - 1);
	assert_int_equal(mrc_hist_cold(hist), 0);
	assert_int_equal(bucket_of(hist, 6), 0);
	assert_int_equal(mrc_hist_add_cold(hist, 1), 0);
	assert_int_equal(mrc_hist_add(hist, 6, 1), -EOVERFLOW);
	assert_true(mrc_hist_total(hist) == UINT64_MAX);
	mrc_hist_free(hist);
}

static void test_bucket_refuses_an_index_past_the_end(void **state)
{
	struct mrc_hist *hist = new_hist(3);
	uint64_t count = 77;

	(void)state;
	assert_int_equal(mrc_hist_bucket(hist, mrc_hist_nr_buckets(hist),
					 &count),
			 -ERANGE);
	assert_int_equal(mrc_hist_bucket(hist, SIZE_MAX, &count), -ERANGE);
	assert_int_equal(count, 77);
	mrc_hist_free(hist);
}

static void test_add_buckets(void **state)
{
	const uint64_t counts[] = { 0, 1, 0, 7 };
	struct mrc_hist *hist = new_hist(7);
	struct mrc_hist *expected = new_hist(7);

	(void)state;
	assert_int_equal(mrc_hist_add_buckets(hist, NULL, 0), 0);
	assert_int_equal(mrc_hist_add_buckets(hist, counts, 4), 0);
	assert_int_equal(mrc_hist_add_buckets(hist, counts, 2), 0);
	assert_int_equal(mrc_hist_add(expected, 1, 2), 0);
	assert_int_equal(mrc_hist_add(expected, 3, 7), 0);
	assert_hist_equal(hist, expected);
	mrc_hist_free(hist);
	mrc_hist_free(expected);
}

static void test_add_buckets_is_all_or_nothing(void **state)
{
	struct mrc_hist *hist = new_hist(2);
	struct mrc_hist *expected = new_hist(2);
	size_t nr_counts = mrc_hist_nr_buckets(hist) + 2;
	uint64_t *counts = calloc(nr_counts, sizeof(*counts));

	(void)state;
	assert_non_null(counts);
	assert_int_equal(mrc_hist_add(hist, 9, 3), 0);
	assert_int_equal(mrc_hist_add(expected, 9, 3), 0);

	counts[5] = 1;
	counts[0] = 1;
	assert_int_equal(mrc_hist_add_buckets(hist, counts, nr_counts),
			 -ERANGE);
	counts[0] = 0;
	counts[nr_counts - 1] = 1;
	assert_int_equal(mrc_hist_add_buckets(hist, counts, nr_counts),
			 -ERANGE);
	counts[nr_counts - 1] = 0;
	counts[nr_counts - 2] = 1;
	assert_int_equal(mrc_hist_add_buckets(hist, counts, nr_counts),
			 -ERANGE);
	counts[nr_counts - 2] = 0;
	counts[6] = UINT64_MAX - 3;
	assert_int_equal(mrc_hist_add_buckets(hist, counts, nr_counts),
			 -EOVERFLOW);
	assert_hist_equal(hist, expected);

	/* Empty counters past the end are no error. */
	counts[6] = 0;
	assert_int_equal(mrc_hist_add_buckets(hist, counts, nr_counts), 0);
	assert_int_equal(mrc_hist_add(expected, 5, 1), 0);
	assert_hist_equal(hist, expected);
	free(counts);
	mrc_hist_free(hist);
	mrc_hist_free(expected);
}

static void test_merge_of_parts_is_the_whole(void **state)
{
	struct mrc_hist *part[2] = { new_hist(5), new_hist(5) };
	struct mrc_hist *whole = new_hist(5);
	uint64_t seed = test_seed();
	uint64_t total = 0;
	int i;

	(void)state;
	for (i = 0; i < 10000; i++) {
		uint64_t bits = 1 + test_random(&seed) % MRC_HIST_VALUE_BITS;
		uint64_t time = test_random(&seed) >> (64 - bits) | 1;
		uint64_t count = test_random(&seed) % 100;
		struct mrc_hist *to = part[test_random(&seed) % 2];

		total += count;
		if (i % 10 == 0) {
			assert_int_equal(mrc_hist_add_cold(to, count), 0);
			assert_int_equal(mrc_hist_add_cold(whole, count), 0);
		} else {
			assert_int_equal(mrc_hist_add(to, time, count), 0);
			assert_int_equal(mrc_hist_add(whole, time, count), 0);
		}
	}
	assert_int_equal(mrc_hist_merge(part[0], part[1]), 0);
	assert_hist_equal(part[0], whole);
	assert_int_equal(mrc_hist_total(whole), total);
	mrc_hist_free(part[0]);
	mrc_hist_free(part[1]);
	mrc_hist_free(whole);
}

static void test_merge_conserves_counts(void **state)
{
	struct mrc_hist *hist = new_hist(7);
	uint64_t sum;
	size_t i;

	(void)state;
	assert_int_equal(mrc_hist_add(hist, 1, 5), 0);
	assert_int_equal(mrc_hist_add(hist, 1000, 6), 0);
	assert_int_equal(mrc_hist_add_cold(hist, 7), 0);
	assert_int_equal(mrc_hist_merge(hist, hist), 0);
	assert_int_equal(mrc_hist_total(hist), 36);
	sum = mrc_hist_cold(hist);
	for (i = 0; i < mrc_hist_nr_buckets(hist); i++) {
		uint64_t count = 0;

		assert_int_equal(mrc_hist_bucket(hist, i, &count), 0);
		sum += count;
	}
	assert_int_equal(sum, 36);
	mrc_hist_free(hist);
}

static void test_merge_refuses(void **state)
{
	struct mrc_hist *hist = new_hist(7);
	struct mrc_hist *coarse = new_hist(6);
	struct mrc_hist *full = new_hist(7);

	(void)state;
	assert_int_equal(mrc_hist_add(hist, 3, 1), 0);
	assert_int_equal(mrc_hist_add(coarse, 3, 1), 0);
	assert_int_equal(mrc_hist_add_cold(full, UINT64_MAX), 0);
	assert_int_equal(mrc_hist_merge(hist, coarse), -EINVAL);
	assert_int_equal(mrc_hist_merge(hist, full), -EOVERFLOW);
	assert_int_equal(mrc_hist_total(hist), 1);
	assert_int_equal(mrc_hist_cold(hist), 0);
	assert_int_equal(bucket_of(hist, 3), 1);
	mrc_hist_free(hist);
	mrc_hist_free(coarse);
	mrc_hist_free(full);
}

static void test_new_without_memory(void **state)
{
	struct mrc_hist *hist = UNTOUCHED;
	int err;

	(void)state;
	fail_alloc_after(0);
	err = mrc_hist_new(7, &hist);
	fail_alloc_off();
	assert_int_equal(err, -ENOMEM);
	assert_ptr_equal(hist, UNTOUCHED);
}

static uint64_t censored_at(const struct mrc_hist *hist, uint64_t time)
{
	size_t index = mrc_bucket_index(mrc_hist_sub_bucket_bits(hist), time);
	uint64_t count = 0;

	assert_int_equal(mrc_hist_censored_bucket(hist, index, &count), 0);
	return count;
}

static void test_censored_counts(void **state)
{
	const uint64_t counts[] = { 1, 0, 5 };
	struct mrc_hist *hist = new_hist(7);
	struct mrc_hist *other = new_hist(7);
	uint64_t count = 77;

	(void)state;
	assert_int_equal(censored_at(hist, 0), 0);
	assert_int_equal(mrc_hist_add(hist, 2, 1), 0);
	assert_int_equal(mrc_hist_add_cold(hist, 10), 0);
	assert_int_equal(mrc_hist_add_censored(hist, 0, 2), 0);
	assert_int_equal(mrc_hist_add_censored(hist, TOO_LONG - 1, 3), 0);
	assert_int_equal(mrc_hist_add_censored_buckets(hist, counts, 3), 0);
	assert_int_equal(censored_at(hist, 0), 3);
	assert_int_equal(censored_at(hist, 1), 0);
	assert_int_equal(censored_at(hist, 2), 5);
	assert_int_equal(censored_at(hist, TOO_LONG - 1), 3);
	assert_int_equal(bucket_of(hist, 2), 1);
	assert_int_equal(mrc_hist_cold(hist), 10);
	assert_int_equal(mrc_hist_censored(hist), 11);
	assert_int_equal(mrc_hist_total(hist), 22);
	assert_int_equal(mrc_hist_censored_bucket(
				 hist, mrc_hist_nr_buckets(hist), &count),
			 -ERANGE);
	assert_int_equal(count, 77);

	/* Into one that has none, out of one that has none, into itself. */
	assert_int_equal(mrc_hist_merge(other, hist), 0);
	assert_hist_equal(other, hist);
	mrc_hist_clear(hist);
	assert_int_equal(mrc_hist_censored(hist), 0);
	assert_int_equal(mrc_hist_total(hist), 0);
	assert_int_equal(censored_at(hist, 2), 0);
	assert_int_equal(mrc_hist_merge(other, hist), 0);
	assert_int_equal(mrc_hist_total(other), 22);
	assert_int_equal(mrc_hist_merge(other, other), 0);
	assert_int_equal(mrc_hist_total(other), 44);
	assert_int_equal(mrc_hist_censored(other), 22);
	assert_int_equal(censored_at(other, 2), 10);
	mrc_hist_free(hist);
	mrc_hist_free(other);
}

static void test_censored_refuses(void **state)
{
	struct mrc_hist *hist = new_hist(0);
	struct mrc_hist *same = new_hist(0);
	uint64_t counts[MRC_HIST_VALUE_BITS + 2] = { 0 };

	(void)state;
	assert_int_equal(mrc_hist_nr_buckets(hist), MRC_HIST_VALUE_BITS + 1);
	assert_int_equal(mrc_hist_add_censored(hist, TOO_LONG, 0), -ERANGE);
	counts[1] = 4;
	counts[MRC_HIST_VALUE_BITS + 1] = 1;
	assert_int_equal(mrc_hist_add_censored_buckets(hist, counts,
						       ARRAY_SIZE(counts)),
			 -ERANGE);
	assert_hist_equal(hist, same);
	assert_int_equal(mrc_hist_add_cold(hist, UINT64_MAX - 3), 0);
	assert_int_equal(mrc_hist_add_cold(same, UINT64_MAX - 3), 0);
	assert_int_equal(mrc_hist_add_censored(hist, 1, 4), -EOVERFLOW);
	assert_int_equal(mrc_hist_add_censored_buckets(hist, counts, 2),
			 -EOVERFLOW);
	assert_hist_equal(hist, same);
	assert_int_equal(mrc_hist_add_censored(hist, 1, 3), 0);
	assert_int_equal(mrc_hist_add(hist, 1, 1), -EOVERFLOW);
	mrc_hist_free(hist);
	mrc_hist_free(same);
}

static void test_censored_without_memory(void **state)
{
	const uint64_t counts[] = { 1 };
	struct mrc_hist *hist = new_hist(3);
	struct mrc_hist *same = new_hist(3);
	struct mrc_hist *censored = new_hist(3);

	(void)state;
	assert_int_equal(mrc_hist_add_censored(censored, 9, 1), 0);
	fail_alloc_after(0);
	assert_int_equal(mrc_hist_add_censored(hist, 1, 1), -ENOMEM);
	assert_int_equal(mrc_hist_add_censored_buckets(hist, counts, 1),
			 -ENOMEM);
	assert_int_equal(mrc_hist_merge(hist, censored), -ENOMEM);
	fail_alloc_off();
	assert_hist_equal(hist, same);
	mrc_hist_free(hist);
	mrc_hist_free(same);
	mrc_hist_free(censored);
}

static uint64_t entered_at(const struct mrc_hist *hist, uint64_t time)
{
	size_t index = mrc_bucket_index(mrc_hist_sub_bucket_bits(hist), time);
	uint64_t count = 0;

	assert_int_equal(mrc_hist_entered_bucket(hist, index, &count), 0);
	return count;
}

/* Apart from the total: they are counted there when they end. */
static void test_entered_counts(void **state)
{
	const uint64_t counts[] = { 1, 0, 5 };
	struct mrc_hist *hist = new_hist(7);
	struct mrc_hist *other = new_hist(7);
	uint64_t count = 77;

	(void)state;
	assert_int_equal(entered_at(hist, 0), 0);
	assert_int_equal(mrc_hist_add(hist, 2, 1), 0);
	assert_int_equal(mrc_hist_add_entered(hist, 0, 2), 0);
	assert_int_equal(mrc_hist_add_entered(hist, TOO_LONG - 1, 3), 0);
	assert_int_equal(mrc_hist_add_entered_buckets(hist, counts, 3), 0);
	assert_int_equal(entered_at(hist, 0), 3);
	assert_int_equal(entered_at(hist, 1), 0);
	assert_int_equal(entered_at(hist, 2), 5);
	assert_int_equal(entered_at(hist, TOO_LONG - 1), 3);
	assert_int_equal(mrc_hist_entered(hist), 11);
	assert_int_equal(mrc_hist_censored(hist), 0);
	assert_int_equal(mrc_hist_total(hist), 1);
	assert_int_equal(mrc_hist_entered_bucket(
				 hist, mrc_hist_nr_buckets(hist), &count),
			 -ERANGE);
	assert_int_equal(count, 77);

	assert_int_equal(mrc_hist_merge(other, hist), 0);
	assert_hist_equal(other, hist);
	mrc_hist_clear(hist);
	assert_int_equal(mrc_hist_entered(hist), 0);
	assert_int_equal(entered_at(hist, 2), 0);
	assert_int_equal(mrc_hist_merge(other, hist), 0);
	assert_int_equal(mrc_hist_merge(other, other), 0);
	assert_int_equal(mrc_hist_entered(other), 22);
	assert_int_equal(entered_at(other, 2), 10);
	mrc_hist_free(hist);
	mrc_hist_free(other);
}

static void test_entered_refuses(void **state)
{
	struct mrc_hist *hist = new_hist(0);
	struct mrc_hist *same = new_hist(0);
	uint64_t counts[MRC_HIST_VALUE_BITS + 2] = { 0 };

	(void)state;
	assert_int_equal(mrc_hist_add_entered(hist, TOO_LONG, 0), -ERANGE);
	counts[1] = 4;
	counts[MRC_HIST_VALUE_BITS + 1] = 1;
	assert_int_equal(mrc_hist_add_entered_buckets(hist, counts,
						      ARRAY_SIZE(counts)),
			 -ERANGE);
	fail_alloc_after(0);
	assert_int_equal(mrc_hist_add_entered(hist, 1, 1), -ENOMEM);
	assert_int_equal(mrc_hist_add_entered_buckets(hist, counts, 2),
			 -ENOMEM);
	fail_alloc_off();
	assert_hist_equal(hist, same);
	assert_int_equal(mrc_hist_add_entered(hist, 1, UINT64_MAX - 3), 0);
	fail_alloc_after(0);
	assert_int_equal(mrc_hist_merge(same, hist), -ENOMEM);
	fail_alloc_off();
	assert_int_equal(mrc_hist_entered(same), 0);
	assert_int_equal(mrc_hist_merge(same, hist), 0);
	assert_int_equal(mrc_hist_add_entered(hist, 1, 4), -EOVERFLOW);
	assert_int_equal(mrc_hist_add_entered_buckets(hist, counts, 2),
			 -EOVERFLOW);
	assert_int_equal(mrc_hist_merge(hist, same), -EOVERFLOW);
	assert_hist_equal(hist, same);
	mrc_hist_free(hist);
	mrc_hist_free(same);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout_by_hand),
		cmocka_unit_test(test_layout_has_no_gaps),
		cmocka_unit_test(test_new_is_empty),
		cmocka_unit_test(test_new_refuses_bits_out_of_range),
		cmocka_unit_test(test_free_takes_null),
		cmocka_unit_test(test_add_counts),
		cmocka_unit_test(test_add_refuses_what_it_cannot_hold),
		cmocka_unit_test(test_bucket_refuses_an_index_past_the_end),
		cmocka_unit_test(test_add_buckets),
		cmocka_unit_test(test_add_buckets_is_all_or_nothing),
		cmocka_unit_test(test_merge_of_parts_is_the_whole),
		cmocka_unit_test(test_merge_conserves_counts),
		cmocka_unit_test(test_merge_refuses),
		cmocka_unit_test(test_new_without_memory),
		cmocka_unit_test(test_censored_counts),
		cmocka_unit_test(test_censored_refuses),
		cmocka_unit_test(test_censored_without_memory),
		cmocka_unit_test(test_entered_counts),
		cmocka_unit_test(test_entered_refuses),
	};

	return cmocka_run_group_tests_name("hist", tests, NULL, NULL);
}
