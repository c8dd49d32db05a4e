#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Boot a disk made by build-image.sh, unlock its volume, and check that the volume
batches.  Boot again, and check that batching stays switched off.

The machine has only the disk: GRUB, the initramfs and Debian's kernel are on it.  When
the initramfs asks for the passphrase on the first serial line, this program types it.
Debian then sends a report over the second serial line (report.sh), which this program
judges.  TAP on stdout.
"""

import argparse
import os
import selectors
import subprocess
import sys
import time

PROMPT = b"unlock disk root_crypt"


def run(args):
    """Boot, and type the passphrase; return whether the machine ended by itself."""
    with open(args.disk + ".passphrase", "rb") as file:
        passphrase = file.read()
    command = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none",
               "-accel", "tcg", "-machine", "pc", "-smp", "2", "-m", "1024", "-cpu", args.cpu,
               "-drive", f"file={args.disk},if=virtio,format=raw,cache=unsafe",
               "-snapshot",
               "-smbios", "type=11,value=io.systemd.credential:dm-crypt-mdu.report=yes",
               "-serial", "stdio", "-serial", f"file:{args.report}"]
    print("#", " ".join(command), flush=True)
    end = time.monotonic() + args.timeout
    typed = 0
    seen = b""
    with subprocess.Popen(command, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as machine, \
            open(args.console, "wb") as console, selectors.DefaultSelector() as selector:
        selector.register(machine.stdout, selectors.EVENT_READ)
        while time.monotonic() < end:
            if not selector.select(timeout=1):
                continue
            data = os.read(machine.stdout.fileno(), 4096)
            if not data:
                break
            console.write(data)
            console.flush()
            seen = (seen + data)[-1000:]
            if PROMPT in seen and typed < 4:
                typed += 1
                seen = b""
                # The initramfs prints the prompt a moment before it reads.
                time.sleep(2)
                machine.stdin.write(passphrase + b"\n")
                machine.stdin.flush()
        else:
            machine.kill()
            return False
    return machine.returncode == 0


def tests(report):
    """Yield for each expected fact its name, and whether the report has it."""
    text = {}
    for line in report:
        key, _, value = line.partition(": ")
        text.setdefault(key.strip(), value.strip())
    status = text.get("status", "")
    counters = dict(word.split(":", 1) for word in status.split() if ":" in word)
    yield "Debian reports to the end", "end" in text
    yield "the kernel is that of the packages", "-mdu-" in text.get("kernel", "")
    yield "the root file system is on the volume", \
        text.get("root") == "/dev/mapper/root_crypt"
    yield "the volume is LUKS2, aes-xts-plain64, sectors of 512", \
        (text.get("type"), text.get("cipher"), text.get("sector size")) == \
        ("LUKS2", "aes-xts-plain64", "512")
    yield "the volume batches", counters.get("batch_sectors") == "on" and \
        int(counters.get("batches", 0)) > 0
    yield "what fio wrote reads the same", text.get("fio") == "exit 0"
    yield "the manual page is installed", "dm-crypt-mdu.7" in text.get("page", "")
    yield "dm-crypt-measure works", text.get("measure") == "exit 0"
    yield "the initramfs is made anew", text.get("initramfs") == "exit 0"
    yield "then the volume does not batch", \
        text.get("status afterwards", "").endswith(" batch_sectors:off reason:disabled")


def main():
    """Boot and judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("disk")
    parser.add_argument("--cpu", default="max", help="as for QEMU")
    parser.add_argument("--timeout", type=int, default=900, metavar="SECONDS")
    args = parser.parse_args()
    args.report = args.disk + ".report"
    args.console = args.disk + ".console"
    with open(args.report, "w", encoding="utf-8"):
        pass

    ended = run(args)
    with open(args.report, encoding="utf-8", errors="replace") as file:
        report = file.read().replace("\r", "").split("\n")
    results = [("the machine ends by itself", ended), *tests(report)]
    for line in report:
        print(f"# {line}")
    print(f"TAP version 13\n1..{len(results)}")
    for number, (name, passed) in enumerate(results, 1):
        print(f"{'ok' if passed else 'not ok'} {number} {name}")
    failed = sum(not passed for _, passed in results)
    if failed:
        print(f"# see {args.console} and {args.report}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
