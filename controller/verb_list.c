// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "daemon_link.h"
#include "fields.h"
#include "log.h"
#include "verbs.h"

#define PROC "/proc"

/*
 * Asks the module about one VM. Every failure means that there is nothing to
 * tell: the VM may be gone, the module or the permission missing.
 */
static bool list_get_info(int device_fd, const struct vm *vm,
			  struct source_vm_info *ret_info)
{
	_cleanup_close_ int pid_fd = -1, vm_fd = -1;

	if (device_fd < 0 || vm_open(PROC, vm, &pid_fd, &vm_fd) < 0)
		return false;
	return source_vm_info(device_fd, vm_fd, false, ret_info) == 0;
}

/* What the daemon knows, if there is one: else the list is shorter, not wrong. */
static bool list_ask_daemon(const struct options *options, struct tick *tick)
{
	_cleanup_client_ struct client *client = NULL;
	_cleanup_json_ json_t *json = NULL;
	struct client_error error;

	return link_try(options, &client, &error) == 0 &&
	       client_call(client, "query-tick", NULL, &json, &error) == 0 &&
	       link_tick_of(json, tick, &error) == 0;
}

/* By name, which libvirt hands to QEMU. */
static void list_add_view(struct report_vm *row, const struct tick *tick)
{
	size_t i;

	for (i = 0; i < tick->nr_vms; i++) {
		if (strcmp(tick->vms[i].name, row->vm->name) == 0) {
			row->view = &tick->vms[i];
			row->decision = &tick->decisions[i];
			return;
		}
	}
}

int verb_list(const struct options *options)
{
	CLEANUP(vm_list_done) struct vm_list list = { 0 };
	_cleanup_free_ struct report_vm *rows = NULL;
	CLEANUP(recording_tick_done) struct tick tick = { 0 };
	_cleanup_close_ int device_fd = -1;
	bool has_daemon;
	size_t i;
	int err;

	err = vm_list_read(PROC, &list);
	if (err < 0) {
		log_error("cannot read " PROC ": %s", strerror(-err));
		return EXIT_STATUS_FAILED;
	}
	rows = calloc(list.nr_vms + 1, sizeof(*rows));
	if (!rows) {
		log_error("out of memory");
		return EXIT_STATUS_FAILED;
	}
	/* Without the module the list is shorter of a column, not wrong. */
	(void)source_open_device(&device_fd);
	has_daemon = list_ask_daemon(options, &tick);
	for (i = 0; i < list.nr_vms; i++) {
		rows[i].vm = &list.vms[i];
		rows[i].has_info =
			list_get_info(device_fd, rows[i].vm, &rows[i].info);
		list_add_view(&rows[i], &tick);
	}
	if (options->output == OPTIONS_JSON)
		err = report_json_vms(stdout, rows, list.nr_vms);
	else
		err = table_vms(stdout, rows, list.nr_vms, has_daemon);
	if (err < 0) {
		log_error("%s", strerror(-err));
		return EXIT_STATUS_FAILED;
	}
	if (list.nr_hidden > 0 && geteuid() != 0)
		log_note(
			"only your own processes were looked at: run as root to see all VMs");
	return verb_flush() ? EXIT_STATUS_OK : EXIT_STATUS_FAILED;
}
