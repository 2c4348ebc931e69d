// SPDX-License-Identifier: LGPL-2.1-or-later
#include "curve_io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fnv.h"
#include "little_endian.h"

/*
 * As PNG's: the first byte is no text, the line ends reveal a transfer that
 * changes them, and 1a ends a listing on some systems.
 */
static const unsigned char magic[8] = {
	MRC_CURVE_BINARY_FIRST_BYTE, 'M', 'R', 'C', '\r', '\n', 0x1a, '\n'
};

#define HEADER_BYTES 12 /* magic, major, minor */
#define SECTION_BYTES 12 /* type, length */
#define HASH_BYTES 8
#define POINT_BYTES 16

static uint64_t bits_of(double number)
{
	uint64_t bits;

	memcpy(&bits, &number, sizeof(bits));
	return bits;
}

static double double_of(uint64_t bits)
{
	double number;

	memcpy(&number, &bits, sizeof(number));
	return number;
}

static void put(struct mrc_bytes *out, size_t nr_bytes, uint64_t number)
{
	unsigned char bytes[8];

	mrc_le_put(bytes, nr_bytes, number);
	mrc_bytes_append(out, bytes, nr_bytes);
}

static void put_points(struct mrc_bytes *out, const struct mrc_curve *curve)
{
	size_t i;

	for (i = 0; i < mrc_curve_nr_points(curve); i++) {
		double size_pages = 0;
		double miss_ratio = 1;

		(void)mrc_curve_point(curve, i, &size_pages, &miss_ratio);
		put(out, 8, bits_of(size_pages));
		put(out, 8, bits_of(miss_ratio));
	}
}

static void put_section(struct mrc_bytes *out,
			const struct mrc_curve_record *record, size_t index)
{
	const struct mrc_curve_field *field = &mrc_curve_fields[index];
	const void *at = (const char *)record + field->offset;
	const struct mrc_curve *curve;
	double number;

	put(out, 4, index + 1);
	switch (field->kind) {
	case MRC_FIELD_STRING:
		put(out, 8, strlen(at));
		mrc_bytes_append(out, at, strlen(at));
		break;
	case MRC_FIELD_U64:
		put(out, 8, 8);
		put(out, 8, *(const uint64_t *)at);
		break;
	case MRC_FIELD_DOUBLE:
		memcpy(&number, at, sizeof(number));
		put(out, 8, 8);
		put(out, 8, bits_of(number));
		break;
	case MRC_FIELD_CURVE:
		curve = *(struct mrc_curve *const *)at;
		put(out, 8, mrc_curve_nr_points(curve) * POINT_BYTES);
		put_points(out, curve);
		break;
	}
}

int mrc_curve_write_binary(const struct mrc_curve_record *record,
			   void **ret_bytes, size_t *ret_nr_bytes)
{
	struct mrc_bytes out = { .bytes = NULL };
	size_t i;

	if (mrc_curve_record_check(record) != NULL)
		return -EINVAL;
	mrc_bytes_append(&out, magic, sizeof(magic));
	put(&out, 2, MRC_CURVE_IO_MAJOR);
	put(&out, 2, MRC_CURVE_IO_MINOR);
	for (i = 0; i < MRC_NR_CURVE_FIELDS; i++)
		if (mrc_curve_field_is_set(record, &mrc_curve_fields[i]))
			put_section(&out, record, i);
	put(&out, HASH_BYTES, mrc_fnv1a(out.bytes, out.nr_bytes));
	if (out.is_out_of_memory) {
		free(out.bytes);
		return -ENOMEM;
	}
	*ret_bytes = out.bytes;
	*ret_nr_bytes = out.nr_bytes;
	return 0;
}

static void read_points(const unsigned char *bytes, size_t nr_bytes,
			struct mrc_curve_record *record,
			const struct mrc_curve_field *field, size_t at_byte,
			struct mrc_curve_failure *failure)
{
	struct mrc_points points = { .nr_points = 0 };
	size_t i;
	int err = 0;

	for (i = 0; err == 0 && i < nr_bytes / POINT_BYTES; i++) {
		const unsigned char *point = bytes + i * POINT_BYTES;

		err = mrc_points_append(&points,
					double_of(mrc_le_get(point, 8)),
					double_of(mrc_le_get(point + 8, 8)));
	}
	if (err < 0)
		mrc_curve_fail(failure, err, at_byte, "out of memory");
	else
		mrc_curve_field_set_curve(record, field, &points, at_byte,
					  failure);
	mrc_points_exit(&points);
}

static void read_section(const unsigned char *bytes, size_t nr_bytes,
			 struct mrc_curve_record *record,
			 const struct mrc_curve_field *field, size_t at_byte,
			 struct mrc_curve_failure *failure)
{
	void *to = (char *)record + field->offset;
	double number;

	switch (field->kind) {
	case MRC_FIELD_STRING:
		if (nr_bytes > MRC_CURVE_IO_MAX_NAME_BYTES || nr_bytes == 0 ||
		    mrc_utf8_prefix((const char *)bytes, nr_bytes) !=
			    nr_bytes) {
			mrc_curve_fail(
				failure, -EBADMSG, at_byte,
				"a name is empty, too long or not UTF-8");
			return;
		}
		memcpy(to, bytes, nr_bytes);
		break;
	case MRC_FIELD_U64:
	case MRC_FIELD_DOUBLE:
		if (nr_bytes != 8) {
			mrc_curve_fail(failure, -EBADMSG, at_byte,
				       "a number is not of 8 bytes");
			return;
		}
		if (field->kind == MRC_FIELD_U64) {
			*(uint64_t *)to = mrc_le_get(bytes, 8);
		} else {
			number = double_of(mrc_le_get(bytes, 8));
			memcpy(to, &number, sizeof(number));
		}
		/* That stands for unknown: such a section is not written. */
		if (!mrc_curve_field_is_set(record, field))
			mrc_curve_fail(failure, -EBADMSG, at_byte,
				       "a number is 0");
		break;
	case MRC_FIELD_CURVE:
		if (nr_bytes % POINT_BYTES != 0) {
			mrc_curve_fail(failure, -EBADMSG, at_byte,
				       "a point is cut off");
			return;
		}
		read_points(bytes, nr_bytes, record, field, at_byte, failure);
		break;
	}
}

static void read_sections(const unsigned char *bytes, size_t nr_bytes,
			  bool is_newer, struct mrc_curve_record *record,
			  struct mrc_curve_failure *failure)
{
	size_t at = HEADER_BYTES;

	while (failure->err == 0 && at < nr_bytes) {
		const struct mrc_curve_field *field;
		uint64_t length;
		uint64_t type;

		if (nr_bytes - at < SECTION_BYTES) {
			mrc_curve_fail(failure, -EBADMSG, at,
				       "a section is cut off");
			return;
		}
		type = mrc_le_get(bytes + at, 4);
		length = mrc_le_get(bytes + at + 4, 8);
		if (length > nr_bytes - at - SECTION_BYTES) {
			mrc_curve_fail(failure, -EBADMSG, at,
				       "a section is cut off");
			return;
		}
		if (type >= 1 && type <= MRC_NR_CURVE_FIELDS) {
			field = &mrc_curve_fields[type - 1];
			if (mrc_curve_field_is_set(record, field))
				mrc_curve_fail(failure, -EBADMSG, at,
					       "a section comes twice");
			else
				read_section(bytes + at + SECTION_BYTES,
					     (size_t)length, record, field, at,
					     failure);
		} else if (!is_newer) {
			mrc_curve_fail(failure, -EBADMSG, at,
				       "a section is of no known type");
		}
		at += SECTION_BYTES + (size_t)length;
	}
}

void mrc_curve_read_binary(const unsigned char *bytes, size_t nr_bytes,
			   struct mrc_curve_record *record,
			   struct mrc_curve_failure *failure)
{
	size_t nr_hashed;

	if (nr_bytes < sizeof(magic) ||
	    memcmp(bytes, magic, sizeof(magic)) != 0) {
		mrc_curve_fail(failure, -EBADMSG, 0, "this is no curve");
		return;
	}
	if (nr_bytes < HEADER_BYTES + HASH_BYTES) {
		mrc_curve_fail(failure, -EBADMSG, nr_bytes, "it is cut off");
		return;
	}
	/* A newer major version may end in another hash. */
	if (mrc_le_get(bytes + 8, 2) > MRC_CURVE_IO_MAJOR) {
		mrc_curve_fail(failure, -ENOTSUP, 8,
			       "it is of a newer major version");
		return;
	}
	if (mrc_le_get(bytes + 8, 2) < MRC_CURVE_IO_MAJOR) {
		mrc_curve_fail(failure, -EBADMSG, 8,
			       "there is no such major version");
		return;
	}
	nr_hashed = nr_bytes - HASH_BYTES;
	if (mrc_fnv1a(bytes, nr_hashed) !=
	    mrc_le_get(bytes + nr_hashed, HASH_BYTES)) {
		mrc_curve_fail(failure, -EBADMSG, nr_hashed,
			       "the hash does not fit: bytes were changed");
		return;
	}
	read_sections(bytes, nr_hashed,
		      mrc_le_get(bytes + 10, 2) > MRC_CURVE_IO_MINOR, record,
		      failure);
}
