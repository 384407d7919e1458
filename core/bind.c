/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * bind.c - bind arrays: many operations, all or nothing (docs/bind-array.md).
 *
 *   A1  memory    gpuvm_bind_prepare() has allocated everything: mappings, nodes of what is pending, index nodes, sections.
 *   A2  sections  Before the first callback other writers are excluded from all that any operation may touch, until the
 *                 end. Operations that overlap or touch are in one section; sections are opened in address order (S6).
 *   A3  ask       Callbacks run before anything is edited, so undoing is a matter of callbacks only. Each operation walks
 *                 what those before it will have made of the space (pending.h); undoing goes back through the same states.
 *   A4  edit      Once all have agreed each operation's edit is made, in order: the states that readers see are those
 *                 between operations, and none that is taken back.
 *   A5  last puts Mappings' references to their bos are dropped after the last section is closed (gpuvm__put_bos()).
 */
#include "sm.h"

struct op {
	struct gpuvm_bind_op op;
	struct gpuvm_va_alloc *va[GPUVM_SM_MAP_VAS]; /* by slot */
	struct gpuvm__pending_edit edit; /* once asked */
	uint32_t part;
	uint8_t n, piece[GPUVM__SPLICE_MAX]; /* once asked: the slots it uses, in address order */
};

/* The sections to be: operations that overlap or touch. Once open, some are part of another one. */
struct part {
	struct gpuvm__cursor cursor;
	struct gpuvm__cursor *section;
};

/* Behind it stand the arrays, each with room for @room operations. */
struct gpuvm_bind_work {
	struct gpuvm__obj obj;
	struct gpuvm_vm *vm;
	struct gpuvm__obj *index; /* stock of the index */
	unsigned int room, nr, nr_parts;
	bool ready;
	struct gpuvm__pending pending;
	struct op *op;
	struct part *part;
	struct gpuvm__pnode *node;
	uint32_t *order, *scratch; /* operations by address */
};

static const struct kind {
	enum gpuvm__sm_kind sm;
	unsigned int first; /* it may need the slots from here on; GPUVM_SM_MAP_VAS: none */
} kinds[] = {
	[GPUVM_BIND_MAP] = { GPUVM__SM_MAP, GPUVM_SM_NEW },
	[GPUVM_BIND_UNMAP] = { GPUVM__SM_UNMAP, GPUVM_SM_PREV },
	[GPUVM_BIND_PREFETCH] = { GPUVM__SM_PREFETCH, GPUVM_SM_MAP_VAS },
};

static const struct kind *kind_of(const struct op *op)
{
	return &kinds[op->op.type];
}

static enum gpuvm__grow grow_of(const struct op *op)
{
	return gpuvm__sm_grow(kind_of(op)->sm);
}

static bool edits(const struct op *op)
{
	return op->op.type != GPUVM_BIND_PREFETCH;
}

static uint64_t lo_of(const struct op *op)
{
	return op->op.req.addr;
}

static uint64_t hi_of(const struct op *op)
{
	return op->op.req.addr + op->op.req.range;
}

/* ---- room for operations ---- */

static size_t room_bytes(unsigned int room)
{
	return sizeof(struct gpuvm_bind_work) + room * (sizeof(struct op) + sizeof(struct part) + 2 * sizeof(uint32_t)) +
	       (GPUVM__PENDING_FIRST + room * GPUVM__PENDING_NODES) * sizeof(struct gpuvm__pnode);
}

static struct gpuvm_bind_work *work_create(struct gpuvm_vm *vm, unsigned int room)
{
	struct gpuvm_bind_work *w = gpuvm__obj_alloc(vm->dev->alloc, GPUVM_TYPE_OP, room_bytes(room), GPUVM__LINE);

	if (!w)
		return NULL;
	w->vm = vm;
	w->room = room;
	w->op = (struct op *)(w + 1);
	w->part = (struct part *)(w->op + room);
	w->node = (struct gpuvm__pnode *)(w->part + room);
	w->order = (uint32_t *)(w->node + GPUVM__PENDING_FIRST + room * GPUVM__PENDING_NODES);
	w->scratch = w->order + room;
	return w;
}

/* What the old one has goes over. */
static int make_room(struct gpuvm_vm *vm, struct gpuvm_bind *bind, unsigned int nr)
{
	struct gpuvm_bind_work *old = bind->work, *w;
	unsigned int i;

	if (old && old->vm != vm)
		return -EINVAL;
	if (old && old->room >= nr)
		return 0;
	w = work_create(vm, nr ? nr : 1);
	if (!w)
		return -ENOMEM;
	if (old) {
		for (i = 0; i < old->room; i++)
			w->op[i] = old->op[i];
		w->index = old->index;
		gpuvm__obj_free(old);
	}
	bind->work = w;
	return 0;
}

/* ---- preparing ---- */

static int check_op(struct gpuvm_vm *vm, const struct gpuvm_bind_op *op)
{
	struct gpuvm_map_req range = { .addr = op->req.addr, .range = op->req.range };

	if ((unsigned int)op->type >= ARRAY_SIZE(kinds) || !gpuvm__sm_has_callbacks(vm->driver, kinds[op->type].sm))
		return -EINVAL;
	return gpuvm__req_check(vm, op->type == GPUVM_BIND_MAP ? &op->req : &range);
}

static int check_ops(struct gpuvm_vm *vm, struct gpuvm_bind *bind, const struct gpuvm_bind_op *ops, unsigned int nr)
{
	int ret = 0;

	if (nr > GPUVM_BIND_OPS_MAX)
		return -EINVAL;
	for (bind->at = 0; bind->at < nr; bind->at++) {
		ret = check_op(vm, &ops[bind->at]);
		if (ret)
			return ret;
	}
	return 0;
}

static int fill_op(struct gpuvm_vm *vm, struct op *op, const struct gpuvm_bind_op *from)
{
	unsigned int i;

	op->op = *from;
	for (i = kind_of(op)->first; i < GPUVM_SM_MAP_VAS; i++) {
		if (!op->va[i])
			op->va[i] = gpuvm_va_alloc_create(vm);
		if (!op->va[i])
			return -ENOMEM;
	}
	return 0;
}

static int fill_ops(struct gpuvm_vm *vm, struct gpuvm_bind_work *w, const struct gpuvm_bind_op *ops, unsigned int nr)
{
	unsigned int i, nr_edits = 0, vas = GPUVM_SM_UNMAP_VAS;
	int ret = 0;

	for (i = 0; i < nr && !ret; i++) {
		ret = fill_op(vm, &w->op[i], &ops[i]);
		nr_edits += edits(&w->op[i]);
		if (ops[i].type == GPUVM_BIND_MAP)
			vas = GPUVM_SM_MAP_VAS;
	}
	if (!ret && nr_edits && vm->space->stock)
		ret = vm->space->stock(vm, &w->index, vas, nr_edits);
	w->nr = nr;
	return ret;
}

/* ---- sections (A2) ---- */

/* Runs of @len, each in order, to runs of twice that. */
static void merge_runs(const struct gpuvm_bind_work *w, const uint32_t *from, uint32_t *to, unsigned int len)
{
	unsigned int at, i, k, mid, end, out = 0;

	for (at = 0; at < w->nr; at = end) {
		mid = at + len < w->nr ? at + len : w->nr;
		end = mid + len < w->nr ? mid + len : w->nr;
		for (i = at, k = mid; i < mid || k < end;) {
			bool left = k == end || (i < mid && lo_of(&w->op[from[i]]) <= lo_of(&w->op[from[k]]));

			to[out++] = left ? from[i++] : from[k++];
		}
	}
}

/* By address; not qsort(), which may allocate. */
static void sort_ops(struct gpuvm_bind_work *w)
{
	bool sorted = true;
	unsigned int i, len;
	uint32_t *swap;

	for (i = 0; i < w->nr; i++) {
		w->order[i] = i;
		sorted = sorted && (!i || lo_of(&w->op[i - 1]) <= lo_of(&w->op[i]));
	}
	for (len = 1; len < w->nr && !sorted; len *= 2) {
		merge_runs(w, w->order, w->scratch, len);
		swap = w->order;
		w->order = w->scratch;
		w->scratch = swap;
	}
}

static void part_init(struct gpuvm_bind_work *w, struct part *part, const struct op *op)
{
	part->section = &part->cursor;
	part->cursor = (struct gpuvm__cursor){ .vm = w->vm,
					       .lo = lo_of(op),
					       .hi = hi_of(op),
					       .grow = GPUVM__SHRINKS,
					       .stock = &w->index };
}

/* One for what overlaps or touches; or one for all, if the space cannot have several open. */
static void make_parts(struct gpuvm_bind_work *w)
{
	struct part *part = NULL;
	unsigned int i;

	sort_ops(w);
	for (i = 0; i < w->nr; i++) {
		struct op *op = &w->op[w->order[i]];

		if (!part || (lo_of(op) > part->cursor.hi && w->vm->space->begin_right)) {
			part = part ? part + 1 : w->part;
			part_init(w, part, op);
		}
		op->part = part - w->part;
		if (hi_of(op) > part->cursor.hi)
			part->cursor.hi = hi_of(op);
		if (grow_of(op) > part->cursor.grow)
			part->cursor.grow = grow_of(op);
		part->cursor.edits += edits(op);
	}
	w->nr_parts = part ? part - w->part + 1 : 0;
}

static int open_sections(struct gpuvm_bind_work *w)
{
	struct part *part, *end = w->part + w->nr_parts;
	struct gpuvm__cursor *left = &w->part->cursor;
	int ret = gpuvm__write_begin_at(left);

	if (ret)
		return ret;
	for (part = w->part + 1; part < end; part++) {
		if (gpuvm__write_begin_right(&part->cursor, left))
			left = &part->cursor;
		else
			part->section = left;
	}
	return 0;
}

/* The first one last: it stands for all of them in the order of locks. */
static void close_sections(struct gpuvm_bind_work *w)
{
	struct part *part = w->part + w->nr_parts;

	while (part-- > w->part)
		if (part->section == &part->cursor)
			gpuvm__write_end(&part->cursor);
}

/* ---- asking (A3) ---- */

static void sm_of(struct gpuvm_bind_work *w, const struct op *op, struct gpuvm__sm *s)
{
	gpuvm__sm_init(s, kind_of(op)->sm, w->part[op->part].section, &op->op.req,
		       GPUVM_PLANT(array_blind) ? NULL : &w->pending);
}

/* All agreed: what the operation puts in is there for those after it. */
static void make_pending(struct gpuvm_bind_work *w, struct op *op, const struct gpuvm__sm_cut *cut)
{
	struct gpuvm_va *in[GPUVM__SPLICE_MAX];
	unsigned int i;

	op->n = cut->n;
	for (i = 0; i < cut->n; i++) {
		op->piece[i] = cut->piece[i].slot;
		in[i] = gpuvm__va_fill(op->va[cut->piece[i].slot], &cut->piece[i].req);
	}
	gpuvm__pending_splice(&w->pending, lo_of(op), hi_of(op), in, op->n, &op->edit);
}

/* Those before @nr, in reverse order. */
static void take_back(struct gpuvm_bind_work *w, const struct gpuvm__sm_sink *sink, unsigned int nr)
{
	struct gpuvm__sm s;

	while (nr-- && !GPUVM_PLANT(array_no_take_back)) {
		struct op *op = &w->op[nr];

		if (edits(op) && !GPUVM_PLANT(array_undone_blind))
			gpuvm__pending_undo(&w->pending, &op->edit);
		sm_of(w, op, &s);
		gpuvm__sm_unwalk(&s, sink);
	}
}

static int ask(struct gpuvm_bind_work *w, struct gpuvm_bind *bind)
{
	struct gpuvm__sm_driver d = { .driver = w->vm->driver, .priv = bind->priv };
	struct gpuvm__sm_sink sink = { .step = gpuvm__sm_driver_step, .undo = gpuvm__sm_driver_undo, .arg = &d };
	struct gpuvm__sm s;
	int ret;

	gpuvm__pending_init(&w->pending, w->node);
	for (bind->at = 0; bind->at < w->nr; bind->at++) {
		struct op *op = &w->op[bind->at];

		sm_of(w, op, &s);
		ret = gpuvm__sm_walk(&s, &sink);
		if (ret) {
			take_back(w, &sink, bind->at);
			return ret;
		}
		if (edits(op))
			make_pending(w, op, &s.cut[0]);
	}
	return 0;
}

/* ---- editing (A4) ---- */

static void edit(struct gpuvm_bind_work *w, struct op *op, struct gpuvm_va_removed **removed)
{
	struct gpuvm_va *in[GPUVM__SPLICE_MAX];
	unsigned int i;

	for (i = 0; i < op->n; i++) {
		in[i] = (struct gpuvm_va *)op->va[op->piece[i]]; /* filled when it became pending */
		op->va[op->piece[i]] = NULL;
	}
	gpuvm__commit(w->part[op->part].section, lo_of(op), hi_of(op), in, op->n, removed);
}

static void edit_all(struct gpuvm_bind_work *w, struct gpuvm_va_removed **removed)
{
	unsigned int i;

	for (i = 0; i < w->nr; i++)
		if (edits(&w->op[i]))
			edit(w, &w->op[i], removed);
}

/* ---- the public functions ---- */

int gpuvm_bind_prepare(struct gpuvm_vm *vm, struct gpuvm_bind *bind, const struct gpuvm_bind_op *ops, unsigned int nr)
{
	int ret;

	if (bind->work)
		bind->work->ready = false;
	ret = check_ops(vm, bind, ops, nr);
	ret = ret ? ret : make_room(vm, bind, nr);
	ret = ret ? ret : fill_ops(vm, bind->work, ops, nr);
	if (ret)
		return ret;
	make_parts(bind->work);
	bind->work->ready = true;
	return 0;
}

int gpuvm_bind_array(struct gpuvm_vm *vm, struct gpuvm_bind *bind)
{
	struct gpuvm_va_removed *before = bind->removed;
	struct gpuvm_bind_work *w = bind->work;
	int ret;

	if (!w || !w->ready || w->vm != vm)
		return -EINVAL;
	w->ready = false;
	if (!w->nr)
		return 0;
	ret = open_sections(w);
	if (ret)
		return ret;
	ret = ask(w, bind);
	if (GPUVM_PLANT(array_lets_go)) { /* between asking and editing */
		close_sections(w);
		make_parts(w);
		ret = ret ? open_sections(w), ret : open_sections(w);
	}
	if (!ret)
		edit_all(w, &bind->removed);
	close_sections(w);
	gpuvm__put_bos(bind->removed, before);
	return ret;
}

struct gpuvm_va_alloc *gpuvm_bind_va(const struct gpuvm_bind *bind, unsigned int op, enum gpuvm_sm_slot slot)
{
	const struct gpuvm_bind_work *w = bind->work;

	if (!w || op >= w->nr || slot < kind_of(&w->op[op])->first || slot >= GPUVM_SM_MAP_VAS)
		return NULL;
	return w->op[op].va[slot];
}

void gpuvm_bind_release(struct gpuvm_bind *bind)
{
	struct gpuvm_bind_work *w = bind->work;
	struct gpuvm_va_removed *va;
	unsigned int i, k;

	for (i = 0; w && i < w->room; i++)
		for (k = 0; k < GPUVM_SM_MAP_VAS; k++)
			gpuvm_va_alloc_destroy(w->op[i].va[k]);
	if (w) {
		gpuvm__stock_give(&w->index);
		gpuvm__obj_free(w);
	}
	bind->work = NULL;
	while ((va = gpuvm_va_removed_pop(&bind->removed)))
		gpuvm_va_removed_free(va);
}
