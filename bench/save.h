/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * save.h - put a file in place whole, or not at all.
 */
#ifndef BENCH_SAVE_H
#define BENCH_SAVE_H

#include <stddef.h>

/**
 * save_file() - replace @path by @size bytes at @data
 *
 * Written to a file without a name (or a temporary one beside it), flushed to the disk, then renamed over @path.
 * Return: 0 or -errno; then @path is as it was and nothing else is left behind.
 */
int save_file(const char *path, const void *data, size_t size);

/** save_all() - write(2) until all is written. Return: 0 or -errno. */
int save_all(int fd, const void *data, size_t size);

#endif /* BENCH_SAVE_H */
