// SPDX-License-Identifier: LGPL-2.1-or-later
#include "curve_io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct mrc_curve_field mrc_curve_fields[MRC_NR_CURVE_FIELDS] = {
#define FIELD(name, kind, member)                                     \
	{                                                             \
		name, kind, offsetof(struct mrc_curve_record, member) \
	}
	FIELD("name", MRC_FIELD_STRING, name),
	FIELD("algorithm", MRC_FIELD_STRING, algorithm),
	FIELD("page_bytes", MRC_FIELD_U64, page_bytes),
	FIELD("accesses", MRC_FIELD_U64, nr_accesses),
	FIELD("sampling_rate", MRC_FIELD_DOUBLE, sampling_rate),
	FIELD("confidence", MRC_FIELD_DOUBLE, confidence),
	FIELD("points", MRC_FIELD_CURVE, curve),
	FIELD("lower", MRC_FIELD_CURVE, lower),
	FIELD("upper", MRC_FIELD_CURVE, upper),
#undef FIELD
};

void mrc_curve_fail(struct mrc_curve_failure *failure, int err, size_t at_byte,
		    const char *reason)
{
	if (failure->err != 0)
		return;
	failure->err = err;
	failure->error.at_byte = at_byte;
	failure->error.reason = reason;
}

void mrc_bytes_append(struct mrc_bytes *bytes, const void *from,
		      size_t nr_bytes)
{
	if (bytes->is_out_of_memory || nr_bytes == 0)
		return;
	if (nr_bytes > bytes->max_bytes - bytes->nr_bytes) {
		size_t max_bytes = bytes->nr_bytes + nr_bytes;
		unsigned char *grown = NULL;

		if (max_bytes >= nr_bytes && max_bytes <= SIZE_MAX / 2) {
			max_bytes = max_bytes < 512 ? 512 : 2 * max_bytes;
			grown = realloc(bytes->bytes, max_bytes);
		}
		if (grown == NULL) {
			bytes->is_out_of_memory = true;
			return;
		}
		bytes->bytes = grown;
		bytes->max_bytes = max_bytes;
	}
	memcpy(bytes->bytes + bytes->nr_bytes, from, nr_bytes);
	bytes->nr_bytes += nr_bytes;
}

int mrc_points_append(struct mrc_points *points, double size_pages,
		      double miss_ratio)
{
	if (points->nr_points == points->max_points) {
		size_t max_points = points->max_points * 2 + 64;
		double *grown;

		if (max_points > SIZE_MAX / 4 / sizeof(*grown))
			return -ENOMEM;
		grown = realloc(points->sizes_pages,
				max_points * sizeof(*grown));
		if (grown == NULL)
			return -ENOMEM;
		points->sizes_pages = grown;
		grown = realloc(points->miss_ratios,
				max_points * sizeof(*grown));
		if (grown == NULL)
			return -ENOMEM;
		points->miss_ratios = grown;
		points->max_points = max_points;
	}
	points->sizes_pages[points->nr_points] = size_pages;
	points->miss_ratios[points->nr_points] = miss_ratio;
	points->nr_points++;
	return 0;
}

void mrc_points_exit(struct mrc_points *points)
{
	free(points->sizes_pages);
	free(points->miss_ratios);
}

bool mrc_curve_field_is_set(const struct mrc_curve_record *record,
			    const struct mrc_curve_field *field)
{
	const char *at = (const char *)record + field->offset;

	switch (field->kind) {
	case MRC_FIELD_STRING:
		return *at != '\0';
	case MRC_FIELD_U64:
		return *(const uint64_t *)(const void *)at != 0;
	case MRC_FIELD_DOUBLE:
		return *(const double *)(const void *)at != 0;
	default:
		return *(struct mrc_curve *const *)(const void *)at != NULL;
	}
}

void mrc_curve_field_set_curve(struct mrc_curve_record *record,
			       const struct mrc_curve_field *field,
			       struct mrc_points *points, size_t at_byte,
			       struct mrc_curve_failure *failure)
{
	struct mrc_curve **ret_curve = (void *)((char *)record + field->offset);
	int err = mrc_curve_new(points->sizes_pages, points->miss_ratios,
				points->nr_points, ret_curve);

	if (err == -ENOMEM)
		mrc_curve_fail(failure, err, at_byte, "out of memory");
	else if (err < 0)
		mrc_curve_fail(failure, -EBADMSG, at_byte,
			       "the points are not a curve");
	points->nr_points = 0;
}

/* Bytes of the UTF-8 character at @text, or 0: see table 3-7 of Unicode. */
static size_t utf8_character(const unsigned char *text, size_t nr_bytes)
{
	unsigned char low = 0x80;
	unsigned char high = 0xbf;
	size_t length;
	size_t i;

	if (text[0] == 0)
		return 0;
	if (text[0] < 0x80)
		return 1;
	if (text[0] < 0xc2 || text[0] > 0xf4)
		return 0;
	length = text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
	/* Neither longer than needed, nor a surrogate, nor above 10ffff. */
	if (text[0] == 0xe0)
		low = 0xa0;
	if (text[0] == 0xed)
		high = 0x9f;
	if (text[0] == 0xf0)
		low = 0x90;
	if (text[0] == 0xf4)
		high = 0x8f;
	if (length > nr_bytes || text[1] < low || text[1] > high)
		return 0;
	for (i = 2; i < length; i++)
		if (text[i] < 0x80 || text[i] > 0xbf)
			return 0;
	return length;
}

size_t mrc_utf8_prefix(const char *text, size_t nr_bytes)
{
	const unsigned char *bytes = (const unsigned char *)text;
	size_t at = 0;

	while (at < nr_bytes) {
		size_t length = utf8_character(bytes + at, nr_bytes - at);

		if (length == 0)
			break;
		at += length;
	}
	return at;
}

const char *mrc_curve_record_check(const struct mrc_curve_record *record)
{
	bool has_band = record->lower != NULL;
	size_t i;

	for (i = 0; i < MRC_NR_CURVE_FIELDS; i++) {
		const char *at =
			(const char *)record + mrc_curve_fields[i].offset;
		const char *end;

		if (mrc_curve_fields[i].kind != MRC_FIELD_STRING)
			continue;
		end = memchr(at, '\0', MRC_CURVE_IO_MAX_NAME_BYTES + 1);
		if (end == NULL || mrc_utf8_prefix(at, (size_t)(end - at)) !=
					   (size_t)(end - at))
			return "a name is not UTF-8";
	}
	if (record->curve == NULL)
		return "there are no points";
	if (!(record->sampling_rate >= 0 && record->sampling_rate <= 1))
		return "the sampling rate is not in (0, 1]";
	if (!(record->confidence >= 0 && record->confidence < 1))
		return "the confidence is not in (0, 1)";
	if (has_band != (record->upper != NULL) ||
	    has_band != (record->confidence > 0))
		return "the band is not whole";
	return NULL;
}

void mrc_curve_record_exit(struct mrc_curve_record *record)
{
	if (record == NULL)
		return;
	mrc_curve_free(record->curve);
	mrc_curve_free(record->lower);
	mrc_curve_free(record->upper);
	memset(record, 0, sizeof(*record));
}

int mrc_curve_read(const void *bytes, size_t nr_bytes,
		   struct mrc_curve_record *ret_record,
		   struct mrc_curve_read_error *ret_error)
{
	struct mrc_curve_failure failure = { .err = 0 };
	const unsigned char *first = bytes;
	struct mrc_curve_record record;

	memset(&record, 0, sizeof(record));
	if (nr_bytes > 0 && *first == MRC_CURVE_BINARY_FIRST_BYTE)
		mrc_curve_read_binary(bytes, nr_bytes, &record, &failure);
	else
		mrc_curve_read_json(bytes, nr_bytes, &record, &failure);
	if (failure.err == 0) {
		const char *reason = mrc_curve_record_check(&record);

		if (reason != NULL)
			mrc_curve_fail(&failure, -EBADMSG, nr_bytes, reason);
	}
	if (failure.err != 0) {
		mrc_curve_record_exit(&record);
		if (ret_error != NULL && failure.err != -ENOMEM)
			*ret_error = failure.error;
		return failure.err;
	}
	*ret_record = record;
	return 0;
}
