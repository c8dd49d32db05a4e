/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AES-CBC for many data units, with VAES and AVX2
 */

#define VL		32
#define FUNC(name)	name##_vaes_avx2

#include "aes-cbc-avx-x86_64.S"
