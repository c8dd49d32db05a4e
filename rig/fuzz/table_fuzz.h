/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interfaces between the parts of table_fuzz: generator.c makes tables, table.c parses
 * them, device_mapper.c loads them, and use.c uses those that the kernel accepts.  main.c
 * runs all of this; its head comment is the usage of the program.
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

/* The content of a crypt table, as far as the program needs it. */
struct table {
	const char *words[MAX_WORDS];
	unsigned int nr_words;
	char copy[MAX_LINE];
	char api[256];		/* algorithm requested of the crypto API */
	char iv_mode[256];	/* empty if there is none */
	unsigned int keys;
	__u64 iv_offset, start, len;
	unsigned int sector_size;
	unsigned int nr_integrity;
	bool large_iv, aead;
	bool complete;		/* as far as the line shows */
	bool too_big;		/* a number is too big */
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
	unsigned long long seed, nr;	/* these identify the table */
	char line[MAX_LINE];
	__u64 begin, len;		/* of the target with this line */
	bool exists;			/* the device exists */
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

/* A check failed: prints the table, how to repeat it, and the reason; ends the program. */
__printf(1, 2) __noreturn void surprise(const char *format, ...);

/*
 * Makes the line of a table at random, of at most MAX_LINE bytes, and sets fuzz.begin and
 * fuzz.len.  Makes some parts wrong on purpose.  Returns true if no part is wrong.
 */
bool make_table(char *line);

/* Results of expected_reason() other than NULL and "?". */
extern const char * const reason_names[NR_REASONS];

/* Parses the line of a target of len sectors.  The line may be anything. */
void parse_table(struct table *t, const char *line, __u64 len);

/* Returns true if the line troubles a kernel both with and without batching. */
bool known_trouble(const struct table *t);

/* Returns true if the table names another disk: outside of a guest there are others. */
bool other_disk(const struct table *t);

/* Returns why a table must not be batched, NULL if it must be, "?" if unknown. */
const char *expected_reason(const struct table *t);

struct target {
	__u64 begin, len;
	const char *line;
};

/* Call this before any other use of the device.  It does not create the device. */
void open_device_mapper(void);

/* Creates the device, without a table. */
void create_device(void);

/* Removes the device with its tables, if the device exists. */
void remove_device(void);

/* Load an inactive table of these targets, or of one target; return 0 or -errno. */
int load_targets(const struct target *targets, unsigned int nr);
int load(const char *line, __u64 begin, __u64 len);

/* Drops the inactive table, if there is one. */
void clear_inactive(void);

/*
 * Suspends or resumes the device.  Resuming makes an inactive table the active one.
 * Returns 0 or -errno.
 */
int set_suspended(bool suspend);

/*
 * Gets the status of the only target or, with DM_STATUS_TABLE_FLAG, its table, of at most
 * MAX_LINE bytes.
 */
void get_status(unsigned int flags, char *to);

/* Sends a message to the target of the active table; returns 0 or -errno. */
int send_message(const char *text);

/* Call this before use_table(). */
void allocate_buffers(void);

/* Uses an accepted table, which is the inactive one, and checks that it works. */
void use_table(const struct table *t);

#endif
