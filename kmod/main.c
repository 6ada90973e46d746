// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vid.ko, the virtualization infrastructure driver of the root partition: /dev/vid, and whether this
 * machine runs under Keelson at all.
 */
#define pr_fmt(format) "vid: " format

#include <asm/cpu_device_id.h>
#include <asm/cpufeature.h>
#include <asm/processor.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "hv/cpuid.h"
#include "hypercall.h"
#include "linux.h"
#include "vid.h"

static int create_partition(void __user *argument)
{
	struct vid_ioctl_create_partition a;

	if (copy_from_user(&a, argument, sizeof(a)))
		return -EFAULT;
	return a.flags ? -EINVAL : vid_partition_create_fd();
}

static long device_ioctl(struct file *file, unsigned int request, unsigned long argument)
{
	switch (request) {
	case VID_IOCTL_VERSION:
		return argument ? -EINVAL : VID_IOCTL_VERSION_VALUE;
	case VID_IOCTL_CREATE_PARTITION:
		return create_partition((void __user *)argument);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations device_operations = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = device_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vid",
	.fops = &device_operations,
};

/* ---- where are we? ---- */

static bool has_interface(void)
{
	u32 eax, ebx, ecx, edx;

	if (!boot_cpu_has(X86_FEATURE_HYPERVISOR))
		return false;
	cpuid(HV_CPUID_VENDOR, &eax, &ebx, &ecx, &edx);
	if (ebx != 0x7263694d || ecx != 0x666f736f || edx != 0x76482074 || eax < HV_CPUID_FEATURES)
		return false;
	return cpuid_eax(HV_CPUID_INTERFACE) == HV_INTERFACE_SIGNATURE;
}

static bool is_root(void)
{
	const u32 low = HV_ACCESS_SYNIC | HV_ACCESS_HYPERCALL_MSRS;
	const u32 high = HV_CREATE_PARTITIONS | HV_ACCESS_MEMORY_POOL;

	return (cpuid_eax(HV_CPUID_FEATURES) & low) == low &&
	       (cpuid_ebx(HV_CPUID_FEATURES) & high) == high;
}

/* NULL: all is there. */
static const char *what_is_missing(void)
{
	if (!has_interface())
		return "this kernel does not run under the Keelson hypervisor; boot the machine by "
		       "its menu entry \"with Keelson\"";
	if (!linux_has_hypercalls())
		return "this kernel's Hyper-V support is off";
	if (!hypercall_is_keelson())
		return "the hypervisor below is not Keelson";
	if (!is_root())
		return "this is not Keelson's root partition, or its hypervisor runs no child "
		       "partitions on this processor";
	return NULL;
}

/* ---- the module ---- */

static int __init vid_init(void)
{
	const char *missing;
	int r = hypercall_init();

	if (r)
		return r;
	missing = what_is_missing();
	if (missing) {
		pr_err("%s\n", missing);
		r = -ENODEV;
		goto out_hypercall;
	}
	r = vid_synic_init();
	if (r)
		goto out_hypercall;
	r = misc_register(&device);
	if (r)
		goto out_synic;
	pr_info("ready for child partitions\n");
	return 0;

out_synic:
	vid_synic_exit();
out_hypercall:
	hypercall_exit();
	return r;
}

/* No descriptor is open any more; what RCU still frees does not need this code. */
static void __exit vid_exit(void)
{
	misc_deregister(&device);
	vid_synic_exit();
	hypercall_exit();
}

module_init(vid_init);
module_exit(vid_exit);

/* udev loads the module on every machine with a hypervisor below it. */
static const struct x86_cpu_id __maybe_unused below[] = {
	X86_MATCH_FEATURE(X86_FEATURE_HYPERVISOR, NULL),
	{},
};
MODULE_DEVICE_TABLE(x86cpu, below);

MODULE_DESCRIPTION("Child partitions of the Keelson hypervisor");
MODULE_LICENSE("GPL");
