/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * fuzz.h - targets for a fuzzer: each takes any bytes, and aborts if what they lead to is wrong. `make fuzz` explores with
 * libFuzzer; tests/test_fuzz.c replays what it found worth keeping (tests/fuzz/corpus).
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Two bytes choose a space and a lock mode; then six bytes a request, carried out on the core and on the model. */
void fuzz_ops(const uint8_t *data, size_t size);

/* A byte chooses a parser; the rest is its text. */
void fuzz_parse(const uint8_t *data, size_t size);

#endif /* TESTS_FUZZ_H */
