// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <time.h>

#include <jansson.h>

#include "cleanup.h"
#include "report.h"
#include "text.h"
#include "units.h"

static void cleanup_json(json_t **json)
{
	json_decref(*json);
}

#define _cleanup_json_ CLEANUP(cleanup_json)

static json_t *report_json_name(const char *name)
{
	_cleanup_free_ char *text = text_utf8(name);

	return text ? json_string(text) : NULL;
}

static json_t *report_json_count(uint64_t count)
{
	return json_integer((json_int_t)count);
}

static json_t *report_json_optional(bool is_known, uint64_t count)
{
	return is_known ? report_json_count(count) : json_null();
}

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

/* Steals @value, so that a chain of these needs one check at its end. */
static int report_json_set(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value);
}

static int report_json_write(FILE *out, const json_t *root)
{
	_cleanup_free_ char *line = json_dumps(root, JSON_COMPACT);

	if (!line)
		return -ENOMEM;
	(void)fprintf(out, "%s\n", line);
	return 0;
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

		err |= report_json_set(row, "pid", json_integer(vm->pid));
		err |= report_json_set(row, "fd", json_integer(vm->fd));
		err |= report_json_set(row, "name", report_json_name(vm->name));
		err |= report_json_set(
			row, "vcpus",
			report_json_optional(has_info || vm->is_only,
					     has_info ? info->nr_vcpus :
							vm->nr_vcpus));
		err |= report_json_set(
			row, "memory_bytes",
			report_json_optional(has_info,
					     info->memory_pages * PAGE_BYTES));
		err |= report_json_set(
			row, "resident_bytes",
			report_json_optional(vm->has_resident,
					     vm->resident_bytes));
		err |= report_json_set(row, "is_tracked",
				       has_info ?
					       json_boolean(info->is_tracked) :
					       json_null());
		err |= report_json_set(row, "mmu_mode",
				       has_info ?
					       json_string(report_json_mmu_mode(
						       info->mmu_mode)) :
					       json_null());
		err |= json_array_append(array, row);
	}
	err |= report_json_set(root, "schema_version",
			       json_integer(REPORT_SCHEMA_VERSION));
	err |= report_json_set(root, "type", json_string("list"));
	err |= json_object_set(root, "vms", array);
	return err ? -ENOMEM : report_json_write(out, root);
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

		err |= report_json_set(row, "name", json_string(check->name));
		err |= report_json_set(
			row, "result",
			json_string(report_json_result(check->result)));
		err |= report_json_set(row, "text", json_string(check->text));
		err |= json_array_append(array, row);
	}
	err |= report_json_set(root, "schema_version",
			       json_integer(REPORT_SCHEMA_VERSION));
	err |= report_json_set(root, "type", json_string("selftest"));
	err |= report_json_set(root, "passed",
			       json_boolean(selftest_has_passed(selftest)));
	err |= json_object_set(root, "checks", array);
	err |= report_json_set(
		root, "mmu_mode",
		json_string(report_json_mmu_mode(selftest->mmu_mode)));
	err |= report_json_set(root, "is_virtual_host",
			       json_boolean(is_virtual_host));
	err |= report_json_set(root, "repetitions",
			       json_integer(selftest->nr_repetitions));
	err |= report_json_set(root, "trap_ns",
			       report_json_count(selftest->trap_ns));
	err |= report_json_set(root, "traps",
			       report_json_count(selftest->nr_traps));
	err |= report_json_set(root, "untracked_fault_ns",
			       report_json_count(selftest->fault_ns));
	err |= report_json_set(root, "untracked_faults",
			       report_json_count(selftest->nr_faults));
	return err ? -ENOMEM : report_json_write(out, root);
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
	err |= report_json_set(vm, "pid", json_integer(subject->pid));
	err |= report_json_set(vm, "fd", json_integer(subject->fd));
	err |= report_json_set(vm, "name", report_json_name(subject->name));
	err |= report_json_set(root, "schema_version",
			       json_integer(REPORT_SCHEMA_VERSION));
	err |= report_json_set(root, "type", json_string(type));
	err |= json_object_set(root, "vm", vm);
	err |= report_json_set(root, "time", json_string(utc));
	err |= report_json_set(root, "time_unix_s",
			       json_real((double)wall_ns / NS_PER_S));
	err |= report_json_set(root, "period_s",
			       json_real(window_seconds(window)));
	err |= report_json_set(root, "is_partial",
			       json_boolean(window->is_partial));
	err |= report_json_set(root, "miss_ratio",
			       json_real(window->miss_ratio));
	err |= report_json_set(root, "wss_pages",
			       report_json_optional(is_known,
						    window->wss_pages));
	err |= report_json_set(
		root, "wss_bytes",
		report_json_optional(is_known, window->wss_pages * PAGE_BYTES));
	err |= report_json_set(root, "wss_above_pages",
			       report_json_optional(is_above,
						    window->wss_pages));
	err |= report_json_set(root, "wss_reason",
			       report_json_wss_reason(window->wss));
	err |= report_json_set(root, "accesses",
			       report_json_count(window->accesses));
	err |= report_json_set(root, "cold_accesses",
			       report_json_count(window->cold_accesses));
	err |= report_json_set(root, "cold_share",
			       json_real(window_cold_share(window)));
	err |= report_json_set(root, "window_pages",
			       report_json_count(window->window_pages));
	err |= report_json_set(root, "distinct_pages",
			       json_real(window->distinct_pages));
	err |= report_json_set(root, "traps", report_json_count(window->traps));
	err |= report_json_set(root, "traps_per_second",
			       json_real(window_trap_rate(window)));
	err |= report_json_set(root, "first_touches",
			       report_json_count(window->first_touches));
	err |= report_json_set(root, "lost_records",
			       report_json_count(window->lost_records));
	err |= report_json_set(root, "inverse_rate",
			       json_integer(window->inverse_rate));
	err |= report_json_set(root, "scale", json_real(window->scale));
	err |= report_json_set(root, "range_pages",
			       report_json_count(window->range_pages));
	err |= report_json_set(root, "sampled_pages",
			       report_json_count(window->sampled_pages));
	err |= report_json_set(root, "mapped_pages",
			       report_json_count(window->mapped_pages));
	err |= report_json_set(root, "huge_leaves",
			       report_json_count(window->huge_leaves));
	err |= report_json_set(root, "hot_pages",
			       json_integer(window->hot_pages));
	err |= report_json_set(root, "hot_used",
			       json_integer(window->hot_used));
	err |= report_json_set(root, "is_starved",
			       json_boolean(window_is_starved(window)));
	err |= report_json_set(
		root, "mmu_mode",
		json_string(report_json_mmu_mode(window->mmu_mode)));
	err |= report_json_set(
		root, "encoding",
		json_string(report_json_encoding(window->encoding)));
	err |= report_json_set(root, "state",
			       json_string(report_json_state(window->state)));
	return err ? NULL : TAKE_PTR(root);
}

int report_json_wss(FILE *out, const struct report_subject *subject,
		    const struct window *window)
{
	_cleanup_json_ json_t *root =
		report_json_window("wss", subject, window);

	return root ? report_json_write(out, root) : -ENOMEM;
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

		err |= report_json_set(point, "pages", json_real(pages));
		err |= report_json_set(
			point, "miss_ratio",
			json_real(window_miss_ratio_at(window, pages)));
		err |= json_array_append(points, point);
	}
	err |= json_object_set(root, "points", points);
	return err ? -ENOMEM : report_json_write(out, root);
}
