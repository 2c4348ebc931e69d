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

#include "abi_layout.h"
#include "aet.h"

/* Frame numbers that fit a 52-bit physical address. */
#define AET_GFN_LIMIT (1ULL << (52 - PAGE_SHIFT))

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

int aet_config_check(const struct kvm_aet_config *config)
{
	const u32 all = KVM_AET_SET_INVERSE_RATE | KVM_AET_SET_HOT_PAGES |
			KVM_AET_SET_PERIOD_MS | KVM_AET_SET_FLUSH_BATCH |
			KVM_AET_SET_ROTATE_PASSES;
	u32 fields = config->fields;

	if (fields & ~all)
		return -EINVAL;
	if ((fields & KVM_AET_SET_INVERSE_RATE) &&
	    (!config->inverse_rate ||
	     config->inverse_rate > KVM_AET_MAX_INVERSE_RATE))
		return -EINVAL;
	if ((fields & KVM_AET_SET_HOT_PAGES) &&
	    (config->hot_pages < KVM_AET_MIN_HOT_PAGES ||
	     config->hot_pages > KVM_AET_MAX_HOT_PAGES))
		return -EINVAL;
	if ((fields & KVM_AET_SET_PERIOD_MS) &&
	    (config->period_ms < KVM_AET_MIN_PERIOD_MS ||
	     config->period_ms > KVM_AET_MAX_PERIOD_MS))
		return -EINVAL;
	if ((fields & KVM_AET_SET_FLUSH_BATCH) &&
	    (!config->flush_batch ||
	     config->flush_batch > KVM_AET_MAX_FLUSH_BATCH))
		return -EINVAL;
	if ((fields & KVM_AET_SET_ROTATE_PASSES) && config->rotate_passes &&
	    (config->rotate_passes < KVM_AET_MIN_ROTATE_PASSES ||
	     config->rotate_passes > KVM_AET_MAX_ROTATE_PASSES))
		return -EINVAL;
	return 0;
}

static int check_attach(struct kvm_aet_attach *config)
{
	const struct kvm_aet_config changeable = {
		.fields = KVM_AET_SET_INVERSE_RATE | KVM_AET_SET_HOT_PAGES |
			  KVM_AET_SET_PERIOD_MS | KVM_AET_SET_FLUSH_BATCH |
			  KVM_AET_SET_ROTATE_PASSES,
		.inverse_rate = config->inverse_rate,
		.hot_pages = config->hot_pages,
		.period_ms = config->period_ms,
		.flush_batch = config->flush_batch,
		.rotate_passes = config->rotate_passes,
	};

	if (config->flags || config->pad ||
	    memchr_inv(config->reserved, 0, sizeof(config->reserved)))
		return -EINVAL;
	if (aet_config_check(&changeable))
		return -EINVAL;
	if (config->huge_mode > KVM_AET_HUGE_COARSE)
		return -EINVAL;
	if (!config->gfn_end)
		config->gfn_end = AET_GFN_LIMIT;
	if (config->gfn_start >= config->gfn_end ||
	    config->gfn_end > AET_GFN_LIMIT)
		return -EINVAL;
	/* A unit is in range, or it is not. */
	if (config->huge_mode == KVM_AET_HUGE_COARSE &&
	    (config->gfn_start | config->gfn_end) % AET_BLOCK_PAGES)
		return -EINVAL;
	return 0;
}

static int configure(struct aet_vm *vm, struct kvm_aet_config __user *argp)
{
	struct kvm_aet_config config;
	int err;

	err = copy_sized_from_user(&config, sizeof(config), argp);
	if (err)
		return err;
	if (config.pad ||
	    memchr_inv(config.reserved, 0, sizeof(config.reserved)))
		return -EINVAL;
	err = aet_config_check(&config);
	if (err)
		return err;
	err = aet_vm_configure(vm, &config);
	if (err)
		return err;
	return put_user(config.generation, &argp->generation) ? -EFAULT : 0;
}

/* Room for every histogram that is wanted; the caller frees. */
static int new_buckets(const struct kvm_aet_snapshot *snapshot,
		       u64 **ret_buckets)
{
	int kind;

	for (kind = 0; kind < KVM_AET_NR_HISTOGRAMS; kind++) {
		if (!snapshot->histograms[kind].buckets)
			continue;
		ret_buckets[kind] = kvcalloc(aet_layout_buckets(kind),
					     sizeof(u64), GFP_KERNEL_ACCOUNT);
		if (!ret_buckets[kind])
			return -ENOMEM;
	}
	return 0;
}

static int copy_buckets_to_user(const struct kvm_aet_snapshot *snapshot,
				u64 **buckets)
{
	int kind;

	for (kind = 0; kind < KVM_AET_NR_HISTOGRAMS; kind++)
		if (buckets[kind] &&
		    copy_to_user(
			    u64_to_user_ptr(snapshot->histograms[kind].buckets),
			    buckets[kind],
			    aet_layout_buckets(kind) * sizeof(u64)))
			return -EFAULT;
	return 0;
}

static bool has_room(const struct kvm_aet_snapshot *snapshot)
{
	int kind;

	for (kind = 0; kind < KVM_AET_NR_HISTOGRAMS; kind++)
		if (snapshot->histograms[kind].buckets &&
		    snapshot->histograms[kind].nr_buckets <
			    aet_layout_buckets(kind))
			return false;
	return true;
}

static int check_snapshot(const struct kvm_aet_snapshot *snapshot)
{
	int kind;

	if (snapshot->flags &
	    ~(KVM_AET_SNAPSHOT_NEW_WINDOW | KVM_AET_SNAPSHOT_PREVIOUS))
		return -EINVAL;
	if ((snapshot->flags & KVM_AET_SNAPSHOT_NEW_WINDOW) &&
	    (snapshot->flags & KVM_AET_SNAPSHOT_PREVIOUS))
		return -EINVAL;
	if (snapshot->pad ||
	    memchr_inv(snapshot->reserved, 0, sizeof(snapshot->reserved)))
		return -EINVAL;
	for (kind = 0; kind < KVM_AET_NR_HISTOGRAMS; kind++)
		if (snapshot->histograms[kind].pad ||
		    snapshot->histograms[kind].reserved)
			return -EINVAL;
	return 0;
}

static int put_layout(struct kvm_aet_snapshot __user *argp)
{
	int kind;

	for (kind = 0; kind < KVM_AET_NR_HISTOGRAMS; kind++)
		if (put_user(aet_layout_buckets(kind),
			     &argp->histograms[kind].nr_buckets))
			return -EFAULT;
	return -ENOSPC;
}

static int get_snapshot(struct aet_vm *vm, struct kvm_aet_snapshot __user *argp)
{
	struct kvm_aet_snapshot wanted, snapshot = {};
	u64 *buckets[KVM_AET_NR_HISTOGRAMS] = {};
	struct aet_taken taken;
	int err, kind;

	err = copy_sized_from_user(&wanted, sizeof(wanted), argp);
	if (err)
		return err;
	err = check_snapshot(&wanted);
	if (err)
		return err;
	if (!has_room(&wanted))
		return put_layout(argp);

	err = new_buckets(&wanted, buckets);
	if (!err)
		err = aet_vm_snapshot(vm, wanted.flags, &snapshot, buckets,
				      &taken);
	snapshot.size = sizeof(snapshot);
	snapshot.flags = wanted.flags;
	for (kind = 0; kind < KVM_AET_NR_HISTOGRAMS; kind++)
		snapshot.histograms[kind].buckets =
			wanted.histograms[kind].buckets;
	if (!err)
		err = copy_buckets_to_user(&snapshot, buckets);
	if (!err && copy_to_user(argp, &snapshot, sizeof(snapshot)))
		err = -EFAULT;
	if (!err)
		err = aet_vm_note_read(vm, wanted.flags, &taken);
	for (kind = 0; kind < KVM_AET_NR_HISTOGRAMS; kind++)
		kvfree(buckets[kind]);
	return err;
}

/* So many regions at a time: passes are not to wait for the reader. */
#define REGIONS_AT_ONCE 64U

/*
 * Fills *nr at most; sets it, and where to go on. A signal only makes it fewer.
 */
static int read_regions(struct aet_vm *vm, struct kvm_aet_regions *regions,
			struct kvm_aet_region *ret, u32 *nr)
{
	bool window_only = regions->flags & KVM_AET_REGIONS_WINDOW;
	u32 room = *nr;
	int err = 0;

	*nr = 0;
	if (mutex_lock_killable(&vm->ctl))
		return -EINTR;
	if (!vm->kvm)
		err = -ESHUTDOWN;
	while (!err && *nr < room) {
		int found = aet_vm_next_region(vm, &regions->gfn, window_only,
					       &ret[*nr]);

		if (!found)
			regions->gfn = ~0ULL;
		if (found <= 0)
			break;
		(*nr)++;
	}
	mutex_unlock(&vm->ctl);
	return err;
}

static int get_regions(struct aet_vm *vm, struct kvm_aet_regions __user *argp)
{
	struct kvm_aet_region __user *user_regions;
	struct kvm_aet_regions regions;
	struct kvm_aet_region *buffer;
	u32 room, written = 0;
	int err;

	err = copy_sized_from_user(&regions, sizeof(regions), argp);
	if (err)
		return err;
	if (regions.flags & ~KVM_AET_REGIONS_WINDOW || regions.pad ||
	    memchr_inv(regions.reserved, 0, sizeof(regions.reserved)) ||
	    !regions.nr_regions || regions.gfn >= AET_GFN_LIMIT)
		return -EINVAL;
	user_regions = u64_to_user_ptr(regions.regions);
	room = regions.nr_regions;
	buffer = kcalloc(REGIONS_AT_ONCE, sizeof(*buffer), GFP_KERNEL_ACCOUNT);
	if (!buffer)
		return -ENOMEM;
	while (!err && written < room && regions.gfn != ~0ULL) {
		u32 nr = min(room - written, REGIONS_AT_ONCE);

		err = read_regions(vm, &regions, buffer, &nr);
		if (!err && copy_to_user(user_regions + written, buffer,
					 nr * sizeof(*buffer)))
			err = -EFAULT;
		written += nr;
		/* What was read so far is good: the caller goes on from there. */
		if (signal_pending(current))
			break;
	}
	kfree(buffer);
	regions.size = sizeof(regions);
	regions.nr_regions = written;
	if (!err && copy_to_user(argp, &regions, sizeof(regions)))
		err = -EFAULT;
	return err;
}

static long session_ioctl(struct file *file, unsigned int cmd,
			  unsigned long arg)
{
	struct aet_vm *vm = file->private_data;

	switch (cmd) {
	case KVM_AET_GET_SNAPSHOT:
		return get_snapshot(vm, (void __user *)arg);
	case KVM_AET_CONFIGURE:
		return configure(vm, (void __user *)arg);
	case KVM_AET_GET_REGIONS:
		return get_regions(vm, (void __user *)arg);
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

	__poll_t events = 0;

	poll_wait(file, &vm->wait, table);
	if (READ_ONCE(vm->passes) != READ_ONCE(vm->passes_read))
		events |= EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(vm->state) != KVM_AET_TRACKING)
		events |= EPOLLHUP;
	return events;
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
	if (aet_port_protection(kvm)) {
		kvm_put_kvm(kvm);
		return -EOPNOTSUPP;
	}

	if (!aet_port_layout_is_sane(kvm)) {
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
	info.is_tracked = !!aet_vm_find(aet_vm_bucket(kvm), kvm);
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
	case KVM_AET_GET_ABI:
		return arg ? -EINVAL : KVM_AET_ABI;
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
