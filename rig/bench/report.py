# SPDX-License-Identifier: GPL-2.0
"""Results: bench.json, the tables made of it, and the page of documentation."""

import json
import os
import sys

import bars
import plots
from stats import ratio

BEGIN = ".. The tables from here to the end mark are made by bench.py.\n"
END = ".. End of the tables that are made by bench.py.\n"

# Records of one cell agree in these fields, whatever their kernel is.
IDENTITY = ("base", "method", "target", "role", "cipher", "key_bits", "iv",
            "sector_size", "iv_large_sectors", "buffer", "workqueue", "iodepth", "rw",
            "bs")

HEAD = ("cipher", "key", "sector", "IV", "queues", "depth", "", "bs", "unpatched",
        "patched, off", "patched, on", "off/unp.", "on/unp.", "spread")


def replace_part(page, begin, end, tables):
    """Put tables into a page of documentation, between two lines of the page."""
    with open(page, encoding="utf-8") as file:
        text = file.read()
    if text.count(begin) != 1 or text.count(end) != 1:
        sys.exit(f"{os.path.basename(sys.argv[0])}: {page} does not say where the"
                 " tables belong")
    before, rest = text.split(begin)
    after = rest.split(end)[1]
    with open(page, "w", encoding="utf-8") as file:
        file.write(f"{before}{begin}\n{tables}\n{end}{after}")
    print(f"Documentation: {page}")


def group(records):
    """Group records into cells, in their order; a cell maps kernels to records."""
    found = {}
    for record in records:
        key = tuple(record[name] for name in IDENTITY)
        found.setdefault(key, {})[record["kernel"]] = record
    return list(found.values())


def row(cell):
    """A line of a table."""
    record = next(iter(cell.values()))
    values = [f"{cell[kernel]['value']:.1f}" if kernel in cell else ""
              for kernel in ("unpatched", "patched-off", "patched-on")]
    ratios = [ratio(cell, kernel) for kernel in ("patched-off", "patched-on")]
    name = record["cipher"]
    if record["target"] != "crypt":
        name = {"cipher": "alone: ", "inlinecrypt": "inlinecrypt: "}[record["target"]] \
            + name
    if record["buffer"] == "folio":
        name += ", folio"
    return [name, str(record["key_bits"]), str(record["sector_size"]),
            record["iv"] + (" large" if record["iv_large_sectors"] else ""),
            record["workqueue"], str(record["iodepth"]), record["rw"], record["bs"],
            *values, *("" if value is None else f"{value:.3f}" for value in ratios),
            f"{max(one.get('ratio_spread', one['spread']) for one in cell.values()):.1%}"]


def text_table(rows):
    """A table of plain text, with columns as wide as needed."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join("  ".join(word.ljust(width) if index in (0, 3, 4, 6)
                               else word.rjust(width)
                               for index, (word, width) in enumerate(zip(line, widths))
                               ).rstrip() for line in rows)


def rst_table(rows):
    """A simple table of reStructuredText.  The first cell of a line must not be empty."""
    widths = [max(max(map(len, column)), 1) for column in zip(*rows)]
    rule = "  ".join("=" * width for width in widths)
    lines = ["  ".join(word.ljust(width) for word, width in zip(line, widths)).rstrip()
             for line in rows]
    return "\n".join([rule, lines[0], rule, *lines[1:], rule])


class Results:
    """The measured results, in a directory."""

    def __init__(self, directory):
        self.directory = directory
        self.records = []
        self.runs = []
        os.makedirs(directory, exist_ok=True)

    def path(self, name):
        """A file in the directory."""
        return os.path.join(self.directory, name)

    def load(self):
        """Begin with the results that the directory has."""
        for attribute, name in (("records", "bench.json"), ("runs", "bench-runs.json")):
            if os.path.exists(self.path(name)):
                with open(self.path(name), encoding="utf-8") as file:
                    setattr(self, attribute, json.load(file))

    def save(self):
        """Write bench.json, a record a line, and bench-runs.json, about the runs."""
        for name, records in (("bench.json", self.records),
                              ("bench-runs.json", self.runs)):
            with open(self.path(name) + ".tmp", "w", encoding="utf-8") as file:
                file.write("[\n" + ",\n".join(map(json.dumps, records)) + "\n]\n")
            os.replace(self.path(name) + ".tmp", self.path(name))

    def put(self, records, run):
        """Replace the records of the same base and method with those of a new run."""
        key = (run["base"], run["method"])
        self.records = [old for old in self.records
                        if (old["base"], old["method"]) != key] + records
        self.runs = [old for old in self.runs
                     if (old["base"], old["method"]) != key] + [run]

    def of_run(self, run):
        """The cells of a run."""
        return group(record for record in self.records
                     if record["base"] == run["base"]
                     and record["method"] == run["method"])

    def print_tables(self):
        """All cells, on the terminal."""
        for run in self.runs:
            cells = self.of_run(run)
            if not cells:
                continue
            unit = next(iter(cells[0].values()))["unit"]
            print(f"\nLinux {run['base']}, {run['method']}: {unit} for 512 bytes, without"
                  f" those of the bare disk ({run['mode']} mode, {run['machine']})\n")
            print(text_table([HEAD] + [row(cell) for cell in cells]))
        print(f"\nResults: {self.path('bench.json')}", flush=True)

    def plot(self, here):
        """Draw plots, if gnuplot is installed."""
        for run in self.runs:
            plots.plot(here, self.directory, run, self.of_run(run))

    def check(self):
        """Compare with the bars; returns how many were missed."""
        return bars.check(self.runs, self.of_run)

    def document(self, page):
        """Put the tables of full and complete runs into a page of documentation."""
        of_record = [run for run in self.runs
                     if run["mode"] == "full" and run["complete"]]
        for run in self.runs:
            if run not in of_record:
                print(f"bench.py: {page} is for full runs, it leaves out"
                      f" {run['base']} {run['method']}")
        if not of_record:
            sys.exit(f"bench.py: nothing is left for {page}")
        replace_part(page, BEGIN, END, "\n".join(self.rst(run) for run in of_record))

    def rst(self, run):
        """The tables of a run: the main cells, then the largest I/O of all others."""
        cells = self.of_run(run)
        main, others = [], []
        for cell in cells:
            record = next(iter(cell.values()))
            if is_main(record):
                main.append(cell)
            elif record["bs"] == "1m":
                others.append(cell)
        releases = sorted(set(run["release"].values()))
        title = f"Linux {run['base']}, {run['method']}"
        unit = next(iter(cells[0].values()))["unit"]
        pairs = f", {run['pairs']} pairs" if run["pairs"] else ""
        parts = [
            title + "\n" + "-" * len(title) + "\n",
            f":Machine: {run['machine']}\n:Date: {run['date']}\n"
            f":Kernels: {', '.join(releases)}\n:Command: ``{run['command']}``\n"
            f":Unit: {unit} for 512 bytes{pairs}\n",
            rst_table([head(HEAD)] + [row(cell) for cell in main]) + "\n"]
        if others:
            parts += ["All else, with I/O of 1 MiB:\n",
                      rst_table([head(HEAD)] + [row(cell) for cell in others]) + "\n"]
        return "\n".join(parts)


def head(names):
    """Heads of columns, none of them empty, for reStructuredText."""
    return ["rw" if name == "" else name for name in names]


def is_main(record):
    """Does the main table show this record?"""
    return (record["target"] == "crypt" and record["role"] == "best"
            and record["key_bits"] == 512 and record["iv"] == "plain64"
            and record["iodepth"] == 1 and record["workqueue"] == "default"
            and record["buffer"] == "pages")
