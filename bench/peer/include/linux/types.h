/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * types.h - peer: fixed-width integers and the heads of the list types (the kernel declares those here too).
 */
#ifndef PEER_LINUX_TYPES_H
#define PEER_LINUX_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/compiler.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;
typedef unsigned int gfp_t;

struct list_head {
	struct list_head *next, *prev;
};

struct hlist_node {
	struct hlist_node *next, **pprev;
};

struct hlist_head {
	struct hlist_node *first;
};

#endif /* PEER_LINUX_TYPES_H */
