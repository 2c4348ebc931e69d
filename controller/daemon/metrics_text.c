// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The families of metrics, one table for the host and one for VMs. Only gauges:
 * all is about the last tick, and nothing is counted over the daemon's life, so
 * that a restart leaves no trace.
 */
#include "daemon/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "policy/plan.h"
#include "text.h"
#include "units.h"

/* An integer up to here is written as one. */
#define MAX_WHOLE 9007199254740992.0

/* Sizes for which misses are predicted, as shares of what a VM has. */
static const struct {
	const char *text;
	double ratio;
} sizes[] = {
	{ "0.25", 0.25 }, { "0.5", 0.5 }, { "0.75", 0.75 },
	{ "0.9", 0.9 },	  { "1", 1 },	  { "1.1", 1.1 },
	{ "1.25", 1.25 }, { "1.5", 1.5 }, { "2", 2 },
};

/**
 * struct host_family - a metric of the host
 * @value: false: there is none now
 */
struct host_family {
	const char *name;
	const char *help;
	bool (*value)(const struct tick *tick, double *ret_value);
};

/* Likewise of VM @i. */
struct vm_family {
	const char *name;
	const char *help;
	bool (*value)(const struct tick *tick, size_t i, double *ret_value);
};

#define HOST_VALUE(name, has, expression)                                   \
	static bool host_##name(const struct tick *tick, double *ret_value) \
	{                                                                   \
		*ret_value = (double)(expression);                          \
		return has;                                                 \
	}

#define VM_VALUE(name, has, expression)                                \
	static bool vm_##name(const struct tick *tick, size_t i,       \
			      double *ret_value)                       \
	{                                                              \
		const struct vm_view *vm = &tick->vms[i];              \
		const struct decision *decision = &tick->decisions[i]; \
                                                                       \
		(void)vm;                                              \
		(void)decision;                                        \
		*ret_value = (double)(expression);                     \
		return has;                                            \
	}

HOST_VALUE(tick_number, true, tick->number)
HOST_VALUE(tick_time, true, (double)tick->unix_ns / NS_PER_S)
HOST_VALUE(vms, true, tick->nr_vms)
HOST_VALUE(total, true, tick->host.total_bytes)
HOST_VALUE(available, true, tick->host.available_bytes)
HOST_VALUE(budget, true, tick->host.budget_bytes)
HOST_VALUE(some, tick->host.has_pressure, tick->host.memory_some_percent / 100)
HOST_VALUE(full, tick->host.has_pressure, tick->host.memory_full_percent / 100)
HOST_VALUE(swap_in, true, tick->host.swap_in_bytes_per_s)
HOST_VALUE(thrashing, true, tick->thrashing.is_thrashing)
HOST_VALUE(wss_sum, true, tick->thrashing.wss_bytes)

static const struct host_family host_families[] = {
	{ "kvmaet_tick_number", "Ticks of the daemon so far.",
	  host_tick_number },
	{ "kvmaet_tick_timestamp_seconds", "When the last tick was, Unix time.",
	  host_tick_time },
	{ "kvmaet_vms", "Running VMs known.", host_vms },
	{ "kvmaet_host_memory_bytes", "Physical memory of the host.",
	  host_total },
	{ "kvmaet_host_available_bytes", "MemAvailable of the host.",
	  host_available },
	{ "kvmaet_host_budget_bytes", "What all VMs may have together.",
	  host_budget },
	{ "kvmaet_host_pressure_some_ratio",
	  "Share of the last 10 s in which some task waited for memory.",
	  host_some },
	{ "kvmaet_host_pressure_full_ratio",
	  "Share of the last 10 s in which all tasks waited for memory.",
	  host_full },
	{ "kvmaet_host_swap_in_bytes_per_second",
	  "What the host itself reads from swap.", host_swap_in },
	{ "kvmaet_working_sets_bytes",
	  "Sum of the working sets that are known.", host_wss_sum },
	{ "kvmaet_thrashing", "1 if the working sets are more than the budget.",
	  host_thrashing },
};

static double at(const struct vm_view *vm, const struct mrc_curve *curve,
		 double ratio)
{
	return policy_misses_per_s(
		vm, curve, (uint64_t)(ratio * (double)vm->actual_bytes));
}

VM_VALUE(actual, true, vm->actual_bytes)
VM_VALUE(target, true, vm->target_bytes)
VM_VALUE(wanted, true, decision->want.target_bytes)
VM_VALUE(min, true, vm->limits.min_bytes)
VM_VALUE(max, true, vm->limits.max_bytes)
VM_VALUE(weight, true, vm->limits.weight)
VM_VALUE(wss, vm->wss != VM_WSS_UNKNOWN, vm->wss_bytes)
VM_VALUE(wss_is_bound, vm->wss != VM_WSS_UNKNOWN, vm->wss == VM_WSS_ABOVE)
VM_VALUE(accesses, vm->curve, vm->accesses_per_s)
VM_VALUE(miss_ratio, vm->curve,
	 vm->curve ? mrc_curve_at(vm->curve,
				  (double)vm->actual_bytes / VIEW_PAGE_BYTES) :
		     0)
VM_VALUE(misses, vm->curve, plan_misses_now_per_s(vm, vm->curve))
VM_VALUE(misses_lower, vm->lower, plan_misses_now_per_s(vm, vm->lower))
VM_VALUE(misses_upper, vm->upper, plan_misses_now_per_s(vm, vm->upper))
VM_VALUE(wanted_misses, decision->want.has_misses,
	 decision->want.misses_then_per_s)
VM_VALUE(age, vm->curve, (double)vm->measured_age_ns / NS_PER_S)
VM_VALUE(sampling, true, vm->inverse_rate ? 1.0 / vm->inverse_rate : 0)
VM_VALUE(overhead, vm->inverse_rate, vm->overhead_ratio)
VM_VALUE(is_starved, true, vm->is_starved)
VM_VALUE(is_stable, true, vm->is_stable)
VM_VALUE(is_paused, true, vm->is_paused)
VM_VALUE(is_movable, true, vm->is_movable)
VM_VALUE(guest_total, vm->has_stats, vm->stats.total_bytes)
VM_VALUE(guest_usable, vm->has_stats, vm->stats.usable_bytes)
VM_VALUE(guest_unused, vm->has_stats, vm->stats.unused_bytes)
VM_VALUE(guest_swap_in, vm->has_stats, vm->stats.swap_in_bytes_per_s)
VM_VALUE(guest_swap_out, vm->has_stats, vm->stats.swap_out_bytes_per_s)
VM_VALUE(guest_major_faults, vm->has_stats, vm->stats.major_faults_per_s)

static const struct vm_family vm_families[] = {
	{ "kvmaet_vm_actual_bytes", "Memory that the guest has.", vm_actual },
	{ "kvmaet_vm_target_bytes", "Memory that its balloon was last told.",
	  vm_target },
	{ "kvmaet_vm_wanted_bytes", "Memory that the policy wants it to have.",
	  vm_wanted },
	{ "kvmaet_vm_min_bytes", "Never less than this.", vm_min },
	{ "kvmaet_vm_max_bytes", "Never more than this.", vm_max },
	{ "kvmaet_vm_weight", "Worth of one of its misses.", vm_weight },
	{ "kvmaet_vm_working_set_bytes", "Working set, or a lower bound of it.",
	  vm_wss },
	{ "kvmaet_vm_working_set_is_bound",
	  "1 if the working set is at least so large, 0 if it is that.",
	  vm_wss_is_bound },
	{ "kvmaet_vm_accesses_per_second", "Page accesses of the VM.",
	  vm_accesses },
	{ "kvmaet_vm_miss_ratio",
	  "Share of its accesses that miss with the memory it has.",
	  vm_miss_ratio },
	{ "kvmaet_vm_misses_per_second",
	  "Misses with the memory it has: predicted, and swapped in beyond.",
	  vm_misses },
	{ "kvmaet_vm_misses_lower_per_second", "Lower end of their 95 % band.",
	  vm_misses_lower },
	{ "kvmaet_vm_misses_upper_per_second", "Upper end of their 95 % band.",
	  vm_misses_upper },
	{ "kvmaet_vm_wanted_misses_per_second",
	  "Predicted misses with the memory that the policy wants.",
	  vm_wanted_misses },
	{ "kvmaet_vm_measured_age_seconds", "Since the last measurement.",
	  vm_age },
	{ "kvmaet_vm_sampling_ratio",
	  "Share of its pages that is sampled; 0 if it is not tracked.",
	  vm_sampling },
	{ "kvmaet_vm_overhead_ratio",
	  "What tracking costs, as a share of its vCPU time.", vm_overhead },
	{ "kvmaet_vm_starved",
	  "1 if too few pages are sampled to see anything.", vm_is_starved },
	{ "kvmaet_vm_stable",
	  "1 if its working set has not changed for a while.", vm_is_stable },
	{ "kvmaet_vm_paused", "1 if its vCPUs are stopped.", vm_is_paused },
	{ "kvmaet_vm_movable", "1 if its balloon can be moved.",
	  vm_is_movable },
	{ "kvmaet_vm_guest_total_bytes", "Memory that the guest manages.",
	  vm_guest_total },
	{ "kvmaet_vm_guest_usable_bytes", "MemAvailable of the guest.",
	  vm_guest_usable },
	{ "kvmaet_vm_guest_unused_bytes", "MemFree of the guest.",
	  vm_guest_unused },
	{ "kvmaet_vm_guest_swap_in_bytes_per_second",
	  "What the guest reads from its swap.", vm_guest_swap_in },
	{ "kvmaet_vm_guest_swap_out_bytes_per_second",
	  "What the guest writes to its swap.", vm_guest_swap_out },
	{ "kvmaet_vm_guest_major_faults_per_second",
	  "Major faults of the guest.", vm_guest_major_faults },
};

static const char *const modes[] = {
	[VM_MODE_OBSERVE] = "observe",
	[VM_MODE_ADVISE] = "advise",
	[VM_MODE_ACT] = "act",
};

static const char *const verdicts[] = {
	[VERDICT_HOLD] = "hold",	   [VERDICT_MOVE] = "move",
	[VERDICT_GIVE_BACK] = "give-back", [VERDICT_ADVISE] = "advise",
	[VERDICT_REFUSE] = "refuse",
};

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static void put_family(FILE *out, const char *name, const char *help)
{
	fprintf(out, "# TYPE %s gauge\n# HELP %s %s\n", name, name, help);
}

/* What is no number is no sample: a gap says more than a 0. */
static void put_sample(FILE *out, const char *name, const char *labels,
		       double value)
{
	if (!isfinite(value))
		return;
	if (value == floor(value) && fabs(value) <= MAX_WHOLE)
		fprintf(out, "%s%s %" PRId64 "\n", name, labels,
			(int64_t)value);
	else
		fprintf(out, "%s%s %.12g\n", name, labels, value);
}

/* A name is anybody's: UTF-8, with what ends a label or a line escaped. */
static int put_label(FILE *out, const char *key, const char *value)
{
	_cleanup_free_ char *text = text_utf8(value);
	const char *at;

	if (!text)
		return -ENOMEM;
	fprintf(out, "%s=\"", key);
	for (at = text; *at; at++) {
		if (*at == '\n')
			fputs("\\n", out);
		else if (*at == '"' || *at == '\\')
			fprintf(out, "\\%c", *at);
		else
			fputc(*at, out);
	}
	fputc('"', out);
	return 0;
}

/* A VM's labels, without the braces. */
static int make_labels(const struct vm_view *vm, char **ret_labels)
{
	_cleanup_free_ char *labels = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&labels, &size);
	int err;

	if (!out)
		return -ENOMEM;
	err = put_label(out, "domain", vm->name ? vm->name : "");
	if (!err)
		fputc(',', out);
	if (!err)
		err = put_label(out, "uuid", vm->uuid);
	if (fclose(out) && !err)
		err = -ENOMEM;
	if (err)
		return err;
	*ret_labels = TAKE_PTR(labels);
	return 0;
}

static void labels_free(char ***labels)
{
	char **at;

	for (at = *labels; at && *at; at++)
		free(*at);
	free(*labels);
}

static int make_all_labels(const struct tick *tick, char ***ret_labels)
{
	char **labels CLEANUP(labels_free) =
		calloc(tick->nr_vms + 1, sizeof(*labels));
	size_t i;
	int err;

	if (!labels)
		return -ENOMEM;
	for (i = 0; i < tick->nr_vms; i++) {
		err = make_labels(&tick->vms[i], &labels[i]);
		if (err)
			return err;
	}
	*ret_labels = TAKE_PTR(labels);
	return 0;
}

static void put_vm_sample(FILE *out, const char *name, const char *vm_labels,
			  double value)
{
	if (!isfinite(value))
		return;
	fprintf(out, "%s{%s}", name, vm_labels);
	put_sample(out, "", "", value);
}

__attribute__((format(printf, 5, 6))) static void
put_labelled(FILE *out, const char *name, const char *vm_labels, double value,
	     const char *format, ...)
{
	va_list arguments;

	if (!isfinite(value))
		return;
	fprintf(out, "%s{%s,", name, vm_labels);
	va_start(arguments, format);
	vfprintf(out, format, arguments);
	va_end(arguments);
	put_sample(out, "}", "", value);
}

static void put_vms(FILE *out, const struct tick *tick, char *const *labels)
{
	size_t i, j;
	double value;

	for (j = 0; j < ARRAY_SIZE(vm_families); j++) {
		const struct vm_family *family = &vm_families[j];

		put_family(out, family->name, family->help);
		for (i = 0; i < tick->nr_vms; i++)
			if (family->value(tick, i, &value))
				put_vm_sample(out, family->name, labels[i],
					      value);
	}
}

static void put_predictions(FILE *out, const struct tick *tick,
			    char *const *labels)
{
	static const char name[] = "kvmaet_vm_predicted_misses_per_second";
	size_t i, j;

	put_family(out, name,
		   "Predicted misses with a multiple of the memory it has.");
	for (i = 0; i < tick->nr_vms; i++)
		for (j = 0; tick->vms[i].curve && j < ARRAY_SIZE(sizes); j++)
			put_labelled(out, name, labels[i],
				     at(&tick->vms[i], tick->vms[i].curve,
					sizes[j].ratio),
				     "size_ratio=\"%s\"", sizes[j].text);
}

static void put_ages(FILE *out, const struct tick *tick, char *const *labels)
{
	static const char name[] = "kvmaet_vm_idle_bytes";
	size_t i, j;

	put_family(out, name, "Memory not used for at least idle_seconds.");
	for (i = 0; i < tick->nr_vms; i++) {
		uint64_t idle_bytes = 0;

		if (!tick->vms[i].curve)
			continue;
		/* Cumulative, oldest first, so that one is enough to ask for. */
		for (j = VIEW_NR_AGES - 1; j < VIEW_NR_AGES; j--) {
			idle_bytes += tick->vms[i].age_bytes[j];
			put_labelled(out, name, labels[i], (double)idle_bytes,
				     "idle_seconds=\"%u\"", j ? 1u << j : 0);
		}
	}
}

static void put_states(FILE *out, const struct tick *tick, char *const *labels)
{
	size_t i, j;

	put_family(out, "kvmaet_vm_mode", "1 for the mode in force.");
	for (i = 0; i < tick->nr_vms; i++)
		for (j = 0; j < ARRAY_SIZE(modes); j++)
			put_labelled(out, "kvmaet_vm_mode", labels[i],
				     tick->vms[i].limits.mode == j,
				     "mode=\"%s\"", modes[j]);
	put_family(out, "kvmaet_vm_verdict", "1 for the last verdict.");
	for (i = 0; i < tick->nr_vms; i++)
		for (j = 0; j < ARRAY_SIZE(verdicts); j++)
			put_labelled(out, "kvmaet_vm_verdict", labels[i],
				     tick->decisions[i].verdict == j,
				     "verdict=\"%s\"", verdicts[j]);
}

static void put_host(FILE *out, const struct tick *tick)
{
	static const char info[] = "kvmaet_build_info";
	static const char policy[] = "kvmaet_policy_info";
	double value;
	size_t j;

	put_family(out, info, "Always 1; the daemon's version.");
	put_sample(out, info, "{version=\"" KVM_AET_VERSION "\"}", 1);
	put_family(out, policy, "Always 1; the policy in force.");
	if (tick->policy)
		fprintf(out, "%s{policy=\"%s\"} 1\n", policy,
			tick->policy->name);
	for (j = 0; j < ARRAY_SIZE(host_families); j++) {
		put_family(out, host_families[j].name, host_families[j].help);
		if (host_families[j].value(tick, &value))
			put_sample(out, host_families[j].name, "", value);
	}
}

static void put_candidate(FILE *out, const struct tick *tick,
			  char *const *labels)
{
	static const char name[] = "kvmaet_thrashing_candidate_info";
	ptrdiff_t candidate = tick->thrashing.candidate;

	put_family(out, name, "The VM whose leaving would help most.");
	if (candidate >= 0 && (size_t)candidate < tick->nr_vms)
		put_vm_sample(out, name, labels[candidate], 1);
}

int metrics_format(FILE *out, const struct tick *tick)
{
	char **labels CLEANUP(labels_free) = NULL;
	int err;

	err = make_all_labels(tick, &labels);
	if (err)
		return err;
	put_host(out, tick);
	put_candidate(out, tick, labels);
	put_vms(out, tick, labels);
	put_predictions(out, tick, labels);
	put_ages(out, tick, labels);
	put_states(out, tick, labels);
	fputs("# EOF\n", out);
	return 0;
}
