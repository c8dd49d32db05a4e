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
 * A caller that encrypts storage has many data units (sectors, file system
 * blocks) whose requests differ only in the IV.  With one request per data
 * unit, the caller pays for the setup, dispatch and completion of each request.
 *
 * An algorithm with CRYPTO_ALG_SKCIPHER_MULTI_DATA_UNIT in its flags takes
 * requests of many data units.  The caller sets the size of a data unit once,
 * with crypto_skcipher_set_data_unit_size().  After that, a request on this tfm
 * may hold any number of data units.  The algorithm processes data unit n,
 * counted from 0, like a separate request with the IV
 *
 *	IV + n * step  (mod 2^128)
 *
 * where IV is the IV of the request.  IVs are 128-bit little-endian numbers.
 * The step is 1, unless crypto_skcipher_set_data_unit() has set another step
 * together with the size.
 *
 * While a data unit size is set:
 *
 * - the length of a request must be a positive multiple of the data unit size,
 *   otherwise the request fails with -EINVAL and writes nothing;
 * - source and destination follow the rules of any skcipher request.  They are
 *   the same or distinct.  Each has any number of scatterlist entries.  A data
 *   unit may begin and end anywhere in an entry;
 * - when a request completes, the IV buffer holds the caller's IV again;
 * - if a request fails with an error other than -EINVAL for its length, the
 *   content of the destination is undefined, as without data units.
 *
 * The size and the step belong to the tfm, like the key.  Setting a key does
 * not change them.
 *
 * A synchronous algorithm returns only after the last data unit.  A caller that
 * may be rescheduled, but must not wait for memory, sets
 * CRYPTO_TFM_REQ_MAY_YIELD in the request.
 */

/*
 * The algorithm takes requests of many data units.  A wrapper around another
 * algorithm may set this flag only if its ->set_data_unit() passes size and
 * step to the wrapped algorithm.
 *
 * Do not use this flag in a lookup: with the flag in type and mask, the lookup
 * finds no templates.
 */
#define CRYPTO_ALG_SKCIPHER_MULTI_DATA_UNIT	0x01000000

/* IV size in bytes of all algorithms with the flag */
#define SKCIPHER_DATA_UNIT_IVSIZE		16

/* Limits of the bit fields in struct crypto_skcipher */
#define SKCIPHER_DATA_UNIT_MAX_SIZE		((1U << 24) - 1)
#define SKCIPHER_DATA_UNIT_MAX_STEP		((1U << 8) - 1)

/**
 * crypto_skcipher_supports_multi_data_unit() - test for the flag
 * @tfm: cipher handle
 *
 * Context: Any context.
 * Return: true if the algorithm of @tfm takes requests of many data units.
 */
static inline bool
crypto_skcipher_supports_multi_data_unit(struct crypto_skcipher *tfm)
{
	return crypto_skcipher_alg_common(tfm)->base.cra_flags &
	       CRYPTO_ALG_SKCIPHER_MULTI_DATA_UNIT;
}

/**
 * crypto_skcipher_data_unit_size() - get the size of a data unit
 * @tfm: cipher handle
 *
 * Context: Any context.
 * Return: the size in bytes, or 0 if requests are not divided into data units.
 */
static inline unsigned int
crypto_skcipher_data_unit_size(struct crypto_skcipher *tfm)
{
	return tfm->data_unit_size;
}

/**
 * crypto_skcipher_data_unit_step() - get the IV step between data units
 * @tfm: cipher handle
 *
 * Context: Any context.
 * Return: the number that is added to the IV from one data unit to the next, or
 *	   0 if requests are not divided into data units.
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
 * Same as crypto_skcipher_set_data_unit() with an IV step of 1.
 *
 * Context: Process context.  May sleep.
 * Return: Same as crypto_skcipher_set_data_unit().
 */
static inline int
crypto_skcipher_set_data_unit_size(struct crypto_skcipher *tfm,
				   unsigned int size)
{
	return crypto_skcipher_set_data_unit(tfm, size, 1);
}

#endif	/* _CRYPTO_SKCIPHER_DATA_UNIT_H */
