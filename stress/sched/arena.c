/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * arena.c - memory of the core under the scheduler: at fixed addresses, so that what hashes a pointer hashes the same in
 * every replay; not reused within a schedule, so that a freed object stays recognisable; every access is checked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "internal.h"

#define BASE ((char *)0x200000000000)
#define GRAIN 16
#define GAP 16 /* never allocated, between objects */
#define MAX_CHUNKS (1u << 20)
#define CLASSES 64 /* of GRAIN * 4 bytes, for reuse outside schedules */
#define QUARANTINE 256

enum {
	NEVER,
	LIVE,
	FREED
};

struct chunk {
	uint32_t offset, size;
	uint8_t by, freed_by; /* fibers */
	uint32_t at, freed_at; /* steps */
	uint32_t next; /* same class, in the order of freeing */
};

static uint8_t *state; /* one per GRAIN bytes */
static size_t used; /* bytes handed out */
static struct chunk *chunks; /* by address */
static uint32_t nr_chunks = 1;
static struct {
	uint32_t first, last, n;
} quarantine[CLASSES];

static void *map(void *at, size_t size)
{
	void *p = mmap(at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED || (at && p != at)) {
		fprintf(stderr, "gpuvm-explore: no address space at %p\n", at);
		exit(4);
	}
	return p;
}

static void boot(void)
{
	if (state)
		return;
	map(BASE, SCHED_ARENA_BYTES);
	state = map(NULL, SCHED_ARENA_BYTES / GRAIN);
	chunks = map(NULL, MAX_CHUNKS * sizeof(*chunks));
}

void sched_arena_reset(void)
{
	boot();
	memset(state, NEVER, used / GRAIN);
	memset(quarantine, 0, sizeof(quarantine));
	used = 0;
	nr_chunks = 1;
}

bool sched_arena_has(const void *p)
{
	return (size_t)((const char *)p - BASE) < SCHED_ARENA_BYTES;
}

size_t sched_arena_offset(const void *p)
{
	return (const char *)p - BASE;
}

static struct chunk *chunk_of(size_t offset)
{
	uint32_t lo = 1, hi = nr_chunks;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (chunks[mid].offset <= offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 1 ? &chunks[lo - 1] : NULL;
}

void sched_arena_describe(const void *p, char *buf, size_t size)
{
	size_t offset = sched_arena_offset(p);
	const struct chunk *c = sched_arena_has(p) ? chunk_of(offset) : NULL;

	buf[0] = '\0';
	if (!c)
		return;
	if (state[c->offset / GRAIN] == FREED)
		snprintf(buf, size,
			 "byte %zu of %u bytes, allocated by fiber %u at step %u, freed by fiber %u at step %u",
			 offset - c->offset, c->size, c->by, c->at, c->freed_by, c->freed_at);
	else
		snprintf(buf, size, "byte %zu of %u bytes, allocated by fiber %u at step %u", offset - c->offset,
			 c->size, c->by, c->at);
}

void sched_arena_check(const void *p, size_t size, const char *what, uintptr_t pc)
{
	size_t offset = sched_arena_offset(p), end;
	char where[200];

	if (!sched_arena_has(p)) {
		/* Poison that was followed: no such address exists. */
		if ((uintptr_t)p - 0x6b6b6b6b6b6b0000ull < 0x20000 || (uintptr_t)p < 4096)
			sched_fail_at(pc, "%s through a pointer that was freed or is NULL (%p)", what, p);
		return;
	}
	for (end = offset + size; offset < end; offset = (offset | (GRAIN - 1)) + 1) {
		if (state[offset / GRAIN] == LIVE)
			continue;
		sched_arena_describe(p, where, sizeof(where));
		sched_fail_at(pc, "%s of memory that is %s: %s", what,
			      state[offset / GRAIN] == FREED ? "freed" : "not allocated", where);
	}
}

/* Outside schedules (single-threaded tests) memory is reused, after a long wait. */
static uint32_t reuse(unsigned int cls)
{
	uint32_t i = quarantine[cls].first;

	if (sched_policy || quarantine[cls].n < QUARANTINE)
		return 0;
	quarantine[cls].first = chunks[i].next;
	quarantine[cls].n--;
	return i;
}

static unsigned int class_of(size_t bytes)
{
	return bytes / GRAIN < CLASSES ? bytes / GRAIN : CLASSES;
}

static uint32_t carve(size_t bytes, size_t align)
{
	size_t offset = (used + GAP + align - 1) & ~(align - 1);

	if (offset + bytes > SCHED_ARENA_BYTES || nr_chunks == MAX_CHUNKS) {
		if (sched_policy)
			sched_fail("out of memory: %u allocations, %zu bytes", nr_chunks, used);
		return 0;
	}
	used = (offset + bytes + 2 * GRAIN) & ~(size_t)(GRAIN - 1);
	chunks[nr_chunks].offset = offset;
	return nr_chunks++;
}

void *gpuvm__sched_alloc(size_t size, size_t align)
{
	size_t bytes = (size + GRAIN - 1) & ~(size_t)(GRAIN - 1);
	unsigned int cls = align <= GRAIN ? class_of(bytes) : CLASSES;
	struct chunk *c;
	uint32_t i;

	boot();
	i = cls < CLASSES ? reuse(cls) : 0;
	i = i ? i : carve(bytes, align);
	if (!i)
		return NULL;
	c = &chunks[i];
	c->size = size;
	c->by = gpuvm__sched_id;
	c->at = sched_step;
	c->next = 0;
	memset(state + c->offset / GRAIN, LIVE, bytes / GRAIN);
	memset(BASE + c->offset, 0xa5, bytes);
	return BASE + c->offset;
}

void gpuvm__sched_free(void *p)
{
	struct chunk *c = sched_arena_has(p) ? chunk_of(sched_arena_offset(p)) : NULL;
	size_t bytes;
	unsigned int cls;

	if (!c || BASE + c->offset != p)
		sched_fail("free of %p, which was not allocated", p);
	if (state[c->offset / GRAIN] != LIVE)
		sched_arena_check(p, 1, "free", (uintptr_t)__builtin_return_address(0));
	bytes = (c->size + GRAIN - 1) & ~(size_t)(GRAIN - 1);
	c->freed_by = gpuvm__sched_id;
	c->freed_at = sched_step;
	memset(state + c->offset / GRAIN, FREED, bytes / GRAIN);
	memset(p, 0x6b, bytes);
	cls = class_of(bytes);
	if (sched_policy || cls == CLASSES || (sched_arena_offset(p) & (GPUVM__LINE - 1)) == 0)
		return;
	if (quarantine[cls].n++)
		chunks[quarantine[cls].last].next = c - chunks;
	else
		quarantine[cls].first = c - chunks;
	quarantine[cls].last = c - chunks;
}
