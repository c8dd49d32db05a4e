#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Benchmark dm-crypt with and without requests of many data units.

Two methods: "exact" counts instructions in QEMU, "native" measures the time in
User-mode Linux.  UNPATCHED-DIR and PATCHED-DIR are the build directories of kernels,
made by build-kernel.sh or build-uml.sh with --module module.  The host should have
nothing else to do for "native"; other load does not disturb "exact".
"""

import argparse
import concurrent.futures
import datetime
import os
import platform
import signal
import sys
import threading
import time

# Write no bytecode to the source tree.
sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
import matrix
import measure
import report
from guest import GuestError, QemuGuest, UmlGuest

HERE = os.path.dirname(os.path.abspath(__file__))


class Progress:
    """Print what was done, how much of all that is, and the time that is left."""

    def __init__(self, name, total):
        self.name = name
        self.total = total
        self.done = 0
        self.started = time.monotonic()
        self.lock = threading.Lock()

    @staticmethod
    def clock(seconds):
        """Minutes and seconds."""
        return f"{int(seconds) // 60}:{int(seconds) % 60:02}"

    def step(self, text):
        """Count one more as done, and print text about it."""
        with self.lock:
            self.done += 1
            elapsed = time.monotonic() - self.started
            left = elapsed / self.done * (self.total - self.done)
            print(f"[{self.name} {self.done}/{self.total}, {self.clock(elapsed)},"
                  f" {self.clock(left)} left] {text}", flush=True)


class Run:
    """One method on the kernels of one base."""

    def __init__(self, args, method, base, unpatched, patched):
        self.args = args
        self.method = method
        self.base = base
        self.directories = {"unpatched": unpatched, "patched-off": patched,
                            "patched-on": patched}
        self.logs = os.path.join(args.results, "logs")
        self.guests = {}
        self.records = []
        self.failures = []
        self.stop = False

    def start_guest(self, kernel, name):
        """Start the guest for a kernel."""
        kind = QemuGuest if self.method == "exact" else UmlGuest
        guest = kind(f"{self.base}-{self.method}-{name}", self.logs,
                     self.directories[kernel], self.args.rootfs)
        expected = "no" if kernel == "unpatched" else "yes"
        if guest.info["mdu"] != expected:
            guest.kill()
            guest.fail(f"not the kernel that it should be, {guest.info}")
        return guest

    def start_guests(self):
        """Start all guests.  In native mode, batching on and off share a guest, so that
        they differ in nothing else.  Guests that count can run on several processors.
        """
        shared = self.method == "native"
        for kernel in matrix.KERNELS:
            name = kernel.split("-", maxsplit=1)[0] if shared else kernel
            for other, guest in self.guests.items():
                if shared and self.directories[other] == self.directories[kernel]:
                    self.guests[kernel] = guest
                    break
            else:
                self.guests[kernel] = self.start_guest(kernel, name)
            print(f"{self.base} {self.method}: {kernel} is Linux"
                  f" {self.guests[kernel].info['release']}", flush=True)

    def cells(self):
        """The cells of the mode."""
        if self.args.quick:
            found = matrix.quick()
        else:
            has = self.guests["unpatched"].info["inlinecrypt"] == "yes"
            if not has:
                print(f"{self.base} {self.method}: this kernel has no dm-inlinecrypt")
            found = matrix.full(self.method, has)
        return [cell for cell in found if self.args.only in cell.label()]

    def fail(self, cell, kernel, error):
        """Note a cell that could not be measured; returns a line about it."""
        text = f"{self.base} {self.method} {kernel}, {cell.label()}: {error}"
        self.failures.append(text)
        return f"FAILED {text}"

    def exact_cells(self, kernel, cells, progress):
        """Measure all cells on one kernel."""
        found = []
        guest = self.guests[kernel]
        for cell in cells:
            if self.stop:
                break
            try:
                record = measure.exact(self.base, guest, kernel, cell)
                found.append((cell, record))
                text = (f"{kernel} {cell.label()}: {record['value']}"
                        f" +-{record['spread']:.2%} {record['runs']} runs")
            except (GuestError, OSError) as error:
                text = self.fail(cell, kernel, error)
            progress.step(text)
            if guest.process.poll() is not None:
                break
        return found

    def run_exact(self, cells):
        """Count instructions, on all kernels at the same time."""
        wanted = {kernel: [cell for cell in cells if kernel in cell.kernels]
                  for kernel in self.guests}
        progress = Progress(f"{self.base} exact", sum(map(len, wanted.values())))
        found = {}
        with concurrent.futures.ThreadPoolExecutor(len(wanted)) as pool:
            futures = [pool.submit(self.exact_cells, kernel, wanted[kernel], progress)
                       for kernel in wanted]
            try:
                for future in futures:
                    for cell, record in future.result():
                        found[cell, record["kernel"]] = record
            except BaseException:
                # Threads that wait for a guest notice that the guest is gone.
                self.stop = True
                self.kill()
                raise
        self.records = [found[cell, kernel] for cell in cells for kernel in cell.kernels
                        if (cell, kernel) in found]
        if progress.done != progress.total:
            self.failures.append(f"{self.base} exact: {progress.total - progress.done}"
                                 " cells were not measured, as the guest is gone")

    def run_native(self, cells):
        """Measure the time, one run after the other."""
        load = os.getloadavg()[0]
        if load > 0.5:
            print(f"{self.base} native: something else is running on this machine (load"
                  f" {load:.1f}), the figures will be less exact")
        progress = Progress(f"{self.base} native", len(cells))
        for cell in cells:
            try:
                found = measure.native(self.base, self.guests, cell, self.args.pairs)
                self.records += found
                text = f"{cell.label()}:" + "".join(
                    f" {record['kernel']} {record['value']} ({record['ratio']:.3f}"
                    f" +-{record['ratio_spread']:.1%})" for record in found)
            except (GuestError, OSError) as error:
                text = self.fail(cell, "all", error)
            progress.step(text)
            for guest in self.guests.values():
                if guest.process.poll() is not None:
                    self.failures.append(f"{self.base} native: {guest.name} is gone,"
                                         f" {progress.total - progress.done} cells"
                                         " were not measured")
                    return

    def run(self):
        """Measure all cells; returns the records."""
        try:
            self.start_guests()
            cells = self.cells()
            if not cells:
                sys.exit(f"bench.py: no cell has '{self.args.only}' in its name")
            if self.method == "exact":
                self.run_exact(cells)
            else:
                self.run_native(cells)
            for guest in self.guests.values():
                if guest.process.poll() is None:
                    guest.close()
        finally:
            self.kill()
        return self.records

    def kill(self):
        """End all guests."""
        for guest in self.guests.values():
            guest.kill()


def parse_arguments():
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true",
                        help="only the cells that the bars need, about 2 minutes")
    for method in ("exact", "native"):
        parser.add_argument(
            f"--{method}", nargs=3, action="append", default=[],
            metavar=("BASE", "UNPATCHED-DIR", "PATCHED-DIR"),
            help=f"measure these two kernels with the method {method};"
                 " several times for several bases")
    parser.add_argument("--rootfs", help="image made by ../boot/build-rootfs.sh")
    parser.add_argument("--results", required=True, metavar="DIR",
                        help="for bench.json, plots and logs")
    parser.add_argument("--keep", action="store_true",
                        help="keep the records of other bases and methods in bench.json")
    parser.add_argument("--pairs", type=int, default=15,
                        help="native: runs of each kernel (default 15)")
    parser.add_argument("--only", default="", metavar="TEXT",
                        help="only cells with TEXT in their printed name")
    parser.add_argument("--command", default=" ".join(["bench.py"] + sys.argv[1:]),
                        help="command line to record with the figures")
    parser.add_argument("--document", metavar="RST",
                        help="also write the tables into this page")
    parser.add_argument("--check", action="store_true",
                        help="compare bench.json with the bars, in TAP; alone, or after"
                             " measuring")
    return parser.parse_args()


def machine():
    """The host's processor, and the number of processors."""
    model = platform.machine()
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        for line in info:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return f"{model}, {os.cpu_count()} processors"


def stop(_signal, _frame):
    """Handle SIGTERM like Ctrl-C."""
    raise KeyboardInterrupt


def main():
    """Measure, write down, compare."""
    args = parse_arguments()
    signal.signal(signal.SIGTERM, stop)
    wanted = [("exact", *words) for words in args.exact] + \
             [("native", *words) for words in args.native]
    if wanted and not args.rootfs:
        sys.exit("bench.py: need --rootfs, see --help")
    if not wanted and not args.check and not args.document:
        sys.exit("bench.py: nothing to do, see --help")
    if args.pairs < 2:
        sys.exit("bench.py: need at least 2 pairs")

    results = report.Results(args.results)
    if args.keep or not wanted:
        results.load()
    failures = []
    for method, base, unpatched, patched in wanted:
        run = Run(args, method, base, unpatched, patched)
        started = datetime.datetime.now().astimezone()
        records = run.run()
        failures += run.failures
        results.put(records, {
            "base": base,
            "method": method,
            "mode": "quick" if args.quick else "full",
            "complete": not (run.failures or args.only),
            "machine": machine(),
            "date": started.date().isoformat(),
            "seconds": int((datetime.datetime.now().astimezone() - started)
                           .total_seconds()),
            "release": {kernel: guest.info["release"]
                        for kernel, guest in run.guests.items()},
            "pairs": args.pairs if method == "native" else None,
            "command": args.command,
        })
        results.save()
    if wanted:
        results.print_tables()
        results.plot(HERE)
    for failure in failures:
        print(f"bench.py: FAILED {failure}", file=sys.stderr)
    if args.document and not failures:
        results.document(args.document)
    missed = results.check() if args.check else 0
    sys.exit(1 if failures or missed else 0)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("bench.py: interrupted")
    except GuestError as guest_error:
        sys.exit(f"bench.py: {guest_error}")
