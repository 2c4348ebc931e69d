// SPDX-License-Identifier: GPL-2.0-or-later
#include "preview.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "fields.h"
#include "policy/policy.h"
#include "recording.h"
#include "show.h"
#include "text.h"
#include "units.h"

#define PREVIEW_SENTENCE_BYTES 512

static struct preview_misses preview_misses_at(const struct preview *preview,
					       uint64_t bytes)
{
	const struct vm_view *vm = preview->vm;
	const struct plan_demand *demand = &preview->demand;

	return (struct preview_misses){
		.per_s = plan_curve_misses_per_s(vm, demand, vm->curve, bytes),
		.lower_per_s =
			plan_curve_misses_per_s(vm, demand, vm->lower, bytes),
		.upper_per_s =
			plan_curve_misses_per_s(vm, demand, vm->upper, bytes),
	};
}

int preview_init(const struct policy_params *params, const struct vm_view *vm,
		 uint64_t bytes, struct preview *ret_preview)
{
	struct preview preview = { .vm = vm, .bytes = bytes };

	if (!vm->curve)
		return -ENODATA;
	preview.demand = plan_demand(params, vm);
	preview.now = preview_misses_at(&preview, vm->actual_bytes);
	preview.then = preview_misses_at(&preview, bytes);
	if (isnan(preview.now.per_s) || isnan(preview.then.per_s))
		return -ENODATA;
	*ret_preview = preview;
	return 0;
}

/* Whether the bands are so far apart that the difference is no chance. */
static bool preview_is_sure(const struct preview *preview)
{
	const struct preview_misses *now = &preview->now,
				    *then = &preview->then;

	return then->lower_per_s > now->upper_per_s ||
	       then->upper_per_s < now->lower_per_s;
}

/* The most that the difference may be; NaN without a band. */
static void preview_describe(const struct preview *preview,
			     char text[PREVIEW_SENTENCE_BYTES])
{
	const struct vm_view *vm = preview->vm;
	bool is_shrinking = preview->bytes < vm->actual_bytes;
	double change = preview->then.per_s - preview->now.per_s;
	double most =
		is_shrinking ?
			preview->then.upper_per_s - preview->now.lower_per_s :
			preview->now.upper_per_s - preview->then.lower_per_s;
	char size[AMOUNT_BYTES], by[AMOUNT_BYTES], rate[AMOUNT_BYTES],
		limit[AMOUNT_BYTES], at_most[AMOUNT_BYTES + 32] = "";

	amount_format_size(preview->bytes, size);
	amount_format_change(vm->actual_bytes, preview->bytes, by);
	amount_format_rate(fabs(change), rate);
	amount_format_rate(most, limit);
	if (most > fabs(change))
		(void)snprintf(at_most, sizeof(at_most), " (%s at most)",
			       limit);
	if (preview->bytes == vm->actual_bytes)
		(void)snprintf(text, PREVIEW_SENTENCE_BYTES,
			       "It has %s now: nothing would change.", size);
	else if (fabs(change) < 0.005)
		(void)snprintf(
			text, PREVIEW_SENTENCE_BYTES,
			"%s (%s) would make no difference that can be seen%s%s.",
			size, by,
			*at_most ? ", though the band allows for one of " : "",
			*at_most ? limit : "");
	else
		(void)snprintf(
			text, PREVIEW_SENTENCE_BYTES,
			"With %s (%s) it would miss about %s times per second %s%s%s.",
			size, by, rate, is_shrinking ? "more" : "less", at_most,
			isnan(most) || preview_is_sure(preview) ?
				"" :
				", which is within the uncertainty of the measurement");
}

/* What else is to be known before doing so; returns NULL for nothing. */
static const char *preview_warn(const struct preview *preview)
{
	const struct vm_view *vm = preview->vm;

	if (preview->bytes > vm->limits.max_bytes)
		return "That is above its maximum.";
	if (preview->bytes < vm->limits.min_bytes)
		return "That is below its minimum.";
	if (!vm->is_movable && vm->immovable_reason)
		return "Its balloon cannot be moved.";
	if (vm->is_starved)
		return "The sample is too small to see all that it uses: the curve may be too low.";
	if (vm->wss == VM_WSS_KNOWN && preview->bytes < vm->wss_bytes &&
	    preview->bytes < vm->actual_bytes)
		return "That is less than its working set.";
	if (preview->bytes > vm->actual_bytes &&
	    preview->demand.misses_per_s > 0)
		return "It swaps in more than its curve expects: how much of that ends is a guess.";
	return NULL;
}

static void preview_print_row(FILE *out, const char *label, uint64_t bytes,
			      const struct preview_misses *misses)
{
	char size[AMOUNT_BYTES], rate[AMOUNT_BYTES], low[AMOUNT_BYTES],
		high[AMOUNT_BYTES];

	amount_format_size(bytes, size);
	amount_format_rate(misses->per_s, rate);
	amount_format_rate(misses->lower_per_s, low);
	amount_format_rate(misses->upper_per_s, high);
	(void)fprintf(out, "  %-5s %10s  %8s misses/s", label, size, rate);
	if (!isnan(misses->lower_per_s) && !isnan(misses->upper_per_s))
		(void)fprintf(out, "  (95%%: %s to %s)", low, high);
	(void)fputc('\n', out);
}

int preview_print(FILE *out, const struct preview *preview)
{
	const struct vm_view *vm = preview->vm;
	_cleanup_free_ char *name = text_printable(vm->name);
	char sentence[PREVIEW_SENTENCE_BYTES], wss[SHOW_BYTES],
		band[SHOW_BYTES];
	const char *warning = preview_warn(preview);

	if (!name)
		return -ENOMEM;
	(void)fprintf(out, "%s, measured %.4g s ago\n", name,
		      units_seconds(vm->measured_age_ns));
	preview_print_row(out, "now", vm->actual_bytes, &preview->now);
	preview_print_row(out, "then", preview->bytes, &preview->then);
	show_wss(vm, wss);
	show_wss_band(vm, band);
	(void)fprintf(out, "  WSS   %10s", wss);
	if (strcmp(band, "-") != 0)
		(void)fprintf(out, "  (95%%: %s)", band);
	(void)fputc('\n', out);
	preview_describe(preview, sentence);
	(void)fprintf(out, "%s%s%s\n", sentence, warning ? " " : "",
		      warning ? warning : "");
	return 0;
}

static json_t *preview_misses_to_json(uint64_t bytes,
				      const struct preview_misses *misses)
{
	_cleanup_json_ json_t *json = json_object();
	int err = 0;

	err |= fields_set(json, "bytes", fields_count(bytes));
	err |= fields_set(json, "misses_per_s", fields_real(misses->per_s));
	err |= fields_set(json, "misses_lower_per_s",
			  fields_real(misses->lower_per_s));
	err |= fields_set(json, "misses_upper_per_s",
			  fields_real(misses->upper_per_s));
	return err ? NULL : TAKE_PTR(json);
}

json_t *preview_to_json(const struct preview *preview)
{
	const struct vm_view *vm = preview->vm;
	_cleanup_json_ json_t *json = show_json_new("preview");
	char sentence[PREVIEW_SENTENCE_BYTES];
	const char *warning = preview_warn(preview);
	int err = 0;

	preview_describe(preview, sentence);
	err |= fields_set(json, "uuid",
			  fields_text(*vm->uuid ? vm->uuid : NULL));
	err |= fields_set(json, "name", fields_text(vm->name));
	err |= fields_set(json, "measured_age_s",
			  fields_real(units_seconds(vm->measured_age_ns)));
	err |= fields_set(json, "wss",
			  json_string(recording_wss_name(vm->wss)));
	err |= fields_set(json, "wss_bytes",
			  fields_optional(vm->wss != VM_WSS_UNKNOWN,
					  vm->wss_bytes));
	err |= fields_set(json, "now",
			  preview_misses_to_json(vm->actual_bytes,
						 &preview->now));
	err |= fields_set(json, "then",
			  preview_misses_to_json(preview->bytes,
						 &preview->then));
	err |= fields_set(json, "summary", json_string(sentence));
	err |= fields_set(json, "warning", fields_text(warning));
	return err ? NULL : TAKE_PTR(json);
}
