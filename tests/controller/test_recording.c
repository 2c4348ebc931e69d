// SPDX-License-Identifier: GPL-2.0-or-later
/* Ticks to JSON, to files and back. */
#include "ctl_test.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config.h"
#include "fields.h"
#include "recording.h"
#include "tick_test.h"

static char directory[] = "/tmp/kvm-aet-recording.XXXXXX";

static const struct recording_params no_params;

static char *path_of(const char *name)
{
	char *path;

	assert_true(asprintf(&path, "%s/%s", directory, name) > 0);
	return path;
}

static char *text_of(const struct tick *tick)
{
	_cleanup_json_ json_t *json = recording_tick_to_json(tick);
	char *text;

	assert_non_null(json);
	text = fields_dump(json);
	assert_non_null(text);
	return text;
}

static struct tick tick_of(const char *text)
{
	_cleanup_json_ json_t *json = json_loads(text, 0, NULL);
	char error[RECORDING_ERROR_BYTES] = "";
	struct tick tick;

	assert_non_null(json);
	assert_int_equal(recording_tick_from_json(json, &tick, error), 0);
	assert_string_equal(error, "");
	return tick;
}

/* Every field comes back, so the same text does. */
static void test_round_trip(void **state)
{
	struct tick tick = tick_test_new(3), back;
	char *text, *again;

	(void)state;
	tick.vms[1].vain_growths = 3;
	tick.vms[1].held_bytes = 100 << 20;
	text = text_of(&tick);
	back = tick_of(text);
	again = text_of(&back);
	assert_string_equal(text, again);
	assert_int_equal(back.number, 3);
	assert_int_equal(back.time_ns, tick.time_ns);
	assert_int_equal(back.unix_ns, tick.unix_ns);
	assert_ptr_equal(back.policy, tick.policy);
	assert_int_equal(back.host.total_bytes, tick.host.total_bytes);
	assert_int_equal(back.host.available_bytes, tick.host.available_bytes);
	assert_int_equal(back.host.budget_bytes, tick.host.budget_bytes);
	assert_true(back.host.has_pressure);
	assert_int_equal(back.nr_vms, TICK_TEST_NR_VMS);
	assert_string_equal(back.vms[0].uuid, tick_test_uuids[0]);
	assert_string_equal(back.vms[3].name, tick_test_names[3]);
	assert_memory_equal(&back.vms[0].limits, &tick.vms[0].limits,
			    sizeof(back.vms[0].limits));
	assert_memory_equal(&back.vms[0].stats, &tick.vms[0].stats,
			    sizeof(back.vms[0].stats));
	assert_memory_equal(back.vms[0].age_bytes, tick.vms[0].age_bytes,
			    sizeof(back.vms[0].age_bytes));
	assert_true(back.vms[0].has_stats);
	assert_false(back.vms[1].has_stats);
	assert_true(back.vms[1].is_stable);
	assert_string_equal(back.vms[2].immovable_reason,
			    "a host device pins its memory");
	assert_true(isnan(back.vms[2].accesses_per_s));
	assert_int_equal(back.vms[2].wss, VM_WSS_ABOVE);
	assert_null(back.vms[2].curve);
	assert_int_equal(back.vms[0].vain_growths, 0);
	assert_int_equal(back.vms[0].held_bytes, 0);
	assert_int_equal(back.vms[1].vain_growths, 3);
	assert_int_equal(back.vms[1].held_bytes, 100 << 20);
	assert_true(back.vms[3].is_starved);
	assert_int_equal(back.vms[3].measured_age_ns, INT64_MAX);
	assert_near(back.vms[3].overhead_ratio, -1, 0);
	assert_near(mrc_curve_at(back.vms[0].curve, 100000),
		    mrc_curve_at(tick.vms[0].curve, 100000), 1e-6);
	assert_int_equal(back.decisions[1].verdict, VERDICT_ADVISE);
	assert_string_equal(back.decisions[0].reason, tick.decisions[0].reason);
	assert_string_equal(back.decisions[0].want.reason, "worth more here");
	assert_null(back.decisions[3].want.reason);
	assert_int_equal(back.thrashing.candidate, -1);
	recording_tick_done(&back);
	recording_tick_done(&tick);
	free(text);
	free(again);
}

/* Ticks of before there were such values. */
static void test_no_demand(void **state)
{
	struct tick tick = tick_test_new(3), back;
	json_t *json = recording_tick_to_json(&tick);
	json_t *vm = json_array_get(json_object_get(json, "vms"), 0);
	char error[RECORDING_ERROR_BYTES] = "";

	(void)state;
	assert_int_equal(json_object_del(vm, "vain_growths"), 0);
	assert_int_equal(json_object_del(vm, "held_bytes"), 0);
	assert_int_equal(recording_tick_from_json(json, &back, error), 0);
	assert_int_equal(back.vms[0].vain_growths, 0);
	assert_int_equal(back.vms[0].held_bytes, 0);
	recording_tick_done(&back);
	json_object_set_new(vm, "vain_growths", json_integer(-1));
	assert_int_equal(recording_tick_from_json(json, &back, error),
			 -EBADMSG);
	assert_contains(error, "vain_growths: expected a whole number");
	json_decref(json);
	recording_tick_done(&tick);
}

/* Back from JSON; @from becomes @to there. */
static int read_params(const struct recording_params *params, const char *from,
		       const char *to, struct recording_params *ret_params,
		       char ret_error[RECORDING_ERROR_BYTES])
{
	json_t *json = json_object();
	char *text, *other, *where;
	int err;

	assert_int_equal(recording_params_to_json(params, json), 0);
	text = fields_dump(json);
	json_decref(json);
	assert_non_null(text);
	where = strstr(text, from);
	assert_non_null(where);
	assert_true(asprintf(&other, "%.*s%s%s", (int)(where - text), text, to,
			     where + strlen(from)) > 0);
	json = json_loads(other, 0, NULL);
	assert_non_null(json);
	err = recording_params_from_json(json, ret_params, ret_error);
	json_decref(json);
	free(text);
	free(other);
	return err;
}

/* A configuration in which @key is not at its default, whatever it is. */
static void configure_other(const char *key, const char *value,
			    struct config *ret_config)
{
	static const char *const others[] = { "0.125", "8MiB", "7", "1GiB" };
	char reason[CONFIG_ERROR_BYTES], text[128];
	char *path = path_of("params.conf");
	const char *dot = strchr(key, '.');
	size_t i;
	int err = -1;

	for (i = 0; i < ARRAY_SIZE(others) && err < 0; i++) {
		FILE *file = fopen(path, "w");

		assert_non_null(file);
		(void)snprintf(text, sizeof(text), "[%.*s]\n%s = %s\n",
			       (int)(dot - key), key, dot + 1, others[i]);
		assert_true(fputs(text, file) >= 0);
		assert_int_equal(fclose(file), 0);
		if (strcmp(value, others[i]) != 0)
			err = config_read(path, ret_config, reason);
	}
	if (err < 0)
		print_error("%s: %s\n", key, reason);
	assert_int_equal(err, 0);
	free(path);
}

/* Every setting of the policy and the guard comes back, also those to come. */
static void test_params_round_trip(void **state)
{
	struct config defaults, config, back;
	unsigned int nr_keys = 0;
	const char *key;
	size_t i;

	(void)state;
	assert_int_equal(config_default(&defaults), 0);
	for (i = 0; (key = config_key(i)); i++) {
		char *at_first = config_value(&defaults, i), *set, *read;
		char error[RECORDING_ERROR_BYTES] = "";
		struct recording_params params = { .is_known = true };

		assert_non_null(at_first);
		if ((strncmp(key, "policy.", 7) != 0 &&
		     strncmp(key, "guard.", 6) != 0) ||
		    strcmp(key, "policy.name") == 0) {
			free(at_first);
			continue;
		}
		nr_keys++;
		configure_other(key, at_first, &config);
		params.policy = config.policy_params;
		params.guard = config.guard_params;
		assert_int_equal(read_params(&params, "", "", &params, error),
				 0);
		assert_true(params.is_known);
		assert_int_equal(config_default(&back), 0);
		back.policy_params = params.policy;
		back.guard_params = params.guard;
		set = config_value(&config, i);
		read = config_value(&back, i);
		assert_string_not_equal(set, at_first);
		if (strcmp(set, read) != 0)
			print_error("%s: ", key);
		assert_string_equal(set, read);
		free(set);
		free(read);
		free(at_first);
		config_done(&config);
		config_done(&back);
	}
	assert_true(nr_keys >= 21);
	config_done(&defaults);
}

/* What a tick does not tell is at its default; what cannot be is refused. */
static void test_odd_params(void **state)
{
	static const struct {
		const char *from;
		const char *to;
		const char *error;
	} cases[] = {
		{ "\"unit_bytes\":4194304", "\"unit_bytes\":0",
		  "params: policy: unit_bytes: expected a larger number" },
		{ "\"unit_bytes\":4194304", "\"unit_bytes\":4097",
		  "params: unit_bytes: expected whole pages" },
		{ "\"unit_bytes\":4194304", "\"unit_bytes\":\"4MiB\"",
		  "params: policy: unit_bytes: expected a whole number" },
		{ "\"desired_use\":0.8", "\"desired_use\":1",
		  "params: policy: desired_use: expected a number within its range" },
		{ "\"settle_ticks\":3", "\"settle_ticks\":4294967297",
		  "params: guard: settle_ticks: expected a whole number" },
		{ "\"backoff_ticks\":6", "\"backoff_ticks\":193",
		  "params: backoff_ticks: expected at most max_backoff_ticks" },
		{ "\"policy\":{", "\"policies\":{",
		  "params: policy: policy: expected an object" },
	};
	char error[RECORDING_ERROR_BYTES] = "";
	struct recording_params defaults, params;
	json_t *json = json_object();
	size_t i;

	(void)state;
	recording_params_init(&defaults);
	assert_int_equal(recording_params_to_json(&defaults, json), 0);
	assert_int_equal(json_object_size(json), 0);
	memset(&params, 0xff, sizeof(params));
	assert_int_equal(recording_params_from_json(json, &params, error), 0);
	assert_false(params.is_known);
	assert_int_equal(params.guard.max_step_bytes,
			 guard_default_params.max_step_bytes);
	json_decref(json);

	defaults.is_known = true;
	/* As if of a time when there was no such parameter, but another one. */
	assert_int_equal(read_params(&defaults, "\"settle_ticks\":3",
				     "\"patience\":\"much\"", &params, error),
			 0);
	assert_true(params.is_known);
	assert_int_equal(params.guard.settle_ticks,
			 guard_default_params.settle_ticks);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct recording_params untouched = { .guard.settle_ticks =
							      77 };

		assert_int_equal(read_params(&defaults, cases[i].from,
					     cases[i].to, &untouched, error),
				 -EBADMSG);
		assert_contains(error, cases[i].error);
		assert_int_equal(untouched.guard.settle_ticks, 77);
	}
}

static void test_names_that_are_not_utf8(void **state)
{
	struct tick tick = tick_test_new(1), back;
	char *text;

	(void)state;
	free((void *)tick.vms[0].name);
	tick.vms[0].name = strdup("a\xff"
				  "b\n");
	text = text_of(&tick);
	assert_null(strchr(text, '\n'));
	back = tick_of(text);
	assert_string_equal(back.vms[0].name, "a\xef\xbf\xbd"
					      "b\n");
	recording_tick_done(&back);
	recording_tick_done(&tick);
	free(text);
}

/* Whatever the shape, the thinned curve is close, small and a curve. */
static void test_thin_curves(void **state)
{
	enum {
		NR_POINTS = 5000
	};
	static double points[NR_POINTS][2];
	unsigned int shape, i;

	(void)state;
	for (shape = 0; shape < 5; shape++) {
		struct mrc_curve *curve, *thin = NULL;
		struct mrc_curve_difference difference;

		for (i = 0; i < NR_POINTS; i++) {
			double x = (double)i / NR_POINTS;

			points[i][0] = shape == 4 ? i * 1e-3 : i * 37.0;
			points[i][1] = shape == 0 ? 1 - x :
				       shape == 1 ? exp(-20 * x) :
				       shape == 2 ? 1 - floor(x * 20) / 20 :
				       shape == 3 ? 1 / (1 + 1000 * x) :
						    1 - x * x;
		}
		curve = tick_test_curve((const double(*)[2])points, NR_POINTS);
		assert_int_equal(recording_thin_curve(curve, &thin), 0);
		assert_true(mrc_curve_nr_points(thin) <= RECORDING_MAX_POINTS);
		assert_int_equal(
			mrc_curve_diff_evenly(curve, thin,
					      mrc_curve_max_pages(curve) * 1.2,
					      7919, &difference),
			0);
		assert_true(difference.max < (shape == 4 ? 0.02 : 0.002));
		mrc_curve_free(thin);
		mrc_curve_free(curve);
	}
}

/* The smallest curves, and sizes that rounding would merge or overflow. */
static void test_thin_odd_curves(void **state)
{
	static const double cases[][3][2] = {
		{ { 0, 1 } },
		{ { 0, 1 }, { 1e-9, 0.5 } },
		{ { 0, 1 }, { 1e-9, 0.5 }, { 2e-9, 0 } },
		{ { 0, 1 }, { 0.011, 0.5 }, { 0.012, 0.25 } },
		{ { 0, 1 }, { 5, 1 }, { 1e300, 0 } },
		{ { 0, 1 }, { 0.001, 0.9 }, { 0.002, 0.1 } },
	};
	static const size_t nr_points[] = { 1, 2, 3, 3, 3, 3 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mrc_curve *curve =
			tick_test_curve(cases[i], nr_points[i]);
		struct mrc_curve *thin = NULL;

		assert_int_equal(recording_thin_curve(curve, &thin), 0);
		assert_near(mrc_curve_at(thin, INFINITY),
			    mrc_curve_at(curve, INFINITY), 1e-6);
		mrc_curve_free(thin);
		mrc_curve_free(curve);
	}
}

static void write_ticks(const char *path, uint64_t nr_ticks, uint64_t max_bytes)
{
	struct recording_writer *writer = NULL;
	uint64_t number;

	assert_int_equal(recording_writer_open(path, max_bytes, &writer), 0);
	for (number = 1; number <= nr_ticks; number++) {
		struct tick tick = tick_test_new(number);

		assert_int_equal(recording_write(writer, &tick, &no_params), 0);
		recording_tick_done(&tick);
	}
	recording_writer_close(writer);
}

/* Reads all ticks, which must be in order from @first; returns how many. */
static uint64_t read_ticks(const char *path, uint64_t first)
{
	struct recording_reader *reader = NULL;
	char error[RECORDING_ERROR_BYTES] = "";
	struct tick tick;
	uint64_t number = first;
	int got;

	assert_int_equal(recording_reader_open(path, &reader, error), 0);
	while ((got = recording_read(reader, &tick, error)) > 0) {
		assert_int_equal(tick.number, number++);
		recording_tick_done(&tick);
	}
	assert_int_equal(got, 0);
	recording_reader_close(reader);
	return number - first;
}

static void test_file(void **state)
{
	char *path = path_of("file"), *old = path_of("file.1");
	struct stat status;
	mode_t mask = umask(0);

	(void)state;
	write_ticks(path, 20, 0);
	(void)umask(mask);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(read_ticks(path, 1), 20);
	assert_int_equal(access(old, F_OK), -1);
	/* The next writer keeps it. */
	write_ticks(path, 1, 0);
	assert_int_equal(read_ticks(path, 1), 1);
	assert_int_equal(read_ticks(old, 1), 20);
	free(path);
	free(old);
}

static void test_rotation(void **state)
{
	char *path = path_of("rotated"), *old = path_of("rotated.1");
	uint64_t nr_new, nr_old;

	(void)state;
	write_ticks(path, 6, 1);
	/* Every tick is more than a byte, so each has a file. */
	nr_new = read_ticks(path, 6);
	nr_old = read_ticks(old, 5);
	assert_int_equal(nr_new, 1);
	assert_int_equal(nr_old, 1);
	free(path);
	free(old);
}

/* Wherever the file ends, whole ticks are read and the rest is its end. */
static void test_cut_short(void **state)
{
	char *path = path_of("cut");
	struct stat status;
	off_t size;
	uint64_t last = 4;

	(void)state;
	write_ticks(path, 4, 0);
	assert_int_equal(stat(path, &status), 0);
	for (size = status.st_size; size > 60; size -= 7) {
		uint64_t nr_ticks;

		assert_int_equal(truncate(path, size), 0);
		nr_ticks = read_ticks(path, 1);
		assert_true(nr_ticks <= last);
		last = nr_ticks;
	}
	assert_int_equal(last, 0);
	free(path);
}

static void write_text(const char *path, const char *text, size_t size)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

#define HEADER "{\"kvm_aet_recording\":1}\n"

static void test_bad_files(void **state)
{
	static const struct {
		const char *text;
		int err;
		const char *error;
	} cases[] = {
		{ "", -EBADMSG, ":1: not a recording of kvm-aet" },
		{ "hello\n", -EBADMSG, ":1: not a recording of kvm-aet" },
		{ "{}\n", -EBADMSG, ":1: not a recording of kvm-aet" },
		{ "{\"kvm_aet_recording\":2}\n", -EPROTO,
		  ":1: a recording of version 2, and this kvm-aet reads version 1: use the kvm-aet that recorded it" },
		{ HEADER "{\n", -EBADMSG, ":2: not JSON: " },
		{ HEADER "[]\n", -EBADMSG, ":2: tick: expected an object" },
		{ HEADER "{}\n", -EBADMSG,
		  ":2: number: expected a whole number, not negative, within its range" },
		{ HEADER, 0, "" },
		{ HEADER "{\"number\":", 0, "" },
	};
	char *path = path_of("bad");
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct recording_reader *reader = NULL;
		char error[RECORDING_ERROR_BYTES] = "";
		struct tick tick;
		int err;

		write_text(path, cases[i].text, strlen(cases[i].text));
		err = recording_reader_open(path, &reader, error);
		if (err == 0)
			err = recording_read(reader, &tick, error);
		assert_int_equal(err, cases[i].err);
		if (err < 0) {
			assert_contains(error, cases[i].error);
			assert_contains(error, path);
		}
		recording_reader_close(reader);
	}
	free(path);
}

static void test_bad_members(void **state)
{
	static const struct {
		const char *from;
		const char *to;
		const char *error;
	} cases[] = {
		{ "\"weight\":2.0", "\"weight\":0",
		  "vms[0]: limits: weight: expected a number within its range" },
		{ "\"weight\":2.0", "\"weight\":\"2\"",
		  "vms[0]: limits: weight: expected a number within its range" },
		{ "\"min_bytes\":268435456", "\"min_bytes\":0",
		  "vms[0]: limits: min_bytes: expected at least a page" },
		{ "\"max_bytes\":4294967296", "\"max_bytes\":4096",
		  "vms[0]: limits: max_bytes: expected at least min_bytes" },
		{ "\"mode\":\"act\"", "\"mode\":\"acts\"",
		  "vms[0]: limits: mode: expected one of the names" },
		{ "[0.0,1.0]", "[0.0,0.5]",
		  "vms[0]: curve: expected points [pages, miss ratio]" },
		{ "\"policy\":\"mrc\"", "\"policy\":\"magic\"",
		  "policy: expected the name of a policy" },
		{ "\"candidate\":null", "\"candidate\":4",
		  "thrashing: candidate: expected a whole number" },
		{ "\"vms\":[", "\"vms\":[7,", "vms[0]: uuid: expected a text" },
		{ "\"is_movable\":true", "\"is_movable\":1",
		  "vms[0]: is_movable: expected true or false" },
		{ "\"total_bytes\":8589934592", "\"total_bytes\":-1",
		  "host: total_bytes: expected a whole number" },
		{ "\"total_bytes\":8589934592",
		  "\"total_bytes\":9007199254740993",
		  "host: total_bytes: expected a whole number" },
	};
	struct tick tick = tick_test_new(1);
	char *good = text_of(&tick);
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *where = strstr(good, cases[i].from);
		char error[RECORDING_ERROR_BYTES] = "";
		struct tick untouched = { .number = 77 };
		json_t *json;
		char *bad;

		assert_non_null(where);
		assert_true(asprintf(&bad, "%.*s%s%s", (int)(where - good),
				     good, cases[i].to,
				     where + strlen(cases[i].from)) > 0);
		json = json_loads(bad, 0, NULL);
		assert_non_null(json);
		assert_int_equal(recording_tick_from_json(json, &untouched,
							  error),
				 -EBADMSG);
		assert_contains(error, cases[i].error);
		assert_int_equal(untouched.number, 77);
		json_decref(json);
		free(bad);
	}
	recording_tick_done(&tick);
	free(good);
}

/* A bit that fell over is found, not believed. */
static void test_damaged(void **state)
{
	char *path = path_of("damaged");
	char error[RECORDING_ERROR_BYTES] = "";
	struct recording_reader *reader = NULL;
	struct tick tick;
	int fd, got;
	char byte;

	(void)state;
	write_ticks(path, 3, 0);
	fd = open(path, O_RDWR);
	assert_int_equal(pread(fd, &byte, 1, 200), 1);
	byte = (char)~byte;
	assert_int_equal(pwrite(fd, &byte, 1, 200), 1);
	close(fd);
	got = recording_reader_open(path, &reader, error);
	while (got == 0 && (got = recording_read(reader, &tick, error)) > 0) {
		recording_tick_done(&tick);
		got = 0;
	}
	assert_int_equal(got, -EBADMSG);
	recording_reader_close(reader);
	free(path);
}

static void test_where_not_to_write(void **state)
{
	char *path = path_of("link"), *missing = path_of("none/file");
	struct recording_writer *writer = NULL;

	(void)state;
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(recording_writer_open(path, 0, &writer), -EEXIST);
	assert_int_equal(recording_writer_open(directory, 0, &writer), -EEXIST);
	assert_int_equal(recording_writer_open(missing, 0, &writer), -ENOENT);
	assert_int_equal(recording_writer_open("", 0, &writer), -ENOENT);
	assert_null(writer);
	free(path);
	free(missing);
}

/* What cannot be written is reported, then and ever after. */
static void test_full_disk(void **state)
{
	struct tick tick = tick_test_new(1);
	struct recording_writer *writer = NULL;
	struct rlimit before, tight;
	char *path = path_of("full");

	(void)state;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(recording_writer_open(path, 0, &writer), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	tight = (struct rlimit){ .rlim_cur = 100, .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	assert_int_equal(recording_write(writer, &tick, &no_params), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(recording_write(writer, &tick, &no_params), -EFBIG);
	recording_writer_close(writer);
	assert_int_equal(read_ticks(path, 1), 0);
	recording_tick_done(&tick);
	free(path);
}

static int make_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	char *command;

	(void)state;
	assert_true(asprintf(&command, "rm -rf '%s'", directory) > 0);
	assert_int_equal(system(command), 0);
	free(command);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_no_demand),
		cmocka_unit_test(test_params_round_trip),
		cmocka_unit_test(test_odd_params),
		cmocka_unit_test(test_names_that_are_not_utf8),
		cmocka_unit_test(test_thin_curves),
		cmocka_unit_test(test_thin_odd_curves),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_cut_short),
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_bad_members),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_where_not_to_write),
		cmocka_unit_test(test_full_disk),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
