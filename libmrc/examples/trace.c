// SPDX-License-Identifier: LGPL-2.1-or-later
/* Parse a trace that comes in two pieces. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <mrc/trace.h>

static int print_accesses(void *context, const struct mrc_trace_batch *batch)
{
	size_t i;

	(void)context;
	for (i = 0; i < batch->nr_accesses; i++)
		printf("page %" PRIu64 " %s\n", batch->pages[i],
		       batch->is_write[i] ? "written" : "read");
	return 0;
}

int main(void)
{
	/* The access of 8 bytes at 0x4ffc spans two pages. */
	const char *pieces[] = {
		"== valgrind's own line\n L 1000,4\n S 4f",
		"fc,8\nI  400000,3\n",
	};
	struct mrc_trace_parser *parser;
	size_t i;
	int err;

	err = mrc_trace_parser_new(MRC_TRACE_LACKEY, NULL, print_accesses, NULL,
				   &parser);
	if (err < 0)
		return 1;
	for (i = 0; err == 0 && i < 2; i++)
		err = mrc_trace_parser_feed(parser, pieces[i],
					    strlen(pieces[i]));
	if (err == 0)
		err = mrc_trace_parser_finish(parser);
	mrc_trace_parser_free(parser);
	return err != 0;
}
