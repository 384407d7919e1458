/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * race.c - a data race detector. The core is compiled with -fsanitize=thread, which puts a call in front of every access;
 * the functions called are these instead of the ThreadSanitizer run-time's.
 *
 * So each plain access is checked against freed memory, and, by vector clocks, against every earlier access to the same
 * bytes that does not happen before it. Happens-before comes from locks, from atomics by their stated order (a relaxed
 * store publishes nothing, even where the processor would forgive it), from grace periods, and from starting and ending
 * threads. Exact for the schedule at hand, and the same at every replay.
 */
#include <sys/mman.h>

#include "internal.h"

struct access {
	uint32_t clock;
	uint32_t pc; /* the program is linked below 4 GiB */
};

/* Eight bytes of memory. Masks say which of them. */
struct cell {
	struct access write;
	uint8_t write_fiber, write_mask, write_atomic;
	uint8_t read_mask[FIBERS], read_atomic[FIBERS];
	struct access read[FIBERS];
};

struct named_clock {
	const void *addr;
	uint64_t schedule;
	struct clock clock;
};

#define NAMED 8192

struct clock sched_clock[FIBERS];
static struct cell *cells;
static struct named_clock named[NAMED];
static uint64_t schedule;

/* ---- clocks ---- */

void sched_clock_join(struct clock *to, const struct clock *from)
{
	unsigned int i;

	for (i = 0; i < FIBERS; i++)
		if (to->at[i] < from->at[i])
			to->at[i] = from->at[i];
}

void sched_clock_release(struct clock *to)
{
	sched_clock_join(to, &sched_clock[gpuvm__sched_id]);
	sched_clock[gpuvm__sched_id].at[gpuvm__sched_id]++;
}

void sched_clock_acquire(const struct clock *from)
{
	sched_clock_join(&sched_clock[gpuvm__sched_id], from);
}

struct clock *sched_clock_of(const void *addr)
{
	unsigned int i = ((uintptr_t)addr >> 2) * 0x9e3779b1u % NAMED, n;

	for (n = 0; n < NAMED; n++, i = (i + 1) % NAMED) {
		struct named_clock *c = &named[i];

		if (c->schedule == schedule && c->addr == addr)
			return &c->clock;
		if (c->schedule != schedule) {
			*c = (struct named_clock){ .addr = addr, .schedule = schedule };
			return &c->clock;
		}
	}
	sched_race_reset(); /* a single-threaded test with many locks: nobody else's clock is lost */
	return sched_clock_of(addr);
}

void sched_race_reset(void)
{
	schedule++;
}

void sched_race_spawn(unsigned int id)
{
	sched_clock_join(&sched_clock[id], &sched_clock[0]);
	sched_clock[id].at[id]++;
	sched_clock[0].at[0]++;
}

void sched_race_join(unsigned int id)
{
	sched_clock_join(&sched_clock[0], &sched_clock[id]);
	sched_clock[id].at[id]++;
}

/* ---- accesses ---- */

static void report(const struct cell *c, const void *p, unsigned int other, const struct access *then, const char *what,
		   const char *was, uintptr_t pc)
{
	char where[200];

	sched_arena_describe(p, where, sizeof(where));
	sched_fail_at(pc, "data race: %s by fiber %u, not ordered after the %s by fiber %u at pc 0x%x; %s", what,
		      gpuvm__sched_id, was, other, then->pc, where);
}

/* Did @then, by @fiber, happen before now? */
static bool before(const struct access *then, unsigned int fiber)
{
	return then->clock <= sched_clock[gpuvm__sched_id].at[fiber];
}

static void note_read(struct cell *c, const void *p, uint8_t mask, bool atomic, uintptr_t pc)
{
	unsigned int me = gpuvm__sched_id;
	uint32_t now = sched_clock[me].at[me];

	if ((c->write_mask & mask) && c->write_fiber != me && !(c->write_atomic && atomic) &&
	    !before(&c->write, c->write_fiber))
		report(c, p, c->write_fiber, &c->write, atomic ? "atomic read" : "read", "write", pc);
	if (c->read[me].clock != now)
		c->read_mask[me] = c->read_atomic[me] = 0;
	c->read[me].clock = now;
	c->read[me].pc = pc;
	if (atomic)
		c->read_atomic[me] |= mask;
	else
		c->read_mask[me] |= mask;
}

static void note_write(struct cell *c, const void *p, uint8_t mask, bool atomic, uintptr_t pc)
{
	unsigned int me = gpuvm__sched_id, i;
	const char *what = atomic ? "atomic write" : "write";

	if ((c->write_mask & mask) && c->write_fiber != me && !(c->write_atomic && atomic) &&
	    !before(&c->write, c->write_fiber))
		report(c, p, c->write_fiber, &c->write, what, "write", pc);
	for (i = 0; i < FIBERS; i++) {
		uint8_t seen = c->read_mask[i] | (atomic ? 0 : c->read_atomic[i]);

		if (i != me && (seen & mask) && !before(&c->read[i], i))
			report(c, p, i, &c->read[i], what, "read", pc);
	}
	if (c->write_fiber != me || c->write.clock != sched_clock[me].at[me])
		c->write_mask = 0;
	c->write = (struct access){ .clock = sched_clock[me].at[me], .pc = pc };
	c->write_fiber = me;
	c->write_mask |= mask;
	c->write_atomic = atomic;
}

enum {
	READ,
	WRITE,
	ATOMIC = 2
};

static void on_access(const void *p, size_t size, unsigned int kind, uintptr_t pc)
{
	static const char *const names[] = { "read", "write", "atomic read", "atomic write" };
	size_t at, end;

	sched_arena_check(p, size, names[kind], pc);
	if (!sched_running || !sched_arena_has(p))
		return;
	if (!cells)
		cells = mmap(NULL, SCHED_ARENA_BYTES / 8 * sizeof(*cells), PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	at = sched_arena_offset(p);
	for (end = at + size; at < end; at = (at | 7) + 1) {
		unsigned int lo = at & 7, n = end - at < 8 - lo ? end - at : 8 - lo;
		uint8_t mask = ((1u << n) - 1) << lo;

		if (kind & WRITE)
			note_write(&cells[at / 8], p, mask, kind & ATOMIC, pc);
		else
			note_read(&cells[at / 8], p, mask, kind & ATOMIC, pc);
	}
}

#define PC ((uintptr_t)__builtin_return_address(0))

void gpuvm__tsan_acquire(const void *addr)
{
	sched_arena_check(addr, 1, "lock", PC);
	sched_clock_acquire(sched_clock_of(addr));
}

void gpuvm__tsan_release(const void *addr)
{
	sched_arena_check(addr, 1, "unlock", PC);
	sched_clock_release(sched_clock_of(addr));
}

/* ---- what -fsanitize=thread calls ---- */

void __tsan_init(void);
void __tsan_func_entry(void *pc);
void __tsan_func_exit(void);

void __tsan_init(void)
{
}

void __tsan_func_entry(void *pc)
{
}

void __tsan_func_exit(void)
{
}

#define PLAIN(name, size, kind)               \
	void name(void *p);                   \
	void name(void *p)                    \
	{                                     \
		on_access(p, size, kind, PC); \
	}
#define PLAIN_SIZES(size)                                \
	PLAIN(__tsan_read##size, size, READ)             \
	PLAIN(__tsan_write##size, size, WRITE)           \
	PLAIN(__tsan_unaligned_read##size, size, READ)   \
	PLAIN(__tsan_unaligned_write##size, size, WRITE) \
	PLAIN(__tsan_volatile_read##size, size, READ)    \
	PLAIN(__tsan_volatile_write##size, size, WRITE)

PLAIN_SIZES(1)
PLAIN_SIZES(2)
PLAIN_SIZES(4)
PLAIN_SIZES(8)
PLAIN_SIZES(16)

void __tsan_read_range(void *p, size_t size);
void __tsan_read_range(void *p, size_t size)
{
	on_access(p, size, READ, PC);
}

void __tsan_write_range(void *p, size_t size);
void __tsan_write_range(void *p, size_t size)
{
	on_access(p, size, WRITE, PC);
}

/* ---- atomics: the operation, and the order it gives ---- */

static bool acquires(int mo)
{
	return mo == __ATOMIC_ACQUIRE || mo == __ATOMIC_CONSUME || mo == __ATOMIC_ACQ_REL || mo == __ATOMIC_SEQ_CST;
}

static bool releases(int mo)
{
	return mo == __ATOMIC_RELEASE || mo == __ATOMIC_ACQ_REL || mo == __ATOMIC_SEQ_CST;
}

static void loaded(const volatile void *p, size_t size, int mo, uintptr_t pc)
{
	on_access((const void *)p, size, READ | ATOMIC, pc);
	if (acquires(mo))
		sched_clock_acquire(sched_clock_of((const void *)p));
}

/* A store starts anew: who reads it synchronises with this one only (or with nobody, if it is relaxed). */
static void stored(const volatile void *p, size_t size, int mo, uintptr_t pc)
{
	struct clock *c = sched_clock_of((const void *)p);

	on_access((const void *)p, size, WRITE | ATOMIC, pc);
	memset(c, 0, sizeof(*c));
	if (releases(mo))
		sched_clock_release(c);
}

/* A read-modify-write continues the release sequence it meets. */
static void modified(const volatile void *p, size_t size, int mo, uintptr_t pc)
{
	struct clock *c = sched_clock_of((const void *)p);

	on_access((const void *)p, size, WRITE | ATOMIC, pc);
	if (acquires(mo))
		sched_clock_acquire(c);
	if (releases(mo))
		sched_clock_release(c);
}

#define MODIFY(bits, type, name, builtin)                                    \
	type __tsan_atomic##bits##_##name(volatile type *p, type v, int mo); \
	type __tsan_atomic##bits##_##name(volatile type *p, type v, int mo)  \
	{                                                                    \
		modified(p, sizeof(*p), mo, PC);                             \
		return builtin(p, v, __ATOMIC_SEQ_CST);                      \
	}

#define ATOMICS(bits, type)                                                                                        \
	type __tsan_atomic##bits##_load(const volatile type *p, int mo);                                           \
	type __tsan_atomic##bits##_load(const volatile type *p, int mo)                                            \
	{                                                                                                          \
		loaded(p, sizeof(*p), mo, PC);                                                                     \
		return __atomic_load_n(p, __ATOMIC_SEQ_CST);                                                       \
	}                                                                                                          \
	void __tsan_atomic##bits##_store(volatile type *p, type v, int mo);                                        \
	void __tsan_atomic##bits##_store(volatile type *p, type v, int mo)                                         \
	{                                                                                                          \
		stored(p, sizeof(*p), mo, PC);                                                                     \
		__atomic_store_n(p, v, __ATOMIC_SEQ_CST);                                                          \
	}                                                                                                          \
	MODIFY(bits, type, exchange, __atomic_exchange_n)                                                          \
	MODIFY(bits, type, fetch_add, __atomic_fetch_add)                                                          \
	MODIFY(bits, type, fetch_sub, __atomic_fetch_sub)                                                          \
	MODIFY(bits, type, fetch_and, __atomic_fetch_and)                                                          \
	MODIFY(bits, type, fetch_or, __atomic_fetch_or)                                                            \
	MODIFY(bits, type, fetch_xor, __atomic_fetch_xor)                                                          \
	bool __tsan_atomic##bits##_compare_exchange_strong(volatile type *p, type *exp, type v, int mo, int fail); \
	bool __tsan_atomic##bits##_compare_exchange_strong(volatile type *p, type *exp, type v, int mo, int fail)  \
	{                                                                                                          \
		sched_arena_check((const void *)p, sizeof(*p), "compare-and-swap", PC);                            \
		if (__atomic_load_n(p, __ATOMIC_SEQ_CST) != *exp) {                                                \
			loaded(p, sizeof(*p), fail, PC);                                                           \
			*exp = __atomic_load_n(p, __ATOMIC_SEQ_CST);                                               \
			return false;                                                                              \
		}                                                                                                  \
		modified(p, sizeof(*p), mo, PC);                                                                   \
		__atomic_store_n(p, v, __ATOMIC_SEQ_CST);                                                          \
		return true;                                                                                       \
	}                                                                                                          \
	bool __tsan_atomic##bits##_compare_exchange_weak(volatile type *p, type *exp, type v, int mo, int fail);   \
	bool __tsan_atomic##bits##_compare_exchange_weak(volatile type *p, type *exp, type v, int mo, int fail)    \
	{                                                                                                          \
		return __tsan_atomic##bits##_compare_exchange_strong(p, exp, v, mo, fail);                         \
	}                                                                                                          \
	type __tsan_atomic##bits##_compare_exchange_val(volatile type *p, type exp, type v, int mo, int fail);     \
	type __tsan_atomic##bits##_compare_exchange_val(volatile type *p, type exp, type v, int mo, int fail)      \
	{                                                                                                          \
		__tsan_atomic##bits##_compare_exchange_strong(p, &exp, v, mo, fail);                               \
		return exp;                                                                                        \
	}

ATOMICS(8, uint8_t)
ATOMICS(16, uint16_t)
ATOMICS(32, uint32_t)
ATOMICS(64, uint64_t)

void __tsan_atomic_thread_fence(int mo);
void __tsan_atomic_thread_fence(int mo)
{
	sched_fail_at(PC, "a stand-alone fence: the core states orders on its accesses");
}

void __tsan_atomic_signal_fence(int mo);
void __tsan_atomic_signal_fence(int mo)
{
}
