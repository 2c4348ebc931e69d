// SPDX-License-Identifier: GPL-2.0-or-later
/* A configuration file of any bytes: refused with a place, or valid. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In memory, as it is written a hundred thousand times. */
static char dir[] = "/dev/shm/kvm-aet-fuzz.XXXXXX";
static char path[64];

static void remove_file(void)
{
	(void)unlink(path);
	(void)rmdir(dir);
}

static void write_file(const uint8_t *data, size_t size)
{
	FILE *file;

	if (!*path) {
		if (!mkdtemp(dir))
			abort();
		(void)snprintf(path, sizeof(path), "%s/kvm-aet.conf", dir);
		(void)atexit(remove_file);
	}
	file = fopen(path, "w");
	if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config config = { 0 };
	char reason[CONFIG_ERROR_BYTES] = "";
	size_t i;

	write_file(data, size);
	if (config_read(path, &config, reason) < 0) {
		/* Nothing is set, and it is said where. */
		if (config.uri || strncmp(reason, path, strlen(path)) != 0)
			abort();
		return 0;
	}
	for (i = 0; config_key(i); i++) {
		char *value = config_value(&config, i);

		if (!value || !*value)
			abort();
		free(value);
	}
	config_done(&config);
	return 0;
}
