// SPDX-License-Identifier: GPL-2.0-or-later
#include "columns.h"

#include <errno.h>
#include <libsmartcols/libsmartcols.h>

#include "cleanup.h"
#include "text.h"

struct columns {
	struct libscols_table *table;
	struct libscols_line *line;
	size_t nr_columns;
	size_t next;
	bool is_out_of_memory;
};

static void cleanup_columns(struct columns **columns)
{
	columns_free(*columns);
}

int columns_new(const struct column *heads, size_t nr_columns,
		struct columns **ret_columns)
{
	CLEANUP(cleanup_columns) struct columns *columns = NULL;
	size_t i;

	columns = calloc(1, sizeof(*columns));
	if (!columns)
		return -ENOMEM;
	columns->nr_columns = nr_columns;
	columns->table = scols_new_table();
	if (!columns->table)
		return -ENOMEM;
	/* Our texts are made printable; what is UTF-8 may stay. */
	(void)scols_table_enable_noencoding(columns->table, 1);
	(void)scols_table_set_termforce(columns->table, SCOLS_TERMFORCE_NEVER);
	(void)scols_table_set_column_separator(columns->table, "  ");
	for (i = 0; i < nr_columns; i++) {
		if (!scols_table_new_column(columns->table, heads[i].name, 0,
					    heads[i].is_right ? SCOLS_FL_RIGHT :
								0))
			return -ENOMEM;
	}
	*ret_columns = TAKE_PTR(columns);
	return 0;
}

void columns_free(struct columns *columns)
{
	if (!columns)
		return;
	scols_unref_table(columns->table);
	free(columns);
}

void columns_cell(struct columns *columns, const char *text)
{
	_cleanup_free_ char *printable = text_printable(text);

	if (columns->next == 0)
		columns->line = scols_table_new_line(columns->table, NULL);
	if (!printable || !columns->line ||
	    scols_line_set_data(columns->line, columns->next, printable) < 0)
		columns->is_out_of_memory = true;
	columns->next = (columns->next + 1) % columns->nr_columns;
}

int columns_print(struct columns *columns, FILE *out)
{
	_cleanup_free_ char *text = NULL;

	if (columns->is_out_of_memory ||
	    scols_print_table_to_string(columns->table, &text) < 0 || !text)
		return -ENOMEM;
	/* Without rows there are no heads either. */
	if (*text)
		(void)fprintf(out, "%s\n", text);
	return 0;
}
