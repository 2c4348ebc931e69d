// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "guest.h"
#include "shared.h"

/* Guest-physical, and virtual as the low slot is mapped at its own address. */
#define CODE_GPA VMM_FREE_GPA
#define CONTROL_GPA (VMM_FREE_GPA + 0x10000)
#define VERSIONS_GPA (VMM_FREE_GPA + 0x100000)

#define ROUND_ACCESSES 500
#define ROUND_PORT 0x10
#define WRONG_PORT 0x11

#define NR_VALUES 8
#define VALUE_STEP 512
#define VALUE_OFFSET 8
/* An exception's frame, at the end of a page of the even regions. */
#define FRAME_SIZE 40

struct control {
	uint32_t round_accesses;
	uint32_t avoided_regions;
};

extern const uint8_t torture_guest_start[];
extern const uint64_t torture_guest_size;

/*
 * rbx: the data pages' address, rbp: distance of their second address,
 * rsi: struct control, rdi: versions, r12: random state, r13: this vCPU,
 * r14: mask of page numbers.
 *
 * In the loop: ecx accesses left, eax 31 random bits, edx the page's number,
 * r8 its address, r9 the key in the value's upper half, r10d mask of the
 * version in its lower half, r11d version, r15 the expected value.
 */
__asm__(".pushsection .rodata\n"
	"torture_guest_start:\n"
	"	movl (%rsi), %ecx\n"
	"1:	movabsq $6364136223846793005, %rax\n"
	"	imulq %rax, %r12\n"
	"	movabsq $1442695040888963407, %rax\n"
	"	addq %rax, %r12\n"
	"	movq %r12, %rax\n"
	"	shrq $33, %rax\n"
	"	movl %eax, %edx\n"
	"	andl %r14d, %edx\n"
	/* Half of the accesses go to 256 pages of each of two regions. */
	"	btl $30, %eax\n"
	"	jnc 2f\n"
	"	andl $0x2ff, %edx\n"
	"2:	movl %edx, %r8d\n"
	"	shrl $9, %r8d\n"
	"	movl 4(%rsi), %r9d\n"
	"	btl %r8d, %r9d\n"
	"	jc 9f\n"
	"	movl %edx, %r9d\n"
	"	movl $0xffffffff, %r10d\n"
	"	testl $1, %r8d\n"
	"	jz 3f\n"
	"	xorl %r9d, %r9d\n"
	"	movl $3, %r10d\n"
	"3:	btsl $30, %r9d\n"
	"	shlq $32, %r9\n"
	"	movq %rdx, %r8\n"
	"	shlq $12, %r8\n"
	"	addq %rbx, %r8\n"
	"	btl $29, %eax\n"
	"	jnc 4f\n"
	"	addq %rbp, %r8\n"
	"4:	movl %edx, %r11d\n"
	"	xorl %r13d, %r11d\n"
	"	testl $1, %r11d\n"
	"	jnz 7f\n"
	/* Our own: version 0 is a page of zeros. */
	"	movl (%rdi,%rdx,4), %r11d\n"
	"	xorl %r15d, %r15d\n"
	"	testl %r11d, %r11d\n"
	"	jz 5f\n"
	"	movl %r11d, %r15d\n"
	"	andl %r10d, %r15d\n"
	"	orq %r9, %r15\n"
	"5:\n"
	".irp place, 0, 1, 2, 3, 4, 5, 6, 7\n"
	"	cmpq %r15, 512 * \\place + 8(%r8)\n"
	"	jne 8f\n"
	".endr\n"
	"	btl $28, %eax\n"
	"	jnc 6f\n"
	"	incl %r11d\n"
	"	movl %r11d, (%rdi,%rdx,4)\n"
	"	andl %r10d, %r11d\n"
	"	orq %r9, %r11\n"
	".irp place, 0, 1, 2, 3, 4, 5, 6, 7\n"
	"	movq %r11, 512 * \\place + 8(%r8)\n"
	".endr\n"
	/* Divide by zero now and then: the CPU itself pushes to the page. */
	"6:	testl $0x0e000000, %eax\n"
	"	jnz 9f\n"
	"	testl $512, %edx\n"
	"	jnz 9f\n"
	"	leaq 4096(%r8), %rsp\n"
	"	xorl %r9d, %r9d\n"
	"	divl %r9d\n"
	"	jmp 9f\n"
	/* Another's: it may be writing, but only values of this page. */
	"7:	movq 8(%r8), %r15\n"
	"	testq %r15, %r15\n"
	"	jz 9f\n"
	"	xorq %r9, %r15\n"
	"	shrq $32, %r15\n"
	"	jz 9f\n"
	"8:	outb %al, $0x11\n"
	"	hlt\n"
	"9:	decl %ecx\n"
	"	jnz 1b\n"
	"	outb %al, $0x10\n"
	"	jmp torture_guest_start\n"
	"torture_guest_end:\n"
	"torture_guest_size:\n"
	"	.quad torture_guest_end - torture_guest_start\n"
	".popsection\n");

static struct control *control(const struct guest *guest)
{
	return (struct control *)(guest->vmm.low + CONTROL_GPA);
}

static uint32_t *versions(const struct guest *guest)
{
	return (uint32_t *)(guest->vmm.low + VERSIONS_GPA);
}

static bool is_mergeable(uint32_t page)
{
	return page / GUEST_REGION_PAGES % 2;
}

static uint64_t page_value(uint32_t page, uint32_t version)
{
	uint64_t key = 1U << 30 | (is_mergeable(page) ? 0 : page);

	if (!version)
		return 0;
	return key << 32 | (is_mergeable(page) ? version & 3 : version);
}

static void set_registers(struct guest *guest, unsigned int vcpu, uint64_t seed)
{
	struct kvm_regs regs = {
		.rip = CODE_GPA,
		.rflags = 2,
		.rbx = VMM_DATA_VA,
		.rbp = VMM_ALIAS_VA - VMM_DATA_VA,
		.rsi = CONTROL_GPA,
		.rdi = VERSIONS_GPA,
		.r12 = seed + vcpu,
		.r13 = vcpu,
		.r14 = guest->vmm.nr_pages - 1,
	};

	if (ioctl(guest->vmm.vcpu_fds[vcpu], KVM_SET_REGS, &regs))
		torture_die("KVM_SET_REGS");
}

void guest_init(struct guest *guest, uint32_t nr_pages, unsigned int nr_vcpus,
		uint64_t seed)
{
	unsigned int i;

	memset(guest, 0, sizeof(*guest));
	vmm_init(&guest->vmm, nr_pages, nr_vcpus);
	memcpy(guest->vmm.low + CODE_GPA, torture_guest_start,
	       torture_guest_size);
	control(guest)->round_accesses = ROUND_ACCESSES;
	for (i = 0; i < nr_vcpus; i++)
		set_registers(guest, i, seed);
	pthread_mutex_init(&guest->lock, NULL);
	pthread_cond_init(&guest->changed, NULL);
}

_Noreturn static void report_wrong_value(const struct guest *guest,
					 unsigned int vcpu)
{
	const uint64_t *value;
	struct kvm_regs regs;
	unsigned int i;

	if (ioctl(guest->vmm.vcpu_fds[vcpu], KVM_GET_REGS, &regs))
		torture_die("KVM_GET_REGS");
	fprintf(stderr,
		"torture: page %llu, version %u, expected %llx:", regs.rdx,
		versions(guest)[regs.rdx], regs.r15);
	value = (uint64_t *)(guest->vmm.data + regs.rdx * VMM_PAGE_SIZE +
			     VALUE_OFFSET);
	for (i = 0; i < NR_VALUES; i++)
		fprintf(stderr, " %lx", value[i * VALUE_STEP / sizeof(*value)]);
	fputc('\n', stderr);
	torture_fail("vCPU %u read a wrong value", vcpu);
}

static void run_round(struct guest *guest, unsigned int vcpu)
{
	const struct kvm_run *run = guest->vmm.runs[vcpu];

	while (ioctl(guest->vmm.vcpu_fds[vcpu], KVM_RUN, 0) < 0)
		if (errno != EINTR)
			torture_die("KVM_RUN");
	if (run->exit_reason == KVM_EXIT_IO && run->io.port == WRONG_PORT)
		report_wrong_value(guest, vcpu);
	if (run->exit_reason != KVM_EXIT_IO || run->io.port != ROUND_PORT)
		torture_fail("the guest left with exit reason %u",
			     run->exit_reason);
}

struct vcpu_start {
	struct guest *guest;
	unsigned int vcpu;
};

static void *run_vcpu(void *arg)
{
	struct vcpu_start *start = arg;
	struct guest *guest = start->guest;
	unsigned int vcpu = start->vcpu;
	bool is_ended = false;

	free(start);
	while (!is_ended) {
		run_round(guest, vcpu);
		torture_count(TORTURE_ROUNDS);
		pthread_mutex_lock(&guest->lock);
		guest->rounds[vcpu]++;
		guest->nr_waiting++;
		pthread_cond_broadcast(&guest->changed);
		while (guest->is_paused && !guest->is_ended)
			pthread_cond_wait(&guest->changed, &guest->lock);
		guest->nr_waiting--;
		is_ended = guest->is_ended;
		pthread_mutex_unlock(&guest->lock);
	}
	return NULL;
}

void guest_start(struct guest *guest)
{
	unsigned int i;

	for (i = 0; i < guest->vmm.nr_vcpus; i++) {
		struct vcpu_start *start = malloc(sizeof(*start));

		if (!start)
			torture_die("malloc");
		*start = (struct vcpu_start){ guest, i };
		if (pthread_create(&guest->threads[i], NULL, run_vcpu, start))
			torture_fail("cannot create a thread");
	}
}

void guest_end(struct guest *guest)
{
	unsigned int i;

	pthread_mutex_lock(&guest->lock);
	guest->is_ended = true;
	pthread_cond_broadcast(&guest->changed);
	pthread_mutex_unlock(&guest->lock);
	for (i = 0; i < guest->vmm.nr_vcpus; i++)
		pthread_join(guest->threads[i], NULL);
	vmm_exit(&guest->vmm);
}

void guest_pause(struct guest *guest)
{
	pthread_mutex_lock(&guest->lock);
	guest->is_paused = true;
	while (guest->nr_waiting < guest->vmm.nr_vcpus)
		pthread_cond_wait(&guest->changed, &guest->lock);
	pthread_mutex_unlock(&guest->lock);
}

void guest_resume(struct guest *guest)
{
	pthread_mutex_lock(&guest->lock);
	guest->is_paused = false;
	pthread_cond_broadcast(&guest->changed);
	pthread_mutex_unlock(&guest->lock);
}

void guest_wait_rounds(struct guest *guest, unsigned int nr)
{
	uint64_t goals[VMM_MAX_VCPUS];
	unsigned int i;

	pthread_mutex_lock(&guest->lock);
	for (i = 0; i < guest->vmm.nr_vcpus; i++)
		goals[i] = guest->rounds[i] + nr;
	for (i = 0; i < guest->vmm.nr_vcpus; i++)
		while (guest->rounds[i] < goals[i])
			pthread_cond_wait(&guest->changed, &guest->lock);
	pthread_mutex_unlock(&guest->lock);
}

void guest_avoid_regions(struct guest *guest, uint32_t regions)
{
	__atomic_store_n(&control(guest)->avoided_regions, regions,
			 __ATOMIC_RELEASE);
	/* The round under way may have read the old mask; the next cannot. */
	if (regions)
		guest_wait_rounds(guest, 1);
}

void guest_expect_zeros(struct guest *guest, unsigned int region)
{
	memset(versions(guest) + region * GUEST_REGION_PAGES, 0,
	       GUEST_REGION_PAGES * sizeof(uint32_t));
}

static void check_page(const struct guest *guest, uint32_t page)
{
	const uint8_t *memory = guest->vmm.data + page * VMM_PAGE_SIZE;
	uint64_t value = page_value(page, versions(guest)[page]);
	uint8_t expected[VMM_PAGE_SIZE] = {};
	size_t size = VMM_PAGE_SIZE, i;

	for (i = 0; i < NR_VALUES; i++)
		memcpy(expected + i * VALUE_STEP + VALUE_OFFSET, &value,
		       sizeof(value));
	if (!is_mergeable(page))
		size -= FRAME_SIZE;
	if (!memcmp(memory, expected, size))
		return;
	for (i = 0; memory[i] == expected[i]; i++)
		;
	torture_fail("page %u, version %u: byte %zu is %#x instead of %#x",
		     page, versions(guest)[page], i, memory[i], expected[i]);
}

void guest_check_memory(const struct guest *guest)
{
	uint32_t page;

	for (page = 0; page < guest->vmm.nr_pages; page++)
		check_page(guest, page);
}
