// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The VM's process: the guest runs and checks its memory, while one thread does
 * to that memory what a host does and another what a VMM does. Each goes
 * through a shuffled deck of its actions, so that all happen equally often.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/kvm_aet.h>

#include "guest.h"
#include "shared.h"

#define NR_PAGES 4096U
#define NR_REGIONS (NR_PAGES / GUEST_REGION_PAGES)
#define REGION_SIZE (GUEST_REGION_PAGES * VMM_PAGE_SIZE)
#define NR_VCPUS 2

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

struct torture_vm {
	struct guest guest;
	struct torture_random random; /* the VMM's */
	bool is_manual_clear; /* of dirty bits: KVM_CLEAR_DIRTY_LOG */
	/* Taken to write where the data's place in the host changes. */
	pthread_rwlock_t place;
	/* Held by who makes the guest avoid a region. */
	pthread_mutex_t avoidance;
};

/* For what the kernel may refuse at times; 0 or -errno. */
static int advise_region(struct torture_vm *vm, unsigned int region, int advice)
{
	int err = 0;

	pthread_rwlock_rdlock(&vm->place);
	if (madvise(vm->guest.vmm.data + region * REGION_SIZE, REGION_SIZE,
		    advice))
		err = -errno;
	pthread_rwlock_unlock(&vm->place);
	return err;
}

/* The host's memory management. */

/*
 * How often what the kernel may decline is tried: it does so as long as others
 * hold a page, and the guest goes on meanwhile.
 */
#define MAX_TRIES 64

static bool collapse_any(struct torture_vm *vm, struct torture_random *random,
			 unsigned int *ret_region)
{
	unsigned int tries;

	for (tries = 0; tries < MAX_TRIES; tries++) {
		*ret_region = torture_below(random, NR_REGIONS);
		if (advise_region(vm, *ret_region, MADV_HUGEPAGE))
			torture_die("MADV_HUGEPAGE");
		if (!advise_region(vm, *ret_region, MADV_COLLAPSE))
			return true;
		guest_wait_rounds(&vm->guest, 1);
	}
	return false;
}

static void collapse(struct torture_vm *vm, struct torture_random *random)
{
	unsigned int region;

	if (collapse_any(vm, random, &region))
		torture_count(TORTURE_COLLAPSES);
	guest_wait_rounds(&vm->guest, 1);
	if (torture_below(random, 2) &&
	    advise_region(vm, region, MADV_NOHUGEPAGE))
		torture_die("MADV_NOHUGEPAGE");
}

static uint64_t read_splits(void)
{
	return torture_read(
		"/sys/kernel/mm/transparent_hugepage/hugepages-2048kB/stats/split",
		0);
}

static void split(struct torture_vm *vm, struct torture_random *random)
{
	uint64_t splits = read_splits();
	unsigned int tries, region;
	uintptr_t start;
	char text[80];

	for (tries = 0; tries < MAX_TRIES && read_splits() == splits; tries++) {
		if (!collapse_any(vm, random, &region))
			return;
		guest_wait_rounds(&vm->guest, 1);
		pthread_rwlock_rdlock(&vm->place);
		start = (uintptr_t)vm->guest.vmm.data + region * REGION_SIZE;
		snprintf(text, sizeof(text), "%d,%#lx,%#lx", getpid(), start,
			 start + REGION_SIZE);
		torture_write("/sys/kernel/debug/split_huge_pages", text);
		pthread_rwlock_unlock(&vm->place);
	}
	if (read_splits() != splits)
		torture_count(TORTURE_SPLITS);
}

/*
 * The odd regions' pages are alike. Two scans must find a page unchanged, so the
 * guest keeps away until some have merged; then its writes break them.
 */
static void merge(struct torture_vm *vm, struct torture_random *random)
{
	unsigned int region = torture_below(random, NR_REGIONS) | 1;
	uint64_t scans = torture_read(KSM_SCANS), sharing = 0;

	if (advise_region(vm, region, MADV_MERGEABLE))
		torture_die("MADV_MERGEABLE");
	pthread_mutex_lock(&vm->avoidance);
	guest_avoid_regions(&vm->guest, 1U << region);
	while (!sharing && torture_read(KSM_SCANS) < scans + 8) {
		guest_wait_rounds(&vm->guest, 1);
		sharing = torture_read("/sys/kernel/mm/ksm/pages_sharing", 0);
	}
	guest_avoid_regions(&vm->guest, 0);
	pthread_mutex_unlock(&vm->avoidance);
	guest_wait_rounds(&vm->guest, 1);
	if (sharing)
		torture_count(TORTURE_MERGES);
	if (torture_below(random, 2) &&
	    advise_region(vm, region, MADV_UNMERGEABLE))
		torture_die("MADV_UNMERGEABLE");
}

/*
 * Pages that are merged, or in the kernel's hands for other ends, stay; and those
 * that the guest needs again at once come back from the swap cache, unread.
 */
static void page_out(struct torture_vm *vm, struct torture_random *random)
{
	uint64_t swap_ins = torture_read(SWAP_INS);
	unsigned int tries;

	if (advise_region(vm, torture_below(random, NR_REGIONS), MADV_COLD))
		torture_die("MADV_COLD");
	for (tries = 0; tries < MAX_TRIES && torture_read(SWAP_INS) == swap_ins;
	     tries++) {
		if (advise_region(vm, torture_below(random, NR_REGIONS),
				  MADV_PAGEOUT))
			torture_die("MADV_PAGEOUT");
		guest_wait_rounds(&vm->guest, 1);
	}
	if (torture_read(SWAP_INS) != swap_ins)
		torture_count(TORTURE_PAGEOUTS);
}

/* Asks KVM, page by page, whether the guest accessed it, and forgets that. */
static void age(struct torture_vm *vm, struct torture_random *random)
{
	unsigned int region = torture_below(random, NR_REGIONS), i;
	int idle = open("/sys/kernel/mm/page_idle/bitmap", O_RDWR | O_CLOEXEC);
	int map = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entries[GUEST_REGION_PAGES];
	uintptr_t address;

	pthread_rwlock_rdlock(&vm->place);
	address = (uintptr_t)vm->guest.vmm.data + region * REGION_SIZE;
	if (idle < 0 || map < 0 ||
	    pread(map, entries, sizeof(entries),
		  address / VMM_PAGE_SIZE * sizeof(uint64_t)) !=
		    sizeof(entries))
		torture_die("page_idle");
	for (i = 0; i < GUEST_REGION_PAGES; i++) {
		uint64_t frame = entries[i] & ((1ULL << 55) - 1);
		uint64_t bit = 1ULL << frame % 64;
		off_t word = frame / 64 * sizeof(bit);

		/* Bit 63: present. The last word of the bitmap is cut off. */
		if (entries[i] >> 63 &&
		    (pwrite(idle, &bit, sizeof(bit), word) < 0 ||
		     pread(idle, &bit, sizeof(bit), word) < 0))
			torture_die("page_idle");
	}
	pthread_rwlock_unlock(&vm->place);
	close(map);
	close(idle);
	torture_count(TORTURE_AGINGS);
}

static void compact(struct torture_vm *vm, struct torture_random *random)
{
	(void)vm;
	(void)random;
	if (!torture_write("/proc/sys/vm/compact_memory", "1"))
		torture_count(TORTURE_COMPACTIONS);
}

/* All pages become shared with the child, and are copied when written. */
static void make_fork(struct torture_vm *vm, struct torture_random *random)
{
	pid_t child = fork();

	(void)random;
	if (child < 0)
		torture_die("fork");
	if (!child)
		_exit(0);
	guest_wait_rounds(&vm->guest, 1);
	if (waitpid(child, NULL, 0) != child)
		torture_die("waitpid");
	torture_count(TORTURE_FORKS);
}

/* The VMM. */

static void discard(struct torture_vm *vm, struct torture_random *random)
{
	unsigned int region = torture_below(random, NR_REGIONS);

	pthread_mutex_lock(&vm->avoidance);
	guest_avoid_regions(&vm->guest, 1U << region);
	if (advise_region(vm, region, MADV_DONTNEED))
		torture_die("MADV_DONTNEED");
	guest_expect_zeros(&vm->guest, region);
	guest_avoid_regions(&vm->guest, 0);
	pthread_mutex_unlock(&vm->avoidance);
	torture_count(TORTURE_DISCARDS);
}

static void move_slot(struct torture_vm *vm, struct torture_random *random)
{
	guest_pause(&vm->guest);
	vmm_remove_data_slot(&vm->guest.vmm);
	usleep(torture_below(random, 20000));
	vmm_add_data_slot(&vm->guest.vmm, 0);
	guest_resume(&vm->guest);
	torture_count(TORTURE_SLOT_MOVES);
}

/*
 * A bit of CR0 that this guest, whose pages are all writable, does not notice.
 * It is part of the role of KVM's tables, so KVM takes other ones.
 */
static void reset_mmu(struct torture_vm *vm, struct torture_random *random)
{
	int vcpu = vm->guest.vmm.vcpu_fds[torture_below(random, NR_VCPUS)];
	struct kvm_sregs sregs;

	guest_pause(&vm->guest);
	if (ioctl(vcpu, KVM_GET_SREGS, &sregs))
		torture_die("KVM_GET_SREGS");
	sregs.cr0 ^= 0x10000; /* WP */
	if (ioctl(vcpu, KVM_SET_SREGS, &sregs))
		torture_die("KVM_SET_SREGS");
	guest_resume(&vm->guest);
	torture_count(TORTURE_MMU_RESETS);
}

static void copy_dirty(struct torture_vm *vm, uint8_t *copy)
{
	struct vmm *vmm = &vm->guest.vmm;
	uint8_t bitmap[NR_PAGES / 8];
	uint32_t page;

	vmm_get_dirty(vmm, bitmap);
	if (vm->is_manual_clear)
		vmm_clear_dirty(vmm, bitmap);
	for (page = 0; page < NR_PAGES; page++) {
		if (!(bitmap[page / 8] & 1 << page % 8))
			continue;
		memcpy(copy + page * VMM_PAGE_SIZE,
		       vmm->data + page * VMM_PAGE_SIZE, VMM_PAGE_SIZE);
		torture_count(TORTURE_DIRTY_PAGES);
	}
}

/* While paused. */
static void compare_copy(const struct torture_vm *vm, const uint8_t *copy)
{
	uint32_t page;

	for (page = 0; page < NR_PAGES; page++)
		if (memcmp(copy + page * VMM_PAGE_SIZE,
			   vm->guest.vmm.data + page * VMM_PAGE_SIZE,
			   VMM_PAGE_SIZE))
			torture_fail(
				"page %u was written and not reported dirty",
				page);
}

/* While paused: the guest goes on in other memory of the host. */
static uint8_t *replace_data(struct torture_vm *vm, uint8_t *memory)
{
	uint8_t *old = vm->guest.vmm.data;

	pthread_rwlock_wrlock(&vm->place);
	vmm_remove_data_slot(&vm->guest.vmm);
	vm->guest.vmm.data = memory;
	vmm_add_data_slot(&vm->guest.vmm, 0);
	pthread_rwlock_unlock(&vm->place);
	return old;
}

static void unmap_data(const struct torture_vm *vm, uint8_t *memory)
{
	if (munmap(memory, vm->guest.vmm.data_size))
		torture_die("munmap");
}

/* Copy the guest's memory while it runs, then what it wrote meanwhile. */
static void migrate(struct torture_vm *vm, struct torture_random *random)
{
	struct vmm *vmm = &vm->guest.vmm;
	uint8_t *copy = vmm_map_memory(vmm->data_size);
	unsigned int i;

	vmm_add_data_slot(vmm, KVM_MEM_LOG_DIRTY_PAGES);
	memcpy(copy, vmm->data, vmm->data_size);
	for (i = 0; i < 3; i++) {
		guest_wait_rounds(&vm->guest, 1);
		copy_dirty(vm, copy);
	}
	guest_pause(&vm->guest);
	copy_dirty(vm, copy);
	compare_copy(vm, copy);
	guest_check_memory(&vm->guest);
	if (torture_below(random, 2))
		copy = replace_data(vm, copy);
	else
		vmm_add_data_slot(vmm, 0);
	guest_resume(&vm->guest);
	unmap_data(vm, copy);
	torture_count(TORTURE_MIGRATIONS);
}

struct filler {
	struct torture_vm *vm;
	int uffd;
	int done[2]; /* closed when the whole is there */
	const uint8_t *source;
	uint8_t *target;
};

static int fill_page(struct filler *filler, size_t offset)
{
	struct uffdio_copy copy = {
		.dst = (uintptr_t)filler->target + offset,
		.src = (uintptr_t)filler->source + offset,
		.len = VMM_PAGE_SIZE,
	};

	return ioctl(filler->uffd, UFFDIO_COPY, &copy) ? -errno : 0;
}

/* Bring each page that somebody waits for. */
static void *serve_faults(void *arg)
{
	struct filler *filler = arg;
	struct pollfd fds[2] = { { .fd = filler->uffd, .events = POLLIN },
				 { .fd = filler->done[0] } };
	struct uffd_msg message;
	size_t offset;
	int err;

	while (poll(fds, 2, -1) > 0) {
		if (!(fds[0].revents & POLLIN)) {
			if (fds[1].revents)
				break;
			continue;
		}
		if (read(filler->uffd, &message, sizeof(message)) !=
		    sizeof(message))
			continue;
		offset = message.arg.pagefault.address -
			 (uintptr_t)filler->target;
		offset &= ~(VMM_PAGE_SIZE - 1);
		do
			err = fill_page(filler, offset);
		while (err == -EAGAIN);
		if (err && err != -EEXIST)
			torture_fail("UFFDIO_COPY: %s", strerror(-err));
	}
	return NULL;
}

static void register_filler(struct filler *filler, size_t size)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { .start = (uintptr_t)filler->target, .len = size },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	filler->uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (filler->uffd < 0 || ioctl(filler->uffd, UFFDIO_API, &api) ||
	    ioctl(filler->uffd, UFFDIO_REGISTER, &range))
		torture_die("userfaultfd");
}

/* The guest goes on in empty memory, which is filled as it is needed. */
static void migrate_postcopy(struct torture_vm *vm,
			     struct torture_random *random)
{
	struct vmm *vmm = &vm->guest.vmm;
	struct filler filler = { .vm = vm,
				 .target = vmm_map_memory(vmm->data_size) };
	struct uffdio_range range = { .start = (uintptr_t)filler.target,
				      .len = vmm->data_size };
	pthread_t server;
	size_t offset;
	int err;

	register_filler(&filler, vmm->data_size);
	if (pipe(filler.done))
		torture_die("pipe");
	guest_pause(&vm->guest);
	filler.source = replace_data(vm, filler.target);
	if (pthread_create(&server, NULL, serve_faults, &filler))
		torture_fail("cannot create a thread");
	guest_resume(&vm->guest);
	guest_wait_rounds(&vm->guest, 1 + torture_below(random, 2));
	for (offset = 0; offset < vmm->data_size; offset += VMM_PAGE_SIZE) {
		do
			err = fill_page(&filler, offset);
		while (err == -EAGAIN);
		if (err && err != -EEXIST)
			torture_fail("UFFDIO_COPY: %s", strerror(-err));
	}
	if (ioctl(filler.uffd, UFFDIO_UNREGISTER, &range))
		torture_die("UFFDIO_UNREGISTER");
	close(filler.done[1]);
	pthread_join(server, NULL);
	close(filler.done[0]);
	close(filler.uffd);
	unmap_data(vm, (uint8_t *)filler.source);
	torture_count(TORTURE_POSTCOPIES);
}

struct torture_action {
	const char *name;
	void (*act)(struct torture_vm *, struct torture_random *);
};

#define ACTION(name)        \
	{                   \
#name, name \
	}

static const struct torture_action memory_actions[] = {
	ACTION(collapse), ACTION(split),   ACTION(merge),     ACTION(page_out),
	ACTION(age),	  ACTION(compact), ACTION(make_fork),
};

static const struct torture_action vmm_actions[] = {
	ACTION(discard), ACTION(move_slot),	   ACTION(reset_mmu),
	ACTION(migrate), ACTION(migrate_postcopy),
};

#define NR_ACTIONS(actions) (sizeof(actions) / sizeof((actions)[0]))

static void play_deck(struct torture_vm *vm, struct torture_random *random,
		      const struct torture_action *actions, size_t nr_actions)
{
	const struct torture_action *deck[16], *swap;
	size_t i, other;

	for (i = 0; i < nr_actions; i++)
		deck[i] = &actions[i];
	for (i = nr_actions - 1; i > 0; i--) {
		other = torture_below(random, i + 1);
		swap = deck[i];
		deck[i] = deck[other];
		deck[other] = swap;
	}
	for (i = 0; i < nr_actions; i++) {
		/* If the run hangs, the last lines say in what. */
		torture_say(deck[i]->name);
		deck[i]->act(vm, random);
		__atomic_fetch_add(&torture->actions, 1, __ATOMIC_RELEASE);
	}
}

struct host_start {
	struct torture_vm *vm;
	struct torture_random random;
	unsigned int deck_repeats;
};

static void *disturb_memory(void *arg)
{
	struct host_start *start = arg;
	unsigned int i;

	for (i = 0; i < start->deck_repeats; i++)
		play_deck(start->vm, &start->random, memory_actions,
			  NR_ACTIONS(memory_actions));
	return NULL;
}

static void init_vm(struct torture_vm *vm, uint64_t seed)
{
	static const uint64_t dirty_log_modes[] = {
		0,
		KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE,
		KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE |
			KVM_DIRTY_LOG_INITIALLY_SET,
	};
	struct kvm_enable_cap cap = { .cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 };

	vm->random.state = seed;
	pthread_rwlock_init(&vm->place, NULL);
	pthread_mutex_init(&vm->avoidance, NULL);
	guest_init(&vm->guest, NR_PAGES, NR_VCPUS, torture_random(&vm->random));
	cap.args[0] = dirty_log_modes[torture_below(&vm->random, 3)];
	vm->is_manual_clear = cap.args[0];
	if (ioctl(vm->guest.vmm.vm_fd, KVM_ENABLE_CAP, &cap))
		torture_die("KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2");
	guest_start(&vm->guest);
	guest_wait_rounds(&vm->guest, 1);
	__atomic_store_n(&torture->vm_fd, vm->guest.vmm.vm_fd,
			 __ATOMIC_RELEASE);
}

static void check_disarmed(struct torture_vm *vm)
{
	struct kvm_aet_vm_info info = {
		.size = sizeof(info),
		.flags = KVM_AET_VM_INFO_COUNT_LEAVES,
		.vm_fd = vm->guest.vmm.vm_fd,
	};
	int device = open(KVM_AET_DEVICE, O_RDWR | O_CLOEXEC);

	if (device < 0 || ioctl(device, KVM_AET_VM_INFO, &info))
		torture_die("KVM_AET_VM_INFO");
	close(device);
	if (info.armed_leaves || info.is_tracked)
		torture_fail("%llu leaves are armed after the last session",
			     info.armed_leaves);
	torture_count(TORTURE_LEAF_COUNTS);
}

void torture_vm(uint64_t seed, unsigned int deck_repeats)
{
	struct torture_vm vm = {};
	struct host_start start = { .vm = &vm, .deck_repeats = deck_repeats };
	pthread_t disturber;
	unsigned int i;

	init_vm(&vm, seed);
	start.random.state = torture_random(&vm.random);
	if (pthread_create(&disturber, NULL, disturb_memory, &start))
		torture_fail("cannot create a thread");
	for (i = 0; i < deck_repeats; i++)
		play_deck(&vm, &vm.random, vmm_actions,
			  NR_ACTIONS(vmm_actions));
	pthread_join(disturber, NULL);

	__atomic_store_n(&torture->is_vm_done, true, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&torture->is_detached, __ATOMIC_ACQUIRE))
		guest_wait_rounds(&vm.guest, 1);
	guest_pause(&vm.guest);
	check_disarmed(&vm);
	guest_check_memory(&vm.guest);
	guest_resume(&vm.guest);
	/* Through all pages again, with nobody who tracks. */
	guest_wait_rounds(&vm.guest, 20);
	guest_pause(&vm.guest);
	check_disarmed(&vm);
	guest_check_memory(&vm.guest);
	guest_end(&vm.guest);
	_exit(0);
}
