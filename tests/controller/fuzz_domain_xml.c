// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Domains and metadata of anyone: nothing may crash, what comes out keeps the
 * promises of the header, and a policy survives being written and read.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/domain_xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

static void fuzz_facts(const char *xml)
{
	struct domain_facts facts;

	if (domain_facts_parse(xml, &facts) == 0) {
		require(facts.max_bytes > 0);
		require(facts.plugged_bytes <= facts.max_bytes);
		require(facts.has_balloon ||
			domain_facts_immovable_reason(&facts));
	}
}

static void fuzz_policy(const char *xml)
{
	struct domain_policy policy, again;
	char error[DOMAIN_XML_ERROR_BYTES] = "";
	const unsigned char *c;
	char *text;

	if (domain_policy_parse(xml, &policy, error) != 0) {
		require(error[0] != '\0');
		for (c = (const unsigned char *)error; *c; c++)
			require(*c >= 0x20 && *c != 0x7f);
		return;
	}
	require(domain_policy_check(&policy, error) == 0);
	text = domain_policy_format(&policy);
	require(text && domain_policy_parse(text, &again, error) == 0);
	require(again.has_min == policy.has_min &&
		again.has_max == policy.has_max &&
		again.has_weight == policy.has_weight &&
		again.has_mode == policy.has_mode);
	require(again.min_bytes == policy.min_bytes &&
		again.max_bytes == policy.max_bytes &&
		again.mode == policy.mode);
	require(!policy.has_weight || again.weight == policy.weight);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *xml = malloc(size + 1);

	require(xml != NULL);
	if (size > 0)
		memcpy(xml, data, size);
	xml[size] = '\0';
	fuzz_facts(xml);
	fuzz_policy(xml);
	free(xml);
	return 0;
}
