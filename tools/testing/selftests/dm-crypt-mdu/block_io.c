// SPDX-License-Identifier: GPL-2.0
/*
 * Read or write a block device in I/Os of a chosen shape.
 *
 * usage: block_io write DEVICE [options] < data
 *	  block_io read DEVICE [options] > data
 *
 *   --offset N		begin at byte N of the device (default 0)
 *   --length N		move N bytes (default: to the end of the input or of the
 *			device)
 *   --sizes N,N,...	bytes of each I/O, used in turn (default 1 MiB)
 *   --cut N		cut each I/O into segments of N bytes (default: one segment)
 *   --buffered		use the page cache, and call fsync() after writing
 *			(default: use O_DIRECT)
 *   --errors FILE	if an I/O fails with EIO, write a line "OFFSET BYTES" to
 *			FILE and go on.  Put zeros in place of data that cannot be
 *			read.
 *
 * dd cannot cut a direct I/O into segments.  This program gives each segment of
 * --cut bytes memory of its own.  This memory does not touch that of other
 * segments, so the kernel cannot join two of them into one bvec.  The offset of
 * a segment in its page varies.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "parse_number.h"

#define MAX_SIZES	16
#define MAX_SEGMENTS	1024	/* most that one preadv() takes */
#define MAX_IO_SIZE	(16 << 20)
#define SECTOR_SIZE	512
#define LARGE_SECTOR_SIZE 4096

struct job {
	int fd;
	bool write;
	bool buffered;
	unsigned long long offset;
	unsigned long long length;
	bool to_end;		/* write until the input ends */
	size_t sizes[MAX_SIZES];
	unsigned int nr_sizes;
	size_t cut;
	size_t stride;		/* bytes from one segment's slot to the next slot */
	size_t page_size;
	FILE *errors;
	unsigned char *memory;
	struct iovec segments[MAX_SEGMENTS];
};

static void parse_sizes(struct job *job, char *text)
{
	for (job->nr_sizes = 0; job->nr_sizes < MAX_SIZES; text++) {
		unsigned long long size = parse_number("--sizes", text, &text);

		if (!size || size > MAX_IO_SIZE)
			errx(1, "--sizes: a size must be 1 to %d bytes", MAX_IO_SIZE);
		job->sizes[job->nr_sizes++] = size;
		if (!*text)
			return;
	}
	errx(1, "--sizes: more than %d of them", MAX_SIZES);
}

static void parse_options(struct job *job, int argc, char **argv)
{
	static const struct option options[] = {
		{ "offset", required_argument, NULL, 'o' },
		{ "length", required_argument, NULL, 'l' },
		{ "sizes", required_argument, NULL, 's' },
		{ "cut", required_argument, NULL, 'c' },
		{ "buffered", no_argument, NULL, 'b' },
		{ "errors", required_argument, NULL, 'e' },
		{ }
	};
	int c;

	optind = 3;	/* after the verb and the device */
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'o':
			job->offset = parse_number("--offset", optarg, NULL);
			break;
		case 'l':
			job->length = parse_number("--length", optarg, NULL);
			break;
		case 's':
			parse_sizes(job, optarg);
			break;
		case 'c':
			job->cut = parse_number("--cut", optarg, NULL);
			break;
		case 'b':
			job->buffered = true;
			break;
		case 'e':
			job->errors = fopen(optarg, "w");
			if (!job->errors)
				err(1, "cannot write %s", optarg);
			break;
		default:
			errx(1, "bad option, see the head of the source");
		}
	}
	if (optind != argc)
		errx(1, "unexpected argument '%s'", argv[optind]);
}

static void go_to_end(struct job *job)
{
	off_t end = lseek(job->fd, 0, SEEK_END);

	if (job->write) {
		job->to_end = true;
		job->length = ULLONG_MAX;
	} else if (end > 0 && job->offset < (unsigned long long)end) {
		job->length = end - job->offset;
	} else {
		errx(1, "there is nothing to read at byte %llu", job->offset);
	}
}

/* Allocates a slot of memory for each segment of the biggest I/O. */
static void allocate_memory(struct job *job)
{
	size_t biggest = 0, gap = job->page_size, slots;
	unsigned int i;

	for (i = 0; i < job->nr_sizes; i++)
		if (job->sizes[i] > biggest)
			biggest = job->sizes[i];
	if (biggest > job->length)
		biggest = job->length;

	if (!job->cut) {
		job->cut = biggest;
		gap = 0;
	}
	slots = (biggest + job->cut - 1) / job->cut;
	if (slots > MAX_SEGMENTS)
		errx(1, "an I/O of %zu bytes cut every %zu has more than %d segments",
		     biggest, job->cut, MAX_SEGMENTS);

	job->stride = (job->cut + job->page_size - 1) / job->page_size * job->page_size + gap;
	job->memory = mmap(NULL, slots * job->stride, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (job->memory == MAP_FAILED)
		err(1, "cannot allocate memory");
}

/*
 * Returns the offset of a segment in its slot.  A segment that does not fill its
 * pages begins at a varying sector, and ends before its last page does.  Volumes
 * with large sectors want their segments aligned to these.
 */
static size_t place_in_page(const struct job *job, unsigned int nr)
{
	size_t sector = job->cut % LARGE_SECTOR_SIZE ? SECTOR_SIZE : LARGE_SECTOR_SIZE;

	if (job->stride <= job->cut + job->page_size)
		return 0;
	return nr * sector % (job->stride - job->page_size - job->cut);
}

static unsigned int cut_segments(struct job *job, size_t size)
{
	unsigned int nr;

	for (nr = 0; size; nr++) {
		size_t len = size < job->cut ? size : job->cut;

		job->segments[nr].iov_base = job->memory + nr * job->stride +
					     place_in_page(job, nr);
		job->segments[nr].iov_len = len;
		size -= len;
	}
	return nr;
}

/* Fills the segments from standard input.  Returns how many bytes it read. */
static size_t take_input(const struct job *job, unsigned int nr)
{
	size_t total = 0;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		size_t len = job->segments[i].iov_len;
		size_t n = fread(job->segments[i].iov_base, 1, len, stdin);

		total += n;
		if (n < len)
			break;
	}
	if (ferror(stdin))
		err(1, "cannot read standard input");
	return total;
}

static void give_output(const struct job *job, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (!fwrite(job->segments[i].iov_base, job->segments[i].iov_len, 1, stdout))
			err(1, "cannot write standard output");
}

static void note_error(const struct job *job, unsigned int nr, size_t size)
{
	unsigned int i;

	fprintf(job->errors, "%llu %zu\n", job->offset, size);
	if (job->write)
		return;
	for (i = 0; i < nr; i++)
		memset(job->segments[i].iov_base, 0, job->segments[i].iov_len);
}

static void transfer(const struct job *job, unsigned int nr, size_t size)
{
	const char *name = job->write ? "write" : "read";
	ssize_t done;

	if (job->write)
		done = pwritev(job->fd, job->segments, nr, job->offset);
	else
		done = preadv(job->fd, job->segments, nr, job->offset);
	if (done < 0 && errno == EIO && job->errors) {
		note_error(job, nr, size);
		return;
	}
	if (done < 0)
		err(1, "%s of %zu bytes in %u segments at byte %llu", name, size, nr, job->offset);
	if (done != (ssize_t)size)
		errx(1, "%s at byte %llu moved %zd bytes of %zu", name, job->offset, done, size);
}

static void run(struct job *job)
{
	unsigned int turn = 0;

	while (job->length) {
		size_t size = job->sizes[turn++ % job->nr_sizes];
		unsigned int nr;

		if (size > job->length)
			size = job->length;
		nr = cut_segments(job, size);
		if (job->write) {
			size = take_input(job, nr);
			if (!size)
				break;
			nr = cut_segments(job, size);
		}
		transfer(job, nr, size);
		if (!job->write)
			give_output(job, nr);
		job->offset += size;
		job->length -= size;
	}
	if (job->length && !job->to_end)
		errx(1, "the input is %llu bytes short", job->length);
	if (job->write && job->buffered && fsync(job->fd))
		err(1, "cannot flush");
	if (fflush(stdout))
		err(1, "cannot write standard output");
	if (job->errors && fclose(job->errors))
		err(1, "cannot write the list of errors");
}

int main(int argc, char **argv)
{
	struct job job = { .sizes = { 1 << 20 }, .nr_sizes = 1 };
	int flags;

	if (argc < 3)
		errx(1, "say read or write and a device, see the head of the source");
	job.write = !strcmp(argv[1], "write");
	if (!job.write && strcmp(argv[1], "read"))
		errx(1, "'%s' is neither read nor write", argv[1]);
	parse_options(&job, argc, argv);

	flags = (job.write ? O_WRONLY : O_RDONLY) | (job.buffered ? 0 : O_DIRECT);
	job.fd = open(argv[2], flags);
	if (job.fd < 0)
		err(1, "cannot open %s", argv[2]);
	if (!job.length)
		go_to_end(&job);
	job.page_size = sysconf(_SC_PAGESIZE);
	allocate_memory(&job);
	run(&job);
	if (close(job.fd))
		err(1, "cannot close %s", argv[2]);
	return 0;
}
