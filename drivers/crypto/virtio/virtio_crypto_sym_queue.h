/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Queue of symmetric cipher requests for a virtio crypto device
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
 * struct virtcrypto_sym_request - state of a request in the queue
 * @session: session of the device; the device knows its key, mode and direction
 * @usable: points to true if the session exists.  The session and this flag
 *	    may change while the queue does not run.
 * @encrypt: direction
 * @chain_iv: on success, store the IV that continues the message in req->iv
 *	      (CBC)
 * @unit: size of one device request in bytes
 * @step: number to add to the IV from one device request to the next
 * @iv: IV of the request
 * @src: position in the source for the next device request
 * @dst: position in the destination for the next device request
 * @left: number of bytes not yet handed to the device or to the CPU
 * @next_iv: IV of the next device request
 * @pending: number of its device requests that the device has not finished
 * @err: the first error
 * @backlog: the caller got -EBUSY, and waits for -EINPROGRESS
 * @lost: the device was reset before it finished a part of the request
 * @in_place: the device writes some output over its input
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
