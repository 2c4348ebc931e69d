/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Text that is not ours (names, arguments) made safe to show.
 *
 * All functions are pure and return an allocated string, or NULL if memory is
 * out.
 */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stddef.h>

/*
 * For a terminal: bytes that are not UTF-8 and characters that move the cursor
 * or reorder text (C0, C1, bidirectional controls) become \xNN.
 */
char *text_printable(const char *text);

/* For JSON, which has its own escapes but must be UTF-8: bad bytes become U+FFFD. */
char *text_utf8(const char *text);

/* For XML content and attributes: text_printable() with & < > " ' escaped. */
char *text_xml(const char *text);

/*
 * For a place that is no wider than @columns (at least 4): text_printable(),
 * ending in "..." if it had to be cut.
 */
char *text_cut(const char *text, size_t columns);

/* Characters of a UTF-8 string, to align columns; bad bytes count one each. */
size_t text_columns(const char *text);

#endif /* CLI_TEXT_H */
