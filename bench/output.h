/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * output.h - what a command prints has been written, or its exit status says that it has not.
 */
#ifndef BENCH_OUTPUT_H
#define BENCH_OUTPUT_H

#ifdef __cplusplus
extern "C" {
#endif

/**
 * output_checked() - from now on exit() fails with status 1 if standard output could not be written
 * @program: for the message; static storage
 *
 * Call it first in main(): a descriptor from 0 to 2 that is closed would otherwise be the next file that is opened, and what
 * is printed would end up in it. A closed output is a full one then.
 */
void output_checked(const char *program);

#ifdef __cplusplus
}
#endif

#endif /* BENCH_OUTPUT_H */
