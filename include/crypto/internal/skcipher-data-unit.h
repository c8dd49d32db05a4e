/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Data units, for the algorithms that take requests of many of them
 */

#ifndef _CRYPTO_INTERNAL_SKCIPHER_DATA_UNIT_H
#define _CRYPTO_INTERNAL_SKCIPHER_DATA_UNIT_H

#include <crypto/internal/skcipher.h>
#include <crypto/scatterwalk.h>
#include <crypto/skcipher-data-unit.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/unaligned.h>

/* The walk hands out at most this many data units at a time. */
#define SKCIPHER_DATA_UNITS_AT_ONCE	16U

/**
 * struct skcipher_data_unit_run - data units that follow each other in memory
 * @src: where the units are read from
 * @dst: where they are written to: the same as @src, or memory that does not
 *	 overlap
 * @units: how many data units; at least 1
 */
struct skcipher_data_unit_run {
	const u8 *src;
	u8 *dst;
	unsigned int units;
};

/**
 * struct skcipher_data_unit_pos - a place in a scatterlist
 * @sg: entry of the list
 * @virt: its address, not to be used with highmem
 * @left: bytes from there to the end of @sg; at least 1
 */
struct skcipher_data_unit_pos {
	struct scatterlist *sg;
	void *virt;
	unsigned int left;
};

/**
 * skcipher_data_unit_pos_advance() - go on in a scatterlist
 * @pos: updated
 * @bytes: how far; there has to be something behind
 *
 * Context: Any context.
 */
static inline void
skcipher_data_unit_pos_advance(struct skcipher_data_unit_pos *pos,
			       unsigned int bytes)
{
	if (bytes < pos->left) {
		pos->virt += bytes;
		pos->left -= bytes;
		return;
	}
	do {
		bytes -= pos->left;
		pos->sg = sg_next(pos->sg);
		pos->left = pos->sg->length;
	} while (bytes >= pos->left);
	pos->virt = sg_virt(pos->sg) + bytes;
	pos->left -= bytes;
}

/**
 * skcipher_data_unit_pos_start() - begin with a scatterlist
 * @pos: becomes the first byte of the list
 * @sg: list that is not empty
 *
 * Context: Any context.
 */
static inline void
skcipher_data_unit_pos_start(struct skcipher_data_unit_pos *pos,
			     struct scatterlist *sg)
{
	/* An empty entry may have no page. */
	while (!sg->length)
		sg = sg_next(sg);
	pos->sg = sg;
	pos->virt = sg_virt(sg);
	pos->left = sg->length;
}

/**
 * skcipher_data_unit_pos_offset() - where in its entry a position is
 * @pos: position
 *
 * Return: bytes from the begin of @pos->sg.
 */
static inline unsigned int
skcipher_data_unit_pos_offset(const struct skcipher_data_unit_pos *pos)
{
	return pos->sg->length - pos->left;
}

/**
 * skcipher_data_unit_pos_sg() - the list from a position on
 * @pos: position
 * @sg: two entries, which are used where @pos is in the middle of an entry
 *
 * Many drivers expect the offset of an entry to lie within its first page.  It does
 * if it does in the whole list.
 *
 * Context: Any context.
 * Return: the list, which is valid for as long as @sg is.
 */
static inline struct scatterlist *
skcipher_data_unit_pos_sg(const struct skcipher_data_unit_pos *pos,
			  struct scatterlist sg[2])
{
	unsigned int offset = skcipher_data_unit_pos_offset(pos);
	struct scatterlist *at = scatterwalk_ffwd(sg, pos->sg, offset);

	if (at == sg)
		sg_set_page(sg, sg_page(sg) + (sg->offset >> PAGE_SHIFT),
			    sg->length, offset_in_page(sg->offset));
	return at;
}

/**
 * struct skcipher_data_unit_walk - a request of many data units, some at a time
 * @units: data units that the walk hands out now, all runs together; 0 at the end
 * @nr_runs: number of runs that these lie in
 * @index: index of the first of them in the request, counted from 0
 * @total: data units of the request
 * @size: bytes of a data unit
 * @step: what to add to the IV from one data unit to the next
 * @iv: IV of the first data unit that is handed out
 * @runs: the runs, in the order of the request
 *
 * See skcipher_data_unit_walk_start().  The walk is read-only for its users.
 */
struct skcipher_data_unit_walk {
	unsigned int units;
	unsigned int nr_runs;
	unsigned int index;
	unsigned int total;
	unsigned int size;
	unsigned int step;
	u8 iv[SKCIPHER_DATA_UNIT_IVSIZE] __aligned(__alignof__(u64));
	struct skcipher_data_unit_run runs[SKCIPHER_DATA_UNITS_AT_ONCE];

	/* private: the rest of the request, behind the runs */
	unsigned int left;
	unsigned int max_units;
	unsigned int alignmask;
	struct skcipher_request *req;
	int (*crypt)(struct skcipher_request *req);
	struct skcipher_data_unit_pos src;
	struct skcipher_data_unit_pos dst;
};

int skcipher_data_unit_walk_start(struct skcipher_data_unit_walk *walk,
				  struct skcipher_request *req,
				  unsigned int max_bytes,
				  int (*crypt)(struct skcipher_request *req));
int skcipher_data_unit_walk_next(struct skcipher_data_unit_walk *walk);

int skcipher_crypt_data_units(struct skcipher_request *req,
			      int (*crypt)(struct skcipher_request *req));

/**
 * skcipher_check_data_units() - is the request a whole number of data units?
 * @req: request on a tfm that has a data unit size set
 *
 * For a provider that uses neither the walk nor skcipher_crypt_data_units(), both
 * of which check this.  Such a provider calls it before it writes anything.
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
 * skcipher_dispatch_data_units() - tell requests with data units from others
 * @req: any request
 * @crypt_one: processes a request of one message.  Has to be synchronous.  May
 *	       change the IV buffer, and nothing else of the request.
 * @crypt_units: processes a request of several data units, and checks its length
 *
 * For ->encrypt() and ->decrypt(): a request without data units goes to @crypt_one
 * after a single test.  So does a request of one data unit, of which small I/O
 * consists: it needs no walk.
 *
 * Context: As the two functions require.
 * Return: as the two functions do.
 */
static __always_inline int
skcipher_dispatch_data_units(struct skcipher_request *req,
			     int (*crypt_one)(struct skcipher_request *req),
			     int (*crypt_units)(struct skcipher_request *req))
{
	const unsigned int size =
		crypto_skcipher_data_unit_size(crypto_skcipher_reqtfm(req));
	u8 iv[SKCIPHER_DATA_UNIT_IVSIZE];
	int err;

	if (!size)
		return (*crypt_one)(req);
	if (req->cryptlen != size)
		return (*crypt_units)(req);

	memcpy(iv, req->iv, sizeof(iv));
	err = (*crypt_one)(req);
	memcpy(req->iv, iv, sizeof(iv));
	return err;
}

#endif	/* _CRYPTO_INTERNAL_SKCIPHER_DATA_UNIT_H */
