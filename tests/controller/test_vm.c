// SPDX-License-Identifier: GPL-2.0-or-later
/* VM discovery on a made-up proc file system. */
#include "ctl_test.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "vm.h"

/* Above any real PID, so that nothing here can be about a real process. */
#define FAKE_PID 4194305

/* A VM process: @name_args is what -name gets, or NULL. */
static void make_qemu(const char *pid, const char *name_value)
{
	char path[64], cmdline[256];
	size_t size;

	fake_proc_dir(pid);
	snprintf(path, sizeof(path), "%s/fd", pid);
	fake_proc_dir(path);
	snprintf(path, sizeof(path), "%s/fd/0", pid);
	fake_proc_link(path, "/dev/null");
	snprintf(path, sizeof(path), "%s/fd/12", pid);
	fake_proc_link(path, "anon_inode:kvm-vm");
	snprintf(path, sizeof(path), "%s/fd/13", pid);
	fake_proc_link(path, "anon_inode:kvm-vcpu:0");
	snprintf(path, sizeof(path), "%s/fd/14", pid);
	fake_proc_link(path, "anon_inode:kvm-vcpu:1");
	snprintf(path, sizeof(path), "%s/comm", pid);
	fake_proc_text(path, "qemu-system-x86\n");
	snprintf(path, sizeof(path), "%s/status", pid);
	fake_proc_text(path,
		       "Name:\tqemu\nVmHWM:\t     9 kB\nVmRSS:\t    2048 kB\n"
		       "RssAnon:\t  1 kB\n");
	size = (size_t)snprintf(cmdline, sizeof(cmdline),
				"/usr/bin/qemu%c%s%c%s", 0,
				name_value ? "-name" : "-m", 0,
				name_value ? name_value : "64");
	snprintf(path, sizeof(path), "%s/cmdline", pid);
	fake_proc_file(path, cmdline, size + 1);
}

static void test_lists_vms_of_any_process(void **state)
{
	struct vm_list list = { 0 };

	(void)state;
	fake_proc_text("version", "not a process");
	fake_proc_dir("self");
	make_qemu("200", "guest=web1,debug-threads=on");
	make_qemu("30", NULL);
	/* Not a VM. */
	fake_proc_dir("1");
	fake_proc_dir("1/fd");
	fake_proc_link("1/fd/3", "/tmp/anon_inode:kvm-vm");
	fake_proc_link("1/fd/4", "anon_inode:kvm-vm-stats");
	fake_proc_link("1/fd/5", "anon_inode:[eventfd]");
	fake_proc_text("1/cmdline", "init");
	fake_proc_text("1/comm", "init\n");
	assert_int_equal(vm_list_read(fake_proc, &list), 0);
	assert_int_equal(list.nr_vms, 2);
	assert_int_equal(list.vms[0].pid, 30);
	assert_string_equal(list.vms[0].name, "qemu-system-x86");
	assert_int_equal(list.vms[1].pid, 200);
	assert_int_equal(list.vms[1].fd, 12);
	assert_string_equal(list.vms[1].name, "web1");
	assert_true(list.vms[1].is_only);
	assert_int_equal(list.vms[1].nr_vcpus, 2);
	assert_true(list.vms[1].has_resident);
	assert_int_equal(list.vms[1].resident_bytes, 2048 * 1024);
	vm_list_done(&list);
	assert_null(list.vms);
}

static void test_several_vms_in_a_process(void **state)
{
	const struct vm *vm = NULL;
	struct vm_list list = { 0 };

	(void)state;
	make_qemu("77", "twins");
	fake_proc_link("77/fd/9", "anon_inode:kvm-vm");
	assert_int_equal(vm_list_read(fake_proc, &list), 0);
	assert_int_equal(list.nr_vms, 2);
	assert_int_equal(list.vms[0].fd, 9);
	assert_int_equal(list.vms[1].fd, 12);
	assert_false(list.vms[0].is_only);
	assert_false(list.vms[1].is_only);
	assert_int_equal(vm_list_find(&list, fake_proc, "77", &vm), -ENOTUNIQ);
	assert_int_equal(vm_list_find(&list, fake_proc, "twins", &vm),
			 -ENOTUNIQ);
	assert_int_equal(vm_list_find(&list, fake_proc, "77:12", &vm), 0);
	assert_ptr_equal(vm, &list.vms[1]);
	assert_int_equal(vm_list_find(&list, fake_proc, "77:10", &vm), -ECHILD);
	vm_list_done(&list);
}

static void test_half_gone_processes(void **state)
{
	struct vm_list list = { 0 };

	(void)state;
	/* Ended before its descriptors, its name, its status were read. */
	fake_proc_dir("10");
	fake_proc_dir("11");
	fake_proc_dir("11/fd");
	fake_proc_link("11/fd/3", "anon_inode:kvm-vm");
	fake_proc_dir("12");
	fake_proc_dir("12/fd");
	fake_proc_link("12/fd/3", "anon_inode:kvm-vm");
	fake_proc_text("12/cmdline", "");
	fake_proc_text("12/comm", "zombie\n");
	fake_proc_text("12/status", "Name:\tzombie\n");
	assert_int_equal(vm_list_read(fake_proc, &list), 0);
	assert_int_equal(list.nr_vms, 1);
	assert_int_equal(list.vms[0].pid, 12);
	assert_string_equal(list.vms[0].name, "zombie");
	assert_false(list.vms[0].has_resident);
	vm_list_done(&list);
}

static void test_malformed_status(void **state)
{
	static const char *const bad[] = {
		"xVmRSS:\t1 kB\n",
		"\nVmRSS:\n",
		"\nVmRSS:\tmany kB\n",
		"\nVmRSS:\t-1 kB\n",
		"\nVmRSS:\t99999999999999999999 kB\n",
		"\nVmRSS:\t18014398509481984 kB\n",
		"",
	};
	char path[512];
	size_t i;

	(void)state;
	make_qemu("5", "x");
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct vm_list list = { 0 };

		snprintf(path, sizeof(path), "%s/5/status", fake_proc);
		assert_int_equal(unlink(path), 0);
		fake_proc_file("5/status", bad[i], strlen(bad[i]));
		assert_int_equal(vm_list_read(fake_proc, &list), 0);
		assert_int_equal(list.nr_vms, 1);
		assert_false(list.vms[0].has_resident);
		vm_list_done(&list);
	}
}

static void test_find(void **state)
{
	const struct vm *vm = NULL;
	struct vm_list list = { 0 };

	(void)state;
	fake_proc_dir("1");
	make_qemu("40", "guest=web1");
	make_qemu("41", "guest=db,,1");
	make_qemu("42", "guest=web1");
	make_qemu("43", "guest=40");
	make_qemu("44", "guest=999");
	assert_int_equal(vm_list_read(fake_proc, &list), 0);
	assert_int_equal(vm_list_find(&list, fake_proc, "db,1", &vm), 0);
	assert_int_equal(vm->pid, 41);
	assert_int_equal(vm_list_find(&list, fake_proc, "42", &vm), 0);
	assert_int_equal(vm->pid, 42);
	/* A PID before a name, a name that looks like a PID otherwise. */
	assert_int_equal(vm_list_find(&list, fake_proc, "40", &vm), 0);
	assert_int_equal(vm->pid, 40);
	assert_int_equal(vm_list_find(&list, fake_proc, "999", &vm), 0);
	assert_int_equal(vm->pid, 44);
	assert_int_equal(vm_list_find(&list, fake_proc, "web1", &vm),
			 -ENOTUNIQ);
	assert_int_equal(vm->pid, 40);
	vm = NULL;
	assert_int_equal(vm_list_find(&list, fake_proc, "web", &vm), -ENOENT);
	assert_int_equal(vm_list_find(&list, fake_proc, "998", &vm), -ENOENT);
	assert_int_equal(vm_list_find(&list, fake_proc, "../1", &vm), -ENOENT);
	assert_int_equal(vm_list_find(&list, fake_proc, "1", &vm), -ECHILD);
	assert_null(vm);
	vm_list_done(&list);
}

static void test_missing_proc(void **state)
{
	struct vm_list list = { 0 };

	(void)state;
	assert_int_equal(vm_list_read("/nonexistent", &list), -ENOENT);
	assert_null(list.vms);
}

static void test_open_needs_the_same_process(void **state)
{
	struct vm vm = { .pid = FAKE_PID, .fd = 12, .name = (char *)"web1" };
	int pid_fd = -1, vm_fd = -1;
	char pid[16];

	(void)state;
	assert_int_equal(vm_open(fake_proc, &vm, &pid_fd, &vm_fd), -ESRCH);
	/* The PID lives, but the VM in it has another name or descriptor. */
	vm.pid = getpid();
	assert_int_equal(vm_open(fake_proc, &vm, &pid_fd, &vm_fd), -ESRCH);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	make_qemu(pid, "other");
	assert_int_equal(vm_open(fake_proc, &vm, &pid_fd, &vm_fd), -ESRCH);
	vm.name = (char *)"other";
	vm.fd = 11;
	assert_int_equal(vm_open(fake_proc, &vm, &pid_fd, &vm_fd), -ESRCH);
	assert_int_equal(pid_fd, -1);
	assert_int_equal(vm_fd, -1);
}

static void test_open_gets_the_descriptor(void **state)
{
	struct vm vm = { .pid = getpid(), .name = (char *)"me" };
	int pid_fd = -1, vm_fd = -1, pipe_fds[2];
	char pid[16], path[64];
	char byte = 0;

	(void)state;
	assert_int_equal(pipe(pipe_fds), 0);
	vm.fd = pipe_fds[1];
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	make_qemu(pid, "me");
	if (vm.fd != 12) {
		snprintf(path, sizeof(path), "%s/fd/%d", pid, vm.fd);
		(void)remove(path);
		fake_proc_link(path, "anon_inode:kvm-vm");
	}
	/* Open, but of another VM by now. */
	vm.name = (char *)"you";
	assert_int_equal(vm_open(fake_proc, &vm, &pid_fd, &vm_fd), -ESRCH);
	assert_int_equal(vm_fd, -1);
	vm.name = (char *)"me";
	assert_int_equal(vm_open(fake_proc, &vm, &pid_fd, &vm_fd), 0);
	assert_int_equal(write(vm_fd, "x", 1), 1);
	assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
	assert_int_equal(byte, 'x');
	close(pid_fd);
	close(vm_fd);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static void test_parse_name(void **state)
{
#define CMDLINE(text) text, sizeof(text) - 1
	static const struct {
		const char *cmdline;
		size_t size;
		const char *name;
	} cases[] = {
		{ CMDLINE("qemu\0-name\0web1\0"), "web1" },
		{ CMDLINE("qemu\0--name\0web1\0-m\0001G\0"), "web1" },
		{ CMDLINE("qemu\0-name\0guest=web1,debug-threads=on\0"),
		  "web1" },
		{ CMDLINE("qemu\0-name\0debug-threads=on,guest=web1\0"),
		  "web1" },
		{ CMDLINE("qemu\0-name\0web1,process=qemu:web1\0"), "web1" },
		{ CMDLINE("qemu\0-name\0guest=a,,b,process=x\0"), "a,b" },
		{ CMDLINE("qemu\0-name\0a,,b\0"), "a,b" },
		{ CMDLINE("qemu\0-name\0guest=a=b\0"), "a=b" },
		{ CMDLINE("qemu\0-name\0one\0-name\0two\0"), "two" },
		{ CMDLINE("qemu\0-name\0one\0-name\0debug-threads=on\0"),
		  "one" },
		/* The last argument need not end in a 0. */
		{ CMDLINE("qemu\0-name\0web1"), "web1" },
		{ CMDLINE("qemu\0-name\0guest=a\x1b[2J\0"), "a\x1b[2J" },
		/* A value, not an option. */
		{ CMDLINE("qemu\0-name\0-name\0"), "-name" },
		{ CMDLINE(""), NULL },
		{ CMDLINE("\0"), NULL },
		{ CMDLINE("qemu\0"), NULL },
		{ CMDLINE("qemu\0-name"), NULL },
		{ CMDLINE("qemu\0-name\0"), NULL },
		{ CMDLINE("qemu\0-name\0\0"), NULL },
		{ CMDLINE("qemu\0-name\0guest=\0"), NULL },
		{ CMDLINE("qemu\0-name\0debug-threads=on\0"), NULL },
		{ CMDLINE("qemu\0-name\0debug-threads=on,web1\0"), NULL },
		{ CMDLINE("qemu\0-names\0web1\0"), NULL },
		{ CMDLINE("qemu\0name\0web1\0"), NULL },
		{ CMDLINE("qemu\0-name=web1\0"), NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		/* A copy of the exact size lets ASan see a read too far. */
		char *copy = malloc(cases[i].size + !cases[i].size);
		char *name = NULL;
		int err;

		assert_non_null(copy);
		memcpy(copy, cases[i].cmdline, cases[i].size);
		err = vm_parse_name(copy, cases[i].size, &name);
		if (err != (cases[i].name ? 0 : -ENODATA))
			print_error("case %zu: %d\n", i, err);
		assert_int_equal(err, cases[i].name ? 0 : -ENODATA);
		if (cases[i].name)
			assert_string_equal(name, cases[i].name);
		else
			assert_null(name);
		free(name);
		free(copy);
	}
}

#define UUID "0f3c2a1b-4d5e-6f70-8192-a3b4c5d6e7f8"

static void test_parse_uuid(void **state)
{
	static const struct {
		const char *cmdline;
		size_t size;
		bool is_found;
	} cases[] = {
		{ CMDLINE("qemu\0-uuid\0" UUID "\0-m\0001G\0"), true },
		{ CMDLINE("qemu\0--uuid\0" UUID), true },
		{ CMDLINE("qemu\0-uuid\0000F3C2A1B-4D5E-6F70-8192-A3B4C5D6E7F8"),
		  true },
		{ CMDLINE("qemu\0-uuid\0ffffffff-4d5e-6f70-8192-a3b4c5d6e7f8\0"
			  "-uuid\0" UUID "\0"),
		  true },
		{ CMDLINE("qemu\0-uuid\0" UUID "0\0"), false },
		{ CMDLINE("qemu\0-uuid\0000f3c2a1b-4d5e-6f70-8192-a3b4c5d6e7g8\0"),
		  false },
		{ CMDLINE("qemu\0-uuid\0000f3c2a1b04d5e-6f70-8192-a3b4c5d6e7f8\0"),
		  false },
		{ CMDLINE("qemu\0-uuid\0"), false },
		{ CMDLINE("qemu\0-uuid"), false },
		{ CMDLINE("qemu\0" UUID "\0"), false },
		{ CMDLINE("uuid\0uuid\0" UUID "\0"), false },
		{ CMDLINE(""), false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		char *copy = malloc(cases[i].size + !cases[i].size);
		char uuid[VM_UUID_BYTES] = "untouched";
		int err;

		assert_non_null(copy);
		memcpy(copy, cases[i].cmdline, cases[i].size);
		err = vm_parse_uuid(copy, cases[i].size, uuid);
		if (err != (cases[i].is_found ? 0 : -ENODATA))
			print_error("case %zu: %d\n", i, err);
		assert_int_equal(err, cases[i].is_found ? 0 : -ENODATA);
		assert_string_equal(uuid,
				    cases[i].is_found ? UUID : "untouched");
		free(copy);
	}
}

static void test_lists_vms_by_uuid(void **state)
{
	struct vm_list list = { 0 };

	(void)state;
	make_qemu("30", "other");
	make_qemu("31", "web1");
	fake_proc_file("31/cmdline",
		       CMDLINE("qemu\0-name\0web1\0-uuid\0" UUID "\0"));
	assert_int_equal(vm_list_read_uuid(fake_proc, UUID, &list), 0);
	assert_int_equal(list.nr_vms, 1);
	assert_int_equal(list.vms[0].pid, 31);
	assert_string_equal(list.vms[0].uuid, UUID);
	vm_list_done(&list);
	assert_int_equal(vm_list_read(fake_proc, &list), 0);
	assert_int_equal(list.nr_vms, 2);
	assert_string_equal(list.vms[0].uuid, "");
	vm_list_done(&list);
}

static void test_long_cmdline(void **state)
{
	const size_t size = 100000;
	char *cmdline = calloc(1, size);
	struct vm_list list = { 0 };
	char path[512];

	(void)state;
	assert_non_null(cmdline);
	memset(cmdline, 'a', size);
	memcpy(cmdline + size - 12, "\0-name\0far1\0", 12);
	make_qemu("6", "near");
	snprintf(path, sizeof(path), "%s/6/cmdline", fake_proc);
	assert_int_equal(unlink(path), 0);
	fake_proc_file("6/cmdline", cmdline, size);
	assert_int_equal(vm_list_read(fake_proc, &list), 0);
	assert_int_equal(list.nr_vms, 1);
	assert_string_equal(list.vms[0].name, "far1");
	vm_list_done(&list);
	free(cmdline);
}

int main(void)
{
#define PROC_TEST(test)                                        \
	cmocka_unit_test_setup_teardown(test, fake_proc_setup, \
					fake_proc_teardown)
	const struct CMUnitTest tests[] = {
		PROC_TEST(test_lists_vms_of_any_process),
		PROC_TEST(test_several_vms_in_a_process),
		PROC_TEST(test_half_gone_processes),
		PROC_TEST(test_malformed_status),
		PROC_TEST(test_find),
		cmocka_unit_test(test_missing_proc),
		PROC_TEST(test_open_needs_the_same_process),
		PROC_TEST(test_open_gets_the_descriptor),
		cmocka_unit_test(test_parse_name),
		cmocka_unit_test(test_parse_uuid),
		PROC_TEST(test_lists_vms_by_uuid),
		PROC_TEST(test_long_cmdline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
