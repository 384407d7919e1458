/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * tail.h - the latency of single operations, sampled under load in an open loop.
 *
 * A thread has due times, at random distances, that do not depend on how long anything takes. Until one comes it runs the
 * load; then one operation, whose latency counts from when it was due, not from when it began. So whatever holds the
 * thread up - a lock, a preempted holder, a grace period - is seen by every operation that was due meanwhile, as those who
 * wait for them would see it; a loop that only timed each operation would see it once ("coordinated omission").
 */
#ifndef BENCH_TAIL_H
#define BENCH_TAIL_H

#include "engine.h"
#include "latency.h"

#define TAIL_GAP_NS \
	16000u /* from one due time to the next, on average; more if an operation takes more than a quarter of it */
#define TAIL_LOAD_NS \
	2000u /* the load comes in pieces of about this, so that it is out of the way when an operation is due */

/**
 * struct tail - one thread's sampling
 * @job: the case, the context and a piece's upper limit (its batch)
 * @thread: its index
 * @op_ns: what an operation takes on average; at least 1
 * @rng: draws the due times
 * @counts: gets the latencies
 */
struct tail {
	const struct engine_job *job;
	unsigned int thread;
	uint64_t op_ns;
	uint64_t rng;
	struct latency_counts *counts;
};

/** tail_sample() - take what is due in [@from, @until) of machine_now()'s clock; ends when the last of these is done */
void tail_sample(struct tail *t, uint64_t from, uint64_t until);

#endif /* BENCH_TAIL_H */
