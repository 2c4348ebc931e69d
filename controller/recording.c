// SPDX-License-Identifier: GPL-2.0-or-later
/* Ticks as JSON and back; files of them are recording_file.c's. */
#include "recording.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "fields.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Below this, in miss ratio, no picture shows a difference. */
#define RECORDING_THIN_TOLERANCE 1e-4

#define RECORDING_SIZES_PER_PAGE 100
#define RECORDING_RATIOS_PER_ONE 1e6

/* Sizes above are not rounded, so that nothing overflows. */
#define RECORDING_ROUND_MAX_PAGES 1e12

static const char *const mode_names[] = {
	[VM_MODE_OBSERVE] = "observe",
	[VM_MODE_ADVISE] = "advise",
	[VM_MODE_ACT] = "act",
};

static const char *const wss_names[] = {
	[VM_WSS_UNKNOWN] = "unknown",
	[VM_WSS_KNOWN] = "known",
	[VM_WSS_ABOVE] = "above",
};

static const char *const verdict_names[] = {
	[VERDICT_HOLD] = "hold",	   [VERDICT_MOVE] = "move",
	[VERDICT_GIVE_BACK] = "give-back", [VERDICT_ADVISE] = "advise",
	[VERDICT_REFUSE] = "refuse",
};

const char *recording_mode_name(enum vm_mode mode)
{
	return mode < ARRAY_SIZE(mode_names) ? mode_names[mode] : "unknown";
}

const char *recording_wss_name(enum vm_wss wss)
{
	return wss < ARRAY_SIZE(wss_names) ? wss_names[wss] : "unknown";
}

const char *recording_verdict_name(enum verdict verdict)
{
	return verdict < ARRAY_SIZE(verdict_names) ? verdict_names[verdict] :
						     "unknown";
}

/* A stretch between two points that are kept. */
struct thin_part {
	size_t first;
	size_t last;
	size_t worst;
	double error;
};

struct thin {
	double *sizes;
	double *ratios;
	bool *is_kept;
};

/* Finds the point that a straight line from first to last misses by most. */
static void thin_measure(const struct thin *thin, struct thin_part *part)
{
	const double *sizes = thin->sizes, *ratios = thin->ratios;
	double width = sizes[part->last] - sizes[part->first];
	double fall = ratios[part->last] - ratios[part->first];
	size_t i;

	part->error = 0;
	for (i = part->first + 1; i < part->last; i++) {
		double share = (sizes[i] - sizes[part->first]) / width;
		double error =
			fabs(ratios[part->first] + share * fall - ratios[i]);

		if (error > part->error) {
			part->error = error;
			part->worst = i;
		}
	}
}

/* Splits the worst stretch at its worst point until none matters. */
static void thin_choose(const struct thin *thin, size_t nr_points)
{
	struct thin_part parts[RECORDING_MAX_POINTS] = {
		{ .first = 0, .last = nr_points - 1 },
	};
	size_t nr_parts = 1;

	thin->is_kept[0] = true;
	thin->is_kept[nr_points - 1] = true;
	thin_measure(thin, &parts[0]);
	while (nr_parts + 1 < RECORDING_MAX_POINTS) {
		struct thin_part *worst = &parts[0], *added = &parts[nr_parts];
		size_t i;

		for (i = 1; i < nr_parts; i++) {
			if (parts[i].error > worst->error)
				worst = &parts[i];
		}
		if (worst->error <= RECORDING_THIN_TOLERANCE)
			return;
		thin->is_kept[worst->worst] = true;
		*added = (struct thin_part){ .first = worst->worst,
					     .last = worst->last };
		worst->last = worst->worst;
		thin_measure(thin, worst);
		thin_measure(thin, added);
		nr_parts++;
	}
}

static double thin_round(double value, double per_one)
{
	return value < RECORDING_ROUND_MAX_PAGES ?
		       round(value * per_one) / per_one :
		       value;
}

/* Moves what is kept to the front, rounded; returns how many. */
static size_t thin_pack(const struct thin *thin, size_t nr_points)
{
	size_t nr_kept = 0, i;

	for (i = 0; i < nr_points; i++) {
		double size =
			thin_round(thin->sizes[i], RECORDING_SIZES_PER_PAGE);
		double ratio =
			thin_round(thin->ratios[i], RECORDING_RATIOS_PER_ONE);

		if (!thin->is_kept[i])
			continue;
		/*
		 * Rounded onto the point before: there the lower ratio holds,
		 * unless that is the start, where it is 1.
		 */
		if (nr_kept > 1 && size <= thin->sizes[nr_kept - 1])
			size = thin->sizes[--nr_kept];
		else if (nr_kept == 1 && size <= 0)
			size = 1.0 / RECORDING_SIZES_PER_PAGE;
		thin->sizes[nr_kept] = size;
		thin->ratios[nr_kept] = ratio;
		nr_kept++;
	}
	return nr_kept;
}

int recording_thin_curve(const struct mrc_curve *curve,
			 struct mrc_curve **ret_curve)
{
	size_t nr_points = mrc_curve_nr_points(curve), i;
	_cleanup_free_ double *sizes = calloc(nr_points, sizeof(*sizes));
	_cleanup_free_ double *ratios = calloc(nr_points, sizeof(*ratios));
	_cleanup_free_ bool *is_kept = calloc(nr_points, sizeof(*is_kept));
	struct thin thin = { sizes, ratios, is_kept };

	if (!sizes || !ratios || !is_kept)
		return -ENOMEM;
	for (i = 0; i < nr_points; i++)
		(void)mrc_curve_point(curve, i, &sizes[i], &ratios[i]);
	thin_choose(&thin, nr_points);
	return mrc_curve_new(sizes, ratios, thin_pack(&thin, nr_points),
			     ret_curve);
}

static json_t *bytes_to_json(uint64_t bytes)
{
	return fields_count(bytes < RECORDING_MAX_BYTES ? bytes :
							  RECORDING_MAX_BYTES);
}

static json_t *curve_to_json(const struct mrc_curve *curve)
{
	_cleanup_json_ json_t *points = NULL;
	struct mrc_curve *thin = NULL;
	size_t i;
	int err;

	if (!curve)
		return json_null();
	err = recording_thin_curve(curve, &thin);
	if (err < 0)
		return NULL;
	points = json_array();
	for (i = 0; i < mrc_curve_nr_points(thin); i++) {
		double size = 0, ratio = 0;

		(void)mrc_curve_point(thin, i, &size, &ratio);
		err |= json_array_append_new(points,
					     json_pack("[ff]", size, ratio));
	}
	mrc_curve_free(thin);
	return err ? NULL : TAKE_PTR(points);
}

static json_t *limits_to_json(const struct vm_limits *limits)
{
	_cleanup_json_ json_t *json = json_object();
	int err = 0;

	err |= fields_set(json, "min_bytes", bytes_to_json(limits->min_bytes));
	err |= fields_set(json, "max_bytes", bytes_to_json(limits->max_bytes));
	err |= fields_set(json, "weight", fields_real(limits->weight));
	err |= fields_set(json, "mode",
			  json_string(recording_mode_name(limits->mode)));
	return err ? NULL : TAKE_PTR(json);
}

static json_t *stats_to_json(const struct vm_guest_stats *stats)
{
	_cleanup_json_ json_t *json = json_object();
	int err = 0;

	err |= fields_set(json, "total_bytes",
			  bytes_to_json(stats->total_bytes));
	err |= fields_set(json, "usable_bytes",
			  bytes_to_json(stats->usable_bytes));
	err |= fields_set(json, "unused_bytes",
			  bytes_to_json(stats->unused_bytes));
	err |= fields_set(json, "swap_in_bytes_per_s",
			  fields_real(stats->swap_in_bytes_per_s));
	err |= fields_set(json, "swap_out_bytes_per_s",
			  fields_real(stats->swap_out_bytes_per_s));
	err |= fields_set(json, "major_faults_per_s",
			  fields_real(stats->major_faults_per_s));
	return err ? NULL : TAKE_PTR(json);
}

static json_t *ages_to_json(const uint64_t ages[VIEW_NR_AGES])
{
	_cleanup_json_ json_t *json = json_array();
	size_t i;
	int err = 0;

	for (i = 0; i < VIEW_NR_AGES; i++)
		err |= json_array_append_new(json, bytes_to_json(ages[i]));
	return err ? NULL : TAKE_PTR(json);
}

static json_t *decision_to_json(const struct decision *decision)
{
	_cleanup_json_ json_t *json = json_object(), *want = json_object();
	const struct policy_want *wanted = &decision->want;
	int err = 0;

	err |= fields_set(want, "target_bytes",
			  bytes_to_json(wanted->target_bytes));
	err |= fields_set(want, "has_misses", json_boolean(wanted->has_misses));
	err |= fields_set(want, "misses_now_per_s",
			  fields_real(wanted->misses_now_per_s));
	err |= fields_set(want, "misses_then_per_s",
			  fields_real(wanted->misses_then_per_s));
	err |= fields_set(want, "misses_then_upper_per_s",
			  fields_real(wanted->misses_then_upper_per_s));
	err |= fields_set(want, "reason", fields_text(wanted->reason));
	err |= fields_set(
		json, "verdict",
		json_string(recording_verdict_name(decision->verdict)));
	err |= fields_set(json, "step_bytes",
			  bytes_to_json(decision->step_bytes));
	err |= fields_set(json, "reason", fields_text(decision->reason));
	err |= fields_set(json, "want", json_incref(want));
	return err ? NULL : TAKE_PTR(json);
}

static json_t *vm_to_json(const struct vm_view *vm,
			  const struct decision *decision)
{
	_cleanup_json_ json_t *json = json_object();
	int err = 0;

	err |= fields_set(json, "uuid", fields_text(vm->uuid));
	err |= fields_set(json, "name", fields_text(vm->name ? vm->name : ""));
	err |= fields_set(json, "limits", limits_to_json(&vm->limits));
	err |= fields_set(json, "actual_bytes",
			  bytes_to_json(vm->actual_bytes));
	err |= fields_set(json, "target_bytes",
			  bytes_to_json(vm->target_bytes));
	err |= fields_set(json, "is_movable", json_boolean(vm->is_movable));
	err |= fields_set(json, "immovable_reason",
			  fields_text(vm->immovable_reason));
	err |= fields_set(json, "is_paused", json_boolean(vm->is_paused));
	err |= fields_set(json, "curve", curve_to_json(vm->curve));
	err |= fields_set(json, "lower", curve_to_json(vm->lower));
	err |= fields_set(json, "upper", curve_to_json(vm->upper));
	err |= fields_set(json, "accesses_per_s",
			  fields_real(vm->accesses_per_s));
	err |= fields_set(json, "wss",
			  json_string(recording_wss_name(vm->wss)));
	err |= fields_set(json, "wss_bytes", bytes_to_json(vm->wss_bytes));
	err |= fields_set(json, "measured_age_ns",
			  fields_count(vm->measured_age_ns));
	err |= fields_set(json, "is_stable", json_boolean(vm->is_stable));
	err |= fields_set(json, "is_starved", json_boolean(vm->is_starved));
	err |= fields_set(json, "inverse_rate", json_integer(vm->inverse_rate));
	err |= fields_set(json, "overhead_ratio",
			  fields_real(vm->overhead_ratio));
	err |= fields_set(json, "stats",
			  vm->has_stats ? stats_to_json(&vm->stats) :
					  json_null());
	err |= fields_set(json, "vain_growths", json_integer(vm->vain_growths));
	err |= fields_set(json, "held_bytes", bytes_to_json(vm->held_bytes));
	err |= fields_set(json, "age_bytes", ages_to_json(vm->age_bytes));
	err |= fields_set(json, "decision",
			  decision ? decision_to_json(decision) : json_null());
	return err ? NULL : TAKE_PTR(json);
}

static json_t *host_to_json(const struct host_view *host)
{
	_cleanup_json_ json_t *json = json_object();
	int err = 0;

	err |= fields_set(json, "total_bytes",
			  bytes_to_json(host->total_bytes));
	err |= fields_set(json, "available_bytes",
			  bytes_to_json(host->available_bytes));
	err |= fields_set(json, "budget_bytes",
			  bytes_to_json(host->budget_bytes));
	err |= fields_set(json, "has_pressure",
			  json_boolean(host->has_pressure));
	err |= fields_set(json, "memory_some_percent",
			  fields_real(host->memory_some_percent));
	err |= fields_set(json, "memory_full_percent",
			  fields_real(host->memory_full_percent));
	err |= fields_set(json, "swap_in_bytes_per_s",
			  fields_real(host->swap_in_bytes_per_s));
	return err ? NULL : TAKE_PTR(json);
}

static json_t *thrashing_to_json(const struct tick *tick)
{
	const struct thrashing *thrashing = &tick->thrashing;
	_cleanup_json_ json_t *json = json_object();
	bool has_candidate = thrashing->candidate >= 0 &&
			     (size_t)thrashing->candidate < tick->nr_vms;
	int err = 0;

	err |= fields_set(json, "is_thrashing",
			  json_boolean(thrashing->is_thrashing));
	err |= fields_set(json, "wss_bytes",
			  bytes_to_json(thrashing->wss_bytes));
	err |= fields_set(json, "budget_bytes",
			  bytes_to_json(thrashing->budget_bytes));
	err |= fields_set(json, "candidate",
			  fields_optional(has_candidate,
					  (uint64_t)thrashing->candidate));
	return err ? NULL : TAKE_PTR(json);
}

json_t *recording_tick_to_json(const struct tick *tick)
{
	_cleanup_json_ json_t *json = json_object(), *vms = json_array();
	size_t i;
	int err = 0;

	for (i = 0; i < tick->nr_vms; i++)
		err |= json_array_append_new(
			vms, vm_to_json(&tick->vms[i],
					tick->decisions ? &tick->decisions[i] :
							  NULL));
	err |= fields_set(json, "number", fields_count(tick->number));
	err |= fields_set(json, "time_ns", fields_count(tick->time_ns));
	err |= fields_set(json, "unix_ns", fields_count(tick->unix_ns));
	err |= fields_set(json, "policy",
			  fields_text(tick->policy ? tick->policy->name :
						     NULL));
	err |= fields_set(json, "host", host_to_json(&tick->host));
	err |= fields_set(json, "vms", json_incref(vms));
	err |= fields_set(json, "thrashing", thrashing_to_json(tick));
	return err ? NULL : TAKE_PTR(json);
}

static void get_bytes(struct fields *fields, const char *key,
		      uint64_t *ret_bytes)
{
	fields_get_count(fields, key, RECORDING_MAX_BYTES, ret_bytes);
}

/* Of something per second: null is unknown. */
static void get_rate(struct fields *fields, const char *key, double *ret_rate)
{
	fields_get_real(fields, key, 0, DBL_MAX, true, ret_rate);
}

static void get_curve(struct fields *fields, const char *key,
		      const struct mrc_curve **ret_curve)
{
	const json_t *points = fields_get(fields, key);
	_cleanup_free_ double *sizes = NULL, *ratios = NULL;
	size_t nr_points = json_array_size(points), i;
	struct mrc_curve *curve;
	int err = nr_points > 0 ? 0 : -EINVAL;

	if (fields->err < 0 || !points)
		return;
	sizes = calloc(nr_points + 1, sizeof(*sizes));
	ratios = calloc(nr_points + 1, sizeof(*ratios));
	if (!sizes || !ratios) {
		fields->err = -ENOMEM;
		return;
	}
	for (i = 0; i < nr_points; i++) {
		const json_t *point = json_array_get(points, i);
		const json_t *size = json_array_get(point, 0);
		const json_t *ratio = json_array_get(point, 1);

		if (json_array_size(point) != 2 || !json_is_number(size) ||
		    !json_is_number(ratio))
			err = -EINVAL;
		sizes[i] = json_number_value(size);
		ratios[i] = json_number_value(ratio);
	}
	if (err == 0)
		err = mrc_curve_new(sizes, ratios, nr_points, &curve);
	if (err == -ENOMEM)
		fields->err = -ENOMEM;
	else if (err < 0)
		fields_reject(
			fields, key,
			"points [pages, miss ratio], sizes rising from 0, ratios falling from 1");
	else
		*ret_curve = curve;
}

static void get_limits(struct fields *vm, struct vm_limits *limits)
{
	struct fields fields = fields_enter(vm, "limits");
	unsigned int mode = VM_MODE_OBSERVE;

	get_bytes(&fields, "min_bytes", &limits->min_bytes);
	get_bytes(&fields, "max_bytes", &limits->max_bytes);
	fields_get_real(&fields, "weight", DBL_MIN, DBL_MAX, false,
			&limits->weight);
	fields_get_name(&fields, "mode", mode_names, ARRAY_SIZE(mode_names),
			&mode);
	limits->mode = (enum vm_mode)mode;
	if (limits->min_bytes < VIEW_PAGE_BYTES)
		fields_reject(&fields, "min_bytes", "at least a page");
	if (limits->max_bytes < limits->min_bytes)
		fields_reject(&fields, "max_bytes", "at least min_bytes");
	fields_leave(vm, &fields, "limits");
}

static void get_stats(struct fields *vm, struct vm_view *view)
{
	struct vm_guest_stats *stats = &view->stats;
	struct fields fields;

	if (vm->err < 0 || !fields_get(vm, "stats"))
		return;
	fields = fields_enter(vm, "stats");
	get_bytes(&fields, "total_bytes", &stats->total_bytes);
	get_bytes(&fields, "usable_bytes", &stats->usable_bytes);
	get_bytes(&fields, "unused_bytes", &stats->unused_bytes);
	get_rate(&fields, "swap_in_bytes_per_s", &stats->swap_in_bytes_per_s);
	get_rate(&fields, "swap_out_bytes_per_s", &stats->swap_out_bytes_per_s);
	get_rate(&fields, "major_faults_per_s", &stats->major_faults_per_s);
	view->has_stats = true;
	fields_leave(vm, &fields, "stats");
}

/* Not in recordings of daemons that did not know them. */
static void get_demand(struct fields *vm, struct vm_view *view)
{
	uint64_t vain_growths = 0;

	if (fields_get(vm, "vain_growths"))
		fields_get_count(vm, "vain_growths", RECORDING_MAX_VAIN_GROWTHS,
				 &vain_growths);
	view->vain_growths = (unsigned int)vain_growths;
	if (fields_get(vm, "held_bytes"))
		get_bytes(vm, "held_bytes", &view->held_bytes);
}

static void get_ages(struct fields *vm, uint64_t ages[VIEW_NR_AGES])
{
	const json_t *array = fields_get(vm, "age_bytes");
	size_t i;

	if (json_array_size(array) != VIEW_NR_AGES)
		fields_reject(vm, "age_bytes", "16 numbers of bytes");
	for (i = 0; i < VIEW_NR_AGES && vm->err == 0; i++) {
		const json_t *age = json_array_get(array, i);
		json_int_t bytes = json_integer_value(age);

		if (!json_is_integer(age) || bytes < 0 ||
		    (uint64_t)bytes > RECORDING_MAX_BYTES)
			fields_reject(vm, "age_bytes", "16 numbers of bytes");
		else
			ages[i] = (uint64_t)bytes;
	}
}

static void get_want(struct fields *decision, struct policy_want *want)
{
	struct fields fields = fields_enter(decision, "want");
	char *reason = NULL;

	get_bytes(&fields, "target_bytes", &want->target_bytes);
	fields_get_bool(&fields, "has_misses", &want->has_misses);
	get_rate(&fields, "misses_now_per_s", &want->misses_now_per_s);
	get_rate(&fields, "misses_then_per_s", &want->misses_then_per_s);
	get_rate(&fields, "misses_then_upper_per_s",
		 &want->misses_then_upper_per_s);
	fields_copy_text(&fields, "reason", true, &reason);
	want->reason = reason;
	fields_leave(decision, &fields, "want");
}

static void get_decision(struct fields *fields, struct decision *decision)
{
	unsigned int verdict = VERDICT_HOLD;
	const char *reason = "";

	fields_get_name(fields, "verdict", verdict_names,
			ARRAY_SIZE(verdict_names), &verdict);
	decision->verdict = (enum verdict)verdict;
	get_bytes(fields, "step_bytes", &decision->step_bytes);
	fields_get_text(fields, "reason", false, &reason);
	if (strlen(reason) >= sizeof(decision->reason))
		fields_reject(fields, "reason", "a shorter text");
	(void)snprintf(decision->reason, sizeof(decision->reason), "%s",
		       reason);
	get_want(fields, &decision->want);
}

/* What was read before a failure is freed by the caller. */
static void get_vm(struct fields *fields, struct vm_view *vm,
		   struct decision *decision)
{
	char *name = NULL, *immovable_reason = NULL;
	const char *uuid = "";
	unsigned int wss = VM_WSS_UNKNOWN;
	uint64_t inverse_rate = 0;
	struct fields inner;

	fields_get_text(fields, "uuid", false, &uuid);
	if (strlen(uuid) >= sizeof(vm->uuid))
		fields_reject(fields, "uuid", "36 characters");
	(void)snprintf(vm->uuid, sizeof(vm->uuid), "%s", uuid);
	fields_copy_text(fields, "name", false, &name);
	vm->name = name;
	get_limits(fields, &vm->limits);
	get_bytes(fields, "actual_bytes", &vm->actual_bytes);
	get_bytes(fields, "target_bytes", &vm->target_bytes);
	fields_get_bool(fields, "is_movable", &vm->is_movable);
	fields_copy_text(fields, "immovable_reason", true, &immovable_reason);
	vm->immovable_reason = immovable_reason;
	fields_get_bool(fields, "is_paused", &vm->is_paused);
	get_curve(fields, "curve", &vm->curve);
	get_curve(fields, "lower", &vm->lower);
	get_curve(fields, "upper", &vm->upper);
	get_rate(fields, "accesses_per_s", &vm->accesses_per_s);
	fields_get_name(fields, "wss", wss_names, ARRAY_SIZE(wss_names), &wss);
	vm->wss = (enum vm_wss)wss;
	get_bytes(fields, "wss_bytes", &vm->wss_bytes);
	fields_get_count(fields, "measured_age_ns", INT64_MAX,
			 &vm->measured_age_ns);
	fields_get_bool(fields, "is_stable", &vm->is_stable);
	fields_get_bool(fields, "is_starved", &vm->is_starved);
	fields_get_count(fields, "inverse_rate", UINT32_MAX, &inverse_rate);
	vm->inverse_rate = (uint32_t)inverse_rate;
	fields_get_real(fields, "overhead_ratio", -DBL_MAX, DBL_MAX, true,
			&vm->overhead_ratio);
	get_stats(fields, vm);
	get_demand(fields, vm);
	get_ages(fields, vm->age_bytes);
	inner = fields_enter(fields, "decision");
	get_decision(&inner, decision);
	fields_leave(fields, &inner, "decision");
}

static void get_host(struct fields *tick, struct host_view *host)
{
	struct fields fields = fields_enter(tick, "host");

	get_bytes(&fields, "total_bytes", &host->total_bytes);
	get_bytes(&fields, "available_bytes", &host->available_bytes);
	get_bytes(&fields, "budget_bytes", &host->budget_bytes);
	fields_get_bool(&fields, "has_pressure", &host->has_pressure);
	get_rate(&fields, "memory_some_percent", &host->memory_some_percent);
	get_rate(&fields, "memory_full_percent", &host->memory_full_percent);
	get_rate(&fields, "swap_in_bytes_per_s", &host->swap_in_bytes_per_s);
	fields_leave(tick, &fields, "host");
}

static void get_thrashing(struct fields *tick, size_t nr_vms,
			  struct thrashing *thrashing)
{
	struct fields fields = fields_enter(tick, "thrashing");
	uint64_t candidate = 0;

	fields_get_bool(&fields, "is_thrashing", &thrashing->is_thrashing);
	get_bytes(&fields, "wss_bytes", &thrashing->wss_bytes);
	get_bytes(&fields, "budget_bytes", &thrashing->budget_bytes);
	thrashing->candidate = -1;
	if (fields_get(&fields, "candidate")) {
		if (nr_vms == 0)
			fields_reject(&fields, "candidate", "null");
		fields_get_count(&fields, "candidate", nr_vms - 1, &candidate);
		thrashing->candidate = (ptrdiff_t)candidate;
	}
	fields_leave(tick, &fields, "thrashing");
}

static void get_policy(struct fields *tick, const struct policy **ret_policy)
{
	const char *name = NULL;

	fields_get_text(tick, "policy", true, &name);
	if (tick->err < 0 || !name)
		return;
	*ret_policy = policy_find(name);
	if (!*ret_policy)
		fields_reject(tick, "policy", "the name of a policy");
}

static void get_vms(struct fields *fields, struct tick *tick)
{
	const json_t *vms = fields_get(fields, "vms");
	size_t nr_vms = json_array_size(vms), i;

	if (!json_is_array(vms))
		fields_reject(fields, "vms", "an array");
	if (fields->err < 0)
		return;
	tick->vms = calloc(nr_vms + 1, sizeof(*tick->vms));
	tick->decisions = calloc(nr_vms + 1, sizeof(*tick->decisions));
	if (!tick->vms || !tick->decisions) {
		fields->err = -ENOMEM;
		return;
	}
	tick->nr_vms = nr_vms;
	for (i = 0; i < nr_vms && fields->err == 0; i++) {
		struct fields vm = *fields;
		char where[32];

		vm.object = json_array_get(vms, i);
		get_vm(&vm, &tick->vms[i], &tick->decisions[i]);
		(void)snprintf(where, sizeof(where), "vms[%zu]", i);
		fields_leave(fields, &vm, where);
	}
}

int recording_tick_from_json(const json_t *json, struct tick *ret_tick,
			     char ret_error[RECORDING_ERROR_BYTES])
{
	CLEANUP(recording_tick_done) struct tick tick = { 0 };
	char error[RECORDING_ERROR_BYTES] = "";
	struct fields fields = { .object = json,
				 .error = error,
				 .error_bytes = sizeof(error) };

	if (!json_is_object(json))
		fields_reject(&fields, "tick", "an object");
	fields_get_count(&fields, "number", INT64_MAX, &tick.number);
	fields_get_count(&fields, "time_ns", INT64_MAX, &tick.time_ns);
	fields_get_count(&fields, "unix_ns", INT64_MAX, &tick.unix_ns);
	get_policy(&fields, &tick.policy);
	get_host(&fields, &tick.host);
	get_vms(&fields, &tick);
	get_thrashing(&fields, tick.nr_vms, &tick.thrashing);
	if (fields.err < 0) {
		memcpy(ret_error, error, sizeof(error));
		return fields.err;
	}
	*ret_tick = tick;
	tick = (struct tick){ 0 };
	return 0;
}

void recording_tick_done(struct tick *tick)
{
	size_t i;

	for (i = 0; i < tick->nr_vms; i++) {
		struct vm_view *vm = &tick->vms[i];

		/* Made here, whatever others that fill views may not change. */
		free((void *)vm->name);
		free((void *)vm->immovable_reason);
		mrc_curve_free((struct mrc_curve *)vm->curve);
		mrc_curve_free((struct mrc_curve *)vm->lower);
		mrc_curve_free((struct mrc_curve *)vm->upper);
		free((void *)tick->decisions[i].want.reason);
	}
	free(tick->vms);
	free(tick->decisions);
	*tick = (struct tick){ 0 };
}
