/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sched.c - who runs next; locks and conditions as the scheduler knows them.
 *
 * A step is a call of gpuvm__sched_point(), in front of each shared access. There the policy may choose another fiber. A
 * fiber that waits is not a choice; if there is none left and not all are done, that is a deadlock.
 */
#include "internal.h"

#define LOCK_MAGIC 0x10c4ab1e
#define STEP_LIMIT 200000
#define SPIN_LIMIT 20000

struct fiber sched_fibers[FIBERS];
struct sched_policy *sched_policy;
uint64_t sched_step;
bool sched_running;
unsigned int gpuvm__sched_id;

static unsigned int urgent = NO_FIBER, interrupted;
static unsigned int spins; /* yields since anything else happened */

uint64_t sched_now(void)
{
	return ++sched_step;
}

unsigned int sched_self(void)
{
	return gpuvm__sched_id - 1;
}

void sched_doing(const char *what)
{
	sched_fibers[gpuvm__sched_id].doing = what;
}

/* Ready fibers, the running one first. A fiber that spins is none if there is another. */
static unsigned int collect(unsigned int *out, bool *can_go_on, bool yielded)
{
	unsigned int i, n = 0, me = gpuvm__sched_id;

	*can_go_on = me != 0 && sched_fibers[me].state == FIBER_READY && sched_fibers[me].yielded == yielded;
	if (*can_go_on)
		out[n++] = me;
	for (i = 1; i < FIBERS; i++)
		if (i != me && sched_fibers[i].state == FIBER_READY && sched_fibers[i].yielded == yielded)
			out[n++] = i;
	return n;
}

static bool all_done(void)
{
	unsigned int i;

	for (i = 1; i < FIBERS; i++)
		if (sched_fibers[i].state == FIBER_BLOCKED)
			return false;
	return true;
}

/* Whom the policy wants. The caller has set its own state. */
static unsigned int choose(void)
{
	unsigned int options[FIBERS], n, i;
	bool can_go_on;

	n = collect(options, &can_go_on, false);
	if (n == 0) {
		/* Only fibers that spin: each may look again. */
		n = collect(options, &can_go_on, true);
		for (i = 1; i < FIBERS; i++)
			sched_fibers[i].yielded = false;
		if (n && ++spins > SPIN_LIMIT)
			sched_fail("livelock: everyone who can run spins");
		can_go_on = false;
	}
	if (n == 0) {
		if (!all_done())
			sched_fail("deadlock");
		return 0;
	}
	return n == 1 ? options[0] : sched_policy_pick(sched_policy, options, n, can_go_on);
}

static void go(unsigned int id)
{
	if (id != gpuvm__sched_id)
		spins = 0;
	if (gpuvm__sched_id == RCU_FIBER)
		interrupted = 0; /* no longer a mere interruption */
	sched_fiber_switch(id);
}

void sched_urgent(unsigned int id)
{
	if (sched_running && gpuvm__sched_id != id && !sched_policy->lazy)
		urgent = id;
}

/* A callback became runnable: now is the earliest moment. */
static bool run_urgent(void)
{
	unsigned int id = urgent;

	if (id == NO_FIBER || sched_fibers[id].state != FIBER_READY)
		return false;
	urgent = NO_FIBER;
	interrupted = gpuvm__sched_id;
	go(id);
	return true;
}

static void step(const char *file, int line)
{
	struct fiber *f = &sched_fibers[gpuvm__sched_id];

	f->file = file;
	f->line = line;
	sched_note(file, line);
	if (++sched_step > STEP_LIMIT)
		sched_fail("no end after %d steps", STEP_LIMIT);
}

void gpuvm__sched_point(const char *file, int line)
{
	if (!sched_running || gpuvm__sched_id == 0)
		return;
	step(file, line);
	if (run_urgent())
		return;
	sched_fibers[gpuvm__sched_id].yielded = false;
	go(choose());
}

void gpuvm__sched_yield(const char *file, int line)
{
	if (!sched_running || gpuvm__sched_id == 0) {
		if (++spins > SPIN_LIMIT)
			sched_fail("%s:%d: the only thread waits for another", file, line);
		return;
	}
	step(file, line);
	if (run_urgent())
		return;
	sched_fibers[gpuvm__sched_id].yielded = true;
	sched_policy_yielded(sched_policy, gpuvm__sched_id);
	go(choose());
}

void sched_block(const void *on, const char *why)
{
	struct fiber *f = &sched_fibers[gpuvm__sched_id];

	if (gpuvm__sched_id == 0)
		sched_fail("the test itself waits for ever: %s", why);
	f->state = FIBER_BLOCKED;
	f->waits = on;
	f->why = why;
	if (!run_urgent())
		go(choose());
}

void sched_wake(const void *on)
{
	unsigned int i;

	for (i = 1; i < FIBERS; i++) {
		if (sched_fibers[i].state == FIBER_BLOCKED && sched_fibers[i].waits == on) {
			sched_fibers[i].state = FIBER_READY;
			sched_fibers[i].waits = NULL;
			sched_fibers[i].yielded = false;
		}
	}
}

/* ---- threads ---- */

static void worker(void)
{
	for (;;) {
		struct fiber *f = &sched_fibers[gpuvm__sched_id];

		f->fn(f->arg);
		if (f->read_depth)
			sched_fail("a thread ends inside a read section");
		f->state = FIBER_IDLE;
		sched_race_join(gpuvm__sched_id);
		sched_wake(f);
		if (!run_urgent())
			go(choose());
	}
}

static void callbacks(void)
{
	for (;;) {
		sched_rcu_fiber();
		sched_fibers[RCU_FIBER].state = FIBER_IDLE;
		/* Whom it interrupted goes on as if nothing had happened. */
		if (interrupted && sched_fibers[interrupted].state == FIBER_READY)
			go(interrupted);
		else
			go(choose());
	}
}

static void boot(void)
{
	static bool booted;
	unsigned int i;

	if (booted)
		return;
	for (i = 1; i < RCU_FIBER; i++)
		sched_fiber_boot(i, worker);
	sched_fiber_boot(RCU_FIBER, callbacks);
	booted = true;
}

void sched_reset(struct sched_policy *p)
{
	sched_policy = p;
	sched_step = 0;
	sched_note_reset();
	sched_arena_reset();
	sched_race_reset();
	sched_rcu_reset();
	sched_policy_begin(p);
}

void sched_run(unsigned int n, void (*const fn[])(void *arg), void *const arg[])
{
	unsigned int i;

	boot();
	for (i = 1; i <= n; i++) {
		sched_fibers[i].fn = fn[i - 1];
		sched_fibers[i].arg = arg[i - 1];
		sched_fibers[i].state = FIBER_READY;
		sched_fibers[i].yielded = false;
		sched_fibers[i].doing = NULL;
		sched_race_spawn(i);
	}
	sched_race_spawn(RCU_FIBER);
	spins = 0;
	urgent = NO_FIBER;
	interrupted = 0;
	sched_running = true;
	go(choose());
	sched_running = false;
	sched_race_join(RCU_FIBER);
	if (sched_policy->longest < sched_step)
		sched_policy->longest = sched_step;
}

/* ---- locks ---- */

static void check_lock(const struct gpuvm__sched_lock *l, const char *what)
{
	sched_arena_check(l, sizeof(*l), what, (uintptr_t)__builtin_return_address(0));
	if (l->magic != LOCK_MAGIC)
		sched_fail("%s of a lock that is not initialised or was destroyed", what);
}

void gpuvm__sched_lock_init(struct gpuvm__sched_lock *l)
{
	sched_arena_check(l, sizeof(*l), "init of a lock", 0);
	*l = (struct gpuvm__sched_lock){ .magic = LOCK_MAGIC };
}

void gpuvm__sched_lock_fini(struct gpuvm__sched_lock *l)
{
	check_lock(l, "destruction");
	if (l->owner)
		sched_fail("a lock is destroyed while it is held");
	l->magic = 0;
}

void gpuvm__sched_lock_lock(struct gpuvm__sched_lock *l)
{
	check_lock(l, "lock");
	while (l->owner) {
		if (l->owner == gpuvm__sched_id + 1)
			sched_fail("a thread waits for a lock it holds itself");
		sched_block(l, "a lock");
		check_lock(l, "lock");
	}
	l->owner = gpuvm__sched_id + 1;
	sched_clock_acquire(sched_clock_of(l));
}

bool gpuvm__sched_lock_trylock(struct gpuvm__sched_lock *l)
{
	check_lock(l, "trylock");
	if (l->owner)
		return false;
	gpuvm__sched_lock_lock(l);
	return true;
}

void gpuvm__sched_lock_unlock(struct gpuvm__sched_lock *l)
{
	check_lock(l, "unlock");
	if (l->owner != gpuvm__sched_id + 1)
		sched_fail("unlock by a thread that does not hold the lock");
	l->owner = 0;
	sched_clock_release(sched_clock_of(l));
	sched_wake(l);
}

/* ---- conditions ---- */

void gpuvm__sched_cond_wait(struct gpuvm__cond *c, struct gpuvm__sched_lock *l)
{
	sched_arena_check(c, sizeof(*c), "wait for a condition", 0);
	c->waiters++;
	gpuvm__sched_lock_unlock(l);
	sched_block(c, "a condition");
	gpuvm__sched_lock_lock(l);
	c->waiters--;
}

void gpuvm__sched_cond_broadcast(struct gpuvm__cond *c)
{
	sched_arena_check(c, sizeof(*c), "broadcast", 0);
	sched_wake(c);
}
