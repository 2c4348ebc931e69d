/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command lines of the verbs, as values. Touches nothing but stderr.
 */
#ifndef CONTROLLER_OPTIONS_H
#define CONTROLLER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/domain_xml.h"
#include "follow.h"
#include "source.h"

enum options_output {
	OPTIONS_TABLE,
	OPTIONS_PLOT,
	OPTIONS_JSON,
	OPTIONS_SVG,
	OPTIONS_CSV,
};

enum options_record {
	OPTIONS_RECORD_HERE, /* follow the daemon and write a file */
	OPTIONS_RECORD_START, /* have the daemon do it */
	OPTIONS_RECORD_STOP,
};

/* By which column `top` sorts. */
enum options_sort {
	OPTIONS_SORT_NAME,
	OPTIONS_SORT_WSS,
	OPTIONS_SORT_CURRENT,
	OPTIONS_SORT_MISSES,
	OPTIONS_SORT_OVERHEAD,
	OPTIONS_NR_SORTS,
};

/**
 * struct options - what a verb was asked for
 * @is_help: print the help of the verb and do nothing else
 * @uri: libvirt's, which the daemon must be connected to; NULL: any
 * @socket_path: of the daemon
 * @selector: the VM as the user names it; a loan from argv
 * @config: for the source
 * @follow: for follow_run()
 * @output: form of standard output
 * @svg_path: also write each curve to this file; NULL is no file; a loan
 * @nr_points: points of a table or JSON curve
 * @recording_path: to be read; NULL: none; a loan
 * @output_path: to be written, file or directory; NULL: none; a loan
 * @count: ticks, decisions; 0: no limit, or the verb's default
 * @has_memory: preview: @memory_bytes was given
 * @memory_bytes: preview: what the VM would have
 * @is_live: preview: measure, instead of asking the daemon
 * @is_host: set: about the host
 * @is_clear: set: take away what is set
 * @policy: set
 * @policy_name: replay: one policy; NULL: all; a loan
 * @is_terminal: report: to standard output
 * @is_batch: top: no screen
 * @sort: top
 * @record: record
 * @words: ctl: command and its arguments; a loan from argv
 * @nr_words: number of them
 */
struct options {
	bool is_help;
	const char *uri;
	const char *socket_path;
	const char *selector;
	struct source_config config;
	struct follow_options follow;
	enum options_output output;
	const char *svg_path;
	unsigned int nr_points;
	const char *recording_path;
	const char *output_path;
	uint64_t count;
	bool has_memory;
	uint64_t memory_bytes;
	bool is_live;
	bool is_host;
	bool is_clear;
	struct domain_policy policy;
	const char *policy_name;
	bool is_terminal;
	bool is_batch;
	enum options_sort sort;
	enum options_record record;
	char *const *words;
	int nr_words;
};

/*
 * The options before the verb: sets the defaults of @ret_options and what is said
 * there. Returns the index of the verb in @argv, argc if there is none; -EINVAL as
 * below. --help and --version are left for the caller, as if they were verbs.
 */
int options_parse_global(int argc, char **argv, struct options *ret_options);

/*
 * Each reads argv[1..] of one verb (argv[0] is the verb), on top of what
 * options_parse_global() set. -EINVAL: the line is wrong and the reason was
 * logged.
 */
int options_parse_list(int argc, char **argv, struct options *options);
int options_parse_selftest(int argc, char **argv, struct options *options);
int options_parse_wss(int argc, char **argv, struct options *options);
int options_parse_mrc(int argc, char **argv, struct options *options);
int options_parse_top(int argc, char **argv, struct options *options);
int options_parse_preview(int argc, char **argv, struct options *options);
int options_parse_explain(int argc, char **argv, struct options *options);
int options_parse_set(int argc, char **argv, struct options *options);
int options_parse_record(int argc, char **argv, struct options *options);
int options_parse_replay(int argc, char **argv, struct options *options);
int options_parse_report(int argc, char **argv, struct options *options);
int options_parse_ctl(int argc, char **argv, struct options *options);

#endif /* CONTROLLER_OPTIONS_H */
