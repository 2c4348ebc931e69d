// SPDX-License-Identifier: LGPL-2.1-or-later
#include "args.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "units.h"

static bool args_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Returns the value of a digit in @base, or @base if it is none. */
static unsigned int args_digit(char c, unsigned int base)
{
	unsigned int digit = base;

	if (args_is_digit(c))
		digit = (unsigned int)(c - '0');
	else if (c >= 'a' && c <= 'f')
		digit = (unsigned int)(c - 'a') + 10;
	else if (c >= 'A' && c <= 'F')
		digit = (unsigned int)(c - 'A') + 10;
	return digit < base ? digit : base;
}

/*
 * Reads the digits at the start of @text. strtoull() is not used: it takes
 * signs and white space, and "-1" becomes 2^64 - 1.
 */
static int args_digits(const char *text, unsigned int base,
		       uint64_t *ret_number, const char **ret_end)
{
	uint64_t number = 0;
	bool overflow = false;
	const char *c;

	for (c = text; args_digit(*c, base) < base; c++)
		overflow |= __builtin_mul_overflow(number, base, &number) ||
			    __builtin_add_overflow(number, args_digit(*c, base),
						   &number);
	if (c == text)
		return -EINVAL;
	*ret_number = overflow ? UINT64_MAX : number;
	*ret_end = c;
	return overflow ? -ERANGE : 0;
}

static bool args_has_hex_prefix(const char *text)
{
	return text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
}

int args_number(const char *text, uint64_t min, uint64_t max,
		uint64_t *ret_number)
{
	bool is_hex = args_has_hex_prefix(text);
	const char *end = text;
	uint64_t number = 0;
	int err;

	err = args_digits(is_hex ? text + 2 : text, is_hex ? 16 : 10, &number,
			  &end);
	if (err == -EINVAL || *end)
		return -EINVAL;
	if (err < 0 || number < min || number > max)
		return -ERANGE;
	*ret_number = number;
	return 0;
}

int args_count(const char *text, uint64_t min, uint64_t max,
	       uint64_t *ret_count)
{
	static const char suffixes[] = "kMGT";
	bool is_hex = args_has_hex_prefix(text);
	const char *end = text, *suffix;
	uint64_t number = 0;
	bool overflow;
	int err;

	err = args_digits(is_hex ? text + 2 : text, is_hex ? 16 : 10, &number,
			  &end);
	if (err == -EINVAL)
		return -EINVAL;
	overflow = err < 0;
	if (*end) {
		suffix = strchr(suffixes, *end);
		if (!suffix || end[1])
			return -EINVAL;
		for (; suffix >= suffixes; suffix--)
			overflow |= __builtin_mul_overflow(
				number, UINT64_C(1000), &number);
	}
	if (overflow || number < min || number > max)
		return -ERANGE;
	*ret_count = number;
	return 0;
}

static int args_size_shift(const char *suffix, unsigned int *ret_shift)
{
	static const struct {
		const char *suffix;
		unsigned int shift;
	} table[] = {
		{ "", 0 },   { "k", 10 },   { "K", 10 }, { "KiB", 10 },
		{ "M", 20 }, { "MiB", 20 }, { "G", 30 }, { "GiB", 30 },
		{ "T", 40 }, { "TiB", 40 },
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strcmp(suffix, table[i].suffix) == 0) {
			*ret_shift = table[i].shift;
			return 0;
		}
	}
	return -EINVAL;
}

int args_size(const char *text, uint64_t *ret_bytes)
{
	bool is_hex = args_has_hex_prefix(text);
	const char *end = text;
	unsigned int shift = 0;
	uint64_t number = 0;
	int err;

	err = args_digits(is_hex ? text + 2 : text, is_hex ? 16 : 10, &number,
			  &end);
	if (err == -EINVAL || args_size_shift(end, &shift) < 0)
		return -EINVAL;
	if (err < 0 || number > UINT64_MAX >> shift)
		return -ERANGE;
	*ret_bytes = number << shift;
	return 0;
}

int args_range(const char *text, uint64_t *ret_start_pages,
	       uint64_t *ret_end_pages)
{
	const char *dash = strchr(text, '-');
	uint64_t start, end;
	char first[32];
	int err;

	if (!dash || (size_t)(dash - text) >= sizeof(first))
		return -EINVAL;
	memcpy(first, text, (size_t)(dash - text));
	first[dash - text] = '\0';
	err = args_size(first, &start);
	if (err < 0)
		return err;
	err = args_size(dash + 1, &end);
	if (err < 0)
		return err;
	if (start >= end || start % PAGE_BYTES || end % PAGE_BYTES)
		return -ERANGE;
	*ret_start_pages = start / PAGE_BYTES;
	*ret_end_pages = end / PAGE_BYTES;
	return 0;
}

int args_rate(const char *text, uint32_t max, uint32_t *ret_inverse_rate)
{
	const char *digits = strncmp(text, "1/", 2) == 0 ? text + 2 : text;
	uint64_t number;
	int err;

	err = args_number(digits, 1, max, &number);
	if (err < 0)
		return err;
	*ret_inverse_rate = (uint32_t)number;
	return 0;
}

/*
 * Reads a decimal number such as "2", "0.25" or ".5" as an integer of
 * 10^-9 units, so that nothing is rounded.
 */
static int args_nano(const char *text, uint64_t *ret_nano, const char **ret_end)
{
	uint64_t whole = 0, fraction = 0, scale = UINT64_C(1000000000);
	const char *c = text;
	int err = 0;

	if (args_is_digit(*c))
		err = args_digits(c, 10, &whole, &c);
	else if (*c != '.')
		return -EINVAL;
	if (*c == '.') {
		c++;
		if (!args_is_digit(*c))
			return -EINVAL;
		for (; args_is_digit(*c); c++) {
			if (scale == 1)
				return -EINVAL;
			scale /= 10;
			fraction += scale * (uint64_t)(*c - '0');
		}
	}
	*ret_end = c;
	if (err < 0 || whole > UINT64_MAX / 1000000000 - 1) {
		*ret_nano = UINT64_MAX;
		return -ERANGE;
	}
	*ret_nano = whole * 1000000000 + fraction;
	return 0;
}

int args_decimal(const char *text, double *ret_number)
{
	const char *end = text;
	uint64_t nano = 0;
	int err;

	err = args_nano(text, &nano, &end);
	if (err == -EINVAL || *end)
		return -EINVAL;
	if (err < 0)
		return -ERANGE;
	*ret_number = (double)nano / 1e9;
	return 0;
}

int args_share(const char *text, double *ret_share)
{
	uint64_t inverse;
	double share;
	int err;

	if (strncmp(text, "1/", 2) == 0) {
		err = args_number(text + 2, 1, UINT64_MAX, &inverse);
		if (err < 0)
			return err;
		*ret_share = 1 / (double)inverse;
		return 0;
	}
	err = args_decimal(text, &share);
	if (err < 0)
		return err;
	if (share <= 0 || share > 1)
		return -ERANGE;
	*ret_share = share;
	return 0;
}

int args_period(const char *text, uint64_t *ret_period_ns)
{
	uint64_t period_ns = 0;
	const char *end = text;
	int err;

	err = args_nano(text, &period_ns, &end);
	if (err == -EINVAL || *end)
		return -EINVAL;
	if (err < 0 || period_ns < ARGS_PERIOD_MIN_NS ||
	    period_ns > ARGS_PERIOD_MAX_NS)
		return -ERANGE;
	*ret_period_ns = period_ns;
	return 0;
}

int args_miss_ratio(const char *text, double *ret_miss_ratio)
{
	uint64_t nano = 0, one = UINT64_C(1000000000);
	const char *end = text;
	int err;

	err = args_nano(text, &nano, &end);
	if (err == -EINVAL)
		return -EINVAL;
	if (strcmp(end, "%") == 0)
		one *= 100;
	else if (*end)
		return -EINVAL;
	if (err < 0 || nano >= one)
		return -ERANGE;
	*ret_miss_ratio = (double)nano / (double)one;
	return 0;
}
