// SPDX-License-Identifier: GPL-2.0-or-later
#include "vm.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "args.h"
#include "cleanup.h"
#include "proc_file.h"

/*
 * Enough for the longest command lines that libvirt makes; what lies beyond is
 * ignored, as the name comes early.
 */
#define VM_MAX_CMDLINE_BYTES (256 * 1024)

static void cleanup_closedir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

#define _cleanup_closedir_ CLEANUP(cleanup_closedir)

static void vm_done(struct vm *vm)
{
	free(vm->name);
	*vm = (struct vm){ 0 };
}

void vm_list_done(struct vm_list *list)
{
	size_t i;

	for (i = 0; i < list->nr_vms; i++)
		vm_done(&list->vms[i]);
	free(list->vms);
	*list = (struct vm_list){ 0 };
}

#define _cleanup_vm_list_ CLEANUP(vm_list_done)

static bool vm_has_prefix(const char *text, size_t length, const char *prefix)
{
	return length >= strlen(prefix) &&
	       memcmp(text, prefix, strlen(prefix)) == 0;
}

/*
 * Copies the option value at @text up to its first single comma to @name and
 * undoes the doubling. Returns the bytes read, without that comma.
 */
static size_t vm_unescape(const char *text, size_t length, char *name)
{
	size_t i;

	for (i = 0; i < length; i++) {
		if (text[i] == ',') {
			if (i + 1 == length || text[i + 1] != ',')
				break;
			i++;
		}
		*name++ = text[i];
	}
	*name = '\0';
	return i;
}

/* Reads the value of one -name; true if it names the guest. */
static bool vm_parse_name_value(const char *value, size_t length, char *name,
				char *scratch)
{
	bool is_first = true, found = false;

	while (length > 0) {
		size_t used = vm_unescape(value, length, scratch);
		const char *equals = strchr(scratch, '=');

		if (vm_has_prefix(scratch, strlen(scratch), "guest=")) {
			strcpy(name, scratch + strlen("guest="));
			found = true;
		} else if (is_first && !equals) {
			strcpy(name, scratch);
			found = true;
		}
		is_first = false;
		if (used < length)
			used++;
		value += used;
		length -= used;
	}
	return found;
}

/* "-NAME" or "--NAME" */
static bool vm_is_option(const char *argument, size_t length, const char *name)
{
	size_t name_length = strlen(name), dashes = length - name_length;

	return length > name_length && dashes <= 2 &&
	       vm_has_prefix(argument, length, dashes == 1 ? "-" : "--") &&
	       memcmp(argument + dashes, name, name_length) == 0;
}

int vm_parse_name(const char *cmdline, size_t size, char **ret_name)
{
	_cleanup_free_ char *name = NULL, *scratch = NULL;
	bool expect_name = false, found = false;
	size_t start, length;

	name = malloc(size + 1);
	scratch = malloc(size + 1);
	if (!name || !scratch)
		return -ENOMEM;
	for (start = 0; start < size; start += length + 1) {
		const char *argument = cmdline + start;

		length = strnlen(argument, size - start);
		if (expect_name) {
			found |= vm_parse_name_value(argument, length, name,
						     scratch);
			expect_name = false;
		} else {
			expect_name = vm_is_option(argument, length, "name");
		}
	}
	if (!found || !*name)
		return -ENODATA;
	*ret_name = TAKE_PTR(name);
	return 0;
}

/* As QEMU takes it: 8-4-4-4-12 hexadecimal digits. */
static bool vm_is_uuid(const char *text, size_t length)
{
	size_t i;

	if (length != VM_UUID_BYTES - 1)
		return false;
	for (i = 0; i < length; i++) {
		bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (is_dash ? text[i] != '-' :
			      !strchr("0123456789abcdefABCDEF", text[i]))
			return false;
	}
	return true;
}

int vm_parse_uuid(const char *cmdline, size_t size,
		  char ret_uuid[VM_UUID_BYTES])
{
	const char *found = NULL;
	bool expect_uuid = false;
	size_t start, length, i;

	for (start = 0; start < size; start += length + 1) {
		const char *argument = cmdline + start;

		length = strnlen(argument, size - start);
		if (expect_uuid) {
			if (vm_is_uuid(argument, length))
				found = argument;
			expect_uuid = false;
		} else {
			expect_uuid = vm_is_option(argument, length, "uuid");
		}
	}
	if (!found)
		return -ENODATA;
	/* libvirt writes it in lower case. */
	for (i = 0; i < VM_UUID_BYTES - 1; i++)
		ret_uuid[i] = found[i] >= 'A' && found[i] <= 'F' ?
				      (char)(found[i] - 'A' + 'a') :
				      found[i];
	ret_uuid[i] = '\0';
	return 0;
}

/* @ret_uuid is empty if there is none. */
static int vm_read_names(int process_dir_fd, char **ret_name,
			 char ret_uuid[VM_UUID_BYTES])
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int err;

	err = proc_file_read(process_dir_fd, "cmdline", VM_MAX_CMDLINE_BYTES,
			     &text, &size);
	if (err < 0)
		return err;
	if (vm_parse_uuid(text, size, ret_uuid) < 0)
		ret_uuid[0] = '\0';
	err = vm_parse_name(text, size, ret_name);
	if (err != -ENODATA)
		return err;
	free(TAKE_PTR(text));
	err = proc_file_read(process_dir_fd, "comm", 4096, &text, &size);
	if (err < 0)
		return err;
	if (size > 0 && text[size - 1] == '\n')
		text[size - 1] = '\0';
	*ret_name = TAKE_PTR(text);
	return 0;
}

/* /proc/PID/status has "VmRSS:	   1234 kB"; a zombie has no such line. */
static bool vm_read_resident(int process_dir_fd, uint64_t *ret_bytes)
{
	_cleanup_free_ char *text = NULL;
	uint64_t kib;

	if (proc_file_read(process_dir_fd, "status", 65536, &text, NULL) < 0)
		return false;
	if (!proc_file_number(text, "VmRSS:", &kib) || kib > UINT64_MAX / 1024)
		return false;
	*ret_bytes = kib * 1024;
	return true;
}

static int vm_list_add(struct vm_list *list, const struct vm *vm)
{
	struct vm *larger;

	larger = reallocarray(list->vms, list->nr_vms + 1, sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	list->vms = larger;
	list->vms[list->nr_vms] = *vm;
	list->vms[list->nr_vms].name = strdup(vm->name);
	if (!list->vms[list->nr_vms].name)
		return -ENOMEM;
	list->nr_vms++;
	return 0;
}

static bool vm_has_uuid(int process_dir_fd, const char *uuid)
{
	_cleanup_free_ char *text = NULL;
	char found[VM_UUID_BYTES];
	size_t size;

	return proc_file_read(process_dir_fd, "cmdline", VM_MAX_CMDLINE_BYTES,
			      &text, &size) == 0 &&
	       vm_parse_uuid(text, size, found) == 0 &&
	       strcmp(found, uuid) == 0;
}

/*
 * Adds the VMs of one process, if it has that UUID or @uuid is NULL; -ESRCH and
 * the like if it is gone.
 */
static int vm_list_add_process(struct vm_list *list, int proc_fd,
			       const char *pid_text, pid_t pid,
			       const char *uuid)
{
	_cleanup_close_ int process_dir_fd = -1;
	_cleanup_closedir_ DIR *fds = NULL;
	_cleanup_free_ char *name = NULL;
	size_t first = list->nr_vms, i;
	unsigned int nr_vcpus = 0;
	struct vm vm = { .pid = pid, .name = (char *)"" };
	char found_uuid[VM_UUID_BYTES];
	struct dirent *entry;
	int fds_fd, err;

	process_dir_fd =
		openat(proc_fd, pid_text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (process_dir_fd < 0)
		return -errno;
	if (uuid && !vm_has_uuid(process_dir_fd, uuid))
		return 0;
	fds_fd = openat(process_dir_fd, "fd",
			O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fds_fd < 0)
		return -errno;
	fds = fdopendir(fds_fd);
	if (!fds) {
		err = -errno;
		(void)close(fds_fd);
		return err;
	}
	while ((entry = readdir(fds))) {
		char link[64];
		ssize_t length;
		uint64_t fd;

		if (args_number(entry->d_name, 0, INT_MAX, &fd) < 0)
			continue;
		length = readlinkat(fds_fd, entry->d_name, link,
				    sizeof(link) - 1);
		if (length < 0)
			continue;
		link[length] = '\0';
		if (strncmp(link, "anon_inode:kvm-vcpu", 19) == 0) {
			nr_vcpus++;
		} else if (strcmp(link, "anon_inode:kvm-vm") == 0) {
			vm.fd = (int)fd;
			err = vm_list_add(list, &vm);
			if (err < 0)
				return err;
		}
	}
	if (list->nr_vms == first)
		return 0;
	err = vm_read_names(process_dir_fd, &name, found_uuid);
	if (err < 0 && err != -ENOMEM) {
		while (list->nr_vms > first)
			vm_done(&list->vms[--list->nr_vms]);
	}
	if (err < 0)
		return err;
	for (i = first; i < list->nr_vms; i++) {
		struct vm *added = &list->vms[i];

		free(added->name);
		added->name = strdup(name);
		if (!added->name)
			return -ENOMEM;
		strcpy(added->uuid, found_uuid);
		added->is_only = list->nr_vms - first == 1;
		added->nr_vcpus = nr_vcpus;
		added->has_resident = vm_read_resident(process_dir_fd,
						       &added->resident_bytes);
	}
	return 0;
}

static int vm_compare(const void *left, const void *right)
{
	const struct vm *a = left, *b = right;

	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	return (a->fd > b->fd) - (a->fd < b->fd);
}

static int vm_list_read_some(const char *proc, const char *uuid,
			     struct vm_list *ret_list)
{
	_cleanup_vm_list_ struct vm_list list = { 0 };
	_cleanup_closedir_ DIR *dir = NULL;
	struct dirent *entry;

	dir = opendir(proc);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		uint64_t pid;
		int err;

		if (args_number(entry->d_name, 1, INT_MAX, &pid) < 0)
			continue;
		err = vm_list_add_process(&list, dirfd(dir), entry->d_name,
					  (pid_t)pid, uuid);
		if (err == -ENOMEM || err == -EMFILE || err == -ENFILE)
			return err;
		if (err == -EACCES || err == -EPERM)
			list.nr_hidden++;
	}
	if (list.nr_vms > 0)
		qsort(list.vms, list.nr_vms, sizeof(*list.vms), vm_compare);
	*ret_list = list;
	list = (struct vm_list){ 0 };
	return 0;
}

int vm_list_read(const char *proc, struct vm_list *ret_list)
{
	return vm_list_read_some(proc, NULL, ret_list);
}

int vm_list_read_uuid(const char *proc, const char *uuid,
		      struct vm_list *ret_list)
{
	return vm_list_read_some(proc, uuid, ret_list);
}

/* Parses PID or PID:FD; *ret_fd is -1 without FD. */
static bool vm_parse_selector(const char *selector, pid_t *ret_pid, int *ret_fd)
{
	const char *colon = strchr(selector, ':');
	char pid_text[16];
	uint64_t pid, fd;
	size_t length;

	length = colon ? (size_t)(colon - selector) : strlen(selector);
	if (length >= sizeof(pid_text))
		return false;
	memcpy(pid_text, selector, length);
	pid_text[length] = '\0';
	if (args_number(pid_text, 1, INT_MAX, &pid) < 0)
		return false;
	if (colon && args_number(colon + 1, 0, INT_MAX, &fd) < 0)
		return false;
	*ret_pid = (pid_t)pid;
	*ret_fd = colon ? (int)fd : -1;
	return true;
}

static bool vm_process_exists(const char *proc, pid_t pid)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/%d", proc, (int)pid) < 0) {
		path = NULL;
		return false;
	}
	return access(path, F_OK) == 0;
}

int vm_list_find(const struct vm_list *list, const char *proc,
		 const char *selector, const struct vm **ret_vm)
{
	const struct vm *found = NULL;
	size_t nr_found = 0, i;
	bool is_pid;
	pid_t pid;
	int fd;

	is_pid = vm_parse_selector(selector, &pid, &fd);
	for (i = 0; is_pid && i < list->nr_vms; i++) {
		const struct vm *vm = &list->vms[i];

		if (vm->pid == pid && (fd < 0 || vm->fd == fd)) {
			found = found ? found : vm;
			nr_found++;
		}
	}
	for (i = 0; !nr_found && i < list->nr_vms; i++) {
		const struct vm *vm = &list->vms[i];

		if (strcmp(vm->name, selector) == 0) {
			size_t j;

			found = vm;
			for (j = i; j < list->nr_vms; j++)
				nr_found += strcmp(list->vms[j].name,
						   selector) == 0;
		}
	}
	if (!nr_found)
		return is_pid && vm_process_exists(proc, pid) ? -ECHILD :
								-ENOENT;
	*ret_vm = found;
	return nr_found > 1 ? -ENOTUNIQ : 0;
}

static bool vm_has_ended(int pid_fd)
{
	struct pollfd fds = { .fd = pid_fd, .events = POLLIN };

	return poll(&fds, 1, 0) > 0;
}

/*
 * The process that has the PID now may not be the one that was listed. So the
 * pidfd comes first, and everything is read once more after it: if
 * pidfd_getfd() then succeeds and the process still runs, the PID belonged to
 * it throughout.
 */
int vm_open(const char *proc, const struct vm *vm, int *ret_pid_fd,
	    int *ret_vm_fd)
{
	_cleanup_vm_list_ struct vm_list now = { 0 };
	_cleanup_close_ int proc_fd = -1, pid_fd = -1, vm_fd = -1;
	char pid_text[16];
	bool found = false;
	size_t i;
	int err;

	pid_fd = (int)syscall(SYS_pidfd_open, vm->pid, 0);
	if (pid_fd < 0)
		return -errno;
	proc_fd = open(proc, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc_fd < 0)
		return -errno;
	(void)snprintf(pid_text, sizeof(pid_text), "%d", (int)vm->pid);
	err = vm_list_add_process(&now, proc_fd, pid_text, vm->pid, NULL);
	if (err == -ENOENT)
		return -ESRCH;
	if (err < 0)
		return err;
	for (i = 0; i < now.nr_vms; i++)
		found |= now.vms[i].fd == vm->fd &&
			 strcmp(now.vms[i].name, vm->name) == 0 &&
			 strcmp(now.vms[i].uuid, vm->uuid) == 0;
	if (!found)
		return -ESRCH;
	vm_fd = (int)syscall(SYS_pidfd_getfd, pid_fd, vm->fd, 0);
	if (vm_fd < 0)
		/* EBADF: the process closed it meanwhile. */
		return errno == EBADF ? -ESRCH : -errno;
	if (vm_has_ended(pid_fd))
		return -ESRCH;
	*ret_pid_fd = TAKE_FD(pid_fd);
	*ret_vm_fd = TAKE_FD(vm_fd);
	return 0;
}
