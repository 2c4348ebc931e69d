// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ages.h"

#include <string.h>

#include <mrc/hist.h>

#include "units.h"

static size_t ages_class(uint64_t age_ns)
{
	uint64_t seconds = age_ns / NS_PER_S;
	size_t i = 0;

	while (i + 1 < VIEW_NR_AGES && seconds >= UINT64_C(2) << i)
		i++;
	return i;
}

/*
 * When the count came to @accesses, taking it to have grown evenly between two
 * marks.
 */
static uint64_t ages_time_of(const struct ages *ages, uint64_t accesses)
{
	const struct ages_mark *from, *to;
	size_t i = ages->nr_marks - 1;
	double share;

	while (i > 0 && ages->marks[i - 1].accesses >= accesses)
		i--;
	to = &ages->marks[i];
	if (i == 0 || to->accesses <= accesses)
		return to->time_ns;
	from = &ages->marks[i - 1];
	share = (double)(accesses - from->accesses) /
		(double)(to->accesses - from->accesses);
	return from->time_ns +
	       (uint64_t)(share * (double)(to->time_ns - from->time_ns));
}

/* Of the older half, every other one goes; the very first stays. */
static void ages_thin(struct ages *ages)
{
	size_t kept = 1, i;

	for (i = 2; i < ages->nr_marks; i++)
		if (i % 2 == 0 || i >= AGES_NR_MARKS / 2)
			ages->marks[kept++] = ages->marks[i];
	ages->nr_marks = kept;
}

static void ages_mark(struct ages *ages, uint64_t time_ns, uint64_t accesses)
{
	if (ages->nr_marks == AGES_NR_MARKS)
		ages_thin(ages);
	ages->marks[ages->nr_marks++] = (struct ages_mark){
		.time_ns = time_ns,
		.accesses = accesses,
	};
}

static void ages_begin(struct ages *ages, const struct sample *sample)
{
	if (ages->time_ns) {
		memcpy(ages->before_bytes, ages->bytes, sizeof(ages->bytes));
		ages->before_ns = ages->time_ns;
	}
	ages->generation = sample->generation;
	ages->start_ns = sample->start_ns;
	ages->nr_marks = 0;
	ages_mark(ages, sample->start_ns, 0);
}

/* @bytes have not been accessed in this generation. */
static void ages_add_unseen(struct ages *ages, uint64_t now_ns, uint64_t bytes)
{
	uint64_t since_ns = now_ns - ages->before_ns;
	size_t i = VIEW_NR_AGES;

	while (ages->before_ns && bytes > 0 && i > 0) {
		uint64_t taken = ages->before_bytes[--i];
		uint64_t age_ns = i > 0 ? (UINT64_C(1) << i) * NS_PER_S : 0;

		if (taken > bytes)
			taken = bytes;
		ages->bytes[ages_class(age_ns + since_ns)] += taken;
		bytes -= taken;
	}
	ages->bytes[ages_class(now_ns - ages->start_ns)] += bytes;
}

static uint64_t ages_to_bytes(double pages, double scale)
{
	double bytes = pages * scale * VIEW_PAGE_BYTES;

	/* Also a NaN. */
	return bytes < 0x1p62 ? (uint64_t)bytes : UINT64_C(1) << 62;
}

void ages_update(struct ages *ages, const struct sample *sample, double scale)
{
	unsigned int bits = sample->idle_sub_bucket_bits;
	uint64_t nr_seen = 0;
	uint32_t i;

	if (!ages->nr_marks || ages->generation != sample->generation ||
	    ages->start_ns != sample->start_ns)
		ages_begin(ages, sample);
	ages_mark(ages, sample->time_ns, sample->accesses);
	memset(ages->bytes, 0, sizeof(ages->bytes));
	for (i = 0; i < sample->nr_idle_buckets; i++) {
		uint64_t age, when_ns;

		if (!sample->open[i])
			continue;
		age = mrc_bucket_low(bits, i) + mrc_bucket_width(bits, i) / 2;
		when_ns = ages_time_of(ages, age < sample->accesses ?
						     sample->accesses - age :
						     0);
		ages->bytes[ages_class(sample->time_ns > when_ns ?
					       sample->time_ns - when_ns :
					       0)] +=
			ages_to_bytes((double)sample->open[i], scale);
		nr_seen += sample->open[i];
	}
	if (sample->nr_idle_buckets > 0 && sample->mapped_pages > nr_seen)
		ages_add_unseen(
			ages, sample->time_ns,
			ages_to_bytes((double)(sample->mapped_pages - nr_seen),
				      scale));
	ages->time_ns = sample->time_ns;
}
