// SPDX-License-Identifier: LGPL-2.1-or-later
#define _POSIX_C_SOURCE 200809L /* uselocale() */

#include "curve_io.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define FORMAT_NAME "mrc-curve"
#define MAX_DEPTH 32
#define MAX_NUMBER_BYTES 1000

/*
 * The fields that say what the rest is. Their numbers go on behind those of
 * mrc_curve_fields[].
 */
enum {
	FIELD_FORMAT = MRC_NR_CURVE_FIELDS,
	FIELD_MAJOR,
	FIELD_MINOR,
	FIELD_UNKNOWN
};

/* A text that is being read. Once it has failed, nothing more is. */
struct json {
	const char *text;
	size_t nr_bytes;
	size_t at;
	struct mrc_curve_failure *failure;
};

/* What is known of the version. */
struct version {
	bool has_format;
	uint64_t major; /* 0: not there */
	uint64_t minor; /* UINT64_MAX: not there */
};

static void put(struct mrc_bytes *out, const char *text)
{
	mrc_bytes_append(out, text, strlen(text));
}

static void put_u64(struct mrc_bytes *out, uint64_t number)
{
	char digits[MRC_TEXT_MAX_U64];

	mrc_bytes_append(out, digits, mrc_text_from_u64(number, digits));
}

/* As short as it can be to come back as the same. In the C locale. */
static void put_double(struct mrc_bytes *out, double number)
{
	char text[32];
	int precision;

	for (precision = 15; precision <= 17; precision++) {
		(void)snprintf(text, sizeof(text), "%.*g", precision, number);
		if (strtod(text, NULL) == number)
			break;
	}
	put(out, text);
}

static void put_string(struct mrc_bytes *out, const char *string)
{
	static const char digits[] = "0123456789abcdef";

	put(out, "\"");
	for (; *string != '\0'; string++) {
		unsigned char c = (unsigned char)*string;

		if (c < 0x20 || c == 0x7f) {
			const char escape[] = {
				'\\',		'u',	       '0', '0',
				digits[c >> 4], digits[c & 15]
			};

			mrc_bytes_append(out, escape, sizeof(escape));
			continue;
		}
		if (c == '"' || c == '\\')
			put(out, "\\");
		mrc_bytes_append(out, string, 1);
	}
	put(out, "\"");
}

static void put_points(struct mrc_bytes *out, const struct mrc_curve *curve)
{
	size_t i;

	put(out, "[");
	for (i = 0; i < mrc_curve_nr_points(curve); i++) {
		double size_pages = 0;
		double miss_ratio = 1;

		(void)mrc_curve_point(curve, i, &size_pages, &miss_ratio);
		put(out, i == 0 ? "\n    [" : ",\n    [");
		put_double(out, size_pages);
		put(out, ", ");
		put_double(out, miss_ratio);
		put(out, "]");
	}
	put(out, "\n  ]");
}

static void put_field(struct mrc_bytes *out,
		      const struct mrc_curve_record *record,
		      const struct mrc_curve_field *field)
{
	const void *at = (const char *)record + field->offset;
	double number;

	put(out, ",\n  \"");
	put(out, field->name);
	put(out, "\": ");
	switch (field->kind) {
	case MRC_FIELD_STRING:
		put_string(out, at);
		break;
	case MRC_FIELD_U64:
		put_u64(out, *(const uint64_t *)at);
		break;
	case MRC_FIELD_DOUBLE:
		memcpy(&number, at, sizeof(number));
		put_double(out, number);
		break;
	case MRC_FIELD_CURVE:
		put_points(out, *(struct mrc_curve *const *)at);
		break;
	}
}

int mrc_curve_write_json(const struct mrc_curve_record *record, char **ret_text,
			 size_t *ret_nr_bytes)
{
	struct mrc_bytes out = { .bytes = NULL };
	locale_t c_locale;
	locale_t before;
	size_t i;

	if (mrc_curve_record_check(record) != NULL)
		return -EINVAL;
	c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	if (c_locale == (locale_t)0)
		return -ENOMEM;
	before = uselocale(c_locale);
	put(&out, "{\n  \"format\": \"" FORMAT_NAME "\",\n  \"major\": ");
	put_u64(&out, MRC_CURVE_IO_MAJOR);
	put(&out, ",\n  \"minor\": ");
	put_u64(&out, MRC_CURVE_IO_MINOR);
	for (i = 0; i < MRC_NR_CURVE_FIELDS; i++)
		if (mrc_curve_field_is_set(record, &mrc_curve_fields[i]))
			put_field(&out, record, &mrc_curve_fields[i]);
	mrc_bytes_append(&out, "\n}\n", 4);
	(void)uselocale(before);
	freelocale(c_locale);
	if (out.is_out_of_memory) {
		free(out.bytes);
		return -ENOMEM;
	}
	*ret_text = (char *)out.bytes;
	if (ret_nr_bytes != NULL)
		*ret_nr_bytes = out.nr_bytes - 1;
	return 0;
}

static void fail_at(struct json *json, size_t at, const char *reason)
{
	mrc_curve_fail(json->failure, -EBADMSG, at, reason);
}

static void fail(struct json *json, const char *reason)
{
	fail_at(json, json->at, reason);
}

static bool has_failed(const struct json *json)
{
	return json->failure->err != 0;
}

/* The next byte; NUL, which is in no text, at the end or after a failure. */
static char peek(const struct json *json)
{
	if (json->at == json->nr_bytes || has_failed(json))
		return '\0';
	return json->text[json->at];
}

static void skip_space(struct json *json)
{
	while (peek(json) == ' ' || peek(json) == '\t' || peek(json) == '\n' ||
	       peek(json) == '\r')
		json->at++;
}

/* Take @c, with any white space before it, or leave all there is. */
static bool take(struct json *json, char c)
{
	skip_space(json);
	if (peek(json) != c)
		return false;
	json->at++;
	return true;
}

static void expect(struct json *json, char c, const char *reason)
{
	if (!take(json, c))
		fail(json, reason);
}

static unsigned int read_hex4(struct json *json)
{
	unsigned int number = 0;
	int i;

	for (i = 0; i < 4; i++) {
		unsigned int digit = mrc_text_hex_digit(peek(json));

		if (digit > 15) {
			fail(json, "\\u without four hexadecimal digits");
			return 0;
		}
		number = number << 4 | digit;
		json->at++;
	}
	return number;
}

/* The character of a \u, as UTF-8. Returns its length. */
static size_t read_escaped_character(struct json *json, char utf8[4])
{
	uint32_t c = read_hex4(json);

	if (c >= 0xd800 && c < 0xdc00) {
		uint32_t low = 0;

		if (peek(json) == '\\') {
			json->at++;
			if (peek(json) == 'u') {
				json->at++;
				low = read_hex4(json);
			}
		}
		if (low < 0xdc00 || low > 0xdfff)
			fail(json, "half of a surrogate pair");
		c = 0x10000 + ((c - 0xd800) << 10) + (low & 0x3ff);
	} else if (c >= 0xdc00 && c < 0xe000) {
		fail(json, "half of a surrogate pair");
	} else if (c == 0) {
		fail(json, "a NUL in a string");
	}
	if (c < 0x80) {
		utf8[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		utf8[0] = (char)(0xc0 | c >> 6);
		utf8[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		utf8[0] = (char)(0xe0 | c >> 12);
		utf8[1] = (char)(0x80 | (c >> 6 & 0x3f));
		utf8[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	utf8[0] = (char)(0xf0 | c >> 18);
	utf8[1] = (char)(0x80 | (c >> 12 & 0x3f));
	utf8[2] = (char)(0x80 | (c >> 6 & 0x3f));
	utf8[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* What follows a backslash, as UTF-8. Returns its length. */
static size_t read_escape(struct json *json, char utf8[4])
{
	static const char escaped[] = "\"\\/bfnrt";
	static const char meant[] = "\"\\/\b\f\n\r\t";
	const char *found = NULL;

	if (peek(json) != '\0')
		found = strchr(escaped, peek(json));
	if (found != NULL) {
		json->at++;
		utf8[0] = meant[found - escaped];
		return 1;
	}
	if (peek(json) == 'u') {
		json->at++;
		return read_escaped_character(json, utf8);
	}
	fail(json, "no such escape");
	return 0;
}

/*
 * A string into @string, which has room for @max_bytes and a NUL; one that is
 * too long fails, unless @string is NULL.
 */
static void read_string(struct json *json, char *string, size_t max_bytes)
{
	size_t nr_bytes = 0;

	expect(json, '"', "a string is missing");
	while (!has_failed(json) && peek(json) != '"') {
		char utf8[4] = { peek(json) };
		size_t length = 1;

		if ((unsigned char)utf8[0] < 0x20) {
			fail(json, utf8[0] == '\0' ?
					   "a string does not end" :
					   "a control character in a string");
			return;
		}
		json->at++;
		if (utf8[0] == '\\')
			length = read_escape(json, utf8);
		if (string == NULL)
			continue;
		if (length > max_bytes - nr_bytes) {
			fail(json, "a string is too long");
			return;
		}
		memcpy(string + nr_bytes, utf8, length);
		nr_bytes += length;
	}
	expect(json, '"', "a string does not end");
	if (string != NULL)
		string[nr_bytes] = '\0';
}

/* Take digits, at least one. */
static void skip_digits(struct json *json)
{
	if (!mrc_text_is_digit(peek(json)))
		fail(json, "a digit is missing");
	while (mrc_text_is_digit(peek(json)))
		json->at++;
}

/* A number, as the text that it is. */
static size_t skip_number(struct json *json)
{
	size_t start;

	skip_space(json);
	start = json->at;
	if (peek(json) == '-')
		json->at++;
	if (peek(json) == '0')
		json->at++;
	else
		skip_digits(json);
	if (peek(json) == '.') {
		json->at++;
		skip_digits(json);
	}
	if (peek(json) == 'e' || peek(json) == 'E') {
		json->at++;
		if (peek(json) == '+' || peek(json) == '-')
			json->at++;
		skip_digits(json);
	}
	return start;
}

static uint64_t read_u64(struct json *json)
{
	size_t start = skip_number(json);
	uint64_t number = 0;

	if (!has_failed(json) &&
	    mrc_text_to_decimal(json->text + start, json->at - start, &number) <
		    0)
		fail_at(json, start, "not a whole number below 2^64");
	return number;
}

static double read_double(struct json *json)
{
	size_t start = skip_number(json);
	char text[MAX_NUMBER_BYTES + 1];
	double number;

	if (has_failed(json))
		return 0;
	if (json->at - start > MAX_NUMBER_BYTES) {
		fail_at(json, start, "a number is too long");
		return 0;
	}
	memcpy(text, json->text + start, json->at - start);
	text[json->at - start] = '\0';
	number = strtod(text, NULL);
	if (!isfinite(number))
		fail_at(json, start, "a number is too large");
	return number;
}

static void skip_word(struct json *json, const char *word)
{
	for (; *word != '\0'; word++, json->at++) {
		if (peek(json) != *word) {
			fail(json, "a value is missing");
			return;
		}
	}
}

/* Any value, which does not matter. */
static void skip_value(struct json *json, unsigned int depth)
{
	bool is_object;

	if (depth > MAX_DEPTH) {
		fail(json, "nested too deeply");
		return;
	}
	skip_space(json);
	switch (peek(json)) {
	case '"':
		read_string(json, NULL, 0);
		return;
	case 't':
		skip_word(json, "true");
		return;
	case 'f':
		skip_word(json, "false");
		return;
	case 'n':
		skip_word(json, "null");
		return;
	case '[':
	case '{':
		break;
	default:
		if (peek(json) != '-' && !mrc_text_is_digit(peek(json)))
			fail(json, "a value is missing");
		(void)skip_number(json);
		return;
	}

	is_object = take(json, '{');
	if (!is_object)
		(void)take(json, '[');
	if (take(json, is_object ? '}' : ']'))
		return;
	do {
		if (is_object) {
			read_string(json, NULL, 0);
			expect(json, ':', "a colon is missing");
		}
		skip_value(json, depth + 1);
	} while (take(json, ','));
	expect(json, is_object ? '}' : ']', "a comma or an end is missing");
}

static void read_points(struct json *json, struct mrc_curve_record *record,
			const struct mrc_curve_field *field)
{
	struct mrc_points points = { .nr_points = 0 };
	size_t start;

	skip_space(json);
	start = json->at;
	expect(json, '[', "an array is missing");
	do {
		double size_pages;
		double miss_ratio;

		expect(json, '[', "a point is missing");
		size_pages = read_double(json);
		expect(json, ',', "a miss ratio is missing");
		miss_ratio = read_double(json);
		expect(json, ']', "the end of a point is missing");
		if (!has_failed(json) &&
		    mrc_points_append(&points, size_pages, miss_ratio) < 0)
			mrc_curve_fail(json->failure, -ENOMEM, json->at,
				       "out of memory");
	} while (take(json, ','));
	expect(json, ']', "a comma or an end is missing");
	if (!has_failed(json))
		mrc_curve_field_set_curve(record, field, &points, start,
					  json->failure);
	mrc_points_exit(&points);
}

static void read_field(struct json *json, struct mrc_curve_record *record,
		       const struct mrc_curve_field *field)
{
	void *to = (char *)record + field->offset;
	size_t start;
	double number;

	skip_space(json);
	start = json->at;
	switch (field->kind) {
	case MRC_FIELD_STRING:
		read_string(json, to, MRC_CURVE_IO_MAX_NAME_BYTES);
		return;
	case MRC_FIELD_U64:
		*(uint64_t *)to = read_u64(json);
		break;
	case MRC_FIELD_DOUBLE:
		number = read_double(json);
		memcpy(to, &number, sizeof(number));
		break;
	case MRC_FIELD_CURVE:
		read_points(json, record, field);
		break;
	}
	/* That stands for unknown: then there is no such field. */
	if (!has_failed(json) && !mrc_curve_field_is_set(record, field))
		fail_at(json, start, "a number is 0");
}

static size_t field_of(const char *name)
{
	size_t i;

	for (i = 0; i < MRC_NR_CURVE_FIELDS; i++)
		if (strcmp(name, mrc_curve_fields[i].name) == 0)
			return i;
	if (strcmp(name, "format") == 0)
		return FIELD_FORMAT;
	if (strcmp(name, "major") == 0)
		return FIELD_MAJOR;
	if (strcmp(name, "minor") == 0)
		return FIELD_MINOR;
	return FIELD_UNKNOWN;
}

static void read_version_field(struct json *json, size_t field,
			       struct version *version)
{
	char format[sizeof(FORMAT_NAME)];
	size_t start;

	skip_space(json);
	start = json->at;
	if (field == FIELD_MAJOR) {
		version->major = read_u64(json);
	} else if (field == FIELD_MINOR) {
		version->minor = read_u64(json);
	} else {
		read_string(json, format, sizeof(format) - 1);
		version->has_format = !has_failed(json) &&
				      strcmp(format, FORMAT_NAME) == 0;
		if (!version->has_format)
			fail_at(json, start, "the format is another");
	}
}

/*
 * Go over the object. Only the version's fields, if @record is NULL: what the
 * others mean depends on it.
 */
static void read_object(struct json *json, struct version *version,
			struct mrc_curve_record *record)
{
	bool is_seen[FIELD_UNKNOWN] = { false };

	json->at = 0;
	expect(json, '{', "this is no curve");
	do {
		char name[MRC_CURVE_IO_MAX_NAME_BYTES + 1];
		size_t field;
		size_t start;

		skip_space(json);
		start = json->at;
		read_string(json, name, sizeof(name) - 1);
		expect(json, ':', "a colon is missing");
		if (has_failed(json))
			return;
		field = field_of(name);
		if (field < FIELD_UNKNOWN) {
			if (is_seen[field])
				fail_at(json, start, "a field comes twice");
			is_seen[field] = true;
		}
		if (record == NULL && field >= FIELD_FORMAT &&
		    field < FIELD_UNKNOWN)
			read_version_field(json, field, version);
		else if (record != NULL && field < FIELD_FORMAT)
			read_field(json, record, &mrc_curve_fields[field]);
		else if (record != NULL && field == FIELD_UNKNOWN &&
			 version->minor <= MRC_CURVE_IO_MINOR)
			fail_at(json, start, "a field of no known name");
		else
			skip_value(json, 0);
	} while (take(json, ','));
	expect(json, '}', "a comma or an end is missing");
	skip_space(json);
	if (!has_failed(json) && json->at < json->nr_bytes)
		fail(json, "text behind the end");
}

static void read_document(struct json *json, struct mrc_curve_record *record)
{
	struct version version = { .minor = UINT64_MAX };

	json->at = mrc_utf8_prefix(json->text, json->nr_bytes);
	if (json->at < json->nr_bytes) {
		fail(json, "not UTF-8");
		return;
	}
	read_object(json, &version, NULL);
	if (!has_failed(json) && (!version.has_format || version.major == 0 ||
				  version.minor == UINT64_MAX))
		fail_at(json, 0, "format or version is missing");
	if (version.major > MRC_CURVE_IO_MAJOR)
		mrc_curve_fail(json->failure, -ENOTSUP, 0,
			       "it is of a newer major version");
	if (!has_failed(json))
		read_object(json, &version, record);
}

void mrc_curve_read_json(const char *text, size_t nr_bytes,
			 struct mrc_curve_record *record,
			 struct mrc_curve_failure *failure)
{
	struct json json = { text, nr_bytes, 0, failure };
	locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	locale_t before;

	if (c_locale == (locale_t)0) {
		mrc_curve_fail(failure, -ENOMEM, 0, "out of memory");
		return;
	}
	before = uselocale(c_locale);
	read_document(&json, record);
	(void)uselocale(before);
	freelocale(c_locale);
}
