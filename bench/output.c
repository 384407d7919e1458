/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* output.c - see output.h */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *name;

static void check(void)
{
	int failed = ferror(stdout);

	errno = 0;
	if (!fflush(stdout) && !failed)
		return;
	fprintf(stderr, "%s: cannot write the output: %s\n", name, errno ? strerror(errno) : "write error");
	_exit(1);
}

void output_checked(const char *program)
{
	int fd;

	name = program;
	for (fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open(fd ? "/dev/full" : "/dev/null", O_RDWR) < 0)
			_exit(1);
	if (atexit(check))
		_exit(1);
}
