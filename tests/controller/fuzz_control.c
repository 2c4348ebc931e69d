// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages from the control socket: anything, and what it says of itself. */
#include <stdlib.h>
#include <string.h>

#include "daemon/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control_error error = { 0 };
	json_t *message, *id, *arguments;

	message = control_parse((const char *)data, size, &id, &error);
	if (!message) {
		if (!error.class || !*error.desc)
			abort();
		json_decref(id);
		return 0;
	}
	arguments = json_object_get(message, "arguments");
	if (!json_is_string(json_object_get(message, "execute")) ||
	    (arguments && !json_is_object(arguments)) ||
	    id != json_object_get(message, "id"))
		abort();
	json_decref(id);
	json_decref(message);
	return 0;
}
