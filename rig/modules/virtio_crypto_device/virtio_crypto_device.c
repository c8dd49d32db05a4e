// SPDX-License-Identifier: GPL-2.0
/*
 * A virtio crypto device that answers late, in another order, wrongly or not at all
 *
 * For tests of the virtio crypto driver.  The device has AES in CBC and XTS modes, and exists
 * while the module is loaded.  You can change these parameters at any time.  The driver reads
 * those marked (bind) only when it binds to the device:
 *
 *   ring_size	   (bind) entries of the data queue, a power of two (default 256)
 *   indirect	   (bind) the device offers indirect descriptors (default yes)
 *   max_size	   (bind) largest size of a device request, in bytes, that the device reports
 *   delay_us	   time for which the device collects data requests before it processes them
 *   notify_ms	   time that the driver needs to notify the device of data requests; the
 *		   device processes the requests meanwhile
 *   order	   order of the collected requests: "fifo" (default) or "lifo"
 *   fail_at	   number of the data request that fails (default 0: none)
 *   status	   status of the request that fails (default 1, VIRTIO_CRYPTO_ERR); with 0 the
 *		   device processes the request and reports no error
 *   written	   number of bytes that the device reports to have written for the request
 *		   that fails (default 0: the right number)
 *   ignore_at	   number of the data request that the device returns without reading or
 *		   writing anything (default 0: none)
 *   break_at	   number of a data request (default 0: none).  In its place, the device
 *		   returns an ID that the driver did not send.
 *   silent_at	   the device does not answer the data request of this number and all later
 *		   ones (default 0: answers all)
 *   no_sessions   the device refuses sessions
 *   deaf	   the device never answers control requests
 *   break_control after each answer to a control request, the device returns an ID that the
 *		   driver did not send
 *   rsa	   (bind) the device reports that it has RSA, but it does not
 *   no_queues	   the driver gets -ENOMEM when it asks for the virtqueues
 *   asleep	   the device and its driver are frozen, as in a suspended guest
 *   forgets	   when the device ends the sessions that the driver has not closed: "reset",
 *		   at a reset (default); "unready", when the device becomes ready again; or
 *		   "never", as QEMU does
 *   ready	   the device reports that it is ready (default yes)
 *
 * The module uses the driver if you set these parameters:
 *
 *   rsa_user	   Y allocates a tfm of the driver's RSA, and makes a request without a key,
 *		   which must fail; N frees the tfm
 *   cbc_users	   frees the tfms of the driver's CBC, and allocates this number of them, with
 *		   different keys (up to 2)
 *   decrypts	   with each of these tfms, decrypts this number of buffers at a time, and
 *		   compares the results with the CPU's (up to 16)
 *   pieces	   encrypts a scatterlist of this number of entries in CBC mode, with the
 *		   driver and with the CPU, and compares the results
 *
 * The counter requests is the number of the last data request.  After you set it to 0, the
 * next data request has number 1.  These parameters are counters, and you can set them:
 *
 *   requests	   data requests
 *   notifications how often the driver notified the device of data requests
 *   interrupts	   interrupts that the driver got for data requests
 *   sessions	   open sessions
 *   notified_late notifications that had not returned when the driver deleted the virtqueues
 */

#include <crypto/aes.h>
#include <crypto/akcipher.h>
#include <crypto/skcipher.h>
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
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

/* Largest number of device requests that the device collects at a time. */
#define BATCH	256
/* Largest number of descriptors of a device request in each direction. */
#define PARTS	80

static uint ring_size = 256;
module_param(ring_size, uint, 0644);
static bool indirect = true;
module_param(indirect, bool, 0644);
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
static uint written;
module_param(written, uint, 0644);
static uint ignore_at;
module_param(ignore_at, uint, 0644);
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
static uint sessions;
module_param(sessions, uint, 0644);
static uint notified_late;
module_param(notified_late, uint, 0644);

enum { DATA, CONTROL, QUEUES };

/**
 * struct queue - the device's side of a virtqueue
 * @vq: the driver's side
 * @work: collects and answers requests
 * @avail: position up to which the device has collected requests
 * @used: position up to which the device has answered requests
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

/* Maps a session number to the tfm with the session's key. */
static DEFINE_XARRAY_ALLOC(session_tfms);

/**
 * struct chain - a device request
 * @parts: buffers that the device reads, and buffers that it writes
 * @in: data that the device has not read yet
 * @out: room that the device has not written to yet
 */
struct chain {
	struct kvec parts[2][PARTS];
	struct iov_iter in;
	struct iov_iter out;
};

static bool read_chain(const struct vring *ring, u16 head, struct chain *chain)
{
	const struct vring_desc *table = ring->desc, *desc = &table[head];
	unsigned int nr[2] = {};
	size_t bytes[2] = {};

	if (le16_to_cpu((__force __le16)desc->flags) & VRING_DESC_F_INDIRECT)
		desc = table = phys_to_virt(le64_to_cpu((__force __le64)desc->addr));

	for (;;) {
		const u16 flags = le16_to_cpu((__force __le16)desc->flags);
		const bool out = flags & VRING_DESC_F_WRITE;
		struct kvec *part;

		if (nr[out] == PARTS)
			return false;
		part = &chain->parts[out][nr[out]++];
		part->iov_base = phys_to_virt(le64_to_cpu((__force __le64)desc->addr));
		part->iov_len = le32_to_cpu((__force __le32)desc->len);
		bytes[out] += part->iov_len;
		if (!(flags & VRING_DESC_F_NEXT))
			break;
		desc = &table[le16_to_cpu((__force __le16)desc->next)];
	}
	iov_iter_kvec(&chain->in, ITER_SOURCE, chain->parts[0], nr[0], bytes[0]);
	iov_iter_kvec(&chain->out, ITER_DEST, chain->parts[1], nr[1], bytes[1]);
	return true;
}

static int make_session(const struct virtio_crypto_op_ctrl_req *ctrl, struct chain *chain,
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
	/* QEMU refuses XTS with keys of AES-192, too. */
	if (algo == VIRTIO_CRYPTO_CIPHER_AES_XTS && keylen == 2 * AES_KEYSIZE_192)
		return VIRTIO_CRYPTO_NOTSUPP;
	if (keylen > sizeof(key) || !copy_from_iter_full(key, keylen, &chain->in))
		return VIRTIO_CRYPTO_ERR;

	/* Exclude the virtio driver's own ciphers, which are asynchronous. */
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

static u32 control(struct chain *chain)
{
	struct virtio_crypto_op_ctrl_req ctrl;
	struct virtio_crypto_session_input input = {};
	struct virtio_crypto_inhdr inhdr;
	u32 id = 0;

	if (!copy_from_iter_full(&ctrl, sizeof(ctrl), &chain->in))
		return 0;

	switch (le32_to_cpu(ctrl.header.opcode)) {
	case VIRTIO_CRYPTO_CIPHER_CREATE_SESSION:
		input.status = cpu_to_le32(make_session(&ctrl, chain, &id));
		input.session_id = cpu_to_le64(id);
		return copy_to_iter(&input, sizeof(input), &chain->out);
	case VIRTIO_CRYPTO_CIPHER_DESTROY_SESSION:
		inhdr.status = end_session(le64_to_cpu(ctrl.u.destroy_session.session_id)) ?
			       VIRTIO_CRYPTO_OK : VIRTIO_CRYPTO_INVSESS;
		return copy_to_iter(&inhdr, sizeof(inhdr), &chain->out);
	}
	return 0;
}

static int crypt(const struct virtio_crypto_op_data_req *data, struct chain *chain, u32 bytes)
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
	/* QEMU refuses partial blocks, too. */
	if (bytes % AES_BLOCK_SIZE)
		return VIRTIO_CRYPTO_ERR;

	req = skcipher_request_alloc(tfm, GFP_KERNEL);
	buf = kmalloc(bytes, GFP_KERNEL);
	if (req && buf && copy_from_iter_full(iv, sizeof(iv), &chain->in) &&
	    copy_from_iter_full(buf, bytes, &chain->in)) {
		sg_init_one(&sg, buf, bytes);
		skcipher_request_set_callback(req, 0, NULL, NULL);
		skcipher_request_set_crypt(req, &sg, &sg, bytes, iv);
		err = le32_to_cpu(data->header.opcode) == VIRTIO_CRYPTO_CIPHER_ENCRYPT ?
		      crypto_skcipher_encrypt(req) : crypto_skcipher_decrypt(req);
		err = !err && copy_to_iter(buf, bytes, &chain->out) == bytes ?
		      VIRTIO_CRYPTO_OK : VIRTIO_CRYPTO_ERR;
	}
	kfree(buf);
	skcipher_request_free(req);
	return err;
}

static u32 process(struct chain *chain)
{
	const bool fails = requests == fail_at;
	struct virtio_crypto_op_data_req data;
	struct virtio_crypto_inhdr inhdr;
	struct iov_iter end = chain->out;
	u32 bytes;

	if (!copy_from_iter_full(&data, sizeof(data), &chain->in))
		return 0;
	bytes = le32_to_cpu(data.u.sym_req.u.cipher.para.src_data_len);
	if (le32_to_cpu(data.u.sym_req.u.cipher.para.dst_data_len) != bytes)
		return 0;
	/* As in QEMU, the status is at the end. */
	if (iov_iter_count(&end) < bytes + sizeof(inhdr))
		return 0;

	inhdr.status = fails && status ? status : crypt(&data, chain, bytes);
	iov_iter_advance(&end, iov_iter_count(&end) - sizeof(inhdr));
	if (copy_to_iter(&inhdr, sizeof(inhdr), &end) != sizeof(inhdr))
		return 0;
	return fails && written ? written : bytes + sizeof(inhdr);
}

/* Collect the requests in the ring, and ask the driver to notify the device of later ones. */
static unsigned int collect(struct queue *queue, u16 *heads)
{
	const struct vring *ring = virtqueue_get_vring(queue->vq);
	unsigned int n = 0;

	do {
		while (n < BATCH &&
		       queue->avail != le16_to_cpu((__force __le16)READ_ONCE(ring->avail->idx))) {
			/* The driver writes the entries before the index. */
			virt_rmb();
			heads[n++] = le16_to_cpu((__force __le16)
				ring->avail->ring[queue->avail++ % ring->num]);
		}
		vring_avail_event(ring) = (__force __virtio16)cpu_to_le16(queue->avail);
		/*
		 * If the driver adds requests without seeing the new avail event, it does not
		 * notify the device.  The loop condition sees these requests.
		 */
		virt_mb();
	} while (n < BATCH &&
		 queue->avail != le16_to_cpu((__force __le16)READ_ONCE(ring->avail->idx)));
	return n;
}

static void give_back(struct queue *queue, u16 id, u32 len)
{
	const struct vring *ring = virtqueue_get_vring(queue->vq);
	struct vring_used_elem *elem = &ring->used->ring[queue->used % ring->num];

	elem->id = (__force __virtio32)cpu_to_le32(id);
	elem->len = (__force __virtio32)cpu_to_le32(len);
	/* The driver must not see the index before the entry. */
	virt_wmb();
	queue->used++;
	ring->used->idx = (__force __virtio16)cpu_to_le16(queue->used);
}

/* Give back an ID that the driver did not send. */
static void give_back_wrongly(struct queue *queue)
{
	give_back(queue, virtqueue_get_vring_size(queue->vq), 0);
}

static void answer(struct queue *queue, u16 head)
{
	const bool is_data = queue == &queues[DATA];
	static struct chain chain;
	u32 len = 0;

	if (is_data) {
		requests++;
		if (break_at == requests) {
			give_back_wrongly(queue);
			return;
		}
		if (silent_at && requests >= silent_at)
			return;
		if (ignore_at == requests) {
			give_back(queue, head, 0);
			return;
		}
	} else if (deaf) {
		return;
	}

	if (read_chain(virtqueue_get_vring(queue->vq), head, &chain))
		len = is_data ? process(&chain) : control(&chain);
	give_back(queue, head, len);
	if (!is_data && break_control)
		give_back_wrongly(queue);
}

static void look(struct work_struct *work)
{
	struct queue *queue = container_of(work, struct queue, work);
	const struct vring *ring = virtqueue_get_vring(queue->vq);
	const bool is_data = queue == &queues[DATA];
	const bool backwards = order[0] == 'l';
	static u16 heads[BATCH];
	unsigned int n, i;
	u16 before;

	do {
		if (is_data)
			fsleep(delay_us);
		n = collect(queue, heads);
		before = queue->used;
		for (i = 0; i < n; i++)
			answer(queue, heads[backwards ? n - 1 - i : i]);
		/* If the driver enables interrupts now, it sees answers or gets an interrupt. */
		virt_mb();
		if (vring_need_event(le16_to_cpu((__force __le16)vring_used_event(ring)),
				     queue->used, before)) {
			interrupts += is_data;
			vring_interrupt(0, queue->vq);
		}
	} while (n);
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

/*
 * Without this function, virtio calls synchronize_rcu().  This waits for more than the functions
 * of other devices do, and could hide a bug of the driver.
 */
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

static u64 device_get_features(struct virtio_device *vdev)
{
	return BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VIRTIO_RING_F_EVENT_IDX) |
	       (indirect ? BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC) : 0);
}

static int device_finalize_features(struct virtio_device *vdev)
{
	vring_transport_features(vdev);
	return 0;
}

static const struct virtio_config_ops device_ops = {
	.get		   = device_get,
	.get_status	   = device_get_status,
	.set_status	   = device_set_status,
	.reset		   = device_reset,
	.synchronize_cbs   = device_synchronize_cbs,
	.find_vqs	   = device_find_vqs,
	.del_vqs	   = device_del_vqs,
	.get_features	   = device_get_features,
	.finalize_features = device_finalize_features,
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
};
module_param_cb(ready, &ready_ops, &is_ready, 0200);

#ifdef CONFIG_PM_SLEEP
static int set_asleep(const char *text, const struct kernel_param *param)
{
	bool asleep;
	int err = kstrtobool(text, &asleep);

	if (err)
		return err;
	if (!the_device)
		return -ENODEV;
	device_lock(&the_device->dev);
	err = asleep ? virtio_device_freeze(the_device) : virtio_device_restore(the_device);
	device_unlock(&the_device->dev);
	return err;
}

static const struct kernel_param_ops asleep_ops = {
	.set = set_asleep,
};
module_param_cb(asleep, &asleep_ops, NULL, 0200);
#endif

static struct crypto_akcipher *rsa_tfm;

/* A tfm without a key must refuse requests. */
static int request_without_key(struct crypto_akcipher *tfm)
{
	struct akcipher_request *req = akcipher_request_alloc(tfm, GFP_KERNEL);
	DECLARE_CRYPTO_WAIT(wait);
	struct scatterlist sg;
	u8 *buf = kzalloc(256, GFP_KERNEL);
	int err = -ENOMEM;

	if (req && buf) {
		sg_init_one(&sg, buf, 256);
		akcipher_request_set_callback(req, CRYPTO_TFM_REQ_MAY_BACKLOG, crypto_req_done,
					      &wait);
		akcipher_request_set_crypt(req, &sg, &sg, 256, 256);
		err = crypto_wait_req(crypto_akcipher_encrypt(req), &wait);
		err = err == -EINVAL ? 0 : -EBADMSG;
	}
	kfree(buf);
	akcipher_request_free(req);
	return err;
}

static int set_rsa_user(const char *text, const struct kernel_param *param)
{
	bool user;
	int err = kstrtobool(text, &user);

	if (err)
		return err;
	/* Does nothing if rsa_tfm is NULL or an error. */
	crypto_free_akcipher(rsa_tfm);
	rsa_tfm = user ? crypto_alloc_akcipher("virtio-crypto-rsa", 0, 0) : NULL;
	if (IS_ERR_OR_NULL(rsa_tfm))
		return PTR_ERR_OR_ZERO(rsa_tfm);
	return request_without_key(rsa_tfm);
}

static const struct kernel_param_ops rsa_user_ops = {
	.set = set_rsa_user,
};
module_param_cb(rsa_user, &rsa_user_ops, NULL, 0200);

/* Returns a tfm of CBC with a key that begins with @first. */
static struct crypto_skcipher *cbc_tfm(const char *name, u32 mask, u8 first)
{
	const u8 key[AES_KEYSIZE_256] = { first };
	struct crypto_skcipher *tfm = crypto_alloc_skcipher(name, 0, mask);
	int err;

	if (IS_ERR(tfm))
		return tfm;
	err = crypto_skcipher_setkey(tfm, key, sizeof(key));
	if (!err)
		return tfm;
	crypto_free_skcipher(tfm);
	return ERR_PTR(err);
}

#define CBC_USERS	2
#define MOST_JOBS	16

static struct crypto_skcipher *cbc_tfms[CBC_USERS];

/* Free all tfms and allocate @nr new ones. */
static int use_cbc(unsigned int nr)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < CBC_USERS; i++) {
		/* Does nothing if the tfm is NULL or an error. */
		crypto_free_skcipher(cbc_tfms[i]);
		cbc_tfms[i] = NULL;
		if (i < nr)
			cbc_tfms[i] = cbc_tfm("virtio_crypto_aes_cbc", 0, i + 1);
		if (IS_ERR(cbc_tfms[i]))
			err = PTR_ERR(cbc_tfms[i]);
	}
	return err;
}

static int set_cbc_users(const char *text, const struct kernel_param *param)
{
	unsigned int nr;

	return kstrtouint(text, 0, &nr) ?: use_cbc(nr);
}

static const struct kernel_param_ops cbc_users_ops = {
	.set = set_cbc_users,
};
module_param_cb(cbc_users, &cbc_users_ops, NULL, 0200);

struct job {
	struct skcipher_request *req;
	struct crypto_wait wait;
	struct scatterlist sg;
	int err;
	u8 iv[AES_BLOCK_SIZE];
	u8 data[4 * AES_BLOCK_SIZE];
};

/* Decrypt @nr buffers at a time.  Returns the first error. */
static int decrypt_jobs(struct crypto_skcipher *tfm, struct job *jobs, unsigned int nr)
{
	struct job *job;
	int err = 0;

	for (job = jobs; job < jobs + nr; job++) {
		/* The IV must differ from the next one, which is the last block. */
		memset(job->iv, ~(job - jobs), sizeof(job->iv));
		memset(job->data, job - jobs, sizeof(job->data));
		crypto_init_wait(&job->wait);
		sg_init_one(&job->sg, job->data, sizeof(job->data));
		job->err = -ENOMEM;
		job->req = skcipher_request_alloc(tfm, GFP_KERNEL);
		if (!job->req)
			continue;
		/* If the driver does not set the status, it is 0, VIRTIO_CRYPTO_OK. */
		memset(job->req->__ctx, 0, crypto_skcipher_reqsize(tfm));
		skcipher_request_set_callback(job->req, CRYPTO_TFM_REQ_MAY_BACKLOG |
					      CRYPTO_TFM_REQ_MAY_SLEEP,
					      crypto_req_done, &job->wait);
		skcipher_request_set_crypt(job->req, &job->sg, &job->sg, sizeof(job->data),
					   job->iv);
		job->err = crypto_skcipher_decrypt(job->req);
	}
	for (job = jobs; job < jobs + nr; job++) {
		job->err = crypto_wait_req(job->err, &job->wait);
		err = err ?: job->err;
		skcipher_request_free(job->req);
	}
	return err;
}

static int compare_jobs(struct crypto_skcipher *tfm, struct crypto_skcipher *cpu,
			unsigned int nr)
{
	struct job *jobs = kcalloc(2 * nr, sizeof(*jobs), GFP_KERNEL);
	unsigned int i;
	int err;

	if (!jobs)
		return -ENOMEM;
	err = decrypt_jobs(tfm, jobs, nr) ?: decrypt_jobs(cpu, jobs + nr, nr);
	for (i = 0; i < nr && !err; i++)
		if (memcmp(jobs[i].data, jobs[nr + i].data, sizeof(jobs->data)) ||
		    memcmp(jobs[i].iv, jobs[nr + i].iv, sizeof(jobs->iv)))
			err = -EBADMSG;
	kfree(jobs);
	return err;
}

static int set_decrypts(const char *text, const struct kernel_param *param)
{
	struct crypto_skcipher *cpu;
	unsigned int nr, i;
	int err = kstrtouint(text, 0, &nr);

	if (!err && (!nr || nr > MOST_JOBS))
		err = -EINVAL;
	/* The last one first: if it makes a session again, this gets another number. */
	for (i = CBC_USERS; i-- && !err; ) {
		if (IS_ERR_OR_NULL(cbc_tfms[i]))
			continue;
		cpu = cbc_tfm("cbc(aes)", CRYPTO_ALG_ASYNC, i + 1);
		err = IS_ERR(cpu) ? PTR_ERR(cpu) : compare_jobs(cbc_tfms[i], cpu, nr);
		/* Does nothing if cpu is an error. */
		crypto_free_skcipher(cpu);
	}
	return err;
}

static const struct kernel_param_ops decrypts_ops = {
	.set = set_decrypts,
};
module_param_cb(decrypts, &decrypts_ops, NULL, 0200);

#define PIECE_BYTES	(3 * AES_BLOCK_SIZE)
#define MOST_PIECES	64

/* Encrypt @nr pieces of @buf that are not adjacent, with the cipher @name in CBC mode. */
static int encrypt_pieces(const char *name, u32 mask, u8 *buf, unsigned int nr)
{
	struct crypto_skcipher *tfm = cbc_tfm(name, mask, 1);
	static struct scatterlist sg[MOST_PIECES];
	struct skcipher_request *req = NULL;
	u8 iv[AES_BLOCK_SIZE] = {};
	DECLARE_CRYPTO_WAIT(wait);
	unsigned int i;
	int err;

	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	req = skcipher_request_alloc(tfm, GFP_KERNEL);
	err = -ENOMEM;
	if (!req)
		goto free;
	sg_init_table(sg, nr);
	for (i = 0; i < nr; i++)
		sg_set_buf(&sg[i], buf + 2 * i * PIECE_BYTES, PIECE_BYTES);
	skcipher_request_set_callback(req, CRYPTO_TFM_REQ_MAY_BACKLOG | CRYPTO_TFM_REQ_MAY_SLEEP,
				      crypto_req_done, &wait);
	skcipher_request_set_crypt(req, sg, sg, nr * PIECE_BYTES, iv);
	err = crypto_wait_req(crypto_skcipher_encrypt(req), &wait);
free:
	skcipher_request_free(req);
	crypto_free_skcipher(tfm);
	return err;
}

static int set_pieces(const char *text, const struct kernel_param *param)
{
	const size_t bytes = 2 * MOST_PIECES * PIECE_BYTES;
	unsigned int nr;
	u8 *bufs;
	int err = kstrtouint(text, 0, &nr);

	if (err)
		return err;
	if (!nr || nr > MOST_PIECES)
		return -EINVAL;
	bufs = kzalloc(2 * bytes, GFP_KERNEL);
	if (!bufs)
		return -ENOMEM;
	err = encrypt_pieces("virtio_crypto_aes_cbc", 0, bufs, nr) ?:
	      encrypt_pieces("cbc(aes)", CRYPTO_ALG_ASYNC, bufs + bytes, nr);
	if (!err && memcmp(bufs, bufs + bytes, bytes))
		err = -EBADMSG;
	kfree(bufs);
	return err;
}

static const struct kernel_param_ops pieces_ops = {
	.set = set_pieces,
};
module_param_cb(pieces, &pieces_ops, NULL, 0200);

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
	/* Ordered, because the works of both queues share the sessions and static buffers. */
	workqueue = alloc_ordered_workqueue("virtio_crypto_device", 0);
	if (!workqueue)
		return err;
	parent = root_device_register("virtio_crypto_device");
	if (IS_ERR(parent)) {
		err = PTR_ERR(parent);
		goto free_workqueue;
	}
	vdev = kzalloc_obj(*vdev);
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
	crypto_free_akcipher(rsa_tfm);
	use_cbc(0);
	unregister_virtio_device(the_device);
	end_sessions();
	root_device_unregister(parent);
	destroy_workqueue(workqueue);
}
module_exit(virtio_crypto_device_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Virtio crypto device for tests of its driver");
