// SPDX-License-Identifier: LGPL-2.1-or-later
#include "workload.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "args.h"
#include "cleanup.h"
#include "log.h"
#include "words.h"

/* Parts that a line can have, and sizes of phases. */
#define WORKLOAD_MAX_PARTS 16
#define WORKLOAD_MAX_SIZES 64

/* That of OSTEP's 80-20 workload. */
#define WORKLOAD_HOT_PAGES_SHARE 0.2
#define WORKLOAD_HOT_ACCESS_RATIO 0.8

#define WORKLOAD_DEFAULT_PAGES 100000

const char workload_help[] =
	"A workload is KIND or KIND:KEY=VALUE,KEY=VALUE..., where KIND is\n"
	"  uniform   pages=N: all pages as likely\n"
	"  80-20     pages=N, hot=R (share of the pages that are hot, 0.2), ratio=R\n"
	"            (share of the accesses to these, 0.8)\n"
	"  zipf      pages=N, alpha=R (1): page k as likely as k^-alpha\n"
	"  loop      pages=N: 0, 1, ... N - 1, over and over\n"
	"  scan      no page twice\n"
	"  chase     pages=N: a loop through all pages in random order\n"
	"  phases    sizes=N-N-N..., passes=N (4), random=1: loops of several sizes\n"
	"and for each kind: first=N (added to its pages), scatter=1 (pages renamed at\n"
	"random), writes=R (share of the accesses that write), seed=N. pages is 100k if\n"
	"not given. Numbers take k, M, G. Joined by + they are mixed, in the shares\n"
	"weight=R (1); joined by / they follow each other, after accesses=N each.\n";

/**
 * struct workload - one generator as written
 */
struct workload {
	uint64_t pages;
	uint64_t first;
	uint64_t accesses;
	uint64_t passes;
	uint64_t seed;
	uint64_t sizes[WORKLOAD_MAX_SIZES];
	size_t nr_sizes;
	double alpha;
	double hot;
	double ratio;
	double weight;
	double writes;
	uint64_t is_random;
	uint64_t is_scattered;
};

static int workload_new_uniform(const struct workload *workload,
				struct mrc_gen **ret_gen)
{
	return mrc_gen_new_uniform(workload->pages, workload->seed, ret_gen);
}

static int workload_new_hot(const struct workload *workload,
			    struct mrc_gen **ret_gen)
{
	double hot = workload->hot * (double)workload->pages;

	if (workload->hot > 1)
		return -EINVAL;
	return mrc_gen_new_hot(workload->pages, (uint64_t)(hot + 0.5),
			       workload->ratio, workload->seed, ret_gen);
}

static int workload_new_zipf(const struct workload *workload,
			     struct mrc_gen **ret_gen)
{
	return mrc_gen_new_zipf(workload->pages, workload->alpha,
				workload->seed, ret_gen);
}

static int workload_new_loop(const struct workload *workload,
			     struct mrc_gen **ret_gen)
{
	return mrc_gen_new_loop(workload->pages, ret_gen);
}

static int workload_new_scan(const struct workload *workload,
			     struct mrc_gen **ret_gen)
{
	(void)workload;
	return mrc_gen_new_scan(ret_gen);
}

static int workload_new_chase(const struct workload *workload,
			      struct mrc_gen **ret_gen)
{
	return mrc_gen_new_chase(workload->pages, workload->seed, ret_gen);
}

static int workload_new_phases(const struct workload *workload,
			       struct mrc_gen **ret_gen)
{
	return mrc_gen_new_phases(workload->sizes, workload->nr_sizes,
				  workload->passes, workload->is_random,
				  workload->seed, ret_gen);
}

static const struct workload_kind {
	const char *name;
	const char *keys;
	int (*create)(const struct workload *workload,
		      struct mrc_gen **ret_gen);
} workload_kinds[] = {
	{ "uniform", " pages ", workload_new_uniform },
	{ "80-20", " pages hot ratio ", workload_new_hot },
	{ "zipf", " pages alpha ", workload_new_zipf },
	{ "loop", " pages ", workload_new_loop },
	{ "scan", "", workload_new_scan },
	{ "chase", " pages ", workload_new_chase },
	{ "phases", " sizes passes random ", workload_new_phases },
};

#define WORKLOAD_COMMON_KEYS " first scatter writes seed weight accesses "

static const struct workload_kind *workload_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(workload_kinds) / sizeof(workload_kinds[0]);
	     i++) {
		if (strcmp(name, workload_kinds[i].name) == 0)
			return &workload_kinds[i];
	}
	return NULL;
}

static bool workload_has_key(const char *keys, const char *key)
{
	const char *found = strstr(keys, key);

	return found && found[-1] == ' ' && found[strlen(key)] == ' ';
}

static int workload_parse_sizes(const char *value, struct workload *workload)
{
	char word[WORD_BYTES];

	workload->nr_sizes = 0;
	while (value) {
		if (workload->nr_sizes == WORKLOAD_MAX_SIZES ||
		    words_next(&value, '-', word) < 0 ||
		    args_count(word, 1, UINT64_MAX,
			       &workload->sizes[workload->nr_sizes]) < 0)
			return -EINVAL;
		workload->nr_sizes++;
	}
	return 0;
}

static int workload_set(struct workload *workload, const char *key,
			const char *value)
{
	const struct {
		const char *key;
		uint64_t min, max;
		uint64_t *number;
	} numbers[] = {
		{ "pages", 1, UINT64_MAX, &workload->pages },
		{ "first", 0, UINT64_MAX, &workload->first },
		{ "accesses", 1, UINT64_MAX, &workload->accesses },
		{ "passes", 1, UINT64_MAX, &workload->passes },
		{ "seed", 0, UINT64_MAX, &workload->seed },
		{ "random", 0, 1, &workload->is_random },
		{ "scatter", 0, 1, &workload->is_scattered },
	};
	const struct {
		const char *key;
		double *number;
	} decimals[] = {
		{ "alpha", &workload->alpha },
		{ "hot", &workload->hot },
		{ "ratio", &workload->ratio },
		{ "weight", &workload->weight },
		{ "writes", &workload->writes },
	};
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (strcmp(key, numbers[i].key) == 0)
			return args_count(value, numbers[i].min, numbers[i].max,
					  numbers[i].number);
	}
	for (i = 0; i < sizeof(decimals) / sizeof(decimals[0]); i++) {
		if (strcmp(key, decimals[i].key) == 0)
			return args_decimal(value, decimals[i].number);
	}
	return workload_parse_sizes(value, workload);
}

static int workload_parse_keys(const struct workload_kind *kind,
			       const char *keys, struct workload *workload)
{
	char word[WORD_BYTES];

	while (keys) {
		char *value;

		if (words_next(&keys, ',', word) < 0) {
			log_error(
				"workload '%s': expected KEY=VALUE after , or :",
				kind->name);
			return -EINVAL;
		}
		value = words_split(word, '=');
		if (!value) {
			log_error("workload '%s': '%s' is not KEY=VALUE",
				  kind->name, word);
			return -EINVAL;
		}
		if (!workload_has_key(kind->keys, word) &&
		    !workload_has_key(WORKLOAD_COMMON_KEYS, word)) {
			log_error(
				"workload '%s' has no '%s': see 'mrc generate --help'",
				kind->name, word);
			return -EINVAL;
		}
		if (workload_set(workload, word, value) < 0) {
			log_error("workload '%s': %s cannot be '%s'",
				  kind->name, word, value);
			return -EINVAL;
		}
	}
	return 0;
}

/* Takes over *@gen in any case. */
static int workload_finish(const struct workload *workload,
			   struct mrc_gen **gen)
{
	struct mrc_gen *scattered;
	int err;

	if (workload->is_scattered) {
		err = mrc_gen_new_scatter(*gen, workload->pages, workload->seed,
					  &scattered);
		if (err < 0)
			return err;
		*gen = scattered;
	}
	return mrc_gen_set_writes(*gen, workload->writes, workload->seed);
}

static int workload_new_part(char *text, uint64_t seed,
			     struct mrc_gen_part *ret_part)
{
	const char *keys = words_split(text, ':');
	const struct workload_kind *kind = workload_find(text);
	struct workload workload = {
		.pages = WORKLOAD_DEFAULT_PAGES,
		.passes = 4,
		.seed = seed,
		.alpha = 1,
		.hot = WORKLOAD_HOT_PAGES_SHARE,
		.ratio = WORKLOAD_HOT_ACCESS_RATIO,
		.weight = 1,
	};
	struct mrc_gen *gen = NULL;
	int err;

	if (!kind) {
		log_error("unknown workload '%s': see 'mrc generate --help'",
			  text);
		return -EINVAL;
	}
	err = workload_parse_keys(kind, keys, &workload);
	if (err < 0)
		return err;
	if (kind->create == workload_new_phases && workload.nr_sizes == 0) {
		log_error("workload 'phases' needs sizes=N-N-N...");
		return -EINVAL;
	}
	err = kind->create(&workload, &gen);
	if (err == 0)
		err = workload_finish(&workload, &gen);
	if (err < 0) {
		mrc_gen_free(gen);
		log_error(
			"workload '%s': %s", kind->name,
			err == -ENOMEM ?
				"out of memory" :
				"a number is out of range: see 'mrc generate --help'");
		return err;
	}
	*ret_part = (struct mrc_gen_part){
		.gen = gen,
		.first_page = workload.first,
		.weight = workload.weight,
		.nr_accesses = workload.accesses,
	};
	return 0;
}

static int workload_combine(const struct mrc_gen_part *parts, size_t nr_parts,
			    bool is_sequence, uint64_t seed,
			    struct mrc_gen **ret_gen)
{
	size_t i;
	int err;

	for (i = 0; i < nr_parts && is_sequence; i++) {
		if (parts[i].nr_accesses == 0) {
			log_error("workloads joined by / need accesses=N each");
			return -EINVAL;
		}
	}
	if (is_sequence)
		err = mrc_gen_new_sequence(parts, nr_parts, ret_gen);
	else
		err = mrc_gen_new_mix(parts, nr_parts, seed, ret_gen);
	if (err < 0)
		log_error("workloads cannot be joined: %s",
			  err == -ENOMEM ? "out of memory" :
					   "weight must be above 0");
	return err;
}

int workload_new(const char *text, uint64_t seed, struct mrc_gen **ret_gen)
{
	bool is_sequence = strchr(text, '/') != NULL;
	struct mrc_gen_part parts[WORKLOAD_MAX_PARTS];
	const char *list = text;
	char word[WORD_BYTES];
	size_t nr_parts = 0;
	int err = 0;

	if (is_sequence && strchr(text, '+')) {
		log_error("workloads are joined either by + or by /");
		return -EINVAL;
	}
	while (err == 0 && list) {
		if (nr_parts == WORKLOAD_MAX_PARTS ||
		    words_next(&list, is_sequence ? '/' : '+', word) < 0) {
			log_error(
				"'%s' is no workload: see 'mrc generate --help'",
				text);
			err = -EINVAL;
			break;
		}
		/* Two of a kind shall not do the same. */
		err = workload_new_part(word, seed + nr_parts,
					&parts[nr_parts]);
		if (err == 0)
			nr_parts++;
	}
	if (err == 0 && nr_parts == 1 && parts[0].first_page == 0)
		*ret_gen = parts[0].gen;
	else if (err == 0)
		err = workload_combine(parts, nr_parts, is_sequence, seed,
				       ret_gen);
	if (err < 0) {
		while (nr_parts > 0)
			mrc_gen_free(parts[--nr_parts].gen);
	}
	return err;
}
