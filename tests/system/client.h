/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /dev/kvm-aet for tests: open, attach, read, with assertions. */
#ifndef TESTS_CLIENT_H
#define TESTS_CLIENT_H

#include <stdbool.h>
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
	/* By enum kvm_aet_histogram_kind; the caller's to free. */
	uint64_t *buckets[KVM_AET_NR_HISTOGRAMS];
};

/* With KVM_AET_SNAPSHOT_* flags; asserts that the sums are what they must be. */
struct client_snapshot client_read(int session, uint32_t flags);
/* The same while no vCPU runs: asserts that the counters agree, too. */
struct client_snapshot client_snapshot(int session);
void client_snapshot_free(struct client_snapshot *snapshot);

/* 0 or -errno; fills in the size. */
int client_configure(int session, struct kvm_aet_config *config);

/* Whether a VM of that enum kvm_aet_mmu_mode is mapped by KVM's TDP MMU. */
bool client_has_tdp_mmu(uint32_t mmu_mode);

/*
 * Pages, aligned, that KVM maps when one of them is touched first: its TDP MMU
 * that one, and its other MMU where the tables are direct the neighbours, too.
 * What is mapped along is neither armed nor seen before the next pass.
 */
uint32_t client_first_touch_pages(const struct client_snapshot *snapshot);

/* The VM's leaves, counted from its page tables. */
struct kvm_aet_vm_info client_vm_info(int vm_fd);

#endif
