/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small VM that does what it is told: go over its first pages, page by page,
 * so many times. Each access adds 1 to a word in the page, so that a lost one
 * shows.
 *
 *	struct selftest_vm *vm;
 *	err = selftest_vm_new(1024, &vm, &step);
 *	err = selftest_vm_touch(vm, 1024, 2, &ns);
 *	selftest_vm_free(vm);
 *
 * Errors: 0 or -errno; outputs are untouched on failure.
 */
#ifndef CONTROLLER_SELFTEST_VM_H
#define CONTROLLER_SELFTEST_VM_H

#include <stdbool.h>
#include <stdint.h>

/* The first page's guest frame number; a multiple of any sampling rate used. */
#define SELFTEST_VM_GFN 0x10000UL
/* Pages are multiples of a huge page's. */
#define SELFTEST_VM_HUGE_PAGES 512
#define SELFTEST_VM_MAX_PAGES 65536

struct selftest_vm;

/*
 * @nr_pages: a multiple of SELFTEST_VM_HUGE_PAGES, in small pages of the host,
 * not populated. On failure @ret_step, a constant, says what could not be done.
 */
int selftest_vm_new(uint32_t nr_pages, struct selftest_vm **ret_vm,
		    const char **ret_step);

/* NULL is fine. */
void selftest_vm_free(struct selftest_vm *vm);

/* The VM's descriptor, a loan. */
int selftest_vm_fd(const struct selftest_vm *vm);

/* @ret_ns: time it took, entry and exit included. */
int selftest_vm_touch(struct selftest_vm *vm, uint32_t nr_pages,
		      uint32_t nr_rounds, uint64_t *ret_ns);

/* KVM forgets how pages are mapped; the host's pages stay. */
int selftest_vm_unmap(struct selftest_vm *vm);

/* New, empty memory, in huge pages if the host has any. */
int selftest_vm_make_huge(struct selftest_vm *vm);

/* Pages whose word is not what the guest's accesses add up to. */
uint32_t selftest_vm_count_wrong(const struct selftest_vm *vm);

#endif /* CONTROLLER_SELFTEST_VM_H */
