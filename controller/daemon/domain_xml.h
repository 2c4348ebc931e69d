/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a domain's XML and its metadata of ours say. Pure; any bytes are fine.
 *
 * Metadata, set with
 *	virsh metadata DOMAIN --uri DOMAIN_METADATA_URI --key kvm-aet --set '...'
 *
 *	<policy min='512MiB' max='4GiB' weight='2' mode='act'/>
 */
#ifndef DAEMON_DOMAIN_XML_H
#define DAEMON_DOMAIN_XML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/view.h"

#define DOMAIN_METADATA_URI "urn:kvm-aet:policy:1"
#define DOMAIN_XML_ERROR_BYTES 200

/**
 * struct domain_facts - of the domain's live XML
 * @max_bytes: what the balloon can give at most
 * @current_bytes: balloon target that libvirt remembers
 * @has_balloon: a virtio memballoon
 * @has_free_page_reporting: the balloon's freePageReporting is on
 * @has_host_devices: hostdev or the like: memory is pinned, the balloon useless
 * @is_locked: memoryBacking locked
 * @has_hugetlbfs: memoryBacking hugepages
 */
struct domain_facts {
	uint64_t max_bytes;
	uint64_t current_bytes;
	bool has_balloon;
	bool has_free_page_reporting;
	bool has_host_devices;
	bool is_locked;
	bool has_hugetlbfs;
};

/* -EBADMSG: not the XML of a domain; -ENOMEM. */
int domain_facts_parse(const char *xml, struct domain_facts *ret_facts);

/* Why its balloon must not be moved, for people; NULL if it may. */
const char *domain_facts_immovable_reason(const struct domain_facts *facts);

/**
 * struct domain_policy - our metadata; what is absent is not set
 */
struct domain_policy {
	bool has_min, has_max, has_weight, has_mode;
	uint64_t min_bytes;
	uint64_t max_bytes;
	double weight;
	enum vm_mode mode;
};

/*
 * @xml: the element, as virDomainGetMetadata() returns it, or NULL: nothing set.
 * -EBADMSG: @ret_error says in one line what is wrong and what is expected;
 * -ENOMEM.
 */
int domain_policy_parse(const char *xml, struct domain_policy *ret_policy,
			char ret_error[DOMAIN_XML_ERROR_BYTES]);

/* The element for `kvm-aet set`; NULL: out of memory. To be freed. */
char *domain_policy_format(const struct domain_policy *policy);

#endif /* DAEMON_DOMAIN_XML_H */
