/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Log-linear histogram of reuse times.
 *
 * The reuse time of an access is the number of accesses since the same page
 * was accessed before, this access included: 1 for two accesses in a row, so 0
 * does not exist. The first access of a page is *cold*: it has no reuse time
 * and is counted apart.
 *
 * An access whose page is known not to have been accessed for t accesses, and of
 * which no more is known, is *censored* at t: its reuse time is longer than t.
 * That is more than "never", which is what cold says: before a trace begins and
 * after a window ends, pages are accessed as well. Count an access once: as cold
 * or as censored, looking back (its page was not seen since the beginning, t
 * accesses ago) or looking ahead (not until the end), not both.
 *
 * Of what was accessed before a window began and had not been accessed again by
 * then, a window only sees what is longer than it was by then: t accesses. Such an
 * access has *entered* at t. It is counted a second time as what becomes of it: by
 * its reuse time, or as censored where the window ends.
 *
 *	struct mrc_hist *hist;
 *	int err = mrc_hist_new(7, &hist);
 *	if (err < 0)
 *		return err;
 *	err = mrc_hist_add(hist, 3, 1);		// one access, reuse time 3
 *	if (err == 0)
 *		err = mrc_hist_add_cold(hist, 2);	// two first accesses
 *	...
 *	mrc_hist_free(hist);
 *
 * Ownership: whoever calls mrc_hist_new() calls mrc_hist_free(). No function
 * here keeps a pointer to its arguments.
 * Threads: no globals. Functions taking a const histogram may run in parallel
 * on one histogram; a function taking it non-const needs it alone.
 * Errors: 0 or -errno; a call that fails changes neither the histogram nor its
 * outputs. Nothing is clamped. Passing NULL where only mrc_hist_free() allows
 * it is undefined.
 *
 * Bucket layout, for a parameter b ("sub-bucket bits"): every value below
 * 2^(b+1) has a bucket of its own; above, each range [2^k, 2^(k+1)) is cut into
 * 2^b equal buckets. A bucket is never wider than 2^-b of the values in it. The
 * index of a value does not depend on the largest value, so a shorter array of
 * counters is a prefix of a longer one. The kernel module uses b = 7.
 */
#ifndef MRC_HIST_H
#define MRC_HIST_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Range of sub-bucket bits; 16 makes reuse times below 131072 exact. */
#define MRC_HIST_MAX_SUB_BUCKET_BITS 16

/*
 * Reuse times are in [1, 2^48): 2^48 accesses are more than a trace has, and
 * the exact sums of mrc_aet_curve() fit 128 bits with room to spare.
 */
#define MRC_HIST_VALUE_BITS 48

/**
 * mrc_bucket_index() - the bucket that holds a value
 * @b: sub-bucket bits, 0..MRC_HIST_MAX_SUB_BUCKET_BITS
 * @value: any
 */
static inline size_t mrc_bucket_index(unsigned int b, uint64_t value)
{
	/* Setting bit b changes nothing above it and avoids clz(0). */
	unsigned int log2 =
		63 - (unsigned int)__builtin_clzll(value | UINT64_C(1) << b);
	unsigned int shift = log2 - b;

	return ((size_t)shift << b) + (size_t)(value >> shift);
}

/**
 * mrc_bucket_width() - how many values a bucket holds
 * @b: sub-bucket bits, 0..MRC_HIST_MAX_SUB_BUCKET_BITS
 * @index: below mrc_bucket_count(@b, 64)
 */
static inline uint64_t mrc_bucket_width(unsigned int b, size_t index)
{
	size_t octave = index >> b;

	return octave > 1 ? UINT64_C(1) << (octave - 1) : 1;
}

/**
 * mrc_bucket_low() - the smallest value of a bucket
 * @b: sub-bucket bits, 0..MRC_HIST_MAX_SUB_BUCKET_BITS
 * @index: below mrc_bucket_count(@b, 64)
 *
 * The bucket holds [low, low + width).
 */
static inline uint64_t mrc_bucket_low(unsigned int b, size_t index)
{
	size_t octave = index >> b;
	size_t shift = octave > 1 ? octave - 1 : 0;

	return (uint64_t)(index - (shift << b)) << shift;
}

/**
 * mrc_bucket_count() - buckets needed for the values [0, 2^max_value_bits)
 * @b: sub-bucket bits, 0..MRC_HIST_MAX_SUB_BUCKET_BITS
 * @max_value_bits: 0..64
 */
static inline size_t mrc_bucket_count(unsigned int b,
				      unsigned int max_value_bits)
{
	if (max_value_bits <= b)
		return (size_t)1 << max_value_bits;
	return (size_t)(max_value_bits - b + 1) << b;
}

/* A histogram; opaque. */
struct mrc_hist;

/**
 * mrc_hist_new() - allocate an empty histogram
 * @sub_bucket_bits: b of the layout, 0..MRC_HIST_MAX_SUB_BUCKET_BITS; takes
 *	about 8 * (49 - b) * 2^b bytes: 43 KiB for b = 7
 * @ret_hist: the histogram, to be freed with mrc_hist_free()
 *
 * Returns 0; -EINVAL @sub_bucket_bits is out of range; -ENOMEM.
 */
int mrc_hist_new(unsigned int sub_bucket_bits, struct mrc_hist **ret_hist);

/**
 * mrc_hist_free() - free a histogram
 * @hist: histogram or NULL
 */
void mrc_hist_free(struct mrc_hist *hist);

/**
 * mrc_hist_clear() - make a histogram empty; its layout stays
 * @hist: histogram
 */
void mrc_hist_clear(struct mrc_hist *hist);

/**
 * mrc_hist_add() - count accesses of one reuse time
 * @hist: histogram
 * @reuse_time: in accesses, [1, 2^MRC_HIST_VALUE_BITS)
 * @count: number of such accesses, 0 allowed
 *
 * Returns 0; -ERANGE @reuse_time is out of range, whatever @count is;
 * -EOVERFLOW the total would not fit 64 bits.
 */
int mrc_hist_add(struct mrc_hist *hist, uint64_t reuse_time, uint64_t count);

/**
 * mrc_hist_add_cold() - count first accesses
 * @hist: histogram
 * @count: number of accesses without a reuse time, 0 allowed
 *
 * Returns 0; -EOVERFLOW the total would not fit 64 bits.
 */
int mrc_hist_add_cold(struct mrc_hist *hist, uint64_t count);

/**
 * mrc_hist_add_buckets() - add a whole array of bucket counters
 * @hist: histogram whose sub_bucket_bits equals that of the array; the caller
 *	checks, an array does not know its layout
 * @counts: @nr_counts counters, counter i for bucket i, as the kernel module
 *	exports them; may be NULL if @nr_counts is 0
 * @nr_counts: any; shorter arrays leave the upper buckets alone
 *
 * Returns 0; -ERANGE a counter outside the range of mrc_hist_add() is not 0
 * (bucket 0, which is reuse time 0, or one past the last bucket); -EOVERFLOW
 * the total would not fit 64 bits.
 */
int mrc_hist_add_buckets(struct mrc_hist *hist, const uint64_t *counts,
			 size_t nr_counts);

/**
 * mrc_hist_add_censored() - count accesses whose reuse time is only known to be
 * longer than something
 * @hist: histogram
 * @time: in accesses, [0, 2^MRC_HIST_VALUE_BITS): the reuse time is longer
 * @count: number of such accesses, 0 allowed
 *
 * The first such call takes as much memory again as the histogram has.
 *
 * Returns 0; -ERANGE @time is out of range; -EOVERFLOW the total would not fit
 * 64 bits; -ENOMEM.
 */
int mrc_hist_add_censored(struct mrc_hist *hist, uint64_t time, uint64_t count);

/**
 * mrc_hist_add_censored_buckets() - add a whole array of censored counters
 * @hist: histogram whose sub_bucket_bits equals that of the array
 * @counts: @nr_counts counters, counter i for bucket i, as the kernel module
 *	exports them for intervals still open; may be NULL if @nr_counts is 0
 * @nr_counts: any; shorter arrays leave the upper buckets alone
 *
 * Returns 0; -ERANGE a counter past the last bucket is not 0; -EOVERFLOW the
 * total would not fit 64 bits; -ENOMEM.
 */
int mrc_hist_add_censored_buckets(struct mrc_hist *hist, const uint64_t *counts,
				  size_t nr_counts);

/**
 * mrc_hist_add_entered() - tell of accesses that they were not watched from their
 * beginning
 * @hist: histogram
 * @time: in accesses, [0, 2^MRC_HIST_VALUE_BITS): how long ago the access was when
 *	it came to be watched. Its reuse time is longer.
 * @count: number of such accesses, 0 allowed
 *
 * Not part of mrc_hist_total(): what becomes of them is counted by the other
 * functions. The first such call takes as much memory again as the histogram has.
 *
 * Returns 0; -ERANGE @time is out of range; -EOVERFLOW their number would not fit
 * 64 bits; -ENOMEM.
 */
int mrc_hist_add_entered(struct mrc_hist *hist, uint64_t time, uint64_t count);

/**
 * mrc_hist_add_entered_buckets() - the same for a whole array of counters
 * @hist: histogram whose sub_bucket_bits equals that of the array
 * @counts: @nr_counts counters, counter i for bucket i; may be NULL if @nr_counts
 *	is 0
 * @nr_counts: any; shorter arrays leave the upper buckets alone
 *
 * Returns 0; -ERANGE a counter past the last bucket is not 0; -EOVERFLOW their
 * number would not fit 64 bits; -ENOMEM.
 */
int mrc_hist_add_entered_buckets(struct mrc_hist *hist, const uint64_t *counts,
				 size_t nr_counts);

/**
 * mrc_hist_merge() - add all counts of one histogram to another
 * @hist: histogram that grows
 * @other: histogram that is added and stays as it is; may be @hist itself
 *
 * Returns 0; -EINVAL their sub_bucket_bits differ; -EOVERFLOW the total would
 * not fit 64 bits; -ENOMEM, only if @other has censored or entered accesses.
 */
int mrc_hist_merge(struct mrc_hist *hist, const struct mrc_hist *other);

/**
 * mrc_hist_total() - number of accesses counted, cold and censored ones included
 * @hist: histogram
 */
uint64_t mrc_hist_total(const struct mrc_hist *hist);

/**
 * mrc_hist_cold() - number of cold accesses counted
 * @hist: histogram
 */
uint64_t mrc_hist_cold(const struct mrc_hist *hist);

/**
 * mrc_hist_censored() - number of censored accesses counted
 * @hist: histogram
 */
uint64_t mrc_hist_censored(const struct mrc_hist *hist);

/**
 * mrc_hist_entered() - number of accesses that were not watched from their
 * beginning
 * @hist: histogram
 */
uint64_t mrc_hist_entered(const struct mrc_hist *hist);

/**
 * mrc_hist_sub_bucket_bits() - b of the layout
 * @hist: histogram
 */
unsigned int mrc_hist_sub_bucket_bits(const struct mrc_hist *hist);

/**
 * mrc_hist_nr_buckets() - buckets of the layout,
 * mrc_bucket_count(b, MRC_HIST_VALUE_BITS)
 * @hist: histogram
 */
size_t mrc_hist_nr_buckets(const struct mrc_hist *hist);

/**
 * mrc_hist_bucket() - read one counter
 * @hist: histogram
 * @index: below mrc_hist_nr_buckets()
 * @ret_count: accesses whose reuse time lies in that bucket
 *
 * Returns 0; -ERANGE there is no such bucket.
 */
int mrc_hist_bucket(const struct mrc_hist *hist, size_t index,
		    uint64_t *ret_count);

/**
 * mrc_hist_censored_bucket() - read one counter of censored accesses
 * @hist: histogram
 * @index: below mrc_hist_nr_buckets()
 * @ret_count: accesses that are censored at a time in that bucket
 *
 * Returns 0; -ERANGE there is no such bucket.
 */
int mrc_hist_censored_bucket(const struct mrc_hist *hist, size_t index,
			     uint64_t *ret_count);

/**
 * mrc_hist_entered_bucket() - read one counter of entered accesses
 * @hist: histogram
 * @index: below mrc_hist_nr_buckets()
 * @ret_count: accesses that entered at a time in that bucket
 *
 * Returns 0; -ERANGE there is no such bucket.
 */
int mrc_hist_entered_bucket(const struct mrc_hist *hist, size_t index,
			    uint64_t *ret_count);

#ifdef __cplusplus
}
#endif

#endif /* MRC_HIST_H */
