/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libvirt, behind a thread of its own: a call to a hung QEMU or a dying libvirtd
 * blocks that thread and nobody else. The daemon's loop hands it orders and takes
 * its news; neither waits for the other.
 *
 *	err = virt_new(uri, stats_period_s, &virt);
 *	sd_event_add_io(event, &source, virt_fd(virt), EPOLLIN, on_news, ...);
 *	while (virt_take_news(virt, &news)) { ...; virt_news_done(&news); }
 *	virt_set_target(virt, uuid, bytes);
 *	virt_free(virt);
 *
 * The thread connects, reconnects for ever (with keepalive, so that a dead
 * libvirtd is noticed), registers for domain events, and never polls for what
 * events tell. All functions are for the loop's thread. KiB exist only in
 * virt.c.
 */
#ifndef DAEMON_VIRT_H
#define DAEMON_VIRT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/domain_xml.h"
#include "policy/view.h"

enum virt_news_kind {
	VIRT_CONNECTED, /* VIRT_DOMAIN for every running domain has been sent */
	VIRT_DISCONNECTED, /* @error says why; all domains stay as last known */
	VIRT_DOMAIN, /* a domain runs, or its facts, metadata or state changed */
	VIRT_DOMAIN_GONE, /* stopped, destroyed, migrated away, crashed: @error */
	VIRT_BALLOON, /* @actual_bytes changed, or was read back */
	VIRT_STATS, /* answer to virt_read_stats() */
	VIRT_MOVED, /* answer to virt_set_target(): @err */
};

/**
 * struct virt_news - one thing that the thread has to say
 * @kind: what
 * @uuid: domain; empty for the first two
 * @name: VIRT_DOMAIN: owned by the news
 * @is_paused: VIRT_DOMAIN
 * @facts: VIRT_DOMAIN
 * @policy: VIRT_DOMAIN: its metadata; defaults if @policy_error
 * @policy_error: VIRT_DOMAIN: empty, or what is wrong with the metadata
 * @actual_bytes: VIRT_DOMAIN, VIRT_BALLOON, VIRT_STATS
 * @target_bytes: VIRT_DOMAIN, VIRT_STATS: what libvirt remembers as asked for
 * @has_stats: VIRT_STATS: the guest's values are there and fresh
 * @stats_problem: VIRT_STATS: else why not, static, for people
 * @stats: VIRT_STATS; rates are since the values before
 * @requested_bytes: VIRT_MOVED: the target asked for
 * @err: VIRT_MOVED: 0 or -errno
 * @error: one line for people, owned by the news, or NULL
 */
struct virt_news {
	enum virt_news_kind kind;
	char uuid[VIEW_UUID_BYTES];
	char *name;
	bool is_paused;
	struct domain_facts facts;
	struct domain_policy policy;
	char policy_error[DOMAIN_XML_ERROR_BYTES];
	uint64_t actual_bytes;
	uint64_t target_bytes;
	bool has_stats;
	const char *stats_problem;
	struct vm_guest_stats stats;
	uint64_t requested_bytes;
	int err;
	char *error;
};

void virt_news_done(struct virt_news *news);

struct virt;

/*
 * @uri: such as qemu:///system. @stats_period_s: of the guest's balloon driver,
 * set on every domain with a balloon. Starts the thread; an unreachable libvirtd
 * is no error, but news.
 */
int virt_new(const char *uri, unsigned int stats_period_s,
	     struct virt **ret_virt);

/* Ends the thread; does not wait longer than 2 s for a hung call. NULL is fine. */
void virt_free(struct virt *virt);

/* Readable (an eventfd) while there are news. */
int virt_fd(const struct virt *virt);

/* True and the oldest news, to be released with virt_news_done(). */
bool virt_take_news(struct virt *virt, struct virt_news *ret_news);

/* Orders; -EAGAIN: not connected; -ENOMEM. The answer is news. */
int virt_set_target(struct virt *virt, const char *uuid, uint64_t bytes);
int virt_read_stats(struct virt *virt, const char *uuid);

/*
 * Writes a VM's metadata for `kvm-aet set` (live, and config if persistent);
 * answered by VIRT_DOMAIN, through the event, or VIRT_MOVED with an @err.
 */
int virt_set_policy(struct virt *virt, const char *uuid,
		    const struct domain_policy *policy);

/* How long the thread has been in one libvirt call, ns; 0 if in none. */
uint64_t virt_busy_ns(const struct virt *virt);

#endif /* DAEMON_VIRT_H */
