#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Benchmark dm-crypt with and without requests of many data units.

Three methods: "exact" counts instructions in QEMU, "native" measures the time in
User-mode Linux, and "accelerator" measures I/O that QEMU's virtio crypto device encrypts.
The directories are build directories of kernels.  "make bench" and "make bench-accelerator"
build them.  Other load disturbs all methods but "exact".

A run replaces the run of the same name in performance.json.
"""

import argparse
import concurrent.futures
import datetime
import os
import platform
import signal
import sys
import time

# Write no bytecode to the source tree.
sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
import accelerator
import bars
import matrix
import measure
import report
from guest import Guest, GuestError

# Memory of a guest in megabytes.  The writes of all dm-crypt volumes together get at most 2 %
# of the memory, and each volume needs 32 MiB for 32 bios of 1 MiB.  In native mode a guest
# has two volumes.  Unused memory of a guest takes no memory of the host.
MEMORY = {"exact": "2048", "native": "4096"}


class Run:
    """One of the methods "exact" and "native", on the kernels of one base."""

    def __init__(self, args, method, base, pairs, unpatched, patched):
        self.args = args
        self.method = method
        self.pairs = pairs
        self.arch = args.arch if method == "exact" else "x86_64"
        self.name = report.run_name(base, method, self.arch)
        self.directories = {"unpatched": unpatched, "off": patched, "on": patched}
        self.guests = {}
        self.failures = []

    def start_guests(self):
        """Start all guests.  In native mode, batching on and off share a guest, so that
        they differ in nothing else.  In exact mode, each has its own guest, so that all
        can run at the same time.
        """
        exact = self.method == "exact"
        for kernel, directory in self.directories.items():
            if kernel == "on" and not exact:
                self.guests[kernel] = self.guests["off"]
                continue
            guest = Guest(
                f"{self.name}-{kernel}", os.path.join(self.args.results, "logs"),
                self.arch if exact else "um",
                ["--kernel", os.path.join(directory, "image"), "--rootfs", self.args.rootfs,
                 "--mem", MEMORY[self.method], *(["--icount"] if exact else [])])
            self.guests[kernel] = guest
            print(f"{self.name}: {kernel} is Linux {guest.info['release']}", flush=True)
            if guest.info["mdu"] != ("no" if kernel == "unpatched" else "yes"):
                guest.fail(f"not the kernel that it should be, {guest.info}")

    def cells(self):
        """The cells of the mode."""
        has_inlinecrypt = self.guests["unpatched"].info["inlinecrypt"] == "yes"
        if self.args.quick:
            # Only on x86 do the old ciphers batch.
            return [cell for cell in matrix.quick()
                    if self.arch == "x86_64" or cell.cipher not in matrix.OLD]
        # The emulator of arm64 is slow: measure only the cells of the table and the plots.
        return [cell for cell in matrix.full(self.method, has_inlinecrypt)
                if self.arch == "x86_64" or cell.name and cell.cipher not in matrix.OLD
                and cell.iodepth == 1 and cell.workqueue != "none"]

    def measure(self, cells, pool):
        """Measure cells; returns their records.  Prints each cell, and the time left."""
        records = []
        started = time.monotonic()
        for done, cell in enumerate(cells, 1):
            try:
                if self.method == "exact":
                    found = measure.exact(self.guests, cell, pool)
                else:
                    found = measure.native(self.guests, cell, self.pairs)
                records.append(measure.make_record(cell, *found, self.method == "native"))
                text = f"{matrix.describe(records[-1])}:" \
                    f" {' '.join(report.figures(records[-1]))}"
            except GuestError as error:
                self.failures.append(f"{self.name} {matrix.describe(cell.fields())}: {error}")
                text = f"FAILED {self.failures[-1]}"
            elapsed = time.monotonic() - started
            left = datetime.timedelta(seconds=int(elapsed / done * (len(cells) - done)))
            print(f"[{self.name} {done}/{len(cells)}, {left} left] {text}", flush=True)
            if any(guest.ended() for guest in self.guests.values()):
                self.failures.append(f"{self.name}: a guest is gone, {len(cells) - done}"
                                     " cells were not measured")
                break
        return records

    def run(self):
        """Measure all cells; returns the records."""
        load = os.getloadavg()[0]
        if self.method == "native" and load > 0.5:
            print(f"{self.name}: something else is running on this machine (load"
                  f" {load:.1f}), the figures will be less exact")
        with concurrent.futures.ThreadPoolExecutor() as pool:
            try:
                self.start_guests()
                records = self.measure(self.cells(), pool)
                for guest in set(self.guests.values()):
                    if not guest.ended():
                        guest.close()
            finally:
                # Threads that wait for a guest notice that the guest is gone.
                for guest in self.guests.values():
                    guest.kill()
        return records


def parse_arguments():
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for method in ("exact", "native"):
        parser.add_argument(f"--{method}", nargs=3,
                            metavar=("BASE", "UNPATCHED-DIR", "PATCHED-DIR"),
                            help=f"measure these two kernels with the method {method}")
    parser.add_argument("--accelerator", metavar="DIR",
                        help="measure this kernel with the method accelerator")
    parser.add_argument("--rootfs", help="image made by ../boot/build-rootfs.sh")
    parser.add_argument("--results", required=True, metavar="DIR",
                        help="for performance.json, plots and logs")
    parser.add_argument("--quick", action="store_true",
                        help="only the cells that the bars need, about 2 minutes")
    parser.add_argument("--emulator", metavar="FILE", help="accelerator: as for boot.sh")
    parser.add_argument("--smp", default="2", metavar="N", help="accelerator: as for boot.sh")
    parser.add_argument("--arch", default="x86_64", choices=("x86_64", "arm64"),
                        help="exact: architecture of the kernels (default x86_64)")
    parser.add_argument("--command", default=" ".join(["bench.py"] + sys.argv[1:]),
                        help="command line to record with the figures")
    parser.add_argument("--document", metavar="RST",
                        help="also put the results into performance.json beside this page,"
                             " and make the page's tables and plots of that file")
    parser.add_argument("--check", action="store_true",
                        help="compare the results with the bars, in TAP; alone, or after"
                             " measuring")
    args = parser.parse_args()
    wanted = args.exact or args.native or args.accelerator
    if wanted and not args.rootfs:
        parser.error("need --rootfs")
    if not wanted and not args.check and not args.document:
        parser.error("nothing to do")
    return args


def machine():
    """The host's processor, and the number of processors."""
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        models = [line.split(":")[1].strip() for line in info if line.startswith("model name")]
    return f"{models[0] if models else platform.machine()}, {os.cpu_count()} processors"


def main():
    """Measure, write down, compare."""
    args = parse_arguments()
    # SIGTERM does what Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.makedirs(args.results, exist_ok=True)
    path = os.path.join(args.results, report.FILE)
    failures = []
    measured = []
    common = {"mode": "quick" if args.quick else "full", "complete": True,
              "machine": machine(), "date": datetime.date.today().isoformat(),
              "command": args.command}
    for method, unit, pairs in (("exact", "instructions", None), ("native", "ns", 15)):
        if getattr(args, method):
            base, *directories = getattr(args, method)
            run = Run(args, method, base, pairs, *directories)
            records = run.run()
            measured.append({"name": report.run_name(base, method, run.arch, machine()),
                             "arch": run.arch, "method": method, "unit": unit, "pairs": pairs,
                             "release": run.guests["on"].info["release"]} | common)
            measured[-1]["complete"] = not run.failures
            measured[-1]["cells"] = records
            report.put(path, measured[-1])
            failures += run.failures
    if args.accelerator:
        info, records = accelerator.run(args)
        measured.append({"name": f"accelerator-{info['accelerator']}", "method": "accelerator",
                         "arch": "x86_64", "unit": "µs", "pairs": accelerator.ROUNDS,
                         "release": info["release"]}
                        | common | {"cells": records})
        report.put(path, measured[-1])
    runs = report.load(path)
    if measured:
        print("\n" + report.summary(runs) + report.summary(runs, True) + f"Results: {path}",
              flush=True)
        report.plot(path, runs)
    for failure in failures:
        print(f"bench.py: FAILED {failure}", file=sys.stderr)
    if args.document and not failures:
        report.document(args.document, measured or runs)
    missed = bars.check(runs) if args.check else 0
    sys.exit(1 if failures or missed else 0)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("bench.py: interrupted")
    except GuestError as guest_error:
        sys.exit(f"bench.py: {guest_error}")
