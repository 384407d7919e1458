/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * journal.h - results on their way to disk: one JSON line per window while running, one file at the end.
 *
 * A crash or kill -9 loses at most the line in flight; the final file is there whole or not at all, and one that was
 * there before stays until then.
 */
#ifndef BENCH_JOURNAL_H
#define BENCH_JOURNAL_H

#include <stddef.h>

#include "plan.h"

struct journal;

/**
 * journal_open() - start FILE.partial.jsonl
 * @file: the final file's name
 * @header: first line, a JSON object without newline
 *
 * Return: NULL after a message if it cannot be written, or if another process is writing it.
 */
struct journal *journal_open(const char *file, const char *header);

/** journal_window() - append @b's newest window (@j may be NULL) */
void journal_window(struct journal *j, const struct bench *b);

/**
 * journal_commit() - write the final file, then remove the partial one; frees @j
 *
 * Return: 0; -errno after a message: the final file is as it was, the partial one is kept.
 */
int journal_commit(struct journal *j, const char *text, size_t size);

#endif /* BENCH_JOURNAL_H */
