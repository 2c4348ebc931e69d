/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the JSON and the binary form of a curve share. */
#ifndef MRC_SRC_CURVE_IO_H
#define MRC_SRC_CURVE_IO_H

#include <mrc/curve_io.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mrc_curve_field_kind {
	MRC_FIELD_STRING, /* a char array; empty: not there */
	MRC_FIELD_U64, /* 0: not there */
	MRC_FIELD_DOUBLE, /* 0: not there */
	MRC_FIELD_CURVE /* a pointer; NULL: not there */
};

/* A field of struct mrc_curve_record: its name in JSON, and where it is. */
struct mrc_curve_field {
	const char *name;
	enum mrc_curve_field_kind kind;
	size_t offset;
};

#define MRC_NR_CURVE_FIELDS 9

/* In the order of their types in the binary form, the first of which is 1. */
extern const struct mrc_curve_field mrc_curve_fields[MRC_NR_CURVE_FIELDS];

/* Bytes that grow. All zero is empty. */
struct mrc_bytes {
	unsigned char *bytes;
	size_t nr_bytes;
	size_t max_bytes;
	bool is_out_of_memory; /* then nothing more is appended */
};

/* Points that grow: size and miss ratio in turn. All zero is empty. */
struct mrc_points {
	double *sizes_pages;
	double *miss_ratios;
	size_t nr_points;
	size_t max_points;
};

/* Why reading failed, and what to return: 0 if it has not. */
struct mrc_curve_failure {
	int err;
	struct mrc_curve_read_error error;
};

void mrc_bytes_append(struct mrc_bytes *bytes, const void *from,
		      size_t nr_bytes);

/* Append a point; without memory -ENOMEM. */
int mrc_points_append(struct mrc_points *points, double size_pages,
		      double miss_ratio);

/* Free them. */
void mrc_points_exit(struct mrc_points *points);

/* Whether the record has anything in @field. */
bool mrc_curve_field_is_set(const struct mrc_curve_record *record,
			    const struct mrc_curve_field *field);

/* Make a curve of @points in @field, and empty them. Sets err and reason. */
void mrc_curve_field_set_curve(struct mrc_curve_record *record,
			       const struct mrc_curve_field *field,
			       struct mrc_points *points, size_t at_byte,
			       struct mrc_curve_failure *failure);

/* Set the error, unless there is one. */
void mrc_curve_fail(struct mrc_curve_failure *failure, int err, size_t at_byte,
		    const char *reason);

/* What is wrong with @record as a whole, or NULL. */
const char *mrc_curve_record_check(const struct mrc_curve_record *record);

/* How many bytes @text begins with that are UTF-8 without NUL. */
size_t mrc_utf8_prefix(const char *text, size_t nr_bytes);

/*
 * Read into @record, which is all zero; what is there on failure the caller
 * frees. The record is not checked as a whole yet.
 */
void mrc_curve_read_json(const char *text, size_t nr_bytes,
			 struct mrc_curve_record *record,
			 struct mrc_curve_failure *failure);
void mrc_curve_read_binary(const unsigned char *bytes, size_t nr_bytes,
			   struct mrc_curve_record *record,
			   struct mrc_curve_failure *failure);

/* First byte of the binary form: no text in UTF-8 begins with it. */
#define MRC_CURVE_BINARY_FIRST_BYTE 0x93

#endif /* MRC_SRC_CURVE_IO_H */
