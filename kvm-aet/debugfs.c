// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stage 5, for people: /sys/kernel/debug/kvm-aet/PID-N/{status,histogram}, N
 * counting sessions. Readable by root alone: access patterns are secrets.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "aet.h"
#include "hist_bucket.h"

static struct dentry *root_dir;

static const char *const state_names[] = {
	[KVM_AET_TRACKING] = "tracking",
	[KVM_AET_STOPPED] = "stopped",
	[KVM_AET_VM_EXITED] = "vm-exited",
};

static const char *const mode_names[] = {
	[KVM_AET_MMU_UNKNOWN] = "unknown",
	[KVM_AET_MMU_NPT] = "npt",
	[KVM_AET_MMU_EPT] = "ept",
	[KVM_AET_MMU_SHADOW] = "shadow",
};

static const char *const encoding_names[] = {
	[KVM_AET_ENC_NONE] = "none",
	[KVM_AET_ENC_EPT_MEMTYPE] = "ept-memtype",
	[KVM_AET_ENC_NPT_SUPERVISOR] = "npt-supervisor",
	[KVM_AET_ENC_NOT_PRESENT] = "not-present",
};

static int status_show(struct seq_file *m, void *unused)
{
	struct kvm_aet_snapshot s = {};

	aet_vm_snapshot(m->private, false, &s, NULL);
	seq_printf(m, "state %s\n", state_names[s.state]);
	seq_printf(m, "mmu_mode %s\n", mode_names[s.mmu_mode]);
	seq_printf(m, "encoding %s\n", encoding_names[s.encoding]);
	seq_printf(m, "huge_mode %s\n",
		   s.huge_mode == KVM_AET_HUGE_SPLIT ? "split" : "ignore");
#define SHOW(field) seq_printf(m, #field " %llu\n", (u64)s.field)
	SHOW(inverse_rate);
	SHOW(hot_pages);
	SHOW(hot_used);
	SHOW(period_ms);
	SHOW(flush_batch);
	SHOW(gfn_start);
	SHOW(gfn_end);
	SHOW(range_pages);
	SHOW(sampled_pages);
	SHOW(mapped_pages);
	SHOW(huge_leaves);
	SHOW(accesses);
	SHOW(cold_accesses);
	SHOW(window_pages);
	SHOW(traps);
	SHOW(first_touches);
	SHOW(alias_traps);
	SHOW(spurious_traps);
	SHOW(lost_records);
	SHOW(arms);
	SHOW(rearms);
	SHOW(rearm_misses);
	SHOW(flushes);
	SHOW(passes);
#undef SHOW
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(status);

/* Nonempty buckets: smallest reuse time in sampled accesses, count. */
static int histogram_show(struct seq_file *m, void *unused)
{
	struct kvm_aet_snapshot s = {};
	u64 *buckets;
	u32 i;

	buckets = kvcalloc(AET_NR_BUCKETS, sizeof(u64), GFP_KERNEL);
	if (!buckets)
		return -ENOMEM;
	aet_vm_snapshot(m->private, false, &s, buckets);
	seq_puts(m, "# reuse_time_accesses count\n");
	for (i = 0; i < AET_NR_BUCKETS; i++)
		if (buckets[i])
			seq_printf(m, "%llu %llu\n", aet_bucket_low(i),
				   buckets[i]);
	seq_printf(m, "cold %llu\n", s.cold_accesses);
	kvfree(buckets);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(histogram);

/* Failure to show something is no reason not to measure it. */
void aet_debugfs_add(struct aet_vm *vm)
{
	static atomic_t nr_sessions;
	char name[32];

	snprintf(name, sizeof(name), "%d-%d", vm->process_id,
		 atomic_inc_return(&nr_sessions));
	vm->debugfs_dir = debugfs_create_dir(name, root_dir);
	debugfs_create_file("status", 0400, vm->debugfs_dir, vm, &status_fops);
	debugfs_create_file("histogram", 0400, vm->debugfs_dir, vm,
			    &histogram_fops);
}

void aet_debugfs_init(void)
{
	root_dir = debugfs_create_dir("kvm-aet", NULL);
}

void aet_debugfs_exit(void)
{
	debugfs_remove_recursive(root_dir);
}
