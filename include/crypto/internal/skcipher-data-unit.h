/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Helpers for algorithms that take requests of many data units
 */

#ifndef _CRYPTO_INTERNAL_SKCIPHER_DATA_UNIT_H
#define _CRYPTO_INTERNAL_SKCIPHER_DATA_UNIT_H

#include <crypto/internal/skcipher.h>
#include <crypto/scatterwalk.h>
#include <crypto/skcipher-data-unit.h>
#include <linux/kasan.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/unaligned.h>

/* The walk hands out at most this many data units at a time. */
#define SKCIPHER_DATA_UNITS_AT_ONCE	16U

/**
 * struct skcipher_data_unit_run - data units that follow each other in memory
 * @src: address of the input
 * @dst: address of the output: the same as @src, or memory that does not
 *	 overlap
 * @units: number of data units, at least 1
 */
struct skcipher_data_unit_run {
	const u8 *src;
	u8 *dst;
	unsigned int units;
};

/**
 * struct skcipher_data_unit_pos - a position in a scatterlist
 * @sg: entry that contains the position
 * @virt: address of the position; do not use it with highmem.  Has no KASAN tag:
 *	  the pages of an entry may have different ones.
 * @left: bytes from the position to the end of @sg, at least 1
 */
struct skcipher_data_unit_pos {
	struct scatterlist *sg;
	void *virt;
	unsigned int left;
};

/**
 * skcipher_data_unit_pos_advance() - move a position forward
 * @pos: position, updated
 * @bytes: distance; the new position must lie before the end of the list
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
	pos->virt = kasan_reset_tag(sg_virt(pos->sg)) + bytes;
	pos->left -= bytes;
}

/**
 * skcipher_data_unit_pos_start() - set a position to the start of a scatterlist
 * @pos: set to the first byte of the list
 * @sg: list of at least one byte
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
	pos->virt = kasan_reset_tag(sg_virt(sg));
	pos->left = sg->length;
}

/**
 * skcipher_data_unit_pos_offset() - get the offset of a position in its entry
 * @pos: position
 *
 * Context: Any context.
 * Return: bytes from the start of @pos->sg to the position.
 */
static inline unsigned int
skcipher_data_unit_pos_offset(const struct skcipher_data_unit_pos *pos)
{
	return pos->sg->length - pos->left;
}

/**
 * skcipher_data_unit_pos_sg() - get the list that begins at a position
 * @pos: position
 * @sg: room for two entries, used if @pos is in the middle of an entry
 *
 * Many drivers expect the offset of an entry to lie within its first page.  If
 * this holds for the whole list, it also holds for the returned list.
 *
 * Context: Any context.
 * Return: the list.  It is valid as long as @sg is.
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
 * struct skcipher_data_unit_walk - a walk through a request of many data units
 * @units: number of data units handed out now, in all runs together; 0 at the
 *	   end and after an error
 * @nr_runs: number of runs handed out now
 * @index: number of the first data unit handed out, counted from 0 in the
 *	   request
 * @total: number of data units in the request
 * @size: size of a data unit in bytes
 * @step: number to add to the IV from one data unit to the next
 * @iv: IV of the first data unit handed out
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

	/* private: the rest of the request, after the runs */
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
 * struct skcipher_data_unit_ivs - IVs of data units, for ciphers that encrypt them
 * @iv: the IVs, one a data unit
 * @first: number of the data unit of the first IV, counted from 0 in the request
 * @end: @first plus the number of IVs.  Set it to 0 before the walk starts.
 *
 * The IV of data unit i is @iv[i - @first].  Encrypting many IVs together is
 * faster than one by one.  So there are also IVs of later data units.
 */
struct skcipher_data_unit_ivs {
	u8 iv[SKCIPHER_DATA_UNITS_AT_ONCE][SKCIPHER_DATA_UNIT_IVSIZE];
	unsigned int first;
	unsigned int end;
};

/**
 * skcipher_data_unit_ivs_missing() - check for the IVs of the data units handed out
 * @ivs: the IVs.  If some are missing, the function sets @ivs->first and
 *	 @ivs->end, and the caller makes new IVs.
 * @walk: walk that has handed out data units
 *
 * The walk processes some data units itself, for example those in several
 * pieces.  So it may also be past the last IV.
 *
 * Context: Any context.
 * Return: 0, or the number of IVs to make, beginning with that of the first data
 *	   unit handed out.
 */
static __always_inline unsigned int
skcipher_data_unit_ivs_missing(struct skcipher_data_unit_ivs *ivs,
			       const struct skcipher_data_unit_walk *walk)
{
	unsigned int n;

	if (walk->index + walk->units <= ivs->end)
		return 0;
	n = min(walk->total - walk->index, SKCIPHER_DATA_UNITS_AT_ONCE);
	ivs->first = walk->index;
	ivs->end = walk->index + n;
	return n;
}

/**
 * skcipher_data_unit_make_ivs() - make IVs
 * @ivs: overwritten with the IV of the first data unit handed out, and those
 *	 after it
 * @walk: walk that has handed out data units
 * @n: number of IVs
 *
 * Context: Any context.
 */
static __always_inline void
skcipher_data_unit_make_ivs(struct skcipher_data_unit_ivs *ivs,
			    const struct skcipher_data_unit_walk *walk,
			    unsigned int n)
{
	u64 low = get_unaligned_le64(walk->iv);
	u64 high = get_unaligned_le64(walk->iv + 8);
	unsigned int i;

	for (i = 0; i < n; i++) {
		put_unaligned_le64(low, ivs->iv[i]);
		put_unaligned_le64(high, ivs->iv[i] + 8);
		low += walk->step;
		high += low < walk->step;
	}
}

/**
 * skcipher_check_data_units() - check for a whole number of data units
 * @req: request on a tfm that has a data unit size set
 *
 * The walk and skcipher_crypt_data_units() do this check.  A driver that uses
 * neither of them calls this function before it writes anything.
 *
 * Context: Any context.
 * Return: 0, or -EINVAL if the length is 0 or not a multiple of the data unit
 *	   size.
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
 * skcipher_advance_iv() - advance an IV to that of a later data unit
 * @iv: SKCIPHER_DATA_UNIT_IVSIZE bytes, updated; need not be aligned
 * @n: number to add
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
 * skcipher_dispatch_data_units() - choose the function for a request
 * @req: any request
 * @crypt_one: processes a request of one message.  Must be synchronous.  May
 *	       change the IV buffer, but nothing else in the request.
 * @crypt_units: processes a request of several data units.  Must check the
 *		 length.
 *
 * For ->encrypt() and ->decrypt().  A request without data units goes to
 * @crypt_one after a single test.  A request of one data unit needs no walk, so
 * it also goes to @crypt_one.  Small I/O consists of such requests.
 *
 * Context: As @crypt_one and @crypt_units require.
 * Return: the return value of the function chosen.
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
