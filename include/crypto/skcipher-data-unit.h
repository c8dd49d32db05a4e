/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Symmetric key cipher requests made of many data units
 */

#ifndef _CRYPTO_SKCIPHER_DATA_UNIT_H
#define _CRYPTO_SKCIPHER_DATA_UNIT_H

#include <crypto/skcipher.h>
#include <linux/types.h>

/**
 * DOC: Requests of many data units
 *
 * A caller that encrypts storage has a run of data units (sectors, file system
 * blocks) that differ in nothing but the IV.  Given one request per unit, it
 * pays for setting up, dispatching and completing a request as often as it has
 * units.
 *
 * An algorithm that has CRYPTO_ALG_SKCIPHER_MULTI_DATA_UNIT in its flags can be
 * told the size of a data unit, once, with crypto_skcipher_set_data_unit_size().
 * From then on a request on that tfm may hold any number of units.  Unit n of a
 * request, counted from 0, is processed as a request of its own would be whose
 * IV is
 *
 *	IV + n * step  (mod 2^128)
 *
 * where both are 128-bit little-endian numbers.  The step is 1, unless
 * crypto_skcipher_set_data_unit() has set another one together with the size.
 *
 * While a data unit size is set:
 *
 * - the length of a request has to be a positive multiple of it, otherwise the
 *   request fails with -EINVAL and nothing is written;
 * - source and destination follow the rules of any skcipher request: the same
 *   or distinct, each with as many scatterlist entries as it takes, and a data
 *   unit may begin and end anywhere in an entry;
 * - when the request is complete, the IV buffer holds what the caller put there;
 * - when a request fails with another error than -EINVAL for its length, the
 *   content of the destination is undefined, as it is without data units.
 *
 * The size and the step are properties of the tfm, as the key is.  Setting a key
 * leaves them alone.
 *
 * A synchronous algorithm is busy with such a request for as long as with all of
 * its units.  A caller that may be rescheduled, but must not wait for memory, sets
 * CRYPTO_TFM_REQ_MAY_YIELD in the request.
 */

/*
 * The algorithm takes requests of many data units.  A wrapper around another
 * algorithm may set this only if its ->set_data_unit() hands size and step on.
 *
 * It is for an algorithm to have, not for a user to ask for: in the type and the
 * mask of a lookup it finds no templates.
 */
#define CRYPTO_ALG_SKCIPHER_MULTI_DATA_UNIT	0x01000000

/* Bytes of IV that an algorithm with the flag has. */
#define SKCIPHER_DATA_UNIT_IVSIZE		16

/* A tfm has room for no more. */
#define SKCIPHER_DATA_UNIT_MAX_SIZE		((1U << 24) - 1)
#define SKCIPHER_DATA_UNIT_MAX_STEP		((1U << 8) - 1)

/**
 * crypto_skcipher_supports_multi_data_unit() - may requests hold many units?
 * @tfm: cipher handle
 *
 * Context: Any context.
 * Return: true if the algorithm behind @tfm takes requests of many data units.
 */
static inline bool
crypto_skcipher_supports_multi_data_unit(struct crypto_skcipher *tfm)
{
	return crypto_skcipher_alg_common(tfm)->base.cra_flags &
	       CRYPTO_ALG_SKCIPHER_MULTI_DATA_UNIT;
}

/**
 * crypto_skcipher_data_unit_size() - obtain the size of a data unit
 * @tfm: cipher handle
 *
 * Context: Any context.
 * Return: the size in bytes, 0 if a request is not divided into data units.
 */
static inline unsigned int
crypto_skcipher_data_unit_size(struct crypto_skcipher *tfm)
{
	return tfm->data_unit_size;
}

/**
 * crypto_skcipher_data_unit_step() - obtain the IV step between data units
 * @tfm: cipher handle
 *
 * Context: Any context.
 * Return: what is added to the IV from one data unit to the next; 0 if a request
 *	   is not divided into data units.
 */
static inline unsigned int
crypto_skcipher_data_unit_step(struct crypto_skcipher *tfm)
{
	return tfm->data_unit_step;
}

int crypto_skcipher_set_data_unit(struct crypto_skcipher *tfm,
				  unsigned int size, unsigned int step);

/**
 * crypto_skcipher_set_data_unit_size() - let requests hold many data units
 * @tfm: cipher handle
 * @size: size of a data unit in bytes, or 0
 *
 * This is crypto_skcipher_set_data_unit() with an IV step of 1.
 *
 * Context: Process context.  May sleep.
 * Return: As crypto_skcipher_set_data_unit().
 */
static inline int
crypto_skcipher_set_data_unit_size(struct crypto_skcipher *tfm,
				   unsigned int size)
{
	return crypto_skcipher_set_data_unit(tfm, size, 1);
}

#endif	/* _CRYPTO_SKCIPHER_DATA_UNIT_H */
