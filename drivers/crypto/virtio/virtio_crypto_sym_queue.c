// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Queue of symmetric cipher requests for a virtio crypto device
 *
 * A request without data units becomes one device request.  A request of data
 * units becomes one device request for each data unit, with its own IV.  The
 * queue adds device requests to the virtqueue while there is room, and notifies
 * the device once.  The queue adds more when the device has finished some.
 * Later requests wait.  The queue allocates nothing for a request.
 *
 * The CPU processes the rest of a request if the device is stopped or gone, or
 * if there is no memory to bounce the data.  The queue outlives the device,
 * because tfms do, too.
 */

#include <crypto/algapi.h>
#include <crypto/internal/skcipher.h>
#include <crypto/scatterwalk.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/virtio.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <uapi/linux/virtio_crypto.h>

#include "virtio_crypto_common.h"
#include "virtio_crypto_sym_queue.h"

/* Number of device requests, all of them allocated with the queue */
#define SYM_OPS		256

/*
 * Entries of a device request: at most SYM_SEGS of the source and as many of
 * the destination; and SYM_OTHER_SEGS for header and status
 */
#define SYM_SEGS	64U
#define SYM_OTHER_SEGS	2U

/* Jiffies to wait for the device when the queue stops */
#define SYM_STOP_TIMEOUT	(10 * HZ)

/*
 * A device request, which is a part of @req.  While it is in the virtqueue, the
 * CPU must not write to the cache line of @in.
 */
struct virtcrypto_sym_op {
	struct virtio_crypto_request base;
	struct list_head node;
	struct virtcrypto_sym_queue *sq;
	struct skcipher_request *req;
	struct {
		struct virtio_crypto_op_data_req header;
		u8 iv[AES_BLOCK_SIZE];
	} out;
	struct virtio_crypto_inhdr in __aligned(ARCH_DMA_MINALIGN);
};

/**
 * struct virtcrypto_sym_queue - the requests for one device
 * @lock: protects all members; taken before the lock of the data queue
 * @dq: the data queue; NULL without a device, and after the cut-off
 * @segs: most entries that the source of a device request may have; also for
 *	  the destination
 * @keep_free: descriptors reserved for akcipher
 * @max_size: most bytes of a device request
 * @running: the queue accepts requests and feeds the device; implies @dq
 * @waiting: requests of which the device has no part yet
 * @current_req: request that waits for room in the virtqueue for its next part
 * @rest: requests that the CPU has to complete
 * @busy: number of device requests in the virtqueue
 * @idle: woken up when @busy becomes 0
 * @unused: struct virtcrypto_sym_op that are not in the virtqueue
 * @src: scratch list for virtqueue_add_sgs(), which keeps no pointer to it
 * @dst: scratch list for the destination
 * @wq: runs @work, also when memory is short
 * @work: completes @rest and, when the queue does not run, @waiting
 * @fallback: processes the rest of a request on the CPU
 */
struct virtcrypto_sym_queue {
	spinlock_t lock;	/* see above */
	struct data_queue *dq;
	unsigned int segs;
	unsigned int keep_free;
	u64 max_size;
	bool running;
	struct crypto_queue waiting;
	struct skcipher_request *current_req;
	struct list_head rest;
	unsigned int busy;
	wait_queue_head_t idle;
	struct list_head unused;
	struct scatterlist src[SYM_SEGS];
	struct scatterlist dst[SYM_SEGS];
	struct workqueue_struct *wq;
	struct work_struct work;
	int (*fallback)(struct skcipher_request *req);
};

/**
 * virtcrypto_sym_rewind() - go to the start of a request
 * @req: request whose context begins with a struct virtcrypto_sym_request
 *
 * Context: Any context.
 */
void virtcrypto_sym_rewind(struct skcipher_request *req)
{
	struct virtcrypto_sym_request *sreq = skcipher_request_ctx(req);

	skcipher_data_unit_pos_start(&sreq->src, req->src);
	skcipher_data_unit_pos_start(&sreq->dst, req->dst);
	sreq->left = req->cryptlen;
	memcpy(sreq->next_iv, sreq->iv, sizeof(sreq->next_iv));
	sreq->pending = 0;
	sreq->err = 0;
	sreq->lost = false;
	sreq->in_place = false;
}

/**
 * virtcrypto_sym_advance() - go to the next data unit
 * @sreq: request with at least one data unit left
 *
 * Context: Any context.
 */
void virtcrypto_sym_advance(struct virtcrypto_sym_request *sreq)
{
	skcipher_advance_iv(sreq->next_iv, sreq->step);
	sreq->left -= sreq->unit;
	if (sreq->left) {
		skcipher_data_unit_pos_advance(&sreq->src, sreq->unit);
		skcipher_data_unit_pos_advance(&sreq->dst, sreq->unit);
	}
}

/* Returns the largest number of entries in @sg that one data unit has. */
static unsigned int sym_most_segs(struct scatterlist *sg, unsigned int bytes, unsigned int unit)
{
	unsigned int most = 0, segs = 0, used = 0;

	for (; bytes; sg = sg_next(sg)) {
		unsigned int part = min(bytes, sg->length);

		if (!part)
			continue;
		most = max(most, ++segs);
		bytes -= part;
		used += part;
		if (used >= unit) {
			used %= unit;
			segs = !!used;
		}
	}
	return most;
}

/* Makes @list from the next @bytes.  Returns the number of its entries. */
static unsigned int sym_list(struct skcipher_data_unit_pos pos, unsigned int bytes,
			     struct scatterlist *list)
{
	unsigned int segs = 0, part;

	for (;;) {
		part = min(bytes, pos.left);
		sg_set_page(&list[segs], sg_page(pos.sg), part,
			    pos.sg->offset + skcipher_data_unit_pos_offset(&pos));
		sg_unmark_end(&list[segs++]);
		bytes -= part;
		if (!bytes)
			break;
		skcipher_data_unit_pos_advance(&pos, part);
	}
	sg_mark_end(&list[segs - 1]);
	return segs;
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

	memcpy(op->out.iv, sreq->next_iv, sizeof(op->out.iv));
	op->in.status = VIRTIO_CRYPTO_ERR;
}

/*
 * Adds one device request to the virtqueue.  Returns false if there is no room,
 * or no memory to bounce the data.
 */
static bool sym_add(struct virtcrypto_sym_queue *sq, struct skcipher_request *req)
{
	struct virtcrypto_sym_request *sreq = skcipher_request_ctx(req);
	struct scatterlist out, in;
	struct scatterlist *sgs[] = { &out, sq->src, sq->dst, &in };
	struct virtcrypto_sym_op *op;
	unsigned int segs;

	op = list_first_entry_or_null(&sq->unused, struct virtcrypto_sym_op, node);
	if (!op)
		return false;
	segs = sym_list(sreq->src, sreq->unit, sq->src) + sym_list(sreq->dst, sreq->unit, sq->dst);
	/* If there is no room, virtqueue_add_sgs() would notify the device. */
	if (sq->dq->vq->num_free < sq->keep_free + SYM_OTHER_SEGS + segs)
		return false;

	op->base.dataq = sq->dq;
	op->req = req;
	sym_fill(op, sreq);
	sg_init_one(&out, &op->out, sizeof(op->out));
	sg_init_one(&in, &op->in, sizeof(op->in));
	/* Allocates nothing, because there are no indirect descriptors. */
	if (virtqueue_add_sgs(sq->dq->vq, sgs, 2, 2, &op->base, GFP_NOWAIT))
		return false;

	/* Two different lists may describe the same memory. */
	if (sg_phys(sq->src) == sg_phys(sq->dst))
		sreq->in_place = true;
	list_del(&op->node);
	sq->busy++;
	sreq->pending++;
	virtcrypto_sym_advance(sreq);
	return true;
}

/*
 * Lets the CPU complete a request.  The device must have no part of the request
 * any more.
 */
static void sym_leave_to_cpu(struct virtcrypto_sym_queue *sq, struct skcipher_request *req)
{
	struct virtcrypto_sym_request *sreq = skcipher_request_ctx(req);

	if (sreq->lost && !sreq->err) {
		/* The device may have replaced any part of the input. */
		if (sreq->in_place)
			sreq->err = -ENODEV;
		else
			virtcrypto_sym_rewind(req);
	}
	list_add_tail(&req->base.list, &sq->rest);
	queue_work(sq->wq, &sq->work);
}

/*
 * Hands requests to the device.  Returns the virtqueue that the caller has to
 * pass to sym_notify(), or NULL.
 */
static struct virtqueue *sym_push(struct virtcrypto_sym_queue *sq)
{
	struct data_queue *dq = sq->dq;
	unsigned int busy = sq->busy;
	struct virtcrypto_sym_request *sreq;
	struct skcipher_request *req;
	bool notify;

	if (!sq->running)
		return NULL;

	spin_lock(&dq->lock);
	while (sq->current_req || sq->waiting.qlen) {
		req = sq->current_req ?:
		      skcipher_request_cast(crypto_dequeue_request(&sq->waiting));
		sreq = skcipher_request_ctx(req);
		sq->current_req = req;

		while (sreq->left && !sreq->err && *sreq->usable && sym_add(sq, req))
			;
		/*
		 * Wait until the device finishes a device request, which makes
		 * room.  If the virtqueue has no device request, or there is no
		 * session, the CPU processes the rest.
		 */
		if (sreq->left && !sreq->err && *sreq->usable && sq->busy)
			break;
		sq->current_req = NULL;
		if (!sreq->pending)
			sym_leave_to_cpu(sq, req);
	}
	notify = sq->busy != busy && virtqueue_kick_prepare(dq->vq);
	spin_unlock(&dq->lock);
	return notify ? dq->vq : NULL;
}

/*
 * Call this without locks, because the host may take long.  RCU protects @vq:
 * the caller has held rcu_read_lock() since before sym_push().
 */
static void sym_notify(struct virtqueue *vq)
{
	if (vq && unlikely(!virtqueue_notify(vq)))
		virtcrypto_dev_broken(vq->vdev->priv);
}

/*
 * Completes a request.  A request from the backlog gets -EINPROGRESS only here,
 * not when it leaves the backlog.  So its user, which waits for -EINPROGRESS,
 * sends the next request later.
 */
static void sym_complete(struct skcipher_request *req, int err)
{
	struct virtcrypto_sym_request *sreq = skcipher_request_ctx(req);

	local_bh_disable();
	if (sreq->backlog)
		skcipher_request_complete(req, -EINPROGRESS);
	skcipher_request_complete(req, err);
	local_bh_enable();
}

static int sym_error(const struct virtcrypto_sym_op *op, unsigned int unit, unsigned int len)
{
	switch (READ_ONCE(op->in.status)) {
	case VIRTIO_CRYPTO_OK:
		/* A device that wrote less has not processed the data. */
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

/*
 * Called when the device has finished a device request, or when the driver has
 * removed it from the virtqueue after a reset of the device.
 */
static void sym_done(struct virtio_crypto_request *base, int len)
{
	struct virtcrypto_sym_op *op = container_of(base, struct virtcrypto_sym_op, base);
	struct virtcrypto_sym_queue *sq = op->sq;
	struct skcipher_request *req = op->req;
	struct virtcrypto_sym_request *sreq = skcipher_request_ctx(req);
	bool last;
	int err;

	spin_lock_bh(&sq->lock);
	err = sym_error(op, sreq->unit, len);
	if (err && !sq->dq)
		sreq->lost = true;
	else if (err && !sreq->err)
		sreq->err = err;
	list_add(&op->node, &sq->unused);
	if (!--sq->busy)
		wake_up(&sq->idle);
	/* sym_push() decides about the current request. */
	last = !--sreq->pending && req != sq->current_req;
	if (last && !sreq->err && (sreq->left || sreq->lost)) {
		sym_leave_to_cpu(sq, req);
		last = false;
	}
	spin_unlock_bh(&sq->lock);
	if (!last)
		return;

	if (sreq->chain_iv && sreq->encrypt && !sreq->err)
		scatterwalk_map_and_copy(req->iv, req->dst, req->cryptlen - AES_BLOCK_SIZE,
					 AES_BLOCK_SIZE, 0);
	sym_complete(req, sreq->err);
}

/* Takes a request that the CPU has to complete, or returns NULL. */
static struct skcipher_request *sym_take_rest(struct virtcrypto_sym_queue *sq)
{
	struct crypto_async_request *req = NULL;

	scoped_guard(spinlock_bh, &sq->lock) {
		req = list_first_entry_or_null(&sq->rest, struct crypto_async_request, list);
		if (req)
			list_del(&req->list);
		else if (!sq->running)
			req = crypto_dequeue_request(&sq->waiting);
	}
	return req ? skcipher_request_cast(req) : NULL;
}

static void sym_work(struct work_struct *work)
{
	struct virtcrypto_sym_queue *sq = container_of(work, struct virtcrypto_sym_queue, work);
	struct skcipher_request *req;

	while ((req = sym_take_rest(sq)))
		sym_complete(req, sq->fallback(req));
	virtcrypto_sym_pump(sq);
}

/**
 * virtcrypto_sym_submit() - hand a request to the device
 * @sq: queue of the device
 * @req: request for which virtcrypto_sym_rewind() was called.  The request and
 *	 its lists must stay valid until it completes.
 *
 * Context: Process context or softirq.  Does not sleep.
 * Return:
 * * -EINPROGRESS if the request was accepted
 * * -EBUSY if the request was accepted into the backlog
 * * -ENOSPC if the queue is full and the request does not have
 *   CRYPTO_TFM_REQ_MAY_BACKLOG
 * * -ENODEV if the queue does not run, the virtqueue is broken or there is no
 *   session, or if a device request would have too many bytes or entries
 */
int virtcrypto_sym_submit(struct virtcrypto_sym_queue *sq, struct skcipher_request *req)
{
	struct virtcrypto_sym_request *sreq = skcipher_request_ctx(req);
	unsigned int segs = max(sym_most_segs(req->src, req->cryptlen, sreq->unit),
				sym_most_segs(req->dst, req->cryptlen, sreq->unit));
	u64 size = 2ULL * sreq->unit + sizeof(sreq->iv) + sizeof(struct virtio_crypto_inhdr);
	struct virtqueue *vq = NULL;
	int err = -ENODEV;

	rcu_read_lock();
	spin_lock_bh(&sq->lock);
	if (sq->running && !virtqueue_is_broken(sq->dq->vq) && *sreq->usable &&
	    segs <= sq->segs && size <= sq->max_size) {
		err = crypto_enqueue_request(&sq->waiting, &req->base);
		sreq->backlog = err == -EBUSY;
		if (err != -ENOSPC)
			vq = sym_push(sq);
	}
	spin_unlock_bh(&sq->lock);
	sym_notify(vq);
	rcu_read_unlock();
	return err;
}

/**
 * virtcrypto_sym_pump() - hand waiting requests to the device
 * @sq: queue of the device
 *
 * Context: Process context or softirq.  Does not sleep.
 */
void virtcrypto_sym_pump(struct virtcrypto_sym_queue *sq)
{
	struct virtqueue *vq;

	rcu_read_lock();
	spin_lock_bh(&sq->lock);
	vq = sym_push(sq);
	spin_unlock_bh(&sq->lock);
	sym_notify(vq);
	rcu_read_unlock();
}

static bool sym_is_idle(struct virtcrypto_sym_queue *sq)
{
	bool idle = false;

	scoped_guard(spinlock_bh, &sq->lock)
		idle = !sq->busy || !sq->dq || virtqueue_is_broken(sq->dq->vq);
	return idle;
}

/**
 * virtcrypto_sym_queue_attach() - give the queue the virtqueue of the device
 * @sq: queue that has been cut off, or is new
 * @dq: data queue of the device
 * @max_size: most bytes of a device request
 *
 * Context: Process context.
 */
void virtcrypto_sym_queue_attach(struct virtcrypto_sym_queue *sq, struct data_queue *dq,
				 u64 max_size)
{
	unsigned int ring_size = virtqueue_get_vring_size(dq->vq), others;

	spin_lock_bh(&sq->lock);
	sq->dq = dq;
	sq->keep_free = ring_size < 32 ? 0 : ring_size / 8;
	others = sq->keep_free + SYM_OTHER_SEGS;
	sq->segs = ring_size < others ? 0 : min(SYM_SEGS, (ring_size - others) / 2);
	sq->waiting.max_qlen = ring_size;
	/* The DMA API cannot bounce more than virtio_max_dma_size(). */
	sq->max_size = min(max_size, virtio_max_dma_size(dq->vq->vdev));
	spin_unlock_bh(&sq->lock);
}

/**
 * virtcrypto_sym_queue_start() - accept requests
 * @sq: queue that does not run
 *
 * Context: Process context.
 */
void virtcrypto_sym_queue_start(struct virtcrypto_sym_queue *sq)
{
	/* A queue that has been cut off must not run. */
	scoped_guard(spinlock_bh, &sq->lock)
		sq->running = sq->dq;
}

static void sym_stop(struct virtcrypto_sym_queue *sq)
{
	struct skcipher_request *req = sq->current_req;
	struct virtcrypto_sym_request *sreq = req ? skcipher_request_ctx(req) : NULL;

	sq->running = false;
	sq->current_req = NULL;
	if (req && !sreq->pending)
		sym_leave_to_cpu(sq, req);
	queue_work(sq->wq, &sq->work);
}

/**
 * virtcrypto_sym_queue_stop() - stop the queue and wait for the device
 * @sq: queue
 *
 * The CPU processes everything that is not in the virtqueue.  The device has
 * ten seconds to finish the device requests in the virtqueue.
 *
 * Context: Process context.  Sleeps.
 * Return: true if the device has finished all device requests, or if it never
 *	   will because the virtqueue is broken or has been cut off; false after
 *	   ten seconds.
 */
bool virtcrypto_sym_queue_stop(struct virtcrypto_sym_queue *sq)
{
	scoped_guard(spinlock_bh, &sq->lock)
		sym_stop(sq);
	return wait_event_timeout(sq->idle, sym_is_idle(sq), SYM_STOP_TIMEOUT);
}

/**
 * virtcrypto_sym_queue_cut_off() - stop the queue and take its virtqueue away
 * @sq: queue that has been stopped, and may have been started again
 *
 * Then the caller resets the device, empties the virtqueue, and calls
 * virtcrypto_sym_queue_flush().
 *
 * Context: Process context.  Sleeps until all earlier RCU readers are done.
 */
void virtcrypto_sym_queue_cut_off(struct virtcrypto_sym_queue *sq)
{
	scoped_guard(spinlock_bh, &sq->lock) {
		sym_stop(sq);
		sq->dq = NULL;
	}
	/* Wait for sym_notify(), which runs without the lock. */
	synchronize_rcu();
}

/**
 * virtcrypto_sym_queue_flush() - wait until the CPU has completed all requests
 * @sq: queue that has been cut off, with nothing in the virtqueue
 *
 * A request fails with -ENODEV if the device did not finish all of it, and may
 * have overwritten its input.  A request that has failed before keeps its
 * error.  The CPU processes all other requests.
 *
 * Context: Process context.  Sleeps.
 */
void virtcrypto_sym_queue_flush(struct virtcrypto_sym_queue *sq)
{
	queue_work(sq->wq, &sq->work);
	flush_work(&sq->work);
}

/**
 * virtcrypto_sym_queue_alloc() - allocate a queue and its device requests
 * @node: NUMA node of the device
 * @fallback: processes the rest of a request in process context; returns 0 or
 *	      the error of the request
 *
 * Context: Process context.  May sleep.
 * Return: the queue, without a device; NULL if there is no memory.
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
	crypto_init_queue(&sq->waiting, 0);
	INIT_LIST_HEAD(&sq->rest);
	INIT_LIST_HEAD(&sq->unused);
	init_waitqueue_head(&sq->idle);
	INIT_WORK(&sq->work, sym_work);
	sg_init_table(sq->src, SYM_SEGS);
	sg_init_table(sq->dst, SYM_SEGS);
	sq->fallback = fallback;
	sq->wq = alloc_workqueue("virtio_crypto", WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	if (!sq->wq)
		goto free;
	for (i = 0; i < SYM_OPS; i++) {
		op = kzalloc_node(sizeof(*op), GFP_KERNEL, node);
		if (!op)
			goto free;
		op->base.alg_cb = sym_done;
		op->sq = sq;
		list_add(&op->node, &sq->unused);
	}
	return sq;

free:
	virtcrypto_sym_queue_free(sq);
	return NULL;
}

/**
 * virtcrypto_sym_queue_free() - free a queue
 * @sq: queue that has been flushed or never started, or NULL
 *
 * Context: Process context.  Sleeps.
 */
void virtcrypto_sym_queue_free(struct virtcrypto_sym_queue *sq)
{
	struct virtcrypto_sym_op *op, *next;

	if (!sq)
		return;
	if (sq->wq)
		destroy_workqueue(sq->wq);
	list_for_each_entry_safe(op, next, &sq->unused, node)
		kfree(op);
	kfree(sq);
}
