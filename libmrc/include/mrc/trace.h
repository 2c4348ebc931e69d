/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Traces: bytes in, page accesses out, in constant memory.
 *
 * A parser takes the bytes of a trace in pieces of any size and hands the
 * accesses to a function of the caller's, in batches. It opens no file and
 * decompresses nothing.
 *
 *	static int count(void *context, const struct mrc_trace_batch *batch)
 *	{
 *		return mrc_lru_access_n(context, batch->pages,
 *					batch->nr_accesses);
 *	}
 *	...
 *	struct mrc_trace_options options = { .unit = MRC_TRACE_BYTES };
 *	struct mrc_trace_parser *parser;
 *	int err = mrc_trace_parser_new(MRC_TRACE_TEXT, &options, count, lru,
 *				       &parser);
 *	while (err == 0 && (nr_bytes = fread(bytes, 1, max, file)) > 0)
 *		err = mrc_trace_parser_feed(parser, bytes, nr_bytes);
 *	if (err == 0)
 *		err = mrc_trace_parser_finish(parser);
 *	if (err == -EBADMSG)
 *		... mrc_trace_parser_error(parser, &record)
 *	mrc_trace_parser_free(parser);
 *
 * Ownership: the caller frees a parser with mrc_trace_parser_free(). It keeps
 * no pointer to options, names in them, or bytes. A batch is a loan for the
 * time of the call.
 * Threads: no globals. A parser is used by one thread at a time.
 * Errors: 0 or -errno; outputs are untouched on failure. A parser that has
 * returned an error returns it again. Passing NULL where only
 * mrc_trace_parser_free() and @options allow it is undefined.
 */
#ifndef MRC_TRACE_H
#define MRC_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Longest line or CSV record, without its line feed. */
#define MRC_TRACE_MAX_LINE_BYTES 65536

/* Most pages that one access may be split into: 4 GiB in pages of 4 KiB. */
#define MRC_TRACE_MAX_SPLIT_PAGES (UINT64_C(1) << 20)

/* No access takes more when written, nor does a header. */
#define MRC_TRACE_MAX_WRITTEN_BYTES 96

/**
 * enum mrc_trace_format - what the bytes are
 * @MRC_TRACE_TEXT: lines "NUMBER" or "NUMBER R" or "NUMBER W", apart by blanks;
 *	decimal, or hexadecimal after 0x. Empty lines and what follows a # at
 *	the begin of a line or after a blank do not count. Pages.
 * @MRC_TRACE_U64: 64-bit little-endian numbers. Pages.
 * @MRC_TRACE_CSV: records of fields as in RFC 4180: fields may be quoted, with
 *	a doubled quote for one in them. Options say which field is what. Empty
 *	lines do not count. Numbers as in MRC_TRACE_TEXT; blanks around an
 *	unquoted field do not count. Pages.
 * @MRC_TRACE_ORACLE_GENERAL: libCacheSim's records of 24 bytes, little-endian,
 *	packed: time (32 bits), identifier (64), size in bytes (32), number of
 *	the access to the same identifier that is next, or -1 (64). Pages; all
 *	accesses read.
 * @MRC_TRACE_LACKEY: what "valgrind --tool=lackey --trace-mem=yes" prints:
 *	" L ADDRESS,SIZE" (load), " S ..." (store), " M ..." (load and store:
 *	one access, which writes), "I  ..." (instruction). Lines that begin
 *	with "==", "--" or "**" are valgrind's and do not count. Bytes.
 * @MRC_TRACE_PERF: lines of perf with data addresses, in one of three forms.
 *	(1) The address alone: "perf script -F addr". (2) Any fields up to one
 *	that ends in a colon, the address, any fields: "perf script -F
 *	comm,pid,time,event,addr", also with data_src, or the default after
 *	"perf mem record". The address is the hexadecimal number behind the last
 *	field that ends in a colon and has one behind it; without addr among the
 *	fields, that may be the instruction's. The access writes if that field,
 *	the event, contains "store", or the line "|OP STORE"; its time, if there
 *	is a field SECONDS.FRACTION:, is in nanoseconds. (3) "perf mem -D
 *	report": PID TID 0xIP 0xADDRESS, and behind the first decimal field that
 *	follows 0xDSRC, whose bit 2 says that it writes. In the first line of
 *	that perf prints 016 in front of the address, which is left out. Empty
 *	lines, lines that begin with #, and samples without an address (0) do
 *	not count. Bytes.
 *
 * In text, a line may end in CR LF, the last one without either.
 */
enum mrc_trace_format {
	MRC_TRACE_TEXT,
	MRC_TRACE_U64,
	MRC_TRACE_CSV,
	MRC_TRACE_ORACLE_GENERAL,
	MRC_TRACE_LACKEY,
	MRC_TRACE_PERF
};

/**
 * enum mrc_trace_unit - what the numbers of a trace count
 * @MRC_TRACE_UNIT_OF_FORMAT: pages or bytes, as said of the format
 * @MRC_TRACE_PAGES: page numbers; sizes are handed on
 * @MRC_TRACE_BYTES: addresses: an access of a size that spans several pages
 *	is split into one for each, in ascending order; without a size, or with
 *	0, it is to the one page
 */
enum mrc_trace_unit {
	MRC_TRACE_UNIT_OF_FORMAT,
	MRC_TRACE_PAGES,
	MRC_TRACE_BYTES
};

/**
 * struct mrc_trace_column - a field of a CSV record
 * @name: as in the first record, exactly; or NULL
 * @number: if there is no name: 1 for the first field; 0 for none
 */
struct mrc_trace_column {
	const char *name;
	unsigned int number;
};

/**
 * struct mrc_trace_options - how to read; all zero is a good default
 * @unit: what the numbers count
 * @page_bytes: page size for MRC_TRACE_BYTES, a power of two; 0 is 4096
 * @is_hex: in text and CSV: page numbers are hexadecimal without 0x, too
 * @hash_ids: in text and CSV: the page is no number but any string, and its
 *	64-bit FNV-1a hash (Fowler, Noll, Vo: RFC 9923) stands for it. Two of n
 *	strings collide with a probability of about n^2 / 2^65. Not with
 *	MRC_TRACE_BYTES.
 * @no_split: with MRC_TRACE_BYTES: only the first page of an access counts
 * @with_fetches: in lackey: instructions count, as reads
 * @skip_bad: count a bad record and go on, rather than fail
 * @has_header: in CSV: the first record is none; implied by any name
 * @separator: in CSV: between fields; 0 is a comma. Neither a quote nor the end
 *	of a line
 * @page: in CSV: number, address or string; the first field if none is given
 * @write: in CSV: r, read, load, get or 0; or w, write, store, set, put or 1;
 *	upper or lower case. Without it all accesses read.
 * @time: in CSV: a whole number of any unit; a fraction behind it is cut off
 * @size: in CSV: bytes
 */
struct mrc_trace_options {
	enum mrc_trace_unit unit;
	uint64_t page_bytes;
	bool is_hex;
	bool hash_ids;
	bool no_split;
	bool with_fetches;
	bool skip_bad;
	bool has_header;
	char separator;
	struct mrc_trace_column page;
	struct mrc_trace_column write;
	struct mrc_trace_column time;
	struct mrc_trace_column size;
};

/**
 * struct mrc_trace_batch - accesses, in their order
 * @nr_accesses: length of each array; at least 1 when reading
 * @pages: page numbers
 * @is_write: whether they write; never NULL when reading
 * @times: times, in the trace's unit; NULL if it has none
 * @sizes_bytes: sizes; of one that is split, what falls into the page. NULL if
 *	the trace has none
 * @nexts: number of the next access to the same page, or -1; only of
 *	MRC_TRACE_ORACLE_GENERAL in pages, otherwise NULL
 */
struct mrc_trace_batch {
	size_t nr_accesses;
	const uint64_t *pages;
	const bool *is_write;
	const uint64_t *times;
	const uint64_t *sizes_bytes;
	const int64_t *nexts;
};

/*
 * Takes a batch; @context is what mrc_trace_parser_new() was given. Returns 0
 * to go on; anything else stops the parser, which returns it.
 */
typedef int (*mrc_trace_sink)(void *context,
			      const struct mrc_trace_batch *batch);

/* A parser; opaque. Takes less than 200 KiB. */
struct mrc_trace_parser;

/**
 * mrc_trace_detect() - guess the format of a trace from how it begins
 * @bytes: the first bytes; 4096 are plenty
 * @nr_bytes: how many there are
 * @ret_format: the most likely format
 *
 * A guess: a few numbers can mean anything. Bytes that are not text are one of
 * the two binary formats. Text that is not clearly anything else is
 * MRC_TRACE_TEXT.
 *
 * Returns 0; -ENODATA there is nothing to guess from.
 */
int mrc_trace_detect(const void *bytes, size_t nr_bytes,
		     enum mrc_trace_format *ret_format);

/**
 * mrc_trace_parser_new() - allocate a parser at the begin of a trace
 * @format: what the bytes are
 * @options: how to read them; may be NULL for the default
 * @sink: takes the accesses
 * @context: handed to @sink
 * @ret_parser: the parser, to be freed with mrc_trace_parser_free()
 *
 * Returns 0; -EINVAL an option is out of range or cannot go with another or
 * with the format; -ENOMEM.
 */
int mrc_trace_parser_new(enum mrc_trace_format format,
			 const struct mrc_trace_options *options,
			 mrc_trace_sink sink, void *context,
			 struct mrc_trace_parser **ret_parser);

/**
 * mrc_trace_parser_free() - free a parser
 * @parser: parser or NULL
 */
void mrc_trace_parser_free(struct mrc_trace_parser *parser);

/**
 * mrc_trace_parser_feed() - parse the next bytes
 * @parser: parser
 * @bytes: they may begin and end anywhere
 * @nr_bytes: how many there are; may be 0
 *
 * All accesses that are complete have been handed over when this returns,
 * also those before an error.
 *
 * Returns 0; -EBADMSG a record is bad: see mrc_trace_parser_error(); or what
 * the sink returned.
 */
int mrc_trace_parser_feed(struct mrc_trace_parser *parser, const void *bytes,
			  size_t nr_bytes);

/**
 * mrc_trace_parser_finish() - the trace ends here
 * @parser: parser, for which mrc_trace_parser_free() is all that is left
 *
 * Returns 0; -EBADMSG the last record is bad or cut off; or what the sink
 * returned.
 */
int mrc_trace_parser_finish(struct mrc_trace_parser *parser);

/**
 * mrc_trace_parser_error() - the last bad record, skipped or not
 * @parser: parser
 * @ret_record: its line, or in a binary format its record, the first is 1
 *
 * Returns what is wrong with it, in a few words, valid for ever; NULL, and
 * leaves @ret_record alone, if there was none.
 */
const char *mrc_trace_parser_error(const struct mrc_trace_parser *parser,
				   uint64_t *ret_record);

/**
 * mrc_trace_parser_nr_skipped() - bad records that were skipped
 * @parser: parser
 */
uint64_t mrc_trace_parser_nr_skipped(const struct mrc_trace_parser *parser);

/**
 * mrc_trace_parser_nr_accesses() - accesses handed over
 * @parser: parser
 */
uint64_t mrc_trace_parser_nr_accesses(const struct mrc_trace_parser *parser);

/**
 * mrc_trace_write_header() - what a trace begins with
 * @format: MRC_TRACE_TEXT, _U64, _CSV or _ORACLE_GENERAL
 * @batch: its arrays that are not NULL will be written, as in all that follow
 * @max_bytes: room at @bytes; MRC_TRACE_MAX_WRITTEN_BYTES are enough
 * @bytes: where to write
 * @ret_nr_bytes: how many were written; 0 for all but MRC_TRACE_CSV
 *
 * Returns 0; -EINVAL the format cannot be written; -ENOSPC.
 */
int mrc_trace_write_header(enum mrc_trace_format format,
			   const struct mrc_trace_batch *batch,
			   size_t max_bytes, void *bytes, size_t *ret_nr_bytes);

/**
 * mrc_trace_write() - write accesses
 * @format: MRC_TRACE_TEXT (pages, and whether they write), _U64 (pages), _CSV
 *	(fields page, write, time, size), or _ORACLE_GENERAL (all but whether
 *	they write; needs @batch->nexts; time 0 and size 1 for NULL)
 * @batch: accesses; arrays other than pages may be NULL
 * @first: index of the first one to write, at most @batch->nr_accesses
 * @max_bytes: room at @bytes
 * @bytes: where to write
 * @ret_nr_accesses: how many were written: all, or as many as there is room for
 * @ret_nr_bytes: how many bytes that took
 *
 * What is written, the parser reads as the same accesses.
 *
 * Returns 0; -EINVAL the format cannot be written, or not without what is NULL;
 * -ERANGE MRC_TRACE_ORACLE_GENERAL has 32 bits for a time or a size, and the
 * first access needs more (if a later one does, those before it are written);
 * -ENOSPC there is not even room for one; MRC_TRACE_MAX_WRITTEN_BYTES is enough
 * for any.
 */
int mrc_trace_write(enum mrc_trace_format format,
		    const struct mrc_trace_batch *batch, size_t first,
		    size_t max_bytes, void *bytes, size_t *ret_nr_accesses,
		    size_t *ret_nr_bytes);

#ifdef __cplusplus
}
#endif

#endif /* MRC_TRACE_H */
