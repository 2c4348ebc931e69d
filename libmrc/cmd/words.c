// SPDX-License-Identifier: LGPL-2.1-or-later
#include "words.h"

#include <errno.h>
#include <string.h>

int words_next(const char **list, char separator, char word[WORD_BYTES])
{
	const char *end = strchr(*list, separator);
	size_t length = end ? (size_t)(end - *list) : strlen(*list);

	if (length == 0 || length >= WORD_BYTES)
		return -EINVAL;
	memcpy(word, *list, length);
	word[length] = '\0';
	*list = end ? end + 1 : NULL;
	return 0;
}

char *words_split(char *word, char separator)
{
	char *end = strchr(word, separator);

	if (!end)
		return NULL;
	*end = '\0';
	return end + 1;
}
