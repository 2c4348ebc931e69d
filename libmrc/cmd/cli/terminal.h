/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

/* Columns of standard output: of the terminal, else $COLUMNS, else 80. */
unsigned int terminal_columns(void);

#endif /* CLI_TERMINAL_H */
