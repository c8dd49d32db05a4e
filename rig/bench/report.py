# SPDX-License-Identifier: GPL-2.0
"""Results in files: runs with their cells, the table made of them, and plots.

A file is a JSON array of runs, named after base, method and, if time was measured, the
machine.  Each run has its cells, one a line, and facts about the run.
"""

import json
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
FILE = "performance.json"

# The names of the cells in the short table, and the heads of its columns.
SHOWN = [f"crypt-512-{rw}-{bs}" for bs in ("4k", "1m") for rw in ("read", "write")]
SHOWN += [f"crypt-512-{rw}-4k-direct{depth}" for depth in ("", "-32") for rw in ("read", "write")]
SHOWN += ["crypt-4096-read-1m", "crypt-4096-write-1m"]
SHOWN += [f"{cipher}-{sector}-{rw}-1m" for cipher in ("essiv", "cbc")
          for sector in (512, 4096) for rw in ("read", "write")]
SHOWN += ["inlinecrypt-512-read-1m", "inlinecrypt-4096-read-1m"]
HEAD = ("run", "cell", "unpatched", "patched, off", "patched, on",
        "off/unp.", "on/unp.", "spread", "cipher alone")


def load(path):
    """The runs of a file, none if there is no file."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def put(path, run):
    """Put a run into a file, in place of one of the same name."""
    def dump(value):
        return json.dumps(value, ensure_ascii=False)

    runs = {old["name"]: old for old in load(path)} | {run["name"]: run}
    text = []
    for facts in map(dict, runs.values()):
        cells = facts.pop("cells")
        text.append(dump(facts)[:-1] + ', "cells": [\n' + ",\n".join(map(dump, cells))
                    + "\n]}")
    with open(path + ".tmp", "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(text) + "\n]\n")
    os.replace(path + ".tmp", path)


def run_name(base, method, arch, machine=""):
    """The name of a run.  The machine matters only if time is measured."""
    name = f"{base}-{method}" + (f"-{arch}" if arch != "x86_64" else "")
    if machine and method == "native":
        model = re.sub(r"\([^)]*\)", "", machine.split(",")[0].lower())
        name += "-" + re.sub(r"\W+", "-", model.replace("processor", "")).strip("-")
    return name


def figures(cell):
    """The figures of a cell as words; those that it does not have are empty."""
    forms = {"unpatched": ".1f", "off": ".1f", "on": ".1f", "off_ratio": ".3f",
             "on_ratio": ".3f", "spread": ".1%"}
    return [format(cell[name], form) if name in cell else "" for name, form in forms.items()]


def table(rows):
    """A simple table of reStructuredText.  The first word of a row must not be empty."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    rule = "  ".join("=" * width for width in widths)
    lines = ["  ".join(word.ljust(width) for word, width in zip(row, widths)).rstrip()
             for row in rows]
    return "\n".join([rule, lines[0], rule, *lines[1:], rule])


def facts_of(run):
    """A line about a run."""
    return (f"- {run['name']}: {run['unit']} for 512 bytes, Linux {run['release']},"
            f" {run['machine']}, {run['date']}, ``{run['command']}``"
            + (f", {run['pairs']} rounds" if run["pairs"] else ""))


def short_rows(runs):
    """The rows of the short table."""
    rows = [HEAD]
    for run in runs:
        cells = {cell["name"]: cell for cell in run["cells"]}
        for name in SHOWN:
            if name in cells:
                alone = cells.get("cipher" + name.removeprefix("crypt"), {})
                rows.append([run["name"], name, *figures(cells[name]), figures(alone)[2]])
    return rows


def summary(runs, accelerator=False):
    """Facts about the runs with the accelerator, and a table of all their figures; or about
    all other runs, and the short table."""
    runs = [run for run in runs if (run["method"] == "accelerator") == accelerator]
    if not runs:
        return ""
    if accelerator:
        rows = [["run", *runs[0]["cells"][0]]]
        rows += [[run["name"], *map(str, cell.values())] for run in runs for cell in run["cells"]]
    else:
        rows = short_rows(runs)
    return "\n".join(map(facts_of, runs)) + "\n\n" + table(rows) + "\n\n"


def gain(runs):
    """The administrators' table: the time of reads, and how they were measured."""
    rows = [["run", "sector size", "size of I/O", "without", "with", "ratio"]]
    native = [run for run in runs if run["unit"] == "ns"]
    for run in native:
        cells = {cell["name"]: cell for cell in run["cells"]}
        for name in (f"crypt-{sector}-read-{size}" for sector in (512, 4096)
                     for size in ("4k", "16k", "64k", "1m")):
            if name in cells:
                unpatched, _, on, _, ratio, _ = figures(cells[name])
                rows.append([run["name"], *name.split("-")[1::2], unpatched, on, ratio])
    return "\n".join(map(facts_of, native)) + "\n\n" + table(rows)


def plot(path, runs):
    """Draw complete runs beside their file, if gnuplot is installed; returns the pictures."""
    if not shutil.which("gnuplot"):
        print("No plots: gnuplot is not installed (Debian package gnuplot-nox)")
    pictures = []
    for run in runs:
        if run["method"] == "accelerator" or not run["complete"]:
            continue
        pictures.append(f"{os.path.splitext(path)[0]}-{run['name']}.svg")
        if shutil.which("gnuplot"):
            subprocess.run(["gnuplot", "-c", os.path.join(HERE, "cost.gnuplot"), path,
                            run["name"], run["unit"], pictures[-1]], check=True)
            print(f"Plot: {pictures[-1]}")
    return pictures


def fill(page, name, text):
    """Put text into a page of documentation, between two marks of this name."""
    begin = f".. {name} begins: rig/bench makes it from {FILE}\n"
    end = f".. {name} ends\n"
    with open(page, encoding="utf-8") as file:
        old = file.read()
    if old.count(begin) != 1 or old.count(end) != 1:
        sys.exit(f"{os.path.basename(sys.argv[0])}: {page} does not say where the {name}"
                 " belongs")
    before, rest = old.split(begin)
    after = rest.split(end)[1]
    with open(page, "w", encoding="utf-8") as file:
        file.write(f"{before}{begin}\n{text.rstrip()}\n\n{end}{after}")
    print(f"Documentation: {page}")


def document(page, runs):
    """Put full and complete runs into the file beside a page, draw the runs of that file,
    and put the tables and the plots into the page."""
    path = os.path.join(os.path.dirname(page), FILE)
    for run in runs:
        if run["mode"] == "full" and run["complete"]:
            put(path, run)
        else:
            print(f"{page} is for full runs, it leaves out {run['name']}")
    runs = load(path)
    pictures = [f".. image:: {os.path.basename(picture)}\n" for picture in plot(path, runs)]
    fill(page, "table", summary(runs) + "".join(pictures))
    fill(page, "accelerator", summary(runs, True))
    fill(os.path.join(os.path.dirname(page), "dm-crypt-mdu.rst"), "gain", gain(runs))
