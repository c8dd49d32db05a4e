/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Self-test of requests made of many data units
 */
#ifndef _CRYPTO_TESTMGR_DATA_UNIT_H
#define _CRYPTO_TESTMGR_DATA_UNIT_H

#include <linux/types.h>

struct crypto_skcipher;

int test_skcipher_data_units(struct crypto_skcipher *ref_tfm, u32 type,
			     u32 mask, bool full);

/* Defined in testmgr.c.  Without full self-tests these do nothing. */
void crypto_disable_simd_for_test(void);
void crypto_reenable_simd_for_test(void);

#endif	/* _CRYPTO_TESTMGR_DATA_UNIT_H */
