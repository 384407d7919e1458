/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * debug.c - what the debug build checks: lock classes, read sections, the signalling path, live objects, denied
 * allocations. The release build keeps only the functions that say so.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sync.h"

_Noreturn void gpuvm__bug(const char *file, int line, const char *what)
{
	fprintf(stderr, "gpuvm: BUG at %s:%d: %s\n", file, line, what);
	abort();
}

static const char *const type_names[GPUVM_TYPE_COUNT] = {
	[GPUVM_TYPE_DEVICE] = "device", [GPUVM_TYPE_GEM] = "gem", [GPUVM_TYPE_VM] = "vm",	[GPUVM_TYPE_BO] = "bo",
	[GPUVM_TYPE_VA] = "va",		[GPUVM_TYPE_OP] = "op",	  [GPUVM_TYPE_INDEX] = "index", [GPUVM_TYPE_EXEC] = "exec",
};

const char *gpuvm_debug_type_name(enum gpuvm_type type)
{
	return (unsigned int)type < GPUVM_TYPE_COUNT ? type_names[type] : NULL;
}

#ifdef GPUVM_DEBUG

#define MAX_HELD 4096 /* an acquire context may hold many reservations */

struct checked {
	struct {
		const void *lock;
		enum gpuvm__lock_class cls;
	} held[MAX_HELD];
	unsigned int nr_held;
	unsigned int read_depth;
	unsigned int signalling;
	uint64_t deny_in; /* allocations until one is denied; 0: never */
	bool deny_forever;
	uint64_t denied;
};

static GPUVM__PER_THREAD(struct checked, checked);
#define self gpuvm__mine(checked)

static _Atomic int64_t live[GPUVM_TYPE_COUNT];

static const char *const class_names[GPUVM__LOCK_CLASSES] = {
	[GPUVM__LOCK_CLEANUP] = "cleanup", [GPUVM__LOCK_RESV] = "reservation", [GPUVM__LOCK_SPACE] = "space",
	[GPUVM__LOCK_LIST] = "GEM list",   [GPUVM__LOCK_VAS] = "bo's vas",     [GPUVM__LOCK_EXTOBJ] = "extobj",
	[GPUVM__LOCK_LEAF] = "leaf",
};

void gpuvm__lock_enter(enum gpuvm__lock_class cls, const void *lock, const char *file, int line)
{
	unsigned int i;

	if (cls == GPUVM__LOCK_RESV && self.signalling)
		gpuvm__bug(file, line, "reservation lock taken in the signalling path");
	if (cls == GPUVM__LOCK_RESV && self.read_depth)
		gpuvm__bug(file, line, "reservation lock taken in a read section");
	for (i = 0; i < self.nr_held; i++) {
		if (self.held[i].lock == lock)
			gpuvm__bug(file, line, "lock taken twice by one thread");
		/* Several reservations or space locks nest among themselves: wait-die and ascending order exclude cycles. */
		if (self.held[i].cls > cls ||
		    (self.held[i].cls == cls && cls != GPUVM__LOCK_RESV && cls != GPUVM__LOCK_SPACE)) {
			fprintf(stderr, "gpuvm: %s lock taken while a %s lock is held\n", class_names[cls],
				class_names[self.held[i].cls]);
			gpuvm__bug(file, line, "lock order");
		}
	}
	if (self.nr_held == MAX_HELD)
		gpuvm__bug(file, line, "too many locks held");
	self.held[self.nr_held].lock = lock;
	self.held[self.nr_held++].cls = cls;
}

void gpuvm__lock_leave(const void *lock, const char *file, int line)
{
	unsigned int i;

	for (i = self.nr_held; i > 0; i--) {
		if (self.held[i - 1].lock == lock) {
			self.held[i - 1] = self.held[--self.nr_held];
			return;
		}
	}
	gpuvm__bug(file, line, "unlock of a lock this thread does not hold");
}

bool gpuvm__lock_held(const void *lock)
{
	unsigned int i;

	for (i = 0; i < self.nr_held; i++)
		if (self.held[i].lock == lock)
			return true;
	return false;
}

unsigned int gpuvm_debug_locks_held(void)
{
	return self.nr_held;
}

void gpuvm__rcu_enter(const char *file, int line)
{
	if (!gpuvm__self.entered)
		gpuvm__bug(file, line, "read section of a thread that did not call gpuvm_thread_enter()");
	self.read_depth++;
}

void gpuvm__rcu_exit(const char *file, int line)
{
	if (self.read_depth-- == 0)
		gpuvm__bug(file, line, "end of a read section that was not begun");
}

/* Reservations may be held: no read section takes one, so none that we wait for waits for us. Other locks may not. */
void gpuvm__rcu_may_wait(const char *file, int line)
{
	unsigned int i;

	if (self.read_depth)
		gpuvm__bug(file, line, "waiting for a grace period in a read section");
	for (i = 0; i < self.nr_held; i++)
		if (self.held[i].cls != GPUVM__LOCK_RESV)
			gpuvm__bug(file, line, "waiting for a grace period with a lock held");
}

/* I5, and upstream's rule for the signalling path. Allocation under a reservation is what staged drivers do. */
void gpuvm__may_alloc(const char *file, int line)
{
	unsigned int i;

	if (self.signalling)
		gpuvm__bug(file, line, "allocation in the signalling path");
	for (i = 0; i < self.nr_held; i++)
		if (self.held[i].cls >= GPUVM__LOCK_LIST)
			gpuvm__bug(file, line, "allocation under a list lock (I5)");
}

bool gpuvm__alloc_denied(void)
{
	if (self.deny_in == 0 || --self.deny_in > 0)
		return false;
	if (self.deny_forever)
		self.deny_in = 1;
	self.denied++;
	return true;
}

void gpuvm__live_add(enum gpuvm_type type, int n)
{
	atomic_fetch_add_explicit(&live[type], n, memory_order_relaxed);
}

bool gpuvm_debug_enabled(void)
{
	return true;
}

int gpuvm_debug_fail_alloc(uint64_t nth, bool forever)
{
	self.deny_in = nth;
	self.deny_forever = forever;
	self.denied = 0;
	return 0;
}

uint64_t gpuvm_debug_failed(void)
{
	return self.denied;
}

int64_t gpuvm_debug_live(enum gpuvm_type type)
{
	return atomic_load_explicit(&live[type], memory_order_relaxed);
}

void gpuvm_debug_signalling_begin(void)
{
	self.signalling++;
}

void gpuvm_debug_signalling_end(void)
{
	GPUVM__BUG_ON(!self.signalling);
	self.signalling--;
}

/* Read by race_point(). */
_Atomic uint32_t gpuvm__jitter_one_in;

void gpuvm_debug_jitter(uint32_t one_in)
{
	atomic_store_explicit(&gpuvm__jitter_one_in, one_in, memory_order_relaxed);
}

#if !defined(GPUVM_SCHED) && !defined(GPUVM_COVERAGE)
void gpuvm__jitter(void)
{
	static __thread uint32_t x; /* xorshift; seeded by its own address, so threads differ */
	uint32_t one_in = atomic_load_explicit(&gpuvm__jitter_one_in, memory_order_relaxed);
	unsigned int spins;

	x = x ? x : (uint32_t)(uintptr_t)&x | 1;
	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	if (!one_in || x % one_in)
		return;
	if (x & 0x10000)
		sched_yield();
	else
		for (spins = x >> 20; spins; spins--)
			gpuvm__cpu_relax();
}
#endif

#else /* !GPUVM_DEBUG */

void gpuvm_debug_jitter(uint32_t one_in)
{
}

bool gpuvm_debug_enabled(void)
{
	return false;
}

int gpuvm_debug_fail_alloc(uint64_t nth, bool forever)
{
	return -ENOTSUP;
}

uint64_t gpuvm_debug_failed(void)
{
	return 0;
}

int64_t gpuvm_debug_live(enum gpuvm_type type)
{
	return -ENOTSUP;
}

unsigned int gpuvm_debug_locks_held(void)
{
	return 0;
}

void gpuvm_debug_signalling_begin(void)
{
}

void gpuvm_debug_signalling_end(void)
{
}

#endif /* GPUVM_DEBUG */
