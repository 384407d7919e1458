/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * internal.h - what the parts of the scheduler share. This directory is compiled without instrumentation: it is the
 * instrument.
 */
#ifndef STRESS_SCHED_INTERNAL_H
#define STRESS_SCHED_INTERNAL_H

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <ucontext.h>

#include "../../core/sync.h"
#include "sched.h"

#define FIBERS GPUVM__SCHED_FIBERS
#define RCU_FIBER (FIBERS - 1)
#define NO_FIBER FIBERS

enum fiber_state {
	FIBER_IDLE,
	FIBER_READY,
	FIBER_BLOCKED
};

struct fiber {
	enum fiber_state state;
	const void *waits; /* blocked: for this */
	const char *why;
	bool yielded; /* spins: others first */
	unsigned int read_depth;
	void (*fn)(void *arg);
	void *arg;
	const char *file; /* where it stands */
	int line;
	const char *doing;
	jmp_buf ctx;
	ucontext_t start;
};

extern struct fiber sched_fibers[FIBERS];
extern struct sched_policy *sched_policy;
extern uint64_t sched_step;
extern bool sched_running;

/* ---- fiber.c ---- */
void sched_fiber_boot(unsigned int id, void (*entry)(void));
void sched_fiber_switch(unsigned int id);

/* ---- sched.c ---- */
void sched_block(const void *on, const char *why);
void sched_wake(const void *on);
/* Run this one at once, without asking the policy. */
void sched_urgent(unsigned int id);

/* ---- policy.c ---- */
void sched_policy_begin(struct sched_policy *p);
unsigned int sched_policy_pick(struct sched_policy *p, const unsigned int *options, unsigned int n, bool can_go_on);
void sched_policy_yielded(struct sched_policy *p, unsigned int fiber);

/* ---- rcu.c ---- */
void sched_rcu_reset(void);
bool sched_rcu_pending(void);
void sched_rcu_fiber(void);

/* ---- arena.c ---- */
void sched_arena_reset(void);
/* Abort unless [p, p + size) is allocated; addresses outside the arena are not looked at. */
void sched_arena_check(const void *p, size_t size, const char *what, uintptr_t pc);
bool sched_arena_has(const void *p);
size_t sched_arena_offset(const void *p);
void sched_arena_describe(const void *p, char *buf, size_t size);
#define SCHED_ARENA_BYTES (256ul << 20)

/* ---- race.c ---- */
struct clock {
	uint32_t at[FIBERS];
};

extern struct clock sched_clock[FIBERS];
void sched_clock_join(struct clock *to, const struct clock *from);
/* All that the running fiber did is before whatever joins *@to later. */
void sched_clock_release(struct clock *to);
void sched_clock_acquire(const struct clock *from);
/* The clock that belongs to the lock or atomic at @addr in this schedule. */
struct clock *sched_clock_of(const void *addr);
void sched_race_reset(void);
/* The fiber starts, or ends, as a child of fiber 0. */
void sched_race_spawn(unsigned int id);
void sched_race_join(unsigned int id);

/* ---- report.c ---- */
void sched_note(const char *file, int line);
void sched_note_reset(void);
_Noreturn void sched_fail_at(uintptr_t pc, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif /* STRESS_SCHED_INTERNAL_H */
