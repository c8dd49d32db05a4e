/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random numbers for the helpers.  The same state gives the same numbers everywhere.
 */
#ifndef RANDOM_H
#define RANDOM_H

#include <stdint.h>

/* Returns the next of 2^64 numbers, by splitmix64.  The first state may be any number. */
static inline uint64_t random_number(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* Returns a number from 0 to @limit - 1.  @limit is not 0. */
static inline uint64_t random_below(uint64_t *state, uint64_t limit)
{
	return random_number(state) % limit;
}

#endif
