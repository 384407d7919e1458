/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* container_of.h - peer: from a member to what it is a member of. */
#ifndef PEER_LINUX_CONTAINER_OF_H
#define PEER_LINUX_CONTAINER_OF_H

#include <stddef.h>

#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

#endif /* PEER_LINUX_CONTAINER_OF_H */
