/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * names.c - what is at an address: a field of an object of the core, a thread's variable, a static one. The only part of the
 * conflict trace that knows what the core's structures look like inside.
 */
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "../../core/itree.h"
#include "../../core/space/btree.h"
#include "../../core/space/leaf.h"
#include "../../core/space/skip.h"
#include "trace.h"

/* ---- fields ---- */

struct field {
	const char *name;
	size_t offset, size;
};

/* clang-format off */
#define FIELD(type, member) { #member, offsetof(struct type, member), sizeof(((struct type *)0)->member) }
#define OBJ(type) { "header", offsetof(struct type, obj), sizeof(struct gpuvm__obj) }
#define END { NULL, 0, 0 }

static const struct field device_fields[] = { OBJ(gpuvm_device), FIELD(gpuvm_device, ref), END };
static const struct field gem_fields[] = {
	OBJ(gpuvm_gem), FIELD(gpuvm_gem, mode), FIELD(gpuvm_gem, ref), FIELD(gpuvm_gem, own_resv), END
};
static const struct field vm_fields[] = {
	OBJ(gpuvm_vm),
	FIELD(gpuvm_vm, closed),
	FIELD(gpuvm_vm, ref),
	FIELD(gpuvm_vm, deferred),
	FIELD(gpuvm_vm, queued),
	FIELD(gpuvm_vm, queued_since),
	FIELD(gpuvm_vm, cleanup_lock),
	FIELD(gpuvm_vm, rest),
	FIELD(gpuvm_vm, extobj_lock),
	FIELD(gpuvm_vm, extobj),
	FIELD(gpuvm_vm, evict_lock),
	FIELD(gpuvm_vm, evict),
	FIELD(gpuvm_vm, resv),
	END
};
static const struct field bo_fields[] = {
	OBJ(gpuvm_bo),
	FIELD(gpuvm_bo, vm),
	FIELD(gpuvm_bo, list),
	FIELD(gpuvm_bo, ref),
	FIELD(gpuvm_bo, extobj_settled),
	FIELD(gpuvm_bo, cool),
	FIELD(gpuvm_bo, evicted),
	FIELD(gpuvm_bo, gem),
	FIELD(gpuvm_bo, ref_ops),
	FIELD(gpuvm_bo, vas_lock),
	FIELD(gpuvm_bo, vas),
	FIELD(gpuvm_bo, extobj),
	FIELD(gpuvm_bo, evict),
	END
};
static const struct field va_fields[] = {
	OBJ(gpuvm_va),
	FIELD(gpuvm_va, bo),
	FIELD(gpuvm_va, vm),
	FIELD(gpuvm_va, link),
	FIELD(gpuvm_va, start),
	FIELD(gpuvm_va, end),
	FIELD(gpuvm_va, offset),
	FIELD(gpuvm_va, gem),
	FIELD(gpuvm_va, flags),
	END
};
static const struct field leaf_fields[] = {
	OBJ(leaf),	    FIELD(leaf, seq), FIELD(leaf, lock),    FIELD(leaf, hi),	   FIELD(leaf, pivot),
	FIELD(leaf, lo),    FIELD(leaf, right), FIELD(leaf, n),	    FIELD(leaf, indexed),  FIELD(leaf, next_new),
	FIELD(leaf, next_dead), FIELD(leaf, key), FIELD(leaf, slot), END
};
static const struct field inode_fields[] = {
	OBJ(inode), FIELD(inode, level), FIELD(inode, n), FIELD(inode, pivot), FIELD(inode, key), FIELD(inode, child), END
};
static const struct field bnode_fields[] = {
	OBJ(bnode), FIELD(bnode, dead), FIELD(bnode, level), FIELD(bnode, n), FIELD(bnode, live), FIELD(bnode, spares),
	FIELD(bnode, link), FIELD(bnode, key), FIELD(bnode, slot), END
};
static const struct field tower_fields[] = {
	OBJ(skip_tower), FIELD(skip_tower, start), FIELD(skip_tower, next), FIELD(skip_tower, node), END
};

static const struct {
	const char *name;
	size_t size; /* 0: any */
	const struct field *fields;
} kinds[GPUVM_TYPE_COUNT][4] = {
	[GPUVM_TYPE_DEVICE] = { { "device", 0, device_fields } },
	[GPUVM_TYPE_GEM] = { { "gem", 0, gem_fields } },
	[GPUVM_TYPE_VM] = { { "vm", 0, vm_fields } },
	[GPUVM_TYPE_BO] = { { "bo", 0, bo_fields } },
	[GPUVM_TYPE_VA] = { { "va", 0, va_fields } },
	[GPUVM_TYPE_INDEX] = { { "leaf", sizeof(struct leaf), leaf_fields },
			       { "inode", sizeof(struct inode), inode_fields },
			       { "bnode", sizeof(struct bnode), bnode_fields },
			       { "tower", sizeof(struct skip_tower), tower_fields } },
};

/* What a strategy keeps at the end of a VM, and of a mapping. */
static const struct field leaf_state_fields[] = {
	FIELD(leaf_state, root), FIELD(leaf_state, first), FIELD(leaf_state, born), FIELD(leaf_state, died),
	FIELD(leaf_state, keeper), FIELD(leaf_state, unborn), FIELD(leaf_state, undead), END
};
static const struct field btree_fields[] = {
	FIELD(btree, root), FIELD(btree, seq), FIELD(btree, levels), FIELD(btree, nodes), FIELD(btree, lock),
	FIELD(btree, reserve_lock), FIELD(btree, reserve), END
};
/* As in rbtree.h, with this lock. */
struct rbtree_mutex {
	struct gpuvm__mutex lock;
	struct gpuvm__itree tree;
	struct gpuvm__node order;
};
static const struct field rbtree_mutex_fields[] = {
	FIELD(rbtree_mutex, lock), FIELD(rbtree_mutex, tree), FIELD(rbtree_mutex, order), END
};
static const struct field skip_state_fields[] = {
	FIELD(skip_state, head.link), FIELD(skip_state, head.tower), FIELD(skip_state, levels),
	FIELD(skip_state, tower.next), FIELD(skip_state, tower.node), END
};
static const struct field skip_node_fields[] = { FIELD(skip_node, link), FIELD(skip_node, tower), END };
/* clang-format on */

static const struct {
	const char *space;
	const struct field *vm, *va;
} space_states[] = {
	{ "leaf", leaf_state_fields, NULL },
	{ "btree_rcu", btree_fields, NULL },
	{ "rbtree_mutex", rbtree_mutex_fields, NULL },
	{ "skiplist", skip_state_fields, skip_node_fields },
};

static const struct field *space_fields, *space_va_fields;
static const char *list_name = "list";

void trace_names_strategies(const char *space, const char *list)
{
	size_t i;

	list_name = list;
	space_fields = space_va_fields = NULL;
	for (i = 0; i < ARRAY_SIZE(space_states); i++) {
		if (strcmp(space_states[i].space, space))
			continue;
		space_fields = space_states[i].vm;
		space_va_fields = space_states[i].va;
	}
}

static const struct field *field_at(const struct field *f, size_t offset)
{
	for (; f && f->name; f++)
		if (offset >= f->offset && offset < f->offset + f->size)
			return f;
	return NULL;
}

/* ---- objects ---- */

#define SLOTS (1u << 18)
#define GRAIN 16
#define REACH (64u << 10) /* the largest object that is found from its end */

struct object {
	uintptr_t start; /* 0: the slot was never used */
	uint32_t size; /* 0: forgotten */
	int type; /* enum gpuvm_type; -1: bytes */
	const char *label, *maker;
};

static struct object *objects;
static size_t nr_objects;
static __thread const char *maker = "main";

static struct object *slot_of(uintptr_t start)
{
	size_t i = start * 0x9e3779b97f4a7c15ull >> 24 & (SLOTS - 1);

	while (objects[i].start && objects[i].start != start)
		i = (i + 1) & (SLOTS - 1);
	return &objects[i];
}

static void boot(void)
{
	if (objects)
		return;
	objects = mmap(NULL, SLOTS * sizeof(*objects), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (objects == MAP_FAILED)
		abort();
}

void trace_names_maker(const char *who)
{
	maker = who;
}

void trace_names_add(const void *p, size_t size, int type)
{
	uintptr_t start = (uintptr_t)p, at;
	struct object *o;

	boot();
	for (at = start; at < start + size; at += GRAIN)
		slot_of(at)->size = 0; /* what was here before; an empty slot's start stays 0 */
	o = slot_of(start);
	if (!o->start && ++nr_objects > SLOTS / 2)
		abort();
	*o = (struct object){ start, (uint32_t)size, type, NULL, maker };
}

void trace_names_stock(const struct gpuvm__obj *stock, size_t size)
{
	for (; stock; stock = stock->stock)
		trace_names_add(stock, size, GPUVM_TYPE_INDEX);
}

static struct object *object_at(uintptr_t addr)
{
	uintptr_t at = addr & ~(uintptr_t)(GRAIN - 1), low = at > REACH ? at - REACH : GRAIN;
	struct object *o;

	for (; objects && at >= low; at -= GRAIN) {
		o = slot_of(at);
		if (o->start && addr < o->start + o->size)
			return o;
	}
	return NULL;
}

void trace_names_label(const void *p, const char *label)
{
	struct object *o = object_at((uintptr_t)p);

	if (o)
		o->label = label;
}

static void name_bytes(const struct object *o, uintptr_t addr, char *out)
{
	/* Who else asks the C library for so much: the magazines' heap of a thread. */
	if (o->size > 4096)
		snprintf(out, TRACE_NAME, "magazine heap of %s", o->maker);
	else
		snprintf(out, TRACE_NAME, "%u bytes of %s, end", o->size, o->maker);
}

static void name_state(const char *name, const struct field *fields, size_t offset, char *out)
{
	const struct field *f = field_at(fields, offset);

	if (f)
		snprintf(out, TRACE_NAME, "%s.space.%s", name, f->name);
	else
		snprintf(out, TRACE_NAME, "%s.space+%zu", name, offset);
}

static void name_object(const struct object *o, uintptr_t addr, char *out)
{
	size_t offset = addr - o->start, i = 0;
	const struct field *f = NULL;
	const char *name;

	if (o->type < 0) {
		name_bytes(o, addr, out);
		return;
	}
	while (i + 1 < ARRAY_SIZE(kinds[0]) && kinds[o->type][i].size && kinds[o->type][i].size != o->size)
		i++;
	if (kinds[o->type][i].name && (!kinds[o->type][i].size || kinds[o->type][i].size == o->size))
		f = kinds[o->type][i].fields;
	name = o->label ? o->label : f ? kinds[o->type][i].name : gpuvm_debug_type_name(o->type);
	f = field_at(f, offset);
	if (f)
		snprintf(out, TRACE_NAME, "%s.%s", name, f->name);
	else if (o->type == GPUVM_TYPE_VM && offset >= offsetof(struct gpuvm_vm, space_state))
		name_state(name, space_fields, offset - offsetof(struct gpuvm_vm, space_state), out);
	else if (o->type == GPUVM_TYPE_VA && offset >= offsetof(struct gpuvm_va, space_state) && space_va_fields)
		name_state(name, space_va_fields, offset - offsetof(struct gpuvm_va, space_state), out);
	else if (o->type == GPUVM_TYPE_VA && offset >= offsetof(struct gpuvm_va, space_state))
		snprintf(out, TRACE_NAME, "%s.space", name);
	else if (o->type == GPUVM_TYPE_GEM && offset >= offsetof(struct gpuvm_gem, list_state))
		snprintf(out, TRACE_NAME, "%s.%s+%zu", name, list_name, offset - offsetof(struct gpuvm_gem, list_state));
	else if (o->type == GPUVM_TYPE_BO && offset >= offsetof(struct gpuvm_bo, list_state))
		snprintf(out, TRACE_NAME, "%s.list_state", name);
	else if (o->type == GPUVM_TYPE_INDEX)
		snprintf(out, TRACE_NAME, "%s, %u bytes", name, o->size);
	else
		snprintf(out, TRACE_NAME, "%s+%zu", name, offset);
}

/* ---- variables ---- */

static const Elf64_Sym *symbols;
static size_t nr_symbols;
static const char *strings;

/* This program's own symbols, static ones included: dladdr() knows only what is exported. */
static void read_symbols(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	const Elf64_Shdr *section;
	const Elf64_Ehdr *elf;
	struct stat st;
	unsigned int i;

	if (symbols || fd < 0 || fstat(fd, &st))
		return;
	elf = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (elf == MAP_FAILED)
		return;
	section = (const Elf64_Shdr *)((const char *)elf + elf->e_shoff);
	for (i = 0; i < elf->e_shnum; i++) {
		if (section[i].sh_type != SHT_SYMTAB)
			continue;
		symbols = (const Elf64_Sym *)((const char *)elf + section[i].sh_offset);
		nr_symbols = section[i].sh_size / sizeof(*symbols);
		strings = (const char *)elf + section[section[i].sh_link].sh_offset;
	}
}

static const char *symbol_at(unsigned int type, uintptr_t value)
{
	size_t i;

	read_symbols();
	for (i = 0; i < nr_symbols; i++)
		if (ELF64_ST_TYPE(symbols[i].st_info) == type && value - symbols[i].st_value < symbols[i].st_size)
			return strings + symbols[i].st_name;
	return NULL;
}

static struct {
	uintptr_t start;
	size_t size;
	const char *who;
} tls[8];
static unsigned int nr_tls;

static int find_tls(struct dl_phdr_info *info, size_t size, void *who)
{
	unsigned int i;

	for (i = 0; i < info->dlpi_phnum; i++) {
		if (info->dlpi_phdr[i].p_type != PT_TLS || nr_tls == ARRAY_SIZE(tls))
			continue;
		tls[nr_tls].start = (uintptr_t)info->dlpi_tls_data;
		tls[nr_tls].size = info->dlpi_phdr[i].p_memsz;
		tls[nr_tls++].who = who;
	}
	return 1; /* the program comes first; its libraries' are not wanted */
}

void trace_names_tls(const char *who)
{
	dl_iterate_phdr(find_tls, (void *)who);
}

static bool name_tls(uintptr_t addr, char *out)
{
	const char *symbol;
	unsigned int i;

	for (i = 0; i < nr_tls; i++) {
		if (addr - tls[i].start >= tls[i].size)
			continue;
		symbol = symbol_at(STT_TLS, addr - tls[i].start);
		snprintf(out, TRACE_NAME, "%s of thread %s", symbol ? symbol : "a variable", tls[i].who);
		return true;
	}
	return false;
}

void trace_name(uintptr_t addr, char out[TRACE_NAME])
{
	const struct object *o = object_at(addr);
	const char *symbol;
	Dl_info info;

	if (o) {
		name_object(o, addr, out);
		return;
	}
	if (name_tls(addr, out))
		return;
	symbol = symbol_at(STT_OBJECT, addr);
	if (!symbol && dladdr((void *)addr, &info) && info.dli_sname)
		symbol = info.dli_sname;
	snprintf(out, TRACE_NAME, "%s", symbol ? symbol : "unknown memory");
}
