// SPDX-License-Identifier: GPL-2.0-only
/* Makes the tracepoints; a file of its own, since it can be made only once. */
#include "aet.h"

#define CREATE_TRACE_POINTS
#include "aet_trace.h"
