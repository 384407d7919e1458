/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * compiler.h - the few annotations that public headers use.
 *
 * Not for: helpers of the implementation (core/sync.h has those).
 */
#ifndef GPUVM_COMPILER_H
#define GPUVM_COMPILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define GPUVM_BEGIN_DECLS extern "C" {
#define GPUVM_END_DECLS }
#else
#define GPUVM_BEGIN_DECLS
#define GPUVM_END_DECLS
#endif

/* Part of the shared library's interface (everything else is hidden). */
#define GPUVM_API __attribute__((visibility("default")))

/* The result owns something or reports an error: ignoring it does not compile (-Werror=unused-result). */
#define GPUVM_MUST_CHECK __attribute__((warn_unused_result))

/*
 * The callee takes the pointer over, whatever it returns. C cannot forbid a later use; the debug build's state words do
 * (a consumed object is poisoned, each entry point asserts what it is given).
 */
#define GPUVM_CONSUMED

#endif /* GPUVM_COMPILER_H */
