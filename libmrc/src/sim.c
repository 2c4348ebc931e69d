// SPDX-License-Identifier: LGPL-2.1-or-later
/* pthread_sigmask() and sigset_t. */
#define _POSIX_C_SOURCE 200809L

#include <mrc/sim.h>

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "curve_points.h"
#include "page_ids.h"
#include "sim_lane.h"

/* References that wait to be simulated together; their ids stay in the cache. */
#define CHUNK_REFS 32768

#define MAX_SIZES 65534

struct policy {
	struct mrc_sim_policy_info info;
	const struct mrc_sim_ops *ops;
	uint64_t max_accesses; /* 0: any number */
};

static const struct policy policies[MRC_SIM_NR_POLICIES] = {
	[MRC_SIM_OPT] = {
		.info = {
			.name = "opt",
			.description = "used again farthest in the future",
			.is_stack = true,
			.needs_future = true,
		},
		.ops = &mrc_sim_opt_ops,
		.max_accesses = UINT32_MAX - 1,
	},
	[MRC_SIM_FIFO] = {
		.info = {
			.name = "fifo",
			.description = "loaded longest ago",
		},
		.ops = &mrc_sim_fifo_ops,
	},
	[MRC_SIM_RANDOM] = {
		.info = {
			.name = "random",
			.description = "any page",
			.is_random = true,
		},
		.ops = &mrc_sim_random_ops,
	},
	[MRC_SIM_LRU] = {
		.info = {
			.name = "lru",
			.description = "not used for longest",
			.is_stack = true,
		},
		.ops = &mrc_sim_lru_ops,
	},
	[MRC_SIM_LFU] = {
		.info = {
			.name = "lfu",
			.description = "used least often",
			.is_stack = true,
		},
		.ops = &mrc_sim_lfu_ops,
		.max_accesses = UINT64_C(1) << 36,
	},
	[MRC_SIM_MRU] = {
		.info = {
			.name = "mru",
			.description = "used last",
			.is_stack = true,
		},
		.ops = &mrc_sim_mru_ops,
	},
	[MRC_SIM_CLOCK] = {
		.info = {
			.name = "clock",
			.description = "first not used since the hand passed",
		},
		.ops = &mrc_sim_clock_ops,
	},
	[MRC_SIM_CLOCK_CLEAN] = {
		.info = {
			.name = "clock-clean",
			.description = "as clock, but clean pages first",
			.heeds_writes = true,
		},
		.ops = &mrc_sim_clock_clean_ops,
	},
	[MRC_SIM_CLOCK_RANDOM] = {
		.info = {
			.name = "clock-random",
			.description = "as clock, but looking at random",
			.is_random = true,
		},
		.ops = &mrc_sim_clock_random_ops,
	},
	[MRC_SIM_ARC] = {
		.info = {
			.name = "arc",
			.description = "adapts between recency and frequency",
		},
		.ops = &mrc_sim_arc_ops,
	},
	[MRC_SIM_2Q] = {
		.info = {
			.name = "2q",
			.description = "pages used once leave by a queue of their own",
		},
		.ops = &mrc_sim_2q_ops,
	},
	[MRC_SIM_S3FIFO] = {
		.info = {
			.name = "s3-fifo",
			.description = "small and main FIFO queue, and ghosts",
		},
		.ops = &mrc_sim_s3fifo_ops,
	},
	[MRC_SIM_SIEVE] = {
		.info = {
			.name = "sieve",
			.description = "as clock, but new pages go to the end",
		},
		.ops = &mrc_sim_sieve_ops,
	},
};

struct mrc_sim {
	const struct policy *policy;
	uint64_t seed;
	uint32_t *sizes; /* no size needs more pages than there are ids */
	uint64_t *sizes_pages;
	size_t nr_sizes;

	struct mrc_page_ids page_ids;
	uint64_t nr_accesses;

	/* What is not to be counted: the results of the warm-up. */
	struct mrc_sim_result *warm_up;

	/* Accesses not simulated yet; all of them if the future is needed. */
	uint32_t *ids;
	uint8_t *are_writes; /* NULL while none were given */
	size_t nr_refs;
	size_t max_refs;

	/* Size i is number i / nr_lanes in lane i % nr_lanes. */
	struct mrc_sim_lane **lanes;
	size_t nr_lanes;
	size_t nr_reserved; /* pages the lanes have room for */
	struct worker *workers;
	size_t nr_workers;
};

/* A thread, which runs every nr_workers-th lane. */
struct worker {
	struct mrc_sim *sim;
	const struct mrc_sim_refs *refs;
	size_t first_lane;
	pthread_t thread;
	bool is_started;
};

static const struct policy *find_policy(enum mrc_sim_policy policy)
{
	if ((unsigned int)policy >= MRC_SIM_NR_POLICIES)
		return NULL;
	return &policies[policy];
}

const struct mrc_sim_policy_info *
mrc_sim_policy_info(enum mrc_sim_policy policy)
{
	const struct policy *found = find_policy(policy);

	return found != NULL ? &found->info : NULL;
}

const char *mrc_sim_policy_name(enum mrc_sim_policy policy)
{
	const struct policy *found = find_policy(policy);

	return found != NULL ? found->info.name : NULL;
}

int mrc_sim_policy_from_name(const char *name, enum mrc_sim_policy *ret_policy)
{
	int i;

	for (i = 0; i < MRC_SIM_NR_POLICIES; i++) {
		if (strcmp(policies[i].info.name, name) == 0) {
			*ret_policy = (enum mrc_sim_policy)i;
			return 0;
		}
	}
	return -EINVAL;
}

void *mrc_sim_grow(void *array, size_t old_nr, size_t nr, size_t size)
{
	char *grown;

	if (nr > SIZE_MAX / size)
		return NULL;
	grown = realloc(array, nr * size);
	if (grown != NULL && nr > old_nr)
		memset(grown + old_nr * size, 0, (nr - old_nr) * size);
	return grown;
}

static void free_lanes(struct mrc_sim *sim)
{
	size_t i;

	for (i = 0; i < sim->nr_lanes; i++) {
		sim->policy->ops->free(sim->lanes[i]);
		sim->lanes[i] = NULL;
	}
	sim->nr_reserved = 0;
}

/* -ENOMEM; then there are no lanes. */
static int new_lanes(struct mrc_sim *sim)
{
	uint32_t *sizes = malloc(sim->nr_sizes * sizeof(*sizes));
	size_t i;
	size_t j;

	if (sizes == NULL)
		return -ENOMEM;
	for (i = 0; i < sim->nr_lanes; i++) {
		size_t nr_sizes = 0;

		for (j = i; j < sim->nr_sizes; j += sim->nr_lanes)
			sizes[nr_sizes++] = sim->sizes[j];
		sim->lanes[i] =
			sim->policy->ops->new (sizes, nr_sizes, sim->seed);
		if (sim->lanes[i] == NULL) {
			free_lanes(sim);
			free(sizes);
			return -ENOMEM;
		}
	}
	free(sizes);
	return 0;
}

static int check_sizes(const uint64_t *sizes_pages, size_t nr_sizes)
{
	size_t i;

	if (nr_sizes == 0 || nr_sizes > MAX_SIZES || sizes_pages[0] == 0)
		return -EINVAL;
	for (i = 1; i < nr_sizes; i++)
		if (sizes_pages[i] <= sizes_pages[i - 1])
			return -EINVAL;
	return 0;
}

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Few lanes are fast, but every thread gets as many as the others. */
static void choose_lanes(struct mrc_sim *sim, unsigned int nr_threads)
{
	size_t max_sizes = sim->policy->ops->max_sizes;
	size_t nr_lanes = (sim->nr_sizes + max_sizes - 1) / max_sizes;

	sim->nr_workers = min_size(nr_threads, sim->nr_sizes);
	if (sim->nr_workers == 0)
		sim->nr_workers = 1;
	nr_lanes = (nr_lanes + sim->nr_workers - 1) / sim->nr_workers *
		   sim->nr_workers;
	sim->nr_lanes = min_size(nr_lanes, sim->nr_sizes);
}

int mrc_sim_new(enum mrc_sim_policy policy, const uint64_t *sizes_pages,
		size_t nr_sizes, const struct mrc_sim_options *options,
		struct mrc_sim **ret_sim)
{
	const struct policy *found = find_policy(policy);
	struct mrc_sim_options none = { .seed = 0 };
	struct mrc_sim *sim;
	size_t i;
	int err;

	if (found == NULL)
		return -EINVAL;
	err = check_sizes(sizes_pages, nr_sizes);
	if (err < 0)
		return err;
	if (options == NULL)
		options = &none;

	sim = calloc(1, sizeof(*sim));
	if (sim == NULL)
		return -ENOMEM;
	sim->policy = found;
	sim->seed = options->seed;
	sim->nr_sizes = nr_sizes;
	choose_lanes(sim, options->nr_threads);
	sim->max_refs = CHUNK_REFS;
	sim->ids = malloc(sim->max_refs * sizeof(*sim->ids));
	sim->sizes = malloc(nr_sizes * sizeof(*sim->sizes));
	sim->sizes_pages = malloc(nr_sizes * sizeof(*sim->sizes_pages));
	sim->workers = calloc(sim->nr_workers, sizeof(*sim->workers));
	sim->lanes = calloc(sim->nr_lanes, sizeof(struct mrc_sim_lane *));
	sim->warm_up = calloc(nr_sizes, sizeof(*sim->warm_up));
	err = -ENOMEM;
	if (sim->ids == NULL || sim->sizes == NULL ||
	    sim->sizes_pages == NULL || sim->workers == NULL ||
	    sim->lanes == NULL || sim->warm_up == NULL)
		goto out;
	for (i = 0; i < nr_sizes; i++) {
		sim->sizes_pages[i] = sizes_pages[i];
		sim->sizes[i] = sizes_pages[i] < UINT32_MAX ?
					(uint32_t)sizes_pages[i] :
					UINT32_MAX;
	}
	err = found->info.needs_future ? 0 : new_lanes(sim);
out:
	if (err < 0) {
		mrc_sim_free(sim);
		return err;
	}
	*ret_sim = sim;
	return 0;
}

void mrc_sim_free(struct mrc_sim *sim)
{
	if (sim == NULL)
		return;
	if (sim->lanes != NULL)
		free_lanes(sim);
	mrc_page_ids_exit(&sim->page_ids);
	free(sim->warm_up);
	free(sim->lanes);
	free(sim->workers);
	free(sim->sizes_pages);
	free(sim->sizes);
	free(sim->are_writes);
	free(sim->ids);
	free(sim);
}

static void *run_lanes(void *data)
{
	const struct worker *worker = data;
	const struct mrc_sim *sim = worker->sim;
	size_t i;

	for (i = worker->first_lane; i < sim->nr_lanes; i += sim->nr_workers)
		sim->policy->ops->run(sim->lanes[i], worker->refs);
	return NULL;
}

/* The caller is the first worker, and also those that cannot be started. */
static void run_workers(struct mrc_sim *sim, const struct mrc_sim_refs *refs)
{
	sigset_t all;
	sigset_t old;
	size_t i;

	if (refs->nr_refs == 0)
		return;
	for (i = 0; i < sim->nr_workers; i++)
		sim->workers[i] = (struct worker){
			.sim = sim,
			.refs = refs,
			.first_lane = i,
		};
	if (sim->nr_workers > 1) {
		/* The program's signals are not for these threads. */
		(void)sigfillset(&all);
		(void)pthread_sigmask(SIG_SETMASK, &all, &old);
		for (i = 1; i < sim->nr_workers; i++)
			sim->workers[i].is_started =
				pthread_create(&sim->workers[i].thread, NULL,
					       run_lanes,
					       &sim->workers[i]) == 0;
		(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	}
	for (i = 0; i < sim->nr_workers; i++)
		if (!sim->workers[i].is_started)
			(void)run_lanes(&sim->workers[i]);
	for (i = 1; i < sim->nr_workers; i++)
		if (sim->workers[i].is_started)
			(void)pthread_join(sim->workers[i].thread, NULL);
}

/* Make room for all that waits. -ENOMEM. */
static int reserve_lanes(struct mrc_sim *sim)
{
	size_t nr_pages = mrc_page_ids_nr_pages(&sim->page_ids);
	size_t i;
	int err;

	/* By half more each time, so that all pages pay O(1) for growth. */
	if (nr_pages > sim->nr_reserved && !sim->policy->info.needs_future)
		nr_pages += nr_pages / 2;
	nr_pages = nr_pages > sim->nr_reserved ? nr_pages : sim->nr_reserved;
	for (i = 0; i < sim->nr_lanes; i++) {
		err = sim->policy->ops->reserve(sim->lanes[i], nr_pages,
						sim->are_writes != NULL);
		if (err < 0)
			return err;
	}
	sim->nr_reserved = nr_pages;
	return 0;
}

static void run_all(struct mrc_sim *sim)
{
	const struct mrc_sim_refs refs = {
		.ids = sim->ids,
		.are_writes = sim->are_writes,
		.nr_refs = sim->nr_refs,
	};

	run_workers(sim, &refs);
}

/* -ENOMEM; then the accesses still wait. */
static int flush(struct mrc_sim *sim)
{
	int err;

	if (sim->nr_refs == 0)
		return 0;
	err = reserve_lanes(sim);
	if (err < 0)
		return err;
	run_all(sim);
	sim->nr_refs = 0;
	return 0;
}

/* Twice as many accesses may wait. -ENOMEM. */
static int grow_refs(struct mrc_sim *sim)
{
	size_t max_refs = sim->max_refs * 2;
	uint8_t *are_writes;
	uint32_t *ids;

	ids = mrc_sim_grow(sim->ids, sim->max_refs, max_refs, sizeof(*ids));
	if (ids == NULL)
		return -ENOMEM;
	sim->ids = ids;
	if (sim->are_writes != NULL) {
		are_writes = mrc_sim_grow(sim->are_writes, sim->max_refs,
					  max_refs, sizeof(*are_writes));
		if (are_writes == NULL)
			return -ENOMEM;
		sim->are_writes = are_writes;
	}
	sim->max_refs = max_refs;
	return 0;
}

static int make_room(struct mrc_sim *sim)
{
	if (sim->nr_refs < sim->max_refs)
		return 0;
	return sim->policy->info.needs_future ? grow_refs(sim) : flush(sim);
}

static void set_writes(struct mrc_sim *sim, const uint8_t *are_writes,
		       size_t nr_refs)
{
	size_t i;

	if (sim->are_writes == NULL)
		return;
	for (i = 0; i < nr_refs; i++)
		sim->are_writes[sim->nr_refs + i] = are_writes != NULL &&
						    are_writes[i] != 0;
}

static size_t max_more_accesses(const struct mrc_sim *sim)
{
	if (sim->policy->max_accesses == 0)
		return SIZE_MAX;
	return sim->policy->max_accesses - sim->nr_accesses;
}

int mrc_sim_access_writes_n(struct mrc_sim *sim, const uint64_t *pages,
			    const uint8_t *are_writes, size_t nr_pages)
{
	size_t max_batch = CHUNK_REFS;
	int err;

	if (nr_pages == 0)
		return 0;
	if (are_writes != NULL && sim->are_writes == NULL) {
		sim->are_writes = calloc(sim->max_refs, sizeof(uint8_t));
		if (sim->are_writes == NULL)
			return -ENOMEM;
	}
	while (nr_pages > 0) {
		size_t nr = min_size(nr_pages, max_batch);

		err = make_room(sim);
		if (err < 0)
			return err;
		nr = min_size(nr, sim->max_refs - sim->nr_refs);
		nr = min_size(nr, max_more_accesses(sim));
		if (nr == 0)
			return -EOVERFLOW;
		err = mrc_page_ids_get(&sim->page_ids, pages, nr,
				       sim->ids + sim->nr_refs);
		if (err < 0 && nr == 1)
			return err;
		if (err < 0) {
			/* One by one, to count all those before the bad one. */
			max_batch = 1;
			continue;
		}
		set_writes(sim, are_writes, nr);
		sim->nr_refs += nr;
		sim->nr_accesses += nr;
		pages += nr;
		if (are_writes != NULL)
			are_writes += nr;
		nr_pages -= nr;
	}
	return 0;
}

int mrc_sim_access_n(struct mrc_sim *sim, const uint64_t *pages,
		     size_t nr_pages)
{
	return mrc_sim_access_writes_n(sim, pages, NULL, nr_pages);
}

int mrc_sim_access(struct mrc_sim *sim, uint64_t page, bool is_write)
{
	const uint8_t write = 1;

	return mrc_sim_access_writes_n(sim, &page, is_write ? &write : NULL, 1);
}

uint64_t mrc_sim_nr_accesses(const struct mrc_sim *sim)
{
	return sim->nr_accesses;
}

size_t mrc_sim_nr_sizes(const struct mrc_sim *sim)
{
	return sim->nr_sizes;
}

/* Misses and write-backs, from the first access on. -ENOMEM. */
static int count_lanes(const struct mrc_sim *sim,
		       struct mrc_sim_result *ret_results)
{
	uint64_t *misses = malloc(sim->nr_sizes * sizeof(*misses));
	uint64_t *write_backs = malloc(sim->nr_sizes * sizeof(*write_backs));
	size_t i;
	size_t j;

	if (misses == NULL || write_backs == NULL) {
		free(misses);
		free(write_backs);
		return -ENOMEM;
	}
	for (i = 0; i < sim->nr_lanes; i++) {
		size_t nr = 0;

		sim->policy->ops->count(sim->lanes[i], misses, write_backs);
		for (j = i; j < sim->nr_sizes; j += sim->nr_lanes) {
			ret_results[j].nr_misses = misses[nr];
			ret_results[j].nr_write_backs = write_backs[nr];
			nr++;
		}
	}
	free(misses);
	free(write_backs);
	return 0;
}

/* When the page of each access is used next; NULL without memory. */
static uint32_t *find_next_uses(const struct mrc_sim *sim)
{
	size_t nr_pages = mrc_page_ids_nr_pages(&sim->page_ids);
	uint32_t *next_uses = malloc((sim->nr_refs + 1) * sizeof(*next_uses));
	uint32_t *uses = malloc((nr_pages + 1) * sizeof(*uses));
	size_t i;

	if (next_uses == NULL || uses == NULL) {
		free(next_uses);
		free(uses);
		return NULL;
	}
	for (i = 0; i < nr_pages; i++)
		uses[i] = MRC_SIM_NEVER;
	for (i = sim->nr_refs; i > 0; i--) {
		uint32_t id = sim->ids[i - 1];

		if (i > MRC_SIM_AHEAD)
			__builtin_prefetch(&uses[sim->ids[i - MRC_SIM_AHEAD]]);
		next_uses[i - 1] = uses[id];
		uses[id] = (uint32_t)(i - 1);
	}
	free(uses);
	return next_uses;
}

static int count_with_future(struct mrc_sim *sim,
			     struct mrc_sim_result *ret_results)
{
	uint32_t *next_uses = find_next_uses(sim);
	struct mrc_sim_refs refs = {
		.ids = sim->ids,
		.are_writes = sim->are_writes,
		.next_uses = next_uses,
		.nr_refs = sim->warm_up[0].nr_accesses,
	};
	int err;

	if (next_uses == NULL)
		return -ENOMEM;
	err = new_lanes(sim);
	if (err == 0)
		err = reserve_lanes(sim);
	if (err < 0)
		goto out;
	/* What the warm-up comes to depends on what follows. */
	run_workers(sim, &refs);
	err = count_lanes(sim, sim->warm_up);
	if (err < 0)
		goto out;
	refs.ids += refs.nr_refs;
	refs.next_uses += refs.nr_refs;
	if (refs.are_writes != NULL)
		refs.are_writes += refs.nr_refs;
	refs.nr_refs = sim->nr_refs - refs.nr_refs;
	run_workers(sim, &refs);
	err = count_lanes(sim, ret_results);
out:
	free_lanes(sim);
	free(next_uses);
	return err;
}

/* As mrc_sim_results(), but with the warm-up. */
static int get_totals(struct mrc_sim *sim, struct mrc_sim_result *ret_results)
{
	size_t i;
	int err;

	if (sim->policy->info.needs_future) {
		err = count_with_future(sim, ret_results);
	} else {
		err = flush(sim);
		if (err == 0)
			err = count_lanes(sim, ret_results);
	}
	for (i = 0; err == 0 && i < sim->nr_sizes; i++) {
		ret_results[i].nr_accesses = sim->nr_accesses;
		ret_results[i].nr_cold = mrc_page_ids_nr_pages(&sim->page_ids);
	}
	return err;
}

int mrc_sim_end_warm_up(struct mrc_sim *sim)
{
	return get_totals(sim, sim->warm_up);
}

int mrc_sim_results(struct mrc_sim *sim, struct mrc_sim_result *ret_results)
{
	size_t i;
	int err;

	err = get_totals(sim, ret_results);
	if (err < 0)
		return err;
	for (i = 0; i < sim->nr_sizes; i++) {
		struct mrc_sim_result *result = &ret_results[i];
		const struct mrc_sim_result *less = &sim->warm_up[i];

		result->size_pages = sim->sizes_pages[i];
		result->nr_accesses -= less->nr_accesses;
		result->nr_misses -= less->nr_misses;
		result->nr_cold -= less->nr_cold;
		result->nr_write_backs -= less->nr_write_backs;
		result->nr_hits = result->nr_accesses - result->nr_misses;
	}
	return 0;
}

double mrc_sim_hit_ratio(const struct mrc_sim_result *result)
{
	if (result->nr_accesses == 0)
		return NAN;
	return (double)result->nr_hits / (double)result->nr_accesses;
}

double mrc_sim_hit_ratio_warm(const struct mrc_sim_result *result)
{
	if (result->nr_accesses == result->nr_cold)
		return NAN;
	return (double)result->nr_hits /
	       (double)(result->nr_accesses - result->nr_cold);
}

int mrc_sim_curve(struct mrc_sim *sim, struct mrc_curve **ret_curve)
{
	struct mrc_sim_result *results;
	struct mrc_curve *curve = NULL;
	uint64_t nr_accesses;
	uint64_t fewest;
	size_t i;
	int err;

	nr_accesses = sim->nr_accesses - sim->warm_up[0].nr_accesses;
	if (nr_accesses == 0)
		return -ENODATA;
	fewest = nr_accesses;
	results = malloc(sim->nr_sizes * sizeof(*results));
	if (results == NULL)
		return -ENOMEM;
	err = mrc_sim_results(sim, results);
	if (err == 0) {
		curve = mrc_curve_alloc(1 + sim->nr_sizes);
		err = curve == NULL ? -ENOMEM : 0;
	}
	for (i = 0; err == 0 && i < sim->nr_sizes; i++) {
		if (results[i].nr_misses < fewest)
			fewest = results[i].nr_misses;
		mrc_curve_append(curve, (double)sim->sizes_pages[i],
				 (double)fewest / (double)nr_accesses);
	}
	free(results);
	if (err == 0)
		*ret_curve = curve;
	return err;
}

double mrc_amat_ns(double hit_ratio, double memory_ns, double miss_ns)
{
	/* Written so that a NaN fails. */
	if (!(hit_ratio >= 0 && hit_ratio <= 1 && memory_ns >= 0 &&
	      miss_ns >= 0))
		return NAN;
	return hit_ratio * memory_ns + (1 - hit_ratio) * miss_ns;
}
