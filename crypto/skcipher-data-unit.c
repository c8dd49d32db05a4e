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

/*
 * Where a data unit begins: @offset bytes into @sg.
 */
struct data_unit_pos {
	struct scatterlist *sg;
	unsigned int offset;
};

static void data_unit_pos_advance(struct data_unit_pos *pos, unsigned int bytes)
{
	pos->offset += bytes;
	while (pos->offset >= pos->sg->length) {
		pos->offset -= pos->sg->length;
		pos->sg = sg_next(pos->sg);
	}
}

/*
 * Whoever processes a run with preemption disabled is to do so no longer than for
 * one data unit of the largest size that is in common use.
 */
#define DATA_UNIT_RUN_BYTES	4096U

/*
 * Bytes of whole data units that lie in one piece at both positions, as the
 * kernel's addresses go, and can be processed where they are.
 */
static unsigned int data_unit_run(struct crypto_skcipher *tfm,
				  const struct data_unit_pos *src,
				  const struct data_unit_pos *dst,
				  unsigned int left)
{
	const unsigned int size = crypto_skcipher_data_unit_size(tfm);
	unsigned int bytes;

	if (IS_ENABLED(CONFIG_HIGHMEM))
		return 0;

	if (((src->sg->offset + src->offset) | (dst->sg->offset + dst->offset)) &
	    crypto_skcipher_alignmask(tfm))
		return 0;

	bytes = min3(left, src->sg->length - src->offset,
		     dst->sg->length - dst->offset);
	bytes = min(bytes, max(size, DATA_UNIT_RUN_BYTES));
	return bytes - bytes % size;
}

/* What has been written without the help of a scatterwalk. */
static void data_unit_flush(const struct data_unit_pos *dst, unsigned int bytes)
{
	if (ARCH_IMPLEMENTS_FLUSH_DCACHE_PAGE) {
		const unsigned int offset = dst->sg->offset + dst->offset;

		__scatterwalk_flush_dcache_pages(sg_page(dst->sg), offset,
						 bytes);
	}
}

/**
 * skcipher_crypt_data_unit_runs() - process a request in runs of data units
 * @req: request on a tfm that has a data unit size set
 * @crypt_run: processes @bytes, a positive multiple of the data unit size, from
 *	       @src to @dst, which are the same or do not overlap. @iv is the IV of
 *	       the first of these units, and has to be the IV of the unit after
 *	       the last when this returns.
 * @crypt: processes one data unit, described by src, dst, cryptlen and iv of the
 *	   request that it is given.  Has to be synchronous.  May change the IV
 *	   buffer, and nothing else of the request.
 *
 * For algorithms that process data at kernel addresses.  Units that lie in one
 * piece in both source and destination, aligned as the algorithm asks for, go to
 * @crypt_run: one unit, or as many as fit into 4096 bytes.  Others, and all of
 * them on kernels with highmem, go to @crypt.
 *
 * Apart from that this is skcipher_crypt_data_units().
 *
 * Context: As @crypt_run and @crypt require.
 * Return:
 * * 0 on success
 * * -EINVAL if the length is not a positive multiple of the unit size; nothing has
 *   been written
 * * -EIO with a warning if @crypt is not synchronous
 * * otherwise the first error of @crypt; no further unit was processed
 */
int skcipher_crypt_data_unit_runs(struct skcipher_request *req,
				  void (*crypt_run)(struct crypto_skcipher *tfm,
						    u8 *dst, const u8 *src,
						    unsigned int bytes, u8 *iv),
				  int (*crypt)(struct skcipher_request *req))
{
	struct crypto_skcipher *tfm = crypto_skcipher_reqtfm(req);
	const unsigned int size = crypto_skcipher_data_unit_size(tfm);
	const unsigned int step = crypto_skcipher_data_unit_step(tfm);
	const unsigned int cryptlen = req->cryptlen;
	struct data_unit_pos src = { .sg = req->src };
	struct data_unit_pos dst = { .sg = req->dst };
	const bool inplace = req->src == req->dst;
	struct scatterlist *whole_src = req->src;
	struct scatterlist *whole_dst = req->dst;
	u8 caller_iv[SKCIPHER_DATA_UNIT_IVSIZE];
	u8 unit_iv[SKCIPHER_DATA_UNIT_IVSIZE] __aligned(__alignof__(u64));
	struct scatterlist sg_src[2], sg_dst[2];
	unsigned int left = cryptlen;
	unsigned int bytes;
	int err;

	err = skcipher_check_data_units(req);
	if (err)
		return err;

	memcpy(caller_iv, req->iv, sizeof(caller_iv));
	memcpy(unit_iv, req->iv, sizeof(unit_iv));
	req->cryptlen = size;

	for (;;) {
		bytes = crypt_run ? data_unit_run(tfm, &src, &dst, left) : 0;
		if (bytes) {
			crypt_run(tfm, sg_virt(dst.sg) + dst.offset,
				  sg_virt(src.sg) + src.offset, bytes, unit_iv);
			data_unit_flush(&dst, bytes);
		} else {
			bytes = size;
			req->src = scatterwalk_ffwd(sg_src, src.sg, src.offset);
			req->dst = inplace ? req->src :
				scatterwalk_ffwd(sg_dst, dst.sg, dst.offset);
			memcpy(req->iv, unit_iv, sizeof(unit_iv));
			err = crypt(req);
			/* No way back from this, the lists are on the stack. */
			if (WARN_ON_ONCE(err == -EINPROGRESS || err == -EBUSY))
				err = -EIO;
			if (err)
				break;
			skcipher_advance_iv(unit_iv, step);
		}

		left -= bytes;
		if (!left)
			break;

		data_unit_pos_advance(&src, bytes);
		data_unit_pos_advance(&dst, bytes);
	}

	memcpy(req->iv, caller_iv, sizeof(caller_iv));
	req->cryptlen = cryptlen;
	req->src = whole_src;
	req->dst = whole_dst;
	return err;
}
EXPORT_SYMBOL_GPL(skcipher_crypt_data_unit_runs);

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
 * Context: As @crypt requires.
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
	return skcipher_crypt_data_unit_runs(req, NULL, crypt);
}
EXPORT_SYMBOL_GPL(skcipher_crypt_data_units);
