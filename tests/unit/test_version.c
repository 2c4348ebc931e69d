// SPDX-License-Identifier: GPL-2.0-or-later
#include "mrc_test.h"

#include <mrc/mrc.h>

static void test_text_and_numbers_agree(void **state)
{
	char text[32];

	(void)state;
	snprintf(text, sizeof(text), "%d.%d.%d", MRC_VERSION_MAJOR,
		 MRC_VERSION_MINOR, MRC_VERSION_PATCH);
	assert_string_equal(text, MRC_VERSION_STRING);
	assert_string_equal(mrc_version(), MRC_VERSION_STRING);
	assert_int_equal(mrc_version_number(),
			 MRC_VERSION_NUMBER(MRC_VERSION_MAJOR,
					    MRC_VERSION_MINOR,
					    MRC_VERSION_PATCH));
}

static void test_numbers_grow(void **state)
{
	(void)state;
	assert_true(MRC_VERSION_NUMBER(0, 2, 255) <
		    MRC_VERSION_NUMBER(0, 3, 0));
	assert_true(MRC_VERSION_NUMBER(0, 255, 255) <
		    MRC_VERSION_NUMBER(1, 0, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_and_numbers_agree),
		cmocka_unit_test(test_numbers_grow),
	};

	return cmocka_run_group_tests_name("version", tests, NULL, NULL);
}
