/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * fiber.c - fibers of one OS thread. ucontext makes the stacks; the switches are _setjmp and _longjmp, because swapcontext
 * makes two system calls.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "internal.h"

#define STACK_BYTES (256u << 10)

static void (*boot_entry)(void);

static void trampoline(void)
{
	void (*entry)(void) = boot_entry;

	if (_setjmp(sched_fibers[gpuvm__sched_id].ctx) == 0)
		_longjmp(sched_fibers[0].ctx, 1);
	entry();
	abort();
}

/* Give fiber @id a stack, on which the first switch calls @entry. From fiber 0. */
void sched_fiber_boot(unsigned int id, void (*entry)(void))
{
	struct fiber *f = &sched_fibers[id];
	char *stack = mmap(NULL, STACK_BYTES + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (stack == MAP_FAILED || mprotect(stack, 4096, PROT_NONE) || getcontext(&f->start))
		abort();
	f->start.uc_stack.ss_sp = stack + 4096;
	f->start.uc_stack.ss_size = STACK_BYTES;
	makecontext(&f->start, trampoline, 0);
	boot_entry = entry;
	gpuvm__sched_id = id;
	if (_setjmp(sched_fibers[0].ctx) == 0)
		setcontext(&f->start);
	gpuvm__sched_id = 0;
}

__attribute__((noinline)) void sched_fiber_switch(unsigned int id)
{
	struct fiber *from = &sched_fibers[gpuvm__sched_id];

	if (from == &sched_fibers[id])
		return;
	gpuvm__sched_id = id;
	if (_setjmp(from->ctx) == 0)
		_longjmp(sched_fibers[id].ctx, 1);
}
