/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * leaf_index.c - the tree above the leaves: a B+tree over their lo, whose nodes never change once published.
 *
 * To change a node its copy is made, and the change goes up until one store of a child pointer publishes all of it; the
 * nodes it replaces are retired. Only the keeper does that, so there is nothing to lock against but readers.
 *
 * The tree is a hint (F6): writers who split or empty a leaf only leave word (born, died). The next writer to open a section
 * becomes the keeper, before it has locked anything, when it may still allocate (S4). Without memory the word is kept and
 * readers take a few more right links.
 *
 *   X1  The key of a child is the first key of that child, so a search never falls off the left end of a node.
 *   X2  A leaf's birth is dealt with before its death: born is emptied after died, and deaths wait while a birth does.
 *   X3  Two leaves of one lo: the older is dead. The younger takes its entry over.
 */
#include "leaf.h"

struct entry {
	uint64_t key;
	void *child;
};

/* From the root (the highest level) down to a leaf, with the position in each node. */
struct path {
	struct inode *node[INODE_LEVELS];
	unsigned int at[INODE_LEVELS];
	unsigned int top; /* level of the root */
};

/* What one change makes and replaces. */
struct change {
	struct gpuvm_vm *vm;
	struct inode *made[2 * INODE_LEVELS + 1];
	unsigned int nr_made;
	bool failed;
};

/* ---- nodes ---- */

static void *node_alloc(struct gpuvm_vm *vm, size_t size)
{
	void *node = gpuvm__obj_alloc_raw(vm->dev->alloc, GPUVM_TYPE_INDEX, size, GPUVM__LINE);

	if (likely(node))
		gpuvm__count(SPACE_ALLOC);
	return node;
}

struct leaf *gpuvm__leaf_alloc(struct gpuvm_vm *vm)
{
	return node_alloc(vm, sizeof(struct leaf));
}

void gpuvm__leaf_init(struct leaf *l)
{
	unsigned int i;

	memset((char *)l + sizeof(l->obj), 0, sizeof(*l) - sizeof(l->obj));
	for (i = 0; i < ARRAY_SIZE(l->pivot); i++)
		atomic_init(&l->pivot[i], UINT64_MAX);
	for (i = 0; i < LEAF_CAP; i++)
		atomic_init(&l->key[i], UINT64_MAX);
	atomic_init(&l->hi, UINT64_MAX);
	gpuvm__spin_init(&l->lock);
}

/* NULL once something failed, so that callers look only at the end. */
static struct inode *make(struct change *c, unsigned int level, const struct entry *e, unsigned int n)
{
	struct inode *node;
	unsigned int i;

	node = c->failed ? NULL : node_alloc(c->vm, sizeof(*node));
	if (!node) {
		c->failed = true;
		return NULL;
	}
	node->level = level;
	node->n = n;
	for (i = 0; i < INODE_CAP; i++) {
		node->key[i] = i < n ? e[i].key : UINT64_MAX;
		atomic_init(&node->child[i], i < n ? e[i].child : NULL);
	}
	for (i = 0; i < ARRAY_SIZE(node->pivot); i++)
		node->pivot[i] = node->key[(i + 1) * LEAF_GROUP];
	c->made[c->nr_made++] = node;
	return node;
}

static void unmake(struct change *c)
{
	while (c->nr_made)
		gpuvm__obj_free(c->made[--c->nr_made]);
}

/* ---- a change: from its level 0 entries up to where one store publishes it ---- */

static void descend(struct leaf_state *s, uint64_t addr, struct path *p)
{
	struct inode *n = gpuvm__load(&s->root, relaxed);

	for (p->top = n->level;; n = gpuvm__load(&n->child[p->at[n->level]], relaxed)) {
		p->node[n->level] = n;
		p->at[n->level] = inode_find(n, addr);
		if (!n->level)
			return;
	}
}

/* One or two nodes of @e[0..n), described in @out. Sequential growth leaves full nodes behind. */
static unsigned int make_level(struct change *c, unsigned int level, const struct entry *e, unsigned int n, bool at_end,
			       struct entry out[2])
{
	unsigned int first = n <= INODE_CAP ? n : at_end ? n - LEAF_GROUP : n / 2;

	if (!n)
		return 0;
	out[0] = (struct entry){ e[0].key, make(c, level, e, first) };
	if (first == n)
		return 1;
	out[1] = (struct entry){ e[first].key, make(c, level, e + first, n - first) };
	return 2;
}

/* The entries of @n with the one at @at replaced by @in[0..k). */
static unsigned int copy_entries(const struct inode *n, unsigned int at, const struct entry *in, unsigned int k,
				 struct entry *out)
{
	unsigned int i, j, to = 0;

	for (i = 0; i < n->n; i++) {
		if (i != at) {
			out[to++] = (struct entry){ n->key[i], gpuvm__load(&((struct inode *)n)->child[i], relaxed) };
			continue;
		}
		for (j = 0; j < k; j++)
			out[to++] = in[j];
	}
	return to;
}

static void set_root(struct leaf_state *s, struct inode *root)
{
	gpuvm__store(&s->root, root, release);
	gpuvm__store(&s->alone, !root->level && root->n == 1, relaxed);
}

static void publish_root(struct change *c, unsigned int level, const struct entry *up, unsigned int k)
{
	struct inode *root = k == 1 ? up[0].child : make(c, level + 1, up, k);

	if (!c->failed)
		set_root(leaf_state(c->vm), root);
}

/* Level 0 of @p is to have @e[0..n) instead. False: no memory, nothing changed. */
static bool publish(struct gpuvm_vm *vm, struct path *p, struct entry *e, unsigned int n)
{
	struct change c = { .vm = vm };
	struct entry up[2];
	unsigned int level, k;

	for (level = 0;; level++) {
		if (level && level == p->top && n == 1) { /* a root of one child is that child */
			publish_root(&c, level, e, 1);
			break;
		}
		k = make_level(&c, level, e, n, p->at[level] + 1 >= p->node[level]->n, up);
		if (level == p->top) {
			publish_root(&c, level, up, k);
			break;
		}
		if (k == 1 && up[0].key == p->node[level]->key[0]) { /* X1 holds without touching the parent's keys */
			if (!c.failed)
				gpuvm__store(&p->node[level + 1]->child[p->at[level + 1]], up[0].child, release);
			break;
		}
		n = copy_entries(p->node[level + 1], p->at[level + 1], up, k, e);
	}
	if (c.failed) {
		unmake(&c);
		return false;
	}
	for (; level + 1 > 0; level--)
		gpuvm__obj_retire(p->node[level]);
	return true;
}

/* ---- leaves come and go ---- */

static bool insert(struct gpuvm_vm *vm, struct leaf *l)
{
	struct entry e[INODE_CAP + 1], in[2];
	struct path p;
	unsigned int at;

	if (leaf_dead(l))
		return true; /* already: its death is on the list */
	descend(leaf_state(vm), l->lo, &p);
	at = p.at[0];
	if (p.node[0]->key[at] == l->lo) { /* X3 */
		struct leaf *old = gpuvm__load(&p.node[0]->child[at], relaxed);

		old->indexed = false;
		gpuvm__store(&p.node[0]->child[at], l, release);
	} else {
		in[0] = (struct entry){ p.node[0]->key[at], gpuvm__load(&p.node[0]->child[at], relaxed) };
		in[1] = (struct entry){ l->lo, l };
		if (!publish(vm, &p, e, copy_entries(p.node[0], at, in, 2, e)))
			return false;
	}
	l->indexed = true;
	return true;
}

/*
 * Of the dead from @l on, those that are children of @n, one bit each. A range that is emptied dies leaf by leaf, so the next
 * of the dead are likely to be neighbours. The living are not looked at: their lines are their writers'.
 */
static uint32_t dead_children(struct inode *n, struct leaf *l)
{
	unsigned int at, looked;
	uint32_t dead = 0;

	for (looked = 0; l && looked < INODE_CAP; l = l->next_dead, looked++) {
		if (l->lo < n->key[0])
			continue;
		at = inode_find(n, l->lo);
		if (gpuvm__load(&n->child[at], relaxed) == l)
			dead |= 1u << at;
	}
	return dead;
}

static_assert(INODE_CAP <= 32, "one bit per child");

/* Take @l, the oldest of the undead, out of the tree, and others of them that are in the same node. */
static bool purge(struct gpuvm_vm *vm, struct leaf *l)
{
	struct leaf *gone[INODE_CAP];
	struct entry e[INODE_CAP + 1];
	unsigned int i, n = 0, nr_gone = 0;
	struct path p;
	uint32_t dead;

	if (!l->indexed)
		return true;
	descend(leaf_state(vm), l->lo, &p);
	dead = dead_children(p.node[0], l);
	for (i = 0; i < p.node[0]->n; i++) {
		struct leaf *child = gpuvm__load(&p.node[0]->child[i], relaxed);

		if (dead & 1u << i)
			gone[nr_gone++] = child;
		else
			e[n++] = (struct entry){ p.node[0]->key[i], child };
	}
	if (!publish(vm, &p, e, n))
		return false;
	while (nr_gone)
		gone[--nr_gone]->indexed = false;
	return true;
}

/* ---- news ---- */

void gpuvm__leaf_born(struct leaf_state *s, struct leaf *l)
{
	struct leaf *head = gpuvm__load(&s->born, relaxed);

	do
		l->next_new = head;
	while (!gpuvm__cas(&s->born, &head, l, release));
}

/* Release: whoever takes @l off the list also sees its birth on the other one (X2). */
void gpuvm__leaf_died(struct leaf_state *s, struct leaf *l)
{
	struct leaf *head = gpuvm__load(&s->died, relaxed);

	do
		l->next_dead = head;
	while (!gpuvm__cas(&s->died, &head, l, release));
}

static struct leaf *take(_Atomic(struct leaf *) *stack)
{
	return gpuvm__load(stack, relaxed) ? gpuvm__xchg(stack, NULL, acquire) : NULL;
}

/* Behind what is waiting, oldest first. The two lists differ in their link only. */
static void queue_born(struct leaf_state *s, struct leaf *stack)
{
	struct leaf *l, **tail, *queue = NULL;

	while ((l = stack)) {
		stack = l->next_new;
		l->next_new = queue;
		queue = l;
	}
	for (tail = &s->unborn; *tail; tail = &(*tail)->next_new)
		;
	*tail = queue;
}

static void queue_died(struct leaf_state *s, struct leaf *stack)
{
	struct leaf *l, **tail, *queue = NULL;

	while ((l = stack)) {
		stack = l->next_dead;
		l->next_dead = queue;
		queue = l;
	}
	for (tail = &s->undead; *tail; tail = &(*tail)->next_dead)
		;
	*tail = queue;
}

static void work(struct gpuvm_vm *vm)
{
	struct leaf_state *s = leaf_state(vm);
	struct leaf *l, *died = take(&s->died); /* first: X2 */

	queue_born(s, take(&s->born));
	queue_died(s, died);
	while ((l = s->unborn)) {
		if (!insert(vm, l))
			return;
		s->unborn = l->next_new;
	}
	while ((l = s->undead)) { /* in the order of dying: F8 */
		if (!purge(vm, l))
			return;
		s->undead = l->next_dead;
		gpuvm__obj_retire(l);
	}
}

void gpuvm__leaf_index_sync(struct gpuvm_vm *vm)
{
	struct leaf_state *s = leaf_state(vm);

	if (!gpuvm__spin_trylock_raw(&s->keeper))
		return;
	work(vm);
	gpuvm__spin_unlock_raw(&s->keeper);
}

/* ---- life ---- */

int gpuvm__leaf_index_init(struct gpuvm_vm *vm)
{
	struct leaf_state *s = leaf_state(vm);
	struct change c = { .vm = vm };
	struct entry first = { 0, gpuvm__leaf_alloc(vm) };
	struct inode *root;

	if (!first.child)
		return -ENOMEM;
	gpuvm__leaf_init(first.child);
	root = make(&c, 0, &first, 1);
	if (!root) {
		gpuvm__obj_free(first.child);
		return -ENOMEM;
	}
	s->first = first.child;
	s->first->indexed = true;
	gpuvm__spin_init(&s->keeper);
	set_root(s, root);
	return 0;
}

static size_t free_tree(struct inode *n, bool really)
{
	size_t bytes = sizeof(*n);
	unsigned int i;

	for (i = 0; n->level && i < n->n; i++)
		bytes += free_tree(gpuvm__load(&n->child[i], relaxed), really);
	if (really)
		gpuvm__obj_free(n);
	return bytes;
}

/* The last user of the VM is gone: nobody reads, nothing needs a grace period. */
void gpuvm__leaf_index_fini(struct gpuvm_vm *vm)
{
	struct leaf_state *s = leaf_state(vm);
	struct leaf *l;

	free_tree(gpuvm__load(&s->root, relaxed), true);
	queue_died(s, take(&s->died));
	while ((l = s->undead)) {
		s->undead = l->next_dead;
		gpuvm__obj_free(l);
	}
	while ((l = s->first)) {
		s->first = leaf_right(l);
		gpuvm__obj_free(l);
	}
}

size_t gpuvm__leaf_index_bytes(struct gpuvm_vm *vm)
{
	struct leaf_state *s = leaf_state(vm);
	size_t bytes = free_tree(gpuvm__load(&s->root, relaxed), false);
	struct leaf *l;

	for (l = s->first; l; l = leaf_right(l))
		bytes += sizeof(*l);
	return bytes;
}
