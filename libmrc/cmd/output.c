// SPDX-License-Identifier: LGPL-2.1-or-later
#include "output.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "interrupt.h"
#include "log.h"

#define OUTPUT_MODE 0666

static int output_log(const char *path, int err)
{
	if (err == -EEXIST)
		log_error(
			"cannot write '%s': it exists and is not a regular file",
			path);
	else
		log_error("cannot write '%s': %s", path, strerror(-err));
	return err;
}

int output_open(const char *path, struct output *ret_output)
{
	struct output output = { .stream = stdout, .path = path };
	int err;

	if (path) {
		err = output_file_open(path, OUTPUT_MODE, &output.file);
		if (err < 0)
			return output_log(path, err);
		output.stream = output.file.stream;
		interrupt_remove(output.file.temporary_path);
	}
	*ret_output = output;
	return 0;
}

/* The error that counts may lie further back than errno tells. */
static bool output_is_broken_pipe(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };

	return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLERR);
}

int output_check_stdout(void)
{
	int err;

	if (!ferror(stdout))
		errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	err = errno ? -errno : -EIO;
	if (err == -EPIPE || output_is_broken_pipe(STDOUT_FILENO))
		return -EPIPE;
	log_error("cannot write to standard output: %s", strerror(-err));
	return err;
}

int output_check(const struct output *output)
{
	int err;

	if (!output->path)
		return output_check_stdout();
	if (!ferror(output->stream))
		errno = 0;
	if (fflush(output->stream) == 0 && !ferror(output->stream))
		return 0;
	err = errno ? -errno : -EIO;
	return output_log(output->path, err);
}

int output_finish(struct output *output)
{
	int err;

	if (!output->path)
		return output_check_stdout();
	err = output_file_commit(&output->file);
	return err < 0 ? output_log(output->path, err) : 0;
}

void output_done(struct output *output)
{
	if (!output->path)
		return;
	interrupt_remove(NULL);
	output_file_done(&output->file);
}
