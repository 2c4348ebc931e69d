// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel module and libmrc have their own bucket arithmetic, because one
 * cannot include the other's header. A histogram crosses from one to the other
 * as a bare array, so both must agree on every edge.
 */
#include "mrc_test.h"

#include <mrc/hist.h>

#include "hist_bucket.h"

static void test_kernel_layout_is_a_prefix_of_ours(void **state)
{
	(void)state;
	assert_in_range(AET_SUB_BUCKET_BITS, 0, MRC_HIST_MAX_SUB_BUCKET_BITS);
	assert_in_range(AET_REUSE_TIME_BITS, 1, MRC_HIST_VALUE_BITS);
	assert_int_equal(AET_NR_BUCKETS, mrc_bucket_count(AET_SUB_BUCKET_BITS,
							  AET_REUSE_TIME_BITS));
	assert_int_equal(aet_bucket_index(AET_SUB_BUCKET_BITS,
					  AET_MAX_REUSE_TIME),
			 AET_NR_BUCKETS - 1);
}

static void test_every_edge_agrees(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < AET_NR_BUCKETS; i++) {
		uint64_t low = mrc_bucket_low(AET_SUB_BUCKET_BITS, i);
		uint64_t last =
			low + mrc_bucket_width(AET_SUB_BUCKET_BITS, i) - 1;

		assert_int_equal(aet_bucket_low(AET_SUB_BUCKET_BITS, i), low);
		assert_int_equal(aet_bucket_index(AET_SUB_BUCKET_BITS, low), i);
		assert_int_equal(aet_bucket_index(AET_SUB_BUCKET_BITS, last),
				 i);
		assert_int_equal(mrc_bucket_index(AET_SUB_BUCKET_BITS, low), i);
		assert_int_equal(mrc_bucket_index(AET_SUB_BUCKET_BITS, last),
				 i);
	}
}

/* The histograms of times and of open intervals have another layout. */
static void test_other_layouts_agree(void **state)
{
	unsigned int nr =
		AET_BUCKETS(AET_COARSE_SUB_BUCKET_BITS, AET_REUSE_NS_BITS);
	unsigned int i;

	(void)state;
	assert_int_equal(nr, mrc_bucket_count(AET_COARSE_SUB_BUCKET_BITS,
					      AET_REUSE_NS_BITS));
	for (i = 0; i < nr; i++)
		assert_int_equal(aet_bucket_low(AET_COARSE_SUB_BUCKET_BITS, i),
				 mrc_bucket_low(AET_COARSE_SUB_BUCKET_BITS, i));
	assert_int_equal(
		aet_bucket_index(AET_COARSE_SUB_BUCKET_BITS,
				 (UINT64_C(1) << AET_REUSE_NS_BITS) - 1),
		nr - 1);
}

static void test_kernel_array_arrives_in_its_buckets(void **state)
{
	static uint64_t counts[AET_NR_BUCKETS];
	struct mrc_hist *hist;
	uint64_t count;
	size_t i;

	(void)state;
	counts[aet_bucket_index(AET_SUB_BUCKET_BITS, 1)] = 3;
	counts[aet_bucket_index(AET_SUB_BUCKET_BITS, 12288)] = 5;
	counts[aet_bucket_index(AET_SUB_BUCKET_BITS, AET_MAX_REUSE_TIME)] = 7;
	assert_int_equal(mrc_hist_new(AET_SUB_BUCKET_BITS, &hist), 0);
	assert_int_equal(mrc_hist_add_buckets(hist, counts, AET_NR_BUCKETS), 0);
	assert_int_equal(mrc_hist_total(hist), 15);
	i = mrc_bucket_index(AET_SUB_BUCKET_BITS, 12288);
	assert_int_equal(mrc_hist_bucket(hist, i, &count), 0);
	assert_int_equal(count, 5);
	i = mrc_bucket_index(AET_SUB_BUCKET_BITS, AET_MAX_REUSE_TIME);
	assert_int_equal(mrc_hist_bucket(hist, i, &count), 0);
	assert_int_equal(count, 7);
	mrc_hist_free(hist);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kernel_layout_is_a_prefix_of_ours),
		cmocka_unit_test(test_every_edge_agrees),
		cmocka_unit_test(test_other_layouts_agree),
		cmocka_unit_test(test_kernel_array_arrives_in_its_buckets),
	};

	return cmocka_run_group_tests_name("bucket_abi", tests, NULL, NULL);
}
