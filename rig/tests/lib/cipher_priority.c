// SPDX-License-Identifier: GPL-2.0
/*
 * Make the kernel prefer a driver of a cipher to others, or not any more.
 *
 * usage: cipher_priority DRIVER PRIORITY
 *
 * DRIVER is the driver's name in /proc/crypto, which also shows its present PRIORITY.
 * Volumes that are opened afterwards get the driver with the highest priority.
 */
#include <err.h>
#include <errno.h>
#include <linux/cryptouser.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "parse_number.h"

struct update {
	struct nlmsghdr header;
	struct crypto_user_alg alg;
	struct nlattr attribute;
	uint32_t priority;
};

struct answer {
	struct nlmsghdr header;
	struct nlmsgerr error;
};

int main(int argc, char **argv)
{
	struct update update = {
		.header = {
			.nlmsg_len = sizeof(update),
			.nlmsg_type = CRYPTO_MSG_UPDATEALG,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		},
		.attribute = {
			.nla_len = sizeof(update.attribute) + sizeof(update.priority),
			.nla_type = CRYPTOCFGA_PRIORITY_VAL,
		},
	};
	struct answer answer;
	unsigned long long priority;
	size_t name_length;
	ssize_t length;
	int fd;

	if (argc != 3)
		errx(2, "usage: cipher_priority DRIVER PRIORITY");
	name_length = strlen(argv[1]);
	if (name_length >= sizeof(update.alg.cru_driver_name))
		errx(1, "'%s' is too long for a driver's name", argv[1]);
	memcpy(update.alg.cru_driver_name, argv[1], name_length);
	priority = parse_number("PRIORITY", argv[2], NULL);
	if (priority > INT32_MAX)
		errx(1, "PRIORITY: %llu is more than the kernel can compare", priority);
	update.priority = priority;

	fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_CRYPTO);
	if (fd < 0)
		err(1, "the kernel has no NETLINK_CRYPTO");
	if (send(fd, &update, sizeof(update), 0) != sizeof(update))
		err(1, "cannot ask the kernel");
	length = recv(fd, &answer, sizeof(answer), 0);
	if (length < 0)
		err(1, "no answer from the kernel");
	if ((size_t)length < sizeof(answer) || answer.header.nlmsg_type != NLMSG_ERROR)
		errx(1, "the kernel's answer is not one to this");
	errno = -answer.error.error;
	if (errno)
		err(1, "%s", argv[1]);
	return 0;
}
