// SPDX-License-Identifier: GPL-2.0-or-later
/* The host's memory from a made-up proc file system. */
#include "ctl_test.h"

#include <errno.h>

#include "daemon/host.h"

#define GIB (UINT64_C(1) << 30)

static const char meminfo[] = "MemTotal:        8388608 kB\n"
			      "MemFree:          123456 kB\n"
			      "MemAvailable:    1048576 kB\n"
			      "Buffers:             300 kB\n";
static const char vmstat[] = "nr_free_pages 30864\npswpin 100\npswpout 7\n";
static const char pressure[] =
	"some avg10=1.25 avg60=0.50 avg300=0.10 total=123\n"
	"full avg10=0.75 avg60=0.00 avg300=0.00 total=12\n";

static void test_good(void **state)
{
	struct host_reading reading, before;

	(void)state;
	fake_proc_text("meminfo", meminfo);
	fake_proc_text("vmstat", vmstat);
	assert_int_equal(host_read(fake_proc, NULL, &reading), 0);
	assert_int_equal(reading.view.total_bytes, 8 * GIB);
	assert_int_equal(reading.view.available_bytes, GIB);
	assert_int_equal(reading.view.budget_bytes, 0);
	assert_int_equal(reading.swap_in_pages, 100);
	assert_true(reading.time_ns > 0);
	/* Without PSI. */
	assert_false(reading.view.has_pressure);
	fake_proc_dir("pressure");
	assert_int_equal(host_read(fake_proc, NULL, &reading), 0);
	assert_false(reading.view.has_pressure);
	fake_proc_text("pressure/memory", pressure);
	assert_int_equal(host_read(fake_proc, NULL, &reading), 0);
	assert_true(reading.view.has_pressure);
	assert_near(reading.view.memory_some_percent, 1.25, 1e-9);
	assert_near(reading.view.memory_full_percent, 0.75, 1e-9);
	assert_near(reading.view.swap_in_bytes_per_s, 0, 0);
	/* In place; two seconds later, by its own clock. */
	fake_proc_text("vmstat", "nr_free_pages 3\npswpin 150\n");
	before = reading;
	before.time_ns -= 2000000000;
	assert_int_equal(host_read(fake_proc, &before, &before), 0);
	assert_true(before.view.swap_in_bytes_per_s > 0);
	assert_true(before.view.swap_in_bytes_per_s <= 50 * 4096 / 2.0);
	/* A counter that runs backwards gives no rate. */
	fake_proc_text("vmstat", "nr_free_pages 3\npswpin 5\n");
	before.time_ns -= 2000000000;
	assert_int_equal(host_read(fake_proc, &before, &before), 0);
	assert_near(before.view.swap_in_bytes_per_s, 0, 0);
	/* A kernel without swap. */
	fake_proc_text("vmstat", "nr_free_pages 3\n");
	assert_int_equal(host_read(fake_proc, NULL, &reading), 0);
	assert_int_equal(reading.swap_in_pages, 0);
}

static void test_missing(void **state)
{
	struct host_reading reading = { .time_ns = 77 };

	(void)state;
	assert_int_equal(host_read("/nowhere", NULL, &reading), -ENOENT);
	assert_int_equal(host_read(fake_proc, NULL, &reading), -ENOENT);
	fake_proc_text("meminfo", meminfo);
	assert_int_equal(host_read(fake_proc, NULL, &reading), -ENOENT);
	assert_int_equal(reading.time_ns, 77);
}

static void test_malformed(void **state)
{
	static const char *const bad_meminfo[] = {
		"",
		"MemTotal: 8388608 kB\n",
		"MemAvailable: 1 kB\n",
		"MemTotal: 8388608 kB\nMemAvailable: x kB\n",
		"MemTotal: -1 kB\nMemAvailable: 0 kB\n",
		"MemTotal: 0x100 kB\nMemAvailable: 0 kB\n",
		"MemTotal: 0 kB\nMemAvailable: 0 kB\n",
		"MemTotal: 5 kB\nMemAvailable: 6 kB\n",
		"MemTotal: 99999999999999999999 kB\nMemAvailable: 6 kB\n",
		"MemTotal: 18446744073709551615 kB\nMemAvailable: 6 kB\n",
		"xMemTotal: 5 kB\nxMemAvailable: 5 kB\n",
	};
	static const char *const bad_pressure[] = {
		"",
		"some avg10=1.00 avg60=0.00\n",
		"some avg10=1.00 avg60=0.00\nfull avg10= avg60=0\n",
		"some avg10=1.00\nfull avg10=101.00 avg60=0\n",
		"some avg10=nan\nfull avg10=1.00 avg60=0\n",
		"xsome avg10=1.00\nfull avg10=1.00 avg60=0\n",
		"some avg10=0.00000000000000000\nfull avg10=1.00 avg60=0\n",
	};
	static const char *const bad_vmstat[] = {
		"",
		"pswpin 12\n",
		"nr_free_pages 1\npswpin x\n",
		"nr_free_pages 1\npswpin \n",
		"unrelated\n",
	};
	struct host_reading reading = { .time_ns = 77 };
	size_t i;

	(void)state;
	fake_proc_dir("pressure");
	fake_proc_text("vmstat", vmstat);
	fake_proc_text("pressure/memory", pressure);
	for (i = 0; i < ARRAY_SIZE(bad_meminfo); i++) {
		fake_proc_text("meminfo", bad_meminfo[i]);
		assert_int_equal(host_read(fake_proc, NULL, &reading),
				 -EBADMSG);
	}
	fake_proc_text("meminfo", meminfo);
	for (i = 0; i < ARRAY_SIZE(bad_pressure); i++) {
		fake_proc_text("pressure/memory", bad_pressure[i]);
		assert_int_equal(host_read(fake_proc, NULL, &reading),
				 -EBADMSG);
	}
	fake_proc_text("pressure/memory", pressure);
	for (i = 0; i < ARRAY_SIZE(bad_vmstat); i++) {
		fake_proc_text("vmstat", bad_vmstat[i]);
		assert_int_equal(host_read(fake_proc, NULL, &reading),
				 -EBADMSG);
	}
	assert_int_equal(reading.time_ns, 77);
	fake_proc_text("vmstat", vmstat);
	assert_int_equal(host_read(fake_proc, NULL, &reading), 0);
}

static void test_budget(void **state)
{
	struct host_view host = {
		.total_bytes = 8 * GIB,
		.available_bytes = 2 * GIB,
	};

	(void)state;
	assert_int_equal(host_budget_bytes(&host, 0, GIB, 4 * GIB), 5 * GIB);
	/* The host is short: the VMs have to give. */
	host.available_bytes = GIB / 2;
	assert_int_equal(host_budget_bytes(&host, 0, GIB, 4 * GIB),
			 4 * GIB - GIB / 2);
	/* Memory that no VM has touched yet is available as well. */
	host.available_bytes = 6 * GIB;
	assert_int_equal(host_budget_bytes(&host, 0, GIB, 4 * GIB), 7 * GIB);
	/* As configured. */
	assert_int_equal(host_budget_bytes(&host, 3 * GIB + 5, GIB, 4 * GIB),
			 3 * GIB);
	/* Extremes. */
	assert_int_equal(host_budget_bytes(&host, 0, 9 * GIB, 4 * GIB), 0);
	assert_int_equal(host_budget_bytes(&host, 0, 0, UINT64_MAX), 8 * GIB);
}

int main(void)
{
#define PROC_TEST(test)                                        \
	cmocka_unit_test_setup_teardown(test, fake_proc_setup, \
					fake_proc_teardown)
	const struct CMUnitTest tests[] = {
		PROC_TEST(test_good),
		PROC_TEST(test_missing),
		PROC_TEST(test_malformed),
		cmocka_unit_test(test_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
