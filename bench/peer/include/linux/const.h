/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* const.h - peer: nothing that is compiled here uses it; it is included, so it exists. */
#ifndef PEER_LINUX_CONST_H
#define PEER_LINUX_CONST_H
#endif /* PEER_LINUX_CONST_H */
