/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * journal.c - FILE.partial.jsonl and what becomes of it.
 */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "latency.h"
#include "save.h"

struct journal {
	char *file;
	char *partial;
	int fd;
	int error; /* of an earlier write: reported at the end, the run goes on */
};

static int fail(const char *what, const char *file, int ret)
{
	fprintf(stderr, "gpuvm-bench: cannot %s %s: %s\n", what, file, strerror(-ret));
	return ret;
}

static void journal_free(struct journal *j)
{
	if (j->fd >= 0)
		close(j->fd);
	free(j->file);
	free(j->partial);
	free(j);
}

/* A rename would replace a device or a pipe by a file. */
static bool replaceable(const char *file)
{
	struct stat st;

	return lstat(file, &st) || S_ISREG(st.st_mode) || S_ISLNK(st.st_mode);
}

/* Is @fd still what @path names? Whoever had it before may have removed it. */
static bool is_named(int fd, const char *path)
{
	struct stat a, b;

	return !fstat(fd, &a) && !stat(path, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Open and empty @path, alone: two writers would mix their lines. Return: -EBUSY if somebody else has it. */
static int open_alone(const char *path)
{
	int fd, ret = 0;

	for (;;) {
		fd = open(path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0644);
		if (fd < 0)
			return -errno;
		if (flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) /* some file systems have no locks */
			ret = -EBUSY;
		if (ret || is_named(fd, path))
			break;
		close(fd);
	}
	if (!ret && ftruncate(fd, 0))
		ret = -errno;
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

struct journal *journal_open(const char *file, const char *header)
{
	struct journal *j;
	int ret = -ENOMEM;

	if (!replaceable(file)) {
		fprintf(stderr, "gpuvm-bench: cannot write %s: not a regular file\n", file);
		return NULL;
	}
	j = calloc(1, sizeof(*j));
	if (!j)
		return NULL;
	j->fd = -1;
	j->file = strdup(file);
	if (j->file && asprintf(&j->partial, "%s.partial.jsonl", file) >= 0) {
		j->fd = open_alone(j->partial);
		ret = j->fd < 0 ? j->fd : save_all(j->fd, header, strlen(header));
		if (!ret)
			ret = save_all(j->fd, "\n", 1);
	}
	if (!ret)
		return j;
	if (ret == -EBUSY)
		fprintf(stderr, "gpuvm-bench: cannot write %s: another process is writing it (%s)\n", file, j->partial);
	else
		fail("write", j->partial ? j->partial : file, ret);
	if (j->fd >= 0)
		unlink(j->partial); /* without its header it is of no use to anybody */
	journal_free(j);
	return NULL;
}

void journal_window(struct journal *j, const struct bench *b)
{
	const struct bench_window *w = &b->window[b->nr - 1];
	char *histogram, *line = NULL;
	int len;

	if (!j || j->error)
		return;
	histogram = latency_json(w->latency);
	len = asprintf(&line,
		       "{\"name\": \"%s\", \"window\": %u, \"ops\": %" PRIu64
		       ", \"ns_per_op\": %.6g, \"ops_per_second\": %.6g, \"cpu_ns_per_op\": %.6g, \"overlap\": %.4f"
		       ", \"fairness\": %.4f, \"allocs\": %" PRIu64 "%s%s}\n",
		       b->name, b->nr - 1, w->ops, w->ns_per_op, w->ops_per_second, w->cpu_ns_per_op, w->overlap,
		       w->fairness, w->stats.v[GPUVM_STAT_ALLOC], histogram ? ", \"histogram_ns\": " : "",
		       histogram ? histogram : "");
	j->error = len < 0 ? -ENOMEM : save_all(j->fd, line, (size_t)len);
	if (len >= 0)
		free(line);
	free(histogram);
}

int journal_commit(struct journal *j, const char *text, size_t size)
{
	int ret = j->error;

	if (ret)
		fail("write", j->partial, ret);
	else
		ret = save_file(j->file, text, size);
	if (ret && !j->error)
		fail("write", j->file, ret);
	if (!ret && unlink(j->partial))
		ret = fail("remove", j->partial, -errno);
	journal_free(j);
	return ret;
}
