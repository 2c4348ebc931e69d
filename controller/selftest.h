/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does tracking work on this host? A VM whose every access is known is tracked,
 * and what was recorded must be what it did, to the last access.
 *
 *	struct selftest selftest = { 0 };
 *	err = selftest_run(&host, &selftest);
 *	selftest_write_text(stdout, &selftest);
 */
#ifndef CONTROLLER_SELFTEST_H
#define CONTROLLER_SELFTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "source.h"

/* The VM's pages. */
#define SELFTEST_PAGES 4096

/**
 * struct selftest_host - the VM and the module; a fake one in tests
 * @attach: track these settings; the range of pages is filled in
 * @count_leaves: the VM's leaves, from its page tables
 * @touch: as selftest_vm_touch(), and so are the others
 * @unmap: KVM forgets its mappings
 * @make_huge: new memory in huge pages
 * @count_wrong: pages that do not hold what was written
 *
 * All but the last: 0 or -errno.
 */
struct selftest_host {
	int (*attach)(struct selftest_host *host, struct source_config *config,
		      struct source **ret_source);
	int (*count_leaves)(struct selftest_host *host,
			    struct source_vm_info *ret_info);
	int (*touch)(struct selftest_host *host, uint32_t nr_pages,
		     uint32_t nr_rounds, uint64_t *ret_ns);
	int (*unmap)(struct selftest_host *host);
	int (*make_huge)(struct selftest_host *host);
	uint32_t (*count_wrong)(struct selftest_host *host);
};

enum selftest_result {
	SELFTEST_PASSED,
	SELFTEST_FAILED,
	SELFTEST_SKIPPED,
};

#define SELFTEST_TEXT_SIZE 200
#define SELFTEST_MAX_CHECKS 8

/**
 * struct selftest_check - one thing that was looked at
 * @name: constant, a word
 * @result: how it went
 * @text: what was seen, and if that is wrong, what should have been
 */
struct selftest_check {
	const char *name;
	enum selftest_result result;
	char text[SELFTEST_TEXT_SIZE];
};

/**
 * struct selftest - all that was found
 * @checks: @nr_checks of them
 * @mmu_mode: enum kvm_aet_mmu_mode
 * @trap_ns: median time that a trap adds to an access, of @nr_repetitions
 * @nr_traps: traps in each repetition
 * @fault_ns: median time of a fault of the VM while it is not tracked and the
 *	module is loaded, of @nr_repetitions
 * @nr_faults: faults in each repetition
 */
struct selftest {
	struct selftest_check checks[SELFTEST_MAX_CHECKS];
	size_t nr_checks;
	uint32_t mmu_mode;
	unsigned int nr_repetitions;
	uint64_t trap_ns;
	uint64_t nr_traps;
	uint64_t fault_ns;
	uint64_t nr_faults;
};

/* -errno: it could not be run to its end. Failed checks are no error. */
int selftest_run(struct selftest_host *host, struct selftest *ret_selftest);

/* Whether no check failed. */
bool selftest_has_passed(const struct selftest *selftest);

/* Lines for people. */
void selftest_write_text(FILE *out, const struct selftest *selftest);

#endif /* CONTROLLER_SELFTEST_H */
