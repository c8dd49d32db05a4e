// SPDX-License-Identifier: GPL-2.0
/*
 * AES-XTS that answers late, in another order, with a full queue, or not at all
 *
 * For tests of users of asynchronous ciphers.  The driver "xts-mdu-test" of
 * xts(aes) takes requests of many data units and hands them to a synchronous
 * driver.  Module parameters choose when and where that is done, and what the
 * caller is told.  The priority of the driver is so low that only a caller that
 * names the driver gets it.  There is one queue for all tfms.
 *
 * These parameters can be changed at any time, also while requests are held:
 *
 *   queue_len	 requests that the queue holds (default 16).  When the queue is
 *		 full, a request goes to the backlog and returns -EBUSY.  Its
 *		 callback is called with -EINPROGRESS when it gets into the
 *		 queue.  Without CRYPTO_TFM_REQ_MAY_BACKLOG the request is
 *		 refused with -ENOSPC.
 *   delay_us	 how long to collect requests before they are processed, unless
 *		 queue_len requests are there earlier (default 0)
 *   order	 order of the requests that were collected: "fifo" (default),
 *		 "lifo" or "random"
 *   context	 where requests are processed and completed:
 *		 "process": in a workqueue (default);
 *		 "softirq": in softirq context;
 *		 "inline": the callback is called before the call returns
 *			   -EINPROGRESS.  If the call returns -EBUSY, both
 *			   callbacks have been called;
 *		 "sync": at once, the call returns the result.
 *   busy_every	 each Nth request finds the queue full, even if there is room.
 *		 Here and below, 0 is never, and the default.
 *   sync_every	 each Nth request is processed as with "sync"
 *   fail_every	 each Nth request fails, after half of its data units
 *   fail_at	 the Nth request fails, and no other one
 *   error	 error of the requests that fail (default -5, which is -EIO)
 *   fail_sync	 requests that fail are processed as with "sync"
 *   refuse_size data unit size that is refused
 *   refuse_step IV step that is refused
 *
 * This parameter can be set when the module is loaded:
 *
 *   child	 the driver that does the work (default: the best that there is)
 *
 * Requests are numbered from 1 since the counters were last reset.
 *
 * In debugfs, directory mdu_cipher:
 *
 *   counters	 a name and a number a line, see struct mdu_counters
 *   iv_log	 a line for each request, in the order of processing:
 *		 "encrypt" or "decrypt", data unit size (0: none), IV step,
 *		 number of data units, IV as a 128-bit number (32 hex digits),
 *		 and the result.  The log ends when it is full; the counter
 *		 iv_log_lost says how many requests are missing.
 *
 * Writing anything to one of these files resets it.
 */

#include <crypto/internal/skcipher.h>
#include <crypto/internal/skcipher-data-unit.h>
#include <linux/bottom_half.h>
#include <linux/completion.h>
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/jhash.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/preempt.h>
#include <linux/random.h>
#include <linux/scatterlist.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/unaligned.h>
#include <linux/vmalloc.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#define MDU_IV_LOG_LEN	16384

enum mdu_order { MDU_FIFO, MDU_LIFO, MDU_RANDOM };

static const char * const mdu_orders[] = {
	[MDU_FIFO]	= "fifo",
	[MDU_LIFO]	= "lifo",
	[MDU_RANDOM]	= "random",
};

enum mdu_context { MDU_PROCESS, MDU_SOFTIRQ, MDU_INLINE, MDU_SYNC };

static const char * const mdu_contexts[] = {
	[MDU_PROCESS]	= "process",
	[MDU_SOFTIRQ]	= "softirq",
	[MDU_INLINE]	= "inline",
	[MDU_SYNC]	= "sync",
};

/**
 * struct mdu_choice - a module parameter that takes one of several words
 * @names: the words
 * @nr: number of words
 * @value: index of the chosen word
 */
struct mdu_choice {
	const char * const *names;
	int nr;
	int value;
};

static struct mdu_choice mdu_order = {
	.names = mdu_orders, .nr = ARRAY_SIZE(mdu_orders),
};

static struct mdu_choice mdu_context = {
	.names = mdu_contexts, .nr = ARRAY_SIZE(mdu_contexts),
};

static unsigned int mdu_queue_len = 16;
static unsigned int mdu_delay_us;
static unsigned int mdu_busy_every;
static unsigned int mdu_sync_every;
static unsigned int mdu_fail_every;
static unsigned int mdu_fail_at;
static int mdu_error = -EIO;
static bool mdu_fail_sync;
static unsigned int mdu_refuse_size;
static unsigned int mdu_refuse_step;
static char *mdu_child = "xts(aes)";

/**
 * struct mdu_counters - what happened since the counters were reset
 * @requests: requests, except those that were refused with -ENOSPC
 * @units: data units in @requests; a request without data units counts as one
 * @many: requests of more than one data unit
 * @softirq: requests that came from softirq context
 * @sync: requests whose call returned the result
 * @busy: requests whose call returned -EBUSY
 * @no_space: requests whose call returned -ENOSPC
 * @failed: requests that failed on purpose
 * @completed: requests that ended, in whatever way
 * @largest_batch: most requests taken from the queue at once
 * @most_held: most requests at once in the queue and being processed
 * @most_backlogged: most requests at once in the backlog
 * @out_of_order: requests that ended after a later request
 * @corrupted: requests that changed while they were held, which fail and are
 *	       not processed; or while they were processed
 * @iv_log_lost: requests for which the log of IVs had no room
 * @last: highest number of a request that ended; internal, not shown
 */
struct mdu_counters {
	u64 requests;
	u64 units;
	u64 many;
	u64 softirq;
	u64 sync;
	u64 busy;
	u64 no_space;
	u64 failed;
	u64 completed;
	u64 largest_batch;
	u64 most_held;
	u64 most_backlogged;
	u64 out_of_order;
	u64 corrupted;
	u64 iv_log_lost;
	u64 last;
};

/**
 * struct mdu_log_entry - a line of the log of IVs
 * @iv: IV of the first data unit
 * @size: bytes of a data unit, or 0
 * @step: IV step
 * @units: data units in the request
 * @err: how the request ended
 * @encrypt: direction
 */
struct mdu_log_entry {
	u8 iv[SKCIPHER_DATA_UNIT_IVSIZE];
	u32 size;
	u32 step;
	u32 units;
	s16 err;
	bool encrypt;
};

/**
 * struct mdu_state - state that all tfms share
 * @lock: protects all members except @work, @bh_work and @bh_done
 * @queue: accepted requests that wait
 * @queued: number of requests in @queue
 * @held: number of requests in the queue and being processed
 * @backlog: requests that wait for a place in the queue
 * @backlogged: number of requests in @backlog
 * @enough: @work waits here while it collects requests
 * @wq: runs @work; writing memory to swap may depend on it
 * @work: takes requests from queue and backlog, which nothing else does
 * @bh_work: processes the queue in softirq context, on behalf of @work
 * @bh_done: @work waits here for @bh_work
 * @counters: events since the last reset
 * @log: MDU_IV_LOG_LEN entries
 * @log_len: number of entries of @log in use
 * @debugfs: directory in debugfs
 */
static struct mdu_state {
	spinlock_t lock;	/* see above */
	struct list_head queue;
	unsigned int queued;
	unsigned int held;
	struct list_head backlog;
	unsigned int backlogged;
	wait_queue_head_t enough;
	struct workqueue_struct *wq;
	struct work_struct work;
	struct work_struct bh_work;
	struct completion bh_done;
	struct mdu_counters counters;
	struct mdu_log_entry *log;
	unsigned int log_len;
	struct dentry *debugfs;
} mdu;

/**
 * struct mdu_tfm_ctx - context of a tfm
 * @child: does the work
 */
struct mdu_tfm_ctx {
	struct crypto_skcipher *child;
};

/**
 * struct mdu_seen - state that must not change while a request is held
 * @src: as in the request
 * @dst: as in the request
 * @cryptlen: as in the request
 * @iv: address of the IV buffer
 * @iv_data: content of the IV buffer
 * @src_hash: hash of the entries of the source list
 * @dst_hash: hash of the entries of the destination list
 */
struct mdu_seen {
	struct scatterlist *src;
	struct scatterlist *dst;
	unsigned int cryptlen;
	u8 *iv;
	u8 iv_data[SKCIPHER_DATA_UNIT_IVSIZE];
	u32 src_hash;
	u32 dst_hash;
};

/**
 * struct mdu_request_ctx - context of a request
 * @self: address of this context, to check that the request is still the same
 * @node: in the queue or the backlog
 * @nr: number of the request
 * @encrypt: direction
 * @fail: error with which the request must fail, or 0
 * @seen: state of the request when it came
 * @subreq: request to the child; the child's context comes after it
 */
struct mdu_request_ctx {
	struct mdu_request_ctx *self;
	struct list_head node;
	u64 nr;
	bool encrypt;
	int fail;
	struct mdu_seen seen;
	struct skcipher_request subreq;
};

/**
 * struct mdu_verdict - how to handle a request
 * @sync: process it at once and return the result
 * @in_line: complete it before the call returns
 * @busy: return -EBUSY
 * @no_space: return -ENOSPC
 */
struct mdu_verdict {
	bool sync;
	bool in_line;
	bool busy;
	bool no_space;
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
 * Hash the first table of a scatterlist.  Do not read chained tables: their
 * entries may hold anything when the hash is compared.
 */
static u32 mdu_hash_sg(struct scatterlist *sg, unsigned int cryptlen)
{
	u32 hash = 0;

	for (;; sg++) {
		hash = jhash_3words(sg->offset, sg->length,
				    lower_32_bits(sg->page_link), hash);
		/* A list that is long enough needs no end mark. */
		if (sg->length >= cryptlen || sg_is_last(sg) || sg_is_chain(sg))
			return hash;
		cryptlen -= sg->length;
	}
}

static void mdu_look(struct skcipher_request *req, struct mdu_seen *seen)
{
	memset(seen, 0, sizeof(*seen));
	seen->src = req->src;
	seen->dst = req->dst;
	seen->cryptlen = req->cryptlen;
	seen->iv = req->iv;
	memcpy(seen->iv_data, req->iv, sizeof(seen->iv_data));
	if (!req->cryptlen)
		return;
	seen->src_hash = mdu_hash_sg(req->src, req->cryptlen);
	seen->dst_hash = mdu_hash_sg(req->dst, req->cryptlen);
}

/* Is the request unchanged?  Reads the lists only if all else is unchanged. */
static bool mdu_unchanged(struct mdu_request_ctx *rctx)
{
	struct skcipher_request *req = mdu_request(rctx);
	const struct mdu_seen *seen = &rctx->seen;

	if (rctx->self != rctx || req->src != seen->src ||
	    req->dst != seen->dst || req->cryptlen != seen->cryptlen ||
	    req->iv != seen->iv ||
	    memcmp(req->iv, seen->iv_data, sizeof(seen->iv_data)))
		return false;
	if (!req->cryptlen)
		return true;
	return mdu_hash_sg(req->src, req->cryptlen) == seen->src_hash &&
	       mdu_hash_sg(req->dst, req->cryptlen) == seen->dst_hash;
}

static int mdu_crypt_child(struct mdu_request_ctx *rctx, unsigned int cryptlen,
			   u32 flags)
{
	struct skcipher_request *req = mdu_request(rctx);
	struct mdu_tfm_ctx *ctx =
		crypto_skcipher_ctx(crypto_skcipher_reqtfm(req));
	struct skcipher_request *subreq = &rctx->subreq;

	skcipher_request_set_tfm(subreq, ctx->child);
	skcipher_request_set_callback(subreq, flags, NULL, NULL);
	skcipher_request_set_crypt(subreq, req->src, req->dst, cryptlen,
				   req->iv);
	return rctx->encrypt ? crypto_skcipher_encrypt(subreq) :
			       crypto_skcipher_decrypt(subreq);
}

/* Process half of the data units, and fail.  Without data units, only fail. */
static int mdu_crypt_half(struct mdu_request_ctx *rctx, u32 flags)
{
	struct skcipher_request *req = mdu_request(rctx);
	unsigned int size =
		crypto_skcipher_data_unit_size(crypto_skcipher_reqtfm(req));
	unsigned int half = mdu_units(req) / 2 * size;

	if (half)
		mdu_crypt_child(rctx, half, flags);
	return rctx->fail;
}

static void mdu_log(struct mdu_request_ctx *rctx, int err)
{
	struct skcipher_request *req = mdu_request(rctx);
	struct crypto_skcipher *tfm = crypto_skcipher_reqtfm(req);
	struct mdu_log_entry *entry;
	unsigned long flags;

	spin_lock_irqsave(&mdu.lock, flags);
	if (mdu.log_len < MDU_IV_LOG_LEN) {
		entry = &mdu.log[mdu.log_len++];
		memcpy(entry->iv, rctx->seen.iv_data, sizeof(entry->iv));
		entry->size = crypto_skcipher_data_unit_size(tfm);
		entry->step = crypto_skcipher_data_unit_step(tfm);
		entry->units = mdu_units(req);
		entry->err = err;
		entry->encrypt = rctx->encrypt;
	} else {
		mdu.counters.iv_log_lost++;
	}
	spin_unlock_irqrestore(&mdu.lock, flags);
}

/* Process a request; the caller must complete it. */
static int mdu_process(struct mdu_request_ctx *rctx, u32 req_flags)
{
	struct crypto_skcipher *tfm =
		crypto_skcipher_reqtfm(mdu_request(rctx));
	bool corrupted = !mdu_unchanged(rctx);
	unsigned long flags;
	int err;

	if (corrupted) {
		err = -EIO;
	} else {
		if (rctx->fail)
			err = mdu_crypt_half(rctx, req_flags);
		else
			err = mdu_crypt_child(rctx, mdu_request(rctx)->cryptlen,
					      req_flags);
		mdu_log(rctx, err);
		/* Without data units, processing may change the IV. */
		corrupted = crypto_skcipher_data_unit_size(tfm) &&
			    !mdu_unchanged(rctx);
	}

	spin_lock_irqsave(&mdu.lock, flags);
	mdu.counters.completed++;
	mdu.counters.corrupted += corrupted;
	mdu.counters.failed += !!rctx->fail;
	if (rctx->nr < mdu.counters.last)
		mdu.counters.out_of_order++;
	else
		mdu.counters.last = rctx->nr;
	spin_unlock_irqrestore(&mdu.lock, flags);
	return err;
}

/* The owner may have freed the request when this returns. */
static void mdu_tell(struct mdu_request_ctx *rctx, int err)
{
	local_bh_disable();
	skcipher_request_complete(mdu_request(rctx), err);
	local_bh_enable();
}

/* Move requests from the backlog to the queue while there is room. */
static void mdu_admit(void)
{
	struct mdu_request_ctx *rctx;
	unsigned long flags;

	for (;;) {
		spin_lock_irqsave(&mdu.lock, flags);
		rctx = NULL;
		if (mdu.held < READ_ONCE(mdu_queue_len))
			rctx = list_first_entry_or_null(&mdu.backlog,
							struct mdu_request_ctx,
							node);
		if (rctx) {
			list_del(&rctx->node);
			mdu.backlogged--;
			mdu.held++;
			mdu.counters.most_held = max_t(u64, mdu.held,
						       mdu.counters.most_held);
		}
		spin_unlock_irqrestore(&mdu.lock, flags);
		if (!rctx)
			return;

		mdu_tell(rctx, -EINPROGRESS);

		spin_lock_irqsave(&mdu.lock, flags);
		list_add_tail(&rctx->node, &mdu.queue);
		mdu.queued++;
		spin_unlock_irqrestore(&mdu.lock, flags);
	}
}

static struct mdu_request_ctx *mdu_pick(struct list_head *batch,
					unsigned int nr)
{
	struct list_head *node = batch->next;
	unsigned int i;

	switch (READ_ONCE(mdu_order.value)) {
	case MDU_LIFO:
		node = batch->prev;
		break;
	case MDU_RANDOM:
		for (i = get_random_u32_below(nr); i; i--)
			node = node->next;
		break;
	}
	list_del(node);
	return list_entry(node, struct mdu_request_ctx, node);
}

/* Process all requests that are in the queue now. */
static void mdu_run_batch(void)
{
	struct mdu_request_ctx *rctx;
	unsigned long flags;
	LIST_HEAD(batch);
	unsigned int nr;
	int err;

	spin_lock_irqsave(&mdu.lock, flags);
	list_splice_init(&mdu.queue, &batch);
	nr = mdu.queued;
	mdu.queued = 0;
	mdu.counters.largest_batch = max_t(u64, nr, mdu.counters.largest_batch);
	spin_unlock_irqrestore(&mdu.lock, flags);

	for (; nr; nr--) {
		rctx = mdu_pick(&batch, nr);
		err = mdu_process(rctx, 0);

		spin_lock_irqsave(&mdu.lock, flags);
		mdu.held--;
		spin_unlock_irqrestore(&mdu.lock, flags);

		mdu_tell(rctx, err);
		mdu_admit();
	}
}

static void mdu_bh_work(struct work_struct *work)
{
	mdu_run_batch();
	complete(&mdu.bh_done);
}

static bool mdu_have_enough(void)
{
	unsigned long flags;
	bool enough;

	spin_lock_irqsave(&mdu.lock, flags);
	enough = mdu.queued + mdu.backlogged >= READ_ONCE(mdu_queue_len);
	spin_unlock_irqrestore(&mdu.lock, flags);
	return enough;
}

static bool mdu_have_any(void)
{
	unsigned long flags;
	bool any;

	spin_lock_irqsave(&mdu.lock, flags);
	any = mdu.queued || mdu.backlogged;
	spin_unlock_irqrestore(&mdu.lock, flags);
	return any;
}

static void mdu_work(struct work_struct *work)
{
	u64 delay;

	while (mdu_have_any()) {
		delay = READ_ONCE(mdu_delay_us);
		if (delay)
			wait_event_hrtimeout(mdu.enough, mdu_have_enough(),
					     ns_to_ktime(delay * NSEC_PER_USEC));
		mdu_admit();
		if (READ_ONCE(mdu_context.value) == MDU_SOFTIRQ) {
			queue_work(system_bh_wq, &mdu.bh_work);
			wait_for_completion(&mdu.bh_done);
		} else {
			mdu_run_batch();
		}
	}
}

static bool mdu_every(unsigned int n, u64 nr)
{
	return n && !do_div(nr, n);
}

/* Decide on a request, and count it. */
static struct mdu_verdict mdu_judge(struct mdu_request_ctx *rctx)
{
	struct skcipher_request *req = mdu_request(rctx);
	int context = READ_ONCE(mdu_context.value);
	struct mdu_counters *c = &mdu.counters;
	struct mdu_verdict v = { };
	u64 nr = c->requests + 1;
	unsigned int fail_at = READ_ONCE(mdu_fail_at);

	if (mdu_every(READ_ONCE(mdu_fail_every), nr) ||
	    (fail_at && nr == fail_at))
		rctx->fail = READ_ONCE(mdu_error);

	v.sync = context == MDU_SYNC ||
		 mdu_every(READ_ONCE(mdu_sync_every), nr) ||
		 (rctx->fail && READ_ONCE(mdu_fail_sync));
	v.in_line = !v.sync && context == MDU_INLINE;
	v.busy = !v.sync && (mdu_every(READ_ONCE(mdu_busy_every), nr) ||
			     (!v.in_line &&
			      mdu.held >= READ_ONCE(mdu_queue_len)));
	v.no_space = v.busy &&
		     !(skcipher_request_flags(req) & CRYPTO_TFM_REQ_MAY_BACKLOG);
	if (v.no_space) {
		c->no_space++;
		return v;
	}

	rctx->nr = nr;
	c->requests = nr;
	c->units += mdu_units(req);
	c->many += mdu_units(req) > 1;
	c->softirq += !!in_serving_softirq();
	c->sync += v.sync;
	c->busy += v.busy;
	return v;
}

/* The caller keeps the lock since mdu_judge(): the queue must not overflow. */
static void mdu_enqueue(struct mdu_request_ctx *rctx, bool busy)
{
	struct mdu_counters *c = &mdu.counters;

	if (busy) {
		list_add_tail(&rctx->node, &mdu.backlog);
		mdu.backlogged++;
		c->most_backlogged = max_t(u64, mdu.backlogged,
					   c->most_backlogged);
	} else {
		list_add_tail(&rctx->node, &mdu.queue);
		mdu.queued++;
		mdu.held++;
		c->most_held = max_t(u64, mdu.held, c->most_held);
	}
}

static int mdu_crypt(struct skcipher_request *req, bool encrypt)
{
	struct crypto_skcipher *tfm = crypto_skcipher_reqtfm(req);
	struct mdu_request_ctx *rctx = skcipher_request_ctx(req);
	struct mdu_verdict v;
	unsigned long flags;
	int err;

	/* Refuse invalid requests at once. */
	if (crypto_skcipher_data_unit_size(tfm)) {
		err = skcipher_check_data_units(req);
		if (err)
			return err;
	}

	rctx->self = rctx;
	rctx->encrypt = encrypt;
	rctx->fail = 0;
	mdu_look(req, &rctx->seen);

	spin_lock_irqsave(&mdu.lock, flags);
	v = mdu_judge(rctx);
	if (!v.no_space && !v.sync && !v.in_line)
		mdu_enqueue(rctx, v.busy);
	spin_unlock_irqrestore(&mdu.lock, flags);

	if (v.no_space)
		return -ENOSPC;
	if (v.sync)
		return mdu_process(rctx, skcipher_request_flags(req) &
					 CRYPTO_TFM_REQ_MAY_SLEEP);
	if (v.in_line) {
		if (v.busy)
			mdu_tell(rctx, -EINPROGRESS);
		mdu_tell(rctx, mdu_process(rctx, 0));
	} else {
		/* The owner may have freed the request by now. */
		queue_work(mdu.wq, &mdu.work);
		if (mdu_have_enough())
			wake_up(&mdu.enough);
	}
	return v.busy ? -EBUSY : -EINPROGRESS;
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
	if (step && step == READ_ONCE(mdu_refuse_step))
		return -EINVAL;
	return crypto_skcipher_set_data_unit(ctx->child, size, step);
}

/* Exclude asynchronous drivers, and with them this driver itself. */
static struct crypto_skcipher *mdu_alloc_child(void)
{
	return crypto_alloc_skcipher(mdu_child, 0,
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

static int mdu_set_choice(const char *val, const struct kernel_param *kp)
{
	struct mdu_choice *choice = kp->arg;
	int i = __sysfs_match_string(choice->names, choice->nr, val);

	if (i < 0)
		return i;
	WRITE_ONCE(choice->value, i);
	return 0;
}

static int mdu_get_choice(char *buffer, const struct kernel_param *kp)
{
	struct mdu_choice *choice = kp->arg;

	return sysfs_emit(buffer, "%s\n", choice->names[choice->value]);
}

static const struct kernel_param_ops mdu_choice_ops = {
	.set = mdu_set_choice,
	.get = mdu_get_choice,
};

static int mdu_set_queue_len(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 1, 4096);
}

static const struct kernel_param_ops mdu_queue_len_ops = {
	.set = mdu_set_queue_len,
	.get = param_get_uint,
};

static int mdu_set_delay(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, 10 * USEC_PER_SEC);
}

static const struct kernel_param_ops mdu_delay_ops = {
	.set = mdu_set_delay,
	.get = param_get_uint,
};

/* Refuse non-errors, and errors that announce another answer. */
static int mdu_set_error(const char *val, const struct kernel_param *kp)
{
	int error, err = kstrtoint(val, 0, &error);

	if (err)
		return err;
	if (error >= 0 || error < -MAX_ERRNO || error == -EINPROGRESS ||
	    error == -EBUSY)
		return -EINVAL;
	WRITE_ONCE(mdu_error, error);
	return 0;
}

static const struct kernel_param_ops mdu_error_ops = {
	.set = mdu_set_error,
	.get = param_get_int,
};

module_param_cb(queue_len, &mdu_queue_len_ops, &mdu_queue_len, 0644);
MODULE_PARM_DESC(queue_len, "Requests that the queue holds, 1 to 4096");
module_param_cb(delay_us, &mdu_delay_ops, &mdu_delay_us, 0644);
MODULE_PARM_DESC(delay_us, "How long to collect requests, up to ten seconds");
module_param_cb(order, &mdu_choice_ops, &mdu_order, 0644);
MODULE_PARM_DESC(order, "fifo, lifo or random");
module_param_cb(context, &mdu_choice_ops, &mdu_context, 0644);
MODULE_PARM_DESC(context, "process, softirq, inline or sync");
module_param_named(busy_every, mdu_busy_every, uint, 0644);
MODULE_PARM_DESC(busy_every, "Each Nth request finds the queue full");
module_param_named(sync_every, mdu_sync_every, uint, 0644);
MODULE_PARM_DESC(sync_every, "Each Nth request is done synchronously");
module_param_named(fail_every, mdu_fail_every, uint, 0644);
MODULE_PARM_DESC(fail_every, "Each Nth request fails");
module_param_named(fail_at, mdu_fail_at, uint, 0644);
MODULE_PARM_DESC(fail_at, "The Nth request fails");
module_param_cb(error, &mdu_error_ops, &mdu_error, 0644);
MODULE_PARM_DESC(error, "Error of the requests that fail, a negative number");
module_param_named(fail_sync, mdu_fail_sync, bool, 0644);
MODULE_PARM_DESC(fail_sync, "Requests that fail do so synchronously");
module_param_named(refuse_size, mdu_refuse_size, uint, 0644);
MODULE_PARM_DESC(refuse_size, "Size of data units that is refused");
module_param_named(refuse_step, mdu_refuse_step, uint, 0644);
MODULE_PARM_DESC(refuse_step, "IV step that is refused");
module_param_named(child, mdu_child, charp, 0444);
MODULE_PARM_DESC(child, "Algorithm or driver that does the work");

static const struct {
	const char *name;
	size_t offset;
} mdu_counter_names[] = {
	{ "requests", offsetof(struct mdu_counters, requests) },
	{ "units", offsetof(struct mdu_counters, units) },
	{ "many", offsetof(struct mdu_counters, many) },
	{ "softirq", offsetof(struct mdu_counters, softirq) },
	{ "sync", offsetof(struct mdu_counters, sync) },
	{ "busy", offsetof(struct mdu_counters, busy) },
	{ "no_space", offsetof(struct mdu_counters, no_space) },
	{ "failed", offsetof(struct mdu_counters, failed) },
	{ "completed", offsetof(struct mdu_counters, completed) },
	{ "largest_batch", offsetof(struct mdu_counters, largest_batch) },
	{ "most_held", offsetof(struct mdu_counters, most_held) },
	{ "most_backlogged", offsetof(struct mdu_counters, most_backlogged) },
	{ "out_of_order", offsetof(struct mdu_counters, out_of_order) },
	{ "corrupted", offsetof(struct mdu_counters, corrupted) },
	{ "iv_log_lost", offsetof(struct mdu_counters, iv_log_lost) },
};

static int mdu_counters_show(struct seq_file *m, void *v)
{
	struct mdu_counters counters;
	unsigned long flags;
	unsigned int i;

	spin_lock_irqsave(&mdu.lock, flags);
	counters = mdu.counters;
	spin_unlock_irqrestore(&mdu.lock, flags);

	for (i = 0; i < ARRAY_SIZE(mdu_counter_names); i++)
		seq_printf(m, "%s %llu\n", mdu_counter_names[i].name,
			   *(u64 *)((void *)&counters +
				    mdu_counter_names[i].offset));
	return 0;
}

static ssize_t mdu_counters_write(struct file *file, const char __user *buf,
				  size_t count, loff_t *ppos)
{
	unsigned long flags;

	spin_lock_irqsave(&mdu.lock, flags);
	memset(&mdu.counters, 0, sizeof(mdu.counters));
	spin_unlock_irqrestore(&mdu.lock, flags);
	return count;
}

DEFINE_SHOW_STORE_ATTRIBUTE(mdu_counters);

/* Entries in the log do not change, so mdu_log_show() needs no lock. */
static void *mdu_log_start(struct seq_file *m, loff_t *pos)
{
	unsigned long flags;
	unsigned int len;

	spin_lock_irqsave(&mdu.lock, flags);
	len = mdu.log_len;
	spin_unlock_irqrestore(&mdu.lock, flags);
	return *pos < len ? &mdu.log[*pos] : NULL;
}

static void *mdu_log_next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return mdu_log_start(m, pos);
}

static void mdu_log_stop(struct seq_file *m, void *v)
{
}

static int mdu_log_show(struct seq_file *m, void *v)
{
	const struct mdu_log_entry *entry = v;

	seq_printf(m, "%s %u %u %u %016llx%016llx %d\n",
		   entry->encrypt ? "encrypt" : "decrypt", entry->size,
		   entry->step, entry->units, get_unaligned_le64(entry->iv + 8),
		   get_unaligned_le64(entry->iv), entry->err);
	return 0;
}

static const struct seq_operations mdu_log_ops = {
	.start	= mdu_log_start,
	.next	= mdu_log_next,
	.stop	= mdu_log_stop,
	.show	= mdu_log_show,
};

static int mdu_log_open(struct inode *inode, struct file *file)
{
	return seq_open(file, &mdu_log_ops);
}

static ssize_t mdu_log_reset(struct file *file, const char __user *buf,
			     size_t count, loff_t *ppos)
{
	unsigned long flags;

	spin_lock_irqsave(&mdu.lock, flags);
	mdu.log_len = 0;
	mdu.counters.iv_log_lost = 0;
	spin_unlock_irqrestore(&mdu.lock, flags);
	return count;
}

static const struct file_operations mdu_log_fops = {
	.owner		= THIS_MODULE,
	.open		= mdu_log_open,
	.read		= seq_read,
	.write		= mdu_log_reset,
	.llseek		= seq_lseek,
	.release	= seq_release,
};

static int __init mdu_check_child(void)
{
	struct crypto_skcipher *child = mdu_alloc_child();
	int err = 0;

	if (IS_ERR(child)) {
		pr_err("mdu_cipher: no synchronous %s: %ld\n", mdu_child,
		       PTR_ERR(child));
		return PTR_ERR(child);
	}
	if (!crypto_skcipher_supports_multi_data_unit(child)) {
		pr_err("mdu_cipher: %s takes one data unit a request\n",
		       crypto_skcipher_driver_name(child));
		err = -EOPNOTSUPP;
	} else {
		pr_info("mdu_cipher: on top of %s\n",
			crypto_skcipher_driver_name(child));
	}
	crypto_free_skcipher(child);
	return err;
}

static int __init mdu_init(void)
{
	int err = mdu_check_child();

	if (err)
		return err;

	spin_lock_init(&mdu.lock);
	INIT_LIST_HEAD(&mdu.queue);
	INIT_LIST_HEAD(&mdu.backlog);
	init_waitqueue_head(&mdu.enough);
	INIT_WORK(&mdu.work, mdu_work);
	INIT_WORK(&mdu.bh_work, mdu_bh_work);
	init_completion(&mdu.bh_done);

	mdu.log = vzalloc(array_size(MDU_IV_LOG_LEN, sizeof(*mdu.log)));
	if (!mdu.log)
		return -ENOMEM;
	mdu.wq = alloc_workqueue("mdu_cipher", WQ_UNBOUND | WQ_MEM_RECLAIM, 1);
	if (!mdu.wq) {
		err = -ENOMEM;
		goto free_log;
	}
	/* Registering runs the self-tests, which need all of the above. */
	err = crypto_register_skcipher(&mdu_alg);
	if (err)
		goto free_wq;

	mdu.debugfs = debugfs_create_dir("mdu_cipher", NULL);
	debugfs_create_file("counters", 0600, mdu.debugfs, NULL,
			    &mdu_counters_fops);
	debugfs_create_file("iv_log", 0600, mdu.debugfs, NULL, &mdu_log_fops);
	return 0;

free_wq:
	destroy_workqueue(mdu.wq);
free_log:
	vfree(mdu.log);
	return err;
}

/*
 * No tfm and no request is left, as each tfm holds a reference to the module.
 * The work that completed the last request may not have returned yet.
 */
static void __exit mdu_exit(void)
{
	debugfs_remove(mdu.debugfs);
	crypto_unregister_skcipher(&mdu_alg);
	destroy_workqueue(mdu.wq);
	cancel_work_sync(&mdu.bh_work);
	WARN_ON(mdu.held || mdu.backlogged);
	vfree(mdu.log);
}

module_init(mdu_init);
module_exit(mdu_exit);

MODULE_DESCRIPTION("AES-XTS for tests, which is asynchronous and misbehaves");
MODULE_LICENSE("GPL");
MODULE_ALIAS_CRYPTO("xts-mdu-test");
