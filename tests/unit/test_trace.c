// SPDX-License-Identifier: GPL-2.0-or-later
#include "mrc_test.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <mrc/trace.h>

#define MAX_ACCESSES 4096
#define END UINT64_MAX

/* What came out of a parser. */
struct seen {
	size_t nr_accesses;
	size_t nr_wanted; /* the sink stops it then; 0: never */
	bool has_times;
	bool has_sizes;
	bool has_nexts;
	int err;
	uint64_t nr_skipped;
	uint64_t error_record;
	const char *error;
	uint64_t pages[MAX_ACCESSES];
	uint64_t times[MAX_ACCESSES];
	uint64_t sizes[MAX_ACCESSES];
	int64_t nexts[MAX_ACCESSES];
	bool is_write[MAX_ACCESSES];
};

static int take(void *context, const struct mrc_trace_batch *batch)
{
	struct seen *seen = context;
	size_t i;

	assert_true(batch->nr_accesses > 0);
	assert_non_null(batch->is_write);
	seen->has_times = batch->times != NULL;
	seen->has_sizes = batch->sizes_bytes != NULL;
	seen->has_nexts = batch->nexts != NULL;
	for (i = 0; i < batch->nr_accesses; i++) {
		size_t n = seen->nr_accesses++;

		if (seen->nr_accesses == seen->nr_wanted)
			return -ECANCELED;
		assert_true(n < MAX_ACCESSES);
		seen->pages[n] = batch->pages[i];
		seen->is_write[n] = batch->is_write[i];
		if (seen->has_times)
			seen->times[n] = batch->times[i];
		if (seen->has_sizes)
			seen->sizes[n] = batch->sizes_bytes[i];
		if (seen->has_nexts)
			seen->nexts[n] = batch->nexts[i];
	}
	return 0;
}

/* Parse in pieces of @max_piece bytes at most, of random sizes if @seed. */
static void parse_in_pieces(enum mrc_trace_format format,
			    const struct mrc_trace_options *options,
			    const void *bytes, size_t nr_bytes,
			    size_t max_piece, uint64_t *seed, struct seen *seen)
{
	struct mrc_trace_parser *parser = NULL;
	const char *from = bytes;

	memset(seen, 0, sizeof(*seen));
	assert_int_equal(
		mrc_trace_parser_new(format, options, take, seen, &parser), 0);
	while (seen->err == 0 && nr_bytes > 0) {
		size_t nr = nr_bytes < max_piece ? nr_bytes : max_piece;
		/* Exactly as large, for the sanitiser to see. */
		char *piece;

		if (seed != NULL)
			nr = test_random(seed) % (nr + 1);
		piece = malloc(nr + 1);
		assert_non_null(piece);
		memcpy(piece + 1, from, nr);
		seen->err = mrc_trace_parser_feed(parser, piece + 1, nr);
		free(piece);
		from += nr;
		nr_bytes -= nr;
	}
	if (seen->err == 0)
		seen->err = mrc_trace_parser_finish(parser);
	else
		assert_int_equal(mrc_trace_parser_finish(parser), seen->err);
	seen->nr_skipped = mrc_trace_parser_nr_skipped(parser);
	seen->error = mrc_trace_parser_error(parser, &seen->error_record);
	if (seen->err != -ECANCELED)
		assert_int_equal(mrc_trace_parser_nr_accesses(parser),
				 seen->nr_accesses);
	mrc_trace_parser_free(parser);
}

/* In one piece, byte by byte and at random: always the same. */
static void parse(enum mrc_trace_format format,
		  const struct mrc_trace_options *options, const void *bytes,
		  size_t nr_bytes, struct seen *seen)
{
	static struct seen other;
	uint64_t seed = nr_bytes;
	int round;

	parse_in_pieces(format, options, bytes, nr_bytes, SIZE_MAX, NULL, seen);
	for (round = 0; round < 6; round++) {
		if (round == 0)
			parse_in_pieces(format, options, bytes, nr_bytes, 1,
					NULL, &other);
		else
			parse_in_pieces(format, options, bytes, nr_bytes,
					(size_t)1 << (2 * round), &seed,
					&other);
		assert_memory_equal(seen, &other, sizeof(other));
	}
}

static void parse_string(enum mrc_trace_format format,
			 const struct mrc_trace_options *options,
			 const char *text, struct seen *seen)
{
	parse(format, options, text, strlen(text), seen);
}

/* @pages ends in END. */
static void assert_pages(const struct seen *seen, const uint64_t *pages)
{
	size_t i;

	if (seen->err != 0)
		fail_msg("line %" PRIu64 ": %s", seen->error_record,
			 seen->error);
	for (i = 0; pages[i] != END; i++) {
		assert_true(i < seen->nr_accesses);
		assert_int_equal(seen->pages[i], pages[i]);
	}
	assert_int_equal(seen->nr_accesses, i);
}

static void assert_bad(const struct seen *seen, uint64_t record,
		       const char *error)
{
	assert_int_equal(seen->err, -EBADMSG);
	assert_non_null(seen->error);
	assert_string_equal(seen->error, error);
	assert_int_equal(seen->error_record, record);
}

static void test_text(void **state)
{
	static const uint64_t pages[] = {
		1, 16, 255, 7, UINT64_MAX - 1, 3, END
	};
	static struct seen seen;

	(void)state;
	parse_string(MRC_TRACE_TEXT, NULL,
		     "# a comment\n"
		     "1\n"
		     "\n"
		     "  0x10 W # written\r\n"
		     "\t0XfF\tr\n"
		     "7 #no blank behind it\n"
		     "18446744073709551614\n"
		     "   \n"
		     "3 w",
		     &seen);
	assert_pages(&seen, pages);
	assert_true(seen.is_write[1]);
	assert_true(seen.is_write[5]);
	assert_false(seen.is_write[0] || seen.is_write[2] || seen.is_write[3]);
	assert_false(seen.has_times || seen.has_sizes || seen.has_nexts);
	assert_null(seen.error);

	parse_string(MRC_TRACE_TEXT, NULL, "\xef\xbb\xbf\x35\n", &seen);
	assert_int_equal(seen.pages[0], 5);
	parse_string(MRC_TRACE_TEXT, NULL, "", &seen);
	assert_int_equal(seen.err, 0);
	assert_int_equal(seen.nr_accesses, 0);
}

static void test_text_refuses(void **state)
{
	static const struct {
		const char *text;
		const char *error;
	} cases[] = {
		{ "x", "the line does not begin with a number" },
		{ "-1", "the line does not begin with a number" },
		{ "+1", "the line does not begin with a number" },
		{ "1.5", "the line does not begin with a number" },
		{ "1e3", "the line does not begin with a number" },
		{ "0x", "the line does not begin with a number" },
		{ "0xg", "the line does not begin with a number" },
		{ "ff", "the line does not begin with a number" },
		{ "1,2", "the line does not begin with a number" },
		{ "\xef\xbb\xbf\x35", "the line does not begin with a number" },
		{ "18446744073709551616", "the number is 2^64 or more" },
		{ "20000000000000000000", "the number is 2^64 or more" },
		{ "99999999999999999999999", "the number is 2^64 or more" },
		{ "0x10000000000000000", "the number is 2^64 or more" },
		{ "1 X", "neither R nor W behind the number" },
		{ "1 2", "neither R nor W behind the number" },
		{ "1 RW", "neither R nor W behind the number" },
		{ "1 R 2", "more than a number and R or W" },
	};
	const struct mrc_trace_options skip = { .skip_bad = true };
	static struct seen seen;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[100];

		snprintf(text, sizeof(text), "11\n\n%s\n12\n", cases[i].text);
		parse_string(MRC_TRACE_TEXT, NULL, text, &seen);
		assert_bad(&seen, 3, cases[i].error);
		/* What came before was handed over. */
		assert_int_equal(seen.nr_accesses, 1);
		assert_int_equal(seen.nr_skipped, 0);

		parse_string(MRC_TRACE_TEXT, &skip, text, &seen);
		assert_int_equal(seen.err, 0);
		assert_int_equal(seen.nr_accesses, 2);
		assert_int_equal(seen.pages[1], 12);
		assert_int_equal(seen.nr_skipped, 1);
		assert_string_equal(seen.error, cases[i].error);
		assert_int_equal(seen.error_record, 3);
	}
	/* A NUL is a byte like others, and no digit. */
	parse(MRC_TRACE_TEXT, NULL, "1\0\n", 3, &seen);
	assert_bad(&seen, 1, "the line does not begin with a number");
}

static void test_text_options(void **state)
{
	const struct mrc_trace_options hex = { .is_hex = true };
	const struct mrc_trace_options bytes = { .unit = MRC_TRACE_BYTES };
	const struct mrc_trace_options sectors = { .unit = MRC_TRACE_BYTES,
						   .page_bytes = 512 };
	const struct mrc_trace_options hash = { .hash_ids = true };
	static const uint64_t of_hex[] = { 0xff, 0x10, 0x10, END };
	static const uint64_t of_bytes[] = { 0, 0, 1, UINT64_MAX >> 12, END };
	/* Test vectors of the FNV's authors. */
	static const uint64_t hashes[] = { UINT64_C(0xaf63dc4c8601ec8c),
					   UINT64_C(0x85944171f73967e8),
					   UINT64_C(0xaf63dc4c8601ec8c), END };
	static struct seen seen;

	(void)state;
	parse_string(MRC_TRACE_TEXT, &hex, "ff\n10\n0x10\n", &seen);
	assert_pages(&seen, of_hex);
	parse_string(MRC_TRACE_TEXT, &bytes,
		     "0\n4095\n4096\n0xffffffffffffffff\n", &seen);
	assert_pages(&seen, of_bytes);
	parse_string(MRC_TRACE_TEXT, &sectors, "1023\n1024", &seen);
	assert_int_equal(seen.pages[0], 1);
	assert_int_equal(seen.pages[1], 2);
	parse_string(MRC_TRACE_TEXT, &hash, "a\nfoobar R\na W\n", &seen);
	assert_pages(&seen, hashes);
	assert_true(seen.is_write[2]);
}

static void test_lines_too_long(void **state)
{
	const size_t max = MRC_TRACE_MAX_LINE_BYTES;
	const struct mrc_trace_options skip = { .skip_bad = true };
	char *text = malloc(max + 100);
	static struct seen seen;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', max + 100);
	/* As long as is allowed. */
	text[0] = '7';
	text[max] = '\n';
	text[max + 1] = '8';
	parse(MRC_TRACE_TEXT, NULL, text, max + 2, &seen);
	assert_int_equal(seen.err, 0);
	assert_int_equal(seen.nr_accesses, 2);

	text[max] = ' ';
	text[max + 1] = '\n';
	text[max + 2] = '8';
	parse(MRC_TRACE_TEXT, NULL, text, max + 3, &seen);
	assert_bad(&seen, 1, "the line is too long");
	parse(MRC_TRACE_TEXT, &skip, text, max + 3, &seen);
	assert_int_equal(seen.err, 0);
	assert_int_equal(seen.nr_accesses, 1);
	assert_int_equal(seen.pages[0], 8);
	/* The last line has no end. */
	text[max + 1] = ' ';
	parse(MRC_TRACE_TEXT, NULL, text, max + 2, &seen);
	assert_bad(&seen, 1, "the line is too long");
	free(text);
}

static void test_u64(void **state)
{
	static const unsigned char bytes[] = { 1,    0,	   0,	 0,    0,
					       0,    0,	   0,	 0xff, 0xff,
					       0xff, 0xff, 0xff, 0xff, 0xff,
					       0xff, 0x88, 0x77, 0x66, 0x55,
					       0x44, 0x33, 0x22, 0x11, 9 };
	const struct mrc_trace_options skip = { .skip_bad = true };
	static struct seen seen;

	(void)state;
	parse(MRC_TRACE_U64, NULL, bytes, 24, &seen);
	assert_int_equal(seen.err, 0);
	assert_int_equal(seen.nr_accesses, 3);
	assert_int_equal(seen.pages[0], 1);
	assert_int_equal(seen.pages[1], UINT64_MAX);
	assert_int_equal(seen.pages[2], UINT64_C(0x1122334455667788));
	parse(MRC_TRACE_U64, NULL, bytes, 25, &seen);
	assert_bad(&seen, 4, "the record is cut off");
	assert_int_equal(seen.nr_accesses, 3);
	parse(MRC_TRACE_U64, &skip, bytes, 25, &seen);
	assert_int_equal(seen.err, 0);
	assert_int_equal(seen.nr_skipped, 1);
}

static void test_csv_by_name(void **state)
{
	const struct mrc_trace_options options = {
		.unit = MRC_TRACE_BYTES,
		.page = { .name = "Offset" },
		.write = { .name = "Type" },
		.time = { .name = "When, in s" },
		.size = { .name = "Size" },
	};
	static const uint64_t pages[] = { 2, 0, 1, 0, END };
	static struct seen seen;

	(void)state;
	parse_string(MRC_TRACE_CSV, &options,
		     "\"When, in s\",Host,Type,Offset,Size,Size\r\n"
		     "128,\"a \"\"b\"\"\nc\",Read,8192,512,9\r\n"
		     "\n"
		     "129.75,,WRITE,4000,\"97\",\n"
		     " 130 ,h,\"store\", 0x10 ,0,x",
		     &seen);
	assert_pages(&seen, pages);
	assert_int_equal(seen.times[0], 128);
	assert_int_equal(seen.times[1], 129);
	assert_int_equal(seen.times[2], 129);
	assert_int_equal(seen.times[3], 130);
	assert_int_equal(seen.sizes[0], 512);
	assert_int_equal(seen.sizes[1], 96);
	assert_int_equal(seen.sizes[2], 1);
	assert_int_equal(seen.sizes[3], 0);
	assert_false(seen.is_write[0]);
	assert_true(seen.is_write[1] && seen.is_write[2] && seen.is_write[3]);
}

static void test_csv_by_number(void **state)
{
	const struct mrc_trace_options second = { .page = { .number = 2 },
						  .has_header = true };
	const struct mrc_trace_options semicolon = { .separator = ';',
						     .hash_ids = true };
	static const uint64_t pages[] = { 5, 6, END };
	static struct seen seen;

	(void)state;
	parse_string(MRC_TRACE_CSV, &second, "a,b\n1,5\n2,6\n", &seen);
	assert_pages(&seen, pages);
	assert_false(seen.has_times || seen.has_sizes || seen.has_nexts);
	parse_string(MRC_TRACE_CSV, NULL, "5,1\n6", &seen);
	assert_pages(&seen, pages);
	/* A quoted field may hold the separator and the end of a line. */
	parse_string(MRC_TRACE_CSV, &semicolon, "\"a\";x\n\"a;\n\";y\na\n",
		     &seen);
	assert_int_equal(seen.nr_accesses, 3);
	assert_int_equal(seen.pages[0], UINT64_C(0xaf63dc4c8601ec8c));
	assert_int_not_equal(seen.pages[1], seen.pages[0]);
	assert_int_equal(seen.pages[2], seen.pages[0]);
}

static void test_csv_refuses(void **state)
{
	const struct mrc_trace_options options = {
		.page = { .number = 2 },
		.write = { .number = 3 },
		.time = { .number = 1 },
		.size = { .number = 4 },
	};
	struct mrc_trace_options skip = options;
	static const struct {
		const char *text;
		const char *error;
	} cases[] = {
		{ "1,x,r,4", "the page is not a number" },
		{ "1,,r,4", "the page is not a number" },
		{ "1,18446744073709551616,r,4", "the number is 2^64 or more" },
		{ "1,2,x,4", "neither read nor write" },
		{ "1,2,,4", "neither read nor write" },
		{ "x,2,r,4", "the time is not a number" },
		{ ".5,2,r,4", "the time is not a number" },
		{ "1.x,2,r,4", "the time is not a number" },
		{ "1,2,r,-4", "the size is not a number" },
		{ "1,2,r", "too few fields" },
		{ "1,\"2\"x,r,4", "text behind a quoted field" },
		{ "1,2\",r,4", "a quote in a field that is not quoted" },
	};
	static struct seen seen;
	size_t i;

	(void)state;
	skip.skip_bad = true;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[100];

		/* A line within quotes counts as one, too. */
		snprintf(text, sizeof(text), "9,8,w,7,\"\n\"\n%s\n6,5,w,4\n",
			 cases[i].text);
		parse_string(MRC_TRACE_CSV, &options, text, &seen);
		assert_bad(&seen, 3, cases[i].error);
		assert_int_equal(seen.nr_accesses, 1);
		parse_string(MRC_TRACE_CSV, &skip, text, &seen);
		assert_int_equal(seen.err, 0);
		assert_int_equal(seen.nr_accesses, 2);
		assert_int_equal(seen.pages[1], 5);
	}
	parse_string(MRC_TRACE_CSV, NULL, "1\n\"2\n3\n", &seen);
	assert_bad(&seen, 2, "a quoted field does not end");
}

static void test_csv_header_refuses(void **state)
{
	struct mrc_trace_options options = { .page = { .name = "page" } };
	static struct seen seen;
	int round;

	(void)state;
	/* Nothing can be read then, so skipping does not help. */
	for (round = 0; round < 2; round++) {
		options.skip_bad = round > 0;
		parse_string(MRC_TRACE_CSV, &options, "a,pages\n1,2\n", &seen);
		assert_bad(&seen, 1, "the first record lacks a field's name");
		parse_string(MRC_TRACE_CSV, &options, "a,\"page\"x\n1,2\n",
			     &seen);
		assert_bad(&seen, 1, "text behind a quoted field");
		parse_string(MRC_TRACE_CSV, &options, "\n\n", &seen);
		assert_bad(&seen, 3, "there is no first record with names");
		assert_int_equal(seen.nr_skipped, 0);
	}
}

static void test_oracle_general(void **state)
{
	static const unsigned char bytes[] = {
		/* time 3, identifier 2^56 + 5, size 4097, next 9 */
		3, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 1, 1, 0x10, 0, 0, 9, 0, 0, 0,
		0, 0, 0, 0,
		/* time 2^32 - 1, identifier 4095, size 2, next -1 */
		0xff, 0xff, 0xff, 0xff, 0xff, 0xf, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff
	};
	const struct mrc_trace_options split = { .unit = MRC_TRACE_BYTES };
	static struct seen seen;

	(void)state;
	parse(MRC_TRACE_ORACLE_GENERAL, NULL, bytes, 48, &seen);
	assert_int_equal(seen.err, 0);
	assert_int_equal(seen.nr_accesses, 2);
	assert_true(seen.has_times && seen.has_sizes && seen.has_nexts);
	assert_int_equal(seen.pages[0], (UINT64_C(1) << 56) + 5);
	assert_int_equal(seen.times[0], 3);
	assert_int_equal(seen.sizes[0], 4097);
	assert_true(seen.nexts[0] == 9);
	assert_int_equal(seen.pages[1], 4095);
	assert_int_equal(seen.times[1], UINT32_MAX);
	assert_int_equal(seen.sizes[1], 2);
	assert_true(seen.nexts[1] == -1);

	parse(MRC_TRACE_ORACLE_GENERAL, &split, bytes, 48, &seen);
	assert_int_equal(seen.nr_accesses, 4);
	assert_false(seen.has_nexts);
	assert_int_equal(seen.pages[0], UINT64_C(1) << 44);
	assert_int_equal(seen.sizes[0], 4091);
	assert_int_equal(seen.pages[1], (UINT64_C(1) << 44) + 1);
	assert_int_equal(seen.sizes[1], 6);
	assert_int_equal(seen.pages[2], 0);
	assert_int_equal(seen.pages[3], 1);
	assert_int_equal(seen.sizes[3], 1);

	parse(MRC_TRACE_ORACLE_GENERAL, NULL, bytes, 47, &seen);
	assert_bad(&seen, 2, "the record is cut off");
}

/* Lines in the form that valgrind 3.19 prints. */
static void test_lackey(void **state)
{
	const char *text = "==7071== Lackey, an example Valgrind tool\n"
			   "--7071-- warning\n"
			   "I  04020290,3\n"
			   " S 1ffefffff8,8\n"
			   "I  04020293,5\n"
			   " L 0403affc,8\n"
			   "\n"
			   " M 1fff000ff8,4\n"
			   "==7071== Exit code: 0\n";
	static const uint64_t pages[] = { 0x1ffefff, 0x403a, 0x403b, 0x1fff000,
					  END };
	static const uint64_t with_fetches[] = { 0x4020, 0x1ffefff, 0x4020,
						 0x403a, 0x403b,    0x1fff000,
						 END };
	const struct mrc_trace_options fetches = { .with_fetches = true };
	static const char *const bad[] = {
		" X 1000,4", "L 1000,4",  " L 1000",  " L 1000,", " L ,4",
		" L 10g0,4", " L 1000,a", "I 1000,4", "hello",
	};
	static struct seen seen;
	size_t i;

	(void)state;
	parse_string(MRC_TRACE_LACKEY, NULL, text, &seen);
	assert_pages(&seen, pages);
	assert_true(seen.is_write[0] && seen.is_write[3]);
	assert_false(seen.is_write[1] || seen.is_write[2]);
	assert_true(seen.has_sizes);
	assert_int_equal(seen.sizes[1], 4);
	assert_int_equal(seen.sizes[3], 4);
	parse_string(MRC_TRACE_LACKEY, &fetches, text, &seen);
	assert_pages(&seen, with_fetches);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		parse_string(MRC_TRACE_LACKEY, NULL, bad[i], &seen);
		assert_int_equal(seen.err, -EBADMSG);
	}
	parse_string(MRC_TRACE_LACKEY, NULL, " L 10000000000000000,4", &seen);
	assert_bad(&seen, 1, "the number is 2^64 or more");
}

static void test_perf(void **state)
{
	const char *text =
		"# captured on: some day\n"
		"\n"
		"    7f0000001000\n"
		"0x7f0000002000\n"
		"               0\n"
		"  a b: c  123/124  [001]  12.000345:  30 "
		"cpu/mem-loads,ldlat=30/P:     7f0000003fff  5080021 N/A "
		"  401136 std::sort<int>+0x1 (/bin/x)\n"
		"x 1 5.1: cpu/mem-stores/P: 7f0000004000 5080022 |OP STORE|LVL\n"
		"x 1 6: event: 7f0000005000 |OP STORE|LVL L1 hit\n"
		"x 1 6: event: 7f0000006000 |OP LOAD|LVL L1 hit\n"
		"77.5: ffffffff81000000\n"
		"x 1 6: event:                0\n"
		" 12  13 0x0000000000401136 0x00007f0000007000   42 0x068080102 "
		"/bin/x:main\n"
		" 12  -1 0x401136 0x7f0000008000 4K 42 0x068080104 /bin/x:main\n"
		/* perf 6.1, for page faults; its first line, and the next. */
		" 3131  3131 0xffffffff81775b9a 0x016565419934010     0 "
		"0x1e05080021 [kernel.kallsyms]:elf_load\n"
		"3131 3131 0xffffffff81775b9a 0x7f848c0c6110 0 0x1e05080021 "
		"[kernel.kallsyms]:elf_load\n"
		"               t  3131  1661.285667: page-faults:     "
		"565419934010\n";
	static const uint64_t pages[] = {
		0x7f0000001, 0x7f0000002, 0x7f0000003,	   0x7f0000004,
		0x7f0000005, 0x7f0000006, 0xffffffff81000, 0x7f0000007,
		0x7f0000008, 0x565419934, 0x7f848c0c6,	   0x565419934,
		END
	};
	static const char *const bad[] = {
		"hello",
		"12 34",
		"x 1 6: event",
		"\t7f00 main+0x1 (/bin/x)",
		"12 13 0x401136 7f0000007000 1 0x1",
		"10000000000000000",
	};
	static struct seen seen;
	size_t i;

	(void)state;
	parse_string(MRC_TRACE_PERF, NULL, text, &seen);
	assert_pages(&seen, pages);
	for (i = 0; i < 9; i++)
		assert_int_equal(seen.is_write[i], i == 3 || i == 4 || i == 8);
	assert_int_equal(seen.times[2], UINT64_C(12000345000));
	assert_int_equal(seen.times[3], UINT64_C(5100000000));
	assert_int_equal(seen.times[6], UINT64_C(77500000000));
	assert_int_equal(seen.times[0], 0);
	/* More nanoseconds than there are. */
	parse_string(MRC_TRACE_PERF, NULL, "18446744073.9: 7f0000001000\n",
		     &seen);
	assert_int_equal(seen.nr_accesses, 1);
	assert_int_equal(seen.times[0], 0);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		parse_string(MRC_TRACE_PERF, NULL, bad[i], &seen);
		assert_bad(&seen, 1, "no address");
	}
}

/* Addresses and sizes where a sum overflows. */
static void test_the_end_of_the_address_space(void **state)
{
	struct mrc_trace_options options = {
		.unit = MRC_TRACE_BYTES,
		.size = { .number = 2 },
	};
	static struct seen seen;

	(void)state;
	parse_string(MRC_TRACE_CSV, &options, "0xffffffffffffefff,4097\n",
		     &seen);
	assert_int_equal(seen.err, 0);
	assert_int_equal(seen.nr_accesses, 2);
	assert_int_equal(seen.pages[0], UINT64_C(0xffffffffffffe));
	assert_int_equal(seen.sizes[0], 1);
	assert_int_equal(seen.pages[1], UINT64_C(0xfffffffffffff));
	assert_int_equal(seen.sizes[1], 4096);
	parse_string(MRC_TRACE_CSV, &options, "0xffffffffffffefff,4098\n",
		     &seen);
	assert_bad(&seen, 1, "the access reaches beyond 2^64");
	parse_string(MRC_TRACE_CSV, &options, "1,18446744073709551615\n",
		     &seen);
	assert_bad(&seen, 1, "the access spans more than 2^20 pages");
	parse_string(MRC_TRACE_CSV, &options, "2,18446744073709551615\n",
		     &seen);
	assert_bad(&seen, 1, "the access reaches beyond 2^64");
	parse_string(MRC_TRACE_CSV, &options, "4095,4294967298\n", &seen);
	assert_bad(&seen, 1, "the access spans more than 2^20 pages");
	assert_int_equal(seen.nr_accesses, 0);

	/* Pages of one byte, and of half of everything. */
	options.page_bytes = 1;
	parse_string(MRC_TRACE_CSV, &options, "18446744073709551614,2\n",
		     &seen);
	assert_int_equal(seen.nr_accesses, 2);
	assert_int_equal(seen.pages[1], UINT64_MAX);
	options.page_bytes = UINT64_C(1) << 63;
	parse_string(MRC_TRACE_CSV, &options, "1,18446744073709551615\n",
		     &seen);
	assert_int_equal(seen.nr_accesses, 2);
	assert_true(seen.sizes[0] == (UINT64_C(1) << 63) - 1);
	assert_true(seen.sizes[1] == UINT64_C(1) << 63);

	options.page_bytes = 0;
	options.no_split = true;
	parse_string(MRC_TRACE_CSV, &options, "1,18446744073709551615\n",
		     &seen);
	assert_int_equal(seen.nr_accesses, 1);
	assert_int_equal(seen.pages[0], 0);
}

/* The most pages an access may have, and one more. */
static int count_pages(void *context, const struct mrc_trace_batch *batch)
{
	*(uint64_t *)context += batch->nr_accesses;
	return 0;
}

static void test_the_largest_split(void **state)
{
	const struct mrc_trace_options options = {
		.unit = MRC_TRACE_BYTES,
		.size = { .number = 2 },
	};
	const char *text = "4096,4294967296\n";
	struct mrc_trace_parser *parser = NULL;
	uint64_t nr_pages = 0;

	(void)state;
	assert_int_equal(mrc_trace_parser_new(MRC_TRACE_CSV, &options,
					      count_pages, &nr_pages, &parser),
			 0);
	assert_int_equal(mrc_trace_parser_feed(parser, text, strlen(text)), 0);
	assert_int_equal(nr_pages, MRC_TRACE_MAX_SPLIT_PAGES);
	text = "4097,4294967296\n";
	assert_int_equal(mrc_trace_parser_feed(parser, text, strlen(text)),
			 -EBADMSG);
	assert_int_equal(nr_pages, MRC_TRACE_MAX_SPLIT_PAGES);
	mrc_trace_parser_free(parser);
}

static void test_the_sink_stops_it(void **state)
{
	struct mrc_trace_parser *parser = NULL;
	static struct seen seen;
	static char text[20000];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(text); i += 2)
		memcpy(text + i, "1\n", 2);
	seen.nr_wanted = 1500;
	assert_int_equal(mrc_trace_parser_new(MRC_TRACE_TEXT, NULL, take, &seen,
					      &parser),
			 0);
	assert_int_equal(mrc_trace_parser_feed(parser, text, sizeof(text)),
			 -ECANCELED);
	assert_int_equal(seen.nr_accesses, 1500);
	assert_int_equal(mrc_trace_parser_feed(parser, text, sizeof(text)),
			 -ECANCELED);
	assert_int_equal(mrc_trace_parser_finish(parser), -ECANCELED);
	assert_int_equal(seen.nr_accesses, 1500);
	mrc_trace_parser_free(parser);
}

static void test_options_out_of_range(void **state)
{
	static const struct {
		enum mrc_trace_format format;
		struct mrc_trace_options options;
	} cases[] = {
		{ (enum mrc_trace_format)6, { .page_bytes = 0 } },
		{ MRC_TRACE_TEXT, { .page_bytes = 3 } },
		{ MRC_TRACE_TEXT, { .unit = (enum mrc_trace_unit)3 } },
		{ MRC_TRACE_TEXT, { .hash_ids = true, .is_hex = true } },
		{ MRC_TRACE_TEXT,
		  { .hash_ids = true, .unit = MRC_TRACE_BYTES } },
		{ MRC_TRACE_U64, { .hash_ids = true } },
		{ MRC_TRACE_PERF, { .hash_ids = true } },
		{ MRC_TRACE_CSV, { .separator = '"' } },
		{ MRC_TRACE_CSV, { .separator = '\n' } },
		{ MRC_TRACE_CSV, { .separator = '\r' } },
	};
	struct mrc_trace_parser *parser = UNTOUCHED;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(mrc_trace_parser_new(cases[i].format,
						      &cases[i].options, take,
						      NULL, &parser),
				 -EINVAL);
	assert_ptr_equal(parser, UNTOUCHED);
	mrc_trace_parser_free(NULL);
}

static void test_without_memory(void **state)
{
	const struct mrc_trace_options options = {
		.page = { .name = "a" },
		.size = { .name = "b" },
	};
	struct mrc_trace_parser *parser = UNTOUCHED;
	unsigned int nr_good;

	(void)state;
	for (nr_good = 0; nr_good < 3; nr_good++) {
		int err;

		fail_alloc_after(nr_good);
		err = mrc_trace_parser_new(MRC_TRACE_CSV, &options, take, NULL,
					   &parser);
		fail_alloc_off();
		assert_int_equal(err, -ENOMEM);
	}
	assert_ptr_equal(parser, UNTOUCHED);
}

static void test_detect(void **state)
{
#define TEXT(format, text)                     \
	{                                      \
		format, text, sizeof(text) - 1 \
	}
	static const struct {
		enum mrc_trace_format format;
		const char *bytes;
		size_t nr_bytes;
	} cases[] = {
		TEXT(MRC_TRACE_TEXT, "12\n13\n"),
		TEXT(MRC_TRACE_TEXT, "# 1,2\n12 W\n"),
		TEXT(MRC_TRACE_TEXT, "0x12\r\n"),
		TEXT(MRC_TRACE_TEXT, "\xef\xbb\xbf\x31\n"),
		TEXT(MRC_TRACE_TEXT, "\n\n"),
		TEXT(MRC_TRACE_CSV, "1,2,3\n"),
		TEXT(MRC_TRACE_CSV, "time,page\n1,2\n"),
		TEXT(MRC_TRACE_CSV, "\"a b\",c\n"),
		TEXT(MRC_TRACE_LACKEY, "==1== x\nI  04020290,3\n"),
		TEXT(MRC_TRACE_LACKEY, " L 04020290,3\n"),
		TEXT(MRC_TRACE_PERF, "    100000\n    7f00000000\n"),
		TEXT(MRC_TRACE_PERF, "x 1 6: event: 7f0000005000 1,2\n"),
		TEXT(MRC_TRACE_PERF, "# PID, TID\n1 2 0x1 0x2 3 0x4 y:z\n"),
		TEXT(MRC_TRACE_U64, "\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0"
				    "\3\0\0\0\0\0\0\0"),
		TEXT(MRC_TRACE_U64, "\1\0\0\0\0\0\0\0"),
		TEXT(MRC_TRACE_ORACLE_GENERAL,
		     "\1\0\0\0\2\0\0\0\0\0\0\0\3\0\0\0\1\0\0\0\0\0\0\0"
		     "\1\0\0\0\2\0\0\0\0\0\0\0\3\0\0\0\377\377\377\377"
		     "\377\377\377\377"),
	};
#undef TEXT
	enum mrc_trace_format format = (enum mrc_trace_format)99;
	size_t i;

	(void)state;
	assert_int_equal(mrc_trace_detect("", 0, &format), -ENODATA);
	assert_int_equal(format, 99);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		format = (enum mrc_trace_format)99;
		assert_int_equal(mrc_trace_detect(cases[i].bytes,
						  cases[i].nr_bytes, &format),
				 0);
		if (format != cases[i].format)
			fail_msg("case %zu: %d", i, format);
	}
}

static void test_written_text_by_hand(void **state)
{
	const uint64_t pages[] = { 7, UINT64_MAX };
	const bool is_write[] = { false, true };
	const uint64_t times[] = { 1, 2 };
	const uint64_t sizes[] = { 3, 4 };
	struct mrc_trace_batch batch = { .nr_accesses = 2, .pages = pages };
	const char *expected = "page,write,time,size\n7,R,1,3\n"
			       "18446744073709551615,W,2,4\n";
	char text[200] = "";
	size_t nr_accesses = 99;
	size_t nr_header = 99;
	size_t nr_bytes = 99;

	(void)state;
	assert_int_equal(mrc_trace_write_header(MRC_TRACE_TEXT, &batch,
						sizeof(text), text, &nr_header),
			 0);
	assert_int_equal(nr_header, 0);
	assert_int_equal(mrc_trace_write(MRC_TRACE_TEXT, &batch, 0,
					 sizeof(text), text, &nr_accesses,
					 &nr_bytes),
			 0);
	assert_int_equal(nr_accesses, 2);
	assert_int_equal(nr_bytes, 23);
	assert_memory_equal(text, "7\n18446744073709551615\n", 23);

	batch.is_write = is_write;
	batch.times = times;
	batch.sizes_bytes = sizes;
	assert_int_equal(mrc_trace_write_header(MRC_TRACE_CSV, &batch,
						sizeof(text), text, &nr_header),
			 0);
	assert_int_equal(mrc_trace_write(MRC_TRACE_CSV, &batch, 0,
					 sizeof(text) - nr_header,
					 text + nr_header, &nr_accesses,
					 &nr_bytes),
			 0);
	assert_int_equal(nr_header + nr_bytes, strlen(expected));
	assert_memory_equal(text, expected, strlen(expected));
}

/* Random accesses, in room for a few at a time, and read again. */
static void test_what_is_written_is_read(void **state)
{
	static const enum mrc_trace_format formats[] = {
		MRC_TRACE_TEXT, MRC_TRACE_U64, MRC_TRACE_CSV,
		MRC_TRACE_ORACLE_GENERAL
	};
	const struct mrc_trace_options columns = {
		.page = { .name = "page" },
		.write = { .name = "write" },
		.time = { .name = "time" },
		.size = { .name = "size" },
	};
	uint64_t seed = test_seed();
	static struct seen in;
	static struct seen out;
	static char bytes[MAX_ACCESSES * MRC_TRACE_MAX_WRITTEN_BYTES];
	struct mrc_trace_batch batch = {
		.nr_accesses = 2500,
		.pages = in.pages,
		.is_write = in.is_write,
		.times = in.times,
		.sizes_bytes = in.sizes,
		.nexts = in.nexts,
	};
	size_t n;
	size_t i;

	(void)state;
	for (n = 0; n < ARRAY_SIZE(formats); n++) {
		bool is_oracle_general = formats[n] == MRC_TRACE_ORACLE_GENERAL;
		unsigned int shift = is_oracle_general ? 32 : 0;
		size_t nr_bytes = 0;
		size_t nr_done = 0;
		size_t nr = 0;

		for (i = 0; i < batch.nr_accesses; i++) {
			in.pages[i] = test_random(&seed) >>
				      test_random(&seed) % 64;
			in.is_write[i] = test_random(&seed) % 2;
			in.times[i] = test_random(&seed) >> shift;
			in.sizes[i] = test_random(&seed) >> shift;
			in.nexts[i] = (int64_t)(test_random(&seed) >> 20) - 1;
		}
		assert_int_equal(mrc_trace_write_header(formats[n], &batch,
							sizeof(bytes), bytes,
							&nr_bytes),
				 0);
		while (nr_done < batch.nr_accesses) {
			size_t room = MRC_TRACE_MAX_WRITTEN_BYTES +
				      test_random(&seed) % 1000;
			size_t nr_more = 0;

			assert_int_equal(mrc_trace_write(formats[n], &batch,
							 nr_done, room,
							 bytes + nr_bytes, &nr,
							 &nr_more),
					 0);
			assert_true(nr > 0 && nr_more <= room);
			nr_done += nr;
			nr_bytes += nr_more;
		}
		parse_in_pieces(formats[n], &columns, bytes, nr_bytes, 777,
				&seed, &out);
		assert_int_equal(out.err, 0);
		assert_int_equal(out.nr_accesses, batch.nr_accesses);
		assert_memory_equal(in.pages, out.pages, sizeof(in.pages));
		if (formats[n] == MRC_TRACE_TEXT || formats[n] == MRC_TRACE_CSV)
			assert_memory_equal(in.is_write, out.is_write,
					    sizeof(in.is_write));
		assert_int_equal(out.has_times, n >= 2);
		assert_int_equal(out.has_sizes, n >= 2);
		if (n >= 2) {
			assert_memory_equal(in.times, out.times,
					    sizeof(in.times));
			assert_memory_equal(in.sizes, out.sizes,
					    sizeof(in.sizes));
		}
		assert_int_equal(out.has_nexts, is_oracle_general);
		if (is_oracle_general)
			assert_memory_equal(in.nexts, out.nexts,
					    sizeof(in.nexts));
	}
}

static void test_write_refuses(void **state)
{
	const uint64_t pages[] = { 1, 2 };
	const uint64_t times[] = { 1, UINT64_C(1) << 32 };
	const int64_t nexts[] = { -1, -1 };
	struct mrc_trace_batch batch = { .nr_accesses = 2, .pages = pages };
	char bytes[100];
	size_t nr_accesses = 99;
	size_t nr_bytes = 99;

	(void)state;
	assert_int_equal(mrc_trace_write(MRC_TRACE_LACKEY, &batch, 0, 100,
					 bytes, &nr_accesses, &nr_bytes),
			 -EINVAL);
	assert_int_equal(mrc_trace_write_header(MRC_TRACE_PERF, &batch, 100,
						bytes, &nr_bytes),
			 -EINVAL);
	assert_int_equal(mrc_trace_write(MRC_TRACE_ORACLE_GENERAL, &batch, 0,
					 100, bytes, &nr_accesses, &nr_bytes),
			 -EINVAL);
	assert_int_equal(mrc_trace_write(MRC_TRACE_U64, &batch, 0, 7, bytes,
					 &nr_accesses, &nr_bytes),
			 -ENOSPC);
	assert_int_equal(mrc_trace_write_header(MRC_TRACE_CSV, &batch, 4, bytes,
						&nr_bytes),
			 -ENOSPC);
	batch.times = times;
	batch.nexts = nexts;
	assert_int_equal(mrc_trace_write(MRC_TRACE_ORACLE_GENERAL, &batch, 1,
					 100, bytes, &nr_accesses, &nr_bytes),
			 -ERANGE);
	assert_int_equal(nr_accesses, 99);
	assert_int_equal(nr_bytes, 99);
	/* The one before it is written. */
	assert_int_equal(mrc_trace_write(MRC_TRACE_ORACLE_GENERAL, &batch, 0,
					 100, bytes, &nr_accesses, &nr_bytes),
			 0);
	assert_int_equal(nr_accesses, 1);
	assert_int_equal(nr_bytes, 24);
	assert_int_equal(mrc_trace_write(MRC_TRACE_U64, &batch, 2, 0, bytes,
					 &nr_accesses, &nr_bytes),
			 0);
	assert_int_equal(nr_accesses, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_text_refuses),
		cmocka_unit_test(test_text_options),
		cmocka_unit_test(test_lines_too_long),
		cmocka_unit_test(test_u64),
		cmocka_unit_test(test_csv_by_name),
		cmocka_unit_test(test_csv_by_number),
		cmocka_unit_test(test_csv_refuses),
		cmocka_unit_test(test_csv_header_refuses),
		cmocka_unit_test(test_oracle_general),
		cmocka_unit_test(test_lackey),
		cmocka_unit_test(test_perf),
		cmocka_unit_test(test_the_end_of_the_address_space),
		cmocka_unit_test(test_the_largest_split),
		cmocka_unit_test(test_the_sink_stops_it),
		cmocka_unit_test(test_options_out_of_range),
		cmocka_unit_test(test_without_memory),
		cmocka_unit_test(test_detect),
		cmocka_unit_test(test_written_text_by_hand),
		cmocka_unit_test(test_what_is_written_is_read),
		cmocka_unit_test(test_write_refuses),
	};

	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
