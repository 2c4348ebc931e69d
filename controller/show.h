/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is shown of ticks, as text for people and as JSON. Every function writes to
 * a FILE and decides nothing else; whether the writing worked, the caller learns
 * from the FILE. Those that return int need memory: 0 or -ENOMEM.
 */
#ifndef CONTROLLER_SHOW_H
#define CONTROLLER_SHOW_H

#include <stdio.h>

#include <jansson.h>

#include "amount.h"
#include "options.h"
#include "policy/decide.h"

/* Room for "> 1.5 GiB" and for "1.4 GiB to 1.6 GiB". */
#define SHOW_BYTES (2 * AMOUNT_BYTES + 8)

/* "1.5 GiB", "> 1.5 GiB" if it is a lower bound, "-" if unknown. */
void show_wss(const struct vm_view *vm, char text[SHOW_BYTES]);

/* The 95 % band of it, "1.4 GiB to 1.6 GiB"; "-" if unknown. */
void show_wss_band(const struct vm_view *vm, char text[SHOW_BYTES]);

/* "2026-01-02 03:04:05 +0000", in local time. */
void show_time(uint64_t unix_ns, char text[SHOW_BYTES]);

/* How it is measured: "tracked", "paused", "stable", "starved", "untracked". */
const char *show_state(const struct vm_view *vm);

/* Misses per second with what it has, as plan_misses_now_per_s(). */
double show_misses_per_s(const struct vm_view *vm);

/* A screen of `top`: the host in a line, each VM in a row. */
int show_top(FILE *out, const struct tick *tick, enum options_sort sort);

/**
 * struct show_alternative - what a policy would want
 * @policy: policy
 * @want: for the VM
 */
struct show_alternative {
	const struct policy *policy;
	struct policy_want want;
};

/**
 * struct show_alternatives - what all policies would want
 * @list: @nr of them
 * @nr: number; 0: they are not known
 * @note: what people should know of them, or why they are not known; or NULL
 */
struct show_alternatives {
	const struct show_alternative *list;
	size_t nr;
	const char *note;
};

/* One decision about VM @index: inputs, reason, and alternatives. */
int show_decision(FILE *out, const struct tick *tick, size_t index,
		  const struct show_alternatives *alternatives);
/* The same; NULL: no memory. */
json_t *show_decision_json(const struct tick *tick, size_t index,
			   const struct show_alternatives *alternatives);

/* An object with schema_version and @type, to be added to; NULL: no memory. */
json_t *show_json_new(const char *type);

#endif /* CONTROLLER_SHOW_H */
