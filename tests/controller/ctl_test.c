// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl_test.h"

#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mrc/aet.h>

#define FAKE_SUB_BUCKET_BITS 7
#define FAKE_MAX_PAGES 65536

unsigned int fake_nr_closed;

void capture_start(struct capture *capture, int fd)
{
	fflush(NULL);
	capture->fd = fd;
	capture->saved_fd = dup(fd);
	capture->file = tmpfile();
	assert_true(capture->saved_fd >= 0);
	assert_non_null(capture->file);
	assert_int_equal(dup2(fileno(capture->file), fd), fd);
}

char *capture_end(struct capture *capture)
{
	char *text;
	long size;

	fflush(NULL);
	assert_int_equal(dup2(capture->saved_fd, capture->fd), capture->fd);
	close(capture->saved_fd);
	assert_int_equal(fseek(capture->file, 0, SEEK_END), 0);
	size = ftell(capture->file);
	assert_true(size >= 0);
	rewind(capture->file);
	text = calloc(1, (size_t)size + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, (size_t)size, capture->file), size);
	fclose(capture->file);
	return text;
}

struct fake_source {
	struct source source;
	const struct fake_step *steps;
	size_t nr_steps;
	size_t next;
	int read_error;
	uint32_t state;
	uint64_t time_ns;
	uint64_t lost_records;
	uint64_t huge_leaves;
	uint32_t huge_mode;
	struct mrc_reuse *reuse;
	bool in_window[FAKE_MAX_PAGES];
	uint64_t window_pages;
};

static struct fake_source *fake_of(struct source *source)
{
	return (struct fake_source *)source;
}

static int fake_read(struct source *source, bool new_window,
		     struct sample *ret_sample)
{
	struct fake_source *fake = fake_of(source);
	const struct mrc_hist *hist = mrc_reuse_hist(fake->reuse);
	size_t i;

	if (fake->read_error)
		return fake->read_error;
	*ret_sample = (struct sample){
		.time_ns = fake->time_ns,
		.state = fake->state,
		.mmu_mode = KVM_AET_MMU_NPT,
		.encoding = KVM_AET_ENC_NPT_SUPERVISOR,
		/* Wrong on purpose: the counted share is the one to use. */
		.inverse_rate = FAKE_INVERSE_RATE + 1,
		.hot_pages = 64,
		.hot_used = 64,
		.salt = 7,
		.range_pages = FAKE_MAX_PAGES * FAKE_INVERSE_RATE,
		.sampled_pages = FAKE_MAX_PAGES,
		.mapped_pages = FAKE_MAX_PAGES / 2,
		.accesses = mrc_hist_total(hist),
		.cold_accesses = mrc_hist_cold(hist),
		.window_pages = fake->window_pages,
		.traps = mrc_hist_total(hist),
		.lost_records = fake->lost_records,
		.huge_leaves = fake->huge_leaves,
		.huge_mode = fake->huge_mode,
		.sub_bucket_bits = FAKE_SUB_BUCKET_BITS,
		.nr_buckets = (uint32_t)mrc_hist_nr_buckets(hist),
	};
	ret_sample->buckets =
		calloc(ret_sample->nr_buckets, sizeof(*ret_sample->buckets));
	assert_non_null(ret_sample->buckets);
	for (i = 0; i < ret_sample->nr_buckets; i++)
		assert_int_equal(
			mrc_hist_bucket(hist, i, &ret_sample->buckets[i]), 0);
	if (new_window) {
		memset(fake->in_window, 0, sizeof(fake->in_window));
		fake->window_pages = 0;
	}
	return 0;
}

static const struct fake_step *fake_step_on(struct fake_source *fake)
{
	const struct fake_step *step;
	uint64_t pass, page;

	assert_true(fake->next < fake->nr_steps);
	step = &fake->steps[fake->next++];
	for (pass = 0; pass < step->nr_passes; pass++) {
		for (page = step->first_page;
		     page < step->first_page + step->nr_pages; page++) {
			assert_true(page < FAKE_MAX_PAGES);
			assert_int_equal(mrc_reuse_access(fake->reuse, page),
					 0);
			fake->window_pages += !fake->in_window[page];
			fake->in_window[page] = true;
		}
	}
	fake->lost_records = step->lost_records;
	fake->huge_leaves = step->huge_leaves;
	fake->huge_mode = step->huge_mode;
	return step;
}

static int fake_wait(struct source *source, uint64_t deadline_ns,
		     enum source_event *ret_event)
{
	struct fake_source *fake = fake_of(source);
	const struct fake_step *step = fake_step_on(fake);

	assert_true(deadline_ns > fake->time_ns);
	if (step->event == SOURCE_DEADLINE)
		fake->time_ns = deadline_ns;
	else
		fake->time_ns += (deadline_ns - fake->time_ns) / 4;
	if (step->state)
		fake->state = step->state;
	fake->read_error = step->read_error;
	*ret_event = step->event;
	return 0;
}

static void fake_close(struct source *source)
{
	struct fake_source *fake = fake_of(source);

	mrc_reuse_free(fake->reuse);
	free(fake);
	fake_nr_closed++;
}

struct source *fake_source_new(const struct fake_step *steps, size_t nr_steps)
{
	static const struct source_ops ops = {
		.read = fake_read,
		.wait = fake_wait,
		.close = fake_close,
	};
	struct fake_source *fake = calloc(1, sizeof(*fake));

	assert_non_null(fake);
	fake->source.ops = &ops;
	fake->steps = steps;
	fake->nr_steps = nr_steps;
	fake->state = KVM_AET_TRACKING;
	fake->time_ns = UINT64_C(1000000000);
	assert_int_equal(mrc_reuse_new(FAKE_SUB_BUCKET_BITS, &fake->reuse), 0);
	if (nr_steps > 0 && steps[0].at_attach)
		(void)fake_step_on(fake);
	return &fake->source;
}

char *fake_proc;

int fake_proc_setup(void **state)
{
	static char path[] = "/tmp/kvm-aet-proc.XXXXXX";

	(void)state;
	strcpy(path + strlen(path) - 6, "XXXXXX");
	fake_proc = mkdtemp(path);
	return fake_proc ? 0 : -1;
}

static int fake_proc_remove(const char *path, const struct stat *status,
			    int type, struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path);
}

int fake_proc_teardown(void **state)
{
	(void)state;
	return nftw(fake_proc, fake_proc_remove, 8, FTW_DEPTH | FTW_PHYS);
}

void fake_proc_dir(const char *path)
{
	char full[512];

	snprintf(full, sizeof(full), "%s/%s", fake_proc, path);
	assert_int_equal(mkdir(full, 0700), 0);
}

void fake_proc_link(const char *path, const char *target)
{
	char full[512];

	snprintf(full, sizeof(full), "%s/%s", fake_proc, path);
	assert_int_equal(symlink(target, full), 0);
}

void fake_proc_file(const char *path, const char *content, size_t size)
{
	char full[512];
	FILE *file;

	snprintf(full, sizeof(full), "%s/%s", fake_proc, path);
	file = fopen(full, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(content, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

void fake_proc_text(const char *path, const char *text)
{
	fake_proc_file(path, text, strlen(text));
}
