/*
 * check.h
 *		The smallest frame for unit tests: CHECK counts, finish() reports.
 *
 * Each test is one program, built with address and undefined-behaviour
 * sanitizers by "make unit"; its last line is "N passed, N failed".
 */
#ifndef DJUST_CHECK_H
#define DJUST_CHECK_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int checks_passed;
static int checks_failed;

static inline void
check(bool good, const char *file, int line, const char *what)
{
	if (good)
	{
		checks_passed++;
		return;
	}
	checks_failed++;
	fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
}

#define CHECK(condition) check((condition), __FILE__, __LINE__, #condition)

/* The same with words of your own: CHECK_THAT(ok, vector->name). */
#define CHECK_THAT(condition, what) check((condition), __FILE__, __LINE__, (what))

static inline int
finish(void)
{
	printf("%d passed, %d failed\n", checks_passed, checks_failed);
	return checks_failed == 0 && checks_passed > 0 ? 0 : 1;
}

#endif
