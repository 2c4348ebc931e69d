// SPDX-License-Identifier: GPL-2.0-or-later
#include "recording.h"
#include "units.h"
#include "verbs.h"

static int view_copy_curve(const struct mrc_curve *curve,
			   const struct mrc_curve **copy)
{
	struct mrc_curve *made = NULL;
	int err = curve ? recording_thin_curve(curve, &made) : 0;

	if (err < 0)
		return err;
	mrc_curve_free((struct mrc_curve *)*copy);
	*copy = made;
	return 0;
}

int verb_view_window(const struct window *window, struct vm_view *view)
{
	double seconds = window_seconds(window);
	int err;

	err = view_copy_curve(window->curve, &view->curve);
	if (err == 0)
		err = view_copy_curve(window->lower, &view->lower);
	if (err == 0)
		err = view_copy_curve(window->upper, &view->upper);
	if (err < 0)
		return err;
	view->accesses_per_s = seconds > 0 ? (double)window->accesses *
						     window->scale / seconds :
					     0;
	view->wss = window->wss == WINDOW_WSS_KNOWN ? VM_WSS_KNOWN :
		    window->wss == WINDOW_WSS_ABOVE ? VM_WSS_ABOVE :
						      VM_WSS_UNKNOWN;
	view->wss_bytes = window->wss_pages * PAGE_BYTES;
	view->inverse_rate = window->inverse_rate;
	view->is_starved = window_is_starved(window);
	return 0;
}
