// SPDX-License-Identifier: GPL-2.0
/*
 * A cipher alone: the least that encrypting a device can cost
 */

#include <crypto/skcipher.h>
#if __has_include("crypto/skcipher-data-unit.h")
#include <crypto/skcipher-data-unit.h>
#define HAVE_DATA_UNITS 1
#else
#define HAVE_DATA_UNITS 0
#endif
#include <linux/blkdev.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "mdu_bench.h"

#define MAX_KEY_SIZE	64

/*
 * @src, @dst:	a scatterlist of @nr_sg entries for each request of a buffer;
 *		@dst is @src if the data is processed in place
 */
struct job {
	struct crypto_skcipher *tfm;
	struct skcipher_request *req;
	struct crypto_wait wait;
	bool encrypt;
	bool adjacent;
	size_t bytes;
	unsigned int request;
	unsigned int nr_requests;
	unsigned int nr_sg;
	struct page **src_pages;
	struct page **dst_pages;
	struct scatterlist *src;
	struct scatterlist *dst;
	u8 iv[32];
};

static struct crypto_skcipher *alloc_tfm(const struct bench_command *cmd,
					 struct bench_result *result)
{
	struct crypto_skcipher *tfm;

	/* dm-crypt has the same flags, and so gets the same driver. */
	tfm = crypto_alloc_skcipher(cmd->alg, 0, CRYPTO_ALG_ALLOCATES_MEMORY);
	if (!IS_ERR(tfm))
		strscpy(result->driver, crypto_skcipher_driver_name(tfm),
			sizeof(result->driver));
	return tfm;
}

/**
 * bench_driver() - find out which driver dm-crypt gets for an algorithm
 * @cmd: has the algorithm
 * @result: gets the driver
 *
 * Return: 0 or an error, with result->failed
 */
int bench_driver(const struct bench_command *cmd, struct bench_result *result)
{
	struct crypto_skcipher *tfm = alloc_tfm(cmd, result);

	if (IS_ERR(tfm))
		return bench_fail(result, "finding the cipher", PTR_ERR(tfm));
	crypto_free_skcipher(tfm);
	return 0;
}

static int set_key(struct crypto_skcipher *tfm, unsigned int bits)
{
	u8 key[MAX_KEY_SIZE];
	unsigned int i;

	if (bits / 8 > sizeof(key))
		return -EINVAL;
	/* Bytes that differ, because XTS refuses two equal keys. */
	for (i = 0; i < sizeof(key); i++)
		key[i] = i;
	return crypto_skcipher_setkey(tfm, key, bits / 8);
}

static int set_unit(struct crypto_skcipher *tfm, unsigned int unit)
{
	if (!unit)
		return 0;
#if HAVE_DATA_UNITS
	return crypto_skcipher_set_data_unit_size(tfm, unit);
#else
	return -EOPNOTSUPP;
#endif
}

static struct scatterlist *make_sg(const struct job *job, struct page **pages)
{
	unsigned int per_page = max_t(unsigned int,
				      PAGE_SIZE / job->request, 1);
	unsigned int len = min_t(unsigned int, job->request, PAGE_SIZE);
	struct scatterlist *sg;
	unsigned int i, j, n = 0;

	sg = kvcalloc(job->nr_requests * job->nr_sg, sizeof(*sg), GFP_KERNEL);
	if (!sg)
		return NULL;
	for (i = 0; i < job->nr_requests; i++) {
		struct scatterlist *first = &sg[i * job->nr_sg];

		sg_init_table(first, job->nr_sg);
		for (j = 0; j < job->nr_sg; j++, n++)
			sg_set_page(first + j, pages[n / per_page], len,
				    n % per_page * len);
	}
	return sg;
}

static int run_job(struct job *job, u64 bytes)
{
	unsigned int i = 0;
	u64 sector = 0;
	int err;

	for (; bytes; bytes -= job->request) {
		memset(job->iv, 0, sizeof(job->iv));
		put_unaligned_le64(sector, job->iv);
		skcipher_request_set_crypt(job->req, job->src + i * job->nr_sg,
					   job->dst + i * job->nr_sg,
					   job->request, job->iv);
		err = job->encrypt ? crypto_skcipher_encrypt(job->req) :
				     crypto_skcipher_decrypt(job->req);
		err = crypto_wait_req(err, &job->wait);
		if (err)
			return err;
		sector += job->request >> SECTOR_SHIFT;
		if (++i == job->nr_requests)
			i = 0;
		cond_resched();
	}
	return 0;
}

static int init_buffers(struct job *job)
{
	job->src_pages = bench_alloc_pages(job->bytes, job->adjacent);
	if (!job->src_pages)
		return -ENOMEM;
	job->src = make_sg(job, job->src_pages);
	if (!job->src)
		return -ENOMEM;
	if (!job->encrypt) {
		job->dst = job->src;
		return 0;
	}
	/* Encrypt into single pages, whatever the source is. */
	job->dst_pages = bench_alloc_pages(job->bytes, false);
	if (!job->dst_pages)
		return -ENOMEM;
	job->dst = make_sg(job, job->dst_pages);
	return job->dst ? 0 : -ENOMEM;
}

static void free_buffers(struct job *job)
{
	if (job->dst != job->src)
		kvfree(job->dst);
	kvfree(job->src);
	bench_free_pages(job->dst_pages, job->bytes, false);
	bench_free_pages(job->src_pages, job->bytes, job->adjacent);
}

/**
 * bench_cipher() - measure a cipher
 * @cmd: what to do with the cipher
 * @result: how long it took
 *
 * The buffer is processed once before the measurement.
 *
 * Return: 0 or an error, with result->failed
 */
int bench_cipher(const struct bench_command *cmd, struct bench_result *result)
{
	struct job job = {
		.encrypt = !strcmp(cmd->rw, "write"),
		.adjacent = !strcmp(cmd->buffer, "folio"),
		.bytes = cmd->bs,
		.request = cmd->request,
	};
	int err;

	if (!is_power_of_2(cmd->request) || cmd->request < SECTOR_SIZE ||
	    cmd->bs % cmd->request)
		return bench_fail(result, "request", -EINVAL);
	job.nr_requests = job.bytes / job.request;
	job.nr_sg = DIV_ROUND_UP(job.request, PAGE_SIZE);

	job.tfm = alloc_tfm(cmd, result);
	if (IS_ERR(job.tfm))
		return bench_fail(result, "finding the cipher",
				  PTR_ERR(job.tfm));
	if (crypto_skcipher_ivsize(job.tfm) > sizeof(job.iv)) {
		err = bench_fail(result, "size of the IV", -EINVAL);
		goto free_tfm;
	}
	err = set_key(job.tfm, cmd->key_bits);
	if (err) {
		bench_fail(result, "setting the key", err);
		goto free_tfm;
	}
	err = set_unit(job.tfm, cmd->unit);
	if (err) {
		bench_fail(result, "setting the data unit size", err);
		goto free_tfm;
	}

	job.req = skcipher_request_alloc(job.tfm, GFP_KERNEL);
	if (!job.req) {
		err = bench_fail(result, "memory", -ENOMEM);
		goto free_tfm;
	}
	crypto_init_wait(&job.wait);
	skcipher_request_set_callback(job.req, CRYPTO_TFM_REQ_MAY_BACKLOG,
				      crypto_req_done, &job.wait);
	err = init_buffers(&job);
	if (err) {
		bench_fail(result, "memory", err);
		goto free_buffers;
	}

	err = run_job(&job, job.bytes);
	if (!err) {
		bench_clock_start(result);
		err = run_job(&job, cmd->bytes);
		bench_clock_stop(result);
	}
	if (err)
		bench_fail(result, "the cipher", err);

free_buffers:
	free_buffers(&job);
	skcipher_request_free(job.req);
free_tfm:
	crypto_free_skcipher(job.tfm);
	return err;
}
