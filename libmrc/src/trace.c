// SPDX-License-Identifier: LGPL-2.1-or-later
#include <mrc/trace.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fnv.h"
#include "little_endian.h"
#include "text.h"

#define DEFAULT_PAGE_BYTES 4096
#define BATCH_ACCESSES 1024
#define U64_BYTES 8
#define ORACLE_GENERAL_BYTES 24

/* Part of a line or record, not terminated. */
struct text {
	const char *start;
	size_t nr_bytes;
};

/* What a record says, before it is split into pages. */
struct access {
	uint64_t page; /* or address */
	uint64_t time;
	uint64_t size_bytes;
	int64_t next;
	bool is_write;
};

/* The fields of a CSV record that are of interest. */
enum column {
	COLUMN_PAGE,
	COLUMN_WRITE,
	COLUMN_TIME,
	COLUMN_SIZE,
	NR_COLUMNS
};

/* Where in a CSV record its next byte is: a line may end inside quotes. */
enum csv_place {
	CSV_FIELD_START,
	CSV_UNQUOTED,
	CSV_QUOTED,
	CSV_BEHIND_QUOTE /* the end of the field, or the first of two quotes */
};

struct mrc_trace_parser {
	enum mrc_trace_format format;
	struct mrc_trace_options options; /* without names */
	unsigned int page_shift;
	mrc_trace_sink sink;
	void *context;

	int err; /* what ended it */
	uint64_t record; /* line or record that is being read, from 1 */
	uint64_t nr_lines_inside; /* ends of lines in its quotes */
	const char *error;
	uint64_t error_record;
	uint64_t nr_skipped;
	uint64_t nr_accesses;

	char *names[NR_COLUMNS];
	unsigned int columns[NR_COLUMNS]; /* from 1; 0: none, or not found yet */
	bool is_header_next;
	enum csv_place csv_place;

	/* The batch, without what the format does not have. */
	struct mrc_trace_batch batch;
	uint64_t pages[BATCH_ACCESSES];
	uint64_t times[BATCH_ACCESSES];
	uint64_t sizes_bytes[BATCH_ACCESSES];
	int64_t nexts[BATCH_ACCESSES];
	bool is_write[BATCH_ACCESSES];

	/* The begin of a record whose end has not come yet. */
	bool is_too_long; /* its bytes were dropped */
	size_t nr_pending;
	char pending[MRC_TRACE_MAX_LINE_BYTES];
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct text trim(struct text text)
{
	while (text.nr_bytes > 0 && is_blank(text.start[0])) {
		text.start++;
		text.nr_bytes--;
	}
	while (text.nr_bytes > 0 && is_blank(text.start[text.nr_bytes - 1]))
		text.nr_bytes--;
	return text;
}

/* Take the next field apart by blanks off the front of @text, or false. */
static bool take_token(struct text *text, struct text *ret_token)
{
	struct text rest = trim(*text);
	size_t i = 0;

	while (i < rest.nr_bytes && !is_blank(rest.start[i]))
		i++;
	*ret_token = (struct text){ rest.start, i };
	*text = (struct text){ rest.start + i, rest.nr_bytes - i };
	return i > 0;
}

static bool equals(struct text text, const char *string)
{
	return text.nr_bytes == strlen(string) &&
	       memcmp(text.start, string, text.nr_bytes) == 0;
}

static bool equals_any_case(struct text text, const char *lower)
{
	size_t i;

	if (text.nr_bytes != strlen(lower))
		return false;
	for (i = 0; i < text.nr_bytes; i++) {
		char c = text.start[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (c != lower[i])
			return false;
	}
	return true;
}

static bool begins_with(struct text text, const char *string)
{
	size_t nr_bytes = strlen(string);

	return text.nr_bytes >= nr_bytes &&
	       memcmp(text.start, string, nr_bytes) == 0;
}

static bool contains(struct text text, const char *string)
{
	for (; text.nr_bytes > 0; text.start++, text.nr_bytes--)
		if (begins_with(text, string))
			return true;
	return false;
}

/* Hand over what is in the batch; the sink's answer. */
static int flush(struct mrc_trace_parser *parser)
{
	size_t nr_accesses = parser->batch.nr_accesses;
	int err = 0;

	if (nr_accesses > 0)
		err = parser->sink(parser->context, &parser->batch);
	if (err == 0)
		parser->nr_accesses += nr_accesses;
	parser->batch.nr_accesses = 0;
	return err;
}

static int push(struct mrc_trace_parser *parser, const struct access *access,
		uint64_t page, uint64_t size_bytes)
{
	size_t i = parser->batch.nr_accesses++;

	parser->pages[i] = page;
	parser->is_write[i] = access->is_write;
	parser->times[i] = access->time;
	parser->sizes_bytes[i] = size_bytes;
	parser->nexts[i] = access->next;
	return parser->batch.nr_accesses < BATCH_ACCESSES ? 0 : flush(parser);
}

static int fail(struct mrc_trace_parser *parser, const char *error)
{
	parser->error = error;
	parser->error_record = parser->record;
	return -EBADMSG;
}

/* The record is bad: the last thing to be said of it. */
static int bad(struct mrc_trace_parser *parser, const char *error)
{
	int err = fail(parser, error);

	if (!parser->options.skip_bad)
		return err;
	parser->nr_skipped++;
	return 0;
}

static int bad_number(struct mrc_trace_parser *parser, int err,
		      const char *no_number)
{
	return bad(parser,
		   err == -ERANGE ? "the number is 2^64 or more" : no_number);
}

/* Split what a good record says into pages. */
static int emit(struct mrc_trace_parser *parser, const struct access *access)
{
	unsigned int shift = parser->page_shift;
	uint64_t address = access->page;
	uint64_t last;
	uint64_t first;
	uint64_t page;

	if (parser->options.unit == MRC_TRACE_PAGES)
		return push(parser, access, access->page, access->size_bytes);
	last = address;
	if (access->size_bytes > 0)
		last += access->size_bytes - 1;
	if (last < address)
		return bad(parser, "the access reaches beyond 2^64");
	first = address >> shift;
	if (parser->options.no_split)
		return push(parser, access, first, access->size_bytes);
	if ((last >> shift) - first >= MRC_TRACE_MAX_SPLIT_PAGES)
		return bad(parser, "the access spans more than 2^20 pages");
	for (page = first; page <= last >> shift; page++) {
		uint64_t page_start = page << shift;
		uint64_t page_last = page_start + ((UINT64_C(1) << shift) - 1);
		uint64_t from = page == first ? address : page_start;
		uint64_t to = last < page_last ? last : page_last;
		int err = push(parser, access, page,
			       access->size_bytes == 0 ? 0 : to - from + 1);

		if (err != 0)
			return err;
		/* The last page of all has no successor. */
		if (page == UINT64_MAX)
			break;
	}
	return 0;
}

static int parse_text(struct mrc_trace_parser *parser, struct text line)
{
	struct access access = { .size_bytes = 0 };
	struct text token;
	struct text id;
	int err;

	if (!take_token(&line, &id) || id.start[0] == '#')
		return 0;
	if (parser->options.hash_ids) {
		access.page = mrc_fnv1a(id.start, id.nr_bytes);
	} else {
		err = mrc_text_to_u64(id.start, id.nr_bytes,
				      parser->options.is_hex, &access.page);
		if (err < 0)
			return bad_number(
				parser, err,
				"the line does not begin with a number");
	}
	if (take_token(&line, &token) && token.start[0] != '#') {
		if (equals_any_case(token, "w"))
			access.is_write = true;
		else if (!equals_any_case(token, "r"))
			return bad(parser, "neither R nor W behind the number");
		if (take_token(&line, &token) && token.start[0] != '#')
			return bad(parser, "more than a number and R or W");
	}
	return emit(parser, &access);
}

/* Take a field off the front of @record; the reason if it is malformed. */
static const char *take_field(struct text *record, char separator,
			      char *unquoted, struct text *ret_field,
			      bool *ret_is_last)
{
	const char *start = record->start;
	size_t nr_bytes = record->nr_bytes;
	size_t i = 0;

	if (nr_bytes > 0 && start[0] == '"') {
		size_t nr_unquoted = 0;

		for (i = 1; i < nr_bytes; i++) {
			if (start[i] == '"') {
				if (i + 1 == nr_bytes || start[i + 1] != '"')
					break;
				i++;
			}
			unquoted[nr_unquoted++] = start[i];
		}
		if (i == nr_bytes)
			return "a quoted field does not end";
		i++;
		if (i < nr_bytes && start[i] != separator)
			return "text behind a quoted field";
		*ret_field = (struct text){ unquoted, nr_unquoted };
	} else {
		while (i < nr_bytes && start[i] != separator) {
			if (start[i] == '"')
				return "a quote in a field that is not quoted";
			i++;
		}
		*ret_field = trim((struct text){ start, i });
	}
	*ret_is_last = i == nr_bytes;
	if (!*ret_is_last)
		i++;
	*record = (struct text){ start + i, nr_bytes - i };
	return NULL;
}

/*
 * The fields of interest of a record: those that @columns says, from 1. Fields
 * that are quoted are unquoted to @space, which has the record's size.
 */
static const char *split_record(const struct mrc_trace_parser *parser,
				struct text record, char *space,
				struct text ret_fields[NR_COLUMNS])
{
	unsigned int nr_found = 0;
	unsigned int nr_wanted = 0;
	unsigned int number = 0;
	bool is_last = false;
	size_t i;

	for (i = 0; i < NR_COLUMNS; i++)
		nr_wanted += parser->columns[i] != 0;
	while (!is_last) {
		size_t nr_before = record.nr_bytes;
		struct text field;
		const char *error = take_field(&record,
					       parser->options.separator, space,
					       &field, &is_last);

		if (error != NULL)
			return error;
		space += nr_before - record.nr_bytes;
		number++;
		for (i = 0; i < NR_COLUMNS; i++) {
			if (parser->columns[i] != number)
				continue;
			ret_fields[i] = field;
			nr_found++;
		}
	}
	return nr_found < nr_wanted ? "too few fields" : NULL;
}

/* Find the named columns in the first record; the first of a name counts. */
static int parse_header(struct mrc_trace_parser *parser, struct text record,
			char *space)
{
	unsigned int number = 0;
	bool is_last = false;
	size_t i;

	parser->is_header_next = false;
	while (!is_last) {
		size_t nr_before = record.nr_bytes;
		struct text field;
		const char *error = take_field(&record,
					       parser->options.separator, space,
					       &field, &is_last);

		/* Without it no record could be read: not to be skipped. */
		if (error != NULL)
			return fail(parser, error);
		space += nr_before - record.nr_bytes;
		number++;
		for (i = 0; i < NR_COLUMNS; i++)
			if (parser->names[i] != NULL &&
			    parser->columns[i] == 0 &&
			    equals(field, parser->names[i]))
				parser->columns[i] = number;
	}
	for (i = 0; i < NR_COLUMNS; i++)
		if (parser->names[i] != NULL && parser->columns[i] == 0)
			return fail(parser,
				    "the first record lacks a field's name");
	return 0;
}

/* R or W in one of the many spellings, or false. */
static bool parse_direction(struct text text, bool *ret_is_write)
{
	static const char *const reads[] = { "r", "read", "load", "get", "0" };
	static const char *const writes[] = { "w",   "write", "store",
					      "set", "put",   "1" };
	size_t i;

	for (i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
		if (!equals_any_case(text, reads[i]))
			continue;
		*ret_is_write = false;
		return true;
	}
	for (i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
		if (!equals_any_case(text, writes[i]))
			continue;
		*ret_is_write = true;
		return true;
	}
	return false;
}

/* A whole number, any fraction behind it cut off. */
static int parse_time(struct text text, uint64_t *ret_time)
{
	size_t whole = 0;
	size_t i;

	while (whole < text.nr_bytes && text.start[whole] != '.')
		whole++;
	for (i = whole + 1; i < text.nr_bytes; i++)
		if (!mrc_text_is_digit(text.start[i]))
			return -EINVAL;
	return mrc_text_to_decimal(text.start, whole, ret_time);
}

static int parse_csv(struct mrc_trace_parser *parser, struct text record)
{
	struct text fields[NR_COLUMNS] = { { NULL, 0 } };
	struct access access = { .size_bytes = 0 };
	/* Unquoted fields stay where they are: this is for quoted ones. */
	char space[MRC_TRACE_MAX_LINE_BYTES];
	const char *error;
	int err;

	if (record.nr_bytes == 0)
		return 0;
	if (parser->is_header_next)
		return parse_header(parser, record, space);
	error = split_record(parser, record, space, fields);
	if (error != NULL)
		return bad(parser, error);

	if (parser->options.hash_ids) {
		access.page = mrc_fnv1a(fields[COLUMN_PAGE].start,
					fields[COLUMN_PAGE].nr_bytes);
	} else {
		err = mrc_text_to_u64(fields[COLUMN_PAGE].start,
				      fields[COLUMN_PAGE].nr_bytes,
				      parser->options.is_hex, &access.page);
		if (err < 0)
			return bad_number(parser, err,
					  "the page is not a number");
	}
	if (parser->columns[COLUMN_WRITE] != 0 &&
	    !parse_direction(fields[COLUMN_WRITE], &access.is_write))
		return bad(parser, "neither read nor write");
	if (parser->columns[COLUMN_TIME] != 0) {
		err = parse_time(fields[COLUMN_TIME], &access.time);
		if (err < 0)
			return bad_number(parser, err,
					  "the time is not a number");
	}
	if (parser->columns[COLUMN_SIZE] != 0) {
		err = mrc_text_to_u64(fields[COLUMN_SIZE].start,
				      fields[COLUMN_SIZE].nr_bytes, false,
				      &access.size_bytes);
		if (err < 0)
			return bad_number(parser, err,
					  "the size is not a number");
	}
	return emit(parser, &access);
}

/* "KK ADDRESS,SIZE" without the kind; true if it is all of that. */
static bool split_lackey(struct text line, struct text *ret_address,
			 struct text *ret_size)
{
	size_t comma = 3;

	while (comma < line.nr_bytes && line.start[comma] != ',')
		comma++;
	if (comma >= line.nr_bytes)
		return false;
	*ret_address = (struct text){ line.start + 3, comma - 3 };
	*ret_size = trim((struct text){ line.start + comma + 1,
					line.nr_bytes - comma - 1 });
	return true;
}

static bool is_lackey_kind(struct text line)
{
	return begins_with(line, " L ") || begins_with(line, " S ") ||
	       begins_with(line, " M ") || begins_with(line, "I  ");
}

static bool is_valgrind_message(struct text line)
{
	return begins_with(line, "==") || begins_with(line, "--") ||
	       begins_with(line, "**");
}

static int parse_lackey(struct mrc_trace_parser *parser, struct text line)
{
	struct access access = { .size_bytes = 0 };
	struct text address;
	struct text size;
	int err;

	if (trim(line).nr_bytes == 0 || is_valgrind_message(line))
		return 0;
	if (!is_lackey_kind(line))
		return bad(parser, "neither I, L, S nor M");
	if (!split_lackey(line, &address, &size))
		return bad(parser, "no address and size");
	err = mrc_text_to_hex(address.start, address.nr_bytes, &access.page);
	if (err == 0)
		err = mrc_text_to_decimal(size.start, size.nr_bytes,
					  &access.size_bytes);
	if (err < 0)
		return bad_number(parser, err, "no address and size");
	if (line.start[0] == 'I' && !parser->options.with_fetches)
		return 0;
	access.is_write = line.start[1] == 'S' || line.start[1] == 'M';
	return emit(parser, &access);
}

/* Hexadecimal, with or without 0x. */
static int parse_address(struct text token, uint64_t *ret_address)
{
	return mrc_text_to_u64(token.start, token.nr_bytes, true, ret_address);
}

/* SECONDS.FRACTION: in nanoseconds, or false. */
static bool parse_perf_time(struct text token, uint64_t *ret_time)
{
	uint64_t fraction = 0;
	uint64_t seconds = 0;
	size_t nr_digits;
	size_t dot = 0;

	while (dot < token.nr_bytes && token.start[dot] != '.')
		dot++;
	if (dot + 2 >= token.nr_bytes)
		return false;
	nr_digits = token.nr_bytes - dot - 2;
	if (nr_digits > 9 ||
	    mrc_text_to_decimal(token.start, dot, &seconds) < 0 ||
	    mrc_text_to_decimal(token.start + dot + 1, nr_digits, &fraction) <
		    0 ||
	    seconds > UINT64_MAX / 1000000000 - 1)
		return false;
	for (; nr_digits < 9; nr_digits++)
		fraction *= 10;
	*ret_time = seconds * 1000000000 + fraction;
	return true;
}

/* PID TID 0xIP 0xADDRESS ... WEIGHT 0xDSRC ...; false if it is none. */
static bool parse_perf_mem(struct text line, struct access *access)
{
	struct text tokens[4];
	struct text token;
	uint64_t number;
	size_t i;

	for (i = 0; i < 4; i++)
		if (!take_token(&line, &tokens[i]))
			return false;
	for (i = 0; i < 2; i++) {
		struct text id = tokens[i];

		/* The idle task's may be -1. */
		if (begins_with(id, "-"))
			id = (struct text){ id.start + 1, id.nr_bytes - 1 };
		if (mrc_text_to_decimal(id.start, id.nr_bytes, &number) < 0)
			return false;
	}
	for (i = 2; i < 4; i++) {
		size_t nr_prefix = begins_with(tokens[i], "0x016") ? 5 : 2;

		/* "0x016%lx", meant to be 16 digits; no address begins so. */
		if (!mrc_text_has_0x(tokens[i].start, tokens[i].nr_bytes) ||
		    mrc_text_to_hex(tokens[i].start + nr_prefix,
				    tokens[i].nr_bytes - nr_prefix,
				    &number) < 0)
			return false;
	}
	access->page = number;
	while (take_token(&line, &token)) {
		if (mrc_text_to_decimal(token.start, token.nr_bytes, &number) <
		    0)
			continue;
		if (take_token(&line, &token) &&
		    mrc_text_has_0x(token.start, token.nr_bytes) &&
		    parse_address(token, &number) == 0)
			access->is_write = (number & 4) != 0;
		break;
	}
	return true;
}

/* The address behind the last colon with one behind it; false without. */
static bool parse_perf_script(struct text line, struct access *access)
{
	struct text event = { NULL, 0 };
	struct text before = { NULL, 0 };
	struct text rest = line;
	struct text token;

	while (take_token(&rest, &token)) {
		uint64_t time;

		if (before.nr_bytes > 0 &&
		    before.start[before.nr_bytes - 1] == ':' &&
		    parse_address(token, &access->page) == 0)
			event = before;
		if (parse_perf_time(token, &time) &&
		    token.start[token.nr_bytes - 1] == ':')
			access->time = time;
		before = token;
	}
	access->is_write = contains(event, "store") ||
			   contains(line, "|OP STORE");
	return event.nr_bytes > 0;
}

static bool parse_perf_line(struct text line, struct access *access)
{
	struct text rest = line;
	struct text token;

	if (!take_token(&rest, &token))
		return false;
	if (trim(rest).nr_bytes == 0)
		return parse_address(token, &access->page) == 0;
	return parse_perf_mem(line, access) || parse_perf_script(line, access);
}

static int parse_perf(struct mrc_trace_parser *parser, struct text line)
{
	struct access access = { .size_bytes = 0 };

	line = trim(line);
	if (line.nr_bytes == 0 || line.start[0] == '#')
		return 0;
	if (!parse_perf_line(line, &access))
		return bad(parser, "no address");
	return access.page == 0 ? 0 : emit(parser, &access);
}

static int parse_u64(struct mrc_trace_parser *parser, const char *record)
{
	const struct access access = {
		.page = mrc_le_get((const unsigned char *)record, U64_BYTES),
	};

	return emit(parser, &access);
}

static int parse_oracle_general(struct mrc_trace_parser *parser,
				const char *record)
{
	const unsigned char *bytes = (const unsigned char *)record;
	const struct access access = {
		.time = mrc_le_get(bytes, 4),
		.page = mrc_le_get(bytes + 4, 8),
		.size_bytes = mrc_le_get(bytes + 12, 4),
		.next = (int64_t)mrc_le_get(bytes + 16, 8),
	};

	return emit(parser, &access);
}

/* 0 for text. */
static size_t record_bytes(enum mrc_trace_format format)
{
	switch (format) {
	case MRC_TRACE_U64:
		return U64_BYTES;
	case MRC_TRACE_ORACLE_GENERAL:
		return ORACLE_GENERAL_BYTES;
	default:
		return 0;
	}
}

/* A whole record, or a line without its end. */
static int parse_record(struct mrc_trace_parser *parser, struct text record)
{
	int err = 0;

	parser->record++;
	if (record_bytes(parser->format) == 0) {
		if (record.nr_bytes > 0 &&
		    record.start[record.nr_bytes - 1] == '\r')
			record.nr_bytes--;
		/* A byte-order mark. */
		if (parser->record == 1 && begins_with(record, "\xef\xbb\xbf"))
			record = (struct text){ record.start + 3,
						record.nr_bytes - 3 };
	}
	switch (parser->format) {
	case MRC_TRACE_TEXT:
		err = parse_text(parser, record);
		break;
	case MRC_TRACE_U64:
		err = parse_u64(parser, record.start);
		break;
	case MRC_TRACE_CSV:
		err = parse_csv(parser, record);
		break;
	case MRC_TRACE_ORACLE_GENERAL:
		err = parse_oracle_general(parser, record.start);
		break;
	case MRC_TRACE_LACKEY:
		err = parse_lackey(parser, record);
		break;
	case MRC_TRACE_PERF:
		err = parse_perf(parser, record);
		break;
	}
	parser->record += parser->nr_lines_inside;
	parser->nr_lines_inside = 0;
	return err;
}

static int end_record(struct mrc_trace_parser *parser, struct text last)
{
	struct text record = last;

	parser->csv_place = CSV_FIELD_START;
	if (parser->is_too_long ||
	    last.nr_bytes > MRC_TRACE_MAX_LINE_BYTES - parser->nr_pending) {
		int err;

		parser->is_too_long = false;
		parser->nr_pending = 0;
		parser->record++;
		err = bad(parser, "the line is too long");
		parser->record += parser->nr_lines_inside;
		parser->nr_lines_inside = 0;
		return err;
	}
	if (parser->nr_pending > 0) {
		memcpy(parser->pending + parser->nr_pending, last.start,
		       last.nr_bytes);
		record = (struct text){ parser->pending,
					parser->nr_pending + last.nr_bytes };
		parser->nr_pending = 0;
	}
	return parse_record(parser, record);
}

/* Keep the begin of a record whose end is not there yet. */
static void keep(struct mrc_trace_parser *parser, struct text text)
{
	if (text.nr_bytes > MRC_TRACE_MAX_LINE_BYTES - parser->nr_pending)
		parser->is_too_long = true;
	if (parser->is_too_long || text.nr_bytes == 0)
		return;
	memcpy(parser->pending + parser->nr_pending, text.start, text.nr_bytes);
	parser->nr_pending += text.nr_bytes;
}

/* The end of the line, or NULL. */
static const char *find_line_end(struct mrc_trace_parser *parser,
				 struct text text)
{
	const char separator = parser->options.separator;
	enum csv_place place = parser->csv_place;
	size_t i;

	if (parser->format != MRC_TRACE_CSV)
		return memchr(text.start, '\n', text.nr_bytes);
	for (i = 0; i < text.nr_bytes; i++) {
		char c = text.start[i];

		if (place == CSV_QUOTED) {
			if (c == '"')
				place = CSV_BEHIND_QUOTE;
			else if (c == '\n')
				parser->nr_lines_inside++;
		} else if (c == '\n') {
			return text.start + i;
		} else if (c == separator) {
			place = CSV_FIELD_START;
		} else if (c == '"' && place != CSV_UNQUOTED) {
			place = CSV_QUOTED;
		} else {
			place = CSV_UNQUOTED;
		}
	}
	parser->csv_place = place;
	return NULL;
}

static int feed_lines(struct mrc_trace_parser *parser, struct text text)
{
	while (text.nr_bytes > 0) {
		const char *end = find_line_end(parser, text);
		size_t nr_bytes;
		int err;

		if (end == NULL) {
			keep(parser, text);
			break;
		}
		nr_bytes = (size_t)(end - text.start);
		err = end_record(parser, (struct text){ text.start, nr_bytes });
		if (err != 0)
			return err;
		text = (struct text){ end + 1, text.nr_bytes - nr_bytes - 1 };
	}
	return 0;
}

static int feed_records(struct mrc_trace_parser *parser, struct text text)
{
	size_t nr_record = record_bytes(parser->format);

	while (text.nr_bytes >= nr_record - parser->nr_pending) {
		size_t nr_bytes = nr_record - parser->nr_pending;
		int err = end_record(parser,
				     (struct text){ text.start, nr_bytes });

		if (err != 0)
			return err;
		text = (struct text){ text.start + nr_bytes,
				      text.nr_bytes - nr_bytes };
	}
	keep(parser, text);
	return 0;
}

/* Hand over what is complete, whether or not the rest was good. */
static int end_call(struct mrc_trace_parser *parser, int err)
{
	/* After the sink's own error it is not asked again. */
	if (err == 0 || (err == -EBADMSG && parser->batch.nr_accesses > 0)) {
		int sink_err = flush(parser);

		if (err == 0)
			err = sink_err;
	}
	parser->err = err;
	return err;
}

int mrc_trace_parser_feed(struct mrc_trace_parser *parser, const void *bytes,
			  size_t nr_bytes)
{
	struct text text = { bytes, nr_bytes };
	int err;

	if (parser->err != 0 || nr_bytes == 0)
		return parser->err;
	if (record_bytes(parser->format) > 0)
		err = feed_records(parser, text);
	else
		err = feed_lines(parser, text);
	return end_call(parser, err);
}

int mrc_trace_parser_finish(struct mrc_trace_parser *parser)
{
	const struct text nothing = { "", 0 };
	int err = 0;

	if (parser->err != 0)
		return parser->err;
	if (parser->nr_pending > 0 || parser->is_too_long) {
		if (record_bytes(parser->format) > 0) {
			parser->record++;
			err = bad(parser, "the record is cut off");
			parser->nr_pending = 0;
		} else {
			err = end_record(parser, nothing);
		}
	}
	if (err == 0 && parser->is_header_next) {
		parser->record++;
		err = fail(parser, "there is no first record with names");
	}
	return end_call(parser, err);
}

/* Whether the format and the options go together. */
static bool is_valid(enum mrc_trace_format format,
		     const struct mrc_trace_options *options)
{
	bool is_text = format == MRC_TRACE_TEXT || format == MRC_TRACE_CSV;

	if ((unsigned int)format > MRC_TRACE_PERF ||
	    (unsigned int)options->unit > MRC_TRACE_BYTES)
		return false;
	if ((options->page_bytes & (options->page_bytes - 1)) != 0)
		return false;
	if (options->hash_ids &&
	    (!is_text || options->is_hex || options->unit == MRC_TRACE_BYTES))
		return false;
	return options->separator != '"' && options->separator != '\n' &&
	       options->separator != '\r';
}

static int set_column(struct mrc_trace_parser *parser, enum column column,
		      const struct mrc_trace_column *option)
{
	parser->columns[column] = option->number;
	if (option->name == NULL)
		return 0;
	parser->names[column] = malloc(strlen(option->name) + 1);
	if (parser->names[column] == NULL)
		return -ENOMEM;
	strcpy(parser->names[column], option->name);
	parser->columns[column] = 0;
	parser->is_header_next = true;
	return 0;
}

/* Normalise the options; the columns get a copy of their names. */
static int set_options(struct mrc_trace_parser *parser,
		       const struct mrc_trace_options *options)
{
	struct mrc_trace_options *own = &parser->options;
	int err = 0;

	*own = *options;
	if (own->unit == MRC_TRACE_UNIT_OF_FORMAT)
		own->unit = parser->format == MRC_TRACE_LACKEY ||
					    parser->format == MRC_TRACE_PERF ?
				    MRC_TRACE_BYTES :
				    MRC_TRACE_PAGES;
	if (own->page_bytes == 0)
		own->page_bytes = DEFAULT_PAGE_BYTES;
	parser->page_shift = (unsigned int)__builtin_ctzll(own->page_bytes);
	if (own->separator == 0)
		own->separator = ',';
	if (own->page.name == NULL && own->page.number == 0)
		own->page.number = 1;
	if (parser->format == MRC_TRACE_CSV) {
		parser->is_header_next = own->has_header;
		err = set_column(parser, COLUMN_PAGE, &own->page);
		if (err == 0)
			err = set_column(parser, COLUMN_WRITE, &own->write);
		if (err == 0)
			err = set_column(parser, COLUMN_TIME, &own->time);
		if (err == 0)
			err = set_column(parser, COLUMN_SIZE, &own->size);
	}
	own->page.name = NULL;
	own->write.name = NULL;
	own->time.name = NULL;
	own->size.name = NULL;
	return err;
}

int mrc_trace_parser_new(enum mrc_trace_format format,
			 const struct mrc_trace_options *options,
			 mrc_trace_sink sink, void *context,
			 struct mrc_trace_parser **ret_parser)
{
	static const struct mrc_trace_options defaults;
	struct mrc_trace_parser *parser;
	bool is_csv = format == MRC_TRACE_CSV;
	bool is_oracle_general = format == MRC_TRACE_ORACLE_GENERAL;

	if (options == NULL)
		options = &defaults;
	if (!is_valid(format, options))
		return -EINVAL;
	parser = calloc(1, sizeof(*parser));
	if (parser == NULL)
		return -ENOMEM;
	parser->format = format;
	parser->sink = sink;
	parser->context = context;
	if (set_options(parser, options) < 0) {
		mrc_trace_parser_free(parser);
		return -ENOMEM;
	}

	parser->batch.pages = parser->pages;
	parser->batch.is_write = parser->is_write;
	if (is_oracle_general || format == MRC_TRACE_PERF ||
	    (is_csv && (options->time.number != 0 || options->time.name)))
		parser->batch.times = parser->times;
	if (is_oracle_general || format == MRC_TRACE_LACKEY ||
	    (is_csv && (options->size.number != 0 || options->size.name)))
		parser->batch.sizes_bytes = parser->sizes_bytes;
	if (is_oracle_general && parser->options.unit == MRC_TRACE_PAGES)
		parser->batch.nexts = parser->nexts;
	*ret_parser = parser;
	return 0;
}

void mrc_trace_parser_free(struct mrc_trace_parser *parser)
{
	size_t i;

	if (parser == NULL)
		return;
	for (i = 0; i < NR_COLUMNS; i++)
		free(parser->names[i]);
	free(parser);
}

const char *mrc_trace_parser_error(const struct mrc_trace_parser *parser,
				   uint64_t *ret_record)
{
	if (parser->error != NULL)
		*ret_record = parser->error_record;
	return parser->error;
}

uint64_t mrc_trace_parser_nr_skipped(const struct mrc_trace_parser *parser)
{
	return parser->nr_skipped;
}

uint64_t mrc_trace_parser_nr_accesses(const struct mrc_trace_parser *parser)
{
	return parser->nr_accesses;
}

/* Control characters other than white space are in no text. */
static bool is_binary(struct text text)
{
	size_t i;

	for (i = 0; i < text.nr_bytes; i++) {
		unsigned char c = (unsigned char)text.start[i];

		if (c < 9 || (c > 13 && c < 32))
			return true;
	}
	return false;
}

/* Times do not turn back, sizes are not 0, the next access comes later. */
static bool looks_like_oracle_general(struct text text)
{
	const unsigned char *bytes = (const unsigned char *)text.start;
	size_t nr_records = text.nr_bytes / ORACLE_GENERAL_BYTES;
	uint64_t before = 0;
	size_t i;

	for (i = 0; i < nr_records; i++) {
		const unsigned char *record = bytes + i * ORACLE_GENERAL_BYTES;
		uint64_t time = mrc_le_get(record, 4);
		uint64_t next = mrc_le_get(record + 16, 8);

		if (time < before || mrc_le_get(record + 12, 4) == 0 ||
		    (next != UINT64_MAX && (next <= i || next >> 48 != 0)))
			return false;
		before = time;
	}
	return nr_records > 0;
}

static bool looks_like_lackey(struct text line)
{
	struct text address;
	struct text size;
	uint64_t number;

	return is_lackey_kind(line) && split_lackey(line, &address, &size) &&
	       mrc_text_to_hex(address.start, address.nr_bytes, &number) == 0 &&
	       mrc_text_to_decimal(size.start, size.nr_bytes, &number) == 0;
}

/* The format of one line; false if it tells nothing. */
static bool detect_line(struct text line, enum mrc_trace_format *ret_format)
{
	struct access access = { .size_bytes = 0 };
	struct text rest = line;
	struct text token;
	uint64_t number;

	if (is_valgrind_message(line) || !take_token(&rest, &token) ||
	    token.start[0] == '#')
		return false;
	if (looks_like_lackey(line)) {
		*ret_format = MRC_TRACE_LACKEY;
		return true;
	}
	if (trim(rest).nr_bytes == 0 &&
	    mrc_text_to_u64(token.start, token.nr_bytes, false, &number) == 0)
		/* A number: of an address too, as far as this line tells. */
		return false;
	if (parse_perf_line(line, &access))
		*ret_format = MRC_TRACE_PERF;
	else if (memchr(line.start, ',', line.nr_bytes) != NULL)
		*ret_format = MRC_TRACE_CSV;
	else
		*ret_format = MRC_TRACE_TEXT;
	return true;
}

int mrc_trace_detect(const void *bytes, size_t nr_bytes,
		     enum mrc_trace_format *ret_format)
{
	struct text text = { bytes, nr_bytes };

	if (nr_bytes == 0)
		return -ENODATA;
	if (is_binary(text)) {
		*ret_format = looks_like_oracle_general(text) ?
				      MRC_TRACE_ORACLE_GENERAL :
				      MRC_TRACE_U64;
		return 0;
	}
	if (begins_with(text, "\xef\xbb\xbf"))
		text = (struct text){ text.start + 3, text.nr_bytes - 3 };
	while (text.nr_bytes > 0) {
		const char *end = memchr(text.start, '\n', text.nr_bytes);
		struct text line = text;

		if (end != NULL)
			line.nr_bytes = (size_t)(end - text.start);
		text.start += line.nr_bytes + (end != NULL);
		text.nr_bytes -= line.nr_bytes + (end != NULL);
		if (line.nr_bytes > 0 && line.start[line.nr_bytes - 1] == '\r')
			line.nr_bytes--;
		if (detect_line(line, ret_format))
			return 0;
	}
	*ret_format = MRC_TRACE_TEXT;
	return 0;
}

static bool is_writable(enum mrc_trace_format format)
{
	return format == MRC_TRACE_TEXT || format == MRC_TRACE_U64 ||
	       format == MRC_TRACE_CSV || format == MRC_TRACE_ORACLE_GENERAL;
}

/* Append @string. */
static char *put(char *to, const char *string)
{
	size_t nr_bytes = strlen(string);

	memcpy(to, string, nr_bytes);
	return to + nr_bytes;
}

static char *put_u64(char *to, uint64_t number)
{
	return to + mrc_text_from_u64(number, to);
}

int mrc_trace_write_header(enum mrc_trace_format format,
			   const struct mrc_trace_batch *batch,
			   size_t max_bytes, void *bytes, size_t *ret_nr_bytes)
{
	char header[MRC_TRACE_MAX_WRITTEN_BYTES];
	char *end = header;

	if (!is_writable(format))
		return -EINVAL;
	if (format == MRC_TRACE_CSV) {
		end = put(end, "page");
		if (batch->is_write != NULL)
			end = put(end, ",write");
		if (batch->times != NULL)
			end = put(end, ",time");
		if (batch->sizes_bytes != NULL)
			end = put(end, ",size");
		end = put(end, "\n");
	}
	if ((size_t)(end - header) > max_bytes)
		return -ENOSPC;
	memcpy(bytes, header, (size_t)(end - header));
	*ret_nr_bytes = (size_t)(end - header);
	return 0;
}

/* One access to @to, which has room. The new end, or NULL for -ERANGE. */
static char *write_access(enum mrc_trace_format format,
			  const struct mrc_trace_batch *batch, size_t i,
			  char *to)
{
	uint64_t size = batch->sizes_bytes == NULL ? 1 : batch->sizes_bytes[i];
	uint64_t time = batch->times == NULL ? 0 : batch->times[i];
	unsigned char *record = (unsigned char *)to;

	switch (format) {
	case MRC_TRACE_U64:
		mrc_le_put(record, 8, batch->pages[i]);
		return to + U64_BYTES;
	case MRC_TRACE_ORACLE_GENERAL:
		if (time > UINT32_MAX || size > UINT32_MAX)
			return NULL;
		mrc_le_put(record, 4, time);
		mrc_le_put(record + 4, 8, batch->pages[i]);
		mrc_le_put(record + 12, 4, size);
		mrc_le_put(record + 16, 8, (uint64_t)batch->nexts[i]);
		return to + ORACLE_GENERAL_BYTES;
	case MRC_TRACE_TEXT:
		to = put_u64(to, batch->pages[i]);
		if (batch->is_write != NULL)
			to = put(to, batch->is_write[i] ? " W" : " R");
		return put(to, "\n");
	default:
		to = put_u64(to, batch->pages[i]);
		if (batch->is_write != NULL)
			to = put(to, batch->is_write[i] ? ",W" : ",R");
		if (batch->times != NULL)
			to = put_u64(put(to, ","), time);
		if (batch->sizes_bytes != NULL)
			to = put_u64(put(to, ","), size);
		return put(to, "\n");
	}
}

int mrc_trace_write(enum mrc_trace_format format,
		    const struct mrc_trace_batch *batch, size_t first,
		    size_t max_bytes, void *bytes, size_t *ret_nr_accesses,
		    size_t *ret_nr_bytes)
{
	char *to = bytes;
	size_t nr_left = max_bytes;
	int err = 0;
	size_t i;

	if (!is_writable(format) ||
	    (format == MRC_TRACE_ORACLE_GENERAL && batch->nexts == NULL))
		return -EINVAL;
	for (i = first; i < batch->nr_accesses; i++) {
		char access[MRC_TRACE_MAX_WRITTEN_BYTES];
		const char *end = write_access(format, batch, i, access);
		size_t nr_bytes;

		if (end == NULL) {
			err = -ERANGE;
			break;
		}
		nr_bytes = (size_t)(end - access);
		if (nr_bytes > nr_left) {
			err = -ENOSPC;
			break;
		}
		memcpy(to, access, nr_bytes);
		to += nr_bytes;
		nr_left -= nr_bytes;
	}
	if (i == first && err < 0)
		return err;
	*ret_nr_accesses = i - first;
	*ret_nr_bytes = max_bytes - nr_left;
	return 0;
}
