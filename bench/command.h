/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * command.h - a command line as a table: one row per option, which parses, prints --help and words every refusal; shared
 * by gpuvm-bench and gpuvm-stress.
 */
#ifndef BENCH_COMMAND_H
#define BENCH_COMMAND_H

#include <stdbool.h>

/**
 * struct option_row - one option
 * @name: without the dashes
 * @takes: what its value may be, for the messages and --help; NULL: it has none
 * @doc: what it does
 * @set: store @value (NULL if it takes none). Return: false if the value is bad
 */
struct option_row {
	const char *name;
	const char *takes;
	const char *doc;
	bool (*set)(void *to, const char *value);
};

/**
 * struct command - a program's command line; --help and --version come of themselves
 * @name: the program
 * @doc: what it does, a sentence
 * @rows: its options; ends with a NULL name
 * @after: what --help says behind them: examples, exit status
 * @version: prints what --version says
 */
struct command {
	const char *name;
	const char *doc;
	const struct option_row *rows;
	const char *after;
	void (*version)(void);
};

enum command_result {
	COMMAND_RUN,
	COMMAND_DONE,
	COMMAND_BAD
};

/**
 * command_parse() - read the command line; a value is behind "=" or is the next word
 * @to: handed to the rows' set()
 *
 * Return: COMMAND_RUN: go on; COMMAND_DONE: --help or --version were served; COMMAND_BAD: a message that names the option
 * and what it takes was printed to stderr, exit with 2.
 */
enum command_result command_parse(const struct command *c, void *to, int argc, char **argv);

#endif /* BENCH_COMMAND_H */
