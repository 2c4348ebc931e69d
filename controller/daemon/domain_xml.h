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

/* Longer documents are refused: libvirt's own are a few KiB. */
#define DOMAIN_XML_MAX_BYTES (4 << 20)
#define DOMAIN_POLICY_MAX_BYTES 4096

/* Weights that the metadata may have; their ratio still fits a double. */
#define DOMAIN_WEIGHT_MIN 0.000001
#define DOMAIN_WEIGHT_MAX 1000000

/**
 * struct domain_facts - of the domain's live XML
 * @max_bytes: what the guest can have with the balloon empty, with what is
 *	plugged now
 * @current_bytes: what it has, as libvirt remembers, with what is plugged now
 * @plugged_bytes: of both, by virtio-mem devices, which no balloon can take
 * @stats_period_s: how often the balloon reads the guest's values; 0: never
 * @has_balloon: a virtio memballoon
 * @has_free_page_reporting: the balloon's freePageReporting is on
 * @has_host_devices: VFIO, mediated or vDPA devices: they pin the guest's
 *	memory, the balloon is useless. USB and SCSI devices of the host do not.
 * @is_locked: memoryBacking locked
 * @has_hugetlbfs: memoryBacking hugepages
 * @is_protected: launchSecurity: the guest's memory is encrypted and pinned
 */
struct domain_facts {
	uint64_t max_bytes;
	uint64_t current_bytes;
	uint64_t plugged_bytes;
	unsigned int stats_period_s;
	bool has_balloon;
	bool has_free_page_reporting;
	bool has_host_devices;
	bool is_locked;
	bool has_hugetlbfs;
	bool is_protected;
};

/* -EBADMSG: not the XML of a domain, or with a document type; -ENOMEM. */
int domain_facts_parse(const char *xml, struct domain_facts *ret_facts);

/* Why its balloon must not be moved, for people; NULL if it may. */
const char *domain_facts_immovable_reason(const struct domain_facts *facts);

/**
 * struct domain_policy - our metadata; what is absent is not set
 * @min_bytes: a multiple of a page, at least one
 * @max_bytes: likewise; at least @min_bytes if that is set, too
 * @weight: in [DOMAIN_WEIGHT_MIN, DOMAIN_WEIGHT_MAX], at most 9 decimals
 * @mode: of this VM
 */
struct domain_policy {
	bool has_min, has_max, has_weight, has_mode;
	uint64_t min_bytes;
	uint64_t max_bytes;
	double weight;
	enum vm_mode mode;
};

/*
 * @xml: the element, as virDomainGetMetadata() returns it (without its
 * namespace; with ours it is as good), or NULL: nothing set. An attribute or
 * element that is not known is an error: a misspelt "min" must not pass for none.
 * -EBADMSG: @ret_error says in one line what is wrong and what is expected;
 * -ENOMEM.
 */
int domain_policy_parse(const char *xml, struct domain_policy *ret_policy,
			char ret_error[DOMAIN_XML_ERROR_BYTES]);

/* The same checks: 0, or -EINVAL with @ret_error. */
int domain_policy_check(const struct domain_policy *policy,
			char ret_error[DOMAIN_XML_ERROR_BYTES]);

/*
 * The element for `kvm-aet set`, of a policy that passes the checks;
 * domain_policy_parse() gives the same policy again. NULL: out of memory. To be
 * freed.
 */
char *domain_policy_format(const struct domain_policy *policy);

#endif /* DAEMON_DOMAIN_XML_H */
