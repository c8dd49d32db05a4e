// SPDX-License-Identifier: GPL-2.0
/*
 * Use a table that was accepted.  Check its status and the table that the kernel shows.
 * Check that data come back, also after key changes and without batching.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "table_fuzz.h"

#define IO_SIZE		32768

static unsigned char *plain, *back, *raw, *raw_off;

static unsigned char *io_memory(void)
{
	void *memory;

	if (posix_memalign(&memory, 4096, IO_SIZE))
		errx(1, "no memory");
	return memory;
}

void allocate_buffers(void)
{
	plain = io_memory();
	back = io_memory();
	raw = io_memory();
	raw_off = io_memory();
}

static void random_bytes(unsigned char *to, size_t n)
{
	size_t i;

	for (i = 0; i < n; i += sizeof(__u64)) {
		__u64 r = random64();

		memcpy(to + i, &r, n - i < sizeof(r) ? n - i : sizeof(r));
	}
}

/* Check the status; returns true if the table is batched. */
static bool expect_status(const struct table *t, unsigned int flags)
{
	static const char on[] =
		"batch_sectors:on batches:%llu fallbacks:%llu%n";
	unsigned long long batches, fallbacks;
	const char *reason = expected_reason(t);
	char status[MAX_LINE], wanted[128];
	unsigned int i;
	int end = 0;

	get_status(flags, status);
	if (!strncmp(status, "batch_sectors:on", 16)) {
		if (sscanf(status, on, &batches, &fallbacks, &end) != 2 ||
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
		return !strncmp(status, "batch_sectors:on", 16);
	}
	snprintf(wanted, sizeof(wanted), "batch_sectors:off reason:%s", reason);
	if (strcmp(status, wanted))
		surprise("the status is '%s', and not '%s'", status, wanted);
	for (i = 0; i < ARRAY_SIZE(reason_names); i++)
		fuzz.count.reasons[i] += !strcmp(reason, reason_names[i]);
	return false;
}

/* The kernel must show a table that means what was loaded, and that can be loaded. */
static void expect_table(const struct table *t, unsigned int flags)
{
	char shown[MAX_LINE], again[MAX_LINE];
	struct table seen;
	int r;

	get_status(flags | DM_STATUS_TABLE_FLAG, shown);
	parse_table(&seen, shown, t->len);
	if (!seen.complete || strcmp(seen.words[0], t->words[0]) ||
	    strcasecmp(seen.words[1], t->words[1]) || seen.iv_offset != t->iv_offset ||
	    seen.start != t->start || seen.sector_size != t->sector_size ||
	    seen.large_iv != t->large_iv || seen.nr_integrity != t->nr_integrity ||
	    seen.aead != t->aead)
		surprise("the kernel has another table: %s", shown);

	r = load(shown, 0, t->len);
	if (r)
		surprise("it cannot be loaded (%s) the way it is shown: %s", strerror(-r), shown);
	get_status(DM_QUERY_INACTIVE_TABLE_FLAG | DM_STATUS_TABLE_FLAG, again);
	if (strcmp(shown, again))
		surprise("it is shown as '%s' and then '%s'", shown, again);
}

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

/* Written data must come back, and must differ on the disk. */
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

	random_bytes(plain, *size);
	transfer(fd, true, plain, *size, *at);
	transfer(fd, false, back, *size, *at);
	if (memcmp(plain, back, *size))
		surprise("other data comes back, of %zu bytes at byte %llu", *size, *at);
	transfer(fuzz.disk_fd, false, raw, *size, t->start * 512 + *at);
	if (!strstr(t->api, "null") && !memcmp(plain, raw, 16))
		surprise("the disk has the data as they are");
	close_volume(fd);
	fuzz.count.round_trips++;

	get_status(0, status);
	if (batched && *size > t->sector_size && strstr(status, "batches:0 "))
		surprise("nothing was batched: %s", status);
}

/* Without batching the same table must read the same, and write the same. */
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
	if (strcmp(status, "batch_sectors:off reason:disabled"))
		surprise("it is not switched off: %s", status);
	fd = open_volume();
	transfer(fd, false, back, size, at);
	if (memcmp(plain, back, size))
		surprise("without batching other data comes back");
	transfer(fd, true, plain, size, at);
	transfer(fuzz.disk_fd, false, raw_off, size, t->start * 512 + at);
	if (memcmp(raw, raw_off, size))
		surprise("without batching the disk has other data");
	close_volume(fd);
	fuzz.count.compared++;
}

/* Send key messages, mostly refused ones; with the old key the data must come back. */
static void change_keys(const struct table *t, size_t size, __u64 at)
{
	static const char * const hostile[] = {
		"key", "key set", "key wipe now", "key set -", "key set :", "key set ::",
		"key set :64:", "key set :64:logon:", "key set :64:nothing:mdu:fuzz",
		"key set zz", "key set 0", "key get", "set", "key set :4294967295:logon:x",
		"key set :-1:logon:mdu:fuzz", "KEY", "key set :64:logon:none-there",
		"key \\\\", "key set 00 00", "batch_sectors off",
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

		/* A cipher without key takes an empty key. */
		if (!send_message(message) && !strstr(t->api, "null"))
			surprise("the message is taken: %s", message);
	}
	if (percent(70))
		send_message("key wipe");
	if (percent(50)) {
		/* Another key of this length may be taken, or be too weak for XTS. */
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
	transfer(fd, false, back, size, at);
	close_volume(fd);
	if (memcmp(plain, back, size))
		surprise("other data comes back after a change of keys");
	fuzz.count.key_changes++;
}

static bool fits(const struct table *t)
{
	__u64 mask = t->sector_size / 512 - 1;

	return t->start < fuzz.disk_sectors && t->len <= fuzz.disk_sectors - t->start &&
	       !(t->start & mask) && !(t->len & mask);
}

/* lmk and tcw change the data in a way that only CBC undoes. */
static bool reads_back(const struct table *t)
{
	return !strncmp(t->api, "cbc", 3) ||
	       (strcmp(t->iv_mode, "lmk") && strcmp(t->iv_mode, "tcw"));
}

void use_table(const struct table *t)
{
	bool batched = expect_status(t, DM_QUERY_INACTIVE_TABLE_FLAG);
	__u64 at;
	size_t size;
	int r;

	expect_table(t, DM_QUERY_INACTIVE_TABLE_FLAG);
	fuzz.count.batched += batched;
	/* Skip the rest for some tables, because it costs much more. */
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
