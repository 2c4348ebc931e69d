// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life of a session: attach, stop, free, and the VM's exit in between.
 */
#include <linux/debugfs.h>
#include <linux/hashtable.h>
#include <linux/random.h>
#include <linux/sched/mm.h>

#include "aet.h"

static DEFINE_MUTEX(aet_vms_mutex);
static DEFINE_HASHTABLE(aet_vms, 6);

struct aet_vm *aet_vm_find(const struct kvm *kvm)
{
	struct aet_vm *vm;

	hash_for_each_possible_rcu(aet_vms, vm, node, (unsigned long)kvm)
		if (vm->kvm == kvm)
			return vm;
	return NULL;
}

static int insert(struct aet_vm *vm)
{
	int err = 0;

	mutex_lock(&aet_vms_mutex);
	rcu_read_lock();
	if (aet_vm_find(vm->kvm))
		err = -EBUSY;
	rcu_read_unlock();
	if (!err)
		hash_add_rcu(aet_vms, &vm->node, (unsigned long)vm->kvm);
	mutex_unlock(&aet_vms_mutex);
	return err;
}

static void remove(struct aet_vm *vm)
{
	mutex_lock(&aet_vms_mutex);
	hash_del_rcu(&vm->node);
	mutex_unlock(&aet_vms_mutex);
}

/*
 * The order that leaves no leaf armed while a guest could meet it:
 *  1. no new arming: the flag, then a grace period, because a hook that read
 *     the flag earlier may be about to re-arm a page; passes run under ctl;
 *  2. disarm and flush, with the hook still there for whoever traps meanwhile;
 *  3. only then take the session out of the hook's sight. A vCPU that exited
 *     on an armed leaf in step 2 and enters the hook after step 3 finds no
 *     session; KVM then sees the fault with the leaf already free: a spurious
 *     fault, or a reserved-bit fault on an SPTE without reserved bits, and both
 *     make it retry (handle_mmio_page_fault() returns RET_PF_RETRY). The one
 *     exit that KVM would not survive, kvm_hook.c handles without a session.
 */
static void end_tracking(struct aet_vm *vm)
{
	lockdep_assert_held(&vm->ctl);

	WRITE_ONCE(vm->is_arming, false);
	if (vm->state != KVM_AET_TRACKING)
		return;
	synchronize_rcu();
	aet_pass_disarm(vm);
	remove(vm);
	synchronize_rcu();
	WRITE_ONCE(vm->state, KVM_AET_STOPPED);
	wake_up_all(&vm->wait);
}

void aet_vm_stop(struct aet_vm *vm)
{
	/* Before the lock, so that a long pass under way ends early. */
	WRITE_ONCE(vm->is_arming, false);
	mutex_lock(&vm->ctl);
	end_tracking(vm);
	mutex_unlock(&vm->ctl);
}

static void pass_work(struct work_struct *work)
{
	struct aet_vm *vm =
		container_of(to_delayed_work(work), struct aet_vm, pass_work);

	mutex_lock(&vm->ctl);
	if (vm->state == KVM_AET_TRACKING && READ_ONCE(vm->is_arming)) {
		/* A VM may become protected after it was created. */
		if (aet_port_is_protected(vm->kvm) ||
		    aet_pass_arm(vm) == -EOPNOTSUPP)
			end_tracking(vm);
		else
			/* Out of memory: the next pass tries again. */
			queue_delayed_work(
				system_unbound_wq, &vm->pass_work,
				msecs_to_jiffies(vm->config.period_ms));
	}
	mutex_unlock(&vm->ctl);
}

/*
 * The last user of the VM's address space is gone, so no vCPU thread is left
 * that could fault, and KVM drops its page tables by itself. All that remains
 * is to let go of struct kvm: while it is held, the VM is not destroyed.
 */
static void exit_work(struct work_struct *work)
{
	struct aet_vm *vm = container_of(work, struct aet_vm, exit_work);
	struct kvm *kvm;

	mutex_lock(&vm->ctl);
	kvm = vm->kvm;
	if (vm->state == KVM_AET_TRACKING) {
		WRITE_ONCE(vm->is_arming, false);
		remove(vm);
		synchronize_rcu();
	}
	WRITE_ONCE(vm->state, KVM_AET_VM_EXITED);
	vm->kvm = NULL;
	mutex_unlock(&vm->ctl);

	if (kvm)
		kvm_put_kvm(kvm);
	wake_up_all(&vm->wait);
}

/*
 * Called while the address space goes away, or by mmu_notifier_unregister() in
 * aet_vm_free(). The process must not wait for us: leave the rest to a worker.
 */
static void notifier_release(struct mmu_notifier *notifier,
			     struct mm_struct *mm)
{
	struct aet_vm *vm = container_of(notifier, struct aet_vm, notifier);

	queue_work(system_unbound_wq, &vm->exit_work);
}

static const struct mmu_notifier_ops notifier_ops = {
	.release = notifier_release,
};

static void free_unattached(struct aet_vm *vm)
{
	if (vm->kvm)
		kvm_put_kvm(vm->kvm);
	aet_record_exit(&vm->record);
	kfree(vm);
}

/*
 * An instruction needs all its pages in the hot set at once, and between two
 * of its traps every other vCPU may push pages in. So the set grows with them;
 * sampling makes it as much less likely as it thins out the pages.
 */
#define HOT_PAGES_PER_VCPU 32

static void fit_hot_pages(struct kvm *kvm, struct kvm_aet_attach *config)
{
	u32 vcpus = atomic_read(&kvm->online_vcpus);

	config->hot_pages =
		max(config->hot_pages, DIV_ROUND_UP(HOT_PAGES_PER_VCPU * vcpus,
						    config->inverse_rate));
}

static struct aet_vm *new_unattached(struct kvm *kvm,
				     const struct kvm_aet_attach *config)
{
	struct aet_vm *vm = kzalloc(sizeof(*vm), GFP_KERNEL);

	if (!vm)
		return NULL;
	kvm_get_kvm(kvm);
	vm->kvm = kvm;
	vm->config = *config;
	vm->process_id = kvm->userspace_pid;
	vm->is_arming = true;
	vm->state = KVM_AET_TRACKING;
	mutex_init(&vm->ctl);
	init_waitqueue_head(&vm->wait);
	INIT_DELAYED_WORK(&vm->pass_work, pass_work);
	INIT_WORK(&vm->exit_work, exit_work);
	vm->notifier.ops = &notifier_ops;
	if (aet_record_init(&vm->record, config->hot_pages,
			    config->inverse_rate)) {
		free_unattached(vm);
		return NULL;
	}
	return vm;
}

static int attach(struct aet_vm *vm)
{
	int err;

	err = insert(vm);
	if (err)
		return err;
	vm->mm = vm->kvm->mm;
	err = mmu_notifier_register(&vm->notifier, vm->mm);
	if (err) {
		remove(vm);
		synchronize_rcu();
		return err;
	}
	return 0;
}

int aet_vm_attach(struct kvm *kvm, struct kvm_aet_attach *config,
		  struct aet_vm **ret_vm)
{
	struct mm_struct *mm = kvm->mm;
	struct aet_vm *vm;
	int err = 0;

	if (aet_port_is_protected(kvm))
		return -EOPNOTSUPP;
	while (!config->salt)
		config->salt = get_random_u64();
	fit_hot_pages(kvm, config);

	vm = new_unattached(kvm, config);
	if (!vm)
		return -ENOMEM;
	/* An address space on its way out would never tell us so. */
	if (!mmget_not_zero(mm)) {
		free_unattached(vm);
		return -ESRCH;
	}
	err = attach(vm);
	mmput(mm);
	if (err) {
		free_unattached(vm);
		return err;
	}

	mutex_lock(&vm->ctl);
	if (vm->state == KVM_AET_TRACKING)
		err = aet_pass_arm(vm);
	mutex_unlock(&vm->ctl);
	if (err) {
		aet_vm_free(vm);
		return err;
	}
	queue_delayed_work(system_unbound_wq, &vm->pass_work,
			   msecs_to_jiffies(config->period_ms));
	aet_debugfs_add(vm);
	*ret_vm = vm;
	return 0;
}

void aet_vm_free(struct aet_vm *vm)
{
	debugfs_remove_recursive(vm->debugfs_dir);
	aet_vm_stop(vm);
	/* It takes no new turn: nothing is tracked any more. */
	cancel_delayed_work_sync(&vm->pass_work);
	/* Runs the release callback if the VM's exit has not. */
	mmu_notifier_unregister(&vm->notifier, vm->mm);
	flush_work(&vm->exit_work);
	free_unattached(vm);
}
