// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KUnit tests of data units in the skcipher API
 *
 * The algorithm under test is a toy.  The toy records the length and the IV of
 * each data unit, and XORs the data unit with the first byte of this IV.  With
 * toy.walk set, the toy uses the walk, and records the length and the first IV
 * of each run of data units.
 */

#include <crypto/internal/skcipher-data-unit.h>
#include <kunit/test.h>
#include <linux/crypto.h>
#include <linux/err.h>
#include <linux/math.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/scatterlist.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "internal.h"

#define TOY_BLOCK	16
#define TOY_KEYSIZE	16
#define TOY_MAX_UNITS	8

/* A size and a step that the toy refuses */
#define TOY_BAD_SIZE	64
#define TOY_BAD_STEP	7

/* Settings and records of the toy.  KUnit runs one test at a time. */
static struct {
	unsigned int calls;
	unsigned int fail_at;	/* this call, counted from 1, fails with -EIO */
	bool refuse;		/* refuse any size and step */
	bool walk;
	unsigned int max_bytes;	/* max_bytes of the walk */
	unsigned int batches;	/* times that the walk handed out data units */
	unsigned int far;	/* entries that begin beyond their first page */
	bool want_cpu;		/* each call requests a reschedule */
	unsigned int yields;	/* reschedules between two calls */
	unsigned int len[TOY_MAX_UNITS];
	u8 iv[TOY_MAX_UNITS][SKCIPHER_DATA_UNIT_IVSIZE];
} toy;

static int toy_setkey(struct crypto_skcipher *tfm, const u8 *key,
		      unsigned int keylen)
{
	return 0;
}

static int toy_set_data_unit(struct crypto_skcipher *tfm, unsigned int size,
			     unsigned int step)
{
	if (toy.refuse || size == TOY_BAD_SIZE || step == TOY_BAD_STEP)
		return -EINVAL;
	return 0;
}

static void toy_note(unsigned int len, const u8 *iv)
{
	if (toy.calls < TOY_MAX_UNITS) {
		toy.len[toy.calls] = len;
		memcpy(toy.iv[toy.calls], iv, sizeof(toy.iv[0]));
	}
	toy.calls++;
}

static int toy_crypt_unit(struct skcipher_request *req)
{
	struct skcipher_walk walk;
	u8 mask = req->iv[0];
	int err;

	toy_note(req->cryptlen, req->iv);
	if (toy.calls == toy.fail_at)
		return -EIO;
	toy.far += req->src->offset >= PAGE_SIZE;
	toy.far += req->dst->offset >= PAGE_SIZE;

	err = skcipher_walk_virt(&walk, req, false);
	while (walk.nbytes) {
		unsigned int n = round_down(walk.nbytes, TOY_BLOCK);
		unsigned int i;

		for (i = 0; i < n; i++)
			((u8 *)walk.dst.virt.addr)[i] =
				((u8 *)walk.src.virt.addr)[i] ^ mask;
		err = skcipher_walk_done(&walk, walk.nbytes - n);
	}

	/* A driver may overwrite the IV buffer. */
	memset(req->iv, 0xee, SKCIPHER_DATA_UNIT_IVSIZE);
	return err;
}

static void toy_crypt_run(const struct skcipher_data_unit_walk *walk,
			  const struct skcipher_data_unit_run *run, u8 *iv)
{
	unsigned int i;

	toy_note(run->units * walk->size, iv);
	for (i = 0; i < run->units * walk->size; i++) {
		run->dst[i] = run->src[i] ^ iv[0];
		if (i % walk->size == walk->size - 1)
			skcipher_advance_iv(iv, walk->step);
	}
}

static int toy_walk(struct skcipher_request *req)
{
	u8 iv[SKCIPHER_DATA_UNIT_IVSIZE];
	struct skcipher_data_unit_walk walk;
	unsigned int i;
	int err;

	err = skcipher_data_unit_walk_start(&walk, req, toy.max_bytes,
					    toy_crypt_unit);
	while (walk.units) {
		toy.batches++;
		memcpy(iv, walk.iv, sizeof(iv));
		for (i = 0; i < walk.nr_runs; i++)
			toy_crypt_run(&walk, &walk.runs[i], iv);
		err = skcipher_data_unit_walk_next(&walk);
	}
	return err;
}

/* Counts a reschedule since the last call, and requests the next reschedule. */
static void toy_want_cpu(void)
{
	if (toy.calls > 1 && !need_resched())
		toy.yields++;
	set_tsk_need_resched(current);
	set_preempt_need_resched();
}

static int toy_crypt_unit_slowly(struct skcipher_request *req)
{
	int err = toy_crypt_unit(req);

	toy_want_cpu();
	return err;
}

static int toy_crypt_units(struct skcipher_request *req)
{
	if (toy.walk)
		return toy_walk(req);
	if (toy.want_cpu)
		return skcipher_crypt_data_units(req, toy_crypt_unit_slowly);
	return skcipher_crypt_data_units(req, toy_crypt_unit);
}

static int toy_crypt(struct skcipher_request *req)
{
	return skcipher_dispatch_data_units(req, toy_crypt_unit,
					    toy_crypt_units);
}

/*
 * The toy is CRYPTO_ALG_INTERNAL, so the crypto API does not test the toy at
 * registration.  The test thread could still hold a reference to the toy when a
 * KUnit case unregisters the toy.
 */
static const struct skcipher_alg toy_template = {
	.base.cra_name		= "kunit-data-unit",
	.base.cra_driver_name	= "kunit-data-unit-toy",
	.base.cra_flags		= CRYPTO_ALG_SKCIPHER_MULTI_DATA_UNIT |
				  CRYPTO_ALG_INTERNAL,
	.base.cra_blocksize	= TOY_BLOCK,
	.base.cra_module	= THIS_MODULE,
	.min_keysize		= TOY_KEYSIZE,
	.max_keysize		= TOY_KEYSIZE,
	.ivsize			= SKCIPHER_DATA_UNIT_IVSIZE,
	.set_data_unit		= toy_set_data_unit,
	.setkey			= toy_setkey,
	.encrypt		= toy_crypt,
	.decrypt		= toy_crypt,
};

struct toy_fixture {
	struct skcipher_alg alg;
	struct crypto_skcipher *tfm;
	struct skcipher_request *req;
	u8 iv[SKCIPHER_DATA_UNIT_IVSIZE];
};

static void toy_free(void *data)
{
	struct toy_fixture *f = data;

	skcipher_request_free(f->req);
	crypto_free_skcipher(f->tfm);
	crypto_unregister_skcipher(&f->alg);
}

static struct toy_fixture *toy_alloc(struct kunit *test, u32 clear_flags)
{
	struct toy_fixture *f;
	u8 key[TOY_KEYSIZE] = {};

	memset(&toy, 0, sizeof(toy));
	toy.max_bytes = 4096;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);

	f->alg = toy_template;
	f->alg.base.cra_flags &= ~clear_flags;
	if (clear_flags & CRYPTO_ALG_SKCIPHER_MULTI_DATA_UNIT)
		f->alg.set_data_unit = NULL;
	KUNIT_ASSERT_EQ(test, crypto_register_skcipher(&f->alg), 0);

	f->tfm = crypto_alloc_skcipher("kunit-data-unit-toy",
				       CRYPTO_ALG_INTERNAL, CRYPTO_ALG_INTERNAL);
	if (IS_ERR(f->tfm)) {
		crypto_unregister_skcipher(&f->alg);
		KUNIT_FAIL_AND_ABORT(test, "no tfm: %pe", f->tfm);
	}
	f->req = skcipher_request_alloc(f->tfm, GFP_KERNEL);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, toy_free, f));
	KUNIT_ASSERT_NOT_NULL(test, f->req);
	KUNIT_ASSERT_EQ(test, 0,
			crypto_skcipher_setkey(f->tfm, key, sizeof(key)));

	skcipher_request_set_callback(f->req, 0, NULL, NULL);
	return f;
}

static int toy_import(struct skcipher_request *req, const void *in)
{
	return 0;
}

static int toy_export(struct skcipher_request *req, void *out)
{
	return 0;
}

/* Unregisters @alg after a success, because @alg is on the caller's stack. */
static int try_register(struct skcipher_alg *alg)
{
	int err = crypto_register_skcipher(alg);

	if (!err)
		crypto_unregister_skcipher(alg);
	return err;
}

static void test_registration(struct kunit *test)
{
	static const unsigned int bad_ivsizes[] = { 0, 8, 32 };
	struct skcipher_alg alg;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad_ivsizes); i++) {
		alg = toy_template;
		alg.ivsize = bad_ivsizes[i];
		KUNIT_EXPECT_EQ_MSG(test, try_register(&alg), -EINVAL,
				    "ivsize %u", bad_ivsizes[i]);
	}

	/* ->set_data_unit() without the flag */
	alg = toy_template;
	alg.base.cra_flags = CRYPTO_ALG_INTERNAL;
	KUNIT_EXPECT_EQ(test, try_register(&alg), -EINVAL);

	/* State that one request passes to the next */
	alg = toy_template;
	alg.statesize = 16;
	alg.import = toy_import;
	alg.export = toy_export;
	KUNIT_EXPECT_EQ(test, try_register(&alg), -EINVAL);
	alg.base.cra_flags = CRYPTO_ALG_INTERNAL;
	alg.set_data_unit = NULL;
	KUNIT_EXPECT_EQ(test, try_register(&alg), 0);
}

static void test_lskcipher_registration(struct kunit *test)
{
	struct lskcipher_alg alg = {
		.co.base.cra_name	 = "kunit-data-unit-linear",
		.co.base.cra_driver_name = "kunit-data-unit-linear",
		.co.base.cra_flags	 = CRYPTO_ALG_SKCIPHER_MULTI_DATA_UNIT,
		.co.base.cra_blocksize	 = TOY_BLOCK,
		.co.base.cra_module	 = THIS_MODULE,
		.co.ivsize		 = SKCIPHER_DATA_UNIT_IVSIZE,
	};

	int err = crypto_register_lskcipher(&alg);

	KUNIT_EXPECT_EQ(test, err, -EINVAL);
	if (!err)
		crypto_unregister_lskcipher(&alg);
}

static void test_without_flag(struct kunit *test)
{
	struct toy_fixture *f =
		toy_alloc(test, CRYPTO_ALG_SKCIPHER_MULTI_DATA_UNIT);

	KUNIT_EXPECT_FALSE(test,
			   crypto_skcipher_supports_multi_data_unit(f->tfm));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			crypto_skcipher_set_data_unit_size(f->tfm, 512));
	KUNIT_EXPECT_EQ(test, 0, crypto_skcipher_set_data_unit_size(f->tfm, 0));
	KUNIT_EXPECT_EQ(test, 0, crypto_skcipher_data_unit_size(f->tfm));
}

static void expect_data_unit(struct kunit *test, struct crypto_skcipher *tfm,
			     unsigned int size, unsigned int step)
{
	KUNIT_EXPECT_EQ(test, size, crypto_skcipher_data_unit_size(tfm));
	KUNIT_EXPECT_EQ(test, step, crypto_skcipher_data_unit_step(tfm));
}

static void test_size_and_step(struct kunit *test)
{
	static const struct {
		unsigned int size, step;
	} bad[] = {
		{ 33, 1 }, { 32, 0 }, { TOY_BAD_SIZE, 1 }, { 32, TOY_BAD_STEP },
		{ SKCIPHER_DATA_UNIT_MAX_SIZE + 1, 1 },
		{ 32, SKCIPHER_DATA_UNIT_MAX_STEP + 1 },
	};
	struct toy_fixture *f = toy_alloc(test, 0);
	struct crypto_skcipher *tfm = f->tfm;
	u8 key[TOY_KEYSIZE] = { 1 };
	unsigned int i;

	KUNIT_EXPECT_TRUE(test, crypto_skcipher_supports_multi_data_unit(tfm));
	expect_data_unit(test, tfm, 0, 0);

	KUNIT_EXPECT_EQ(test, 0, crypto_skcipher_set_data_unit(tfm, 48, 8));
	expect_data_unit(test, tfm, 48, 8);

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL,
				    crypto_skcipher_set_data_unit(tfm, bad[i].size,
								  bad[i].step),
				    "size %u, step %u", bad[i].size, bad[i].step);
		expect_data_unit(test, tfm, 48, 8);
	}

	KUNIT_EXPECT_EQ(test, 0,
			crypto_skcipher_setkey(tfm, key, sizeof(key)));
	expect_data_unit(test, tfm, 48, 8);

	KUNIT_EXPECT_EQ(test, 0, crypto_skcipher_set_data_unit_size(tfm, 32));
	expect_data_unit(test, tfm, 32, 1);
	KUNIT_EXPECT_EQ(test, 0, crypto_skcipher_set_data_unit_size(tfm, 0));
	expect_data_unit(test, tfm, 0, 0);
}

/* Expects that the toy below a wrapper gets two data units of 48 bytes. */
static void expect_units_of_48(struct kunit *test, struct crypto_skcipher *tfm)
{
	struct skcipher_request *req;
	struct scatterlist sg;
	DECLARE_CRYPTO_WAIT(wait);
	u8 iv[SKCIPHER_DATA_UNIT_IVSIZE] = { 1 };
	u8 *data;

	data = kunit_kzalloc(test, 96, GFP_KERNEL);
	req = skcipher_request_alloc(tfm, GFP_KERNEL);
	if (!data || !req) {
		KUNIT_FAIL(test, "no memory");
		goto out;
	}
	sg_init_one(&sg, data, 96);
	skcipher_request_set_callback(req, CRYPTO_TFM_REQ_MAY_BACKLOG,
				      crypto_req_done, &wait);
	skcipher_request_set_crypt(req, &sg, &sg, 96, iv);

	toy.calls = 0;
	KUNIT_EXPECT_EQ(test, 0,
			crypto_wait_req(crypto_skcipher_encrypt(req), &wait));
	KUNIT_EXPECT_EQ(test, 2, toy.calls);
	KUNIT_EXPECT_EQ(test, 48, toy.len[0]);
	KUNIT_EXPECT_EQ(test, 1, toy.iv[0][0]);
	KUNIT_EXPECT_EQ(test, 9, toy.iv[1][0]);
out:
	skcipher_request_free(req);
}

/*
 * A wrapper and the wrapped algorithm always have the same size and step, also
 * if the wrapped algorithm refuses new ones, or refuses to turn data units off.
 */
static void test_refusal_below_wrapper(struct kunit *test)
{
	struct crypto_skcipher *tfm;
	u8 key[TOY_KEYSIZE] = {};

	if (!IS_REACHABLE(CONFIG_CRYPTO_CRYPTD))
		kunit_skip(test, "no cryptd");

	toy_alloc(test, 0);
	tfm = crypto_alloc_skcipher("cryptd(kunit-data-unit-toy)",
				    CRYPTO_ALG_INTERNAL, CRYPTO_ALG_INTERNAL);
	if (IS_ERR(tfm))
		KUNIT_FAIL_AND_ABORT(test, "no cryptd: %pe", tfm);
	KUNIT_EXPECT_EQ(test, 0, crypto_skcipher_setkey(tfm, key, sizeof(key)));

	KUNIT_EXPECT_EQ(test, 0, crypto_skcipher_set_data_unit(tfm, 48, 8));
	expect_data_unit(test, tfm, 48, 8);
	expect_units_of_48(test, tfm);

	toy.refuse = true;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			crypto_skcipher_set_data_unit(tfm, 32, 1));
	expect_data_unit(test, tfm, 48, 8);
	expect_units_of_48(test, tfm);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			crypto_skcipher_set_data_unit_size(tfm, 0));
	expect_data_unit(test, tfm, 48, 8);
	expect_units_of_48(test, tfm);

	toy.refuse = false;
	KUNIT_EXPECT_EQ(test, 0, crypto_skcipher_set_data_unit_size(tfm, 0));
	expect_data_unit(test, tfm, 0, 0);

	crypto_free_skcipher(tfm);
}

static void test_bad_lengths(struct kunit *test)
{
	static const unsigned int bad[] = { 0, 1, 16, 31, 33, 48, 100 };
	struct toy_fixture *f = toy_alloc(test, 0);
	struct scatterlist sg;
	unsigned int i;
	u8 *data;

	data = kunit_kzalloc(test, 128, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, data);
	sg_init_one(&sg, data, 128);
	f->iv[0] = 0xff;

	KUNIT_ASSERT_EQ(test, 0,
			crypto_skcipher_set_data_unit_size(f->tfm, 32));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		skcipher_request_set_crypt(f->req, &sg, &sg, bad[i], f->iv);
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL,
				    crypto_skcipher_encrypt(f->req),
				    "length %u", bad[i]);
	}
	KUNIT_EXPECT_EQ(test, 0, toy.calls);
	KUNIT_EXPECT_NULL(test, memchr_inv(data, 0, 128));
}

/*
 * Three data units of 32 bytes.  Entries of the source and of the destination
 * end at different places within data units.  The source has an empty entry.
 * Both halves of the IV overflow.
 */
static void test_walk(struct kunit *test)
{
	static const unsigned int cut_src[] = { 5, 30, 0, 61 };
	static const unsigned int cut_dst[] = { 64, 1, 31 };
	struct toy_fixture *f = toy_alloc(test, 0);
	struct scatterlist src[ARRAY_SIZE(cut_src)];
	struct scatterlist dst[ARRAY_SIZE(cut_dst)];
	u8 *in, *out, want_iv[SKCIPHER_DATA_UNIT_IVSIZE];
	unsigned int i, pos;

	in = kunit_kzalloc(test, 96, GFP_KERNEL);
	out = kunit_kzalloc(test, 128, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, in);
	KUNIT_ASSERT_NOT_NULL(test, out);
	for (i = 0; i < 96; i++)
		in[i] = i;

	sg_init_table(src, ARRAY_SIZE(src));
	for (i = 0, pos = 0; i < ARRAY_SIZE(src); pos += cut_src[i], i++)
		sg_set_buf(&src[i], in + pos, cut_src[i]);
	sg_init_table(dst, ARRAY_SIZE(dst));
	for (i = 0, pos = 0; i < ARRAY_SIZE(dst); pos += cut_dst[i], i++)
		sg_set_buf(&dst[i], out + pos, cut_dst[i]);

	KUNIT_ASSERT_EQ(test, 0, crypto_skcipher_set_data_unit(f->tfm, 32, 8));

	memset(f->iv, 0xff, sizeof(f->iv));
	f->iv[0] = 0xfc;
	memcpy(want_iv, f->iv, sizeof(want_iv));
	skcipher_request_set_crypt(f->req, src, dst, 96, f->iv);
	KUNIT_ASSERT_EQ(test, 0, crypto_skcipher_encrypt(f->req));

	KUNIT_EXPECT_MEMEQ(test, f->iv, want_iv, sizeof(want_iv));
	KUNIT_EXPECT_EQ(test, f->req->cryptlen, 96);
	KUNIT_EXPECT_PTR_EQ(test, f->req->src, &src[0]);
	KUNIT_EXPECT_PTR_EQ(test, f->req->dst, &dst[0]);

	KUNIT_ASSERT_EQ(test, 3, toy.calls);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, 32, toy.len[i]);
	KUNIT_EXPECT_MEMEQ(test, toy.iv[0], want_iv, sizeof(want_iv));
	memset(want_iv, 0, sizeof(want_iv));
	want_iv[0] = 0x04;
	KUNIT_EXPECT_MEMEQ(test, toy.iv[1], want_iv, sizeof(want_iv));
	want_iv[0] = 0x0c;
	KUNIT_EXPECT_MEMEQ(test, toy.iv[2], want_iv, sizeof(want_iv));

	for (i = 0; i < 96; i++)
		KUNIT_EXPECT_EQ_MSG(test, in[i] ^ toy.iv[i / 32][0], out[i],
				    "byte %u", i);
	KUNIT_EXPECT_NULL(test, memchr_inv(out + 96, 0, 32));
}

/*
 * Seven data units of 32 bytes: two in one piece, one cut in the source, one in
 * one piece, one cut in the destination, two in one piece.
 */
static void test_runs(struct kunit *test)
{
	static const unsigned int cut_src[] = { 64 + 7, 25 + 4 * 32 };
	static const unsigned int cut_dst[] = { 4 * 32 + 31, 1 + 64 };
	static const unsigned int want_len[] = { 64, 32, 32, 32, 64 };
	static const unsigned int want_iv[] = { 0xfd, 3, 6, 9, 12 };
	struct toy_fixture *f = toy_alloc(test, 0);
	u8 iv[SKCIPHER_DATA_UNIT_IVSIZE] = { 0xfd, 0xff, 0xff };
	struct scatterlist src[2], dst[2];
	u8 *in, *out;
	unsigned int i;

	in = kunit_kzalloc(test, 7 * 32, GFP_KERNEL);
	out = kunit_kzalloc(test, 8 * 32, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, in);
	KUNIT_ASSERT_NOT_NULL(test, out);
	for (i = 0; i < 7 * 32; i++)
		in[i] = i;

	sg_init_table(src, 2);
	sg_set_buf(&src[0], in, cut_src[0]);
	sg_set_buf(&src[1], in + cut_src[0], cut_src[1]);
	sg_init_table(dst, 2);
	sg_set_buf(&dst[0], out, cut_dst[0]);
	sg_set_buf(&dst[1], out + cut_dst[0], cut_dst[1]);

	KUNIT_ASSERT_EQ(test, 0, crypto_skcipher_set_data_unit(f->tfm, 32, 3));

	toy.walk = true;
	memcpy(f->iv, iv, sizeof(iv));
	skcipher_request_set_crypt(f->req, src, dst, 7 * 32, f->iv);
	KUNIT_ASSERT_EQ(test, 0, crypto_skcipher_encrypt(f->req));

	KUNIT_EXPECT_MEMEQ(test, f->iv, iv, sizeof(iv));
	KUNIT_EXPECT_EQ(test, f->req->cryptlen, 7 * 32);
	KUNIT_EXPECT_PTR_EQ(test, f->req->src, &src[0]);
	KUNIT_EXPECT_PTR_EQ(test, f->req->dst, &dst[0]);
	for (i = 0; i < 7 * 32; i++)
		KUNIT_EXPECT_EQ_MSG(test, out[i],
				    in[i] ^ (u8)(0xfd + i / 32 * 3),
				    "byte %u", i);
	KUNIT_EXPECT_NULL(test, memchr_inv(out + 7 * 32, 0, 32));

	/* With highmem, the walk processes each data unit alone. */
	if (IS_ENABLED(CONFIG_HIGHMEM)) {
		KUNIT_EXPECT_EQ(test, 7, toy.calls);
		return;
	}
	KUNIT_ASSERT_EQ(test, ARRAY_SIZE(want_len), toy.calls);
	for (i = 0; i < ARRAY_SIZE(want_len); i++) {
		KUNIT_EXPECT_EQ_MSG(test, want_len[i], toy.len[i],
				    "call %u", i);
		KUNIT_EXPECT_EQ_MSG(test, want_iv[i], toy.iv[i][0],
				    "call %u", i);
	}
}

/*
 * The walk hands out at most toy.max_bytes bytes and at most
 * SKCIPHER_DATA_UNITS_AT_ONCE data units at a time.  It processes a data unit
 * of more than toy.max_bytes bytes alone.
 */
static void test_long_runs(struct kunit *test)
{
	static const unsigned int sizes[] = { 32, 1024, 1536, 4096, 8192 };
	static const unsigned int units[] = { 40, 6, 6, 6, 6 };
	static const unsigned int want_len[] = { 512, 4096, 3072, 4096, 8192 };
	static const unsigned int want_calls[] = { 3, 2, 3, 6, 6 };
	struct toy_fixture *f = toy_alloc(test, 0);
	struct scatterlist sg;
	unsigned int i, j;
	u8 *data;

	data = kunit_kzalloc(test, 6 * 8192, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, data);
	sg_init_one(&sg, data, 6 * 8192);

	toy.walk = true;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		toy.calls = 0;
		f->iv[0] = 1;
		memset(data, 0, 6 * 8192);
		KUNIT_ASSERT_EQ(test, 0,
				crypto_skcipher_set_data_unit_size(f->tfm,
								   sizes[i]));
		skcipher_request_set_crypt(f->req, &sg, &sg,
					   units[i] * sizes[i], f->iv);
		KUNIT_ASSERT_EQ(test, 0, crypto_skcipher_encrypt(f->req));
		for (j = 0; j < units[i]; j++)
			KUNIT_EXPECT_NULL(test,
					  memchr_inv(data + j * sizes[i],
						     1 + j, sizes[i]));
		if (IS_ENABLED(CONFIG_HIGHMEM)) {
			KUNIT_EXPECT_EQ(test, units[i], toy.calls);
			continue;
		}
		KUNIT_EXPECT_EQ_MSG(test, want_len[i], toy.len[0],
				    "units of %u bytes", sizes[i]);
		KUNIT_EXPECT_EQ_MSG(test, want_calls[i], toy.calls,
				    "units of %u bytes", sizes[i]);
	}
}

/* The walk hands out data units of different entries together, one run each. */
static void test_scattered_units(struct kunit *test)
{
	struct toy_fixture *f = toy_alloc(test, 0);
	struct scatterlist sg[6];
	unsigned int i, j;
	u8 *data;

	data = kunit_kzalloc(test, 6 * 1024, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, data);
	sg_init_table(sg, 6);
	for (i = 0; i < 6; i++)
		sg_set_buf(&sg[i], data + (5 - i) * 1024, 512);

	KUNIT_ASSERT_EQ(test, 0, crypto_skcipher_set_data_unit(f->tfm, 512, 5));
	toy.walk = true;
	toy.max_bytes = 4 * 512;
	f->iv[0] = 1;
	skcipher_request_set_crypt(f->req, sg, sg, 6 * 512, f->iv);
	KUNIT_ASSERT_EQ(test, 0, crypto_skcipher_encrypt(f->req));

	KUNIT_EXPECT_EQ(test, 6, toy.calls);
	KUNIT_EXPECT_EQ(test, IS_ENABLED(CONFIG_HIGHMEM) ? 0 : 2, toy.batches);
	for (i = 0; i < 6; i++)
		for (j = 0; j < 1024; j++)
			KUNIT_EXPECT_EQ_MSG(test, data[(5 - i) * 1024 + j],
					    j < 512 ? 1 + 5 * i : 0,
					    "unit %u, byte %u", i, j);
}

/* toy.max_bytes limits all runs together, not each run alone. */
static void test_bound_of_runs(struct kunit *test)
{
	struct toy_fixture *f = toy_alloc(test, 0);
	struct scatterlist sg[2];
	u8 *data;

	data = kunit_kzalloc(test, 8 * 512, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, data);
	sg_init_table(sg, 2);
	sg_set_buf(&sg[0], data, 512);
	sg_set_buf(&sg[1], data + 512, 7 * 512);

	KUNIT_ASSERT_EQ(test, 0, crypto_skcipher_set_data_unit_size(f->tfm, 512));
	toy.walk = true;
	toy.max_bytes = 4 * 512;
	skcipher_request_set_crypt(f->req, sg, sg, 8 * 512, f->iv);
	KUNIT_ASSERT_EQ(test, 0, crypto_skcipher_encrypt(f->req));
	KUNIT_EXPECT_EQ(test, IS_ENABLED(CONFIG_HIGHMEM) ? 0 : 2, toy.batches);
}

/*
 * skcipher_crypt_data_units() cuts data units from a large entry.  The offset
 * of each new entry lies within the first page of the new entry.
 */
static void test_entry_of_many_pages(struct kunit *test)
{
	struct toy_fixture *f = toy_alloc(test, 0);
	struct scatterlist sg;
	u8 *data;

	data = kunit_kzalloc(test, 4 * PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, data);
	sg_init_one(&sg, data, 4 * PAGE_SIZE);

	KUNIT_ASSERT_EQ(test, 0,
			crypto_skcipher_set_data_unit_size(f->tfm, PAGE_SIZE / 4));
	skcipher_request_set_crypt(f->req, &sg, &sg, 4 * PAGE_SIZE, f->iv);
	KUNIT_ASSERT_EQ(test, 0, crypto_skcipher_encrypt(f->req));
	KUNIT_EXPECT_EQ(test, 16, toy.calls);
	KUNIT_EXPECT_EQ(test, 0, toy.far);
}

/* With CRYPTO_TFM_REQ_MAY_YIELD, other tasks may run after each data unit. */
static void test_yield(struct kunit *test)
{
	struct toy_fixture *f = toy_alloc(test, 0);
	struct scatterlist sg;
	u8 *data;

	if (IS_ENABLED(CONFIG_PREEMPTION))
		kunit_skip(test, "this kernel preempts by itself");

	data = kunit_kzalloc(test, 5 * 32, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, data);
	sg_init_one(&sg, data, 5 * 32);

	KUNIT_ASSERT_EQ(test, 0,
			crypto_skcipher_set_data_unit_size(f->tfm, 32));
	toy.want_cpu = true;
	skcipher_request_set_crypt(f->req, &sg, &sg, 5 * 32, f->iv);
	KUNIT_ASSERT_EQ(test, 0, crypto_skcipher_encrypt(f->req));
	KUNIT_EXPECT_EQ(test, 0, toy.yields);

	toy.calls = 0;
	skcipher_request_set_callback(f->req, CRYPTO_TFM_REQ_MAY_YIELD, NULL,
				      NULL);
	KUNIT_ASSERT_EQ(test, 0, crypto_skcipher_encrypt(f->req));
	/* A timer tick may set need_resched() again, so the number varies. */
	KUNIT_EXPECT_GT(test, toy.yields, 0);
}

static void test_carry_into_high_half(struct kunit *test)
{
	u8 iv[SKCIPHER_DATA_UNIT_IVSIZE] = {};
	u8 want[SKCIPHER_DATA_UNIT_IVSIZE] = {};

	memset(iv, 0xff, 8);
	want[8] = 1;
	skcipher_advance_iv(iv, 1);
	KUNIT_EXPECT_MEMEQ(test, iv, want, sizeof(want));

	want[0] = 0xff;
	want[1] = 0x01;
	skcipher_advance_iv(iv, 0x1ff);
	KUNIT_EXPECT_MEMEQ(test, iv, want, sizeof(want));
}

static void test_error_in_the_middle(struct kunit *test)
{
	struct toy_fixture *f = toy_alloc(test, 0);
	u8 want_iv[SKCIPHER_DATA_UNIT_IVSIZE] = { 3 };
	struct scatterlist sg;
	u8 *data;

	data = kunit_kzalloc(test, 96, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, data);
	sg_init_one(&sg, data, 96);

	KUNIT_ASSERT_EQ(test, 0,
			crypto_skcipher_set_data_unit_size(f->tfm, 32));
	f->iv[0] = 3;
	toy.fail_at = 2;
	skcipher_request_set_crypt(f->req, &sg, &sg, 96, f->iv);
	KUNIT_EXPECT_EQ(test, -EIO, crypto_skcipher_encrypt(f->req));
	KUNIT_EXPECT_EQ(test, 2, toy.calls);
	KUNIT_EXPECT_MEMEQ(test, f->iv, want_iv, sizeof(want_iv));
	KUNIT_EXPECT_EQ(test, f->req->cryptlen, 96);
	KUNIT_EXPECT_PTR_EQ(test, f->req->src, &sg);
	KUNIT_EXPECT_PTR_EQ(test, f->req->dst, &sg);
	KUNIT_EXPECT_NULL(test, memchr_inv(data + 32, 0, 64));
}

#define MAX_DRIVERS	32

/* Copies the names of the drivers with the flag, and returns their number. */
static unsigned int drivers_with_flag(char (*names)[CRYPTO_MAX_ALG_NAME])
{
	struct crypto_alg *alg;
	unsigned int n = 0;

	down_read(&crypto_alg_sem);
	list_for_each_entry(alg, &crypto_alg_list, cra_list) {
		if ((alg->cra_flags & CRYPTO_ALG_TYPE_MASK) !=
		    CRYPTO_ALG_TYPE_SKCIPHER ||
		    !(alg->cra_flags & CRYPTO_ALG_SKCIPHER_MULTI_DATA_UNIT) ||
		    (alg->cra_flags & (CRYPTO_ALG_LARVAL | CRYPTO_ALG_INTERNAL)))
			continue;
		if (n < MAX_DRIVERS)
			strscpy(names[n], alg->cra_driver_name);
		n++;
	}
	up_read(&crypto_alg_sem);
	return n;
}

/*
 * Allocates each driver with the flag.  crypto_alloc_skcipher() waits for the
 * self-test, which compares many data units with requests of one message.
 */
static void test_drivers(struct kunit *test)
{
	static const char * const instances[] = {
		"xts(ecb(aes-generic))", "xts(ecb(aes-lib))",
	};
	char (*names)[CRYPTO_MAX_ALG_NAME];
	struct crypto_skcipher *tfm;
	unsigned int i, n;

	names = kunit_kcalloc(test, MAX_DRIVERS, sizeof(*names), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, names);

	/* Templates register an instance when a user asks for it. */
	for (i = 0; i < ARRAY_SIZE(instances); i++) {
		tfm = crypto_alloc_skcipher(instances[i], 0, 0);
		if (!IS_ERR(tfm))
			crypto_free_skcipher(tfm);
		else
			KUNIT_EXPECT_EQ(test, PTR_ERR(tfm), -ENOENT);
	}

	n = drivers_with_flag(names);
	if (!n)
		kunit_skip(test, "no driver takes many data units");
	KUNIT_ASSERT_LE(test, n, MAX_DRIVERS);
	for (i = 0; i < n; i++) {
		tfm = crypto_alloc_skcipher(names[i], 0, 0);
		KUNIT_EXPECT_FALSE_MSG(test, IS_ERR(tfm), "%s: %ld", names[i],
				       PTR_ERR_OR_ZERO(tfm));
		if (IS_ERR(tfm))
			continue;
		kunit_info(test, "%s\n", names[i]);
		crypto_free_skcipher(tfm);
	}
}

static struct kunit_case skcipher_data_unit_cases[] = {
	KUNIT_CASE(test_registration),
	KUNIT_CASE(test_lskcipher_registration),
	KUNIT_CASE(test_without_flag),
	KUNIT_CASE(test_size_and_step),
	KUNIT_CASE(test_refusal_below_wrapper),
	KUNIT_CASE(test_bad_lengths),
	KUNIT_CASE(test_walk),
	KUNIT_CASE(test_runs),
	KUNIT_CASE(test_long_runs),
	KUNIT_CASE(test_scattered_units),
	KUNIT_CASE(test_bound_of_runs),
	KUNIT_CASE(test_entry_of_many_pages),
	KUNIT_CASE(test_yield),
	KUNIT_CASE(test_carry_into_high_half),
	KUNIT_CASE(test_error_in_the_middle),
	KUNIT_CASE(test_drivers),
	{}
};

static struct kunit_suite skcipher_data_unit_suite = {
	.name = "skcipher-data-unit",
	.test_cases = skcipher_data_unit_cases,
};

kunit_test_suite(skcipher_data_unit_suite);

MODULE_DESCRIPTION("KUnit tests of data units in the skcipher API");
MODULE_LICENSE("GPL");
