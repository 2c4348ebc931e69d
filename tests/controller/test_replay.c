// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What was decided and recorded is decided again, by the policy and with the
 * parameters that were in force.
 */
#include "ctl_test.h"

#include <unistd.h>

#include "recording.h"
#include "replay.h"
#include "tick_test.h"

#define MIB (UINT64_C(1) << 20)
#define NR_TICKS 40

static char directory[] = "/tmp/kvm-aet-replay.XXXXXX";
static char path[64];

/**
 * struct made - what was decided
 * @decisions: of each tick
 * @nr_moves: number of VERDICT_MOVE and VERDICT_GIVE_BACK
 * @nr_shrunk: those of them that were down
 */
struct made {
	struct decision decisions[NR_TICKS][TICK_TEST_NR_VMS];
	unsigned int nr_moves;
	unsigned int nr_shrunk;
};

static struct made made;

static bool is_move(const struct decision *decision)
{
	return decision->verdict == VERDICT_MOVE ||
	       decision->verdict == VERDICT_GIVE_BACK;
}

/* As the daemon does it, with balloons that follow at once. */
static void decide_and_record(const struct policy *policy,
			      const struct recording_params *params)
{
	struct recording_writer *writer = NULL;
	struct decide_memory *memory = NULL;
	uint64_t bytes[TICK_TEST_NR_VMS] = { 0 };
	unsigned int number, i;

	memset(&made, 0, sizeof(made));
	assert_int_equal(decide_memory_new(&memory), 0);
	assert_int_equal(recording_writer_open(path, 0, &writer), 0);
	for (number = 1; number <= NR_TICKS; number++) {
		/* Grows, then falls back, and grows again. */
		struct tick tick = tick_test_new(1 + number % 16), decided;

		tick.number = number;
		tick.time_ns = number * UINT64_C(10000000000);
		for (i = 0; i < TICK_TEST_NR_VMS; i++) {
			if (number == 1)
				bytes[i] = tick.vms[i].actual_bytes;
			tick.vms[i].actual_bytes = bytes[i];
			tick.vms[i].target_bytes = bytes[i];
			tick.vms[i].limits.mode = VM_MODE_ACT;
		}
		decided = tick;
		decided.policy = policy;
		decided.decisions = made.decisions[number - 1];
		assert_int_equal(decide_tick(&params->policy, &params->guard,
					     memory, &decided),
				 0);
		assert_int_equal(recording_write(writer, &decided, params), 0);
		for (i = 0; i < TICK_TEST_NR_VMS; i++) {
			const struct decision *decision = &decided.decisions[i];

			if (!is_move(decision))
				continue;
			made.nr_moves++;
			if (decision->step_bytes < bytes[i])
				made.nr_shrunk++;
			bytes[i] = decision->step_bytes;
		}
		recording_tick_done(&tick);
	}
	recording_writer_close(writer);
	decide_memory_free(memory);
}

static bool is_same(const struct decision *a, const struct decision *b)
{
	return a->verdict == b->verdict && a->step_bytes == b->step_bytes &&
	       a->want.target_bytes == b->want.target_bytes &&
	       strcmp(a->reason, b->reason) == 0;
}

/* How many decisions are others than were made. @params: NULL: as recorded. */
static unsigned int replay_and_compare(const struct policy *policy,
				       const struct recording_params *params)
{
	struct recording_reader *reader = NULL;
	char error[RECORDING_ERROR_BYTES] = "";
	unsigned int nr_others = 0, nr_ticks = 0, i;
	struct replay *replay = NULL;
	struct tick tick;
	int got;

	assert_int_equal(replay_new(policy, &replay), 0);
	assert_null(replay_decisions(replay));
	assert_int_equal(recording_reader_open(path, &reader, error), 0);
	while ((got = recording_read(reader, &tick, error)) > 0) {
		const struct recording_params *recorded =
			recording_read_params(reader);

		assert_true(nr_ticks < NR_TICKS);
		assert_int_equal(replay_tick(replay, &tick,
					     params ? params : recorded),
				 0);
		for (i = 0; i < TICK_TEST_NR_VMS; i++) {
			if (!is_same(&replay_decisions(replay)[i],
				     &made.decisions[nr_ticks][i]))
				nr_others++;
		}
		nr_ticks++;
		recording_tick_done(&tick);
	}
	assert_int_equal(got, 0);
	assert_int_equal(nr_ticks, NR_TICKS);
	recording_reader_close(reader);
	replay_free(replay);
	return nr_others;
}

/* Parameters of a host that is careful with its guests. */
static struct recording_params careful_params(void)
{
	struct recording_params params;

	recording_params_init(&params);
	params.is_known = true;
	params.policy.unit_bytes = 8 * MIB;
	params.policy.desired_use = 0.7;
	params.guard.max_step_bytes = 96 * MIB;
	params.guard.max_shrink_ratio = 0.0625;
	params.guard.dead_band_bytes = 2 * MIB;
	params.guard.settle_ticks = 2;
	return params;
}

static void test_decides_the_same(void **state)
{
	struct recording_params careful = careful_params(), defaults;
	size_t i;

	(void)state;
	recording_params_init(&defaults);
	for (i = 0; policy_all[i]; i++) {
		decide_and_record(policy_all[i], &careful);
		assert_int_equal(replay_and_compare(policy_all[i], NULL), 0);
		if (policy_all[i] == &policy_static)
			continue;
		/* There was something to get wrong. */
		assert_true(made.nr_moves > 2);
		assert_true(made.nr_shrunk > 0);
		assert_true(replay_and_compare(policy_all[i], &defaults) > 0);
		assert_true(replay_and_compare(&policy_static, NULL) > 0);
	}
}

/* A recording that does not tell them is taken for one of the defaults. */
static void test_unknown_params(void **state)
{
	struct recording_params defaults, careful = careful_params();

	(void)state;
	recording_params_init(&defaults);
	assert_false(defaults.is_known);
	decide_and_record(&policy_mrc, &defaults);
	assert_true(made.nr_moves > 2);
	assert_int_equal(replay_and_compare(&policy_mrc, NULL), 0);
	assert_true(replay_and_compare(&policy_mrc, &careful) > 0);
}

static int make_directory(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/r.zst", directory);
	return 0;
}

static int remove_directory(void **state)
{
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -r %s", directory);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decides_the_same),
		cmocka_unit_test(test_unknown_params),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
