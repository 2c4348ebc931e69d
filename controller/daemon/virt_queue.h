/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The news that wait to be taken: bounded, however long that takes, and in an
 * order that makes sense. Only for virt.c, whose lock covers all of it.
 *
 * A VM has one place for each kind of news: newer ones take the place of those
 * that wait there. The end of a VM's run takes away all that was still to be said
 * of that run; the run itself, if it was never told of.
 *
 * Sizes are filled in when news are taken. So it does not matter that old news
 * may have been overwritten by newer ones ahead of others: all tell the size now.
 */
#ifndef DAEMON_VIRT_QUEUE_H
#define DAEMON_VIRT_QUEUE_H

#include <sys/queue.h>

#include "daemon/balloon.h"
#include "daemon/virt.h"

struct virt_slots;

struct virt_slot {
	TAILQ_ENTRY(virt_slot) link;
	bool is_queued;
	struct virt_slots *owner;
	struct virt_news news;
};

/**
 * struct virt_slots - the places of one VM, or of the connection
 * @slots: by kind
 * @is_told: VIRT_DOMAIN was taken, and no VIRT_DOMAIN_GONE since
 * @balloon: where sizes are; NULL for the connection's
 */
struct virt_slots {
	struct virt_slot slots[VIRT_NR_NEWS_KINDS];
	bool is_told;
	const struct balloon *balloon;
};

TAILQ_HEAD(virt_slot_list, virt_slot);

/**
 * struct virt_queue - what waits
 * @list: oldest first
 * @fd: an eventfd, readable while it is not empty
 */
struct virt_queue {
	struct virt_slot_list list;
	int fd;
};

/* -errno of the eventfd. */
int virt_queue_init(struct virt_queue *queue);
/* All slots must have been cleared. */
void virt_queue_done(struct virt_queue *queue);

/* Takes over what @news owns. */
void virt_queue_put(struct virt_queue *queue, struct virt_slots *slots,
		    const struct virt_news *news);

/* Whatever waits for these is not said. */
void virt_queue_clear(struct virt_queue *queue, struct virt_slots *slots);

/*
 * The oldest, owned by the caller; @ret_slots are its owner's. False: none.
 */
bool virt_queue_take(struct virt_queue *queue, struct virt_news *ret_news,
		     struct virt_slots **ret_slots);

/* Nothing waits for these, and nobody believes that the VM runs. */
bool virt_slots_are_idle(const struct virt_slots *slots);

#endif /* DAEMON_VIRT_QUEUE_H */
