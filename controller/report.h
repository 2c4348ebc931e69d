/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What people and programs get to see. Every function writes to a FILE and
 * decides nothing else; whether the writing worked, the caller learns from the
 * FILE. Those that return int need memory: 0 or -ENOMEM.
 */
#ifndef CONTROLLER_REPORT_H
#define CONTROLLER_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "policy/decide.h"
#include "selftest.h"
#include "vm.h"
#include "window.h"

/* Increased when a field changes its meaning or goes away. */
#define REPORT_SCHEMA_VERSION 1

/**
 * struct report_subject - whom the windows are about
 * @pid: process of the VM
 * @fd: its VM descriptor in that process
 * @name: name of the VM; untrusted
 * @wall_offset_ns: CLOCK_REALTIME - CLOCK_MONOTONIC
 */
struct report_subject {
	pid_t pid;
	int fd;
	const char *name;
	int64_t wall_offset_ns;
};

/**
 * struct report_vm - one row of the list of VMs
 * @vm: VM
 * @has_info: the module was asked
 * @info: its answer
 * @view: what the daemon knows of it; NULL: nothing
 * @decision: what it decided; NULL where @view is
 */
struct report_vm {
	const struct vm *vm;
	bool has_info;
	struct source_vm_info info;
	const struct vm_view *view;
	const struct decision *decision;
};

/* table.c: columns for people. */
/* @has_daemon: show what the daemon knows, too. */
int table_vms(FILE *out, const struct report_vm *vms, size_t nr_vms,
	      bool has_daemon);
void table_wss_header(FILE *out);
void table_wss_row(FILE *out, const struct report_subject *subject,
		   const struct window *window);
int table_curve(FILE *out, const struct report_subject *subject,
		const struct window *window, unsigned int nr_points);

/* One line about a window and one about its working set, for curves. */
int table_summary(FILE *out, const struct report_subject *subject,
		  const struct window *window);
void table_wss_line(FILE *out, const struct window *window);

/* report_csv.c */
void report_csv_header(FILE *out);
void report_csv_row(FILE *out, const struct report_subject *subject,
		    const struct window *window);

/* report_plot.c: text for a screen of @columns, and a whole SVG document. */
int plot_text_curve(FILE *out, const struct report_subject *subject,
		    const struct window *window, unsigned int columns);
int plot_svg_curve(FILE *out, const struct report_subject *subject,
		   const struct window *window);

/* report_json.c: one object on one line each. */
int report_json_vms(FILE *out, const struct report_vm *vms, size_t nr_vms);
int report_json_selftest(FILE *out, const struct selftest *selftest,
			 bool is_virtual_host);
int report_json_wss(FILE *out, const struct report_subject *subject,
		    const struct window *window);
int report_json_curve(FILE *out, const struct report_subject *subject,
		      const struct window *window, unsigned int nr_points);

/* The size of point @index of @nr_points (at least 2) spread over a curve. */
static inline double report_point_pages(const struct window *window,
					unsigned int index,
					unsigned int nr_points)
{
	return window_extent_pages(window) * index / (nr_points - 1);
}

#endif /* CONTROLLER_REPORT_H */
