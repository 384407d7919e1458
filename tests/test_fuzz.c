/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * test_fuzz.c - replays tests/fuzz/corpus on the fuzzer's targets, in every variant, without a fuzzer. One input:
 *
 *	build/debug/tests/test_fuzz ops|parse FILE...
 */
#include <dirent.h>

#include "fuzz/fuzz.h"
#include "support.h"

typedef void target(const uint8_t *data, size_t size);

#define INPUT_BYTES 4096

static void replay(target *t, const char *path)
{
	static uint8_t data[INPUT_BYTES];
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(2);
	}
	n = fread(data, 1, sizeof(data), f);
	fclose(f);
	t(data, n);
}

static void replay_all(target *t, const char *what)
{
	char path[512];
	struct dirent *e;
	unsigned int n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "tests/fuzz/corpus/%s", what);
	d = opendir(path);
	assert_non_null(d); /* run it from the top of the tree, as make test does */
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "tests/fuzz/corpus/%s/%s", what, e->d_name);
		replay(t, path);
		n++;
	}
	closedir(d);
	assert_true(n > 0);
	print_message("%u inputs\n", n);
}

static void ops(void **state)
{
	replay_all(fuzz_ops, "ops");
}

static void parse(void **state)
{
	replay_all(fuzz_parse, "parse");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(ops), cmocka_unit_test(parse) };
	int i;

	if (argc < 2)
		return t_run("fuzz", tests, ARRAY_SIZE(tests));
	gpuvm_thread_enter();
	for (i = 2; i < argc; i++)
		replay(strcmp(argv[1], "ops") ? fuzz_parse : fuzz_ops, argv[i]);
	return 0;
}
