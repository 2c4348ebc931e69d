/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /dev/kvm-aet for tests: open, attach, read, with assertions. */
#ifndef TESTS_CLIENT_H
#define TESTS_CLIENT_H

#include <stdint.h>

#include <linux/kvm_aet.h>

#include "../vmm/vmm.h"

/* What a test wants unless it says otherwise: every data page, exactly. */
struct kvm_aet_attach client_config(const struct vmm *vmm);

int client_open(void);

/* A session descriptor, or -errno. */
int client_attach(const struct kvm_aet_attach *config);

struct client_snapshot {
	struct kvm_aet_snapshot s;
	uint64_t *buckets; /* the caller's to free */
};

/* Asserts that the counts add up. */
struct client_snapshot client_snapshot(int session);
void client_snapshot_free(struct client_snapshot *snapshot);

/* The VM's leaves, counted from its page tables. */
struct kvm_aet_vm_info client_vm_info(int vm_fd);

#endif
