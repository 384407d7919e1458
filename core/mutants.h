/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * mutants.h - bugs that can be planted, for the build that proves that the tests find them (make mutants). Included by
 * sync.h where GPUVM_MUTANTS is defined; no other build has a trace of it.
 *
 * Each is a switch at its place in the core, `if (GPUVM_PLANT(name))`, and a line of mutants.def. Which one is planted is
 * said by the environment: GPUVM_MUTANT=name.
 */
#ifndef GPUVM_CORE_MUTANTS_H
#define GPUVM_CORE_MUTANTS_H

enum gpuvm__mutant {
	GPUVM__MUTANT_none,
#define GPUVM_MUTANT(name, detector, description) GPUVM__MUTANT_##name,
#include "mutants.def"
#undef GPUVM_MUTANT
};

extern enum gpuvm__mutant gpuvm__planted; /* constant once main() runs */

#define GPUVM_PLANT(name) (gpuvm__planted == GPUVM__MUTANT_##name)

#endif /* GPUVM_CORE_MUTANTS_H */
