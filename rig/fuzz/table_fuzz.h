/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of table_fuzz know of each other: generator.c makes tables, table.c
 * says what they mean, device_mapper.c loads them, use.c uses those that are accepted;
 * main.c has all of this done, and says how the program is used.
 */
#ifndef TABLE_FUZZ_H
#define TABLE_FUZZ_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "kselftest.h"
#include "random.h"

#define MAX_LINE	12288
#define MAX_WORDS	32
#define NR_REASONS	6

/* What a crypt table says, as far as it matters here. */
struct table {
	const char *words[MAX_WORDS];
	unsigned int nr_words;
	char copy[MAX_LINE];
	char api[256];		/* what the crypto API is asked for */
	char iv_mode[256];	/* empty if there is none */
	unsigned int keys;
	__u64 iv_offset, start, len;
	unsigned int sector_size;
	unsigned int nr_integrity;
	bool large_iv, aead;
	bool complete;		/* as far as it can be seen from the line */
	bool too_big;		/* a number in it */
};

struct counters {
	unsigned int tables, refused, accepted, resumed, batched, undecided;
	unsigned int round_trips, compared, messages, key_changes, left_out;
	unsigned int reasons[NR_REASONS];
};

struct fuzz {
	const char *disk, *parameter;
	int disk_fd;
	__u64 disk_sectors;
	uint64_t state;			/* of the random numbers for this table */
	unsigned long long seed, nr;	/* which table it is */
	char line[MAX_LINE];
	__u64 begin, len;		/* of the target with this line */
	bool exists;			/* the device */
	unsigned int minor;
	struct counters count;
};

extern struct fuzz fuzz;

static inline __u64 random64(void)
{
	return random_number(&fuzz.state);
}

static inline unsigned int below(unsigned int n)
{
	return random_below(&fuzz.state, n);
}

static inline bool percent(unsigned int n)
{
	return below(100) < n;
}

#define pick(list) ((list)[below(sizeof(list) / sizeof((list)[0]))])

/* Something does not hold: prints what, the table, and how to repeat it; ends the program. */
__printf(1, 2) __noreturn void surprise(const char *format, ...);

/*
 * Makes the line of a table, of at most MAX_LINE bytes, and fuzz.begin and fuzz.len.
 * Returns whether nothing in it is wrong.
 */
bool make_table(char *line);

/* What expected_reason() may return, other than NULL and "?". */
extern const char * const reason_names[NR_REASONS];

/* Reads the line of a target of that many sectors, whatever is in it. */
void parse_table(struct table *t, const char *line, __u64 len);

/* Whether the line troubles a kernel with and without batching. */
bool known_trouble(const struct table *t);

/* Whether its disk is not ours: outside of a virtual machine there are others. */
bool other_disk(const struct table *t);

/* Why a table must not be batched, NULL if it must be; "?" if it cannot be told. */
const char *expected_reason(const struct table *t);

struct target {
	__u64 begin, len;
	const char *line;
};

/* Must be called before the device is used in any way; it does not exist then. */
void open_device_mapper(void);

/* Makes the device, without a table. */
void create_device(void);

/* Removes it, with its tables, if it exists. */
void remove_device(void);

/* Load an inactive table of these targets, or of one; return 0 or -errno. */
int load_targets(const struct target *targets, unsigned int nr);
int load(const char *line, __u64 begin, __u64 len);

/* Drops the inactive table, if there is one. */
void clear_inactive(void);

/*
 * Suspends the device, or resumes it, by which an inactive table becomes the active one.
 * Returns 0 or -errno.
 */
int set_suspended(bool suspend);

/*
 * What the one target says, at most MAX_LINE bytes: its status or, with
 * DM_STATUS_TABLE_FLAG, its table.
 */
void get_status(unsigned int flags, char *to);

/* Sends a message to the target of the active table; returns 0 or -errno. */
int send_message(const char *text);

/* Must be called before use_table(). */
void allocate_buffers(void);

/* All that is done with a table that was accepted, and is the inactive one. */
void use_table(const struct table *t);

#endif
