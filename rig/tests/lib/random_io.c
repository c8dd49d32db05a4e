// SPDX-License-Identifier: GPL-2.0
/*
 * Read and write a block device at random, in every way, and compare.
 *
 * usage: random_io DEVICE --seed N [options] > data
 *
 *   --count N		number of operations (default 300)
 *   --offset N		use the device from byte N on (default 0)
 *   --length N		use N bytes of the device (default: to its end, at most 64 MiB)
 *   --discard		discard parts of the device, too
 *
 * The program keeps a model of the device in memory, and compares each read with the
 * model.  In the end it reads all of the device, through the page cache and directly,
 * and writes the model to standard output.  An operation has at most 4 MiB.  Direct I/O
 * and discards use whole logical blocks.  An operation is one of:
 *
 *   direct read or write, with up to 1024 segments in small or in huge pages.  Segments
 *   begin and end at any multiple of the logical block size, and some touch.  The memory
 *   between segments, and the data of a write, must not change;
 *   the same write with RWF_DSYNC;
 *   read or write of any number of bytes, through the page cache or through a mapping of
 *   the device; fsync(); discard.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "parse_number.h"
#include "random.h"

#define MAX_SEGMENTS	1024	/* most that one preadv() takes */
#define MAX_IO_SIZE	(4 << 20)
#define MAX_LENGTH	(64 << 20)
#define HUGE_PAGE	(2 << 20)
#define ARENA_SIZE	(3 * MAX_IO_SIZE)
#define UNTOUCHED	0xa5

struct range {
	size_t offset;		/* in the part of the device that is used */
	size_t length;
};

static const char *device;
static int direct_fd, buffered_fd;
static unsigned char *mapping;
static unsigned long long begin;	/* of the part of the device that is used */
static size_t length;
static size_t unit;			/* logical block size */
static unsigned char *model;
static bool *unknown;			/* for each unit: was it discarded? */
static unsigned char *arenas[2];	/* of small and of huge pages */
static unsigned char *scratch;
static uint64_t seed, state;
static unsigned long operation;
static bool may_discard;

enum kind {
	DIRECT_READ, DIRECT_WRITE, DSYNC_WRITE, BUFFERED_READ, BUFFERED_WRITE, MAPPED_READ,
	MAPPED_WRITE, FSYNC, DISCARD, NR_KINDS
};

static const struct {
	const char *name;
	unsigned int share;
} kinds[NR_KINDS] = {
	[DIRECT_READ]		= { "direct reads", 5 },
	[DIRECT_WRITE]		= { "direct writes", 5 },
	[DSYNC_WRITE]		= { "DSYNC writes", 1 },
	[BUFFERED_READ]		= { "buffered reads", 2 },
	[BUFFERED_WRITE]	= { "buffered writes", 2 },
	[MAPPED_READ]		= { "mapped reads", 2 },
	[MAPPED_WRITE]		= { "mapped writes", 2 },
	[FSYNC]			= { "fsync", 1 },
	[DISCARD]		= { "discards", 1 },
};

static unsigned long counts[NR_KINDS];

static uint64_t next(void)
{
	return random_number(&state);
}

static size_t below(size_t limit)
{
	return random_below(&state, limit);
}

static noreturn void report(const char *what, struct range range, size_t at)
{
	errx(1, "seed %llu, operation %lu, %s of %zu bytes at byte %llu: byte %llu is wrong",
	     (unsigned long long)seed, operation, what, range.length, begin + range.offset,
	     begin + range.offset + at);
}

static noreturn void failed(const char *what, struct range range)
{
	err(1, "seed %llu, operation %lu, %s of %zu bytes at byte %llu",
	    (unsigned long long)seed, operation, what, range.length, begin + range.offset);
}

static noreturn void wrong_memory(const char *what, struct range range, unsigned int nr)
{
	errx(1, "seed %llu, operation %lu, %s of %zu bytes at byte %llu: %u pieces changed others",
	     (unsigned long long)seed, operation, what, range.length, begin + range.offset, nr);
}

/* Returns a random length.  One size is about as frequent as twice that size. */
static size_t random_length(size_t most)
{
	size_t limit = unit;

	while (limit < most && below(8))
		limit *= 2;
	if (limit > most)
		limit = most;
	return 1 + below(limit);
}

static struct range random_range(bool whole_units)
{
	size_t granularity = whole_units ? unit : 1;
	struct range range;

	range.length = random_length(length < MAX_IO_SIZE ? length : MAX_IO_SIZE);
	range.length = (range.length + granularity - 1) / granularity * granularity;
	range.offset = below((length - range.length) / granularity + 1) * granularity;
	return range;
}

static void compare(const char *what, struct range range, const unsigned char *data)
{
	size_t i;

	if (!memcmp(model + range.offset, data, range.length))
		return;
	for (i = 0; i < range.length; i++)
		if (data[i] != model[range.offset + i] && !unknown[(range.offset + i) / unit])
			report(what, range, i);
}

/*
 * Puts random data into the model.  All units of the range are known afterwards.  So the
 * caller must not change an unknown unit in part: the model does not have the rest.
 */
static void change_model(struct range range)
{
	size_t first = range.offset / unit, last = (range.offset + range.length - 1) / unit;
	size_t i;

	for (i = 0; i + 8 <= range.length; i += 8) {
		uint64_t word = next();

		memcpy(model + range.offset + i, &word, 8);
	}
	for (; i < range.length; i++)
		model[range.offset + i] = next();
	for (i = first; i <= last; i++)
		unknown[i] = false;
}

/* Extends a range to whole units, so that no unknown unit is written in part. */
static struct range avoid_unknown(struct range range)
{
	size_t end = range.offset + range.length;

	if (unknown[range.offset / unit])
		range.offset -= range.offset % unit;
	if (unknown[(end - 1) / unit])
		end += (unit - end % unit) % unit;
	range.length = end - range.offset;
	return range;
}

/* Cuts @bytes into segments of an arena.  Returns their number, and in @used their extent. */
static unsigned int cut(struct iovec *segments, unsigned char *arena, size_t bytes, size_t *used)
{
	/* Make segments small enough for many, but large enough for MAX_SEGMENTS at most. */
	size_t most = (bytes / MAX_SEGMENTS / unit + 1 + below(64)) * unit * 2;
	size_t least = bytes / MAX_SEGMENTS / unit + 1;
	size_t position = below(16) * unit;
	size_t gaps = ARENA_SIZE - bytes - position - unit;
	unsigned int nr = 0;

	if (!below(4))
		most = bytes;
	while (bytes) {
		size_t len = (least + below(most / unit)) * unit;
		size_t gap = below(4) ? below(20) * unit : 0;

		if (len > bytes || nr == MAX_SEGMENTS - 1)
			len = bytes;
		if (gap > gaps)
			gap = 0;
		gaps -= gap;
		position += gap;
		segments[nr].iov_base = arena + position;
		segments[nr++].iov_len = len;
		position += len;
		bytes -= len;
	}
	*used = position + unit;
	return nr;
}

/* gather() and scatter() copy between the segments and a buffer. */
static void gather(const struct iovec *segments, unsigned int nr, unsigned char *to)
{
	unsigned int i;

	for (i = 0; i < nr; to += segments[i++].iov_len)
		memcpy(to, segments[i].iov_base, segments[i].iov_len);
}

static void scatter(const struct iovec *segments, unsigned int nr, const unsigned char *from)
{
	unsigned int i;

	for (i = 0; i < nr; from += segments[i++].iov_len)
		memcpy(segments[i].iov_base, from, segments[i].iov_len);
}

/* Memory outside of the segments must not have changed. */
static void check_untouched(const char *what, struct range range, const struct iovec *segments,
			    unsigned int nr, const unsigned char *arena, size_t used)
{
	unsigned int i;
	size_t byte;

	for (i = 0; i < nr; i++)
		memset(segments[i].iov_base, UNTOUCHED, segments[i].iov_len);
	for (byte = 0; byte < used; byte++)
		if (arena[byte] != UNTOUCHED)
			wrong_memory(what, range, nr);
}

static void do_direct(bool write, int flags)
{
	const char *what = write ? "direct write" : "direct read";
	struct range range = random_range(true);
	static struct iovec segments[MAX_SEGMENTS];
	unsigned char *arena = arenas[below(2)];
	unsigned int nr;
	size_t used;
	ssize_t done;

	nr = cut(segments, arena, range.length, &used);
	memset(arena, UNTOUCHED, used);
	if (write) {
		change_model(range);
		scatter(segments, nr, model + range.offset);
		done = pwritev2(direct_fd, segments, nr, begin + range.offset, flags);
	} else {
		done = preadv(direct_fd, segments, nr, begin + range.offset);
	}
	if (done != (ssize_t)range.length)
		failed(what, range);
	gather(segments, nr, scratch);
	compare(what, range, scratch);
	check_untouched(what, range, segments, nr, arena, used);
}

static void do_buffered(bool write)
{
	struct range range = random_range(false);
	ssize_t done;

	if (write) {
		range = avoid_unknown(range);
		change_model(range);
		done = pwrite(buffered_fd, model + range.offset, range.length,
			      begin + range.offset);
		if (done != (ssize_t)range.length)
			failed("buffered write", range);
		return;
	}
	done = pread(buffered_fd, scratch, range.length, begin + range.offset);
	if (done != (ssize_t)range.length)
		failed("buffered read", range);
	compare("buffered read", range, scratch);
}

static void do_mapped(bool write)
{
	struct range range = random_range(false);

	if (write) {
		range = avoid_unknown(range);
		change_model(range);
		memcpy(mapping + range.offset, model + range.offset, range.length);
	} else {
		compare("read of the mapping", range, mapping + range.offset);
	}
}

static void do_discard(void)
{
	struct range range = random_range(true);
	unsigned long long bytes[2] = { begin + range.offset, range.length };
	size_t i;

	if (ioctl(direct_fd, BLKDISCARD, bytes))
		failed("discard", range);
	for (i = range.offset / unit; i < (range.offset + range.length) / unit; i++)
		unknown[i] = true;
}

static enum kind choose(void)
{
	unsigned int nr = may_discard ? NR_KINDS : DISCARD, all = 0, kind, choice;

	for (kind = 0; kind < nr; kind++)
		all += kinds[kind].share;
	choice = below(all);
	for (kind = 0; choice >= kinds[kind].share; kind++)
		choice -= kinds[kind].share;
	return kind;
}

static void operate(void)
{
	const struct range all = { 0, length };
	enum kind kind = choose();

	counts[kind]++;
	switch (kind) {
	case DIRECT_READ:
	case DIRECT_WRITE:
		do_direct(kind == DIRECT_WRITE, 0);
		break;
	case DSYNC_WRITE:
		do_direct(true, RWF_DSYNC);
		break;
	case BUFFERED_READ:
	case BUFFERED_WRITE:
		do_buffered(kind == BUFFERED_WRITE);
		break;
	case MAPPED_READ:
	case MAPPED_WRITE:
		do_mapped(kind == MAPPED_WRITE);
		break;
	case FSYNC:
		if (fsync(buffered_fd))
			failed("fsync", all);
		break;
	default:
		do_discard();
	}
}

static void write_all(const unsigned char *data)
{
	const struct range all = { 0, length };
	size_t done = 0;

	while (done < length) {
		ssize_t n = pwrite(direct_fd, data + done, length - done, begin + done);

		if (n <= 0)
			failed("direct write of everything", all);
		done += n;
	}
}

static unsigned char *allocate_memory(size_t bytes, int advice)
{
	unsigned char *memory = mmap(NULL, bytes + HUGE_PAGE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		err(1, "cannot allocate memory");
	memory += HUGE_PAGE - (uintptr_t)memory % HUGE_PAGE;
	/* This can fail, as some kernels have no huge pages. */
	madvise(memory, bytes, advice);
	memset(memory, 0, bytes);
	return memory;
}

static void open_device(void)
{
	unsigned long long end;
	int size;

	direct_fd = open(device, O_RDWR | O_DIRECT);
	buffered_fd = open(device, O_RDWR);
	if (direct_fd < 0 || buffered_fd < 0)
		err(1, "cannot open %s", device);
	if (ioctl(direct_fd, BLKSSZGET, &size) || ioctl(direct_fd, BLKGETSIZE64, &end))
		err(1, "%s is not a block device", device);
	unit = size;
	if (begin >= end || length > end - begin)
		errx(1, "%s has only %llu bytes", device, end);
	if (!length)
		length = end - begin < MAX_LENGTH ? end - begin : MAX_LENGTH;
	if (begin % sysconf(_SC_PAGESIZE) || length % unit || length > MAX_LENGTH)
		errx(1, "cannot use %zu bytes of %s from byte %llu", length, device, begin);
	mapping = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, buffered_fd, begin);
	if (mapping == MAP_FAILED)
		err(1, "cannot map %s", device);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "count", required_argument, NULL, 'c' },
		{ "offset", required_argument, NULL, 'o' },
		{ "length", required_argument, NULL, 'l' },
		{ "discard", no_argument, NULL, 'd' },
		{ }
	};
	unsigned long count = 300;
	struct range all = { };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 's':
			seed = parse_number("--seed", optarg, NULL);
			break;
		case 'c':
			count = parse_number("--count", optarg, NULL);
			break;
		case 'o':
			begin = parse_number("--offset", optarg, NULL);
			break;
		case 'l':
			length = parse_number("--length", optarg, NULL);
			break;
		case 'd':
			may_discard = true;
			break;
		default:
			errx(1, "bad option, see the head of the source");
		}
	}
	if (optind != argc - 1)
		errx(1, "say one device, see the head of the source");
	device = argv[optind];
	state = seed;
	open_device();

	arenas[0] = allocate_memory(ARENA_SIZE, MADV_NOHUGEPAGE);
	arenas[1] = allocate_memory(ARENA_SIZE, MADV_HUGEPAGE);
	scratch = allocate_memory(length > MAX_IO_SIZE ? length : MAX_IO_SIZE, MADV_HUGEPAGE);
	model = allocate_memory(length, MADV_HUGEPAGE);
	unknown = calloc(length / unit, sizeof(*unknown));
	if (!unknown)
		err(1, "cannot allocate memory");

	all.length = length;
	change_model(all);
	write_all(model);
	for (operation = 1; operation <= count; operation++)
		operate();

	/* Write data to discarded units, as their content is not known. */
	for (all.offset = 0; all.offset < length; all.offset += unit) {
		all.length = unit;
		if (!unknown[all.offset / unit])
			continue;
		change_model(all);
		if (pwrite(buffered_fd, model + all.offset, unit, begin + all.offset) !=
		    (ssize_t)unit)
			failed("buffered write", all);
	}
	all.offset = 0;
	all.length = length;
	if (pread(buffered_fd, scratch, length, begin) != (ssize_t)length)
		failed("buffered read of everything", all);
	compare("buffered read of everything", all, scratch);
	if (fsync(buffered_fd))
		failed("fsync", all);
	if (pread(direct_fd, scratch, length, begin) != (ssize_t)length)
		failed("direct read of everything", all);
	compare("direct read of everything", all, scratch);
	if (!fwrite(model, length, 1, stdout) || fflush(stdout))
		err(1, "cannot write standard output");
	for (c = 0; c < NR_KINDS; c++)
		fprintf(stderr, "%s %lu%s", kinds[c].name, counts[c],
			c < NR_KINDS - 1 ? ", " : "\n");
	return 0;
}
