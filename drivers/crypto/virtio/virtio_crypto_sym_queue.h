/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests of symmetric ciphers on their way to a virtio crypto device
 */

#ifndef _VIRTIO_CRYPTO_SYM_QUEUE_H
#define _VIRTIO_CRYPTO_SYM_QUEUE_H

#include <crypto/aes.h>
#include <crypto/internal/skcipher-data-unit.h>
#include <linux/types.h>

struct data_queue;
struct skcipher_request;
struct virtcrypto_sym_queue;
struct virtio_crypto_sym_session_info;

/**
 * struct virtcrypto_sym_request - a request on its way to the device and back
 * @session: session of the device, which knows key, mode and direction
 * @usable: is there a session?  Both may change while the queue does not run.
 * @encrypt: direction
 * @chain_iv: store in req->iv the IV that continues the message (CBC)
 * @unit: bytes of one device request
 * @step: difference of the IVs of two device requests in a row
 * @iv: IV of the request
 * @src: where the next device request reads
 * @dst: where the next device request writes
 * @left: bytes that nobody has been given
 * @next_iv: IV of the next device request
 * @pending: device requests that have not come back
 * @err: the first error
 * @backlog: the caller was told -EBUSY, and waits for -EINPROGRESS
 * @lost: the device has gone with a part of the request
 * @in_place: some output of the device replaces its input
 *
 * The caller of virtcrypto_sym_rewind() sets the members before @src.
 */
struct virtcrypto_sym_request {
	const struct virtio_crypto_sym_session_info *session;
	const bool *usable;
	bool encrypt;
	bool chain_iv;
	unsigned int unit;
	unsigned int step;
	u8 iv[AES_BLOCK_SIZE];

	struct skcipher_data_unit_pos src;
	struct skcipher_data_unit_pos dst;
	unsigned int left;
	u8 next_iv[AES_BLOCK_SIZE];
	unsigned int pending;
	int err;
	bool backlog;
	bool lost;
	bool in_place;
};

struct virtcrypto_sym_queue *
virtcrypto_sym_queue_alloc(int node, int (*fallback)(struct skcipher_request *req));
void virtcrypto_sym_queue_free(struct virtcrypto_sym_queue *sq);

void virtcrypto_sym_queue_attach(struct virtcrypto_sym_queue *sq, struct data_queue *dq,
				 u64 max_size);
void virtcrypto_sym_queue_start(struct virtcrypto_sym_queue *sq);
bool virtcrypto_sym_queue_stop(struct virtcrypto_sym_queue *sq);
void virtcrypto_sym_queue_cut_off(struct virtcrypto_sym_queue *sq);
void virtcrypto_sym_queue_flush(struct virtcrypto_sym_queue *sq);

void virtcrypto_sym_rewind(struct skcipher_request *req);
void virtcrypto_sym_advance(struct virtcrypto_sym_request *sreq);
int virtcrypto_sym_submit(struct virtcrypto_sym_queue *sq, struct skcipher_request *req);
void virtcrypto_sym_pump(struct virtcrypto_sym_queue *sq);

#endif	/* _VIRTIO_CRYPTO_SYM_QUEUE_H */
