/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * skiplist.c - space:skiplist, a concurrent interval skip list: the list of mappings is the map and the lock in one
 * (skip.h, N1-N13). Binds of disjoint ranges run in parallel; lookups take no lock and need no second look.
 *
 * Source: the idea of "Scalable Address Spaces using Concurrent Interval Skiplist" (SOSP '25): the lock is in the links of the
 * lowest level, whoever edits a range locks the links that lead through it, one store publishes. Teaches: what it saves to
 * have nothing beside the mappings, no node that splits or merges; and what a lookup pays for a list of mappings, each of
 * them a cache line, instead of an array of keys.
 */
#include "skip.h"

/* ---- readers ---- */

/* The mapping at @from or the first one behind it, exactly (N7); NULL: there is none. Read section. */
static struct skip_node *first_from(struct skip_state *s, uint64_t from)
{
	uintptr_t link;
	struct skip_node *n = gpuvm__skip_seek(s, from, &link);

	if (n != &s->head && skip_end(n) > from)
		return n;
	while ((n = skip_to(link)) && skip_end(n) <= from)
		link = gpuvm__load(&n->link, acquire);
	return n;
}

static bool lookup(struct gpuvm_vm *vm, uint64_t addr, struct gpuvm_mapping *out)
{
	struct skip_node *n;
	bool found;

	gpuvm__read_lock();
	n = first_from(skip_state(vm), addr);
	found = n && skip_start(n) <= addr;
	if (found)
		gpuvm__mapping_copy(skip_va(n), out);
	gpuvm__read_unlock();
	gpuvm__count(SPACE_FAST);
	return found;
}

/* From the mapping found last, if that ends at @from and is still there: the two are neighbours when its link is loaded. */
static struct skip_node *next_read(struct gpuvm__cursor *c, uint64_t from)
{
	struct skip_node *at = skip_cursor(c)->at;
	uintptr_t link;

	if (at && skip_end(at) == from) {
		link = gpuvm__load(&at->link, acquire);
		if (likely(!(link & SKIP_DEAD)))
			return skip_to(link);
	}
	return first_from(skip_state(c->vm), from);
}

/* ---- locking ---- */

/* 0; -ENOENT: its mapping has gone. Acquire: pairs with the release of who had it before; what that one edited is seen. */
static int trylock(struct skip_node *n)
{
	uintptr_t link = gpuvm__load(&n->link, relaxed);

	if (unlikely(link & SKIP_DEAD))
		return -ENOENT;
	if (unlikely(link & SKIP_LOCKED) || !gpuvm__cas(&n->link, &link, link | SKIP_LOCKED, acquire))
		return -EAGAIN;
	return 0;
}

/* The same; -EAGAIN: it takes long. */
static int lock_soon(struct skip_node *n)
{
	unsigned int turns = 0;
	int ret;

	while (unlikely((ret = trylock(n)) == -EAGAIN) && turns + 1 < GPUVM__SPIN_TURNS)
		gpuvm__spin_wait(&turns);
	return ret;
}

/* One that is alive, and stays (N2). */
static void lock(struct skip_node *n)
{
	unsigned int turns = 0;
	int ret;

	while (unlikely(ret = trylock(n))) {
		GPUVM__BUG_ON(ret == -ENOENT);
		gpuvm__spin_wait(&turns);
	}
}

static void unlock(struct skip_node *n)
{
	gpuvm__store(&n->link, gpuvm__load(&n->link, relaxed) & ~(uintptr_t)SKIP_LOCKED, release);
}

/* What a link leads to that is locked, by us. */
static struct skip_node *next_held(struct skip_node *n)
{
	return skip_to(gpuvm__load(&n->link, relaxed));
}

/* The head has no end. */
static bool ends_by(struct skip_state *s, struct skip_node *n, uint64_t addr)
{
	return n == &s->head || skip_end(n) <= addr;
}

/* A mapping, or the head, that ends at or before @addr and was in the list at a moment of the call; not far from there. */
static struct skip_node *seek_before(struct skip_state *s, uint64_t addr)
{
	struct skip_node *n;
	uintptr_t link;

	while (addr) {
		n = gpuvm__skip_seek(s, addr - 1, &link);
		if (ends_by(s, n, addr))
			return n;
		addr = skip_start(n);
	}
	return &s->head;
}

/* The last mapping that ends at or before @addr, or the head: its link locked (N3). */
static struct skip_node *lock_before(struct skip_state *s, uint64_t addr)
{
	struct skip_node *n, *next;
	unsigned int turns = 0;

	gpuvm__read_lock();
	n = seek_before(s, addr);
	for (;;) {
		while ((next = skip_next(n)) && skip_end(next) <= addr)
			n = next;
		if (unlikely(!GPUVM_PLANT(skiplist_no_pred) && lock_soon(n))) {
			/* Marked, but perhaps not out of the list yet; or it takes long: outside the read section (S8). */
			gpuvm__count(SPACE_RETRY);
			gpuvm__read_pause(&turns);
			n = seek_before(s, addr);
			continue;
		}
		/* Only to hold no more than is needed: what came between meanwhile would be locked as well. */
		next = next_held(n);
		if (likely(!next || skip_end(next) > addr))
			break;
		unlock(n);
		gpuvm__count(SPACE_RETRY);
	}
	gpuvm__read_unlock();
	return n;
}

/* From what is held on to the right, all that start before c->hi. They are alive: N2. */
static void lock_rest(struct gpuvm__cursor *c)
{
	struct skip_cursor *sc = skip_cursor(c);
	struct skip_node *n;

	while ((n = next_held(sc->last)) && skip_start(n) < c->hi) {
		lock(n);
		sc->last = n;
	}
}

static void lock_section(struct gpuvm__cursor *c)
{
	struct skip_cursor *sc = skip_cursor(c);

	sc->first = sc->last = lock_before(skip_state(c->vm), c->lo);
	lock_rest(c);
	gpuvm__count(SPACE_LOCK);
}

static void unlock_section(struct skip_cursor *sc)
{
	struct skip_node *n, *next = sc->first;

	do {
		n = next;
		next = next_held(n);
		unlock(n);
	} while (n != sc->last);
}

/* ---- a writer's section ---- */

static int begin(struct gpuvm__cursor *c)
{
	*skip_cursor(c) = (struct skip_cursor){ 0 };
	if (!c->write) {
		gpuvm__read_lock();
		return 0;
	}
	if (gpuvm__skip_equip(c))
		return -ENOMEM;
	lock_section(c);
	/* One for the section, whatever it locks. */
	gpuvm__lock_enter(GPUVM__LOCK_SPACE, c, __FILE__, __LINE__);
	return 0;
}

/*
 * Is the link across c->lo one of those that @left holds? Else what stands between the two is there as long as @left holds the
 * link that leads to it (N2), and the search ends at it or right of it.
 */
static bool meets(struct gpuvm__cursor *c, struct skip_cursor *left)
{
	struct skip_node *next = next_held(left->last);

	return !ends_by(skip_state(c->vm), left->last, c->lo) || !next || skip_end(next) > c->lo;
}

/* From left to right: N4. Towers are in the stock, for all edits. */
static bool begin_right(struct gpuvm__cursor *c, struct gpuvm__cursor *left)
{
	*skip_cursor(c) = (struct skip_cursor){ 0 };
	if (!meets(c, skip_cursor(left)) || GPUVM_PLANT(skiplist_array_locks_twice)) {
		lock_section(c);
		return true;
	}
	left->hi = c->hi;
	left->edits += c->edits;
	left->grow = c->grow > left->grow ? c->grow : left->grow;
	lock_rest(left);
	gpuvm__count(SPACE_WIDEN);
	return false;
}

static void end(struct gpuvm__cursor *c)
{
	if (!c->write) {
		gpuvm__read_unlock();
		return;
	}
	unlock_section(skip_cursor(c));
	if (likely(!c->right))
		gpuvm__lock_leave(c, __FILE__, __LINE__);
	gpuvm__skip_strip(c);
}

/* Does @n, which is held, end at or before @addr, and what follows it does not? */
static bool is_before(struct skip_state *s, struct skip_node *n, uint64_t addr)
{
	struct skip_node *next = next_held(n);

	return ends_by(s, n, addr) && (!next || skip_end(next) > addr);
}

/* Of those held the last one that ends at or before @addr, in [c->lo, c->hi]: mostly one of two, else the towers know. */
static struct skip_node *held_before(struct gpuvm__cursor *c, uint64_t addr)
{
	struct skip_state *s = skip_state(c->vm);
	struct skip_cursor *sc = skip_cursor(c);
	struct skip_node *n, *next;

	if (likely(is_before(s, sc->first, addr)))
		return sc->first;
	if (sc->at && is_before(s, sc->at, addr))
		return sc->at;
	gpuvm__read_lock();
	n = seek_before(s, addr);
	if (GPUVM_PLANT(skiplist_reads_late))
		gpuvm__read_unlock();
	/* Right of the first it is one of ours, so it stays; left of it only the read section keeps it. */
	if (n == &s->head || (sc->first != &s->head && skip_start(n) < skip_start(sc->first)))
		n = sc->first;
	if (!GPUVM_PLANT(skiplist_reads_late))
		gpuvm__read_unlock();
	while ((next = next_held(n)) && skip_end(next) <= addr)
		n = next;
	return n;
}

static struct gpuvm_va *next(struct gpuvm__cursor *c, uint64_t from)
{
	struct skip_cursor *sc = skip_cursor(c);
	struct skip_node *n;

	if (from >= c->hi)
		return NULL;
	if (!c->write)
		n = next_read(c, from);
	else if (sc->at && skip_end(sc->at) == from)
		n = next_held(sc->at);
	else
		n = next_held(held_before(c, from));
	if (!n || skip_start(n) >= c->hi)
		return NULL;
	sc->at = n;
	return skip_va(n);
}

static struct gpuvm_va *prev(struct gpuvm__cursor *c, uint64_t below)
{
	struct skip_node *n = held_before(c, below), *next = next_held(n);

	if (next && skip_start(next) < below)
		return skip_va(next);
	return n != skip_cursor(c)->first ? skip_va(n) : NULL; /* right of the first all of them overlap */
}

/* ---- splice ---- */

/* What is in the way up to @hi; *@towers: theirs, linked by obj.stock, in order. Returns what comes after it. */
static struct skip_node *take_out(struct skip_node *before, uint64_t hi, struct gpuvm_va **removed,
				  struct gpuvm__obj **towers)
{
	struct gpuvm_va **tail = removed, *rest = *removed;
	struct skip_node *n;

	for (n = next_held(before); n && skip_start(n) < hi; n = next_held(n)) {
		*tail = skip_va(n);
		tail = &skip_va(n)->obj.chain;
		if (GPUVM_PLANT(skiplist_not_dead))
			unlock(n);
		else if (GPUVM_PLANT(skiplist_mark_relaxed))
			gpuvm__store(&n->link, gpuvm__load(&n->link, relaxed) | SKIP_DEAD, relaxed);
		else /* Release: what it leads to another writer may have published; who loads the mark goes on there. */
			gpuvm__store(&n->link, gpuvm__load(&n->link, relaxed) | SKIP_DEAD, release);
		if (n->tower && !GPUVM_PLANT(skiplist_tower_stays)) {
			*towers = &n->tower->obj;
			towers = &n->tower->obj.stock;
		}
	}
	*tail = rest;
	*towers = NULL;
	return n;
}

/* A chain of @in, in front of @behind; locked: they are part of the section. */
static struct skip_node *chain(struct gpuvm_va *const *in, unsigned int n, struct skip_node *behind)
{
	struct skip_node *node, *to = behind;

	for (; n; to = node) {
		node = skip_node(in[--n]);
		atomic_init(&node->link, (uintptr_t)to | SKIP_LOCKED);
		node->tower = NULL;
	}
	return to;
}

/* Release: whoever finds what is new finds what it was filled with, and the marks on those that went (N5, N6). */
static void publish(struct skip_node *before, struct skip_node *to)
{
	gpuvm__store(&before->link, (uintptr_t)to | SKIP_LOCKED, release);
}

/* The one of @in that starts where @t says, or NULL. */
static struct skip_node *heir_of(struct skip_tower *t, struct gpuvm_va *const *in, unsigned int n)
{
	while (n)
		if (in[--n]->start == t->start)
			return skip_node(in[n]);
	return NULL;
}

/* N8, N12; from left to right: N13. @old are the towers of those that went. */
static void move_towers(struct gpuvm__cursor *c, struct gpuvm__obj *old, struct gpuvm_va *const *in, unsigned int n)
{
	struct skip_state *s = skip_state(c->vm);
	struct skip_path path;
	struct skip_tower *t;
	struct skip_node *heir;
	unsigned int i;

	path.from = UINT64_MAX;
	gpuvm__read_lock();
	while (old) {
		t = container_of(old, struct skip_tower, obj);
		old = old->stock;
		heir = heir_of(t, in, n);
		if (!heir) {
			gpuvm__skip_raze(s, &path, t);
			continue;
		}
		heir->tower = t;
		/* Release: as that of the link, for who gets there this way. */
		gpuvm__store(&t->node, heir, release);
	}
	for (i = 0; i < n; i++)
		if (!skip_node(in[i])->tower && gpuvm__skip_height(in[i]->start))
			gpuvm__skip_raise(s, &path, gpuvm__skip_take(c), skip_node(in[i]));
	gpuvm__read_unlock();
}

static void splice(struct gpuvm__cursor *c, uint64_t lo, uint64_t hi, struct gpuvm_va *const *in, unsigned int n,
		   struct gpuvm_va **removed)
{
	struct skip_cursor *sc = skip_cursor(c);
	struct skip_node *before = held_before(c, lo), *new, *behind;
	struct gpuvm__obj *towers;
	bool at_end = sc->last == before || skip_start(sc->last) < hi;

	behind = take_out(before, hi, removed, &towers);
	new = chain(in, n, behind);
	if (GPUVM_PLANT(skiplist_two_stores))
		publish(before, behind);
	publish(before, new);
	if (at_end)
		sc->last = n ? skip_node(in[n - 1]) : before;
	sc->at = before != &skip_state(c->vm)->head ? before : NULL;
	move_towers(c, towers, in, n);
}

/* ---- life ---- */

static int init(struct gpuvm_vm *vm)
{
	struct skip_state *s = skip_state(vm);
	unsigned int i;

	atomic_init(&s->head.link, 0);
	s->head.tower = NULL;
	atomic_init(&s->levels, 0);
	for (i = 0; i < SKIP_LEVELS; i++)
		atomic_init(&s->tower.next[i], 0);
	return 0;
}

static void fini(struct gpuvm_vm *vm)
{
	struct skip_state *s = skip_state(vm);

	GPUVM__BUG_ON(gpuvm__load(&s->head.link, relaxed) || gpuvm__load(skip_level(&s->tower, 0), relaxed));
}

/* Towers as they should be (N8): those of others are not looked into. */
static size_t index_bytes(struct gpuvm_vm *vm)
{
	struct skip_node *n;
	size_t bytes = 0;

	gpuvm__read_lock();
	for (n = skip_next(&skip_state(vm)->head); n; n = skip_next(n))
		bytes += sizeof(*n) + (gpuvm__skip_height(skip_start(n)) ? sizeof(struct skip_tower) : 0);
	gpuvm__read_unlock();
	return bytes;
}

const struct gpuvm__space_ops gpuvm__space_skiplist = {
	.name = "skiplist",
	.vm_bytes = sizeof(struct skip_state),
	.va_bytes = sizeof(struct skip_node),
	.rcu = true,
	.init = init,
	.fini = fini,
	.lookup = lookup,
	.stock = gpuvm__skip_stock,
	.begin = begin,
	.begin_right = begin_right,
	.next = next,
	.prev = prev,
	.splice = splice,
	.end = end,
	.index_bytes = index_bytes,
};
