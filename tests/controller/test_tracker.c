// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tracking of a VM through all that can happen to it. The module and pidfds are
 * stood in for, by the linker; /proc is made up.
 *
 * The guest goes round and round through so many pages, so its working set is
 * known.
 */
#include "ctl_test.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <mrc/hist.h>

#include "daemon/perf_vcpu.h"
#include "daemon/tracker.h"
#include "vm.h"

#define UUID "0f3c2a1b-4d5e-6f70-8192-a3b4c5d6e7f8"
#define OTHER_UUID "1f3c2a1b-4d5e-6f70-8192-a3b4c5d6e7f8"
#define DEVICE_FD 1000
#define PERIOD_S 5
#define PERIOD_NS (PERIOD_S * UINT64_C(1000000000))
#define BITS 7
#define IDLE_BITS 5
#define NR_BUCKETS 4096
#define NR_IDLE_BUCKETS 1024
#define TSC_KHZ 2000000
#define GUEST_PAGES (1 << 20)
#define MIB (1 << 20)

/* The linker gives these the calls of the tracker. */
int __wrap_vm_open(const char *proc, const struct vm *vm, int *ret_pid_fd,
		   int *ret_vm_fd);
int __wrap_source_open_device(int *ret_device_fd);
int __wrap_perf_vcpu_open(const pid_t *tids, size_t nr_tids,
			  struct perf_vcpu **ret_perf);
int __wrap_perf_vcpu_read(struct perf_vcpu *perf, uint64_t *ret_references);
void __wrap_perf_vcpu_close(struct perf_vcpu *perf);
int __wrap_source_open(int device_fd, int vm_fd, int process_fd,
		       int interrupt_fd, const struct source_config *config,
		       struct source **ret_source);

/**
 * struct world - the guest, its process, and the module
 * @pages: that the guest goes round in
 * @accesses_per_s: changes from one page to the next
 * @trap_us: cost of one
 * @vcpu_share: of one CPU, that its two vCPUs run
 */
static struct {
	double pages;
	double accesses_per_s;
	double trap_us;
	double vcpu_share;
	uint64_t now_ns;
	int vm_open_error;
	int device_error;
	int open_error;
	int read_error;
	int configure_error;
	enum source_event event;
	uint32_t state;
	bool is_contradicting;
	uint64_t end_fd_value;
	int pid_fd;
	unsigned int nr_vm_opens;
	unsigned int nr_opened;
	unsigned int nr_closed;
	unsigned int nr_configured;
	int perf_error;
	unsigned int nr_perfs;
	unsigned int nr_perf_opens;
	unsigned int nr_perf_tries;
	double references_per_s;
	struct source_config config;
	struct source_change change;
	double vcpu_ns;
} world;

/* A session. */
struct session {
	struct source source;
	uint64_t generation;
	uint64_t start_ns;
	uint64_t last_ns;
	uint32_t inverse_rate;
	uint64_t accesses;
	uint64_t cold;
	double cycles;
	uint64_t buckets[NR_BUCKETS];
	uint64_t window_pages;
};

static double session_pages(const struct session *session)
{
	return floor(world.pages / session->inverse_rate);
}

/* All that happened since the last look. */
static void session_go_on(struct session *session)
{
	double seconds = (double)(world.now_ns - session->last_ns) / 1e9;
	uint64_t pages = (uint64_t)session_pages(session), new_pages = 0;
	uint64_t accesses;

	session->last_ns = world.now_ns;
	session->window_pages = 0;
	/* All of it in the hot set. */
	if (pages <= world.config.hot_pages)
		return;
	accesses = (uint64_t)(world.accesses_per_s / session->inverse_rate *
			      seconds);
	session->window_pages = accesses < pages ? accesses : pages;
	if (session->accesses < pages)
		new_pages = pages - session->accesses;
	if (new_pages > accesses)
		new_pages = accesses;
	session->accesses += accesses;
	session->cold += new_pages;
	session->buckets[mrc_bucket_index(BITS, pages)] += accesses - new_pages;
	session->cycles += (double)accesses * world.trap_us * 1e-3 * TSC_KHZ;
}

static int session_read(struct source *source, bool new_window,
			struct sample *ret_sample)
{
	struct session *session = (struct session *)source;
	uint64_t pages = (uint64_t)session_pages(session), i;

	(void)new_window;
	if (world.read_error)
		return world.read_error;
	session_go_on(session);
	*ret_sample = (struct sample){
		.generation = session->generation,
		.time_ns = world.now_ns,
		.start_ns = session->start_ns,
		.state = world.state,
		.inverse_rate = session->inverse_rate,
		.hot_pages = world.config.hot_pages,
		.hot_used = world.config.hot_pages,
		.range_pages = GUEST_PAGES,
		.sampled_pages = GUEST_PAGES / session->inverse_rate,
		/* Half of the memory. */
		.mapped_pages = GUEST_PAGES / session->inverse_rate / 2,
		.accesses = session->accesses + world.is_contradicting,
		.cold_accesses = session->cold,
		.window_pages = session->window_pages,
		.traps = session->accesses,
		.hook_cycles = (uint64_t)session->cycles,
		.tsc_khz = TSC_KHZ,
		.sub_bucket_bits = BITS,
		.nr_buckets = NR_BUCKETS,
		.idle_sub_bucket_bits = IDLE_BITS,
		.nr_idle_buckets = NR_IDLE_BUCKETS,
	};
	ret_sample->buckets = calloc(NR_BUCKETS, sizeof(uint64_t));
	ret_sample->open = calloc(NR_IDLE_BUCKETS, sizeof(uint64_t));
	ret_sample->ended = calloc(NR_IDLE_BUCKETS, sizeof(uint64_t));
	assert_non_null(ret_sample->buckets);
	assert_non_null(ret_sample->open);
	assert_non_null(ret_sample->ended);
	memcpy(ret_sample->buckets, session->buckets, sizeof(session->buckets));
	for (i = 0; i < pages && i < session->accesses; i++)
		ret_sample->open[mrc_bucket_index(IDLE_BITS, i)]++;
	return 0;
}

static int session_configure(struct source *source,
			     const struct source_change *change)
{
	struct session *session = (struct session *)source;

	if (world.configure_error)
		return world.configure_error;
	world.nr_configured++;
	world.change = *change;
	world.config.hot_pages = change->hot_pages;
	session->inverse_rate = change->inverse_rate;
	session->generation++;
	session->start_ns = world.now_ns;
	session->accesses = session->cold = 0;
	session->cycles = 0;
	memset(session->buckets, 0, sizeof(session->buckets));
	return 0;
}

static int session_wait(struct source *source, uint64_t deadline_ns,
			enum source_event *ret_event)
{
	(void)source;
	/* It must not wait for anything. */
	assert_int_equal(deadline_ns, 0);
	*ret_event = world.event;
	return 0;
}

static void session_close(struct source *source)
{
	free(source);
	world.nr_closed++;
}

int __wrap_vm_open(const char *proc, const struct vm *vm, int *ret_pid_fd,
		   int *ret_vm_fd)
{
	world.nr_vm_opens++;
	assert_string_equal(proc, fake_proc);
	assert_string_equal(vm->uuid, UUID);
	if (world.vm_open_error)
		return world.vm_open_error;
	*ret_pid_fd = eventfd(0, EFD_CLOEXEC);
	*ret_vm_fd = eventfd(0, EFD_CLOEXEC);
	world.pid_fd = *ret_pid_fd;
	return 0;
}

int __wrap_source_open_device(int *ret_device_fd)
{
	if (world.device_error)
		return world.device_error;
	*ret_device_fd = eventfd(0, EFD_CLOEXEC);
	return 0;
}

int __wrap_source_open(int device_fd, int vm_fd, int process_fd,
		       int interrupt_fd, const struct source_config *config,
		       struct source **ret_source)
{
	static const struct source_ops ops = {
		.read = session_read,
		.configure = session_configure,
		.wait = session_wait,
		.close = session_close,
	};
	struct session *session;

	assert_true(device_fd >= 0 && vm_fd >= 0);
	assert_int_equal(process_fd, world.pid_fd);
	assert_int_equal(interrupt_fd, -1);
	world.config = *config;
	if (world.open_error)
		return world.open_error;
	session = calloc(1, sizeof(*session));
	assert_non_null(session);
	session->source.ops = &ops;
	session->generation = 1;
	session->start_ns = session->last_ns = world.now_ns;
	session->inverse_rate = config->inverse_rate;
	world.nr_opened++;
	*ret_source = &session->source;
	return 0;
}

/* Counters since they were opened. */
struct perf_vcpu {
	uint64_t start_ns;
};

int __wrap_perf_vcpu_open(const pid_t *tids, size_t nr_tids,
			  struct perf_vcpu **ret_perf)
{
	assert_true(nr_tids >= 1);
	assert_int_equal(tids[0], 5);
	world.nr_perf_tries++;
	if (world.perf_error)
		return world.perf_error;
	*ret_perf = calloc(1, sizeof(**ret_perf));
	assert_non_null(*ret_perf);
	(*ret_perf)->start_ns = world.now_ns;
	world.nr_perfs++;
	world.nr_perf_opens++;
	return 0;
}

int __wrap_perf_vcpu_read(struct perf_vcpu *perf, uint64_t *ret_references)
{
	*ret_references = (uint64_t)((double)(world.now_ns - perf->start_ns) /
				     1e9 * world.references_per_s);
	return 0;
}

void __wrap_perf_vcpu_close(struct perf_vcpu *perf)
{
	world.nr_perfs -= perf != NULL;
	free(perf);
}

static void make_vm(const char *pid, const char *uuid)
{
	char path[64], cmdline[128];
	int size;

	fake_proc_dir(pid);
	snprintf(path, sizeof(path), "%s/fd", pid);
	fake_proc_dir(path);
	snprintf(path, sizeof(path), "%s/fd/12", pid);
	fake_proc_link(path, "anon_inode:kvm-vm");
	snprintf(path, sizeof(path), "%s/cmdline", pid);
	size = snprintf(cmdline, sizeof(cmdline), "qemu%c-name%cx%c-uuid%c%s",
			0, 0, 0, 0, uuid);
	fake_proc_file(path, cmdline, (size_t)size + 1);
	snprintf(path, sizeof(path), "%s/task", pid);
	fake_proc_dir(path);
	snprintf(path, sizeof(path), "%s/task/5", pid);
	fake_proc_dir(path);
	snprintf(path, sizeof(path), "%s/task/5/comm", pid);
	fake_proc_text(path, "CPU 0/KVM\n");
	snprintf(path, sizeof(path), "%s/task/5/schedstat", pid);
	fake_proc_text(path, "1000 0 0\n");
}

#define PID "4194305"

static struct tracker_params params;
static struct tracker *tracker;
static unsigned int nr_fds;

static unsigned int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static int setup(void **state)
{
	if (fake_proc_setup(state) < 0)
		return -1;
	memset(&world, 0, sizeof(world));
	world.pages = 65536;
	world.accesses_per_s = 400000;
	world.trap_us = 0.5;
	world.vcpu_share = 1;
	world.now_ns = 1000 * UINT64_C(1000000000);
	world.state = KVM_AET_TRACKING;
	world.event = SOURCE_DEADLINE;
	world.perf_error = -ENOSYS;
	params = (struct tracker_params){
		.rate = rate_default_params,
		.hot_pages = 64,
		.period_ns = PERIOD_NS,
		.miss_ratio = 0.05,
		.half_life_windows = 2,
	};
	params.rate.stable_periods = 0;
	nr_fds = count_fds();
	return tracker_new(&params, fake_proc, UUID, &tracker);
}

static int teardown(void **state)
{
	tracker_free(tracker);
	/* Every session ended, and nothing is left open. */
	assert_int_equal(world.nr_opened, world.nr_closed);
	assert_int_equal(world.nr_perfs, 0);
	assert_int_equal(count_fds(), nr_fds);
	return fake_proc_teardown(state);
}

/* One period later. The message, if any, is freed at the next call. */
static const char *next_period(void)
{
	static char *message;
	char text[64];

	free(message);
	message = NULL;
	world.now_ns += PERIOD_NS;
	world.vcpu_ns += world.vcpu_share * PERIOD_NS;
	snprintf(text, sizeof(text), "%.0f 0 0\n", world.vcpu_ns + 1000);
	if (access(fake_proc, F_OK) == 0) {
		char path[512];

		snprintf(path, sizeof(path), "%s/" PID "/task/5/schedstat",
			 fake_proc);
		if (access(path, F_OK) == 0)
			fake_proc_text(PID "/task/5/schedstat", text);
	}
	assert_int_equal(tracker_period(tracker, world.now_ns, &message), 0);
	return message;
}

static void next_periods(unsigned int nr_periods)
{
	while (nr_periods-- > 0)
		(void)next_period();
}

#define assert_state(expected, part)                                          \
	do {                                                                  \
		const char *reason_ = NULL;                                   \
		assert_int_equal(tracker_state(tracker, &reason_), expected); \
		assert_contains(reason_, part);                               \
	} while (0)

static struct vm_view view_now(void)
{
	struct vm_view view = { .name = "kept" };

	tracker_view(tracker, world.now_ns, &view);
	assert_string_equal(view.name, "kept");
	return view;
}

static void test_tracks(void **state)
{
	struct vm_view view;
	uint64_t sum = 0;
	size_t i;

	(void)state;
	assert_state(TRACKER_WAITING, "not tried");
	view = view_now();
	assert_null(view.curve);
	assert_int_equal(view.wss, VM_WSS_UNKNOWN);
	assert_int_equal(view.inverse_rate, 0);
	make_vm("100", OTHER_UUID);
	make_vm(PID, UUID);
	assert_contains(next_period(), "tracking process " PID);
	assert_state(TRACKER_TRACKING, "first period");
	assert_int_equal(tracker_pid(tracker), 4194305);
	assert_int_equal(world.config.inverse_rate, 128);
	assert_int_equal(world.config.hot_pages, 64);
	assert_int_equal(world.config.period_ms, 1250);
	/* The pidfd and nothing else: neither VM nor device. */
	assert_int_equal(count_fds(), nr_fds + 1);
	assert_null(next_period());
	next_periods(8);
	view = view_now();
	assert_non_null(view.curve);
	assert_non_null(view.lower);
	assert_non_null(view.upper);
	assert_int_equal(view.wss, VM_WSS_KNOWN);
	assert_near((double)view.wss_bytes / MIB, 256, 256 * 0.05);
	assert_near(view.accesses_per_s, 400000, 400000 * 0.1);
	assert_int_equal(view.measured_age_ns, 0);
	assert_false(view.is_starved);
	/* 400 000 / T traps per s, 0.5 us each, of one CPU. */
	assert_near(view.overhead_ratio, 0.2 / view.inverse_rate, 0.0005);
	/* 256 MiB are in use, and of the other half nothing ever was. */
	for (i = 0; i < VIEW_NR_AGES; i++)
		sum += view.age_bytes[i];
	assert_near((double)sum / MIB, 2048, 32);
	assert_near((double)view.age_bytes[0] / MIB, 256, 32);
	/* Later, it is older. */
	world.now_ns += 7;
	assert_int_equal(view_now().measured_age_ns, 7);
}

static void test_no_process(void **state)
{
	unsigned int i, nr_tries = 0;

	(void)state;
	make_vm("100", OTHER_UUID);
	assert_contains(next_period(), "not tracked: no process");
	assert_state(TRACKER_WAITING, "UUID");
	/* Said once. */
	assert_null(next_period());
	assert_int_equal(tracker_pid(tracker), 0);
	/* Longer and longer, but not longer than a minute. */
	make_vm(PID, UUID);
	world.vm_open_error = -EPERM;
	for (i = 0; i < 120; i++) {
		unsigned int before = world.nr_vm_opens;

		(void)next_period();
		nr_tries += world.nr_vm_opens - before;
	}
	assert_true(nr_tries >= 9 && nr_tries <= 14);
	assert_state(TRACKER_WAITING, "CAP_SYS_PTRACE");
	world.vm_open_error = -ESRCH;
	next_periods(12);
	assert_state(TRACKER_WAITING, "is ending");
	world.vm_open_error = 0;
	next_periods(12);
	assert_state(TRACKER_TRACKING, "");
}

static void test_two_processes(void **state)
{
	(void)state;
	make_vm(PID, UUID);
	make_vm("4194306", UUID);
	assert_contains(next_period(), "2 VMs");
	assert_state(TRACKER_WAITING, "have its UUID");
}

static void test_no_proc(void **state)
{
	struct tracker *other;
	char *message = NULL;

	(void)state;
	assert_int_equal(tracker_new(&params, "/nowhere", UUID, &other), 0);
	assert_int_equal(tracker_period(other, world.now_ns, &message), 0);
	assert_contains(message, "/nowhere");
	free(message);
	tracker_free(other);
}

static void test_no_module(void **state)
{
	static const struct {
		int error;
		const char *part;
	} cases[] = {
		{ -ENOENT, "modprobe" },    { -ENXIO, "modprobe" },
		{ -ENODEV, "modprobe" },    { -EACCES, "as root" },
		{ -EPROTO, "one release" }, { -EMFILE, "Too many open" },
	};
	size_t i;

	(void)state;
	make_vm(PID, UUID);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		world.device_error = cases[i].error;
		next_periods(13);
		assert_state(TRACKER_WAITING, cases[i].part);
	}
	world.device_error = 0;
	next_periods(13);
	assert_state(TRACKER_TRACKING, "");
}

static void test_no_session(void **state)
{
	static const struct {
		int error;
		const char *part;
	} cases[] = {
		{ -EBUSY, "something else tracks" }, { -ESRCH, "is ending" },
		{ -EINVAL, "[tracking]" },	     { -ENOMEM, "memory" },
		{ -ENXIO, "cannot track" },
	};
	size_t i;

	(void)state;
	make_vm(PID, UUID);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		world.open_error = cases[i].error;
		next_periods(13);
		assert_state(TRACKER_WAITING, cases[i].part);
	}
	world.open_error = 0;
	next_periods(13);
	assert_state(TRACKER_TRACKING, "");
	/* After a success, waiting begins anew. */
	world.read_error = -ENODEV;
	next_periods(1);
	world.read_error = 0;
	next_periods(1);
	assert_state(TRACKER_TRACKING, "");
}

static void test_protected(void **state)
{
	uint64_t one = 1;

	(void)state;
	make_vm(PID, UUID);
	world.open_error = -EOPNOTSUPP;
	assert_contains(next_period(), "cannot be tracked");
	assert_state(TRACKER_REFUSED, "protected");
	world.open_error = 0;
	next_periods(30);
	assert_int_equal(world.nr_vm_opens, 1);
	/* Its next process may be another VM. */
	assert_int_equal(write(world.pid_fd, &one, sizeof(one)), sizeof(one));
	next_periods(2);
	assert_state(TRACKER_TRACKING, "");
}

static void test_session_ends(void **state)
{
	static const int errors[] = { -ESHUTDOWN, -ENODEV, -EPROTO, -EIO };
	size_t i;

	(void)state;
	make_vm(PID, UUID);
	next_periods(4);
	assert_non_null(view_now().curve);
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		world.read_error = errors[i];
		assert_contains(next_period(), "cannot read the module");
		assert_state(TRACKER_WAITING, "cannot read");
		assert_int_equal(world.nr_opened, world.nr_closed);
		assert_int_equal(view_now().inverse_rate, 0);
		world.read_error = 0;
		assert_contains(next_period(), "tracking process");
		/* Of the same guest: what is known stays, and ages. */
		assert_non_null(view_now().curve);
	}
	world.state = KVM_AET_STOPPED;
	assert_contains(next_period(), "debugfs");
	assert_state(TRACKER_WAITING, "stopped it");
	world.state = KVM_AET_TRACKING;
	next_periods(1);
	world.state = KVM_AET_VM_EXITED;
	assert_contains(next_period(), "ended the session");
	world.state = KVM_AET_TRACKING;
	next_periods(1);
	world.event = SOURCE_ENDED;
	next_periods(1);
	assert_state(TRACKER_WAITING, "ended the session");
	world.event = SOURCE_DEADLINE;
	next_periods(1);
	assert_state(TRACKER_TRACKING, "");
	world.is_contradicting = true;
	next_periods(1);
	assert_state(TRACKER_WAITING, "contradict");
	world.is_contradicting = false;
	next_periods(2);
	assert_state(TRACKER_TRACKING, "");
}

static void test_process_ends(void **state)
{
	uint64_t one = 1;

	(void)state;
	make_vm(PID, UUID);
	next_periods(5);
	assert_non_null(view_now().curve);
	assert_int_equal(write(world.pid_fd, &one, sizeof(one)), sizeof(one));
	assert_contains(next_period(), "process has ended");
	assert_state(TRACKER_WAITING, "has ended");
	assert_int_equal(tracker_pid(tracker), 0);
	/* Another guest: nothing is known of it. */
	assert_null(view_now().curve);
	assert_int_equal(view_now().wss, VM_WSS_UNKNOWN);
	assert_int_equal(view_now().age_bytes[0], 0);
	next_periods(1);
	assert_state(TRACKER_TRACKING, "first period");
	assert_null(view_now().curve);
}

static void test_obeys_the_budget(void **state)
{
	uint32_t inverse_rate;

	(void)state;
	world.pages = 1 << 19;
	world.accesses_per_s = 4e6;
	world.trap_us = 2;
	make_vm(PID, UUID);
	next_periods(2);
	/* 6.25 % at 1/128. */
	assert_int_equal(world.nr_configured, 1);
	assert_true(world.change.inverse_rate > 800);
	inverse_rate = world.change.inverse_rate;
	assert_int_equal(view_now().inverse_rate, inverse_rate);
	assert_near((double)view_now().wss_bytes / MIB, 2048, 2048 * 0.05);
	next_periods(10);
	assert_true(view_now().overhead_ratio <= 0.01);
	/* In pages of the VM, whatever the rate. */
	assert_near((double)view_now().wss_bytes / MIB, 2048, 2048 * 0.05);
	assert_near(view_now().accesses_per_s, 4e6, 4e5);
	/* The kernel has no memory for another generation: as before. */
	inverse_rate = view_now().inverse_rate;
	world.configure_error = -ENOMEM;
	world.trap_us = 40;
	next_periods(1);
	assert_state(TRACKER_TRACKING, "over the budget");
	assert_int_equal(view_now().inverse_rate, inverse_rate);
	world.configure_error = -ESHUTDOWN;
	next_periods(1);
	assert_state(TRACKER_WAITING, "other settings");
}

static void test_pauses(void **state)
{
	unsigned int nr_opened, i, nr_messages = 0;
	uint64_t one = 1;

	(void)state;
	params.rate.stable_periods = 4;
	params.rate.probe_periods = 6;
	assert_int_equal(tracker_set_params(tracker, &params), 0);
	make_vm(PID, UUID);
	for (i = 0; i < 20 && tracker_state(tracker, NULL) != TRACKER_PAUSED;
	     i++)
		(void)next_period();
	assert_state(TRACKER_PAUSED, "stable");
	assert_true(view_now().is_stable);
	/* No page is armed. */
	assert_int_equal(world.nr_opened, world.nr_closed);
	assert_int_equal(view_now().inverse_rate, 0);
	assert_int_equal(view_now().wss, VM_WSS_KNOWN);
	nr_opened = world.nr_opened;
	for (i = 0; i < 24; i++)
		nr_messages += next_period() != NULL;
	/* A look now and then, of which nobody hears. */
	assert_int_equal(world.nr_opened - nr_opened, 4);
	assert_int_equal(nr_messages, 0);
	/* It is another one: seen by the next look. */
	world.pages = 20000;
	for (i = 0; i < 8 && view_now().is_stable; i++)
		(void)next_period();
	assert_false(view_now().is_stable);
	assert_state(TRACKER_TRACKING, "");
	/* And believed by the one after it. */
	next_periods(1);
	assert_near((double)view_now().wss_bytes / MIB, 78, 8);
	/* Somebody says so. */
	for (i = 0; i < 20 && tracker_state(tracker, NULL) != TRACKER_PAUSED;
	     i++)
		(void)next_period();
	assert_state(TRACKER_PAUSED, "stable");
	tracker_disturb(tracker);
	assert_contains(next_period(), "all the time");
	assert_state(TRACKER_TRACKING, "woken");
	/* It ends while it is not tracked. */
	for (i = 0; i < 20 && tracker_state(tracker, NULL) != TRACKER_PAUSED;
	     i++)
		(void)next_period();
	assert_int_equal(write(world.pid_fd, &one, sizeof(one)), sizeof(one));
	next_periods(1);
	assert_state(TRACKER_WAITING, "has ended");
	/* Or cannot be tracked when it is time to look. */
	next_periods(1);
	for (i = 0; i < 20 && tracker_state(tracker, NULL) != TRACKER_PAUSED;
	     i++)
		(void)next_period();
	world.open_error = -EBUSY;
	next_periods(6);
	assert_state(TRACKER_WAITING, "something else");
}

static void test_starvation(void **state)
{
	struct vm_view view;

	(void)state;
	/* 50 of its pages are in a sample of 1/512. */
	params.rate.rule = RATE_FIXED;
	params.rate.min_inverse_rate = params.rate.max_inverse_rate = 512;
	assert_int_equal(tracker_set_params(tracker, &params), 0);
	world.pages = 1 << 19;
	make_vm(PID, UUID);
	next_periods(4);
	assert_int_equal(view_now().inverse_rate, 512);
	assert_false(view_now().is_starved);
	params.rate = rate_default_params;
	params.rate.stable_periods = 0;
	assert_int_equal(tracker_set_params(tracker, &params), 0);
	world.pages = 25600;
	next_periods(1);
	assert_true(view_now().is_starved);
	/* A window that saw nothing says nothing. */
	assert_near((double)view_now().wss_bytes / MIB, 2048, 200);
	next_periods(8);
	view = view_now();
	assert_false(view.is_starved);
	assert_near((double)view.wss_bytes / MIB, 100, 8);
	/* Less than can be seen at all: a bound, and no more misses. */
	world.pages = 500;
	next_periods(20);
	view = view_now();
	assert_false(view.is_starved);
	assert_state(TRACKER_TRACKING, "lowest inverse rate");
	assert_int_equal(view.wss, VM_WSS_KNOWN);
	assert_int_equal(view.wss_bytes, 64 * 32 * 4096);
	assert_true(view.accesses_per_s < 4000);
}

/* vCPUs that do not run say nothing of what tracking costs. */
static void test_idle(void **state)
{
	struct vm_view view;

	(void)state;
	make_vm(PID, UUID);
	next_periods(6);
	world.vcpu_share = 0.001;
	world.accesses_per_s = 10;
	view = view_now();
	/* For a moment: it has not lost its working set. */
	next_periods(2);
	assert_near((double)view_now().wss_bytes / MIB, 256, 256 * 0.05);
	assert_false(view_now().is_starved);
	next_periods(18);
	assert_state(TRACKER_TRACKING, "hardly ran");
	assert_true(view_now().wss_bytes <= 64 * 128 * 4096);
	assert_int_equal(view_now().inverse_rate, view.inverse_rate);
	assert_true(view_now().accesses_per_s < 40000);
	/* It is the CPU time of all vCPUs: what is left counts. */
	world.vcpu_ns = 0;
	next_periods(1);
	assert_near(view_now().overhead_ratio, 0, 0);
}

/* One that has been idle from the beginning can give memory up. */
static void test_idle_from_the_beginning(void **state)
{
	struct vm_view view;

	(void)state;
	world.vcpu_share = 0.001;
	world.pages = 100;
	make_vm(PID, UUID);
	next_periods(5);
	view = view_now();
	assert_false(view.is_starved);
	assert_int_equal(view.wss, VM_WSS_KNOWN);
	assert_true(view.wss_bytes <= 64 * 128 * 4096);
	assert_true(view.wss_bytes >= 64 * 120 * 4096);
	assert_non_null(view.curve);
	assert_near(mrc_curve_at(view.curve, 64 * 128), 0, 1e-9);
	assert_near(mrc_curve_at(view.upper, 64 * 126), 1, 1e-9);
	assert_near(mrc_curve_at(view.lower, 2), 0, 1e-9);
	assert_near(view.accesses_per_s, 0, 0);
}

static void test_new_settings(void **state)
{
	(void)state;
	make_vm(PID, UUID);
	next_periods(3);
	params.hot_pages = 128;
	params.rotate_passes = 64;
	assert_int_equal(tracker_set_params(tracker, &params), 0);
	next_periods(1);
	assert_int_equal(world.change.hot_pages, 128);
	assert_int_equal(world.change.rotate_passes, 64);
	assert_int_equal(world.nr_opened, 1);
	params.huge_mode = KVM_AET_HUGE_AS_MAPPED;
	assert_int_equal(tracker_set_params(tracker, &params), 0);
	next_periods(2);
	assert_int_equal(world.nr_opened, 2);
	assert_int_equal(world.config.huge_mode, KVM_AET_HUGE_AS_MAPPED);
	assert_state(TRACKER_TRACKING, "");
	/* A rate that somebody set. */
	params.rate.rule = RATE_FIXED;
	params.rate.min_inverse_rate = params.rate.max_inverse_rate = 300;
	assert_int_equal(tracker_set_params(tracker, &params), 0);
	next_periods(1);
	assert_int_equal(view_now().inverse_rate, 300);
	/* Short and long periods: the module's limits. */
	params.period_ns = UINT64_C(10000000);
	assert_int_equal(tracker_set_params(tracker, &params), 0);
	next_periods(1);
	assert_int_equal(world.change.period_ms, KVM_AET_MIN_PERIOD_MS);
}

/* Equation 4.5 on faults per reference, and new counters for new threads. */
static void test_counters(void **state)
{
	uint32_t inverse_rate;

	(void)state;
	params.rate.rule = RATE_REFERENCES;
	params.rate.fault_ratio = 1e-5;
	assert_int_equal(tracker_set_params(tracker, &params), 0);
	world.perf_error = 0;
	world.references_per_s = 1e8;
	make_vm(PID, UUID);
	next_periods(2);
	/* 3125 faults per s at 1/128: 3.1e-5 of the references. */
	assert_state(TRACKER_TRACKING, "faults per reference");
	inverse_rate = view_now().inverse_rate;
	assert_near(inverse_rate, 128 + 128 * (log(3.125) + 1), 2);
	assert_int_equal(world.nr_perf_opens, 1);
	/* A vCPU more: the period is without, the next one has them. */
	fake_proc_dir(PID "/task/6");
	fake_proc_text(PID "/task/6/comm", "CPU 1/KVM\n");
	fake_proc_text(PID "/task/6/schedstat", "0 0 0\n");
	next_periods(1);
	assert_state(TRACKER_TRACKING, "by overhead instead");
	assert_int_equal(world.nr_perf_opens, 2);
	next_periods(1);
	assert_state(TRACKER_TRACKING, "faults per reference");
	/* Another rule needs none. */
	params.rate.rule = RATE_OVERHEAD;
	assert_int_equal(tracker_set_params(tracker, &params), 0);
	next_periods(1);
	assert_int_equal(world.nr_perfs, 0);
}

/* Without counters it goes by overhead, and says so once. */
static void test_no_counters(void **state)
{
	const char *message;
	unsigned int i, nr_said = 0;

	(void)state;
	params.rate.rule = RATE_REFERENCES;
	assert_int_equal(tracker_set_params(tracker, &params), 0);
	make_vm(PID, UUID);
	for (i = 0; i < 10; i++) {
		message = next_period();
		nr_said += message && strstr(message, "no counters");
	}
	assert_int_equal(nr_said, 1);
	assert_int_equal(world.nr_perf_tries, 1);
	assert_state(TRACKER_TRACKING, "by overhead instead");
}

static void test_free_nothing(void **state)
{
	(void)state;
	tracker_free(NULL);
}

int main(void)
{
#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_tracks),
		WORLD_TEST(test_no_process),
		WORLD_TEST(test_two_processes),
		WORLD_TEST(test_no_proc),
		WORLD_TEST(test_no_module),
		WORLD_TEST(test_no_session),
		WORLD_TEST(test_protected),
		WORLD_TEST(test_session_ends),
		WORLD_TEST(test_process_ends),
		WORLD_TEST(test_obeys_the_budget),
		WORLD_TEST(test_pauses),
		WORLD_TEST(test_starvation),
		WORLD_TEST(test_idle),
		WORLD_TEST(test_idle_from_the_beginning),
		WORLD_TEST(test_new_settings),
		WORLD_TEST(test_counters),
		WORLD_TEST(test_no_counters),
		cmocka_unit_test(test_free_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
