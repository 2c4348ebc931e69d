// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libvirt's threads with its test driver, of which a second connection in this
 * process sees and changes the same domains. What only a real libvirtd and QEMU
 * do, tests/system/check-virt tests.
 */
#include "ctl_test.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <libvirt/libvirt.h>

#include "daemon/virt.h"
#include "daemon/virt_queue.h"

#define URI "test:///default"
#define TEST_UUID "6695eb01-f6a4-8304-79aa-97f2502e193f"
#define WEB_UUID "11111111-2222-3333-4444-555555555555"
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
/* For what never comes; nothing depends on how long that is. */
#define HANG_MS 120000
#define PERIOD_S 2

static const char web_xml[] =
	"<domain type='test'><name>web1</name><uuid>" WEB_UUID "</uuid>"
	"<memory unit='MiB'>512</memory><os><type>hvm</type></os>"
	"<devices><memballoon model='virtio'/></devices></domain>";

/* What people and programs do beside us. */
static virConnectPtr other;

static int setup(void **state)
{
	struct virt *virt;

	(void)state;
	/* Registers the event loop, which must be there before it connects. */
	assert_int_equal(virt_new(URI, PERIOD_S, &virt), 0);
	other = virConnectOpen(URI);
	virt_free(virt);
	return other ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	(void)virConnectClose(other);
	return 0;
}

static void take_next(struct virt *virt, struct virt_news *ret_news)
{
	struct pollfd fd = { .fd = virt_fd(virt), .events = POLLIN };

	while (!virt_take_news(virt, ret_news)) {
		if (poll(&fd, 1, HANG_MS) != 1) {
			print_error("no news\n");
			fail();
		}
	}
}

/* The next of this kind about this domain; what comes before is let go. */
static struct virt_news next_news(struct virt *virt, enum virt_news_kind kind,
				  const char *uuid)
{
	struct virt_news news;

	for (;;) {
		take_next(virt, &news);
		if (news.kind == kind && strcmp(news.uuid, uuid) == 0)
			return news;
		virt_news_done(&news);
	}
}

static void skip_news(struct virt *virt, enum virt_news_kind kind,
		      const char *uuid)
{
	struct virt_news news = next_news(virt, kind, uuid);

	virt_news_done(&news);
}

/* Until a size has come out as it should: there may be others on the way. */
static void await_size(struct virt *virt, const char *uuid, uint64_t bytes)
{
	struct virt_news news;

	do {
		news = next_news(virt, VIRT_BALLOON, uuid);
		virt_news_done(&news);
	} while (news.actual_bytes != bytes);
}

static struct virt *connected(void)
{
	struct virt *virt;

	assert_int_equal(virt_new(URI, PERIOD_S, &virt), 0);
	skip_news(virt, VIRT_CONNECTED, "");
	return virt;
}

static virDomainPtr start_web(void)
{
	virDomainPtr dom = virDomainCreateXML(other, web_xml, 0);

	assert_non_null(dom);
	return dom;
}

static void stop_web(virDomainPtr dom)
{
	assert_int_equal(virDomainDestroy(dom), 0);
	(void)virDomainFree(dom);
}

static void test_connects(void **state)
{
	struct virt_news news;
	struct virt *virt;
	bool is_told = false;

	(void)state;
	assert_int_equal(virt_new(URI, PERIOD_S, &virt), 0);
	for (;;) {
		take_next(virt, &news);
		if (news.kind == VIRT_CONNECTED)
			break;
		assert_int_equal(news.kind, VIRT_DOMAIN);
		assert_string_equal(news.uuid, TEST_UUID);
		assert_string_equal(news.name, "test");
		assert_false(news.is_paused);
		assert_false(news.is_migrating);
		assert_int_equal(news.facts.max_bytes, 8 * GIB);
		assert_int_equal(news.actual_bytes, 2 * GIB);
		assert_int_equal(news.target_bytes, 2 * GIB);
		assert_null(domain_facts_immovable_reason(&news.facts));
		assert_false(news.policy.has_min || news.policy.has_mode);
		assert_string_equal(news.policy_error, "");
		assert_null(news.error);
		virt_news_done(&news);
		is_told = true;
	}
	assert_true(is_told);
	virt_free(virt);
}

static void check_size(const char *uuid, uint64_t bytes)
{
	virDomainPtr dom = virDomainLookupByUUIDString(other, uuid);
	virDomainInfo info;

	assert_non_null(dom);
	assert_int_equal(virDomainGetInfo(dom, &info), 0);
	assert_int_equal(info.memory * UINT64_C(1024), bytes);
	(void)virDomainFree(dom);
}

static void test_target(void **state)
{
	struct virt *virt = connected();
	struct virt_news news;

	(void)state;
	/* A balloon moves by KiB. */
	assert_int_equal(virt_set_target(virt, TEST_UUID, GIB + 1000), 0);
	await_size(virt, TEST_UUID, GIB);
	news = next_news(virt, VIRT_MOVED, TEST_UUID);
	assert_int_equal(news.err, 0);
	assert_null(news.error);
	assert_int_equal(news.requested_bytes, GIB + 1000);
	virt_news_done(&news);
	check_size(TEST_UUID, GIB);

	assert_int_equal(virt_set_target(virt, TEST_UUID, 2 * GIB), 0);
	await_size(virt, TEST_UUID, 2 * GIB);
	virt_free(virt);
}

static const char *const hung_uuids[] = {
	"77777777-0000-0000-0000-000000000000",
	"77777777-0000-0000-0000-000000000001",
	"77777777-0000-0000-0000-000000000002",
};

#define NR_HUNG ARRAY_SIZE(hung_uuids)

static pthread_mutex_t hang_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t hang_changed = PTHREAD_COND_INITIALIZER;
static unsigned int nr_hanging;
static bool may_return;

int __real_virDomainSetMemoryFlags(virDomainPtr dom, unsigned long memory,
				   unsigned int flags);
int __wrap_virDomainSetMemoryFlags(virDomainPtr dom, unsigned long memory,
				   unsigned int flags);

/* As with a QEMU that hangs, for the domains of these UUIDs. */
int __wrap_virDomainSetMemoryFlags(virDomainPtr dom, unsigned long memory,
				   unsigned int flags)
{
	char uuid[VIR_UUID_STRING_BUFLEN] = "";

	(void)virDomainGetUUIDString(dom, uuid);
	if (strncmp(uuid, hung_uuids[0], 9) == 0) {
		pthread_mutex_lock(&hang_lock);
		nr_hanging++;
		pthread_cond_broadcast(&hang_changed);
		while (!may_return)
			pthread_cond_wait(&hang_changed, &hang_lock);
		pthread_mutex_unlock(&hang_lock);
	}
	return __real_virDomainSetMemoryFlags(dom, memory, flags);
}

static virDomainPtr start_hung(struct virt *virt, size_t i)
{
	virDomainPtr dom;
	char xml[512];

	(void)snprintf(
		xml, sizeof(xml),
		"<domain type='test'><name>hung%zu</name><uuid>%s</uuid>"
		"<memory unit='MiB'>512</memory><os><type>hvm</type></os>"
		"<devices><memballoon model='virtio'/></devices></domain>",
		i, hung_uuids[i]);
	dom = virDomainCreateXML(other, xml, 0);
	assert_non_null(dom);
	skip_news(virt, VIRT_DOMAIN, hung_uuids[i]);
	return dom;
}

/* Returns when so many calls do not. */
static void await_hanging(unsigned int nr)
{
	pthread_mutex_lock(&hang_lock);
	while (nr_hanging < nr)
		pthread_cond_wait(&hang_changed, &hang_lock);
	pthread_mutex_unlock(&hang_lock);
}

/* A VM that hangs is known, and holds up only itself; as many as threads, all. */
static void test_hung_domains(void **state)
{
	struct virt *virt = connected();
	virDomainPtr doms[NR_HUNG];
	struct virt_news news;
	size_t i;

	(void)state;
	may_return = false;
	nr_hanging = 0;
	for (i = 0; i < NR_HUNG; i++) {
		doms[i] = start_hung(virt, i);
		assert_int_equal(
			virt_set_target(virt, hung_uuids[i], 256 * MIB), 0);
		await_hanging((unsigned int)i + 1);
		while (!virt_domain_busy_ns(virt, hung_uuids[i]))
			;
		if (i + 1 == NR_HUNG)
			break;
		/* Another one is moved; then nothing is left to be done for it. */
		assert_int_equal(virt_set_target(virt, TEST_UUID, GIB), 0);
		skip_news(virt, VIRT_MOVED, TEST_UUID);
		check_size(TEST_UUID, GIB);
		assert_int_equal(virt_set_target(virt, TEST_UUID, 2 * GIB), 0);
		skip_news(virt, VIRT_MOVED, TEST_UUID);
		while (virt_domain_busy_ns(virt, TEST_UUID) ||
		       virt_busy_ns(virt))
			;
	}
	/* All threads are in calls that do not return. */
	while (!virt_busy_ns(virt))
		;
	pthread_mutex_lock(&hang_lock);
	may_return = true;
	pthread_cond_broadcast(&hang_changed);
	pthread_mutex_unlock(&hang_lock);
	/* In whatever order they return. */
	for (i = 0; i < NR_HUNG;) {
		take_next(virt, &news);
		if (news.kind == VIRT_MOVED &&
		    strncmp(news.uuid, hung_uuids[0], 9) == 0) {
			assert_int_equal(news.err, 0);
			i++;
		}
		virt_news_done(&news);
	}
	while (virt_busy_ns(virt))
		;
	for (i = 0; i < NR_HUNG; i++)
		stop_web(doms[i]);
	virt_free(virt);
}

static void test_impossible_targets(void **state)
{
	static const uint64_t targets[] = { 9 * GIB, 0, 1023 };
	struct virt *virt = connected();
	struct virt_news news;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(targets); i++) {
		assert_int_equal(virt_set_target(virt, TEST_UUID, targets[i]),
				 0);
		news = next_news(virt, VIRT_MOVED, TEST_UUID);
		assert_int_equal(news.err, -EINVAL);
		assert_non_null(news.error);
		assert_null(strchr(news.error, '\n'));
		/* Nothing was told to the balloon. */
		assert_int_equal(news.target_bytes, 2 * GIB);
		virt_news_done(&news);
	}
	check_size(TEST_UUID, 2 * GIB);
	virt_free(virt);
}

static void test_orders_without_a_domain(void **state)
{
	struct virt *virt = connected();
	const struct domain_policy policy = { 0 };

	(void)state;
	assert_int_equal(virt_set_target(virt, WEB_UUID, GIB), -ENOENT);
	assert_int_equal(virt_read_stats(virt, WEB_UUID), -ENOENT);
	assert_int_equal(virt_set_policy(virt, WEB_UUID, &policy), -ENOENT);
	assert_int_equal(virt_read_stats(virt, ""), -ENOENT);
	virt_free(virt);
}

static void test_life_of_a_domain(void **state)
{
	struct virt *virt = connected();
	struct virt_news news;
	virDomainPtr dom;
	int run;

	(void)state;
	/* Twice the same uuid. */
	for (run = 0; run < 2; run++) {
		dom = start_web();
		news = next_news(virt, VIRT_DOMAIN, WEB_UUID);
		assert_string_equal(news.name, "web1");
		assert_int_equal(news.actual_bytes, 512 * MIB);
		assert_false(news.is_paused);
		virt_news_done(&news);

		assert_int_equal(virDomainSuspend(dom), 0);
		do {
			news = next_news(virt, VIRT_DOMAIN, WEB_UUID);
			virt_news_done(&news);
		} while (!news.is_paused);
		assert_int_equal(virDomainResume(dom), 0);
		do {
			news = next_news(virt, VIRT_DOMAIN, WEB_UUID);
			virt_news_done(&news);
		} while (news.is_paused);

		stop_web(dom);
		news = next_news(virt, VIRT_DOMAIN_GONE, WEB_UUID);
		assert_string_equal(news.error, "it was destroyed");
		virt_news_done(&news);
	}
	virt_free(virt);
}

/* However often it comes and goes, the last that is said is how it is. */
static void test_comes_and_goes_unheard(void **state)
{
	struct virt *virt = connected();
	unsigned int nr_news = 0;
	struct virt_news news;
	bool runs = false;
	int i;

	(void)state;
	for (i = 0; i < 200; i++)
		stop_web(start_web());
	/* The events are over when this order, which comes after them, is. */
	assert_int_equal(virt_set_target(virt, TEST_UUID, 3 * GIB), 0);
	for (;;) {
		take_next(virt, &news);
		nr_news++;
		if (news.kind == VIRT_DOMAIN && !strcmp(news.uuid, WEB_UUID))
			runs = true;
		if (news.kind == VIRT_DOMAIN_GONE) {
			assert_true(runs);
			runs = false;
		}
		virt_news_done(&news);
		if (news.kind == VIRT_MOVED)
			break;
	}
	/* One that was told of is ended, too, late though it be. */
	if (runs)
		skip_news(virt, VIRT_DOMAIN_GONE, WEB_UUID);
	assert_true(nr_news < 1000);
	assert_int_equal(virt_set_target(virt, TEST_UUID, 2 * GIB), 0);
	await_size(virt, TEST_UUID, 2 * GIB);
	virt_free(virt);
}

static void set_metadata(virDomainPtr dom, const char *xml)
{
	assert_int_equal(virDomainSetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT,
					      xml, xml ? "kvm-aet" : NULL,
					      DOMAIN_METADATA_URI,
					      VIR_DOMAIN_AFFECT_LIVE),
			 0);
}

static void test_metadata(void **state)
{
	struct virt *virt = connected();
	virDomainPtr dom = start_web();
	struct virt_news news;

	(void)state;
	skip_news(virt, VIRT_DOMAIN, WEB_UUID);
	set_metadata(dom, "<policy min='256MiB' mode='act'/>");
	do {
		news = next_news(virt, VIRT_DOMAIN, WEB_UUID);
		virt_news_done(&news);
	} while (!news.policy.has_min);
	assert_int_equal(news.policy.min_bytes, 256 * MIB);
	assert_int_equal(news.policy.mode, VM_MODE_ACT);
	assert_string_equal(news.policy_error, "");

	set_metadata(dom, "<policy minimum='256MiB'/>");
	do {
		news = next_news(virt, VIRT_DOMAIN, WEB_UUID);
		virt_news_done(&news);
	} while (news.policy.has_min);
	assert_contains(news.policy_error, "'minimum' is not known");

	/* Not ours. */
	assert_int_equal(virDomainSetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT,
					      "<x/>", "x", "urn:other",
					      VIR_DOMAIN_AFFECT_LIVE),
			 0);
	set_metadata(dom, NULL);
	do {
		news = next_news(virt, VIRT_DOMAIN, WEB_UUID);
		virt_news_done(&news);
	} while (news.policy_error[0]);
	assert_false(news.policy.has_min || news.policy.has_mode);
	stop_web(dom);
	virt_free(virt);
}

static void test_set_policy(void **state)
{
	const struct domain_policy policy = { .has_max = true,
					      .max_bytes = 3 * GIB,
					      .has_weight = true,
					      .weight = 2.5 };
	const struct domain_policy none = { 0 },
				   bad = { .has_weight = true, .weight = -1 };
	struct virt *virt = connected();
	virDomainPtr dom = virDomainLookupByUUIDString(other, TEST_UUID);
	bool is_set = false, is_seen = false;
	struct virt_news news;
	char *xml;
	int i;

	(void)state;
	assert_int_equal(virt_set_policy(virt, TEST_UUID, &bad), -EINVAL);
	assert_int_equal(virt_set_policy(virt, TEST_UUID, &policy), 0);
	/* In any order. */
	while (!is_set || !is_seen) {
		take_next(virt, &news);
		virt_news_done(&news);
		if (news.kind == VIRT_POLICY_SET) {
			assert_int_equal(news.err, 0);
			is_set = true;
		} else if (news.kind == VIRT_DOMAIN && news.policy.has_max) {
			assert_int_equal(news.policy.max_bytes, 3 * GIB);
			assert_near(news.policy.weight, 2.5, 0);
			is_seen = true;
		}
	}
	/* It is persistent. */
	xml = virDomainGetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT,
				   DOMAIN_METADATA_URI,
				   VIR_DOMAIN_AFFECT_CONFIG);
	assert_non_null(xml);
	assert_contains(xml, "max=\"3GiB\"");
	free(xml);

	/* Taken away, also if it is not there. */
	for (i = 0; i < 2; i++) {
		assert_int_equal(virt_set_policy(virt, TEST_UUID, &none), 0);
		news = next_news(virt, VIRT_POLICY_SET, TEST_UUID);
		assert_int_equal(news.err, 0);
		virt_news_done(&news);
	}
	xml = virDomainGetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT,
				   DOMAIN_METADATA_URI,
				   VIR_DOMAIN_AFFECT_CONFIG);
	assert_null(xml);
	(void)virDomainFree(dom);
	virt_free(virt);
}

/* The test driver's statistics are of 1989. */
static void test_stale_stats(void **state)
{
	struct virt *virt = connected();
	struct virt_news news;

	(void)state;
	assert_int_equal(virt_read_stats(virt, TEST_UUID), 0);
	news = next_news(virt, VIRT_STATS, TEST_UUID);
	assert_false(news.has_stats);
	assert_contains(news.stats_problem, "stale");
	assert_int_equal(news.actual_bytes, 2 * GIB);
	virt_news_done(&news);
	virt_free(virt);
}

static void test_set_by_others(void **state)
{
	struct virt *virt = connected();
	virDomainPtr dom = virDomainLookupByUUIDString(other, TEST_UUID);
	struct virt_news news;

	(void)state;
	assert_non_null(dom);
	assert_int_equal(virDomainSetMemory(dom, GIB / 1024), 0);
	assert_int_equal(virt_read_stats(virt, TEST_UUID), 0);
	news = next_news(virt, VIRT_STATS, TEST_UUID);
	assert_int_equal(news.actual_bytes, GIB);
	assert_int_equal(news.target_bytes, GIB);
	virt_news_done(&news);
	assert_int_equal(virDomainSetMemory(dom, 2 * GIB / 1024), 0);
	(void)virDomainFree(dom);
	virt_free(virt);
}

/* Orders that nobody could carry out as fast: the newest counts. */
static void test_flood(void **state)
{
	struct virt *virt = connected();
	unsigned int nr_news = 0;
	struct virt_news news;
	uint64_t i;

	(void)state;
	for (i = 0; i < 20000; i++) {
		assert_int_equal(
			virt_set_target(virt, TEST_UUID, GIB + i * 1024), 0);
		assert_int_equal(virt_read_stats(virt, TEST_UUID), 0);
	}
	do {
		news = next_news(virt, VIRT_MOVED, TEST_UUID);
		assert_int_equal(news.err, 0);
		virt_news_done(&news);
		assert_true(++nr_news < 20000);
	} while (news.requested_bytes != GIB + 19999 * 1024);
	check_size(TEST_UUID, GIB + 19999 * 1024);
	assert_int_equal(virt_set_target(virt, TEST_UUID, 2 * GIB), 0);
	await_size(virt, TEST_UUID, 2 * GIB);
	virt_free(virt);
}

static void test_free_at_any_time(void **state)
{
	struct virt *virt;
	int i, j;

	(void)state;
	virt_free(NULL);
	for (i = 0; i < 50; i++) {
		assert_int_equal(virt_new(URI, PERIOD_S, &virt), 0);
		virt_free(virt);
	}
	for (i = 0; i < 20; i++) {
		virt = connected();
		for (j = 0; j < i; j++) {
			(void)virt_set_target(virt, TEST_UUID, 2 * GIB);
			(void)virt_read_stats(virt, TEST_UUID);
		}
		virt_free(virt);
	}
	/* Two at once. */
	virt = connected();
	virt_free(connected());
	assert_int_equal(virt_read_stats(virt, TEST_UUID), 0);
	skip_news(virt, VIRT_STATS, TEST_UUID);
	virt_free(virt);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void test_unreachable(void **state)
{
	static const char node[] =
		"<node><domain type='test'><name>locked</name><uuid>" WEB_UUID
		"</uuid><memory unit='MiB'>512</memory>"
		"<memoryBacking><locked/></memoryBacking>"
		"<metadata><k:policy xmlns:k='" DOMAIN_METADATA_URI
		"' weight='3'/></metadata>"
		"<os><type>hvm</type></os></domain></node>";
	char directory[] = "/tmp/test_virt.XXXXXX", uri[120], path[100];
	struct virt_news news;
	struct virt *virt;

	(void)state;
	assert_non_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/node.xml", directory);
	(void)snprintf(uri, sizeof(uri), "test://%s", path);
	assert_int_equal(virt_new(uri, PERIOD_S, &virt), 0);
	news = next_news(virt, VIRT_DISCONNECTED, "");
	assert_non_null(news.error);
	assert_contains(news.error, "cannot connect to libvirt at test:///tmp");
	assert_null(strchr(news.error, '\n'));
	virt_news_done(&news);
	assert_int_equal(virt_read_stats(virt, WEB_UUID), -EAGAIN);

	/* Another failure is said, the same one again is not. */
	write_file(path, "<node><domain/></node>");
	news = next_news(virt, VIRT_DISCONNECTED, "");
	assert_non_null(news.error);
	virt_news_done(&news);

	write_file(path, node);
	news = next_news(virt, VIRT_DOMAIN, WEB_UUID);
	assert_string_equal(news.name, "locked");
	assert_true(news.facts.is_locked);
	assert_true(news.policy.has_weight);
	virt_news_done(&news);
	take_next(virt, &news);
	assert_int_equal(news.kind, VIRT_CONNECTED);
	virt_news_done(&news);
	virt_free(virt);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(directory), 0);
}

/* The queue by itself */

static void put(struct virt_queue *queue, struct virt_slots *slots,
		enum virt_news_kind kind, unsigned int nr_resets)
{
	struct virt_news news = { .kind = kind, .nr_resets = nr_resets };

	news.error = strdup("for the sanitiser");
	virt_queue_put(queue, slots, &news);
}

static bool is_readable(const struct virt_queue *queue)
{
	struct pollfd fd = { .fd = queue->fd, .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

static void check_taken(struct virt_queue *queue, enum virt_news_kind kind,
			unsigned int nr_resets)
{
	struct virt_slots *slots;
	struct virt_news news;

	assert_true(is_readable(queue));
	assert_true(virt_queue_take(queue, &news, &slots));
	assert_int_equal(news.kind, kind);
	assert_int_equal(news.nr_resets, nr_resets);
	virt_news_done(&news);
}

static void check_empty(struct virt_queue *queue)
{
	struct virt_slots *slots;
	struct virt_news news;

	assert_false(is_readable(queue));
	assert_false(virt_queue_take(queue, &news, &slots));
}

static void test_queue_keeps_the_newest(void **state)
{
	struct balloon balloon = { .actual_bytes = 1, .target_bytes = 2 };
	struct virt_slots vm = { .balloon = &balloon }, idle = vm, *slots;
	struct virt_queue queue;
	struct virt_news news;

	(void)state;
	assert_int_equal(virt_queue_init(&queue), 0);
	check_empty(&queue);
	put(&queue, &vm, VIRT_DOMAIN, 1);
	put(&queue, &vm, VIRT_BALLOON, 1);
	put(&queue, &vm, VIRT_DOMAIN, 2);
	balloon.actual_bytes = 3;
	assert_true(virt_queue_take(&queue, &news, &slots));
	assert_int_equal(news.kind, VIRT_DOMAIN);
	assert_int_equal(news.nr_resets, 2);
	assert_int_equal(news.actual_bytes, 3);
	assert_int_equal(news.target_bytes, 2);
	virt_news_done(&news);
	assert_false(virt_slots_are_idle(&vm));
	check_taken(&queue, VIRT_BALLOON, 1);
	check_empty(&queue);

	/* It was told of, so its end must be, once, before its next run. */
	put(&queue, &vm, VIRT_MOVED, 3);
	put(&queue, &vm, VIRT_DOMAIN_GONE, 3);
	put(&queue, &vm, VIRT_DOMAIN, 4);
	put(&queue, &vm, VIRT_DOMAIN_GONE, 5);
	put(&queue, &vm, VIRT_DOMAIN, 6);
	check_taken(&queue, VIRT_DOMAIN_GONE, 5);
	check_taken(&queue, VIRT_DOMAIN, 6);
	check_empty(&queue);
	put(&queue, &vm, VIRT_DOMAIN_GONE, 7);
	check_taken(&queue, VIRT_DOMAIN_GONE, 7);
	assert_true(virt_slots_are_idle(&vm));

	/* This one was not. */
	put(&queue, &idle, VIRT_DOMAIN, 8);
	put(&queue, &idle, VIRT_STATS, 8);
	put(&queue, &idle, VIRT_DOMAIN_GONE, 8);
	check_empty(&queue);
	assert_true(virt_slots_are_idle(&idle));
	virt_queue_done(&queue);
}

static void test_queue_of_a_connection(void **state)
{
	struct virt_slots connection = { 0 };
	struct virt_queue queue;
	int i;

	(void)state;
	assert_int_equal(virt_queue_init(&queue), 0);
	for (i = 0; i < 3; i++) {
		put(&queue, &connection, VIRT_CONNECTED, 0);
		put(&queue, &connection, VIRT_DISCONNECTED, 0);
	}
	check_taken(&queue, VIRT_DISCONNECTED, 0);
	check_empty(&queue);
	put(&queue, &connection, VIRT_DISCONNECTED, 1);
	put(&queue, &connection, VIRT_CONNECTED, 1);
	check_taken(&queue, VIRT_DISCONNECTED, 1);
	check_taken(&queue, VIRT_CONNECTED, 1);
	put(&queue, &connection, VIRT_CONNECTED, 2);
	virt_queue_clear(&queue, &connection);
	check_empty(&queue);
	virt_queue_done(&queue);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queue_keeps_the_newest),
		cmocka_unit_test(test_queue_of_a_connection),
		cmocka_unit_test(test_connects),
		cmocka_unit_test(test_target),
		cmocka_unit_test(test_hung_domains),
		cmocka_unit_test(test_impossible_targets),
		cmocka_unit_test(test_orders_without_a_domain),
		cmocka_unit_test(test_life_of_a_domain),
		cmocka_unit_test(test_comes_and_goes_unheard),
		cmocka_unit_test(test_metadata),
		cmocka_unit_test(test_set_policy),
		cmocka_unit_test(test_stale_stats),
		cmocka_unit_test(test_set_by_others),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_free_at_any_time),
		cmocka_unit_test(test_unreachable),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
