# SPDX-License-Identifier: GPL-2.0
"""The bars that the series has to pass, as TAP.

A bar for counted instructions is one test for each base.  The worst of its cells
decides, and is named.  Time depends on the host and the day.  It is compared with the
bar, but decides nothing.  An aim decides nothing, either: the page with the results
says what keeps the series from the aim.
"""

import math
from dataclasses import dataclass

from stats import ratio


@dataclass(frozen=True)
class Bar:
    """A bar: the matching cells, the figure of a cell, and the limit of the figure."""
    text: str
    methods: tuple
    limit: float
    match: callable
    figure: callable
    aim: bool = False


def field(cell, name):
    """A field that is the same for all kernels of a cell."""
    return next(iter(cell.values()))[name]


def against_unpatched(kernel):
    """The cost on a kernel, divided by the cost on the unpatched kernel."""
    return lambda cell, _cells: ratio(cell, kernel)


def beyond_noise(kernel):
    """The same ratio; if above 1, less what may be chance: two standard errors.

    If n values are normally distributed and their quartiles are a distance d apart,
    the standard error of their median is 0.93 d / sqrt(n).
    """
    def figure(cell, _cells):
        value = ratio(cell, kernel)
        if value is None:
            return None
        errors = [0.93 * cell[name]["spread"] / math.sqrt(cell[name]["runs"])
                  for name in (kernel, "unpatched")]
        return value - 2 * math.hypot(*errors) if value > 1 else value
    return figure


def other_cell(cell, cells, **changes):
    """The cell that differs from this one in the named fields only."""
    same = ("cipher", "key_bits", "iv", "sector_size", "iv_large_sectors", "buffer",
            "workqueue", "iodepth", "rw", "bs", "target")
    for other in cells:
        if all(field(other, name) == changes.get(name, field(cell, name))
               for name in same):
            return other
    return None


def against_cipher(cell, cells):
    """The cost with batching, divided by the cost of the cipher alone."""
    alone = other_cell(cell, cells, target="cipher", workqueue="-", iodepth=1,
                       buffer="pages")
    if not alone or "patched-on" not in cell or "patched-on" not in alone:
        return None
    return cell["patched-on"]["value"] / alone["patched-on"]["value"]


def against_large_sectors(cell, cells):
    """The cost with batching, divided by that of 4096-byte sectors, unpatched."""
    large = other_cell(cell, cells, sector_size=4096)
    if not large or "patched-on" not in cell or "unpatched" not in large:
        return None
    return cell["patched-on"]["value"] / large["unpatched"]["value"]


def best(cell, sector_size, *sizes):
    """Is this the processor's best cipher with these sectors and block sizes?

    A timed cell must have depth 1: no cache has room for many large blocks, so that
    the memory decides their time.
    """
    return (field(cell, "target") == "crypt" and field(cell, "role") == "best"
            and (field(cell, "iodepth") == 1 or field(cell, "method") == "exact")
            and field(cell, "iv") == "plain64"
            and field(cell, "sector_size") == sector_size
            and (not sizes or field(cell, "bs") in sizes))


def of_others(cell):
    """Must this cell cost no more with batching on than on the unpatched kernel?"""
    return field(cell, "target") == "crypt" and \
        (field(cell, "iv") != "plain64" or field(cell, "sector_size") == 4096)


def left_beyond_cipher(cell, cells):
    """The part of the cost beyond the cipher's that batching leaves.

    The cipher alone gets whole bios here.
    """
    alone = other_cell(cell, cells, target="cipher", workqueue="-", iodepth=1,
                       buffer="pages")
    if not alone or "patched-on" not in alone or "patched-on" not in cell:
        return None
    cipher = alone["patched-on"]["value"]
    return (cell["patched-on"]["value"] - cipher) / (cell["unpatched"]["value"] - cipher)


def avx512(cell):
    """Is this a cipher for AVX-512?  The slower AES is, the less batching gains."""
    return field(cell, "cipher").endswith("512")


BOTH = ("exact", "native")
ON = against_unpatched("patched-on")
BARS = (
    # 0.36 to 0.39 on Zen 5; 0.51 to 0.55 on a Xeon that takes twice the time for AES.
    Bar("1 MiB, 512-byte sectors, AVX-512: batched against unpatched", ("native",), 0.60,
        lambda cell: best(cell, 512, "1m") and avx512(cell), ON),
    Bar("1 MiB, 512-byte sectors: batched against unpatched", ("native",), 0.40,
        lambda cell: best(cell, 512, "1m"), ON, aim=True),
    # This figure is 0.03 to 0.05 on both processors.
    Bar("1 MiB, 512-byte sectors: what is left of what is not the cipher's", ("native",),
        0.15, lambda cell: best(cell, 512, "1m"), left_beyond_cipher),
    Bar("1 MiB, 512-byte sectors: batched against the cipher alone", ("native",), 1.25,
        lambda cell: best(cell, 512, "1m"), against_cipher, aim=True),
    # The code for AES-NI alone takes 0.6 of the instructions.
    Bar("1 MiB, 512-byte sectors: batched against unpatched", ("exact",), 0.70,
        lambda cell: best(cell, 512, "1m"), ON),
    Bar("1 MiB, 512-byte sectors: batched against unpatched", ("exact",), 0.50,
        lambda cell: best(cell, 512, "1m"), ON, aim=True),
    Bar("1 MiB, 512-byte sectors: what is left of what is not the cipher's", ("exact",),
        0.10, lambda cell: best(cell, 512, "1m"), left_beyond_cipher),
    Bar("1 MiB: 512-byte sectors batched against 4096-byte sectors unpatched", BOTH,
        1.00, lambda cell: best(cell, 512, "1m"), against_large_sectors, aim=True),
    Bar("1 MiB: 512-byte sectors batched against 4096-byte sectors unpatched",
        ("exact",), 1.05, lambda cell: best(cell, 512, "1m"), against_large_sectors),
    Bar("smaller: 512-byte sectors batched against 4096-byte sectors unpatched",
        ("exact",), 1.12, lambda cell: best(cell, 512, "4k", "16k", "64k", "128k"),
        against_large_sectors),
    Bar("4 KiB, 512-byte sectors: batched against unpatched", ("exact",), 0.88,
        lambda cell: best(cell, 512, "4k"), ON),
    Bar("4 KiB, 512-byte sectors: batched against unpatched", BOTH, 0.80,
        lambda cell: best(cell, 512, "4k"), ON, aim=True),
    Bar("1 MiB, 4096-byte sectors: batched against unpatched", ("native",), 0.90,
        lambda cell: best(cell, 4096, "1m"), ON, aim=True),
    Bar("batching off against unpatched, without noise", ("exact",), 1.01,
        lambda cell: field(cell, "target") == "crypt", beyond_noise("patched-off")),
    Bar("not eligible or 4096-byte sectors against unpatched, without noise", ("exact",),
        1.01, of_others, beyond_noise("patched-on")),
)


def describe(cell):
    """Name a cell."""
    names = ["cipher", "key_bits", "iv", "sector_size", "rw", "bs"]
    words = [str(field(cell, name)) for name in names]
    words.append(f"depth {field(cell, 'iodepth')}")
    if field(cell, "iv_large_sectors"):
        words.append("iv_large_sectors")
    if field(cell, "workqueue") == "none":
        words.append("no workqueue")
    if field(cell, "buffer") != "pages":
        words.append(field(cell, "buffer"))
    return " ".join(words)


def decides(run, bar):
    """Whether the bar is a test."""
    return not bar.aim and run["method"] == "exact"


def check(runs, of_run):
    """Print a line for each bar and aim; returns how many bars were missed."""
    cases = [(run, bar) for run in runs for bar in BARS if run["method"] in bar.methods]
    tests = sum(decides(run, bar) for run, bar in cases)
    print(f"TAP version 13\n1..{max(tests, 1)}")
    if not tests:
        print("not ok 1 there are results")
        return 1
    number = missed = 0
    for run, bar in cases:
        cells = of_run(run)
        text = f"{run['base']} {run['method']}: {bar.text}"
        figures = [(value, cell) for cell in cells if bar.match(cell)
                   for value in [bar.figure(cell, cells)] if value is not None]
        number += decides(run, bar)
        if not figures:
            if decides(run, bar):
                print(f"ok {number} {text} # SKIP not measured")
            continue
        value, worst = max(figures, key=lambda pair: pair[0])
        reached = value <= bar.limit
        text += f", {value:.3f} of {bar.limit:.2f}"
        if not decides(run, bar):
            print(f"# {'reached' if reached else 'missed'}, no test: {text}")
        else:
            missed += not reached
            print(f"{'ok' if reached else 'not ok'} {number} {text}")
        above = sum(figure > bar.limit for figure, _ in figures)
        print(f"# worst of {len(figures)} cells, {above} above: {describe(worst)}")
    return missed
