// SPDX-License-Identifier: GPL-2.0
/*
 * A virtio crypto device that answers late, in another order, wrongly or not at all
 *
 * For tests of the virtio crypto driver.  The device has AES in CBC and XTS modes, and exists
 * while the module is loaded.  These parameters can be changed at any time; the driver sees
 * a change of those marked (bind) when it is bound:
 *
 *   ring_size	   (bind) entries of the data queue, a power of two (default 256)
 *   max_size	   (bind) largest device request in bytes, as the driver is told
 *   packed	   (bind) the virtqueues are packed rings; @order is then "fifo"
 *   bounces	   (bind) the device uses the DMA API: a guest that is booted with
 *		   swiotlb=512,force has memory for a part of the data queue only
 *   delay_us	   how long to collect data requests before they are processed
 *   notify_ms	   how long a notification for data requests holds up the driver; the
 *		   device processes the requests meanwhile
 *   order	   order of the requests that were collected: "fifo" (default) or "lifo"
 *   fail_at	   the Nth data request fails.  Here and below, 0 is none, and the default.
 *   status	   status of the request that fails (default 1, VIRTIO_CRYPTO_ERR); with 0 the
 *		   device processes the request and reports no error
 *   written_at	   the device reports that the Nth data request wrote ...
 *   written	   ... this number of bytes (default 0)
 *   break_at	   in place of the Nth data request, the device returns an ID that the driver
 *		   did not send
 *   silent_at	   the device keeps the Nth data request and all later ones
 *   no_sessions   the device refuses sessions
 *   deaf	   the device never answers control requests
 *   break_control after each answer to a control request, the device returns an ID that the
 *		   driver did not send
 *   rsa	   (bind) the device claims to have RSA, but has not
 *   name_taken	   a cipher has the name of the driver's RSA, so that the driver cannot
 *		   register its RSA
 *   no_queues	   there is no memory for the virtqueues
 *   asleep	   the device and its driver are frozen, as in a suspended guest
 *   forgets	   when the device ends sessions that nobody has closed: on "reset" (default),
 *		   "unready" when the device becomes ready again, or "never", as in QEMU
 *   ready	   the device reports that it is ready (default yes)
 *
 * These parameters use the driver:
 *
 *   rsa_user	   there is a tfm of the driver's RSA
 *   pieces	   encrypt this number of scatterlist entries in CBC mode, and compare the
 *		   result with the CPU's
 *
 * Data requests are numbered from 1 since the counter requests was set to 0.  These
 * parameters are counters, and can be set:
 *
 *   requests	   data requests
 *   notifications notifications that the driver sent for data requests
 *   interrupts	   interrupts that the driver got for data requests
 *   indirect	   data requests in an indirect descriptor, which has been allocated
 *   sessions	   open sessions
 *   notified_late notifications that the driver had not finished when it deleted the
 *		   virtqueues
 */

#include <crypto/aes.h>
#include <crypto/akcipher.h>
#include <crypto/algapi.h>
#include <crypto/skcipher.h>
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
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

/* Most device requests that are collected at a time. */
#define BATCH	256
/* Most descriptors of a device request in each direction. */
#define PARTS	80

static uint ring_size = 256;
module_param(ring_size, uint, 0644);
static uint max_size = U32_MAX;
module_param(max_size, uint, 0644);
static bool packed;
module_param(packed, bool, 0644);
static bool bounces;
module_param(bounces, bool, 0644);
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
 * @vq: the driver's side
 * @work: collects and answers requests
 * @avail: position up to which requests have been collected
 * @used: position up to which requests have been answered
 * @given: number of answers so far
 * @packed: is it a packed ring?
 * @avail_wrap: wrap counter of @avail in a packed ring
 * @used_wrap: wrap counter of @used in a packed ring
 */
struct queue {
	struct virtqueue *vq;
	struct work_struct work;
	u16 avail;
	u16 used;
	unsigned int given;
	bool packed;
	bool avail_wrap;
	bool used_wrap;
};

/**
 * struct head - a device request that has been collected
 * @first: its first descriptor
 * @id: ID that the device gives back
 * @descs: number of its descriptors in a packed ring
 */
struct head {
	u16 first;
	u16 id;
	u16 descs;
};

static struct device *parent;
static struct virtio_device *the_device;
static struct workqueue_struct *workqueue;
static struct queue queues[QUEUES];
static atomic_t notifying;
static u8 device_status;
static bool is_ready = true;
static bool asleep;

/* Maps a session number to the tfm with the session's key. */
static DEFINE_XARRAY_ALLOC(session_tfms);

/**
 * struct chain - a device request
 * @in: buffers that the device reads
 * @out: buffers that the device writes
 * @nr_in: number of buffers in @in
 * @nr_out: number of buffers in @out
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

/* Copy from or to @offset in @parts; false if @parts are too short. */
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

static struct vring_packed_desc *packed_ring(const struct queue *queue)
{
	return phys_to_virt(virtqueue_get_desc_addr(queue->vq));
}

static bool read_packed_chain(const struct queue *queue, const struct head *head,
			      struct chain *chain)
{
	const struct vring_packed_desc *ring = packed_ring(queue);
	const unsigned int size = virtqueue_get_vring_size(queue->vq);
	unsigned int i;

	chain->nr_in = 0;
	chain->nr_out = 0;
	for (i = 0; i < head->descs; i++) {
		const struct vring_packed_desc *desc = &ring[(head->first + i) % size];
		const bool out = le16_to_cpu(desc->flags) & VRING_DESC_F_WRITE;
		struct kvec *part;

		if ((out ? chain->nr_out : chain->nr_in) == PARTS)
			return false;
		part = out ? &chain->out[chain->nr_out++] : &chain->in[chain->nr_in++];
		part->iov_base = phys_to_virt(le64_to_cpu(desc->addr));
		part->iov_len = le32_to_cpu(desc->len);
	}
	return true;
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
	/* QEMU refuses this, too. */
	if (algo == VIRTIO_CRYPTO_CIPHER_AES_XTS && keylen == 2 * AES_KEYSIZE_192)
		return VIRTIO_CRYPTO_NOTSUPP;
	if (keylen > sizeof(key) || !get(chain, sizeof(*ctrl), key, keylen))
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
	/* QEMU refuses this, too. */
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

/* Collect the requests in the ring, and ask the driver to notify of more. */
static unsigned int collect_split(struct queue *queue, struct head *heads)
{
	const struct vring *ring = virtqueue_get_vring(queue->vq);
	unsigned int n = 0;

	do {
		while (n < BATCH &&
		       queue->avail != le16_to_cpu((__force __le16)READ_ONCE(ring->avail->idx))) {
			/* The driver writes the entries before the index. */
			virt_rmb();
			heads[n].first = le16_to_cpu((__force __le16)
				ring->avail->ring[queue->avail++ % ring->num]);
			heads[n].id = heads[n].first;
			n++;
		}
		vring_avail_event(ring) = (__force __virtio16)cpu_to_le16(queue->avail);
		/* If the driver misses the new avail event, its requests are seen here. */
		virt_mb();
	} while (n < BATCH &&
		 queue->avail != le16_to_cpu((__force __le16)READ_ONCE(ring->avail->idx)));
	return n;
}

static bool is_avail(const struct queue *queue)
{
	const u16 flags = le16_to_cpu(READ_ONCE(packed_ring(queue)[queue->avail].flags));

	return !!(flags & BIT(VRING_PACKED_DESC_F_AVAIL)) == queue->avail_wrap &&
	       !!(flags & BIT(VRING_PACKED_DESC_F_USED)) != queue->avail_wrap;
}

/* The driver notifies of all later requests, as the device never turns that off. */
static unsigned int collect_packed(struct queue *queue, struct head *heads)
{
	const struct vring_packed_desc *ring = packed_ring(queue);
	const unsigned int size = virtqueue_get_vring_size(queue->vq);
	unsigned int n;
	bool more;

	for (n = 0; n < BATCH && is_avail(queue); n++) {
		/* The driver writes the flags of the first descriptor last. */
		virt_rmb();
		heads[n].first = queue->avail;
		heads[n].descs = 0;
		do {
			const struct vring_packed_desc *desc = &ring[queue->avail];

			more = le16_to_cpu(desc->flags) & VRING_DESC_F_NEXT;
			heads[n].id = le16_to_cpu(desc->id);
			heads[n].descs++;
			if (++queue->avail == size) {
				queue->avail = 0;
				queue->avail_wrap = !queue->avail_wrap;
			}
		} while (more);
	}
	return n;
}

static void give_back_packed(struct queue *queue, const struct head *head, u32 len)
{
	const unsigned int size = virtqueue_get_vring_size(queue->vq);
	struct vring_packed_desc *desc = &packed_ring(queue)[queue->used];
	const u16 flags = BIT(VRING_PACKED_DESC_F_AVAIL) | BIT(VRING_PACKED_DESC_F_USED);

	desc->id = cpu_to_le16(head->id);
	desc->len = cpu_to_le32(len);
	/* The flags tell the driver that the other members are valid. */
	virt_wmb();
	WRITE_ONCE(desc->flags, cpu_to_le16(queue->used_wrap ? flags : 0));
	queue->used += head->descs;
	if (queue->used >= size) {
		queue->used -= size;
		queue->used_wrap = !queue->used_wrap;
	}
}

static void give_back(struct queue *queue, const struct head *head, u32 len)
{
	const struct vring *ring;
	struct vring_used_elem *elem;

	queue->given++;
	if (queue->packed) {
		give_back_packed(queue, head, len);
		return;
	}
	ring = virtqueue_get_vring(queue->vq);
	elem = &ring->used->ring[queue->used % ring->num];
	elem->id = (__force __virtio32)cpu_to_le32(head->id);
	elem->len = (__force __virtio32)cpu_to_le32(len);
	/* The driver must not see the index before the entry. */
	virt_wmb();
	queue->used++;
	ring->used->idx = (__force __virtio16)cpu_to_le16(queue->used);
}

/* Give back an ID that the driver did not send. */
static void give_back_wrongly(struct queue *queue)
{
	const struct head head = { .id = virtqueue_get_vring_size(queue->vq), .descs = 1 };

	give_back(queue, &head, 0);
}

static void answer(struct queue *queue, const struct head *head)
{
	const bool is_data = queue == &queues[DATA];
	bool is_indirect = false;
	struct chain *chain;
	u32 len = 0;

	if (is_data) {
		requests++;
		if (break_at == requests) {
			give_back_wrongly(queue);
			return;
		}
		if (silent_at && requests >= silent_at)
			return;
	} else if (deaf) {
		return;
	}

	chain = kmalloc(sizeof(*chain), GFP_KERNEL);
	if (chain && (queue->packed ? read_packed_chain(queue, head, chain) :
		      read_chain(virtqueue_get_vring(queue->vq), head->first, chain,
				 &is_indirect))) {
		indirect += is_data && is_indirect;
		len = is_data ? process(chain, requests) : control(chain);
	}
	kfree(chain);
	give_back(queue, head, len);
	if (!is_data && break_control)
		give_back_wrongly(queue);
}

/* Does the driver want an interrupt for the answers given since @before? */
static bool wants_interrupt(const struct queue *queue, u16 before)
{
	const struct vring_packed_desc_event *event;
	const struct vring *ring;

	if (queue->packed) {
		event = phys_to_virt(virtqueue_get_avail_addr(queue->vq));
		return le16_to_cpu(READ_ONCE(event->flags)) != VRING_PACKED_EVENT_FLAG_DISABLE;
	}
	ring = virtqueue_get_vring(queue->vq);
	return vring_need_event(le16_to_cpu((__force __le16)vring_used_event(ring)),
				queue->used, before);
}

static void look(struct work_struct *work)
{
	struct queue *queue = container_of(work, struct queue, work);
	static struct head heads[BATCH];
	const bool backwards = order[0] == 'l' && !queue->packed;
	unsigned int n, i, given;
	u16 before;

	if (delay_us && queue == &queues[DATA])
		fsleep(delay_us);
	while ((n = queue->packed ? collect_packed(queue, heads) : collect_split(queue, heads))) {
		before = queue->used;
		given = queue->given;
		for (i = 0; i < n; i++)
			answer(queue, &heads[backwards ? n - 1 - i : i]);
		/* A driver that asks for interrupts now sees the answers, or gets an interrupt. */
		virt_mb();
		if (queue->given != given && wants_interrupt(queue, before)) {
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

/* Without this function virtio waits for RCU, which is more than other devices wait for. */
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
		queues[i].packed = virtio_has_feature(vdev, VIRTIO_F_RING_PACKED);
		queues[i].avail_wrap = true;
		queues[i].used_wrap = true;
		vqs[i] = queues[i].vq;
	}
	return 0;
}

/* Called when the driver is bound, and not when it wakes up. */
static u64 device_get_features(struct virtio_device *vdev)
{
	asleep = false;
	return BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VIRTIO_RING_F_EVENT_IDX) |
	       BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC) |
	       (packed ? BIT_ULL(VIRTIO_F_RING_PACKED) : 0) |
	       (bounces ? BIT_ULL(VIRTIO_F_ACCESS_PLATFORM) : 0);
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

/* Only occupies the driver name.  Nobody uses this cipher. */
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

static struct crypto_akcipher *rsa_tfm;
static bool rsa_user;

static int set_rsa_user(const char *text, const struct kernel_param *param)
{
	bool before = rsa_user;
	int err;

	err = param_set_bool(text, param);
	if (err || rsa_user == before)
		return err;
	if (!rsa_user) {
		crypto_free_akcipher(rsa_tfm);
		return 0;
	}
	rsa_tfm = crypto_alloc_akcipher("virtio-crypto-rsa", 0, 0);
	rsa_user = !IS_ERR(rsa_tfm);
	return PTR_ERR_OR_ZERO(rsa_tfm);
}

static const struct kernel_param_ops rsa_user_ops = {
	.set = set_rsa_user,
	.get = param_get_bool,
};
module_param_cb(rsa_user, &rsa_user_ops, &rsa_user, 0644);

#define PIECE_BYTES	(3 * AES_BLOCK_SIZE)
#define MOST_PIECES	64

/* Encrypt pieces that are not adjacent, with the driver's or the CPU's CBC. */
static int encrypt_pieces(const char *name, u32 mask, u8 *buf, unsigned int nr)
{
	static const u8 key[AES_KEYSIZE_256] = { 1 };
	struct crypto_skcipher *tfm = crypto_alloc_skcipher(name, 0, mask);
	struct skcipher_request *req = NULL;
	struct scatterlist *sg = NULL;
	u8 iv[AES_BLOCK_SIZE] = {};
	DECLARE_CRYPTO_WAIT(wait);
	unsigned int i;
	int err;

	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	err = crypto_skcipher_setkey(tfm, key, sizeof(key));
	if (err)
		goto free;
	req = skcipher_request_alloc(tfm, GFP_KERNEL);
	sg = kcalloc(nr, sizeof(*sg), GFP_KERNEL);
	err = -ENOMEM;
	if (!req || !sg)
		goto free;
	sg_init_table(sg, nr);
	for (i = 0; i < nr; i++)
		sg_set_buf(&sg[i], buf + 2 * i * PIECE_BYTES, PIECE_BYTES);
	skcipher_request_set_callback(req, CRYPTO_TFM_REQ_MAY_BACKLOG | CRYPTO_TFM_REQ_MAY_SLEEP,
				      crypto_req_done, &wait);
	skcipher_request_set_crypt(req, sg, sg, nr * PIECE_BYTES, iv);
	err = crypto_wait_req(crypto_skcipher_encrypt(req), &wait);
free:
	kfree(sg);
	skcipher_request_free(req);
	crypto_free_skcipher(tfm);
	return err;
}

static int set_pieces(const char *text, const struct kernel_param *param)
{
	const size_t bytes = 2 * MOST_PIECES * PIECE_BYTES;
	unsigned int nr;
	u8 *bufs;
	int err;

	err = kstrtouint(text, 0, &nr);
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
	/* Ordered, because the work of both queues uses the sessions. */
	workqueue = alloc_ordered_workqueue("virtio_crypto_device", 0);
	if (!workqueue)
		return err;
	parent = root_device_register("virtio_crypto_device");
	if (IS_ERR(parent)) {
		err = PTR_ERR(parent);
		goto free_workqueue;
	}
	parent->dma_mask = &parent->coherent_dma_mask;
	dma_set_mask_and_coherent(parent, DMA_BIT_MASK(64));
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
	if (rsa_user)
		crypto_free_akcipher(rsa_tfm);
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
