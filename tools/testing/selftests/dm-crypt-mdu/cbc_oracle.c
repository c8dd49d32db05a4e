// SPDX-License-Identifier: GPL-2.0
/*
 * Encrypt or decrypt a part of a dm-crypt AES-CBC volume in user space.
 *
 * usage: cbc_oracle encrypt|decrypt plain|essiv KEY SECTOR_SIZE FIRST STEP < in > out
 *
 * FIRST is the number of the first sector, as the IV counts it.  STEP is the difference
 * to the number of the next sector.  With "plain", the number is the IV.  With "essiv",
 * the IV is the number, encrypted with the SHA-256 of the key.
 *
 * This program tells the dm-crypt-mdu tests which bytes belong on the disk.  It uses
 * OpenSSL and shares no code with the kernel.
 */
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "parse_number.h"

#define MAX_SECTOR_SIZE	4096
#define IV_SIZE		16

static void check(int ok, const char *what)
{
	if (!ok)
		errx(1, "%s: %s", what, ERR_error_string(ERR_get_error(), NULL));
}

/* Returns the size of the key in bytes. */
static unsigned int parse_key(unsigned char key[32], const char *hex)
{
	unsigned int i, size = strlen(hex) / 2;

	if (strlen(hex) % 2 || (size != 16 && size != 24 && size != 32) ||
	    strspn(hex, "0123456789abcdefABCDEF") != 2 * size)
		errx(1, "the key is not 32, 48 or 64 hex digits");
	for (i = 0; i < size; i++)
		if (sscanf(hex + 2 * i, "%2hhx", &key[i]) != 1)
			errx(1, "the key is not hex");
	return size;
}

static EVP_CIPHER_CTX *new_cipher(const char *mode, const unsigned char *key,
				  unsigned int size, bool encrypt)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	char name[16];

	snprintf(name, sizeof(name), "AES-%u-%s", 8 * size, mode);
	check(ctx && EVP_CipherInit_ex(ctx, EVP_get_cipherbyname(name), NULL, key, NULL,
				       encrypt), name);
	EVP_CIPHER_CTX_set_padding(ctx, 0);
	return ctx;
}

int main(int argc, char **argv)
{
	unsigned char in[MAX_SECTOR_SIZE], out[MAX_SECTOR_SIZE], key[32], hash[32];
	EVP_CIPHER_CTX *ctx, *essiv = NULL;
	unsigned long long number, step;
	unsigned int key_size, size, i;
	bool encrypt;
	int len;

	if (argc != 7)
		errx(1, "takes six arguments, see the head of the source");
	encrypt = !strcmp(argv[1], "encrypt");
	if (!encrypt && strcmp(argv[1], "decrypt"))
		errx(1, "'%s' is neither encrypt nor decrypt", argv[1]);
	key_size = parse_key(key, argv[3]);
	ctx = new_cipher("CBC", key, key_size, encrypt);
	if (!strcmp(argv[2], "essiv")) {
		check(EVP_Digest(key, key_size, hash, NULL, EVP_sha256(), NULL), "SHA-256");
		essiv = new_cipher("ECB", hash, sizeof(hash), true);
	} else if (strcmp(argv[2], "plain")) {
		errx(1, "'%s' is neither plain nor essiv", argv[2]);
	}
	size = parse_number("SECTOR_SIZE", argv[4], NULL);
	if (!size || size > MAX_SECTOR_SIZE || size % IV_SIZE)
		errx(1, "no sector has %u bytes", size);
	number = parse_number("FIRST", argv[5], NULL);
	step = parse_number("STEP", argv[6], NULL);

	while (fread(in, size, 1, stdin) == 1) {
		unsigned char iv[IV_SIZE] = { };

		for (i = 0; i < sizeof(number); i++)
			iv[i] = number >> (8 * i);
		if (essiv)
			check(EVP_CipherUpdate(essiv, iv, &len, iv, IV_SIZE), "ESSIV");
		check(EVP_CipherInit_ex(ctx, NULL, NULL, NULL, iv, encrypt) &&
		      EVP_CipherUpdate(ctx, out, &len, in, size) && len == (int)size, "CBC");
		if (fwrite(out, size, 1, stdout) != 1)
			err(1, "cannot write standard output");
		number += step;
	}
	if (ferror(stdin) || fflush(stdout))
		err(1, "cannot read standard input, or write standard output");
	return 0;
}
