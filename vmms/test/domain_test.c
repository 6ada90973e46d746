/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The domain XML: what comes back of what went in, what is refused and how, what a change is.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "config/domain.h"
#include "config/domain_field.h"
#include "config/domain_xml.h"
#include "config/units.h"

#define UUID "6f1c4c2e-6b0a-4bd3-9d7e-0e1c9b7f2a11"

static const char full_xml[] =
	"<?xml version='1.0'?>\n"
	"<domain type='keelson'>\n"
	"  <on_crash>restart</on_crash>\n" /* order is free */
	"  <name>web-1</name>\n"
	"  <uuid>6F1C4C2E-6B0A-4BD3-9D7E-0E1C9B7F2A11</uuid>\n"
	"  <title>The &lt;first&gt; &amp; only</title>\n"
	"  <description>two\nlines</description>\n"
	"  <metadata><o:os xmlns:o='urn:os' id='debian'><o:v> 12 </o:v></o:os></metadata>\n"
	"  <memory unit='GiB'>2</memory>\n"
	"  <currentMemory unit='MiB'>2048</currentMemory>\n"
	"  <vcpu placement='static'>4</vcpu>\n"
	"  <cputune><quota>50000</quota><shares>2048</shares><period>100000</period></cputune>\n"
	"  <blkiotune><weight>200</weight></blkiotune>\n"
	"  <os><type arch='x86_64'>hvm</type><boot dev='cdrom'/><boot dev='hd'/>\n"
	"    <kernel>/boot/vmlinuz</kernel><cmdline>console=ttyS0 a='b'</cmdline></os>\n"
	"  <features><apic/><acpi/></features>\n"
	"  <cpu mode='host-passthrough'/>\n"
	"  <clock offset='localtime'/>\n"
	"  <devices>\n"
	"    <serial type='pty'><target port='0'/></serial>\n"
	"    <disk type='file' device='cdrom'><target dev='hdc'/></disk>\n"
	"    <disk type='block'><source dev='/dev/sdb'/><target dev='hda' bus='ide'/>\n"
	"      <serial>SN 1</serial></disk>\n"
	"    <interface type='bridge'><source bridge='br0'/><vlan><tag id='7'/></vlan>\n"
	"      <mac address='52:4B:4C:00:00:01'/><link state='down'/></interface>\n"
	"    <interface type='network'><source network='default'/></interface>\n"
	"    <serial type='pty'/>\n"
	"    <console type='pty'><target type='serial' port='0'/></console>\n"
	"  </devices>\n"
	"</domain>\n";

static struct domain *parse(const char *xml)
{
	struct domain *domain = NULL;
	struct vm_error err = {0};

	ck_assert_msg(domain_parse(xml, &domain, &err) == 0, "%s", err.text);
	return domain;
}

START_TEST(everything_is_understood)
{
	_cleanup_domain_ struct domain *d = parse(full_xml);

	ck_assert_str_eq(d->name, "web-1");
	ck_assert_str_eq(d->uuid, UUID);
	ck_assert_str_eq(d->title, "The <first> & only");
	ck_assert_uint_eq(d->memory_kib, 2 * 1024 * 1024);
	ck_assert_uint_eq(d->vcpus, 4);
	ck_assert_uint_eq(d->cpu_shares, 2048);
	ck_assert_uint_eq(d->cpu_period, 100000);
	ck_assert_uint_eq(d->cpu_quota, 50000);
	ck_assert_uint_eq(d->io_weight, 200);
	ck_assert_int_eq(d->boot[0], DOMAIN_BOOT_CDROM);
	ck_assert_int_eq(d->boot[1], DOMAIN_BOOT_HD);
	ck_assert_int_eq(d->boot[2], DOMAIN_BOOT_NONE);
	ck_assert_str_eq(d->cmdline, "console=ttyS0 a='b'");
	ck_assert(d->clock_localtime);
	ck_assert_int_eq(d->on_crash, DOMAIN_ACTION_RESTART);
	ck_assert_int_eq(d->on_poweroff, DOMAIN_ACTION_DESTROY);
	ck_assert_uint_eq(d->disk_count, 2);
	ck_assert_str_eq(d->disks[0].target, "hda"); /* sorted */
	ck_assert(d->disks[0].block && !d->disks[0].readonly);
	ck_assert_str_eq(d->disks[0].serial, "SN 1");
	ck_assert(d->disks[1].kind == DOMAIN_DISK_CDROM && d->disks[1].readonly);
	ck_assert_ptr_null(d->disks[1].source);
	ck_assert_uint_eq(d->interface_count, 2);
	ck_assert_uint_eq(d->interfaces[0].vlan, 7);
	ck_assert_uint_eq(d->interfaces[0].mac[0], 0x52);
	ck_assert(d->interfaces[0].link_down && d->interfaces[0].bridge);
	ck_assert_uint_eq(d->interfaces[1].mac[0] & 3, 2); /* made up: local, unicast */
	ck_assert_uint_eq(d->serial_count, 2);
}
END_TEST

static void check_round_trip(const char *xml)
{
	_cleanup_domain_ struct domain *first = parse(xml), *second = NULL;
	_cleanup_free_ char *printed = domain_print(first), *again = NULL;
	struct domain_differences changes = {0};

	second = parse(printed);
	again = domain_print(second);
	ck_assert_str_eq(printed, again);
	ck_assert_int_eq(domain_diff(first, second, &changes), 0);
	ck_assert_uint_eq(changes.count, 0);
	domain_differences_free(&changes);
}

START_TEST(round_trip)
{
	check_round_trip(full_xml);
	check_round_trip("<domain type='keelson'><name>a</name><memory>65536</memory>"
			 "<os><type>hvm</type></os></domain>");
	check_round_trip(
		"<domain type='keelson'><name>a</name><memory>65536</memory>"
		"<os><type>hvm</type></os><metadata/><devices><serial type='pty'/></devices>"
		"</domain>");
	check_round_trip(
		"<domain type='keelson'><name>a</name><memory>65536</memory><metadata><!-- c -->"
		"</metadata><os><type>hvm</type></os><devices><console type='pty'/></devices>"
		"</domain>");
}
END_TEST

START_TEST(canonical_form)
{
	static const char expected[] =
		"<domain type='keelson'>\n"
		"  <name>a</name>\n"
		"  <uuid>" UUID "</uuid>\n"
		"  <memory unit='KiB'>65536</memory>\n"
		"  <currentMemory unit='KiB'>65536</currentMemory>\n"
		"  <vcpu placement='static'>1</vcpu>\n"
		"  <os>\n"
		"    <type arch='x86_64' machine='i440bx'>hvm</type>\n"
		"    <boot dev='hd'/>\n"
		"  </os>\n"
		"  <features>\n    <acpi/>\n    <apic/>\n    <pae/>\n  </features>\n"
		"  <cpu mode='host-passthrough'/>\n"
		"  <clock offset='utc'/>\n"
		"  <on_poweroff>destroy</on_poweroff>\n"
		"  <on_reboot>restart</on_reboot>\n"
		"  <on_crash>destroy</on_crash>\n"
		"  <devices>\n"
		"  </devices>\n"
		"</domain>\n";
	_cleanup_domain_ struct domain *d =
		parse("<domain type='keelson'><uuid>" UUID
		      "</uuid><name>a</name><memory unit='bytes'>67108864</memory>"
		      "<os><type>hvm</type></os></domain>");
	_cleanup_free_ char *printed = domain_print(d);

	ck_assert_str_eq(printed, expected);
}
END_TEST

#define SMALL(extra)                                                        \
	"<domain type='keelson'>\n<name>a</name>\n<memory>65536</memory>\n" \
	"<os><type>hvm</type></os>\n" extra "</domain>"
#define DEVICE(xml) SMALL("<devices>\n" xml "</devices>")

START_TEST(bad_xml_is_refused)
{
	static const struct {
		const char *xml;
		enum vm_error_code code;
		const char *words[3];
	} cases[] = {
		{"", VM_ERROR_INVALID_XML, {"well-formed"}},
		{"<domain", VM_ERROR_INVALID_XML, {"Line 1"}},
		{"<domain type='keelson'>\n<name>x</nome></domain>",
		 VM_ERROR_INVALID_XML,
		 {"Line 2"}},
		{"<!DOCTYPE domain [<!ENTITY a 'b'>]><domain type='keelson'/>",
		 VM_ERROR_UNSUPPORTED_XML,
		 {"DOCTYPE"}},
		{"<network/>", VM_ERROR_UNSUPPORTED_XML, {"<network>", "Line 1"}},
		{"<domain type='kvm'/>",
		 VM_ERROR_UNSUPPORTED_XML,
		 {"'kvm'", "<domain>", "keelson"}},
		{"<domain/>", VM_ERROR_SCHEMA_VIOLATION, {"Line 1"}},
		{SMALL("<genid/>"), VM_ERROR_UNSUPPORTED_XML, {"Line 5", "<genid>", "<domain>"}},
		{SMALL("<x:a xmlns:x='urn:x'/>"), VM_ERROR_UNSUPPORTED_XML, {"<x:a>", "Line 5"}},
		{SMALL("<cpu mode='host-model'/>"),
		 VM_ERROR_UNSUPPORTED_XML,
		 {"host-model", "<cpu>"}},
		{SMALL("<on_crash>preserve</on_crash>"),
		 VM_ERROR_UNSUPPORTED_XML,
		 {"preserve", "<on_crash>", "Line 5"}},
		{SMALL("<currentMemory>1024</currentMemory>"),
		 VM_ERROR_UNSUPPORTED_XML,
		 {"<currentMemory>", "Line 5"}},
		{SMALL("<vcpu>0</vcpu>"), VM_ERROR_SCHEMA_VIOLATION, {"Line 5"}},
		{SMALL("<vcpu>65</vcpu>"), VM_ERROR_INVALID_XML, {"65", "64"}},
		{SMALL("<vcpu>99999999999</vcpu>"), VM_ERROR_INVALID_XML, {"Line 5", "<vcpu>"}},
		{SMALL("<vcpu current='1'>2</vcpu>"),
		 VM_ERROR_UNSUPPORTED_XML,
		 {"'current'", "<vcpu>"}},
		{SMALL("<name>b</name>"), VM_ERROR_SCHEMA_VIOLATION, {"Line"}},
		{SMALL("<uuid>1234</uuid>"), VM_ERROR_SCHEMA_VIOLATION, {"Line 5"}},
		{DEVICE("<graphics type='vnc'/>"),
		 VM_ERROR_UNSUPPORTED_XML,
		 {"<graphics>", "Line 6"}},
		{DEVICE("<disk type='file'><source file='/a'/><target "
			"dev='hda'/>\n<shareable/></disk>"),
		 VM_ERROR_UNSUPPORTED_XML,
		 {"<shareable>", "Line 7", "<disk>"}},
		{DEVICE("<disk type='network'/>"), VM_ERROR_UNSUPPORTED_XML, {"network", "Line 6"}},
		{DEVICE("<disk type='file'><driver type='qcow2'/><source file='/a'/><target "
			"dev='hda'/></disk>"),
		 VM_ERROR_UNSUPPORTED_XML,
		 {"qcow2", "<driver>"}},
		{DEVICE("<disk type='file'><source file='/a'/><target dev='sde'/></disk>"),
		 VM_ERROR_UNSUPPORTED_XML,
		 {"sde", "Line 6"}},
		{DEVICE("<disk type='file'><source file='/a'/><target dev='sda' "
			"bus='ide'/></disk>"),
		 VM_ERROR_INVALID_XML,
		 {"sda", "'ide'", "Line 6"}},
		{DEVICE("<disk type='file'><source file='/a'/><target dev='hda' "
			"bus='scsi'/></disk>"),
		 VM_ERROR_INVALID_XML,
		 {"hda", "'scsi'", "Line 6"}},
		{DEVICE("<disk type='file'><source file='/a'/><target dev='sda'/></disk>"),
		 VM_ERROR_INVALID_XML,
		 {"firmware", "sda", "hda to hdd"}},
		{DEVICE("<disk type='file'><source file='/a'/><target dev='hda'/></disk>"
			"<disk type='file' device='cdrom'><target dev='sdb'/></disk>"),
		 VM_ERROR_UNSUPPORTED_XML,
		 {"CD drive sdb", "hda to hdd"}},
		{DEVICE("<disk type='file'><source file='a'/><target dev='hda'/></disk>"),
		 VM_ERROR_SCHEMA_VIOLATION,
		 {"Line 6"}},
		{DEVICE("<disk type='file'><target dev='hda'/></disk>"),
		 VM_ERROR_INVALID_XML,
		 {"hda", "source"}},
		{DEVICE("<disk type='file'><source file='/a'/><target dev='hda'/></disk>"
			"<disk type='file'><source file='/b'/><target dev='hda'/></disk>"),
		 VM_ERROR_DEVICE_EXISTS,
		 {"hda"}},
		{DEVICE("<disk type='file'><source file='/a'/><target dev='hda'/></disk>"
			"<disk type='file'><source file='/a'/><target dev='hdb'/></disk>"),
		 VM_ERROR_DEVICE_EXISTS,
		 {"/a", "hdb"}},
		{DEVICE("<interface type='network'><source network='n'/><mac "
			"address='01:00:00:00:00:00'/>"
			"</interface>"),
		 VM_ERROR_INVALID_XML,
		 {"multicast"}},
		{DEVICE("<interface type='network'><source network='n'/><vlan><tag "
			"id='4095'/></vlan>"
			"</interface>"),
		 VM_ERROR_INVALID_XML,
		 {"4095"}},
		{DEVICE("<serial type='pty'><target port='1'/></serial>"),
		 VM_ERROR_INVALID_XML,
		 {"port 0"}},
		{DEVICE("<serial type='pty'/><serial type='pty'/><serial type='pty'/>"),
		 VM_ERROR_DEVICE_EXISTS,
		 {"serial"}},
		{"<domain type='keelson'><name>a</name><memory "
		 "unit='KiB'>1000</memory><os><type>hvm"
		 "</type></os></domain>",
		 VM_ERROR_INVALID_XML,
		 {"16 MiB"}},
		{"<domain type='keelson'><name>a</name><memory "
		 "unit='KiB'>65537</memory><os><type>hvm"
		 "</type></os></domain>",
		 VM_ERROR_INVALID_XML,
		 {"whole MiB"}},
		{"<domain type='keelson'><name>a</name><memory "
		 "unit='TiB'>99999999999</memory><os><type>"
		 "hvm</type></os></domain>",
		 VM_ERROR_INVALID_XML,
		 {"too large"}},
		{"<domain "
		 "type='keelson'><name>../a</name><memory>65536</memory><os><type>hvm</type></os>"
		 "</domain>",
		 VM_ERROR_SCHEMA_VIOLATION,
		 {"Line 1"}},
		{"<domain type='keelson'><name>a</name><memory>65536</memory><os><type>hvm</type>"
		 "<cmdline>x</cmdline></os></domain>",
		 VM_ERROR_INVALID_XML,
		 {"<kernel>"}},
		{"<domain type='keelson'><name>a</name><memory>65536</memory><os><type>hvm</type>"
		 "<boot dev='hd'/><boot dev='hd'/></os></domain>",
		 VM_ERROR_INVALID_XML,
		 {"hd", "twice"}},
		{"<disk type='file'><source file='/a'/><target dev='hda'/></disk>",
		 VM_ERROR_INVALID_XML,
		 {"<disk>", "<domain>"}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct domain *domain = NULL;
		struct vm_error err = {0};

		ck_assert_msg(domain_parse(cases[i].xml, &domain, &err) < 0, "accepted: %s",
			      cases[i].xml);
		ck_assert_msg(err.code == cases[i].code, "%s: %s: %s", cases[i].xml,
			      vm_error_info(err.code)->name, err.text);
		ck_assert_ptr_null(domain);
		for (size_t w = 0; w < 3 && cases[i].words[w]; w++)
			ck_assert_msg(strstr(err.text, cases[i].words[w]), "%s: no '%s' in: %s",
				      cases[i].xml, cases[i].words[w], err.text);
	}
}
END_TEST

START_TEST(scsi_disks)
{
	_cleanup_domain_ struct domain *d = parse(
		DEVICE("<disk type='file'><source file='/s'/><target dev='sdd' bus='scsi'/></disk>"
		       "<disk type='file'><source file='/a'/><target dev='sda'/></disk>"
		       "<disk type='file'><source file='/h'/><target dev='hdb'/></disk>"));
	_cleanup_free_ char *xml = domain_print(d);
	_cleanup_domain_ struct domain *again = parse(xml);

	ck_assert_uint_eq(again->disk_count, 3);
	ck_assert_str_eq(again->disks[0].target, "hdb");
	ck_assert_int_eq(domain_disk_unit(again->disks[0].target), 1);
	ck_assert_str_eq(again->disks[1].target, "sda");
	ck_assert_int_eq(domain_disk_unit(again->disks[1].target), 4);
	ck_assert_int_eq(domain_disk_unit(again->disks[2].target), 7);
	ck_assert_ptr_nonnull(strstr(xml, "<target dev='hdb' bus='ide'/>"));
	ck_assert_ptr_nonnull(strstr(xml, "<target dev='sda' bus='scsi'/>"));
}
END_TEST

static int add_device(struct domain *domain, const char *xml, struct vm_error *err)
{
	_cleanup_domain_ struct domain *device = NULL;
	int r = domain_parse_device(xml, &device, err);

	return r == 0 ? domain_add_device(domain, device, err) : r;
}

START_TEST(devices_come_and_go)
{
	_cleanup_domain_ struct domain *d = parse(SMALL(""));
	struct vm_error err = {0};

	ck_assert_int_eq(
		add_device(d, "<disk type='file'><source file='/b'/><target dev='hdb'/></disk>",
			   &err),
		0);
	ck_assert_int_eq(
		add_device(d, "<disk type='file'><source file='/a'/><target dev='hda'/></disk>",
			   &err),
		0);
	ck_assert_str_eq(d->disks[0].source, "/a");
	ck_assert_int_lt(
		add_device(d, "<disk type='file'><source file='/c'/><target dev='hda'/></disk>",
			   &err),
		0);
	ck_assert_int_eq(err.code, VM_ERROR_DEVICE_EXISTS);
	ck_assert_uint_eq(d->disk_count, 2);
	ck_assert_int_eq(add_device(d,
				    "<interface type='network'><source network='n'/>"
				    "<mac address='52:4b:4c:00:00:01'/></interface>",
				    &err),
			 0);
	ck_assert_int_eq(domain_remove_device(d, "hda", &err), 0);
	ck_assert_str_eq(d->disks[0].source, "/b");
	ck_assert_int_eq(domain_remove_device(d, "52:4B:4C:00:00:01", &err), 0);
	ck_assert_uint_eq(d->interface_count, 0);
	ck_assert_int_lt(domain_remove_device(d, "hdd", &err), 0);
	ck_assert_int_eq(err.code, VM_ERROR_NO_SUCH_DEVICE);
	ck_assert_int_lt(add_device(d, SMALL(""), &err), 0);
}
END_TEST

/* A machine with something repeated in its metadata, or its root element. */
static char *grown(const char *head, const char *format, unsigned int count, const char *tail)
{
	char *xml = NULL;
	size_t size;
	FILE *file = open_memstream(&xml, &size);

	fputs(head, file);
	for (unsigned int i = 0; i < count; i++) {
		fputs(format, file);
		if (format[strlen(format) - 1] == ' ')
			fprintf(file, "a%u='' ", i);
	}
	fputs(tail, file);
	fclose(file);
	return xml;
}

#define METADATA      "<domain type='keelson'><name>a</name><metadata>"
#define AFTERWARDS    "</metadata><memory>16384</memory><os><type>hvm</type></os></domain>"
#define ELEMENT(with) METADATA "<x xmlns='urn:x' " with

/* Each would keep the parser, or the schema, busy for seconds or minutes. */
START_TEST(xml_beyond_all_need_is_refused)
{
	static const struct {
		const char *head, *repeated;
		unsigned int good, bad;
		const char *tail, *why;
	} cases[] = {
		{ELEMENT(""), " ", 62, 64, "/>" AFTERWARDS, "attributes in one element"},
		{METADATA "<x xmlns='urn:x'>", "<y a='' b='' c=''/>", 2700, 2740, "</x>" AFTERWARDS,
		 "8192 attributes"},
		{METADATA "<x xmlns='urn:x'>", "<y/>", 4000, 4097, "</x>" AFTERWARDS,
		 "4096 elements"},
		{METADATA "<x xmlns='urn:x'>", "<!---->", 4000, 4097, "</x>" AFTERWARDS,
		 "4096 elements"},
		{METADATA "<x xmlns='urn:x'>", "<![CDATA[]]>", 4000, 4097, "</x>" AFTERWARDS,
		 "4096 elements"},
		{METADATA "<x xmlns='urn:x'>", "text", 1000, 270000, "</x>" AFTERWARDS,
		 "longer than"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *good =
			grown(cases[i].head, cases[i].repeated, cases[i].good, cases[i].tail);
		_cleanup_free_ char *bad =
			grown(cases[i].head, cases[i].repeated, cases[i].bad, cases[i].tail);
		struct domain *domain = parse(good);
		struct vm_error err = {0};

		domain_free(domain);
		ck_assert_msg(domain_parse(bad, &domain, &err) < 0, "case %zu", i);
		ck_assert_int_eq(err.code, VM_ERROR_INVALID_XML);
		ck_assert_msg(strstr(err.text, cases[i].why) != NULL, "%s", err.text);
	}
}
END_TEST

/* What would look different to the parser than to what measures it. */
START_TEST(measured_is_what_is_parsed)
{
	static const char *const bad[] = {
		"<?xml version='1.0' encoding='UTF-7'?>+ADw-domain/+AD4-",
		"<!DOCTYPE d [<!ENTITY x 'x'>]><domain type='keelson'/>",
		"<domain><![CDATA[",
		"<domain><!--",
		"<domain a='",
		"<domain a=",
		"<",
		"<?",
		"<!",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct domain *domain;
		struct vm_error err = {0};

		ck_assert_msg(domain_parse(bad[i], &domain, &err) < 0, "%s", bad[i]);
		ck_assert_int_ne(err.code, 0);
	}
}
END_TEST

START_TEST(settings)
{
	_cleanup_domain_ struct domain *d = parse(SMALL(""));
	struct vm_error err = {0};

	ck_assert_int_eq(domain_field_set(d, "memory", "1.5G", &err), 0);
	ck_assert_uint_eq(d->memory_kib, 1536 * 1024);
	ck_assert_int_eq(domain_field_set(d, "boot", "network,cdrom", &err), 0);
	ck_assert_int_eq(d->boot[1], DOMAIN_BOOT_CDROM);
	ck_assert_int_eq(domain_field_set(d, "kernel", "/vmlinuz", &err), 0);
	ck_assert_int_eq(domain_field_set(d, "kernel", "", &err), 0);
	ck_assert_ptr_null(d->kernel);
	ck_assert_int_eq(domain_field_set(d, "on-crash", "restart", &err), 0);
	ck_assert_int_lt(domain_field_set(d, "on-crash", "explode", &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "restart"));
	ck_assert_int_lt(domain_field_set(d, "vcpus", "-1", &err), 0);
	ck_assert_int_lt(domain_field_set(d, "vcpus", "2x", &err), 0);
	ck_assert_int_lt(domain_field_set(d, "vcpus", "0", &err), 0);
	ck_assert_int_lt(domain_field_set(d, "memory", "lots", &err), 0);
	ck_assert_int_lt(domain_field_set(d, "serials", "3", &err), 0);
	ck_assert_int_lt(domain_field_set(d, "colour", "red", &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "memory"));
	/* Every key that is offered is known. */
	for (const char *const *key = domain_field_keys(); *key; key++) {
		err.text[0] = '\0';
		if (domain_field_set(d, *key, "no such value", &err) < 0)
			ck_assert_ptr_null(strstr(err.text, "There is no setting"));
	}
}
END_TEST

/*
 * What people, scripts and attackers put into a field. Each is either refused by domain_field_set(),
 * or can be stored and read back as it is.
 */
static const char *const hostile[] = {
	"plain",
	"two\nlines",
	"\n",
	"\r\n",
	"a\rb",
	"a\tb",
	" leading and trailing ",
	"   ",
	"\x01",
	"bell\x07",
	"\x1b[31m",
	"\x7f",
	"\302\23331m",
	"\xff",
	"cut\xc3",
	"\xed\xa0\x80",
	"\xef\xbf\xbf",
	"\xef\xbf\xbe",
	"\xf4\x90\x80\x80",
	"\xe2\x80\xae",
	"\xe2\x80\xa8",
	"\xc2\xa0\xe2\x82\xac \xf0\x9f\x90\xb8",
	"<a>&amp;]]></a>",
	"<!--",
	"<![CDATA[x]]>",
	"]]>",
	"&#0;",
	"&lt;",
	"'\"'",
	"%s%n%99999d",
	"/path",
	"/path with blank",
	"/tab\tin it",
	"/line\nend",
	"/\xff",
	"/'<&>\"",
	"0",
	"1",
	"-1",
	"+1",
	" 1",
	"00000000000000000000001",
	"1000",
	"1000000",
	"17592186044415",
	"17592186044416",
	"99999999999999999999", /* twenty digits */
	"18446744073709551615",
	"999999999999999999",
	"1000000000000000000",
	"4294967295",
	"4294967296",
	"4503599627370496T",
	"1.5G",
	"17179869184G",
	"18014398509481984K",
	"999999999999T",
	"64M",
	"hd",
	"hd,hd",
	"hd,,cdrom",
	",",
	"none",
	"destroy",
	"restart",
	"utc",
	"localtime",
};

static void try_value(const struct domain *domain, const char *key, const char *value,
		      size_t *accepted)
{
	_cleanup_domain_ struct domain *changed = domain_copy(domain), *again = NULL;
	_cleanup_free_ char *xml = NULL;
	struct domain_differences changes = {0};
	struct vm_error err = {0};

	if (domain_field_set(changed, key, value, &err) < 0) {
		ck_assert_msg(err.code, "%s='%s' is refused without a word", key, value);
		return;
	}
	(*accepted)++;
	ck_assert_msg(domain_canonical(changed, &xml, &err) == 0, "%s='%s': %s", key, value,
		      err.text);
	ck_assert_msg(domain_parse(xml, &again, &err) == 0, "%s='%s': %s", key, value, err.text);
	ck_assert_int_eq(domain_diff(changed, again, &changes), 0);
	ck_assert_msg(changes.count == 0, "%s='%s' comes back as '%s'", key, value,
		      changes.count ? changes.items[0].after : "");
	domain_differences_free(&changes);
}

START_TEST(what_is_set_can_be_stored_and_read_again)
{
	_cleanup_domain_ struct domain *domain = parse(full_xml);
	_cleanup_free_ char *large = malloc((1 << 20) + 1);
	size_t accepted = 0;

	ck_assert_ptr_nonnull(large);
	for (const char *const *key = domain_field_keys(); *key; key++) {
		for (size_t i = 0; i < ARRAY_SIZE(hostile); i++)
			try_value(domain, *key, hostile[i], &accepted);
		/* grows sixfold when it is escaped */
		for (size_t size = 512; size <= 1 << 20; size *= 2) {
			memset(large, '\'', size);
			large[0] = '/';
			large[size] = '\0';
			try_value(domain, *key, large, &accepted);
		}
	}
	ck_assert_uint_gt(accepted, 100);
}
END_TEST

/* All texts at their longest, each byte one that is escaped: still readable. */
START_TEST(the_limits_of_all_texts_together_fit)
{
	_cleanup_domain_ struct domain *domain = parse(full_xml);
	_cleanup_free_ char *text = malloc(DOMAIN_MAX_DESCRIPTION + 2), *xml = NULL;
	static const struct {
		const char *key;
		size_t max;
	} texts[] = {{"title", DOMAIN_MAX_TITLE},
		     {"description", DOMAIN_MAX_DESCRIPTION},
		     {"cmdline", DOMAIN_MAX_CMDLINE},
		     {"kernel", DOMAIN_MAX_PATH},
		     {"initrd", DOMAIN_MAX_PATH}};
	struct vm_error err = {0};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_domain_ struct domain *over = domain_copy(domain);

		memset(text, '\'', DOMAIN_MAX_DESCRIPTION + 1);
		text[0] = '/';
		text[texts[i].max + 1] = '\0';
		ck_assert_int_lt(domain_field_set(over, texts[i].key, text, &err), 0);
		text[texts[i].max] = '\0';
		ck_assert_int_eq(domain_field_set(domain, texts[i].key, text, &err), 0);
	}
	ck_assert_msg(domain_canonical(domain, &xml, &err) == 0, "%s", err.text);
}
END_TEST

START_TEST(what_cannot_be_read_again_is_not_given_out)
{
	_cleanup_domain_ struct domain *domain = parse(full_xml);
	struct vm_error err = {0};
	char *xml = NULL;

	free(domain->title);
	domain->title = strdup("two\nlines"); /* as if a check were forgotten */
	ck_assert_int_lt(domain_canonical(domain, &xml, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "nothing was changed"));
	free(domain->title);
	domain->title = strdup(""); /* reads back as none */
	ck_assert_int_lt(domain_canonical(domain, &xml, &err), 0);
	ck_assert_ptr_null(xml);
}
END_TEST

START_TEST(differences)
{
	_cleanup_domain_ struct domain *before = parse(full_xml), *after = domain_copy(before);
	struct domain_differences changes = {0};
	struct vm_error err = {0};

	ck_assert_int_eq(domain_field_set(after, "memory", "4G", &err), 0);
	ck_assert_int_eq(domain_remove_device(after, "hda", &err), 0);
	ck_assert_int_eq(add_device(after,
				    "<disk type='file'><source file='/n'/><target dev='hdd'/>"
				    "<readonly/></disk>",
				    &err),
			 0);
	ck_assert_int_eq(domain_diff(before, after, &changes), 0);
	ck_assert_uint_eq(changes.count, 3);
	ck_assert_str_eq(changes.items[0].key, "memory");
	ck_assert_str_eq(changes.items[0].before, "2097152KiB");
	ck_assert_str_eq(changes.items[0].after, "4194304KiB");
	ck_assert_str_eq(changes.items[1].key, "disk.hda");
	ck_assert_str_eq(changes.items[1].after, "");
	ck_assert_str_eq(changes.items[2].key, "disk.hdd");
	ck_assert_str_eq(changes.items[2].after, "disk file /n read-only");
	domain_differences_free(&changes);
}
END_TEST

START_TEST(sizes)
{
	uint64_t bytes = 0;
	char text[32];

	ck_assert(units_parse_size("512M", &bytes) && bytes == 512ull << 20);
	ck_assert(units_parse_size("2 GiB", &bytes) && bytes == 2ull << 30);
	ck_assert(units_parse_size("1.5G", &bytes) && bytes == 3ull << 29);
	ck_assert(units_parse_size("10GB", &bytes) && bytes == 10000000000ull);
	ck_assert(units_parse_size("4096", &bytes) && bytes == 4096);
	ck_assert(!units_parse_size("", &bytes));
	ck_assert(!units_parse_size("G", &bytes));
	ck_assert(!units_parse_size("-1G", &bytes));
	ck_assert(!units_parse_size("1X", &bytes));
	ck_assert(!units_parse_size("99999999999T", &bytes));
	units_format_size(512ull << 20, text, sizeof(text));
	ck_assert_str_eq(text, "512 MiB");
	units_format_size(3ull << 29, text, sizeof(text));
	ck_assert_str_eq(text, "1.5 GiB");
	units_format_size(0, text, sizeof(text));
	ck_assert_str_eq(text, "0 B");
	units_format_size(UINT64_MAX, text, sizeof(text));
	ck_assert_str_eq(text, "15.9 EiB");
}
END_TEST

/* Collects the paths of all elements that the schema defines, by following its references. */
static void walk_schema(xmlNodePtr node, const char *path, xmlNodePtr grammar, char seen[][128],
			size_t *count)
{
	for (xmlNodePtr at = node->children; at; at = at->next) {
		_cleanup_free_ char *name = (char *)xmlGetNoNsProp(at, (const xmlChar *)"name");
		char below[128];

		if (at->type != XML_ELEMENT_NODE)
			continue;
		if (strcmp((const char *)at->name, "ref") == 0) {
			if (strcmp(name, "anyElement") == 0)
				continue;
			for (xmlNodePtr d = grammar->children; d; d = d->next) {
				_cleanup_free_ char *defined =
					d->type == XML_ELEMENT_NODE
						? (char *)xmlGetNoNsProp(d, (const xmlChar *)"name")
						: NULL;

				if (defined && strcmp(defined, name) == 0)
					walk_schema(d, path, grammar, seen, count);
			}
		} else if (strcmp((const char *)at->name, "element") == 0) {
			snprintf(below, sizeof(below), "%s%s%s", path, *path ? "/" : "", name);
			ck_assert_uint_lt(*count, 200);
			strcpy(seen[(*count)++], below);
			walk_schema(at, below, grammar, seen, count);
		} else {
			walk_schema(at, path, grammar, seen, count);
		}
	}
}

static bool contains(char seen[][128], size_t count, const char *path)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(seen[i], path) == 0)
			return true;
	}
	return false;
}

START_TEST(schema_and_support_table_agree)
{
	static char seen[200][128];
	size_t count = 0, known = 0;
	_cleanup_xml_doc_ xmlDocPtr doc = NULL;
	struct vm_error err = {0};
	xmlNodePtr grammar;

	domain_xml_init();
	ck_assert_int_eq(domain_xml_read(domain_rng_start, &doc, &err), 0);
	grammar = xmlDocGetRootElement(doc);
	for (xmlNodePtr at = grammar->children; at; at = at->next) {
		if (at->type == XML_ELEMENT_NODE && strcmp((const char *)at->name, "start") == 0)
			walk_schema(at, "", grammar, seen, &count);
	}
	for (size_t i = 0; i < domain_xml_element_count; i++)
		ck_assert_msg(contains(seen, count, domain_xml_elements[i].path),
			      "%s is not in the schema", domain_xml_elements[i].path);
	for (size_t i = 0; i < count; i++) {
		if (strncmp(seen[i], "domain", 6) != 0)
			continue; /* a device standing alone */
		for (known = 0; known < domain_xml_element_count; known++) {
			if (strcmp(domain_xml_elements[known].path, seen[i]) == 0)
				break;
		}
		ck_assert_msg(known < domain_xml_element_count, "%s is in the schema alone",
			      seen[i]);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("domain");
	TCase *tcase = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 120); /* for slow machines */
	tcase_add_test(tcase, everything_is_understood);
	tcase_add_test(tcase, scsi_disks);
	tcase_add_test(tcase, round_trip);
	tcase_add_test(tcase, canonical_form);
	tcase_add_test(tcase, bad_xml_is_refused);
	tcase_add_test(tcase, xml_beyond_all_need_is_refused);
	tcase_add_test(tcase, measured_is_what_is_parsed);
	tcase_add_test(tcase, devices_come_and_go);
	tcase_add_test(tcase, settings);
	tcase_add_test(tcase, what_is_set_can_be_stored_and_read_again);
	tcase_add_test(tcase, the_limits_of_all_texts_together_fit);
	tcase_add_test(tcase, what_cannot_be_read_again_is_not_given_out);
	tcase_add_test(tcase, differences);
	tcase_add_test(tcase, sizes);
	tcase_add_test(tcase, schema_and_support_table_agree);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
