/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VM that checks its own memory for as long as it runs. Every page of data
 * holds one value, in eight places, which follows from the page's number and
 * its version. Pages are owned by one vCPU each, which checks all eight and
 * from time to time writes the next version; the other vCPUs check that what
 * they read belongs to that page. Pages of odd regions (of 2 MiB) take only
 * four values, the same for all, so that the host can merge them.
 *
 * A wrong value ends the process with a message.
 */
#ifndef TESTS_TORTURE_GUEST_H
#define TESTS_TORTURE_GUEST_H

#include <pthread.h>
#include <stdbool.h>

#include "../vmm/vmm.h"

#define GUEST_REGION_PAGES 512U

struct guest {
	struct vmm vmm;
	pthread_t threads[VMM_MAX_VCPUS];

	pthread_mutex_t lock; /* of all below */
	pthread_cond_t changed;
	uint64_t rounds[VMM_MAX_VCPUS];
	unsigned int nr_waiting;
	bool is_paused;
	bool is_ended;
};

/* @nr_pages: a power of two, at least two regions. Not yet running. */
void guest_init(struct guest *guest, uint32_t nr_pages, unsigned int nr_vcpus,
		uint64_t seed);
void guest_start(struct guest *guest);
void guest_end(struct guest *guest);

/* Between the two no vCPU is in KVM_RUN. */
void guest_pause(struct guest *guest);
void guest_resume(struct guest *guest);

/* Wait until every vCPU has done @nr more rounds. */
void guest_wait_rounds(struct guest *guest, unsigned int nr);

/* No vCPU touches these regions any more, bit r for region r; 0: all may be. */
void guest_avoid_regions(struct guest *guest, uint32_t regions);

/* The guest takes all pages of the region for zeroed from now on. */
void guest_expect_zeros(struct guest *guest, unsigned int region);

/* While paused: does every byte hold what the guest left there? */
void guest_check_memory(const struct guest *guest);

#endif
