# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Query the cipher drivers in /proc/crypto.  To be sourced.

# drivers_of NAME: prints a line "DRIVER PRIORITY UNITS SELFTEST TYPE" for each driver of
# that algorithm.  UNITS is "many" or "one".  Skips internal drivers, as users cannot ask
# for them.
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

# preferred_driver NAME: prints such a line for the driver with the highest priority
preferred_driver() {
	drivers_of "$1" | sort -k 2,2nr -s | sed -n 1p
}
