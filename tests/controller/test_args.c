// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl_test.h"

#include <errno.h>

#include "args.h"

struct number_case {
	const char *text;
	int err;
	uint64_t value;
};

#define UNTOUCHED UINT64_C(0x5a5a)

static void check_number(const struct number_case *c, int err, uint64_t value)
{
	if (err != c->err || value != (c->err ? UNTOUCHED : c->value)) {
		print_error("\"%s\": %d, %llu\n", c->text, err,
			    (unsigned long long)value);
		fail();
	}
}

static void test_number(void **state)
{
	static const struct number_case cases[] = {
		{ "1", 0, 1 },
		{ "007", 0, 7 },
		{ "1000", 0, 1000 },
		{ "0x10", 0, 16 },
		{ "0XfF", 0, 255 },
		{ "0", -ERANGE, 0 },
		{ "1001", -ERANGE, 0 },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "99999999999999999999999999", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "1.0", -EINVAL, 0 },
		{ "1e2", -EINVAL, 0 },
		{ "0x", -EINVAL, 0 },
		{ "0xg", -EINVAL, 0 },
		{ "a", -EINVAL, 0 },
		{ "99999999999999999999999999z", -EINVAL, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t value = UNTOUCHED;
		int err = args_number(cases[i].text, 1, 1000, &value);

		check_number(&cases[i], err, value);
	}
	{
		uint64_t value = 0;

		assert_int_equal(args_number("18446744073709551615", 0,
					     UINT64_MAX, &value),
				 0);
		assert_true(value == UINT64_MAX);
	}
}

static void test_size(void **state)
{
	static const struct number_case cases[] = {
		{ "0", 0, 0 },
		{ "4096", 0, 4096 },
		{ "0x1000", 0, 4096 },
		{ "1k", 0, 1024 },
		{ "1K", 0, 1024 },
		{ "1KiB", 0, 1024 },
		{ "3M", 0, 3 << 20 },
		{ "3MiB", 0, 3 << 20 },
		{ "2GiB", 0, UINT64_C(2) << 30 },
		{ "2G", 0, UINT64_C(2) << 30 },
		{ "1TiB", 0, UINT64_C(1) << 40 },
		{ "16777215TiB", 0, UINT64_C(16777215) << 40 },
		{ "16777216TiB", -ERANGE, 0 },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "1MB", -EINVAL, 0 },
		{ "1 MiB", -EINVAL, 0 },
		{ "MiB", -EINVAL, 0 },
		{ "1.5MiB", -EINVAL, 0 },
		{ "-1MiB", -EINVAL, 0 },
		{ "1MiBx", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t value = UNTOUCHED;
		int err = args_size(cases[i].text, &value);

		check_number(&cases[i], err, value);
	}
}

static void test_range(void **state)
{
	static const char *const bad[] = {
		"",
		"-",
		"1MiB",
		"1MiB-",
		"-1MiB",
		"2M-1M",
		"1M-1M",
		"0-1",
		"1-4096",
		"0-4097",
		"0-4096-1",
		"0 - 4096",
		"0-4096 ",
		"a-b",
		"0000000000000000000000000000000000000000-4096",
	};
	uint64_t start = UNTOUCHED, end = UNTOUCHED;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_true(args_range(bad[i], &start, &end) < 0);
		assert_true(start == UNTOUCHED && end == UNTOUCHED);
	}
	assert_int_equal(args_range("1MiB-64MiB", &start, &end), 0);
	assert_int_equal(start, 256);
	assert_int_equal(end, 16384);
	assert_int_equal(args_range("0-0x1000", &start, &end), 0);
	assert_int_equal(start, 0);
	assert_int_equal(end, 1);
}

static void test_rate(void **state)
{
	static const struct number_case cases[] = {
		{ "1", 0, 1 },
		{ "1/1", 0, 1 },
		{ "128", 0, 128 },
		{ "1/128", 0, 128 },
		{ "65536", 0, 65536 },
		{ "1/65536", 0, 65536 },
		{ "0", -ERANGE, 0 },
		{ "1/0", -ERANGE, 0 },
		{ "65537", -ERANGE, 0 },
		{ "1/65537", -ERANGE, 0 },
		{ "4294967297", -ERANGE, 0 },
		{ "2/128", -EINVAL, 0 },
		{ "1/", -EINVAL, 0 },
		{ "/128", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "1/-1", -EINVAL, 0 },
		{ "0.5", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "128x", -EINVAL, 0 },
		{ "1/1/1", -EINVAL, 0 },
		{ "1 /128", -EINVAL, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t value = (uint32_t)UNTOUCHED;
		int err = args_rate(cases[i].text, 65536, &value);

		check_number(&cases[i], err, value);
	}
}

static void test_period(void **state)
{
	static const struct number_case cases[] = {
		{ "5", 0, UINT64_C(5000000000) },
		{ "0.5", 0, 500000000 },
		{ ".5", 0, 500000000 },
		{ "0.01", 0, 10000000 },
		{ "1.000000001", 0, 1000000001 },
		{ "86400", 0, UINT64_C(86400000000000) },
		{ "0", -ERANGE, 0 },
		{ "0.0", -ERANGE, 0 },
		{ "0.009999999", -ERANGE, 0 },
		{ "86400.000000001", -ERANGE, 0 },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "18446744073.709551616", -ERANGE, 0 },
		{ "5.", -EINVAL, 0 },
		{ ".", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "-5", -EINVAL, 0 },
		{ "5s", -EINVAL, 0 },
		{ "1,5", -EINVAL, 0 },
		{ "1e3", -EINVAL, 0 },
		{ "nan", -EINVAL, 0 },
		{ "inf", -EINVAL, 0 },
		{ "1.0000000001", -EINVAL, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t value = UNTOUCHED;
		int err = args_period(cases[i].text, &value);

		check_number(&cases[i], err, value);
	}
}

static void test_miss_ratio(void **state)
{
	static const struct {
		const char *text;
		int err;
		double value;
	} cases[] = {
		{ "5%", 0, 0.05 },	{ "0.05", 0, 0.05 },
		{ "2.5%", 0, 0.025 },	{ "0%", 0, 0 },
		{ "0", 0, 0 },		{ "99.9%", 0, 0.999 },
		{ ".5", 0, 0.5 },	{ "0.5%", 0, 0.005 },
		{ "5", -ERANGE, 0 },	{ "1", -ERANGE, 0 },
		{ "100%", -ERANGE, 0 }, { "1000%", -ERANGE, 0 },
		{ "-5%", -EINVAL, 0 },	{ "%", -EINVAL, 0 },
		{ "5%%", -EINVAL, 0 },	{ "5 %", -EINVAL, 0 },
		{ "", -EINVAL, 0 },	{ "nan", -EINVAL, 0 },
		{ "0,05", -EINVAL, 0 }, { "five", -EINVAL, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		double value = -1;
		int err = args_miss_ratio(cases[i].text, &value);

		if (err != cases[i].err)
			print_error("\"%s\"\n", cases[i].text);
		assert_int_equal(err, cases[i].err);
		assert_near(value, err ? -1 : cases[i].value, 1e-15);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_period),
		cmocka_unit_test(test_miss_ratio),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
