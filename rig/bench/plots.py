# SPDX-License-Identifier: GPL-2.0
"""Plots of the results, made by gnuplot with the script beside this file."""

import os
import shutil
import subprocess

from matrix import BLOCK_SIZES


def columns(cells, rw):
    """The lines of a plot: a dictionary from their names to their values by bs."""
    def pick(kernel, sector_size, target="crypt"):
        found = {}
        for cell in cells:
            record = cell.get(kernel)
            if record and record["target"] == target and record["rw"] == rw \
               and record["role"] == "best" and record["key_bits"] == 512 \
               and record["sector_size"] == sector_size and record["iodepth"] == 1 \
               and record["workqueue"] in ("default", "-") \
               and record["iv"] == "plain64" and record["buffer"] == "pages" \
               and (target == "inlinecrypt" or not record["iv_large_sectors"]):
                found[record["bs"]] = record["value"]
        return found

    lines = {
        "512, unpatched": pick("unpatched", 512),
        "512, batching off": pick("patched-off", 512),
        "512, batching on": pick("patched-on", 512),
        "4096, unpatched": pick("unpatched", 4096),
        "4096, batching on": pick("patched-on", 4096),
        "dm-inlinecrypt, 512": pick("unpatched", 512, "inlinecrypt"),
        "cipher alone": pick("patched-on", 512, "cipher"),
    }
    return {name: found for name, found in lines.items() if found}


def write_data(path, cells):
    """Write a block of data for reading and one for writing; returns the lines of a plot.

    Gnuplot calls the number of a block its index.
    """
    count = 0
    with open(path, "w", encoding="utf-8") as file:
        for rw in ("read", "write"):
            lines = columns(cells, rw)
            count = len(lines)
            file.write("bs " + " ".join(f'"{name}"' for name in lines) + "\n")
            for bs in BLOCK_SIZES:
                if any(bs in found for found in lines.values()):
                    file.write(bs + "".join(f" {found.get(bs, 'NaN')}"
                                            for found in lines.values()) + "\n")
            file.write("\n\n")
    return count


def plot(here, directory, run, cells):
    """Make cost-BASE-METHOD.png and .svg, and .dat, which has their data."""
    if not cells:
        return
    name = os.path.join(directory, f"cost-{run['base']}-{run['method']}")
    count = write_data(name + ".dat", cells)
    if not count:
        return
    if not shutil.which("gnuplot"):
        print("bench.py: no plots, gnuplot is not installed (Debian package gnuplot-nox)")
        return
    unit = next(iter(cells[0].values()))["unit"]
    for kind, terminal in (("png", "pngcairo size 1200,600 font 'sans,11'"),
                           ("svg", "svg size 1200,600 dynamic font 'sans,11'")):
        settings = (f"data = '{name}.dat'; lines = {count}; unit = '{unit}';"
                    f" heading = 'Linux {run['base']}, {run['method']}';"
                    f" set terminal {terminal}; set output '{name}.{kind}'")
        subprocess.run(["gnuplot", "-e", settings, os.path.join(here, "cost.gnuplot")],
                       check=True)
    print(f"Plots: {name}.png {name}.svg")
