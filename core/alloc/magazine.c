/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * magazine.c - alloc:magazine, each thread keeps the objects it allocated and gets them back, after a grace period if they
 * were retired, one grace period for a whole batch.
 *
 * Idea: Bonwick's magazines, and the owner-return of mimalloc. Objects come from the C library one by one and are kept by
 * size class; each one's home is the heap (a thread's) that allocated it. What is too large for a class, or asked for by a
 * thread that has no heap, is at home in the C library and none of our business any more.
 *
 *   M1  Everything of a heap is its thread's alone, but for the three below.
 *   M2  returned: what other threads free of this heap's; a lock-free stack, emptied whole by the owner.
 *   M3  done: this heap's batches whose grace period is over; likewise, pushed by whoever ran the round (reclaim.h).
 *   M4  Open batches are changed inside the heap's biased lock only: so gpuvm_quiesce() can hand in what other threads
 *       have collected.
 *   M5  A heap outlives its thread: it is parked, without free objects, and the next thread that comes takes it over with
 *       whatever still finds its way back. Who holds the gate may empty a parked heap.
 *   M6  Retiring neither blocks nor allocates: where every batch structure is under way, the open batch grows.
 *   M7  A class keeps at most `limit` free objects, twice what was lately needed between two arrivals; what is over is given
 *       back SPILL per operation, so that no operation pays for many.
 *   M8  A heap with fewer free objects of a class than it lately needed keeps another's that its thread has freed, which is
 *       its own from then on: it would have to take a new one from the C library instead. So who works on what another
 *       thread has built reuses what is warm, and who only frees sends everything home.
 *   M9  A stock of up to STOW objects is kept whole, one of index nodes and one of mappings: a request that may have to split
 *       takes them along and brings them back, for two loads and two stores instead of an allocation and a free for each.
 *
 * Teaches: that the cost of deferred freeing is the grace period per object and the cold memory, not the deferring.
 */
#include "magazine.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

#define OVER 8u /* each as large as what glibc gives for it */
#define BATCH 64
#define SPILL 2
#define STOW 2 /* what a map takes along */

#define raw (&gpuvm__alloc_glibc)
extern const struct gpuvm__alloc_ops gpuvm__alloc_glibc;

/* ---- classes ---- */

static inline unsigned int class_of(size_t size, size_t align)
{
	return align > 16 ? (size - 1) / GPUVM__LINE : LINE_CLASSES + (size + STEP - OVER - 1) / STEP;
}

static inline size_t class_size(unsigned int c)
{
	return c < LINE_CLASSES ? (c + 1) * GPUVM__LINE : (c - LINE_CLASSES) * STEP + OVER;
}

static inline size_t class_align(unsigned int c)
{
	return c < LINE_CLASSES ? GPUVM__LINE : 16;
}

static struct slot *raw_take(struct heap *h, unsigned int c)
{
	struct slot *s = raw->alloc(class_size(c), class_align(c));

	if (s)
		s->home = h;
	gpuvm__count(MAG_TAKE);
	return s;
}

static void raw_give(struct slot *s, unsigned int c)
{
	ASAN_UNPOISON_MEMORY_REGION(s, class_size(c));
	raw->free(s, class_size(c), class_align(c));
	gpuvm__count(MAG_GIVE);
}

/* ---- what comes back ---- */

/* M2. Release: what the last user did to it comes before what the next one does. */
static void send_home(struct slot *s, unsigned int c)
{
	_Atomic(struct slot *) *to = &s->home->cls[c].returned;
	struct slot *head = gpuvm__load(to, relaxed);

	do
		s->next = head;
	while (!gpuvm__cas(to, &head, s, release));
	gpuvm__count(MAG_REMOTE);
}

static inline void keep(struct class *cls, struct slot *s)
{
	s->next = cls->free;
	cls->free = s;
	cls->nr_free++;
}

/* M8: fewer free ones than were lately needed? */
static inline bool is_short(const struct class *cls)
{
	return cls->nr_free < cls->drawn && cls->nr_free < cls->limit;
}

/* To whom it belongs, or shall belong from now on. */
static void sort(struct heap *h, struct slot *s, unsigned int c)
{
	if (s->home != h && !is_short(&h->cls[c])) {
		send_home(s, c);
		return;
	}
	s->home = h;
	keep(&h->cls[c], s);
}

static void take_batch(struct heap *h, struct mag_batch *b)
{
	struct class *cls = &h->cls[b->cls];
	struct slot *s, *next;

	if (!b->mixed) {
		b->last->next = cls->free;
		cls->free = b->first;
		cls->nr_free += b->n;
		return;
	}
	for (s = b->first; s; s = next) {
		next = s->next;
		sort(h, s, b->cls);
	}
}

/* M3: everything whose grace period is over. */
void gpuvm__mag_take_done(struct heap *h)
{
	struct gpuvm__batch *b, *next;

	if (!gpuvm__load(&h->done, relaxed))
		return;
	/* Acquire pairs with the release in gpuvm__mag_batch_done(). */
	for (b = gpuvm__xchg(&h->done, NULL, acquire); b; b = next) {
		next = b->next;
		take_batch(h, (struct mag_batch *)b);
		b->next = h->spare;
		h->spare = b;
	}
}

void gpuvm__mag_take_returned(struct class *cls)
{
	struct slot *s, *next;

	if (!gpuvm__load(&cls->returned, relaxed))
		return;
	/* Acquire pairs with the release in send_home(). */
	for (s = gpuvm__xchg(&cls->returned, NULL, acquire); s; s = next) {
		next = s->next;
		keep(cls, s);
	}
}

/* M7 */
static void set_limit(struct class *cls)
{
	uint32_t want = 2 * cls->drawn + LIMIT_MIN;

	cls->limit = want > cls->limit ? want : cls->limit - (cls->limit - want) / 8;
	cls->drawn = 0;
}

void gpuvm__mag_spill(struct class *cls, unsigned int c, unsigned int n)
{
	struct slot *s;

	for (; n && cls->free; n--) {
		s = cls->free;
		cls->free = s->next;
		cls->nr_free--;
		raw_give(s, c);
	}
}

/*
 * Off the list. The next one was last touched a grace period ago, and the next allocation would wait for its link, then its
 * user for the rest: it comes while this one is worked on.
 */
static inline struct slot *pop(struct class *cls)
{
	struct slot *s = cls->free, *next = s->next;

	cls->free = next;
	cls->nr_free--;
	__builtin_prefetch(next, 1);
	__builtin_prefetch((char *)next + GPUVM__LINE, 1);
	return s;
}

/* The free list is empty. */
static struct slot *refill(struct heap *h, unsigned int c)
{
	struct class *cls = &h->cls[c];

	gpuvm__mag_take_done(h);
	gpuvm__mag_take_returned(cls);
	if (!cls->free)
		return raw_take(h, c);
	set_limit(cls);
	return pop(cls);
}

/* ---- the operations ---- */

/*
 * Allocating and freeing are a few instructions on a list of the thread's own; all else is called at their end, so that
 * they keep nothing across a call and need no frame.
 */

/* None is free (A1: NULL if none is to be had), or too many are (M7). */
static __apart void *alloc_slowly(struct heap *h, unsigned int c)
{
	struct class *cls = &h->cls[c];
	struct slot *s;

	if (!cls->free) {
		s = refill(h, c);
	} else {
		s = pop(cls);
		gpuvm__mag_spill(cls, c, SPILL);
	}
	if (s)
		ASAN_UNPOISON_MEMORY_REGION(s, class_size(c));
	return s;
}

/* No heap yet, or none for this size. */
static __slow void *alloc_elsewhere(size_t size, size_t align)
{
	unsigned int c = class_of(size, align);
	struct heap *h = size <= MAX_SIZE ? gpuvm__mag_heap_make() : NULL;

	if (!h)
		return raw->alloc(size, align);
	h->cls[c].drawn++;
	return alloc_slowly(h, c);
}

static void *magazine_alloc(size_t size, size_t align)
{
	struct heap *h = gpuvm__mine(gpuvm__my_heap);
	struct class *cls;
	unsigned int c;
	struct slot *s;

	if (unlikely(size > MAX_SIZE || !h))
		return alloc_elsewhere(size, align);
	c = class_of(size, align);
	cls = &h->cls[c];
	cls->drawn++;
	if (unlikely(!cls->free || cls->nr_free > cls->limit))
		return alloc_slowly(h, c);
	s = pop(cls);
	ASAN_UNPOISON_MEMORY_REGION(s, class_size(c));
	return s;
}

/* From here until it is allocated again only the link is touched. */
static inline void forbid(struct slot *s, unsigned int c)
{
	ASAN_POISON_MEMORY_REGION(s + 1, class_size(c) - sizeof(*s));
}

/* Another heap's, or one too many (M7). */
static __apart void free_slowly(struct slot *s, unsigned int c)
{
	struct heap *h = gpuvm__mine(gpuvm__my_heap);

	if (!h) {
		send_home(s, c);
		return;
	}
	sort(h, s, c);
	if (h->cls[c].nr_free > h->cls[c].limit)
		gpuvm__mag_spill(&h->cls[c], c, SPILL);
}

static void magazine_free(void *p, size_t size, size_t align)
{
	struct heap *h = gpuvm__mine(gpuvm__my_heap);
	unsigned int c = class_of(size, align);
	struct slot *s = p;

	forbid(s, c);
	if (unlikely(s->home != h || h->cls[c].nr_free >= h->cls[c].limit))
		free_slowly(s, c);
	else
		keep(&h->cls[c], s);
}

/* M3. The debug build says here that each of them is dead. */
void gpuvm__mag_batch_done(struct gpuvm__batch *batch)
{
	struct mag_batch *b = (struct mag_batch *)batch;
	struct heap *h = b->heap;
	struct gpuvm__batch *head;

#ifdef GPUVM_DEBUG
	for (struct slot *s = b->first, *next; s; s = next) {
		next = s->next;
		gpuvm__obj_end((struct gpuvm__obj *)s);
		s->next = next;
		forbid(s, b->cls);
	}
#endif
	head = gpuvm__load(&h->done, relaxed);
	do
		batch->next = head;
	while (!gpuvm__cas(&h->done, &head, batch, release));
}

/* The open batch of a class, or a new one; NULL: none to be had (M6). */
static struct mag_batch *open_batch(struct heap *h, unsigned int c)
{
	struct mag_batch *b = (struct mag_batch *)h->spare;

	if (!b)
		return NULL;
	h->spare = b->batch.next;
	b->first = b->last = NULL;
	b->n = 0;
	b->cls = c;
	b->mixed = false;
	return h->cls[c].open = b;
}

static void done_alone(gpuvm__rcu_head *head)
{
	gpuvm__rcu_callback(head);
	gpuvm__obj_release(container_of(head, struct gpuvm__obj, rcu));
}

static void put_in_batch(struct heap *h, struct mag_batch *b, struct slot *s)
{
	s->next = b->first;
	b->first = s;
	if (!b->last)
		b->last = s;
	b->mixed |= s->home != h;
	/* With no structure to go on with, this one goes on. */
	if (++b->n >= BATCH && h->spare)
		hand_in(h, &h->cls[b->cls]);
}

static void magazine_retire(struct gpuvm__obj *obj)
{
	unsigned int c = class_of(obj->size, gpuvm__obj_align(obj));
	struct heap *h = gpuvm__mine(gpuvm__my_heap);
	struct mag_batch *b = NULL;

	if (h) {
		gpuvm__biased_enter(&h->lock);
		b = h->cls[c].open;
		b = b ? b : open_batch(h, c);
		if (likely(b))
			put_in_batch(h, b, (struct slot *)obj);
		gpuvm__biased_leave(&h->lock);
		if (unlikely(!h->spare))
			gpuvm__mag_take_done(h);
		if (unlikely(h->cls[c].nr_free > h->cls[c].limit))
			gpuvm__mag_spill(&h->cls[c], c, SPILL);
	}
	if (unlikely(!b)) {
		gpuvm__count(MAG_ALONE);
		gpuvm__call_rcu(&obj->rcu, done_alone);
	}
}

/* ---- stocks (M9) ---- */

static void free_stock(struct gpuvm__obj *node)
{
	struct gpuvm__obj *next;

	for (; node; node = next) {
		next = node->stock;
		magazine_free(node, node->size, gpuvm__obj_align(node));
	}
}

void gpuvm__mag_unstow_all(struct heap *h)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(h->stowed); i++) {
		free_stock(h->stowed[i]);
		h->stowed[i] = NULL;
	}
}

/* Beside what is there: one and one. What is of another size has not been asked for lately. */
static __apart bool stow_beside(struct gpuvm__obj **at, struct gpuvm__obj *stock)
{
	if ((*at)->size != stock->size) {
		free_stock(*at);
		*at = stock;
		return true;
	}
	if (stock->nr_stock + (*at)->nr_stock > STOW)
		return false;
	stock->stock = *at;
	stock->nr_stock = STOW;
	*at = stock;
	return true;
}

static bool magazine_stow(struct gpuvm__obj *stock)
{
	struct heap *h = gpuvm__mine(gpuvm__my_heap);
	struct gpuvm__obj **at;

	if (unlikely(!h || stock->nr_stock > STOW))
		return false;
	at = &h->stowed[!stock->line_aligned];
	if (unlikely(*at))
		return stow_beside(at, stock);
	*at = stock;
	return true;
}

static struct gpuvm__obj *magazine_unstow(size_t size, size_t align, size_t n)
{
	struct heap *h = gpuvm__mine(gpuvm__my_heap);
	struct gpuvm__obj *stock, **at;

	if (unlikely(!h))
		return NULL;
	at = &h->stowed[align <= 16];
	stock = *at;
	if (unlikely(!stock || stock->size != size))
		return NULL;
	if (stock->nr_stock <= n) {
		*at = NULL;
		return stock;
	}
	*at = stock->stock; /* one of two */
	stock->stock = NULL;
	stock->nr_stock = 1;
	return stock;
}

const struct gpuvm__alloc_ops gpuvm__alloc_magazine = {
	.name = "magazine",
	.alloc = magazine_alloc,
	.free = magazine_free,
	.retire = magazine_retire,
	.thread_leave = gpuvm__mag_thread_leave,
	.quiesce = gpuvm__mag_quiesce,
	.stow = magazine_stow,
	.unstow = magazine_unstow,
};
