// SPDX-License-Identifier: LGPL-2.1-or-later
#include "aet_parts.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/*
 * A part's survival function at the edges of all buckets that are used in any
 * part, its integral, and the share of its accesses that are reused later than
 * that or never.
 */
struct edges {
	size_t nr;
	double *times; /* from 0 on */
};

struct curves {
	double *integral;
	double *longer;
	double end; /* survival behind the last edge */
};

static int find_edges(const struct mrc_parts *parts, struct edges *ret_edges)
{
	double *times = malloc((1 + 2 * parts->nr_buckets) * sizeof(*times));
	size_t nr = 1;
	size_t i;
	size_t p;

	if (times == NULL)
		return -ENOMEM;
	times[0] = 0;
	for (i = 0; i < parts->nr_buckets; i++) {
		uint64_t low = mrc_bucket_low(parts->sub_bucket_bits, i);
		uint64_t end =
			low + mrc_bucket_width(parts->sub_bucket_bits, i) - 1;

		for (p = 0; p < parts->nr_parts; p++)
			if (parts->parts[p].events[i] > 0 ||
			    parts->parts[p].censored[i] > 0 ||
			    parts->parts[p].lost[i] > 0)
				break;
		if (p == parts->nr_parts)
			continue;
		if (low > 0 && (double)(low - 1) > times[nr - 1])
			times[nr++] = (double)(low - 1);
		if ((double)end > times[nr - 1])
			times[nr++] = (double)end;
	}
	*ret_edges = (struct edges){ .nr = nr, .times = times };
	return 0;
}

/* A function of the age that is linear within a bucket, and its integral. */
struct descent {
	double value;
	double integral;
};

/* On over @width ages in which the value falls by @drop, evenly. */
static void descend(struct descent *descent, double width, double drop)
{
	descent->integral += width * descent->value - drop * (width - 1) / 2;
	descent->value -= drop;
}

/*
 * The accesses censored in a bucket are at risk for half of it, the actuarial
 * estimate, unless it holds one reuse time: they got that far. As in mrc_aet_curve(), survival falls linearly within a bucket.
 */
static void fill_curves(const struct mrc_parts *parts,
			const struct mrc_part *part, const struct edges *edges,
			struct curves *curves)
{
	/* Observed accesses per one that there should be. */
	double surplus =
		parts->slopes == NULL ?
			1 :
			part->nr_observed * parts->inverse_rate / part->length;
	struct descent survival = { .value = 1 };
	struct descent slope = { .value = 1 };
	double at_risk = part->nr_observed;
	double nr_known = at_risk; /* not lost, nor reused */
	double nr_longer = at_risk; /* the same, and their share of the lost */
	double nr_observed = fmax(part->nr_observed, 1);
	size_t i = 0;
	size_t e;

	curves->integral[0] = 0;
	curves->longer[0] = 1;
	for (e = 1; e < edges->nr; e++) {
		double width = edges->times[e] - edges->times[e - 1];
		double next_slope = slope.value;
		double drop = 0;

		/* Unused buckets, or the one that ends here. */
		for (; i < parts->nr_buckets &&
		       (double)mrc_bucket_low(parts->sub_bucket_bits, i) <=
			       edges->times[e];
		     i++) {
			double events = part->events[i];
			double censored = part->censored[i] + part->lost[i];
			double lost = part->lost[i];
			double half = 0;

			if (mrc_bucket_width(parts->sub_bucket_bits, i) > 1)
				half = 0.5;
			if (events > 0) {
				drop += (survival.value - drop) *
					fmin(events / (at_risk -
						       half * censored),
					     1);
				nr_longer -= fmin(
					events * (nr_longer /
						  (nr_known - half * lost)),
					nr_longer);
			}
			at_risk = fmax(at_risk - events - censored, 0);
			nr_known = fmax(nr_known - events - lost, 0);
			if (parts->slopes != NULL)
				next_slope = parts->slopes[i];
		}
		descend(&survival, width, drop);
		descend(&slope, width, slope.value - next_slope);
		curves->integral[e] = surplus * survival.integral -
				      (surplus - 1) * slope.integral;
		curves->longer[e] = surplus * nr_longer / nr_observed -
				    (surplus - 1) * slope.value;
	}
	curves->end =
		fmax(surplus * survival.value - (surplus - 1) * slope.value, 0);
}

/* The integral up to @time, at most @edge edges away; @edge moves with it. */
static double integral_at(const struct edges *edges,
			  const struct curves *curves, double time,
			  size_t *edge)
{
	size_t e = *edge;
	double share;

	while (e + 1 < edges->nr && edges->times[e + 1] <= time)
		e++;
	*edge = e;
	if (e + 1 == edges->nr)
		return curves->integral[e] +
		       curves->end * (time - edges->times[e]);
	share = (time - edges->times[e]) /
		(edges->times[e + 1] - edges->times[e]);
	return curves->integral[e] +
	       share * (curves->integral[e + 1] - curves->integral[e]);
}

/* Where the search for the two ends of a part's stretch goes on. */
struct cursor {
	size_t low;
	size_t high;
};

struct state {
	const struct mrc_parts *parts;
	struct edges edges;
	struct curves *curves; /* by part */
	double *starts; /* of the parts, in accesses */
	struct cursor *cursors; /* by part */
};

/* D(@now, @time), @now within part @last. */
static double distinct(struct state *state, size_t last, double now,
		       double time)
{
	double begin = now - time;
	double sum = 0;
	size_t p = last + 1;

	while (p-- > 0) {
		double low = fmax(state->starts[p] - begin, 0);
		double high = p == last ? time : state->starts[p + 1] - begin;

		/* What lies before the trace is like its first part. */
		if (p == 0)
			low = 0;
		sum += integral_at(&state->edges, &state->curves[p], high,
				   &state->cursors[p].high);
		if (low == 0)
			break;
		sum -= integral_at(&state->edges, &state->curves[p], low,
				   &state->cursors[p].low);
	}
	return sum;
}

/* Add the misses of part @p, as seen from @now within it. */
static void add_part(struct state *state, size_t p, double now, double weight,
		     const double *sizes, size_t nr_sizes, double *ratios)
{
	const struct edges *edges = &state->edges;
	const double *longer = state->curves[p].longer;
	double from = 0;
	double to = 0;
	size_t e = 0;
	size_t s;
	size_t i;

	for (i = 0; i < state->parts->nr_parts; i++)
		state->cursors[i] = (struct cursor){ 0 };
	for (s = 0; s < nr_sizes; s++) {
		double ratio = longer[e];

		while (e + 1 < edges->nr && to <= sizes[s]) {
			double next =
				distinct(state, p, now, edges->times[e + 1]);

			from = to;
			to = fmax(to, next);
			e++;
		}
		if (to <= sizes[s])
			ratio = longer[e];
		else
			ratio = longer[e - 1] + (longer[e] - longer[e - 1]) *
							(sizes[s] - from) /
							(to - from);
		ratios[s] += weight * ratio;
	}
}

static void free_state(struct state *state)
{
	size_t p;

	free(state->edges.times);
	for (p = 0; state->curves != NULL && p < state->parts->nr_parts; p++) {
		free(state->curves[p].integral);
		free(state->curves[p].longer);
	}
	free(state->curves);
	free(state->starts);
	free(state->cursors);
}

static int fill_state(struct state *state)
{
	size_t nr_parts = state->parts->nr_parts;
	size_t p;
	int err;

	err = find_edges(state->parts, &state->edges);
	if (err < 0)
		return err;
	state->curves = calloc(nr_parts, sizeof(*state->curves));
	state->starts = calloc(nr_parts + 1, sizeof(*state->starts));
	state->cursors = calloc(nr_parts, sizeof(*state->cursors));
	if (state->curves == NULL || state->starts == NULL ||
	    state->cursors == NULL)
		return -ENOMEM;
	for (p = 0; p < nr_parts; p++) {
		struct curves *curves = &state->curves[p];

		curves->integral = malloc(state->edges.nr * sizeof(double));
		curves->longer = malloc(state->edges.nr * sizeof(double));
		if (curves->integral == NULL || curves->longer == NULL)
			return -ENOMEM;
		fill_curves(state->parts, &state->parts->parts[p],
			    &state->edges, curves);
		state->starts[p + 1] =
			state->starts[p] + state->parts->parts[p].length;
	}
	return 0;
}

int mrc_parts_ratios(const struct mrc_parts *parts, const double *sizes,
		     size_t nr_sizes, double *ret_ratios)
{
	struct state state = { .parts = parts };
	double total;
	size_t s;
	size_t p;
	int err;

	err = fill_state(&state);
	if (err < 0) {
		free_state(&state);
		return err;
	}
	total = state.starts[parts->nr_parts];
	for (s = 0; s < nr_sizes; s++)
		ret_ratios[s] = 0;
	/* From the middle: more views of a part gain nothing. */
	for (p = 0; p < parts->nr_parts; p++)
		add_part(&state, p, (state.starts[p] + state.starts[p + 1]) / 2,
			 parts->parts[p].length / total, sizes, nr_sizes,
			 ret_ratios);
	free_state(&state);
	return 0;
}
