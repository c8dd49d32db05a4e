// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests of symmetric ciphers on their way to a virtio crypto device
 *
 * A request becomes one device request or, when it is made of data units, one for each
 * of these, with IVs of their own.  They go into the virtqueue as far as it has room,
 * and the device is notified once; what is left follows when others have come back.
 * Requests behind that one wait in a queue of the crypto API, with a backlog.  Nothing
 * is allocated on the way: what the device is told lies in a reserve, made when the
 * device was found.
 *
 * The queue outlives the device, as tfms do.  Without a running device it takes no
 * requests, and the caller has to process them himself.
 */

#include <crypto/algapi.h>
#include <crypto/internal/skcipher.h>
#include <crypto/scatterwalk.h>
#include <linux/bottom_half.h>
#include <linux/build_bug.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/timer.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <uapi/linux/virtio_crypto.h>

#include "virtio_crypto_common.h"
#include "virtio_crypto_sym_queue.h"

/* Requests that wait; those that come when there are more are told so. */
#define SYM_WAITING	64

/* Device requests at a time, which is what the reserve is for. */
#define SYM_OPS		256

/*
 * Entries of the scatterlist of a device request, each way.  A data unit has one or
 * two; a request with more of them is not for the device.
 */
#define SYM_SEGS	4U

/* What a device request has beside the data: header with IV, and status. */
#define SYM_OTHER_SEGS	2U

/* Entries of a virtqueue that are left to others, of which each request needs four. */
#define SYM_KEEP_FREE	4U

/* How long a device that is to stop may take for what it has been given. */
#define SYM_STOP_TIMEOUT	(10 * HZ)

/**
 * struct virtcrypto_sym_op - a device request
 * @base: what the virtqueue gives back
 * @node: in the list of unused ones
 * @sq: where it belongs
 * @req: the request that it is a part of
 * @src: what the device reads
 * @dst: where it writes
 * @out: what it is told, in one piece: where the pieces begin means nothing to it
 * @out.header: what it is to do
 * @out.iv: the IV
 * @in: its answer, in a cache line that nothing else is written to meanwhile
 */
struct virtcrypto_sym_op {
	struct virtio_crypto_request base;
	struct list_head node;
	struct virtcrypto_sym_queue *sq;
	struct skcipher_request *req;
	struct scatterlist src[SYM_SEGS];
	struct scatterlist dst[SYM_SEGS];
	struct {
		struct virtio_crypto_op_data_req header;
		u8 iv[AES_BLOCK_SIZE];
	} out;
	struct virtio_crypto_inhdr in __aligned(ARCH_DMA_MINALIGN);
};

static_assert(sizeof_field(struct virtcrypto_sym_op, out) ==
	      sizeof(struct virtio_crypto_op_data_req) + AES_BLOCK_SIZE);

/**
 * struct virtcrypto_sym_queue - the way of requests to one device
 * @lock: for all that changes in here; taken before that of the data queue
 * @dq: where they go; NULL without a device, or when it must not be touched any more
 * @segs: most entries of a scatterlist that the device may be given
 * @ring_size: entries of the virtqueue
 * @keep_free: how many of them are for others
 * @max_size: most bytes of a device request
 * @running: takes requests; never without @dq
 * @telling: a request of the backlog is about to be told that it has moved on, and none
 *	     may be taken out of the queue until it knows
 * @waiting: requests that wait
 * @current_req: the one that is being handed over, if not all of it could be
 * @failed: requests that failed before the device had any of it
 * @active: requests that have been accepted and not been completed
 * @idle: woken up when there are none
 * @unused: struct virtcrypto_sym_op that are not in the virtqueue
 * @work: completes @failed
 * @retry: hands over again, when nothing is on its way
 * @fallback: processes a request that the device never got
 */
struct virtcrypto_sym_queue {
	spinlock_t lock;	/* see above */
	struct data_queue *dq;
	unsigned int segs;
	unsigned int ring_size;
	unsigned int keep_free;
	u64 max_size;
	bool running;
	bool telling;
	struct crypto_queue waiting;
	struct skcipher_request *current_req;
	struct list_head failed;
	unsigned int active;
	wait_queue_head_t idle;
	struct list_head unused;
	struct work_struct work;
	struct timer_list retry;
	int (*fallback)(struct skcipher_request *req);
};

/* Go to where the next byte is; there has to be one. */
static void sym_pos_settle(struct skcipher_data_unit_pos *pos)
{
	while (pos->offset >= pos->sg->length) {
		pos->offset -= pos->sg->length;
		pos->sg = sg_next(pos->sg);
	}
}

/*
 * Make a scatterlist of the next bytes, and go behind them.  @to may be NULL.  Return
 * how many entries it has.
 */
static unsigned int sym_pos_cut(struct skcipher_data_unit_pos *pos, unsigned int bytes,
				struct scatterlist *to)
{
	unsigned int segs, part;

	for (segs = 0; bytes; segs++) {
		sym_pos_settle(pos);
		part = min(bytes, pos->sg->length - pos->offset);
		if (to)
			sg_set_page(&to[segs], sg_page(pos->sg), part,
				    pos->sg->offset + pos->offset);
		pos->offset += part;
		bytes -= part;
	}
	return segs;
}

static unsigned int sym_pos_list(struct skcipher_data_unit_pos *pos, unsigned int bytes,
				 struct scatterlist *list)
{
	unsigned int segs;

	sg_init_table(list, SYM_SEGS);
	segs = sym_pos_cut(pos, bytes, list);
	sg_mark_end(&list[segs - 1]);
	return segs;
}

static bool sym_list_fits(const struct skcipher_data_unit_pos *start, unsigned int bytes,
			  unsigned int unit, unsigned int segs)
{
	struct skcipher_data_unit_pos pos = *start;

	for (; bytes; bytes -= unit)
		if (sym_pos_cut(&pos, unit, NULL) > segs)
			return false;
	return true;
}

/* Is each part of the request small enough, and in few enough pieces? */
static bool sym_fits(struct virtcrypto_sym_queue *sq, struct skcipher_request *req)
{
	const struct virtcrypto_sym_request *sreq = skcipher_request_ctx(req);

	return 2ULL * sreq->unit + sizeof(sreq->iv) + sizeof(struct virtio_crypto_inhdr) <=
			sq->max_size &&
	       sym_list_fits(&sreq->src, sreq->left, sreq->unit, sq->segs) &&
	       (req->src == req->dst ||
		sym_list_fits(&sreq->dst, sreq->left, sreq->unit, sq->segs));
}

static void sym_fill(struct virtcrypto_sym_op *op, const struct virtcrypto_sym_request *sreq)
{
	struct virtio_crypto_op_data_req *header = &op->out.header;
	struct virtio_crypto_cipher_para *para = &header->u.sym_req.u.cipher.para;

	memset(header, 0, sizeof(*header));
	header->header.opcode = cpu_to_le32(sreq->encrypt ? VIRTIO_CRYPTO_CIPHER_ENCRYPT :
							    VIRTIO_CRYPTO_CIPHER_DECRYPT);
	header->header.session_id = cpu_to_le64(sreq->session->session_id);
	header->u.sym_req.op_type = cpu_to_le32(VIRTIO_CRYPTO_SYM_OP_CIPHER);
	para->iv_len = cpu_to_le32(sizeof(op->out.iv));
	para->src_data_len = cpu_to_le32(sreq->unit);
	para->dst_data_len = cpu_to_le32(sreq->unit);

	memcpy(op->out.iv, sreq->iv, sizeof(op->out.iv));
	op->in.status = VIRTIO_CRYPTO_ERR;
}

/* Hand one device request over. */
static int sym_add(struct virtcrypto_sym_queue *sq, struct skcipher_request *req)
{
	struct virtcrypto_sym_request *sreq = skcipher_request_ctx(req);
	struct skcipher_data_unit_pos src = sreq->src, dst = sreq->dst;
	struct scatterlist out, in;
	struct scatterlist *sgs[2 + SYM_OTHER_SEGS];
	struct virtcrypto_sym_op *op;
	unsigned int segs;
	int err;

	op = list_first_entry_or_null(&sq->unused, struct virtcrypto_sym_op, node);
	if (!op)
		return -ENOSPC;
	segs = sym_pos_list(&src, sreq->unit, op->src) + sym_pos_list(&dst, sreq->unit, op->dst);
	/* A virtqueue that has no room notifies the device when it is tried. */
	if (sq->dq->vq->num_free < sq->keep_free + SYM_OTHER_SEGS + segs)
		return -ENOSPC;

	op->base.dataq = sq->dq;
	op->req = req;
	sym_fill(op, sreq);

	sg_init_one(&out, &op->out, sizeof(op->out));
	sg_init_one(&in, &op->in, sizeof(op->in));
	sgs[0] = &out;
	sgs[1] = op->src;
	sgs[2] = op->dst;
	sgs[3] = &in;
	/* Without indirect descriptors, there is nothing to be allocated. */
	err = virtqueue_add_sgs(sq->dq->vq, sgs, 2, 2, &op->base, GFP_NOWAIT);
	if (err)
		return err;

	list_del(&op->node);
	sreq->src = src;
	sreq->dst = dst;
	sreq->left -= sreq->unit;
	sreq->pending++;
	skcipher_advance_iv(sreq->iv, sreq->step);
	return 0;
}

/*
 * Hand a request over.  Return whether that came to an end: if there is no room, who
 * makes room goes on.
 */
static bool sym_add_all(struct virtcrypto_sym_queue *sq, struct skcipher_request *req)
{
	struct virtcrypto_sym_request *sreq = skcipher_request_ctx(req);

	while (sreq->left && !sreq->err) {
		int err = sym_add(sq, req);

		if (err && virtqueue_is_broken(sq->dq->vq)) {
			virtcrypto_dev_broken(sq->dq->vq->vdev->priv);
			return false;
		}
		if (err == -ENOSPC || err == -ENOMEM) {
			/* Not even memory to bounce through, and nobody to wait for. */
			if (sq->dq->vq->num_free == sq->ring_size)
				mod_timer(&sq->retry, jiffies + 1);
			return false;
		}
		sreq->err = err;
	}
	return true;
}

/* The next request is the one that is being handed over; false if there is none. */
static bool sym_next(struct virtcrypto_sym_queue *sq, struct crypto_async_request **moved_on)
{
	struct crypto_async_request *backlog;

	if (sq->current_req)
		return true;
	/* A request that has yet to be told that it moved on could be the next. */
	if (sq->telling || (moved_on && *moved_on) || !sq->waiting.qlen)
		return false;

	backlog = crypto_get_backlog(&sq->waiting);
	if (backlog) {
		/* Whoever cannot tell it leaves that to virtcrypto_sym_pump(). */
		if (!moved_on)
			return false;
		*moved_on = backlog;
	}
	sq->current_req = skcipher_request_cast(crypto_dequeue_request(&sq->waiting));
	return true;
}

/*
 * Hand over what there is room for.  If @moved_on is not NULL, it is set to the request
 * of the backlog that is not in the backlog any more, if there is one.  Return the
 * virtqueue if sym_notify() has to be called, or NULL.
 */
static struct virtqueue *sym_push(struct virtcrypto_sym_queue *sq,
				  struct crypto_async_request **moved_on)
{
	struct data_queue *dq = sq->dq;
	bool notify;

	lockdep_assert_held(&sq->lock);
	if (!dq)
		return NULL;
	/* What waits then is left to virtcrypto_sym_queue_flush(). */
	if (unlikely(virtqueue_is_broken(dq->vq))) {
		virtcrypto_dev_broken(dq->vq->vdev->priv);
		return NULL;
	}

	spin_lock(&dq->lock);
	while (sym_next(sq, moved_on)) {
		struct skcipher_request *req = sq->current_req;
		struct virtcrypto_sym_request *sreq = skcipher_request_ctx(req);

		if (!sym_add_all(sq, req))
			break;
		sq->current_req = NULL;
		/* With nothing in the virtqueue, nothing will come back to complete it. */
		if (!sreq->pending) {
			list_add_tail(&req->base.list, &sq->failed);
			queue_work(system_bh_wq, &sq->work);
		}
	}
	notify = virtqueue_kick_prepare(dq->vq);
	spin_unlock(&dq->lock);
	return notify ? dq->vq : NULL;
}

/*
 * It is up to the host how long that takes, and others want the locks meanwhile.  The
 * caller has been in an RCU read-side critical section since before sym_push().
 */
static void sym_notify(struct virtqueue *vq)
{
	if (vq && unlikely(!virtqueue_notify(vq)))
		virtcrypto_dev_broken(vq->vdev->priv);
}

static void sym_tell(struct crypto_async_request *req, int err)
{
	local_bh_disable();
	crypto_request_complete(req, err);
	local_bh_enable();
}

/* The request may be gone when this returns, and so may the queue. */
static void sym_complete(struct virtcrypto_sym_queue *sq, struct skcipher_request *req, int err)
{
	sym_tell(&req->base, err);

	spin_lock_bh(&sq->lock);
	if (!--sq->active)
		wake_up(&sq->idle);
	spin_unlock_bh(&sq->lock);
}

/* All that the device was given of a request has come back. */
static void sym_finish(struct virtcrypto_sym_queue *sq, struct skcipher_request *req)
{
	struct virtcrypto_sym_request *sreq = skcipher_request_ctx(req);

	if (sreq->chain_iv && sreq->encrypt && !sreq->err)
		scatterwalk_map_and_copy(req->iv, req->dst, req->cryptlen - AES_BLOCK_SIZE,
					 AES_BLOCK_SIZE, 0);
	sym_complete(sq, req, sreq->err);
}

static int sym_error(const struct virtcrypto_sym_op *op, unsigned int unit, unsigned int len)
{
	switch (READ_ONCE(op->in.status)) {
	case VIRTIO_CRYPTO_OK:
		/* What it has not written is not there, whatever it says. */
		return len < unit + sizeof(op->in) ? -EIO : 0;
	case VIRTIO_CRYPTO_INVSESS:
	case VIRTIO_CRYPTO_ERR:
		return -EINVAL;
	case VIRTIO_CRYPTO_BADMSG:
		return -EBADMSG;
	default:
		return -EIO;
	}
}

/* A device request has come back; or never will, when the device has been cut off. */
static void sym_done(struct virtio_crypto_request *base, int len)
{
	struct virtcrypto_sym_op *op = container_of(base, struct virtcrypto_sym_op, base);
	struct virtcrypto_sym_queue *sq = op->sq;
	struct skcipher_request *req = op->req;
	struct virtcrypto_sym_request *sreq = skcipher_request_ctx(req);
	bool last;

	spin_lock_bh(&sq->lock);
	if (!sreq->err)
		sreq->err = sq->dq ? sym_error(op, sreq->unit, len) : -ENODEV;
	list_add(&op->node, &sq->unused);
	/* Who hands a request over finishes it. */
	last = !--sreq->pending && req != sq->current_req;
	spin_unlock_bh(&sq->lock);

	if (last)
		sym_finish(sq, req);
}

static void sym_complete_failed(struct work_struct *work)
{
	struct virtcrypto_sym_queue *sq = container_of(work, struct virtcrypto_sym_queue, work);
	struct skcipher_request *req;

	for (;;) {
		spin_lock_bh(&sq->lock);
		req = list_empty(&sq->failed) ? NULL :
		      skcipher_request_cast(list_first_entry(&sq->failed,
							     struct crypto_async_request,
							     list));
		if (req)
			list_del(&req->base.list);
		spin_unlock_bh(&sq->lock);
		if (!req)
			break;
		sym_finish(sq, req);
	}
	virtcrypto_sym_pump(sq);
}

/**
 * virtcrypto_sym_submit() - hand a request to the device
 * @sq: queue of the device
 * @req: request whose context is a struct virtcrypto_sym_request; @req and its lists have
 *	 to stay until it is complete, but for the IV buffer
 *
 * Context: Process context or softirq.
 * Return:
 * * -EINPROGRESS or -EBUSY if the request was accepted, with the usual meaning
 * * -ENOSPC if it would have to go to the backlog and may not
 * * -ENODEV if the device cannot take it: because it does not run or has no session,
 *   or because the request is in too many pieces or too large
 */
int virtcrypto_sym_submit(struct virtcrypto_sym_queue *sq, struct skcipher_request *req)
{
	struct virtcrypto_sym_request *sreq = skcipher_request_ctx(req);
	struct virtqueue *vq = NULL;
	int err = -ENODEV;

	sreq->pending = 0;
	sreq->err = 0;

	rcu_read_lock();
	spin_lock_bh(&sq->lock);
	if (sq->running && !virtqueue_is_broken(sq->dq->vq) && *sreq->usable &&
	    sym_fits(sq, req)) {
		err = crypto_enqueue_request(&sq->waiting, &req->base);
		if (err != -ENOSPC) {
			sq->active++;
			vq = sym_push(sq, NULL);
		}
	}
	spin_unlock_bh(&sq->lock);
	sym_notify(vq);
	rcu_read_unlock();
	return err;
}

/**
 * virtcrypto_sym_pump() - hand over what there is room for
 * @sq: queue of the device
 *
 * Called when device requests have come back.
 *
 * Context: Process context or softirq.
 */
void virtcrypto_sym_pump(struct virtcrypto_sym_queue *sq)
{
	struct crypto_async_request *moved_on;
	struct virtqueue *vq;

	do {
		moved_on = NULL;
		rcu_read_lock();
		spin_lock_bh(&sq->lock);
		vq = sym_push(sq, &moved_on);
		/* It may be another one's, and then stays. */
		if (moved_on)
			sq->telling = true;
		spin_unlock_bh(&sq->lock);
		sym_notify(vq);
		rcu_read_unlock();
		if (moved_on) {
			sym_tell(moved_on, -EINPROGRESS);
			spin_lock_bh(&sq->lock);
			sq->telling = false;
			spin_unlock_bh(&sq->lock);
		}
	} while (moved_on);
}

static void sym_retry(struct timer_list *timer)
{
	struct virtcrypto_sym_queue *sq = container_of(timer, struct virtcrypto_sym_queue, retry);

	virtcrypto_sym_pump(sq);
}

static bool sym_is_idle(struct virtcrypto_sym_queue *sq)
{
	bool idle;

	spin_lock_bh(&sq->lock);
	idle = !sq->active || !sq->dq || virtqueue_is_broken(sq->dq->vq);
	spin_unlock_bh(&sq->lock);
	return idle;
}

/**
 * virtcrypto_sym_queue_attach() - the device has a virtqueue
 * @sq: queue that has been cut off, or is new
 * @dq: data queue of the device
 * @max_size: most bytes of a device request
 *
 * Context: Process context.
 */
void virtcrypto_sym_queue_attach(struct virtcrypto_sym_queue *sq, struct data_queue *dq,
				 u64 max_size)
{
	spin_lock_bh(&sq->lock);
	sq->dq = dq;
	sq->ring_size = virtqueue_get_vring_size(dq->vq);
	sq->segs = sq->ring_size < SYM_OTHER_SEGS ? 0 :
		   min(SYM_SEGS, (sq->ring_size - SYM_OTHER_SEGS) / 2);
	sq->keep_free = sq->ring_size < 8 * SYM_KEEP_FREE ? 0 : SYM_KEEP_FREE;
	/* More than the DMA API can bounce would be tried for ever. */
	sq->max_size = min(max_size, virtio_max_dma_size(dq->vq->vdev));
	spin_unlock_bh(&sq->lock);
}

/**
 * virtcrypto_sym_queue_start() - take requests
 * @sq: queue that does not run
 *
 * One that has been cut off meanwhile takes none.
 *
 * Context: Process context.
 */
void virtcrypto_sym_queue_start(struct virtcrypto_sym_queue *sq)
{
	spin_lock_bh(&sq->lock);
	sq->running = sq->dq;
	spin_unlock_bh(&sq->lock);
}

/**
 * virtcrypto_sym_queue_stop() - take no more requests, and wait for those that were taken
 * @sq: queue
 *
 * Not for long, though: the device may be what is wrong.
 *
 * Context: Process context.  Sleeps.
 * Return: whether all of these have come back, or never will, as the virtqueue is broken
 * or has been cut off.
 */
bool virtcrypto_sym_queue_stop(struct virtcrypto_sym_queue *sq)
{
	spin_lock_bh(&sq->lock);
	sq->running = false;
	spin_unlock_bh(&sq->lock);

	return wait_event_timeout(sq->idle, sym_is_idle(sq), SYM_STOP_TIMEOUT);
}

/**
 * virtcrypto_sym_queue_cut_off() - do not touch the virtqueue any more
 * @sq: queue that has been stopped, and may have been started again
 *
 * Device requests that come back from now on fail with -ENODEV.  The caller resets the
 * device, gets back what is in the virtqueue, and calls virtcrypto_sym_queue_flush().
 *
 * Context: Process context.  Sleeps.
 */
void virtcrypto_sym_queue_cut_off(struct virtcrypto_sym_queue *sq)
{
	spin_lock_bh(&sq->lock);
	sq->running = false;
	sq->dq = NULL;
	spin_unlock_bh(&sq->lock);
	/* Who is about to notify the device has no lock. */
	synchronize_rcu();
}

/* Takes a request from those that wait, and has told all others what it means to them. */
static struct skcipher_request *sym_take_waiting(struct virtcrypto_sym_queue *sq)
{
	struct crypto_async_request *backlog, *req;

	spin_lock_bh(&sq->lock);
	backlog = crypto_get_backlog(&sq->waiting);
	req = crypto_dequeue_request(&sq->waiting);
	spin_unlock_bh(&sq->lock);

	if (backlog)
		sym_tell(backlog, -EINPROGRESS);
	return req ? skcipher_request_cast(req) : NULL;
}

/**
 * virtcrypto_sym_queue_flush() - complete all requests that are left
 * @sq: queue that has been cut off, with nothing in the virtqueue
 *
 * One that the device has seen a part of fails with -ENODEV.  The fallback processes
 * those that it has not.
 *
 * Context: Process context.
 */
void virtcrypto_sym_queue_flush(struct virtcrypto_sym_queue *sq)
{
	struct virtcrypto_sym_request *sreq;
	struct skcipher_request *req;

	timer_delete_sync(&sq->retry);
	flush_work(&sq->work);

	spin_lock_bh(&sq->lock);
	req = sq->current_req;
	sq->current_req = NULL;
	spin_unlock_bh(&sq->lock);
	if (req) {
		sreq = skcipher_request_ctx(req);
		if (!sreq->err && sreq->left == req->cryptlen) {
			sym_complete(sq, req, sq->fallback(req));
		} else {
			if (!sreq->err)
				sreq->err = -ENODEV;
			sym_finish(sq, req);
		}
	}

	while ((req = sym_take_waiting(sq)))
		sym_complete(sq, req, sq->fallback(req));
}

/**
 * virtcrypto_sym_queue_alloc() - make a queue and its reserve
 * @node: NUMA node of the device
 * @fallback: processes a request for which virtcrypto_sym_submit() was called, in process
 *	      context, and returns how that went
 *
 * Context: Process context.  May sleep.
 * Return: the queue, without a device; or NULL.
 */
struct virtcrypto_sym_queue *
virtcrypto_sym_queue_alloc(int node, int (*fallback)(struct skcipher_request *req))
{
	struct virtcrypto_sym_queue *sq;
	struct virtcrypto_sym_op *op;
	int i;

	sq = kzalloc_node(sizeof(*sq), GFP_KERNEL, node);
	if (!sq)
		return NULL;

	spin_lock_init(&sq->lock);
	crypto_init_queue(&sq->waiting, SYM_WAITING);
	INIT_LIST_HEAD(&sq->failed);
	INIT_LIST_HEAD(&sq->unused);
	init_waitqueue_head(&sq->idle);
	INIT_WORK(&sq->work, sym_complete_failed);
	timer_setup(&sq->retry, sym_retry, 0);
	sq->fallback = fallback;

	for (i = 0; i < SYM_OPS; i++) {
		op = kzalloc_node(sizeof(*op), GFP_KERNEL, node);
		if (!op) {
			virtcrypto_sym_queue_free(sq);
			return NULL;
		}
		op->base.alg_cb = sym_done;
		op->sq = sq;
		list_add(&op->node, &sq->unused);
	}
	return sq;
}

/**
 * virtcrypto_sym_queue_free() - the end of a queue
 * @sq: queue that has been flushed or never started, or NULL
 *
 * Context: Process context.
 */
void virtcrypto_sym_queue_free(struct virtcrypto_sym_queue *sq)
{
	struct virtcrypto_sym_op *op, *next;

	if (!sq)
		return;
	list_for_each_entry_safe(op, next, &sq->unused, node)
		kfree(op);
	kfree(sq);
}
