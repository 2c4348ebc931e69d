/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Workload generators: endless streams of page accesses with known properties.
 *
 * A generator is made of a seed and a few numbers and produces the same stream
 * wherever double is IEEE 754's and computed as such (FLT_EVAL_METHOD 0),
 * however it is cut into calls. Generators combine: a mixture draws from
 * several at random, a sequence runs them one after the other, a scattering
 * renames the pages of another one. Two of a kind need different seeds to be
 * independent; of different kinds, the same seed will do.
 *
 *	struct mrc_gen *zipf;
 *	struct mrc_gen *gen;
 *	uint64_t pages[256];
 *	int err = mrc_gen_new_zipf(1000000, 1.0, 42, &zipf);
 *	if (err == 0)
 *		err = mrc_gen_new_scatter(zipf, 1000000, 42, &gen);
 *	if (err < 0)
 *		...
 *	mrc_gen_next(gen, 256, pages, NULL);
 *	...
 *	mrc_gen_free(gen);	// and the one in it
 *
 * Ownership: the caller frees a generator with mrc_gen_free(). A combination
 * that was made successfully owns its parts: the caller must neither use nor
 * free them any more. After a failure they are still the caller's.
 * Threads: no globals. A generator is used by one thread at a time.
 * Errors: 0 or -errno; outputs are untouched on failure. Passing NULL where
 * only mrc_gen_free() and @ret_is_write allow it is undefined.
 */
#ifndef MRC_GEN_H
#define MRC_GEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Limits of mrc_gen_new_zipf(): what a double tells apart. */
#define MRC_GEN_MAX_ZIPF_PAGES (UINT64_C(1) << 40)
#define MRC_GEN_MAX_ALPHA 64.0

/* Most parts of a mixture or a sequence. */
#define MRC_GEN_MAX_PARTS 4096

/* A generator; opaque. Takes constant memory, whatever its number of pages. */
struct mrc_gen;

/**
 * mrc_gen_new_uniform() - pages [0, @nr_pages), all as likely
 * @nr_pages: at least 1
 * @seed: any
 * @ret_gen: the generator, to be freed with mrc_gen_free()
 *
 * Returns 0; -EINVAL @nr_pages is 0; -ENOMEM.
 */
int mrc_gen_new_uniform(uint64_t nr_pages, uint64_t seed,
			struct mrc_gen **ret_gen);

/**
 * mrc_gen_new_hot() - most accesses to few pages
 * @nr_pages: pages are [0, @nr_pages); at least 2
 * @nr_hot_pages: [0, @nr_hot_pages) are hot; at least 1, below @nr_pages
 * @hot_access_ratio: share of the accesses that go to hot pages, in [0, 1];
 *	among the hot pages and among the others all are as likely
 * @seed: any
 * @ret_gen: the generator, to be freed with mrc_gen_free()
 *
 * "80-20" has a fifth of the pages hot, and a ratio of 0.8.
 *
 * Returns 0; -EINVAL an argument is out of range; -ENOMEM.
 */
int mrc_gen_new_hot(uint64_t nr_pages, uint64_t nr_hot_pages,
		    double hot_access_ratio, uint64_t seed,
		    struct mrc_gen **ret_gen);

/**
 * mrc_gen_new_zipf() - page k - 1 with a probability proportional to k^-alpha
 * @nr_pages: pages are [0, @nr_pages), the most popular first (see
 *	mrc_gen_new_scatter()); 1 .. MRC_GEN_MAX_ZIPF_PAGES
 * @alpha: 0 (uniform) .. MRC_GEN_MAX_ALPHA; 1 is allowed
 * @seed: any
 * @ret_gen: the generator, to be freed with mrc_gen_free()
 *
 * Exact, by rejection-inversion, without a table. Source: Hoermann, Derflinger:
 * "Rejection-inversion to generate variates from monotone discrete
 * distributions", ACM TOMACS 6(3), 1996.
 *
 * Returns 0; -EINVAL an argument is out of range; -ENOMEM.
 */
int mrc_gen_new_zipf(uint64_t nr_pages, double alpha, uint64_t seed,
		     struct mrc_gen **ret_gen);

/**
 * mrc_gen_new_loop() - 0, 1, ... @nr_pages - 1, over and over
 * @nr_pages: at least 1
 * @ret_gen: the generator, to be freed with mrc_gen_free()
 *
 * Returns 0; -EINVAL @nr_pages is 0; -ENOMEM.
 */
int mrc_gen_new_loop(uint64_t nr_pages, struct mrc_gen **ret_gen);

/**
 * mrc_gen_new_scan() - 0, 1, 2, ...: no page twice
 * @ret_gen: the generator, to be freed with mrc_gen_free()
 *
 * Returns 0; -ENOMEM.
 */
int mrc_gen_new_scan(struct mrc_gen **ret_gen);

/**
 * mrc_gen_new_chase() - follow pointers through a random cycle of all pages
 * @nr_pages: pages are [0, @nr_pages); at least 1
 * @seed: any
 * @ret_gen: the generator, to be freed with mrc_gen_free()
 *
 * The reuse times of a loop, in an order without a pattern.
 *
 * Returns 0; -EINVAL @nr_pages is 0; -ENOMEM.
 */
int mrc_gen_new_chase(uint64_t nr_pages, uint64_t seed,
		      struct mrc_gen **ret_gen);

/**
 * mrc_gen_new_phases() - go over a set of pages that grows and shrinks
 * @sizes_pages: @nr_sizes sizes, each at least 1
 * @nr_sizes: 1 .. MRC_GEN_MAX_PARTS
 * @nr_passes: for each size the pages [0, size) are gone over so often; at
 *	least 1
 * @is_random: each pass is size accesses to pages drawn at random, all as
 *	likely; else it is 0, 1, ... size - 1
 * @seed: any; of no use if not @is_random
 * @ret_gen: the generator, to be freed with mrc_gen_free()
 *
 * After the last size comes the first again.
 *
 * Returns 0; -EINVAL a number is out of range; -EOVERFLOW a size times
 * @nr_passes is 2^64 or more; -ENOMEM.
 */
int mrc_gen_new_phases(const uint64_t *sizes_pages, size_t nr_sizes,
		       uint64_t nr_passes, bool is_random, uint64_t seed,
		       struct mrc_gen **ret_gen);

/**
 * struct mrc_gen_part - a generator in a mixture or a sequence
 * @gen: the part, none twice; owned by the combination from then on
 * @first_page: added to its page numbers, modulo 2^64
 * @weight: in a mixture: its share of the accesses is @weight divided by the
 *	sum of all weights; finite, above 0. Not used in a sequence.
 * @nr_accesses: in a sequence: it makes so many, at least 1, before the next
 *	part's turn. Not used in a mixture.
 */
struct mrc_gen_part {
	struct mrc_gen *gen;
	uint64_t first_page;
	double weight;
	uint64_t nr_accesses;
};

/**
 * mrc_gen_new_mix() - each access from a part that is drawn at random
 * @parts: @nr_parts of them; the array itself stays the caller's
 * @nr_parts: 1 .. MRC_GEN_MAX_PARTS
 * @seed: any
 * @ret_gen: the generator, to be freed with mrc_gen_free()
 *
 * Returns 0; -EINVAL a number is out of range; -ENOMEM.
 */
int mrc_gen_new_mix(const struct mrc_gen_part *parts, size_t nr_parts,
		    uint64_t seed, struct mrc_gen **ret_gen);

/**
 * mrc_gen_new_sequence() - part after part, and then from the first on
 * @parts: @nr_parts of them; the array itself stays the caller's
 * @nr_parts: 1 .. MRC_GEN_MAX_PARTS
 * @ret_gen: the generator, to be freed with mrc_gen_free()
 *
 * A part goes on where it was when its turn comes again.
 *
 * Returns 0; -EINVAL a number is out of range; -ENOMEM.
 */
int mrc_gen_new_sequence(const struct mrc_gen_part *parts, size_t nr_parts,
			 struct mrc_gen **ret_gen);

/**
 * mrc_gen_new_scatter() - the pages of another generator, renamed at random
 * @gen: the generator, owned by the new one from then on
 * @nr_pages: pages [0, @nr_pages) are renamed among each other, others keep
 *	their number; 0 stands for 2^64, which spreads a few pages over all of
 *	the range
 * @seed: chooses one of up to 2^64 bijections
 * @ret_gen: the generator, to be freed with mrc_gen_free()
 *
 * Real page numbers are not sorted by popularity.
 *
 * Returns 0; -ENOMEM.
 */
int mrc_gen_new_scatter(struct mrc_gen *gen, uint64_t nr_pages, uint64_t seed,
			struct mrc_gen **ret_gen);

/**
 * mrc_gen_free() - free a generator and its parts
 * @gen: generator or NULL
 */
void mrc_gen_free(struct mrc_gen *gen);

/**
 * mrc_gen_set_writes() - let some of the accesses write
 * @gen: generator; of a combination: all its parts
 * @write_ratio: probability that an access writes, in [0, 1]; 0 at first
 * @seed: any
 *
 * Which accesses write is drawn apart from the pages, which stay the same.
 *
 * Returns 0; -EINVAL @write_ratio is outside [0, 1].
 */
int mrc_gen_set_writes(struct mrc_gen *gen, double write_ratio, uint64_t seed);

/**
 * mrc_gen_next() - the next accesses
 * @gen: generator
 * @nr_accesses: how many
 * @ret_pages: their pages
 * @ret_is_write: whether they write; may be NULL
 */
void mrc_gen_next(struct mrc_gen *gen, size_t nr_accesses, uint64_t *ret_pages,
		  bool *ret_is_write);

#ifdef __cplusplus
}
#endif

#endif /* MRC_GEN_H */
