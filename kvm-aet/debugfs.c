// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stage 5, for people: /sys/kernel/debug/kvm-aet/PID-N/, N counting sessions,
 * with the files config (writable), status, counters, histogram, hot_set and
 * regions. For root alone: access patterns are secrets.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>

#include "aet.h"
#include "record_access.h"

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

static const char *const huge_names[] = {
	[KVM_AET_HUGE_SPLIT] = "split",
	[KVM_AET_HUGE_AS_MAPPED] = "as-mapped",
	[KVM_AET_HUGE_COARSE] = "coarse",
};

static const char *const histogram_names[KVM_AET_NR_HISTOGRAMS] = {
	[KVM_AET_HIST_REUSE] = "reuse_time_accesses",
	[KVM_AET_HIST_REUSE_NS] = "reuse_time_ns",
	[KVM_AET_HIST_WRITE_REUSE] = "write_reuse_time_accesses",
	[KVM_AET_HIST_ENDED] = "ended_interval_accesses",
	[KVM_AET_HIST_OPEN] = "open_interval_accesses",
};

static int read_snapshot(struct aet_vm *vm, struct kvm_aet_snapshot *ret,
			 u64 **buckets)
{
	static u64 *no_buckets[KVM_AET_NR_HISTOGRAMS];
	struct aet_taken taken;

	return aet_vm_snapshot(vm, 0, ret, buckets ? buckets : no_buckets,
			       &taken);
}

#define SHOW(m, s, field) seq_printf(m, #field " %llu\n", (u64)(s).field)

static int status_show(struct seq_file *m, void *unused)
{
	struct kvm_aet_snapshot s = {};
	int err = read_snapshot(m->private, &s, NULL);

	if (err)
		return err;
	seq_printf(m, "state %s\n", state_names[s.state]);
	seq_printf(m, "mmu_mode %s\n", mode_names[s.mmu_mode]);
	seq_printf(m, "encoding %s\n", encoding_names[s.encoding]);
	seq_printf(m, "huge_mode %s\n", huge_names[s.huge_mode]);
	seq_printf(m, "is_starved %d\n", !!(s.notes & KVM_AET_NOTE_STARVED));
	SHOW(m, s, generation);
	SHOW(m, s, dropped_generations);
	SHOW(m, s, hot_pages);
	SHOW(m, s, hot_used);
	SHOW(m, s, unit_pages);
	SHOW(m, s, gfn_start);
	SHOW(m, s, gfn_end);
	SHOW(m, s, range_pages);
	SHOW(m, s, sampled_pages);
	SHOW(m, s, mapped_pages);
	SHOW(m, s, huge_leaves);
	SHOW(m, s, memory_bytes);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(status);

static int counters_show(struct seq_file *m, void *unused)
{
	struct kvm_aet_snapshot s = {};
	int err = read_snapshot(m->private, &s, NULL);

	if (err)
		return err;
	SHOW(m, s, accesses);
	SHOW(m, s, write_accesses);
	SHOW(m, s, cold_accesses);
	SHOW(m, s, entry_accesses);
	SHOW(m, s, cold_writes);
	SHOW(m, s, window_pages);
	SHOW(m, s, traps);
	SHOW(m, s, first_touches);
	SHOW(m, s, alias_traps);
	SHOW(m, s, stale_traps);
	SHOW(m, s, spurious_traps);
	SHOW(m, s, lost_records);
	SHOW(m, s, unarmable_pages);
	SHOW(m, s, arms);
	SHOW(m, s, rearms);
	SHOW(m, s, rearm_misses);
	SHOW(m, s, flushes);
	SHOW(m, s, splits);
	SHOW(m, s, passes);
	SHOW(m, s, starved_passes);
	SHOW(m, s, rotations);
	SHOW(m, s, hook_cycles);
	SHOW(m, s, pass_cycles);
	SHOW(m, s, tsc_khz);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(counters);

static void show_histogram(struct seq_file *m, int kind, const u64 *buckets,
			   u64 over_range)
{
	u32 i;

	seq_printf(m, "# %s count\n", histogram_names[kind]);
	for (i = 0; i < aet_layout_buckets(kind); i++)
		if (buckets[i])
			seq_printf(m, "%llu %llu\n",
				   aet_bucket_low(aet_layouts[kind].sub_bits,
						  i),
				   buckets[i]);
	seq_printf(m, "over %llu\n", over_range);
}

/* Nonempty buckets: smallest value, count. */
static int histogram_show(struct seq_file *m, void *unused)
{
	u64 *buckets[KVM_AET_NR_HISTOGRAMS] = {};
	struct kvm_aet_snapshot s = {};
	int kind, err = 0;

	for (kind = 0; kind < KVM_AET_NR_HISTOGRAMS; kind++) {
		buckets[kind] = kvcalloc(aet_layout_buckets(kind), sizeof(u64),
					 GFP_KERNEL);
		if (!buckets[kind])
			err = -ENOMEM;
	}
	if (!err)
		err = read_snapshot(m->private, &s, buckets);
	for (kind = 0; kind < KVM_AET_NR_HISTOGRAMS; kind++) {
		if (!err)
			show_histogram(m, kind, buckets[kind],
				       s.histograms[kind].over_range);
		kvfree(buckets[kind]);
	}
	return err;
}
DEFINE_SHOW_ATTRIBUTE(histogram);

/* First frame numbers of the units in the hot set, in no order. */
static int hot_set_show(struct seq_file *m, void *unused)
{
	struct aet_vm *vm = m->private;
	struct aet_record *record;
	u32 i, nr = 0, room;
	u64 *units;

	if (mutex_lock_killable(&vm->ctl))
		return -EINTR;
	record = aet_vm_generation(vm)->record;
	room = record->config.hot_pages;
	units = kvcalloc(room, sizeof(*units), GFP_KERNEL);
	if (units)
		nr = aet_record_hot_units(record, units, room);
	mutex_unlock(&vm->ctl);
	if (!units)
		return -ENOMEM;
	for (i = 0; i < nr; i++)
		seq_printf(m, "0x%llx\n", units[i] << vm->mmu.unit_shift);
	kvfree(units);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(hot_set);

static u32 weigh(const u64 *words)
{
	u32 weight = 0;
	unsigned int i;

	for (i = 0; i < AET_BLOCK_WORDS; i++)
		weight += hweight64(words[i]);
	return weight;
}

/*
 * A line per region, below a line of names. The position is 0 for the latter,
 * and for a region one more than its number, so that a read goes on where the
 * one before had to end.
 */
struct regions_reader {
	struct aet_vm *vm;
	bool is_locked; /* stop() is called even if start() failed */
	struct kvm_aet_region region;
};

static void *regions_find(struct regions_reader *reader, loff_t *pos)
{
	u64 gfn = (*pos - 1) * AET_BLOCK_PAGES;
	int found;

	if (!reader->vm->kvm)
		return NULL;
	found = aet_vm_next_region(reader->vm, &gfn, false, &reader->region);
	if (found > 0)
		gfn = reader->region.gfn;
	*pos = gfn / AET_BLOCK_PAGES + 1;
	if (found < 0)
		return ERR_PTR(found);
	return found ? reader : NULL;
}

static void *regions_start(struct seq_file *m, loff_t *pos)
{
	struct regions_reader *reader = m->private;

	reader->is_locked = !mutex_lock_killable(&reader->vm->ctl);
	if (!reader->is_locked)
		return ERR_PTR(-EINTR);
	return *pos ? regions_find(reader, pos) : SEQ_START_TOKEN;
}

static void *regions_next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return regions_find(m->private, pos);
}

static void regions_stop(struct seq_file *m, void *v)
{
	struct regions_reader *reader = m->private;

	if (reader->is_locked)
		mutex_unlock(&reader->vm->ctl);
}

static int regions_show(struct seq_file *m, void *v)
{
	struct regions_reader *reader = m->private;
	const struct kvm_aet_region *region = &reader->region;

	if (v == SEQ_START_TOKEN)
		seq_puts(m, "# gfn accesses sampled_pages seen_pages\n");
	else
		seq_printf(m, "0x%llx %llu %u %u\n", region->gfn,
			   region->accesses, weigh(region->sampled),
			   weigh(region->seen));
	return 0;
}

static const struct seq_operations regions_ops = {
	.start = regions_start,
	.next = regions_next,
	.stop = regions_stop,
	.show = regions_show,
};

static int regions_open(struct inode *inode, struct file *file)
{
	struct regions_reader *reader =
		__seq_open_private(file, &regions_ops, sizeof(*reader));

	if (!reader)
		return -ENOMEM;
	reader->vm = inode->i_private;
	return 0;
}

static const struct file_operations regions_fops = {
	.owner = THIS_MODULE,
	.open = regions_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = seq_release_private,
};

/* What may be written to "config", too. */
static const struct config_field {
	const char *name;
	u32 bit;
	size_t offset; /* in struct kvm_aet_config */
	size_t attach_offset; /* in struct kvm_aet_attach */
} config_fields[] = {
#define FIELD(field, bit)                                            \
	{                                                            \
#field, bit, offsetof(struct kvm_aet_config, field), \
			offsetof(struct kvm_aet_attach, field)       \
	}
	FIELD(inverse_rate, KVM_AET_SET_INVERSE_RATE),
	FIELD(hot_pages, KVM_AET_SET_HOT_PAGES),
	FIELD(period_ms, KVM_AET_SET_PERIOD_MS),
	FIELD(flush_batch, KVM_AET_SET_FLUSH_BATCH),
	FIELD(rotate_passes, KVM_AET_SET_ROTATE_PASSES),
#undef FIELD
};

static int config_show(struct seq_file *m, void *unused)
{
	struct aet_vm *vm = m->private;
	size_t i;

	if (mutex_lock_killable(&vm->ctl))
		return -EINTR;
	for (i = 0; i < ARRAY_SIZE(config_fields); i++)
		seq_printf(m, "%s %u\n", config_fields[i].name,
			   *(u32 *)((char *)&vm->config +
				    config_fields[i].attach_offset));
	mutex_unlock(&vm->ctl);
	return 0;
}

static int config_open(struct inode *inode, struct file *file)
{
	return single_open(file, config_show, inode->i_private);
}

/* "NAME VALUE", as they are read. */
static int parse_field(char *word, char **rest, struct kvm_aet_config *config)
{
	char *value;
	size_t i;

	do {
		value = strsep(rest, " \t\n");
	} while (value && !*value);
	if (!value)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(config_fields); i++) {
		const struct config_field *field = &config_fields[i];

		if (strcmp(word, field->name) != 0)
			continue;
		if (config->fields & field->bit)
			return -EINVAL;
		config->fields |= field->bit;
		return kstrtou32(value, 10,
				 (u32 *)((char *)config + field->offset));
	}
	return -EINVAL;
}

static ssize_t config_write(struct file *file, const char __user *buf,
			    size_t size, loff_t *pos)
{
	struct aet_vm *vm = file_inode(file)->i_private;
	struct kvm_aet_config config = {};
	char text[256], *rest = text, *word;
	int err = 0;

	/* One write is one change: no part of it is kept for the next. */
	if (*pos || size >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, buf, size))
		return -EFAULT;
	text[size] = '\0';
	while (!err && (word = strsep(&rest, " \t\n")))
		if (*word)
			err = parse_field(word, &rest, &config);
	if (!err && !config.fields)
		err = -EINVAL;
	if (!err)
		err = aet_config_check(&config);
	if (!err)
		err = aet_vm_configure(vm, &config);
	return err ? err : size;
}

static const struct file_operations config_fops = {
	.owner = THIS_MODULE,
	.open = config_open,
	.read = seq_read,
	.write = config_write,
	.llseek = seq_lseek,
	.release = single_release,
};

/* Failure to show something is no reason not to measure it. */
void aet_debugfs_add(struct aet_vm *vm)
{
	static atomic_t nr_sessions;
	struct dentry *dir;
	char name[32];

	snprintf(name, sizeof(name), "%d-%d", vm->process_id,
		 atomic_inc_return(&nr_sessions));
	dir = debugfs_create_dir(name, root_dir);
	debugfs_create_file("config", 0600, dir, vm, &config_fops);
	debugfs_create_file("status", 0400, dir, vm, &status_fops);
	debugfs_create_file("counters", 0400, dir, vm, &counters_fops);
	debugfs_create_file("histogram", 0400, dir, vm, &histogram_fops);
	debugfs_create_file("hot_set", 0400, dir, vm, &hot_set_fops);
	debugfs_create_file("regions", 0400, dir, vm, &regions_fops);
	vm->debugfs_dir = dir;
}

void aet_debugfs_init(void)
{
	root_dir = debugfs_create_dir("kvm-aet", NULL);
}

void aet_debugfs_exit(void)
{
	debugfs_remove_recursive(root_dir);
}
