/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * biased.c - the foreigners' side of biased.h: the gate, and whether the process has a heavy fence.
 */
#include "biased.h"

static _Atomic uint32_t gate;

void gpuvm__gate_lock(void)
{
	gpuvm__lock_enter(GPUVM__LOCK_LEAF, &gate, __FILE__, __LINE__);
	while (gpuvm__xchg(&gate, 1, acquire))
		gpuvm__yield();
}

void gpuvm__gate_unlock(void)
{
	gpuvm__lock_leave(&gate, __FILE__, __LINE__);
	gpuvm__store(&gate, 0, release);
}

/* Asked once per owner, and answered alike every time: registering twice is harmless. */
bool gpuvm__biased_cheap(void)
{
	return gpuvm__heavy_fence_init();
}
