/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * linear.h - linearizability: is there an order of the operations that respects their times (what returned before another
 * began comes first) and in which a sequential model gives every answer that was given?
 */
#ifndef TESTS_LINEAR_H
#define TESTS_LINEAR_H

#include "support.h"

#define T_EVENTS 64 /* of one object in one history */

/**
 * struct t_event - one operation on one object
 * @begin: before it was called
 * @end: after it returned, on the same clock
 * @kind: which operation, for the model
 * @arg: what it was called with
 * @result: what it answered
 */
struct t_event {
	uint64_t begin, end;
	unsigned int kind;
	uint64_t arg, result;
};

/* A moment: moments of all threads are in one order. */
uint64_t t_moment(void);

/* Apply @e to *@state; false if the object in that state would have answered something else. */
typedef bool t_model(uint64_t *state, const struct t_event *e);

/* @n events of one object, at most T_EVENTS, which is in state @initial before all of them; in any order. */
bool t_linearizable(const struct t_event *e, unsigned int n, uint64_t initial, t_model *model);

#endif /* TESTS_LINEAR_H */
