/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Page-replacement policies, simulated reference by reference: what a memory
 * of a given size would really hit, and what the best possible one would.
 *
 * One simulation has one policy and a list of memory sizes, all of which see
 * the same accesses. A page is loaded when it is accessed and absent (demand
 * paging): one miss loads one page, and if the memory is full, one page leaves.
 * The first access to a page is a cold miss at every size and in every policy.
 *
 *	const uint64_t sizes_pages[] = { 1000, 2000, 4000 };
 *	struct mrc_sim_result results[3];
 *	struct mrc_sim *sim;
 *	int err = mrc_sim_new(MRC_SIM_CLOCK, sizes_pages, 3, NULL, &sim);
 *	while (err == 0 && (nr_pages = next_pages(pages)) > 0)
 *		err = mrc_sim_access_n(sim, pages, nr_pages);
 *	if (err == 0)
 *		err = mrc_sim_results(sim, results);
 *	...
 *	mrc_sim_free(sim);
 *
 * A page may be written: it is then dirty, and when a dirty page leaves, that is
 * a write-back. Dirty pages still in memory are not counted.
 *
 * Results depend on the policy, the sizes, the accesses and the seed alone: not
 * on the number of threads, nor on how the accesses are cut into calls.
 *
 * Memory, with M distinct pages, and k sizes of c pages: some 16 bytes for a
 * page number, and
 * - LRU: 5 M; LFU: 16 M + 32 min(largest c, M);
 * - OPT: as LFU, and 4 bytes for each access, 8 and 1 more while results are
 *   computed, 1 more if any access is a write;
 * - ARC, 2Q, S3-FIFO: 9 M for each size;
 * - others: 1 to 5 bits of M for each size, the sizes rounded up to 64, and
 *   4 min(c, M) for each; SIEVE 8.
 * Writes add 8 M for each 64 sizes, or 2 M.
 *
 * Ownership: the caller frees what a function returns through ret_*, with
 * mrc_sim_free() and mrc_curve_free(). A simulation keeps no pointer it was given.
 * Threads: no globals. A simulation must not be used by two threads at once,
 * except by functions that take it const. It starts threads of its own only
 * if @nr_threads asks for more than one, and no thread outlives the call.
 * Errors: 0 or -errno; outputs are untouched on failure. Passing NULL where it is
 * not said to be allowed is undefined.
 */
#ifndef MRC_SIM_H
#define MRC_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mrc/curve.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * enum mrc_sim_policy - which page leaves a full memory
 * @MRC_SIM_OPT: the one used again farthest in the future; no policy misses
 *	less. Belady: "A study of replacement algorithms for a virtual-storage
 *	computer", IBM Systems Journal 5(2), 1966. Of those never used again,
 *	the one seen first at the latest.
 * @MRC_SIM_FIFO: the one loaded longest ago
 * @MRC_SIM_RANDOM: any, all as likely
 * @MRC_SIM_LRU: the one not used for longest
 * @MRC_SIM_LFU: the one used least often, counting all its accesses, also those
 *	before it was last loaded; of these the one not used for longest
 * @MRC_SIM_MRU: the one used last before this access
 * @MRC_SIM_CLOCK: the first without use bit from the hand on; the hand clears the
 *	bits it passes. Loading a page is a use. Corbato: "A paging experiment
 *	with the Multics system", 1968.
 * @MRC_SIM_CLOCK_CLEAN: Clock with use and dirty bit: the first page in the circle
 *	from the hand on that is neither used nor dirty; else the first that is
 *	dirty but not used, clearing the use bits passed; else, as there are no
 *	use bits left, again from the start.
 * @MRC_SIM_CLOCK_RANDOM: Clock that looks at pages at random instead of in a
 *	circle. Arpaci-Dusseau: "Operating Systems: Three Easy Pieces", ch. 22.
 * @MRC_SIM_ARC: Megiddo, Modha: "ARC: a self-tuning, low overhead replacement
 *	cache", FAST 2003
 * @MRC_SIM_2Q: the full version, Kin a quarter of the size, Kout half of it.
 *	Johnson, Shasha: "2Q: a low overhead high performance buffer management
 *	replacement algorithm", VLDB 1994.
 * @MRC_SIM_S3FIFO: small queue a tenth of the size, ghosts as many as the main
 *	queue has room for. Yang et al.: "FIFO queues are all you need for cache
 *	eviction", SOSP 2023.
 * @MRC_SIM_SIEVE: Zhang et al.: "SIEVE is simpler than LRU", NSDI 2024
 *
 * OPT, LRU, LFU and MRU have the stack property: a larger memory holds all that
 * a smaller one does, so it never misses more. The others may.
 */
enum mrc_sim_policy {
	MRC_SIM_OPT,
	MRC_SIM_FIFO,
	MRC_SIM_RANDOM,
	MRC_SIM_LRU,
	MRC_SIM_LFU,
	MRC_SIM_MRU,
	MRC_SIM_CLOCK,
	MRC_SIM_CLOCK_CLEAN,
	MRC_SIM_CLOCK_RANDOM,
	MRC_SIM_ARC,
	MRC_SIM_2Q,
	MRC_SIM_S3FIFO,
	MRC_SIM_SIEVE,
};

/* The policies are 0 to this minus 1; later versions may add some. */
#define MRC_SIM_NR_POLICIES 13

/**
 * struct mrc_sim_policy_info - what a caller may want to know of a policy
 * @name: a word of small letters, digits and -, such as "clock-clean"
 * @description: a few words to show to a person
 * @is_stack: it has the stack property
 * @is_random: it depends on the seed
 * @needs_future: it keeps all accesses until the simulation is freed
 * @heeds_writes: writes change what it evicts, not only the write-backs
 */
struct mrc_sim_policy_info {
	const char *name;
	const char *description;
	bool is_stack;
	bool is_random;
	bool needs_future;
	bool heeds_writes;
};

/**
 * mrc_sim_policy_info() - describe a policy
 * @policy: policy
 *
 * Returns a constant that stays valid; NULL if there is no such policy.
 */
const struct mrc_sim_policy_info *
mrc_sim_policy_info(enum mrc_sim_policy policy);

/**
 * mrc_sim_policy_name() - name of a policy
 * @policy: policy
 *
 * Returns a constant that stays valid; NULL if there is no such policy.
 */
const char *mrc_sim_policy_name(enum mrc_sim_policy policy);

/**
 * mrc_sim_policy_from_name() - policy of a name
 * @name: as mrc_sim_policy_name() gives it
 * @ret_policy: the policy
 *
 * Returns 0; -EINVAL there is no such policy.
 */
int mrc_sim_policy_from_name(const char *name, enum mrc_sim_policy *ret_policy);

/**
 * struct mrc_sim_options - how to simulate; all zero is the default
 * @seed: of the random choices; any value. Each size has choices of its own.
 * @nr_threads: threads that share the sizes among them; 0 and 1 mean the caller's
 *	alone. More than there are sizes is of no use.
 */
struct mrc_sim_options {
	uint64_t seed;
	unsigned int nr_threads;
};

/**
 * struct mrc_sim_result - what one size came to
 * @size_pages: the size
 * @nr_accesses: accesses simulated: @nr_hits + @nr_misses
 * @nr_hits: the page was in memory
 * @nr_misses: it was not
 * @nr_cold: misses among them that are a first access; the same at all sizes
 * @nr_write_backs: dirty pages that left
 */
struct mrc_sim_result {
	uint64_t size_pages;
	uint64_t nr_accesses;
	uint64_t nr_hits;
	uint64_t nr_misses;
	uint64_t nr_cold;
	uint64_t nr_write_backs;
};

/* A running simulation; opaque. */
struct mrc_sim;

/**
 * mrc_sim_new() - start with empty memories
 * @policy: policy
 * @sizes_pages: @nr_sizes sizes in pages, at least 1, strictly increasing
 * @nr_sizes: 1 to 65534
 * @options: options or NULL for the default
 * @ret_sim: the simulation, to be freed with mrc_sim_free()
 *
 * Returns 0; -EINVAL no such policy, or the sizes are not as above; -ENOMEM.
 */
int mrc_sim_new(enum mrc_sim_policy policy, const uint64_t *sizes_pages,
		size_t nr_sizes, const struct mrc_sim_options *options,
		struct mrc_sim **ret_sim);

/**
 * mrc_sim_free() - free a simulation
 * @sim: simulation or NULL
 */
void mrc_sim_free(struct mrc_sim *sim);

/**
 * mrc_sim_access() - one access
 * @sim: simulation
 * @page: page number, any value
 * @is_write: the page becomes dirty
 *
 * Returns 0; -ENOMEM; -EOVERFLOW more than UINT32_MAX distinct pages (in LRU
 * 2^30), or in OPT accesses, or 2^36 in LFU. A failed access is not counted and
 * may be tried again.
 */
int mrc_sim_access(struct mrc_sim *sim, uint64_t page, bool is_write);

/**
 * mrc_sim_access_n() - many reads, much faster than one by one
 * @sim: simulation
 * @pages: @nr_pages page numbers, in the order of access
 * @nr_pages: any number
 *
 * Returns as mrc_sim_access(). On failure some of the accesses are counted: the
 * first ones, as many as mrc_sim_nr_accesses() has grown by.
 */
int mrc_sim_access_n(struct mrc_sim *sim, const uint64_t *pages,
		     size_t nr_pages);

/**
 * mrc_sim_access_writes_n() - many accesses, some of them writes
 * @sim: simulation
 * @pages: as in mrc_sim_access_n()
 * @are_writes: @nr_pages bytes, not 0 where the access is a write
 * @nr_pages: any number
 *
 * Returns as mrc_sim_access_n().
 */
int mrc_sim_access_writes_n(struct mrc_sim *sim, const uint64_t *pages,
			    const uint8_t *are_writes, size_t nr_pages);

/**
 * mrc_sim_nr_accesses() - number of accesses so far, the warm-up included
 * @sim: simulation
 */
uint64_t mrc_sim_nr_accesses(const struct mrc_sim *sim);

/**
 * mrc_sim_nr_sizes() - number of sizes given to mrc_sim_new()
 * @sim: simulation
 */
size_t mrc_sim_nr_sizes(const struct mrc_sim *sim);

/**
 * mrc_sim_end_warm_up() - do not count the accesses so far
 * @sim: simulation; what is in memory stays, and pages seen are not cold again
 *
 * What mrc_sim_results() and mrc_sim_curve() say begins here. May be called again.
 *
 * Returns 0; -ENOMEM or -EOVERFLOW, as mrc_sim_access(), and nothing has changed.
 */
int mrc_sim_end_warm_up(struct mrc_sim *sim);

/**
 * mrc_sim_results() - the results so far, at all sizes
 * @sim: simulation; it may go on afterwards
 * @ret_results: mrc_sim_nr_sizes() results, in the order of the sizes
 *
 * OPT does its work here, from the first access on each time. It takes the
 * last access for the end of the world.
 *
 * Returns 0; -ENOMEM; -EOVERFLOW as mrc_sim_access().
 */
int mrc_sim_results(struct mrc_sim *sim, struct mrc_sim_result *ret_results);

/**
 * mrc_sim_hit_ratio() - hits per access
 * @result: result
 *
 * Returns the ratio, in [0, 1]; NaN if there was no access.
 */
double mrc_sim_hit_ratio(const struct mrc_sim_result *result);

/**
 * mrc_sim_hit_ratio_warm() - hits per access that is not cold
 * @result: result
 *
 * Returns the ratio, in [0, 1]; NaN if there was no such access.
 */
double mrc_sim_hit_ratio_warm(const struct mrc_sim_result *result);

/**
 * mrc_sim_curve() - the miss-ratio curve so far, cold misses included
 * @sim: simulation with at least one access; it may go on afterwards
 * @ret_curve: the curve, to be freed with mrc_curve_free(): from (0, 1) through
 *	the sizes, linear between them
 *
 * A curve never rises, but the miss ratio of a policy without the stack property
 * may, as in Belady's anomaly. Where it does, the curve keeps the ratio of the
 * smaller size: the best to be had by using no more than that much.
 * mrc_sim_results() has what was simulated.
 *
 * Returns 0; -ENODATA nothing was accessed, or not since the warm-up; -ENOMEM;
 * -EOVERFLOW as mrc_sim_access().
 */
int mrc_sim_curve(struct mrc_sim *sim, struct mrc_curve **ret_curve);

/**
 * mrc_amat_ns() - average memory access time
 * @hit_ratio: hits per access, in [0, 1]
 * @memory_ns: time of an access that hits, at least 0
 * @miss_ns: time of an access that misses, at least 0
 *
 * Returns @hit_ratio * @memory_ns + (1 - @hit_ratio) * @miss_ns; NaN if an
 * argument is out of range.
 */
double mrc_amat_ns(double hit_ratio, double memory_ns, double miss_ns);

#ifdef __cplusplus
}
#endif

#endif /* MRC_SIM_H */
