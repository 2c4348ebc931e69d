// SPDX-License-Identifier: GPL-2.0-or-later
#include "baseline.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bench_mrc.h"

/* Open addressing, linear probing, at most three quarters full. */
struct slot {
	uint64_t page;
	uint64_t value; /* 0 is empty */
};

struct table {
	struct slot *slots;
	size_t nr_slots; /* a power of two */
	size_t nr_pages;
};

static uint64_t hash(uint64_t x)
{
	x ^= x >> 32;
	x *= UINT64_C(0x9e3779b97f4a7c15);
	x ^= x >> 32;
	x *= UINT64_C(0x9e3779b97f4a7c15);
	return x ^ x >> 32;
}

static struct slot *probe(const struct table *table, uint64_t page)
{
	size_t mask = table->nr_slots - 1;
	size_t i = hash(page) & mask;

	while (table->slots[i].value != 0 && table->slots[i].page != page)
		i = (i + 1) & mask;
	return &table->slots[i];
}

static void grow(struct table *table)
{
	struct table bigger = {
		.nr_slots = table->nr_slots == 0 ? 1024 : table->nr_slots * 2,
		.nr_pages = table->nr_pages,
	};
	size_t i;

	bigger.slots = calloc(bigger.nr_slots, sizeof(*bigger.slots));
	MUST(bigger.slots != NULL);
	for (i = 0; i < table->nr_slots; i++)
		if (table->slots[i].value != 0)
			*probe(&bigger, table->slots[i].page) = table->slots[i];
	free(table->slots);
	*table = bigger;
}

/* The slot of @page; its value is 0 if it is new. */
static struct slot *find(struct table *table, uint64_t page)
{
	struct slot *slot;

	if (table->nr_pages >= table->nr_slots / 4 * 3)
		grow(table);
	slot = probe(table, page);
	if (slot->value == 0) {
		slot->page = page;
		table->nr_pages++;
	}
	return slot;
}

#define SUB_BITS 7

static size_t bucket_of(uint64_t value)
{
	unsigned int shift;

	if (value < 2U << SUB_BITS)
		return (size_t)value;
	shift = 63 - SUB_BITS - (unsigned int)__builtin_clzll(value);
	return ((size_t)shift << SUB_BITS) + (size_t)(value >> shift);
}

static double width_of(size_t bucket)
{
	size_t octave = bucket >> SUB_BITS;

	return octave > 1 ? (double)(UINT64_C(1) << (octave - 1)) : 1;
}

static volatile double sink;

void baseline_aet(const struct trace *trace)
{
	static uint64_t counts[64 << SUB_BITS];
	struct table table = { 0 };
	double nr_longer = (double)trace->nr_accesses;
	double size = 0;
	size_t i;

	memset(counts, 0, sizeof(counts));
	for (i = 0; i < trace->nr_accesses; i++) {
		struct slot *slot = find(&table, trace->pages[i]);
		uint64_t now = i + 1;

		if (slot->value != 0)
			counts[bucket_of(now - slot->value)]++;
		slot->value = now;
	}
	for (i = 1; i < sizeof(counts) / sizeof(counts[0]); i++) {
		size += width_of(i) * nr_longer / (double)trace->nr_accesses;
		nr_longer -= (double)counts[i];
	}
	sink = size;
	free(table.slots);
}

/* A time line of which each page occupies the slot of its last access. */
struct line {
	uint32_t *tree; /* Fenwick tree, 1..length */
	uint64_t *pages; /* by position, 1..length */
	size_t length;
	size_t end; /* last position in use */
};

static void add(struct line *line, size_t at, uint32_t delta)
{
	for (; at <= line->length; at += at & -at)
		line->tree[at] += delta;
}

static uint64_t sum_up_to(const struct line *line, size_t at)
{
	uint64_t sum = 0;

	for (; at > 0; at -= at & -at)
		sum += line->tree[at];
	return sum;
}

/* Move what is alive to the front of a line at least twice as long. */
static void compact(struct line *line, struct table *table)
{
	struct line fresh = { .length = 1024 };
	size_t at;

	while (fresh.length < 2 * table->nr_pages)
		fresh.length *= 2;
	fresh.tree = calloc(fresh.length + 1, sizeof(*fresh.tree));
	fresh.pages = calloc(fresh.length + 1, sizeof(*fresh.pages));
	MUST(fresh.tree != NULL && fresh.pages != NULL);
	for (at = 1; at <= line->end; at++) {
		struct slot *slot = probe(table, line->pages[at]);

		if (slot->value != at)
			continue;
		slot->value = ++fresh.end;
		fresh.pages[fresh.end] = line->pages[at];
		fresh.tree[fresh.end] = 1;
	}
	for (at = 1; at <= fresh.length; at++)
		if (at + (at & -at) <= fresh.length)
			fresh.tree[at + (at & -at)] += fresh.tree[at];
	free(line->tree);
	free(line->pages);
	*line = fresh;
}

void baseline_fenwick(const struct trace *trace)
{
	struct table table = { 0 };
	struct line line = { 0 };
	uint64_t *counts = calloc(trace->nr_pages, sizeof(*counts));
	double nr_misses = (double)trace->nr_accesses;
	double sum = 0;
	size_t i;

	MUST(counts != NULL);
	for (i = 0; i < trace->nr_accesses; i++) {
		struct slot *slot;

		if (line.end == line.length)
			compact(&line, &table);
		slot = find(&table, trace->pages[i]);
		if (slot->value != 0) {
			/* The page itself is among those up to it. */
			counts[table.nr_pages - sum_up_to(&line, slot->value)]++;
			add(&line, slot->value, UINT32_MAX);
		}
		slot->value = ++line.end;
		line.pages[line.end] = trace->pages[i];
		add(&line, line.end, 1);
	}
	for (i = 0; i < trace->nr_pages; i++) {
		nr_misses -= (double)counts[i];
		sum += nr_misses;
	}
	sink = sum;
	free(counts);
	free(table.slots);
	free(line.tree);
	free(line.pages);
}
