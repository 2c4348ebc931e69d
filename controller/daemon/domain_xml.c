// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/domain_xml.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/tree.h>

#include "args.h"
#include "cleanup.h"
#include "text.h"

/* Of a value that an error shows. */
#define DOMAIN_XML_SHOWN_COLUMNS 32

static const char *const domain_mode_names[] = {
	[VM_MODE_OBSERVE] = "observe",
	[VM_MODE_ADVISE] = "advise",
	[VM_MODE_ACT] = "act",
};
#define DOMAIN_NR_MODES \
	(sizeof(domain_mode_names) / sizeof(domain_mode_names[0]))

static void cleanup_xml_doc(xmlDoc **doc)
{
	xmlFreeDoc(*doc);
}

static void cleanup_xml_context(xmlParserCtxt **context)
{
	xmlFreeParserCtxt(*context);
}

static void cleanup_xml_string(xmlChar **string)
{
	if (*string)
		xmlFree(*string);
}

#define _cleanup_xml_doc_ CLEANUP(cleanup_xml_doc)
#define _cleanup_xml_context_ CLEANUP(cleanup_xml_context)
#define _cleanup_xml_string_ CLEANUP(cleanup_xml_string)

/*
 * Only a document type can declare entities, the one way to make much out of
 * little, or to name a file. Neither domains nor our element have one.
 */
static void domain_xml_refuse_type(void *context, const xmlChar *name,
				   const xmlChar *external_id,
				   const xmlChar *system_id)
{
	(void)name;
	(void)external_id;
	(void)system_id;
	xmlStopParser(context);
}

/* -EBADMSG: not well-formed, too long, or with a document type; -ENOMEM. */
static int domain_xml_read(const char *xml, size_t max_bytes, xmlDoc **ret_doc)
{
	_cleanup_xml_context_ xmlParserCtxt *context = NULL;
	_cleanup_xml_doc_ xmlDoc *doc = NULL;
	size_t length = strnlen(xml, max_bytes + 1);

	if (length == 0 || length > max_bytes)
		return -EBADMSG;
	context = xmlNewParserCtxt();
	if (!context)
		return -ENOMEM;
	context->sax->internalSubset = domain_xml_refuse_type;
	/* libvirt speaks UTF-8, whatever the document says of itself. */
	doc = xmlCtxtReadMemory(context, xml, (int)length, NULL, "UTF-8",
				XML_PARSE_NONET | XML_PARSE_NOERROR |
					XML_PARSE_NOWARNING);
	if (context->errNo == XML_ERR_NO_MEMORY)
		return -ENOMEM;
	if (!doc || !context->wellFormed || !xmlDocGetRootElement(doc))
		return -EBADMSG;
	*ret_doc = TAKE_PTR(doc);
	return 0;
}

static bool domain_xml_is(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE &&
	       strcmp((const char *)node->name, name) == 0;
}

static const xmlNode *domain_xml_child(const xmlNode *node, const char *name)
{
	const xmlNode *child;

	for (child = node ? node->children : NULL; child; child = child->next) {
		if (domain_xml_is(child, name))
			return child;
	}
	return NULL;
}

static bool domain_xml_attribute_is(const xmlNode *node, const char *name,
				    const char *value)
{
	_cleanup_xml_string_ xmlChar *text =
		xmlGetNoNsProp(node, (const xmlChar *)name);

	return text && strcmp((const char *)text, value) == 0;
}

static int domain_xml_unit(const char *unit, uint64_t *ret_factor)
{
	static const struct {
		const char *unit;
		uint64_t factor;
	} units[] = {
		{ "b", 1 },
		{ "bytes", 1 },
		{ "KB", 1000 },
		{ "k", UINT64_C(1) << 10 },
		{ "KiB", UINT64_C(1) << 10 },
		{ "MB", 1000000 },
		{ "M", UINT64_C(1) << 20 },
		{ "MiB", UINT64_C(1) << 20 },
		{ "GB", 1000000000 },
		{ "G", UINT64_C(1) << 30 },
		{ "GiB", UINT64_C(1) << 30 },
		{ "TB", UINT64_C(1000000000000) },
		{ "T", UINT64_C(1) << 40 },
		{ "TiB", UINT64_C(1) << 40 },
	};
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(unit, units[i].unit) == 0) {
			*ret_factor = units[i].factor;
			return 0;
		}
	}
	return -EBADMSG;
}

/*
 * A size such as <memory unit='KiB'>1048576</memory>, which without a unit is in
 * KiB. -EBADMSG: none; -ENOENT: @node is NULL; -ENOMEM.
 */
static int domain_xml_size(const xmlNode *node, uint64_t *ret_bytes)
{
	_cleanup_xml_string_ xmlChar *unit = NULL, *text = NULL;
	uint64_t number, factor;
	char *start;
	int err;

	if (!node)
		return -ENOENT;
	text = xmlNodeGetContent(node);
	if (!text)
		return -ENOMEM;
	unit = xmlGetNoNsProp(node, (const xmlChar *)"unit");
	err = domain_xml_unit(unit ? (const char *)unit : "KiB", &factor);
	if (err < 0)
		return err;
	start = (char *)text + strspn((const char *)text, " \t\r\n");
	start[strcspn(start, " \t\r\n")] = '\0';
	if (args_number(start, 0, UINT64_MAX / factor, &number) < 0)
		return -EBADMSG;
	*ret_bytes = number * factor;
	return 0;
}

/*
 * Devices that DMA into the guest's memory by themselves keep all of it pinned,
 * through VFIO or, for vDPA, through vhost. QEMU then ignores what the balloon
 * gives back.
 */
static bool domain_device_pins_memory(const xmlNode *device)
{
	if (domain_xml_is(device, "hostdev"))
		return domain_xml_attribute_is(device, "type", "pci") ||
		       domain_xml_attribute_is(device, "type", "mdev");
	if (domain_xml_is(device, "interface"))
		return domain_xml_attribute_is(device, "type", "hostdev") ||
		       domain_xml_attribute_is(device, "type", "vdpa");
	if (domain_xml_is(device, "disk"))
		return domain_xml_attribute_is(device, "type", "nvme") ||
		       domain_xml_attribute_is(device, "type", "vhostvdpa");
	return false;
}

static bool domain_balloon_is_virtio(const xmlNode *device)
{
	_cleanup_xml_string_ xmlChar *model =
		xmlGetNoNsProp(device, (const xmlChar *)"model");

	/* Also virtio-transitional and virtio-non-transitional. */
	return model && strncmp((const char *)model, "virtio", 6) == 0;
}

static unsigned int domain_balloon_period(const xmlNode *device)
{
	const xmlNode *stats = domain_xml_child(device, "stats");
	_cleanup_xml_string_ xmlChar *text = NULL;
	uint64_t period_s = 0;

	if (stats)
		text = xmlGetNoNsProp(stats, (const xmlChar *)"period");
	if (text)
		(void)args_number((const char *)text, 0, UINT_MAX, &period_s);
	return (unsigned int)period_s;
}

/*
 * virtio-mem is part of <memory> with all that it might have, of <currentMemory>
 * with what is plugged now. 0 for other memory devices, which the balloon counts
 * as memory of its own.
 */
static int domain_memory_device(const xmlNode *device, uint64_t *ret_size_bytes,
				uint64_t *ret_plugged_bytes)
{
	const xmlNode *target = domain_xml_child(device, "target");
	uint64_t size_bytes = 0, plugged_bytes = 0;
	int err;

	if (domain_xml_attribute_is(device, "model", "virtio-mem")) {
		err = domain_xml_size(domain_xml_child(target, "size"),
				      &size_bytes);
		if (err < 0)
			return err == -ENOENT ? -EBADMSG : err;
		err = domain_xml_size(domain_xml_child(target, "current"),
				      &plugged_bytes);
		if (err < 0 && err != -ENOENT)
			return err;
		if (plugged_bytes > size_bytes)
			return -EBADMSG;
	}
	*ret_size_bytes = size_bytes;
	*ret_plugged_bytes = plugged_bytes;
	return 0;
}

static int domain_facts_of_devices(const xmlNode *devices,
				   struct domain_facts *facts,
				   uint64_t *ret_pluggable_bytes)
{
	uint64_t pluggable_bytes = 0, size_bytes, plugged_bytes;
	const xmlNode *device;
	int err;

	for (device = devices ? devices->children : NULL; device;
	     device = device->next) {
		if (domain_xml_is(device, "memballoon")) {
			facts->has_balloon = domain_balloon_is_virtio(device);
			facts->has_free_page_reporting =
				facts->has_balloon &&
				domain_xml_attribute_is(
					device, "freePageReporting", "on");
			facts->stats_period_s = domain_balloon_period(device);
		} else if (domain_xml_is(device, "memory")) {
			err = domain_memory_device(device, &size_bytes,
						   &plugged_bytes);
			if (err < 0)
				return err;
			if (__builtin_add_overflow(pluggable_bytes, size_bytes,
						   &pluggable_bytes))
				return -EBADMSG;
			/* Each at most its size: no overflow either. */
			facts->plugged_bytes += plugged_bytes;
		} else if (domain_device_pins_memory(device)) {
			facts->has_host_devices = true;
		}
	}
	*ret_pluggable_bytes = pluggable_bytes;
	return 0;
}

int domain_facts_parse(const char *xml, struct domain_facts *ret_facts)
{
	_cleanup_xml_doc_ xmlDoc *doc = NULL;
	struct domain_facts facts = { 0 };
	uint64_t pluggable_bytes = 0;
	const xmlNode *root, *backing;
	int err;

	err = domain_xml_read(xml, DOMAIN_XML_MAX_BYTES, &doc);
	if (err < 0)
		return err;
	root = xmlDocGetRootElement(doc);
	if (!domain_xml_is(root, "domain"))
		return -EBADMSG;
	err = domain_xml_size(domain_xml_child(root, "memory"),
			      &facts.max_bytes);
	if (err < 0)
		return err == -ENOENT ? -EBADMSG : err;
	err = domain_xml_size(domain_xml_child(root, "currentMemory"),
			      &facts.current_bytes);
	if (err == -ENOENT)
		facts.current_bytes = facts.max_bytes;
	else if (err < 0)
		return err;

	err = domain_facts_of_devices(domain_xml_child(root, "devices"), &facts,
				      &pluggable_bytes);
	if (err < 0)
		return err;
	if (pluggable_bytes > facts.max_bytes)
		return -EBADMSG;
	facts.max_bytes -= pluggable_bytes;
	facts.max_bytes += facts.plugged_bytes;
	if (facts.max_bytes == 0)
		return -EBADMSG;

	backing = domain_xml_child(root, "memoryBacking");
	facts.is_locked = domain_xml_child(backing, "locked");
	facts.has_hugetlbfs = domain_xml_child(backing, "hugepages");
	facts.is_protected = domain_xml_child(root, "launchSecurity");
	*ret_facts = facts;
	return 0;
}

const char *domain_facts_immovable_reason(const struct domain_facts *facts)
{
	if (!facts->has_balloon)
		return "it has no virtio balloon: add <memballoon model='virtio'/>";
	if (facts->has_host_devices)
		return "a VFIO, mediated or vDPA device pins its memory: a balloon frees none of it";
	if (facts->is_protected)
		return "its memory is encrypted and pinned (launchSecurity): a balloon frees none of it";
	if (facts->is_locked)
		return "its memory is locked (memoryBacking): a balloon frees none of it";
	if (facts->has_hugetlbfs)
		return "its memory is of hugetlbfs pages (memoryBacking), which a balloon cannot free";
	return NULL;
}

static __attribute__((format(printf, 2, 3))) int
domain_policy_error(char ret_error[DOMAIN_XML_ERROR_BYTES], const char *format,
		    ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(ret_error, DOMAIN_XML_ERROR_BYTES, format, args);
	va_end(args);
	return -EBADMSG;
}

/* @text is not ours. -ENOMEM or -EBADMSG. */
static int domain_policy_shown_error(char ret_error[DOMAIN_XML_ERROR_BYTES],
				     const char *before, const char *text,
				     const char *after)
{
	_cleanup_free_ char *shown = text_cut(text, DOMAIN_XML_SHOWN_COLUMNS);

	if (!shown)
		return -ENOMEM;
	return domain_policy_error(ret_error, "%s'%s'%s", before, shown, after);
}

static int domain_policy_size(const char *name, const char *text,
			      uint64_t *ret_bytes,
			      char ret_error[DOMAIN_XML_ERROR_BYTES])
{
	char before[16];
	uint64_t bytes;

	(void)snprintf(before, sizeof(before), "%s=", name);
	if (args_size(text, &bytes) < 0)
		return domain_policy_shown_error(
			ret_error, before, text,
			" is no size: expected a number with KiB, MiB, GiB or TiB, such as 512MiB");
	if (bytes == 0 || bytes % VIEW_PAGE_BYTES)
		return domain_policy_shown_error(
			ret_error, before, text,
			" is not a multiple of 4KiB above 0");
	*ret_bytes = bytes;
	return 0;
}

static int domain_policy_weight(const char *text, double *ret_weight,
				char ret_error[DOMAIN_XML_ERROR_BYTES])
{
	double weight;

	/* Written so that a NaN fails. */
	if (args_decimal(text, &weight) < 0 ||
	    !(weight >= DOMAIN_WEIGHT_MIN && weight <= DOMAIN_WEIGHT_MAX))
		return domain_policy_shown_error(
			ret_error, "weight=", text,
			" is not from 0.000001 to 1000000, such as 2 or 0.5");
	*ret_weight = weight;
	return 0;
}

static int domain_policy_mode(const char *text, enum vm_mode *ret_mode,
			      char ret_error[DOMAIN_XML_ERROR_BYTES])
{
	size_t i;

	for (i = 0; i < DOMAIN_NR_MODES; i++) {
		if (strcmp(text, domain_mode_names[i]) == 0) {
			*ret_mode = (enum vm_mode)i;
			return 0;
		}
	}
	return domain_policy_shown_error(
		ret_error, "mode=", text,
		" is no mode: expected observe, advise or act");
}

static int domain_policy_attribute(const char *name, const char *text,
				   struct domain_policy *policy,
				   char ret_error[DOMAIN_XML_ERROR_BYTES])
{
	int err;

	if (strcmp(name, "min") == 0) {
		err = domain_policy_size(name, text, &policy->min_bytes,
					 ret_error);
		policy->has_min = err == 0;
	} else if (strcmp(name, "max") == 0) {
		err = domain_policy_size(name, text, &policy->max_bytes,
					 ret_error);
		policy->has_max = err == 0;
	} else if (strcmp(name, "weight") == 0) {
		err = domain_policy_weight(text, &policy->weight, ret_error);
		policy->has_weight = err == 0;
	} else if (strcmp(name, "mode") == 0) {
		err = domain_policy_mode(text, &policy->mode, ret_error);
		policy->has_mode = err == 0;
	} else {
		err = domain_policy_shown_error(
			ret_error, "attribute ", name,
			" is not known: expected min, max, weight or mode");
	}
	return err;
}

static int domain_policy_attributes(const xmlNode *element,
				    struct domain_policy *policy,
				    char ret_error[DOMAIN_XML_ERROR_BYTES])
{
	const xmlAttr *attribute;
	int err;

	for (attribute = element->properties; attribute;
	     attribute = attribute->next) {
		_cleanup_xml_string_ xmlChar *text = NULL;

		if (attribute->ns)
			return domain_policy_shown_error(
				ret_error, "attribute ",
				(const char *)attribute->name,
				" has a namespace: expected min, max, weight or mode without one");
		text = xmlNodeListGetString(element->doc, attribute->children,
					    1);
		/* An empty value has no nodes. */
		err = domain_policy_attribute((const char *)attribute->name,
					      text ? (const char *)text : "",
					      policy, ret_error);
		if (err < 0)
			return err;
	}
	return 0;
}

static int domain_policy_content(const xmlNode *element,
				 char ret_error[DOMAIN_XML_ERROR_BYTES])
{
	const xmlNode *child;

	for (child = element->children; child; child = child->next) {
		if (child->type == XML_COMMENT_NODE || xmlIsBlankNode(child))
			continue;
		if (child->type == XML_ELEMENT_NODE)
			return domain_policy_shown_error(
				ret_error, "element ",
				(const char *)child->name,
				" inside <policy>: expected the attributes min, max, weight and mode only");
		return domain_policy_error(
			ret_error,
			"text inside <policy>: expected the attributes min, max, weight and mode only");
	}
	return 0;
}

int domain_policy_check(const struct domain_policy *policy,
			char ret_error[DOMAIN_XML_ERROR_BYTES])
{
	static const char size[] = "%s is no multiple of 4KiB above 0: %" PRIu64
				   " bytes";

	if (policy->has_min &&
	    (policy->min_bytes == 0 || policy->min_bytes % VIEW_PAGE_BYTES)) {
		(void)domain_policy_error(ret_error, size, "min",
					  policy->min_bytes);
		return -EINVAL;
	}
	if (policy->has_max &&
	    (policy->max_bytes == 0 || policy->max_bytes % VIEW_PAGE_BYTES)) {
		(void)domain_policy_error(ret_error, size, "max",
					  policy->max_bytes);
		return -EINVAL;
	}
	if (policy->has_weight && !(policy->weight >= DOMAIN_WEIGHT_MIN &&
				    policy->weight <= DOMAIN_WEIGHT_MAX)) {
		(void)domain_policy_error(
			ret_error, "weight is not from 0.000001 to 1000000");
		return -EINVAL;
	}
	if (policy->has_mode && (size_t)policy->mode >= DOMAIN_NR_MODES) {
		(void)domain_policy_error(ret_error,
					  "mode is not observe, advise or act");
		return -EINVAL;
	}
	if (policy->has_min && policy->has_max &&
	    policy->min_bytes > policy->max_bytes) {
		(void)domain_policy_error(ret_error,
					  "min is above max (%" PRIu64
					  "KiB and %" PRIu64
					  "KiB): lower min or raise max",
					  policy->min_bytes / 1024,
					  policy->max_bytes / 1024);
		return -EINVAL;
	}
	return 0;
}

int domain_policy_parse(const char *xml, struct domain_policy *ret_policy,
			char ret_error[DOMAIN_XML_ERROR_BYTES])
{
	_cleanup_xml_doc_ xmlDoc *doc = NULL;
	struct domain_policy policy = { 0 };
	const xmlNode *root;
	int err;

	if (!xml) {
		*ret_policy = policy;
		return 0;
	}
	err = domain_xml_read(xml, DOMAIN_POLICY_MAX_BYTES, &doc);
	if (err == -EBADMSG)
		return domain_policy_error(
			ret_error,
			"not well-formed XML of at most 4KiB: expected <policy min='512MiB' max='4GiB' weight='2' mode='act'/>");
	if (err < 0)
		return err;
	root = xmlDocGetRootElement(doc);
	if (!domain_xml_is(root, "policy"))
		return domain_policy_shown_error(
			ret_error, "element ", (const char *)root->name,
			": expected <policy min='512MiB' max='4GiB' weight='2' mode='act'/>");
	if (root->ns &&
	    strcmp((const char *)root->ns->href, DOMAIN_METADATA_URI) != 0)
		return domain_policy_shown_error(
			ret_error, "namespace ", (const char *)root->ns->href,
			": expected " DOMAIN_METADATA_URI);

	err = domain_policy_attributes(root, &policy, ret_error);
	if (err < 0)
		return err;
	err = domain_policy_content(root, ret_error);
	if (err < 0)
		return err;
	if (domain_policy_check(&policy, ret_error) < 0)
		return -EBADMSG;
	*ret_policy = policy;
	return 0;
}

static void domain_policy_print_size(FILE *out, const char *name,
				     uint64_t bytes)
{
	static const char *const units[] = { "", "KiB", "MiB", "GiB", "TiB" };
	size_t i = 0;

	while (i < sizeof(units) / sizeof(units[0]) - 1 && bytes % 1024 == 0) {
		bytes /= 1024;
		i++;
	}
	fprintf(out, " %s='%" PRIu64 "%s'", name, bytes, units[i]);
}

/* Not with %f, whose decimal point is the locale's. */
static void domain_policy_print_weight(FILE *out, double weight)
{
	static const uint64_t billion = 1000000000;
	uint64_t billionths = (uint64_t)llround(weight * 1e9);
	char decimals[24];
	size_t length;

	(void)snprintf(decimals, sizeof(decimals), "%09" PRIu64,
		       billionths % billion);
	length = strlen(decimals);
	while (length > 0 && decimals[length - 1] == '0')
		length--;
	fprintf(out, " weight='%" PRIu64 "%s%.*s'", billionths / billion,
		length ? "." : "", (int)length, decimals);
}

char *domain_policy_format(const struct domain_policy *policy)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fputs("<policy", out);
	if (policy->has_min)
		domain_policy_print_size(out, "min", policy->min_bytes);
	if (policy->has_max)
		domain_policy_print_size(out, "max", policy->max_bytes);
	if (policy->has_weight)
		domain_policy_print_weight(out, policy->weight);
	if (policy->has_mode)
		fprintf(out, " mode='%s'", domain_mode_names[policy->mode]);
	fputs("/>", out);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
