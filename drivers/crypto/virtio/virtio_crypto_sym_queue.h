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
 * @chain_iv: @iv is to be in the caller's IV buffer afterwards what comes next to it
 * @unit: bytes of one device request
 * @step: what to add to the IV from one device request to the next
 * @left: bytes that have not been handed over
 * @iv: IV of the next device request
 * @src: where its data are read
 * @dst: where they are written
 * @pending: device requests that have not come back
 * @err: the first error
 *
 * The caller of virtcrypto_sym_submit() sets what comes before @pending.
 */
struct virtcrypto_sym_request {
	const struct virtio_crypto_sym_session_info *session;
	const bool *usable;
	bool encrypt;
	bool chain_iv;
	unsigned int unit;
	unsigned int step;
	unsigned int left;
	u8 iv[AES_BLOCK_SIZE];
	struct skcipher_data_unit_pos src;
	struct skcipher_data_unit_pos dst;

	unsigned int pending;
	int err;
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

int virtcrypto_sym_submit(struct virtcrypto_sym_queue *sq, struct skcipher_request *req);
void virtcrypto_sym_pump(struct virtcrypto_sym_queue *sq);

#endif	/* _VIRTIO_CRYPTO_SYM_QUEUE_H */
