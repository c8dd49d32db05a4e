// SPDX-License-Identifier: GPL-2.0
/*
 * Load for the benchmark of dm-crypt, made within the kernel
 *
 * System calls are slow in User-mode Linux, and fio's figures are too coarse to
 * show one percent.  So a program writes a command to the module's parameter
 * "run", and then reads from the parameter how long that took.  A command is a
 * line
 *
 *	WHAT NAME RW BUFFER BS BYTES IODEPTH KEY_BITS REQUEST UNIT
 *
 * RW is read or write, and BUFFER is pages or folio.  struct bench_command
 * explains the words.
 */

#include <crypto/skcipher.h>
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/kernel_stat.h>
#include <linux/llist.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/scatterlist.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/tick.h>
#include <linux/timekeeping.h>
#include <linux/timex.h>
#include <linux/unaligned.h>
#include <linux/wait.h>

#if __has_include("crypto/skcipher-data-unit.h")
#include <crypto/skcipher-data-unit.h>
#else
static int crypto_skcipher_set_data_unit_size(struct crypto_skcipher *tfm,
					      unsigned int size)
{
	return -EOPNOTSUPP;
}
#endif

/**
 * struct bench_command - what to measure
 * @what: "block", or "cipher" for a cipher alone
 * @name: path of the block device, or the cipher's name in the crypto API
 * @write: write, or encrypt from one buffer to another; otherwise read, or
 *	   decrypt in place.  dm-crypt uses ciphers in the same way
 * @folio: block: a buffer is one piece of memory; otherwise no two pages of it
 *	   follow each other in memory
 * @bs: bytes of a bio; cipher: bytes of the buffer
 * @bytes: bytes to process in all, a multiple of @bs; 0 only finds the driver
 *	   that dm-crypt gets for a cipher
 * @iodepth: block: number of bios under way
 * @key_bits: cipher: bits of the key
 * @request: cipher: bytes of a request
 * @unit: cipher: bytes of a data unit, 0 to set no data unit size
 */
struct bench_command {
	char what[8];
	char name[128];
	bool write;
	bool folio;
	unsigned int bs;
	u64 bytes;
	unsigned int iodepth;
	unsigned int key_bits;
	unsigned int request;
	unsigned int unit;
};

/**
 * struct bench_result - the result of a command
 * @ns: duration in nanoseconds
 * @cycles: duration in units of get_cycles()
 * @idle: microseconds of that time for which processors were idle, if the
 *	  kernel counts them
 * @err: 0 or an error
 * @failed: what failed, if anything did
 * @driver: driver of the cipher, empty for block devices
 */
struct bench_result {
	u64 ns;
	u64 cycles;
	u64 idle;
	int err;
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

static void bench_fail(struct bench_result *result, const char *what, int err)
{
	result->failed = what;
	result->err = err;
}

/* Memory to read into and to write from, in one piece. */
static struct page *bench_alloc(unsigned int bytes)
{
	return alloc_pages(GFP_KERNEL | __GFP_ZERO | __GFP_COMP,
			   get_order(bytes));
}

static void bench_free(struct page *buffer, unsigned int bytes)
{
	if (buffer)
		__free_pages(buffer, get_order(bytes));
}

/*
 * The page of a buffer with this number.  Without @folio, the pages go from the
 * end of the buffer to its beginning: no page begins where the page before it
 * ends, and nothing merges two pages into one segment.
 */
static struct page *bench_page(struct page *buffer, unsigned int bytes,
			       unsigned int number, bool folio)
{
	if (folio)
		return buffer + number;
	return buffer + DIV_ROUND_UP(bytes, PAGE_SIZE) - 1 - number;
}

struct load;

/* A bio, its buffer, and its place in the list of bios that are not under way */
struct slot {
	struct bio bio;
	struct load *load;
	struct llist_node node;
	struct page *buffer;
	struct bio_vec *vecs;
	unsigned short nr_vecs;
};

/*
 * Bios for a block device
 *
 * One thread submits bios one after the other, from the beginning of the device
 * to its end and again, and keeps iodepth bios under way.  It makes bios and
 * buffers in advance and uses them again, so that the figures have little cost
 * besides the device's.
 *
 * @done:	slots whose bio has completed
 * @idle:	slots that slot_get() has taken off @done and can hand out
 */
struct load {
	struct block_device *bdev;
	blk_opf_t opf;
	unsigned int bs;
	bool folio;
	sector_t next;
	sector_t end;
	struct slot *slots;
	unsigned int nr_slots;
	struct llist_head done;
	struct llist_node *idle;
	wait_queue_head_t wait;
	blk_status_t status;
};

static void slot_put(struct slot *slot)
{
	struct load *load = slot->load;

	if (llist_add(&slot->node, &load->done))
		wake_up(&load->wait);
}

/* Wait for a slot. */
static struct slot *slot_get(struct load *load)
{
	struct llist_node *node;

	if (!load->idle) {
		wait_event(load->wait, !llist_empty(&load->done));
		load->idle = llist_del_all(&load->done);
	}
	node = load->idle;
	load->idle = node->next;
	return llist_entry(node, struct slot, node);
}

static void slot_end_io(struct bio *bio)
{
	struct slot *slot = container_of(bio, struct slot, bio);

	if (bio->bi_status)
		WRITE_ONCE(slot->load->status, bio->bi_status);
	slot_put(slot);
}

/* The segments that slot_init() added outlast bio_reset(). */
static void slot_submit(struct slot *slot, sector_t sector)
{
	struct load *load = slot->load;
	struct bio *bio = &slot->bio;

	bio_reset(bio, load->bdev, load->opf);
	bio->bi_vcnt = slot->nr_vecs;
	bio->bi_iter.bi_size = load->bs;
	bio->bi_iter.bi_sector = sector;
	bio->bi_end_io = slot_end_io;
	submit_bio(bio);
}

static void run_load(struct load *load, u64 bytes)
{
	unsigned int i;

	for (; bytes; bytes -= load->bs) {
		slot_submit(slot_get(load), load->next);
		load->next += load->bs >> SECTOR_SHIFT;
		if (load->next == load->end)
			load->next = 0;
		cond_resched();
	}

	for (i = 0; i < load->nr_slots; i++)
		slot_get(load);
	for (i = 0; i < load->nr_slots; i++)
		slot_put(&load->slots[i]);
}

static int slot_init(struct load *load, struct slot *slot)
{
	unsigned int nr = DIV_ROUND_UP(load->bs, PAGE_SIZE);
	unsigned int left = load->bs;
	unsigned int i;

	slot->load = load;
	slot->buffer = bench_alloc(load->bs);
	slot->vecs = kcalloc(nr, sizeof(*slot->vecs), GFP_KERNEL);
	if (!slot->buffer || !slot->vecs)
		return -ENOMEM;

	bio_init(&slot->bio, load->bdev, slot->vecs, nr, load->opf);
	for (i = 0; i < nr; i++) {
		unsigned int len = min_t(unsigned int, left, PAGE_SIZE);

		if (bio_add_page(&slot->bio,
				 bench_page(slot->buffer, load->bs, i,
					    load->folio), len, 0) != len)
			return -EINVAL;
		left -= len;
	}
	slot->nr_vecs = slot->bio.bi_vcnt;
	if (slot->nr_vecs != (load->folio ? 1 : nr))
		return -EINVAL;
	slot_put(slot);
	return 0;
}

static void free_slots(struct load *load)
{
	unsigned int i;

	for (i = 0; i < load->nr_slots; i++) {
		struct slot *slot = &load->slots[i];

		/* Slots that slot_init() did not reach are zero. */
		if (slot->load)
			bio_uninit(&slot->bio);
		kfree(slot->vecs);
		bench_free(slot->buffer, load->bs);
	}
	kvfree(load->slots);
}

static int make_slots(struct load *load)
{
	unsigned int i;
	int err = 0;

	init_llist_head(&load->done);
	init_waitqueue_head(&load->wait);
	load->slots = kvcalloc(load->nr_slots, sizeof(*load->slots), GFP_KERNEL);
	if (!load->slots)
		return -ENOMEM;
	for (i = 0; i < load->nr_slots && !err; i++)
		err = slot_init(load, &load->slots[i]);
	if (err)
		free_slots(load);
	return err;
}

/* Measure a block device, after using each bio once. */
static void bench_block(const struct bench_command *cmd,
			struct bench_result *result)
{
	struct load load = {
		.opf = cmd->write ? REQ_OP_WRITE | REQ_SYNC | REQ_IDLE :
				    REQ_OP_READ,
		.bs = cmd->bs,
		.folio = cmd->folio,
		.nr_slots = cmd->iodepth,
	};
	struct file *file;
	int err;

	/* Not exclusive, because the bare device may belong to a mapping. */
	file = bdev_file_open_by_path(cmd->name,
				      BLK_OPEN_READ | BLK_OPEN_WRITE, NULL,
				      NULL);
	if (IS_ERR(file)) {
		bench_fail(result, "opening the device", PTR_ERR(file));
		return;
	}
	load.bdev = file_bdev(file);
	load.end = bdev_nr_sectors(load.bdev);
	load.end -= load.end % (load.bs >> SECTOR_SHIFT);
	err = load.end && load.nr_slots ? make_slots(&load) : -EINVAL;
	if (err) {
		bench_fail(result, "making bios", err);
		goto put_file;
	}

	run_load(&load, (u64)load.nr_slots * load.bs);
	bench_clock_start(result);
	run_load(&load, cmd->bytes);
	bench_clock_stop(result);
	if (load.status)
		bench_fail(result, "I/O", blk_status_to_errno(load.status));

	free_slots(&load);
put_file:
	fput(file);
}

/*
 * A cipher alone: the least that encrypting a device can cost
 *
 * @src, @dst:	a scatterlist of @nr_sg entries for each request of a buffer;
 *		@dst is @src if the data is processed in place
 */
struct job {
	struct crypto_skcipher *tfm;
	struct skcipher_request *req;
	struct crypto_wait wait;
	bool encrypt;
	unsigned int bytes;
	unsigned int request;
	unsigned int nr_requests;
	unsigned int nr_sg;
	struct page *src_buffer;
	struct page *dst_buffer;
	struct scatterlist *src;
	struct scatterlist *dst;
	u8 iv[32];
};

static int set_key(struct crypto_skcipher *tfm, unsigned int bits)
{
	u8 key[64];
	unsigned int i;

	if (bits / 8 > sizeof(key))
		return -EINVAL;
	/* Bytes that differ, because XTS refuses two equal keys. */
	for (i = 0; i < sizeof(key); i++)
		key[i] = i;
	return crypto_skcipher_setkey(tfm, key, bits / 8);
}

static struct scatterlist *make_sg(const struct job *job, struct page *buffer)
{
	unsigned int per_page = max_t(unsigned int,
				      PAGE_SIZE / job->request, 1);
	unsigned int len = min_t(unsigned int, job->request, PAGE_SIZE);
	struct scatterlist *sg;
	unsigned int i, j, n = 0;

	sg = kvcalloc(job->nr_requests * job->nr_sg, sizeof(*sg), GFP_KERNEL);
	if (!sg)
		return NULL;
	for (i = 0; i < job->nr_requests; i++) {
		struct scatterlist *first = &sg[i * job->nr_sg];

		sg_init_table(first, job->nr_sg);
		for (j = 0; j < job->nr_sg; j++, n++)
			sg_set_page(first + j,
				    bench_page(buffer, job->bytes,
					       n / per_page, false),
				    len, n % per_page * len);
	}
	return sg;
}

static int run_job(struct job *job, u64 bytes)
{
	unsigned int i = 0;
	u64 sector = 0;
	int err;

	for (; bytes; bytes -= job->request) {
		memset(job->iv, 0, sizeof(job->iv));
		put_unaligned_le64(sector, job->iv);
		skcipher_request_set_crypt(job->req, job->src + i * job->nr_sg,
					   job->dst + i * job->nr_sg,
					   job->request, job->iv);
		err = job->encrypt ? crypto_skcipher_encrypt(job->req) :
				     crypto_skcipher_decrypt(job->req);
		err = crypto_wait_req(err, &job->wait);
		if (err)
			return err;
		sector += job->request >> SECTOR_SHIFT;
		if (++i == job->nr_requests)
			i = 0;
		cond_resched();
	}
	return 0;
}

static int init_buffers(struct job *job)
{
	job->src_buffer = bench_alloc(job->bytes);
	if (!job->src_buffer)
		return -ENOMEM;
	job->src = make_sg(job, job->src_buffer);
	if (!job->src)
		return -ENOMEM;
	if (!job->encrypt) {
		job->dst = job->src;
		return 0;
	}
	job->dst_buffer = bench_alloc(job->bytes);
	if (!job->dst_buffer)
		return -ENOMEM;
	job->dst = make_sg(job, job->dst_buffer);
	return job->dst ? 0 : -ENOMEM;
}

static void free_buffers(struct job *job)
{
	if (job->dst != job->src)
		kvfree(job->dst);
	kvfree(job->src);
	bench_free(job->dst_buffer, job->bytes);
	bench_free(job->src_buffer, job->bytes);
}

/*
 * Measure a cipher, after processing the buffer once, and find the driver that
 * dm-crypt gets.
 */
static void bench_cipher(const struct bench_command *cmd,
			 struct bench_result *result)
{
	struct job job = {
		.encrypt = cmd->write,
		.bytes = cmd->bs,
		.request = cmd->request,
	};
	const char *step = "size of the IV or of a request";
	int err = -EINVAL;

	/* Use the same flags as dm-crypt, to get the same driver. */
	job.tfm = crypto_alloc_skcipher(cmd->name, 0,
					CRYPTO_ALG_ALLOCATES_MEMORY);
	if (IS_ERR(job.tfm)) {
		bench_fail(result, "finding the cipher", PTR_ERR(job.tfm));
		return;
	}
	strscpy(result->driver, crypto_skcipher_driver_name(job.tfm),
		sizeof(result->driver));
	if (!cmd->bytes)
		goto free_tfm;

	if (crypto_skcipher_ivsize(job.tfm) > sizeof(job.iv) ||
	    !is_power_of_2(cmd->request) || cmd->request < SECTOR_SIZE ||
	    cmd->bs % cmd->request)
		goto out;
	job.nr_requests = job.bytes / job.request;
	job.nr_sg = DIV_ROUND_UP(job.request, PAGE_SIZE);
	step = "setting the key";
	err = set_key(job.tfm, cmd->key_bits);
	if (err)
		goto out;
	step = "setting the data unit size";
	if (cmd->unit)
		err = crypto_skcipher_set_data_unit_size(job.tfm, cmd->unit);
	if (err)
		goto out;

	step = "memory";
	err = -ENOMEM;
	job.req = skcipher_request_alloc(job.tfm, GFP_KERNEL);
	if (!job.req)
		goto out;
	crypto_init_wait(&job.wait);
	skcipher_request_set_callback(job.req, CRYPTO_TFM_REQ_MAY_BACKLOG,
				      crypto_req_done, &job.wait);
	err = init_buffers(&job);
	if (err)
		goto out;

	step = "the cipher";
	err = run_job(&job, job.bytes);
	if (err)
		goto out;
	bench_clock_start(result);
	err = run_job(&job, cmd->bytes);
	bench_clock_stop(result);

out:
	if (err)
		bench_fail(result, step, err);
	free_buffers(&job);
	skcipher_request_free(job.req);
free_tfm:
	crypto_free_skcipher(job.tfm);
}

/* The lock for the module's parameters protects this. */
static struct bench_result last;

static int parse(struct bench_command *cmd, const char *text)
{
	char rw[8], buffer[8];

	if (sscanf(text, "%7s %127s %7s %7s %u %llu %u %u %u %u", cmd->what,
		   cmd->name, rw, buffer, &cmd->bs, &cmd->bytes, &cmd->iodepth,
		   &cmd->key_bits, &cmd->request, &cmd->unit) != 10)
		return -EINVAL;
	cmd->write = !strcmp(rw, "write");
	cmd->folio = !strcmp(buffer, "folio");
	if ((!cmd->write && strcmp(rw, "read")) ||
	    (!cmd->folio && strcmp(buffer, "pages")) ||
	    !cmd->bs || cmd->bs % SECTOR_SIZE || cmd->bs > SZ_1M ||
	    cmd->bytes % cmd->bs)
		return -EINVAL;
	return 0;
}

static int set_run(const char *text, const struct kernel_param *kp)
{
	struct bench_command cmd = {};
	int err;

	memset(&last, 0, sizeof(last));
	err = parse(&cmd, text);
	if (err)
		bench_fail(&last, "reading the command", err);
	else if (!strcmp(cmd.what, "block"))
		bench_block(&cmd, &last);
	else if (!strcmp(cmd.what, "cipher"))
		bench_cipher(&cmd, &last);
	else
		bench_fail(&last, "finding the command", -EINVAL);
	return last.err;
}

static int get_run(char *buffer, const struct kernel_param *kp)
{
	if (last.err)
		return scnprintf(buffer, PAGE_SIZE, "%s failed with error %d\n",
				 last.failed, last.err);
	return scnprintf(buffer, PAGE_SIZE,
			 "ns=%llu cycles=%llu idle_us=%llu driver=%s\n",
			 last.ns, last.cycles, last.idle, last.driver);
}

static const struct kernel_param_ops run_ops = {
	.set = set_run,
	.get = get_run,
};

module_param_cb(run, &run_ops, NULL, 0600);
MODULE_PARM_DESC(run, "What to measure; read it to get the result");

MODULE_DESCRIPTION("Load for the benchmark of dm-crypt");
MODULE_LICENSE("GPL");
