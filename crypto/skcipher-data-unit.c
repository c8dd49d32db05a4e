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
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/sched.h>
#include <linux/string.h>

/**
 * crypto_skcipher_set_data_unit() - let requests hold many data units
 * @tfm: cipher handle
 * @size: size of a data unit in bytes, a multiple of the block size of the
 *	  cipher; with 0, a request of any length is one message again
 * @step: number to add to the IV from one data unit to the next; ignored if
 *	  @size is 0.  Without iv_large_sectors, dm-crypt counts in units of 512
 *	  bytes: its step is 8 for sectors of 4096 bytes.
 *
 * Size and step belong to the tfm, like the key.  crypto_skcipher_setkey() does
 * not change them.  Do not call this function while requests are being
 * processed.  On an error, the old size and step stay in force.
 *
 * Context: Process context.  May sleep.
 * Return:
 * * 0 on success
 * * -EOPNOTSUPP if @size is not 0 and the algorithm takes no requests of many
 *   data units
 * * -EINVAL if @size is not a multiple of the block size or is larger than
 *   SKCIPHER_DATA_UNIT_MAX_SIZE, or if @step is 0, which would use an IV twice,
 *   or is larger than SKCIPHER_DATA_UNIT_MAX_STEP
 * * any error of the algorithm's ->set_data_unit()
 */
int crypto_skcipher_set_data_unit(struct crypto_skcipher *tfm,
				  unsigned int size, unsigned int step)
{
	int err;

	if (!crypto_skcipher_supports_multi_data_unit(tfm))
		return size ? -EOPNOTSUPP : 0;

	if (!size)
		step = 0;
	else if (size % crypto_skcipher_blocksize(tfm) ||
		 size > SKCIPHER_DATA_UNIT_MAX_SIZE ||
		 !step || step > SKCIPHER_DATA_UNIT_MAX_STEP)
		return -EINVAL;

	if (crypto_skcipher_alg(tfm)->set_data_unit) {
		err = crypto_skcipher_alg(tfm)->set_data_unit(tfm, size, step);
		if (err)
			return err;
	}

	tfm->data_unit_size = size;
	tfm->data_unit_step = step;
	return 0;
}
EXPORT_SYMBOL_GPL(crypto_skcipher_set_data_unit);

static void data_unit_walk_advance(struct skcipher_data_unit_walk *walk,
				   unsigned int units)
{
	walk->left -= units;
	/* There may be no entry after the last data unit. */
	if (!walk->left)
		return;

	skcipher_data_unit_pos_advance(&walk->src, units * walk->size);
	if (walk->req->src == walk->req->dst)
		walk->dst = walk->src;
	else
		skcipher_data_unit_pos_advance(&walk->dst, units * walk->size);
}

/*
 * Returns how many of the next data units, at most @max, the walk can hand out
 * as one run: they lie in one piece in both source and destination, and the
 * first one is aligned.
 */
static unsigned int data_unit_run(const struct skcipher_data_unit_walk *walk,
				  unsigned int max)
{
	const struct skcipher_data_unit_pos *src = &walk->src;
	const struct skcipher_data_unit_pos *dst = &walk->dst;
	unsigned int bytes;

	/* A page in highmem may have no kernel address. */
	if (IS_ENABLED(CONFIG_HIGHMEM))
		return 0;

	if (((unsigned long)src->virt | (unsigned long)dst->virt) &
	    walk->alignmask)
		return 0;

	bytes = min(src->left, dst->left);
	max = min(max, walk->left);
	return likely(bytes >= max * walk->size) ? max : bytes / walk->size;
}

/* Lets other tasks run, if the caller allows that. */
static void data_unit_yield(const struct skcipher_request *req)
{
	if (req->base.flags & (CRYPTO_TFM_REQ_MAY_SLEEP | CRYPTO_TFM_REQ_MAY_YIELD))
		cond_resched();
}

/*
 * Makes the request describe one data unit while ->crypt() processes it.  Then
 * restores the request and the IV buffer.
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

	req->src = skcipher_data_unit_pos_sg(&walk->src, sg_src);
	req->dst = src == dst ? req->src :
			     skcipher_data_unit_pos_sg(&walk->dst, sg_dst);
	req->cryptlen = walk->size;
	memcpy(iv, req->iv, sizeof(iv));
	memcpy(req->iv, walk->iv, sizeof(walk->iv));

	err = walk->crypt(req);
	/* The lists are on the stack: ->crypt() must not use them later. */
	if (WARN_ON_ONCE(err == -EINPROGRESS || err == -EBUSY))
		err = -EIO;

	memcpy(req->iv, iv, sizeof(iv));
	req->cryptlen = cryptlen;
	req->src = src;
	req->dst = dst;
	if (err)
		return err;

	skcipher_advance_iv(walk->iv, walk->step);
	walk->index++;
	data_unit_walk_advance(walk, 1);
	data_unit_yield(req);
	return 0;
}

/*
 * Hands out the next data units.  First processes the data units before them
 * that the walk cannot hand out.
 */
static int data_unit_walk_fill(struct skcipher_data_unit_walk *walk)
{
	struct skcipher_data_unit_run *run = walk->runs;
	unsigned int units = 0, n;
	int err = 0;

	while (!err && walk->left) {
		n = data_unit_run(walk, walk->max_units - units);
		if (unlikely(!n)) {
			if (units)
				break;
			err = data_unit_crypt_one(walk);
			continue;
		}
		run->src = walk->src.virt;
		run->dst = walk->dst.virt;
		run->units = n;
		run++;
		data_unit_walk_advance(walk, n);
		units += n;
		if (units == walk->max_units)
			break;
	}
	walk->units = units;
	walk->nr_runs = run - walk->runs;
	return err;
}

static int data_unit_walk_init(struct skcipher_data_unit_walk *walk,
			       struct skcipher_request *req,
			       int (*crypt)(struct skcipher_request *req))
{
	struct crypto_skcipher *tfm = crypto_skcipher_reqtfm(req);

	walk->units = 0;
	walk->size = crypto_skcipher_data_unit_size(tfm);
	walk->total = req->cryptlen / walk->size;
	if (!walk->total || walk->total * walk->size != req->cryptlen)
		return -EINVAL;

	walk->step = crypto_skcipher_data_unit_step(tfm);
	walk->index = 0;
	walk->left = walk->total;
	walk->alignmask = crypto_skcipher_alignmask(tfm);
	walk->req = req;
	walk->crypt = crypt;
	skcipher_data_unit_pos_start(&walk->src, req->src);
	skcipher_data_unit_pos_start(&walk->dst, req->dst);
	memcpy(walk->iv, req->iv, sizeof(walk->iv));
	return 0;
}

/**
 * skcipher_data_unit_walk_start() - begin to walk a request of many data units
 * @walk: the walk, need not be initialized
 * @req: request on a tfm that has a data unit size set
 * @max_bytes: most bytes to hand out at a time.  An algorithm that disables
 *	       preemption for all of them chooses a value that takes about as
 *	       long as one message of 4096 bytes.
 * @crypt: processes one data unit, described by src, dst, cryptlen and iv of
 *	   the request that it is given.  Must be synchronous.  May change the
 *	   IV buffer, but nothing else in the request.
 *
 * For algorithms that process data at kernel addresses.  The walk hands out
 * data units in the order of the request, up to SKCIPHER_DATA_UNITS_AT_ONCE at
 * a time.  Each of them lies in one piece in both source and destination.
 * Different runs may come from different entries of the lists.  The first data
 * unit of each run is aligned as the algorithm asks for.
 *
 * The walk itself passes the other data units to @crypt: those that do not lie
 * in one piece or are not aligned, those of more than @max_bytes, and all of
 * them on kernels with highmem.  The caller never sees these::
 *
 *	err = skcipher_data_unit_walk_start(&walk, req, SZ_4K, crypt);
 *	while (walk.units) {
 *		(process walk.units data units, in walk.runs[0] to
 *		 walk.runs[walk.nr_runs - 1]; walk.iv is the IV of the first)
 *		err = skcipher_data_unit_walk_next(&walk);
 *	}
 *	return err;
 *
 * Whenever the walk returns to its caller, @req and its IV buffer are as they
 * were before.  On an error, @walk->units is 0.
 *
 * Context: As @crypt requires.  Must not be called with preemption disabled if
 *	    the request has CRYPTO_TFM_REQ_MAY_SLEEP or
 *	    CRYPTO_TFM_REQ_MAY_YIELD.
 * Return:
 * * 0 on success; @walk->units is 0 if nothing is left to do
 * * -EINVAL if the length is not a positive multiple of the data unit size;
 *   nothing has been written
 * * -EIO, with a warning, if @crypt is not synchronous
 * * otherwise the first error of @crypt; no later data unit has been processed
 */
int skcipher_data_unit_walk_start(struct skcipher_data_unit_walk *walk,
				  struct skcipher_request *req,
				  unsigned int max_bytes,
				  int (*crypt)(struct skcipher_request *req))
{
	int err;

	err = data_unit_walk_init(walk, req, crypt);
	if (err)
		return err;

	walk->max_units = min(max_bytes / walk->size,
			      SKCIPHER_DATA_UNITS_AT_ONCE);
	return data_unit_walk_fill(walk);
}
EXPORT_SYMBOL_GPL(skcipher_data_unit_walk_start);

/**
 * skcipher_data_unit_walk_next() - get the next data units
 * @walk: walk; the caller has processed the data units handed out
 *
 * Context: Same as skcipher_data_unit_walk_start().
 * Return: Same as skcipher_data_unit_walk_start(), which has already checked
 *	   the length.
 */
int skcipher_data_unit_walk_next(struct skcipher_data_unit_walk *walk)
{
	const struct skcipher_data_unit_run *run;

	if (ARCH_IMPLEMENTS_FLUSH_DCACHE_PAGE) {
		for (run = walk->runs; run < walk->runs + walk->nr_runs; run++)
			__scatterwalk_flush_dcache_pages(virt_to_page(run->dst),
							 offset_in_page(run->dst),
							 run->units * walk->size);
	}
	skcipher_advance_iv(walk->iv, (u64)walk->units * walk->step);
	walk->index += walk->units;
	data_unit_yield(walk->req);
	return data_unit_walk_fill(walk);
}
EXPORT_SYMBOL_GPL(skcipher_data_unit_walk_next);

/**
 * skcipher_crypt_data_units() - process a request data unit by data unit
 * @req: request on a tfm that has a data unit size set
 * @crypt: processes one data unit, see skcipher_data_unit_walk_start()
 *
 * For algorithms that can process a request of one message, and gain nothing
 * from several data units at a time.  This function changes @req to describe
 * one data unit after the other, and allocates nothing.  When this function
 * returns, @req and the IV buffer are as they were before.
 *
 * Context: Same as skcipher_data_unit_walk_start().  May reschedule after each
 *	    data unit.
 * Return: Same as skcipher_data_unit_walk_start().
 */
int skcipher_crypt_data_units(struct skcipher_request *req,
			      int (*crypt)(struct skcipher_request *req))
{
	struct skcipher_data_unit_walk walk __uninitialized;
	int err;

	err = data_unit_walk_init(&walk, req, crypt);
	while (!err && walk.left)
		err = data_unit_crypt_one(&walk);
	return err;
}
EXPORT_SYMBOL_GPL(skcipher_crypt_data_units);
