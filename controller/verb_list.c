// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
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

int verb_list(const struct options *options)
{
	CLEANUP(vm_list_done) struct vm_list list = { 0 };
	_cleanup_free_ struct report_vm *rows = NULL;
	_cleanup_close_ int device_fd = -1;
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
	for (i = 0; i < list.nr_vms; i++) {
		rows[i].vm = &list.vms[i];
		rows[i].has_info =
			list_get_info(device_fd, rows[i].vm, &rows[i].info);
	}
	if (options->output == OPTIONS_JSON)
		err = report_json_vms(stdout, rows, list.nr_vms);
	else
		err = table_vms(stdout, rows, list.nr_vms);
	if (err < 0) {
		log_error("%s", strerror(-err));
		return EXIT_STATUS_FAILED;
	}
	if (list.nr_hidden > 0 && geteuid() != 0)
		log_note(
			"only your own processes were looked at: run as root to see all VMs");
	return verb_flush() ? EXIT_STATUS_OK : EXIT_STATUS_FAILED;
}
