// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/rate.h"

#include <math.h>

/* Of the budget, is aimed at: noise around it stays within the budget. */
#define RATE_AIM 0.8
/* And with debts: so they are paid while tracking goes on. */
#define RATE_AIM_IN_DEBT 0.4
/* As soon as they are so many periods' budgets. */
#define RATE_DEBT_PERIODS 4

/* A mean below that share of the aim is spare. */
#define RATE_SPARE 0.5
/* For so long, as one quiet period is no quiet guest. */
#define RATE_SPARE_PERIODS 2
/* A load has fallen if it costs less than that share of what it did. */
#define RATE_FALLEN 0.25

/* Smaller changes of the rate are not worth a new generation. */
#define RATE_MIN_CHANGE 1.1
/* How close a rate may come to one that cost too much. */
#define RATE_COSTLY_MARGIN 1.25
/* Pages in use, over those of the hot set, that are surely seen. */
#define RATE_SEEN_MARGIN 1.5

/* Unknown working sets that stability bears: after a probe has begun anew. */
#define RATE_MAX_UNKNOWN_PERIODS 2

const struct rate_params rate_default_params = {
	.rule = RATE_OVERHEAD,
	.budget_ratio = 0.01,
	.fault_ratio = 1e-6,
	.step = 128,
	.min_samples = 2000,
	.min_inverse_rate = 32,
	.max_inverse_rate = 16384,
	.stable_periods = 12,
	.stable_change = 0.05,
	/* More often than a curve gets too old for policies: 30 s of 60. */
	.probe_periods = 6,
};

static uint32_t rate_clamp(const struct rate_params *params,
			   double inverse_rate)
{
	double rounded = nearbyint(inverse_rate);

	/* Written so that a NaN ends up at the cheap end. */
	if (!(rounded < params->max_inverse_rate))
		return params->max_inverse_rate;
	if (rounded < params->min_inverse_rate)
		return params->min_inverse_rate;
	return (uint32_t)rounded;
}

/*
 * Work for work done: the vCPU time that overhead is measured against contains it,
 * so twice the work is not twice the ratio.
 */
static double rate_load(double overhead_ratio)
{
	return overhead_ratio < 0.95 ? overhead_ratio / (1 - overhead_ratio) :
				       19;
}

static double rate_aim(const struct rate_params *params,
		       const struct rate_memory *memory)
{
	double in_debt =
		memory->debt_ratio / (RATE_DEBT_PERIODS * params->budget_ratio);

	if (!(in_debt < 1))
		in_debt = 1;
	return params->budget_ratio *
	       (RATE_AIM - in_debt * (RATE_AIM - RATE_AIM_IN_DEBT));
}

static void rate_spend(const struct rate_params *params, double overhead_ratio,
		       struct rate_memory *memory)
{
	double max_debt = RATE_MAX_DEBT_PERIODS * params->budget_ratio;

	memory->debt_ratio += overhead_ratio - params->budget_ratio;
	/* What was not spent is no licence to spend more later. */
	if (!(memory->debt_ratio > 0))
		memory->debt_ratio = 0;
	if (memory->debt_ratio > max_debt)
		memory->debt_ratio = max_debt;
}

static void rate_set(struct rate_output *output, uint32_t inverse_rate,
		     const char *reason, struct rate_memory *memory)
{
	if (inverse_rate != output->inverse_rate) {
		memory->smoothed_overhead *=
			(double)output->inverse_rate / inverse_rate;
		memory->settled_overhead = 0;
		memory->low_periods = 0;
	}
	output->inverse_rate = inverse_rate;
	output->reason = reason;
}

static void rate_pause(struct rate_output *output, bool is_paying,
		       const char *reason, struct rate_memory *memory)
{
	memory->paused_periods = 0;
	memory->is_paying = is_paying;
	output->is_paused = true;
	output->reason = reason;
}

static void rate_note_costly(uint32_t inverse_rate, struct rate_memory *memory)
{
	if (!memory->retry_periods)
		memory->retry_periods = RATE_RETRY_PERIODS;
	else if (!memory->costly_inverse_rate &&
		 memory->retry_periods < RATE_MAX_RETRY_PERIODS)
		memory->retry_periods *= 2;
	memory->costly_inverse_rate = inverse_rate;
	memory->costly_periods = 0;
}

static void rate_age_costly(struct rate_memory *memory)
{
	if (memory->costly_inverse_rate &&
	    ++memory->costly_periods >= memory->retry_periods)
		memory->costly_inverse_rate = 0;
}

/* The largest inverse rate at which the pages in use are still seen. */
static double rate_seen_limit(const struct rate_input *input)
{
	return input->inverse_rate * (double)input->window_pages /
	       (RATE_SEEN_MARGIN * input->hot_pages);
}

static void rate_escape(const struct rate_params *params,
			const struct rate_input *input,
			struct rate_memory *memory, struct rate_output *output)
{
	double half = input->inverse_rate / 2.0, mapped;

	if (input->inverse_rate <= params->min_inverse_rate) {
		rate_set(
			output, input->inverse_rate,
			"starved at the lowest inverse rate allowed: the guest is idle, or uses less than the hot set hides",
			memory);
		return;
	}
	/* All that is mapped fits: no use in going there step by step. */
	mapped = input->inverse_rate * (double)input->mapped_pages /
		 (RATE_SEEN_MARGIN * input->hot_pages);
	if (input->mapped_pages > 0 && mapped < half)
		half = mapped;
	rate_set(
		output, rate_clamp(params, half),
		"starved: the sample in use fits in the hot set, so sampling more",
		memory);
}

static void rate_cut(const struct rate_params *params,
		     const struct rate_input *input, struct rate_memory *memory,
		     struct rate_output *output)
{
	double load = rate_load(input->overhead_ratio);
	double next = input->inverse_rate * load / rate_aim(params, memory);
	double seen = rate_seen_limit(input);
	const char *reason = "over the budget: sampling less";
	uint32_t inverse_rate;

	if (next > seen) {
		next = fmax(seen, input->inverse_rate);
		reason =
			"over the budget: sampling less, as far as the pages in use are still seen";
	}
	inverse_rate = rate_clamp(params, next);
	if (inverse_rate > input->inverse_rate) {
		rate_note_costly(input->inverse_rate, memory);
		rate_set(output, inverse_rate, reason, memory);
		return;
	}
	rate_pause(
		output, true,
		inverse_rate >= params->max_inverse_rate ?
			"over the budget at the lowest rate allowed: paused until it is paid back" :
			"over the budget, and a lower rate would see nothing: paused until it is paid back",
		memory);
}

static void rate_buy(const struct rate_params *params,
		     const struct rate_input *input, struct rate_memory *memory,
		     struct rate_output *output)
{
	double aim = rate_aim(params, memory), rate = input->inverse_rate;
	double plenty = RATE_PLENTY * (double)params->min_samples;
	double next, costly;

	memory->settled_overhead =
		fmax(memory->settled_overhead, memory->smoothed_overhead);
	if (memory->smoothed_overhead < RATE_FALLEN * memory->settled_overhead)
		memory->costly_inverse_rate = 0;
	if (memory->smoothed_overhead < RATE_SPARE * aim)
		memory->low_periods++;
	else
		memory->low_periods = 0;
	if ((double)input->samples >= plenty) {
		output->reason = "within the budget, with plenty of samples";
		return;
	}
	if (memory->low_periods < RATE_SPARE_PERIODS ||
	    input->inverse_rate <= params->min_inverse_rate) {
		output->reason =
			input->samples < params->min_samples ?
				"within the budget, but with too few samples to trust" :
				"within the budget";
		return;
	}
	if (memory->debt_ratio > 0) {
		output->reason = "within the budget: paying back";
		return;
	}
	next = rate * fmax(memory->smoothed_overhead / aim, 0.5);
	next = fmax(next, rate * (double)input->samples / plenty);
	costly = memory->costly_inverse_rate;
	if (costly > 0 && next < RATE_COSTLY_MARGIN * costly)
		next = fmax(next, sqrt(rate * costly));
	if (costly > 0 && next < RATE_COSTLY_MARGIN * costly)
		next = rate;
	if (next * RATE_MIN_CHANGE > rate) {
		output->reason =
			"within the budget: a higher rate was not, lately";
		return;
	}
	rate_set(output, rate_clamp(params, next),
		 "budget to spare: sampling more", memory);
}

static void rate_by_overhead(const struct rate_params *params,
			     const struct rate_input *input,
			     struct rate_memory *memory,
			     struct rate_output *output)
{
	double overhead = input->overhead_ratio;

	rate_age_costly(memory);
	if (!(overhead >= 0)) {
		output->reason = "overhead unknown, as the vCPUs hardly ran";
		return;
	}
	rate_spend(params, overhead, memory);
	memory->smoothed_overhead =
		memory->has_smoothed ?
			(memory->smoothed_overhead + overhead) / 2 :
			overhead;
	memory->has_smoothed = true;
	if (input->is_starved && overhead > params->budget_ratio)
		rate_pause(
			output, true,
			"starved, and over the budget: paused until it is paid back",
			memory);
	else if (input->is_starved && memory->debt_ratio > 0)
		output->reason = "starved: paying back before sampling more";
	else if (input->is_starved)
		rate_escape(params, input, memory, output);
	else if (overhead > params->budget_ratio)
		rate_cut(params, input, memory, output);
	else
		rate_buy(params, input, memory, output);
}

/* Equation 4.5, between its limits. */
static void rate_by_references(const struct rate_params *params,
			       const struct rate_input *input,
			       struct rate_memory *memory,
			       struct rate_output *output)
{
	double rate = input->inverse_rate, next, seen;

	rate_age_costly(memory);
	if (input->is_starved) {
		rate_escape(params, input, memory, output);
		return;
	}
	if (input->fault_ratio > params->fault_ratio) {
		next = rate + params->step * (log(input->fault_ratio /
						  params->fault_ratio) +
					      1);
		seen = rate_seen_limit(input);
		rate_note_costly(input->inverse_rate, memory);
		if (next > seen)
			next = fmax(seen, rate);
		rate_set(output, rate_clamp(params, next),
			 "faults per reference too high: sampling less",
			 memory);
		return;
	}
	if (input->samples >= params->min_samples) {
		output->reason = "few faults per reference, enough samples";
		return;
	}
	next = rate - params->step;
	if (memory->costly_inverse_rate &&
	    next <= memory->costly_inverse_rate) {
		output->reason =
			"too few samples to trust, but a higher rate cost too much, lately";
		return;
	}
	rate_set(output, rate_clamp(params, next),
		 "too few samples to trust: sampling more", memory);
}

static void rate_forget_stability(struct rate_memory *memory)
{
	memory->anchor_wss_bytes = 0;
	memory->stable_periods = 0;
	memory->unknown_periods = 0;
}

static void rate_watch_stability(const struct rate_params *params,
				 const struct rate_input *input,
				 struct rate_memory *memory)
{
	double anchor = (double)memory->anchor_wss_bytes;

	if (input->is_disturbed || input->is_starved) {
		rate_forget_stability(memory);
		return;
	}
	if (!input->wss_bytes || input->samples < params->min_samples) {
		if (++memory->unknown_periods > RATE_MAX_UNKNOWN_PERIODS)
			rate_forget_stability(memory);
		return;
	}
	memory->unknown_periods = 0;
	/* Against where it began, or a slow drift would pass for stability. */
	if (memory->anchor_wss_bytes &&
	    fabs((double)input->wss_bytes - anchor) <=
		    params->stable_change * anchor) {
		if (memory->stable_periods < params->stable_periods)
			memory->stable_periods++;
		return;
	}
	memory->anchor_wss_bytes = input->wss_bytes;
	memory->stable_periods = 0;
}

static bool rate_is_stable(const struct rate_params *params,
			   const struct rate_memory *memory)
{
	return params->stable_periods > 0 &&
	       memory->stable_periods >= params->stable_periods;
}

static void rate_while_paused(const struct rate_params *params,
			      const struct rate_input *input,
			      struct rate_memory *memory,
			      struct rate_output *output)
{
	memory->paused_periods++;
	rate_spend(params, 0, memory);
	if (input->is_disturbed)
		rate_forget_stability(memory);
	output->is_paused = true;
	if (memory->is_paying && memory->debt_ratio > 0) {
		output->reason = "paused until the overhead is paid back";
		return;
	}
	if (memory->is_paying) {
		output->reason = "the overhead is paid back: tracking again";
	} else if (!rate_is_stable(params, memory)) {
		output->reason = "woken, as the VM changed";
	} else if (memory->paused_periods + 1 >= params->probe_periods) {
		output->reason = "stable: a look from time to time";
	} else {
		output->reason = "paused, as the working set is stable";
		return;
	}
	memory->is_paying = false;
	output->is_paused = false;
}

struct rate_output rate_next(const struct rate_params *params,
			     const struct rate_input *input,
			     struct rate_memory *memory)
{
	struct rate_output output = {
		.inverse_rate = input->inverse_rate,
		.reason = "as configured",
	};

	if (input->is_paused) {
		rate_while_paused(params, input, memory, &output);
	} else {
		rate_watch_stability(params, input, memory);
		if (params->rule == RATE_OVERHEAD) {
			rate_by_overhead(params, input, memory, &output);
		} else if (params->rule == RATE_REFERENCES &&
			   !(input->fault_ratio >= 0)) {
			rate_by_overhead(params, input, memory, &output);
			if (!output.is_paused)
				output.reason =
					"no counters of memory references: by overhead instead";
		} else if (params->rule == RATE_REFERENCES) {
			rate_by_references(params, input, memory, &output);
		}
		/* Paying comes first: it must not end with a probe. */
		if (!output.is_paused && rate_is_stable(params, memory))
			rate_pause(&output, false,
				   "paused, as the working set is stable",
				   memory);
	}
	output.inverse_rate = rate_clamp(params, output.inverse_rate);
	output.is_stable = rate_is_stable(params, memory);
	return output;
}
