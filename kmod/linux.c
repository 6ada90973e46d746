// SPDX-License-Identifier: GPL-2.0-or-later
/* See linux.h. Made for Linux 6.1 and 6.12. */
#include <asm/irq_vectors.h>
#include <asm/mshyperv.h>
#include <linux/eventfd.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/shmem_fs.h>
#include <linux/smp.h>
#include <linux/version.h>

#include "linux.h"

u64 linux_hypercall(u64 control, void *input, void *output)
{
	return hv_do_hypercall(control, input, output);
}

u64 linux_fast_hypercall(u16 code, u64 input, u64 more)
{
	return hv_do_fast_hypercall16(code, input, more);
}

bool linux_has_hypercalls(void)
{
	return hv_is_hyperv_initialized();
}

void linux_set_callback(void (*handler)(void))
{
	if (handler)
		hv_setup_vmbus_handler(handler);
	else
		hv_remove_vmbus_handler();
}

u8 linux_callback_vector(void)
{
	return HYPERVISOR_CALLBACK_VECTOR;
}

void linux_eventfd_signal(struct eventfd_ctx *eventfd)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	eventfd_signal(eventfd);
#else
	eventfd_signal(eventfd, 1);
#endif
}

void linux_interrupt_cpu(int cpu)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
	arch_smp_send_reschedule(cpu);
#else
	smp_send_reschedule(cpu);
#endif
}

void linux_set_vm_flags(struct vm_area_struct *vma, bool may_write)
{
	unsigned long set = VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP;
	unsigned long clear = may_write ? 0 : VM_MAYWRITE;

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_mod(vma, set, clear);
#else
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
#endif
}

bool linux_is_sealed_memfd(const struct file *file)
{
	const unsigned int wanted = F_SEAL_GROW | F_SEAL_SHRINK;
	struct inode *inode = file_inode(file);

	if (!S_ISREG(inode->i_mode) || inode->i_sb->s_magic != TMPFS_MAGIC)
		return false;
	return (READ_ONCE(SHMEM_I(inode)->seals) & wanted) == wanted;
}

/* No lock: while a page is pinned it can leave its file (a hole), but never join another. */
bool linux_is_page_of(struct page *page, const struct file *file, u64 index)
{
	const struct folio *folio = page_folio(page);

	return READ_ONCE(folio->mapping) == file->f_mapping &&
	       folio->index + folio_page_idx(folio, page) == index;
}
