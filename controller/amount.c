// SPDX-License-Identifier: GPL-2.0-or-later
#include "amount.h"

#include <math.h>
#include <stdio.h>

/* Four digits, and no exponent. */
static void format_digits(double number, const char *unit,
			  char text[AMOUNT_BYTES])
{
	int decimals = number >= 99.95 ? 0 : number >= 9.995 ? 1 : 2;
	int length = snprintf(text, AMOUNT_BYTES, "%.*f", decimals, number);

	/* "1.50" is no more than "1.5". */
	while (decimals > 0 && text[length - 1] == '0') {
		length--;
		if (--decimals == 0)
			length--;
	}
	(void)snprintf(text + length, AMOUNT_BYTES - (size_t)length, "%s",
		       unit);
}

void amount_format_size(uint64_t bytes, char text[AMOUNT_BYTES])
{
	static const char *const units[] = { " B",   " KiB", " MiB", " GiB",
					     " TiB", " PiB", " EiB" };
	double number = (double)bytes;
	unsigned int i = 0;

	/* What rounds to 1024 is 1 of the next. */
	while (number >= 1023.5 && i + 1 < sizeof(units) / sizeof(units[0])) {
		number /= 1024;
		i++;
	}
	format_digits(number, units[i], text);
}

void amount_format_change(uint64_t from_bytes, uint64_t to_bytes,
			  char text[AMOUNT_BYTES])
{
	char size[AMOUNT_BYTES];

	if (from_bytes == to_bytes) {
		(void)snprintf(text, AMOUNT_BYTES, "0");
		return;
	}
	amount_format_size(to_bytes > from_bytes ? to_bytes - from_bytes :
						   from_bytes - to_bytes,
			   size);
	(void)snprintf(text, AMOUNT_BYTES, "%c%.*s",
		       to_bytes > from_bytes ? '+' : '-', AMOUNT_BYTES - 2,
		       size);
}

void amount_format_rate(double per_s, char text[AMOUNT_BYTES])
{
	static const char *const units[] = { "", "k", "M", "G", "T", "P", "E" };
	unsigned int i = 0;

	if (!isfinite(per_s)) {
		(void)snprintf(text, AMOUNT_BYTES, "-");
		return;
	}
	/* Up to five digits are read as easily. */
	while (per_s >= 99999.5 && i + 1 < sizeof(units) / sizeof(units[0])) {
		per_s /= 1000;
		i++;
	}
	format_digits(fmax(per_s, 0), units[i], text);
}

void amount_format_percent(double ratio, char text[AMOUNT_BYTES])
{
	if (!(ratio >= 0))
		(void)snprintf(text, AMOUNT_BYTES, "-");
	else
		(void)snprintf(text, AMOUNT_BYTES, "%.2f%%",
			       100 * fmin(ratio, 1e6));
}
