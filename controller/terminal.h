/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONTROLLER_TERMINAL_H
#define CONTROLLER_TERMINAL_H

/* Columns of standard output: of the terminal, else $COLUMNS, else 80. */
unsigned int terminal_columns(void);

#endif /* CONTROLLER_TERMINAL_H */
