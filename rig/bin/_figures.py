#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Copy stdin to stdout.  Replace @RUN:CELL:VALUE@ by that figure of guide/performance.json,
rounded as in the tables of guide/, and fail if the file does not have the figure.  In a table,
@RUN:CELL:VALUE:WIDTH@ puts spaces before the figure.
"""

import json
import pathlib
import re
import sys

FILE = pathlib.Path(__file__).parents[2] / "guide/performance.json"
RUNS = {run["name"]: run for run in json.loads(FILE.read_text(encoding="utf-8"))}


def figure(match):
    """The figure that a match names."""
    name, cell_name, value, width = match.groups()
    run = RUNS.get(name, {"cells": []})
    cell = next((cell for cell in run["cells"] if cell["name"] == cell_name), {})
    if value not in cell:
        sys.exit(f"guide/{FILE.name} has no {match[0]}")
    if value == "spread":
        return f"{100 * cell[value]:.0f} %"
    if value.endswith("ratio"):
        form = ".2f"
    else:
        form = ".0f" if run["unit"] == "instructions" else ".1f"
    return format(cell[value], form).rjust(int(width or 0))


sys.stdout.write(re.sub(r"@([-.\w]+):([-.\w]+):(\w+)(?::(\d+))?@", figure, sys.stdin.read()))
