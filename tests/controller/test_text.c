// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl_test.h"

#include "text.h"

static void check(char *(*convert)(const char *), const char *text,
		  const char *expected)
{
	char *result = convert(text);

	assert_non_null(result);
	assert_string_equal(result, expected);
	free(result);
}

static void test_printable(void **state)
{
	(void)state;
	check(text_printable, "", "");
	check(text_printable, "web-1 (prod)", "web-1 (prod)");
	check(text_printable, "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f");
	check(text_printable, "\xf0\x9f\x90\xa7", "\xf0\x9f\x90\xa7");
	/* Escape sequences, new lines, DEL, C1 controls. */
	check(text_printable, "a\x1b[2Jb", "a\\x1b[2Jb");
	check(text_printable, "a\r\nb\t\x7f", "a\\x0d\\x0ab\\x09\\x7f");
	check(text_printable, "\xc2\x9b", "\\xc2\\x9b");
	/* Right-to-left override. */
	check(text_printable,
	      "\xe2\x80\xae"
	      "gpj",
	      "\\xe2\\x80\\xaegpj");
	/* Not UTF-8: stray, cut short, overlong, surrogate, too large. */
	check(text_printable, "\x80", "\\x80");
	check(text_printable, "a\xc3", "a\\xc3");
	check(text_printable, "\xe2\x82", "\\xe2\\x82");
	check(text_printable, "\xc0\xaf", "\\xc0\\xaf");
	check(text_printable, "\xe0\x80\xaf", "\\xe0\\x80\\xaf");
	check(text_printable, "\xed\xa0\x80", "\\xed\\xa0\\x80");
	check(text_printable, "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
	check(text_printable, "\xff", "\\xff");
}

static void test_utf8(void **state)
{
	(void)state;
	check(text_utf8, "a\x1b\n", "a\x1b\n");
	check(text_utf8, "gr\xc3\xbc", "gr\xc3\xbc");
	check(text_utf8,
	      "a\xff"
	      "b",
	      "a\xef\xbf\xbd"
	      "b");
	check(text_utf8, "\xc3", "\xef\xbf\xbd");
}

static void test_xml(void **state)
{
	(void)state;
	check(text_xml, "<script>&\"'", "&lt;script&gt;&amp;&quot;&#39;");
	check(text_xml, "a\x01", "a\\x01");
	/* Not a character for XML. */
	check(text_xml, "\xef\xbf\xbf", "\\xef\\xbf\\xbf");
}

static void test_columns(void **state)
{
	(void)state;
	assert_int_equal(text_columns(""), 0);
	assert_int_equal(text_columns("abc"), 3);
	assert_int_equal(text_columns("gr\xc3\xbc\xc3\x9f"), 4);
	assert_int_equal(text_columns("\xff\xff"), 2);
}

static void test_cut(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{ "", "" },
		{ "abcdefgh", "abcdefgh" },
		{ "abcdefghi", "abcde..." },
		{ "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc",
		  "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc" },
		{ "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc",
		  "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc..." },
		{ "\xff\xff\xff", "\\xff\\..." },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		char *result = text_cut(cases[i].text, 8);

		assert_non_null(result);
		assert_string_equal(result, cases[i].expected);
		free(result);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_printable),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_xml),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
