// SPDX-License-Identifier: LGPL-2.1-or-later
#include <mrc/gen.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "portable_math.h"
#include "random.h"

/*
 * Whoever gives the same seed to all parts of a combination does not want them
 * to be correlated: each kind of generator makes numbers of its own of it.
 */
enum stream {
	STREAM_UNIFORM = 1,
	STREAM_HOT,
	STREAM_ZIPF,
	STREAM_CHASE,
	STREAM_PHASES,
	STREAM_MIX,
	STREAM_SCATTER,
	STREAM_WRITES
};

/* A bijection of [0, 2^bits), and of [0, nr_pages) by walking its cycles. */
struct permutation {
	uint64_t nr_pages; /* 0: 2^64 */
	uint64_t mask;
	unsigned int shift;
	uint64_t keys[8];
};

/* Rejection-inversion, see gen_zipf(). */
struct zipf {
	uint64_t nr_pages;
	double alpha;
	double area_first; /* H(1.5) - h(1) */
	double area_last; /* H(nr_pages + 0.5) */
	double sure; /* nearer to a whole number than that needs no test */
};

struct part {
	struct mrc_gen *gen;
	uint64_t first_page;
	uint64_t nr_accesses; /* of a turn */
	double weight_sum; /* of all parts up to this one */
};

struct mrc_gen {
	void (*next)(struct mrc_gen *gen, size_t nr_accesses,
		     uint64_t *ret_pages, bool *ret_is_write);
	struct mrc_random random;
	struct mrc_random write_random;
	double write_ratio;

	uint64_t nr_pages;
	uint64_t position;
	union {
		struct {
			uint64_t nr_pages;
			double access_ratio;
		} hot;
		struct zipf zipf;
		struct permutation permutation;
	} u;

	size_t nr_parts;
	struct part parts[];
};

static struct mrc_random random_of(enum stream stream, uint64_t seed)
{
	return (struct mrc_random){ mrc_mix64(mrc_mix64(seed) + stream) };
}

static void permutation_init(struct permutation *permutation, uint64_t nr_pages,
			     struct mrc_random random)
{
	unsigned int bits = 64;
	size_t i;

	/* Below 2 bits nothing would move. */
	if (nr_pages > 0 && nr_pages <= 4)
		bits = 2;
	else if (nr_pages > 0)
		bits = 64 - (unsigned int)__builtin_clzll(nr_pages - 1);
	permutation->nr_pages = nr_pages;
	permutation->mask = UINT64_MAX >> (64 - bits);
	permutation->shift = (bits + 1) / 2;
	for (i = 0; i < 8; i++)
		permutation->keys[i] = mrc_random_next(&random);
}

/*
 * Each step can be undone: adding and multiplying by an odd number modulo a
 * power of two, and folding the upper half into the lower one.
 */
static uint64_t permute_once(const struct permutation *permutation, uint64_t x)
{
	size_t i;

	for (i = 0; i < 8; i += 2) {
		x += permutation->keys[i];
		x *= permutation->keys[i + 1] | 1;
		x &= permutation->mask;
		x ^= x >> permutation->shift;
	}
	return x;
}

/* @page, below nr_pages, ends where its cycle next is below nr_pages. */
static uint64_t permute(const struct permutation *permutation, uint64_t page)
{
	do
		page = permute_once(permutation, page);
	while (permutation->nr_pages > 0 && page >= permutation->nr_pages);
	return page;
}

static void fill_writes(struct mrc_gen *gen, size_t nr_accesses,
			bool *ret_is_write)
{
	size_t i;

	for (i = 0; i < nr_accesses; i++) {
		double unit = mrc_random_unit(&gen->write_random);

		if (ret_is_write != NULL)
			ret_is_write[i] = unit < gen->write_ratio;
	}
}

static void next_uniform(struct mrc_gen *gen, size_t nr_accesses,
			 uint64_t *ret_pages, bool *ret_is_write)
{
	size_t i;

	for (i = 0; i < nr_accesses; i++)
		ret_pages[i] = mrc_random_below(&gen->random, gen->nr_pages);
	fill_writes(gen, nr_accesses, ret_is_write);
}

static void next_hot(struct mrc_gen *gen, size_t nr_accesses,
		     uint64_t *ret_pages, bool *ret_is_write)
{
	uint64_t nr_hot = gen->u.hot.nr_pages;
	size_t i;

	for (i = 0; i < nr_accesses; i++) {
		if (mrc_random_unit(&gen->random) < gen->u.hot.access_ratio)
			ret_pages[i] = mrc_random_below(&gen->random, nr_hot);
		else
			ret_pages[i] = nr_hot +
				       mrc_random_below(&gen->random,
							gen->nr_pages - nr_hot);
	}
	fill_writes(gen, nr_accesses, ret_is_write);
}

/* h(x) = x^-alpha. */
static double zipf_height(const struct zipf *zipf, double x)
{
	return mrc_exp(-zipf->alpha * mrc_log(x));
}

/*
 * H(x), the integral of h from 1 to x: (x^(1 - alpha) - 1) / (1 - alpha), and
 * ln x for alpha = 1. Written so that it is one function of alpha.
 */
static double zipf_area(const struct zipf *zipf, double x)
{
	double log_x = mrc_log(x);

	return log_x * mrc_expm1_ratio((1 - zipf->alpha) * log_x);
}

/* The x of H(x) = @area. */
static double zipf_area_inverse(const struct zipf *zipf, double area)
{
	double x = area * (1 - zipf->alpha);

	/* H is never below -1 / (1 - alpha), but a rounded one may be. */
	if (x <= -1)
		x = -1 + 0x1p-53;
	return mrc_exp(area * mrc_log1p_ratio(x));
}

static void zipf_init(struct zipf *zipf, uint64_t nr_pages, double alpha)
{
	zipf->nr_pages = nr_pages;
	zipf->alpha = alpha;
	zipf->area_first = zipf_area(zipf, 1.5) - 1;
	zipf->area_last = zipf_area(zipf, (double)nr_pages + 0.5);
	zipf->sure = 2 - zipf_area_inverse(zipf, zipf_area(zipf, 2.5) -
							 zipf_height(zipf, 2));
}

/*
 * A point under h, uniform by area, falls next to a whole number k. It is taken
 * with the probability h(k) / (area next to k), which makes k's exactly
 * proportional to h(k): the last h(k) of the area is taken. For k = 1 the area
 * is cut to that size beforehand.
 */
static uint64_t zipf_next(const struct zipf *zipf, struct mrc_random *random)
{
	for (;;) {
		double unit = mrc_random_unit(random);
		double area = zipf->area_last +
			      unit * (zipf->area_first - zipf->area_last);
		double x = zipf_area_inverse(zipf, area);
		uint64_t k = 1;

		if (x >= 1.5)
			k = (uint64_t)(x + 0.5);
		if (k > zipf->nr_pages)
			k = zipf->nr_pages;
		if ((double)k - x <= zipf->sure ||
		    area >= zipf_area(zipf, (double)k + 0.5) -
				    zipf_height(zipf, (double)k))
			return k - 1;
	}
}

static void next_zipf(struct mrc_gen *gen, size_t nr_accesses,
		      uint64_t *ret_pages, bool *ret_is_write)
{
	size_t i;

	for (i = 0; i < nr_accesses; i++)
		ret_pages[i] = zipf_next(&gen->u.zipf, &gen->random);
	fill_writes(gen, nr_accesses, ret_is_write);
}

/* With 0 for nr_pages it goes on to 2^64. */
static void next_loop(struct mrc_gen *gen, size_t nr_accesses,
		      uint64_t *ret_pages, bool *ret_is_write)
{
	size_t i;

	for (i = 0; i < nr_accesses; i++) {
		ret_pages[i] = gen->position++;
		if (gen->position == gen->nr_pages)
			gen->position = 0;
	}
	fill_writes(gen, nr_accesses, ret_is_write);
}

static void next_chase(struct mrc_gen *gen, size_t nr_accesses,
		       uint64_t *ret_pages, bool *ret_is_write)
{
	size_t i;

	next_loop(gen, nr_accesses, ret_pages, ret_is_write);
	for (i = 0; i < nr_accesses; i++)
		ret_pages[i] = permute(&gen->u.permutation, ret_pages[i]);
}

static void next_of_part(struct part *part, size_t nr_accesses,
			 uint64_t *ret_pages, bool *ret_is_write)
{
	size_t i;

	mrc_gen_next(part->gen, nr_accesses, ret_pages, ret_is_write);
	for (i = 0; i < nr_accesses; i++)
		ret_pages[i] += part->first_page;
}

static void next_mix(struct mrc_gen *gen, size_t nr_accesses,
		     uint64_t *ret_pages, bool *ret_is_write)
{
	double sum = gen->parts[gen->nr_parts - 1].weight_sum;
	size_t i;

	for (i = 0; i < nr_accesses; i++) {
		double weight = mrc_random_unit(&gen->random) * sum;
		struct part *part = gen->parts;

		while (weight >= part->weight_sum &&
		       part < &gen->parts[gen->nr_parts - 1])
			part++;
		next_of_part(part, 1, &ret_pages[i],
			     ret_is_write == NULL ? NULL : &ret_is_write[i]);
	}
}

/* nr_pages is the part whose turn it is, position how far that has come. */
static void next_sequence(struct mrc_gen *gen, size_t nr_accesses,
			  uint64_t *ret_pages, bool *ret_is_write)
{
	while (nr_accesses > 0) {
		struct part *part = &gen->parts[gen->nr_pages];
		uint64_t nr_left = part->nr_accesses - gen->position;
		size_t nr = nr_accesses;

		if (nr > nr_left)
			nr = (size_t)nr_left;
		next_of_part(part, nr, ret_pages, ret_is_write);
		nr_accesses -= nr;
		ret_pages += nr;
		if (ret_is_write != NULL)
			ret_is_write += nr;
		gen->position += nr;
		if (nr == nr_left) {
			gen->position = 0;
			gen->nr_pages = (gen->nr_pages + 1) % gen->nr_parts;
		}
	}
}

static void next_scatter(struct mrc_gen *gen, size_t nr_accesses,
			 uint64_t *ret_pages, bool *ret_is_write)
{
	const struct permutation *permutation = &gen->u.permutation;
	size_t i;

	mrc_gen_next(gen->parts[0].gen, nr_accesses, ret_pages, ret_is_write);
	for (i = 0; i < nr_accesses; i++)
		if (permutation->nr_pages == 0 ||
		    ret_pages[i] < permutation->nr_pages)
			ret_pages[i] = permute(permutation, ret_pages[i]);
}

/* NULL without memory. Nothing writes, position is 0. */
static struct mrc_gen *gen_alloc(void (*next)(struct mrc_gen *, size_t,
					      uint64_t *, bool *),
				 size_t nr_parts, uint64_t nr_pages)
{
	struct mrc_gen *gen =
		calloc(1, sizeof(*gen) + nr_parts * sizeof(gen->parts[0]));

	if (gen == NULL)
		return NULL;
	gen->next = next;
	gen->nr_parts = nr_parts;
	gen->nr_pages = nr_pages;
	return gen;
}

int mrc_gen_new_uniform(uint64_t nr_pages, uint64_t seed,
			struct mrc_gen **ret_gen)
{
	struct mrc_gen *gen;

	if (nr_pages == 0)
		return -EINVAL;
	gen = gen_alloc(next_uniform, 0, nr_pages);
	if (gen == NULL)
		return -ENOMEM;
	gen->random = random_of(STREAM_UNIFORM, seed);
	*ret_gen = gen;
	return 0;
}

int mrc_gen_new_hot(uint64_t nr_pages, uint64_t nr_hot_pages,
		    double hot_access_ratio, uint64_t seed,
		    struct mrc_gen **ret_gen)
{
	struct mrc_gen *gen;

	if (nr_hot_pages == 0 || nr_hot_pages >= nr_pages)
		return -EINVAL;
	if (!(hot_access_ratio >= 0 && hot_access_ratio <= 1))
		return -EINVAL;
	gen = gen_alloc(next_hot, 0, nr_pages);
	if (gen == NULL)
		return -ENOMEM;
	gen->random = random_of(STREAM_HOT, seed);
	gen->u.hot.nr_pages = nr_hot_pages;
	gen->u.hot.access_ratio = hot_access_ratio;
	*ret_gen = gen;
	return 0;
}

int mrc_gen_new_zipf(uint64_t nr_pages, double alpha, uint64_t seed,
		     struct mrc_gen **ret_gen)
{
	struct mrc_gen *gen;

	if (nr_pages == 0 || nr_pages > MRC_GEN_MAX_ZIPF_PAGES)
		return -EINVAL;
	if (!(alpha >= 0 && alpha <= MRC_GEN_MAX_ALPHA))
		return -EINVAL;
	gen = gen_alloc(next_zipf, 0, nr_pages);
	if (gen == NULL)
		return -ENOMEM;
	gen->random = random_of(STREAM_ZIPF, seed);
	zipf_init(&gen->u.zipf, nr_pages, alpha);
	*ret_gen = gen;
	return 0;
}

int mrc_gen_new_loop(uint64_t nr_pages, struct mrc_gen **ret_gen)
{
	struct mrc_gen *gen;

	if (nr_pages == 0)
		return -EINVAL;
	gen = gen_alloc(next_loop, 0, nr_pages);
	if (gen == NULL)
		return -ENOMEM;
	*ret_gen = gen;
	return 0;
}

int mrc_gen_new_scan(struct mrc_gen **ret_gen)
{
	struct mrc_gen *gen = gen_alloc(next_loop, 0, 0);

	if (gen == NULL)
		return -ENOMEM;
	*ret_gen = gen;
	return 0;
}

int mrc_gen_new_chase(uint64_t nr_pages, uint64_t seed,
		      struct mrc_gen **ret_gen)
{
	struct mrc_gen *gen;

	if (nr_pages == 0)
		return -EINVAL;
	gen = gen_alloc(next_chase, 0, nr_pages);
	if (gen == NULL)
		return -ENOMEM;
	permutation_init(&gen->u.permutation, nr_pages,
			 random_of(STREAM_CHASE, seed));
	*ret_gen = gen;
	return 0;
}

int mrc_gen_new_phases(const uint64_t *sizes_pages, size_t nr_sizes,
		       uint64_t nr_passes, bool is_random, uint64_t seed,
		       struct mrc_gen **ret_gen)
{
	struct mrc_random seeds = random_of(STREAM_PHASES, seed);
	struct mrc_gen *gen;
	size_t i;

	if (nr_sizes == 0 || nr_sizes > MRC_GEN_MAX_PARTS || nr_passes == 0)
		return -EINVAL;
	for (i = 0; i < nr_sizes; i++) {
		if (sizes_pages[i] == 0)
			return -EINVAL;
		if (sizes_pages[i] > UINT64_MAX / nr_passes)
			return -EOVERFLOW;
	}
	gen = gen_alloc(next_sequence, nr_sizes, 0);
	if (gen == NULL)
		return -ENOMEM;
	for (i = 0; i < nr_sizes; i++) {
		uint64_t part_seed = mrc_random_next(&seeds);
		struct part *part = &gen->parts[i];
		int err = is_random ?
				  mrc_gen_new_uniform(sizes_pages[i], part_seed,
						      &part->gen) :
				  mrc_gen_new_loop(sizes_pages[i], &part->gen);

		if (err < 0) {
			mrc_gen_free(gen);
			return err;
		}
		part->nr_accesses = sizes_pages[i] * nr_passes;
	}
	*ret_gen = gen;
	return 0;
}

int mrc_gen_new_mix(const struct mrc_gen_part *parts, size_t nr_parts,
		    uint64_t seed, struct mrc_gen **ret_gen)
{
	struct mrc_gen *gen;
	double sum = 0;
	size_t i;

	if (nr_parts == 0 || nr_parts > MRC_GEN_MAX_PARTS)
		return -EINVAL;
	for (i = 0; i < nr_parts; i++) {
		if (!(parts[i].weight > 0))
			return -EINVAL;
		sum += parts[i].weight;
	}
	if (!isfinite(sum))
		return -EINVAL;
	gen = gen_alloc(next_mix, nr_parts, 0);
	if (gen == NULL)
		return -ENOMEM;
	gen->random = random_of(STREAM_MIX, seed);
	sum = 0;
	for (i = 0; i < nr_parts; i++) {
		sum += parts[i].weight;
		gen->parts[i].gen = parts[i].gen;
		gen->parts[i].first_page = parts[i].first_page;
		gen->parts[i].weight_sum = sum;
	}
	*ret_gen = gen;
	return 0;
}

int mrc_gen_new_sequence(const struct mrc_gen_part *parts, size_t nr_parts,
			 struct mrc_gen **ret_gen)
{
	struct mrc_gen *gen;
	size_t i;

	if (nr_parts == 0 || nr_parts > MRC_GEN_MAX_PARTS)
		return -EINVAL;
	for (i = 0; i < nr_parts; i++)
		if (parts[i].nr_accesses == 0)
			return -EINVAL;
	gen = gen_alloc(next_sequence, nr_parts, 0);
	if (gen == NULL)
		return -ENOMEM;
	for (i = 0; i < nr_parts; i++) {
		gen->parts[i].gen = parts[i].gen;
		gen->parts[i].first_page = parts[i].first_page;
		gen->parts[i].nr_accesses = parts[i].nr_accesses;
	}
	*ret_gen = gen;
	return 0;
}

int mrc_gen_new_scatter(struct mrc_gen *gen, uint64_t nr_pages, uint64_t seed,
			struct mrc_gen **ret_gen)
{
	struct mrc_gen *scatter = gen_alloc(next_scatter, 1, nr_pages);

	if (scatter == NULL)
		return -ENOMEM;
	permutation_init(&scatter->u.permutation, nr_pages,
			 random_of(STREAM_SCATTER, seed));
	scatter->parts[0].gen = gen;
	*ret_gen = scatter;
	return 0;
}

void mrc_gen_free(struct mrc_gen *gen)
{
	size_t i;

	if (gen == NULL)
		return;
	for (i = 0; i < gen->nr_parts; i++)
		mrc_gen_free(gen->parts[i].gen);
	free(gen);
}

int mrc_gen_set_writes(struct mrc_gen *gen, double write_ratio, uint64_t seed)
{
	struct mrc_random seeds = random_of(STREAM_WRITES, seed);
	size_t i;

	if (!(write_ratio >= 0 && write_ratio <= 1))
		return -EINVAL;
	gen->write_ratio = write_ratio;
	gen->write_random.state = mrc_random_next(&seeds);
	for (i = 0; i < gen->nr_parts; i++)
		(void)mrc_gen_set_writes(gen->parts[i].gen, write_ratio,
					 mrc_random_next(&seeds));
	return 0;
}

void mrc_gen_next(struct mrc_gen *gen, size_t nr_accesses, uint64_t *ret_pages,
		  bool *ret_is_write)
{
	gen->next(gen, nr_accesses, ret_pages, ret_is_write);
}
