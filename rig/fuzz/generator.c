// SPDX-License-Identifier: GPL-2.0
/*
 * Make the tables.  Each part of a line is right, or wrong in a way that somebody could
 * write.  Some whole lines are damaged.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "table_fuzz.h"

struct good_cipher {
	const char *spec;
	unsigned int key_bytes[3];
};

static const struct good_cipher good_ciphers[] = {
	{ "aes-xts-plain64", { 32, 64, 48 } },
	{ "aes-xts-plain64", { 32, 64, 64 } },
	{ "aes-xts-plain", { 64, 32, 64 } },
	{ "aes-xts-plain", { 64, 32, 64 } },
	{ "capi:xts(aes)-plain64", { 64, 32, 64 } },
	{ "capi:xts(ecb(aes-generic))-plain64", { 64, 32, 64 } },
	{ "capi:xts(ecb(aes-lib))-plain", { 64, 32, 64 } },
	{ "aes:1-xts-plain64", { 64, 64, 32 } },
	{ "aes:2-xts-plain64", { 128, 64, 128 } },
	{ "aes:4-cbc-plain64", { 64, 128, 96 } },
	{ "aes:64-cbc-lmk", { 1024, 1040, 2048 } },
	{ "capi:cbc(aes)-lmk", { 1024, 1040, 2048 } },
	{ "aes-xts-plain64be", { 64, 32, 64 } },
	{ "aes-xts-null", { 64, 32, 64 } },
	{ "aes-xts-benbi", { 64, 32, 64 } },
	{ "aes-xts-eboiv", { 64, 32, 64 } },
	{ "aes-cbc-elephant", { 64, 32, 48 } },
	{ "aes-cbc-essiv:sha256", { 32, 16, 24 } },
	{ "capi:cbc(aes)-essiv:sha256", { 32, 16, 24 } },
	{ "capi:xts(aes)-essiv:sha256", { 64, 32, 48 } },
	{ "aes-cbc-tcw", { 48, 64, 56 } },
	{ "aes-cbc-plain", { 32, 16, 24 } },
	{ "aes", { 32, 16, 24 } },
	{ "aes-plain", { 32, 16, 24 } },
	{ "aes-ecb", { 32, 16, 24 } },
	{ "aes-ecb-plain64", { 32, 16, 24 } },
	{ "capi:ecb(aes)", { 32, 16, 24 } },
	{ "aes-lrw-benbi", { 32, 48, 40 } },
	{ "aes-ctr-plain64", { 32, 16, 24 } },
	{ "cipher_null-ecb", { 0, 0, 0 } },
	{ "capi:adiantum(xchacha12,aes)-plain64", { 32, 32, 32 } },
	{ "aes-xts-random", { 64, 64, 64 } },
	{ "capi:authenc(hmac(sha256),xts(aes))-plain64", { 96, 64, 96 } },
	{ "capi:authenc(hmac(sha256),cbc(aes))-essiv:sha256", { 64, 48, 64 } },
	{ "capi:gcm(aes)-random", { 32, 16, 24 } },
};

static const char * const bad_ciphers[] = {
	"-", "--", "aes-", "-xts-plain64", "aes--plain64", "aes-xts-", "aes-xts",
	"aes:-xts-plain64",
	"aes:0-xts-plain64", "aes:3-xts-plain64", "aes:x-xts-plain64", "aes:-1-xts-plain64",
	"aes:1024-xts-plain64", "aes::2-xts-plain64", "aes:2:2-xts-plain64", "aes-xts-plain64:",
	"aes-xts-plain64:opts", "aes-xts-plain128", "aes-xts-PLAIN64", "aes-xts-essiv",
	"aes-cbc-essiv:", "aes-cbc-essiv:sha", "aes-cbc-essiv:md5", "AES-xts-plain64",
	"aes-xts-lmk",
	"aes-xts-tcw", "aes-xts-elephant", "aes-cbc-eboiv", "aes-ecb-lmk", "none-xts-plain64",
	"aes-none-plain64", "xts(aes)-plain64", "aes(-xts-plain64", "capi:", "capi:-", "capi::",
	"capi:-plain64", "capi:xts(aes)", "capi:xts(aes)-", "capi:xts(aes-plain64",
	"capi:xts(aes))-plain64", "capi:xts()-plain64", "capi:()-plain64",
	"capi:((((((((-plain64",
	"capi:))))-plain64", "capi:xts(xts(aes))-plain64", "capi:xts(ecb(ecb(aes)))-plain64",
	"capi:xts(cbc(aes))-plain64", "capi:xts(aes,aes)-plain64", "capi:xts(,)-plain64",
	"capi:xts(md5)-plain64", "capi:xts(ecb(cipher_null))-plain64",
	"capi:cbc(xts(aes))-plain64",
	"capi:authenc(hmac(sha256),xts(aes))-plain64", "capi:authenc(", "capi:authenc(,)-plain64",
	"capi:authenc(sha256,xts(aes))-plain64", "capi:authenc()hmac,-plain64",
	"capi:gcm(aes)-random",
	"capi:gcm(aes)-plain64", "capi:rfc4106(gcm(aes))-plain64",
	"capi:essiv(cbc(aes),sha256)-plain64",
	"capi:essiv(authenc(hmac(sha256),cbc(aes)),sha256)-plain64", "capi:sha256-plain64",
	"capi:__xts(aes)-plain64", "capi:__xts-aes-aesni-plain64", "capi:cryptd(none)-plain64",
	"capi:cryptd(cryptd(cryptd(none)))-plain64", "capi:hctr2(aes)-plain64",
	"capi:ctr(aes)-plain64",
	"capi:rfc3686(ctr(aes))-plain64", "capi:cts(cbc(aes))-plain64", "capi:lrw(aes)-plain64",
	"capi:xts(aes)-plain64:sha256", "capi:xts(aes)-plain-64", "capi:capi:xts(aes)-plain64",
	"capi:xts(aes)-random", "capi:ecb(aes)-plain64", "capi:xts(camellia)-plain64",
	"capi:xts(%s%n)-plain64", "%s-%n-%p",
};

static const char * const good_options[] = {
	"sector_size:512", "sector_size:1024", "sector_size:2048", "sector_size:4096",
	"sector_size:4096", "iv_large_sectors", "iv_large_sectors", "allow_discards",
	"same_cpu_crypt", "high_priority", "submit_from_crypt_cpus", "no_read_workqueue",
	"no_write_workqueue", "integrity:16:none", "ALLOW_DISCARDS",
};

static const char * const bad_options[] = {
	"sector_size:0", "sector_size:1", "sector_size:511", "sector_size:513",
	"sector_size:8192",
	"sector_size:65536", "sector_size:66048", "sector_size:4294967295", "sector_size:-512",
	"sector_size:4096x", "sector_size:", "sector_size", "sector_size:0x1000",
	"sector_size:18446744073709552128", "integrity:0:none", "integrity:16:",
	"integrity:16:bogus",
	"integrity:4294967295:none", "integrity:480:none", "integrity:481:none",
	"integrity::none",
	"integrity:-1:none", "integrity:28:aead", "integrity:16:aead", "integrity:48:AEAD",
	"integrity:", "integrity", "integrity_key_size:0", "integrity_key_size:32",
	"integrity_key_size:4294967295", "integrity_key_size:-1", "integrity_key_size:",
	"iv_large_sectors:1", "batch_sectors", "batch_sectors:on", "no_such_option", "-", "0",
	"%s%s%n", "keyring",
};

static const char * const bad_numbers[] = {
	"-1", "x", "0x10", "1.5", "18446744073709551616", "99999999999999999999999999", "", "+1",
	"18446744073709551615", "9223372036854775808",
};

/* None of these is a disk. */
static const char * const bad_devices[] = {
	"/dev/null", "/dev/no-such-disk", "/", "", ".", "/dev/mapper/control", "/proc/self/mem",
	"no-such-disk", "/dev", "/dev/no/such/disk", "%s",
};

static const char * const bad_keys[] = {
	"-", "0", "00", "zz", ":", "::", ":64", ":64:", ":64:logon", ":64:logon:", ":64:logon::",
	":64::mdu:fuzz", ":64:none:mdu:fuzz", ":-1:logon:mdu:fuzz", ":0:logon:mdu:fuzz",
	":1048576:logon:mdu:fuzz", ":65536:user:mdu:fuzz", ":x:logon:mdu:fuzz",
	":64x:logon:mdu:fuzz",
	":64:logon:none-there", ":63:logon:mdu:fuzz", ":64:encrypted:mdu:fuzz",
	":64:trusted:mdu:fuzz", ":64:LOGON:mdu:fuzz", ":64:keyring:mdu:fuzz",
	":64:logonx:mdu:fuzz",
	":64:user:%s%n", ":4294967295:logon:mdu:fuzz", ":64:asymmetric:mdu:fuzz",
};

static __printf(2, 3) void append(char *line, const char *format, ...)
{
	size_t used = strlen(line);
	va_list args;

	va_start(args, format);
	vsnprintf(line + used, MAX_LINE - used, format, args);
	va_end(args);
}

static void append_hex(char *line, unsigned int digits)
{
	static const char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";
	const char *from = percent(90) ? lower : upper;
	size_t used = strlen(line);

	while (digits-- && used < MAX_LINE - 1)
		line[used++] = from[below(16)];
	line[used] = 0;
}

static void append_key(char *line, unsigned int bytes, bool good)
{
	static const unsigned int other_sizes[] = { 1, 8, 15, 16, 17, 31, 33, 63, 65, 512, 4000 };

	if (!good && percent(50)) {
		append(line, "%s", pick(bad_keys));
	} else if (!good) {
		append_hex(line, percent(50) ? 2 * bytes + 1 : 2 * pick(other_sizes));
		if (percent(30))
			line[strlen(line) - 1] = "gG ~-:"[below(6)];
	} else if (!bytes) {
		append(line, "-");
	} else if (bytes == 64 && percent(20)) {
		append(line, ":64:%s:mdu:fuzz", percent(50) ? "logon" : "user");
	} else {
		append_hex(line, 2 * bytes);
	}
}

/* Numbers around which the counters in IVs wrap. */
static void append_iv_offset(char *line, bool good)
{
	__u64 edge = percent(70) ? (__u64)(1 + below(3)) << 32 : 0;
	__u64 value;

	if (!good) {
		append(line, "%s", pick(bad_numbers));
		return;
	}
	switch (below(6)) {
	case 0:
	case 1:
		value = 0;
		break;
	case 2:
		value = edge - fuzz.len;
		break;
	case 3:
		value = edge - fuzz.len + 8 * (1 + below(32));
		break;
	case 4:
		value = random64() >> below(64);
		break;
	default:
		/* Counters of 4096-byte sectors wrap here. */
		value = (edge << 3) - 8 * below(64);
	}
	append(line, "%llu", percent(80) ? value & ~(__u64)7 : value);
}

static void append_options(char *line, bool good)
{
	unsigned int nr = below(100) < 35 ? 0 : below(5), i;
	bool lie = !good && percent(50);

	if (!nr && !lie)
		return;
	if (lie && percent(50))
		append(line, " %s", pick(bad_numbers));
	else
		append(line, " %u", lie ? below(12) : nr);
	for (i = 0; i < nr; i++)
		append(line, " %s", good || percent(60) ? pick(good_options) : pick(bad_options));
}

static __u64 choose_len(bool good)
{
	static const __u64 bad_lens[] = {
		0, 1ULL << 32, 1ULL << 55, 1ULL << 63, UINT64_MAX, UINT64_MAX - 7, 16385, 1 << 24,
	};
	static const unsigned int good_lens[] = { 1, 7, 8, 9, 64, 100, 128, 1024, 4096, 8192 };

	return good ? pick(good_lens) : pick(bad_lens);
}

/* Change one thing in the line, as a faulty program would. */
static void damage(char *line)
{
	size_t len = strlen(line), at = below(len + 1);
	char *blank;

	switch (below(6)) {
	case 0:
		line[at] = 0;
		break;
	case 1:
		if (at < len)
			line[at] = 1 + below(255);
		break;
	case 2:
		if (at < len)
			memmove(line + at, line + at + 1, len - at);
		break;
	case 3:
		if (len + 2 < MAX_LINE) {
			memmove(line + at + 1, line + at, len - at + 1);
			line[at] = " \t\\-:0,()9"[below(10)];
		}
		break;
	case 4:
		/* Remove the first word. */
		blank = strchr(line, ' ');
		if (blank)
			memmove(line, blank + 1, strlen(blank + 1) + 1);
		break;
	default:
		/* Make a word very long. */
		if (len + 2048 < MAX_LINE) {
			memmove(line + at + 2000, line + at, len - at + 1);
			memset(line + at, "aA0(:-"[below(6)], 2000);
		}
	}
}

bool make_table(char *line)
{
	const struct good_cipher *cipher = &pick(good_ciphers);
	/* A bit for each part of the line that must be right: nine tenths of them. */
	unsigned int right = 0, i;
	bool good = percent(35);

	for (i = 0; i < 8; i++)
		right |= (good || percent(85)) << i;

	/* Prefer the first eight ciphers, which can be batched. */
	if (percent(25))
		cipher = &good_ciphers[below(8)];
	line[0] = 0;
	fuzz.begin = right & 1 ? 0 : below(3);
	fuzz.len = choose_len(right & 2);
	append(line, "%s ", right & 4 ? cipher->spec : pick(bad_ciphers));
	append_key(line, pick(cipher->key_bytes), right & 8);
	append(line, " ");
	append_iv_offset(line, right & 16);
	append(line, " %s ", right & 32 ? fuzz.disk : pick(bad_devices));
	if (right & 64)
		append(line, "%u", percent(70) ? 0 : 8 * below(100));
	else
		append(line, "%s", percent(50) ? pick(bad_numbers) : "16383");
	append_options(line, right & 128);
	if (!good && percent(20))
		damage(line);
	return good;
}
