// SPDX-License-Identifier: GPL-2.0-or-later
#include "history.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "cleanup.h"
#include "policy/plan.h"
#include "recording.h"
#include "units.h"

static struct history_vm *history_find(const struct history *history,
				       const char *uuid, size_t hint)
{
	size_t i;

	if (hint < history->nr_vms &&
	    strcmp(history->vms[hint]->uuid, uuid) == 0)
		return history->vms[hint];
	for (i = 0; i < history->nr_vms; i++) {
		if (strcmp(history->vms[i]->uuid, uuid) == 0)
			return history->vms[i];
	}
	return NULL;
}

static struct history_vm *history_new_vm(struct history *history,
					 const char *uuid)
{
	_cleanup_free_ struct history_vm *vm = calloc(1, sizeof(*vm));
	struct history_vm **larger;
	size_t i;

	if (!vm)
		return NULL;
	larger = reallocarray(history->vms, history->nr_vms + 1,
			      sizeof(*larger));
	if (!larger)
		return NULL;
	history->vms = larger;
	(void)snprintf(vm->uuid, sizeof(vm->uuid), "%s", uuid);
	vm->curve_stride = 1;
	for (i = 0; i < HISTORY_MAX_TICKS; i++) {
		vm->wss_pages[i] = NAN;
		vm->actual_pages[i] = NAN;
	}
	history->vms[history->nr_vms++] = vm;
	return TAKE_PTR(vm);
}

static int history_set_name(struct history_vm *vm, const char *name)
{
	char *copy;

	if (vm->name && strcmp(vm->name, name) == 0)
		return 0;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	free(vm->name);
	vm->name = copy;
	return 0;
}

/* Every second goes; what is kept stays in order. */
static void history_halve_curves(struct history_vm *vm)
{
	size_t i, kept = 0;

	for (i = 0; i < vm->nr_curves; i++) {
		if (i % 2) {
			mrc_curve_free(vm->curves[i]);
			continue;
		}
		vm->curves[kept] = vm->curves[i];
		vm->curve_times_s[kept++] = vm->curve_times_s[i];
	}
	vm->nr_curves = kept;
	vm->curve_stride *= 2;
}

static int history_add_curve(struct history_vm *vm, double time_s,
			     const struct mrc_curve *curve)
{
	struct mrc_curve *copy;
	int err;

	if (!curve || vm->nr_curves_seen++ % vm->curve_stride)
		return 0;
	if (vm->nr_curves == HISTORY_MAX_CURVES) {
		history_halve_curves(vm);
		/* The one that is to be added may be among those dropped. */
		if ((vm->nr_curves_seen - 1) % vm->curve_stride)
			return 0;
	}
	err = recording_thin_curve(curve, &copy);
	if (err < 0)
		return err;
	vm->curves[vm->nr_curves] = copy;
	vm->curve_times_s[vm->nr_curves++] = time_s;
	return 0;
}

static void history_halve(struct history *history)
{
	size_t i, v;

	for (i = 0; i < history->nr_times / 2; i++)
		history->times_s[i] = history->times_s[2 * i];
	for (v = 0; v < history->nr_vms; v++) {
		struct history_vm *vm = history->vms[v];

		for (i = 0; i < HISTORY_MAX_TICKS / 2; i++) {
			vm->wss_pages[i] = vm->wss_pages[2 * i];
			vm->actual_pages[i] = vm->actual_pages[2 * i];
			memmove(vm->age_bytes + i * VIEW_NR_AGES,
				vm->age_bytes + 2 * i * VIEW_NR_AGES,
				VIEW_NR_AGES * sizeof(double));
		}
		for (; i < HISTORY_MAX_TICKS; i++) {
			vm->wss_pages[i] = NAN;
			vm->actual_pages[i] = NAN;
			memset(vm->age_bytes + i * VIEW_NR_AGES, 0,
			       VIEW_NR_AGES * sizeof(double));
		}
	}
	history->nr_times /= 2;
	history->stride *= 2;
}

static void history_fill(struct history_vm *vm, size_t at,
			 const struct vm_view *view)
{
	size_t i;

	if (view->wss != VM_WSS_UNKNOWN)
		vm->wss_pages[at] = (double)view->wss_bytes / VIEW_PAGE_BYTES;
	vm->actual_pages[at] = (double)view->actual_bytes / VIEW_PAGE_BYTES;
	for (i = 0; i < VIEW_NR_AGES; i++)
		vm->age_bytes[at * VIEW_NR_AGES + i] =
			(double)view->age_bytes[i];
}

static int history_add_vm(struct history *history, const struct vm_view *view,
			  size_t hint, double time_s, bool is_kept)
{
	struct history_vm *vm = history_find(history, view->uuid, hint);
	double misses = plan_misses_now_per_s(view, view->curve);
	int err;

	if (!vm)
		vm = history_new_vm(history, view->uuid);
	if (!vm)
		return -ENOMEM;
	vm->nr_ticks++;
	if (!isnan(misses)) {
		vm->misses += misses;
		vm->nr_misses++;
	}
	if (is_kept)
		history_fill(vm, history->nr_times - 1, view);
	err = history_set_name(vm, view->name);
	return err < 0 ? err : history_add_curve(vm, time_s, view->curve);
}

int history_add(struct history *history, const struct tick *tick)
{
	double time_s = units_seconds(tick->unix_ns);
	bool is_kept;
	size_t i;

	if (history->stride == 0)
		history->stride = 1;
	/* The clock may be set back; an axis cannot go back. */
	if (history->nr_times > 0 &&
	    time_s <= history->times_s[history->nr_times - 1])
		return 0;
	if (history->nr_times == HISTORY_MAX_TICKS)
		history_halve(history);
	is_kept = history->nr_ticks % history->stride == 0;
	if (is_kept)
		history->times_s[history->nr_times++] = time_s;
	history->nr_ticks++;
	for (i = 0; i < tick->nr_vms; i++) {
		int err = history_add_vm(history, &tick->vms[i], i, time_s,
					 is_kept);

		if (err < 0)
			return err;
	}
	return 0;
}

void history_done(struct history *history)
{
	size_t i, c;

	for (i = 0; i < history->nr_vms; i++) {
		struct history_vm *vm = history->vms[i];

		for (c = 0; c < vm->nr_curves; c++)
			mrc_curve_free(vm->curves[c]);
		free(vm->name);
		free(vm);
	}
	free(history->vms);
	*history = (struct history){ 0 };
}
