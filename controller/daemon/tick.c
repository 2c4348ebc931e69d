// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/tick.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "daemon/host.h"
#include "daemon/journal.h"
#include "units.h"

/* Statistics count for so many periods; a busy guest may miss one. */
#define TICK_STATS_PERIODS 3

#define TICK_BYTES_PER_MIB (1 << 20)

/**
 * struct ticker - see tick.h
 * @mode: of the host
 * @host: reading of the last tick
 * @has_host: there is one
 * @host_err: why there is none now, or 0
 * @is_connected: to libvirt
 * @was_connected: at least once
 * @connection_error: why not
 * @hold_reason: why no VM may be moved in this tick; empty: they may
 * @tick: the last one; owns what it points to, unlike the views of guests
 * @tick_due_ns: when the next one is
 * @said: what trackers said in this period, not to say it a thousand times
 * @nr_unsaid: how often it was not said
 */
struct ticker {
	const struct config *config;
	const char *proc;
	struct virt *virt;
	enum vm_mode mode;
	struct guests guests;
	struct decide_memory *memory;
	struct host_reading host;
	bool has_host;
	int host_err;
	bool is_connected;
	bool was_connected;
	char connection_error[GUESTS_ERROR_BYTES / 2];
	char hold_reason[DECISION_REASON_BYTES];
	struct tick tick;
	uint64_t last_number;
	uint64_t tick_due_ns;
	char *said;
	unsigned int nr_unsaid;
};

static double tick_mib(uint64_t bytes)
{
	return (double)bytes / TICK_BYTES_PER_MIB;
}

static struct journal_about tick_about(const struct guest *guest,
				       const char *event)
{
	return (struct journal_about){
		.domain = guest->name ? guest->name : guest->uuid,
		.uuid = guest->uuid,
		.event = event,
	};
}

static void tick_done(struct tick *tick)
{
	size_t i;

	for (i = 0; i < tick->nr_vms; i++) {
		struct vm_view *view = &tick->vms[i];

		/* Made by tick_own_view(), whatever their type says. */
		free((void *)view->name);
		free((void *)view->immovable_reason);
		mrc_curve_free((struct mrc_curve *)view->curve);
		mrc_curve_free((struct mrc_curve *)view->lower);
		mrc_curve_free((struct mrc_curve *)view->upper);
	}
	free(tick->vms);
	free(tick->decisions);
	*tick = (struct tick){ 0 };
}

#define _cleanup_tick_ CLEANUP(tick_done)

static bool tick_own_curve(const struct mrc_curve **curve)
{
	struct mrc_curve *copy = NULL;

	if (!*curve)
		return true;
	if (mrc_curve_scale(*curve, 1, &copy) < 0)
		copy = NULL;
	*curve = copy;
	return copy;
}

static bool tick_own_text(const char **text)
{
	if (!*text)
		return true;
	*text = strdup(*text);
	return *text;
}

/*
 * The tick is asked about until the next one, and by then VMs may be gone and
 * trackers have moved on. All pointers are its own afterwards, or NULL.
 */
static int tick_own_view(struct vm_view *view)
{
	bool is_owned = tick_own_text(&view->name);

	is_owned &= tick_own_text(&view->immovable_reason);
	is_owned &= tick_own_curve(&view->curve);
	is_owned &= tick_own_curve(&view->lower);
	is_owned &= tick_own_curve(&view->upper);
	return is_owned ? 0 : -ENOMEM;
}

int ticker_new(const struct config *config, const char *proc, struct virt *virt,
	       struct ticker **ret_ticker)
{
	struct ticker *ticker;
	int err;

	ticker = calloc(1, sizeof(*ticker));
	if (!ticker)
		return -ENOMEM;
	ticker->config = config;
	ticker->proc = proc;
	ticker->virt = virt;
	ticker->mode = config->mode;
	err = decide_memory_new(&ticker->memory);
	if (err < 0) {
		free(ticker);
		return err;
	}
	*ret_ticker = ticker;
	return 0;
}

void ticker_free(struct ticker *ticker)
{
	if (!ticker)
		return;
	guests_done(&ticker->guests);
	decide_memory_free(ticker->memory);
	tick_done(&ticker->tick);
	free(ticker->said);
	free(ticker);
}

static struct tracker_params tick_tracker_params(const struct ticker *ticker,
						 const struct guest *guest)
{
	struct tracker_params params = ticker->config->tracker;

	if (guest->fixed_inverse_rate) {
		params.rate.rule = RATE_FIXED;
		params.rate.min_inverse_rate = guest->fixed_inverse_rate;
		params.rate.max_inverse_rate = guest->fixed_inverse_rate;
	}
	return params;
}

/* Bounds a wait from the time of a longer period. */
static uint64_t tick_sooner(uint64_t due_ns, uint64_t now_ns,
			    uint64_t period_ns)
{
	return due_ns > now_ns + period_ns ? now_ns + period_ns : due_ns;
}

void ticker_set_config(struct ticker *ticker, const struct config *config,
		       uint64_t now_ns)
{
	size_t i;

	ticker->config = config;
	ticker->mode = config->mode;
	ticker->tick_due_ns = tick_sooner(ticker->tick_due_ns, now_ns,
					  config->tracker.period_ns);
	for (i = 0; i < ticker->guests.nr; i++) {
		struct guest *guest = ticker->guests.list[i];
		struct tracker_params params =
			tick_tracker_params(ticker, guest);
		struct journal_about about = tick_about(guest, "reload");

		guest->due_ns = tick_sooner(guest->due_ns, now_ns,
					    config->tracker.period_ns);
		if (guest->tracker &&
		    tracker_set_params(guest->tracker, &params) < 0)
			journal_log(JOURNAL_WARNING, &about,
				    "out of memory: tracked as before");
	}
}

void ticker_set_mode(struct ticker *ticker, enum vm_mode mode)
{
	ticker->mode = mode;
}

enum vm_mode ticker_mode(const struct ticker *ticker)
{
	return ticker->mode;
}

int ticker_set_rate(struct ticker *ticker, const char *uuid,
		    uint32_t inverse_rate)
{
	struct guest *guest = guests_find(&ticker->guests, uuid);
	struct tracker_params params;

	if (!guest)
		return -ENOENT;
	guest->fixed_inverse_rate = inverse_rate;
	params = tick_tracker_params(ticker, guest);
	return guest->tracker ? tracker_set_params(guest->tracker, &params) : 0;
}

/* FNV-1a: the same VM at the same time of the period, whoever else there is. */
static uint64_t tick_phase_ns(const char *uuid, uint64_t period_ns)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *uuid; uuid++)
		hash = (hash ^ (unsigned char)*uuid) * UINT64_C(0x100000001b3);
	/* Its low bits alone would do for a power of two. */
	return (hash >> 16) % period_ns;
}

static int tick_start_tracker(struct ticker *ticker, struct guest *guest,
			      uint64_t now_ns)
{
	struct tracker_params params = tick_tracker_params(ticker, guest);
	struct journal_about about = tick_about(guest, "domain");
	int err;

	err = tracker_new(&params, ticker->proc, guest->uuid, &guest->tracker);
	if (err < 0)
		return err;
	guest->due_ns = now_ns + tick_phase_ns(guest->uuid, params.period_ns);
	journal_log(JOURNAL_INFO, &about, "runs%s",
		    guest->is_paused ? ", paused" : "");
	if (guest->facts.has_balloon && !guest->facts.has_free_page_reporting)
		journal_log(
			JOURNAL_WARNING, &about,
			"its balloon has no freePageReporting='on': memory that the "
			"guest frees stays the host's loss until the balloon takes it");
	return 0;
}

/*
 * Whether the move that was under way when the connection broke was made, only
 * the domain itself can tell.
 */
static void tick_settle_move(struct ticker *ticker, struct guest *guest)
{
	if (!guest->moving_bytes || guest->is_seen)
		return;
	decide_moved(ticker->memory, guest->uuid, guest->moving_bytes,
		     guest->target_bytes == guest->moving_bytes ? 0 : -EIO);
	guest->moving_bytes = 0;
}

static int tick_take_guest_news(struct ticker *ticker,
				const struct virt_news *news, uint64_t now_ns)
{
	struct journal_about about;
	struct guest *guest;
	char before[DOMAIN_XML_ERROR_BYTES];
	bool is_changed, was_seen;
	int err;

	if (news->kind == VIRT_DOMAIN) {
		err = guests_get(&ticker->guests, news->uuid, &guest);
		if (err < 0)
			return err;
	} else {
		guest = guests_find(&ticker->guests, news->uuid);
		/* An answer about one that has gone. */
		if (!guest)
			return 0;
	}
	memcpy(before, guest->policy_error, sizeof(before));
	was_seen = guest->is_seen;
	err = guest_take_news(guest, news, now_ns, &is_changed);
	if (err < 0)
		return err;
	if (news->kind == VIRT_DOMAIN && !was_seen) {
		guest->is_seen = false;
		tick_settle_move(ticker, guest);
		guest->is_seen = true;
	}
	if (!guest->tracker) {
		err = tick_start_tracker(ticker, guest, now_ns);
		if (err < 0)
			return err;
	} else if (is_changed) {
		tracker_disturb(guest->tracker);
	}
	about = tick_about(guest, "metadata");
	if (strcmp(before, guest->policy_error) == 0)
		return 0;
	if (*guest->policy_error)
		journal_log(
			JOURNAL_WARNING, &about,
			"its metadata is not valid: %s; %s",
			guest->policy_error,
			guest->has_policy ?
				"the one before stays in force" :
				"it is only observed until that is corrected");
	else
		journal_log(JOURNAL_NOTICE, &about,
			    "its metadata is valid again");
	return 0;
}

static void tick_take_gone(struct ticker *ticker, const struct virt_news *news)
{
	struct guest *guest = guests_find(&ticker->guests, news->uuid);
	struct journal_about about;

	if (!guest)
		return;
	about = tick_about(guest, "domain");
	journal_log(JOURNAL_INFO, &about, "is gone%s%s",
		    news->error ? ": " : "", news->error ? news->error : "");
	guests_remove(&ticker->guests, guest);
}

static void tick_take_moved(struct ticker *ticker, const struct virt_news *news)
{
	struct guest *guest = guests_find(&ticker->guests, news->uuid);
	struct journal_about about;

	/* Not ours, or settled meanwhile. */
	if (!guest || !guest->moving_bytes ||
	    guest->moving_bytes != news->requested_bytes)
		return;
	guest->moving_bytes = 0;
	decide_moved(ticker->memory, guest->uuid, news->requested_bytes,
		     news->err);
	if (news->err == 0) {
		guest->target_bytes = news->requested_bytes;
		return;
	}
	about = tick_about(guest, "move-failed");
	journal_log(JOURNAL_WARNING, &about,
		    "its balloon could not be told %.0f MiB: %s",
		    tick_mib(news->requested_bytes),
		    news->error ? news->error : strerror(-news->err));
}

static void tick_take_connected(struct ticker *ticker)
{
	static const struct journal_about about = { .event = "connection" };
	size_t i = ticker->guests.nr;

	/* Those that were not named ended while nobody looked. */
	while (i-- > 0) {
		struct guest *guest = ticker->guests.list[i];

		if (!guest->is_seen) {
			struct virt_news news = { .kind = VIRT_DOMAIN_GONE };

			memcpy(news.uuid, guest->uuid, sizeof(news.uuid));
			tick_take_gone(ticker, &news);
		}
	}
	ticker->is_connected = true;
	ticker->was_connected = true;
	*ticker->connection_error = '\0';
	journal_log(JOURNAL_NOTICE, &about, "connected to %s; running VMs: %zu",
		    ticker->config->uri, ticker->guests.nr);
}

static void tick_take_disconnected(struct ticker *ticker,
				   const struct virt_news *news)
{
	static const struct journal_about about = { .event = "connection" };
	const char *error = news->error ? news->error : "no reason given";
	bool is_new = ticker->is_connected ||
		      strncmp(ticker->connection_error, error,
			      sizeof(ticker->connection_error) - 1) != 0;
	size_t i;

	for (i = 0; i < ticker->guests.nr; i++)
		ticker->guests.list[i]->is_seen = false;
	ticker->is_connected = false;
	(void)snprintf(ticker->connection_error,
		       sizeof(ticker->connection_error), "%s", error);
	if (is_new)
		journal_log(
			JOURNAL_WARNING, &about,
			"%s %s: %s; measuring goes on, nothing is moved, and "
			"connecting is tried again",
			ticker->was_connected ? "lost the connection to" :
						"cannot connect to",
			ticker->config->uri, error);
}

int ticker_take_news(struct ticker *ticker, const struct virt_news *news,
		     uint64_t now_ns)
{
	switch (news->kind) {
	case VIRT_CONNECTED:
		tick_take_connected(ticker);
		return 0;
	case VIRT_DISCONNECTED:
		tick_take_disconnected(ticker, news);
		return 0;
	case VIRT_DOMAIN_GONE:
		tick_take_gone(ticker, news);
		return 0;
	case VIRT_MOVED:
		tick_take_moved(ticker, news);
		return 0;
	case VIRT_POLICY_SET:
		return 0;
	default:
		return tick_take_guest_news(ticker, news, now_ns);
	}
}

uint64_t ticker_due_ns(const struct ticker *ticker)
{
	uint64_t due_ns = ticker->tick_due_ns;
	size_t i;

	for (i = 0; i < ticker->guests.nr; i++) {
		if (ticker->guests.list[i]->due_ns < due_ns)
			due_ns = ticker->guests.list[i]->due_ns;
	}
	return due_ns;
}

/* From @due_ns on in steps of a period, but never two in a row. */
static uint64_t tick_next_ns(uint64_t due_ns, uint64_t now_ns,
			     uint64_t period_ns)
{
	return due_ns + period_ns > now_ns ? due_ns + period_ns :
					     now_ns + period_ns;
}

/* Takes @message. What holds for all VMs is said once and then counted. */
static void tick_say(struct ticker *ticker, const struct guest *guest,
		     char *message)
{
	struct journal_about about = tick_about(guest, "tracking");

	if (ticker->said && strcmp(ticker->said, message) == 0) {
		ticker->nr_unsaid++;
		journal_log(JOURNAL_DEBUG, &about, "%s", message);
		free(message);
		return;
	}
	journal_log(JOURNAL_INFO, &about, "%s", message);
	free(ticker->said);
	ticker->said = message;
}

static void tick_say_rest(struct ticker *ticker)
{
	static const struct journal_about about = { .event = "tracking" };

	if (ticker->nr_unsaid > 0)
		journal_log(JOURNAL_INFO, &about, "%u more VMs: %s",
			    ticker->nr_unsaid, ticker->said);
	free(ticker->said);
	ticker->said = NULL;
	ticker->nr_unsaid = 0;
}

static int tick_run_tracker(struct ticker *ticker, struct guest *guest,
			    uint64_t now_ns)
{
	_cleanup_free_ char *message = NULL;
	int err;

	guest->due_ns = tick_next_ns(guest->due_ns, now_ns,
				     ticker->config->tracker.period_ns);
	err = tracker_period(guest->tracker, now_ns, &message);
	if (message && (!guest->tracker_message ||
			strcmp(guest->tracker_message, message) != 0)) {
		free(guest->tracker_message);
		guest->tracker_message = strdup(message);
		tick_say(ticker, guest, TAKE_PTR(message));
	}
	/* Its answer is news, or, if libvirt is away, none. */
	if (guest->facts.has_balloon && !guest->is_paused)
		(void)virt_read_stats(ticker->virt, guest->uuid);
	return err;
}

static void tick_read_host(struct ticker *ticker)
{
	static const struct journal_about about = { .event = "host" };
	int err;

	err = host_read(ticker->proc, ticker->has_host ? &ticker->host : NULL,
			&ticker->host);
	if (err < 0 && err != ticker->host_err)
		journal_log(
			JOURNAL_ERROR, &about,
			"cannot read the host's memory in %s: %s; nothing is moved "
			"until that works",
			ticker->proc, strerror(-err));
	ticker->host_err = err;
	ticker->has_host = err == 0;
}

static void tick_find_hold_reason(struct ticker *ticker)
{
	const char *reason = "";

	if (!ticker->is_connected)
		reason = "libvirt is not connected";
	else if (virt_busy_ns(ticker->virt) > ticker->config->busy_ns)
		reason = "libvirt does not answer";
	(void)snprintf(ticker->hold_reason, sizeof(ticker->hold_reason), "%s",
		       reason);
}

/* One whose QEMU hangs holds up itself and nobody else. */
static void tick_find_hung(struct ticker *ticker)
{
	size_t i;

	for (i = 0; i < ticker->guests.nr; i++) {
		struct guest *guest = ticker->guests.list[i];
		uint64_t busy_ns =
			virt_domain_busy_ns(ticker->virt, guest->uuid);

		guest->hung_ns = busy_ns > ticker->config->busy_ns ? busy_ns :
								     0;
	}
}

static int tick_fill_views(const struct ticker *ticker, struct tick *tick)
{
	const struct config *config = ticker->config;
	size_t i;
	int err;

	tick->vms = calloc(ticker->guests.nr + 1, sizeof(*tick->vms));
	tick->decisions =
		calloc(ticker->guests.nr + 1, sizeof(*tick->decisions));
	if (!tick->vms || !tick->decisions)
		return -ENOMEM;
	for (i = 0; i < ticker->guests.nr; i++) {
		guest_view(ticker->guests.list[i], config, ticker->mode,
			   *ticker->hold_reason ? ticker->hold_reason : NULL,
			   tick->time_ns,
			   TICK_STATS_PERIODS * config->tracker.period_ns,
			   &tick->vms[i]);
		tick->nr_vms++;
		err = tick_own_view(&tick->vms[i]);
		if (err < 0)
			return err;
	}
	return 0;
}

static void tick_set_budget(const struct ticker *ticker, struct tick *tick)
{
	uint64_t vms_bytes = 0, growth_bytes = 0;
	size_t i;

	for (i = 0; i < tick->nr_vms; i++) {
		uint64_t actual_bytes = tick->vms[i].actual_bytes;
		uint64_t moving_bytes = ticker->guests.list[i]->moving_bytes;

		vms_bytes += actual_bytes;
		/*
		 * A move that is not confirmed may still be made, however late;
		 * that VM cannot be moved meanwhile, so only what it has counts
		 * for it.
		 */
		if (moving_bytes > actual_bytes)
			growth_bytes += moving_bytes - actual_bytes;
	}
	tick->host = ticker->host.view;
	tick->host.budget_bytes =
		host_budget_bytes(&tick->host, ticker->config->budget_bytes,
				  ticker->config->reserve_bytes, vms_bytes);
	tick->host.budget_bytes -= growth_bytes < tick->host.budget_bytes ?
					   growth_bytes :
					   tick->host.budget_bytes;
}

static bool tick_is_move(const struct decision *decision)
{
	return decision->verdict == VERDICT_MOVE ||
	       decision->verdict == VERDICT_GIVE_BACK;
}

/* The only place from which a guest's memory is changed. */
static void tick_act(struct ticker *ticker, const struct tick *tick)
{
	size_t i;
	int err;

	for (i = 0; i < tick->nr_vms; i++) {
		const struct decision *decision = &tick->decisions[i];
		struct guest *guest = ticker->guests.list[i];
		struct journal_about about = tick_about(guest, "move");

		/* Whatever was decided: a mode below act is a promise. */
		if (!tick_is_move(decision) ||
		    tick->vms[i].limits.mode != VM_MODE_ACT)
			continue;
		if (decision->verdict == VERDICT_GIVE_BACK)
			about.event = "give-back";
		about.is_move = true;
		about.from_bytes = tick->vms[i].target_bytes;
		about.to_bytes = decision->step_bytes;
		err = virt_set_target(ticker->virt, guest->uuid,
				      decision->step_bytes);
		if (err < 0) {
			decide_moved(ticker->memory, guest->uuid,
				     decision->step_bytes, err);
			journal_log(JOURNAL_WARNING, &about,
				    "could not be moved: %s", strerror(-err));
			continue;
		}
		guest->moving_bytes = decision->step_bytes;
		journal_log(JOURNAL_INFO, &about, "%.0f MiB -> %.0f MiB: %s",
			    tick_mib(about.from_bytes),
			    tick_mib(about.to_bytes), decision->reason);
	}
}

/* Says what changed; moves have been said when they were made. */
static void tick_report_decision(const struct ticker *ticker,
				 struct guest *guest,
				 const struct decision *decision)
{
	bool is_new = guest->last_verdict != decision->verdict;
	bool is_other = is_new ||
			strcmp(guest->last_reason, decision->reason) != 0;
	struct journal_about about = tick_about(guest, "decision");

	/* What passes, and holds all VMs, was said once. */
	if (decision->verdict == VERDICT_REFUSE &&
	    (*ticker->hold_reason || guest->moving_bytes))
		return;
	if (decision->verdict == VERDICT_REFUSE && is_other)
		journal_log(JOURNAL_INFO, &about, "is not moved: %s",
			    decision->reason);
	else if (decision->verdict == VERDICT_ADVISE && is_new)
		journal_log(JOURNAL_INFO, &about, "advice: %.0f MiB: %s",
			    tick_mib(decision->want.target_bytes),
			    decision->reason);
	else if (decision->verdict == VERDICT_HOLD && is_other)
		journal_log(JOURNAL_DEBUG, &about, "stays: %s",
			    decision->reason);
	guest->last_verdict = decision->verdict;
	memcpy(guest->last_reason, decision->reason,
	       sizeof(guest->last_reason));
}

static void tick_report_thrashing(const struct tick *tick, bool was_thrashing)
{
	const struct thrashing *thrashing = &tick->thrashing;
	struct journal_about about = { .event = "thrashing" };
	const char *candidate = NULL;

	if (thrashing->is_thrashing == was_thrashing)
		return;
	if (!thrashing->is_thrashing) {
		journal_log(JOURNAL_NOTICE, &about,
			    "the VMs' working sets fit again");
		return;
	}
	if (thrashing->candidate >= 0 &&
	    (size_t)thrashing->candidate < tick->nr_vms)
		candidate = tick->vms[thrashing->candidate].name;
	journal_log(
		JOURNAL_WARNING, &about,
		"the VMs' working sets are %.0f MiB, and the budget is %.0f MiB: "
		"they will be slow wherever the memory goes; %s%s",
		tick_mib(thrashing->wss_bytes),
		tick_mib(thrashing->budget_bytes),
		candidate ?
			"migrating or suspending this one would help most: " :
			"migrate or suspend VMs, or add memory",
		candidate ? candidate : "");
}

static int tick_report(struct ticker *ticker, const struct tick *tick,
		       bool was_thrashing)
{
	size_t i;
	int err, first_err = 0;

	for (i = 0; i < tick->nr_vms; i++) {
		struct guest *guest = ticker->guests.list[i];

		tick_report_decision(ticker, guest, &tick->decisions[i]);
		err = guest_remember(guest, tick, i);
		if (err < 0)
			first_err = err;
	}
	tick_report_thrashing(tick, was_thrashing);
	tick_say_rest(ticker);
	return first_err;
}

static uint64_t tick_unix_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* The straight line. */
static int tick_run(struct ticker *ticker, uint64_t now_ns)
{
	_cleanup_tick_ struct tick tick = {
		.number = ticker->last_number + 1,
		.time_ns = now_ns,
		.unix_ns = tick_unix_ns(),
		.policy = ticker->config->policy,
	};
	bool was_thrashing = ticker->tick.thrashing.is_thrashing;
	int err;

	tick_read_host(ticker);
	if (ticker->host_err < 0)
		return ticker->host_err;
	tick_find_hold_reason(ticker);
	tick_find_hung(ticker);
	err = tick_fill_views(ticker, &tick);
	if (err < 0)
		return err;
	tick_set_budget(ticker, &tick);
	err = decide_tick(&ticker->config->policy_params,
			  &ticker->config->guard_params, ticker->memory, &tick);
	if (err < 0)
		return err;
	tick_act(ticker, &tick);
	err = tick_report(ticker, &tick, was_thrashing);
	ticker->last_number++;
	tick_done(&ticker->tick);
	ticker->tick = tick;
	tick = (struct tick){ 0 };
	return err;
}

int ticker_run(struct ticker *ticker, uint64_t now_ns, bool *ret_has_ticked)
{
	static const struct journal_about about = { .event = "tick" };
	uint64_t number = ticker->last_number;
	size_t i;
	int err = 0, one;

	for (i = 0; i < ticker->guests.nr; i++) {
		struct guest *guest = ticker->guests.list[i];

		if (guest->tracker && guest->due_ns <= now_ns) {
			one = tick_run_tracker(ticker, guest, now_ns);
			if (one < 0)
				err = one;
		}
	}
	if (ticker->tick_due_ns == 0)
		/* The first one has whole periods before it. */
		ticker->tick_due_ns =
			now_ns + ticker->config->tracker.period_ns;
	if (ticker->tick_due_ns <= now_ns) {
		ticker->tick_due_ns =
			tick_next_ns(ticker->tick_due_ns, now_ns,
				     ticker->config->tracker.period_ns);
		one = tick_run(ticker, now_ns);
		if (one < 0)
			err = one;
	}
	/* Of the host's memory it was said when it began. */
	if (err < 0 && err != ticker->host_err)
		journal_log(JOURNAL_ERROR, &about,
			    "%s: this period is left out", strerror(-err));
	*ret_has_ticked = ticker->last_number != number;
	return err;
}

const struct tick *ticker_last(const struct ticker *ticker)
{
	return ticker->last_number > 0 ? &ticker->tick : NULL;
}

const struct guests *ticker_guests(const struct ticker *ticker)
{
	return &ticker->guests;
}

bool ticker_is_connected(const struct ticker *ticker)
{
	return ticker->is_connected;
}

size_t ticker_nr_tracked(const struct ticker *ticker)
{
	size_t i, nr = 0;

	for (i = 0; i < ticker->guests.nr; i++) {
		const struct guest *guest = ticker->guests.list[i];
		enum tracker_state state;
		const char *reason;

		if (!guest->tracker)
			continue;
		state = tracker_state(guest->tracker, &reason);
		nr += state == TRACKER_TRACKING || state == TRACKER_PAUSED;
	}
	return nr;
}

bool ticker_problem(const struct ticker *ticker,
		    char ret_problem[GUESTS_ERROR_BYTES])
{
	if (!ticker->is_connected)
		(void)snprintf(ret_problem, GUESTS_ERROR_BYTES,
			       "not connected to libvirt%s%s",
			       *ticker->connection_error ? ": " : "",
			       ticker->connection_error);
	else if (virt_busy_ns(ticker->virt) > ticker->config->busy_ns)
		(void)snprintf(
			ret_problem, GUESTS_ERROR_BYTES,
			"libvirt has not answered for %.0f s: nothing is moved",
			units_seconds(virt_busy_ns(ticker->virt)));
	else if (ticker->host_err < 0)
		(void)snprintf(ret_problem, GUESTS_ERROR_BYTES,
			       "cannot read the host's memory: %s",
			       strerror(-ticker->host_err));
	else
		return false;
	return true;
}
