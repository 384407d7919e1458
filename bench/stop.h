/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * stop.h - SIGINT and SIGTERM: the first asks for an orderly end, a later one does not wait for it; shared by gpuvm-bench
 * and gpuvm-stress.
 */
#ifndef BENCH_STOP_H
#define BENCH_STOP_H

#include <stdbool.h>

/**
 * stop_catch_signals() - from now on SIGINT and SIGTERM are noted; a second one, unless it is the first one's echo, ends the
 * process as if it had not been caught
 */
void stop_catch_signals(void);

/** stop_ask() - the same without a signal: there is nothing left to do */
void stop_ask(void);

/** stop_asked() - has anybody asked for the end? */
bool stop_asked(void);

/*
 * What the same process sends again within so long is an echo: timeout(1) signals the process and then its group, of which
 * it is one; on a busy machine there may be a moment between the two.
 */
#define STOP_ECHO_MS 2000

#endif /* BENCH_STOP_H */
