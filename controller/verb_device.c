// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "log.h"
#include "verbs.h"

int verb_open_device(int *ret_device_fd)
{
	int err = source_open_device(ret_device_fd);

	if (err == -ENOENT || err == -ENXIO || err == -ENODEV)
		log_error(
			KVM_AET_DEVICE
			" not found: load the module with 'modprobe kvm-aet'");
	else if (err == -EACCES || err == -EPERM)
		log_error("no permission for " KVM_AET_DEVICE ": run as root");
	else if (err == -EPROTO)
		log_error(
			"the module and kvm-aet are of different versions: install both from one release, then reload the module");
	else if (err < 0)
		log_error("cannot open " KVM_AET_DEVICE ": %s", strerror(-err));
	return err;
}
