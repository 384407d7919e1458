/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* export.h - peer: one program, nothing to export. The build reads these lines to prefix the names (scripts/peer-extract). */
#ifndef PEER_LINUX_EXPORT_H
#define PEER_LINUX_EXPORT_H

#define EXPORT_SYMBOL(name) _Static_assert(1, "")
#define EXPORT_SYMBOL_GPL(name) _Static_assert(1, "")
#define MODULE_DESCRIPTION(text) _Static_assert(1, "")
#define MODULE_LICENSE(text) _Static_assert(1, "")

#endif /* PEER_LINUX_EXPORT_H */
