/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * stop.h - SIGINT and SIGTERM: the first asks for an orderly end, a later one does not wait for it; shared by gpuvm-bench
 * and gpuvm-stress.
 */
#ifndef BENCH_STOP_H
#define BENCH_STOP_H

#include <stdbool.h>

/**
 * stop_catch_signals() - from now on SIGINT and SIGTERM are noted; one that comes STOP_ECHO_MS after the first, or later,
 * ends the process as if it had not been caught
 */
void stop_catch_signals(void);

/** stop_ask() - the same without a signal: there is nothing left to do */
void stop_ask(void);

/** stop_asked() - has anybody asked for the end? */
bool stop_asked(void);

/*
 * What comes sooner is the first one's echo: timeout(1) and some shells signal the process and then its group, of which it is
 * one, and nobody presses a key twice as fast.
 */
#define STOP_ECHO_MS 200

#endif /* BENCH_STOP_H */
