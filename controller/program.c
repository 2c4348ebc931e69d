// SPDX-License-Identifier: GPL-2.0-or-later
#include "log.h"

const char log_program[] = "kvm-aet";
