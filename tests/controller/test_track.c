// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * wss, mrc and preview --live from the command line to the output, over a fake
 * source.
 *
 * The fake VM scans so many sampled pages in a loop, so its working set is
 * known: all of them, times FAKE_INVERSE_RATE.
 */
#include "ctl_test.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "verbs.h"

static const struct report_subject subject = {
	.pid = 4711,
	.fd = 12,
	.name = "web1",
};

struct run {
	int status;
	char *out;
	char *err;
};

static void run_done(struct run *run)
{
	free(run->out);
	free(run->err);
}

static struct run run_steps(char **argv, const struct fake_step *steps,
			    size_t nr_steps)
{
	bool is_mrc = strcmp(argv[0], "mrc") == 0;
	struct source *source = fake_source_new(steps, nr_steps);
	struct capture out, err;
	struct options options;
	struct run run;
	int argc = 0;

	while (argv[argc])
		argc++;
	assert_int_equal(
		options_parse_global(1, (char *[]){ (char *)"kvm-aet", NULL },
				     &options),
		1);
	assert_int_equal(is_mrc ? options_parse_mrc(argc, argv, &options) :
				  options_parse_wss(argc, argv, &options),
			 0);
	capture_start(&out, STDOUT_FILENO);
	capture_start(&err, STDERR_FILENO);
	run.status = verb_track_source(source, &options, is_mrc, &subject);
	run.err = capture_end(&err);
	run.out = capture_end(&out);
	clearerr(stdout);
	source_close(source);
	return run;
}

/* What preview --live attaches to; NULL: it fails. */
static struct source *attached_source;
static unsigned int nr_detached;

int __wrap_verb_attach(const struct options *options,
		       struct verb_attached *ret_attached);
void __wrap_verb_attached_done(struct verb_attached *attached);

int __wrap_verb_attach(const struct options *options,
		       struct verb_attached *ret_attached)
{
	assert_string_equal(options->selector, "web1");
	if (!attached_source)
		return -ENODEV;
	ret_attached->source = attached_source;
	ret_attached->subject = subject;
	ret_attached->memory_bytes = UINT64_C(256) << 20;
	return 0;
}

void __wrap_verb_attached_done(struct verb_attached *attached)
{
	if (attached->source)
		source_close(attached->source);
	nr_detached++;
}

static struct run run_preview(char **argv, const struct fake_step *steps,
			      size_t nr_steps)
{
	struct capture out, err;
	struct options options;
	struct run run;
	int argc = 0;

	while (argv[argc])
		argc++;
	assert_int_equal(
		options_parse_global(1, (char *[]){ (char *)"kvm-aet", NULL },
				     &options),
		1);
	assert_int_equal(options_parse_preview(argc, argv, &options), 0);
	attached_source = steps ? fake_source_new(steps, nr_steps) : NULL;
	nr_detached = 0;
	capture_start(&out, STDOUT_FILENO);
	capture_start(&err, STDERR_FILENO);
	run.status = verb_preview(&options);
	run.err = capture_end(&err);
	run.out = capture_end(&out);
	clearerr(stdout);
	/* However it ends, the VM is left as it was. */
	assert_int_equal(nr_detached, 1);
	return run;
}

#define ARGV(...) ((char *[]){ __VA_ARGS__, NULL })
#define RUN(argv, steps) run_steps(argv, steps, ARRAY_SIZE(steps))

/*
 * The size that follows @marker in @text. Sizes are not quite round: the bucket
 * that holds the reuse time of a loop is 1/128 wide.
 */
static double mib_after(const char *text, const char *marker)
{
	const char *found = strstr(text, marker);
	double mib = -1;

	if (!found) {
		print_error("no \"%s\" in:\n%s\n", marker, text);
		fail();
	}
	assert_int_equal(sscanf(found + strlen(marker), "%lf MiB", &mib), 1);
	return mib;
}

/* 8192, 16384 and 4096 sampled pages: 128, 256 and 64 MiB. */
static const struct fake_step up_and_down[] = {
	{ .nr_pages = 8192, .nr_passes = 30 },
	{ .nr_pages = 16384, .nr_passes = 30 },
	{ .nr_pages = 4096, .nr_passes = 30 },
};

static void test_wss_follows_the_working_set(void **state)
{
	struct run run = RUN(ARGV("wss", "web1", "--count", "3"), up_and_down);

	(void)state;
	assert_int_equal(run.status, 0);
	assert_string_equal(run.err, "");
	assert_int_equal(count_of(run.out, "\n"), 4);
	assert_int_equal(count_of(run.out, "WSS PAGES"), 1);
	assert_near(mib_after(run.out, "\n00:00:06"), 128, 1);
	assert_near(mib_after(run.out, "\n00:00:11"), 256, 2);
	assert_near(mib_after(run.out, "\n00:00:16"), 64, 0.5);
	assert_contains(run.out, " 32768/65536\n");
	assert_contains(run.out, " 5% ");
	run_done(&run);
}

static double wss_mib_of_line(const char *line)
{
	json_t *root = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);
	double mib;

	assert_non_null(root);
	assert_int_equal(
		json_integer_value(json_object_get(root, "schema_version")), 1);
	assert_string_equal(json_string_value(json_object_get(root, "type")),
			    "wss");
	assert_true(json_is_null(json_object_get(root, "wss_reason")));
	assert_near(json_number_value(json_object_get(root, "period_s")), 2.5,
		    1e-9);
	mib = json_number_value(json_object_get(root, "wss_bytes")) / (1 << 20);
	json_decref(root);
	return mib;
}

static void test_wss_json_lines(void **state)
{
	static const double sizes_mib[] = { 128, 256, 64 };
	struct run run = RUN(ARGV("wss", "web1", "--count", "3", "--json",
				  "--period", "2.5"),
			     up_and_down);
	const char *line = run.out;
	size_t i;

	(void)state;
	assert_int_equal(run.status, 0);
	assert_int_equal(count_of(run.out, "\n"), 3);
	for (i = 0; i < ARRAY_SIZE(sizes_mib); i++) {
		assert_near(wss_mib_of_line(line), sizes_mib[i],
			    sizes_mib[i] / 128);
		line = strchr(line, '\n') + 1;
	}
	run_done(&run);
}

static void test_wss_csv(void **state)
{
	struct run run =
		RUN(ARGV("wss", "web1", "--count", "2", "--csv"), up_and_down);
	char *line, *rest;

	(void)state;
	assert_int_equal(run.status, 0);
	assert_int_equal(count_of(run.out, "\n"), 3);
	line = strtok_r(run.out, "\n", &rest);
	assert_contains(line, "time_unix_s,period_s,wss_pages,");
	assert_int_equal(count_of(line, ","), 10);
	line = strtok_r(NULL, "\n", &rest);
	assert_int_equal(count_of(line, ","), 10);
	assert_contains(line, "6.000,5.000,");
	run_done(&run);
}

/* A working set that was never gone over twice is not known. */
static void test_unknown_wss_is_not_invented(void **state)
{
	static const struct fake_step cold[] = {
		{ .nr_pages = 8192, .nr_passes = 1 },
	};
	struct run run = RUN(ARGV("wss", "web1", "--once"), cold);
	json_t *root;

	(void)state;
	assert_int_equal(run.status, 0);
	assert_contains(run.out, " > 128.0 MiB ");
	assert_contains(run.out, " > 32768 ");
	assert_contains(run.out, " 100.0% ");
	run_done(&run);
	run = RUN(ARGV("wss", "web1", "--once", "--csv"), cold);
	/* No size, a lower bound, the tolerated ratio. */
	assert_contains(run.out, "\n6.000,5.000,,32768,0.05,8192,8192,");
	run_done(&run);
	run = RUN(ARGV("wss", "web1", "--once", "--json"), cold);
	root = json_loads(run.out, 0, NULL);
	assert_non_null(root);
	assert_true(json_is_null(json_object_get(root, "wss_pages")));
	assert_true(json_is_null(json_object_get(root, "wss_bytes")));
	assert_int_equal(
		json_integer_value(json_object_get(root, "wss_above_pages")),
		32768);
	assert_string_equal(
		json_string_value(json_object_get(root, "wss_reason")),
		"miss-ratio-never-that-low");
	json_decref(root);
	run_done(&run);
}

static void test_idle_vm_hints_once(void **state)
{
	static const struct fake_step idle[] = { { 0 }, { 0 }, { 0 } };
	struct run run = RUN(ARGV("wss", "web1", "--count", "3"), idle);
	json_t *root;

	(void)state;
	assert_int_equal(run.status, 0);
	assert_int_equal(count_of(run.err, "fit in the hot set"), 1);
	assert_int_equal(count_of(run.err, "\n"), 1);
	assert_int_equal(count_of(run.err, "lower --rate's N"), 1);
	assert_int_equal(count_of(run.out, " MiB"), 0);
	run_done(&run);
	run = RUN(ARGV("wss", "web1", "--once", "--json"), idle);
	root = json_loads(run.out, 0, NULL);
	assert_non_null(root);
	assert_string_equal(
		json_string_value(json_object_get(root, "wss_reason")),
		"no-access-recorded");
	assert_true(json_is_null(json_object_get(root, "wss_above_pages")));
	json_decref(root);
	run_done(&run);
}

static void test_cumulative(void **state)
{
	static const struct fake_step steps[] = {
		{ .nr_pages = 8192, .nr_passes = 2 },
		{ .first_page = 8192, .nr_pages = 8192, .nr_passes = 2 },
	};
	struct run run = RUN(ARGV("wss", "web1", "--count", "2", "--json",
				  "--cumulative"),
			     steps);
	json_t *root = json_loads(strchr(run.out, '\n') + 1, 0, NULL);

	(void)state;
	assert_non_null(root);
	assert_near(json_number_value(json_object_get(root, "period_s")), 10,
		    1e-9);
	assert_int_equal(json_integer_value(json_object_get(root, "accesses")),
			 4 * 8192);
	assert_int_equal(
		json_integer_value(json_object_get(root, "window_pages")),
		2 * 8192);
	json_decref(root);
	run_done(&run);
}

/* Nothing is lost between attach and the first read. */
static void test_first_window_starts_at_attach(void **state)
{
	static const struct fake_step steps[] = {
		{ .nr_pages = 8192, .nr_passes = 1, .at_attach = true },
		{ .nr_pages = 8192, .nr_passes = 1 },
	};
	struct run run = RUN(ARGV("wss", "web1", "--once", "--json"), steps);

	(void)state;
	assert_contains(run.out, "\"accesses\":16384,\"cold_accesses\":8192,");
	assert_contains(run.out, "\"window_pages\":8192,");
	assert_contains(run.out, "\"period_s\":5.0,");
	run_done(&run);
}

static void test_hints_once(void **state)
{
	static const struct fake_step lossy[] = {
		{ .nr_pages = 8192, .nr_passes = 9, .lost_records = 3 },
		{ .nr_pages = 8192, .nr_passes = 9, .lost_records = 5 },
	};
	static const struct fake_step huge[] = {
		{ .nr_pages = 8192,
		  .nr_passes = 9,
		  .huge_leaves = 17,
		  .huge_mode = KVM_AET_HUGE_AS_MAPPED },
		{ .nr_pages = 8192,
		  .nr_passes = 9,
		  .huge_leaves = 17,
		  .huge_mode = KVM_AET_HUGE_AS_MAPPED },
	};
	static const struct fake_step splitting[] = {
		{ .nr_pages = 8192, .nr_passes = 9, .huge_leaves = 17 },
	};
	struct run run = RUN(ARGV("wss", "web1", "--count", "2"), lossy);

	(void)state;
	assert_string_equal(
		run.err,
		"kvm-aet: note: 3 accesses were not recorded, the module's "
		"table being full: raise --rate's N (now 5)\n");
	run_done(&run);
	run = RUN(ARGV("wss", "web1", "--count", "2"), huge);
	assert_string_equal(run.err,
			    "kvm-aet: note: 17 huge mappings are not tracked: "
			    "use --huge split\n");
	run_done(&run);
	/* About to be split: no news. */
	run = RUN(ARGV("wss", "web1", "--once"), splitting);
	assert_string_equal(run.err, "");
	run_done(&run);
}

static void test_window_pages_restart(void **state)
{
	struct run run =
		RUN(ARGV("wss", "web1", "--count", "3", "--json"), up_and_down);

	(void)state;
	assert_contains(run.out, "\"window_pages\":8192,");
	assert_contains(run.out, "\"window_pages\":16384,");
	assert_contains(run.out, "\"window_pages\":4096,");
	run_done(&run);
}

static void test_vm_exit(void **state)
{
	static const struct fake_step steps[] = {
		{ .nr_pages = 8192, .nr_passes = 30 },
		{ .nr_pages = 16384,
		  .nr_passes = 30,
		  .event = SOURCE_ENDED,
		  .state = KVM_AET_VM_EXITED },
	};
	struct run run = RUN(ARGV("wss", "web1"), steps);

	(void)state;
	assert_int_equal(run.status, EXIT_STATUS_FAILED);
	assert_string_equal(run.err,
			    "kvm-aet: VM 'web1' (PID 4711) has exited\n");
	/* The rest of a quarter of a period is too little to report. */
	assert_int_equal(count_of(run.out, "\n"), 2);
	run_done(&run);
	/* As the only window there is, it is. */
	run = run_steps(ARGV("wss", "web1", "--json"), steps + 1, 1);
	assert_int_equal(run.status, EXIT_STATUS_FAILED);
	assert_contains(run.out, "\"is_partial\":true");
	assert_contains(run.out, "\"state\":\"vm-exited\"");
	run_done(&run);
}

/* The process can end a moment before the module knows. */
static void test_process_ends_first(void **state)
{
	static const struct fake_step steps[] = { { .event = SOURCE_ENDED } };
	struct run run = RUN(ARGV("wss", "web1"), steps);

	(void)state;
	assert_int_equal(run.status, EXIT_STATUS_FAILED);
	assert_contains(run.err, "has exited\n");
	run_done(&run);
}

static void test_exit_after_the_last_window(void **state)
{
	static const struct fake_step steps[] = {
		{ .nr_pages = 8192,
		  .nr_passes = 30,
		  .state = KVM_AET_VM_EXITED },
	};
	struct run run = RUN(ARGV("wss", "web1", "--once"), steps);

	(void)state;
	assert_int_equal(run.status, 0);
	assert_string_equal(run.err, "");
	run_done(&run);
}

static void test_stopped(void **state)
{
	static const struct fake_step steps[] = {
		{ .event = SOURCE_ENDED, .state = KVM_AET_STOPPED },
	};
	struct run run = RUN(ARGV("wss", "web1"), steps);

	(void)state;
	assert_int_equal(run.status, EXIT_STATUS_FAILED);
	assert_contains(run.err, "was stopped");
	run_done(&run);
}

static void test_interrupt(void **state)
{
	static const struct fake_step steps[] = {
		{ .nr_pages = 8192, .nr_passes = 30 },
		{ .event = SOURCE_INTERRUPTED },
	};
	struct run run = RUN(ARGV("wss", "web1"), steps);

	(void)state;
	assert_int_equal(run.status, 0);
	assert_string_equal(run.err, "");
	assert_int_equal(count_of(run.out, "\n"), 2);
	run_done(&run);
	run = run_steps(ARGV("mrc", "web1"), steps + 1, 1);
	assert_int_equal(run.status, 0);
	assert_contains(run.out, "(cut short)");
	run_done(&run);
}

static void test_source_errors(void **state)
{
	static const struct fake_step failing[] = { { .read_error = -EIO } };
	static const struct fake_step wrong[] = { { .read_error = -EPROTO } };
	unsigned int nr_closed = fake_nr_closed;
	struct run run = RUN(ARGV("wss", "web1"), failing);

	(void)state;
	assert_int_equal(run.status, EXIT_STATUS_FAILED);
	assert_string_equal(
		run.err,
		"kvm-aet: tracking 'web1' (PID 4711): Input/output error\n");
	run_done(&run);
	run = RUN(ARGV("wss", "web1"), wrong);
	assert_int_equal(run.status, EXIT_STATUS_FAILED);
	assert_contains(run.err, "contradict");
	run_done(&run);
	assert_int_equal(fake_nr_closed, nr_closed + 2);
}

static void test_mrc_is_once(void **state)
{
	struct run run = RUN(ARGV("mrc", "web1", "--points", "9"), up_and_down);

	(void)state;
	assert_int_equal(run.status, 0);
	/* Summary, header, points, working set. */
	assert_int_equal(count_of(run.out, "\n"), 1 + 1 + 9 + 1);
	assert_contains(run.out, "web1 (PID 4711): 5 s, 245760 accesses");
	assert_contains(run.out, "       0.0 MiB             0     100.00%\n");
	assert_near(mib_after(run.out, "\nWSS:"), 128, 1);
	run_done(&run);
}

static void test_mrc_follows(void **state)
{
	static const struct fake_step steps[] = {
		{ .nr_pages = 8192, .nr_passes = 30 },
		{ .nr_pages = 16384, .nr_passes = 30 },
		{ .event = SOURCE_INTERRUPTED },
	};
	struct run run = RUN(ARGV("mrc", "web1", "--follow"), steps);

	(void)state;
	assert_int_equal(run.status, 0);
	assert_int_equal(count_of(run.out, "WSS: "), 2);
	run_done(&run);
}

static void test_mrc_json(void **state)
{
	struct run run = RUN(ARGV("mrc", "web1", "--json"), up_and_down);
	json_t *root = json_loads(run.out, 0, NULL), *points;
	double last = 1, last_pages = -1;
	size_t i;

	(void)state;
	assert_non_null(root);
	assert_string_equal(json_string_value(json_object_get(root, "type")),
			    "mrc");
	points = json_object_get(root, "points");
	assert_int_equal(json_array_size(points), 201);
	for (i = 0; i < json_array_size(points); i++) {
		const json_t *point = json_array_get(points, i);
		double ratio =
			json_number_value(json_object_get(point, "miss_ratio"));
		double pages =
			json_number_value(json_object_get(point, "pages"));

		assert_true(ratio <= last && ratio >= 0 && pages > last_pages);
		last = ratio;
		last_pages = pages;
	}
	/* A loop: every pass but the first hits once all of it fits. */
	assert_near(last, 1.0 / 30, 1e-9);
	json_decref(root);
	run_done(&run);
}

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = calloc(1, 1 << 20);

	assert_non_null(file);
	assert_non_null(text);
	assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
	fclose(file);
	return text;
}

static void test_svg_file(void **state)
{
	char dir[] = "/tmp/kvm-aet-svg.XXXXXX", path[64];
	struct stat status;
	struct run run;
	char *svg;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/curve.svg", dir);
	run = RUN(ARGV("mrc", "web1", "--svg", path), up_and_down);
	assert_int_equal(run.status, 0);
	assert_contains(run.out, "MISS RATIO");
	run_done(&run);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	svg = read_file(path);
	assert_near(mib_after(svg, ">WSS "), 128, 1);
	assert_contains(svg, "</svg>\n");
	free(svg);
	/* Replaced, and nothing else on standard output. */
	run = run_steps(ARGV("mrc", "web1", "--svg", path, "--output", "svg"),
			up_and_down + 1, 1);
	assert_int_equal(run.status, 0);
	assert_string_equal(run.out, "");
	run_done(&run);
	svg = read_file(path);
	assert_near(mib_after(svg, ">WSS "), 256, 2);
	free(svg);
	assert_int_equal(unlink(path), 0);
	/* No temporary file is left. */
	assert_int_equal(rmdir(dir), 0);
}

static void test_svg_dir_vanishes(void **state)
{
	char path[] = "/nonexistent/kvm-aet/curve.svg";
	struct run run = RUN(ARGV("mrc", "web1", "--svg", path), up_and_down);

	(void)state;
	assert_int_equal(run.status, EXIT_STATUS_FAILED);
	assert_string_equal(
		run.err,
		"kvm-aet: cannot write '/nonexistent/kvm-aet/curve.svg': "
		"No such file or directory\n");
	run_done(&run);
}

static void test_output_is_gone(void **state)
{
	struct source *source = fake_source_new(up_and_down, 3);
	struct options options;
	struct capture err;
	int saved = dup(STDOUT_FILENO), status;
	FILE *full = fopen("/dev/full", "w");
	char *text;

	(void)state;
	assert_non_null(full);
	fflush(stdout);
	assert_int_equal(
		options_parse_global(1, (char *[]){ (char *)"kvm-aet", NULL },
				     &options),
		1);
	assert_int_equal(options_parse_wss(2, ARGV("wss", "web1"), &options),
			 0);
	assert_int_equal(dup2(fileno(full), STDOUT_FILENO), STDOUT_FILENO);
	capture_start(&err, STDERR_FILENO);
	status = verb_track_source(source, &options, false, &subject);
	text = capture_end(&err);
	(void)fflush(stdout);
	clearerr(stdout);
	assert_int_equal(dup2(saved, STDOUT_FILENO), STDOUT_FILENO);
	close(saved);
	fclose(full);
	source_close(source);
	assert_int_equal(status, EXIT_STATUS_FAILED);
	assert_string_equal(text, "kvm-aet: cannot write to standard output: "
				  "No space left on device\n");
	free(text);
}

/*
 * The VM has 256 MiB and goes over 128 MiB again and again: with 64 MiB it would miss
 * always, with 160 MiB hardly.
 */
static void test_preview_live(void **state)
{
	static const struct fake_step loop[] = {
		{ .nr_pages = 8192, .nr_passes = 30 },
	};
	struct run run;
	json_t *root, *now, *then;
	double accesses_per_s = 8192.0 * 30 * FAKE_INVERSE_RATE / 5;

	(void)state;
	run = run_preview(ARGV("preview", "web1", "--memory", "64MiB", "--live",
			       "--json"),
			  loop, 1);
	assert_int_equal(run.status, 0);
	assert_string_equal(run.err, "");
	root = json_loads(run.out, 0, NULL);
	assert_non_null(root);
	assert_string_equal(json_string_value(json_object_get(root, "type")),
			    "preview");
	now = json_object_get(root, "now");
	then = json_object_get(root, "then");
	assert_near(json_number_value(json_object_get(then, "misses_per_s")),
		    accesses_per_s, accesses_per_s / 20);
	assert_near(json_number_value(json_object_get(now, "misses_per_s")),
		    accesses_per_s / 30, accesses_per_s / 60);
	json_decref(root);
	run_done(&run);
	run = run_preview(ARGV("preview", "web1", "--memory", "64MiB",
			       "--live"),
			  loop, 1);
	assert_int_equal(run.status, 0);
	assert_contains(run.out, "With 64 MiB (-192 MiB) it would miss about ");
	assert_contains(run.out, " times per second more");
	run_done(&run);
	run = run_preview(ARGV("preview", "web1", "--memory", "160MiB",
			       "--live"),
			  loop, 1);
	assert_int_equal(run.status, 0);
	assert_contains(run.out, "160 MiB (-96 MiB) would make no difference");
	run_done(&run);
}

static void test_preview_live_fails(void **state)
{
	static const struct fake_step idle[] = { { 0 } };
	static const struct fake_step broken[] = {
		{ .nr_pages = 8192, .nr_passes = 9, .read_error = -EIO },
	};
	struct run run;

	(void)state;
	run = run_preview(ARGV("preview", "web1", "--memory", "1GiB", "--live"),
			  idle, 1);
	assert_int_equal(run.status, EXIT_STATUS_FAILED);
	assert_string_equal(run.out, "");
	assert_string_equal(
		run.err,
		"kvm-aet: no access was seen: sample more with --rate, or longer with --period\n");
	run_done(&run);
	run = run_preview(ARGV("preview", "web1", "--memory", "1GiB", "--live"),
			  broken, 1);
	assert_int_equal(run.status, EXIT_STATUS_FAILED);
	assert_string_equal(run.out, "");
	assert_contains(run.err, "tracking 'web1': Input/output error");
	run_done(&run);
	run = run_preview(ARGV("preview", "web1", "--memory", "1GiB", "--live"),
			  NULL, 0);
	assert_int_equal(run.status, EXIT_STATUS_FAILED);
	assert_string_equal(run.out, "");
	run_done(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wss_follows_the_working_set),
		cmocka_unit_test(test_wss_json_lines),
		cmocka_unit_test(test_wss_csv),
		cmocka_unit_test(test_unknown_wss_is_not_invented),
		cmocka_unit_test(test_idle_vm_hints_once),
		cmocka_unit_test(test_cumulative),
		cmocka_unit_test(test_window_pages_restart),
		cmocka_unit_test(test_first_window_starts_at_attach),
		cmocka_unit_test(test_hints_once),
		cmocka_unit_test(test_vm_exit),
		cmocka_unit_test(test_process_ends_first),
		cmocka_unit_test(test_exit_after_the_last_window),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_interrupt),
		cmocka_unit_test(test_source_errors),
		cmocka_unit_test(test_mrc_is_once),
		cmocka_unit_test(test_mrc_follows),
		cmocka_unit_test(test_mrc_json),
		cmocka_unit_test(test_svg_file),
		cmocka_unit_test(test_svg_dir_vanishes),
		cmocka_unit_test(test_output_is_gone),
		cmocka_unit_test(test_preview_live),
		cmocka_unit_test(test_preview_live_fails),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
