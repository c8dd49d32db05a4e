// SPDX-License-Identifier: GPL-2.0
/*
 * Zone append for programs
 *
 * File systems use zone append, but no system call offers it.  One write() to the file
 * zone_append in debugfs, of whole sectors and at most 1 MiB, appends the data to the
 * zone in one bio; the write fails with the error of the bio.  Reading from the same open
 * file then returns the sector at which the data is.
 *
 * A write uses these parameters:
 *
 *   device	 path of the block device
 *   zone	 sector at which the zone begins
 */

#include <linux/align.h>
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

static char *za_device;
static unsigned long long za_zone;

module_param_named(device, za_device, charp, 0644);
MODULE_PARM_DESC(device, "Path of the block device to append to");
module_param_named(zone, za_zone, ullong, 0644);
MODULE_PARM_DESC(zone, "Sector at which the zone to append to begins");

static struct dentry *za_file;

/**
 * struct za_open - state of an open file
 * @sector: sector at which the last write put its data
 */
struct za_open {
	sector_t sector;
};

/* Open the device that the parameter names.  The parameter may change meanwhile. */
static struct file *za_open_device(void)
{
	struct file *bdev_file;
	char *path;

	kernel_param_lock(THIS_MODULE);
	path = kstrdup(za_device ?: "", GFP_KERNEL);
	kernel_param_unlock(THIS_MODULE);
	if (!path)
		return ERR_PTR(-ENOMEM);
	bdev_file = bdev_file_open_by_path(strim(path), BLK_OPEN_WRITE, NULL, NULL);
	kfree(path);
	return bdev_file;
}

/* Copy data from user space into new pages, and add them to the bio. */
static int za_fill(struct bio *bio, const char __user *data, size_t len)
{
	while (len) {
		size_t bytes = min_t(size_t, len, PAGE_SIZE);
		struct page *page = alloc_page(GFP_KERNEL);

		if (!page)
			return -ENOMEM;
		__bio_add_page(bio, page, bytes, 0);
		if (copy_from_user(page_address(page), data, bytes))
			return -EFAULT;
		data += bytes;
		len -= bytes;
	}
	return 0;
}

static ssize_t za_write(struct file *file, const char __user *data, size_t len, loff_t *ppos)
{
	struct za_open *za = file->private_data;
	struct file *bdev_file;
	struct bio *bio;
	int err;

	if (!len || !IS_ALIGNED(len, SECTOR_SIZE) || len > SZ_1M)
		return -EINVAL;
	bdev_file = za_open_device();
	if (IS_ERR(bdev_file))
		return PTR_ERR(bdev_file);

	bio = bio_alloc(file_bdev(bdev_file), DIV_ROUND_UP(len, PAGE_SIZE),
			REQ_OP_ZONE_APPEND | REQ_SYNC, GFP_KERNEL);
	bio->bi_iter.bi_sector = za_zone;
	err = za_fill(bio, data, len);
	if (!err)
		err = submit_bio_wait(bio);
	za->sector = bio->bi_iter.bi_sector;
	bio_free_pages(bio);
	bio_put(bio);
	bdev_fput(bdev_file);
	return err ?: len;
}

static ssize_t za_read(struct file *file, char __user *data, size_t len, loff_t *ppos)
{
	struct za_open *za = file->private_data;
	char text[24];
	int size;

	size = scnprintf(text, sizeof(text), "%llu\n", (unsigned long long)za->sector);
	return simple_read_from_buffer(data, len, ppos, text, size);
}

static int za_open(struct inode *inode, struct file *file)
{
	struct za_open *za = kzalloc(sizeof(*za), GFP_KERNEL);

	file->private_data = za;
	return za ? 0 : -ENOMEM;
}

static int za_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static const struct file_operations za_fops = {
	.owner = THIS_MODULE,
	.open = za_open,
	.read = za_read,
	.write = za_write,
	.release = za_release,
};

static int __init za_init(void)
{
	za_file = debugfs_create_file("zone_append", 0600, NULL, NULL, &za_fops);
	return PTR_ERR_OR_ZERO(za_file);
}

static void __exit za_exit(void)
{
	debugfs_remove(za_file);
}

module_init(za_init);
module_exit(za_exit);

MODULE_DESCRIPTION("Zone append for programs, for tests");
MODULE_LICENSE("GPL");
