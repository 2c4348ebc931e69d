// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life of a session: attach, configure, stop, free, and the VM's exit in
 * between.
 */
#include <linux/debugfs.h>
#include <linux/random.h>
#include <linux/sched/mm.h>

#include "aet.h"
#include "aet_trace.h"
#include "snapshot.h"

static DEFINE_MUTEX(aet_vms_mutex);
struct hlist_head aet_vms[AET_NR_VM_BUCKETS];

static int insert(struct aet_vm *vm)
{
	int err = 0;

	mutex_lock(&aet_vms_mutex);
	rcu_read_lock();
	if (aet_vm_find(aet_vm_bucket(vm->kvm), vm->kvm))
		err = -EBUSY;
	rcu_read_unlock();
	if (!err)
		hlist_add_head_rcu(&vm->node, aet_vm_bucket(vm->kvm));
	mutex_unlock(&aet_vms_mutex);
	return err;
}

static void remove(struct aet_vm *vm)
{
	mutex_lock(&aet_vms_mutex);
	hlist_del_init_rcu(&vm->node);
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
 *     make it retry (handle_mmio_page_fault() returns RET_PF_RETRY). The exits
 *     that KVM would not survive, kvm_hook.c mends without a session.
 */
static void end_tracking(struct aet_vm *vm)
{
	lockdep_assert_held(&vm->ctl);

	WRITE_ONCE(vm->is_arming, false);
	if (vm->state != KVM_AET_TRACKING)
		return;
	synchronize_rcu();
	aet_pass_disarm(vm, true);
	remove(vm);
	synchronize_rcu();
	WRITE_ONCE(vm->state, KVM_AET_STOPPED);
	wake_up_all(&vm->wait);
}

void aet_vm_stop(struct aet_vm *vm)
{
	/* Before the lock, so that a long pass under way ends early. */
	WRITE_ONCE(vm->is_stopping, true);
	mutex_lock(&vm->ctl);
	end_tracking(vm);
	mutex_unlock(&vm->ctl);
}

/*
 * An instruction needs all its pages in the hot set at once, and between two
 * of its traps every other vCPU may push pages in. So the set grows with them;
 * sampling makes it as much less likely as it thins out the pages.
 */
#define HOT_PAGES_PER_VCPU 32

static u32 fit_hot_pages(const struct aet_vm *vm)
{
	u32 vcpus = atomic_read(&vm->kvm->online_vcpus);

	return max(vm->config.hot_pages,
		   DIV_ROUND_UP(HOT_PAGES_PER_VCPU * vcpus,
				vm->config.inverse_rate));
}

/* With vm->config and vm->kvm as they are. */
static struct aet_generation *new_generation(const struct aet_vm *vm,
					     u64 number)
{
	struct aet_record_config config = {
		.inverse_rate = vm->config.inverse_rate,
		.hot_pages = fit_hot_pages(vm),
		.rotate_passes = vm->config.rotate_passes,
		.salt = vm->config.salt,
		/*
		 * A VM's owner may lay out memslots far larger than any memory.
		 * Only so many pages can be mapped as the host has; twice that
		 * allows for holes in the guest's address space.
		 */
		.max_units = 2 * totalram_pages() >> vm->mmu.unit_shift,
	};
	struct aet_generation *generation =
		kzalloc(sizeof(*generation), GFP_KERNEL);

	if (!generation)
		return NULL;
	generation->number = number;
	generation->record = aet_record_new(&config, ktime_get_ns());
	if (generation->record)
		return generation;
	kfree(generation);
	return NULL;
}

static void free_generation(struct aet_generation *generation)
{
	if (generation)
		aet_record_free(generation->record);
	kfree(generation);
}

/*
 * Units and groups of the new generation are others than those of the old, so
 * no trap of the old one may be left. As at the session's end, arming stops
 * first. Until it goes on, what the guest does is not seen.
 */
static int begin_generation(struct aet_vm *vm)
{
	struct aet_generation *old = aet_vm_generation(vm);
	struct aet_generation *new = new_generation(vm, old->number + 1);

	lockdep_assert_held(&vm->ctl);

	if (!new)
		return -ENOMEM;
	WRITE_ONCE(vm->is_arming, false);
	synchronize_rcu();
	aet_pass_disarm(vm, false);
	rcu_assign_pointer(vm->generation, new);
	/* No hook holds the old one any more. */
	synchronize_rcu();
	aet_record_close(old->record);
	if (vm->previous && !vm->is_previous_read)
		vm->dropped_generations++;
	free_generation(vm->previous);
	vm->previous = old;
	vm->is_previous_read = false;
	WRITE_ONCE(vm->is_arming, true);
	trace_kvm_aet_generation(vm->process_id, new->number,
				 &new->record->config);
	return 0;
}

/*
 * A period from now on, whatever had been scheduled. Whoever owns the VM may lay
 * out memslots without end, all of which a pass has to look at: @pass_jiffies,
 * what the last one took, is to be no more than a tenth of the time.
 */
#define PAUSE_PER_PASS 9

static void schedule_pass(struct aet_vm *vm, unsigned long pass_jiffies)
{
	mod_delayed_work(system_unbound_wq, &vm->pass_work,
			 max(msecs_to_jiffies(vm->config.period_ms),
			     PAUSE_PER_PASS * pass_jiffies));
}

static void log_end(const struct aet_vm *vm, const char *reason)
{
	pr_info_ratelimited("PID %d: session ends: %s\n", vm->process_id,
			    reason);
}

static void log_refusal(const struct kvm *kvm, const char *reason)
{
	pr_info_ratelimited("PID %d: not tracked: %s\n", kvm->userspace_pid,
			    reason);
}

static void pass(struct aet_vm *vm)
{
	const char *obstacle = aet_pass_obstacle(vm);
	int err;

	lockdep_assert_held(&vm->ctl);

	if (obstacle) {
		log_end(vm, obstacle);
		end_tracking(vm);
		return;
	}
	err = aet_pass_arm(vm);
	if (err == -ENOMEM)
		pr_info_ratelimited(
			"PID %d: no memory to track more: will try again\n",
			vm->process_id);
	if (err)
		return;
	WRITE_ONCE(vm->passes, vm->passes + 1);
	wake_up_all(&vm->wait);
}

/*
 * Nobody but the session has the VM any more: its process lives, but has closed
 * all descriptors, and no other can come by one. What then still looks at it (a
 * file in KVM's debugfs) holds a reference of its own.
 */
static bool is_abandoned(const struct aet_vm *vm)
{
	return vm->kvm && refcount_read(&vm->kvm->users_count) == 1;
}

static void pass_work(struct work_struct *work)
{
	struct aet_vm *vm =
		container_of(to_delayed_work(work), struct aet_vm, pass_work);
	struct aet_record *record;
	unsigned long start;

	mutex_lock(&vm->ctl);
	start = jiffies;
	if (is_abandoned(vm)) {
		queue_work(system_unbound_wq, &vm->exit_work);
	} else if (vm->state == KVM_AET_STOPPED) {
		schedule_pass(vm, 0);
	} else if (vm->state == KVM_AET_TRACKING &&
		   !READ_ONCE(vm->is_stopping)) {
		record = aet_vm_generation(vm)->record;
		/* vCPUs may have come since. */
		if (fit_hot_pages(vm) > record->config.hot_pages)
			begin_generation(vm);
		/* The hook reads it, for units without a record. */
		record = aet_vm_generation(vm)->record;
		WRITE_ONCE(record->rotation, record->rotation + 1);
		pass(vm);
		schedule_pass(vm, jiffies - start);
	}
	mutex_unlock(&vm->ctl);
}

int aet_vm_configure(struct aet_vm *vm, struct kvm_aet_config *config)
{
	struct kvm_aet_attach old;
	int err = 0;

	if (mutex_lock_killable(&vm->ctl))
		return -EINTR;
	if (vm->state != KVM_AET_TRACKING) {
		err = -ESHUTDOWN;
		goto unlock;
	}
	old = vm->config;
	if (config->fields & KVM_AET_SET_PERIOD_MS)
		vm->config.period_ms = config->period_ms;
	if (config->fields & KVM_AET_SET_FLUSH_BATCH)
		WRITE_ONCE(vm->config.flush_batch, config->flush_batch);
	if (config->fields & KVM_AET_SET_INVERSE_RATE)
		vm->config.inverse_rate = config->inverse_rate;
	if (config->fields & KVM_AET_SET_HOT_PAGES)
		vm->config.hot_pages = config->hot_pages;
	if (config->fields & KVM_AET_SET_ROTATE_PASSES)
		vm->config.rotate_passes = config->rotate_passes;
	if (old.inverse_rate != vm->config.inverse_rate ||
	    old.hot_pages != vm->config.hot_pages ||
	    old.rotate_passes != vm->config.rotate_passes) {
		err = begin_generation(vm);
		if (err) {
			WRITE_ONCE(vm->config.flush_batch, old.flush_batch);
			vm->config = old;
			goto unlock;
		}
		pass(vm);
	}
	/* Not only after the old period, which may have been an hour. */
	if (config->fields & KVM_AET_SET_PERIOD_MS)
		schedule_pass(vm, 0);
	config->generation = aet_vm_generation(vm)->number;
unlock:
	mutex_unlock(&vm->ctl);
	return err;
}

/*
 * The last user of the VM, or of its address space, is gone. So no vCPU thread
 * is left that could fault, and KVM drops its page tables by itself. All that
 * remains is to let go of struct kvm: while it is held, the VM is not destroyed.
 * May run twice.
 */
static void exit_work(struct work_struct *work)
{
	struct aet_vm *vm = container_of(work, struct aet_vm, exit_work);
	struct kvm *kvm;

	mutex_lock(&vm->ctl);
	kvm = vm->kvm;
	if (vm->state == KVM_AET_TRACKING) {
		log_end(vm, atomic_read(&vm->mm->mm_users) ?
				    "the VM was closed" :
				    "the VM's process is gone");
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

	/* It would wait for a pass over what is left of the VM. */
	WRITE_ONCE(vm->is_stopping, true);
	queue_work(system_unbound_wq, &vm->exit_work);
}

static const struct mmu_notifier_ops notifier_ops = {
	.release = notifier_release,
};

static void free_unattached(struct aet_vm *vm)
{
	if (vm->kvm)
		kvm_put_kvm(vm->kvm);
	free_generation(rcu_dereference_protected(vm->generation, true));
	free_generation(vm->previous);
	kfree(vm);
}

static struct aet_vm *new_unattached(struct kvm *kvm,
				     const struct kvm_aet_attach *config)
{
	struct aet_vm *vm = kzalloc(sizeof(*vm), GFP_KERNEL);
	struct aet_generation *generation;

	if (!vm)
		return NULL;
	kvm_get_kvm(kvm);
	vm->kvm = kvm;
	vm->config = *config;
	vm->process_id = kvm->userspace_pid;
	vm->mmu.unit_shift = config->huge_mode == KVM_AET_HUGE_COARSE ?
				     ilog2(AET_BLOCK_PAGES) :
				     0;
	vm->is_arming = true;
	vm->state = KVM_AET_TRACKING;
	mutex_init(&vm->ctl);
	init_waitqueue_head(&vm->wait);
	INIT_DELAYED_WORK(&vm->pass_work, pass_work);
	INIT_WORK(&vm->exit_work, exit_work);
	vm->notifier.ops = &notifier_ops;
	generation = new_generation(vm, 1);
	if (!generation) {
		free_unattached(vm);
		return NULL;
	}
	rcu_assign_pointer(vm->generation, generation);
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

/*
 * 0 also if the VM's exit was faster: the session says so. If the exit comes in
 * the midst, the pass ends as if a signal had come; but it is no use to try again.
 */
static int first_pass(struct aet_vm *vm)
{
	const char *obstacle;
	int err = 0;

	mutex_lock(&vm->ctl);
	if (vm->state == KVM_AET_TRACKING) {
		obstacle = aet_pass_obstacle(vm);
		if (obstacle)
			log_refusal(vm->kvm, obstacle);
		err = obstacle ? -EOPNOTSUPP : aet_pass_arm(vm);
		if (err == -EINTR && !fatal_signal_pending(current))
			err = -ESRCH;
	}
	mutex_unlock(&vm->ctl);
	return err;
}

int aet_vm_attach(struct kvm *kvm, struct kvm_aet_attach *config,
		  struct aet_vm **ret_vm)
{
	const char *protection = aet_port_protection(kvm);
	struct mm_struct *mm = kvm->mm;
	struct aet_vm *vm;
	int err = 0;

	/* Before it is even in the hook's sight. */
	if (protection) {
		log_refusal(kvm, protection);
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

	err = first_pass(vm);
	if (err) {
		aet_vm_free(vm);
		return err;
	}
	schedule_pass(vm, 0);
	aet_debugfs_add(vm);
	*ret_vm = vm;
	return 0;
}

void aet_vm_free(struct aet_vm *vm)
{
	/* Who is writing to debugfs now must not begin a long pass. */
	WRITE_ONCE(vm->is_stopping, true);
	debugfs_remove_recursive(vm->debugfs_dir);
	aet_vm_stop(vm);
	/* Also if it is about to schedule itself: it looks for abandoned VMs. */
	cancel_delayed_work_sync(&vm->pass_work);
	/* Runs the release callback if the VM's exit has not. */
	mmu_notifier_unregister(&vm->notifier, vm->mm);
	flush_work(&vm->exit_work);
	free_unattached(vm);
}

static void snapshot_generation(const struct aet_vm *vm,
				const struct aet_generation *generation,
				struct kvm_aet_snapshot *snapshot,
				u64 **buckets)
{
	aet_snapshot_record(generation->record, snapshot, buckets);
	snapshot->generation = generation->number;
	snapshot->range_pages = generation->stats.range_pages;
	snapshot->sampled_pages = generation->stats.sampled_pages;
	snapshot->mapped_pages = generation->stats.mapped_pages;
	snapshot->unarmable_pages = generation->stats.unarmable_pages;
	snapshot->huge_leaves = generation->stats.huge_leaves;
	if (generation->stats.is_starved)
		snapshot->notes |= KVM_AET_NOTE_STARVED;
	if (vm->mmu.mode == KVM_AET_MMU_EPT)
		snapshot->notes |= KVM_AET_NOTE_WRITES_UNKNOWN;
	snapshot->arms = generation->totals.arms;
	snapshot->splits = generation->totals.splits;
	snapshot->passes = generation->totals.passes;
	snapshot->starved_passes = generation->totals.starved_passes;
	snapshot->pass_cycles = generation->totals.cycles;
	snapshot->flushes = atomic64_read(&generation->totals.flushes);
}

int aet_vm_snapshot(struct aet_vm *vm, u32 flags,
		    struct kvm_aet_snapshot *snapshot, u64 **buckets,
		    struct aet_taken *ret_taken)
{
	struct aet_generation *current_one;
	int err = 0;

	if (mutex_lock_killable(&vm->ctl))
		return -EINTR;
	current_one = aet_vm_generation(vm);
	if ((flags & KVM_AET_SNAPSHOT_PREVIOUS) && !vm->previous) {
		err = -ENODATA;
		goto unlock;
	}
	snapshot->time_ns = ktime_get_ns();
	snapshot->state = vm->state;
	snapshot->mmu_mode = vm->mmu.mode;
	snapshot->encoding = vm->mmu.encoding_id;
	snapshot->huge_mode = vm->config.huge_mode;
	snapshot->period_ms = vm->config.period_ms;
	snapshot->flush_batch = vm->config.flush_batch;
	snapshot->unit_pages = 1U << vm->mmu.unit_shift;
	snapshot->tsc_khz = tsc_khz;
	snapshot->gfn_start = vm->config.gfn_start;
	snapshot->gfn_end = vm->config.gfn_end;
	snapshot->dropped_generations = vm->dropped_generations;
	snapshot_generation(vm,
			    flags & KVM_AET_SNAPSHOT_PREVIOUS ? vm->previous :
								current_one,
			    snapshot, buckets);
	if (vm->previous)
		snapshot->memory_bytes +=
			aet_record_bytes(flags & KVM_AET_SNAPSHOT_PREVIOUS ?
						 current_one->record :
						 vm->previous->record);
	ret_taken->generation = snapshot->generation;
	ret_taken->passes = vm->passes;
	ret_taken->window_base =
		current_one->record->window_base + snapshot->window_pages;
	trace_kvm_aet_snapshot(vm->process_id, snapshot);
unlock:
	mutex_unlock(&vm->ctl);
	return err;
}

/* Others may have read meanwhile, and more; or a generation may have begun. */
int aet_vm_note_read(struct aet_vm *vm, u32 flags,
		     const struct aet_taken *taken)
{
	struct aet_generation *current_one;

	if (mutex_lock_killable(&vm->ctl))
		return -EINTR;
	current_one = aet_vm_generation(vm);
	if (flags & KVM_AET_SNAPSHOT_PREVIOUS) {
		if (vm->previous->number == taken->generation)
			vm->is_previous_read = true;
	} else {
		WRITE_ONCE(vm->passes_read,
			   max(vm->passes_read, taken->passes));
	}
	if ((flags & KVM_AET_SNAPSHOT_NEW_WINDOW) &&
	    current_one->number == taken->generation)
		aet_record_begin_window(current_one->record,
					taken->window_base);
	mutex_unlock(&vm->ctl);
	return 0;
}
