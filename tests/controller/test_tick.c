// SPDX-License-Identifier: GPL-2.0-or-later
/* The straight line, with doubles of libvirt, trackers, host and decisions. */
#include "ctl_test.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "daemon/host.h"
#include "daemon/journal.h"
#include "daemon/tick.h"

#define PERIOD_NS UINT64_C(5000000000)
#define MIB UINT64_C(1048576)
#define UUID_1 "11111111-1111-1111-1111-111111111111"
#define UUID_2 "22222222-2222-2222-2222-222222222222"

struct tracker {
	char uuid[VIEW_UUID_BYTES];
	unsigned int nr_periods;
	unsigned int nr_disturbed;
	struct tracker_params params;
};

static struct config config;
static struct ticker *ticker;
static struct capture capture;
static uint64_t now_ns;

/* What the doubles say, and were told. */
static unsigned int nr_trackers, nr_periods;
static struct tracker *last_tracker;
static const char *tracker_says;
static enum verdict verdict;
/* What VMs are moved to, less what they have. */
static int64_t step_bytes;
static bool is_thrashing;
static uint64_t busy_ns;
static const char *hung_uuid;
static int host_err, target_err;
static unsigned int nr_targets, nr_stats;
static char target_uuid[VIEW_UUID_BYTES];
static uint64_t target_bytes;
static unsigned int nr_moved;
static int moved_err;
static struct mrc_curve *curve;

int tracker_new(const struct tracker_params *params, const char *proc,
		const char *uuid, struct tracker **ret_tracker)
{
	struct tracker *tracker = calloc(1, sizeof(*tracker));

	assert_non_null(tracker);
	assert_string_equal(proc, "/proc");
	strcpy(tracker->uuid, uuid);
	tracker->params = *params;
	nr_trackers++;
	last_tracker = tracker;
	*ret_tracker = tracker;
	return 0;
}

void tracker_free(struct tracker *tracker)
{
	if (tracker)
		nr_trackers--;
	free(tracker);
}

int tracker_set_params(struct tracker *tracker,
		       const struct tracker_params *params)
{
	tracker->params = *params;
	return 0;
}

int tracker_period(struct tracker *tracker, uint64_t time_ns,
		   char **ret_message)
{
	assert_int_equal(time_ns, now_ns);
	tracker->nr_periods++;
	nr_periods++;
	*ret_message = tracker_says ? strdup(tracker_says) : NULL;
	return 0;
}

void tracker_disturb(struct tracker *tracker)
{
	tracker->nr_disturbed++;
}

enum tracker_state tracker_state(const struct tracker *tracker,
				 const char **ret_reason)
{
	(void)tracker;
	*ret_reason = tracker_says;
	return tracker_says ? TRACKER_WAITING : TRACKER_TRACKING;
}

void tracker_view(const struct tracker *tracker, uint64_t time_ns,
		  struct vm_view *view)
{
	(void)tracker;
	(void)time_ns;
	view->curve = curve;
}

int virt_set_target(struct virt *virt, const char *uuid, uint64_t bytes)
{
	assert_null(virt);
	nr_targets++;
	strcpy(target_uuid, uuid);
	target_bytes = bytes;
	return target_err;
}

int virt_read_stats(struct virt *virt, const char *uuid)
{
	assert_null(virt);
	assert_non_null(uuid);
	nr_stats++;
	return 0;
}

uint64_t virt_busy_ns(const struct virt *virt)
{
	assert_null(virt);
	return busy_ns;
}

uint64_t virt_domain_busy_ns(const struct virt *virt, const char *uuid)
{
	assert_null(virt);
	return hung_uuid && strcmp(hung_uuid, uuid) == 0 ? config.busy_ns + 1 :
							   config.busy_ns;
}

int host_read(const char *proc, const struct host_reading *before,
	      struct host_reading *ret_reading)
{
	(void)proc;
	(void)before;
	if (host_err < 0)
		return host_err;
	*ret_reading = (struct host_reading){
		.view = { .total_bytes = 8192 * MIB,
			  .available_bytes = 4096 * MIB },
	};
	return 0;
}

uint64_t host_budget_bytes(const struct host_view *host,
			   uint64_t configured_bytes, uint64_t reserve_bytes,
			   uint64_t vms_bytes)
{
	(void)configured_bytes;
	return vms_bytes + host->available_bytes - reserve_bytes;
}

/* decide.c also has the defaults of the guard: see the Makefile. */
int __wrap_decide_memory_new(struct decide_memory **ret_memory);
void __wrap_decide_memory_free(struct decide_memory *memory);
void __wrap_decide_moved(struct decide_memory *memory, const char *uuid,
			 uint64_t bytes, int err);
int __wrap_decide_tick(const struct policy_params *policy_params,
		       const struct guard_params *guard_params,
		       struct decide_memory *memory, struct tick *tick);

int __wrap_decide_memory_new(struct decide_memory **ret_memory)
{
	*ret_memory = NULL;
	return 0;
}

void __wrap_decide_memory_free(struct decide_memory *memory)
{
	assert_null(memory);
}

void __wrap_decide_moved(struct decide_memory *memory, const char *uuid,
			 uint64_t bytes, int err)
{
	assert_null(memory);
	assert_non_null(uuid);
	assert_true(bytes > 0);
	nr_moved++;
	moved_err = err;
}

int __wrap_decide_tick(const struct policy_params *policy_params,
		       const struct guard_params *guard_params,
		       struct decide_memory *memory, struct tick *tick)
{
	size_t i;

	assert_null(memory);
	assert_ptr_equal(policy_params, &config.policy_params);
	assert_ptr_equal(guard_params, &config.guard_params);
	for (i = 0; i < tick->nr_vms; i++) {
		tick->decisions[i] = (struct decision){
			.verdict = tick->vms[i].is_movable ? verdict :
							     VERDICT_REFUSE,
			.step_bytes = tick->vms[i].actual_bytes +
				      (uint64_t)step_bytes,
		};
		snprintf(tick->decisions[i].reason, DECISION_REASON_BYTES, "%s",
			 tick->vms[i].is_movable ?
				 "because" :
				 tick->vms[i].immovable_reason);
	}
	tick->thrashing = (struct thrashing){
		.is_thrashing = is_thrashing,
		.wss_bytes = 9 * MIB,
		.budget_bytes = 8 * MIB,
		.candidate = tick->nr_vms > 0 ? 0 : -1,
	};
	return 0;
}

static int setup(void **state)
{
	static const double sizes[] = { 0, 100 }, ratios[] = { 1, 0 };

	(void)state;
	nr_periods = nr_targets = nr_stats = nr_moved = 0;
	busy_ns = 0;
	hung_uuid = NULL;
	step_bytes = -(int64_t)MIB;
	host_err = target_err = moved_err = 0;
	tracker_says = NULL;
	verdict = VERDICT_HOLD;
	is_thrashing = false;
	now_ns = 1000;
	if (config_default(&config) < 0 ||
	    mrc_curve_new(sizes, ratios, 2, &curve) < 0)
		return -1;
	config.mode = VM_MODE_ACT;
	journal_set_level(JOURNAL_ERROR);
	return ticker_new(&config, "/proc", NULL, &ticker);
}

static int teardown(void **state)
{
	(void)state;
	ticker_free(ticker);
	config_done(&config);
	mrc_curve_free(curve);
	/* What began to be tracked is let go of. */
	return nr_trackers == 0 ? 0 : -1;
}

static void tell(struct virt_news news)
{
	assert_int_equal(ticker_take_news(ticker, &news, now_ns), 0);
}

static void tell_domain(const char *uuid, const char *name)
{
	struct virt_news news = {
		.kind = VIRT_DOMAIN,
		.name = (char *)name,
		.facts = { .max_bytes = 2048 * MIB,
			   .current_bytes = 1024 * MIB,
			   .has_balloon = true,
			   .has_free_page_reporting = true },
		.actual_bytes = 1024 * MIB,
		.target_bytes = 1024 * MIB,
	};

	strcpy(news.uuid, uuid);
	tell(news);
}

static void connect_two(void)
{
	tell_domain(UUID_2, "db");
	tell_domain(UUID_1, "web");
	tell((struct virt_news){ .kind = VIRT_CONNECTED });
}

/* From now to the end of the next tick. */
static const struct tick *run_tick(void)
{
	bool has_ticked = false;
	unsigned int nr_steps = 0;

	while (!has_ticked) {
		assert_true(nr_steps++ < 20);
		assert_int_equal(ticker_run(ticker, now_ns, &has_ticked), 0);
		if (!has_ticked)
			now_ns = ticker_due_ns(ticker);
	}
	return ticker_last(ticker);
}

static void listen_to_it(void)
{
	journal_set_level(JOURNAL_INFO);
	capture_start(&capture, STDERR_FILENO);
}

static char *said(void)
{
	journal_set_level(JOURNAL_ERROR);
	return capture_end(&capture);
}

static void test_views(void **state)
{
	const struct tick *tick;

	(void)state;
	assert_null(ticker_last(ticker));
	connect_two();
	tick = run_tick();
	assert_int_equal(tick->number, 1);
	assert_int_equal(tick->nr_vms, 2);
	assert_string_equal(tick->vms[0].name, "web");
	assert_string_equal(tick->vms[1].name, "db");
	assert_int_equal(tick->vms[0].actual_bytes, 1024 * MIB);
	assert_int_equal(tick->vms[0].limits.max_bytes, 2048 * MIB);
	assert_int_equal(tick->vms[0].limits.min_bytes, 512 * MIB);
	assert_int_equal(tick->vms[0].limits.mode, VM_MODE_ACT);
	assert_true(tick->vms[0].is_movable);
	/* Its own, so it outlives the VM. */
	assert_ptr_not_equal(tick->vms[0].curve, curve);
	tell((struct virt_news){ .kind = VIRT_DOMAIN_GONE, .uuid = UUID_1 });
	assert_near(mrc_curve_at(tick->vms[0].curve, 50), 0.5, 1e-12);
	assert_string_equal(tick->vms[0].name, "web");
	assert_int_equal(tick->host.budget_bytes, (2048 + 4096 - 1024) * MIB);
	assert_int_equal(run_tick()->nr_vms, 1);
	assert_int_equal(nr_targets, 0);
}

/* Each VM once per period, at its own time, and its guest is asked. */
static void test_spread(void **state)
{
	uint64_t first_ns;

	(void)state;
	connect_two();
	(void)run_tick();
	nr_periods = nr_stats = 0;
	first_ns = now_ns;
	(void)run_tick();
	assert_int_equal(now_ns - first_ns, PERIOD_NS);
	assert_int_equal(nr_periods, 2);
	assert_int_equal(nr_stats, 2);
	assert_int_equal(ticker_nr_tracked(ticker), 2);
	/* After a sleep of the host, nothing is made up for. */
	now_ns += 100 * PERIOD_NS;
	nr_periods = 0;
	(void)run_tick();
	assert_int_equal(nr_periods, 2);
	(void)run_tick();
	assert_int_equal(nr_periods, 4);
}

static void test_move(void **state)
{
	char *text;

	(void)state;
	tell_domain(UUID_1, "web");
	tell((struct virt_news){ .kind = VIRT_CONNECTED });
	verdict = VERDICT_MOVE;
	listen_to_it();
	(void)run_tick();
	text = said();
	assert_contains(text, "web: 1024 MiB -> 1023 MiB: because\n");
	free(text);
	assert_int_equal(nr_targets, 1);
	assert_string_equal(target_uuid, UUID_1);
	assert_int_equal(target_bytes, 1023 * MIB);
	assert_int_equal(nr_moved, 0);

	/* Until libvirt has done that one, there is no other. */
	assert_string_equal(run_tick()->vms[0].immovable_reason,
			    "libvirt has not yet confirmed the last move");
	assert_int_equal(nr_targets, 1);
	tell((struct virt_news){ .kind = VIRT_MOVED,
				 .uuid = UUID_1,
				 .requested_bytes = 1023 * MIB });
	assert_int_equal(nr_moved, 1);
	assert_int_equal(moved_err, 0);
	assert_int_equal(run_tick()->vms[0].target_bytes, 1023 * MIB);
	assert_int_equal(nr_targets, 2);
}

static void test_move_fails(void **state)
{
	char *text;

	(void)state;
	tell_domain(UUID_1, "web");
	tell((struct virt_news){ .kind = VIRT_CONNECTED });
	verdict = VERDICT_GIVE_BACK;
	target_err = -EAGAIN;
	(void)run_tick();
	assert_int_equal(nr_moved, 1);
	assert_int_equal(moved_err, -EAGAIN);
	target_err = 0;
	(void)run_tick();
	listen_to_it();
	tell((struct virt_news){ .kind = VIRT_MOVED,
				 .uuid = UUID_1,
				 .requested_bytes = 1023 * MIB,
				 .err = -EBUSY,
				 .error = (char *)"it migrates" });
	text = said();
	assert_contains(
		text,
		"web: its balloon could not be told 1023 MiB: it migrates\n");
	free(text);
	assert_int_equal(moved_err, -EBUSY);
	/* And another try is possible. */
	assert_true(run_tick()->vms[0].is_movable);
}

/* Below act nothing moves, whatever was decided. */
static void test_modes(void **state)
{
	static const struct domain_policy advise = { .has_mode = true,
						     .mode = VM_MODE_ADVISE };
	struct virt_news news = { .kind = VIRT_DOMAIN,
				  .uuid = UUID_1,
				  .policy = advise };

	(void)state;
	verdict = VERDICT_MOVE;
	connect_two();
	ticker_set_mode(ticker, VM_MODE_OBSERVE);
	assert_int_equal(run_tick()->vms[0].limits.mode, VM_MODE_OBSERVE);
	ticker_set_mode(ticker, VM_MODE_ADVISE);
	(void)run_tick();
	assert_int_equal(nr_targets, 0);
	ticker_set_mode(ticker, VM_MODE_ACT);
	tell(news);
	(void)run_tick();
	assert_int_equal(nr_targets, 1);
	assert_string_equal(target_uuid, UUID_2);
	/* Reading the configuration again ends what was set by hand. */
	ticker_set_mode(ticker, VM_MODE_OBSERVE);
	ticker_set_config(ticker, &config, now_ns);
	assert_int_equal(ticker_mode(ticker), VM_MODE_ACT);
}

/* A VM for which libvirt does not answer holds up itself, and nobody else. */
static void test_hung_domain(void **state)
{
	char problem[GUESTS_ERROR_BYTES];
	const struct guest *web;
	const struct tick *tick;
	uint64_t budget_bytes;

	(void)state;
	verdict = VERDICT_MOVE;
	step_bytes = 64 * MIB;
	connect_two();
	tick = run_tick();
	budget_bytes = tick->host.budget_bytes;
	assert_int_equal(nr_targets, 2);
	tell((struct virt_news){ .kind = VIRT_MOVED,
				 .uuid = UUID_2,
				 .actual_bytes = 1024 * MIB,
				 .target_bytes = 1088 * MIB,
				 .requested_bytes = 1088 * MIB });
	hung_uuid = UUID_1;
	tick = run_tick();
	assert_string_equal(
		tick->vms[0].immovable_reason,
		"libvirt does not answer for this VM, whose QEMU may hang");
	assert_int_equal(tick->decisions[0].verdict, VERDICT_REFUSE);
	assert_true(tick->vms[1].is_movable);
	assert_int_equal(nr_targets, 3);
	assert_string_equal(target_uuid, UUID_2);
	/* The move that hangs may still be made: nobody else gets that memory. */
	assert_int_equal(tick->host.budget_bytes, budget_bytes - 64 * MIB);
	assert_false(ticker_problem(ticker, problem));
	web = guests_find(ticker_guests(ticker), UUID_1);
	assert_true(guest_problem(web, problem));
	assert_string_equal(
		problem,
		"libvirt has not answered for it for 10 s, so it is not moved: its QEMU may hang");

	/* It answers at last. */
	hung_uuid = NULL;
	tell((struct virt_news){ .kind = VIRT_MOVED,
				 .uuid = UUID_1,
				 .actual_bytes = 1024 * MIB,
				 .target_bytes = 1088 * MIB,
				 .requested_bytes = 1088 * MIB });
	tick = run_tick();
	assert_true(tick->vms[0].is_movable);
	assert_string_equal(target_uuid, UUID_1);
	*problem = '\0';
	(void)guest_problem(web, problem);
	assert_null(strstr(problem, "not answered"));
}

static void test_holds(void **state)
{
	char problem[GUESTS_ERROR_BYTES], *text;

	(void)state;
	verdict = VERDICT_MOVE;
	connect_two();
	assert_false(ticker_problem(ticker, problem));
	busy_ns = config.busy_ns + 1;
	assert_string_equal(run_tick()->vms[0].immovable_reason,
			    "libvirt does not answer");
	assert_true(ticker_problem(ticker, problem));
	assert_contains(problem, "libvirt has not answered for 10 s");
	busy_ns = 0;

	listen_to_it();
	tell((struct virt_news){ .kind = VIRT_DISCONNECTED,
				 .error = (char *)"end of file" });
	tell((struct virt_news){ .kind = VIRT_DISCONNECTED,
				 .error = (char *)"end of file" });
	text = said();
	assert_contains(text,
			"lost the connection to qemu:///system: end of file");
	assert_int_equal(count_of(text, "\n"), 1);
	free(text);
	nr_periods = 0;
	assert_string_equal(run_tick()->vms[0].immovable_reason,
			    "libvirt is not connected");
	/* But measuring goes on. */
	assert_int_equal(nr_periods, 2);
	assert_int_equal(nr_targets, 0);
	assert_true(ticker_problem(ticker, problem));
	assert_string_equal(problem, "not connected to libvirt: end of file");

	/* One of them ended meanwhile. */
	tell_domain(UUID_2, "db");
	tell((struct virt_news){ .kind = VIRT_CONNECTED });
	assert_int_equal(run_tick()->nr_vms, 1);
	assert_int_equal(nr_targets, 1);
}

/* Whether a move was made before the connection broke, the domain tells. */
static void test_move_and_disconnect(void **state)
{
	struct virt_news news = { .kind = VIRT_DOMAIN,
				  .uuid = UUID_1,
				  .facts = { .has_balloon = true },
				  .target_bytes = 1023 * MIB };

	(void)state;
	tell_domain(UUID_1, "web");
	tell((struct virt_news){ .kind = VIRT_CONNECTED });
	verdict = VERDICT_MOVE;
	(void)run_tick();
	tell((struct virt_news){ .kind = VIRT_DISCONNECTED });
	assert_int_equal(nr_moved, 0);
	tell(news);
	tell((struct virt_news){ .kind = VIRT_CONNECTED });
	assert_int_equal(nr_moved, 1);
	assert_int_equal(moved_err, 0);
	(void)run_tick();
	tell((struct virt_news){ .kind = VIRT_DISCONNECTED });
	news.target_bytes = 700 * MIB;
	tell(news);
	assert_int_equal(nr_moved, 2);
	assert_int_equal(moved_err, -EIO);
}

static void test_metadata(void **state)
{
	static const struct domain_policy valid = { .has_min = true,
						    .min_bytes = 900 * MIB };
	struct virt_news news = { .kind = VIRT_DOMAIN, .uuid = UUID_1 };
	const struct guest *guest;
	char problem[GUESTS_ERROR_BYTES], *text;

	(void)state;
	verdict = VERDICT_MOVE;
	strcpy(news.policy_error, "min='x': expected a size");
	listen_to_it();
	tell(news);
	tell(news);
	text = said();
	assert_contains(
		text,
		"its metadata is not valid: min='x': expected a size; it is only observed until that is corrected");
	assert_int_equal(count_of(text, "not valid"), 1);
	free(text);
	tell((struct virt_news){ .kind = VIRT_CONNECTED });
	assert_int_equal(run_tick()->vms[0].limits.mode, VM_MODE_OBSERVE);
	assert_int_equal(nr_targets, 0);
	guest = guests_find(ticker_guests(ticker), UUID_1);
	assert_true(guest_problem(guest, problem));
	assert_contains(problem, "it is only observed; correct it with");

	*news.policy_error = '\0';
	news.policy = valid;
	news.facts.max_bytes = 1024 * MIB;
	tell(news);
	assert_int_equal(run_tick()->vms[0].limits.mode, VM_MODE_ACT);
	assert_int_equal(ticker_last(ticker)->vms[0].limits.min_bytes,
			 900 * MIB);
	/* Broken again: the last one that made sense stays in force. */
	strcpy(news.policy_error, "mode='y'");
	news.policy = (struct domain_policy){ 0 };
	tell(news);
	assert_int_equal(run_tick()->vms[0].limits.min_bytes, 900 * MIB);
	assert_int_equal(ticker_last(ticker)->vms[0].limits.mode, VM_MODE_ACT);
}

/* What holds for all VMs is not said for each. */
static void test_say_once(void **state)
{
	char *text;

	(void)state;
	tracker_says = "not tracked: the module is not loaded";
	connect_two();
	listen_to_it();
	(void)run_tick();
	(void)run_tick();
	text = said();
	assert_int_equal(count_of(text, "the module is not loaded"), 2);
	assert_contains(text,
			"1 more VMs: not tracked: the module is not loaded");
	free(text);
	assert_int_equal(ticker_nr_tracked(ticker), 0);
}

static void test_refusal_is_said_once(void **state)
{
	struct virt_news news = { .kind = VIRT_DOMAIN,
				  .uuid = UUID_1,
				  .name = (char *)"a\x1b[2Jb" };
	char *text;

	(void)state;
	listen_to_it();
	tell(news);
	tell((struct virt_news){ .kind = VIRT_CONNECTED });
	(void)run_tick();
	(void)run_tick();
	text = said();
	assert_int_equal(count_of(text, "is not moved: "), 1);
	assert_contains(text, "a\\x1b[2Jb: is not moved: ");
	free(text);
}

static void test_thrashing(void **state)
{
	char *text;

	(void)state;
	connect_two();
	(void)run_tick();
	is_thrashing = true;
	listen_to_it();
	(void)run_tick();
	(void)run_tick();
	is_thrashing = false;
	(void)run_tick();
	text = said();
	assert_contains(text,
			"working sets are 9 MiB, and the budget is 8 MiB");
	assert_contains(text, "would help most: web\n");
	assert_contains(text, "fit again\n");
	assert_int_equal(count_of(text, "\n"), 2);
	free(text);
}

static void test_host_unreadable(void **state)
{
	bool has_ticked = true;
	char *text;

	(void)state;
	connect_two();
	(void)run_tick();
	host_err = -EIO;
	verdict = VERDICT_MOVE;
	now_ns += PERIOD_NS;
	listen_to_it();
	assert_int_equal(ticker_run(ticker, now_ns, &has_ticked), -EIO);
	now_ns += PERIOD_NS;
	assert_int_equal(ticker_run(ticker, now_ns, &has_ticked), -EIO);
	text = said();
	assert_int_equal(count_of(text, "cannot read the host's memory"), 1);
	free(text);
	assert_false(has_ticked);
	assert_int_equal(nr_targets, 0);
	assert_int_equal(ticker_last(ticker)->number, 1);
	host_err = 0;
	assert_int_equal(run_tick()->number, 2);
}

static void test_stats_age(void **state)
{
	(void)state;
	tell_domain(UUID_1, "web");
	tell((struct virt_news){ .kind = VIRT_CONNECTED });
	(void)run_tick();
	tell((struct virt_news){ .kind = VIRT_STATS,
				 .uuid = UUID_1,
				 .has_stats = true,
				 .stats = { .usable_bytes = 7 * MIB } });
	assert_true(run_tick()->vms[0].has_stats);
	assert_int_equal(ticker_last(ticker)->vms[0].stats.usable_bytes,
			 7 * MIB);
	(void)run_tick();
	(void)run_tick();
	assert_false(run_tick()->vms[0].has_stats);
}

static void test_rate(void **state)
{
	(void)state;
	tell_domain(UUID_1, "web");
	assert_int_equal(ticker_set_rate(ticker, UUID_2, 7), -ENOENT);
	assert_int_equal(ticker_set_rate(ticker, UUID_1, 7), 0);
	assert_int_equal(last_tracker->params.rate.rule, RATE_FIXED);
	assert_int_equal(last_tracker->params.rate.min_inverse_rate, 7);
	assert_int_equal(last_tracker->params.rate.max_inverse_rate, 7);
	/* It is the VM's, not the configuration's. */
	ticker_set_config(ticker, &config, now_ns);
	assert_int_equal(last_tracker->params.rate.rule, RATE_FIXED);
	assert_int_equal(ticker_set_rate(ticker, UUID_1, 0), 0);
	assert_int_equal(last_tracker->params.rate.rule,
			 config.tracker.rate.rule);
}

static void test_disturb(void **state)
{
	(void)state;
	tell_domain(UUID_1, "web");
	tell((struct virt_news){ .kind = VIRT_BALLOON,
				 .uuid = UUID_1,
				 .actual_bytes = 1024 * MIB });
	assert_int_equal(last_tracker->nr_disturbed, 0);
	tell((struct virt_news){ .kind = VIRT_BALLOON,
				 .uuid = UUID_1,
				 .actual_bytes = 1000 * MIB });
	assert_int_equal(last_tracker->nr_disturbed, 1);
	assert_int_equal(nr_trackers, 1);
	/* About one that nobody knows, there is nothing to do. */
	tell((struct virt_news){ .kind = VIRT_BALLOON, .uuid = UUID_2 });
	tell((struct virt_news){ .kind = VIRT_DOMAIN_GONE, .uuid = UUID_2 });
	assert_int_equal(ticker_guests(ticker)->nr, 1);
}

static void test_history(void **state)
{
	const struct guest *guest;
	struct decision decision;
	struct vm_view view;
	struct tick tick;
	unsigned int i;

	(void)state;
	connect_two();
	guest = guests_find(ticker_guests(ticker), UUID_2);
	assert_false(guest_moment(guest, 0, &view, &decision, &tick));
	for (i = 1; i <= 3 * CONTROL_HISTORY + 5; i++) {
		(void)run_tick();
		if (i != 5)
			continue;
		assert_true(guest_moment(guest, 4, &view, &decision, &tick));
		assert_int_equal(tick.number, 5);
		assert_false(guest_moment(guest, 5, &view, &decision, &tick));
	}
	for (i = 0; i < CONTROL_HISTORY; i++) {
		assert_true(guest_moment(guest, i, &view, &decision, &tick));
		assert_int_equal(tick.number, 2 * CONTROL_HISTORY + 6 + i);
	}
	assert_false(guest_moment(guest, i, &view, &decision, &tick));
	assert_ptr_equal(tick.vms, &view);
	assert_ptr_equal(tick.decisions, &decision);
	assert_string_equal(view.uuid, UUID_2);
	assert_string_equal(view.name, "db");
	assert_null(view.curve);
	assert_int_equal(tick.thrashing.candidate, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_views),
		TEST(test_spread),
		TEST(test_move),
		TEST(test_move_fails),
		TEST(test_modes),
		TEST(test_hung_domain),
		TEST(test_holds),
		TEST(test_move_and_disconnect),
		TEST(test_metadata),
		TEST(test_say_once),
		TEST(test_refusal_is_said_once),
		TEST(test_thrashing),
		TEST(test_host_unreadable),
		TEST(test_stats_age),
		TEST(test_rate),
		TEST(test_disturb),
		TEST(test_history),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
