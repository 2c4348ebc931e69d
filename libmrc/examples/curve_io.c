// SPDX-License-Identifier: LGPL-2.1-or-later
/* Write a curve as JSON, and read it again. */
#include <stdio.h>
#include <stdlib.h>

#include <mrc/curve_io.h>

int main(void)
{
	const double sizes_pages[] = { 0, 1000, 5000 };
	const double miss_ratios[] = { 1, 0.25, 0.01 };
	struct mrc_curve_record record = { .name = "web1", .page_bytes = 4096 };
	struct mrc_curve_record again;
	struct mrc_curve_read_error error;
	size_t nr_bytes;
	char *text;
	int err;

	if (mrc_curve_new(sizes_pages, miss_ratios, 3, &record.curve) < 0)
		return 1;
	err = mrc_curve_write_json(&record, &text, &nr_bytes);
	mrc_curve_record_exit(&record);
	if (err < 0)
		return 1;
	printf("%s", text);
	err = mrc_curve_read(text, nr_bytes, &again, &error);
	free(text);
	if (err < 0) {
		printf("byte %zu: %s\n", error.at_byte, error.reason);
		return 1;
	}
	printf("%s: %zu points\n", again.name,
	       mrc_curve_nr_points(again.curve));
	mrc_curve_record_exit(&again);
	return 0;
}
