// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl_test.h"

#include <errno.h>
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output_file.h"

static char dir[] = "/tmp/kvm-aet-file.XXXXXX";
static char path[64];

static unsigned int nr_entries(void)
{
	DIR *stream = opendir(dir);
	unsigned int count = 0;

	assert_non_null(stream);
	while (readdir(stream))
		count++;
	closedir(stream);
	return count - 2;
}

static int setup(void **state)
{
	(void)state;
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/out", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)remove(path);
	return rmdir(dir);
}

static void write_old(const char *text, mode_t mode)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(chmod(path, mode), 0);
}

static void check_content(const char *expected)
{
	FILE *file = fopen(path, "r");
	char text[64] = "";

	assert_non_null(file);
	(void)fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	assert_string_equal(text, expected);
}

static void test_replaces_as_a_whole(void **state)
{
	struct output_file file;
	struct stat status;

	(void)state;
	write_old("old", 0644);
	assert_int_equal(output_file_open(path, 0600, &file), 0);
	fputs("new", file.stream);
	fflush(file.stream);
	check_content("old");
	assert_int_equal(output_file_commit(&file), 0);
	check_content("new");
	output_file_done(&file);
	check_content("new");
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(nr_entries(), 1);
}

static void test_mode_is_cut_by_the_umask(void **state)
{
	struct output_file file;
	struct stat status;
	mode_t mask = umask(027);

	(void)state;
	assert_int_equal(output_file_open(path, 0666, &file), 0);
	assert_int_equal(output_file_commit(&file), 0);
	output_file_done(&file);
	assert_int_equal(umask(mask), 027);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0640);
}

static void test_leaves_nothing_without_commit(void **state)
{
	struct output_file file;

	(void)state;
	write_old("old", 0600);
	assert_int_equal(output_file_open(path, 0600, &file), 0);
	fputs("new", file.stream);
	output_file_done(&file);
	check_content("old");
	assert_int_equal(nr_entries(), 1);
	output_file_done(&file);
}

static void test_replaces_only_files(void **state)
{
	struct output_file file = { 0 };

	(void)state;
	assert_int_equal(output_file_open(dir, 0600, &file), -EISDIR);
	assert_int_equal(output_file_open("/dev/null", 0600, &file), -EEXIST);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(output_file_open(path, 0600, &file), -EEXIST);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(output_file_open(path, 0600, &file), -EEXIST);
	assert_int_equal(output_file_open("/nonexistent/x", 0600, &file),
			 -ENOENT);
	assert_int_equal(output_file_open("", 0600, &file), -ENOENT);
	assert_null(file.stream);
	assert_int_equal(nr_entries(), 1);
}

/* Written in full, or not put in place. */
static void test_write_error(void **state)
{
	struct output_file file;
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(full);
	write_old("old", 0600);
	assert_int_equal(output_file_open(path, 0600, &file), 0);
	fclose(file.stream);
	file.stream = full;
	fputs("new", file.stream);
	assert_int_equal(output_file_commit(&file), -ENOSPC);
	output_file_done(&file);
	check_content("old");
	assert_int_equal(nr_entries(), 1);
}

int main(void)
{
#define FILE_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		FILE_TEST(test_replaces_as_a_whole),
		FILE_TEST(test_mode_is_cut_by_the_umask),
		FILE_TEST(test_leaves_nothing_without_commit),
		FILE_TEST(test_replaces_only_files),
		FILE_TEST(test_write_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
