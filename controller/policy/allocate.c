// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/allocate.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

/* Of the sum of all costs: differences that may be rounding. */
#define ROUNDING 1e-12

/* The search ends early after so many steps (some 2 ns each), or states, or if
 * the states may spread over more units. */
#define MAX_STEPS 20000000
#define MAX_NODES 1000000
#define MAX_SPREAD 1000000

/**
 * struct edge - an edge of a hull
 * @end: index of the point at its right end
 * @worth: by how much the cost falls per unit; falls from edge to edge
 */
struct edge {
	uint32_t end;
	double worth;
};

/**
 * struct hulls - the convex hulls of all choices, as edges
 * @edges: of all, one choice after the other; only those with @worth above 0
 * @first: index of each choice's first edge, and the end
 * @taken: edges of each choice that are taken at @price, as an index of @edges
 * @price: worth of the last unit
 */
struct hulls {
	struct edge *edges;
	size_t *first;
	size_t *taken;
	double price;
};

/**
 * struct level - units that are worth trying for a choice
 * @delta: units beyond its base
 * @regret: how much more these cost than the base, with units at their price;
 *	at least 0
 */
struct level {
	int64_t delta;
	double regret;
};

/**
 * struct core - a choice for which there is more than its base to try
 * @choice: index
 * @levels: index of its first level; the base itself is among them
 * @nr_levels: number
 * @up: least regret per unit of levels above the base
 * @down: likewise below
 */
struct core {
	size_t choice;
	size_t levels;
	size_t nr_levels;
	double up;
	double down;
};

/* How a state came about: @delta of choice, after those of the parent. */
struct node {
	uint32_t parent;
	uint32_t choice;
	int64_t delta;
};

#define NO_NODE UINT32_MAX

/**
 * struct state - some cores decided, all else at its base
 * @delta: units beyond all bases
 * @regret: sum
 * @node: how
 */
struct state {
	int64_t delta;
	double regret;
	uint32_t node;
};

struct slot {
	double regret;
	uint32_t parent;
	uint32_t level;
};

/**
 * struct search - the dynamic programming
 * @slack_units: of the capacity that all bases leave
 * @step_units: all deltas are multiples of it. Equal VMs have equal cliffs, and
 *	then it is large and states are few
 * @price: as in struct hulls
 * @best: least regret found of a whole division, units left over at their price
 * @best_node: its state; NO_NODE: the division from the hulls
 * @rounding: differences below are none
 * @negligible: nor those per unit
 */
struct search {
	const struct allocate_choice *choices;
	const int64_t *bases;
	int64_t slack_units;
	int64_t step_units;
	double price;
	double best;
	uint32_t best_node;
	double rounding;
	double negligible;
	struct level *levels;
	size_t nr_levels;
	size_t max_levels;
	struct core *cores;
	size_t nr_cores;
	double *least_up;
	double *least_down;
	struct state *states;
	size_t nr_states;
	size_t max_states;
	struct slot *slots;
	size_t max_slots;
	struct node *nodes;
	size_t nr_nodes;
	size_t max_nodes;
	size_t nr_steps;
};

static double segment_cost(const struct allocate_point *from,
			   const struct allocate_point *to, int64_t units)
{
	double share = (double)(units - from->units) /
		       (double)(to->units - from->units);

	return from->cost + share * (to->cost - from->cost);
}

double allocate_cost(const struct allocate_choice *choice, int64_t units)
{
	const struct allocate_point *points = choice->points;
	size_t low = 0, high = choice->nr_points;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (points[mid].units <= units)
			low = mid;
		else
			high = mid;
	}
	if (points[low].units == units)
		return points[low].cost;
	return segment_cost(&points[low], &points[low + 1], units);
}

/* Makes room for one more in a growing array. */
static int reserve(void *array, size_t nr, size_t *max, size_t size)
{
	size_t new_max = *max ? *max * 2 : 256;
	void *new;

	if (nr < *max)
		return 0;
	new = reallocarray(*(void **)array, new_max, size);
	if (!new)
		return -ENOMEM;
	*(void **)array = new;
	*max = new_max;
	return 0;
}

/* Appends the hull's edges of a choice; returns the new end. */
static size_t hull_add(struct edge *edges, size_t first,
		       const struct allocate_choice *choice)
{
	const struct allocate_point *points = choice->points;
	size_t end = first;
	uint32_t i;

	for (i = 1; i < choice->nr_points; i++) {
		double worth;

		/* Edges that do not get flatter are below no chord. */
		for (;; end--) {
			const struct allocate_point *from =
				&points[end > first ? edges[end - 1].end : 0];

			worth = (from->cost - points[i].cost) /
				(double)(points[i].units - from->units);
			if (end == first || edges[end - 1].worth > worth)
				break;
		}
		edges[end] = (struct edge){ .end = i, .worth = worth };
		end++;
	}
	/* Nobody takes what is worth nothing. */
	while (end > first && edges[end - 1].worth <= 0)
		end--;
	return end;
}

static int hulls_init(const struct allocate_choice *choices, size_t nr_choices,
		      struct hulls *hulls)
{
	size_t i, nr_points = 0;

	for (i = 0; i < nr_choices; i++)
		nr_points += choices[i].nr_points;
	hulls->edges = calloc(nr_points + 1, sizeof(*hulls->edges));
	hulls->first = calloc(nr_choices + 1, sizeof(*hulls->first));
	hulls->taken = calloc(nr_choices + 1, sizeof(*hulls->taken));
	if (!hulls->edges || !hulls->first || !hulls->taken)
		return -ENOMEM;
	for (i = 0; i < nr_choices; i++)
		hulls->first[i + 1] =
			hull_add(hulls->edges, hulls->first[i], &choices[i]);
	return 0;
}

static void hulls_done(struct hulls *hulls)
{
	free(hulls->edges);
	free(hulls->first);
	free(hulls->taken);
}

/* Index behind the edges in [from, to) that are worth more than @price. */
static size_t edges_above(const struct edge *edges, size_t from, size_t to,
			  double price)
{
	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (edges[mid].worth > price)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

static int64_t units_at(const struct hulls *hulls,
			const struct allocate_choice *choice, size_t first,
			size_t taken)
{
	uint32_t point = taken > first ? hulls->edges[taken - 1].end : 0;

	return choice->points[point].units;
}

static uint64_t double_bits(double number)
{
	uint64_t bits;

	memcpy(&bits, &number, sizeof(bits));
	return bits;
}

static double bits_double(uint64_t bits)
{
	double number;

	memcpy(&number, &bits, sizeof(number));
	return number;
}

/*
 * Finds the lowest price at which the edges worth more fit, and takes them.
 * Bisects on the bits of the price, which are ordered as positive doubles are,
 * so that it ends at the very worth of an edge. Returns the units left over.
 */
static int hulls_price(struct hulls *hulls,
		       const struct allocate_choice *choices, size_t nr_choices,
		       int64_t capacity_units, int64_t *ret_left_units)
{
	_cleanup_free_ size_t *most = calloc(nr_choices + 1, sizeof(*most));
	_cleanup_free_ size_t *mid = calloc(nr_choices + 1, sizeof(*mid));
	uint64_t low = 0, high;
	int64_t units, least = 0, all = 0;
	double dearest = 0;
	size_t i;

	if (!most || !mid)
		return -ENOMEM;
	for (i = 0; i < nr_choices; i++) {
		size_t first = hulls->first[i], end = hulls->first[i + 1];

		least += choices[i].points[0].units;
		all += units_at(hulls, &choices[i], first, end);
		hulls->taken[i] = first;
		most[i] = end;
		if (end > first)
			dearest = fmax(dearest, hulls->edges[first].worth);
	}
	if (least > capacity_units)
		return -ERANGE;
	if (all <= capacity_units) {
		memcpy(hulls->taken, most, nr_choices * sizeof(*most));
		hulls->price = 0;
		*ret_left_units = capacity_units - all;
		return 0;
	}
	/* At low they do not fit, at high they do; taken and most are theirs. */
	for (high = double_bits(dearest); high - low > 1;) {
		uint64_t middle = low + (high - low) / 2;
		double price = bits_double(middle);

		units = 0;
		for (i = 0; i < nr_choices; i++) {
			mid[i] = hulls->taken[i];
			if (mid[i] < most[i])
				mid[i] = edges_above(hulls->edges, mid[i],
						     most[i], price);
			units += units_at(hulls, &choices[i], hulls->first[i],
					  mid[i]);
		}
		if (units <= capacity_units) {
			high = middle;
			least = units;
			memcpy(hulls->taken, mid, nr_choices * sizeof(*mid));
		} else {
			low = middle;
			memcpy(most, mid, nr_choices * sizeof(*mid));
		}
	}
	hulls->price = bits_double(high);
	*ret_left_units = capacity_units - least;
	return 0;
}

static double regret_at(const struct search *search, size_t choice,
			double base_cost, int64_t units, double cost)
{
	double regret = cost - base_cost +
			search->price * (double)(units - search->bases[choice]);

	return fmax(regret, 0);
}

static int add_level(struct search *search, struct core *core, int64_t units,
		     double regret)
{
	int64_t delta = units - search->bases[core->choice];
	double per_unit;
	int err;

	err = reserve(&search->levels, search->nr_levels, &search->max_levels,
		      sizeof(*search->levels));
	if (err)
		return err;
	search->levels[search->nr_levels++] = (struct level){
		.delta = delta,
		.regret = delta ? regret : 0,
	};
	core->nr_levels++;
	if (delta) {
		per_unit = regret / fabs((double)delta);
		if (delta > 0)
			core->up = fmin(core->up, per_unit);
		else
			core->down = fmin(core->down, per_unit);
	}
	return 0;
}

/*
 * Finds all units of a choice within the gap, less those that cost no less than
 * fewer units do.
 */
static int find_levels(struct search *search, struct core *core)
{
	const struct allocate_choice *choice = &search->choices[core->choice];
	const struct allocate_point *points = choice->points;
	int64_t base = search->bases[core->choice];
	double base_cost = allocate_cost(choice, base);
	double gap = search->best, least_cost = INFINITY;
	int64_t least_units = 0;
	size_t i;
	int err;

	core->levels = search->nr_levels;
	core->up = core->down = INFINITY;
	for (i = 0; i < choice->nr_points; i++) {
		bool is_last = i + 1 == choice->nr_points;
		double from, to;
		int64_t units, end;

		from = regret_at(search, core->choice, base_cost,
				 points[i].units, points[i].cost);
		to = is_last ?
			     INFINITY :
			     regret_at(search, core->choice, base_cost,
				       points[i + 1].units, points[i + 1].cost);
		if (from > gap && to > gap)
			continue;
		units = points[i].units;
		end = is_last ? units + 1 : points[i + 1].units;
		/* Linear: what is within the gap is a part at one end. */
		if (from > gap)
			units = end - 1 -
				(int64_t)fmin((double)(end - 1 - units),
					      (gap - to) / (from - to) *
						      (double)(end - units));
		for (; units < end; units++) {
			double cost, regret;

			cost = units == points[i].units ?
				       points[i].cost :
				       segment_cost(&points[i], &points[i + 1],
						    units);
			regret = regret_at(search, core->choice, base_cost,
					   units, cost);
			if (regret > gap && regret > from)
				break;
			if (units != base &&
			    (regret > gap ||
			     cost + search->negligible *
						     (double)(units -
							      least_units) >=
				     least_cost))
				continue;
			if (cost < least_cost) {
				least_cost = cost;
				least_units = units;
			}
			err = add_level(search, core, units, regret);
			if (err)
				return err;
		}
	}
	return 0;
}

static int64_t greatest_common_divisor(int64_t a, int64_t b)
{
	while (b) {
		int64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a < 0 ? -a : a;
}

static int compare_cores(const void *one, const void *other)
{
	const struct core *a = one, *b = other;
	double x = fmin(a->up, a->down), y = fmin(b->up, b->down);

	if (x != y)
		return x < y ? -1 : 1;
	return a->choice < b->choice ? -1 : a->choice > b->choice;
}

static int find_cores(struct search *search, size_t nr_choices)
{
	size_t i;
	int err;

	search->cores = calloc(nr_choices, sizeof(*search->cores));
	search->least_up = calloc(nr_choices + 1, sizeof(double));
	search->least_down = calloc(nr_choices + 1, sizeof(double));
	if (!search->cores || !search->least_up || !search->least_down)
		return -ENOMEM;
	for (i = 0; i < nr_choices; i++) {
		struct core *core = &search->cores[search->nr_cores];

		*core = (struct core){ .choice = i };
		err = find_levels(search, core);
		if (err)
			return err;
		if (core->nr_levels > 1)
			search->nr_cores++;
		else
			search->nr_levels = core->levels;
	}
	for (i = 0; i < search->nr_levels; i++)
		search->step_units = greatest_common_divisor(
			search->step_units, search->levels[i].delta);
	qsort(search->cores, search->nr_cores, sizeof(*search->cores),
	      compare_cores);
	search->least_up[search->nr_cores] = INFINITY;
	search->least_down[search->nr_cores] = INFINITY;
	for (i = search->nr_cores; i-- > 0;) {
		search->least_up[i] =
			fmin(search->least_up[i + 1], search->cores[i].up);
		search->least_down[i] =
			fmin(search->least_down[i + 1], search->cores[i].down);
	}
	return 0;
}

static int add_node(struct search *search, uint32_t parent, size_t choice,
		    int64_t delta)
{
	int err;

	err = reserve(&search->nodes, search->nr_nodes, &search->max_nodes,
		      sizeof(*search->nodes));
	if (err)
		return err;
	search->nodes[search->nr_nodes++] = (struct node){
		.parent = parent,
		.choice = (uint32_t)choice,
		.delta = delta,
	};
	return 0;
}

/* Drops levels that the best found since they were made beats. */
static void drop_levels(struct search *search)
{
	size_t i, j, nr;

	for (i = 0; i < search->nr_cores; i++) {
		struct core *core = &search->cores[i];
		struct level *levels = &search->levels[core->levels];

		for (j = 0, nr = 0; j < core->nr_levels; j++)
			if (levels[j].delta == 0 ||
			    levels[j].regret < search->best)
				levels[nr++] = levels[j];
		core->nr_levels = nr;
	}
}

/*
 * Begins with the best that one other choice can do about the split one's edge,
 * of @edge_units: with it left out, fill the gap; with it taken, make room. The
 * better the first division, the less there is to search.
 */
static int improve_by_one(struct search *search, size_t split,
			  int64_t edge_units)
{
	double best = search->best;
	bool is_taken = false;
	struct level level = { 0 };
	size_t i, j, choice = 0;
	int err = 0;

	for (i = 0; i < search->nr_cores; i++) {
		const struct core *core = &search->cores[i];

		if (core->choice == split)
			continue;
		for (j = 0; j < core->nr_levels; j++) {
			const struct level *other =
				&search->levels[core->levels + j];
			int64_t left = search->slack_units - other->delta;
			bool takes = left >= edge_units;
			double whole;

			if (left < 0)
				continue;
			if (takes)
				left -= edge_units;
			whole = other->regret + search->price * (double)left;
			if (whole >= best)
				continue;
			best = whole;
			level = *other;
			choice = core->choice;
			is_taken = takes;
		}
	}
	if (best >= search->best)
		return 0;
	if (is_taken)
		err = add_node(search, NO_NODE, split, edge_units);
	if (!err)
		err = add_node(search, is_taken ? 0 : NO_NODE, choice,
			       level.delta);
	if (err)
		return err;
	search->best = best;
	search->best_node = (uint32_t)search->nr_nodes - 1;
	drop_levels(search);
	return 0;
}

/*
 * What any whole division costs at least that completes a state with the cores
 * from @next on: units too many must be given back, units left are spent or
 * stay, each at the least regret there is.
 */
static double bound(const struct search *search, size_t next, int64_t delta,
		    double regret)
{
	int64_t left = search->slack_units - delta;

	if (left < 0)
		return regret + (double)-left * search->least_down[next];
	if (left > 0)
		regret += (double)left *
			  fmin(search->price, search->least_up[next]);
	return regret;
}

static bool is_beaten(const struct search *search, size_t next, int64_t delta,
		      double regret)
{
	return !(bound(search, next, delta, regret) <
		 search->best - search->rounding);
}

/* The deltas that can still be completed to something better than the best. */
static void limit_spread(const struct search *search, size_t next, int64_t *low,
			 int64_t *high)
{
	double spend = fmin(search->price, search->least_up[next]);
	double below = search->best / spend;
	double above = search->best / search->least_down[next];

	if (below < (double)(search->slack_units - *low))
		*low = search->slack_units - (int64_t)below - 1;
	if (above < (double)(*high - search->slack_units))
		*high = search->slack_units + (int64_t)above + 1;
	/* Truncated towards 0, which may be one step more. */
	*low = (*low / search->step_units - 1) * search->step_units;
	*high = (*high / search->step_units + 1) * search->step_units;
}

/* Takes the states out of the slots, less those that another one beats. */
static int collect(struct search *search, const struct core *core, size_t next,
		   int64_t low, int64_t high)
{
	double least_cost = INFINITY;
	int64_t delta;
	int err;

	search->nr_states = 0;
	for (delta = low; delta <= high; delta += search->step_units) {
		const struct slot *slot =
			&search->slots[(delta - low) / search->step_units];
		double cost = slot->regret - search->price * (double)delta;
		struct state state = {
			.delta = delta,
			.regret = slot->regret,
			.node = slot->parent,
		};
		int64_t step;

		if (isinf(slot->regret) || cost >= least_cost)
			continue;
		least_cost = cost;
		step = search->levels[core->levels + slot->level].delta;
		if (step) {
			err = add_node(search, slot->parent, core->choice,
				       step);
			if (err)
				return err;
			state.node = (uint32_t)search->nr_nodes - 1;
		}
		if (delta <= search->slack_units) {
			double whole =
				state.regret +
				search->price *
					(double)(search->slack_units - delta);

			if (whole < search->best) {
				search->best = whole;
				search->best_node = state.node;
			}
		}
		if (is_beaten(search, next, delta, state.regret))
			continue;
		err = reserve(&search->states, search->nr_states,
			      &search->max_states, sizeof(*search->states));
		if (err)
			return err;
		search->states[search->nr_states++] = state;
	}
	return 0;
}

/* Decides one more core in every state. -E2BIG: too long. */
static int expand(struct search *search, size_t index)
{
	const struct core *core = &search->cores[index];
	const struct level *levels = &search->levels[core->levels];
	int64_t low, high, spread, i;
	size_t j, k;

	low = search->states[0].delta + levels[0].delta;
	high = search->states[search->nr_states - 1].delta +
	       levels[core->nr_levels - 1].delta;
	limit_spread(search, index + 1, &low, &high);
	if (low > high) {
		search->nr_states = 0;
		return 0;
	}
	spread = (high - low) / search->step_units + 1;
	search->nr_steps +=
		search->nr_states * core->nr_levels + (size_t)spread / 8;
	if (spread > MAX_SPREAD || search->nr_steps > MAX_STEPS ||
	    search->nr_nodes > MAX_NODES)
		return -E2BIG;
	if ((size_t)spread > search->max_slots) {
		free(search->slots);
		search->max_slots = 0;
		search->slots = calloc((size_t)spread, sizeof(*search->slots));
		if (!search->slots)
			return -ENOMEM;
		search->max_slots = (size_t)spread;
	}
	for (i = 0; i < spread; i++)
		search->slots[i].regret = INFINITY;
	for (j = 0; j < search->nr_states; j++) {
		const struct state *state = &search->states[j];

		for (k = 0; k < core->nr_levels; k++) {
			int64_t delta = state->delta + levels[k].delta;
			double regret = state->regret + levels[k].regret;
			struct slot *slot;

			if (delta < low || delta > high)
				continue;
			slot = &search->slots[(delta - low) /
					      search->step_units];
			if (regret >= slot->regret)
				continue;
			*slot = (struct slot){
				.regret = regret,
				.parent = state->node,
				.level = (uint32_t)k,
			};
		}
	}
	return collect(search, core, index + 1, low, high);
}

static void search_done(struct search *search)
{
	free(search->levels);
	free(search->cores);
	free(search->least_up);
	free(search->least_down);
	free(search->states);
	free(search->slots);
	free(search->nodes);
}

/* Improves on the division from the hulls, if that can be done. */
static int search_run(struct search *search, size_t nr_choices, size_t split,
		      int64_t edge_units)
{
	size_t i;
	int err;

	err = find_cores(search, nr_choices);
	if (err)
		return err;
	err = improve_by_one(search, split, edge_units);
	if (err)
		return err;
	err = reserve(&search->states, 0, &search->max_states,
		      sizeof(*search->states));
	if (err)
		return err;
	search->states[0] = (struct state){ .node = NO_NODE };
	search->nr_states = 1;
	for (i = 0; i < search->nr_cores && search->nr_states; i++) {
		err = expand(search, i);
		if (err)
			return err;
	}
	return 0;
}

/* Searches from the division in @units, which leaves slack to the split one. */
static int improve(struct search *search, size_t nr_choices, size_t split,
		   int64_t edge_units, int64_t *units, bool *ret_is_exact)
{
	double gap = search->best;
	uint32_t node;
	int err;

	err = search_run(search, nr_choices, split, edge_units);
	if (err && err != -E2BIG)
		return err;
	*ret_is_exact = !err;
	if (search->best >= gap) {
		const struct allocate_choice *choice = &search->choices[split];
		int64_t all = units[split] + search->slack_units;

		if (allocate_cost(choice, all) <
		    allocate_cost(choice, units[split]))
			units[split] = all;
		return 0;
	}
	for (node = search->best_node; node != NO_NODE;
	     node = search->nodes[node].parent)
		units[search->nodes[node].choice] += search->nodes[node].delta;
	return 0;
}

/*
 * Gives what is left to whoever has the least bit of use for it: differences
 * that were not searched for.
 */
static void spend_rest(const struct allocate_choice *choices, size_t nr_choices,
		       int64_t left, int64_t *units)
{
	size_t i, j;

	for (i = 0; i < nr_choices && left > 0; i++) {
		const struct allocate_choice *choice = &choices[i];
		double cost = allocate_cost(choice, units[i]);

		for (j = 0; j < choice->nr_points; j++) {
			const struct allocate_point *point = &choice->points[j];
			int64_t more = point->units - units[i];
			double then;

			if (more <= 0)
				continue;
			if (more > left)
				more = left;
			then = allocate_cost(choice, units[i] + more);
			if (then >= cost)
				break;
			units[i] += more;
			left -= more;
			cost = then;
			if (left == 0)
				break;
		}
	}
}

static int64_t sum_units(const int64_t *units, size_t nr_choices)
{
	int64_t sum = 0;
	size_t i;

	for (i = 0; i < nr_choices; i++)
		sum += units[i];
	return sum;
}

int allocate_units(const struct allocate_choice *choices, size_t nr_choices,
		   int64_t capacity_units, double negligible,
		   int64_t *ret_units, bool *ret_is_exact)
{
	struct search search CLEANUP(search_done) = {
		.choices = choices,
		.best_node = NO_NODE,
		.negligible = negligible,
	};
	struct hulls hulls CLEANUP(hulls_done) = { 0 };
	_cleanup_free_ int64_t *units = calloc(nr_choices + 1, sizeof(*units));
	size_t i, split = nr_choices;
	double gap = 0, scale = 0;
	int64_t left, edge = 0;
	bool is_exact = true;
	int err;

	if (!units)
		return -ENOMEM;
	err = hulls_init(choices, nr_choices, &hulls);
	if (err)
		return err;
	err = hulls_price(&hulls, choices, nr_choices, capacity_units, &left);
	if (err)
		return err;

	/* Edges worth exactly the price: the last one may fit in part only. */
	for (i = 0; i < nr_choices; i++) {
		const struct edge *next = &hulls.edges[hulls.taken[i]];
		int64_t more;

		units[i] = units_at(&hulls, &choices[i], hulls.first[i],
				    hulls.taken[i]);
		if (left > 0 && hulls.taken[i] < hulls.first[i + 1] &&
		    hulls.price > 0 && next->worth == hulls.price) {
			more = choices[i].points[next->end].units - units[i];
			if (more <= left) {
				units[i] += more;
				left -= more;
			} else if (split == nr_choices) {
				split = i;
				edge = more;
			}
		}
		scale += fabs(allocate_cost(&choices[i], units[i]));
	}
	search.rounding = ROUNDING * scale;
	if (split < nr_choices && left > 0)
		gap = allocate_cost(&choices[split], units[split] + left) -
		      allocate_cost(&choices[split], units[split]) +
		      hulls.price * (double)left;
	if (gap > search.rounding) {
		search.bases = units;
		search.slack_units = left;
		search.price = hulls.price;
		search.best = gap;
		err = improve(&search, nr_choices, split, edge, units,
			      &is_exact);
		if (err)
			return err;
		spend_rest(choices, nr_choices,
			   capacity_units - sum_units(units, nr_choices),
			   units);
	} else if (split < nr_choices) {
		units[split] += left;
	}
	memcpy(ret_units, units, nr_choices * sizeof(*units));
	*ret_is_exact = is_exact;
	return 0;
}
