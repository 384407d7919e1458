/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* rcupdate.h - peer: publication of a pointer. drm_gpuvm.c has no RCU readers, so there are no read sections. */
#ifndef PEER_LINUX_RCUPDATE_H
#define PEER_LINUX_RCUPDATE_H

#include <linux/compiler.h>

#define rcu_assign_pointer(p, v) __atomic_store_n(&(p), (v), __ATOMIC_RELEASE)
#define rcu_dereference_raw(p) __atomic_load_n(&(p), __ATOMIC_CONSUME)

#endif /* PEER_LINUX_RCUPDATE_H */
