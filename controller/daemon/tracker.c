// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/tracker.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>

#include "cleanup.h"
#include "daemon/ages.h"
#include "daemon/perf_vcpu.h"
#include "daemon/smooth.h"
#include "daemon/vcpu.h"
#include "source.h"
#include "units.h"
#include "vm.h"
#include "window.h"

/* As the command kvm-aet: a flush of the guest's TLBs on so many re-arms. */
#define TRACKER_FLUSH_BATCH 64

/* Shorter windows are waited out, such as the first after an attach. */
#define TRACKER_MIN_WINDOW_SHARE 4

/*
 * A window whose working set differs by more than that is of a guest that does
 * something else, if the next one says so, too.
 */
#define TRACKER_CHANGE 0.25
#define TRACKER_CHANGE_WINDOWS 2

/* A VM that waits for something for a moment has not lost its working set. */
#define TRACKER_BOUND_WINDOWS 3

#define TRACKER_REASON_BYTES 200

/**
 * struct tracker - one VM
 * @reason: for @state
 * @attempt_ns: waiting: when to try next
 * @backoff_ns: and how long to wait if that fails
 * @pid: the VM's process, 0 if unknown
 * @pid_fd: pidfd of it, or -1
 * @vm: while there is a pidfd: finds the VM in it again; owns its name
 * @source: the session, or NULL
 * @in_force: its settings
 * @huge_mode: likewise
 * @from: beginning of the current window
 * @vcpus: at that moment
 * @has_vcpus: @vcpus could be read
 * @perf: counters, or NULL
 * @references: at that moment
 * @perf_problem: why there are no counters; NULL: there are, or nobody asked
 * @told_problem: the last one that was told
 * @inverse_rate: in force, or to begin with
 * @rate: memory of the rate control
 * @rate_reason: its last reason, static
 * @is_disturbed: since the last period
 * @is_stable: says the rate control
 * @smooth: curve
 * @nr_changed: windows in a row whose working set is another one than its
 * @ages: idle ages
 * @overhead_ratio: of the last period
 * @is_starved: in the last period
 * @nr_bounded: windows in a row in which it was, and no more than the hot set
 *	holds is in use
 * @starved_bytes: which is so much; 0: that has not been so for long
 */
struct tracker {
	struct tracker_params params;
	char *proc;
	char *uuid;
	enum tracker_state state;
	char reason[TRACKER_REASON_BYTES];
	uint64_t attempt_ns;
	uint64_t backoff_ns;
	pid_t pid;
	int pid_fd;
	struct vm vm;
	struct source *source;
	struct source_change in_force;
	uint32_t huge_mode;
	struct sample from;
	struct vcpu_threads vcpus;
	bool has_vcpus;
	struct perf_vcpu *perf;
	uint64_t references;
	const char *perf_problem;
	const char *told_problem;
	uint32_t inverse_rate;
	struct rate_memory rate;
	const char *rate_reason;
	bool is_disturbed;
	bool is_stable;
	struct smooth smooth;
	unsigned int nr_changed;
	struct ages ages;
	double overhead_ratio;
	bool is_starved;
	unsigned int nr_bounded;
	uint64_t starved_bytes;
};

static void tracker_end_session(struct tracker *tracker)
{
	source_close(tracker->source);
	tracker->source = NULL;
	sample_done(&tracker->from);
	vcpu_threads_done(&tracker->vcpus);
	tracker->has_vcpus = false;
	perf_vcpu_close(tracker->perf);
	tracker->perf = NULL;
	tracker->overhead_ratio = 0;
	tracker->is_starved = false;
}

/* Another process is another guest: nothing of the old one is known of it. */
static void tracker_forget_process(struct tracker *tracker)
{
	tracker_end_session(tracker);
	if (tracker->pid_fd >= 0)
		(void)close(tracker->pid_fd);
	tracker->pid_fd = -1;
	tracker->pid = 0;
	free(tracker->vm.name);
	tracker->vm = (struct vm){ 0 };
	smooth_done(&tracker->smooth);
	tracker->nr_changed = 0;
	tracker->ages = (struct ages){ 0 };
	tracker->rate = (struct rate_memory){ 0 };
	tracker->rate_reason = NULL;
	tracker->inverse_rate = TRACKER_START_INVERSE_RATE;
	tracker->is_stable = false;
	tracker->nr_bounded = 0;
	tracker->starved_bytes = 0;
}

static void tracker_set_state(struct tracker *tracker, enum tracker_state state,
			      const char *reason)
{
	tracker->state = state;
	(void)snprintf(tracker->reason, sizeof(tracker->reason), "%s", reason);
}

/* To be tried again, later than last time. */
__attribute__((format(printf, 3, 4))) static void
tracker_wait(struct tracker *tracker, uint64_t now_ns, const char *format, ...)
{
	va_list arguments;

	tracker_end_session(tracker);
	tracker->state = TRACKER_WAITING;
	va_start(arguments, format);
	(void)vsnprintf(tracker->reason, sizeof(tracker->reason), format,
			arguments);
	va_end(arguments);
	if (tracker->backoff_ns < tracker->params.period_ns)
		tracker->backoff_ns = tracker->params.period_ns;
	tracker->attempt_ns = now_ns + tracker->backoff_ns;
	tracker->backoff_ns *= 2;
	if (tracker->backoff_ns > TRACKER_MAX_BACKOFF_NS)
		tracker->backoff_ns = TRACKER_MAX_BACKOFF_NS;
}

int tracker_new(const struct tracker_params *params, const char *proc,
		const char *uuid, struct tracker **ret_tracker)
{
	struct tracker *tracker = calloc(1, sizeof(*tracker));

	if (!tracker)
		return -ENOMEM;
	tracker->params = *params;
	tracker->pid_fd = -1;
	tracker->proc = strdup(proc);
	tracker->uuid = strdup(uuid);
	if (!tracker->proc || !tracker->uuid) {
		tracker_free(tracker);
		return -ENOMEM;
	}
	tracker_forget_process(tracker);
	tracker_set_state(tracker, TRACKER_WAITING, "not tried yet");
	*ret_tracker = tracker;
	return 0;
}

void tracker_free(struct tracker *tracker)
{
	if (!tracker)
		return;
	tracker_forget_process(tracker);
	free(tracker->proc);
	free(tracker->uuid);
	free(tracker);
}

/* The rate control's next settings, as the module takes them. */
static struct source_change tracker_change(const struct tracker *tracker)
{
	const struct tracker_params *params = &tracker->params;
	uint64_t pass_ms =
		params->period_ns / NS_PER_MS / TRACKER_PASSES_PER_PERIOD;
	struct source_change change = {
		.inverse_rate = tracker->inverse_rate,
		.hot_pages = params->hot_pages,
		.period_ms = (uint32_t)pass_ms,
		.rotate_passes = params->rotate_passes,
	};

	if (pass_ms < KVM_AET_MIN_PERIOD_MS)
		change.period_ms = KVM_AET_MIN_PERIOD_MS;
	if (pass_ms > KVM_AET_MAX_PERIOD_MS)
		change.period_ms = KVM_AET_MAX_PERIOD_MS;
	if (change.inverse_rate < params->rate.min_inverse_rate)
		change.inverse_rate = params->rate.min_inverse_rate;
	if (change.inverse_rate > params->rate.max_inverse_rate)
		change.inverse_rate = params->rate.max_inverse_rate;
	return change;
}

static bool tracker_is_in_force(const struct tracker *tracker,
				const struct source_change *change)
{
	const struct source_change *in_force = &tracker->in_force;

	return change->inverse_rate == in_force->inverse_rate &&
	       change->hot_pages == in_force->hot_pages &&
	       change->period_ms == in_force->period_ms &&
	       change->rotate_passes == in_force->rotate_passes;
}

/* The counters go with the threads; without them the rate goes by overhead. */
static void tracker_open_perf(struct tracker *tracker)
{
	int err;

	perf_vcpu_close(tracker->perf);
	tracker->perf = NULL;
	tracker->perf_problem = NULL;
	if (tracker->params.rate.rule != RATE_REFERENCES)
		return;
	if (!tracker->has_vcpus || !tracker->vcpus.nr_tids) {
		tracker->perf_problem =
			"its process does not name its vCPU threads (QEMU: -name ...,debug-threads=on)";
		return;
	}
	err = perf_vcpu_open(tracker->vcpus.tids, tracker->vcpus.nr_tids,
			     &tracker->perf);
	tracker->references = 0;
	if (err == -ENOSYS)
		tracker->perf_problem = "kvm-aetd was built without libperf";
	else if (err == -ENOENT)
		tracker->perf_problem =
			"this host has no performance counters that tell the guest from the host";
	else if (err == -EACCES || err == -EPERM)
		tracker->perf_problem =
			"no permission for performance counters: kvm-aetd needs CAP_PERFMON";
	else if (err < 0)
		tracker->perf_problem = strerror(-err);
}

static bool tracker_has_same_threads(const struct vcpu_threads *before,
				     const struct vcpu_threads *now)
{
	return before->nr_tids == now->nr_tids &&
	       (!now->nr_tids ||
		memcmp(before->tids, now->tids,
		       now->nr_tids * sizeof(*now->tids)) == 0);
}

/*
 * References since the last call; negative if they are not known. Threads that
 * have come or gone mean new counters; else what failed once is not tried again.
 */
static double tracker_count_references(struct tracker *tracker,
				       const struct vcpu_threads *before)
{
	bool is_same = tracker_has_same_threads(before, &tracker->vcpus);
	uint64_t last = tracker->references;

	if (tracker->params.rate.rule != RATE_REFERENCES) {
		perf_vcpu_close(tracker->perf);
		tracker->perf = NULL;
		return -1;
	}
	if (!is_same || (!tracker->perf && !tracker->perf_problem)) {
		tracker_open_perf(tracker);
		return -1;
	}
	if (!tracker->perf ||
	    perf_vcpu_read(tracker->perf, &tracker->references) < 0 ||
	    tracker->references <= last)
		return -1;
	return (double)(tracker->references - last);
}

static void tracker_say_no_device(struct tracker *tracker, uint64_t now_ns,
				  int err)
{
	switch (err) {
	case -ENOENT:
	case -ENXIO:
	case -ENODEV:
		tracker_wait(
			tracker, now_ns,
			"the module is not loaded: run 'modprobe kvm-aet'");
		break;
	case -EACCES:
	case -EPERM:
		tracker_wait(tracker, now_ns,
			     "no permission for " KVM_AET_DEVICE
			     ": kvm-aetd must run as root");
		break;
	case -EPROTO:
		tracker_wait(
			tracker, now_ns,
			"the module and kvm-aetd are of different versions: install both from one release, then reload the module");
		break;
	default:
		tracker_wait(tracker, now_ns,
			     "cannot open " KVM_AET_DEVICE ": %s",
			     strerror(-err));
	}
}

static void tracker_say_no_session(struct tracker *tracker, uint64_t now_ns,
				   int err)
{
	switch (err) {
	case -EBUSY:
		tracker_wait(
			tracker, now_ns,
			"something else tracks this VM, such as 'kvm-aet wss': waiting until it ends");
		break;
	case -EOPNOTSUPP:
		tracker_end_session(tracker);
		tracker_set_state(
			tracker, TRACKER_REFUSED,
			"the module refuses it: a protected VM (SEV, TDX), or a KVM that it does not know; the kernel's log says which");
		break;
	case -ESRCH:
		tracker_wait(tracker, now_ns, "the VM's process is ending");
		break;
	case -EINVAL:
		tracker_wait(
			tracker, now_ns,
			"the module refuses the settings: check [tracking] in kvm-aet.conf");
		break;
	default:
		tracker_wait(tracker, now_ns, "cannot track it: %s",
			     strerror(-err));
	}
}

/* Keeps what finds the VM again, and the pidfd. */
static int tracker_keep_vm(struct tracker *tracker, const struct vm *vm,
			   int pid_fd)
{
	char *name = strdup(vm->name);

	if (!name) {
		(void)close(pid_fd);
		return -ENOMEM;
	}
	if (tracker->pid != vm->pid)
		tracker_forget_process(tracker);
	free(tracker->vm.name);
	tracker->vm = *vm;
	tracker->vm.name = name;
	if (tracker->pid_fd >= 0)
		(void)close(tracker->pid_fd);
	tracker->pid_fd = pid_fd;
	tracker->pid = vm->pid;
	return 0;
}

/* Looks through all processes. As tracker_find_vm(). */
static int tracker_search_vm(struct tracker *tracker, uint64_t now_ns,
			     int *ret_vm_fd)
{
	CLEANUP(vm_list_done) struct vm_list list = { 0 };
	int pid_fd, err;

	err = vm_list_read_uuid(tracker->proc, tracker->uuid, &list);
	if (err < 0) {
		tracker_wait(tracker, now_ns, "cannot read %s: %s",
			     tracker->proc, strerror(-err));
		return err == -ENOMEM ? err : 0;
	}
	if (!list.nr_vms && list.nr_hidden > 0) {
		tracker_wait(
			tracker, now_ns,
			"its process is not among those that may be looked into: kvm-aetd must run as root");
		return 0;
	}
	if (!list.nr_vms) {
		tracker_wait(tracker, now_ns,
			     "no process that uses KVM has its UUID");
		return 0;
	}
	if (list.nr_vms > 1) {
		tracker_wait(
			tracker, now_ns,
			"%zu VMs on this host have its UUID: waiting until there is one",
			list.nr_vms);
		return 0;
	}
	err = vm_open(tracker->proc, &list.vms[0], &pid_fd, ret_vm_fd);
	if (err == -ESRCH) {
		tracker_wait(tracker, now_ns, "the VM's process is ending");
		return 0;
	}
	if (err < 0) {
		tracker_wait(
			tracker, now_ns,
			"cannot take the VM from process %d: %s; kvm-aetd needs CAP_SYS_PTRACE",
			(int)list.vms[0].pid, strerror(-err));
		return 0;
	}
	return tracker_keep_vm(tracker, &list.vms[0], pid_fd);
}

/*
 * Sets @ret_vm_fd, or leaves it at -1 and the state says why. After a pause it is
 * the process of before, mostly; to look through all others, for each of many
 * VMs, would cost more than tracking them. -ENOMEM.
 */
static int tracker_find_vm(struct tracker *tracker, uint64_t now_ns,
			   int *ret_vm_fd)
{
	int pid_fd;

	if (tracker->pid_fd >= 0 &&
	    vm_open(tracker->proc, &tracker->vm, &pid_fd, ret_vm_fd) == 0) {
		(void)close(tracker->pid_fd);
		tracker->pid_fd = pid_fd;
		return 0;
	}
	return tracker_search_vm(tracker, now_ns, ret_vm_fd);
}

/* -ENOMEM, or 0 and the state says how it went. */
static int tracker_begin_session(struct tracker *tracker, uint64_t now_ns)
{
	_cleanup_close_ int vm_fd = -1, device_fd = -1;
	CLEANUP(sample_done) struct sample first = { 0 };
	struct source_config config;
	struct source_change change;
	int err;

	err = tracker_find_vm(tracker, now_ns, &vm_fd);
	if (err < 0 || vm_fd < 0)
		return err;
	err = source_open_device(&device_fd);
	if (err < 0) {
		tracker_say_no_device(tracker, now_ns, err);
		return 0;
	}
	change = tracker_change(tracker);
	config = (struct source_config){
		.inverse_rate = change.inverse_rate,
		.hot_pages = change.hot_pages,
		.period_ms = change.period_ms,
		.flush_batch = TRACKER_FLUSH_BATCH,
		.huge_mode = tracker->params.huge_mode,
		.rotate_passes = change.rotate_passes,
	};
	err = source_open(device_fd, vm_fd, tracker->pid_fd, -1, &config,
			  &tracker->source);
	if (err < 0) {
		tracker_say_no_session(tracker, now_ns, err);
		return 0;
	}
	tracker->in_force = change;
	tracker->inverse_rate = change.inverse_rate;
	tracker->huge_mode = config.huge_mode;
	err = source_read(tracker->source, true, &first);
	if (err < 0) {
		tracker_wait(tracker, now_ns, "cannot read the module: %s",
			     strerror(-err));
		return err == -ENOMEM ? err : 0;
	}
	sample_done(&tracker->from);
	tracker->from = window_origin(&first);
	tracker->has_vcpus = vcpu_threads_read(tracker->proc, tracker->pid,
					       &tracker->vcpus) == 0;
	tracker_open_perf(tracker);
	tracker->backoff_ns = 0;
	tracker_set_state(tracker, TRACKER_TRACKING,
			  tracker->rate_reason ? tracker->rate_reason :
						 "the first period");
	return 0;
}

/*
 * CPU time of the vCPUs since the last call, in seconds; negative if it is not
 * known. @ret_before is what was in force then, to be freed.
 */
static double tracker_vcpu_seconds(struct tracker *tracker,
				   struct vcpu_threads *ret_before)
{
	struct vcpu_threads before = tracker->vcpus;
	bool had_vcpus = tracker->has_vcpus;

	tracker->vcpus = (struct vcpu_threads){ 0 };
	tracker->has_vcpus = vcpu_threads_read(tracker->proc, tracker->pid,
					       &tracker->vcpus) == 0;
	*ret_before = before;
	/* It falls when a vCPU is taken away. */
	if (!had_vcpus || !tracker->has_vcpus ||
	    tracker->vcpus.time_ns < before.time_ns)
		return -1;
	return units_seconds(tracker->vcpus.time_ns - before.time_ns);
}

/* Negative if it is not known. */
static double tracker_overhead(const struct window *window, double vcpu_s)
{
	uint64_t cycles = window->hook_cycles + window->pass_cycles;

	if (!window->tsc_khz || !(vcpu_s > 0))
		return -1;
	return (double)cycles / (window->tsc_khz * 1000.0) / vcpu_s;
}

/*
 * Has the guest begun something else? Then its working set is that of the window
 * alone; and the windows before, which fade slowly, say nothing of it.
 */
static bool tracker_sees_change(const struct tracker *tracker,
				const struct window *window)
{
	uint64_t bytes;
	double known;

	if (window->wss != WINDOW_WSS_KNOWN ||
	    window->accesses < tracker->params.rate.min_samples ||
	    smooth_wss(&tracker->smooth, tracker->params.miss_ratio, &bytes) !=
		    VM_WSS_KNOWN)
		return false;
	known = (double)(bytes / VIEW_PAGE_BYTES);
	return fabs((double)window->wss_pages - known) > TRACKER_CHANGE * known;
}

/*
 * What is known of a starved VM that is as good as idle: no more than @pages are in
 * use. How few is not known: a line between the two ends of the band.
 */
static int tracker_bound_curves(struct window *window, double pages)
{
	const double few[] = { 0, 1 }, many[] = { 0, pages };
	const double at_last[] = { 0, pages - 1, pages };
	int err;

	mrc_curve_free(window->curve);
	mrc_curve_free(window->lower);
	mrc_curve_free(window->upper);
	window->curve = window->lower = window->upper = NULL;
	err = mrc_curve_new(many, (double[]){ 1, 0 }, 2, &window->curve);
	if (err == 0)
		err = mrc_curve_new(few, (double[]){ 1, 0 }, 2, &window->lower);
	if (err == 0)
		err = mrc_curve_new(at_last, (double[]){ 1, 1, 0 }, 3,
				    &window->upper);
	return err;
}

static int tracker_learn(struct tracker *tracker, struct window *window,
			 bool is_idle)
{
	const struct tracker_params *params = &tracker->params;
	bool is_lowest = window->inverse_rate <=
				 params->rate.min_inverse_rate ||
			 params->rate.rule == RATE_FIXED;
	int err;

	tracker->is_starved = window_is_starved(window);
	tracker->starved_bytes = 0;
	if (!tracker->is_starved || (!is_idle && !is_lowest))
		tracker->nr_bounded = 0;
	if (tracker->is_starved && !is_idle && !is_lowest)
		return 0;
	if (tracker->is_starved) {
		double pages = floor(window->scale * window->hot_pages);

		if (++tracker->nr_bounded >= TRACKER_BOUND_WINDOWS)
			tracker->starved_bytes =
				(uint64_t)pages * VIEW_PAGE_BYTES;
		err = tracker_bound_curves(window, pages);
		if (err < 0)
			return err;
	}
	if (!tracker_sees_change(tracker, window))
		tracker->nr_changed = 0;
	else if (++tracker->nr_changed >= TRACKER_CHANGE_WINDOWS)
		smooth_done(&tracker->smooth);
	return smooth_add(&tracker->smooth, window,
			  params->half_life_windows *
				  units_seconds(params->period_ns));
}

static void tracker_configure(struct tracker *tracker, uint64_t now_ns)
{
	struct source_change change = tracker_change(tracker);
	int err;

	if (tracker->huge_mode != tracker->params.huge_mode) {
		tracker_end_session(tracker);
		tracker_set_state(tracker, TRACKER_WAITING,
				  "beginning anew, with other settings");
		tracker->attempt_ns = now_ns;
		return;
	}
	if (tracker_is_in_force(tracker, &change))
		return;
	err = source_configure(tracker->source, &change);
	if (err == 0) {
		tracker->in_force = change;
		return;
	}
	/* The module lacks memory: as before, and the rate asks again. */
	tracker->inverse_rate = tracker->in_force.inverse_rate;
	if (err != -ENOMEM)
		tracker_wait(tracker, now_ns,
			     "the module does not take other settings: %s",
			     strerror(-err));
}

/* Does what the rate control says. */
static void tracker_obey(struct tracker *tracker, uint64_t now_ns,
			 const struct rate_output *output)
{
	tracker->inverse_rate = output->inverse_rate;
	tracker->is_stable = output->is_stable;
	tracker->rate_reason = output->reason;
	tracker->is_disturbed = false;
	if (output->is_paused) {
		tracker_end_session(tracker);
		tracker_set_state(tracker, TRACKER_PAUSED, output->reason);
		return;
	}
	tracker_set_state(tracker, TRACKER_TRACKING, output->reason);
	if (tracker->source)
		tracker_configure(tracker, now_ns);
}

/*
 * The working set whose stability counts: the smoothed one, which is less noisy;
 * but a window that says that it is another one is believed at once. 0: unknown.
 */
static uint64_t tracker_rate_wss(const struct tracker *tracker,
				 const struct window *window)
{
	uint64_t bytes;

	if (tracker->nr_changed > 0)
		return window->wss_pages * VIEW_PAGE_BYTES;
	if (smooth_wss(&tracker->smooth, tracker->params.miss_ratio, &bytes) !=
	    VM_WSS_KNOWN)
		return 0;
	return bytes;
}

static int tracker_take_window(struct tracker *tracker, uint64_t now_ns,
			       const struct sample *to)
{
	CLEANUP(window_done) struct window window = { 0 };
	CLEANUP(vcpu_threads_done) struct vcpu_threads before = { 0 };
	double vcpu_s = tracker_vcpu_seconds(tracker, &before), references;
	struct rate_input input;
	struct rate_output output;
	bool is_idle;
	int err;

	references = tracker_count_references(tracker, &before);
	err = window_init(&tracker->from, to, tracker->params.miss_ratio,
			  &window);
	if (err == -ENOMEM)
		return err;
	if (err < 0) {
		tracker_wait(
			tracker, now_ns,
			"the module's counters contradict each other: are the module and kvm-aetd of one version?");
		return 0;
	}
	tracker->overhead_ratio = tracker_overhead(&window, vcpu_s);
	is_idle = vcpu_s >= 0 &&
		  vcpu_s < TRACKER_IDLE_SHARE * window_seconds(&window);
	err = tracker_learn(tracker, &window, is_idle);
	if (err < 0)
		return err;
	ages_update(&tracker->ages, to, window.scale);
	input = (struct rate_input){
		.inverse_rate = window.inverse_rate,
		.hot_pages = window.hot_pages,
		.overhead_ratio = is_idle ? -1 : tracker->overhead_ratio,
		.fault_ratio =
			references > 0 ? (double)window.traps / references : -1,
		.samples = window.accesses,
		.is_starved = tracker->is_starved,
		.window_pages = window.window_pages,
		.mapped_pages = window.mapped_pages,
		.is_disturbed = tracker->is_disturbed,
	};
	input.wss_bytes = tracker_rate_wss(tracker, &window);
	output = rate_next(&tracker->params.rate, &input, &tracker->rate);
	tracker_obey(tracker, now_ns, &output);
	return 0;
}

static int tracker_read(struct tracker *tracker, uint64_t now_ns)
{
	CLEANUP(sample_done) struct sample to = { 0 };
	enum source_event event;
	int err;

	if (now_ns < tracker->from.time_ns + tracker->params.period_ns /
						     TRACKER_MIN_WINDOW_SHARE)
		return 0;
	/* Does not wait: that deadline has passed. */
	err = source_wait(tracker->source, 0, &event);
	if (err == 0)
		err = source_read(tracker->source, true, &to);
	if (err == -ENOMEM)
		return err;
	if (err < 0) {
		tracker_wait(tracker, now_ns, "cannot read the module: %s",
			     strerror(-err));
		return 0;
	}
	if (to.state == KVM_AET_STOPPED) {
		tracker_wait(tracker, now_ns,
			     "somebody stopped it in the module's debugfs");
		return 0;
	}
	if (event == SOURCE_ENDED || to.state != KVM_AET_TRACKING) {
		tracker_wait(
			tracker, now_ns,
			"the module has ended the session: the VM ends, or became a protected one; the kernel's log says which");
		return 0;
	}
	err = tracker_take_window(tracker, now_ns, &to);
	if (err == 0 && tracker->source) {
		sample_done(&tracker->from);
		tracker->from = to;
		to = (struct sample){ 0 };
	}
	return err;
}

static int tracker_rest(struct tracker *tracker, uint64_t now_ns)
{
	struct rate_input input = {
		.is_paused = true,
		.inverse_rate = tracker->inverse_rate,
		.is_disturbed = tracker->is_disturbed,
	};
	struct rate_output output;

	output = rate_next(&tracker->params.rate, &input, &tracker->rate);
	tracker_obey(tracker, now_ns, &output);
	return output.is_paused ? 0 : tracker_begin_session(tracker, now_ns);
}

static bool tracker_has_ended(const struct tracker *tracker)
{
	struct pollfd fds = { .fd = tracker->pid_fd, .events = POLLIN };

	return tracker->pid_fd >= 0 && poll(&fds, 1, 0) > 0;
}

static bool tracker_is_running(enum tracker_state state)
{
	return state == TRACKER_TRACKING || state == TRACKER_PAUSED;
}

/* What is new to people since then; -ENOMEM. */
static int tracker_tell(struct tracker *tracker, enum tracker_state old_state,
			const char *old_reason, bool was_stable,
			char **ret_message)
{
	const struct rate_params *rate = &tracker->params.rate;
	bool is_running = tracker_is_running(tracker->state);
	char *message = NULL;
	int length = 0;

	if (is_running && !tracker_is_running(old_state))
		length = asprintf(&message,
				  "tracking process %d, one page in %" PRIu32
				  " at first",
				  (int)tracker->pid, tracker->inverse_rate);
	else if (is_running && tracker->is_stable && !was_stable)
		length = asprintf(
			&message,
			"its working set is stable: tracked in one period of %u",
			rate->probe_periods);
	else if (is_running && !tracker->is_stable && was_stable)
		length = asprintf(
			&message,
			"its working set changes: tracked all the time");
	else if (!is_running && (tracker->state != old_state ||
				 strcmp(tracker->reason, old_reason) != 0))
		length = asprintf(&message, "%s: %s",
				  tracker->state == TRACKER_REFUSED ?
					  "cannot be tracked" :
					  "not tracked",
				  tracker->reason);
	else if (tracker->perf_problem &&
		 tracker->perf_problem != tracker->told_problem) {
		length = asprintf(
			&message,
			"no counters of memory references, so its rate goes by overhead: %s",
			tracker->perf_problem);
		tracker->told_problem = tracker->perf_problem;
	}
	if (length < 0)
		return -ENOMEM;
	*ret_message = message;
	return 0;
}

int tracker_period(struct tracker *tracker, uint64_t now_ns, char **ret_message)
{
	enum tracker_state old_state = tracker->state;
	bool was_stable = tracker->is_stable;
	char old_reason[TRACKER_REASON_BYTES];
	int err = 0;

	memcpy(old_reason, tracker->reason, sizeof(old_reason));
	if (tracker_has_ended(tracker)) {
		tracker_forget_process(tracker);
		tracker->backoff_ns = 0;
		tracker_wait(tracker, now_ns, "the VM's process has ended");
	}
	switch (tracker->state) {
	case TRACKER_WAITING:
		if (now_ns >= tracker->attempt_ns)
			err = tracker_begin_session(tracker, now_ns);
		break;
	case TRACKER_TRACKING:
		err = tracker_read(tracker, now_ns);
		break;
	case TRACKER_PAUSED:
		err = tracker_rest(tracker, now_ns);
		break;
	case TRACKER_REFUSED:
		break;
	}
	if (err < 0)
		return err;
	return tracker_tell(tracker, old_state, old_reason, was_stable,
			    ret_message);
}

int tracker_set_params(struct tracker *tracker,
		       const struct tracker_params *params)
{
	tracker->params = *params;
	/* With them, counters may be had that could not be had before. */
	tracker->perf_problem = NULL;
	return 0;
}

void tracker_disturb(struct tracker *tracker)
{
	tracker->is_disturbed = true;
}

enum tracker_state tracker_state(const struct tracker *tracker,
				 const char **ret_reason)
{
	if (ret_reason)
		*ret_reason = tracker->reason;
	return tracker->state;
}

pid_t tracker_pid(const struct tracker *tracker)
{
	return tracker->pid;
}

static void tracker_view_wss(const struct tracker *tracker,
			     struct vm_view *view)
{
	view->wss = smooth_wss(&tracker->smooth, tracker->params.miss_ratio,
			       &view->wss_bytes);
	if (!tracker->starved_bytes)
		return;
	/* No more is in use, whatever was once. */
	if (view->wss != VM_WSS_KNOWN ||
	    view->wss_bytes > tracker->starved_bytes)
		view->wss_bytes = tracker->starved_bytes;
	view->wss = VM_WSS_KNOWN;
}

void tracker_view(const struct tracker *tracker, uint64_t now_ns,
		  struct vm_view *view)
{
	uint64_t end_ns = tracker->smooth.end_ns;

	view->curve = tracker->smooth.curve;
	view->lower = tracker->smooth.lower;
	view->upper = tracker->smooth.upper;
	view->accesses_per_s = smooth_accesses_per_s(&tracker->smooth);
	tracker_view_wss(tracker, view);
	view->measured_age_ns = end_ns && now_ns > end_ns ? now_ns - end_ns : 0;
	view->is_stable = tracker->is_stable;
	/* With a bound, something is known, and it is enough to give memory up. */
	view->is_starved = tracker->is_starved && !tracker->nr_bounded;
	view->inverse_rate = tracker->source ? tracker->in_force.inverse_rate :
					       0;
	view->overhead_ratio =
		tracker->overhead_ratio > 0 ? tracker->overhead_ratio : 0;
	memcpy(view->age_bytes, tracker->ages.bytes, sizeof(view->age_bytes));
}
