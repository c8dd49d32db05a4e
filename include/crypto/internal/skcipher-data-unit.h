/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Data units, for the algorithms that take requests of many of them
 */

#ifndef _CRYPTO_INTERNAL_SKCIPHER_DATA_UNIT_H
#define _CRYPTO_INTERNAL_SKCIPHER_DATA_UNIT_H

#include <crypto/internal/skcipher.h>
#include <crypto/skcipher-data-unit.h>
#include <linux/types.h>
#include <linux/unaligned.h>

int skcipher_prepare_data_unit_alg(struct skcipher_alg *alg);

int skcipher_crypt_data_units(struct skcipher_request *req,
			      int (*crypt)(struct skcipher_request *req));

int skcipher_crypt_data_unit_runs(struct skcipher_request *req,
				  void (*crypt_run)(struct crypto_skcipher *tfm,
						    u8 *dst, const u8 *src,
						    unsigned int bytes, u8 *iv),
				  int (*crypt)(struct skcipher_request *req));

/**
 * skcipher_check_data_units() - is the request a whole number of data units?
 * @req: request on a tfm that has a data unit size set
 *
 * A provider calls this before it writes anything.
 *
 * Context: Any context.
 * Return: 0, or -EINVAL if the length is 0 or not a multiple of the unit size.
 */
static inline int skcipher_check_data_units(struct skcipher_request *req)
{
	struct crypto_skcipher *tfm = crypto_skcipher_reqtfm(req);

	if (!req->cryptlen ||
	    req->cryptlen % crypto_skcipher_data_unit_size(tfm))
		return -EINVAL;
	return 0;
}

/**
 * skcipher_advance_iv() - from the IV of a data unit to that of a later one
 * @iv: SKCIPHER_DATA_UNIT_IVSIZE bytes, updated; need not be aligned
 * @n: what to add
 *
 * Context: Any context.
 */
static inline void skcipher_advance_iv(u8 *iv, u64 n)
{
	u64 low = get_unaligned_le64(iv) + n;

	put_unaligned_le64(low, iv);
	if (unlikely(low < n))
		put_unaligned_le64(get_unaligned_le64(iv + 8) + 1, iv + 8);
}

#endif	/* _CRYPTO_INTERNAL_SKCIPHER_DATA_UNIT_H */
