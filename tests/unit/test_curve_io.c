// SPDX-License-Identifier: GPL-2.0-or-later
#include "mrc_test.h"

#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <mrc/curve_io.h>

/* The least that JSON must have, around something. */
#define JSON(fields) \
	"{\"format\":\"mrc-curve\",\"major\":1,\"minor\":0," fields "}"
#define POINTS "\"points\":[[0,1],[10,0.5]]"

static struct mrc_curve *new_curve(double size, double ratio)
{
	const double sizes[] = { 0, size };
	const double ratios[] = { 1, ratio };
	struct mrc_curve *curve = NULL;

	assert_int_equal(mrc_curve_new(sizes, ratios, 2, &curve), 0);
	return curve;
}

static struct mrc_curve_record new_record(void)
{
	struct mrc_curve_record record = {
		.name = "web \"1\"\\\n\x7f \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
		.algorithm = "aet",
		.page_bytes = 4096,
		.nr_accesses = UINT64_MAX,
		.sampling_rate = 0.1,
		.confidence = 0.95,
		.curve = new_curve(10, 0.5),
		.lower = new_curve(9, 0.25),
		.upper = new_curve(1e300, 1.0 / 3),
	};

	return record;
}

static void assert_same_curve(const struct mrc_curve *a,
			      const struct mrc_curve *b)
{
	size_t i;

	if (a == NULL || b == NULL) {
		assert_ptr_equal(a, b);
		return;
	}
	assert_int_equal(mrc_curve_nr_points(a), mrc_curve_nr_points(b));
	for (i = 0; i < mrc_curve_nr_points(a); i++) {
		double sizes[2] = { -1, -2 };
		double ratios[2] = { -1, -2 };

		assert_int_equal(mrc_curve_point(a, i, &sizes[0], &ratios[0]),
				 0);
		assert_int_equal(mrc_curve_point(b, i, &sizes[1], &ratios[1]),
				 0);
		/* To the last bit. */
		assert_memory_equal(&sizes[0], &sizes[1], sizeof(sizes[0]));
		assert_memory_equal(&ratios[0], &ratios[1], sizeof(ratios[0]));
	}
}

static void assert_same(const struct mrc_curve_record *a,
			const struct mrc_curve_record *b)
{
	assert_string_equal(a->name, b->name);
	assert_string_equal(a->algorithm, b->algorithm);
	assert_true(a->page_bytes == b->page_bytes);
	assert_true(a->nr_accesses == b->nr_accesses);
	assert_near(a->sampling_rate, b->sampling_rate, 0);
	assert_near(a->confidence, b->confidence, 0);
	assert_same_curve(a->curve, b->curve);
	assert_same_curve(a->lower, b->lower);
	assert_same_curve(a->upper, b->upper);
}

/* From a copy that ends where it ends, for the sanitiser to see. */
static int read_copy(const void *bytes, size_t nr_bytes,
		     struct mrc_curve_record *ret_record,
		     struct mrc_curve_read_error *ret_error)
{
	char *copy = malloc(nr_bytes + 1);
	int err;

	assert_non_null(copy);
	memcpy(copy + 1, bytes, nr_bytes);
	err = mrc_curve_read(copy + 1, nr_bytes, ret_record, ret_error);
	free(copy);
	return err;
}

static int read_json(const char *text, struct mrc_curve_record *ret_record,
		     struct mrc_curve_read_error *ret_error)
{
	return read_copy(text, strlen(text), ret_record, ret_error);
}

/* Write @record in both forms and read it again. */
static void assert_comes_back(const struct mrc_curve_record *record)
{
	struct mrc_curve_record again;
	size_t nr_bytes = 0;
	void *bytes = NULL;
	char *text = NULL;

	assert_int_equal(mrc_curve_write_json(record, &text, &nr_bytes), 0);
	assert_int_equal(strlen(text), nr_bytes);
	assert_int_equal(read_copy(text, nr_bytes, &again, NULL), 0);
	assert_same(record, &again);
	mrc_curve_record_exit(&again);
	free(text);

	assert_int_equal(mrc_curve_write_binary(record, &bytes, &nr_bytes), 0);
	assert_int_equal(read_copy(bytes, nr_bytes, &again, NULL), 0);
	assert_same(record, &again);
	mrc_curve_record_exit(&again);
	free(bytes);
}

static void test_a_record_comes_back(void **state)
{
	struct mrc_curve_record record = new_record();
	struct mrc_curve_record bare = { .curve = new_curve(1, 0) };

	(void)state;
	assert_comes_back(&record);
	assert_comes_back(&bare);
	memset(record.name, 'x', MRC_CURVE_IO_MAX_NAME_BYTES);
	assert_comes_back(&record);
	mrc_curve_record_exit(&record);
	assert_null(record.curve);
	mrc_curve_record_exit(&bare);
	mrc_curve_record_exit(NULL);
}

static void test_doubles_come_back(void **state)
{
	static const double sizes[] = {
		0,	 DBL_TRUE_MIN, DBL_MIN,	   0.1,
		1.0 / 3, 0.7,	       1,	   4503599627370497.5,
		1e15,	 1e16,	       5e15 + 0.5, 123456789012345680.0,
		1e22,	 1e23,	       1.7e308,	   DBL_MAX,
	};
	double sorted[ARRAY_SIZE(sizes)] = { 0 };
	double ratios[ARRAY_SIZE(sizes)] = { 1 };
	uint64_t seed = test_seed();
	size_t i;
	int round;

	(void)state;
	memcpy(sorted, sizes, sizeof(sizes));
	/* They are in order but for two. */
	sorted[7] = 1e15;
	sorted[8] = 4503599627370497.5;
	sorted[9] = 5e15 + 0.5;
	sorted[10] = 1e16;
	for (round = 0; round < 200; round++) {
		struct mrc_curve_record record = { .page_bytes = 1 };

		for (i = 1; i < ARRAY_SIZE(sizes); i++)
			ratios[i] =
				ratios[i - 1] *
				((double)(test_random(&seed) >> 11) * 0x1p-53);
		assert_int_equal(mrc_curve_new(sorted, ratios,
					       ARRAY_SIZE(sizes),
					       &record.curve),
				 0);
		assert_comes_back(&record);
		mrc_curve_record_exit(&record);
	}
}

static void test_json_by_hand(void **state)
{
	struct mrc_curve_record record = {
		.name = "a\tb",
		.page_bytes = 4096,
		.sampling_rate = 0.1,
		.curve = new_curve(1e6, 0.25),
	};
	const char *expected = "{\n"
			       "  \"format\": \"mrc-curve\",\n"
			       "  \"major\": 1,\n"
			       "  \"minor\": 0,\n"
			       "  \"name\": \"a\\u0009b\",\n"
			       "  \"page_bytes\": 4096,\n"
			       "  \"sampling_rate\": 0.1,\n"
			       "  \"points\": [\n"
			       "    [0, 1],\n"
			       "    [1000000, 0.25]\n"
			       "  ]\n"
			       "}\n";
	char *text = NULL;

	(void)state;
	assert_int_equal(mrc_curve_write_json(&record, &text, NULL), 0);
	assert_string_equal(text, expected);
	free(text);
	mrc_curve_record_exit(&record);

	/* Any order, any white space, any way to write a number or a string. */
	assert_int_equal(
		read_json(" {\"points\" : [ [ 0 , 1.0e0 ],[1E1,5e-1]\t] ,\r\n"
			  "\"name\":\"\\u0041\\/\\ud83d\\ude00\\n\","
			  "\"minor\":0,\"accesses\":18446744073709551615,"
			  "\"major\":1,\"format\":\"mrc\\u002dcurve\"}\n ",
			  &record, NULL),
		0);
	assert_string_equal(record.name, "A/\xf0\x9f\x98\x80\n");
	assert_true(record.nr_accesses == UINT64_MAX);
	assert_near(mrc_curve_at(record.curve, 10), 0.5, 0);
	mrc_curve_record_exit(&record);
}

static void test_json_refuses(void **state)
{
	static const struct {
		const char *text;
		const char *reason;
	} cases[] = {
		{ "", "this is no curve" },
		{ "[]", "this is no curve" },
		{ "{}", "a string is missing" },
		{ "{\"points\":[[0,1]]}", "format or version is missing" },
		{ "{\"format\":\"mrc-curve\",\"major\":1," POINTS "}",
		  "format or version is missing" },
		{ "{\"format\":\"x\"}", "the format is another" },
		{ "{\"format\":\"mrc-curves\"}", "a string is too long" },
		{ JSON(POINTS) "x", "text behind the end" },
		{ JSON(POINTS ","), "a string is missing" },
		{ JSON("\"name\":\"x\""), "there are no points" },
		{ JSON(POINTS "," POINTS), "a field comes twice" },
		{ JSON(POINTS ",\"major\":1"), "a field comes twice" },
		{ JSON(POINTS ",\"x\":1"), "a field of no known name" },
		{ JSON("\"points\":[]"), "a point is missing" },
		{ JSON("\"points\":[[0]]"), "a miss ratio is missing" },
		{ JSON("\"points\":[[0,1,2]]"),
		  "the end of a point is missing" },
		{ JSON("\"points\":[[0,1],]"), "a value is missing" },
		{ JSON("\"points\":[[0,1],[1,2]]"),
		  "the points are not a curve" },
		{ JSON("\"points\":[[1,1]]"), "the points are not a curve" },
		{ JSON("\"points\":[[0,1],[1e999,0]]"),
		  "a number is too large" },
		{ JSON("\"points\":[[0,1],[NaN,0]]"), "a value is missing" },
		{ JSON("\"points\":[[00,1]]"), "a comma or an end is missing" },
		{ JSON("\"points\":[[0,1],[.5,0]]"), "a value is missing" },
		{ JSON("\"points\":[[0,1],[5.,0]]"), "a digit is missing" },
		{ JSON("\"points\":[[0,1],[+5,0]]"), "a value is missing" },
		{ JSON("\"points\":[[0,1],[5e,0]]"), "a digit is missing" },
		{ JSON("\"points\":[[0,1],[0x5,0]]"),
		  "a comma or an end is missing" },
		{ JSON("\"points\":[[0,1],[5,0]"),
		  "a comma or an end is missing" },
		{ JSON("\"points\":\"x\""), "an array is missing" },
		{ JSON(POINTS ",\"page_bytes\":0"), "a number is 0" },
		{ JSON(POINTS ",\"page_bytes\":-1"),
		  "not a whole number below 2^64" },
		{ JSON(POINTS ",\"page_bytes\":1.0"),
		  "not a whole number below 2^64" },
		{ JSON(POINTS ",\"page_bytes\":18446744073709551616"),
		  "not a whole number below 2^64" },
		{ JSON(POINTS ",\"sampling_rate\":0"), "a number is 0" },
		{ JSON(POINTS ",\"sampling_rate\":1.5"),
		  "the sampling rate is not in (0, 1]" },
		{ JSON(POINTS ",\"sampling_rate\":-1"),
		  "the sampling rate is not in (0, 1]" },
		{ JSON(POINTS ",\"confidence\":1"),
		  "the confidence is not in (0, 1)" },
		{ JSON(POINTS ",\"confidence\":0.9"), "the band is not whole" },
		{ JSON(POINTS ",\"lower\":[[0,1]],\"confidence\":0.9"),
		  "the band is not whole" },
		{ JSON(POINTS ",\"lower\":[[0,1]],\"upper\":[[0,1]]"),
		  "the band is not whole" },
		{ JSON(POINTS ",\"name\":1"), "a string is missing" },
		{ JSON(POINTS ",\"name\":\"\n\""),
		  "a control character in a string" },
		{ JSON(POINTS ",\"name\":\"\\x\""), "no such escape" },
		{ JSON(POINTS ",\"name\":\"\\u12g4\""),
		  "\\u without four hexadecimal digits" },
		{ JSON(POINTS ",\"name\":\"\\u0000\""), "a NUL in a string" },
		{ JSON(POINTS ",\"name\":\"\\ud800\""),
		  "half of a surrogate pair" },
		{ JSON(POINTS ",\"name\":\"\\ud800\\u0041\""),
		  "half of a surrogate pair" },
		{ JSON(POINTS ",\"name\":\"\\udc00\""),
		  "half of a surrogate pair" },
		{ JSON(POINTS ",\"name\":\"\xff\""), "not UTF-8" },
		{ JSON(POINTS ",\"name\":\"\xc0\x80\""), "not UTF-8" },
		{ JSON(POINTS ",\"name\":\"\xed\xa0\x80\""), "not UTF-8" },
		{ JSON(POINTS ",\"name\":\"\xe0\x9f\xbf\""), "not UTF-8" },
		{ JSON(POINTS ",\"name\":\"\xf0\x8f\xbf\xbf\""), "not UTF-8" },
		{ JSON(POINTS ",\"name\":\"\xf4\x90\x80\x80\""), "not UTF-8" },
		{ JSON(POINTS ",\"name\":\"\xe2\x82\""), "not UTF-8" },
		{ "{\"format\":\"mrc-curve\",\"major\":2,\"minor\":0,\"x\":[]}",
		  "it is of a newer major version" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mrc_curve_record record = { .name = "untouched" };
		struct mrc_curve_read_error error = { 999999, "" };
		int err = read_json(cases[i].text, &record, &error);

		if (strcmp(error.reason, cases[i].reason) != 0)
			fail_msg("%s: %s at %zu", cases[i].text, error.reason,
				 error.at_byte);
		assert_int_equal(err, i + 1 < ARRAY_SIZE(cases) ? -EBADMSG :
								  -ENOTSUP);
		assert_true(error.at_byte <= strlen(cases[i].text));
		assert_string_equal(record.name, "untouched");
		assert_int_equal(read_json(cases[i].text, &record, NULL), err);
	}
}

static void test_error_says_where(void **state)
{
	const char *text = JSON(POINTS ",\"name\":1");
	struct mrc_curve_read_error error = { 0, NULL };
	struct mrc_curve_record record;

	(void)state;
	assert_int_equal(read_json(text, &record, &error), -EBADMSG);
	assert_int_equal(error.at_byte, strlen(text) - 2);
}

static void test_names_too_long(void **state)
{
	char text[600] = JSON(POINTS);
	struct mrc_curve_read_error error = { 0, NULL };
	struct mrc_curve_record record;
	size_t start = strlen(text) - 1;

	(void)state;
	memcpy(text + start, ",\"name\":\"", 9);
	memset(text + start + 9, 'x', 256);
	strcpy(text + start + 9 + 256, "\"}");
	assert_int_equal(read_json(text, &record, &error), -EBADMSG);
	assert_string_equal(error.reason, "a string is too long");
	strcpy(text + start + 9 + 255, "\"}");
	assert_int_equal(read_json(text, &record, &error), 0);
	assert_int_equal(strlen(record.name), 255);
	mrc_curve_record_exit(&record);
}

/* What a newer minor version may add is skipped, but must be JSON. */
static void test_newer_minor_json(void **state)
{
#define NEWER(value)                                               \
	"{\"new\":" value ",\"format\":\"mrc-curve\",\"minor\":7," \
	"\"major\":1," POINTS ",\"newer\":" value "}"
	static const char *const good[] = {
		NEWER("1"),
		NEWER("\"x\\n\""),
		NEWER("null"),
		NEWER("true"),
		NEWER("false"),
		NEWER("[]"),
		NEWER("{}"),
		NEWER("[1,[2,{\"a\":[]}],\"]\"]"),
		NEWER("{\"a\":1,\"b\":{\"c\":-0.5e+3}}"),
	};
	static const char *const bad[] = {
		NEWER(""),	NEWER("nul"),	   NEWER("[1,]"),
		NEWER("{1:2}"), NEWER("{\"a\"}"),  NEWER("[1}"),
		NEWER("01"),	NEWER("{\"a\":}"), NEWER("'a'"),
		NEWER("truer"),
	};
#undef NEWER
	struct mrc_curve_read_error error = { 0, NULL };
	struct mrc_curve_record record;
	char deep[400];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(read_json(good[i], &record, NULL), 0);
		assert_near(mrc_curve_at(record.curve, 10), 0.5, 0);
		mrc_curve_record_exit(&record);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(read_json(bad[i], &record, NULL), -EBADMSG);
	/* Good otherwise, but deeper than anyone nests. */
	memcpy(deep, "{\"a\":", 5);
	memset(deep + 5, '[', 40);
	memset(deep + 45, ']', 40);
	strcpy(deep + 85, ",\"format\":\"mrc-curve\",\"major\":1,"
			  "\"minor\":7," POINTS "}");
	assert_int_equal(read_json(deep, &record, &error), -EBADMSG);
	assert_string_equal(error.reason, "nested too deeply");
}

static uint64_t fnv1a(const unsigned char *bytes, size_t nr_bytes)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	while (nr_bytes-- > 0)
		hash = (hash ^ *bytes++) * UINT64_C(1099511628211);
	return hash;
}

/* Make the hash at the end fit. */
static void seal(unsigned char *bytes, size_t nr_bytes)
{
	uint64_t hash = fnv1a(bytes, nr_bytes - 8);
	int i;

	for (i = 0; i < 8; i++)
		bytes[nr_bytes - 8 + i] = (unsigned char)(hash >> (8 * i));
}

static void test_binary_by_hand(void **state)
{
	unsigned char expected[] = {
		0x93, 'M', 'R', 'C', '\r', '\n', 0x1a, '\n', 1, 0, 0, 0,
		/* name */
		1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 'a', 'b',
		/* page_bytes */
		3, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0,
		/* points: 0, 1, 2, 0.5 */
		7, 0, 0, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0,
		0, 0, 0, 0xe0, 0x3f,
		/* hash */
		0, 0, 0, 0, 0, 0, 0, 0
	};
	struct mrc_curve_record record = {
		.name = "ab",
		.page_bytes = 4096,
		.curve = new_curve(2, 0.5),
	};
	unsigned char *bytes = NULL;
	size_t nr_bytes = 0;
	size_t i;

	(void)state;
	seal(expected, sizeof(expected));
	assert_int_equal(
		mrc_curve_write_binary(&record, (void **)&bytes, &nr_bytes), 0);
	assert_int_equal(nr_bytes, sizeof(expected));
	assert_memory_equal(bytes, expected, nr_bytes);
	mrc_curve_record_exit(&record);

	/* Whatever byte changes, and wherever it is cut. */
	for (i = 0; i < nr_bytes; i++) {
		bytes[i] ^= 0x20;
		assert_true(read_copy(bytes, nr_bytes, &record, NULL) < 0);
		bytes[i] ^= 0x20;
		assert_int_equal(read_copy(bytes, i, &record, NULL), -EBADMSG);
	}
	free(bytes);
}

static void test_binary_refuses(void **state)
{
	/* Two bytes from @at on become @to, and the hash fits. */
	static const struct {
		size_t at;
		unsigned char to[2];
		int err;
		const char *reason;
	} cases[] = {
		{ 8, { 1, 0 }, 0, NULL },
		{ 8, { 2, 0 }, -ENOTSUP, "it is of a newer major version" },
		{ 8, { 0, 0 }, -EBADMSG, "there is no such major version" },
		{ 12, { 10, 0 }, -EBADMSG, "a section is of no known type" },
		{ 12, { 0, 0 }, -EBADMSG, "a section is of no known type" },
		{ 12, { 3, 0 }, -EBADMSG, "a number is not of 8 bytes" },
		{ 12, { 8, 0 }, -EBADMSG, "a point is cut off" },
		{ 16, { 255, 255 }, -EBADMSG, "a section is cut off" },
		{ 22, { 255, 255 }, -EBADMSG, "a section is cut off" },
		{ 24,
		  { 'a', 0xff },
		  -EBADMSG,
		  "a name is empty, too long or not UTF-8" },
		{ 24,
		  { 'a', 0 },
		  -EBADMSG,
		  "a name is empty, too long or not UTF-8" },
		{ 38, { 0, 0 }, -EBADMSG, "a number is 0" },
		{ 38, { 0, 1 }, 0, NULL },
		{ 26, { 1, 0 }, -EBADMSG, "a section comes twice" },
		{ 88, { 0xf0, 0x7f }, -EBADMSG, "the points are not a curve" },
	};
	struct mrc_curve_record record = {
		.name = "ab",
		.page_bytes = 4096,
		.curve = new_curve(2, 0.5),
	};
	unsigned char *longer;
	unsigned char *bytes = NULL;
	unsigned char newer[] = { /* an unknown section in front of the hash */
				  99, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0,
				  0,  7, 0, 0, 0, 0, 0, 0, 0, 0
	};
	size_t nr_bytes = 0;
	size_t i;

	(void)state;
	assert_int_equal(
		mrc_curve_write_binary(&record, (void **)&bytes, &nr_bytes), 0);
	mrc_curve_record_exit(&record);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mrc_curve_read_error error = { 0, NULL };
		unsigned char before[2];
		int err;

		memcpy(before, bytes + cases[i].at, 2);
		memcpy(bytes + cases[i].at, cases[i].to, 2);
		seal(bytes, nr_bytes);
		err = read_copy(bytes, nr_bytes, &record, &error);
		if (err != cases[i].err ||
		    (err < 0 && strcmp(error.reason, cases[i].reason) != 0))
			fail_msg("case %zu: %d %s", i, err, error.reason);
		if (err == 0)
			mrc_curve_record_exit(&record);
		memcpy(bytes + cases[i].at, before, 2);
	}

	/* Of this minor version it is an error, of a newer one it is skipped. */
	longer = malloc(nr_bytes + 13);
	assert_non_null(longer);
	memcpy(longer, bytes, nr_bytes - 8);
	memcpy(longer + nr_bytes - 8, newer, sizeof(newer));
	free(bytes);
	bytes = longer;
	nr_bytes += 13;
	seal(bytes, nr_bytes);
	assert_int_equal(read_copy(bytes, nr_bytes, &record, NULL), -EBADMSG);
	bytes[10] = 1;
	seal(bytes, nr_bytes);
	assert_int_equal(read_copy(bytes, nr_bytes, &record, NULL), 0);
	mrc_curve_record_exit(&record);
	free(bytes);
}

static void test_write_refuses(void **state)
{
	struct mrc_curve_record good = new_record();
	struct mrc_curve_record bad[10];
	void *bytes = UNTOUCHED;
	char *text = UNTOUCHED;
	size_t nr_bytes = 99;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		bad[i] = good;
	bad[0].curve = NULL;
	bad[1].lower = NULL;
	bad[2].upper = NULL;
	bad[3].confidence = 0;
	bad[4].confidence = 1;
	bad[5].sampling_rate = -0.1;
	bad[6].sampling_rate = 1.1;
	bad[7].sampling_rate = NAN;
	memcpy(bad[8].name, "\x80", 2);
	memset(bad[9].algorithm, 'x', sizeof(bad[9].algorithm));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(mrc_curve_write_json(&bad[i], &text,
						      &nr_bytes),
				 -EINVAL);
		assert_int_equal(mrc_curve_write_binary(&bad[i], &bytes,
							&nr_bytes),
				 -EINVAL);
	}
	assert_ptr_equal(text, UNTOUCHED);
	assert_ptr_equal(bytes, UNTOUCHED);
	assert_int_equal(nr_bytes, 99);
	mrc_curve_record_exit(&good);
}

/* With a comma for the point, if such a locale is installed. */
static void test_any_locale(void **state)
{
	static const char *const names[] = { "de_DE.UTF-8", "de_DE.utf8",
					     "de_DE", "fr_FR.UTF-8" };
	struct mrc_curve_record record = new_record();
	const char *found = NULL;
	size_t i;

	(void)state;
	for (i = 0; found == NULL && i < ARRAY_SIZE(names); i++)
		found = setlocale(LC_ALL, names[i]);
	if (found == NULL) {
		mrc_curve_record_exit(&record);
		print_message("no locale with a decimal comma is installed\n");
		skip();
	}
	assert_string_equal(localeconv()->decimal_point, ",");
	assert_comes_back(&record);
	assert_string_equal(localeconv()->decimal_point, ",");
	mrc_curve_record_exit(&record);
	assert_int_equal(read_json(JSON(POINTS), &record, NULL), 0);
	assert_near(mrc_curve_at(record.curve, 10), 0.5, 0);
	mrc_curve_record_exit(&record);
	(void)setlocale(LC_ALL, "C");
}

static void test_without_memory(void **state)
{
	struct mrc_curve_record record = new_record();
	struct mrc_curve_record again;
	unsigned int nr_good;
	void *bytes = NULL;
	char *text = NULL;
	size_t nr_text = 0;
	size_t nr_bytes = 0;
	int err = -ENOMEM;

	(void)state;
	for (nr_good = 0; err != 0; nr_good++) {
		assert_true(nr_good < 100);
		fail_alloc_after(nr_good);
		err = mrc_curve_write_json(&record, &text, &nr_text);
		fail_alloc_off();
		assert_true(err == 0 || err == -ENOMEM);
	}
	for (nr_good = 0, err = -ENOMEM; err != 0; nr_good++) {
		fail_alloc_after(nr_good);
		err = mrc_curve_write_binary(&record, &bytes, &nr_bytes);
		fail_alloc_off();
		assert_true(err == 0 || err == -ENOMEM);
	}
	assert_true(nr_good > 1);
	for (nr_good = 0, err = -ENOMEM; err != 0; nr_good++) {
		fail_alloc_after(nr_good);
		err = mrc_curve_read(text, nr_text, &again, NULL);
		fail_alloc_off();
		assert_true(err == 0 || err == -ENOMEM);
	}
	assert_true(nr_good > 9);
	mrc_curve_record_exit(&again);
	for (nr_good = 0, err = -ENOMEM; err != 0; nr_good++) {
		fail_alloc_after(nr_good);
		err = mrc_curve_read(bytes, nr_bytes, &again, NULL);
		fail_alloc_off();
		assert_true(err == 0 || err == -ENOMEM);
	}
	assert_true(nr_good > 9);
	mrc_curve_record_exit(&again);
	mrc_curve_record_exit(&record);
	free(bytes);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_record_comes_back),
		cmocka_unit_test(test_doubles_come_back),
		cmocka_unit_test(test_json_by_hand),
		cmocka_unit_test(test_json_refuses),
		cmocka_unit_test(test_error_says_where),
		cmocka_unit_test(test_names_too_long),
		cmocka_unit_test(test_newer_minor_json),
		cmocka_unit_test(test_binary_by_hand),
		cmocka_unit_test(test_binary_refuses),
		cmocka_unit_test(test_write_refuses),
		cmocka_unit_test(test_any_locale),
		cmocka_unit_test(test_without_memory),
	};

	return cmocka_run_group_tests_name("curve_io", tests, NULL, NULL);
}
