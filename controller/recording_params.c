// SPDX-License-Identifier: GPL-2.0-or-later
/* The parameters of a tick's decisions, as JSON and back. */
#include "recording.h"

#include <errno.h>
#include <float.h>
#include <stddef.h>
#include <string.h>

#include "fields.h"

#define PARAMS_KEY "params"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

enum param_type {
	PARAM_COUNT,
	PARAM_UINT,
	PARAM_REAL
};

/**
 * struct param - one parameter
 * @name: in JSON
 * @type: of the field of struct recording_params at @offset
 * @offset: see above
 * @min: smallest value that policies and guard can work with
 * @max: largest
 */
struct param {
	const char *name;
	enum param_type type;
	size_t offset;
	double min;
	double max;
};

#define AT(field) offsetof(struct recording_params, field)
#define MAX_COUNT ((double)RECORDING_MAX_BYTES)
#define MAX_TICKS 1e6
#define MAX_AGE_NS 1e15
/* As in the configuration. */
#define TINY 1e-9
#define MAX_REAL 1e6

static const struct param policy_list[] = {
	{ "unit_bytes", PARAM_COUNT, AT(policy.unit_bytes), VIEW_PAGE_BYTES,
	  MAX_COUNT },
	{ "max_curve_age_ns", PARAM_COUNT, AT(policy.max_curve_age_ns), 0,
	  MAX_AGE_NS },
	{ "desired_use", PARAM_REAL, AT(policy.desired_use), TINY, 1 - TINY },
	{ "grow", PARAM_REAL, AT(policy.grow), TINY, MAX_REAL },
	{ "shrink", PARAM_REAL, AT(policy.shrink), TINY, MAX_REAL },
	{ "game_price", PARAM_REAL, AT(policy.game_price), TINY, MAX_REAL },
	{ "game_performance", PARAM_REAL, AT(policy.game_performance), TINY,
	  MAX_REAL },
	{ "game_slope", PARAM_REAL, AT(policy.game_slope), TINY, MAX_REAL },
};

static const struct param guard_list[] = {
	{ "max_step_bytes", PARAM_COUNT, AT(guard.max_step_bytes),
	  VIEW_PAGE_BYTES, MAX_COUNT },
	{ "max_shrink_ratio", PARAM_REAL, AT(guard.max_shrink_ratio), TINY, 1 },
	{ "dead_band_bytes", PARAM_COUNT, AT(guard.dead_band_bytes), 0,
	  MAX_COUNT },
	{ "dead_band_gain_per_s", PARAM_REAL, AT(guard.dead_band_gain_per_s), 0,
	  DBL_MAX },
	{ "settle_ticks", PARAM_UINT, AT(guard.settle_ticks), 1, MAX_TICKS },
	{ "backoff_ticks", PARAM_UINT, AT(guard.backoff_ticks), 1, MAX_TICKS },
	{ "max_backoff_ticks", PARAM_UINT, AT(guard.max_backoff_ticks), 1,
	  MAX_TICKS },
	{ "foreign_hold_ticks", PARAM_UINT, AT(guard.foreign_hold_ticks), 0,
	  MAX_TICKS },
	{ "swap_in_bytes_per_s", PARAM_REAL, AT(guard.swap_in_bytes_per_s), 0,
	  DBL_MAX },
	{ "pressure_percent", PARAM_REAL, AT(guard.pressure_percent), 0, 100 },
	{ "usable_min_bytes", PARAM_COUNT, AT(guard.usable_min_bytes), 0,
	  MAX_COUNT },
	{ "usable_min_ratio", PARAM_REAL, AT(guard.usable_min_ratio), 0, 1 },
	{ "squeeze_ratio", PARAM_REAL, AT(guard.squeeze_ratio), 0, 1 },
};

void recording_params_init(struct recording_params *params)
{
	*params = (struct recording_params){
		.policy = policy_default_params,
		.guard = guard_default_params,
	};
}

static json_t *list_to_json(const struct param *list, size_t nr,
			    const struct recording_params *params)
{
	_cleanup_json_ json_t *json = json_object();
	size_t i;
	int err = 0;

	for (i = 0; i < nr; i++) {
		const void *field = (const char *)params + list[i].offset;
		json_t *value =
			list[i].type == PARAM_COUNT ?
				fields_count(*(const uint64_t *)field) :
			list[i].type == PARAM_UINT ?
				fields_count(*(const unsigned int *)field) :
				fields_real(*(const double *)field);

		err |= fields_set(json, list[i].name, value);
	}
	return err ? NULL : TAKE_PTR(json);
}

int recording_params_to_json(const struct recording_params *params,
			     json_t *tick)
{
	_cleanup_json_ json_t *json = NULL;
	int err = 0;

	if (!params->is_known)
		return 0;
	json = json_object();
	err |= fields_set(json, "policy",
			  list_to_json(policy_list, ARRAY_SIZE(policy_list),
				       params));
	err |= fields_set(json, "guard",
			  list_to_json(guard_list, ARRAY_SIZE(guard_list),
				       params));
	err |= fields_set(tick, PARAMS_KEY, json_incref(json));
	return err ? -ENOMEM : 0;
}

static void get_param(struct fields *fields, const struct param *param,
		      struct recording_params *params)
{
	void *field = (char *)params + param->offset;
	uint64_t count = 0;

	/* One that is newer than the recording: it had no effect then. */
	if (!fields_get(fields, param->name))
		return;
	if (param->type == PARAM_REAL) {
		fields_get_real(fields, param->name, param->min, param->max,
				false, field);
		return;
	}
	fields_get_count(fields, param->name, (uint64_t)param->max, &count);
	if ((double)count < param->min)
		fields_reject(fields, param->name, "a larger number");
	if (fields->err < 0)
		return;
	if (param->type == PARAM_UINT)
		*(unsigned int *)field = (unsigned int)count;
	else
		*(uint64_t *)field = count;
}

static void get_list(struct fields *outer, const char *key,
		     const struct param *list, size_t nr,
		     struct recording_params *params)
{
	struct fields fields = fields_enter(outer, key);
	size_t i;

	for (i = 0; i < nr; i++)
		get_param(&fields, &list[i], params);
	fields_leave(outer, &fields, key);
}

int recording_params_from_json(const json_t *tick,
			       struct recording_params *ret_params,
			       char ret_error[RECORDING_ERROR_BYTES])
{
	char error[RECORDING_ERROR_BYTES] = "";
	struct fields fields = { .object = tick,
				 .error = error,
				 .error_bytes = sizeof(error) };
	struct recording_params params;
	struct fields inner;

	recording_params_init(&params);
	if (!fields_get(&fields, PARAMS_KEY)) {
		*ret_params = params;
		return 0;
	}
	inner = fields_enter(&fields, PARAMS_KEY);
	get_list(&inner, "policy", policy_list, ARRAY_SIZE(policy_list),
		 &params);
	get_list(&inner, "guard", guard_list, ARRAY_SIZE(guard_list), &params);
	if (params.policy.unit_bytes % VIEW_PAGE_BYTES)
		fields_reject(&inner, "unit_bytes", "whole pages");
	if (params.guard.backoff_ticks > params.guard.max_backoff_ticks)
		fields_reject(&inner, "backoff_ticks",
			      "at most max_backoff_ticks");
	fields_leave(&fields, &inner, PARAMS_KEY);
	if (fields.err < 0) {
		memcpy(ret_error, error, sizeof(error));
		return fields.err;
	}
	params.is_known = true;
	*ret_params = params;
	return 0;
}
