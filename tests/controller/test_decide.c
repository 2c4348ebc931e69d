// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl_test.h"

#include <math.h>

#include "cleanup.h"
#include "policy/decide.h"
#include "policy/guard.h"
#include "sim_host.h"

#define MAX_VMS 4
#define MIB SIM_MIB

/* A policy that wants what the test says, so that the guard alone is seen. */
static uint64_t wanted_bytes[MAX_VMS];
static bool was_movable[MAX_VMS];
static uint64_t minimum_bytes[MAX_VMS];
static unsigned int vain_growths[MAX_VMS];
static uint64_t held_bytes[MAX_VMS];

static int wish_plan(const struct policy_params *params,
		     const struct host_view *host, const struct vm_view *vms,
		     size_t nr_vms, struct policy_want *ret_wants)
{
	size_t i;

	(void)params;
	(void)host;
	for (i = 0; i < nr_vms; i++) {
		bool can_move = vms[i].is_movable && !vms[i].is_paused;

		was_movable[i] = can_move;
		minimum_bytes[i] = vms[i].limits.min_bytes;
		vain_growths[i] = vms[i].vain_growths;
		held_bytes[i] = vms[i].held_bytes;
		ret_wants[i] = (struct policy_want){
			.target_bytes = can_move ? wanted_bytes[i] :
						   vms[i].actual_bytes,
			.reason = "a wish",
		};
	}
	return 0;
}

static const struct policy policy_wish = { .name = "wish", .plan = wish_plan };

/**
 * struct rig - a host of VMs, all 1000 MiB of at most 2000, budget 4000
 */
struct rig {
	struct policy_params policy_params;
	struct guard_params params;
	struct decide_memory *memory;
	struct vm_view vms[MAX_VMS];
	struct decision decisions[MAX_VMS];
	struct tick tick;
};

static void rig_init(struct rig *rig, size_t nr_vms)
{
	static const char *const names[MAX_VMS] = { "web1", "web2", "db", "x" };
	size_t i;

	*rig = (struct rig){
		.policy_params = policy_default_params,
		.params = guard_default_params,
		.tick = {
			.policy = &policy_wish,
			.host.budget_bytes = 4000 * MIB,
			.vms = rig->vms,
			.decisions = rig->decisions,
			.nr_vms = nr_vms,
		},
	};
	rig->params.max_step_bytes = 200 * MIB;
	rig->params.max_shrink_ratio = 0.25;
	rig->params.dead_band_bytes = 16 * MIB;
	rig->params.settle_ticks = 3;
	rig->params.backoff_ticks = 4;
	rig->params.max_backoff_ticks = 10;
	rig->params.foreign_hold_ticks = 5;
	assert_int_equal(decide_memory_new(&rig->memory), 0);
	for (i = 0; i < nr_vms; i++) {
		rig->vms[i] = sim_view((unsigned int)(9 - i), 100 * MIB,
				       2000 * MIB, 1000 * MIB);
		rig->vms[i].name = names[i];
		wanted_bytes[i] = 1000 * MIB;
	}
}

static void rig_done(struct rig *rig)
{
	decide_memory_free(rig->memory);
}

/* Decides; every reason is text, every step within what is promised. */
static void decide(struct rig *rig)
{
	uint64_t before = 0, after = 0;
	size_t i;

	rig->tick.number++;
	assert_int_equal(decide_tick(&rig->policy_params, &rig->params,
				     rig->memory, &rig->tick),
			 0);
	for (i = 0; i < rig->tick.nr_vms; i++) {
		const struct vm_view *vm = &rig->vms[i];
		const struct decision *decision = &rig->decisions[i];

		assert_true(strlen(decision->reason) > 5);
		before += vm->actual_bytes > vm->target_bytes ?
				  vm->actual_bytes :
				  vm->target_bytes;
		after += vm->actual_bytes > decision->step_bytes ?
				 vm->actual_bytes :
				 decision->step_bytes;
		if (decision->verdict != VERDICT_MOVE &&
		    decision->verdict != VERDICT_GIVE_BACK)
			assert_int_equal(decision->step_bytes,
					 vm->target_bytes);
	}
	if (after > rig->tick.host.budget_bytes)
		assert_true(after <= before);
}

/* What was decided is done: the target at once, the guest if it @follows. */
static void carry_out(struct rig *rig, bool follows)
{
	size_t i;

	for (i = 0; i < rig->tick.nr_vms; i++) {
		rig->vms[i].target_bytes = rig->decisions[i].step_bytes;
		if (follows)
			rig->vms[i].actual_bytes = rig->vms[i].target_bytes;
	}
}

#define assert_verdict(rig, i, expected, mib)                                \
	do {                                                                 \
		assert_int_equal((rig)->decisions[i].verdict, (expected));   \
		assert_int_equal((rig)->decisions[i].step_bytes, (mib)*MIB); \
	} while (0)

static void test_steps(void **state)
{
	struct rig rig CLEANUP(rig_done);
	unsigned int ticks;

	(void)state;
	rig_init(&rig, 2);
	wanted_bytes[0] = 1512 * MIB;
	wanted_bytes[1] = 300 * MIB;
	decide(&rig);
	assert_verdict(&rig, 0, VERDICT_MOVE, 1200);
	assert_verdict(&rig, 1, VERDICT_MOVE, 800);
	assert_contains(rig.decisions[0].reason,
			"to 1200 MiB from 1000 (1512 in the end)");
	for (ticks = 0; ticks < 20; ticks++) {
		carry_out(&rig, true);
		decide(&rig);
	}
	assert_verdict(&rig, 0, VERDICT_HOLD, 1512);
	assert_verdict(&rig, 1, VERDICT_HOLD, 300);
}

static void test_shrinks_by_ratio(void **state)
{
	struct rig rig CLEANUP(rig_done);

	(void)state;
	rig_init(&rig, 1);
	rig.params.max_step_bytes = 2000 * MIB;
	wanted_bytes[0] = 100 * MIB;
	decide(&rig);
	assert_verdict(&rig, 0, VERDICT_MOVE, 750);
}

static void test_dead_band(void **state)
{
	struct rig rig CLEANUP(rig_done);

	(void)state;
	rig_init(&rig, 2);
	wanted_bytes[0] = 1015 * MIB;
	wanted_bytes[1] = 984 * MIB;
	decide(&rig);
	assert_verdict(&rig, 0, VERDICT_HOLD, 1000);
	assert_contains(rig.decisions[0].reason, "too small a change");
	assert_verdict(&rig, 1, VERDICT_MOVE, 984);
	/* But all of it is worth keeping the budget. */
	rig.tick.host.budget_bytes = 1999 * MIB;
	wanted_bytes[0] = 995 * MIB;
	decide(&rig);
	assert_verdict(&rig, 0, VERDICT_MOVE, 995);
}

static void test_hysteresis(void **state)
{
	struct rig rig CLEANUP(rig_done);
	unsigned int ticks;

	(void)state;
	rig_init(&rig, 1);
	wanted_bytes[0] = 1100 * MIB;
	decide(&rig);
	assert_verdict(&rig, 0, VERDICT_MOVE, 1100);
	wanted_bytes[0] = 1000 * MIB;
	for (ticks = 0; ticks < 3; ticks++) {
		carry_out(&rig, true);
		decide(&rig);
		assert_verdict(&rig, 0, VERDICT_HOLD, 1100);
		assert_contains(rig.decisions[0].reason, "the other way");
	}
	decide(&rig);
	assert_verdict(&rig, 0, VERDICT_MOVE, 1000);
}

/* Outside its limits a VM is not left, whatever else holds. */
static void test_limits_come_first(void **state)
{
	struct rig rig CLEANUP(rig_done);

	(void)state;
	rig_init(&rig, 2);
	rig.vms[0].limits.min_bytes = 1004 * MIB;
	wanted_bytes[0] = 1004 * MIB;
	rig.vms[1].limits.max_bytes = 990 * MIB;
	wanted_bytes[1] = 990 * MIB;
	decide(&rig);
	assert_verdict(&rig, 0, VERDICT_MOVE, 1004);
	assert_verdict(&rig, 1, VERDICT_MOVE, 990);
}

static void test_modes(void **state)
{
	struct rig rig CLEANUP(rig_done);
	size_t i;

	(void)state;
	rig_init(&rig, 3);
	for (i = 0; i < 3; i++) {
		rig.vms[i].limits.mode = (enum vm_mode)i;
		wanted_bytes[i] = 500 * MIB;
	}
	decide(&rig);
	assert_verdict(&rig, 0, VERDICT_HOLD, 1000);
	assert_contains(rig.decisions[0].reason, "only observed");
	assert_contains(rig.decisions[0].reason, "wish wants 500 MiB");
	assert_verdict(&rig, 1, VERDICT_ADVISE, 1000);
	assert_contains(rig.decisions[1].reason, "would move to 500 MiB");
	assert_verdict(&rig, 2, VERDICT_MOVE, 800);
	/* Who acts does not count on the memory of those who do not. */
	assert_false(was_movable[0]);
	assert_false(was_movable[1]);
	assert_true(was_movable[2]);
}

static void test_immovable_and_paused(void **state)
{
	struct rig rig CLEANUP(rig_done);

	(void)state;
	rig_init(&rig, 2);
	wanted_bytes[0] = wanted_bytes[1] = 500 * MIB;
	rig.vms[0].is_movable = false;
	rig.vms[0].immovable_reason = "its memory is locked";
	rig.vms[1].is_paused = true;
	decide(&rig);
	assert_verdict(&rig, 0, VERDICT_REFUSE, 1000);
	assert_contains(rig.decisions[0].reason, "its memory is locked");
	assert_verdict(&rig, 1, VERDICT_HOLD, 1000);
	assert_contains(rig.decisions[1].reason, "paused");
}

static void test_growth_waits_for_memory(void **state)
{
	struct rig rig CLEANUP(rig_done);

	(void)state;
	rig_init(&rig, 2);
	rig.tick.host.budget_bytes = 2000 * MIB;
	wanted_bytes[0] = 1200 * MIB;
	wanted_bytes[1] = 800 * MIB;
	decide(&rig);
	assert_verdict(&rig, 0, VERDICT_HOLD, 1000);
	assert_contains(rig.decisions[0].reason,
			"no memory is free for it yet");
	assert_verdict(&rig, 1, VERDICT_MOVE, 800);
	/* Asked for is not given. */
	carry_out(&rig, false);
	decide(&rig);
	assert_verdict(&rig, 0, VERDICT_HOLD, 1000);
	/* What is there may be had, if in part. */
	rig.vms[1].actual_bytes = 900 * MIB;
	decide(&rig);
	assert_verdict(&rig, 0, VERDICT_MOVE, 1100);
	/* Promised, it is no more free, though the guest does not have it yet. */
	rig.vms[0].target_bytes = 1100 * MIB;
	decide(&rig);
	assert_int_equal(rig.decisions[0].verdict, VERDICT_HOLD);
}

static void test_not_following(void **state)
{
	struct rig rig CLEANUP(rig_done);
	unsigned int ticks, pauses[4] = { 0 }, nr;

	(void)state;
	rig_init(&rig, 1);
	wanted_bytes[0] = 800 * MIB;
	for (nr = 0; nr < 4; nr++) {
		while (rig.vms[0].target_bytes != 800 * MIB) {
			decide(&rig);
			carry_out(&rig, false);
			pauses[nr]++;
			assert_true(pauses[nr] < 50);
		}
		for (ticks = 0;
		     rig.decisions[0].verdict != VERDICT_MOVE || ticks == 0;
		     ticks++) {
			decide(&rig);
			assert_true(ticks < 10);
		}
		/* It is asked for what it has. */
		assert_verdict(&rig, 0, VERDICT_MOVE, 1000);
		assert_contains(rig.decisions[0].reason, "has not moved");
		carry_out(&rig, false);
		decide(&rig);
		assert_verdict(&rig, 0, VERDICT_HOLD, 1000);
		assert_contains(rig.decisions[0].reason, "did not follow");
		assert_false(was_movable[0]);
	}
	assert_int_equal(pauses[0], 1);
	/* Twice as long, up to the most. */
	assert_true(pauses[2] > pauses[1]);
	assert_true(pauses[3] > pauses[2]);
	assert_true(pauses[3] <= 11);
}

static void test_slow_is_not_stuck(void **state)
{
	struct rig rig CLEANUP(rig_done);
	unsigned int ticks;

	(void)state;
	rig_init(&rig, 1);
	wanted_bytes[0] = 800 * MIB;
	decide(&rig);
	carry_out(&rig, false);
	for (ticks = 0; ticks < 30; ticks++) {
		rig.vms[0].actual_bytes -= 5 * MIB;
		decide(&rig);
		assert_int_equal(rig.decisions[0].verdict, VERDICT_HOLD);
	}
	assert_contains(rig.decisions[0].reason, "on its way");
}

static void test_failed_request(void **state)
{
	struct rig rig CLEANUP(rig_done);
	unsigned int ticks;

	(void)state;
	rig_init(&rig, 1);
	wanted_bytes[0] = 800 * MIB;
	decide(&rig);
	assert_int_equal(rig.decisions[0].verdict, VERDICT_MOVE);
	decide_moved(rig.memory, rig.vms[0].uuid, 800 * MIB, -5);
	/* Old news, and news of nobody. */
	decide_moved(rig.memory, rig.vms[0].uuid, 700 * MIB, -5);
	decide_moved(rig.memory, "nobody", 800 * MIB, -5);
	for (ticks = 0; ticks < 3; ticks++) {
		decide(&rig);
		assert_verdict(&rig, 0, VERDICT_HOLD, 1000);
	}
	decide(&rig);
	assert_verdict(&rig, 0, VERDICT_MOVE, 800);
}

static void test_unconfirmed_request(void **state)
{
	struct rig rig CLEANUP(rig_done);

	(void)state;
	rig_init(&rig, 1);
	wanted_bytes[0] = 800 * MIB;
	decide(&rig);
	/* The view still shows the target of before: not a foreign one. */
	wanted_bytes[0] = 700 * MIB;
	decide(&rig);
	assert_verdict(&rig, 0, VERDICT_HOLD, 1000);
	assert_contains(rig.decisions[0].reason, "no answer yet");
	rig.vms[0].target_bytes = 800 * MIB;
	rig.vms[0].actual_bytes = 800 * MIB;
	decide(&rig);
	assert_verdict(&rig, 0, VERDICT_MOVE, 700);
}

static void test_foreign_change(void **state)
{
	struct rig rig CLEANUP(rig_done);
	unsigned int ticks;

	(void)state;
	rig_init(&rig, 1);
	wanted_bytes[0] = 1200 * MIB;
	decide(&rig);
	carry_out(&rig, true);
	decide(&rig);
	assert_verdict(&rig, 0, VERDICT_HOLD, 1200);
	/* Somebody calls virsh setmem. */
	rig.vms[0].target_bytes = rig.vms[0].actual_bytes = 900 * MIB;
	for (ticks = 0; ticks < 5; ticks++) {
		decide(&rig);
		assert_verdict(&rig, 0, VERDICT_HOLD, 900);
		assert_contains(rig.decisions[0].reason,
				"somebody else set its balloon to 900 MiB");
		assert_false(was_movable[0]);
	}
	decide(&rig);
	assert_verdict(&rig, 0, VERDICT_MOVE, 1100);
}

/* The balloon's target of a guest that boots is not taken back from it. */
static void test_boot(void **state)
{
	struct rig rig CLEANUP(rig_done);
	unsigned int ticks;

	(void)state;
	rig_init(&rig, 1);
	rig.vms[0].target_bytes = 800 * MIB;
	wanted_bytes[0] = 800 * MIB;
	for (ticks = 0; ticks < 40; ticks++) {
		decide(&rig);
		assert_verdict(&rig, 0, VERDICT_HOLD, 800);
	}
}

static void swap_in(struct rig *rig, size_t i, double mib_per_s)
{
	rig->vms[i].has_stats = true;
	rig->vms[i].stats.total_bytes = rig->vms[i].actual_bytes;
	rig->vms[i].stats.usable_bytes = 400 * MIB;
	rig->vms[i].stats.swap_in_bytes_per_s = mib_per_s * (double)MIB;
}

static void test_give_back(void **state)
{
	struct rig rig CLEANUP(rig_done);
	unsigned int ticks;

	(void)state;
	rig_init(&rig, 2);
	wanted_bytes[0] = 800 * MIB;
	decide(&rig);
	carry_out(&rig, true);
	swap_in(&rig, 0, 3);
	wanted_bytes[0] = 600 * MIB;
	decide(&rig);
	assert_verdict(&rig, 0, VERDICT_GIVE_BACK, 1000);
	assert_contains(rig.decisions[0].reason, "swaps in 3.0 MiB/s");
	/* The policy is told, so that others give. */
	assert_int_equal(minimum_bytes[0], 1000 * MIB);
	/* Then it is not shrunk so far again for a while. */
	carry_out(&rig, true);
	swap_in(&rig, 0, 0);
	for (ticks = 0; ticks < 3; ticks++) {
		decide(&rig);
		carry_out(&rig, true);
		assert_true(rig.decisions[0].step_bytes >= 900 * MIB);
	}
	for (ticks = 0; ticks < 10; ticks++) {
		decide(&rig);
		carry_out(&rig, true);
	}
	assert_int_equal(rig.vms[0].actual_bytes, 600 * MIB);
}

/*
 * Of what the last moves took, and not of what it once had, half is given back, and half
 * of the rest if it still swaps; also when a little more was given meanwhile.
 */
static void test_relief(void **state)
{
	struct guard_params params = guard_default_params;
	struct vm_view vm = sim_view(0, 100 * MIB, 2000 * MIB, 1000 * MIB);
	struct mrc_curve *curve = sim_curve(SIM_LOOP, 50 * MIB, 0);
	uint64_t tick = 1;
	struct guard_memory memory;

	(void)state;
	vm.curve = curve;
	vm.accesses_per_s = 2000;
	vm.has_stats = true;
	guard_init(&memory, &vm);
	guard_ask(&params, &vm, 900 * MIB, 0, tick, &memory);
	vm.actual_bytes = 900 * MIB;
	tick += params.settle_ticks + 1;
	guard_ask(&params, &vm, 850 * MIB, 0, tick, &memory);
	vm.actual_bytes = 850 * MIB;
	guard_ask(&params, &vm, 800 * MIB, 0, ++tick, &memory);
	vm.actual_bytes = 800 * MIB;
	assert_false(guard_is_suffering(&params, &vm, true, ++tick, &memory));
	assert_int_equal(guard_relief(&params, &vm, true, &memory), 800 * MIB);
	guard_ask(&params, &vm, 804 * MIB, 0, tick, &memory);
	vm.actual_bytes = 804 * MIB;
	vm.stats.swap_in_bytes_per_s = 250 * VIEW_PAGE_BYTES;
	assert_true(guard_is_suffering(&params, &vm, true, ++tick, &memory));
	assert_int_equal(guard_relief(&params, &vm, true, &memory), 852 * MIB);
	assert_true(guard_is_suffering(&params, &vm, true, ++tick, &memory));
	assert_int_equal(guard_relief(&params, &vm, true, &memory), 852 * MIB);
	vm.actual_bytes = 852 * MIB;
	assert_true(guard_is_suffering(&params, &vm, true, ++tick, &memory));
	assert_int_equal(guard_relief(&params, &vm, true, &memory), 876 * MIB);
	assert_int_equal(guard_floor(&params, &vm, tick, &memory), 876 * MIB);
	mrc_curve_free(curve);
}

static void test_give_back_comes_first(void **state)
{
	struct rig rig CLEANUP(rig_done);

	(void)state;
	rig_init(&rig, 3);
	rig.tick.host.budget_bytes = 3150 * MIB;
	wanted_bytes[0] = 2000 * MIB;
	swap_in(&rig, 2, 1);
	decide(&rig);
	assert_verdict(&rig, 2, VERDICT_GIVE_BACK, 1150);
	assert_verdict(&rig, 0, VERDICT_HOLD, 1000);
	/* At its maximum nothing more can be done, and that is said. */
	rig.vms[2].limits.max_bytes = 1000 * MIB;
	wanted_bytes[2] = 500 * MIB;
	decide(&rig);
	assert_int_equal(rig.decisions[2].verdict, VERDICT_HOLD);
	assert_contains(rig.decisions[2].reason, "maximum");
}

/* What was predicted is no reason: the memory is worth more elsewhere. */
static void test_predicted_swapping(void **state)
{
	struct rig rig CLEANUP(rig_done);
	struct mrc_curve *curve = sim_curve(SIM_UNIFORM, 2000 * MIB, 0);

	(void)state;
	rig_init(&rig, 1);
	rig.tick.policy = &policy_mrc;
	rig.tick.host.budget_bytes = 1000 * MIB;
	rig.vms[0].curve = curve;
	rig.vms[0].accesses_per_s = 2000;
	/* 1000 misses per second, 256 pages to the MiB, and slack. */
	swap_in(&rig, 0, 5);
	decide(&rig);
	assert_verdict(&rig, 0, VERDICT_HOLD, 1000);
	assert_null(strstr(rig.decisions[0].reason, "swaps"));
	/* What was not is counted. */
	swap_in(&rig, 0, 10);
	decide(&rig);
	assert_contains(rig.decisions[0].reason, "2560 misses/s");
	/* Read ahead is not missed. */
	rig.vms[0].stats.major_faults_per_s = 900;
	decide(&rig);
	assert_contains(rig.decisions[0].reason, "1000 misses/s");
	mrc_curve_free(curve);
}

/* Of a move of ours that costs more than was predicted half is taken back at once. */
static void test_wrong_prediction(void **state)
{
	struct rig rig CLEANUP(rig_done);
	struct mrc_curve *small = sim_curve(SIM_LOOP, 200 * MIB, 0);
	struct mrc_curve *large = sim_curve(SIM_UNIFORM, 2000 * MIB, 0);
	unsigned int i;

	(void)state;
	rig_init(&rig, 2);
	rig.tick.policy = &policy_mrc;
	rig.tick.host.budget_bytes = 2000 * MIB;
	rig.vms[0].curve = small;
	rig.vms[0].accesses_per_s = 2000;
	rig.vms[1].curve = large;
	rig.vms[1].accesses_per_s = 20000;
	decide(&rig);
	assert_verdict(&rig, 0, VERDICT_MOVE, 800);
	rig.vms[0].target_bytes = rig.vms[0].actual_bytes = 800 * MIB;
	swap_in(&rig, 0, 1);
	decide(&rig);
	assert_verdict(&rig, 0, VERDICT_GIVE_BACK, 900);
	assert_verdict(&rig, 1, VERDICT_MOVE, 1100);
	/* And not tried again at once. */
	carry_out(&rig, true);
	swap_in(&rig, 0, 0);
	for (i = 0; i < rig.params.settle_ticks; i++) {
		decide(&rig);
		assert_verdict(&rig, 0, VERDICT_HOLD, 900);
		carry_out(&rig, true);
	}
	mrc_curve_free(small);
	mrc_curve_free(large);
}

/* Growth in vain is hoped for less and less; what helps is asked for again. */
static void test_vain_growth(void **state)
{
	struct rig rig CLEANUP(rig_done);
	struct mrc_curve *curve = sim_curve(SIM_LOOP, 200 * MIB, 0);
	size_t i;

	(void)state;
	rig_init(&rig, 2);
	rig.tick.policy = &policy_mrc;
	rig.tick.host.budget_bytes = 4000 * MIB;
	for (i = 0; i < 2; i++) {
		rig.vms[i].curve = curve;
		rig.vms[i].limits.max_bytes = 4000 * MIB;
		rig.vms[i].accesses_per_s = 2000;
		swap_in(&rig, i, 10);
	}
	for (i = 0; i < 3; i++) {
		decide(&rig);
		if (i == 0)
			assert_true(rig.decisions[0].want.target_bytes >
				    1000 * MIB);
		/* One gets what it wants, and it does not help. */
		rig.vms[0].target_bytes = rig.decisions[0].step_bytes;
		rig.vms[0].actual_bytes = rig.decisions[0].step_bytes;
	}
	assert_true(rig.decisions[0].want.misses_then_per_s >
		    rig.decisions[1].want.misses_then_per_s);
	mrc_curve_free(curve);
}

/* Whoever asks a policy afterwards shows it what decide_tick() has shown its own. */
static void test_tells_demand(void **state)
{
	struct rig rig CLEANUP(rig_done);
	struct mrc_curve *curve = sim_curve(SIM_UNIFORM, 1500 * MIB, 0);
	struct mrc_random random = { 7 };
	unsigned int nr_vain = 0, nr_held = 0, ticks;
	struct vm_view all[3];
	size_t i;

	(void)state;
	rig_init(&rig, 3);
	for (i = 0; i < 3; i++) {
		rig.vms[i].curve = curve;
		rig.vms[i].accesses_per_s = 2000;
		rig.vms[i].wss = VM_WSS_KNOWN;
		all[i] = rig.vms[i];
	}
	for (ticks = 0; ticks < 1000; ticks++) {
		uint64_t gone = mrc_random_below(&random, 40);

		for (i = 0, rig.tick.nr_vms = 0; i < 3; i++) {
			struct vm_view *vm = &all[i];

			if (i == gone)
				continue;
			if (!mrc_random_below(&random, 3))
				vm->actual_bytes =
					MIB *
					(500 + mrc_random_below(&random, 1500));
			vm->target_bytes = vm->actual_bytes;
			vm->has_stats = mrc_random_below(&random, 8);
			vm->stats.swap_in_bytes_per_s =
				(double)mrc_random_below(&random, 4) * 250 *
				VIEW_PAGE_BYTES;
			rig.vms[rig.tick.nr_vms++] = *vm;
		}
		decide(&rig);
		for (i = 0; i < rig.tick.nr_vms; i++) {
			assert_int_equal(rig.vms[i].vain_growths,
					 vain_growths[i]);
			assert_int_equal(rig.vms[i].held_bytes, held_bytes[i]);
			nr_vain += vain_growths[i] > 0;
			nr_held += held_bytes[i] > 0;
		}
	}
	assert_true(nr_vain > 100);
	assert_true(nr_held > 100);
	mrc_curve_free(curve);
}

/*
 * A guest of 1000 MiB that uses 100 and has swapped once, for its needs had changed, is
 * not taken to hold 900 for ever: a neighbour in want gets them. When it swaps again it
 * is, at once; and what it was seen to hold less than that counts for longer.
 */
static void test_held_memory_fades(void **state)
{
	struct rig rig CLEANUP(rig_done);
	struct mrc_curve *small = sim_curve(SIM_LOOP, 100 * MIB, 0);
	struct mrc_curve *large = sim_curve(SIM_LOOP, 300 * MIB, 0);
	struct mrc_curve *unknown = sim_curve(SIM_LOOP, 4000 * MIB, 0);
	struct vm_view *vm = &rig.vms[0];
	unsigned int ticks;

	(void)state;
	rig_init(&rig, 1);
	vm->has_stats = true;
	vm->accesses_per_s = 2000;
	vm->wss = VM_WSS_KNOWN;
	vm->curve = small;
	vm->stats.swap_in_bytes_per_s = 250 * VIEW_PAGE_BYTES;
	/* Once may be what has changed. */
	decide(&rig);
	assert_int_equal(vm->held_bytes, 0);
	decide(&rig);
	assert_near((double)vm->held_bytes / MIB, 900, 1);
	vm->stats.swap_in_bytes_per_s = 0;
	for (ticks = 0; ticks < 60; ticks++)
		decide(&rig);
	assert_in_range(vm->held_bytes, 300 * MIB, 450 * MIB);
	vm->stats.swap_in_bytes_per_s = 250 * VIEW_PAGE_BYTES;
	decide(&rig);
	assert_near((double)vm->held_bytes / MIB, 900, 1);
	vm->curve = large;
	decide(&rig);
	assert_near((double)vm->held_bytes / MIB, 700, 1);
	vm->curve = small;
	decide(&rig);
	assert_near((double)vm->held_bytes / MIB, 725, 1);
	/* A curve that does not come down to what it misses tells nothing. */
	vm->curve = unknown;
	decide(&rig);
	assert_near((double)vm->held_bytes / MIB, 725, 1);
	for (ticks = 0; ticks < 1000; ticks++) {
		vm->stats.swap_in_bytes_per_s = 0;
		decide(&rig);
	}
	assert_in_range(vm->held_bytes, 0, MIB);
	mrc_curve_free(small);
	mrc_curve_free(large);
	mrc_curve_free(unknown);
}

static void test_pressure(void **state)
{
	struct rig rig CLEANUP(rig_done);

	(void)state;
	rig_init(&rig, 2);
	wanted_bytes[0] = 1100 * MIB;
	wanted_bytes[1] = 900 * MIB;
	rig.tick.host.has_pressure = true;
	rig.tick.host.memory_some_percent = 30;
	decide(&rig);
	assert_verdict(&rig, 0, VERDICT_HOLD, 1000);
	assert_contains(rig.decisions[0].reason, "pressure");
	assert_verdict(&rig, 1, VERDICT_MOVE, 900);
	rig.tick.host.has_pressure = false;
	decide(&rig);
	assert_verdict(&rig, 0, VERDICT_MOVE, 1100);
}

/* A guest without swap keeps usable memory; one with swap is pressed gently. */
static void test_usable_memory(void **state)
{
	struct rig rig CLEANUP(rig_done);

	(void)state;
	rig_init(&rig, 1);
	wanted_bytes[0] = 500 * MIB;
	rig.params.usable_min_bytes = 50 * MIB;
	rig.params.squeeze_ratio = 0.02;
	rig.vms[0].has_stats = true;
	rig.vms[0].stats.total_bytes = 900 * MIB;
	rig.vms[0].stats.usable_bytes = 120 * MIB;
	decide(&rig);
	assert_verdict(&rig, 0, VERDICT_MOVE, 930);
	carry_out(&rig, true);
	rig.vms[0].stats.usable_bytes = 50 * MIB;
	decide(&rig);
	assert_verdict(&rig, 0, VERDICT_HOLD, 930);
	assert_contains(rig.decisions[0].reason, "no memory to spare");
	rig.vms[0].stats.swap_out_bytes_per_s = 1;
	decide(&rig);
	assert_int_equal(rig.decisions[0].verdict, VERDICT_MOVE);
	assert_true(rig.decisions[0].step_bytes >= 911 * MIB);
	assert_true(rig.decisions[0].step_bytes < 912 * MIB);
}

static void test_unmeasured(void **state)
{
	struct rig rig CLEANUP(rig_done);
	struct mrc_curve *curve = sim_curve(SIM_LOOP, 1500 * MIB, 0);
	struct vm_view *vm = &rig.vms[0];

	(void)state;
	rig_init(&rig, 1);
	rig.tick.policy = &policy_mrc;
	decide(&rig);
	assert_verdict(&rig, 0, VERDICT_HOLD, 1000);
	assert_contains(rig.decisions[0].reason, "not measured yet");
	vm->curve = curve;
	vm->accesses_per_s = 1000;
	vm->is_starved = true;
	decide(&rig);
	assert_verdict(&rig, 0, VERDICT_HOLD, 1000);
	assert_contains(rig.decisions[0].reason, "starved");
	vm->is_starved = false;
	vm->measured_age_ns = UINT64_C(3600) * 1000000000;
	decide(&rig);
	assert_verdict(&rig, 0, VERDICT_HOLD, 1000);
	assert_contains(rig.decisions[0].reason, "too old");
	vm->measured_age_ns = 0;
	decide(&rig);
	assert_verdict(&rig, 0, VERDICT_MOVE, 1200);
	mrc_curve_free(curve);
}

static void test_small_gains(void **state)
{
	struct rig rig CLEANUP(rig_done);
	struct mrc_curve *needy = sim_curve(SIM_LOOP, 1500 * MIB, 0);
	struct mrc_curve *sated = sim_curve(SIM_LOOP, 100 * MIB, 0);

	(void)state;
	rig_init(&rig, 2);
	rig.tick.policy = &policy_mrc;
	rig.tick.host.budget_bytes = 2000 * MIB;
	rig.params.dead_band_gain_per_s = 5;
	rig.vms[0].curve = needy;
	rig.vms[0].accesses_per_s = 4;
	rig.vms[1].curve = sated;
	rig.vms[1].accesses_per_s = 1000;
	decide(&rig);
	assert_verdict(&rig, 0, VERDICT_HOLD, 1000);
	assert_contains(rig.decisions[0].reason, "too few misses saved");
	assert_verdict(&rig, 1, VERDICT_HOLD, 1000);
	assert_contains(rig.decisions[1].reason, "nobody gains");
	rig.vms[0].accesses_per_s = 310;
	decide(&rig);
	assert_verdict(&rig, 0, VERDICT_HOLD, 1000);
	assert_verdict(&rig, 1, VERDICT_MOVE, 800);
	assert_contains(rig.decisions[1].reason,
			"costs nothing; web1 saves 310");
	carry_out(&rig, true);
	decide(&rig);
	assert_verdict(&rig, 0, VERDICT_MOVE, 1200);
	assert_contains(rig.decisions[0].reason,
			"saves 310 misses/s; web2 loses nothing");
	mrc_curve_free(needy);
	mrc_curve_free(sated);
}

static void test_names_are_not_trusted(void **state)
{
	struct rig rig CLEANUP(rig_done);
	struct mrc_curve *needy = sim_curve(SIM_LOOP, 1500 * MIB, 0);
	struct mrc_curve *sated = sim_curve(SIM_LOOP, 100 * MIB, 0);
	const char *at;

	(void)state;
	rig_init(&rig, 2);
	rig.tick.policy = &policy_mrc;
	rig.tick.host.budget_bytes = 2000 * MIB;
	rig.vms[0].curve = needy;
	rig.vms[0].accesses_per_s = 310;
	rig.vms[0].name =
		"\x1b[2J\n\xff%s%n a very long name, so long that it ends nowhere";
	rig.vms[1].curve = sated;
	rig.vms[1].accesses_per_s = 1000;
	decide(&rig);
	assert_contains(rig.decisions[1].reason, "?[2J??%s%n");
	for (at = rig.decisions[1].reason; *at; at++)
		assert_true(*at >= ' ' && *at < 0x7f);
	mrc_curve_free(needy);
	mrc_curve_free(sated);
}

/* VMs come, go and change places; what is remembered goes with the uuid. */
static void test_memory_by_uuid(void **state)
{
	struct rig rig CLEANUP(rig_done);
	struct vm_view first;
	uint64_t want;

	(void)state;
	rig_init(&rig, 3);
	decide(&rig);
	rig.vms[0].target_bytes = rig.vms[0].actual_bytes = 900 * MIB;
	decide(&rig);
	assert_contains(rig.decisions[0].reason, "somebody else");
	first = rig.vms[0];
	rig.vms[0] = rig.vms[2];
	rig.vms[2] = first;
	want = wanted_bytes[0];
	wanted_bytes[0] = wanted_bytes[2];
	wanted_bytes[2] = want;
	decide(&rig);
	assert_contains(rig.decisions[2].reason, "somebody else");
	assert_null(strstr(rig.decisions[0].reason, "somebody else"));
	/* Gone and back: forgotten. */
	rig.tick.nr_vms = 2;
	decide(&rig);
	rig.tick.nr_vms = 3;
	decide(&rig);
	assert_null(strstr(rig.decisions[2].reason, "somebody else"));
	rig.tick.nr_vms = 0;
	decide(&rig);
}

static void test_thrashing(void **state)
{
	struct rig rig CLEANUP(rig_done);
	size_t i;

	(void)state;
	rig_init(&rig, 4);
	decide(&rig);
	assert_false(rig.tick.thrashing.is_thrashing);
	assert_int_equal(rig.tick.thrashing.candidate, -1);
	for (i = 0; i < 3; i++) {
		rig.vms[i].wss = i == 2 ? VM_WSS_ABOVE : VM_WSS_KNOWN;
		rig.vms[i].wss_bytes = (1000 + 400 * i) * MIB;
	}
	rig.vms[3].wss_bytes = 9000 * MIB;
	/* 1000 + 1400 + 1800 of 4000; any of them frees the 200. */
	decide(&rig);
	assert_true(rig.tick.thrashing.is_thrashing);
	assert_int_equal(rig.tick.thrashing.wss_bytes, 4200 * MIB);
	assert_int_equal(rig.tick.thrashing.candidate, 0);
	rig.vms[0].limits.weight = 2;
	decide(&rig);
	assert_int_equal(rig.tick.thrashing.candidate, 1);
	/* Only the largest frees all of 1700. */
	rig.tick.host.budget_bytes = 2500 * MIB;
	decide(&rig);
	assert_int_equal(rig.tick.thrashing.candidate, 2);
	rig.vms[2].is_paused = true;
	decide(&rig);
	assert_false(rig.tick.thrashing.is_thrashing);
}

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* Whatever is seen, nobody is harmed. */
static void test_promises(void **state)
{
	struct mrc_random random = { 6 };
	unsigned int round;

	(void)state;
	for (round = 0; round < 300; round++) {
		struct rig rig CLEANUP(rig_done);
		struct mrc_curve *curves[MAX_VMS] = { 0 };
		unsigned int ticks;
		size_t i;

		rig_init(&rig, 1 + mrc_random_below(&random, MAX_VMS));
		rig.tick.policy = policy_all[mrc_random_below(&random, 4)];
		for (ticks = 0; ticks < 20; ticks++) {
			rig.tick.host.budget_bytes =
				mrc_random_below(&random, 6000) * MIB;
			for (i = 0; i < rig.tick.nr_vms; i++) {
				struct vm_view *vm = &rig.vms[i];
				double way;

				mrc_curve_free(curves[i]);
				curves[i] = sim_random_curve(&random, 30,
							     2000 * MIB);
				vm->curve = mrc_random_below(&random, 5) ?
						    curves[i] :
						    NULL;
				vm->accesses_per_s =
					1e5 * mrc_random_unit(&random);
				vm->is_paused = !mrc_random_below(&random, 9);
				if (!mrc_random_below(&random, 9))
					vm->target_bytes = 1234 * MIB;
				way = (double)vm->target_bytes -
				      (double)vm->actual_bytes;
				vm->actual_bytes +=
					(uint64_t)((int64_t)(way *
							     mrc_random_unit(
								     &random)) /
						   VIEW_PAGE_BYTES *
						   VIEW_PAGE_BYTES);
				vm->has_stats = mrc_random_below(&random, 2);
				vm->stats.usable_bytes = vm->actual_bytes / 2;
				vm->stats.swap_in_bytes_per_s =
					mrc_random_below(&random, 3) ? 0 : 1e7;
			}
			decide(&rig);
			for (i = 0; i < rig.tick.nr_vms; i++) {
				const struct vm_view *vm = &rig.vms[i];
				const struct decision *decision =
					&rig.decisions[i];
				uint64_t step = decision->step_bytes;

				if (decision->verdict != VERDICT_MOVE &&
				    decision->verdict != VERDICT_GIVE_BACK)
					continue;
				assert_false(vm->is_paused);
				assert_int_equal(step % VIEW_PAGE_BYTES, 0);
				assert_true(distance(step, vm->actual_bytes) <=
					    rig.params.max_step_bytes);
				assert_true(step >= vm->limits.min_bytes ||
					    step >= vm->actual_bytes);
				assert_true(step <= vm->limits.max_bytes ||
					    step <= vm->actual_bytes);
				if (step < vm->actual_bytes && vm->has_stats)
					assert_true(
						vm->stats.swap_in_bytes_per_s ==
							0 ||
						rig.tick.policy == &policy_mrc);
			}
			carry_out(&rig, false);
		}
		for (i = 0; i < MAX_VMS; i++)
			mrc_curve_free(curves[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_shrinks_by_ratio),
		cmocka_unit_test(test_dead_band),
		cmocka_unit_test(test_hysteresis),
		cmocka_unit_test(test_limits_come_first),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_immovable_and_paused),
		cmocka_unit_test(test_growth_waits_for_memory),
		cmocka_unit_test(test_not_following),
		cmocka_unit_test(test_slow_is_not_stuck),
		cmocka_unit_test(test_failed_request),
		cmocka_unit_test(test_unconfirmed_request),
		cmocka_unit_test(test_foreign_change),
		cmocka_unit_test(test_boot),
		cmocka_unit_test(test_give_back),
		cmocka_unit_test(test_relief),
		cmocka_unit_test(test_give_back_comes_first),
		cmocka_unit_test(test_predicted_swapping),
		cmocka_unit_test(test_wrong_prediction),
		cmocka_unit_test(test_vain_growth),
		cmocka_unit_test(test_tells_demand),
		cmocka_unit_test(test_held_memory_fades),
		cmocka_unit_test(test_pressure),
		cmocka_unit_test(test_usable_memory),
		cmocka_unit_test(test_unmeasured),
		cmocka_unit_test(test_small_gains),
		cmocka_unit_test(test_names_are_not_trusted),
		cmocka_unit_test(test_memory_by_uuid),
		cmocka_unit_test(test_thrashing),
		cmocka_unit_test(test_promises),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
