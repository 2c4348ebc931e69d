/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists on the command line, cut into their items. Pure. */
#ifndef CMD_WORDS_H
#define CMD_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* Longest item, with its terminating 0. */
#define WORD_BYTES 512

/**
 * words_next() - copy the next item of a list
 * @list: where to go on; moved behind the item and its separator, NULL after the
 *	last one
 * @separator: between items
 * @word: the item
 *
 * Returns 0; -EINVAL the item is empty or too long.
 */
int words_next(const char **list, char separator, char word[WORD_BYTES]);

/* Cuts @word at the first @separator; NULL if there is none. */
char *words_split(char *word, char separator);

#endif /* CMD_WORDS_H */
