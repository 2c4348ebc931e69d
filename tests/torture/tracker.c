// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tracker's process: attach with one configuration after the other, read
 * all there is to read, end the session in one of all ways. After each session
 * no leaf is armed while the guest goes on.
 */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/kvm_aet.h>

#include "../vmm/vmm.h"
#include "shared.h"

struct tracker {
	struct torture_random random;
	int device;
	int vm; /* pidfd */
	int vm_fd;
	uint64_t generation; /* of the session */
};

#define ONE_OF(random, ...)                               \
	((const uint32_t[]){ __VA_ARGS__ }[torture_below( \
		random, sizeof((const uint32_t[]){ __VA_ARGS__ }) / 4)])

/* Both of the VM's descriptors; -1 if its process is gone. */
static void take_vm(struct tracker *tracker, pid_t vm)
{
	tracker->vm = syscall(SYS_pidfd_open, vm, 0);
	tracker->vm_fd = tracker->vm < 0 ?
				 -1 :
				 (int)syscall(SYS_pidfd_getfd, tracker->vm,
					      torture->vm_fd, 0);
}

static struct kvm_aet_attach draw_config(struct tracker *tracker)
{
	struct torture_random *random = &tracker->random;
	struct kvm_aet_attach config = {
		.size = sizeof(config),
		.vm_fd = tracker->vm_fd,
		.inverse_rate = ONE_OF(random, 1, 1, 1, 1, 3, 1000),
		.hot_pages = ONE_OF(random, 64, 64, 200, 1000),
		.period_ms = ONE_OF(random, 10, 20, 50, 500),
		.flush_batch = ONE_OF(random, 1, 8, 64, 65536),
		.huge_mode = torture_below(random, 3),
		.salt = torture_below(random, 4),
		.rotate_passes = ONE_OF(random, 0, 0, 16, 17, 100),
	};

	if (!torture_below(random, 4)) {
		config.gfn_start = VMM_DATA_GFN + torture_below(random, 4096);
		config.gfn_end =
			config.gfn_start + 1 + torture_below(random, 4096);
		/* Units are whole regions there. */
		if (config.huge_mode == KVM_AET_HUGE_COARSE) {
			config.gfn_start &= -512ULL;
			config.gfn_end = (config.gfn_end + 511) & -512ULL;
		}
	}
	return config;
}

/* Only the VM's death may refuse it. */
static int attach(struct tracker *tracker)
{
	struct kvm_aet_attach config = draw_config(tracker);
	int session = ioctl(tracker->device, KVM_AET_ATTACH, &config);

	if (session < 0 && errno != ESRCH)
		torture_die("KVM_AET_ATTACH");
	if (session < 0)
		return -errno;
	torture_count(TORTURE_ATTACHES);
	tracker->generation = 1;
	config = draw_config(tracker);
	if (ioctl(tracker->device, KVM_AET_ATTACH, &config) >= 0)
		torture_fail("a second attach was not refused");
	if (errno == EBUSY)
		torture_count(TORTURE_BUSY_ATTACHES);
	else if (errno != ESRCH)
		torture_die("a second KVM_AET_ATTACH");
	return session;
}

static uint64_t sum(const uint64_t *buckets, uint32_t nr_buckets)
{
	uint64_t total = 0;

	while (nr_buckets)
		total += buckets[--nr_buckets];
	return total;
}

/* What must hold however many vCPUs run. */
static void check_snapshot(const struct kvm_aet_snapshot *snapshot,
			   const uint64_t *sums)
{
	const struct kvm_aet_histogram *reuse =
		&snapshot->histograms[KVM_AET_HIST_REUSE];

	if (snapshot->accesses !=
	    snapshot->cold_accesses + snapshot->entry_accesses +
		    sums[KVM_AET_HIST_REUSE] + reuse->over_range)
		torture_fail("a snapshot's counts do not add up");
	if (snapshot->hot_used > snapshot->hot_pages)
		torture_fail("the hot set is larger than it may be");
}

/* With @flags; returns the traps so far, of this generation. */
static uint64_t read_snapshot(int session, uint32_t flags)
{
	struct kvm_aet_snapshot snapshot = { .size = sizeof(snapshot) };
	uint64_t *buckets[KVM_AET_NR_HISTOGRAMS];
	uint64_t sums[KVM_AET_NR_HISTOGRAMS];
	int kind, err;

	if (ioctl(session, KVM_AET_GET_SNAPSHOT, &snapshot))
		torture_die("KVM_AET_GET_SNAPSHOT");
	snapshot.flags = flags;
	for (kind = 0; kind < KVM_AET_NR_HISTOGRAMS; kind++) {
		buckets[kind] = calloc(snapshot.histograms[kind].nr_buckets,
				       sizeof(uint64_t));
		if (!buckets[kind])
			torture_die("calloc");
		snapshot.histograms[kind].buckets = (uintptr_t)buckets[kind];
	}
	err = ioctl(session, KVM_AET_GET_SNAPSHOT, &snapshot);
	if (err && errno != ENODATA)
		torture_die("KVM_AET_GET_SNAPSHOT");
	for (kind = 0; kind < KVM_AET_NR_HISTOGRAMS; kind++) {
		sums[kind] = sum(buckets[kind],
				 snapshot.histograms[kind].nr_buckets);
		free(buckets[kind]);
	}
	if (err)
		return 0;
	check_snapshot(&snapshot, sums);
	torture_count(TORTURE_SNAPSHOTS);
	return snapshot.traps;
}

static uint64_t take_snapshot(struct tracker *tracker, int session)
{
	return read_snapshot(session, torture_below(&tracker->random, 2) ?
					      KVM_AET_SNAPSHOT_NEW_WINDOW :
					      0);
}

/* Change what is tracked while the guest runs; only the VM's death refuses. */
static void configure(struct tracker *tracker, int session)
{
	struct kvm_aet_attach drawn = draw_config(tracker);
	struct kvm_aet_config config = {
		.size = sizeof(config),
		.fields = 1 + torture_below(&tracker->random, 31),
		.inverse_rate = drawn.inverse_rate,
		.hot_pages = drawn.hot_pages,
		.period_ms = drawn.period_ms,
		.flush_batch = drawn.flush_batch,
		.rotate_passes = drawn.rotate_passes,
	};
	uint64_t traps;

	if (ioctl(session, KVM_AET_CONFIGURE, &config)) {
		if (errno != ESHUTDOWN)
			torture_die("KVM_AET_CONFIGURE");
		return;
	}
	torture_count(TORTURE_CONFIGURES);
	traps = read_snapshot(session, KVM_AET_SNAPSHOT_PREVIOUS);
	if (config.generation != tracker->generation)
		torture_count_more(TORTURE_TRAPS, traps);
	tracker->generation = config.generation;
}

static void read_regions(struct tracker *tracker, int session)
{
	struct kvm_aet_region rows[5] = {};
	struct kvm_aet_regions regions = {
		.size = sizeof(regions),
		.flags = torture_below(&tracker->random, 2),
		.regions = (uintptr_t)rows,
	};
	uint64_t next = 0;

	do {
		regions.nr_regions = 5;
		if (ioctl(session, KVM_AET_GET_REGIONS, &regions)) {
			/* The VM has exited. */
			if (errno == ESHUTDOWN)
				return;
			torture_die("KVM_AET_GET_REGIONS");
		}
		if (regions.nr_regions && rows[0].gfn < next)
			torture_fail("regions are not in order");
		if (regions.nr_regions)
			next = rows[regions.nr_regions - 1].gfn + 1;
	} while (regions.gfn != ~0ULL);
	torture_count(TORTURE_REGION_READS);
}

static struct kvm_aet_vm_info count_leaves(struct tracker *tracker)
{
	struct kvm_aet_vm_info info = {
		.size = sizeof(info),
		.flags = KVM_AET_VM_INFO_COUNT_LEAVES,
		.vm_fd = tracker->vm_fd,
	};

	if (ioctl(tracker->device, KVM_AET_VM_INFO, &info))
		torture_die("KVM_AET_VM_INFO");
	torture_count(TORTURE_LEAF_COUNTS);
	return info;
}

static void read_file(int directory, const char *name)
{
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
	char text[4096];
	ssize_t length;

	if (fd < 0)
		torture_die("debugfs: %s", name);
	do
		length = read(fd, text, sizeof(text));
	while (length > 0);
	if (length < 0)
		torture_die("debugfs: %s", name);
	close(fd);
}

/* No other session is there, so nobody removes what is found. */
static void read_debugfs(void)
{
	DIR *sessions = opendir("/sys/kernel/debug/kvm-aet");
	struct dirent *entry;
	int fd, file_fd;
	DIR *files;

	if (!sessions)
		torture_die("debugfs");
	while ((entry = readdir(sessions))) {
		if (entry->d_name[0] == '.')
			continue;
		fd = openat(dirfd(sessions), entry->d_name,
			    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		file_fd = dup(fd);
		files = fd < 0 ? NULL : fdopendir(fd);
		if (!files)
			torture_die("debugfs: %s", entry->d_name);
		while ((entry = readdir(files)))
			if (entry->d_name[0] != '.')
				read_file(file_fd, entry->d_name);
		closedir(files);
		close(file_fd);
	}
	closedir(sessions);
	torture_count(TORTURE_DEBUGFS_READS);
}

/*
 * The leaves of a VM whose process ends are KVM's to drop, and no vCPU is left to
 * use them; once it has ended, none is there.
 */
static void check_disarmed(struct tracker *tracker)
{
	struct pollfd pollfd = { .fd = tracker->vm, .events = POLLIN };
	struct kvm_aet_vm_info info = count_leaves(tracker);

	if (info.armed_leaves &&
	    __atomic_load_n(&torture->is_vm_killed, __ATOMIC_ACQUIRE)) {
		if (poll(&pollfd, 1, -1) != 1)
			torture_die("poll");
		info = count_leaves(tracker);
	}
	if (info.armed_leaves || info.is_tracked)
		torture_fail("%llu leaves are armed after a session",
			     info.armed_leaves);
}

/* Readable at a pass' end, and at the session's. */
static void wait_for_pass(int session)
{
	struct pollfd pollfd = { .fd = session, .events = POLLIN };

	if (poll(&pollfd, 1, -1) != 1)
		torture_die("poll");
	torture_count(TORTURE_POLLS);
}

static void use_session(struct tracker *tracker, int session)
{
	unsigned int steps = torture_below(&tracker->random, 20);

	while (steps--) {
		switch (torture_below(&tracker->random, 10)) {
		case 0:
			count_leaves(tracker);
			break;
		case 1:
			read_debugfs();
			break;
		case 2:
		case 3:
			take_snapshot(tracker, session);
			break;
		case 4:
		case 5:
			configure(tracker, session);
			break;
		case 6:
			read_regions(tracker, session);
			break;
		case 7:
			wait_for_pass(session);
			break;
		default:
			usleep(torture_below(&tracker->random, 30000));
		}
	}
}

static void end_session(struct tracker *tracker, int session)
{
	torture_count_more(TORTURE_TRAPS, take_snapshot(tracker, session));
	if (!torture_below(&tracker->random, 3)) {
		if (ioctl(session, KVM_AET_STOP, 0))
			torture_die("KVM_AET_STOP");
		check_disarmed(tracker);
		take_snapshot(tracker, session);
		torture_count(TORTURE_STOPS);
	}
	if (close(session))
		torture_die("close of a session");
	torture_count(TORTURE_CLOSES);
}

void torture_tracker(uint64_t seed, pid_t vm)
{
	struct tracker tracker = {
		.random.state = seed,
		.device = open(KVM_AET_DEVICE, O_RDWR | O_CLOEXEC),
	};

	take_vm(&tracker, vm);
	if (tracker.device < 0)
		torture_die("%s", KVM_AET_DEVICE);
	/* Killed already. */
	if (tracker.vm_fd < 0)
		_exit(0);
	do {
		int session = attach(&tracker);

		if (session < 0)
			break;
		use_session(&tracker, session);
		end_session(&tracker, session);
		check_disarmed(&tracker);
	} while (!__atomic_load_n(&torture->is_tracker_told, __ATOMIC_ACQUIRE));
	_exit(0);
}
