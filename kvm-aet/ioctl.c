// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stage 5, for programs: /dev/kvm-aet and the session descriptor. All input is
 * checked here, before anything changes.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/uaccess.h>

#include "aet.h"
#include "hist_bucket.h"

/* Frame numbers that fit a 52-bit physical address. */
#define AET_GFN_LIMIT (1ULL << (52 - PAGE_SHIFT))

static_assert(sizeof(struct kvm_aet_attach) == 120);
static_assert(sizeof(struct kvm_aet_snapshot) == 328);
static_assert(sizeof(struct kvm_aet_vm_info) == 120);

/* Read an extensible struct whose first member is its size. */
static int copy_sized_from_user(void *dst, size_t size, const void __user *src)
{
	u32 user_size;

	if (get_user(user_size, (const u32 __user *)src))
		return -EFAULT;
	if (user_size < size || user_size > PAGE_SIZE)
		return -EINVAL;
	return copy_struct_from_user(dst, size, src, user_size);
}

/* A reference to the VM behind @fd, to be dropped with kvm_put_kvm(). */
static int kvm_from_fd(int fd, struct kvm **ret_kvm)
{
	struct file *file = fget(fd);
	int err = -ENXIO;

	if (!file)
		return -EBADF;
	if (file_is_kvm(file)) {
		struct kvm *kvm = file->private_data;

		/* The open file holds a reference, so this one is safe. */
		kvm_get_kvm(kvm);
		*ret_kvm = kvm;
		err = 0;
	}
	fput(file);
	return err;
}

static int check_attach(struct kvm_aet_attach *config)
{
	if (config->flags ||
	    memchr_inv(config->reserved, 0, sizeof(config->reserved)))
		return -EINVAL;
	if (!config->inverse_rate ||
	    config->inverse_rate > KVM_AET_MAX_INVERSE_RATE)
		return -EINVAL;
	if (config->hot_pages < KVM_AET_MIN_HOT_PAGES ||
	    config->hot_pages > KVM_AET_MAX_HOT_PAGES)
		return -EINVAL;
	if (config->period_ms < KVM_AET_MIN_PERIOD_MS ||
	    config->period_ms > KVM_AET_MAX_PERIOD_MS)
		return -EINVAL;
	if (!config->flush_batch ||
	    config->flush_batch > KVM_AET_MAX_FLUSH_BATCH)
		return -EINVAL;
	if (config->huge_mode > KVM_AET_HUGE_IGNORE)
		return -EINVAL;
	if (!config->gfn_end)
		config->gfn_end = AET_GFN_LIMIT;
	if (config->gfn_start >= config->gfn_end ||
	    config->gfn_end > AET_GFN_LIMIT)
		return -EINVAL;
	return 0;
}

void aet_vm_snapshot(struct aet_vm *vm, bool new_window,
		     struct kvm_aet_snapshot *snapshot, u64 *ret_buckets)
{
	struct aet_record *record = &vm->record;

	mutex_lock(&vm->ctl);
	snapshot->nr_buckets = AET_NR_BUCKETS;
	snapshot->sub_bucket_bits = AET_SUB_BUCKET_BITS;
	snapshot->state = vm->state;
	snapshot->mmu_mode = vm->mmu.mode;
	snapshot->encoding = vm->mmu.encoding_id;
	snapshot->huge_mode = vm->config.huge_mode;
	snapshot->inverse_rate = vm->config.inverse_rate;
	snapshot->hot_pages = vm->config.hot_pages;
	snapshot->period_ms = vm->config.period_ms;
	snapshot->flush_batch = vm->config.flush_batch;
	snapshot->salt = vm->config.salt;
	snapshot->gfn_start = vm->config.gfn_start;
	snapshot->gfn_end = vm->config.gfn_end;
	snapshot->range_pages = vm->stats.range_pages;
	snapshot->sampled_pages = vm->stats.sampled_pages;
	snapshot->mapped_pages = vm->stats.mapped_pages;
	snapshot->huge_leaves = vm->stats.huge_leaves;
	snapshot->arms = vm->arms;
	snapshot->passes = vm->passes;
	snapshot->flushes = atomic64_read(&vm->flushes);
	mutex_unlock(&vm->ctl);

	/* One moment for all of these, so that they add up. */
	spin_lock(&record->lock);
	snapshot->time_ns = ktime_get_ns();
	snapshot->hot_used = record->fifo.used;
	snapshot->accesses = record->accesses;
	snapshot->cold_accesses = record->cold_accesses;
	snapshot->window_pages = record->window_pages;
	snapshot->traps = record->traps;
	snapshot->first_touches = record->first_touches;
	snapshot->alias_traps = record->alias_traps;
	snapshot->spurious_traps = record->spurious_traps;
	snapshot->lost_records = record->lost_records;
	snapshot->rearms = record->rearms;
	snapshot->rearm_misses = record->rearm_misses;
	if (ret_buckets)
		memcpy(ret_buckets, record->buckets,
		       AET_NR_BUCKETS * sizeof(u64));
	if (new_window) {
		record->window_start = record->accesses;
		record->window_pages = 0;
	}
	spin_unlock(&record->lock);
}

static int get_snapshot(struct aet_vm *vm, struct kvm_aet_snapshot __user *argp)
{
	struct kvm_aet_snapshot snapshot;
	u64 *buckets = NULL;
	u64 __user *user_buckets;
	u32 room, flags;
	int err;

	err = copy_sized_from_user(&snapshot, sizeof(snapshot), argp);
	if (err)
		return err;
	flags = snapshot.flags;
	if (flags & ~KVM_AET_SNAPSHOT_NEW_WINDOW || snapshot.pad ||
	    memchr_inv(snapshot.reserved, 0, sizeof(snapshot.reserved)))
		return -EINVAL;
	user_buckets = u64_to_user_ptr(snapshot.buckets);
	room = snapshot.nr_buckets;
	if (user_buckets && room < AET_NR_BUCKETS) {
		if (put_user(AET_NR_BUCKETS, &argp->nr_buckets))
			return -EFAULT;
		return -ENOSPC;
	}
	if (user_buckets) {
		buckets = kvcalloc(AET_NR_BUCKETS, sizeof(u64), GFP_KERNEL);
		if (!buckets)
			return -ENOMEM;
	}

	memset(&snapshot, 0, sizeof(snapshot));
	snapshot.size = sizeof(snapshot);
	snapshot.flags = flags;
	snapshot.buckets = (uintptr_t)user_buckets;
	aet_vm_snapshot(vm, flags & KVM_AET_SNAPSHOT_NEW_WINDOW, &snapshot,
			buckets);
	if (buckets &&
	    copy_to_user(user_buckets, buckets, AET_NR_BUCKETS * sizeof(u64)))
		err = -EFAULT;
	if (!err && copy_to_user(argp, &snapshot, sizeof(snapshot)))
		err = -EFAULT;
	kvfree(buckets);
	return err;
}

static long session_ioctl(struct file *file, unsigned int cmd,
			  unsigned long arg)
{
	struct aet_vm *vm = file->private_data;

	switch (cmd) {
	case KVM_AET_GET_SNAPSHOT:
		return get_snapshot(vm, (void __user *)arg);
	case KVM_AET_STOP:
		if (arg)
			return -EINVAL;
		aet_vm_stop(vm);
		return 0;
	}
	return -ENOTTY;
}

static __poll_t session_poll(struct file *file, poll_table *table)
{
	struct aet_vm *vm = file->private_data;

	poll_wait(file, &vm->wait, table);
	return READ_ONCE(vm->state) == KVM_AET_TRACKING ? 0 : EPOLLHUP;
}

static int session_release(struct inode *inode, struct file *file)
{
	aet_vm_free(file->private_data);
	return 0;
}

/* The owner pins the module, so it cannot go while anything is tracked. */
static const struct file_operations session_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = session_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = session_poll,
	.release = session_release,
	.llseek = noop_llseek,
};

static int do_attach(const struct kvm_aet_attach __user *argp)
{
	struct kvm_aet_attach config;
	struct aet_vm *vm;
	struct file *file;
	struct kvm *kvm;
	int fd, err;

	err = copy_sized_from_user(&config, sizeof(config), argp);
	if (err)
		return err;
	err = check_attach(&config);
	if (err)
		return err;
	err = kvm_from_fd(config.vm_fd, &kvm);
	if (err)
		return err;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		err = fd;
		goto put_kvm;
	}
	err = aet_vm_attach(kvm, &config, &vm);
	if (err)
		goto put_fd;
	file = anon_inode_getfile("kvm-aet-session", &session_fops, vm,
				  O_RDWR | O_CLOEXEC);
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
		aet_vm_free(vm);
		goto put_fd;
	}
	fd_install(fd, file);
	err = fd;
	goto put_kvm;
put_fd:
	put_unused_fd(fd);
put_kvm:
	kvm_put_kvm(kvm);
	return err;
}

static int get_vm_info(struct kvm_aet_vm_info __user *argp)
{
	struct aet_leaf_count count = {};
	struct kvm_memory_slot *slot;
	struct kvm_aet_vm_info info;
	struct kvm_memslots *slots;
	struct aet_mmu mmu = {};
	struct kvm *kvm;
	int err, bkt, idx;

	err = copy_sized_from_user(&info, sizeof(info), argp);
	if (err)
		return err;
	if (info.flags & ~KVM_AET_VM_INFO_COUNT_LEAVES ||
	    memchr_inv(info.reserved, 0, sizeof(info.reserved)))
		return -EINVAL;
	err = kvm_from_fd(info.vm_fd, &kvm);
	if (err)
		return err;
	if (aet_port_is_protected(kvm)) {
		kvm_put_kvm(kvm);
		return -EOPNOTSUPP;
	}

	if (aet_port_detect(kvm, &mmu) &&
	    (info.flags & KVM_AET_VM_INFO_COUNT_LEAVES))
		aet_port_count(kvm, &mmu, &count);
	info.size = sizeof(info);
	info.mmu_mode = mmu.mode;
	info.nr_vcpus = atomic_read(&kvm->online_vcpus);
	info.small_leaves = count.small;
	info.huge_leaves = count.huge;
	info.armed_leaves = count.armed;

	rcu_read_lock();
	info.is_tracked = !!aet_vm_find(kvm);
	rcu_read_unlock();

	info.memslot_pages = 0;
	idx = srcu_read_lock(&kvm->srcu);
	slots = kvm_memslots(kvm);
	kvm_for_each_memslot(slot, bkt, slots)
		if (!(slot->flags & KVM_MEM_READONLY))
			info.memslot_pages += slot->npages;
	srcu_read_unlock(&kvm->srcu, idx);
	kvm_put_kvm(kvm);

	return copy_to_user(argp, &info, sizeof(info)) ? -EFAULT : 0;
}

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case KVM_AET_ATTACH:
		return do_attach((void __user *)arg);
	case KVM_AET_VM_INFO:
		return get_vm_info((void __user *)arg);
	}
	return -ENOTTY;
}

static int device_open(struct inode *inode, struct file *file)
{
	/* Beyond the file's mode: a container's root is not the host's. */
	return capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.open = device_open,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kvm-aet",
	.fops = &device_fops,
	.mode = 0600,
};

int aet_ioctl_init(void)
{
	return misc_register(&device);
}

void aet_ioctl_exit(void)
{
	misc_deregister(&device);
}
