// SPDX-License-Identifier: GPL-2.0-or-later
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../kvm-aet/abi_layout.h"
#include "client.h"

struct kvm_aet_attach client_config(const struct vmm *vmm)
{
	return (struct kvm_aet_attach){
		.size = sizeof(struct kvm_aet_attach),
		.vm_fd = vmm->vm_fd,
		.inverse_rate = 1,
		.hot_pages = KVM_AET_MIN_HOT_PAGES,
		/* No background pass while a test runs. */
		.period_ms = KVM_AET_MAX_PERIOD_MS,
		.flush_batch = 1,
		.gfn_start = VMM_DATA_GFN,
		.gfn_end = VMM_DATA_GFN + vmm->nr_pages,
		.salt = 1,
	};
}

int client_open(void)
{
	int fd = open(KVM_AET_DEVICE, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

int client_attach(const struct kvm_aet_attach *config)
{
	int device = client_open();
	int session = ioctl(device, KVM_AET_ATTACH, config);
	int ret = session < 0 ? -errno : session;

	close(device);
	return ret;
}

static uint64_t sum(const struct client_snapshot *snapshot, int kind)
{
	uint64_t total = snapshot->s.histograms[kind].over_range;
	uint32_t i;

	for (i = 0; i < snapshot->s.histograms[kind].nr_buckets; i++)
		total += snapshot->buckets[kind][i];
	return total;
}

struct client_snapshot client_read(int session, uint32_t flags)
{
	struct client_snapshot ret = { .s.size = sizeof(ret.s) };
	int kind;

	assert_return_code(ioctl(session, KVM_AET_GET_SNAPSHOT, &ret.s), errno);
	ret.s.flags = flags;
	for (kind = 0; kind < KVM_AET_NR_HISTOGRAMS; kind++) {
		ret.buckets[kind] = calloc(ret.s.histograms[kind].nr_buckets,
					   sizeof(*ret.buckets[kind]));
		assert_non_null(ret.buckets[kind]);
		ret.s.histograms[kind].buckets = (uintptr_t)ret.buckets[kind];
	}
	assert_return_code(ioctl(session, KVM_AET_GET_SNAPSHOT, &ret.s), errno);

	assert_int_equal(ret.s.accesses, ret.s.cold_accesses +
						 ret.s.entry_accesses +
						 sum(&ret, KVM_AET_HIST_REUSE));
	assert_int_equal(sum(&ret, KVM_AET_HIST_REUSE),
			 sum(&ret, KVM_AET_HIST_REUSE_NS));
	assert_int_equal(ret.s.write_accesses,
			 ret.s.cold_writes +
				 sum(&ret, KVM_AET_HIST_WRITE_REUSE));
	/* No VM here has any memory but RAM. */
	assert_int_equal(ret.s.unarmable_pages, 0);
	return ret;
}

struct client_snapshot client_snapshot(int session)
{
	struct client_snapshot ret = client_read(session, 0);

	/* So only while no vCPU runs. */
	assert_int_equal(ret.s.accesses,
			 ret.s.traps + ret.s.first_touches - ret.s.alias_traps -
				 ret.s.stale_traps - ret.s.lost_records);
	return ret;
}

void client_snapshot_free(struct client_snapshot *snapshot)
{
	int kind;

	for (kind = 0; kind < KVM_AET_NR_HISTOGRAMS; kind++) {
		free(snapshot->buckets[kind]);
		snapshot->buckets[kind] = NULL;
	}
}

int client_configure(int session, struct kvm_aet_config *config)
{
	config->size = sizeof(*config);
	return ioctl(session, KVM_AET_CONFIGURE, config) < 0 ? -errno : 0;
}

struct kvm_aet_vm_info client_vm_info(int vm_fd)
{
	struct kvm_aet_vm_info info = {
		.size = sizeof(info),
		.flags = KVM_AET_VM_INFO_COUNT_LEAVES,
		.vm_fd = vm_fd,
	};
	int device = client_open();

	assert_return_code(ioctl(device, KVM_AET_VM_INFO, &info), errno);
	close(device);
	return info;
}

bool client_has_tdp_mmu(uint32_t mmu_mode)
{
	int fd = open("/sys/module/kvm/parameters/tdp_mmu",
		      O_RDONLY | O_CLOEXEC);
	char is_tdp_mmu;

	assert_true(fd >= 0);
	assert_int_equal(read(fd, &is_tdp_mmu, 1), 1);
	close(fd);
	return mmu_mode != KVM_AET_MMU_SHADOW && is_tdp_mmu == 'Y';
}

uint32_t client_first_touch_pages(const struct client_snapshot *snapshot)
{
	return client_has_tdp_mmu(snapshot->s.mmu_mode) ? 1 : 8;
}
