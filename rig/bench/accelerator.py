#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Benchmark dm-crypt on QEMU's virtio crypto device, batched and not.

One guest has volumes of all kinds, which take turns.  All figures come from one run:

 - how fast I/O is with one request for many sectors, against one request for each;
 - how long QEMU works for the device meanwhile, which no driver can change, and how
   fast I/O could be if nothing else took time;
 - how often the device is notified, and how often it notifies, from QEMU's own traces.

The guest is emulated, so that its processor is slow and its device is not.
"""

import argparse
import collections
import datetime
import json
import os
import subprocess
import sys
import time

# Write no bytecode to the source tree.
sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
from bench import machine
from report import replace_part, rst_table, text_table
from stats import median, spread

HERE = os.path.dirname(os.path.abspath(__file__))
BOOT = os.path.join(HERE, "..", "boot", "boot.sh")

BEGIN = ".. The table from here to the end mark is made by accelerator.py.\n"
END = ".. End of the table that is made by accelerator.py.\n"

# For a size of I/O: the least factor by which batching must speed it up, and the most
# notifications of the device for one I/O.  Leaving an emulated guest costs next to
# nothing, so batching gains less than where leaving a guest is expensive.
BARS = {"4k": (0.9, 1.5), "1m": (1.4, 16)}
EVENTS = {"virtio_queue_notify": "notifications", "virtio_notify": "interrupts"}


def events(path):
    """Count the device's notifications and interrupts in a trace.  The trace also has
    events of other devices, but fewer."""
    counts = {name: collections.Counter() for name in EVENTS}
    with open(path, encoding="utf-8", errors="replace") as trace:
        for line in trace:
            words = line.split()
            name = words[0].rsplit(":", 1)[-1] if words else ""
            if name in counts and "vdev" in words:
                counts[name][words[words.index("vdev") + 1]] += 1
    return {name: max(counts[name].values(), default=0) for name in EVENTS}


def device_seconds(pidfile):
    """The processor time that QEMU's main thread has used.  The device runs in this
    thread; the emulated processors have threads of their own."""
    try:
        with open(pidfile, encoding="ascii") as file:
            pid = int(file.read())
        with open(f"/proc/{pid}/task/{pid}/stat", encoding="ascii") as file:
            words = file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return 0.0
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def run(args):
    """Boot the guest; returns the lines that it printed, each as a list of words, with
    the device's seconds at that time."""
    report = os.path.join(args.results, "accelerator.report")
    pidfile = os.path.join(args.results, "accelerator.pid")
    with open(report, "w", encoding="utf-8"):
        pass
    command = [BOOT, "--kernel", args.kernel, "--rootfs", args.rootfs, "--quiet",
               "--accelerator", "--job", "accelerator", "--timeout", "3600",
               *(["--emulator", args.emulator] if args.emulator else []),
               *(["--smp", args.smp] if args.smp else []),
               "--qemu", "-pidfile", "--qemu", pidfile,
               "--args", f"{args.results} {args.rounds} {args.seconds}",
               "--append", "brd.rd_size=65536",
               "--log", os.path.join(args.results, "accelerator.console"),
               "--report", report]
    lines = []
    with subprocess.Popen(command) as process, open(report, encoding="utf-8") as file:
        partial = ""
        running = True
        while running:
            running = process.poll() is None
            seconds = device_seconds(pidfile)
            *complete, partial = (partial + file.read()).split("\n")
            lines += [(line.split(), seconds) for line in complete]
            time.sleep(0.02)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command[0])
    return lines


Round = collections.namedtuple("Round", "us sectors device_us")


def measured(lines, seconds):
    """The rounds of each volume, direction and size: microseconds for a sector of 512
    bytes, number of sectors, and the device's microseconds for all sectors."""
    found = collections.defaultdict(list)
    before = 0.0
    for words, device in lines:
        if words[:1] == ["speed"]:
            sectors = float(words[4]) * 2 * seconds
            found[tuple(words[1:4])].append(
                Round(1e6 * seconds / sectors, sectors, 1e6 * (device - before)))
        if words[:1] in (["begin"], ["speed"]):
            before = device
    return found


def evaluate(lines, directory, seconds):
    """A record for each direction and size."""
    found = measured(lines, seconds)
    records = []
    for volume, direction, size in found:
        if volume != "batched":
            continue
        batched, single, cpu = (found[name, direction, size]
                                for name in ("batched", "single", "cpu"))
        record = {"rw": direction, "bs": size}
        for name, other in (("single", single), ("cpu", cpu)):
            ratios = [two.us / one.us for one, two in zip(batched, other)]
            record[name] = median(ratios)
            record[name + "_spread"] = spread(ratios)
        record["us_single"] = median([one.us for one in single])
        record["us_batched"] = median([one.us for one in batched])
        # QEMU's main thread has other work, and just as much when the CPU encrypts.
        record["us_device"] = median([(one.device_us - two.device_us) / one.sectors
                                      for one, two in zip(batched, cpu)])
        record["at_most"] = record["us_single"] / record["us_device"]
        records.append(record)
    for words, _ in lines:
        if words[:1] == ["traced"]:
            volume, direction, size, ios = words[1:5]
            record = next(one for one in records
                          if (one["rw"], one["bs"]) == (direction, size))
            found = events(os.path.join(directory, f"{volume}-{direction}-{size}"))
            for name, text in EVENTS.items():
                record[f"{text}_{volume}"] = found[name] / int(ios)
    return records


HEAD = ("I/O", "size", "batched/single", "spread", "at most", "batched/CPU", "spread",
        "µs, single", "batched", "device",
        "notifications, single", "batched", "interrupts, single", "batched")


def row(record):
    """A line of the table."""
    return [record["rw"], record["bs"],
            f"{record['single']:.2f}", f"{record['single_spread']:.0%}",
            f"{record['at_most']:.1f}",
            f"{record['cpu']:.2f}", f"{record['cpu_spread']:.0%}",
            *(f"{record['us_' + name]:.1f}" for name in ("single", "batched", "device")),
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


def document(page, records, facts, args):
    """Put the table into a page of documentation."""
    text = (f":Cipher: {facts['cipher']}\n:Kernel: {facts['kernel']}\n"
             f":Machine: {machine()}\n:Date: {datetime.date.today()}\n"
             f":Rounds: {args.rounds}, of {args.seconds} s for each volume\n")
    table = rst_table([HEAD] + [row(one) for one in records])
    replace_part(page, BEGIN, END, f"{text}\n{table}\n")


def main():
    """Measure, write down, compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernel", required=True)
    parser.add_argument("--rootfs", required=True)
    parser.add_argument("--results", required=True, metavar="DIR",
                        help="for accelerator.json, traces and logs")
    parser.add_argument("--emulator", metavar="FILE", help="as for boot.sh")
    parser.add_argument("--smp", metavar="N", help="as for boot.sh")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--document", metavar="RST")
    parser.add_argument("--check", action="store_true", help="compare with the bars")
    args = parser.parse_args()
    args.results = os.path.abspath(args.results)
    os.makedirs(args.results, exist_ok=True)

    lines = run(args)
    records = evaluate(lines, args.results, args.seconds)
    with open(os.path.join(args.results, "accelerator.json"), "w",
              encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(map(json.dumps, records)) + "\n]\n")
    print(text_table([HEAD] + [row(record) for record in records]))
    if args.document:
        facts = {words[0]: words[1] for words, _ in lines
                 if words[:1] in (["cipher"], ["kernel"])}
        document(args.document, records, facts, args)
    sys.exit(1 if args.check and check(records) else 0)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"accelerator.py: {error}")
