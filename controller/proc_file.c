// SPDX-License-Identifier: GPL-2.0-or-later
#include "proc_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "args.h"
#include "cleanup.h"

int proc_file_read(int dir_fd, const char *path, size_t max_bytes,
		   char **ret_text, size_t *ret_size)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *text = NULL;
	size_t size = 0, room = 0;

	fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t got;

		if (size == room) {
			char *larger;

			if (room >= max_bytes)
				break;
			room = room ? 2 * room : 4096;
			larger = realloc(text, room + 1);
			if (!larger)
				return -ENOMEM;
			text = larger;
		}
		got = read(fd, text + size, room - size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		size += (size_t)got;
	}
	text[size] = '\0';
	if (ret_size)
		*ret_size = size;
	*ret_text = TAKE_PTR(text);
	return 0;
}

bool proc_file_number(const char *text, const char *key, uint64_t *ret_number)
{
	size_t key_length = strlen(key), length;
	char number[24];

	while (strncmp(text, key, key_length) != 0) {
		text = strchr(text, '\n');
		if (!text)
			return false;
		text++;
	}
	text += key_length;
	text += strspn(text, " \t");
	length = strcspn(text, " \t\n");
	if (length >= sizeof(number))
		return false;
	memcpy(number, text, length);
	number[length] = '\0';
	/* The kernel writes none in hexadecimal, which args.h would take. */
	if (strspn(number, "0123456789") != length)
		return false;
	return args_number(number, 0, UINT64_MAX, ret_number) == 0;
}
