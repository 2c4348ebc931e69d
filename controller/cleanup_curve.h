/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cleanup.h for the curves of libmrc. */
#ifndef CONTROLLER_CLEANUP_CURVE_H
#define CONTROLLER_CLEANUP_CURVE_H

#include <mrc/curve.h>

#include "cleanup.h"

static inline void cleanup_curve(struct mrc_curve **curve)
{
	mrc_curve_free(*curve);
}

#define _cleanup_curve_ CLEANUP(cleanup_curve)

#endif /* CONTROLLER_CLEANUP_CURVE_H */
