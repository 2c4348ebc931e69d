// SPDX-License-Identifier: LGPL-2.1-or-later
#include "output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"

/* The only way to ask is to change it. One thread at most opens files. */
static mode_t output_file_umask(void)
{
	mode_t mask = umask(0);

	(void)umask(mask);
	return mask;
}

int output_file_open(const char *path, mode_t mode,
		     struct output_file *ret_file)
{
	CLEANUP(output_file_done) struct output_file file = { 0 };
	_cleanup_free_ char *temporary_path = NULL;
	_cleanup_close_ int fd = -1;
	struct stat status;

	/* A name made from "" would be a file in the current directory. */
	if (!*path)
		return -ENOENT;
	if (lstat(path, &status) == 0) {
		if (S_ISDIR(status.st_mode))
			return -EISDIR;
		if (!S_ISREG(status.st_mode))
			return -EEXIST;
	} else if (errno != ENOENT) {
		return -errno;
	}
	file.path = strdup(path);
	if (!file.path)
		return -ENOMEM;
	if (asprintf(&temporary_path, "%s.XXXXXX", path) < 0) {
		temporary_path = NULL;
		return -ENOMEM;
	}
	/* Creates it with mode 0600. */
	fd = mkostemp(temporary_path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	file.temporary_path = TAKE_PTR(temporary_path);
	if (fchmod(fd, mode & ~output_file_umask()) < 0)
		return -errno;
	file.stream = fdopen(fd, "w");
	if (!file.stream)
		return -errno;
	(void)TAKE_FD(fd);
	*ret_file = file;
	file = (struct output_file){ 0 };
	return 0;
}

int output_file_commit(struct output_file *file)
{
	FILE *stream = TAKE_PTR(file->stream);
	int err = 0;

	errno = 0;
	/* The error that counts may lie further back than the last write. */
	if (fflush(stream) != 0 || ferror(stream))
		err = errno ? -errno : -EIO;
	else if (fsync(fileno(stream)) < 0)
		err = -errno;
	if (fclose(stream) != 0 && err == 0)
		err = -errno;
	if (err < 0)
		return err;
	if (rename(file->temporary_path, file->path) < 0)
		return -errno;
	free(TAKE_PTR(file->temporary_path));
	return 0;
}

void output_file_done(struct output_file *file)
{
	if (file->stream)
		(void)fclose(file->stream);
	if (file->temporary_path)
		(void)unlink(file->temporary_path);
	free(file->temporary_path);
	free(file->path);
	*file = (struct output_file){ 0 };
}
