/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine's XML with changes anywhere in it: it is refused with a reason, or understood; and what
 * was understood is, when printed, understood as the same. The input is a list of changes, three
 * bytes each: where, and a character to put there or a piece of text to put in.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "config/domain.h"
#include "config/domain_field.h"
#include "config/domain_xml.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 8192 };

static const char start[] =
	"<domain type='keelson'><name>web</name>"
	"<uuid>6f1c4c2e-6b0a-4bd3-9d7e-0e1c9b7f2a11</uuid><title>t</title>"
	"<memory unit='MiB'>64</memory><vcpu>2</vcpu>"
	"<cputune><quota>50000</quota><shares>2048</shares><period>100000</period></cputune>"
	"<blkiotune><weight>200</weight></blkiotune>"
	"<os><type arch='x86_64'>hvm</type><boot dev='cdrom'/><boot dev='hd'/>"
	"<kernel>/k</kernel><initrd>/i</initrd><cmdline>quiet</cmdline></os>"
	"<features><apic/><acpi/></features><clock offset='utc'/>"
	"<on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</"
	"on_crash>"
	"<devices><disk type='file' device='disk'><source file='/d'/><target dev='hda' bus='ide'/>"
	"<serial>S</serial></disk><disk type='file' device='cdrom'><target dev='hdc'/></disk>"
	"<interface type='bridge'><source bridge='br0'/><vlan><tag id='7'/></vlan>"
	"<mac address='52:4b:4c:00:00:01'/></interface><serial type='pty'/></devices></domain>";

static const char *const pieces[] = {
	"<disk/>",
	"</os>",
	"<sound/>",
	"unit='TiB' ",
	"18446744073709551615",
	"-1",
	"&lt;",
	"&x;",
	"<!DOCTYPE d [<!ENTITY x 'x'>]>",
	"<![CDATA[",
	"]]>",
	"<!--",
	"-->",
	"xmlns='urn:x' ",
	"<metadata><a/></metadata>",
	"<vcpu>1</vcpu>",
	"hdd",
	"/dev/",
	"\xc3\xa9",
	"\xff",
	"hd",
	"restart",
	"4096",
	"<serial type='pty'/>",
};

static void change(char *text, size_t at, uint8_t what)
{
	size_t length = strlen(text);
	const char *piece = pieces[(what & 0x7f) % ARRAY_SIZE(pieces)];

	at %= length;
	if (!(what & 0x80)) {
		text[at] = what ? (char)what : ' ';
		return;
	}
	if (length + strlen(piece) >= TEXT_MAX)
		return;
	memmove(text + at + strlen(piece), text + at, length - at + 1);
	memcpy(text + at, piece, strlen(piece));
}

static void check_round_trip(const struct domain *domain)
{
	struct domain_differences differences = {0};
	struct vm_error err = {0};
	struct domain *again = NULL;
	char *printed = NULL;

	CHECK(domain_canonical(domain, &printed, &err) == 0);
	CHECK(domain_parse(printed, &again, &err) == 0);
	CHECK(domain_diff(domain, again, &differences) >= 0);
	CHECK(differences.count == 0);
	domain_differences_free(&differences);
	domain_free(again);
	free(printed);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct domain *domain = NULL;
	struct vm_error err = {0};

	domain_xml_init();
	CHECK(domain_parse(start, &domain, &err) == 0);
	domain_free(domain);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[TEXT_MAX];
	struct domain *domain = NULL;
	struct vm_error err = {0};

	strcpy(text, start);
	for (size_t i = 0; i + 2 < size && i < 30; i += 3)
		change(text, (size_t)(data[i] | data[i + 1] << 8), data[i + 2]);
	if (domain_parse(text, &domain, &err) < 0) {
		CHECK(err.code && *err.text);
		return 0;
	}
	check_round_trip(domain);
	domain_free(domain);
	return 0;
}
