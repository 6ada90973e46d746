/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Partitions by the ioctls of vid.ko. All state is the driver's; here is the descriptor.
 */
#include "driver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "vid/driver.h"

int driver_ioctl(int fd, unsigned long request, void *argument)
{
	int r = ioctl(fd, request, argument);

	return r < 0 ? -errno : r;
}

static int partition_ioctl(const struct vid_partition *p, unsigned long request, void *argument)
{
	return driver_ioctl(driver_partition(p)->fd, request, argument);
}

static void driver_partition_destroy(struct vid_partition *base)
{
	struct driver_partition *p = driver_partition(base);

	vid_partition_fini(base);
	fd_close(p->fd);
	free(p);
}

static int driver_partition_fd(const struct vid_partition *base)
{
	return driver_partition(base)->fd;
}

_Static_assert((int)VID_ACCESS_READ == (int)VID_IOCTL_MAP_READ, "the same bits");
_Static_assert((int)VID_ACCESS_WRITE == (int)VID_IOCTL_MAP_WRITE, "the same bits");
_Static_assert((int)VID_ACCESS_EXECUTE == (int)VID_IOCTL_MAP_EXECUTE, "the same bits");

/*
 * Has the memory there before it is pinned: from a mapping that asks for huge pages, they are huge
 * if the system has any. -ENOMEM.
 */
static int populate(const struct vid_memory *memory, uint64_t offset, uint64_t size)
{
	char *start = (char *)vid_memory_host(memory) + offset;

	if (madvise(start, size, MADV_POPULATE_WRITE) == 0)
		return 0;
	return errno == EINTR || errno == EAGAIN ? -EINTR : -ENOMEM;
}

static int driver_map(struct vid_partition *base, uint64_t gpa, const struct vid_memory *memory,
		      uint64_t offset, uint64_t size, unsigned int access)
{
	struct vid_ioctl_map map = {
		.fd = vid_memory_fd(memory),
		.access = access,
		.offset = offset,
		.size = size,
		.gpa = gpa,
	};
	int r = populate(memory, offset, size);

	return r < 0 ? r : partition_ioctl(base, VID_IOCTL_MAP, &map);
}

static int driver_unmap(struct vid_partition *base, uint64_t gpa, uint64_t size)
{
	struct vid_ioctl_unmap unmap = {.gpa = gpa, .size = size};

	return partition_ioctl(base, VID_IOCTL_UNMAP, &unmap);
}

static struct vid_ioctl_interrupt to_ioctl(const struct vid_interrupt *interrupt)
{
	return (struct vid_ioctl_interrupt){
		.vector = interrupt->vector,
		.mode = interrupt->mode,
		.flags = (interrupt->level ? VID_IOCTL_INTERRUPT_LEVEL : 0) |
			 (interrupt->logical ? VID_IOCTL_INTERRUPT_LOGICAL : 0),
		.destination = interrupt->destination,
	};
}

static int driver_interrupt(struct vid_partition *base, const struct vid_interrupt *interrupt)
{
	struct vid_ioctl_interrupt i = to_ioctl(interrupt);

	return partition_ioctl(base, VID_IOCTL_ASSERT_INTERRUPT, &i);
}

static int doorbell(struct vid_partition *base, const struct vid_doorbell *d, int eventfd,
		    uint32_t flags)
{
	static const uint32_t kinds[] = {
		[VID_DOORBELL_PORT] = VID_IOCTL_DOORBELL_PORT,
		[VID_DOORBELL_MMIO] = VID_IOCTL_DOORBELL_MMIO,
		[VID_DOORBELL_SIGNAL] = VID_IOCTL_DOORBELL_SIGNAL,
		[VID_DOORBELL_EOI] = VID_IOCTL_DOORBELL_EOI,
	};
	struct vid_ioctl_doorbell bell = {
		.kind = kinds[d->kind],
		.size = d->size,
		.address = d->address,
		.value = d->match ? d->value : 0,
		.flags = flags | (d->match ? VID_IOCTL_DOORBELL_MATCH : 0),
		.eventfd = eventfd,
	};

	return partition_ioctl(base, VID_IOCTL_DOORBELL, &bell);
}

static int driver_doorbell_set(struct vid_partition *base, const struct vid_doorbell *d,
			       int eventfd)
{
	return doorbell(base, d, eventfd, 0);
}

static int driver_doorbell_clear(struct vid_partition *base, const struct vid_doorbell *d)
{
	return doorbell(base, d, -1, VID_IOCTL_DOORBELL_REMOVE);
}

static int driver_irqfd_set(struct vid_partition *base, int eventfd,
			    const struct vid_interrupt *interrupt)
{
	struct vid_ioctl_irqfd i = {.eventfd = eventfd, .interrupt = to_ioctl(interrupt)};

	return partition_ioctl(base, VID_IOCTL_IRQFD, &i);
}

static int driver_irqfd_set_flag(struct vid_partition *base, int eventfd,
				 const struct vid_event_flag *flag)
{
	struct vid_ioctl_irqfd i = {
		.eventfd = eventfd,
		.flags = VID_IOCTL_IRQFD_EVENT_FLAG,
		.event_flag = {.vp_index = flag->vp_index, .sint = flag->sint, .flag = flag->flag},
	};

	return partition_ioctl(base, VID_IOCTL_IRQFD, &i);
}

static int driver_irqfd_clear(struct vid_partition *base, int eventfd)
{
	struct vid_ioctl_irqfd i = {.eventfd = eventfd, .flags = VID_IOCTL_IRQFD_REMOVE};

	return partition_ioctl(base, VID_IOCTL_IRQFD, &i);
}

static int driver_message_post(struct vid_partition *base, uint32_t vp, unsigned int sint,
			       uint32_t type, const void *payload, size_t size)
{
	struct vid_ioctl_message m = {
		.vp_index = vp,
		.sint = sint,
		.type = type,
		.size = (uint32_t)size,
	};

	if (size)
		memcpy(m.payload, payload, size);
	return partition_ioctl(base, VID_IOCTL_POST_MESSAGE, &m);
}

static int driver_event_flag_set(struct vid_partition *base, uint32_t vp, unsigned int sint,
				 unsigned int flag)
{
	struct vid_ioctl_event_flag e = {.vp_index = vp, .sint = sint, .flag = flag};

	return partition_ioctl(base, VID_IOCTL_SIGNAL_EVENT, &e);
}

static int driver_set_cpuid(struct vid_partition *base, const struct vid_cpuid_result *result)
{
	struct vid_ioctl_cpuid_result r = {
		.leaf = result->leaf,
		.subleaf = result->subleaf,
		.subleaf_specific = result->subleaf_specific,
	};

	memcpy(r.value, result->value, sizeof(r.value));
	memcpy(r.mask, result->mask, sizeof(r.mask));
	return partition_ioctl(base, VID_IOCTL_CPUID_RESULT, &r);
}

#define ACCESS_MSR   3u /* reading, writing; as of HvCallInstallIntercept */
#define ACCESS_CPUID 4u /* executing */

static int driver_intercept_msrs(struct vid_partition *base, bool on)
{
	struct vid_ioctl_intercept i = {.type = HV_INTERCEPT_MSR, .access = on ? ACCESS_MSR : 0};

	return partition_ioctl(base, VID_IOCTL_INTERCEPT, &i);
}

static int driver_intercept_cpuid(struct vid_partition *base, uint32_t leaf, bool on)
{
	struct vid_ioctl_intercept i = {
		.type = HV_INTERCEPT_CPUID,
		.access = on ? ACCESS_CPUID : 0,
		.parameter = leaf,
	};

	return partition_ioctl(base, VID_IOCTL_INTERCEPT, &i);
}

static int driver_freeze_time(struct vid_partition *base, bool freeze)
{
	struct vid_ioctl_property p = {.code = HV_PROPERTY_TIME_FREEZE};
	int r = partition_ioctl(base, VID_IOCTL_GET_PROPERTY, &p);

	if (r < 0)
		return r;
	if (p.value == freeze)
		return -EALREADY;
	p.value = freeze;
	return partition_ioctl(base, VID_IOCTL_SET_PROPERTY, &p);
}

static int driver_get_time(struct vid_partition *base, uint64_t *ret_time)
{
	struct vid_ioctl_property p = {.code = HV_PROPERTY_REFERENCE_TIME};
	int r = partition_ioctl(base, VID_IOCTL_GET_PROPERTY, &p);

	if (r < 0)
		return r;
	*ret_time = p.value;
	return 0;
}

static int driver_get_balance(struct vid_partition *base, uint64_t *ret_free, uint64_t *ret_used)
{
	struct hv_memory_balance balance;
	int r = partition_ioctl(base, VID_IOCTL_GET_BALANCE, &balance);

	if (r < 0)
		return r;
	*ret_free = balance.available;
	*ret_used = balance.in_use;
	return 0;
}

static int driver_set_time(struct vid_partition *base, uint64_t time)
{
	struct vid_ioctl_property p = {.code = HV_PROPERTY_REFERENCE_TIME, .value = time};

	return partition_ioctl(base, VID_IOCTL_SET_PROPERTY, &p);
}

static const struct vid_backend_ops driver_ops = {
	.partition_destroy = driver_partition_destroy,
	.partition_fd = driver_partition_fd,
	.map = driver_map,
	.unmap = driver_unmap,
	.interrupt = driver_interrupt,
	.doorbell_set = driver_doorbell_set,
	.doorbell_clear = driver_doorbell_clear,
	.irqfd_set = driver_irqfd_set,
	.irqfd_set_flag = driver_irqfd_set_flag,
	.irqfd_clear = driver_irqfd_clear,
	.message_post = driver_message_post,
	.event_flag_set = driver_event_flag_set,
	.set_cpuid = driver_set_cpuid,
	.intercept_msrs = driver_intercept_msrs,
	.intercept_cpuid = driver_intercept_cpuid,
	.freeze_time = driver_freeze_time,
	.get_time = driver_get_time,
	.set_time = driver_set_time,
	.get_balance = driver_get_balance,
	.vp_create = driver_vp_create,
	.vp_destroy = driver_vp_destroy,
	.vp_run = driver_vp_run,
	.vp_kick = driver_vp_kick,
	.vp_extint = driver_vp_extint,
	.vp_extint_ready = driver_vp_extint_ready,
	.vp_regs = driver_vp_regs,
	.vp_get_registers = driver_vp_get_registers,
	.vp_set_registers = driver_vp_set_registers,
	.vp_translate = driver_vp_translate,
	.vp_get_state = driver_vp_get_state,
	.vp_set_state = driver_vp_set_state,
};

/* Descriptor of a new partition. */
static int create(int device)
{
	struct vid_ioctl_create_partition arguments = {0};
	int version = driver_ioctl(device, VID_IOCTL_VERSION, NULL);

	if (version < 0)
		return version;
	if (version != VID_IOCTL_VERSION_VALUE)
		return -EPROTO;
	return driver_ioctl(device, VID_IOCTL_CREATE_PARTITION, &arguments);
}

static int create_on_device(void)
{
	_cleanup_close_ int device = open(VID_DEVICE, O_RDWR | O_CLOEXEC);

	if (device < 0)
		return errno == ENXIO ? -ENODEV : -errno;
	return create(device);
}

/* A partition's descriptor as it is; one of a new partition for the device's: only that one has a version. */
static int from_descriptor(int fd, int *ret_made)
{
	struct hv_memory_balance balance;
	int r = create(fd);

	if (r >= 0) {
		*ret_made = r;
		return r;
	}
	if (r != -ENOTTY && r != -EINVAL)
		return r;
	r = driver_ioctl(fd, VID_IOCTL_GET_BALANCE, &balance);
	if (r < 0)
		return r == -ENOTTY || r == -EINVAL ? -EBADF : r;
	return fd;
}

int vid_partition_open(int fd, struct vid_partition **ret_partition)
{
	_cleanup_free_ struct driver_partition *p = calloc(1, sizeof(*p));
	_cleanup_close_ int made = -1;
	int r;

	if (!p)
		return -ENOMEM;
	r = fd < 0 ? made = create_on_device() : from_descriptor(fd, &made);
	if (r < 0)
		return r;
	p->fd = r;
	r = vid_partition_init(&p->base, &driver_ops);
	if (r < 0)
		return r;
	if (made >= 0)
		fd_close(fd);
	TAKE_FD(made);
	*ret_partition = &TAKE_PTR(p)->base;
	return 0;
}
