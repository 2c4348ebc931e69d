// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Feedback (policy_feedback.c) as long as the host can serve everybody; else a
 * game between the VMs.
 *
 * Player i chooses its utilisation r_i in [0, 1]. The system's is R = sum of
 * m_j r_j over M, m_j being what VM j has and M all of that; performance falls
 * with it, P - a R; utilisation has a price, which a VM feels by its weight, as
 * being short of memory is worse for one that matters more:
 *
 *	u_i = (P - a R) r_i - c w_i r_i,	weights of mean 1
 *
 * Conditions of first order, a linear system:
 *
 *	sum of m_j r_j  +  m_i r_i  =  (P - c w_i) M / a	for every i
 *
 * Its matrix is the all-equal rows m plus a diagonal m: adding up all rows gives
 * the sum, and that every r_i. A player whose r_i is outside [0, 1] plays the
 * bound, and the others' conditions are solved with it fixed. With equal m and w
 * that is the thesis's r* = (P - c) / (a b (n + 1)), b = m / M.
 *
 * Memory then is moved so that utilisations approach these: used_i / r_i, all
 * scaled down alike to fit the budget.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "cleanup.h"
#include "policy/plan.h"

/* Nobody plays less than this: its memory would be without bound. */
#define LEAST_USE 0.01

/**
 * struct player - a VM in the game
 * @vm: index
 * @memory: m
 * @used: of it
 * @income: (P - c w) M / a
 * @use: r
 * @is_bound: plays a bound
 */
struct player {
	size_t vm;
	double memory;
	double used;
	double income;
	double use;
	bool is_bound;
};

/* Solves the conditions of those not at a bound. True if none left the bounds. */
static bool solve(struct player *players, size_t nr_players)
{
	double fixed = 0, income = 0, sum;
	size_t i, nr_free = 0;
	bool is_inside = true;

	for (i = 0; i < nr_players; i++) {
		if (players[i].is_bound) {
			fixed += players[i].memory * players[i].use;
		} else {
			income += players[i].income;
			nr_free++;
		}
	}
	/* Of n rows: (n + 1) * sum of the free ones + n * fixed = income. */
	sum = fixed +
	      (income - (double)nr_free * fixed) / (double)(nr_free + 1);
	for (i = 0; i < nr_players; i++) {
		struct player *player = &players[i];

		if (player->is_bound)
			continue;
		player->use = (player->income - sum) / player->memory;
		if (player->use >= LEAST_USE && player->use <= 1)
			continue;
		player->use = player->use > 1 ? 1 : LEAST_USE;
		player->is_bound = true;
		is_inside = false;
	}
	return is_inside;
}

static size_t find_players(const struct policy_params *params,
			   const struct vm_view *vms, size_t nr_vms,
			   struct player *players)
{
	double memory = 0, weight = 0;
	size_t i, nr_players = 0;

	for (i = 0; i < nr_vms; i++) {
		uint64_t used_bytes;

		if (!plan_is_movable(&vms[i]) || vms[i].actual_bytes == 0 ||
		    !plan_used_bytes(params, &vms[i], &used_bytes))
			continue;
		players[nr_players++] = (struct player){
			.vm = i,
			.memory = (double)vms[i].actual_bytes,
			.used = (double)used_bytes,
		};
		memory += (double)vms[i].actual_bytes;
		weight += vms[i].limits.weight;
	}
	for (i = 0; i < nr_players; i++) {
		double price = params->game_price *
			       vms[players[i].vm].limits.weight *
			       (double)nr_players / weight;

		players[i].income = (params->game_performance - price) *
				    memory / params->game_slope;
	}
	return nr_players;
}

static double player_bytes(const struct player *player,
			   const struct vm_view *vms, double scale)
{
	const struct vm_limits *limits = &vms[player->vm].limits;
	double bytes = scale * player->used / player->use;

	return fmin(fmax(bytes, (double)limits->min_bytes),
		    (double)limits->max_bytes);
}

/* The scale, at most 1, at which all players' memory fits into @pool. */
static double find_scale(const struct player *players, size_t nr_players,
			 const struct vm_view *vms, double pool)
{
	double low = 0, high = 1;
	int step;

	for (step = 0; step < 64; step++) {
		double scale = step ? low + (high - low) / 2 : high;
		double sum = 0;
		size_t i;

		for (i = 0; i < nr_players; i++)
			sum += player_bytes(&players[i], vms, scale);
		if (sum > pool)
			high = scale;
		else
			low = scale;
		if (low == high)
			break;
	}
	return low;
}

static int play(const struct policy_params *params,
		const struct host_view *host, const struct vm_view *vms,
		size_t nr_vms, struct policy_want *wants)
{
	_cleanup_free_ struct player *players =
		calloc(nr_vms + 1, sizeof(*players));
	double pool = (double)host->budget_bytes, scale;
	size_t i, nr_players;

	if (!players)
		return -ENOMEM;
	plan_keep(vms, nr_vms, "neither guest statistics nor a working set yet",
		  wants);
	nr_players = find_players(params, vms, nr_vms, players);
	/* Each turn binds a player or is the last. */
	while (!solve(players, nr_players))
		;
	for (i = 0; i < nr_vms; i++)
		pool -= (double)wants[i].target_bytes;
	for (i = 0; i < nr_players; i++)
		pool += (double)wants[players[i].vm].target_bytes;
	scale = find_scale(players, nr_players, vms, pool);
	for (i = 0; i < nr_players; i++) {
		const struct vm_view *vm = &vms[players[i].vm];
		struct policy_want *want = &wants[players[i].vm];

		want->target_bytes = plan_round(
			params, vm,
			(uint64_t)player_bytes(&players[i], vms, scale));
		want->reason = want->target_bytes < vm->actual_bytes ?
				       "others are shorter of memory" :
				       "shorter of memory than others";
	}
	plan_fit(params, host, vms, nr_vms, wants);
	return 0;
}

static int nash_plan(const struct policy_params *params,
		     const struct host_view *host, const struct vm_view *vms,
		     size_t nr_vms, struct policy_want *ret_wants)
{
	int err;

	if (!plan_feedback(params, host, vms, nr_vms, ret_wants)) {
		err = play(params, host, vms, nr_vms, ret_wants);
		if (err)
			return err;
	}
	plan_predict(params, vms, nr_vms, ret_wants);
	return 0;
}

const struct policy policy_nash = {
	.name = "nash",
	.summary = "feedback, and a game for memory when it is short",
	.plan = nash_plan,
};
