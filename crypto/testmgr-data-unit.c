// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Self-test of requests made of many data units
 *
 * A request of many data units must have the same result as one request per
 * data unit.  The expected result comes from a reference tfm of the same
 * algorithm without a data unit size, which has passed the test vectors before.
 */

#include <crypto/internal/skcipher-data-unit.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/scatterlist.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "internal.h"
#include "testmgr-data-unit.h"

/* Large enough for an entry that spans pages, small enough to be allocated */
#define ARENA_BLOCK_ORDER	2
#define ARENA_BLOCK_SIZE	(PAGE_SIZE << ARENA_BLOCK_ORDER)

/* Fills the arena outside of the data, where nothing may be written */
#define ARENA_FILL		0xa5

#define MAX_UNIT_SIZE		4096
#define MAX_UNITS		300
#define MAX_ENTRIES		128
#define MAX_GAP			64

/* Number of random cases in a full test and in a short test */
#define NR_RANDOM_CASES_FULL	50
#define NR_RANDOM_CASES		10

/* Most bytes in a random case.  Bounds the time on slow hardware. */
#define MAX_RANDOM_DATA		(64 * 1024)

/*
 * Memory for a scatterlist.  Each entry lies within a block.  A fragmented list
 * has gaps between its entries, and may leave the end of a block unused.
 */
struct arena {
	unsigned int nr_blocks;
	unsigned int used_blocks;	/* by the current list */
	u8 **block;
	struct scatterlist sg[MAX_ENTRIES];
};

struct data_unit_test {
	const char *driver;
	struct crypto_skcipher *tfm;		/* with a data unit size */
	struct skcipher_request *req;
	struct crypto_skcipher *ref_tfm;	/* without a size */
	struct skcipher_request *ref_req;
	struct crypto_wait wait;
	unsigned int cases;			/* with accepted sizes */

	bool full;
	unsigned int max_data;			/* most bytes in a request */

	struct arena src;
	struct arena dst;
	u8 *input;		/* max_data + 1 bytes of random data */
	u8 *expected;		/* max_data bytes, the result of ref_tfm */
	u8 *unit;		/* MAX_UNIT_SIZE bytes for ref_tfm */
	u8 *key;

	/* Twice the size of an IV, so that the IV can begin at any byte */
	u8 iv[2 * SKCIPHER_DATA_UNIT_IVSIZE];
	u8 ref_iv[SKCIPHER_DATA_UNIT_IVSIZE];
};

struct data_unit_case {
	unsigned int size;	/* of a data unit, in bytes */
	unsigned int units;
	unsigned int step;
	bool encrypt;
	bool inplace;
	bool carry;		/* the low half of the IV overflows */
	bool fragmented;	/* entries end within data units */
	bool may_sleep;
	bool nosimd;		/* crypto_simd_usable() is false */
};

static void arena_free(struct arena *arena)
{
	unsigned int i;

	if (!arena->block)
		return;
	for (i = 0; i < arena->nr_blocks; i++)
		free_pages((unsigned long)arena->block[i], ARENA_BLOCK_ORDER);
	kfree(arena->block);
}

static int arena_alloc(struct arena *arena, unsigned int max_data)
{
	unsigned int i;

	arena->nr_blocks = DIV_ROUND_UP(max_data + MAX_ENTRIES * MAX_GAP,
					ARENA_BLOCK_SIZE) + 1;
	arena->block = kcalloc(arena->nr_blocks, sizeof(*arena->block),
			       GFP_KERNEL);
	if (!arena->block)
		return -ENOMEM;

	for (i = 0; i < arena->nr_blocks; i++) {
		arena->block[i] = (u8 *)__get_free_pages(GFP_KERNEL,
							 ARENA_BLOCK_ORDER);
		if (!arena->block[i])
			return -ENOMEM;
		memset(arena->block[i], ARENA_FILL, ARENA_BLOCK_SIZE);
	}
	return 0;
}

/*
 * The first entry of a fragmented list ends within the first data unit, and the
 * second entry within the second data unit.  The other entries have random
 * lengths, on average long enough for all data.  The last entries of a
 * fragmented list, and all entries of other lists, take as much data as fits
 * into the block.
 */
static unsigned int arena_entry_len(const struct data_unit_case *c,
				    unsigned int entry, unsigned int left)
{
	unsigned int need = left / ARENA_BLOCK_SIZE + 2;
	unsigned int len;

	if (!c->fragmented || MAX_ENTRIES - entry <= need + need / 2)
		return left;

	switch (entry < 2 ? entry : get_random_u32_inclusive(2, 5)) {
	case 0:
		len = get_random_u32_inclusive(1, c->size - 1);
		break;
	case 1:
	case 2:
		len = c->size;
		break;
	case 3:
		len = get_random_u32_inclusive(1, 32);
		break;
	default:
		len = get_random_u32_inclusive(1, 4 * MAX_UNIT_SIZE);
		break;
	}
	return min(len, left);
}

/* Makes a scatterlist of @bytes in @arena, as the case requires. */
static int arena_layout(struct arena *arena, const struct data_unit_case *c,
			unsigned int bytes)
{
	unsigned int pos = 0, block = 0, i;

	sg_init_table(arena->sg, MAX_ENTRIES);

	for (i = 0; bytes && i < MAX_ENTRIES; i++) {
		unsigned int len = arena_entry_len(c, i, bytes);

		if (c->fragmented)
			pos += get_random_u32_below(MAX_GAP);
		if (pos >= ARENA_BLOCK_SIZE) {
			block++;
			pos = 0;
		}
		if (block >= arena->nr_blocks)
			return -EOVERFLOW;

		len = min_t(unsigned int, len, ARENA_BLOCK_SIZE - pos);
		sg_set_buf(&arena->sg[i], arena->block[block] + pos, len);
		pos += len;
		bytes -= len;
	}
	if (bytes)
		return -EOVERFLOW;

	arena->used_blocks = block + 1;
	sg_mark_end(&arena->sg[i - 1]);
	return 0;
}

/*
 * Returns true if nothing was written outside of the scatterlist.  Looks at the
 * blocks that the scatterlist uses, and at the next block.  Overwrites the data
 * of the scatterlist.
 */
static bool arena_clean_outside(struct arena *arena)
{
	struct scatterlist *sg;
	unsigned int i;

	for (sg = arena->sg; sg; sg = sg_next(sg))
		memset(sg_virt(sg), ARENA_FILL, sg->length);

	for (i = 0; i < min(arena->used_blocks + 1, arena->nr_blocks); i++) {
		if (memchr_inv(arena->block[i], ARENA_FILL, ARENA_BLOCK_SIZE))
			return false;
	}
	return true;
}

static bool sg_equals(struct scatterlist *sg, const u8 *data,
		      unsigned int bytes)
{
	for (; sg && bytes; sg = sg_next(sg)) {
		unsigned int len = min(sg->length, bytes);

		if (memcmp(sg_virt(sg), data, len))
			return false;
		data += len;
		bytes -= len;
	}
	return !bytes;
}

static int complain(const struct data_unit_test *t,
		    const struct data_unit_case *c, const char *what, int err)
{
	pr_err("alg: skcipher: %s: data units: %s (%d): %u units of %u bytes, step %u, %s%s%s%s%s%s\n",
	       t->driver, what, err, c->units, c->size, c->step,
	       c->encrypt ? "encrypt" : "decrypt",
	       c->inplace ? ", in place" : "",
	       c->carry ? ", carry" : "",
	       c->fragmented ? ", fragmented" : "",
	       c->may_sleep ? ", may sleep" : "",
	       c->nosimd ? ", no SIMD" : "");
	return err ?: -EINVAL;
}

/*
 * With @nosimd, submits the request while crypto_simd_usable() is false.  Drivers
 * that use SIMD then take another path, for example through cryptd.
 */
static int crypt_wait(struct data_unit_test *t, struct skcipher_request *req,
		      bool encrypt, bool nosimd)
{
	int err;

	if (nosimd)
		crypto_disable_simd_for_test();
	err = encrypt ? crypto_skcipher_encrypt(req) :
			crypto_skcipher_decrypt(req);
	if (nosimd)
		crypto_reenable_simd_for_test();
	return crypto_wait_req(err, &t->wait);
}

/* Adds byte by byte, to share no code with the walk. */
static void add_to_iv(u8 *iv, u64 n)
{
	unsigned int i, carry = 0;

	for (i = 0; i < SKCIPHER_DATA_UNIT_IVSIZE; i++) {
		carry += iv[i] + (n & 0xff);
		iv[i] = carry;
		carry >>= 8;
		n >>= 8;
	}
}

static int make_expected(struct data_unit_test *t,
			 const struct data_unit_case *c, const u8 *iv)
{
	struct scatterlist sg;
	unsigned int i;
	int err;

	for (i = 0; i < c->units; i++) {
		memcpy(t->unit, t->input + (size_t)i * c->size, c->size);
		sg_init_one(&sg, t->unit, c->size);
		memcpy(t->ref_iv, iv, sizeof(t->ref_iv));
		add_to_iv(t->ref_iv, (u64)i * c->step);

		skcipher_request_set_callback(t->ref_req,
					      CRYPTO_TFM_REQ_MAY_BACKLOG |
					      CRYPTO_TFM_REQ_MAY_SLEEP,
					      crypto_req_done, &t->wait);
		skcipher_request_set_crypt(t->ref_req, &sg, &sg, c->size,
					   t->ref_iv);
		err = crypt_wait(t, t->ref_req, c->encrypt, false);
		if (err)
			return complain(t, c, "unit by unit failed", err);
		memcpy(t->expected + (size_t)i * c->size, t->unit, c->size);
		cond_resched();
	}
	return 0;
}

/*
 * Tries lengths that are not positive multiples of the data unit size.  The
 * scatterlists are long enough for all of them.
 */
static int check_bad_lengths(struct data_unit_test *t,
			     const struct data_unit_case *c,
			     struct scatterlist *src, struct scatterlist *dst,
			     u8 *iv, const u8 *dst_data)
{
	const unsigned int bytes = c->size * c->units;
	const unsigned int bad[] = { 0, 1, c->size - 1, bytes - 1,
				     bytes - c->size / 2 };
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		skcipher_request_set_crypt(t->req, src, dst, bad[i], iv);
		err = crypt_wait(t, t->req, c->encrypt, c->nosimd);
		if (err != -EINVAL)
			return complain(t, c, "bad length not refused", err);
		if (!sg_equals(dst, dst_data, bytes))
			return complain(t, c, "bad length, but written to", 0);
	}
	return 0;
}

/* Returns 1 if the algorithm refuses the size or the step, which is allowed. */
static int set_data_unit(struct data_unit_test *t,
			 const struct data_unit_case *c)
{
	struct crypto_skcipher *tfm = t->tfm;
	const unsigned int size = crypto_skcipher_data_unit_size(tfm);
	const unsigned int step = crypto_skcipher_data_unit_step(tfm);
	int err;

	err = crypto_skcipher_set_data_unit(tfm, c->size, c->step);
	if (err && (crypto_skcipher_data_unit_size(tfm) != size ||
		    crypto_skcipher_data_unit_step(tfm) != step))
		return complain(t, c, "refused size or step is in force", err);
	if (err == -EOPNOTSUPP || err == -EINVAL)
		return 1;
	return err ? complain(t, c, "cannot set the size", err) : 0;
}

static int run_case(struct data_unit_test *t, const struct data_unit_case *c)
{
	const unsigned int bytes = c->size * c->units;
	unsigned int alignmask = crypto_skcipher_alignmask(t->tfm);
	u8 iv[SKCIPHER_DATA_UNIT_IVSIZE];
	struct scatterlist *src, *dst;
	u8 *req_iv = t->iv;
	int err;

	err = set_data_unit(t, c);
	if (err)
		return err < 0 ? err : 0;
	t->cases++;

	get_random_bytes(iv, sizeof(iv));
	if (c->carry && c->units > 1) {
		memset(iv, 0xff, sizeof(u64));
		iv[0] -= get_random_u32_below((c->units - 1) * c->step) & 0x7f;
		if (get_random_u32_below(2))
			memset(iv + sizeof(u64), 0xff, sizeof(u64));
	}

	/* If the IV buffer is not aligned, the algorithm has to copy the IV. */
	if (c->fragmented && alignmask < SKCIPHER_DATA_UNIT_IVSIZE)
		req_iv += get_random_u32_below(SKCIPHER_DATA_UNIT_IVSIZE);
	memcpy(req_iv, iv, sizeof(iv));

	err = arena_layout(&t->src, c, bytes);
	if (!err && !c->inplace)
		err = arena_layout(&t->dst, c, bytes);
	if (err)
		return complain(t, c, "cannot lay out the data", err);

	src = t->src.sg;
	dst = c->inplace ? src : t->dst.sg;
	sg_copy_from_buffer(src, sg_nents(src), t->input, bytes);
	if (!c->inplace)
		sg_copy_from_buffer(dst, sg_nents(dst), t->input + 1, bytes);

	skcipher_request_set_callback(t->req, CRYPTO_TFM_REQ_MAY_BACKLOG |
				      (c->may_sleep ?
				       CRYPTO_TFM_REQ_MAY_SLEEP : 0),
				      crypto_req_done, &t->wait);

	err = check_bad_lengths(t, c, src, dst, req_iv,
				c->inplace ? t->input : t->input + 1);
	if (err)
		return err;

	err = make_expected(t, c, iv);
	if (err)
		return err;

	skcipher_request_set_crypt(t->req, src, dst, bytes, req_iv);
	err = crypt_wait(t, t->req, c->encrypt, c->nosimd);
	if (err)
		return complain(t, c, "failed", err);
	if (!sg_equals(dst, t->expected, bytes))
		return complain(t, c, "differs from unit by unit", 0);
	if (memcmp(req_iv, iv, sizeof(iv)))
		return complain(t, c, "IV buffer changed", 0);
	if (!c->inplace && !sg_equals(src, t->input, bytes))
		return complain(t, c, "source changed", 0);
	if (!arena_clean_outside(&t->src) ||
	    (!c->inplace && !arena_clean_outside(&t->dst)))
		return complain(t, c, "wrote outside of the destination", 0);

	return 0;
}

static const unsigned int sizes[] = { 16, 48, 256, 512, 528, 1024, 2048, 4096 };
static const unsigned int steps[] = { 1, 2, 4, 8 };

/* All combinations that users like dm-crypt need most, with few data units */
#define NR_SHORT_CASES	(ARRAY_SIZE(sizes) * 16)

static struct data_unit_case short_case(const struct data_unit_test *t,
					unsigned int nr)
{
	const unsigned int size = sizes[nr / 16];

	return (struct data_unit_case) {
		.size = size,
		.units = 2 + (nr % 16 + nr / 16 * 2) % 5,
		.step = nr & 1 ? max(size / 512, 1U) : 1,
		.encrypt = nr & 2,
		.inplace = nr & 4,
		.carry = !(nr & 8),
		.fragmented = nr & 8,
		.may_sleep = true,
	};
}

/*
 * The longest request, and a request of more short data units than a driver
 * processes at a time
 */
#define NR_LONG_CASES	8

static struct data_unit_case long_case(const struct data_unit_test *t,
				       unsigned int nr)
{
	return (struct data_unit_case) {
		.size = nr & 4 ? 256 : t->max_data / MAX_UNITS,
		.units = MAX_UNITS,
		.step = 1,
		.encrypt = nr & 1,
		.inplace = nr & 2,
		.carry = true,
		.fragmented = (nr & 3) != 3,
		.nosimd = nr == 2,
	};
}

static struct data_unit_case random_case(const struct data_unit_test *t,
					 unsigned int nr)
{
	const unsigned int size = get_random_u32_below(2) ?
		sizes[get_random_u32_below(ARRAY_SIZE(sizes))] :
		16 * get_random_u32_inclusive(1, MAX_UNIT_SIZE / 16);
	/* As in testmgr.c, a request must not sleep while SIMD is disabled. */
	const bool nosimd = get_random_u32_below(2);

	return (struct data_unit_case) {
		.size = size,
		.units = get_random_u32_inclusive(1,
				min(MAX_UNITS, MAX_RANDOM_DATA / size)),
		.step = steps[get_random_u32_below(ARRAY_SIZE(steps))],
		.encrypt = get_random_u32_below(2),
		.inplace = get_random_u32_below(2),
		.carry = get_random_u32_below(2),
		.fragmented = get_random_u32_below(4),
		.nosimd = nosimd,
		.may_sleep = !nosimd && get_random_u32_below(2),
	};
}

static int run_cases(struct data_unit_test *t, unsigned int nr,
		     struct data_unit_case (*make)(const struct data_unit_test *t,
						   unsigned int nr))
{
	struct data_unit_case c;
	unsigned int i;
	int err;

	for (i = 0; i < nr; i++) {
		c = make(t, i);
		err = run_case(t, &c);
		if (err)
			return err;
	}
	return 0;
}

/*
 * Tries key sizes in steps of 8 bytes, and skips those that the algorithm does
 * not take.  The largest one comes last and stays in use.
 */
static int run_all_keys(struct data_unit_test *t)
{
	const unsigned int max = crypto_skcipher_max_keysize(t->tfm);
	unsigned int keysize = crypto_skcipher_min_keysize(t->tfm);
	int err;

	for (; keysize <= max; keysize += 8) {
		const unsigned int size = crypto_skcipher_data_unit_size(t->tfm);

		get_random_bytes(t->key, keysize);
		err = crypto_skcipher_setkey(t->ref_tfm, t->key, keysize);
		if (err == -EINVAL)
			continue;
		if (!err)
			err = crypto_skcipher_setkey(t->tfm, t->key, keysize);
		if (!err && crypto_skcipher_data_unit_size(t->tfm) != size)
			err = -EINVAL;
		if (err) {
			pr_err("alg: skcipher: %s: data units: key of %u bytes not taken as it should (%d)\n",
			       t->driver, keysize, err);
			return err;
		}
		err = run_cases(t, NR_SHORT_CASES, short_case);
		if (err)
			return err;
	}
	return 0;
}

static int run_test(struct data_unit_test *t)
{
	int err;

	t->req = skcipher_request_alloc(t->tfm, GFP_KERNEL);
	t->ref_req = skcipher_request_alloc(t->ref_tfm, GFP_KERNEL);
	t->input = kvmalloc(t->max_data + 1, GFP_KERNEL);
	t->expected = kvmalloc(t->max_data, GFP_KERNEL);
	t->unit = kmalloc(MAX_UNIT_SIZE, GFP_KERNEL);
	t->key = kmalloc(crypto_skcipher_max_keysize(t->tfm), GFP_KERNEL);
	if (!t->req || !t->ref_req || !t->input || !t->expected || !t->unit ||
	    !t->key)
		return -ENOMEM;

	err = arena_alloc(&t->src, t->max_data) ?:
	      arena_alloc(&t->dst, t->max_data);
	if (err)
		return err;

	get_random_bytes(t->input, t->max_data + 1);
	crypto_init_wait(&t->wait);

	err = run_all_keys(t) ?:
	      run_cases(t, NR_LONG_CASES, long_case) ?:
	      run_cases(t, t->full ? NR_RANDOM_CASES_FULL : NR_RANDOM_CASES,
			random_case);
	if (err)
		return err;

	if (!t->cases) {
		pr_err("alg: skcipher: %s: data units: takes no size and step that was tried\n",
		       t->driver);
		return -EINVAL;
	}
	return 0;
}

/**
 * test_skcipher_data_units() - compare many data units with one at a time
 * @ref_tfm: tfm that has passed the tests with single messages; gets a new key
 * @type: type to allocate a second tfm with
 * @mask: mask to allocate a second tfm with
 * @full: if true, up to 300 data units of 4096 bytes and many random cases.
 *	  Otherwise up to 300 data units of 512 bytes and few random cases,
 *	  because small hardware also runs this when it opens its root device.
 *
 * Context: Process context.  May sleep.
 * Return: 0 on success, for an algorithm without
 *	   CRYPTO_ALG_SKCIPHER_MULTI_DATA_UNIT, and for an algorithm that is
 *	   being removed; otherwise a negative error code, and the kernel log
 *	   tells the reason.
 */
int test_skcipher_data_units(struct crypto_skcipher *ref_tfm, u32 type,
			     u32 mask, bool full)
{
	const char *driver = crypto_skcipher_driver_name(ref_tfm);
	struct data_unit_test *t;
	int err;

	if (!crypto_skcipher_supports_multi_data_unit(ref_tfm))
		return 0;

	t = kzalloc_obj(*t);
	if (!t)
		return -ENOMEM;
	t->driver = driver;
	t->ref_tfm = ref_tfm;
	t->full = full;
	t->max_data = MAX_UNITS * (full ? MAX_UNIT_SIZE : 512);

	t->tfm = crypto_alloc_skcipher(driver, type, mask);
	if (IS_ERR(t->tfm)) {
		err = PTR_ERR(t->tfm);
		/*
		 * The crypto API removes an instance when a better algorithm to
		 * build it from is registered.  Then the test does not matter.
		 */
		if (crypto_is_moribund(crypto_skcipher_tfm(ref_tfm)->__crt_alg))
			err = 0;
		else
			pr_err("alg: skcipher: %s: data units: no second tfm (%d)\n",
			       driver, err);
		goto out_free;
	}

	err = run_test(t);
	if (err == -ENOMEM)
		pr_err("alg: skcipher: %s: data units: out of memory\n",
		       driver);

	arena_free(&t->dst);
	arena_free(&t->src);
	kfree(t->key);
	kfree(t->unit);
	kvfree(t->expected);
	kvfree(t->input);
	skcipher_request_free(t->ref_req);
	skcipher_request_free(t->req);
	crypto_free_skcipher(t->tfm);
out_free:
	kfree(t);
	return err;
}
