/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The running VMs, as libvirt and the trackers tell of them, and from that the
 * views. No libvirt and no kernel module in here.
 */
#ifndef DAEMON_GUESTS_H
#define DAEMON_GUESTS_H

#include "daemon/config.h"
#include "daemon/control.h"
#include "daemon/tracker.h"
#include "daemon/virt.h"

#define GUESTS_ERROR_BYTES 320

/**
 * struct guest_moment - a decision and what it was made from, without curves
 * @number: of the tick
 * @time_ns: of it
 * @unix_ns: likewise
 * @policy: likewise
 * @host: likewise
 * @thrashing: likewise; its candidate is 0 if that was this VM, else -1
 * @view: of the VM; points to nothing
 * @decision: about it
 * @immovable_reason: of the view
 */
struct guest_moment {
	uint64_t number;
	uint64_t time_ns;
	uint64_t unix_ns;
	const struct policy *policy;
	struct host_view host;
	struct thrashing thrashing;
	struct vm_view view;
	struct decision decision;
	char immovable_reason[DECISION_REASON_BYTES];
};

/**
 * struct guest - a VM
 * @uuid: of the domain
 * @name: of the domain; untrusted
 * @is_paused: its vCPUs do not run
 * @is_migrating: libvirt migrates, saves or dumps it
 * @xml_error: why its XML could not be read; empty: it could
 * @is_seen: libvirt named it since the daemon connected
 * @facts: of the domain's XML
 * @policy: the last valid one of its metadata
 * @has_policy: there has been a valid one, though it may be empty
 * @policy_error: why the metadata is not valid now; empty: it is
 * @actual_bytes: what it has
 * @target_bytes: what its balloon was told
 * @has_stats: @stats were fresh at @stats_ns
 * @stats_problem: else why not, or NULL
 * @stats_ns: see above
 * @stats: the guest's own words
 * @tracker: its tracker
 * @tracker_message: what it said last, to say it once; or NULL
 * @fixed_inverse_rate: the sampling rate that somebody set; 0: nobody
 * @due_ns: when its tracker's next period is
 * @moving_bytes: target that libvirt was told and has not confirmed; 0: none
 * @hung_ns: libvirt has been in a call for it for so long, which is too long; else 0
 * @last_verdict: what was logged last
 * @last_reason: likewise
 * @history: ring of @nr_history moments, of which the next goes to
 * @next_history
 * @nr_history: see above
 * @next_history: see above
 */
struct guest {
	char uuid[VIEW_UUID_BYTES];
	char *name;
	bool is_paused;
	bool is_migrating;
	char xml_error[DOMAIN_XML_ERROR_BYTES];
	bool is_seen;
	struct domain_facts facts;
	struct domain_policy policy;
	bool has_policy;
	char policy_error[DOMAIN_XML_ERROR_BYTES];
	uint64_t actual_bytes;
	uint64_t target_bytes;
	bool has_stats;
	const char *stats_problem;
	uint64_t stats_ns;
	struct vm_guest_stats stats;
	struct tracker *tracker;
	char *tracker_message;
	uint32_t fixed_inverse_rate;
	uint64_t due_ns;
	uint64_t moving_bytes;
	uint64_t hung_ns;
	enum verdict last_verdict;
	char last_reason[DECISION_REASON_BYTES];
	struct guest_moment *history;
	unsigned int nr_history;
	unsigned int next_history;
};

/* All of them, by uuid. All-zero: none. */
struct guests {
	struct guest **list;
	size_t nr;
};

void guests_done(struct guests *guests);

struct guest *guests_find(const struct guests *guests, const char *uuid);

/* The one of that uuid, made if there is none. -ENOMEM. */
int guests_get(struct guests *guests, const char *uuid,
	       struct guest **ret_guest);

/* Forgets it and ends its tracking. */
void guests_remove(struct guests *guests, struct guest *guest);

/*
 * VIRT_DOMAIN, VIRT_BALLOON or VIRT_STATS about it. *ret_is_changed: the VM is
 * not what it was, so measure it. -ENOMEM.
 */
int guest_take_news(struct guest *guest, const struct virt_news *news,
		    uint64_t now_ns, bool *ret_is_changed);

/*
 * What is demanded for it. Metadata that is not valid leaves the last valid one
 * in force, or if there was none, the VM is observed.
 */
struct vm_limits guest_limits(const struct guest *guest,
			      const struct config *config,
			      enum vm_mode host_mode);

/* What people should know and do about it; false: nothing. */
bool guest_problem(const struct guest *guest,
		   char ret_problem[GUESTS_ERROR_BYTES]);

/*
 * Fills all of a view. @hold_reason: why no VM can be moved now, or NULL.
 * @stats_age_ns: older statistics do not count. What it points to is the
 * guest's and its tracker's.
 */
void guest_view(const struct guest *guest, const struct config *config,
		enum vm_mode host_mode, const char *hold_reason,
		uint64_t now_ns, uint64_t stats_age_ns, struct vm_view *view);

/* Remembers the last CONTROL_HISTORY. -ENOMEM. */
int guest_remember(struct guest *guest, const struct tick *tick, size_t index);

/*
 * The @index-th oldest as a tick of one VM; *ret_view and *ret_decision are
 * where the tick points to; valid until the guest changes. False: there are no
 * more.
 */
bool guest_moment(const struct guest *guest, size_t index,
		  struct vm_view *ret_view, struct decision *ret_decision,
		  struct tick *ret_tick);

#endif /* DAEMON_GUESTS_H */
