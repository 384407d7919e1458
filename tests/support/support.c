/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* support.c - see support.h */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support.h"

void t_ok_at(int ret, const char *what, const char *file, int line)
{
	if (ret == 0)
		return;
	print_error("%s returned %d (%s)\n", what, ret, strerror(ret < 0 ? -ret : ret));
	_fail(file, line);
}

void t_fails_at(int err, int ret, const char *what, const char *file, int line)
{
	if (ret == err)
		return;
	print_error("%s returned %d (%s), expected %d (%s)\n", what, ret, strerror(ret < 0 ? -ret : ret), err,
		    strerror(-err));
	_fail(file, line);
}

/* ---- random numbers: splitmix64 ---- */

static uint64_t seed_from_environment(void)
{
	const char *text = getenv("GPUVM_SEED");
	struct timespec now;
	char *end;
	uint64_t seed;

	if (!text || !*text) {
		clock_gettime(CLOCK_REALTIME, &now);
		return (uint64_t)now.tv_sec * 1000000007u + (uint64_t)now.tv_nsec;
	}
	seed = strtoull(text, &end, 0);
	if (*end) {
		fprintf(stderr, "GPUVM_SEED=%s: want a number\n", text);
		exit(2);
	}
	return seed;
}

uint64_t t_seed(void)
{
	static bool known;
	static uint64_t seed;

	if (!known) {
		seed = seed_from_environment();
		known = true;
		printf("seed: GPUVM_SEED=%" PRIu64 "\n", seed);
		fflush(stdout);
	}
	return seed;
}

struct t_rng t_rng_make(uint64_t seed)
{
	return (struct t_rng){ .state = seed };
}

uint64_t t_rand(struct t_rng *rng)
{
	uint64_t z = rng->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

uint64_t t_below(struct t_rng *rng, uint64_t n)
{
	return t_rand(rng) % n;
}

/* ---- strategies ---- */

struct gpuvm_device *t_device(const char *list, const char *space, const char *ref, const char *alloc)
{
	const struct gpuvm_device_params params = {
		.preset = "linux", .list = list, .space = space, .ref = ref, .alloc = alloc ? alloc : "glibc"
	};
	struct gpuvm_device *dev = NULL;

	t_ok(gpuvm_device_create(&params, &dev));
	assert_non_null(dev);
	return dev;
}

/* Under the deterministic scheduler a list that stands on liburcu's own code is there in name only. */
static bool runs_here(enum gpuvm_axis axis, const char *name)
{
	const struct gpuvm_device_params params = { .preset = "linux", .list = name, .alloc = "glibc" };
	struct gpuvm_device *dev;
	int ret = axis == GPUVM_AXIS_LIST ? gpuvm_device_create(&params, &dev) : -EINVAL;

	if (!ret)
		gpuvm_device_put(dev);
	return ret != -ENOTSUP;
}

const char *t_strategy(enum gpuvm_axis axis, unsigned int index)
{
	const char *name;
	unsigned int i;

	for (i = 0; (name = gpuvm_strategy_name(axis, i)); i++) {
		if (gpuvm_strategy_is_busted(axis, i) || !runs_here(axis, name))
			continue;
		if (index-- == 0)
			return name;
	}
	return NULL;
}

/* ---- what is alive ---- */

int64_t t_live_now(enum gpuvm_type type)
{
	return gpuvm_debug_enabled() ? gpuvm_debug_live(type) : 0;
}

/* What was alive when nothing waited for a grace period, last time somebody looked. */
static struct t_live settled;
static bool have_settled;

static bool live_differs(const struct t_live *before, bool print)
{
	bool differs = false;
	unsigned int i;

	for (i = 0; i < GPUVM_TYPE_COUNT; i++) {
		if (t_live_now(i) == before->n[i])
			continue;
		if (print)
			print_error("%" PRId64 " live objects of type %s, expected %" PRId64 "\n", t_live_now(i),
				    gpuvm_debug_type_name(i), before->n[i]);
		differs = true;
	}
	return differs;
}

static void settle(void)
{
	unsigned int i;

	gpuvm_quiesce();
	for (i = 0; i < GPUVM_TYPE_COUNT; i++)
		settled.n[i] = t_live_now(i);
	have_settled = true;
}

/* A grace period costs 10 ms: only when it can matter. What was retired still counts as alive. */
void t_live_read(struct t_live *live)
{
	if (!have_settled || live_differs(&settled, false))
		settle();
	*live = settled;
}

bool t_live_equal(const struct t_live *before)
{
	if (!live_differs(before, false))
		return true;
	settle();
	return !live_differs(before, true);
}

void t_assert_live(const struct t_live *before, const char *file, int line)
{
	if (!t_live_equal(before))
		_fail(file, line);
}

uint64_t t_stat(enum gpuvm_stat stat)
{
	struct gpuvm_stats stats;

	gpuvm_stats_read_thread(&stats);
	return stats.v[stat];
}

/* ---- programs ---- */

int t_run(const char *group, const struct CMUnitTest *tests, size_t count)
{
	int failed;

	t_seed();
	gpuvm_thread_enter();
	failed = _cmocka_run_group_tests(group, tests, count, NULL, NULL);
	gpuvm_quiesce();
	gpuvm_thread_leave();
	return failed ? 1 : 0;
}

static _Noreturn void become(const char *arg)
{
	char *argv[] = { "child", (char *)arg, NULL };

	execv("/proc/self/exe", argv);
	_exit(127);
}

int t_child(const char *arg, unsigned int seconds)
{
	const struct timespec tick = { .tv_nsec = 10 * 1000 * 1000 };
	unsigned int ticks = seconds * 100;
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		become(arg);
	while (ticks--) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return status;
		nanosleep(&tick, NULL);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return -1;
}

bool t_child_caught(int status)
{
	if (status == -1)
		return false;
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGABRT;
	return T_SANITIZED && WEXITSTATUS(status) == 66;
}

bool t_child_says(int status, int code)
{
	return status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == code;
}
