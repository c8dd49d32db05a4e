# SPDX-License-Identifier: GPL-2.0
"""Measure one cell, on one kernel or on all kernels in turn."""

import stats
from guest import GuestError, words
from matrix import LARGEST_BIO, MDU

# Bytes of one run.
EXACT_BYTES = 4 << 20
# When many small writes are under way, the scheduler decides how many of them a
# thread of dm-crypt gets at once.  This number differs from run to run.
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


class Subject:
    """A cell on one kernel, set up in a guest.

    dm-crypt's own cost is the cost of I/O on its volume, less the cost of the same I/O
    on the bare disk.  A cipher alone has no disk.
    """

    def __init__(self, guest, kernel, cell, method):
        self.guest = guest
        self.kernel = kernel
        self.cell = cell
        self.clock = "cycles" if method == "exact" else "ns"
        amount = EXACT_BYTES if method == "exact" else NATIVE_BYTES[cell.bs]
        slowness = cell.cipher.slowness if method == "native" else 1
        self.bytes = max(amount // slowness, TIMES_UNDER_WAY * cell.iodepth * cell.bytes)
        if method == "exact" and cell.rw == "write" and cell.iodepth > 1 and \
           cell.workqueue == "default":
            self.bytes = max(self.bytes, EXACT_BYTES_DEEP_WRITES)
        self.algorithm, self.driver = self.find_cipher()
        self.name = kernel
        self.status = ""
        self.device = None
        if cell.target != "cipher":
            mdu = MDU[kernel] if cell.target == "crypt" else "none"
            table = cell.table(self.algorithm)
            answer = guest.command(f"create {self.name} {mdu} {table}")
            self.device = words(answer)["device"]
            try:
                self.check_begin()
            except GuestError:
                self.discard()
                raise

    def find_cipher(self):
        """The first of the cipher's names that this kernel has."""
        for algorithm in self.cell.cipher.algorithms:
            driver = self.guest.driver(algorithm)
            if driver:
                return algorithm, driver
        names = " or ".join(self.cell.cipher.algorithms)
        return self.guest.fail(f"no cipher {names} in this kernel")

    def fail_status(self, expected):
        """Fail, as the mapping is not as requested: better no figure than a wrong one."""
        self.guest.fail(f"{self.cell.label()}, {self.kernel}: expected {expected},"
                        f" the mapping says '{self.status}'")

    def get_status(self):
        """Get the status of the mapping into self.status; returns its counters."""
        line = self.guest.command(f"status {self.name}")
        self.status = " ".join(line.split()[3:])
        return {name: int(value) for name, value in words(
            self.status.replace(":", "=")).items() if value.isdigit()}

    def check_begin(self):
        """Fail unless batching is on or off as it should be."""
        self.get_status()
        if self.cell.target != "crypt" or self.kernel == "unpatched":
            if self.status:
                self.fail_status("nothing")
        elif self.kernel == "patched-off":
            if self.status != "batch_sectors:off reason:disabled":
                self.fail_status("batch_sectors:off reason:disabled")
        elif not self.cell.eligible:
            if self.status != "batch_sectors:off reason:iv_mode":
                self.fail_status("batch_sectors:off reason:iv_mode")
        elif not self.status.startswith("batch_sectors:on "):
            self.fail_status("batch_sectors:on")

    def check_end(self):
        """Fail unless I/O was batched as it should be."""
        counters = self.get_status()
        if self.cell.target != "crypt" or not counters:
            return
        batched = self.cell.bytes > self.cell.sector_size
        if counters["fallbacks"] or (counters["batches"] == 0) == batched:
            self.fail_status("batches" if batched else "no batches")

    def close(self):
        """Check that the right thing was measured, and remove the mapping."""
        if self.device:
            self.check_end()
            self.guest.command(f"remove {self.name}")
            self.device = None

    def discard(self):
        """After an error, remove the mapping if it exists; ignore further errors."""
        if self.device:
            try:
                self.guest.command(f"remove {self.name}")
            except (GuestError, OSError):
                pass
            self.device = None

    def run(self, line):
        """Do one run; returns the cost of 512 bytes."""
        answer = words(self.guest.command(f"run {line} bytes={self.bytes}"))
        # While the guest is idle, counted time leaps, and does not measure work.
        idle = int(answer["idle_us"]) * 1000
        if self.clock == "cycles" and idle > IDLE_PART * int(answer["ns"]):
            self.guest.fail(f"{self.cell.label()}: idle for {idle} ns of {answer['ns']}")
        return int(answer[self.clock]) / (self.bytes >> 9)

    def run_block(self, device):
        """Do one run on a block device."""
        cell = self.cell
        return self.run(f"what=block dev={device} rw={cell.rw} bs={cell.bytes}"
                        f" iodepth={cell.iodepth} buffer={cell.buffer}")

    def run_cipher(self):
        """Do one run of the cipher alone, in requests like those of dm-crypt."""
        cell = self.cell
        unit = cell.sector_size if self.kernel == "patched-on" else 0
        request = min(cell.bytes, LARGEST_BIO) if unit else cell.sector_size
        return self.run(f"what=cipher alg={self.algorithm} rw={cell.rw}"
                        f" bs={cell.bytes} key_bits={cell.key_bits}"
                        f" request={request} unit={unit}")

    def measure(self):
        """Measure once; returns the cost, and the cost of the bare disk."""
        if self.cell.target == "cipher":
            return self.run_cipher(), 0.0
        bare = self.run_block(self.guest.info["disk"])
        return self.run_block(self.device) - bare, bare


def make_record(base, method, subject, samples, more):
    """Make a record of bench.json, with the fields of the cell and the results."""
    cell = subject.cell
    costs = [cost for cost, _ in samples]
    digits = 1 if method == "exact" else 2
    return {
        "base": base,
        "kernel": subject.kernel,
        "method": method,
        "cipher": subject.driver,
        "sector_size": cell.sector_size,
        "iv": cell.iv,
        "rw": cell.rw,
        "bs": cell.bs,
        "iodepth": cell.iodepth,
        "workqueue": cell.workqueue,
        "value": round(stats.median(costs), digits),
        "unit": "instructions" if method == "exact" else "ns",
        "spread": round(stats.spread(costs), 4),
        "target": cell.target,
        "iv_large_sectors": cell.iv_large_sectors,
        "key_bits": cell.key_bits,
        "buffer": cell.buffer,
        "role": cell.cipher.name,
        "bare": round(stats.median([bare for _, bare in samples]), digits),
        "runs": len(samples),
    } | more


def exact(base, guest, kernel, cell):
    """Measure a cell on one kernel, counting instructions."""
    subject = Subject(guest, kernel, cell, "exact")
    samples = []
    least, most = EXACT_ROUNDS
    try:
        subject.measure()
        while len(samples) < least or (
                len(samples) < most and
                stats.spread([cost for cost, _ in samples]) > EXACT_SPREAD):
            samples.append(subject.measure())
        subject.close()
    finally:
        subject.discard()
    return make_record(base, "exact", subject, samples, {})


def native(base, guests, cell, pairs):
    """Measure a cell on all kernels in turn, every second time in reverse order.

    guests is a dictionary from kernel to guest.  A ratio compares each run with the run
    on the unpatched kernel beside it.
    """
    subjects = []
    samples = {kernel: [] for kernel in cell.kernels}
    try:
        for kernel in cell.kernels:
            subjects.append(Subject(guests[kernel], kernel, cell, "native"))
        for subject in subjects:
            subject.measure()
        for pair in range(pairs):
            for subject in subjects[::-1] if pair % 2 else subjects:
                samples[subject.kernel].append(subject.measure())
        for subject in subjects:
            subject.close()
    finally:
        for subject in subjects:
            subject.discard()

    records = []
    reference = [cost for cost, _ in samples["unpatched"]]
    for subject in subjects:
        costs = [cost for cost, _ in samples[subject.kernel]]
        ratios = [cost / other for cost, other in zip(costs, reference)]
        records.append(make_record(base, "native", subject, samples[subject.kernel], {
            "ratio": round(stats.median(ratios), 4),
            "ratio_spread": round(stats.spread(ratios), 4)}))
    return records
