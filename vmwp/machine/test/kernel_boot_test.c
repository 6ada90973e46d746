/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The boot of kernels other than 64-bit Linux: 32-bit and old bzImages, multiboot 1 and 2, ELF of
 * both classes and flat; where they are put, what they are told, and how each is refused. The images
 * are made here.
 */
#include "machine/kernel_boot.h"

#include <check.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "kernel_image.h"
#include "layout.h"

#define MEMORY   MIB(64)
#define LOAD     0x200000u
#define VIRTUAL  0xc0000000u
#define TEXT     0x1000u /* offset in the ELF file */
#define FILESZ   0x800u
#define MEMSZ    0x3000u
#define ELF_SIZE (TEXT + FILESZ)

static uint8_t image[65536];
static struct kernel_boot boot;
static struct kernel_entry entry;
static struct kernel_error error;

static void setup(void)
{
	memset(image, 0, sizeof image);
	boot = (struct kernel_boot){.memory = MEMORY,
				    .kernel_fd = -1,
				    .initrd_fd = -1,
				    .cmdline = "console=ttyS0",
				    .rsdp = 0xe0000};
	boot.ram = malloc(MEMORY);
	ck_assert_ptr_nonnull(boot.ram);
	memset(boot.ram, 0xee, MEMORY);
	memcpy(boot.ram + boot.rsdp, "RSD PTR made up here", 20);
}

static void teardown(void)
{
	close(boot.kernel_fd);
	close(boot.initrd_fd);
	free(boot.ram);
}

static int load(const void *file, size_t size)
{
	close(boot.kernel_fd);
	boot.kernel_fd = file_of(file, size);
	error.text[0] = 0;
	return kernel_boot_load(&boot, &entry, &error);
}

static void assert_loads(const void *file, size_t size)
{
	ck_assert_msg(load(file, size) == 0, "%s", error.text);
}

static void assert_refused(size_t size, int expected, const char *text)
{
	ck_assert_int_eq(load(image, size), expected);
	ck_assert_str_eq(error.text, text);
}

static uint32_t get(uint64_t address)
{
	return bytes_get_le32(boot.ram + address);
}

/* --- images --- */

static void put_mb1(uint8_t *at, uint32_t flags)
{
	bytes_put_le32(at, 0x1badb002);
	bytes_put_le32(at + 4, flags);
	bytes_put_le32(at + 8, 0u - 0x1badb002u - flags);
}

/* A multiboot 2 header with these tags, and the end. */
static void put_mb2(uint8_t *at, const uint32_t *tags, size_t count)
{
	uint32_t length = 16 + (uint32_t)count * 4 + 8;

	bytes_put_le32(at, 0xe85250d6);
	bytes_put_le32(at + 4, 0);
	bytes_put_le32(at + 8, length);
	bytes_put_le32(at + 12, 0u - 0xe85250d6u - length);
	for (size_t i = 0; i < count; i++)
		bytes_put_le32(at + 16 + i * 4, tags[i]);
	bytes_put_le32(at + 16 + count * 4, 0);
	bytes_put_le32(at + 20 + count * 4, 8);
}

static void fill_text(void)
{
	for (unsigned int i = 0; i < FILESZ; i++)
		image[TEXT + i] = (uint8_t)(i * 7 + 1);
}

/* An ELF file of one segment, in the words of either class. */
#define PUT_ELF(bits, machine, entry_point, segment_address)                   \
	do {                                                                   \
		Elf##bits##_Ehdr *h = (Elf##bits##_Ehdr *)image;               \
		Elf##bits##_Phdr *p = (Elf##bits##_Phdr *)(image + sizeof *h); \
                                                                               \
		memset(image, 0, sizeof image);                                \
		memcpy(h->e_ident, ELFMAG, SELFMAG);                           \
		h->e_ident[EI_CLASS] = ELFCLASS##bits;                         \
		h->e_ident[EI_DATA] = ELFDATA2LSB;                             \
		h->e_type = ET_EXEC;                                           \
		h->e_machine = machine;                                        \
		h->e_entry = entry_point;                                      \
		h->e_phoff = sizeof *h;                                        \
		h->e_phentsize = sizeof *p;                                    \
		h->e_phnum = 1;                                                \
		*p = (Elf##bits##_Phdr){.p_type = PT_LOAD,                     \
					.p_offset = TEXT,                      \
					.p_vaddr = segment_address,            \
					.p_paddr = LOAD,                       \
					.p_filesz = FILESZ,                    \
					.p_memsz = MEMSZ};                     \
		fill_text();                                                   \
	} while (0)

static Elf32_Ehdr *elf32(void)
{
	PUT_ELF(32, EM_386, VIRTUAL + 0x10, VIRTUAL);
	return (Elf32_Ehdr *)image;
}

static Elf32_Phdr *segment32(void)
{
	return (Elf32_Phdr *)(image + sizeof(Elf32_Ehdr));
}

static void elf64(void)
{
	PUT_ELF(64, EM_X86_64, UINT64_C(0xffffffff80000010), UINT64_C(0xffffffff80000000));
}

/* What both classes must have come to: text, zeroes behind it, protected mode at the entry. */
static void check_elf(uint32_t magic)
{
	ck_assert_mem_eq(boot.ram + LOAD, image + TEXT, FILESZ);
	for (unsigned int i = FILESZ; i < MEMSZ; i++)
		ck_assert_uint_eq(boot.ram[LOAD + i], 0);
	if (boot.initrd_fd < 0) /* else it is there */
		ck_assert_uint_eq(boot.ram[LOAD + MEMSZ], 0xee);
	ck_assert(!entry.long_mode);
	ck_assert_uint_eq(entry.rip, LOAD + 0x10);
	ck_assert_uint_eq(entry.eax, magic);
	ck_assert_uint_eq(bytes_get_le64(boot.ram + entry.gdt_base + entry.code_selector),
			  0x00cf9b000000ffff);
	ck_assert_uint_eq(bytes_get_le64(boot.ram + entry.gdt_base + entry.data_selector),
			  0x00cf93000000ffff);
}

/* --- Linux --- */

static uint8_t linux_image[KERNEL_IMAGE_SIZE];

START_TEST(a_32_bit_linux)
{
	const uint8_t *params = boot.ram + LAYOUT_BOOT_PARAMS;

	kernel_image_make(linux_image);
	bytes_put_le16(linux_image + 0x236, 0); /* no XLF_KERNEL_64 */
	assert_loads(linux_image, sizeof linux_image);
	ck_assert(!entry.long_mode);
	ck_assert_uint_eq(entry.rip, KERNEL_IMAGE_ADDRESS);
	ck_assert_uint_eq(entry.rsi, LAYOUT_BOOT_PARAMS);
	ck_assert_uint_eq(entry.eax | entry.ebx, 0);
	ck_assert_uint_eq(bytes_get_le32(params + 0x214), KERNEL_IMAGE_ADDRESS);
	ck_assert_str_eq((char *)boot.ram + bytes_get_le32(params + 0x228), "console=ttyS0");
}
END_TEST

/* Its header ends before the fields of later protocols; what stands there is its code. */
START_TEST(an_old_linux)
{
	const uint8_t *params = boot.ram + LAYOUT_BOOT_PARAMS;
	uint8_t initrd[100] = {1};

	kernel_image_make(linux_image);
	bytes_put_le16(linux_image + 0x206, 0x0204);
	linux_image[0x201] = 0x230 - 0x202;
	memset(linux_image + 0x230, 0xcc, 0x264 - 0x230);
	boot.initrd_fd = file_of(initrd, sizeof initrd);
	assert_loads(linux_image, sizeof linux_image);
	ck_assert_uint_eq(entry.rip, MIB(1));
	ck_assert(!entry.long_mode);
	ck_assert_uint_eq(bytes_get_le32(params + 0x218), MEMORY - 4096);
	ck_assert_uint_eq(params[0x238], 0);
	boot.cmdline = "01234567890123456789012345678901234567890123456789012345678901234567890123"
		       "45678901234567890123456789012345678901234567890123456789012345678901234567"
		       "89012345678901234567890123456789012345678901234567890123456789012345678901"
		       "2345678901234567890123456789012345";
	ck_assert_int_eq(load(linux_image, sizeof linux_image), -EINVAL);
	ck_assert_str_eq(error.text, "cmdline: has 256 bytes, and this kernel takes 255");
	boot.cmdline = "";
	bytes_put_le16(linux_image + 0x206, 0x0201);
	ck_assert_int_eq(load(linux_image, sizeof linux_image), -EINVAL);
	ck_assert_str_eq(error.text, "kernel: has boot protocol 2.01, and 2.02 is the least");
	bytes_put_le16(linux_image + 0x206, 0x0204);
	linux_image[0x211] = 0;
	ck_assert_int_eq(load(linux_image, sizeof linux_image), -EINVAL);
	ck_assert_str_eq(error.text, "kernel: is a Linux kernel that is loaded low (zImage); a "
				     "bzImage is needed");
}
END_TEST

/* The size is in paragraphs of 16 bytes, the last of which may be part of one. */
START_TEST(a_size_that_is_rounded_up)
{
	kernel_image_make(linux_image);
	for (unsigned int less = 0; less < 16; less++)
		assert_loads(linux_image, sizeof linux_image - less);
	ck_assert_int_eq(load(linux_image, sizeof linux_image - 16), -EINVAL);
	ck_assert_str_eq(error.text, "kernel: is truncated: 102032 bytes of 102048");
}
END_TEST

/* --- multiboot 1 --- */

START_TEST(multiboot_elf)
{
	elf32();
	put_mb1(image + 0x400, 3);
	assert_loads(image, ELF_SIZE);
	check_elf(0x2badb002);
	elf64();
	put_mb1(image + 8192 - 12, 0); /* the last place that is looked at */
	assert_loads(image, 8200);
	check_elf(0x2badb002);
}
END_TEST

START_TEST(multiboot_information)
{
	uint64_t sum = 0;
	uint32_t info;

	elf32();
	put_mb1(image + 0x400, 3);
	boot.memory = MIB(64);
	assert_loads(image, ELF_SIZE);
	info = entry.ebx;
	ck_assert_uint_eq(get(info), 0x24d);
	ck_assert_uint_eq(get(info + 4), 639);
	ck_assert_uint_eq(get(info + 8), 63 * 1024);
	ck_assert_str_eq((char *)boot.ram + get(info + 16), "console=ttyS0");
	ck_assert_uint_eq(get(info + 20), 0); /* modules */
	ck_assert_str_eq((char *)boot.ram + get(info + 64), "Keelson");
	for (uint32_t at = get(info + 48); at < get(info + 48) + get(info + 44); at += get(at) + 4)
		if (get(at + 20) == 1)
			sum += bytes_get_le64(boot.ram + at + 12);
	ck_assert_uint_eq(sum, MIB(63) + LAYOUT_BASE_END);
}
END_TEST

START_TEST(multiboot_module)
{
	static uint8_t initrd[5000];
	uint32_t at;

	elf32();
	put_mb1(image + 0x400, 3);
	memset(initrd, 0xcd, sizeof initrd);
	boot.initrd_fd = file_of(initrd, sizeof initrd);
	assert_loads(image, ELF_SIZE);
	ck_assert_uint_eq(get(entry.ebx + 20), 1);
	at = get(entry.ebx + 24);
	ck_assert_uint_eq(get(at), LOAD + MEMSZ); /* a page boundary */
	ck_assert_uint_eq(get(at + 4), LOAD + MEMSZ + 5000);
	ck_assert_str_eq((char *)boot.ram + get(at + 8), "initrd");
	ck_assert_mem_eq(boot.ram + get(at), initrd, 5000);
	ck_assert_int_eq(ftruncate(boot.initrd_fd, (off_t)MIB(62)), 0);
	assert_refused(ELF_SIZE, -ENOSPC, "initrd: has 62 MiB, and beside the kernel there are 61");
	ck_assert_int_eq(ftruncate(boot.initrd_fd, 0), 0);
	assert_refused(ELF_SIZE, -EINVAL, "initrd: is empty");
}
END_TEST

static void put_addresses(uint8_t *at, uint32_t header, uint32_t load_at, uint32_t end,
			  uint32_t bss, uint32_t start)
{
	const uint32_t fields[] = {header, load_at, end, bss, start};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		bytes_put_le32(at + i * 4, fields[i]);
}

START_TEST(multiboot_flat)
{
	for (unsigned int i = 0; i < 2000; i++)
		image[i] = (uint8_t)(i * 7 + 1);
	put_mb1(image + 0x100, 0x10000);
	put_addresses(image + 0x10c, LOAD + 0x80, LOAD, LOAD + 1000, LOAD + 3000, LOAD + 0x200);
	assert_loads(image, 2000);
	ck_assert_mem_eq(boot.ram + LOAD, image + 0x80, 1000); /* 80h bytes of the file are not */
	ck_assert_uint_eq(boot.ram[LOAD + 1000], 0);
	ck_assert_uint_eq(boot.ram[LOAD + 2999], 0);
	ck_assert_uint_eq(boot.ram[LOAD + 3000], 0xee);
	ck_assert_uint_eq(entry.rip, LOAD + 0x200);
	put_addresses(image + 0x10c, LOAD + 0x100, LOAD, 0, 0, LOAD + 0x200); /* all of it */
	memset(boot.ram + LOAD, 0xee, 4096);
	assert_loads(image, 2000);
	ck_assert_mem_eq(boot.ram + LOAD, image, 2000);
	ck_assert_uint_eq(boot.ram[LOAD + 2000], 0xee);
}
END_TEST

START_TEST(multiboot_refusals)
{
	elf32();
	put_mb1(image + 0x400, 1 << 5);
	assert_refused(ELF_SIZE, -EINVAL, "kernel: has a multiboot 1 header that needs feature 5");
	memset(image, 0, 64);
	put_mb1(image + 0x400, 3);
	assert_refused(ELF_SIZE, -EINVAL,
		       "kernel: has a multiboot 1 header without addresses, and is no ELF file");
	put_mb1(image + 0x400, 0x10000);
	put_addresses(image + 0x40c, LOAD, LOAD + 4, 0, 0, LOAD);
	assert_refused(ELF_SIZE, -EINVAL,
		       "kernel: has a multiboot header whose addresses do not fit together");
	put_addresses(image + 0x40c, LOAD + 0x500, LOAD, 0, 0, LOAD);
	assert_refused(ELF_SIZE, -EINVAL,
		       "kernel: has a multiboot header whose addresses do not fit together");
	put_addresses(image + 0x40c, LOAD, LOAD, LOAD + 100, LOAD + 50, LOAD);
	assert_refused(ELF_SIZE, -EINVAL,
		       "kernel: has a multiboot header whose addresses do not fit together");
	put_addresses(image + 0x40c, LOAD, LOAD, LOAD + 0x10000, 0, LOAD);
	assert_refused(ELF_SIZE, -EINVAL, "kernel: is truncated");
	put_addresses(image + 0x40c, LOAD, LOAD, LOAD + 100, 0, LOAD + 100);
	assert_refused(ELF_SIZE, -EINVAL, "kernel: begins at 0x200064, outside of what is loaded");
	put_addresses(image + 0x40c, 0x9000, 0x9000, 0x9100, 0, 0x9000);
	assert_refused(ELF_SIZE, -EINVAL,
		       "kernel: wants to be at 0x9000, 0x100 bytes, which is not free RAM");
	put_addresses(image + 0x40c, LOAD, LOAD, LOAD + 100, 0xfffff000, LOAD);
	assert_refused(ELF_SIZE, -ENOSPC,
		       "kernel: wants to be at 0x200000, 0xffdff000 bytes, and memory ends at "
		       "0x4000000");
}
END_TEST

START_TEST(elf_refusals)
{
	elf32();
	assert_refused(ELF_SIZE, -EINVAL,
		       "kernel: is not a Linux kernel (bzImage) and has no multiboot header (it is "
		       "an ELF file; of Linux, boot the bzImage instead of vmlinux)");
	put_mb1(image + 0x400, 3);
	segment32()->p_filesz = MEMSZ + 1;
	assert_refused(ELF_SIZE, -EINVAL,
		       "kernel: has a segment that is larger in the file than in memory");
	segment32()->p_filesz = FILESZ;
	segment32()->p_paddr = 0x9f000;
	assert_refused(ELF_SIZE, -EINVAL,
		       "kernel: wants to be at 0x9f000, 0x3000 bytes, which is not free RAM");
	segment32()->p_paddr = 0x20000; /* below 640 KiB, there is room */
	segment32()->p_vaddr = 0x20000;
	elf32()->e_entry = 0;
	put_mb1(image + 0x400, 3);
	assert_refused(ELF_SIZE, -EINVAL, "kernel: begins at 0x0, outside of what is loaded");
	elf32()->e_phnum = 0;
	put_mb1(image + 0x400, 3);
	assert_refused(ELF_SIZE, -EINVAL,
		       "kernel: is an ELF file with 0 program headers of 32 bytes");
	elf32()->e_machine = EM_ARM;
	put_mb1(image + 0x400, 3);
	assert_refused(ELF_SIZE, -EINVAL, "kernel: is an ELF file, but not of an x86 processor");
	elf32()->e_type = ET_REL;
	put_mb1(image + 0x400, 3);
	assert_refused(ELF_SIZE, -EINVAL, "kernel: is an ELF file that is not linked (type 1)");
	elf32()->e_phoff = 0xffffff00;
	put_mb1(image + 0x400, 3);
	assert_refused(ELF_SIZE, -EINVAL, "kernel: is truncated");
}
END_TEST

START_TEST(a_segment_below_640_kib)
{
	elf32();
	put_mb1(image + 0x400, 3);
	segment32()->p_paddr = 0x20000;
	assert_loads(image, ELF_SIZE);
	ck_assert_uint_eq(entry.rip, 0x20010);
	ck_assert_uint_lt(entry.ebx + 120, 0x20000);
}
END_TEST

/* --- multiboot 2 --- */

/* The tag of that type in the information; 0: there is none. */
static uint32_t find_tag(uint32_t type)
{
	uint32_t end = entry.ebx + get(entry.ebx);

	for (uint32_t at = entry.ebx + 8; at < end; at += (get(at + 4) + 7) & ~7u)
		if (get(at) == type)
			return at;
	return 0;
}

START_TEST(multiboot_2_elf_and_information)
{
	static const uint32_t tags[] = {1,       24, 1, 6, 14, 3 /* and padding */,
					0x10005, 24, 0, 0, 0,  0};
	uint8_t initrd[10] = {1};
	uint32_t at;

	elf64();
	put_mb2(image + 0x400, tags, ARRAY_SIZE(tags));
	boot.initrd_fd = file_of(initrd, sizeof initrd);
	assert_loads(image, ELF_SIZE);
	check_elf(0x36d76289);
	ck_assert_uint_eq(entry.ebx % 8, 0);
	ck_assert_str_eq((char *)boot.ram + find_tag(1) + 8, "console=ttyS0");
	ck_assert_str_eq((char *)boot.ram + find_tag(2) + 8, "Keelson");
	at = find_tag(3);
	ck_assert_uint_eq(get(at + 8), LOAD + MEMSZ);
	ck_assert_uint_eq(get(at + 12), LOAD + MEMSZ + 10);
	ck_assert_str_eq((char *)boot.ram + at + 16, "initrd");
	ck_assert_uint_eq(get(find_tag(4) + 12), 63 * 1024);
	at = find_tag(6);
	ck_assert_uint_eq(get(at + 4), 16 + 24 * 4);
	ck_assert_uint_eq(get(at + 8), 24);
	ck_assert_uint_eq(bytes_get_le64(boot.ram + at + 16 + 3 * 24), MIB(1));
	ck_assert_uint_eq(bytes_get_le64(boot.ram + at + 16 + 3 * 24 + 8), MIB(63));
	ck_assert_mem_eq(boot.ram + find_tag(14) + 8, "RSD PTR made up here", 20);
	ck_assert_uint_ne(find_tag(0), 0);
	elf32();
	put_mb2(image + 32768 - 24, NULL, 0);
	assert_loads(image, 32768);
	check_elf(0x36d76289);
}
END_TEST

START_TEST(multiboot_2_flat)
{
	uint32_t tags[] = {2, 24, LOAD + 0x100, LOAD, 0, LOAD + 3000, 3, 12, LOAD + 0x20, 0};

	image[0x20] = 0x90;
	put_mb2(image + 0x100, tags, ARRAY_SIZE(tags));
	assert_loads(image, 2000);
	ck_assert_mem_eq(boot.ram + LOAD, image, 2000);
	ck_assert_uint_eq(boot.ram[LOAD + 2999], 0);
	ck_assert_uint_eq(entry.rip, LOAD + 0x20);
	tags[3] = UINT32_MAX; /* the file's first byte is the first that is loaded */
	put_mb2(image + 0x100, tags, ARRAY_SIZE(tags));
	assert_loads(image, 2000);
	ck_assert_mem_eq(boot.ram + LOAD, image, 2000);
	tags[2] = 0x80; /* before the beginning of memory, then */
	put_mb2(image + 0x100, tags, ARRAY_SIZE(tags));
	assert_refused(2000, -EINVAL,
		       "kernel: has a multiboot header whose addresses do not fit together");
}
END_TEST

static void assert_tag_refused(uint32_t type, uint32_t value, const char *text)
{
	const uint32_t tags[] = {type, 12, value, 0};

	elf32();
	put_mb2(image + 0x400, tags, ARRAY_SIZE(tags));
	assert_refused(ELF_SIZE, -EINVAL, text);
}

START_TEST(multiboot_2_refusals)
{
	const uint32_t end[] = {1, 4, 0, 0};

	assert_tag_refused(1, 8, "kernel: has a multiboot 2 header that needs information 8");
	assert_tag_refused(
		5, 0,
		"kernel: has a multiboot 2 header that needs what its tag asks for, of type 5");
	assert_tag_refused(
		4, 1,
		"kernel: has a multiboot 2 header that needs what its tag asks for, of type 4");
	assert_tag_refused(
		99, 0,
		"kernel: has a multiboot 2 header that needs what its tag asks for, of type 99");
	elf32();
	put_mb2(image + 0x400, end, ARRAY_SIZE(end));
	assert_refused(ELF_SIZE, -EINVAL,
		       "kernel: has a multiboot 2 header with a tag whose size is 4");
	elf32();
	put_mb2(image + 0x400, NULL, 0);
	bytes_put_le32(image + 0x404, 4);
	bytes_put_le32(image + 0x40c, bytes_get_le32(image + 0x40c) - 4);
	assert_refused(ELF_SIZE, -EINVAL, "kernel: has a multiboot 2 header for architecture 4");
}
END_TEST

START_TEST(what_it_is_instead)
{
	static const struct {
		const char *bytes;
		size_t at;
		const char *text;
	} kinds[] = {{"\x1f\x8b", 0, " (it is compressed by gzip)"},
		     {"MZ", 0, " (it is an EFI program)"},
		     {"\x55\xaa", 510, " (it begins with a boot sector: a disk or a floppy image)"},
		     {"x", 0, ""}};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		char text[200] =
			"kernel: is not a Linux kernel (bzImage) and has no multiboot header";

		memset(image, 0, 1024);
		memcpy(image + kinds[i].at, kinds[i].bytes, strlen(kinds[i].bytes));
		strcat(text, kinds[i].text);
		assert_refused(1024, -EINVAL, text);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {a_32_bit_linux,
				      an_old_linux,
				      a_size_that_is_rounded_up,
				      multiboot_elf,
				      multiboot_information,
				      multiboot_module,
				      multiboot_flat,
				      multiboot_refusals,
				      elf_refusals,
				      a_segment_below_640_kib,
				      multiboot_2_elf_and_information,
				      multiboot_2_flat,
				      multiboot_2_refusals,
				      what_it_is_instead};
	Suite *suite = suite_create("kernel_boot");
	TCase *tc = tcase_create("kernel_boot");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
