// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KUnit tests of data units in the skcipher API
 *
 * The algorithm under test is a toy.  The toy records the length and the IV of
 * each data unit, and XORs the data unit with the first byte of this IV.  With
 * toy.max_bytes set, the toy uses the walk, and records the length and the
 * first IV of each run of data units.
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
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "internal.h"

#define TOY_BLOCK	16
#define TOY_KEYSIZE	16
#define TOY_MAX_CALLS	8
#define TOY_MAX_ENTRIES	6

/* A size and a step that the toy refuses */
#define TOY_BAD_SIZE	64
#define TOY_BAD_STEP	7

/* Settings and records of the toy.  KUnit runs one test at a time. */
static struct {
	unsigned int calls;
	unsigned int fail_at;	/* this call, counted from 1, fails with -EIO */
	bool refuse;		/* refuse any size and step */
	unsigned int max_bytes;	/* of the walk; 0: skcipher_crypt_data_units() */
	unsigned int batches;	/* times that the walk handed out data units */
	unsigned int far;	/* entries that begin beyond their first page */
	bool want_cpu;		/* each call requests a reschedule */
	unsigned int yields;	/* reschedules between two calls */
	unsigned int len[TOY_MAX_CALLS];
	u8 iv[TOY_MAX_CALLS][SKCIPHER_DATA_UNIT_IVSIZE];
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

static int toy_import(struct skcipher_request *req, const void *in)
{
	return 0;
}

static int toy_export(struct skcipher_request *req, void *out)
{
	return 0;
}

static void toy_note(unsigned int len, const u8 *iv)
{
	if (toy.calls < TOY_MAX_CALLS) {
		toy.len[toy.calls] = len;
		memcpy(toy.iv[toy.calls], iv, sizeof(toy.iv[0]));
	}
	toy.calls++;
}

/* Counts a reschedule since the last call, and requests the next reschedule. */
static void toy_want_cpu(void)
{
	if (toy.calls > 1 && !need_resched())
		toy.yields++;
	set_tsk_need_resched(current);
	set_preempt_need_resched();
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
	if (toy.want_cpu)
		toy_want_cpu();
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

static int toy_crypt_units(struct skcipher_request *req)
{
	u8 iv[SKCIPHER_DATA_UNIT_IVSIZE];
	struct skcipher_data_unit_walk walk;
	unsigned int i;
	int err;

	if (!toy.max_bytes)
		return skcipher_crypt_data_units(req, toy_crypt_unit);

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
	struct crypto_wait wait;
	struct scatterlist sg;	/* the data */
	u8 data[160];
	u8 iv[SKCIPHER_DATA_UNIT_IVSIZE];
};

static void toy_free(void *data)
{
	struct toy_fixture *f = data;

	skcipher_request_free(f->req);
	crypto_free_skcipher(f->tfm);
	crypto_unregister_skcipher(&f->alg);
}

/* Registers @alg, and allocates @driver, which is the toy or a wrapper. */
static struct toy_fixture *toy_alloc_driver(struct kunit *test,
					    const struct skcipher_alg *alg,
					    const char *driver)
{
	struct toy_fixture *f;
	u8 key[TOY_KEYSIZE] = {};

	memset(&toy, 0, sizeof(toy));

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->alg = *alg;
	KUNIT_ASSERT_EQ(test, crypto_register_skcipher(&f->alg), 0);

	f->tfm = crypto_alloc_skcipher(driver, CRYPTO_ALG_INTERNAL,
				       CRYPTO_ALG_INTERNAL);
	if (IS_ERR(f->tfm)) {
		crypto_unregister_skcipher(&f->alg);
		KUNIT_FAIL_AND_ABORT(test, "no %s: %pe", driver, f->tfm);
	}
	f->req = skcipher_request_alloc(f->tfm, GFP_KERNEL);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, toy_free, f));
	KUNIT_ASSERT_NOT_NULL(test, f->req);
	KUNIT_ASSERT_EQ(test, 0,
			crypto_skcipher_setkey(f->tfm, key, sizeof(key)));

	crypto_init_wait(&f->wait);
	skcipher_request_set_callback(f->req, CRYPTO_TFM_REQ_MAY_BACKLOG,
				      crypto_req_done, &f->wait);
	sg_init_one(&f->sg, f->data, sizeof(f->data));
	return f;
}

static struct toy_fixture *toy_alloc(struct kunit *test)
{
	return toy_alloc_driver(test, &toy_template,
				toy_template.base.cra_driver_name);
}

static int toy_encrypt(struct toy_fixture *f, struct scatterlist *src,
		       struct scatterlist *dst, unsigned int bytes)
{
	skcipher_request_set_crypt(f->req, src, dst, bytes, f->iv);
	return crypto_wait_req(crypto_skcipher_encrypt(f->req), &f->wait);
}

static void test_registration(struct kunit *test)
{
	const u32 flag = CRYPTO_ALG_SKCIPHER_MULTI_DATA_UNIT;
	const struct {
		u32 flag;
		unsigned int ivsize, statesize;
		bool set_data_unit;
		int err;
	} cases[] = {
		{ flag, 0, 0, true, -EINVAL },
		{ flag, 8, 0, true, -EINVAL },
		{ flag, 32, 0, true, -EINVAL },
		{ 0, SKCIPHER_DATA_UNIT_IVSIZE, 0, true, -EINVAL },
		/* State that one request passes to the next */
		{ flag, SKCIPHER_DATA_UNIT_IVSIZE, 16, true, -EINVAL },
		{ 0, SKCIPHER_DATA_UNIT_IVSIZE, 16, false, 0 },
	};
	struct skcipher_alg alg;
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		alg = toy_template;
		alg.base.cra_flags = CRYPTO_ALG_INTERNAL | cases[i].flag;
		alg.ivsize = cases[i].ivsize;
		alg.statesize = cases[i].statesize;
		alg.import = toy_import;
		alg.export = toy_export;
		if (!cases[i].set_data_unit)
			alg.set_data_unit = NULL;
		err = crypto_register_skcipher(&alg);
		KUNIT_EXPECT_EQ_MSG(test, cases[i].err, err, "case %u", i);
		if (!err)
			crypto_unregister_skcipher(&alg);
	}
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
	struct skcipher_alg alg = toy_template;
	struct toy_fixture *f;

	alg.base.cra_flags = CRYPTO_ALG_INTERNAL;
	alg.set_data_unit = NULL;
	f = toy_alloc_driver(test, &alg, alg.base.cra_driver_name);

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
	struct toy_fixture *f = toy_alloc(test);
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

/* Expects data units of 48 bytes and a step of 8, also in the toy below @f->tfm. */
static void expect_units_of_48(struct kunit *test, struct toy_fixture *f)
{
	expect_data_unit(test, f->tfm, 48, 8);

	toy.calls = 0;
	KUNIT_EXPECT_EQ(test, 0, toy_encrypt(f, &f->sg, &f->sg, 96));
	KUNIT_EXPECT_EQ(test, 2, toy.calls);
	KUNIT_EXPECT_EQ(test, 48, toy.len[0]);
	KUNIT_EXPECT_EQ(test, 0, toy.iv[0][0]);
	KUNIT_EXPECT_EQ(test, 8, toy.iv[1][0]);
}

/*
 * A wrapper and the wrapped algorithm always have the same size and step, also
 * if the wrapped algorithm refuses new ones, or refuses to turn data units off.
 */
static void test_refusal_below_wrapper(struct kunit *test)
{
	struct crypto_skcipher *tfm;
	struct toy_fixture *f;

	if (!IS_REACHABLE(CONFIG_CRYPTO_CRYPTD))
		kunit_skip(test, "no cryptd");

	f = toy_alloc_driver(test, &toy_template,
			     "cryptd(kunit-data-unit-toy)");
	tfm = f->tfm;
	KUNIT_EXPECT_EQ(test, 0, crypto_skcipher_set_data_unit(tfm, 48, 8));
	expect_units_of_48(test, f);

	toy.refuse = true;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			crypto_skcipher_set_data_unit(tfm, 32, 1));
	expect_units_of_48(test, f);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			crypto_skcipher_set_data_unit_size(tfm, 0));
	expect_units_of_48(test, f);

	toy.refuse = false;
	KUNIT_EXPECT_EQ(test, 0, crypto_skcipher_set_data_unit_size(tfm, 0));
	expect_data_unit(test, tfm, 0, 0);
}

static void test_bad_lengths(struct kunit *test)
{
	static const unsigned int bad[] = { 0, 1, 16, 31, 33, 48, 100 };
	struct toy_fixture *f = toy_alloc(test);
	unsigned int i;

	f->iv[0] = 0xff;
	KUNIT_ASSERT_EQ(test, 0,
			crypto_skcipher_set_data_unit_size(f->tfm, 32));
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL,
				    toy_encrypt(f, &f->sg, &f->sg, bad[i]),
				    "length %u", bad[i]);
	KUNIT_EXPECT_EQ(test, 0, toy.calls);
	KUNIT_EXPECT_NULL(test, memchr_inv(f->data, 0, sizeof(f->data)));
}

/* Requests of many shapes */
static const struct toy_case {
	const char *name;
	unsigned int size, step, units;
	u64 iv_high;				/* high half of the first IV */
	unsigned int max_bytes;			/* of the toy */
	unsigned int fail_at;			/* of the toy, if in place */
	unsigned int src[TOY_MAX_ENTRIES];	/* lengths of the entries */
	unsigned int dst[TOY_MAX_ENTRIES];	/* none: in place */
	unsigned int want_batches;
	unsigned int want_len[TOY_MAX_CALLS];	/* of each call */
} toy_cases[] = {
	{
		.name = "one data unit",
		.size = 32, .step = 1, .units = 1,
		.src = { 32 }, .want_len = { 32 },
	},
	{
		.name = "unit by unit, with an empty entry",
		.size = 32, .step = 8, .units = 3, .iv_high = U64_MAX,
		.src = { 5, 30, 0, 61 }, .dst = { 64, 1, 31 },
		.want_len = { 32, 32, 32 },
	},
	{
		.name = "error in the middle",
		.size = 32, .step = 1, .units = 3, .fail_at = 2,
		.src = { 96 }, .want_len = { 32, 32 },
	},
	{
		/* The third unit is cut in src, the fifth in dst. */
		.name = "runs between units in pieces",
		.size = 32, .step = 3, .units = 7, .max_bytes = SZ_4K,
		.iv_high = U64_MAX, .src = { 71, 153 }, .dst = { 159, 65 },
		.want_batches = 3, .want_len = { 64, 32, 32, 32, 64 },
	},
	{
		.name = "SKCIPHER_DATA_UNITS_AT_ONCE bounds a run",
		.size = 32, .step = 1, .units = 40, .max_bytes = SZ_4K,
		.src = { 1280 },
		.want_batches = 3, .want_len = { 512, 512, 256 },
	},
	{
		.name = "max_bytes bounds a run",
		.size = 1024, .step = 1, .units = 6, .max_bytes = SZ_4K,
		.src = { 6144 },
		.want_batches = 2, .want_len = { 4096, 2048 },
	},
	{
		.name = "max_bytes is no multiple of the size",
		.size = 1536, .step = 1, .units = 6, .max_bytes = SZ_4K,
		.src = { 9216 },
		.want_batches = 3, .want_len = { 3072, 3072, 3072 },
	},
	{
		.name = "units of max_bytes",
		.size = 4096, .step = 1, .units = 3, .max_bytes = SZ_4K,
		.src = { 12288 },
		.want_batches = 3, .want_len = { 4096, 4096, 4096 },
	},
	{
		/* The later units begin beyond the first page of the entry. */
		.name = "units above max_bytes",
		.size = 2 * PAGE_SIZE, .step = 1, .units = 3, .max_bytes = SZ_4K,
		.src = { 6 * PAGE_SIZE },
		.want_len = { 2 * PAGE_SIZE, 2 * PAGE_SIZE, 2 * PAGE_SIZE },
	},
	{
		.name = "runs of different entries",
		.size = 512, .step = 5, .units = 6, .max_bytes = 4 * 512,
		.src = { 512, 512, 512, 512, 512, 512 },
		.want_batches = 2, .want_len = { 512, 512, 512, 512, 512, 512 },
	},
	{
		.name = "max_bytes bounds all runs together",
		.size = 512, .step = 255, .units = 8, .max_bytes = 4 * 512,
		.src = { 512, 7 * 512 },
		.want_batches = 2, .want_len = { 512, 3 * 512, 4 * 512 },
	},
};

KUNIT_ARRAY_PARAM_DESC(toy, toy_cases, name);

/* Bytes between entries, and at both ends of the memory, which stay 0 */
#define TOY_GAP	2048

struct toy_list {
	struct scatterlist sg[TOY_MAX_ENTRIES];
	unsigned int nents;
	size_t size;
	u8 *memory;
};

/* Makes a list of @bytes.  Later entries have lower addresses. */
static void toy_make_list(struct kunit *test, struct toy_list *list,
			  const unsigned int *len, unsigned int bytes)
{
	unsigned int i, pos = bytes + (TOY_MAX_ENTRIES + 1) * TOY_GAP;

	list->size = pos;
	list->memory = kunit_kzalloc(test, pos, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, list->memory);

	for (list->nents = 0; bytes; list->nents++)
		bytes -= len[list->nents];
	sg_init_table(list->sg, list->nents);
	for (i = 0; i < list->nents; i++) {
		pos -= len[i] + TOY_GAP;
		sg_set_buf(&list->sg[i], list->memory + pos, len[i]);
	}
}

/* The low half of the first IV is -4, so it overflows after a few data units. */
static void toy_make_iv(const struct toy_case *c, unsigned int unit, u8 *iv)
{
	const u64 n = unit * c->step;

	put_unaligned_le64(n - 4, iv);
	put_unaligned_le64(c->iv_high + (n >= 4), iv + 8);
}

/* Expects that the toy got the data units as @c says. */
static void expect_calls(struct kunit *test, const struct toy_case *c)
{
	/* With highmem, the walk processes each data unit alone. */
	const bool alone = IS_ENABLED(CONFIG_HIGHMEM);
	const unsigned int units = c->fail_at ?: c->units;
	u8 iv[SKCIPHER_DATA_UNIT_IVSIZE];
	unsigned int i, len, unit = 0;

	for (i = 0; i < TOY_MAX_CALLS && unit < units; i++) {
		len = alone ? c->size : c->want_len[i];
		KUNIT_EXPECT_EQ_MSG(test, len, toy.len[i], "call %u", i);
		toy_make_iv(c, unit, iv);
		KUNIT_EXPECT_MEMEQ_MSG(test, iv, toy.iv[i], sizeof(iv),
				       "call %u", i);
		unit += len / c->size;
	}
	KUNIT_EXPECT_EQ(test, alone ? units : i, toy.calls);
	KUNIT_EXPECT_EQ(test, alone ? 0 : c->want_batches, toy.batches);
	KUNIT_EXPECT_EQ(test, 0, toy.far);
}

static void test_requests(struct kunit *test)
{
	const struct toy_case *c = test->param_value;
	const unsigned int bytes = c->size * c->units;
	const unsigned int done = c->fail_at ? c->fail_at - 1 : c->units;
	struct toy_fixture *f = toy_alloc(test);
	struct toy_list src, other, *dst = &src;
	u8 iv[SKCIPHER_DATA_UNIT_IVSIZE];
	unsigned int i;
	u8 *data;

	data = kunit_kmalloc(test, bytes, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, data);
	/* The period is a prime, so that all data units differ. */
	for (i = 0; i < bytes; i++)
		data[i] = i % 251;
	toy_make_list(test, &src, c->src, bytes);
	sg_copy_from_buffer(src.sg, src.nents, data, bytes);
	if (c->dst[0]) {
		dst = &other;
		toy_make_list(test, dst, c->dst, bytes);
	}

	KUNIT_ASSERT_EQ(test, 0, crypto_skcipher_set_data_unit(f->tfm, c->size,
							       c->step));
	toy.max_bytes = c->max_bytes;
	toy.fail_at = c->fail_at;
	toy_make_iv(c, 0, f->iv);
	toy_make_iv(c, 0, iv);
	KUNIT_EXPECT_EQ(test, c->fail_at ? -EIO : 0,
			toy_encrypt(f, src.sg, dst->sg, bytes));
	expect_calls(test, c);

	/* The request is as before. */
	KUNIT_EXPECT_MEMEQ(test, f->iv, iv, sizeof(iv));
	KUNIT_EXPECT_EQ(test, f->req->cryptlen, bytes);
	KUNIT_EXPECT_PTR_EQ(test, f->req->src, &src.sg[0]);
	KUNIT_EXPECT_PTR_EQ(test, f->req->dst, &dst->sg[0]);

	sg_copy_to_buffer(dst->sg, dst->nents, data, bytes);
	sg_zero_buffer(dst->sg, dst->nents, bytes, 0);
	KUNIT_EXPECT_NULL(test, memchr_inv(dst->memory, 0, dst->size));
	for (i = 0; i < bytes; i++) {
		unsigned int unit = i / c->size;
		u8 mask = unit < done ? unit * c->step - 4 : 0;

		KUNIT_ASSERT_EQ_MSG(test, data[i], i % 251 ^ mask, "byte %u", i);
	}
}

/* With CRYPTO_TFM_REQ_MAY_YIELD, other tasks may run after each data unit. */
static void test_yield(struct kunit *test)
{
	struct toy_fixture *f = toy_alloc(test);

	if (IS_ENABLED(CONFIG_PREEMPTION))
		kunit_skip(test, "this kernel preempts by itself");

	KUNIT_ASSERT_EQ(test, 0,
			crypto_skcipher_set_data_unit_size(f->tfm, 32));
	toy.want_cpu = true;
	KUNIT_ASSERT_EQ(test, 0, toy_encrypt(f, &f->sg, &f->sg, 5 * 32));
	KUNIT_EXPECT_EQ(test, 0, toy.yields);

	toy.calls = 0;
	skcipher_request_set_callback(f->req, CRYPTO_TFM_REQ_MAY_YIELD, NULL,
				      NULL);
	KUNIT_ASSERT_EQ(test, 0, toy_encrypt(f, &f->sg, &f->sg, 5 * 32));
	/* A timer tick may set need_resched() again, so the number varies. */
	KUNIT_EXPECT_GT(test, toy.yields, 0);
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
		if (IS_ERR(tfm)) {
			KUNIT_FAIL(test, "%s: %pe", names[i], tfm);
			continue;
		}
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
	KUNIT_CASE_PARAM(test_requests, toy_gen_params),
	KUNIT_CASE(test_yield),
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
