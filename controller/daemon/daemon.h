/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What kvm-aetd.c, which runs the loop, and commands.c, which answers, share. */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include <systemd/sd-event.h>

#include "daemon/config.h"
#include "daemon/control.h"
#include "daemon/hook.h"
#include "daemon/metrics.h"
#include "daemon/tick.h"
#include "daemon/virt.h"
#include "recording.h"

/* Answers to set-policy that libvirt owes us. */
#define DAEMON_MAX_OWED 16

/**
 * struct daemon_owed - a set-policy that libvirt has not confirmed
 * @ticket: of the request; 0: none
 * @uuid: of the VM
 * @deadline_ns: then it has failed
 */
struct daemon_owed {
	uint64_t ticket;
	char uuid[VIEW_UUID_BYTES];
	uint64_t deadline_ns;
};

/**
 * struct daemon - the whole of it
 * @config_path: main file of the configuration
 * @config: in force
 * @event: the loop
 * @virt: libvirt
 * @ticker: the work
 * @control: the socket
 * @metrics: or NULL
 * @metrics_problem: why there are none though there should be; empty: all is well
 * @writer: of the recording, or NULL
 * @record_path: of it
 * @record_problem: as @metrics_problem
 * @hook: for thrashing
 * @tick_timer: fires when ticker_due_ns() says
 * @metrics_io: polls for @metrics
 * @metrics_timer: likewise
 * @tick_json: of the last tick, made when somebody asked for it; or NULL
 * @tick_params: its decisions were made with
 * @is_thrashing: the last tick was
 * @is_reloaded: the configuration was read again, or changed by a command
 * @started_unix_ns: when
 * @owed: answers to come
 */
struct daemon {
	const char *config_path;
	struct config config;
	sd_event *event;
	struct virt *virt;
	struct ticker *ticker;
	struct control *control;
	struct metrics *metrics;
	char metrics_problem[GUESTS_ERROR_BYTES];
	struct recording_writer *writer;
	char *record_path;
	char record_problem[GUESTS_ERROR_BYTES];
	struct hook *hook;
	sd_event_source *tick_timer;
	sd_event_source *metrics_io;
	sd_event_source *metrics_timer;
	json_t *tick_json;
	struct recording_params tick_params;
	bool is_thrashing;
	bool is_reloaded;
	uint64_t started_unix_ns;
	struct daemon_owed owed[DAEMON_MAX_OWED];
};

/* CLOCK_MONOTONIC. */
uint64_t daemon_now_ns(void);

/*
 * Reads the configuration again. -errno: @ret_error says why not, and all stays as
 * it was.
 */
int daemon_reload(struct daemon *daemon, char ret_error[CONFIG_ERROR_BYTES]);

/*
 * Begins a recording of that file name; the one before ends. -errno: @ret_error
 * says why not, and the one before goes on.
 */
int daemon_record_start(struct daemon *daemon, const char *name,
			char ret_error[CONFIG_ERROR_BYTES]);
void daemon_record_stop(struct daemon *daemon);

/* The last tick as JSON, a loan; NULL: none yet, or no memory. */
json_t *daemon_tick_json(struct daemon *daemon);

/* Does commands of the control socket; the context is a struct daemon. */
enum control_verdict command_handle(void *context,
				    const struct control_request *request,
				    json_t **ret_result,
				    struct control_error *ret_error);

/* News that a command may wait for, after the ticker has had them. */
void command_take_news(struct daemon *daemon, const struct virt_news *news);

/* Commands that waited long enough have failed. */
void command_expire(struct daemon *daemon, uint64_t now_ns);

#endif /* DAEMON_DAEMON_H */
