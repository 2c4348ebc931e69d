/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the processes of the torture run share: how often each thing really
 * happened, how far they are, and a generator of random numbers that a seed
 * determines.
 */
#ifndef TESTS_TORTURE_SHARED_H
#define TESTS_TORTURE_SHARED_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Every kind of thing that is done, and how often at least per VM that lives to
 * its end. A count below that fails the run: what did not happen tests nothing.
 */
#define TORTURE_COUNTS(X)   \
	X(ROUNDS, 100)      \
	X(VMS_ENDED, 1)     \
	X(VMS_KILLED, 1)    \
	X(LOADS, 2)         \
	X(ATTACHES, 8)      \
	X(CLOSES, 4)        \
	X(STOPS, 1)         \
	X(TRACKER_KILLS, 4) \
	X(BUSY_ATTACHES, 4) \
	X(SNAPSHOTS, 20)    \
	X(CONFIGURES, 4)    \
	X(REGION_READS, 2)  \
	X(POLLS, 2)         \
	X(LEAF_COUNTS, 4)   \
	X(DEBUGFS_READS, 4) \
	X(TRAPS, 200)       \
	X(TRACES, 1)        \
	X(COLLAPSES, 1)     \
	X(SPLITS, 1)        \
	X(MERGES, 1)        \
	X(PAGEOUTS, 1)      \
	X(AGINGS, 1)        \
	X(COMPACTIONS, 1)   \
	X(FORKS, 1)         \
	X(DISCARDS, 1)      \
	X(SLOT_MOVES, 1)    \
	X(MMU_RESETS, 1)    \
	X(MIGRATIONS, 1)    \
	X(DIRTY_PAGES, 100) \
	X(POSTCOPIES, 1)

enum torture_count {
#define X(name, minimum) TORTURE_##name,
	TORTURE_COUNTS(X)
#undef X
	TORTURE_NR_COUNTS
};

/* Mapped by all processes of a run. */
struct torture_shared {
	uint64_t counts[TORTURE_NR_COUNTS];
	uint32_t actions; /* of the present VM, so far */
	int vm_fd; /* in the VM's process; -1 before it is there */
	bool is_vm_killed; /* or about to be */
	bool is_vm_done; /* all actions are over, the guest still runs */
	bool is_tracker_told; /* to end */
	bool is_detached; /* no tracker is left */
};

extern struct torture_shared *torture;

static inline void torture_count_more(enum torture_count count, uint64_t more)
{
	__atomic_fetch_add(&torture->counts[count], more, __ATOMIC_RELAXED);
}

static inline void torture_count(enum torture_count count)
{
	torture_count_more(count, 1);
}

/* The run is over: the message says why. */
#define torture_fail(...)                                         \
	do {                                                      \
		fprintf(stderr, "torture: FAILED: " __VA_ARGS__); \
		fputc('\n', stderr);                              \
		_exit(1);                                         \
	} while (0)

#define torture_die(...)                                            \
	do {                                                        \
		int torture_errno = errno;                          \
                                                                    \
		fprintf(stderr, "torture: FAILED: " __VA_ARGS__);   \
		fprintf(stderr, ": %s\n", strerror(torture_errno)); \
		_exit(1);                                           \
	} while (0)

/* A line of what is done, with the host's time since its start. */
void torture_say(const char *what);

/* Of a sequence that the seed determines; by Steele, Lea and Flood. */
struct torture_random {
	uint64_t state;
};

static inline uint64_t torture_random(struct torture_random *random)
{
	uint64_t x = random->state += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

static inline uint32_t torture_below(struct torture_random *random,
				     uint32_t limit)
{
	return torture_random(random) % limit;
}

/* Write one string into a file of the kernel's; 0 or -errno. */
int torture_write(const char *path, const char *text);

/* Number @field, from 0, of those that such a file begins with. */
uint64_t torture_read(const char *path, unsigned int field);

/* What torture_read() takes. */
#define SWAP_INS "/sys/block/zram0/stat", 0
#define SWAP_OUTS "/sys/block/zram0/stat", 4
#define KSM_SCANS "/sys/kernel/mm/ksm/full_scans", 0

/* The processes beside the supervisor. Neither returns. */
_Noreturn void torture_vm(uint64_t seed, unsigned int deck_repeats);
_Noreturn void torture_tracker(uint64_t seed, pid_t vm);

#endif
