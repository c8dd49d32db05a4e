// SPDX-License-Identifier: GPL-2.0
/*
 * Use more memory than there is, and verify that all of it comes back from swap.
 *
 * usage: memory_load KIB PASSES [options]
 *
 *   --workers N	processes that divide the memory among them (default 2)
 *   --patience N	fail when a worker has done nothing for N seconds (default 60)
 *
 * Each worker fills its share with words that depend on the worker, the page and the
 * pass.  In each later pass the worker goes through its pages, in order and out of
 * order by turns.  It compares each page with the words of the pass before, and writes
 * new words.  It asks for large folios.
 *
 * The watcher, the first process, looks at the workers every tenth of a second.  For
 * this it needs only its own memory, which is locked.  In the end it prints
 *
 *   pages N wrong N pause_ms N late_ms N free_kib N
 *
 * These are the pages that were compared, the pages that were wrong, the longest time
 * in which a worker did nothing, the longest delay of a look at the workers, and the
 * least free memory.  Nothing but the machine can keep the watcher from running, so a
 * late look means that the machine stood still.
 *
 * Exit status: 0, or 1 if pages were wrong, or a worker ended badly or did nothing for
 * too long.  In the last case the watcher also writes to the kernel's log, which may be
 * all that can be read then, and makes the kernel log the tasks that wait.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "parse_number.h"

#define MAX_WORKERS	16
#define SHOWN_WRONG	4
#define TICK_MS		100

struct worker {
	pid_t pid;
	uint64_t pages;			/* finished pages, in all passes */
	uint64_t compared;
	uint64_t wrong;
	uint64_t seen;			/* @pages when the watcher last saw a change, and when */
	long long seen_ms;
};

/* The watcher's observations of the workers and the machine. */
struct seen {
	long long pause_ms;
	long long late_ms;
	unsigned long free_kib;
};

static struct worker *workers;
static unsigned int nr_workers = 2;
static unsigned long patience = 60;
static size_t page_size;
static int kmsg, sysrq;

/* Parses a number from 1 to @most. */
static unsigned long parse_positive(const char *name, const char *text, unsigned long most)
{
	unsigned long long value = parse_number(name, text, NULL);

	if (!value || value > most)
		errx(1, "%s: '%s' is not a number from 1 to %lu", name, text, most);
	return value;
}

static void parse_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "workers", required_argument, NULL, 'w' },
		{ "patience", required_argument, NULL, 'p' },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'w':
			nr_workers = parse_positive("--workers", optarg, MAX_WORKERS);
			break;
		case 'p':
			patience = parse_positive("--patience", optarg, 3600);
			break;
		default:
			errx(1, "bad option, see the head of the source");
		}
	}
}

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Returns the right content of a word.  Words that could be confused differ. */
static uint64_t word_at(unsigned int nr, unsigned int pass, size_t page, size_t word)
{
	uint64_t x = ((uint64_t)nr << 56) + ((uint64_t)pass << 48) + page * page_size / 8 + word;

	x = (x + 1) * 0x9e3779b97f4a7c15;
	return x ^ x >> 29;
}

static void write_page(uint64_t *words, unsigned int nr, unsigned int pass, size_t page)
{
	size_t i;

	for (i = 0; i < page_size / 8; i++)
		words[i] = word_at(nr, pass, page, i);
}

static void compare_page(const uint64_t *words, unsigned int nr, unsigned int pass, size_t page)
{
	struct worker *worker = &workers[nr];
	size_t i;

	worker->compared++;
	for (i = 0; i < page_size / 8; i++) {
		if (words[i] == word_at(nr, pass, page, i))
			continue;
		if (worker->wrong++ < SHOWN_WRONG)
			warnx("worker %u, pass %u, page %zu, byte %zu: %#llx, not %#llx",
			      nr, pass, page, i * 8, (unsigned long long)words[i],
			      (unsigned long long)word_at(nr, pass, page, i));
		return;
	}
}

/* Returns the page for a step.  Each page has one step, as the factor is prime. */
static size_t page_of_step(size_t step, size_t nr_pages, unsigned int pass)
{
	const size_t factor = 1000003;

	return pass % 2 && nr_pages % factor ? step * factor % nr_pages : step;
}

static int work(unsigned int nr, size_t nr_pages, unsigned int passes)
{
	uint64_t *memory = mmap(NULL, nr_pages * page_size, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned int pass;
	size_t step, page;

	if (memory == MAP_FAILED)
		err(1, "cannot allocate memory");
	/* This can fail, as some kernels have no large folios. */
	madvise(memory, nr_pages * page_size, MADV_HUGEPAGE);

	for (pass = 0; pass <= passes; pass++) {
		for (step = 0; step < nr_pages; step++) {
			uint64_t *words;

			page = page_of_step(step, nr_pages, pass);
			words = memory + page * page_size / 8;
			if (pass)
				compare_page(words, nr, pass - 1, page);
			if (pass < passes)
				write_page(words, nr, pass, page);
			__atomic_fetch_add(&workers[nr].pages, 1, __ATOMIC_RELAXED);
		}
	}
	return workers[nr].wrong ? 1 : 0;
}

static void start_workers(unsigned long kib, unsigned int passes)
{
	size_t nr_pages = (kib << 10) / page_size / nr_workers;
	unsigned int nr;

	for (nr = 0; nr < nr_workers; nr++) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (!pid)
			_exit(work(nr, nr_pages, passes));
		workers[nr].pid = pid;
		workers[nr].seen_ms = now_ms();
	}
}

static void stop_workers(void)
{
	unsigned int nr;

	for (nr = 0; nr < nr_workers; nr++)
		if (workers[nr].pid)
			kill(workers[nr].pid, SIGKILL);
}

/* Ignores errors, as there is nobody else to tell. */
static void tell(int fd, const char *text)
{
	ssize_t told = write(fd, text, strlen(text));

	(void)told;
}

/* Gives up.  Does not wait: a worker that cannot swap in may never end. */
static noreturn void give_up(const char *message)
{
	tell(kmsg, message);
	tell(STDERR_FILENO, message);
	tell(sysrq, "w");
	stop_workers();
	_exit(1);
}

/* Waits for the workers.  Returns whether all of them ended well. */
static bool watch(struct seen *seen)
{
	unsigned int running = nr_workers, nr;
	long long looked = now_ms();
	bool good = true;

	while (running) {
		struct sysinfo info;
		long long now;
		int status;
		pid_t pid;

		usleep(TICK_MS * 1000);
		now = now_ms();
		if (now - looked - TICK_MS > seen->late_ms)
			seen->late_ms = now - looked - TICK_MS;
		looked = now;
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
			good &= WIFEXITED(status) && !WEXITSTATUS(status);
			running--;
			for (nr = 0; nr < nr_workers; nr++)
				if (workers[nr].pid == pid)
					workers[nr].pid = 0;
		}
		if (!sysinfo(&info) && info.freeram * info.mem_unit >> 10 < seen->free_kib)
			seen->free_kib = info.freeram * info.mem_unit >> 10;
		for (nr = 0; nr < nr_workers; nr++) {
			struct worker *worker = &workers[nr];
			uint64_t pages;

			if (!worker->pid)
				continue;
			if (now - worker->seen_ms > seen->pause_ms)
				seen->pause_ms = now - worker->seen_ms;
			if (now - worker->seen_ms > (long long)patience * 1000)
				give_up("memory_load: a worker does not go on\n");
			pages = __atomic_load_n(&worker->pages, __ATOMIC_RELAXED);
			if (worker->seen != pages) {
				worker->seen = pages;
				worker->seen_ms = now;
			}
		}
	}
	return good;
}

int main(int argc, char **argv)
{
	struct sched_param priority = { .sched_priority = 1 };
	uint64_t compared = 0, wrong = 0;
	struct seen seen = { .free_kib = -1UL };
	unsigned int passes, nr;
	unsigned long kib;
	bool good;

	if (argc < 3)
		errx(1, "say how many KiB and how many passes, see the head of the source");
	kib = parse_positive("KIB", argv[1], 1UL << 32);
	passes = parse_positive("PASSES", argv[2], 255);
	argv[2] = argv[0];
	parse_options(argc - 2, argv + 2);
	page_size = sysconf(_SC_PAGESIZE);

	workers = mmap(NULL, nr_workers * sizeof(*workers), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (workers == MAP_FAILED)
		err(1, "cannot allocate memory");
	kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	if (kmsg < 0)
		err(1, "cannot write to the kernel's log");
	sysrq = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);
	if (sysrq < 0)
		warn("the kernel cannot be made to say what waits");
	/* Children do not inherit the lock.  The watcher must run whatever happens. */
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		err(1, "cannot lock memory");
	start_workers(kib, passes);
	if (sched_setscheduler(0, SCHED_FIFO, &priority))
		warn("cannot run with real-time priority");
	good = watch(&seen);

	for (nr = 0; nr < nr_workers; nr++) {
		compared += workers[nr].compared;
		wrong += workers[nr].wrong;
	}
	printf("pages %llu wrong %llu pause_ms %lld late_ms %lld free_kib %lu\n",
	       (unsigned long long)compared, (unsigned long long)wrong,
	       seen.pause_ms, seen.late_ms, seen.free_kib);
	return good && !wrong ? 0 : 1;
}
