/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtual machine that does one thing: touch its data pages in the order it
 * is told, so that a test knows every access. Long mode unless said otherwise,
 * paging with 4 KiB guest PTEs, no interrupts.
 *
 *	struct vmm vmm;
 *	vmm_init(&vmm, 1024, 1);
 *	vmm_run(&vmm, 0, sequence, nr);
 *	vmm_exit(&vmm);
 *
 * Setup failures end the test with a message: there is nothing to go on with.
 */
#ifndef TESTS_VMM_H
#define TESTS_VMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VMM_PAGE_SIZE 4096UL
#define VMM_MAX_VCPUS 4

/* One access: the page's index, and what to do. */
#define VMM_WRITE (1U << 31)
/* Through the page's second virtual address. */
#define VMM_ALIAS (1U << 30)
/* Neither load nor store: take an exception with the stack in that page. */
#define VMM_EVENT (1U << 29)
#define VMM_INDEX 0xffffffU

/* Where the guest sees the data pages: twice. */
#define VMM_DATA_VA 0x10000000UL
#define VMM_ALIAS_VA 0x20000000UL

/* From here to 32 MiB the low memory is left to the test, at VA = GPA. */
#define VMM_FREE_GPA 0x1800000UL

/* The data pages' first guest frame number. */
#define VMM_DATA_GFN (0x10000000UL / VMM_PAGE_SIZE)

enum vmm_mode {
	VMM_LONG,
	VMM_PAE,
	VMM_32BIT, /* with page tables of two levels */
	VMM_NO_PAGING, /* and so no second virtual addresses */
};

struct vmm {
	int kvm_fd;
	int vm_fd;
	int vcpu_fds[VMM_MAX_VCPUS];
	void *runs[VMM_MAX_VCPUS];
	int run_size;
	enum vmm_mode mode;
	bool has_irqchip;
	unsigned int nr_vcpus;
	uint32_t nr_pages;
	uint8_t *low; /* code, guest page tables, sequences */
	uint8_t *data; /* nr_pages, guest physical from VMM_DATA_GFN */
	size_t data_size; /* multiple of 2 MiB, aligned to it */
	/* What each page's word must hold: the number of its last write. */
	uint64_t *expected;
	uint64_t next_value;
};

/* @nr_pages up to 65536. Memory is not populated, and maps with 4 KiB pages. */
void vmm_init(struct vmm *vmm, uint32_t nr_pages, unsigned int nr_vcpus);
void vmm_init_mode(struct vmm *vmm, enum vmm_mode mode, uint32_t nr_pages,
		   unsigned int nr_vcpus);
/*
 * In long mode, with KVM's own interrupt controllers, and taking interrupts,
 * which do not come: KVM then waits for pages of the host asynchronously.
 */
void vmm_init_irqchip(struct vmm *vmm, uint32_t nr_pages,
		      unsigned int nr_vcpus);
void vmm_exit(struct vmm *vmm);

/* Zeroed memory as the data pages have; munmap() it. */
uint8_t *vmm_map_memory(size_t size);

/* madvise() the data pages: MADV_HUGEPAGE, MADV_DONTNEED, ... */
void vmm_advise(struct vmm *vmm, int advice);

/* Delete and set the memslot of the data pages, with KVM_MEM_* flags. */
void vmm_remove_data_slot(struct vmm *vmm);
void vmm_add_data_slot(struct vmm *vmm, uint32_t flags);
/* One bit per data page written since the slot logs, then cleared. */
void vmm_get_dirty(struct vmm *vmm, uint8_t *ret_bitmap);
/* With KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, which leaves clearing to us. */
void vmm_clear_dirty(struct vmm *vmm, uint8_t *bitmap);

/*
 * Run @nr accesses, at most 1 M, on one vCPU, until the last is done. Several
 * vCPUs may run at once in threads of their own; then written words are only
 * predictable if they write to disjoint pages.
 */
void vmm_run(struct vmm *vmm, unsigned int vcpu, const uint32_t *sequence,
	     uint32_t nr);

/*
 * The same for plain loads and stores in long mode, and ret_ticks[] says what each took: the
 * guest's time stamp counter after it, less that before it.
 */
void vmm_run_timed(struct vmm *vmm, unsigned int vcpu, const uint32_t *sequence,
		   uint32_t nr, uint32_t *ret_ticks);

/* Pages whose word in host memory is not what the guest wrote last. */
uint32_t vmm_count_wrong_pages(const struct vmm *vmm);

#endif
