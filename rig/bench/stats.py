# SPDX-License-Identifier: GPL-2.0
"""Medians, and how far apart the values are that they stand for."""

import statistics

median = statistics.median


def spread(values):
    """The distance of the quartiles, relative to the median.

    Half of all values lie within that distance.  Of fewer than two values it is 0.
    """
    if len(values) < 2:
        return 0.0
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    middle = median(values)
    return abs((high - low) / middle) if middle else 0.0


def ratio(cell, kernel):
    """What a kernel's cost is of that of the unpatched one."""
    if kernel not in cell or "unpatched" not in cell:
        return None
    if "ratio" in cell[kernel]:
        return cell[kernel]["ratio"]
    return cell[kernel]["value"] / cell["unpatched"]["value"]
