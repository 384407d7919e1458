/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* stddef.h - peer: the C library's is enough. */
#ifndef PEER_LINUX_STDDEF_H
#define PEER_LINUX_STDDEF_H

#include <stdbool.h>
#include <stddef.h>

#endif /* PEER_LINUX_STDDEF_H */
