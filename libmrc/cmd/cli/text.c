// SPDX-License-Identifier: LGPL-2.1-or-later
#include "text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

/*
 * Returns the bytes of the character at @text, or 0 if they are not UTF-8
 * (overlong forms, surrogates and values above U+10FFFF included).
 */
static size_t text_decode(const unsigned char *text, uint32_t *ret_character)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t character;
	size_t length, i;

	if (text[0] < 0x80) {
		*ret_character = text[0];
		return 1;
	}
	if (text[0] >= 0xc2 && text[0] < 0xe0) {
		length = 2;
		character = text[0] & 0x1f;
	} else if (text[0] >= 0xe0 && text[0] < 0xf0) {
		length = 3;
		character = text[0] & 0x0f;
	} else if (text[0] >= 0xf0 && text[0] < 0xf5) {
		length = 4;
		character = text[0] & 0x07;
	} else {
		return 0;
	}
	/* The terminating 0 is no continuation byte, so this ends in time. */
	for (i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		character = character << 6 | (text[i] & 0x3f);
	}
	if (character < smallest[length] || character > 0x10ffff ||
	    (character >= 0xd800 && character < 0xe000))
		return 0;
	*ret_character = character;
	return length;
}

static bool text_is_control(uint32_t character)
{
	return character < 0x20 || (character >= 0x7f && character < 0xa0) ||
	       character == 0x61c || character == 0x200e ||
	       character == 0x200f ||
	       (character >= 0x2028 && character <= 0x202e) ||
	       (character >= 0x2066 && character <= 0x2069) ||
	       character == 0xfeff || (character & 0xfffe) == 0xfffe;
}

char *text_printable(const char *text)
{
	const unsigned char *in = (const unsigned char *)text;
	/* Worst case: every byte becomes \xNN. */
	char *result = malloc(4 * strlen(text) + 1);
	char *out = result;

	if (!result)
		return NULL;
	while (*in) {
		uint32_t character;
		size_t length = text_decode(in, &character);
		size_t i;

		if (length && !text_is_control(character)) {
			memcpy(out, in, length);
			out += length;
		} else {
			length = length ? length : 1;
			for (i = 0; i < length; i++)
				out += sprintf(out, "\\x%02x", in[i]);
		}
		in += length;
	}
	*out = '\0';
	return result;
}

char *text_utf8(const char *text)
{
	static const char replacement[] = "\xef\xbf\xbd";
	const unsigned char *in = (const unsigned char *)text;
	char *result = malloc(strlen(replacement) * strlen(text) + 1);
	char *out = result;

	if (!result)
		return NULL;
	while (*in) {
		uint32_t character;
		size_t length = text_decode(in, &character);

		if (length) {
			memcpy(out, in, length);
			out += length;
			in += length;
		} else {
			memcpy(out, replacement, strlen(replacement));
			out += strlen(replacement);
			in++;
		}
	}
	*out = '\0';
	return result;
}

char *text_xml(const char *text)
{
	_cleanup_free_ char *printable = text_printable(text);
	char *result, *out;
	const char *in;

	if (!printable)
		return NULL;
	/* The longest entity has six bytes. */
	result = malloc(6 * strlen(printable) + 1);
	if (!result)
		return NULL;
	out = result;
	for (in = printable; *in; in++) {
		switch (*in) {
		case '&':
			out = stpcpy(out, "&amp;");
			break;
		case '<':
			out = stpcpy(out, "&lt;");
			break;
		case '>':
			out = stpcpy(out, "&gt;");
			break;
		case '"':
			out = stpcpy(out, "&quot;");
			break;
		case '\'':
			out = stpcpy(out, "&#39;");
			break;
		default:
			*out++ = *in;
		}
	}
	*out = '\0';
	return result;
}

size_t text_columns(const char *text)
{
	const unsigned char *in = (const unsigned char *)text;
	size_t columns = 0;

	while (*in) {
		uint32_t character;
		size_t length = text_decode(in, &character);

		in += length ? length : 1;
		columns++;
	}
	return columns;
}

char *text_cut(const char *text, size_t columns)
{
	char *result = text_printable(text);
	char *end = result;
	size_t i;

	if (!result || text_columns(result) <= columns)
		return result;
	for (i = 0; i < columns - 3; i++) {
		uint32_t character;

		end += text_decode((const unsigned char *)end, &character);
	}
	/* There are more than three characters left to overwrite. */
	strcpy(end, "...");
	return result;
}
