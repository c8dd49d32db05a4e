/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Parse numbers on the command lines of the helpers
 */
#ifndef PARSE_NUMBER_H
#define PARSE_NUMBER_H

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Returns the number at the start of @text.  If @end is not NULL, a comma may follow the
 * number.  Nothing else may follow.  Ends the program if the number is not from 0 to
 * 2^64 - 1, or if something else follows.
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
