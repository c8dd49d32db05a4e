/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Data units, for the algorithms that take requests of many of them
 */

#ifndef _CRYPTO_INTERNAL_SKCIPHER_DATA_UNIT_H
#define _CRYPTO_INTERNAL_SKCIPHER_DATA_UNIT_H

#include <crypto/internal/skcipher.h>
#include <crypto/skcipher-data-unit.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/unaligned.h>

int skcipher_prepare_data_unit_alg(struct skcipher_alg *alg);

int skcipher_crypt_data_units(struct skcipher_request *req,
			      int (*crypt)(struct skcipher_request *req));

/**
 * struct skcipher_data_unit_pos - a place in a scatterlist
 * @sg: entry of the list
 * @offset: bytes into the data of @sg
 */
struct skcipher_data_unit_pos {
	struct scatterlist *sg;
	unsigned int offset;
};

/**
 * struct skcipher_data_unit_walk - a request of many data units, run by run
 * @src: where the run is read from
 * @dst: where it is written to
 * @units: length of the run in data units
 * @bytes: the same in bytes; 0 if there is no run any more
 * @left: bytes from the beginning of the run to the end of the request
 * @size: bytes of a data unit
 * @step: what to add to the IV from one data unit to the next
 * @iv: IV of the first data unit of the run, to be taken on by the caller
 * @req: the request
 * @crypt: processes a data unit that does not lie in one piece
 * @src_pos: where the run begins in the source list
 * @dst_pos: where it begins in the destination list
 *
 * See skcipher_data_unit_walk_start().  What comes after @iv is not for users.
 */
struct skcipher_data_unit_walk {
	const u8 *src;
	u8 *dst;
	unsigned int units;
	unsigned int bytes;
	unsigned int left;
	unsigned int size;
	unsigned int step;
	u8 iv[SKCIPHER_DATA_UNIT_IVSIZE] __aligned(__alignof__(u64));

	struct skcipher_request *req;
	int (*crypt)(struct skcipher_request *req);
	struct skcipher_data_unit_pos src_pos;
	struct skcipher_data_unit_pos dst_pos;
};

int skcipher_data_unit_walk_start(struct skcipher_data_unit_walk *walk,
				  struct skcipher_request *req,
				  int (*crypt)(struct skcipher_request *req));
int skcipher_data_unit_walk_next(struct skcipher_data_unit_walk *walk);

int skcipher_pass_data_unit(struct crypto_skcipher *child, unsigned int size,
			    unsigned int step);

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

/**
 * skcipher_crypt_one_data_unit() - process a request of a single data unit
 * @req: request whose length is the data unit size
 * @crypt: processes a request of one message.  Has to be synchronous.  May change
 *	   the IV buffer, and nothing else of the request.
 *
 * Such a request needs no walk, and is what small I/O consists of.
 *
 * Context: As @crypt requires.
 * Return: what @crypt returns.
 */
static __always_inline int
skcipher_crypt_one_data_unit(struct skcipher_request *req,
			     int (*crypt)(struct skcipher_request *req))
{
	u8 iv[SKCIPHER_DATA_UNIT_IVSIZE];
	int err;

	memcpy(iv, req->iv, sizeof(iv));
	err = crypt(req);
	memcpy(req->iv, iv, sizeof(iv));
	return err;
}

#endif	/* _CRYPTO_INTERNAL_SKCIPHER_DATA_UNIT_H */
