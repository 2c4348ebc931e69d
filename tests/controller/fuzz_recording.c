// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Hostile recordings: bytes as a file, JSON as a tick, and a good tick of which
 * any values were replaced. What is accepted must survive writing and reading.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "fields.h"
#include "recording.h"
#include "replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

#define CURVE "[[0,1],[1000.5,0.5],[2000,0.01]]"

static const char good_tick[] =
	"{\"number\":1,\"time_ns\":2,\"unix_ns\":3,\"policy\":\"mrc\",\"host\":{"
	"\"total_bytes\":8192000,\"available_bytes\":4096,\"budget_bytes\":8192,"
	"\"has_pressure\":true,\"memory_some_percent\":1.5,"
	"\"memory_full_percent\":0.5,\"swap_in_bytes_per_s\":0.0},\"vms\":[{"
	"\"uuid\":\"u\",\"name\":\"n\",\"limits\":{\"min_bytes\":4096,"
	"\"max_bytes\":8192,\"weight\":1.0,\"mode\":\"act\"},"
	"\"actual_bytes\":8192,\"target_bytes\":4096,\"is_movable\":true,"
	"\"immovable_reason\":null,\"is_paused\":false,\"curve\":" CURVE
	",\"lower\":" CURVE ",\"upper\":" CURVE
	",\"accesses_per_s\":10.0,\"wss\":\"known\",\"wss_bytes\":4096,"
	"\"measured_age_ns\":5,\"is_stable\":false,\"is_starved\":false,"
	"\"inverse_rate\":128,\"overhead_ratio\":0.01,\"stats\":{"
	"\"total_bytes\":1,\"usable_bytes\":1,\"unused_bytes\":1,"
	"\"swap_in_bytes_per_s\":1.0,\"swap_out_bytes_per_s\":1.0,"
	"\"major_faults_per_s\":1.0},"
	"\"vain_growths\":1,\"held_bytes\":4096,"
	"\"age_bytes\":[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15],\"decision\":{"
	"\"verdict\":\"move\",\"step_bytes\":4096,\"reason\":\"r\",\"want\":{"
	"\"target_bytes\":4096,\"has_misses\":true,\"misses_now_per_s\":1.0,"
	"\"misses_then_per_s\":2.0,\"misses_then_upper_per_s\":3.0,"
	"\"reason\":\"w\"}}}],\"thrashing\":{\"is_thrashing\":false,"
	"\"wss_bytes\":4096,\"budget_bytes\":8192,\"candidate\":0},\"params\":{"
	"\"policy\":{\"unit_bytes\":4096,\"max_curve_age_ns\":60000000000,"
	"\"desired_use\":0.8,\"grow\":0.5,\"shrink\":20.0,\"game_price\":0.2,"
	"\"game_performance\":1.0,\"game_slope\":1.0},\"guard\":{"
	"\"max_step_bytes\":4096,\"max_shrink_ratio\":0.3,\"dead_band_bytes\":0,"
	"\"dead_band_gain_per_s\":5.0,\"settle_ticks\":3,\"backoff_ticks\":6,"
	"\"max_backoff_ticks\":192,\"foreign_hold_ticks\":60,"
	"\"swap_in_bytes_per_s\":65536.0,\"pressure_percent\":10.0,"
	"\"usable_min_bytes\":4096,\"usable_min_ratio\":0.1,"
	"\"squeeze_ratio\":0.2}}}";

static char *dump(const struct tick *tick)
{
	json_t *json = recording_tick_to_json(tick);
	char *text;

	require(json != NULL);
	text = fields_dump(json);
	require(text != NULL);
	json_decref(json);
	return text;
}

/* Whatever is accepted can be decided with, and is the same when read again. */
static void fuzz_params(const json_t *json, const struct tick *tick)
{
	char error[RECORDING_ERROR_BYTES] = "";
	struct recording_params params, again;
	json_t *written = json_object();
	struct replay *replay = NULL;
	size_t i;
	int err;

	err = recording_params_from_json(json, &params, error);
	if (err < 0) {
		require(err == -EBADMSG && *error);
		json_decref(written);
		return;
	}
	require(recording_params_to_json(&params, written) == 0);
	require(recording_params_from_json(written, &again, error) == 0);
	require(again.is_known == params.is_known &&
		again.policy.unit_bytes == params.policy.unit_bytes &&
		again.guard.squeeze_ratio == params.guard.squeeze_ratio);
	json_decref(written);
	for (i = 0; policy_all[i]; i++) {
		require(replay_new(policy_all[i], &replay) == 0);
		require(replay_tick(replay, tick, &params) == 0);
		replay_free(replay);
	}
}

static void fuzz_json(const json_t *json)
{
	char error[RECORDING_ERROR_BYTES] = "";
	struct tick tick = { 0 }, again = { 0 };
	char *text;
	json_t *read;
	int err;

	err = recording_tick_from_json(json, &tick, error);
	if (err < 0) {
		require(err == -EBADMSG && *error);
		require(!tick.vms);
		return;
	}
	text = dump(&tick);
	read = json_loads(text, 0, NULL);
	require(read != NULL);
	require(recording_tick_from_json(read, &again, error) == 0);
	require(again.nr_vms == tick.nr_vms && again.policy == tick.policy);
	fuzz_params(json, &tick);
	json_decref(read);
	recording_tick_done(&tick);
	recording_tick_done(&again);
	free(text);
}

static const char *const values[] = {
	"null",
	"true",
	"-1",
	"0",
	"1",
	"4096",
	"9223372036854775807",
	"1e308",
	"-0.5",
	"\"\"",
	"\"static\"",
	"[]",
	"{}",
	"[[0,1],[1e-300,0.5],[1e300,0]]",
	"[[0,1],[0.001,0.9],[0.002,0.8],[0.003,0]]",
	"[[0,1],[5,2]]",
};

/* Counts down @left over all values below @json and replaces that at 0. */
static void replace(json_t *json, unsigned int *left, json_t *value)
{
	json_t *member;
	const char *key;
	size_t i;
	void *next;

	json_object_foreach_safe(json, next, key, member)
	{
		if ((*left)-- == 0)
			(void)json_object_set(json, key, value);
		else
			replace(member, left, value);
	}
	json_array_foreach(json, i, member)
	{
		if ((*left)-- == 0)
			(void)json_array_set(json, i, value);
		else
			replace(member, left, value);
	}
}

static void fuzz_replaced(const uint8_t *data, size_t size)
{
	json_t *json = json_loads(good_tick, 0, NULL);
	size_t i;

	require(json != NULL);
	for (i = 0; i + 1 < size && i < 8; i += 2) {
		json_t *value =
			json_loads(values[data[i + 1] %
					  (sizeof(values) / sizeof(values[0]))],
				   JSON_DECODE_ANY, NULL);
		unsigned int left = data[i];

		require(value != NULL);
		replace(json, &left, value);
		json_decref(value);
	}
	fuzz_json(json);
	json_decref(json);
}

static void fuzz_file(const uint8_t *data, size_t size)
{
	char error[RECORDING_ERROR_BYTES] = "", path[64];
	struct recording_reader *reader = NULL;
	struct tick tick;
	int fd = memfd_create("fuzz", MFD_CLOEXEC), got;

	require(fd >= 0);
	require(write(fd, data, size) == (ssize_t)size);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	got = recording_reader_open(path, &reader, error);
	require(got == 0 || *error);
	if (got == 0) {
		while ((got = recording_read(reader, &tick, error)) > 0)
			recording_tick_done(&tick);
		require(got == 0 || *error);
	}
	recording_reader_close(reader);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *json =
		json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);

	if (json)
		fuzz_json(json);
	json_decref(json);
	if (size > 0 && data[0] % 8 == 0)
		fuzz_file(data, size);
	fuzz_replaced(data, size);
	return 0;
}
