// SPDX-License-Identifier: GPL-2.0
/*
 * Bios for a block device
 *
 * One thread submits bios one after the other, from the beginning of the device
 * to its end and again, and keeps iodepth bios under way.  It makes bios and
 * buffers in advance and uses them again, so that the figures have little cost
 * besides the device's.
 */

#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/llist.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/wait.h>

#include "mdu_bench.h"

struct load;

/*
 * A bio, its buffer, and its place in the list of bios that are not under way
 */
struct slot {
	struct bio bio;
	struct load *load;
	struct llist_node node;
	struct page **pages;
	struct bio_vec *vecs;
	unsigned short nr_vecs;
};

/*
 * @done:	slots whose bio has completed
 * @idle:	slots that have been taken off @done and may be used
 */
struct load {
	struct block_device *bdev;
	blk_opf_t opf;
	unsigned int bs;
	bool adjacent;
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
	slot->pages = bench_alloc_pages(load->bs, load->adjacent);
	slot->vecs = kcalloc(nr, sizeof(*slot->vecs), GFP_KERNEL);
	if (!slot->pages || !slot->vecs)
		return -ENOMEM;

	bio_init(&slot->bio, load->bdev, slot->vecs, nr, load->opf);
	for (i = 0; i < nr; i++) {
		unsigned int len = min_t(unsigned int, left, PAGE_SIZE);

		if (bio_add_page(&slot->bio, slot->pages[i], len, 0) != len)
			return -EINVAL;
		left -= len;
	}
	slot->nr_vecs = slot->bio.bi_vcnt;
	if (slot->nr_vecs != (load->adjacent ? 1 : nr))
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
		bench_free_pages(slot->pages, load->bs, load->adjacent);
	}
	kvfree(load->slots);
}

/**
 * bench_block() - measure a block device
 * @cmd: what to do with the device
 * @result: how long it took
 *
 * All bios are used once before the measurement.
 *
 * Return: 0 or an error, with result->failed
 */
int bench_block(const struct bench_command *cmd, struct bench_result *result)
{
	const bool write = !strcmp(cmd->rw, "write");
	struct load load = {
		.opf = write ? REQ_OP_WRITE | REQ_SYNC | REQ_IDLE : REQ_OP_READ,
		.bs = cmd->bs,
		.adjacent = !strcmp(cmd->buffer, "folio"),
		.nr_slots = cmd->iodepth,
	};
	struct file *file;
	unsigned int i;
	int err = 0;

	if (!cmd->iodepth || cmd->iodepth > 1024)
		return bench_fail(result, "iodepth", -EINVAL);

	/* Not exclusively, because the bare device may belong to a mapping. */
	file = bdev_file_open_by_path(cmd->dev,
				      BLK_OPEN_READ | BLK_OPEN_WRITE, NULL,
				      NULL);
	if (IS_ERR(file))
		return bench_fail(result, "opening the device", PTR_ERR(file));
	load.bdev = file_bdev(file);
	load.end = bdev_nr_sectors(load.bdev);
	load.end -= load.end % (load.bs >> SECTOR_SHIFT);
	if (!load.end) {
		err = bench_fail(result, "size of the device", -EINVAL);
		goto put_file;
	}

	init_llist_head(&load.done);
	init_waitqueue_head(&load.wait);
	load.slots = kvcalloc(load.nr_slots, sizeof(*load.slots), GFP_KERNEL);
	if (!load.slots) {
		err = bench_fail(result, "memory", -ENOMEM);
		goto put_file;
	}
	for (i = 0; i < load.nr_slots; i++) {
		err = slot_init(&load, &load.slots[i]);
		if (err) {
			err = bench_fail(result, "making a bio", err);
			goto free;
		}
	}

	run_load(&load, (u64)load.nr_slots * load.bs);
	bench_clock_start(result);
	run_load(&load, cmd->bytes);
	bench_clock_stop(result);
	if (load.status)
		err = bench_fail(result, "I/O",
				 blk_status_to_errno(load.status));

free:
	free_slots(&load);
put_file:
	fput(file);
	return err;
}
