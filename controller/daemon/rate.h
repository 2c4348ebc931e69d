/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many pages to sample: the next inverse rate from what tracking cost and
 * brought in the last period. Pure.
 *
 * RATE_OVERHEAD keeps two promises:
 *
 * - A period over the budget is followed by one at a rate at which it would have
 *   been well within it, as cost falls at least in proportion to the rate. Two
 *   such steps reach the budget from any rate, if any rate is within it.
 * - What was spent over the budget is a debt, which is paid back out of later
 *   periods. So the mean overhead is at most the budget, plus one debt over the
 *   number of periods, whatever the guest does. Where no rate is within the budget
 *   and still sees anything, tracking pauses until the debt is paid.
 *
 * It does not swing: it lowers a rate at once, but raises one only for want of
 * samples, without debts, when the mean of the last periods is less than half of
 * what it aims at, and not back to a rate that was over the budget, unless the load
 * has fallen since, or long after, and each time longer.
 *
 * Of the thesis (RATE_REFERENCES), equation 4.5 is
 *
 *	T <- T + step (ln(r / S_r) + 1)		if r > S_r
 *	T <- T - step				else, if n < P
 *
 * Its loop swings where both hold, one at each of two neighbouring T. Ours: it
 * does not go back to a T that cost too much within the last RATE_RETRY_PERIODS.
 *
 * Starved means that the sample in use fits in the hot set, so that nothing of it
 * traps. T is then at least halved, by all rules but RATE_FIXED, so escape takes
 * log2(max / min) periods at most; and no rule raises T so far that the pages in
 * use would fit. Cost cannot tell a starved guest from an idle one; on an idle one
 * the rate costs nothing.
 *
 * A working set that has not changed for stable_periods pauses tracking, under all
 * rules: no page is armed. A paused VM is tracked one period in probe_periods, and
 * goes on being tracked if its working set is another one by then; or at once when
 * something else says that the VM changed (is_disturbed).
 */
#ifndef DAEMON_RATE_H
#define DAEMON_RATE_H

#include <stdbool.h>
#include <stdint.h>

enum rate_rule {
	/* Closed loop on measured overhead: needs no counters; the default. */
	RATE_OVERHEAD,
	/* Faults per memory reference, equation 4.5 of the thesis of AET. */
	RATE_REFERENCES,
	/* As it is, within the limits, for ever. */
	RATE_FIXED,
};

/* So many times min_samples are plenty: no more are bought. */
#define RATE_PLENTY 4

/* Periods before a rate that cost too much is tried again; then twice as many. */
#define RATE_RETRY_PERIODS 32
#define RATE_MAX_RETRY_PERIODS 1024

/* Debts are forgotten beyond that many times a period's budget. */
#define RATE_MAX_DEBT_PERIODS 100

/**
 * struct rate_params - from the configuration
 * @rule: which
 * @budget_ratio: RATE_OVERHEAD: cycles spent over vCPU cycles, such as 0.01
 * @fault_ratio: RATE_REFERENCES: S_r
 * @step: RATE_REFERENCES: 128 in the thesis
 * @min_samples: P: recorded accesses in a period that make a curve trustworthy
 * @min_inverse_rate: never more pages than this
 * @max_inverse_rate: never fewer
 * @stable_periods: pause after so many periods without change; 0: never
 * @stable_change: relative change of the working set that is none
 * @probe_periods: while paused, track in one period of so many; at least 2
 */
struct rate_params {
	enum rate_rule rule;
	double budget_ratio;
	double fault_ratio;
	uint32_t step;
	uint64_t min_samples;
	uint32_t min_inverse_rate;
	uint32_t max_inverse_rate;
	unsigned int stable_periods;
	double stable_change;
	unsigned int probe_periods;
};

extern const struct rate_params rate_default_params;

/**
 * struct rate_input - of one period
 * @is_paused: there was no tracking; all that is measured is then ignored
 * @inverse_rate: in force
 * @hot_pages: capacity of the hot set
 * @overhead_ratio: measured; negative: unknown (the vCPUs did not run)
 * @fault_ratio: traps per memory reference; negative: no counters
 * @samples: recorded accesses
 * @is_starved: the sample in use fits in the hot set
 * @window_pages: distinct sampled pages that were recorded
 * @mapped_pages: sampled pages with a mapping: more cannot be in use
 * @wss_bytes: working set; 0: unknown
 * @is_disturbed: something else says that the VM changed (guest statistics,
 *	balloon moved): wake
 */
struct rate_input {
	bool is_paused;
	uint32_t inverse_rate;
	uint32_t hot_pages;
	double overhead_ratio;
	double fault_ratio;
	uint64_t samples;
	bool is_starved;
	uint64_t window_pages;
	uint64_t mapped_pages;
	uint64_t wss_bytes;
	bool is_disturbed;
};

/**
 * struct rate_memory - what must be remembered between periods; all-zero at the
 *	start
 * @debt_ratio: overhead beyond the budget that is to be paid back, summed over
 *	periods
 * @smoothed_overhead: mean of the last periods, as if at the rate in force
 * @has_smoothed: there is such a mean
 * @settled_overhead: the largest such mean since the rate changed
 * @low_periods: how long the mean has been low
 * @costly_inverse_rate: was over the budget, or over S_r; 0: none
 * @costly_periods: since then
 * @retry_periods: when it may be tried again
 * @anchor_wss_bytes: working set at the beginning of stability; 0: none
 * @stable_periods: since then
 * @unknown_periods: of these, the last ones without a known working set
 * @paused_periods: since tracking paused
 * @is_paying: it paused because of the debt
 */
struct rate_memory {
	double debt_ratio;
	double smoothed_overhead;
	bool has_smoothed;
	double settled_overhead;
	unsigned int low_periods;
	uint32_t costly_inverse_rate;
	unsigned int costly_periods;
	unsigned int retry_periods;
	uint64_t anchor_wss_bytes;
	unsigned int stable_periods;
	unsigned int unknown_periods;
	unsigned int paused_periods;
	bool is_paying;
};

/**
 * struct rate_output - what to do
 * @inverse_rate: from now on
 * @is_paused: do not track in the next period
 * @is_stable: the working set has not changed for stable_periods
 * @reason: for people, static
 */
struct rate_output {
	uint32_t inverse_rate;
	bool is_paused;
	bool is_stable;
	const char *reason;
};

/**
 * rate_next() - once after every period, with tracking or paused
 * @params: settings; may change from call to call
 * @input: of the period that ended
 * @memory: of the VM
 */
struct rate_output rate_next(const struct rate_params *params,
			     const struct rate_input *input,
			     struct rate_memory *memory);

#endif /* DAEMON_RATE_H */
