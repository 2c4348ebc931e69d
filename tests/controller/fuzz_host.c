// SPDX-License-Identifier: GPL-2.0-or-later
/* Files of /proc that say anything: what is taken from them is possible. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/host.h"
#include "daemon/vcpu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct host_view view = { 0 };
	uint64_t pages = 7, ns = 7;
	char *text = malloc(size + 1);

	require(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	if (host_parse_meminfo(text, &view))
		require(view.total_bytes > 0 &&
			view.available_bytes <= view.total_bytes);
	else
		require(!view.total_bytes && !view.available_bytes);
	if (host_parse_pressure(text, &view))
		require(view.has_pressure && view.memory_some_percent >= 0 &&
			view.memory_some_percent <= 100 &&
			view.memory_full_percent >= 0 &&
			view.memory_full_percent <= 100);
	else
		require(!view.has_pressure);
	if (!host_parse_vmstat(text, &pages))
		require(pages == 7);
	if (vcpu_parse_stat(text, 100, &ns))
		require(ns % 10000000 == 0);
	else
		require(ns == 7);
	(void)vcpu_parse_schedstat(text, &ns);
	if (vcpu_is_thread_name(text))
		require(strstr(text, "/KVM") != NULL);
	free(text);
	return 0;
}
