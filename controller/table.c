// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "recording.h"
#include "report.h"
#include "show.h"
#include "text.h"
#include "units.h"

/* Room for the widest size, "> 16777216.0 MiB". */
#define TABLE_SIZE_BYTES 32

static void table_print_cell(FILE *out, const char *text, size_t width)
{
	size_t columns = text_columns(text);

	(void)fprintf(out, "%s%*s", text,
		      columns < width ? (int)(width - columns) : 0, "");
}

/* What the daemon knows; it need not know every VM. */
static void table_print_view(FILE *out, const struct report_vm *row)
{
	char wss[SHOW_BYTES] = "-", actual[SHOW_BYTES] = "-",
	     target[SHOW_BYTES] = "-";

	if (row->view) {
		show_wss(row->view, wss);
		amount_format_size(row->view->actual_bytes, actual);
		amount_format_size(row->decision->step_bytes, target);
	}
	(void)fprintf(out, "  %12s %12s %12s  %s", wss, actual, target,
		      row->view ? recording_mode_name(row->view->limits.mode) :
				  "-");
}

int table_vms(FILE *out, const struct report_vm *vms, size_t nr_vms,
	      bool has_daemon)
{
	size_t pid_width = strlen("PID"), name_width = strlen("NAME"), i;

	for (i = 0; i < nr_vms; i++) {
		_cleanup_free_ char *name = text_printable(vms[i].vm->name);

		if (!name)
			return -ENOMEM;
		if (text_columns(name) > name_width)
			name_width = text_columns(name);
		/* PID:FD, where the PID alone would not do. */
		if (!vms[i].vm->is_only)
			pid_width = strlen("4194304:1024");
		else if (pid_width < strlen("4194304"))
			pid_width = strlen("4194304");
	}
	table_print_cell(out, "PID", pid_width);
	(void)fprintf(out, "  ");
	table_print_cell(out, "NAME", name_width);
	(void)fprintf(out, "  VCPUS       MEMORY     RESIDENT");
	if (has_daemon)
		(void)fprintf(out, "  %12s %12s %12s  %s", "WSS", "CURRENT",
			      "TARGET", "MODE");
	(void)fputc('\n', out);
	for (i = 0; i < nr_vms; i++) {
		const struct vm *vm = vms[i].vm;
		_cleanup_free_ char *name = text_printable(vm->name);
		char pid[32], vcpus[16] = "-", memory[TABLE_SIZE_BYTES] = "-",
			      resident[TABLE_SIZE_BYTES] = "-";

		if (!name)
			return -ENOMEM;
		if (vm->is_only)
			(void)snprintf(pid, sizeof(pid), "%d", (int)vm->pid);
		else
			(void)snprintf(pid, sizeof(pid), "%d:%d", (int)vm->pid,
				       vm->fd);
		if (vms[i].has_info) {
			(void)snprintf(vcpus, sizeof(vcpus), "%" PRIu32,
				       vms[i].info.nr_vcpus);
			(void)snprintf(
				memory, sizeof(memory), "%.1f MiB",
				units_mib((double)vms[i].info.memory_pages));
		} else if (vm->is_only) {
			(void)snprintf(vcpus, sizeof(vcpus), "%u",
				       vm->nr_vcpus);
		}
		if (vm->has_resident)
			(void)snprintf(resident, sizeof(resident), "%.1f MiB",
				       units_mib((double)vm->resident_bytes /
						 PAGE_BYTES));
		table_print_cell(out, pid, pid_width);
		(void)fprintf(out, "  ");
		table_print_cell(out, name, name_width);
		(void)fprintf(out, "  %5s %12s %12s", vcpus, memory, resident);
		if (has_daemon)
			table_print_view(out, &vms[i]);
		(void)fputc('\n', out);
	}
	return 0;
}

void table_wss_header(FILE *out)
{
	(void)fprintf(out, "%-8s  %14s  %11s  %6s  %10s  %6s  %11s  %9s  %s\n",
		      "TIME", "WSS", "WSS PAGES", "MISS", "ACCESSES", "COLD",
		      "DISTINCT", "TRAPS/S", "MAPPED/SAMPLED");
}

static void table_format_time(const struct report_subject *subject,
			      const struct window *window, char *text,
			      size_t size)
{
	time_t seconds =
		(time_t)(((int64_t)window->end_ns + subject->wall_offset_ns) /
			 NS_PER_S);
	struct tm local;

	if (!localtime_r(&seconds, &local) ||
	    !strftime(text, size, "%H:%M:%S", &local))
		(void)snprintf(text, size, "-");
}

void table_wss_row(FILE *out, const struct report_subject *subject,
		   const struct window *window)
{
	const char *above = window->wss == WINDOW_WSS_ABOVE ? "> " : "";
	char time[16], size[TABLE_SIZE_BYTES] = "-", pages[32] = "-";

	table_format_time(subject, window, time, sizeof(time));
	if (window->wss != WINDOW_WSS_NO_ACCESS) {
		(void)snprintf(size, sizeof(size), "%s%.1f MiB", above,
			       units_mib((double)window->wss_pages));
		(void)snprintf(pages, sizeof(pages), "%s%" PRIu64, above,
			       window->wss_pages);
	}
	(void)fprintf(out,
		      "%-8s  %14s  %11s  %5.4g%%  %10" PRIu64
		      "  %5.1f%%  %11.0f  %9.1f  %" PRIu64 "/%" PRIu64 "\n",
		      time, size, pages, 100 * window->miss_ratio,
		      window->accesses, 100 * window_cold_share(window),
		      window->distinct_pages, window_trap_rate(window),
		      window->mapped_pages, window->sampled_pages);
}

int table_summary(FILE *out, const struct report_subject *subject,
		  const struct window *window)
{
	_cleanup_free_ char *name = text_printable(subject->name);

	if (!name)
		return -ENOMEM;
	(void)fprintf(out,
		      "%s (PID %d): %.4g s%s, %" PRIu64
		      " accesses of 1/%" PRIu32 " of the pages, %.1f%% cold\n",
		      name, (int)subject->pid, window_seconds(window),
		      window->is_partial ? " (cut short)" : "",
		      window->accesses, window->inverse_rate,
		      100 * window_cold_share(window));
	return 0;
}

void table_wss_line(FILE *out, const struct window *window)
{
	double mib = units_mib((double)window->wss_pages);
	double percent = 100 * window->miss_ratio;

	switch (window->wss) {
	case WINDOW_WSS_KNOWN:
		(void)fprintf(out,
			      "WSS: %.1f MiB (%" PRIu64
			      " pages) at a miss ratio of %.4g%%\n",
			      mib, window->wss_pages, percent);
		break;
	case WINDOW_WSS_ABOVE:
		(void)fprintf(
			out,
			"WSS: > %.1f MiB (%" PRIu64
			" pages): the miss ratio stays above %.4g%% in this window\n",
			mib, window->wss_pages, percent);
		break;
	case WINDOW_WSS_NO_ACCESS:
		(void)fprintf(
			out,
			"WSS: unknown: no access was recorded in this window\n");
		break;
	}
}

int table_curve(FILE *out, const struct report_subject *subject,
		const struct window *window, unsigned int nr_points)
{
	unsigned int i;
	int err;

	err = table_summary(out, subject, window);
	if (err < 0)
		return err;
	if (window->curve) {
		(void)fprintf(out, "%14s  %12s  %10s\n", "MEMORY", "PAGES",
			      "MISS RATIO");
		for (i = 0; i < nr_points; i++) {
			double pages = report_point_pages(window, i, nr_points);

			(void)fprintf(out, "%10.1f MiB  %12.0f  %9.2f%%\n",
				      units_mib(pages), pages,
				      100 * window_miss_ratio_at(window,
								 pages));
		}
	}
	table_wss_line(out, window);
	return 0;
}
