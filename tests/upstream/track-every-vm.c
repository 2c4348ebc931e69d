// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Preloaded into a program that knows nothing of kvm-aet: tracks every VM it
 * creates, each page of it, from before the first vCPU on until the VM's
 * descriptor is closed or the program exits.
 *
 *	TRACK_REPORT=FILE TRACK_END=stop|leave [TRACK_HUGE=as-mapped|coarse] \
 *		LD_PRELOAD=track-every-vm.so PROGRAM
 *
 * FILE gets a line "tracked" or "refused ERRNO" for each VM, and at its end
 * "ended" with what was recorded. A VM whose program was killed has no end. If
 * the session was stopped, a line "stopped" says what must be zero then.
 *
 * TRACK_END tells how a session ends: stopped before the VM's descriptor is
 * closed, which allows to count the leaves that are armed still; or left to
 * itself, so that it is tracking when it is the last to hold the VM, or when the
 * process exits.
 *
 * If the report cannot be written, or the device is not there, the program
 * ends with status 125.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/kvm.h>
#include <linux/kvm_aet.h>

#define STATUS_CANNOT_TRACK 125

/* More than any test has at a time. */
#define MAX_VMS 64

/* A VM's runs that wait for a background pass. */
#define MAX_WAITS 8
#define WAIT_MS 1000

struct tracked_vm {
	int vm_fd;
	int session;
	pid_t owner;
	int nr_waits; /* see wait_for_passes() */
};

static struct tracked_vm vms[MAX_VMS];
static int nr_vms;
static pthread_mutex_t vms_lock = PTHREAD_MUTEX_INITIALIZER;

/*
 * For the program's own calls this file defines ioctl() and close(), so its
 * own go to the kernel directly.
 */
static long do_ioctl(int fd, unsigned long request, void *argument)
{
	return syscall(SYS_ioctl, fd, request, argument);
}

static int do_close(int fd)
{
	return (int)syscall(SYS_close, fd);
}

static void __attribute__((noreturn)) fail(const char *what)
{
	dprintf(STDERR_FILENO, "track-every-vm: %s: %s\n", what,
		strerror(errno));
	_exit(STATUS_CANNOT_TRACK);
}

/* One write() per line, so that lines of several processes do not mix. */
static void __attribute__((format(printf, 1, 2)))
report(const char *format, ...)
{
	const char *path = getenv("TRACK_REPORT");
	char line[512];
	va_list args;
	int fd, length;

	va_start(args, format);
	length = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	fd = open(path ? path : "", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
		  0644);
	if (fd < 0)
		fail("TRACK_REPORT");
	if (write(fd, line, (size_t)length) != length)
		fail(path);
	do_close(fd);
}

static __u32 huge_mode(void)
{
	const char *name = getenv("TRACK_HUGE");

	if (!name || !strcmp(name, "split"))
		return KVM_AET_HUGE_SPLIT;
	if (!strcmp(name, "as-mapped"))
		return KVM_AET_HUGE_AS_MAPPED;
	if (!strcmp(name, "coarse"))
		return KVM_AET_HUGE_COARSE;
	errno = EINVAL;
	fail("TRACK_HUGE");
}

static int attach(int vm_fd)
{
	struct kvm_aet_attach config = {
		.size = sizeof(config),
		.vm_fd = vm_fd,
		.inverse_rate = 1,
		.hot_pages = KVM_AET_MIN_HOT_PAGES,
		.period_ms = KVM_AET_MIN_PERIOD_MS,
		.flush_batch = 16,
		.huge_mode = huge_mode(),
	};
	int device = open(KVM_AET_DEVICE, O_RDWR | O_CLOEXEC);
	int session;

	if (device < 0)
		fail(KVM_AET_DEVICE);
	/* Registering with the host's mm gives way to a pending signal. */
	do
		session = (int)do_ioctl(device, KVM_AET_ATTACH, &config);
	while (session < 0 && errno == EINTR);
	if (session < 0)
		session = -errno;
	do_close(device);
	return session;
}

static void add_vm(int vm_fd)
{
	int session = attach(vm_fd);

	if (session < 0) {
		report("refused %s\n", strerrorname_np(-session));
		return;
	}
	report("tracked\n");
	pthread_mutex_lock(&vms_lock);
	if (nr_vms == MAX_VMS) {
		errno = ENOSPC;
		fail("too many VMs at a time");
	}
	vms[nr_vms++] = (struct tracked_vm){ .vm_fd = vm_fd,
					     .session = session,
					     .owner = getpid() };
	pthread_mutex_unlock(&vms_lock);
}

static unsigned long long armed_leaves(int vm_fd)
{
	struct kvm_aet_vm_info info = {
		.size = sizeof(info),
		.flags = KVM_AET_VM_INFO_COUNT_LEAVES,
		.vm_fd = vm_fd,
	};
	int device = open(KVM_AET_DEVICE, O_RDWR | O_CLOEXEC);

	if (device < 0)
		fail(KVM_AET_DEVICE);
	if (do_ioctl(device, KVM_AET_VM_INFO, &info))
		fail("KVM_AET_VM_INFO");
	do_close(device);
	return info.armed_leaves;
}

/* vm_fd is still open; vCPUs may be running. */
static void end_vm(const struct tracked_vm *vm)
{
	struct kvm_aet_snapshot s = { .size = sizeof(s) };
	const char *end = getenv("TRACK_END");
	bool is_stopped = end && !strcmp(end, "stop");

	if (is_stopped && do_ioctl(vm->session, KVM_AET_STOP, NULL))
		fail("KVM_AET_STOP");
	if (do_ioctl(vm->session, KVM_AET_GET_SNAPSHOT, &s))
		fail("KVM_AET_GET_SNAPSHOT");
	report("ended traps=%llu first_touches=%llu lost_records=%llu passes=%llu splits=%llu\n",
	       s.traps, s.first_touches, s.lost_records, s.passes, s.splits);
	/* No hook runs any more, and no leaf is to be armed. */
	if (is_stopped)
		report("stopped unaccounted=%lld armed_after=%llu\n",
		       (long long)(s.traps + s.first_touches - s.alias_traps -
				   s.stale_traps - s.lost_records - s.accesses),
		       armed_leaves(vm->vm_fd));
}

/* Takes the VM out of the table; false if there is none of that descriptor. */
static bool take_vm(int vm_fd, struct tracked_vm *ret_vm)
{
	bool is_found = false;
	int i;

	pthread_mutex_lock(&vms_lock);
	for (i = 0; i < nr_vms && !is_found; i++) {
		/* A child's copy of the table is about its parent's VMs. */
		if (vms[i].vm_fd != vm_fd || vms[i].owner != getpid())
			continue;
		is_found = true;
		*ret_vm = vms[i];
		vms[i] = vms[--nr_vms];
	}
	pthread_mutex_unlock(&vms_lock);
	return is_found;
}

static void wait_for_pass(int session)
{
	struct kvm_aet_snapshot s = { .size = sizeof(s) };
	struct pollfd pass = { .fd = session, .events = POLLIN };

	/* A snapshot tells what comes now from passes before. */
	if (do_ioctl(session, KVM_AET_GET_SNAPSHOT, &s))
		fail("KVM_AET_GET_SNAPSHOT");
	if (poll(&pass, 1, WAIT_MS) < 0 && errno != EINTR)
		fail("poll");
}

/*
 * Most tests are over before the first background pass. So let one precede each
 * of a VM's first runs: the module then knows the vCPU, and what the run before
 * has mapped is armed.
 */
static void wait_for_passes(void)
{
	int sessions[MAX_VMS], nr_sessions = 0, i;

	pthread_mutex_lock(&vms_lock);
	for (i = 0; i < nr_vms; i++)
		if (vms[i].owner == getpid() && vms[i].nr_waits < MAX_WAITS) {
			vms[i].nr_waits++;
			sessions[nr_sessions++] = vms[i].session;
		}
	pthread_mutex_unlock(&vms_lock);
	for (i = 0; i < nr_sessions; i++)
		wait_for_pass(sessions[i]);
}

int ioctl(int fd, unsigned long request, ...)
{
	void *argument;
	va_list args;
	int ret, saved_errno;

	va_start(args, request);
	argument = va_arg(args, void *);
	va_end(args);

	if (request == KVM_RUN)
		wait_for_passes();
	ret = (int)do_ioctl(fd, request, argument);
	saved_errno = errno;
	if (request == KVM_CREATE_VM && ret >= 0)
		add_vm(ret);
	errno = saved_errno;
	return ret;
}

/*
 * The session is closed after the VM's descriptor: often it is the last to let
 * go of the VM.
 */
int close(int fd)
{
	struct tracked_vm vm;
	int ret;

	if (!take_vm(fd, &vm))
		return do_close(fd);
	end_vm(&vm);
	ret = do_close(fd);
	do_close(vm.session);
	return ret;
}

static void __attribute__((destructor)) end_all(void)
{
	int i;

	for (i = 0; i < nr_vms; i++)
		if (vms[i].owner == getpid())
			end_vm(&vms[i]);
}
