/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * watch.h - the watchdog: a thread of its own, so that it also sees the main thread hang, in a set-up, a check or a teardown.
 *
 * Progress is an operation of any worker, or the next stage of the run. Without any for --watchdog, the violation is
 * printed with every thread's last operations, and the process ends: threads that hang cannot be joined.
 */
#ifndef STRESS_WATCH_H
#define STRESS_WATCH_H

#include "run.h"

/** watch_start() - start the watchdog's thread; nothing is watched yet. Return: 0 or an error number */
int watch_start(const struct options *o);

/** watch_stop() - end and join it */
void watch_stop(void);

/**
 * watch_stage() - the main thread goes on to something else
 * @r: the run
 * @s: its workers, whose operations count and are printed; they must live until the next call
 * @stage: "set-up", ...; static storage. NULL: nothing is watched any more, and @r and @s may be freed
 */
void watch_stage(const struct run *r, struct stress *s, const char *stage);

/** watch_ops() - operations of all workers so far */
uint64_t watch_ops(struct stress *s);

#endif /* STRESS_WATCH_H */
