/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * trace.h - the stream of steps a request gives the driver, recorded by value so that two streams can be compared.
 *
 * A mapping is written in pages, which keeps expected tables readable.
 */
#ifndef TESTS_TRACE_H
#define TESTS_TRACE_H

#include "support.h"

/* [start, end) in pages, showing @gem from page @off on. gem -1: sparse. present false: there is no such piece. */
struct t_piece {
	bool present;
	int gem;
	uint64_t start, end, off;
	uint32_t flags;
};

/* One step: @old is cut or goes (REMAP, UNMAP, PREFETCH), @map comes (MAP). */
struct t_step {
	enum gpuvm_op_type type;
	bool undo;
	bool keep;
	struct t_piece old, prev, next, map;
};

#define T_STEPS 512

/**
 * struct t_trace - what was recorded, and what to do
 * @gems: to number the objects
 * @nr_gems: how many
 * @steps: the stream, undo steps included
 * @n: how many
 * @seen: steps so far, undo steps not counted
 * @fail_at: this step (1: the first) returns @error instead of being recorded; 0: none
 * @error: -errno
 */
struct t_trace {
	struct gpuvm_gem *const *gems;
	unsigned int nr_gems;
	struct t_step steps[T_STEPS];
	unsigned int n;
	unsigned int seen;
	unsigned int fail_at;
	int error;
};

/* sm_step callbacks only; priv is the struct t_trace. */
extern const struct gpuvm_driver t_trace_driver;
/* The same, with mappings that stay where they are cut, and 8 bytes of data in each. */
extern const struct gpuvm_driver t_trace_driver_in_place;

void t_trace_reset(struct t_trace *trace);
/* Were the first @nr steps given, and then, in reverse order, taken back? */
bool t_trace_undone(const struct t_trace *trace, unsigned int nr);
/* Record a whole list. */
void t_trace_list(struct t_trace *trace, const struct gpuvm_oplist *list);

bool t_step_equal(const struct t_step *a, const struct t_step *b);
void t_step_print(const struct t_step *step);
/* Prints both streams unless they are equal. */
bool t_stream_equal(const struct t_step *got, unsigned int nr_got, const struct t_step *want, unsigned int nr_want);

/* ---- the state of a VM, by value ---- */

#define T_STATE 512

struct t_state {
	unsigned int n;
	struct t_piece piece[T_STATE];
};

void t_state_read(const struct t_trace *trace, struct gpuvm_vm *vm, struct t_state *state);
/* Prints both unless they are equal. */
bool t_state_equal(const struct t_state *got, const struct t_state *want);

#endif /* TESTS_TRACE_H */
