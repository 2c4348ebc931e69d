// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Threads:
 *
 * - One per process runs libvirt's event loop and with it the callbacks here,
 *   which only note what happened. It makes no calls: those might block it.
 * - The librarian of each struct virt connects and reads what domains are. None
 *   of its calls enters a QEMU's monitor, so no hung QEMU keeps it from seeing
 *   others start and stop. It alone says that domains run or are gone.
 * - The movers do all that enters a monitor, one at a time for each domain: a hung
 *   QEMU holds one of them. Before they enter, they ask libvirt whether somebody
 *   waits in there already, so later orders for that domain hold none.
 *
 * virt->lock covers everything that they share; nobody holds it while calling
 * libvirt, and callbacks take it with none of libvirt's locks held.
 *
 * Races, and what comes of them:
 *
 * - An event is only a hint to read the domain again, and what was read counts.
 *   One that arrives while the domain is read makes it read once more, so the
 *   last reading began after the last event. Events that come late, after
 *   a reading that already saw what they tell, change nothing.
 * - A domain that is restarted keeps its uuid and gets another id. What was read
 *   or done for one id is not booked on another. Only virDomainSetMemoryFlags()
 *   itself goes by uuid: if the domain is restarted between our last look and the
 *   call, its next run gets a target that was within its limits one run ago. The
 *   event of the start makes it known, as a run with that size.
 * - A size that an event told is newer than one from a reading that began before
 *   the event: see sized_seq.
 * - An order in progress when the connection is lost may or may not have been
 *   carried out. It is not answered; the size read after VIRT_CONNECTED tells.
 * - A target is booked before the call, as the guest may follow before the call
 *   returns, and taken back if it fails.
 */
#include "daemon/virt.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "daemon/balloon.h"
#include "daemon/virt_queue.h"

#include "cleanup.h"
#include "units.h"

#define KIB_BYTES 1024

/*
 * With the librarian one less than a client may have calls in progress by
 * libvirtd's default (max_client_requests = 5): with more, libvirtd would read
 * nothing from us any more, not even keepalives.
 */
#define VIRT_NR_MOVERS 3
#define VIRT_LIBRARIAN VIRT_NR_MOVERS
#define VIRT_NR_THREADS (VIRT_NR_MOVERS + 1)

#define VIRT_NR_BUCKETS 1024

/* A libvirtd that says nothing for this long is lost: 15 to 20 s. */
#define VIRT_KEEPALIVE_S 5
#define VIRT_KEEPALIVE_COUNT 3

/* libvirtd is away for about a second when it is restarted. */
#define VIRT_FIRST_RETRY_NS (NS_PER_S / 4)
#define VIRT_LAST_RETRY_NS (UINT64_C(16) * NS_PER_S)

/* How long the event that tells why a domain stopped may take. */
#define VIRT_REASON_NS NS_PER_S

/* A domain that could not be read is read again. */
#define VIRT_REREAD_NS (UINT64_C(5) * NS_PER_S)

/* A period is set again if the guest's values are stale, but not too often. */
#define VIRT_PERIOD_AGAIN_NS (UINT64_C(60) * NS_PER_S)

/* A QEMU that has not answered another call for this long is not called. */
#define VIRT_OCCUPIED_MS 1000

#define VIRT_FREE_WAIT_NS (UINT64_C(2) * NS_PER_S)

/* What a mover may do for a domain; the first that is wanted is done first. */
enum virt_work {
	VIRT_WORK_TARGET = 1 << 0,
	VIRT_WORK_POLICY = 1 << 1,
	VIRT_WORK_PERIOD = 1 << 2,
	VIRT_WORK_STATS = 1 << 3,
};
#define VIRT_WORK_URGENT (VIRT_WORK_TARGET | VIRT_WORK_POLICY)

/**
 * struct virt_domain - a domain that runs, may run, or has news waiting
 * @next: in its bucket
 * @uuid: never changes
 * @slots: its news
 * @id: of the run that was told of last
 * @is_known: such a run was told of, and its end not
 * @is_awaited: VIRT_CONNECTED waits for it
 * @must_read: the librarian shall read it; then it is in virt->to_read
 * @is_being_read: by the librarian
 * @reread_ns: when to read it again; 0: no need
 * @gone_reason: for the news of its end, from the last event; static, or NULL
 * @is_missed: it was found not to run, before an event told why
 * @wants: for the movers, enum virt_work
 * @is_being_moved: by one of them; no other takes it
 * @is_in_urgent: it is in virt->urgent
 * @is_in_slow: it is in virt->slow
 * @target_bytes: VIRT_WORK_TARGET
 * @policy: VIRT_WORK_POLICY
 * @facts: of the run
 * @balloon: of the run
 * @history: of the run
 * @period_ns: when VIRT_WORK_PERIOD was last wanted
 * @sized_seq: counts the sizes that events told
 * @is_migrating: or another job holds it
 * @nr_resets: of the run
 */
struct virt_domain {
	struct virt_domain *next;
	char uuid[VIEW_UUID_BYTES];
	struct virt_slots slots;
	int id;
	bool is_known;
	bool is_awaited;
	bool must_read;
	bool is_being_read;
	uint64_t reread_ns;
	const char *gone_reason;
	bool is_missed;
	TAILQ_ENTRY(virt_domain) read_link;
	unsigned int wants;
	bool is_being_moved;
	bool is_in_urgent;
	bool is_in_slow;
	TAILQ_ENTRY(virt_domain) move_link;
	uint64_t target_bytes;
	struct domain_policy policy;
	struct domain_facts facts;
	struct balloon balloon;
	struct balloon_history history;
	uint64_t period_ns;
	unsigned int sized_seq;
	bool is_migrating;
	unsigned int nr_resets;
};

TAILQ_HEAD(virt_domain_list, virt_domain);

/**
 * struct virt_thread - one of the threads, and the call that it is in
 * @virt: its own
 * @since_ns: when the call began; 0: in none
 * @uuid: of the domain called for, or empty; covered by the lock
 */
struct virt_thread {
	struct virt *virt;
	_Atomic uint64_t since_ns;
	char uuid[VIEW_UUID_BYTES];
};

enum virt_event {
	VIRT_EVENT_LIFECYCLE = 0,
	VIRT_EVENT_REBOOT,
	VIRT_EVENT_BALLOON,
	VIRT_EVENT_METADATA,
	VIRT_EVENT_DEVICE_ADDED,
	VIRT_EVENT_DEVICE_REMOVED,
	VIRT_EVENT_MEMORY_DEVICE,
	VIRT_EVENT_MIGRATION,
	VIRT_EVENT_JOB,
	VIRT_NR_EVENTS,
};

/**
 * struct virt - all of it
 * @nr_references: the caller, each thread, and each callback that libvirt knows
 * @uri: to connect to
 * @stats_period_s: for balloons
 * @lock: of all that follows
 * @work: there is some for a thread, or a reason to end
 * @ended: a thread has ended
 * @is_stopping: all shall end
 * @nr_threads: that have not
 * @conn: connection, or NULL
 * @is_lost: it is no good any more; the librarian shall replace it
 * @lost_reason: why, or NULL
 * @is_ready: VIRT_CONNECTED was said of it
 * @retry_ns: when to connect next
 * @backoff_ns: how long to wait if that fails
 * @said_reason: of the last VIRT_DISCONNECTED, while not connected; or NULL
 * @callbacks: registered on @conn, or -1
 * @has_close_callback: likewise
 * @nr_awaited: domains that VIRT_CONNECTED waits for
 * @nr_rereads: domains with a reread_ns
 * @to_read: domains for the librarian
 * @urgent: domains for the movers, first
 * @slow: and after those
 * @slots: news of the connection
 * @news: all that wait
 * @buckets: domains by uuid
 * @threads: those that call
 */
struct virt {
	atomic_uint nr_references;
	char *uri;
	unsigned int stats_period_s;
	pthread_mutex_t lock;
	pthread_cond_t work;
	pthread_cond_t ended;
	bool is_stopping;
	unsigned int nr_threads;
	virConnectPtr conn;
	bool is_lost;
	char *lost_reason;
	bool is_ready;
	uint64_t retry_ns;
	uint64_t backoff_ns;
	char *said_reason;
	int callbacks[VIRT_NR_EVENTS];
	bool has_close_callback;
	size_t nr_awaited;
	size_t nr_rereads;
	struct virt_domain_list to_read;
	struct virt_domain_list urgent;
	struct virt_domain_list slow;
	struct virt_slots slots;
	struct virt_queue news;
	struct virt_domain *buckets[VIRT_NR_BUCKETS];
	struct virt_thread threads[VIRT_NR_THREADS];
};

static void cleanup_virt_domain(virDomainPtr *domain)
{
	if (*domain)
		(void)virDomainFree(*domain);
}
#define _cleanup_domain_ CLEANUP(cleanup_virt_domain)

static uint64_t virt_now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static struct timespec virt_timespec(uint64_t ns)
{
	return (struct timespec){
		.tv_sec = (time_t)(ns / NS_PER_S),
		.tv_nsec = (long)(ns % NS_PER_S),
	};
}

/* Domains */

static struct virt_domain **virt_bucket(struct virt *virt, const char *uuid)
{
	uint32_t hash = 2166136261u;

	for (; *uuid; uuid++)
		hash = (hash ^ (unsigned char)*uuid) * 16777619u;
	return &virt->buckets[hash % VIRT_NR_BUCKETS];
}

static struct virt_domain *virt_find(const struct virt *virt, const char *uuid)
{
	/* The table itself is not changed. */
	struct virt_domain *domain = *virt_bucket((struct virt *)virt, uuid);

	while (domain && strcmp(domain->uuid, uuid) != 0)
		domain = domain->next;
	return domain;
}

/* NULL: out of memory. */
static struct virt_domain *virt_find_or_add(struct virt *virt, const char *uuid)
{
	struct virt_domain **bucket = virt_bucket(virt, uuid);
	struct virt_domain *domain = virt_find(virt, uuid);

	if (domain)
		return domain;
	domain = calloc(1, sizeof(*domain));
	if (!domain)
		return NULL;
	(void)snprintf(domain->uuid, sizeof(domain->uuid), "%s", uuid);
	domain->id = -1;
	domain->slots.balloon = &domain->balloon;
	domain->next = *bucket;
	*bucket = domain;
	return domain;
}

/* Frees it if nobody will need it any more. */
static void virt_domain_put(struct virt *virt, struct virt_domain *domain)
{
	struct virt_domain **link = virt_bucket(virt, domain->uuid);

	if (domain->is_known || domain->must_read || domain->is_being_read ||
	    domain->is_being_moved || domain->reread_ns ||
	    !virt_slots_are_idle(&domain->slots))
		return;
	while (*link != domain)
		link = &(*link)->next;
	*link = domain->next;
	free(domain);
}

static void virt_want_read(struct virt *virt, struct virt_domain *domain)
{
	if (domain->reread_ns) {
		domain->reread_ns = 0;
		virt->nr_rereads--;
	}
	if (domain->must_read)
		return;
	domain->must_read = true;
	TAILQ_INSERT_TAIL(&virt->to_read, domain, read_link);
	pthread_cond_broadcast(&virt->work);
}

static void virt_want_reread(struct virt *virt, struct virt_domain *domain,
			     uint64_t delay_ns)
{
	if (domain->must_read || domain->reread_ns)
		return;
	domain->reread_ns = virt_now_ns() + delay_ns;
	virt->nr_rereads++;
}

static void virt_awaited(struct virt *virt, struct virt_domain *domain)
{
	if (!domain->is_awaited)
		return;
	domain->is_awaited = false;
	virt->nr_awaited--;
}

static void virt_unqueue(struct virt *virt, struct virt_domain *domain)
{
	if (domain->is_in_urgent)
		TAILQ_REMOVE(&virt->urgent, domain, move_link);
	else if (domain->is_in_slow)
		TAILQ_REMOVE(&virt->slow, domain, move_link);
	domain->is_in_urgent = domain->is_in_slow = false;
}

/* Puts it where its wants belong. Nowhere while it is moved: that mover will. */
static void virt_requeue(struct virt *virt, struct virt_domain *domain)
{
	bool is_urgent = domain->wants & VIRT_WORK_URGENT;

	if (!domain->wants || domain->is_being_moved || domain->is_in_urgent ||
	    (domain->is_in_slow && !is_urgent))
		return;
	virt_unqueue(virt, domain);
	if (is_urgent) {
		TAILQ_INSERT_TAIL(&virt->urgent, domain, move_link);
		domain->is_in_urgent = true;
	} else {
		TAILQ_INSERT_TAIL(&virt->slow, domain, move_link);
		domain->is_in_slow = true;
	}
	pthread_cond_broadcast(&virt->work);
}

static void virt_want(struct virt *virt, struct virt_domain *domain,
		      enum virt_work work)
{
	domain->wants |= work;
	virt_requeue(virt, domain);
}

static void virt_want_period(struct virt *virt, struct virt_domain *domain)
{
	uint64_t now_ns = virt_now_ns();

	if (!domain->facts.has_balloon ||
	    (domain->period_ns &&
	     now_ns - domain->period_ns < VIRT_PERIOD_AGAIN_NS))
		return;
	domain->period_ns = now_ns;
	virt_want(virt, domain, VIRT_WORK_PERIOD);
}

static void virt_forget_orders(struct virt *virt, struct virt_domain *domain)
{
	domain->wants = 0;
	virt_unqueue(virt, domain);
}

static void virt_forget_run(struct virt *virt, struct virt_domain *domain)
{
	virt_forget_orders(virt, domain);
	domain->facts = (struct domain_facts){ 0 };
	domain->balloon = (struct balloon){ 0 };
	domain->history = (struct balloon_history){ 0 };
	domain->period_ns = 0;
	domain->is_migrating = false;
	domain->nr_resets = 0;
}

/* News */

static struct virt_news virt_news_of(enum virt_news_kind kind,
				     const struct virt_domain *domain)
{
	struct virt_news news = { .kind = kind };

	memcpy(news.uuid, domain->uuid, sizeof(news.uuid));
	return news;
}

static void virt_tell(struct virt *virt, struct virt_domain *domain,
		      const struct virt_news *news)
{
	virt_queue_put(&virt->news, &domain->slots, news);
}

static void virt_tell_size(struct virt *virt, struct virt_domain *domain)
{
	struct virt_news news = virt_news_of(VIRT_BALLOON, domain);

	virt_tell(virt, domain, &news);
}

/* One line of it, never NULL unless memory is out. */
static __attribute__((format(printf, 1, 2))) char *virt_line(const char *format,
							     ...)
{
	va_list args;
	char *line, *c;
	int length;

	va_start(args, format);
	length = vasprintf(&line, format, args);
	va_end(args);
	if (length < 0)
		return NULL;
	for (c = line; *c; c++) {
		if (*c == '\n')
			*c = ' ';
	}
	while (c > line && c[-1] == ' ')
		*--c = '\0';
	return line;
}

/* libvirt's words for the last failure of this thread. */
static char *virt_last_error(void)
{
	return virt_line("%s", virGetLastErrorMessage());
}

/* Takes over @reason. Says so unless that was already said. */
static void virt_tell_disconnected(struct virt *virt, char *reason)
{
	struct virt_news news = { .kind = VIRT_DISCONNECTED };

	if (reason && virt->said_reason &&
	    strcmp(reason, virt->said_reason) == 0) {
		free(reason);
		return;
	}
	free(virt->said_reason);
	virt->said_reason = reason ? strdup(reason) : NULL;
	news.error = reason;
	virt_queue_put(&virt->news, &virt->slots, &news);
}

/* The lock is held. Takes over @reason. */
static void virt_lose(struct virt *virt, char *reason)
{
	if (virt->is_lost || !virt->conn) {
		free(reason);
		return;
	}
	virt->is_lost = true;
	virt->lost_reason = reason;
	pthread_cond_broadcast(&virt->work);
}

/* References and threads */

static void virt_ref(struct virt *virt)
{
	atomic_fetch_add(&virt->nr_references, 1);
}

static void virt_free_all(struct virt *virt)
{
	struct virt_domain *domain;
	size_t i;

	for (i = 0; i < VIRT_NR_BUCKETS; i++) {
		while ((domain = virt->buckets[i])) {
			virt->buckets[i] = domain->next;
			virt_queue_clear(&virt->news, &domain->slots);
			free(domain);
		}
	}
	virt_queue_clear(&virt->news, &virt->slots);
	virt_queue_done(&virt->news);
	pthread_cond_destroy(&virt->work);
	pthread_cond_destroy(&virt->ended);
	pthread_mutex_destroy(&virt->lock);
	free(virt->lost_reason);
	free(virt->said_reason);
	free(virt->uri);
	free(virt);
}

/* Also libvirt's, for the opaque pointer of a callback. */
static void virt_unref(void *opaque)
{
	struct virt *virt = opaque;

	if (atomic_fetch_sub(&virt->nr_references, 1) == 1)
		virt_free_all(virt);
}

/* The lock is held at both; between them it is not, and libvirt is called. */
static void virt_call_begin(struct virt_thread *thread, const char *uuid)
{
	(void)snprintf(thread->uuid, sizeof(thread->uuid), "%s", uuid);
	atomic_store(&thread->since_ns, virt_now_ns());
	pthread_mutex_unlock(&thread->virt->lock);
}

/* Of several calls in a row, the time of each counts by itself. */
static void virt_call_next(struct virt_thread *thread)
{
	atomic_store(&thread->since_ns, virt_now_ns());
}

static void virt_call_end(struct virt_thread *thread)
{
	pthread_mutex_lock(&thread->virt->lock);
	atomic_store(&thread->since_ns, 0);
	thread->uuid[0] = '\0';
}

static void virt_silence(void *opaque, virErrorPtr error)
{
	/* Every error is looked at where it is returned. */
	(void)opaque;
	(void)error;
}

static void *virt_loop(void *argument)
{
	(void)argument;
	for (;;) {
		if (virEventRunDefaultImpl() < 0)
			(void)poll(NULL, 0, 100);
	}
	return NULL;
}

/* All signals are for the daemon's own thread. */
static int virt_thread_start(void *(*run)(void *), void *argument)
{
	sigset_t all, before;
	pthread_attr_t attributes;
	pthread_t thread;
	int err;

	err = pthread_attr_init(&attributes);
	if (err)
		return -err;
	(void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&thread, &attributes, run, argument);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attributes);
	return -err;
}

/*
 * libvirt has one event loop per process, to be registered before the first
 * connection, and no way to take it back.
 */
static int virt_loop_err;

static void virt_loop_start(void)
{
	virSetErrorFunc(NULL, virt_silence);
	if (virInitialize() < 0 || virEventRegisterDefaultImpl() < 0)
		virt_loop_err = -ENOMEM;
	else
		virt_loop_err = virt_thread_start(virt_loop, NULL);
}

/* Callbacks: in the loop's thread */

/*
 * The domain that an event is about, with the lock held; NULL, without it, if the
 * event is of a connection that is no more. @is_new: it may be one that is not
 * known.
 */
static struct virt_domain *virt_event_begin(struct virt *virt,
					    virConnectPtr conn,
					    virDomainPtr dom, bool is_new)
{
	char uuid[VIR_UUID_STRING_BUFLEN];
	struct virt_domain *domain = NULL;

	if (virDomainGetUUIDString(dom, uuid) < 0)
		return NULL;
	pthread_mutex_lock(&virt->lock);
	if (conn == virt->conn && !virt->is_lost && !virt->is_stopping) {
		domain = is_new ? virt_find_or_add(virt, uuid) :
				  virt_find(virt, uuid);
		if (!domain && is_new)
			/* What it told is lost: see it anew. */
			virt_lose(virt, NULL);
	}
	if (!domain)
		pthread_mutex_unlock(&virt->lock);
	return domain;
}

static void virt_event_end(struct virt *virt)
{
	pthread_mutex_unlock(&virt->lock);
}

static const char *virt_stopped_reason(int detail)
{
	switch (detail) {
	case VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN:
		return "it was shut down";
	case VIR_DOMAIN_EVENT_STOPPED_DESTROYED:
		return "it was destroyed";
	case VIR_DOMAIN_EVENT_STOPPED_CRASHED:
		return "it crashed";
	case VIR_DOMAIN_EVENT_STOPPED_MIGRATED:
		return "it was migrated away";
	case VIR_DOMAIN_EVENT_STOPPED_SAVED:
		return "it was saved to a file";
	case VIR_DOMAIN_EVENT_STOPPED_FAILED:
		return "its QEMU failed";
	case VIR_DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT:
		return "it was reverted to a snapshot";
	}
	return "it stopped";
}

static int virt_on_lifecycle(virConnectPtr conn, virDomainPtr dom, int event,
			     int detail, void *opaque)
{
	struct virt *virt = opaque;
	bool is_start = event != VIR_DOMAIN_EVENT_STOPPED &&
			event != VIR_DOMAIN_EVENT_DEFINED &&
			event != VIR_DOMAIN_EVENT_UNDEFINED;
	struct virt_domain *domain =
		virt_event_begin(virt, conn, dom, is_start);

	if (!domain)
		return 0;
	if (event == VIR_DOMAIN_EVENT_STOPPED)
		domain->gone_reason = virt_stopped_reason(detail);
	virt_want_read(virt, domain);
	virt_event_end(virt);
	return 0;
}

static void virt_on_reboot(virConnectPtr conn, virDomainPtr dom, void *opaque)
{
	struct virt *virt = opaque;
	struct virt_domain *domain = virt_event_begin(virt, conn, dom, false);

	if (!domain)
		return;
	domain->nr_resets++;
	domain->history = (struct balloon_history){ 0 };
	balloon_reset(&domain->balloon);
	virt_want_read(virt, domain);
	virt_event_end(virt);
}

static void virt_on_balloon(virConnectPtr conn, virDomainPtr dom,
			    unsigned long long actual_kib, void *opaque)
{
	struct virt *virt = opaque;
	struct virt_domain *domain = virt_event_begin(virt, conn, dom, false);

	if (!domain)
		return;
	domain->sized_seq++;
	/* QEMU's own size: it does not count what virtio-mem has plugged. */
	balloon_sized(&domain->balloon,
		      actual_kib * KIB_BYTES + domain->facts.plugged_bytes,
		      virt_now_ns());
	if (domain->is_known)
		virt_tell_size(virt, domain);
	virt_event_end(virt);
}

/* Something about a domain has changed. */
static void virt_on_change(struct virt *virt, virConnectPtr conn,
			   virDomainPtr dom)
{
	struct virt_domain *domain = virt_event_begin(virt, conn, dom, false);

	if (!domain)
		return;
	virt_want_read(virt, domain);
	virt_event_end(virt);
}

static void virt_on_metadata(virConnectPtr conn, virDomainPtr dom, int type,
			     const char *uri, void *opaque)
{
	if (type == VIR_DOMAIN_METADATA_ELEMENT && uri &&
	    strcmp(uri, DOMAIN_METADATA_URI) == 0)
		virt_on_change(opaque, conn, dom);
}

/* Devices that are plugged or unplugged: one may pin the guest's memory. */
static void virt_on_device(virConnectPtr conn, virDomainPtr dom,
			   const char *alias, void *opaque)
{
	(void)alias;
	virt_on_change(opaque, conn, dom);
}

static void virt_on_memory_device(virConnectPtr conn, virDomainPtr dom,
				  const char *alias,
				  unsigned long long size_kib, void *opaque)
{
	(void)alias;
	(void)size_kib;
	virt_on_change(opaque, conn, dom);
}

static void virt_set_migrating(struct virt *virt, virConnectPtr conn,
			       virDomainPtr dom, bool is_migrating)
{
	struct virt_domain *domain = virt_event_begin(virt, conn, dom, false);

	if (!domain)
		return;
	if (domain->is_migrating != is_migrating) {
		domain->is_migrating = is_migrating;
		virt_want_read(virt, domain);
	}
	virt_event_end(virt);
}

static void virt_on_migration(virConnectPtr conn, virDomainPtr dom,
			      int iteration, void *opaque)
{
	(void)iteration;
	virt_set_migrating(opaque, conn, dom, true);
}

static void virt_on_job(virConnectPtr conn, virDomainPtr dom,
			virTypedParameterPtr params, int nr_params,
			void *opaque)
{
	(void)params;
	(void)nr_params;
	virt_set_migrating(opaque, conn, dom, false);
}

static const struct {
	int id;
	virConnectDomainEventGenericCallback callback;
} virt_events[VIRT_NR_EVENTS] = {
	[VIRT_EVENT_LIFECYCLE] = { VIR_DOMAIN_EVENT_ID_LIFECYCLE,
				   VIR_DOMAIN_EVENT_CALLBACK(
					   virt_on_lifecycle) },
	[VIRT_EVENT_REBOOT] = { VIR_DOMAIN_EVENT_ID_REBOOT, virt_on_reboot },
	[VIRT_EVENT_BALLOON] = { VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE,
				 VIR_DOMAIN_EVENT_CALLBACK(virt_on_balloon) },
	[VIRT_EVENT_METADATA] = { VIR_DOMAIN_EVENT_ID_METADATA_CHANGE,
				  VIR_DOMAIN_EVENT_CALLBACK(virt_on_metadata) },
	[VIRT_EVENT_DEVICE_ADDED] = { VIR_DOMAIN_EVENT_ID_DEVICE_ADDED,
				      VIR_DOMAIN_EVENT_CALLBACK(
					      virt_on_device) },
	[VIRT_EVENT_DEVICE_REMOVED] = { VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED,
					VIR_DOMAIN_EVENT_CALLBACK(
						virt_on_device) },
	[VIRT_EVENT_MEMORY_DEVICE] = { VIR_DOMAIN_EVENT_ID_MEMORY_DEVICE_SIZE_CHANGE,
				       VIR_DOMAIN_EVENT_CALLBACK(
					       virt_on_memory_device) },
	[VIRT_EVENT_MIGRATION] = { VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION,
				   VIR_DOMAIN_EVENT_CALLBACK(
					   virt_on_migration) },
	[VIRT_EVENT_JOB] = { VIR_DOMAIN_EVENT_ID_JOB_COMPLETED,
			     VIR_DOMAIN_EVENT_CALLBACK(virt_on_job) },
};

static const char *virt_close_reason(int reason)
{
	switch (reason) {
	case VIR_CONNECT_CLOSE_REASON_EOF:
		return "libvirtd closed the connection: it was stopped or died";
	case VIR_CONNECT_CLOSE_REASON_KEEPALIVE:
		return "libvirtd does not answer any more";
	case VIR_CONNECT_CLOSE_REASON_ERROR:
		return "the connection to libvirtd broke";
	}
	return "the connection to libvirtd was closed";
}

static void virt_on_close(virConnectPtr conn, int reason, void *opaque)
{
	struct virt *virt = opaque;

	pthread_mutex_lock(&virt->lock);
	if (conn == virt->conn)
		virt_lose(virt, virt_line("%s", virt_close_reason(reason)));
	pthread_mutex_unlock(&virt->lock);
}

/* Failures */

static int virt_errno(void)
{
	switch (virGetLastErrorCode()) {
	case VIR_ERR_NO_DOMAIN:
	/* "domain is not running" */
	case VIR_ERR_OPERATION_INVALID:
		return -ENOENT;
	case VIR_ERR_OPERATION_TIMEOUT:
		return -ETIMEDOUT;
	case VIR_ERR_NO_SUPPORT:
	case VIR_ERR_CONFIG_UNSUPPORTED:
	case VIR_ERR_OPERATION_UNSUPPORTED:
	case VIR_ERR_ARGUMENT_UNSUPPORTED:
		return -EOPNOTSUPP;
	case VIR_ERR_INVALID_ARG:
		return -EINVAL;
	case VIR_ERR_OPERATION_DENIED:
	case VIR_ERR_AUTH_FAILED:
	case VIR_ERR_ACCESS_DENIED:
		return -EACCES;
	case VIR_ERR_NO_MEMORY:
		return -ENOMEM;
	case VIR_ERR_RESOURCE_BUSY:
		return -EBUSY;
	}
	return -EIO;
}

/* A driver that does not have what was asked for: libvirt's test driver. */
static bool virt_is_unsupported(void)
{
	return virGetLastErrorCode() == VIR_ERR_NO_SUPPORT;
}

/*
 * After a call that failed: whether the connection did. Not with the lock, and
 * after the failure was looked at: this overwrites it.
 */
static bool virt_is_dead(virConnectPtr conn)
{
	return virConnectIsAlive(conn) <= 0;
}

/* The librarian: what runs */

/**
 * struct virt_reading - what was read of a domain
 * @err: 0; -ENOENT: it does not run; -ENOTCONN: the connection is lost; else
 *	it could not be read, and @error says why
 * @id: of this run
 * @news: VIRT_DOMAIN, but for what is known without reading
 * @actual_bytes: its size
 */
struct virt_reading {
	int err;
	int id;
	struct virt_news news;
	uint64_t actual_bytes;
};

static int virt_reading_failed(struct virt_reading *reading, virConnectPtr conn)
{
	int err = virt_errno();

	if (err != -ENOENT)
		reading->news.error = virt_last_error();
	return virt_is_dead(conn) ? -ENOTCONN : err;
}

static int virt_read_policy(virDomainPtr dom, virConnectPtr conn,
			    struct virt_reading *reading)
{
	struct virt_news *news = &reading->news;
	_cleanup_free_ char *xml = NULL;
	int err;

	xml = virDomainGetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT,
				   DOMAIN_METADATA_URI, VIR_DOMAIN_AFFECT_LIVE);
	if (!xml && virGetLastErrorCode() != VIR_ERR_NO_DOMAIN_METADATA)
		return virt_reading_failed(reading, conn);
	err = domain_policy_parse(xml, &news->policy, news->policy_error);
	return err == -EBADMSG ? 0 : err;
}

static int virt_read_facts(virDomainPtr dom, virConnectPtr conn,
			   struct virt_reading *reading)
{
	struct virt_news *news = &reading->news;
	_cleanup_free_ char *xml = NULL;
	virDomainInfo info;
	int err;

	if (virDomainGetInfo(dom, &info) < 0)
		return virt_reading_failed(reading, conn);
	if (info.state == VIR_DOMAIN_SHUTOFF)
		return -ENOENT;
	news->is_paused = info.state != VIR_DOMAIN_RUNNING &&
			  info.state != VIR_DOMAIN_BLOCKED &&
			  info.state != VIR_DOMAIN_SHUTDOWN;
	reading->actual_bytes = (uint64_t)info.memory * KIB_BYTES;
	xml = virDomainGetXMLDesc(dom, 0);
	if (!xml)
		return virt_reading_failed(reading, conn);
	err = domain_facts_parse(xml, &news->facts);
	if (err == -EBADMSG) {
		/* Without a balloon that it would know of. */
		news->facts = (struct domain_facts){
			.max_bytes = (uint64_t)info.maxMem * KIB_BYTES,
			.current_bytes = reading->actual_bytes,
		};
		news->error = virt_line(
			"the domain's XML is not understood: it is not moved");
		err = 0;
	}
	return err;
}

static int virt_read_domain(struct virt_thread *librarian, virConnectPtr conn,
			    const char *uuid, struct virt_reading *reading)
{
	_cleanup_domain_ virDomainPtr dom = NULL;
	int err;

	dom = virDomainLookupByUUIDString(conn, uuid);
	if (!dom)
		return virt_reading_failed(reading, conn);
	reading->id = (int)virDomainGetID(dom);
	if (reading->id < 0)
		return -ENOENT;
	reading->news.name = strdup(virDomainGetName(dom));
	if (!reading->news.name)
		return -ENOMEM;
	virt_call_next(librarian);
	err = virt_read_facts(dom, conn, reading);
	if (err < 0)
		return err;
	virt_call_next(librarian);
	return virt_read_policy(dom, conn, reading);
}

static void virt_tell_gone(struct virt *virt, struct virt_domain *domain,
			   const char *reason)
{
	struct virt_news news = virt_news_of(VIRT_DOMAIN_GONE, domain);

	virt_forget_run(virt, domain);
	domain->gone_reason = NULL;
	domain->is_missed = false;
	domain->id = -1;
	if (!domain->is_known)
		return;
	domain->is_known = false;
	news.error = strdup(reason);
	virt_tell(virt, domain, &news);
}

/* The lock is held. Takes over what @reading owns. */
static void virt_book_run(struct virt *virt, struct virt_domain *domain,
			  struct virt_reading *reading, unsigned int seq)
{
	bool is_sized = seq != domain->sized_seq;

	if (domain->is_known && domain->id != reading->id)
		virt_tell_gone(virt, domain,
			       domain->gone_reason ? domain->gone_reason :
						     "it was restarted");
	if (!domain->is_known) {
		virt_forget_run(virt, domain);
		/* What events told was of the run before. */
		is_sized = false;
	}
	domain->is_known = true;
	domain->id = reading->id;
	domain->gone_reason = NULL;
	domain->is_missed = false;
	domain->facts = reading->news.facts;
	if (!is_sized)
		balloon_sized(&domain->balloon, reading->actual_bytes,
			      virt_now_ns());
	reading->news.kind = VIRT_DOMAIN;
	memcpy(reading->news.uuid, domain->uuid, sizeof(domain->uuid));
	reading->news.is_migrating = domain->is_migrating;
	reading->news.nr_resets = domain->nr_resets;
	virt_tell(virt, domain, &reading->news);
	reading->news = (struct virt_news){ 0 };
	if (domain->facts.stats_period_s == 0 ||
	    domain->facts.stats_period_s > virt->stats_period_s)
		virt_want_period(virt, domain);
}

/*
 * When QEMU ends, one event says so before another tells why: a reading between
 * the two would be right, but could not say it. If libvirtd was away, no event
 * will.
 */
static bool virt_may_learn_why(const struct virt_domain *domain)
{
	return domain->is_known && !domain->gone_reason &&
	       !domain->is_awaited && !domain->is_missed;
}

/* The lock is held at the start and at the end. */
static void virt_read_next(struct virt *virt, struct virt_thread *librarian,
			   struct virt_domain *domain)
{
	struct virt_reading reading = { 0 };
	unsigned int seq = domain->sized_seq;
	virConnectPtr conn = virt->conn;

	TAILQ_REMOVE(&virt->to_read, domain, read_link);
	domain->must_read = false;
	domain->is_being_read = true;
	virt_call_begin(librarian, domain->uuid);
	reading.err = virt_read_domain(librarian, conn, domain->uuid, &reading);
	virt_call_end(librarian);
	domain->is_being_read = false;

	if (reading.err == 0) {
		virt_book_run(virt, domain, &reading, seq);
	} else if (reading.err == -ENOENT && virt_may_learn_why(domain)) {
		domain->is_missed = true;
		virt_want_reread(virt, domain, VIRT_REASON_NS);
	} else if (reading.err == -ENOENT) {
		virt_tell_gone(virt, domain,
			       domain->gone_reason ? domain->gone_reason :
						     "it stopped");
	} else if (reading.err == -ENOTCONN) {
		virt_lose(virt, TAKE_PTR(reading.news.error));
	} else {
		/* It stays as last known. */
		virt_want_reread(virt, domain, VIRT_REREAD_NS);
	}
	virt_news_done(&reading.news);
	virt_awaited(virt, domain);
	virt_domain_put(virt, domain);
}

/* Only with those that have all been read: else it would say too little. */
static void virt_tell_connected(struct virt *virt)
{
	struct virt_news news = { .kind = VIRT_CONNECTED };

	virt->is_ready = true;
	virt->backoff_ns = VIRT_FIRST_RETRY_NS;
	free(virt->said_reason);
	virt->said_reason = NULL;
	virt_queue_put(&virt->news, &virt->slots, &news);
}

/* The librarian: the connection */

static void virt_register(struct virt *virt, virConnectPtr conn,
			  int callbacks[VIRT_NR_EVENTS])
{
	size_t i;

	for (i = 0; i < VIRT_NR_EVENTS; i++) {
		virt_ref(virt);
		callbacks[i] = virConnectDomainEventRegisterAny(
			conn, NULL, virt_events[i].id, virt_events[i].callback,
			virt, virt_unref);
		if (callbacks[i] < 0)
			virt_unref(virt);
	}
}

/* Every callback holds a reference to the connection, so it must be told. */
static void virt_unregister(virConnectPtr conn,
			    const int callbacks[VIRT_NR_EVENTS],
			    bool has_close_callback)
{
	size_t i;

	for (i = 0; i < VIRT_NR_EVENTS; i++) {
		if (callbacks[i] >= 0)
			(void)virConnectDomainEventDeregisterAny(conn,
								 callbacks[i]);
	}
	if (has_close_callback)
		(void)virConnectUnregisterCloseCallback(conn, virt_on_close);
}

/* The lock is held at the start and at the end, of this and the next ones. */
static void virt_disconnect(struct virt *virt, struct virt_thread *librarian)
{
	virConnectPtr conn = virt->conn;
	int callbacks[VIRT_NR_EVENTS];
	bool has_close_callback = virt->has_close_callback;
	struct virt_domain *domain, *next;
	size_t i;

	memcpy(callbacks, virt->callbacks, sizeof(callbacks));
	virt->conn = NULL;
	virt->is_ready = false;
	virt->is_lost = false;
	for (i = 0; i < VIRT_NR_BUCKETS; i++) {
		for (domain = virt->buckets[i]; domain; domain = next) {
			next = domain->next;
			virt_forget_orders(virt, domain);
			virt_awaited(virt, domain);
			if (domain->must_read)
				TAILQ_REMOVE(&virt->to_read, domain, read_link);
			domain->must_read = false;
			domain->reread_ns = 0;
			domain->is_migrating = false;
			virt_domain_put(virt, domain);
		}
	}
	virt->nr_rereads = 0;
	virt_call_begin(librarian, "");
	virt_unregister(conn, callbacks, has_close_callback);
	(void)virConnectClose(conn);
	virt_call_end(librarian);
}

static void virt_retry_later(struct virt *virt)
{
	virt->retry_ns = virt_now_ns() + virt->backoff_ns;
	virt->backoff_ns *= 2;
	if (virt->backoff_ns > VIRT_LAST_RETRY_NS)
		virt->backoff_ns = VIRT_LAST_RETRY_NS;
}

static void virt_replace(struct virt *virt, struct virt_thread *librarian)
{
	char *reason = TAKE_PTR(virt->lost_reason);

	virt_tell_disconnected(virt, reason);
	virt_disconnect(virt, librarian);
	virt_retry_later(virt);
}

/* -ENOMEM. All that run, and all that were known to. */
static int virt_want_all(struct virt *virt, virDomainPtr *doms, int nr_doms)
{
	char uuid[VIR_UUID_STRING_BUFLEN];
	struct virt_domain *domain;
	size_t i;
	int j;

	for (j = 0; j < nr_doms; j++) {
		if (virDomainGetUUIDString(doms[j], uuid) < 0 ||
		    !virt_find_or_add(virt, uuid))
			return -ENOMEM;
	}
	for (i = 0; i < VIRT_NR_BUCKETS; i++) {
		for (domain = virt->buckets[i]; domain; domain = domain->next) {
			if (!domain->is_awaited)
				virt->nr_awaited++;
			domain->is_awaited = true;
			virt_want_read(virt, domain);
		}
	}
	return 0;
}

/*
 * Whether virt_on_close() was registered. A driver inside this process, libvirt's test
 * driver, has neither keepalives nor something to lose, and would take the
 * callback with its reference and never give that back.
 */
static bool virt_keep_alive(struct virt *virt, virConnectPtr conn)
{
	if (virConnectSetKeepAlive(conn, VIRT_KEEPALIVE_S,
				   VIRT_KEEPALIVE_COUNT) < 0)
		return false;
	virt_ref(virt);
	if (virConnectRegisterCloseCallback(conn, virt_on_close, virt,
					    virt_unref) == 0)
		return true;
	virt_unref(virt);
	return false;
}

/* Registered before listed, so no domain comes or goes between the two. */
static void virt_list(struct virt *virt, struct virt_thread *librarian)
{
	virConnectPtr conn = virt->conn;
	int callbacks[VIRT_NR_EVENTS];
	_cleanup_free_ char *error = NULL;
	bool has_close_callback;
	virDomainPtr *doms = NULL;
	int nr_doms = -1, j;

	virt_call_begin(librarian, "");
	has_close_callback = virt_keep_alive(virt, conn);
	virt_register(virt, conn, callbacks);
	if (callbacks[VIRT_EVENT_LIFECYCLE] >= 0)
		nr_doms = virConnectListAllDomains(
			conn, &doms, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
	if (nr_doms < 0)
		error = virt_last_error();
	virt_call_end(librarian);

	memcpy(virt->callbacks, callbacks, sizeof(callbacks));
	virt->has_close_callback = has_close_callback;
	if (nr_doms < 0)
		virt_lose(virt, TAKE_PTR(error));
	else if (virt_want_all(virt, doms, nr_doms) < 0)
		virt_lose(virt, NULL);
	for (j = 0; j < nr_doms; j++)
		(void)virDomainFree(doms[j]);
	free(doms);
}

static void virt_connect(struct virt *virt, struct virt_thread *librarian)
{
	_cleanup_free_ char *error = NULL;
	virConnectPtr conn;

	virt_call_begin(librarian, "");
	conn = virConnectOpen(virt->uri);
	if (!conn)
		error = virt_line("cannot connect to libvirt at %s: %s",
				  virt->uri, virGetLastErrorMessage());
	virt_call_end(librarian);
	if (!conn) {
		virt_tell_disconnected(virt, TAKE_PTR(error));
		virt_retry_later(virt);
		return;
	}
	virt->conn = conn;
	virt_list(virt, librarian);
}

/* Those whose time has come; returns when the next one's does, or 0. */
static uint64_t virt_reread_due(struct virt *virt)
{
	uint64_t now_ns = virt_now_ns(), next_ns = 0;
	struct virt_domain *domain;
	size_t i;

	for (i = 0; virt->nr_rereads > 0 && i < VIRT_NR_BUCKETS; i++) {
		for (domain = virt->buckets[i]; domain; domain = domain->next) {
			if (!domain->reread_ns)
				continue;
			if (domain->reread_ns <= now_ns)
				virt_want_read(virt, domain);
			else if (!next_ns || domain->reread_ns < next_ns)
				next_ns = domain->reread_ns;
		}
	}
	return next_ns;
}

/* @until_ns: 0: for as long as it takes. */
static void virt_wait(struct virt *virt, uint64_t until_ns)
{
	struct timespec until = virt_timespec(until_ns);

	if (until_ns)
		(void)pthread_cond_timedwait(&virt->work, &virt->lock, &until);
	else
		(void)pthread_cond_wait(&virt->work, &virt->lock);
}

static void virt_librarian_step(struct virt *virt,
				struct virt_thread *librarian)
{
	uint64_t reread_ns;

	if (!virt->conn) {
		if (virt_now_ns() >= virt->retry_ns)
			virt_connect(virt, librarian);
		else
			virt_wait(virt, virt->retry_ns);
		return;
	}
	if (virt->is_lost) {
		virt_replace(virt, librarian);
		return;
	}
	reread_ns = virt_reread_due(virt);
	if (!TAILQ_EMPTY(&virt->to_read))
		virt_read_next(virt, librarian, TAILQ_FIRST(&virt->to_read));
	else if (!virt->is_ready && virt->nr_awaited == 0)
		virt_tell_connected(virt);
	else
		virt_wait(virt, reread_ns);
}

static void virt_thread_end(struct virt *virt)
{
	virt->nr_threads--;
	pthread_cond_broadcast(&virt->ended);
	pthread_mutex_unlock(&virt->lock);
	virt_unref(virt);
}

static void *virt_librarian(void *argument)
{
	struct virt_thread *librarian = argument;
	struct virt *virt = librarian->virt;

	pthread_mutex_lock(&virt->lock);
	while (!virt->is_stopping)
		virt_librarian_step(virt, librarian);
	if (virt->conn)
		virt_disconnect(virt, librarian);
	virt_thread_end(virt);
	return NULL;
}

/* The movers: what enters a monitor */

/**
 * struct virt_task - one work for one domain, as it was when it was taken on
 * @thread: who does it
 * @conn: with a reference
 * @work: what
 * @uuid: of the domain
 * @id: of its run
 * @facts: likewise
 * @target_bytes: VIRT_WORK_TARGET
 * @policy: VIRT_WORK_POLICY
 * @was_migrating: likewise
 * @is_migrating: and now
 * @seq: see struct virt_domain
 * @err: as in struct virt_news; -ENOTCONN: the connection is lost
 * @error: likewise
 * @actual_bytes: size now; 0: not read
 * @sample: VIRT_WORK_STATS
 * @problem: VIRT_WORK_STATS: why there is no @sample
 */
struct virt_task {
	struct virt_thread *thread;
	virConnectPtr conn;
	enum virt_work work;
	char uuid[VIEW_UUID_BYTES];
	int id;
	struct domain_facts facts;
	unsigned int stats_period_s;
	uint64_t target_bytes;
	struct domain_policy policy;
	bool was_migrating;
	bool is_migrating;
	unsigned int seq;
	int err;
	char *error;
	uint64_t actual_bytes;
	struct balloon_sample sample;
	const char *problem;
};

static int virt_task_failed(struct virt_task *task)
{
	int err = virt_errno();

	task->error = virt_last_error();
	return virt_is_dead(task->conn) ? -ENOTCONN : err;
}

/*
 * Whether libvirt is migrating, saving or dumping it, or the like. Other orders
 * would wait for the end of that, and fail after 30 s. Backups do not mind.
 */
static bool virt_has_job(virDomainPtr dom)
{
	virTypedParameterPtr params = NULL;
	int type = VIR_DOMAIN_JOB_NONE, nr_params = 0;
	int operation = VIR_DOMAIN_JOB_OPERATION_UNKNOWN;

	if (virDomainGetJobStats(dom, &type, &params, &nr_params, 0) < 0)
		return false;
	(void)virTypedParamsGetInt(params, nr_params, VIR_DOMAIN_JOB_OPERATION,
				   &operation);
	virTypedParamsFree(params, nr_params);
	return (type == VIR_DOMAIN_JOB_BOUNDED ||
		type == VIR_DOMAIN_JOB_UNBOUNDED) &&
	       operation != VIR_DOMAIN_JOB_OPERATION_BACKUP;
}

/*
 * Whether its QEMU would answer. -EBUSY: no, or not soon, and task->error says
 * why. The QEMU may hang just after that: then so does the call.
 */
static int virt_task_may_enter(struct virt_task *task, virDomainPtr dom)
{
	virDomainControlInfo control;

	if (virDomainGetControlInfo(dom, &control, 0) < 0)
		return virt_is_unsupported() ? 0 : virt_task_failed(task);
	if (control.state == VIR_DOMAIN_CONTROL_ERROR) {
		task->error = virt_line("its QEMU cannot be controlled");
		return -EBUSY;
	}
	if (control.state == VIR_DOMAIN_CONTROL_OCCUPIED &&
	    control.stateTime > VIRT_OCCUPIED_MS) {
		task->error = virt_line("its QEMU has not answered for %llu s",
					control.stateTime / 1000);
		return -EBUSY;
	}
	return 0;
}

/* Asked of all works but those that can wait for, or do not mind, a job. */
static int virt_task_has_no_job(struct virt_task *task, virDomainPtr dom)
{
	virt_call_next(task->thread);
	task->is_migrating = virt_has_job(dom);
	if (!task->is_migrating)
		return 0;
	task->error = virt_line("libvirt migrates or saves it");
	return -EBUSY;
}

/* No answer is needed from QEMU: it tells libvirt by events. */
static void virt_task_read_size(struct virt_task *task, virDomainPtr dom)
{
	virDomainInfo info;

	virt_call_next(task->thread);
	if (virDomainGetInfo(dom, &info) == 0)
		task->actual_bytes = (uint64_t)info.memory * KIB_BYTES;
}

static int virt_task_target(struct virt_task *task, virDomainPtr dom)
{
	uint64_t balloon_kib =
		(task->target_bytes - task->facts.plugged_bytes) / KIB_BYTES;
	int err;

	if (task->target_bytes <= task->facts.plugged_bytes ||
	    balloon_kib == 0) {
		task->error = virt_line(
			"a balloon cannot take what virtio-mem has plugged");
		return -EINVAL;
	}
	err = virt_task_has_no_job(task, dom);
	if (err < 0)
		return err;
	virt_call_next(task->thread);
	if (virDomainSetMemoryFlags(dom, balloon_kib, VIR_DOMAIN_AFFECT_LIVE) <
	    0) {
		err = virt_task_failed(task);
		/* Of the two things that are invalid then, which? */
		if (err == -ENOENT && virDomainIsActive(dom) == 1)
			err = -EOPNOTSUPP;
		return err;
	}
	virt_task_read_size(task, dom);
	return 0;
}

static int virt_task_policy(struct virt_task *task, virDomainPtr dom)
{
	const struct domain_policy *policy = &task->policy;
	bool is_empty = !policy->has_min && !policy->has_max &&
			!policy->has_weight && !policy->has_mode;
	_cleanup_free_ char *xml = NULL;
	unsigned int flags = VIR_DOMAIN_AFFECT_LIVE;

	if (!is_empty) {
		xml = domain_policy_format(policy);
		if (!xml)
			return -ENOMEM;
	}
	if (virDomainIsPersistent(dom) == 1)
		flags |= VIR_DOMAIN_AFFECT_CONFIG;
	virt_call_next(task->thread);
	if (virDomainSetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT, xml,
				 xml ? "kvm-aet" : NULL, DOMAIN_METADATA_URI,
				 flags) == 0)
		return 0;
	/* Taking away what is not there has come out right. */
	if (is_empty && virGetLastErrorCode() == VIR_ERR_NO_DOMAIN_METADATA)
		return 0;
	return virt_task_failed(task);
}

static int virt_task_period(struct virt_task *task, virDomainPtr dom)
{
	if (virDomainSetMemoryStatsPeriod(dom, (int)task->stats_period_s,
					  VIR_DOMAIN_AFFECT_LIVE) < 0)
		return virt_task_failed(task);
	return 0;
}

static void virt_sample_value(struct virt_task *task, int tag, uint64_t value)
{
	static const struct {
		enum balloon_value value;
		bool is_kib;
	} values[VIR_DOMAIN_MEMORY_STAT_NR] = {
		[VIR_DOMAIN_MEMORY_STAT_AVAILABLE] = { BALLOON_TOTAL_BYTES,
						       true },
		[VIR_DOMAIN_MEMORY_STAT_USABLE] = { BALLOON_USABLE_BYTES,
						    true },
		[VIR_DOMAIN_MEMORY_STAT_UNUSED] = { BALLOON_UNUSED_BYTES,
						    true },
		[VIR_DOMAIN_MEMORY_STAT_SWAP_IN] = { BALLOON_SWAP_IN_BYTES,
						     true },
		[VIR_DOMAIN_MEMORY_STAT_SWAP_OUT] = { BALLOON_SWAP_OUT_BYTES,
						      true },
		[VIR_DOMAIN_MEMORY_STAT_MAJOR_FAULT] = { BALLOON_MAJOR_FAULTS,
							 false },
	};
	struct balloon_sample *sample = &task->sample;

	switch (tag) {
	case VIR_DOMAIN_MEMORY_STAT_LAST_UPDATE:
		sample->has_update = true;
		sample->update_s = value;
		break;
	case VIR_DOMAIN_MEMORY_STAT_ACTUAL_BALLOON:
		task->actual_bytes =
			value * KIB_BYTES + task->facts.plugged_bytes;
		break;
	case VIR_DOMAIN_MEMORY_STAT_AVAILABLE:
	case VIR_DOMAIN_MEMORY_STAT_USABLE:
	case VIR_DOMAIN_MEMORY_STAT_UNUSED:
	case VIR_DOMAIN_MEMORY_STAT_SWAP_IN:
	case VIR_DOMAIN_MEMORY_STAT_SWAP_OUT:
	case VIR_DOMAIN_MEMORY_STAT_MAJOR_FAULT:
		/* The guest's word: such a size would not be one. */
		if (values[tag].is_kib && value > UINT64_MAX / KIB_BYTES)
			break;
		sample->has_value[values[tag].value] = true;
		sample->values[values[tag].value] =
			values[tag].is_kib ? value * KIB_BYTES : value;
		break;
	}
}

static int virt_task_stats(struct virt_task *task, virDomainPtr dom)
{
	virDomainMemoryStatStruct stats[VIR_DOMAIN_MEMORY_STAT_NR];
	struct balloon_sample *sample = &task->sample;
	struct timespec now;
	int nr_stats, i;

	if (task->was_migrating)
		(void)virt_task_has_no_job(task, dom);
	virt_call_next(task->thread);
	nr_stats =
		virDomainMemoryStats(dom, stats, VIR_DOMAIN_MEMORY_STAT_NR, 0);
	if (nr_stats < 0)
		return virt_task_failed(task);
	for (i = 0; i < nr_stats; i++)
		virt_sample_value(task, stats[i].tag, stats[i].val);
	(void)clock_gettime(CLOCK_REALTIME, &now);
	sample->unix_s = (uint64_t)now.tv_sec;
	sample->read_ns = virt_now_ns();
	sample->actual_bytes = task->actual_bytes;
	sample->max_bytes = task->facts.max_bytes;
	return 0;
}

static int virt_task_call(struct virt_task *task)
{
	_cleanup_domain_ virDomainPtr dom = NULL;
	int err;

	dom = virDomainLookupByUUIDString(task->conn, task->uuid);
	if (!dom)
		return virt_task_failed(task);
	if ((int)virDomainGetID(dom) != task->id)
		return -ENOENT;
	virt_call_next(task->thread);
	err = virt_task_may_enter(task, dom);
	if (err == 0) {
		virt_call_next(task->thread);
		switch (task->work) {
		case VIRT_WORK_TARGET:
			err = virt_task_target(task, dom);
			break;
		case VIRT_WORK_POLICY:
			err = virt_task_policy(task, dom);
			break;
		case VIRT_WORK_PERIOD:
			err = virt_task_period(task, dom);
			break;
		case VIRT_WORK_STATS:
			err = virt_task_stats(task, dom);
			break;
		}
	}
	if (err < 0 && err != -ENOTCONN && task->work == VIRT_WORK_STATS)
		virt_task_read_size(task, dom);
	return err;
}

static void virt_answer_stats(struct virt *virt, struct virt_domain *domain,
			      struct virt_task *task)
{
	struct virt_news news = virt_news_of(VIRT_STATS, domain);

	news.err = task->err;
	news.error = TAKE_PTR(task->error);
	if (task->err == 0)
		news.stats_problem =
			balloon_judge(&domain->history, &task->sample,
				      virt->stats_period_s, &news.stats);
	else if (task->err == -EBUSY)
		news.stats_problem = "its QEMU does not answer libvirt";
	else
		news.stats_problem = "libvirt cannot read its statistics";
	news.has_stats = !news.stats_problem;
	/* Somebody may have stopped the driver from being asked. */
	if (news.stats_problem && task->err == 0)
		virt_want_period(virt, domain);
	virt_tell(virt, domain, &news);
}

static void virt_answer(struct virt *virt, struct virt_domain *domain,
			struct virt_task *task)
{
	struct virt_news news;

	if (task->actual_bytes && task->seq == domain->sized_seq) {
		balloon_sized(&domain->balloon, task->actual_bytes,
			      virt_now_ns());
		if (task->work == VIRT_WORK_TARGET)
			virt_tell_size(virt, domain);
	}
	switch (task->work) {
	case VIRT_WORK_TARGET:
	case VIRT_WORK_POLICY:
		news = virt_news_of(task->work == VIRT_WORK_TARGET ?
					    VIRT_MOVED :
					    VIRT_POLICY_SET,
				    domain);
		news.requested_bytes = task->target_bytes;
		news.err = task->err;
		news.error = TAKE_PTR(task->error);
		virt_tell(virt, domain, &news);
		break;
	case VIRT_WORK_STATS:
		virt_answer_stats(virt, domain, task);
		break;
	case VIRT_WORK_PERIOD:
		/* Without it statistics are absent or stale, which is said. */
		break;
	}
	if (task->is_migrating != task->was_migrating) {
		domain->is_migrating = task->is_migrating;
		virt_want_read(virt, domain);
	}
}

/* The lock is held at the start and at the end. */
static void virt_do(struct virt *virt, struct virt_thread *mover,
		    struct virt_domain *domain)
{
	struct balloon before = domain->balloon;
	struct virt_task task = {
		.thread = mover,
		.conn = virt->conn,
		/* The lowest bit. */
		.work = (enum virt_work)(domain->wants & -domain->wants),
		.id = domain->id,
		.facts = domain->facts,
		.stats_period_s = virt->stats_period_s,
		.was_migrating = domain->is_migrating,
		.is_migrating = domain->is_migrating,
		.seq = domain->sized_seq,
	};

	memcpy(task.uuid, domain->uuid, sizeof(task.uuid));
	if (task.work == VIRT_WORK_TARGET) {
		task.target_bytes = domain->target_bytes;
		balloon_ordered(&domain->balloon, task.target_bytes,
				virt_now_ns());
	} else if (task.work == VIRT_WORK_POLICY) {
		task.policy = domain->policy;
	}
	domain->wants &= ~(unsigned int)task.work;
	domain->is_being_moved = true;
	(void)virConnectRef(task.conn);
	virt_call_begin(mover, domain->uuid);
	task.err = virt_task_call(&task);
	virt_call_end(mover);
	domain->is_being_moved = false;

	if (task.err < 0 && task.work == VIRT_WORK_TARGET &&
	    domain->balloon.target_bytes == task.target_bytes) {
		domain->balloon.target_bytes = before.target_bytes;
		domain->balloon.older_target_bytes = before.older_target_bytes;
		domain->balloon.ordered_ns = before.ordered_ns;
	}
	if (task.conn != virt->conn || virt->is_lost || virt->is_stopping)
		; /* All orders are forgotten. */
	else if (task.err == -ENOTCONN)
		virt_lose(virt, TAKE_PTR(task.error));
	else if (domain->is_known && domain->id == task.id)
		virt_answer(virt, domain, &task);
	virt_requeue(virt, domain);
	virt_domain_put(virt, domain);
	pthread_mutex_unlock(&virt->lock);
	free(task.error);
	(void)virConnectClose(task.conn);
	pthread_mutex_lock(&virt->lock);
}

static void *virt_mover(void *argument)
{
	struct virt_thread *mover = argument;
	struct virt *virt = mover->virt;
	struct virt_domain *domain;

	pthread_mutex_lock(&virt->lock);
	while (!virt->is_stopping) {
		domain = TAILQ_FIRST(&virt->urgent);
		if (!domain)
			domain = TAILQ_FIRST(&virt->slow);
		if (!domain || !virt->conn || virt->is_lost) {
			virt_wait(virt, 0);
			continue;
		}
		virt_unqueue(virt, domain);
		virt_do(virt, mover, domain);
	}
	virt_thread_end(virt);
	return NULL;
}

/* What the loop calls */

static int virt_init_conds(struct virt *virt)
{
	pthread_condattr_t attributes;
	int err;

	err = pthread_condattr_init(&attributes);
	if (err)
		return -err;
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&virt->work, &attributes);
	(void)pthread_cond_init(&virt->ended, &attributes);
	(void)pthread_mutex_init(&virt->lock, NULL);
	(void)pthread_condattr_destroy(&attributes);
	return 0;
}

static int virt_start_threads(struct virt *virt)
{
	unsigned int i;
	int err = 0;

	pthread_mutex_lock(&virt->lock);
	for (i = 0; i < VIRT_NR_THREADS && err == 0; i++) {
		virt->threads[i].virt = virt;
		virt_ref(virt);
		virt->nr_threads++;
		err = virt_thread_start(i == VIRT_LIBRARIAN ? virt_librarian :
							      virt_mover,
					&virt->threads[i]);
		if (err < 0) {
			virt->nr_threads--;
			virt_unref(virt);
		}
	}
	pthread_mutex_unlock(&virt->lock);
	return err;
}

int virt_new(const char *uri, unsigned int stats_period_s,
	     struct virt **ret_virt)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct virt *virt;
	int err;

	(void)pthread_once(&once, virt_loop_start);
	if (virt_loop_err < 0)
		return virt_loop_err;
	virt = calloc(1, sizeof(*virt));
	if (!virt)
		return -ENOMEM;
	err = virt_init_conds(virt);
	if (err < 0) {
		free(virt);
		return err;
	}
	atomic_init(&virt->nr_references, 1);
	virt->stats_period_s = stats_period_s;
	virt->backoff_ns = VIRT_FIRST_RETRY_NS;
	TAILQ_INIT(&virt->to_read);
	TAILQ_INIT(&virt->urgent);
	TAILQ_INIT(&virt->slow);
	err = virt_queue_init(&virt->news);
	virt->uri = strdup(uri);
	if (err == 0)
		err = virt->uri ? virt_start_threads(virt) : -ENOMEM;
	if (err < 0) {
		virt_free(virt);
		return err;
	}
	*ret_virt = virt;
	return 0;
}

void virt_free(struct virt *virt)
{
	struct timespec until;

	if (!virt)
		return;
	until = virt_timespec(virt_now_ns() + VIRT_FREE_WAIT_NS);
	pthread_mutex_lock(&virt->lock);
	virt->is_stopping = true;
	pthread_cond_broadcast(&virt->work);
	while (virt->nr_threads > 0 &&
	       pthread_cond_timedwait(&virt->ended, &virt->lock, &until) == 0)
		;
	pthread_mutex_unlock(&virt->lock);
	virt_unref(virt);
}

int virt_fd(const struct virt *virt)
{
	return virt->news.fd;
}

bool virt_take_news(struct virt *virt, struct virt_news *ret_news)
{
	struct virt_slots *slots;
	bool is_some;

	pthread_mutex_lock(&virt->lock);
	is_some = virt_queue_take(&virt->news, ret_news, &slots);
	if (is_some && ret_news->kind == VIRT_DOMAIN_GONE)
		virt_domain_put(virt, virt_find(virt, ret_news->uuid));
	pthread_mutex_unlock(&virt->lock);
	return is_some;
}

/* Finds the domain of an order, with the lock held; without it on failure. */
static int virt_order_begin(struct virt *virt, const char *uuid,
			    struct virt_domain **ret_domain)
{
	struct virt_domain *domain;
	int err = -EAGAIN;

	pthread_mutex_lock(&virt->lock);
	if (virt->is_ready && !virt->is_lost) {
		domain = virt_find(virt, uuid);
		if (domain && domain->is_known) {
			*ret_domain = domain;
			return 0;
		}
		err = -ENOENT;
	}
	pthread_mutex_unlock(&virt->lock);
	return err;
}

static int virt_order_end(struct virt *virt, struct virt_domain *domain,
			  enum virt_work work)
{
	virt_want(virt, domain, work);
	pthread_mutex_unlock(&virt->lock);
	return 0;
}

int virt_set_target(struct virt *virt, const char *uuid, uint64_t bytes)
{
	struct virt_domain *domain;
	int err = virt_order_begin(virt, uuid, &domain);

	if (err < 0)
		return err;
	domain->target_bytes = bytes;
	return virt_order_end(virt, domain, VIRT_WORK_TARGET);
}

int virt_read_stats(struct virt *virt, const char *uuid)
{
	struct virt_domain *domain;
	int err = virt_order_begin(virt, uuid, &domain);

	return err < 0 ? err : virt_order_end(virt, domain, VIRT_WORK_STATS);
}

int virt_set_policy(struct virt *virt, const char *uuid,
		    const struct domain_policy *policy)
{
	char error[DOMAIN_XML_ERROR_BYTES];
	struct virt_domain *domain;
	int err;

	err = domain_policy_check(policy, error);
	if (err < 0)
		return err;
	err = virt_order_begin(virt, uuid, &domain);
	if (err < 0)
		return err;
	domain->policy = *policy;
	return virt_order_end(virt, domain, VIRT_WORK_POLICY);
}

static uint64_t virt_thread_busy_ns(const struct virt_thread *thread)
{
	uint64_t since_ns = atomic_load(&thread->since_ns);
	uint64_t now_ns = virt_now_ns();

	return since_ns && now_ns > since_ns ? now_ns - since_ns : 0;
}

uint64_t virt_busy_ns(const struct virt *virt)
{
	uint64_t librarian_ns =
		virt_thread_busy_ns(&virt->threads[VIRT_LIBRARIAN]);
	uint64_t shortest_ns = UINT64_MAX, busy_ns;
	size_t i;

	for (i = 0; i < VIRT_NR_MOVERS; i++) {
		busy_ns = virt_thread_busy_ns(&virt->threads[i]);
		if (busy_ns < shortest_ns)
			shortest_ns = busy_ns;
	}
	return librarian_ns > shortest_ns ? librarian_ns : shortest_ns;
}

uint64_t virt_domain_busy_ns(const struct virt *virt, const char *uuid)
{
	pthread_mutex_t *lock = &((struct virt *)virt)->lock;
	uint64_t longest_ns = 0, busy_ns;
	size_t i;

	pthread_mutex_lock(lock);
	for (i = 0; i < VIRT_NR_THREADS; i++) {
		if (strcmp(virt->threads[i].uuid, uuid) != 0)
			continue;
		busy_ns = virt_thread_busy_ns(&virt->threads[i]);
		if (busy_ns > longest_ns)
			longest_ns = busy_ns;
	}
	pthread_mutex_unlock(lock);
	return longest_ns;
}
