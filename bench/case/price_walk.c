/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * price_walk.c - what it costs to go from one element of a list to the next, per element, under each way of keeping the list
 * and its elements from changing. The question asked about GPUVM's lists in 2023; written by hand, no core code runs.
 *
 *   none     nothing: somebody else sees to it (a big lock, taken once outside)
 *   rcu      one read section around the walk, elements not pinned
 *   pin      none, and each element is pinned while it is looked at: a reference taken (fetch-add) and dropped
 *   spin     a spinlock taken and dropped per element, nobody competes
 *   mutex    likewise a mutex
 *   rwsem    likewise a rwlock, for reading
 *   local    upstream's local-list trick: lock, take the first, reference unless zero, move it to a list of our own, unlock;
 *            drop the one before; in the end put all of them back under the lock
 *   rcu_pin  one read section, each element pinned by a reference unless zero
 *
 * Elements are 96 bytes apart from each other on lines of their own, in shuffled order; each is asked for one word.
 */
#define _LGPL_SOURCE
#define URCU_INLINE_SMALL_FUNCTIONS
#define URCU_API_MAP
#if defined(GPUVM_RCU_QSBR)
#include <urcu/urcu-qsbr.h>
#elif defined(GPUVM_RCU_MB)
#include <urcu/urcu-mb.h>
#elif defined(GPUVM_RCU_BP)
#include <urcu/urcu-bp.h>
#else
#include <urcu/urcu-memb.h>
#endif
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../case.h"
#include "../rng.h"

struct node {
	struct node *next, *prev;
};

struct element {
	_Alignas(BENCH_LINE) struct node node;
	atomic_uint count;
	uint64_t payload;
	char rest[BENCH_LINE];
};

struct list {
	struct node head;
	_Alignas(BENCH_LINE) atomic_uint spin;
	pthread_mutex_t mutex;
	pthread_rwlock_t rwlock;
	struct element *elements;
	uint32_t nr;
	uint64_t (*walk)(struct list *l, uint64_t max);
	struct node *at; /* where the next walk goes on */
};

static struct element *element_of(struct node *n)
{
	return (struct element *)n;
}

static void spin_lock(struct list *l)
{
	while (atomic_exchange_explicit(&l->spin, 1, memory_order_acquire))
		;
}

static void spin_unlock(struct list *l)
{
	atomic_store_explicit(&l->spin, 0, memory_order_release);
}

static bool get_unless_zero(struct element *e)
{
	unsigned int old = atomic_load_explicit(&e->count, memory_order_relaxed);

	while (old)
		if (atomic_compare_exchange_weak_explicit(&e->count, &old, old + 1, memory_order_acquire,
							  memory_order_relaxed))
			return true;
	return false;
}

static void put(struct element *e)
{
	if (atomic_fetch_sub_explicit(&e->count, 1, memory_order_acq_rel) == 1)
		abort(); /* the list has one */
}

static void add_tail(struct node *n, struct node *head)
{
	n->prev = head->prev;
	n->next = head;
	head->prev->next = n;
	head->prev = n;
}

static void del(struct node *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
}

/*
 * One loop per way, so that nothing but the way is between two elements. To the end of the list, or until @max have been
 * seen; the next call goes on from there. Returns how many.
 */
#define WALK(name, before, each, after)                                     \
	static uint64_t walk_##name(struct list *l, uint64_t max)           \
	{                                                                   \
		struct node *n;                                             \
		uint64_t sum = 0;                                           \
                                                                            \
		before;                                                     \
		for (n = l->at; n != &l->head && max; n = n->next, max--) { \
			struct element *e = element_of(n);                  \
                                                                            \
			each;                                               \
		}                                                           \
		after;                                                      \
		l->at = n == &l->head ? l->head.next : n;                   \
		return sum;                                                 \
	}
#define NOTHING ((void)0)
#define LOOK (sum += e->payload)

WALK(none, NOTHING, (LOOK, bench_keep(sum)), NOTHING)
WALK(rcu, rcu_read_lock(), (LOOK, bench_keep(sum)), rcu_read_unlock())
WALK(pin, NOTHING, (atomic_fetch_add_explicit(&e->count, 1, memory_order_relaxed), LOOK, put(e)), NOTHING)
WALK(spin, NOTHING, (spin_lock(l), LOOK, spin_unlock(l)), NOTHING)
WALK(mutex, NOTHING, (pthread_mutex_lock(&l->mutex), LOOK, pthread_mutex_unlock(&l->mutex)), NOTHING)
WALK(rwsem, NOTHING, (pthread_rwlock_rdlock(&l->rwlock), LOOK, pthread_rwlock_unlock(&l->rwlock)), NOTHING)
WALK(rcu_pin, rcu_read_lock(), (get_unless_zero(e) ? (LOOK, put(e)) : NOTHING), rcu_read_unlock())

static struct element *local_next(struct list *l, struct node *local)
{
	struct element *e = NULL;

	spin_lock(l);
	while (!e && l->head.next != &l->head) {
		e = element_of(l->head.next);
		del(&e->node);
		if (get_unless_zero(e))
			add_tail(&e->node, local);
		else
			e = NULL;
	}
	spin_unlock(l);
	return e;
}

/* What was seen goes to the end, so that a walk in parts sees all. */
static uint64_t walk_local(struct list *l, uint64_t max)
{
	struct node local = { &local, &local };
	struct element *e, *prev = NULL;
	uint64_t sum = 0;

	while (max-- && (e = local_next(l, &local))) {
		if (prev)
			put(prev);
		LOOK;
		prev = e;
	}
	if (prev)
		put(prev);
	spin_lock(l);
	if (local.next != &local) {
		local.next->prev = l->head.prev;
		l->head.prev->next = local.next;
		local.prev->next = &l->head;
		l->head.prev = local.prev;
	}
	spin_unlock(l);
	return sum;
}

static const struct {
	const char *name;
	uint64_t (*walk)(struct list *l, uint64_t max);
} ways[] = {
	{ "none", walk_none },	 { "rcu", walk_rcu },	  { "pin", walk_pin },	   { "spin", walk_spin },
	{ "mutex", walk_mutex }, { "rwsem", walk_rwsem }, { "local", walk_local }, { "rcu_pin", walk_rcu_pin },
};

static int fill(struct bench_ctx *ctx, struct list *l)
{
	uint32_t *order = calloc(l->nr, sizeof(*order)), i;
	uint64_t rng = ctx->seed;

	l->elements = aligned_alloc(BENCH_LINE, l->nr * sizeof(*l->elements));
	for (i = 0; order && l->elements && i < l->nr; i++) {
		order[i] = i;
		l->elements[i] = (struct element){ .count = 1, .payload = 1 };
	}
	if (order && l->elements) {
		rng_shuffle(&rng, order, l->nr);
		for (i = 0; i < l->nr; i++)
			add_tail(&l->elements[order[i]].node, &l->head);
	}
	free(order);
	l->at = l->head.next;
	return order && l->elements ? 0 : -ENOMEM;
}

static int setup(struct bench_ctx *ctx)
{
	struct list *l = aligned_alloc(BENCH_LINE, sizeof(*l));
	const char *how = bench_str(ctx, "how");
	size_t i;

	ctx->state = l;
	if (!l)
		return -ENOMEM;
	memset(l, 0, sizeof(*l));
	l->head = (struct node){ &l->head, &l->head };
	pthread_mutex_init(&l->mutex, NULL);
	pthread_rwlock_init(&l->rwlock, NULL);
	l->nr = (uint32_t)bench_num(ctx, "n");
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (!strcmp(ways[i].name, how))
			l->walk = ways[i].walk;
	return l->walk ? fill(ctx, l) : -EINVAL;
}

static void run(struct bench_ctx *ctx, unsigned int thread, uint64_t n)
{
	struct list *l = ctx->state;
	uint64_t seen;

	for (; n; n -= seen) {
		seen = l->walk(l, n);
		if (seen == 0 || seen > n || seen > l->nr) {
			bench_fail(ctx, "%llu of %u elements seen", (unsigned long long)seen, l->nr);
			return;
		}
	}
}

static void teardown(struct bench_ctx *ctx)
{
	struct list *l = ctx->state;

	if (l)
		free(l->elements);
	free(l);
}

const struct bench_case bench_case_price_walk = {
	.keys = { { "how", "none rcu pin spin mutex rwsem rcu_pin local" }, { "n", "1 8 64 512 4096", "1 64 4096" } },
	.setup = setup,
	.run = run,
	.teardown = teardown,
};
