/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Numbers on the command lines of the helpers
 */
#ifndef PARSE_NUMBER_H
#define PARSE_NUMBER_H

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * The number that the text begins with.  It must end there, or with a comma if the
 * caller wants to know where.  Ends the program if it is none from 0 to 2^64 - 1.
 */
static inline unsigned long long parse_number(const char *option, const char *text, char **end)
{
	unsigned long long value;
	char *rest;

	errno = 0;
	value = strtoull(text, &rest, 0);
	if (errno || rest == text || strchr(text, '-') || (*rest && (!end || *rest != ',')))
		errx(1, "%s: '%s' is not a number from 0 to 2^64 - 1", option, text);
	if (end)
		*end = rest;
	return value;
}

#endif
