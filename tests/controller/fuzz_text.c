// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Hostile command lines of VMs and of our own: nothing may crash, and what
 * comes out keeps the promises of the headers.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "text.h"
#include "vm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

static void fuzz_name(const char *cmdline, size_t size)
{
	char *name = NULL, uuid[VM_UUID_BYTES];
	int err = vm_parse_name(cmdline, size, &name);

	require(err == 0 ? name && *name && strlen(name) < size : !name);
	free(name);
	if (vm_parse_uuid(cmdline, size, uuid) == 0)
		require(strlen(uuid) == VM_UUID_BYTES - 1 && uuid[8] == '-');
}

static void fuzz_args(const char *text)
{
	uint64_t number = 0, end = 0;
	uint32_t rate = 0;
	double ratio = 0;

	if (args_number(text, 5, 500, &number) == 0)
		require(number >= 5 && number <= 500);
	(void)args_size(text, &number);
	if (args_range(text, &number, &end) == 0)
		require(number < end && end <= UINT64_MAX / 4096);
	if (args_rate(text, 65536, &rate) == 0)
		require(rate >= 1 && rate <= 65536);
	if (args_period(text, &number) == 0)
		require(number >= ARGS_PERIOD_MIN_NS &&
			number <= ARGS_PERIOD_MAX_NS);
	if (args_miss_ratio(text, &ratio) == 0)
		require(ratio >= 0 && ratio < 1);
}

static void fuzz_text(const char *text)
{
	char *printable = text_printable(text), *utf8 = text_utf8(text);
	char *xml = text_xml(text), *again;
	const char *c;

	require(printable && utf8 && xml);
	for (c = printable; *c; c++)
		require((unsigned char)*c >= 0x20 && *c != 0x7f);
	/* What is safe stays as it is. */
	again = text_printable(printable);
	require(again && strcmp(again, printable) == 0);
	free(again);
	again = text_utf8(utf8);
	require(again && strcmp(again, utf8) == 0);
	free(again);
	require(!strpbrk(xml, "<>\"'"));
	require(text_columns(text) <= strlen(text));
	free(printable);
	free(utf8);
	free(xml);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	require(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	fuzz_name((const char *)data, size);
	fuzz_args(text);
	fuzz_text(text);
	free(text);
	return 0;
}
