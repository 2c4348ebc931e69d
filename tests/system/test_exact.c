// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Does the module record exactly what the guest did? The guest touches pages
 * in an order known to the access; a model of the hot set, slow and obvious,
 * says what must be recorded, and every bucket of the histogram must agree.
 *
 * The TLB is flushed after every re-arm here: a re-armed page that is still in
 * the TLB does not trap, and how many there are is the CPU's business. The
 * batched flush of normal use runs once too and reports how much that changes.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../kvm-aet/hist_bucket.h"
#include "../../kvm-aet/sample.h"
#include "client.h"

#define NR_PAGES 1024U
#define NR_ACCESSES 20000U

static uint64_t random_state = 12345;

static uint32_t random_below(uint32_t limit)
{
	/* xorshift64* (Vigna 2016). */
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return ((random_state * 0x2545f4914f6cdd1dULL) >> 33) % limit;
}

/* The oracle: the accesses that pass the hot set, and their reuse times. */
struct model {
	uint32_t hot_pages;
	uint32_t inverse_rate;
	uint64_t salt;
	uint32_t ring[KVM_AET_MAX_HOT_PAGES];
	uint64_t nr_pushed;
	uint64_t last_time[NR_PAGES]; /* 0: never recorded */
	uint64_t accesses;
	uint64_t cold;
	uint64_t evictions;
	uint64_t buckets[AET_NR_BUCKETS];
};

static bool model_is_hot(const struct model *model, uint32_t page)
{
	uint64_t i, used = model->nr_pushed < model->hot_pages ?
				   model->nr_pushed :
				   model->hot_pages;

	for (i = 1; i <= used; i++)
		if (model->ring[(model->nr_pushed - i) % model->hot_pages] ==
		    page)
			return true;
	return false;
}

static bool is_sampled(const struct model *model, uint32_t page)
{
	uint64_t gfn = VMM_DATA_GFN + page;
	uint64_t group = aet_sample_group(gfn, model->inverse_rate);

	return gfn == group * model->inverse_rate +
			      aet_sample_offset(group, 0, model->inverse_rate,
						model->salt);
}

static void model_access(struct model *model, uint32_t page)
{
	if (!is_sampled(model, page) || model_is_hot(model, page))
		return;
	model->evictions += model->nr_pushed >= model->hot_pages;
	model->ring[model->nr_pushed++ % model->hot_pages] = page;
	model->accesses++;
	if (model->last_time[page])
		model->buckets[aet_bucket_index(
			AET_SUB_BUCKET_BITS,
			model->accesses - model->last_time[page])]++;
	else
		model->cold++;
	model->last_time[page] = model->accesses;
}

static void assert_model_equal(const struct model *model,
			       const struct client_snapshot *snapshot)
{
	uint32_t i;

	assert_int_equal(snapshot->s.histograms[KVM_AET_HIST_REUSE].nr_buckets,
			 AET_NR_BUCKETS);
	assert_int_equal(snapshot->s.accesses, model->accesses);
	assert_int_equal(snapshot->s.cold_accesses + snapshot->s.entry_accesses,
			 model->cold);
	for (i = 0; i < AET_NR_BUCKETS; i++)
		if (snapshot->buckets[KVM_AET_HIST_REUSE][i] !=
		    model->buckets[i])
			fail_msg(
				"reuse time %llu: %llu recorded, %llu expected",
				(unsigned long long)aet_bucket_low(
					AET_SUB_BUCKET_BITS, i),
				(unsigned long long)snapshot
					->buckets[KVM_AET_HIST_REUSE][i],
				(unsigned long long)model->buckets[i]);
}

struct fixture {
	struct vmm vmm;
	struct model *model;
	uint32_t *sequence;
};

/* A VM whose data pages are all mapped, writable, by first virtual address. */
static void fixture_init(struct fixture *f, enum vmm_mode mode,
			 uint32_t inverse_rate)
{
	uint32_t i;

	vmm_init_mode(&f->vmm, mode, NR_PAGES, 1);
	f->model = calloc(1, sizeof(*f->model));
	f->sequence = calloc(NR_ACCESSES, sizeof(*f->sequence));
	assert_non_null(f->model);
	assert_non_null(f->sequence);
	f->model->hot_pages = KVM_AET_MIN_HOT_PAGES;
	f->model->inverse_rate = inverse_rate;
	f->model->salt = 1;
	for (i = 0; i < NR_PAGES; i++)
		f->sequence[i] = i | VMM_WRITE;
	vmm_run(&f->vmm, 0, f->sequence, NR_PAGES);
}

static void fixture_exit(struct fixture *f)
{
	vmm_exit(&f->vmm);
	free(f->model);
	free(f->sequence);
}

static void assert_nothing_left(struct fixture *f)
{
	struct kvm_aet_vm_info info = client_vm_info(f->vmm.vm_fd);

	assert_int_equal(info.armed_leaves, 0);
	assert_int_equal(info.is_tracked, 0);
	/* The count is not 0 because nothing was counted. */
	assert_true(info.small_leaves >= NR_PAGES);
	assert_int_equal(vmm_count_wrong_pages(&f->vmm), 0);
}

static struct client_snapshot run_tracked(struct fixture *f, uint32_t nr,
					  uint32_t flush_batch)
{
	struct kvm_aet_attach config = client_config(&f->vmm);
	struct client_snapshot snapshot;
	int session;

	config.inverse_rate = f->model->inverse_rate;
	config.hot_pages = f->model->hot_pages;
	config.salt = f->model->salt;
	config.flush_batch = flush_batch;
	session = client_attach(&config);
	assert_return_code(session, -session);

	vmm_run(&f->vmm, 0, f->sequence, nr);
	snapshot = client_snapshot(session);
	/*
	 * The counter of armed leaves can count: all sampled but the hot, and
	 * perhaps their aliases.
	 */
	assert_in_range(client_vm_info(f->vmm.vm_fd).armed_leaves,
			snapshot.s.sampled_pages - snapshot.s.hot_used,
			2 * snapshot.s.sampled_pages);
	close(session);
	assert_nothing_left(f);
	return snapshot;
}

static void check_exact(struct fixture *f, uint32_t nr)
{
	struct client_snapshot snapshot = run_tracked(f, nr, 1);
	uint32_t i;

	for (i = 0; i < nr; i++)
		model_access(f->model, f->sequence[i] & VMM_INDEX);
	assert_model_equal(f->model, &snapshot);
	assert_int_equal(snapshot.s.rearms, f->model->evictions);
	assert_int_equal(snapshot.s.rearm_misses, 0);
	assert_int_equal(snapshot.s.lost_records, 0);
	assert_int_equal(snapshot.s.huge_leaves, 0);
	client_snapshot_free(&snapshot);
}

static void check_accesses(enum vmm_mode mode, uint32_t (*next)(uint32_t i))
{
	struct fixture f;
	uint32_t i;

	fixture_init(&f, mode, 1);
	for (i = 0; i < NR_ACCESSES; i++)
		f.sequence[i] = next(i);
	check_exact(&f, NR_ACCESSES);
	fixture_exit(&f);
}

static uint32_t next_in_loop(uint32_t i)
{
	return i % NR_PAGES;
}

static void loop_is_exact(void **state)
{
	(void)state;
	check_accesses(VMM_LONG, next_in_loop);
}

static uint32_t random_read_or_write(uint32_t i)
{
	(void)i;
	return random_below(NR_PAGES) | (random_below(2) ? VMM_WRITE : 0);
}

static void random_reads_and_writes_are_exact(void **state)
{
	(void)state;
	check_accesses(VMM_LONG, random_read_or_write);
}

static uint32_t random_read_or_event(uint32_t i)
{
	(void)i;
	return random_below(NR_PAGES) | (random_below(2) ? VMM_EVENT : 0);
}

/*
 * The CPU itself touches the page while it delivers an exception: the trap
 * comes with an event that must not be lost, and not be taken for MMIO.
 */
static void event_delivery_is_exact(void **state)
{
	(void)state;
	check_accesses(VMM_LONG, random_read_or_event);
}

static uint32_t skewed_read(uint32_t i)
{
	(void)i;
	return random_below(1 + random_below(NR_PAGES));
}

/* Most accesses to few pages: the hot set hides some of them, not all. */
static void skewed_accesses_are_exact(void **state)
{
	(void)state;
	check_accesses(VMM_LONG, skewed_read);
}

static void sampled_accesses_are_exact(void **state)
{
	static const uint32_t inverse_rates[] = { 2, 3, 8, 12 };
	size_t r;

	(void)state;
	for (r = 0; r < sizeof(inverse_rates) / sizeof(*inverse_rates); r++) {
		struct fixture f;
		uint32_t i;

		fixture_init(&f, VMM_LONG, inverse_rates[r]);
		for (i = 0; i < NR_ACCESSES; i++)
			f.sequence[i] = random_below(NR_PAGES);
		check_exact(&f, NR_ACCESSES);
		fixture_exit(&f);
	}
}

/* A larger hot set than the default, and one that never fills. */
static void hot_set_sizes_are_exact(void **state)
{
	static const uint32_t hot_pages[] = { 65, 1000, 1024, 4096 };
	size_t h;

	(void)state;
	for (h = 0; h < sizeof(hot_pages) / sizeof(*hot_pages); h++) {
		struct fixture f;
		uint32_t i;

		fixture_init(&f, VMM_LONG, 1);
		f.model->hot_pages = hot_pages[h];
		for (i = 0; i < NR_ACCESSES; i++)
			f.sequence[i] = random_below(NR_PAGES);
		check_exact(&f, NR_ACCESSES);
		fixture_exit(&f);
	}
}

/*
 * Each page has a second virtual address. Under TDP they share a leaf. Under
 * shadow paging each has its own, and after a page was trapped through one, the
 * other may still be armed: it traps once more but is not recorded again.
 */
static void check_aliases(enum vmm_mode mode)
{
	struct client_snapshot snapshot;
	struct fixture f;
	uint32_t i;

	fixture_init(&f, mode, 1);
	for (i = 0; i < NR_PAGES; i++)
		f.sequence[i] = i | VMM_ALIAS;
	vmm_run(&f.vmm, 0, f.sequence, NR_PAGES);

	for (i = 0; i < NR_ACCESSES; i++)
		f.sequence[i] = random_below(NR_PAGES) |
				(random_below(2) ? VMM_ALIAS : 0) |
				(random_below(2) ? VMM_WRITE : 0);
	snapshot = run_tracked(&f, NR_ACCESSES, 1);
	for (i = 0; i < NR_ACCESSES; i++)
		model_access(f.model, f.sequence[i] & VMM_INDEX);
	assert_model_equal(f.model, &snapshot);
	if (snapshot.s.mmu_mode == KVM_AET_MMU_SHADOW)
		assert_true(snapshot.s.alias_traps > 0);
	else
		assert_int_equal(snapshot.s.alias_traps, 0);
	client_snapshot_free(&snapshot);
	fixture_exit(&f);
}

static void aliases_are_one_page(void **state)
{
	(void)state;
	check_aliases(VMM_LONG);
}

/*
 * Pages that nothing maps yet: their first touch is seen, too, where a fault
 * tells the page. Under shadow paging it tells only the guest's address. A loop
 * first touches one of the pages that KVM maps together.
 */
static void check_first_touches(enum vmm_mode mode)
{
	struct client_snapshot snapshot;
	struct kvm_aet_attach config;
	struct fixture f;
	int session;
	uint32_t i;

	fixture_init(&f, mode, 1);
	vmm_remove_data_slot(&f.vmm);
	vmm_add_data_slot(&f.vmm, 0);
	config = client_config(&f.vmm);
	session = client_attach(&config);
	assert_return_code(session, -session);

	for (i = 0; i < NR_ACCESSES; i++)
		f.sequence[i] = i % NR_PAGES;
	vmm_run(&f.vmm, 0, f.sequence, NR_ACCESSES);
	snapshot = client_snapshot(session);
	if (snapshot.s.mmu_mode != KVM_AET_MMU_SHADOW ||
	    mode == VMM_NO_PAGING) {
		uint32_t step = client_first_touch_pages(&snapshot);

		for (i = 0; i < NR_ACCESSES; i += step)
			model_access(f.model, f.sequence[i]);
		assert_model_equal(f.model, &snapshot);
		assert_int_equal(snapshot.s.first_touches, NR_PAGES / step);
	}
	client_snapshot_free(&snapshot);
	close(session);
	assert_nothing_left(&f);
	fixture_exit(&f);
}

static void first_touches_are_cold_accesses(void **state)
{
	(void)state;
	check_first_touches(VMM_LONG);
}

static uint32_t random_access(uint32_t i)
{
	static const uint32_t kinds[] = { 0, VMM_WRITE, VMM_EVENT };

	(void)i;
	return random_below(NR_PAGES) | kinds[random_below(3)];
}

/*
 * Guests that KVM shadows with three levels of its own for their three, which
 * the CPU takes from registers.
 */
static void pae_guest_is_exact(void **state)
{
	(void)state;
	check_accesses(VMM_PAE, random_access);
	check_aliases(VMM_PAE);
}

/* Each of the guest's tables of 1024 entries is shadowed by two of 512. */
static void guest_of_two_levels_is_exact(void **state)
{
	(void)state;
	check_accesses(VMM_32BIT, random_access);
	check_aliases(VMM_32BIT);
}

/* Shadow paging without anything to shadow: KVM's tables are direct. */
static void guest_without_paging_is_exact(void **state)
{
	(void)state;
	check_accesses(VMM_NO_PAGING, random_access);
	check_first_touches(VMM_NO_PAGING);
}

static void batched_flush_is_close(void **state)
{
	struct client_snapshot snapshot;
	struct fixture f;
	uint32_t i;

	(void)state;
	fixture_init(&f, VMM_LONG, 1);
	for (i = 0; i < NR_ACCESSES; i++)
		f.sequence[i] = random_below(NR_PAGES);
	for (i = 0; i < NR_ACCESSES; i++)
		model_access(f.model, f.sequence[i]);
	snapshot = run_tracked(&f, NR_ACCESSES, 64);
	print_message(
		"flush after 64 re-arms: %llu accesses recorded, %llu with a flush after each; %llu flushes\n",
		(unsigned long long)snapshot.s.accesses,
		(unsigned long long)f.model->accesses,
		(unsigned long long)snapshot.s.flushes);
	assert_true(snapshot.s.accesses <= f.model->accesses);
	assert_true(snapshot.s.accesses > 0);
	assert_true(snapshot.s.flushes < f.model->evictions);
	client_snapshot_free(&snapshot);
	fixture_exit(&f);
}

/* The traps fall as the sampling rate does. */
static void traps_fall_with_the_rate(void **state)
{
	static const uint32_t inverse_rates[] = { 1, 2, 4, 8 };
	uint64_t traps[4];
	size_t r;

	(void)state;
	for (r = 0; r < 4; r++) {
		struct client_snapshot snapshot;
		struct fixture f;
		uint32_t i;

		fixture_init(&f, VMM_LONG, inverse_rates[r]);
		for (i = 0; i < NR_ACCESSES; i++)
			f.sequence[i] = i % NR_PAGES;
		snapshot = run_tracked(&f, NR_ACCESSES, 1);
		traps[r] = snapshot.s.traps;
		print_message("1/%u: %llu traps for %u accesses\n",
			      inverse_rates[r], (unsigned long long)traps[r],
			      NR_ACCESSES);
		assert_int_equal(snapshot.s.sampled_pages,
				 NR_PAGES / inverse_rates[r]);
		client_snapshot_free(&snapshot);
		fixture_exit(&f);
	}
	/* A loop: every sampled page traps once a round, to within a round. */
	for (r = 1; r < 4; r++) {
		uint64_t expected = traps[0] / inverse_rates[r];

		assert_in_range(traps[r],
				expected - NR_PAGES / inverse_rates[r],
				expected + NR_PAGES / inverse_rates[r]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loop_is_exact),
		cmocka_unit_test(random_reads_and_writes_are_exact),
		cmocka_unit_test(event_delivery_is_exact),
		cmocka_unit_test(skewed_accesses_are_exact),
		cmocka_unit_test(sampled_accesses_are_exact),
		cmocka_unit_test(hot_set_sizes_are_exact),
		cmocka_unit_test(aliases_are_one_page),
		cmocka_unit_test(first_touches_are_cold_accesses),
		cmocka_unit_test(pae_guest_is_exact),
		cmocka_unit_test(guest_of_two_levels_is_exact),
		cmocka_unit_test(guest_without_paging_is_exact),
		cmocka_unit_test(batched_flush_is_close),
		cmocka_unit_test(traps_fall_with_the_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
