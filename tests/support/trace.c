/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* trace.c - see trace.h */
#include "trace.h"
#include "world.h"

static int number_of(const struct t_trace *trace, const struct gpuvm_gem *gem)
{
	unsigned int i;

	if (!gem)
		return -1;
	for (i = 0; i < trace->nr_gems; i++) {
		if (trace->gems[i] == gem)
			return i;
	}
	return -2; /* equal to nothing that is expected */
}

static struct t_piece piece_of_va(const struct t_trace *trace, const struct gpuvm_va *va)
{
	return (struct t_piece){
		.present = true,
		.gem = number_of(trace, gpuvm_va_gem(va)),
		.start = gpuvm_va_addr(va) / T_PAGE,
		.end = (gpuvm_va_addr(va) + gpuvm_va_range(va)) / T_PAGE,
		.off = gpuvm_va_offset(va) / T_PAGE,
		.flags = gpuvm_va_flags(va),
	};
}

static struct t_piece piece_of_req(const struct t_trace *trace, const struct gpuvm_map_req *req)
{
	if (!req)
		return (struct t_piece){ .present = false };
	return (struct t_piece){
		.present = true,
		.gem = number_of(trace, req->bo ? gpuvm_bo_gem(req->bo) : NULL),
		.start = req->addr / T_PAGE,
		.end = (req->addr + req->range) / T_PAGE,
		.off = req->offset / T_PAGE,
		.flags = req->flags,
	};
}

static struct t_step step_of(const struct t_trace *trace, const struct gpuvm_op *op)
{
	struct t_step s = { .type = op->type };

	switch (op->type) {
	case GPUVM_OP_MAP:
		s.map = piece_of_req(trace, &op->map);
		break;
	case GPUVM_OP_REMAP:
		s.old = piece_of_va(trace, op->remap.unmap->va);
		s.keep = op->remap.unmap->keep;
		s.prev = piece_of_req(trace, op->remap.prev);
		s.next = piece_of_req(trace, op->remap.next);
		break;
	case GPUVM_OP_UNMAP:
		s.old = piece_of_va(trace, op->unmap.va);
		s.keep = op->unmap.keep;
		break;
	case GPUVM_OP_PREFETCH:
		s.old = piece_of_va(trace, op->prefetch.va);
		break;
	}
	return s;
}

static void record(struct t_trace *trace, const struct gpuvm_op *op, bool undo)
{
	if (trace->n < T_STEPS) {
		trace->steps[trace->n] = step_of(trace, op);
		trace->steps[trace->n].undo = undo;
	}
	trace->n++;
}

static int step(const struct gpuvm_op *op, void *priv, enum gpuvm_op_type type)
{
	struct t_trace *trace = priv;

	if (!trace)
		return 0;
	if (op->type != type) {
		print_error("callback for type %d got an op of type %d\n", type, op->type);
		return -EBADMSG;
	}
	if (++trace->seen == trace->fail_at)
		return trace->error;
	record(trace, op, false);
	return 0;
}

static int step_map(const struct gpuvm_op *op, void *priv)
{
	return step(op, priv, GPUVM_OP_MAP);
}

static int step_remap(const struct gpuvm_op *op, void *priv)
{
	return step(op, priv, GPUVM_OP_REMAP);
}

static int step_unmap(const struct gpuvm_op *op, void *priv)
{
	return step(op, priv, GPUVM_OP_UNMAP);
}

static int step_prefetch(const struct gpuvm_op *op, void *priv)
{
	return step(op, priv, GPUVM_OP_PREFETCH);
}

static void step_undo(const struct gpuvm_op *op, void *priv)
{
	if (priv)
		record(priv, op, true);
}

const struct gpuvm_driver t_trace_driver = {
	.sm_step_map = step_map,
	.sm_step_remap = step_remap,
	.sm_step_unmap = step_unmap,
	.sm_step_prefetch = step_prefetch,
	.sm_step_undo = step_undo,
};

const struct gpuvm_driver t_trace_driver_in_place = {
	.va_data = 8,
	.sm_step_map = step_map,
	.sm_step_remap = step_remap,
	.sm_step_unmap = step_unmap,
	.sm_step_prefetch = step_prefetch,
	.sm_step_undo = step_undo,
	.remap_in_place = true,
};

void t_trace_reset(struct t_trace *trace)
{
	trace->n = 0;
	trace->seen = 0;
	trace->fail_at = 0;
	trace->error = 0;
}

bool t_trace_undone(const struct t_trace *trace, unsigned int nr)
{
	unsigned int i;

	if (trace->n != 2 * nr || trace->n > T_STEPS)
		return false;
	for (i = 0; i < nr; i++) {
		struct t_step back = trace->steps[trace->n - 1 - i];

		if (!back.undo)
			return false;
		back.undo = false;
		if (!t_step_equal(&trace->steps[i], &back))
			return false;
	}
	return true;
}

void t_trace_list(struct t_trace *trace, const struct gpuvm_oplist *list)
{
	const struct gpuvm_op *op;

	for (op = gpuvm_oplist_first(list); op; op = gpuvm_oplist_next(list, op))
		record(trace, op, false);
}

/* ---- comparing ---- */

static bool piece_equal(const struct t_piece *a, const struct t_piece *b)
{
	if (a->present != b->present)
		return false;
	return !a->present || (a->gem == b->gem && a->start == b->start && a->end == b->end && a->off == b->off &&
			       a->flags == b->flags);
}

bool t_step_equal(const struct t_step *a, const struct t_step *b)
{
	return a->type == b->type && a->undo == b->undo && a->keep == b->keep && piece_equal(&a->old, &b->old) &&
	       piece_equal(&a->prev, &b->prev) && piece_equal(&a->next, &b->next) && piece_equal(&a->map, &b->map);
}

static void piece_print(const char *what, const struct t_piece *p)
{
	if (p->present)
		print_error(" %s[%" PRIu64 ",%" PRIu64 ") gem %d off %" PRIu64 " flags %#x", what, p->start, p->end,
			    p->gem, p->off, p->flags);
}

void t_step_print(const struct t_step *s)
{
	static const char *const names[] = { "MAP", "REMAP", "UNMAP", "PREFETCH" };

	print_error("    %s%s keep=%d", s->undo ? "undo " : "", names[s->type], s->keep);
	piece_print("old", &s->old);
	piece_print("prev", &s->prev);
	piece_print("next", &s->next);
	piece_print("new", &s->map);
	print_error("\n");
}

static void stream_print(const char *what, const struct t_step *steps, unsigned int n)
{
	unsigned int i;

	print_error("  %s: %u steps\n", what, n);
	for (i = 0; i < n && i < T_STEPS; i++)
		t_step_print(&steps[i]);
}

bool t_stream_equal(const struct t_step *got, unsigned int nr_got, const struct t_step *want, unsigned int nr_want)
{
	unsigned int i;
	bool equal = nr_got == nr_want && nr_got <= T_STEPS;

	for (i = 0; equal && i < nr_got; i++)
		equal = t_step_equal(&got[i], &want[i]);
	if (!equal) {
		stream_print("got", got, nr_got);
		stream_print("want", want, nr_want);
	}
	return equal;
}

/* ---- states ---- */

void t_state_read(const struct t_trace *trace, struct gpuvm_vm *vm, struct t_state *state)
{
	const struct gpuvm_va *va;
	struct gpuvm_reader r;

	state->n = 0;
	gpuvm_read_begin(vm, &r);
	for (va = gpuvm_va_first(&r, 0, UINT64_MAX); va; va = gpuvm_va_next(&r, va)) {
		if (state->n < T_STATE)
			state->piece[state->n] = piece_of_va(trace, va);
		state->n++;
	}
	gpuvm_read_end(&r);
	assert_true(state->n <= T_STATE);
}

static void state_print(const char *what, const struct t_state *state)
{
	unsigned int i;

	print_error("  %s: %u mappings\n", what, state->n);
	for (i = 0; i < state->n; i++) {
		piece_print("    ", &state->piece[i]);
		print_error("\n");
	}
}

bool t_state_equal(const struct t_state *got, const struct t_state *want)
{
	bool equal = got->n == want->n;
	unsigned int i;

	for (i = 0; equal && i < got->n; i++)
		equal = piece_equal(&got->piece[i], &want->piece[i]);
	if (!equal) {
		state_print("got", got);
		state_print("want", want);
	}
	return equal;
}
