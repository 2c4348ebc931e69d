/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables for people, by libsmartcols, which knows how wide characters are.
 *
 *	err = columns_new(heads, ARRAY_SIZE(heads), &columns);
 *	columns_cell(columns, "web1");
 *	columns_cell(columns, "512 MiB");
 *	err = columns_print(columns, stdout);
 *	columns_free(columns);
 */
#ifndef CONTROLLER_COLUMNS_H
#define CONTROLLER_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/**
 * struct column - head of a column
 * @name: shown above it
 * @is_right: its cells are flush right, as numbers are
 */
struct column {
	const char *name;
	bool is_right;
};

struct columns;

/* 0 or -ENOMEM. */
int columns_new(const struct column *heads, size_t nr_columns,
		struct columns **ret_columns);
/* NULL is fine. */
void columns_free(struct columns *columns);

/*
 * The next cell, row by row; copied, and made printable. Running out of memory
 * is reported by columns_print().
 */
void columns_cell(struct columns *columns, const char *text);

/* 0 or -ENOMEM; whether it was written, @out tells. Full width, never cut. */
int columns_print(struct columns *columns, FILE *out);

#endif /* CONTROLLER_COLUMNS_H */
