// SPDX-License-Identifier: GPL-2.0-only
#include <linux/module.h>

#include "aet.h"
#include "kvm_hook.h"

static int __init aet_init(void)
{
	int err;

	if (!tsc_khz) {
		pr_err("this host's clock is not the TSC, which times are measured with\n");
		return -ENODEV;
	}
	aet_debugfs_init();
	aet_trap_init();
	/* The hook before the device: no leaf may be armed without it. */
	err = aet_hook_init();
	if (err)
		goto remove_debugfs;
	err = aet_ioctl_init();
	if (err)
		goto remove_hook;
	return 0;

remove_hook:
	aet_hook_exit();
remove_debugfs:
	aet_debugfs_exit();
	return err;
}

/* Open sessions pin the module, so nothing is armed any more. */
static void __exit aet_exit(void)
{
	aet_ioctl_exit();
	aet_hook_exit();
	aet_debugfs_exit();
}

module_init(aet_init);
module_exit(aet_exit);
MODULE_DESCRIPTION("Reuse times of KVM guests' pages, for miss-ratio curves");
MODULE_LICENSE("GPL");
