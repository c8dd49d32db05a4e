/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AES-CBC for many data units, with AES-NI and AVX
 *
 * CBC encrypts the blocks of a data unit one after the other: each block waits
 * for the block before.  Different data units do not wait for each other.  So the
 * code encrypts eight or sixteen data units side by side, each in its own lane.
 * CBC can decrypt many blocks of one data unit at the same time.
 */

#include <linux/linkage.h>
#include <linux/cfi_types.h>

/* aes-cbc-vaes-avx2.S includes this file for vectors of 32 bytes. */
#ifndef VL
#define VL		16
#define FUNC(name)	name##_aesni_avx
#endif

/* struct aes_cbc_lane in aesni-intel_glue.c */
#define LANE_SRC	0
#define LANE_DST	8
#define LANE_IV		16
#define LANE_SIZE	24

#define KEY		%rdi	/* struct crypto_aes_ctx, then the first round key */
#define LAST_KEY	%r9	/* the last round key */
#define KEYLEN64	%r10
#define KEYLEN		%r10d

/* Encryption */
#define LANES		%rsi
#define LEN		%edx
#define POS		%r8	/* offset of the blocks in the data units */
#define TMP0		%rax
#define TMP1		%rcx

/* Decryption */
#define SRC		%rsi
#define DST		%rdx
#define DEC_LEN		%ecx
#define IV		%r8

.macro	_define_vector i
	.if VL == 16
		.set	V\i, %xmm\i
	.else
		.set	V\i, %ymm\i
	.endif
.endm

/* V0 to V7 hold the blocks, VL / 16 in each.  V8 and V9 are temporary. */
.irp i, 0,1,2,3,4,5,6,7,8,9
	_define_vector	\i
.endr

/* Load a round key into each block of V8. */
.macro	_load_round_key	key:vararg
	.if VL == 16
		vmovdqa		\key, V8
	.else
		vbroadcasti128	\key, V8
	.endif
.endm

.macro	_round	insn, key:vararg
	_load_round_key	\key
.irp i, 0,1,2,3,4,5,6,7
	\insn		V8, V\i, V\i
.endr
.endm

/* Encrypt or decrypt the blocks in V0 to V7. */
.macro	_crypt_blocks	insn, insnlast
	_round		vpxor, (KEY)
	cmp		$24, KEYLEN
	jl		.Laes128\@
	je		.Laes192\@
	_round		\insn, -13*16(LAST_KEY)
	_round		\insn, -12*16(LAST_KEY)
.Laes192\@:
	_round		\insn, -11*16(LAST_KEY)
	_round		\insn, -10*16(LAST_KEY)
.Laes128\@:
.irp i, 9,8,7,6,5,4,3,2,1
	_round		\insn, -\i*16(LAST_KEY)
.endr
	_round		\insnlast, (LAST_KEY)
.endm

/* offset: of the round keys in struct crypto_aes_ctx */
.macro	_find_round_keys	offset
	mov		480(KEY), KEYLEN
	add		$\offset, KEY
	/* There are 6 + KEYLEN / 4 rounds. */
	lea		6*16(KEY, KEYLEN64, 4), LAST_KEY
.endm

/* Set TMP0 to a pointer of the first lane in V\i, and TMP1 to that of the second. */
.macro	_load_pointers	i, field
	mov		(\i * VL/16) * LANE_SIZE + \field(LANES), TMP0
	.if VL == 32
		mov	(\i * VL/16 + 1) * LANE_SIZE + \field(LANES), TMP1
	.endif
.endm

/*
 * void aes_cbc_encrypt_lanes(const struct crypto_aes_ctx *key,
 *			      const struct aes_cbc_lane lanes[VL / 2],
 *			      unsigned int len)
 *
 * Encrypt len bytes in each lane: a multiple of 16, not 0.  The code reads a block
 * of each lane before it writes a block of any lane.  So two lanes may be the same.
 */
SYM_TYPED_FUNC_START(FUNC(aes_cbc_encrypt_lanes))
	_find_round_keys	0
.irp i, 0,1,2,3,4,5,6,7
	_load_pointers	\i, LANE_IV
	vmovdqu		(TMP0), %xmm\i
	.if VL == 32
		vinserti128	$1, (TMP1), V\i, V\i
	.endif
.endr
	xor		%r8d, %r8d
.Lencrypt_next:
.irp i, 0,1,2,3,4,5,6,7
	_load_pointers	\i, LANE_SRC
	.if VL == 16
		vpxor		(TMP0, POS), V\i, V\i
	.else
		vmovdqu		(TMP0, POS), %xmm8
		vinserti128	$1, (TMP1, POS), V8, V8
		vpxor		V8, V\i, V\i
	.endif
.endr
	_crypt_blocks	vaesenc, vaesenclast
.irp i, 0,1,2,3,4,5,6,7
	_load_pointers	\i, LANE_DST
	vmovdqu		%xmm\i, (TMP0, POS)
	.if VL == 32
		vextracti128	$1, V\i, (TMP1, POS)
	.endif
.endr
	add		$16, POS
	sub		$16, LEN
	jnz		.Lencrypt_next
	.if VL == 32
		vzeroupper
	.endif
	RET
SYM_FUNC_END(FUNC(aes_cbc_encrypt_lanes))

/*
 * void aes_cbc_decrypt(const struct crypto_aes_ctx *key, const u8 *src, u8 *dst,
 *			unsigned int len, u8 iv[16])
 *
 * Decrypt len bytes: a multiple of 8 * VL, not 0.  src and dst are the same or do
 * not overlap.  iv is replaced by the last block of the ciphertext.
 */
SYM_TYPED_FUNC_START(FUNC(aes_cbc_decrypt))
	_find_round_keys	240
	vmovdqu		(IV), %xmm9
.Ldecrypt_next:
.irp i, 0,1,2,3,4,5,6,7
	vmovdqu		\i*VL(SRC), V\i
.endr
	_crypt_blocks	vaesdec, vaesdeclast
	/* XOR with the ciphertext, one block earlier. */
	.if VL == 32
		vinserti128	$1, (SRC), V9, V9
	.endif
	vpxor		V9, V0, V0
.irp i, 1,2,3,4,5,6,7
	vpxor		\i*VL-16(SRC), V\i, V\i
.endr
	vmovdqu		8*VL-16(SRC), %xmm9
.irp i, 0,1,2,3,4,5,6,7
	vmovdqu		V\i, \i*VL(DST)
.endr
	add		$8*VL, SRC
	add		$8*VL, DST
	sub		$8*VL, DEC_LEN
	jnz		.Ldecrypt_next
	vmovdqu		%xmm9, (IV)
	.if VL == 32
		vzeroupper
	.endif
	RET
SYM_FUNC_END(FUNC(aes_cbc_decrypt))
