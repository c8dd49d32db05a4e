# SPDX-License-Identifier: GPL-2.0
"""Measure dm-crypt on QEMU's virtio crypto device, batched and not.

One guest has volumes of all kinds, which take turns.  All figures come from one run:

 - how fast I/O is with one request for many sectors, against one request for each;
 - how long QEMU itself works for the device: no driver can change this time, so it
   limits the gain (the figure "at most");
 - how often the guest notifies the device, and how often the device interrupts the
   guest, from QEMU's own traces.

QEMU emulates the guest's processor, which is slow.  The device is as fast as the host.
"""

import collections
import os
import time
from statistics import median

from guest import Guest
from matrix import KEY
from measure import spread

VOLUMES = ("batched", "single", "cpu")
# How often each volume takes its turn, and the duration of each turn.
ROUNDS = 7
SECONDS = 2
KINDS = [(size, rw) for size in ("4k", "1m") for rw in ("read", "write")]
# I/Os whose events are counted.
TRACED = {"4k": 100, "1m": 8}
EVENTS = {"virtio_queue_notify": "notifications", "virtio_notify": "interrupts"}


def device_seconds(pidfile):
    """The processor time that QEMU's main thread has used.  The device runs in this
    thread; the emulated processors have threads of their own."""
    with open(pidfile, encoding="ascii") as file:
        pid = int(file.read())
    with open(f"/proc/{pid}/task/{pid}/stat", encoding="ascii") as file:
        words = file.read().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def create_volumes(guest):
    """Make all volumes, on the same disk.  The CPU uses the same mode as the device."""
    mode = guest.info["accelerator"]
    device = f"capi:virtio_crypto_aes_{mode}"
    key = KEY[:64 if mode == "xts" else 32].hex()
    for volume, batching, cipher, expected in (
            ("batched", "on", device, "batch_sectors:on"),
            ("single", "off", device, "batch_sectors:off reason:disabled"),
            ("cpu", "on", f"aes-{mode}", "crypt")):
        guest.command(f"create {volume} {batching} crypt {cipher}-plain64 {key} 0 DISK 0")
        status = guest.command(f"status {volume}")
        if expected not in status:
            guest.fail(f"expected {expected} of {volume}, the mapping says '{status}'")


Round = collections.namedtuple("Round", "us sectors device_us")


def measure_round(guest, pidfile, kind):
    """Microseconds for a sector of 512 bytes, number of sectors, and the device's
    microseconds for all of them."""
    before = device_seconds(pidfile)
    speed = 2 * float(guest.command(f"speed {kind} --time_based --runtime={SECONDS}"))
    device = device_seconds(pidfile) - before
    return Round(1e6 / speed, speed * SECONDS, 1e6 * device)


def count_events(guest, path, kind, ios):
    """Count the device's notifications and interrupts for an I/O, in a trace.  The trace
    also has events of other devices.  The device with the most events is this one."""
    guest.command(f"monitor logfile {path}")
    for state in ("on", "off"):
        for name in EVENTS:
            guest.command(f"monitor trace-event {name} {state}")
        time.sleep(0.5)
        if state == "on":
            guest.command(f"speed {kind} --number_ios={ios}")
    counts = {name: collections.Counter() for name in EVENTS}
    with open(path, encoding="utf-8", errors="replace") as trace:
        for line in trace:
            words = line.split()
            name = words[0].rsplit(":", 1)[-1] if words else ""
            if name in counts and "vdev" in words:
                counts[name][words[words.index("vdev") + 1]] += 1
    return {text: max(counts[name].values(), default=0) / ios for name, text in EVENTS.items()}


def make_record(rounds, events):
    """The figures of a direction and size.  rounds and events are dictionaries by
    volume."""
    batched = rounds["batched"]
    ratios = {name: [other.us / one.us for one, other in zip(batched, rounds[name])]
              for name in ("single", "cpu")}
    single_us = median([one.us for one in rounds["single"]])
    # Subtract the other work of QEMU's main thread: it is the same when the CPU encrypts.
    device_us = median([(one.device_us - other.device_us) / one.sectors
                        for one, other in zip(batched, rounds["cpu"])])
    record = {
        "batched/single": median(ratios["single"]), "spread": spread(ratios["single"]),
        "at most": single_us / device_us,
        "batched/CPU": median(ratios["cpu"]), "CPU spread": spread(ratios["cpu"]),
        "µs, single": single_us, "µs, batched": median([one.us for one in batched]),
        "µs, device": device_us}
    for name in EVENTS.values():
        record |= {f"{name}, {volume}": found[name] for volume, found in events.items()}
    return {name: round(value, 2) for name, value in record.items()}


def measure(guest, results):
    """The records of all directions and sizes."""
    pidfile = os.path.join(results, "accelerator.pid")
    create_volumes(guest)
    rounds = collections.defaultdict(list)
    for _ in range(ROUNDS):
        for size, rw in KINDS:
            for volume in VOLUMES:
                rounds[volume, rw, size].append(
                    measure_round(guest, pidfile, f"{volume} {rw} {size}"))
    records = []
    for size, rw in KINDS:
        events = {volume: count_events(
            guest, os.path.join(results, f"{volume}-{rw}-{size}"), f"{volume} {rw} {size}",
            TRACED[size]) for volume in ("single", "batched")}
        records.append({"I/O": rw, "size": size} | make_record(
            {volume: rounds[volume, rw, size] for volume in VOLUMES}, events))
    return records


def run(args):
    """Measure; returns facts about the guest, and the records."""
    results = os.path.abspath(args.results)
    options = ["--kernel", os.path.join(args.accelerator, "image"), "--rootfs", args.rootfs,
               "--accelerator", "--smp", args.smp, "--append", "brd.rd_size=65536",
               "--qemu", "-pidfile", "--qemu", os.path.join(results, "accelerator.pid")]
    if args.emulator:
        options += ["--emulator", args.emulator]
    guest = Guest("accelerator", results, "x86_64", options)
    try:
        records = measure(guest, results)
        guest.close()
    finally:
        guest.kill()
    return guest.info, records
