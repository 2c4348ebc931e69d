// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bad input for all of the module's ioctls and debugfs files, while guests run:
 * well-formed structs with some fields replaced, sizes and addresses that lie,
 * descriptors of other things, failing allocations, signals that come in the
 * midst of a call, and descriptors that another thread closes meanwhile; on VMs
 * with memslots in odd places. The kernel's own checks are the judge of
 * most; here are judged the bytes that the kernel writes, the errors that it
 * returns, and that nothing stays behind.
 *
 * One thread's calls follow from the seed. With several threads the errors are
 * not judged, because a descriptor may have become another file's.
 */
#include <dirent.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/kvm.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/kvm_aet.h>

#include "../vmm/vmm.h"
#include "shared.h"

/* KVM_X86_SW_PROTECTED_VM, younger than Debian 12's headers. */
#define SW_PROTECTED_VM 1

#define NR_VMS 3
#define NR_SLOTS 24
#define NR_PAGES 256U
#define DEBUGFS "/sys/kernel/debug/kvm-aet"

#define ARENA_SIZE 0x8000UL
#define CANARY 0xa5
#define MAX_BUCKETS 16384U

#define NR_OF(array) (sizeof(array) / sizeof((array)[0]))

struct vm_process {
	pid_t pid;
	int *vm_fd; /* shared with it; -1 before it is there */
};

/* What all threads use, and spoil for each other. */
static int slots[NR_SLOTS];
static struct vm_process vms[NR_VMS];
static bool is_racing;

/* One thread's. */
struct fuzzer {
	struct torture_random random;
	uint64_t calls_left;
	int fail_nth_fd;
	/* Ends at a page that nobody may touch; so does @arrays. */
	uint8_t *arena;
	uint8_t *arrays;
};

struct command {
	const char *name;
	unsigned long number;
	size_t size; /* of its struct, or 0 */
	bool is_of_session;
	void (*fill)(struct fuzzer *fuzzer, void *argument);
	/* Errors that the contract names; those of any_errors[] go for all. */
	int errors[8];
};

static uint64_t signals_taken, calls_interrupted;

static void take_signal(int number)
{
	(void)number;
	__atomic_fetch_add(&signals_taken, 1, __ATOMIC_RELAXED);
}

static void mask_signals(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	if (pthread_sigmask(how, &set, NULL))
		torture_fail("pthread_sigmask");
}

/*
 * Signals only come in the midst of calls that are judged. Not of those whose
 * allocations and copies fail: the signal's own copy to the stack might.
 */
static void init_signals(void)
{
	struct sigaction action = { .sa_handler = take_signal };

	mask_signals(SIG_BLOCK);
	if (sigaction(SIGALRM, &action, NULL))
		torture_die("sigaction");
}

/*
 * One so much later; 0: none any more. Not one every so often: where a handler
 * takes longer than that, nothing else would run.
 */
static void set_signal(uint32_t after_us)
{
	struct itimerval timer = { .it_value.tv_usec = after_us };

	if (!after_us)
		mask_signals(SIG_BLOCK);
	if (setitimer(ITIMER_REAL, &timer, NULL))
		torture_die("setitimer");
	if (after_us)
		mask_signals(SIG_UNBLOCK);
}

/* How often each command ended well, and ill. */
struct outcome {
	uint64_t successes;
	uint64_t failures;
};

static uint32_t below(struct fuzzer *fuzzer, uint32_t limit)
{
	return torture_below(&fuzzer->random, limit);
}

static int any_slot(struct fuzzer *fuzzer)
{
	return __atomic_load_n(&slots[below(fuzzer, NR_SLOTS)],
			       __ATOMIC_RELAXED);
}

/* VM descriptors are in the first slots. */
static int vm_slot(struct fuzzer *fuzzer)
{
	return __atomic_load_n(&slots[below(fuzzer, NR_VMS)], __ATOMIC_RELAXED);
}

/* Put a descriptor into a random slot, and close what it takes the place of. */
static void keep_fd(struct fuzzer *fuzzer, int fd)
{
	unsigned int slot = NR_VMS + below(fuzzer, NR_SLOTS - NR_VMS);
	int old = __atomic_exchange_n(&slots[slot], fd, __ATOMIC_RELAXED);

	if (old >= 0)
		close(old);
}

static uint64_t interesting(struct fuzzer *fuzzer)
{
	static const uint64_t values[] = {
		0,
		1,
		2,
		7,
		10,
		63,
		64,
		255,
		511,
		512,
		4095,
		4096,
		65535,
		65536,
		65537,
		3600000,
		VMM_DATA_GFN,
		VMM_DATA_GFN + NR_PAGES,
		INT32_MAX,
		1ULL << 31,
		UINT32_MAX,
		1ULL << 32,
		1ULL << 40,
		1ULL << 52,
		INT64_MAX,
		1ULL << 63,
		UINT64_MAX,
		0xffff888000000000ULL,
	};

	if (!below(fuzzer, 8))
		return torture_random(&fuzzer->random);
	return values[below(fuzzer, NR_OF(values))];
}

/* Room for @size bytes that end where nothing may be written. */
static void *array_of(struct fuzzer *fuzzer, size_t size)
{
	return fuzzer->arrays + MAX_BUCKETS * sizeof(uint64_t) - size;
}

static uint64_t array_address(struct fuzzer *fuzzer, size_t size)
{
	switch (below(fuzzer, 32)) {
	case 0:
		return 0;
	case 1:
		/* Its end lies beyond. */
		return (uintptr_t)array_of(fuzzer, size / 2);
	case 2:
		return 0xffff888000000000ULL;
	default:
		return (uintptr_t)array_of(fuzzer, size);
	}
}

static void fill_attach(struct fuzzer *fuzzer, void *argument)
{
	struct kvm_aet_attach *attach = argument;

	*attach = (struct kvm_aet_attach){
		.size = sizeof(*attach),
		.vm_fd = below(fuzzer, 8) ? vm_slot(fuzzer) : any_slot(fuzzer),
		.inverse_rate = 1 + below(fuzzer, 3),
		.hot_pages = 64 + below(fuzzer, 64),
		.period_ms = 10 + below(fuzzer, 100),
		.flush_batch = 1 + below(fuzzer, 64),
		.huge_mode = below(fuzzer, 3),
		.salt = below(fuzzer, 2),
		.rotate_passes = below(fuzzer, 2) ? 0 : 16,
	};
	if (!below(fuzzer, 8)) {
		attach->gfn_start = interesting(fuzzer);
		attach->gfn_end = interesting(fuzzer);
	}
}

static void fill_vm_info(struct fuzzer *fuzzer, void *argument)
{
	struct kvm_aet_vm_info *info = argument;

	*info = (struct kvm_aet_vm_info){
		.size = sizeof(*info),
		.flags = below(fuzzer, 2),
		.vm_fd = below(fuzzer, 8) ? vm_slot(fuzzer) : any_slot(fuzzer),
	};
}

static void fill_snapshot(struct fuzzer *fuzzer, void *argument)
{
	struct kvm_aet_snapshot *snapshot = argument;
	unsigned int kind;

	*snapshot = (struct kvm_aet_snapshot){
		.size = sizeof(*snapshot),
		.flags = below(fuzzer, 4) ? 0 : 1U << below(fuzzer, 2),
	};
	for (kind = 0; kind < KVM_AET_NR_HISTOGRAMS; kind++) {
		uint32_t room = below(fuzzer, 8) ? MAX_BUCKETS :
						   below(fuzzer, MAX_BUCKETS);

		if (below(fuzzer, 2))
			continue;
		snapshot->histograms[kind].nr_buckets = room;
		snapshot->histograms[kind].buckets =
			array_address(fuzzer, room * sizeof(uint64_t));
	}
}

static void fill_config(struct fuzzer *fuzzer, void *argument)
{
	struct kvm_aet_config *config = argument;

	*config = (struct kvm_aet_config){
		.size = sizeof(*config),
		.fields = below(fuzzer, 32),
		.inverse_rate = 1 + below(fuzzer, 64),
		.hot_pages = 64 + below(fuzzer, 512),
		.period_ms = 10 + below(fuzzer, 100),
		.flush_batch = 1 + below(fuzzer, 64),
		.rotate_passes = below(fuzzer, 2) ? 0 : 16 + below(fuzzer, 16),
	};
}

static void fill_regions(struct fuzzer *fuzzer, void *argument)
{
	struct kvm_aet_regions *regions = argument;
	uint32_t room = 1 + below(fuzzer, 32);

	*regions = (struct kvm_aet_regions){
		.size = sizeof(*regions),
		.flags = below(fuzzer, 2),
		.gfn = below(fuzzer, 2) ? 0 : interesting(fuzzer),
		.regions = array_address(fuzzer,
					 room * sizeof(struct kvm_aet_region)),
		.nr_regions = room,
	};
}

static const struct command commands[] = {
	{ "ATTACH",
	  KVM_AET_ATTACH,
	  sizeof(struct kvm_aet_attach),
	  false,
	  fill_attach,
	  { EBADF, ENXIO, EBUSY, ESRCH, EOPNOTSUPP, ENOMEM, EMFILE, EINTR } },
	{ "VM_INFO",
	  KVM_AET_VM_INFO,
	  sizeof(struct kvm_aet_vm_info),
	  false,
	  fill_vm_info,
	  { EBADF, ENXIO, EOPNOTSUPP } },
	{ "GET_ABI", KVM_AET_GET_ABI, 0, false, NULL, {} },
	{ "GET_SNAPSHOT",
	  KVM_AET_GET_SNAPSHOT,
	  sizeof(struct kvm_aet_snapshot),
	  true,
	  fill_snapshot,
	  { ENOSPC, ENODATA, ENOMEM } },
	{ "STOP", KVM_AET_STOP, 0, true, NULL, {} },
	{ "CONFIGURE",
	  KVM_AET_CONFIGURE,
	  sizeof(struct kvm_aet_config),
	  true,
	  fill_config,
	  { ESHUTDOWN, ENOMEM } },
	{ "GET_REGIONS",
	  KVM_AET_GET_REGIONS,
	  sizeof(struct kvm_aet_regions),
	  true,
	  fill_regions,
	  { ESHUTDOWN, ENOMEM } },
};

static struct outcome outcomes[NR_OF(commands)];

/*
 * Where the struct lies: mostly at the end of the arena, so that one byte more
 * would fault; at times where it does fault, wholly or from its middle on.
 */
static uint8_t *place_argument(struct fuzzer *fuzzer, size_t size)
{
	uint8_t *end = fuzzer->arena + ARENA_SIZE;

	switch (below(fuzzer, 16)) {
	case 0:
		return end - size / 2;
	case 1:
		return end;
	case 2:
		return fuzzer->arena + 1;
	default:
		return end - size;
	}
}

/* A size that lies, and fields that are wrong. Returns the size to place. */
static size_t spoil(struct fuzzer *fuzzer, uint8_t *argument, size_t size)
{
	static const uint32_t sizes[] = { 0,	1,    4,    8,
					  4095, 4096, 4097, UINT32_MAX };
	unsigned int wrong = below(fuzzer, 3) ? 0 : 1 + below(fuzzer, 4);
	uint32_t claimed = size;

	while (wrong--) {
		uint64_t value = interesting(fuzzer);
		size_t width = below(fuzzer, 2) ? 4 : 8;
		size_t at = below(fuzzer, size / width) * width;

		/* vm_fd, sizes and counts are mostly 32 bits wide. */
		memcpy(argument + at, &value, width);
	}
	if (below(fuzzer, 6))
		return size;
	switch (below(fuzzer, 4)) {
	case 0:
		claimed = sizes[below(fuzzer, NR_OF(sizes))];
		break;
	case 1:
		claimed = size - 1 - below(fuzzer, 16);
		break;
	default:
		/* A tail that the module does not know: zeros, mostly. */
		claimed = size + 1 + below(fuzzer, 64);
		if (below(fuzzer, 3))
			memset(argument + size, 0, claimed - size);
	}
	memcpy(argument, &claimed, sizeof(claimed));
	return claimed > size && claimed <= 4096 ? claimed : size;
}

/*
 * Let this thread's @nth allocation, or copy from or to user space, fail; 0:
 * none any more. Writing this may itself be what fails.
 */
static void fail_nth(const struct fuzzer *fuzzer, uint32_t nth)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", nth), tries;

	for (tries = 0; tries < 100; tries++)
		if (pwrite(fuzzer->fail_nth_fd, text, length, 0) == length)
			return;
	torture_die("fail-nth");
}

/* A signal may end whatever waits. */
static const int any_errors[] = { EINVAL, EFAULT, E2BIG, EINTR };

static bool is_expected_error(const struct command *command, int error)
{
	size_t i;

	for (i = 0; i < NR_OF(any_errors); i++)
		if (any_errors[i] == error)
			return true;
	for (i = 0; i < NR_OF(command->errors); i++)
		if (command->errors[i] == error)
			return true;
	return false;
}

/* The bytes around what the kernel was given. */
static void check_canaries(const struct fuzzer *fuzzer,
			   const struct command *command, const uint8_t *start,
			   size_t size)
{
	const uint8_t *byte, *end = fuzzer->arena + ARENA_SIZE;

	for (byte = fuzzer->arena; byte < end; byte++)
		if ((byte < start || byte >= start + size) && *byte != CANARY)
			torture_fail("%s wrote at %p, its argument is at %p",
				     command->name, (const void *)byte,
				     (const void *)start);
}

static void judge(struct fuzzer *fuzzer, const struct command *command, int fd,
		  int ret, int error, bool is_judged)
{
	struct outcome *outcome = &outcomes[command - commands];
	uint64_t *count = ret < 0 ? &outcome->failures : &outcome->successes;

	__atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
	if (ret < 0 && error == EINTR)
		__atomic_fetch_add(&calls_interrupted, 1, __ATOMIC_RELAXED);
	if (ret < 0 && !is_racing && is_judged &&
	    !is_expected_error(command, error))
		torture_fail("%s on %d: error %s is not of the contract",
			     command->name, fd, strerror(error));
	if (ret >= 0 && command->number == KVM_AET_ATTACH)
		keep_fd(fuzzer, ret);
}

static int open_device(void)
{
	return open(KVM_AET_DEVICE, O_RDWR | O_CLOEXEC);
}

/* A session's descriptor, if any is in the slots. */
static int find_session(struct fuzzer *fuzzer)
{
	unsigned int tries;

	for (tries = 0; tries < NR_SLOTS; tries++) {
		int fd = any_slot(fuzzer);

		/* Only a session takes it: it is idempotent and tells nothing. */
		if (fd >= 0 && ioctl(fd, KVM_AET_CONFIGURE, NULL) < 0 &&
		    errno == EFAULT)
			return fd;
	}
	return -1;
}

static void call_command(struct fuzzer *fuzzer)
{
	const struct command *command =
		&commands[below(fuzzer, NR_OF(commands))];
	bool is_right_file = below(fuzzer, 10);
	bool is_failing = !below(fuzzer, 6);
	bool is_signalled = !is_failing && !below(fuzzer, 4);
	uint8_t filled[8192] = {}, *argument = NULL;
	int device = open_device(), fd, ret, error;
	size_t size = command->size;

	/* A stopped session has little left to be tried. */
	if (command->number == KVM_AET_STOP && below(fuzzer, 3))
		goto close_device;
	memset(filled, CANARY, sizeof(filled));
	if (command->fill) {
		command->fill(fuzzer, filled);
		size = spoil(fuzzer, filled, size);
		argument = place_argument(fuzzer, size);
		memset(fuzzer->arena, CANARY, ARENA_SIZE);
		if (argument + size <= fuzzer->arena + ARENA_SIZE)
			memcpy(argument, filled, size);
		else
			memcpy(argument, filled,
			       fuzzer->arena + ARENA_SIZE - argument);
	} else if (!below(fuzzer, 4)) {
		argument = (uint8_t *)(uintptr_t)interesting(fuzzer);
	}
	if (!is_right_file)
		fd = any_slot(fuzzer);
	else
		fd = command->is_of_session ? find_session(fuzzer) : device;
	if (is_right_file && fd < 0)
		goto close_device;

	if (is_failing)
		fail_nth(fuzzer, 1 + below(fuzzer, 40));
	if (is_signalled)
		set_signal(1 + below(fuzzer, 1000));
	ret = ioctl(fd, command->number, argument);
	error = errno;
	if (is_signalled)
		set_signal(0);
	if (is_failing)
		fail_nth(fuzzer, 0);
	judge(fuzzer, command, fd, ret, error, is_right_file && !is_failing);
	if (command->fill)
		check_canaries(fuzzer, command, argument, size);
close_device:
	close(device);
}

/* Numbers, directions and sizes that the module does not know. */
static void call_unknown(struct fuzzer *fuzzer)
{
	unsigned long number = commands[below(fuzzer, NR_OF(commands))].number;
	int device = open_device();
	int session = find_session(fuzzer);

	number ^= 1UL << below(fuzzer, 32);
	memset(fuzzer->arena, CANARY, ARENA_SIZE);
	if (ioctl(device, number, fuzzer->arena) >= 0 && !is_racing)
		torture_fail("the device took ioctl %#lx", number);
	if (session >= 0 && ioctl(session, number, fuzzer->arena) >= 0 &&
	    !is_racing)
		torture_fail("a session took ioctl %#lx", number);
	close(device);
}

/* A process' end closes some descriptors for the last time. */
static void close_by_exit(struct fuzzer *fuzzer)
{
	pid_t child = fork();

	if (child < 0)
		torture_die("fork");
	if (!child) {
		usleep(2000);
		_exit(0);
	}
	keep_fd(fuzzer, -1);
	keep_fd(fuzzer, -1);
	if (waitpid(child, NULL, 0) != child)
		torture_die("waitpid");
}

/* What any file may be asked, on one that is not made for it. */
static void use_otherwise(struct fuzzer *fuzzer)
{
	int fd = find_session(fuzzer);
	struct pollfd pollfd = { .fd = fd, .events = POLLIN | POLLOUT };
	uint8_t byte[64] = {};
	void *mapping;

	if (fd < 0)
		return;
	switch (below(fuzzer, 7)) {
	case 0:
		if (read(fd, byte, sizeof(byte)) >= 0 && !is_racing)
			torture_fail("a session can be read");
		break;
	case 1:
		if (write(fd, byte, sizeof(byte)) >= 0 && !is_racing)
			torture_fail("a session can be written");
		break;
	case 2:
		mapping = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
		if (mapping != MAP_FAILED)
			munmap(mapping, 4096);
		break;
	case 3:
		lseek(fd, interesting(fuzzer), SEEK_SET);
		break;
	case 4:
		poll(&pollfd, 1, below(fuzzer, 30));
		break;
	case 5:
		keep_fd(fuzzer, dup(fd));
		break;
	default:
		close_by_exit(fuzzer);
	}
}

static void write_config(struct fuzzer *fuzzer, int fd)
{
	static const char *const words[] = {
		"inverse_rate",
		"hot_pages",
		"period_ms",
		"flush_batch",
		"rotate_passes",
		"size",
		"reserved",
		"",
		"1",
		"64",
		"16",
		"4294967296",
		"-1",
		"0x10",
		"10 10",
		"99999999999999999999",
		"\n",
		"\t \t",
		"a\0b",
	};
	char text[600];
	size_t length = 0, nr = below(fuzzer, 8), i;

	while (nr--)
		length += snprintf(text + length, sizeof(text) - length,
				   "%s %s", words[below(fuzzer, NR_OF(words))],
				   words[below(fuzzer, NR_OF(words))]);
	if (!below(fuzzer, 4))
		for (i = 0; i < length; i++)
			if (!below(fuzzer, 8))
				text[i] = torture_random(&fuzzer->random);
	if (!below(fuzzer, 8))
		length = below(fuzzer, sizeof(text));
	if (below(fuzzer, 8))
		pwrite(fd, text, length, below(fuzzer, 8) ? 0 : 5);
	else
		/* All, or part, of it lies where nothing is. */
		write(fd, fuzzer->arena + ARENA_SIZE - below(fuzzer, 8), 200);
}

static uint64_t debugfs_calls;

static void use_debugfs(struct fuzzer *fuzzer)
{
	static const char *const names[] = { "config",	  "status",  "counters",
					     "histogram", "hot_set", "regions" };
	DIR *sessions = opendir(DEBUGFS);
	struct dirent *entry;
	unsigned int skip = below(fuzzer, 4);
	char path[600];
	int fd;

	if (!sessions)
		torture_die(DEBUGFS);
	while ((entry = readdir(sessions))) {
		if (entry->d_name[0] == '.' || skip-- > 0)
			continue;
		snprintf(path, sizeof(path), DEBUGFS "/%s/%s", entry->d_name,
			 names[below(fuzzer, NR_OF(names))]);
		break;
	}
	closedir(sessions);
	if (!entry)
		return;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (below(fuzzer, 2))
		write_config(fuzzer, fd);
	if (below(fuzzer, 2))
		lseek(fd, interesting(fuzzer), below(fuzzer, 3));
	memset(fuzzer->arena, CANARY, ARENA_SIZE);
	while (read(fd, fuzzer->arena, 1 + below(fuzzer, 4096)) > 0 &&
	       below(fuzzer, 16))
		;
	__atomic_fetch_add(&debugfs_calls, 1, __ATOMIC_RELAXED);
	/* Some outlive their session. */
	if (below(fuzzer, 4))
		close(fd);
	else
		keep_fd(fuzzer, fd);
}

/* Sessions end here, and in keep_fd(). */
static void drop_slot(struct fuzzer *fuzzer)
{
	keep_fd(fuzzer, -1);
}

static void keep_other_file(struct fuzzer *fuzzer)
{
	int pipe_fds[2];

	switch (below(fuzzer, 4)) {
	case 0:
		keep_fd(fuzzer, open("/dev/null", O_RDWR | O_CLOEXEC));
		break;
	case 1:
		keep_fd(fuzzer, open("/dev/kvm", O_RDWR | O_CLOEXEC));
		break;
	case 2:
		if (!pipe(pipe_fds)) {
			keep_fd(fuzzer, pipe_fds[0]);
			keep_fd(fuzzer, pipe_fds[1]);
		}
		break;
	default:
		keep_fd(fuzzer, open_device());
	}
}

/* No descriptor is left for the session. */
static void attach_without_descriptors(struct fuzzer *fuzzer)
{
	struct rlimit limit, none = { 3, 0 };
	struct kvm_aet_attach attach;
	int device, ret;

	if (is_racing)
		return;
	fill_attach(fuzzer, &attach);
	attach.vm_fd = vm_slot(fuzzer);
	device = open_device();
	if (getrlimit(RLIMIT_NOFILE, &limit))
		torture_die("getrlimit");
	none.rlim_max = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &none))
		torture_die("setrlimit");
	ret = ioctl(device, KVM_AET_ATTACH, &attach);
	if (setrlimit(RLIMIT_NOFILE, &limit))
		torture_die("setrlimit");
	if (ret >= 0)
		torture_fail("attached without a descriptor");
	close(device);
}

/* The guests. */

/*
 * Memory that no guest uses, where KVM lets it be: one page alone, more than
 * there is, at the end of the host's addresses, at the end of what tables of 4
 * levels map and beyond it.
 */
static void add_odd_slots(const struct vmm *vmm)
{
	static const struct {
		uint64_t gfn, pages;
	} odd[] = {
		{ 0x80000, 1 },		 { 0x80003, 509 },
		{ 1ULL << 27, 1 << 20 }, { (1ULL << 28) - 3, 2 },
		{ (1ULL << 36) - 3, 2 }, { (1ULL << 36) - 1, 2 },
		{ 1ULL << 37, 513 },	 { (1ULL << 40) - 1, 1 },
	};
	uint32_t i, nr_taken = 0;

	for (i = 0; i < NR_OF(odd); i++) {
		struct kvm_userspace_memory_region region = {
			.slot = 8 + i,
			.guest_phys_addr = odd[i].gfn * VMM_PAGE_SIZE,
			.memory_size = odd[i].pages * VMM_PAGE_SIZE,
			.userspace_addr = (uintptr_t)vmm_map_memory(
				odd[i].pages * VMM_PAGE_SIZE),
		};

		nr_taken +=
			!ioctl(vmm->vm_fd, KVM_SET_USER_MEMORY_REGION, &region);
	}
	if (nr_taken < 3)
		torture_fail("KVM took %u odd memslots", nr_taken);
}

_Noreturn static void run_vm(uint64_t seed, int *ret_vm_fd)
{
	struct torture_random random = { seed };
	uint32_t sequence[NR_PAGES], i;
	struct vmm vmm;

	/* Not least the sessions, which would outlive the fuzzer's end of them. */
	close_range(3, ~0U, 0);
	vmm_init(&vmm, NR_PAGES, 1);
	if (torture_below(&random, 2))
		add_odd_slots(&vmm);
	for (;;) {
		for (i = 0; i < NR_PAGES; i++)
			sequence[i] =
				torture_below(&random, NR_PAGES) |
				(torture_below(&random, 2) ? VMM_WRITE : 0);
		vmm_run(&vmm, 0, sequence, NR_PAGES);
		if (vmm_count_wrong_pages(&vmm))
			torture_fail("a guest's memory is wrong");
		__atomic_store_n(ret_vm_fd, vmm.vm_fd, __ATOMIC_RELEASE);
		if (!torture_below(&random, 16)) {
			vmm_remove_data_slot(&vmm);
			vmm_add_data_slot(&vmm, 0);
		}
		usleep(torture_below(&random, 20000));
	}
}

static int take_vm_fd(const struct vm_process *vm)
{
	int pidfd = syscall(SYS_pidfd_open, vm->pid, 0);
	int fd;

	if (pidfd < 0)
		torture_die("pidfd_open");
	while (__atomic_load_n(vm->vm_fd, __ATOMIC_ACQUIRE) < 0) {
		if (waitpid(vm->pid, NULL, WNOHANG))
			torture_fail("a VM ended");
		usleep(10000);
	}
	fd = syscall(SYS_pidfd_getfd, pidfd, *vm->vm_fd, 0);
	if (fd < 0)
		torture_die("pidfd_getfd");
	close(pidfd);
	return fd;
}

static void start_vm(struct fuzzer *fuzzer, unsigned int i)
{
	struct vm_process *vm = &vms[i];
	uint64_t seed = torture_random(&fuzzer->random);
	int old;

	*vm->vm_fd = -1;
	vm->pid = fork();
	if (vm->pid < 0)
		torture_die("fork");
	if (!vm->pid)
		run_vm(seed, vm->vm_fd);
	old = __atomic_exchange_n(&slots[i], take_vm_fd(vm), __ATOMIC_RELAXED);
	if (old >= 0)
		close(old);
}

static void end_vm(unsigned int i)
{
	int status;

	kill(vms[i].pid, SIGKILL);
	if (waitpid(vms[i].pid, &status, 0) != vms[i].pid ||
	    !WIFSIGNALED(status))
		torture_fail("a VM ended by itself, status %#x", status);
}

/* Under the sessions that track it. */
static void replace_vm(struct fuzzer *fuzzer)
{
	unsigned int i = below(fuzzer, NR_VMS);

	if (is_racing || below(fuzzer, 32))
		return;
	end_vm(i);
	start_vm(fuzzer, i);
}

static void *map_guarded(size_t size)
{
	uint8_t *memory = mmap(NULL, size + 4096, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED || mprotect(memory + size, 4096, PROT_NONE))
		torture_die("mmap");
	return memory;
}

static void *fuzz(void *arg)
{
	static void (*const actions[])(struct fuzzer *) = {
		call_command,
		call_command,
		call_command,
		call_command,
		call_command,
		call_command,
		call_unknown,
		use_otherwise,
		use_debugfs,
		use_debugfs,
		drop_slot,
		keep_other_file,
		attach_without_descriptors,
		replace_vm,
	};
	struct fuzzer *fuzzer = arg;

	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%ld/fail-nth",
		 syscall(SYS_gettid));
	fuzzer->fail_nth_fd = open(path, O_RDWR | O_CLOEXEC);
	if (fuzzer->fail_nth_fd < 0)
		torture_die("%s", path);
	fuzzer->arena = map_guarded(ARENA_SIZE);
	fuzzer->arrays = map_guarded(MAX_BUCKETS * sizeof(uint64_t));
	for (; fuzzer->calls_left; fuzzer->calls_left--)
		actions[below(fuzzer, NR_OF(actions))](fuzzer);
	close(fuzzer->fail_nth_fd);
	munmap(fuzzer->arena, ARENA_SIZE + 4096);
	munmap(fuzzer->arrays, MAX_BUCKETS * sizeof(uint64_t) + 4096);
	return NULL;
}

static void fuzz_in_threads(struct fuzzer *main_fuzzer, unsigned int nr,
			    uint64_t calls)
{
	struct fuzzer fuzzers[8] = {};
	pthread_t threads[8];
	unsigned int i;

	is_racing = nr > 1;
	for (i = 0; i < nr; i++) {
		fuzzers[i].random.state = torture_random(&main_fuzzer->random);
		fuzzers[i].calls_left = calls;
		if (pthread_create(&threads[i], NULL, fuzz, &fuzzers[i]))
			torture_fail("cannot create a thread");
	}
	for (i = 0; i < nr; i++)
		pthread_join(threads[i], NULL);
	is_racing = false;
}

static void check_nothing_is_left(void)
{
	struct kvm_aet_vm_info info = { .size = sizeof(info),
					.flags = KVM_AET_VM_INFO_COUNT_LEAVES };
	int device = open_device();
	struct dirent *entry;
	DIR *sessions;
	unsigned int i;

	for (i = NR_VMS; i < NR_SLOTS; i++) {
		if (slots[i] >= 0)
			close(slots[i]);
		slots[i] = -1;
	}
	for (i = 0; i < NR_VMS; i++) {
		info.vm_fd = take_vm_fd(&vms[i]);
		if (ioctl(device, KVM_AET_VM_INFO, &info))
			torture_die("KVM_AET_VM_INFO");
		close(info.vm_fd);
		if (info.armed_leaves || info.is_tracked)
			torture_fail("VM %u is still tracked", i);
		memset(info.reserved, 0, sizeof(info.reserved));
	}
	close(device);
	sessions = opendir(DEBUGFS);
	if (!sessions)
		torture_die(DEBUGFS);
	while ((entry = readdir(sessions)))
		if (entry->d_name[0] != '.')
			torture_fail("session %s is left", entry->d_name);
	closedir(sessions);
}

static bool is_often(const struct outcome *outcome, uint64_t minimum)
{
	return outcome->successes >= minimum && outcome->failures >= minimum;
}

/* Every command must have been taken, and refused, @minimum times. */
static bool is_enough(uint64_t minimum)
{
	size_t i;

	for (i = 0; i < NR_OF(commands); i++)
		if (!is_often(&outcomes[i], minimum))
			return false;
	return debugfs_calls >= minimum && signals_taken >= minimum;
}

static void report(uint64_t minimum)
{
	size_t i;

	for (i = 0; i < NR_OF(commands); i++) {
		const struct outcome *outcome = &outcomes[i];

		printf("%-14s %8lu done, %8lu refused%s\n", commands[i].name,
		       outcome->successes, outcome->failures,
		       is_often(outcome, minimum) ? "" : "  TOO FEW");
	}
	printf("%-14s %8lu calls%s\n", "debugfs", debugfs_calls,
	       debugfs_calls < minimum ? "  TOO FEW" : "");
	printf("%-14s %8lu taken, %8lu calls interrupted%s\n", "signals",
	       signals_taken, calls_interrupted,
	       signals_taken < minimum ? "  TOO FEW" : "");
}

/*
 * A VM whose memory the host must not see. KVM's own kind of it stands for all:
 * the lab's CPUs have none.
 */
static void check_protected_vm_is_refused(void)
{
	struct kvm_aet_attach attach = {
		.size = sizeof(attach),
		.inverse_rate = 1,
		.hot_pages = KVM_AET_MIN_HOT_PAGES,
		.period_ms = KVM_AET_MIN_PERIOD_MS,
		.flush_batch = 1,
	};
	struct kvm_aet_vm_info info = { .size = sizeof(info) };
	int device = open_device();
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int vm_fd = ioctl(kvm, KVM_CREATE_VM, SW_PROTECTED_VM);

	close(kvm);
	/* Needs two-dimensional paging. */
	if (vm_fd < 0 && errno == EINVAL) {
		printf("skipped: KVM makes no protected VM here\n");
		close(device);
		return;
	}
	if (vm_fd < 0)
		torture_die("KVM_CREATE_VM");
	attach.vm_fd = vm_fd;
	info.vm_fd = vm_fd;
	if (!ioctl(device, KVM_AET_ATTACH, &attach) || errno != EOPNOTSUPP)
		torture_fail("a protected VM can be tracked");
	if (!ioctl(device, KVM_AET_VM_INFO, &info) || errno != EOPNOTSUPP)
		torture_fail("a protected VM can be looked at");
	close(vm_fd);
	close(device);
}

static void init(struct fuzzer *fuzzer)
{
	int *vm_fds = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned int i;

	if (vm_fds == MAP_FAILED)
		torture_die("mmap");
	for (i = 0; i < NR_SLOTS; i++)
		slots[i] = -1;
	for (i = 0; i < NR_VMS; i++) {
		vms[i].vm_fd = &vm_fds[i];
		start_vm(fuzzer, i);
	}
}

#define MAX_ROUNDS 16

int main(int argc, char **argv)
{
	struct fuzzer fuzzer = { .random.state = 1 };
	uint64_t calls = 2000, minimum;
	unsigned int round, i;
	int option;

	while ((option = getopt(argc, argv, "s:c:")) != -1) {
		if (option == 's') {
			fuzzer.random.state = strtoull(optarg, NULL, 0);
		} else if (option == 'c') {
			calls = strtoull(optarg, NULL, 0);
		} else {
			fputs("usage: fuzz [-s SEED] [-c CALLS]\n", stderr);
			return 2;
		}
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("seed %lu, %lu calls\n", fuzzer.random.state, calls);
	check_protected_vm_is_refused();
	init_signals();
	init(&fuzzer);
	minimum = 1 + calls / 400;
	/* What is drawn rarely may need more than the calls asked for. */
	for (round = 0;
	     round < 2 || (round < MAX_ROUNDS && !is_enough(minimum));
	     round++) {
		fuzz_in_threads(&fuzzer, 1, calls / 4);
		check_nothing_is_left();
		fuzz_in_threads(&fuzzer, 3, calls / 12);
		check_nothing_is_left();
	}
	for (i = 0; i < NR_VMS; i++)
		end_vm(i);
	report(minimum);
	return is_enough(minimum) ? 0 : 1;
}
