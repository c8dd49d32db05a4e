// SPDX-License-Identifier: GPL-2.0
/*
 * Load crypt tables that nobody would write, and use those that are accepted.
 *
 * usage: table_fuzz DISK PARAMETER [options]
 *
 *   DISK		block device, which is overwritten
 *   PARAMETER		file of dm-crypt's module parameter batch_sectors
 *
 *   --seed N		the same seed gives the same tables (default 1)
 *   --count N		number of tables (default 1000)
 *   --first N		begin at table N of the seed
 *   --seconds N	stop after N seconds
 *   --print		print each table before it is loaded
 *
 * The program checks an accepted table by the table itself, and not by the way it was
 * made: see expect_status(), expect_table() and use_volume() in use.c.  Also, the kernel
 * must not complain in its log, see expect_content_kernel().
 *
 * Exit status 0 if all tables pass.  Prints lines "WORD NUMBER" that count what happened.
 * At the first failure prints the table, and how to repeat it.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "parse_number.h"
#include "table_fuzz.h"

struct fuzz fuzz;

static int log_fd;
static bool print;

void surprise(const char *format, ...)
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

/*
 * Read the new records of the kernel's log.  The log holds some hundred tables, so read
 * it after each table.
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

	while ((n = read(log_fd, record, sizeof(record) - 1)) > 0) {
		record[n] = 0;
		for (i = 0; i < ARRAY_SIZE(complaints); i++)
			/* Skip messages of device mapper, which quote the table. */
			if (strstr(record, complaints[i]) && !strstr(record, "device-mapper:"))
				surprise("the kernel complains: %s", record);
	}
	if (n < 0 && errno != EAGAIN)
		surprise("cannot read the kernel's log: %s", strerror(errno));
}

/* Load two targets whose lengths have a sum that wraps, or that do not fit the begins. */
static void load_odd_sums(const char *line)
{
	static const __u64 lens[] = { 0, 8, 1ULL << 63, UINT64_MAX, UINT64_MAX - 7 };
	struct target targets[2] = {
		{ .begin = 0, .len = pick(lens), .line = line },
		{ .begin = pick(lens), .len = pick(lens), .line = line },
	};

	if (strlen(line) > MAX_LINE / 2)
		return;
	/* Device mapper, and not dm-crypt, decides whether to accept this. */
	if (!load_targets(targets, 2))
		clear_inactive();
}

/* A plain table of a cipher that the kernel has must be accepted. */
static void expect_accepted(const struct table *t, int r)
{
	__u64 mask = t->sector_size / 512 - 1;

	if (strcmp(t->words[0], "aes-xts-plain64") && strcmp(t->words[0], "aes-xts-plain"))
		return;
	if (strlen(t->words[1]) != 128 || t->iv_offset & mask || t->len & mask)
		return;
	/* Allow one option at most, because two options may contradict each other. */
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
	if (print) {
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
	/* Otherwise the next table is loaded over this one, which may be in use. */
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
		/* -3 is the session keyring. */
		if (syscall(__NR_add_key, types[i], "mdu:fuzz", payload, sizeof(payload), -3) < 0)
			warn("cannot add a key of type %s", types[i]);
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
			fuzz.seed = parse_number("--seed", optarg, NULL);
			break;
		case 'c':
			count = parse_number("--count", optarg, NULL);
			break;
		case 'f':
			first = parse_number("--first", optarg, NULL);
			break;
		case 't':
			seconds = parse_number("--seconds", optarg, NULL);
			break;
		case 'p':
			print = true;
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
	open_device_mapper();
	log_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	if (log_fd < 0 || lseek(log_fd, 0, SEEK_END) < 0)
		err(1, "cannot open /dev/kmsg");
	allocate_buffers();
	add_keys();

	end = time(NULL) + seconds;
	for (i = 0; i < count && (!seconds || time(NULL) < end); i++)
		one_table(first + i);
	remove_device();
	expect_content_kernel();
	print_counters();
	return 0;
}
