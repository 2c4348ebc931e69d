/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libvirt, behind threads of its own: a call to a hung QEMU or a dying libvirtd
 * blocks one of them and nobody else. The daemon's loop hands it orders and takes
 * its news; neither waits for the other.
 *
 *	err = virt_new(uri, stats_period_s, &virt);
 *	sd_event_add_io(event, &source, virt_fd(virt), EPOLLIN, on_news, ...);
 *	while (virt_take_news(virt, &news)) { ...; virt_news_done(&news); }
 *	virt_set_target(virt, uuid, bytes);
 *	virt_free(virt);
 *
 * The threads connect, reconnect for ever (with keepalive, so that a dead
 * libvirtd is noticed), register for domain events, and never poll for what
 * events tell. All functions are for the loop's thread; none blocks, but
 * virt_free(). KiB exist only in virt.c.
 *
 * Sizes of a VM are all of its memory: what its balloon leaves it, and what
 * virtio-mem devices have plugged, which libvirt counts apart in some places.
 *
 * News are bounded, however slowly they are taken: of a VM at most the newest of
 * each kind waits. They come in this order: VIRT_DOMAIN_GONE ends a run of a VM,
 * VIRT_DOMAIN begins one; what there is to say of a run comes between them. A VM
 * that was restarted is gone before it is there again, though it has the same
 * uuid. After VIRT_DISCONNECTED all that was ordered is forgotten, unanswered;
 * at VIRT_CONNECTED, what became of the VMs meanwhile has been said.
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
	VIRT_POLICY_SET, /* answer to virt_set_policy(): @err */
	VIRT_NR_NEWS_KINDS,
};

/**
 * struct virt_news - one thing that the threads have to say
 * @kind: what
 * @uuid: domain; empty for the first two
 * @name: VIRT_DOMAIN: owned by the news
 * @is_paused: VIRT_DOMAIN: its vCPUs do not run
 * @is_migrating: VIRT_DOMAIN: libvirt migrates, saves or dumps it; its balloon
 *	cannot be moved meanwhile
 * @nr_resets: VIRT_DOMAIN: how often the guest was reset since it is known
 * @facts: VIRT_DOMAIN: zeros but for the sizes if @error
 * @policy: VIRT_DOMAIN: its metadata; defaults if @policy_error
 * @policy_error: VIRT_DOMAIN: empty, or what is wrong with the metadata
 * @actual_bytes: VIRT_DOMAIN, VIRT_BALLOON, VIRT_STATS
 * @target_bytes: likewise: what its balloon was last told, as far as known: see
 *	balloon.h
 * @has_stats: VIRT_STATS: the guest's values are there and fresh
 * @stats_problem: VIRT_STATS: else why not, static, for people
 * @stats: VIRT_STATS; rates are since the values before
 * @requested_bytes: VIRT_MOVED: the target asked for
 * @err: VIRT_MOVED, VIRT_POLICY_SET: 0; -EBUSY: libvirt migrates the domain or
 *	waits for its QEMU; -ETIMEDOUT: it waited in vain; -EOPNOTSUPP: no balloon,
 *	or none with a driver; -EINVAL: above its maximum; -ENOENT: not running;
 *	-EACCES; -ENOMEM; -EIO: else
 * @error: one line for people, owned by the news, or NULL. VIRT_DOMAIN: why its
 *	XML could not be read: it is shown, and cannot be moved
 */
struct virt_news {
	enum virt_news_kind kind;
	char uuid[VIEW_UUID_BYTES];
	char *name;
	bool is_paused;
	bool is_migrating;
	unsigned int nr_resets;
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

/* Frees what it owns; the rest stays. */
void virt_news_done(struct virt_news *news);

struct virt;

/*
 * @uri: such as qemu:///system. @stats_period_s: above 0: how often the guest's
 * balloon driver is asked; set on every domain with a balloon that is asked more
 * seldom, or never. Starts the threads; an unreachable libvirtd is no error, but
 * news. -ENOMEM; -errno of starting them.
 */
int virt_new(const char *uri, unsigned int stats_period_s,
	     struct virt **ret_virt);

/*
 * Ends the threads; does not wait longer than 2 s for a hung call: that one is
 * left to end by itself. NULL is fine.
 */
void virt_free(struct virt *virt);

/* Readable (an eventfd) while there are news. */
int virt_fd(const struct virt *virt);

/* True and the oldest news, to be released with virt_news_done(). */
bool virt_take_news(struct virt *virt, struct virt_news *ret_news);

/*
 * Orders; the answer is news. -EAGAIN: not connected; -ENOENT: no such domain
 * runs. A newer order for the same domain takes the place of one that has not
 * been begun: then only the newest is answered.
 */
int virt_set_target(struct virt *virt, const char *uuid, uint64_t bytes);
int virt_read_stats(struct virt *virt, const char *uuid);

/*
 * Writes a VM's metadata for `kvm-aet set`: live, and in the configuration if it
 * is persistent; all-empty: takes it away. Answered by VIRT_POLICY_SET; the new
 * policy comes with VIRT_DOMAIN, through the event. -EINVAL: it would not pass
 * domain_policy_check().
 */
int virt_set_policy(struct virt *virt, const char *uuid,
		    const struct domain_policy *policy);

/*
 * How long libvirt has done nothing for anybody, ns; 0 if it does: the thread that
 * keeps the connection has been in one call for so long, or each of those that do
 * what is ordered has. More than a few seconds is a hung libvirtd, or several hung
 * QEMUs.
 */
uint64_t virt_busy_ns(const struct virt *virt);

/*
 * How long a thread has been in one call for this domain: more than a few seconds is
 * a hung QEMU. Others are not held up by it.
 */
uint64_t virt_domain_busy_ns(const struct virt *virt, const char *uuid);

#endif /* DAEMON_VIRT_H */
