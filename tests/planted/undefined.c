/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* planted/undefined.c - a signed overflow. UndefinedBehaviorSanitizer must report it. */
#include <limits.h>

int main(int argc, char **argv)
{
	volatile int big = INT_MAX;

	(void)argv;
	return big + argc == 0;
}
