/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * test_space_threads.c - the contract of the space axis (core/space/space.h) with several threads in one VM, on every space.
 *
 *   S1  A driver's callback runs with every other writer of its pages excluded, the pages of what sticks out included.
 *   S2  A walk sees each mapping that stays exactly once; a range in which something is always mapped is never empty.
 *   S3  Each page is a register: what a lookup found was written by an operation that could be the last one, and of two
 *       lookups the later one never finds the older state. Which operation wrote it is in the offset, so a piece that was
 *       cut wrongly, or put together from two states, is found too.
 *   S4  is test_enomem.c's and the stress scenario signalling; that churn does not grow the index is here.
 *   S8  A grace period ends while a callback sleeps and another bind waits for it.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <unistd.h>

#include "world.h"

enum {
	PAGES = 512,
	WRITERS = 3,
	READERS = 2,
	OPS = T_SANITIZED ? 400 : 1600, /* of each writer */
	PHASE = 100, /* filling, emptying */
	READS = 12000, /* of each reader, at most */
	JITTER = 200, /* in the builds that have it: a pause at one in so many race points */
	STAYS = 32, /* every so many-th page is mapped throughout */
	ID_SHIFT = 32
};

/* An operation: pages [start, end), the times it was called and it returned. */
struct op {
	uint32_t start, end;
	uint64_t called, returned;
	bool map;
};

/* A lookup of @page that found what operation @id wrote; 0: nothing mapped. */
struct look {
	uint32_t page, id;
	uint64_t called, returned;
};

struct run {
	struct t_config config;
	struct t_world w;
	_Atomic uint64_t clock;
	_Atomic uint32_t nr_ops;
	struct op op[WRITERS * OPS + 1]; /* by id */
	struct look look[READERS][READS];
	unsigned int nr_looks[READERS];
	_Atomic uint32_t inside[PAGES]; /* writers in a callback for this page */
	_Atomic unsigned int violations;
	_Atomic bool stop;
	uint64_t seed;
};

static struct run the_run;

struct worker {
	struct run *r;
	unsigned int me;
	pthread_t thread;
	struct gpuvm_sm sm;
	uint32_t start, end; /* of the request under way */
};

static void violation(struct run *r, const char *what)
{
	if (atomic_fetch_add(&r->violations, 1) == 0)
		print_error("  %s\n", what);
}

static uint64_t now(struct run *r)
{
	return atomic_fetch_add(&r->clock, 1);
}

/* ---- the driver: S1 ---- */

static void enter(struct worker *t, uint64_t start, uint64_t end, int by)
{
	uint64_t page;

	for (page = start; page < end; page++)
		if (atomic_fetch_add(&t->r->inside[page], by) != (by > 0 ? 0 : 1))
			violation(t->r, "S1: two writers in callbacks for one page");
}

static int step(const struct gpuvm_op *op, void *priv)
{
	const struct gpuvm_va *va = op->type == GPUVM_OP_REMAP ? op->remap.unmap->va :
				    op->type == GPUVM_OP_UNMAP ? op->unmap.va :
								 NULL;
	struct worker *t = priv;
	uint64_t start, end;

	if (!t)
		return 0;
	start = va ? gpuvm_va_addr(va) / T_PAGE : t->start;
	end = va ? start + gpuvm_va_range(va) / T_PAGE : t->end;
	enter(t, start, end, 1);
	if (start % 7 == 0)
		sched_yield();
	enter(t, start, end, -1);
	return 0;
}

static const struct gpuvm_driver driver = { .sm_step_map = step, .sm_step_remap = step, .sm_step_unmap = step };
static const struct gpuvm_driver driver_in_place = {
	.sm_step_map = step, .sm_step_remap = step, .sm_step_unmap = step, .remap_in_place = true
};

/* ---- writers ---- */

static bool stays(uint32_t page)
{
	return page % STAYS == 0;
}

/* Short ranges while the VM fills, up to the next page that stays while it empties: so the index grows and shrinks. */
static void draw(struct worker *t, struct t_rng *rng, bool filling)
{
	t->start = 1 + t_below(rng, PAGES - 1);
	if (stays(t->start))
		t->start++;
	for (t->end = t->start + 1; t->end < PAGES && !stays(t->end) && (!filling || t_below(rng, 3)); t->end++)
		;
}

static void free_removed(struct gpuvm_sm *sm)
{
	struct gpuvm_va_removed *va;

	while ((va = gpuvm_va_removed_pop(&sm->removed)))
		gpuvm_va_removed_free(va);
}

/* One request; @map false: unmap. Its id is in the offset, above any address. */
static void request(struct worker *t, bool map)
{
	struct run *r = t->r;
	uint32_t id = atomic_fetch_add(&r->nr_ops, 1) + 1;
	struct op *op = &r->op[id];
	struct gpuvm_map_req req = { .addr = t->start * T_PAGE,
				     .range = (t->end - t->start) * T_PAGE,
				     .offset = (uint64_t)id << ID_SHIFT,
				     .bo = r->w.bo[t->me % T_GEMS] };
	int ret = gpuvm_sm_prepare(r->w.vm, &t->sm, GPUVM_SM_MAP_VAS);

	*op = (struct op){ .start = t->start, .end = t->end, .map = map };
	op->called = now(r);
	if (!ret)
		ret = map ? gpuvm_sm_map(r->w.vm, &req, &t->sm) : gpuvm_sm_unmap(r->w.vm, req.addr, req.range, &t->sm);
	op->returned = now(r);
	if (ret)
		violation(r, "a request failed");
	free_removed(&t->sm);
}

static void *writer(void *arg)
{
	struct worker *t = arg;
	struct t_rng rng = t_rng_make(t->r->seed + t->me);
	unsigned int i;

	gpuvm_thread_enter();
	t->sm.priv = t;
	for (i = 0; i < OPS; i++) {
		bool filling = i / PHASE % 2 == 0;

		draw(t, &rng, filling);
		request(t, filling ? t_below(&rng, 4) : !t_below(&rng, 6));
	}
	gpuvm_sm_release(&t->sm);
	gpuvm_thread_leave();
	return NULL;
}

/* ---- readers ---- */

static void look(struct run *r, unsigned int me, uint32_t page)
{
	struct look *l = &r->look[me][r->nr_looks[me]];
	struct gpuvm_mapping m;
	uint64_t shown;
	bool found;

	l->page = page;
	l->called = now(r);
	found = gpuvm_lookup(r->w.vm, page * T_PAGE, &m);
	l->returned = now(r);
	shown = found ? m.offset + (page * T_PAGE - m.addr) : 0;
	l->id = shown >> ID_SHIFT;
	if (found && (page * T_PAGE < m.addr || page * T_PAGE >= m.addr + m.range))
		violation(r, "S3: found a mapping that is somewhere else");
	if (l->id && (shown & 0xffffffff) != (page - r->op[l->id].start) * T_PAGE)
		violation(r, "S3: the page shows another byte of the object than it was mapped to");
	if (r->nr_looks[me] < READS - 1)
		r->nr_looks[me]++; /* else: looked at, but not kept */
}

/* S2: each page that stays, once and in order. */
static void walk(struct run *r)
{
	struct gpuvm_reader reader;
	struct gpuvm_va *va;
	uint32_t next = 0;

	gpuvm_read_begin(r->w.vm, &reader);
	for (va = gpuvm_va_first(&reader, 0, PAGES * T_PAGE); va; va = gpuvm_va_next(&reader, va)) {
		uint64_t page = gpuvm_va_addr(va) / T_PAGE;

		if (!stays(page))
			continue;
		if (page != next)
			violation(r, "S2: a walk missed a mapping that stays, or saw it twice");
		next = page + STAYS;
	}
	if (next != PAGES)
		violation(r, "S2: a walk ended early");
	gpuvm_read_end(&reader);
}

static void *reader(void *arg)
{
	struct worker *t = arg;
	struct t_rng rng = t_rng_make(t->r->seed + 100 + t->me);

	gpuvm_thread_enter();
	while (!atomic_load(&t->r->stop)) {
		if (t_below(&rng, 64) == 0)
			walk(t->r);
		look(t->r, t->me, t_below(&rng, PAGES));
	}
	gpuvm_thread_leave();
	return NULL;
}

/* ---- histories, page by page ---- */

static bool wrote(const struct op *op, uint32_t page)
{
	return op->called && op->start <= page && page < op->end;
}

/* Was there, after all of @from and before @when, another write to @page, from call to return? @from NULL: the beginning. */
static bool overwritten(struct run *r, uint32_t page, const struct op *from, uint64_t when)
{
	uint32_t id;

	for (id = 1; id <= r->nr_ops; id++)
		if (wrote(&r->op[id], page) && (!from || r->op[id].called > from->returned) && r->op[id].returned < when)
			return true;
	return false;
}

/* Nothing was there: some unmap, or the beginning, can have been the last write. */
static bool may_be_empty(struct run *r, const struct look *l)
{
	uint32_t id;

	if (!overwritten(r, l->page, NULL, l->called))
		return true;
	for (id = 1; id <= r->nr_ops; id++)
		if (wrote(&r->op[id], l->page) && !r->op[id].map && r->op[id].called < l->returned &&
		    !overwritten(r, l->page, &r->op[id], l->called))
			return true;
	return false;
}

static bool possible(struct run *r, const struct look *l)
{
	const struct op *op = &r->op[l->id];

	if (stays(l->page))
		return true;
	if (!l->id)
		return may_be_empty(r, l);
	return op->map && wrote(op, l->page) && op->called < l->returned && !overwritten(r, l->page, op, l->called);
}

/* Two looks of one reader at one page: the second must not find what was over before the first's answer began. */
static bool backwards(struct run *r, const struct look *first, const struct look *second)
{
	return first->id && second->id && first->id != second->id &&
	       r->op[second->id].returned < r->op[first->id].called;
}

static void check_histories(struct run *r)
{
	static const struct look *last[PAGES];
	unsigned int i, k;

	for (i = 0; i < READERS; i++) {
		memset(last, 0, sizeof(last));
		for (k = 0; k < r->nr_looks[i]; k++) {
			const struct look *l = &r->look[i][k];

			if (!possible(r, l))
				violation(r, "S3: a lookup found what cannot have been there");
			if (last[l->page] && backwards(r, last[l->page], l))
				violation(r, "S3: a lookup found an older state than the one before it");
			last[l->page] = l;
		}
	}
}

static unsigned int run_histories(struct run *r)
{
	struct worker t[WRITERS + READERS];
	unsigned int i;

	for (i = 0; i < PAGES; i += STAYS)
		t_insert(&r->w, 0, i, 1, 0);
	for (i = 0; i < WRITERS + READERS; i++) {
		t[i] = (struct worker){ .r = r, .me = i < WRITERS ? i : i - WRITERS };
		assert_int_equal(pthread_create(&t[i].thread, NULL, i < WRITERS ? writer : reader, &t[i]), 0);
	}
	for (i = 0; i < WRITERS; i++)
		pthread_join(t[i].thread, NULL);
	atomic_store(&r->stop, true);
	for (; i < WRITERS + READERS; i++)
		pthread_join(t[i].thread, NULL);
	check_histories(r);
	return r->violations;
}

static void histories(void **state)
{
	assert_int_equal(run_histories(*state), 0);
}

/* ---- something is always there ---- */

/* Of the pages @a and @b, with room for a fence between them, one is always mapped. */
static const uint32_t place[2] = { 100, 300 };

static void *mover(void *arg)
{
	struct worker *t = arg;
	unsigned int i, at;

	gpuvm_thread_enter();
	t->sm.priv = NULL;
	for (i = 0; i < OPS; i++) {
		for (at = 0; at < 2; at++) {
			t->start = place[(i + at + 1) % 2];
			t->end = t->start + 1;
			t->r->nr_ops = 0;
			request(t, at == 0);
		}
	}
	gpuvm_sm_release(&t->sm);
	atomic_store(&t->r->stop, true);
	gpuvm_thread_leave();
	return NULL;
}

static void insert_pages(struct run *r, uint32_t from, uint32_t to)
{
	for (; from < to; from++)
		t_insert(&r->w, 0, from, 1, 0);
}

/*
 * What was between the two places once has left them in different nodes; what stays outside keeps those from merging. Page
 * by page: emptied at one stroke, the nodes between would become one that has both places.
 */
static void never_empty(void **state)
{
	struct run *r = *state;
	struct worker t = { .r = r };

	insert_pages(r, 60, 80);
	insert_pages(r, 310, 330);
	insert_pages(r, 101, 299);
	for (t.start = 101; t.start < 299; t.start++) {
		t.end = t.start + 1;
		r->nr_ops = 0;
		request(&t, false);
	}
	t_insert(&r->w, 0, place[0], 1, 0);
	assert_int_equal(pthread_create(&t.thread, NULL, mover, &t), 0);
	while (!atomic_load(&r->stop))
		if (gpuvm_vm_interval_empty(r->w.vm, 80 * T_PAGE, 230 * T_PAGE))
			violation(r, "S2: a range that always has a mapping was empty");
	pthread_join(t.thread, NULL);
	assert_int_equal(r->violations, 0);
}

/* ---- churn ---- */

/* A window of mappings moves through the addresses: the index must not grow with the way it has gone. */
static void churn_leaves_nothing(void **state)
{
	struct run *r = *state;
	struct gpuvm_sm sm = { .priv = NULL };
	size_t most = 0, bytes;
	uint64_t i;

	for (i = 0; i < 4 * PAGES; i++) {
		struct gpuvm_map_req req = { .addr = i % PAGES * T_PAGE, .range = T_PAGE, .bo = r->w.bo[0] };

		t_ok(gpuvm_sm_prepare(r->w.vm, &sm, GPUVM_SM_MAP_VAS));
		t_ok(gpuvm_sm_map(r->w.vm, &req, &sm));
		if (i >= 64)
			t_ok(gpuvm_sm_unmap(r->w.vm, (i - 64) % PAGES * T_PAGE, T_PAGE, &sm));
		gpuvm_sm_release(&sm);
		bytes = gpuvm_vm_index_bytes(r->w.vm);
		most = bytes > most ? bytes : most;
	}
	assert_int_equal(gpuvm_vm_mappings(r->w.vm), 64);
	assert_true(most <= 64 * 128);
}

/* ---- who waits for a callback that sleeps: S8 ---- */

static sem_t asleep, wake;

static int sleeping_step(const struct gpuvm_op *op, void *priv)
{
	if (priv && op->type == GPUVM_OP_MAP) {
		sem_post(&asleep);
		sem_wait(&wake);
	}
	return 0;
}

static const struct gpuvm_driver sleeper = { .sm_step_map = sleeping_step,
					     .sm_step_remap = sleeping_step,
					     .sm_step_unmap = sleeping_step };

static void *map_one(void *arg)
{
	struct worker *t = arg;

	gpuvm_thread_enter();
	request(t, true);
	gpuvm_sm_release(&t->sm);
	gpuvm_thread_leave();
	return NULL;
}

/* If the one that waits were in a read section, gpuvm_quiesce() would not come back before the callback does. */
static void grace_periods_end(void **state)
{
	struct run *r = *state;
	struct worker first = { .r = r, .start = 20, .end = 21 }, second = { .r = r, .start = 20, .end = 21 };

	insert_pages(r, 10, 40); /* the index has more than its first node */
	insert_pages(r, 60, 100);
	sem_init(&asleep, 0, 0);
	sem_init(&wake, 0, 0);
	first.sm.priv = &first;
	assert_int_equal(pthread_create(&first.thread, NULL, map_one, &first), 0);
	sem_wait(&asleep);
	assert_int_equal(pthread_create(&second.thread, NULL, map_one, &second), 0);
	usleep(20000); /* it waits now; if it does not, it is too slow to find anything wrong */
	alarm(120);
	gpuvm_quiesce();
	alarm(0);
	sem_post(&wake);
	pthread_join(first.thread, NULL);
	pthread_join(second.thread, NULL);
	assert_int_equal(r->violations, 0);
}

/* ---- the program ---- */

static int setup(void **state)
{
	struct run *r = *state;

	r->seed = t_seed();
	r->violations = 0;
	r->clock = 1;
	r->nr_ops = 0;
	r->stop = false;
	memset(r->op, 0, sizeof(r->op));
	memset(r->nr_looks, 0, sizeof(r->nr_looks));
	t_world_make(&r->w, &r->config);
	t_world_obtain(&r->w);
	gpuvm_debug_jitter(JITTER);
	return 0;
}

static int teardown(void **state)
{
	struct run *r = *state;

	gpuvm_debug_jitter(0);
	t_clear(&r->w);
	t_world_end(&r->w);
	return 0;
}

#define CASE(fn)                                   \
	{                                          \
		#fn, fn, setup, teardown, &the_run \
	}

static int run_space(const char *space, const struct gpuvm_driver *d)
{
	const struct CMUnitTest tests[] = { CASE(histories), CASE(never_empty), CASE(churn_leaves_nothing) };
	char group[160];

	the_run.config = (struct t_config){ .space = space, .flags = GPUVM_VM_IMMEDIATE, .pages = PAGES, .driver = d };
	snprintf(group, sizeof(group), "space_threads/%s%s", space, d->remap_in_place ? "/in_place" : "");
	return t_run(group, tests, ARRAY_SIZE(tests));
}

static int run_sleeper(const char *space)
{
	const struct CMUnitTest tests[] = { CASE(grace_periods_end) };
	char group[160];

	the_run.config = (struct t_config){ .space = space, .flags = GPUVM_VM_IMMEDIATE, .pages = PAGES, .driver = &sleeper };
	snprintf(group, sizeof(group), "space_threads/%s/sleeper", space);
	return t_run(group, tests, ARRAY_SIZE(tests));
}

int main(void)
{
	const char *space;
	unsigned int i;
	int ret = 0;

	for (i = 0; (space = t_strategy(GPUVM_AXIS_SPACE, i)); i++) {
		ret |= run_space(space, &driver);
		ret |= run_space(space, &driver_in_place);
		ret |= run_sleeper(space);
	}
	return ret;
}
