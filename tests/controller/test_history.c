// SPDX-License-Identifier: GPL-2.0-or-later
/* However long a recording is, its history is short, in order and of its time. */
#include "ctl_test.h"

#include <math.h>

#include "history.h"
#include "recording.h"
#include "tick_test.h"

#define NR_TICKS 1500

static void test_bounded(void **state)
{
	struct history *history = calloc(1, sizeof(*history));
	uint64_t number;
	size_t i;

	(void)state;
	assert_non_null(history);
	for (number = 1; number <= NR_TICKS; number++) {
		struct tick tick = tick_test_new(number);

		assert_int_equal(history_add(history, &tick), 0);
		recording_tick_done(&tick);
	}
	assert_int_equal(history->nr_ticks, NR_TICKS);
	assert_int_equal(history->nr_vms, TICK_TEST_NR_VMS);
	assert_true(history->nr_times > HISTORY_MAX_TICKS / 2);
	assert_true(history->nr_times <= HISTORY_MAX_TICKS);
	for (i = 0; i < history->nr_times; i++) {
		const struct history_vm *web = history->vms[0];
		/* Which tick it was; the working set tells the same. */
		double tick = (history->times_s[i] - history->times_s[0]) / 10;

		assert_near(web->wss_pages[i], 256 * (1024 + 64 * tick), 1e-3);
		assert_near(web->actual_pages[i], 256 * 768, 0);
		assert_near(web->age_bytes[i * VIEW_NR_AGES],
			    (1024 + 64 * tick) * (1 << 19), 1e-3);
		assert_true(isnan(history->vms[3]->wss_pages[i]));
		if (i > 0)
			assert_true(history->times_s[i] >
				    history->times_s[i - 1]);
	}
	/* Curves too, from all of the time. */
	assert_true(history->vms[0]->nr_curves > HISTORY_MAX_CURVES / 2);
	assert_near(history->vms[0]->curve_times_s[0], history->times_s[0], 0);
	assert_true(
		history->vms[0]->curve_times_s[history->vms[0]->nr_curves - 1] >
		history->times_s[0] + 10 * NR_TICKS * 0.8);
	assert_int_equal(history->vms[3]->nr_curves, 0);
	history_done(history);
	free(history);
}

/* A VM that comes later was not there before; a clock set back is passed over. */
static void test_comes_and_goes(void **state)
{
	struct history *history = calloc(1, sizeof(*history));
	struct tick tick = tick_test_new(5);

	(void)state;
	assert_non_null(history);
	tick.nr_vms = 1;
	assert_int_equal(history_add(history, &tick), 0);
	tick.nr_vms = TICK_TEST_NR_VMS;
	assert_int_equal(history_add(history, &tick), 0);
	assert_int_equal(history->nr_times, 1);
	assert_int_equal(history->nr_vms, 1);
	tick.unix_ns += 1000000000;
	assert_int_equal(history_add(history, &tick), 0);
	assert_int_equal(history->nr_times, 2);
	assert_int_equal(history->nr_vms, TICK_TEST_NR_VMS);
	assert_true(isnan(history->vms[1]->actual_pages[0]));
	assert_near(history->vms[1]->actual_pages[1], 256 * 2048, 0);
	assert_int_equal(history->vms[1]->nr_ticks, 1);
	recording_tick_done(&tick);
	history_done(history);
	free(history);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_comes_and_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
