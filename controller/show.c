// SPDX-License-Identifier: GPL-2.0-or-later
#include "show.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "columns.h"
#include "fields.h"
#include "policy/plan.h"
#include "recording.h"
#include "report.h"
#include "text.h"
#include "units.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

void show_wss(const struct vm_view *vm, char text[SHOW_BYTES])
{
	char size[AMOUNT_BYTES];

	amount_format_size(vm->wss_bytes, size);
	switch (vm->wss) {
	case VM_WSS_KNOWN:
		(void)snprintf(text, SHOW_BYTES, "%s", size);
		break;
	case VM_WSS_ABOVE:
		(void)snprintf(text, SHOW_BYTES, "> %s", size);
		break;
	default:
		(void)snprintf(text, SHOW_BYTES, "-");
	}
}

/* The size at which a curve is as low as the middle one at the working set. */
static int show_wss_on(const struct vm_view *vm, const struct mrc_curve *curve,
		       uint64_t *ret_bytes)
{
	double ratio = mrc_curve_at(vm->curve,
				    (double)vm->wss_bytes / VIEW_PAGE_BYTES);
	uint64_t pages;
	int err = mrc_curve_wss_pages(curve, ratio, &pages);

	if (err == 0)
		*ret_bytes = pages * VIEW_PAGE_BYTES;
	return err;
}

void show_wss_band(const struct vm_view *vm, char text[SHOW_BYTES])
{
	char low[AMOUNT_BYTES], high[AMOUNT_BYTES] = "";
	uint64_t bytes = 0;

	(void)snprintf(text, SHOW_BYTES, "-");
	if (vm->wss != VM_WSS_KNOWN || !vm->curve || !vm->lower || !vm->upper ||
	    show_wss_on(vm, vm->lower, &bytes) < 0)
		return;
	amount_format_size(bytes, low);
	if (show_wss_on(vm, vm->upper, &bytes) == 0)
		amount_format_size(bytes, high);
	if (*high)
		(void)snprintf(text, SHOW_BYTES, "%s to %s", low, high);
	else
		(void)snprintf(text, SHOW_BYTES, "at least %s", low);
}

void show_time(uint64_t unix_ns, char text[SHOW_BYTES])
{
	time_t seconds = (time_t)(unix_ns / NS_PER_S);
	struct tm local;

	if (!localtime_r(&seconds, &local) ||
	    !strftime(text, SHOW_BYTES, "%Y-%m-%d %H:%M:%S %z", &local))
		(void)snprintf(text, SHOW_BYTES, "-");
}

const char *show_state(const struct vm_view *vm)
{
	if (vm->is_paused)
		return "paused";
	if (vm->is_stable)
		return "stable";
	if (vm->inverse_rate == 0)
		return "untracked";
	return vm->is_starved ? "starved" : "tracked";
}

double show_misses_per_s(const struct vm_view *vm)
{
	return plan_misses_now_per_s(vm, vm->curve);
}

static void cleanup_columns(struct columns **columns)
{
	columns_free(*columns);
}

#define _cleanup_columns_ CLEANUP(cleanup_columns)

/* A VM in the order of rows. */
struct show_row {
	size_t index;
	double key;
	const char *name;
};

static int show_compare(const void *left, const void *right)
{
	const struct show_row *a = left, *b = right;
	int order;

	/* The largest first; what is unknown has the key -1. */
	if (a->key != b->key)
		return a->key > b->key ? -1 : 1;
	order = strcmp(a->name, b->name);
	return order ? order : (a->index > b->index) - (a->index < b->index);
}

static double show_key(const struct vm_view *vm, enum options_sort sort)
{
	double key = 0;

	switch (sort) {
	case OPTIONS_SORT_WSS:
		key = vm->wss == VM_WSS_UNKNOWN ? -1 : (double)vm->wss_bytes;
		break;
	case OPTIONS_SORT_CURRENT:
		key = (double)vm->actual_bytes;
		break;
	case OPTIONS_SORT_MISSES:
		key = show_misses_per_s(vm);
		break;
	case OPTIONS_SORT_OVERHEAD:
		key = vm->overhead_ratio;
		break;
	default:
		break;
	}
	return isnan(key) ? -1 : key;
}

static struct show_row *show_sorted(const struct tick *tick,
				    enum options_sort sort)
{
	struct show_row *rows = calloc(tick->nr_vms + 1, sizeof(*rows));
	size_t i;

	if (!rows)
		return NULL;
	for (i = 0; i < tick->nr_vms; i++)
		rows[i] = (struct show_row){ i, show_key(&tick->vms[i], sort),
					     tick->vms[i].name };
	if (tick->nr_vms > 0)
		qsort(rows, tick->nr_vms, sizeof(*rows), show_compare);
	return rows;
}

static void show_top_row(struct columns *columns, const struct vm_view *vm,
			 const struct decision *decision)
{
	char text[SHOW_BYTES];

	columns_cell(columns, vm->name);
	show_wss(vm, text);
	columns_cell(columns, text);
	show_wss_band(vm, text);
	columns_cell(columns, text);
	amount_format_size(vm->actual_bytes, text);
	columns_cell(columns, text);
	amount_format_size(decision->step_bytes, text);
	columns_cell(columns, text);
	amount_format_percent(vm->overhead_ratio, text);
	columns_cell(columns, text);
	if (vm->inverse_rate > 0)
		(void)snprintf(text, sizeof(text), "1/%" PRIu32,
			       vm->inverse_rate);
	else
		(void)snprintf(text, sizeof(text), "-");
	columns_cell(columns, text);
	amount_format_rate(show_misses_per_s(vm), text);
	columns_cell(columns, text);
	columns_cell(columns, show_state(vm));
	columns_cell(columns, recording_verdict_name(decision->verdict));
}

static int show_host(FILE *out, const struct tick *tick)
{
	const struct host_view *host = &tick->host;
	const struct thrashing *thrashing = &tick->thrashing;
	char time[SHOW_BYTES], available[AMOUNT_BYTES], total[AMOUNT_BYTES],
		budget[AMOUNT_BYTES], wss[AMOUNT_BYTES];

	show_time(tick->unix_ns, time);
	amount_format_size(host->available_bytes, available);
	amount_format_size(host->total_bytes, total);
	amount_format_size(thrashing->budget_bytes, budget);
	amount_format_size(thrashing->wss_bytes, wss);
	(void)fprintf(
		out,
		"%s  policy %s, %zu VMs: working sets %s of %s for VMs; host: %s of %s available",
		time, tick->policy ? tick->policy->name : "-", tick->nr_vms,
		wss, budget, available, total);
	if (host->has_pressure)
		(void)fprintf(out, ", pressure %.1f%%",
			      host->memory_some_percent);
	(void)fputc('\n', out);
	if (thrashing->is_thrashing) {
		_cleanup_free_ char *name = NULL;

		(void)fprintf(
			out,
			"THRASHING: the working sets do not fit into the memory for VMs");
		if (thrashing->candidate >= 0) {
			name = text_printable(
				tick->vms[thrashing->candidate].name);
			if (!name)
				return -ENOMEM;
			(void)fprintf(out,
				      "; migrating or suspending %s helps most",
				      name);
		}
		(void)fputc('\n', out);
	}
	return 0;
}

int show_top(FILE *out, const struct tick *tick, enum options_sort sort)
{
	static const struct column heads[] = {
		{ "DOMAIN", false },  { "WSS", true },
		{ "95% BAND", true }, { "CURRENT", true },
		{ "TARGET", true },   { "OVERHEAD", true },
		{ "RATE", true },     { "MISSES/S", true },
		{ "STATE", false },   { "VERDICT", false },
	};
	_cleanup_columns_ struct columns *columns = NULL;
	_cleanup_free_ struct show_row *rows = show_sorted(tick, sort);
	size_t i;
	int err;

	if (!rows)
		return -ENOMEM;
	err = show_host(out, tick);
	if (err == 0)
		err = columns_new(heads, ARRAY_SIZE(heads), &columns);
	if (err < 0)
		return err;
	for (i = 0; i < tick->nr_vms; i++)
		show_top_row(columns, &tick->vms[rows[i].index],
			     &tick->decisions[rows[i].index]);
	return columns_print(columns, out);
}

static void show_memory(FILE *out, const struct vm_view *vm)
{
	char actual[AMOUNT_BYTES], target[AMOUNT_BYTES], min[AMOUNT_BYTES],
		max[AMOUNT_BYTES];

	amount_format_size(vm->actual_bytes, actual);
	amount_format_size(vm->target_bytes, target);
	amount_format_size(vm->limits.min_bytes, min);
	amount_format_size(vm->limits.max_bytes, max);
	(void)fprintf(out,
		      "  memory       has %s, told to have %s; from %s to %s\n",
		      actual, target, min, max);
	(void)fprintf(out, "  setting      weight %.6g, mode %s\n",
		      vm->limits.weight, recording_mode_name(vm->limits.mode));
}

static void show_measured(FILE *out, const struct vm_view *vm)
{
	char wss[SHOW_BYTES], band[SHOW_BYTES], overhead[AMOUNT_BYTES];

	show_wss(vm, wss);
	show_wss_band(vm, band);
	(void)fprintf(out, "  working set  %s",
		      vm->wss == VM_WSS_UNKNOWN ? "unknown" : wss);
	if (strcmp(band, "-") != 0)
		(void)fprintf(out, " (%s)", band);
	if (vm->wss != VM_WSS_UNKNOWN)
		(void)fprintf(out, ", measured %.4g s ago",
			      units_seconds(vm->measured_age_ns));
	(void)fprintf(out, "; %s", show_state(vm));
	if (vm->inverse_rate > 0) {
		amount_format_percent(vm->overhead_ratio, overhead);
		(void)fprintf(out,
			      ", one page in %" PRIu32 " sampled, overhead %s",
			      vm->inverse_rate, overhead);
	}
	(void)fputc('\n', out);
}

static void show_stats(FILE *out, const struct vm_view *vm)
{
	char total[AMOUNT_BYTES], usable[AMOUNT_BYTES], in[AMOUNT_BYTES],
		faults[AMOUNT_BYTES];

	if (!vm->has_stats) {
		(void)fprintf(out,
			      "  guest        tells nothing of its memory\n");
		return;
	}
	amount_format_size(vm->stats.total_bytes, total);
	amount_format_size(vm->stats.usable_bytes, usable);
	amount_format_size(
		(uint64_t)fmin(fmax(vm->stats.swap_in_bytes_per_s, 0), 0x1p62),
		in);
	amount_format_rate(vm->stats.major_faults_per_s, faults);
	(void)fprintf(
		out,
		"  guest        %s of %s usable, swaps in %s/s, %s major faults/s\n",
		usable, total, in, faults);
}

static void show_want(FILE *out, const struct tick *tick,
		      const struct policy_want *want)
{
	char target[AMOUNT_BYTES], now[AMOUNT_BYTES], then[AMOUNT_BYTES],
		upper[AMOUNT_BYTES];

	amount_format_size(want->target_bytes, target);
	(void)fprintf(out, "  policy       %s wants %s%s%s",
		      tick->policy ? tick->policy->name : "-", target,
		      want->reason ? ": " : "",
		      want->reason ? want->reason : "");
	if (want->has_misses) {
		amount_format_rate(want->misses_now_per_s, now);
		amount_format_rate(want->misses_then_per_s, then);
		amount_format_rate(want->misses_then_upper_per_s, upper);
		(void)fprintf(out, "; %s misses/s now, %s then (at most %s)",
			      now, then, upper);
	}
	(void)fputc('\n', out);
}

static int show_alternatives(FILE *out, const struct vm_view *vm,
			     const struct show_alternatives *alternatives)
{
	static const struct column heads[] = {
		{ "  POLICY", false }, { "WANTS", true },
		{ "CHANGE", true },    { "MISSES/S THEN", true },
		{ "BECAUSE", false },
	};
	_cleanup_columns_ struct columns *columns = NULL;
	size_t i;
	int err;

	if (alternatives->note)
		(void)fprintf(out, "  policies     %s\n", alternatives->note);
	if (alternatives->nr == 0)
		return 0;
	err = columns_new(heads, ARRAY_SIZE(heads), &columns);
	if (err < 0)
		return err;
	for (i = 0; i < alternatives->nr; i++) {
		const struct policy_want *want = &alternatives->list[i].want;
		char text[SHOW_BYTES];

		(void)snprintf(text, sizeof(text), "  %s",
			       alternatives->list[i].policy->name);
		columns_cell(columns, text);
		amount_format_size(want->target_bytes, text);
		columns_cell(columns, text);
		amount_format_change(vm->actual_bytes, want->target_bytes,
				     text);
		columns_cell(columns, text);
		amount_format_rate(
			want->has_misses ? want->misses_then_per_s : NAN, text);
		columns_cell(columns, text);
		columns_cell(columns, want->reason ? want->reason : "");
	}
	return columns_print(columns, out);
}

int show_decision(FILE *out, const struct tick *tick, size_t index,
		  const struct show_alternatives *alternatives)
{
	const struct vm_view *vm = &tick->vms[index];
	const struct decision *decision = &tick->decisions[index];
	_cleanup_free_ char *name = text_printable(vm->name);
	_cleanup_free_ char *reason = text_printable(decision->reason);
	char time[SHOW_BYTES], step[AMOUNT_BYTES], available[AMOUNT_BYTES],
		budget[AMOUNT_BYTES];

	if (!name || !reason)
		return -ENOMEM;
	show_time(tick->unix_ns, time);
	amount_format_size(decision->step_bytes, step);
	(void)fprintf(out, "%s at %s (tick %" PRIu64 "): %s, %s\n", name, time,
		      tick->number, recording_verdict_name(decision->verdict),
		      step);
	(void)fprintf(out, "  because      %s\n", reason);
	show_memory(out, vm);
	show_measured(out, vm);
	show_stats(out, vm);
	amount_format_size(tick->host.available_bytes, available);
	amount_format_size(tick->host.budget_bytes, budget);
	(void)fprintf(out, "  host         %s for all VMs, %s available",
		      budget, available);
	if (tick->host.has_pressure)
		(void)fprintf(out, ", pressure %.1f%%",
			      tick->host.memory_some_percent);
	(void)fputc('\n', out);
	show_want(out, tick, &decision->want);
	return show_alternatives(out, vm, alternatives);
}

static json_t *
show_alternatives_json(const struct show_alternatives *alternatives)
{
	_cleanup_json_ json_t *array = json_array();
	size_t i;
	int err = 0;

	for (i = 0; i < alternatives->nr; i++) {
		const struct policy_want *want = &alternatives->list[i].want;
		_cleanup_json_ json_t *row = json_object();

		err |= fields_set(
			row, "policy",
			json_string(alternatives->list[i].policy->name));
		err |= fields_set(row, "target_bytes",
				  fields_count(want->target_bytes));
		err |= fields_set(row, "misses_then_per_s",
				  fields_real(want->has_misses ?
						      want->misses_then_per_s :
						      NAN));
		err |= fields_set(row, "reason", fields_text(want->reason));
		err |= json_array_append(array, row);
	}
	return err ? NULL : TAKE_PTR(array);
}

json_t *show_decision_json(const struct tick *tick, size_t index,
			   const struct show_alternatives *alternatives)
{
	/* A tick of that VM alone; the candidate is none of it. */
	struct tick alone = *tick;
	_cleanup_json_ json_t *json = NULL;
	int err = 0;

	alone.vms += index;
	alone.decisions += index;
	alone.nr_vms = 1;
	alone.thrashing.candidate =
		tick->thrashing.candidate == (ptrdiff_t)index ? 0 : -1;
	json = recording_tick_to_json(&alone);
	err |= fields_set(json, "alternatives",
			  alternatives->nr > 0 ?
				  show_alternatives_json(alternatives) :
				  json_null());
	err |= fields_set(json, "alternatives_note",
			  fields_text(alternatives->note));
	return err ? NULL : TAKE_PTR(json);
}

json_t *show_json_new(const char *type)
{
	_cleanup_json_ json_t *json = json_object();
	int err = 0;

	err |= fields_set(json, "schema_version",
			  json_integer(REPORT_SCHEMA_VERSION));
	err |= fields_set(json, "type", json_string(type));
	return err ? NULL : TAKE_PTR(json);
}
