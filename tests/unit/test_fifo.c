// SPDX-License-Identifier: GPL-2.0-or-later
/* The module's hot set, kvm-aet/fifo.h, in user space. */
#include "mrc_test.h"

#include "fifo.h"

static void test_fills_before_it_evicts(void **state)
{
	__u64 pages[3] = { 0 };
	struct aet_fifo fifo = { .gfns = pages, .capacity = 3 };
	__u64 evicted = 99;

	(void)state;
	assert_false(aet_fifo_push(&fifo, 10, &evicted));
	assert_false(aet_fifo_push(&fifo, 11, &evicted));
	assert_int_equal(fifo.used, 2);
	assert_false(aet_fifo_push(&fifo, 12, &evicted));
	assert_int_equal(fifo.used, 3);
	assert_int_equal(evicted, 99);
	assert_true(aet_fifo_push(&fifo, 13, &evicted));
	assert_int_equal(evicted, 10);
	assert_int_equal(fifo.used, 3);
}

/* What enters leaves @capacity pushes later, for several rounds. */
static void test_evicts_in_order_of_entry(void **state)
{
	const uint32_t capacities[] = { 1, 2, 3, 64, 65 };
	size_t c;

	(void)state;
	for (c = 0; c < ARRAY_SIZE(capacities); c++) {
		__u64 pages[65] = { 0 };
		struct aet_fifo fifo = {
			.gfns = pages,
			.capacity = capacities[c],
		};
		uint64_t i;

		for (i = 0; i < 1000; i++) {
			__u64 evicted = 0;
			bool is_full = aet_fifo_push(&fifo, 7 * i, &evicted);

			assert_int_equal(is_full, i >= capacities[c]);
			if (is_full)
				assert_int_equal(evicted,
						 7 * (i - capacities[c]));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fills_before_it_evicts),
		cmocka_unit_test(test_evicts_in_order_of_entry),
	};

	return cmocka_run_group_tests_name("fifo", tests, NULL, NULL);
}
