// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Symmetric key cipher requests made of many data units
 */

#include <crypto/internal/skcipher-data-unit.h>
#include <crypto/scatterwalk.h>
#include <linux/bug.h>
#include <linux/cacheflush.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/scatterlist.h>
#include <linux/string.h>

#include "internal.h"

/**
 * skcipher_prepare_data_unit_alg() - check what an algorithm says of data units
 * @alg: algorithm that is about to be registered
 *
 * The IV is a 128-bit counter, and a unit knows nothing of the one before it.
 *
 * Return: 0, or -EINVAL if the algorithm sets the flag and cannot keep what the
 *	   flag promises, or has a ->set_data_unit() without the flag.
 */
int skcipher_prepare_data_unit_alg(struct skcipher_alg *alg)
{
	if (!(alg->base.cra_flags & CRYPTO_ALG_SKCIPHER_MULTI_DATA_UNIT))
		return alg->set_data_unit ? -EINVAL : 0;

	if (alg->ivsize != SKCIPHER_DATA_UNIT_IVSIZE || alg->statesize)
		return -EINVAL;

	return 0;
}

static int skcipher_set_data_unit(struct crypto_skcipher *tfm,
				  unsigned int size, unsigned int step)
{
	struct skcipher_alg *alg = crypto_skcipher_alg(tfm);
	int err = 0;

	if (alg->set_data_unit)
		err = alg->set_data_unit(tfm, size, step);
	if (!err) {
		tfm->data_unit_size = size;
		tfm->data_unit_step = step;
	}
	return err;
}

/**
 * skcipher_pass_data_unit() - hand size and step on to the algorithm below
 * @child: tfm that requests are handed on to
 * @size: size of a data unit in bytes, or 0, as ->set_data_unit() got it
 * @step: IV step, as ->set_data_unit() got it
 *
 * For the ->set_data_unit() of wrappers, which have the flag only if the algorithm
 * below has it.
 *
 * Context: Process context.  May sleep.
 * Return: As ->set_data_unit().
 */
int skcipher_pass_data_unit(struct crypto_skcipher *child, unsigned int size,
			    unsigned int step)
{
	if (!crypto_skcipher_supports_multi_data_unit(child))
		return -EOPNOTSUPP;

	return skcipher_set_data_unit(child, size, step);
}
EXPORT_SYMBOL_GPL(skcipher_pass_data_unit);

/**
 * crypto_skcipher_set_data_unit_size() - let requests hold many data units
 * @tfm: cipher handle
 * @size: size of a data unit in bytes, a multiple of the block size of the
 *	  cipher; 0 makes a request one message again, whatever its length
 *
 * The size belongs to the tfm as the key does, and survives
 * crypto_skcipher_setkey().  It must not be changed while requests are being
 * processed.  On an error what was set before stays in force.
 *
 * Context: Process context.  May sleep.
 * Return:
 * * 0 on success; always 0 if @size is 0
 * * -EOPNOTSUPP if the algorithm takes no requests of many data units, or cannot
 *   do the step that has been set
 * * -EINVAL if the cipher cannot take data units of this size
 */
int crypto_skcipher_set_data_unit_size(struct crypto_skcipher *tfm,
				       unsigned int size)
{
	int err;

	if (size == crypto_skcipher_data_unit_size(tfm))
		return 0;

	if (!crypto_skcipher_supports_multi_data_unit(tfm))
		return -EOPNOTSUPP;

	if (size % crypto_skcipher_blocksize(tfm))
		return -EINVAL;

	err = skcipher_set_data_unit(tfm, size,
				     crypto_skcipher_data_unit_step(tfm));
	if (!size && WARN_ON_ONCE(err)) {
		tfm->data_unit_size = 0;
		err = 0;
	}
	return err;
}
EXPORT_SYMBOL_GPL(crypto_skcipher_set_data_unit_size);

/**
 * crypto_skcipher_set_data_unit_step() - set the IV step between data units
 * @tfm: cipher handle
 * @step: what to add to the IV from one data unit to the next; 1 unless set
 *
 * For callers that count in something smaller than a data unit: dm-crypt counts
 * 512-byte sectors, also where it encrypts 4096 bytes at a time.
 *
 * May be called before or after crypto_skcipher_set_data_unit_size(), and under
 * the same conditions.  On an error what was set before stays in force.
 *
 * Context: Process context.  May sleep.
 * Return:
 * * 0 on success
 * * -EOPNOTSUPP if the algorithm takes no requests of many data units, or cannot
 *   do this step
 * * -EINVAL if @step is 0, which would use an IV twice
 */
int crypto_skcipher_set_data_unit_step(struct crypto_skcipher *tfm,
				       unsigned int step)
{
	if (!crypto_skcipher_supports_multi_data_unit(tfm))
		return -EOPNOTSUPP;

	if (!step)
		return -EINVAL;

	return skcipher_set_data_unit(tfm, tfm->data_unit_size, step);
}
EXPORT_SYMBOL_GPL(crypto_skcipher_set_data_unit_step);

static void data_unit_pos_advance(struct skcipher_data_unit_pos *pos,
				  unsigned int bytes)
{
	pos->offset += bytes;
	while (pos->offset >= pos->sg->length) {
		pos->offset -= pos->sg->length;
		pos->sg = sg_next(pos->sg);
	}
}

static void *data_unit_pos_virt(const struct skcipher_data_unit_pos *pos)
{
	return sg_virt(pos->sg) + pos->offset;
}

/*
 * Whoever processes a run with preemption disabled is to do so no longer than for
 * one data unit of the largest size that is in common use, nor to begin more units
 * than that has of a small one.
 */
#define DATA_UNIT_RUN_BYTES	4096U
#define DATA_UNIT_RUN_UNITS	16U

/*
 * How many whole data units lie in one piece at both positions, as the kernel's
 * addresses go, and can be processed where they are?
 */
static unsigned int data_unit_run(const struct skcipher_data_unit_walk *walk)
{
	const struct skcipher_data_unit_pos *src = &walk->src_pos;
	const struct skcipher_data_unit_pos *dst = &walk->dst_pos;
	unsigned int bytes;

	if (IS_ENABLED(CONFIG_HIGHMEM))
		return 0;

	if (((src->sg->offset + src->offset) | (dst->sg->offset + dst->offset)) &
	    crypto_skcipher_alignmask(crypto_skcipher_reqtfm(walk->req)))
		return 0;

	bytes = min3(walk->left, src->sg->length - src->offset,
		     dst->sg->length - dst->offset);
	bytes = min(bytes, DATA_UNIT_RUN_BYTES);
	return min(bytes / walk->size, DATA_UNIT_RUN_UNITS);
}

/* What has been written without the help of a scatterwalk. */
static void data_unit_flush(const struct skcipher_data_unit_walk *walk)
{
	if (ARCH_IMPLEMENTS_FLUSH_DCACHE_PAGE) {
		const struct skcipher_data_unit_pos *dst = &walk->dst_pos;
		const unsigned int offset = dst->sg->offset + dst->offset;

		__scatterwalk_flush_dcache_pages(sg_page(dst->sg), offset,
						 walk->bytes);
	}
}

static void data_unit_walk_advance(struct skcipher_data_unit_walk *walk,
				   unsigned int bytes)
{
	walk->left -= bytes;
	if (!walk->left)
		return;

	data_unit_pos_advance(&walk->src_pos, bytes);
	data_unit_pos_advance(&walk->dst_pos, bytes);
}

/*
 * Let the request describe one data unit while ->crypt() processes it, and leave
 * the request and the IV buffer as they were.
 */
static noinline int data_unit_crypt_one(struct skcipher_data_unit_walk *walk)
{
	struct skcipher_request *req = walk->req;
	const unsigned int cryptlen = req->cryptlen;
	struct scatterlist *src = req->src;
	struct scatterlist *dst = req->dst;
	u8 iv[SKCIPHER_DATA_UNIT_IVSIZE];
	struct scatterlist sg_src[2], sg_dst[2];
	int err;

	req->src = scatterwalk_ffwd(sg_src, walk->src_pos.sg,
				    walk->src_pos.offset);
	req->dst = src == dst ? req->src :
		   scatterwalk_ffwd(sg_dst, walk->dst_pos.sg,
				    walk->dst_pos.offset);
	req->cryptlen = walk->size;
	memcpy(iv, req->iv, sizeof(iv));
	memcpy(req->iv, walk->iv, sizeof(walk->iv));

	err = walk->crypt(req);
	/* No way back from this, the lists are on the stack. */
	if (WARN_ON_ONCE(err == -EINPROGRESS || err == -EBUSY))
		err = -EIO;

	memcpy(req->iv, iv, sizeof(iv));
	req->cryptlen = cryptlen;
	req->src = src;
	req->dst = dst;
	if (err)
		return err;

	skcipher_advance_iv(walk->iv, walk->step);
	data_unit_walk_advance(walk, walk->size);
	crypto_yield(req->base.flags);
	return 0;
}

/* Go to the next run, and process what is before it. */
static int data_unit_walk_find(struct skcipher_data_unit_walk *walk)
{
	int err;

	while (walk->left) {
		walk->units = data_unit_run(walk);
		walk->bytes = walk->units * walk->size;
		if (likely(walk->bytes)) {
			walk->src = data_unit_pos_virt(&walk->src_pos);
			walk->dst = data_unit_pos_virt(&walk->dst_pos);
			return 0;
		}

		err = data_unit_crypt_one(walk);
		if (err)
			return err;
	}
	walk->bytes = 0;
	return 0;
}

static int data_unit_walk_init(struct skcipher_data_unit_walk *walk,
			       struct skcipher_request *req,
			       int (*crypt)(struct skcipher_request *req))
{
	struct crypto_skcipher *tfm = crypto_skcipher_reqtfm(req);
	int err;

	walk->bytes = 0;
	err = skcipher_check_data_units(req);
	if (err)
		return err;

	walk->req = req;
	walk->crypt = crypt;
	walk->size = crypto_skcipher_data_unit_size(tfm);
	walk->step = crypto_skcipher_data_unit_step(tfm);
	walk->left = req->cryptlen;
	walk->src_pos = (struct skcipher_data_unit_pos) { .sg = req->src };
	walk->dst_pos = (struct skcipher_data_unit_pos) { .sg = req->dst };
	memcpy(walk->iv, req->iv, sizeof(walk->iv));
	return 0;
}

/**
 * skcipher_data_unit_walk_start() - begin to walk a request run by run
 * @walk: the walk, need not be initialized
 * @req: request on a tfm that has a data unit size set
 * @crypt: processes one data unit, described by src, dst, cryptlen and iv of the
 *	   request that it is given.  Has to be synchronous.  May change the IV
 *	   buffer, and nothing else of the request.
 *
 * For algorithms that process data at kernel addresses.  A run is as many data
 * units as lie in one piece in both source and destination, aligned as the
 * algorithm asks for, up to 4096 bytes and 16 units.  Units that do not lie in one
 * piece, larger ones, and all of them on kernels with highmem, are given to @crypt,
 * out of the caller's sight::
 *
 *	err = skcipher_data_unit_walk_start(&walk, req, crypt);
 *	while (walk.bytes) {
 *		(walk.units units, walk.bytes in all, go from walk.src to
 *		 walk.dst, which are the same or do not overlap. walk.iv is the IV
 *		 of the first of them, and has to be made that of the unit after
 *		 the last.)
 *		err = skcipher_data_unit_walk_next(&walk);
 *	}
 *	return err;
 *
 * @req and its IV buffer are what they were before whenever the caller sees them.
 *
 * Context: As @crypt requires; must not be called with preemption disabled if
 *	    the request has CRYPTO_TFM_REQ_MAY_SLEEP.
 * Return: 0, and the run in @walk, with 0 bytes if nothing is left to do.  On an
 *	   error there is no run:
 *
 *	   * -EINVAL if the length is not a positive multiple of the unit size;
 *	     nothing has been written
 *	   * -EIO with a warning if @crypt is not synchronous
 *	   * otherwise the first error of @crypt; no further unit was processed
 */
int skcipher_data_unit_walk_start(struct skcipher_data_unit_walk *walk,
				  struct skcipher_request *req,
				  int (*crypt)(struct skcipher_request *req))
{
	return data_unit_walk_init(walk, req, crypt) ?:
	       data_unit_walk_find(walk);
}
EXPORT_SYMBOL_GPL(skcipher_data_unit_walk_start);

/**
 * skcipher_data_unit_walk_next() - the run is processed, go on to the next
 * @walk: walk that has a run
 *
 * Context: As skcipher_data_unit_walk_start().
 * Return: As skcipher_data_unit_walk_start(), except that the length is right.
 */
int skcipher_data_unit_walk_next(struct skcipher_data_unit_walk *walk)
{
	data_unit_flush(walk);
	data_unit_walk_advance(walk, walk->bytes);
	crypto_yield(walk->req->base.flags);
	return data_unit_walk_find(walk);
}
EXPORT_SYMBOL_GPL(skcipher_data_unit_walk_next);

/**
 * skcipher_crypt_data_units() - process a request data unit by data unit
 * @req: request on a tfm that has a data unit size set
 * @crypt: processes one data unit, described by src, dst, cryptlen and iv of the
 *	   request that it is given.  Has to be synchronous.  May change the IV
 *	   buffer, and nothing else of the request.
 *
 * For algorithms that know how to process a request of one message and do not
 * gain from looking at several units at a time.  @req itself is narrowed to one
 * unit after the other, so nothing is allocated; when this returns, @req and the
 * IV buffer are what they were before.
 *
 * Context: As @crypt requires; must not be called with preemption disabled if
 *	    the request has CRYPTO_TFM_REQ_MAY_SLEEP, as it may sleep then after
 *	    each unit.
 * Return:
 * * 0 on success
 * * -EINVAL if the length is not a positive multiple of the unit size; nothing has
 *   been written
 * * -EIO with a warning if @crypt is not synchronous
 * * otherwise the first error of @crypt; no further unit was processed
 */
int skcipher_crypt_data_units(struct skcipher_request *req,
			      int (*crypt)(struct skcipher_request *req))
{
	struct skcipher_data_unit_walk walk;
	int err;

	err = data_unit_walk_init(&walk, req, crypt);
	while (!err && walk.left)
		err = data_unit_crypt_one(&walk);
	return err;
}
EXPORT_SYMBOL_GPL(skcipher_crypt_data_units);
