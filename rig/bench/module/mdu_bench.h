/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Load for the benchmark of dm-crypt, made within the kernel
 */

#ifndef _MDU_BENCH_H
#define _MDU_BENCH_H

#include <linux/cpumask.h>
#include <linux/kernel_stat.h>
#include <linux/tick.h>
#include <linux/timekeeping.h>
#include <linux/timex.h>
#include <linux/types.h>

struct page;

/**
 * struct bench_command - what to measure
 * @what: "block", "cipher" or "driver"; "driver" only looks up the driver that dm-crypt gets
 * @dev: block: path of the device
 * @alg: for "cipher" and "driver", the name that the crypto API takes
 * @rw: "read" decrypts in place, "write" encrypts from one buffer to another,
 *	as in dm-crypt
 * @buffer: "pages" has no adjacent pages, "folio" is adjacent memory
 * @bs: bytes of a bio; cipher: bytes of the buffer
 * @iodepth: block: number of bios under way
 * @bytes: bytes to process in all, a multiple of @bs
 * @key_bits: cipher: bits of the key
 * @request: cipher: bytes of a request
 * @unit: cipher: bytes of a data unit, 0 to set no data unit size
 */
struct bench_command {
	char what[16];
	char dev[64];
	char alg[128];
	char rw[8];
	char buffer[8];
	u64 bs;
	u64 iodepth;
	u64 bytes;
	u64 key_bits;
	u64 request;
	u64 unit;
};

/**
 * struct bench_result - the result of a command
 * @ns: duration in nanoseconds
 * @cycles: duration in units of get_cycles()
 * @idle: microseconds of that time for which processors were idle, if the
 *	  kernel counts them
 * @failed: what failed, if anything did
 * @driver: driver of the cipher, empty for block devices
 */
struct bench_result {
	u64 ns;
	u64 cycles;
	u64 idle;
	const char *failed;
	char driver[128];
};

static inline u64 bench_idle_time(void)
{
	u64 sum = 0;
	int cpu;

	for_each_online_cpu(cpu)
		sum += get_cpu_idle_time_us(cpu, NULL);
	return sum;
}

/* Starting subtracts the current time, stopping adds it. */
static inline void bench_clock_start(struct bench_result *result)
{
	result->idle = -bench_idle_time();
	result->ns = -ktime_get_ns();
	result->cycles = -(u64)get_cycles();
}

static inline void bench_clock_stop(struct bench_result *result)
{
	result->cycles += get_cycles();
	result->ns += ktime_get_ns();
	result->idle += bench_idle_time();
}

static inline int bench_fail(struct bench_result *result, const char *what,
			     int err)
{
	result->failed = what;
	return err;
}

int bench_block(const struct bench_command *cmd, struct bench_result *result);
int bench_cipher(const struct bench_command *cmd, struct bench_result *result);
int bench_driver(const struct bench_command *cmd, struct bench_result *result);

struct page **bench_alloc_pages(size_t bytes, bool adjacent);
void bench_free_pages(struct page **pages, size_t bytes, bool adjacent);

#endif	/* _MDU_BENCH_H */
