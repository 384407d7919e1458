/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * machine.h - the machine the benchmarks run on: its CPUs, pinning, and a fingerprint that names no host.
 */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** machine_init() - look at the topology. Return: 0 or -errno. */
int machine_init(void);

/** machine_fini() - undo it */
void machine_fini(void);

/** machine_cpus() - how many CPUs this process may use (its affinity and cgroup respected) */
unsigned int machine_cpus(void);

/**
 * machine_pin() - bind the calling thread to the @index-th CPU, different cores first, then their SMT siblings
 *
 * Wraps around when there are more threads than CPUs. Return: 0 or -errno.
 */
int machine_pin(unsigned int index);

/** machine_model() - the CPU's model name */
const char *machine_model(void);

/** machine_slug() - "vendor-model-2c-24g": results of machines with the same slug lie together */
const char *machine_slug(void);

/** machine_now() - monotonic nanoseconds */
uint64_t machine_now(void);

/** machine_cpu_time() - CPU nanoseconds of the whole process */
uint64_t machine_cpu_time(void);

/** machine_libs() - "library version, ..." of what is linked; static storage */
const char *machine_libs(void);

#endif /* BENCH_MACHINE_H */
