/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * rcu.c - exact grace periods.
 *
 * A callback waits for exactly the fibers that were inside a read section when call_rcu was called, and may run the moment
 * the last of them leaves. Callbacks run on a fiber of their own: at once (hostile to readers), or, if the policy is lazy,
 * when it is chosen (hostile to who forgot to wait for them).
 */
#include "internal.h"

#define MAX_PENDING 65536

struct pending {
	gpuvm__rcu_head *head;
	void (*func)(gpuvm__rcu_head *head);
	uint64_t seq;
	unsigned int readers; /* one bit per fiber that was inside */
	struct clock clock; /* what happened before the callback may run */
};

static struct pending queue[MAX_PENDING]; /* [first, last): in the order of call_rcu */
static unsigned int first, last;
static uint64_t sequence; /* of the last one queued */
static struct clock ended; /* what happened before the grace periods that are over */
static struct clock left; /* what readers did that have left: before every grace period from then on */
static char waiters; /* synchronize_rcu and rcu_barrier wait for this */

static unsigned int readers_now(void)
{
	unsigned int i, mask = 0;

	for (i = 1; i < FIBERS; i++)
		if (sched_fibers[i].read_depth)
			mask |= 1u << i;
	return mask;
}

void sched_rcu_reset(void)
{
	if (first != last)
		sched_fail("callbacks are left from the schedule before");
	first = last = 0;
	memset(&ended, 0, sizeof(ended));
	memset(&left, 0, sizeof(left));
}

static struct pending *runnable(void)
{
	unsigned int i;

	for (i = first; i < last; i++)
		if (queue[i].head && queue[i].func && !queue[i].readers)
			return &queue[i];
	return NULL;
}

bool sched_rcu_pending(void)
{
	return first != last;
}

static void wake_callbacks(void)
{
	if (!sched_running || !runnable())
		return;
	if (sched_fibers[RCU_FIBER].state == FIBER_IDLE) {
		sched_fibers[RCU_FIBER].state = FIBER_READY;
		sched_fibers[RCU_FIBER].doing = "RCU callbacks";
	}
	sched_urgent(RCU_FIBER);
}

void gpuvm__sched_read_lock(const char *file, int line)
{
	gpuvm__sched_point(file, line);
	if (sched_fibers[gpuvm__sched_id].read_depth++ == 0)
		sched_clock_acquire(&ended);
}

void gpuvm__sched_read_unlock(const char *file, int line)
{
	struct fiber *f = &sched_fibers[gpuvm__sched_id];
	unsigned int i, bit = 1u << gpuvm__sched_id;

	if (f->read_depth == 0)
		sched_fail("%s:%d: end of a read section that was not begun", file, line);
	if (--f->read_depth)
		return;
	sched_clock_release(&left);
	for (i = first; i < last; i++) {
		if (queue[i].head && (queue[i].readers & bit)) {
			queue[i].readers &= ~bit;
			sched_clock_release(&queue[i].clock);
		}
	}
	sched_wake(&waiters);
	wake_callbacks();
	gpuvm__sched_point(file, line);
}

static unsigned int enqueue(gpuvm__rcu_head *head, void (*func)(gpuvm__rcu_head *head))
{
	unsigned int i;

	for (i = first; i < last; i++)
		if (head && queue[i].head == head)
			sched_fail("call_rcu twice on one object");
	if (last == MAX_PENDING) {
		if (sched_running)
			sched_fail("more than %d callbacks wait", MAX_PENDING);
		gpuvm__sched_rcu_barrier(); /* a single-threaded test that never quiesces */
	}
	queue[last] = (struct pending){ .head = head, .func = func, .seq = ++sequence, .readers = readers_now() };
	sched_clock_release(&queue[last].clock);
	sched_clock_join(&queue[last].clock, &left);
	return last++;
}

void gpuvm__sched_call_rcu(gpuvm__rcu_head *head, void (*func)(gpuvm__rcu_head *head))
{
	sched_arena_check(head, sizeof(*head), "call_rcu", (uintptr_t)__builtin_return_address(0));
	enqueue(head, func);
	wake_callbacks();
}

/* Take @p out of the queue; its grace period is over. */
static struct pending finish(struct pending *p)
{
	struct pending copy = *p;

	sched_clock_acquire(&copy.clock);
	sched_clock_join(&ended, &copy.clock);
	p->head = NULL;
	while (first < last && !queue[first].head)
		first++;
	if (first == last)
		first = last = 0;
	return copy;
}

static void run(struct pending *p)
{
	struct pending copy = finish(p);

	sched_arena_check(copy.head, sizeof(*copy.head), "RCU callback", 0);
	copy.func(copy.head);
}

void sched_rcu_fiber(void)
{
	struct pending *p;

	while ((p = runnable()))
		run(p);
	sched_wake(&waiters);
}

void gpuvm__sched_synchronize_rcu(void)
{
	unsigned int mine;

	if (gpuvm__sched_id == 0 || !sched_running)
		return;
	if (sched_fibers[gpuvm__sched_id].read_depth)
		sched_fail("waiting for a grace period in a read section");
	/* An entry of its own, which nobody runs, gathers the readers. */
	mine = enqueue((gpuvm__rcu_head *)&waiters + gpuvm__sched_id, NULL);
	while (queue[mine].readers)
		sched_block(&waiters, "a grace period");
	finish(&queue[mine]);
}

/* Does a callback of those up to @seq still wait, or run? */
static bool unfinished(uint64_t seq)
{
	unsigned int i;

	if (sched_fibers[RCU_FIBER].state != FIBER_IDLE)
		return true;
	for (i = first; i < last; i++)
		if (queue[i].head && queue[i].func && queue[i].seq <= seq)
			return true;
	return false;
}

void gpuvm__sched_rcu_barrier(void)
{
	uint64_t mine = sequence;
	struct pending *p;

	if (gpuvm__sched_id == RCU_FIBER)
		sched_fail("an RCU callback waits for RCU callbacks");
	if (gpuvm__sched_id == 0) {
		while ((p = runnable()))
			run(p);
		sched_clock_acquire(&ended);
		return;
	}
	while (unfinished(mine))
		sched_block(&waiters, "RCU callbacks");
	sched_clock_acquire(&ended);
}
