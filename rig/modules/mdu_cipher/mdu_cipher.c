// SPDX-License-Identifier: GPL-2.0
/*
 * AES-XTS that completes requests late, in another order, or with an error
 *
 * For tests of callers of asynchronous ciphers.  The driver "xts-mdu-test" of
 * xts(aes) takes requests of many data units and hands them to the best
 * synchronous driver.  Module parameters choose when and where the driver
 * processes a request, and what it returns to the caller.  The priority of the
 * driver is so low that only callers that name the driver get it.  All tfms
 * share one queue.
 *
 * You can change the parameters at any time, also while the driver holds
 * requests:
 *
 *   queue_len	 number of requests in the queue, at least 1 (default 16).  When
 *		 the queue is full, the call puts the request into the backlog
 *		 and returns -EBUSY.  When the driver moves the request to the
 *		 queue, it calls the callback with -EINPROGRESS.  Without
 *		 CRYPTO_TFM_REQ_MAY_BACKLOG, the driver refuses the request with
 *		 -ENOSPC.
 *   delay_us	 time for which the driver collects requests before it processes
 *		 them (default 0)
 *   order	 order of the collected requests: "fifo" (default); or "random",
 *		 where the driver adds each request to the front or to the end
 *   context	 where the driver processes and completes requests:
 *		 "process": in a workqueue (default);
 *		 "softirq": in softirq context;
 *		 "inline": in the call.  The driver calls the callback, and then
 *			   the call returns -EINPROGRESS.  Before it returns
 *			   -EBUSY, the driver calls the callback twice: with
 *			   -EINPROGRESS and with the result.
 *   busy_every	 for each Nth request, the queue counts as full, even if there
 *		 is room.  Here and below, 0 means never, and is the default.
 *   sync_every	 the driver processes each Nth request at once, and the call
 *		 returns the result
 *   fail_every	 each Nth request fails, after half of its data units
 *   error	 error of the requests that fail (default -5, which is -EIO)
 *   refuse_size data unit size that the driver refuses
 *
 * The driver numbers the requests, from 1 after each reset of the counters.
 *
 * Each line of the file mdu_cipher/counters in debugfs has the name and the
 * value of a counter, see struct mdu_counters.  Writing anything to the file
 * resets all counters.
 */

#include <crypto/internal/skcipher.h>
#include <crypto/internal/skcipher-data-unit.h>
#include <linux/bottom_half.h>
#include <linux/cleanup.h>
#include <linux/completion.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jhash.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/preempt.h>
#include <linux/random.h>
#include <linux/scatterlist.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/workqueue.h>

static unsigned int mdu_queue_len = 16;
module_param_named(queue_len, mdu_queue_len, uint, 0644);
static unsigned int mdu_delay_us;
module_param_named(delay_us, mdu_delay_us, uint, 0644);
static char mdu_order[8] = "fifo";
module_param_string(order, mdu_order, sizeof(mdu_order), 0644);
static unsigned int mdu_busy_every;
module_param_named(busy_every, mdu_busy_every, uint, 0644);
static unsigned int mdu_sync_every;
module_param_named(sync_every, mdu_sync_every, uint, 0644);
static unsigned int mdu_fail_every;
module_param_named(fail_every, mdu_fail_every, uint, 0644);
static int mdu_error = -EIO;
module_param_named(error, mdu_error, int, 0644);
static unsigned int mdu_refuse_size;
module_param_named(refuse_size, mdu_refuse_size, uint, 0644);

enum mdu_context { MDU_PROCESS, MDU_SOFTIRQ, MDU_INLINE };

static const char * const mdu_contexts[] = { "process", "softirq", "inline" };
static enum mdu_context mdu_context;

static int mdu_set_context(const char *val, const struct kernel_param *kp)
{
	int i = sysfs_match_string(mdu_contexts, val);

	if (i < 0)
		return i;
	WRITE_ONCE(mdu_context, i);
	return 0;
}

static const struct kernel_param_ops mdu_context_ops = {
	.set = mdu_set_context,
};
module_param_cb(context, &mdu_context_ops, NULL, 0200);

/**
 * struct mdu_counters - what happened since the counters were reset
 * @requests: requests, except those that the driver refused with -ENOSPC
 * @units: data units in @requests; a request without data units counts as one
 * @many: requests of more than one data unit
 * @softirq: requests that came from softirq context
 * @sync: requests whose call returned the result
 * @busy: requests whose call returned -EBUSY
 * @failed: requests that failed because of fail_every
 * @completed: requests that ended, with or without an error
 * @most_held: largest number of requests in the queue and being processed
 * @most_backlogged: largest number of requests in the backlog
 * @out_of_order: requests that ended after a request with a higher number
 * @corrupted: requests that changed before they ended.  The driver looks for
 *	       changes before and after processing.  If it finds one before, the
 *	       request fails with -EIO.
 * @last: highest number of a request that ended; not in the debugfs file
 */
struct mdu_counters {
	u32 requests;
	u32 units;
	u32 many;
	u32 softirq;
	u32 sync;
	u32 busy;
	u32 failed;
	u32 completed;
	u32 most_held;
	u32 most_backlogged;
	u32 out_of_order;
	u32 corrupted;
	u32 last;
};

/* Protects all counters, the queue and the backlog, which all tfms share. */
static DEFINE_SPINLOCK(mdu_lock);
static struct mdu_counters mdu_count;
/* Requests that wait to be processed. */
static LIST_HEAD(mdu_queue);
/* Number of requests in the queue and being processed. */
static u32 mdu_held;
/* Requests that wait for a place in the queue. */
static LIST_HEAD(mdu_backlog);
static u32 mdu_backlogged;

/* Runs mdu_work.  Swap may be on a volume that needs this workqueue. */
static struct workqueue_struct *mdu_wq;
static struct dentry *mdu_debugfs;

struct mdu_tfm_ctx {
	struct crypto_skcipher *child;
};

/**
 * struct mdu_request_ctx - context of a request
 * @self: address of this context, to check that the request is still the same
 * @node: in the queue or the backlog
 * @nr: number of the request
 * @encrypt: direction
 * @fail: error with which the request must fail, or 0
 * @hash: mdu_hash() of the request when the driver got it
 * @subreq: request to the child, followed by the child's request context
 */
struct mdu_request_ctx {
	struct mdu_request_ctx *self;
	struct list_head node;
	u32 nr;
	bool encrypt;
	int fail;
	u32 hash;
	struct skcipher_request subreq;
};

static struct skcipher_request *mdu_request(struct mdu_request_ctx *rctx)
{
	void *ctx = rctx;

	return container_of(ctx, struct skcipher_request, __ctx);
}

static unsigned int mdu_units(struct skcipher_request *req)
{
	unsigned int size =
		crypto_skcipher_data_unit_size(crypto_skcipher_reqtfm(req));

	return size ? req->cryptlen / size : 1;
}

/*
 * Hash only the first table of a scatterlist.  If another table follows, the
 * first one ends with a chain entry, whose length is 0.  Do not read the next
 * table.  If the caller has freed the list too early, the entries may hold
 * anything, also the pointer to the next table.
 */
static u32 mdu_hash_sg(struct scatterlist *sg, unsigned int bytes, u32 hash)
{
	for (; bytes; sg++) {
		hash = jhash_3words(sg->offset, sg->length,
				    lower_32_bits(sg->page_link), hash);
		if (!sg->length || sg_is_last(sg))
			break;
		bytes -= min(bytes, sg->length);
	}
	return hash;
}

/* Hash everything that the caller must not change before the request ends. */
static u32 mdu_hash(struct skcipher_request *req)
{
	const void *addresses[] = { req->src, req->dst, req->iv };
	u32 hash = jhash(addresses, sizeof(addresses), req->cryptlen);

	hash = jhash(req->iv, SKCIPHER_DATA_UNIT_IVSIZE, hash);
	hash = mdu_hash_sg(req->src, req->cryptlen, hash);
	return mdu_hash_sg(req->dst, req->cryptlen, hash);
}

static bool mdu_unchanged(struct mdu_request_ctx *rctx)
{
	return rctx->self == rctx && rctx->hash == mdu_hash(mdu_request(rctx));
}

/* If the request has to fail, process only half of its data units. */
static int mdu_crypt_child(struct mdu_request_ctx *rctx, unsigned int size)
{
	struct skcipher_request *req = mdu_request(rctx);
	struct mdu_tfm_ctx *ctx =
		crypto_skcipher_ctx(crypto_skcipher_reqtfm(req));
	struct skcipher_request *subreq = &rctx->subreq;
	unsigned int bytes = rctx->fail ? mdu_units(req) / 2 * size :
					  req->cryptlen;

	if (rctx->fail && !bytes)
		return rctx->fail;
	skcipher_request_set_tfm(subreq, ctx->child);
	skcipher_request_set_callback(subreq, 0, NULL, NULL);
	skcipher_request_set_crypt(subreq, req->src, req->dst, bytes, req->iv);
	return (rctx->encrypt ? crypto_skcipher_encrypt(subreq) :
				crypto_skcipher_decrypt(subreq)) ?: rctx->fail;
}

/* Process a request; the caller must complete it. */
static int mdu_process(struct mdu_request_ctx *rctx)
{
	struct crypto_skcipher *tfm = crypto_skcipher_reqtfm(mdu_request(rctx));
	unsigned int size = crypto_skcipher_data_unit_size(tfm);
	bool unchanged = mdu_unchanged(rctx);
	int err = -EIO;

	if (unchanged) {
		err = mdu_crypt_child(rctx, size);
		/* Without data units, the child may change the caller's IV. */
		unchanged = !size || mdu_unchanged(rctx);
	}

	guard(spinlock_irqsave)(&mdu_lock);
	mdu_count.completed++;
	mdu_count.corrupted += !unchanged;
	mdu_count.failed += !!rctx->fail;
	mdu_count.out_of_order += rctx->nr < mdu_count.last;
	mdu_count.last = max(mdu_count.last, rctx->nr);
	return err;
}

/* Call the callback, in which the owner may free the request. */
static void mdu_tell(struct mdu_request_ctx *rctx, int err)
{
	local_bh_disable();
	skcipher_request_complete(mdu_request(rctx), err);
	local_bh_enable();
}

static void mdu_enqueue(struct mdu_request_ctx *rctx)
{
	lockdep_assert_held(&mdu_lock);
	if (READ_ONCE(mdu_order[0]) == 'r' && get_random_u32_below(2))
		list_add(&rctx->node, &mdu_queue);
	else
		list_add_tail(&rctx->node, &mdu_queue);
	mdu_held++;
	mdu_count.most_held = max(mdu_count.most_held, mdu_held);
}

/*
 * Move requests from the backlog to the queue while there is room.  Only the
 * caller of this function processes the queue, so each callback gets
 * -EINPROGRESS before the result.
 */
static void mdu_admit(void)
{
	struct mdu_request_ctx *rctx;

	do {
		rctx = NULL;
		scoped_guard(spinlock_irqsave, &mdu_lock) {
			if (mdu_held < READ_ONCE(mdu_queue_len))
				rctx = list_first_entry_or_null(&mdu_backlog,
								struct mdu_request_ctx,
								node);
			if (rctx) {
				list_del(&rctx->node);
				mdu_backlogged--;
				mdu_enqueue(rctx);
			}
		}
		if (rctx)
			mdu_tell(rctx, -EINPROGRESS);
	} while (rctx);
}

/* Process all requests that are in the queue now. */
static void mdu_run_batch(void)
{
	struct mdu_request_ctx *rctx;
	LIST_HEAD(batch);
	int err;

	scoped_guard(spinlock_irqsave, &mdu_lock)
		list_splice_init(&mdu_queue, &batch);

	while (!list_empty(&batch)) {
		rctx = list_first_entry(&batch, struct mdu_request_ctx, node);
		list_del(&rctx->node);
		err = mdu_process(rctx);
		scoped_guard(spinlock_irqsave, &mdu_lock)
			mdu_held--;
		mdu_tell(rctx, err);
		mdu_admit();
	}
}

/* mdu_run() waits for this until mdu_run_bh() has processed the queue. */
static DECLARE_COMPLETION(mdu_bh_done);

static void mdu_run_bh(struct work_struct *work)
{
	mdu_run_batch();
	complete(&mdu_bh_done);
}

static DECLARE_WORK(mdu_bh_work, mdu_run_bh);

static bool mdu_have_any(void)
{
	guard(spinlock_irqsave)(&mdu_lock);
	return !list_empty(&mdu_queue) || !list_empty(&mdu_backlog);
}

static void mdu_run(struct work_struct *work)
{
	while (mdu_have_any()) {
		fsleep(READ_ONCE(mdu_delay_us));
		mdu_admit();
		if (READ_ONCE(mdu_context) == MDU_SOFTIRQ) {
			queue_work(system_bh_wq, &mdu_bh_work);
			wait_for_completion(&mdu_bh_done);
		} else {
			mdu_run_batch();
		}
	}
}

/* Only this work and mdu_bh_work take requests from the queue and backlog. */
static DECLARE_WORK(mdu_work, mdu_run);

static bool mdu_every(unsigned int n, u32 nr)
{
	return n && nr % n == 0;
}

/*
 * Count a request.  If it has to wait, put it into the queue or the backlog.
 * Returns 0 if ->encrypt() or ->decrypt() has to return the result of the
 * request, or else the code that they have to return.
 */
static int mdu_accept(struct mdu_request_ctx *rctx, bool in_line)
{
	struct skcipher_request *req = mdu_request(rctx);
	int ret = -EINPROGRESS;
	u32 nr;

	guard(spinlock_irqsave)(&mdu_lock);
	nr = mdu_count.requests + 1;
	if (mdu_every(READ_ONCE(mdu_sync_every), nr))
		ret = 0;
	else if (mdu_every(READ_ONCE(mdu_busy_every), nr) ||
		 (!in_line && mdu_held >= READ_ONCE(mdu_queue_len)))
		ret = -EBUSY;
	if (ret == -EBUSY &&
	    !(skcipher_request_flags(req) & CRYPTO_TFM_REQ_MAY_BACKLOG))
		return -ENOSPC;

	rctx->nr = nr;
	rctx->fail = mdu_every(READ_ONCE(mdu_fail_every), nr) ?
		     READ_ONCE(mdu_error) : 0;
	mdu_count.requests = nr;
	mdu_count.units += mdu_units(req);
	mdu_count.many += mdu_units(req) > 1;
	mdu_count.softirq += !!in_serving_softirq();
	mdu_count.sync += !ret;
	mdu_count.busy += ret == -EBUSY;

	if (!ret || in_line)
		return ret;
	if (ret == -EBUSY) {
		list_add_tail(&rctx->node, &mdu_backlog);
		mdu_backlogged++;
		mdu_count.most_backlogged = max(mdu_count.most_backlogged,
						mdu_backlogged);
	} else {
		mdu_enqueue(rctx);
	}
	return ret;
}

static int mdu_crypt(struct skcipher_request *req, bool encrypt)
{
	struct mdu_request_ctx *rctx = skcipher_request_ctx(req);
	bool in_line = READ_ONCE(mdu_context) == MDU_INLINE;
	int ret;

	/* Refuse invalid requests at once. */
	if (crypto_skcipher_data_unit_size(crypto_skcipher_reqtfm(req))) {
		ret = skcipher_check_data_units(req);
		if (ret)
			return ret;
	}

	rctx->self = rctx;
	rctx->encrypt = encrypt;
	rctx->hash = mdu_hash(req);
	ret = mdu_accept(rctx, in_line);
	if (ret == -ENOSPC)
		return ret;
	if (!ret)
		return mdu_process(rctx);
	if (in_line) {
		if (ret == -EBUSY)
			mdu_tell(rctx, -EINPROGRESS);
		mdu_tell(rctx, mdu_process(rctx));
	} else {
		/* The owner may have freed the request already. */
		queue_work(mdu_wq, &mdu_work);
	}
	return ret;
}

static int mdu_encrypt(struct skcipher_request *req)
{
	return mdu_crypt(req, true);
}

static int mdu_decrypt(struct skcipher_request *req)
{
	return mdu_crypt(req, false);
}

static int mdu_setkey(struct crypto_skcipher *tfm, const u8 *key,
		      unsigned int keylen)
{
	struct mdu_tfm_ctx *ctx = crypto_skcipher_ctx(tfm);

	crypto_skcipher_clear_flags(ctx->child, CRYPTO_TFM_REQ_MASK);
	crypto_skcipher_set_flags(ctx->child, crypto_skcipher_get_flags(tfm) &
					      CRYPTO_TFM_REQ_MASK);
	return crypto_skcipher_setkey(ctx->child, key, keylen);
}

static int mdu_set_data_unit(struct crypto_skcipher *tfm, unsigned int size,
			     unsigned int step)
{
	struct mdu_tfm_ctx *ctx = crypto_skcipher_ctx(tfm);

	if (size && size == READ_ONCE(mdu_refuse_size))
		return -EINVAL;
	return crypto_skcipher_set_data_unit(ctx->child, size, step);
}

/* Exclude asynchronous drivers, and with them this driver itself. */
static struct crypto_skcipher *mdu_alloc_child(void)
{
	return crypto_alloc_skcipher("xts(aes)", 0,
				     CRYPTO_ALG_ASYNC |
				     CRYPTO_ALG_ALLOCATES_MEMORY);
}

static int mdu_init_tfm(struct crypto_skcipher *tfm)
{
	struct mdu_tfm_ctx *ctx = crypto_skcipher_ctx(tfm);
	struct crypto_skcipher *child = mdu_alloc_child();

	if (IS_ERR(child))
		return PTR_ERR(child);

	ctx->child = child;
	crypto_skcipher_set_reqsize(tfm, sizeof(struct mdu_request_ctx) +
					 crypto_skcipher_reqsize(child));
	return 0;
}

static void mdu_exit_tfm(struct crypto_skcipher *tfm)
{
	struct mdu_tfm_ctx *ctx = crypto_skcipher_ctx(tfm);

	crypto_free_skcipher(ctx->child);
}

static struct skcipher_alg mdu_alg = {
	.base.cra_name		= "xts(aes)",
	.base.cra_driver_name	= "xts-mdu-test",
	.base.cra_priority	= 1,
	.base.cra_flags		= CRYPTO_ALG_ASYNC |
				  CRYPTO_ALG_SKCIPHER_MULTI_DATA_UNIT,
	.base.cra_blocksize	= 16,
	.base.cra_ctxsize	= sizeof(struct mdu_tfm_ctx),
	.base.cra_module	= THIS_MODULE,
	.min_keysize		= 32,
	.max_keysize		= 64,
	.ivsize			= SKCIPHER_DATA_UNIT_IVSIZE,
	.init			= mdu_init_tfm,
	.exit			= mdu_exit_tfm,
	.setkey			= mdu_setkey,
	.set_data_unit		= mdu_set_data_unit,
	.encrypt		= mdu_encrypt,
	.decrypt		= mdu_decrypt,
};

static int mdu_counters_show(struct seq_file *m, void *v)
{
	const struct mdu_counters *c = &mdu_count;

	guard(spinlock_irqsave)(&mdu_lock);
	seq_printf(m, "requests %u\nunits %u\nmany %u\nsoftirq %u\nsync %u\nbusy %u\n",
		   c->requests, c->units, c->many, c->softirq, c->sync, c->busy);
	seq_printf(m, "failed %u\ncompleted %u\nmost_held %u\nmost_backlogged %u\n",
		   c->failed, c->completed, c->most_held, c->most_backlogged);
	seq_printf(m, "out_of_order %u\ncorrupted %u\n",
		   c->out_of_order, c->corrupted);
	return 0;
}

static ssize_t mdu_counters_write(struct file *file, const char __user *buf,
				  size_t count, loff_t *ppos)
{
	guard(spinlock_irqsave)(&mdu_lock);
	memset(&mdu_count, 0, sizeof(mdu_count));
	return count;
}

DEFINE_SHOW_STORE_ATTRIBUTE(mdu_counters);

static int __init mdu_init(void)
{
	struct crypto_skcipher *child = mdu_alloc_child();
	bool takes_many;
	int err;

	if (IS_ERR(child))
		return PTR_ERR(child);
	takes_many = crypto_skcipher_supports_multi_data_unit(child);
	crypto_free_skcipher(child);
	if (!takes_many) {
		pr_err("mdu_cipher: xts(aes) takes one data unit a request\n");
		return -EOPNOTSUPP;
	}

	mdu_wq = alloc_workqueue("mdu_cipher", WQ_UNBOUND | WQ_MEM_RECLAIM, 1);
	if (!mdu_wq)
		return -ENOMEM;
	/* Registering runs the self-tests, which need the workqueue. */
	err = crypto_register_skcipher(&mdu_alg);
	if (err) {
		destroy_workqueue(mdu_wq);
		return err;
	}
	mdu_debugfs = debugfs_create_dir("mdu_cipher", NULL);
	debugfs_create_file("counters", 0600, mdu_debugfs, NULL,
			    &mdu_counters_fops);
	return 0;
}

/*
 * Each tfm holds a reference to the module, so no tfm and no request is left.
 * The work that completed the last request may still run: wait for it.
 */
static void __exit mdu_exit(void)
{
	debugfs_remove(mdu_debugfs);
	crypto_unregister_skcipher(&mdu_alg);
	destroy_workqueue(mdu_wq);
	cancel_work_sync(&mdu_bh_work);
	WARN_ON(mdu_held || mdu_backlogged);
}

module_init(mdu_init);
module_exit(mdu_exit);

MODULE_DESCRIPTION("AES-XTS for tests, which is asynchronous and misbehaves");
MODULE_LICENSE("GPL");
MODULE_ALIAS_CRYPTO("xts-mdu-test");
