// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * memcheck: a guest program that notices every lost or stale write.
 *
 *	memcheck MIB THREADS
 *
 * Each thread owns a share of the memory and goes over it at random: it checks
 * a page, then, half of the times, writes it anew. All words of a page follow
 * from its number and from how often it was written; the latter is kept in
 * other pages. So a page that was brought back as it had been some time ago, or
 * that got another page's contents, is told from what it should be, wherever
 * the guest runs by then and however it got there. Then all begins anew.
 *
 * Prints a line per round, each of as many visits as there are pages:
 *
 *	memcheck: rounds=3 writes=12288
 *
 * and ends at the first wrong word, with exit status 1:
 *
 *	memcheck: WRONG page=17 word=3 is=0x.. wanted=0x..
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PAGE_BYTES 4096
#define PAGE_WORDS (PAGE_BYTES / sizeof(uint64_t))
#define PAGES_PER_MIB 256
#define MAX_MIB 65536
#define MAX_THREADS 64

struct share {
	volatile uint64_t *memory;
	uint64_t *nr_writes; /* by page */
	uint64_t first_page;
	uint64_t nr_pages;
	uint64_t random;
};

static uint64_t total_visits, total_writes, total_pages;

/* SplitMix64; by Steele, Lea and Flood. */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static uint64_t wanted(uint64_t page, uint64_t nr_writes, unsigned int word)
{
	return mix(page << 40 ^ nr_writes) + word;
}

static void write_page(struct share *share, uint64_t page)
{
	volatile uint64_t *words = share->memory + page * PAGE_WORDS;
	uint64_t first = wanted(page, ++share->nr_writes[page], 0);
	unsigned int i;

	for (i = 0; i < PAGE_WORDS; i++)
		words[i] = first + i;
}

static void check_page(const struct share *share, uint64_t page)
{
	volatile uint64_t *words = share->memory + page * PAGE_WORDS;
	uint64_t first = wanted(page, share->nr_writes[page], 0), is;
	unsigned int i;

	for (i = 0; i < PAGE_WORDS; i++) {
		is = words[i];
		if (is == first + i)
			continue;
		printf("memcheck: WRONG page=%" PRIu64 " word=%u is=%#" PRIx64
		       " wanted=%#" PRIx64 "\n",
		       page, i, is, first + i);
		exit(1);
	}
}

static void count_visit(void)
{
	uint64_t visits =
		__atomic_add_fetch(&total_visits, 1, __ATOMIC_RELAXED);

	if (visits % total_pages == 0)
		printf("memcheck: rounds=%" PRIu64 " writes=%" PRIu64 "\n",
		       visits / total_pages,
		       __atomic_load_n(&total_writes, __ATOMIC_RELAXED));
}

static void *run(void *arg)
{
	struct share *share = arg;
	uint64_t page;

	for (page = 0; page < share->nr_pages; page++)
		write_page(share, share->first_page + page);
	for (;;) {
		share->random = mix(share->random);
		page = share->first_page + share->random % share->nr_pages;
		check_page(share, page);
		if (share->random >> 63) {
			write_page(share, page);
			__atomic_fetch_add(&total_writes, 1, __ATOMIC_RELAXED);
		}
		count_visit();
	}
	return NULL;
}

static unsigned long parse(const char *text, unsigned long limit)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (!*text || *end || !number || number > limit) {
		fprintf(stderr,
			"memcheck: '%s' is no number from 1 to %lu\nusage: memcheck MIB THREADS\n",
			text, limit);
		exit(2);
	}
	return number;
}

static void *map(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED) {
		perror("memcheck: mmap");
		exit(1);
	}
	return memory;
}

int main(int argc, char **argv)
{
	struct share shares[MAX_THREADS];
	pthread_t threads[MAX_THREADS];
	unsigned long nr_threads, i;
	uint64_t per_thread;
	uint64_t *nr_writes;
	void *memory;

	if (argc != 3) {
		fputs("usage: memcheck MIB THREADS\n", stderr);
		return 2;
	}
	total_pages = parse(argv[1], MAX_MIB) * PAGES_PER_MIB;
	nr_threads = parse(argv[2], MAX_THREADS);
	setvbuf(stdout, NULL, _IOLBF, 0);
	memory = map(total_pages * PAGE_BYTES);
	nr_writes = map(total_pages * sizeof(*nr_writes));
	per_thread = total_pages / nr_threads;
	for (i = 0; i < nr_threads; i++) {
		shares[i] = (struct share){
			.memory = memory,
			.nr_writes = nr_writes,
			.first_page = i * per_thread,
			.nr_pages = per_thread,
			.random = i,
		};
		if (pthread_create(&threads[i], NULL, run, &shares[i])) {
			fputs("memcheck: cannot create a thread\n", stderr);
			return 1;
		}
	}
	pthread_join(threads[0], NULL);
	return 1;
}
