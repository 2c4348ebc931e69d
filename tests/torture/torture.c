// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The supervisor of the torture run: VM after VM, each under trackers that come
 * and are killed, some killed themselves, the module unloaded and loaded in
 * between and while a guest runs. It ends with what was really done.
 */
#include <fcntl.h>
#include <getopt.h>
#include <linux/kvm.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/kvm_aet.h>

#include "shared.h"

#define MODULE_NAME "kvm_aet"

#define MAX_MORE_PAIRS 4

struct options {
	uint64_t seed;
	unsigned int pairs; /* of a VM that ends and one that is killed */
	unsigned int deck_repeats;
	const char *module;
};

struct torture_shared *torture;

static const struct {
	const char *name;
	uint64_t minimum;
} counts[] = {
#define X(name, minimum) { #name, minimum },
	TORTURE_COUNTS(X)
#undef X
};

/* What the kernel says happened to the pages; all must have, at least once. */
static const struct evidence {
	const char *name;
	const char *path;
	unsigned int field; /* of the numbers in the file */
} evidence[] = {
	{ "swap-ins", SWAP_INS },
	{ "swap-outs", SWAP_OUTS },
	{ "KSM scans", KSM_SCANS },
	{ "khugepaged scans",
	  "/sys/kernel/mm/transparent_hugepage/khugepaged/full_scans", 0 },
};

#define NR_EVIDENCE (sizeof(evidence) / sizeof(evidence[0]))

int torture_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : write(fd, text, strlen(text));
	int err = length < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return err;
}

uint64_t torture_read(const char *path, unsigned int field)
{
	FILE *file = fopen(path, "r");
	uint64_t value = 0;
	unsigned int i;

	if (!file)
		torture_die("%s", path);
	for (i = 0; i <= field; i++)
		if (fscanf(file, "%lu", &value) != 1)
			torture_fail("%s has no number %u", path, field);
	fclose(file);
	return value;
}

void torture_say(const char *what)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	printf("%6lu.%03lu s  %s\n", now.tv_sec, now.tv_nsec / 1000000, what);
}

static void read_evidence(uint64_t *ret_values)
{
	size_t i;

	for (i = 0; i < NR_EVIDENCE; i++)
		ret_values[i] =
			torture_read(evidence[i].path, evidence[i].field);
}

static void load_module(const struct options *options)
{
	int fd = open(options->module, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
		torture_die("cannot load %s", options->module);
	close(fd);
	torture_count(TORTURE_LOADS);
}

/* No session is left, so it must go at once. */
static void unload_module(void)
{
	if (syscall(SYS_delete_module, MODULE_NAME, O_NONBLOCK))
		torture_die("cannot unload " MODULE_NAME);
}

/* Text is patched here, while vCPUs run. */
static void set_traces(bool is_on)
{
	const char *text = is_on ? "1" : "0";

	if (torture_write("/sys/kernel/tracing/events/kvm/enable", text) ||
	    torture_write("/sys/kernel/tracing/events/kvmmmu/enable", text))
		torture_fail("cannot set KVM's tracepoints");
	if (is_on)
		torture_count(TORTURE_TRACES);
}

/* Of a killed tracker. */
static void check_disarmed(pid_t vm)
{
	struct kvm_aet_vm_info info = { .size = sizeof(info),
					.flags = KVM_AET_VM_INFO_COUNT_LEAVES };
	int device = open(KVM_AET_DEVICE, O_RDWR | O_CLOEXEC);
	int pidfd = syscall(SYS_pidfd_open, vm, 0);

	if (device < 0 || pidfd < 0)
		torture_die("cannot open the device or the VM");
	info.vm_fd = syscall(SYS_pidfd_getfd, pidfd, torture->vm_fd, 0);
	if (info.vm_fd < 0 || ioctl(device, KVM_AET_VM_INFO, &info))
		torture_die("KVM_AET_VM_INFO");
	if (info.armed_leaves || info.is_tracked)
		torture_fail("%llu leaves are armed after a tracker's death",
			     info.armed_leaves);
	close(info.vm_fd);
	close(pidfd);
	close(device);
	torture_count(TORTURE_LEAF_COUNTS);
}

static pid_t start_vm(uint64_t seed, unsigned int deck_repeats)
{
	pid_t pid = fork();

	if (pid < 0)
		torture_die("fork");
	if (!pid)
		torture_vm(seed, deck_repeats);
	return pid;
}

static pid_t start_tracker(uint64_t seed, pid_t vm)
{
	pid_t pid = fork();

	if (pid < 0)
		torture_die("fork");
	if (!pid)
		torture_tracker(seed, vm);
	return pid;
}

static void expect_running(pid_t pid, const char *what)
{
	int status;

	if (waitpid(pid, &status, WNOHANG))
		torture_fail("the %s ended too early, status %#x", what,
			     status);
}

static void expect_success(pid_t pid, const char *what)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status)
		torture_fail("the %s failed, status %#x", what, status);
}

static void kill_and_wait(pid_t pid, const char *what)
{
	int status;

	kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
		torture_fail("the %s was not killed, status %#x", what, status);
}

/* Trackers are killed and replaced while the VM lives; returns the last one. */
static pid_t track(struct torture_random *random, pid_t vm,
		   uint32_t until_actions)
{
	pid_t tracker = start_tracker(torture_random(random), vm);

	while (!__atomic_load_n(&torture->is_vm_done, __ATOMIC_ACQUIRE) &&
	       __atomic_load_n(&torture->actions, __ATOMIC_ACQUIRE) <
		       until_actions) {
		usleep(torture_below(random, 300000));
		expect_running(vm, "VM");
		expect_running(tracker, "tracker");
		if (torture_below(random, 2))
			continue;
		kill_and_wait(tracker, "tracker");
		torture_count(TORTURE_TRACKER_KILLS);
		check_disarmed(vm);
		tracker = start_tracker(torture_random(random), vm);
	}
	return tracker;
}

static void wait_for_start(pid_t vm)
{
	while (__atomic_load_n(&torture->vm_fd, __ATOMIC_ACQUIRE) < 0) {
		expect_running(vm, "VM");
		usleep(10000);
	}
}

static void reset_shared(void)
{
	torture->actions = 0;
	torture->vm_fd = -1;
	torture->is_vm_killed = false;
	torture->is_vm_done = false;
	torture->is_tracker_told = false;
	torture->is_detached = false;
}

static void let_vm_end(const struct options *options,
		       struct torture_random *random)
{
	pid_t vm, tracker;
	unsigned int i;

	reset_shared();
	torture_say("a VM that ends");
	vm = start_vm(torture_random(random), options->deck_repeats);
	wait_for_start(vm);
	tracker = track(random, vm, UINT32_MAX);
	__atomic_store_n(&torture->is_tracker_told, true, __ATOMIC_RELEASE);
	expect_success(tracker, "tracker");
	/* The guest runs on, and with it faults through the hook that goes. */
	for (i = 0; i < 3; i++) {
		unload_module();
		usleep(torture_below(random, 50000));
		load_module(options);
	}
	__atomic_store_n(&torture->is_detached, true, __ATOMIC_RELEASE);
	expect_success(vm, "VM");
	torture_count(TORTURE_VMS_ENDED);
}

static void kill_vm(const struct options *options,
		    struct torture_random *random)
{
	pid_t vm, tracker;

	reset_shared();
	torture_say("a VM that is killed");
	vm = start_vm(torture_random(random), options->deck_repeats);
	wait_for_start(vm);
	tracker = track(random, vm, 1 + torture_below(random, 10));
	usleep(torture_below(random, 100000));
	__atomic_store_n(&torture->is_vm_killed, true, __ATOMIC_RELEASE);
	kill_and_wait(vm, "VM");
	torture_count(TORTURE_VMS_KILLED);
	/* It finds no VM any more. */
	expect_success(tracker, "tracker");
}

static bool is_enough(unsigned int pairs, const uint64_t *before)
{
	uint64_t after[NR_EVIDENCE];
	size_t i;

	read_evidence(after);
	for (i = 0; i < NR_EVIDENCE; i++)
		if (after[i] == before[i])
			return false;
	for (i = 0; i < TORTURE_NR_COUNTS; i++)
		if (torture->counts[i] < counts[i].minimum * pairs)
			return false;
	return true;
}

static void report(unsigned int pairs, const uint64_t *before)
{
	uint64_t after[NR_EVIDENCE];
	size_t i;

	for (i = 0; i < TORTURE_NR_COUNTS; i++)
		printf("%-18s %10lu%s\n", counts[i].name, torture->counts[i],
		       torture->counts[i] < counts[i].minimum * pairs ?
			       "  TOO FEW" :
			       "");
	read_evidence(after);
	for (i = 0; i < NR_EVIDENCE; i++)
		printf("%-18s %10lu%s\n", evidence[i].name,
		       after[i] - before[i],
		       after[i] == before[i] ? "  TOO FEW" : "");
}

/* KVM patches kernel text when the first VM appears or the last one goes. */
static void keep_idle_vm(void)
{
	static int kvm, vm;

	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	vm = kvm < 0 ? -1 : ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0)
		torture_die("/dev/kvm");
}

static uint64_t parse_number(const char *text)
{
	char *end;
	uint64_t number = strtoull(text, &end, 0);

	if (!*text || *end)
		torture_fail("'%s' is no number", text);
	return number;
}

static struct options parse_options(int argc, char **argv)
{
	struct options options = { 1, 1, 2, "kvm-aet.ko" };
	int option;

	while ((option = getopt(argc, argv, "s:p:d:m:")) != -1) {
		switch (option) {
		case 's':
			options.seed = parse_number(optarg);
			break;
		case 'p':
			options.pairs = parse_number(optarg);
			break;
		case 'd':
			options.deck_repeats = parse_number(optarg);
			break;
		case 'm':
			options.module = optarg;
			break;
		default:
			fputs("usage: torture [-s SEED] [-p PAIRS-OF-VMS] [-d DECKS] [-m MODULE.ko]\n",
			      stderr);
			exit(2);
		}
	}
	return options;
}

int main(int argc, char **argv)
{
	struct options options = parse_options(argc, argv);
	struct torture_random random = { options.seed };
	uint64_t before[NR_EVIDENCE];
	unsigned int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("seed %lu, %u pairs of VMs, %u decks each\n", options.seed,
	       options.pairs, options.deck_repeats);
	torture = mmap(NULL, sizeof(*torture), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (torture == MAP_FAILED)
		torture_die("mmap");
	keep_idle_vm();
	read_evidence(before);
	/* Chance decides what happens to a pair; what did not, another may see. */
	for (i = 0; i < options.pairs || (i < options.pairs + MAX_MORE_PAIRS &&
					  !is_enough(options.pairs, before));
	     i++) {
		load_module(&options);
		let_vm_end(&options, &random);
		set_traces(true);
		kill_vm(&options, &random);
		set_traces(false);
		unload_module();
	}
	report(options.pairs, before);
	return is_enough(options.pairs, before) ? 0 : 1;
}
