/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers in text, whatever the locale. Text is a pointer and a length. */
#ifndef MRC_SRC_TEXT_H
#define MRC_SRC_TEXT_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Digits of the largest uint64_t in decimal. */
#define MRC_TEXT_MAX_U64 20

static inline bool mrc_text_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The value of a hexadecimal digit; 16 if @c is none. */
static inline unsigned int mrc_text_hex_digit(char c)
{
	if (mrc_text_is_digit(c))
		return (unsigned int)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned int)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned int)(c - 'A') + 10;
	return 16;
}

/* All of @text must be digits. -EINVAL it is not; -ERANGE 2^64 or more. */
static inline int mrc_text_to_hex(const char *text, size_t nr_bytes,
				  uint64_t *ret_number)
{
	uint64_t number = 0;
	int err = 0;
	size_t i;

	if (nr_bytes == 0)
		return -EINVAL;
	for (i = 0; i < nr_bytes; i++) {
		unsigned int digit = mrc_text_hex_digit(text[i]);

		if (digit > 15)
			return -EINVAL;
		if (number >> 60 != 0)
			err = -ERANGE;
		number = number << 4 | digit;
	}
	if (err == 0)
		*ret_number = number;
	return err;
}

/* The same in decimal. */
static inline int mrc_text_to_decimal(const char *text, size_t nr_bytes,
				      uint64_t *ret_number)
{
	uint64_t number = 0;
	int err = 0;
	size_t i;

	if (nr_bytes == 0)
		return -EINVAL;
	for (i = 0; i < nr_bytes; i++) {
		uint64_t digit = (uint64_t)(text[i] - '0');

		if (!mrc_text_is_digit(text[i]))
			return -EINVAL;
		if (number > UINT64_MAX / 10 ||
		    number * 10 > UINT64_MAX - digit)
			err = -ERANGE;
		number = number * 10 + digit;
	}
	if (err == 0)
		*ret_number = number;
	return err;
}

/* Is there a 0x, or 0X, with something behind it? */
static inline bool mrc_text_has_0x(const char *text, size_t nr_bytes)
{
	return nr_bytes > 2 && text[0] == '0' && (text[1] | 0x20) == 'x';
}

/* Decimal, or hexadecimal after 0x; with @is_hex always hexadecimal. */
static inline int mrc_text_to_u64(const char *text, size_t nr_bytes,
				  bool is_hex, uint64_t *ret_number)
{
	if (mrc_text_has_0x(text, nr_bytes))
		return mrc_text_to_hex(text + 2, nr_bytes - 2, ret_number);
	if (is_hex)
		return mrc_text_to_hex(text, nr_bytes, ret_number);
	return mrc_text_to_decimal(text, nr_bytes, ret_number);
}

/* Write @number to @text, at most MRC_TEXT_MAX_U64 bytes. Returns how many. */
static inline size_t mrc_text_from_u64(uint64_t number, char *text)
{
	char digits[MRC_TEXT_MAX_U64];
	size_t nr_digits = 0;
	size_t i;

	do {
		digits[nr_digits++] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	for (i = 0; i < nr_digits; i++)
		text[i] = digits[nr_digits - 1 - i];
	return nr_digits;
}

#endif /* MRC_SRC_TEXT_H */
