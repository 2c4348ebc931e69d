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
 *  1. no new arming: the flag, the pass, then a grace period, because a hook
 *     that read the flag earlier may be about to re-arm a page;
 *  2. disarm and flush, with the hook still there for whoever traps meanwhile;
 *  3. only then take the session out of the hook's sight. A vCPU that exited
 *     on an armed leaf in step 2 and enters the hook after step 3 finds no
 *     session; KVM then sees the fault with the leaf already free: a spurious
 *     fault, or a reserved-bit fault on an SPTE without reserved bits, and both
 *     make it retry (handle_mmio_page_fault() returns RET_PF_RETRY).
 */
void aet_vm_stop(struct aet_vm *vm)
{
	bool was_tracking;

	mutex_lock(&vm->ctl);
	was_tracking = vm->state == KVM_AET_TRACKING && vm->is_arming;
	WRITE_ONCE(vm->is_arming, false);
	mutex_unlock(&vm->ctl);
	cancel_delayed_work_sync(&vm->pass_work);
	if (!was_tracking)
		return;
	synchronize_rcu();

	mutex_lock(&vm->ctl);
	/* The VM may have exited since; then KVM has zapped all. */
	if (vm->state == KVM_AET_TRACKING) {
		aet_pass_disarm(vm);
		remove(vm);
		synchronize_rcu();
		WRITE_ONCE(vm->state, KVM_AET_STOPPED);
	}
	mutex_unlock(&vm->ctl);
	wake_up_all(&vm->wait);
}

static void pass_work(struct work_struct *work)
{
	struct aet_vm *vm =
		container_of(to_delayed_work(work), struct aet_vm, pass_work);

	mutex_lock(&vm->ctl);
	if (vm->is_arming && vm->state == KVM_AET_TRACKING) {
		/* Out of memory: the next pass tries again. */
		(void)aet_pass_arm(vm);
		queue_delayed_work(system_unbound_wq, &vm->pass_work,
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

	cancel_delayed_work_sync(&vm->pass_work);
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
	aet_record_exit(&vm->record);
	kfree(vm);
}

static struct aet_vm *new_unattached(struct kvm *kvm,
				     const struct kvm_aet_attach *config)
{
	struct aet_vm *vm = kzalloc(sizeof(*vm), GFP_KERNEL);

	if (!vm)
		return NULL;
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
	if (aet_record_init(&vm->record, config->hot_pages)) {
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
	int err;

	if (aet_port_is_protected(kvm)) {
		pr_info("VM of process %d refused: its memory is protected from the host\n",
			kvm->userspace_pid);
		return -EOPNOTSUPP;
	}
	while (!config->salt)
		config->salt = get_random_u64();

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
	if (vm->kvm)
		err = aet_pass_arm(vm);
	mutex_unlock(&vm->ctl);
	if (err) {
		/* aet_vm_free() drops a reference that is still the caller's. */
		kvm_get_kvm(kvm);
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
	/* Runs the release callback if the VM's exit has not. */
	mmu_notifier_unregister(&vm->notifier, vm->mm);
	flush_work(&vm->exit_work);
	cancel_delayed_work_sync(&vm->pass_work);
	free_unattached(vm);
}
