/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ways to a miss-ratio curve, one row of a table each. As the user writes
 * them: NAME or NAME@PARAMETER.
 */
#ifndef CMD_ALGORITHM_H
#define CMD_ALGORITHM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mrc/curve.h>

/* Room for a label, such as "shards@0.01". */
#define ALGORITHM_LABEL_BYTES 64

enum algorithm_parameter {
	ALGORITHM_PLAIN,
	/* Share of the pages or accesses that is sampled: 0.01 or 1/100. */
	ALGORITHM_RATE,
	/* Number of pages in the sample. */
	ALGORITHM_SAMPLES,
};

/**
 * struct algorithm_choice - an algorithm and how to run it
 * @algorithm: which
 * @rate: share that is sampled, in (0, 1]
 * @nr_samples: pages in the sample
 * @seed: of the choice of the sample
 * @label: as the user wrote it, or the name
 */
struct algorithm_choice {
	const struct algorithm *algorithm;
	double rate;
	uint64_t nr_samples;
	uint64_t seed;
	char label[ALGORITHM_LABEL_BYTES];
};

/**
 * struct algorithm - a row
 * @name: for the user
 * @description: for the help
 * @parameter: what may stand behind the @
 * @create: 0 or -errno
 * @access_n: 0 or -errno
 * @curve: 0; -ENODATA nothing was sampled; -errno
 * @destroy: takes NULL
 * @band: ends of a confidence band at a level; NULL if there is none
 */
struct algorithm {
	const char *name;
	const char *description;
	enum algorithm_parameter parameter;
	int (*create)(const struct algorithm_choice *choice, void **ret_object);
	int (*access_n)(void *object, const uint64_t *pages, size_t nr_pages);
	int (*curve)(void *object, struct mrc_curve **ret_curve);
	void (*destroy)(void *object);
	int (*band)(void *object, double level, struct mrc_curve **ret_lower,
		    struct mrc_curve **ret_upper);
};

extern const struct algorithm algorithms[];
extern const size_t nr_algorithms;

/*
 * Reads one. -EINVAL: it is none, and the reason was logged. A rate or number
 * that is not given is the algorithm's default.
 */
int algorithm_choose(const char *text, struct algorithm_choice *ret_choice);

#endif /* CMD_ALGORITHM_H */
