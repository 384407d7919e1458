/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * diff.h - the core and Linux's own drm_gpuvm.c side by side: commands that both carry out, and what each made of them.
 *
 * A command means something in every world, whatever came before (putting a handle that is not there does nothing), so any
 * part of a failing sequence is a sequence again: that is what makes shrinking work. Both sides report by value.
 */
#ifndef TESTS_PEER_DIFF_H
#define TESTS_PEER_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define D_VMS 2u
#define D_GEMS 4u /* 0 and 1 are local to the VM of that number, 2 and 3 have reservations of their own */
#define D_SLOTS 6u /* references that the driver holds */
#define D_UNITS 48u /* length of an address space */
#define D_RESERVE 20u /* first unit of VM 1's kernel range */
#define D_RESERVED 4u
#define D_STEPS 64u
#define D_COMMANDS 400u

/**
 * struct d_world - which world
 * @list: strategy of the core
 * @space: likewise
 * @ref: likewise
 * @resv_protected: extobj and evict lists under the VM's reservation
 * @immediate: the GEM list has a lock of its own (on Linux 6.12: the driver's, drm_gem_gpuva_set_lock())
 * @unit: bytes; 1 puts every off-by-one next to a mapping
 * @high: VM 1 ends at the last address there is
 */
struct d_world {
	char list[24], space[24], ref[24];
	bool resv_protected, immediate, high;
	unsigned int unit;
};

enum d_kind {
	D_MAP, /* gem (-1: sparse), at, n, off: the callback form */
	D_MAP_OPS, /* the list form, applied */
	D_UNMAP,
	D_UNMAP_OPS,
	D_DROP_OPS, /* a map list that is dropped */
	D_PREFETCH,
	D_BO_UNMAP,
	D_INSERT, /* plain insert and link */
	D_REMOVE, /* exact unlink and remove */
	D_OBTAIN, /* into a slot, unless it is taken */
	D_PREALLOC, /* the same with a pair allocated before */
	D_FIND,
	D_PUT,
	D_CREATE, /* a pair that is never registered */
	D_EXTOBJ, /* extobj_add of a slot's pair */
	D_EVICT, /* a slot's pair; arg: 1 evicted, 0 back */
	D_GEM_EVICT,
	D_LOCK, /* lock everything of a VM */
	D_VALIDATE, /* lock, validate */
	D_QUERY, /* range_valid, interval_empty, find, find_first, find_prev, find_next */
	D_KINDS
};

struct d_command {
	enum d_kind kind;
	unsigned int vm;
	int gem;
	unsigned int at, n, off; /* units; @at counts from the VM's start and may lie outside */
	unsigned int slot, arg;
};

/* [addr, addr + range) showing @gem from byte @off on. A sparse mapping has no offset (named difference N3). */
struct d_piece {
	uint64_t present, addr, range, off;
	int64_t gem;
};

enum d_step_kind {
	D_STEP_MAP,
	D_STEP_REMAP,
	D_STEP_UNMAP,
	D_STEP_PREFETCH
};

struct d_step {
	uint64_t kind, keep;
	struct d_piece old, prev, next, map;
};

/**
 * struct d_result - what a command gave
 * @err: 0 or -errno
 * @n: steps given to the driver
 * @value: found, destroyed, the set of locked objects, ...; by kind
 * @found: D_QUERY: find, find_first, find_prev, find_next; D_VALIDATE: @value objects in order
 */
struct d_result {
	int64_t err;
	uint64_t n;
	uint64_t value;
	struct d_piece found[4];
	struct d_step step[D_STEPS];
};

struct d_pair {
	uint64_t live, refs, mappings, evicted;
};

/* Everything that can be seen between two commands. Lists of objects: number + 1 each, in order, 0 ends. */
struct d_state {
	uint64_t mappings[D_VMS];
	struct d_piece piece[D_VMS][D_UNITS];
	struct d_pair pair[D_VMS][D_GEMS];
	uint8_t extobj[D_VMS][D_GEMS + 1], evict[D_VMS][D_GEMS + 1];
	uint64_t vm_refs[D_VMS], gem_refs[D_GEMS];
};

struct d_side;

/**
 * struct d_ops - one side
 * @name: for messages
 * @create: a world; NULL if it cannot be made
 * @destroy: everything goes, mappings and handles that are left too
 * @run: @out is zeroed
 * @state: @out is zeroed
 */
struct d_ops {
	const char *name;
	struct d_side *(*create)(const struct d_world *world);
	void (*destroy)(struct d_side *side);
	void (*run)(struct d_side *side, const struct d_command *cmd, struct d_result *out);
	void (*state)(struct d_side *side, struct d_state *out);
};

extern const struct d_ops d_core, d_linux;

/* ---- text.c ---- */

void d_world_print(const struct d_world *world, char *buf, size_t size);
void d_command_print(const struct d_command *cmd, char *buf, size_t size);
bool d_world_parse(const char *line, struct d_world *world);
bool d_command_parse(const char *line, struct d_command *cmd);
/* The first difference in words; false if there is none. */
bool d_result_differs(const struct d_result *core, const struct d_result *peer, char *buf, size_t size);
bool d_state_differs(const struct d_state *core, const struct d_state *peer, char *buf, size_t size);

/* ---- generate.c ---- */

/* The commands of one episode: a function of the two numbers alone. Returns how many. */
unsigned int d_generate(uint64_t seed, uint64_t episode, struct d_command *cmd);

/* ---- what both sides must agree on ---- */

static inline uint64_t d_vm_start(const struct d_world *world, unsigned int vm)
{
	if (vm == 0)
		return 0;
	return world->high ? UINT64_MAX - (uint64_t)D_UNITS * world->unit : 1ull << 32;
}

static inline uint64_t d_addr(const struct d_world *world, const struct d_command *cmd)
{
	return d_vm_start(world, cmd->vm) + (uint64_t)cmd->at * world->unit;
}

#endif /* TESTS_PEER_DIFF_H */
