# SPDX-License-Identifier: GPL-2.0
"""Medians, and the spread of the values."""

import statistics

median = statistics.median


def spread(values):
    """The distance between the quartiles, relative to the median.

    Half of all values lie between the quartiles.  Fewer than two values have spread 0.
    """
    if len(values) < 2:
        return 0.0
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    middle = median(values)
    return abs((high - low) / middle) if middle else 0.0


def ratio(cell, kernel):
    """The cost on a kernel divided by the cost on the unpatched kernel, or None."""
    if kernel not in cell or "unpatched" not in cell:
        return None
    if "ratio" in cell[kernel]:
        return cell[kernel]["ratio"]
    return cell[kernel]["value"] / cell["unpatched"]["value"]
