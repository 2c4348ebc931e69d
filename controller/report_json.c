// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <time.h>

#include "fields.h"
#include "recording.h"
#include "report.h"
#include "units.h"

static const char *report_json_mmu_mode(uint32_t mmu_mode)
{
	switch (mmu_mode) {
	case KVM_AET_MMU_NPT:
		return "npt";
	case KVM_AET_MMU_EPT:
		return "ept";
	case KVM_AET_MMU_SHADOW:
		return "shadow";
	default:
		return "unknown";
	}
}

static const char *report_json_encoding(uint32_t encoding)
{
	switch (encoding) {
	case KVM_AET_ENC_EPT_MEMTYPE:
		return "ept-memtype";
	case KVM_AET_ENC_NPT_SUPERVISOR:
		return "npt-supervisor";
	case KVM_AET_ENC_NOT_PRESENT:
		return "not-present";
	default:
		return "none";
	}
}

static const char *report_json_state(uint32_t state)
{
	switch (state) {
	case KVM_AET_TRACKING:
		return "tracking";
	case KVM_AET_STOPPED:
		return "stopped";
	case KVM_AET_VM_EXITED:
		return "vm-exited";
	default:
		return "unknown";
	}
}

static json_t *report_json_wss_reason(enum window_wss wss)
{
	switch (wss) {
	case WINDOW_WSS_ABOVE:
		return json_string("miss-ratio-never-that-low");
	case WINDOW_WSS_NO_ACCESS:
		return json_string("no-access-recorded");
	default:
		return json_null();
	}
}

/* Of a VM in the list, what the daemon knows; null if it knows nothing. */
static int report_json_view(json_t *row, const struct report_vm *vm)
{
	const struct vm_view *view = vm->view;
	bool has_wss = view && view->wss != VM_WSS_UNKNOWN;
	int err = 0;

	err |= fields_set(row, "uuid", fields_text(view ? view->uuid : NULL));
	err |= fields_set(row, "wss",
			  view ? json_string(recording_wss_name(view->wss)) :
				 json_null());
	err |= fields_set(row, "wss_bytes",
			  fields_optional(has_wss, view ? view->wss_bytes : 0));
	err |= fields_set(row, "actual_bytes",
			  fields_optional(view != NULL,
					  view ? view->actual_bytes : 0));
	err |= fields_set(row, "target_bytes",
			  fields_optional(view != NULL,
					  view ? vm->decision->step_bytes : 0));
	err |= fields_set(
		row, "mode",
		view ? json_string(recording_mode_name(view->limits.mode)) :
		       json_null());
	return err;
}

int report_json_vms(FILE *out, const struct report_vm *vms, size_t nr_vms)
{
	_cleanup_json_ json_t *root = json_object(), *array = json_array();
	size_t i;
	int err = 0;

	for (i = 0; i < nr_vms; i++) {
		_cleanup_json_ json_t *row = json_object();
		const struct vm *vm = vms[i].vm;
		const struct source_vm_info *info = &vms[i].info;
		bool has_info = vms[i].has_info;

		err |= fields_set(row, "pid", json_integer(vm->pid));
		err |= fields_set(row, "fd", json_integer(vm->fd));
		err |= fields_set(row, "name", fields_text(vm->name));
		err |= fields_set(row, "vcpus",
				  fields_optional(has_info || vm->is_only,
						  has_info ? info->nr_vcpus :
							     vm->nr_vcpus));
		err |= fields_set(
			row, "memory_bytes",
			fields_optional(has_info,
					info->memory_pages * PAGE_BYTES));
		err |= fields_set(row, "resident_bytes",
				  fields_optional(vm->has_resident,
						  vm->resident_bytes));
		err |= fields_set(row, "is_tracked",
				  has_info ? json_boolean(info->is_tracked) :
					     json_null());
		err |= fields_set(row, "mmu_mode",
				  has_info ? json_string(report_json_mmu_mode(
						     info->mmu_mode)) :
					     json_null());
		err |= report_json_view(row, &vms[i]);
		err |= json_array_append(array, row);
	}
	err |= fields_set(root, "schema_version",
			  json_integer(REPORT_SCHEMA_VERSION));
	err |= fields_set(root, "type", json_string("list"));
	err |= json_object_set(root, "vms", array);
	return err ? -ENOMEM : fields_write(out, root);
}

static const char *report_json_result(enum selftest_result result)
{
	switch (result) {
	case SELFTEST_PASSED:
		return "passed";
	case SELFTEST_SKIPPED:
		return "skipped";
	default:
		return "failed";
	}
}

int report_json_selftest(FILE *out, const struct selftest *selftest,
			 bool is_virtual_host)
{
	_cleanup_json_ json_t *root = json_object(), *array = json_array();
	size_t i;
	int err = 0;

	for (i = 0; i < selftest->nr_checks; i++) {
		_cleanup_json_ json_t *row = json_object();
		const struct selftest_check *check = &selftest->checks[i];

		err |= fields_set(row, "name", json_string(check->name));
		err |= fields_set(
			row, "result",
			json_string(report_json_result(check->result)));
		err |= fields_set(row, "text", json_string(check->text));
		err |= json_array_append(array, row);
	}
	err |= fields_set(root, "schema_version",
			  json_integer(REPORT_SCHEMA_VERSION));
	err |= fields_set(root, "type", json_string("selftest"));
	err |= fields_set(root, "passed",
			  json_boolean(selftest_has_passed(selftest)));
	err |= json_object_set(root, "checks", array);
	err |= fields_set(
		root, "mmu_mode",
		json_string(report_json_mmu_mode(selftest->mmu_mode)));
	err |= fields_set(root, "is_virtual_host",
			  json_boolean(is_virtual_host));
	err |= fields_set(root, "repetitions",
			  json_integer(selftest->nr_repetitions));
	err |= fields_set(root, "trap_ns", fields_count(selftest->trap_ns));
	err |= fields_set(root, "traps", fields_count(selftest->nr_traps));
	err |= fields_set(root, "untracked_fault_ns",
			  fields_count(selftest->fault_ns));
	err |= fields_set(root, "untracked_faults",
			  fields_count(selftest->nr_faults));
	return err ? -ENOMEM : fields_write(out, root);
}

/* What wss and mrc have in common; NULL without memory. */
static json_t *report_json_window(const char *type,
				  const struct report_subject *subject,
				  const struct window *window)
{
	_cleanup_json_ json_t *root = json_object(), *vm = json_object();
	int64_t wall_ns = (int64_t)window->end_ns + subject->wall_offset_ns;
	bool is_known = window->wss == WINDOW_WSS_KNOWN;
	bool is_above = window->wss == WINDOW_WSS_ABOVE;
	time_t seconds = (time_t)(wall_ns / NS_PER_S);
	char utc[32] = "";
	struct tm tm;
	int err = 0;

	if (gmtime_r(&seconds, &tm))
		(void)strftime(utc, sizeof(utc), "%Y-%m-%dT%H:%M:%SZ", &tm);
	err |= fields_set(vm, "pid", json_integer(subject->pid));
	err |= fields_set(vm, "fd", json_integer(subject->fd));
	err |= fields_set(vm, "name", fields_text(subject->name));
	err |= fields_set(root, "schema_version",
			  json_integer(REPORT_SCHEMA_VERSION));
	err |= fields_set(root, "type", json_string(type));
	err |= json_object_set(root, "vm", vm);
	err |= fields_set(root, "time", json_string(utc));
	err |= fields_set(root, "time_unix_s",
			  json_real((double)wall_ns / NS_PER_S));
	err |= fields_set(root, "period_s", json_real(window_seconds(window)));
	err |= fields_set(root, "is_partial", json_boolean(window->is_partial));
	err |= fields_set(root, "miss_ratio", json_real(window->miss_ratio));
	err |= fields_set(root, "wss_pages",
			  fields_optional(is_known, window->wss_pages));
	err |= fields_set(root, "wss_bytes",
			  fields_optional(is_known,
					  window->wss_pages * PAGE_BYTES));
	err |= fields_set(root, "wss_above_pages",
			  fields_optional(is_above, window->wss_pages));
	err |= fields_set(root, "wss_reason",
			  report_json_wss_reason(window->wss));
	err |= fields_set(root, "accesses", fields_count(window->accesses));
	err |= fields_set(root, "cold_accesses",
			  fields_count(window->cold_accesses));
	err |= fields_set(root, "cold_share",
			  json_real(window_cold_share(window)));
	err |= fields_set(root, "window_pages",
			  fields_count(window->window_pages));
	err |= fields_set(root, "distinct_pages",
			  json_real(window->distinct_pages));
	err |= fields_set(root, "traps", fields_count(window->traps));
	err |= fields_set(root, "traps_per_second",
			  json_real(window_trap_rate(window)));
	err |= fields_set(root, "first_touches",
			  fields_count(window->first_touches));
	err |= fields_set(root, "lost_records",
			  fields_count(window->lost_records));
	err |= fields_set(root, "inverse_rate",
			  json_integer(window->inverse_rate));
	err |= fields_set(root, "scale", json_real(window->scale));
	err |= fields_set(root, "range_pages",
			  fields_count(window->range_pages));
	err |= fields_set(root, "sampled_pages",
			  fields_count(window->sampled_pages));
	err |= fields_set(root, "mapped_pages",
			  fields_count(window->mapped_pages));
	err |= fields_set(root, "huge_leaves",
			  fields_count(window->huge_leaves));
	err |= fields_set(root, "hot_pages", json_integer(window->hot_pages));
	err |= fields_set(root, "hot_used", json_integer(window->hot_used));
	err |= fields_set(root, "is_starved",
			  json_boolean(window_is_starved(window)));
	err |= fields_set(root, "mmu_mode",
			  json_string(report_json_mmu_mode(window->mmu_mode)));
	err |= fields_set(root, "encoding",
			  json_string(report_json_encoding(window->encoding)));
	err |= fields_set(root, "state",
			  json_string(report_json_state(window->state)));
	return err ? NULL : TAKE_PTR(root);
}

int report_json_wss(FILE *out, const struct report_subject *subject,
		    const struct window *window)
{
	_cleanup_json_ json_t *root =
		report_json_window("wss", subject, window);

	return root ? fields_write(out, root) : -ENOMEM;
}

int report_json_curve(FILE *out, const struct report_subject *subject,
		      const struct window *window, unsigned int nr_points)
{
	_cleanup_json_ json_t *root =
		report_json_window("mrc", subject, window);
	_cleanup_json_ json_t *points = json_array();
	unsigned int i;
	int err = 0;

	if (!root)
		return -ENOMEM;
	/* No curve, no points: an invented 100 % is not data. */
	for (i = 0; window->curve && i < nr_points; i++) {
		double pages = report_point_pages(window, i, nr_points);
		_cleanup_json_ json_t *point = json_object();

		err |= fields_set(point, "pages", json_real(pages));
		err |= fields_set(
			point, "miss_ratio",
			json_real(window_miss_ratio_at(window, pages)));
		err |= json_array_append(points, point);
	}
	err |= json_object_set(root, "points", points);
	return err ? -ENOMEM : fields_write(out, root);
}
