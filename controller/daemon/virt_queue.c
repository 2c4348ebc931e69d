// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/virt_queue.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/eventfd.h>

void virt_news_done(struct virt_news *news)
{
	free(news->name);
	free(news->error);
	news->name = NULL;
	news->error = NULL;
}

int virt_queue_init(struct virt_queue *queue)
{
	TAILQ_INIT(&queue->list);
	queue->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return queue->fd < 0 ? -errno : 0;
}

void virt_queue_done(struct virt_queue *queue)
{
	if (queue->fd >= 0)
		(void)close(queue->fd);
	queue->fd = -1;
}

/* Neither can fail: the counter is 1 while there are news, else 0. */
static void virt_queue_raise(struct virt_queue *queue)
{
	(void)eventfd_write(queue->fd, 1);
}

static void virt_queue_lower(struct virt_queue *queue)
{
	eventfd_t count;

	(void)eventfd_read(queue->fd, &count);
}

static void virt_queue_remove(struct virt_queue *queue, struct virt_slot *slot)
{
	if (!slot->is_queued)
		return;
	TAILQ_REMOVE(&queue->list, slot, link);
	slot->is_queued = false;
	if (TAILQ_EMPTY(&queue->list))
		virt_queue_lower(queue);
}

static void virt_queue_drop(struct virt_queue *queue, struct virt_slot *slot)
{
	virt_queue_remove(queue, slot);
	virt_news_done(&slot->news);
}

void virt_queue_clear(struct virt_queue *queue, struct virt_slots *slots)
{
	int kind;

	for (kind = 0; kind < VIRT_NR_NEWS_KINDS; kind++)
		virt_queue_drop(queue, &slots->slots[kind]);
}

/* All of a run that has ended: everything but an earlier end. */
static void virt_queue_drop_run(struct virt_queue *queue,
				struct virt_slots *slots)
{
	int kind;

	for (kind = 0; kind < VIRT_NR_NEWS_KINDS; kind++) {
		if (kind != VIRT_DOMAIN_GONE)
			virt_queue_drop(queue, &slots->slots[kind]);
	}
}

void virt_queue_put(struct virt_queue *queue, struct virt_slots *slots,
		    const struct virt_news *news)
{
	struct virt_slot *slot = &slots->slots[news->kind];

	if (news->kind == VIRT_DOMAIN_GONE) {
		virt_queue_drop_run(queue, slots);
		if (!slots->is_told) {
			struct virt_news unsaid = *news;

			virt_news_done(&unsaid);
			return;
		}
	} else if (news->kind == VIRT_DISCONNECTED) {
		virt_queue_drop(queue, &slots->slots[VIRT_CONNECTED]);
	}

	virt_news_done(&slot->news);
	slot->news = *news;
	slot->owner = slots;
	if (slot->is_queued)
		return;
	if (TAILQ_EMPTY(&queue->list))
		virt_queue_raise(queue);
	TAILQ_INSERT_TAIL(&queue->list, slot, link);
	slot->is_queued = true;
}

bool virt_queue_take(struct virt_queue *queue, struct virt_news *ret_news,
		     struct virt_slots **ret_slots)
{
	struct virt_slot *slot = TAILQ_FIRST(&queue->list);
	struct virt_slots *slots;

	if (!slot)
		return false;
	slots = slot->owner;
	virt_queue_remove(queue, slot);
	*ret_news = slot->news;
	slot->news = (struct virt_news){ 0 };
	if (ret_news->kind == VIRT_DOMAIN)
		slots->is_told = true;
	else if (ret_news->kind == VIRT_DOMAIN_GONE)
		slots->is_told = false;
	if (slots->balloon) {
		ret_news->actual_bytes = slots->balloon->actual_bytes;
		ret_news->target_bytes = slots->balloon->target_bytes;
	}
	*ret_slots = slots;
	return true;
}

bool virt_slots_are_idle(const struct virt_slots *slots)
{
	int kind;

	for (kind = 0; kind < VIRT_NR_NEWS_KINDS; kind++) {
		if (slots->slots[kind].is_queued)
			return false;
	}
	return !slots->is_told;
}
