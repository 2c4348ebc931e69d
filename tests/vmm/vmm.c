// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm.h"

/* Guest-physical layout of the low slot, and of virtual addresses. */
#define LOW_SIZE 0x2000000UL
#define CODE_GPA 0x1000UL
#define PML4_GPA 0x2000UL
#define PDPT_GPA 0x3000UL
#define PD_GPA 0x4000UL
#define IDT_GPA 0x5000UL
#define GDT_GPA 0x6000UL
#define DATA_PT_GPA 0x100000UL /* 128 tables map 65536 pages */
#define ALIAS_PT_GPA 0x180000UL
#define SEQUENCE_GPA 0x400000UL /* 4 MiB for each vCPU */
#define SEQUENCE_SIZE 0x400000UL
#define TICKS_GPA 0x1400000UL /* one run's at a time */
#define MAX_ACCESSES (SEQUENCE_SIZE / sizeof(uint32_t))
#define MAX_PAGES 65536U
#define HUGE_SIZE 0x200000UL
#define HUGE_SIZE_32BIT 0x400000UL
#define VALUE_OFFSET 8
#define DONE_PORT 0x10

#define LOW_SLOT 0
#define DATA_SLOT 1

/* Present, writable, user, accessed, dirty: KVM has nothing left to set. */
#define PTE_FLAGS 0x67UL
#define PTE_HUGE 0x80UL

#define die(...)                                            \
	do {                                                \
		fprintf(stderr, "vmm: " __VA_ARGS__);       \
		fprintf(stderr, ": %s\n", strerror(errno)); \
		exit(1);                                    \
	} while (0)

extern const uint8_t vmm_guest_start[], vmm_guest_end[], vmm_guest_divide[],
	vmm_guest_timed[], vmm_guest_32bit[], vmm_guest_32bit_divide[];

/*
 * rsi: next access, rcx: accesses left, rbx: the data pages' address,
 * rbp: distance of their second address, rdi: number of the last write.
 */
__asm__(".pushsection .rodata\n"
	"vmm_guest_start:\n"
	"1:	movl (%rsi), %eax\n"
	"	addq $4, %rsi\n"
	"	movl %eax, %edx\n"
	"	andl $0xffffff, %edx\n"
	"	shlq $12, %rdx\n"
	"	addq %rbx, %rdx\n"
	"	btl $30, %eax\n"
	"	jnc 2f\n"
	"	addq %rbp, %rdx\n"
	"2:	incq %rdi\n"
	"	btl $29, %eax\n"
	"	jc 5f\n"
	"	testl %eax, %eax\n"
	"	js 3f\n"
	"	movq 8(%rdx), %r8\n"
	"	jmp 4f\n"
	"3:	movq %rdi, 8(%rdx)\n"
	"4:	decq %rcx\n"
	"	jnz 1b\n"
	"	outb %al, $0x10\n"
	"	hlt\n"
	/* Divide by zero: the CPU itself pushes to the page, iretq pops. */
	"5:	leaq 4096(%rdx), %rsp\n"
	"	xorl %r9d, %r9d\n"
	"	divl %r9d\n"
	"	jmp 4b\n"
	"vmm_guest_divide:\n"
	"	addq $3, (%rsp)\n" /* past divl */
	"	iretq\n"
	/* r11: where the next access's ticks go. Nothing else is in between. */
	"vmm_guest_timed:\n"
	"1:	movl (%rsi), %r9d\n"
	"	addq $4, %rsi\n"
	"	movl %r9d, %r8d\n"
	"	andl $0xffffff, %r8d\n"
	"	shlq $12, %r8\n"
	"	addq %rbx, %r8\n"
	"	incq %rdi\n"
	"	testl %r9d, %r9d\n"
	"	js 2f\n"
	"	rdtsc\n"
	"	movl %eax, %r10d\n"
	"	movq 8(%r8), %r9\n"
	"	rdtsc\n"
	"	jmp 3f\n"
	"2:	rdtsc\n"
	"	movl %eax, %r10d\n"
	"	movq %rdi, 8(%r8)\n"
	"	rdtsc\n"
	"3:	subl %r10d, %eax\n"
	"	movl %eax, (%r11)\n"
	"	addq $4, %r11\n"
	"	decq %rcx\n"
	"	jnz 1b\n"
	"	outb %al, $0x10\n"
	"	hlt\n"
	/* The first of them again, for guests without long mode. */
	"	.code32\n"
	"vmm_guest_32bit:\n"
	"1:	movl (%esi), %eax\n"
	"	addl $4, %esi\n"
	"	movl %eax, %edx\n"
	"	andl $0xffffff, %edx\n"
	"	shll $12, %edx\n"
	"	addl %ebx, %edx\n"
	"	btl $30, %eax\n"
	"	jnc 2f\n"
	"	addl %ebp, %edx\n"
	"2:	incl %edi\n"
	"	btl $29, %eax\n"
	"	jc 5f\n"
	"	testl %eax, %eax\n"
	"	js 3f\n"
	"	movl 8(%edx), %eax\n"
	"	jmp 4f\n"
	"3:	movl %edi, 8(%edx)\n"
	"4:	decl %ecx\n"
	"	jnz 1b\n"
	"	outb %al, $0x10\n"
	"	hlt\n"
	"5:	leal 4096(%edx), %esp\n"
	"	xorl %edx, %edx\n"
	"	divl %edx\n"
	"	jmp 4b\n"
	"vmm_guest_32bit_divide:\n"
	"	addl $2, (%esp)\n" /* past divl */
	"	iretl\n"
	"	.code64\n"
	"vmm_guest_end:\n"
	".popsection\n");

uint8_t *vmm_map_memory(size_t size)
{
	uint8_t *memory = mmap(NULL, size + HUGE_SIZE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			       0);
	size_t head;

	if (memory == MAP_FAILED)
		die("cannot map %zu bytes", size);
	head = -(uintptr_t)memory & (HUGE_SIZE - 1);
	if (head)
		munmap(memory, head);
	memory += head;
	munmap(memory + size, HUGE_SIZE - head);
	if (madvise(memory, size, MADV_NOHUGEPAGE) && errno != EINVAL)
		die("madvise");
	return memory;
}

static void set_slot(struct vmm *vmm, uint32_t slot, uint64_t gpa, void *memory,
		     size_t size, uint32_t flags)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)memory,
	};

	if (ioctl(vmm->vm_fd, KVM_SET_USER_MEMORY_REGION, &region))
		die("cannot set memslot %u", slot);
}

/* The PDPT serves long mode and PAE: of PAE's, only the address and P count. */
static void write_tables(struct vmm *vmm)
{
	uint64_t flags = vmm->mode == VMM_PAE ? 1 : PTE_FLAGS;
	uint64_t *pd = (uint64_t *)(vmm->low + PD_GPA);
	uint32_t page;
	size_t i;

	*(uint64_t *)(vmm->low + PML4_GPA) = PDPT_GPA | PTE_FLAGS;
	*(uint64_t *)(vmm->low + PDPT_GPA) = PD_GPA | flags;
	for (i = 0; i < LOW_SIZE / HUGE_SIZE; i++)
		pd[i] = i * HUGE_SIZE | PTE_FLAGS | PTE_HUGE;
	for (i = 0; i < MAX_PAGES / 512; i++) {
		pd[VMM_DATA_VA / HUGE_SIZE + i] = (DATA_PT_GPA + i * 4096) |
						  PTE_FLAGS;
		pd[VMM_ALIAS_VA / HUGE_SIZE + i] = (ALIAS_PT_GPA + i * 4096) |
						   PTE_FLAGS;
	}
	for (page = 0; page < vmm->nr_pages; page++) {
		uint64_t pte = (VMM_DATA_GFN + page) * VMM_PAGE_SIZE |
			       PTE_FLAGS;

		((uint64_t *)(vmm->low + DATA_PT_GPA))[page] = pte;
		((uint64_t *)(vmm->low + ALIAS_PT_GPA))[page] = pte;
	}
}

/* Two levels of 1024 entries each. */
static void write_32bit_tables(struct vmm *vmm)
{
	uint32_t *pd = (uint32_t *)(vmm->low + PD_GPA);
	uint32_t page;
	size_t i;

	for (i = 0; i < LOW_SIZE / HUGE_SIZE_32BIT; i++)
		pd[i] = i * HUGE_SIZE_32BIT | PTE_FLAGS | PTE_HUGE;
	for (i = 0; i < MAX_PAGES / 1024; i++) {
		pd[VMM_DATA_VA / HUGE_SIZE_32BIT + i] =
			(DATA_PT_GPA + i * 4096) | PTE_FLAGS;
		pd[VMM_ALIAS_VA / HUGE_SIZE_32BIT + i] =
			(ALIAS_PT_GPA + i * 4096) | PTE_FLAGS;
	}
	for (page = 0; page < vmm->nr_pages; page++) {
		uint32_t pte = (VMM_DATA_GFN + page) * VMM_PAGE_SIZE |
			       PTE_FLAGS;

		((uint32_t *)(vmm->low + DATA_PT_GPA))[page] = pte;
		((uint32_t *)(vmm->low + ALIAS_PT_GPA))[page] = pte;
	}
}

/* A code segment at 8 and data at 16; an interrupt gate for #DE. */
static void write_descriptors(struct vmm *vmm)
{
	bool is_long = vmm->mode == VMM_LONG;
	const uint8_t *handler = is_long ? vmm_guest_divide :
					   vmm_guest_32bit_divide;
	uint64_t *gdt = (uint64_t *)(vmm->low + GDT_GPA);
	uint64_t *idt = (uint64_t *)(vmm->low + IDT_GPA);

	gdt[1] = is_long ? 0x00af9b000000ffffULL : 0x00cf9b000000ffffULL;
	gdt[2] = 0x00cf93000000ffffULL;
	/* The handler lies below 64 KiB. */
	idt[0] = (CODE_GPA + (handler - vmm_guest_start)) | 8ULL << 16 |
		 0x8eULL << 40;
}

/* Long mode has to be in CPUID before it can be set. */
static void set_cpuid(struct vmm *vmm, unsigned int vcpu)
{
	const uint32_t room = 256;
	struct kvm_cpuid2 *cpuid =
		calloc(1, sizeof(*cpuid) + room * sizeof(cpuid->entries[0]));

	if (!cpuid)
		die("calloc");
	cpuid->nent = room;
	if (ioctl(vmm->kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid) ||
	    ioctl(vmm->vcpu_fds[vcpu], KVM_SET_CPUID2, cpuid))
		die("cannot set CPUID");
	free(cpuid);
}

static void set_paging(enum vmm_mode mode, struct kvm_sregs *sregs)
{
	sregs->cr0 = 0x80000011; /* PG, ET, PE */
	sregs->efer = 0;
	switch (mode) {
	case VMM_LONG:
		sregs->cr3 = PML4_GPA;
		sregs->cr4 = 0x20; /* PAE */
		sregs->efer = 0x500; /* LMA, LME */
		break;
	case VMM_PAE:
		sregs->cr3 = PDPT_GPA;
		sregs->cr4 = 0x20;
		break;
	case VMM_32BIT:
		sregs->cr3 = PD_GPA;
		sregs->cr4 = 0x10; /* PSE */
		break;
	case VMM_NO_PAGING:
		sregs->cr0 = 0x11;
		sregs->cr3 = 0;
		sregs->cr4 = 0;
		break;
	}
}

static void init_vcpu(struct vmm *vmm, unsigned int i)
{
	struct kvm_segment code = { .type = 11,
				    .present = 1,
				    .l = vmm->mode == VMM_LONG,
				    .db = vmm->mode != VMM_LONG,
				    .s = 1,
				    .g = 1,
				    .limit = ~0U,
				    .selector = 8 };
	struct kvm_segment data = { .type = 3,
				    .present = 1,
				    .db = 1,
				    .s = 1,
				    .g = 1,
				    .limit = ~0U,
				    .selector = 16 };
	struct kvm_sregs sregs;

	vmm->vcpu_fds[i] = ioctl(vmm->vm_fd, KVM_CREATE_VCPU, i);
	if (vmm->vcpu_fds[i] < 0)
		die("cannot create vCPU %u", i);
	vmm->runs[i] = mmap(NULL, vmm->run_size, PROT_READ | PROT_WRITE,
			    MAP_SHARED, vmm->vcpu_fds[i], 0);
	if (vmm->runs[i] == MAP_FAILED)
		die("cannot map vCPU %u", i);
	set_cpuid(vmm, i);
	if (ioctl(vmm->vcpu_fds[i], KVM_GET_SREGS, &sregs))
		die("KVM_GET_SREGS");
	set_paging(vmm->mode, &sregs);
	sregs.gdt.base = GDT_GPA;
	sregs.gdt.limit = 3 * 8 - 1;
	sregs.idt.base = IDT_GPA;
	sregs.idt.limit = 16 - 1;
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	if (ioctl(vmm->vcpu_fds[i], KVM_SET_SREGS, &sregs))
		die("KVM_SET_SREGS");
	/* All but the first would wait to be woken. */
	if (vmm->has_irqchip &&
	    ioctl(vmm->vcpu_fds[i], KVM_SET_MP_STATE,
		  &(struct kvm_mp_state){ KVM_MP_STATE_RUNNABLE }))
		die("KVM_SET_MP_STATE");
}

static void init(struct vmm *vmm, enum vmm_mode mode, bool has_irqchip,
		 uint32_t nr_pages, unsigned int nr_vcpus)
{
	unsigned int i;

	memset(vmm, 0, sizeof(*vmm));
	if (nr_pages > MAX_PAGES || nr_vcpus > VMM_MAX_VCPUS) {
		errno = EINVAL;
		die("too many pages or vCPUs");
	}
	vmm->mode = mode;
	vmm->has_irqchip = has_irqchip;
	vmm->nr_pages = nr_pages;
	vmm->nr_vcpus = nr_vcpus;
	vmm->expected = calloc(nr_pages, sizeof(*vmm->expected));
	if (!vmm->expected)
		die("calloc");
	vmm->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vmm->kvm_fd < 0)
		die("/dev/kvm");
	vmm->vm_fd = ioctl(vmm->kvm_fd, KVM_CREATE_VM, 0);
	if (vmm->vm_fd < 0)
		die("cannot create a VM");
	/* Intel needs them, AMD does not mind; above all memory used. */
	if (ioctl(vmm->vm_fd, KVM_SET_IDENTITY_MAP_ADDR,
		  &(uint64_t){ 0xfeffc000 }) ||
	    ioctl(vmm->vm_fd, KVM_SET_TSS_ADDR, 0xfeffd000UL))
		die("KVM_SET_TSS_ADDR");
	if (has_irqchip && ioctl(vmm->vm_fd, KVM_CREATE_IRQCHIP, 0))
		die("KVM_CREATE_IRQCHIP");
	vmm->run_size = ioctl(vmm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (vmm->run_size < 0)
		die("KVM_GET_VCPU_MMAP_SIZE");

	vmm->low = vmm_map_memory(LOW_SIZE);
	vmm->data_size = (nr_pages * VMM_PAGE_SIZE + HUGE_SIZE - 1) &
			 ~(HUGE_SIZE - 1);
	vmm->data = vmm_map_memory(vmm->data_size);
	memcpy(vmm->low + CODE_GPA, vmm_guest_start,
	       vmm_guest_end - vmm_guest_start);
	if (mode == VMM_32BIT)
		write_32bit_tables(vmm);
	else
		write_tables(vmm);
	write_descriptors(vmm);
	set_slot(vmm, LOW_SLOT, 0, vmm->low, LOW_SIZE, 0);
	vmm_add_data_slot(vmm, 0);
	for (i = 0; i < nr_vcpus; i++)
		init_vcpu(vmm, i);
}

void vmm_init(struct vmm *vmm, uint32_t nr_pages, unsigned int nr_vcpus)
{
	init(vmm, VMM_LONG, false, nr_pages, nr_vcpus);
}

void vmm_init_mode(struct vmm *vmm, enum vmm_mode mode, uint32_t nr_pages,
		   unsigned int nr_vcpus)
{
	init(vmm, mode, false, nr_pages, nr_vcpus);
}

void vmm_init_irqchip(struct vmm *vmm, uint32_t nr_pages, unsigned int nr_vcpus)
{
	init(vmm, VMM_LONG, true, nr_pages, nr_vcpus);
}

void vmm_exit(struct vmm *vmm)
{
	unsigned int i;

	for (i = 0; i < vmm->nr_vcpus; i++) {
		munmap(vmm->runs[i], vmm->run_size);
		close(vmm->vcpu_fds[i]);
	}
	close(vmm->vm_fd);
	close(vmm->kvm_fd);
	munmap(vmm->low, LOW_SIZE);
	munmap(vmm->data, vmm->data_size);
	free(vmm->expected);
}

void vmm_advise(struct vmm *vmm, int advice)
{
	if (madvise(vmm->data, vmm->data_size, advice))
		die("madvise(%d)", advice);
}

void vmm_remove_data_slot(struct vmm *vmm)
{
	set_slot(vmm, DATA_SLOT, VMM_DATA_GFN * VMM_PAGE_SIZE, vmm->data, 0, 0);
}

void vmm_add_data_slot(struct vmm *vmm, uint32_t flags)
{
	set_slot(vmm, DATA_SLOT, VMM_DATA_GFN * VMM_PAGE_SIZE, vmm->data,
		 vmm->data_size, flags);
}

void vmm_get_dirty(struct vmm *vmm, uint8_t *ret_bitmap)
{
	struct kvm_dirty_log log = { .slot = DATA_SLOT,
				     .dirty_bitmap = ret_bitmap };

	if (ioctl(vmm->vm_fd, KVM_GET_DIRTY_LOG, &log))
		die("KVM_GET_DIRTY_LOG");
}

void vmm_clear_dirty(struct vmm *vmm, uint8_t *bitmap)
{
	struct kvm_clear_dirty_log log = {
		.slot = DATA_SLOT,
		.num_pages = vmm->data_size / VMM_PAGE_SIZE,
		.dirty_bitmap = bitmap,
	};

	if (ioctl(vmm->vm_fd, KVM_CLEAR_DIRTY_LOG, &log))
		die("KVM_CLEAR_DIRTY_LOG");
}

static void run_at(struct vmm *vmm, unsigned int vcpu, const uint8_t *start,
		   const uint32_t *sequence, uint32_t nr)
{
	uint64_t sequence_gpa = SEQUENCE_GPA + vcpu * SEQUENCE_SIZE;
	uint64_t value =
		__atomic_fetch_add(&vmm->next_value, nr, __ATOMIC_RELAXED);
	struct kvm_run *run = vmm->runs[vcpu];
	struct kvm_regs regs = {
		.rip = CODE_GPA + (start - vmm_guest_start),
		.rflags = vmm->has_irqchip ? 0x202 : 2, /* IF */
		.rsi = sequence_gpa,
		.rcx = nr,
		.rbx = VMM_DATA_VA,
		.rbp = VMM_ALIAS_VA - VMM_DATA_VA,
		.rdi = value,
		.r11 = TICKS_GPA,
	};
	uint32_t i;

	if (!nr || nr > MAX_ACCESSES) {
		errno = EINVAL;
		die("%u accesses", nr);
	}
	memcpy(vmm->low + sequence_gpa, sequence, nr * sizeof(*sequence));
	for (i = 0; i < nr; i++)
		if (sequence[i] & VMM_WRITE)
			vmm->expected[sequence[i] & VMM_INDEX] = value + i + 1;
	if (ioctl(vmm->vcpu_fds[vcpu], KVM_SET_REGS, &regs))
		die("KVM_SET_REGS");
	while (ioctl(vmm->vcpu_fds[vcpu], KVM_RUN, 0) < 0)
		if (errno != EINTR)
			die("KVM_RUN");
	if (run->exit_reason != KVM_EXIT_IO || run->io.port != DONE_PORT) {
		errno = EIO;
		die("guest ended with exit reason %u", run->exit_reason);
	}
}

void vmm_run(struct vmm *vmm, unsigned int vcpu, const uint32_t *sequence,
	     uint32_t nr)
{
	run_at(vmm, vcpu,
	       vmm->mode == VMM_LONG ? vmm_guest_start : vmm_guest_32bit,
	       sequence, nr);
}

void vmm_run_timed(struct vmm *vmm, unsigned int vcpu, const uint32_t *sequence,
		   uint32_t nr, uint32_t *ret_ticks)
{
	run_at(vmm, vcpu, vmm_guest_timed, sequence, nr);
	memcpy(ret_ticks, vmm->low + TICKS_GPA, nr * sizeof(*ret_ticks));
}

uint32_t vmm_count_wrong_pages(const struct vmm *vmm)
{
	uint32_t page, wrong = 0;

	for (page = 0; page < vmm->nr_pages; page++) {
		const uint8_t *word =
			vmm->data + page * VMM_PAGE_SIZE + VALUE_OFFSET;

		wrong += *(const uint64_t *)word != vmm->expected[page];
	}
	return wrong;
}
