// SPDX-License-Identifier: GPL-2.0
/*
 * Encrypt or decrypt a part of a dm-crypt AES-XTS volume in user space.
 *
 * usage: xts_oracle encrypt|decrypt --key HEX [--sector-size N]
 *		     [--iv plain|plain64] [--iv-offset N] [--large-iv]
 *		     [--first-sector N] < in > out
 *
 * This program tells the dm-crypt-mdu tests which bytes belong on the disk.  It
 * follows the documented format alone.  It uses OpenSSL and shares no code with
 * the kernel.  It computes the IV of each sector from the sector number, and does
 * not step from one IV to the next.
 *
 * --first-sector and --iv-offset count 512-byte sectors for all sector sizes, as
 * a dm-crypt table does.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "parse_number.h"

#define TABLE_SECTOR_SIZE	512
#define MAX_SECTOR_SIZE		4096
#define MAX_KEY_SIZE		64
#define IV_SIZE			16

struct volume {
	unsigned char key[MAX_KEY_SIZE];
	unsigned int key_size;
	unsigned int sector_size;
	unsigned long long iv_offset;
	unsigned long long first_sector;
	bool large_iv;		/* the IV counts sectors of sector_size bytes */
	bool plain;		/* the IV is cut to 32 bits */
};

static void die_openssl(const char *what)
{
	errx(1, "%s: %s", what, ERR_error_string(ERR_get_error(), NULL));
}

static void parse_key(struct volume *volume, const char *hex)
{
	size_t digits = strlen(hex);
	unsigned int i;

	if (digits != 64 && digits != 128)
		errx(1, "--key: %zu hex digits, but AES-XTS takes 64 (AES-128) or 128 (AES-256)",
		     digits);
	if (strspn(hex, "0123456789abcdefABCDEF") != digits)
		errx(1, "--key: not a hex string");
	volume->key_size = digits / 2;
	for (i = 0; i < volume->key_size; i++)
		if (sscanf(hex + 2 * i, "%2hhx", &volume->key[i]) != 1)
			errx(1, "--key: not a hex string");
}

static void parse_options(struct volume *volume, int argc, char **argv)
{
	static const struct option options[] = {
		{ "key", required_argument, NULL, 'k' },
		{ "sector-size", required_argument, NULL, 's' },
		{ "iv", required_argument, NULL, 'i' },
		{ "iv-offset", required_argument, NULL, 'o' },
		{ "large-iv", no_argument, NULL, 'l' },
		{ "first-sector", required_argument, NULL, 'f' },
		{ }
	};
	unsigned long long size = TABLE_SECTOR_SIZE;
	unsigned int ratio;
	int c;

	optind = 2;	/* after the verb */
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'k':
			parse_key(volume, optarg);
			break;
		case 's':
			size = parse_number("--sector-size", optarg, NULL);
			break;
		case 'i':
			volume->plain = !strcmp(optarg, "plain");
			if (!volume->plain && strcmp(optarg, "plain64"))
				errx(1, "--iv: '%s' is neither plain nor plain64", optarg);
			break;
		case 'o':
			volume->iv_offset = parse_number("--iv-offset", optarg, NULL);
			break;
		case 'l':
			volume->large_iv = true;
			break;
		case 'f':
			volume->first_sector = parse_number("--first-sector",
							    optarg, NULL);
			break;
		default:
			errx(1, "bad option, see the head of the source");
		}
	}
	if (optind != argc)
		errx(1, "unexpected argument '%s'", argv[optind]);
	if (!volume->key_size)
		errx(1, "--key is missing");
	if (size < TABLE_SECTOR_SIZE || size > MAX_SECTOR_SIZE || size & (size - 1))
		errx(1, "--sector-size: %llu is not one of 512, 1024, 2048, 4096", size);
	volume->sector_size = size;
	ratio = size / TABLE_SECTOR_SIZE;
	if (volume->iv_offset % ratio || volume->first_sector % ratio)
		errx(1, "--iv-offset and --first-sector must be multiples of %u here", ratio);
}

static void make_iv(unsigned char *iv, const struct volume *volume, unsigned long long index)
{
	unsigned int ratio = volume->sector_size / TABLE_SECTOR_SIZE;
	unsigned long long number;
	unsigned int i;

	number = volume->first_sector + index * ratio + volume->iv_offset;
	if (volume->large_iv)
		number /= ratio;
	if (volume->plain)
		number &= 0xffffffff;

	memset(iv, 0, IV_SIZE);
	for (i = 0; i < sizeof(number); i++)
		iv[i] = number >> (8 * i);
}

static void convert(const struct volume *volume, bool encrypt)
{
	const EVP_CIPHER *cipher = volume->key_size == MAX_KEY_SIZE ?
				   EVP_aes_256_xts() : EVP_aes_128_xts();
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	unsigned char in[MAX_SECTOR_SIZE], out[MAX_SECTOR_SIZE], iv[IV_SIZE];
	unsigned long long index = 0;
	size_t n;
	int len;

	if (!ctx || !EVP_CipherInit_ex(ctx, cipher, NULL, volume->key, NULL, encrypt))
		die_openssl("cannot set the key");

	while ((n = fread(in, 1, volume->sector_size, stdin)) == volume->sector_size) {
		make_iv(iv, volume, index++);
		if (!EVP_CipherInit_ex(ctx, NULL, NULL, NULL, iv, encrypt) ||
		    !EVP_CipherUpdate(ctx, out, &len, in, n) || len != (int)n)
			die_openssl("cannot run the cipher");
		if (fwrite(out, 1, n, stdout) != n)
			err(1, "cannot write standard output");
	}
	if (ferror(stdin))
		err(1, "cannot read standard input");
	if (n)
		errx(1, "the input ends with %zu bytes, which is not a whole sector of %u bytes",
		     n, volume->sector_size);
	if (fflush(stdout))
		err(1, "cannot write standard output");
	EVP_CIPHER_CTX_free(ctx);
}

int main(int argc, char **argv)
{
	struct volume volume = { };
	bool encrypt;

	if (argc < 2)
		errx(1, "say encrypt or decrypt, see the head of the source");
	encrypt = !strcmp(argv[1], "encrypt");
	if (!encrypt && strcmp(argv[1], "decrypt"))
		errx(1, "'%s' is neither encrypt nor decrypt", argv[1]);
	parse_options(&volume, argc, argv);
	convert(&volume, encrypt);
	return 0;
}
