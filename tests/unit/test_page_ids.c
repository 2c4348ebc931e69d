// SPDX-License-Identifier: GPL-2.0-or-later
/* The table behind all estimators; not exported, so taken from the source. */
#include "mrc_test.h"

#include <errno.h>
#include <stdlib.h>

#include "../../libmrc/src/page_ids.h"

/* The page that mrc_mix64() turns into @hash. */
static uint64_t unmix64(uint64_t hash)
{
	hash ^= hash >> 33;
	hash *= UINT64_C(0x9cb4b2f8129337db);
	hash ^= hash >> 33;
	hash *= UINT64_C(0x4f74430c22a54005);
	hash ^= hash >> 33;
	return hash;
}

static uint32_t id_of(struct mrc_page_ids *ids, uint64_t page)
{
	uint32_t id = UINT32_MAX;

	assert_int_equal(mrc_page_ids_get(ids, &page, 1, &id), 0);
	return id;
}

/* Every page has the number of its first access; @pages are distinct. */
static void check_pages(const uint64_t *pages, size_t nr_pages)
{
	struct mrc_page_ids ids = { 0 };
	uint64_t *inverse = calloc(nr_pages, sizeof(*inverse));
	uint32_t *batch = calloc(2 * nr_pages, sizeof(*batch));
	uint64_t *twice = calloc(2 * nr_pages, sizeof(*twice));
	size_t i;

	assert_true(inverse != NULL && batch != NULL && twice != NULL);
	for (i = 0; i < nr_pages; i++) {
		/* A page twice in one batch, and the newest after the oldest. */
		twice[2 * i] = pages[i];
		twice[2 * i + 1] = pages[i / 2];
	}
	assert_int_equal(mrc_page_ids_get(&ids, twice, 2 * nr_pages, batch), 0);
	assert_int_equal(mrc_page_ids_nr_pages(&ids), nr_pages);
	for (i = 0; i < nr_pages; i++) {
		assert_int_equal(batch[2 * i], i);
		assert_int_equal(batch[2 * i + 1], i / 2);
		assert_int_equal(id_of(&ids, pages[i]), i);
	}
	mrc_page_ids_pages(&ids, inverse);
	assert_memory_equal(inverse, pages, nr_pages * sizeof(*pages));
	mrc_page_ids_exit(&ids);
	free(inverse);
	free(batch);
	free(twice);
}

static void test_ids_are_dense(void **state)
{
	/* The last size needs memory of its own, and moves through it. */
	static const size_t nr_pages[] = { 1, 31, 32, 33, 55, 57, 1000, 300000 };
	uint64_t *pages = calloc(300000, sizeof(*pages));
	size_t i;
	size_t n;

	(void)state;
	assert_non_null(pages);
	for (n = 0; n < ARRAY_SIZE(nr_pages); n++) {
		for (i = 0; i < nr_pages[n]; i++)
			pages[i] = i;
		check_pages(pages, nr_pages[n]);
		for (i = 0; i < nr_pages[n]; i++)
			pages[i] = UINT64_MAX - (i << 13);
		check_pages(pages, nr_pages[n]);
	}
	free(pages);
}

/* All in the last line: the rest goes round the end to the first ones. */
static void test_pages_of_one_line(void **state)
{
	uint64_t pages[1000];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		pages[i] = unmix64(UINT64_MAX - i);
		assert_true(mrc_mix64(pages[i]) == UINT64_MAX - i);
	}
	check_pages(pages, ARRAY_SIZE(pages));
	/* Page 0 has hash 0 and finds its line full of others. */
	for (i = 0; i < 5; i++)
		pages[i] = unmix64(i + 1);
	pages[5] = 0;
	check_pages(pages, 6);
}

static void test_without_memory(void **state)
{
	struct mrc_page_ids ids = { 0 };
	unsigned int nr_failures = 0;
	uint64_t page;

	(void)state;
	for (page = 0; page < 1000; page++) {
		uint32_t id = 0;
		int err;

		fail_alloc_after(0);
		err = mrc_page_ids_get(&ids, &page, 1, &id);
		fail_alloc_off();
		if (err < 0) {
			assert_int_equal(err, -ENOMEM);
			assert_int_equal(mrc_page_ids_nr_pages(&ids), page);
			nr_failures++;
			id = id_of(&ids, page);
		}
		assert_int_equal(id, page);
	}
	for (page = 0; page < 1000; page++)
		assert_int_equal(id_of(&ids, page), page);
	assert_true(nr_failures > 3);
	mrc_page_ids_exit(&ids);
	mrc_page_ids_exit(&ids);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids_are_dense),
		cmocka_unit_test(test_pages_of_one_line),
		cmocka_unit_test(test_without_memory),
	};

	return cmocka_run_group_tests_name("page_ids", tests, NULL, NULL);
}
