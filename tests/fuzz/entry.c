/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* entry.c - what libFuzzer calls; FUZZ_TARGET comes from the build. */
#include "fuzz.h"

#include <gpuvm/gpuvm.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool entered;

	if (!entered)
		gpuvm_thread_enter();
	entered = true;
	FUZZ_TARGET(data, size);
	return 0;
}
