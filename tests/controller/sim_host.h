/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A simulated host, for tests of policies: VMs whose working sets change by
 * phases and whose miss-ratio curves are known, with balloons that follow
 * slowly and measurements that come late. Deterministic.
 */
#ifndef TESTS_CONTROLLER_SIM_HOST_H
#define TESTS_CONTROLLER_SIM_HOST_H

#include "../../libmrc/src/random.h"
#include "policy/decide.h"

#define SIM_MIB (UINT64_C(1) << 20)
#define SIM_NR_SHAPES 3

enum sim_shape {
	SIM_LOOP = 0, /* all or nothing: a cliff at the working set */
	SIM_UNIFORM, /* each page as often as any other: a slope */
	SIM_SKEWED, /* few pages take most accesses: convex */
};

/* The curve of a load; to be freed. Beyond its working set it misses @cold. */
struct mrc_curve *sim_curve(enum sim_shape shape, uint64_t wss_bytes,
			    double cold);

/* Any curve at all, with up to @max_points points up to @max_bytes. */
struct mrc_curve *sim_random_curve(struct mrc_random *random, size_t max_points,
				   uint64_t max_bytes);

/* A curve with all ratios moved by up to @width, still a curve. */
struct mrc_curve *sim_disturb(struct mrc_random *random,
			      const struct mrc_curve *curve, double width);

/* A curve @width above (or below, if negative) another one. */
struct mrc_curve *sim_shift(const struct mrc_curve *curve, double width);

/* A VM that can be moved in mode act, with @actual_bytes, weight 1. */
struct vm_view sim_view(unsigned int number, uint64_t min_bytes,
			uint64_t max_bytes, uint64_t actual_bytes);

/**
 * struct sim_phase - what a VM does for some ticks
 * @ticks: how long
 * @shape: of its curve
 * @wss_bytes: its working set
 * @accesses_per_s: its speed
 */
struct sim_phase {
	unsigned int ticks;
	enum sim_shape shape;
	uint64_t wss_bytes;
	double accesses_per_s;
};

#define SIM_MAX_PHASES 8

/**
 * struct sim_vm - a VM; its phases repeat
 */
struct sim_vm {
	uint64_t min_bytes, max_bytes, actual_bytes;
	struct sim_phase phases[SIM_MAX_PHASES];
	size_t nr_phases;
};

/**
 * struct sim_scenario - a host with VMs
 * @follow_bytes: that a balloon moves in a tick
 */
struct sim_scenario {
	const char *name;
	const struct sim_vm *vms;
	size_t nr_vms;
	uint64_t budget_bytes;
	uint64_t follow_bytes;
	unsigned int ticks;
};

extern const struct sim_scenario sim_scenarios[];
extern const size_t sim_nr_scenarios;

/**
 * struct sim_result - how a policy fared
 * @misses_per_s: mean over all ticks, of all VMs
 * @moves: balloon targets set
 * @moved_bytes: the way of all balloons
 */
struct sim_result {
	double misses_per_s;
	unsigned int moves;
	uint64_t moved_bytes;
};

/* What the curves show. */
enum sim_sight {
	SIM_NEED, /* what the guest's program accesses */
	SIM_OWN, /* of that, what fits into the memory that the VM has */
};

/* 0 or -errno. Asserts nothing but what -EPROTO says: the budget was passed. */
int sim_run(const struct sim_scenario *scenario, const struct policy *policy,
	    enum sim_sight sight, struct sim_result *ret_result);

#endif /* TESTS_CONTROLLER_SIM_HOST_H */
