/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VMs on this host, found in /proc: every process, of whatever VMM, that
 * has a descriptor linked to anon_inode:kvm-vm.
 *
 *	struct vm_list list = { 0 };
 *	err = vm_list_read("/proc", &list);
 *	err = vm_list_find(&list, "web1", &vm);
 *	err = vm_open("/proc", vm, &pid_fd, &vm_fd);
 *	vm_list_done(&list);
 *
 * Errors: 0 or -errno; outputs are untouched on failure.
 */
#ifndef CONTROLLER_VM_H
#define CONTROLLER_VM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define VM_UUID_BYTES 37

/**
 * struct vm - one VM descriptor of one process
 * @pid: process
 * @fd: the descriptor's number in that process
 * @is_only: the process has no other
 * @nr_vcpus: vCPU descriptors of the process (of all its VMs together)
 * @has_resident: @resident_bytes was readable
 * @resident_bytes: resident memory of the process
 * @name: from QEMU's -name, else the process name; untrusted bytes
 * @uuid: from QEMU's -uuid, in lower case, or empty
 */
struct vm {
	pid_t pid;
	int fd;
	bool is_only;
	unsigned int nr_vcpus;
	bool has_resident;
	uint64_t resident_bytes;
	char *name;
	char uuid[VM_UUID_BYTES];
};

/**
 * struct vm_list - VMs by pid, then fd
 * @vms: @nr_vms entries
 * @nr_hidden: processes that this user may not look into
 */
struct vm_list {
	struct vm *vms;
	size_t nr_vms;
	size_t nr_hidden;
};

/* Frees what a list owns and empties it; an all-zero list is fine. */
void vm_list_done(struct vm_list *list);

/*
 * Reads all VMs. @proc is the path of a proc file system. Processes that end
 * meanwhile are left out.
 */
int vm_list_read(const char *proc, struct vm_list *ret_list);

/*
 * Likewise, but only those of processes whose command line gives @uuid, in lower
 * case: much less work, as of other processes only that is read.
 */
int vm_list_read_uuid(const char *proc, const char *uuid,
		      struct vm_list *ret_list);

/*
 * Picks the VM that @selector names: PID, PID:FD or a name. A name that looks
 * like a PID counts as one if there is such a VM.
 *
 * Returns 0; -ENOENT there is none; -ENOTUNIQ there are several, and
 * @ret_vm is the first; -ECHILD the PID exists but has no VM.
 */
int vm_list_find(const struct vm_list *list, const char *proc,
		 const char *selector, const struct vm **ret_vm);

/*
 * Obtains the VM's descriptor from its process.
 *
 * Returns 0; -ESRCH the process ended, or is another one by now, or no longer
 * has that VM; -EPERM, -EACCES not allowed; others as for pidfd_getfd(2).
 */
int vm_open(const char *proc, const struct vm *vm, int *ret_pid_fd,
	    int *ret_vm_fd);

/*
 * The name that a QEMU command line gives its guest: "-name guest=NAME,..." or
 * "-name NAME,..." with commas in NAME doubled; the last one counts. @cmdline
 * is /proc/PID/cmdline: arguments ended by a 0 each. Pure.
 *
 * Returns 0; -ENODATA it gives none; -ENOMEM.
 */
int vm_parse_name(const char *cmdline, size_t size, char **ret_name);

/*
 * The UUID that it gives by "-uuid UUID", in lower case; the last one counts.
 * Pure. Returns 0; -ENODATA it gives none.
 */
int vm_parse_uuid(const char *cmdline, size_t size,
		  char ret_uuid[VM_UUID_BYTES]);

#endif /* CONTROLLER_VM_H */
