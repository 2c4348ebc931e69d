// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The life of a session, and everything that may go wrong in it: bad
 * arguments, the tracker's or the VM's sudden death, unloading, memory that
 * comes and goes, two vCPUs on the same pages. After each, no leaf is armed and
 * memory holds what the guest wrote.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "client.h"

#define NR_PAGES 1024U
#define NR_ACCESSES 20000U

/* @nr accesses in a loop over all pages, with @flags, from page @first on. */
static void loop(struct vmm *vmm, unsigned int vcpu, uint32_t first,
		 uint32_t nr, uint32_t flags)
{
	uint32_t *sequence = calloc(nr, sizeof(*sequence));
	uint32_t i;

	assert_non_null(sequence);
	for (i = 0; i < nr; i++)
		sequence[i] = (first + i) % vmm->nr_pages | flags;
	vmm_run(vmm, vcpu, sequence, nr);
	free(sequence);
}

static void assert_disarmed(struct vmm *vmm)
{
	struct kvm_aet_vm_info info = client_vm_info(vmm->vm_fd);

	assert_int_equal(info.armed_leaves, 0);
	assert_int_equal(info.is_tracked, 0);
	assert_int_equal(vmm_count_wrong_pages(vmm), 0);
	/* The guest still runs, and writes what it should. */
	loop(vmm, 0, 0, vmm->nr_pages, VMM_WRITE);
	assert_int_equal(vmm_count_wrong_pages(vmm), 0);
	assert_int_equal(client_vm_info(vmm->vm_fd).armed_leaves, 0);
}

static int attach(struct vmm *vmm)
{
	struct kvm_aet_attach config = client_config(vmm);
	int session = client_attach(&config);

	assert_return_code(session, -session);
	return session;
}

static void bad_arguments_are_refused(void **state)
{
	struct kvm_aet_attach good, config;
	struct vmm vmm;
	int pipe_fds[2], session;

	(void)state;
	vmm_init(&vmm, NR_PAGES, 1);
	good = client_config(&vmm);

#define REFUSED(field, value, error)                                \
	do {                                                        \
		config = good;                                      \
		config.field = value;                               \
		assert_int_equal(client_attach(&config), -(error)); \
	} while (0)

	REFUSED(vm_fd, -1, EBADF);
	REFUSED(vm_fd, 1000000, EBADF);
	REFUSED(vm_fd, vmm.kvm_fd, ENXIO);
	REFUSED(vm_fd, vmm.vcpu_fds[0], ENXIO);
	assert_return_code(pipe(pipe_fds), errno);
	REFUSED(vm_fd, pipe_fds[0], ENXIO);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	REFUSED(size, 0, EINVAL);
	REFUSED(size, sizeof(good) - 1, EINVAL);
	REFUSED(size, 4097, EINVAL);
	REFUSED(flags, 1, EINVAL);
	REFUSED(reserved[6], 1, EINVAL);
	REFUSED(inverse_rate, 0, EINVAL);
	REFUSED(inverse_rate, KVM_AET_MAX_INVERSE_RATE + 1, EINVAL);
	REFUSED(hot_pages, 0, EINVAL);
	REFUSED(hot_pages, KVM_AET_MIN_HOT_PAGES - 1, EINVAL);
	REFUSED(hot_pages, KVM_AET_MAX_HOT_PAGES + 1, EINVAL);
	REFUSED(period_ms, 0, EINVAL);
	REFUSED(period_ms, KVM_AET_MAX_PERIOD_MS + 1, EINVAL);
	REFUSED(flush_batch, 0, EINVAL);
	REFUSED(flush_batch, ~0U, EINVAL);
	REFUSED(huge_mode, 3, EINVAL);
	REFUSED(pad, 1, EINVAL);
	REFUSED(rotate_passes, 1, EINVAL);
	REFUSED(rotate_passes, KVM_AET_MAX_ROTATE_PASSES + 1, EINVAL);
	REFUSED(gfn_start, good.gfn_end, EINVAL);
	REFUSED(gfn_end, 1ULL << 60, EINVAL);
#undef REFUSED

	/* None of them left anything behind. */
	session = attach(&vmm);
	close(session);
	assert_disarmed(&vmm);
	vmm_exit(&vmm);
}

static void unknown_fields_must_be_zero(void **state)
{
	struct {
		struct kvm_aet_attach known;
		uint64_t unknown;
	} config = {};
	struct vmm vmm;
	int session;

	(void)state;
	vmm_init(&vmm, NR_PAGES, 1);
	config.known = client_config(&vmm);
	config.known.size = sizeof(config);
	config.unknown = 1;
	assert_int_equal(client_attach(&config.known), -E2BIG);
	config.unknown = 0;
	session = client_attach(&config.known);
	assert_return_code(session, -session);
	close(session);
	vmm_exit(&vmm);
}

static void bad_ioctls_are_refused(void **state)
{
	struct kvm_aet_snapshot snapshot = { .size = sizeof(snapshot) };
	struct kvm_aet_vm_info info = { .size = sizeof(info) };
	struct kvm_aet_histogram *histogram =
		&snapshot.histograms[KVM_AET_HIST_OPEN];
	uint64_t bucket = 0;
	struct vmm vmm;
	int session, device = client_open();

	(void)state;
	vmm_init(&vmm, NR_PAGES, 1);
	session = attach(&vmm);

	assert_int_equal(ioctl(device, KVM_AET_ATTACH, NULL), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(ioctl(device, KVM_AET_STOP, 0), -1);
	assert_int_equal(errno, ENOTTY);
	assert_int_equal(ioctl(device, KVM_AET_VM_INFO, &info), -1);
	assert_int_equal(errno, ENXIO); /* descriptor 0 is no VM */
	info.vm_fd = vmm.vm_fd;
	info.flags = 2;
	assert_int_equal(ioctl(device, KVM_AET_VM_INFO, &info), -1);
	assert_int_equal(errno, EINVAL);

	assert_int_equal(ioctl(session, KVM_AET_ATTACH, NULL), -1);
	assert_int_equal(errno, ENOTTY);
	assert_int_equal(ioctl(session, KVM_AET_STOP, 1), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(ioctl(session, KVM_AET_GET_SNAPSHOT, NULL), -1);
	assert_int_equal(errno, EFAULT);
	snapshot.flags = 4;
	assert_int_equal(ioctl(session, KVM_AET_GET_SNAPSHOT, &snapshot), -1);
	assert_int_equal(errno, EINVAL);
	snapshot.flags = KVM_AET_SNAPSHOT_NEW_WINDOW |
			 KVM_AET_SNAPSHOT_PREVIOUS;
	assert_int_equal(ioctl(session, KVM_AET_GET_SNAPSHOT, &snapshot), -1);
	assert_int_equal(errno, EINVAL);
	snapshot.flags = KVM_AET_SNAPSHOT_PREVIOUS;
	assert_int_equal(ioctl(session, KVM_AET_GET_SNAPSHOT, &snapshot), -1);
	assert_int_equal(errno, ENODATA);
	snapshot.flags = 0;
	snapshot.reserved[7] = 1;
	assert_int_equal(ioctl(session, KVM_AET_GET_SNAPSHOT, &snapshot), -1);
	assert_int_equal(errno, EINVAL);
	snapshot.reserved[7] = 0;
	histogram->reserved = 1;
	assert_int_equal(ioctl(session, KVM_AET_GET_SNAPSHOT, &snapshot), -1);
	assert_int_equal(errno, EINVAL);
	histogram->reserved = 0;
	histogram->buckets = (uintptr_t)&bucket;
	histogram->nr_buckets = 1;
	assert_int_equal(ioctl(session, KVM_AET_GET_SNAPSHOT, &snapshot), -1);
	assert_int_equal(errno, ENOSPC);
	assert_true(histogram->nr_buckets > 1);
	histogram->buckets = 8;
	assert_int_equal(ioctl(session, KVM_AET_GET_SNAPSHOT, &snapshot), -1);
	assert_int_equal(errno, EFAULT);

	close(session);
	close(device);
	assert_disarmed(&vmm);
	vmm_exit(&vmm);
}

static void only_root_may_track(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	assert_true(child >= 0);
	if (!child) {
		int as_other, as_root;

		if (setresuid(-1, 65534, 0))
			_exit(10);
		as_other = open(KVM_AET_DEVICE, O_RDWR);
		/* The file's mode is not the only guard. */
		if (seteuid(0) || chmod(KVM_AET_DEVICE, 0666) || seteuid(65534))
			_exit(11);
		as_root = open(KVM_AET_DEVICE, O_RDWR);
		if (seteuid(0) || chmod(KVM_AET_DEVICE, 0600))
			_exit(12);
		_exit(as_other < 0 && as_root < 0 ? 0 : 13);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void second_attach_is_refused(void **state)
{
	struct kvm_aet_attach config;
	struct vmm vmm;
	int session;

	(void)state;
	vmm_init(&vmm, NR_PAGES, 1);
	loop(&vmm, 0, 0, NR_PAGES, VMM_WRITE);
	config = client_config(&vmm);
	session = attach(&vmm);
	assert_int_equal(client_attach(&config), -EBUSY);
	assert_int_equal(client_vm_info(vmm.vm_fd).is_tracked, 1);
	loop(&vmm, 0, 0, NR_ACCESSES, 0);
	close(session);
	session = attach(&vmm);
	close(session);
	assert_disarmed(&vmm);
	vmm_exit(&vmm);
}

static void stopped_session_stays_readable(void **state)
{
	struct client_snapshot before, after;
	struct pollfd pollfd = {};
	struct vmm vmm;

	(void)state;
	vmm_init(&vmm, NR_PAGES, 1);
	loop(&vmm, 0, 0, NR_PAGES, VMM_WRITE);
	pollfd.fd = attach(&vmm);
	loop(&vmm, 0, 0, NR_ACCESSES, 0);
	before = client_snapshot(pollfd.fd);
	assert_int_equal(before.s.state, KVM_AET_TRACKING);
	assert_int_equal(poll(&pollfd, 1, 0), 0);

	assert_return_code(ioctl(pollfd.fd, KVM_AET_STOP, 0), errno);
	assert_return_code(ioctl(pollfd.fd, KVM_AET_STOP, 0), errno);
	assert_disarmed(&vmm);
	after = client_snapshot(pollfd.fd);
	assert_int_equal(after.s.state, KVM_AET_STOPPED);
	assert_int_equal(after.s.accesses, before.s.accesses);
	assert_int_equal(poll(&pollfd, 1, 0), 1);
	assert_int_equal(pollfd.revents, POLLHUP);

	client_snapshot_free(&before);
	client_snapshot_free(&after);
	close(pollfd.fd);
	vmm_exit(&vmm);
}

static void killed_tracker_leaves_no_trap(void **state)
{
	int status, ready[2], attached[2];
	struct vmm vmm;
	pid_t child;
	char byte;

	(void)state;
	vmm_init(&vmm, NR_PAGES, 1);
	assert_return_code(pipe(ready), errno);
	assert_return_code(pipe(attached), errno);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		struct kvm_aet_attach config = client_config(&vmm);
		int device = open(KVM_AET_DEVICE, O_RDWR | O_CLOEXEC);

		if (read(ready[0], &byte, 1) != 1 || device < 0 ||
		    ioctl(device, KVM_AET_ATTACH, &config) < 0 ||
		    write(attached[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	/* After fork(), which made KVM forget the pages to copy on write. */
	loop(&vmm, 0, 0, NR_PAGES, VMM_WRITE);
	assert_int_equal(write(ready[1], "x", 1), 1);
	assert_int_equal(read(attached[0], &byte, 1), 1);
	loop(&vmm, 0, 0, NR_ACCESSES / 2, 0);
	assert_true(client_vm_info(vmm.vm_fd).armed_leaves > 0);

	assert_return_code(kill(child, SIGKILL), errno);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	close(ready[0]);
	close(ready[1]);
	close(attached[0]);
	close(attached[1]);
	assert_disarmed(&vmm);
	vmm_exit(&vmm);
}

static int get_fd_of(pid_t pid, int fd)
{
	int pidfd = syscall(SYS_pidfd_open, pid, 0);
	int ret;

	assert_true(pidfd >= 0);
	ret = syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	assert_true(ret >= 0);
	close(pidfd);
	return ret;
}

/* KVM's debugfs directory of a VM goes when the VM is destroyed. */
static int kvm_directories(void)
{
	struct stat st;

	assert_return_code(stat("/sys/kernel/debug/kvm", &st), errno);
	return st.st_nlink;
}

static void killed_vm_ends_the_session(void **state)
{
	struct kvm_aet_attach config;
	struct pollfd pollfd = { .events = 0 };
	struct client_snapshot snapshot;
	struct vmm vmm = {};
	int status, pipe_fds[2], directories = kvm_directories();
	int vm_fd_in_child, vm_fd, tries;
	pid_t child;

	(void)state;
	assert_return_code(pipe(pipe_fds), errno);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		uint32_t i, sequence[NR_PAGES];

		vmm_init(&vmm, NR_PAGES, 1);
		for (i = 0; i < NR_PAGES; i++)
			sequence[i] = i | VMM_WRITE;
		if (write(pipe_fds[1], &vmm.vm_fd, sizeof(int)) != sizeof(int))
			_exit(1);
		for (;;)
			vmm_run(&vmm, 0, sequence, NR_PAGES);
	}
	assert_int_equal(read(pipe_fds[0], &vm_fd_in_child, sizeof(int)),
			 sizeof(int));
	vm_fd = get_fd_of(child, vm_fd_in_child);
	vmm.vm_fd = vm_fd;
	vmm.nr_pages = NR_PAGES;
	config = client_config(&vmm);
	config.period_ms = KVM_AET_MIN_PERIOD_MS;
	pollfd.fd = client_attach(&config);
	assert_return_code(pollfd.fd, -pollfd.fd);
	/* It runs, and is seen. */
	do {
		usleep(10000);
		snapshot = client_read(pollfd.fd, 0);
		client_snapshot_free(&snapshot);
	} while (snapshot.s.accesses < NR_PAGES);

	assert_return_code(kill(child, SIGKILL), errno);
	assert_int_equal(waitpid(child, &status, 0), child);
	/* A minute is far more than it takes; a hang must not last for ever. */
	assert_int_equal(poll(&pollfd, 1, 60000), 1);
	assert_int_equal(pollfd.revents, POLLHUP);
	snapshot = client_snapshot(pollfd.fd);
	assert_int_equal(snapshot.s.state, KVM_AET_VM_EXITED);
	assert_true(snapshot.s.accesses >= NR_PAGES);
	client_snapshot_free(&snapshot);

	/* The session, still open, does not keep the VM. */
	close(vm_fd);
	for (tries = 0; kvm_directories() != directories && tries < 1000;
	     tries++)
		usleep(10000);
	assert_int_equal(kvm_directories(), directories);

	assert_return_code(ioctl(pollfd.fd, KVM_AET_STOP, 0), errno);
	close(pollfd.fd);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

/* A session once kept its VM for as long as the VM's process lived. */
static void closed_vm_ends_the_session(void **state)
{
	int directories = kvm_directories(), round, tries;
	struct client_snapshot snapshot;
	struct kvm_aet_attach config;
	struct pollfd pollfd = {};
	struct vmm vmm;

	(void)state;
	for (round = 0; round < 2; round++) {
		vmm_init(&vmm, NR_PAGES, 2);
		loop(&vmm, 0, 0, NR_PAGES, VMM_WRITE);
		config = client_config(&vmm);
		config.period_ms = KVM_AET_MIN_PERIOD_MS;
		pollfd.fd = client_attach(&config);
		assert_return_code(pollfd.fd, -pollfd.fd);
		/* Also one that has been stopped lets go of it. */
		if (round)
			assert_return_code(ioctl(pollfd.fd, KVM_AET_STOP, 0),
					   errno);
		vmm_exit(&vmm);
		for (tries = 0;
		     kvm_directories() != directories && tries < 6000; tries++)
			usleep(10000);
		assert_int_equal(kvm_directories(), directories);
		assert_int_equal(poll(&pollfd, 1, 60000), 1);
		assert_int_equal(pollfd.revents, POLLHUP);
		snapshot = client_snapshot(pollfd.fd);
		assert_int_equal(snapshot.s.state, KVM_AET_VM_EXITED);
		client_snapshot_free(&snapshot);
		close(pollfd.fd);
	}
}

static void exiting_process_cannot_be_attached(void **state)
{
	struct kvm_aet_attach config;
	struct vmm vmm = { .nr_pages = NR_PAGES };
	int status, pipe_fds[2], fd_in_child;
	pid_t child;

	(void)state;
	assert_return_code(pipe(pipe_fds), errno);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		vmm_init(&vmm, NR_PAGES, 1);
		if (write(pipe_fds[1], &vmm.vm_fd, sizeof(int)) != sizeof(int))
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(pipe_fds[0], &fd_in_child, sizeof(int)),
			 sizeof(int));
	vmm.vm_fd = get_fd_of(child, fd_in_child);
	assert_return_code(kill(child, SIGKILL), errno);
	assert_int_equal(waitpid(child, &status, 0), child);
	config = client_config(&vmm);
	assert_int_equal(client_attach(&config), -ESRCH);
	close(vmm.vm_fd);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static void unload_while_tracking_is_refused(void **state)
{
	struct vmm vmm;
	int session, module;

	(void)state;
	vmm_init(&vmm, NR_PAGES, 1);
	loop(&vmm, 0, 0, NR_PAGES, VMM_WRITE);
	session = attach(&vmm);
	loop(&vmm, 0, 0, NR_ACCESSES / 2, 0);
	assert_int_equal(syscall(SYS_delete_module, "kvm_aet", O_NONBLOCK), -1);
	assert_int_equal(errno, EWOULDBLOCK);
	loop(&vmm, 0, 0, NR_ACCESSES / 2, 0);
	close(session);

	/* Clean without a session: the guest goes on, with and without it. */
	assert_return_code(syscall(SYS_delete_module, "kvm_aet", O_NONBLOCK),
			   errno);
	assert_int_equal(access(KVM_AET_DEVICE, F_OK), -1);
	loop(&vmm, 0, 0, NR_ACCESSES, VMM_WRITE);
	assert_int_equal(vmm_count_wrong_pages(&vmm), 0);

	module = open("kvm-aet.ko", O_RDONLY | O_CLOEXEC);
	assert_true(module >= 0);
	assert_return_code(syscall(SYS_finit_module, module, "", 0), errno);
	close(module);
	session = attach(&vmm);
	loop(&vmm, 0, 0, NR_ACCESSES, VMM_WRITE);
	close(session);
	assert_disarmed(&vmm);
	vmm_exit(&vmm);
}

static void footprint_inside_the_hot_set_is_seen_once(void **state)
{
	struct client_snapshot snapshot;
	struct kvm_aet_attach config;
	struct vmm vmm;
	int session;

	(void)state;
	vmm_init(&vmm, NR_PAGES, 1);
	loop(&vmm, 0, 0, NR_PAGES, VMM_WRITE);
	config = client_config(&vmm);
	config.hot_pages = 2 * NR_PAGES;
	session = client_attach(&config);
	assert_return_code(session, -session);
	loop(&vmm, 0, 0, NR_ACCESSES, 0);
	snapshot = client_snapshot(session);
	assert_int_equal(snapshot.s.accesses, NR_PAGES);
	assert_int_equal(snapshot.s.hot_used, NR_PAGES);
	client_snapshot_free(&snapshot);
	close(session);
	assert_disarmed(&vmm);
	vmm_exit(&vmm);
}

static void memory_may_come_and_go(void **state)
{
	struct client_snapshot snapshot;
	struct vmm vmm;
	int session, round;

	(void)state;
	vmm_init(&vmm, NR_PAGES, 1);
	loop(&vmm, 0, 0, NR_PAGES, VMM_WRITE);
	session = attach(&vmm);
	for (round = 0; round < 5; round++) {
		loop(&vmm, 0, 0, NR_ACCESSES / 4, 0);
		vmm_remove_data_slot(&vmm);
		vmm_add_data_slot(&vmm, 0);
		loop(&vmm, 0, 0, NR_ACCESSES / 4, VMM_WRITE);
		/* The host takes the pages away, as a balloon does. */
		vmm_advise(&vmm, MADV_DONTNEED);
		memset(vmm.expected, 0, NR_PAGES * sizeof(*vmm.expected));
		assert_int_equal(vmm_count_wrong_pages(&vmm), 0);
	}
	snapshot = client_snapshot(session);
	assert_true(snapshot.s.accesses > 0);
	assert_int_equal(snapshot.s.lost_records, 0);
	client_snapshot_free(&snapshot);
	vmm_remove_data_slot(&vmm);
	close(session);
	vmm_add_data_slot(&vmm, 0);
	assert_disarmed(&vmm);
	vmm_exit(&vmm);
}

/* Logging write-protects leaves, armed or not: no write may get past it. */
static void dirty_log_misses_nothing(void **state)
{
	uint8_t dirty[NR_PAGES / 8];
	uint32_t sequence[NR_PAGES / 2];
	struct vmm vmm;
	int session, round;
	uint32_t page;

	(void)state;
	vmm_init(&vmm, NR_PAGES, 1);
	loop(&vmm, 0, 0, NR_PAGES, VMM_WRITE);
	session = attach(&vmm);
	vmm_add_data_slot(&vmm, KVM_MEM_LOG_DIRTY_PAGES);
	vmm_get_dirty(&vmm, dirty);
	for (round = 0; round < 6; round++) {
		/* Every other page, once more through the hot set's traps. */
		loop(&vmm, 0, 0, 2 * NR_PAGES, 0);
		for (page = 0; page < NR_PAGES / 2; page++)
			sequence[page] = (2 * page + round % 2) | VMM_WRITE;
		vmm_run(&vmm, 0, sequence, NR_PAGES / 2);
		vmm_get_dirty(&vmm, dirty);
		for (page = 0; page < NR_PAGES; page++)
			assert_int_equal(dirty[page / 8] >> page % 8 & 1,
					 page % 2 == (unsigned int)round % 2);
	}
	close(session);
	vmm_add_data_slot(&vmm, 0);
	assert_disarmed(&vmm);
	vmm_exit(&vmm);
}

/*
 * A VM whose data pages KVM maps huge; returns how many leaves are. Not all of
 * them are the data pages'. Skips the test where KVM maps nothing huge: 4 KiB
 * guest PTEs have 4 KiB shadows, and Bochs' EPT has no more.
 */
static uint64_t init_huge_vm(struct vmm *vmm, uint32_t nr_pages)
{
	uint64_t huge_leaves;

	vmm_init(vmm, nr_pages, 1);
	vmm_advise(vmm, MADV_HUGEPAGE);
	loop(vmm, 0, 0, nr_pages, VMM_WRITE);
	huge_leaves = client_vm_info(vmm->vm_fd).huge_leaves;
	if (!huge_leaves) {
		print_message("KVM maps nothing huge here\n");
		vmm_exit(vmm);
		skip();
	}
	assert_true(huge_leaves >= nr_pages / 512);
	return huge_leaves;
}

static void huge_pages_are_split_and_come_back(void **state)
{
	const uint32_t nr_pages = 4096; /* 8 huge pages */
	struct kvm_aet_vm_info info;
	struct client_snapshot snapshot;
	uint64_t huge_before;
	struct vmm vmm;
	int session;

	(void)state;
	huge_before = init_huge_vm(&vmm, nr_pages);
	session = attach(&vmm);
	loop(&vmm, 0, 0, 4 * nr_pages, 0);
	snapshot = client_snapshot(session);
	info = client_vm_info(vmm.vm_fd);
	assert_true(info.small_leaves >= nr_pages);
	assert_int_equal(info.huge_leaves, huge_before - nr_pages / 512);
	assert_int_equal(snapshot.s.accesses,
			 4 * nr_pages / client_first_touch_pages(&snapshot));
	client_snapshot_free(&snapshot);
	close(session);

	loop(&vmm, 0, 0, nr_pages, VMM_WRITE);
	info = client_vm_info(vmm.vm_fd);
	assert_int_equal(info.huge_leaves, huge_before);
	assert_disarmed(&vmm);
	vmm_exit(&vmm);
}

static void huge_pages_can_stay(void **state)
{
	const uint32_t nr_pages = 4096;
	struct client_snapshot snapshot;
	struct kvm_aet_attach config;
	uint64_t huge_before;
	struct vmm vmm;
	int session;

	(void)state;
	huge_before = init_huge_vm(&vmm, nr_pages);
	config = client_config(&vmm);
	config.huge_mode = KVM_AET_HUGE_AS_MAPPED;
	session = client_attach(&config);
	assert_return_code(session, -session);
	loop(&vmm, 0, 0, nr_pages, VMM_WRITE);
	snapshot = client_snapshot(session);
	assert_int_equal(snapshot.s.huge_leaves, nr_pages / 512);
	assert_int_equal(snapshot.s.traps, 0);
	assert_int_equal(client_vm_info(vmm.vm_fd).huge_leaves, huge_before);
	client_snapshot_free(&snapshot);
	close(session);
	assert_disarmed(&vmm);
	vmm_exit(&vmm);
}

struct worker {
	struct vmm *vmm;
	unsigned int vcpu;
	uint32_t flags;
};

static void *work(void *arg)
{
	struct worker *worker = arg;
	int round;

	for (round = 0; round < 5; round++) {
		uint32_t sequence[NR_PAGES], i;

		/* All pages are read by all, each written by one vCPU. */
		for (i = 0; i < NR_PAGES; i++)
			sequence[i] = i |
				      (i % 2 == worker->vcpu ? VMM_WRITE : 0);
		vmm_run(worker->vmm, worker->vcpu, sequence, NR_PAGES);
	}
	return NULL;
}

static void two_vcpus_share_pages(void **state)
{
	struct worker workers[2];
	pthread_t threads[2];
	struct client_snapshot snapshot;
	struct vmm vmm;
	int session, i, round;

	(void)state;
	vmm_init(&vmm, NR_PAGES, 2);
	loop(&vmm, 0, 0, NR_PAGES, VMM_WRITE);
	for (round = 0; round < 3; round++) {
		session = attach(&vmm);
		for (i = 0; i < 2; i++) {
			workers[i] = (struct worker){ &vmm, i, 0 };
			assert_int_equal(pthread_create(&threads[i], NULL, work,
							&workers[i]),
					 0);
		}
		if (round == 2) {
			/* Detached while both run. */
			close(session);
			session = -1;
		}
		for (i = 0; i < 2; i++)
			pthread_join(threads[i], NULL);
		if (session >= 0) {
			snapshot = client_snapshot(session);
			/*
			 * Between two touches of a page by one vCPU lie 1023
			 * others, too many for the hot set. There is no upper
			 * bound: a page may be pushed out again before the vCPU
			 * that trapped on it gets to run.
			 */
			assert_true(snapshot.s.accesses >= 5 * NR_PAGES);
			client_snapshot_free(&snapshot);
			close(session);
		}
		assert_disarmed(&vmm);
	}
	vmm_exit(&vmm);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

	assert_return_code(fd, errno);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

#define TRACING "/sys/kernel/tracing/"

/* Count from now on how often the kernel's function is entered. */
static void set_probe(const char *function)
{
	char text[128];

	snprintf(text, sizeof(text), "p:aet_test/probe %s\n", function);
	write_file(TRACING "kprobe_events", text);
	write_file(TRACING "events/aet_test/probe/enable", "1");
}

static uint64_t take_probe(void)
{
	char line[256], name[64];
	uint64_t hits, ret = 0;
	FILE *file = fopen(TRACING "kprobe_profile", "re");

	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, " %63s %" SCNu64, name, &hits) == 2 &&
		    strcmp(name, "probe") == 0)
			ret = hits;
	fclose(file);
	write_file(TRACING "events/aet_test/probe/enable", "0");
	write_file(TRACING "kprobe_events", "-:aet_test/probe\n");
	return ret;
}

/*
 * On Intel, an exit during event delivery was once hidden from KVM, which then
 * did not empty the log of page modifications: dirty pages were lost.
 */
static void event_delivery_goes_through_kvm(void **state)
{
	struct client_snapshot snapshot;
	uint64_t hits;
	struct vmm vmm;
	int session;

	(void)state;
	vmm_init(&vmm, NR_PAGES, 1);
	loop(&vmm, 0, 0, NR_PAGES, VMM_WRITE);
	session = attach(&vmm);
	set_probe("kvm_mmu_page_fault");
	loop(&vmm, 0, 0, NR_PAGES, VMM_EVENT);
	hits = take_probe();
	snapshot = client_snapshot(session);
	assert_true(snapshot.s.traps >= NR_PAGES);
	assert_true(hits >= snapshot.s.traps);
	client_snapshot_free(&snapshot);
	close(session);
	assert_disarmed(&vmm);
	vmm_exit(&vmm);
}

/* Memory of @nr_pages from gfn @gfn on that nobody uses; munmap() it. */
static uint8_t *add_unused_slot(struct vmm *vmm, uint64_t gfn,
				uint64_t nr_pages)
{
	struct kvm_userspace_memory_region slot = {
		.slot = 20,
		.guest_phys_addr = gfn * VMM_PAGE_SIZE,
		.memory_size = nr_pages * VMM_PAGE_SIZE,
	};
	uint8_t *memory = vmm_map_memory(slot.memory_size);

	slot.userspace_addr = (uintptr_t)memory;
	assert_return_code(ioctl(vmm->vm_fd, KVM_SET_USER_MEMORY_REGION, &slot),
			   errno);
	return memory;
}

/* Once, every 2 MiB of all memslots was looked at, mapped or not. */
static void detaching_skips_unused_memory(void **state)
{
	const uint64_t nr_pages = 1 << 26, gfn = 1 << 26;
	struct kvm_aet_attach config;
	uint64_t hits;
	struct vmm vmm;
	uint8_t *memory;
	int session;

	(void)state;
	vmm_init(&vmm, NR_PAGES, 1);
	loop(&vmm, 0, 0, NR_PAGES, VMM_WRITE);
	/* Not tried there: the host may lack the memory, and would complain. */
	if (!client_has_tdp_mmu(client_vm_info(vmm.vm_fd).mmu_mode)) {
		print_message("KVM pays for each page of a memslot here\n");
		vmm_exit(&vmm);
		skip();
		return;
	}
	memory = add_unused_slot(&vmm, gfn, nr_pages);
	config = client_config(&vmm);
	config.gfn_end = 0;
	config.inverse_rate = KVM_AET_MAX_INVERSE_RATE;
	session = client_attach(&config);
	assert_return_code(session, -session);
	/* Once per step; the module's own functions may not be traced. */
	set_probe("__srcu_read_lock");
	close(session);
	hits = take_probe();
	/* The guest's own memory is 32 MiB and the data pages. */
	assert_in_range(hits, 1, 1000);
	munmap(memory, nr_pages * VMM_PAGE_SIZE);
	assert_disarmed(&vmm);
	vmm_exit(&vmm);
}

static void on_alarm(int signal)
{
	(void)signal;
}

/*
 * All regions of a session, while a timer interrupts the calls. Several may be
 * needed to get to the next region.
 */
static uint32_t count_regions(int session)
{
	const struct itimerval interval = { { 0, 1000 }, { 0, 1000 } };
	const struct itimerval none = {};
	struct sigaction action = { .sa_handler = on_alarm };
	struct kvm_aet_regions regions = { .size = sizeof(regions) };
	struct kvm_aet_region region[8];
	uint32_t nr = 0;

	assert_return_code(sigaction(SIGALRM, &action, NULL), errno);
	assert_return_code(setitimer(ITIMER_REAL, &interval, NULL), errno);
	regions.regions = (uintptr_t)region;
	do {
		regions.nr_regions = 8;
		assert_return_code(
			ioctl(session, KVM_AET_GET_REGIONS, &regions), errno);
		nr += regions.nr_regions;
	} while (regions.gfn != ~0ULL);
	assert_return_code(setitimer(ITIMER_REAL, &none, NULL), errno);
	return nr;
}

static uint32_t count_debugfs_regions(void)
{
	char path[300], line[128];
	DIR *sessions = opendir("/sys/kernel/debug/kvm-aet");
	struct dirent *entry;
	uint32_t nr = 0;
	FILE *file;

	assert_non_null(sessions);
	do {
		entry = readdir(sessions);
		assert_non_null(entry);
	} while (entry->d_name[0] == '.');
	snprintf(path, sizeof(path), "/sys/kernel/debug/kvm-aet/%s/regions",
		 entry->d_name);
	closedir(sessions);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		nr += line[0] != '#';
	fclose(file);
	return nr;
}

/*
 * A signal was once taken for the end of the list. Few regions have a sampled
 * page here, so that there is time for one in between.
 */
static void interrupted_reader_misses_no_region(void **state)
{
	const uint64_t nr_pages = 1 << 24, gfn = 1 << 26;
	struct kvm_aet_attach config;
	struct vmm vmm;
	uint8_t *memory;
	int session;

	(void)state;
	vmm_init(&vmm, NR_PAGES, 1);
	memory = add_unused_slot(&vmm, gfn, nr_pages);
	config = client_config(&vmm);
	config.inverse_rate = KVM_AET_MAX_INVERSE_RATE;
	config.gfn_start = gfn;
	config.gfn_end = gfn + nr_pages;
	session = client_attach(&config);
	assert_return_code(session, -session);
	/* The slot is a whole number of groups: one page of each is sampled. */
	assert_int_equal(count_regions(session),
			 nr_pages / KVM_AET_MAX_INVERSE_RATE);
	assert_int_equal(count_debugfs_regions(),
			 nr_pages / KVM_AET_MAX_INVERSE_RATE);
	close(session);
	munmap(memory, nr_pages * VMM_PAGE_SIZE);
	vmm_exit(&vmm);
}

/* Attached before the first vCPU exists, as a daemon that hears of a new VM. */
static void new_pages_are_found_by_a_pass(void **state)
{
	struct client_snapshot snapshot;
	struct kvm_aet_attach config;
	struct vmm vmm;
	int session;

	(void)state;
	vmm_init(&vmm, NR_PAGES, 1);
	config = client_config(&vmm);
	config.period_ms = KVM_AET_MIN_PERIOD_MS;
	session = client_attach(&config);
	assert_return_code(session, -session);
	do {
		loop(&vmm, 0, 0, NR_ACCESSES, 0);
		snapshot = client_snapshot(session);
		client_snapshot_free(&snapshot);
	} while (snapshot.s.accesses < 4 * NR_PAGES || snapshot.s.passes < 3);
	assert_int_equal(snapshot.s.mapped_pages, NR_PAGES);
	assert_true(snapshot.s.passes > 1);
	close(session);
	assert_disarmed(&vmm);
	vmm_exit(&vmm);
}

/* Lines of the module's about the VM of process @pid in the kernel's log. */
static int count_logged(int pid, const char *text)
{
	static char log[1 << 20];
	char line[128];
	char *found = log;
	int nr = 0, size = klogctl(3 /* read all */, log, sizeof(log) - 1);

	assert_return_code(size, errno);
	log[size] = '\0';
	snprintf(line, sizeof(line), "kvm-aet: PID %d: %s", pid, text);
	for (; (found = strstr(found, line)); found++)
		nr++;
	return nr;
}

/* A VM in another process, of which we have but a descriptor. */
static pid_t start_vm_process(struct vmm *vmm)
{
	int pipe_fds[2], fd_in_child;
	pid_t child;

	assert_return_code(pipe(pipe_fds), errno);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		vmm_init(vmm, NR_PAGES, 1);
		if (write(pipe_fds[1], &vmm->vm_fd, sizeof(int)) != sizeof(int))
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(pipe_fds[0], &fd_in_child, sizeof(int)),
			 sizeof(int));
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	*vmm = (struct vmm){ .nr_pages = NR_PAGES };
	vmm->vm_fd = get_fd_of(child, fd_in_child);
	return child;
}

/* Once, a session that had ended by itself did not say why. */
static void session_says_why_it_ended(void **state)
{
	struct kvm_aet_attach config;
	struct pollfd pollfd = {};
	int before = count_logged(getpid(), "session ends");
	struct vmm vmm;
	pid_t child;

	(void)state;
	vmm_init(&vmm, NR_PAGES, 1);
	config = client_config(&vmm);
	config.period_ms = KVM_AET_MIN_PERIOD_MS;
	/* Who ends it needs no explanation. */
	pollfd.fd = client_attach(&config);
	assert_return_code(pollfd.fd, -pollfd.fd);
	close(pollfd.fd);
	pollfd.fd = client_attach(&config);
	assert_return_code(pollfd.fd, -pollfd.fd);
	vmm_exit(&vmm);
	assert_int_equal(poll(&pollfd, 1, 60000), 1);
	close(pollfd.fd);
	assert_int_equal(count_logged(getpid(), "session ends"), before + 1);
	assert_true(count_logged(getpid(), "session ends: the VM was closed"));

	child = start_vm_process(&vmm);
	config = client_config(&vmm);
	pollfd.fd = client_attach(&config);
	assert_return_code(pollfd.fd, -pollfd.fd);
	assert_return_code(kill(child, SIGKILL), errno);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(poll(&pollfd, 1, 60000), 1);
	close(pollfd.fd);
	close(vmm.vm_fd);
	assert_int_equal(count_logged(child,
				      "session ends: the VM's process is gone"),
			 1);
}

static void assert_snapshot_fails(int session, uint32_t flags,
				  struct kvm_aet_snapshot *unwritable)
{
	assert_return_code(mprotect(unwritable, VMM_PAGE_SIZE,
				    PROT_READ | PROT_WRITE),
			   errno);
	*unwritable = (struct kvm_aet_snapshot){ .size = sizeof(*unwritable),
						 .flags = flags };
	assert_return_code(mprotect(unwritable, VMM_PAGE_SIZE, PROT_READ),
			   errno);
	assert_int_equal(ioctl(session, KVM_AET_GET_SNAPSHOT, unwritable), -1);
	assert_int_equal(errno, EFAULT);
}

/* It once ended the window and the news, and none had them. */
static void unwritable_snapshot_loses_nothing(void **state)
{
	struct kvm_aet_config config = { .fields = KVM_AET_SET_HOT_PAGES };
	struct client_snapshot snapshot;
	struct pollfd pollfd = { .events = POLLIN };
	uint8_t *page = vmm_map_memory(VMM_PAGE_SIZE);
	struct kvm_aet_snapshot *unwritable = (void *)page;
	struct vmm vmm;

	(void)state;
	vmm_init(&vmm, NR_PAGES, 1);
	loop(&vmm, 0, 0, NR_PAGES, VMM_WRITE);
	pollfd.fd = attach(&vmm);
	/* Another generation: its first pass is news. */
	config.hot_pages = KVM_AET_MIN_HOT_PAGES + 1;
	assert_int_equal(client_configure(pollfd.fd, &config), 0);
	loop(&vmm, 0, 0, NR_PAGES, 0);

	assert_snapshot_fails(pollfd.fd, KVM_AET_SNAPSHOT_NEW_WINDOW,
			      unwritable);
	assert_int_equal(poll(&pollfd, 1, 0), 1);
	assert_int_equal(pollfd.revents, POLLIN);
	snapshot = client_read(pollfd.fd, KVM_AET_SNAPSHOT_NEW_WINDOW);
	assert_int_equal(snapshot.s.window_pages, NR_PAGES);
	client_snapshot_free(&snapshot);
	assert_int_equal(poll(&pollfd, 1, 0), 0);
	snapshot = client_read(pollfd.fd, 0);
	assert_int_equal(snapshot.s.window_pages, 0);
	client_snapshot_free(&snapshot);

	/* Nobody has read the first generation, though one tried to. */
	assert_snapshot_fails(pollfd.fd, KVM_AET_SNAPSHOT_PREVIOUS, unwritable);
	config.hot_pages++;
	assert_int_equal(client_configure(pollfd.fd, &config), 0);
	snapshot = client_read(pollfd.fd, KVM_AET_SNAPSHOT_PREVIOUS);
	assert_int_equal(snapshot.s.generation, 2);
	assert_int_equal(snapshot.s.dropped_generations, 1);
	client_snapshot_free(&snapshot);
	config.hot_pages++;
	assert_int_equal(client_configure(pollfd.fd, &config), 0);
	snapshot = client_read(pollfd.fd, 0);
	assert_int_equal(snapshot.s.dropped_generations, 1);
	client_snapshot_free(&snapshot);

	close(pollfd.fd);
	munmap(page, VMM_PAGE_SIZE);
	assert_disarmed(&vmm);
	vmm_exit(&vmm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_arguments_are_refused),
		cmocka_unit_test(unknown_fields_must_be_zero),
		cmocka_unit_test(bad_ioctls_are_refused),
		cmocka_unit_test(only_root_may_track),
		cmocka_unit_test(second_attach_is_refused),
		cmocka_unit_test(stopped_session_stays_readable),
		cmocka_unit_test(killed_tracker_leaves_no_trap),
		cmocka_unit_test(killed_vm_ends_the_session),
		cmocka_unit_test(closed_vm_ends_the_session),
		cmocka_unit_test(exiting_process_cannot_be_attached),
		cmocka_unit_test(footprint_inside_the_hot_set_is_seen_once),
		cmocka_unit_test(memory_may_come_and_go),
		cmocka_unit_test(dirty_log_misses_nothing),
		cmocka_unit_test(huge_pages_are_split_and_come_back),
		cmocka_unit_test(huge_pages_can_stay),
		cmocka_unit_test(event_delivery_goes_through_kvm),
		cmocka_unit_test(detaching_skips_unused_memory),
		cmocka_unit_test(interrupted_reader_misses_no_region),
		cmocka_unit_test(two_vcpus_share_pages),
		cmocka_unit_test(new_pages_are_found_by_a_pass),
		cmocka_unit_test(session_says_why_it_ended),
		cmocka_unit_test(unwritable_snapshot_loses_nothing),
		/* Last: if it fails, the module may be gone. */
		cmocka_unit_test(unload_while_tracking_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
