/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * mutants.c - chooses the planted bug. Empty in every build but that of make mutants.
 */
#include "sync.h"

#ifdef GPUVM_MUTANTS
#include <stdio.h>
#include <stdlib.h>

enum gpuvm__mutant gpuvm__planted;

static const char *const names[] = {
	"none",
#define GPUVM_MUTANT(name, detector, description) #name,
#include "mutants.def"
#undef GPUVM_MUTANT
};

__attribute__((constructor)) static void choose(void)
{
	const char *name = getenv("GPUVM_MUTANT");
	unsigned int i;

	if (!name)
		return;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(names[i], name) == 0) {
			gpuvm__planted = i;
			return;
		}
	}
	fprintf(stderr, "GPUVM_MUTANT=%s: no such bug in core/mutants.def\n", name);
	exit(2);
}
#endif

typedef int gpuvm__mutants_c_is_not_empty;
