/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What people and programs get to see. Every function writes to a FILE and
 * decides nothing else; whether the writing worked, the caller learns from the
 * FILE. Those that return int need memory: 0 or -ENOMEM.
 */
#ifndef CMD_REPORT_H
#define CMD_REPORT_H

#include <stdio.h>

#include "json.h"
#include "measure.h"
#include "options.h"

/* Increased when a field of JSON changes its meaning or goes away. */
#define REPORT_SCHEMA_VERSION 1

/* What all JSON of measurements begins with, up to the array of results. */
struct json report_json_begin(FILE *out, const struct options *options,
			      const struct result_set *set);

/* Curves and simulations, by size. */
void report_table(FILE *out, const struct options *options,
		  const struct result_set *set);
void report_csv_header(FILE *out, const struct options *options);
void report_csv(FILE *out, const struct options *options,
		const struct result_set *set);
void report_json(FILE *out, const struct options *options,
		 const struct result_set *set);
int report_plot_text(FILE *out, const struct options *options,
		     const struct result_set *set, unsigned int columns,
		     bool is_coloured);
int report_plot_svg(FILE *out, const struct options *options,
		    const struct result_set *sets, size_t nr_sets);

/* Working sets. */
void report_wss_table(FILE *out, const struct options *options,
		      const struct result_set *set, bool has_header);
void report_wss_csv_header(FILE *out);
void report_wss_csv(FILE *out, const struct options *options,
		    const struct result_set *set);
void report_wss_json(FILE *out, const struct options *options,
		     const struct result_set *set);

/* What separates one curve from @reference, which is no result. */
void report_compare_table(FILE *out, const struct options *options,
			  const struct result_set *set,
			  const struct result *reference);
void report_compare_csv_header(FILE *out);
void report_compare_csv(FILE *out, const struct options *options,
			const struct result_set *set,
			const struct result *reference);
void report_compare_json(FILE *out, const struct options *options,
			 const struct result_set *set,
			 const struct result *reference);

/*
 * Shared by the files that implement these: sizes of a set, as asked for or
 * spread over its curves; at most OPTIONS_MAX_SIZES or options->nr_points.
 */
size_t report_nr_sizes(const struct options *options);
double report_size_pages(const struct options *options,
			 const struct result_set *set, size_t index);

/* The size up to which a set is worth showing, in pages; above 0. */
double report_extent_pages(const struct result_set *set);

/* Miss ratio at a size; of a simulation: at its size number @index. */
double report_miss_ratio(const struct result *result, size_t index,
			 double pages);

/* A field of CSV, in quotes if it needs them. */
void report_csv_text(FILE *out, const char *text);

#endif /* CMD_REPORT_H */
