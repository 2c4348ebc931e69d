// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of all that knows nothing of KVM: encodings, buckets, sampling
 * and rotation, records, hot set, snapshots, regions. No guest is needed, so
 * they also run in User Mode Linux (scripts/kunit).
 *
 * The record's code is included, not linked: its allocations can then be made
 * to fail, and its atomic operations to be where one thread loses the CPU to
 * another.
 */
#include <kunit/test.h>
#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "hist_bucket.h"
#include "record.h"
#include "sample.h"
#include "spte.h"

static unsigned long seed = 20160622;
module_param(seed, ulong, 0444);
MODULE_PARM_DESC(seed, "Seed of all pseudo-random numbers in the tests");

static u64 random_u64(struct rnd_state *rnd)
{
	u64 high = prandom_u32_state(rnd);

	return high << 32 | prandom_u32_state(rnd);
}

static u32 random_below(struct rnd_state *rnd, u32 limit)
{
	return prandom_u32_state(rnd) % limit;
}

/*
 * What record.c has allocated, and which of its allocations fails: the
 * @fail_at-th from now on, or none for 0.
 */
static struct {
	int live;
	int calls;
	int fail_at;
} alloc_state;

static bool alloc_fails(void)
{
	return ++alloc_state.calls == alloc_state.fail_at;
}

#define NOTED(pointer)                             \
	({                                         \
		typeof(pointer) noted = (pointer); \
		alloc_state.live += !!noted;       \
		noted;                             \
	})

static void *test_kzalloc(size_t size, gfp_t gfp)
{
	return alloc_fails() ? NULL : NOTED(kzalloc(size, gfp));
}

static void *test_kvcalloc(size_t n, size_t size, gfp_t gfp)
{
	return alloc_fails() ? NULL : NOTED(kvcalloc(n, size, gfp));
}

static struct aet_counters __percpu *test_alloc_counters(void)
{
	struct aet_counters __percpu *counters = NULL;

	if (!alloc_fails())
		counters = alloc_percpu(struct aet_counters);
	alloc_state.live += !!counters;
	return counters;
}

static unsigned long test_get_zeroed_page(gfp_t gfp)
{
	return alloc_fails() ? 0 : NOTED(get_zeroed_page(gfp));
}

static void *test_kvzalloc(size_t size, gfp_t gfp)
{
	return alloc_fails() ? NULL : NOTED(kvzalloc(size, gfp));
}

static void test_kfree(const void *pointer)
{
	alloc_state.live -= !!pointer;
	kfree(pointer);
}

static void test_kvfree(const void *pointer)
{
	alloc_state.live -= !!pointer;
	kvfree(pointer);
}

static void test_free_percpu(void __percpu *pointer)
{
	alloc_state.live -= !!pointer;
	free_percpu(pointer);
}

static void test_free_page(unsigned long page)
{
	alloc_state.live -= !!page;
	free_page(page);
}

/*
 * Threads that take turns: at every atomic operation of record.c the one that
 * runs may hand on to another. Which one follows from the seed alone, so an
 * interleaving that fails can be had again, and one CPU is enough.
 */
#define MAX_THREADS 5

static struct {
	bool is_on;
	int nr_threads;
	struct task_struct *tasks[MAX_THREADS];
	struct completion turn[MAX_THREADS];
	bool is_done[MAX_THREADS];
	struct rnd_state rnd;
	u64 switches;
} turns;

static int turns_self(void)
{
	int i;

	for (i = 0; i < turns.nr_threads; i++)
		if (turns.tasks[i] == current)
			return i;
	return -1;
}

static void race_point(void)
{
	int self, next;

	if (!READ_ONCE(turns.is_on))
		return;
	self = turns_self();
	/* Often enough to go on: long runs of one thread find other bugs. */
	if (self < 0 || random_below(&turns.rnd, 3) == 0)
		return;
	next = random_below(&turns.rnd, turns.nr_threads);
	if (next == self || turns.is_done[next])
		return;
	turns.switches++;
	complete(&turns.turn[next]);
	wait_for_completion(&turns.turn[self]);
}

static void turns_end(void)
{
	int self = turns_self();
	int i;

	turns.is_done[self] = true;
	for (i = 0; i < turns.nr_threads; i++) {
		if (!turns.is_done[i]) {
			complete(&turns.turn[i]);
			return;
		}
	}
}

static struct aet_page *test_xchg(struct aet_page **slot, struct aet_page *page)
{
	race_point();
	return xchg(slot, page);
}

#undef kzalloc
#undef kvcalloc
#undef kvzalloc
#undef alloc_percpu
#undef get_zeroed_page
#undef free_page
#undef xchg
#define kzalloc test_kzalloc
#define kvcalloc test_kvcalloc
#define alloc_percpu(type) test_alloc_counters()
#define get_zeroed_page test_get_zeroed_page
#define kvzalloc test_kvzalloc
#define kfree test_kfree
#define kvfree test_kvfree
#define free_percpu test_free_percpu
#define free_page test_free_page
#define xchg test_xchg
#define atomic64_read(v) (race_point(), atomic64_read(v))
#define atomic64_set(v, i) (race_point(), atomic64_set(v, i))
#define atomic64_set_release(v, i) (race_point(), atomic64_set_release(v, i))
#define atomic64_inc_return(v) (race_point(), atomic64_inc_return(v))
#define atomic64_andnot(i, v) (race_point(), atomic64_andnot(i, v))
#define atomic64_cmpxchg(v, old, new) \
	(race_point(), atomic64_cmpxchg(v, old, new))
#define atomic64_try_cmpxchg(v, old, new) \
	(race_point(), atomic64_try_cmpxchg(v, old, new))

#include "record.c"
#include "snapshot.c"

/* As a reader does: a snapshot's count, then the new window. */
static void begin_window(struct aet_record *record)
{
	struct aet_counters sum;

	aet_record_sum(record, &sum);
	aet_record_begin_window(record, sum.window_pages);
}

#undef kfree
#undef kvfree
#undef free_percpu
#undef free_page
#undef atomic64_read
#undef atomic64_set
#undef atomic64_set_release
#undef atomic64_inc_return
#undef atomic64_andnot
#undef atomic64_cmpxchg
#undef atomic64_try_cmpxchg

/*
 * Encodings. The values below are written out, not made of spte.h's names.
 */
struct encoding_param {
	const char *name;
	struct aet_encoding enc;
	u64 field; /* bits that arming may change */
	u64 free; /* a writable leaf, accessed and dirty */
	u64 armed; /* the same, armed */
	u64 others[10]; /* leaves or not, never to be armed nor taken for ours */
};

#define FROZEN_SPTE 0x5a0ULL /* KVM's, while it changes a leaf */
#define NONPRESENT_SPTE BIT_ULL(63) /* KVM's, with TDX compiled in */

static const struct encoding_param encoding_params[] = {
	{
		.name = "npt",
		.enc = AET_ENCODING_NPT,
		.field = 0x4,
		.free = 0x0000000012345e67,
		.armed = 0x0000000012345e63,
		.others = { 0, FROZEN_SPTE, NONPRESENT_SPTE,
			    NONPRESENT_SPTE | FROZEN_SPTE,
			    /* Not present by bit 11, though by bit 0. */
			    0x0000000012345667, 0x0000000012345663 },
	},
	{
		.name = "shadow",
		.enc = AET_ENCODING_SHADOW,
		.field = 0x1,
		.free = 0x0000000012345e67,
		.armed = 0x0000000012345e66,
		.others = { 0, FROZEN_SPTE, NONPRESENT_SPTE,
			    NONPRESENT_SPTE | FROZEN_SPTE, 0x0000000012345667,
			    0x0000000012345666 },
	},
	{
		.name = "ept",
		.enc = AET_ENCODING_EPT,
		.field = 0x38,
		.free = 0x0600000012345b77,
		.armed = 0x0600000012345b7f,
		/* Then: UC, WC, two reserved ones, WT, WP; KVM's for MMIO. */
		.others = { 0, FROZEN_SPTE, NONPRESENT_SPTE, 0x0600000012345b47,
			    0x0600000012345b4f, 0x0600000012345b57,
			    0x0600000012345b5f, 0x0600000012345b67,
			    0x0600000012345b6f, 0x00000000fee00006 },
	},
};

static void encoding_name(const struct encoding_param *param, char *name)
{
	strscpy(name, param->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(encoding, encoding_params, encoding_name);

static void spte_known_leaves(struct kunit *test)
{
	const struct encoding_param *param = test->param_value;
	const struct aet_encoding *enc = &param->enc;
	size_t i;

	KUNIT_EXPECT_EQ(test, enc->field, param->field);
	KUNIT_EXPECT_TRUE(test, aet_spte_is_armable(enc, param->free));
	KUNIT_EXPECT_FALSE(test, aet_spte_is_armed(enc, param->free));
	KUNIT_EXPECT_EQ(test, aet_spte_arm(enc, param->free), param->armed);
	KUNIT_EXPECT_TRUE(test, aet_spte_is_armed(enc, param->armed));
	KUNIT_EXPECT_FALSE(test, aet_spte_is_armable(enc, param->armed));
	KUNIT_EXPECT_EQ(test, aet_spte_disarm(enc, param->armed), param->free);
	for (i = 0; i < ARRAY_SIZE(param->others); i++) {
		KUNIT_EXPECT_FALSE(test,
				   aet_spte_is_armable(enc, param->others[i]));
		KUNIT_EXPECT_FALSE(test,
				   aet_spte_is_armed(enc, param->others[i]));
		/* Where bit 11 says that there is a leaf, it counts. */
		KUNIT_EXPECT_EQ(test,
				aet_spte_is_unarmable(enc, param->others[i]),
				!!(param->others[i] & BIT_ULL(11)));
	}
	KUNIT_EXPECT_FALSE(test, aet_spte_is_unarmable(enc, param->free));
	KUNIT_EXPECT_FALSE(test, aet_spte_is_unarmable(enc, param->armed));
}

/* For any value: what arming changes, and that disarming undoes it. */
static void spte_round_trip(struct kunit *test)
{
	const struct encoding_param *param = test->param_value;
	const struct aet_encoding *enc = &param->enc;
	int nr_armable = 0, nr_armed = 0, i;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, seed);
	for (i = 0; i < 100000; i++) {
		u64 spte = random_u64(&rnd);
		u64 armed = aet_spte_arm(enc, spte);
		bool is_present = spte & BIT_ULL(11);

		KUNIT_ASSERT_EQ(test, (armed ^ spte) & ~param->field, 0ULL);
		KUNIT_ASSERT_EQ(test, aet_spte_is_mmu_present(spte),
				is_present);
		KUNIT_ASSERT_EQ(test, aet_spte_is_armed(enc, armed),
				is_present);
		KUNIT_ASSERT_EQ(test, aet_spte_arm(enc, armed), armed);
		KUNIT_ASSERT_FALSE(test,
				   aet_spte_is_armed(enc, spte) &&
					   aet_spte_is_armable(enc, spte));
		if (aet_spte_is_armable(enc, spte)) {
			nr_armable++;
			KUNIT_ASSERT_NE(test, armed, spte);
			KUNIT_ASSERT_EQ(test, aet_spte_disarm(enc, armed),
					spte);
		}
		nr_armed += aet_spte_is_armed(enc, spte);
	}
	/* Of the values with bit 11, at least 1 in 8 is either. */
	KUNIT_EXPECT_GT(test, nr_armable, 100000 / 20);
	KUNIT_EXPECT_GT(test, nr_armed, 100000 / 20);
}

/* KVM and the CPU change any bit but the field's: the leaf stays what it is. */
static void spte_other_bits_do_not_matter(struct kunit *test)
{
	const struct encoding_param *param = test->param_value;
	const struct aet_encoding *enc = &param->enc;
	int bit;

	for (bit = 0; bit < 64; bit++) {
		u64 mask = BIT_ULL(bit);

		if (mask & (param->field | BIT_ULL(11)))
			continue;
		KUNIT_EXPECT_TRUE(test,
				  aet_spte_is_armed(enc, param->armed ^ mask));
		KUNIT_EXPECT_EQ(test, aet_spte_disarm(enc, param->armed ^ mask),
				param->free ^ mask);
		KUNIT_EXPECT_TRUE(test,
				  aet_spte_is_armable(enc, param->free ^ mask));
	}
}

/* Frame number, W, A, D, bit 11, and where KVM keeps bits of its own. */
static void spte_field_is_nobodys(struct kunit *test)
{
	const struct encoding_param *param = test->param_value;
	const u64 both = GENMASK_ULL(51, 12) | BIT_ULL(1) | BIT_ULL(11) |
			 GENMASK_ULL(63, 52) | GENMASK_ULL(10, 9);
	const u64 accessed_dirty = param->field == 0x38 ?
					   BIT_ULL(8) | BIT_ULL(9) :
					   BIT_ULL(5) | BIT_ULL(6);

	KUNIT_EXPECT_EQ(test, param->enc.field & (both | accessed_dirty), 0ULL);
	KUNIT_EXPECT_EQ(test, param->enc.free & ~param->enc.field, 0ULL);
	KUNIT_EXPECT_EQ(test, param->enc.armed & ~param->enc.field, 0ULL);
	KUNIT_EXPECT_NE(test, param->enc.armed, param->enc.free);
	/* KVM takes a reserved-bit fault for MMIO; only EPT's traps raise one. */
	KUNIT_EXPECT_EQ(test, param->enc.is_rsvd_fault, param->field == 0x38);
}

static void spte_leaf_levels(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, aet_spte_is_leaf(0x12345e67, 1));
	KUNIT_EXPECT_TRUE(test, aet_spte_is_leaf(0x12345e67 | BIT_ULL(7), 1));
	KUNIT_EXPECT_FALSE(test, aet_spte_is_leaf(0x12345e67, 2));
	KUNIT_EXPECT_TRUE(test, aet_spte_is_leaf(0x12200e67 | BIT_ULL(7), 2));
	KUNIT_EXPECT_TRUE(test, aet_spte_is_leaf(0x40000e67 | BIT_ULL(7), 3));
	KUNIT_EXPECT_FALSE(test, aet_spte_is_leaf(0x40000e67, 4));
}

static struct kunit_case spte_cases[] = {
	KUNIT_CASE_PARAM(spte_known_leaves, encoding_gen_params),
	KUNIT_CASE_PARAM(spte_round_trip, encoding_gen_params),
	KUNIT_CASE_PARAM(spte_other_bits_do_not_matter, encoding_gen_params),
	KUNIT_CASE_PARAM(spte_field_is_nobodys, encoding_gen_params),
	KUNIT_CASE(spte_leaf_levels),
	{}
};

static struct kunit_suite spte_suite = {
	.name = "aet_spte",
	.test_cases = spte_cases,
};

/* Buckets, in each layout that a snapshot has. */
static const int layout_params[] = {
	KVM_AET_HIST_REUSE, KVM_AET_HIST_REUSE_NS, KVM_AET_HIST_WRITE_REUSE,
	KVM_AET_HIST_ENDED, KVM_AET_HIST_OPEN,
};

static void layout_name(const int *kind, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "histogram %d", *kind);
}

KUNIT_ARRAY_PARAM(layout, layout_params, layout_name);

/* Buckets follow each other without gap or overlap, from 0 to the last value. */
static void bucket_edges(struct kunit *test)
{
	int kind = *(const int *)test->param_value;
	u32 bits = aet_layouts[kind].sub_bits;
	u32 nr_buckets = aet_layout_buckets(kind);
	u64 last_value = (1ULL << aet_layouts[kind].value_bits) - 1;
	u32 i;

	KUNIT_ASSERT_EQ(test, aet_bucket_low(bits, 0), 0ULL);
	for (i = 0; i < nr_buckets; i++) {
		u64 low = aet_bucket_low(bits, i);
		u64 last = i == nr_buckets - 1 ?
				   last_value :
				   aet_bucket_low(bits, i + 1) - 1;

		KUNIT_ASSERT_LE(test, low, last);
		KUNIT_ASSERT_EQ(test, aet_bucket_index(bits, low), i);
		KUNIT_ASSERT_EQ(test, aet_bucket_index(bits, last), i);
		KUNIT_ASSERT_EQ(test,
				aet_bucket_index(bits, low + (last - low) / 2),
				i);
		/* Single values at first, then 2^-bits of the value at most. */
		if (i < 2U << bits)
			KUNIT_ASSERT_EQ(test, last, low);
		KUNIT_ASSERT_LE(test, (last - low) << bits, low);
	}
}

/* The uapi and the issue promise an error of 1/32 or better. */
static void bucket_layouts(struct kunit *test)
{
	int kind;

	for (kind = 0; kind < KVM_AET_NR_HISTOGRAMS; kind++) {
		KUNIT_EXPECT_GE(test, aet_layouts[kind].sub_bits, 5U);
		KUNIT_EXPECT_EQ(test, aet_layouts[kind].unit,
				kind == KVM_AET_HIST_REUSE_NS ?
					(u32)KVM_AET_UNIT_NS :
					(u32)KVM_AET_UNIT_ACCESSES);
	}
	/* The kept ones lie side by side in one array. */
	for (kind = 0; kind < AET_NR_KEPT; kind++)
		KUNIT_EXPECT_EQ(test,
				aet_first_bucket[kind + 1] -
					aet_first_bucket[kind],
				aet_layout_buckets(kind));
}

static void bucket_is_monotone(struct kunit *test)
{
	int kind = *(const int *)test->param_value;
	const struct aet_layout *layout = &aet_layouts[kind];
	struct rnd_state rnd;
	int i;

	prandom_seed_state(&rnd, seed);
	for (i = 0; i < 100000; i++) {
		/* All magnitudes alike. */
		u64 value = random_u64(&rnd) >> (64 - layout->value_bits) >>
			    random_below(&rnd, layout->value_bits);
		u32 index = aet_bucket_index(layout->sub_bits, value);

		KUNIT_ASSERT_LT(test, index, aet_layout_buckets(kind));
		KUNIT_ASSERT_LE(test, aet_bucket_low(layout->sub_bits, index),
				value);
		if (index + 1 < aet_layout_buckets(kind))
			KUNIT_ASSERT_GT(test,
					aet_bucket_low(layout->sub_bits,
						       index + 1),
					value);
	}
}

static struct kunit_case bucket_cases[] = {
	KUNIT_CASE_PARAM(bucket_edges, layout_gen_params),
	KUNIT_CASE_PARAM(bucket_is_monotone, layout_gen_params),
	KUNIT_CASE(bucket_layouts),
	{}
};

static struct kunit_suite bucket_suite = {
	.name = "aet_bucket",
	.test_cases = bucket_cases,
};

/* Sampling. */
static bool is_sampled(u64 unit, u32 inverse_rate, u64 salt)
{
	u64 group = aet_sample_group(unit, inverse_rate);

	return unit == group * inverse_rate +
			       aet_sample_offset(group, 0, inverse_rate, salt);
}

static const u32 sample_rates[] = { 1, 2, 3, 16, 100, 128, 1000, 65536 };

static void sample_one_of_each_group(struct kunit *test)
{
	struct rnd_state rnd;
	size_t r;

	prandom_seed_state(&rnd, seed);
	for (r = 0; r < ARRAY_SIZE(sample_rates); r++) {
		u32 rate = sample_rates[r];
		/* Near 0, and near the end of a 52-bit address space. */
		u64 first_groups[] = { 0, (1ULL << 40) / rate - 4 };
		u64 salt = random_u64(&rnd);
		size_t i;

		for (i = 0; i < 2 * ARRAY_SIZE(first_groups); i++) {
			u64 group = first_groups[i % 2] + i / 2;
			u64 unit = group * rate;
			u32 nr_sampled = 0;

			for (; unit < (group + 1) * rate; unit++) {
				KUNIT_ASSERT_EQ(test,
						aet_sample_group(unit, rate),
						group);
				nr_sampled += is_sampled(unit, rate, salt);
			}
			KUNIT_ASSERT_EQ(test, nr_sampled, 1U);
		}
	}
}

/* Only the two groups at its ends make a run's share uneven. */
static void sample_run_holds_its_share(struct kunit *test)
{
	struct rnd_state rnd;
	int round;

	prandom_seed_state(&rnd, seed);
	for (round = 0; round < 300; round++) {
		u32 rate = sample_rates[random_below(&rnd, 7)];
		u64 salt = random_u64(&rnd);
		u64 start = random_u64(&rnd) >> 24;
		s64 length = 1 + random_below(&rnd, 5000);
		s64 excess = -length;
		s64 i;

		for (i = 0; i < length; i++)
			if (is_sampled(start + i, rate, salt))
				excess += rate;
		KUNIT_ASSERT_LT(test, abs(excess), 2 * (s64)rate);
	}
}

/*
 * Chi-square of 128 * 500 draws of a place out of 128, times 500. It has mean
 * 127 and deviation sqrt(2 * 127) = 16; five of those are allowed.
 */
#define MAX_CHI_SQUARE ((127 + 80) * 500ULL)

static u64 chi_square(const u32 *counts)
{
	u64 sum = 0;
	int i;

	for (i = 0; i < 128; i++) {
		s64 excess = (s64)counts[i] - 500;

		sum += excess * excess;
	}
	return sum;
}

/* Over groups, over salts, over epochs: every place is as likely. */
static void sample_places_are_equally_likely(struct kunit *test)
{
	u32 *counts = kunit_kcalloc(test, 3 * 128, sizeof(u32), GFP_KERNEL);
	struct rnd_state rnd;
	u64 salt, i;

	KUNIT_ASSERT_NOT_NULL(test, counts);
	prandom_seed_state(&rnd, seed);
	salt = random_u64(&rnd);
	for (i = 0; i < 128 * 500; i++) {
		u64 other_salt = random_u64(&rnd);

		counts[aet_sample_offset(i, 0, 128, salt)]++;
		counts[128 + aet_sample_offset(12345, 0, 128, other_salt)]++;
		counts[256 + aet_sample_offset(12345, i, 128, salt)]++;
	}
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_LT(test, chi_square(counts + 128 * i),
				MAX_CHI_SQUARE);
}

/* Neither another salt nor the next epoch keeps a place more than by chance. */
static void sample_draws_are_independent(struct kunit *test)
{
	u32 nr_same_salt = 0, nr_same_epoch = 0;
	struct rnd_state rnd;
	u64 salt, group;

	prandom_seed_state(&rnd, seed);
	salt = random_u64(&rnd);
	for (group = 0; group < 12800; group++) {
		u32 place = aet_sample_offset(group, 1, 128, salt);

		nr_same_salt += place ==
				aet_sample_offset(group, 1, 128, salt + 1);
		nr_same_epoch += place ==
				 aet_sample_offset(group, 2, 128, salt);
	}
	/* Binomial: mean 100, deviation 10; five of those. */
	KUNIT_EXPECT_LE(test, abs((int)nr_same_salt - 100), 50);
	KUNIT_EXPECT_LE(test, abs((int)nr_same_epoch - 100), 50);
}

/* A scan with a stride meets the sampled places as often as any other. */
static void sample_strides_are_alike(struct kunit *test)
{
	const u64 strides[] = { 2, 64, 128, 512, 4096, 262144 };
	struct rnd_state rnd;
	size_t s;
	u64 salt;

	prandom_seed_state(&rnd, seed);
	salt = random_u64(&rnd);
	for (s = 0; s < ARRAY_SIZE(strides); s++) {
		int nr_sampled = 0;
		u64 i;

		for (i = 0; i < 128 * 1000; i++)
			nr_sampled += is_sampled(i * strides[s], 128, salt);
		/* Binomial: mean 1000, deviation 31.5; five of those. */
		KUNIT_EXPECT_LE(test, abs(nr_sampled - 1000), 158);
	}
}

static void sample_without_rotation_stays(struct kunit *test)
{
	struct rnd_state rnd;
	int i;

	prandom_seed_state(&rnd, seed);
	for (i = 0; i < 1000; i++)
		KUNIT_ASSERT_EQ(test,
				aet_sample_epoch(random_u64(&rnd) >> 20,
						 random_u64(&rnd) >> 20, 0,
						 random_u64(&rnd)),
				0ULL);
}

/* In any @rotate_passes passes in a row, each group has exactly one turn. */
static void sample_every_group_has_its_turn(struct kunit *test)
{
	const u32 rotations[] = { 16, 17, 100, 1000 };
	struct rnd_state rnd;
	size_t r;

	prandom_seed_state(&rnd, seed);
	for (r = 0; r < ARRAY_SIZE(rotations); r++) {
		u64 salt = random_u64(&rnd);
		u64 group;

		for (group = 0; group < 50; group++) {
			u64 before =
				aet_sample_epoch(group, 0, rotations[r], salt);
			u64 pass, last_turn = 0;
			int nr_turns = 0;

			KUNIT_ASSERT_EQ(test, before, 0ULL);
			for (pass = 1; pass <= 3 * rotations[r]; pass++) {
				u64 epoch = aet_sample_epoch(
					group, pass, rotations[r], salt);

				if (epoch == before)
					continue;
				KUNIT_ASSERT_EQ(test, epoch, before + 1);
				if (nr_turns)
					KUNIT_ASSERT_EQ(test, pass - last_turn,
							(u64)rotations[r]);
				before = epoch;
				last_turn = pass;
				nr_turns++;
			}
			KUNIT_ASSERT_EQ(test, nr_turns, 3);
		}
	}
}

/* Each pass changes its share, and turns tell nothing about places. */
static void sample_turns_are_spread(struct kunit *test)
{
	const u32 nr_groups = 128 * 500, rotate_passes = 64;
	u32 *counts = kunit_kcalloc(test, 128, sizeof(u32), GFP_KERNEL);
	struct rnd_state rnd;
	u64 salt, group;
	u32 pass;

	KUNIT_ASSERT_NOT_NULL(test, counts);
	prandom_seed_state(&rnd, seed);
	salt = random_u64(&rnd);
	for (pass = 1; pass <= rotate_passes; pass++) {
		int nr_turns = 0;

		for (group = 0; group < nr_groups; group++) {
			if (aet_sample_epoch(group, pass, rotate_passes,
					     salt) ==
			    aet_sample_epoch(group, pass - 1, rotate_passes,
					     salt))
				continue;
			nr_turns++;
			/* Places of those that have their turn now. */
			counts[aet_sample_offset(group, 0, 128, salt)] +=
				pass <= rotate_passes / 2;
		}
		/* Binomial: mean 1000, deviation 31.4; five of those. */
		KUNIT_EXPECT_LE(test, abs(nr_turns - 1000), 157);
	}
	/* Half of the groups, so each count doubles; five deviations more. */
	for (group = 0; group < 128; group++)
		KUNIT_EXPECT_LE(test, abs((int)counts[group] - 250), 5 * 16);
}

static struct kunit_case sample_cases[] = {
	KUNIT_CASE(sample_one_of_each_group),
	KUNIT_CASE(sample_run_holds_its_share),
	KUNIT_CASE(sample_places_are_equally_likely),
	KUNIT_CASE(sample_draws_are_independent),
	KUNIT_CASE(sample_strides_are_alike),
	KUNIT_CASE(sample_without_rotation_stays),
	KUNIT_CASE(sample_every_group_has_its_turn),
	KUNIT_CASE(sample_turns_are_spread),
	{}
};

static struct kunit_suite sample_suite = {
	.name = "aet_sample",
	.test_cases = sample_cases,
};

/*
 * The slow, obvious record: a list of all accesses, searched from its end.
 */
struct model_access {
	u64 unit;
	u64 now_ns;
	bool is_write;
};

struct model {
	struct kunit *test;
	struct aet_record *record;
	u64 clock_base; /* of the record, before the first access */
	u64 nr_units; /* from 0; there is room for all */
	struct model_access *log;
	u32 nr_accesses;
	u32 max_accesses;
	u32 window_start; /* in the log */
	u64 window_pages;
	u32 *places; /* per group: its sampled unit's offset */
	u32 *entered; /* per group: in the log, when that unit was drawn */
	u64 *buckets[AET_NR_KEPT];
	u64 over_range[AET_NR_KEPT];
	u64 cold_accesses;
	u64 entry_accesses;
	u64 cold_writes;
};

static const struct aet_record_config plain_config = {
	.inverse_rate = 1,
	.hot_pages = 64,
	.salt = 0x0123456789abcdef,
	.max_units = 1 << 20,
};

static void close_record(void *record)
{
	aet_record_free(record);
}

/* Freed at the test's end. */
static struct aet_record *new_record(struct kunit *test,
				     const struct aet_record_config *config)
{
	struct aet_record *record = aet_record_new(config, 1000);

	KUNIT_ASSERT_NOT_NULL(test, record);
	KUNIT_ASSERT_EQ(
		test, kunit_add_action_or_reset(test, close_record, record), 0);
	return record;
}

/* One background pass, as far as the record goes. */
static void select_all(struct aet_record *record, u64 nr_units)
{
	struct aet_selection selection;
	u64 first;

	for (first = 0; first < nr_units; first += AET_BLOCK_UNITS)
		aet_record_select(record, first,
				  min(nr_units, first + AET_BLOCK_UNITS),
				  &selection);
}

static void *model_array(struct kunit *test, size_t nr, size_t size)
{
	void *array = kunit_kcalloc(test, nr, size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, array);
	return array;
}

static struct model *new_model(struct kunit *test,
			       const struct aet_record_config *config,
			       u64 nr_units, u32 max_accesses, u64 clock_base)
{
	struct model *model = model_array(test, 1, sizeof(*model));
	u64 nr_groups = DIV_ROUND_UP(nr_units, config->inverse_rate);
	u64 group;
	int kind;

	model->test = test;
	model->record = new_record(test, config);
	model->nr_units = nr_units;
	model->max_accesses = max_accesses;
	model->log = model_array(test, max_accesses, sizeof(*model->log));
	model->places = model_array(test, nr_groups, sizeof(u32));
	model->entered = model_array(test, nr_groups, sizeof(u32));
	for (kind = 0; kind < AET_NR_KEPT; kind++)
		model->buckets[kind] = model_array(
			test, aet_layout_buckets(kind), sizeof(u64));
	for (group = 0; group < nr_groups; group++)
		model->places[group] = aet_sample_offset(
			group, 0, config->inverse_rate, config->salt);
	model->clock_base = clock_base;
	atomic64_set(&model->record->clock, clock_base);
	KUNIT_ASSERT_EQ(test, aet_record_reserve(model->record, 0, nr_units),
			0);
	select_all(model->record, nr_units);
	begin_window(model->record);
	return model;
}

static u64 model_group(const struct model *model, u64 unit)
{
	return unit / model->record->config.inverse_rate;
}

/* Place in the log after the unit's last access since it was drawn, or 0. */
static u32 model_last(const struct model *model, u64 unit, bool want_write)
{
	u32 i;

	for (i = model->nr_accesses;
	     i > model->entered[model_group(model, unit)]; i--)
		if (model->log[i - 1].unit == unit &&
		    (!want_write || model->log[i - 1].is_write))
			return i;
	return 0;
}

static bool model_is_sampled(const struct model *model, u64 unit)
{
	u32 inverse_rate = model->record->config.inverse_rate;

	return unit % inverse_rate == model->places[unit / inverse_rate];
}

static bool model_is_hot(const struct model *model, u64 unit)
{
	u32 last = model_last(model, unit, false);

	return last &&
	       model->nr_accesses - last < model->record->config.hot_pages;
}

static void model_count(struct model *model, int kind, u64 value)
{
	u32 bits = aet_layouts[kind].sub_bits;
	u32 i = 0;

	if (value >= 1ULL << aet_layouts[kind].value_bits) {
		model->over_range[kind]++;
		return;
	}
	while (i + 1 < aet_layout_buckets(kind) &&
	       aet_bucket_low(bits, i + 1) <= value)
		i++;
	model->buckets[kind][i]++;
}

/* Both record an access; what the record says of it must be so. */
static void model_access(struct model *model, const struct aet_access *access)
{
	struct kunit *test = model->test;
	u32 hot_pages = model->record->config.hot_pages;
	struct aet_recorded got = {};
	u32 nr = model->nr_accesses;
	u32 last, last_write;

	aet_record_access(model->record, access, &got);
	if (!model_is_sampled(model, access->unit)) {
		KUNIT_ASSERT_EQ(test, (int)got.outcome, (int)AET_NOT_SAMPLED);
		return;
	}
	if (model_is_hot(model, access->unit)) {
		KUNIT_ASSERT_EQ(test, (int)got.outcome, (int)AET_ALREADY_HOT);
		return;
	}
	last = model_last(model, access->unit, false);
	KUNIT_ASSERT_EQ(test, (int)got.outcome, (int)AET_RECORDED);
	KUNIT_ASSERT_EQ(test, got.time, model->clock_base + nr + 1);
	KUNIT_ASSERT_EQ(test, got.reuse_time, last ? nr + 1ULL - last : 0ULL);
	KUNIT_ASSERT_EQ(test, got.evicted_unit,
			nr >= hot_pages ? model->log[nr - hot_pages].unit :
					  AET_NO_UNIT);

	if (last) {
		u64 before_ns = model->log[last - 1].now_ns;

		model_count(model, KVM_AET_HIST_REUSE, nr + 1 - last);
		model_count(model, KVM_AET_HIST_REUSE_NS,
			    access->now_ns < before_ns ?
				    0 :
				    access->now_ns - before_ns);
	} else if (access->is_first_touch) {
		model->cold_accesses++;
	} else {
		model->entry_accesses++;
	}
	if (last <= model->window_start)
		model->window_pages++;
	if (access->is_write) {
		last_write = model_last(model, access->unit, true);
		if (last_write)
			model_count(model, KVM_AET_HIST_WRITE_REUSE,
				    nr + 1 - last_write);
		else
			model->cold_writes++;
	}
	KUNIT_ASSERT_LT(test, nr, model->max_accesses);
	model->log[model->nr_accesses++] = (struct model_access){
		.unit = access->unit,
		.now_ns = access->now_ns,
		.is_write = access->is_write,
	};
}

/* A guest: scans, a few favourites, anything, and what was just used. */
static struct aet_access model_next(const struct model *model,
				    struct rnd_state *rnd, u64 now_ns)
{
	struct aet_access access = {
		.now_ns = now_ns,
		.is_write = random_below(rnd, 3) == 0,
		.is_first_touch = random_below(rnd, 2) == 0,
	};
	u32 nr = model->nr_accesses;

	switch (random_below(rnd, 4)) {
	case 0:
		access.unit = nr ? model->log[nr - 1].unit + 1 : 0;
		break;
	case 1:
		access.unit = random_below(rnd, model->nr_units / 8);
		break;
	case 2:
		access.unit = nr ? model->log[random_below(rnd, nr)].unit : 0;
		break;
	default:
		access.unit = random_u64(rnd);
		break;
	}
	access.unit %= model->nr_units;
	/* Not much would be recorded if few of them were sampled. */
	if (random_below(rnd, 4)) {
		u64 group = model_group(model, access.unit);

		access.unit = group * model->record->config.inverse_rate +
			      model->places[group];
	}
	return access;
}

static void model_run(struct model *model, struct rnd_state *rnd, u32 limit)
{
	u32 i;

	for (i = 0; i < 20 * limit && model->nr_accesses < limit; i++) {
		/* At times more than the histogram of ns holds, or backwards. */
		u64 now_ns = (1ULL << 52) +
			     (random_u64(rnd) >> (14 + random_below(rnd, 40)));
		struct aet_access access = model_next(model, rnd, now_ns);

		model_access(model, &access);
	}
	KUNIT_ASSERT_EQ(model->test, model->nr_accesses, limit);
}

static void check_hot_units(struct model *model)
{
	struct kunit *test = model->test;
	u32 hot_pages = model->record->config.hot_pages;
	u64 *units = model_array(test, hot_pages, sizeof(u64));
	u32 nr = min(model->nr_accesses, hot_pages);
	u32 i, j;

	KUNIT_ASSERT_EQ(test,
			aet_record_hot_units(model->record, units, hot_pages),
			nr);
	for (i = 0; i < nr; i++) {
		KUNIT_ASSERT_TRUE(test, model_is_hot(model, units[i]));
		for (j = 0; j < i; j++)
			KUNIT_ASSERT_NE(test, units[i], units[j]);
	}
	if (nr > 3)
		KUNIT_ASSERT_EQ(test,
				aet_record_hot_units(model->record, units, 3),
				3U);
}

static u64 sum_of(const u64 *buckets, u32 nr)
{
	u64 sum = 0;

	while (nr--)
		sum += buckets[nr];
	return sum;
}

/* Compare all that a snapshot tells with the model. */
static void check_snapshot(struct model *model)
{
	struct kunit *test = model->test;
	struct kvm_aet_snapshot *got = model_array(test, 1, sizeof(*got));
	struct kvm_aet_snapshot *bare = model_array(test, 1, sizeof(*bare));
	u64 *none[KVM_AET_NR_HISTOGRAMS] = {};
	u64 *buckets[KVM_AET_NR_HISTOGRAMS];
	u64 *open = model_array(test, aet_layout_buckets(KVM_AET_HIST_OPEN),
				sizeof(u64));
	u32 bits = aet_layouts[KVM_AET_HIST_OPEN].sub_bits;
	u64 unit, nr_writes = 0, nr_open = 0, nr_ended;
	u32 i;
	int kind;

	for (kind = 0; kind < KVM_AET_NR_HISTOGRAMS; kind++)
		buckets[kind] = model_array(test, aet_layout_buckets(kind),
					    sizeof(u64));
	aet_snapshot_record(model->record, got, buckets);
	aet_snapshot_record(model->record, bare, none);

	for (kind = 0; kind < AET_NR_KEPT; kind++) {
		if (kind == KVM_AET_HIST_ENDED)
			continue;
		KUNIT_ASSERT_EQ(test, got->histograms[kind].over_range,
				model->over_range[kind]);
		for (i = 0; i < aet_layout_buckets(kind); i++)
			KUNIT_ASSERT_EQ(test, buckets[kind][i],
					model->buckets[kind][i]);
	}
	for (kind = 0; kind < KVM_AET_NR_HISTOGRAMS; kind++) {
		KUNIT_ASSERT_EQ(test, got->histograms[kind].nr_buckets,
				aet_layout_buckets(kind));
		KUNIT_ASSERT_EQ(test, got->histograms[kind].sub_bucket_bits,
				aet_layouts[kind].sub_bits);
		KUNIT_ASSERT_EQ(test, got->histograms[kind].unit,
				aet_layouts[kind].unit);
	}

	for (unit = 0; unit < model->nr_units; unit++) {
		u32 last = model_last(model, unit, false);

		if (!last || !model_is_sampled(model, unit))
			continue;
		nr_open++;
		open[aet_bucket_index(bits, model->nr_accesses - last)]++;
	}
	for (i = 0; i < aet_layout_buckets(KVM_AET_HIST_OPEN); i++)
		KUNIT_ASSERT_EQ(test, buckets[KVM_AET_HIST_OPEN][i], open[i]);

	for (i = 0; i < model->nr_accesses; i++)
		nr_writes += model->log[i].is_write;
	KUNIT_ASSERT_EQ(test, got->accesses, (u64)model->nr_accesses);
	KUNIT_ASSERT_EQ(test, got->write_accesses, nr_writes);
	KUNIT_ASSERT_EQ(test, got->cold_accesses, model->cold_accesses);
	KUNIT_ASSERT_EQ(test, got->entry_accesses, model->entry_accesses);
	KUNIT_ASSERT_EQ(test, got->cold_writes, model->cold_writes);
	KUNIT_ASSERT_EQ(test, got->window_pages, model->window_pages);

	/* Whether buckets are wanted changes no count. */
	KUNIT_ASSERT_EQ(test, bare->accesses, got->accesses);
	KUNIT_ASSERT_EQ(test, bare->write_accesses, got->write_accesses);
	KUNIT_ASSERT_EQ(test, bare->window_pages, got->window_pages);

	/* Conservation: an access begins an interval, which ends or is open. */
	nr_ended = sum_of(buckets[KVM_AET_HIST_ENDED],
			  aet_layout_buckets(KVM_AET_HIST_ENDED)) +
		   got->histograms[KVM_AET_HIST_ENDED].over_range;
	KUNIT_ASSERT_EQ(test, got->accesses,
			sum_of(buckets[KVM_AET_HIST_REUSE],
			       aet_layout_buckets(KVM_AET_HIST_REUSE)) +
				got->histograms[KVM_AET_HIST_REUSE].over_range +
				nr_ended + nr_open);
	KUNIT_ASSERT_EQ(
		test,
		sum_of(buckets[KVM_AET_HIST_REUSE_NS],
		       aet_layout_buckets(KVM_AET_HIST_REUSE_NS)) +
			got->histograms[KVM_AET_HIST_REUSE_NS].over_range,
		got->accesses - got->cold_accesses - got->entry_accesses);
}

static void record_follows_the_model(struct kunit *test)
{
	const u32 rates[] = { 1, 3, 16 };
	const u32 hot_pages[] = { 64, 65, 1 };
	struct rnd_state rnd;
	size_t i;

	prandom_seed_state(&rnd, seed);
	for (i = 0; i < ARRAY_SIZE(rates); i++) {
		struct aet_record_config config = plain_config;
		struct model *model;

		config.inverse_rate = rates[i];
		config.hot_pages = hot_pages[i];
		config.salt = random_u64(&rnd);
		model = new_model(test, &config, 1300ULL * rates[i], 3000, 0);
		check_snapshot(model);
		model_run(model, &rnd, 40);
		check_hot_units(model);
		check_snapshot(model);
		model_run(model, &rnd, 3000);
		check_hot_units(model);
		check_snapshot(model);
		KUNIT_ASSERT_EQ(test, aet_record_hot_used(model->record),
				(u64)hot_pages[i]);
	}
}

/* Records keep the clock's low bits only; intervals come out right all the same. */
static void record_survives_the_clocks_wrap(struct kunit *test)
{
	struct model *model = new_model(test, &plain_config, 200, 2000,
					(1ULL << AET_TIME_BITS) - 1000);
	struct rnd_state rnd;

	prandom_seed_state(&rnd, seed);
	model_run(model, &rnd, 2000);
	check_snapshot(model);
}

static void record_counts_windows(struct kunit *test)
{
	struct model *model = new_model(test, &plain_config, 400, 3000, 0);
	struct rnd_state rnd;
	int window;

	prandom_seed_state(&rnd, seed);
	for (window = 1; window <= 10; window++) {
		begin_window(model->record);
		model->window_start = model->nr_accesses;
		model->window_pages = 0;
		check_snapshot(model);
		model_run(model, &rnd, 300 * window);
		KUNIT_ASSERT_GT(test, model->window_pages, 64ULL);
		KUNIT_ASSERT_LT(test, model->window_pages, 300ULL);
		check_snapshot(model);
	}
}

static void touch(struct aet_record *record, u64 unit, u64 now_ns,
		  struct aet_recorded *ret)
{
	struct aet_access access = { .unit = unit, .now_ns = now_ns };

	aet_record_access(record, &access, ret);
}

/* Longer than any bucket: counted apart, in each histogram for itself. */
static void record_counts_what_is_over_range(struct kunit *test)
{
	struct aet_record *record = new_record(test, &plain_config);
	struct kvm_aet_snapshot *snapshot =
		model_array(test, 1, sizeof(*snapshot));
	struct aet_access write = { .unit = 7, .now_ns = 5, .is_write = true };
	u64 *none[KVM_AET_NR_HISTOGRAMS] = {};
	struct aet_recorded got = {};
	u64 i;

	none[KVM_AET_HIST_OPEN] = model_array(
		test, aet_layout_buckets(KVM_AET_HIST_OPEN), sizeof(u64));
	KUNIT_ASSERT_EQ(test, aet_record_reserve(record, 0, 512), 0);
	select_all(record, 512);
	aet_record_access(record, &write, &got);
	for (i = 100; i < 228; i++)
		touch(record, i, 5, &got);
	KUNIT_ASSERT_EQ(test, got.evicted_unit, 163ULL);

	/* The last value that has a bucket, and the first that has none. */
	atomic64_set(&record->clock, 1ULL << 40);
	write.now_ns = 5 + (1ULL << 48);
	aet_record_access(record, &write, &got);
	KUNIT_ASSERT_EQ(test, got.reuse_time, 1ULL << 40);
	touch(record, 100, 5 + (1ULL << 48) - 1, &got);
	KUNIT_ASSERT_EQ(test, got.reuse_time, 1ULL << 40);
	atomic64_set(&record->clock, (1ULL << 40) + 101);
	touch(record, 101, 5, &got);
	KUNIT_ASSERT_EQ(test, got.reuse_time, (1ULL << 40) + 99);
	atomic64_set(&record->clock, (1ULL << 40) + 2);
	touch(record, 102, 5, &got);
	KUNIT_ASSERT_EQ(test, got.reuse_time, (1ULL << 40) - 1);

	aet_snapshot_record(record, snapshot, none);
	KUNIT_EXPECT_EQ(test,
			snapshot->histograms[KVM_AET_HIST_REUSE].over_range,
			3ULL);
	KUNIT_EXPECT_EQ(test,
			snapshot->histograms[KVM_AET_HIST_REUSE_NS].over_range,
			1ULL);
	KUNIT_EXPECT_EQ(
		test, snapshot->histograms[KVM_AET_HIST_WRITE_REUSE].over_range,
		1ULL);
	KUNIT_EXPECT_EQ(test, snapshot->accesses, 133ULL);
	KUNIT_EXPECT_EQ(test, snapshot->write_accesses, 2ULL);

	/* Open for as long: all but the four that were just seen again. */
	atomic64_set(&record->clock, 1ULL << 41);
	memset(none[KVM_AET_HIST_OPEN], 0,
	       aet_layout_buckets(KVM_AET_HIST_OPEN) * sizeof(u64));
	aet_snapshot_record(record, snapshot, none);
	KUNIT_EXPECT_EQ(test,
			snapshot->histograms[KVM_AET_HIST_OPEN].over_range,
			125ULL);
	KUNIT_EXPECT_EQ(test,
			sum_of(none[KVM_AET_HIST_OPEN],
			       aet_layout_buckets(KVM_AET_HIST_OPEN)),
			4ULL);
	aet_record_close(record);
	aet_snapshot_record(record, snapshot, none);
	KUNIT_EXPECT_EQ(test,
			snapshot->histograms[KVM_AET_HIST_ENDED].over_range,
			125ULL);
}

static void record_without_room(struct kunit *test)
{
	struct aet_record_config config = plain_config;
	struct aet_recorded got = {};
	struct aet_record *record;
	u64 unit, nr_rooms = 0;

	config.max_units = 0;
	record = new_record(test, &config);
	touch(record, 0, 1, &got);
	KUNIT_EXPECT_EQ(test, (int)got.outcome, (int)AET_NO_ROOM);
	/* A lot more than the host has: no error, and bounded memory. */
	KUNIT_EXPECT_EQ(test, aet_record_reserve(record, 0, 1 << 20), 0);
	KUNIT_EXPECT_LE(test, aet_record_bytes(record), 256ULL * 1024);
	select_all(record, 1 << 20);
	for (unit = 0; unit < 1 << 20; unit++) {
		got.outcome = AET_RECORDED;
		touch(record, unit, 1, &got);
		nr_rooms += got.outcome == AET_RECORDED;
		KUNIT_ASSERT_TRUE(test, got.outcome == AET_RECORDED ||
						got.outcome == AET_NO_ROOM);
	}
	KUNIT_EXPECT_EQ(test, nr_rooms, record->nr_chunks * AET_CHUNK_PAGES);
	/* An address that no host has: neither error nor room. */
	record = new_record(test, &plain_config);
	KUNIT_EXPECT_EQ(
		test,
		aet_record_reserve(record, 1ULL << 50, (1ULL << 50) + 512), 0);
	touch(record, 1ULL << 50, 1, &got);
	KUNIT_EXPECT_EQ(test, (int)got.outcome, (int)AET_NO_ROOM);
	touch(record, ~0ULL, 1, &got);
	KUNIT_EXPECT_EQ(test, (int)got.outcome, (int)AET_NO_ROOM);
}

/* The bounds: 64 bytes per sampled page, and 256 KiB. */
static void record_memory_is_bounded(struct kunit *test)
{
	struct aet_record_config config = plain_config;
	struct aet_record *record;
	u64 fixed;

	config.hot_pages = 4096;
	record = new_record(test, &config);
	fixed = aet_record_bytes(record);
	KUNIT_EXPECT_LE(test, fixed, 256ULL * 1024);
	KUNIT_ASSERT_EQ(test, aet_record_reserve(record, 0, 1 << 16), 0);
	KUNIT_EXPECT_LE(test, aet_record_bytes(record) - fixed,
			64ULL * (1 << 16));
	/* Room that is there is not made again. */
	fixed = aet_record_bytes(record);
	KUNIT_ASSERT_EQ(test, aet_record_reserve(record, 0, 1 << 16), 0);
	KUNIT_EXPECT_EQ(test, aet_record_bytes(record), fixed);
}

static void record_close_ends_all_intervals(struct kunit *test)
{
	struct model *model = new_model(test, &plain_config, 500, 1000, 0);
	struct aet_record *record = model->record;
	u32 nr_buckets = aet_layout_buckets(KVM_AET_HIST_ENDED);
	u64 *open = model_array(test, nr_buckets, sizeof(u64));
	u64 *ended = model_array(test, nr_buckets, sizeof(u64));
	u64 over_range = 0, nr_open, bytes;
	struct aet_recorded got = {};
	struct kvm_aet_region region;
	struct aet_counters before, after;
	struct rnd_state rnd;
	u64 unit;

	prandom_seed_state(&rnd, seed);
	model_run(model, &rnd, 1000);
	nr_open = aet_record_histogram(record, KVM_AET_HIST_OPEN, open,
				       &over_range);
	KUNIT_ASSERT_GT(test, nr_open, 64ULL);
	aet_record_sum(record, &before);
	bytes = aet_record_bytes(record) - record->nr_chunks * PAGE_SIZE;

	aet_record_close(record);
	KUNIT_EXPECT_EQ(test,
			aet_record_histogram(record, KVM_AET_HIST_ENDED, ended,
					     NULL),
			nr_open);
	KUNIT_EXPECT_MEMEQ(test, ended, open, nr_buckets * sizeof(u64));
	aet_record_sum(record, &after);
	KUNIT_EXPECT_MEMEQ(test, &after, &before, sizeof(after));

	/* Readable, and empty. */
	KUNIT_EXPECT_LE(test, aet_record_bytes(record), bytes);
	KUNIT_EXPECT_EQ(test, aet_record_hot_used(record), 0ULL);
	KUNIT_EXPECT_EQ(test, aet_record_hot_units(record, &unit, 1), 0U);
	KUNIT_EXPECT_FALSE(test,
			   aet_record_region(record, 0, 500, false, &region));
	KUNIT_EXPECT_EQ(test,
			aet_record_histogram(record, KVM_AET_HIST_OPEN, open,
					     &over_range),
			0ULL);
	touch(record, 0, 1, &got);
	KUNIT_EXPECT_EQ(test, (int)got.outcome, (int)AET_NO_ROOM);
}

static struct kunit_case record_cases[] = {
	KUNIT_CASE(record_follows_the_model),
	KUNIT_CASE(record_survives_the_clocks_wrap),
	KUNIT_CASE(record_counts_windows),
	KUNIT_CASE(record_counts_what_is_over_range),
	KUNIT_CASE(record_without_room),
	KUNIT_CASE(record_memory_is_bounded),
	KUNIT_CASE(record_close_ends_all_intervals),
	{}
};

static struct kunit_suite record_suite = {
	.name = "aet_record",
	.test_cases = record_cases,
};

/* Rotation: passes replace sampled units, a few at a time. */
struct rotation_pass {
	u32 nr_left;
	u32 nr_seen_left; /* of those, how many had been accessed */
};

static bool has_unit(const u64 *words, u64 unit)
{
	unit %= AET_BLOCK_UNITS;
	return words[unit / 64] >> (unit % 64) & 1;
}

static u32 place_of(struct aet_record *record, u64 group)
{
	return aet_state_offset(
		atomic64_read(&aet_find_page(record, group)->state));
}

/*
 * One pass. Every group gets the unit that its epoch demands, unless the old
 * one is hot; who goes is reported where it was, who comes where it is, unless
 * the pass was there already; and nobody twice.
 */
static void rotation_pass(struct model *model, struct rotation_pass *ret)
{
	struct aet_record *record = model->record;
	const struct aet_record_config *config = &record->config;
	u32 rate = config->inverse_rate;
	u64 nr_groups = model->nr_units / rate;
	struct kunit *test = model->test;
	u64 rotations = record->rotations;
	struct aet_selection *selections;
	u64 group, first;

	*ret = (struct rotation_pass){};
	selections = model_array(test, DIV_ROUND_UP(model->nr_units, 512),
				 sizeof(*selections));
	record->rotation++;
	for (first = 0; first < model->nr_units; first += AET_BLOCK_UNITS) {
		aet_record_select(record, first,
				  min(model->nr_units, first + 512),
				  &selections[first / 512]);
	}
	for (group = 0; group < nr_groups; group++) {
		u64 epoch = aet_sample_epoch(group, record->rotation,
					     config->rotate_passes,
					     config->salt);
		u32 wanted =
			aet_sample_offset(group, epoch, rate, config->salt);
		u64 before = group * rate + model->places[group];
		u64 after = group * rate + place_of(record, group);
		bool was_hot = model_is_hot(model, before);
		struct aet_selection *there = &selections[before / 512];
		u64 unit;

		KUNIT_ASSERT_EQ(test, after,
				was_hot ? before : group * rate + wanted);
		KUNIT_ASSERT_EQ(test, has_unit(there->left, before),
				after != before);
		KUNIT_ASSERT_EQ(test, has_unit(there->sampled, before),
				after == before);
		KUNIT_ASSERT_EQ(test, aet_record_is_hot(record, before),
				was_hot);
		for (unit = group * rate; unit < (group + 1) * rate; unit++) {
			there = &selections[unit / 512];
			if (unit != before)
				KUNIT_ASSERT_FALSE(test,
						   has_unit(there->left, unit));
			KUNIT_ASSERT_EQ(test, has_unit(there->sampled, unit),
					unit == after &&
						unit / 512 >= before / 512);
		}
		if (after == before)
			continue;
		ret->nr_left++;
		ret->nr_seen_left += !!model_last(model, before, false);
		model->places[group] = after - group * rate;
		model->entered[group] = model->nr_accesses;
	}
	KUNIT_ASSERT_EQ(test, record->rotations - rotations, (u64)ret->nr_left);
	kunit_kfree(test, selections);
}

static const u32 rotation_rates[] = { 8, 48, 700 };

/* Some of these rates make groups that lie across blocks of 512. */
static void rotation_follows_the_model(struct kunit *test)
{
	struct rnd_state rnd;
	size_t r;

	prandom_seed_state(&rnd, seed);
	for (r = 0; r < ARRAY_SIZE(rotation_rates); r++) {
		struct aet_record_config config = plain_config;
		u32 nr_left = 0, nr_seen_left = 0, nr_ended;
		struct model *model;
		int pass;

		config.inverse_rate = rotation_rates[r];
		config.hot_pages = 24;
		config.rotate_passes = 16;
		config.salt = random_u64(&rnd);
		model = new_model(test, &config, 128ULL * rotation_rates[r],
				  2000, 0);
		for (pass = 1; pass <= 40; pass++) {
			struct rotation_pass did;
			u64 group;
			int i;

			/* Accesses to what is sampled, and to anything. */
			for (i = 0; i < 40; i++) {
				struct aet_access access = {
					.unit = random_below(&rnd,
							     model->nr_units),
					.now_ns = pass * 1000,
					.is_write = i % 2,
				};

				group = random_below(&rnd, 128);
				if (i % 4)
					access.unit =
						group * config.inverse_rate +
						model->places[group];
				model_access(model, &access);
			}
			rotation_pass(model, &did);
			nr_left += did.nr_left;
			nr_seen_left += did.nr_seen_left;
			check_snapshot(model);
		}
		nr_ended = aet_record_histogram(model->record,
						KVM_AET_HIST_ENDED, NULL, NULL);
		KUNIT_EXPECT_EQ(test, nr_ended, nr_seen_left);
		/*
		 * Two rotations and a half, of 128 groups; some kept theirs
		 * by chance or because it was hot.
		 */
		KUNIT_EXPECT_GT(test, nr_left, 128U);
		KUNIT_EXPECT_LE(test, nr_left, 320U);
		KUNIT_EXPECT_GT(test, nr_seen_left, 64U);
	}
}

/* Without accesses nobody is hot, and each group's turn replaces its unit. */
static void rotation_replaces_the_whole_sample(struct kunit *test)
{
	struct aet_record_config config = plain_config;
	u32 nr_left = 0, most = 0;
	struct model *model;
	int pass;

	config.inverse_rate = 64;
	config.rotate_passes = 32;
	model = new_model(test, &config, 64 * 1024, 1, 0);
	for (pass = 1; pass <= 32; pass++) {
		struct rotation_pass did;

		rotation_pass(model, &did);
		nr_left += did.nr_left;
		most = max(most, did.nr_left);
	}
	/* 1 in 64 draws the same unit again: mean 16, deviation 4. */
	KUNIT_EXPECT_GE(test, nr_left, 1024U - 16 - 5 * 4);
	KUNIT_EXPECT_LT(test, nr_left, 1024U);
	/* 32 groups a pass: deviation 5.6. */
	KUNIT_EXPECT_LE(test, most, 32U + 5 * 6);
}

static void rotation_of_single_units_changes_nothing(struct kunit *test)
{
	struct aet_record_config config = plain_config;
	struct rotation_pass did;
	struct model *model;
	int pass;

	config.rotate_passes = 16;
	model = new_model(test, &config, 1024, 1, 0);
	for (pass = 1; pass <= 32; pass++) {
		rotation_pass(model, &did);
		KUNIT_ASSERT_EQ(test, did.nr_left, 0U);
	}
}

/* Before a record exists, too, it is known whether the unit will be sampled. */
static void rotation_is_known_beforehand(struct kunit *test)
{
	struct aet_record_config config = plain_config;
	struct aet_record *record;
	u64 unit;

	config.inverse_rate = 16;
	config.rotate_passes = 16;
	record = new_record(test, &config);
	record->rotation = 21;
	KUNIT_ASSERT_EQ(test, aet_record_reserve(record, 0, 4096), 0);
	select_all(record, 4096);
	for (unit = 0; unit < 4096; unit++)
		KUNIT_ASSERT_EQ(test, aet_record_would_sample(record, unit),
				unit % 16 == place_of(record, unit / 16));
}

static struct kunit_case rotation_cases[] = {
	KUNIT_CASE_SLOW(rotation_follows_the_model),
	KUNIT_CASE(rotation_replaces_the_whole_sample),
	KUNIT_CASE(rotation_of_single_units_changes_nothing),
	KUNIT_CASE(rotation_is_known_beforehand),
	{}
};

static struct kunit_suite rotation_suite = {
	.name = "aet_rotation",
	.test_cases = rotation_cases,
};

/* Regions: which pages of 2 MiB were seen. */
static void check_region(struct model *model, u64 first, u64 end,
			 bool window_only)
{
	struct kunit *test = model->test;
	struct kvm_aet_region *region = model_array(test, 1, sizeof(*region));
	u32 since_when = window_only ? model->window_start : 0;
	bool is_any = false, got;
	u64 accesses = 0, unit;
	u32 i;

	got = aet_record_region(model->record, first, end, window_only, region);
	for (unit = round_down(first, 512); unit < round_down(first, 512) + 512;
	     unit++) {
		bool is_in = unit >= first && unit < end &&
			     model_is_sampled(model, unit);

		is_any |= is_in;
		KUNIT_ASSERT_EQ(test, has_unit(region->sampled, unit), is_in);
		KUNIT_ASSERT_EQ(test, has_unit(region->seen, unit),
				is_in && model_last(model, unit, false) >
						 since_when);
	}
	for (i = 0; i < model->nr_accesses; i++) {
		unit = model->log[i].unit;
		accesses += unit >= first && unit < end &&
			    model_is_sampled(model, unit) &&
			    i >= model->entered[model_group(model, unit)];
	}
	KUNIT_ASSERT_EQ(test, region->accesses, accesses);
	KUNIT_ASSERT_EQ(test, got, is_any);
	kunit_kfree(test, region);
}

static void region_follows_the_model(struct kunit *test)
{
	const u32 rates[] = { 1, 8, 700 };
	struct rnd_state rnd;
	size_t r;

	prandom_seed_state(&rnd, seed);
	for (r = 0; r < ARRAY_SIZE(rates); r++) {
		struct aet_record_config config = plain_config;
		struct model *model;
		u64 first;
		int pass;

		config.inverse_rate = rates[r];
		config.rotate_passes = 16;
		config.hot_pages = 32;
		model = new_model(test, &config, max(2048U, 100 * rates[r]),
				  1000, 0);
		for (pass = 1; pass <= 4; pass++) {
			struct rotation_pass did;

			model->nr_units -= model->nr_units % rates[r];
			model_run(model, &rnd, 100 * pass);
			rotation_pass(model, &did);
			if (pass == 2) {
				begin_window(model->record);
				model->window_start = model->nr_accesses;
			}
			for (first = 0; first + 512 <= 2048; first += 512) {
				check_region(model, first, first + 512, false);
				check_region(model, first, first + 512, true);
				check_region(model, first + 17, first + 300,
					     false);
			}
		}
	}
}

static struct kunit_case region_cases[] = { KUNIT_CASE(
						    region_follows_the_model),
					    {} };

static struct kunit_suite region_suite = {
	.name = "aet_region",
	.test_cases = region_cases,
};

/* What a session does to a record, while one allocation after another fails. */
static int reserve_twice(struct aet_record *record)
{
	int err = aet_record_reserve(record, 0, 2048);

	/* Far away: the table has to grow, with what is in it. */
	return aet_record_reserve(record, 200000, 200512) ?: err;
}

static u64 touch_twice(struct kunit *test, struct aet_record *record)
{
	struct aet_recorded got = {};
	u64 nr_recorded = 0;
	u64 unit;

	for (unit = 0; unit < 200512; unit++) {
		if (unit == 2048)
			unit = 200000;
		touch(record, unit, unit, &got);
		KUNIT_EXPECT_TRUE(test, got.outcome == AET_RECORDED ||
						got.outcome == AET_NO_ROOM);
		nr_recorded += got.outcome == AET_RECORDED;
	}
	return nr_recorded;
}

static int live_through(struct kunit *test, u64 *ret_recorded)
{
	struct aet_record_config config = plain_config;
	struct aet_record *record;
	u64 again;
	int err;

	*ret_recorded = 0;
	record = aet_record_new(&config, 1);
	if (!record)
		return -ENOMEM;
	err = reserve_twice(record);
	/* What there is room for works nevertheless. */
	*ret_recorded = touch_twice(test, record);
	if (err) {
		/* The next pass makes the room that this one could not. */
		KUNIT_EXPECT_EQ(test, reserve_twice(record), 0);
		again = touch_twice(test, record);
		KUNIT_EXPECT_GE(test, again, 2560 - *ret_recorded);
	}
	if (alloc_state.fail_at % 2)
		aet_record_close(record);
	aet_record_free(record);
	return err;
}

static void alloc_failures_leak_nothing(struct kunit *test)
{
	int nr_allocs, fail_at;
	u64 nr_recorded;

	alloc_state.live = 0;
	alloc_state.calls = 0;
	alloc_state.fail_at = 0;
	KUNIT_ASSERT_EQ(test, live_through(test, &nr_recorded), 0);
	KUNIT_ASSERT_EQ(test, nr_recorded, 2560ULL);
	KUNIT_ASSERT_EQ(test, alloc_state.live, 0);
	nr_allocs = alloc_state.calls;
	/*
	 * The record, buckets, ring, counters; two roots, two leaves, and
	 * chunks of 127 records: 17 from 0 on, and 5 from 200000 on.
	 */
	KUNIT_ASSERT_EQ(test, nr_allocs, 4 + 2 + 2 + 17 + 5);
	for (fail_at = 1; fail_at <= nr_allocs; fail_at++) {
		alloc_state.calls = 0;
		alloc_state.fail_at = fail_at;
		KUNIT_EXPECT_EQ(test, live_through(test, &nr_recorded),
				-ENOMEM);
		KUNIT_EXPECT_LT(test, nr_recorded, 2560ULL);
		KUNIT_ASSERT_EQ(test, alloc_state.live, 0);
	}
	alloc_state.fail_at = 0;
	aet_record_free(NULL);
	KUNIT_EXPECT_EQ(test, alloc_state.live, 0);
}

static struct kunit_case alloc_cases[] = { KUNIT_CASE(
						   alloc_failures_leak_nothing),
					   {} };

static struct kunit_suite alloc_suite = {
	.name = "aet_alloc",
	.test_cases = alloc_cases,
};

/*
 * Several vCPUs and the pass at work on one record. What each access was told
 * is kept by its time; judged is when all have ended.
 */
struct race_access {
	u64 unit;
	u64 reuse_time;
	u64 evicted_unit;
	bool is_taken;
};

struct race {
	struct aet_record *record;
	u64 nr_units;
	u32 accesses_per_thread;
	struct race_access *log;
	u32 max_accesses;
	bool is_rotating;
	atomic_t nr_running; /* vCPUs that have not finished */
	atomic_t nr_alive; /* threads */
	struct completion all_done;
	atomic_t nr_mistakes; /* a thread must not fail the test itself */
	u64 *times_left; /* per unit: how often it left the sample */
};

struct racer {
	struct race *race;
	struct rnd_state rnd;
	int number;
	bool is_vcpu;
	u64 nr_recorded;
};

static void race_access(struct racer *racer)
{
	struct race *race = racer->race;
	u32 inverse_rate = race->record->config.inverse_rate;
	struct race_access *entry;
	struct aet_recorded got = {};
	u64 group;
	struct aet_access access = {
		.unit = random_below(&racer->rnd, race->nr_units),
		.is_write = random_below(&racer->rnd, 2),
		.now_ns = racer->nr_recorded,
	};

	/* Some that all are after, and few that are not in the sample. */
	if (random_below(&racer->rnd, 2))
		access.unit %= 4 * inverse_rate;
	group = aet_sample_group(access.unit, inverse_rate);
	if (random_below(&racer->rnd, 8))
		access.unit =
			group * inverse_rate + place_of(race->record, group);
	aet_record_access(race->record, &access, &got);
	if (got.outcome == AET_NO_ROOM ||
	    (got.outcome == AET_NOT_SAMPLED && !race->is_rotating))
		atomic_inc(&race->nr_mistakes);
	if (got.outcome != AET_RECORDED)
		return;
	racer->nr_recorded++;
	if (got.time == 0 || got.time > race->max_accesses) {
		atomic_inc(&race->nr_mistakes);
		return;
	}
	entry = &race->log[got.time - 1];
	if (entry->is_taken)
		atomic_inc(&race->nr_mistakes);
	*entry = (struct race_access){
		.unit = access.unit,
		.reuse_time = got.reuse_time,
		.evicted_unit = got.evicted_unit,
		.is_taken = true,
	};
}

static void race_rotate(struct race *race)
{
	struct aet_selection selection;
	u64 unit;

	race->record->rotation++;
	aet_record_select(race->record, 0, race->nr_units, &selection);
	for (unit = 0; unit < race->nr_units; unit++)
		race->times_left[unit] += has_unit(selection.left, unit);
}

/* cond_resched() does nothing where kernel code can be preempted. */
static void let_others_run(void)
{
	if (need_resched())
		schedule();
}

static int race_thread(void *arg)
{
	struct racer *racer = arg;
	struct race *race = racer->race;
	u32 i;

	if (READ_ONCE(turns.is_on))
		wait_for_completion(&turns.turn[racer->number]);
	if (racer->is_vcpu) {
		for (i = 0; i < race->accesses_per_thread; i++) {
			race_access(racer);
			let_others_run();
		}
		atomic_dec(&race->nr_running);
	} else {
		while (atomic_read(&race->nr_running)) {
			race_rotate(race);
			let_others_run();
			if (READ_ONCE(turns.is_on))
				race_point();
		}
	}
	if (READ_ONCE(turns.is_on))
		turns_end();
	if (atomic_dec_and_test(&race->nr_alive))
		complete(&race->all_done);
	return 0;
}

static void judge_race(struct kunit *test, struct race *race)
{
	struct aet_record *record = race->record;
	u32 hot_pages = record->config.hot_pages;
	struct kvm_aet_snapshot *snapshot =
		model_array(test, 1, sizeof(*snapshot));
	u64 *none[KVM_AET_NR_HISTOGRAMS] = {};
	u64 *last = model_array(test, race->nr_units, sizeof(u64));
	u64 *nr_entered = model_array(test, race->nr_units, sizeof(u64));
	s64 *nr_hot = model_array(test, race->nr_units, sizeof(s64));
	u64 *hot = model_array(test, hot_pages, sizeof(u64));
	u64 clock = atomic64_read(&record->clock);
	u64 nr_ended, nr_open, nr_reused, over_range = 0;
	u64 nr_first = 0, nr_hot_units, nr_evicted = 0, i;

	KUNIT_ASSERT_EQ(test, atomic_read(&race->nr_mistakes), 0);
	for (i = 0; i < clock; i++) {
		const struct race_access *entry = &race->log[i];

		/* Every time was given to one access, and to no other. */
		KUNIT_ASSERT_TRUE(test, entry->is_taken);
		if (entry->reuse_time) {
			KUNIT_ASSERT_EQ(test, entry->reuse_time,
					i + 1 - last[entry->unit]);
		} else {
			nr_first++;
			nr_entered[entry->unit]++;
		}
		last[entry->unit] = i + 1;
		nr_hot[entry->unit]++;
		if (entry->evicted_unit == AET_NO_UNIT)
			continue;
		KUNIT_ASSERT_LT(test, entry->evicted_unit, race->nr_units);
		nr_hot[entry->evicted_unit]--;
		nr_evicted++;
	}
	for (i = 0; i < race->nr_units; i++) {
		u64 state = atomic64_read(
			&aet_find_page(record,
				       aet_sample_group(
					       i, record->config.inverse_rate))
				 ->state);
		bool is_hot = (state & AET_HOT) &&
			      aet_state_offset(state) ==
				      i % record->config.inverse_rate;

		KUNIT_ASSERT_LE(test, nr_entered[i], race->times_left[i] + 1);
		/* In as often as out, or once more, and hot then. */
		KUNIT_ASSERT_EQ(test, nr_hot[i], (s64)is_hot);
	}
	/* The ring holds what is hot, each once. */
	nr_hot_units = aet_record_hot_units(record, hot, hot_pages);
	KUNIT_ASSERT_EQ(test, nr_hot_units, clock - nr_evicted);
	for (i = 0; i < nr_hot_units; i++) {
		KUNIT_ASSERT_EQ(test, nr_hot[hot[i]], 1LL);
		nr_hot[hot[i]] = 0;
	}

	aet_snapshot_record(record, snapshot, none);
	KUNIT_ASSERT_EQ(test, snapshot->accesses, clock);
	KUNIT_ASSERT_EQ(test,
			snapshot->cold_accesses + snapshot->entry_accesses,
			nr_first);
	nr_reused =
		aet_record_histogram(record, KVM_AET_HIST_REUSE, NULL, NULL);
	KUNIT_ASSERT_EQ(test, nr_reused, clock - nr_first);
	nr_ended = aet_record_histogram(record, KVM_AET_HIST_ENDED, NULL, NULL);
	nr_open = aet_record_histogram(record, KVM_AET_HIST_OPEN, NULL,
				       &over_range);
	KUNIT_ASSERT_EQ(test, over_range, 0ULL);
	KUNIT_ASSERT_EQ(test, clock, nr_reused + nr_ended + nr_open);
}

static void run_race(struct kunit *test, u32 inverse_rate, u32 hot_pages,
		     u32 accesses_per_thread, u64 race_seed, bool takes_turns)
{
	struct aet_record_config config = plain_config;
	int nr_vcpus = MAX_THREADS - (inverse_rate > 1);
	struct task_struct *tasks[MAX_THREADS];
	struct race *race = model_array(test, 1, sizeof(*race));
	struct racer *racers = model_array(test, MAX_THREADS, sizeof(*racers));
	int i;

	config.inverse_rate = inverse_rate;
	config.hot_pages = hot_pages;
	config.rotate_passes = inverse_rate > 1 ? 16 : 0;
	config.salt = race_seed;
	race->record = new_record(test, &config);
	race->nr_units = 48ULL * min(inverse_rate, 8U);
	race->accesses_per_thread = accesses_per_thread;
	race->max_accesses = nr_vcpus * accesses_per_thread;
	race->log = model_array(test, race->max_accesses, sizeof(*race->log));
	race->times_left = model_array(test, race->nr_units, sizeof(u64));
	race->is_rotating = inverse_rate > 1;
	KUNIT_ASSERT_EQ(test,
			aet_record_reserve(race->record, 0, race->nr_units), 0);
	select_all(race->record, race->nr_units);
	atomic_set(&race->nr_running, nr_vcpus);

	turns.nr_threads = MAX_THREADS;
	turns.switches = 0;
	prandom_seed_state(&turns.rnd, race_seed);
	init_completion(&race->all_done);
	atomic_set(&race->nr_alive, MAX_THREADS);
	for (i = 0; i < MAX_THREADS; i++) {
		racers[i].race = race;
		racers[i].number = i;
		racers[i].is_vcpu = i < nr_vcpus;
		prandom_seed_state(&racers[i].rnd, race_seed + i);
		init_completion(&turns.turn[i]);
		turns.is_done[i] = false;
		tasks[i] = kthread_create(race_thread, &racers[i],
					  "aet_race/%d", i);
		/* None has started, so nobody waits for one that is lacking. */
		KUNIT_ASSERT_FALSE(test, IS_ERR(tasks[i]));
		turns.tasks[i] = get_task_struct(tasks[i]);
	}
	WRITE_ONCE(turns.is_on, takes_turns);
	for (i = 0; i < MAX_THREADS; i++)
		wake_up_process(tasks[i]);
	if (takes_turns)
		complete(&turns.turn[0]);
	wait_for_completion(&race->all_done);
	WRITE_ONCE(turns.is_on, false);
	for (i = 0; i < MAX_THREADS; i++) {
		kthread_stop(tasks[i]);
		put_task_struct(tasks[i]);
	}
	judge_race(test, race);
	if (!takes_turns)
		return;
	/* Or it has shown nothing. */
	KUNIT_EXPECT_GT(test, turns.switches, (u64)race->max_accesses / 4);
	if (race->is_rotating)
		KUNIT_EXPECT_GT(test, race->record->rotations, 48ULL);
}

/* A hot set smaller than the number of vCPUs, and two usual ones. */
static const u32 race_hot_pages[] = { 3, 8, 24 };

static void race_in_turns(struct kunit *test)
{
	int i;

	for (i = 0; i < 12; i++)
		run_race(test, 1, race_hot_pages[i % 3], 1500, seed + i, true);
}

static void race_in_turns_with_rotation(struct kunit *test)
{
	int i;

	for (i = 0; i < 12; i++)
		run_race(test, 8, race_hot_pages[i % 3], 1500, seed + i, true);
}

/* As the CPUs and the scheduler will have it: shows most where there are many. */
static void race_at_will(struct kunit *test)
{
	int i;

	for (i = 0; i < 6; i++)
		run_race(test, i < 3 ? 1 : 8, race_hot_pages[i % 3], 5000,
			 seed + i, false);
}

static struct kunit_case race_cases[] = { KUNIT_CASE_SLOW(race_in_turns),
					  KUNIT_CASE_SLOW(
						  race_in_turns_with_rotation),
					  KUNIT_CASE_SLOW(race_at_will),
					  {} };

static struct kunit_suite race_suite = {
	.name = "aet_race",
	.test_cases = race_cases,
};

kunit_test_suites(&spte_suite, &bucket_suite, &sample_suite, &record_suite,
		  &rotation_suite, &region_suite, &alloc_suite, &race_suite);

MODULE_DESCRIPTION("KUnit tests of kvm-aet");
MODULE_LICENSE("GPL");
