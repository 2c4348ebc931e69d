/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Curves as bytes: JSON to be read by people and other programs, and a compact
 * binary form. From and to memory; no file is opened.
 *
 *	struct mrc_curve_record record = { .name = "web1", .curve = curve };
 *	char *text;
 *	size_t nr_bytes;
 *	int err = mrc_curve_write_json(&record, &text, &nr_bytes);
 *	if (err == 0)
 *		fwrite(text, 1, nr_bytes, file);
 *	free(text);
 *	...
 *	struct mrc_curve_read_error error;
 *	err = mrc_curve_read(bytes, nr_bytes, &record, &error);
 *	if (err < 0)
 *		fprintf(stderr, "byte %zu: %s\n", error.at_byte, error.reason);
 *	...
 *	mrc_curve_record_exit(&record);
 *
 * JSON, version 1.0, is one object; each field at most once, in any order:
 *
 *	"format"	"mrc-curve"
 *	"major"		1
 *	"minor"		0
 *	"name"		string; may be absent, as all below but "points"
 *	"algorithm"	string
 *	"page_bytes"	whole number below 2^64, above 0
 *	"accesses"	whole number below 2^64, above 0
 *	"sampling_rate"	number in (0, 1]
 *	"confidence"	number in (0, 1), with "lower" and "upper"
 *	"points"	array of points [size in pages, miss ratio], see
 *			mrc_curve_new()
 *	"lower"		array of points: the lower end of the band
 *	"upper"		array of points: its upper end
 *
 * Binary, version 1.0, all numbers little-endian: the bytes 93 4d 52 43 0d 0a
 * 1a 0a, major and minor version (16 bits each), sections in any order, each at
 * most once, and the 64-bit FNV-1a hash of all bytes before it. A section is
 * its type (32 bits), the number of bytes that follow (64 bits), and these:
 *
 *	1 name, 2 algorithm	UTF-8
 *	3 page_bytes, 4 accesses	64 bits
 *	5 sampling_rate, 6 confidence	IEEE 754, 64 bits
 *	7 points, 8 lower, 9 upper	two such numbers for each point
 *
 * What a newer minor version has added is skipped; a newer major version is
 * refused. What was written is read as exactly the same numbers, whatever the
 * locale.
 *
 * Ownership: who reads a record owns its curves, and frees them with
 * mrc_curve_record_exit(). Writing leaves them alone; what was written is freed
 * with free().
 * Threads: no globals. The calling thread's locale is changed during a call.
 * Errors: 0 or -errno; outputs are untouched on failure, but for @ret_error.
 * Passing NULL where it is not said to be allowed is undefined.
 */
#ifndef MRC_CURVE_IO_H
#define MRC_CURVE_IO_H

#include <stddef.h>
#include <stdint.h>

#include <mrc/curve.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Version that is written, and the newest that is understood in full. */
#define MRC_CURVE_IO_MAJOR 1
#define MRC_CURVE_IO_MINOR 0

/* Longest name, in bytes without the NUL. */
#define MRC_CURVE_IO_MAX_NAME_BYTES 255

/**
 * struct mrc_curve_record - a curve, and what is known of it
 * @name: what was measured, UTF-8; empty for unknown
 * @algorithm: how the curve was made, UTF-8, say "aet"; empty for unknown
 * @page_bytes: page size; 0 for unknown
 * @nr_accesses: accesses that the curve is of; 0 for unknown
 * @sampling_rate: share of pages or accesses sampled, in (0, 1]; 0 for unknown
 * @confidence: probability with which the band holds the true curve at a size,
 *	in (0, 1); 0 without a band
 * @curve: the curve
 * @lower: lower end of the band; NULL without one
 * @upper: upper end of the band; NULL without one
 */
struct mrc_curve_record {
	char name[MRC_CURVE_IO_MAX_NAME_BYTES + 1];
	char algorithm[MRC_CURVE_IO_MAX_NAME_BYTES + 1];
	uint64_t page_bytes;
	uint64_t nr_accesses;
	double sampling_rate;
	double confidence;
	struct mrc_curve *curve;
	struct mrc_curve *lower;
	struct mrc_curve *upper;
};

/**
 * struct mrc_curve_read_error - why bytes are no curve
 * @at_byte: where it was noticed, from 0
 * @reason: in a few words, valid for ever
 */
struct mrc_curve_read_error {
	size_t at_byte;
	const char *reason;
};

/**
 * mrc_curve_record_exit() - free the curves of a record
 * @record: record, or NULL; is all zero afterwards
 */
void mrc_curve_record_exit(struct mrc_curve_record *record);

/**
 * mrc_curve_write_json() - a curve as JSON
 * @record: a curve at least
 * @ret_text: the text, which ends in a line feed and a NUL, to be freed with
 *	free()
 * @ret_nr_bytes: its length without the NUL; may be NULL
 *
 * Numbers have as many digits as it takes to read them as the same double.
 *
 * Returns 0; -EINVAL a field is out of range, a name not UTF-8, or the band
 * not whole; -ENOMEM.
 */
int mrc_curve_write_json(const struct mrc_curve_record *record, char **ret_text,
			 size_t *ret_nr_bytes);

/**
 * mrc_curve_write_binary() - a curve in the compact form
 * @record: a curve at least
 * @ret_bytes: the bytes, to be freed with free()
 * @ret_nr_bytes: how many there are
 *
 * Returns 0; -EINVAL as mrc_curve_write_json(); -ENOMEM.
 */
int mrc_curve_write_binary(const struct mrc_curve_record *record,
			   void **ret_bytes, size_t *ret_nr_bytes);

/**
 * mrc_curve_read() - read a curve in either form
 * @bytes: what was written, all of it and nothing else
 * @nr_bytes: how many bytes
 * @ret_record: the curve, to be freed with mrc_curve_record_exit()
 * @ret_error: what is wrong, set for -EBADMSG and -ENOTSUP; may be NULL
 *
 * Safe on any bytes.
 *
 * Returns 0; -EBADMSG the bytes are no curve; -ENOTSUP they are of a newer
 * major version; -ENOMEM.
 */
int mrc_curve_read(const void *bytes, size_t nr_bytes,
		   struct mrc_curve_record *ret_record,
		   struct mrc_curve_read_error *ret_error);

#ifdef __cplusplus
}
#endif

#endif /* MRC_CURVE_IO_H */
