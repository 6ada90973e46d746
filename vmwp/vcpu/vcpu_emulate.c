/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way between a VP and the instruction emulator: registers from and to the shared page, guest
 * RAM through the partition's map, devices through the machine's buses, vectors through the XSAVE
 * state (SDM volume 1, 13.4: standard format).
 */
#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "emulate/emulate.h"
#include "registers.h"
#include "vcpu/vcpu.h"
#include "vid/partition.h"

/* MAXPHYADDR that children are told; TLFS CPUID policy. */
#define PHYS_BITS       40

#define XSAVE_XMM       160
#define XSAVE_HEADER    512
#define XSAVE_COMPACTED 520
#define XSAVE_YMM_HIGH  576
#define XSAVE_YMM_END   832
#define XSTATE_SSE      BIT(1)
#define XSTATE_AVX      BIT(2)

#define RFLAGS_TF       BIT(8)
#define EFER_LMA        BIT(10)
#define SEGMENT_64      BIT(13)
#define SEGMENT_32      BIT(14)

static void *map(void *ctx, uint64_t gpa, size_t len, bool write)
{
	struct vcpu *vcpu = ctx;
	size_t size;
	void *host = vid_gpa_host(vcpu->set->machine->partition, gpa, len,
				  write ? VID_ACCESS_WRITE : VID_ACCESS_READ, &size);

	return host && size >= len ? host : NULL;
}

static int mmio_read(void *ctx, uint64_t gpa, unsigned size, uint64_t *ret_value)
{
	struct vcpu *vcpu = ctx;

	*ret_value = vdev_bus_read(&vcpu->set->machine->board.memory, gpa, size);
	return 0;
}

static int mmio_write(void *ctx, uint64_t gpa, unsigned size, uint64_t value)
{
	struct vcpu *vcpu = ctx;

	vdev_bus_write(&vcpu->set->machine->board.memory, gpa, size, value);
	return 0;
}

static int port_in(void *ctx, uint16_t port, unsigned size, uint32_t *ret_value)
{
	struct vcpu *vcpu = ctx;

	*ret_value = (uint32_t)vdev_bus_read(&vcpu->set->machine->board.ports, port, size);
	return 0;
}

static int port_out(void *ctx, uint16_t port, unsigned size, uint32_t value)
{
	struct vcpu *vcpu = ctx;

	vdev_bus_write(&vcpu->set->machine->board.ports, port, size, value);
	return 0;
}

/* --- vectors --- */

struct xsave {
	uint8_t bytes[VID_VP_STATE_MAX];
	size_t size;
};

static int get_xsave(struct vcpu *vcpu, struct xsave *xsave)
{
	int r = vid_vp_get_state(vcpu->vp, VID_VP_STATE_XSAVE, xsave->bytes, sizeof xsave->bytes,
				 &xsave->size);

	if (r < 0)
		return r;
	if (xsave->size < XSAVE_YMM_HIGH || bytes_get_le64(xsave->bytes + XSAVE_COMPACTED) >> 63)
		return -EOPNOTSUPP;
	return 0;
}

/* A component that is not in use has its initial value, zero, whatever its bytes are. */
static int get_vector(void *ctx, unsigned index, uint8_t ret_value[32])
{
	struct xsave xsave;
	uint64_t used;
	int r = get_xsave(ctx, &xsave);

	if (r < 0)
		return r;
	used = bytes_get_le64(xsave.bytes + XSAVE_HEADER);
	memset(ret_value, 0, 32);
	if (used & XSTATE_SSE)
		memcpy(ret_value, xsave.bytes + XSAVE_XMM + index * 16, 16);
	if (used & XSTATE_AVX && xsave.size >= XSAVE_YMM_END)
		memcpy(ret_value + 16, xsave.bytes + XSAVE_YMM_HIGH + index * 16, 16);
	return 0;
}

static void use_component(struct xsave *xsave, uint64_t component, size_t offset)
{
	uint64_t used = bytes_get_le64(xsave->bytes + XSAVE_HEADER);

	if (!(used & component))
		memset(xsave->bytes + offset, 0, 256);
	bytes_put_le64(xsave->bytes + XSAVE_HEADER, used | component);
}

static int set_vector(void *ctx, unsigned index, const uint8_t value[32], unsigned size)
{
	struct vcpu *vcpu = ctx;
	struct xsave xsave;
	int r = get_xsave(vcpu, &xsave);

	if (r == 0 && size == 32 && xsave.size < XSAVE_YMM_END)
		r = -EOPNOTSUPP;
	if (r < 0)
		return r;
	use_component(&xsave, XSTATE_SSE, XSAVE_XMM);
	memcpy(xsave.bytes + XSAVE_XMM + index * 16, value, 16);
	if (size == 32) {
		use_component(&xsave, XSTATE_AVX, XSAVE_YMM_HIGH);
		memcpy(xsave.bytes + XSAVE_YMM_HIGH + index * 16, value + 16, 16);
	}
	return vid_vp_set_state(vcpu->vp, VID_VP_STATE_XSAVE, xsave.bytes, xsave.size);
}

static const struct emulate_vcpu_ops ops = {
	.map = map,
	.mmio_read = mmio_read,
	.mmio_write = mmio_write,
	.port_in = port_in,
	.port_out = port_out,
	.get_vector = get_vector,
	.set_vector = set_vector,
};

/* --- registers --- */

static void load(struct emulate_regs *to, const struct vid_regs *from)
{
	memcpy(to->gpr, from->gpr, sizeof to->gpr);
	to->rip = from->rip;
	to->rflags = from->rflags;
	for (int i = 0; i < EMULATE_SEGMENTS; i++)
		to->segment[i] = (struct emulate_segment){
			from->segment[i].base, from->segment[i].limit, from->segment[i].selector,
			from->segment[i].attributes};
	to->cr0 = from->cr0;
	to->cr3 = from->cr3;
	to->cr4 = from->cr4;
	to->efer = from->efer;
	to->phys_bits = PHYS_BITS;
}

static void store(struct vcpu *vcpu, const struct emulate_regs *from)
{
	struct vid_regs *to = vid_vp_regs(vcpu->vp, VID_REGS_GPR | VID_REGS_RFLAGS);

	memcpy(to->gpr, from->gpr, sizeof to->gpr);
	to->rflags = from->rflags;
}

static unsigned int mode_of(const struct vid_regs *regs)
{
	uint16_t cs = regs->segment[VID_CS].attributes;

	if (regs->efer & EFER_LMA && cs & SEGMENT_64)
		return 8;
	return cs & SEGMENT_32 ? 4 : 2;
}

/* VID_REGS_RIP says that an instruction, or an iteration of one, is done: see vid_vp_regs(). */
void vcpu_advance(struct vcpu *vcpu, unsigned int length)
{
	struct vid_regs *regs = vid_vp_regs(vcpu->vp, VID_REGS_RIP);

	regs->rip = emulate_next(regs->rip, length, mode_of(regs));
}

void vcpu_inject(struct vcpu *vcpu, uint8_t vector, bool has_error_code, uint32_t error_code,
		 uint64_t parameter)
{
	const struct vid_register event =
		register_exception(vector, has_error_code, error_code, parameter);

	if (vid_vp_set_registers(vcpu->vp, &event, 1) < 0)
		vcpu->set->ops->report(vcpu->set->owner, VCPU_ERROR,
				       "an exception cannot be injected", NULL);
}

unsigned int vcpu_instruction_length(struct vcpu *vcpu, const struct vid_exit *exit)
{
	const struct vid_exit_instruction *instruction = &exit->instruction;
	struct emulate_regs regs;

	if (instruction->length)
		return instruction->length;
	load(&regs, vid_vp_regs(vcpu->vp, 0));
	return emulate_length(&regs, &ops, vcpu, instruction->bytes, instruction->byte_count);
}

size_t vcpu_instruction_bytes(struct vcpu *vcpu, const struct vid_exit *exit,
			      uint8_t bytes[VCPU_INSTRUCTION_MAX])
{
	const struct vid_exit_instruction *instruction = &exit->instruction;
	struct emulate_regs regs;
	size_t count;

	if (instruction->byte_count) {
		count = MIN(instruction->byte_count, VCPU_INSTRUCTION_MAX);
		memcpy(bytes, instruction->bytes, count);
		return count;
	}
	load(&regs, vid_vp_regs(vcpu->vp, 0));
	machine_lock(vcpu->set->machine);
	count = emulate_fetch(&regs, &ops, vcpu, bytes);
	machine_unlock(vcpu->set->machine);
	return count;
}
_Static_assert(VCPU_INSTRUCTION_MAX == EMULATE_MAX_LENGTH, "what is fetched fits");

/*
 * Another processor may have changed the map since the access, as firmware does with its shadow:
 * then there is nothing to emulate. Under the machine's lock, for the change has a middle.
 */
static bool is_mapped(const struct vcpu *vcpu, const struct vid_exit *exit)
{
	size_t size;

	return exit->kind == VID_EXIT_MMIO &&
	       vid_gpa_host(vcpu->set->machine->partition, exit->mmio.gpa, 1, exit->mmio.access,
			    &size);
}

/* Under the lock; what is not mapped there is a device's. False: the long way has to be gone. */
static bool move(struct vcpu *vcpu, const struct emulate_stop *stop)
{
	struct vdev_bus *bus = &vcpu->set->machine->board.memory;
	struct vid_regs *regs = vid_vp_regs(vcpu->vp, 0);
	struct emulate_move m;

	if (!stop->gpa_valid || mode_of(regs) != 8)
		return false;
	if (!emulate_is_move(stop, regs->gpr, regs->rip, &m))
		return false;
	if (m.write)
		vdev_bus_write(bus, stop->gpa, m.size, m.value);
	else
		regs->gpr[m.reg] = emulate_move_result(&m, regs->gpr[m.reg],
						       vdev_bus_read(bus, stop->gpa, m.size));
	vid_vp_regs(vcpu->vp, m.write ? 0 : VID_REGS_GPR);
	vcpu_advance(vcpu, m.length);
	return true;
}

/* A REP is still at it, and the guest steps: an iteration is what the trap is behind. */
static bool is_iterated(const struct emulate_regs *before, const struct emulate_regs *after)
{
	return after->rflags & RFLAGS_TF && after->gpr[EMULATE_RCX] != before->gpr[EMULATE_RCX];
}

int vcpu_emulate(struct vcpu *vcpu, const struct vid_exit *exit)
{
	const struct emulate_stop stop = {
		.bytes = exit->instruction.bytes,
		.length = exit->instruction.byte_count,
		.gpa_valid = exit->kind == VID_EXIT_MMIO,
		.write = exit->mmio.access == VID_ACCESS_WRITE,
		.gpa = exit->mmio.gpa,
	};
	struct emulate_exception exception;
	struct emulate_regs regs, before;
	int r;

	machine_lock(vcpu->set->machine);
	if (is_mapped(vcpu, exit) || move(vcpu, &stop)) {
		machine_unlock(vcpu->set->machine);
		return 0;
	}
	if (vid_vp_regs(vcpu->vp, 0)->pending_interruption & VID_PENDING) {
		machine_unlock(vcpu->set->machine);
		return -EFAULT; /* no instruction does it, but the delivery of an event */
	}
	load(&regs, vid_vp_regs(vcpu->vp, 0));
	before = regs;
	r = emulate_instruction(&regs, &ops, vcpu, &stop, &exception);
	machine_unlock(vcpu->set->machine);
	if (r < 0)
		return r;
	store(vcpu, &regs);
	if (r == EMULATE_EXCEPTION)
		vcpu_inject(vcpu, exception.vector, exception.has_error_code, exception.error_code,
			    exception.cr2);
	else if (r == EMULATE_DONE || is_iterated(&before, &regs))
		vcpu_advance(vcpu, (unsigned int)(regs.rip - before.rip) & EMULATE_MAX_LENGTH);
	return 0;
}
