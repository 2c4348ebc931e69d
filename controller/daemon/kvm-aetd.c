// SPDX-License-Identifier: GPL-2.0-or-later
/* The daemon: options, what it is made of, and its loop. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <time.h>

#include <systemd/sd-daemon.h>

#include "cleanup.h"
#include "daemon/daemon.h"
#include "daemon/journal.h"
#include "log.h"
#include "units.h"

#ifndef KVM_AET_VERSION
#define KVM_AET_VERSION "unknown"
#endif

/* News of libvirt at once before anything else has its turn. */
#define DAEMON_MAX_NEWS 256

/* Clients wait while there is other work. */
#define DAEMON_CLIENT_PRIORITY (SD_EVENT_PRIORITY_NORMAL + 10)

/* Nothing here is more exact than that, and wake-ups cost. */
#define DAEMON_ACCURACY_US 20000

enum exit_status {
	EXIT_STATUS_OK = 0,
	EXIT_STATUS_FAILED = 1,
	EXIT_STATUS_USAGE = 2,
};

const char log_program[] = "kvm-aetd";

static const char help[] =
	"Usage: kvm-aetd [options]\n"
	"\n"
	"Measures what memory is worth to each libvirt guest of this host, and moves it\n"
	"there. In mode observe, the default, it moves nothing.\n"
	"\n"
	"Options:\n"
	"  --config FILE   read FILE, and conf.d beside it, instead of\n"
	"                  /etc/kvm-aet/kvm-aet.conf\n"
	"  --check-config  check the configuration, show all settings, and end\n"
	"  --foreground    say things on standard error, even if it is the journal's\n"
	"  --help          this text\n"
	"  --version       the version\n"
	"\n"
	"Signals: SIGHUP reads the configuration again, SIGTERM and SIGINT end. Balloons\n"
	"stay where they are when it ends.\n"
	"\n"
	"Examples:\n"
	"  kvm-aetd --check-config\n"
	"  systemctl enable --now kvm-aetd\n"
	"  journalctl -u kvm-aetd KVMAET_DOMAIN=web1\n";

struct options {
	const char *config_path;
	bool is_check;
	bool is_foreground;
	const char *text; /* print it and end */
};

static int options_parse(int argc, char **argv, struct options *ret_options)
{
	enum {
		HELP = 1000,
		VERSION,
		CONFIG,
		CHECK,
		FOREGROUND
	};
	static const struct option table[] = {
		{ "help", no_argument, NULL, HELP },
		{ "version", no_argument, NULL, VERSION },
		{ "config", required_argument, NULL, CONFIG },
		{ "check-config", no_argument, NULL, CHECK },
		{ "foreground", no_argument, NULL, FOREGROUND },
		{ 0 },
	};
	struct options options = { 0 };
	int id;

	opterr = 0;
	while ((id = getopt_long(argc, argv, ":h", table, NULL)) >= 0) {
		switch (id) {
		case 'h':
		case HELP:
			options.text = help;
			*ret_options = options;
			return 0;
		case VERSION:
			options.text = "kvm-aetd " KVM_AET_VERSION "\n";
			break;
		case CONFIG:
			options.config_path = optarg;
			break;
		case CHECK:
			options.is_check = true;
			break;
		case FOREGROUND:
			options.is_foreground = true;
			break;
		case ':':
			log_error("%s needs a value: see 'kvm-aetd --help'",
				  argv[optind - 1]);
			return -EINVAL;
		default:
			log_error("unknown option '%s': see 'kvm-aetd --help'",
				  argv[optind - 1]);
			return -EINVAL;
		}
	}
	if (optind < argc) {
		log_error("unexpected argument '%s': see 'kvm-aetd --help'",
			  argv[optind]);
		return -EINVAL;
	}
	*ret_options = options;
	return 0;
}

uint64_t daemon_now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static void daemon_notify_status(const struct daemon *daemon)
{
	const struct tick *tick = ticker_last(daemon->ticker);

	(void)sd_notifyf(0,
			 "STATUS=mode %s, policy %s: %zu VMs, %zu measured%s%s",
			 recording_mode_name(ticker_mode(daemon->ticker)),
			 daemon->config.policy->name,
			 ticker_guests(daemon->ticker)->nr,
			 ticker_nr_tracked(daemon->ticker),
			 ticker_is_connected(daemon->ticker) ?
				 "" :
				 "; not connected to libvirt",
			 tick && tick->thrashing.is_thrashing ?
				 "; working sets do not fit" :
				 "");
}

json_t *daemon_tick_json(struct daemon *daemon)
{
	const struct tick *tick = ticker_last(daemon->ticker);

	if (daemon->tick_json || !tick)
		return daemon->tick_json;
	daemon->tick_json = recording_tick_to_json(tick);
	if (daemon->tick_json &&
	    recording_params_to_json(&daemon->tick_params, daemon->tick_json) <
		    0) {
		json_decref(daemon->tick_json);
		daemon->tick_json = NULL;
	}
	return daemon->tick_json;
}

static void daemon_run_hook(struct daemon *daemon, const struct tick *tick)
{
	static const struct journal_about about = { .event = "hook" };
	const struct config *config = &daemon->config;
	int err;

	err = hook_run(daemon->hook, config->thrash_hook,
		       config->thrash_hook_timeout_ns, tick);
	if (err < 0)
		journal_log(JOURNAL_WARNING, &about,
			    "cannot start %s, the hook for thrashing: %s",
			    config->thrash_hook,
			    err == -EBUSY ? "it still runs from last time" :
					    strerror(-err));
}

static void daemon_record(struct daemon *daemon, const struct tick *tick)
{
	static const struct journal_about about = { .event = "record" };
	int err;

	if (!daemon->writer)
		return;
	err = recording_write(daemon->writer, tick, &daemon->tick_params);
	if (err == 0)
		return;
	(void)snprintf(daemon->record_problem, sizeof(daemon->record_problem),
		       "the recording %.200s ended: %s", daemon->record_path,
		       strerror(-err));
	journal_log(JOURNAL_ERROR, &about,
		    "%s; begin another with 'kvm-aet record'",
		    daemon->record_problem);
	recording_writer_close(daemon->writer);
	daemon->writer = NULL;
	free(daemon->record_path);
	daemon->record_path = NULL;
}

/* All who want to know of a tick. */
static void daemon_publish(struct daemon *daemon)
{
	const struct tick *tick = ticker_last(daemon->ticker);
	json_t *json;

	json_decref(daemon->tick_json);
	daemon->tick_json = NULL;
	daemon->tick_params = (struct recording_params){
		.is_known = true,
		.policy = daemon->config.policy_params,
		.guard = daemon->config.guard_params,
	};
	daemon_record(daemon, tick);
	if (daemon->metrics && metrics_set(daemon->metrics, tick) < 0)
		journal_log(JOURNAL_ERROR, NULL,
			    "out of memory: the metrics stay as they were");
	if (control_has_subscribers(daemon->control)) {
		json = daemon_tick_json(daemon);
		if (json)
			control_send_event(daemon->control, "tick", json);
	}
	if (tick->thrashing.is_thrashing && !daemon->is_thrashing &&
	    daemon->config.thrash_hook)
		daemon_run_hook(daemon, tick);
	daemon->is_thrashing = tick->thrashing.is_thrashing;
}

/* sd-event disables a source whose handler fails; nothing here may be. */
static int daemon_set_timer(sd_event_source *timer, uint64_t due_us)
{
	int err;

	err = sd_event_source_set_time(timer, due_us);
	if (err < 0)
		return err;
	return sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

static int daemon_set_tick_timer(struct daemon *daemon)
{
	return daemon_set_timer(daemon->tick_timer,
				ticker_due_ns(daemon->ticker) / 1000);
}

static int on_tick(sd_event_source *source, uint64_t usec, void *context)
{
	struct daemon *daemon = context;
	uint64_t now_ns = daemon_now_ns();
	bool has_ticked = false;

	(void)source;
	(void)usec;
	/* What went wrong was logged; the next period is another try. */
	(void)ticker_run(daemon->ticker, now_ns, &has_ticked);
	if (has_ticked) {
		daemon_publish(daemon);
		daemon_notify_status(daemon);
		control_expire(daemon->control, now_ns);
		command_expire(daemon, now_ns);
	}
	return daemon_set_tick_timer(daemon);
}

static int on_news(sd_event_source *source, int fd, uint32_t events,
		   void *context)
{
	struct daemon *daemon = context;
	struct virt_news news;
	unsigned int nr;

	(void)source;
	(void)fd;
	(void)events;
	for (nr = 0;
	     nr < DAEMON_MAX_NEWS && virt_take_news(daemon->virt, &news);
	     nr++) {
		struct journal_about about = { .uuid = news.uuid };

		if (ticker_take_news(daemon->ticker, &news, daemon_now_ns()) <
		    0)
			journal_log(JOURNAL_ERROR, &about,
				    "out of memory: news of a VM were lost");
		command_take_news(daemon, &news);
		virt_news_done(&news);
	}
	daemon_notify_status(daemon);
	return daemon_set_tick_timer(daemon);
}

static int on_control(sd_event_source *source, int fd, uint32_t events,
		      void *context)
{
	struct daemon *daemon = context;

	(void)source;
	(void)fd;
	(void)events;
	control_run(daemon->control, daemon_now_ns());
	return 0;
}

static int daemon_run_metrics(struct daemon *daemon)
{
	int timeout_ms;

	if (!daemon->metrics)
		return 0;
	metrics_run(daemon->metrics);
	timeout_ms = metrics_timeout_ms(daemon->metrics);
	if (timeout_ms < 0)
		return sd_event_source_set_enabled(daemon->metrics_timer,
						   SD_EVENT_OFF);
	return daemon_set_timer(daemon->metrics_timer,
				daemon_now_ns() / 1000 +
					(uint64_t)timeout_ms * 1000);
}

static int on_metrics(sd_event_source *source, int fd, uint32_t events,
		      void *context)
{
	(void)source;
	(void)fd;
	(void)events;
	return daemon_run_metrics(context);
}

static int on_metrics_timer(sd_event_source *source, uint64_t usec,
			    void *context)
{
	(void)source;
	(void)usec;
	return daemon_run_metrics(context);
}

static int on_reload(sd_event_source *source,
		     const struct signalfd_siginfo *info, void *context)
{
	struct daemon *daemon = context;
	char reason[CONFIG_ERROR_BYTES];

	(void)source;
	(void)info;
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
			 daemon_now_ns() / 1000);
	(void)daemon_reload(daemon, reason);
	(void)sd_notify(0, "READY=1");
	daemon_notify_status(daemon);
	return daemon_set_tick_timer(daemon);
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info,
		   void *context)
{
	struct daemon *daemon = context;

	(void)source;
	(void)sd_notify(0, "STOPPING=1");
	journal_log(JOURNAL_NOTICE, NULL,
		    "%s: ending; balloons stay where they are",
		    strsignal((int)info->ssi_signo));
	return sd_event_exit(daemon->event, 0);
}

static bool daemon_is_same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* Keeps what counts only from a start on, and says so. */
static void daemon_keep(const char *key, char **before, char **after)
{
	static const struct journal_about about = { .event = "reload" };
	char *other;

	if (daemon_is_same(*before, *after))
		return;
	journal_log(
		JOURNAL_WARNING, &about,
		"%s has changed: that counts after 'systemctl restart kvm-aetd'",
		key);
	other = *before;
	*before = *after;
	*after = other;
}

/* -errno: @ret_error; nothing has changed. */
static int daemon_open_metrics(const struct config *config,
			       struct metrics **ret_metrics,
			       char ret_error[CONFIG_ERROR_BYTES])
{
	struct metrics *metrics = NULL;
	int err;

	if (config->metrics_address) {
		err = metrics_new(config->metrics_address, config->metrics_port,
				  &metrics);
		if (err < 0) {
			(void)snprintf(
				ret_error, CONFIG_ERROR_BYTES,
				"no metrics on %.64s port %u: %s; free the port, or set another [metrics] port, or address = none",
				config->metrics_address,
				(unsigned int)config->metrics_port,
				strerror(-err));
			return err;
		}
	}
	*ret_metrics = metrics;
	return 0;
}

static void daemon_close_metrics(struct daemon *daemon)
{
	daemon->metrics_io = sd_event_source_disable_unref(daemon->metrics_io);
	daemon->metrics_timer =
		sd_event_source_disable_unref(daemon->metrics_timer);
	metrics_free(daemon->metrics);
	daemon->metrics = NULL;
}

/* Takes @metrics, which may be NULL, instead of those there are. */
static int daemon_use_metrics(struct daemon *daemon, struct metrics *metrics)
{
	const struct tick *tick = ticker_last(daemon->ticker);
	int err;

	daemon_close_metrics(daemon);
	daemon->metrics = metrics;
	*daemon->metrics_problem = '\0';
	if (!metrics)
		return 0;
	err = sd_event_add_io(daemon->event, &daemon->metrics_io,
			      metrics_fd(metrics), EPOLLIN, on_metrics, daemon);
	if (err < 0)
		return err;
	err = sd_event_source_set_priority(daemon->metrics_io,
					   DAEMON_CLIENT_PRIORITY);
	if (err < 0)
		return err;
	err = sd_event_add_time(daemon->event, &daemon->metrics_timer,
				CLOCK_MONOTONIC, UINT64_MAX, 0,
				on_metrics_timer, daemon);
	if (err < 0)
		return err;
	if (tick && metrics_set(metrics, tick) < 0)
		return -ENOMEM;
	return daemon_run_metrics(daemon);
}

static int daemon_record_with(struct daemon *daemon,
			      const struct config *config, const char *name,
			      char ret_error[CONFIG_ERROR_BYTES])
{
	static const struct journal_about about = { .event = "record" };
	struct recording_writer *writer;
	char *path;
	int err;

	if (asprintf(&path, "%s/%s", config->record_directory, name) < 0) {
		(void)snprintf(ret_error, CONFIG_ERROR_BYTES, "out of memory");
		return -ENOMEM;
	}
	/* To begin it anew would keep its end as the old one, cut off. */
	if (daemon->record_path && strcmp(daemon->record_path, path) == 0) {
		(void)snprintf(ret_error, CONFIG_ERROR_BYTES,
			       "%.300s is being recorded already", path);
		free(path);
		return -EALREADY;
	}
	err = recording_writer_open(path, config->record_max_bytes, &writer);
	if (err < 0) {
		(void)snprintf(ret_error, CONFIG_ERROR_BYTES,
			       "cannot record to %.300s: %s", path,
			       err == -EEXIST ?
				       "it exists and is not a regular file" :
				       strerror(-err));
		free(path);
		return err;
	}
	daemon_record_stop(daemon);
	daemon->writer = writer;
	daemon->record_path = path;
	journal_log(JOURNAL_NOTICE, &about, "recording to %s", path);
	return 0;
}

int daemon_record_start(struct daemon *daemon, const char *name,
			char ret_error[CONFIG_ERROR_BYTES])
{
	return daemon_record_with(daemon, &daemon->config, name, ret_error);
}

void daemon_record_stop(struct daemon *daemon)
{
	static const struct journal_about about = { .event = "record" };

	if (daemon->writer)
		journal_log(JOURNAL_NOTICE, &about, "recording to %s ends",
			    daemon->record_path);
	recording_writer_close(daemon->writer);
	daemon->writer = NULL;
	free(daemon->record_path);
	daemon->record_path = NULL;
	*daemon->record_problem = '\0';
}

static bool daemon_is_same_metrics(const struct daemon *daemon,
				   const struct config *config)
{
	return daemon->config.metrics_port == config->metrics_port &&
	       daemon_is_same(daemon->config.metrics_address,
			      config->metrics_address);
}

/* Takes over @config, of which all that can fail has been done. */
static void daemon_use_config(struct daemon *daemon, struct config *config)
{
	daemon_keep("[libvirt] uri", &daemon->config.uri, &config->uri);
	daemon_keep("[control] socket", &daemon->config.socket_path,
		    &config->socket_path);
	daemon_keep("[control] group", &daemon->config.socket_group,
		    &config->socket_group);
	if (daemon->config.stats_period_s != config->stats_period_s)
		journal_log(
			JOURNAL_WARNING, NULL,
			"[libvirt] stats-period has changed: that counts after 'systemctl restart kvm-aetd'");
	config_done(&daemon->config);
	daemon->config = *config;
	*config = (struct config){ 0 };
	ticker_set_config(daemon->ticker, &daemon->config, daemon_now_ns());
}

static int daemon_try_reload(struct daemon *daemon,
			     char ret_error[CONFIG_ERROR_BYTES])
{
	CLEANUP(config_done) struct config config = { 0 };
	struct metrics *metrics = NULL;
	bool has_metrics;
	int err;

	err = config_read(daemon->config_path, &config, ret_error);
	if (err < 0)
		return err;
	has_metrics = !daemon_is_same_metrics(daemon, &config);
	/* What already fails may go on doing so: it is in the status. */
	if (has_metrics || *daemon->metrics_problem) {
		err = daemon_open_metrics(&config, &metrics, ret_error);
		if (err < 0 && has_metrics)
			return err;
		has_metrics = err == 0;
	}
	if (config.record_name &&
	    (!daemon_is_same(config.record_name, daemon->config.record_name) ||
	     !daemon->writer)) {
		err = daemon_record_with(daemon, &config, config.record_name,
					 ret_error);
		if (err < 0 && err != -EALREADY) {
			metrics_free(metrics);
			return err;
		}
	} else if (!config.record_name && daemon->config.record_name) {
		daemon_record_stop(daemon);
	}
	daemon_use_config(daemon, &config);
	if (has_metrics && daemon_use_metrics(daemon, metrics) < 0) {
		daemon_close_metrics(daemon);
		(void)snprintf(daemon->metrics_problem,
			       sizeof(daemon->metrics_problem),
			       "no metrics: out of memory");
	}
	return 0;
}

int daemon_reload(struct daemon *daemon, char ret_error[CONFIG_ERROR_BYTES])
{
	static const struct journal_about about = { .event = "reload" };
	int err;

	err = daemon_try_reload(daemon, ret_error);
	if (err < 0) {
		journal_log(JOURNAL_ERROR, &about,
			    "%s; the configuration stays as it was", ret_error);
		return err;
	}
	daemon->is_reloaded = true;
	journal_log(JOURNAL_NOTICE, &about,
		    "configuration read again: mode %s, policy %s",
		    recording_mode_name(daemon->config.mode),
		    daemon->config.policy->name);
	return 0;
}

static int daemon_open_control(struct daemon *daemon)
{
	const struct config *config = &daemon->config;
	char reason[CONTROL_ERROR_BYTES];
	int err;

	err = control_new(config->socket_path, config->socket_group,
			  KVM_AET_VERSION, command_handle, daemon,
			  &daemon->control, reason);
	if (err == -ESRCH) {
		journal_log(JOURNAL_WARNING, NULL,
			    "%s; until then only root can use it", reason);
		err = control_new(config->socket_path, NULL, KVM_AET_VERSION,
				  command_handle, daemon, &daemon->control,
				  reason);
	}
	if (err < 0)
		journal_log(JOURNAL_ERROR, NULL, "%s", reason);
	return err;
}

/* Guests come first: without metrics or a recording the daemon still works. */
static int daemon_open_extras(struct daemon *daemon)
{
	char reason[CONFIG_ERROR_BYTES];
	struct metrics *metrics = NULL;
	int err;

	err = daemon_open_metrics(&daemon->config, &metrics, reason);
	if (err < 0) {
		journal_log(JOURNAL_ERROR, NULL, "%s", reason);
		(void)snprintf(daemon->metrics_problem,
			       sizeof(daemon->metrics_problem), "%.319s",
			       reason);
	} else {
		err = daemon_use_metrics(daemon, metrics);
		if (err < 0)
			return err;
	}
	if (daemon->config.record_name &&
	    daemon_record_start(daemon, daemon->config.record_name, reason) <
		    0) {
		journal_log(JOURNAL_ERROR, NULL, "%s", reason);
		(void)snprintf(daemon->record_problem,
			       sizeof(daemon->record_problem), "%.319s",
			       reason);
	}
	return 0;
}

static int daemon_add_io(struct daemon *daemon, int fd, int64_t priority,
			 sd_event_io_handler_t handler)
{
	sd_event_source *source;
	int err;

	err = sd_event_add_io(daemon->event, &source, fd, EPOLLIN, handler,
			      daemon);
	if (err < 0)
		return err;
	err = sd_event_source_set_priority(source, priority);
	if (err < 0) {
		sd_event_source_unref(source);
		return err;
	}
	err = sd_event_source_set_floating(source, true);
	sd_event_source_unref(source);
	/* sd-event says with 1 that it did something. */
	return err < 0 ? err : 0;
}

static int daemon_add_signals(struct daemon *daemon)
{
	int err;

	err = sd_event_add_signal(daemon->event, NULL, SIGTERM, on_stop,
				  daemon);
	if (err >= 0)
		err = sd_event_add_signal(daemon->event, NULL, SIGINT, on_stop,
					  daemon);
	if (err >= 0)
		err = sd_event_add_signal(daemon->event, NULL, SIGHUP,
					  on_reload, daemon);
	if (err >= 0)
		err = sd_event_set_watchdog(daemon->event, true);
	return err < 0 ? err : 0;
}

static int daemon_open(struct daemon *daemon)
{
	int err;

	err = sd_event_default(&daemon->event);
	if (err < 0)
		return err;
	err = daemon_add_signals(daemon);
	if (err < 0)
		return err;
	err = hook_new(daemon->event, &daemon->hook);
	if (err < 0)
		return err;
	err = virt_new(daemon->config.uri, daemon->config.stats_period_s,
		       &daemon->virt);
	if (err < 0)
		return err;
	err = ticker_new(&daemon->config, "/proc", daemon->virt,
			 &daemon->ticker);
	if (err < 0)
		return err;
	err = sd_event_add_time(daemon->event, &daemon->tick_timer,
				CLOCK_MONOTONIC, 0, DAEMON_ACCURACY_US, on_tick,
				daemon);
	if (err < 0)
		return err;
	err = daemon_open_extras(daemon);
	if (err < 0)
		return err;
	err = daemon_add_io(daemon, virt_fd(daemon->virt),
			    SD_EVENT_PRIORITY_NORMAL, on_news);
	if (err < 0)
		return err;
	return daemon_add_io(daemon, control_fd(daemon->control),
			     DAEMON_CLIENT_PRIORITY, on_control);
}

static void daemon_close(struct daemon *daemon)
{
	/* First of all disarm: whatever hangs below, guests run untouched. */
	ticker_free(daemon->ticker);
	daemon->ticker = NULL;
	hook_free(daemon->hook);
	control_free(daemon->control);
	daemon_close_metrics(daemon);
	daemon_record_stop(daemon);
	sd_event_source_unref(daemon->tick_timer);
	sd_event_unref(daemon->event);
	virt_free(daemon->virt);
	json_decref(daemon->tick_json);
	config_done(&daemon->config);
}

static uint64_t daemon_unix_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* Before any thread begins, so that all signals come to the loop. */
static int daemon_block_signals(void)
{
	sigset_t signals;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)sigaddset(&signals, SIGHUP);
	(void)sigaddset(&signals, SIGCHLD);
	return sigprocmask(SIG_BLOCK, &signals, NULL) < 0 ? -errno : 0;
}

static int daemon_run(struct daemon *daemon)
{
	int err;

	daemon->started_unix_ns = daemon_unix_ns();
	err = daemon_block_signals();
	if (err == 0)
		err = daemon_open_control(daemon);
	else
		journal_log(JOURNAL_ERROR, NULL, "signals: %s", strerror(-err));
	if (err == 0) {
		err = daemon_open(daemon);
		if (err < 0)
			journal_log(JOURNAL_ERROR, NULL, "cannot start: %s",
				    strerror(-err));
	}
	if (err == 0) {
		journal_log(JOURNAL_NOTICE, NULL,
			    "version %s: mode %s, policy %s, %s",
			    KVM_AET_VERSION,
			    recording_mode_name(daemon->config.mode),
			    daemon->config.policy->name, daemon->config.uri);
		(void)sd_notify(0, "READY=1");
		err = sd_event_loop(daemon->event);
		if (err < 0)
			journal_log(JOURNAL_ERROR, NULL, "loop: %s",
				    strerror(-err));
	}
	daemon_close(daemon);
	return err;
}

static int print_text(const char *text)
{
	if (fputs(text, stdout) < 0 || fflush(stdout) < 0) {
		log_error("cannot write to standard output: %s",
			  strerror(errno));
		return EXIT_STATUS_FAILED;
	}
	return EXIT_STATUS_OK;
}

/* In the form of the file. */
static int print_config(const struct config *config)
{
	char section[64] = "";
	const char *key;
	size_t i;

	for (i = 0; (key = config_key(i)); i++) {
		_cleanup_free_ char *value = config_value(config, i);
		const char *name = strchr(key, '.') + 1;
		size_t length = (size_t)(name - 1 - key);

		if (!value) {
			log_error("out of memory");
			return EXIT_STATUS_FAILED;
		}
		if (strlen(section) != length ||
		    memcmp(section, key, length) != 0) {
			(void)printf("%s[%.*s]\n", *section ? "\n" : "",
				     (int)length, key);
			(void)snprintf(section, sizeof(section), "%.*s",
				       (int)length, key);
		}
		(void)printf("%s = %s\n", name, value);
	}
	return print_text("");
}

int main(int argc, char **argv)
{
	struct daemon daemon = { 0 };
	char reason[CONFIG_ERROR_BYTES];
	struct options options;
	int status;

	/* Sockets and recordings are nobody else's. */
	(void)umask(077);
	if (options_parse(argc, argv, &options) < 0)
		return EXIT_STATUS_USAGE;
	if (options.text)
		return print_text(options.text);
	if (!options.is_foreground && !options.is_check)
		journal_open();
	daemon.config_path = options.config_path ? options.config_path :
						   CONFIG_FILE;
	if (options.config_path && access(options.config_path, F_OK) < 0) {
		journal_log(JOURNAL_ERROR, NULL, "%s: %s", options.config_path,
			    strerror(errno));
		return EXIT_STATUS_FAILED;
	}
	if (config_read(daemon.config_path, &daemon.config, reason) < 0) {
		journal_log(JOURNAL_ERROR, NULL, "%s", reason);
		return EXIT_STATUS_FAILED;
	}
	if (options.is_check) {
		status = print_config(&daemon.config);
		config_done(&daemon.config);
		return status;
	}
	return daemon_run(&daemon) < 0 ? EXIT_STATUS_FAILED : EXIT_STATUS_OK;
}
