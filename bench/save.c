/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * save.c - crash-safe writing. Every step is checked; what cannot be finished leaves no trace.
 */
#include "save.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int save_all(int fd, const void *data, size_t size)
{
	const char *p = data;
	ssize_t n;

	while (size) {
		n = write(fd, p, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

/* The directory a path is in, "." if it names none. Return: false if too long. */
static bool directory_of(const char *path, char *dir)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) + (slash == path) : 1;

	if (len >= PATH_MAX)
		return false;
	memcpy(dir, slash ? path : ".", len);
	dir[len] = 0;
	return true;
}

/* A rename is on the disk only when its directory is. */
static int sync_directory(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	if (fsync(fd) && errno != EINVAL) /* some file systems cannot */
		ret = -errno;
	close(fd);
	return ret;
}

/* A name for an unnamed file; linkat() cannot replace, so it gets a temporary one that is renamed. */
static int give_name(int fd, const char *tmp)
{
	char proc[64];

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, proc, AT_FDCWD, tmp, AT_SYMLINK_FOLLOW) ? -errno : 0;
}

/* Without a name until it is whole. Return: -EOPNOTSUP and the like where the file system has no such files. */
static int write_unnamed(const char *dir, const char *tmp, const void *data, size_t size)
{
	int fd = open(dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644), ret;

	if (fd < 0)
		return -EOPNOTSUPP;
	ret = save_all(fd, data, size);
	if (!ret && fsync(fd))
		ret = -errno;
	if (!ret && give_name(fd, tmp))
		ret = -EOPNOTSUPP;
	if (close(fd) && !ret)
		ret = -errno;
	return ret;
}

static int write_named(const char *tmp, const void *data, size_t size)
{
	int fd = open(tmp, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644), ret;

	if (fd < 0)
		return -errno;
	ret = save_all(fd, data, size);
	if (!ret && fsync(fd))
		ret = -errno;
	if (close(fd) && !ret)
		ret = -errno;
	if (ret)
		unlink(tmp);
	return ret;
}

/* A device, pipe or terminal is written to, never replaced: --json=/dev/stdout, and /dev/full must say that it is. */
static int write_special(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY), ret;

	if (fd < 0)
		return -errno;
	ret = save_all(fd, data, size);
	if (close(fd) && !ret)
		ret = -errno;
	return ret;
}

static bool is_special(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISREG(st.st_mode);
}

int save_file(const char *path, const void *data, size_t size)
{
	char dir[PATH_MAX], tmp[PATH_MAX];
	int ret = snprintf(tmp, sizeof(tmp), "%s.%d.tmp", path, (int)getpid());

	if (is_special(path))
		return write_special(path, data, size);
	if (ret >= (int)sizeof(tmp) || !directory_of(path, dir))
		return -ENAMETOOLONG;
	ret = write_unnamed(dir, tmp, data, size);
	if (ret == -EOPNOTSUPP)
		ret = write_named(tmp, data, size);
	if (ret)
		return ret;
	if (rename(tmp, path)) {
		ret = -errno;
		unlink(tmp);
		return ret;
	}
	return sync_directory(dir);
}
