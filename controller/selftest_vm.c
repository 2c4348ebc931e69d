// SPDX-License-Identifier: GPL-2.0-or-later
#include "selftest_vm.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include <linux/kvm.h>
#include <linux/mempolicy.h>

#include "cleanup.h"
#include "long_mode.h"
#include "units.h"

/* Guest-physical layout; virtual addresses are the same up to 1 GiB. */
#define LOW_SIZE 0x10000UL
#define CODE_GPA 0x1000UL
#define PML4_GPA 0x2000UL
#define PDPT_GPA 0x3000UL
#define PD_GPA 0x4000UL
#define DATA_GPA (SELFTEST_VM_GFN * PAGE_BYTES)

#define HUGE_BYTES (SELFTEST_VM_HUGE_PAGES * PAGE_BYTES)
#define LOW_SLOT 0
#define DATA_SLOT 1
#define DONE_PORT 0x10
#define RFLAGS_NOTHING 2

/* Memory from @start on, aligned to 2 MiB, so that huge pages fit. */
struct memory {
	uint8_t *map;
	size_t map_size;
	uint8_t *start;
};

struct selftest_vm {
	int kvm_fd;
	int vm_fd;
	int vcpu_fd;
	struct kvm_run *run;
	size_t run_size;
	struct memory low;
	struct memory data; /* nr_pages */
	uint32_t nr_pages;
	uint64_t *expected; /* each page's word */
};

extern const uint8_t selftest_guest_start[], selftest_guest_end[];

/* rdi: first page, rsi: pages, rcx: rounds. */
__asm__(".pushsection .rodata\n"
	"selftest_guest_start:\n"
	"1:	movq %rdi, %rdx\n"
	"	movq %rsi, %rax\n"
	"2:	incq (%rdx)\n"
	"	addq $4096, %rdx\n"
	"	decq %rax\n"
	"	jnz 2b\n"
	"	decq %rcx\n"
	"	jnz 1b\n"
	"	outb %al, $0x10\n"
	"	hlt\n"
	"selftest_guest_end:\n"
	".popsection\n");

static size_t vm_data_size(const struct selftest_vm *vm)
{
	return (size_t)vm->nr_pages * PAGE_BYTES;
}

static void vm_unmap_memory(const struct memory *memory)
{
	if (memory->map)
		(void)munmap(memory->map, memory->map_size);
}

static int vm_map_memory(size_t size, struct memory *ret_memory)
{
	size_t map_size = size + HUGE_BYTES;
	uint8_t *map = mmap(NULL, map_size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (map == MAP_FAILED)
		return -errno;
	/* EINVAL: a kernel without huge pages has nothing to be told. */
	if (madvise(map, map_size, MADV_NOHUGEPAGE) < 0 && errno != EINVAL) {
		int err = -errno;

		(void)munmap(map, map_size);
		return err;
	}
	*ret_memory = (struct memory){
		.map = map,
		.map_size = map_size,
		.start = map + (-(uintptr_t)map & (HUGE_BYTES - 1)),
	};
	return 0;
}

static int vm_set_slot(const struct selftest_vm *vm, uint32_t slot,
		       uint64_t gpa, void *memory, size_t size)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)memory,
	};

	return ioctl(vm->vm_fd, KVM_SET_USER_MEMORY_REGION, &region) < 0 ?
		       -errno :
		       0;
}

static int vm_set_data_slot(const struct selftest_vm *vm, size_t size)
{
	return vm_set_slot(vm, DATA_SLOT, DATA_GPA, vm->data.start, size);
}

static void vm_write_low(struct selftest_vm *vm)
{
	uint64_t *pd = (uint64_t *)(vm->low.start + PD_GPA);
	uint64_t i;

	memcpy(vm->low.start + CODE_GPA, selftest_guest_start,
	       (size_t)(selftest_guest_end - selftest_guest_start));
	*(uint64_t *)(vm->low.start + PML4_GPA) = PDPT_GPA |
						  LONG_MODE_PTE_FLAGS;
	*(uint64_t *)(vm->low.start + PDPT_GPA) = PD_GPA | LONG_MODE_PTE_FLAGS;
	for (i = 0; i < 512; i++)
		pd[i] = i * HUGE_BYTES | LONG_MODE_PTE_FLAGS |
			LONG_MODE_PTE_HUGE;
}

/*
 * Pages that the host takes away make KVM unmap them, and the guest's next
 * access is no trap: they must neither be swapped nor moved between nodes. An
 * explicit policy, whatever it says, exempts a thread from NUMA balancing.
 */
static int vm_pin_memory(const struct selftest_vm *vm)
{
	if (syscall(SYS_set_mempolicy, MPOL_PREFERRED, NULL, 0) < 0 &&
	    errno != ENOSYS)
		return -errno;
	return mlock(vm->data.start, vm_data_size(vm)) < 0 ? -errno : 0;
}

static int vm_add_memory(struct selftest_vm *vm)
{
	int err;

	err = vm_map_memory(LOW_SIZE, &vm->low);
	if (err < 0)
		return err;
	err = vm_map_memory(vm_data_size(vm), &vm->data);
	if (err < 0)
		return err;
	err = vm_pin_memory(vm);
	if (err < 0)
		return err;
	vm_write_low(vm);
	err = vm_set_slot(vm, LOW_SLOT, 0, vm->low.start, LOW_SIZE);
	return err < 0 ? err : vm_set_data_slot(vm, vm_data_size(vm));
}

static int vm_add_vcpu(struct selftest_vm *vm)
{
	int size = ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	void *run;

	if (size < 0)
		return -errno;
	vm->vcpu_fd = ioctl(vm->vm_fd, KVM_CREATE_VCPU, 0);
	if (vm->vcpu_fd < 0)
		return -errno;
	run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED,
		   vm->vcpu_fd, 0);
	if (run == MAP_FAILED)
		return -errno;
	vm->run = run;
	vm->run_size = (size_t)size;
	return long_mode_enter(vm->kvm_fd, vm->vcpu_fd, PML4_GPA);
}

static void cleanup_selftest_vm(struct selftest_vm **vm)
{
	selftest_vm_free(*vm);
}

int selftest_vm_new(uint32_t nr_pages, struct selftest_vm **ret_vm,
		    const char **ret_step)
{
	CLEANUP(cleanup_selftest_vm) struct selftest_vm *vm = NULL;
	int err;

	if (!nr_pages || nr_pages % SELFTEST_VM_HUGE_PAGES ||
	    nr_pages > SELFTEST_VM_MAX_PAGES)
		return -EINVAL;
	*ret_step = "allocate memory";
	vm = calloc(1, sizeof(*vm));
	if (!vm)
		return -ENOMEM;
	vm->kvm_fd = vm->vm_fd = vm->vcpu_fd = -1;
	vm->nr_pages = nr_pages;
	vm->expected = calloc(nr_pages, sizeof(*vm->expected));
	if (!vm->expected)
		return -ENOMEM;
	*ret_step = "open /dev/kvm";
	vm->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm_fd < 0)
		return -errno;
	*ret_step = "create a VM";
	vm->vm_fd = ioctl(vm->kvm_fd, KVM_CREATE_VM, 0);
	if (vm->vm_fd < 0)
		return -errno;
	err = long_mode_prepare_vm(vm->vm_fd);
	if (err < 0)
		return err;
	*ret_step = "give the VM memory";
	err = vm_add_memory(vm);
	if (err < 0)
		return err;
	*ret_step = "create a vCPU";
	err = vm_add_vcpu(vm);
	if (err < 0)
		return err;
	*ret_vm = TAKE_PTR(vm);
	return 0;
}

void selftest_vm_free(struct selftest_vm *vm)
{
	if (!vm)
		return;
	if (vm->run)
		(void)munmap(vm->run, vm->run_size);
	cleanup_close(&vm->vcpu_fd);
	cleanup_close(&vm->vm_fd);
	cleanup_close(&vm->kvm_fd);
	vm_unmap_memory(&vm->data);
	vm_unmap_memory(&vm->low);
	free(vm->expected);
	free(vm);
}

int selftest_vm_fd(const struct selftest_vm *vm)
{
	return vm->vm_fd;
}

static uint64_t now_ns(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

int selftest_vm_touch(struct selftest_vm *vm, uint32_t nr_pages,
		      uint32_t nr_rounds, uint64_t *ret_ns)
{
	struct kvm_regs regs = {
		.rip = CODE_GPA,
		.rflags = RFLAGS_NOTHING,
		.rdi = DATA_GPA,
		.rsi = nr_pages,
		.rcx = nr_rounds,
	};
	uint64_t start_ns;
	uint32_t i;

	if (!nr_pages || nr_pages > vm->nr_pages || !nr_rounds)
		return -EINVAL;
	if (ioctl(vm->vcpu_fd, KVM_SET_REGS, &regs) < 0)
		return -errno;
	start_ns = now_ns();
	while (ioctl(vm->vcpu_fd, KVM_RUN, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	*ret_ns = now_ns() - start_ns;
	if (vm->run->exit_reason != KVM_EXIT_IO ||
	    vm->run->io.port != DONE_PORT)
		return -EIO;
	for (i = 0; i < nr_pages; i++)
		vm->expected[i] += nr_rounds;
	return 0;
}

int selftest_vm_unmap(struct selftest_vm *vm)
{
	int err = vm_set_data_slot(vm, 0);

	return err < 0 ? err : vm_set_data_slot(vm, vm_data_size(vm));
}

int selftest_vm_make_huge(struct selftest_vm *vm)
{
	size_t size = vm_data_size(vm);
	void *data;

	/*
	 * A new mapping, because one that once had small pages keeps the tables
	 * for them, and no huge page takes their place at once.
	 */
	data = mmap(vm->data.start, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (data == MAP_FAILED)
		return -errno;
	memset(vm->expected, 0, vm->nr_pages * sizeof(*vm->expected));
	/* EINVAL: the kernel has none. */
	if (madvise(vm->data.start, size, MADV_HUGEPAGE) < 0 && errno != EINVAL)
		return -errno;
	return mlock(vm->data.start, size) < 0 ? -errno : 0;
}

uint32_t selftest_vm_count_wrong(const struct selftest_vm *vm)
{
	uint32_t i, wrong = 0;

	for (i = 0; i < vm->nr_pages; i++)
		wrong += *(const uint64_t *)(vm->data.start +
					     (size_t)i * PAGE_BYTES) !=
			 vm->expected[i];
	return wrong;
}
