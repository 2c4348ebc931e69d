// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl_test.h"

#include <errno.h>

#include "daemon/domain_xml.h"

#define KIB UINT64_C(1024)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

static struct domain_facts facts_of(const char *xml)
{
	struct domain_facts facts;

	if (domain_facts_parse(xml, &facts) != 0) {
		print_error("not taken: %s\n", xml);
		fail();
	}
	return facts;
}

static void refuse_facts(const char *xml)
{
	struct domain_facts facts = { .max_bytes = 42 };

	if (domain_facts_parse(xml, &facts) != -EBADMSG) {
		print_error("taken: %s\n", xml);
		fail();
	}
	assert_int_equal(facts.max_bytes, 42);
}

static void test_ordinary_domain(void **state)
{
	struct domain_facts facts = facts_of(
		"<domain type='kvm' id='7'><name>web1</name>"
		"<metadata><x:memory xmlns:x='urn:x'>5</x:memory></metadata>"
		"<memory unit='KiB'>4194304</memory>"
		"<currentMemory unit='KiB'>2097152</currentMemory>"
		"<memoryBacking><source type='memfd'/></memoryBacking>"
		"<devices><interface type='bridge'/><disk type='file'/>"
		"<memballoon model='virtio' freePageReporting='on'>"
		"<stats period='5'/></memballoon></devices></domain>");

	(void)state;
	assert_int_equal(facts.max_bytes, 4 * GIB);
	assert_int_equal(facts.current_bytes, 2 * GIB);
	assert_int_equal(facts.plugged_bytes, 0);
	assert_int_equal(facts.stats_period_s, 5);
	assert_true(facts.has_balloon);
	assert_true(facts.has_free_page_reporting);
	assert_null(domain_facts_immovable_reason(&facts));
}

/* A domain with this in its root and these devices. */
static struct domain_facts facts_with(const char *root, const char *devices)
{
	char xml[1000];

	(void)snprintf(xml, sizeof(xml),
		       "<domain><memory>1048576</memory>%s"
		       "<devices><memballoon model='virtio'/>%s</devices>"
		       "</domain>",
		       root, devices);
	return facts_of(xml);
}

static void test_what_makes_a_balloon_useless(void **state)
{
	static const struct {
		const char *root;
		const char *devices;
		const char *reason;
	} cases[] = {
		{ "", "<hostdev mode='subsystem' type='pci'/>", "VFIO" },
		{ "", "<hostdev mode='subsystem' type='mdev'/>", "VFIO" },
		{ "", "<interface type='hostdev'/>", "VFIO" },
		{ "", "<interface type='vdpa'/>", "VFIO" },
		{ "", "<disk type='nvme'/>", "VFIO" },
		{ "", "<disk type='vhostvdpa'/>", "VFIO" },
		{ "<memoryBacking><locked/></memoryBacking>", "", "locked" },
		{ "<memoryBacking><hugepages><page size='2048'/></hugepages></memoryBacking>",
		  "", "hugetlbfs" },
		{ "<launchSecurity type='sev'/>", "", "encrypted" },
		{ "", "<memballoon model='none'/>", "no virtio balloon" },
		{ "", "<memballoon model='xen'/>", "no virtio balloon" },
	};
	struct domain_facts facts;
	const char *reason;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		facts = facts_with(cases[i].root, cases[i].devices);
		reason = domain_facts_immovable_reason(&facts);
		assert_non_null(reason);
		assert_contains(reason, cases[i].reason);
	}
}

static void test_what_does_not(void **state)
{
	struct domain_facts facts = facts_with(
		"<memoryBacking><access mode='shared'/></memoryBacking>",
		"<hostdev mode='subsystem' type='usb'/>"
		"<hostdev mode='subsystem' type='scsi'/>"
		"<memballoon model='virtio-transitional'/>"
		"<filesystem type='mount'/>");

	(void)state;
	assert_null(domain_facts_immovable_reason(&facts));
	assert_false(facts.has_free_page_reporting);
}

static void test_units(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} cases[] = {
		{ "<memory>1024</memory>", MIB },
		{ "<memory unit='b'>4096</memory>", 4096 },
		{ "<memory unit='bytes'>4096</memory>", 4096 },
		{ "<memory unit='KB'>5</memory>", 5000 },
		{ "<memory unit='k'>5</memory>", 5 * KIB },
		{ "<memory unit='MB'>5</memory>", 5000000 },
		{ "<memory unit='MiB'> 5\n</memory>", 5 * MIB },
		{ "<memory unit='M'>5</memory>", 5 * MIB },
		{ "<memory unit='G'>5</memory>", 5 * GIB },
		{ "<memory unit='TiB'>1</memory>", 1024 * GIB },
		{ "<memory unit='GB'>1</memory>", 1000000000 },
		{ "<memory unit='TB'>1</memory>", UINT64_C(1000000000000) },
	};
	char xml[200];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct domain_facts facts;

		(void)snprintf(xml, sizeof(xml), "<domain>%s</domain>",
			       cases[i].text);
		facts = facts_of(xml);
		assert_int_equal(facts.max_bytes, cases[i].bytes);
		/* Without <currentMemory> it has all. */
		assert_int_equal(facts.current_bytes, cases[i].bytes);
	}
}

static void test_memory_devices(void **state)
{
	struct domain_facts facts = facts_of(
		"<domain><memory unit='GiB'>7</memory>"
		"<currentMemory unit='MiB'>1536</currentMemory><devices>"
		"<memory model='dimm'><target><size unit='GiB'>1</size></target></memory>"
		"<memory model='virtio-mem'><target><size unit='GiB'>4</size>"
		"<requested unit='GiB'>1</requested>"
		"<current unit='MiB'>512</current></target></memory>"
		"<memballoon model='virtio'/></devices></domain>");

	(void)state;
	/* 2 GiB at boot and the DIMM are under the balloon. */
	assert_int_equal(facts.max_bytes, 3 * GIB + 512 * MIB);
	assert_int_equal(facts.current_bytes, 1536 * MIB);
	assert_int_equal(facts.plugged_bytes, 512 * MIB);
}

static void test_no_domain(void **state)
{
	static const char *const cases[] = {
		"",
		"web1",
		"<domain>",
		"<domain/>",
		"<network><memory>1024</memory></network>",
		"<domain><memory>0</memory></domain>",
		"<domain><memory>-1</memory></domain>",
		"<domain><memory>1e6</memory></domain>",
		"<domain><memory unit='PiB'>1</memory></domain>",
		"<domain><memory unit='TiB'>99999999999</memory></domain>",
		"<domain><memory>1024</memory><currentMemory>x</currentMemory></domain>",
		/* More pluggable than there is, more plugged than pluggable. */
		"<domain><memory>1024</memory><devices><memory model='virtio-mem'>"
		"<target><size>2048</size></target></memory></devices></domain>",
		"<domain><memory>4096</memory><devices><memory model='virtio-mem'>"
		"<target><size>1024</size><current>2048</current></target></memory></devices></domain>",
		"<domain><memory>4096</memory><devices><memory model='virtio-mem'/></devices></domain>",
		/* Neither entities nor files. */
		"<!DOCTYPE domain><domain><memory>1024</memory></domain>",
		"<!DOCTYPE domain [<!ENTITY m '1024'>]><domain><memory>&m;</memory></domain>",
		"<!DOCTYPE d SYSTEM 'file:///etc/passwd'><domain><memory>1024</memory></domain>",
		"<domain><memory>&m;</memory></domain>",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		refuse_facts(cases[i]);
}

static void test_too_long(void **state)
{
	size_t size = DOMAIN_XML_MAX_BYTES + 2;
	char *xml = malloc(size);

	(void)state;
	assert_non_null(xml);
	memset(xml, ' ', size);
	memcpy(xml, "<domain><memory>1024</memory></domain>", 38);
	xml[size - 2] = '\0';
	(void)facts_of(xml);
	xml[size - 2] = ' ';
	xml[size - 1] = '\0';
	refuse_facts(xml);
	free(xml);
}

static struct domain_policy policy_of(const char *xml)
{
	struct domain_policy policy;
	char error[DOMAIN_XML_ERROR_BYTES] = "";

	if (domain_policy_parse(xml, &policy, error) != 0) {
		print_error("%s: %s\n", xml, error);
		fail();
	}
	return policy;
}

static void test_policy(void **state)
{
	struct domain_policy policy = policy_of(
		"<policy min='512MiB' max='4GiB' weight='2.5' mode='act'/>");

	(void)state;
	assert_true(policy.has_min && policy.has_max && policy.has_weight &&
		    policy.has_mode);
	assert_int_equal(policy.min_bytes, 512 * MIB);
	assert_int_equal(policy.max_bytes, 4 * GIB);
	assert_near(policy.weight, 2.5, 0);
	assert_int_equal(policy.mode, VM_MODE_ACT);

	policy = policy_of("<p:policy xmlns:p='" DOMAIN_METADATA_URI
			   "' min='4096'><!-- one page --> </p:policy>");
	assert_true(policy.has_min);
	assert_int_equal(policy.min_bytes, 4096);
	assert_false(policy.has_max || policy.has_weight || policy.has_mode);
}

static void test_no_policy(void **state)
{
	struct domain_policy policy = policy_of(NULL);

	(void)state;
	assert_false(policy.has_min || policy.has_max || policy.has_weight ||
		     policy.has_mode);
	policy = policy_of("<policy/>");
	assert_false(policy.has_min || policy.has_max || policy.has_weight ||
		     policy.has_mode);
}

static void test_broken_policy(void **state)
{
	static const struct {
		const char *xml;
		const char *error;
	} cases[] = {
		{ "<policy mni='1GiB'/>",
		  "attribute 'mni' is not known: expected min, max, weight or mode" },
		{ "<policy min='lots'/>", "min='lots' is no size" },
		{ "<policy min=''/>", "min='' is no size" },
		{ "<policy max='1.5GiB'/>", "max='1.5GiB' is no size" },
		{ "<policy min='0'/>", "min='0' is not a multiple of 4KiB" },
		{ "<policy max='5000'/>",
		  "max='5000' is not a multiple of 4KiB" },
		{ "<policy max='99999999TiB'/>", "is no size" },
		{ "<policy min='2GiB' max='1GiB'/>",
		  "min is above max (2097152KiB and 1048576KiB)" },
		{ "<policy weight='0'/>", "weight='0' is not from" },
		{ "<policy weight='-1'/>", "weight='-1' is not from" },
		{ "<policy weight='nan'/>", "weight='nan' is not from" },
		{ "<policy weight='inf'/>", "weight='inf' is not from" },
		{ "<policy weight='1000001'/>", "is not from" },
		{ "<policy mode='on'/>",
		  "mode='on' is no mode: expected observe, advise or act" },
		{ "<policy x:min='1GiB' xmlns:x='urn:x'/>",
		  "attribute 'min' has a namespace" },
		{ "<policy><min>1GiB</min></policy>",
		  "element 'min' inside <policy>" },
		{ "<policy>1GiB</policy>", "text inside <policy>" },
		{ "<policies/>", "element 'policies': expected <policy" },
		{ "<policy xmlns='urn:other'/>", "namespace 'urn:other'" },
		{ "<policy min='1GiB'", "not well-formed XML" },
		{ "", "not well-formed XML" },
		{ "<!DOCTYPE p [<!ENTITY m '1GiB'>]><policy min='&m;'/>",
		  "not well-formed XML" },
		/* Such a value must not spoil a log or a terminal. */
		{ "<policy mode='a&#10;b'/>", "mode='a\\x0ab' is no mode" },
		{ "<policy mode='very long very long very long very long'/>",
		  "..." },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct domain_policy policy = { .min_bytes = 42 };
		char error[DOMAIN_XML_ERROR_BYTES] = "";

		if (domain_policy_parse(cases[i].xml, &policy, error) !=
		    -EBADMSG) {
			print_error("taken: %s\n", cases[i].xml);
			fail();
		}
		assert_contains(error, cases[i].error);
		assert_null(strchr(error, '\n'));
		assert_int_equal(policy.min_bytes, 42);
	}
}

static void check_format(const struct domain_policy *policy, const char *xml)
{
	char *text = domain_policy_format(policy);
	struct domain_policy again;

	assert_non_null(text);
	assert_string_equal(text, xml);
	again = policy_of(text);
	assert_int_equal(again.has_min, policy->has_min);
	assert_int_equal(again.min_bytes, policy->min_bytes);
	assert_int_equal(again.max_bytes, policy->max_bytes);
	assert_near(again.weight, policy->weight, 0);
	assert_int_equal(again.mode, policy->mode);
	free(text);
}

static void test_format(void **state)
{
	(void)state;
	check_format(&(struct domain_policy){ 0 }, "<policy/>");
	check_format(
		&(struct domain_policy){ .has_min = true,
					 .min_bytes = 1536 * MIB,
					 .has_max = true,
					 .max_bytes = 8 * GIB,
					 .has_weight = true,
					 .weight = 0.1,
					 .has_mode = true,
					 .mode = VM_MODE_ADVISE },
		"<policy min='1536MiB' max='8GiB' weight='0.1' mode='advise'/>");
	check_format(&(struct domain_policy){ .has_weight = true,
					      .weight = DOMAIN_WEIGHT_MAX },
		     "<policy weight='1000000'/>");
	check_format(&(struct domain_policy){ .has_weight = true,
					      .weight = DOMAIN_WEIGHT_MIN,
					      .has_min = true,
					      .min_bytes = 12288 },
		     "<policy min='12KiB' weight='0.000001'/>");
}

static void test_check(void **state)
{
	static const struct domain_policy bad[] = {
		{ .has_min = true },
		{ .has_max = true, .max_bytes = 4097 },
		{ .has_weight = true, .weight = 0 },
		{ .has_mode = true, .mode = (enum vm_mode)3 },
		{ .has_min = true,
		  .has_max = true,
		  .min_bytes = 8192,
		  .max_bytes = 4096 },
	};
	char error[DOMAIN_XML_ERROR_BYTES];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		error[0] = '\0';
		assert_int_equal(domain_policy_check(&bad[i], error), -EINVAL);
		assert_true(error[0] != '\0');
	}
	assert_int_equal(
		domain_policy_check(&(struct domain_policy){ 0 }, error), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ordinary_domain),
		cmocka_unit_test(test_what_makes_a_balloon_useless),
		cmocka_unit_test(test_what_does_not),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_memory_devices),
		cmocka_unit_test(test_no_domain),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_policy),
		cmocka_unit_test(test_no_policy),
		cmocka_unit_test(test_broken_policy),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
