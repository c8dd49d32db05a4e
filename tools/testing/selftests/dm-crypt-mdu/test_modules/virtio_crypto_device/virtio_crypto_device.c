// SPDX-License-Identifier: GPL-2.0
/*
 * A virtio crypto device that answers late, in another order, wrongly or not at all
 *
 * For tests of its driver.  The device has AES in CBC and XTS modes, and is there while
 * the module is.  These parameters can be changed at any time:
 *
 *   ring_size	   entries of the data queue, a power of two (default 256); taken when the
 *		   driver is bound
 *   max_size	   most bytes of a device request, as the driver is told (the same)
 *   delay_us	   how long to collect device requests before they are processed
 *   notify_ms	   how long the driver is kept by a notification for data requests, which
 *		   meanwhile are processed
 *   order	   of those that have been collected: "fifo" (default) or "lifo"
 *   fail_at	   the Nth data request fails.  0, here and below, is none, and the default.
 *   status	   with what it fails (default 1, VIRTIO_CRYPTO_ERR); 0 to process it and
 *		   say nothing wrong
 *   written_at	   the device says that it wrote ...
 *   written	   ... so many bytes with the Nth data request (default 0)
 *   break_at	   instead of the Nth data request, the device returns one that it has not
 *		   got
 *   silent_at	   the device keeps the Nth data request and all that follow
 *   no_sessions   sessions are refused
 *   deaf	   control requests are never answered
 *   break_control with its answer to a control request, the device returns one that it has
 *		   not got
 *   rsa	   the device says that it has RSA, which it has not; taken when the driver is
 *		   bound
 *   name_taken	   a cipher has the name of the driver's RSA, which then cannot be registered
 *   no_queues	   there is no memory for the virtqueues
 *   asleep	   the device and its driver are, as in a suspended machine
 *   forgets	   when sessions end that nobody has closed: "reset" (default), "unready" when
 *		   the device becomes ready again, or "never", which is QEMU's way
 *   ready	   the device says that it is (default yes)
 *
 * Data requests are counted from 1 since this counter was last written to.  These count,
 * and can be set:
 *
 *   requests	   data requests
 *   notifications that the driver sent for data requests
 *   interrupts	   that it got for data requests
 *   indirect	   data requests in an indirect descriptor, which has been allocated
 *   sessions	   that there are
 *   notified_late that the driver was about to notify when it deleted the virtqueues
 */

#include <crypto/aes.h>
#include <crypto/algapi.h>
#include <crypto/skcipher.h>
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uio.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <uapi/linux/virtio_crypto.h>
#include <uapi/linux/virtio_ids.h>

/* Device requests that are collected at a time. */
#define BATCH	256
/* Descriptors of one, each way. */
#define PARTS	64

static uint ring_size = 256;
module_param(ring_size, uint, 0644);
static uint max_size = U32_MAX;
module_param(max_size, uint, 0644);
static uint delay_us;
module_param(delay_us, uint, 0644);
static uint notify_ms;
module_param(notify_ms, uint, 0644);
static char order[8] = "fifo";
module_param_string(order, order, sizeof(order), 0644);
static uint fail_at;
module_param(fail_at, uint, 0644);
static uint status = VIRTIO_CRYPTO_ERR;
module_param(status, uint, 0644);
static uint written_at;
module_param(written_at, uint, 0644);
static uint written;
module_param(written, uint, 0644);
static uint break_at;
module_param(break_at, uint, 0644);
static uint silent_at;
module_param(silent_at, uint, 0644);
static bool no_sessions;
module_param(no_sessions, bool, 0644);
static bool deaf;
module_param(deaf, bool, 0644);
static bool break_control;
module_param(break_control, bool, 0644);
static bool rsa;
module_param(rsa, bool, 0644);
static bool no_queues;
module_param(no_queues, bool, 0644);
static char forgets[12] = "reset";
module_param_string(forgets, forgets, sizeof(forgets), 0644);

static uint requests;
module_param(requests, uint, 0644);
static uint notifications;
module_param(notifications, uint, 0644);
static uint interrupts;
module_param(interrupts, uint, 0644);
static uint indirect;
module_param(indirect, uint, 0644);
static uint sessions;
module_param(sessions, uint, 0644);
static uint notified_late;
module_param(notified_late, uint, 0644);

enum { DATA, CONTROL, QUEUES };

/**
 * struct queue - the device's side of a virtqueue
 * @vq: the driver's
 * @work: looks what there is
 * @avail: up to where it has
 * @used: up to where it has answered
 */
struct queue {
	struct virtqueue *vq;
	struct work_struct work;
	u16 avail;
	u16 used;
};

static struct device *parent;
static struct virtio_device *the_device;
static struct workqueue_struct *workqueue;
static struct queue queues[QUEUES];
static atomic_t notifying;
static u8 device_status;
static bool is_ready = true;
static bool asleep;

/* Session number to the tfm with its key. */
static DEFINE_XARRAY_ALLOC(session_tfms);

/**
 * struct chain - a device request
 * @in: what the device reads
 * @out: where it writes
 * @nr_in: pieces of @in
 * @nr_out: pieces of @out
 */
struct chain {
	struct kvec in[PARTS];
	struct kvec out[PARTS];
	unsigned int nr_in;
	unsigned int nr_out;
};

static size_t total(const struct kvec *parts, unsigned int nr)
{
	size_t bytes = 0;

	while (nr--)
		bytes += parts[nr].iov_len;
	return bytes;
}

/* Copies from or to what is at @offset; false if there is less than that. */
static bool copy(const struct kvec *parts, unsigned int nr, size_t offset, void *buf,
		 size_t bytes, bool from)
{
	for (; nr && bytes; parts++, nr--) {
		size_t part;

		if (offset >= parts->iov_len) {
			offset -= parts->iov_len;
			continue;
		}
		part = min(bytes, parts->iov_len - offset);
		if (from)
			memcpy(buf, parts->iov_base + offset, part);
		else
			memcpy(parts->iov_base + offset, buf, part);
		buf += part;
		bytes -= part;
		offset = 0;
	}
	return !bytes;
}

static bool get(const struct chain *chain, size_t offset, void *buf, size_t bytes)
{
	return copy(chain->in, chain->nr_in, offset, buf, bytes, true);
}

static bool put(const struct chain *chain, size_t offset, void *buf, size_t bytes)
{
	return copy(chain->out, chain->nr_out, offset, buf, bytes, false);
}

static bool read_chain(const struct vring *ring, u16 head, struct chain *chain, bool *is_indirect)
{
	const struct vring_desc *table = ring->desc, *desc = &table[head];

	chain->nr_in = 0;
	chain->nr_out = 0;
	*is_indirect = le16_to_cpu((__force __le16)desc->flags) & VRING_DESC_F_INDIRECT;
	if (*is_indirect) {
		table = phys_to_virt(le64_to_cpu((__force __le64)desc->addr));
		desc = table;
	}
	for (;;) {
		const u16 flags = le16_to_cpu((__force __le16)desc->flags);
		const bool out = flags & VRING_DESC_F_WRITE;
		struct kvec *part;

		if ((out ? chain->nr_out : chain->nr_in) == PARTS)
			return false;
		part = out ? &chain->out[chain->nr_out++] : &chain->in[chain->nr_in++];
		part->iov_base = phys_to_virt(le64_to_cpu((__force __le64)desc->addr));
		part->iov_len = le32_to_cpu((__force __le32)desc->len);
		if (!(flags & VRING_DESC_F_NEXT))
			return true;
		desc = &table[le16_to_cpu((__force __le16)desc->next)];
	}
}

static int make_session(const struct virtio_crypto_op_ctrl_req *ctrl, const struct chain *chain,
			u32 *id)
{
	const struct virtio_crypto_cipher_session_para *para =
		&ctrl->u.sym_create_session.u.cipher.para;
	const u32 algo = le32_to_cpu(para->algo), keylen = le32_to_cpu(para->keylen);
	struct crypto_skcipher *tfm;
	u8 key[2 * AES_MAX_KEY_SIZE];
	int err;

	if (no_sessions)
		return VIRTIO_CRYPTO_NOSPC;
	/* As QEMU does. */
	if (algo == VIRTIO_CRYPTO_CIPHER_AES_XTS && keylen == 2 * AES_KEYSIZE_192)
		return VIRTIO_CRYPTO_NOTSUPP;
	if (keylen > sizeof(key) || !get(chain, sizeof(*ctrl), key, keylen))
		return VIRTIO_CRYPTO_ERR;

	/* The driver's own are asynchronous. */
	tfm = crypto_alloc_skcipher(algo == VIRTIO_CRYPTO_CIPHER_AES_XTS ? "xts(aes)" : "cbc(aes)",
				    0, CRYPTO_ALG_ASYNC);
	if (IS_ERR(tfm))
		return VIRTIO_CRYPTO_NOTSUPP;
	err = crypto_skcipher_setkey(tfm, key, keylen) ?:
	      xa_alloc(&session_tfms, id, tfm, xa_limit_31b, GFP_KERNEL);
	memzero_explicit(key, sizeof(key));
	if (err) {
		crypto_free_skcipher(tfm);
		return VIRTIO_CRYPTO_ERR;
	}
	sessions++;
	return VIRTIO_CRYPTO_OK;
}

static bool end_session(unsigned long id)
{
	struct crypto_skcipher *tfm = xa_erase(&session_tfms, id);

	if (!tfm)
		return false;
	crypto_free_skcipher(tfm);
	sessions--;
	return true;
}

static void end_sessions(void)
{
	unsigned long id;
	void *tfm;

	xa_for_each(&session_tfms, id, tfm)
		end_session(id);
}

static u32 control(const struct chain *chain)
{
	struct virtio_crypto_op_ctrl_req ctrl;
	struct virtio_crypto_session_input input = {};
	struct virtio_crypto_inhdr inhdr = {};
	u32 id = 0;

	if (!get(chain, 0, &ctrl, sizeof(ctrl)))
		return 0;

	switch (le32_to_cpu(ctrl.header.opcode)) {
	case VIRTIO_CRYPTO_CIPHER_CREATE_SESSION:
		input.status = cpu_to_le32(make_session(&ctrl, chain, &id));
		input.session_id = cpu_to_le64(id);
		return put(chain, 0, &input, sizeof(input)) ? sizeof(input) : 0;
	case VIRTIO_CRYPTO_CIPHER_DESTROY_SESSION:
		if (!end_session(le64_to_cpu(ctrl.u.destroy_session.session_id)))
			inhdr.status = VIRTIO_CRYPTO_INVSESS;
		return put(chain, 0, &inhdr, sizeof(inhdr)) ? sizeof(inhdr) : 0;
	}
	return 0;
}

static int crypt(const struct virtio_crypto_op_data_req *data, const struct chain *chain,
		 u32 bytes)
{
	const u64 id = le64_to_cpu(data->header.session_id);
	struct crypto_skcipher *tfm = xa_load(&session_tfms, id);
	struct skcipher_request *req;
	u8 iv[AES_BLOCK_SIZE];
	struct scatterlist sg;
	u8 *buf;
	int err = VIRTIO_CRYPTO_ERR;

	if (!tfm)
		return VIRTIO_CRYPTO_INVSESS;
	/* As QEMU does. */
	if (bytes % AES_BLOCK_SIZE)
		return VIRTIO_CRYPTO_ERR;

	req = skcipher_request_alloc(tfm, GFP_KERNEL);
	buf = kmalloc(bytes, GFP_KERNEL);
	if (req && buf && get(chain, sizeof(*data), iv, sizeof(iv)) &&
	    get(chain, sizeof(*data) + sizeof(iv), buf, bytes)) {
		sg_init_one(&sg, buf, bytes);
		skcipher_request_set_crypt(req, &sg, &sg, bytes, iv);
		err = le32_to_cpu(data->header.opcode) == VIRTIO_CRYPTO_CIPHER_ENCRYPT ?
		      crypto_skcipher_encrypt(req) : crypto_skcipher_decrypt(req);
		err = !err && put(chain, 0, buf, bytes) ? VIRTIO_CRYPTO_OK : VIRTIO_CRYPTO_ERR;
	}
	kfree(buf);
	skcipher_request_free(req);
	return err;
}

static u32 process(const struct chain *chain, unsigned int number)
{
	struct virtio_crypto_op_data_req data;
	struct virtio_crypto_inhdr inhdr = { .status = VIRTIO_CRYPTO_ERR };
	u32 bytes;

	if (!get(chain, 0, &data, sizeof(data)))
		return 0;
	bytes = le32_to_cpu(data.u.sym_req.u.cipher.para.src_data_len);
	if (le32_to_cpu(data.u.sym_req.u.cipher.para.dst_data_len) != bytes)
		return 0;
	if (total(chain->out, chain->nr_out) != bytes + sizeof(inhdr))
		return 0;

	inhdr.status = number == fail_at && status ? status : crypt(&data, chain, bytes);
	put(chain, bytes, &inhdr, sizeof(inhdr));
	return number == written_at ? written : bytes + sizeof(inhdr);
}

/* Collects what is there, and asks to be notified of more. */
static unsigned int collect(struct queue *queue, const struct vring *ring, u16 *heads)
{
	unsigned int n = 0;

	do {
		while (n < BATCH &&
		       queue->avail != le16_to_cpu((__force __le16)READ_ONCE(ring->avail->idx))) {
			/* What the index counts has been written before it. */
			virt_rmb();
			heads[n++] = le16_to_cpu((__force __le16)
				ring->avail->ring[queue->avail++ % ring->num]);
		}
		vring_avail_event(ring) = (__force __virtio16)cpu_to_le16(queue->avail);
		/* Who misses what is asked for is seen here. */
		virt_mb();
	} while (n < BATCH &&
		 queue->avail != le16_to_cpu((__force __le16)READ_ONCE(ring->avail->idx)));
	return n;
}

static void give_back(struct queue *queue, const struct vring *ring, u32 head, u32 len)
{
	struct vring_used_elem *elem = &ring->used->ring[queue->used % ring->num];

	elem->id = (__force __virtio32)cpu_to_le32(head);
	elem->len = (__force __virtio32)cpu_to_le32(len);
	/* The index must not be seen before what it counts. */
	virt_wmb();
	queue->used++;
	ring->used->idx = (__force __virtio16)cpu_to_le16(queue->used);
}

static void answer(struct queue *queue, const struct vring *ring, u16 head)
{
	const bool is_data = queue == &queues[DATA];
	struct chain *chain;
	bool is_indirect;
	u32 len = 0;

	if (is_data) {
		requests++;
		if (break_at == requests) {
			give_back(queue, ring, ring->num, 0);
			return;
		}
		if (silent_at && requests >= silent_at)
			return;
	} else if (deaf) {
		return;
	}

	chain = kmalloc(sizeof(*chain), GFP_KERNEL);
	if (chain && read_chain(ring, head, chain, &is_indirect)) {
		indirect += is_data && is_indirect;
		len = is_data ? process(chain, requests) : control(chain);
	}
	kfree(chain);
	give_back(queue, ring, head, len);
	if (!is_data && break_control)
		give_back(queue, ring, ring->num, 0);
}

static void look(struct work_struct *work)
{
	struct queue *queue = container_of(work, struct queue, work);
	const struct vring *ring = virtqueue_get_vring(queue->vq);
	static u16 heads[BATCH];
	unsigned int n, i;
	u16 before;

	if (delay_us && queue == &queues[DATA])
		fsleep(delay_us);
	while ((n = collect(queue, ring, heads))) {
		before = queue->used;
		for (i = 0; i < n; i++)
			answer(queue, ring, heads[order[0] == 'l' ? n - 1 - i : i]);
		/* Who asks to be told sees the answers, or is told. */
		virt_mb();
		if (before != queue->used &&
		    vring_need_event(le16_to_cpu((__force __le16)vring_used_event(ring)),
				     queue->used, before)) {
			interrupts += queue == &queues[DATA];
			vring_interrupt(0, queue->vq);
		}
		if (delay_us && queue == &queues[DATA])
			fsleep(delay_us);
	}
}

static bool notify(struct virtqueue *vq)
{
	struct queue *queue = &queues[vq->index];
	const bool is_data = queue == &queues[DATA];

	notifications += is_data;
	atomic_inc(&notifying);
	queue_work(workqueue, &queue->work);
	if (is_data)
		mdelay(notify_ms);
	atomic_dec(&notifying);
	return true;
}

static void device_get(struct virtio_device *vdev, unsigned int offset, void *buf,
		       unsigned int len)
{
	const struct virtio_crypto_config config = {
		.status		    = cpu_to_le32(is_ready ? VIRTIO_CRYPTO_S_HW_READY : 0),
		.max_dataqueues	    = cpu_to_le32(1),
		.crypto_services    = cpu_to_le32(1 << VIRTIO_CRYPTO_SERVICE_CIPHER |
						  rsa << VIRTIO_CRYPTO_SERVICE_AKCIPHER),
		.akcipher_algo	    = cpu_to_le32(rsa << VIRTIO_CRYPTO_AKCIPHER_RSA),
		.cipher_algo_l	    = cpu_to_le32(1 << VIRTIO_CRYPTO_CIPHER_AES_CBC |
						  1 << VIRTIO_CRYPTO_CIPHER_AES_XTS),
		.max_cipher_key_len = cpu_to_le32(2 * AES_MAX_KEY_SIZE),
		.max_size	    = cpu_to_le64(max_size),
	};

	if (offset <= sizeof(config) && len <= sizeof(config) - offset)
		memcpy(buf, (const u8 *)&config + offset, len);
}

static void device_set(struct virtio_device *vdev, unsigned int offset, const void *buf,
		       unsigned int len)
{
}

static u8 device_get_status(struct virtio_device *vdev)
{
	return device_status;
}

static void device_set_status(struct virtio_device *vdev, u8 value)
{
	device_status = value;
}

static void device_reset(struct virtio_device *vdev)
{
	unsigned int i;

	for (i = 0; i < QUEUES; i++)
		cancel_work_sync(&queues[i].work);
	if (forgets[0] == 'r')
		end_sessions();
	device_status = 0;
}

/* By default this waits for RCU, and so for more than other devices do. */
static void device_synchronize_cbs(struct virtio_device *vdev)
{
	unsigned int i;

	for (i = 0; i < QUEUES; i++)
		flush_work(&queues[i].work);
}

static void device_del_vqs(struct virtio_device *vdev)
{
	unsigned int i;

	notified_late += atomic_read(&notifying);
	for (i = 0; i < QUEUES; i++) {
		if (queues[i].vq)
			vring_del_virtqueue(queues[i].vq);
		queues[i].vq = NULL;
	}
}

static int device_find_vqs(struct virtio_device *vdev, unsigned int nr, struct virtqueue *vqs[],
			   struct virtqueue_info info[], struct irq_affinity *desc)
{
	unsigned int i;

	if (nr != QUEUES)
		return -EINVAL;
	if (no_queues)
		return -ENOMEM;
	for (i = 0; i < QUEUES; i++) {
		queues[i].vq = vring_create_virtqueue(i, i == DATA ? ring_size : 64,
						      SMP_CACHE_BYTES, vdev, true, false, false,
						      notify, info[i].callback, info[i].name);
		if (!queues[i].vq) {
			device_del_vqs(vdev);
			return -ENOMEM;
		}
		queues[i].avail = 0;
		queues[i].used = 0;
		vqs[i] = queues[i].vq;
	}
	return 0;
}

/* The driver asks for them when it is bound, and not when it wakes up. */
static u64 device_get_features(struct virtio_device *vdev)
{
	asleep = false;
	return BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VIRTIO_RING_F_EVENT_IDX) |
	       BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC);
}

static int device_finalize_features(struct virtio_device *vdev)
{
	vring_transport_features(vdev);
	return 0;
}

static const char *device_bus_name(struct virtio_device *vdev)
{
	return "test";
}

static const struct virtio_config_ops device_ops = {
	.get		   = device_get,
	.set		   = device_set,
	.get_status	   = device_get_status,
	.set_status	   = device_set_status,
	.reset		   = device_reset,
	.synchronize_cbs   = device_synchronize_cbs,
	.find_vqs	   = device_find_vqs,
	.del_vqs	   = device_del_vqs,
	.get_features	   = device_get_features,
	.finalize_features = device_finalize_features,
	.bus_name	   = device_bus_name,
};

static int set_ready(const char *text, const struct kernel_param *param)
{
	int err;

	if (!is_ready && forgets[0] == 'u') {
		flush_workqueue(workqueue);
		end_sessions();
	}
	err = param_set_bool(text, param);
	if (!err && the_device)
		virtio_config_changed(the_device);
	return err;
}

static const struct kernel_param_ops ready_ops = {
	.set = set_ready,
	.get = param_get_bool,
};
module_param_cb(ready, &ready_ops, &is_ready, 0644);

/* It is there for its name, and nobody looks for what it is. */
static struct crypto_alg namesake = {
	.cra_name	 = "virtio_crypto_device",
	.cra_driver_name = "virtio-crypto-rsa",
	.cra_flags	 = CRYPTO_ALG_TYPE_CIPHER,
	.cra_blocksize	 = 1,
	.cra_module	 = THIS_MODULE,
};

static bool name_taken;

static int set_name_taken(const char *text, const struct kernel_param *param)
{
	bool before = name_taken;
	int err;

	err = param_set_bool(text, param);
	if (err || name_taken == before)
		return err;
	if (!name_taken) {
		crypto_unregister_alg(&namesake);
		return 0;
	}
	err = crypto_register_alg(&namesake);
	name_taken = !err;
	return err;
}

static const struct kernel_param_ops name_taken_ops = {
	.set = set_name_taken,
	.get = param_get_bool,
};
module_param_cb(name_taken, &name_taken_ops, &name_taken, 0644);

#ifdef CONFIG_PM_SLEEP
static int set_asleep(const char *text, const struct kernel_param *param)
{
	bool before;
	int err;

	if (!the_device)
		return -ENODEV;
	device_lock(&the_device->dev);
	before = asleep;
	err = param_set_bool(text, param);
	if (!err && asleep != before)
		err = asleep ? virtio_device_freeze(the_device) :
			       virtio_device_restore(the_device);
	device_unlock(&the_device->dev);
	return err;
}

static const struct kernel_param_ops asleep_ops = {
	.set = set_asleep,
	.get = param_get_bool,
};
module_param_cb(asleep, &asleep_ops, &asleep, 0644);
#endif

static void device_release(struct device *dev)
{
	kfree(container_of(dev, struct virtio_device, dev));
}

static int __init virtio_crypto_device_init(void)
{
	struct virtio_device *vdev;
	unsigned int i;
	int err = -ENOMEM;

	for (i = 0; i < QUEUES; i++)
		INIT_WORK(&queues[i].work, look);
	/* Ordered, as both queues look at the sessions. */
	workqueue = alloc_ordered_workqueue("virtio_crypto_device", 0);
	if (!workqueue)
		return err;
	parent = root_device_register("virtio_crypto_device");
	if (IS_ERR(parent)) {
		err = PTR_ERR(parent);
		goto free_workqueue;
	}
	vdev = kzalloc(sizeof(*vdev), GFP_KERNEL);
	if (!vdev)
		goto unregister_parent;

	vdev->id.device = VIRTIO_ID_CRYPTO;
	vdev->id.vendor = VIRTIO_DEV_ANY_ID;
	vdev->config = &device_ops;
	vdev->dev.parent = parent;
	vdev->dev.release = device_release;
	err = register_virtio_device(vdev);
	if (err) {
		put_device(&vdev->dev);
		goto unregister_parent;
	}
	the_device = vdev;
	return 0;

unregister_parent:
	root_device_unregister(parent);
free_workqueue:
	destroy_workqueue(workqueue);
	return err;
}
module_init(virtio_crypto_device_init);

static void __exit virtio_crypto_device_exit(void)
{
	unregister_virtio_device(the_device);
	end_sessions();
	if (name_taken)
		crypto_unregister_alg(&namesake);
	root_device_unregister(parent);
	destroy_workqueue(workqueue);
}
module_exit(virtio_crypto_device_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Virtio crypto device for tests of its driver");
