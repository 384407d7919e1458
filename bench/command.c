/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * command.c - see command.h.
 */
#include "command.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#ifdef GPUVM_HAVE_JEMALLOC
/* With a word in MALLOC_CONF that jemalloc does not know, it would say so and go on: another benchmark than was asked for. */
extern const char *malloc_conf __attribute__((visibility("default")));
const char *malloc_conf = "abort_conf:true";
#endif

static void print_row(const char *name, const char *takes, const char *doc)
{
	char left[48];

	snprintf(left, sizeof(left), "--%s%s", name, takes ? "=VALUE" : "");
	printf("  %-22s %s\n", left, doc);
	if (takes)
		printf("  %-22s VALUE: %s\n", "", takes);
}

static void help(const struct command *c)
{
	const struct option_row *r;

	printf("usage: %s [OPTION]...\n\n%s\n\n", c->name, c->doc);
	for (r = c->rows; r->name; r++)
		print_row(r->name, r->takes, r->doc);
	print_row("version", NULL, "print versions and exit");
	print_row("help", NULL, "print this and exit");
	printf("\n%s\n", c->after);
}

/* @len characters of @arg name it; NULL if there is no such option. */
static const struct option_row *find_row(const struct command *c, const char *arg, size_t len)
{
	const struct option_row *r;

	for (r = c->rows; r->name; r++)
		if (strlen(r->name) == len && !strncmp(r->name, arg, len))
			return r;
	return NULL;
}

static int refuse(const struct command *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int refuse(const struct command *c, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", c->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "; %s --help lists what there is\n", c->name);
	return 0;
}

/* Return: words used, 0 if the option is bad. */
static int parse_one(const struct command *c, void *to, char **argv)
{
	const char *arg = argv[0], *eq = strchr(arg, '='), *value = eq ? eq + 1 : NULL;
	size_t len = eq ? (size_t)(eq - arg) : strlen(arg);
	const struct option_row *r = strncmp(arg, "--", 2) ? NULL : find_row(c, arg + 2, len - 2);
	int used = 1;

	if (!r)
		return refuse(c, "unknown option '%s'", arg);
	if (!r->takes && eq)
		return refuse(c, "--%s takes no value, got '%s'", r->name, value);
	if (r->takes && !eq) {
		value = argv[1];
		used = 2;
	}
	if (r->takes && !value)
		return refuse(c, "--%s wants a value: %s", r->name, r->takes);
	if (!r->set(to, value))
		return refuse(c, "--%s=%s: want %s", r->name, value, r->takes);
	return used;
}

enum command_result command_parse(const struct command *c, void *to, int argc, char **argv)
{
	int i, used;

	for (i = 1; i < argc; i += used) {
		if (!strcmp(argv[i], "--help")) {
			help(c);
			return COMMAND_DONE;
		}
		if (!strcmp(argv[i], "--version")) {
			c->version();
			return COMMAND_DONE;
		}
		used = parse_one(c, to, argv + i);
		if (!used)
			return COMMAND_BAD;
	}
	return COMMAND_RUN;
}
