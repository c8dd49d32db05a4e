# SPDX-License-Identifier: GPL-2.0
"""Measure one cell, on one kernel or on all kernels in turn."""

import contextlib
import math
from concurrent.futures import wait
from statistics import median, quantiles

from guest import GuestError, words
from matrix import LARGEST_BIO

# Bytes of one run.
EXACT_BYTES = 4 << 20
# When many small writes are under way, the scheduler decides how many of them a
# thread of dm-crypt gets at once.  This number differs from run to run, and long
# runs even it out.
EXACT_BYTES_DEEP_WRITES = 16 << 20
# Bytes of one run by block size: a run should take tens of milliseconds.
NATIVE_BYTES = {"4k": 32 << 20, "16k": 64 << 20, "64k": 128 << 20,
                "128k": 128 << 20, "1m": 192 << 20}
# A run has at least this many times the bytes that are under way.
TIMES_UNDER_WAY = 2

# In exact mode a cell is run until the spread of its results is at most EXACT_SPREAD.
# EXACT_ROUNDS are the least and the most runs.
EXACT_SPREAD = 0.002
EXACT_ROUNDS = (5, 25)
# The part of a run in exact mode for which the guest may be idle.
IDLE_PART = 0.001


def spread(values):
    """The distance between the quartiles, relative to the median.

    Half of all values lie between the quartiles.  Fewer than two values have spread 0.
    """
    if len(values) < 2:
        return 0.0
    low, middle, high = quantiles(values, n=4, method="inclusive")
    return abs((high - low) / middle) if middle else 0.0


class Subject:
    """A cell on one kernel, set up in a guest.

    dm-crypt's own cost is the cost of I/O on its volume, less the cost of the same I/O
    on the bare disk.  A cipher alone has no disk.
    """

    def __init__(self, guest, kernel, cell, method):
        self.guest = guest
        self.kernel = kernel
        self.cell = cell
        self.exact = method == "exact"
        # QEMU counts one instruction as one nanosecond.  On x86, a cycle is a nanosecond, too,
        # and get_cycles() is more exact than the kernel's clock.  On arm64, a cycle of
        # get_cycles() is 16 nanoseconds.
        self.clock = "cycles" if self.exact and guest.arch == "x86_64" else "ns"
        amount = EXACT_BYTES if method == "exact" else NATIVE_BYTES[cell.bs]
        slowness = cell.cipher.slowness if method == "native" else 1
        self.bytes = max(amount // slowness, TIMES_UNDER_WAY * cell.iodepth * cell.bytes)
        if method == "exact" and cell.rw == "write" and cell.iodepth > 1 and \
           cell.workqueue == "default":
            self.bytes = max(self.bytes, EXACT_BYTES_DEEP_WRITES)
        self.algorithm, self.driver = guest.find_cipher(cell.cipher.algorithms)
        self.device = None

    def __enter__(self):
        """Make the mapping, and check it."""
        if self.cell.target != "cipher":
            mdu = self.kernel if self.cell.target == "crypt" else "unpatched"
            answer = self.guest.command(
                f"create {self.kernel} {mdu} {self.cell.table(self.algorithm)}")
            self.device = words(answer)["device"]
            try:
                self.check_begin()
            except GuestError:
                self.remove()
                raise
        return self

    def __exit__(self, error, *_):
        """Check that the right thing was measured, and remove the mapping."""
        if not self.device:
            return
        try:
            if not error:
                self.check_end()
        finally:
            self.remove()

    def remove(self):
        """Remove the mapping.  If this fails, no cell can be measured here any more."""
        with contextlib.suppress(GuestError):
            self.guest.command(f"remove {self.kernel}")

    def status(self):
        """The status of the mapping, without sizes and the target's name."""
        return " ".join(self.guest.command(f"status {self.kernel}").split()[3:])

    def check(self, passed, expected, status):
        """Fail if the mapping is not as requested: better no figure than a wrong one."""
        if not passed:
            self.guest.fail(f"expected {expected}, the mapping says '{status}'")

    def check_begin(self):
        """Fail unless batching is on or off as it should be."""
        status = self.status()
        if self.cell.target != "crypt" or self.kernel == "unpatched":
            self.check(not status, "nothing", status)
            return
        expected = "batch_sectors:on"
        if self.kernel == "off":
            expected = "batch_sectors:off reason:disabled"
        elif self.cell.iv == "plain64be":
            expected = "batch_sectors:off reason:iv_mode"
        self.check(status.startswith(expected), expected, status)

    def check_end(self):
        """Fail unless I/O was batched as it should be."""
        status = self.status()
        counters = words(status.replace(":", "="))
        if self.cell.target == "crypt" and "batches" in counters:
            batched = self.cell.bytes > self.cell.sector_size
            self.check(counters["fallbacks"] == "0" and (counters["batches"] != "0") == batched,
                       "batches" if batched else "no batches", status)

    def run(self, line):
        """Do one run; returns the cost of 512 bytes."""
        answer = words(self.guest.command(f"run {line}"))
        # While the guest is idle, counted time leaps, and does not measure work.
        idle = int(answer["idle_us"]) * 1000
        if self.exact and idle > IDLE_PART * int(answer["ns"]):
            self.guest.fail(f"idle for {idle} ns of {answer['ns']}")
        return int(answer[self.clock]) / (self.bytes >> 9)

    def measure(self):
        """Measure once.  A cipher alone gets requests like those of dm-crypt."""
        cell = self.cell
        what = f"{cell.rw} {cell.buffer} {cell.bytes} {self.bytes} {cell.iodepth}"
        if cell.target == "cipher":
            unit = cell.sector_size if self.kernel == "on" else 0
            request = min(cell.bytes, LARGEST_BIO) if unit else cell.sector_size
            return self.run(f"cipher {self.algorithm} {what} {cell.key_bits} {request} {unit}")
        bare = self.run(f"block {self.guest.info['disk']} {what} 0 0 0")
        return self.run(f"block {self.device} {what} 0 0 0") - bare


def exact_on(guest, kernel, cell):
    """Measure a cell on one kernel, counting instructions; returns driver and costs."""
    costs = []
    least, most = EXACT_ROUNDS
    with Subject(guest, kernel, cell, "exact") as subject:
        subject.measure()
        while len(costs) < least or (len(costs) < most and spread(costs) > EXACT_SPREAD):
            costs.append(subject.measure())
    return subject.driver, costs


def exact(guests, cell, pool):
    """Measure a cell on all kernels at the same time, in threads of the pool.

    guests is a dictionary from kernel to guest.  Returns drivers and costs by kernel.
    """
    futures = [pool.submit(exact_on, guests[kernel], kernel, cell) for kernel in cell.kernels]
    # Even if one measurement fails, wait for all: then no thread talks to a guest any more.
    wait(futures)
    drivers, costs = zip(*(future.result() for future in futures))
    return dict(zip(cell.kernels, drivers)), dict(zip(cell.kernels, costs))


def native(guests, cell, pairs):
    """Measure a cell on all kernels in turn, every second time in reverse order.

    Arguments and result are those of exact().
    """
    with contextlib.ExitStack() as stack:
        subjects = [stack.enter_context(Subject(guests[kernel], kernel, cell, "native"))
                    for kernel in cell.kernels]
        costs = {kernel: [] for kernel in cell.kernels}
        for subject in subjects:
            subject.measure()
        for pair in range(pairs):
            for subject in subjects[::-1] if pair % 2 else subjects:
                costs[subject.kernel].append(subject.measure())
    return {subject.kernel: subject.driver for subject in subjects}, costs


def make_record(cell, drivers, costs, paired):
    """The record of a cell.  drivers and costs are dictionaries by kernel.

    paired says that the kernels took turns, so that their costs come in pairs.  A ratio is
    then the median of the ratios of all pairs.  The error of a ratio is its standard error,
    from the errors of both medians: if n values are normally distributed and their quartiles
    are a distance d apart, the standard error of their median is 0.93 d / sqrt(n).
    """
    record = cell.fields() | {"cipher": ", ".join(sorted(set(drivers.values())))}
    record |= {kernel: round(median(found), 2 if paired else 1)
               for kernel, found in costs.items()}
    spreads = {kernel: spread(found) for kernel, found in costs.items()}
    errors = {kernel: 0.93 * spreads[kernel] / math.sqrt(len(found))
              for kernel, found in costs.items()}
    of_ratios = []
    for kernel in cell.kernels[1:]:
        ratio = record[kernel] / record["unpatched"]
        if paired:
            ratios = [cost / other for cost, other in zip(costs[kernel], costs["unpatched"])]
            ratio = median(ratios)
            of_ratios.append(spread(ratios))
        record[kernel + "_ratio"] = round(ratio, 4)
        record[kernel + "_error"] = round(math.hypot(errors[kernel], errors["unpatched"]), 5)
    record["spread"] = round(max(of_ratios or spreads.values()), 4)
    return record
