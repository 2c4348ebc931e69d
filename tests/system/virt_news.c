// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * For check-virt: the daemon's libvirt threads, driven from a shell. Prints each
 * news as a line and takes orders from standard input, until that ends:
 *
 *	target UUID MIB		stats UUID		policy UUID MIN_MIB
 *	ping UUID		"pong busy_ms=N domain_busy_ms=N"
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/virt.h"

#include "args.h"
#include "log.h"

#define PERIOD_S 1
#define MIB (UINT64_C(1) << 20)
#define NS_PER_MS 1000000

const char log_program[] = "virt_news";

static const char *or_none(const char *text)
{
	return text ? text : "none";
}

static void print_news(const struct virt_news *news)
{
	static const char *const kinds[] = {
		[VIRT_CONNECTED] = "connected",
		[VIRT_DISCONNECTED] = "disconnected",
		[VIRT_DOMAIN] = "domain",
		[VIRT_DOMAIN_GONE] = "gone",
		[VIRT_BALLOON] = "balloon",
		[VIRT_STATS] = "stats",
		[VIRT_MOVED] = "moved",
		[VIRT_POLICY_SET] = "policy-set",
	};

	printf("%s %s", kinds[news->kind], news->uuid);
	if (news->kind == VIRT_DOMAIN)
		printf(" name=%s paused=%d migrating=%d resets=%u max=%" PRIu64
		       " immovable=\"%s\" min=%" PRIu64 " policy_error=\"%s\"",
		       news->name, news->is_paused, news->is_migrating,
		       news->nr_resets, news->facts.max_bytes / MIB,
		       or_none(domain_facts_immovable_reason(&news->facts)),
		       news->policy.min_bytes / MIB, news->policy_error);
	if (news->kind == VIRT_DOMAIN || news->kind == VIRT_BALLOON ||
	    news->kind == VIRT_STATS)
		printf(" actual=%" PRIu64 " target=%" PRIu64,
		       news->actual_bytes / MIB, news->target_bytes / MIB);
	if (news->kind == VIRT_STATS)
		printf(" fresh=%d total=%" PRIu64 " usable=%" PRIu64
		       " problem=\"%s\"",
		       news->has_stats, news->stats.total_bytes / MIB,
		       news->stats.usable_bytes / MIB,
		       or_none(news->stats_problem));
	if (news->kind == VIRT_MOVED || news->kind == VIRT_POLICY_SET)
		printf(" err=%d", news->err);
	printf(" error=\"%s\"\n", or_none(news->error));
}

static int order(struct virt *virt, char *line)
{
	char *rest = NULL;
	char *verb = strtok_r(line, " \n", &rest);
	char *uuid = strtok_r(NULL, " \n", &rest);
	char *argument = strtok_r(NULL, " \n", &rest);
	uint64_t mib = 0;

	if (!verb || !uuid)
		return -EINVAL;
	if (argument && args_number(argument, 0, UINT32_MAX, &mib) < 0)
		return -EINVAL;
	if (strcmp(verb, "target") == 0)
		return virt_set_target(virt, uuid, mib * MIB);
	if (strcmp(verb, "stats") == 0)
		return virt_read_stats(virt, uuid);
	if (strcmp(verb, "policy") == 0)
		return virt_set_policy(
			virt, uuid,
			&(struct domain_policy){ .has_min = true,
						 .min_bytes = mib * MIB });
	if (strcmp(verb, "ping") != 0)
		return -EINVAL;
	printf("pong busy_ms=%" PRIu64 " domain_busy_ms=%" PRIu64 "\n",
	       virt_busy_ns(virt) / NS_PER_MS,
	       virt_domain_busy_ns(virt, uuid) / NS_PER_MS);
	return 0;
}

int main(int argc, char **argv)
{
	struct pollfd fds[2] = { { .events = POLLIN },
				 { .fd = STDIN_FILENO, .events = POLLIN } };
	struct virt_news news;
	struct virt *virt;
	char line[200];
	int err;

	if (argc != 2)
		return 2;
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	/* poll() must not be misled by what stdio has read ahead. */
	(void)setvbuf(stdin, NULL, _IONBF, 0);
	err = virt_new(argv[1], PERIOD_S, &virt);
	if (err < 0) {
		log_error("%s", strerror(-err));
		return 1;
	}
	fds[0].fd = virt_fd(virt);
	for (;;) {
		if (poll(fds, 2, -1) < 0)
			break;
		while (virt_take_news(virt, &news)) {
			print_news(&news);
			virt_news_done(&news);
		}
		if (!fds[1].revents)
			continue;
		if (!fgets(line, sizeof(line), stdin))
			break;
		err = order(virt, line);
		if (err < 0)
			printf("refused err=%d\n", err);
	}
	virt_free(virt);
	puts("end");
	return 0;
}
