// SPDX-License-Identifier: GPL-2.0-or-later
#include <cpuid.h>
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "log.h"
#include "selftest.h"
#include "selftest_vm.h"
#include "verbs.h"

#define CPUID_FEATURES 1
#define CPUID_HYPERVISOR (1U << 31)

struct kernel_host {
	struct selftest_host host;
	struct selftest_vm *vm;
	int device_fd;
};

static struct kernel_host *kernel_host_of(struct selftest_host *host)
{
	return (struct kernel_host *)((char *)host -
				      offsetof(struct kernel_host, host));
}

static void cleanup_vm(struct selftest_vm **vm)
{
	selftest_vm_free(*vm);
}

static int host_attach(struct selftest_host *host, struct source_config *config,
		       struct source **ret_source)
{
	struct kernel_host *kernel = kernel_host_of(host);

	config->gfn_start = SELFTEST_VM_GFN;
	config->gfn_end = SELFTEST_VM_GFN + SELFTEST_PAGES;
	return source_open(kernel->device_fd, selftest_vm_fd(kernel->vm), -1,
			   -1, config, ret_source);
}

static int host_count_leaves(struct selftest_host *host,
			     struct source_vm_info *ret_info)
{
	struct kernel_host *kernel = kernel_host_of(host);

	return source_vm_info(kernel->device_fd, selftest_vm_fd(kernel->vm),
			      true, ret_info);
}

static int host_touch(struct selftest_host *host, uint32_t nr_pages,
		      uint32_t nr_rounds, uint64_t *ret_ns)
{
	return selftest_vm_touch(kernel_host_of(host)->vm, nr_pages, nr_rounds,
				 ret_ns);
}

static int host_unmap(struct selftest_host *host)
{
	return selftest_vm_unmap(kernel_host_of(host)->vm);
}

static int host_make_huge(struct selftest_host *host)
{
	return selftest_vm_make_huge(kernel_host_of(host)->vm);
}

static uint32_t host_count_wrong(struct selftest_host *host)
{
	return selftest_vm_count_wrong(kernel_host_of(host)->vm);
}

static void log_vm_error(int err, const char *step)
{
	if (err == -ENOENT)
		log_error(
			"no /dev/kvm: load kvm-intel or kvm-amd; if that fails, enable virtualization in the firmware");
	else if (err == -EACCES || err == -EPERM)
		log_error("no permission to %s: run as root", step);
	else
		log_error("cannot %s: %s; see 'dmesg'", step, strerror(-err));
}

static void log_run_error(int err)
{
	if (err == -EOPNOTSUPP)
		log_error(
			"the module cannot track VMs on this host, for instance because another hook is on KVM's functions; see 'dmesg'");
	else if (err == -EIO)
		log_error("the test's VM stopped: see 'dmesg'");
	else
		log_error("tracking the test's VM: %s; see 'dmesg'",
			  strerror(-err));
}

static bool is_virtual_host(void)
{
	unsigned int eax, ebx, ecx, edx;

	return __get_cpuid(CPUID_FEATURES, &eax, &ebx, &ecx, &edx) &&
	       (ecx & CPUID_HYPERVISOR);
}

int verb_selftest(const struct options *options)
{
	CLEANUP(cleanup_vm) struct selftest_vm *vm = NULL;
	_cleanup_close_ int device_fd = -1;
	struct selftest selftest;
	struct kernel_host kernel;
	const char *step = "";
	int err;

	if (verb_open_device(&device_fd) < 0)
		return EXIT_STATUS_FAILED;
	err = selftest_vm_new(SELFTEST_PAGES, &vm, &step);
	if (err < 0) {
		log_vm_error(err, step);
		return EXIT_STATUS_FAILED;
	}
	kernel = (struct kernel_host){
		.host = {
			.attach = host_attach,
			.count_leaves = host_count_leaves,
			.touch = host_touch,
			.unmap = host_unmap,
			.make_huge = host_make_huge,
			.count_wrong = host_count_wrong,
		},
		.vm = vm,
		.device_fd = device_fd,
	};
	err = selftest_run(&kernel.host, &selftest);
	if (err < 0) {
		log_run_error(err);
		return EXIT_STATUS_FAILED;
	}
	return verb_report_selftest(options, &selftest, is_virtual_host());
}

int verb_report_selftest(const struct options *options,
			 const struct selftest *selftest, bool is_virtual_host)
{
	if (options->output == OPTIONS_JSON) {
		int err =
			report_json_selftest(stdout, selftest, is_virtual_host);

		if (err < 0) {
			log_error("%s", strerror(-err));
			return EXIT_STATUS_FAILED;
		}
	} else {
		selftest_write_text(stdout, selftest);
		if (is_virtual_host)
			log_note(
				"this host is a virtual machine itself: times are not those of hardware");
	}
	if (!verb_flush())
		return EXIT_STATUS_FAILED;
	if (!selftest_has_passed(selftest)) {
		log_error(
			"tracking does not work right on this host: do not use it, and report this with the output of 'kvm-aet selftest --json' and of 'dmesg'");
		return EXIT_STATUS_FAILED;
	}
	return EXIT_STATUS_OK;
}
