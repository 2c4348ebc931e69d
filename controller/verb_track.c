// SPDX-License-Identifier: GPL-2.0-or-later
/* wss and mrc: find the VM, track it, report until an end. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>

#include "cleanup.h"
#include "log.h"
#include "output_file.h"
#include "terminal.h"
#include "units.h"
#include "verbs.h"

#define PROC "/proc"

/* When a guest touches which page is a secret of the guest. */
#define TRACK_SVG_MODE 0600

/**
 * struct track - one run
 * @nr_windows: reported so far
 * @has_hinted_*: a hint is given once, not every period
 * @is_logged: the error that ends the run was reported where it happened
 */
struct track {
	const struct options *options;
	const struct report_subject *subject;
	bool is_mrc;
	uint64_t nr_windows;
	bool has_hinted_starved;
	bool has_hinted_huge;
	bool has_hinted_lost;
	bool is_logged;
};

bool verb_flush(void)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	log_error("cannot write to standard output: %s",
		  strerror(errno ? errno : EIO));
	return false;
}

static void track_hint_starved(const struct window *window)
{
	bool can_lower_rate = window->inverse_rate > 1;
	bool can_lower_hot = window->hot_pages > KVM_AET_MIN_HOT_PAGES;
	double hidden_mib = units_mib(window->scale * window->hot_pages);

	if (can_lower_rate && can_lower_hot)
		log_note(
			"the sampled pages in use all fit in the hot set, where they are not "
			"seen: lower --rate's N (now %" PRIu32
			") or --hot (now %" PRIu32 ")",
			window->inverse_rate, window->hot_pages);
	else if (can_lower_rate)
		log_note(
			"the sampled pages in use all fit in the hot set, where they are not "
			"seen: lower --rate's N (now %" PRIu32 ")",
			window->inverse_rate);
	else if (can_lower_hot)
		log_note(
			"the pages in use all fit in the hot set, where they are not seen: "
			"lower --hot (now %" PRIu32 ")",
			window->hot_pages);
	else
		log_note(
			"the VM uses no more than the %.2f MiB of the smallest hot set, which "
			"cannot be resolved",
			hidden_mib);
}

static void track_hint(struct track *track, const struct window *window)
{
	if (!track->has_hinted_starved && window_is_starved(window)) {
		track->has_hinted_starved = true;
		track_hint_starved(window);
	}
	if (!track->has_hinted_huge && window->huge_leaves > 0 &&
	    window->huge_mode == KVM_AET_HUGE_AS_MAPPED) {
		track->has_hinted_huge = true;
		log_note("%" PRIu64
			 " huge mappings are not tracked: use --huge split",
			 window->huge_leaves);
	}
	if (!track->has_hinted_lost && window->lost_records > 0) {
		track->has_hinted_lost = true;
		log_note(
			"%" PRIu64
			" accesses were not recorded, the module's table being full: "
			"raise --rate's N (now %" PRIu32 ")",
			window->lost_records, window->inverse_rate);
	}
}

static int track_write_svg(struct track *track, const struct window *window)
{
	CLEANUP(output_file_done) struct output_file file = { 0 };
	const char *path = track->options->svg_path;
	int err;

	err = output_file_open(path, TRACK_SVG_MODE, &file);
	if (err == 0)
		err = plot_svg_curve(file.stream, track->subject, window);
	if (err == 0)
		err = output_file_commit(&file);
	if (err < 0) {
		log_error("cannot write '%s': %s", path, strerror(-err));
		track->is_logged = true;
	}
	return err;
}

static int track_print_wss(struct track *track, const struct window *window)
{
	switch (track->options->output) {
	case OPTIONS_JSON:
		return report_json_wss(stdout, track->subject, window);
	case OPTIONS_CSV:
		if (track->nr_windows == 0)
			report_csv_header(stdout);
		report_csv_row(stdout, track->subject, window);
		return 0;
	default:
		if (track->nr_windows == 0)
			table_wss_header(stdout);
		table_wss_row(stdout, track->subject, window);
		return 0;
	}
}

static int track_print_mrc(struct track *track, const struct window *window)
{
	const struct options *options = track->options;

	switch (options->output) {
	case OPTIONS_JSON:
		return report_json_curve(stdout, track->subject, window,
					 options->nr_points);
	case OPTIONS_SVG:
		if (options->svg_path)
			return 0;
		return plot_svg_curve(stdout, track->subject, window);
	default:
		if (track->nr_windows > 0)
			(void)fputc('\n', stdout);
		if (options->output == OPTIONS_PLOT)
			return plot_text_curve(stdout, track->subject, window,
					       terminal_columns());
		return table_curve(stdout, track->subject, window,
				   options->nr_points);
	}
}

static int track_emit(void *context, const struct window *window)
{
	struct track *track = context;
	int err;

	err = track->is_mrc ? track_print_mrc(track, window) :
			      track_print_wss(track, window);
	if (err < 0)
		return err;
	if (!verb_flush()) {
		track->is_logged = true;
		return -EIO;
	}
	if (track->options->svg_path) {
		err = track_write_svg(track, window);
		if (err < 0)
			return err;
	}
	track->nr_windows++;
	track_hint(track, window);
	return 0;
}

static void track_log_error(const struct track *track, int err)
{
	if (track->is_logged)
		return;
	if (err == -EBADMSG || err == -EINVAL || err == -EPROTO)
		log_error(
			"the module's counters contradict each other: do the module and "
			"kvm-aet have the same version?");
	else
		log_error("tracking '%s' (PID %d): %s", track->subject->name,
			  (int)track->subject->pid, strerror(-err));
}

int verb_track_source(struct source *source, const struct options *options,
		      bool is_mrc, const struct report_subject *subject)
{
	struct track track = {
		.options = options,
		.subject = subject,
		.is_mrc = is_mrc,
	};
	enum follow_end end;
	int err;

	err = follow_run(source, &options->follow, track_emit, &track, &end);
	if (err < 0) {
		track_log_error(&track, err);
		return EXIT_STATUS_FAILED;
	}
	switch (end) {
	case FOLLOW_VM_EXITED:
		log_error("VM '%s' (PID %d) has exited", subject->name,
			  (int)subject->pid);
		return EXIT_STATUS_FAILED;
	case FOLLOW_STOPPED:
		log_error(
			"tracking of VM '%s' (PID %d) was stopped: see 'dmesg'",
			subject->name, (int)subject->pid);
		return EXIT_STATUS_FAILED;
	default:
		return EXIT_STATUS_OK;
	}
}

/* Fails now rather than after a period of tracking. */
int verb_check_svg(const char *path)
{
	CLEANUP(output_file_done) struct output_file file = { 0 };
	int err;

	err = output_file_open(path, TRACK_SVG_MODE, &file);
	if (err == -EEXIST)
		log_error(
			"cannot write '%s': it exists and is not a regular file",
			path);
	else if (err < 0)
		log_error("cannot write '%s': %s", path, strerror(-err));
	return err;
}

/* Lists the candidates in the form in which they can be named. */
static void track_log_ambiguous(const struct vm_list *list,
				const struct vm *first, const char *selector)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_fclose_ FILE *stream = NULL;
	size_t size, i;

	stream = open_memstream(&text, &size);
	if (!stream) {
		log_error("out of memory");
		return;
	}
	for (i = 0; i < list->nr_vms; i++) {
		const struct vm *vm = &list->vms[i];

		if (vm->pid != first->pid && strcmp(vm->name, selector) != 0)
			continue;
		(void)fprintf(stream, vm->is_only ? " %d" : " %d:%d",
			      (int)vm->pid, vm->fd);
	}
	(void)fclose(TAKE_PTR(stream));
	log_error("'%s' is several VMs: name one of%s", selector,
		  text ? text : "");
}

static int track_find_vm(const struct vm_list *list, const char *selector,
			 const struct vm **ret_vm)
{
	int err = vm_list_find(list, PROC, selector, ret_vm);

	if (err == -ENOENT)
		log_error("no VM '%s': see 'kvm-aet list'", selector);
	else if (err == -ECHILD)
		log_error("process %s is not a VM: see 'kvm-aet list'",
			  selector);
	else if (err == -ENOTUNIQ)
		track_log_ambiguous(list, *ret_vm, selector);
	return err;
}

static void track_log_open_vm(const struct vm *vm, int err)
{
	if (err == -ESRCH)
		log_error("VM '%s' (PID %d) is gone: see 'kvm-aet list'",
			  vm->name, (int)vm->pid);
	else if (err == -EPERM || err == -EACCES)
		log_error("no permission for process %d: run as root",
			  (int)vm->pid);
	else
		log_error("cannot get the VM of process %d: %s", (int)vm->pid,
			  strerror(-err));
}

static void track_log_attach(const struct vm *vm, int err)
{
	const char *name = vm->name;
	int pid = (int)vm->pid;

	switch (-err) {
	case EBUSY:
		log_error(
			"VM '%s' (PID %d) is tracked already: end the other tracking first",
			name, pid);
		break;
	case ENXIO:
		log_error(
			"descriptor %d of process %d is not a VM: see 'kvm-aet list'",
			vm->fd, pid);
		break;
	case ESRCH:
		log_error("VM '%s' (PID %d) is exiting", name, pid);
		break;
	case EOPNOTSUPP:
		log_error(
			"VM '%s' (PID %d) cannot be tracked: its memory is protected (SEV, "
			"TDX) or its KVM is unknown to the module; see 'dmesg'",
			name, pid);
		break;
	case EINVAL:
	case E2BIG:
	case ENOTTY:
		log_error(
			"the module refused the settings (%s): do the module and kvm-aet have "
			"the same version?",
			strerror(-err));
		break;
	default:
		log_error("cannot track VM '%s' (PID %d): %s", name, pid,
			  strerror(-err));
	}
}

int verb_open_signals(int *ret_fd)
{
	sigset_t signals;
	int fd;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static int64_t track_wall_offset_ns(void)
{
	struct timespec wall = { 0 }, monotonic = { 0 };

	(void)clock_gettime(CLOCK_REALTIME, &wall);
	(void)clock_gettime(CLOCK_MONOTONIC, &monotonic);
	return (int64_t)(wall.tv_sec - monotonic.tv_sec) * NS_PER_S +
	       wall.tv_nsec - monotonic.tv_nsec;
}

void verb_attached_done(struct verb_attached *attached)
{
	source_close(attached->source);
	cleanup_close(&attached->pid_fd);
	cleanup_close(&attached->signal_fd);
	cleanup_close(&attached->device_fd);
	vm_list_done(&attached->list);
	*attached = (struct verb_attached)VERB_ATTACHED_NONE;
}

int verb_attach(const struct options *options,
		struct verb_attached *ret_attached)
{
	CLEANUP(verb_attached_done)
	struct verb_attached attached = VERB_ATTACHED_NONE;
	_cleanup_close_ int vm_fd = -1;
	struct source_vm_info info;
	const struct vm *vm;
	int err;

	err = verb_open_device(&attached.device_fd);
	if (err < 0)
		return err;
	err = vm_list_read(PROC, &attached.list);
	if (err < 0) {
		log_error("cannot read " PROC ": %s", strerror(-err));
		return err;
	}
	err = track_find_vm(&attached.list, options->selector, &vm);
	if (err < 0)
		return err;
	err = verb_open_signals(&attached.signal_fd);
	if (err < 0) {
		log_error("cannot watch for signals: %s", strerror(-err));
		return err;
	}
	err = vm_open(PROC, vm, &attached.pid_fd, &vm_fd);
	if (err < 0) {
		track_log_open_vm(vm, err);
		return err;
	}
	if (source_vm_info(attached.device_fd, vm_fd, false, &info) == 0)
		attached.memory_bytes = info.memory_pages * PAGE_BYTES;
	err = source_open(attached.device_fd, vm_fd, attached.pid_fd,
			  attached.signal_fd, &options->config,
			  &attached.source);
	if (err < 0) {
		track_log_attach(vm, err);
		return err;
	}
	/* A copy held here would keep the VM alive after its process. */
	(void)close(TAKE_FD(vm_fd));
	attached.subject = (struct report_subject){
		.pid = vm->pid,
		.fd = vm->fd,
		.name = vm->name,
		.wall_offset_ns = track_wall_offset_ns(),
	};
	*ret_attached = attached;
	attached = (struct verb_attached)VERB_ATTACHED_NONE;
	return 0;
}

static int verb_track(const struct options *options, bool is_mrc)
{
	CLEANUP(verb_attached_done)
	struct verb_attached attached = VERB_ATTACHED_NONE;
	int status;

	if (options->svg_path && verb_check_svg(options->svg_path) < 0)
		return EXIT_STATUS_FAILED;
	if (verb_track_daemon(options, is_mrc, &status))
		return status;
	if (verb_attach(options, &attached) < 0)
		return EXIT_STATUS_FAILED;
	return verb_track_source(attached.source, options, is_mrc,
				 &attached.subject);
}

int verb_wss(const struct options *options)
{
	return verb_track(options, false);
}

int verb_mrc(const struct options *options)
{
	return verb_track(options, true);
}
