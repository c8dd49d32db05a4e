#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Benchmark dm-crypt on QEMU's virtio crypto device, batched and not.

One machine has volumes of all kinds, which take turns.  The figures are ratios of one
run: how fast I/O is with one request for many sectors, against one for each; and how
often the device is notified, and notifies, as QEMU's own traces have it.  They are
those of an emulated machine, whose processor is slow and whose device is not.
"""

import argparse
import collections
import datetime
import json
import os
import subprocess
import sys

# Nothing is left behind in a source tree.
sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
from bench import machine
from report import replace_part, rst_table, text_table
from stats import median, spread

HERE = os.path.dirname(os.path.abspath(__file__))
BOOT = os.path.join(HERE, "..", "qemu", "boot.sh")

BEGIN = ".. The table from here to the end mark is made by accelerator.py.\n"
END = ".. End of the table that is made by accelerator.py.\n"

# Size of the I/O to what batching has to multiply its speed by, and to how often the
# device may be notified of one.  It costs an emulated machine next to nothing to be
# left, so batching gains less than where that is dear.
BARS = {"4k": (0.9, 1.5), "1m": (1.4, 16)}
EVENTS = {"virtio_queue_notify": "notifications", "virtio_notify": "interrupts"}


def events(path):
    """How often the device was notified and notified: a trace has others' events, too,
    of which there are few."""
    counts = {name: collections.Counter() for name in EVENTS}
    with open(path, encoding="utf-8", errors="replace") as trace:
        for line in trace:
            words = line.split()
            name = words[0].rsplit(":", 1)[-1] if words else ""
            if name in counts and "vdev" in words:
                counts[name][words[words.index("vdev") + 1]] += 1
    return {name: max(counts[name].values(), default=0) for name in EVENTS}


def run(args):
    """Boot the machine; returns what it printed, a list of words a line."""
    report = os.path.join(args.results, "accelerator.report")
    subprocess.run(
        [BOOT, "--kernel", args.kernel, "--rootfs", args.rootfs, "--quiet",
         "--accelerator", "--job", "accelerator", "--timeout", "3600",
         *(["--emulator", args.emulator] if args.emulator else []),
         "--args", f"{args.results} {args.rounds} {args.seconds}",
         "--append", "brd.rd_size=65536",
         "--log", os.path.join(args.results, "accelerator.console"),
         "--report", report], check=True)
    with open(report, encoding="utf-8") as file:
        return [line.split() for line in file]


def evaluate(lines, directory):
    """A record for each direction and size."""
    speeds = collections.defaultdict(list)
    records = []
    for words in lines:
        if words[:1] == ["speed"]:
            speeds[tuple(words[1:4])].append(float(words[4]))
    for (volume, direction, size), batched in speeds.items():
        if volume != "batched":
            continue
        record = {"rw": direction, "bs": size}
        for other in ("single", "cpu"):
            ratios = [one / two for one, two in
                      zip(batched, speeds[other, direction, size])]
            record[other] = median(ratios)
            record[other + "_spread"] = spread(ratios)
        records.append(record)
    for words in lines:
        if words[:1] == ["traced"]:
            volume, direction, size, ios = words[1:5]
            record = next(one for one in records
                          if (one["rw"], one["bs"]) == (direction, size))
            found = events(os.path.join(directory, f"{volume}-{direction}-{size}"))
            for name, text in EVENTS.items():
                record[f"{text}_{volume}"] = found[name] / int(ios)
    return records


HEAD = ("I/O", "size", "batched/single", "spread", "batched/CPU", "spread",
        "notifications, single", "batched", "interrupts, single", "batched")


def row(record):
    """A line of the table."""
    return [record["rw"], record["bs"],
            f"{record['single']:.2f}", f"{record['single_spread']:.0%}",
            f"{record['cpu']:.2f}", f"{record['cpu_spread']:.0%}",
            *(f"{record[name + volume]:.1f}" for name in ("notifications_", "interrupts_")
              for volume in ("single", "batched"))]


def check(records):
    """The bars, as TAP; returns how many were missed."""
    tests = []
    for record in records:
        speed, notifications = BARS[record["bs"]]
        name = f"{record['bs']} {record['rw']}"
        tests.append((record["single"] >= speed, f"{name}: batched is"
                      f" {record['single']:.2f} times as fast, of {speed:.1f}"))
        found = record["notifications_batched"]
        tests.append((found <= notifications, f"{name}: {found:.2f} notifications,"
                      f" of {notifications} at most"))
    print(f"TAP version 13\n1..{len(tests)}")
    for number, (passed, text) in enumerate(tests, 1):
        print(f"{'ok' if passed else 'not ok'} {number} {text}")
    return sum(not passed for passed, _ in tests)


def document(page, records, cipher, args):
    """Put the table into a page of documentation."""
    facts = (f":Cipher: {cipher}\n:Machine: {machine()}\n:Date: {datetime.date.today()}\n"
             f":Rounds: {args.rounds}, of {args.seconds} s for each volume\n")
    table = rst_table([HEAD] + [row(one) for one in records])
    replace_part(page, BEGIN, END, f"{facts}\n{table}\n")


def main():
    """Measure, write down, compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernel", required=True)
    parser.add_argument("--rootfs", required=True)
    parser.add_argument("--results", required=True, metavar="DIR",
                        help="for accelerator.json, traces and logs")
    parser.add_argument("--emulator", metavar="FILE", help="as for boot.sh")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--document", metavar="RST")
    parser.add_argument("--check", action="store_true", help="compare with the bars")
    args = parser.parse_args()
    args.results = os.path.abspath(args.results)
    os.makedirs(args.results, exist_ok=True)

    lines = run(args)
    records = evaluate(lines, args.results)
    with open(os.path.join(args.results, "accelerator.json"), "w",
              encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(map(json.dumps, records)) + "\n]\n")
    print(text_table([HEAD] + [row(record) for record in records]))
    if args.document:
        cipher = next(words[1] for words in lines if words[:1] == ["cipher"])
        document(args.document, records, cipher, args)
    sys.exit(1 if args.check and check(records) else 0)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"accelerator.py: {error}")
