// SPDX-License-Identifier: GPL-2.0-or-later
/* See hv.h. */
#include "check.h"
#include "core/format.h"
#include "hv.h"
#include "hv/cpuid.h"
#include "hv/hypercall.h"
#include "hv/msr.h"
#include "x86/asm.h"

#define MARK "hypervisor memory "

u8 hypercall_page[PAGE_SIZE] aligned_to(PAGE_SIZE);

static struct hv_keelson_log_output log_page aligned_to(PAGE_SIZE);
static u64 input[8] aligned_to(64);

void hv_init(void)
{
	u32 leaf[4];

	cpuid(HV_CPUID_VENDOR, 0, leaf);
	if (leaf[1] != 0x7263694d) /* "Micr" */
		check_abort("no hypervisor");
	wrmsr(HV_MSR_GUEST_OS_ID, GUEST_OS_ID);
	wrmsr(HV_MSR_HYPERCALL, (u64)hypercall_page | HV_MSR_PAGE_ENABLE);
}

struct hv_keelson_statistics hv_statistics(u32 vp)
{
	static struct hv_keelson_statistics s aligned_to(512);
	u64 result;

	input[0] = vp;
	result = hypercall(HV_CALL_KEELSON_STATISTICS, (u64)input, (u64)&s);
	if (result)
		check_abort("statistics of VP %u: result %lx", vp, result);
	return s;
}

/* The next part of the log; false: that was all. `*cursor` is 0 at first. */
static bool next_log(u64 *cursor)
{
	u64 result;

	input[0] = *cursor;
	result = hypercall(HV_CALL_KEELSON_READ_LOG, (u64)input, (u64)&log_page);
	if (result)
		check_abort("reading the log: result %lx", result);
	*cursor = log_page.cursor;
	return log_page.length;
}

/* Where `text` is in the log page, at `from` or later, or NULL. */
static const char *find_text(const char *from, const char *text)
{
	const char *end = log_page.text + log_page.length;

	for (; from + strlen(text) <= end; from++)
		if (!strncmp(from, text, strlen(text)))
			return from;
	return NULL;
}

bool hv_log_has(const char *text)
{
	u64 cursor = 0;

	while (next_log(&cursor))
		if (find_text(log_page.text, text))
			return true;
	return false;
}

static const char *parse_hex(const char *p, u64 *ret_value)
{
	for (*ret_value = 0;; p++) {
		if (*p >= '0' && *p <= '9')
			*ret_value = *ret_value << 4 | (u64)(*p - '0');
		else if (*p >= 'a' && *p <= 'f')
			*ret_value = *ret_value << 4 | (u64)(*p - 'a' + 10);
		else
			return p;
	}
}

u32 hv_memory(struct hv_range ranges[HV_MAX_RANGES])
{
	u64 cursor = 0;
	u32 count = 0;

	while (next_log(&cursor)) {
		const char *p = log_page.text;

		while (count < HV_MAX_RANGES && (p = find_text(p, MARK))) {
			struct hv_range *r = &ranges[count++];

			p = parse_hex(p + strlen(MARK), &r->start);
			p = parse_hex(p + 1, &r->end);
			r->end++;
		}
	}
	if (!count)
		check_abort("the log names no memory of the hypervisor");
	return count;
}
