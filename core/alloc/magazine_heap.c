/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * magazine_heap.c - the life of a magazine heap: a thread makes it or takes over one that was parked, hands in what it has
 * collected when it leaves, and parks it; gpuvm_quiesce() reaches everybody's.
 */
#include "magazine.h"

extern const struct gpuvm__alloc_ops gpuvm__alloc_glibc, gpuvm__alloc_magazine;

GPUVM__PER_THREAD(struct heap *, gpuvm__my_heap);
static struct heap *heaps; /* under the gate */

/* ---- whose it is ---- */

static struct heap *adopt(void)
{
	struct heap *h;

	gpuvm__gate_lock();
	for (h = heaps; h && !h->parked; h = h->next)
		;
	if (h)
		h->parked = false;
	gpuvm__gate_unlock();
	return h;
}

static struct heap *heap_create(void)
{
	struct heap *h = gpuvm__alloc_glibc.alloc(sizeof(*h), GPUVM__LINE);
	unsigned int i;

	if (!h)
		return NULL;
	memset(h, 0, sizeof(*h));
	h->home.ops = &gpuvm__alloc_magazine;
	gpuvm__biased_init(&h->lock);
	for (i = 0; i < CLASSES; i++)
		h->cls[i].limit = LIMIT_MIN;
	for (i = 0; i < BATCHES; i++) {
		h->batches[i] = (struct mag_batch){ .batch = { .done = gpuvm__mag_batch_done }, .heap = h };
		h->batches[i].batch.next = h->spare;
		h->spare = &h->batches[i].batch;
	}
	gpuvm__gate_lock();
	h->next = heaps;
	heaps = h;
	gpuvm__gate_unlock();
	return h;
}

struct heap *gpuvm__mag_heap_make(void)
{
	struct heap *h;

	if (!gpuvm__self.entered)
		return NULL;
	gpuvm__reclaim_start();
	h = adopt();
	h = h ? h : heap_create();
	gpuvm__mine(gpuvm__my_heap) = h;
	return h;
}

/* ---- what it keeps is given back ---- */

static void hand_in_all(struct heap *h)
{
	unsigned int c;

	for (c = 0; c < CLASSES; c++)
		hand_in(h, &h->cls[c]);
}

static void empty(struct heap *h)
{
	unsigned int c;

	gpuvm__mag_take_done(h);
	for (c = 0; c < CLASSES; c++) {
		gpuvm__mag_take_returned(&h->cls[c]);
		gpuvm__mag_spill(&h->cls[c], c, UINT32_MAX);
		h->cls[c].drawn = 0; /* by who leaves, not by who comes (M8) */
	}
}

void gpuvm__mag_thread_leave(void)
{
	struct heap *h = gpuvm__mine(gpuvm__my_heap);

	if (!h)
		return;
	gpuvm__biased_enter(&h->lock);
	hand_in_all(h);
	gpuvm__biased_leave(&h->lock);
	gpuvm__mag_unstow_all(h);
	empty(h);
	gpuvm__mine(gpuvm__my_heap) = NULL;
	gpuvm__gate_lock();
	h->parked = true; /* M5 */
	gpuvm__gate_unlock();
}

/* M4: everybody's open batches. */
static void hand_in_everything(void)
{
	struct heap *h, *mine = gpuvm__mine(gpuvm__my_heap);

	if (mine) {
		gpuvm__biased_enter(&mine->lock);
		hand_in_all(mine);
		gpuvm__biased_leave(&mine->lock);
	}
	gpuvm__gate_lock();
	for (h = heaps; h; h = h->next)
		if (h != mine)
			gpuvm__biased_claim(&h->lock);
	gpuvm__heavy_fence();
	for (h = heaps; h; h = h->next) {
		if (h == mine)
			continue;
		gpuvm__biased_wait(&h->lock);
		hand_in_all(h);
		gpuvm__biased_unclaim(&h->lock);
	}
	gpuvm__gate_unlock();
}

/*
 * The caller's own, too: who takes a VM down keeps, by M8, what others built it of, scattered over memory that could be given
 * back whole. First all of them are sorted: that sends some from one parked heap to another.
 */
void gpuvm__mag_quiesce(void)
{
	struct heap *h, *mine = gpuvm__mine(gpuvm__my_heap);

	hand_in_everything();
	gpuvm__reclaim_barrier();
	gpuvm__gate_lock();
	for (h = heaps; h; h = h->next)
		if (h->parked || h == mine)
			gpuvm__mag_take_done(h);
	if (mine)
		gpuvm__mag_unstow_all(mine);
	for (h = heaps; h; h = h->next)
		if (h->parked || h == mine)
			empty(h);
	gpuvm__gate_unlock();
}
