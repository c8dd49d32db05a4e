// SPDX-License-Identifier: GPL-2.0
/*
 * Load for the benchmark of dm-crypt, made within the kernel
 *
 * System calls are slow in User-mode Linux, and fio's figures are too coarse to
 * show one percent.  So a program writes a line of name=value words to
 * /proc/mdu_bench, which says what to do; struct bench_command has the names.
 * The program then reads a line from the file, which says how long that took.
 */

#include <linux/blkdev.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "mdu_bench.h"

enum bench_type { BENCH_STRING, BENCH_NUMBER };

static const struct bench_word {
	const char *name;
	enum bench_type type;
	size_t offset;
	size_t size;
} words[] = {
	{ "what", BENCH_STRING, offsetof(struct bench_command, what),
	  sizeof_field(struct bench_command, what) },
	{ "dev", BENCH_STRING, offsetof(struct bench_command, dev),
	  sizeof_field(struct bench_command, dev) },
	{ "alg", BENCH_STRING, offsetof(struct bench_command, alg),
	  sizeof_field(struct bench_command, alg) },
	{ "rw", BENCH_STRING, offsetof(struct bench_command, rw),
	  sizeof_field(struct bench_command, rw) },
	{ "buffer", BENCH_STRING, offsetof(struct bench_command, buffer),
	  sizeof_field(struct bench_command, buffer) },
	{ "bs", BENCH_NUMBER, offsetof(struct bench_command, bs),
	  sizeof_field(struct bench_command, bs) },
	{ "iodepth", BENCH_NUMBER, offsetof(struct bench_command, iodepth),
	  sizeof_field(struct bench_command, iodepth) },
	{ "bytes", BENCH_NUMBER, offsetof(struct bench_command, bytes),
	  sizeof_field(struct bench_command, bytes) },
	{ "key_bits", BENCH_NUMBER, offsetof(struct bench_command, key_bits),
	  sizeof_field(struct bench_command, key_bits) },
	{ "request", BENCH_NUMBER, offsetof(struct bench_command, request),
	  sizeof_field(struct bench_command, request) },
	{ "unit", BENCH_NUMBER, offsetof(struct bench_command, unit),
	  sizeof_field(struct bench_command, unit) },
};

static DEFINE_MUTEX(bench_mutex);
static struct bench_command bench_last;
static struct bench_result bench_last_result;
static int bench_last_error;

static int parse_word(struct bench_command *cmd, char *text)
{
	char *name = strsep(&text, "=");
	unsigned int i;
	void *member;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(name, words[i].name) || !text)
			continue;
		member = (void *)cmd + words[i].offset;
		if (words[i].type == BENCH_NUMBER)
			return kstrtou64(text, 10, member);
		return strscpy(member, text, words[i].size) < 0 ? -EINVAL : 0;
	}
	return -EINVAL;
}

static int parse(struct bench_command *cmd, char *text)
{
	char *word;
	int err;

	while ((word = strsep(&text, "\n "))) {
		if (!*word)
			continue;
		err = parse_word(cmd, word);
		if (err)
			return err;
	}
	return 0;
}

static bool is_one_of(const char *word, const char *a, const char *b)
{
	return !strcmp(word, a) || !strcmp(word, b);
}

static int run(const struct bench_command *cmd, struct bench_result *result)
{
	if (!strcmp(cmd->what, "driver"))
		return bench_driver(cmd, result);

	if (!is_one_of(cmd->rw, "read", "write"))
		return bench_fail(result, "rw", -EINVAL);
	if (!is_one_of(cmd->buffer, "pages", "folio"))
		return bench_fail(result, "buffer", -EINVAL);
	if (!cmd->bs || cmd->bs % SECTOR_SIZE || cmd->bs > SZ_1M)
		return bench_fail(result, "bs", -EINVAL);
	if (!cmd->bytes || cmd->bytes % cmd->bs)
		return bench_fail(result, "bytes", -EINVAL);

	if (!strcmp(cmd->what, "block"))
		return bench_block(cmd, result);
	if (!strcmp(cmd->what, "cipher"))
		return bench_cipher(cmd, result);
	return bench_fail(result, "what", -EINVAL);
}

static ssize_t bench_write(struct file *file, const char __user *buf,
			   size_t count, loff_t *ppos)
{
	char *text;
	int err;

	if (count >= PAGE_SIZE)
		return -EINVAL;
	text = memdup_user_nul(buf, count);
	if (IS_ERR(text))
		return PTR_ERR(text);

	mutex_lock(&bench_mutex);
	memset(&bench_last, 0, sizeof(bench_last));
	memset(&bench_last_result, 0, sizeof(bench_last_result));
	strscpy(bench_last.buffer, "pages", sizeof(bench_last.buffer));
	bench_last.iodepth = 1;
	err = parse(&bench_last, text);
	if (err)
		bench_fail(&bench_last_result, "reading the command", err);
	else
		err = run(&bench_last, &bench_last_result);
	bench_last_error = err;
	mutex_unlock(&bench_mutex);

	kfree(text);
	return err ?: count;
}

static int bench_show(struct seq_file *m, void *v)
{
	mutex_lock(&bench_mutex);
	if (bench_last_error)
		seq_printf(m, "%s failed with error %d\n",
			   bench_last_result.failed, bench_last_error);
	else if (!strcmp(bench_last.what, "driver"))
		seq_printf(m, "driver=%s\n", bench_last_result.driver);
	else
		seq_printf(m, "bytes=%llu ns=%llu cycles=%llu idle_us=%llu\n",
			   bench_last.bytes, bench_last_result.ns,
			   bench_last_result.cycles, bench_last_result.idle);
	mutex_unlock(&bench_mutex);
	return 0;
}

static int bench_open(struct inode *inode, struct file *file)
{
	return single_open(file, bench_show, NULL);
}

static const struct proc_ops bench_proc_ops = {
	.proc_open	= bench_open,
	.proc_read	= seq_read,
	.proc_write	= bench_write,
	.proc_lseek	= seq_lseek,
	.proc_release	= single_release,
};

static int __init bench_init(void)
{
	if (!proc_create("mdu_bench", 0600, NULL, &bench_proc_ops))
		return -ENOMEM;
	return 0;
}

static void __exit bench_exit(void)
{
	remove_proc_entry("mdu_bench", NULL);
}

module_init(bench_init);
module_exit(bench_exit);

MODULE_DESCRIPTION("Load for the benchmark of dm-crypt");
MODULE_LICENSE("GPL");
