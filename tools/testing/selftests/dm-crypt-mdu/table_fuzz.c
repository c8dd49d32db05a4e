// SPDX-License-Identifier: GPL-2.0
/*
 * Load crypt tables that nobody would write, and use those that are accepted.
 *
 * usage: table_fuzz DISK PARAMETER [options]
 *
 *   DISK		block device, which is overwritten
 *   PARAMETER		file of dm-crypt's module parameter multi_data_unit
 *
 *   --seed N		the same seed gives the same tables (default 1)
 *   --count N		how many (default 1000)
 *   --first N		begin at that one of them
 *   --seconds N	stop after that time
 *   --print		print each table before it is loaded
 *
 * What must hold of a table that is accepted is asked of the table itself, and
 * not of what made it: see expect_status(), expect_table() and use_volume().  And
 * the kernel must have no complaint in its log, see expect_content_kernel().
 *
 * Exit status 0 if it does, for all of them.  Prints "WORD NUMBER" for what there
 * was.  At the first surprise the table is printed, and how to repeat it.
 */
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/dm-ioctl.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "../kselftest.h"

#define MAX_LINE	12288
#define MAX_WORDS	32
#define IO_SIZE		32768
#define BUFFER_SIZE	65536
#define MOST_BYTES	(1024 * 1024)	/* of a key, see known_trouble() */
#define MOST_KEYS	1024

/* What a crypt table says, as far as it matters here. */
struct table {
	const char *words[MAX_WORDS];
	unsigned int nr_words;
	char copy[MAX_LINE];
	char api[256];		/* what the crypto API is asked for */
	char iv_mode[256];	/* empty if there is none */
	unsigned int keys;
	__u64 iv_offset, start, len;
	unsigned int sector_size;
	unsigned int nr_integrity;
	bool large_iv, aead;
	bool complete;		/* as far as it can be seen from the line */
	bool too_big;		/* a number in it */
};

struct counters {
	unsigned int tables, refused, accepted, resumed, batched, undecided;
	unsigned int round_trips, compared, messages, key_changes, left_out;
	unsigned int reasons[8];
};

static const char * const reason_names[] = {
	"aead", "integrity", "multi_key", "iv_mode", "iv_wrap", "cipher",
};

static struct {
	const char *disk, *parameter;
	char name[64];
	int control, disk_fd, log_fd;
	__u64 disk_sectors;
	__u64 state;
	unsigned long long seed, nr;
	bool print, exists, suspended;
	unsigned int minor;
	char line[MAX_LINE];
	__u64 begin, len;
	struct counters count;
	unsigned char *plain, *back, *raw, *raw_off;
	union {
		struct dm_ioctl io;
		char bytes[BUFFER_SIZE];
	} dm;
} fuzz;

static __printf(1, 2) __noreturn void surprise(const char *format, ...)
{
	va_list args;

	printf("table %llu, begin %llu, length %llu: %s\n", fuzz.nr, fuzz.begin,
	       fuzz.len, fuzz.line);
	printf("to repeat it: --seed %llu --first %llu --count 1\n", fuzz.seed, fuzz.nr);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	exit(1);
}

/* splitmix64: each table has a stream of its own. */
static __u64 random64(void)
{
	__u64 z = (fuzz.state += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static unsigned int below(unsigned int n)
{
	return random64() % n;
}

static bool percent(unsigned int n)
{
	return below(100) < n;
}

static void random_bytes(unsigned char *to, size_t n)
{
	size_t i;

	for (i = 0; i < n; i += sizeof(__u64)) {
		__u64 r = random64();

		memcpy(to + i, &r, n - i < sizeof(r) ? n - i : sizeof(r));
	}
}

#define pick(list) ((list)[below(sizeof(list) / sizeof((list)[0]))])

/*
 * Reads on in the kernel's log.  It holds some hundred tables, so that it has to be
 * done after each of them.
 */
static void expect_content_kernel(void)
{
	static const char * const complaints[] = {
		"WARNING:", "BUG", "Oops", "UBSAN:", "Call Trace", "general protection fault",
		"INFO: task", "ODEBUG", "kmemleak", "corruption", "refcount_t:",
	};
	static char record[8192];
	unsigned int i;
	ssize_t n;

	while ((n = read(fuzz.log_fd, record, sizeof(record) - 1)) > 0) {
		record[n] = 0;
		for (i = 0; i < ARRAY_SIZE(complaints); i++)
			/* What the kernel repeats of a table is not its own word. */
			if (strstr(record, complaints[i]) && !strstr(record, "device-mapper:"))
				surprise("the kernel complains: %s", record);
	}
	if (n < 0 && errno != EAGAIN)
		surprise("cannot read the kernel's log: %s", strerror(errno));
}

/*
 * Device mapper
 */

static struct dm_ioctl *dm_start(void)
{
	struct dm_ioctl *io = &fuzz.dm.io;

	memset(io, 0, sizeof(*io));
	io->version[0] = DM_VERSION_MAJOR;
	io->data_size = sizeof(fuzz.dm);
	io->data_start = sizeof(*io);
	snprintf(io->name, sizeof(io->name), "%s", fuzz.name);
	return io;
}

/* Returns 0 or -errno. */
static int dm_do(unsigned long command)
{
	return ioctl(fuzz.control, command, &fuzz.dm) ? -errno : 0;
}

static void create_device(void)
{
	struct dm_ioctl *io = dm_start();
	int r = dm_do(DM_DEV_CREATE);

	if (r)
		errx(1, "cannot create a device: %s", strerror(-r));
	fuzz.exists = true;
	fuzz.suspended = false;
	fuzz.minor = minor(io->dev);
}

/* Something else, udev for one, may have it open for a moment. */
static void remove_device(void)
{
	int r, tries;

	if (!fuzz.exists)
		return;
	for (tries = 0; tries < 100; tries++) {
		dm_start();
		r = dm_do(DM_DEV_REMOVE);
		if (r != -EBUSY)
			break;
		usleep(50000);
	}
	if (r)
		surprise("the device cannot be removed: %s", strerror(-r));
	fuzz.exists = false;
}

struct target {
	__u64 begin, len;
	const char *line;
};

static int load_targets(const struct target *targets, unsigned int nr)
{
	struct dm_ioctl *io = dm_start();
	size_t at = sizeof(*io);
	unsigned int i;

	io->target_count = nr;
	for (i = 0; i < nr; i++) {
		struct dm_target_spec *spec = (void *)(fuzz.dm.bytes + at);
		size_t size = sizeof(*spec) + strlen(targets[i].line) + 1;

		size = (size + 7) & ~7UL;
		memset(spec, 0, size);
		spec->sector_start = targets[i].begin;
		spec->length = targets[i].len;
		spec->next = size;
		snprintf(spec->target_type, sizeof(spec->target_type), "crypt");
		memcpy(spec + 1, targets[i].line, strlen(targets[i].line) + 1);
		at += size;
	}
	io->data_size = at;
	return dm_do(DM_TABLE_LOAD);
}

static int load(const char *line, __u64 begin, __u64 len)
{
	struct target target = { .begin = begin, .len = len, .line = line };

	return load_targets(&target, 1);
}

static void clear_inactive(void)
{
	dm_start();
	dm_do(DM_TABLE_CLEAR);
}

static int set_suspended(bool suspend)
{
	struct dm_ioctl *io = dm_start();
	int r;

	if (suspend)
		io->flags |= DM_SUSPEND_FLAG;
	r = dm_do(DM_DEV_SUSPEND);
	if (!r)
		fuzz.suspended = suspend;
	return r;
}

/* What the one target says: its status or, with DM_STATUS_TABLE_FLAG, its table. */
static void get_status(unsigned int flags, char *to)
{
	struct dm_ioctl *io = dm_start();
	const struct dm_target_spec *spec;
	int r;

	io->flags |= flags;
	r = dm_do(DM_TABLE_STATUS);
	if (r)
		surprise("no status: %s", strerror(-r));
	if (io->flags & DM_BUFFER_FULL_FLAG)
		surprise("the status does not fit in %d bytes", BUFFER_SIZE);
	if (io->target_count != 1)
		surprise("%u targets", io->target_count);
	spec = (void *)(fuzz.dm.bytes + io->data_start);
	if (strcmp(spec->target_type, "crypt"))
		surprise("the target is '%s'", spec->target_type);
	if (spec->length != fuzz.len)
		surprise("the target has %llu sectors", (unsigned long long)spec->length);
	snprintf(to, MAX_LINE, "%s", (const char *)(spec + 1));
}

static int send_message(const char *text)
{
	struct dm_ioctl *io = dm_start();
	struct dm_target_msg *msg = (void *)(fuzz.dm.bytes + sizeof(*io));

	fuzz.count.messages++;
	msg->sector = 0;
	snprintf(msg->message, MAX_LINE, "%s", text);
	io->data_size = sizeof(*io) + sizeof(*msg) + strlen(text) + 1;
	return dm_do(DM_TARGET_MSG);
}

/*
 * What a table means, read the way dm-crypt's documentation has it
 */

static bool parse_number(const char *text, __u64 *value)
{
	*value = 0;
	if (!isdigit((unsigned char)*text))
		return false;
	for (; isdigit((unsigned char)*text); text++)
		*value = *value * 10 + *text - '0';
	return !*text;
}

/* Of such a number not all kernels take the same. */
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
	} else if (!strncmp(option, "sector_size:", 12) && parse_number(option + 12, &value)) {
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
		if (parse_number(keys, &value))
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

/* To the kernel Latin-1's no-break space is a blank, too. */
static bool is_blank(unsigned char c)
{
	return isspace(c) || c == 0xa0;
}

/* Words end at blanks; a backslash takes the next character as it is. */
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

static void parse_table(struct table *t, const char *line, __u64 len)
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
	/* Of an odd number of digits the last one is not looked at. */
	key = t->copy + (t->words[1] - t->copy);
	if (*key != ':' && strlen(key) > 1)
		key[strlen(key) & ~1UL] = 0;
	t->complete = parse_number(t->words[2], &t->iv_offset) &&
		      parse_number(t->words[4], &t->start);
	t->too_big = too_big(t->words[2]) || too_big(t->words[4]);
	if (t->nr_words > 5)
		parse_number(t->words[5], &nr);
	/* If it says more than there are it is refused. */
	for (i = 0; i < (unsigned int)nr && 6 + i < t->nr_words; i++)
		parse_option(t, t->words[6 + i]);

	snprintf(spec, sizeof(spec), "%s", t->words[0]);
	if (!strncmp(spec, "capi:", 5))
		parse_capi(t, spec + 5);
	else
		parse_legacy(t, spec);
}

/*
 * Lines that trouble a kernel with and without batching:
 *
 *  - IV modes eboiv and elephant without a workqueue: they allocate memory where they
 *    must not sleep
 *  - sizes and numbers of keys for which more memory is asked than the allocator
 *    takes without a warning
 */
static bool known_trouble(const struct table *t)
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

/* Outside of a virtual machine there are other disks. */
static bool other_disk(const struct table *t)
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

/* The driver that the kernel takes for this name, out of /proc/crypto. */
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

/* Why a table must not be batched, NULL if it must be; "?" if it cannot be told. */
static const char *expected_reason(const struct table *t)
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

/* Returns whether it is batched. */
static bool expect_status(const struct table *t, unsigned int flags)
{
	static const char on[] =
		"multi_data_unit:on requests:%llu units:%llu single_units:%llu fallbacks:%llu%n";
	unsigned long long requests, units, single, fallbacks;
	const char *reason = expected_reason(t);
	char status[MAX_LINE], wanted[128];
	unsigned int i;
	int end = 0;

	get_status(flags, status);
	if (!strncmp(status, "multi_data_unit:on", 18)) {
		if (sscanf(status, on, &requests, &units, &single, &fallbacks, &end) != 4 ||
		    status[end])
			surprise("no status of a batched volume: %s", status);
		if (reason && strcmp(reason, "?"))
			surprise("it is batched, but must not be, because of: %s", reason);
		if (!reason)
			return true;
	}
	if (!reason)
		surprise("it is not batched, but must be: %s", status);
	if (!strcmp(reason, "?")) {
		fuzz.count.undecided++;
		return !strncmp(status, "multi_data_unit:on", 18);
	}
	snprintf(wanted, sizeof(wanted), "multi_data_unit:off reason:%s", reason);
	if (strcmp(status, wanted))
		surprise("the status is '%s', and not '%s'", status, wanted);
	for (i = 0; i < ARRAY_SIZE(reason_names); i++)
		fuzz.count.reasons[i] += !strcmp(reason, reason_names[i]);
	return false;
}

/* The table that the kernel shows means what was loaded, and can be loaded itself. */
static void expect_table(const struct table *t, unsigned int flags)
{
	char shown[MAX_LINE], again[MAX_LINE];
	struct table back;
	int r;

	get_status(flags | DM_STATUS_TABLE_FLAG, shown);
	parse_table(&back, shown, t->len);
	if (!back.complete || strcmp(back.words[0], t->words[0]) ||
	    strcasecmp(back.words[1], t->words[1]) || back.iv_offset != t->iv_offset ||
	    back.start != t->start || back.sector_size != t->sector_size ||
	    back.large_iv != t->large_iv || back.nr_integrity != t->nr_integrity ||
	    back.aead != t->aead)
		surprise("the kernel has another table: %s", shown);

	r = load(shown, 0, t->len);
	if (r)
		surprise("it cannot be loaded (%s) the way it is shown: %s", strerror(-r), shown);
	get_status(DM_QUERY_INACTIVE_TABLE_FLAG | DM_STATUS_TABLE_FLAG, again);
	if (strcmp(shown, again))
		surprise("it is shown as '%s' and then '%s'", shown, again);
}

/*
 * Use of a volume
 */

static void transfer(int fd, bool write, unsigned char *data, size_t n, __u64 at)
{
	ssize_t r = write ? pwrite(fd, data, n, at) : pread(fd, data, n, at);

	if (r != (ssize_t)n)
		surprise("%s of %zu bytes at byte %llu gives %zd: %s",
			 write ? "write" : "read", n, at, r, r < 0 ? strerror(errno) : "short");
}

static int open_volume(void)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/dm-%u", fuzz.minor);
	fd = open(path, O_RDWR | O_DIRECT);
	if (fd < 0)
		surprise("cannot open %s: %s", path, strerror(errno));
	return fd;
}

static void close_volume(int fd)
{
	if (close(fd))
		surprise("cannot close the volume: %s", strerror(errno));
}

static void set_batching(const char *value)
{
	int fd = open(fuzz.parameter, O_WRONLY);

	if (fd < 0 || write(fd, value, 1) != 1)
		err(1, "cannot write %s", fuzz.parameter);
	close(fd);
}

/* Data written comes back, the disk has something else. */
static void use_volume(const struct table *t, bool batched, size_t *size, __u64 *at)
{
	__u64 bytes = t->len * 512, sectors, capacity;
	char status[MAX_LINE];
	int fd = open_volume();

	if (ioctl(fd, BLKGETSIZE64, &capacity) || capacity != bytes)
		surprise("the volume has %llu bytes", capacity);
	*size = bytes < IO_SIZE ? bytes : IO_SIZE;
	if (percent(50))
		*size = t->sector_size * (1 + below(*size / t->sector_size));
	sectors = (bytes - *size) / t->sector_size;
	*at = percent(20) ? sectors : percent(20) ? 0 : random64() % (sectors + 1);
	*at *= t->sector_size;

	random_bytes(fuzz.plain, *size);
	transfer(fd, true, fuzz.plain, *size, *at);
	transfer(fd, false, fuzz.back, *size, *at);
	if (memcmp(fuzz.plain, fuzz.back, *size))
		surprise("other data comes back, of %zu bytes at byte %llu", *size, *at);
	transfer(fuzz.disk_fd, false, fuzz.raw, *size, t->start * 512 + *at);
	if (!strstr(t->api, "null") && !memcmp(fuzz.plain, fuzz.raw, 16))
		surprise("the disk has the data as they are");
	close_volume(fd);
	fuzz.count.round_trips++;

	get_status(0, status);
	if (batched && *size > t->sector_size && strstr(status, "requests:0 "))
		surprise("nothing was batched: %s", status);
}

/* The same table without batching reads the same, and writes the same. */
static void compare_with_off(const struct table *t, size_t size, __u64 at)
{
	char status[MAX_LINE];
	int fd, r;

	set_batching("N");
	r = load(fuzz.line, 0, t->len);
	set_batching("Y");
	if (r)
		surprise("without batching it is refused: %s", strerror(-r));
	r = set_suspended(false);
	if (r)
		surprise("without batching it cannot be resumed: %s", strerror(-r));
	get_status(0, status);
	if (strcmp(status, "multi_data_unit:off reason:disabled"))
		surprise("it is not switched off: %s", status);
	fd = open_volume();
	transfer(fd, false, fuzz.back, size, at);
	if (memcmp(fuzz.plain, fuzz.back, size))
		surprise("without batching other data comes back");
	transfer(fd, true, fuzz.plain, size, at);
	transfer(fuzz.disk_fd, false, fuzz.raw_off, size, t->start * 512 + at);
	if (memcmp(fuzz.raw, fuzz.raw_off, size))
		surprise("without batching the disk has other data");
	close_volume(fd);
	fuzz.count.compared++;
}

/* Key messages, most of which are refused; with the old key the data are there. */
static void change_keys(const struct table *t, size_t size, __u64 at)
{
	static const char * const hostile[] = {
		"key", "key set", "key wipe now", "key set -", "key set :", "key set ::",
		"key set :64:", "key set :64:logon:", "key set :64:nothing:mdu:fuzz",
		"key set zz", "key set 0", "key get", "set", "key set :4294967295:logon:x",
		"key set :-1:logon:mdu:fuzz", "KEY", "key set :64:logon:none-there",
		"key \\\\", "key set 00 00", "multi_data_unit off",
	};
	char text[MAX_LINE];
	int r, fd;

	if (!send_message("key wipe"))
		surprise("the key was wiped while the volume was in use");
	r = set_suspended(true);
	if (r)
		surprise("cannot be suspended: %s", strerror(-r));
	for (r = below(4); r; r--) {
		const char *message = pick(hostile);

		/* A key of no bytes is one for a cipher without key. */
		if (!send_message(message) && !strstr(t->api, "null"))
			surprise("the message is taken: %s", message);
	}
	if (percent(70))
		send_message("key wipe");
	if (percent(50)) {
		/* As long as the key: it may be taken, or be too weak for XTS. */
		snprintf(text, sizeof(text), "key set %s", t->words[1]);
		memset(text + 8, "07aF"[below(4)], strlen(text + 8));
		if (t->words[1][0] != ':')
			send_message(text);
	}
	snprintf(text, sizeof(text), "key set %s", t->words[1]);
	r = send_message(text);
	if (r)
		surprise("its own key is refused: %s", strerror(-r));
	r = set_suspended(false);
	if (r)
		surprise("cannot be resumed with its own key: %s", strerror(-r));
	fd = open_volume();
	transfer(fd, false, fuzz.back, size, at);
	close_volume(fd);
	if (memcmp(fuzz.plain, fuzz.back, size))
		surprise("other data comes back after a change of keys");
	fuzz.count.key_changes++;
}

static bool fits(const struct table *t)
{
	__u64 mask = t->sector_size / 512 - 1;

	return t->start < fuzz.disk_sectors && t->len <= fuzz.disk_sectors - t->start &&
	       !(t->start & mask) && !(t->len & mask);
}

/* These change the data in a way that only CBC undoes. */
static bool reads_back(const struct table *t)
{
	return !strncmp(t->api, "cbc", 3) ||
	       (strcmp(t->iv_mode, "lmk") && strcmp(t->iv_mode, "tcw"));
}

static void use_table(const struct table *t)
{
	bool batched = expect_status(t, DM_QUERY_INACTIVE_TABLE_FLAG);
	__u64 at;
	size_t size;
	int r;

	expect_table(t, DM_QUERY_INACTIVE_TABLE_FLAG);
	fuzz.count.batched += batched;
	/* The rest costs much more. */
	if (fits(t) && percent(40))
		return clear_inactive();
	r = set_suspended(false);
	if (r && fits(t))
		surprise("it fits on the disk, but cannot be resumed: %s", strerror(-r));
	if (!r && !fits(t))
		surprise("it does not fit on the disk, but was resumed");
	if (r)
		return clear_inactive();
	fuzz.count.resumed++;
	if (!reads_back(t))
		return;

	use_volume(t, batched, &size, &at);
	if (percent(30))
		change_keys(t, size, at);
	if (batched && percent(40))
		compare_with_off(t, size, at);
}

/*
 * What makes the tables
 */

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
	"iv_large_sectors:1", "multi_data_unit", "multi_data_unit:on", "no_such_option", "-", "0",
	"%s%s%n", "keyring",
};

static const char * const bad_numbers[] = {
	"-1", "x", "0x10", "1.5", "18446744073709551616", "99999999999999999999999999", "", "+1",
	"18446744073709551615", "9223372036854775808",
};

/* None of them is a disk. */
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

/* Numbers where the counters that IVs are made of wrap. */
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
		/* Where counters of sectors of 4096 wrap. */
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

/* One thing in the line changes: the kind of error that a program would make. */
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
		/* A word is gone, */
		blank = strchr(line, ' ');
		if (blank)
			memmove(line, blank + 1, strlen(blank + 1) + 1);
		break;
	default:
		/* or very long. */
		if (len + 2048 < MAX_LINE) {
			memmove(line + at + 2000, line + at, len - at + 1);
			memset(line + at, "aA0(:-"[below(6)], 2000);
		}
	}
}

/* Returns whether nothing in it is wrong. */
static bool make_table(char *line)
{
	const struct good_cipher *cipher = &pick(good_ciphers);
	/* Which of its parts are to be right; nine tenths of them. */
	unsigned int right = 0, i;
	bool good = percent(35);

	for (i = 0; i < 8; i++)
		right |= (good || percent(85)) << i;

	/* Those that can be batched are a third. */
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

/* Two targets whose lengths have a sum that wraps, or is not what the begins say. */
static void load_odd_sums(const char *line)
{
	static const __u64 lens[] = { 0, 8, 1ULL << 63, UINT64_MAX, UINT64_MAX - 7 };
	struct target targets[2] = {
		{ .begin = 0, .len = pick(lens), .line = line },
		{ .begin = pick(lens), .len = pick(lens), .line = line },
	};

	if (strlen(line) > MAX_LINE / 2)
		return;
	/* Whether it is accepted is not dm-crypt's business. */
	if (!load_targets(targets, 2))
		clear_inactive();
}

/* A plain table of a cipher that is there: it must be accepted. */
static void expect_accepted(const struct table *t, int r)
{
	__u64 mask = t->sector_size / 512 - 1;

	if (strcmp(t->words[0], "aes-xts-plain64") && strcmp(t->words[0], "aes-xts-plain"))
		return;
	if (strlen(t->words[1]) != 128 || t->iv_offset & mask || t->len & mask)
		return;
	/* One option at most, as two may contradict each other. */
	if (t->nr_words > 7)
		return;
	surprise("it is refused: %s", strerror(-r));
}

static void one_table(unsigned long long nr)
{
	struct table *t = malloc(sizeof(*t));
	bool good;
	int r;

	if (!t)
		err(1, "no memory");
	fuzz.nr = nr;
	fuzz.state = fuzz.seed * 0x2545f4914f6cdd1d + nr * 0x5851f42d4c957f2d;
	good = make_table(fuzz.line);
	parse_table(t, fuzz.line, fuzz.len);
	if (known_trouble(t) || other_disk(t)) {
		fuzz.count.left_out++;
		free(t);
		return;
	}
	if (fuzz.print) {
		printf("table %llu, begin %llu, length %llu: %s\n", nr, fuzz.begin,
		       fuzz.len, fuzz.line);
		fflush(stdout);
	}
	if (!fuzz.exists)
		create_device();

	fuzz.count.tables++;
	r = load(fuzz.line, fuzz.begin, fuzz.len);
	if (r) {
		fuzz.count.refused++;
		if (good)
			expect_accepted(t, r);
		if (percent(5))
			load_odd_sums(fuzz.line);
	} else {
		fuzz.count.accepted++;
		if (!t->complete)
			surprise("it is accepted, and should not be");
		if (t->too_big)
			clear_inactive();
		else
			use_table(t);
	}
	/* A table may be loaded over another one that is in use. */
	if (percent(25))
		remove_device();
	expect_content_kernel();
	free(t);
}

static void add_keys(void)
{
	static const char * const types[] = { "logon", "user" };
	unsigned char payload[64];
	unsigned int i;

	for (i = 0; i < sizeof(payload); i++)
		payload[i] = i * 5 + 1;
	for (i = 0; i < ARRAY_SIZE(types); i++)
		/* -3: the keyring of this session */
		if (syscall(__NR_add_key, types[i], "mdu:fuzz", payload, sizeof(payload), -3) < 0)
			warn("cannot add a key of type %s", types[i]);
}

static unsigned long long number_argument(const char *text)
{
	__u64 value;

	if (!parse_number(text, &value))
		errx(1, "'%s' is not a number", text);
	return value;
}

static unsigned char *io_memory(void)
{
	void *memory;

	if (posix_memalign(&memory, 4096, IO_SIZE))
		errx(1, "no memory");
	return memory;
}

static void print_counters(void)
{
	const struct counters *c = &fuzz.count;
	unsigned int i;

	printf("tables %u\nleft_out %u\nrefused %u\naccepted %u\nbatched %u\nundecided %u\n",
	       c->tables, c->left_out, c->refused, c->accepted, c->batched, c->undecided);
	printf("resumed %u\nround_trips %u\ncompared %u\nmessages %u\nkey_changes %u\n",
	       c->resumed, c->round_trips, c->compared, c->messages, c->key_changes);
	for (i = 0; i < ARRAY_SIZE(reason_names); i++)
		printf("%s %u\n", reason_names[i], c->reasons[i]);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "count", required_argument, NULL, 'c' },
		{ "first", required_argument, NULL, 'f' },
		{ "seconds", required_argument, NULL, 't' },
		{ "print", no_argument, NULL, 'p' },
		{ }
	};
	unsigned long long count = 1000, first = 0, seconds = 0, i;
	__u64 bytes;
	time_t end;
	int c;

	fuzz.seed = 1;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 's':
			fuzz.seed = number_argument(optarg);
			break;
		case 'c':
			count = number_argument(optarg);
			break;
		case 'f':
			first = number_argument(optarg);
			break;
		case 't':
			seconds = number_argument(optarg);
			break;
		case 'p':
			fuzz.print = true;
			break;
		default:
			errx(1, "bad option, see the head of the source");
		}
	}
	if (argc - optind != 2)
		errx(1, "say a disk and a parameter, see the head of the source");
	fuzz.disk = argv[optind];
	fuzz.parameter = argv[optind + 1];
	fuzz.disk_fd = open(fuzz.disk, O_RDWR | O_DIRECT);
	if (fuzz.disk_fd < 0 || ioctl(fuzz.disk_fd, BLKGETSIZE64, &bytes))
		err(1, "cannot open %s", fuzz.disk);
	fuzz.disk_sectors = bytes / 512;
	fuzz.control = open("/dev/mapper/control", O_RDWR);
	if (fuzz.control < 0)
		err(1, "cannot open /dev/mapper/control");
	fuzz.log_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	if (fuzz.log_fd < 0 || lseek(fuzz.log_fd, 0, SEEK_END) < 0)
		err(1, "cannot open /dev/kmsg");
	snprintf(fuzz.name, sizeof(fuzz.name), "mdu-fuzz-%d", getpid());
	fuzz.plain = io_memory();
	fuzz.back = io_memory();
	fuzz.raw = io_memory();
	fuzz.raw_off = io_memory();
	add_keys();

	end = time(NULL) + seconds;
	for (i = 0; i < count && (!seconds || time(NULL) < end); i++)
		one_table(first + i);
	remove_device();
	expect_content_kernel();
	print_counters();
	return 0;
}
