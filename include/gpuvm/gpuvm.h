/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * gpuvm.h - everything. Start reading at vm.h (lock modes), bo.h (the typestate) and sm.h (split and merge).
 */
#ifndef GPUVM_GPUVM_H
#define GPUVM_GPUVM_H

#include <gpuvm/bind.h>
#include <gpuvm/bo.h>
#include <gpuvm/compiler.h>
#include <gpuvm/debug.h>
#include <gpuvm/device.h>
#include <gpuvm/exec.h>
#include <gpuvm/gem.h>
#include <gpuvm/resv.h>
#include <gpuvm/sm.h>
#include <gpuvm/stats.h>
#include <gpuvm/thread.h>
#include <gpuvm/va.h>
#include <gpuvm/vm.h>

#endif /* GPUVM_GPUVM_H */
