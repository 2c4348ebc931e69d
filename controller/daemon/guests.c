// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/guests.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "units.h"

/* Few VMs live to fill a history; rings grow up to CONTROL_HISTORY. */
#define GUESTS_FIRST_HISTORY 8

static void guest_free(struct guest *guest)
{
	if (!guest)
		return;
	tracker_free(guest->tracker);
	free(guest->tracker_message);
	free(guest->history);
	free(guest->name);
	free(guest);
}

void guests_done(struct guests *guests)
{
	size_t i;

	for (i = 0; i < guests->nr; i++)
		guest_free(guests->list[i]);
	free(guests->list);
	*guests = (struct guests){ 0 };
}

/* The first guest that is not before @uuid. */
static size_t guests_search(const struct guests *guests, const char *uuid)
{
	size_t low = 0, high = guests->nr;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(guests->list[middle]->uuid, uuid) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct guest *guests_find(const struct guests *guests, const char *uuid)
{
	size_t i = guests_search(guests, uuid);

	if (i < guests->nr && strcmp(guests->list[i]->uuid, uuid) == 0)
		return guests->list[i];
	return NULL;
}

int guests_get(struct guests *guests, const char *uuid,
	       struct guest **ret_guest)
{
	size_t i = guests_search(guests, uuid);
	struct guest **list, *guest;

	if (i < guests->nr && strcmp(guests->list[i]->uuid, uuid) == 0) {
		*ret_guest = guests->list[i];
		return 0;
	}
	list = reallocarray(guests->list, guests->nr + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	guests->list = list;
	guest = calloc(1, sizeof(*guest));
	if (!guest)
		return -ENOMEM;
	(void)snprintf(guest->uuid, sizeof(guest->uuid), "%s", uuid);
	memmove(list + i + 1, list + i, (guests->nr - i) * sizeof(*list));
	list[i] = guest;
	guests->nr++;
	*ret_guest = guest;
	return 0;
}

void guests_remove(struct guests *guests, struct guest *guest)
{
	size_t i = guests_search(guests, guest->uuid);

	memmove(guests->list + i, guests->list + i + 1,
		(guests->nr - i - 1) * sizeof(*guests->list));
	guests->nr--;
	guest_free(guest);
}

static void guest_take_policy(struct guest *guest, const struct virt_news *news)
{
	memcpy(guest->policy_error, news->policy_error,
	       sizeof(guest->policy_error));
	if (*news->policy_error)
		return;
	guest->policy = news->policy;
	guest->has_policy = true;
}

static int guest_take_domain(struct guest *guest, const struct virt_news *news)
{
	if (news->name && (!guest->name || strcmp(guest->name, news->name))) {
		char *name = strdup(news->name);

		if (!name)
			return -ENOMEM;
		free(guest->name);
		guest->name = name;
	}
	guest->is_paused = news->is_paused;
	guest->is_migrating = news->is_migrating;
	(void)snprintf(guest->xml_error, sizeof(guest->xml_error), "%s",
		       news->error ? news->error : "");
	guest->is_seen = true;
	guest->facts = news->facts;
	guest_take_policy(guest, news);
	guest->target_bytes = news->target_bytes;
	return 0;
}

static void guest_take_stats(struct guest *guest, const struct virt_news *news,
			     uint64_t now_ns)
{
	guest->has_stats = news->has_stats;
	guest->stats_problem = news->stats_problem;
	guest->stats_ns = now_ns;
	if (news->has_stats)
		guest->stats = news->stats;
	if (news->target_bytes)
		guest->target_bytes = news->target_bytes;
}

int guest_take_news(struct guest *guest, const struct virt_news *news,
		    uint64_t now_ns, bool *ret_is_changed)
{
	uint64_t actual_bytes = guest->actual_bytes;
	int err;

	if (news->kind == VIRT_DOMAIN) {
		err = guest_take_domain(guest, news);
		if (err < 0)
			return err;
	} else if (news->kind == VIRT_STATS) {
		guest_take_stats(guest, news, now_ns);
	}
	if (news->actual_bytes)
		guest->actual_bytes = news->actual_bytes;
	*ret_is_changed = news->kind == VIRT_DOMAIN ||
			  guest->actual_bytes != actual_bytes;
	return 0;
}

static uint64_t guest_round_down(uint64_t bytes)
{
	return bytes & ~(uint64_t)(VIEW_PAGE_BYTES - 1);
}

/* What it can have at most; a domain without a balloon has what it has. */
static uint64_t guest_most_bytes(const struct guest *guest)
{
	uint64_t most = guest->facts.max_bytes ? guest->facts.max_bytes :
						 guest->actual_bytes;

	most = guest_round_down(most);
	return most > VIEW_PAGE_BYTES ? most : VIEW_PAGE_BYTES;
}

static uint64_t guest_default_min(const struct config *config, uint64_t most)
{
	if (config->default_min_bytes)
		return config->default_min_bytes;
	return (uint64_t)((double)most * config->default_min_ratio);
}

struct vm_limits guest_limits(const struct guest *guest,
			      const struct config *config,
			      enum vm_mode host_mode)
{
	const struct domain_policy *policy = &guest->policy;
	uint64_t most = guest_most_bytes(guest);
	struct vm_limits limits = {
		.max_bytes = most,
		.weight = policy->has_weight ? policy->weight : 1,
		.mode = host_mode,
	};

	if (policy->has_max && policy->max_bytes < most)
		limits.max_bytes = guest_round_down(policy->max_bytes);
	if (limits.max_bytes < VIEW_PAGE_BYTES)
		limits.max_bytes = VIEW_PAGE_BYTES;
	limits.min_bytes = guest_round_down(
		policy->has_min ? policy->min_bytes :
				  guest_default_min(config, most));
	if (limits.min_bytes < VIEW_PAGE_BYTES)
		limits.min_bytes = VIEW_PAGE_BYTES;
	if (limits.min_bytes > limits.max_bytes)
		limits.min_bytes = limits.max_bytes;
	if (policy->has_mode && policy->mode < limits.mode)
		limits.mode = policy->mode;
	/* What was demanded, nobody knows. */
	if (!guest->has_policy)
		limits.mode = VM_MODE_OBSERVE;
	return limits;
}

bool guest_problem(const struct guest *guest,
		   char ret_problem[GUESTS_ERROR_BYTES])
{
	uint64_t most = guest_most_bytes(guest);
	const char *reason;

	if (guest->hung_ns) {
		(void)snprintf(
			ret_problem, GUESTS_ERROR_BYTES,
			"libvirt has not answered for it for %.0f s, so it is not moved: "
			"its QEMU may hang",
			units_seconds(guest->hung_ns));
		return true;
	}
	if (*guest->policy_error) {
		(void)snprintf(
			ret_problem, GUESTS_ERROR_BYTES,
			"its metadata is not valid (%s): %s; correct it with "
			"'kvm-aet set' or 'virsh metadata'",
			guest->policy_error,
			guest->has_policy ? "the one before stays in force" :
					    "it is only observed");
		return true;
	}
	if (guest->policy.has_min && guest->policy.min_bytes > most) {
		(void)snprintf(
			ret_problem, GUESTS_ERROR_BYTES,
			"its metadata demands more (min) than the domain can have: "
			"it keeps all of its %.0f MiB",
			(double)most / (1 << 20));
		return true;
	}
	if (guest->tracker &&
	    tracker_state(guest->tracker, &reason) != TRACKER_TRACKING &&
	    tracker_state(guest->tracker, &reason) != TRACKER_PAUSED) {
		(void)snprintf(ret_problem, GUESTS_ERROR_BYTES,
			       "it is not measured: %s",
			       reason ? reason : "not yet");
		return true;
	}
	if (!guest->has_stats && guest->stats_problem) {
		(void)snprintf(ret_problem, GUESTS_ERROR_BYTES,
			       "no statistics from the guest: %s",
			       guest->stats_problem);
		return true;
	}
	if (guest->facts.has_balloon && !guest->facts.has_free_page_reporting) {
		(void)snprintf(
			ret_problem, GUESTS_ERROR_BYTES,
			"its balloon has no freePageReporting: the host gets back only what "
			"the balloon takes; set it in the domain's <memballoon>");
		return true;
	}
	return false;
}

static const char *guest_immovable_reason(const struct guest *guest,
					  const char *hold_reason)
{
	const char *reason;

	if (*guest->xml_error)
		return guest->xml_error;
	reason = domain_facts_immovable_reason(&guest->facts);
	if (reason)
		return reason;
	if (guest->is_migrating)
		return "libvirt migrates or saves it";
	if (hold_reason)
		return hold_reason;
	if (guest->hung_ns)
		return "libvirt does not answer for this VM, whose QEMU may hang";
	if (guest->moving_bytes)
		return "libvirt has not yet confirmed the last move";
	return NULL;
}

void guest_view(const struct guest *guest, const struct config *config,
		enum vm_mode host_mode, const char *hold_reason,
		uint64_t now_ns, uint64_t stats_age_ns, struct vm_view *view)
{
	*view = (struct vm_view){
		.name = guest->name ? guest->name : "",
		.limits = guest_limits(guest, config, host_mode),
		.actual_bytes = guest->actual_bytes ?
					guest->actual_bytes :
					guest->facts.current_bytes,
		.target_bytes = guest->target_bytes,
		.is_paused = guest->is_paused,
		.has_stats = guest->has_stats &&
			     now_ns - guest->stats_ns <= stats_age_ns,
		.immovable_reason = guest_immovable_reason(guest, hold_reason),
	};
	memcpy(view->uuid, guest->uuid, sizeof(view->uuid));
	view->is_movable = !view->immovable_reason;
	if (!view->target_bytes)
		view->target_bytes = view->actual_bytes;
	if (view->has_stats)
		view->stats = guest->stats;
	if (guest->tracker)
		tracker_view(guest->tracker, now_ns, view);
}

/* Doubles the ring, oldest first. */
static int guest_grow_history(struct guest *guest)
{
	unsigned int nr = guest->nr_history ? 2 * guest->nr_history :
					      GUESTS_FIRST_HISTORY;
	struct guest_moment *history;

	if (guest->next_history < guest->nr_history ||
	    guest->nr_history == CONTROL_HISTORY)
		return 0;
	if (nr > CONTROL_HISTORY)
		nr = CONTROL_HISTORY;
	history = reallocarray(guest->history, nr, sizeof(*history));
	if (!history)
		return -ENOMEM;
	memset(history + guest->nr_history, 0,
	       (nr - guest->nr_history) * sizeof(*history));
	guest->history = history;
	guest->nr_history = nr;
	return 0;
}

int guest_remember(struct guest *guest, const struct tick *tick, size_t index)
{
	struct guest_moment *moment;
	int err;

	err = guest_grow_history(guest);
	if (err < 0)
		return err;
	moment = &guest->history[guest->next_history % guest->nr_history];
	*moment = (struct guest_moment){
		.number = tick->number,
		.time_ns = tick->time_ns,
		.unix_ns = tick->unix_ns,
		.policy = tick->policy,
		.host = tick->host,
		.thrashing = tick->thrashing,
		.view = tick->vms[index],
		.decision = tick->decisions[index],
	};
	if (moment->view.immovable_reason)
		(void)snprintf(moment->immovable_reason,
			       sizeof(moment->immovable_reason), "%s",
			       moment->view.immovable_reason);
	moment->thrashing.candidate =
		tick->thrashing.candidate == (ptrdiff_t)index ? 0 : -1;
	moment->view.name = NULL;
	moment->view.curve = NULL;
	moment->view.lower = NULL;
	moment->view.upper = NULL;
	guest->next_history++;
	/* The ring has wrapped: count on from its size, not for ever. */
	if (guest->next_history == 2 * CONTROL_HISTORY)
		guest->next_history = CONTROL_HISTORY;
	return 0;
}

bool guest_moment(const struct guest *guest, size_t index,
		  struct vm_view *ret_view, struct decision *ret_decision,
		  struct tick *ret_tick)
{
	const struct guest_moment *moment;
	size_t first = 0, nr = guest->next_history;

	if (nr > guest->nr_history) {
		first = nr - guest->nr_history;
		nr = guest->nr_history;
	}
	if (index >= nr)
		return false;
	moment = &guest->history[(first + index) % guest->nr_history];
	*ret_view = moment->view;
	ret_view->name = guest->name ? guest->name : "";
	if (!ret_view->is_movable)
		ret_view->immovable_reason = moment->immovable_reason;
	*ret_decision = moment->decision;
	*ret_tick = (struct tick){
		.number = moment->number,
		.time_ns = moment->time_ns,
		.unix_ns = moment->unix_ns,
		.policy = moment->policy,
		.host = moment->host,
		.vms = ret_view,
		.decisions = ret_decision,
		.nr_vms = 1,
		.thrashing = moment->thrashing,
	};
	return true;
}
