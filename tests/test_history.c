/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * test_history.c - linearizability on real threads: obtain, find, get and put of one pair, on every list with every ref;
 * map, unmap and look up of a few pages, each page a register, on every space. Each thread notes when each call began and
 * returned; after a round the histories are checked against a sequential model.
 *
 * list:busted and space:busted must not get through, nor must histories that were made up to be wrong.
 *
 * Not for: all schedules of two threads (stress/explore), long runs (stress/).
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>

#include "linear.h"
#include "world.h"

#define THREADS 4
#define MAX_OPS (T_EVENTS / THREADS)

/* ---- models ---- */

/* A pair: its state is the id of the live bo, 0 for none, and its references. */
enum { OBTAIN, FIND, GET, PUT };

#define PAIR(id, refs) ((uint64_t)(id) << 16 | (refs))

/* @arg: the id a bo of its own would have had (OBTAIN), the bo's (GET, PUT). @result: the bo's id; PUT: was it the last? */
static bool pair_model(uint64_t *state, const struct t_event *e)
{
	uint64_t id = *state >> 16, refs = *state & 0xffff;

	switch (e->kind) {
	case OBTAIN:
		*state = id ? *state + 1 : PAIR(e->arg, 1);
		return e->result == (id ? id : e->arg);
	case FIND:
		*state += id ? 1 : 0;
		return e->result == id;
	case GET:
		*state += 1;
		return id == e->arg;
	default:
		*state = refs > 1 ? *state - 1 : 0;
		return id == e->arg && refs && e->result == (refs == 1);
	}
}

/* A page: its state is what it shows, 0 for nothing. */
enum { SHOW, LOOK };

static bool page_model(uint64_t *state, const struct t_event *e)
{
	if (e->kind == LOOK)
		return *state == e->result;
	*state = e->arg;
	return true;
}

/* ---- rounds: all threads work, one checks ---- */

/**
 * struct arena - what the threads share
 * @vm: one VM
 * @gem: one object
 * @bo: of the pages; the pair's comes and goes
 * @work: what each thread does in a round; fills events[me]
 * @check: on one thread, when all are done: was the round as it should be?
 * @start: the round begins
 * @done: it ends
 * @event: of each thread
 * @nr: how many
 * @first: page of each event, of @pages pages (the pages' rounds)
 * @stop: a round was not linearizable, or time is up
 * @bad: a round was not linearizable
 */
struct arena {
	struct gpuvm_vm *vm;
	struct gpuvm_gem *gem;
	struct gpuvm_bo *bo;
	void (*work)(struct arena *a, unsigned int me, struct t_rng *rng);
	bool (*check)(struct arena *a);
	pthread_barrier_t start, done;
	struct t_event event[THREADS][MAX_OPS];
	unsigned int nr[THREADS];
	struct {
		unsigned int first, pages;
	} range[THREADS][MAX_OPS];
	unsigned int rounds;
	time_t until; /* 0: for @rounds */
	uint64_t seed;
	atomic_bool stop, bad;
};

struct member {
	struct arena *a;
	unsigned int me;
	pthread_t thread;
};

static bool time_is_up(const struct arena *a, unsigned int round)
{
	return a->until ? time(NULL) >= a->until : round >= a->rounds;
}

static void *member(void *arg)
{
	struct member *m = arg;
	struct arena *a = m->a;
	struct t_rng rng = t_rng_make(a->seed + m->me);
	unsigned int round;

	gpuvm_thread_enter();
	for (round = 1;; round++) {
		pthread_barrier_wait(&a->start);
		if (atomic_load(&a->stop))
			break;
		a->nr[m->me] = 0;
		a->work(a, m->me, &rng);
		pthread_barrier_wait(&a->done);
		if (m->me)
			continue;
		if (!a->check(a))
			atomic_store(&a->bad, true);
		if (atomic_load(&a->bad) || time_is_up(a, round))
			atomic_store(&a->stop, true);
	}
	gpuvm_thread_leave();
	return NULL;
}

/* False: a round was not linearizable. */
static bool run_rounds(struct arena *a)
{
	struct member m[THREADS];
	unsigned int i;

	pthread_barrier_init(&a->start, NULL, THREADS);
	pthread_barrier_init(&a->done, NULL, THREADS);
	for (i = 0; i < THREADS; i++) {
		m[i].a = a;
		m[i].me = i;
		if (pthread_create(&m[i].thread, NULL, member, &m[i]))
			abort();
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(m[i].thread, NULL);
	pthread_barrier_destroy(&a->start);
	pthread_barrier_destroy(&a->done);
	return !atomic_load(&a->bad);
}

static struct t_event *note(struct arena *a, unsigned int me, unsigned int kind, uint64_t arg)
{
	struct t_event *e = &a->event[me][a->nr[me]++];

	*e = (struct t_event){ .kind = kind, .arg = arg, .begin = t_moment() };
	return e;
}

/* ---- the pair ---- */

#define PAIR_OPS (MAX_OPS / 2) /* each may take a reference, which is put in the end */

static atomic_uint last_id;

/* A bo's id is its driver data: an address may come back. */
static const struct gpuvm_driver pair_driver = { .bo_data = sizeof(uint64_t) };

static uint64_t id_of(struct gpuvm_bo *bo)
{
	return bo ? *(uint64_t *)gpuvm_bo_data(bo) : 0;
}

static struct gpuvm_bo *note_obtain(struct arena *a, unsigned int me)
{
	uint64_t id = atomic_fetch_add(&last_id, 1) + 1;
	struct gpuvm_bo_alloc *alloc;
	struct gpuvm_bo *bo;
	struct t_event *e;

	if (gpuvm_bo_alloc_create(a->vm, a->gem, &alloc))
		abort();
	*(uint64_t *)gpuvm_bo_alloc_data(alloc) = id;
	e = note(a, me, OBTAIN, id);
	bo = gpuvm_bo_obtain(alloc);
	e->end = t_moment();
	e->result = id_of(bo);
	return bo;
}

static struct gpuvm_bo *note_find(struct arena *a, unsigned int me)
{
	struct t_event *e = note(a, me, FIND, 0);
	struct gpuvm_bo *bo = gpuvm_bo_find(a->vm, a->gem);

	e->end = t_moment();
	e->result = id_of(bo);
	return bo;
}

static struct gpuvm_bo *note_get(struct arena *a, unsigned int me, struct gpuvm_bo *bo)
{
	struct t_event *e = note(a, me, GET, id_of(bo));

	gpuvm_bo_get(bo);
	e->end = t_moment();
	return bo;
}

static void note_put(struct arena *a, unsigned int me, struct gpuvm_bo *bo, bool deferred)
{
	struct t_event *e = note(a, me, PUT, id_of(bo));

	e->result = deferred ? gpuvm_bo_put_deferred(bo) : gpuvm_bo_put(bo);
	e->end = t_moment();
}

static void pair_work(struct arena *a, unsigned int me, struct t_rng *rng)
{
	struct gpuvm_bo *held[PAIR_OPS], *bo;
	unsigned int i, n = 0;

	for (i = 0; i < PAIR_OPS; i++) {
		switch (t_below(rng, 5)) {
		case 0:
		case 1:
			bo = note_obtain(a, me);
			break;
		case 2:
			bo = note_find(a, me);
			break;
		case 3:
			bo = n ? note_get(a, me, held[n - 1]) : NULL;
			break;
		default:
			bo = NULL;
			if (n)
				note_put(a, me, held[--n], t_below(rng, 2));
		}
		if (bo)
			held[n++] = bo;
	}
	while (n)
		note_put(a, me, held[--n], t_below(rng, 2));
}

static void print_history(const struct t_event *e, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		fprintf(stderr, "  [%" PRIu64 ", %" PRIu64 "] kind %u arg %" PRIu64 " result %" PRIu64 "\n", e[i].begin, e[i].end,
			e[i].kind, e[i].arg, e[i].result);
}

/* Everyone let go: there is no bo before a round and after it. */
static bool pair_check(struct arena *a)
{
	struct t_event all[T_EVENTS];
	unsigned int i, n = 0;

	for (i = 0; i < THREADS; n += a->nr[i++])
		memcpy(&all[n], a->event[i], a->nr[i] * sizeof(all[0]));
	gpuvm_bo_deferred_cleanup(a->vm, 0);
	if (t_linearizable(all, n, 0, pair_model))
		return true;
	fprintf(stderr, "not linearizable: 0 obtain, 1 find, 2 get, 3 put\n");
	print_history(all, n);
	return false;
}

/* ---- the pages ---- */

#define PAGES 6u
#define PAGE_OPS 10

static int agree(const struct gpuvm_op *op, void *priv)
{
	return 0;
}

static const struct gpuvm_driver page_driver = {
	.sm_step_map = agree, .sm_step_remap = agree, .sm_step_unmap = agree
};

/* What page @page shows once pages from @first on show what operation @id put there: 16 pages of the object for each. */
static uint64_t shown(uint64_t id, unsigned int first, unsigned int page)
{
	return id ? id * 16 + page - first : 0;
}

static void note_show(struct arena *a, unsigned int me, uint64_t id, unsigned int first, unsigned int pages)
{
	const struct gpuvm_map_req req = {
		.addr = first * T_PAGE, .range = pages * T_PAGE, .offset = id * 16 * T_PAGE, .bo = a->bo
	};
	struct gpuvm_sm sm = { .priv = NULL };
	struct t_event *e;
	int ret;

	if (gpuvm_sm_prepare(a->vm, &sm, id ? GPUVM_SM_MAP_VAS : GPUVM_SM_UNMAP_VAS))
		abort();
	a->range[me][a->nr[me]].first = first;
	a->range[me][a->nr[me]].pages = pages;
	e = note(a, me, SHOW, id);
	ret = id ? gpuvm_sm_map(a->vm, &req, &sm) : gpuvm_sm_unmap(a->vm, req.addr, req.range, &sm);
	e->end = t_moment();
	if (ret)
		abort();
	gpuvm_sm_release(&sm);
}

static void note_look(struct arena *a, unsigned int me, unsigned int page)
{
	struct gpuvm_mapping m;
	struct t_event *e;
	bool found;

	a->range[me][a->nr[me]].first = page;
	a->range[me][a->nr[me]].pages = 1;
	e = note(a, me, LOOK, 0);
	found = gpuvm_lookup(a->vm, page * T_PAGE + 1, &m);
	e->end = t_moment();
	if (found)
		e->result = (m.offset + page * T_PAGE - m.addr) / T_PAGE;
}

static void page_work(struct arena *a, unsigned int me, struct t_rng *rng)
{
	unsigned int i, first, what;

	for (i = 0; i < PAGE_OPS; i++) {
		first = t_below(rng, PAGES);
		what = t_below(rng, 8);
		if (what < 4)
			note_look(a, me, first);
		else
			note_show(a, me, what == 7 ? 0 : 1 + me * PAGE_OPS + i, first, 1 + t_below(rng, PAGES - first));
	}
}

/* Of each page on its own: S3 promises no more of several. */
static bool page_check_one(struct arena *a, unsigned int page)
{
	struct t_event all[T_EVENTS];
	unsigned int i, k, n = 0;

	for (i = 0; i < THREADS; i++) {
		for (k = 0; k < a->nr[i]; k++) {
			if (page - a->range[i][k].first >= a->range[i][k].pages)
				continue;
			all[n] = a->event[i][k];
			all[n].arg = shown(all[n].arg, a->range[i][k].first, page);
			n++;
		}
	}
	if (t_linearizable(all, n, 0, page_model))
		return true;
	fprintf(stderr, "not linearizable: page %u: 0 show, 1 look\n", page);
	print_history(all, n);
	return false;
}

static bool page_check(struct arena *a)
{
	unsigned int page;
	bool ok = true;

	for (page = 0; page < PAGES; page++)
		ok &= page_check_one(a, page);
	a->nr[0] = 0;
	note_show(a, 0, 0, 0, PAGES);
	return ok;
}

/* ---- tests ---- */

static struct t_config the_config;
static bool the_pages; /* pages, not the pair */

static unsigned int rounds(void)
{
	return (T_SANITIZED ? 40 : 150) * (getenv("GPUVM_TEST_LONG") ? 100 : 1);
}

/* @seconds: 0: so many rounds. False: not linearizable. */
static bool run_history(const struct t_config *config, bool pages, unsigned int seconds)
{
	static struct arena a;
	struct gpuvm_device *dev = t_device(config->list, config->space, config->ref, NULL);
	const struct gpuvm_vm_params vp = { .range = 1 << 20,
					    .flags = config->flags,
					    .page_size = T_PAGE,
					    .driver = pages ? &page_driver : &pair_driver };
	const struct gpuvm_gem_params gp = { .size = 1 << 20 };
	bool ok;

	a = (struct arena){ .work = pages ? page_work : pair_work, .check = pages ? page_check : pair_check };
	a.rounds = rounds();
	a.until = seconds ? time(NULL) + seconds : 0;
	a.seed = t_seed();
	t_ok(gpuvm_vm_create(dev, &vp, &a.vm));
	t_ok(gpuvm_gem_create(dev, &gp, &a.gem));
	if (pages)
		t_ok(gpuvm_obtain(a.vm, a.gem, &a.bo));
	gpuvm_debug_jitter(32);
	ok = run_rounds(&a);
	gpuvm_debug_jitter(0);
	gpuvm_bo_put(a.bo);
	gpuvm_vm_close(a.vm, NULL);
	gpuvm_gem_put(a.gem);
	gpuvm_vm_put(a.vm);
	gpuvm_device_put(dev);
	return ok;
}

static void is_linearizable(void **state)
{
	struct t_live before;

	t_live_read(&before);
	assert_true(run_history(&the_config, the_pages, 0));
	t_live_same(&before);
}

static int run_config(const struct t_config *config)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(is_linearizable) };
	char group[160];

	if (!(config->flags & GPUVM_VM_IMMEDIATE) || !config->external)
		return 0; /* staged mode: callers exclude each other by the reservation */
	the_config = *config;
	snprintf(group, sizeof(group), "history/%s/list:%s/ref:%s/%s", the_pages ? "pages" : "pair",
		 config->list ? config->list : "-", config->ref ? config->ref : "-", t_config_name(config));
	return t_run(group, tests, ARRAY_SIZE(tests));
}

/* ---- the proof that it can fail ---- */

#define BUSTED_SECONDS 60

static int busted_child(const char *what)
{
	const bool pages = !strcmp(what, "space");
	const struct t_config config = { .list = pages ? NULL : "busted",
					 .space = pages ? "busted" : NULL,
					 .flags = GPUVM_VM_IMMEDIATE };
	bool ok;

	gpuvm_thread_enter();
	ok = run_history(&config, pages, BUSTED_SECONDS / 2);
	_Exit(ok ? 0 : 1); /* what is left of it may be anything */
}

/* The pair's rounds may end in a failed check of the core or a sanitizer's report first: then once more. */
static void busted_is_not(void **state)
{
	unsigned int tries;
	int status;

	for (tries = 0; tries < 20; tries++) {
		status = t_child(*state, BUSTED_SECONDS);
		if (t_child_says(status, 1))
			return;
		assert_int_not_equal(status, -1); /* it did not end */
		assert_false(t_child_says(status, 0)); /* it found nothing */
		if (T_SANITIZED)
			return;
	}
	fail_msg("never by its history");
}

#define EVENT(k, from, to, a, r)                                          \
	{                                                                 \
		.kind = k, .begin = from, .end = to, .arg = a, .result = r \
	}

/* Two bos of one pair at once; right if the first one is put in between. */
static void two_bos_are_not(void **state)
{
	struct t_event e[] = { EVENT(OBTAIN, 0, 3, 1, 1), EVENT(OBTAIN, 1, 2, 2, 2), EVENT(PUT, 4, 5, 1, 1) };
	unsigned int i;

	for (i = 1; i <= 3; i++)
		assert_int_equal(t_linearizable(e, i, 0, pair_model), i == 1);
	e[2].begin = 1;
	assert_true(t_linearizable(e, 3, 0, pair_model));
}

static void a_hole_is_not(void **state)
{
	struct t_event e[] = { EVENT(SHOW, 0, 1, 16, 0), EVENT(SHOW, 2, 9, 32, 0), EVENT(LOOK, 3, 4, 0, 0),
			       EVENT(LOOK, 5, 6, 0, 32), EVENT(LOOK, 7, 8, 0, 16) };

	assert_false(t_linearizable(e, 3, 0, page_model)); /* nothing, between two somethings */
	e[2].result = 16;
	assert_true(t_linearizable(e, 4, 0, page_model));
	assert_false(t_linearizable(e, 5, 0, page_model)); /* new, then old again */
	e[4].begin = 3;
	assert_true(t_linearizable(e, 5, 0, page_model)); /* unless it began before */
}

int main(int argc, char **argv)
{
	const struct CMUnitTest wrong[] = {
		cmocka_unit_test(two_bos_are_not),
		cmocka_unit_test(a_hole_is_not),
		{ "list:busted is not", busted_is_not, NULL, NULL, "list" },
		{ "space:busted is not", busted_is_not, NULL, NULL, "space" },
	};
	const struct t_config base = { .driver = &page_driver };
	int failed;

	if (argc > 1)
		return busted_child(argv[1]);
	failed = t_run("history/wrong", wrong, ARRAY_SIZE(wrong));
	failed |= t_each_list(&base, run_config);
	the_pages = true;
	return t_each_config(&base, run_config) || failed;
}
