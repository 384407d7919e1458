/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * test_peer.c - the core against Linux's own drm_gpuvm.c: the same commands to both; after each, what it returned, the stream
 * of steps, every mapping, every reference count, and the order of the extobj and evict lists must be equal.
 *
 * needs: peer; variants: debug asan release
 *
 * Commands run in a child process, so a crash is a failing sequence like any other: the parent, which can generate it
 * again from the seed, shrinks it and prints a text that --replay FILE runs. Without arguments: all worlds.
 *	test_peer --replay FILE    run it here (in a debugger, say), with a line per command
 *	test_peer --shrink FILE    make it smaller
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../bench/peer/peer.h"
#include "peer/diff.h"
#include "support.h"

/* A sequence in its world. */
struct sequence {
	struct d_world world;
	bool planted; /* falsify what the core says: the machinery must notice */
	unsigned int n;
	struct d_command cmd[D_COMMANDS];
};

/* What a child tells its parent, also when it dies. */
static struct shared {
	uint64_t episode, commands;
	unsigned int at;
	char message[1024];
} * shared;

static const char *program;

/* ---- one command, both sides ---- */

struct play {
	const struct sequence *seq;
	struct d_side *core, *peer;
	struct d_result core_result, peer_result;
	struct d_state core_state, peer_state;
};

static struct play the_play;

static void plant(struct d_result *r)
{
	unsigned int i;

	for (i = 0; i < r->n && i < D_STEPS; i++)
		if (r->step[i].kind == D_STEP_REMAP && r->step[i].prev.present && r->step[i].next.present)
			r->step[i].keep ^= 1;
}

static bool warned(char *buf, size_t size)
{
	char text[256];
	unsigned long n = peer_warnings_take(text, sizeof(text));

	if (n)
		snprintf(buf, size, "linux warned %lu times: %s", n, text);
	return n;
}

static bool command_fails(struct play *p, const struct d_command *c, char *buf, size_t size)
{
	memset(&p->core_result, 0, sizeof(p->core_result));
	memset(&p->peer_result, 0, sizeof(p->peer_result));
	d_core.run(p->core, c, &p->core_result);
	d_linux.run(p->peer, c, &p->peer_result);
	if (p->seq->planted)
		plant(&p->core_result);
	if (d_result_differs(&p->core_result, &p->peer_result, buf, size) || warned(buf, size))
		return true;
	memset(&p->core_state, 0, sizeof(p->core_state));
	memset(&p->peer_state, 0, sizeof(p->peer_state));
	d_core.state(p->core, &p->core_state);
	d_linux.state(p->peer, &p->peer_state);
	if (strcmp(p->seq->world.ref, "kref")) {
		for (unsigned int i = 0; i < D_VMS * D_GEMS; i++)
			p->peer_state.pair[i / D_GEMS][i % D_GEMS].refs = 0;
	}
	return d_state_differs(&p->core_state, &p->peer_state, buf, size);
}

/* True if it fails; shared->at is the command and shared->message says how. */
static bool play(const struct sequence *seq, bool verbose)
{
	struct play *p = &the_play;
	char line[160];
	bool failed = false;

	p->seq = seq;
	p->core = d_core.create(&seq->world);
	p->peer = d_linux.create(&seq->world);
	if (!p->core || !p->peer) {
		snprintf(shared->message, sizeof(shared->message), "the world cannot be made");
		return true;
	}
	for (shared->at = 0; shared->at < seq->n && !failed; shared->at += !failed) {
		if (verbose) {
			d_command_print(&seq->cmd[shared->at], line, sizeof(line));
			printf("%3u  %s\n", shared->at, line);
			fflush(stdout);
		}
		failed = command_fails(p, &seq->cmd[shared->at], shared->message, sizeof(shared->message));
	}
	d_core.destroy(p->core);
	d_linux.destroy(p->peer);
	return failed || warned(shared->message, sizeof(shared->message));
}

/* Both sides gave everything back. */
static bool leaks(void)
{
	unsigned int i;

	gpuvm_quiesce();
	if (peer_mem_live()) {
		snprintf(shared->message, sizeof(shared->message), "linux: %ld blocks leaked", peer_mem_live());
		return true;
	}
	for (i = 0; gpuvm_debug_enabled() && i < GPUVM_TYPE_COUNT; i++) {
		if (!gpuvm_debug_live(i))
			continue;
		snprintf(shared->message, sizeof(shared->message), "core: %" PRId64 " objects of type %s leaked",
			 gpuvm_debug_live(i), gpuvm_debug_type_name(i));
		return true;
	}
	return false;
}

/* ---- in a child ---- */

struct job {
	struct sequence *seq;
	uint64_t seed, commands; /* 0 commands: just seq */
};

static bool do_job(const struct job *job)
{
	if (!job->commands)
		return play(job->seq, false);
	for (shared->episode = 0; shared->commands < job->commands; shared->episode++) {
		job->seq->n = d_generate(job->seed, shared->episode, job->seq->cmd);
		if (play(job->seq, false))
			return true;
		shared->commands += job->seq->n;
	}
	return false;
}

static _Noreturn void child(const struct job *job, unsigned int seconds)
{
	bool failed;

	alarm(seconds);
	gpuvm_thread_enter();
	failed = do_job(job) || leaks();
	gpuvm_thread_leave();
	fflush(NULL);
	exit(failed);
}

/* True if it failed, in whatever way. */
static bool fails(const struct job *job, unsigned int seconds, bool quiet)
{
	int status;
	pid_t pid;

	memset(shared, 0, sizeof(*shared));
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		if (quiet && !freopen("/dev/null", "w", stderr))
			_exit(2);
		child(job, seconds);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("fork");
		exit(2);
	}
	if (status && !shared->message[0])
		snprintf(shared->message, sizeof(shared->message), "the process died: %s",
			 WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "a check or a sanitizer ended it");
	return status != 0;
}

/* ---- shrinking ---- */

static bool still_fails(const struct sequence *seq)
{
	static struct sequence copy;
	const struct job job = { .seq = &copy };

	copy = *seq;
	return fails(&job, 20, true);
}

static bool try_without(struct sequence *seq, unsigned int first, unsigned int n)
{
	static struct sequence candidate;

	candidate = *seq;
	memmove(&candidate.cmd[first], &candidate.cmd[first + n], (seq->n - first - n) * sizeof(candidate.cmd[0]));
	candidate.n -= n;
	if (!still_fails(&candidate))
		return false;
	*seq = candidate;
	return true;
}

/* Numbers that do not matter become 0, which is easier to read. */
static void simplify(struct sequence *seq, unsigned int i)
{
	struct d_command *c = &seq->cmd[i];
	unsigned int *const numbers[] = { &c->vm, &c->off, &c->at, &c->slot, &c->arg };
	unsigned int k, was;

	for (k = 0; k < ARRAY_SIZE(numbers); k++) {
		was = *numbers[k];
		*numbers[k] = 0;
		if (was && !still_fails(seq))
			*numbers[k] = was;
	}
	was = c->n;
	c->n = 1;
	if (was > 1 && !still_fails(seq))
		c->n = was;
}

/* Until no command can be left out. Every part of a sequence is one, so any subset may be tried. */
static void shrink(struct sequence *seq)
{
	unsigned int chunk, first, before, i;

	do {
		before = seq->n;
		for (chunk = seq->n / 2 ? seq->n / 2 : 1; chunk; chunk /= 2)
			for (first = 0; first + chunk <= seq->n && seq->n > 1;)
				first += try_without(seq, first, chunk) ? 0 : chunk;
	} while (seq->n < before);
	for (i = 0; i < seq->n; i++)
		simplify(seq, i);
	(void)still_fails(seq); /* its message */
}

static void print_sequence(FILE *f, const struct sequence *seq)
{
	char line[160];
	unsigned int i;

	d_world_print(&seq->world, line, sizeof(line));
	fprintf(f, "%s\n", line);
	for (i = 0; i < seq->n; i++) {
		d_command_print(&seq->cmd[i], line, sizeof(line));
		fprintf(f, "%s\n", line);
	}
}

static void report(const struct sequence *seq, const char *why)
{
	char path[512];
	FILE *f;

	printf("shrunk to %u commands; at command %u: %s\n", seq->n, shared->at, why);
	print_sequence(stdout, seq);
	snprintf(path, sizeof(path), "%.480s-failure.txt", program);
	f = fopen(path, "w");
	if (!f)
		return;
	fprintf(f, "# %s --replay %s\n", program, path);
	print_sequence(f, seq);
	if (!fclose(f))
		printf("again: %s --replay %s\n", program, path);
}

/* ---- replay ---- */

static bool read_sequence(const char *path, struct sequence *seq)
{
	unsigned int nr = 0;
	bool ok = true, world = false;
	char line[256];
	FILE *f = fopen(path, "r");

	memset(seq, 0, sizeof(*seq));
	if (!f) {
		perror(path);
		return false;
	}
	while (ok && fgets(line, sizeof(line), f)) {
		nr++;
		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (!world)
			ok = world = d_world_parse(line, &seq->world);
		else
			ok = seq->n < D_COMMANDS && d_command_parse(line, &seq->cmd[seq->n++]);
	}
	fclose(f);
	if (!ok || !world)
		fprintf(stderr, "%s:%u: not a world or command\n", path, nr);
	return ok && world;
}

static int replay(const char *path)
{
	static struct sequence seq;
	bool failed;

	if (!read_sequence(path, &seq))
		return 2;
	gpuvm_thread_enter();
	failed = play(&seq, true) || leaks();
	gpuvm_thread_leave();
	printf("%s\n", failed ? shared->message : "no difference");
	return failed;
}

static int shrink_file(const char *path)
{
	static struct sequence seq;

	if (!read_sequence(path, &seq))
		return 2;
	if (!still_fails(&seq)) {
		printf("no difference\n");
		return 0;
	}
	shrink(&seq);
	report(&seq, shared->message);
	return 1;
}

/* ---- tests ---- */

struct config {
	struct d_world world;
	uint64_t commands;
	char name[160];
};

static void world(void **state)
{
	static struct sequence seq;
	const struct config *c = *state;
	const struct job job = { .seq = &seq, .seed = t_seed(), .commands = c->commands };

	seq.planted = false;
	seq.world = c->world;
	if (!fails(&job, 3600, false)) {
		print_message("%" PRIu64 " commands, no difference\n", shared->commands);
		return;
	}
	print_error("episode %" PRIu64 ", command %u: %s\n", shared->episode, shared->at, shared->message);
	seq.n = d_generate(job.seed, shared->episode, seq.cmd);
	if (!still_fails(&seq)) {
		print_error("not in this episode alone: a leak, or something that takes longer\n");
		fail();
	}
	shrink(&seq);
	report(&seq, shared->message);
	fail();
}

/* A false "keep" must be found, shrunk to the mapping and the request that cuts it, and be there in the replay. */
static void planted_difference_is_shrunk(void **state)
{
	static struct sequence seq, again;
	const struct config *c = *state;
	const struct job job = { .seq = &seq, .seed = t_seed(), .commands = 20000 };
	char line[160];
	unsigned int i;

	seq.world = c->world;
	seq.planted = true;
	assert_true(fails(&job, 600, true));
	seq.n = d_generate(job.seed, shared->episode, seq.cmd);
	assert_true(still_fails(&seq));
	shrink(&seq);
	print_message("%s\n", shared->message);
	assert_int_equal(seq.n, 2);
	assert_int_equal(shared->at, 1);
	again = (struct sequence){ .planted = true, .n = seq.n };
	d_world_print(&seq.world, line, sizeof(line));
	assert_true(d_world_parse(line, &again.world));
	for (i = 0; i < seq.n; i++) {
		d_command_print(&seq.cmd[i], line, sizeof(line));
		assert_true(d_command_parse(line, &again.cmd[i]));
	}
	assert_memory_equal(&again, &seq, offsetof(struct sequence, cmd) + seq.n * sizeof(seq.cmd[0]));
	assert_true(still_fails(&again));
	again.planted = false;
	assert_false(still_fails(&again));
}

#define MAX_TESTS 256

static struct config configs[MAX_TESTS];
static struct CMUnitTest tests[MAX_TESTS];
static unsigned int nr_tests;

static struct config *add(const char *list, const char *space, const char *ref, unsigned int mode, uint64_t commands)
{
	struct config *c = &configs[nr_tests];

	if (nr_tests == MAX_TESTS)
		abort();
	c->world = (struct d_world){ .resv_protected = mode & 1, .immediate = mode & 2, .high = mode & 4 };
	c->world.unit = mode & 4 ? 1 : 4096;
	snprintf(c->world.list, sizeof(c->world.list), "%s", list);
	snprintf(c->world.space, sizeof(c->world.space), "%s", space);
	snprintf(c->world.ref, sizeof(c->world.ref), "%s", ref);
	c->commands = commands;
	snprintf(c->name, sizeof(c->name), "list:%s/space:%s/ref:%s/%s%s/unit:%u", list, space, ref,
		 c->world.immediate ? "immediate" : "staged", c->world.resv_protected ? "+resv_protected" : "",
		 c->world.unit);
	tests[nr_tests] = (struct CMUnitTest){ c->name, world, NULL, NULL, c };
	nr_tests++;
	return c;
}

/* The upstream-like strategies in all eight worlds; each other strategy alone in four. */
static void add_all(uint64_t commands)
{
	static const enum gpuvm_axis axes[] = { GPUVM_AXIS_LIST, GPUVM_AXIS_SPACE, GPUVM_AXIS_REF };
	const char *base[] = { "mutex", "rbtree_mutex", "kref" }, *pick[3];
	unsigned int mode, a, i;

	for (mode = 0; mode < 8; mode++)
		add(base[0], base[1], base[2], mode, commands / 8);
	for (a = 0; a < ARRAY_SIZE(axes); a++) {
		memcpy(pick, base, sizeof(pick));
		for (i = 0; (pick[a] = t_strategy(axes[a], i)); i++)
			for (mode = 0; strcmp(pick[a], base[a]) && mode < 4; mode++)
				add(pick[0], pick[1], pick[2], mode ^ (i % 2 ? 4 : 0), commands / 32);
	}
	tests[nr_tests] = (struct CMUnitTest){ "planted_difference_is_shrunk", planted_difference_is_shrunk, NULL, NULL,
					       &configs[0] };
	nr_tests++;
}

/* In `make test` the debug and the release build each run 4 * 10^5 commands and more; `make test-long` 10^7. */
static uint64_t how_many(void)
{
	if (getenv("GPUVM_TEST_LONG"))
		return T_SANITIZED ? 200 * 1000 : 10 * 1000 * 1000;
	return T_SANITIZED ? 20 * 1000 : 400 * 1000;
}

int main(int argc, char **argv)
{
	program = argv[0];
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 2;
	if (argc == 3 && !strcmp(argv[1], "--replay"))
		return replay(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "--shrink"))
		return shrink_file(argv[2]);
	if (argc != 1) {
		fprintf(stderr, "usage: %s [--replay FILE | --shrink FILE]\n", argv[0]);
		return 2;
	}
	t_seed();
	printf("Linux %s (%s)\n", peer_version(), peer_package());
	add_all(how_many());
	return _cmocka_run_group_tests("peer", tests, nr_tests, NULL, NULL) ? 1 : 0;
}
