// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as a curve in JSON or binary: refused with a reason, or read,
 * written in both forms, and read as the same again. The hash of the binary
 * form is made to fit, or hardly anything would get past it.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <mrc/curve_io.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare_curves(const struct mrc_curve *a, const struct mrc_curve *b)
{
	size_t i;

	if ((a == NULL) != (b == NULL))
		abort();
	if (a == NULL)
		return;
	if (mrc_curve_nr_points(a) != mrc_curve_nr_points(b))
		abort();
	for (i = 0; i < mrc_curve_nr_points(a); i++) {
		double sizes[2];
		double ratios[2];

		if (mrc_curve_point(a, i, &sizes[0], &ratios[0]) < 0 ||
		    mrc_curve_point(b, i, &sizes[1], &ratios[1]) < 0 ||
		    sizes[0] != sizes[1] || ratios[0] != ratios[1])
			abort();
	}
}

static void compare_with(const struct mrc_curve_record *record,
			 const void *bytes, size_t nr_bytes)
{
	struct mrc_curve_record again;

	if (mrc_curve_read(bytes, nr_bytes, &again, NULL) < 0)
		abort();
	if (strcmp(record->name, again.name) != 0 ||
	    strcmp(record->algorithm, again.algorithm) != 0 ||
	    record->page_bytes != again.page_bytes ||
	    record->nr_accesses != again.nr_accesses ||
	    record->sampling_rate != again.sampling_rate ||
	    record->confidence != again.confidence)
		abort();
	compare_curves(record->curve, again.curve);
	compare_curves(record->lower, again.lower);
	compare_curves(record->upper, again.upper);
	mrc_curve_record_exit(&again);
}

static void try(const uint8_t *data, size_t size)
{
	struct mrc_curve_read_error error = { SIZE_MAX, NULL };
	struct mrc_curve_record record;
	size_t nr_bytes;
	void *bytes;
	char *text;
	int err;

	err = mrc_curve_read(data, size, &record, &error);
	if (err < 0) {
		if ((err != -EBADMSG && err != -ENOTSUP) ||
		    error.reason == NULL || error.at_byte > size)
			abort();
		return;
	}
	if (mrc_curve_write_json(&record, &text, &nr_bytes) < 0)
		abort();
	compare_with(&record, text, nr_bytes);
	free(text);
	if (mrc_curve_write_binary(&record, &bytes, &nr_bytes) < 0)
		abort();
	compare_with(&record, bytes, nr_bytes);
	free(bytes);
	mrc_curve_record_exit(&record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	uint8_t *sealed;
	size_t i;

	try(data, size);
	if (size < 8 || data[0] != 0x93)
		return 0;
	sealed = malloc(size);
	if (sealed == NULL)
		return 0;
	memcpy(sealed, data, size);
	for (i = 0; i < size - 8; i++)
		hash = (hash ^ sealed[i]) * UINT64_C(0x100000001b3);
	for (i = 0; i < 8; i++)
		sealed[size - 8 + i] = (uint8_t)(hash >> (8 * i));
	try(sealed, size);
	free(sealed);
	return 0;
}
