// SPDX-License-Identifier: GPL-2.0-or-later
#include "follow.h"

#include "cleanup.h"

static enum follow_end follow_end_of(enum source_event event,
				     const struct sample *sample)
{
	if (event == SOURCE_INTERRUPTED)
		return FOLLOW_INTERRUPTED;
	if (sample->state == KVM_AET_STOPPED)
		return FOLLOW_STOPPED;
	/* The process can be gone a moment before the module knows. */
	if (event == SOURCE_ENDED || sample->state == KVM_AET_VM_EXITED)
		return FOLLOW_VM_EXITED;
	return FOLLOW_COUNTED;
}

int follow_run(struct source *source, const struct follow_options *options,
	       follow_emit_fn emit, void *context, enum follow_end *ret_end)
{
	CLEANUP(sample_done) struct sample from = { 0 }, to = { 0 };
	enum follow_end end = FOLLOW_COUNTED;
	uint64_t deadline_ns, nr_emitted = 0;
	int err;

	err = source_read(source, false, &to);
	if (err < 0)
		return err;
	from = window_origin(&to);
	sample_done(&to);
	deadline_ns = from.time_ns + options->period_ns;
	do {
		CLEANUP(window_done) struct window window = { 0 };
		enum source_event event;
		uint64_t last_ns = deadline_ns - options->period_ns;

		err = source_wait(source, deadline_ns, &event);
		if (err < 0)
			return err;
		err = source_read(source, !options->is_cumulative, &to);
		if (err < 0)
			return err;
		end = follow_end_of(event, &to);
		err = window_init(&from, &to, options->miss_ratio, &window);
		if (err < 0)
			return err;
		window.is_partial = event != SOURCE_DEADLINE;
		if (!window.is_partial || !nr_emitted ||
		    (to.time_ns > last_ns &&
		     to.time_ns - last_ns >= options->period_ns / 2)) {
			err = emit(context, &window);
			if (err < 0)
				return err;
			nr_emitted++;
			/* The VM's end after the last window is no news. */
			if (nr_emitted == options->nr_windows &&
			    !window.is_partial)
				end = FOLLOW_COUNTED;
		}
		deadline_ns += options->period_ns;
		/* Late, for instance after a suspend: no burst of windows. */
		if (deadline_ns <= to.time_ns)
			deadline_ns = to.time_ns + options->period_ns;
		if (!options->is_cumulative) {
			sample_done(&from);
			from = to;
			to = (struct sample){ 0 };
		} else {
			sample_done(&to);
		}
	} while (end == FOLLOW_COUNTED && nr_emitted != options->nr_windows);
	*ret_end = end;
	return 0;
}
