/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command lines of the verbs, as values. Touches nothing but stderr.
 */
#ifndef CONTROLLER_OPTIONS_H
#define CONTROLLER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "follow.h"
#include "source.h"

enum options_output {
	OPTIONS_TABLE,
	OPTIONS_PLOT,
	OPTIONS_JSON,
	OPTIONS_SVG,
	OPTIONS_CSV,
};

/**
 * struct options - what a verb was asked for
 * @is_help: print the help of the verb and do nothing else
 * @selector: the VM as the user names it; a loan from argv
 * @config: for the source
 * @follow: for follow_run()
 * @output: form of standard output
 * @svg_path: also write each curve to this file; NULL is no file; a loan
 * @nr_points: points of a table or JSON curve
 */
struct options {
	bool is_help;
	const char *selector;
	struct source_config config;
	struct follow_options follow;
	enum options_output output;
	const char *svg_path;
	unsigned int nr_points;
};

/*
 * Each reads argv[1..] of one verb (argv[0] is the verb). -EINVAL: the line is
 * wrong and the reason was logged.
 */
int options_parse_list(int argc, char **argv, struct options *ret_options);
int options_parse_selftest(int argc, char **argv, struct options *ret_options);
int options_parse_wss(int argc, char **argv, struct options *ret_options);
int options_parse_mrc(int argc, char **argv, struct options *ret_options);

#endif /* CONTROLLER_OPTIONS_H */
