// SPDX-License-Identifier: GPL-2.0
/*
 * Talk to device mapper about the only device of the program.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "table_fuzz.h"

#define BUFFER_SIZE	65536

static int control;
static char name[64];
static union {
	struct dm_ioctl io;
	char bytes[BUFFER_SIZE];
} dm;

void open_device_mapper(void)
{
	control = open("/dev/mapper/control", O_RDWR);
	if (control < 0)
		err(1, "cannot open /dev/mapper/control");
	snprintf(name, sizeof(name), "mdu-fuzz-%d", getpid());
}

static struct dm_ioctl *dm_start(void)
{
	struct dm_ioctl *io = &dm.io;

	memset(io, 0, sizeof(*io));
	io->version[0] = DM_VERSION_MAJOR;
	io->data_size = sizeof(dm);
	io->data_start = sizeof(*io);
	snprintf(io->name, sizeof(io->name), "%s", name);
	return io;
}

/* Returns 0 or -errno. */
static int dm_do(unsigned long command)
{
	return ioctl(control, command, &dm) ? -errno : 0;
}

void create_device(void)
{
	struct dm_ioctl *io = dm_start();
	int r = dm_do(DM_DEV_CREATE);

	if (r)
		errx(1, "cannot create a device: %s", strerror(-r));
	fuzz.exists = true;
	fuzz.minor = minor(io->dev);
}

/* Try again while it is busy: udev, for example, may have it open for a moment. */
void remove_device(void)
{
	int r, tries;

	if (!fuzz.exists)
		return;
	for (tries = 0; tries < 100; tries++) {
		dm_start();
		r = dm_do(DM_DEV_REMOVE);
		if (r != -EBUSY)
			break;
		usleep(50000);
	}
	if (r)
		surprise("the device cannot be removed: %s", strerror(-r));
	fuzz.exists = false;
}

int load_targets(const struct target *targets, unsigned int nr)
{
	struct dm_ioctl *io = dm_start();
	size_t at = sizeof(*io);
	unsigned int i;

	io->target_count = nr;
	for (i = 0; i < nr; i++) {
		struct dm_target_spec *spec = (void *)(dm.bytes + at);
		size_t size = sizeof(*spec) + strlen(targets[i].line) + 1;

		size = (size + 7) & ~7UL;
		memset(spec, 0, size);
		spec->sector_start = targets[i].begin;
		spec->length = targets[i].len;
		spec->next = size;
		snprintf(spec->target_type, sizeof(spec->target_type), "crypt");
		memcpy(spec + 1, targets[i].line, strlen(targets[i].line) + 1);
		at += size;
	}
	io->data_size = at;
	return dm_do(DM_TABLE_LOAD);
}

int load(const char *line, __u64 begin, __u64 len)
{
	struct target target = { .begin = begin, .len = len, .line = line };

	return load_targets(&target, 1);
}

void clear_inactive(void)
{
	dm_start();
	dm_do(DM_TABLE_CLEAR);
}

int set_suspended(bool suspend)
{
	struct dm_ioctl *io = dm_start();

	if (suspend)
		io->flags |= DM_SUSPEND_FLAG;
	return dm_do(DM_DEV_SUSPEND);
}

void get_status(unsigned int flags, char *to)
{
	struct dm_ioctl *io = dm_start();
	const struct dm_target_spec *spec;
	int r;

	io->flags |= flags;
	r = dm_do(DM_TABLE_STATUS);
	if (r)
		surprise("no status: %s", strerror(-r));
	if (io->flags & DM_BUFFER_FULL_FLAG)
		surprise("the status does not fit in %d bytes", BUFFER_SIZE);
	if (io->target_count != 1)
		surprise("%u targets", io->target_count);
	spec = (void *)(dm.bytes + io->data_start);
	if (strcmp(spec->target_type, "crypt"))
		surprise("the target is '%s'", spec->target_type);
	if (spec->length != fuzz.len)
		surprise("the target has %llu sectors", (unsigned long long)spec->length);
	snprintf(to, MAX_LINE, "%s", (const char *)(spec + 1));
}

int send_message(const char *text)
{
	struct dm_ioctl *io = dm_start();
	struct dm_target_msg *msg = (void *)(dm.bytes + sizeof(*io));

	fuzz.count.messages++;
	msg->sector = 0;
	snprintf(msg->message, MAX_LINE, "%s", text);
	io->data_size = sizeof(*io) + sizeof(*msg) + strlen(text) + 1;
	return dm_do(DM_TARGET_MSG);
}
