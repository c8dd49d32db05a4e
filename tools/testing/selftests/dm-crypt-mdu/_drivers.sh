# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the kernel has ciphers by, as /proc/crypto tells.  To be sourced.

# drivers_of NAME: a line "DRIVER PRIORITY UNITS SELFTEST TYPE" for each driver of that
# algorithm; UNITS is "many" or "one".  Internal ones are left out, as nobody can ask for
# them.
drivers_of() {
	awk -F ' *: ' -v wanted="$1" '
		$1 == "name" {
			split("", value)
			value["internal"] = "no"
			value["data units"] = "one"
		}
		NF { value[$1] = $2 }
		!NF && value["name"] == wanted && value["internal"] == "no" {
			print value["driver"], value["priority"], value["data units"],
				value["selftest"], value["type"]
		}' /proc/crypto
}

# preferred_driver NAME: the line of the one with the highest priority
preferred_driver() {
	drivers_of "$1" | sort -k 2,2nr -s | sed -n 1p
}
