/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * bravo.c - the table in which the readers of every biased lock sign in, and the writer's walk over it.
 */
#include "bravo.h"

alignas(GPUVM__LINE) gpuvm__bravo_slot gpuvm__bravo_readers[GPUVM__BRAVO_SLOTS];

void gpuvm__bravo_revoke(struct gpuvm__bravo *l)
{
	unsigned int i, turns = 0;

	gpuvm__count(LIST_REVOKE);
	gpuvm__store(&l->bias, false, seq_cst); /* V1 */
	for (i = 0; i < GPUVM__BRAVO_SLOTS; i++)
		while (gpuvm__load(&gpuvm__bravo_readers[i], seq_cst) == l) /* V1, V3 */
			gpuvm__spin_wait(&turns);
	gpuvm__store(&l->inhibit, GPUVM__BRAVO_INHIBIT, relaxed);
}
