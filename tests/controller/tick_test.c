// SPDX-License-Identifier: GPL-2.0-or-later
#include "tick_test.h"

#include <math.h>
#include <string.h>

#include "ctl_test.h"

#define MIB (UINT64_C(1) << 20)
#define PAGES_PER_MIB 256.0

/* 2026-01-02 03:04:05 UTC */
#define TICK_TEST_UNIX_NS UINT64_C(1767323045000000000)
#define TICK_TEST_PERIOD_NS UINT64_C(10000000000)

const char *const tick_test_uuids[TICK_TEST_NR_VMS] = {
	"11111111-2222-3333-4444-000000000001",
	"11111111-2222-3333-4444-000000000002",
	"11111111-2222-3333-4444-000000000003",
	"11111111-2222-3333-4444-000000000004",
};

const char *const tick_test_names[TICK_TEST_NR_VMS] = {
	"web1",
	"db1",
	"gpu1",
	"new\x1b[2J<b>",
};

struct mrc_curve *tick_test_curve(const double (*points)[2], size_t nr_points)
{
	double *sizes = calloc(nr_points, sizeof(*sizes));
	double *ratios = calloc(nr_points, sizeof(*ratios));
	struct mrc_curve *curve = NULL;
	size_t i;

	assert_non_null(sizes);
	assert_non_null(ratios);
	for (i = 0; i < nr_points; i++) {
		sizes[i] = points[i][0];
		ratios[i] = points[i][1];
	}
	assert_int_equal(mrc_curve_new(sizes, ratios, nr_points, &curve), 0);
	free(sizes);
	free(ratios);
	return curve;
}

/* Falls to 2 % up to @mib; @shift moves the band. */
static struct mrc_curve *knee(double mib, double shift)
{
	double end = (mib + shift) * PAGES_PER_MIB;
	const double points[][2] = {
		{ 0, 1 },	    { end * 0.25, 0.8 }, { end * 0.5, 0.5 },
		{ end * 0.9, 0.1 }, { end, 0.02 },	 { end * 1.5, 0.01 },
	};

	return tick_test_curve(points, ARRAY_SIZE(points));
}

static char *copy(const char *text)
{
	char *result = strdup(text);

	assert_non_null(result);
	return result;
}

static void fill_vm(struct vm_view *vm, size_t index)
{
	(void)snprintf(vm->uuid, sizeof(vm->uuid), "%s",
		       tick_test_uuids[index]);
	vm->name = copy(tick_test_names[index]);
	vm->limits = (struct vm_limits){ .min_bytes = 256 * MIB,
					 .max_bytes = 4096 * MIB,
					 .weight = 1,
					 .mode = VM_MODE_ACT };
	vm->is_movable = true;
}

static void measure_vm(struct vm_view *vm, double wss_mib)
{
	size_t i;

	vm->curve = knee(wss_mib, 0);
	vm->lower = knee(wss_mib, -32);
	vm->upper = knee(wss_mib, 32);
	vm->accesses_per_s = 20000;
	vm->wss = VM_WSS_KNOWN;
	vm->wss_bytes = (uint64_t)wss_mib * MIB;
	vm->measured_age_ns = 1500000000;
	vm->inverse_rate = 128;
	vm->overhead_ratio = 0.0075;
	for (i = 0; i < VIEW_NR_AGES; i++)
		vm->age_bytes[i] = i < 6 ? (uint64_t)wss_mib * MIB >> (i + 1) :
					   0;
}

static void decide(struct decision *decision, enum verdict verdict,
		   uint64_t step_mib, uint64_t want_mib, const char *reason)
{
	decision->verdict = verdict;
	decision->step_bytes = step_mib * MIB;
	decision->want.target_bytes = want_mib * MIB;
	(void)snprintf(decision->reason, sizeof(decision->reason), "%s",
		       reason);
}

static void predict(struct decision *decision, double now, double then,
		    double upper, const char *reason)
{
	decision->want.has_misses = true;
	decision->want.misses_now_per_s = now;
	decision->want.misses_then_per_s = then;
	decision->want.misses_then_upper_per_s = upper;
	decision->want.reason = copy(reason);
}

struct tick tick_test_new(uint64_t number)
{
	struct tick tick = {
		.number = number,
		.time_ns = 1000000000 + number * TICK_TEST_PERIOD_NS,
		.unix_ns =
			TICK_TEST_UNIX_NS + (number - 1) * TICK_TEST_PERIOD_NS,
		.policy = policy_find("mrc"),
		.host = { .total_bytes = 8192 * MIB,
			  .available_bytes = 1024 * MIB,
			  .budget_bytes = 6144 * MIB,
			  .has_pressure = true,
			  .memory_some_percent = 1.5,
			  .memory_full_percent = 0.25 },
		.vms = calloc(TICK_TEST_NR_VMS, sizeof(*tick.vms)),
		.decisions = calloc(TICK_TEST_NR_VMS, sizeof(*tick.decisions)),
		.nr_vms = TICK_TEST_NR_VMS,
		.thrashing = { .wss_bytes = 2560 * MIB,
			       .budget_bytes = 6144 * MIB,
			       .candidate = -1 },
	};
	double web_mib = 1024 + 64 * (double)(number - 1);
	size_t i;

	assert_non_null(tick.vms);
	assert_non_null(tick.decisions);
	for (i = 0; i < TICK_TEST_NR_VMS; i++)
		fill_vm(&tick.vms[i], i);
	measure_vm(&tick.vms[0], web_mib);
	tick.vms[0].actual_bytes = 768 * MIB;
	tick.vms[0].target_bytes = 768 * MIB;
	tick.vms[0].limits.weight = 2;
	tick.vms[0].has_stats = true;
	tick.vms[0].stats =
		(struct vm_guest_stats){ .total_bytes = 700 * MIB,
					 .usable_bytes = 90 * MIB,
					 .unused_bytes = 20 * MIB,
					 .swap_in_bytes_per_s = 40960,
					 .swap_out_bytes_per_s = 8192,
					 .major_faults_per_s = 12.5 };
	measure_vm(&tick.vms[1], 512);
	tick.vms[1].actual_bytes = 2048 * MIB;
	tick.vms[1].target_bytes = 2048 * MIB;
	tick.vms[1].limits.mode = VM_MODE_ADVISE;
	tick.vms[1].is_stable = true;
	tick.vms[2].wss = VM_WSS_ABOVE;
	tick.vms[2].wss_bytes = 1024 * MIB;
	tick.vms[2].actual_bytes = 2048 * MIB;
	tick.vms[2].target_bytes = 2048 * MIB;
	tick.vms[2].is_movable = false;
	tick.vms[2].immovable_reason = copy("a host device pins its memory");
	tick.vms[2].inverse_rate = 64;
	tick.vms[2].accesses_per_s = NAN;
	tick.vms[3].actual_bytes = 1024 * MIB;
	tick.vms[3].target_bytes = 1024 * MIB;
	tick.vms[3].limits.mode = VM_MODE_OBSERVE;
	tick.vms[3].measured_age_ns = UINT64_MAX;
	tick.vms[3].overhead_ratio = -1;
	tick.vms[3].is_starved = true;
	decide(&tick.decisions[0], VERDICT_MOVE, 1024, 1152,
	       "grows by 256 MiB: its misses cost more than elsewhere");
	predict(&tick.decisions[0], 5000, 300, 420, "worth more here");
	decide(&tick.decisions[1], VERDICT_ADVISE, 1536, 768,
	       "would shrink by 512 MiB, but its mode is advise");
	predict(&tick.decisions[1], 200, 200, 250, "worth more elsewhere");
	decide(&tick.decisions[2], VERDICT_REFUSE, 2048, 2048,
	       "a host device pins its memory");
	decide(&tick.decisions[3], VERDICT_HOLD, 1024, 1024,
	       "nothing measured yet");
	return tick;
}
