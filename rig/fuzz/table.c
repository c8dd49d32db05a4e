// SPDX-License-Identifier: GPL-2.0
/*
 * Parse a table as dm-crypt's documentation describes it, and decide whether dm-crypt
 * must batch it.
 */
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "table_fuzz.h"

#define MOST_BYTES	(1024 * 1024)	/* of a key, see known_trouble() */
#define MOST_KEYS	1024

const char * const reason_names[NR_REASONS] = {
	"aead", "integrity", "multi_key", "iv_mode", "iv_wrap", "cipher",
};

static bool parse_table_number(const char *text, __u64 *value)
{
	*value = 0;
	if (!isdigit((unsigned char)*text))
		return false;
	for (; isdigit((unsigned char)*text); text++)
		*value = *value * 10 + *text - '0';
	return !*text;
}

/* Kernels differ in how they take a number that is too big. */
static bool too_big(const char *text)
{
	errno = 0;
	strtoull(text, NULL, 10);
	return errno == ERANGE;
}

static void parse_option(struct table *t, const char *option)
{
	__u64 value;
	unsigned int tag;

	if (!strcasecmp(option, "iv_large_sectors")) {
		t->large_iv = true;
	} else if (!strncmp(option, "sector_size:", 12) &&
		   parse_table_number(option + 12, &value)) {
		t->sector_size = (uint16_t)value;
	} else if (sscanf(option, "integrity:%u:", &tag) == 1) {
		const char *type = strchr(option + 10, ':');

		t->nr_integrity++;
		if (type && !strcasecmp(type, ":aead"))
			t->aead = true;
	}
}

static void parse_capi(struct table *t, char *spec)
{
	char *hash = strrchr(spec, ':'), *mode;

	if (hash)
		*hash++ = 0;
	mode = strrchr(spec, '-');
	if (mode) {
		*mode++ = 0;
		snprintf(t->iv_mode, sizeof(t->iv_mode), "%s", mode);
	}
	t->keys = strcmp(t->iv_mode, "lmk") ? 1 : 64;
	if (!strcmp(t->iv_mode, "essiv"))
		snprintf(t->api, sizeof(t->api), "essiv(%.100s,%.100s)", spec, hash ?: "");
	else
		snprintf(t->api, sizeof(t->api), "%.255s", spec);
}

static void parse_legacy(struct table *t, char *spec)
{
	char *cipher = strsep(&spec, "-");
	char *mode = strsep(&spec, "-");
	char *iv = strsep(&spec, ":");
	char *keys = strchr(cipher, ':');
	__u64 value;

	t->keys = 1;
	if (keys) {
		*keys++ = 0;
		if (parse_table_number(keys, &value))
			t->keys = value < UINT32_MAX ? value : UINT32_MAX;
	}
	if (!mode || (!strcmp(mode, "plain") && !iv)) {
		mode = "cbc";
		iv = "plain";
	}
	snprintf(t->iv_mode, sizeof(t->iv_mode), "%s", iv ?: "");
	if (iv && !strcmp(iv, "essiv"))
		snprintf(t->api, sizeof(t->api), "essiv(%.60s(%.60s),%.60s)", mode, cipher,
			 spec ?: "");
	else
		snprintf(t->api, sizeof(t->api), "%.100s(%.100s)", mode, cipher);
}

/* The kernel takes Latin-1's no-break space for a blank, too. */
static bool is_blank(unsigned char c)
{
	return isspace(c) || c == 0xa0;
}

/* Words end at blanks; a backslash makes the next character part of the word. */
static void split_words(struct table *t, const char *line)
{
	char *to = t->copy;

	while (t->nr_words < MAX_WORDS) {
		while (is_blank(*line))
			line++;
		if (!*line)
			break;
		t->words[t->nr_words++] = to;
		while (*line && !is_blank(*line)) {
			if (*line == '\\' && line[1])
				line++;
			*to++ = *line++;
		}
		*to++ = 0;
	}
}

void parse_table(struct table *t, const char *line, __u64 len)
{
	char spec[MAX_LINE], *key;
	__u64 nr = 0;
	unsigned int i;

	memset(t, 0, sizeof(*t));
	t->len = len;
	t->sector_size = 512;
	split_words(t, line);
	if (t->nr_words < 5)
		return;
	/* dm-crypt ignores the last digit if the number of digits is odd. */
	key = t->copy + (t->words[1] - t->copy);
	if (*key != ':' && strlen(key) > 1)
		key[strlen(key) & ~1UL] = 0;
	t->complete = parse_table_number(t->words[2], &t->iv_offset) &&
		      parse_table_number(t->words[4], &t->start);
	t->too_big = too_big(t->words[2]) || too_big(t->words[4]);
	if (t->nr_words > 5)
		parse_table_number(t->words[5], &nr);
	/* dm-crypt refuses a number that is larger than that of the options. */
	for (i = 0; i < (unsigned int)nr && 6 + i < t->nr_words; i++)
		parse_option(t, t->words[6 + i]);

	snprintf(spec, sizeof(spec), "%s", t->words[0]);
	if (!strncmp(spec, "capi:", 5))
		parse_capi(t, spec + 5);
	else
		parse_legacy(t, spec);
}

/*
 * These lines make trouble:
 *
 *  - IV modes eboiv and elephant without a workqueue: they allocate memory where they
 *    must not sleep
 *  - sizes and numbers of keys so large that the allocator warns about the request for
 *    memory
 */
bool known_trouble(const struct table *t)
{
	unsigned int i, size;

	if (!strcmp(t->iv_mode, "eboiv") || !strcmp(t->iv_mode, "elephant"))
		for (i = 0; i < t->nr_words; i++)
			if (strcasestr(t->words[i], "_workqueue"))
				return true;
	if (t->nr_words > 1 && sscanf(t->words[1], ":%u", &size) == 1 && size > MOST_BYTES)
		return true;
	return t->keys > MOST_KEYS;
}

bool other_disk(const struct table *t)
{
	unsigned int major, minor;
	struct stat st;

	if (t->nr_words < 4 || !strcmp(t->words[3], fuzz.disk))
		return false;
	return sscanf(t->words[3], "%u:%u", &major, &minor) == 2 ||
	       (!stat(t->words[3], &st) && S_ISBLK(st.st_mode));
}

struct driver {
	bool found, many;
	unsigned int iv_size;
};

/* Find in /proc/crypto the driver that the kernel takes for this name. */
static struct driver find_driver(const char *api)
{
	struct driver best = { }, now = { };
	char line[512], name[256] = "", driver[256] = "", type[64] = "";
	int priority = 0, highest = -1;
	bool internal = false;
	FILE *f = fopen("/proc/crypto", "r");

	if (!f)
		err(1, "cannot read /proc/crypto");
	while (fgets(line, sizeof(line), f)) {
		char key[64], value[256];
		int n = sscanf(line, "%63[^:]: %255[^\n]", key, value);

		if (n == 2) {
			key[strcspn(key, " ")] = 0;
			if (!strcmp(key, "name")) {
				snprintf(name, sizeof(name), "%s", value);
				now = (struct driver){ .found = true };
				internal = false;
			} else if (!strcmp(key, "driver")) {
				snprintf(driver, sizeof(driver), "%s", value);
			} else if (!strcmp(key, "priority")) {
				priority = atoi(value);
			} else if (!strcmp(key, "internal")) {
				internal = !strcmp(value, "yes");
			} else if (!strcmp(key, "type")) {
				snprintf(type, sizeof(type), "%.63s", value);
			} else if (!strcmp(key, "ivsize")) {
				now.iv_size = atoi(value);
			} else if (!strcmp(key, "data")) {
				now.many = !strcmp(value, "many");
			}
			continue;
		}
		if (!internal && (!strcmp(type, "skcipher") || !strcmp(type, "lskcipher"))) {
			if (!strcmp(driver, api)) {
				best = now;
				break;
			}
			if (!strcmp(name, api) && priority > highest) {
				highest = priority;
				best = now;
			}
		}
		type[0] = 0;
	}
	fclose(f);
	return best;
}

static bool iv_wraps(const struct table *t)
{
	unsigned int shift = t->large_iv ? __builtin_ctz(t->sector_size / 512) : 0;
	__u64 last = t->iv_offset + t->len - 1;

	if (last < t->iv_offset)
		return true;
	return !strcmp(t->iv_mode, "plain") &&
	       t->iv_offset >> shift >> 32 != last >> shift >> 32;
}

const char *expected_reason(const struct table *t)
{
	bool counter = !strcmp(t->iv_mode, "plain") || !strcmp(t->iv_mode, "plain64");
	struct driver driver;

	if (t->aead)
		return "aead";
	if (t->nr_integrity || !strcmp(t->iv_mode, "random"))
		return "integrity";
	if (t->keys != 1)
		return "multi_key";
	if (!counter)
		return "iv_mode";
	driver = find_driver(t->api);
	if (!driver.found)
		return "?";
	if (!driver.iv_size)
		return "iv_mode";
	if (iv_wraps(t))
		return "iv_wrap";
	if (driver.many && (!strncmp(t->api, "xts(", 4) || !strncmp(t->api, "xts-", 4)))
		return NULL;
	return "cipher";
}
