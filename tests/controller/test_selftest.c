// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kvm-aet selftest, over a fake VM on a fake host: does it find what is right,
 * and everything that can be wrong?
 */
#include "ctl_test.h"

#include <errno.h>
#include <unistd.h>

#include <jansson.h>
#include <mrc/hist.h>

#include "selftest_vm.h"
#include "verbs.h"

#define SUB_BUCKET_BITS 7
#define NR_BUCKETS 4096
#define NEVER UINT64_MAX

#define ACCESS_NS 10
#define TRAP_NS 1000
#define FAULT_NS 500

/* What the fake host does wrong. */
enum sabotage {
	NOTHING,
	LOSE_AN_ACCESS,
	BLUR_A_REUSE_TIME,
	SAMPLE_A_PAGE_LESS,
	RECORD_HOT_PAGES,
	LEAVE_A_PAGE_ARMED,
	LEAVE_A_SESSION,
	LOSE_A_WRITE,
	HAVE_NO_HUGE_PAGES,
	KEEP_HUGE_PAGES,
	KEEP_SMALL_PAGES,
	LOSE_AN_ACCESS_OF_HUGE,
	FAIL_TO_ATTACH,
	FAIL_TO_TOUCH,
	FAIL_TO_READ,
	FAIL_TO_COUNT,
	FAIL_TO_UNMAP,
	FAIL_TO_MAKE_HUGE,
};

struct fake_host {
	struct selftest_host host;
	enum sabotage sabotage;
	uint32_t mmu_mode;
	bool is_huge; /* the memory is made for it */
	bool was_split;
	bool is_unmapped;
	unsigned int nr_sessions;
	unsigned int nr_open;
	struct session {
		struct source source;
		struct fake_host *host;
		struct source_config config;
		uint64_t pushed_at[SELFTEST_PAGES];
		uint64_t last_time[SELFTEST_PAGES];
		uint64_t nr_pushed;
		uint64_t accesses;
		uint64_t cold;
		uint64_t buckets[NR_BUCKETS];
	} * session;
};

static struct fake_host *host_of(struct selftest_host *host)
{
	return (struct fake_host *)host;
}

static bool is_sampled(const struct session *session, uint32_t page)
{
	return page % session->config.inverse_rate == 0;
}

static bool is_hot(const struct session *session, uint32_t page)
{
	return session->pushed_at[page] != NEVER &&
	       session->nr_pushed - session->pushed_at[page] <=
		       session->config.hot_pages &&
	       session->host->sabotage != RECORD_HOT_PAGES;
}

static bool is_lost(const struct session *session)
{
	enum sabotage sabotage = session->host->sabotage;

	return (sabotage == LOSE_AN_ACCESS ||
		(sabotage == LOSE_AN_ACCESS_OF_HUGE &&
		 session->host->is_huge)) &&
	       session->nr_pushed == 3000;
}

/* Whether it trapped. */
static bool session_access(struct session *session, uint32_t page)
{
	uint64_t reuse_time;

	if (!is_sampled(session, page) || is_hot(session, page))
		return false;
	session->pushed_at[page] = session->nr_pushed++;
	if (is_lost(session))
		return true;
	session->accesses++;
	reuse_time = session->accesses - session->last_time[page];
	if (session->host->sabotage == BLUR_A_REUSE_TIME &&
	    session->accesses == 2000)
		reuse_time = reuse_time / 2 + 1;
	if (session->last_time[page])
		session->buckets[mrc_bucket_index(SUB_BUCKET_BITS,
						  reuse_time)]++;
	else
		session->cold++;
	session->last_time[page] = session->accesses;
	return true;
}

static int session_read(struct source *source, bool new_window,
			struct sample *ret_sample)
{
	struct session *session = (struct session *)source;
	uint32_t rate = session->config.inverse_rate;

	assert_false(new_window);
	if (session->host->sabotage == FAIL_TO_READ)
		return -ENOMEM;
	*ret_sample = (struct sample){
		.mmu_mode = session->host->mmu_mode,
		.inverse_rate = rate,
		.hot_pages = session->config.hot_pages,
		.range_pages = SELFTEST_PAGES,
		.sampled_pages = SELFTEST_PAGES / rate,
		.accesses = session->accesses,
		.cold_accesses = session->cold,
		.traps = session->nr_pushed,
		.sub_bucket_bits = SUB_BUCKET_BITS,
		.nr_buckets = NR_BUCKETS,
		.buckets = malloc(sizeof(session->buckets)),
	};
	if (session->host->sabotage == SAMPLE_A_PAGE_LESS && rate > 1)
		ret_sample->sampled_pages--;
	assert_non_null(ret_sample->buckets);
	memcpy(ret_sample->buckets, session->buckets, sizeof(session->buckets));
	return 0;
}

static void session_close(struct source *source)
{
	struct session *session = (struct session *)source;

	session->host->nr_open--;
	session->host->session = NULL;
	free(session);
}

static int fake_attach(struct selftest_host *host, struct source_config *config,
		       struct source **ret_source)
{
	static const struct source_ops ops = {
		.read = session_read,
		.close = session_close,
	};
	struct fake_host *fake = host_of(host);
	struct session *session = calloc(1, sizeof(*session));
	size_t i;

	assert_non_null(session);
	if (fake->sabotage == FAIL_TO_ATTACH) {
		free(session);
		return -EOPNOTSUPP;
	}
	assert_null(fake->session);
	session->source.ops = &ops;
	session->host = fake;
	session->config = *config;
	for (i = 0; i < SELFTEST_PAGES; i++)
		session->pushed_at[i] = NEVER;
	fake->session = session;
	fake->nr_open++;
	fake->nr_sessions++;
	fake->was_split |= fake->is_huge;
	*ret_source = &session->source;
	return 0;
}

static bool has_huge_mappings(const struct fake_host *fake)
{
	if (!fake->is_huge || fake->sabotage == HAVE_NO_HUGE_PAGES)
		return false;
	if (fake->session)
		return fake->sabotage == KEEP_HUGE_PAGES;
	return !fake->was_split || fake->sabotage != KEEP_SMALL_PAGES;
}

static int fake_count_leaves(struct selftest_host *host,
			     struct source_vm_info *ret_info)
{
	struct fake_host *fake = host_of(host);

	if (fake->sabotage == FAIL_TO_COUNT)
		return -EIO;
	*ret_info = (struct source_vm_info){
		.mmu_mode = fake->mmu_mode,
		.is_tracked = fake->session ||
			      fake->sabotage == LEAVE_A_SESSION,
		.huge_leaves = has_huge_mappings(fake) ?
				       SELFTEST_PAGES / SELFTEST_VM_HUGE_PAGES :
				       0,
		.armed_leaves = fake->sabotage == LEAVE_A_PAGE_ARMED &&
				!fake->session && fake->nr_sessions == 2,
	};
	return 0;
}

static int fake_touch(struct selftest_host *host, uint32_t nr_pages,
		      uint32_t nr_rounds, uint64_t *ret_ns)
{
	struct fake_host *fake = host_of(host);
	uint32_t round, page;

	assert_in_range(nr_pages, 1, SELFTEST_PAGES);
	if (fake->sabotage == FAIL_TO_TOUCH)
		return -EIO;
	*ret_ns = fake->is_unmapped ? (uint64_t)nr_pages * FAULT_NS : 0;
	fake->is_unmapped = false;
	for (round = 0; round < nr_rounds; round++) {
		for (page = 0; page < nr_pages; page++) {
			*ret_ns += ACCESS_NS;
			if (fake->session &&
			    session_access(fake->session, page))
				*ret_ns += TRAP_NS;
		}
	}
	return 0;
}

static int fake_unmap(struct selftest_host *host)
{
	struct fake_host *fake = host_of(host);

	/* What is timed is a VM that nobody tracks. */
	assert_null(fake->session);
	if (fake->sabotage == FAIL_TO_UNMAP)
		return -ENOMEM;
	fake->is_unmapped = true;
	return 0;
}

static int fake_make_huge(struct selftest_host *host)
{
	struct fake_host *fake = host_of(host);

	if (fake->sabotage == FAIL_TO_MAKE_HUGE)
		return -ENOMEM;
	fake->is_huge = true;
	return 0;
}

static uint32_t fake_count_wrong(struct selftest_host *host)
{
	return host_of(host)->sabotage == LOSE_A_WRITE;
}

/* @mmu_mode: 0 for NPT. */
static int run_sabotaged(enum sabotage sabotage, uint32_t mmu_mode,
			 struct selftest *ret_selftest)
{
	struct fake_host fake = {
		.host = {
			.attach = fake_attach,
			.count_leaves = fake_count_leaves,
			.touch = fake_touch,
			.unmap = fake_unmap,
			.make_huge = fake_make_huge,
			.count_wrong = fake_count_wrong,
		},
		.sabotage = sabotage,
		.mmu_mode = mmu_mode ? mmu_mode : KVM_AET_MMU_NPT,
	};
	int err = selftest_run(&fake.host, ret_selftest);

	assert_int_equal(fake.nr_open, 0);
	return err;
}

static const struct selftest_check *check_of(const struct selftest *selftest,
					     const char *name)
{
	size_t i;

	for (i = 0; i < selftest->nr_checks; i++) {
		if (strcmp(selftest->checks[i].name, name) == 0)
			return &selftest->checks[i];
	}
	fail_msg("no check '%s'", name);
	return NULL;
}

static void test_all_is_well(void **state)
{
	static const char *const names[] = { "loop",   "sample", "hot-set",
					     "memory", "huge",	 "memory-huge",
					     "detach" };
	struct selftest selftest;
	size_t i;

	(void)state;
	assert_int_equal(run_sabotaged(NOTHING, 0, &selftest), 0);
	assert_true(selftest_has_passed(&selftest));
	assert_int_equal(selftest.nr_checks, ARRAY_SIZE(names));
	for (i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(check_of(&selftest, names[i])->result,
				 SELFTEST_PASSED);
	assert_contains(
		check_of(&selftest, "loop")->text,
		"4096 accesses recorded, 3072 of them with reuse time 1024");
	assert_contains(check_of(&selftest, "sample")->text, "4096 accesses");
	assert_contains(check_of(&selftest, "hot-set")->text, "64 accesses");
	assert_contains(check_of(&selftest, "huge")->text, "8 huge mappings");
	assert_int_equal(selftest.mmu_mode, KVM_AET_MMU_NPT);
}

static void test_times_are_what_events_add(void **state)
{
	struct selftest selftest;

	(void)state;
	assert_int_equal(run_sabotaged(NOTHING, 0, &selftest), 0);
	assert_int_equal(selftest.trap_ns, TRAP_NS);
	assert_int_equal(selftest.fault_ns, FAULT_NS);
	assert_true(selftest.nr_repetitions % 2 == 1);
	assert_int_equal(selftest.nr_traps, 4096 * selftest.nr_repetitions);
	assert_int_equal(selftest.nr_faults,
			 SELFTEST_PAGES * selftest.nr_repetitions);
}

static void test_each_mistake_is_found(void **state)
{
	static const struct {
		enum sabotage sabotage;
		const char *check;
		const char *text;
	} cases[] = {
		{ LOSE_AN_ACCESS, "loop",
		  "accesses recorded: 4095 instead of 4096" },
		{ LOSE_AN_ACCESS, "sample",
		  "accesses recorded: 4095 instead of 4096" },
		{ BLUR_A_REUSE_TIME, "loop",
		  "with reuse time 1024: 3071 instead of 3072" },
		{ SAMPLE_A_PAGE_LESS, "sample",
		  "pages sampled: 1023 instead of 1024" },
		{ RECORD_HOT_PAGES, "hot-set",
		  "accesses recorded: 6400 instead of 64" },
		{ LEAVE_A_PAGE_ARMED, "detach", "1 pages still trap" },
		{ LEAVE_A_SESSION, "detach", "5 of 5 sessions have not ended" },
		{ LOSE_A_WRITE, "memory", "1 of 4096 pages" },
		{ LOSE_A_WRITE, "memory-huge", "1 of 4096 pages" },
		{ KEEP_HUGE_PAGES, "huge", "8 while tracked instead of 0" },
		{ KEEP_SMALL_PAGES, "huge", "0 afterwards instead of 8" },
		{ LOSE_AN_ACCESS_OF_HUGE, "huge",
		  "accesses recorded: 4095 instead of 4096" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct selftest_check *check;
		struct selftest selftest;

		assert_int_equal(run_sabotaged(cases[i].sabotage, 0, &selftest),
				 0);
		assert_false(selftest_has_passed(&selftest));
		check = check_of(&selftest, cases[i].check);
		assert_int_equal(check->result, SELFTEST_FAILED);
		assert_contains(check->text, cases[i].text);
	}
}

static void test_a_check_that_is_impossible_is_skipped(void **state)
{
	struct selftest selftest;

	(void)state;
	assert_int_equal(run_sabotaged(HAVE_NO_HUGE_PAGES, 0, &selftest), 0);
	assert_int_equal(check_of(&selftest, "huge")->result, SELFTEST_SKIPPED);
	assert_true(selftest_has_passed(&selftest));
}

/* There, accesses to pages that splitting unmapped cannot be seen. */
static void test_shadow_paging_need_not_count_after_a_split(void **state)
{
	struct selftest selftest;

	(void)state;
	assert_int_equal(run_sabotaged(LOSE_AN_ACCESS_OF_HUGE,
				       KVM_AET_MMU_SHADOW, &selftest),
			 0);
	assert_true(selftest_has_passed(&selftest));
	assert_int_equal(selftest.mmu_mode, KVM_AET_MMU_SHADOW);
}

static void test_what_cannot_be_run_is_an_error(void **state)
{
	static const struct {
		enum sabotage sabotage;
		int err;
	} cases[] = {
		{ FAIL_TO_ATTACH, -EOPNOTSUPP }, { FAIL_TO_TOUCH, -EIO },
		{ FAIL_TO_READ, -ENOMEM },	 { FAIL_TO_COUNT, -EIO },
		{ FAIL_TO_UNMAP, -ENOMEM },	 { FAIL_TO_MAKE_HUGE, -ENOMEM },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct selftest selftest = { .nr_checks = 77 };

		assert_int_equal(run_sabotaged(cases[i].sabotage, 0, &selftest),
				 cases[i].err);
		assert_int_equal(selftest.nr_checks, 77);
	}
}

static void test_nothing_checked_is_not_passed(void **state)
{
	const struct selftest selftest = { 0 };

	(void)state;
	assert_false(selftest_has_passed(&selftest));
}

struct output {
	int status;
	char *out;
	char *err;
};

static struct output report(const struct selftest *selftest,
			    enum options_output form, bool is_virtual_host)
{
	const struct options options = { .output = form };
	struct capture out, err;
	struct output output;

	capture_start(&out, STDOUT_FILENO);
	capture_start(&err, STDERR_FILENO);
	output.status =
		verb_report_selftest(&options, selftest, is_virtual_host);
	output.err = capture_end(&err);
	output.out = capture_end(&out);
	return output;
}

static void output_done(struct output *output)
{
	free(output->out);
	free(output->err);
}

static void test_text(void **state)
{
	struct selftest selftest;
	struct output output;

	(void)state;
	assert_int_equal(run_sabotaged(HAVE_NO_HUGE_PAGES, 0, &selftest), 0);
	output = report(&selftest, OPTIONS_TABLE, false);
	assert_int_equal(output.status, 0);
	assert_string_equal(output.err, "");
	assert_int_equal(count_of(output.out, "\n"), 8);
	assert_int_equal(count_of(output.out, "ok   "), 6);
	assert_contains(output.out, "skipped  huge ");
	assert_contains(
		output.out,
		"a trap takes 1000 ns, a fault while not tracked 500 ns (medians of 9 runs; 36864 traps, 36864 faults)\n");
	output_done(&output);

	output = report(&selftest, OPTIONS_TABLE, true);
	assert_int_equal(output.status, 0);
	assert_contains(output.err, "not those of hardware\n");
	output_done(&output);

	assert_int_equal(run_sabotaged(LOSE_AN_ACCESS, 0, &selftest), 0);
	output = report(&selftest, OPTIONS_TABLE, false);
	assert_int_equal(output.status, 1);
	assert_contains(output.out, "FAILED   loop ");
	assert_contains(output.err, "does not work right on this host");
	assert_int_equal(count_of(output.err, "\n"), 1);
	output_done(&output);
}

static void assert_json(const char *text, bool passed, const char *result)
{
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	const char *type, *mode, *name, *got, *detail;
	int schema, is_passed, is_virtual, repetitions, trap_ns, fault_ns;
	int traps, faults;
	json_t *checks;

	assert_non_null(root);
	assert_int_equal(
		json_unpack(
			root,
			"{s:i, s:s, s:b, s:o, s:s, s:b, s:i, s:i, s:i, s:i, s:i !}",
			"schema_version", &schema, "type", &type, "passed",
			&is_passed, "checks", &checks, "mmu_mode", &mode,
			"is_virtual_host", &is_virtual, "repetitions",
			&repetitions, "trap_ns", &trap_ns, "traps", &traps,
			"untracked_fault_ns", &fault_ns, "untracked_faults",
			&faults),
		0);
	assert_int_equal(schema, 1);
	assert_string_equal(type, "selftest");
	assert_int_equal(is_passed, passed);
	assert_string_equal(mode, "ept");
	assert_int_equal(is_virtual, 1);
	assert_int_equal(repetitions, 9);
	assert_int_equal(trap_ns, TRAP_NS);
	assert_int_equal(traps, 36864);
	assert_int_equal(fault_ns, FAULT_NS);
	assert_int_equal(faults, 36864);
	assert_int_equal(json_array_size(checks), 7);
	assert_int_equal(json_unpack(json_array_get(checks, 4),
				     "{s:s, s:s, s:s !}", "name", &name,
				     "result", &got, "text", &detail),
			 0);
	assert_string_equal(name, "huge");
	assert_string_equal(got, result);
	assert_true(strlen(detail) > 0);
	json_decref(root);
}

static void test_json(void **state)
{
	static const struct {
		enum sabotage sabotage;
		bool passed;
		const char *result;
	} cases[] = {
		{ NOTHING, true, "passed" },
		{ HAVE_NO_HUGE_PAGES, true, "skipped" },
		{ KEEP_HUGE_PAGES, false, "failed" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct selftest selftest;
		struct output output;

		assert_int_equal(run_sabotaged(cases[i].sabotage,
					       KVM_AET_MMU_EPT, &selftest),
				 0);
		output = report(&selftest, OPTIONS_JSON, true);
		assert_int_equal(output.status, cases[i].passed ? 0 : 1);
		assert_int_equal(count_of(output.out, "\n"), 1);
		assert_json(output.out, cases[i].passed, cases[i].result);
		output_done(&output);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_is_well),
		cmocka_unit_test(test_times_are_what_events_add),
		cmocka_unit_test(test_each_mistake_is_found),
		cmocka_unit_test(test_a_check_that_is_impossible_is_skipped),
		cmocka_unit_test(
			test_shadow_paging_need_not_count_after_a_split),
		cmocka_unit_test(test_what_cannot_be_run_is_an_error),
		cmocka_unit_test(test_nothing_checked_is_not_passed),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
