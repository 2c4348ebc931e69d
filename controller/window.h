/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happened between two samples of one VM: counts, curve, working set.
 * Pure.
 *
 * Sizes come out in real pages: a sampled page stands for scale pages.
 *
 * The curve is that of a memory that has long been in use, from the intervals
 * between two accesses of a page. What a window sees of one is cut off: by its
 * beginning, where it only sees how long intervals go on that are open already, and
 * by its end, where intervals are open still (@open of the two samples), or before
 * that where a page leaves the sample (@ended). The product-limit estimate takes
 * intervals as far as they were watched, see mrc_hist_add_entered().
 *
 * A page's first access ends no interval, and begins one as any other does. So
 * first touches are not misses in themselves: no memory is large enough to spare
 * them, and @cold_accesses says how many there are. Pages that were touched and not
 * used again keep the curve up for as long as they were watched: where the guest
 * goes over 48 MiB of new memory once, the curve does not fall, and the working set
 * is above 48 MiB. Where it goes over it again, the working set is known at once.
 *
 * From a source that does not tell which intervals are open, first accesses count
 * as misses at every size.
 */
#ifndef CONTROLLER_WINDOW_H
#define CONTROLLER_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include <mrc/curve.h>

#include "source.h"

/* Probability that the true curve is within the band, at one size. */
#define WINDOW_BAND_LEVEL 0.95

enum window_wss {
	WINDOW_WSS_KNOWN,
	/* The curve never gets down to the tolerated ratio in this window. */
	WINDOW_WSS_ABOVE,
	/* Nothing was recorded, so there is no curve. */
	WINDOW_WSS_NO_ACCESS,
};

/**
 * struct window - one window
 * @start_ns: CLOCK_MONOTONIC, [start, end)
 * @end_ns: likewise
 * @is_partial: cut short by the VM's end or the user
 * @miss_ratio: tolerated, for @wss_pages
 * @inverse_rate: nominal
 * @scale: pages that one sampled page stands for: range / sampled pages, or
 *	@inverse_rate while these are unknown
 * @accesses: recorded; sampled accesses, like all counts up to @lost_records
 * @cold_accesses: of those, the first of their page
 * @entry_accesses: of @cold_accesses, those to pages that may have been accessed
 *	before they came into the sample
 * @accesses_per_s: recorded ones times @scale, per second; 0 for a window without
 *	length
 * @traps: faults on an armed page
 * @first_touches: faults on an unmapped sampled page
 * @lost_records: accesses not recorded, the module's table being full
 * @window_pages: distinct sampled pages recorded
 * @distinct_pages: @window_pages times @scale
 * @range_pages: guest pages in range, at the end
 * @sampled_pages: of those, sampled ones
 * @mapped_pages: of those, mapped ones
 * @huge_leaves: large mappings in range, at the end
 * @hot_pages: capacity of the hot set
 * @hot_used: pages in it at the end
 * @huge_mode: enum kvm_aet_huge_mode
 * @mmu_mode: enum kvm_aet_mmu_mode
 * @encoding: enum kvm_aet_encoding
 * @state: enum kvm_aet_state at the end
 * @hook_cycles: TSC cycles spent on the VM's faults
 * @pass_cycles: TSC cycles spent in background passes
 * @tsc_khz: 1000 cycles per second, of these; 0 if unknown
 * @curve: miss-ratio curve, or NULL without accesses; owned by the window
 * @lower: lower end of its confidence band of WINDOW_BAND_LEVEL at each size, see
 *	mrc_aet_band(); NULL where @curve is; owned by the window
 * @upper: upper end, likewise
 * @wss: what is known of the working set
 * @wss_pages: its size if known; if above: a lower bound, the largest size that
 *	the window says anything about
 */
struct window {
	uint64_t start_ns;
	uint64_t end_ns;
	bool is_partial;
	double miss_ratio;
	uint32_t inverse_rate;
	double scale;
	uint64_t accesses;
	uint64_t cold_accesses;
	uint64_t entry_accesses;
	double accesses_per_s;
	uint64_t traps;
	uint64_t first_touches;
	uint64_t lost_records;
	uint64_t window_pages;
	double distinct_pages;
	uint64_t range_pages;
	uint64_t sampled_pages;
	uint64_t mapped_pages;
	uint64_t huge_leaves;
	uint32_t hot_pages;
	uint32_t hot_used;
	uint32_t huge_mode;
	uint32_t mmu_mode;
	uint32_t encoding;
	uint32_t state;
	uint64_t hook_cycles;
	uint64_t pass_cycles;
	uint32_t tsc_khz;
	struct mrc_curve *curve;
	struct mrc_curve *lower;
	struct mrc_curve *upper;
	enum window_wss wss;
	uint64_t wss_pages;
};

/*
 * The start of tracking as a sample: as @first, with every counter 0. So what
 * was recorded between attach and the first read belongs to the first window.
 */
struct sample window_origin(const struct sample *first);

/**
 * window_init() - evaluate the window between two samples
 * @from: earlier sample
 * @to: later sample of the same session. If its generation is a younger one,
 *	the window begins with that generation.
 * @miss_ratio: tolerated, in [0, 1]
 * @ret_window: the window, to be freed with window_done()
 *
 * Returns 0; -EINVAL @miss_ratio is out of range, or the samples are not of one
 * session (bucket layout or rate differ); -EBADMSG a counter runs backwards or
 * the counters contradict each other; -ENOMEM.
 */
int window_init(const struct sample *from, const struct sample *to,
		double miss_ratio, struct window *ret_window);

/* Frees what a window owns and empties it; an all-zero window is fine. */
void window_done(struct window *window);

double window_seconds(const struct window *window);

/* Share of the accesses that are cold; 0 without accesses. */
double window_cold_share(const struct window *window);

/* Traps per second; 0 for a window without length. */
double window_trap_rate(const struct window *window);

/*
 * Miss ratio of a memory of @size_pages; 1 without accesses, as then nothing
 * is known.
 */
double window_miss_ratio_at(const struct window *window, double size_pages);

/* The size up to which a curve is worth showing, in pages; above 0. */
double window_extent_pages(const struct window *window);

/*
 * Why the window may say little: the sampled pages that are in use fit in the
 * hot set, where they run free and are not seen.
 */
bool window_is_starved(const struct window *window);

#endif /* CONTROLLER_WINDOW_H */
