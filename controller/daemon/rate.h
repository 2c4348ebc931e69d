/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many pages to sample: the next inverse rate from what tracking cost and
 * brought in the last period. Pure.
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
	/* As configured, for ever. */
	RATE_FIXED,
};

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
};

extern const struct rate_params rate_default_params;

/**
 * struct rate_input - of one period
 * @inverse_rate: in force
 * @hot_pages: capacity of the hot set
 * @overhead_ratio: measured; negative: unknown (the vCPUs did not run)
 * @fault_ratio: traps per memory reference; negative: no counters
 * @samples: recorded accesses
 * @is_starved: the sample in use fits in the hot set
 * @mapped_pages: sampled pages with a mapping: the starvation bound
 * @wss_bytes: working set; 0: unknown
 * @is_disturbed: something else says that the VM changed (guest statistics,
 *	balloon moved, faults of unmapped pages): wake
 */
struct rate_input {
	uint32_t inverse_rate;
	uint32_t hot_pages;
	double overhead_ratio;
	double fault_ratio;
	uint64_t samples;
	bool is_starved;
	uint64_t mapped_pages;
	uint64_t wss_bytes;
	bool is_disturbed;
};

/* What must be remembered between periods; all-zero at the start. */
struct rate_memory {
	unsigned int stable_periods;
	uint64_t last_wss_bytes;
	unsigned int paused_periods;
	double smoothed_overhead;
};

/**
 * struct rate_output - what to do
 * @inverse_rate: from now on
 * @is_paused: stop tracking until woken
 * @reason: for people, static
 */
struct rate_output {
	uint32_t inverse_rate;
	bool is_paused;
	const char *reason;
};

struct rate_output rate_next(const struct rate_params *params,
			     const struct rate_input *input,
			     struct rate_memory *memory);

#endif /* DAEMON_RATE_H */
