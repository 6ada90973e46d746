/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The canonical XML of a configuration: one order, one unit, every default written out.
 */
#include "config/domain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"

/* Text or an attribute's value, with what XML does not let stand there replaced. */
static void print_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '\'':
			fputs("&apos;", out);
			break;
		case '\r':
			fputs("&#13;", out);
			break;
		default:
			fputc(*text, out);
		}
	}
}

static void print_element(FILE *out, const char *indent, const char *name, const char *text)
{
	if (!text)
		return;
	fprintf(out, "%s<%s>", indent, name);
	print_escaped(out, text);
	fprintf(out, "</%s>\n", name);
}

/* <name attribute='value'/> */
static void print_attribute(FILE *out, const char *name, const char *attribute, const char *value)
{
	fprintf(out, "      <%s %s='", name, attribute);
	print_escaped(out, value);
	fprintf(out, "'/>\n");
}

static void print_tuning(FILE *out, const struct domain *domain)
{
	if (domain->cpu_shares || domain->cpu_period || domain->cpu_quota) {
		fprintf(out, "  <cputune>\n");
		if (domain->cpu_shares)
			fprintf(out, "    <shares>%u</shares>\n", domain->cpu_shares);
		if (domain->cpu_period)
			fprintf(out, "    <period>%u</period>\n", domain->cpu_period);
		if (domain->cpu_quota)
			fprintf(out, "    <quota>%" PRIu64 "</quota>\n", domain->cpu_quota);
		fprintf(out, "  </cputune>\n");
	}
	if (domain->io_weight)
		fprintf(out, "  <blkiotune>\n    <weight>%u</weight>\n  </blkiotune>\n",
			domain->io_weight);
}

static void print_os(FILE *out, const struct domain *domain)
{
	fprintf(out, "  <os>\n    <type arch='x86_64' machine='i440bx'>hvm</type>\n");
	for (int i = 0; i < DOMAIN_MAX_BOOT && domain->boot[i]; i++)
		fprintf(out, "    <boot dev='%s'/>\n", domain_boot_name(domain->boot[i]));
	print_element(out, "    ", "kernel", domain->kernel);
	print_element(out, "    ", "initrd", domain->initrd);
	print_element(out, "    ", "cmdline", domain->cmdline);
	fprintf(out, "  </os>\n");
}

static void print_disk(FILE *out, const struct domain_disk *disk, bool draft)
{
	fprintf(out, "    <disk type='%s' device='%s'>\n", disk->block ? "block" : "file",
		domain_disk_kind_name(disk->kind));
	if (!draft || !disk->format_unknown)
		fprintf(out, "      <driver type='raw'/>\n");
	if (disk->source)
		print_attribute(out, "source", disk->block ? "dev" : "file", disk->source);
	fprintf(out, "      <target dev='%s' bus='%s'/>\n", disk->target,
		domain_disk_bus(disk->target));
	if (disk->readonly)
		fprintf(out, "      <readonly/>\n");
	print_element(out, "      ", "serial", disk->serial);
	fprintf(out, "    </disk>\n");
}

static void print_interface(FILE *out, const struct domain_interface *card)
{
	const uint8_t *mac = card->mac;

	fprintf(out, "    <interface type='%s'>\n", card->bridge ? "bridge" : "network");
	fprintf(out, "      <mac address='%02x:%02x:%02x:%02x:%02x:%02x'/>\n", mac[0], mac[1],
		mac[2], mac[3], mac[4], mac[5]);
	print_attribute(out, "source", card->bridge ? "bridge" : "network", card->source);
	fprintf(out, "      <model type='netvsc'/>\n");
	if (card->link_down)
		fprintf(out, "      <link state='down'/>\n");
	if (card->vlan)
		fprintf(out, "      <vlan>\n        <tag id='%u'/>\n      </vlan>\n", card->vlan);
	fprintf(out, "    </interface>\n");
}

static void print_devices(FILE *out, const struct domain *domain, bool draft)
{
	fprintf(out, "  <devices>\n");
	for (size_t i = 0; i < domain->disk_count; i++)
		print_disk(out, &domain->disks[i], draft);
	for (size_t i = 0; i < domain->interface_count; i++)
		print_interface(out, &domain->interfaces[i]);
	for (unsigned int i = 0; i < domain->serial_count; i++)
		fprintf(out,
			"    <serial type='pty'>\n      <target type='isa-serial' port='%u'/>\n"
			"    </serial>\n",
			i);
	if (domain->serial_count > 0)
		fprintf(out, "    <console type='pty'>\n      <target type='serial' port='0'/>\n"
			     "    </console>\n");
	fprintf(out, "  </devices>\n");
}

static void print_domain(FILE *out, const struct domain *domain, bool draft)
{
	fprintf(out, "<domain type='keelson'>\n");
	print_element(out, "  ", "name", domain->name);
	print_element(out, "  ", "uuid", domain->uuid);
	print_element(out, "  ", "title", domain->title);
	print_element(out, "  ", "description", domain->description);
	if (domain->metadata)
		fprintf(out, "  %s\n", domain->metadata);
	fprintf(out, "  <memory unit='KiB'>%" PRIu64 "</memory>\n", domain->memory_kib);
	fprintf(out, "  <currentMemory unit='KiB'>%" PRIu64 "</currentMemory>\n",
		domain->memory_kib);
	fprintf(out, "  <vcpu placement='static'>%u</vcpu>\n", domain->vcpus);
	print_tuning(out, domain);
	print_os(out, domain);
	fprintf(out, "  <features>\n    <acpi/>\n    <apic/>\n    <pae/>\n  </features>\n");
	fprintf(out, "  <cpu mode='host-passthrough'/>\n");
	fprintf(out, "  <clock offset='%s'/>\n", domain->clock_localtime ? "localtime" : "utc");
	fprintf(out, "  <on_poweroff>%s</on_poweroff>\n", domain_action_name(domain->on_poweroff));
	fprintf(out, "  <on_reboot>%s</on_reboot>\n", domain_action_name(domain->on_reboot));
	fprintf(out, "  <on_crash>%s</on_crash>\n", domain_action_name(domain->on_crash));
	print_devices(out, domain, draft);
	fprintf(out, "</domain>\n");
}

static char *print(const struct domain *domain, bool draft)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	print_domain(out, domain, draft);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

char *domain_print(const struct domain *domain)
{
	return print(domain, false);
}

char *domain_print_draft(const struct domain *domain)
{
	return print(domain, true);
}
