// SPDX-License-Identifier: LGPL-2.1-or-later
#include "curve_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <mrc/curve_io.h>

#include "cleanup.h"
#include "input.h"
#include "log.h"
#include "report.h"
#include "text.h"
#include "words.h"

/* A curve of a hundred million points; more is a mistake. */
#define CURVE_FILE_MAX_BYTES ((size_t)4 << 30)
#define CURVE_FILE_CHUNK_BYTES ((size_t)64 << 10)

static bool curve_file_is_binary(const void *bytes, size_t nr_bytes)
{
	static const unsigned char magic[] = { 0x93, 0x4d, 0x52, 0x43,
					       0x0d, 0x0a, 0x1a, 0x0a };

	return nr_bytes >= sizeof(magic) &&
	       memcmp(bytes, magic, sizeof(magic)) == 0;
}

int curve_file_is(const char *name, bool *ret_is_curve)
{
	char bytes[INPUT_MAX_PEEK];
	size_t nr_bytes, i = 0;
	int err;

	if (stream_is_generator(name)) {
		*ret_is_curve = false;
		return 0;
	}
	err = input_peek(name, bytes, &nr_bytes);
	if (err < 0)
		return err;
	while (i < nr_bytes && strchr(" \t\r\n", bytes[i]))
		i++;
	*ret_is_curve = curve_file_is_binary(bytes, nr_bytes) ||
			(i < nr_bytes && bytes[i] == '{');
	return 0;
}

/* All of an input; ends in a 0 that does not count. */
static int curve_file_slurp(const char *name, struct input *input,
			    char **ret_bytes, size_t *ret_nr_bytes)
{
	_cleanup_free_ char *bytes = NULL;
	size_t nr_bytes = 0, room = 0, nr_read;
	int err;

	do {
		if (room - nr_bytes < CURVE_FILE_CHUNK_BYTES) {
			char *grown;

			room = 2 * room + CURVE_FILE_CHUNK_BYTES;
			grown = room > CURVE_FILE_MAX_BYTES ?
					NULL :
					realloc(bytes, room + 1);
			if (!grown) {
				log_error("'%s': too large for a curve", name);
				return -ENOMEM;
			}
			bytes = grown;
		}
		err = input_read(input, CURVE_FILE_CHUNK_BYTES,
				 bytes + nr_bytes, &nr_read);
		if (err < 0)
			return err;
		nr_bytes += nr_read;
	} while (nr_read > 0);
	bytes[nr_bytes] = '\0';
	*ret_bytes = TAKE_PTR(bytes);
	*ret_nr_bytes = nr_bytes;
	return 0;
}

/* Takes the curves out of @record. */
static int curve_file_add_record(const char *file, size_t number,
				 struct mrc_curve_record *record,
				 struct result_set *set)
{
	struct result *result = result_set_add(set, record->algorithm);
	const char *base = strrchr(file, '/');
	char numbered[WORD_BYTES];

	if (!result) {
		log_error("out of memory");
		return -ENOMEM;
	}
	base = base ? base + 1 : file;
	if (!*record->algorithm && !*record->name) {
		(void)snprintf(numbered, sizeof(numbered),
			       number > 0 ? "%s:%zu" : "%s", base, number);
		free(result->label);
		result->label = strdup(numbered);
	}
	result->origin = strdup(record->name);
	result->page_bytes = record->page_bytes;
	result->nr_accesses = record->nr_accesses;
	result->sampling_rate = record->sampling_rate;
	result->confidence = record->confidence;
	result->curve = TAKE_PTR(record->curve);
	result->lower = TAKE_PTR(record->lower);
	result->upper = TAKE_PTR(record->upper);
	if (!result->label || !result->origin) {
		log_error("out of memory");
		return -ENOMEM;
	}
	return 0;
}

/*
 * @number: of the curve in the file, or 0 if it is the only one
 * @offset: where @bytes are in the file
 */
static int curve_file_parse(const char *name, size_t number, const char *bytes,
			    size_t nr_bytes, size_t offset,
			    struct result_set *set)
{
	CLEANUP(mrc_curve_record_exit) struct mrc_curve_record record = { 0 };
	struct mrc_curve_read_error error;
	int err;

	err = mrc_curve_read(bytes, nr_bytes, &record, &error);
	if (err == 0)
		return curve_file_add_record(name, number, &record, set);
	if (err == -ENOMEM)
		log_error("out of memory");
	else
		log_error("'%s', byte %zu: %s", name,
			  offset + error.at_byte + 1, error.reason);
	return err;
}

/* The end of the JSON object that begins at @bytes; or that of all bytes. */
static const char *curve_file_object_end(const char *bytes)
{
	bool is_string = false;
	unsigned int depth = 0;

	for (; *bytes; bytes++) {
		if (*bytes == '"') {
			is_string = !is_string;
		} else if (is_string) {
			if (*bytes == '\\' && bytes[1])
				bytes++;
		} else if (*bytes == '{') {
			depth++;
		} else if (*bytes == '}' && --depth == 0) {
			return bytes + 1;
		}
	}
	return bytes;
}

static int curve_file_parse_objects(const char *name, const char *bytes,
				    struct result_set *set)
{
	const char *start = bytes + strspn(bytes, " \t\r\n");
	size_t number = 0;
	int err = 0;

	while (*start && err == 0) {
		const char *end = curve_file_object_end(start);

		end += strspn(end, " \t\r\n");
		number++;
		/* A file of one curve needs no number. */
		err = curve_file_parse(name, number == 1 && !*end ? 0 : number,
				       start, (size_t)(end - start),
				       (size_t)(start - bytes), set);
		start = end;
	}
	return err;
}

int curve_file_add(const char *name, struct result_set *set)
{
	_cleanup_free_ char *bytes = NULL;
	struct input *input;
	size_t nr_bytes;
	int err;

	err = input_open(name, &input);
	if (err < 0)
		return err;
	err = curve_file_slurp(name, input, &bytes, &nr_bytes);
	name = strcmp(name, "-") == 0 ? "standard input" : name;
	input_close(input);
	if (err < 0)
		return err;
	/* With a 0 in it, it is no text, and to be looked at as a whole. */
	if (strlen(bytes) == nr_bytes)
		return curve_file_parse_objects(name, bytes, set);
	return curve_file_parse(name, 0, bytes, nr_bytes, 0, set);
}

static bool curve_file_share_origin(const struct result_set *set)
{
	size_t i;

	for (i = 1; i < set->nr_results; i++) {
		if (strcmp(set->results[i].origin, set->results[0].origin) != 0)
			return false;
	}
	return true;
}

static int curve_file_label(struct result_set *set)
{
	const struct result *first = &set->results[0];
	size_t i;

	if (curve_file_share_origin(set)) {
		if (!*first->origin)
			return 0;
		free(set->title);
		set->title = strdup(first->origin);
		return set->title ? 0 : -ENOMEM;
	}
	for (i = 0; i < set->nr_results; i++) {
		struct result *result = &set->results[i];
		char *label;

		if (!*result->origin)
			continue;
		if (asprintf(&label, *result->label ? "%s, %s" : "%s%s",
			     result->label, result->origin) < 0)
			return -ENOMEM;
		free(result->label);
		result->label = label;
	}
	return 0;
}

int curve_file_find(const struct options *options, bool **ret_is_curve)
{
	_cleanup_free_ bool *is_curve =
		calloc(options->nr_inputs, sizeof(*is_curve));
	size_t i;
	int err = 0;

	if (!is_curve) {
		log_error("out of memory");
		return -ENOMEM;
	}
	for (i = 0; i < options->nr_inputs && err == 0; i++)
		err = curve_file_is(options->inputs[i], &is_curve[i]);
	if (err == 0)
		*ret_is_curve = TAKE_PTR(is_curve);
	return err;
}

int curve_file_add_all(const struct options *options, const bool *is_curve,
		       struct result_set *set)
{
	size_t i;
	int err = 0;

	for (i = 0; i < options->nr_inputs && err == 0; i++) {
		if (is_curve[i])
			err = curve_file_add(options->inputs[i], set);
	}
	if (err == 0 && set->nr_results > 0)
		err = curve_file_label(set);
	return err;
}

/* Cuts at a character, as the name must be UTF-8 in any case. */
static int curve_file_copy_name(const char *text,
				char name[MRC_CURVE_IO_MAX_NAME_BYTES + 1])
{
	_cleanup_free_ char *utf8 = text_utf8(text);
	size_t length;

	if (!utf8)
		return -ENOMEM;
	length = strlen(utf8);
	if (length > MRC_CURVE_IO_MAX_NAME_BYTES) {
		length = MRC_CURVE_IO_MAX_NAME_BYTES;
		while (length > 0 && (utf8[length] & 0xc0) == 0x80)
			length--;
	}
	memcpy(name, utf8, length);
	name[length] = '\0';
	return 0;
}

/* The curve at the sizes asked for alone, from (0, 1) on. */
static int curve_file_resample(const struct options *options,
			       const struct result_set *set,
			       const struct mrc_curve *curve,
			       struct mrc_curve **ret_curve)
{
	size_t nr_sizes = report_nr_sizes(options), nr_points = 1, i;
	_cleanup_free_ double *sizes = calloc(nr_sizes + 1, sizeof(*sizes));
	_cleanup_free_ double *ratios = calloc(nr_sizes + 1, sizeof(*ratios));

	if (!sizes || !ratios)
		return -ENOMEM;
	ratios[0] = 1;
	for (i = 0; i < nr_sizes; i++) {
		double pages = report_size_pages(options, set, i);

		if (pages <= sizes[nr_points - 1])
			continue;
		sizes[nr_points] = pages;
		ratios[nr_points++] = mrc_curve_at(curve, pages);
	}
	return mrc_curve_new(sizes, ratios, nr_points, ret_curve);
}

static int curve_file_resample_all(const struct options *options,
				   const struct result_set *set,
				   const struct result *result,
				   struct mrc_curve_record *record)
{
	int err;

	err = curve_file_resample(options, set, result->curve, &record->curve);
	if (err < 0 || !result->lower || !result->upper)
		return err;
	err = curve_file_resample(options, set, result->lower, &record->lower);
	if (err < 0)
		return err;
	return curve_file_resample(options, set, result->upper, &record->upper);
}

static int curve_file_write_record(FILE *out,
				   const struct mrc_curve_record *record,
				   enum options_target target)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ void *bytes = NULL;
	size_t nr_bytes;
	int err;

	if (target == OPTIONS_TO_CURVE_BINARY)
		err = mrc_curve_write_binary(record, &bytes, &nr_bytes);
	else
		err = mrc_curve_write_json(record, &text, &nr_bytes);
	if (err == 0)
		(void)fwrite(text ? text : bytes, 1, nr_bytes, out);
	return err;
}

static int curve_file_write_one(FILE *out, const struct options *options,
				const struct result_set *set,
				const struct result *result,
				enum options_target target)
{
	CLEANUP(mrc_curve_record_exit) struct mrc_curve_record owned = { 0 };
	struct mrc_curve_record record = {
		.page_bytes = result->page_bytes ? result->page_bytes :
						   options_page_bytes(options),
		.nr_accesses = result->nr_accesses ? result->nr_accesses :
						     set->nr_accesses,
		.sampling_rate = result->sampling_rate,
		.confidence = result->confidence,
		.curve = result->curve,
		.lower = result->lower,
		.upper = result->upper,
	};
	int err;

	err = curve_file_copy_name(result->origin ? result->origin : set->title,
				   record.name);
	if (err == 0)
		err = curve_file_copy_name(result->label, record.algorithm);
	if (err == 0 && (options->nr_sizes > 0 || options->has_points)) {
		err = curve_file_resample_all(options, set, result, &owned);
		record.curve = owned.curve;
		record.lower = owned.lower;
		record.upper = owned.upper;
	}
	return err < 0 ? err : curve_file_write_record(out, &record, target);
}

int curve_file_write(FILE *out, const struct options *options,
		     const struct result_set *set, enum options_target target)
{
	size_t i;
	int err = 0;

	if (target == OPTIONS_TO_CURVE_BINARY && set->nr_results > 1) {
		log_error("'%s' has %zu curves: the binary form holds only one",
			  set->title, set->nr_results);
		return -EINVAL;
	}
	for (i = 0; i < set->nr_results && err == 0; i++)
		err = curve_file_write_one(out, options, set, &set->results[i],
					   target);
	if (err < 0)
		log_error("cannot write a curve: %s", strerror(-err));
	return err;
}
